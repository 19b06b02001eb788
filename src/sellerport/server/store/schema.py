"""Brings a database to the newest schema, with the migrations that are part of this package."""

from __future__ import annotations

import threading
import time

from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.exc import DBAPIError

from sellerport.errors import StoreError
from sellerport.server.store.backend import Backend

HEAD = "0008"
"""The newest migration. A database that has it needs no Alembic, which takes longer to import than all else here."""

PATIENCE_S = 5

_lock = threading.Lock()  # Alembic keeps the migration that runs in global variables


def upgrade(backend: Backend) -> None:
    """Run what is missing, in one transaction; another process that does the same at the same time waits.

    A database that a newer Sellerport migrated is left alone, and used if that one says that this one may: so that
    machines can be brought to a new version one after the other.

    This blocks. It comes before all else, so that a database that cannot be opened is noticed here, and not by a driver
    that starts a thread for each connection.

    Raises:
        StoreError: a newer Sellerport wrote this database, and not for one as old as this.
        sqlalchemy.exc.DBAPIError: the database cannot be read or written.
    """
    engine = backend.blocking_engine()
    if not _is_usable(engine, backend):
        with _lock, engine.execution_options(**backend.writing).begin() as connection:
            backend.take_turns(connection)
            _run_migrations(connection, backend)


def _is_usable(engine: Engine, backend: Backend) -> bool:
    give_up = time.monotonic() + PATIENCE_S
    while True:
        try:
            with engine.begin() as connection:
                return _fits(connection)
        except DBAPIError as error:
            # SQLite does not wait for another connection that sets the journal mode at the same moment
            if not backend.is_busy(error) or time.monotonic() > give_up:
                raise
            time.sleep(0.01)  # noqa: TID251  # this runs in a thread of its own


def _fits(connection: Connection) -> bool:
    tables = inspect(connection)
    if not tables.has_table("alembic_version"):
        return False
    version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    if version is None or version <= HEAD:
        return bool(version == HEAD)
    if not tables.has_table("compatibility"):
        return False
    oldest = connection.exec_driver_sql("SELECT oldest_revision FROM compatibility").scalar()
    return oldest is not None and oldest <= HEAD


def _run_migrations(connection: Connection, backend: Backend) -> None:
    from alembic import command  # noqa: PLC0415  # see HEAD
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "sellerport.server.store:migrations")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(f"the database {backend.name} was written by a newer Sellerport; use that one") from error
