"""What a token server may do to a connection: over real sockets, with the wire that production uses."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
from dataclasses import replace

import pytest

from sellerport.errors import TokenUnavailable
from sellerport.oauth import LwaClient
from sellerport.regions import marketplace
from sellerport.server.hub import Caller
from sellerport.server.opening import open_hub

GOOD = b'{"access_token": "Atza|good", "expires_in": 3600}'


def answer(status, body, **headers):
    lines = {"content-length": len(body), "content-type": "application/json", **headers}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


async def hang(writer):
    await asyncio.Event().wait()


async def half_open(writer):
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-le")
    await asyncio.Event().wait()


async def half_a_body(writer):
    writer.write(answer("200 OK", GOOD)[:-10])


async def reset(writer):
    at_once = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)


async def bomb(writer):
    body = gzip.compress(bytes(1 << 24))
    writer.write(answer("200 OK", body, content_encoding="gzip"))


async def elsewhere(writer):
    writer.write(answer("307 Temporary Redirect", b"", location="/somewhere/else"))


async def endless(writer):
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"1\r\n \r\n")
        await writer.drain()
        await asyncio.get_running_loop().run_in_executor(None, lambda: None)


@pytest.mark.parametrize(
    "does", [hang, half_open, half_a_body, reset, bomb, elsewhere, endless], ids=lambda does: does.__name__
)
def test_what_a_token_server_does_to_a_connection_passes(sqlite_house, monkeypatch, does):
    """LC-T9: the grant stays; nothing is followed to another address; and nobody waits for long."""
    monkeypatch.setattr("sellerport.server.hub.tokens.REQUEST_S", 0.3)
    arrived = []

    async def serve(reader, writer):
        arrived.append((await reader.readline()).split()[1])
        serving.append(asyncio.current_task())
        try:
            await (good if good_now else does)(writer)
            await writer.drain()
        except OSError:
            pass  # the other side gave up
        finally:
            writer.close()

    async def good(writer):
        writer.write(answer("200 OK", GOOD, connection="close"))

    good_now, serving = False, []

    async def scenario():
        nonlocal good_now
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with open_hub(replace(sqlite_house.settings, amazon=address)) as hub:
            hub.tokens._jitter = lambda: 0.0
            caller = Caller((await hub.organizations.create("Acme")).id)
            connection = await hub.connections.create(
                caller,
                customer="ann",
                name="shop",
                marketplace=marketplace("US"),
                refresh_token="Atzr|hers",
                through=LwaClient("client", "secret"),
            )
            opened = await hub.connections.open(caller, connection.id)
            with pytest.raises(TokenUnavailable):
                await hub.tokens.get(opened)
            assert set(arrived) == {b"/api.amazon.com/auth/o2/token"}
            after = await hub.connections.open(caller, connection.id)
            assert (after.connection.status, after.refresh_token) == ("active", "Atzr|hers")
            good_now = True
            assert await hub.tokens.get(opened) == "Atza|good"
        for task in serving:
            task.cancel()
        server.close()

    asyncio.run(scenario())
