"""How often an account may call an operation: one bucket for each application, account and operation.

Amazon fills a bucket with ``rate`` tokens a second up to ``burst``, and answers 429 when it is empty. The same bucket
is kept here with GCRA, which needs one number: the theoretical arrival time of the next call. Rates start from the
catalogue and follow ``x-amzn-RateLimit-Limit``, which Amazon sends with 20x, 400 and 404; where neither says anything
there is no limit until Amazon answers 429, and then one call a second.

Source: Amazon's page "Usage plans and rate limits".
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from sellerport.catalog import Operation


@dataclass(slots=True)
class _Bucket:
    rate: float | None
    burst: float
    arrival: float = 0.0
    """The theoretical arrival time (GCRA), in the clock's seconds."""


class Limits:
    """The buckets of a process, which threads may share.

    Args:
        clock: seconds, from any start; it never goes back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[tuple[object, str], _Bucket] = {}
        self._lock = threading.Lock()

    def reserve(self, account: object, operation: Operation, most_s: float = float("inf")) -> float:
        """Take a slot, and return how many seconds to wait until it comes; one later than ``most_s`` is not taken."""
        with self._lock:
            bucket = self._bucket(account, operation)
            if bucket.rate is None:
                return 0.0
            now, interval = self._clock(), 1 / bucket.rate
            arrival = max(bucket.arrival, now) + interval
            wait = max(0.0, round(arrival - bucket.burst * interval - now, 6))  # what is less is only rounding
            if wait <= most_s:
                bucket.arrival = arrival
            return wait

    def give_back(self, account: object, operation: Operation) -> None:
        """Return a slot that was taken and not used."""
        with self._lock:
            bucket = self._bucket(account, operation)
            if bucket.rate is not None:
                bucket.arrival -= 1 / bucket.rate

    def learn(self, account: object, operation: Operation, header: str | None) -> None:
        """Take over the rate that Amazon states in ``x-amzn-RateLimit-Limit``."""
        if header is None:
            return
        try:
            rate = float(header)
        except ValueError:
            return
        with self._lock:
            bucket = self._bucket(account, operation)
            if rate > 0 and rate != bucket.rate:
                now = self._clock()
                if bucket.rate is not None and bucket.arrival > now:  # as many tokens are missing as before
                    bucket.arrival = now + (bucket.arrival - now) * bucket.rate / rate
                bucket.rate = rate

    def throttled(self, account: object, operation: Operation) -> None:
        """Note that Amazon answered 429: the bucket is empty, so that the next slot is one interval away."""
        with self._lock:
            bucket = self._bucket(account, operation)
            bucket.rate = bucket.rate or 1.0
            bucket.arrival = max(bucket.arrival, self._clock() + bucket.burst / bucket.rate)

    def _bucket(self, account: object, operation: Operation) -> _Bucket:
        key = (account, operation.key)
        found = self._buckets.get(key)
        if found is None:
            found = self._buckets[key] = _Bucket(operation.rate, operation.burst or 1.0)
        return found
