"""A receiver of webhooks on this machine, over real HTTP, which verifies what it gets as receivers do."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Received:
    """One request."""

    headers: dict[str, str]
    body: bytes
    path: str = ""

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def is_signed_with(self, secret: str) -> bool:
        """Verify by the specification alone: HMAC-SHA256 over id, timestamp and body; any of the signatures will do."""
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        signed = b".".join([self.id.encode(), self.headers["webhook-timestamp"].encode(), self.body])
        wanted = "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        return wanted in self.headers["webhook-signature"].split(" ")


@dataclass
class Receiver:
    """Answers as it is told, and keeps what it received in the order in which it came."""

    url: str = ""
    answer: Callable[[Received], int] = lambda received: 204
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    files: dict[str, bytes] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    """The paths that were asked for with GET."""
    came: threading.Condition = field(default_factory=threading.Condition)

    def types(self) -> list[str]:
        return [one.json["type"] for one in self.received]

    def wait_for(self, count: int, timeout_s: float = 60.0) -> None:
        with self.came:
            assert self.came.wait_for(lambda: len(self.received) >= count, timeout_s), self.types()


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Run a receiver for the length of a ``with`` block."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            got = Received({name.lower(): value for name, value in self.headers.items()}, body, self.path)
            with receiver.came:
                receiver.received.append(got)
                receiver.came.notify_all()
            status = receiver.answer(got)
            self.send_response(status)
            for name, value in {"content-length": str(len(receiver.body)), **receiver.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(receiver.body)

        def do_GET(self) -> None:
            receiver.fetched.append(self.path)
            found = receiver.files.get(self.path)
            self.send_response(404 if found is None else 200)
            self.send_header("content-length", str(len(found or b"")))
            self.end_headers()
            self.wfile.write(found or b"")

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 128  # all that is sent at once finds a place

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
