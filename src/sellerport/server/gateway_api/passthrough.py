"""The passthrough: a seller's request goes to Amazon as an operation of the catalogue, and its answer comes back.

It is an ASGI application of its own, served before any routing, since most of what this server does is this. Once a
seller's token and secret are known, a request takes no database, no timer and no task of its own:

1. token and secret are looked up (`Passes.warm`), the path is matched to an operation, and the request is built anew;
2. the account's bucket is asked; where it is empty the caller is told when to come back, and nothing waits here;
3. the answer's bytes are passed on as they come, unless a policy (`scrubbing.plan`) or a label is to be looked at: then
   the body is held, at most `MOST_HELD` bytes;
4. what happened is noted in memory, and written later: `CallLog`.

Amazon's answers are the caller's, errors too. What this server has to say itself bears ``X-ADB-Error``. An access token
that Amazon calls expired is replaced once, and the request sent again. Nothing personal is asked for that will not be
shown: restricted data tokens name no data elements, and are had only for operations that refuse any other token.

A client that leaves ends its request at Amazon. uvicorn does not say so to those who send, so that somebody has to
listen; only requests that take longer than a moment are worth a task for that.
"""

from __future__ import annotations

import asyncio
import logging
import time
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from sellerport import advice, answers
from sellerport.catalog import Operation
from sellerport.errors import (
    AccessDenied,
    AmazonError,
    AmazonUnavailable,
    CallerError,
    SellerportError,
    TooManyRequests,
)
from sellerport.limits import Slot
from sellerport.restricted import Resource
from sellerport.server import scrubbing
from sellerport.server.gateway_api import headers, operations
from sellerport.server.gateway_api.answers import head, refusal
from sellerport.server.gateway_api.connection import Answer, Headers
from sellerport.server.gateway_api.headers import Given
from sellerport.server.gateway_api.operations import Route
from sellerport.server.gateway_api.upstream import Body, Place, Upstream
from sellerport.server.hub import Gateway, Pass, Visit
from sellerport.server.scrubbing import Plan, no_link
from sellerport.wire import USER_AGENT, Response

log = logging.getLogger(__name__)

PREFIX = b"/passthrough-api"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
"""The methods that say how long a body is even where they have none (RFC 9110 §8.6)."""
LARGEST_BODY = 10 << 20
"""Of a request."""
SMALL_BODY = 1 << 16
"""What of a request is held, so that it can be sent again; more is passed on while it comes."""
BODY_S = 30.0
"""How long the next piece of a request's body may take."""
MOST_HELD = 20 << 20
"""Of an answer that is looked at, unpacked."""


class Parcel(NamedTuple):
    """What a request says that wants labels to stay here (`headers.ORDER` and `SHIPMENT`)."""

    order_id: str
    name: str
    unredacted: bool
    """Whether it wants Amazon's answer as it is, too."""


class Seen:
    """What the access line and the audit say of a request."""

    __slots__ = ("error", "one", "route", "status")

    def __init__(self) -> None:
        self.status = 499
        self.route: Route | None = None
        self.one: Pass | None = None
        self.error: SellerportError | None = None


class Passthrough:
    """The application.

    Args:
        gateway: what requests may do, and what they are sent with.
        address: says where a request comes from.
    """

    def __init__(self, gateway: Gateway, address: Callable[[Scope], str]) -> None:
        self._passes = gateway.passes
        self._amazon = gateway.amazon
        self._limits = gateway.limits
        self._restricted = gateway.restricted
        self._wire = gateway.wire
        self._call_log = gateway.call_log
        self._document_links = gateway.document_links
        self._labels = gateway.labels
        self._address = address
        self._upstream = Upstream()
        self._places: dict[tuple[str, bool], tuple[Place, bytes]] = {}
        self._date = (0, b"")

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send, request_id: str, *, closing: bool = False
    ) -> Seen:
        """Serve one request.

        Args:
            scope, receive, send: as ASGI has them.
            request_id: what the answer is to bear.
            closing: whether the connection ends with it.
        """
        call = _Call(scope, receive, send, request_id, closing)
        try:
            await self._serve(call)
        except ClientDisconnect:
            pass
        except SellerportError as error:
            if not call.left:
                await call.refuse(error)
        except Exception:
            log.exception("a request failed", extra={"request_id": request_id})
            await call.refuse(SellerportError("the server failed; its operator finds this request id in the log"))
        finally:
            call.end()
        if (one := call.seen.one) is not None:
            operation = call.seen.route.key if call.seen.route else "(none)"
            self._call_log.note(one.organization_id, one.seller_id, operation, call.seen.status)
        return call.seen

    async def aclose(self) -> None:
        """Close the connections to Amazon."""
        await self._upstream.aclose()

    async def _serve(self, call: _Call) -> None:
        scope, seen = call.scope, call.seen
        call.given = given = headers.read(scope["headers"])
        length = given.length()
        call.unread = length != 0
        if scope["method"] not in METHODS:
            raise _refused(405, f"{scope['method']} is not passed through")
        token, secret = given.pair()
        seen.one = one = self._passes.warm(token, secret) or await self._passes.check(token, secret)
        seen.route, path = operations.find(scope["method"], scope["raw_path"][len(PREFIX) :])
        operation, query = seen.route.operation, operations.query(scope["query_string"])
        plan = scrubbing.plan(operation, one.privacy)
        parcel = await self._parcel(call, one) if given.labels and self._labels.takes(operation) else None
        read = plan is not None or parcel is not None
        fields = given.forwarded(seen.route, identity=read)
        if plan is not None:
            query = operations.query(plan.query(query.decode()).encode())
        body: Body = b""
        framing = b"content-length: 0\r\n" if scope["method"] in _WITH_BODY else b""
        if length != 0 and operation.body is not None:
            body, framing = await _body(call, length, whole=read)
        if plan is not None and isinstance(body, bytes) and body:
            body = plan.body(body)
            framing = b"content-length: %d\r\n" % len(body)
        request = _Request(one, operation, seen.route.key, path, query, fields + framing, body)
        answer, held = await self._answered(call, request)
        if read:
            whole = await _whole(answer) if held is None else held
            await self._pass_on_without(call, request, answer, whole, plan, parcel)
        elif held is not None:
            await call.answer(answer.status, headers.passed_on(answer.headers), held)
        else:
            await self._pass_on(call, answer)

    async def _answered(self, call: _Call, request: _Request) -> tuple[Answer, bytes | None]:
        """Send a request, twice where another token may help; return its answer, and the body where it was read.

        Raises:
            TooManyRequests: the account's rate limit is used up; nothing was sent.
            NoAnswer, TokenError, AmazonError: there is no answer, or no token to ask with.
        """
        operation, rule = request.operation, request.operation.restricted
        # what takes data elements is answered without personal data to whoever asks for none of them
        restricted = rule is not None and not rule.elements and rule.path != "specific"
        slot = request.one.slot(operation, request.key)
        token = None if restricted else self._passes.access_token(request.one)
        if token is None:
            token = await self._token(request, restricted=restricted)
        answer = await self._send(call, request, slot, token)
        if answer.status not in (401, 403) or not isinstance(request.body, bytes):
            return answer, None
        held, refused = await _whole(answer), None
        if _blames_token(operation, answer, held):
            refused = token
        elif rule is not None and rule.path == "specific":
            restricted = True  # some of its objects are, as one finds out by asking
        else:
            return answer, held
        answer.close()
        token = await self._token(request, refused, restricted=restricted)
        return await self._send(call, request, slot, token), None

    async def _token(self, request: _Request, refused: str | None = None, *, restricted: bool) -> str:
        """Return Amazon's token for a request, and not the one that it refused."""
        one, operation = request.one, request.operation
        if restricted:
            path = request.path.decode() if request.specific else operation.path
            resource = Resource(operation.method, path)
            return await self._restricted.get(self._wire, one.session, resource, refused)
        return await self._passes.fresh(one, refused)

    async def _send(self, call: _Call, request: _Request, slot: Slot, token: str) -> Answer:
        """Send a request, if the account's bucket lets it; return its answer when the head is there."""
        if pause := await self._limits.reserve(self._wire, slot, 0.0):
            raise TooManyRequests(
                "Amazon's rate limit of this operation is used up for this seller",
                retry_after=pause,
                limit=int(slot.plans[0].burst or 1),
            )
        place, lines = self._place(request.one)
        assert token.isprintable(), "Amazon's tokens are words"
        target = b"%b?%b" % (request.path, request.query) if request.query else request.path
        head = b"%b %b%b HTTP/1.1\r\n%bx-amz-access-token: %b\r\nx-amz-date: %b\r\n%b\r\n" % (
            request.operation.method.encode(),
            place.prefix,
            target,
            lines,
            token.encode("ascii"),
            self._now(),
            request.fields,
        )
        again = not request.operation.write
        answer = await self._upstream.ask(place, head, request.body, again=again, on_slow=call.watch)
        call.amazons = answer
        if (rate := headers.value(answer.headers, b"x-amzn-ratelimit-limit")) is not None:
            await self._limits.learn(self._wire, slot, rate.decode("latin-1"))
        if answer.status == 429:
            await self._limits.throttled(self._wire, slot)
        return answer

    async def _pass_on(self, call: _Call, answer: Answer) -> None:
        """Pass an answer on while it comes, no faster than it is taken."""
        fields = headers.passed_on(answer.headers)
        if answer.complete:
            body = await answer.read()
            answer.close()
            await call.answer(answer.status, fields, body)
            return
        await call.begin(answer.status, fields)
        while True:
            piece = await answer.read()
            complete = answer.complete
            if complete:
                answer.close()  # somebody else may have the connection while this client takes its time
            await call.go_on(piece, more=not complete)
            if complete:
                return

    async def _pass_on_without(
        self,
        call: _Call,
        request: _Request,
        answer: Answer,
        body: bytes,
        plan: Plan | None,
        parcel: Parcel | None,
    ) -> None:
        """Pass on an answer without what is not for the caller."""
        one, operation = request.one, request.operation
        body, fields = _unpacked(answer, body), headers.passed_on(answer.headers, changed=True)
        found = headers.value(answer.headers, b"content-type")
        content_type, removed = None if found is None else found.decode("latin-1"), 0
        link = await self._document_links.links(one.privacy) if plan is not None and plan.links else no_link

        def scrub(given: bytes) -> bytes:
            nonlocal removed
            if plan is None or not given:
                return given
            scrubbed = plan.scrub(given, content_type, link=link, status=answer.status)
            removed = scrubbed.removed
            return scrubbed.body

        if parcel is not None and answer.status < 300:
            kept = await self._labels.keep(
                one, operation, parcel.order_id, parcel.name, body, scrub, unredacted=parcel.unredacted
            )
            body = msgspec.json.encode({"success": True, "data": kept})
        else:
            body = scrub(body)
        if plan is not None:
            fields.append((b"x-adb-scrub", b"v%b; removed=%d" % (scrubbing.VERSION.encode(), removed)))
        await call.answer(answer.status, fields, body)

    async def _parcel(self, call: _Call, one: Pass) -> Parcel:
        """Return what a request in label mode says.

        Raises:
            CallerError, NotAllowed: as `Labels.check`.
        """
        told = {name: value.decode("latin-1") for name, value in call.given.fields.items()}
        parcel = Parcel(told[headers.ORDER], told[headers.SHIPMENT], told.get(headers.UNREDACTED, "").lower() == "true")
        visit = Visit(self._address(call.scope), told.get(headers.AGENT, ""), "/passthrough-api")
        await self._labels.check(one, parcel.order_id, parcel.name, visit, unredacted=parcel.unredacted)
        return parcel

    def _place(self, one: Pass) -> tuple[Place, bytes]:
        """Return where a seller's requests go, and the lines of their heads that are always the same."""
        key = (one.region.name, one.sandbox)
        found = self._places.get(key)
        if found is None:
            place = Place.of(self._amazon, one.region.sandbox if one.sandbox else one.region.host)
            lines = b"host: %b\r\nuser-agent: %b\r\n" % (place.authority, USER_AGENT.encode())
            found = self._places[key] = (place, lines)
        return found

    def _now(self) -> bytes:
        """Return the time as Amazon has it in ``x-amz-date``."""
        now = int(time.time())
        if self._date[0] != now:
            self._date = (now, time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now)).encode())
        return self._date[1]


@dataclass(slots=True)
class _Request:
    """What is sent to Amazon."""

    one: Pass
    operation: Operation
    key: str
    path: bytes
    query: bytes
    fields: bytes
    body: Body

    @property
    def specific(self) -> bool:
        """Whether a restricted data token opens one object of many."""
        return self.operation.restricted is not None and self.operation.restricted.path == "specific"


class _Call:
    """One request, and what became of it."""

    __slots__ = (
        "_streaming", "_watching", "amazons", "begun", "closing", "given", "left", "receive", "request_id", "scope",
        "seen", "send", "unread",
    )  # fmt: skip

    def __init__(self, scope: Scope, receive: Receive, send: Send, request_id: str, closing: bool) -> None:
        self.scope, self.receive, self.send = scope, receive, send
        self.request_id, self.closing = request_id, closing
        self.seen = Seen()
        self.given: Given
        self.begun = self.left = False
        self.unread = False
        """Whether a body is still to come."""
        self.amazons: Answer | None = None
        self._watching: asyncio.Task[None] | None = None
        self._streaming = False

    def watch(self, answer: Answer) -> bool:
        """Abort an answer as soon as the client leaves; return whether that is seen to."""
        self.amazons = answer
        if self._streaming:  # who reads the body learns of it
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

    async def piece(self) -> bytes:
        """Return the next piece of the body.

        Raises: as `pieces`.
        """
        try:
            async with asyncio.timeout(BODY_S):
                message = await self.receive()
        except TimeoutError:
            raise _refused(408, f"the body did not come within {BODY_S:g} s") from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        self.unread = bool(message.get("more_body", False))
        return bytes(message.get("body", b""))

    async def begin(self, status: int, fields: Headers) -> None:
        """Send an answer's head."""
        fields.append((b"x-request-id", self.request_id.encode()))
        if self.closing or self.unread:  # what is left of the body would be taken for the next request
            fields.append((b"connection", b"close"))
        self.begun, self.seen.status = True, status
        await self.send({"type": "http.response.start", "status": status, "headers": fields})

    async def go_on(self, piece: bytes, *, more: bool) -> None:
        """Send more of its body."""
        await self.send({"type": "http.response.body", "body": piece, "more_body": more})

    async def answer(self, status: int, fields: Headers, body: bytes) -> None:
        """Send a whole answer."""
        if status not in (204, 304) and headers.value(fields, b"content-length") is None:
            fields.append((b"content-length", b"%d" % len(body)))
        await self.begin(status, fields)
        await self.go_on(body, more=False)

    async def refuse(self, error: SellerportError) -> None:
        """Answer in this server's own name, unless Amazon's answer has begun: then the connection ends before it."""
        self.seen.error = error
        if self.begun:
            return
        status, told = head(error)
        fields = [(name.lower().encode(), text.encode()) for name, text in told.items()]
        fields += [(b"content-type", b"application/json; charset=utf-8"), (b"cache-control", b"no-store")]
        if status == 405:
            fields.append((b"allow", ", ".join(METHODS).encode()))
        await self.answer(status, fields, msgspec.json.encode(refusal(error, self.request_id)))


async def _body(call: _Call, length: int | None, *, whole: bool) -> tuple[Body, bytes]:
    """Return what a request sends, and the line that tells how long it is.

    A body that is not small is passed on while it comes, unless it is needed as a whole.

    Raises: as `_Call.pieces`.
    """
    if length is not None and length > LARGEST_BODY:
        raise _too_large()
    received = bytearray()
    while call.unread and len(received) <= (LARGEST_BODY if whole else SMALL_BODY):
        received += await call.piece()
    if len(received) > LARGEST_BODY:
        raise _too_large()
    if not call.unread:
        return bytes(received), b"content-length: %d\r\n" % len(received)
    framing = b"transfer-encoding: chunked\r\n" if length is None else b"content-length: %d\r\n" % length
    return call.pieces(bytes(received), chunked=length is None), framing


async def _whole(answer: Answer) -> bytes:
    """Return the whole body of an answer, as it came.

    Raises:
        AmazonUnavailable: it is too large.
    """
    body = bytearray()
    while piece := await answer.read():
        body += piece
        if len(body) > MOST_HELD:
            raise AmazonUnavailable("Amazon's answer is too large to be looked at", status=502)
    return bytes(body)


def _unpacked(answer: Answer, body: bytes) -> bytes:
    """Return the body of an answer as it can be looked at.

    Raises:
        AmazonUnavailable: it is packed in a way that nobody asked for, or is too large when it is unpacked.
    """
    packing = headers.value(answer.headers, b"content-encoding") or b"identity"
    if packing.lower() == b"identity" or not body:
        return body
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        unpacked = unpacker.decompress(body, MOST_HELD)
    except zlib.error:
        unpacked = b""
    if not unpacker.eof:
        raise AmazonUnavailable("Amazon's answer is packed in a way that cannot be looked at", status=502)
    return unpacked


def _blames_token(operation: Operation, answer: Answer, body: bytes) -> bool:
    """Whether another token may help, as far as the answer can be read."""
    named = {name.decode("latin-1"): value.decode("latin-1") for name, value in answer.headers}
    try:
        answers.read(operation, Response(answer.status, named, _unpacked(answer, body)))
    except AccessDenied as error:
        return advice.blames_token(operation, error)
    except AmazonError:
        pass
    return False


def _too_large() -> CallerError:
    return _refused(413, f"the body is larger than {LARGEST_BODY} bytes")


def _refused(status: int, why: str) -> CallerError:
    error = CallerError(why)
    error.status = status
    return error
