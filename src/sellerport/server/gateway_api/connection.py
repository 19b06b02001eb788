"""One connection to Amazon, and the answer that is on its way there. Knows bytes, and nothing of who wants them.

What is not HTTP/1.1 (RFC 9112), is not framed in one unambiguous way, or has a head without an end is no answer; bytes
that nobody asked for end the connection, so that no answer is ever taken for another's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

import httptools

from sellerport.errors import NoAnswer

FIRST_BYTE_S = 30.0
NEXT_BYTE_S = 15.0
HELD = 1 << 16
LARGEST_HEAD = 1 << 16
MOST_FIELDS = 200
NEVER = float("inf")

_FRAMING = (b"content-length", b"transfer-encoding")

Headers = list[tuple[bytes, bytes]]
OnSlow = Callable[["Answer"], bool]
"""Is told of an answer that takes longer than a tick, at each tick until it returns True."""


class Pool(Protocol):
    """Whose the connection is."""

    loop: asyncio.AbstractEventLoop
    now: float
    """The loop's time, to the tick."""

    def take_back(self, connection: Connection) -> None:
        """Keep it for the next request, unless it is closed."""
        ...

    def lost(self, connection: Connection) -> None:
        """Forget it: the other end closed it."""
        ...


def no_answer(why: str, status: int = 502, *, sent: bool = True) -> NoAnswer:
    """Return the error for an answer that will not come."""
    error = NoAnswer(f"{why}; try again", sent=sent)
    error.status = status
    return error


class Answer:
    """An answer on its way."""

    __slots__ = (
        "_failure", "_held", "_pieces", "_waiter", "complete", "connection", "fields", "headers", "on_slow", "status",
        "then",
    )  # fmt: skip

    def __init__(self, connection: Connection) -> None:
        self.status = 0
        """0 until the head has come."""
        self.headers: Headers = []
        """All of its fields, in their order; the names in lower case."""
        self.fields: dict[bytes, bytes] = {}
        """The first field of each name."""
        self.complete = False
        """Whether all of it has come; `read` may still have some to give."""
        self.on_slow: OnSlow | None = None
        self.then: Callable[[Answer], None] | None = None
        """Is called when some of it came or it failed, instead of whoever waits for it."""
        self.connection = connection
        self._pieces: list[bytes] = []
        self._held = 0
        self._failure: NoAnswer | None = None
        self._waiter: asyncio.Future[None] | None = None

    async def read(self) -> bytes:
        """Return what has come of the body since, at least a byte; ``b""`` at its end.

        Raises:
            NoAnswer: it ended before its end, took too long, or was aborted.
        """
        while not self._pieces and not self.complete:
            await self.more()
        return self.take()

    def take(self) -> bytes:
        """Return what has come of the body since, which may be nothing."""
        found = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces, self._held = [], 0
        self.connection.go_on()
        return found

    def more(self) -> asyncio.Future[None]:
        """Return what is done when more of it has come, or it failed.

        Raises:
            NoAnswer: it failed.
        """
        if self._failure is not None:
            raise self._failure
        self._waiter = self.connection.loop.create_future()
        return self._waiter

    def close(self) -> None:
        """Give its connection back, or close it at once where the answer is not complete."""
        self.on_slow = None  # which knows this answer: a circle that only the garbage collector would find
        if self.connection.answer is self:
            self.connection.give_back()

    def fail(self, why: str, status: int = 502) -> None:
        """Let whoever waits for it know that it will not come."""
        if not self.complete and self._failure is None:
            self._failure = no_answer(why, status)
        self.wake()

    def wake(self) -> None:
        """Let whoever waits for it see what came."""
        if self.then is not None:
            self.then(self)
        elif self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def add(self, piece: bytes) -> int:
        """Take over a piece of the body; return how much is held by now."""
        self._pieces.append(piece)
        self._held += len(piece)
        return self._held

    def abort(self) -> None:
        """Close its connection at once; who reads on meets a `NoAnswer`."""
        if self.connection.answer is self:
            self.fail("the request was given up")
            self.connection.end()


class Connection(asyncio.Protocol):
    """One connection, with at most one request under way."""

    def __init__(self, pool: Pool) -> None:
        self.loop = pool.loop
        self.due = NEVER
        """When whatever it waits for is given up, in the loop's seconds."""
        self.answer: Answer | None = None
        self.owner = ""
        """Whose request it carries, or carried last."""
        self.ticks = 0
        """How often the clock has looked at its answer."""
        self.used = False
        """Whether it has carried an answer, so that its other end may be closing it by now."""
        self.heard = False
        """Whether anything of the answer came."""
        self.closed = False
        self.dropped = False
        """Whether the other end closed it."""
        self.tunnel: asyncio.StreamWriter | None = None
        """What it goes through, at a proxy: it would close the connection if it were forgotten before."""
        self._pool = pool
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._paused = self._keep = self._until_close = self._interim = self._in_head = self._full = False
        self._cut = False
        self._head = 0
        self._fields: Headers = []
        self._writable: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvloop's is no subclass
        """Begin (asyncio's protocol, and the next four)."""
        self._transport = transport

    def begin(self, head: bytes, body: bytes) -> Answer:
        """Send a request, or how it begins; `write` sends more."""
        assert self._transport is not None, "it is connected"
        self.answer = answer = Answer(self)
        self.heard = self._keep = self._until_close = self._cut = False
        self._in_head, self._head, self.ticks, self._fields = True, 0, 0, []
        self.due = self.loop.time() + FIRST_BYTE_S
        self._transport.write(head + body if len(body) < HELD else head)
        if len(body) >= HELD:
            self._transport.write(body)
        return answer

    async def write(self, piece: bytes) -> bool:
        """Send more of a request as fast as it is taken; return whether anybody still listens."""
        if self._transport is None or self.closed or self.heard:
            self._cut = True
            return False
        self.due = self.loop.time() + FIRST_BYTE_S
        self._transport.write(piece)
        if self._full:
            self._writable = self.loop.create_future()
            await self._writable
        return not self.closed

    def go_on(self) -> None:
        """Read on, as there is room again."""
        if self._paused and self._transport is not None and not self.closed:
            self._paused = False
            if self.answer is not None and not self.answer.complete:
                self.due = self._pool.now + NEXT_BYTE_S
            self._transport.resume_reading()

    def give_back(self) -> None:
        """Let another request have it, if this one has ended as it must."""
        answer, self.answer = self.answer, None
        self.due = NEVER
        if answer is None or not answer.complete or not self._keep or self._cut or self._paused:
            self.end()
        self.used = True
        self._pool.take_back(self)

    def end(self) -> None:
        """Close it at once."""
        self.closed = True
        self.resume_writing()
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        if self.answer is None or self.answer.complete:  # nobody asked for it
            self._keep = False
            self.end()
            return
        self.heard, self.due = True, self._pool.now + NEXT_BYTE_S
        if self._in_head:
            self._head += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._refuse("Amazon's answer is not HTTP that can be passed on")
            return
        if self._in_head and self._head > LARGEST_HEAD:
            self._refuse("the head of Amazon's answer is too large")
        elif not self._in_head:
            self.answer.wake()

    def eof_received(self) -> None:
        """Note that no more comes: the end of an answer that has no other."""
        if self.answer is not None and self._until_close:
            self.on_message_complete()
            self.answer.wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that it is closed."""
        self.dropped, self.closed = not self.closed, True
        self.resume_writing()
        if self.answer is not None:
            self.answer.fail("Amazon closed the connection before its answer was complete")
        self._pool.lost(self)

    def pause_writing(self) -> None:
        """Hold what is sent."""
        self._full = True

    def resume_writing(self) -> None:
        """Let it go on."""
        self._full = False
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)

    def on_message_begin(self) -> None:
        """Begin an answer (httptools' callbacks, and the next four)."""
        if self.answer is None or self.answer.complete:
            self._keep = False  # a second answer to one request
            raise _NotForUs

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of its head."""
        if self._in_head:  # and no trailer
            self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        """See how its body is framed."""
        answer, status, fields = self.answer, self._parser.get_status_code(), self._fields
        assert answer is not None
        self._interim = 100 <= status < 200
        if self._interim:
            if status == 101 or any(name.lower() in _FRAMING for name, _ in fields):
                raise _NotForUs  # nobody asked for another protocol, and what is not the answer has no body
            fields.clear()
            return
        self._in_head = False
        if len(fields) > MOST_FIELDS:
            raise _NotForUs
        if self._head > LARGEST_HEAD and sum(len(name) + len(value) for name, value in fields) > LARGEST_HEAD:
            raise _NotForUs  # though it came in one piece, some of which may be the body's
        answer.headers = headers = [(name.lower(), value) for name, value in fields]
        answer.fields = named = dict(headers[::-1])
        length, coding = named.get(b"content-length"), named.get(b"transfer-encoding")
        twice = len(named) < len(headers) and _twice(headers)
        if (
            not 200 <= status <= 599
            or twice
            or (coding is not None and (length is not None or coding.lower() != b"chunked"))
        ):
            raise _NotForUs  # RFC 9112 §6.1: it could be read in two ways
        bodiless = status in (204, 304)
        if bodiless and length is not None:  # a client may wait for it (RFC 9110 §8.6)
            answer.headers = [one for one in headers if one[0] != b"content-length"]
            del named[b"content-length"]
        self._until_close = coding is None and length is None and not bodiless
        self._keep = self._parser.should_keep_alive() and not self._until_close
        answer.status = status

    def on_body(self, body: bytes) -> None:
        """Take a piece of its body."""
        answer = self.answer
        assert answer is not None
        if answer.add(body) > HELD and not self._paused and self._transport is not None:
            self._paused, self.due = True, NEVER
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        """End it."""
        if self._interim:
            return
        assert self.answer is not None
        self.answer.complete, self.due = True, NEVER

    def _refuse(self, why: str) -> None:
        answer = self.answer
        self._keep = False
        self.end()
        if answer is not None:
            answer.fail(why)


def _twice(headers: Headers) -> bool:
    """Whether a head says more than once how its body is framed."""
    names = [name for name, _ in headers]
    return any(names.count(name) > 1 for name in _FRAMING)


class _NotForUs(Exception):  # tells the parser to stop
    pass
