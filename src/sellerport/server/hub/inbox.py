"""Grants of owners who began at Amazon, in its Appstore or under Manage Your Apps, until their tenant takes them.

No tenant's secret came with such a grant, so that the server's keys alone seal it here. The tenant says which secret is
to open it, and it becomes a seller's as a claim code would make it; what nobody takes in time is erased.

These are the connections of the organization that are pending (see `consents`): one that has API clients too may claim
them there. An application that is shared belongs to one organization, and who begins at Amazon comes to that one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sellerport import regions
from sellerport.errors import Conflict, NotFound
from sellerport.server.hub.applications import Applications
from sellerport.server.hub.changes import Change, Changes
from sellerport.server.hub.claims import Claimed, Claims, claimed
from sellerport.server.hub.connections import Connections
from sellerport.server.hub.egress import Egress
from sellerport.server.hub.mint import Mint
from sellerport.server.hub.records import SERVER, Caller, required
from sellerport.server.store import Database, connections, sellers, tenants

LIFE_S = 7 * 86_400.0
MOST = 1000
"""Grants in one answer."""

_t, _c = sellers.c, connections.c
_PENDING = (_c.status == "pending") & _c.customer.is_(None) & (_c.platform == "seller-partner")


@dataclass(frozen=True)
class Waiting:
    """A grant that no seller has yet."""

    id: str
    selling_partner_id: str
    region: str
    granted_at: float
    seller_id: str | None
    """The seller that has this account here already."""

    @property
    def expires_at(self) -> float:
        """When it is erased, in seconds since the epoch."""
        return self.granted_at + LIFE_S


class Inbox:
    """What owners authorized from Amazon's side.

    Args:
        database: where it is.
        connections: carry the grants.
        changes: told of what happens.
        applications: what their owners consented to.
        claims: hands grants over to sellers.
        egress: decides where callbacks may be.
        mint: makes sellers' ids.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        database: Database,
        connections: Connections,
        changes: Changes,
        applications: Applications,
        claims: Claims,
        egress: Egress,
        mint: Mint,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._connections = connections
        self._applications = applications
        self._changes = changes
        self._claims = claims
        self._egress = egress
        self._mint = mint
        self._clock = clock

    async def all(self, caller: Caller) -> list[Waiting]:
        """Return what waits for a tenant, the newest first, `MOST` at most."""
        same = (_t.organization_id == _c.organization_id) & (_t.selling_partner_id == _c.selling_partner_id)
        its = (_c.id, _c.selling_partner_id, _c.region, _c.granted_at, _t.id.label("seller_id"))
        joined = connections.outerjoin(sellers, same & (_t.region == _c.region))
        mine = _PENDING & self._in_time() & (_c.organization_id == caller.organization_id)
        wanted = select(*its).select_from(joined).where(mine).order_by(_c.granted_at.desc(), _c.id).limit(MOST)
        async with self._database.reading() as store:
            return [Waiting(**row) for row in (await store.execute(wanted)).mappings()]

    async def take(self, caller: Caller, id: str, secret: str, *, name: str, callback_url: str | None) -> Claimed:
        """Make a seller of what waits; a seller who is here already gets the new grant in the place of the old one.

        Args:
            caller: the tenant.
            id: which grant.
            secret: what is to open it from then on.
            name: what to call the seller.
            callback_url: where its tenant is told of it.

        Raises:
            InvalidArguments: the name or the address is none.
            NotFound: nothing waits for the tenant under this id.
            Conflict: it is another account than the one that the seller has, or nobody can tell.
            VaultError: it does not open.
        """
        required(name=name)
        if callback_url is not None:
            self._egress.check(callback_url, "callback_url")
        waits = _PENDING & self._in_time() & (_c.id == id) & (_c.organization_id == caller.organization_id)
        async with self._database.reading() as store:
            if await store.scalar(select(_c.id).where(waits)) is None:
                raise _unknown()
        opened = await self._connections.open(caller, id)
        was, row = opened.connection, opened.row
        assert was.selling_partner_id is not None, "who began at Amazon named an account"
        assert was.application_id is not None, "and an application"
        done: list[Claimed] = []
        before: list[str | None] = []

        async def settle(store: AsyncConnection, made: str) -> None:
            unmoved = waits & (_c.grant_generation == opened.generation)
            if await store.scalar(select(_c.id).where(unmoved).with_for_update()) is None:
                raise _unknown()
            await self._connections.erase(store, caller, id)
            changes = [Change(caller.organization_id, "connection.disconnected", id)]
            seller = await self._seller(store, caller, was.selling_partner_id, was.region, row["stores"])
            kept = {column.name: row[column.name] for column in (_c.granted_at, _c.stores, _c.marketplaces)}
            await store.execute(update(connections).where(_c.id == made).values(customer=seller["id"], **kept))
            token = await self._claims.hand_over(store, caller, seller, made, changes, name, callback_url)
            await self._changes.note_all(store, caller.actor, changes)
            before.append(seller["connection_id"])
            done.append(claimed(token, seller, row))

        await self._connections.create(
            caller,
            customer=was.id,
            name=name,
            marketplace=regions.marketplace(was.marketplace),
            refresh_token=opened.refresh_token,
            through=await self._applications.get(caller.organization_id, was.application_id),
            selling_partner_id=was.selling_partner_id,
            held_secret=secret,
            alongside=settle,
        )
        self._claims.forget(done[0].seller_id, id, *before)
        return done[0]

    async def _seller(
        self, store: AsyncConnection, caller: Caller, partner: str | None, region: str, stores: list[str] | None
    ) -> Any:
        """Return the row of the seller with this account, locked; of a new one if there is none.

        Raises:
            Conflict: it is not the account that this seller has here.
        """
        owner, now = caller.organization_id, self._clock()
        mine = (_t.organization_id == owner) & (_t.selling_partner_id == partner) & (_t.region == region)
        wanted = select(sellers).where(mine).with_for_update()
        if (known := (await store.execute(wanted)).mappings().first()) is not None:
            its = select(_c.stores).where(_c.id == known["connection_id"])
            if (had := await store.scalar(its)) and set(had).isdisjoint(stores or ()):
                raise Conflict("the account that was authorized is not the one that has this selling partner id here")
            return known
        row = {"id": self._mint.id(), "organization_id": owner, "selling_partner_id": partner, "region": region}
        await store.execute(insert(sellers).values(**row, created_at=now, updated_at=now))
        return (await store.execute(wanted)).mappings().one()

    async def drop_late(self) -> None:
        """Erase what no tenant took in time."""
        late = _PENDING & ~self._in_time() & _c.organization_id.in_(select(tenants.c.organization_id))
        async with self._database.reading() as store:
            found = (await store.execute(select(_c.id, _c.organization_id).where(late))).all()
        for id, owner in found:
            async with self._changes.writing(owner) as store:
                if await store.scalar(select(_c.id).where(late, _c.id == id).with_for_update()) is not None:
                    await self._connections.erase(store, Caller(owner), id)
                    await self._changes.note(store, owner, "connection.disconnected", id, SERVER)
            self._connections.forget(id)

    def _in_time(self) -> ColumnElement[bool]:
        return _c.secret_hash.is_(None) & (_c.granted_at > self._clock() - LIFE_S)


def _unknown() -> NotFound:
    return NotFound("Grant not found")
