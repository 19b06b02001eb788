"""Organizations."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import insert, or_, select

from sellerport.errors import Conflict, NotFound
from sellerport.server.hub.access import Access
from sellerport.server.hub.changes import Changes
from sellerport.server.hub.connections import Connections
from sellerport.server.hub.erasure import erase
from sellerport.server.hub.mint import Mint
from sellerport.server.hub.records import OPERATOR, Organization, required
from sellerport.server.store import Database, connections, organizations


class Organizations:
    """Who there is."""

    def __init__(
        self,
        database: Database,
        changes: Changes,
        access: Access,
        connections: Connections,
        mint: Mint,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._changes = changes
        self._access = access
        self._connections = connections
        self._mint = mint
        self._clock = clock

    async def create(self, name: str) -> Organization:
        """Create an organization.

        Raises:
            Conflict: the name is taken.
        """
        required(name=name)
        made = Organization(self._mint.id(), name, self._clock())
        try:
            async with self._changes.writing(made.id) as store:
                await store.execute(insert(organizations).values(vars(made)))
                await self._changes.note(store, made.id, "organization.created", made.id, OPERATOR)
        except Conflict:
            raise Conflict(f"there is an organization {name!r} already") from None
        return made

    async def delete(self, id: str) -> None:
        """Delete an organization with all that it has, as a tenant of the gateway too, in one transaction.

        What stays is its audit chain, which ends with that. Servers that run let nobody in any more whose right is in
        the database, and within seconds nobody else; the owners' consents at Amazon stand.

        Raises:
            NotFound: there is none with this id.
            Conflict: connections of others use an application of its; says what to do.
        """
        its = select(connections.c.id).where(connections.c.organization_id == id)
        async with self._changes.writing(id, deletes=True) as store:
            if await store.scalar(select(organizations.c.id).where(organizations.c.id == id)) is None:
                raise _unknown(id)
            gone = list(await store.scalars(its))
            await self._changes.note_all(store, OPERATOR, await erase(store, id))
        self._access.forget(id)
        for connection in gone:
            self._connections.forget(connection)

    async def all(self) -> list[Organization]:
        """Return every organization, by name."""
        async with self._database.reading() as store:
            rows = await store.execute(select(organizations).order_by(organizations.c.name))
        return [Organization(**row) for row in rows.mappings()]

    async def find(self, name_or_id: str) -> Organization:
        """Return the organization with this id or name.

        Raises:
            NotFound: there is none.
        """
        wanted = or_(organizations.c.id == name_or_id, organizations.c.name == name_or_id)
        # a name may look like another's id; the id is the stronger claim
        by_id_first = (organizations.c.id == name_or_id).desc()
        async with self._database.reading() as store:
            rows = await store.execute(select(organizations).where(wanted).order_by(by_id_first))
        row = rows.mappings().first()
        if row is None:
            raise _unknown(name_or_id)
        return Organization(**row)


def _unknown(name_or_id: str) -> NotFound:
    return NotFound(f"no organization {name_or_id!r}")
