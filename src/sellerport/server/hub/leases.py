"""The lease on a connection's row: who may ask for its next access token, and what that one writes.

Everything here is one short transaction, judged by the database's clock, and what many do at the same moment is one for
all of them. A lease has a number, which counts up: whoever had an older one writes nothing any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, bindparam, select, tuple_, update

from sellerport.server.hub.changes import Change, Changes
from sellerport.server.hub.journal import Refresh
from sellerport.server.hub.records import SERVER
from sellerport.server.hub.together import Together
from sellerport.server.store import Database, connections

LEASE_S = 30.0

_t = connections.c
NEW = "new_"
"""What the parameters of an update are called by, beside the columns."""
_FREE = {"lease_owner": None, "lease_until": None}


class Leases:
    """Takes leases and gives them back, with or without what came meanwhile.

    Args:
        database: where the rows are.
        changes: told of what happened to a grant.
        owner: what this process is called.
    """

    def __init__(self, database: Database, changes: Changes, owner: str) -> None:
        self._database = database
        self._changes = changes
        self._owner = owner
        self.take = Together(self._take)
        """Takes the lease of a row that was read idle, and returns its number; None if the row has moved on since."""
        self._store = Together(self._store_all)

    def idle(self) -> ColumnElement[bool]:
        """Return the condition that nobody has a row's lease."""
        now = self._database.now()
        # one that would last much longer than any was taken before the clock was set back, and its holder may be gone;
        # a clock that is only put right, by some seconds, takes no lease from whoever has it
        return _t.lease_until.is_(None) | (_t.lease_until <= now) | (_t.lease_until > now + 2 * LEASE_S)

    async def _take(self, rows: list[RowMapping]) -> list[int | None]:
        seen = [(row["id"], row["lease_generation"], row["grant_generation"]) for row in rows]
        unmoved = tuple_(_t.id, _t.lease_generation, _t.grant_generation).in_(seen)
        free = select(_t.id).where(_t.id.in_([row["id"] for row in rows]), unmoved, _t.status == "active")
        values = {
            "lease_owner": self._owner,
            "lease_until": self._database.now() + LEASE_S,
            "lease_generation": _t.lease_generation + 1,
        }
        async with self._database.writing() as store:
            # a row that another process holds at this moment is about to move on
            taken = set(await store.scalars(free.with_for_update(skip_locked=True)))
            if taken:
                await store.execute(update(connections).where(_t.id.in_(taken)).values(values))
        leases: list[int | None] = []
        for row in rows:  # of two that want the same, the first has it
            leases.append(row["lease_generation"] + 1 if row["id"] in taken else None)
            taken.discard(row["id"])
        return leases

    async def give_back(self, refresh: Refresh, **values: Any) -> bool:
        """Give a lease back, if it is still that one, with what is to be noted; whether it was."""
        mine = (_t.id == refresh.connection_id) & (_t.lease_generation == refresh.lease) & _t.lease_owner.is_not(None)
        async with self._database.writing() as store:
            done = await store.execute(update(connections).where(mine).values({**_FREE, **values}))
        return done.rowcount == 1

    async def store(self, refresh: Refresh, action: str) -> bool:
        """Store what came, and give the lease back, unless the row has something newer; whether it did."""
        return await self._store((refresh, action))

    async def _store_all(self, came: list[tuple[Refresh, str]]) -> list[bool]:
        ids = {refresh.connection_id for refresh, _ in came}
        columns = (_t.id, _t.organization_id, _t.status, _t.grant_generation, _t.lease_generation)
        rows = select(*columns).where(_t.id.in_(ids)).order_by(_t.id).with_for_update()
        async with self._database.reading() as store:
            owners = set(await store.scalars(select(_t.organization_id).where(_t.id.in_(ids))))
        stored: list[bool] = []
        changes: list[Change] = []
        written: dict[str, dict[str, Any]] = {}
        async with self._changes.writing(*owners) as store:
            states = {row["id"]: dict(row) for row in (await store.execute(rows)).mappings()}
            for refresh, action in came:
                state = states.get(refresh.connection_id)
                stored.append(state is not None and _is_wanted(refresh, state))
                if state is None or not stored[-1]:
                    continue
                values = {**refresh.columns, **_FREE, "refresh_failures": 0, "next_refresh_at": None}
                changes.append(Change(state["organization_id"], action, refresh.connection_id))
                if state["status"] != "active":
                    values |= {"status": "active", "last_error": None, "last_error_at": None}
                    changes.append(Change(state["organization_id"], "connection.active", refresh.connection_id))
                state |= values
                written[refresh.connection_id] = written.get(refresh.connection_id, {}) | values
            for alike in _by_columns(written):
                named: dict[str, Any] = {name: bindparam(NEW + name) for name in alike[0] if name != "id"}
                new = [{NEW + name: value for name, value in one.items()} for one in alike]
                await store.execute(update(connections).where(_t.id == bindparam(NEW + "id")).values(named), new)
            if changes:
                await self._changes.note_all(store, SERVER, changes)
        return stored

    async def take_up(self, refresh: Refresh) -> bool:
        """End a refresh that nobody works on any more; whether that changed its row."""
        if refresh.columns:
            return await self.store(refresh, "grant.recovered")
        return await self.give_back(refresh)


def _is_wanted(refresh: Refresh, row: dict[str, Any]) -> bool:
    """Return whether a row has nothing newer than what came."""
    if row["grant_generation"] != refresh.generation:
        return False
    if "grant_generation" in refresh.columns:
        # what Amazon gave last may be the only grant that it still takes, whoever has the lease by now
        return row["status"] in ("active", "needs_consent")
    return bool(row["status"] == "active" and row["lease_generation"] == refresh.lease)


def _by_columns(written: dict[str, dict[str, Any]]) -> Iterable[list[dict[str, Any]]]:
    """Return what is written, with the id of its row, put together where it is of the same columns."""
    alike: dict[frozenset[str], list[dict[str, Any]]] = {}
    for id, values in written.items():
        alike.setdefault(frozenset(values), []).append({"id": id, **values})
    return alike.values()
