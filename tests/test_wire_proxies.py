"""HTTPS through proxies, and whom it trusts; in both colours, against a real TLS server and a real proxy."""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sellerport.errors import NoAnswer, SettingsError
from sellerport.wire import AsyncWire, BlockingWire
from tests.counterpart import Counterpart, driver, get, saying, sending, streaming


@pytest.fixture(params=["blocking", "async"])
def do(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Runs a flow over a wire of one colour: ``do(flow, **options)``, where ``flow`` takes the wire."""
    return driver(request.param)


@dataclass(frozen=True)
class Authority:
    """A certificate authority, and a server whose certificate for ``amazon.test`` it signed."""

    ca: Path
    tls: ssl.SSLContext


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    folder, now = tmp_path_factory.mktemp("tls"), datetime.now(UTC)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]) for name in ("authority", "amazon.test")]
    extensions = x509.BasicConstraints(True, None), x509.SubjectAlternativeName([x509.DNSName("amazon.test")])
    made = []
    for number in range(2):
        builder = x509.CertificateBuilder(names[0], names[number], keys[number].public_key(), number + 1)
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        builder = builder.add_extension(extensions[number], critical=number == 0)
        made.append(builder.sign(keys[0], hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    (folder / "ca.pem").write_bytes(made[0])
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "server.pem").write_bytes(made[1] + keys[1].private_bytes(serialization.Encoding.PEM, *form))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "server.pem")
    return Authority(folder / "ca.pem", tls)


def connecting_to(address: str) -> Callable[[socket.socket, bytes], None]:
    """A proxy that leads every CONNECT to one address, as if its name were the one that was asked for."""

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(1 << 16):
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)

    def answer(talk: socket.socket, head: bytes) -> None:
        assert head.startswith(b"CONNECT ")
        host, _, port = address.partition(":")
        with socket.create_connection((host, int(port)), timeout=10) as beyond:
            talk.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            threading.Thread(target=pump, args=(talk, beyond), daemon=True).start()
            pump(beyond, talk)

    return answer


SECURE = get("https://amazon.test/")


@pytest.mark.parametrize("how", [sending, streaming])
def test_https_goes_through_a_given_proxy_and_trusts_a_given_authority(
    do: Callable[..., Any], how: Callable[..., Any], authority: Authority
) -> None:
    """Wish 15: proxies for everything, downloads too (saleweaver/python-amazon-sp-api 438, 791)."""
    with (
        Counterpart(saying(b"200 OK\r\nContent-Length: 2", b"ok"), authority.tls) as there,
        Counterpart(connecting_to(there.address)) as proxy,
    ):
        do(how(SECURE), proxy=f"http://user:pass%40word@{proxy.address}", ca=authority.ca)
    assert proxy.heads[0].startswith(b"CONNECT amazon.test:443 HTTP/1.1\r\n")
    assert b"proxy-authorization: Basic " + base64.b64encode(b"user:pass@word") in proxy.heads[0]
    assert there.heads[0].startswith(b"GET / HTTP/1.1\r\n")


def test_a_given_proxy_is_for_plain_http_too(do: Callable[..., Any]) -> None:
    with Counterpart(saying(b"200 OK\r\nContent-Length: 2", b"ok")) as proxy:
        assert do(sending(get("http://amazon.test/x")), proxy=f"http://{proxy.address}").body == b"ok"
    assert proxy.heads[0].startswith(b"GET http://amazon.test/x HTTP/1.1\r\n")


def test_the_environment_names_a_proxy_and_authorities_for_https(authority: Authority) -> None:
    code = """
import asyncio
from sellerport.wire import AsyncWire, BlockingWire, Request, run
request = Request("GET", "https://amazon.test/", {})
print(run(BlockingWire().send(request)).status, asyncio.run(AsyncWire().send(request)).status)
"""
    with (
        Counterpart(saying(b"200 OK\r\nContent-Length: 0"), authority.tls) as there,
        Counterpart(connecting_to(there.address)) as proxy,
    ):
        names = {"HTTPS_PROXY": f"http://{proxy.address}", "SSL_CERT_FILE": str(authority.ca)}
        environ = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")} | names
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ)
    assert done.stdout.split() == ["200", "200"]
    assert len(proxy.heads) == 2


def test_a_certificate_that_nobody_vouches_for_is_named_as_the_trouble(
    do: Callable[..., Any], authority: Authority
) -> None:
    with (
        Counterpart(saying(b"200 OK\r\nContent-Length: 0"), authority.tls) as there,
        Counterpart(connecting_to(there.address)) as proxy,
        pytest.raises(NoAnswer, match=r"amazon\.test has a certificate that is not trusted") as no,
    ):
        do(sending(SECURE), proxy=f"http://{proxy.address}")
    assert no.value.sent is False


def test_a_proxy_that_refuses_or_is_not_there_is_named_as_the_trouble(do: Callable[..., Any]) -> None:
    with Counterpart(saying(b"407 Proxy Authentication Required\r\nContent-Length: 0")) as proxy:
        for address in (proxy.address, "127.0.0.1:9"):
            with pytest.raises(
                NoAnswer, match=r"the proxy on the way to amazon\.test cannot be reached, or refuses"
            ) as no:
                do(sending(SECURE), proxy=f"http://user:secret@{address}")
            assert no.value.sent is False
            assert "secret" not in str(no.value)


@pytest.mark.parametrize("wire", [BlockingWire, AsyncWire])
@pytest.mark.parametrize(
    "proxy", ["", "proxy:3128", "ftp://proxy", "http://", "http://proxy:99999", "http://a:secret@"]
)
def test_what_is_no_proxy_is_refused_without_being_shown(wire: Any, proxy: str) -> None:
    with pytest.raises(SettingsError, match=r"^proxy must be an address such as") as refused:
        wire(proxy=proxy)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("proxy", ["ftp://a:secret@proxy", "http://a:secret@", "proxy:99999", "http://[secret"])
def test_a_proxy_of_the_environment_that_would_be_passed_over_is_refused(
    do: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, name: str, proxy: str
) -> None:
    for other in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, proxy)
    for how in (sending, streaming):
        with pytest.raises(SettingsError, match=f"^{name} must be an address such as") as refused:
            do(how(SECURE))
        assert "secret" not in str(refused.value)
    with Counterpart(saying(b"204 No Content")) as there:
        assert do(sending(get(f"http://{there.address}/"))).status == 204, "plain HTTP goes through no proxy"


@pytest.mark.parametrize("scheme", ["", "http://"])
def test_a_proxy_of_the_environment_needs_no_scheme(
    do: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    with Counterpart(saying(b"407 Proxy Authentication Required\r\nContent-Length: 0")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", scheme + proxy.address)
        with pytest.raises(NoAnswer, match="the proxy on the way to"):
            do(sending(SECURE))
    assert proxy.heads[0].startswith(b"CONNECT amazon.test:443")


@pytest.mark.parametrize("kind", [BlockingWire, AsyncWire])
def test_no_password_of_a_proxy_is_shown(kind: Any) -> None:
    wire = kind(proxy="http://user:secret@proxy:3128")
    assert "secret" not in repr(wire) + repr(vars(wire))


def test_a_file_without_certificates_is_refused(do: Callable[..., Any], tmp_path: Path) -> None:
    empty, broken = tmp_path / "empty.pem", tmp_path / "broken.pem"
    empty.write_text("nothing")
    broken.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    for file, why in ((tmp_path / "no.pem", "No such file"), (empty, "is no PEM file"), (broken, "can be read")):
        with pytest.raises(SettingsError, match=f"^ca .*{why}"):
            do(sending(SECURE), ca=file)
