"""What the tests of other clients' defects and wishes share: a proxy, and programs in processes of their own."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest

from sellerport.wire import AsyncWire, BlockingWire, Request, Response
from tests.conftest import Clients
from tests.stand_in import Heard, StandIn, serving


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


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """A proxy for plain HTTP."""
    with serving(Proxy()) as made:
        yield made


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


def python(code: str, **environ: str) -> str:
    """Run a program in a process of its own, and return what it printed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SP_API", "LWA", "AWS"))}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env={**kept, **environ}, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
