"""The local Amazon on a port: for people (`serve`) and, in a thread of a test or demo, for programs (`running`).

With a certificate authority, the same port speaks TLS and is a proxy, so that any client reaches it unchanged.
"""

from __future__ import annotations

import ipaddress
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.config import LOGGING_CONFIG

from sellerport.emulator.gateway import LocalAmazon, app
from sellerport.emulator.proxy import Connection
from sellerport.emulator.world import World
from sellerport.errors import SettingsError

if TYPE_CHECKING:
    from sellerport.emulator.authority import Authority

HOST = "127.0.0.1"
PORT = 8099
KEEP_ALIVE_S = 60
"""How long a connection may be idle: clients that keep theirs for a while should not find them closed."""


@dataclass(frozen=True)
class Proxy:
    """A local Amazon that any client reaches through its settings for proxies."""

    address: str
    """Where it is, as a proxy and by itself, such as ``http://127.0.0.1:8099``."""
    ca: Path
    """The certificate to trust."""

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead a program through it, in both spellings where programs differ in which counts."""
        proxies = ("HTTPS_PROXY", "https_proxy")
        bundles = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
        return dict.fromkeys(proxies, self.address) | dict.fromkeys(bundles, str(self.ca))


def serve(
    host: str = HOST,
    port: int = PORT,
    *,
    world: World | None = None,
    authority: Authority | None = None,
    exposed: bool = False,
    on_ready: Callable[[str], None] | None = None,
    on_end: Callable[[], None] | None = None,
    log_level: str = "warning",
) -> None:
    """Serve a local Amazon until interrupted.

    Args:
        host: the address to listen on.
        port: the port; 0 takes a free one.
        world: the state; a new one if not given.
        authority: who vouches for Amazon's hosts, for TLS and for clients that take this for a proxy.
        exposed: whether the address may be one that other machines reach.
        on_ready: called with the address (``http://127.0.0.1:8099``) once requests are answered.
        on_end: called when the last request was answered; no second interrupt ends it.
        log_level: uvicorn's.

    Raises:
        SettingsError: the port cannot be had, or others could reach it.
    """
    listening = _bind(host, port)
    if not exposed and not ipaddress.ip_address(listening.getsockname()[0]).is_loopback:
        listening.close()
        raise SettingsError(
            f"other machines can reach {host}, and who reaches a local Amazon can do anything with it; "
            "listen on 127.0.0.1, or say that you know (--i-know, exposed=True)"
        )
    address = _address(listening)
    server = _Server(
        app(world), authority, lambda: on_ready(address) if on_ready else None, on_end, log_level=log_level
    )
    with listening, suppress(KeyboardInterrupt):  # uvicorn raises the signal again after its orderly end
        server.run(sockets=[listening])


@contextmanager
def running(world: World | None = None, *, port: int = 0, authority: Authority | None = None) -> Iterator[str]:
    """Serve a local Amazon in a thread, on a free loopback port, for the length of a ``with`` block.

    Raises:
        SettingsError: the port cannot be had.
    """
    listening = _bind(HOST, port)
    ready = threading.Event()
    server = _Server(app(world), authority, ready.set)
    failed: list[BaseException] = []

    def work() -> None:
        try:
            server.run(sockets=[listening])
        except BaseException as error:  # handed to the thread that waits
            failed.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=work, name="local-amazon", daemon=True)
    with listening:
        thread.start()
        ready.wait()
        if failed:
            raise failed[0]
        try:
            yield _address(listening)
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def proxying(world: World | None = None, *, port: int = 0) -> Iterator[Proxy]:
    """Serve as `running` does, for clients that reach it as a proxy; its authority is its own, and ends with it.

    Raises:
        SettingsError: the port cannot be had.
    """
    from sellerport.emulator.authority import Authority  # noqa: PLC0415  # takes a while to import

    with tempfile.TemporaryDirectory() as folder:
        authority = Authority.of(Path(folder))
        with running(world, port=port, authority=authority) as address:
            yield Proxy(address, authority.ca)


class _Server(uvicorn.Server):
    """uvicorn, which tells when it is ready, and when it is done."""

    def __init__(
        self,
        application: LocalAmazon,
        authority: Authority | None,
        on_ready: Callable[[], Any],
        on_end: Callable[[], None] | None = None,
        *,
        log_level: str | None = None,
    ) -> None:
        config = uvicorn.Config(
            application,
            http=partial(Connection, authority=authority),  # type: ignore[arg-type]  # it is only ever called
            ws="none",
            lifespan="off",
            log_level=log_level,
            log_config=LOGGING_CONFIG if log_level else None,  # logging belongs to the process, not to its guest
            access_log=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=1,  # requests that a planned silence holds never end by themselves
        )
        super().__init__(config)
        self._on_ready, self._on_end = on_ready, on_end

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        if self._on_end:
            self._on_end()


def _bind(host: str, port: int) -> socket.socket:
    """Take the port before anything else is done, so that a taken one is told in one line."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(2048)
    except (OSError, OverflowError, TypeError, UnicodeError) as error:
        listening.close()
        raise SettingsError(
            f"cannot listen on {host} port {port}: {getattr(error, 'strerror', None) or error}; "
            "stop what uses it, or choose another port (0: any free one)"
        ) from error
    return listening


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
