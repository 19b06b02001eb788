"""A connection with its grant, and where that came from: for the hub alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import RowMapping

from sellerport.oauth import LwaClient
from sellerport.server.hub.profiles import Advertiser
from sellerport.server.hub.proof import Proof
from sellerport.server.hub.records import Connection


@dataclass(frozen=True)
class Opened:
    """A connection with its grant."""

    connection: Connection
    client: LwaClient
    refresh_token: str = field(repr=False)
    generation: int
    """Which of the connection's grants it is: what is noted of one does not hold for the next."""
    row: RowMapping = field(repr=False)
    """As the database has it, sealed."""
    previous_client: LwaClient | None = field(default=None, repr=False)
    """The same application with the secret before its newest, while Amazon accepts that one too."""
    held_secret: str | None = field(default=None, repr=False)
    """What opened it besides the server's keys, where its owner holds that."""


@dataclass(frozen=True)
class Origin:
    """The consent that brought a grant, and what Amazon said of the account."""

    consent_id: str
    proof: Proof | Advertiser

    def columns(self, now: float) -> dict[str, Any]:
        """Return what a connection keeps of it: how the account is known again, and why that may not be known yet."""
        if self.proof.trouble is not None:
            return {"last_error": self.proof.trouble, "last_error_at": now}
        return self.proof.columns()
