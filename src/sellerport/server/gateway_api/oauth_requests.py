"""Consents that a tenant's software begins itself, so that the seller's browser brings no secret (RFC 9126)."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypedDict
from urllib.parse import quote_plus

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from sellerport.server.gateway_api.answers import success
from sellerport.server.gateway_api.requests import object_of, optional_text, tenant_of
from sellerport.server.gateway_api.secrets import LONGEST, SHORTEST, canonical
from sellerport.server.gateway_api.table import Endpoint
from sellerport.server.hub import Asked
from sellerport.server.requests import hub_of


class PushedRequest(msgspec.Struct):
    """What `/auth/initialize` takes, and which account has to be the one; ``tenantId`` is the token's."""

    state: str
    marketplace_region: Literal["us-east-1", "eu-west-1", "us-west-2"]
    amazonTokenSecret: Annotated[str, msgspec.Meta(min_length=SHORTEST, max_length=LONGEST)]
    sellerRedirectUrl: str
    tenantId: str | None = None
    marketplace: str | None = None
    account_type: Literal["seller", "vendor"] | None = None
    expected_selling_partner_id: str | None = None
    claim_challenge: str | None = None


class Pushed(TypedDict):
    """Where to send the seller's browser, once, within so many seconds."""

    authorize_url: str
    request_uri: str
    expires_in: int


async def push(request: Request) -> Response:
    """Begin a consent; the answer has the address to send the seller's browser to."""
    caller, given = await tenant_of(request), await object_of(request)

    def required(name: str) -> str:
        value: Any = given.get(name)
        return value if isinstance(value, str) and "\0" not in value else ""  # what is missing is said in order

    def optional(name: str) -> str:
        return optional_text(given, name) or ""

    asked = Asked(
        state=quote_plus(required("state")),
        tenant_id=optional("tenantId") or caller.organization_id,
        marketplace_region=required("marketplace_region"),
        secret=canonical(required("amazonTokenSecret")),
        return_url=required("sellerRedirectUrl"),
        marketplace=optional("marketplace"),
        account_type=optional("account_type"),
        claim_challenge=optional("claim_challenge"),
        selling_partner_id=optional("expected_selling_partner_id"),
    )
    pushed = await hub_of(request).gateway.registrations.push(caller, asked)
    body: Pushed = {
        "authorize_url": pushed.authorize_url,
        "request_uri": pushed.request_uri,
        "expires_in": pushed.expires_in,
    }
    return success(body)


ENDPOINTS = [Endpoint("POST", "/api/oauth/requests", push, Pushed, "tenant", PushedRequest)]
