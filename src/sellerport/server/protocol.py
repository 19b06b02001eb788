"""uvicorn's HTTP with limits (of connections, and of what comes before a body), and a short way for whole answers."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

HEAD_S = 10.0
"""How long a request's head may take."""

TAKE_S = 30.0
"""How long a client may take nothing of what is written for it."""

MOST_WAITING = 100
"""Requests of one connection that wait behind another; each costs a hundred times what it takes to send it."""

MOST_CONNECTIONS = 5000
"""More are answered with 503, so that those before them go on to be served."""

LARGEST_HEAD = 1 << 16
"""Of what comes before or behind a body, but for the first piece of it where that follows something else."""

Whole = Callable[[Scope, int, list[tuple[bytes, bytes]], bytes], bool]
"""Sends a whole answer (a request's scope, then status, fields, body) and returns True, or does nothing and False."""

_WHOLE, _UNDER_WAY = "sellerport.whole", "sellerport.under_way"


def whole(scope: Scope) -> Whole | None:
    """Return the short way for a request's answer, an extension of ASGI that this server's own protocol has.

    It costs a third of the two messages of ASGI. Nothing is looked at on it: the fields are as HTTP/1.1 has them, in
    lower case, and ``content-length`` is right. A client that cannot take it now is answered by ASGI's messages.
    """
    found: Whole | None = scope.get("extensions", {}).get(_WHOLE)
    return found


def under_way(scope: Scope) -> Any:
    """Return what was handed over with a request (`Exchange.hand_over`), once."""
    return scope.get("extensions", {}).pop(_UNDER_WAY, None)


class Protocol(HttpToolsProtocol):
    """One connection of a client."""

    _head: int | None = 0
    _in_head = False
    _late: asyncio.TimerHandle | None = None
    _idle_since = 0.0
    _served: RequestResponseCycle | None = None
    _taking: asyncio.TimerHandle | None = None
    _untaken = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Begin (asyncio's protocol and httptools' callbacks, as the next five)."""
        super().connection_made(transport)
        self._extensions: dict[str, Any] = {_WHOLE: self._send_whole}
        if len(self.connections) > MOST_CONNECTIONS:
            self.app = _full
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._stop_waiting()
        if self._taking is not None:
            self._taking.cancel()
        if self._served is not None and not self._served.response_complete:
            self._served.disconnected = True  # uvicorn tells the request that came last, which may wait behind this one
            self._served.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        super().data_received(data)
        if self._in_head:
            self._await_head()  # a timer for each request would cost as much as reading its head
            self._head = 0 if self._head is None else self._head + len(data)
            if self._head > LARGEST_HEAD and not self.transport.is_closing():
                self.send_400_response("the head of the request is too large")

    def on_message_begin(self) -> None:
        """Begin a request."""
        self.url, self.headers, self.expect_100_continue = b"", [], False
        self._in_head = True

    def on_headers_complete(self) -> None:
        """Have a request answered."""
        self._head, self._in_head = None, False
        if self._late is not None:
            self._stop_waiting()
        if not self.url.startswith(b"/") or b"#" in self.url:
            raise ValueError("another host, or a part of an address that is never sent")  # which is answered with 400
        if not self._begun_shortly():
            if len(self.pipeline) >= MOST_WAITING:
                raise ValueError("more requests at once than anybody sends")
            url, headers, expects = self.url, self.headers, self.expect_100_continue
            super().on_message_begin()
            self.url, self.expect_100_continue = url, expects
            self.headers.extend(headers)
            self.scope["extensions"] = self._extensions
            super().on_headers_complete()
            if self.parser.should_upgrade():
                self.cycle.keep_alive = False  # the parser skips its body, which would be taken for requests
        self.headers = []  # for the fields of a trailer, which could bring what a proxy took out of the head

    def _begun_shortly(self) -> bool:
        express: Express | None = getattr(self.app, "express", None)
        under_way: Any = self.cycle  # uvicorn's, or an `Exchange`; None before the first
        if express is None or not (under_way is None or under_way.response_complete):
            return False
        parser = self.parser
        if not parser.should_keep_alive() or parser.get_http_version() != "1.1":
            return False
        exchange = Exchange(self, parser.get_method(), self.url, self.headers)
        if not express(exchange):
            return False
        self.cycle = exchange  # type: ignore[assignment]  # it has what this class asks of a cycle
        return True

    def on_chunk_header(self) -> None:
        """Begin a chunk, or what comes behind the last."""
        self._head, self._in_head = None, True

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body."""
        self.on_chunk_complete()
        super().on_body(body)

    def on_chunk_complete(self) -> None:
        """End it."""
        self._in_head = False
        self._stop_waiting()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, and end the connection."""
        super().send_400_response(msg)
        self._await_taking()

    def pause_writing(self) -> None:
        """Hold what is written, as there is much that the client did not take yet (asyncio's, as the next)."""
        super().pause_writing()
        self._await_taking()

    def resume_writing(self) -> None:
        """Let it go on."""
        super().resume_writing()
        self._untaken = sys.maxsize

    def _await_taking(self) -> None:
        if self._taking is None:
            self._untaken = self.transport.get_write_buffer_size()
            self._taking = self.loop.call_later(TAKE_S, self._look_what_is_left)

    def _look_what_is_left(self) -> None:
        """End the connection if nothing was taken; closing it would wait for that, or whoever writes to it."""
        self._taking = None
        left = self.transport.get_write_buffer_size()
        if not left or not (self.flow.write_paused or self.transport.is_closing()):
            return
        if left >= self._untaken:
            self.transport.abort()
        else:
            self._await_taking()

    def _await_head(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(HEAD_S, self._head_is_late)

    def _head_is_late(self) -> None:
        self._late = None
        if self.flow.read_paused:  # and not the client's fault
            self._await_head()
        else:
            self._close()

    def _close(self) -> None:
        self.transport.close()
        self._await_taking()

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def on_response_complete(self) -> None:
        """Wait for the next request: one timer looks after all of a connection's pauses, and not a new one each."""
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            if self.transport.is_closing():
                self._await_taking()
            return
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection if nothing came for as long as it is kept, or look again when that may be so."""
        self.timeout_keep_alive_task = None
        if not self.cycle.response_complete:
            return  # its end begins the next pause
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0 or self._in_head:
            wait = max(left, 1.0)
            self.timeout_keep_alive_task = self.loop.call_later(wait, self.timeout_keep_alive_handler)
        else:
            self._close()

    def _unset_keepalive_if_required(self) -> None:
        if self.transport.is_closing():
            super()._unset_keepalive_if_required()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._served = cycle
        super()._start_asgi_task(cycle, app)

    def hand_over(self, exchange: Exchange, what: object) -> None:
        """Have a request answered by the application after all; it finds under way what `under_way` returns."""
        path, _, query = exchange.url.partition(b"?")
        scope: Any = {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": "1.1",
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "root_path": "",
            "method": exchange.method.decode(),
            "path": unquote(path.decode()),
            "raw_path": path,
            "query_string": query,
            "headers": exchange.headers,
            "state": self.app_state.copy(),
            "extensions": {**self._extensions, _UNDER_WAY: what},
        }
        cycle = RequestResponseCycle(
            scope,
            self.transport,
            self.flow,
            self.logger,
            self.access_logger,
            self.access_log,
            self.server_state.default_headers,
            asyncio.Event(),
            expect_100_continue=False,
            keep_alive=exchange.keep_alive,
            on_response=self.on_response_complete,
        )
        cycle.more_body = False
        if self.cycle is exchange:  # type: ignore[comparison-overlap]
            self.cycle = cycle
        self._start_asgi_task(cycle, self.app)

    def _send_whole(self, scope: Scope, status: int, fields: list[tuple[bytes, bytes]], body: bytes) -> bool:
        """Send an answer in one piece: see `Whole`."""
        cycle = self.cycle
        ready = cycle.scope is scope and not (cycle.disconnected or cycle.response_started or cycle.flow.write_paused)
        if not ready or scope["method"] == "HEAD":
            return False
        if (b"connection", b"close") in fields:
            fields.remove((b"connection", b"close"))
            cycle.keep_alive = False
        self.send_whole(cycle, status, b"".join([b"%b: %b\r\n" % field for field in fields]), body)
        return True

    def send_whole(self, cycle: RequestResponseCycle | Exchange, status: int, lines: bytes, body: bytes) -> None:
        """Send an answer in one piece; ``lines`` are its fields."""
        if not cycle.keep_alive:
            lines += b"connection: close\r\n"
        for field in self.server_state.default_headers:
            lines += b"%b: %b\r\n" % field
        cycle.waiting_for_100_continue = False
        cycle.response_started = cycle.response_complete = True
        self.transport.write(b"%b%b\r\n%b" % (STATUS_LINE[status], lines, body))
        cycle.message_event.set()
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()


class _NobodyWaits:
    def set(self) -> None:
        """Tell nobody: nothing waits for what comes of a request without a body."""


class Exchange:
    """A request without a body that is answered without a task, as far as that goes; for uvicorn, a cycle."""

    __slots__ = (
        "_protocol", "disconnected", "headers", "keep_alive", "method", "more_body", "response_complete",
        "response_started", "url", "waiting_for_100_continue",
    )  # fmt: skip

    message_event = _NobodyWaits()
    response_started: bool
    waiting_for_100_continue: bool

    def __init__(self, protocol: Protocol, method: bytes, url: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        self._protocol = protocol
        self.method, self.url, self.headers = method, url, headers
        self.keep_alive = True
        self.disconnected = self.response_complete = False

    @property
    def left(self) -> bool:
        """Whether the client is gone."""
        return self.disconnected or self._protocol.transport.is_closing()

    @property
    def ready(self) -> bool:
        """Whether the client takes an answer now."""
        protocol = self._protocol
        return not (self.disconnected or protocol.flow.write_paused or protocol.transport.is_closing())

    def answer(self, status: int, lines: bytes, body: bytes) -> None:
        """Send the answer in one piece; ``lines`` are its fields, each with its end, and say how long the body is."""
        self._protocol.send_whole(self, status, lines, body)

    def hand_over(self, what: object) -> None:
        """Leave the rest to the application, which finds under way what `under_way` returns."""
        self._protocol.hand_over(self, what)

    def abort(self) -> None:
        """End the connection at once."""
        self._protocol.transport.abort()


Express = Callable[[Exchange], bool]
"""An application's ``express``: begins to answer a request and returns True, or does nothing and returns False."""


async def _full(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request of a connection for which there is no room."""
    body = b'{"message":"The server has too many connections; come back later.","errors":[],"request_id":null}'
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"retry-after", b"5"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body})
