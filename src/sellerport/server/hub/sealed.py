"""A row's sealed columns: ``sealed_key`` is its data key, which sealed the others.

Every such table has ``id`` and ``organization_id``, to which both are bound. Where it has ``grant_generation``, its
fields are bound to that too, so that what was sealed for an older grant does not open.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, RowMapping, Table

from sellerport.server.store import metadata
from sellerport.server.vault import Identity, Vault

PREFIX = "sealed_"
KEY = "sealed_key"

Row = Mapping[str, Any] | RowMapping


def tables() -> list[Table]:
    """Return the tables whose rows hold something sealed."""
    return [table for table in metadata.tables.values() if KEY in table.c]


def fields(table: Table) -> list[Column[Any]]:
    """Return the columns of a table that data keys seal."""
    return [column for column in table.c if column.name.startswith(PREFIX) and column.name != KEY]


def key_place(table: Table, row: Row) -> Identity:
    """Return what a row's data key is bound to."""
    return (table.name, row["id"], row["organization_id"])


def field_place(table: Table, row: Row, column: str) -> Identity:
    """Return what a sealed column is bound to."""
    place = (table.name, row["id"], column.removeprefix(PREFIX), row["organization_id"])
    return (*place, str(row["grant_generation"])) if "grant_generation" in table.c else place


async def seal(
    vault: Vault, table: Table, row: Row, *, held_secret: str | None = None, **secrets: str
) -> dict[str, bytes]:
    """Seal all of a row's secrets (``sealed_grant=…``) with a new data key; return the columns, ``sealed_key`` too.

    Args:
        vault: the keys.
        table, row: where they will be; ``id``, ``organization_id`` and ``grant_generation`` are looked at.
        held_secret: what their owner has to give each time they are opened.
        secrets: by column.

    Raises:
        VaultUnavailable: the key-encryption key cannot be reached or used for now.
    """
    key = await vault.new_key(key_place(table, row), held_secret=held_secret)
    sealed = {name: key.seal(secret.encode(), field_place(table, row, name)) for name, secret in secrets.items()}
    return {KEY: key.sealed, **sealed}


async def unseal(vault: Vault, table: Table, row: Row, *columns: str, held_secret: str | None = None) -> dict[str, str]:
    """Open these columns of a row, those that hold something; rows of format 1 have no data key.

    Raises:
        WrongSecret: their owner's secret is needed, and this is not it.
        VaultError: one does not open.
    """
    held = [name for name in columns if row[name] is not None]
    if row[KEY] is None:
        first = {name: field_place(table, row, name)[:4] for name in held}  # format 1 knew no generations
        return {name: vault.open_first(row[name], place).decode() for name, place in first.items()}
    key = await vault.open_key(row[KEY], key_place(table, row), held_secret=held_secret)
    return {name: key.open(row[name], field_place(table, row, name)).decode() for name in held}
