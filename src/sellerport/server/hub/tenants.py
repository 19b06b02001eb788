"""Tenants: organizations that use the gateway, and the tokens by which they are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import insert, select, update

from sellerport.errors import Conflict, InvalidArguments, NotFound, Problem, Unauthenticated
from sellerport.server.hub.changes import Change, Changes
from sellerport.server.hub.mint import Mint
from sellerport.server.hub.records import OPERATOR, Caller, Privacy, Tier, required
from sellerport.server.hub.refresh_tokens import GRACE_S, RefreshToken, RefreshTokens, invalid
from sellerport.server.hub.return_urls import parse_registered
from sellerport.server.hub.signing import Signing
from sellerport.server.store import Database, organizations, return_urls, sellers, tenant_tokens, tenants

TOKEN_PREFIX = "rt_"  # noqa: S105
CREATE = "create-tenant"
"""The claim of an administrator's token, as the contract has it."""
ACCESS_S = 30 * 86_400
"""How long a tenant's access token is good, as the contract has it."""

_t = tenants.c


@dataclass(frozen=True)
class Tenant:
    """An organization that uses the gateway."""

    organization_id: str
    name: str
    privacy: Privacy
    """What stands where personal data was."""
    tier: Tier
    """What the organization attested; "enterprise" may see personal data."""
    require_pushed: bool
    """Whether a consent has to be begun by a pushed request, so that no secret is in an address."""
    device_hub: str | None
    """Where its printers are reached."""
    created_at: float
    suspended_at: float | None


_COLUMNS = [organizations.c.name if it.name == "name" else _t[it.name] for it in fields(Tenant)]


class Tenants:
    """Who uses the gateway.

    Args:
        database: where they are.
        changes: told of what happens to them.
        signing: makes their access tokens.
        mint: makes their ids and refresh tokens.
        clock: seconds since the epoch.
    """

    def __init__(
        self, database: Database, changes: Changes, signing: Signing, mint: Mint, clock: Callable[[], float]
    ) -> None:
        self._database = database
        self._changes = changes
        self._signing = signing
        self._mint = mint
        self._clock = clock
        self._tokens = RefreshTokens(tenant_tokens, tenant_tokens.c.organization_id, TOKEN_PREFIX, mint, clock)

    async def admin_token(self, life_s: int) -> str:
        """Return a token with which tenants may be created, for so many seconds."""
        token = await self._signing.issue("admin", life_s, **{CREATE: True})
        said = await self._signing.verify("admin", token)
        async with self._changes.writing(None) as store:
            facts = {"expires_at": said.expires_at}
            await self._changes.note(store, None, "admin_token.made", said.claims["jti"], OPERATOR, **facts)
        return token

    async def check_admin(self, token: str) -> str:
        """Return the id of a token with which tenants may be created.

        Raises:
            Unauthenticated: ``Invalid token``, or ``Token missing create-tenant claim``.
            StoreError, VaultError: it cannot be told for now.
        """
        try:
            claims = (await self._signing.verify("admin", token)).claims
        except Unauthenticated:
            raise Unauthenticated("Invalid token") from None
        if claims.get(CREATE) is not True:
            raise Unauthenticated(f"Token missing {CREATE} claim")
        return str(claims["jti"])

    async def create(self, name: str, redirect_origin: str, *, actor: str = OPERATOR) -> tuple[Tenant, str]:
        """Create a tenant, which is an organization too; return it with its refresh token, which is shown this once.

        Args:
            name: of the organization.
            redirect_origin: where browsers may be sent after consent: this address, and those below it.
            actor: who does it.

        Raises:
            InvalidArguments: the name or the address is none.
            Conflict: the name is taken.
        """
        required(name=name)
        id, now = self._mint.id(), self._clock()
        organization = {"id": id, "name": name, "created_at": now}
        return await self._make(id, redirect_origin, actor, organization)

    async def adopt(self, organization_id: str, redirect_origin: str) -> tuple[Tenant, str]:
        """Make an organization that is there a tenant; return it with its refresh token, which is shown this once.

        Raises:
            InvalidArguments: the address is none.
            Conflict: it is a tenant already.
        """
        return await self._make(organization_id, redirect_origin, OPERATOR, None)

    async def take(self, id: str, name: str, redirect_origin: str, refresh_token: str | None) -> bool:
        """Take a tenant over from another gateway, with its id and refresh token; False if the id is here already.

        Raises:
            InvalidArguments, Conflict: as `create`.
        """
        required(name=name)
        async with self._database.reading() as store:
            if await store.scalar(select(organizations.c.id).where(organizations.c.id == id)) is not None:
                return False
        organization = {"id": id, "name": name, "created_at": self._clock()}
        await self._make(id, redirect_origin, OPERATOR, organization, refresh_token)
        return True

    async def _make(
        self, id: str, redirect_origin: str, actor: str, organization: dict[str, Any] | None, known: str | None = None
    ) -> tuple[Tenant, str]:
        parse_registered(redirect_origin, "redirectOrigin")
        now = self._clock()
        address = (return_urls.c.organization_id == id) & (return_urls.c.url == redirect_origin)
        done = [Change(id, "tenant.created", id)]
        try:
            async with self._changes.writing(id) as store:
                if organization is not None:
                    await store.execute(insert(organizations).values(organization))
                    done.insert(0, Change(id, "organization.created", id))
                await store.execute(insert(tenants).values(organization_id=id, created_at=now))
                if await store.scalar(select(return_urls.c.url).where(address)) is None:
                    row = {"organization_id": id, "url": redirect_origin, "created_at": now}
                    await store.execute(insert(return_urls).values(row))
                    done.append(Change(id, "return_url.added", redirect_origin))
                if known is not None:
                    await self._tokens.keep(store, id, known)
                token = known or await self._tokens.add(store, id)
                await self._changes.note_all(store, actor, done)
        except Conflict:
            taken = "it is a tenant already" if organization is None else f"there is a {organization['name']!r} already"
            if known is not None:
                taken += ", or the refresh token is another tenant's"
            raise Conflict(taken) from None
        return await self.get(id), token

    async def all(self) -> list[Tenant]:
        """Return every tenant, by name."""
        wanted = select(*_COLUMNS).join(organizations, organizations.c.id == _t.organization_id)
        async with self._database.reading() as store:
            rows = await store.execute(wanted.order_by(organizations.c.name))
        return [Tenant(**row) for row in rows.mappings()]

    async def get(self, organization_id: str) -> Tenant:
        """Return one tenant.

        Raises:
            NotFound: the organization is none.
        """
        wanted = select(*_COLUMNS).join(organizations, organizations.c.id == _t.organization_id)
        async with self._database.reading() as store:
            row = (await store.execute(wanted.where(_t.organization_id == organization_id))).mappings().first()
        if row is None:
            raise _unknown(organization_id)
        return Tenant(**row)

    async def change(
        self,
        organization_id: str,
        *,
        privacy: Privacy | None = None,
        tier: Tier | None = None,
        require_pushed: bool | None = None,
        device_hub: str | None = None,
        suspended: bool | None = None,
    ) -> Tenant:
        """Change what a tenant may do; None leaves it. A suspended tenant's tokens are not good, and come back with it.

        Raises:
            InvalidArguments: the device hub is no address.
            NotFound: the organization is no tenant.
        """
        given = {"privacy": privacy, "tier": tier, "require_pushed": require_pushed}
        values: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        if device_hub is not None:
            values["device_hub"] = _checked_hub(device_hub) if device_hub else None
        if suspended is not None:
            values["suspended_at"] = self._clock() if suspended else None
        if not values:
            return await self.get(organization_id)
        facts = {name: value for name, value in values.items() if name not in ("device_hub", "suspended_at")}
        what = {True: "suspended", False: "resumed", None: "changed"}[suspended]
        async with self._changes.writing(organization_id) as store:
            mine = update(tenants).where(_t.organization_id == organization_id)
            if (await store.execute(mine.values(values))).rowcount == 0:
                raise _unknown(organization_id)
            await self._changes.note(store, organization_id, f"tenant.{what}", organization_id, OPERATOR, **facts)
        return await self.get(organization_id)

    async def token(self, tenant_id: str, refresh_token: str) -> str:
        """Return an access token, for `ACCESS_S`.

        Raises:
            Unauthenticated: ``Invalid refresh token``, or no such tenant: it is not said which, nor is there a
                difference in what is done.
        """
        mine = (
            select(_t.token_version)
            .join(tenant_tokens, tenant_tokens.c.organization_id == _t.organization_id)
            .where(_t.organization_id == tenant_id, _t.suspended_at.is_(None), self._tokens.good(refresh_token))
        )
        async with self._database.reading() as store:
            version: int | None = await store.scalar(mine)
        if version is None:
            raise invalid()
        return await self._signing.issue("adb", ACCESS_S, tenant_id=tenant_id, tv=version)

    async def verify(self, token: str) -> Caller:
        """Return the tenant that sends an access token.

        Raises:
            Unauthenticated: ``Invalid ADB access token``.
            StoreError, VaultError: it cannot be told for now.
        """
        claims = await self.claims(token)
        return Caller(claims["tenant_id"], tenant=True)

    async def claims(self, token: str) -> dict[str, Any]:
        """Return what a good access token says.

        Raises: as `verify`.
        """
        try:
            claims = (await self._signing.verify("adb", token)).claims
        except Unauthenticated:
            raise _not_good() from None
        tenant_id, version = claims.get("tenant_id"), claims.get("tv")
        if not isinstance(tenant_id, str) or not isinstance(version, int):
            raise _not_good()
        mine = select(_t.organization_id).where(
            _t.organization_id == tenant_id, _t.token_version == version, _t.suspended_at.is_(None)
        )
        async with self._database.reading() as store:
            if await store.scalar(mine) is None:
                raise _not_good()
        return claims

    async def find_token(self, caller: Caller, refresh_token: str) -> RefreshToken | None:
        """Return what is known of one of a tenant's refresh tokens; None if it is not good."""
        async with self._database.reading() as store:
            found = await self._tokens.find(store, refresh_token)
        return found if found is not None and found.owner == caller.organization_id else None

    async def replace_token(self, caller: Caller, refresh_token: str) -> str:
        """Give a tenant another refresh token for one, which goes on for `GRACE_S`.

        Raises:
            Unauthenticated: ``Invalid refresh token``.
            Conflict: it has as many as it may have.
        """
        id = caller.organization_id
        async with self._changes.writing(id) as store:
            made = await self._tokens.replace(store, id, refresh_token)
            await self._changes.note(store, id, "tenant.token_replaced", id, caller.actor)
        return made

    async def renew_token(self, organization_id: str, *, grace_s: float = GRACE_S, revoke: bool = False) -> str:
        """Give a tenant another refresh token in the place of all that it has.

        Args:
            organization_id: which tenant.
            grace_s: how long those go on, in seconds.
            revoke: whether they end at once instead, and every access token with them, those of sellers too.

        Raises:
            NotFound: the organization is no tenant.
            Conflict: it has as many as it may have.
        """
        mine, its = _t.organization_id == organization_id, sellers.c.organization_id == organization_id
        async with self._changes.writing(organization_id) as store:
            if await store.scalar(select(_t.organization_id).where(mine).with_for_update()) is None:
                raise _unknown(organization_id)
            for table, where in ((tenants, mine), (sellers, its)) if revoke else ():
                again = table.c.token_version + 1
                await store.execute(update(table).where(where).values(token_version=again))
            await self._tokens.end(store, organization_id, at=None if revoke else self._clock() + grace_s)
            made = await self._tokens.add(store, organization_id)
            action = "tenant.tokens_revoked" if revoke else "tenant.token_replaced"
            await self._changes.note(store, organization_id, action, organization_id, OPERATOR)
        return made

    async def revoke(self, caller: Caller, refresh_token: str | None = None) -> bool:
        """End a tenant's access tokens, and one of its refresh tokens; whether there was that one.

        Args:
            caller: the tenant.
            refresh_token: the one to end; None ends access tokens alone.
        """
        id = caller.organization_id
        async with self._changes.writing(id) as store:
            if refresh_token is not None and not await self._tokens.remove(store, id, refresh_token):
                return False
            mine = update(tenants).where(_t.organization_id == id)
            await store.execute(mine.values(token_version=_t.token_version + 1))
            await self._changes.note(store, id, "tenant.tokens_revoked", id, caller.actor)
        return True


def _checked_hub(address: str) -> str:
    place = parse_registered(address, "device_hub")
    if place.scheme != "https":
        raise InvalidArguments(problems=[Problem("device_hub", "must begin with https://")])
    return address


def _unknown(id: str) -> NotFound:
    return NotFound(f"organization {id!r} is no tenant of the gateway")


def _not_good() -> Unauthenticated:
    return Unauthenticated("Invalid ADB access token")
