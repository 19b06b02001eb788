"""Processes of their own: a local Amazon, and servers' hubs that are told what to do through a pipe, and may die of it.

They are forked from a clean process that has imported all of this, so that one starts in a moment.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection as Pipe
from typing import Any

from sqlalchemy import Engine, event, update
from tests.server.patience import PATIENCE_S, be_patient

from sellerport.emulator import World, serve
from sellerport.errors import SellerportError, StoreError
from sellerport.server.hub import Caller, Hub
from sellerport.server.hub.journal import Entry, Journal
from sellerport.server.opening import open_hub
from sellerport.server.settings import Settings
from sellerport.server.store import connections
from sellerport.wire import AsyncWire, Request, Response

FORK = multiprocessing.get_context("forkserver")
FORK.set_forkserver_preload([__name__])

be_patient()  # and so are those that are forked

KILLS = {
    "during the claim": ("commit", "UPDATE connections SET lease_owner"),
    "before the journal": ("begin", ""),
    "before the request": ("send", ""),
    "after the answer": ("sent", ""),
    "after the journal": ("written", ""),
    "during the audit append": ("statement", "INSERT INTO audit "),
    "before the commit": ("commit", "UPDATE connections SET .*access_token_issued_at"),
    "after the commit": ("remove", ""),
    "before a consent's insert": ("commit", "INSERT INTO consents"),
    "before a connection's insert": ("commit", "INSERT INTO connections"),
}


class Worker:
    """A process with a hub of its own."""

    def __init__(self, settings: Settings, organization_id: str, **how: Any) -> None:
        self._pipe, there = FORK.Pipe()
        self.process = FORK.Process(target=_work, args=(there, settings, organization_id, how), daemon=True)
        self.process.start()
        there.close()

    def tell(self, do: str, **given: Any) -> None:
        self._pipe.send((do, given))

    def hear(self) -> Any:
        if not self._pipe.poll(PATIENCE_S):
            raise TimeoutError("the process says nothing")
        return self._pipe.recv()

    def ask(self, do: str, **given: Any) -> Any:
        self.tell(do, **given)
        return self.hear()

    def died(self) -> bool:
        self.process.join(PATIENCE_S)
        return self.process.exitcode == -signal.SIGKILL

    def kill(self) -> None:
        self.process.kill()
        self.process.join(PATIENCE_S)
        self._pipe.close()


@contextmanager
def amazon(strict: bool) -> Iterator[str]:
    """Run a local Amazon in a process, and yield its address."""
    here, there = FORK.Pipe()
    process = FORK.Process(target=_amazon, args=(there, strict), daemon=True)
    process.start()
    try:
        assert here.poll(PATIENCE_S)
        yield here.recv()
    finally:
        process.kill()
        process.join()


def _amazon(pipe: Pipe, strict: bool) -> None:
    serve(port=0, world=World(strict=strict, orders=1), on_ready=pipe.send)


def _work(pipe: Pipe, settings: Settings, organization_id: str, how: dict[str, Any]) -> None:
    asyncio.run(_obey(pipe, settings, organization_id, **how))


async def _obey(
    pipe: Pipe, settings: Settings, organization_id: str, die: str | None = None, ahead_s: float | None = None
) -> None:
    wire = _Wire()
    clock = None if ahead_s is None else lambda: time.time() + ahead_s
    async with open_hub(settings, wire=wire) as hub:
        worker = _Worker(hub, Caller(organization_id), wire, clock)
        if die is not None:
            _die_at(wire, *KILLS[die])
        while True:
            do, given = await asyncio.to_thread(pipe.recv)
            if do == "end":
                await wire.aclose()
                return
            pipe.send(await getattr(worker, do)(**given))


class _Worker:
    def __init__(self, hub: Hub, caller: Caller, wire: AsyncWire, clock: Any) -> None:
        self._hub, self._caller, self._later_s = hub, caller, 0.0
        hub.tokens._monotonic = lambda: time.monotonic() + self._later_s
        if clock is not None:
            hub.connections._clock = hub.applications._clock = hub.access._clock = clock

    async def get(self, ids: list[str], tasks: int = 1) -> dict[str, Any]:
        """Ask for tokens from so many tasks; return those of each connection, and what went wrong."""
        opened = [await self._hub.connections.open(self._caller, id) for id in ids]
        found: dict[str, set[str]] = {id: set() for id in ids}
        errors: list[str] = []

        async def one(id: str, of: Any) -> None:
            try:
                found[id].add(await self._hub.tokens.get(of))
            except SellerportError as error:
                errors.append(f"{error.code}: {error}")

        await asyncio.gather(*(one(id, of) for _ in range(tasks) for id, of in zip(ids, opened, strict=True)))
        return {"tokens": {id: sorted(tokens) for id, tokens in found.items()}, "errors": errors}

    async def later(self, seconds: float) -> None:
        """Let time pass for what this process remembers."""
        self._later_s += seconds

    async def recover(self) -> int:
        return await self._hub.tokens.recover()

    async def storm(self, ids: list[str]) -> None:
        """Refresh one after the other for ever, each as if its token had just ended."""
        t = connections.c
        over = {"access_token_issued_at": 0.0, "access_token_expires_at": 1.0}
        while True:
            for id in ids:
                self._later_s += 4000
                with suppress(StoreError):  # a busy machine: this goes on until it is killed
                    async with self._hub.tokens._database.writing() as store:
                        await store.execute(update(connections).where(t.id == id, t.status == "active").values(over))
                    await self.get([id])

    async def connect(self) -> str:
        return await self._hub.consents.initiate(self._caller, customer="ann")

    async def start(self, link: str) -> dict[str, str]:
        started = await self._hub.consents.start(link.rpartition("/")[2], {})
        return {"location": started.location, "cookie": started.cookie, "browser": started.value}

    async def finish(self, params: dict[str, str], cookies: dict[str, str]) -> str | None:
        finished = await self._hub.consents.finish(params, cookies)
        return finished.connection and finished.connection.id


class _Wire(AsyncWire):
    """Tells what happens on it."""

    before: Any = None
    after: Any = None

    async def send(self, request: Request) -> Response:
        if self.before is not None:
            self.before()
        answer = await super().send(request)
        if self.after is not None:
            self.after()
        return answer


def _die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()


def _die_at(wire: _Wire, when: str, pattern: str) -> None:
    """Kill this process at a chosen step."""
    if when == "send":
        wire.before = _die
    elif when == "sent":
        wire.after = _die
    elif when == "begin":
        Journal.begin_all = _die  # type: ignore[method-assign]
    elif when == "remove":
        Entry.remove = _die  # type: ignore[method-assign]
    elif when == "written":
        write = Entry.write
        Entry.write = lambda self, refresh: (write(self, refresh), _die())  # type: ignore[method-assign, assign]
    else:
        armed: list[bool] = []

        @event.listens_for(Engine, "before_cursor_execute")
        def executed(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            if re.match(pattern, statement):
                armed.append(True)
                if when == "statement":
                    _die()

        @event.listens_for(Engine, "commit")
        def commits(_connection: Any) -> None:
            if armed:
                _die()
