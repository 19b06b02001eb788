"""How a tenant gets a seller: for the claim code that its browser brought, or from what owners began at Amazon."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from sellerport.errors import ConsentError, NotFound
from sellerport.regions import AWS_REGIONS, MARKETPLACES
from sellerport.server.gateway_api import shapes
from sellerport.server.gateway_api.answers import success, written
from sellerport.server.gateway_api.requests import SECRET, object_of, optional_text, secret_of, tenant_of, text_of
from sellerport.server.gateway_api.secrets import checked
from sellerport.server.gateway_api.table import Endpoint
from sellerport.server.hub import NAMES, Claimed
from sellerport.server.requests import hub_of

_NAMES: dict[str, Any] = {region: name for name, region in AWS_REGIONS.items()}
_COUNTRIES = {shop.id: shop.country for shop in MARKETPLACES}


class ClaimCode(msgspec.Struct):
    """What the browser brought, what to call the seller, and where its tenant is told of it.

    ``claim_verifier`` is what the consent was begun with the hash of, as ``claim_challenge``.
    """

    seller_id: str
    code: str
    name: str | None = None
    callback_url: str | None = None
    claim_verifier: str | None = None


class ClaimedSeller(TypedDict):
    """The seller's refresh token, which is shown this once, and what else is known of it."""

    refresh_token: str
    seller_id: str
    selling_partner_id: str
    marketplace_region: Literal["us-east-1", "eu-west-1", "us-west-2"]
    authorization_expires_at: str | None
    marketplaces: list[shapes.Participation]


class TakeGrant(msgspec.Struct):
    """What to call the seller, and where its tenant is told of it."""

    name: str | None = None
    callback_url: str | None = None


class Waiting(TypedDict):
    """A grant whose owner began at Amazon; ``seller_id`` is the seller's that has this account already."""

    id: str
    selling_partner_id: str
    marketplace_region: Literal["us-east-1", "eu-west-1", "us-west-2"]
    seller_id: str | None
    authorized_at: str | None
    expires_at: str | None


class Inbox(TypedDict):
    """What waits for the tenant, the newest first."""

    grants: list[Waiting]


async def claim_code(request: Request) -> Response:
    """Exchange a claim code for a seller's refresh token; what the seller had before ends."""
    given = await object_of(request)
    seller_id, code = text_of(given, "seller_id"), text_of(given, "code")
    caller, hub = await tenant_of(request), hub_of(request)
    verifier = optional_text(given, "claim_verifier")
    try:
        claimed = await hub.gateway.claims.take(caller, seller_id, code, **_called(given), verifier=verifier or "")
    except (ConsentError, NotFound):  # who guesses has to slow down
        await hub.quotas.wrong(request.state.address, "api")
        raise
    return success(_claimed(claimed))


async def list_inbox(request: Request) -> Response:
    """List what owners authorized from Amazon's side, and no seller has yet."""
    caller = await tenant_of(request)
    found = await hub_of(request).gateway.inbox.all(caller)
    body: Inbox = {
        "grants": [
            {
                "id": one.id,
                "selling_partner_id": one.selling_partner_id,
                "marketplace_region": _NAMES[one.region],
                "seller_id": one.seller_id,
                "authorized_at": written(one.granted_at),
                "expires_at": written(one.expires_at),
            }
            for one in found
        ]
    }
    return success(body)


async def take_grant(request: Request) -> Response:
    """Make a seller of what waits, which the secret opens from then on; what the seller had before ends."""
    caller, given = await tenant_of(request), await object_of(request)
    secret, id = checked(secret_of(request), SECRET), request.path_params["grant"]
    if "\0" in id:
        raise NotFound("Grant not found")
    return success(_claimed(await hub_of(request).gateway.inbox.take(caller, id, secret, **_called(given))))


def _called(given: dict[str, Any]) -> dict[str, Any]:
    """Return what a seller is to be called, and where its tenant is told of it; neither need be said."""
    name, callback_url = optional_text(given, "name"), optional_text(given, "callback_url")
    return {
        "name": name if name and not name.isspace() else NAMES["seller-partner"],
        "callback_url": callback_url or None,
    }


def _claimed(claimed: Claimed) -> ClaimedSeller:
    return {
        "refresh_token": claimed.refresh_token,
        "seller_id": claimed.seller_id,
        "selling_partner_id": claimed.selling_partner_id,
        "marketplace_region": _NAMES[claimed.region],
        "authorization_expires_at": written(claimed.authorization_expires_at),
        "marketplaces": [
            {"marketplace_id": id, "country": _COUNTRIES.get(id), "participating": it}
            for id, it in claimed.marketplaces.items()
        ],
    }


ENDPOINTS = [
    Endpoint("POST", "/api/claim-code", claim_code, ClaimedSeller, "tenant", ClaimCode),
    Endpoint("GET", "/api/inbox", list_inbox, Inbox, "tenant"),
    Endpoint("POST", "/api/inbox/{grant}/claim", take_grant, ClaimedSeller, "tenant", TakeGrant, secret=True),
]
