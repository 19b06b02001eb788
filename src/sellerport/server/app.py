"""Settings in, one ASGI application out; and the process around it: socket, log, start and graceful end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import gc
import logging
import re
import resource
import signal
import socket
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, MutableMapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from sellerport.errors import CallerError, NotFound, SellerportError, SettingsError, StoreError, VaultError
from sellerport.server import connector_api, consent_pages, gateway_api, jobs, openapi
from sellerport.server.connector_api import answer
from sellerport.server.gateway_api.lines import JsonHandler
from sellerport.server.gateway_api.operations import PREFIX, load
from sellerport.server.gateway_api.passthrough import Passthrough
from sellerport.server.hub import Hub, Pause, kept_up
from sellerport.server.opening import open_hub
from sellerport.server.protocol import Exchange, Protocol
from sellerport.server.settings import Settings
from sellerport.wire import Wire

log = logging.getLogger(__name__)

GRACE_S = 30
"""How long requests under way may take once the server was told to stop."""

KEEP_ALIVE_S = 75
"""How long an idle connection is kept: longer than load balancers keep theirs, which would meet it just closed."""

BACKLOG = 2048


def application(settings: Settings, hub: Hub | None = None) -> Edge:
    """Return the ASGI application; without a hub, it opens one when it starts and closes it when it ends."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[Mapping[str, Any]]:
        async with contextlib.AsyncExitStack() as stack:
            if hub is None:
                app.state.hub = await stack.enter_async_context(open_hub(settings))
                await stack.enter_async_context(kept_up(app.state.hub))
                await stack.enter_async_context(_jobs(settings, app.state.hub))
                stack.push_async_callback(edge.aclose)
            yield {}

    routes = [
        Route("/health", _health, methods=["GET"]),
        Route("/ready", _ready, methods=["GET"]),
        *connector_api.routes(),
        *gateway_api.routes(),
        openapi.route(
            [*connector_api.ENDPOINTS, *gateway_api.ENDPOINTS],
            {**connector_api.CREDENTIALS, **gateway_api.CREDENTIALS},
        ),
        *consent_pages.routes(),
    ]
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers={HTTPException: _no_route, Exception: _failed})
    app.router.redirect_slashes = False  # a redirect would be built from the caller's Host header
    app.state.hub, app.state.check = hub, None
    edge = Edge(app, settings.proxies)
    return edge


async def _health(request: Request) -> Response:
    """Say that the process lives."""
    return answer({"status": "ok"})


async def _ready(request: Request) -> Response:
    """Say whether requests can be served: a transaction that may write begins, and the vault has every key it needs.

    Nothing is written, so that a full disk is not noticed.
    """
    hub: Hub = request.state.hub
    if request.state.draining:
        return answer({"status": "not ready", "reason": "stopping"}, 503)
    state = request.app.state
    if state.check is None or state.check.done():  # anybody may ask, and any number is answered by one look
        state.check = asyncio.create_task(hub.check_vault())
    try:
        await asyncio.shield(state.check)
    except SellerportError as error:
        request.state.error = error
        return answer({"status": "not ready", "reason": error.code}, 503)
    return answer({"status": "ready"})


async def _no_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return _refuse(request, NotFound(f"no such address: {request.method} {request.scope['path']}"))
    refused = CallerError(f"{request.method} is not for this address")
    refused.status = error.status_code
    response = _refuse(request, refused)
    response.headers.update(error.headers or {})
    return response


async def _failed(request: Request, error: Exception) -> Response:
    unforeseen = SellerportError("the server failed; its operator finds this request id in the log")
    if "text/html" in request.headers.get("accept", ""):
        return consent_pages.problem(request, unforeseen)
    return _refuse(request, unforeseen)


def _refuse(request: Request, error: SellerportError) -> Response:
    """Return an error in the shape of the contract that an address belongs to."""
    path: str = request.scope["path"]
    if path.startswith(gateway_api.PREFIXES) and not path.startswith(connector_api.PREFIX):
        return gateway_api.refuse(request, error)
    return connector_api.refuse(request, error)


class Edge:
    """The outermost layer: gives each request an id and the hub, and writes one line about it.

    The line has no query, no header and no body, and of the path no secret.
    """

    draining = False
    """Whether the server will soon be gone: clients are to come back over another connection, and to another server."""

    def __init__(self, app: Starlette, proxies: int, clock: Callable[[], float] = time.perf_counter) -> None:
        self._app = app
        self._proxies = proxies
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope.get("raw_path", b"").startswith(_PASSTHROUGH):  # what most requests ask for, with no layer in between
            await self._through(scope, receive, send, closing=self.draining)
            return
        request_id, begun, status = uuid.uuid4().hex, self._clock(), 499
        state = scope.setdefault("state", {})
        state.update(request_id=request_id, hub=self._app.state.hub, draining=self.draining)
        state["address"] = _address(scope, self._proxies)

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
                if self.draining:
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except ClientDisconnect:
            status = 499  # nobody is left to answer
        except Exception:
            log.exception("a request failed", extra={"request_id": request_id})
        took_ms = round((self._clock() - begun) * 1000, 1)
        log.info("request", extra={**_line(scope, state), "status": status, "ms": took_ms, "request_id": request_id})

    def express(self, exchange: Exchange) -> bool:
        """Begin to serve a request at once, if it is one that can be: see `gateway_api.express`."""
        return exchange.url.startswith(_PASSTHROUGH) and not self.draining and self._through.express(exchange)

    @functools.cached_property
    def _through(self) -> Passthrough:
        return Passthrough(self._app.state.hub.gateway, functools.partial(_address, proxies=self._proxies), self._clock)

    async def aclose(self) -> None:
        """Close the connections to Amazon, and write the last lines of the log."""
        if "_through" in self.__dict__:
            await self._through.aclose()


_PASSTHROUGH = PREFIX + b"/"


def _address(scope: Scope, proxies: int) -> str:
    """Return who calls: the other end of the connection, or who that says called the outermost of our proxies."""
    address: str = (scope.get("client") or ("",))[0]
    if proxies:
        named = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for").split(b",")
        if len(named) >= proxies:  # what stands before those of our proxies is the caller's own
            address = named[-proxies].decode("latin-1").strip()
    return address


def _line(scope: Scope, state: MutableMapping[str, Any]) -> dict[str, Any]:
    path = scope["path"] if "endpoint" in scope else "(no route)"
    for value in scope.get("path_params", {}).values():
        if not _UUID.fullmatch(value):  # a link, or whatever a caller took for an id
            path = path.replace(value, "…")
    line = {"method": scope["method"], "path": path}
    if organization := state.get("organization"):
        line["organization"] = organization
    if (error := state.get("error")) is not None:
        line["error"] = error.code
        if isinstance(error, StoreError | VaultError):
            line["reason"] = error.message  # callers are not told
    return line


@dataclass(frozen=True)
class Running:
    """A server that is up."""

    url: str
    hub: Hub
    edge: Edge
    server: uvicorn.Server
    ended: asyncio.Task[None]
    """Done when the server has ended, which `server.should_exit` asks for."""


@asynccontextmanager
async def running(
    settings: Settings,
    *,
    wire: Wire | None = None,
    clock: Callable[[], float] | None = None,
    pause: Pause = asyncio.sleep,
) -> AsyncIterator[Running]:
    """Run a server in this event loop; at the end, finish the requests under way, then close everything.

    Args:
        settings: see there.
        wire, clock: as `open_hub`'s.
        pause: waits between two rounds of upkeep.

    Raises:
        SettingsError: the address cannot be listened on.
        KeyMissing, VaultError, StoreError: see `open_hub`.
    """
    with _listening(settings.host, settings.port) as listener:
        url = settings.url(listener.getsockname()[1])
        async with open_hub(settings, url=url, wire=wire, clock=clock) as hub, _jobs(settings, hub):
            edge = application(settings, hub)
            config = uvicorn.Config(
                edge,
                http=Protocol,
                lifespan="off",  # the hub is open already
                log_config=None,
                access_log=False,  # it would hold queries; Edge writes one that does not
                proxy_headers=False,  # Edge reads what proxies that the settings name say
                server_header=False,
                ws="none",
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=GRACE_S,
            )
            server = _Server(config)
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            try:
                async with kept_up(hub, pause):
                    yield Running(url, hub, edge, server, serving)
            finally:
                server.should_exit = True
                await serving
                await edge.aclose()


def serve(settings: Settings, ready: Callable[[str], None] = lambda url: None) -> None:
    """Run a server until SIGINT or SIGTERM; ``ready`` is told its address once it takes requests.

    Raises: as `running`.
    """

    async def until_told() -> None:
        async with running(settings) as up:
            loop = asyncio.get_running_loop()

            def stop(number: int) -> None:
                wait_s = 0 if up.edge.draining else settings.drain
                up.edge.draining = True
                loop.call_later(wait_s, up.server.handle_exit, number, None)

            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, stop, number)
            load()
            gc.collect()
            gc.freeze()  # what is here by now stays: looking through it again would hold up requests for long
            gc.set_threshold(50_000, 20, 20)  # each request leaves little; a tenth of its time went into looking for it
            ready(up.url)
            await up.ended

    _raise_file_limit()
    configure_log(settings.log_level)
    with asyncio.Runner(loop_factory=uvicorn.Config("", log_config=None).get_loop_factory()) as runner:
        runner.run(until_told())


def _raise_file_limit() -> None:
    """Let this process open as many files as it may: each connection is one, and there should be some left."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `serve`: uvicorn would end the process before the database is closed."""
        yield


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except (OSError, TypeError, UnicodeError) as error:  # the last two: what cannot be a host's name
            raise _cannot_listen(host, port, error) from error
        listener.listen(BACKLOG)  # so that whoever connects from now on is served
        yield listener


def _jobs(settings: Settings, hub: Hub) -> AbstractAsyncContextManager[None]:
    return jobs.running(hub, settings.database, secrets_queue=settings.secrets_queue)


def _cannot_listen(host: str, port: int, error: Exception) -> SettingsError:
    if not isinstance(error, OSError):
        return SettingsError(f"SELLERPORT_HOST {host!r} is no host's name or address")
    if error.errno == errno.EADDRINUSE:
        what = f"port {port} of {host} is taken; stop what listens there, or set SELLERPORT_PORT to another"
        return SettingsError(f"{what} (0 takes a free one)")
    if error.errno == errno.EACCES:
        return SettingsError(f"this user may not listen on port {port}; set SELLERPORT_PORT to one above 1023")
    return SettingsError(f"SELLERPORT_HOST {host!r} is no address of this machine: {error.strerror}")


_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SECRETS = re.compile(
    r"Atz[a-z.]*\|[\w.~+/=|-]+|amzn1\.oa2-cs\.[\w.-]+|sellerport_(?:secret|token)_[\w-]+|whsec_[\w+/=-]+"
    r"|\b(?:s?rt|claim)_[\w-]{20,}|\beyJ[\w-]+\.[\w-]+\.[\w-]+"
)


def _mask(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide what looks like a secret: no line should hold one, and this is the net below."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = _SECRETS.sub("(secret)", value)
    return event


def configure_log(level: str) -> None:
    """Log to standard error: for a person where that is a terminal, otherwise one JSON object a line."""
    person = sys.stderr.isatty()
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.format_exc_info,
        _mask,
    ]
    renderer = structlog.dev.ConsoleRenderer() if person else structlog.processors.JSONRenderer(ensure_ascii=False)
    handler = logging.StreamHandler() if person else JsonHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for chatty in ("uvicorn.error", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
