"""The way to Amazon that the passthrough has: over TLS, and through the proxy that the environment names."""

from __future__ import annotations

import asyncio
import base64

import pytest
from tests.counterpart import Counterpart, saying
from tests.test_wire_proxies import authority, connecting_to  # noqa: F401  # the first is a fixture

from sellerport import emulator
from sellerport.emulator import World
from sellerport.emulator.authority import Authority
from sellerport.errors import NoAnswer, SettingsError
from sellerport.regions import Amazon
from sellerport.server.gateway_api.upstream import Place, Upstream

HOST = "sellingpartnerapi-na.amazon.com"
HEAD = f"GET /sellers/v1/account HTTP/1.1\r\nhost: {HOST}\r\nx-amz-access-token: Atza|none\r\n\r\n".encode()


@pytest.fixture(autouse=True)
def environ(monkeypatch):
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.fixture
def amazon(tmp_path):
    """Return the address of a local Amazon that has Amazon's names, and who vouches for it."""
    its = Authority.of(tmp_path / "authority")
    with emulator.running(World(), authority=its) as address:
        yield address, its.ca


def ask(times=1):
    """Return the statuses of so many answers, one after the other."""

    async def asked():
        upstream, place, found = Upstream(), Place.of(Amazon(None), HOST), []
        try:
            for _ in range(times):
                answer = await upstream.ask(place, HEAD)
                while await answer.read():
                    pass
                found.append(answer.status)
                answer.close()
        finally:
            await upstream.aclose()
        return found

    return asyncio.run(asked())


def test_https_goes_through_the_proxy_of_the_environment_and_a_connection_is_used_again(environ, amazon):
    address, ca = amazon
    with Counterpart(connecting_to(address.removeprefix("http://"))) as proxy:
        environ.setenv("HTTPS_PROXY", f"http://user:pass%40word@{proxy.address}")
        environ.setenv("SSL_CERT_FILE", str(ca))
        assert ask(times=3) == [403] * 3
    (head,) = proxy.heads
    assert head.startswith(f"CONNECT {HOST}:443 HTTP/1.1\r\n".encode())
    assert b"proxy-authorization: Basic " + base64.b64encode(b"user:pass@word") in head
    assert b"Atza" not in head


def test_a_certificate_that_nobody_vouches_for_is_refused_before_anything_is_sent(environ, amazon):
    address, _ = amazon
    with Counterpart(connecting_to(address.removeprefix("http://"))) as proxy:
        environ.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        with pytest.raises(NoAnswer, match="its certificate is not trusted, or not its own") as refused:
            ask()
    assert refused.value.sent is False


def test_a_certificate_of_another_name_is_refused(environ, authority):  # noqa: F811
    with (
        Counterpart(saying(b"200 OK\r\nContent-Length: 0"), authority.tls) as there,
        Counterpart(connecting_to(there.address)) as proxy,
    ):
        environ.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        environ.setenv("SSL_CERT_FILE", str(authority.ca))
        with pytest.raises(NoAnswer, match="its certificate is not trusted, or not its own"):
            ask()
    assert there.heads == []


def test_a_proxy_that_refuses_is_told_and_its_password_is_not(environ):
    with Counterpart(saying(b"407 Proxy Authentication Required\r\nContent-Length: 0")) as proxy:
        environ.setenv("HTTPS_PROXY", f"http://user:canary@{proxy.address}")
        with pytest.raises(NoAnswer) as refused:
            ask()
    assert refused.value.sent is False
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("proxy", ["socks5://user:canary@127.0.0.1:1080", "http://"])
def test_a_proxy_of_a_kind_that_cannot_be_used_is_refused_without_being_shown(environ, proxy):
    environ.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(SettingsError, match="HTTPS_PROXY must be an address such as") as refused:
        ask()
    assert "canary" not in str(refused.value)
