"""Claim codes: a tenant's software shows what the seller's browser brought, and gets the seller."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from sellerport.errors import ConsentError, NotFound
from sellerport.regions import AWS_REGIONS
from sellerport.server.gateway_api.answers import success, written
from sellerport.server.gateway_api.requests import object_of, optional_text, tenant_of, text_of
from sellerport.server.gateway_api.table import Endpoint
from sellerport.server.hub import NAMES
from sellerport.server.requests import hub_of

_NAMES: dict[str, Any] = {region: name for name, region in AWS_REGIONS.items()}


class ClaimCode(msgspec.Struct):
    """What the browser brought, what to call the seller, and where its tenant is told of it.

    ``claim_verifier`` is what the consent was begun with the hash of, as ``claim_challenge``.
    """

    seller_id: str
    code: str
    name: str | None = None
    callback_url: str | None = None
    claim_verifier: str | None = None


class Claimed(TypedDict):
    """The seller's refresh token, which is shown this once, and what else is known of it."""

    refresh_token: str
    seller_id: str
    selling_partner_id: str
    marketplace_region: Literal["us-east-1", "eu-west-1", "us-west-2"]
    authorization_expires_at: str | None


async def claim_code(request: Request) -> Response:
    """Exchange a claim code for a seller's refresh token; what the seller had before ends."""
    given = await object_of(request)
    seller_id, code = text_of(given, "seller_id"), text_of(given, "code")
    caller, hub = await tenant_of(request), hub_of(request)
    name, callback_url, verifier = (optional_text(given, it) for it in ("name", "callback_url", "claim_verifier"))
    try:
        claimed = await hub.gateway.claims.take(
            caller,
            seller_id,
            code,
            name=name if name and not name.isspace() else NAMES["seller-partner"],
            callback_url=callback_url or None,
            verifier=verifier or "",
        )
    except (ConsentError, NotFound):  # who guesses has to slow down
        await hub.quotas.wrong(request.state.address, "api")
        raise
    body: Claimed = {
        "refresh_token": claimed.refresh_token,
        "seller_id": claimed.seller_id,
        "selling_partner_id": claimed.selling_partner_id,
        "marketplace_region": _NAMES[claimed.region],
        "authorization_expires_at": written(claimed.authorization_expires_at),
    }
    return success(body)


ENDPOINTS = [Endpoint("POST", "/api/claim-code", claim_code, Claimed, "tenant", ClaimCode)]
