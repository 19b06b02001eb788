"""The vault's keys, and what in the database is sealed with which: over all tables that hold something sealed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    ColumnElement,
    LargeBinary,
    RowMapping,
    Table,
    bindparam,
    delete,
    false,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from sellerport.errors import Conflict, KeyMissing, NotFound, Tampered
from sellerport.server.hub import sealed
from sellerport.server.hub.changes import Changes, Fact
from sellerport.server.hub.records import OPERATOR, SERVER
from sellerport.server.store import Database, vault_checks
from sellerport.server.vault import Vault, key_id, key_tag

BATCH = 200
"""How many rows are rewrapped in one transaction, which takes some milliseconds: writers wait for it."""

Progress = Callable[[int, int], None]
"""Told how many rows are done, and how many there are to do."""

_FORMAT_1 = b"\x01"
_CHECK = ("vault_checks",)


@dataclass(frozen=True)
class Key:
    """A key-encryption key."""

    id: str
    newest: bool
    rows: int
    """How many rows' data keys it sealed, and fields of format 1."""


@dataclass(frozen=True)
class Stuck:
    """A row that could not be rewrapped."""

    table: str
    id: str
    error: str


@dataclass
class Rewrapped:
    """What became of a rewrap."""

    key_id: str
    rows: int = 0
    stuck: list[Stuck] = field(default_factory=list)


class Keys:
    """The keys that seal what is in the database."""

    def __init__(self, database: Database, vault: Vault, changes: Changes, clock: Callable[[], float]) -> None:
        self._database = database
        self._vault = vault
        self._changes = changes
        self._clock = clock

    async def check(self) -> None:
        """See that the vault has every key that ever sealed something in this database, and note its newest.

        Raises:
            KeyMissing: it lacks one; the key's id is named.
            Tampered: a key has the right id and is another, or the database was altered.
            VaultUnavailable: the service that keeps the keys cannot be used.
            StoreError: the database cannot be read, or not opened for writing; a full disk is not noticed here.
        """
        async with self._database.writing() as store:  # so that a read-only database is noticed too
            known = (await store.execute(select(vault_checks.c.key_id, vault_checks.c.sealed))).all()
        for id, record in known:
            if record[:1] == _FORMAT_1:
                self._vault.open_first(record, (*_CHECK, id))
            else:
                await self._vault.open_key(record, _CHECK)
        if self._vault.newest is None or self._vault.newest not in [id for id, _ in known]:
            await self._note(SERVER)

    async def all(self) -> list[Key]:
        """Return every key that is here or sealed something, the newest last."""
        newest, counts = await self._vault.find_newest(), await self._counts()
        async with self._database.reading() as store:
            noted = (await store.execute(select(vault_checks.c.key_id).order_by(vault_checks.c.created_at))).scalars()
            ids = dict.fromkeys([*noted, *self._vault.key_ids, *counts])
        ids.pop(newest, None)
        return [Key(id, id == newest, counts[id]) for id in (*ids, newest)]

    async def rotate(self) -> str:
        """Make a new key, with which everything is sealed from now on, and return its id.

        Raises:
            VaultError: it cannot be done from here; says where.
        """
        await self._vault.rotate()
        return await self._note(OPERATOR)

    async def rewrap(self, progress: Progress = lambda done, all: None, batch: int = BATCH) -> Rewrapped:
        """Seal every row's data key with the newest key, and give rows of format 1 a data key.

        The server may run meanwhile. Whatever ends this, what was done stays done, and the next one goes on. A row that
        does not open is left as it is, and told of.

        Args:
            progress: called after every batch.
            batch: how many rows to write in one transaction.

        Raises:
            VaultUnavailable: the service that keeps the keys cannot be used; the rest is left as it was.
            StoreError: the database cannot be written.
        """
        made = Rewrapped(await self._note(OPERATOR))
        counts = await self._counts()
        todo = counts.total() - counts[made.key_id]
        tried = -1
        while tried != 0:  # a server that did not know the newest key yet may have written behind us
            tried, made.key_id = 0, await self._note(OPERATOR)  # and there may be a newer one by now
            stuck: list[Stuck] = []
            for table in sealed.tables():
                async for rows in self._stale(table, made.key_id, batch):
                    outcomes = await asyncio.gather(*(self._rewrapped(table, row) for row in rows))
                    written = [outcome for outcome in outcomes if not isinstance(outcome, Stuck)]
                    stuck += [outcome for outcome in outcomes if isinstance(outcome, Stuck)]
                    async with self._changes.writing(None) as store:
                        await _write(store, table, written)
                        facts: dict[str, Fact] = {"table": str(table.name), "rows": len(written)}
                        await self._changes.note(store, None, "key.rewrapped", made.key_id, OPERATOR, **facts)
                    tried += len(written)
                    made.rows += len(written)
                    progress(made.rows, max(todo, made.rows))
            made.stuck = stuck
        return made

    async def retire(self, id: str) -> None:
        """Forget a key that nothing is sealed with any more.

        Raises:
            NotFound: there is no such key.
            Conflict: it is the newest, or rows are sealed with it still; says how many.
            VaultError: it cannot be removed.
        """
        key = next((key for key in await self.all() if key.id == id), None)
        if key is None:
            raise NotFound(f"no vault key {id!r}; `sellerport key list` shows those there are")
        if key.newest:
            raise Conflict(f"the vault key {id} is the newest: make another first, with `sellerport key rotate`")
        if key.rows:
            raise Conflict(f"{key.rows} rows are sealed with the vault key {id}: run `sellerport key rewrap` first")
        async with self._changes.writing(None) as store:
            await store.execute(delete(vault_checks).where(vault_checks.c.key_id == id))
            await self._changes.note(store, None, "key.retired", id, OPERATOR)
        await self._vault.retire(id)
        # what a server was writing with it while it was the newest; this process has the key still
        await self.rewrap()

    async def _note(self, actor: str) -> str:
        """Write down which key is the newest, so that no server starts without it; return its id."""
        record = (await self._vault.new_key(_CHECK)).sealed
        id = key_id(record)
        values = {"key_id": id, "sealed": record, "created_at": self._clock()}
        async with self._changes.writing(None) as store:
            if await store.scalar(select(vault_checks.c.key_id).where(vault_checks.c.key_id == id)) is None:
                try:
                    async with store.begin_nested():
                        await store.execute(insert(vault_checks).values(values))
                except IntegrityError:  # another process noted it at the same moment
                    return id
                await self._changes.note(store, None, "key.added", id, actor)
        return id

    async def _counts(self) -> Counter[str]:
        found: Counter[str] = Counter()
        async with self._database.reading(patient=True) as store:
            for table in sealed.tables():
                key = table.c[sealed.KEY]
                for length in await store.scalars(select(_part(key, 2, 1)).distinct().where(key.is_not(None))):
                    header = _part(key, 1, 2 + int.from_bytes(length))
                    await _count(store, found, header, _part(key, 2, 1) == length)
                for column in sealed.fields(table):
                    await _count(store, found, _part(column, 1, 5), key.is_(None) & column.is_not(None))
        return found

    async def _stale(self, table: Table, newest: str, batch: int) -> AsyncIterator[list[RowMapping]]:
        tag, key, columns = key_tag(newest), table.c[sealed.KEY], sealed.fields(table)
        old = key.is_not(None) & (_part(key, 2, len(tag)) != tag)
        first = key.is_(None) & or_(false(), *(column.is_not(None) for column in columns))
        names = {"id", "organization_id", "grant_generation", sealed.KEY, *(column.name for column in columns)}
        wanted = select(*(column for column in table.c if column.name in names)).where(or_(old, first))
        after = ""
        while True:
            async with self._database.reading(patient=True) as store:
                page = wanted.where(table.c.id > after).order_by(table.c.id).limit(batch)
                rows = list((await store.execute(page)).mappings())
            if not rows:
                return
            after = rows[-1]["id"]
            yield rows

    async def _rewrapped(self, table: Table, row: RowMapping) -> tuple[RowMapping, dict[str, bytes]] | Stuck:
        try:
            if row[sealed.KEY] is not None:
                return row, {sealed.KEY: await self._vault.rewrap(row[sealed.KEY], sealed.key_place(table, row))}
            opened = await sealed.unseal(self._vault, table, row, *(column.name for column in sealed.fields(table)))
            return row, await sealed.seal(self._vault, table, row, **opened)
        except (KeyMissing, Tampered) as error:
            return Stuck(table.name, row["id"], error.message)


async def _count(
    store: AsyncConnection, found: Counter[str], header: ColumnElement[Any], where: ColumnElement[bool]
) -> None:
    # by its label: to PostgreSQL, the same expression with other parameters is another one
    counted = select(header.label("start"), func.count()).where(where).group_by("start")
    for start, count in await store.execute(counted):
        found[key_id(start) or "(unreadable)"] += count


async def _write(store: AsyncConnection, table: Table, rows: list[tuple[RowMapping, dict[str, bytes]]]) -> None:
    """Write what was sealed anew, except over what somebody else wrote meanwhile."""
    key = table.c[sealed.KEY]
    wrapped = [
        {"row": row["id"], "was": row[sealed.KEY], "new": values[sealed.KEY]} for row, values in rows if row[sealed.KEY]
    ]
    if wrapped:
        unchanged = (table.c.id == bindparam("row")) & (key == bindparam("was"))
        await store.execute(update(table).where(unchanged).values({sealed.KEY: bindparam("new")}), wrapped)
    for row, values in rows:
        if row[sealed.KEY] is None:
            same = [table.c[name] == row[name] for name in values if name != sealed.KEY]
            await store.execute(update(table).where(table.c.id == row["id"], key.is_(None), *same).values(values))


def _part(column: ColumnElement[Any], start: int, length: int) -> ColumnElement[bytes]:
    # SQLite has NULL for a part of nothing
    return func.coalesce(func.substr(column, start, length), b"", type_=LargeBinary)
