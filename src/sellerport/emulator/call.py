"""One call of an operation as every API's code sees it, its answer, and the refusals in Amazon's words.

A refusal is raised as the `AmazonError` that a client would make of it: it has the same facts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from sellerport.catalog import Operation
from sellerport.emulator.world import AccessToken, Account, Application, World
from sellerport.errors import AccessDenied, AmazonNotFound, AmazonRefused

DENIED = "Access to requested resource is denied."


@dataclass(frozen=True)
class Call:
    """A call that Amazon's gateway let through; parameters are decoded."""

    world: World
    operation: Operation
    path: Mapping[str, str]
    query: Mapping[str, list[str]]
    body: Any
    token: AccessToken
    account: Account | None
    """None for a grantless call."""
    region: str
    elements: frozenset[str] = frozenset()
    """The personal data that the token opens."""

    @property
    def application(self) -> Application:
        """Who calls."""
        return self.token.application

    def one(self, name: str) -> str | None:
        """Return a query parameter; the first, where a client repeats it."""
        return next((value for value in self.query.get(name, ()) if value), None)

    def many(self, name: str) -> list[str]:
        """Return a list from the query, comma-joined, repeated or both, as clients send it."""
        return [part for value in self.query.get(name, ()) for part in value.split(",") if part]

    def time(self, name: str) -> float | None:
        """Return a date from the query, as unix seconds.

        Raises:
            AmazonRefused: it is none.
        """
        text = self.one(name)
        if text is None:
            return None
        try:
            when = datetime.fromisoformat(text)
            return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            raise invalid(f"{name} is not a date in ISO 8601 format") from None


@dataclass(frozen=True)
class Answer:
    """What a call is answered with; without a body, nothing is sent."""

    body: Any = None
    status: int = 200

    def bytes(self) -> bytes:
        """The body as JSON."""
        return b"" if self.body is None else msgspec.json.encode(self.body)


def invalid(details: str) -> AmazonRefused:
    """400: something in the request is wrong."""
    return AmazonRefused("Invalid Input", status=400, amazon_code="InvalidInput", details=details)


def denied(details: str = "") -> AccessDenied:
    """403: this token may not do this."""
    return AccessDenied(DENIED, status=403, amazon_code="Unauthorized", details=details)


def missing(details: str) -> AmazonNotFound:
    """404: no such thing."""
    return AmazonNotFound("Resource Not Found", status=404, amazon_code="NotFound", details=details)
