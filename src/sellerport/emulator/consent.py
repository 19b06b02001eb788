"""The consent page of Seller Central and Vendor Central, where an account's owner lets an application in.

What stops it, with Amazon's codes:

* MD9999: the address is no consent address (no application id);
* MD1000: no such application, or a draft without ``version=beta``;
* MD9010: the application is not registered for this region;
* MD5110: the redirect URI has a fragment;
* MD5101: the redirect URI is not registered;
* MD5100: none is given, and the application has none registered.

After that the owner approves, and the browser goes to the redirect URI with a code; or denies, and it goes there with
``error=access_denied`` (Amazon's own page sends nobody back then; callers are better tested if it does).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from sellerport.emulator.world import Account, Application, World
from sellerport.regions import SELLER_CENTRALS, VENDOR_CENTRALS

PATH = "/apps/authorize/consent"

HEADERS = {
    "referrer-policy": "no-referrer",  # the address holds the state
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}

_pages = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class Asked:
    """A consent that can be given."""

    application: Application
    redirect_uri: str
    state: str | None
    accounts: tuple[Account, ...]


def routes(world: World) -> list[Route]:
    """Return the consent page, as it stands on every Central host."""

    async def show(request: Request) -> Response:
        host = request.path_params["host"]
        asked = _asked(world, host, request.query_params)
        if isinstance(asked, Response):
            return asked
        return _page("consent.html", asked=asked, host=host, central="Vendor" if host in VENDOR_CENTRALS else "Seller")

    async def decide(request: Request) -> Response:
        host = request.path_params["host"]
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        asked = _asked(world, host, {**request.query_params, **form})
        if isinstance(asked, Response):
            return asked
        if form.get("decision") == "deny":
            return _back(asked, {"error": "access_denied", "error_description": "The selling partner denied access"})
        if form.get("decision") != "approve":
            return _error("MD9999", "The form names no decision: send decision=approve or decision=deny.")
        wanted = form.get("selling_partner_id")
        chosen = next((one for one in asked.accounts if wanted in (None, one.selling_partner_id)), None)
        if chosen is None:
            return _error("MD9999", f"There is no account {wanted or ''} on {host}.")
        code = world.issue_code(asked.application, chosen, asked.redirect_uri)
        return _back(asked, {"selling_partner_id": chosen.selling_partner_id, "spapi_oauth_code": code})

    path = f"/{{host}}{PATH}"
    return [Route(path, show, methods=["GET"]), Route(path, decide, methods=["POST"])]


def _asked(world: World, host: str, given: Mapping[str, str]) -> Asked | Response:
    """Return what the owner is asked to consent to, or the page that says why that is not possible."""
    if host not in SELLER_CENTRALS and host not in VENDOR_CENTRALS:
        return Response("Not Found", 404)
    vendor = host in VENDOR_CENTRALS
    region = (VENDOR_CENTRALS if vendor else SELLER_CENTRALS)[host]
    application_id, redirect_uri = given.get("application_id"), given.get("redirect_uri") or None
    if not application_id:
        return _error("MD9999", "The address names no application_id.")
    application = next((one for one in world.applications.values() if one.application_id == application_id), None)
    if application is None:
        return _error("MD1000", "No application has this application_id. It is not the LWA client id.")
    if application.draft and given.get("version") != "beta":
        return _error("MD1000", "The application is a draft. Add version=beta to the address.")
    if region not in application.regions:
        return _error("MD9010", "The application is not registered for this region.")
    if redirect_uri is not None and "#" in redirect_uri:
        return _error("MD5110", "The redirect_uri has a fragment.")
    if redirect_uri is not None and not application.accepts(redirect_uri):
        return _error("MD5101", "The redirect_uri is not one of those registered for the application.")
    target = redirect_uri or next((known for known in application.redirect_uris if not known.endswith(":*")), None)
    if target is None:
        return _error("MD5100", "No redirect URI is registered for the application.")
    accounts = [one for one in world.accounts.values() if one.region == region]
    fitting = tuple(one for one in accounts if (one.kind == "vendor") == vendor)
    return Asked(application, target, given.get("state"), fitting)


def _back(asked: Asked, parameters: dict[str, str]) -> Response:
    stated = {} if asked.state is None else {"state": asked.state}
    joint = "&" if urlsplit(asked.redirect_uri).query else "?"
    target = f"{asked.redirect_uri}{joint}{urlencode({**stated, **parameters})}"
    return RedirectResponse(target, 302, headers=HEADERS)


def _error(code: str, what: str) -> Response:
    return _page("error.html", status=400, code=code, what=what)


def _page(template: str, *, status: int = 200, **values: object) -> Response:
    return HTMLResponse(_pages.get_template(template).render(values), status, headers=HEADERS)
