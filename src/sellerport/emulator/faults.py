"""Faults on demand: what a test or a person asks the local Amazon to do wrong with the next requests.

* an answer with any status, its body as Amazon writes it (``json``), a page from something in between (``html``), or
  nothing (``empty``); or with a body of the test's own, since Amazon's APIs write errors in more than one way;
* ``reset``: the connection ends with a TCP reset before a byte of the answer. ASGI has no word for that, so the server
  in `serving` hands each request a function that does it, as the ASGI extension ``sellerport.reset``. Under another
  server the application raises instead, which ends the connection or answers 500, as that server does it;
* ``silence``: nothing comes until the client gives up.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from fnmatch import fnmatchcase
from typing import Any, Literal

import msgspec

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

RESET = "sellerport.reset"
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to do with the next ``times`` requests whose method, host and path match these patterns (``*`` and ``?``).

    ``path`` is the raw path on Amazon's host, without the host and the query; ``host`` is empty where a request names
    none of Amazon's. ``code``, ``message`` and ``details`` replace what Amazon says for the status. ``headers`` come
    with the answer, whatever it is, and take the place of those it would have.
    """

    times: int = 1
    method: str = "*"
    host: str = "*"
    path: str = "*"
    answer: Literal["json", "html", "empty", "reset", "silence"] = "json"
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
        if self.times < 1:
            raise ValueError("times must be at least 1")
        if not 200 <= self.status <= 599:
            raise ValueError("status must be from 200 to 599")
        if self.body is not None and self.answer != "json":
            raise ValueError(f"body cannot be given with an answer of {self.answer!r}")
        for name, value in self.headers.items():
            if not HEADER_NAME.fullmatch(name) or not HEADER_VALUE.fullmatch(value):
                raise ValueError(f"headers: {name!r} cannot be sent")

    def matches(self, method: str, host: str, path: str) -> bool:
        """Whether a request is meant."""
        return (
            fnmatchcase(method, self.method.upper()) and fnmatchcase(host, self.host) and fnmatchcase(path, self.path)
        )


HTML = b"<html>\r\n<head><title>%d</title></head>\r\n<body>\r\n<center><h1>%d</h1></center>\r\n</body>\r\n</html>\r\n"


async def reset(scope: Scope, receive: Receive) -> None:
    """End the connection with a TCP reset."""
    how = (scope.get("extensions") or {}).get(RESET)
    if how is None:
        raise ConnectionResetError("a fault was planned for this request, and the server cannot reset connections")
    how["reset"]()
    await silence(receive)


async def silence(receive: Receive) -> None:
    """Answer nothing until the client gives up."""
    while (await receive())["type"] != "http.disconnect":
        pass
