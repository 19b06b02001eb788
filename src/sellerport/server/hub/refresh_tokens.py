"""Refresh tokens of the gateway: random, shown once, known by their hashes, and good until they are replaced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Column, ColumnElement, Table, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sellerport.errors import Conflict, Unauthenticated
from sellerport.server.hub.mint import Mint, digest

GRACE_S = 86_400.0
"""How long a token that was replaced goes on to be good."""
MOST = 10
"""How many of one owner may be good at once."""


@dataclass(frozen=True)
class RefreshToken:
    """What is known of a refresh token."""

    owner: str
    created_at: float
    expires_at: float | None


class RefreshTokens:
    """The refresh tokens of tenants, or of sellers. Every method is part of its caller's transaction.

    Args:
        table: where their hashes are.
        owner: its column that says whose they are.
        prefix: by which secret scanners, and people, tell what they are.
        mint: makes them.
        clock: seconds since the epoch.
    """

    def __init__(self, table: Table, owner: Column[str], prefix: str, mint: Mint, clock: Callable[[], float]) -> None:
        self._table = table
        self._owner = owner
        self._prefix = prefix
        self._mint = mint
        self._clock = clock

    async def add(self, store: AsyncConnection, owner: str) -> str:
        """Give an owner one more; it is in the answer and nowhere else.

        Raises:
            Conflict: they have as many as they may have.
        """
        t, now = self._table.c, self._clock()
        await store.execute(delete(self._table).where(self._owner == owner, t.expires_at <= now))
        known = await store.scalar(select(func.count()).select_from(self._table).where(self._owner == owner))
        if known is not None and known >= MOST:
            raise Conflict(f"{MOST} refresh tokens are good already; revoke one first")
        made = self._mint.secret(self._prefix)
        await self.keep(store, owner, made)
        return made

    async def keep(self, store: AsyncConnection, owner: str, token: str) -> None:
        """Let a token be an owner's that was made elsewhere."""
        row = {self._owner.name: owner, "hash": digest(token), "created_at": self._clock()}
        await store.execute(insert(self._table).values(row))

    def good(self, token: str) -> ColumnElement[bool]:
        """Return the condition that a row of the table is this token's, and is good."""
        t = self._table.c
        return (t.hash == digest(token)) & or_(t.expires_at.is_(None), t.expires_at > self._clock())

    async def find(self, store: AsyncConnection, token: str) -> RefreshToken | None:
        """Return a good token's record."""
        t = self._table.c
        row = (await store.execute(select(self._owner, t.created_at, t.expires_at).where(self.good(token)))).first()
        return None if row is None else RefreshToken(*row)

    async def replace(self, store: AsyncConnection, owner: str, token: str) -> str:
        """Give an owner another token for one, which goes on for `GRACE_S`.

        Raises:
            Unauthenticated: ``Invalid refresh token``.
            Conflict: as `add`.
        """
        t, ends = self._table.c, self._clock() + GRACE_S
        mine = self.good(token) & (self._owner == owner)
        if await store.scalar(select(t.hash).where(mine).with_for_update()) is None:
            raise invalid()
        lasts = or_(t.expires_at.is_(None), t.expires_at > ends)
        await store.execute(update(self._table).where(mine, lasts).values(expires_at=ends))
        return await self.add(store, owner)

    async def end(self, store: AsyncConnection, owner: str, *, at: float | None = None) -> None:
        """End all tokens of an owner that last for longer: at once, or at a time."""
        t = self._table.c
        if at is None:
            await store.execute(delete(self._table).where(self._owner == owner))
            return
        lasts = or_(t.expires_at.is_(None), t.expires_at > at)
        await store.execute(update(self._table).where(self._owner == owner, lasts).values(expires_at=at))

    async def remove(self, store: AsyncConnection, owner: str, token: str) -> bool:
        """End one token of an owner at once; whether it was good."""
        done = await store.execute(delete(self._table).where(self.good(token), self._owner == owner))
        return done.rowcount == 1


def invalid() -> Unauthenticated:
    """Return what is raised for a refresh token that is none; whether its owner exists is not said."""
    return Unauthenticated("Invalid refresh token")
