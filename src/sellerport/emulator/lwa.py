"""Login with Amazon: the token server and what it tells about a token.

A request's parameters are taken from wherever real clients put them: the form, a JSON body, the query, or HTTP Basic
for the client's id and secret. One that comes twice in one place is refused; of two places, the body is taken before
the query, and both before Basic. What ends when is in `grants`.

The words of an error are Amazon's where they are known, from reports of users: also that a missing grant type is an
unsupported one, and that a wrong redirect URI is named. Not known are the words for a duplicate, the order of the
checks - grant type, client, grant - and when Amazon says ``unauthorized_client``: nothing here is answered with that.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl, unquote_plus

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sellerport import catalog
from sellerport.emulator.grants import TOKEN_LIFE_S, AdsCode, Application
from sellerport.emulator.world import World
from sellerport.errors import AmazonError, AmazonRefused
from sellerport.regions import LWA_HOSTS

MIGRATION = "sellingpartnerapi::migration"
"""A scope that Amazon still knows, though its one operation is gone."""

BAD_GRANT = "The request has an invalid grant parameter : {}"

REVOKED_GRANT = f"{BAD_GRANT.format('refresh_token')}. User may have revoked or didn't grant the permission."

Handler = Callable[[World, Request, bytes], dict[str, object]]


def routes(world: World) -> list[Route]:
    """Return the token server."""

    def answering(handle: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                return _json(handle(world, request, await request.body()), 200, world.uuid())
            except AmazonRefused as refused:
                return refusal(world, refused)

        return endpoint

    token, token_info = answering(_token), answering(_token_info)
    return [
        route
        for host in LWA_HOSTS
        for route in (
            Route(f"/{host}/auth/o2/token", token, methods=["POST"]),
            Route(f"/{host}/auth/o2/tokeninfo", token_info, methods=["GET"]),
        )
    ]


def refusal(world: World, refused: AmazonError) -> Response:
    """Return an error as the token server writes it (RFC 6749 §5.2, and two ids that Amazon adds)."""
    request_id = world.uuid()
    body: dict[str, object] = {
        "error_index": world.secret("", 64),
        "error_description": refused.message,
        "error": refused.amazon_code,
        "request_id": request_id,
    }
    return _json(body, refused.status, request_id)


def _refused(error: str, description: str, status: int = 400) -> AmazonRefused:
    return AmazonRefused(description, status=status, amazon_code=error)


def _json(body: dict[str, object], status: int, request_id: str) -> Response:
    headers = {
        "content-type": "application/json;charset=UTF-8",
        "cache-control": "no-store",
        "pragma": "no-cache",
        "x-amzn-requestid": request_id,
    }
    return Response(msgspec.json.encode(body), status, headers)


def _token(world: World, request: Request, body: bytes) -> dict[str, object]:
    given = _parameters(request, body)
    grant_type = given.get("grant_type", "")
    grants = {
        "authorization_code": _from_code,
        "refresh_token": _from_refresh_token,
        "client_credentials": _from_scope,
    }
    if grant_type not in grants:
        raise _refused(
            "unsupported_grant_type", "The authorization grant type is not supported by the authorization server"
        )
    client_id, secret = _required(given, "client_id"), _required(given, "client_secret")
    application = world.applications.get(client_id)
    if application is None or not world.login.takes(application, secret):
        raise _refused("invalid_client", "Client authentication failed", 401)
    return {**grants[grant_type](world, application, given), "token_type": "bearer", "expires_in": TOKEN_LIFE_S}


def _parameters(request: Request, body: bytes) -> dict[str, str]:
    """Collect what was sent: Basic gives way to the query, the query to the body."""
    query = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    sent: list[tuple[str, str]] = []
    if "json" in request.headers.get("content-type", "") and body.strip():
        try:
            decoded = json.loads(body, object_pairs_hook=tuple)  # which keeps what comes twice
        except (ValueError, RecursionError):
            decoded = None
        if not isinstance(decoded, tuple):
            raise _refused("invalid_request", "Malformed request")
        sent = [(name, value) for name, value in decoded if isinstance(value, str)]
    elif body:
        sent = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    for place in (query, sent):
        twice = next((name for name, times in Counter(name for name, _ in place).items() if times > 1), None)
        if twice is not None:
            raise _refused("invalid_request", f"The request has a duplicate parameter : {twice}")
    return {**_basic(request.headers.get("authorization", "")), **dict(query), **dict(sent)}


def _basic(header: str) -> dict[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return {}
    try:
        client_id, _, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError:  # neither base64 nor text
        raise _refused("invalid_client", "Client authentication failed", 401) from None
    # RFC 6749 §2.3.1: both are form-encoded before they are joined
    return {"client_id": unquote_plus(client_id), "client_secret": unquote_plus(secret)}


def _required(given: dict[str, str], name: str) -> str:
    if not given.get(name):
        raise _refused("invalid_request", f"The request is missing a required parameter : {name}")
    return given[name]


def _from_code(world: World, application: Application, given: dict[str, str]) -> dict[str, object]:
    if ads := world.login.ads_codes.get(_required(given, "code")):
        return _from_ads_code(world, application, ads, given)
    code = world.codes.get(given["code"])
    if code is None or code.application.client_id != application.client_id:
        raise _refused("invalid_grant", BAD_GRANT.format("code"))
    if code.used:
        world.login.replay(code)
    if code.used or code.expires_at <= world.now():
        raise _refused("invalid_grant", BAD_GRANT.format("code"))
    if given.get("redirect_uri") and given["redirect_uri"] != code.redirect_uri:
        raise _refused("invalid_grant", BAD_GRANT.format("redirect_uri"))
    code.used = True
    grant = code.grant = world.grant(code.account.selling_partner_id, application.client_id)
    return {"access_token": world.issue_access_token(application, grant), "refresh_token": grant.refresh_token}


def _from_ads_code(world: World, application: Application, code: AdsCode, given: dict[str, str]) -> dict[str, object]:
    if code.application.client_id != application.client_id or code.used or code.expires_at <= world.now():
        raise _refused("invalid_grant", BAD_GRANT.format("code"))
    if given.get("redirect_uri") != code.redirect_uri:
        raise _refused("invalid_grant", BAD_GRANT.format("redirect_uri"))
    if code.challenge is not None and _challenge(given.get("code_verifier", "")) != code.challenge:
        raise _refused("invalid_grant", BAD_GRANT.format("code_verifier"))
    code.used = True
    grant = world.login.grant_ads(code.person, application, code.scopes)
    token = world.issue_access_token(application, None, advertiser=grant)
    return {"access_token": token, "refresh_token": grant.refresh_token}


def _challenge(verifier: str) -> str:
    """Return what a verifier hashes to (RFC 7636 §4.2, S256)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _from_refresh_token(world: World, application: Application, given: dict[str, str]) -> dict[str, object]:
    ads = world.login.ads_grants.get(_required(given, "refresh_token"))
    if ads is not None and ads.application.client_id == application.client_id:
        if ads.revoked:
            raise _refused("invalid_grant", REVOKED_GRANT)
        token = world.issue_access_token(application, None, advertiser=ads)
        return {"access_token": token, "refresh_token": ads.refresh_token}
    grant = world.login.find(given["refresh_token"], application.client_id)
    if grant is None:
        raise _refused("invalid_grant", BAD_GRANT.format("refresh_token"))
    if grant.over(world.now()):
        raise _refused("invalid_grant", REVOKED_GRANT)
    token = world.issue_access_token(application, grant)
    return {"access_token": token, "refresh_token": world.login.next_token(grant)}


def _from_scope(world: World, application: Application, given: dict[str, str]) -> dict[str, object]:
    scopes = frozenset(_required(given, "scope").split())
    known = {operation.scope for operation in catalog.operations() if operation.scope} | {MIGRATION}
    if not scopes or not scopes <= known:
        raise _refused("invalid_scope", "The request has an invalid parameter : scope")
    return {"access_token": world.issue_access_token(application, None, scopes=scopes)}


def _token_info(world: World, request: Request, _body: bytes) -> dict[str, object]:
    held = world.access_tokens.get(request.query_params.get("access_token", ""))
    over = held is not None and ((held.grant and held.grant.over(world.now())) or held.ended)
    if held is None or held.expires_at <= world.now() or over:
        raise _refused("invalid_token", "The request has an invalid parameter : access_token")
    return {
        "aud": held.application.client_id,
        "iss": "https://www.amazon.com",
        "exp": int(held.expires_at - world.now()),
        "app_id": held.application.application_id,
        "iat": int(held.issued_at),
    }
