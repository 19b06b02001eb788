"""Consent, as a seller's browser meets it: on the way to Amazon, and on the way back to its tenant's software.

An address here holds a secret or a code on its way in, so that no answer may be kept, framed, indexed, or tell another
site where it was. What is wrong is said in JSON, or on a page where the browser asks for one.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from urllib.parse import quote, unquote_plus

from starlette.requests import Request
from starlette.responses import Response

from sellerport.errors import CallerError, ConsentError, SellerportError
from sellerport.server.gateway_api.answers import refusal, refuse
from sellerport.server.gateway_api.secrets import canonical
from sellerport.server.gateway_api.table import Endpoint, Parameter
from sellerport.server.hub import Asked, Hub
from sellerport.server.pages import bare, forget, page, remember
from sellerport.server.requests import hub_of

LONGEST_QUERY = 16_384
MOST_PARAMETERS = 20

HEADERS = MappingProxyType(
    {
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
        "pragma": "no-cache",
        "x-robots-tag": "noindex",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        "x-content-type-options": "nosniff",
    }
)
"""Of every answer here; a page has a policy of its own, which allows its style sheet."""

HSTS = "max-age=31536000"
"""Where browsers reach the server over HTTPS (RFC 6797)."""

_AGAIN = "go back to the software that sent you here, and start again there."
"""What a seller can do, who can correct nothing."""

_AS_IT_IS = "%+-._~!$'()*,;:@/?="
"""What stands in a query as it is, besides letters and digits (RFC 3986 §3.4)."""


async def initialize(request: Request) -> Response:
    """Send a seller's browser to Amazon's consent page."""
    hub = hub_of(request)
    if request.method == "HEAD":
        return _guarded(bare(200), hub)
    await hub.quotas.start(request.state.address)
    given = _query(request)
    said = {name: unquote_plus(value) for name, value in given.items()}
    if "request_uri" in said:
        started = await hub.gateway.registrations.resume(said.get("tenantId", ""), said["request_uri"])
    else:
        asked = Asked(
            state=quote(given.get("state", "").encode("latin-1"), safe=_AS_IT_IS),
            tenant_id=said.get("tenantId", ""),
            marketplace_region=said.get("marketplace_region", ""),
            secret=canonical(said.get("amazonTokenSecret", "")),
            return_url=said.get("sellerRedirectUrl", ""),
            marketplace=said.get("marketplace", ""),
            account_type=said.get("account_type", ""),
            claim_challenge=said.get("claim_challenge", ""),
        )
        started = await hub.gateway.registrations.begin(asked)
    return _guarded(remember(bare(302, started.location), started, secure=hub.gateway.registrations.secure), hub)


async def redirect(request: Request) -> Response:
    """Send a browser that comes from Amazon on to its tenant's software, with a claim code or an error."""
    hub, address = hub_of(request), request.state.address
    if request.method == "HEAD":
        return _guarded(bare(200), hub)
    hub.quotas.admit(address)
    try:
        try:
            params = {name: unquote_plus(value) for name, value in _query(request).items()}
        except CallerError:  # Amazon's answers are shorter, and say nothing twice
            raise ConsentError("Invalid or expired state") from None
        answered = await hub.gateway.registrations.finish(params, request.cookies)
    except ConsentError:
        await hub.quotas.wrong(address, "pages")
        raise
    request.state.error = answered.error
    secure = hub.gateway.registrations.secure
    return _guarded(forget(bare(302, answered.location), answered.cookie, secure=secure), hub)


class Page(Endpoint):
    """A route that browsers come to."""

    @staticmethod
    def refuse(request: Request, error: SellerportError) -> Response:
        """Return an error, as a page or in the contract's shape."""
        answer, hub = refuse(request, error), hub_of(request)
        if _prefers_a_page(request.headers.get("accept", "")):
            said = refusal(error, request.state.request_id)["error"]
            shown = page(
                "problem.html",
                answer.status_code,
                title="This did not work",
                message=said["message"],
                hint=f"Wait {answer.headers['retry-after']} seconds, then {_AGAIN}"
                if "retry-after" in answer.headers
                else f"{_AGAIN.capitalize()} If that does not help, tell its support this message and number.",
                link=None,
                request_id=said["request_id"],
            )
            policy = shown.headers["content-security-policy"]
            kept = {name: value for name, value in answer.headers.items() if not name.startswith("content-")}
            shown.headers.update(kept)
            return _guarded(shown, hub, policy)
        return _guarded(answer, hub)


def _guarded(answer: Response, hub: Hub, policy: str | None = None) -> Response:
    answer.headers.update(HEADERS)
    if policy is not None:
        answer.headers["content-security-policy"] = policy
    if hub.gateway.registrations.secure:
        answer.headers["strict-transport-security"] = HSTS
    return answer


def _query(request: Request) -> dict[str, str]:
    """Return the parameters of the query, their values as they stand there.

    Raises:
        CallerError: it is too long, or says something twice.
    """
    query = request.scope["query_string"].decode("latin-1")
    pairs = [pair.partition("=") for pair in query.split("&", MOST_PARAMETERS) if pair]
    if len(query) > LONGEST_QUERY or len(pairs) > MOST_PARAMETERS:
        raise CallerError("the query is too long")
    given = {unquote_plus(name): value for name, _, value in pairs}
    if len(given) != len(pairs):
        raise CallerError("the query says something twice")
    return given


def _prefers_a_page(accept: str) -> bool:
    """Return whether an ``Accept`` header prefers HTML to JSON (RFC 9110 §12.5.1)."""
    wanted: dict[str, float] = {}
    for one in accept.lower().split(","):
        kind, *parameters = (part.strip() for part in one.split(";"))
        quality = next((it[2:] for it in parameters if it.startswith("q=")), "1")
        wanted[kind] = float(quality) if re.fullmatch(r"[01](\.\d{0,3})?", quality) else 0.0
    return wanted.get("text/html", 0.0) > wanted.get("application/json", wanted.get("*/*", 0.0))


ENDPOINTS = [
    Page(
        "GET",
        "/auth/initialize",
        initialize,
        None,
        "anyone",
        status=302,
        query=[
            Parameter(name)
            for name in (
                "state",
                "tenantId",
                "marketplace_region",
                "amazonTokenSecret",
                "sellerRedirectUrl",
                "marketplace",
                "account_type",
                "claim_challenge",
                "request_uri",
            )
        ],
    ),
    Page(
        "GET",
        "/auth/redirect",
        redirect,
        None,
        "anyone",
        status=302,
        query=[
            Parameter(name)
            for name in ("state", "selling_partner_id", "spapi_oauth_code", "error", "error_description")
        ],
    ),
]
