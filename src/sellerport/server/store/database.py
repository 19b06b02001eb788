"""The connection to the database: transactions, its clock, and errors that say what to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from pathlib import Path

from sqlalchemy import ColumnElement, literal
from sqlalchemy.exc import DBAPIError, TimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection

from sellerport.errors import Conflict, NotFound, StoreError
from sellerport.server.store import schema
from sellerport.server.store.backend import backend


class Database:
    """An SQLite file or a PostgreSQL database, used by one event loop; any number of processes may use the same.

    Args:
        place: the path of a file, or an address such as ``postgresql://user:password@host/database``.
        pragmas: of SQLite, besides its own.
        clock: what stands for the database's clock, in tests; seconds since the epoch.
    """

    def __init__(
        self,
        place: Path | str,
        pragmas: dict[str, str] | None = None,
        *,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._backend = backend(place, pragmas)
        self._engine = self._backend.engine()
        self._clock = clock

    def now(self) -> ColumnElement[float]:
        """Return an SQL expression: seconds since the epoch by the one clock that all processes share."""
        return self._backend.now if self._clock is None else literal(self._clock())

    @asynccontextmanager
    async def reading(self, *, patient: bool = False) -> AsyncIterator[AsyncConnection]:
        """One transaction that only reads: it sees one state of the database.

        Args:
            patient: whether an answer may take minutes: of an operator's query for all that there is.
        """
        self._check()
        with self._explained():
            async with (
                self._engine.execution_options(**self._backend.reading).begin() as connection,
                self._backend.patience(connection) if patient else nullcontext(),
            ):
                yield connection

    @asynccontextmanager
    async def writing(self, *, patient: bool = False) -> AsyncIterator[AsyncConnection]:
        """One transaction that may write: all of it happens, or, if an exception leaves it, nothing.

        SQLite's take turns. PostgreSQL's run side by side: what is read to decide on a write is read ``FOR UPDATE``, or
        is in the condition of the write.

        Args:
            patient: whether an answer may take minutes: where an operator has very much written at once.

        Raises:
            Conflict: a value that has to be unique is taken.
            NotFound: what a row refers to is not there: somebody removed it at the same moment.
        """
        self._check()
        with self._explained():
            engine = self._engine.execution_options(**self._backend.writing)
            async with (
                self._backend.turn(),
                engine.begin() as connection,
                self._backend.patience(connection) if patient else nullcontext(),
            ):
                yield connection

    async def migrate(self) -> None:
        """Make the tables, or bring them to the newest schema.

        Raises:
            StoreError: the database cannot be written, or a newer Sellerport wrote it.
        """
        self._backend.create()
        with self._explained():
            await asyncio.to_thread(schema.upgrade, self._backend)

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()

    def _check(self) -> None:
        if wrong := self._backend.check():
            raise StoreError(f"the database {self._backend.name} {wrong}; nothing was changed")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        name = self._backend.name
        try:
            yield
        except DBAPIError as error:
            if self._backend.is_taken(error):
                raise Conflict from error
            if self._backend.is_orphan(error):
                raise NotFound("what this belongs to was removed at the same moment") from error
            raise StoreError(f"the database {name} {self._backend.explain(error)}; nothing was changed") from error
        except TimeoutError as error:
            raise StoreError(f"the database {name} has more callers than it can serve; try again") from error
