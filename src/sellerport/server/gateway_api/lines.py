"""The log's lines about requests that were passed through: gathered, and written in batches.

A line that is logged by itself costs more than passing the request through. These look the same: one JSON object a
line, with the operation's template as the path, so that no line has an id, a query or a field of a request. Whatever
else is attached to the log is given each line as a record. What a process did not write when it was killed is lost, at
most half a second of it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

import msgspec

from sellerport.errors import SellerportError
from sellerport.server.gateway_api.operations import PREFIX, Route
from sellerport.server.hub import Pass

log = logging.getLogger("sellerport.server.app")  # where all other requests are logged

EVERY_S = 0.5
MOST = 2000
"""Lines that are gathered before they are written at once."""

if TYPE_CHECKING:
    _Handler = logging.StreamHandler[TextIO]
else:
    _Handler = logging.StreamHandler


class JsonHandler(_Handler):
    """Writes records as its formatter has them, which is one JSON object a line; and many such lines at once."""

    def write(self, lines: str) -> None:
        """Write lines that are formatted already."""
        self.acquire()
        try:
            self.stream.write(lines)
            self.flush()
        finally:
            self.release()


class _Line(msgspec.Struct, gc=False, omit_defaults=True):
    event: str | None
    method: str
    path: str
    status: int
    ms: float
    request_id: str
    organization: str | None = None
    seller: str | None = None
    error: str | None = None
    level: str | None = None
    logger: str | None = None
    timestamp: datetime | None = None


class Lines:
    """Those of this process that are not written yet."""

    def __init__(self) -> None:
        self._noted: list[_Noted] = []
        self._next: asyncio.TimerHandle | None = None

    def note(
        self,
        method: str,
        request_id: str,
        took_ms: float,
        status: int,
        one: Pass | None,
        route: Route | None,
        error: SellerportError | None,
    ) -> None:
        """Take down one request; no I/O."""
        self._noted.append((time.time(), method, request_id, took_ms, status, one, route, error))
        if self._next is None:
            self._next = asyncio.get_running_loop().call_later(EVERY_S, self.write)
        elif len(self._noted) >= MOST:
            self.write()

    def write(self) -> None:
        """Write what was taken down."""
        noted, self._noted = self._noted, []
        if self._next is not None:
            self._next.cancel()
            self._next = None
        if not noted or not log.isEnabledFor(logging.INFO):
            return
        lines = [_line(one) for one in noted]
        for handler in logging.getLogger().handlers:
            if isinstance(handler, JsonHandler):
                handler.write(_encoder.encode_lines(lines).decode())
                continue
            for line in lines:
                said = {name: value for name in _SAID if (value := getattr(line, name)) is not None}
                handler.handle(log.makeRecord(log.name, logging.INFO, "", 0, "request", (), None, extra=said))


_Noted = tuple[float, str, str, float, int, Pass | None, Route | None, SellerportError | None]


def _line(noted: _Noted) -> _Line:
    at, method, request_id, took_ms, status, one, route, error = noted
    return _Line(
        "request",
        method,
        "(no operation)" if route is None else _PREFIX + route.operation.path,
        status,
        round(took_ms, 1),
        request_id,
        None if one is None else one.organization_id,
        None if one is None else one.seller_id,
        None if error is None else error.code,
        "info",
        log.name,
        datetime.fromtimestamp(at, UTC),
    )


_PREFIX = PREFIX.decode()
_encoder = msgspec.json.Encoder()
_SAID = ("method", "path", "status", "ms", "request_id", "organization", "seller", "error")
