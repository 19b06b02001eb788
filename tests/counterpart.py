"""Servers that say exactly what a test writes, and flows over wires of both colours to talk to them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sellerport.wire import AsyncWire, BlockingWire, Request, Wire, run


@dataclass
class Counterpart:
    """A server on this machine that answers every connection with a function; ``heads`` is what it was asked."""

    answer: Callable[[socket.socket, bytes], None]
    tls: ssl.SSLContext | None = None
    heads: list[bytes] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Counterpart:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                accepted, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(accepted,), daemon=True).start()

    def _serve(self, accepted: socket.socket) -> None:
        accepted.settimeout(10)
        with contextlib.suppress(OSError), accepted:
            talk = self.tls.wrap_socket(accepted, server_side=True) if self.tls else accepted
            with talk:
                head = read_head(talk)
                if head:
                    self.heads.append(head)
                    self.answer(talk, head)
        self.closed.set()


def read_head(talk: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head and (piece := talk.recv(1)):
        head += piece
    return head


def saying(head: bytes, *pieces: bytes) -> Callable[[socket.socket, bytes], None]:
    def answer(talk: socket.socket, _: bytes) -> None:
        for piece in (b"HTTP/1.1 " + head + b"\r\n\r\n", *pieces):
            talk.sendall(piece)

    return answer


def driver(colour: str) -> Callable[..., Any]:
    """Return what runs a flow over a new wire of a colour, made with the options that are given."""

    async def awaited(flow: Callable[[Wire], Any], options: dict[str, Any]) -> Any:
        wire = AsyncWire(**options)
        try:
            return await flow(wire)
        finally:
            await wire.aclose()

    def blocking(flow: Callable[[Wire], Any], **options: Any) -> Any:
        wire = BlockingWire(**options)
        try:
            return run(flow(wire))
        finally:
            wire.close()

    return blocking if colour == "blocking" else lambda flow, **options: asyncio.run(awaited(flow, options))


def get(url: str, timeout_s: float = 5.0) -> Request:
    return Request("GET", url, {}, timeout_s=timeout_s)


def sending(request: Request) -> Callable[[Wire], Any]:
    return lambda wire: wire.send(request)


def streaming(request: Request) -> Callable[[Wire], Any]:
    async def flow(wire: Wire) -> tuple[int, dict[str, str], list[bytes]]:
        async with wire.stream(request) as answer:
            pieces = []
            while piece := await answer.read():
                pieces.append(piece)
            return answer.status, answer.headers, pieces

    return flow
