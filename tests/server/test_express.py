"""The passthrough's short way: the requests after a connection's first, and where the general way takes over."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.server.passing import OK, PAIR, PLAIN, read_answer, run
from tests.server.test_passthrough import EXPIRED, begins, hangs

from sellerport.server.gateway_api import connection
from sellerport.server.gateway_api.passthrough import Passthrough

REQUEST = f"GET {PLAIN} HTTP/1.1\r\nhost: x\r\n".encode() + PAIR + b"\r\n"
FULL = (
    b"HTTP/1.1 200 OK\r\nServer: amazon\r\nContent-Type: application/json\r\nSet-Cookie: a=b\r\nX-Odd: 1\r\n"
    b"X-Odd: 2\r\n"
    b"Connection: x-hop\r\nX-Hop: 1\r\nx-amzn-RequestId: r\r\nContent-Length: 2\r\n\r\n{}"
)


@pytest.fixture
def only_short(monkeypatch):
    """Lets the general way fail, from when it is called."""

    def off():
        async def fails(*_call, **_how):
            raise AssertionError("the general way was taken")

        monkeypatch.setattr(Passthrough, "__call__", fails)

    return off


async def warm(up):
    """Have one request answered, after which there is a connection to Amazon."""
    assert (await up.ask("GET", PLAIN)).status == 200
    up.noted.some.clear()


def test_what_needs_nothing_is_answered_without_the_general_way(only_short):
    async def scenario(up):
        await warm(up)
        only_short()
        got = await up.ask("GET", f"{PLAIN}?pageSize=2", "accept: application/json\r\ncookie: a=b\r\n")
        assert (got.status, got.body) == (200, b"{}")
        sent = up.stub.received[-1]
        assert (
            sent.line
            == "GET /sellingpartnerapi-na.amazon.com/supplySources/2020-07-01/supplySources?pageSize=2 HTTP/1.1"
        )
        assert sent.fields["x-amz-access-token"] == "Atza|first"
        assert sent.fields["accept"] == "application/json"
        assert "cookie" not in sent.fields
        assert [call[:2] + call[3:] for call in up.noted.calls] == [("tenant", "seller", 200)] * 2

    run(scenario)


def test_both_ways_answer_alike(only_short):
    async def scenario(up):
        long = await up.ask("GET", PLAIN)
        only_short()
        short = await up.ask("GET", PLAIN)
        ids = [one.fields.pop([name for name, _ in one.fields].index("x-request-id")) for one in (long, short)]
        assert ids[0] != ids[1]
        assert [pair for pair in short.fields if pair[0] != "date"] == [
            pair for pair in long.fields if pair[0] != "date"
        ]
        assert short.body == long.body
        assert {name for name, _ in short.fields} == {
            "date", "content-type", "x-odd", "x-amzn-requestid", "content-length", "cache-control",
        }  # fmt: skip

    run(scenario, FULL)


@pytest.mark.parametrize("amazons", [b"304 Not Modified", b"204 No Content", b"404 Not Found", b"500 Oops"])
def test_every_status_passes(only_short, amazons):
    body = b"" if amazons[:3] in (b"204", b"304") else b"{}"
    length = b"content-length: %d\r\n" % len(body) if body else b""

    async def scenario(up):
        await warm(up)
        only_short()
        got = await up.ask("GET", PLAIN)
        assert (got.status, got.body) == (int(amazons[:3]), body)
        assert (await up.ask("GET", PLAIN)).status == got.status

    run(scenario, OK, b"HTTP/1.1 %b\r\n%b\r\n%b" % (amazons, length, body))


def test_an_answer_that_comes_in_chunks_has_a_length(only_short):
    async def scenario(up):
        await warm(up)
        only_short()
        got = await up.ask("GET", PLAIN)
        assert (got.body, got.headers["content-length"]) == (b"first", "5")
        assert "transfer-encoding" not in got.headers

    run(scenario, OK, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n0\r\n\r\n")


def test_an_answer_that_is_not_there_at_once_is_passed_on_while_it_comes():
    more = asyncio.Event()

    async def slowly(reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nfirst")
        await more.wait()
        writer.write(b"second")

    async def scenario(up):
        await warm(up)
        reader, writer = await up.connect()
        writer.write(REQUEST)
        assert b"first" in await asyncio.wait_for(reader.readuntil(b"first"), 5)
        more.set()
        assert await asyncio.wait_for(reader.readexactly(6), 5) == b"second"
        writer.close()
        assert len(up.stub.received) == 2
        assert [status for *_, status in up.noted.calls] == [200, 200]

    run(scenario, OK, slowly)


def test_a_token_that_amazon_calls_expired_is_replaced():
    async def scenario(up):
        await warm(up)
        assert (await up.ask("GET", PLAIN)).status == 200
        assert [sent.fields["x-amz-access-token"] for sent in up.stub.received[1:]] == ["Atza|first", "Atza|second"]
        assert [status for *_, status in up.noted.calls] == [200, 200]

    run(scenario, OK, EXPIRED, OK)


def test_a_429_of_amazons_empties_the_bucket_and_an_empty_one_is_told(only_short):
    throttled = b"HTTP/1.1 429 Too Many Requests\r\nx-amzn-ratelimit-limit: 0.1\r\ncontent-length: 2\r\n\r\n{}"

    async def scenario(up):
        await warm(up)
        got = await up.ask("GET", PLAIN)
        assert (got.status, got.body) == (429, b"{}")
        assert "x-adb-error" not in got.headers
        refused = await up.ask("GET", PLAIN)
        assert (refused.status, refused.headers["x-adb-error"]) == (429, "1")
        assert len(up.stub.received) == 2

    run(scenario, OK, throttled)


def test_a_rate_that_amazon_states_is_kept_to():
    stated = b"HTTP/1.1 200 OK\r\nx-amzn-ratelimit-limit: 0.1\r\ncontent-length: 2\r\n\r\n{}"

    async def scenario(up):
        await warm(up)
        assert [(await up.ask("GET", PLAIN)).status for _ in range(3)] == [200, 200, 429]
        assert len(up.stub.received) == 3

    run(scenario, OK, stated)


@pytest.mark.parametrize(("method", "path", "status"), [
    ("GET", PLAIN, 200),
    ("DELETE", "/passthrough-api/feeds/2021-06-30/feeds/1", 502),
])  # fmt: skip
def test_a_kept_connection_that_turns_out_to_be_closed_is_replaced_for_what_only_reads(method, path, status):
    async def closes(reader, writer):
        writer.transport.abort()
        raise ConnectionResetError

    async def scenario(up):
        await warm(up)
        assert (await up.ask(method, path)).status == status
        assert len(up.stub.received) == (3 if status == 200 else 2)

    run(scenario, OK, closes, OK)


@pytest.mark.parametrize("amazon", [hangs, begins])
def test_a_client_that_leaves_ends_its_request_at_amazon(amazon):
    async def scenario(up):
        await warm(up)
        up.stub.came.clear()
        reader, writer = await up.connect()
        writer.write(REQUEST)
        if amazon is begins:
            await reader.readuntil(b"\r\n\r\n")
        await up.stub.came.wait()
        writer.close()
        await asyncio.wait_for(up.stub.closed.wait(), 0.8)
        await up.noted.some.wait()
        assert up.noted.calls[-1][-1] == (499 if amazon is hangs else 200)

    run(scenario, OK, amazon)


def test_an_amazon_that_takes_too_long_is_told(monkeypatch):
    async def scenario(up):
        await warm(up)
        monkeypatch.setattr(connection, "FIRST_BYTE_S", 0.1)
        got = await up.ask("GET", PLAIN)
        assert (got.status, json.loads(got.body)["error"]["code"]) == (504, "no_answer")
        assert up.noted.calls[-1][-1] == 504

    run(scenario, OK, hangs)


def test_what_is_no_http_is_told():
    async def scenario(up):
        await warm(up)
        assert (await up.ask("GET", PLAIN)).status == 502
        assert (await up.ask("GET", PLAIN)).status == 200

    run(scenario, OK, b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx", OK)


def test_requests_that_come_at_once_are_answered_in_their_order(only_short):
    """Pipelining (RFC 9112 §9.3.2): what waits behind another is the general way's."""

    async def scenario(up):
        await warm(up)
        reader, writer = await up.connect()
        writer.write(REQUEST * 3 + REQUEST.replace(b"host: x", b"host: x\r\nconnection: close"))
        got = [await asyncio.wait_for(read_answer(reader), 5) for _ in range(4)]
        assert [one.body for one in got] == [b"1", b"2", b"3", b"4"]
        assert [one.headers.get("connection") for one in got] == [None, None, None, "close"]
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()

    run(scenario, OK, *(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n%d" % number for number in (1, 2, 3, 4)))


def test_a_connection_goes_on_after_an_answer_and_is_closed_when_nobody_uses_it(only_short):
    async def scenario(up):
        await warm(up)
        only_short()
        reader, writer = await up.connect()
        for _ in range(3):
            writer.write(REQUEST)
            assert (await asyncio.wait_for(read_answer(reader), 5)).status == 200
            await asyncio.sleep(0.15)  # a pause of its own, shorter than what a connection is kept
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()

    run(scenario, keep_alive=0.25)


def test_a_failure_of_ours_ends_the_connection_and_is_logged(monkeypatch, caplog):
    async def scenario(up):
        await warm(up)
        monkeypatch.setattr("sellerport.server.gateway_api.headers.lines_of", lambda answer: 1 / 0)
        assert await up.raw(REQUEST) == b""
        assert [one.exc_info[0] for one in caplog.records if one.message == "a request failed"] == [ZeroDivisionError]

    run(scenario)
