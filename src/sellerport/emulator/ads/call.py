"""One call of the Ads API as every family's code sees it, and the refusals in Amazon's words.

Families write an error each in their own way, so a refusal is raised with the whole body that it is answered with.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

import msgspec

from sellerport.emulator.ads.advertisers import Access, Profile
from sellerport.emulator.ads.book import Book
from sellerport.emulator.call import Answer
from sellerport.emulator.faults import Fault
from sellerport.emulator.grants import AccessToken
from sellerport.emulator.world import World

T = TypeVar("T")


class Refused(Exception):
    """A call that is answered with an error."""

    def __init__(self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, body)
        self.status, self.body, self.headers = status, body, headers or {}


def denied(details: str, status: int = 401) -> Refused:
    """Return a refusal of the gateway, which every family is behind; it adds the id of the request."""
    return Refused(status, {"code": str(status), "details": details})


def invalid(message: str, code: str = "INVALID_ARGUMENT", status: int = 400) -> Refused:
    """Return a refusal as SP v3, portfolios, SB v4 and v1 write it."""
    return Refused(status, {"code": code, "message": message})


def not_one_of(value: Any, place: str, allowed: Collection[str]) -> Refused:
    """Return the refusal of a value that an enumeration has not."""
    shown = f"[{', '.join(map(str, value))}]" if isinstance(value, list) else value
    return invalid(
        f"1 validation error detected: Value '{shown}' at '{place}' failed to satisfy constraint: "
        f"Member must satisfy enum value set: [{', '.join(allowed)}]"
    )


@dataclass(frozen=True)
class AdsCall:
    """A call that the gateway let through; what is in the path and the query is decoded."""

    world: World
    method: str
    route: str
    """The path, with names in place of what differs: ``/sd/campaigns/{campaignId}``."""
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    headers: Mapping[str, str] = field(repr=False)
    """By lower-case name."""
    token: AccessToken = field(repr=False)
    region: str | None
    """Whose host was asked; None where none was named."""
    held: Profile | None
    """The profile of the Scope header, where the operation wants one."""
    address: str
    """Where the local Amazon was reached."""
    fault: Fault | None = None
    """What was planned for this call and is its family's to do."""

    @property
    def id(self) -> str:
        """The id that the path ends with."""
        return [*self.path.values()][-1]

    @property
    def profile(self) -> Profile:
        """Who advertises."""
        assert self.held is not None, "an operation without a profile asked for it"
        return self.held

    @property
    def book(self) -> Book:
        """What the profile advertises."""
        return self.world.ads.book(self.profile)

    @property
    def person(self) -> str:
        """The e-mail address of who gave the grant."""
        assert self.token.advertiser is not None
        return self.token.advertiser.person

    @property
    def represented(self) -> bool:
        """Whether a write's answer is to show what was written."""
        return "return=representation" in self.headers.get("prefer", "").replace(" ", "")

    def mine(self) -> list[tuple[Profile, Access]]:
        """Return the profiles of who calls, in the region that was asked."""
        seen = self.world.ads.seen_by(self.person)
        return [(one, access) for one, access in seen if self.region in (None, one.marketplace.region)]

    def number(self, name: str, default: int, *, most: int) -> int:
        """Return a whole number from the query, as SD and SB v3 take it.

        Raises:
            Refused: it is none, or out of bounds.
        """
        text = self.query.get(name, "")
        if not text:
            return default
        if not text.isascii() or not text.isdigit() or int(text) > most:
            raise denied(f"{name} must be a number from 0 to {most}", 400)
        return int(text)

    def many(self, name: str) -> list[str]:
        """Return a comma-separated list from the query."""
        return [part.strip() for part in self.query.get(name, "").split(",") if part.strip()]


class Endpoint(NamedTuple):
    """Who answers an operation."""

    answer: Callable[[AdsCall], Answer]
    profile: bool = True
    """Whether a call has to say for which profile it is."""


def object_of(body: Any) -> dict[str, Any]:
    """Return a body that may be left out, and is an object otherwise.

    Raises:
        Refused: it is something else.
    """
    if body is None:
        return {}
    if not isinstance(body, dict):
        raise invalid("The request body has to be a JSON object")
    return body


def page(
    call: AdsCall,
    rows: Sequence[T],
    body: Mapping[str, Any],
    *,
    most: int,
    default: int,
) -> tuple[Sequence[T], dict[str, str]]:
    """Return the page of a list that a body asks for, and the token of the next one, if there is one.

    A token says how far the list was turned, and is good for the same filters of the same profile.

    Raises:
        Refused: ``maxResults`` is no number from 1 to the most, or the token is not of this list.
    """
    asked = body.get("maxResults")
    size = default if asked is None else asked
    if isinstance(size, str) and size.isascii() and size.isdigit():
        size = int(size)
    if type(size) is float and size.is_integer():
        size = int(size)
    if type(size) is not int or not 1 <= size <= most:
        raise invalid(f"maxResults must be from 1 to {most}")
    list_ = _list(call, body)
    token = body.get("nextToken")
    start = 0 if token in (None, "") else _place(token, list_)
    if call.fault is not None and call.fault.answer == "empty-page":
        return [], {"nextToken": _token(list_, start)}
    following = start + size
    return rows[start:following], {"nextToken": _token(list_, following)} if following < len(rows) else {}


def _list(call: AdsCall, body: Mapping[str, Any]) -> bytes:
    """Return what a token has to fit: the same for two requests that want the same list."""
    filters = {name: value for name, value in body.items() if name not in ("nextToken", "maxResults")}
    profile = call.held.id if call.held else call.person
    said = msgspec.json.encode((call.world.seed, call.route, profile, filters), order="deterministic")
    return hashlib.sha256(said).digest()[:12]


def _token(list_: bytes, start: int) -> str:
    return base64.urlsafe_b64encode(list_ + start.to_bytes(6)).decode()


def _place(token: Any, list_: bytes) -> int:
    try:
        decoded = base64.b64decode(str(token).encode(), b"-_", validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if len(decoded) != 18 or decoded[:12] != list_:
        raise invalid("nextToken is not valid for these filters")
    return int.from_bytes(decoded[12:])


def moment(when: float) -> str:
    """Return unix seconds as Amazon's ads write a time."""
    written = datetime.fromtimestamp(round(when, 3), UTC).isoformat(timespec="milliseconds")
    return written.removesuffix("+00:00") + "Z"
