"""The passthrough: what reaches Amazon of a request, and what the caller gets of Amazon's answer."""

from __future__ import annotations

import asyncio
import gzip
import json
import time

import msgspec
import pytest
from tests.server.passing import OK, PAIR, PLAIN, read_answer, run

from sellerport import catalog
from sellerport.server.gateway_api import connection, operations, passthrough, upstream

ORDER = "/passthrough-api/orders/v0/orders/902-1845936-5435065"
SHIP = f"{ORDER}/shipment"
JSON = "content-type: application/json\r\n"


def answer(body, status="200 OK", *fields):
    lines = "".join(f"{field}\r\n" for field in ("content-type: application/json", *fields))
    return f"HTTP/1.1 {status}\r\n{lines}content-length: {len(body)}\r\n\r\n".encode() + body


def test_a_request_is_built_anew_and_its_answer_passed_on_as_it_is():
    body = b'{"items": [ ] }'

    async def scenario(up):
        got = await up.ask("GET", f"{PLAIN}?pageSize=2&nextPageToken=a%20b", "accept: application/json\r\n")
        assert (got.status, got.body) == (200, body)
        assert got.headers["x-amzn-requestid"] == "r-1"
        assert got.headers["x-amzn-ratelimit-limit"] == "2.0"
        assert len(got.headers["x-request-id"]) == 32
        assert "x-adb-error" not in got.headers
        (sent,) = up.stub.received
        path = "/sellingpartnerapi-na.amazon.com/supplySources/2020-07-01/supplySources"
        assert sent.line == f"GET {path}?pageSize=2&nextPageToken=a%20b HTTP/1.1"
        assert set(sent.fields) == {"host", "user-agent", "x-amz-access-token", "x-amz-date", "accept"}
        assert sent.fields["x-amz-access-token"] == "Atza|first"
        assert up.noted.calls == [("tenant", "seller", "supply_sources_2020_07_01.get_supply_sources", 200)]

    run(scenario, answer(body, "200 OK", "x-amzn-RequestId: r-1", "x-amzn-RateLimit-Limit: 2.0"))


def test_a_sandbox_sellers_requests_go_to_the_sandbox():
    async def scenario(up):
        await up.ask("GET", PLAIN)
        assert up.stub.received[0].line.startswith("GET /sandbox.sellingpartnerapi-na.amazon.com/")

    run(scenario, sandbox=True)


def test_every_operation_that_is_denied_by_default_is_refused():
    """Appendix A: the tokens, the application, who notifications go to, carrier accounts, uploads."""
    denied = [
        ("POST", "/tokens/2021-03-01/restrictedDataToken"),
        ("POST", "/applications/2023-11-30/clientSecret"),
        ("GET", "/notifications/v1/destinations"),
        ("POST", "/notifications/v1/destinations"),
        ("DELETE", "/notifications/v1/destinations/1"),
        ("POST", "/appIntegrations/2024-04-01/notifications"),
        ("PUT", "/shipping/v2/carrierAccounts"),
        ("PUT", "/shipping/v2/carrierAccounts/1"),
        ("POST", "/shipping/v2/carrierAccounts/1"),
        ("PUT", "/shipping/v2/carrierAccounts/1/unlink"),
        ("GET", "/service/v1/serviceJobs"),
    ]

    async def scenario(up):
        for method, path in denied:
            got = await up.ask(method, f"/passthrough-api{path}")
            assert (path, got.status) == (path, 403)
        for path in (
            "/uploads/2020-11-01/uploadDestinations/x",
            "/nothing/v1",
            "/orders/v0/orders/",
            "/Orders/v0/orders",
        ):
            got = await up.ask("GET", f"/passthrough-api{path}")
            assert (path, got.status) == (path, 404)
            assert got.headers["x-adb-error"] == "1"
            told = json.loads(got.body)
            assert told == {"success": False, "error": {**told["error"], "code": "not_found"}}
            assert told["error"]["request_id"] == got.headers["x-request-id"]
        assert up.stub.received == []

    run(scenario)


def test_no_operation_that_acts_for_the_application_is_let_through_and_every_name_in_the_lists_is_known():
    known = {operation.key: operation for operation in catalog.operations()}
    assert known.keys() >= operations.DENIED
    assert {operation.api for operation in known.values()} >= operations.APIS
    allowed = {key for key, operation in known.items() if operations._route(operation).allowed}
    assert not any(known[key].scope for key in allowed)
    assert not {one.partition(".")[0] for one in allowed} & {"tokens_2021_03_01", "application_2023_11_30"}
    assert "orders_v0.get_order" in allowed


def test_all_five_methods_reach_amazon_with_their_bodies():
    asked = [
        ("GET", PLAIN),
        ("POST", SHIP),
        ("PUT", "/passthrough-api/shipping/v2/shipments/S1/cancel"),
        ("PATCH", "/passthrough-api/easyShip/2022-03-23/package"),
        ("DELETE", "/passthrough-api/feeds/2021-06-30/feeds/1"),
    ]

    async def scenario(up):
        for method, path in asked:
            body = b'{"a":1}' if method in ("POST", "PATCH") else b""
            assert (await up.ask(method, path, JSON if body else "", body)).status == 200
            sent = up.stub.received[-1]
            assert (sent.line.split(" ")[0], sent.body) == (method, body)
            assert sent.fields.get("content-type") == ("application/json" if body else None)
        assert "content-length" not in up.stub.received[0].fields
        assert up.stub.received[2].fields["content-length"] == "0"

    run(scenario)


def test_a_large_body_is_passed_on_while_it_comes():
    body = bytes(300_000)

    async def scenario(up):
        got = await up.ask("POST", SHIP, JSON, body)
        assert got.status == 200
        assert up.stub.received[0].body == body
        reader, writer = await up.connect()
        head = f"POST {SHIP} HTTP/1.1\r\nhost: x\r\n{JSON}transfer-encoding: chunked\r\n".encode() + PAIR + b"\r\n"
        writer.write(head + b"20000\r\n" + bytes(0x20000) + b"\r\n")
        await asyncio.sleep(0)
        writer.write(b"3\r\nabc\r\n0\r\n\r\n")
        assert (await read_answer(reader)).status == 200
        assert up.stub.received[1].body == bytes(0x20000) + b"abc"
        writer.close()

    run(scenario)


def test_amazons_errors_are_the_callers():
    body = b'{"errors":[{"code":"InvalidInput","message":"x","details":""}]}'

    async def scenario(up):
        got = await up.ask("GET", PLAIN)
        assert (got.status, got.body) == (400, body)
        assert got.headers["x-amzn-errortype"] == "InvalidInput"
        assert "x-adb-error" not in got.headers
        up.stub.answers = [answer(body, "503 Service Unavailable", "retry-after: 9")]
        got = await up.ask("GET", PLAIN)
        assert (got.status, got.body, got.headers["retry-after"]) == (503, body, "9")
        up.stub.answers = [answer(body, "403 Forbidden")]
        assert (await up.ask("GET", PLAIN)).status == 403
        assert len(up.stub.received) == 3

    run(scenario, answer(body, "400 Bad Request", "x-amzn-ErrorType: InvalidInput"))


EXPIRED = answer(
    b'{"errors":[{"code":"Unauthorized","message":"Access to requested resource is denied.",'
    b'"details":"The access token you provided has expired."}]}',
    "403 Forbidden",
)


def test_a_token_that_amazon_calls_expired_is_replaced_once_and_the_request_sent_again():
    async def scenario(up):
        got = await up.ask("POST", SHIP, JSON, b"{}")
        assert got.status == 200
        assert [sent.fields["x-amz-access-token"] for sent in up.stub.received] == ["Atza|first", "Atza|second"]
        assert [sent.body for sent in up.stub.received] == [b"{}", b"{}"]
        assert [status for *_, status in up.noted.calls] == [200]

    run(scenario, EXPIRED, OK)


def test_a_token_that_is_refused_again_is_not_replaced_again():
    async def scenario(up):
        got = await up.ask("GET", PLAIN)
        assert got.status == 403
        assert b"has expired" in got.body
        assert len(up.stub.received) == 2

    run(scenario, EXPIRED)


def test_a_used_up_bucket_is_told_with_when_to_come_back():
    async def scenario(up):
        path = "/passthrough-api/catalog/2022-04-01/items/B000000001"  # two a second, and two at once
        assert [(await up.ask("GET", path)).status for _ in range(2)] == [200, 200]
        got = await up.ask("GET", path)
        assert got.status == 429
        assert json.loads(got.body)["error"]["code"] == "too_many_requests"
        assert int(got.headers["retry-after"]) == 1
        assert (got.headers["x-ratelimit-limit"], got.headers["x-ratelimit-remaining"]) == ("2", "0")
        assert abs(int(got.headers["x-ratelimit-reset"]) - time.time()) < 5
        assert len(up.stub.received) == 2
        assert up.noted.calls[-1][-1] == 429

    run(scenario)


def test_a_429_of_amazons_empties_the_bucket_here():
    async def scenario(up):
        path = "/passthrough-api/feeds/2021-06-30/feeds"
        assert (await up.ask("GET", path)).body == b"{}"
        got = await up.ask("GET", path)
        assert got.status == 429
        assert got.headers["x-adb-error"] == "1"
        assert len(up.stub.received) == 1

    run(scenario, answer(b"{}", "429 Too Many Requests"))


LWA = answer(b'{"access_token":"Atza|x","token_type":"bearer","expires_in":3600}')
RDT = answer(b'{"restrictedDataToken":"Atz.sprdt|one","expiresIn":3600}')


def test_a_restricted_operation_gets_its_token_unseen_and_only_once():
    async def scenario(up):
        for _ in range(2):
            assert (await up.ask("GET", f"{ORDER}/address")).status == 200
        _log_in, asked, *sent = up.stub.received
        assert asked.line.split(" ")[1].endswith("/tokens/2021-03-01/restrictedDataToken")
        resource = {"method": "GET", "path": "/orders/v0/orders/{orderId}/address"}
        assert json.loads(asked.body) == {"restrictedResources": [resource]}
        assert [one.fields["x-amz-access-token"] for one in sent] == ["Atz.sprdt|one"] * 2

    run(scenario, LWA, RDT, OK)


def test_personal_data_is_not_asked_for():
    """§3.4: no data elements, and no includedData that would only be taken out again."""

    async def scenario(up):
        assert (await up.ask("GET", ORDER)).status == 200
        path = "/passthrough-api/orders/2026-01-01/orders/902-1-1?includedData=BUYER,RECIPIENT,PACKAGES"
        assert (await up.ask("GET", path)).status == 200
        first, second = up.stub.received
        assert first.fields["x-amz-access-token"] == "Atza|first"
        assert second.line.split(" ")[1].endswith("?includedData=PACKAGES")

    run(scenario)


def test_a_query_that_is_taken_apart_brings_nothing_else_along():
    async def scenario(up):
        path = "/passthrough-api/orders/2026-01-01/orders/902-1-1?includedData=PACKAGES%20HTTP/1.1%26x=y,BUYER"
        got = await up.ask("GET", path)
        assert (got.status, up.stub.received) == (400, [])

    run(scenario)


ADDRESS = {"Name": "Canary Buyer", "AddressLine1": "1 Canary St", "CountryCode": "US"}
PAGE = msgspec.json.encode({"payload": {"AmazonOrderId": "902-1-1", "ShippingAddress": ADDRESS}})


@pytest.mark.parametrize("packing", ["", "gzip"])
def test_what_may_be_personal_is_scrubbed_and_the_policy_named(packing):
    body = gzip.compress(PAGE) if packing else PAGE

    async def scenario(up):
        got = await up.ask("GET", ORDER, "accept-encoding: gzip\r\n")
        assert got.status == 200
        assert b"Canary" not in got.body
        assert json.loads(got.body)["payload"]["AmazonOrderId"] == "902-1-1"
        version, removed = got.headers["x-adb-scrub"].split("; removed=")
        assert version
        assert int(removed) >= 1
        assert int(got.headers["content-length"]) == len(got.body)
        assert "content-encoding" not in got.headers
        assert up.stub.received[0].fields["accept-encoding"] == "identity"

    run(scenario, answer(body, "200 OK", *([f"content-encoding: {packing}"] if packing else [])))


def test_what_cannot_be_scrubbed_is_not_passed_on():
    async def scenario(up):
        got = await up.ask("GET", ORDER)
        assert got.status == 502
        assert b"Canary" not in got.body
        assert json.loads(got.body)["error"]["message"] == "Response could not be scrubbed"

    run(scenario, b"HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\ncontent-length: 12\r\n\r\nCanary Buyer")


def test_an_error_that_is_packed_is_the_callers_as_it_is():
    """One of 403 is read here, in case it is about the token; what cannot be read is passed on all the same."""

    async def scenario(up):
        for packing, body in (("br", b"not to be read"), ("gzip", gzip.compress(b"{}"))):
            up.stub.answers = [answer(body, "403 Forbidden", f"content-encoding: {packing}")]
            got = await up.ask("GET", PLAIN, "accept-encoding: gzip, br\r\n")
            assert (got.status, got.body, got.headers["content-encoding"]) == (403, body, packing)
        up.stub.answers = [
            answer(gzip.compress(EXPIRED.partition(b"\r\n\r\n")[2]), "403 No", "content-encoding: gzip"),
            OK,
        ]
        assert (await up.ask("GET", PLAIN)).status == 200
        assert up.stub.connections == 1

    run(scenario)


def test_an_answer_that_is_too_large_to_be_looked_at_is_told_and_its_connection_ends(monkeypatch):
    monkeypatch.setattr(passthrough, "MOST_HELD", 1000)

    async def scenario(up):
        assert (await up.ask("GET", ORDER)).status == 502
        assert not any(pool.busy for pool in up.edge._through.upstream._pools.values())

    run(scenario, answer(bytes(100_000)))


async def hangs(reader, writer):
    """Never answer; end with the connection."""
    await reader.read()
    raise ConnectionResetError


async def begins(reader, writer):
    """Begin an answer, and send on while somebody reads."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n")
    while True:
        writer.write(bytes(1000))
        await writer.drain()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("amazon", [hangs, begins])
def test_a_client_that_leaves_ends_its_request_at_amazon(amazon):
    """Within 0.2 s, before the head of the answer came and after; four times that for a busy machine."""

    async def scenario(up):
        reader, writer = await up.connect()
        writer.write(f"GET {PLAIN} HTTP/1.1\r\nhost: x\r\n".encode() + PAIR + b"\r\n")
        if amazon is begins:
            await reader.readuntil(b"\r\n\r\n")
        await up.stub.came.wait()
        writer.close()
        await asyncio.wait_for(up.stub.closed.wait(), 0.8)
        await up.noted.some.wait()
        assert up.noted.calls[0][-1] == (499 if amazon is hangs else 200)

    run(scenario, amazon)


def test_an_answer_is_passed_on_while_it_comes():
    more = asyncio.Event()

    async def slowly(reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        await more.wait()
        writer.write(b"6\r\nsecond\r\n0\r\nx-trailer: x\r\n\r\n")

    async def scenario(up):
        reader, writer = await up.connect()
        writer.write(f"GET {PLAIN} HTTP/1.1\r\nhost: x\r\n".encode() + PAIR + b"\r\n")
        assert b"first" in await asyncio.wait_for(reader.readuntil(b"first"), 5)
        more.set()
        rest = await asyncio.wait_for(reader.readuntil(b"0\r\n\r\n"), 5)
        assert b"second" in rest
        assert b"x-trailer" not in rest
        writer.close()

    run(scenario, slowly)


def test_an_answer_that_breaks_off_breaks_off():
    async def breaks(reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
        raise ConnectionResetError

    async def scenario(up):
        with pytest.raises(asyncio.IncompleteReadError):
            await up.ask("GET", PLAIN)

    run(scenario, breaks)


def test_a_kept_connection_that_turns_out_to_be_closed_is_replaced_for_what_only_reads():
    async def closes(reader, writer):
        writer.transport.abort()
        raise ConnectionResetError

    async def scenario(up):
        assert (await up.ask("GET", PLAIN)).status == 200
        assert (await up.ask("GET", PLAIN)).status == 200  # the kept one is closed on it, and it goes out once more
        assert len(up.stub.received) == 3
        up.stub.answers = [closes, OK]
        assert (await up.ask("POST", SHIP, JSON, b"{}")).status == 502
        assert len(up.stub.received) == 4

    run(scenario, OK, closes, OK)


def test_an_answer_without_a_length_ends_with_its_connection():
    async def until_the_end(reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nall of it")
        raise ConnectionResetError

    async def scenario(up):
        assert (await up.ask("GET", PLAIN)).body == b"all of it"
        assert (await up.ask("GET", PLAIN)).body == b"all of it"
        assert up.stub.connections == 2

    run(scenario, until_the_end)


def test_what_comes_too_late_is_told(monkeypatch):
    monkeypatch.setattr(connection, "FIRST_BYTE_S", 0.1)

    async def scenario(up):
        got = await up.ask("GET", PLAIN)
        assert (got.status, json.loads(got.body)["error"]["code"]) == (504, "no_answer")

    run(scenario, hangs)


def test_an_amazon_that_is_not_there_is_told():
    async def scenario(up):
        first = await up.ask("GET", PLAIN)
        assert first.status == 200
        place = up.edge._through._places["na", False]
        gone = upstream.Place("127.0.0.1", 1, False, b"")
        up.edge._through._places["na", False] = (gone, place[1])
        got = await up.ask("GET", PLAIN)
        assert (got.status, json.loads(got.body)["error"]["code"]) == (502, "no_answer")

    run(scenario)


def test_more_requests_than_connections_wait_for_one(monkeypatch):
    monkeypatch.setattr(upstream, "MOST", 2)

    async def scenario(up):
        got = await asyncio.gather(*(up.ask("GET", PLAIN) for _ in range(10)))
        assert [one.status for one in got] == [200] * 10
        assert up.stub.connections == 2

    run(scenario)


def test_a_server_that_stops_ends_its_connections():
    async def scenario(up):
        up.edge.draining = True
        got = await up.raw(f"GET {PLAIN} HTTP/1.1\r\nhost: x\r\n".encode() + PAIR + b"\r\n")
        assert b"\r\nconnection: close\r\n" in got

    run(scenario)


def test_each_request_has_a_line_in_the_log_without_anything_of_the_request(caplog):
    async def scenario(up):
        with caplog.at_level("INFO"):
            got = await up.ask("GET", f"{ORDER}/orderItems?NextToken=canary")
            await up.raw(b"GET /passthrough-api/canary HTTP/1.1\r\nhost: canary\r\n" + PAIR + b"\r\n")
            up.edge._through._lines.write()
        first, second = [one for one in caplog.records if one.message == "request"]
        assert (first.path, first.status, first.method) == (
            "/passthrough-api/orders/v0/orders/{orderId}/orderItems",
            200,
            "GET",
        )
        assert (first.organization, first.seller, first.request_id) == ("tenant", "seller", got.headers["x-request-id"])
        assert (second.path, second.status, second.error) == ("(no operation)", 404, "not_found")
        assert "canary" not in str([vars(one) for one in caplog.records])
        assert "902-" not in str([vars(first), vars(second)])

    run(scenario)


def test_a_failure_of_ours_is_logged_and_not_shown(caplog):
    async def scenario(up):
        up.passes.access_token = None
        got = await up.ask("GET", PLAIN)
        assert got.status == 500
        assert json.loads(got.body)["error"]["message"].startswith("the server failed")
        assert "NoneType" in caplog.text

    run(scenario)
