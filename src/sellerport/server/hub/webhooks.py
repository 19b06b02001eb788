"""Webhooks: where an organization is told of events, and what became of each.

Events come from the outbox (see `changes`), `deliveries` sends them. They are signed as Standard Webhooks says
(github.com/standard-webhooks/standard-webhooks), so that its libraries verify them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Literal

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sellerport.errors import Conflict, InvalidArguments, NotFound, Problem
from sellerport.server.hub.changes import EVENTS, Changes
from sellerport.server.hub.egress import Egress
from sellerport.server.hub.mint import Mint
from sellerport.server.hub.records import Caller
from sellerport.server.hub.sealed import seal, unseal
from sellerport.server.store import Database, deliveries, events, webhooks
from sellerport.server.vault import Vault

PING = "webhook.ping"
"""The event that says nothing but that a webhook works; it goes to the one it was asked for."""

TYPES = EVENTS - {PING}

MOST = 20
"""Webhooks of an organization."""

PREVIOUS_SECRET_S = 86_400.0
"""How long what is sent is signed with the secret before, too."""

GIVE_UP_S = 72 * 3600.0
"""How long delivery is tried."""

DeliveryStatus = Literal["pending", "delivered", "dead"]

_t = webhooks.c
_d = deliveries.c


@dataclass(frozen=True)
class Webhook:
    """An address that is told of events."""

    id: str
    organization_id: str
    url: str
    types: list[str]
    """Which events; all if empty."""
    created_at: float


@dataclass(frozen=True)
class NewSecret:
    """A webhook with the secret just made for it, which is shown this once."""

    webhook: Webhook
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Delivery:
    """One event on its way to one webhook."""

    event_id: str
    type: str
    connection_id: str | None
    status: DeliveryStatus
    attempts: int
    created_at: float
    """When the event happened."""
    last_attempt_at: float | None
    next_attempt_at: float | None
    """None if there will be none."""
    last_status: int | None
    """What the receiver answered; None if it did not."""
    last_error: str | None
    delivered_at: float | None


_COLUMNS = [_t[it.name] for it in fields(Webhook)]


class Webhooks:
    """The webhooks of every organization."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        changes: Changes,
        egress: Egress,
        mint: Mint,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._vault = vault
        self._changes = changes
        self._egress = egress
        self._mint = mint
        self._clock = clock

    async def create(self, caller: Caller, url: str, types: Sequence[str] = ()) -> NewSecret:
        """Create a webhook. Its secret is in the answer and nowhere else.

        Args:
            caller: whose organization's events it will be told of.
            url: where they are sent.
            types: which; all if empty.

        Raises:
            InvalidArguments: the address is none to send to, or there is no such type; lists every problem.
            Conflict: the organization has as many as it may have.
        """
        problems = [
            Problem(f"types.{n}", f"must be one of {', '.join(sorted(TYPES))}")
            for n, one in enumerate(types)
            if one not in TYPES
        ]
        try:
            self._egress.check(url, "url")
        except InvalidArguments as error:
            problems = [*error.problems, *problems]
        if problems:
            raise InvalidArguments(problems=problems)
        made = Webhook(self._mint.id(), caller.organization_id, url, sorted(set(types)), self._clock())
        secret = self._mint.webhook_secret()
        sealed = await seal(self._vault, webhooks, vars(made), sealed_secret=secret)
        known = select(func.count()).select_from(webhooks).where(_t.organization_id == caller.organization_id)
        async with self._changes.writing(caller.organization_id) as store:
            # first, as it holds the organization's chain: two that come at once are counted one after the other
            await self._changes.note(store, made.organization_id, "webhook.created", made.id, caller.actor)
            if (await store.scalar(known) or 0) >= MOST:
                raise Conflict(f"there are {MOST} webhooks already; delete one first")
            await store.execute(insert(webhooks).values(**vars(made), **sealed))
        return NewSecret(made, secret)

    async def all(self, caller: Caller) -> list[Webhook]:
        """Return the organization's webhooks, the oldest first."""
        mine = select(*_COLUMNS).where(_t.organization_id == caller.organization_id)
        async with self._database.reading() as store:
            rows = await store.execute(mine.order_by(_t.created_at, _t.id))
        return [Webhook(**row) for row in rows.mappings()]

    async def get(self, caller: Caller, id: str) -> Webhook:
        """Return one webhook.

        Raises:
            NotFound: the organization has none with this id.
        """
        async with self._database.reading() as store:
            return await self._row(store, caller, id)

    async def delete(self, caller: Caller, id: str) -> None:
        """Delete a webhook, and all that is known of its deliveries.

        Raises:
            NotFound: the organization has none with this id.
        """
        async with self._changes.writing(caller.organization_id) as store:
            await self._row(store, caller, id, lock=True)
            await store.execute(delete(deliveries).where(_d.webhook_id == id))
            await store.execute(delete(webhooks).where(_t.id == id))
            await self._changes.note(store, caller.organization_id, "webhook.deleted", id, caller.actor)

    async def rotate_secret(self, caller: Caller, id: str) -> NewSecret:
        """Make another secret. For a day what is sent is signed with both, so that a receiver can change over.

        Raises:
            NotFound: the organization has none with this id.
        """
        secret = self._mint.webhook_secret()
        async with self._database.reading() as store:
            known = await self._row(store, caller, id)
            row = (await store.execute(select(webhooks).where(_t.id == id))).mappings().one()
        before = (await unseal(self._vault, webhooks, row, "sealed_secret"))["sealed_secret"]
        sealed = await seal(self._vault, webhooks, row, sealed_secret=secret, sealed_previous_secret=before)
        values = {**sealed, "previous_secret_until": self._database.now() + PREVIOUS_SECRET_S}
        unchanged = (_t.id == id) & (_t.sealed_secret == row["sealed_secret"])
        async with self._changes.writing(caller.organization_id) as store:
            if (await store.execute(update(webhooks).where(unchanged).values(values))).rowcount == 0:
                raise Conflict("the webhook was deleted or changed at the same moment; look, and try again")
            await self._changes.note(store, caller.organization_id, "webhook.secret_rotated", id, caller.actor)
        return NewSecret(known, secret)

    async def test(self, caller: Caller, id: str) -> None:
        """Send a webhook an event that says nothing: ``webhook.ping``.

        Raises:
            NotFound: the organization has none with this id.
        """
        async with self._changes.writing(caller.organization_id) as store:
            await self._row(store, caller, id, lock=True)
            await self._changes.note(store, caller.organization_id, PING, id, caller.actor)

    async def deliveries(
        self, caller: Caller, id: str, *, status: DeliveryStatus | None = None, most: int = 100
    ) -> list[Delivery]:
        """Return a webhook's deliveries, the newest event first.

        Args:
            caller, id: whose webhook, and which.
            status: only those that are so.
            most: how many, at most.

        Raises:
            NotFound: the organization has none with this id.
        """
        wanted = select(deliveries, events.c.type, events.c.created_at).join(events, events.c.id == _d.event_id)
        wanted = wanted.where(_d.webhook_id == id).order_by(events.c.created_at.desc(), _d.sequence.desc()).limit(most)
        if status is not None:
            wanted = wanted.where(_d.status == status)
        names = [it.name for it in fields(Delivery)]
        async with self._database.reading() as store:
            await self._row(store, caller, id)
            rows = (await store.execute(wanted)).mappings().all()
        found = [{name: row[name] for name in names} for row in rows]
        return [
            Delivery(**one if one["status"] == "pending" else {**one, "next_attempt_at": None})  # it counts no more
            for one in found
        ]

    async def replay(self, caller: Caller, id: str, event_id: str) -> None:
        """Send an event again, with the same id; whether it was delivered or not.

        Raises:
            NotFound: the organization has no such webhook, or that was not sent this event.
        """
        if await self._again(caller, id, _d.event_id == event_id) == 0:
            raise NotFound(f"no event {event_id!r} was sent to this webhook")

    async def replay_dead(self, caller: Caller, id: str, since: float = 0.0) -> int:
        """Send every dead event again; return how many.

        Args:
            caller, id: whose webhook, and which.
            since: only events that happened then or later; seconds since the epoch.

        Raises:
            NotFound: the organization has no such webhook.
        """
        recent = select(events.c.id).where(events.c.organization_id == caller.organization_id)
        recent = recent.where(events.c.created_at >= since)
        return await self._again(caller, id, (_d.status == "dead") & _d.event_id.in_(recent))

    async def _again(self, caller: Caller, id: str, which: ColumnElement[bool]) -> int:
        now = self._database.now()
        values = {
            "status": "pending",
            "attempts": 0,
            "claim": None,
            "next_attempt_at": now,
            "give_up_at": now + GIVE_UP_S,
            "delivered_at": None,
        }
        async with self._changes.writing(caller.organization_id) as store:
            await self._row(store, caller, id, lock=True)
            done = await store.execute(update(deliveries).where(_d.webhook_id == id, which).values(values))
            if done.rowcount:
                facts = {"events": done.rowcount}
                await self._changes.note(store, caller.organization_id, "webhook.replayed", id, caller.actor, **facts)
        return done.rowcount

    async def _row(self, store: AsyncConnection, caller: Caller, id: str, *, lock: bool = False) -> Webhook:
        mine = select(*_COLUMNS).where(_t.id == id, _t.organization_id == caller.organization_id)
        row = (await store.execute(mine.with_for_update() if lock else mine)).mappings().first()
        if row is None:
            raise NotFound(f"no webhook {id!r}")
        return Webhook(**row)
