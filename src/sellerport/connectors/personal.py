"""Personal data of buyers, taken out of what a model reads.

What such data is called is `sellerport.catalog.personal`'s to say. Besides, objects are personal that restricted data
tokens open (``buyerInfo``, ``shippingAddress``: the catalogue says which), and documents are that have an address on
them.
"""

from __future__ import annotations

import re
from copy import copy
from functools import cache
from typing import Any

from sellerport import catalog
from sellerport.catalog.personal import ADDRESS, FIELD, KEPT, PERSON, SENDERS, plain

REDACTED = "[redacted: personal data]"

_DOCUMENT = frozenset(("content", "contents"))
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]{100,}")


def without(value: Any) -> Any:
    """Return JSON without personal data of buyers; the value itself where it has none.

    What stands in its place says so, and never what it was.
    """
    if isinstance(value, dict):
        if any(ADDRESS.fullmatch(plain(name)) and one not in (None, "") for name, one in value.items()):
            return _person(value)
        return _same(value, {name: _named(name, one) for name, one in value.items()})
    if isinstance(value, list | tuple):
        found = [without(one) for one in value]
        return found if any(new is not old for new, old in zip(found, value, strict=True)) else value
    return value


def _named(name: str, value: Any) -> Any:
    key = plain(name)
    if isinstance(value, dict | list):
        if SENDERS.fullmatch(key):
            return value
        return _person(value) if PERSON.fullmatch(key) or key in _restricted() else without(value)
    if FIELD.fullmatch(key) and value not in (None, ""):
        return REDACTED
    if key in _DOCUMENT and isinstance(value, str) and _BASE64.fullmatch(value):  # a label: it has an address on it
        return REDACTED
    return value


def _person(value: Any) -> Any:
    if isinstance(value, dict):
        return _same(value, {name: one if KEPT.fullmatch(plain(name)) else _person(one) for name, one in value.items()})
    if isinstance(value, list):
        return [_person(one) for one in value]
    return value if value is None or value == "" or isinstance(value, bool) else REDACTED


def _same(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    if all(new[name] is old[name] for name in old):
        return old
    made = copy(old)  # whatever kind of dict it is
    made.update(new)
    return made


@cache
def _restricted() -> frozenset[str]:
    restricted = (one.restricted.elements for one in catalog.operations() if one.restricted is not None)
    return frozenset(plain(name) for elements in restricted for name in elements)
