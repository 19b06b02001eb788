"""The older spelling of the same rows: SD and the targeting of SB v3 have numbers for ids, and lower case."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sellerport.emulator.ads.call import AdsCall, Refused
from sellerport.emulator.ads.rules import Trouble

STATES = ("enabled", "paused", "archived", "pending", "draft")


def camel(text: str) -> str:
    """Return a value of an enumeration in lower case: ``ASIN_SAME_AS`` is ``asinSameAs``."""
    first, *rest = text.lower().split("_")
    return first + "".join(word.capitalize() for word in rest)


def upper(text: Any) -> str:
    """Return a value of an enumeration as rows have it: ``asinSameAs`` is ``ASIN_SAME_AS``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", str(text)).upper()


def expression(predicates: Sequence[Mapping[str, Any]], spell: Any) -> list[dict[str, Any]]:
    """Return what is targeted with its types spelled otherwise; a predicate may hold others."""
    return [
        {
            name: spell(value) if name == "type" else expression(value, spell) if isinstance(value, list) else value
            for name, value in one.items()
        }
        for one in predicates
    ]


def items(body: Any, most: int) -> list[dict[str, Any]]:
    """Return the items of a write that is a bare list.

    Raises:
        Refused: it is no list of objects, or too long.
    """
    if not isinstance(body, list) or not all(isinstance(one, dict) for one in body):
        raise Refused(400, {"code": "400", "details": "The request body has to be a list of objects"})
    if len(body) > most:
        raise Refused(400, {"code": "400", "details": f"At most {most} items can be written at once"})
    return body


def said(troubles: Sequence[Trouble]) -> dict[str, Any]:
    """Return what was wrong with an item, as one code and one text."""
    first = troubles[0].type
    code = "NOT_FOUND" if first == "entityNotFoundError" else "INVALID_ARGUMENT"
    return {"code": code, "description": "; ".join(one.message for one in troubles)}


def states(call: AdsCall) -> frozenset[str] | None:
    """Return the states that a query wants, as rows have them.

    Raises:
        Refused: there is no such state.
    """
    wanted = call.many("stateFilter")
    unknown = [one for one in wanted if one not in STATES]
    if unknown:
        details = f"stateFilter has an unknown value: {unknown[0]}"
        raise Refused(400, {"code": "400", "details": details})
    return frozenset(map(upper, wanted)) or None


def checked(item: Mapping[str, Any], numbers: Sequence[str], texts: Mapping[str, Sequence[str]]) -> list[Trouble]:
    """Return what of an item cannot be read."""
    found = [
        f"{name} must be a number"
        for name in numbers
        if item.get(name) is not None and type(item[name]) not in (int, float)
    ]
    found += [
        f"{name} must be one of: {', '.join(allowed)}"
        for name, allowed in texts.items()
        if item.get(name) is not None and item[name] not in allowed
    ]
    for name in ("expression", "expressions"):
        held = item.get(name) or []
        if not isinstance(held, list) or not all(isinstance(one, dict) for one in held):
            found.append(f"{name} must be a list of objects")
    return [Trouble("rangeError", "INVALID_ENUM_VALUE", message) for message in found]
