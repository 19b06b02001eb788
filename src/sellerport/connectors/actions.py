"""What the actions of every connector have in common: what they come to, and how their parameters are spelled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sellerport.answers import Result
from sellerport.catalog import Operation


@dataclass(frozen=True)
class Execution:
    """What an action came to: its records or object, and what else the caller needs, such as the next page's token."""

    data: Any
    meta: dict[str, Any] | None


def whole(operation: Operation, result: Result[Any, Any]) -> Execution:
    """Return what an operation came to that is an action by its own name: all of its answer."""
    meta = {"status": result.status, "request_id": result.request_id}
    if operation.paging is not None:
        meta["next_token"] = at(result.data, operation.paging.next)
    return Execution(result.data, meta)


def arguments_of(operation: Operation, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters under Python's names, lists split where they came comma-joined.

    ``limit`` is taken for whatever the operation calls it, and otherwise left out.
    """
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
        limit, size = arguments.pop("limit"), operation.paging.size if operation.paging is not None else None
        if size is not None:
            arguments.setdefault(known[size].name if size in known else size, limit)
    return arguments


def at(data: Any, path: str) -> Any:
    """Return what is at a dotted path; None where nothing is."""
    for name in filter(None, path.split(".")):
        data = data.get(name) if isinstance(data, dict) else None
    return data
