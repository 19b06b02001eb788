"""Where webhooks may be: SSRF, attack tests 51 to 54 of the bars."""

from __future__ import annotations

import asyncio
import socket
import threading
from dataclasses import replace

import pytest
from tests.server.receiver import receiving

from sellerport import regions
from sellerport.errors import InvalidArguments, NoAnswer
from sellerport.server.hub.egress import Egress, is_public, resolve
from sellerport.wire import AsyncWire, Request

PRIVATE = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",  # CGNAT
    "100.100.100.200",  # Alibaba Cloud's metadata
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",  # Azure's own
    "169.254.169.254",  # everybody's metadata
    "169.254.170.2",  # of containers in ECS
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",  # Oracle Cloud's metadata
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",  # IPv4-compatible
    "::ffff:127.0.0.1",  # IPv4-mapped
    "::ffff:8.8.8.8",
    "64:ff9b::a9fe:a9fe",  # NAT64
    "64:ff9b::808:808",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::1",  # Teredo
    "2001:db8::1",
    "2001:10::1",
    "2002:7f00:1::",  # 6to4
    "2002:808:808::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",  # AWS's metadata
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "2a00:1450::5efe:a00:1",  # ISATAP
    "2a00:1450::200:5efe:808:808",
    "no address",
]

PUBLIC = ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111", "2a00:1450:4001:81b::200e"]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_on_the_internet_is_refused(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_on_the_internet_is_allowed(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/x",
        "http://127.0.0.1/x",
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://[::ffff:7f00:1]/x",
        "https://169.254.169.254/latest/meta-data",
        "https://2130706433/x",  # 127.0.0.1, as browsers and Rust's url read it
        "https://0x7f000001/x",
        "https://0x7f.1/x",
        "https://0177.0.0.1/x",
        "https://127.1/x",
        "https://hooks.example.com:22/x",
        "https://hooks.example.com:6379/x",
        "https://hooks.example.com:0/x",
        "https://user:password@hooks.example.com/x",
        "https://hooks.example.com@127.0.0.1/x",
        "https://hooks.example.com\\@127.0.0.1/x",
        "https://hooks.example.com./x",
        "https://hooks.example.com/x#y",
        "https://hooks.example.com/\r\nhost: evil",
        "https://127.0.0.1%2f.example.com/",
        "https://\uff11\uff12\uff17.0.0.1/",
        "ftp://hooks.example.com/x",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_x",
        "//hooks.example.com/x",
        "",
    ],
)
def test_a_webhooks_address_is_refused(url):
    with pytest.raises(InvalidArguments) as refused:
        Egress().check(url, "url")
    assert [problem.field for problem in refused.value.problems] == ["url"]


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/x?token=y",
        "https://hooks.example.com:8443",
        "https://HOOKS.example.com/a/b",
        "https://1.1.1.1/x",
        "https://xn--bcher-kva.example/x",
    ],
)
def test_a_webhooks_address_is_allowed(url):
    Egress().check(url, "url")


def locate(*addresses, private=False):
    async def resolve(host):
        assert host == "hooks.example.com"
        return addresses

    egress = Egress(private=private, resolve=resolve)
    return asyncio.run(egress.locate(egress.check("https://hooks.example.com/x", "url")))


def test_a_name_leads_to_its_public_address():
    assert locate("1.1.1.1", "2606:4700:4700::1111") == "1.1.1.1"


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["1.1.1.1", "10.0.0.1"], ["10.0.0.1", "1.1.1.1"], ["fe80::1%1"]])
def test_a_name_with_any_private_address_leads_nowhere(addresses):
    with pytest.raises(NoAnswer, match="is at an address that is not on the internet") as refused:
        locate(*addresses)
    assert not refused.value.sent
    assert locate(*addresses, private=True) == addresses[0]


def test_a_name_without_an_address_leads_nowhere():
    async def resolve(host):
        raise socket.gaierror

    egress = Egress(resolve=resolve)
    with pytest.raises(NoAnswer, match="could not be found"):
        asyncio.run(egress.locate(egress.check("https://hooks.example.com/x", "url")))
    with pytest.raises(NoAnswer, match="could not be found"):
        locate()


def test_the_connection_goes_to_the_address_that_was_looked_at(monkeypatch):
    """A name that leads elsewhere a moment later (DNS rebinding), and a proxy of the environment, change nothing."""
    with socket.create_server(("127.0.0.1", 0)) as proxy, receiving() as receiver:
        for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        port = int(receiver.url.rpartition(":")[2].partition("/")[0])

        async def scenario():
            wire = AsyncWire(pin=("hooks.example.test", "127.0.0.1", port))
            url = f"http://hooks.example.test:{port}/hook"
            headers = {"webhook-id": "1"}
            async with wire.stream(Request("POST", url, headers, b"{}")) as answer:
                assert answer.status == 204
            secure = Request("POST", f"https://hooks.example.test:{port}/hook", headers, b"{}", timeout_s=5.0)
            with pytest.raises(NoAnswer):  # it speaks no TLS; but it is what was asked
                await wire.send(secure)
            await wire.aclose()

        asyncio.run(scenario())
        assert [one.headers["host"] for one in receiver.received] == [f"hooks.example.test:{port}"]
        proxy.setblocking(False)
        with pytest.raises(BlockingIOError):
            proxy.accept()


def test_nothing_is_sent_to_a_webhook_whose_name_leads_inside(house):
    """The name was fine when the webhook was made; what it leads to is looked at for each attempt."""

    async def scenario(server):
        with receiving() as receiver:
            port = receiver.url.rpartition(":")[2].partition("/")[0]
            made = await server.hub.webhooks.create(server.caller, "https://localhost.example.com/hook")
            house.write("UPDATE webhooks SET url = :url", url=f"https://localhost:{8443}/hook")
            await server.hub.webhooks.test(server.caller, made.webhook.id)
            await server.hub.deliveries.run()
            (delivery,) = await server.hub.webhooks.deliveries(server.caller, made.webhook.id)
            assert (delivery.status, delivery.last_status) == ("pending", None)
            assert "not on the internet" in delivery.last_error
            house.write("UPDATE webhooks SET url = :url", url=f"http://127.0.0.1:{port}/hook")
            server.clock.advance(10.0)
            await server.hub.deliveries.run()
            (delivery,) = await server.hub.webhooks.deliveries(server.caller, made.webhook.id)
            assert (delivery.attempts, delivery.last_error) == (2, "invalid_arguments")
            assert receiver.received == []

    house.run(scenario)


def test_an_endless_answer_is_read_no_further_than_64_kilobytes(house):
    house.settings = replace(house.settings, webhook_private=True)
    sent = []

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        try:
            while True:
                writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
                sent.append(65536)
                await writer.drain()
        except ConnectionError:
            writer.close()

    async def scenario(server):
        listening = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        made = await server.hub.webhooks.create(server.caller, f"http://127.0.0.1:{port}/hook")
        await server.hub.connections.create(
            server.caller,
            customer="ann",
            name="Shop",
            marketplace=regions.marketplace("US"),
            refresh_token="Atzr|x",
            through=(await server.hub.applications.all(server.organization.id))[0],
        )
        await asyncio.wait_for(server.hub.deliveries.run(), 8)
        (delivery,) = await server.hub.webhooks.deliveries(server.caller, made.webhook.id)
        assert (delivery.status, delivery.last_status) == ("delivered", 200)
        listening.close()

    house.run(scenario)
    assert sum(sent) < 32 * 2**20  # what the sockets' buffers hold


def test_names_that_take_long_hold_up_no_other_work(monkeypatch):
    """Whoever makes a webhook chooses who answers for its name; the journal, for one, is written in a thread too."""
    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answered.wait(10) and [])

    async def scenario():
        lookups = [asyncio.create_task(resolve("slow.example.com")) for _ in range(100)]
        await asyncio.sleep(0)
        try:
            assert await asyncio.wait_for(asyncio.to_thread(lambda: "done"), 5) == "done"
        finally:
            answered.set()
            await asyncio.gather(*lookups)

    asyncio.run(scenario())
