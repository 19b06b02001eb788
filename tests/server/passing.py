"""A gateway on a socket, before an Amazon that says what a test wants it to, byte for byte."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import uvicorn
from tests.server.conftest import Answer

from sellerport.calls import Session
from sellerport.errors import Unauthenticated
from sellerport.limits import Limits
from sellerport.oauth import Grant, LwaClient, Source
from sellerport.regions import REGIONS, Amazon
from sellerport.restricted import RestrictedTokens
from sellerport.server import app
from sellerport.server.protocol import Protocol
from sellerport.server.settings import Settings
from sellerport.wire import AsyncWire

TOKEN, SECRET = "seller-token", "a-secret-of-the-warehouse-software"
PAIR = f"x-seller-access-token: {TOKEN}\r\nx-amazon-token-secret: {SECRET}\r\n".encode()
PLAIN = "/passthrough-api/supplySources/2020-07-01/supplySources"
"""An operation that nobody limits, and whose answers nobody looks at."""
OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


@dataclass
class Received:
    """What reached Amazon."""

    head: bytes
    body: bytes

    @property
    def line(self) -> str:
        return self.head.split(b"\r\n")[0].decode()

    @property
    def fields(self) -> dict[str, str]:
        pairs = (one.split(b": ", 1) for one in self.head.split(b"\r\n")[1:])
        return {name.decode(): value.decode() for name, value in pairs}


@dataclass
class Stub:
    """Amazon, which answers every request with the next of `answers`, or the last again."""

    answers: list[Any] = field(default_factory=lambda: [OK])
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    open: set[asyncio.StreamWriter] = field(default_factory=set)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n"))[:-4]
                self.received.append(Received(head, await self._body(head, reader)))
                self.came.set()
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                if callable(answer):
                    await answer(reader, writer)
                else:
                    writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.open.discard(writer)
            self.closed.set()
            writer.close()

    async def _body(self, head: bytes, reader: asyncio.StreamReader) -> bytes:
        if found := re.search(rb"(?i)\r\ncontent-length: (\d+)", head):
            return await reader.readexactly(int(found[1]))
        if b"transfer-encoding" not in head:
            return b""
        body = b""
        while size := int((await reader.readuntil(b"\r\n"))[:-2], 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readexactly(2)
        return body


@dataclass
class Noted:
    """The audit, as a list."""

    calls: list[tuple[str, str, str, int]] = field(default_factory=list)
    some: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, *call: Any) -> None:
        self.calls.append(call)
        self.some.set()


@dataclass
class Passes:
    """One seller, whose pair is `PAIR`."""

    one: Any
    tokens: list[str] = field(default_factory=lambda: ["Atza|first", "Atza|second"])
    looked_up: int = 0

    def warm(self, token: bytes, secret: bytes) -> Any:
        return self.one if (token, secret) == (TOKEN.encode(), SECRET.encode()) else None

    async def check(self, token: bytes, secret: bytes, address: str) -> Any:
        self.looked_up += 1
        raise Unauthenticated("Invalid seller access token")

    def access_token(self, one: Any) -> str:
        return self.tokens[0]

    async def fresh(self, one: Any, instead_of: str | None = None) -> str:
        if instead_of == self.tokens[0]:
            del self.tokens[0]
        return self.tokens[0]


class Links:
    """Makes links of this server's own."""

    async def links(self, privacy: str) -> Any:
        return lambda url, facts: "https://gateway.test/documents/link"


@dataclass
class Up:
    """Both, while they run."""

    stub: Stub
    port: int
    edge: Any
    passes: Passes
    noted: Noted
    server: uvicorn.Server

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def raw(self, *parts: bytes) -> bytes:
        """Send bytes, and return all that comes until the connection ends, or rests after an answer."""
        reader, writer = await self.connect()
        for part in parts:
            writer.write(part)
            await writer.drain()
        got = b""
        try:
            while piece := await asyncio.wait_for(reader.read(1 << 20), 0.05 if b"\r\n\r\n" in got else 1):
                got += piece
        except (TimeoutError, ConnectionError):
            pass
        writer.close()
        return got

    async def ask(self, method: str, target: str, fields: str = "", body: bytes = b"") -> Answer:
        """Send one request that is as it should be, and read its answer."""
        reader, writer = await self.connect()
        length = f"content-length: {len(body)}\r\n" if body else ""
        head = f"{method} {target} HTTP/1.1\r\nhost: gateway\r\n{length}{fields}".encode() + PAIR
        writer.write(head + b"\r\n" + body)
        try:
            return await read_answer(reader)
        finally:
            writer.close()


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """Read one answer."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n"))[:-4].decode("latin-1").split("\r\n")
    fields = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
    named = dict(fields)
    body = b""
    if named.get("transfer-encoding") == "chunked":
        while size := int((await reader.readuntil(b"\r\n"))[:-2], 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readexactly(2)
    else:
        body = await reader.readexactly(int(named.get("content-length", "0")))
    return Answer(int(first.split(" ")[1]), fields, body)


def one_pass(amazon: Amazon, limits: Limits, **facts: Any) -> Any:
    """A pass of one seller."""
    grant = Grant(LwaClient("client", "secret"), "Atzr|x")

    async def ask() -> Grant:
        return grant

    session = Session(Source(ask, grant), REGIONS["na"], amazon, limits=limits, limit="raise")
    known = {"organization_id": "tenant", "seller_id": "seller", "region": REGIONS["na"], "sandbox": False}
    known |= {"privacy": "remove", "personal": False, "session": session, "grant": grant, **facts}
    return SimpleNamespace(
        slot=lambda operation, key: session.slot(grant, operation),
        plans=lambda operation, key: session.slot(grant, operation).plans,
        **known,
    )


@asynccontextmanager
async def gateway(*answers: Any, stub: Stub | None = None, keep_alive: float = 5, **facts: Any) -> AsyncIterator[Up]:
    """Run both; ``answers`` are bytes, or what is given the connection's reader and writer."""
    stub = stub or Stub(list(answers) or [OK])
    amazon_server = await asyncio.start_server(stub.serve, "127.0.0.1", 0, limit=1 << 20)
    amazon = Amazon(f"http://127.0.0.1:{amazon_server.sockets[0].getsockname()[1]}")
    limits, wire, noted = Limits(), AsyncWire(), Noted()
    passes = Passes(one_pass(amazon, limits, **facts))
    known: dict[str, Any] = {"passes": passes, "amazon": amazon, "limits": limits, "wire": wire, "call_log": noted}
    known |= {"labels": SimpleNamespace(takes=lambda operation: False), "document_links": Links()}
    hub: Any = SimpleNamespace(gateway=SimpleNamespace(restricted=RestrictedTokens(), **known))
    edge = app.application(Settings(), hub)
    listener = socket.create_server(("127.0.0.1", 0), backlog=100)
    quiet: dict[str, Any] = {"log_config": None, "access_log": False, "server_header": False, "proxy_headers": False}
    quiet["timeout_keep_alive"] = keep_alive
    server = app._Server(uvicorn.Config(edge, http=Protocol, lifespan="off", **quiet))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield Up(stub, listener.getsockname()[1], edge, passes, noted, server)
    finally:
        server.should_exit = server.force_exit = True
        await edge.aclose()
        await serving
        amazon_server.close()
        for writer in list(stub.open):
            writer.close()
        await amazon_server.wait_closed()
        await wire.aclose()


def run(scenario: Callable[[Up], Awaitable[None]], *answers: Any, **facts: Any) -> None:
    """Play a scenario against a gateway."""

    async def play() -> None:
        async with gateway(*answers, **facts) as up:
            await asyncio.wait_for(scenario(up), 20)

    with asyncio.Runner(
        loop_factory=uvicorn.Config("", log_config=None).get_loop_factory()
    ) as runner:  # uvloop, as it is served
        runner.run(play())
