"""Faults on demand: what a test or a person asks the local Amazon to do wrong with the next requests.

* an answer with any status, its body as Amazon writes it (``json``), a page from something in between (``html``), or
  nothing (``empty``); or with a body of the test's own, since Amazon's APIs write errors in more than one way;
* ``usual``: what would be answered without the fault, for the sake of its latency; ``slow``: the same, its body in ten
  pieces; ``truncated``: the same, and the connection ends after half of the body;
* ``expired`` and ``revoked``: the access token of the request expires, or its grant is revoked; then the usual answer;
* ``items`` and ``empty-page``, of the Ads API only: the first item of a write fails, with ``code`` for the type of its
  error and ``details`` for the reason; a list has an empty page, and a token for what would have been on it;
* ``reset``: the connection ends with a TCP reset before a byte of the answer;
* ``half-open``: half of the answer's head comes, and then nothing until the client gives up;
* ``silence``: nothing comes until the client gives up.

ASGI has no words for what is done to a connection, so the server in `serving` hands each request what does it, as the
ASGI extension ``sellerport.connection``. Under another server the application raises instead, which ends the connection
or answers 500, as that server does it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from fnmatch import fnmatchcase
from typing import Any, Literal

import msgspec

from sellerport import catalog
from sellerport.errors import UnknownOperation
from sellerport.regions import ADS_HOSTS, SELLING_PARTNER_HOSTS

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

CONNECTION = "sellerport.connection"
PIECES = 10
HALF_A_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-le"
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to do with the next ``times`` requests whose method, host and path match these patterns (``*`` and ``?``).

    ``path`` is the raw path on Amazon's host, without the host and the query; ``host`` is empty where a request names
    none of Amazon's. ``code``, ``message`` and ``details`` replace what Amazon says for the status. ``headers`` come
    with an answer of the fault's own, and take the place of those it would have.

    Raises:
        ValueError: a value is not possible.
        UnknownOperation: there is no such operation.
    """

    times: int | None = 1
    """How often; None is until the world is reset or forgets its faults."""
    chance: float = 1
    """How likely each request is to meet it: whether it does comes from the world's seed."""
    method: str = "*"
    host: str = "*"
    path: str = "*"
    operation: str = "*"
    """The operation's name, such as ``orders_v0.get_orders``, or a pattern of names such as ``orders_*``."""
    latency_s: float = 0
    """How long it takes until the answer begins; with ``slow``, until each piece of its body."""
    answer: Literal[
        "json", "html", "empty", "usual", "slow", "truncated", "expired", "revoked", "reset", "half-open", "silence",
        "items", "empty-page",
    ] = "json"  # fmt: skip
    status: int = 500
    code: str | None = None
    message: str | None = None
    details: str | None = None
    body: Any = None
    """All of the answer, instead: a text as it is, anything else as JSON."""
    content_type: str | None = None
    """What ``body`` is said to be; ``application/json`` where nothing is said."""
    headers: Mapping[str, str] = {}

    def __post_init__(self) -> None:
        if self.times is not None and self.times < 1:
            raise ValueError("times must be at least 1")
        if not 0 < self.chance <= 1:
            raise ValueError("chance must be above 0 and at most 1")
        if not 0 <= self.latency_s <= 3600:
            raise ValueError("latency_s must be from 0 to 3600")
        if not 200 <= self.status <= 599:
            raise ValueError("status must be from 200 to 599")
        if self.body is not None and self.answer != "json":
            raise ValueError(f"body cannot be given with an answer of {self.answer!r}")
        for name, value in self.headers.items():
            if not HEADER_NAME.fullmatch(name) or not HEADER_VALUE.fullmatch(value):
                raise ValueError(f"headers: {name!r} cannot be sent")
        if not set("*?[") & set(self.operation):
            msgspec.structs.force_setattr(self, "operation", _named(self.operation))

    def matches(self, method: str, host: str, path: str) -> bool:
        """Whether a request is meant."""
        return (
            fnmatchcase(method, self.method.upper())
            and fnmatchcase(host, self.host)
            and fnmatchcase(path, self.path)
            and (self.operation == "*" or fnmatchcase(_operation(method, host, path), self.operation))
        )


def _operation(method: str, host: str, path: str) -> str:
    """Return the name of the operation that a request calls, or nothing."""
    family: catalog.Family = "ads" if host in ADS_HOSTS else "seller-partner"
    found = catalog.match(method, path, family) if not host or host in (*SELLING_PARTNER_HOSTS, *ADS_HOSTS) else None
    if found is None and not host:
        found = catalog.match(method, path, "ads")
    return found[0].key if found else ""


def _named(operation: str) -> str:
    """Return what the catalogue calls an operation of either family."""
    try:
        return catalog.find(operation).key
    except UnknownOperation:
        if operation in {one.key for one in catalog.operations("ads")}:
            return operation
        raise


HTML = b"<html>\r\n<head><title>%d</title></head>\r\n<body>\r\n<center><h1>%d</h1></center>\r\n</body>\r\n</html>\r\n"


async def reset(scope: Scope, receive: Receive) -> None:
    """End the connection with a TCP reset."""
    _connection(scope)["reset"]()
    await silence(receive)


async def half_open(scope: Scope, receive: Receive) -> None:
    """Begin an answer and never come to its end."""
    _connection(scope)["write"](HALF_A_HEAD)
    await silence(receive)


async def silence(receive: Receive) -> None:
    """Answer nothing until the client gives up."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def outlasts(receive: Receive, latency_s: float) -> bool:
    """Let time pass, and return whether the client is still there then."""
    try:
        await asyncio.wait_for(silence(receive), latency_s)
    except TimeoutError:
        return True
    return False


def slowed(send: Send, pause_s: float) -> Send:
    """Return a send that takes its time with the body."""

    async def piecewise(message: MutableMapping[str, Any]) -> None:
        body = message.get("body", b"")
        size = -(-len(body) // PIECES) or 1
        for start in range(0, len(body), size):
            await asyncio.sleep(pause_s)
            await send({**message, "body": body[start : start + size], "more_body": True})
        await send({**message, "body": b""} if body else message)

    return piecewise


def truncated(send: Send, scope: Scope) -> Send:
    """Return a send that ends the connection after half of the body; what is not said to have a length ends at once."""
    connection = _connection(scope)
    left = 0
    over = False

    async def half(message: MutableMapping[str, Any]) -> None:
        nonlocal left, over
        if message["type"] == "http.response.start":
            left = int(dict(message["headers"]).get(b"content-length", 0)) // 2
            await send(message)
        elif not over:
            body = message.get("body", b"")
            await send({**message, "body": body[:left], "more_body": True})
            left -= len(body)
            over = left <= 0 or not message.get("more_body", False)
            if over:
                connection["close"]()

    return half


def _connection(scope: Scope) -> Mapping[str, Callable[..., Any]]:
    """Return what can be done to the connection of a request."""
    how: Mapping[str, Callable[..., Any]] | None = (scope.get("extensions") or {}).get(CONNECTION)
    if how is None:
        raise ConnectionResetError("a fault was planned for this request, and the server cannot break connections")
    return how
