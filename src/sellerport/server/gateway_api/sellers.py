"""Sellers: what their tenants see of them, and do with them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from sellerport.errors import CallerError, NotFound
from sellerport.regions import AWS_REGIONS
from sellerport.server.gateway_api import shapes
from sellerport.server.gateway_api.answers import success, written
from sellerport.server.gateway_api.requests import object_of, optional_text, secret_of, tenant_of, text_of
from sellerport.server.gateway_api.secrets import LONGEST, SHORTEST, checked, wrong_length
from sellerport.server.gateway_api.table import Endpoint, Parameter
from sellerport.server.gateway_api.tenants import Replace
from sellerport.server.hub import GRACE_S, Seller, is_partner_id
from sellerport.server.requests import hub_of

NEW_SECRET = "x-new-amazon-token-secret"  # noqa: S105
MOST = 1000
"""Sellers in one answer."""

_NAMES: Mapping[str, Any] = MappingProxyType({region: name for name, region in AWS_REGIONS.items()})


class SandboxSeller(msgspec.Struct):
    """A seller of Amazon's sandbox: its grant, and the secret that is to open it."""

    name: str
    marketplace_region: Literal["us-east-1", "eu-west-1", "us-west-2"]
    amazonTokenSecret: Annotated[str, msgspec.Meta(min_length=SHORTEST, max_length=LONGEST)]
    amazon_refresh_token: str
    callback_url: str | None = None
    selling_partner_id: str | None = None


class SellerChanges(msgspec.Struct):
    """What a seller is called, and where its tenant is told of it; null removes the address."""

    name: str | None = None
    callback_url: str | None = None


async def create_sandbox(request: Request) -> Response:
    """Make a seller of Amazon's sandbox; the answer shows its refresh token, this once."""
    given = await object_of(request)
    name = text_of(given, "name")
    region = AWS_REGIONS.get(text_of(given, "marketplace_region"))
    if region is None:
        raise CallerError("marketplace_region is required")
    secret = checked(text_of(given, "amazonTokenSecret", wrong_length("amazonTokenSecret")), "amazonTokenSecret")
    refresh_token, account = text_of(given, "amazon_refresh_token"), optional_text(given, "selling_partner_id")
    if account is not None and not is_partner_id(account):
        raise CallerError("selling_partner_id must be letters and digits")
    caller = await tenant_of(request)
    made, token = await hub_of(request).gateway.sellers.create_sandbox(
        caller,
        name=name,
        callback_url=optional_text(given, "callback_url"),
        region=region,
        selling_partner_id=account,
        secret=secret,
        refresh_token=refresh_token,
    )
    body: shapes.CreatedSeller = {"seller_id": made.id, "refresh_token": token}
    return success(body)


async def list_all(request: Request) -> Response:
    """List the tenant's sellers, by id."""
    caller, most = await tenant_of(request), request.query_params.get("limit", "100")
    if not (re.fullmatch(r"[0-9]{1,4}", most) and 1 <= int(most) <= MOST):
        raise CallerError(f"limit must be a number from 1 to {MOST}")
    after = request.query_params.get("after", "")
    if "\0" in after:
        raise CallerError("after must be the `next` of the page before")
    found = await hub_of(request).gateway.sellers.all(caller, after=after, most=int(most) + 1)
    page = found[: int(most)]
    body: shapes.SellerList = {
        "sellers": [_seller(one) for one in page],
        "next": page[-1].id if len(found) > len(page) else None,
    }
    return success(body)


async def get(request: Request) -> Response:
    """Show one seller."""
    caller = await tenant_of(request)
    return success(_seller(await hub_of(request).gateway.sellers.get(caller, _id(request))))


async def change(request: Request) -> Response:
    """Change what a seller is called, and where its tenant is told of it."""
    caller, given = await tenant_of(request), await object_of(request)
    name, callback_url = optional_text(given, "name"), optional_text(given, "callback_url")
    if callback_url is None and "callback_url" in given:
        callback_url = ""
    sellers = hub_of(request).gateway.sellers
    return success(_seller(await sellers.change(caller, _id(request), name=name, callback_url=callback_url)))


async def delete(request: Request) -> Response:
    """Delete one seller, with its grant and tokens."""
    caller, id = await tenant_of(request), _id(request)
    await hub_of(request).gateway.sellers.delete(caller, id)
    body: shapes.DeletedSeller = {"seller_id": id, "deleted": True}
    return success(body)


async def disconnect(request: Request) -> Response:
    """Erase a seller's grant; the seller stays, and can authorize again."""
    caller = await tenant_of(request)
    return success(_seller(await hub_of(request).gateway.sellers.disconnect(caller, _id(request))))


async def test(request: Request) -> Response:
    """Ask Amazon where a seller trades, with its secret, and say how that went."""
    caller, secret = await tenant_of(request), secret_of(request)
    payload, error = await hub_of(request).gateway.sellers.test(caller, _id(request), secret)
    found = [(one["marketplace"], one["participation"]) for one in payload]
    body: shapes.Tested = {
        "status": "succeeded" if error is None else "failed",
        "marketplaces": [
            {
                "marketplace_id": place["id"],
                "country": place.get("countryCode"),
                "participating": bool(taking.get("isParticipating")),
            }
            for place, taking in found
        ],
        "error": None if error is None else error.code,
        "message": None if error is None else error.message,
    }
    return success(body)


async def rotate_secret(request: Request) -> Response:
    """Let another secret open a seller's grant, in the place of the one that does."""
    caller, secret = await tenant_of(request), secret_of(request)
    new, id = checked(secret_of(request, NEW_SECRET), NEW_SECRET), _id(request)
    await hub_of(request).gateway.sellers.rotate_secret(caller, id, secret, new)
    body: shapes.Rotated = {"seller_id": id, "rotated": True}
    return success(body)


async def replace_token(request: Request) -> Response:
    """Exchange a seller's refresh token for another one; the one before is good for a day more."""
    caller, given = await tenant_of(request), await object_of(request)
    token = text_of(given, "refresh_token")
    made = await hub_of(request).gateway.sellers.replace_token(caller, _id(request), token)
    body: shapes.Replaced = {"refresh_token": made, "previous_expires_in": int(GRACE_S)}
    return success(body)


def _seller(seller: Seller) -> shapes.Seller:
    created_at, updated_at = written(seller.created_at), written(seller.updated_at)
    assert created_at is not None, "every seller has one"
    assert updated_at is not None, "as above"
    return {
        "seller_id": seller.id,
        "selling_partner_id": seller.selling_partner_id,
        "marketplace_region": _NAMES[seller.region],
        "name": seller.name,
        "callback_url": seller.callback_url,
        "sandbox": seller.sandbox,
        "status": seller.status,
        "created_at": created_at,
        "updated_at": updated_at,
        "claimed_at": written(seller.claimed_at),
        "authorization_expires_at": written(seller.authorization_expires_at),
        "last_success_at": written(seller.last_success_at),
        "last_error_at": written(seller.last_error_at),
        "last_error": seller.last_error,
    }


def _id(request: Request) -> str:
    id: str = request.path_params["id"]
    if "\0" in id:
        raise NotFound("Seller not found")
    return id


_SELLERS = "/api/sellers"
_ONE = f"{_SELLERS}/{{id}}"
_QUERY = (Parameter("after"), Parameter("limit", Annotated[int, msgspec.Meta(ge=1, le=MOST)]))

ENDPOINTS = [
    Endpoint(
        "POST",
        "/api/create-sandbox-seller-with-tokens",
        create_sandbox,
        shapes.CreatedSeller,
        "tenant",
        SandboxSeller,
    ),
    Endpoint("GET", _SELLERS, list_all, shapes.SellerList, "tenant", query=_QUERY),
    Endpoint("GET", _ONE, get, shapes.Seller, "tenant"),
    Endpoint("PATCH", _ONE, change, shapes.Seller, "tenant", SellerChanges),
    Endpoint("DELETE", _ONE, delete, shapes.DeletedSeller, "tenant"),
    Endpoint("POST", f"{_ONE}/disconnect", disconnect, shapes.Seller, "tenant"),
    Endpoint("POST", f"{_ONE}/test", test, shapes.Tested, "tenant", secret=True),
    Endpoint("POST", f"{_ONE}/rotate-secret", rotate_secret, shapes.Rotated, "tenant", secret=True),
    Endpoint("POST", f"{_ONE}/rotate-refresh-token", replace_token, shapes.Replaced, "tenant", Replace),
]
