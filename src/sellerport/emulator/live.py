"""The page at ``/_emulator/``: accounts, what is planned, and what arrives, while it arrives.

It asks for itself every two seconds and puts what changed in place, until it is told to pause; without scripts the
browser loads it again. It is made of nothing but itself, and what arrived is shown with its secrets masked.
"""

from __future__ import annotations

from itertools import islice

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from sellerport.emulator.web_pages import PAGES, headers
from sellerport.emulator.world import World

SHOWN = 100
HEADERS = headers("script-src 'unsafe-inline'", "connect-src 'self'", "form-action 'none'")


def _often(times: int | None) -> str:
    return "until it is forgotten" if times is None else "once" if times == 1 else f"{times} times"


PAGES.filters["often"] = _often


def routes(world: World) -> list[Route]:
    """Return the page."""

    async def page(_: Request) -> Response:
        requests = [*islice(reversed(world.requests), SHOWN)]
        tokens: dict[str, list[str]] = {}
        for grant in world.grants.values():
            if not grant.over(world.now()):
                tokens.setdefault(grant.account.selling_partner_id, []).append(grant.refresh_token)
        text = PAGES.get_template("live.html").render(world=world, requests=requests, tokens=tokens)
        return HTMLResponse(text, headers=HEADERS)

    return [Route("/_emulator/", page, methods=["GET"])]
