"""Consent: the pages of Seller Central and Vendor Central where an account's owner lets an application in.

* The website workflow begins with a link of the application's, which has a ``state``: the owner confirms, and the
  browser goes to the redirect URI with a code.
* The Appstore workflow, which is also how an owner renews, begins on Amazon's side, with a link without ``state``. The
  owner confirms, and the browser goes to the application's Login URI with ``amazon_callback_uri`` and ``amazon_state``.
  When the application knows who it is, it sends the browser to that address, with its own ``state``; from there it goes
  to the redirect URI with a code. An application that has no Login URI gets the code at once.
* Some applications see the way over the Login URI in the website workflow too (``login_first``). Amazon's page shows it
  that way, most applications never see it, and what decides is not known.

What stops it, with Amazon's codes:

* MD9999: the address names no application, or what it names is over; this is Amazon's code for all the rest;
* MD1000: no such application, or a draft without ``version=beta``;
* MD9010: the application is not registered for this region;
* MD5110: the redirect URI has a fragment;
* MD5101: the redirect URI is not registered;
* MD5100: none is given, and the application has none registered.

An owner who cancels is sent to the redirect URI with ``error=access_denied``. Amazon documents nothing there, and
developers saw the browser stay; callers are better tested if it comes back. Whoever began on Amazon's side stays there.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from starlette.responses import Response
from starlette.routing import Route

from sellerport.emulator import central
from sellerport.emulator.central import Visit, redirect
from sellerport.emulator.grants import Application
from sellerport.emulator.sessions import WAIT_S, Waiting
from sellerport.emulator.world import Account, World

PATH = "/apps/authorize/consent"


@dataclass(frozen=True)
class Asked:
    """A consent that can be given."""

    application: Application
    redirect_uri: str
    state: str | None
    login_uri: str | None
    """Where the browser goes on; None is straight back to the application."""


def routes(world: World) -> list[Route]:
    """Return the pages of the workflows, as they stand on every Central host."""
    return [
        central.route(world, PATH, consent, Visit),
        central.route(world, "/apps/authorize/confirm/{application_id}", confirm, Visit),
    ]


def consent(visit: Visit) -> Response:
    """Ask an owner, and do what they say."""
    asked = _asked(visit)
    if isinstance(asked, Response):
        return asked
    if not visit.admitted:
        return visit.sign_in()
    if not visit.posted:
        return visit.page("consent.html", asked=asked)
    decision = visit.form.get("decision")
    if decision == "deny":
        return _cancelled(visit, asked)
    if decision != "approve":
        return visit.stop("MD9999", "The form names no decision: send decision=approve or decision=deny.")
    wanted = visit.form.get("selling_partner_id")
    chosen = next((one for one in visit.accounts if wanted in (None, one.selling_partner_id)), None)
    if chosen is None:
        return visit.stop("MD9999", f"There is no account {wanted or ''} on {visit.host}.")
    if asked.login_uri is not None:
        return _to_login(visit, asked.application, chosen, asked.login_uri)
    return _granted(visit, asked.application, chosen, asked.redirect_uri, asked.state)


def confirm(visit: Visit) -> Response:
    """Take the browser back from the application's Login URI; Amazon asks who is not signed in to do so."""
    application = _application(visit, visit.path["application_id"])
    if isinstance(application, Response):
        return application
    amazon_state = visit.given.get("amazon_state", "")
    waiting = visit.world.sessions.waiting(amazon_state, visit.world.now())
    if waiting is None or waiting.application.client_id != application.client_id:
        return visit.stop("MD9999", "The amazon_state is not one of the last hour, was used, or is another's.")
    target = _target(visit, application)
    if isinstance(target, Response):
        return target
    if not visit.admitted:
        return visit.sign_in()
    if waiting.account not in visit.accounts:
        return visit.stop("MD9999", "You are signed in as somebody else than who consented.")
    visit.world.sessions.go_on(amazon_state)
    return _granted(visit, application, waiting.account, target, visit.given.get("state"))


def _asked(visit: Visit) -> Asked | Response:
    """Return what the owner is asked to consent to, or the page that says why that is not possible."""
    application = _application(visit, visit.given.get("application_id"))
    if isinstance(application, Response):
        return application
    state = visit.given.get("state")
    login = application.login_uri if application.login_first or state is None else None
    target = _target(visit, application)
    if isinstance(target, Response):
        # over the Login URI it may still be named, where any is registered
        if login is None or not application.redirect_uris or "redirect_uri" in visit.given:
            return target
        target = ""
    return Asked(application, target, state, login)


def _application(visit: Visit, application_id: str | None) -> Application | Response:
    if not application_id:
        return visit.stop("MD9999", "The address names no application_id.")
    known = visit.world.applications.values()
    application = next((one for one in known if one.application_id == application_id), None)
    if application is None:
        return visit.stop("MD1000", "No application has this application_id. It is not the LWA client id.")
    if application.draft and visit.given.get("version") != "beta":
        return visit.stop("MD1000", "The application is a draft. Add version=beta to the address.")
    if visit.region not in application.regions:
        return visit.stop("MD9010", "The application is not registered for this region.")
    return application


def _target(visit: Visit, application: Application) -> str | Response:
    """Return where the code is to go."""
    redirect_uri = visit.given.get("redirect_uri") or None
    if redirect_uri is not None and "#" in redirect_uri:
        return visit.stop("MD5110", "The redirect_uri has a fragment.")
    if redirect_uri is not None and not application.accepts(redirect_uri):
        return visit.stop("MD5101", "The redirect_uri is not one of those registered for the application.")
    target = redirect_uri or next((known for known in application.redirect_uris if not known.endswith(":*")), None)
    return target or visit.stop("MD5100", "No redirect URI is registered for the application.")


def _cancelled(visit: Visit, asked: Asked) -> Response:
    if asked.login_uri is not None and asked.state is None:
        return redirect(f"{visit.address}/apps/manage", 303)
    said = {"error": "access_denied", "error_description": "The selling partner denied access"}
    return redirect(_with(asked.redirect_uri, asked.state, said))


def _to_login(visit: Visit, application: Application, account: Account, login_uri: str) -> Response:
    if visit.program:  # the application's answer leads back to where only who is signed in gets on
        visit.session = visit.world.sessions.begin(account.owner)
    waiting = Waiting(application, account, visit.world.now() + WAIT_S)
    said = {
        "amazon_callback_uri": f"{visit.address}/apps/authorize/confirm/{application.application_id}",
        "amazon_state": visit.world.sessions.wait(waiting),
        **({"version": "beta"} if application.draft else {}),
        "selling_partner_id": account.selling_partner_id,
    }
    return redirect(_with(login_uri, None, said))


def _granted(visit: Visit, application: Application, account: Account, target: str, state: str | None) -> Response:
    code = visit.world.issue_code(application, account, target)
    said = {"selling_partner_id": account.selling_partner_id, "spapi_oauth_code": code}
    return redirect(_with(target, state, said))


def _with(target: str, state: str | None, said: dict[str, str]) -> str:
    stated = {} if state is None else {"state": state}
    return f"{target}{'&' if urlsplit(target).query else '?'}{urlencode({**stated, **said})}"
