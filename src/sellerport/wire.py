"""HTTP, waiting and locking, once for threads and once for an event loop: the only code that blocks or awaits.

Every flow of the library is one coroutine that waits only through the `Wire` it is given. `AsyncWire` awaits.
`BlockingWire` has the same coroutine methods but blocks inside them, so that a flow given one never suspends, and `run`
drives it to its end in one step, inside or outside an event loop.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary, WeakValueDictionary

import msgspec
from pyreqwest.client import Client, ClientBuilder, SyncClient, SyncClientBuilder
from pyreqwest.exceptions import BuilderError, RequestError, RequestTimeoutError
from pyreqwest.proxy import ProxyBuilder

from sellerport import __version__
from sellerport.errors import NoAnswer, SettingsError

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What `msgspec.json.decode` raises for bytes that are no JSON, not UTF-8, or nested too deeply."""

USER_AGENT = f"sellerport/{__version__} (Language=Python/{sys.version.split()[0]}; Platform={sys.platform})"
"""Who calls, as Amazon's page "Include a User-Agent header" wants it: at most 500 characters."""

CONNECT_S = 10.0
"""How long a connection may take to be made, in seconds."""

CHUNK = 256 * 1024
"""How many bytes of a streamed body are held at a time."""


class Request(msgspec.Struct, frozen=True):
    """An HTTP request, ready to send: ``url`` is absolute and already encoded.

    A body that is a path is read from there while it is sent. ``timeout_s`` is for the whole answer where it is read to
    its end (`Wire.send`), and for each next piece of it where it is streamed (`Wire.stream`). What unpacks to more than
    ``largest`` bytes is no answer, and not read on (`Wire.send`).
    """

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | Path | None = None
    timeout_s: float = 30.0
    largest: int | None = None

    def __repr__(self) -> str:
        return f"Request(method={self.method!r}, timeout_s={self.timeout_s:g})"  # a URL lets anybody in, headers too


class Response(msgspec.Struct, frozen=True):
    """An HTTP answer, read to its end; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Response(status={self.status}, headers={self.headers})"  # a body may be personal


class Stream(Protocol):
    """An HTTP answer whose body is read piece by piece, as it was sent: nothing is unzipped."""

    status: int
    headers: dict[str, str]

    async def read(self) -> bytes:
        """Return the next piece of the body, at most `CHUNK` bytes; ``b""`` at its end."""
        ...


class Wire(Protocol):
    """What a flow may wait on."""

    blocking: bool
    """Whether it blocks; for what comes in both colours itself, as other people's clients do."""

    async def send(self, request: Request) -> Response:
        """Send a request and read its answer.

        Raises:
            NoAnswer: nothing came back, in time or at all.
        """
        ...

    def stream(self, request: Request) -> AbstractAsyncContextManager[Stream]:
        """Send a request, and read its answer piece by piece inside the ``async with``.

        Raises:
            NoAnswer: nothing came back, or the connection ended before the body did: a body is never cut short.
        """
        ...

    async def work(self, function: Callable[[], T]) -> T:
        """Do what takes the disk or the processor, without holding up others who wait."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    def alone(self, key: object) -> AbstractAsyncContextManager[None]:
        """Hold off everyone else who asks for the same key."""
        ...


_Pool = tuple[bool, float | None]
"""What a transport client is for: plain HTTP or HTTPS, and streams of which idle timeout, or none."""


class BlockingWire:
    """Waits by blocking the calling thread. Threads may share one.

    Ctrl-C ends a wait at once. What was sent cannot be called back: its connection is closed when the request's time
    limit is over.

    Args:
        proxy: what to send everything through, such as ``http://user:password@proxy:3128`` (or ``https``, ``socks5``,
            ``socks5h``); without it HTTPS goes through the environment's ``HTTPS_PROXY``.
        ca: a PEM file of certificate authorities to trust besides the system's (or ``SSL_CERT_FILE``).

    Raises:
        SettingsError: the proxy's address or the file cannot be used.
    """

    blocking = True

    def __init__(self, *, proxy: str | None = None, ca: str | os.PathLike[str] | None = None) -> None:
        self._transport = _Transport.of(proxy, ca)
        self._mutex = threading.Lock()
        self._clients: dict[_Pool, SyncClient] = {}
        self._locks: WeakValueDictionary[object, _ThreadLock] = WeakValueDictionary()

    async def send(self, request: Request) -> Response:
        """As `Wire.send`."""
        client = self._client((_is_plain(request), None))
        try:
            builder = _build(client, request).timeout(timedelta(seconds=request.timeout_s))
            if request.largest is not None:
                with builder.build_streamed() as streamed:
                    body = bytearray()
                    while piece := streamed.body_reader.read(CHUNK):
                        _append(request, body, piece)
                    return Response(streamed.status, _headers(streamed), bytes(body))
            built = builder.build()
            # A thread for it costs a quarter of a call: what may take long is worth that. Both read it to its end.
            answer = _interruptibly(built.send) if request.timeout_s > SHORT_S else built.send()
            return Response(answer.status, _headers(answer), bytes(answer.bytes()))
        except RequestError as error:
            raise _no_answer(request, error) from error

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[Stream]:
        """As `Wire.stream`."""
        client = self._client((_is_plain(request), request.timeout_s))
        context = _build(client, request).streamed_read_buffer_limit(CHUNK).build_streamed()
        try:
            stream = _BlockingStream(_interruptibly(context.__enter__))
            try:
                yield stream
            finally:
                if not stream.reading:  # by another thread still, which would be waited for: it closes it in the end
                    context.__exit__(None, None, None)
        except RequestError as error:
            raise _no_answer(request, error) from error

    async def work(self, function: Callable[[], T]) -> T:
        """As `Wire.work`."""
        return function()

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

    def _client(self, pool: _Pool) -> SyncClient:
        _refuse_fork()
        if pool not in self._clients:
            with self._mutex:
                if pool not in self._clients:
                    self._clients[pool] = self._transport.open(SyncClientBuilder(), pool)
        return self._clients[pool]


class AsyncWire:
    """Waits by awaiting. Tasks may share one, and so may event loops that run one after the other or side by side.

    A task that is cancelled stops waiting at once. What it sent cannot be called back: its connection is used again
    when the answer has come, and closed when the request's time limit is over. A stream is closed at once.

    Args:
        proxy, ca: as `BlockingWire`'s.
        pin: a host, an IP address and a port: that host is at this address, whatever its name resolves to, and is
            called past every proxy. Nothing else should be called.

    Raises:
        SettingsError: the proxy's address or the file cannot be used.
    """

    blocking = False

    def __init__(
        self,
        *,
        proxy: str | None = None,
        ca: str | os.PathLike[str] | None = None,
        pin: tuple[str, str, int] | None = None,
    ) -> None:
        import asyncio  # noqa: PLC0415  # takes longer than all of this package; a blocking program need not pay for it

        self._asyncio = asyncio
        self._transport = _Transport.of(proxy, ca, pin)
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[_Pool, Client]] = WeakKeyDictionary()
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, WeakValueDictionary[object, asyncio.Lock]]
        self._locks = WeakKeyDictionary()

    async def send(self, request: Request) -> Response:
        """As `Wire.send`."""
        client = self._client((_is_plain(request), None))
        try:
            builder = _build(client, request).timeout(timedelta(seconds=request.timeout_s))
            if request.largest is not None:
                async with builder.build_streamed() as streamed:
                    body = bytearray()
                    while piece := await streamed.body_reader.read(CHUNK):
                        _append(request, body, piece)
                    return Response(streamed.status, _headers(streamed), bytes(body))
            answer = await builder.build().send()
            return Response(answer.status, _headers(answer), bytes(await answer.bytes()))
        except RequestError as error:
            raise _no_answer(request, error) from error

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[Stream]:
        """As `Wire.stream`."""
        client = self._client((_is_plain(request), request.timeout_s))
        try:
            async with _build(client, request).streamed_read_buffer_limit(CHUNK).build_streamed() as answer:
                yield _AsyncStream(answer)
        except RequestError as error:
            raise _no_answer(request, error) from error

    async def work(self, function: Callable[[], T]) -> T:
        """As `Wire.work`, in a thread; a cancelled task waits for it, so that none is left working."""
        under_way = self._asyncio.get_running_loop().run_in_executor(None, function)
        cancelled = None
        while not under_way.done():
            try:
                await self._asyncio.wait([under_way])
            except self._asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            under_way.exception()  # which nobody asks for any more
            raise cancelled
        return under_way.result()

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

    def _client(self, pool: _Pool) -> Client:
        _refuse_fork()
        clients = self._clients.setdefault(self._asyncio.get_running_loop(), {})
        if pool not in clients:
            clients[pool] = self._transport.open(ClientBuilder(), pool)
        return clients[pool]

    async def aclose(self) -> None:
        """Close the connections of the running event loop; a later call opens new ones."""
        clients = self._clients.pop(self._asyncio.get_running_loop(), {})
        for client in clients.values():
            await client.close()
        if clients:
            await self._asyncio.sleep(_GRACE_S)


class _BlockingStream:
    def __init__(self, answer: Any) -> None:
        self.status: int = answer.status
        self.headers = _headers(answer)
        self.reading = False
        self._body = answer.body_reader

    async def read(self) -> bytes:
        self.reading = True
        piece = _interruptibly(partial(self._body.read, CHUNK))
        self.reading = False
        return bytes(piece or b"")


class _AsyncStream:
    def __init__(self, answer: Any) -> None:
        self.status: int = answer.status
        self.headers = _headers(answer)
        self._body = answer.body_reader

    async def read(self) -> bytes:
        return bytes(await self._body.read(CHUNK) or b"")


class _ThreadLock:
    """A lock that can be referred to weakly."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


LOOK_S = 0.5
SHORT_S = 30.0
"""What may not take longer is waited for without a thread, and Ctrl-C for it."""


class _Stand:
    """A thread that does what cannot be interrupted, while the main thread waits for it and can be."""

    def __init__(self) -> None:
        self._tasks: SimpleQueue[Callable[[], Any] | None] = SimpleQueue()
        self._answers: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()
        threading.Thread(target=self._serve, name="sellerport-wire", daemon=True).start()

    def _serve(self) -> None:
        while task := self._tasks.get():
            try:
                self._answers.put((task(), None))
            except BaseException as error:  # it is raised where it was asked for
                self._answers.put((None, error))
            del task  # and what it holds, such as a connection

    def do(self, function: Callable[[], T]) -> T:
        """Have a function called; who is interrupted meanwhile leaves it and this thread behind."""
        try:
            self._tasks.put(function)
            found, error = self._answer()
        except BaseException:
            self._tasks.put(None)  # it ends when the function has
            raise
        _stands.append(self)
        if error is not None:
            raise error
        return found  # type: ignore[no-any-return]  # a queue of all kinds of answers

    def _answer(self) -> tuple[Any, BaseException | None]:
        while True:
            with suppress(Empty):  # a signal that came just before the wait began is noticed after it
                return self._answers.get(timeout=LOOK_S)


_stands: list[_Stand] = []
"""Those that have nothing to do."""


def _interruptibly(function: Callable[[], T]) -> T:
    """Call a function that blocks without looking for signals, which Python delivers to its main thread alone."""
    if threading.current_thread() is not threading.main_thread():
        return function()
    try:
        stand = _stands.pop() if _stands else _Stand()
    except RuntimeError:  # the interpreter ends, and lets no thread begin
        return function()
    return stand.do(function)


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


@dataclass(frozen=True)
class _Transport:
    """How to open transport clients."""

    proxy: str | None = field(repr=False)  # it may hold a password
    ca: bytes | None
    pin: tuple[str, str, int] | None

    @classmethod
    def of(
        cls, proxy: str | None, ca: str | os.PathLike[str] | None, pin: tuple[str, str, int] | None = None
    ) -> _Transport:
        if proxy is not None:
            _check_proxy(proxy)
        return cls(proxy, None if ca is None else _read_ca(ca), pin)

    @overload
    def open(self, builder: ClientBuilder, pool: _Pool) -> Client: ...
    @overload
    def open(self, builder: SyncClientBuilder, pool: _Pool) -> SyncClient: ...
    def open(self, builder: Any, pool: _Pool) -> Any:
        global _opened_by
        _opened_by = os.getpid()
        if isinstance(builder, ClientBuilder):
            atexit.unregister(_wait_for_rust)
            atexit.register(_wait_for_rust)
        plain, idle_s = pool
        # Amazon's answers never redirect, and a redirect must not carry the access token to another host.
        builder = builder.follow_redirects(False).connect_timeout(timedelta(seconds=CONNECT_S)).user_agent(USER_AGENT)
        if idle_s is not None:
            # what is unzipped here could not be checked against its length, and might be unzipped twice
            builder = (
                builder.read_timeout(timedelta(seconds=idle_s)).gzip(False).brotli(False).zstd(False).deflate(False)
            )
        if self.pin is not None:
            builder = builder.no_proxy().resolve(*self.pin)
        elif self.proxy is not None:
            builder = builder.proxy(ProxyBuilder.all(self.proxy))
        elif not plain:
            _check_environment()
        else:
            # Plain HTTP is for a local Amazon or a server nearby: a proxy of the environment could not reach the one,
            # and would read the tokens of the other. HTTPS goes through it by CONNECT.
            builder = builder.no_proxy()
        try:
            return (builder if self.ca is None else builder.add_root_certificate_pem(self.ca)).build()
        except BuilderError as error:
            raise SettingsError(f"{_CA_UNUSABLE}: it holds no certificate that can be read") from error


_CA_UNUSABLE = "ca (the file of certificate authorities to trust) cannot be used"


def _check_environment() -> None:
    """Refuse a proxy of the environment that the transport would pass over without a word."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        if proxy := os.environ.get(name):
            _check_proxy(proxy if "://" in proxy else f"http://{proxy}", name)
            return


def _check_proxy(proxy: str, name: str = "proxy") -> None:
    """Refuse what is no proxy's address; nothing of it is shown, since it may hold a password."""
    try:
        parts = urlsplit(proxy)
        kinds = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
        usable = parts.scheme in kinds and parts.hostname and parts.port != 0
    except ValueError:
        usable = None
    if not usable:
        raise SettingsError(
            f"{name} must be an address such as 'http://proxy.example.com:3128' (http, https or socks5)"
        )


def _read_ca(ca: str | os.PathLike[str]) -> bytes:
    try:
        found = Path(ca).read_bytes()
    except OSError as error:
        raise SettingsError(f"{_CA_UNUSABLE}: {os.fspath(ca)!r}: {error.strerror}") from error
    if b"-----BEGIN CERTIFICATE-----" not in found:
        raise SettingsError(f"{_CA_UNUSABLE}: {os.fspath(ca)!r} is no PEM file of certificates")
    return found


def _is_plain(request: Request) -> bool:
    return request.url.startswith("http:")


def _headers(answer: Any) -> dict[str, str]:
    headers = answer.headers
    try:
        return {name: headers[name] for name in headers}
    except ValueError:  # one of them is not ASCII, such as a file's name
        return {name: value for name in answer.headers if (value := _header(answer, name)) is not None}


def _header(answer: Any, name: str) -> str | None:
    try:
        return str(answer.headers[name])
    except ValueError:
        return None


def _append(request: Request, body: bytearray, piece: Any) -> None:
    """Add what was read to what is there, if it is not too much."""
    body += bytes(piece)
    if request.largest is not None and len(body) > request.largest:
        raise NoAnswer(f"{_host(request)} sent an answer of more than {request.largest} bytes; try again")


def _host(request: Request) -> str:
    return request.url.split("/")[2]


def _build(client: Any, request: Request) -> Any:
    """Fill in a request builder of either client; the two have no common type."""
    builder = client.request(request.method, request.url).headers(request.headers)
    if request.body is None:
        return builder
    if isinstance(request.body, Path):  # storage does not take a body whose length is not told
        size = request.body.stat().st_size
        return builder.header("content-length", str(size)).body_stream(_pieces(request.body))
    return builder.body_bytes(request.body)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            yield piece


def _no_answer(request: Request, error: RequestError) -> NoAnswer:
    host = _host(request)
    causes = [cause["message"] for cause in error.details.get("causes") or []]
    # pyreqwest's ConnectError and ConnectTimeoutError also stand for what happens to a request under way; only
    # reqwest's own word for it is certain.
    sent = "client error (Connect)" not in causes
    if isinstance(error, RequestTimeoutError):
        what = "took longer than its time limit to answer" if sent else "could not be reached in time"
        return NoAnswer(f"{host} {what} ({request.timeout_s:g} s); try again, or allow more with timeout_s", sent=sent)
    if any(cause.startswith("tunnel error") or "socks" in cause for cause in causes):
        return NoAnswer(f"the proxy on the way to {host} cannot be reached, or refuses; check its address", sent=False)
    if any(cause.startswith("invalid peer certificate") for cause in causes):
        what = "has a certificate that is not trusted, or not its own; if a proxy reads HTTPS here, trust its authority"
        return NoAnswer(f"{host} {what} with ca, or with SSL_CERT_FILE", sent=False)
    if not sent:
        return NoAnswer(f"{host} refused the connection or could not be found; try again", sent=False)
    if "error decoding response body" in causes and "error reading a body from connection" not in causes:
        return NoAnswer(f"{host} sent an answer that is not encoded as its Content-Encoding says; try again")
    what = "before its answer was complete" if "error reading a body from connection" in causes else "without an answer"
    return NoAnswer(f"{host} closed the connection {what}; try again")
