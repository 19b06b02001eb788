"""The same buckets for several processes, in Redis: together they never exceed what Amazon allows.

Every decision is one script, which takes one round trip and the server's clock; a call takes one to be let through, and
another only where it has to wait, is answered 429, or learns another rate. What Redis holds are numbers under keys of
hashes, and it drops them when a bucket has not been used for an hour.

When Redis does not answer, each process keeps its own buckets, so that calls go on: those of ``local``, which keeps to
a part of each rate where it is told of how many processes. Where it is not, together they may send more than Amazon
allows, which answers 429 and is waited for. Redis is asked again every `RETRY_S` seconds, and
shared buckets are used as soon as it answers. An outage is logged once when it begins and once when it ends. A call
that waits when buckets change hands begins to wait anew. A process that ends while its calls wait holds up the others
for at most `limits.LEASE_S` seconds.

Redis 5 or newer, or what speaks its protocol.
"""

from __future__ import annotations

import hashlib
import inspect
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sellerport import limits
from sellerport.errors import SettingsError
from sellerport.limits import Limits, Slot
from sellerport.wire import Wire

if TYPE_CHECKING:
    import asyncio

log = logging.getLogger(__name__)

RETRY_S = 5.0
TIMEOUT_S = 2.0
CONNECTIONS = 16
"""How many an event loop opens at most; the script takes a fraction of a millisecond, so that few are enough."""


class RedisLimits:
    """Buckets that all processes share which are given the same Redis and prefix.

    Args:
        server: a URL (``redis://``, ``rediss://`` or ``unix://``); or a client of redis-py, which is used as it is and
            only in its own colour: `redis.Redis` for blocking clients, `redis.asyncio.Redis` for async ones, on its own
            event loop.
        prefix: what all keys begin with.
        clock: seconds since the epoch, instead of the server's clock; for tests.
        local: the buckets to go on with when Redis does not answer, such as ``Limits(processes=3)``.
        monotonic: seconds, to tell when to ask Redis again.

    Raises:
        SettingsError: this is no URL of a Redis, or redis-py is not installed.
    """

    def __init__(
        self,
        server: str | Any,
        prefix: str = "sellerport:limits:",
        *,
        clock: Callable[[], float] | None = None,
        local: Limits | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        try:
            import redis  # noqa: PLC0415  # an extra
        except ImportError as error:
            raise SettingsError("limits in Redis need the extra: pip install 'sellerport[redis]'") from error
        self._server = server
        self._prefix = prefix
        self._clock = clock
        self._local = local or Limits()
        self._monotonic = monotonic
        self._retry_at: float | None = None
        """When Redis is asked again; None while it answers."""
        self._mutex = threading.Lock()
        self._failures = (redis.RedisError, OSError)
        self._blocking: Any = None
        self._async: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()
        if isinstance(server, str):
            self._blocking = _open(server)
        elif not inspect.iscoroutinefunction(server.execute_command):
            self._blocking = server.register_script(_SCRIPT)

    async def reserve(self, wire: Wire, slot: Slot, most_s: float = float("inf")) -> float:
        """As `Limiter.reserve`."""
        pause = await self._ask("reserve", wire, slot, most_s=most_s)
        if pause is None:
            return await self._local.reserve(wire, self._moved(slot), most_s)
        if pause > most_s:
            slot.move(None)
        return pause

    async def give_back(self, wire: Wire, slot: Slot) -> None:
        """As `Limiter.give_back`."""
        if slot.home is self:
            await self._ask("give_back", wire, slot)
        else:
            await self._local.give_back(wire, slot)
        slot.move(None)

    async def learn(self, wire: Wire, slot: Slot, header: str | None) -> None:
        """As `Limiter.learn`."""
        rate = slot.news(header)
        if rate is not None and await self._ask("learn", wire, slot, rate=rate) is None:
            await self._local.learn(wire, self._moved(slot), header)

    async def throttled(self, wire: Wire, slot: Slot) -> None:
        """As `Limiter.throttled`."""
        if await self._ask("throttled", wire, slot) is None:
            await self._local.throttled(wire, self._moved(slot))

    def close(self) -> None:
        """Close the connections of blocking clients; a later call opens new ones. A client that was given stays."""
        if isinstance(self._server, str):
            self._blocking.registered_client.close()

    async def aclose(self) -> None:
        """Close the connections of the running event loop, as `close` does."""
        import asyncio  # noqa: PLC0415  # as in `wire`: a blocking program need not load it

        found = self._async.pop(asyncio.get_running_loop(), None)
        if found is not None and isinstance(self._server, str):
            await found.registered_client.aclose()

    async def _ask(
        self, asked: str, wire: Wire, slot: Slot, *, most_s: float = 0.0, rate: float | None = None
    ) -> float | None:
        """Run the script, and return for how long to wait; None when Redis does not answer."""
        if self._retry_at is not None and not self._is_time():
            return None
        if slot.home is not self:
            if slot.home is self._local:
                await self._local.give_back(wire, slot)
            slot.move(self)
        now = "" if self._clock is None else self._clock()
        call = [max(0.0, slot.due), max(0.0, slot.sent), slot.passed, int(slot.waits), min(most_s, 1e12), rate or ""]
        plans = [
            (plan.rate or "", plan.burst or "", place) for plan, place in zip(slot.plans, slot.places, strict=True)
        ]
        arguments = [asked, now, *call, *(fact for plan in plans for fact in plan)]
        script = self._blocking if wire.blocking else self._of_this_loop()
        if script is None:
            raise SettingsError("this client of Redis is of the other colour; a URL is good for both")
        try:
            answer = script(self._keys(slot), arguments)
            if not wire.blocking:
                answer = await self._heard(wire, slot, asked, answer)
        except self._failures as error:
            self._lost(error)
            return None
        return self._taken(slot, asked, answer)

    async def _heard(self, wire: Wire, slot: Slot, asked: str, answer: Awaitable[Any]) -> Any:
        """Await an answer; if that is cancelled, give up the place that it brings, which nobody else knows of."""
        import asyncio  # noqa: PLC0415  # as in `wire`

        coming = asyncio.ensure_future(answer)
        try:
            return await asyncio.shield(coming)
        except asyncio.CancelledError:
            with suppress(*self._failures):
                self._taken(slot, asked, await coming)  # at most TIMEOUT_S
                if asked == "reserve":
                    await self.give_back(wire, slot)
            raise

    def _taken(self, slot: Slot, asked: str, answer: Any) -> float:
        """Note what the script answered, and return for how long to wait."""
        pause, due, passed, waits, known, *places = answer
        if self._retry_at is not None:
            self._found()
        slot.due, slot.passed, slot.waits, slot.places = float(due), passed, bool(waits), places
        if asked != "throttled":
            slot.rate = float(known) if known else None
        if asked == "reserve" and not float(pause):
            slot.sent = slot.due
        return float(pause)

    def _keys(self, slot: Slot) -> list[str]:
        """Return the script's keys; what is in braces keeps an application's on one node of a cluster."""
        keys = []
        for application, *rest in (plan.key for plan in slot.plans):
            digest = hashlib.sha256("\0".join(rest).encode()).hexdigest()[:32]
            key = f"{self._prefix}{{{application}}}:{digest}"
            keys += [key, f"{key}:queue", f"{key}:leases"]
        return keys

    def _of_this_loop(self) -> Any:
        """Return the script with an async client."""
        import asyncio  # noqa: PLC0415  # as in `wire`

        loop = asyncio.get_running_loop()
        found = self._async.get(loop)
        if found is None:
            for ended in [one for one in self._async if one.is_closed()]:
                del self._async[ended]  # its connections keep it alive
            if isinstance(self._server, str):
                found = _open_async(self._server)
            elif self._blocking is None:
                found = self._server.register_script(_SCRIPT)
            self._async[loop] = found
        return found

    def _moved(self, slot: Slot) -> Slot:
        if slot.home is not self._local:
            slot.move(self._local)
        return slot

    def _is_time(self) -> bool:
        """Whether to ask again, which one caller does at a time."""
        with self._mutex:
            now = self._monotonic()
            if self._retry_at is None or now < self._retry_at:
                return self._retry_at is None
            self._retry_at = now + RETRY_S
            return True

    def _lost(self, error: Exception) -> None:
        with self._mutex:
            lost, self._retry_at = self._retry_at is None, self._monotonic() + RETRY_S
        if lost:  # the error's text may name the server and its user
            log.warning("rate limits are not shared, as Redis does not answer (%s)", type(error).__name__)

    def _found(self) -> None:
        with self._mutex:
            found, self._retry_at = self._retry_at is not None, None
        if found:
            log.info("rate limits are shared again")


def _open(url: str) -> Any:
    import redis  # noqa: PLC0415  # an extra
    from redis.backoff import NoBackoff  # noqa: PLC0415
    from redis.retry import Retry  # noqa: PLC0415

    once = Retry(NoBackoff(), 1)  # the server may have closed a connection that was not used for long
    try:
        client = redis.Redis.from_url(url, retry=once, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S)
    except ValueError:  # whose message may hold the URL, and that a password
        raise SettingsError("the address of a Redis is written like redis://127.0.0.1:6379/0") from None
    return client.register_script(_SCRIPT)


def _open_async(url: str) -> Any:
    from redis.asyncio import BlockingConnectionPool, Redis  # noqa: PLC0415  # an extra
    from redis.asyncio.retry import Retry  # noqa: PLC0415
    from redis.backoff import NoBackoff  # noqa: PLC0415

    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS,
        timeout=TIMEOUT_S,
        retry=Retry(NoBackoff(), 1),
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
    )
    return Redis.from_pool(pool).register_script(_SCRIPT)


_CONSTANTS = {
    "SLACK_S": limits.SLACK_S,
    "SHORTEST_NAP_S": limits.SHORTEST_NAP_S,
    "ROUNDING": limits.ROUNDING,
    "UNREFUSED": limits.UNREFUSED,
    "MORE": limits.MORE,
    "RECOVERY_S": limits.RECOVERY_S,
    "STATED_LEAST": limits.STATED[0],
    "STATED_MOST": limits.STATED[1],
    "GUESSED_LEAST": limits.GUESSED[0],
    "GUESSED_MOST": limits.GUESSED[1],
    "IDLE_S": int(limits.IDLE_S),
    "LEASE_S": limits.LEASE_S,
}
_SCRIPT = "".join(f"local {name} = {value!r}\n" for name, value in _CONSTANTS.items()) + (
    files("sellerport.limits").joinpath("buckets.lua").read_text(encoding="utf-8")
)
