"""One call of an operation as every API's code sees it, its answer, and the refusals in Amazon's words.

A refusal is raised as the `AmazonError` that a client would make of it: it has the same facts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import jsonschema_rs
import msgspec

from sellerport import catalog
from sellerport.catalog import Operation
from sellerport.emulator.grants import AccessToken, Application
from sellerport.emulator.world import Account, World
from sellerport.errors import AccessDenied, AmazonNotFound, AmazonRefused

DENIED = "Access to requested resource is denied."

MESSAGES = {
    400: ("InvalidInput", "Invalid Input"),
    401: ("Unauthorized", DENIED),
    403: ("Unauthorized", DENIED),
    404: ("NotFound", "Resource Not Found"),
    429: ("QuotaExceeded", "You exceeded your quota for the requested resource."),
    500: ("InternalFailure", "We encountered an internal error. Please try again."),
    503: ("ServiceUnavailable", "Service is temporarily unavailable. Please try again."),
}


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
    address: str
    """Where the local Amazon was reached."""
    elements: frozenset[str] = frozenset()
    """The personal data that the token opens."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """As they arrived, by lower-case name."""
    host: str = ""
    """Which of Amazon's hosts was named, if one was."""
    redeemed: list[str] = field(default_factory=list, repr=False)
    """The page tokens that it was answered for."""

    @property
    def application(self) -> Application:
        """Who calls."""
        return self.token.application

    @property
    def seller(self) -> str:
        """The selling partner id; nothing for a grantless call."""
        return self.account.selling_partner_id if self.account else ""

    def one(self, name: str) -> str | None:
        """Return a query parameter; the first, where a client repeats it."""
        return next((value for value in self.query.get(name, ()) if value), None)

    def many(self, name: str) -> list[str]:
        """Return a list from the query, comma-joined, repeated or both, as clients send it."""
        return [part for value in self.query.get(name, ()) for part in value.split(",") if part]

    def one_of(self, name: str, known: Collection[str] = ()) -> str | None:
        """Return a query parameter that has to be one of these, or else of those that the catalogue has for it.

        Where it is not given, that is what the catalogue says it is then.

        Raises:
            AmazonRefused: it is another one.
        """
        schema = next(one.schema for one in self.operation.parameters if one.wire == name)
        given = self.one(name)
        if given is not None and given not in (known or schema["enum"]):
            raise invalid(f"{name} has an unknown value: {given}")
        return schema.get("default") if given is None else given

    def size(self, name: str, *, most: int, default: int) -> int:
        """Return a page size from the query.

        Raises:
            AmazonRefused: it is none, or out of bounds.
        """
        text = self.one(name)
        if text is None:
            return default
        if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= most:
            raise invalid(f"{name} must be from 1 to {most}")
        return int(text)

    def checked_body(self) -> dict[str, Any]:
        """Return the body, which must be what the catalogue's schema says.

        Raises:
            AmazonRefused: it is not.
        """
        schemas = catalog.schemas(self.operation.api)
        schema = {"$ref": f"#/$defs/{schemas.of(self.operation).body}", "$defs": schemas.definitions}
        for error in jsonschema_rs.iter_errors(schema, self.body):
            raise invalid(f"{'.'.join(map(str, error.instance_path)) or 'Request body'}: {error.message}")
        checked: dict[str, Any] = self.body
        return checked

    def time(self, name: str) -> float | None:
        """Return a date from the query, as unix seconds.

        Raises:
            AmazonRefused: it is none.
        """
        text = self.one(name)
        return None if text is None else unix_seconds(text, name)


@dataclass(frozen=True)
class Answer:
    """What a call is answered with; without a body, nothing is sent."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def bytes(self) -> bytes:
        """The body as JSON."""
        return b"" if self.body is None else msgspec.json.encode(self.body)


def unix_seconds(text: str, name: str) -> float:
    """Return a date as unix seconds; without a time zone it is in UTC.

    Raises:
        AmazonRefused: it is none, or one that is not in the years 1 to 9999 in UTC.
    """
    try:
        when = datetime.fromisoformat(text)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        raise invalid(f"{name} is not a date in ISO 8601 format") from None


def moment(when: float) -> str:
    """Return unix seconds as most of Amazon's APIs write them; the document APIs have another form of their own."""
    return f"{datetime.fromtimestamp(int(when), UTC):%Y-%m-%dT%H:%M:%SZ}"


def invalid(details: str) -> AmazonRefused:
    """400: something in the request is wrong."""
    return AmazonRefused("Invalid Input", status=400, amazon_code="InvalidInput", details=details)


def refused(message: str, *, status: int = 400, code: str = "InvalidInput") -> AmazonRefused:
    """400 or what is said, in words of one API's own; there are no details then."""
    kind = AmazonNotFound if status == 404 else AmazonRefused
    return kind(message, status=status, amazon_code=code, details="")


def all_of(refusals: Sequence[AmazonRefused]) -> AmazonRefused:
    """Return several refusals as one, which tells each of them; its status is that of the first."""
    first = refusals[0]
    return AmazonRefused(
        first.message,
        status=first.status,
        amazon_code=first.amazon_code,
        details=first.details,
        errors=[{"code": one.amazon_code, "message": one.message, "details": one.details} for one in refusals],
    )


def denied(details: str = "") -> AccessDenied:
    """403: this token may not do this."""
    return AccessDenied(DENIED, status=403, amazon_code="Unauthorized", details=details)


def missing(details: str) -> AmazonNotFound:
    """404: no such thing."""
    return AmazonNotFound("Resource Not Found", status=404, amazon_code="NotFound", details=details)
