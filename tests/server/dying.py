"""A server that kills itself in the middle of a consent, in a process of its own."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection as Pipe
from typing import Any

from sellerport import oauth
from sellerport.server.app import serve
from sellerport.server.hub.changes import Changes
from sellerport.server.hub.consent_rows import ConsentRows
from sellerport.server.hub.journal import Entry
from sellerport.server.settings import Settings


def serve_until(point: str, settings: Settings, pipe: Pipe) -> None:
    """Serve, and die at a point; say the address through a pipe."""
    match point:
        case "before state insert":
            _before(ConsentRows, "insert")
        case "after state delete":
            _after(ConsentRows, "claim")
        case "after code exchange":
            _after(oauth, "exchange_code")
        case "after journal write":
            write = Entry.write
            Entry.write = lambda entry, came: (write(entry, came), _die())  # type: ignore[method-assign]
        case "before commit":
            _before(Changes, "note", lambda self, store, organization, action, *_: action == "connection.created")
        case "after commit":
            Entry.remove = lambda entry: _die()  # type: ignore[method-assign]
    serve(settings, pipe.send)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _before(owner: Any, name: str, when: Callable[..., bool] = lambda *given: True) -> None:
    original = getattr(owner, name)

    async def dying(*given: Any, **named: Any) -> Any:
        if when(*given):
            _die()
        return await original(*given, **named)

    setattr(owner, name, dying)


def _after(owner: Any, name: str) -> None:
    original = getattr(owner, name)

    async def dying(*given: Any, **named: Any) -> None:
        await original(*given, **named)
        _die()

    setattr(owner, name, dying)
