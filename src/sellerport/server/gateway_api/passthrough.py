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

import itertools
import logging
import os
import time
import zlib
from collections.abc import Callable
from typing import NamedTuple

import msgspec
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from sellerport import advice, answers
from sellerport.catalog import Operation
from sellerport.errors import (
    AccessDenied,
    AmazonError,
    AmazonRefused,
    AmazonUnavailable,
    SellerportError,
    TooManyRequests,
)
from sellerport.limits import Limits
from sellerport.restricted import Resource
from sellerport.server import scrubbing
from sellerport.server.gateway_api import express, headers, operations
from sellerport.server.gateway_api.call import METHODS, Call, refused
from sellerport.server.gateway_api.connection import Answer
from sellerport.server.gateway_api.express import Passing
from sellerport.server.gateway_api.lines import Lines
from sellerport.server.gateway_api.operations import PREFIX, Route
from sellerport.server.gateway_api.upstream import Place, Upstream
from sellerport.server.hub import Gateway, Pass, Visit
from sellerport.server.protocol import Exchange, under_way
from sellerport.server.scrubbing import Plan, no_link
from sellerport.wire import USER_AGENT, Response

log = logging.getLogger(__name__)

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
"""The methods that say how long a body is even where they have none (RFC 9110 §8.6)."""
MOST_HELD = 20 << 20
"""Of an answer that is looked at, unpacked."""


class Parcel(NamedTuple):
    """What a request says that wants labels to stay here (`headers.ORDER` and `SHIPMENT`)."""

    order_id: str
    name: str
    unredacted: bool
    """Whether it wants Amazon's answer as it is, too."""


class Passthrough:
    """The application.

    Args:
        gateway: what requests may do, and what they are sent with.
        address: says where a request comes from.
        clock: seconds, of a clock that nobody sets.
    """

    def __init__(
        self, gateway: Gateway, address: Callable[[Scope], str], clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.passes = gateway.passes
        self._amazon = gateway.amazon
        self.limits = gateway.limits
        self._restricted = gateway.restricted
        self._wire = gateway.wire
        self._call_log = gateway.call_log
        self._document_links = gateway.document_links
        self._labels = gateway.labels
        self._address = address
        self.clock = clock
        self.upstream = Upstream()
        self._lines = Lines()
        self._places: dict[tuple[str, bool], tuple[Place, bytes]] = {}
        self._date = (0, b"")
        self._process, self._count = os.urandom(8).hex(), itertools.count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send, *, closing: bool = False) -> None:
        """Serve one request.

        Args:
            scope, receive, send: as ASGI has them.
            closing: whether the connection ends with it.
        """
        passing: Passing | None = under_way(scope)
        begun = self.clock() if passing is None else passing.begun
        request_id = self.next_id() if passing is None else passing.request_id
        call = Call(scope, receive, send, request_id, closing)
        if passing is not None:
            call.amazons = passing.answer  # whose connection is given back at the end, whatever becomes of the rest
        try:
            await self._serve(call, passing)
        except ClientDisconnect:
            pass
        except SellerportError as error:
            if not call.left:
                await call.refuse(error)
        except Exception:
            log.exception("a request failed", extra={"request_id": call.request_id})
            await call.refuse(SellerportError("the server failed; its operator finds this request id in the log"))
        finally:
            call.end()
        self.note(scope["method"], request_id, begun, call.status, call.one, call.route, call.error)

    def express(self, exchange: Exchange) -> bool:
        """Serve one request at once, if it is one that can be: see `express`."""
        return isinstance(self.limits, Limits) and express.begin(self, self.limits, exchange)

    def next_id(self) -> str:
        """Return a request's id."""
        return f"{self._process}{next(self._count):016x}"

    def note(
        self,
        method: str,
        request_id: str,
        begun: float,
        status: int,
        one: Pass | None,
        route: Route | None,
        error: SellerportError | None = None,
    ) -> None:
        """Note for the audit and the log what became of a request; no I/O."""
        if one is not None:
            key = route.key if route else "(none)"
            self._call_log.note(one.organization_id, one.seller_id, key, status)
        self._lines.note(method, request_id, (self.clock() - begun) * 1000, status, one, route, error)

    async def aclose(self) -> None:
        """Close the connections to Amazon, and write the last lines of the log."""
        await self.upstream.aclose()
        self._lines.write()

    async def _serve(self, call: Call, passing: Passing | None) -> None:
        scope = call.scope
        method: str = scope["method"]
        call.given = given = headers.read(scope["headers"])
        length = headers.length(given)
        call.unread = length != 0
        if method not in METHODS:
            raise refused(405, f"{method} is not passed through")
        token, secret = headers.pair(given)
        one = self.passes.warm(token, secret) or await self.passes.check(token, secret, self._address(scope))
        call.one = one
        call.route, call.path = route, _ = operations.find(method, scope["raw_path"][len(PREFIX) :])
        operation, query = route.operation, operations.query(scope["query_string"])
        plan = scrubbing.plan(operation, one.privacy)
        wants_labels = headers.ORDER in given and headers.SHIPMENT in given
        parcel = await self._parcel(call, one) if wants_labels and self._labels.takes(operation) else None
        read, call.stays = plan is not None or parcel is not None, parcel is not None and operation.write
        fields = headers.forwarded(given, route, identity=read)
        if plan is not None:
            query = operations.query(plan.query(query.decode()).encode())
        framing = b"content-length: 0\r\n" if method in _WITH_BODY else b""
        if length != 0 and operation.body is not None:
            framing = await call.read_body(length, entire=read)
        call.query, call.fields = query, fields + framing

        amazons = None if route.restricted else self.passes.access_token(one)
        if amazons is None:
            amazons = await self._token(call, one, route, restricted=route.restricted)
        answer, held = await self._send(call, one, route, amazons, passing), None
        if answer.status in (401, 403) and isinstance(call.body, bytes):
            answer, held = await self._again(call, one, route, answer, amazons)
        if read:
            entire = await _whole(answer) if held is None else held
            await self._pass_on_without(call, one, operation, answer, entire, plan, parcel)
        elif held is not None or answer.complete:
            body = await answer.read() if held is None else held
            answer.close()
            sized = b"content-length" in answer.fields
            await call.answer(answer.status, headers.passed_on(answer), body, sized=sized)
        else:
            await self._pass_on(call, answer)

    async def _again(
        self, call: Call, one: Pass, route: Route, answer: Answer, refused: str
    ) -> tuple[Answer, bytes | None]:
        """Send a request that Amazon refused again, if another token may help; return its answer, and what was read.

        Raises:
            TooManyRequests: the account's rate limit is used up; nothing was sent.
            NoAnswer, TokenError, AmazonError: there is no answer, or no token to ask with.
        """
        held = await _whole(answer)
        if _blames_token(route.operation, answer, held):
            again = await self._token(call, one, route, refused, restricted=route.restricted)
        elif route.specific:
            try:
                again = await self._token(call, one, route, restricted=True)
            except AmazonRefused:
                return answer, held  # there is no such token: what Amazon said first is the caller's
        else:
            return answer, held
        answer.close()
        return await self._send(call, one, route, again), None

    async def _token(self, call: Call, one: Pass, route: Route, refused: str | None = None, *, restricted: bool) -> str:
        """Return Amazon's token for a request, and not the one that it refused."""
        if not restricted:
            return await self.passes.fresh(one, refused)
        operation = route.operation
        resource = Resource(operation.method, call.path.decode() if route.specific else operation.path)
        return await self._restricted.get(self._wire, one.session, resource, refused)

    async def _send(self, call: Call, one: Pass, route: Route, token: str, passing: Passing | None = None) -> Answer:
        """Send a request, if the account's bucket lets it; return its answer when the head is there.

        Raises:
            TooManyRequests: the account's rate limit is used up; nothing was sent.
            NoAnswer: there is no answer.
        """
        slot = one.slot(route.operation, route.key) if passing is None else passing.slot
        if passing is None and (pause := await self.limits.reserve(self._wire, slot, 0.0)):
            raise TooManyRequests(
                "Amazon's rate limit of this operation is used up for this seller",
                retry_after=pause,
                limit=int(slot.plans[0].burst or 1),
            )
        place, head = self.head(one, route, call.path, call.query, call.fields, token)
        answer = await self.upstream.ask(
            place,
            head,
            call.body,
            owner=one.organization_id,
            again=not route.operation.write,
            on_slow=call.watch,
            under_way=None if passing is None else passing.answer,
        )
        call.amazons = answer
        if (rate := answer.fields.get(b"x-amzn-ratelimit-limit")) is not None:
            await self.limits.learn(self._wire, slot, rate.decode("latin-1"))
        if answer.status == 429:
            await self.limits.throttled(self._wire, slot)
        return answer

    def head(
        self, one: Pass, route: Route, path: bytes, query: bytes, fields: bytes, token: str
    ) -> tuple[Place, bytes]:
        """Return where a request goes, and its head."""
        assert token.isprintable(), "Amazon's tokens are words"
        place, lines = self._place(one)
        return place, b"%b %b%b%b%b HTTP/1.1\r\n%bx-amz-access-token: %b\r\nx-amz-date: %b\r\n%b\r\n" % (
            route.method,
            place.prefix,
            path,
            b"?" if query else b"",
            query,
            lines,
            token.encode("ascii"),
            self._now(),
            fields,
        )

    async def _pass_on(self, call: Call, answer: Answer) -> None:
        """Pass an answer on while it comes, no faster than it is taken."""
        await call.begin(answer.status, headers.passed_on(answer))
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
        call: Call,
        one: Pass,
        operation: Operation,
        answer: Answer,
        body: bytes,
        plan: Plan | None,
        parcel: Parcel | None,
    ) -> None:
        """Pass on an answer without what is not for the caller."""
        body, fields = _unpacked(answer, body), headers.passed_on(answer, changed=True)
        found = answer.fields.get(b"content-type")
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

    async def _parcel(self, call: Call, one: Pass) -> Parcel:
        """Return what a request in label mode says.

        Raises:
            CallerError, NotAllowed: as `Labels.check`.
        """
        told = {name: value.decode("latin-1") for name, value in call.given.items()}
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
    packing = answer.fields.get(b"content-encoding") or b"identity"
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
