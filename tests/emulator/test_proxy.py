"""Any client, unchanged: TLS, tunnels and a proxy's requests on one port, by clients that are not ours, and by ours."""

import asyncio
import gzip
import http.client
import json
import logging
import os
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from sellerport import AsyncSellingPartner, SellingPartner
from sellerport.emulator import Fault, Proxy, World, proxying, running
from sellerport.emulator.hosts import STORAGE_HOSTS
from sellerport.emulator.storage import Stored

from .conftest import CLIENT, NOW

INFO = "/auth/o2/tokeninfo"
SELLER = {"refresh_token": "Atzr|local-seller-eu", **CLIENT}


class Amazon:
    """A local Amazon that is a proxy, and what tests do with it."""

    def __init__(self, world: World, proxy: Proxy) -> None:
        self.world = world
        self.proxy = proxy
        self.host, _, port = proxy.address.removeprefix("http://").partition(":")
        self.port = int(port)
        self.trust = ssl.create_default_context(cafile=proxy.ca)

    def connect(self) -> socket.socket:
        return socket.create_connection((self.host, self.port), timeout=20)

    def says(self, *pieces: bytes) -> bytes:
        """Send bytes, and return all that comes until the other side has ended it."""
        with self.connect() as connection:
            for piece in pieces:
                connection.sendall(piece)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def tunnel(self, host: str, port: int = 443) -> http.client.HTTPSConnection:
        """Python's own client, which asks a proxy for a tunnel and speaks TLS through it."""
        made = http.client.HTTPSConnection(self.host, self.port, context=self.trust, timeout=20)
        made.set_tunnel(host, port)
        return made

    def token(self) -> str:
        with closing(self.tunnel("api.amazon.com")) as lwa:
            lwa.request("POST", "/auth/o2/token", urlencode({"grant_type": "refresh_token", **SELLER}))
            return str(json.load(lwa.getresponse())["access_token"])

    def arrived(self) -> list[tuple[str, str]]:
        return [(one["host"], one["path"]) for one in self.world.requests]


@pytest.fixture(scope="module")
def _proxying() -> Iterator[Amazon]:
    world = World(orders=30, polls=0)
    with proxying(world) as proxy:
        yield Amazon(world, proxy)


@pytest.fixture
def amazon(_proxying: Amazon) -> Amazon:
    _proxying.world.reset()
    return _proxying


def ran(amazon: Amazon, command: list[str | Path], **more: str) -> str:
    """Run a program that knows of the local Amazon by its environment alone, and return what it printed."""
    environ = {"PATH": os.environ["PATH"], **amazon.proxy.environment, **more}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environ)
    assert done.returncode == 0, done.stderr
    return done.stdout


# Clients that nobody has changed


def test_curl_follows_the_environment(amazon: Amazon) -> None:
    form = ["-d", urlencode({"grant_type": "refresh_token", **SELLER})]
    token = json.loads(ran(amazon, ["curl", "-sS", "https://api.amazon.com/auth/o2/token", *form]))["access_token"]
    path = "/sellers/v1/marketplaceParticipations"
    found = ran(
        amazon,
        ["curl", "-sS", "-H", f"x-amz-access-token: {token}", f"https://sellingpartnerapi-eu.amazon.com{path}"],
    )
    assert json.loads(found)["payload"][0]["marketplace"]["countryCode"] == "DE"
    assert amazon.arrived() == [("api.amazon.com", "/auth/o2/token"), ("sellingpartnerapi-eu.amazon.com", path)]


def test_pythons_own_client_follows_the_environment(amazon: Amazon) -> None:
    code = """
import json, urllib.error, urllib.request
try:
    urllib.request.urlopen("https://api.amazon.com/auth/o2/tokeninfo")
except urllib.error.HTTPError as error:
    print(json.load(error)["error"])
try:
    urllib.request.urlopen("https://www.example.com/")
except urllib.error.URLError as error:
    print(error.reason)
"""
    assert ran(amazon, [sys.executable, "-c", code]).splitlines() == [
        "invalid_token",
        "Tunnel connection failed: 403 Forbidden",
    ]


def test_boto3_reads_its_queues_unchanged_through_it(amazon: Amazon) -> None:
    code = """
import boto3
sqs = boto3.client("sqs", region_name="eu-west-1", aws_access_key_id="local", aws_secret_access_key="local")
url = sqs.create_queue(QueueName="orders")["QueueUrl"]
sqs.send_message(QueueUrl=url, MessageBody="it came")
print(url, sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"])
"""
    printed = ran(amazon, [sys.executable, "-c", code], HOME="/nonexistent")
    assert printed == "https://sqs.eu-west-1.amazonaws.com/000000000000/orders it came\n"


CREDENTIALS = {
    "refresh_token": "Atzr|local-seller-eu",
    "lwa_app_id": CLIENT["client_id"],
    "lwa_client_secret": CLIENT["client_secret"],
}


@pytest.mark.parametrize("way", ["given", "environment"])
def test_our_own_client_comes_through_it(amazon: Amazon, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    if way == "given":
        given: dict[str, Any] = {"proxy": amazon.proxy.address, "ca": amazon.proxy.ca}
    else:
        given = {}
        for name, value in amazon.proxy.environment.items():
            monkeypatch.setenv(name, value)
    sp = SellingPartner(CREDENTIALS, marketplace="DE", environ={}, limit="raise", **given)
    orders = sp.orders_v0.get_orders(created_after="2020-01-01T00:00:00Z")["payload"]["Orders"]
    rows = list(sp.reports.fetch("GET_MERCHANT_LISTINGS_ALL_DATA").rows())
    assert orders
    assert rows
    assert amazon.arrived()[-1][1].startswith("/_storage/reports/")

    async def same() -> list[Any]:
        async with AsyncSellingPartner(CREDENTIALS, marketplace="DE", environ={}, limit="raise", **given) as sp:
            answer = await sp.orders_v0.get_orders(created_after="2020-01-01T00:00:00Z")
            found: list[Any] = answer["payload"]["Orders"]
            return found

    assert asyncio.run(same()) == orders


def test_a_consent_page_can_be_opened_through_it(amazon: Amazon) -> None:
    with closing(amazon.tunnel("sellercentral-europe.amazon.com")) as central:
        central.request("GET", "/apps/authorize/consent?application_id=amzn1.sp.solution.local&state=s")
        assert central.getresponse().status == 200


# Documents


def test_documents_are_where_a_client_that_came_through_it_can_follow(amazon: Amazon) -> None:
    token = {"x-amz-access-token": amazon.token()}
    with closing(amazon.tunnel("sellingpartnerapi-eu.amazon.com")) as api:
        body = {"contentType": "text/plain"}
        api.request("POST", "/feeds/2021-06-30/documents", json.dumps(body), token)
        url = json.load(api.getresponse())["url"]
    place = urlsplit(url)
    assert (place.scheme, place.netloc) == ("https", "tortuga-prod-eu.s3-eu-west-1.amazonaws.com")
    with closing(amazon.tunnel(place.netloc)) as storage:
        storage.request("PUT", f"{place.path}?{place.query}", b"x", {"content-type": "text/plain"})
        assert storage.getresponse().status == 200


def test_everything_on_a_storage_host_is_the_storage(amazon: Amazon) -> None:
    with closing(amazon.tunnel(STORAGE_HOSTS["na"])) as storage:
        storage.request("GET", "/no/such/key")
        answer = storage.getresponse()
        assert (answer.status, answer.getheader("content-type")) == (404, "application/xml")
        assert b"<Code>NoSuchKey</Code>" in answer.read()


# The proxy itself


@pytest.mark.parametrize(
    "target",
    [
        "www.example.com:443",
        "www.amazon.de:443",
        "api.amazon.com:22",
        "api.amazon.com.evil.example:443",
        "169.254.169.254:80",
        "[::1]:443",
        "api.amazon.com",
    ],
)
def test_no_tunnel_leads_anywhere_else(amazon: Amazon, caplog: pytest.LogCaptureFixture, target: str) -> None:
    head, _, body = amazon.says(f"CONNECT {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert caplog.messages == [f"refused to lead a client to {target}"]
    assert body.decode().startswith("The local Amazon is a proxy to itself alone, and " + target)
    assert b"NO_PROXY" in body


def test_it_never_connects_to_anybody(amazon: Amazon) -> None:
    """Not even to a neighbour on this machine, whatever way it is asked."""
    with socket.create_server(("127.0.0.1", 0)) as neighbour:
        port = neighbour.getsockname()[1]
        for name in ("127.0.0.1", "localhost", "[::1]"):
            assert b" 403 " in amazon.says(f"CONNECT {name}:{port} HTTP/1.1\r\n\r\n".encode())
            get = f"GET http://{name}:{port}/ HTTP/1.1\r\nHost: api.amazon.com\r\nConnection: close\r\n\r\n"
            assert b" 403 " in amazon.says(get.encode())
        neighbour.settimeout(0)
        with pytest.raises(BlockingIOError):
            neighbour.accept()


def test_a_tunnel_to_itself_is_one_too(amazon: Amazon) -> None:
    with closing(amazon.tunnel(amazon.host, amazon.port)) as itself:
        itself.request("GET", "/_emulator/state")
        assert itself.getresponse().status == 200


def test_a_plain_request_to_a_proxy_names_its_host_in_the_target(amazon: Amazon) -> None:
    """RFC 9112 §3.2.2: what the Host header says does not count then."""
    for target, host, status in (
        (f"http://api.amazon.com{INFO}?access_token=x", "api.amazon.com", 400),
        (f"http://API.amazon.com:80{INFO}", "api.amazon.com", 400),
        ("http://sellingpartnerapi-na.amazon.com", "sellingpartnerapi-na.amazon.com", 403),
    ):
        amazon.world.requests.clear()
        asked = f"GET {target} HTTP/1.1\r\nHost: sellercentral.amazon.com\r\nConnection: close\r\n\r\n"
        assert amazon.says(asked.encode()).startswith(f"HTTP/1.1 {status} ".encode()), target
        assert [one["host"] for one in amazon.world.requests] == [host]
        assert amazon.world.requests[0]["headers"]["host"].lower().startswith(host)
        assert amazon.world.requests[0]["query"] == ([["access_token", "***"]] if "?" in target else [])


def test_a_plain_request_for_anybody_else_is_refused_and_the_connection_stays(amazon: Amazon) -> None:
    with closing(http.client.HTTPConnection(amazon.host, amazon.port, timeout=20)) as proxy:
        proxy.request("GET", "http://www.example.com/_emulator/state")
        answer = proxy.getresponse()
        assert (answer.status, answer.read()[:38]) == (403, b"The local Amazon is a proxy to itself ")
        first = proxy.sock
        proxy.request("GET", f"{amazon.proxy.address}/_emulator/state")
        assert proxy.getresponse().read()
        proxy.request("GET", "/_emulator/state")
        assert json.load(proxy.getresponse())["requests"] == 0
        assert proxy.sock is first


def test_the_words_for_the_proxy_are_shown_masked(amazon: Amazon) -> None:
    asked = f"GET http://api.amazon.com{INFO} HTTP/1.1\r\nProxy-Authorization: Basic eDp5\r\nConnection: close\r\n\r\n"
    amazon.says(asked.encode())
    assert amazon.world.requests[0]["headers"]["proxy-authorization"] == "***"


def test_without_an_authority_there_is_no_tunnel_and_no_tls() -> None:
    world = World(orders=1)
    with running(world) as address:
        plain = Amazon(world, Proxy(address, Path("/etc/ssl/certs/ca-certificates.crt")))
        assert b"started without a certificate authority" in plain.says(b"CONNECT api.amazon.com:443 HTTP/1.1\r\n\r\n")
        assert plain.says(b"\x16\x03\x01\x00\x05").startswith(b"HTTP/1.1 400 ")


# TLS


def hello(amazon: Amazon, name: str) -> tuple[ssl.SSLObject, ssl.MemoryBIO, ssl.MemoryBIO]:
    """A client that has said hello, and whose bytes can be sent as one likes."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    talk = amazon.trust.wrap_bio(incoming, outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        talk.do_handshake()
    return talk, incoming, outgoing


@pytest.mark.parametrize("piece", [1, 5, 100, 10_000])
@pytest.mark.parametrize("before", [b"", b"CONNECT api.amazon.com:443 HTTP/1.1\r\nHost: api.amazon.com:443\r\n\r\n"])
def test_tls_is_known_by_its_first_byte_in_whatever_pieces_it_comes(amazon: Amazon, piece: int, before: bytes) -> None:
    talk, incoming, outgoing = hello(amazon, "api.amazon.com")
    with amazon.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if before:
            connection.sendall(before)
            assert connection.recv(1000) == b"HTTP/1.1 200 Connection established\r\n\r\n"
        asked, read = False, b""
        while not read:
            sent = outgoing.read()
            for start in range(0, len(sent), piece):
                connection.sendall(sent[start : start + piece])
            incoming.write(connection.recv(65536))
            try:
                if not asked:
                    talk.do_handshake()
                    # the end of the handshake and a request go out together
                    talk.write(f"GET {INFO} HTTP/1.1\r\nHost: api.amazon.com\r\n\r\n".encode())
                    asked = True
                    continue
                read = talk.read(12)
            except ssl.SSLWantReadError:
                pass
    assert read == b"HTTP/1.1 400"
    assert amazon.arrived() == [("api.amazon.com", INFO)]


def test_a_body_that_begins_as_tls_does_is_a_body(amazon: Amazon) -> None:
    with amazon.connect() as connection:
        connection.sendall(b"POST /api.amazon.com/auth/o2/token HTTP/1.1\r\nHost: x\r\n")
        connection.sendall(b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"\x16\x03\x01")
        assert connection.recv(12) == b"HTTP/1.1 400"


def test_tls_is_spoken_to_whoever_comes_straight_to_the_port(amazon: Amazon) -> None:
    base = amazon.proxy.address.replace("http://", "https://")
    with urllib.request.urlopen(f"{base}/_emulator/state", context=amazon.trust, timeout=20) as answer:
        assert len(json.load(answer)["accounts"]) == 4
    with (
        amazon.connect() as below,
        amazon.trust.wrap_socket(below, server_hostname="sandbox.sellingpartnerapi-eu.amazon.com") as secure,
    ):
        secure.sendall(b"GET / HTTP/1.1\r\nHost: sandbox.sellingpartnerapi-eu.amazon.com\r\n\r\n")
        assert secure.recv(13) == b"HTTP/1.1 403 "
    assert amazon.arrived() == [("sandbox.sellingpartnerapi-eu.amazon.com", "/")]


def test_a_proxy_can_be_reached_over_tls_itself(amazon: Amazon) -> None:
    command: list[str | Path] = [
        "curl",
        "-sS",
        "--proxy-cacert",
        amazon.proxy.ca,
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
    ]
    secure = amazon.proxy.address.replace("http://", "https://")
    assert ran(amazon, [*command, "--proxy", secure, f"https://api.amazon.com{INFO}"]) == "400"


def test_a_client_that_does_not_trust_it_is_told_about_and_harms_nobody(
    amazon: Amazon, caplog: pytest.LogCaptureFixture
) -> None:
    for trust in (ssl.create_default_context(), ssl.create_default_context(cafile=amazon.proxy.ca)):
        with amazon.connect() as below, pytest.raises(ssl.SSLCertVerificationError):
            trust.wrap_socket(below, server_hostname="www.example.com")
    assert amazon.says(b"\x16 is not all there is to TLS, and this is none of it") == b""
    assert amazon.token()
    told = [one.getMessage() for one in caplog.records]
    assert len(told) == 3
    assert all(one.startswith("no TLS with a client (does it trust `sellerport emulate ca`?)") for one in told)


def test_faults_reach_through_tls(amazon: Amazon) -> None:
    amazon.world.fail(Fault(answer="reset"))
    with closing(amazon.tunnel("api.amazon.com")) as lwa:
        lwa.request("GET", INFO)
        with pytest.raises(ConnectionResetError):
            lwa.getresponse()


@pytest.mark.parametrize("progress", ["nothing", "half a hello", "a hello", "a handshake", "an answer", "a tunnel"])
def test_no_connection_holds_up_the_end(caplog: pytest.LogCaptureFixture, progress: str) -> None:
    caplog.set_level(logging.ERROR)
    with proxying(World(orders=1)) as proxy:
        amazon = Amazon(World(orders=1), proxy)
        connection = amazon.connect()
        if "hello" in progress:
            _, _, outgoing = hello(amazon, "api.amazon.com")
            said = outgoing.read()
            connection.sendall(said[:100] if "half" in progress else said)
        elif progress == "a tunnel":
            connection.sendall(b"CONNECT api.amazon.com:443 HTTP/1.1\r\n\r\n")
            assert connection.recv(1000)
        elif progress != "nothing":
            connection = amazon.trust.wrap_socket(connection, server_hostname="api.amazon.com")
            if progress == "an answer":
                connection.sendall(f"GET {INFO} HTTP/1.1\r\nHost: api.amazon.com\r\n\r\n".encode())
                assert connection.recv(1000)
        # another client after it: the first has been taken up by then
        assert amazon.says(b"CONNECT x:1 HTTP/1.1\r\n\r\n")
    connection.close()
    assert caplog.records == []  # where it waits in vain, uvicorn says so


# HTTP/1.1


@pytest.mark.parametrize("way", ["plain", "tunnel"])
def test_a_connection_is_kept_for_many_requests(amazon: Amazon, way: str) -> None:
    made: http.client.HTTPConnection = amazon.tunnel("sellingpartnerapi-eu.amazon.com")
    if way == "plain":
        made = http.client.HTTPConnection(amazon.host, amazon.port, timeout=20)
    headers = {"x-amz-access-token": amazon.token(), "host": "sellingpartnerapi-eu.amazon.com"}
    with closing(made) as api:
        sockets = set()
        for _ in range(5):
            api.request("GET", "/sellers/v1/marketplaceParticipations", headers=headers)
            answer = api.getresponse()
            assert (answer.status, answer.version) == (200, 11)
            assert answer.read()
            sockets.add(api.sock)
        assert len(sockets) == 1


ORDERS = "/orders/v0/orders?MarketplaceIds=A1PA6795UKMFR9&CreatedAfter=2020-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("accepted", "zipped"),
    [
        ("gzip", True),
        ("gzip, deflate, br", True),
        ("br;q=1.0, GZIP;q=0.5", True),
        ("identity", False),
        ("gzip;q=0", False),
        ("deflate, gzip;q=0.0", False),
        ("x-gzipped", False),
        (None, False),
    ],
)
def test_long_answers_are_zipped_for_clients_that_accept_it(amazon: Amazon, accepted: str | None, zipped: bool) -> None:
    token = {"x-amz-access-token": amazon.token(), "accept-encoding": accepted or "identity"}
    with closing(amazon.tunnel("sellingpartnerapi-eu.amazon.com")) as api:
        api.putrequest("GET", ORDERS, skip_accept_encoding=True)
        for name, value in token.items():
            if name != "accept-encoding" or accepted is not None:
                api.putheader(name, value)
        api.endheaders()
        answer = api.getresponse()
        body = answer.read()
        assert answer.getheader("content-encoding") == ("gzip" if zipped else None)
        assert answer.getheader("content-length") == str(len(body))
        assert json.loads(gzip.decompress(body) if zipped else body)["payload"]["Orders"]


def test_short_answers_and_documents_are_sent_as_they_are(amazon: Amazon) -> None:
    headers = {"x-amz-access-token": amazon.token(), "accept-encoding": "gzip"}
    with closing(amazon.tunnel("sellingpartnerapi-eu.amazon.com")) as api:
        api.request("GET", "/orders/v0/orders/902-0000000-0000000", headers=headers)
        answer = api.getresponse()
        assert (answer.getheader("content-encoding"), bool(answer.read())) == (None, True)
    world = amazon.world
    world.storage.objects["reports/long"] = Stored.of(b"long " * 1000, "text/plain")
    url = world.storage.presign("GET", "", "reports/long", now=world.now(), life_s=60)
    with closing(amazon.tunnel(STORAGE_HOSTS["na"])) as storage:
        storage.request("GET", url, headers={"accept-encoding": "gzip"})
        answer = storage.getresponse()
        assert (answer.getheader("content-encoding"), answer.read()) == (None, b"long " * 1000)


def test_the_same_answer_is_zipped_to_the_same_bytes() -> None:
    found = set()
    for _ in range(2):
        world = World(clock=lambda: NOW)
        with running(world) as address:
            token = world.issue_access_token(world.application(), world.grants["Atzr|local-seller-eu"])
            asked = urllib.request.Request(
                address + ORDERS, headers={"x-amz-access-token": token, "accept-encoding": "gzip"}
            )
            with urllib.request.urlopen(asked, timeout=20) as answer:
                assert answer.headers["content-encoding"] == "gzip"
                found.add(answer.read())
    assert len(found) == 1


HOST = "Host: sellingpartnerapi-na.amazon.com\r\n"


@pytest.mark.parametrize(
    "head",
    [
        "GET / HTTP/1.1\r\n",
        f"GET / HTTP/1.1\r\n{HOST}{HOST}",
        f"GET / HTTP/1.1\r\n{HOST}Content-Length: 1\r\n\r\nx",
        f"GET / HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n",
        f"GET / HTTP/1.1\r\n{HOST}Content-Length: 1\r\nContent-Length: 1\r\n",
        f"POST / HTTP/1.1\r\n{HOST}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        f"POST / HTTP/1.1\r\n{HOST}Content-Length: -1\r\n",
        "GET / HTTP/1.1\r\nHost: sellingpartnerapi-na.amazon.com, sellingpartnerapi-eu.amazon.com\r\n",
        "GET / HTTP/1.1\r\nHost: a@sellingpartnerapi-na.amazon.com\r\n",
        "GET / HTTP/1.1\r\nHost : sellingpartnerapi-na.amazon.com\r\n",
        f"GET / HTTP/1.1\r\n{HOST}X: a\r\n folded\r\n",
        f"GET / HTTP/1.1\r\n{HOST}X: a\x00b\r\n",
        f"GET / HTTP/1.1\r\n{HOST}X y: z\r\n",
        f"GET /a b HTTP/1.1\r\n{HOST}",
        f"GET /\x7f HTTP/1.1\r\n{HOST}",
        f"GET sellers HTTP/1.1\r\n{HOST}",
        f"get / HTTP/1.1\r\n{HOST}",
        f"GET / HTTP/9.1\r\n{HOST}",
        f"GET / HTTP\r\n{HOST}",
    ],
)
def test_what_breaks_http_is_a_page_as_amazon_answers(amazon: Amazon, head: str) -> None:
    """RFC 7230, which Amazon holds clients to since June 2023."""
    answer = amazon.says(f"{head}\r\n".encode("latin-1"))
    top, _, body = answer.partition(b"\r\n\r\n")
    assert top.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"\r\ncontent-type: text/html" in top
    assert body.startswith(b"<html>\r\n<head><title>400</title>")


@pytest.mark.parametrize(
    "head",
    [
        f"GET / HTTP/1.1\r\n{HOST}",
        "GET / HTTP/1.0\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n",
        "GET / HTTP/1.1\r\nHost: [::1]:8099\r\n",
        f"GET / HTTP/1.1\r\n{HOST}Content-Length: 0\r\n",
        f"DELETE / HTTP/1.1\r\n{HOST}Content-Length: 2\r\n\r\n{{}}",
    ],
)
def test_what_is_odd_but_http_is_not(amazon: Amazon, head: str) -> None:
    assert amazon.says(f"{head}\r\n".encode()).startswith(b"HTTP/1.1 403 ")
