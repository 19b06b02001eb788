"""PostgreSQL: connections that PgBouncer may share out, isolation, and what its errors ask for.

Nothing here outlives a transaction on the server: no session settings, no prepared statements, no session locks, no
LISTEN. That is what PgBouncer's transaction mode asks for.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import psycopg
from sqlalchemy import ColumnElement, Connection, Engine, Float, NullPool, cast, create_engine, func, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

CONNECT_TIMEOUT_S = 5
ANSWER_S = 5.0
"""How long one answer may take: a server that hangs, or a PgBouncer before one that is gone, says nothing at all."""
LONG_ANSWER_S = 600.0
POOL_SIZE = 10

MIGRATING = 0x53656C6C  # a number for the lock that migrations take turns with; any would do

_ENGINE: dict[str, Any] = {
    "connect_args": {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "tcp_user_timeout": CONNECT_TIMEOUT_S * 1000,  # a server that is gone without a word
        "prepare_threshold": None,  # a prepared statement belongs to a session, which PgBouncer gives to others
        "application_name": "sellerport",
    },
    "hide_parameters": True,  # they are customers' names and sealed secrets, and errors are logged
}

_WHAT_TO_DO = {
    "08": "cannot be reached; check that it runs, and that SELLERPORT_DATABASE names it and a user it lets in",
    "25006": "is read-only for now (a standby, or a failover under way); try again",
    "28": "does not accept this user or password; check SELLERPORT_DATABASE",
    "3D": "does not exist; create it, or name another in SELLERPORT_DATABASE",
    "40": "had another transaction in the way; try again",
    "42501": "does not let this user do that; grant it the right to create and change tables in its schema",
    "53100": "cannot grow: its disk is full; make room and try again",
    "53": "is out of connections or memory; try again, or let it have more",
    "57": "is shutting down or starting up; try again",
    "58": "cannot read or write its files; see its log",
    "XX": "is damaged, or has a fault; see its log",
}


class PostgreSQL:
    """A database on a server; any number of processes on any number of machines may use it."""

    def __init__(self, address: str) -> None:
        self._url = make_url(address).set(drivername="postgresql+psycopg")
        # one state of the database for all that a transaction reads
        self.reading: Mapping[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        # a write that depends on what was read has that as its condition, or locks it with SELECT … FOR UPDATE; that
        # nothing is written now, which a standby says, or whoever runs a server whose disk is full, is not overruled
        self.writing: Mapping[str, Any] = {"isolation_level": "READ COMMITTED", "postgresql_readonly": None}

    @property
    def name(self) -> str:
        """The address, without user and password."""
        host = self._url.host or self._url.query.get("host") or "localhost"
        return f"{self._url.database or ''} of PostgreSQL at {host}{f':{self._url.port}' if self._url.port else ''}"

    @property
    def now(self) -> ColumnElement[float]:
        """The server's clock, at this moment and not at the transaction's beginning."""
        return cast(func.extract("epoch", func.clock_timestamp()), Float)

    def engine(self) -> AsyncEngine:
        """Return an engine for one event loop."""
        arguments = {**_ENGINE["connect_args"], "async_creator_fn": _Impatient.connect}
        return create_async_engine(
            self._url,
            pool_size=POOL_SIZE,
            max_overflow=0,
            pool_timeout=CONNECT_TIMEOUT_S,
            pool_pre_ping=True,  # after a restart or a failover of the server, no call meets a dead connection
            **{**_ENGINE, "connect_args": arguments},
        )

    def blocking_engine(self, pool_size: int = 0) -> Engine:
        """Return an engine for what blocks: migrations, which keep no connection, and jobs, which keep some."""
        pool = (
            {"pool_size": pool_size, "max_overflow": 0, "pool_pre_ping": True} if pool_size else {"poolclass": NullPool}
        )
        return create_engine(self._url, **pool, **_ENGINE)

    def create(self) -> None:
        """Do nothing: a database is made by who runs the server."""

    @asynccontextmanager
    async def patience(self, connection: AsyncConnection) -> AsyncIterator[None]:
        """Let each answer take as long as an operator may wait."""
        driver = (await connection.get_raw_connection()).driver_connection
        assert isinstance(driver, _Impatient)
        driver.longest_s = LONG_ANSWER_S
        try:
            yield
        finally:
            driver.longest_s = None

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Let everybody in: the server has them wait for each other where they have to."""
        yield

    def take_turns(self, connection: Connection) -> None:
        """Hold a lock until the transaction ends."""
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": MIGRATING})

    def check(self) -> str | None:
        """Find nothing wrong: the server knows by itself what is its database."""
        return None

    def is_taken(self, error: DBAPIError) -> bool:
        """Return whether a value that has to be unique was there already."""
        return _state(error) == "23505"

    def is_orphan(self, error: DBAPIError) -> bool:
        """Return whether what a row refers to is not there."""
        return _state(error) == "23503"

    def is_busy(self, error: DBAPIError) -> bool:
        """Return False: whoever is in the way is waited for by the server."""
        return False

    def explain(self, error: DBAPIError) -> str:
        """Return what is wrong with the database and what to do."""
        state = _state(error)
        if state is None:  # the driver's own: there was no answer, or the server let nobody in
            _, refused, why = str(error.orig).rpartition("FATAL: ")
            why = why.strip().partition("\n")[0]
            return f"lets nobody in ({why}); check SELLERPORT_DATABASE, or try again" if refused else _WHAT_TO_DO["08"]
        return _WHAT_TO_DO.get(state) or _WHAT_TO_DO.get(state[:2]) or f"failed (SQLSTATE {state})"


class _Impatient(psycopg.AsyncConnection[Any]):
    """A connection that hangs up on a server that does not answer.

    The server's own ``statement_timeout`` would be no help: it is the server that hangs. And it belongs to a session.
    """

    longest_s: float | None = None
    """How long an answer may take, in seconds, where that is not `ANSWER_S`."""

    async def wait(self, *what: Any, **how: Any) -> Any:
        """Wait for an answer, as psycopg does."""
        watch = asyncio.get_running_loop().call_later(self.longest_s or ANSWER_S, self._hang_up)
        try:
            return await super().wait(*what, **how)
        finally:
            watch.cancel()

    def _hang_up(self) -> None:
        with suppress(OSError), socket.socket(fileno=os.dup(self.fileno())) as ours:
            ours.shutdown(socket.SHUT_RDWR)


def _state(error: DBAPIError) -> str | None:
    state: str | None = getattr(error.orig, "sqlstate", None)
    return state
