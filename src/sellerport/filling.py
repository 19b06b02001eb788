"""The client's marketplace, wherever a call takes one and names none; and ids, where it names countries.

A client that was made for a country asks about that country, also where Amazon would answer for all of the account's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

from sellerport import catalog, regions
from sellerport.catalog import Operation, Parameter
from sellerport.operations import MARKETPLACE_PARAMETERS
from sellerport.regions import Marketplace

Arguments = Mapping[str, Any]


def fill(operation: Operation, arguments: Arguments, marketplace: Marketplace, optional: bool) -> dict[str, Any]:
    """Return the arguments with marketplaces.

    Args:
        operation: which.
        arguments: in either spelling.
        marketplace: what to give where nothing is given.
        optional: whether to give it also where Amazon does not require one.
    """
    filled = dict(arguments)
    for parameter in _parameters(operation.key):
        name = parameter.name if filled.get(parameter.name) is not None else parameter.wire
        given = filled.get(name)
        if given is not None:
            filled[name] = _ids(given)
        elif (parameter.required or optional) and not _alone(operation, filled):
            filled[parameter.name] = marketplace.id
    body = filled.get("body")
    if isinstance(body, Mapping) and (field := _field(operation)):
        given = body.get(field.name)
        given = ([marketplace.id] if field.many else marketplace.id) if given is None else _ids(given)
        filled["body"] = {**body, field.name: given}
    return filled


def unfilled(operation: Operation, filled: Arguments, arguments: Arguments) -> dict[str, Any]:
    """Return filled arguments without what `fill` gave, so that somebody else may fill in another marketplace."""
    left = dict(filled)
    for parameter in _parameters(operation.key):
        if arguments.get(parameter.name) is None and arguments.get(parameter.wire) is None:
            left.pop(parameter.name, None)
    field, body = _field(operation), arguments.get("body")
    if field is not None and isinstance(body, Mapping) and body.get(field.name) is None:
        left["body"] = {name: value for name, value in left["body"].items() if name != field.name}
    return left


def _ids(given: Any) -> Any:
    """Return marketplaces, one or several, with ids for countries."""
    if isinstance(given, Iterable) and not isinstance(given, str | bytes):
        return [regions.marketplace_id(one) for one in given]
    return regions.marketplace_id(given)


def _alone(operation: Operation, arguments: Arguments) -> bool:
    """Whether a page token is given that no other parameter may stand beside."""
    if operation.paging is None or not operation.paging.alone:
        return False
    token = operation.paging.token
    names = [name for one in operation.parameters if one.wire == token for name in (one.name, one.wire)]
    return any(arguments.get(name) is not None for name in names)


@cache
def _parameters(key: str) -> tuple[Parameter, ...]:
    return tuple(one for one in catalog.find(key).parameters if one.name in MARKETPLACE_PARAMETERS)


class _Field(NamedTuple):
    name: str
    many: bool


def _field(operation: Operation) -> _Field | None:
    """Return which field of the body has to name a marketplace, if one has."""
    return _field_of(operation.key) if operation.body is not None else None


@cache
def _field_of(key: str) -> _Field | None:
    operation = catalog.find(key)
    schemas = catalog.schemas(operation.api)
    schema = schemas.definitions[schemas.of(operation).body or ""]
    for name, many in (("marketplaceIds", True), ("marketplaceId", False)):
        if name in schema.get("required", ()):
            return _Field(name, many)
    return None
