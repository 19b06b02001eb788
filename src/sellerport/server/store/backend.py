"""What the rest of the store asks of a database, whichever it is."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from sellerport.server.store.postgresql import PostgreSQL
from sellerport.server.store.sqlite import SQLite


class Backend(Protocol):
    """One kind of database, and where it is."""

    reading: Mapping[str, Any]
    """Execution options of a transaction that only reads."""
    writing: Mapping[str, Any]
    """Execution options of a transaction that may write."""

    @property
    def name(self) -> str:
        """How messages call it; it holds no password."""

    @property
    def now(self) -> ColumnElement[float]:
        """The database's clock: seconds since the epoch."""

    def engine(self) -> AsyncEngine:
        """Return an engine for one event loop."""

    def blocking_engine(self) -> Engine:
        """Return an engine for migrations, which keeps no connection."""

    def create(self) -> None:
        """Make what has to be there before a connection is opened."""

    def patience(self, connection: AsyncConnection) -> AbstractAsyncContextManager[None]:
        """Let each answer to what a connection is asked take its time."""

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Let a writer wait for the others of this process.

        Raises:
            sqlalchemy.exc.TimeoutError: it took too long.
        """

    def take_turns(self, connection: Connection) -> None:
        """Let other processes that migrate wait until this transaction ends."""

    def check(self) -> str | None:
        """Return why what is open may not be used on, as the end of a sentence that begins with the name."""

    def is_taken(self, error: DBAPIError) -> bool:
        """Return whether a value that has to be unique was there already."""

    def is_orphan(self, error: DBAPIError) -> bool:
        """Return whether what a row refers to is not there."""

    def is_busy(self, error: DBAPIError) -> bool:
        """Return whether another connection was in the way for a moment."""

    def explain(self, error: DBAPIError) -> str:
        """Return what is wrong and what to do, as the end of a sentence that begins with the name."""


def backend(place: Path | str, pragmas: dict[str, str] | None = None) -> Backend:
    """Return what is at a place: an SQLite file, or the PostgreSQL database of an address."""
    if isinstance(place, Path):
        return SQLite(place, pragmas or {})
    return PostgreSQL(place)
