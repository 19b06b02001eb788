"""Does for many at once what they ask for one by one: one transaction, or one wait for the disk, instead of many."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

MOST = 100
"""How much is done at once: a transaction of so many rows takes some milliseconds, for which others wait."""

A = TypeVar("A")
R = TypeVar("R")


class Together(Generic[A, R]):
    """Group commit: what is asked for while it is at work is done next, all of it at once, in the order of asking.

    Whatever fails for many is done for each alone, so that one that fails takes no other along.

    Args:
        work: takes what was asked for, and returns as many results, or exceptions, in the same order. It is undone by
            an exception that it raises.
    """

    def __init__(self, work: Callable[[list[A]], Awaitable[Sequence[R | Exception]]]) -> None:
        self._work = work
        self._waiting: deque[tuple[A, asyncio.Future[R]]] = deque()
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, asked: A) -> R:
        """Return what becomes of it, or raise it."""
        result: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, result))
        if self._task is None:
            self._task = asyncio.create_task(self._serve())
        return await result

    async def _serve(self) -> None:
        try:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
                for (_, result), found in zip(batch, await self._do([asked for asked, _ in batch]), strict=True):
                    if result.done():
                        continue  # whoever asked has left
                    if isinstance(found, Exception):
                        result.set_exception(found)
                    else:
                        result.set_result(found)
        finally:
            self._task = None

    async def _do(self, batch: list[A]) -> Sequence[R | Exception]:
        try:
            return await self._work(batch)
        except Exception as error:
            if len(batch) == 1:
                return [error]
        found = await asyncio.gather(*(self._do([asked]) for asked in batch))
        return [result for (result,) in found]
