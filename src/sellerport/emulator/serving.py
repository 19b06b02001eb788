"""The local Amazon on a port: for people (`serve`) and, in a thread of a test or demo, for programs (`running`)."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn
from uvicorn.config import LOGGING_CONFIG
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sellerport.emulator.faults import RESET
from sellerport.emulator.gateway import LocalAmazon, app
from sellerport.emulator.world import World
from sellerport.errors import SettingsError

HOST = "127.0.0.1"
PORT = 8099


def serve(
    host: str = HOST,
    port: int = PORT,
    *,
    world: World | None = None,
    on_ready: Callable[[str], None] | None = None,
    log_level: str = "warning",
) -> None:
    """Serve a local Amazon until interrupted.

    Args:
        host: the address to listen on.
        port: the port; 0 takes a free one.
        world: the state; a new one if not given.
        on_ready: called with the address (``http://127.0.0.1:8099``) once requests are answered.
        log_level: uvicorn's.

    Raises:
        SettingsError: the port cannot be had.
    """
    listening = _bind(host, port)
    address = _address(listening)
    server = _Server(app(world), lambda: on_ready(address) if on_ready else None, log_level=log_level)
    with listening, suppress(KeyboardInterrupt):  # uvicorn raises the signal again after its orderly end
        server.run(sockets=[listening])


@contextmanager
def running(world: World | None = None, *, port: int = 0) -> Iterator[str]:
    """Serve a local Amazon in a thread, on a free loopback port, for the length of a ``with`` block.

    Raises:
        SettingsError: the port cannot be had.
    """
    listening = _bind(HOST, port)
    ready = threading.Event()
    server = _Server(app(world), ready.set)
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


class _Server(uvicorn.Server):
    """uvicorn, which tells when it is ready."""

    def __init__(self, application: LocalAmazon, on_ready: Callable[[], Any], *, log_level: str | None = None) -> None:
        config = uvicorn.Config(
            application,
            http=_Protocol,
            ws="none",
            lifespan="off",
            log_level=log_level,
            log_config=LOGGING_CONFIG if log_level else None,  # logging belongs to the process, not to its guest
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,  # requests that a planned silence holds never end by themselves
        )
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()


class _Protocol(HttpToolsProtocol):
    """uvicorn's HTTP, which lets the application reset a connection (see `faults`)."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {RESET: {"reset": self._reset}}

    def _reset(self) -> None:
        connection = self.transport.get_extra_info("socket")
        # closing without lingering is what makes the kernel send RST instead of FIN
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


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
            f"cannot listen on {host} port {port}: {error}; stop what uses it, or choose another port (0: any free one)"
        ) from error
    return listening


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
