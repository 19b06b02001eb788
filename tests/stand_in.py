"""A server that says anything, for what somebody was answered once; the local Amazon answers as Amazon does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

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
        if heard.url.endswith("/auth/o2/token"):
            self.tokens.append(heard)
            token = {"access_token": f"Atza|{len(self.tokens)}", "expires_in": 3600, "token_type": "bearer"}
            return 200, {}, json.dumps(token).encode()
        self.heard.append(heard)
        return self.status, self.headers, self.body


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


@contextmanager
def serving(made: S) -> Iterator[S]:
    """Let it listen on a port of its own."""
    handler = type("Handler", (_Handler,), {"stand_in": made})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        made.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.005,))
        thread.start()
        yield made
        server.shutdown()
        thread.join()
