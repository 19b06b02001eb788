"""Tenants: made by an administrator, and their refresh tokens."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from sellerport.errors import CallerError
from sellerport.server.gateway_api import shapes
from sellerport.server.gateway_api.answers import success
from sellerport.server.gateway_api.requests import admin_of, object_of, tenant_of, text_of
from sellerport.server.gateway_api.table import Endpoint
from sellerport.server.hub import GRACE_S
from sellerport.server.requests import hub_of


class NewTenant(msgspec.Struct):
    """What a tenant is called, and where its sellers' browsers may be sent back to."""

    name: str
    redirectOrigin: str  # the contract's


class Replace(msgspec.Struct):
    """The refresh token that is to be replaced."""

    refresh_token: str


async def create(request: Request) -> Response:
    """Make a tenant; the answer shows its refresh token, this once."""
    given = await object_of(request)
    name = text_of(given, "name", "Name is required")
    wrong = "redirectOrigin must start with https://"
    origin = text_of(given, "redirectOrigin", wrong)
    if not origin.startswith("https://"):
        raise CallerError(wrong)
    admin = await admin_of(request)
    made, token = await hub_of(request).gateway.tenants.create(name, origin, actor=f"admin:{admin}")
    body: shapes.CreatedTenant = {"tenant_id": made.organization_id, "refresh_token": token}
    return success(body)


async def replace_token(request: Request) -> Response:
    """Exchange a tenant's refresh token for another one; the one before is good for a day more."""
    caller, given = await tenant_of(request), await object_of(request)
    made = await hub_of(request).gateway.tenants.replace_token(caller, text_of(given, "refresh_token"))
    body: shapes.Replaced = {"refresh_token": made, "previous_expires_in": int(GRACE_S)}
    return success(body)


ENDPOINTS = [
    Endpoint("POST", "/api/create-tenant", create, shapes.CreatedTenant, "admin", NewTenant),
    Endpoint("POST", "/api/tenant/rotate-refresh-token", replace_token, shapes.Replaced, "tenant", Replace),
]
