"""Connections: Amazon accounts, each with its grant, which is only ever stored sealed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sellerport.errors import ConsentError, InvalidArguments, NotFound, Problem, StoreError
from sellerport.oauth import LwaClient
from sellerport.regions import Marketplace
from sellerport.server.hub.applications import Applications
from sellerport.server.hub.mint import Mint
from sellerport.server.hub.records import Application, Caller, Connection, required
from sellerport.server.store import Database, connections
from sellerport.server.vault import Vault

log = logging.getLogger(__name__)

NOTE_EVERY_S = 60.0
"""A call that goes like the one before is written down this often."""

_t = connections.c
_SEALED = ("sealed_grant", "sealed_client_secret", "lwa_client_id")
_COLUMNS = [column for column in _t if column.name not in _SEALED]


@dataclass(frozen=True)
class Opened:
    """A connection with its grant: for the hub alone."""

    connection: Connection
    client: LwaClient
    refresh_token: str = field(repr=False)
    sealed_grant: bytes = field(repr=False)


class Connections:
    """The accounts that an organization reaches."""

    def __init__(
        self, database: Database, vault: Vault, applications: Applications, mint: Mint, clock: Callable[[], float]
    ) -> None:
        self._database = database
        self._vault = vault
        self._applications = applications
        self._mint = mint
        self._clock = clock

    async def create(
        self,
        caller: Caller,
        *,
        customer: str,
        name: str,
        marketplace: Marketplace,
        refresh_token: str,
        through: LwaClient | Application,
        selling_partner_id: str | None = None,
        replication_config: dict[str, Any] | None = None,
    ) -> Connection:
        """Create a connection from a grant that the caller already has. Nothing is sent to Amazon.

        Args:
            caller: whose organization it will belong to.
            customer: the organization's own name for its user.
            name: what to call the connection.
            marketplace: where the account trades.
            refresh_token: the grant.
            through: what the grant was given to: a registered application, or a Login with Amazon client of its own.
            selling_partner_id: Amazon's id of the account.
            replication_config: kept for the caller, and given back.
        """
        required(customer=customer, name=name)
        if not refresh_token.strip():
            raise InvalidArguments(problems=[Problem("refresh_token", "must not be empty")])
        organization_id, id, now = caller.organization_id, self._mint.id(), self._clock()
        own: dict[str, Any]
        if isinstance(through, Application):
            own = {"application_id": through.id}
        else:
            sealed = self._vault.seal(through.client_secret.encode(), _place(id, "client_secret", organization_id))
            own = {"lwa_client_id": through.client_id, "sealed_client_secret": sealed}
        row = {
            "id": id,
            "organization_id": organization_id,
            "customer": customer,
            "name": name,
            "platform": "seller-partner",
            "region": marketplace.region,
            "marketplace": marketplace.id,
            "sealed_grant": self._vault.seal(refresh_token.encode(), _place(id, "grant", organization_id)),
            "status": "active",
            "selling_partner_id": selling_partner_id,
            "replication_config": replication_config or {},
            "created_at": now,
            "updated_at": now,
            "granted_at": now,
        }
        async with self._database.writing() as store:
            await store.execute(insert(connections).values(**row, **own))
            return await self._row(store, caller, id)

    async def renew(
        self, caller: Caller, id: str, *, application_id: str, refresh_token: str, selling_partner_id: str
    ) -> Connection:
        """Give a connection the grant of a new consent, and make it active; the old grant is gone only then.

        Raises:
            ConsentError: the consent was for another account than the connection's.
            NotFound: the connection was deleted meanwhile.
        """
        sealed = self._vault.seal(refresh_token.encode(), _place(id, "grant", caller.organization_id))
        async with self._database.writing() as store:
            known = await self._row(store, caller, id)
            if known.selling_partner_id not in (None, selling_partner_id):
                raise ConsentError(
                    "consent was given for another Amazon account than this connection's; sign in to the right one, "
                    "or make a new connection for this one",
                    reason="account_mismatch",
                )
            now = self._clock()
            values = {
                "application_id": application_id,
                "lwa_client_id": None,
                "sealed_client_secret": None,
                "sealed_grant": sealed,
                "status": "active",
                "selling_partner_id": selling_partner_id,
                "last_error": None,
                "last_error_at": None,
                "updated_at": now,
                "granted_at": now,
            }
            await store.execute(update(connections).where(_t.id == id).values(values))
            return await self._row(store, caller, id)

    async def all(self, caller: Caller, customer: str | None = None) -> list[Connection]:
        """Return the organization's connections, or one customer's, the oldest first."""
        mine = select(*_COLUMNS).where(_t.organization_id == caller.organization_id, _t.status != "disconnected")
        if customer is not None:
            mine = mine.where(_t.customer == customer)
        async with self._database.reading() as store:
            rows = await store.execute(mine.order_by(_t.created_at, _t.id))
        return [Connection(**row) for row in rows.mappings()]

    async def get(self, caller: Caller, id: str) -> Connection:
        """Return one connection.

        Raises:
            NotFound: the organization has none with this id. Another's is no different from none.
        """
        async with self._database.reading() as store:
            return await self._row(store, caller, id)

    async def delete(self, caller: Caller, id: str) -> None:
        """Disconnect: erase the grant and what came with it, but not the names. The owner's consent at Amazon stands.

        Raises:
            NotFound: the organization has none with this id.
        """
        async with self._database.writing() as store:
            await self._row(store, caller, id)
            values: dict[str, Any] = {
                "sealed_grant": None,
                "sealed_client_secret": None,
                "lwa_client_id": None,
                "selling_partner_id": None,
                "replication_config": {},
                "status": "disconnected",
                "updated_at": self._clock(),
            }
            await store.execute(update(connections).where(_t.id == id).values(values))

    async def open(self, caller: Caller, id: str) -> Opened:
        """Return a connection with its grant: for the hub alone.

        Raises:
            NotFound: the organization has none with this id.
            VaultError: the grant does not open.
        """
        mine = (_t.id == id) & (_t.organization_id == caller.organization_id) & (_t.status != "disconnected")
        async with self._database.reading() as store:
            row = (await store.execute(select(connections).where(mine))).mappings().first()
        if row is None or row["sealed_grant"] is None:
            raise _unknown(id)
        connection = Connection(**{name: row[name] for name in row if name not in _SEALED})
        grant = self._vault.open(row["sealed_grant"], _place(id, "grant", caller.organization_id))
        if row["sealed_client_secret"] is None:
            assert connection.application_id is not None
            client = await self._applications.lwa_client(caller.organization_id, connection.application_id)
        else:
            place = _place(id, "client_secret", caller.organization_id)
            client = LwaClient(row["lwa_client_id"], self._vault.open(row["sealed_client_secret"], place).decode())
        return Opened(connection, client, grant.decode(), row["sealed_grant"])

    async def mark_revoked(self, opened: Opened) -> bool:
        """Note that the owner has to consent again; False if a new grant arrived while the old one was tried."""
        now = self._clock()
        same_grant = (_t.id == opened.connection.id) & (_t.sealed_grant == opened.sealed_grant)
        values = {"status": "needs_consent", "last_error": "grant_revoked", "last_error_at": now, "updated_at": now}
        async with self._database.writing() as store:
            return (await store.execute(update(connections).where(same_grant).values(values))).rowcount == 1

    async def replace_grant(self, opened: Opened, refresh_token: str) -> None:
        """Store the refresh token that Amazon gave in place of the one used; a newer consent's comes first.

        Amazon's old tokens go on working, so that one that cannot be stored must not spoil the call that it came with.
        """
        id, organization_id = opened.connection.id, opened.connection.organization_id
        sealed = self._vault.seal(refresh_token.encode(), _place(id, "grant", organization_id))
        same_grant = (_t.id == id) & (_t.sealed_grant == opened.sealed_grant)
        try:
            async with self._database.writing() as store:
                await store.execute(update(connections).where(same_grant).values(sealed_grant=sealed))
        except StoreError as failure:
            log.error("a new refresh token could not be stored: %s", failure, extra={"connection": id})

    async def note(self, opened: Opened, error: str | None) -> None:
        """Write down how a call went; that it cannot be written must not spoil the call."""
        was, now = opened.connection, self._clock()
        values: dict[str, float | str | None]
        if error is None:
            stale = was.last_error is not None or now - (was.last_success_at or 0.0) >= NOTE_EVERY_S
            values = {"last_success_at": now, "last_error": None, "last_error_at": None}
        else:
            stale = was.last_error != error or now - (was.last_error_at or 0.0) >= NOTE_EVERY_S
            values = {"last_error": error, "last_error_at": now}
        if not stale:
            return
        same_grant = (_t.id == was.id) & (_t.sealed_grant == opened.sealed_grant)
        try:
            async with self._database.writing() as store:
                await store.execute(update(connections).where(same_grant).values(values))
        except StoreError as failure:
            log.warning("the outcome of a call could not be noted: %s", failure, extra={"connection": was.id})

    async def _row(self, store: AsyncConnection, caller: Caller, id: str) -> Connection:
        mine = (_t.id == id) & (_t.organization_id == caller.organization_id) & (_t.status != "disconnected")
        row = (await store.execute(select(*_COLUMNS).where(mine))).mappings().first()
        if row is None:
            raise _unknown(id)
        return Connection(**row)


def _place(id: str, secret: str, organization_id: str) -> tuple[str, ...]:
    return ("connections", id, secret, organization_id)


def _unknown(id: str) -> NotFound:
    return NotFound(f"no connection {id!r}")
