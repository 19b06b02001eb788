"""The passthrough's short way, and the general way behind it, beside an Amazon that does what it should not.

What is asked of each: no client sees what is another's, every answer is whole or breaks off, no connection to Amazon is
lost to the others, and each call is in the audit.
"""

from __future__ import annotations

import asyncio
import time

import pytest
from tests.server.passing import OK, PLAIN, read_answer, run
from tests.server.test_express import REQUEST, warm
from tests.server.test_passthrough import hangs

from sellerport.errors import CallerError
from sellerport.server.gateway_api import call, connection, operations, upstream


def lent(up):
    """Return how many connections to Amazon are lent to requests."""
    return sum(len(pool.busy) for pool in up.edge._through.upstream._pools.values())


async def until(true, seconds=2.0):
    """Wait until something is so; assert that it is in time."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


def test_38_a_query_with_an_odd_character_is_read_in_time():
    """Attack 38, and 67: the pattern of a query is not gone through in every way there is."""
    begun = time.perf_counter()
    assert operations.query(b"a" * 60_000 + b"|") == b"a" * 60_000 + b"%7C"
    with pytest.raises(CallerError):
        operations.query(b"%61a" * 15_000 + b"%")
    assert time.perf_counter() - begun < 1


@pytest.mark.parametrize("framing", [b"content-length: 5\r\n\r\nevil!", b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n"])
def test_46_an_answer_before_the_answer_brings_no_body(framing):
    """Attack 46: such a body would stand before the answer's, and what is too much be taken for the next answer."""

    async def scenario(up):
        for number in range(2):
            up.stub.answers = [b"HTTP/1.1 104 X\r\n" + framing + OK, OK]
            assert (await up.ask("GET", PLAIN)).status == 502
            assert (await up.ask("GET", PLAIN)).body == b"{}"
            assert up.stub.connections == number + 2

    run(scenario)


@pytest.mark.parametrize("status", [b"000", b"099"])
def test_46_a_status_that_there_is_not_is_told(status):
    """Attack 46: by both ways; nobody waits for a head that has come."""

    async def scenario(up):
        for _ in range(2):
            up.stub.answers = [b"HTTP/1.1 %b What\r\ncontent-length: 2\r\n\r\n{}" % status, OK]
            assert (await asyncio.wait_for(up.ask("GET", PLAIN), 5)).status == 502
            assert (await up.ask("GET", PLAIN)).status == 200

    run(scenario)


def test_41_an_answer_cannot_have_its_own_length_dropped():
    """Attack 41, the other way round: without it nobody knows where the answer ends."""

    async def scenario(up):
        for _ in range(2):
            assert (await up.ask("GET", PLAIN)).headers["content-length"] == "2"

    run(scenario, OK.replace(b"content-type: application/json", b"connection: Content-Length"))


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_44_what_has_no_body_has_no_length(status):
    """Attack 44: a client would wait for it, and take the next answer for it (RFC 9110 §8.6)."""

    async def scenario(up):
        for _ in range(2):  # by the general way, then by the short one
            got = await up.ask("GET", PLAIN)
            assert (got.status, "content-length" in got.headers) == (int(status[:3]), False)
        reader, writer = await up.connect()
        writer.write(REQUEST * 3)  # what waits behind another is answered by ASGI's messages
        assert [(await read_answer(reader)).status for _ in range(3)] == [int(status[:3])] * 3
        writer.close()

    run(scenario, b"HTTP/1.1 %b\r\ncontent-length: 5\r\n\r\n" % status)


@pytest.mark.parametrize("amazons", [b"403 Forbidden", b"200 OK"])
def test_a_request_whose_pass_ends_under_way_leaves_no_connection_behind(amazons):
    """What the short way began is ended where the general way refuses to go on with it."""

    async def late(reader, writer):
        up_now.passes.warm = lambda token, secret: None
        writer.write(b"HTTP/1.1 %b\r\ncontent-length: 100\r\n\r\nbegun" % amazons)
        await reader.read()
        raise ConnectionResetError

    async def scenario(up):
        nonlocal up_now
        up_now = up
        await warm(up)
        assert (await up.ask("GET", PLAIN)).status == 401
        assert lent(up) == 0
        await asyncio.wait_for(up.stub.closed.wait(), 1)

    up_now = None
    run(scenario, OK, late)


def test_a_failure_of_ours_is_in_the_audit_and_leaves_no_connection_behind(monkeypatch):
    async def scenario(up):
        await warm(up)
        monkeypatch.setattr("sellerport.server.gateway_api.headers.lines_of", lambda answer: 1 / 0)
        assert await up.raw(REQUEST) == b""
        monkeypatch.setattr("sellerport.server.protocol.Protocol.hand_over", lambda *what: 1 / 0)
        up.stub.answers = [b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\n{}"]
        assert await up.raw(REQUEST) == b""
        assert [status for *_, status in up.noted.calls] == [200, 500, 500]
        assert lent(up) == 0

    run(scenario)


def test_the_clock_of_the_connections_goes_on_after_a_failure(monkeypatch):
    failed = []

    async def scenario(up):
        def fails(_call, _answer):
            failed.append(True)
            raise ArithmeticError

        monkeypatch.setattr(call.Call, "watch", fails)
        monkeypatch.setattr(connection, "FIRST_BYTE_S", 0.2)
        assert (await asyncio.wait_for(up.ask("GET", PLAIN, "connection: close\r\n"), 5)).status == 504
        assert failed

    run(scenario, hangs)


def test_slow_requests_of_one_tenant_hold_up_no_others(monkeypatch):
    """RL-6: whoever has all the connections that one may have waits for one of its own."""
    monkeypatch.setattr(upstream, "MOST_OF_ONE", 2)
    monkeypatch.setattr(upstream, "CONNECT_S", 1.0)

    async def scenario(up):
        await warm(up)
        up.passes.one.organization_id = "slow"
        up.stub.answers = [hangs, hangs, OK]
        slow = [await up.connect() for _ in range(2)]
        for number, (_, writer) in enumerate(slow, 1):
            writer.write(REQUEST)
            await until(lambda number=number: lent(up) == number)
        assert (await up.ask("GET", PLAIN)).status == 504
        waiting = [asyncio.create_task(up.ask("GET", PLAIN)) for _ in range(3)]
        (pool,) = up.edge._through.upstream._pools.values()
        await until(lambda: len(pool.waiting.get("slow", ())) == 3)
        up.passes.one.organization_id = "other"
        assert (await up.ask("GET", PLAIN)).status == 200
        slow[0][1].close()
        assert [one.status for one in await asyncio.gather(*waiting)] == [200] * 3
        assert (lent(up), pool.waiting) == (1, {})
        slow[1][1].close()

    run(scenario)
