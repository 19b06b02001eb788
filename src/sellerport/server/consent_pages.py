"""What the account's owner meets: the link that leads to Amazon, and the page that Amazon leads back to."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from functools import wraps
from http import HTTPStatus
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sellerport.errors import ConsentError, SellerportError, StoreError, TooManyRequests
from sellerport.server.hub import Hub, Invitation, Started
from sellerport.server.pages import bare, forget, page, remember

Endpoint = Callable[[Request], Awaitable[Response]]

MOST_PARAMETERS = 20
LONGEST_QUERY = 16_384


def routes() -> list[Route]:
    """Return the routes; ``request.state.hub`` has to hold the hub."""
    return [
        Route("/connect/{link}", _explained(invitation), methods=["GET"]),
        Route("/connect/{link}", _explained(connect), methods=["POST"]),
        Route("/oauth/login/{application}", _explained(log_in_page), methods=["GET"]),
        Route("/oauth/login/{application}", _explained(log_in), methods=["POST"]),
        Route("/oauth/callback", _explained(callback), methods=["GET"]),
    ]


async def invitation(request: Request) -> Response:
    """Say what a link is about. Link scanners and previews come here too: only the button binds it to a browser."""
    about = await _hub(request).consents.look(request.path_params["link"], request.cookies)
    return page("invitation.html", HTTPStatus.OK, form=True, title=_title(about), about=about)


async def connect(request: Request) -> Response:
    """Send a browser on to Amazon's consent page, with a cookie to know it by."""
    _refuse_others_forms(request)
    hub = _hub(request)
    return _to_amazon(hub, await hub.consents.start(request.path_params["link"], request.cookies))


async def log_in_page(request: Request) -> Response:
    """Say what Amazon asks for, where an owner began there: this is the application's Log-in URI."""
    about = await _hub(request).consents.look_in(request.path_params["application"], _parameters(request))
    return page("invitation.html", HTTPStatus.OK, form=True, title=_title(about), about=about)


async def log_in(request: Request) -> Response:
    """Send a browser that began at Amazon back there, with a cookie to know it by."""
    _refuse_others_forms(request)
    hub = _hub(request)
    await hub.quotas.wrong(request.state.address, "pages")  # anybody may come, and each leaves something behind
    started = await hub.consents.log_in(request.path_params["application"], _parameters(request), request.cookies)
    return _to_amazon(hub, started)


async def callback(request: Request) -> Response:
    """Take Amazon's answer, and send the browser to the return URL or show how it went."""
    if request.method == "HEAD":
        return bare(HTTPStatus.OK)
    hub = _hub(request)
    finished = await hub.consents.finish(_parameters(request), request.cookies)
    if finished.location is not None:
        response = bare(HTTPStatus.SEE_OTHER, finished.location)
    elif finished.error is not None:
        request.state.error = finished.error
        response = problem(request, finished.error, finished.link)
    else:
        response = page("connected.html", HTTPStatus.OK, title="Connected", finished=finished)
    return forget(response, finished.cookie, secure=hub.consents.secure)


def problem(request: Request, error: SellerportError, link: str | None = None) -> Response:
    """Return a page that says what is wrong and what to do; ``link`` is where to try again."""
    if isinstance(error, ConsentError):
        title, message = "This did not work", _sentence(error.message)
    elif isinstance(error, TooManyRequests):
        title, message = "Too many attempts", "Too many pages of this address led nowhere. Try again in some minutes."
    elif isinstance(error, StoreError):
        title, message = "Not now", "The server cannot save anything at the moment. Load this page again in a minute."
    else:
        title, message = "Something went wrong", "The server could not do this. Its operator finds why in its log."
    said = {"message": message, "link": link, "request_id": request.state.request_id}
    shown = page("problem.html", error.status, title=title, **said)
    if isinstance(error, TooManyRequests):
        shown.headers["retry-after"] = str(math.ceil(error.retry_after))
    return shown


def _explained(endpoint: Endpoint) -> Endpoint:
    @wraps(endpoint)
    async def explained(request: Request) -> Response:
        quotas, address = _hub(request).quotas, request.state.address
        try:
            quotas.admit(address)
            try:
                return await endpoint(request)
            except ConsentError:
                await quotas.wrong(address, "pages")
                raise
        except SellerportError as error:
            request.state.error = error
            return problem(request, error)

    return explained


def _hub(request: Request) -> Hub:
    hub: Hub = request.state.hub
    return hub


def _title(about: Invitation) -> str:
    return "Renew the connection to Amazon" if about.renews else "Connect your Amazon account"


def _to_amazon(hub: Hub, started: Started) -> Response:
    return remember(bare(HTTPStatus.SEE_OTHER, started.location), started, secure=hub.consents.secure)


def _refuse_others_forms(request: Request) -> None:
    """Refuse a form of another site: whoever is sent to Amazon has to have read our page.

    ``Origin`` tells nothing here: a page that hides its address from others (``Referrer-Policy``) hides it there too.
    """
    if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        raise ConsentError("this has to begin on this server's own page; open the link again")


def _parameters(request: Request) -> dict[str, str]:
    query = request.scope["query_string"].decode("latin-1")
    if len(query) > LONGEST_QUERY:
        raise ConsentError("this answer is longer than Amazon's are; start again")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
    except ValueError:
        raise ConsentError("this answer has more parameters than Amazon sends; start again") from None
    given = dict(pairs)
    if len(given) != len(pairs):
        raise ConsentError("this answer says something twice, which Amazon's never does; start again")
    return given


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"
