"""Tenants and sellers of another gateway, taken over with their ids and tokens, so that nobody has to do anything.

A seller's grant comes as it was sealed there: AES-256-GCM under a key that scrypt made of the secret that its owner
holds (base64 of a salt of 32 bytes, an initialization vector of 16, the tag, and the ciphertext). Nobody can open it
here until somebody presents that secret. Until then it is sealed once more by the vault; the first request with the
secret opens both, and what comes of it is a connection like any other, whose grant the secret opens from then on.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sellerport import regions
from sellerport.errors import Conflict, GrantRevoked, InvalidArguments, Problem, Tampered, WrongSecret
from sellerport.regions import AWS_REGIONS
from sellerport.server.hub.applications import Applications
from sellerport.server.hub.changes import Changes
from sellerport.server.hub.connections import Connections
from sellerport.server.hub.records import NAMES, OPERATOR, SERVER, Caller, is_partner_id, required
from sellerport.server.hub.refresh_tokens import RefreshTokens
from sellerport.server.hub.sealed import seal, unseal
from sellerport.server.hub.tenants import Tenants
from sellerport.server.store import Database, connections, sellers, v1_grants
from sellerport.server.vault import Vault

SALT, IV, TAG = 32, 16, 16
"""In bytes, and in this order before the ciphertext."""

_t = v1_grants.c


class TenantLine(msgspec.Struct, tag_field="kind", tag="tenant"):
    """A tenant of the other gateway."""

    id: str
    name: str
    redirect_origin: str
    refresh_token: str | None = None
    """``rt_…`` as it was given to the tenant, which goes on to be good."""


class SellerLine(msgspec.Struct, tag_field="kind", tag="seller"):
    """A seller of the other gateway."""

    id: str
    tenant_id: str
    selling_partner_id: str
    marketplace_region: Literal["us-east-1", "eu-west-1", "us-west-2"]
    amazon_refresh_token: str
    """As it was sealed there."""
    name: str | None = None
    callback_url: str | None = None
    refresh_token: str | None = None
    """``srt_…`` as it was given to the tenant, which goes on to be good."""
    authorized_at: datetime | None = None


Line = TenantLine | SellerLine


class Imports:
    """What was taken over, and waits for its secret.

    Args:
        database, vault: where it is.
        tenants, connections, applications: what it becomes.
        tokens: of sellers.
        changes: told of it.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        tenants: Tenants,
        connections: Connections,
        applications: Applications,
        tokens: RefreshTokens,
        changes: Changes,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._vault = vault
        self._tenants = tenants
        self._connections = connections
        self._applications = applications
        self._tokens = tokens
        self._changes = changes
        self._clock = clock

    async def take(self, line: Line) -> bool:
        """Take a tenant or a seller over; False if it is here already, and left as it is.

        Raises:
            InvalidArguments: a field is wrong; it is named.
            Conflict: another tenant has the name, or another seller is the same account.
            NotFound: the seller's tenant is not here.
        """
        _check_token(line.refresh_token)
        _check_id("id", line.id)
        if isinstance(line, TenantLine):
            return await self._tenants.take(line.id, line.name, line.redirect_origin, line.refresh_token)
        return await self._take_seller(line)

    async def _take_seller(self, line: SellerLine) -> bool:
        owner, now = (await self._tenants.get(line.tenant_id)).organization_id, self._clock()
        required(**({} if line.name is None else {"name": line.name}))
        if not is_partner_id(line.selling_partner_id):
            raise InvalidArguments(problems=[Problem("selling_partner_id", "must be letters and digits")])
        _parts(line.amazon_refresh_token)
        async with self._database.reading() as store:
            if await store.scalar(select(sellers.c.id).where(sellers.c.id == line.id)) is not None:
                return False
        kept = {"id": line.id, "organization_id": owner}
        sealed = await seal(self._vault, v1_grants, kept, sealed_grant=line.amazon_refresh_token)
        granted_at = None
        if line.authorized_at is not None:
            zoned = line.authorized_at if line.authorized_at.tzinfo else line.authorized_at.replace(tzinfo=UTC)
            granted_at = zoned.timestamp()
        row = {
            **kept,
            "selling_partner_id": line.selling_partner_id,
            "region": AWS_REGIONS[line.marketplace_region],
            "name": line.name,
            "callback_url": line.callback_url,
            "created_at": now,
            "updated_at": now,
            "claimed_at": granted_at or now,
        }
        try:
            async with self._changes.writing(owner) as store:
                await store.execute(insert(sellers).values(row))
                waiting = {**kept, **sealed, "granted_at": granted_at, "created_at": now}
                await store.execute(insert(v1_grants).values(waiting))
                if line.refresh_token is not None:
                    await self._tokens.keep(store, line.id, line.refresh_token)
                await self._changes.note(store, owner, "seller.imported", line.id, OPERATOR)
        except Conflict:
            raise Conflict("another seller of this tenant is the same account, or has the same refresh token") from None
        return True

    async def open(self, organization_id: str, seller_id: str, secret: str) -> str:
        """Make a connection of what waits for a seller's secret; return its id.

        Raises:
            WrongSecret: this is not it.
            GrantRevoked: nothing waits for it: the seller has to authorize.
            CallerError: there is no Amazon application for the tenant.
            VaultError: what waits does not open, for whatever secret.
        """
        wanted = select(v1_grants, sellers.c.name, sellers.c.region, sellers.c.selling_partner_id).join(sellers)
        mine = (_t.id == seller_id) & (_t.organization_id == organization_id)
        async with self._database.reading() as store:
            row = (await store.execute(wanted.where(mine))).mappings().first()
        if row is None:
            raise authorize_again()
        try:
            blob = (await unseal(self._vault, v1_grants, row, "sealed_grant"))["sealed_grant"]
        except Tampered:  # the time must not tell it from a wrong secret
            await asyncio.to_thread(_derived, secret, bytes(SALT))
            raise
        refresh_token = await asyncio.to_thread(open_v1, blob, secret)

        async def settle(store: AsyncConnection, connection_id: str) -> None:
            its = (sellers.c.id == seller_id) & sellers.c.connection_id.is_(None)
            done = await store.execute(update(sellers).where(its).values(connection_id=connection_id))
            if done.rowcount == 0:
                raise Conflict("another request opened it at the same moment")
            await store.execute(delete(v1_grants).where(_t.id == seller_id))
            if row["granted_at"] is not None:
                made = connections.c.id == connection_id
                await store.execute(update(connections).where(made).values(granted_at=row["granted_at"]))

        try:
            made = await self._connections.create(
                Caller(organization_id, tenant=True),
                customer=seller_id,
                name=row["name"] or NAMES["seller-partner"],
                marketplace=regions.marketplace(regions.region(row["region"]).home),
                refresh_token=refresh_token,
                through=await self._applications.for_tenant(organization_id),
                selling_partner_id=row["selling_partner_id"],
                held_secret=secret,
                alongside=settle,
            )
        except Conflict:
            async with self._database.reading() as store:
                there: str | None = await store.scalar(select(sellers.c.connection_id).where(sellers.c.id == seller_id))
            if there is None:
                raise
            return there
        return made.id


def open_v1(blob: str, secret: str) -> str:
    """Return the refresh token that another gateway sealed.

    Raises:
        WrongSecret: this is not the secret.
        InvalidArguments: the text is nothing that was sealed so.
    """
    salt, iv, tag, ciphertext = _parts(blob)
    try:
        return AESGCM(_derived(secret, salt)).decrypt(iv, ciphertext + tag, None).decode()
    except (InvalidTag, UnicodeDecodeError):
        raise WrongSecret from None


def authorize_again() -> GrantRevoked:
    """Return what is raised for a seller without a grant that stands."""
    return GrantRevoked("Seller authorization revoked: the seller has to authorize again, from /auth/initialize on")


def _derived(secret: str, salt: bytes) -> bytes:
    return Scrypt(salt, 32, n=1 << 14, r=8, p=1).derive(secret.encode("utf-8", "surrogatepass"))


def _parts(blob: str) -> tuple[bytes, bytes, bytes, bytes]:
    try:
        raw = base64.b64decode(blob, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) <= SALT + IV + TAG:
        problem = "must be base64 of a salt of 32 bytes, an initialization vector of 16, a tag of 16, and the rest"
        raise InvalidArguments(problems=[Problem("amazon_refresh_token", problem)])
    return raw[:SALT], raw[SALT : SALT + IV], raw[SALT + IV : SALT + IV + TAG], raw[SALT + IV + TAG :]


def _check_id(field: str, id: str) -> None:
    if not 1 <= len(id) <= 36 or not id.isascii() or not id.replace("_", "").replace("-", "").isalnum():
        raise InvalidArguments(problems=[Problem(field, "must have 1 to 36 letters, digits, '_' and '-'")])
    if id == SERVER:
        raise InvalidArguments(problems=[Problem(field, f"must not be {SERVER!r}, which means nobody's here")])


def _check_token(token: str | None) -> None:
    if token is not None and not 24 <= len(token) <= 512:
        raise InvalidArguments(problems=[Problem("refresh_token", "must have 24 to 512 characters")])
