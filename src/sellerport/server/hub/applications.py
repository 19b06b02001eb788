"""An organization's own Amazon developer applications, with their secrets sealed."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import delete, func, insert, select, update

from sellerport.errors import CallerError, Conflict, InvalidArguments, NotFound, Problem
from sellerport.oauth import LwaClient
from sellerport.server.hub.mint import Mint
from sellerport.server.hub.records import Application, Platform, required
from sellerport.server.store import Database, applications, connections, consents
from sellerport.server.vault import Vault

DEFAULT_NAME = "default"

_t = applications.c
_COLUMNS = [column for column in _t if column.name != "sealed_secret"]


class Applications:
    """The applications through which accounts are reached."""

    def __init__(self, database: Database, vault: Vault, mint: Mint, clock: Callable[[], float]) -> None:
        self._database = database
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
    ) -> Application:
        """Register an application.

        Args:
            organization_id: whose.
            lwa_client_id, lwa_client_secret: what Login with Amazon knows it by.
            application_id: ``amzn1.sp.solution.…``; consent needs it, grants that exist already do not.
            platform: which of Amazon's APIs it is for.
            name: tells an organization's applications apart.
            draft: whether Amazon has it as a draft still.

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
        sealed = self._vault.seal(lwa_client_secret.encode(), _place(made.id, organization_id))
        try:
            async with self._database.writing() as store:
                await store.execute(insert(applications).values(**vars(made), sealed_secret=sealed))
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

    async def get(self, organization_id: str, id: str) -> Application:
        """Return the application with this id.

        Raises:
            NotFound: the organization has none.
        """
        mine = select(*_COLUMNS).where(_t.organization_id == organization_id, _t.id == id)
        async with self._database.reading() as store:
            row = (await store.execute(mine)).mappings().first()
        if row is None:
            raise NotFound(f"no application {id!r}")
        return Application(**row)

    async def replace_secret(self, organization_id: str, id: str, lwa_client_secret: str) -> None:
        """Store the secret that Amazon gave in place of the old one. Grants stay as they are.

        Raises:
            NotFound: the organization has no such application.
        """
        required(lwa_client_secret=lwa_client_secret)
        sealed = self._vault.seal(lwa_client_secret.encode(), _place(id, organization_id))
        mine = (_t.organization_id == organization_id) & (_t.id == id)
        async with self._database.writing() as store:
            values = {"sealed_secret": sealed, "updated_at": self._clock()}
            if (await store.execute(update(applications).where(mine).values(values))).rowcount == 0:
                raise NotFound(f"no application {id!r}")

    async def remove(self, organization_id: str, id: str) -> None:
        """Remove an application and its secret.

        Raises:
            Conflict: connections use it.
            NotFound: the organization has no such application.
        """
        mine = (_t.organization_id == organization_id) & (_t.id == id)
        uses = connections.c.application_id == id
        live = select(func.count()).select_from(connections).where(uses, connections.c.status != "disconnected")
        async with self._database.writing() as store:
            if await store.scalar(select(_t.id).where(mine)) is None:
                raise NotFound(f"no application {id!r}")
            if count := await store.scalar(live):
                raise Conflict(f"{count} connections use this application; delete them first")
            await store.execute(update(connections).where(uses).values(application_id=None))
            await store.execute(delete(consents).where(consents.c.application_id == id))
            await store.execute(delete(applications).where(mine))

    async def lwa_client(self, organization_id: str, id: str) -> LwaClient:
        """Return what Login with Amazon knows an application by: for the hub alone.

        Raises:
            NotFound: the organization has no such application.
            VaultError: its secret does not open.
        """
        mine = select(_t.lwa_client_id, _t.sealed_secret).where(_t.organization_id == organization_id, _t.id == id)
        async with self._database.reading() as store:
            row = (await store.execute(mine)).first()
        if row is None:
            raise NotFound(f"no application {id!r}")
        return LwaClient(row.lwa_client_id, self._vault.open(row.sealed_secret, _place(id, organization_id)).decode())


def _place(id: str, organization_id: str) -> tuple[str, ...]:
    return ("applications", id, "secret", organization_id)


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
