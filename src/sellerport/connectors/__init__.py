"""Entities and actions over operations: ``execute("orders", "list", {"created_after": …})``.

Beside the entities of each connector, every operation of the catalogue is an action of an entity named after its API
version: ``execute("orders_v0", "get_orders", …)``. Parameters may be spelled as Python or as Amazon spells them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sellerport import catalog
from sellerport.catalog import Operation
from sellerport.client import AsyncSellingPartner
from sellerport.connectors.seller_partner import ENTITIES, Action
from sellerport.errors import UnknownOperation


@dataclass(frozen=True)
class Execution:
    """What an action came to: its records or object, and what else the caller needs, such as the next page's token."""

    data: Any
    meta: dict[str, Any] | None


async def execute(
    client: AsyncSellingPartner,
    entity: str,
    action: str,
    params: Mapping[str, Any] | None = None,
    *,
    clock: Callable[[], float] = time.time,
) -> Execution:
    """Carry out one action of an entity.

    Args:
        client: whose account.
        entity: an entity (``orders``), an API version (``orders_v0``) or its short name.
        action: an action of the entity (``list``), or the operation's name (``get_orders``, ``getOrders``).
        params: the operation's parameters, and ``body``; ``limit`` is taken for whatever the operation calls it.
        clock: seconds since the epoch.

    Raises:
        UnknownOperation: no such entity or action; says which there are.
        InvalidArguments, AmazonError, NoAnswer, TokenError: as for a call of the operation.
    """
    found = ENTITIES.get(entity, {}).get(action)
    operation = catalog.find(found.operation) if found else _operation(entity, action)
    arguments = _arguments(operation, params or {})
    if found is None:
        result = await client._call(operation, arguments)
        meta = {"status": result.status, "request_id": result.request_id}
        if operation.paging is not None:
            meta["next_token"] = _at(result.data, operation.paging.next)
        return Execution(result.data, meta)
    result = await client._call(operation, _with_defaults(found, arguments, clock))
    meta = {name: _at(result.data, path) for name, path in found.meta.items()}
    return Execution(_at(result.data, found.data), meta or None)


def _operation(entity: str, action: str) -> Operation:
    if entity in ENTITIES and action not in catalog.index().by_api.get(catalog.index().newest.get(entity, ""), {}):
        raise UnknownOperation(f"entity {entity!r} has no action {action!r}; it has {', '.join(ENTITIES[entity])}")
    try:
        return catalog.find(f"{entity}.{action}")
    except UnknownOperation as error:
        known = ", ".join(ENTITIES)
        raise UnknownOperation(f"{error.message}; entities are {known}, and every API version") from error


def _arguments(operation: Operation, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters under Python's names, lists split where they came comma-joined."""
    known = {name: parameter for parameter in operation.parameters for name in (parameter.name, parameter.wire)}
    arguments = {}
    for name, value in params.items():
        parameter = known.get(name)
        if parameter is None or parameter.name in arguments:  # unknown, or given twice: the check says so
            arguments[name] = value
        elif parameter.style == "csv" and isinstance(value, str):
            arguments[parameter.name] = value.split(",")
        else:
            arguments[parameter.name] = value
    if "limit" in arguments and "limit" not in known:
        limit = arguments.pop("limit")
        if operation.paging is not None and operation.paging.size is not None:
            arguments.setdefault(known[operation.paging.size].name, limit)
    return arguments


def _with_defaults(action: Action, arguments: dict[str, Any], clock: Callable[[], float]) -> dict[str, Any]:
    if any(arguments.get(name) is not None for name in action.unless):
        return arguments
    start = {action.start: datetime.fromtimestamp(clock(), UTC) - action.history} if action.start else {}
    given = {name: value for name, value in arguments.items() if value is not None}
    return {**start, **action.defaults, **given}


def _at(data: Any, path: str) -> Any:
    for name in filter(None, path.split(".")):
        data = data.get(name) if isinstance(data, dict) else None
    return data
