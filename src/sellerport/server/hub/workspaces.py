"""Workspaces: an organization's customers, as the connector API knows them.

Connections and consents know a customer by name, and a new name is a new customer. What has an id, a status and tokens
of its own is a row that is made when somebody first asks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from sellerport.errors import Conflict, NotFound
from sellerport.server.hub.changes import Changes
from sellerport.server.hub.connections import Connections
from sellerport.server.hub.held import drop
from sellerport.server.hub.mint import Mint
from sellerport.server.hub.records import Caller, Workspace, WorkspaceStatus, required
from sellerport.server.store import Database, connections, consents, scoped_tokens, workspaces

_t = workspaces.c
_COLUMNS = [_t[it.name] for it in fields(Workspace)]


class Workspaces:
    """The customers of organizations."""

    def __init__(
        self,
        database: Database,
        connections: Connections,
        changes: Changes,
        mint: Mint,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._connections = connections
        self._changes = changes
        self._mint = mint
        self._clock = clock

    async def all(
        self,
        caller: Caller,
        *,
        name_contains: str = "",
        status: WorkspaceStatus | None = None,
        after: str = "",
        most: int = 20,
    ) -> list[Workspace]:
        """Return an organization's workspaces by name.

        Args:
            caller: whose.
            name_contains: a part of the name, in lower or upper case.
            status: of which status only.
            after: the name that the page before ended with.
            most: how many at most.
        """
        await self._adopt(caller)
        mine = select(*_COLUMNS).where(_t.organization_id == caller.organization_id, _t.name > after)
        if name_contains:
            mine = mine.where(func.lower(_t.name).contains(name_contains.lower(), autoescape=True))
        if status is not None:
            mine = mine.where(_t.status == status)
        async with self._database.reading() as store:
            rows = await store.execute(mine.order_by(_t.name).limit(most))
        return [Workspace(**row) for row in rows.mappings()]

    async def stats(self, caller: Caller) -> dict[WorkspaceStatus, int]:
        """Return how many of an organization's workspaces have which status."""
        await self._adopt(caller)
        counted = select(_t.status, func.count()).where(_t.organization_id == caller.organization_id)
        async with self._database.reading() as store:
            rows = (await store.execute(counted.group_by(_t.status))).all()
        return {"active": 0, "inactive": 0, **{row[0]: row[1] for row in rows}}

    async def get(self, caller: Caller, id: str) -> Workspace:
        """Return one workspace.

        Raises:
            NotFound: the organization has none with this id.
        """
        mine = select(*_COLUMNS).where(_t.id == id, _t.organization_id == caller.organization_id)
        async with self._database.reading() as store:
            row = (await store.execute(mine)).mappings().first()
        if row is None:
            raise _unknown()
        return Workspace(**row)

    async def named(self, caller: Caller, name: str) -> Workspace:
        """Return the workspace of a customer; it is made if there is none.

        Raises:
            NotFound: it, or the organization, was deleted at the same moment.
        """
        required(workspace_name=name)
        found = await self._find(caller, name)
        if found is None:
            await self._make(caller, [name])
            found = await self._find(caller, name)
        if found is None:
            raise _unknown()
        return found

    async def _find(self, caller: Caller, name: str) -> Workspace | None:
        mine = select(*_COLUMNS).where(_t.name == name, _t.organization_id == caller.organization_id)
        async with self._database.reading() as store:
            row = (await store.execute(mine)).mappings().first()
        return None if row is None else Workspace(**row)

    async def change(
        self,
        caller: Caller,
        id: str,
        *,
        name: str | None = None,
        status: WorkspaceStatus | None = None,
        cache_enabled: bool | None = None,
    ) -> Workspace:
        """Change a workspace; its customer's connections and open consents go along with a new name.

        Raises:
            NotFound: the organization has none with this id.
            Conflict: another customer has the name.
        """
        if name is not None:
            required(name=name)
            await self._adopt(caller)  # a customer may have the name, and no row yet
        given = {"name": name, "status": status, "cache_enabled": cache_enabled}
        values = {key: value for key, value in given.items() if value is not None}
        mine = (_t.id == id) & (_t.organization_id == caller.organization_id)
        try:
            async with self._changes.writing(caller.organization_id) as store:
                before = await store.scalar(select(_t.name).where(mine).with_for_update())
                if before is None:
                    raise _unknown()
                await store.execute(update(workspaces).where(mine).values(**values, updated_at=self._clock()))
                for table in (connections, consents) if name not in (None, before) else ():
                    its = (table.c.organization_id == caller.organization_id) & (table.c.customer == before)
                    await store.execute(update(table).where(its).values(customer=name))
                await self._changes.note(store, caller.organization_id, "workspace.changed", id, caller.actor)
        except Conflict:
            raise Conflict("another workspace has this name") from None
        return await self.get(caller, id)

    async def delete(self, caller: Caller, id: str) -> float:
        """Delete a workspace with all that is its customer's: connections, open consents, tokens; return when.

        If that is interrupted, the workspace is still there, and can be deleted again.

        Raises:
            NotFound: the organization has none with this id.
        """
        workspace, mine = await self.get(caller, id), caller.organization_id
        for connection in await self._connections.all(caller, workspace.name):
            await self._connections.delete(caller, connection.id)
        async with self._changes.writing(mine) as store:
            c = connections.c
            await drop(store, (c.organization_id == mine) & (c.customer == workspace.name))
            its = (consents.c.organization_id == mine) & (consents.c.customer == workspace.name)
            await store.execute(delete(consents).where(its, consents.c.ended_at.is_(None)))
            await store.execute(delete(scoped_tokens).where(scoped_tokens.c.workspace_id == id))
            if (await store.execute(delete(workspaces).where(_t.id == id))).rowcount == 1:
                await self._changes.note(store, mine, "workspace.deleted", id, caller.actor)
        return self._clock()

    async def _adopt(self, caller: Caller) -> None:
        """Give customers that have connections, and no row yet, one."""
        c, mine = connections.c, caller.organization_id
        known = select(_t.id).where(_t.organization_id == mine, _t.name == c.customer).exists()
        there = (c.organization_id == mine) & (c.status != "disconnected") & c.secret_hash.is_(None)
        async with self._database.reading() as store:
            names = await store.scalars(
                select(c.customer).distinct().where(there, c.customer.is_not(None), ~known).order_by(c.customer)
            )
        if found := names.all():
            await self._make(caller, [name for name in found if name is not None])

    async def _make(self, caller: Caller, names: list[str]) -> None:
        now = self._clock()
        async with self._changes.writing(caller.organization_id) as store:
            for name in names:
                row = {"id": self._mint.id(), "organization_id": caller.organization_id, "name": name}
                try:
                    async with store.begin_nested():
                        await store.execute(
                            insert(workspaces).values(**row, status="active", created_at=now, updated_at=now)
                        )
                except IntegrityError:  # another request made it at the same moment, or deleted the organization
                    continue
                await self._changes.note(store, caller.organization_id, "workspace.created", row["id"], caller.actor)


def _unknown() -> NotFound:
    return NotFound("Workspace not found")
