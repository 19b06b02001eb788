"""Events on their way to webhooks: from the outbox to a receiver that has answered 2xx, or to the dead letters.

1. `dispatch` takes events from the outbox, and writes down to which webhooks each has to go.
2. `deliver` claims what is due, sends it, and writes down what came of it. A claim moves the next attempt to after the
   longest that this one can take: if the process dies, another makes the attempt then. What an attempt finds out
   counts as long as it holds the claim.
3. What is refused or not answered is sent again after longer and longer pauses, for 72 hours; then it is dead, until
   somebody replays it.

An event has the same id, and the same body, in every attempt; whoever is told twice sees that by the id. A webhook is
told of one connection's events in the order in which they happened: while one waits, those after it do too. Several
processes do all this at once; the database's clock says what is due.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import RowMapping, delete, func, insert, select, tuple_, update
from standardwebhooks import Webhook as Signer

from sellerport.errors import NoAnswer, SellerportError, StoreError
from sellerport.server.hub.egress import Egress
from sellerport.server.hub.mint import Mint
from sellerport.server.hub.sealed import unseal
from sellerport.server.hub.webhooks import GIVE_UP_S, PING
from sellerport.server.store import Database, deliveries, events, webhooks
from sellerport.server.vault import Vault
from sellerport.wire import AsyncWire, Request

log = logging.getLogger(__name__)

ATTEMPT_S = 10.0
"""How long a receiver may take, from its name to the end of its answer."""

LEASE_S = 30.0
"""How long a claim holds: longer than an attempt."""

LARGEST_ANSWER = 64 * 1024
"""How much of an answer is read, in bytes; what it says makes no difference."""

PAUSES_S = (5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 43_200.0)
"""How long to wait after the first attempt, the second and so on; the last of them is repeated."""

BATCH = 500
AT_ONCE = 64
"""Attempts of a process under way."""
AT_ONCE_EACH = 8
"""And to one webhook, so that one that hangs does not hold up all others."""

KEEP_S = 30 * 86_400.0
"""How long events, and how their deliveries went, are kept."""

_t = deliveries.c


class Deliveries:
    """What is on its way.

    Args:
        database, vault: where everything is, and what opens the webhooks' secrets.
        egress: decides where to send.
        mint: makes names for claims.
        clock: seconds since the epoch; receivers are told when an attempt was made.
        jitter: a number from 0 to 1.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        egress: Egress,
        mint: Mint,
        clock: Callable[[], float],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._vault = vault
        self._egress = egress
        self._mint = mint
        self._clock = clock
        self._jitter = jitter

    async def run(self) -> None:
        """Dispatch what happened, and attempt what is due, until there is nothing left to do now."""
        while await self.dispatch():
            pass
        while await self.deliver():
            pass

    async def dispatch(self) -> int:
        """Write down to which webhooks the events in the outbox have to go; return how many events there were."""
        waiting = select(events).where(events.c.dispatched_at.is_(None))
        # no SKIP LOCKED: what another process dispatches now comes before what this one would
        waiting = waiting.order_by(events.c.organization_id, events.c.sequence).limit(BATCH).with_for_update()
        async with self._database.writing() as store:
            found = (await store.execute(waiting)).mappings().all()
            if not found:
                return 0
            concerned = webhooks.c.organization_id.in_({event["organization_id"] for event in found})
            hooks = select(webhooks.c.id, webhooks.c.organization_id, webhooks.c.types).where(concerned)
            receivers = (await store.execute(hooks.with_for_update(read=True))).mappings().all()
            now = self._database.now()
            for event in found:
                for hook in receivers:
                    if _concerns(event, hook):
                        values = {
                            "event_id": event["id"],
                            "webhook_id": hook["id"],
                            "connection_id": event["connection_id"],
                            "sequence": event["sequence"],
                            "status": "pending",
                            "next_attempt_at": now,
                            "give_up_at": now + GIVE_UP_S,
                        }
                        await store.execute(insert(deliveries).values(values))
            ids = [event["id"] for event in found]
            await store.execute(update(events).where(events.c.id.in_(ids)).values(dispatched_at=now))
        return len(found)

    async def deliver(self) -> int:
        """Attempt what is due, all at once; return how many attempts were made."""
        claimed = await self._claim()
        wires: dict[tuple[str, str, int], AsyncWire] = {}
        async with AsyncExitStack() as open_wires:

            async def attempt(row: RowMapping) -> None:
                await self._finish(row, *await self._attempt(row, wires, open_wires))

            await asyncio.gather(*map(attempt, claimed))
        return len(claimed)

    async def forget(self) -> int:
        """Delete what is older than 30 days; return how many events."""
        old = select(events.c.id).where(
            events.c.created_at < self._database.now() - KEEP_S,
            events.c.dispatched_at.is_not(None),
            ~select(_t.event_id).where(_t.event_id == events.c.id, _t.status == "pending").exists(),
        )
        async with self._database.writing() as store:
            ids = list(await store.scalars(old.limit(BATCH).with_for_update(skip_locked=True)))
            await store.execute(delete(deliveries).where(_t.event_id.in_(ids)))
            await store.execute(delete(events).where(events.c.id.in_(ids)))
        return len(ids)

    async def _claim(self) -> list[RowMapping]:
        claim, now = self._mint.id(), self._database.now()
        one, before = deliveries.alias("one"), deliveries.alias("before")
        earlier = select(before.c.event_id).where(
            before.c.webhook_id == one.c.webhook_id,
            before.c.connection_id == one.c.connection_id,
            before.c.status == "pending",
            before.c.sequence < one.c.sequence,
        )
        place = func.row_number().over(partition_by=one.c.webhook_id, order_by=one.c.next_attempt_at)
        due = select(one.c.event_id, one.c.webhook_id, one.c.next_attempt_at, place.label("place"))
        due = due.where(one.c.status == "pending", one.c.next_attempt_at <= now, ~earlier.exists())
        ranked = due.subquery("ranked")
        fair = select(ranked.c.event_id, ranked.c.webhook_id).where(ranked.c.place <= AT_ONCE_EACH)
        # each webhook's first before any other's second: a backlog of one organization holds up no other's
        fair = fair.order_by(ranked.c.place, ranked.c.next_attempt_at).limit(AT_ONCE)
        two = deliveries.alias("two")
        free = select(two.c.event_id, two.c.webhook_id).where(tuple_(two.c.event_id, two.c.webhook_id).in_(fair))
        mine = tuple_(_t.event_id, _t.webhook_id).in_(free.with_for_update(skip_locked=True))
        values = {
            "claim": claim,
            "attempts": _t.attempts + 1,
            "last_attempt_at": now,
            "next_attempt_at": now + LEASE_S,
        }
        # once more, since another process may have claimed it between the question and the lock
        still = (_t.status == "pending") & (_t.next_attempt_at <= now)
        wanted = (
            select(
                webhooks,
                _t.event_id,
                _t.claim,
                _t.attempts,
                events.c.type,
                events.c.facts,
                events.c.created_at.label("happened_at"),
                (_t.give_up_at - now).label("left"),
                (webhooks.c.previous_secret_until - now).label("previous_left"),
            )
            .join(webhooks, webhooks.c.id == _t.webhook_id)
            .join(events, events.c.id == _t.event_id)
            .where(_t.claim == claim)
        )
        async with self._database.writing() as store:
            if (await store.execute(update(deliveries).where(mine, still).values(values))).rowcount == 0:
                return []
            return list((await store.execute(wanted)).mappings())

    async def _attempt(
        self, row: RowMapping, wires: dict[tuple[str, str, int], AsyncWire], open_wires: AsyncExitStack
    ) -> tuple[int | None, str | None]:
        """Send an event once; return what was answered, or why nothing was."""
        answered: int | None = None
        try:
            place = self._egress.check(row["url"], "url")
            request = await self._request(row)
            async with asyncio.timeout(ATTEMPT_S):
                pin = (place.host, await self._egress.locate(place), place.port)
                if pin not in wires:
                    wires[pin] = AsyncWire(pin=pin)
                    open_wires.push_async_callback(wires[pin].aclose)
                async with wires[pin].stream(request) as answer:
                    answered, read = answer.status, 0
                    while read < LARGEST_ANSWER and (piece := await answer.read()):
                        read += len(piece)
        except (SellerportError, TimeoutError) as error:
            if answered is not None:
                return answered, None
            if isinstance(error, TimeoutError):
                return None, f"no answer within {ATTEMPT_S:g} s"
            log.info("an event was not delivered: %s", error, extra={"webhook": row["id"], "event": row["event_id"]})
            return None, error.message if isinstance(error, NoAnswer) else error.code
        return answered, None

    async def _request(self, row: RowMapping) -> Request:
        secrets = await unseal(self._vault, webhooks, row, "sealed_secret", "sealed_previous_secret")
        if (row["previous_left"] or 0.0) <= 0:
            secrets.pop("sealed_previous_secret", None)
        body, now = _message(row), int(self._clock())
        at = datetime.fromtimestamp(now, UTC)
        signatures = [Signer(secret).sign(row["event_id"], at, body.decode()) for secret in secrets.values()]
        headers = {
            "content-type": "application/json",
            "webhook-id": row["event_id"],
            "webhook-timestamp": str(now),
            "webhook-signature": " ".join(signatures),
        }
        return Request("POST", row["url"], headers, body, timeout_s=ATTEMPT_S)

    async def _finish(self, row: RowMapping, status: int | None, error: str | None) -> None:
        """Write down what came of an attempt, unless somebody else has taken over, or asked for another."""
        now = self._database.now()
        values: dict[str, Any] = {"claim": None, "last_status": status, "last_error": error}
        if status is not None and 200 <= status < 300:
            values |= {"status": "delivered", "delivered_at": now}
        elif row["left"] <= 0:
            values |= {"status": "dead"}
        else:
            pause = PAUSES_S[min(row["attempts"], len(PAUSES_S)) - 1] * (0.9 + 0.2 * self._jitter())
            values |= {"next_attempt_at": now + min(pause, row["left"])}
        mine = (_t.event_id == row["event_id"]) & (_t.webhook_id == row["id"]) & (_t.claim == row["claim"])
        try:
            async with self._database.writing() as store:
                await store.execute(update(deliveries).where(mine).values(values))
        except StoreError as failure:  # it is attempted again when the claim is over
            log.warning("the outcome of a delivery could not be noted: %s", failure, extra={"event": row["event_id"]})


def _concerns(event: RowMapping, hook: RowMapping) -> bool:
    if event["organization_id"] != hook["organization_id"]:
        return False
    if event["type"] == PING:
        return bool(event["facts"]["webhook_id"] == hook["id"])
    return not hook["types"] or event["type"] in hook["types"]


def _message(row: RowMapping) -> bytes:
    """Return what is sent, the same in every attempt: type, time and data, as Standard Webhooks has them."""
    happened = datetime.fromtimestamp(row["happened_at"], UTC).isoformat(timespec="milliseconds")
    message = {
        "type": row["type"],
        "timestamp": happened.replace("+00:00", "Z"),
        "data": {"organization_id": row["organization_id"], **row["facts"]},
    }
    return msgspec.json.encode(message, order="sorted")
