"""Clients that do what they should not, on raw sockets: they leave, take nothing, or send without end or too early."""

from __future__ import annotations

import asyncio
import socket

import pytest
from tests.server.passing import OK, PAIR, PLAIN, Stub, read_answer, run
from tests.server.test_express import REQUEST, warm
from tests.server.test_express_attacks import lent, until
from tests.server.test_passthrough import begins, hangs

from sellerport.server import protocol

SHIP = "/passthrough-api/orders/v0/orders/902-1-1/shipment"
CHUNKED = f"POST {SHIP} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n".encode() + PAIR + b"\r\n2\r\n{}\r\n"


def large(reader, writer):
    """Answer with more than what every buffer on the way holds."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 12000000\r\n\r\n")
    writer.write(bytes(12_000_000))
    return writer.drain()


class Eager(Stub):
    """Amazon, which answers at the head, and sends on while somebody reads."""

    async def serve(self, reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        try:
            await begins(reader, writer)
        except ConnectionError:
            self.closed.set()


def idle_socket(up):
    """Connect with little room for what comes, of which nothing is read."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", up.port))
    return client


def connections(up):
    return up.server.server_state.connections


def looked_at(up):
    """Whether the clock has looked at a request under way, and at whether its client is there, more than once."""
    return any(one.ticks > 2 for pool in up.edge._through.upstream._pools.values() for one in pool.busy)


@pytest.mark.parametrize("waiting", [1, 2, 3])
def test_rl_6_a_client_that_leaves_ends_its_request_though_others_wait_behind_it(waiting, caplog):
    """RL-6: by both ways, and nothing is logged as a failure."""

    async def scenario(up):
        for number in range(2):  # the first request is the general way's; the second is handed over to it
            up.stub.came.clear(), up.stub.closed.clear()
            _, writer = await up.connect()
            writer.write(REQUEST * waiting)
            await up.stub.came.wait()
            await until(lambda: looked_at(up))
            writer.close()
            await asyncio.wait_for(up.stub.closed.wait(), 1)
            await until(lambda number=number: len(up.noted.calls) > number)
        assert [status for *_, status in up.noted.calls] == [499, 499]
        assert lent(up) == 0
        assert "failed" not in caplog.text

    run(scenario, hangs)


def test_rl_6_a_client_that_leaves_ends_its_request_though_its_body_was_not_wanted():
    """RL-6: Amazon answers before the end of a body; nobody reads that any more, so that nobody learns of it there."""

    async def scenario(up):
        reader, writer = await up.connect()
        length = 5_000_000
        writer.write(f"POST {SHIP} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n".encode() + PAIR + b"\r\n")
        writer.write(bytes(length // 2))
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        await until(lambda: looked_at(up))
        writer.close()
        await asyncio.wait_for(up.stub.closed.wait(), 1)
        await until(lambda: lent(up) == 0)

    run(scenario, stub=Eager())


def test_50_nothing_behind_an_upgrade_is_a_request():
    """Attack 50: a body that the parser skips would be one, as soon as it comes by itself."""
    upgrade = b"connection: upgrade\r\nupgrade: h2c\r\ncontent-length: %d\r\n" % len(REQUEST)

    async def scenario(up):
        for target in (PLAIN, "/health"):
            head = f"POST {target} HTTP/1.1\r\nhost: x\r\n".encode() + upgrade + PAIR + b"\r\n"
            reader, writer = await up.connect()
            writer.write(head)
            await reader.readuntil(b"\r\n\r\n")
            writer.write(REQUEST)
            rest = await asyncio.wait_for(reader.read(), 5)
            assert b"HTTP/1.1" not in rest
            writer.close()
        assert up.stub.received == []

    run(scenario)


def test_a_client_that_takes_nothing_is_given_up(monkeypatch):
    """Its answer would hold a connection to Amazon for as long as it likes, and others wait for one."""
    monkeypatch.setattr(protocol, "TAKE_S", 0.2)

    async def scenario(up):
        with idle_socket(up) as client:
            client.sendall(REQUEST)
            await until(lambda: lent(up) == 1)
            await until(lambda: lent(up) == 0 and not connections(up))

    run(scenario, large)


def test_a_client_that_takes_its_time_gets_all_of_it(monkeypatch):
    monkeypatch.setattr(protocol, "TAKE_S", 0.2)

    async def scenario(up):
        reader, writer = await up.connect()
        writer.write(REQUEST)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"content-length: 12000000" in head
        got = 0
        while got < 12_000_000:
            piece = await asyncio.wait_for(reader.read(1 << 20), 5)
            assert piece
            got += len(piece)
            await asyncio.sleep(0.02)
        writer.close()

    run(scenario, large)


CLOSE = REQUEST.replace(b"host: x", b"host: x\r\nconnection: close")


@pytest.mark.parametrize(("sent", "then"), [(CLOSE, b""), (REQUEST, b""), (REQUEST, b"nonsense\r\n\r\n")])
def test_a_connection_whose_last_answer_nobody_takes_is_given_up(monkeypatch, sent, then):
    """Closing it waits for what was written; it would count as one of those there is room for until then."""
    monkeypatch.setattr(protocol, "TAKE_S", 0.2)

    async def scenario(up):
        with idle_socket(up) as client:
            await until(lambda: connections(up))
            (one,) = connections(up)
            one.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            client.sendall(sent)
            await until(one.transport.get_write_buffer_size)
            assert not one.flow.write_paused  # which is another reason to look after it
            client.sendall(then)
            await until(lambda: not connections(up))

    run(scenario, b"HTTP/1.1 200 OK\r\ncontent-length: 50000\r\n\r\n" + bytes(50_000), keep_alive=0.2)


def test_many_requests_at_once_are_no_large_head():
    """Pipelining: what is behind a head, and not part of it, does not count."""
    padded = REQUEST.replace(b"host: x", b"host: x\r\nx-padding: " + b"p" * 1500)

    async def scenario(up):
        reader, writer = await up.connect()
        writer.write(padded * 60 + padded[:-2])
        for _ in range(60):
            assert (await asyncio.wait_for(read_answer(reader), 5)).status == 200
        writer.write(b"\r\n")
        assert (await asyncio.wait_for(read_answer(reader), 5)).status == 200
        writer.close()

    run(scenario)


def test_63_more_requests_than_anybody_sends_at_once_are_refused():
    """Attack 63: each that waits costs a hundred times what it takes to send it."""

    async def scenario(up):
        got = await up.raw(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n" * 5000)
        assert b" 400 " in got
        assert got.count(b"HTTP/1.1 ") <= protocol.MOST_WAITING + 2

    run(scenario)


def test_63_a_head_that_waits_behind_a_slow_answer_is_waited_for(monkeypatch):
    """It is this server that does not read on meanwhile."""
    monkeypatch.setattr(protocol, "HEAD_S", 0.2)
    late, looks = asyncio.Event(), protocol.Protocol._head_is_late

    def looked(self):
        looks(self)
        late.set()

    async def slowly(reader, writer):
        await late.wait()
        writer.write(OK)

    monkeypatch.setattr(protocol.Protocol, "_head_is_late", looked)

    async def scenario(up):
        await warm(up)
        reader, writer = await up.connect()
        writer.write(REQUEST * 2 + REQUEST[:-2])
        for _ in range(2):
            assert (await asyncio.wait_for(read_answer(reader), 5)).status == 200
        writer.write(b"\r\n")
        assert (await asyncio.wait_for(read_answer(reader), 5)).status == 200
        writer.close()

    run(scenario, OK, slowly, OK)


def test_a_large_chunk_is_no_head():
    async def scenario(up):
        pieces = [bytes(50_000)] * 8
        got = await up.raw(CHUNKED + b"%x\r\n" % 400_000, *pieces, b"\r\n", b"0\r\n\r\n")
        assert got.startswith(b"HTTP/1.1 200 ")
        assert len(up.stub.received[0].body) == 400_002

    run(scenario)


@pytest.mark.parametrize("field", [b"x: y\r\n" * 4000, b"y" * 20_000])
def test_63_66_a_trailer_has_an_end(field):
    """Attacks 63 and 66: what comes behind a body is no part of it, and must not grow for ever."""

    async def scenario(up):
        got = await up.raw(CHUNKED + b"0\r\nx-first: ", *[field] * 40)
        assert got.startswith(b"HTTP/1.1 400 ")
        assert (up.stub.received, connections(up)) == ([], set())

    run(scenario)


def test_63_a_trailer_has_to_come_in_time(monkeypatch):
    """Attack 63."""
    monkeypatch.setattr(protocol, "HEAD_S", 0.2)

    async def scenario(up):
        reader, writer = await up.connect()
        writer.write(CHUNKED + b"0\r\nx: y")
        assert b" 200 " not in await asyncio.wait_for(reader.read(), 5)
        assert up.stub.received == []
        writer.close()
        reader, writer = await up.connect()
        writer.write(CHUNKED + b"0\r\nx: y\r\n\r\n")
        assert (await read_answer(reader)).status == 200
        assert [one._late for one in connections(up)] == [None]  # which would end it before the next request
        writer.write(REQUEST)
        assert (await read_answer(reader)).status == 200
        writer.close()

    run(scenario)
