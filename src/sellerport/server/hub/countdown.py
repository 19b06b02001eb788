"""Tells organizations in time that something ends: an owner's consent after a year, a client secret after half of one.

Each of 30, 14, 7 and 1 days before, once; what was missed while no server ran is made up for by one event, not by all.
"""

from __future__ import annotations

import math
from typing import Any

from sqlalchemy import Table, func, or_, select, update

from sellerport.server.hub.changes import Changes
from sellerport.server.hub.records import SERVER
from sellerport.server.store import Database, applications, connections

DAY_S = 86_400.0
DAYS = (30, 14, 7, 1)

CONSENT_S = 365 * DAY_S
"""How long Amazon lets a consent to a public application stand."""
SECRET_S = 180 * DAY_S
"""How long Amazon accepts a client secret of the Selling Partner API."""


class Countdown:
    """What is counted down. The database's clock says what day it is."""

    def __init__(self, database: Database, changes: Changes) -> None:
        self._database = database
        self._changes = changes

    async def remind(self) -> int:
        """Tell of everything that ends soon and was not told yet; return how many events there were."""
        c, a = connections.c, applications.c
        return await self._remind(
            "connection.authorization_expiring",
            connections,
            func.coalesce(c.granted_at, c.created_at),
            CONSENT_S,
            (c.status == "active") & (c.platform == "seller-partner"),
        ) + await self._remind(
            "application.secret_expiring",
            applications,
            func.coalesce(a.secret_changed_at, a.created_at),
            SECRET_S,
            a.platform == "seller-partner",
        )

    async def _remind(self, action: str, table: Table, begun: Any, life_s: float, where: Any) -> int:
        t, now = table.c, self._database.now()
        left = (begun + life_s - now).label("left")
        ending = select(t.id, t.organization_id, t.reminded_days, left, (begun + life_s).label("ends_at"))
        ending = ending.where(where, left <= DAYS[0] * DAY_S)
        async with self._database.reading() as store:
            rows = (await store.execute(ending)).all()
        told = 0
        for row in rows:
            days_left = max(math.ceil(row.left / DAY_S), 0)
            step = min(day for day in DAYS if days_left <= day)
            if row.reminded_days is not None and row.reminded_days <= step:
                continue
            untold = or_(t.reminded_days.is_(None), t.reminded_days > step)
            unchanged = (t.id == row.id) & where & (begun + life_s == row.ends_at) & untold
            async with self._changes.writing(row.organization_id) as store:
                done = await store.execute(update(table).where(unchanged).values(reminded_days=step))
                if done.rowcount == 1:
                    facts = {"days_left": days_left, "ends_at": row.ends_at}
                    await self._changes.note(store, row.organization_id, action, row.id, SERVER, **facts)
                    told += 1
        return told
