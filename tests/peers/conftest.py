"""What the tests of other clients' defects and wishes share: a server that says anything, and calls made at once.

The local Amazon answers as Amazon does; `StandIn` is for what somebody was answered once.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest

from sellerport.wire import AsyncWire, BlockingWire, Request, Response
from tests.conftest import TOKEN_PATH, Clients

S = TypeVar("S", bound="StandIn")


@dataclass(frozen=True)
class Heard:
    """A request as it came in; ``connection`` is the number of the client's port."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    connection: int


@dataclass
class StandIn:
    """A server that answers every call with what it was told to, and gives out tokens.

    Its port is asked for everything: `heard` are the calls, `tokens` the requests for tokens.
    """

    address: str = ""
    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    heard: list[Heard] = field(default_factory=list)
    tokens: list[Heard] = field(default_factory=list)

    def say(self, body: Any, status: int = 200, **headers: str) -> None:
        """Answer so from now on: JSON, or bytes as they are."""
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def answer(self, heard: Heard) -> tuple[int, dict[str, str], bytes]:
        if heard.url.endswith(TOKEN_PATH):
            self.tokens.append(heard)
            token = {"access_token": f"Atza|{len(self.tokens)}", "expires_in": 3600, "token_type": "bearer"}
            return 200, {}, json.dumps(token).encode()
        self.heard.append(heard)
        return self.status, self.headers, self.body


class Proxy(StandIn):
    """A proxy for plain HTTP: what it hears, it passes on."""

    def answer(self, heard: Heard) -> tuple[int, dict[str, str], bytes]:
        self.heard.append(heard)
        parts = urlsplit(heard.url)
        upstream = http.client.HTTPConnection(parts.netloc)
        upstream.request(heard.method, parts._replace(scheme="", netloc="").geturl(), heard.body, heard.headers)
        found = upstream.getresponse()
        body = found.read()
        upstream.close()
        kept = {
            name: value for name, value in found.getheaders() if name not in ("transfer-encoding", "content-length")
        }
        return found.status, kept, body


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in one packet, at once: in two, the second waits 40 ms for the first's acknowledgement
    stand_in: StandIn

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        heard = Heard(self.command, self.path, headers, body, self.client_address[1])
        status, answered, content = self.stand_in.answer(heard)
        self.send_response(status)
        for name, value in answered.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _serving(made: S) -> Iterator[S]:
    handler = type("Handler", (_Handler,), {"stand_in": made})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        made.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.005,))
        thread.start()
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    """A server that says anything."""
    yield from _serving(StandIn())


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """A proxy for plain HTTP."""
    yield from _serving(Proxy())


@dataclass
class Noting:
    """A wire that notes what is sent over another and how long it was asked to wait, and does not wait."""

    wire: Any
    slept: list[float] = field(default_factory=list)
    sent: list[Request] = field(default_factory=list)

    async def send(self, request: Request) -> Response:
        self.sent.append(request)
        answer: Response = await self.wire.send(request)
        return answer

    def stream(self, request: Request) -> Any:
        self.sent.append(request)
        return self.wire.stream(request)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.wire, name)


@contextmanager
def proxied(clients: Clients, proxy: Proxy) -> Iterator[Noting]:
    """Yield a wire of the colour that sends everything through a proxy."""
    if clients.colour == "blocking":
        wire = BlockingWire(proxy=proxy.address)
        yield Noting(wire)
        wire.close()
    else:
        other = AsyncWire(proxy=proxy.address)
        yield Noting(other)
        clients.runner.run(other.aclose())


def at_once(clients: Clients, calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Make calls at the same time, in threads or tasks, and return what came of each: an answer or an exception."""

    def attempted(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except Exception as error:
            return error

    async def gathered() -> list[Any]:
        return await asyncio.gather(*(call() for call in calls), return_exceptions=True)

    if clients.colour == "async":
        return clients.runner.run(gathered())
    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(attempted, calls))


def gather(clients: Clients, made: Callable[[], Any]) -> list[Any]:
    """Go through an iterator of the colour to its end."""

    async def gathered() -> list[Any]:
        found = made()
        return [one async for one in found] if isinstance(found, AsyncIterable) else list(found)

    return clients.runner.run(gathered()) if clients.colour == "async" else list(made())


def python(code: str, **environ: str) -> str:
    """Run a program in a process of its own, and return what it printed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SP_API", "LWA", "AWS"))}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env={**kept, **environ}, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
