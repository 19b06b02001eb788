"""Seller Central, Vendor Central and Amazon's own site, as far as consent needs them: who looks at a page, and forms.

* To sign in is to choose an owner; there is no password. A browser stays signed in until it signs out.
* A form that a browser sends has to come from one of these pages: it brings the session's token. Nothing may frame
  them, and their addresses, which hold states and codes, are told to nobody (``Referrer-Policy``).
* A program may send a form without having seen the page, and without signing in. It is known by what no browser leaves
  out of a form: ``Origin`` (and ``Sec-Fetch-Site``).

Amazon asks for the sign-in before it says that a link is wrong; here a wrong link is told at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeVar
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from sellerport.emulator.sessions import Session
from sellerport.emulator.web_pages import PAGES, headers
from sellerport.emulator.world import Account, World
from sellerport.regions import SELLER_CENTRALS, VENDOR_CENTRALS

COOKIE = "local-amazon-session"

HEADERS = headers()  # no form-action: browsers hold it against the redirect that answers a form, too


@dataclass
class Visit:
    """Somebody at a page."""

    hosts: ClassVar[frozenset[str]] = frozenset({*SELLER_CENTRALS, *VENDOR_CENTRALS})

    world: World
    host: str
    address: str
    """Of this Central, as it was reached, such as ``http://127.0.0.1:8099/sellercentral.amazon.com``."""
    path: Mapping[str, str]
    """What the page's path names."""
    given: Mapping[str, str]
    """Query and form."""
    form: Mapping[str, str]
    """What was pressed and chosen, which no link may say."""
    posted: bool
    program: bool
    session: Session | None

    @property
    def site(self) -> str:
        """What the pages call themselves."""
        return f"{'Vendor' if self.vendor else 'Seller'} Central"

    @property
    def vendor(self) -> bool:
        """Whether this is Vendor Central."""
        return self.host in VENDOR_CENTRALS

    @property
    def region(self) -> str:
        """Whose Central it is."""
        return (VENDOR_CENTRALS if self.vendor else SELLER_CENTRALS)[self.host]

    @property
    def everyone(self) -> list[Account]:
        """All accounts that are looked after here."""
        here = (self.region, "vendor" if self.vendor else "seller")
        return [one for one in self.world.accounts.values() if (one.region, one.kind) == here]

    @property
    def owners(self) -> dict[str, list[Account]]:
        """Who may sign in here, by e-mail address, and what they look after."""
        owners: dict[str, list[Account]] = {}
        for account in self.everyone:
            owners.setdefault(account.owner, []).append(account)
        return owners

    @property
    def accounts(self) -> list[Account]:
        """The accounts of whoever looks: the owner who is signed in, or a program, which may choose any."""
        owned = [one for one in self.everyone if self.session is not None and one.owner == self.session.owner]
        return owned or (self.everyone if self.program else [])

    @property
    def admitted(self) -> bool:
        """Whether there is no need to sign in."""
        return self.program or bool(self.accounts)

    def page(self, template: str, *, status: int = 200, **values: object) -> Response:
        """Return a page."""
        text = PAGES.get_template(template).render(values, visit=self)
        return HTMLResponse(text, status, headers=HEADERS)

    def sign_in(self) -> Response:
        """Return the page that stands before all others."""
        return self.page("sign_in.html")

    def stop(self, code: str, what: str) -> Response:
        """Return the page that says, with Amazon's code, why this cannot go on."""
        application_id = self.path.get("application_id") or self.given.get("application_id", "")
        return self.page("error.html", status=400, code=code, what=what, application_id=application_id)


VisitT = TypeVar("VisitT", bound=Visit)


def route(world: World, path: str, page: Callable[[VisitT], Response], kind: type[VisitT]) -> Route:
    """Put a page on every host of a kind of visit."""

    async def endpoint(request: Request) -> Response:
        host = request.path_params["host"]
        if host not in kind.hosts:
            return Response("Not Found", 404)
        known = world.sessions.find(request.cookies.get(COOKIE))
        visit = await _visit(kind, world, request, known)
        here = f"{visit.address}{_raw_path(request).removeprefix(f'/{host}')}"
        answer = _in_and_out(visit, here) or page(visit)
        if visit.session is not None and visit.session is not known:
            secure = request.url.scheme == "https"
            answer.set_cookie(COOKIE, visit.session.id, httponly=True, samesite="lax", secure=secure)
        return answer

    return Route(f"/{{host}}{path}", endpoint, methods=["GET", "POST"])


def redirect(target: str, status: int = 302) -> Response:
    """Send a browser somewhere, without telling where it comes from."""
    return RedirectResponse(target, status, headers=HEADERS)


async def _visit(kind: type[VisitT], world: World, request: Request, known: Session | None) -> VisitT:
    host = request.path_params["host"]
    base = str(request.base_url).rstrip("/")
    posted = request.method == "POST"
    program = posted and not {"origin", "sec-fetch-site"} & set(request.headers)
    form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
    return kind(
        world=world,
        host=host,
        address=base if urlsplit(base).hostname == host else f"{base}/{host}",
        path=request.path_params,
        given={**request.query_params, **form},
        form=form,
        posted=posted,
        program=program,
        session=known or (None if program else world.sessions.begin()),
    )


def _raw_path(request: Request) -> str:
    path, query = request.scope["raw_path"].decode("latin-1"), request.scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


def _in_and_out(visit: Visit, here: str) -> Response | None:
    """Refuse forms of other sites, and take those that sign in and out, which lead to the same address again."""
    if not visit.posted:
        return None
    token = visit.session.form_token if visit.session is not None else None
    if not visit.program and visit.form.get("form_token") != token:
        return visit.page("refused.html", status=403)
    if "sign_out" in visit.form and visit.session is not None:
        visit.world.sessions.end(visit.session)
        visit.session = visit.world.sessions.begin()
        return redirect(here, 303)
    if "owner" in visit.form:
        owner = visit.form["owner"]
        if owner not in visit.owners:
            return visit.page("refused.html", status=403)
        if visit.session is not None:
            visit.world.sessions.end(visit.session)
        visit.session = visit.world.sessions.begin(owner)
        return redirect(here, 303)
    return None
