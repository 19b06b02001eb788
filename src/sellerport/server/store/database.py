"""The connection to the database: transactions, and errors that say what to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, TimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from sellerport.errors import Conflict, StoreError
from sellerport.server.store import schema, sqlite


class Database:
    """An SQLite file, used by one event loop; any number of processes may use the same file."""

    def __init__(self, path: Path, pragmas: dict[str, str] | None = None) -> None:
        self.path = path
        self._file: tuple[int, int] | None = None
        self._pragmas = sqlite.PRAGMAS | (pragmas or {})
        self._engine = create_async_engine(
            URL.create("sqlite+aiosqlite", database=str(path)),
            connect_args=sqlite.CONNECT_ARGS,
            hide_parameters=True,  # they are customers' names and sealed secrets, and errors are logged
        )
        sqlite.prepare(self._engine.sync_engine, self._pragmas)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """One transaction that only reads: it sees one state of the database."""
        self._check_file()
        with self._explained():
            async with self._engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """One transaction that may write: all of it happens, or, if an exception leaves it, nothing.

        Raises:
            Conflict: a value that has to be unique is taken.
        """
        self._check_file()
        with self._explained():
            async with self._engine.execution_options(writing=True).begin() as connection:
                yield connection

    async def migrate(self) -> None:
        """Make the tables, or bring them to the newest schema.

        Raises:
            StoreError: the database cannot be written, or a newer Sellerport wrote it.
        """
        with suppress(OSError):  # what stands in the way is explained when the file is opened
            self.path.touch(mode=0o600)  # it holds customers' names
        with self._explained():
            await asyncio.to_thread(schema.upgrade, self.path, self._pragmas)
        self._file = self._which()

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()

    def _which(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _check_file(self) -> None:
        """Refuse to go on with a file that was deleted or replaced: what is written to it would be gone at the end."""
        if self._file is not None and self._which() != self._file:
            raise StoreError(f"the database {self.path} was moved or replaced while open; restart; nothing was changed")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            if sqlite.is_taken(error):
                raise Conflict from error
            raise StoreError(f"the database {self.path} {sqlite.explain(error)}; nothing was changed") from error
        except TimeoutError as error:
            raise StoreError(f"the database {self.path} has more callers than it can serve; try again") from error
