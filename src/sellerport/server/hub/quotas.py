"""How often strangers may be wrong, and how often and how many at once those who are known may ask.

A stranger is counted by the address that a request comes from, and only when they know no consent, state, secret or
token. On the pages for browsers an address that was wrong too often waits: its requests are not looked at. An API
client that has its secret or token is let in whatever others at its address do, as all addresses are one where nobody
said how many proxies there are; a guess of 256 bits is hopeless anyway, and is only told to wait.

The buckets are those of `limits`, shared in Redis where Amazon's are. Addresses share a fixed number of them, so that
no number of strangers fills the memory.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Literal
from urllib.parse import urlsplit

from sellerport.errors import TooManyRequests
from sellerport.limits import SLACK_S, Limiter, Plan, Slot
from sellerport.wire import Wire

WRONG_RATE, WRONG_BURST = 0.5, 100.0
"""How often an address may be wrong: a second, and at once."""

BUCKETS = 1 << 14
"""For the addresses of all strangers. Two that share one wait for each other's mistakes."""

SITE_BITS = 56
"""What providers give one customer of IPv6 at least (RFC 6177)."""

BURST_S = 10.0
"""An API client may ask for as many seconds' worth at once."""

AT_ONCE = 200
"""Calls to Amazon that a process makes for one organization; while Amazon is slow, others need room too."""

LINGER_S = 30.0
"""How long a call counts whose client left: as long as Amazon may take to answer it."""

STARTS, STARTS_S = 5, 10.0
"""How many consents an address may begin at the gateway, in so many seconds; any, and not only in vain."""

Door = Literal["api", "pages"]


class Quotas:
    """Who has to wait.

    Args:
        limits: the buckets.
        wire: what they are asked through.
        client_rate: requests a second of one API client; 0 for no limit.
        monotonic: seconds, of a clock that nobody sets.
    """

    def __init__(self, limits: Limiter, wire: Wire, client_rate: int, monotonic: Callable[[], float]) -> None:
        self._limits = limits
        self._wire = wire
        self._client_rate = float(client_rate)
        self._monotonic = monotonic
        self._shut: dict[int, float] = {}
        """Until when a bucket's addresses are not let in."""
        self._under_way: Counter[str] = Counter()

    def admit(self, address: str) -> None:
        """Let a stranger come to the pages for browsers.

        Raises:
            TooManyRequests: they were wrong too often.
        """
        left = self._shut.get(_bucket(address), 0.0) - self._monotonic()
        if left > 0:
            raise _too_often(left)

    async def wrong(self, address: str, door: Door) -> None:
        """Note that a stranger was wrong, or left something behind.

        Raises:
            TooManyRequests: once too often.
        """
        bucket = _bucket(address)
        slot = Slot.of(Plan(("wrong", door, str(bucket)), WRONG_RATE, WRONG_BURST))
        if pause := await self._limits.reserve(self._wire, slot, 0.0):
            if door == "pages":
                self._shut[bucket] = self._monotonic() + pause
            raise _too_often(pause)

    async def start(self, address: str) -> None:
        """Note that an address begins a consent at the gateway.

        One bucket would let another through every two seconds once it is empty. So each of the starts has a bucket of
        its own, which one start empties for all of the time.

        Raises:
            TooManyRequests: ``Rate limit exceeded``.
        """
        bucket, pauses = str(_bucket(address)), []
        for number in range(STARTS):
            plan = Plan(("start", bucket, str(number)), 1 / (STARTS_S - SLACK_S), 1.0)
            pause = await self._limits.reserve(self._wire, Slot.of(plan), 0.0)
            if not pause:
                return
            pauses.append(pause)
        raise TooManyRequests("Rate limit exceeded", retry_after=min(pauses), limit=STARTS)

    async def spend(self, client_id: str) -> None:
        """Note a request of an API client.

        Raises:
            TooManyRequests: there were too many.
        """
        if not self._client_rate:
            return
        slot = Slot.of(Plan(("client", client_id), self._client_rate, self._client_rate * BURST_S))
        if pause := await self._limits.reserve(self._wire, slot, 0.0):
            raise TooManyRequests(
                f"this API client may send {self._client_rate:g} requests a second; spread them", retry_after=pause
            )

    @contextmanager
    def call(self, organization_id: str) -> Iterator[None]:
        """Count a call to Amazon as long as it is under way.

        Raises:
            TooManyRequests: the organization has as many under way as it may have.
        """
        if self._under_way[organization_id] >= AT_ONCE:
            raise TooManyRequests(f"{AT_ONCE} calls of this organization are under way; wait for answers")
        self._under_way[organization_id] += 1
        try:
            yield
        except asyncio.CancelledError:  # what was sent cannot be called back, see `AsyncWire`
            asyncio.get_running_loop().call_later(LINGER_S, self._end, organization_id)
            raise
        except BaseException:
            self._end(organization_id)
            raise
        else:
            self._end(organization_id)

    def _end(self, organization_id: str) -> None:
        self._under_way[organization_id] -= 1
        if not self._under_way[organization_id]:
            del self._under_way[organization_id]


def _bucket(address: str) -> int:
    return int.from_bytes(hashlib.sha256(_site(address).encode()).digest()[:8]) % BUCKETS


def _site(address: str) -> str:
    """Return what stands for all addresses of one customer of a provider."""
    try:
        found = ip_address(address)
    except ValueError:
        try:  # some proxies write a port too
            found = ip_address(urlsplit(f"//{address}").hostname or "")
        except ValueError:
            return "unknown"
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or ip_network((found, SITE_BITS), strict=False))
    return str(found)


def _too_often(pause: float) -> TooManyRequests:
    return TooManyRequests("this address was wrong too often; wait", retry_after=pause, limit=int(WRONG_BURST))
