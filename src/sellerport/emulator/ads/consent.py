"""Login with Amazon's consent page for the Ads API: ``/ap/oa`` on the sites of three regions, which know the same.

Whoever is signed in consents for every profile that they see, wherever it is, so that no account is chosen. What stops
it is told on the page, with the OAuth error, and leads nowhere:

* ``unauthorized_client``: no application has the client id;
* ``invalid_request``: the redirect URI is missing or not registered, a code challenge is not PKCE's S256, or the form
  has no decision;
* ``unsupported_response_type``: it is not ``code``;
* ``invalid_scope``, "An unknown scope was requested": a scope is none of the Ads API's, or Amazon has not approved the
  application for it; developers meet the same words for both.

Known are the words for a scope and, from reports of users, those for a redirect URI; the other words are made up. A
browser that goes back brings ``code``, ``scope`` and ``state``, or ``error=access_denied`` as RFC 6749 §4.1.2.1 has it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import quote, urlencode, urlsplit

from starlette.responses import Response
from starlette.routing import Route

from sellerport.emulator import central
from sellerport.emulator.ads.advertisers import CAMPAIGN_MANAGEMENT, SCOPES
from sellerport.emulator.central import Visit, redirect
from sellerport.emulator.grants import Application
from sellerport.emulator.world import Account, World
from sellerport.regions import ADS_CONSENT_HOSTS

PATH = "/ap/oa"
OLDER = {"cpc_advertising:campaign_management": CAMPAIGN_MANAGEMENT}
"""Names that scopes had, and Amazon still takes."""

MEANINGS = {
    CAMPAIGN_MANAGEMENT: "see and change your campaigns, and read your advertising reports",
    "advertising::audiences": "make and change audiences",
    "advertising::test:create_account": "make test accounts",
}

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
"""What SHA-256 comes to in base64url (RFC 7636 §4.2)."""


class AdsVisit(Visit):
    """Somebody at the consent page of the Ads API."""

    hosts: ClassVar[frozenset[str]] = frozenset(ADS_CONSENT_HOSTS)

    @property
    def site(self) -> str:
        """What the page calls itself."""
        return "Amazon"

    @property
    def owners(self) -> dict[str, list[Account]]:
        """Everybody, by e-mail address, and the accounts that they advertise for."""
        ads, accounts = self.world.ads, self.world.accounts
        everybody = dict.fromkeys([*ads.people, *(one.owner for one in accounts.values())])
        return {
            person: [accounts[id] for id in dict.fromkeys(profile.account for profile, _ in ads.seen_by(person))]
            for person in everybody
        }

    @property
    def person(self) -> str | None:
        """Who looks: whoever is signed in; where a program does, whom it names, or else the first one."""
        named = self.session.owner if self.session is not None else None
        if named is None and self.program:
            named = self.form.get("person", next(iter(self.owners), None))
        return named if named in self.owners else None

    def refuse(self, error: str, what: str) -> Response:
        """Return the page that says why this cannot go on."""
        client_id = self.given.get("client_id", "")
        return self.page("ads_error.html", status=400, error=error, what=what, client_id=client_id)


@dataclass(frozen=True)
class Asked:
    """A consent that can be given."""

    application: Application
    scope: str
    """As it was asked for."""
    redirect_uri: str

    @property
    def scopes(self) -> frozenset[str]:
        """What is granted."""
        return frozenset(OLDER.get(name, name) for name in self.scope.split())

    @property
    def meanings(self) -> list[str]:
        """What the application could do then."""
        return [meaning for name, meaning in MEANINGS.items() if name in self.scopes]


def routes(world: World) -> list[Route]:
    """Return the page, as it stands on every consent host."""
    return [central.route(world, PATH, consent, AdsVisit)]


def consent(visit: AdsVisit) -> Response:
    """Ask a person, and do what they say."""
    asked = _asked(visit)
    if isinstance(asked, Response):
        return asked
    person = visit.person
    if person is None:
        return visit.refuse("invalid_request", "There is no such person.") if visit.program else visit.sign_in()
    if not visit.posted:
        return visit.page("ads_consent.html", asked=asked, accounts=visit.owners[person])
    decision = visit.form.get("decision")
    if decision == "deny":
        return _back(visit, asked, {"error": "access_denied", "error_description": "Access not permitted."})
    if decision != "approve":
        return visit.refuse("invalid_request", "The form names no decision: send decision=approve or decision=deny.")
    challenge = visit.given.get("code_challenge")
    code = visit.world.login.issue_ads_code(person, asked.application, asked.scopes, asked.redirect_uri, challenge)
    return _back(visit, asked, {"code": code, "scope": asked.scope})


def _asked(visit: AdsVisit) -> Asked | Response:
    """Return what a person is asked to consent to, or the page that says why that is not possible."""
    given = visit.given
    application = visit.world.applications.get(given.get("client_id", ""))
    if application is None:
        return visit.refuse("unauthorized_client", "No application has this client_id.")
    redirect_uri = given.get("redirect_uri", "")
    if not application.accepts(redirect_uri):
        return visit.refuse(
            "invalid_request", "The redirect URI you provided has not been whitelisted for your application"
        )
    if given.get("response_type") != "code":
        return visit.refuse("unsupported_response_type", "The response_type has to be code.")
    asked = Asked(application, given.get("scope", ""), redirect_uri)
    if not application.ads or not asked.scopes or not asked.scopes <= SCOPES:
        return visit.refuse("invalid_scope", "An unknown scope was requested")
    challenge = given.get("code_challenge")
    if challenge is not None and (given.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(challenge)):
        return visit.refuse("invalid_request", "The code_challenge has to be 43 letters, made by S256.")
    return asked


def _back(visit: AdsVisit, asked: Asked, said: dict[str, str]) -> Response:
    stated = {"state": visit.given["state"]} if "state" in visit.given else {}
    query = urlencode({**said, **stated}, quote_via=quote)
    return redirect(f"{asked.redirect_uri}{'&' if urlsplit(asked.redirect_uri).query else '?'}{query}")
