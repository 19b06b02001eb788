"""SQLite: pragmas, how a transaction begins, and what its errors ask for."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, ColumnElement, Connection, Engine, NullPool, create_engine, event, exc, literal_column
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

BUSY_TIMEOUT_S = 5

PRAGMAS = {
    "synchronous": "FULL",  # a grant that was acknowledged survives a power cut
    "foreign_keys": "ON",
    "secure_delete": "ON",  # what is deleted is overwritten
}

_ENGINE: dict[str, Any] = {
    "connect_args": {
        "isolation_level": None,  # the driver leaves BEGIN to us
        "timeout": BUSY_TIMEOUT_S,
    },
    "hide_parameters": True,  # they are customers' names and sealed secrets, and errors are logged
}

_WHAT_TO_DO = {
    sqlite3.SQLITE_READONLY: "is read-only; let this user write the file and its folder",
    sqlite3.SQLITE_FULL: "cannot grow: the disk is full; make room and try again",
    sqlite3.SQLITE_BUSY: f"was held by another process for {BUSY_TIMEOUT_S} s; try again",
    sqlite3.SQLITE_LOCKED: "is locked; try again",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; check that its folder is there and that this user may write in it",
    sqlite3.SQLITE_NOTADB: "is not an SQLite database; name another file",
    sqlite3.SQLITE_CORRUPT: "is damaged; restore it from a backup",
    sqlite3.SQLITE_IOERR: "cannot be read or written: the disk reports an error",
}


class SQLite:
    """A file; any number of processes of one machine may use it."""

    def __init__(self, path: Path, pragmas: dict[str, str]) -> None:
        self.path = path
        self.reading: Mapping[str, Any] = {}
        self.writing: Mapping[str, Any] = {"writing": True}
        self._pragmas = PRAGMAS | pragmas
        self._file: tuple[int, int] | None = None
        self._turn = asyncio.Lock()

    @property
    def name(self) -> str:
        """The path."""
        return str(self.path)

    @property
    def now(self) -> ColumnElement[float]:
        """The machine's clock, as SQLite reads it; to a tenth of a millisecond."""
        return literal_column("((julianday('now') - 2440587.5) * 86400.0)")

    def engine(self) -> AsyncEngine:
        """Return an engine for one event loop."""
        url = URL.create("sqlite+aiosqlite", database=str(self.path))
        engine = create_async_engine(url, pool_timeout=BUSY_TIMEOUT_S, **_ENGINE)
        _prepare(engine.sync_engine, self._pragmas)
        return engine

    def blocking_engine(self) -> Engine:
        """Return an engine for migrations; the file keeps the journal mode that it sets."""
        engine = create_engine(URL.create("sqlite", database=str(self.path)), poolclass=NullPool, **_ENGINE)
        # readers do not wait for writers; and a table that others refer to is altered by making it anew
        _prepare(engine, {"journal_mode": "WAL", **self._pragmas, "foreign_keys": "OFF"})
        return engine

    def create(self) -> None:
        """Make the file for this user alone: it holds customers' names."""
        with suppress(OSError):  # what stands in the way is explained when the file is opened
            self.path.touch(mode=0o600)
        self._file = self._which()

    def patience(self, connection: AsyncConnection) -> AbstractAsyncContextManager[None]:
        """Do nothing: a file answers as fast as it can."""
        return nullcontext()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Let this process's writers in one after the other; SQLite lets in whoever asks again at a good moment."""
        try:
            async with asyncio.timeout(BUSY_TIMEOUT_S):
                await self._turn.acquire()
        except TimeoutError:
            raise exc.TimeoutError from None
        try:
            yield
        finally:
            self._turn.release()

    def take_turns(self, connection: Connection) -> None:
        """Do nothing: BEGIN IMMEDIATE lets one writer in at a time."""

    def check(self) -> str | None:
        """Refuse to go on with a file that was deleted or replaced: what is written to it would be gone at the end."""
        if self._file is not None and self._which() != self._file:
            return "was moved or replaced while open; restart"
        return None

    def is_taken(self, error: DBAPIError) -> bool:
        """Return whether a value that has to be unique was there already."""
        return _code(error) in (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)

    def is_orphan(self, error: DBAPIError) -> bool:
        """Return whether what a row refers to is not there."""
        return _code(error) == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY

    def is_busy(self, error: DBAPIError) -> bool:
        """Return whether another connection was in the way."""
        return _code(error) & 0xFF == sqlite3.SQLITE_BUSY

    def explain(self, error: DBAPIError) -> str:
        """Return what is wrong with the file and what to do."""
        primary = _code(error) & 0xFF  # extended codes hold the primary one in their low byte
        name = getattr(error.orig, "sqlite_errorname", type(error.orig).__name__)
        return _WHAT_TO_DO.get(primary, f"failed ({name})")

    def _which(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino


def _prepare(engine: Engine, pragmas: dict[str, str]) -> None:
    """Set pragmas on each new connection, and begin transactions: those with the option ``writing`` at once."""

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        try:
            for name, value in pragmas.items():
                cursor.execute(f"PRAGMA {name} = {value}")
        except sqlite3.Error:
            connection.close()  # the pool would drop it open, with its thread
            raise
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        # IMMEDIATE: a transaction that reads first and writes later would fail at the write, without a wait
        writing = connection.get_execution_options().get("writing")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _code(error: DBAPIError) -> int:
    return getattr(error.orig, "sqlite_errorcode", 0)
