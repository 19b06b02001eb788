"""Notices when something fails for everybody, so that nobody makes it worse by trying again."""

from __future__ import annotations

from collections.abc import Callable

WINDOW_S = 60.0
OPEN_S = 60.0
LEAST = 20
SHARE = 0.2
PROBE_EVERY_S = 1.0


class Breaker:
    """Counts what goes well and what does not; opens when too much of a minute's work failed, for a minute.

    While it is open, one attempt a second is let through. Failures of these keep it open.

    Args:
        clock: seconds, monotonic.
        least: how many attempts a judgement needs.
        share: which part of them may fail, from 0 to 1.
    """

    def __init__(self, clock: Callable[[], float], least: int = LEAST, share: float = SHARE) -> None:
        self._clock = clock
        self._least = least
        self._share = share
        self._since = clock()
        self._good = self._bad = 0
        self._open_until: float | None = None
        self._probe_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether too much fails."""
        return self._open_until is not None and self._clock() < self._open_until

    def allows(self) -> bool:
        """Return whether to try; while it is open, True once a second."""
        if not self.is_open:
            return True
        now = self._clock()
        if now < self._probe_at:
            return False
        self._probe_at = now + PROBE_EVERY_S
        return True

    def note(self, good: bool) -> None:
        """Count an attempt."""
        now = self._clock()
        if now - self._since >= WINDOW_S:
            self._since, self._good, self._bad = now, 0, 0
        if good:
            self._good += 1
            return
        self._bad += 1
        tried = self._good + self._bad
        if tried >= self._least and self._bad > self._share * tried:
            if not self.is_open:
                self._probe_at = now + PROBE_EVERY_S
            self._open_until = now + OPEN_S

    def close(self) -> None:
        """Let everything through, and judge by what comes from now on: it works again."""
        if self.is_open:
            self._open_until = None
            self._since, self._good, self._bad = self._clock(), 0, 0
