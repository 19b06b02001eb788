"""What is particular to SQLite: pragmas, how a transaction begins, and what its errors ask for."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import DBAPIError

BUSY_TIMEOUT_S = 5

CONNECT_ARGS = {
    "isolation_level": None,  # the driver leaves BEGIN to us
    "timeout": BUSY_TIMEOUT_S,
}

PRAGMAS = {
    "synchronous": "FULL",  # a grant that was acknowledged survives a power cut
    "foreign_keys": "ON",
    "secure_delete": "ON",  # what is deleted is overwritten
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


def prepare(engine: Engine, pragmas: dict[str, str]) -> None:
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


def is_taken(error: DBAPIError) -> bool:
    """Return whether a value that has to be unique was there already."""
    return _code(error) in (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)


def is_busy(error: DBAPIError) -> bool:
    """Return whether another connection was in the way."""
    return _code(error) & 0xFF == sqlite3.SQLITE_BUSY


def explain(error: DBAPIError) -> str:
    """Return what is wrong with the database and what to do, as the end of a sentence that begins with its path."""
    primary = _code(error) & 0xFF  # extended codes hold the primary one in their low byte
    name = getattr(error.orig, "sqlite_errorname", type(error.orig).__name__)
    return _WHAT_TO_DO.get(primary, f"failed ({name})")


def _code(error: DBAPIError) -> int:
    return getattr(error.orig, "sqlite_errorcode", 0)
