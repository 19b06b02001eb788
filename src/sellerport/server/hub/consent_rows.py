"""The rows of consents under way: who began them, which browser goes on with them, and that each is used once.

Two doors begin consents, and each ends at an address of its own: `consents` those of the connector API, and
`registrations` those of the gateway, whose rows have a tenant's state. An answer of Amazon's that comes to the other
one's address belongs to nothing there (RFC 9700 §4.4).

State, link and cookie are secrets, stored as hashes. An answer from another browser than the one that started uses
nothing up (RFC 6749 §10.12, RFC 9700 §4.7).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sellerport.errors import ConsentError, TooManyRequests
from sellerport.server.hub.changes import Changes
from sellerport.server.hub.consent_failures import used
from sellerport.server.hub.mint import Mint, digest, same
from sellerport.server.store import Database, applications, connections, consents, organizations

LIFE_S = 600
LONGEST_S = 1800
"""Starting again begins a consent's ten minutes anew, but not past this time after it was made."""

FORGET_AFTER_S = 86_400
KEEP_S = 30 * 86_400
"""A consent that came to a code is kept longer: a journal may hold its grant."""

Row = Mapping[str, Any]

_t = consents.c

OF_CONNECTORS = _t.tenant_state.is_(None)
OF_GATEWAY = _t.tenant_state.is_not(None)


class ConsentRows:
    """The rows of the table ``consents``."""

    def __init__(
        self, database: Database, changes: Changes, *, public_url: str, mint: Mint, clock: Callable[[], float]
    ) -> None:
        self._database = database
        self._changes = changes
        self._public_url = public_url
        self._mint = mint
        self._clock = clock
        self.secure = public_url.startswith("https://")

    @property
    def callback_urls(self) -> tuple[str, str]:
        """Where Amazon sends browsers back to: those of the connector API's consents, and those of the gateway's."""
        return f"{self._public_url}/oauth/callback", f"{self._public_url}/auth/redirect"

    def callback_url(self, row: Row | None = None) -> str:
        """Return where Amazon sends the browsers of a consent back to, or those of the connector API's."""
        connector, gateway = self.callback_urls
        return gateway if row is not None and row.get("tenant_state") is not None else connector

    def cookie(self, consent_id: str) -> str:
        """Return the name of a consent's cookie: one for each, so that two tabs do not overwrite each other's."""
        return self._prefix + consent_id[:8]

    async def find(self, store: AsyncConnection, which: ColumnElement[bool], *, lock: bool = False) -> Row | None:
        """Return a consent with what it is about; locked, nobody else changes it until the transaction ends."""
        about = (
            organizations.c.name.label("organization"),
            applications.c.application_id.label("amazon_application_id"),
            applications.c.lwa_client_id,
            applications.c.platform,
            applications.c.draft,
            connections.c.selling_partner_id.label("renewed_partner_id"),
        )
        wanted = (
            select(consents, *about)
            .join(organizations, organizations.c.id == _t.organization_id)
            .join(applications, applications.c.id == _t.application_id)
            .outerjoin(connections, connections.c.id == _t.connection_id)
            .where(which)
            .order_by(_t.created_at.desc())
        )
        found = await store.execute(wanted.with_for_update(of=consents) if lock else wanted)
        row = found.mappings().first()
        return None if row is None else dict(row)

    async def find_open(self, store: AsyncConnection, application_id: str, cookies: Mapping[str, str]) -> Row | None:
        """Return the newest open consent of an application that this browser holds the cookie of, locked."""
        held = [digest(value) for name, value in cookies.items() if name.startswith(self._prefix)]
        mine = (_t.application_id == application_id) & _t.browser_hash.in_(held)
        return await self.find(store, mine & self._is_open(), lock=True)

    async def check_room(self, store: AsyncConnection, which: ColumnElement[bool], most: int, message: str) -> None:
        """Bound what strangers leave behind: anybody may begin some consents, also from many addresses.

        Raises:
            TooManyRequests: there are as many open ones as there may be.
        """
        count = select(func.count()).select_from(consents).where(which & self._is_open())
        if (await store.scalar(count) or 0) >= most:
            raise TooManyRequests(message, retry_after=LIFE_S)

    async def insert(
        self, store: AsyncConnection, row: Row, actor: str, *, link: str | None = None
    ) -> tuple[dict[str, Any], str]:
        """Begin a consent; return it, and the secret of its link: the one that is given, or a new one."""
        now, link = self._clock(), link or self._mint.secret("")
        unused = (_t.expires_at < now - FORGET_AFTER_S) & _t.used_at.is_(None)
        old = select(_t.id).where(or_(unused, _t.expires_at < now - KEEP_S))  # anybody's, who may be deleting them too
        await store.execute(delete(consents).where(_t.id.in_(old.with_for_update(skip_locked=True))))
        made = {"id": self._mint.id(), **row, "link_hash": digest(link), "created_at": now, "expires_at": now + LIFE_S}
        await store.execute(insert(consents).values(made))
        await self._changes.note(store, row["organization_id"], "consent.begun", made["id"], actor)
        return made, link

    async def bind(self, store: AsyncConnection, row: Row, browser: str, **more: str | None) -> str:
        """Bind a consent to a browser, by its cookie's value; return the new state."""
        state = self._mint.secret("")
        values = {
            "state_hash": digest(state),
            "browser_hash": digest(browser),
            "expires_at": min(self._clock() + LIFE_S, row["created_at"] + LONGEST_S),
            **more,
        }
        await store.execute(update(consents).where(_t.id == row["id"]).values(values))
        return state

    async def claim(self, state: str, cookies: Mapping[str, str], whose: ColumnElement[bool]) -> Row:
        """Use up a state; of any number of answers with the same one, exactly one gets past here.

        Args:
            state: from Amazon's answer.
            cookies: of the browser that brought it.
            whose: `OF_CONNECTORS` or `OF_GATEWAY`, as the address has it that the browser came to.

        Raises:
            ConsentError: the state is unknown, used or expired, or belongs to another browser.
            StoreError: the database cannot be written; nothing was used up.
        """
        async with self._database.writing() as store:
            row = await self.find(store, (_t.state_hash == digest(state)) & whose, lock=True)
            if row is None:
                raise ConsentError("this answer belongs to no consent that was started here; start again")
            if not self.is_of(row, cookies):
                raise ConsentError(
                    "this browser did not start the consent: its cookie is missing, or another's; start again here"
                )
            self.check_open(row)
            now = self._clock()
            await store.execute(update(consents).where(_t.id == row["id"]).values(used_at=now))
            if row["pushed_id"] is not None:  # of the browsers that came with it, the first to come back ends it
                pushed = (_t.id == row["pushed_id"]) & _t.used_at.is_(None)
                values = {"used_at": now, "sealed_key": None, "sealed_secret": None}
                if (await store.execute(update(consents).where(pushed).values(values))).rowcount == 0:
                    raise used()
        return row

    def is_of(self, row: Row, cookies: Mapping[str, str]) -> bool:
        """Return whether a browser is the one that a consent is bound to."""
        return same(cookies.get(self.cookie(row["id"])), row["browser_hash"])

    def check_open(self, row: Row) -> None:
        """Refuse a consent that is over.

        Raises:
            ConsentError: it was used, or expired.
        """
        if row["used_at"] is not None:
            raise used()
        if row["expires_at"] <= self._clock():
            raise ConsentError("this took too long and has expired; start again")

    def _is_open(self) -> ColumnElement[bool]:
        return _t.used_at.is_(None) & (_t.expires_at > self._clock())

    @property
    def _prefix(self) -> str:
        return f"{'__Host-' if self.secure else ''}sellerport-consent-"  # __Host- needs https
