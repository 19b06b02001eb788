"""What callers send, decoded; every problem is found, and named by its field."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec.structs import fields

from sellerport.errors import InvalidArguments, NotAllowed, Problem
from sellerport.server.hub import Caller

T = TypeVar("T", bound=msgspec.Struct)

_AT = re.compile(r" - at `\$(?P<path>.*)`$")

NO_NUL = "must hold no NUL character: no name and no text has one, and PostgreSQL keeps none"

TENANT_NAMES = ("workspace_name", "customer_name", "external_user_id")
"""One thing under the three names it has had; a caller may use any."""


class Named(msgspec.Struct, kw_only=True):
    """Whose something is to be, under whichever of the three names."""

    workspace_name: str | None = None
    customer_name: str | None = None
    external_user_id: str | None = None


def decode(body: bytes, kind: type[T]) -> T:
    """Decode a JSON body.

    Raises:
        InvalidArguments: it is no JSON object, or lists every field that is missing or of another type.
    """
    try:
        given = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        given = None
    if not isinstance(given, dict):
        raise InvalidArguments(problems=[Problem("body", "must be a JSON object")])
    if b"\\u0000" in body and _has_nul(given):
        raise InvalidArguments(problems=[Problem("body", NO_NUL)])
    problems, values = [], {}
    if kind.__struct_config__.forbid_unknown_fields:
        names = {wanted.name for wanted in fields(kind)}
        problems += [Problem(name, "is not known here") for name in given if name not in names]
    for wanted in fields(kind):
        if wanted.name not in given:
            if wanted.required:
                problems.append(Problem(wanted.name, "is required"))
            continue
        try:
            values[wanted.name] = msgspec.convert(given[wanted.name], wanted.type)
        except msgspec.ValidationError as error:
            problems.append(_problem(wanted.name, str(error)))
    if problems:
        raise InvalidArguments(problems=problems)
    return kind(**values)


def _has_nul(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_nul, value)) or any(map(_has_nul, value.values()))
    if isinstance(value, list):
        return any(map(_has_nul, value))
    return isinstance(value, str) and "\0" in value


def tenant(given: Mapping[str, str | None], names: Sequence[str] = TENANT_NAMES) -> str | None:
    """Return the organization's user that a body or query names, under whichever of the three names.

    Raises:
        InvalidArguments: it names two different ones, or an empty one, which is not everyone.
    """
    said = {name: value for name in names if (value := given.get(name)) is not None}
    problems = [Problem(name, "must not be empty") for name, value in said.items() if not value]
    if len(set(said.values())) > 1:
        problems += [Problem(name, "names another one than the others do") for name in said]
    if problems:
        raise InvalidArguments(problems=problems)
    return next(iter(said.values()), None)


def named(given: Named, caller: Caller) -> str:
    """Return the organization's user that a body names; who has a scoped token need not name their own.

    Raises:
        InvalidArguments: it names none, or as `tenant`.
        NotAllowed: it names another than the token's.
    """
    found = tenant({name: getattr(given, name) for name in TENANT_NAMES}) or caller.customer
    if found is None:
        raise InvalidArguments(problems=[Problem(TENANT_NAMES[0], f"is required (or {' or '.join(TENANT_NAMES[1:])})")])
    if caller.customer not in (None, found):
        raise NotAllowed("this scoped token is for another workspace")
    return found


def _problem(field: str, message: str) -> Problem:
    """Take apart a message of msgspec's: ``Expected `str`, got `int` - at `$[0]```."""
    where = _AT.search(message)
    path = where["path"] if where else ""
    return Problem(field + path.replace("[...]", ".*").replace("[", ".").replace("]", ""), _AT.sub("", message))
