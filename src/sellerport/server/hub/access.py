"""API clients, and the access tokens that they call with. Secrets and tokens are stored as hashes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from sqlalchemy import Table, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sellerport.errors import Conflict, NotFound, StoreError, Unauthenticated
from sellerport.server.hub.changes import Changes, hold
from sellerport.server.hub.mint import Mint, digest, same
from sellerport.server.hub.records import (
    OPERATOR,
    AccessToken,
    ApiClient,
    Caller,
    NewApiClient,
    Workspace,
    required,
)
from sellerport.server.store import Database, access_tokens, api_clients, organizations, scoped_tokens, workspaces

TOKEN_LIFE_S = 900
MOST_KNOWN = 10_000
"""Tokens that are known while the database is away."""
SECRET_PREFIX = "sellerport_secret_"  # noqa: S105
TOKEN_PREFIX = "sellerport_token_"  # noqa: S105
SCOPED_LIFE_S = 1200


class Access:
    """Who is calling."""

    def __init__(self, database: Database, changes: Changes, mint: Mint, clock: Callable[[], float]) -> None:
        self._database = database
        self._changes = changes
        self._mint = mint
        self._clock = clock
        self._known: OrderedDict[str, tuple[Caller, float]] = OrderedDict()

    async def create_client(self, organization_id: str, name: str) -> NewApiClient:
        """Create an API client. Its secret is in the answer and nowhere else.

        Raises:
            NotFound: no such organization.
        """
        required(name=name)
        made = NewApiClient(self._mint.id(), self._mint.secret(SECRET_PREFIX))
        async with self._changes.writing(organization_id) as store:
            known = await store.scalar(select(organizations.c.id).where(organizations.c.id == organization_id))
            if known is None:
                raise NotFound(f"no organization {organization_id!r}")
            row = {"id": made.id, "organization_id": organization_id, "name": name, "created_at": self._clock()}
            await store.execute(insert(api_clients).values(**row, secret_hash=digest(made.secret)))
            await self._changes.note(store, organization_id, "client.created", made.id, OPERATOR)
        return made

    async def clients(self, organization_id: str) -> list[ApiClient]:
        """Return an organization's API clients, the oldest first; the revoked ones too."""
        t = api_clients.c
        columns = (t.id, t.organization_id, t.name, t.created_at, t.revoked_at)
        async with self._database.reading() as store:
            rows = await store.execute(
                select(*columns).where(t.organization_id == organization_id).order_by(t.created_at, t.id)
            )
        return [ApiClient(**row) for row in rows.mappings()]

    async def revoke_client(self, organization_id: str, client_id: str) -> None:
        """Revoke an API client: its secret, and every token that it was given, stop working at once.

        Raises:
            NotFound: the organization has no such client, or it was revoked before.
        """
        t = api_clients.c
        mine = (t.id == client_id) & (t.organization_id == organization_id) & t.revoked_at.is_(None)
        async with self._changes.writing(organization_id) as store:
            done = await store.execute(update(api_clients).where(mine).values(revoked_at=self._clock()))
            if done.rowcount == 0:
                raise NotFound(f"no API client {client_id!r}")
            for tokens in (access_tokens, scoped_tokens):
                await store.execute(delete(tokens).where(tokens.c.client_id == client_id))
            await self._changes.note(store, organization_id, "client.revoked", client_id, OPERATOR)
        for hashed in [hashed for hashed, (known, _) in self._known.items() if known.client_id == client_id]:
            del self._known[hashed]

    def forget(self, organization_id: str) -> None:
        """Know no token of an organization's clients any more: it is gone."""
        others = {hashed: one for hashed, one in self._known.items() if one[0].organization_id != organization_id}
        self._known = OrderedDict(others)

    async def issue(self, client_id: str, secret: str) -> AccessToken:
        """Give an API client an access token.

        Raises:
            Unauthenticated: the id or the secret is wrong, or the client was revoked; it is not said which.
        """
        t = api_clients.c
        now = self._clock()
        made = self._mint.secret(TOKEN_PREFIX)
        mine = select(api_clients).where(t.id == client_id, t.revoked_at.is_(None))
        async with self._database.reading() as store:  # a stranger holds up nobody who writes
            row = (await store.execute(mine)).first()
        if not same(secret, row.secret_hash if row else None) or row is None:
            raise Unauthenticated("no API client has this id and secret")
        async with self._database.writing() as store:
            await hold(store, row.organization_id)
            await _drop_expired(store, access_tokens, now)
            await store.execute(
                insert(access_tokens).values(hash=digest(made), client_id=client_id, expires_at=now + TOKEN_LIFE_S)
            )
        return AccessToken(made, TOKEN_LIFE_S, row.organization_id)

    async def issue_scoped(self, caller: Caller, workspace: Workspace) -> AccessToken:
        """Give an API client a token that is good for one of its organization's workspaces, to be handed on.

        Raises:
            Conflict: the workspace is inactive.
        """
        assert caller.client_id is not None, "who has an access token is an API client"
        if workspace.status != "active":
            raise Conflict("this workspace is inactive; make it active first")
        now, made = self._clock(), self._mint.secret(TOKEN_PREFIX)
        row = {"client_id": caller.client_id, "workspace_id": workspace.id, "expires_at": now + SCOPED_LIFE_S}
        async with self._database.writing() as store:
            await hold(store, caller.organization_id)
            await _drop_expired(store, scoped_tokens, now)
            await store.execute(insert(scoped_tokens).values(hash=digest(made), **row))
        return AccessToken(made, SCOPED_LIFE_S, workspace.organization_id)

    async def verify(self, token: str) -> Caller:
        """Return who sends an access token, or a scoped one, which is never good without the database.

        Raises:
            Unauthenticated: the token is unknown or expired, or its client was revoked.
            StoreError: the database is away, and the token was not seen here before.
        """
        hashed, now = digest(token), self._clock()
        found = (
            select(api_clients.c.organization_id, api_clients.c.id, access_tokens.c.expires_at)
            .join(access_tokens, access_tokens.c.client_id == api_clients.c.id)
            .where(access_tokens.c.hash == hashed, access_tokens.c.expires_at > now)
            .where(api_clients.c.revoked_at.is_(None))
        )
        try:
            async with self._database.reading() as store:
                row = (await store.execute(found)).first()
        except StoreError:  # nobody can be revoked without a database either
            known, expires_at = self._known.get(hashed, (None, 0.0))
            if known is None or expires_at <= now:
                raise
            return known
        if row is None:
            self._known.pop(hashed, None)
            return await self._verify_scoped(hashed, now)
        caller = Caller(row.organization_id, row.id)
        self._known[hashed] = (caller, row.expires_at)
        self._known.move_to_end(hashed)
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)
        return caller

    async def _verify_scoped(self, hashed: str, now: float) -> Caller:
        found = (
            select(
                api_clients.c.organization_id, api_clients.c.id, workspaces.c.id.label("workspace"), workspaces.c.name
            )
            .join(scoped_tokens, scoped_tokens.c.client_id == api_clients.c.id)
            .join(workspaces, workspaces.c.id == scoped_tokens.c.workspace_id)
            .where(scoped_tokens.c.hash == hashed, scoped_tokens.c.expires_at > now)
            .where(api_clients.c.revoked_at.is_(None), workspaces.c.status == "active")
        )
        async with self._database.reading() as store:
            row = (await store.execute(found)).first()
        if row is None:
            raise Unauthenticated
        return Caller(row.organization_id, row.id, row.workspace, row.name)


async def _drop_expired(store: AsyncConnection, tokens: Table, now: float) -> None:
    """Delete tokens of anybody that have ended, but for those that somebody else is deleting."""
    ended = select(tokens.c.hash).where(tokens.c.expires_at <= now).with_for_update(skip_locked=True)
    await store.execute(delete(tokens).where(tokens.c.hash.in_(ended)))
