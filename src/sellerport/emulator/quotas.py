"""How often an operation may be called: Amazon's token buckets, which tests turn on.

* A bucket belongs to an application, an account and an operation, starts full, and fills by the world's clock. Where
  the rate of an application is known, all of its accounts share a second one, which holds a second's worth.
* Rates are the catalogue's until others are set; an operation whose rate nobody knows is not limited.
* The sandbox has buckets of its own, the same for every operation.

Source: Amazon's pages "Usage plans and rate limits" and "Selling Partner API sandbox".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from sellerport.catalog import Operation
from sellerport.errors import InvalidArguments, Problem

Mode = Literal["off", "real", "fast"]

SANDBOX = 5.0, 15.0
"""Calls a second, and at once."""
FAST = 100.0
"""How many times faster buckets fill in the mode ``fast``, so that a test meets them sooner."""
FULL = 1 - 1e-6
"""What passes for a whole token: seconds since 1970 are only known to a quarter of a microsecond."""

EVERY = "*"


class Limit(NamedTuple):
    """What was set for an operation, instead of the catalogue's."""

    rate: float | None = None
    burst: float | None = None
    application_rate: float | None = None


class _Bucket(NamedTuple):
    tokens: float
    at: float


class Quotas:
    """Every bucket, and what was set."""

    def __init__(self, mode: Mode) -> None:
        self.mode = mode
        self.limits: dict[str, Limit] = {}
        """What was set, by operation; ``*`` is every operation for which nothing else was."""
        self._buckets: dict[tuple[str, ...], _Bucket] = {}

    def set(self, operation: str | None, limit: Limit) -> None:
        """Set limits of one operation, or of all; what is None stays as it is.

        Raises:
            InvalidArguments: a rate is not above 0, or a burst below 1.
        """
        problems = [
            Problem(name, "must be above 0" if least == 0 else "must be at least 1")
            for name, value, least in zip(limit._fields, limit, (0, 1, 0), strict=True)
            if value is not None and (value <= 0 or value < least)
        ]
        if problems:
            raise InvalidArguments(problems=problems)
        before = self.limits.get(operation or EVERY, Limit())
        self.limits[operation or EVERY] = Limit(
            *(old if new is None else new for old, new in zip(before, limit, strict=True))
        )

    def rate(self, operation: Operation, *, sandbox: bool) -> float | None:
        """Return how often one account may call an operation, a second; None where nobody knows."""
        return self._own(operation, sandbox=sandbox)[0]

    def take(self, operation: Operation, application: str, account: str, now: float, *, sandbox: bool) -> bool:
        """Take a token from each bucket; return whether all had one. None is taken where one had not."""
        if self.mode == "off":
            return True
        filled = {
            key: self._filled(key, rate, burst, now)
            for key, rate, burst in self._plans(operation, application, account, sandbox=sandbox)
        }
        enough = all(tokens >= FULL for tokens in filled.values())
        for key, tokens in filled.items():
            self._buckets[key] = _Bucket(tokens - enough, now)
        return enough

    def _plans(
        self, operation: Operation, application: str, account: str, *, sandbox: bool
    ) -> Iterator[tuple[tuple[str, ...], float, float]]:
        place = "sandbox" if sandbox else ""
        rate, burst = self._own(operation, sandbox=sandbox)
        if rate is not None:
            yield (place, operation.key, application, account), rate, burst
        shared = self._shared(operation)
        if shared is not None and not sandbox:
            yield (place, operation.key, application), shared, max(1.0, shared)

    def _own(self, operation: Operation, *, sandbox: bool) -> tuple[float | None, float]:
        faster = FAST if self.mode == "fast" else 1.0
        if sandbox:
            return SANDBOX[0] * faster, SANDBOX[1]
        limit = self._limit(operation)
        rate = operation.rate * faster if limit.rate is None and operation.rate is not None else limit.rate
        return rate, max(1.0, limit.burst or operation.burst or 1.0)

    def _shared(self, operation: Operation) -> float | None:
        limit = self._limit(operation)
        if limit.application_rate is not None or operation.application_rate is None:
            return limit.application_rate
        return operation.application_rate * (FAST if self.mode == "fast" else 1.0)

    def _limit(self, operation: Operation) -> Limit:
        return self.limits.get(operation.key) or self.limits.get(EVERY) or Limit()

    def _filled(self, key: tuple[str, ...], rate: float, burst: float, now: float) -> float:
        bucket = self._buckets.get(key)
        if bucket is None:
            return burst
        return min(burst, bucket.tokens + max(0.0, now - bucket.at) * rate)
