"""Sellers: accounts as the gateway knows them. A seller stays the same whatever becomes of its grant."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import RowMapping, Select, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sellerport import calls, catalog, regions, serialize
from sellerport.errors import (
    AmazonError,
    Conflict,
    NoAnswer,
    NotAllowed,
    NotFound,
    SellerportError,
    TokenError,
    Unauthenticated,
)
from sellerport.server.hub import documents as kept
from sellerport.server.hub.applications import Applications
from sellerport.server.hub.changes import Change, Changes
from sellerport.server.hub.connections import Connections
from sellerport.server.hub.countdown import CONSENT_S, DAY_S, DAYS
from sellerport.server.hub.egress import Egress
from sellerport.server.hub.held import drop
from sellerport.server.hub.mint import Mint
from sellerport.server.hub.opened import Opened
from sellerport.server.hub.passes import Passes
from sellerport.server.hub.records import NAMES, Caller, required
from sellerport.server.hub.refresh_tokens import RefreshToken, RefreshTokens, invalid
from sellerport.server.hub.sealed import seal
from sellerport.server.hub.signing import Signing
from sellerport.server.store import Database, connections, documents, seller_tokens, sellers, v1_grants
from sellerport.server.vault import Vault
from sellerport.wire import Wire

TOKEN_PREFIX = "srt_"  # noqa: S105
ACCESS_S = 86_400
"""How long a seller's access token is good, as the contract has it."""
TEST_S = 10.0
ATTEMPTS = 5
"""How often a grant is sealed anew, if a token is being fetched with it at the same moment."""

PARTICIPATIONS = "sellers_v1.getMarketplaceParticipations"

Status = Literal["pending", "awaiting_secret", "active", "reauth_due", "expired", "revoked", "disconnected"]

_t, _c = sellers.c, connections.c


@dataclass(frozen=True)
class Seller:
    """An account of a tenant."""

    id: str
    organization_id: str
    selling_partner_id: str
    region: str
    name: str | None
    callback_url: str | None
    sandbox: bool
    status: Status
    created_at: float
    updated_at: float
    claimed_at: float | None
    last_success_at: float | None
    last_error_at: float | None
    last_error: str | None
    authorization_expires_at: float | None
    """When Amazon ends the owner's consent, unless they consent again before."""


class Sellers:
    """The sellers of tenants.

    Args:
        database, vault: where they are.
        changes: told of what happens to them.
        connections, applications: carry their grants.
        passes: open those.
        signing, tokens: what sellers are known by.
        egress: decides where callbacks may be.
        wire: what HTTP goes out through.
        mint: makes ids.
        clock: seconds since the epoch.
        sandbox: whether sellers of Amazon's sandbox may be made.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        changes: Changes,
        connections: Connections,
        applications: Applications,
        passes: Passes,
        signing: Signing,
        tokens: RefreshTokens,
        *,
        egress: Egress,
        wire: Wire,
        mint: Mint,
        clock: Callable[[], float],
        sandbox: bool,
    ) -> None:
        self._database = database
        self._vault = vault
        self._changes = changes
        self._connections = connections
        self._applications = applications
        self._passes = passes
        self._signing = signing
        self._tokens = tokens
        self._egress = egress
        self._wire = wire
        self._mint = mint
        self._clock = clock
        self._sandbox = sandbox

    async def all(self, caller: Caller, *, after: str = "", most: int = 100) -> list[Seller]:
        """Return a tenant's sellers, by id.

        Args:
            caller: the tenant.
            after: the id that the page before ended with.
            most: how many at most.
        """
        page = _found(caller).where(_t.id > after).order_by(_t.id).limit(most)
        async with self._database.reading() as store:
            rows = (await store.execute(page)).mappings().all()
        return [self._seller(row) for row in rows]

    async def get(self, caller: Caller, id: str) -> Seller:
        """Return one seller.

        Raises:
            NotFound: the tenant has none with this id. Another's is no different from none.
        """
        async with self._database.reading() as store:
            row = (await store.execute(_found(caller).where(_t.id == id))).mappings().first()
        if row is None:
            raise _unknown()
        return self._seller(row)

    async def change(
        self, caller: Caller, id: str, *, name: str | None = None, callback_url: str | None = None
    ) -> Seller:
        """Change what a seller is called, and where its tenant is told of it; None leaves it, "" removes the address.

        Raises:
            NotFound: the tenant has no such seller.
            InvalidArguments: the name or the address is none.
        """
        values = self._checked(name, callback_url)
        async with self._changes.writing(caller.organization_id) as store:
            mine = _mine(caller, id)
            if (await store.execute(update(sellers).where(mine).values(values))).rowcount == 0:
                raise _unknown()
            await self._changes.note(store, caller.organization_id, "seller.changed", id, caller.actor)
        return await self.get(caller, id)

    async def disconnect(self, caller: Caller, id: str) -> Seller:
        """Erase a seller's grant, so that nothing opens it any more. The seller stays, and can authorize again.

        Raises:
            NotFound: the tenant has no such seller.
        """
        async with self._changes.writing(caller.organization_id) as store:
            gone, changes = await self._erased(store, caller, id)
            values = {"connection_id": None, "updated_at": self._clock(), "token_version": _t.token_version + 1}
            await store.execute(update(sellers).where(_t.id == id).values(values))
            changes.append(Change(caller.organization_id, "seller.disconnected", id))
            await self._changes.note_all(store, caller.actor, changes)
        self._forget(id, gone)
        return await self.get(caller, id)

    async def delete(self, caller: Caller, id: str) -> None:
        """Delete a seller, with its grants, tokens, labels and files. Who authorizes after that is another seller.

        Raises:
            NotFound: the tenant has no such seller.
        """
        async with self._changes.writing(caller.organization_id) as store:
            gone, changes = await self._erased(store, caller, id)
            waiting = (_c.organization_id == caller.organization_id) & (_c.customer == id)
            changes += [Change(caller.organization_id, "connection.dropped", it) for it in await drop(store, waiting)]
            await self._tokens.end(store, id)
            await store.execute(delete(sellers).where(_t.id == id))
            its = (documents.c.organization_id == caller.organization_id) & (documents.c.seller_id == id)
            while some := await kept.drop(store, its, "seller deleted"):
                changes += some
            changes.append(Change(caller.organization_id, "seller.deleted", id))
            await self._changes.note_all(store, caller.actor, changes)
        self._forget(id, gone)

    async def _erased(self, store: AsyncConnection, caller: Caller, id: str) -> tuple[str | None, list[Change]]:
        """Erase the grant of a seller, which nobody else changes until the transaction ends."""
        wanted = select(_t.connection_id).where(_mine(caller, id)).with_for_update()
        row = (await store.execute(wanted)).first()
        if row is None:
            raise _unknown()
        await store.execute(delete(v1_grants).where(v1_grants.c.id == id))
        if row.connection_id is None:
            return None, []
        try:
            await self._connections.erase(store, caller, row.connection_id)
        except NotFound:  # the connection was deleted by itself
            return None, []
        return row.connection_id, [Change(caller.organization_id, "connection.disconnected", row.connection_id)]

    def _forget(self, id: str, connection_id: str | None) -> None:
        self._passes.forget(id)
        if connection_id is not None:
            self._connections.forget(connection_id)

    async def token(self, caller: Caller, id: str, refresh_token: str) -> str:
        """Return an access token of a seller, for `ACCESS_S`.

        Raises:
            NotFound: the tenant has no such seller.
            Unauthenticated: ``Invalid refresh token``.
        """
        good = select(seller_tokens.c.hash).where(self._tokens.good(refresh_token), seller_tokens.c.seller_id == id)
        wanted = select(_t.token_version, good.exists().label("good")).where(_mine(caller, id))
        async with self._database.reading() as store:
            row = (await store.execute(wanted)).first()
        if row is None:
            raise _unknown()
        if not row.good:
            raise invalid()
        said = {"tenant_id": caller.organization_id, "seller_id": id, "sv": row.token_version}
        return await self._signing.issue("seller", ACCESS_S, **said)

    async def claims(self, caller: Caller, token: str) -> dict[str, Any]:
        """Return what a good access token of one of a tenant's sellers says.

        Raises:
            Unauthenticated: it is none, or was taken back.
        """
        claims = (await self._signing.verify("seller", token)).claims
        mine = _mine(caller, str(claims.get("seller_id"))) & (_t.token_version == claims.get("sv"))
        async with self._database.reading() as store:
            if (
                claims.get("tenant_id") != caller.organization_id
                or await store.scalar(select(_t.id).where(mine)) is None
            ):
                raise Unauthenticated
        return claims

    async def find_token(self, caller: Caller, refresh_token: str) -> RefreshToken | None:
        """Return what is known of a refresh token of one of a tenant's sellers; None if it is not good."""
        async with self._database.reading() as store:
            found = await self._tokens.find(store, refresh_token)
            if found is None or await store.scalar(select(_t.id).where(_mine(caller, found.owner))) is None:
                return None
        return found

    async def replace_token(self, caller: Caller, id: str, refresh_token: str) -> str:
        """Give a seller another refresh token for one, which goes on for a day.

        Raises:
            NotFound: the tenant has no such seller.
            Unauthenticated: ``Invalid refresh token``.
            Conflict: it has as many as it may have.
        """
        await self.get(caller, id)
        async with self._changes.writing(caller.organization_id) as store:
            made = await self._tokens.replace(store, id, refresh_token)
            await self._changes.note(store, caller.organization_id, "seller.token_replaced", id, caller.actor)
        return made

    async def revoke(self, caller: Caller, id: str, refresh_token: str | None = None) -> None:
        """End a seller's access tokens, and one of its refresh tokens.

        Args:
            caller, id: whose seller, and which.
            refresh_token: the one to end; None ends access tokens alone.
        """
        async with self._changes.writing(caller.organization_id) as store:
            ended = update(sellers).where(_mine(caller, id)).values(token_version=_t.token_version + 1)
            if (await store.execute(ended)).rowcount == 0:
                return
            if refresh_token is not None:
                await self._tokens.remove(store, id, refresh_token)
            await self._changes.note(store, caller.organization_id, "seller.tokens_revoked", id, caller.actor)
        self._passes.forget(id)

    async def test(self, caller: Caller, id: str, secret: str) -> tuple[list[Any], SellerportError | None]:
        """Ask Amazon where a seller trades; return that, or why Amazon does not say.

        Args:
            caller, id: whose seller, and which.
            secret: what opens its grant.

        Raises:
            NotFound, Unauthenticated, TooManyRequests, GrantRevoked: as `Passes.open`.
        """
        one = await self._passes.open(caller, id, secret)
        operation = catalog.find(PARTICIPATIONS)
        session = replace(one.session, timeout_s=TEST_S, patience_s=TEST_S)
        try:
            answer = await calls.call(self._wire, session, operation, serialize.prepare(operation, {}))
        except (AmazonError, NoAnswer, TokenError) as error:
            await self._connections.note(one.opened, error.code)
            return [], error
        await self._connections.note(one.opened, None)
        return answer.payload or [], None

    async def rotate_secret(self, caller: Caller, id: str, secret: str, new: str) -> None:
        """Let another secret open a seller's grant, in the place of the one that does.

        Args:
            caller, id: whose seller, and which.
            secret: what opens it now.
            new: what is to open it.

        Raises:
            NotFound, Unauthenticated, TooManyRequests, GrantRevoked: as `Passes.open`.
            Conflict: tokens are fetched with the grant all the time.
        """
        for _ in range(ATTEMPTS):
            opened = (await self._passes.open(caller, id, secret)).opened
            if await self._resealed(caller, id, opened, new):
                self._passes.forget(id)
                return
            await self._wire.sleep(0.2)
        raise Conflict("the seller's tokens are being fetched; try again")

    async def _resealed(self, caller: Caller, id: str, opened: Opened, new: str) -> bool:
        """Seal a grant under another secret; False if it changed meanwhile, or a token is being fetched with it."""
        connection, generation = opened.connection, opened.generation + 1
        row = {"id": connection.id, "organization_id": connection.organization_id, "grant_generation": generation}
        secrets = {"sealed_grant": opened.refresh_token}
        if opened.row["sealed_client_secret"] is not None:
            secrets["sealed_client_secret"] = opened.client.client_secret
        sealed = await seal(self._vault, connections, row, held_secret=new, **secrets)
        values = {
            **sealed,
            # sealed under the old one
            "sealed_access_token": None,
            "access_token_issued_at": None,
            "access_token_expires_at": None,
            "grant_generation": generation,
            "updated_at": self._clock(),
        }
        unmoved = (_c.id == connection.id) & (_c.grant_generation == opened.generation)
        idle = _c.lease_until.is_(None) | (_c.lease_until <= self._database.now())
        async with self._changes.writing(caller.organization_id) as store:
            if (await store.execute(update(connections).where(unmoved, idle).values(values))).rowcount == 0:
                return False
            await self._changes.note(store, caller.organization_id, "seller.secret_rotated", id, caller.actor)
        return True

    async def create_sandbox(
        self,
        caller: Caller,
        *,
        name: str,
        callback_url: str | None,
        region: str,
        selling_partner_id: str | None,
        secret: str,
        refresh_token: str,
    ) -> tuple[Seller, str]:
        """Make a seller of Amazon's sandbox from a grant; return it with its refresh token, which is shown this once.

        Args:
            caller: the tenant.
            name, callback_url: see `change`.
            region: where it trades.
            selling_partner_id: Amazon's id of it; made up if not given.
            secret: what opens its grant from then on.
            refresh_token: the grant.

        Raises:
            NotAllowed: this server makes none.
            InvalidArguments: the name or the address is none.
            Conflict: the tenant has a seller with this account.
            CallerError: there is no Amazon application for the tenant.
        """
        if not self._sandbox:
            raise NotAllowed("sandbox sellers are not made here; their operator sets SELLERPORT_SANDBOX_SELLERS=true")
        id, owner, now = self._mint.id(), caller.organization_id, self._clock()
        account = selling_partner_id or "SANDBOX" + id.replace("-", "")[:12].upper()
        row = {"id": id, "organization_id": owner, "selling_partner_id": account, "region": region, "sandbox": True}
        row |= {"created_at": now, "claimed_at": now, **self._checked(name, callback_url)}
        made = ""

        async def settle(store: AsyncConnection, connection_id: str) -> None:
            nonlocal made
            await store.execute(insert(sellers).values(**row, connection_id=connection_id))
            made = await self._tokens.add(store, id)
            await self._changes.note(store, owner, "seller.created", id, caller.actor, sandbox=True)

        try:
            await self._connections.create(
                caller,
                customer=id,
                name=name or NAMES["seller-partner"],
                marketplace=regions.marketplace(regions.region(region).home),
                refresh_token=refresh_token,
                through=await self._applications.for_tenant(owner),
                selling_partner_id=account,
                held_secret=secret,
                alongside=settle,
            )
        except Conflict:
            raise Conflict("there is a seller with this selling_partner_id already") from None
        return await self.get(caller, id), made

    def _checked(self, name: str | None, callback_url: str | None) -> dict[str, Any]:
        values: dict[str, Any] = {"updated_at": self._clock()}
        if name is not None:
            required(name=name)
            values["name"] = name
        if callback_url:
            self._egress.check(callback_url, "callback_url")
        if callback_url is not None:
            values["callback_url"] = callback_url or None
        return values

    def _seller(self, row: RowMapping) -> Seller:
        ends = None if row["granted_at"] is None else row["granted_at"] + CONSENT_S
        its = ("id", "organization_id", "selling_partner_id", "region", "name", "callback_url", "sandbox")
        times = ("created_at", "updated_at", "claimed_at", "last_success_at", "last_error_at", "last_error")
        facts: dict[str, Any] = {name: row[name] for name in (*its, *times)}
        return Seller(**facts, status=self._status(row, ends or math.inf), authorization_expires_at=ends)

    def _status(self, row: RowMapping, ends: float) -> Status:
        if row["connection_id"] is None:
            if row["waits"] is not None:
                return "awaiting_secret"
            return "pending" if row["claimed_at"] is None else "disconnected"
        if row["status"] != "active":
            known: dict[str, Status] = {"needs_consent": "revoked", "disconnected": "disconnected"}
            return known.get(row["status"], "pending")
        left = ends - self._clock()
        return "expired" if left <= 0 else "reauth_due" if left <= DAYS[0] * DAY_S else "active"


def _found(caller: Caller) -> Select[Any]:
    its: Sequence[Any] = (_c.status, _c.granted_at, _c.last_success_at, _c.last_error_at, _c.last_error)
    joined = sellers.outerjoin(connections, _c.id == _t.connection_id).outerjoin(v1_grants, v1_grants.c.id == _t.id)
    found = select(sellers, *its, v1_grants.c.id.label("waits")).select_from(joined)
    return found.where(_t.organization_id == caller.organization_id)


def _mine(caller: Caller, id: str) -> Any:
    return (_t.id == id) & (_t.organization_id == caller.organization_id)


def _unknown() -> NotFound:
    return NotFound("Seller not found")
