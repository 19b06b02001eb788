"""The passthrough under attack: paths, hosts, header fields and framing, byte for byte.

The numbers are those of the attacks in the project's security facts (§3.8).
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import socket

import pytest
from tests.server.passing import OK, PAIR, PLAIN, run

from sellerport.server.gateway_api import call

ITEM = "/passthrough-api/catalog/2022-04-01/items/"
HEAD = f"GET {PLAIN}?marketplaceIds=A HTTP/1.1\r\nhost: gateway\r\n".encode() + PAIR
RATES = b"POST /passthrough-api/shipping/v2/shipments/rates HTTP/1.1\r\nhost: gateway\r\n" + PAIR
SHIP = "/passthrough-api/orders/v0/orders/902-1-1/shipment"
CONFIRM = f"POST {SHIP} HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\n".encode() + PAIR
ORDER = "/passthrough-api/orders/v0/orders/902-1845936-5435065"


def status(raw):
    return int(raw.split(b" ", 2)[1]) if raw.startswith(b"HTTP/1.1 ") else None


def refused(*requests, codes=(400,)):
    """Assert that each request is refused, and nothing of it reaches Amazon."""

    async def scenario(up):
        for request in requests:
            got = await up.raw(request)
            assert status(got) in codes, (request, got)
            assert got.count(b"HTTP/1.1 ") == 1, (request, got)
            assert up.stub.received == [], request

    run(scenario)


def test_38_a_path_that_could_be_read_in_two_ways_is_refused():
    """Attack 38: the table of §3.7."""
    rests = [
        "B0%2fx", "B0%2Fx", "B0%5cx", "%2e%2e", "%2E%2e/x", "B0%00", ";x", "B0;/../x", "a\\b", "/x", "..", ".",
        "../items", "./x", ".%2e/x", "%2e", "B0%252f", "B0%252e%252e", "B0%0d%0aX-Evil:1", "B0%0a", "B0%7f", "B0%",
        "B0%zz", "..%2f..%2fb", "%c0%ae%c0%ae", "%ff",
    ]  # fmt: skip
    refused(*(f"GET {ITEM}{rest} HTTP/1.1\r\nhost: gateway\r\n".encode() + PAIR + b"\r\n" for rest in rests))


def test_38_what_follows_the_prefix_is_never_a_host():
    """Attack 38: nothing is appended to a host."""
    targets = [b"@evil.com/", b":443@evil.com/", b".evil.com/", b"//evil.com/x", b"/https://evil.com/", b""]
    lines = (b"GET /passthrough-api" + target + b" HTTP/1.1\r\nhost: gateway\r\n" for target in targets)
    refused(*(line + PAIR + b"\r\n" for line in lines), codes=(400, 404))


def test_38_raw_bytes_that_no_path_has_are_refused():
    """Attack 38, and CVE-2026-41059: a fragment is never sent."""
    odd = [b"\x80", b"\xc3\xa9", b"\t", b"\x01", b"\x7f", b"#x", b" x"]
    lines = (b"GET " + ITEM.encode() + b"B0" + byte + b" HTTP/1.1\r\nhost: gateway\r\n" for byte in odd)
    refused(*(line + PAIR + b"\r\n" for line in lines))


def test_38_an_encoded_parameter_reaches_amazon_encoded_once():
    async def scenario(up):
        await up.ask("GET", "/passthrough-api/listings/2021-08-01/items/A1/a%20b%C3%A9%2Ec%2B?marketplaceIds=A")
        assert up.stub.received[0].line.split(" ")[1].endswith("/items/A1/a%20b%C3%A9.c%2B?marketplaceIds=A")

    run(scenario)


LISTING = "/passthrough-api/listings/2021-08-01/items/A1"


@pytest.mark.parametrize("sku", ["a%2Fb", "Item%5C1", "100%25ab", "a%3Bb", "x%252Fy"])
def test_38_a_sku_may_have_what_paths_may_not(sku):
    """Attack 38: it is the seller's own word, and reaches Amazon encoded once."""

    async def scenario(up):
        assert (await up.ask("GET", f"{LISTING}/{sku}")).status == 200
        assert up.stub.received[0].line.split(" ")[1].endswith(f"/items/A1/{sku}")

    run(scenario)


def test_38_a_sku_leads_nowhere_else():
    """Attack 38: not a way up, nor a way on, in whatever order its bytes are decoded; and no other parameter may."""
    paths = ["..%2fx", "a%2f..%2fb", "%2fa", "a%2f", "a%5c..%5cb", "a%252f..%252fb", "%2e%2e%2f", "a%2f%2fb", "a%250ab"]
    targets = [f"{LISTING}/{path}" for path in paths] + ["/passthrough-api/listings/2021-08-01/items/A%2F1/x"]
    refused(*(f"GET {target} HTTP/1.1\r\nhost: gateway\r\n".encode() + PAIR + b"\r\n" for target in targets))


def test_39_another_form_of_target_is_refused():
    """Attack 39."""
    targets = [b"http://evil.com" + PLAIN.encode(), b"https://evil.com/", b"*", b"evil.com:443"]
    refused(*(b"GET " + target + b" HTTP/1.1\r\nhost: gateway\r\n" + PAIR + b"\r\n" for target in targets))


def test_40_a_host_that_is_missing_doubled_or_none_is_refused():
    """Attack 40."""
    hosts = [
        b"",
        b"host: a\r\nhost: b\r\n",
        *(b"host: " + one + b"\r\n" for one in (b"", b"a/b", b"a?b", b"a#b", b"a@b")),
    ]
    refused(*(f"GET {PLAIN} HTTP/1.1\r\n".encode() + host + PAIR + b"\r\n" for host in hosts))


def test_40_a_host_decides_nothing():
    """Attack 40: whatever it says, the request goes to the seller's region."""

    async def scenario(up):
        got = await up.raw(HEAD.replace(b"host: gateway", b"host: evil.com") + b"\r\n")
        assert status(got) == 200
        assert up.stub.received[0].fields["host"].startswith("127.0.0.1:")

    run(scenario)


def test_41_a_connection_field_cannot_strip_the_token():
    """Attack 41."""

    async def scenario(up):
        fields = "connection: x-amz-access-token, x-amz-date, host\r\n"
        assert (await up.ask("GET", PLAIN, fields)).status == 200
        assert up.stub.received[0].fields["x-amz-access-token"] == "Atza|first"
        assert "connection" not in up.stub.received[0].fields

    run(scenario)


SENT = (
    "x-amz-access-token: Atza|theirs\r\nauthorization: Bearer x\r\ncookie: a=b\r\n"
    "Amazon-Advertising-API-ClientId: x\r\n"
    "x-forwarded-for: 1.2.3.4\r\nx-forwarded-host: evil.com\r\nX_Forwarded_For: 1.2.3.4\r\nx-real-ip: 1.2.3.4\r\n"
    "forwarded: for=1.2.3.4\r\nx-amz-date: x\r\nuser-agent: theirs\r\nx-http-method-override: DELETE\r\n"
    "x-http-method: DELETE\r\nx-method-override: DELETE\r\nkeep-alive: timeout=5\r\nproxy-authorization: Basic x\r\n"
    "proxy-connection: keep-alive\r\nte: trailers\r\ntrailer: x-y\r\nvia: 1.1 x\r\norigin: https://evil.com\r\n"
    "referer: https://x\r\nrange: bytes=0-1\r\nif-none-match: x\r\nx-original-url: /x\r\nx-rewrite-url: /x\r\n"
    "x-seller-access_token: x\r\nx-amzn-shipping-business-id: AmazonShipping_US\r\nx-anything: y\r\naccept: */*\r\n"
)


def test_35_42_43_49_of_a_request_only_what_is_listed_reaches_amazon():
    """Attacks 35, 42, 43, 49: nobody else's tokens, no hop-by-hop field, no proxy's, no other method."""

    async def scenario(up):
        assert (await up.ask("GET", PLAIN, SENT)).status == 200
        (sent,) = up.stub.received
        assert set(sent.fields) == {"host", "user-agent", "x-amz-access-token", "x-amz-date", "accept"}
        assert sent.fields["x-amz-access-token"] == "Atza|first"
        assert sent.fields["user-agent"].startswith("sellerport/")
        assert sent.line.startswith("GET ")

    run(scenario)


def test_43_a_field_goes_only_to_the_operation_that_takes_it():
    async def scenario(up):
        await up.ask("GET", "/passthrough-api/shipping/v2/accessPoints?x=y", SENT)
        assert up.stub.received[0].fields["x-amzn-shipping-business-id"] == "AmazonShipping_US"

    run(scenario)


def test_33_a_credential_that_is_there_twice_is_refused():
    """Attack 33."""
    names = (b"x-seller-access-token", b"X-Amazon-Token-Secret")
    refused(*(HEAD + name + b": other\r\n\r\n" for name in names))


def test_34_a_credential_in_the_address_is_refused():
    """Attack 34."""
    names = ["x-seller-access-token", "X-Amazon-Token-Secret", "x-amz-access-token"]
    lines = (f"GET {PLAIN}?a=b&{name}=secret HTTP/1.1\r\nhost: gateway\r\n".encode() for name in names)
    refused(*(line + PAIR + b"\r\n" for line in lines))


def test_32_other_methods_are_refused():
    """Attack 32."""
    methods = ["OPTIONS", "TRACE", "CONNECT", "PROPFIND", "PURGE"]
    lines = (f"{method} {PLAIN} HTTP/1.1\r\nhost: gateway\r\n".encode() for method in methods)
    refused(*(line + PAIR + b"\r\n" for line in lines), codes=(400, 405))

    async def scenario(up):
        got = await up.raw(HEAD.replace(b"GET", b"HEAD") + b"\r\n")
        assert status(got) == 405
        assert b"\r\nallow: GET, POST, PUT, PATCH, DELETE\r\n" in got
        assert up.stub.received == []

    run(scenario)


SMUGGLED = f"GET {PLAIN}?smuggled=1 HTTP/1.1\r\nhost: gateway\r\n".encode() + PAIR + b"\r\n"


def test_44_a_body_whose_length_can_be_read_in_two_ways_reaches_nobody():
    """Attack 44: CL.TE, TE.CL, TE.TE, lengths, folded lines, line feeds, chunks; the connection ends with it."""
    attacks = [
        b"content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
        b"transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n" + SMUGGLED,
        b"transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n",
        b"transfer-encoding: identity, chunked\r\n\r\n0\r\n\r\n",
        b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
        b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"transfer-encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
        b"transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
        b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}x",
        b"content-length: 2\r\ncontent-length: 2\r\n\r\n{}",
        b"content-length: 2, 2\r\n\r\n{}",
        b"content-length: +2\r\n\r\n{}",
        b"content-length: 0x2\r\n\r\n{}",
        b"content-length: -2\r\n\r\n{}",
        b"content-length: 2 \x0b\r\n\r\n{}",
        b"content-length: 99999999999999999999\r\n\r\n{}",
        b"x-folded: a\r\n b\r\ncontent-length: 2\r\n\r\n{}",
        b"content-length: 2\nx: y\r\n\r\n{}",
        b"content-length: 2\r\n\n{}",
        b"x y: z\r\ncontent-length: 2\r\n\r\n{}",
        b": z\r\ncontent-length: 2\r\n\r\n{}",
        b"x: a\rb\r\ncontent-length: 2\r\n\r\n{}",
        b"x: a\x00b\r\ncontent-length: 2\r\n\r\n{}",
        b"transfer-encoding: chunked\r\n\r\n2\r\n{}XX\r\n0\r\n\r\n",
        b"transfer-encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n",
        b"transfer-encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n",
        b"transfer-encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
        b"transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        b"transfer-encoding: chunked\r\n\r\n2;a=\n\r\n{}\r\n0\r\n\r\n",
    ]

    async def scenario(up):
        for attack in attacks:
            got = await up.raw(CONFIRM + attack)
            assert status(got) in (400, None), (attack, got)
            assert got.count(b"HTTP/1.1 ") <= 1, (attack, got)
            assert up.stub.received == [], attack

    run(scenario)


def test_44_a_chunked_body_is_framed_anew():
    """Attack 44: Amazon gets a length, and no extension of a chunk."""

    async def scenario(up):
        got = await up.raw(CONFIRM + b"transfer-encoding: Chunked\r\n\r\n1;x=y\r\n{\r\n1\r\n}\r\n0\r\n\r\n")
        assert status(got) == 200
        (sent,) = up.stub.received
        assert (sent.body, sent.fields["content-length"]) == (b"{}", "2")
        assert "transfer-encoding" not in sent.fields

    run(scenario)


def test_45_a_field_with_a_line_in_it_is_refused():
    """Attack 45."""
    values = (b"a\rx-evil: 1", b"a\nx-evil 1", b"caf\xe9")
    refused(*(HEAD + b"accept: " + value + b"\r\n\r\n" for value in values))


def test_46_an_answer_that_is_not_http_is_never_passed_on():
    """Attack 46: response splitting and everything like it ends in one 502 of ours, and the connection is not kept."""
    odd = [
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: a\rb\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nx: a\x00b\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nx: a\r\n folded\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nx y: a\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\ncontent-length: 2\n\n{}",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\n{}",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        b"HTTP/1.1 999 What\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * (1 << 17) + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 300 + b"\r\n",
        b"HTTP/1.1 103 Early\r\nx: y\r\n\r\n" * 4000,
    ]

    async def scenario(up):
        for number, answer in enumerate(odd):
            up.stub.answers = [answer, OK]
            got = await up.raw(HEAD + b"\r\n")
            assert status(got) == 502, (answer[:99], got[:300])
            assert b"x-adb-error: 1" in got
            assert got.count(b"HTTP/1.1 ") == 1
            assert (await up.ask("GET", PLAIN)).status == 200
            assert up.stub.connections == number + 2, answer[:99]

    run(scenario)


def test_46_an_answer_that_nobody_asked_for_is_given_to_nobody():
    """Attack 46: a second answer behind the first ends the connection."""
    evil = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil"

    async def scenario(up):
        assert (await up.ask("GET", PLAIN)).body == b"{}"
        up.stub.answers = [OK]
        for _ in range(2):
            assert (await up.ask("GET", PLAIN)).body == b"{}"
        assert up.stub.connections == 2

    run(scenario, OK + evil)


def test_47_a_redirect_is_passed_on_and_not_followed():
    """Attack 47."""
    location = b"https://evil.com/x"
    answer = b"HTTP/1.1 307 Temporary Redirect\r\nlocation: " + location + b"\r\ncontent-length: 0\r\n\r\n"

    async def scenario(up):
        got = await up.ask("GET", PLAIN)
        assert (got.status, got.headers["location"]) == (307, location.decode())
        assert len(up.stub.received) == 1

    run(scenario, answer)


def test_42_48_of_an_answer_hop_by_hop_fields_and_cookies_stay_here():
    """Attacks 42 and 48, and what would speak for this server."""
    answer = (
        b"HTTP/1.1 200 OK\r\nconnection: keep-alive, X-Hop\r\nx-hop: 1\r\nkeep-alive: timeout=5\r\nset-cookie: a=b\r\n"
        b"proxy-authenticate: Basic\r\ntrailer: x\r\nupgrade: h2c\r\nstrict-transport-security: max-age=1\r\n"
        b"x-adb-error: 1\r\nx-request-id: theirs\r\nserver: Server\r\ncache-control: public, max-age=60\r\n"
        b"x-amzn-requestid: r\r\nx-amzn-errortype: t\r\nretry-after: 7\r\nx-new: kept\r\ncontent-length: 2\r\n\r\n{}"
    )

    async def scenario(up):
        got = await up.ask("GET", PLAIN)
        ours = {"date", "content-length", "cache-control", "x-request-id"}
        assert set(got.headers) == ours | {"x-amzn-requestid", "x-amzn-errortype", "retry-after", "x-new"}
        assert got.headers["cache-control"] == "no-store"
        assert got.headers["x-request-id"] != "theirs"

    run(scenario, answer)


def test_50_an_upgrade_is_refused():
    """Attack 50: neither h2c nor a web socket is begun, and nothing behind it is read as a request."""
    fields = b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n"
    refused(HEAD + fields + b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")


def test_50_who_expects_100_is_told_only_where_the_body_is_wanted():
    """Attack 50: a request that is refused is refused before its body, and its connection ends."""

    async def scenario(up):
        expect = b"expect: 100-continue\r\ncontent-length: 2\r\n\r\n"
        reader, writer = await up.connect()
        writer.write(CONFIRM + expect)
        assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5) == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"{}")
        assert b" 200 " in await asyncio.wait_for(reader.readuntil(b"\r\n"), 5)
        writer.close()
        reader, writer = await up.connect()
        writer.write(CONFIRM.replace(b"a-secret", b"b-secret") + expect)
        refusal = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        assert status(refusal) == 401
        assert b"connection: close\r\n" in refusal
        writer.write(SMUGGLED)
        assert b"HTTP/1.1" not in await asyncio.wait_for(reader.read(), 5)
        writer.close()
        assert [sent.body for sent in up.stub.received] == [b"{}"]

    run(scenario)


def test_50_a_trailer_brings_no_field():
    """Attack 50: a credential, or anything else, that comes behind the body is not read."""

    async def scenario(up):
        trailer = b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
        got = await up.raw(CONFIRM.replace(PAIR, b"") + trailer + PAIR + b"\r\n")
        assert status(got) == 401
        got = await up.raw(CONFIRM + trailer + b"accept: text/evil\r\n\r\n")
        assert status(got) == 200
        assert "accept" not in up.stub.received[0].fields

    run(scenario)


def test_66_a_large_body_is_refused_before_it_comes():
    """Attack 66."""
    lengths = (50 << 20, (10 << 20) + 1)
    refused(*(CONFIRM + b"content-length: %d\r\n\r\n" % length for length in lengths), codes=(413,))


def test_66_a_large_body_in_chunks_is_refused_where_it_becomes_too_large(monkeypatch):
    """Attack 66: and Amazon never gets the end of it."""
    monkeypatch.setattr(call, "LARGEST_BODY", 200_000)
    chunk = b"%x\r\n%b\r\n" % (1 << 15, b"x" * (1 << 15))

    async def scenario(up):
        got = await up.raw(CONFIRM + b"transfer-encoding: chunked\r\n\r\n", *[chunk] * 8, b"0\r\n\r\n")
        assert status(got) == 413
        assert up.stub.received == []

    run(scenario)


def test_63_a_body_that_does_not_come_is_told(monkeypatch):
    """Attack 63."""
    monkeypatch.setattr(call, "BODY_S", 0.05)
    refused(CONFIRM + b"content-length: 2\r\n\r\n{", codes=(408,))


def test_64_a_packed_body_is_refused():
    """Attack 64."""
    packed = gzip.compress(b"{}")
    refused(CONFIRM + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(packed) + packed, codes=(415,))


def packed(body, packing=b"gzip"):
    fields = b"content-type: application/json\r\ncontent-encoding: " + packing
    return b"HTTP/1.1 200 OK\r\n%b\r\ncontent-length: %d\r\n\r\n%b" % (fields, len(body), body)


def test_64_an_answer_that_unpacks_to_too_much_is_not_unpacked():
    """Attack 64: 64 MB of zeros in 64 KB."""

    async def scenario(up):
        got = await up.ask("GET", ORDER)
        assert got.status == 502
        assert got.headers["x-adb-error"] == "1"

    run(scenario, packed(gzip.compress(bytes(64 << 20))))


def test_64_an_answer_that_is_packed_in_another_way_than_it_says_is_not_passed_on():
    cut = gzip.compress(b"{}" * 999)[:-9]

    async def scenario(up):
        for body, packing in ((b"{}", b"gzip"), (b"{}", b"br"), (cut, b"gzip")):
            up.stub.answers = [packed(body, packing)]
            assert (await up.ask("GET", ORDER)).status == 502

    run(scenario)


def test_65_an_answer_nested_too_deeply_is_not_passed_on():
    """Attack 65: of an operation whose answers are looked at; others are nobody's business."""
    deep = b"[" * 10_000 + b"]" * 10_000
    answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(deep), deep)

    async def scenario(up):
        got = await up.ask("GET", ORDER)
        assert got.status == 502
        assert json.loads(got.body)["error"]["message"] == "Response could not be scrubbed"
        assert (await up.ask("GET", PLAIN)).body == deep

    run(scenario, answer)


def test_no_answer_of_ours_tells_what_was_sent():
    """What is refused is not echoed: no token, no path, no query."""

    async def scenario(up):
        for line in (f"GET {ITEM}canary%2f", f"GET {PLAIN}?x=canary%00", "GET /passthrough-api/canary"):
            got = await up.raw(f"{line} HTTP/1.1\r\nhost: gateway\r\n".encode() + PAIR + b"\r\n")
            assert status(got) in (400, 404)
            assert not re.search(rb"canary|seller-token|a-secret", got)

    run(scenario)


def test_a_pipelined_request_waits_for_the_one_before_it():
    async def scenario(up):
        got = await up.raw((HEAD + b"\r\n") * 2)
        assert got.count(b"HTTP/1.1 200 OK") == 2
        assert len(up.stub.received) == 2

    run(scenario)


def test_a_client_that_resets_ends_only_its_own_request():
    async def scenario(up):
        one = socket.create_connection(("127.0.0.1", up.port))
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        one.sendall(HEAD + b"\r\n")
        one.close()
        assert (await up.ask("GET", PLAIN)).status == 200

    run(scenario)
