"""What an organization has in the database, and how all of it goes: with the rows their data keys, but not the audit.

Who deletes an organization is alone with it (see `changes.hold`), but for those who write without a record of it.
Each of those locks rows of one table, and then perhaps of another, in the order in which they are locked here; rows
with a data key by their ids, as when they are rewrapped.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Table, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sellerport.errors import Conflict
from sellerport.server.hub import documents as kept
from sellerport.server.hub.changes import Change
from sellerport.server.store import (
    api_clients,
    applications,
    audit_chains,
    connections,
    consents,
    documents,
    events,
    metadata,
    organizations,
    sellers,
    v1_grants,
    webhooks,
    workspaces,
)

WHY = "organization deleted"

_RECORDED = {
    webhooks: "webhook.deleted",
    connections: "connection.dropped",
    applications: "application.removed",
    api_clients: "client.deleted",
    sellers: "seller.deleted",
    workspaces: "workspace.deleted",
}
"""What each row of a table leaves a record of its end for, besides documents, and what that is called."""

_a, _c = applications.c, connections.c


async def erase(store: AsyncConnection, id: str) -> list[Change]:
    """Delete an organization with all that it has; return what to record of it.

    Args:
        store: the transaction that deletes it.
        id: whose.

    Raises:
        Conflict: connections of others use an application of its.
    """
    its_applications = select(_a.id).where(_a.organization_id == id)
    through_it = consents.c.application_id.in_(its_applications)
    await _lock(store, events, events.c.organization_id == id, events.c.sequence)
    changes = await _locked(store, webhooks, id)
    # those of browsers before those that were pushed, as browsers come back
    begun = (consents.c.organization_id == id) | through_it
    await _lock(store, consents, begun, consents.c.pushed_id.is_(None), consents.c.id)
    for table in (connections, applications, api_clients, sellers, workspaces):
        changes += await _locked(store, table, id)
    await _lock(store, v1_grants, v1_grants.c.organization_id == id, v1_grants.c.id)
    await _let_go(store, id, through_it)
    while some := await kept.drop(store, documents.c.organization_id == id, WHY):
        changes += some
    for table in reversed(metadata.sorted_tables):
        if table is not audit_chains and (its := _of(table, id)) is not None:
            await store.execute(delete(table).where(its))
    return [*changes, Change(id, "organization.deleted", id)]


async def _let_go(store: AsyncConnection, id: str, through_it: ColumnElement[bool]) -> None:
    """End what others have of an organization's applications.

    Raises:
        Conflict: they have connections.
    """
    mine = select(_a.id).where(_a.organization_id == id)
    others = _c.application_id.in_(mine) & (_c.organization_id != id)
    used = select(_c.application_id, func.count()).where(others, _c.status != "disconnected")
    for application, count in await store.execute(used.group_by(_c.application_id).order_by(_c.application_id)):
        raise Conflict(
            f"{count} connections of other organizations use its application {application}, which it shared: delete "
            "those, or their sellers, first"
        )
    await store.execute(update(connections).where(others).values(application_id=None))
    await store.execute(delete(consents).where(through_it))


async def _locked(store: AsyncConnection, table: Table, id: str) -> list[Change]:
    """Lock an organization's rows of a table; return what to record of their end."""
    ids = await _lock(store, table, table.c.organization_id == id, table.c.id)
    return [Change(id, _RECORDED[table], one) for one in ids]


async def _lock(store: AsyncConnection, table: Table, which: ColumnElement[bool], *order: Any) -> list[str]:
    rows = select(table.c.id).where(which).order_by(*order).with_for_update()
    return list(await store.scalars(rows))


def _of(table: Table, id: str) -> ColumnElement[bool] | None:
    """Return which rows of a table are an organization's, or belong to such; None for what nobody's are in."""
    if table is organizations:
        return organizations.c.id == id
    if "organization_id" in table.c:
        return table.c.organization_id == id
    for column in table.c:
        for key in column.foreign_keys:
            owned = _of(key.column.table, id)
            if owned is not None:
                return column.in_(select(key.column).where(owned))
    return None
