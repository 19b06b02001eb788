"""The lease on a connection's row: who may ask for its next access token, and what that one writes.

Everything here is one short transaction, judged by the database's clock. A lease has a number, which counts up: whoever
had an older one writes nothing any more.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, RowMapping, select, update

from sellerport.server.hub.changes import Changes
from sellerport.server.hub.journal import Refresh
from sellerport.server.hub.records import SERVER
from sellerport.server.store import Database, connections

LEASE_S = 30.0

_t = connections.c
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

    def idle(self) -> ColumnElement[bool]:
        """Return the condition that nobody has a row's lease."""
        now = self._database.now()
        # one that would last longer than any lease was taken before the clock was set back
        return _t.lease_until.is_(None) | (_t.lease_until <= now) | (_t.lease_until > now + LEASE_S)

    async def take(self, row: RowMapping) -> int | None:
        """Take the lease of a row that was read idle, and return its number; None if the row has moved on since."""
        lease = row["lease_generation"] + 1
        same_lease = (_t.id == row["id"]) & (_t.lease_generation == row["lease_generation"]) & (_t.status == "active")
        same_grant = _t.grant_generation == row["grant_generation"]
        until = self._database.now() + LEASE_S
        values = {"lease_owner": self._owner, "lease_until": until, "lease_generation": lease}
        async with self._database.writing() as store:
            done = await store.execute(update(connections).where(same_lease & same_grant).values(values))
        return lease if done.rowcount == 1 else None

    async def give_back(self, refresh: Refresh, **values: Any) -> bool:
        """Give a lease back, if it is still that one, with what is to be noted; whether it was."""
        mine = (_t.id == refresh.connection_id) & (_t.lease_generation == refresh.lease) & _t.lease_owner.is_not(None)
        async with self._database.writing() as store:
            done = await store.execute(update(connections).where(mine).values({**_FREE, **values}))
        return done.rowcount == 1

    async def store(self, refresh: Refresh, action: str) -> bool:
        """Store what came, and give the lease back, unless the row has something newer; whether it did."""
        same_grant = (_t.id == refresh.connection_id) & (_t.grant_generation == refresh.generation)
        if "grant_generation" in refresh.columns:
            # what Amazon gave last may be the only grant that it still takes, whoever has the lease by now
            wanted = same_grant & _t.status.in_(("active", "needs_consent"))
        else:
            wanted = same_grant & (_t.status == "active") & (_t.lease_generation == refresh.lease)
        values = {**refresh.columns, **_FREE, "refresh_failures": 0, "next_refresh_at": None}
        actions = [action]
        async with self._database.writing() as store:
            row = (await store.execute(select(_t.organization_id, _t.status).where(wanted).with_for_update())).first()
            if row is None:
                return False
            if row.status != "active":
                values |= {"status": "active", "last_error": None, "last_error_at": None}
                actions.append("connection.active")
            await store.execute(update(connections).where(_t.id == refresh.connection_id).values(values))
            for one in actions:
                await self._changes.note(store, row.organization_id, one, refresh.connection_id, SERVER)
        return True

    async def take_up(self, refresh: Refresh) -> bool:
        """End a refresh that nobody works on any more; whether that changed its row."""
        if refresh.columns:
            return await self.store(refresh, "grant.recovered")
        return await self.give_back(refresh)
