"""Who is signed in to Seller Central or Vendor Central, and which consents wait for the application's Login URI.

A session begins with the first page that a browser sees; signing in is choosing an owner. Only the latest sessions are
remembered, so that looking at pages takes no memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sellerport.emulator.grants import Application
    from sellerport.emulator.world import Account

REMEMBERED = 1000
WAIT_S = 3600
"""How long an owner may take to sign in to the application; Amazon's limit is not known."""


@dataclass(frozen=True)
class Session:
    """One browser; ``form_token`` comes back with every form of its pages, and no other site knows it."""

    id: str = field(repr=False)
    form_token: str = field(repr=False)
    owner: str | None = None


@dataclass(frozen=True)
class Waiting:
    """A consent that was given on Amazon's side, until the application sends the browser back."""

    application: Application
    account: Account
    expires_at: float


class Sessions:
    """All of both; ``secret`` makes a new token of a prefix and so many digits."""

    def __init__(self, secret: Callable[[str, int], str]) -> None:
        self._secret = secret
        self._sessions: dict[str, Session] = {}
        self._waiting: dict[str, Waiting] = {}

    def find(self, id: str | None) -> Session | None:
        """Return a browser's session."""
        return self._sessions.get(id or "")

    def begin(self, owner: str | None = None) -> Session:
        """Begin a session, signed in or not."""
        session = Session(self._secret("", 32), self._secret("", 32), owner)
        self._sessions[session.id] = session
        forget_the_oldest(self._sessions, REMEMBERED)
        return session

    def end(self, session: Session) -> None:
        """Sign out."""
        self._sessions.pop(session.id, None)

    def wait(self, waiting: Waiting) -> str:
        """Keep a consent, and return its ``amazon_state``."""
        amazon_state = self._secret("", 48)
        self._waiting[amazon_state] = waiting
        forget_the_oldest(self._waiting, REMEMBERED)
        return amazon_state

    def waiting(self, amazon_state: str, now: float) -> Waiting | None:
        """Return what waits under an ``amazon_state``, if it is not too late."""
        waiting = self._waiting.get(amazon_state)
        return waiting if waiting is not None and waiting.expires_at > now else None

    def go_on(self, amazon_state: str) -> None:
        """End the wait: an ``amazon_state`` is good once."""
        self._waiting.pop(amazon_state, None)


def forget_the_oldest(held: dict[str, Any], most: int) -> None:
    """Let what was put in first go, when there are too many."""
    if len(held) > most:
        del held[next(iter(held))]
