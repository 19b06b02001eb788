"""What the account's owner meets: the link that leads to Amazon, and the page that Amazon leads back to.

No page may be kept, framed or tell another site where it was, and none runs a script: their addresses hold secrets.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Awaitable, Callable
from functools import cache, wraps
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sellerport.errors import ConsentError, SellerportError, StoreError
from sellerport.server.hub import Hub

Endpoint = Callable[[Request], Awaitable[Response]]

COOKIE_LIFE_S = 600
MOST_PARAMETERS = 20

_TEMPLATES = Path(__file__).parent / "templates"


def routes() -> list[Route]:
    """Return the routes; ``request.state.hub`` has to hold the hub."""
    return [
        Route("/connect/{link}", _explained(connect), methods=["GET"]),
        Route("/oauth/callback", _explained(callback), methods=["GET"]),
    ]


async def connect(request: Request) -> Response:
    """Send a browser on to Amazon's consent page, with a cookie to know it by."""
    if request.method == "HEAD":  # link checkers; the link is for one browser
        return _bare(HTTPStatus.OK)
    hub = _hub(request)
    started = await hub.consents.start(request.path_params["link"], request.cookies)
    found = _bare(HTTPStatus.FOUND, started.location)
    found.set_cookie(
        started.cookie,
        started.value,
        max_age=COOKIE_LIFE_S,
        path="/",
        secure=hub.consents.secure,
        httponly=True,
        samesite="lax",  # Amazon's redirect has to carry it
    )
    return found


async def callback(request: Request) -> Response:
    """Take Amazon's answer, and send the browser to the return URL or show how it went."""
    if request.method == "HEAD":
        return _bare(HTTPStatus.OK)
    hub = _hub(request)
    finished = await hub.consents.finish(_parameters(request), request.cookies)
    if finished.location is not None:
        response = _bare(HTTPStatus.SEE_OTHER, finished.location)
    elif finished.error is not None:
        response = problem(request, finished.error)
    else:
        response = _page("connected.html", HTTPStatus.OK, title="Connected", connection=finished.connection)
    response.delete_cookie(finished.cookie, path="/", secure=hub.consents.secure, httponly=True, samesite="lax")
    return response


def problem(request: Request, error: SellerportError) -> Response:
    """Return a page that says what is wrong and what to do."""
    if isinstance(error, ConsentError):
        title, message = "This did not work", _sentence(error.message)
    elif isinstance(error, StoreError):
        title, message = "Not now", "The server cannot save anything at the moment. Load this page again in a minute."
    else:
        title, message = "Something went wrong", "The server could not do this. Its operator finds why in its log."
    return _page("problem.html", error.status, title=title, message=message, request_id=request.state.request_id)


def _explained(endpoint: Endpoint) -> Endpoint:
    @wraps(endpoint)
    async def explained(request: Request) -> Response:
        try:
            return await endpoint(request)
        except SellerportError as error:
            request.state.error = error
            return problem(request, error)

    return explained


def _hub(request: Request) -> Hub:
    hub: Hub = request.state.hub
    return hub


def _parameters(request: Request) -> dict[str, str]:
    query = request.scope["query_string"].decode("latin-1")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
    except ValueError:
        raise ConsentError("this answer has more parameters than Amazon sends; start again") from None
    given = dict(pairs)
    if len(given) != len(pairs):
        raise ConsentError("this answer says something twice, which Amazon's never does; start again")
    return given


@cache
def _template(name: str) -> tuple[Template, Markup, str]:
    """Return a template, the style sheet, and the policy that allows this style sheet and nothing else."""
    style = (_TEMPLATES / "style.css").read_text("utf-8")
    hashed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{hashed}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined)
    return environment.get_template(name), Markup(style), policy  # noqa: S704  # the style sheet is ours


def _page(name: str, status: int, **values: Any) -> Response:
    template, style, policy = _template(name)
    headers = {**_HEADERS, "content-security-policy": policy}
    return Response(template.render(style=style, **values), status, headers, "text/html")


_HEADERS = {"cache-control": "no-store", "referrer-policy": "no-referrer", "x-content-type-options": "nosniff"}


def _bare(status: HTTPStatus, location: str | None = None) -> Response:
    return Response(status_code=status, headers=_HEADERS | ({"location": location} if location else {}))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"
