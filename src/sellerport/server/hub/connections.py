"""Connections: Amazon accounts, each with its grant, which is only ever stored sealed."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import fields
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sellerport import regions
from sellerport.errors import Conflict, ConsentError, GrantRevoked, InvalidArguments, NotFound, Problem, StoreError
from sellerport.oauth import LwaClient
from sellerport.regions import Marketplace
from sellerport.server.hub import held, permissions
from sellerport.server.hub.applications import JOINED, Applications, usable_by
from sellerport.server.hub.changes import Changes
from sellerport.server.hub.mint import Mint, digest
from sellerport.server.hub.opened import Opened, Origin
from sellerport.server.hub.profiles import Advertiser, forget, region_of
from sellerport.server.hub.proof import Proof
from sellerport.server.hub.records import OWNER, SERVER, Application, Caller, Connection, Platform, required
from sellerport.server.hub.sealed import field_place, key_place, seal, unseal
from sellerport.server.hub.together import Together
from sellerport.server.store import Database, applications, connections, consents
from sellerport.server.vault import Vault

log = logging.getLogger(__name__)

Alongside = Callable[[AsyncConnection, str], Awaitable[None]]

NOTE_EVERY_S = 60.0
"""A call that goes like the one before is written down this often."""

_t = connections.c
_THERE = (_t.status != "disconnected") & _t.secret_hash.is_(None)  # what is held is not there yet: see `held`
_COLUMNS = [_t[it.name] for it in fields(Connection)]
_NO_TOKEN = {
    "sealed_access_token": None,
    "access_token_issued_at": None,
    "access_token_expires_at": None,
    "lease_owner": None,
    "lease_until": None,
    "refresh_failures": 0,
    "next_refresh_at": None,
}
"""A connection whose grant has just changed."""


class Connections:
    """The accounts that an organization reaches."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        applications: Applications,
        changes: Changes,
        mint: Mint,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._vault = vault
        self._changes = changes
        self._applications = applications
        self._mint = mint
        self._clock = clock
        self._notes = Together(self._note_all)
        self.on_deleted: list[Callable[[str], object]] = []
        """Who remembers something of connections, and is told the id of one that is gone."""

    async def create(
        self,
        caller: Caller,
        *,
        customer: str | None,
        name: str,
        marketplace: Marketplace,
        refresh_token: str,
        through: LwaClient | Application,
        platform: Platform = "seller-partner",
        selling_partner_id: str | None = None,
        replication_config: dict[str, Any] | None = None,
        entities: list[permissions.Entity] | None = None,
        origin: Origin | None = None,
        secret: str | None = None,
        secret_life_s: float = held.LIFE_S,
        held_secret: str | None = None,
        alongside: Alongside | None = None,
    ) -> Connection:
        """Create a connection from a grant. Nothing is sent to Amazon.

        Args:
            caller: whose organization it will belong to.
            customer: the organization's own name for its user; None until somebody says: it is pending then.
            name: what to call the connection.
            marketplace: where the account trades.
            refresh_token: the grant.
            through: what the grant was given to: a registered application, or a Login with Amazon client of its own.
            platform: which of Amazon's APIs the grant is for.
            selling_partner_id: Amazon's id of the account.
            replication_config: kept for the caller, and given back.
            entities: see `permissions`.
            origin: the consent that brought the grant, if one did.
            secret: what has to be shown for the connection, which is not there before (see `held`).
            secret_life_s: how long that may take.
            held_secret: what is needed besides the server's keys, each time the grant is opened.
            alongside: what else happens in the same transaction; it is given the connection's id.

        Raises:
            InvalidArguments: lists every problem.
            ConsentError: the consent came to a connection already.
        """
        required(name=name, **({} if customer is None else {"customer": customer}))
        if not refresh_token.strip():
            raise InvalidArguments(problems=[Problem("refresh_token", "must not be empty")])
        organization_id, id, now = caller.organization_id, self._mint.id(), self._clock()
        secrets, own = {"sealed_grant": refresh_token}, {}
        if isinstance(through, Application):
            own = {"application_id": through.id}
        else:
            own = {"lwa_client_id": through.client_id}
            secrets["sealed_client_secret"] = through.client_secret
        row = {
            "id": id,
            "organization_id": organization_id,
            "customer": customer,
            "name": name,
            "platform": platform,
            "region": marketplace.region,
            "marketplace": marketplace.id,
            "grant_generation": 1,
            "status": "pending" if customer is None else "active",
            "selling_partner_id": selling_partner_id,
            "replication_config": replication_config or {},
            "entities": permissions.checked(platform, entities) if entities else None,
            "client_held": held_secret is not None,
            "created_at": now,
            "updated_at": now,
            "granted_at": now,
            **(origin.columns(now) if origin is not None else {}),
        }
        if secret is not None:
            row |= {"status": "pending", "secret_hash": digest(secret), "secret_until": now + secret_life_s}
        sealed = await seal(self._vault, connections, row, held_secret=held_secret, **secrets)
        actor = caller.actor if origin is None else OWNER
        async with self._changes.writing(organization_id) as store:
            if origin is not None:
                await self._end(store, origin)
            await store.execute(insert(connections).values(**row, **own, **sealed))
            if origin is not None and isinstance(origin.proof, Advertiser):
                await origin.proof.keep(store, id)
            if alongside is not None:
                await alongside(store, id)
            action = "connection.created" if secret is None else "connection.held"  # after rows that others lock too
            await self._changes.note(store, organization_id, action, id, actor, status=row["status"])
            made: dict[str, Any] = {**dict.fromkeys(it.name for it in fields(Connection)), **row, **own}
            return Connection(**{it.name: made[it.name] for it in fields(Connection)})

    async def renew(
        self,
        caller: Caller,
        id: str,
        *,
        application_id: str,
        refresh_token: str,
        selling_partner_id: str | None,
        origin: Origin | None = None,
    ) -> Connection:
        """Give a connection the grant of a new consent, and make it active; the old grant is gone only then.

        Args:
            caller, id: whose connection, and which.
            application_id: of the registered application that the grant was given to.
            refresh_token: the grant.
            selling_partner_id: Amazon's id of the account; advertisers have none.
            origin: the consent that brought the grant.

        Raises:
            ConsentError: the consent was for another account than the connection's, or was used already.
            NotFound: the connection was deleted meanwhile.
        """
        while True:  # sealing may wait for a service, which no transaction should; nor should a newer grant be lost
            generation = await self._generation(caller, id)
            row = {"id": id, "organization_id": caller.organization_id, "grant_generation": generation + 1}
            sealed = await seal(self._vault, connections, row, sealed_grant=refresh_token)
            made = await self._renewed(caller, id, generation, application_id, selling_partner_id, sealed, origin)
            if made is not None:
                return made

    async def _renewed(
        self,
        caller: Caller,
        id: str,
        generation: int,
        application_id: str,
        selling_partner_id: str | None,
        sealed: dict[str, Any],
        origin: Origin | None,
    ) -> Connection | None:
        """Store a new grant in the place of the one of a generation; None if another came first."""
        async with self._changes.writing(caller.organization_id) as store:
            known = await self._row(store, caller, id, lock=True)
            check_account(known, selling_partner_id)
            proof = origin.proof if origin is not None else None
            if isinstance(proof, Advertiser) and not await proof.is_known(store, id):
                raise _another()
            now = self._clock()
            values = {
                "application_id": application_id,
                "lwa_client_id": None,
                "sealed_client_secret": None,
                **sealed,
                "grant_generation": generation + 1,
                "status": "pending" if known.customer is None else "active",
                "selling_partner_id": selling_partner_id,
                "last_error": None,
                "last_error_at": None,
                "updated_at": now,
                "granted_at": now,
                "reminded_days": None,
                **_NO_TOKEN,
                **(origin.columns(now) if origin is not None else {}),
            }
            same_grant = (_t.id == id) & (_t.grant_generation == generation)
            if (await store.execute(update(connections).where(same_grant).values(values))).rowcount == 0:
                return None
            if origin is not None:
                await self._end(store, origin)
            if isinstance(proof, Advertiser):
                await self._keep(store, known, proof)
            await self._changes.note(store, caller.organization_id, f"connection.{values['status']}", id, OWNER)
            return await self._row(store, caller, id)

    async def _end(self, store: AsyncConnection, origin: Origin) -> None:
        """Note that a consent came to a connection, which it does once."""
        open = (consents.c.id == origin.consent_id) & consents.c.ended_at.is_(None)
        if (await store.execute(update(consents).where(open).values(ended_at=self._clock()))).rowcount == 0:
            raise ConsentError("this consent came to a connection already")

    async def _keep(self, store: AsyncConnection, known: Connection, found: Advertiser) -> None:
        """Keep an advertiser's profiles, and where calls go that name none."""
        place = found.home(regions.marketplace(known.marketplace))
        values = {**found.columns(), "region": place.region, "marketplace": place.id}
        await store.execute(update(connections).where(_t.id == known.id).values(values))
        await found.keep(store, known.id)

    async def note_profiles(self, opened: Opened, found: Advertiser) -> None:
        """Keep the profiles that were found between two consents."""
        was = opened.connection
        same_grant = (_t.id == was.id) & (_t.grant_generation == opened.generation) & (_t.status == "active")
        async with self._database.writing() as store:
            if await store.scalar(select(_t.id).where(same_grant).with_for_update()) is not None:
                await self._keep(store, was, found)

    async def region_of_profile(self, id: str, profile_id: str) -> str | None:
        """Return the region of one of a connection's advertising profiles; None if it has no such: for the hub alone.

        Raises:
            StoreError: the database cannot be read.
        """
        async with self._database.reading() as store:
            return await region_of(store, id, profile_id)

    async def known(
        self, caller: Caller, application_id: str, selling_partner_id: str, region: str, proof: Proof
    ) -> str | None:
        """Return the id of the connection of an account that Amazon's own word makes known again.

        Its selling partner id alone is no proof: everybody can read it in Amazon's shop, and say it. Of several, the
        one whose grant is the oldest is meant.
        """
        same = (_t.application_id == application_id) & (_t.selling_partner_id == selling_partner_id)
        mine = (_t.organization_id == caller.organization_id) & (_t.region == region) & _THERE
        mine &= _t.client_held.is_(False)  # nobody has the secret that would seal a new grant
        async with self._database.reading() as store:
            rows = await store.execute(select(_t.id, _t.stores).where(same & mine).order_by(_t.granted_at, _t.id))
            return next((row.id for row in rows if proof.knows(row.stores)), None)

    async def claim(self, caller: Caller, id: str, customer: str, *, renews: str | None = None) -> Connection:
        """Say whose a pending connection is; from then on it may be called.

        Args:
            caller, id: whose connection, and which.
            customer: the organization's own name for its user.
            renews: a connection of the same customer and account that gets the pending one's grant, and takes its
                place: for accounts that Amazon does not make known again (see `known`).

        Raises:
            NotFound: the organization has none with this id, or the customer none to renew.
            Conflict: it has a customer already, or is in another region than the one to renew.
            ConsentError: the one to renew is another account's.
        """
        required(customer=customer)
        if renews is not None:
            return await self._take_over(caller, id, customer, renews)
        async with self._changes.writing(caller.organization_id) as store:
            if (await self._row(store, caller, id, lock=True)).status != "pending":
                raise Conflict(f"connection {id} has a customer already")
            values = {"customer": customer, "status": "active", "updated_at": self._clock()}
            await store.execute(update(connections).where(_t.id == id).values(values))
            await self._changes.note(store, caller.organization_id, "connection.active", id, caller.actor)
            return await self._row(store, caller, id)

    async def _take_over(self, caller: Caller, id: str, customer: str, renewed: str) -> Connection:
        """Give a pending connection's grant to another one, and delete it; again if that was interrupted."""
        pending, known = await self.open(caller, id), await self.get(caller, renewed)
        if pending.connection.status != "pending":
            raise Conflict(f"connection {id} has a customer already")
        if known.customer != customer:
            raise NotFound(f"no connection {renewed!r} of this customer")
        if known.region != pending.connection.region:
            raise Conflict(f"connection {renewed} is in region {known.region!r}; a grant is good in one region only")
        account, application = pending.connection.selling_partner_id, pending.connection.application_id
        assert account is not None, "who began at Amazon named an account"
        assert application is not None, "and an application"
        made = await self.renew(
            caller,
            renewed,
            application_id=application,
            refresh_token=pending.refresh_token,
            selling_partner_id=account,
        )
        await self.delete(caller, id)
        return made

    async def all(self, caller: Caller, customer: str | None = None) -> list[Connection]:
        """Return the organization's connections, or one customer's, the oldest first."""
        mine = select(*_COLUMNS).where(_is_of(caller))
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

    async def change(
        self,
        caller: Caller,
        id: str,
        *,
        name: str | None = None,
        replication_config: dict[str, Any] | None = None,
        entities: list[permissions.Entity] | None = None,
    ) -> Connection:
        """Change what a connection is called, what is kept with it, and what may be written; None leaves it.

        Raises:
            NotFound: the organization has none with this id.
            InvalidArguments: lists every problem.
        """
        required(**({} if name is None else {"name": name}))
        async with self._changes.writing(caller.organization_id) as store:
            known = await self._row(store, caller, id, lock=True)
            values: dict[str, Any] = {"updated_at": self._clock()}
            values |= {"name": name} if name is not None else {}
            values |= {"replication_config": replication_config} if replication_config is not None else {}
            if entities is not None:
                values["entities"] = permissions.checked(known.platform, entities) or None
            await store.execute(update(connections).where(_t.id == id).values(values))
            await self._changes.note(store, caller.organization_id, "connection.changed", id, caller.actor)
            return await self._row(store, caller, id)

    async def delete(self, caller: Caller, id: str) -> None:
        """Disconnect: erase the grant and what came with it, but not the names. The owner's consent at Amazon stands.

        Raises:
            NotFound: the organization has none with this id.
        """
        async with self._changes.writing(caller.organization_id) as store:
            await self.erase(store, caller, id)
            await self._changes.note(store, caller.organization_id, "connection.disconnected", id, caller.actor)
        self.forget(id)

    async def erase(self, store: AsyncConnection, caller: Caller, id: str) -> None:
        """Do what `delete` does in a transaction that notes it, and after which `forget` is called."""
        await self._row(store, caller, id, lock=True)
        values: dict[str, Any] = {
            **_NO_TOKEN,
            # without its data key, what backups and logs have of the rest does not open any more
            **{column.name: None for column in _t if column.name.startswith("sealed_")},
            "lwa_client_id": None,
            "selling_partner_id": None,
            "stores": None,
            "marketplaces": None,
            "profiles": None,
            "profile_id": None,
            "replication_config": {},
            "status": "disconnected",
            "updated_at": self._clock(),
        }
        await store.execute(update(connections).where(_t.id == id).values(values))
        await forget(store, id)

    def forget(self, id: str) -> None:
        """Tell whoever remembers something of a connection that it is gone."""
        for told in self.on_deleted:
            told(id)

    async def open(self, caller: Caller, id: str, held_secret: str | None = None) -> Opened:
        """Return a connection with its grant: for the hub alone.

        Args:
            caller, id: whose connection, and which.
            held_secret: what its owner holds, where the grant needs it.

        Raises:
            NotFound: the organization has none with this id.
            WrongSecret: its owner's secret is needed, and this is not it.
            VaultError: the grant does not open.
        """
        async with self._database.reading() as store:
            row = (await store.execute(_OPEN, {"it": id, "owner": caller.organization_id})).mappings().first()
        if row is None or row["sealed_grant"] is None or caller.customer not in (None, row["customer"]):
            raise _unknown(id)
        return await self.opened(row, held_secret)

    async def opened(self, row: RowMapping, held_secret: str | None = None) -> Opened:
        """Return the connection of a whole row (see `whole`) with its grant: for the hub alone.

        Raises:
            WrongSecret, VaultError: the grant does not open.
        """
        connection = Connection(**{column.name: row[column.name] for column in _COLUMNS})
        wanted = ("sealed_grant", "sealed_client_secret")
        secrets = await unseal(self._vault, connections, row, *wanted, held_secret=held_secret)
        previous = None
        if "sealed_client_secret" in secrets:
            client = LwaClient(row["lwa_client_id"], secrets["sealed_client_secret"])
        else:
            assert connection.application_id is not None
            client, previous = await self._applications.clients_of(connection.application_id, row)
        return Opened(connection, client, secrets["sealed_grant"], row["grant_generation"], row, previous, held_secret)

    async def access_token(self, row: RowMapping, held_secret: str | None = None) -> str:
        """Return the access token of a whole row that has one: for the hub alone.

        Raises:
            WrongSecret, VaultError: it does not open.
        """
        name = "sealed_access_token"
        return (await unseal(self._vault, connections, row, name, held_secret=held_secret))[name]

    async def sealer(self, opened: Opened) -> Callable[[str, str | None], dict[str, Any]]:
        """Return what makes, of new tokens, the columns by which a connection has them; it waits for nothing.

        It takes the access token, and what takes the grant's place (RFC 6749 §6), if anything does.

        Raises:
            VaultError: nothing can be sealed for now.
        """
        row = dict(opened.row)
        place, first = key_place(connections, row), row["sealed_key"] is None  # format 1 has no data key
        if first:
            key = await self._vault.new_key(place)
        else:
            key = await self._vault.open_key(row["sealed_key"], place, held_secret=opened.held_secret)

        def seal_tokens(access_token: str, refresh_token: str | None) -> dict[str, Any]:
            columns: dict[str, Any] = {"sealed_key": key.sealed} if first else {}
            secrets = {"sealed_access_token": access_token}
            if refresh_token is not None:
                columns["grant_generation"] = opened.generation + 1
            if first or refresh_token is not None:
                secrets["sealed_grant"] = refresh_token or opened.refresh_token
                if row["sealed_client_secret"] is not None:
                    secrets["sealed_client_secret"] = opened.client.client_secret
            there = row | columns
            sealed = {
                name: key.seal(it.encode(), field_place(connections, there, name)) for name, it in secrets.items()
            }
            return columns | sealed

        return seal_tokens

    async def mark_revoked(self, opened: Opened) -> bool:
        """Note that the owner has to consent again; False if a new grant arrived while the old one was tried."""
        now, id = self._clock(), opened.connection.id
        same_grant = (_t.id == id) & (_t.grant_generation == opened.generation) & (_t.status == "active")
        values = {
            "status": "needs_consent",
            "last_error": "grant_revoked",
            "last_error_at": now,
            "updated_at": now,
            **_NO_TOKEN,
        }
        organization_id = opened.connection.organization_id
        async with self._changes.writing(organization_id) as store:
            done = await store.execute(update(connections).where(same_grant).values(values))
            if done.rowcount == 1:
                await self._changes.note(store, organization_id, "connection.needs_consent", id, SERVER)
        return done.rowcount == 1

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
        try:
            await self._notes({"row": was.id, "generation": opened.generation, **values})
        except StoreError as failure:
            log.warning("the outcome of a call could not be noted: %s", failure, extra={"connection": was.id})

    async def _note_all(self, notes: list[dict[str, Any]]) -> list[None]:
        same_grant = (_t.id == bindparam("row")) & (_t.grant_generation == bindparam("generation"))
        good = [note for note in notes if "last_success_at" in note]
        bad = [note for note in notes if "last_success_at" not in note]
        those = select(_t.id).where(_t.id.in_({note["row"] for note in notes})).order_by(_t.id)
        async with self._database.writing() as store:
            await store.execute(those.with_for_update())  # in the order in which others do
            for alike in filter(None, (good, bad)):
                await store.execute(update(connections).where(same_grant), alike)
        return [None] * len(notes)

    async def _generation(self, caller: Caller, id: str) -> int:
        async with self._database.reading() as store:
            await self._row(store, caller, id)
            mine = (_t.id == id) & _t.client_held.is_(False)
            generation: int | None = await store.scalar(select(_t.grant_generation).where(mine))
        if generation is None:  # what is sealed without its owner's secret would not open with it
            raise _unknown(id)
        return generation

    async def _row(self, store: AsyncConnection, caller: Caller, id: str, *, lock: bool = False) -> Connection:
        mine = (_t.id == id) & _is_of(caller)
        wanted = select(*_COLUMNS).where(mine)
        row = (await store.execute(wanted.with_for_update() if lock else wanted)).mappings().first()
        if row is None:
            raise _unknown(id)
        return Connection(**row)


def whole(*columns: ColumnElement[Any]) -> Select[Any]:
    """Return a query for connections with all that it takes to open them, and what else is wanted."""
    its = (applications.c.id == _t.application_id) & usable_by(_t.organization_id)
    return select(connections, *JOINED, *columns).select_from(connections.outerjoin(applications, its))


_OPEN = whole().where(_t.id == bindparam("it"), _t.organization_id == bindparam("owner"), _THERE)
"""Made once, as it has forty columns and is run with every call."""


def _is_of(caller: Caller) -> ColumnElement[bool]:
    mine = (_t.organization_id == caller.organization_id) & _THERE
    return mine if caller.customer is None else mine & (_t.customer == caller.customer)


def consent_again(connection_id: str) -> GrantRevoked:
    """Return what is raised for a connection whose grant is over; it says what to do."""
    return GrantRevoked(
        f"the grant of connection {connection_id} no longer stands: the account's owner has to consent again; "
        "start the consent flow with this connector_id"
    )


def check_account(connection: Connection, selling_partner_id: str | None) -> None:
    """Refuse another account than the connection's.

    Raises:
        ConsentError: says so.
    """
    if connection.selling_partner_id not in (None, selling_partner_id):
        raise _another()


def _another() -> ConsentError:
    return ConsentError(
        "consent was given for another Amazon account than this connection's; sign in to the right one, "
        "or make a new connection for this one",
        reason="account_mismatch",
    )


def _unknown(id: str) -> NotFound:
    return NotFound(f"no connection {id!r}")
