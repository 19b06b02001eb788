"""What the hub hands out: values, without anything sealed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from sellerport.errors import InvalidArguments, Problem

Platform = Literal["seller-partner", "ads"]
Status = Literal["pending", "active", "needs_consent", "disconnected"]
WorkspaceStatus = Literal["active", "inactive"]
Privacy = Literal["placeholders", "remove"]
"""What stands where personal data was."""
Tier = Literal["standard", "enhanced", "enterprise"]
"""What a tenant of the gateway attested."""

NAMES: Mapping[Platform, str] = MappingProxyType({"seller-partner": "Amazon Seller Partner", "ads": "Amazon Ads"})
"""What connections are called that nobody gave a name."""

NAME_LENGTH = 200

OPERATOR = "operator"
"""The actor of what is done on the database directly; an API client is ``client:`` and its id, a tenant ``tenant:``."""
OWNER = "owner"
"""The actor of what an account's owner did in a browser."""
SERVER = "server"
"""The actor of what nobody asked for."""


@dataclass(frozen=True)
class Caller:
    """Who asks: every question is answered within this organization."""

    organization_id: str
    client_id: str | None = None
    """The API client; None is the operator, who works on the database directly."""

    workspace_id: str | None = None
    customer: str | None = None
    """The one customer whose connections the caller may see, and that it is, for a caller with a scoped token."""
    tenant: bool = False
    """Whether it is the organization itself, with its token of the gateway."""

    @property
    def scoped(self) -> bool:
        """Whether the caller is bound to one customer. It may only read at Amazon then."""
        return self.customer is not None

    @property
    def actor(self) -> str:
        """How the audit calls them."""
        if self.tenant:
            return f"tenant:{self.organization_id}"
        return OPERATOR if self.client_id is None else f"client:{self.client_id}"


@dataclass(frozen=True)
class Organization:
    """A company that uses this server."""

    id: str
    name: str
    created_at: float


@dataclass(frozen=True)
class ApiClient:
    """A program of an organization."""

    id: str
    organization_id: str
    name: str
    created_at: float
    revoked_at: float | None


@dataclass(frozen=True)
class NewApiClient:
    """An API client just made; its secret is shown this once."""

    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class AccessToken:
    """What an API client sends with each request."""

    token: str = field(repr=False)
    expires_in: int
    organization_id: str


@dataclass(frozen=True)
class Application:
    """An Amazon developer application that an organization registered."""

    id: str
    organization_id: str
    platform: Platform
    name: str
    lwa_client_id: str
    application_id: str | None
    draft: bool
    created_at: float
    updated_at: float


@dataclass(frozen=True)
class Workspace:
    """A customer, as the connector API knows it."""

    id: str
    organization_id: str
    name: str
    """The customer's."""
    status: WorkspaceStatus
    cache_enabled: bool | None
    """Kept for the caller, and given back: there is no cache."""
    created_at: float
    updated_at: float


@dataclass(frozen=True)
class Connection:
    """One Amazon account, reached through one application, in one region."""

    id: str
    organization_id: str
    customer: str | None
    """None for one that is pending: its owner began at Amazon, and nobody has said whose it is."""
    name: str
    platform: Platform
    region: str
    marketplace: str
    application_id: str | None
    status: Status
    selling_partner_id: str | None
    replication_config: dict[str, Any]
    entities: list[dict[str, Any]] | None
    """Which entities may do what (see `permissions`); None is whatever the caller may."""
    last_success_at: float | None
    last_error_at: float | None
    last_error: str | None
    created_at: float
    updated_at: float
    granted_at: float | None
    profiles: int | None
    """How many advertising profiles it reaches, in all regions; None where that is not known, and of sellers."""
    profile_id: str | None
    """The advertising profile, where there is exactly one."""


def is_partner_id(text: str) -> bool:
    """Return whether a text can be Amazon's id of an account."""
    return text.isascii() and text.isalnum() and len(text) <= 64


def required(**texts: str) -> None:
    """Check names that people give: not empty, not longer than 200 characters, printable.

    Raises:
        InvalidArguments: lists every one that is not.
    """
    problems = [
        Problem(field, f"must have 1 to {NAME_LENGTH} printable characters")
        for field, text in texts.items()
        if not text.strip() or len(text) > NAME_LENGTH or not text.isprintable()
    ]
    if problems:
        raise InvalidArguments(problems=problems)
