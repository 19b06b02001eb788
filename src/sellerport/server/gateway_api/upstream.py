"""HTTP/1.1 to Amazon, for answers that are passed on while they come. Knows hosts and bytes, and no operations.

`sellerport.wire` stays the way out for everything else. It is not used here, because the client below it cannot call
back a request whose answer has not begun, and because it costs more processor time than all the rest of a call that
only passes through.

* Connections are kept in a pool for each place, `MOST` at once; the one used last is used next, and one that nobody
  used for `IDLE_S` is closed before Amazon closes it.
* A connection has `CONNECT_S` to be made, an answer 30 s to begin and 15 s to go on (see `connection`). One clock looks
  after all of them every `TICK_S`: a timer for each request would cost as much as parsing its answer.
* An answer is read no faster than it is passed on: above 64 KB nothing is taken from the socket.
* Redirects are not followed, cookies not kept, and nothing is unpacked.
"""

from __future__ import annotations

import asyncio
import ssl
import urllib.request
from base64 import b64encode
from collections import Counter, deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import unquote, urlsplit

from sellerport.errors import NoAnswer, SettingsError
from sellerport.regions import Amazon
from sellerport.server.gateway_api.connection import LARGEST_HEAD, Answer, Connection, OnSlow, no_answer

CONNECT_S = 3.0
IDLE_S = 20.0
TICK_S = 0.05
MOST = 256
"""Connections to one place at once; who comes then waits for one of them."""
MOST_OF_ONE = 128
"""How many of them one tenant may have, so that its slow requests hold up no other's; it waits for one of its own."""

Body = bytes | AsyncIterator[bytes]


@dataclass(frozen=True, eq=False)
class Place:
    """One of Amazon's hosts, as `Amazon.url` knows it: where to connect, and what requests begin with there."""

    host: str
    port: int
    tls: bool
    prefix: bytes
    """What stands before every path: nothing, or at a local Amazon the host that is meant."""

    @classmethod
    def of(cls, amazon: Amazon, host: str) -> Place:
        """Look a host up in the closed table of `regions`; there is no other way to a place."""
        parts = urlsplit(amazon.url(host, ""))
        tls = parts.scheme == "https"
        assert parts.hostname, "Amazon's addresses have hosts"
        return cls(parts.hostname, parts.port or (443 if tls else 80), tls, parts.path.encode())

    @cached_property
    def authority(self) -> bytes:
        """What the Host field says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}").encode()


@dataclass
class _Pool:
    """The connections to one place."""

    place: Place
    loop: asyncio.AbstractEventLoop
    idle: list[tuple[float, Connection]] = field(default_factory=list)
    busy: set[Connection] = field(default_factory=set)
    opening: Counter[str] = field(default_factory=Counter)
    """How many connections are being made, by whom for."""
    waiting: dict[str, deque[asyncio.Future[None]]] = field(default_factory=dict)
    """Who waits for one, by tenant, longest first; the tenant whose turn is next comes first."""
    now: float = 0.0
    """The loop's time, to the tick."""

    def take(self) -> Connection | None:
        """Return a connection that can be used at once."""
        while self.idle:
            connection = self.idle.pop()[1]
            if not connection.closed:
                self.busy.add(connection)
                return connection
        return None

    def full(self, owner: str) -> bool:
        """Whether there are as many connections as there may be, at all or for a tenant."""
        lent = len(self.busy) + self.opening.total()
        if lent >= MOST or lent < MOST_OF_ONE:
            return lent >= MOST
        return self.opening[owner] + sum(one.owner == owner for one in self.busy) >= MOST_OF_ONE

    def take_back(self, connection: Connection) -> None:
        """Keep a connection for the next request, unless it is closed."""
        self.busy.discard(connection)
        if not connection.closed:
            self.idle.append((self.now + IDLE_S, connection))
        if self.waiting:
            self.next()

    def lost(self, connection: Connection) -> None:
        """Forget a connection that was closed while nobody used it."""
        if connection not in self.busy:
            self.idle = [one for one in self.idle if one[1] is not connection]

    async def room(self, owner: str) -> None:
        """Wait until somebody gives a connection back that a tenant may have."""
        waiter = self.loop.create_future()
        self.waiting.setdefault(owner, deque()).append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self.next()  # it was told, and does not need it
            raise

    def next(self) -> None:
        """Tell whoever waits longest that there is room; tenants take turns, but for those who have all they may."""
        for owner, queue in list(self.waiting.items()):
            while queue and queue[0].done():
                del queue[0]
            if queue and self.full(owner):
                continue
            del self.waiting[owner]
            if queue:
                told = queue.popleft()
                if queue:
                    self.waiting[owner] = queue
                told.set_result(None)
                return

    def tick(self, now: float) -> bool:
        """Give up what takes too long, and close what nobody needs; return whether there is anything to look after."""
        self.now = now
        for connection in list(self.busy):
            connection.ticks += 1
            answer = connection.answer
            if connection.due < now and answer is not None:
                answer.fail("Amazon took too long to answer", 504)
                connection.end()
            if answer is not None and answer.on_slow is not None and connection.ticks > 1 and answer.on_slow(answer):
                answer.on_slow = None
        while self.idle and self.idle[0][0] < now:
            self.idle.pop(0)[1].end()
        return bool(self.busy or self.idle)


class Upstream:
    """The connections of one event loop. HTTPS goes through the proxy that the environment names (``HTTPS_PROXY``)."""

    def __init__(self) -> None:
        self._pools: dict[Place, _Pool] = {}
        self._ticking: asyncio.TimerHandle | None = None

    def ready(self, place: Place) -> bool:
        """Whether there is a connection that anybody can use at once."""
        pool = self._pools.get(place)
        if pool is None or not pool.idle or len(pool.busy) >= MOST_OF_ONE:
            return False
        return not pool.idle[-1][1].closed

    def start(self, place: Place, head: bytes, owner: str, on_slow: OnSlow) -> Answer:
        """Send a request without a body over a connection that is `ready`; return its answer, which is still to come.

        The arguments are those of `ask`, which finishes what began here.
        """
        connection = self._pools[place].take()
        assert connection is not None, "it is ready"
        return self._begin(connection, head, b"", owner, on_slow)

    async def ask(
        self,
        place: Place,
        head: bytes,
        body: Body = b"",
        *,
        owner: str = "",
        again: bool = False,
        on_slow: OnSlow | None = None,
        under_way: Answer | None = None,
    ) -> Answer:
        """Send a request, and return its answer when the head is there. The caller closes it.

        Args:
            place: where to.
            head: all of the head, with the empty line.
            body: all of it, or pieces that are framed already.
            owner: whose request it is.
            again: whether it may be sent once more where a connection that was kept turns out to be closed; not
                what changes anything, as nobody knows whether it was done (RFC 9110 §9.2.2).
            on_slow: see there; the answer may have no head yet.
            under_way: what `start` returned for this request.

        Raises:
            NoAnswer: there is no connection to be had, or no answer. Its status is 504 where time ran out, or 502.
        """
        pool = self._pools.get(place) or self._pool(place)
        if under_way is None:
            connection = (None if pool.full(owner) else pool.take()) or await self._connection(pool, owner)
            under_way = self._begin(connection, head, body, owner, on_slow)
        else:
            connection, under_way.on_slow = under_way.connection, on_slow
        try:
            return await self._head(under_way, body)
        except NoAnswer:
            stale = connection.used and connection.dropped and not connection.heard
            if not (again and stale and isinstance(body, bytes)):
                raise
        connection = await self._connection(pool, owner)
        return await self._head(self._begin(connection, head, body, owner, on_slow), body)

    def _begin(self, connection: Connection, head: bytes, body: Body, owner: str, on_slow: OnSlow | None) -> Answer:
        connection.owner = owner
        answer = connection.begin(head, body if isinstance(body, bytes) else b"")
        answer.on_slow = on_slow
        if self._ticking is None:
            self._tick()
        return answer

    async def _head(self, answer: Answer, body: Body) -> Answer:
        """Return an answer whose head is there."""
        try:
            if not isinstance(body, bytes):
                async for piece in body:
                    if not await answer.connection.write(piece):
                        break
            while not answer.status:
                await answer.more()
        except BaseException:
            answer.abort()
            answer.close()
            raise
        return answer

    async def aclose(self) -> None:
        """Close every connection; answers under way end there."""
        if self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None
        for pool in self._pools.values():
            for connection in [*pool.busy, *(one for _, one in pool.idle)]:
                connection.end()
        self._pools = {}
        await asyncio.sleep(0)  # for the transports to be closed

    def _pool(self, place: Place) -> _Pool:
        loop = asyncio.get_running_loop()
        return self._pools.setdefault(place, _Pool(place, loop, now=loop.time()))

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        self._ticking = loop.call_later(TICK_S, self._tick)  # first: it goes on whatever fails below
        now = loop.time()
        needed = [pool.tick(now) for pool in self._pools.values()]
        if not any(needed):
            self._ticking.cancel()
            self._ticking = None

    async def _connection(self, pool: _Pool, owner: str) -> Connection:
        """Return a new connection; where there are too many, the next that is given back."""
        try:
            async with asyncio.timeout(CONNECT_S):
                while pool.full(owner):
                    await pool.room(owner)
                    if not pool.full(owner) and (found := pool.take()):
                        return found
                pool.opening[owner] += 1
                try:
                    connection = await self._open(pool)
                finally:
                    pool.opening[owner] -= 1
                    pool.opening += Counter()  # forgets who has none
        except TimeoutError:
            pool.next()
            raise no_answer("Amazon could not be reached in time", 504, sent=False) from None
        except (OSError, ssl.SSLError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            pool.next()
            raise no_answer(f"Amazon could not be reached: {_why(error)}", sent=False) from error
        connection.owner = owner
        pool.busy.add(connection)
        return connection

    async def _open(self, pool: _Pool) -> Connection:
        place, connection = pool.place, Connection(pool)
        proxy = _proxy(place) if place.tls else None
        if proxy is None:
            trust = self._trust if place.tls else None
            await pool.loop.create_connection(lambda: connection, place.host, place.port, ssl=trust)
            return connection
        reader, writer = await asyncio.open_connection(
            proxy.host, proxy.port, ssl=self._trust if proxy.tls else None, limit=LARGEST_HEAD
        )
        try:
            writer.write(proxy.connect(place))
            status = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1:2]
            if status != [b"200"]:
                raise ConnectionRefusedError("the proxy refuses")
            transport = await pool.loop.start_tls(
                writer.transport, connection, self._trust, server_hostname=place.host, ssl_handshake_timeout=CONNECT_S
            )
        except BaseException:
            writer.transport.abort()
            await asyncio.sleep(0)  # for it to be closed
            raise
        assert transport is not None
        connection.tunnel = writer
        connection.connection_made(transport)
        return connection

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        """The system's certificate authorities, or those of ``SSL_CERT_FILE``, as `sellerport.wire` has them."""
        trust = ssl.create_default_context()
        trust.minimum_version = ssl.TLSVersion.TLSv1_2
        trust.set_alpn_protocols(["http/1.1"])
        return trust


@dataclass(frozen=True)
class _Proxy:
    host: str
    port: int
    tls: bool
    login: bytes = field(repr=False)

    def connect(self, place: Place) -> bytes:
        """Return the request for a tunnel (RFC 9110 §9.3.6)."""
        to = f"{place.host}:{place.port}".encode()
        return b"CONNECT %b HTTP/1.1\r\nhost: %b\r\n%b\r\n" % (to, to, self.login)


def _proxy(place: Place) -> _Proxy | None:
    """Return the proxy that the environment names for HTTPS to a place.

    Raises:
        SettingsError: it is of a kind that cannot be used; nothing of it is shown, since it may hold a password.
    """
    named = urllib.request.getproxies_environment()
    address = named.get("https") or named.get("all")
    past = urllib.request.proxy_bypass_environment  # type: ignore[attr-defined]  # typeshed does not have it
    if not address or past(place.host, named):
        return None
    parts = urlsplit(address if "://" in address else f"http://{address}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError("HTTPS_PROXY must be an address such as 'http://proxy.example.com:3128' for the gateway")
    login = b""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        login = b"proxy-authorization: Basic %b\r\n" % b64encode(pair)
    tls = parts.scheme == "https"
    return _Proxy(parts.hostname, parts.port or (443 if tls else 80), tls, login)


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "its certificate is not trusted, or not its own"
    return "the connection was refused or ended" if isinstance(error, OSError) else "a proxy on the way is not one"
