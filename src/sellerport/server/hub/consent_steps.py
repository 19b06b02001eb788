"""What the consent flow hands out at each of its steps."""

from __future__ import annotations

from dataclasses import dataclass, field

from sellerport.errors import ConsentError
from sellerport.server.hub.records import Connection, Platform


@dataclass(frozen=True)
class Invitation:
    """What an account's owner is told before they go on to Amazon."""

    organization: str
    host: str
    """Amazon's site that they come to."""
    vendor: bool = False
    renews: bool = False
    selling_partner_id: str | None = None
    """The account, where Amazon named it."""
    platform: Platform = "seller-partner"


@dataclass(frozen=True)
class Started:
    """Where a browser goes next, and the cookie by which it will be known when it comes back."""

    location: str = field(repr=False)
    cookie: str
    value: str = field(repr=False)


@dataclass(frozen=True)
class Pushed:
    """A request that a tenant of the gateway pushed: what a browser has to bring, and for how long, in seconds."""

    request_uri: str = field(repr=False)
    authorize_url: str = field(repr=False)
    expires_in: int


@dataclass(frozen=True)
class Answered:
    """Where a browser goes that came back to the gateway, and the cookie that it needs no more."""

    location: str = field(repr=False)
    cookie: str
    error: ConsentError | None = None


@dataclass(frozen=True)
class Finished:
    """How a consent ended: with a connection or an error; ``location`` is the return URL, if there is one."""

    cookie: str
    organization: str
    connection: Connection | None = None
    error: ConsentError | None = None
    link: str | None = field(default=None, repr=False)
    """Where the owner may try again."""
    location: str | None = field(default=None, repr=False)
