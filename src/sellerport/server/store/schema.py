"""Brings a database to the newest schema, with the migrations that are part of this package."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine
from sqlalchemy.exc import DBAPIError

from sellerport.errors import StoreError
from sellerport.server.store import sqlite

HEAD = "0001"
"""The newest migration. A database that has it needs no Alembic, which takes longer to import than all else here."""

_lock = threading.Lock()  # Alembic keeps the migration that runs in global variables


def upgrade(path: Path, pragmas: dict[str, str]) -> None:
    """Run what is missing, in one transaction; another process that does the same at the same time waits.

    This blocks. It comes before all else, so that a file that cannot be opened is noticed here, and not by a driver
    that starts a thread for each connection.

    Raises:
        StoreError: a newer Sellerport wrote this database.
        sqlalchemy.exc.DBAPIError: the database cannot be read or written.
    """
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=NullPool,
        connect_args=sqlite.CONNECT_ARGS,
        hide_parameters=True,
    )
    # the file keeps its journal mode: readers do not wait for writers
    sqlite.prepare(engine, {"journal_mode": "WAL", **pragmas})
    if not _is_current(engine):
        with _lock, engine.execution_options(writing=True).begin() as connection:
            _run_migrations(connection, path)


def _is_current(engine: Engine) -> bool:
    give_up = time.monotonic() + sqlite.BUSY_TIMEOUT_S
    while True:
        try:
            with engine.begin() as connection:
                return _version(connection) == HEAD
        except DBAPIError as error:
            # SQLite does not wait for another connection that sets the journal mode at the same moment
            if not sqlite.is_busy(error) or time.monotonic() > give_up:
                raise
            time.sleep(0.01)  # noqa: TID251  # this runs in a thread of its own


def _version(connection: Connection) -> str | None:
    table = connection.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").first()
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() if table else None


def _run_migrations(connection: Connection, path: Path) -> None:
    from alembic import command  # noqa: PLC0415  # see HEAD
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "sellerport.server.store:migrations")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(f"the database {path} was written by a newer Sellerport; use that one") from error
