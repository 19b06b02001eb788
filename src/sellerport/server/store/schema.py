"""Brings a database to the newest schema, with the migrations that are part of this package."""

from __future__ import annotations

import threading
from pathlib import Path

from sqlalchemy import URL, NullPool, create_engine

from sellerport.errors import StoreError
from sellerport.server.store import sqlite

HEAD = "0001"
"""The newest migration. A database that has it needs no Alembic, which takes longer to import than all else here."""

_lock = threading.Lock()  # Alembic keeps the migration that runs in global variables


def upgrade(path: Path, pragmas: dict[str, str]) -> None:
    """Run what is missing, in one transaction; another process that does the same at the same time waits.

    Raises:
        StoreError: a newer Sellerport wrote this database.
    """
    from alembic import command  # noqa: PLC0415  # see HEAD
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=NullPool,
        connect_args=sqlite.CONNECT_ARGS,
        hide_parameters=True,
    )
    # the file keeps its journal mode: readers do not wait for writers
    sqlite.prepare(engine, {"journal_mode": "WAL", **pragmas})
    config = Config()
    config.set_main_option("script_location", "sellerport.server.store:migrations")
    with _lock, engine.connect().execution_options(writing=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise StoreError(f"the database {path} was written by a newer Sellerport; use that one") from error
