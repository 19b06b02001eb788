"""An organization's own Amazon developer applications, with their secrets sealed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sellerport.errors import CallerError, Conflict, InvalidArguments, NotFound, Problem
from sellerport.oauth import LwaClient
from sellerport.server.hub.changes import Changes
from sellerport.server.hub.mint import Mint
from sellerport.server.hub.records import OPERATOR, SERVER, Application, Caller, Platform, required
from sellerport.server.hub.sealed import seal, unseal
from sellerport.server.store import Database, applications, connections, consents
from sellerport.server.vault import Vault

DEFAULT_NAME = "default"

PREVIOUS_SECRET_S = 7 * 86_400.0
"""How long Amazon accepts a client secret after it was rotated."""

TELL_AGAIN_S = 86_400.0

_t = applications.c
_COLUMNS = [_t[it.name] for it in fields(Application)]

PREFIX = "application."
JOINED = [
    column.label(PREFIX + column.name)
    for column in (
        _t.organization_id,
        _t.lwa_client_id,
        _t.sealed_key,
        _t.sealed_secret,
        _t.sealed_previous_secret,
        _t.previous_secret_until,
    )
]
"""What it takes to be an application at Login with Amazon, for a query that joins it to something."""


class Applications:
    """The applications through which accounts are reached."""

    def __init__(
        self, database: Database, vault: Vault, changes: Changes, mint: Mint, clock: Callable[[], float]
    ) -> None:
        self._database = database
        self._changes = changes
        self._vault = vault
        self._mint = mint
        self._clock = clock

    async def register(
        self,
        organization_id: str,
        *,
        lwa_client_id: str,
        lwa_client_secret: str,
        application_id: str | None = None,
        platform: Platform = "seller-partner",
        name: str = DEFAULT_NAME,
        draft: bool = False,
        actor: str = OPERATOR,
    ) -> Application:
        """Register an application.

        Args:
            organization_id: whose.
            lwa_client_id, lwa_client_secret: what Login with Amazon knows it by.
            application_id: ``amzn1.sp.solution.…``; consent needs it, grants that exist already do not.
            platform: which of Amazon's APIs it is for.
            name: tells an organization's applications apart.
            draft: whether Amazon has it as a draft still.
            actor: who does it.

        Raises:
            Conflict: the organization has one of this name.
            InvalidArguments: lists every problem.
        """
        required(name=name, lwa_client_id=lwa_client_id, lwa_client_secret=lwa_client_secret)
        _tell_ids_apart(lwa_client_id, application_id)
        made = Application(
            id=self._mint.id(),
            organization_id=organization_id,
            platform=platform,
            name=name,
            lwa_client_id=lwa_client_id,
            application_id=application_id,
            draft=draft,
            created_at=self._clock(),
            updated_at=self._clock(),
        )
        sealed = await seal(self._vault, applications, vars(made), sealed_secret=lwa_client_secret)
        try:
            async with self._changes.writing(organization_id) as store:
                values = {**vars(made), **sealed, "secret_changed_at": made.created_at}
                await store.execute(insert(applications).values(values))
                await self._changes.note(store, organization_id, "application.registered", made.id, actor)
        except Conflict:
            raise Conflict(f"there is a {platform} application {name!r} already") from None
        return made

    async def all(self, organization_id: str) -> list[Application]:
        """Return an organization's applications, by platform and name."""
        mine = select(*_COLUMNS).where(_t.organization_id == organization_id).order_by(_t.platform, _t.name)
        async with self._database.reading() as store:
            rows = await store.execute(mine)
        return [Application(**row) for row in rows.mappings()]

    async def find(
        self, organization_id: str, name: str | None = None, platform: Platform = "seller-partner"
    ) -> Application:
        """Return the application of this name; without a name, the only one, or the one named ``default``.

        Raises:
            NotFound: there is none of this name.
            CallerError: there is none at all, or it is not clear which is meant; says what to do.
        """
        known = {it.name: it for it in await self.all(organization_id) if it.platform == platform}
        if name is not None:
            if name not in known:
                raise NotFound(f"no {platform} application {name!r}")
            return known[name]
        if not known:
            raise CallerError(
                "No organization-specific source template configured for this connector type. "
                f"Register the organization's {platform} application first."
            )
        if len(known) > 1 and DEFAULT_NAME not in known:
            raise CallerError(f"several {platform} applications: name one of {', '.join(known)}")
        return known[DEFAULT_NAME] if DEFAULT_NAME in known else next(iter(known.values()))

    async def for_tenant(self, organization_id: str) -> Application:
        """Return what sellers of a tenant of the gateway consent to: its own, or the one that is shared.

        Raises:
            CallerError: there is neither, or it is not clear which one is meant; says what to do.
        """
        if any(it.platform == "seller-partner" for it in await self.all(organization_id)):
            return await self.find(organization_id)
        shared = select(*_COLUMNS).where(_t.shared, _t.platform == "seller-partner").order_by(_t.created_at.desc())
        async with self._database.reading() as store:
            row = (await store.execute(shared)).mappings().first()
        if row is None:
            raise CallerError("no Amazon application is registered for this tenant, and none is shared")
        return Application(**row)

    async def share(self, organization_id: str, id: str, *, shared: bool = True) -> None:
        """Let tenants of the gateway that have no application use this one, or let them no longer.

        Raises:
            NotFound: the organization has no such application.
        """
        mine = (_t.organization_id == organization_id) & (_t.id == id)
        async with self._changes.writing(organization_id) as store:
            if (await store.execute(update(applications).where(mine).values(shared=shared))).rowcount == 0:
                raise _unknown(id)
            action = "application.shared" if shared else "application.unshared"
            await self._changes.note(store, organization_id, action, id, OPERATOR)

    async def get(self, organization_id: str, id: str) -> Application:
        """Return the application with this id: the organization's, or one that is shared.

        Raises:
            NotFound: the organization has none.
        """
        mine = select(*_COLUMNS).where(usable_by(organization_id), _t.id == id)
        async with self._database.reading() as store:
            row = (await store.execute(mine)).mappings().first()
        if row is None:
            raise _unknown(id)
        return Application(**row)

    async def replace_secret(
        self,
        organization_id: str,
        id: str,
        lwa_client_secret: str,
        *,
        changed_at: float | None = None,
        previous_until: float | None = None,
        actor: str = OPERATOR,
    ) -> None:
        """Store the secret that Amazon gave in place of the old one. Grants stay as they are.

        The secret that is there already, or one older than it, changes nothing.

        Args:
            organization_id, id: whose application, and which.
            lwa_client_secret: the new secret.
            changed_at: when Amazon made it, in seconds since the epoch; now if not given.
            previous_until: until when Amazon accepts the old one too, in seconds since the epoch; a week if not given.
            actor: who does it.

        Raises:
            NotFound: the organization has no such application.
        """
        required(lwa_client_secret=lwa_client_secret)
        now = self._clock()
        mine = (_t.organization_id == organization_id) & (_t.id == id)
        async with self._database.reading() as store:
            row = (await store.execute(select(applications).where(mine))).mappings().first()
        if row is None:
            raise _unknown(id)
        before = (await unseal(self._vault, applications, row, "sealed_secret"))["sealed_secret"]
        if before == lwa_client_secret or (changed_at is not None and changed_at < (row["secret_changed_at"] or 0.0)):
            return
        sealed = await seal(
            self._vault,
            applications,
            row,
            sealed_secret=lwa_client_secret,
            sealed_previous_secret=before,
        )
        values = {
            **sealed,
            "previous_secret_until": now + PREVIOUS_SECRET_S if previous_until is None else previous_until,
            "secret_changed_at": now if changed_at is None else changed_at,
            "secret_refused_at": None,
            "reminded_days": None,
            "updated_at": now,
        }
        unchanged = mine & (_t.sealed_secret == row["sealed_secret"])
        async with self._changes.writing(organization_id) as store:
            if (await store.execute(update(applications).where(unchanged).values(values))).rowcount == 0:
                raise Conflict("the application's secret was changed at the same moment; look, and try again")
            await self._changes.note(store, organization_id, "application.secret_rotated", id, actor)

    async def configure(
        self,
        caller: Caller,
        platform: Platform,
        *,
        lwa_client_id: str,
        lwa_client_secret: str,
        application_id: str | None = None,
    ) -> Application:
        """Register an organization's application, or replace the one that `find` finds without a name.

        Args:
            caller: whose organization.
            platform: which of Amazon's APIs it is for.
            lwa_client_id, lwa_client_secret, application_id: as `register`'s.

        Raises:
            Conflict: connections use the one that is there, and it is another at Login with Amazon.
            CallerError: it is not clear which one is meant.
            InvalidArguments: lists every problem.
        """
        owner = caller.organization_id
        if not any(it.platform == platform for it in await self.all(owner)):
            return await self.register(
                owner,
                lwa_client_id=lwa_client_id,
                lwa_client_secret=lwa_client_secret,
                application_id=application_id,
                platform=platform,
                actor=caller.actor,
            )
        required(lwa_client_id=lwa_client_id, lwa_client_secret=lwa_client_secret)
        _tell_ids_apart(lwa_client_id, application_id)
        known = await self.find(owner, platform=platform)
        if known.lwa_client_id == lwa_client_id:
            await self.replace_secret(owner, known.id, lwa_client_secret, actor=caller.actor)
            values: dict[str, Any] = {}
        else:
            row = {"id": known.id, "organization_id": owner}
            sealed = await seal(self._vault, applications, row, sealed_secret=lwa_client_secret)
            dated = {"secret_changed_at": self._clock(), "secret_refused_at": None, "reminded_days": None}
            values = {"lwa_client_id": lwa_client_id, **sealed, **dated}
            values |= {"sealed_previous_secret": None, "previous_secret_until": None}
        async with self._changes.writing(owner) as store:
            if values:
                await self._check_unused(store, known.id)
                await store.execute(delete(consents).where(consents.c.application_id == known.id))
            values |= {"application_id": application_id or known.application_id, "updated_at": self._clock()}
            await store.execute(update(applications).where(_t.id == known.id).values(values))
            await self._changes.note(store, owner, "application.configured", known.id, caller.actor)
        return await self.get(owner, known.id)

    async def of_client(self, lwa_client_id: str) -> list[Application]:
        """Return the applications of all organizations that Login with Amazon knows by this id: for the hub alone."""
        async with self._database.reading() as store:
            rows = await store.execute(select(*_COLUMNS).where(_t.lwa_client_id == lwa_client_id))
        return [Application(**row) for row in rows.mappings()]

    async def note_rotation(self, organization_id: str, id: str, actor: str) -> None:
        """Write down that somebody asks Amazon for another secret, before that is done."""
        async with self._changes.writing(organization_id) as store:
            await self._changes.note(store, organization_id, "application.rotation_asked", id, actor)

    async def note_secret_age(self, organization_id: str, id: str, changed_at: float) -> None:
        """Write down when Amazon made the secret that an application has, in seconds since the epoch."""
        mine = (_t.organization_id == organization_id) & (_t.id == id) & (_t.secret_changed_at != changed_at)
        async with self._changes.writing(organization_id) as store:
            done = await store.execute(update(applications).where(mine).values(secret_changed_at=changed_at))
            if done.rowcount == 1:
                facts = {"changed_at": changed_at}
                await self._changes.note(store, organization_id, "application.secret_dated", id, SERVER, **facts)

    async def note_refused_secret(self, organization_id: str, id: str, *, previous_works: bool) -> None:
        """Tell the organization, once a day, that Amazon does not accept an application's secret.

        Args:
            organization_id, id: whose application, and which.
            previous_works: whether Amazon accepts the secret before, so that calls go on.
        """
        now = self._clock()
        mine = (_t.organization_id == organization_id) & (_t.id == id)
        untold = _t.secret_refused_at.is_(None) | (_t.secret_refused_at <= now - TELL_AGAIN_S)
        async with self._changes.writing(organization_id) as store:
            done = await store.execute(update(applications).where(mine & untold).values(secret_refused_at=now))
            if done.rowcount == 1:
                facts = {"previous_works": previous_works}
                await self._changes.note(store, organization_id, "application.secret_refused", id, SERVER, **facts)

    async def remove(self, organization_id: str, id: str, *, actor: str = OPERATOR) -> None:
        """Remove an application and its secret.

        Raises:
            Conflict: connections use it.
            NotFound: the organization has no such application.
        """
        mine = (_t.organization_id == organization_id) & (_t.id == id)
        async with self._changes.writing(organization_id) as store:
            if await store.scalar(select(_t.id).where(mine).with_for_update()) is None:
                raise _unknown(id)
            await self._check_unused(store, id)
            uses = connections.c.application_id == id
            await store.execute(update(connections).where(uses).values(application_id=None))
            await store.execute(delete(consents).where(consents.c.application_id == id))
            await store.execute(delete(applications).where(mine))
            await self._changes.note(store, organization_id, "application.removed", id, actor)

    async def _check_unused(self, store: AsyncConnection, id: str) -> None:
        uses = (connections.c.application_id == id) & (connections.c.status != "disconnected")
        if count := await store.scalar(select(func.count()).select_from(connections).where(uses)):
            raise Conflict(f"{count} connections use this application; delete them first")

    async def lwa_client(self, organization_id: str, id: str) -> LwaClient:
        """Return what Login with Amazon knows the application by: for the hub alone.

        Raises: as `lwa_clients`.
        """
        client, _ = await self.lwa_clients(organization_id, id)
        return client

    async def lwa_clients(self, organization_id: str, id: str) -> tuple[LwaClient, LwaClient | None]:
        """Return that, and the same with the secret before, while Amazon accepts it: for the hub alone.

        Raises:
            NotFound: the organization has no such application.
            VaultError: its secret does not open.
        """
        mine = select(*JOINED).where(usable_by(organization_id), _t.id == id)
        async with self._database.reading() as store:
            row = (await store.execute(mine)).mappings().first()
        if row is None:
            raise _unknown(id)
        return await self.clients_of(id, row)

    async def clients_of(self, id: str, row: RowMapping) -> tuple[LwaClient, LwaClient | None]:
        """Return the same as `lwa_clients`, from a row with the columns `JOINED`.

        Raises: as `lwa_clients`.
        """
        its: dict[str, Any] = {column.name.removeprefix(PREFIX): row[column.name] for column in JOINED}
        if its["sealed_secret"] is None:
            raise _unknown(id)
        its["id"] = id
        opened = await unseal(self._vault, applications, its, "sealed_secret", "sealed_previous_secret")
        previous = opened.get("sealed_previous_secret")
        if previous is not None and (its["previous_secret_until"] or 0.0) <= self._clock():
            previous = None
        name: str = its["lwa_client_id"]
        return LwaClient(name, opened["sealed_secret"]), LwaClient(name, previous) if previous else None


def usable_by(organization_id: str | ColumnElement[str]) -> ColumnElement[bool]:
    """Return which applications an organization's accounts may consent to: its own, and those that are shared."""
    return (_t.organization_id == organization_id) | _t.shared


def _unknown(id: str) -> NotFound:
    return NotFound(f"no application {id!r}")


def _tell_ids_apart(lwa_client_id: str, application_id: str | None) -> None:
    """Refuse the two ids in each other's place: Amazon's consent page would only say that something is wrong."""
    problems = []
    if application_id is not None and application_id.startswith("amzn1.application-oa2-client."):
        problems.append(
            Problem("application_id", "is an LWA client id; the application's own begins amzn1.sp.solution.")
        )
    if lwa_client_id.startswith(("amzn1.sp.solution.", "amzn1.sellerapps.app.")):
        problem = "is an application id; the LWA client id begins amzn1.application-oa2-client."
        problems.append(Problem("lwa_client_id", problem))
    if problems:
        raise InvalidArguments(problems=problems)
