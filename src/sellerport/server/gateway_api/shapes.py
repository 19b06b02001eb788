"""What the gateway answers, as types: the description is made of them."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class ErrorFacts(TypedDict):
    """What went wrong; the message is the contract's, the rest is ours."""

    message: str
    code: str
    request_id: str | None


class Refused(TypedDict):
    """What every route answers when it does not do what was asked."""

    success: Literal[False]
    error: ErrorFacts


class CreatedTenant(TypedDict):
    """A tenant just made; its refresh token is shown this once."""

    tenant_id: str
    refresh_token: str


class Access(TypedDict):
    """An access token; how long it is good is ours."""

    access_token: str
    token_type: Literal["bearer"]
    expires_in: int
    expires_at: str


class Replaced(TypedDict):
    """Another refresh token, and for how many seconds the one before is good still."""

    refresh_token: str
    previous_expires_in: int


class CreatedSeller(TypedDict):
    """A seller just made; its refresh token is shown this once."""

    seller_id: str
    refresh_token: str


class Seller(TypedDict):
    """A seller. Times are ISO 8601."""

    seller_id: str
    selling_partner_id: str
    marketplace_region: Literal["us-east-1", "eu-west-1", "us-west-2"]
    name: str | None
    callback_url: str | None
    sandbox: bool
    status: Literal["pending", "awaiting_secret", "active", "reauth_due", "expired", "revoked", "disconnected"]
    created_at: str
    updated_at: str
    claimed_at: str | None
    authorization_expires_at: str | None
    last_success_at: str | None
    last_error_at: str | None
    last_error: str | None


class SellerList(TypedDict):
    """One page of sellers; ``next`` is what the page after it is asked for with (``after``)."""

    sellers: list[Seller]
    next: str | None


class Participation(TypedDict):
    """A marketplace, and whether the seller trades there."""

    marketplace_id: str
    country: str | None
    participating: bool


class Tested(TypedDict):
    """How a call to Amazon went."""

    status: Literal["succeeded", "failed"]
    marketplaces: list[Participation]
    error: str | None
    message: str | None


class DeletedSeller(TypedDict):
    """What is gone."""

    seller_id: str
    deleted: Literal[True]


class Rotated(TypedDict):
    """Whose grant another secret opens now."""

    seller_id: str
    rotated: Literal[True]


class Introspected(TypedDict):
    """What a token is good for, as RFC 7662 has it; of one that is not good, no more than that."""

    active: bool
    token_type: NotRequired[Literal["adb_access", "seller_access", "tenant_refresh", "seller_refresh"]]
    tenant_id: NotRequired[str]
    seller_id: NotRequired[str]
    iat: NotRequired[int]
    exp: NotRequired[int]
    jti: NotRequired[str]


class Nothing(TypedDict):
    """No more than that it is done."""
