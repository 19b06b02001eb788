"""Pages: from one answer to the call for the next, and through all of them.

* A page goes on as long as its answer holds a token, however empty it is; a token that comes a second time ends it,
  since it would go on for ever.
* The call is repeated with the same arguments and the token, unless the catalogue says that the token must be alone, or
  what else has to be said with it.
* Where items are counted instead, the next page begins where this one ends, and the total ends it, or where there is
  none a page that is not full.

``page.next_token`` is what resumes: give it to the operation as its own token parameter, today or tomorrow.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator, Mapping
from typing import Any, Generic, Self, TypeVar

from sellerport import catalog
from sellerport.answers import Result
from sellerport.catalog import Family, Operation
from sellerport.errors import InvalidArguments, Problem

log = logging.getLogger(__name__)

T = TypeVar("T")
P = TypeVar("P")
I = TypeVar("I")  # noqa: E741  # the type of an item

Arguments = Mapping[str, Any]


class _Page(Result[T, P]):
    """One page, and what the next one takes."""

    __slots__ = ("_arguments", "_fetch", "_operation", "_paging")

    def __init__(
        self,
        result: Result[T, P],
        operation: Operation,
        arguments: Arguments,
        fetch: Callable[[Operation, Arguments], Any],
    ) -> None:
        assert operation.paging is not None
        super().__init__(result.data, result.status, result.headers)
        self._operation = operation
        self._paging = operation.paging
        self._arguments = arguments
        self._fetch = fetch

    @property
    def own_items(self) -> list[Any]:
        """What is on this page alone; of answers that hold several lists, the object that holds them."""
        found = at(self.data, self._paging.items) if self._paging.items is not None else self.data
        if found is None:
            return []
        return found if isinstance(found, list) else [found]

    @property
    def next_token(self) -> Any:
        """What the next page is asked for with, or None on the last: a token, or how many items to skip."""
        if self._paging.kind == "token":
            return at(self.data, self._paging.next) or None
        if self._paging.kind == "count":
            return self._after()
        body = self._arguments.get("body")
        step = at(body, self._paging.size or "") or len(self.own_items)
        begin = (at(body, self._paging.token) or 0) + step
        return begin if step and begin < (at(self.data, self._paging.next) or 0) else None

    def _after(self) -> int | None:
        """Return how many items come before the next page, unless this one was not full."""
        given = {
            one.wire: self._arguments.get(one.name, self._arguments.get(one.wire)) for one in self._operation.parameters
        }
        count = len(self.own_items)
        full = count >= int(given.get(self._paging.size or "") or 1)
        return int(given[self._paging.token] or 0) + count if full and count else None

    def _next_call(self, token: Any) -> tuple[Operation, dict[str, Any]]:
        """Return the call that the next page takes."""
        paging, target = self._paging, self._operation
        arguments = dict(self._arguments)
        if paging.via is not None:
            target = catalog.find(f"{target.api}.{paging.via}", target.family)
            known = {name for parameter in target.parameters for name in (parameter.name, parameter.wire)}
            arguments = {name: value for name, value in arguments.items() if name in known}
        if paging.place == "body":
            return target, {**arguments, "body": _with(arguments.get("body") or {}, paging.token.split("."), token)}
        if paging.alone:
            arguments = {}
        said = {paging.token: token, **paging.fixed}
        for parameter in target.parameters:
            if parameter.wire in said:
                arguments.pop(parameter.name, None)
        return target, {**arguments, **said}

    def __copy__(self) -> Self:
        return type(self)(self, self._operation, self._arguments, self._fetch)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the answer and what the next page takes, and not the client, which holds secrets."""
        operation = self._operation
        result: Result[T, P] = Result(self.data, self.status, self.headers)
        return _unpickled, (type(self), result, operation.key, operation.family, self._arguments)

    def _goes_on(self, seen: set[Any]) -> bool:
        token = self.next_token
        if token is None:
            return False
        if token in seen:
            log.warning("%s answered a page token for the second time; its pages end here", self._operation.key)
            return False
        seen.add(token)
        return True


class Page(_Page[T, P], Generic[T, P, I]):
    """One page of an answer, from which all that follow can be reached."""

    __slots__ = ()

    def items(self) -> Iterator[I]:
        """Go through the items of this page and of all that follow, asking for each page when it is reached."""
        for page in self.pages():
            yield from page.own_items

    def pages(self) -> Iterator[Page[T, P, I]]:
        """Go through this page and all that follow."""
        page, seen = self, _started(self._operation, self._arguments)
        yield page
        while page._goes_on(seen):
            page = self._fetch(*page._next_call(page.next_token))
            yield page


class AsyncPage(_Page[T, P], Generic[T, P, I]):
    """As `Page`, for asyncio."""

    __slots__ = ()

    async def items(self) -> AsyncIterator[I]:
        """As `Page.items`."""
        async for page in self.pages():
            for item in page.own_items:
                yield item

    async def pages(self) -> AsyncIterator[AsyncPage[T, P, I]]:
        """As `Page.pages`."""
        page, seen = self, _started(self._operation, self._arguments)
        yield page
        while page._goes_on(seen):
            page = await self._fetch(*page._next_call(page.next_token))
            yield page


class PagedCall(Coroutine[Any, Any, AsyncPage[T, P, I]]):
    """A call not made yet: ``await`` makes it; ``async for … in call.items()`` makes it and all that follow."""

    def __init__(self, start: Callable[[], Coroutine[Any, Any, AsyncPage[T, P, I]]], name: str) -> None:
        self._start = start
        self.__name__ = self.__qualname__ = self._name = name
        self._made: Coroutine[Any, Any, AsyncPage[T, P, I]] | None = None

    async def items(self) -> AsyncIterator[I]:
        """As `Page.items`."""
        async for page in self.pages():
            for item in page.own_items:
                yield item

    async def pages(self) -> AsyncIterator[AsyncPage[T, P, I]]:
        """As `Page.pages`."""
        async for page in (await self).pages():
            yield page

    def __await__(self) -> Generator[Any, Any, AsyncPage[T, P, I]]:
        return self._coroutine().__await__()

    def send(self, value: Any) -> Any:
        """As every coroutine's (PEP 492); what makes ``asyncio.create_task(call)`` work."""
        return self._coroutine().send(value)

    def throw(self, *error: Any) -> Any:
        """As every coroutine's."""
        return self._coroutine().throw(*error)

    def close(self) -> None:
        """As every coroutine's."""
        self._coroutine().close()

    def _coroutine(self) -> Coroutine[Any, Any, AsyncPage[T, P, I]]:
        if self._made is None:
            self._made = self._start()
        return self._made

    def __del__(self) -> None:
        if self._made is None:
            message = f"{self._name} was never awaited, nor its items() or pages() gone through"
            warnings.warn(message, RuntimeWarning, stacklevel=2, source=self)


def _unpickled(
    kind: type[_Page[Any, Any]], result: Result[Any, Any], key: str, family: Family, arguments: Arguments
) -> Any:
    return kind(result, catalog.find(key, family), arguments, _without_client)


def _without_client(operation: Operation, _: Arguments) -> Any:
    problem = "is of a page that was pickled or copied deeply, without its client; give it to the operation"
    raise InvalidArguments(operation.key, [Problem("next_token", problem)])


def at(data: Any, path: str) -> Any:
    """Return what stands at a dotted path, or None."""
    for name in filter(None, path.split(".")):
        data = data.get(name) if isinstance(data, Mapping) else None
    return data


def _started(operation: Operation, arguments: Arguments) -> set[Any]:
    """Return the tokens that are used up already: the one that the first page was asked for with."""
    assert operation.paging is not None
    token = operation.paging.token
    names = {token, *(one.name for one in operation.parameters if one.wire == token)}
    given = {at(arguments.get("body"), token), *(arguments.get(name) for name in names)}
    return {token for token in given if isinstance(token, str | int)}


def _with(body: Mapping[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    """Return a body with a value set at a path."""
    first, *rest = path
    return {**body, first: _with(body.get(first) or {}, rest, value) if rest else value}
