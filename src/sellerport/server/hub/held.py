"""Connections that a consent brought and that are nobody's yet: whoever shows the secret in time gets one.

The browser brings the secret to the organization's return URL; its backend shows it, with the same customer, and only
then there is a connection. One that nobody asks for is dropped with its grant.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sellerport.errors import CallerError
from sellerport.server.hub import permissions, profiles
from sellerport.server.hub.changes import Changes
from sellerport.server.hub.mint import Mint, digest
from sellerport.server.hub.records import SERVER, Caller, Platform, required
from sellerport.server.store import Database, connections

LIFE_S = 600.0
SECRET_PREFIX = "sellerport_secret_id_"  # noqa: S105

_t = connections.c


class Held:
    """The connections that wait for their secret."""

    def __init__(self, database: Database, changes: Changes, mint: Mint, clock: Callable[[], float]) -> None:
        self._database = database
        self._changes = changes
        self._mint = mint
        self._clock = clock

    def secret(self) -> str:
        """Make a secret."""
        return self._mint.secret(SECRET_PREFIX)

    async def look(self, caller: Caller, secret: str, *, customer: str, platform: Platform) -> str:
        """Return the id that a connection will have; that changes nothing.

        Raises:
            CallerError: nothing is held for this customer under this secret, or not any more.
        """
        async with self._database.reading() as store:
            id: str | None = await store.scalar(select(_t.id).where(self._its(caller, secret, customer, platform)))
        if id is None:
            raise _invalid()
        return id

    async def take(
        self,
        caller: Caller,
        secret: str,
        *,
        customer: str,
        platform: Platform,
        name: str | None = None,
        replication_config: dict[str, Any] | None = None,
        entities: list[dict[str, Any]] | None = None,
    ) -> str:
        """Make a connection of what is held, once; return its id.

        Args:
            caller: whose organization the consent was for.
            secret: what the browser brought.
            customer, platform: what the consent was for.
            name, replication_config: in the place of those that the consent was begun with.
            entities: see `permissions`.

        Raises:
            CallerError: nothing is held for this customer under this secret, or not any more.
            InvalidArguments: lists every problem.
        """
        now, its = self._clock(), self._its(caller, secret, customer, platform)
        required(**({} if name is None else {"name": name}))
        known = permissions.checked(platform, entities) if entities else None
        given = {"name": name, "replication_config": replication_config, "entities": known}
        values: dict[str, Any] = {
            **{column: value for column, value in given.items() if value is not None},
            "status": "active",
            "secret_hash": None,
            "secret_until": None,
            "created_at": now,
            "updated_at": now,
        }
        async with self._changes.writing(caller.organization_id) as store:
            id: str | None = await store.scalar(select(_t.id).where(its).with_for_update())
            if id is None:
                raise _invalid()
            await store.execute(update(connections).where(_t.id == id).values(values))
            owner = caller.organization_id
            await self._changes.note(store, owner, "connection.created", id, caller.actor, status="active")
        return id

    async def drop_late(self) -> None:
        """Drop what nobody asked for in time."""
        late = _t.secret_until <= self._clock()
        async with self._database.reading() as store:
            owners = set(await store.scalars(select(_t.organization_id).where(late)))
        for owner in sorted(owners):
            async with self._changes.writing(owner) as store:
                for id in await drop(store, late & (_t.organization_id == owner)):
                    await self._changes.note(store, owner, "connection.dropped", id, SERVER)

    def _its(self, caller: Caller, secret: str, customer: str, platform: Platform) -> ColumnElement[bool]:
        mine = (_t.secret_hash == digest(secret)) & (_t.organization_id == caller.organization_id)
        mine &= _t.client_held.is_(False)  # a claim code of the gateway is taken with the client's secret
        return mine & (_t.customer == customer) & (_t.platform == platform) & (_t.secret_until > self._clock())


async def drop(store: AsyncConnection, which: ColumnElement[bool]) -> list[str]:
    """Delete what is held, with its grant; return the ids. Nothing else refers to such a row."""
    held = which & _t.secret_hash.is_not(None)
    ids = list(await store.scalars(select(_t.id).where(held).with_for_update()))
    for id in ids:
        await profiles.forget(store, id)
    await store.execute(delete(connections).where(_t.id.in_(ids)))
    return ids


def _invalid() -> CallerError:
    return CallerError("Invalid secret_id")
