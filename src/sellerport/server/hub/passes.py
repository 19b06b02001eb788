"""What a request to the gateway may do that brings a seller's access token and the secret that opens the grant.

Both are looked at once; then the request after it passes without the database, as long as it comes within a minute.
Neither is remembered as it is, but as a hash under a key that this process alone has. What was opened with them is
forgotten a minute after its last use; that a token was taken back elsewhere is noticed within `LOOK_AGAIN_S`.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from sellerport import regions
from sellerport.calls import Session
from sellerport.catalog import Operation
from sellerport.errors import GrantRevoked, NotFound, SellerportError, TooManyRequests, Unauthenticated, WrongSecret
from sellerport.limits import Limiter, Plan, Slot
from sellerport.oauth import Grant, Source
from sellerport.regions import Amazon, Region
from sellerport.server.hub.call_log import CallLog
from sellerport.server.hub.connections import Connections
from sellerport.server.hub.imports import Imports, authorize_again
from sellerport.server.hub.opened import Opened
from sellerport.server.hub.records import Caller, Privacy
from sellerport.server.hub.signing import Signing
from sellerport.server.hub.tokens import AccessTokens
from sellerport.server.store import Database, connections, sellers, tenants
from sellerport.wire import Wire

log = logging.getLogger(__name__)

IDLE_S = 60.0
"""How long after its last use a pass is forgotten."""
LOOK_AGAIN_S = 5.0
"""How old what is known of a seller may be; it is looked up anew while requests go on."""
MOST = 10_000
GUESSES = 10.0
"""How many wrong secrets a seller may have at once, and in an hour; nobody's is tried after that, for some minutes."""


@dataclass(eq=False)
class Pass:
    """Whose a request is, and what it is to be sent with."""

    organization_id: str
    seller_id: str
    connection_id: str
    region: Region
    sandbox: bool
    privacy: Privacy
    """What stands where personal data was."""
    personal: bool
    """Whether the organization may see personal data, where it asks for that."""
    session: Session = field(repr=False)
    grant: Grant = field(repr=False)
    opened: Opened = field(repr=False)
    expires_at: float
    """When the seller's access token ends, in seconds since the epoch."""
    used_at: float
    """By the monotonic clock, as the next one."""
    looked_at: float
    version: int
    """How often the seller's tokens had been taken back."""

    _plans: dict[str, tuple[Plan, ...]] = field(default_factory=dict, repr=False)

    def slot(self, operation: Operation, key: str) -> Slot:
        """Return a call's way through the seller's rate limits; ``key`` is the operation's."""
        return Slot.again(key, self.plans(operation, key))

    def plans(self, operation: Operation, key: str) -> tuple[Plan, ...]:
        """Return the buckets on that way."""
        plans = self._plans.get(key)
        if plans is None:
            plans = self._plans[key] = self.session.slot(self.grant, operation).plans
        return plans


class Passes:
    """The passes of this process.

    Args:
        database: where sellers are.
        connections, tokens, signing, imports: open what a request brings.
        call_log: is told who was let in.
        amazon: the real one or a local one.
        limits: Amazon's rate limits, and how many secrets may be tried.
        wire: what they are asked through.
        clock: seconds since the epoch.
        monotonic: seconds, of a clock that nobody sets.
        random: a source of unpredictable bytes.
    """

    def __init__(
        self,
        database: Database,
        connections: Connections,
        tokens: AccessTokens,
        signing: Signing,
        imports: Imports,
        call_log: CallLog,
        *,
        amazon: Amazon,
        limits: Limiter,
        wire: Wire,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        random: Callable[[int], bytes],
    ) -> None:
        self._database = database
        self._connections = connections
        self._tokens = tokens
        self._signing = signing
        self._imports = imports
        self._call_log = call_log
        self._amazon = amazon
        self._limits = limits
        self._wire = wire
        self._clock = clock
        self._monotonic = monotonic
        self._key = random(32)
        self._held: dict[bytes, Pass] = {}
        self._shut: dict[str, float] = {}
        self._looking: set[asyncio.Task[None]] = set()
        self._sweep: asyncio.TimerHandle | None = None
        connections.on_deleted.append(self._forget_connection)

    def warm(self, token: bytes, secret: bytes) -> Pass | None:
        """Return the pass of a request like one that was looked at lately; no I/O, no exception.

        Args:
            token: the header ``x-seller-access-token``.
            secret: the header ``x-amazon-token-secret``, with its spaces put right.
        """
        held = self._held.get(self._place(token, secret))
        if held is None:
            return None
        now = self._monotonic()
        if now - held.used_at >= IDLE_S or self._clock() >= held.expires_at:
            return None
        held.used_at = now
        if now - held.looked_at >= LOOK_AGAIN_S:
            held.looked_at = now
            task = asyncio.ensure_future(self._look_again(held))
            self._looking.add(task)
            task.add_done_callback(self._looking.discard)
        return held

    async def check(self, token: bytes, secret: bytes, address: str = "") -> Pass:
        """Return the pass of a request, from what it brings; the audit is told of it where it is not warm.

        Args:
            token, secret: as `warm`.
            address: where the request comes from.

        Raises:
            Unauthenticated: the token is none of ours, has ended or was taken back; or the secret is not the seller's.
            TooManyRequests: too many wrong secrets were tried for this seller.
            GrantRevoked: the seller has to authorize again.
            StoreError, VaultError: it cannot be told for now.
        """
        if (known := self.warm(token, secret)) is not None:
            return known
        try:
            signed = await self._signing.verify("seller", token.decode("ascii", "replace"))
            organization_id, seller_id = str(signed.claims["tenant_id"]), str(signed.claims["seller_id"])
            row = await self._row(organization_id, seller_id)
            if row is None or row["token_version"] != signed.claims.get("sv"):
                raise Unauthenticated
        except (Unauthenticated, KeyError):
            raise Unauthenticated("Invalid seller access token") from None
        try:
            given = secret.decode("utf-8", "replace")
            opened = await self._open(organization_id, seller_id, row["connection_id"], given)
        except Unauthenticated:
            self._call_log.let_in(organization_id, seller_id, address, good=False)
            raise
        self._call_log.let_in(organization_id, seller_id, address, good=True)
        made = self._pass(row, opened, signed.expires_at)
        self._remember(self._place(token, secret), made)
        return made

    async def open(self, caller: Caller, seller_id: str, secret: str) -> Pass:
        """Return the pass of a tenant that names one of its sellers; nobody remembers it.

        Args:
            caller: the tenant.
            seller_id: which seller.
            secret: the header ``x-amazon-token-secret``, with its spaces put right.

        Raises:
            NotFound: ``Seller not found``.
            Unauthenticated, TooManyRequests, GrantRevoked, StoreError, VaultError: as `check`.
        """
        row = await self._row(caller.organization_id, seller_id)
        if row is None:
            raise NotFound("Seller not found")
        opened = await self._open(caller.organization_id, seller_id, row["connection_id"], secret)
        return self._pass(row, opened, self._clock())

    def access_token(self, one: Pass) -> str | None:
        """Return Amazon's access token if it lasts for a call; no I/O."""
        return self._tokens.ready(one.opened)

    async def fresh(self, one: Pass, instead_of: str | None = None) -> str:
        """Return Amazon's access token, a new one if need be.

        Args:
            one: whose.
            instead_of: one that Amazon called expired.

        Raises:
            GrantRevoked: the seller has to authorize again.
            TokenError, NotFound, StoreError, VaultError: as `AccessTokens.get`.
        """
        try:
            return await self._tokens.get(one.opened, instead_of)
        except GrantRevoked:
            self.forget(one.seller_id)
            raise authorize_again() from None

    def forget(self, seller_id: str) -> None:
        """Look anew at whatever comes for a seller."""
        self._held = {place: held for place, held in self._held.items() if held.seller_id != seller_id}

    async def _open(self, organization_id: str, seller_id: str, connection_id: str | None, secret: str) -> Opened:
        """Open a seller's grant.

        Raises: as `check`.
        """
        if (left := self._shut.get(seller_id, 0.0) - self._monotonic()) > 0:
            raise _guessed(left)
        try:
            if connection_id is None:
                connection_id = await self._imports.open(organization_id, seller_id, secret)
            opened = await self._connections.open(Caller(organization_id), connection_id, secret)
        except WrongSecret:
            await self._wrong(seller_id)
            raise Unauthenticated("Invalid amazon token secret") from None
        except NotFound:
            raise authorize_again() from None
        if opened.connection.status != "active":
            raise authorize_again()
        return opened

    async def _wrong(self, seller_id: str) -> None:
        slot = Slot.of(Plan(("held-secret", seller_id), GUESSES / 3600, GUESSES))
        if pause := await self._limits.reserve(self._wire, slot, 0.0):
            self._shut = {id: until for id, until in self._shut.items() if until > self._monotonic()}
            self._shut[seller_id] = self._monotonic() + pause
            raise _guessed(pause)

    async def _row(self, organization_id: str, seller_id: str) -> Any:
        """Return what is known of a seller of a tenant that is not suspended."""
        t = sellers.c
        wanted = (
            select(sellers, tenants.c.privacy, tenants.c.tier, connections.c.grant_generation)
            .join(tenants, tenants.c.organization_id == t.organization_id)
            .outerjoin(connections, connections.c.id == t.connection_id)
            .where(t.id == seller_id, t.organization_id == organization_id, tenants.c.suspended_at.is_(None))
        )
        async with self._database.reading() as store:
            return (await store.execute(wanted)).mappings().first()

    def _pass(self, row: Any, opened: Opened, expires_at: float) -> Pass:
        grant, now = Grant(opened.client, opened.refresh_token), self._monotonic()
        region = regions.region(row["region"])

        async def ask() -> Grant:
            return grant

        session = Session(
            Source(ask, grant),
            region,
            self._amazon,
            sandbox=row["sandbox"],
            tokens=self._tokens.of(opened),
            limits=self._limits,
            limit="raise",
        )
        return Pass(
            organization_id=row["organization_id"],
            seller_id=row["id"],
            connection_id=opened.connection.id,
            region=region,
            sandbox=row["sandbox"],
            privacy=row["privacy"],
            personal=row["tier"] == "enterprise",
            session=session,
            grant=grant,
            opened=opened,
            expires_at=expires_at,
            used_at=now,
            looked_at=now,
            version=row["token_version"],
        )

    async def _look_again(self, held: Pass) -> None:
        """Forget a pass that would not be given any more; a database that is away changes nothing."""
        try:
            row = await self._row(held.organization_id, held.seller_id)
        except SellerportError as error:
            log.warning("a seller could not be looked up anew: %s", error, extra={"seller": held.seller_id})
            return
        as_was = (held.version, held.connection_id, held.opened.generation)
        if row is None or (row["token_version"], row["connection_id"], row["grant_generation"]) != as_was:
            self.forget(held.seller_id)
        else:
            held.privacy, held.personal = row["privacy"], row["tier"] == "enterprise"

    def _place(self, token: bytes, secret: bytes) -> bytes:
        return hashlib.sha256(self._key + token + b"\0" + secret).digest()

    def _remember(self, place: bytes, made: Pass) -> None:
        self._held[place] = made
        if len(self._held) > MOST:
            del self._held[next(iter(self._held))]
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(IDLE_S, self._forget_idle)

    def _forget_idle(self) -> None:
        now, self._sweep = self._monotonic(), None
        self._held = {place: held for place, held in self._held.items() if now - held.used_at < IDLE_S}
        if self._held:
            self._sweep = asyncio.get_running_loop().call_later(IDLE_S, self._forget_idle)

    def _forget_connection(self, connection_id: str) -> None:
        self._held = {place: held for place, held in self._held.items() if held.connection_id != connection_id}


def _guessed(pause: float) -> TooManyRequests:
    return TooManyRequests("too many wrong amazon token secrets for this seller; wait", retry_after=pause)
