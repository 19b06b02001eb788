"""Claim codes: what a seller's browser brings to its tenant, which then gets the seller, once and within five minutes.

Until then the grant that was brought waits beside the one that the seller has (see `registrations`), which goes on.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, exists, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sellerport.errors import ConsentError, NotFound
from sellerport.server.hub.changes import Change, Changes
from sellerport.server.hub.connections import Connections
from sellerport.server.hub.countdown import CONSENT_S
from sellerport.server.hub.egress import Egress
from sellerport.server.hub.mint import digest
from sellerport.server.hub.passes import Passes
from sellerport.server.hub.records import SERVER, Caller, required
from sellerport.server.hub.refresh_tokens import RefreshTokens
from sellerport.server.hub.sealed import Row
from sellerport.server.store import Database, connections, seller_tokens, sellers, v1_grants

LIFE_S = 300.0
PREFIX = "claim_"
DROP_AFTER_S = 86_400.0
"""How long a seller is kept that nobody claimed; its id stays the same that long."""

_t, _c = sellers.c, connections.c


@dataclass(frozen=True)
class Claimed:
    """A seller that is its tenant's now."""

    refresh_token: str = field(repr=False)
    """Shown this once."""
    seller_id: str
    selling_partner_id: str
    region: str
    authorization_expires_at: float
    """When Amazon ends the owner's consent, in seconds since the epoch."""
    marketplaces: dict[str, bool]
    """Where it may trade, and whether it does; none if Amazon did not say."""


class Claims:
    """What waits to be claimed.

    Args:
        database: where it is.
        connections: carry the grants.
        changes: told of what happens.
        passes: told of sellers whose grant changed.
        tokens: sellers' refresh tokens.
        egress: decides where callbacks may be.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        database: Database,
        connections: Connections,
        changes: Changes,
        passes: Passes,
        tokens: RefreshTokens,
        egress: Egress,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._connections = connections
        self._changes = changes
        self._passes = passes
        self._tokens = tokens
        self._egress = egress
        self._clock = clock

    async def take(
        self, caller: Caller, seller_id: str, code: str, *, name: str, callback_url: str | None, verifier: str = ""
    ) -> Claimed:
        """Give a tenant the seller that a claim code is for; what the seller had before is gone then.

        Args:
            caller: the tenant.
            seller_id, code: what the browser brought.
            name: what to call the seller.
            callback_url: where its tenant is told of it.
            verifier: what the consent was begun with the hash of, if it was.

        Raises:
            InvalidArguments: the name or the address is none.
            NotFound: ``Seller not found``; another tenant's is no different from none.
            ConsentError: ``Invalid or expired claim code``.
        """
        required(name=name)
        if callback_url is not None:
            self._egress.check(callback_url, "callback_url")
        owner, now = caller.organization_id, self._clock()
        mine = (_t.id == seller_id) & (_t.organization_id == owner)
        challenge = _hashed(verifier) if verifier else ""
        waits = (_c.secret_hash == digest(bound(code, challenge))) & (_c.secret_until > now)
        waits &= (_c.organization_id == owner) & (_c.customer == seller_id)
        async with self._changes.writing(owner) as store:
            seller = (await store.execute(select(sellers).where(mine).with_for_update())).mappings().first()
            if seller is None:
                raise NotFound("Seller not found")
            taken = select(_c.id, _c.granted_at, _c.marketplaces).where(waits).with_for_update()
            staged = (await store.execute(taken)).mappings().first()
            if staged is None:
                raise ConsentError("Invalid or expired claim code")
            values: dict[str, Any] = {"status": "active", "name": name, "secret_hash": None, "secret_until": None}
            values |= {"created_at": now, "updated_at": now}
            await store.execute(update(connections).where(_c.id == staged["id"]).values(values))
            changes = [Change(owner, "connection.created", staged["id"], {"status": "active"})]
            token = await self.hand_over(store, caller, seller, staged["id"], changes, name, callback_url)
            await self._changes.note_all(store, caller.actor, changes)
        self.forget(seller_id, seller["connection_id"])
        return claimed(token, seller, staged)

    async def hand_over(
        self,
        store: AsyncConnection,
        caller: Caller,
        seller: Row,
        connection_id: str,
        changes: list[Change],
        name: str,
        callback_url: str | None,
    ) -> str:
        """Put a connection in the place of what a seller had, in a transaction that notes it; return its refresh token.

        Args:
            store: the transaction, in which the seller is locked.
            caller: the tenant.
            seller: its row; `forget` is called with it in the end.
            connection_id: the new one.
            changes: what happened, to which this is added.
            name, callback_url: as `take`'s.
        """
        id, before, now = seller["id"], seller["connection_id"], self._clock()
        moved = {"connection_id": connection_id, "name": name, "callback_url": callback_url, "sandbox": False}
        await store.execute(update(sellers).where(_t.id == id).values(**moved, claimed_at=now, updated_at=now))
        if before is not None:
            with suppress(NotFound):  # it was deleted by itself
                await self._connections.erase(store, caller, before)
                changes.append(Change(caller.organization_id, "connection.disconnected", before))
        await store.execute(delete(v1_grants).where(v1_grants.c.id == id))
        await self._tokens.end(store, id)
        again = seller["claimed_at"] is not None
        changes.append(Change(caller.organization_id, "seller.claimed", id, {"again": again}))
        return await self._tokens.add(store, id)

    def forget(self, seller_id: str, *connection_ids: str | None) -> None:
        """Tell whoever remembers something of a seller that its grant is another one."""
        self._passes.forget(seller_id)
        for id in connection_ids:
            if id is not None:
                self._connections.forget(id)

    async def drop_unclaimed(self) -> None:
        """Drop sellers that nobody claimed: whoever authorized them did not come back."""
        waiting = exists().where(_c.customer == _t.id, _c.organization_id == _t.organization_id)
        known = exists().where(seller_tokens.c.seller_id == _t.id) | exists().where(v1_grants.c.id == _t.id)
        late = _t.claimed_at.is_(None) & _t.connection_id.is_(None) & (_t.created_at < self._clock() - DROP_AFTER_S)
        late &= ~waiting & ~known
        async with self._database.reading() as store:
            owners = set(await store.scalars(select(_t.organization_id).where(late)))
        for owner in sorted(owners):
            async with self._changes.writing(owner) as store:
                gone = late & (_t.organization_id == owner)
                ids = list(await store.scalars(select(_t.id).where(gone).with_for_update()))
                await store.execute(delete(sellers).where(_t.id.in_(ids)))
                dropped = [Change(owner, "seller.dropped", id) for id in ids]
                if dropped:
                    await self._changes.note_all(store, SERVER, dropped)


def claimed(token: str, seller: Row, grant: Row) -> Claimed:
    """Return what a tenant gets with a seller and its new grant."""
    return Claimed(
        refresh_token=token,
        seller_id=seller["id"],
        selling_partner_id=seller["selling_partner_id"],
        region=seller["region"],
        authorization_expires_at=grant["granted_at"] + CONSENT_S,
        marketplaces=grant["marketplaces"] or {},
    )


def bound(code: str, challenge: str) -> str:
    """Return what has to be shown for a grant: the claim code, and the hash of the verifier if one is asked for."""
    return f"{code} {challenge}" if challenge else code


def _hashed(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
