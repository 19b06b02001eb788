"""Time that passes only while everybody waits: hours of waiting in milliseconds, and the same order in every run.

Workers (threads, or tasks of one event loop) park when they sleep; when all are parked, the clock jumps to the earliest
wake-up and that one runs on alone. What is not a sleep - real HTTP to a local Amazon included - takes no time.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from sellerport.wire import AsyncWire, BlockingWire, run

Work = Callable[[], Coroutine[Any, Any, Any]]


class VirtualTime:
    """A clock, and those who wait by it."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now
        self._running = 0
        self._parked: list[tuple[float, int, Callable[[], bool]]] = []
        self._count = itertools.count()
        self._mutex = threading.RLock()

    def __call__(self) -> float:
        return self.now

    def start(self, workers: int) -> None:
        """Begin with so many workers, before any of them runs."""
        self._running = workers

    def park(self, seconds: float, wake: Callable[[], bool]) -> None:
        """Let the calling worker wait; ``wake`` is called when it is time, and says whether there is anyone to wake."""
        with self._mutex:
            heapq.heappush(self._parked, (self.now + max(0.0, seconds), next(self._count), wake))
            self.leave()

    def leave(self) -> None:
        """Let the calling worker stop for good."""
        with self._mutex:
            self._running -= 1
            while not self._running and self._parked:
                self.now, _, wake = heapq.heappop(self._parked)
                self._running = 1 if wake() else 0

    def come_back(self) -> None:
        """Let a worker run on whose waiting was broken off."""
        with self._mutex:
            self._running += 1


class ThreadWire(BlockingWire):
    """Sleeps in virtual time, blocking."""

    def __init__(self, time: VirtualTime) -> None:
        super().__init__()
        self.time = time

    async def sleep(self, seconds: float) -> None:
        woken = threading.Event()

        def wake() -> bool:
            woken.set()
            return True

        self.time.park(seconds, wake)
        woken.wait()


class TaskWire(AsyncWire):
    """Sleeps in virtual time, awaiting."""

    def __init__(self, time: VirtualTime) -> None:
        super().__init__()
        self.time = time

    async def sleep(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        called = False

        def wake() -> bool:
            nonlocal called
            if woken.done():  # cancelled
                return False
            called = True
            loop.call_soon(lambda: woken.done() or woken.set_result(None))  # not at once: others may be ready to run
            return True

        self.time.park(seconds, wake)
        try:
            await woken
        except asyncio.CancelledError:
            if not called:
                self.time.come_back()
            raise


def wire_of(colour: str, time: VirtualTime) -> Any:
    return ThreadWire(time) if colour == "blocking" else TaskWire(time)


def at_once(colour: str, time: VirtualTime, work: Sequence[Work], *closing: Any) -> None:
    """Do all of it at the same time, in threads or in tasks; then close what has connections."""
    time.start(len(work))
    failures: list[BaseException] = []

    def in_thread(number: int, one: Work) -> None:
        try:
            run(ThreadWire(time).sleep(number * 1e-6))  # threads start in any order, and must not go on in it
            run(one())
        except BaseException as error:
            failures.append(error)
        finally:
            time.leave()

    async def in_task(one: Work) -> None:
        try:
            await one()
        finally:
            time.leave()

    async def in_tasks() -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                for one in work:
                    tasks.create_task(in_task(one))
        finally:
            for one in closing:
                if hasattr(one, "aclose"):
                    await one.aclose()

    if colour == "blocking":
        threads = [threading.Thread(target=in_thread, args=pair, daemon=True) for pair in enumerate(work)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in threads)
        for one in closing:
            if hasattr(one, "close"):
                one.close()
        if failures:
            raise failures[0]
    else:
        asyncio.run(in_tasks())
