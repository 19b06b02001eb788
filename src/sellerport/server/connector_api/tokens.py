"""The routes of tokens: one for a program of the organization, and one that it may hand on to its customer."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from sellerport.server.connector_api import shapes
from sellerport.server.connector_api.answers import answer
from sellerport.server.connector_api.bodies import Named, named
from sellerport.server.connector_api.requests import body_of, caller_of
from sellerport.server.connector_api.table import Endpoint
from sellerport.server.requests import hub_of

LARGEST_LOG_IN = 1 << 14
"""Anybody may send one, so not much of it is kept."""


class TokenRequest(msgspec.Struct):
    """An API client's id and secret."""

    client_id: str
    client_secret: str


class ScopedTokenRequest(Named, kw_only=True):
    """Whose token it is to be."""

    region_id: str | None = None


async def issue(request: Request) -> Response:
    """Exchange an API client's id and secret for an access token."""
    given = await body_of(request, TokenRequest, LARGEST_LOG_IN)
    made = await hub_of(request).access.issue(given.client_id, given.client_secret)
    body: shapes.TokenAnswer = {
        "access_token": made.token,
        "token_type": "bearer",
        "expires_in": made.expires_in,
        "organization_id": made.organization_id,
    }
    return answer(body)


async def issue_scoped(request: Request) -> Response:
    """Make a token for one workspace, for 20 minutes; a workspace that is not there yet is made."""
    caller = await caller_of(request)
    hub, customer = hub_of(request), named(await body_of(request, ScopedTokenRequest), caller)
    made = await hub.access.issue_scoped(caller, await hub.workspaces.named(caller, customer))
    body: shapes.ScopedTokenAnswer = {"token": made.token, "expires_in": made.expires_in}
    return answer(body)


async def info(request: Request) -> Response:
    """Say which workspace a scoped token is good for."""
    caller = await caller_of(request)
    assert caller.workspace_id is not None, "see the table"
    assert caller.customer is not None, "see the table"
    body: shapes.ScopedTokenInfo = {
        "organization_id": caller.organization_id,
        "workspace_id": caller.workspace_id,
        "workspace_name": caller.customer,
    }
    return answer(body)


_TOKENS = "/api/v1/account/applications"

ENDPOINTS = [
    Endpoint("POST", f"{_TOKENS}/token", issue, shapes.TokenAnswer, "anyone", TokenRequest),
    Endpoint("POST", f"{_TOKENS}/scoped-token", issue_scoped, shapes.ScopedTokenAnswer, body=ScopedTokenRequest),
    Endpoint("GET", f"{_TOKENS}/scoped-token/info", info, shapes.ScopedTokenInfo, "scoped"),
    Endpoint("POST", "/api/v1/applications/token", issue, shapes.TokenAnswer, "anyone", TokenRequest, legacy=True),
    Endpoint(
        "POST",
        "/api/v1/embedded/scoped-token",
        issue_scoped,
        shapes.ScopedTokenAnswer,
        body=ScopedTokenRequest,
        legacy=True,
    ),
]
