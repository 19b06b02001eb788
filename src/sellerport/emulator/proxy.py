"""One connection to the local Amazon, whatever its client speaks: HTTP, TLS, or the words for a proxy.

The first byte tells TLS from HTTP, so one port serves both. As a proxy (RFC 9110 §9.3.6, RFC 9112 §3.2.2) it is one
that leads nowhere: a tunnel to a host of Amazon's ends in this process, in TLS with that host's certificate, and so
does a request for one; everything else is refused. Nothing here opens a connection, so nothing can get out.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import struct
from typing import TYPE_CHECKING, Any

import httptools
from starlette.responses import PlainTextResponse
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sellerport.emulator import faults
from sellerport.emulator.faults import CONNECTION
from sellerport.emulator.hosts import SERVED

if TYPE_CHECKING:
    from sellerport.emulator.authority import Authority  # what it needs takes a while to import

HANDSHAKE = 0x16
"""What the first byte of a TLS connection says it is (RFC 8446 §5.1)."""
REFUSED = (
    "The local Amazon is a proxy to itself alone, and {} is none of Amazon's hosts that it stands for. "
    "If that host has to be reached, name it in NO_PROXY.\n"
)
FORBIDDEN = ("403 Forbidden", "text/plain")
LARGEST_HEAD = 64 * 1024
"""Of a request, in bytes; what Amazon's gateway takes is not known, and is less."""
WITHOUT_TLS = "This local Amazon was started without a certificate authority, so it speaks no TLS.\n"


class Connection(HttpToolsProtocol):
    """uvicorn's HTTP, with TLS and a proxy's words before it, which can be broken (see `faults`)."""

    def __init__(self, *, authority: Authority | None, **given: Any) -> None:
        super().__init__(**given)
        self._authority = authority
        self._begun = False
        self._head: int | None = 0
        """How much came of a head that is not complete; None after it."""
        self._early: bytes | None = None
        """What came through TLS before it was ready to be answered; None when it is not being set up."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin, or begin again inside TLS."""
        super().connection_made(transport)
        self._begun = False

    def data_received(self, data: bytes) -> None:
        """Take what came: the beginning of TLS, or HTTP."""
        if self._early is not None:
            self._early += data
        elif data[0] == HANDSHAKE and not self._begun and self._authority is not None:
            self._early = b""
            self.transport.pause_reading()  # what is still to come is for TLS to read
            task = self.loop.create_task(self._secure(data, self._authority))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        else:
            self._begun = True
            if self._head is not None:
                self._head += len(data)
            super().data_received(data)
            if self._head is not None and self._head > LARGEST_HEAD and not self.transport.is_closing():
                self.send_400_response("")

    async def _secure(self, seen: bytes, authority: Authority) -> None:
        """Put TLS between this protocol and its transport, which has read the beginning of it already."""
        below = self.transport
        starting = self.loop.create_task(self.loop.start_tls(below, self, authority.context, server_side=True))
        await asyncio.sleep(0)  # start_tls gives the transport another protocol,
        await asyncio.sleep(0)  # and connects that, before more is read
        tls: Any = below.get_protocol()
        tls.get_buffer(len(seen))[: len(seen)] = seen
        tls.buffer_updated(len(seen))
        try:
            transport = await starting
        except OSError as error:
            self.logger.warning("no TLS with a client (does it trust `sellerport emulate ca`?): %s", error)
            transport = None
        if transport is None or transport.is_closing():  # it ended meanwhile, which nobody tells this protocol
            self.connections.discard(self)
            return
        early, self._early = self._early, None
        self.connection_made(transport)
        if early:
            self.data_received(early)

    def _should_upgrade(self) -> bool:
        return self.parser.get_method() == b"CONNECT"

    def handle_websocket_upgrade(self) -> None:
        """Answer a CONNECT, which is to uvicorn what an upgrade to another protocol is."""
        target = self.url.decode("ascii")
        host, _, port = target.rpartition(":")
        if self._authority is None:
            self._end(*FORBIDDEN, WITHOUT_TLS)
        elif not self._leads_here(host, port):
            self._end(*FORBIDDEN, self._refusal(target))
        else:
            self.transport.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self.parser = httptools.HttpRequestParser(self)
            self._begun, self._head = False, 0

    def on_headers_complete(self) -> None:
        """Look at who is asked for: to a proxy, the target of a request names its host."""
        if len(self.url) + sum(map(len, itertools.chain(*self.headers))) > LARGEST_HEAD:
            raise ValueError("the head is too large")  # which the parser calls a bad request
        self._head = None
        self.app = self.config.loaded_app
        if self.url[:1] not in (b"/", b"*") and not self._should_upgrade():
            target = httptools.parse_url(self.url)
            host = target.host.decode("ascii")
            if not self._leads_here(host, str(target.port or 80)):
                self.app = PlainTextResponse(self._refusal(host), 403)
            # RFC 9112 §3.2.2: what the target says counts, and the Host header does not
            named = b"%b:%d" % (target.host, target.port) if target.port else target.host
            self.headers[:] = [(b"host", named), *(one for one in self.headers if one[0] != b"host")]
            self.url = (target.path or b"/") + (b"?" + target.query if target.query else b"")
        super().on_headers_complete()

    def _leads_here(self, host: str, port: str) -> bool:
        """Whether a host is one that the local Amazon stands for, or the local Amazon by its own address."""
        assert self.server is not None
        own, own_port = self.server
        return (host.lower() in SERVED and port in ("443", "80")) or (
            host in (own, "localhost") and port == str(own_port)
        )

    def _refusal(self, target: str) -> str:
        self.logger.warning("refused to lead a client to %s", target)
        return REFUSED.format(target)

    def on_message_complete(self) -> None:
        """Wait for the next head."""
        super().on_message_complete()
        self._head = 0

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP (RFC 9112) as Amazon's gateway does, and not as uvicorn does."""
        self._end("400 Bad Request", "text/html", (faults.HTML % (400, 400)).decode())

    def _end(self, status: str, kind: str, body: str) -> None:
        head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        self.transport.write(f"{head}{body}".encode("ascii"))
        self.transport.close()

    def on_message_begin(self) -> None:
        """Give the application the means to break this connection."""
        super().on_message_begin()
        means: dict[object, object] = {
            "reset": self._reset,
            "write": self.transport.write,
            "close": self.transport.close,
        }
        self.scope["extensions"] = {CONNECTION: means}

    def shutdown(self) -> None:
        """End with the server, at once: TLS would wait for a goodbye that comes when the client next looks."""
        super().shutdown()
        if self.scheme == "https" and self.transport.is_closing():
            self.transport.abort()

    def _reset(self) -> None:
        connection = self.transport.get_extra_info("socket")
        # closing without lingering is what makes the kernel send RST instead of FIN
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()
