"""How often an account may call an operation, and who is next: the buckets that Amazon keeps, kept here as well.

Amazon fills a bucket for each application, account and operation with ``rate`` tokens a second up to ``burst``; a call
takes one, and is answered 429 when there is none. Some operations have a second bucket, which all accounts of an
application share. The same buckets are kept here, so that a call waits before it is sent instead of being refused:

* a rate starts from the catalogue, and what `x-amzn-RateLimit-Limit` says takes its place, higher or lower; Amazon
  sends that with 20x, 400 and 404, never with 429, and only for the account's own bucket;
* where neither says anything, nothing waits until Amazon answers 429, and then one call a second is tried;
* a call that has to wait has a place in the order of arrival, whichever thread or task it comes from; the one before it
  going away moves it up, a call with a place never overtakes, and one without goes at once only if there are tokens for
  all before it too; buckets know nothing of each other, so a thousand calls in one delay none in another;
* requests do not arrive as evenly as they leave, so a bucket that was full begins to fill again `SLACK_S` later here
  than it may at Amazon; that shifts the calls after a burst, once, and costs no rate;
* a 429 means that the bucket is empty: the call keeps its place, and it and everyone behind it waits for new tokens;
  refusals of calls that were already on their way say nothing more;
* another 429 within `UNREFUSED` calls means that the bucket fills more slowly than was believed, as when others use it
  too. Who is refused after n calls has asked for about one token in n too many, so the belief comes down by one part in
  n + 4, as there is chance in it, and at most to a quarter of what Amazon states;
* calls that had to wait and were let through raise it again, the faster the more of them there were since the last 429
  and the more time passed, up to what Amazon states; another rate in the header puts it there at once. A rate that was
  never stated may move further, both ways.

Sources: Amazon's pages "Usage plans and rate limits" and "Selling Partner API sandbox"; RFC 9438 §4 for going up slowly
near the rate at which it last went wrong, and faster from there.
"""

from __future__ import annotations

import logging
import threading
import time
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from sellerport.catalog import Operation
from sellerport.errors import Throttled
from sellerport.wire import Wire

log = logging.getLogger(__name__)

SANDBOX_RATE, SANDBOX_BURST = 5.0, 15.0
SLACK_S = 0.25
UNREFUSED = 100
"""After how many calls a 429 is an accident that says nothing of the rate."""
MORE, RECOVERY_S = 1 / 10_000, 600.0
"""By what part of itself a belief rises with a call, for each one since the last 429; and for each second."""
STATED = (0.25, 1.0)
"""Between which parts of its rate a bucket may be believed to fill, where Amazon states the rate."""
GUESSED = (0.005, 100.0)
"""The same, where nobody does: between one call in 200 s and 100 a second."""
IDLE_S = 3600.0
"""How long a bucket is kept after its last call: the slowest of Amazon's is full again by then."""
SHORTEST_NAP_S, NAP_S, LONGEST_NAP_S = 0.001, 1.0, 10.0
"""How long a call sleeps at least; until when all of its wait in one piece; and at most, before it asks again."""
ROUNDING = 1e-4
"""What may be missing of a token: computing with seconds since the epoch is no more exact than that."""
LEASE_S = LONGEST_NAP_S + 5.0
"""How long a place is kept for a call that does not ask for it, as when its process died."""
NEVER = float("-inf")


class Account(NamedTuple):
    """Whose buckets: two opaque strings, which may be seen by others, so never a secret."""

    application: str
    """The application at one of Amazon's endpoints."""
    grant: str
    """The account that consented, or the application itself where an operation needs no account."""


class Plan(NamedTuple):
    """What is known beforehand of one bucket; ``rate`` is None where Amazon does not say."""

    key: tuple[str, ...]
    rate: float | None
    burst: float | None


class Slot:
    """One call's way through its buckets, from its arrival until it is answered or given up.

    ``plans`` are the buckets: the account's own, then the application's if there is one.
    """

    __slots__ = ("due", "home", "key", "passed", "places", "plans", "rate", "sent", "waits")

    def __init__(self, account: Account, operation: Operation, *, sandbox: bool = False) -> None:
        self.key = operation.key
        own = (*account, self.key)
        self.plans: tuple[Plan, ...]
        if sandbox:
            self.plans = (Plan(own, SANDBOX_RATE, SANDBOX_BURST),)
        else:
            self.plans = (Plan(own, operation.rate, operation.burst),)
            if (rate := operation.application_rate) is not None:
                # Amazon gives no burst for it; a second's worth is what all other limits allow at least
                self.plans += (Plan((account.application, self.key), rate, max(1.0, rate)),)
        self.rate: float | None = None
        """What Amazon states of the account's own bucket, as far as was known when the call looked last."""
        self.move(None)

    @classmethod
    def of(cls, plan: Plan) -> Slot:
        """Return the way through one bucket, which need not be Amazon's."""
        return cls.again(":".join(plan.key), (plan,))

    @classmethod
    def again(cls, key: str, plans: tuple[Plan, ...], sent: float = NEVER) -> Slot:
        """Return another call's way through the same buckets as a slot's with this ``key`` and ``plans``.

        ``sent`` is what `Limits.take_at_once` returned for it, if that let it through.
        """
        slot = cls.__new__(cls)
        slot.key, slot.plans, slot.rate = key, plans, None
        slot.move(None)
        slot.sent = sent
        return slot

    def move(self, home: object) -> None:
        """Begin anew, with another limiter: places and times mean nothing to any but the one that gave them."""
        self.home = home
        self.passed = 0
        """How many of the buckets have let it through."""
        self.places = [0] * len(self.plans)
        """Its place in the order of arrival of each bucket; 0 where it has none."""
        self.waits = False
        """Whether it is one of those who wait for the next bucket."""
        self.due = NEVER
        """Until when it has waited, in the limiter's seconds."""
        self.sent = NEVER
        """When it was let through, in the limiter's seconds."""

    def news(self, header: str | None) -> float | None:
        """Return the rate that the header states, if it states one, and one that was not known."""
        try:
            rate = float(header or "")
        except ValueError:
            return None
        return rate if 0 < rate < float("inf") and rate != self.rate else None


class Limiter(Protocol):
    """Who knows the buckets: this process, or several that share them."""

    async def reserve(self, wire: Wire, slot: Slot, most_s: float = float("inf")) -> float:
        """Let a call through and return 0, or return in how many seconds to ask again at the latest.

        A call that has to wait keeps its place until it is let through or given back; one that would have to wait for
        more than ``most_s`` is given none. Whoever asks again has waited until ``slot.due``.
        """
        ...

    async def give_back(self, wire: Wire, slot: Slot) -> None:
        """Give up a place, and what was taken on the way to it."""
        ...

    async def learn(self, wire: Wire, slot: Slot, header: str | None) -> None:
        """Take over the rate that Amazon states in ``x-amzn-RateLimit-Limit``."""
        ...

    async def throttled(self, wire: Wire, slot: Slot) -> None:
        """Note that Amazon answered 429 to a call that was let through; it may ask again, and keeps its place."""
        ...


async def wait(limits: Limiter, wire: Wire, slot: Slot, most_s: float = float("inf")) -> float:
    """Wait until a call may be sent, and return for how many seconds that was.

    It sleeps for half of a long wait and asks again, as the buckets may turn out fuller or emptier meanwhile.

    Raises:
        Throttled: its turn comes later than ``most_s``; it has no place any more.
    """
    waited = 0.0
    while pause := await limits.reserve(wire, slot, most_s - waited):
        if pause > most_s - waited:
            raise Throttled(
                f"the rate limit of this operation is used up for this account; try again in {pause:.1f} s",
                retry_after=pause,
                sent=False,
                operation=slot.key,
            )
        if not waited:
            log.log(logging.INFO if pause > 1 else logging.DEBUG, "%s waits %.1f s for its slot", slot.key, pause)
        nap = pause if pause <= NAP_S else min(pause / 2, LONGEST_NAP_S)
        slot.due += nap
        try:
            await wire.sleep(nap)
        except BaseException:  # cancelled: the place is for someone else
            await limits.give_back(wire, slot)
            raise
        waited += nap
    return waited


@dataclass(slots=True)
class _Bucket:
    rate: float | None
    burst: float
    level: float
    """How many tokens there were at ``at``, which may lie ahead: until then none is added."""
    at: float
    stated: bool
    part: float = 1.0
    """Which part of it is this process's."""
    share: float = 1.0
    """Which part of the rate is believed."""
    calls: int = UNREFUSED
    """How many went through since the last refusal."""
    refused: float = NEVER
    """When the last refusal came."""
    arrivals: int = 0
    waiting: list[tuple[int, Slot]] = field(default_factory=list)
    """Those who wait, in the order of their places."""

    @property
    def slack(self) -> float:
        """How many tokens may be lost because calls arrive late."""
        return 4.0 if self.burst >= 5 else max(0.04, self.burst - 1)

    def ahead_of(self, place: int, now: float) -> int:
        """Return how many wait before this place; the first of them do not count when nobody asks for them any more."""
        while self.waiting and self.waiting[0][1].due + LEASE_S < now:
            del self.waiting[0]
        return bisect_left(self.waiting, (place,)) if self.waiting else 0

    def take(self, ahead: int, now: float, *, waited: bool) -> float:
        """Take a token for a call that is sent now, behind so many others, or return when there will be one."""
        if self.rate is None:
            self.at = now
            return 0.0
        rate, since = self.rate * self.share * self.part, now - self.at
        level = self._level(now)
        missing = ahead + 1 - level
        if missing > ROUNDING:
            pause = missing / rate - min(since, 0.0)
            return pause if pause > SHORTEST_NAP_S else SHORTEST_NAP_S
        # The call arrives up to the slack later. What would flow over meanwhile is not counted: all of it from a full
        # bucket, nothing from one that calls wait for. A bucket of one token flows over at every call, so that its
        # slack costs rate, and has to be small.
        lost = (level - self.burst) / rate + min(SLACK_S, self.slack / rate) + min(since, 0.0)
        if since > 0:
            self.at = now
        if lost > 0:
            self.at += lost
        self.level = level - 1
        self.calls += 1
        if waited:
            more = 1 + self.calls * MORE + max(since, 0.0) / RECOVERY_S
            self.share = min(self.share * more, (STATED if self.stated else GUESSED)[1])
        return 0.0

    def put_back(self, now: float) -> None:
        """Return a token that was taken and not used."""
        self.level, self.at = min(self.burst, self._level(now) + 1), max(self.at, now)

    def set_rate(self, rate: float, now: float) -> None:
        """Believe what Amazon states, if that is new; as many tokens are missing as before."""
        if self.stated and rate == self.rate:
            return
        self.level, self.at = self._level(now), max(self.at, now)
        if self.rate is None:
            # none of Amazon's buckets holds less than a second's worth
            self.level = self.burst = max(1.0, rate * self.part)
        self.rate, self.share, self.stated = rate, 1.0, True

    def refuse(self, now: float, *, doubt: bool) -> None:
        """Note that there was no token at Amazon, however many there were here."""
        if self.rate is None:
            self.rate = 1.0
        if doubt and self.calls < UNREFUSED:
            self.share = max(self.share * (1 - 1 / (self.calls + 4)), (STATED if self.stated else GUESSED)[0])
        self.level, self.at, self.calls, self.refused = 0.0, now, 0, now

    def _level(self, now: float) -> float:
        if self.rate is None:
            return self.burst
        since = now - self.at
        if since <= 0:
            return self.level
        level = self.level + since * self.rate * self.share * self.part
        return level if level < self.burst else self.burst


class Limits:
    """The buckets of a process, which its threads and event loops share.

    Args:
        clock: seconds, from any start; it never goes back.
        processes: how many call for the same accounts, each with buckets of its own: this one keeps to its part of
            every rate and burst, but for the one call that the smallest bucket holds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, processes: int = 1) -> None:
        self._clock = clock
        self._part = 1 / processes
        self._buckets: dict[tuple[str, ...], _Bucket] = {}
        self._most = 1024
        self._lock = threading.Lock()

    async def reserve(self, wire: Wire, slot: Slot, most_s: float = float("inf")) -> float:
        """As `Limiter.reserve`."""
        return self.take(slot, most_s)

    def take(self, slot: Slot, most_s: float = float("inf")) -> float:
        """As `reserve`, for who cannot wait."""
        with self._lock:
            now = slot.due = max(self._clock(), slot.due)  # who slept until then is trusted to have
            while slot.passed < len(slot.plans):
                if pause := self._enter(slot, now, most_s):
                    return pause
                slot.passed += 1
            slot.passed, slot.sent = 0, now  # a call that asks again sends another request, and keeps its place
            return 0.0

    def take_at_once(self, plans: tuple[Plan, ...]) -> float | None:
        """Let a call through if its only bucket has a token that nobody waits for; return when that was.

        It does what a `Slot` does at a tenth of the cost, for the calls that most are; None: nothing was taken.
        """
        bucket = self._buckets.get(plans[0].key) if len(plans) == 1 else None
        if bucket is None:
            return None
        with self._lock:
            now = self._clock()
            return None if bucket.waiting or bucket.take(0, now, waited=False) else now

    def is_stated(self, plans: tuple[Plan, ...], header: str) -> bool:
        """Whether what Amazon states in ``x-amzn-RateLimit-Limit`` is known already."""
        bucket = self._buckets.get(plans[0].key)
        return bucket is not None and bucket.stated and str(bucket.rate) == header

    def _enter(self, slot: Slot, now: float, most_s: float) -> float:
        """Let a call through its next bucket, or give it a place there."""
        number = slot.passed
        bucket, place = self._bucket(slot.plans[number], now), slot.places[number]
        own = bucket if number == 0 else self._bucket(slot.plans[0], now)
        slot.rate = own.rate if own.stated else None
        if not place:
            place = slot.places[number] = bucket.arrivals = bucket.arrivals + 1
        ahead = bucket.ahead_of(place, now)
        pause = bucket.take(ahead, now, waited=slot.waits)
        if pause > most_s:
            self._leave(slot, now)
            return pause
        there = slot.waits and bucket.waiting[ahead : ahead + 1] == [(place, slot)]
        if there and not pause:
            del bucket.waiting[ahead]
        if pause and not there:
            bucket.waiting.insert(ahead, (place, slot))
        slot.waits = pause > 0
        return pause

    async def give_back(self, wire: Wire, slot: Slot) -> None:
        """As `Limiter.give_back`."""
        with self._lock:
            self._leave(slot, max(self._clock(), slot.due))

    async def learn(self, wire: Wire, slot: Slot, header: str | None) -> None:
        """As `Limiter.learn`."""
        self.note_rate(slot, header)

    def note_rate(self, slot: Slot, header: str | None) -> None:
        """As `learn`, for who cannot wait."""
        rate = slot.news(header)
        if rate is None:
            return
        with self._lock:
            now = self._clock()
            self._bucket(slot.plans[0], now).set_rate(rate, now)
            slot.rate = rate

    async def throttled(self, wire: Wire, slot: Slot) -> None:
        """As `Limiter.throttled`."""
        with self._lock:
            now = max(self._clock(), slot.due)
            for number, plan in enumerate(slot.plans):
                bucket = self._bucket(plan, now)
                if slot.sent > bucket.refused:
                    bucket.refuse(now, doubt=number == 0)

    def _leave(self, slot: Slot, now: float) -> None:
        for number, plan in enumerate(slot.plans):
            bucket, place = self._bucket(plan, now), slot.places[number]
            if number < slot.passed:
                bucket.put_back(now)
            elif (place, slot) in bucket.waiting:
                bucket.waiting.remove((place, slot))
        slot.move(None)

    def _bucket(self, plan: Plan, now: float) -> _Bucket:
        found = self._buckets.get(plan.key)
        if found is None:
            if len(self._buckets) >= self._most:
                self._drop_idle(now)
            burst = max(1.0, (plan.burst or plan.rate or 1.0) * self._part)
            found = _Bucket(plan.rate, burst, burst, now, stated=plan.rate is not None, part=self._part)
            self._buckets[plan.key] = found
        return found

    def _drop_idle(self, now: float) -> None:
        for key in [key for key, one in self._buckets.items() if not one.waiting and one.at < now - IDLE_S]:
            del self._buckets[key]
        self._most = max(1024, 2 * len(self._buckets))
