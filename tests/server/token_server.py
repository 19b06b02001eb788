"""How tests look at Amazon's token server, and change what it answers."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import msgspec

CLIENT, CLIENT_SECRET = "amzn1.application-oa2-client.test", "amzn1.oa2-cs.v1.test-secret"
LWA, SP_API = "api.amazon.com", "sellingpartnerapi-na.amazon.com"
EXECUTE = {"entity": "orders", "action": "list", "params": {"created_after": "2020-01-01T00:00:00Z"}}


def asked(server):
    """How many token requests there were."""
    return sum(one["path"] == "/auth/o2/token" for one in server.world.requests)


async def connected(server, count=1):
    """Return so many connections, opened, before Amazon was asked for any token."""
    ids = [await server.connect(f"customer {number}") for number in range(count)]
    server.world.requests.clear()
    opened = [await server.hub.connections.open(server.caller, id) for id in ids]
    return opened if count > 1 else opened[0]


def time_passes(server):
    """Let pauses take time, on the one clock that there is."""

    async def sleep(seconds):
        server.clock.advance(seconds)
        await asyncio.sleep(0)

    server.wire.sleep = sleep


@asynccontextmanager
async def another(house, server):
    """Another process of the same server, and its own copy of the connections' names."""
    async with house.open() as other:
        other.caller = server.caller
        time_passes(other)
        yield other


def answering(server, change, first=None):
    """Change what Amazon's token server answers; before that, let something happen, once."""

    async def app(scope, receive, send):
        nonlocal first

        async def changed(message):
            if message["type"] == "http.response.body" and message["body"]:
                message = message | {"body": change(message["body"])}
            await send(message)

        if not scope["path"].endswith("/auth/o2/token"):
            await server.amazon(scope, receive, send)
            return
        todo, first = first, None
        if todo is not None:
            await todo()
        await server.amazon(scope, receive, changed)

    server.wire.app = app


def saying(**values):
    """A change of an answer's fields; None takes one away."""

    def change(body):
        said = msgspec.json.decode(body) | values
        return msgspec.json.encode({name: value for name, value in said.items() if value is not None})

    return change


def as_it_is(body):
    return body


def row_of(house, opened):
    (row,) = house.sql("SELECT * FROM connections WHERE id = :id", id=opened.connection.id)
    return row
