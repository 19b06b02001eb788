"""Access tokens of tenants and sellers: given, looked at, and taken back."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from sellerport.server.gateway_api import shapes
from sellerport.server.gateway_api.answers import success, written
from sellerport.server.gateway_api.requests import object_of, tenant_of, text_of
from sellerport.server.gateway_api.table import Endpoint
from sellerport.server.hub import SELLER_ACCESS_S, TENANT_ACCESS_S, Gateway
from sellerport.server.requests import hub_of


class TenantLogIn(msgspec.Struct):
    """A tenant and its refresh token."""

    tenant_id: str
    refresh_token: str


class SellerLogIn(msgspec.Struct):
    """A seller and its refresh token."""

    seller_id: str
    refresh_token: str


class AnyToken(msgspec.Struct):
    """A token of the tenant's, or of one of its sellers: of access or refresh."""

    token: str


async def for_tenant(request: Request) -> Response:
    """Exchange a tenant's refresh token for an access token."""
    given = await object_of(request)
    tenant_id, refresh_token = text_of(given, "tenant_id"), text_of(given, "refresh_token")
    gateway = hub_of(request).gateway
    return _access(gateway, await gateway.tenants.token(tenant_id, refresh_token), TENANT_ACCESS_S)


async def for_seller(request: Request) -> Response:
    """Exchange a seller's refresh token for an access token."""
    given = await object_of(request)
    seller_id, refresh_token = text_of(given, "seller_id"), text_of(given, "refresh_token")
    caller, gateway = await tenant_of(request), hub_of(request).gateway
    return _access(gateway, await gateway.sellers.token(caller, seller_id, refresh_token), SELLER_ACCESS_S)


async def introspect(request: Request) -> Response:
    """Say what a token is good for (RFC 7662)."""
    caller, given = await tenant_of(request), await object_of(request)
    said = await hub_of(request).gateway.introspection.look(caller, text_of(given, "token"))
    body: dict[str, Any] = {"active": said is not None, **(said or {})}
    return success(body)


async def revoke(request: Request) -> Response:
    """End a token, and every access token of the same tenant or seller (RFC 7009)."""
    caller, given = await tenant_of(request), await object_of(request)
    await hub_of(request).gateway.introspection.revoke(caller, text_of(given, "token"))
    return success({})


def _access(gateway: Gateway, token: str, life_s: int) -> Response:
    ends = written(int(gateway.clock()) + life_s)
    assert ends is not None, "there is a time"
    body: shapes.Access = {
        "access_token": token,
        "token_type": "bearer",
        "expires_in": life_s,
        "expires_at": ends,
    }
    return success(body)


ENDPOINTS = [
    Endpoint("POST", "/api/get-adb-access-token", for_tenant, shapes.Access, "anyone", TenantLogIn),
    Endpoint("POST", "/api/get-seller-access-token", for_seller, shapes.Access, "tenant", SellerLogIn),
    Endpoint("POST", "/api/introspect", introspect, shapes.Introspected, "tenant", AnyToken),
    Endpoint("POST", "/api/revoke", revoke, shapes.Nothing, "tenant", AnyToken),
]
