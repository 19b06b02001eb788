"""One request of the passthrough: what it brings, how it is answered, and what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from sellerport.errors import CallerError, SellerportError
from sellerport.server.gateway_api.answers import head, refusal
from sellerport.server.gateway_api.connection import Answer, Headers
from sellerport.server.gateway_api.headers import Given
from sellerport.server.gateway_api.operations import Route
from sellerport.server.gateway_api.upstream import Body
from sellerport.server.hub import Pass
from sellerport.server.protocol import whole

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
LARGEST_BODY = 10 << 20
"""Of a request."""
SMALL_BODY = 1 << 16
"""What of a request is held, so that it can be sent again; more is passed on while it comes."""
BODY_S = 30.0
"""How long the next piece of a request's body may take."""


class Call:
    """One request, and what became of it."""

    __slots__ = (
        "_streaming", "_watching", "amazons", "begun", "body", "closing", "error", "fields", "given", "left", "one",
        "path", "query", "receive", "request_id", "route", "scope", "send", "status", "stays", "unread",
    )  # fmt: skip

    given: Given
    path: bytes
    """Towards Amazon, as the next three."""
    query: bytes
    fields: bytes
    body: Body

    def __init__(self, scope: Scope, receive: Receive, send: Send, request_id: str, closing: bool) -> None:
        self.scope, self.receive, self.send = scope, receive, send
        self.request_id, self.closing = request_id, closing
        self.status = 499
        """As the client left before its answer, unless it did not."""
        self.body = b""
        self.one: Pass | None = None
        self.route: Route | None = None
        self.error: SellerportError | None = None
        self.begun = self.left = self.unread = self._streaming = False
        self.stays = False
        """Whether the answer is for this server too, so that it is waited for whether or not the client is there."""
        self.amazons: Answer | None = None
        self._watching: asyncio.Task[None] | None = None

    def watch(self, answer: Answer) -> bool:
        """Abort an answer as soon as the client leaves; return whether that is seen to."""
        self.amazons = answer
        if self.stays:
            return True
        if self._streaming and not self.begun:  # who reads the body learns of it
            return False
        if self._watching is None:
            self._watching = asyncio.ensure_future(self._wait_for_the_end())
        return True

    def end(self) -> None:
        """Leave the client alone, and Amazon's connection to others."""
        if self._watching is not None:
            self._watching.cancel()
        if self.amazons is not None:
            self.amazons.close()

    async def _wait_for_the_end(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass
        self.left = True
        if self.amazons is not None:
            self.amazons.abort()

    async def pieces(self, first: bytes, *, chunked: bool) -> AsyncIterator[bytes]:
        """Return the body from here on, framed as it is sent on.

        Raises:
            CallerError: it is too large, or too slow.
            ClientDisconnect: the client left before its end.
        """
        self._streaming, size, piece = True, 0, first
        while piece or self.unread:
            size += len(piece)
            if size > LARGEST_BODY:
                raise _too_large()
            if piece:
                yield b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece
            piece = await self.piece() if self.unread else b""
        if chunked:
            yield b"0\r\n\r\n"
        self._streaming = False

    async def read_body(self, length: int | None, *, entire: bool) -> bytes:
        """Read what the request sends, into `body`; return the line that says how long that is.

        A body that is not small is passed on while it comes, unless it is needed as a whole.

        Raises: as `pieces`.
        """
        if length is not None and length > LARGEST_BODY:
            raise _too_large()
        received = bytearray()
        while self.unread and len(received) <= (LARGEST_BODY if entire else SMALL_BODY):
            received += await self.piece()
        if len(received) > LARGEST_BODY:
            raise _too_large()
        if not self.unread:
            self.body = bytes(received)
            return b"content-length: %d\r\n" % len(received)
        self.body = self.pieces(bytes(received), chunked=length is None)
        return b"transfer-encoding: chunked\r\n" if length is None else b"content-length: %d\r\n" % length

    async def piece(self) -> bytes:
        """Return the next piece of the body.

        Raises: as `pieces`.
        """
        try:
            async with asyncio.timeout(BODY_S):
                message = await self.receive()
        except TimeoutError:
            raise refused(408, f"the body did not come within {BODY_S:g} s") from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        self.unread = bool(message.get("more_body", False))
        return bytes(message.get("body", b""))

    async def begin(self, status: int, fields: Headers) -> None:
        """Send an answer's head."""
        self._add_ours(fields)
        self.begun, self.status = True, status
        await self.send({"type": "http.response.start", "status": status, "headers": fields})

    def _add_ours(self, fields: Headers) -> None:
        """Add what is ours to an answer's head."""
        fields.append((b"x-request-id", self.request_id.encode()))
        if self.closing or self.unread:  # what is left of the body would be taken for the next request
            fields.append((b"connection", b"close"))

    async def go_on(self, piece: bytes, *, more: bool) -> None:
        """Send more of its body."""
        await self.send({"type": "http.response.body", "body": piece, "more_body": more})

    async def answer(self, status: int, fields: Headers, body: bytes, *, sized: bool = False) -> None:
        """Send a whole answer; ``sized`` if the fields say already how long it is."""
        if not sized and status not in (204, 304):
            fields.append((b"content-length", b"%d" % len(body)))
        self._add_ours(fields)
        self.begun, self.status = True, status
        short = whole(self.scope)
        if short is None or not short(self.scope, status, fields, body):
            await self.send({"type": "http.response.start", "status": status, "headers": fields})
            await self.go_on(body, more=False)

    async def refuse(self, error: SellerportError) -> None:
        """Answer in this server's own name, unless Amazon's answer has begun: then the connection ends before it."""
        self.error = error
        if self.begun:
            return
        status, told = head(error)
        fields = [(name.lower().encode(), text.encode()) for name, text in told.items()]
        fields += [(b"content-type", b"application/json; charset=utf-8"), (b"cache-control", b"no-store")]
        if status == 405:
            fields.append((b"allow", ", ".join(METHODS).encode()))
        await self.answer(status, fields, msgspec.json.encode(refusal(error, self.request_id)))


def refused(status: int, why: str) -> CallerError:
    """Return the error for a request that is not passed through."""
    error = CallerError(why)
    error.status = status
    return error


def _too_large() -> CallerError:
    return refused(413, f"the body is larger than {LARGEST_BODY} bytes")
