"""What the actions of every connector have in common: what they come to, and how their parameters are spelled."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sellerport.answers import Result
from sellerport.catalog import Family, Operation
from sellerport.paging import AsyncPage

Fetch = Callable[[Operation, Mapping[str, Any]], Awaitable[Result[Any, Any]]]
"""Makes one call."""


@dataclass(frozen=True)
class Execution:
    """What an action came to: its records or object, and what else the caller needs, such as the next page's token.

    ``records`` says where in the data the records are, as a dotted path; nowhere but in the data itself if it is empty.
    """

    data: Any
    meta: dict[str, Any] | None
    records: str = field(default="", compare=False)


@dataclass(frozen=True)
class Plan:
    """What an action comes to: one call, and what is made of its answer."""

    operation: Operation
    arguments: dict[str, Any]
    shape: Callable[[Result[Any, Any]], Execution]


@dataclass(frozen=True)
class Kind:
    """One connector: what it is called, and what its actions come to.

    Args:
        slug: its name in URLs and programs.
        definition_id: what servers call it.
        family: whose operations it has.
        operation_of: the operation of an entity's action; raises `UnknownOperation`.
        plan: what an action comes to, at a time (seconds since the epoch).
        entities: entity → actions.
    """

    slug: str
    definition_id: str
    family: Family
    operation_of: Callable[[str, str], Operation]
    plan: Callable[[str, str, Mapping[str, Any], Callable[[], float]], Plan]
    entities: Mapping[str, Mapping[str, Any]]


def whole(operation: Operation, arguments: Mapping[str, Any], result: Result[Any, Any]) -> Execution:
    """Return what an operation came to that is an action by its own name: all of its answer."""
    meta = {"status": result.status, "request_id": result.request_id}
    if operation.paging is not None:
        meta["next_token"] = paged(operation, arguments, result).next_token
    return Execution(result.data, meta, records_of(operation))


def paged(
    operation: Operation, arguments: Mapping[str, Any], result: Result[Any, Any], fetch: Fetch | None = None
) -> AsyncPage[Any, Any, Any]:
    """Return an answer as a page, from which those that follow can be fetched."""

    async def fetched(operation: Operation, arguments: Mapping[str, Any]) -> AsyncPage[Any, Any, Any]:
        assert fetch is not None
        return paged(operation, arguments, await fetch(operation, arguments), fetch)

    return AsyncPage(result, operation, arguments, fetched)


async def gathered(plan: Plan, fetch: Fetch, most: int) -> Execution:
    """Return what an action came to, with the records of all pages as if they were one.

    Args:
        plan: the action; its operation has pages.
        fetch: makes one call.
        most: no further page is asked for once there are so many records; ``next_token`` goes on then.
    """
    operation = plan.operation
    assert operation.paging is not None
    first = await fetch(operation, plan.arguments)
    records: Any = None
    last = paged(operation, plan.arguments, first, fetch)
    async for page in last.pages():
        last, records = page, _joined(records, at(page.data, operation.paging.items or ""))
        if _count(records) >= most:
            break
    body = (
        replaced(first.data, (operation.paging.items or "").split("."), records) if operation.paging.items else records
    )
    if operation.paging.kind == "token" and operation.paging.items:
        body = replaced(body, operation.paging.next.split("."), last.next_token)
    done = plan.shape(Result(body, first.status, first.headers))
    return replace(done, meta={**(done.meta or {}), "next_token": last.next_token})


def _joined(one: Any, other: Any) -> Any:
    """Return two pages' records as one page's: lists, or an object of lists."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {**one, **{name: _joined(one.get(name), value) for name, value in other.items()}}
    if isinstance(one, list) and isinstance(other, list):
        return [*one, *other]
    return one if other is None else other


def _count(records: Any) -> int:
    if isinstance(records, dict):
        return sum(len(one) for one in records.values() if isinstance(one, list))
    return len(records) if isinstance(records, list) else 0


def replaced(value: Any, path: Sequence[str], inside: Any) -> dict[str, Any]:
    """Return an object with what is at a path replaced."""
    first, *rest = path
    held = value if isinstance(value, dict) else {}
    return {**held, first: replaced(held.get(first), rest, inside) if rest else inside}


def records_of(operation: Operation) -> str:
    """Return where an operation's answer has its records, as a dotted path; empty where it has none, or is them."""
    return (operation.paging.items or "") if operation.paging is not None else ""


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
