"""The page at ``/_emulator/``: accounts, what is planned, and what arrives, while it arrives.

It asks for itself every two seconds and puts what changed in place, until it is told to pause; without scripts the
browser loads it again. It is made of nothing but itself, and what arrived is shown with its secrets masked.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from sellerport.emulator.world import World

SHOWN = 100
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
}

_page = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_page.filters["moment"] = lambda seconds: f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"


def routes(world: World) -> list[Route]:
    """Return the page."""

    async def page(_: Request) -> Response:
        requests = [*islice(reversed(world.requests), SHOWN)]
        tokens: dict[str, list[str]] = {}
        for grant in world.grants.values():
            if not grant.over(world.now()):
                tokens.setdefault(grant.account.selling_partner_id, []).append(grant.refresh_token)
        text = _page.get_template("live.html").render(world=world, requests=requests, tokens=tokens)
        return HTMLResponse(text, headers=HEADERS)

    return [Route("/_emulator/", page, methods=["GET"])]
