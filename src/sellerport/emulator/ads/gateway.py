"""The gateway of the Ads API: whose token, for which profile, which operation; then whoever answers for it.

The checks, in this order, with Amazon's answers where they are known:

* the token is missing, expired, revoked, unknown or not one for advertising, or the client id that comes with it is
  not its client's: 401 ``Authentication failed``;
* no such path: 404; one that was turned off: 404 or 403;
* the Scope header is missing: 401 ``Scope header is missing``; it names a profile of somebody else, or of another
  region than the host's: 401 ``No matching advertiser found for scope``; an agency's, for sponsored ads: 400;
* in a strict world, a media type is not the operation's: 415, 404 or 406, by family;
* the body is not JSON: 422.

What the catalogue has and nobody answers for is answered with nothing (see `unheld`).

Where no host was named, profiles of every region are good.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec
from starlette.responses import Response

from sellerport import catalog
from sellerport.emulator.ads import (
    accounts,
    budget_rules,
    budget_usage,
    common_model,
    exports,
    media,
    recommendations,
    removed,
    reports,
    sponsored_brands,
    sponsored_brands_targeting,
    sponsored_display,
    sponsored_products,
    streams,
    test_accounts,
    unheld,
)
from sellerport.emulator.ads.advertisers import CAMPAIGN_MANAGEMENT, Profile
from sellerport.emulator.ads.call import AdsCall, Endpoint, Refused, denied
from sellerport.emulator.call import Answer
from sellerport.emulator.faults import Fault
from sellerport.emulator.grants import AccessToken
from sellerport.emulator.traffic import Arrived
from sellerport.emulator.world import World
from sellerport.regions import ADS_HOSTS

CLIENT_ID = ("amazon-advertising-api-clientid", "amazon-ads-clientid")
"""Who calls: v1 has another name for it, and takes both."""
SCOPE = "amazon-advertising-api-scope"
ACCOUNT = "amazon-ads-accountid"
SPONSORED = ("/sp/", "/sb/", "/sd/", "/portfolios")

ENDPOINTS: Mapping[str, Endpoint] = {
    **accounts.ENDPOINTS,
    **sponsored_products.ENDPOINTS,
    **sponsored_brands.ENDPOINTS,
    **sponsored_brands_targeting.ENDPOINTS,
    **sponsored_display.ENDPOINTS,
    **common_model.ENDPOINTS,
    **reports.ENDPOINTS,
    **exports.ENDPOINTS,
    **budget_rules.ENDPOINTS,
    **budget_usage.ENDPOINTS,
    **recommendations.ENDPOINTS,
    **test_accounts.ENDPOINTS,
    **streams.ENDPOINTS,
}
"""Who answers, by method and path; in braces stands what differs, by whatever name."""


_NAME = re.compile(r"\{[^}]*\}")
_HANDLED = {_NAME.sub("{}", key): endpoint for key, endpoint in ENDPOINTS.items()}


def concerns(arrived: Arrived) -> bool:
    """Whether a request that names no host is for the Ads API: it says which client calls."""
    return arrived.host in ADS_HOSTS or (not arrived.host and any(name in arrived.headers for name in CLIENT_ID))


def respond(world: World, arrived: Arrived, fault: Fault | None = None) -> Response:
    """Answer a request to any of the Ads API's hosts; a fault is one that its operation is to act out."""
    try:
        answer = _answer(world, arrived, fault)
    except Refused as refused:
        return refusal(world, refused, arrived)
    return _response(world, answer, media.answered(arrived))


def refusal(world: World, refused: Refused, arrived: Arrived) -> Response:
    """Return an error; what the gateway says carries the id of the request."""
    body = dict(refused.body)
    id = world.secret("", 20).upper()
    if "details" in body and "requestId" not in body and body["code"].isdigit():
        body["requestId"] = id
    return _response(world, Answer(body, refused.status, refused.headers), "application/json", id)


def planned(world: World, fault: Fault, arrived: Arrived) -> Response:
    """Return an error that was planned, as the family of the path writes it."""
    status = fault.status
    code, message = PLANNED.get(status, ("INTERNAL_ERROR", "Planned fault"))
    message = fault.message or message
    body: dict[str, Any] = {"code": fault.code or code, "message": message}
    if arrived.path.startswith(("/sd/", "/v2/")) or (arrived.path.startswith("/sb/") and "/v4/" not in arrived.path):
        body = {"code": fault.code or str(status), "details": fault.details or message}
    elif arrived.path.startswith("/reporting/"):
        body = {"code": fault.code or str(status), "detail": fault.details or message}
    elif "export" in arrived.path:
        body = {"errorCode": fault.code or code, "message": message}
    return refusal(world, Refused(status, body), arrived)


PLANNED = {
    400: ("INVALID_ARGUMENT", "Invalid request"),
    401: ("UNAUTHORIZED", "Authentication failed"),
    403: ("ACCESS_DENIED", "Access denied"),
    404: ("NOT_FOUND", "Not found"),
    415: ("UNSUPPORTED_MEDIA_TYPE", "Cannot consume content type"),
    425: ("425", "The Request is a duplicate"),
    429: ("THROTTLED", "Too Many Requests"),
    500: ("INTERNAL_ERROR", "Internal Error"),
    503: ("SERVICE_UNAVAILABLE", "Service is temporarily unavailable"),
}


def _response(world: World, answer: Answer, kind: str, id: str = "") -> Response:
    headers = {"x-amz-rid": id or world.secret("", 20).upper(), "x-amzn-RequestId": world.uuid(), **answer.headers}
    body = answer.bytes()
    return Response(body, answer.status, headers, media_type=kind if body else None)


def _answer(world: World, arrived: Arrived, fault: Fault | None) -> Answer:
    region = ADS_HOSTS[arrived.host].name if arrived.host else None
    token = _admitted(world, arrived)
    found = catalog.match(arrived.method, arrived.path, "ads")
    if found is None or found[0].removal is not None:
        raise removed.refusal(arrived.path) or _unknown(arrived)
    operation, path = found
    endpoint = _HANDLED.get(_NAME.sub("{}", f"{operation.method} {operation.path}"))
    wanted = endpoint.profile if endpoint else operation.profile == "required"
    profile = _profile(world, arrived, token, region) if wanted else None
    if world.login.strict:
        media.check(arrived, operation)
    if endpoint is None:
        return unheld.answer(operation)
    query = dict(reversed(parse_qsl(arrived.query, keep_blank_values=True)))  # of what is repeated, the first counts
    body = _body(arrived)
    given = {name: unquote(value) for name, value in path.items()}
    place = arrived.headers, token, region, profile, arrived.address, fault
    return endpoint.answer(AdsCall(world, arrived.method, operation.path, given, query, body, *place))


def bearer(headers: Mapping[str, str]) -> str:
    """Return the access token of a request."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _admitted(world: World, arrived: Arrived) -> AccessToken:
    token = world.access_tokens.get(bearer(arrived.headers))
    if token is None or token.advertiser is None or token.advertiser.revoked or token.expires_at <= world.now():
        raise denied("Authentication failed")
    if CAMPAIGN_MANAGEMENT not in token.advertiser.scopes and not arrived.path.startswith("/testAccounts"):
        raise denied("Authentication failed")
    client_ids = {arrived.headers[name] for name in CLIENT_ID if name in arrived.headers}
    if client_ids != {token.application.client_id}:
        raise denied("Authentication failed")
    return token


def _unknown(arrived: Arrived) -> Refused:
    details = f"Could not find resource for full path: http://{arrived.host or 'localhost'}{arrived.path}"
    return Refused(404, {"code": "NOT_FOUND", "details": details})


def _profile(world: World, arrived: Arrived, token: AccessToken, region: str | None) -> Profile:
    """Return the profile that a call is for."""
    assert token.advertiser is not None, "it was admitted"
    scope = arrived.headers.get(SCOPE, "").strip()
    seen = {
        one.id: (one, access)
        for one, access in world.ads.seen_by(token.advertiser.person)
        if region in (None, one.marketplace.region)
    }
    account = arrived.headers.get(ACCOUNT, "")
    if not scope and account and arrived.path.startswith("/adsApi/"):
        scope = next((one.id for one, _ in seen.values() if accounts.account_of(one) == account), "0")
    if not scope:
        raise denied("Scope header is missing")
    if scope not in seen:
        raise denied("No matching advertiser found for scope")
    profile, access = seen[scope]
    if profile.type == "agency" and arrived.path.startswith(SPONSORED):
        raise denied(" The request input is invalid. Advertiser ID cannot be decrypted", 400)
    if access == "view" and not _reads(arrived):
        raise denied("Not authorized to access scope")
    return profile


def _reads(arrived: Arrived) -> bool:
    last = arrived.path.rpartition("/")[2]
    asks = last in ("list", "usage", "recommendations", "export") or arrived.path.startswith("/reporting/")
    return arrived.method == "GET" or asks or "/query/" in arrived.path


def _body(arrived: Arrived) -> Any:
    if not arrived.body.strip():
        return None
    try:
        return msgspec.json.decode(arrived.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        text = arrived.body.decode("utf-8", "replace").strip()
        word = text.lstrip("{[ '\"").split("'")[0].split('"')[0][:40]
        details = f"Unrecognized token '{word}': was expecting (JSON String, Number, Array, Object or token)"
        raise Refused(422, {"code": "422", "details": details}) from None
