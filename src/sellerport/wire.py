"""HTTP, waiting and locking, once for threads and once for an event loop: the only code that blocks or awaits.

Every flow of the library is one coroutine that waits only through the `Wire` it is given. `AsyncWire` awaits.
`BlockingWire` has the same coroutine methods but blocks inside them, so that a flow given one never suspends, and `run`
drives it to its end in one step, inside or outside an event loop.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from weakref import WeakKeyDictionary, WeakValueDictionary

import msgspec
from pyreqwest.client import Client, ClientBuilder, SyncClient, SyncClientBuilder
from pyreqwest.exceptions import RequestError, RequestTimeoutError

from sellerport.errors import NoAnswer, SettingsError

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What `msgspec.json.decode` raises for bytes that are no JSON, not UTF-8, or nested too deeply."""

USER_AGENT = "sellerport/0.1 (Language=Python)"


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request, ready to send: ``url`` is absolute and already encoded."""

    method: str
    url: str
    headers: dict[str, str] = field(repr=False)  # they hold tokens
    body: bytes | None = field(default=None, repr=False)
    timeout_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP answer, read to its end; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)


class Wire(Protocol):
    """What a flow may wait on."""

    async def send(self, request: Request) -> Response:
        """Send a request and read its answer.

        Raises:
            NoAnswer: nothing came back, in time or at all.
        """
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    def alone(self, key: object) -> AbstractAsyncContextManager[None]:
        """Hold off everyone else who asks for the same key."""
        ...


class BlockingWire:
    """Waits by blocking the calling thread. Threads may share one."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._clients: dict[bool, SyncClient] = {}
        self._locks: WeakValueDictionary[object, _ThreadLock] = WeakValueDictionary()

    async def send(self, request: Request) -> Response:
        """As `Wire.send`."""
        _refuse_fork()
        plain = _is_plain(request)
        client = self._clients.get(plain) or self._open(plain)
        try:
            answer = _build(client, request).build().send()
            return Response(answer.status, _headers(request, answer), bytes(answer.bytes()))
        except RequestError as error:
            raise _no_answer(request, error) from error

    async def sleep(self, seconds: float) -> None:
        """As `Wire.sleep`."""
        time.sleep(seconds)  # noqa: TID251, ASYNC251  # this is the wire that blocks

    @asynccontextmanager
    async def alone(self, key: object) -> AsyncIterator[None]:
        """As `Wire.alone`."""
        _refuse_fork()
        with self._mutex:
            lock = self._locks.get(key)
            if lock is None:
                lock = self._locks[key] = _ThreadLock()
        with lock.lock:
            yield

    def close(self) -> None:
        """Close every connection; a later call opens new ones."""
        with self._mutex:
            clients, self._clients = self._clients, {}
        for client in clients.values():
            client.close()

    def _open(self, plain: bool) -> SyncClient:
        with self._mutex:
            if plain not in self._clients:
                self._clients[plain] = _configure(SyncClientBuilder(), plain).build()
            return self._clients[plain]


class AsyncWire:
    """Waits by awaiting. Tasks may share one, and so may event loops that run one after the other or side by side."""

    def __init__(self) -> None:
        import asyncio  # noqa: PLC0415  # takes longer than all of this package; a blocking program need not pay for it

        self._asyncio = asyncio
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[bool, Client]] = WeakKeyDictionary()
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, WeakValueDictionary[object, asyncio.Lock]]
        self._locks = WeakKeyDictionary()

    async def send(self, request: Request) -> Response:
        """As `Wire.send`."""
        _refuse_fork()
        clients, plain = self._clients.setdefault(self._asyncio.get_running_loop(), {}), _is_plain(request)
        client = clients.get(plain)
        if client is None:
            client = clients[plain] = _configure(ClientBuilder(), plain).build()
        try:
            answer = await _build(client, request).build().send()
            return Response(answer.status, _headers(request, answer), bytes(await answer.bytes()))
        except RequestError as error:
            raise _no_answer(request, error) from error

    async def sleep(self, seconds: float) -> None:
        """As `Wire.sleep`."""
        await self._asyncio.sleep(seconds)

    @asynccontextmanager
    async def alone(self, key: object) -> AsyncIterator[None]:
        """As `Wire.alone`, among the tasks of one event loop."""
        locks = self._locks.setdefault(self._asyncio.get_running_loop(), WeakValueDictionary())
        lock = locks.get(key)
        if lock is None:
            lock = locks[key] = self._asyncio.Lock()
        async with lock:
            yield

    async def aclose(self) -> None:
        """Close the connections of the running event loop; a later call opens new ones."""
        clients = self._clients.pop(self._asyncio.get_running_loop(), {})
        for client in clients.values():
            await client.close()
        if clients:
            await self._asyncio.sleep(_GRACE_S)


class _ThreadLock:
    """A lock that can be referred to weakly."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


def run(call: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that waits only on a `BlockingWire`."""
    try:
        call.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]  # StopIteration is not generic
    call.close()
    raise RuntimeError(f"{call!r} awaited something other than its wire")


# On Python < 3.14 a process that ends right after an async TLS call may abort, because a Rust thread returns to an
# interpreter that is finalizing (PyO3/pyo3-async-runtimes#40). A short wait lets that thread finish.
_GRACE_S = 0.01


def _wait_for_rust() -> None:
    time.sleep(_GRACE_S)  # noqa: TID251  # see above


_opened_by: int | None = None


def _refuse_fork() -> None:
    """Refuse to hang: the transport's threads do not exist in a process that was forked after it was opened."""
    if _opened_by not in (None, os.getpid()):
        raise SettingsError(
            "this process was forked after its parent had called Amazon, whose connections it cannot use; "
            "make the first call after the fork, or start processes with 'spawn'"
        )


_BuilderT = TypeVar("_BuilderT", ClientBuilder, SyncClientBuilder)


def _configure(builder: _BuilderT, plain: bool) -> _BuilderT:
    global _opened_by
    _opened_by = os.getpid()
    if isinstance(builder, ClientBuilder):
        atexit.unregister(_wait_for_rust)
        atexit.register(_wait_for_rust)
    # Amazon's answers never redirect, and a redirect must not carry the access token to another host.
    builder = builder.follow_redirects(False).connect_timeout(timedelta(seconds=10)).user_agent(USER_AGENT)
    # Plain HTTP is for a local Amazon or a server nearby: a proxy of the environment could not reach the one, and would
    # read the tokens of the other. HTTPS goes through it by CONNECT.
    return builder.no_proxy() if plain else builder


def _is_plain(request: Request) -> bool:
    return request.url.startswith("http:")


def _headers(request: Request, answer: Any) -> dict[str, str]:
    try:
        return dict(answer.headers)
    except ValueError as error:  # a header that is not ASCII
        raise NoAnswer(f"{_host(request)} answered with headers that cannot be read; try again") from error


def _host(request: Request) -> str:
    return request.url.split("/")[2]


def _build(client: Any, request: Request) -> Any:
    """Fill in a request builder of either client; the two have no common type."""
    builder = client.request(request.method, request.url).headers(request.headers)
    builder = builder.timeout(timedelta(seconds=request.timeout_s))
    return builder if request.body is None else builder.body_bytes(request.body)


def _no_answer(request: Request, error: RequestError) -> NoAnswer:
    host = _host(request)
    # pyreqwest's ConnectError and ConnectTimeoutError also stand for what happens to a request under way; only
    # reqwest's own word for it is certain.
    causes = error.details.get("causes") or []
    sent = not any(cause["message"] == "client error (Connect)" for cause in causes)
    if isinstance(error, RequestTimeoutError):
        what = "took longer than its time limit to answer" if sent else "could not be reached in time"
        return NoAnswer(f"{host} {what} ({request.timeout_s:g} s); try again, or allow more with timeout_s", sent=sent)
    what = "closed the connection without an answer" if sent else "refused the connection or could not be found"
    return NoAnswer(f"{host} {what}; try again", sent=sent)
