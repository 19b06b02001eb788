"""Faults on demand: what a test or a person asks the local Amazon to do wrong with the next requests.

* an answer with any status, its body as Amazon writes it (``json``), a page from something in between (``html``), or
  nothing (``empty``);
* ``reset``: the connection ends with a TCP reset before a byte of the answer. ASGI has no word for that, so the server
  in `serving` hands each request a function that does it, as the ASGI extension ``sellerport.reset``. Under another
  server the application raises instead, which ends the connection or answers 500, as that server does it;
* ``silence``: nothing comes until the client gives up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from fnmatch import fnmatchcase
from typing import Any, Literal

import msgspec

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

RESET = "sellerport.reset"


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to do with the next ``times`` requests whose method, host and path match these patterns (``*`` and ``?``).

    ``path`` is the raw path on Amazon's host, without the host and the query; ``host`` is empty where a request names
    none of Amazon's. ``code``, ``message`` and ``details`` replace what Amazon says for the status.
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

    def __post_init__(self) -> None:
        if self.times < 1:
            raise ValueError("times must be at least 1")
        if not 200 <= self.status <= 599:
            raise ValueError("status must be from 200 to 599")

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
