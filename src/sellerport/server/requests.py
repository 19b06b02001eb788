"""What routes of every door do with a request: the hub it came with, its body, and a client that leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

from sellerport.errors import CallerError
from sellerport.server.hub import Hub

T = TypeVar("T")

LARGEST_BODY = 1 << 20
BODY_S = 30.0
"""How long a body may take."""


def hub_of(request: Request) -> Hub:
    """Return the hub that `Edge` gave the request."""
    hub: Hub = request.state.hub
    return hub


async def read_body(request: Request, most: int = LARGEST_BODY) -> bytes:
    """Return the body of a request.

    Raises:
        CallerError: it is larger than ``most`` bytes (413), or takes longer than `BODY_S` (408).
    """
    received = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in request.stream():
                received += chunk
                if len(received) > most:
                    raise _refused(413, f"the body is larger than {most} bytes")
    except TimeoutError:
        raise _refused(408, f"the body did not come within {BODY_S:g} s") from None
    return bytes(received)


async def as_long_as_wanted(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Do something for a client, whose request was read to its end, until it is done or the client leaves.

    Raises:
        ClientDisconnect: the client left.
    """
    doing, leaving = asyncio.ensure_future(work), asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait([doing, leaving], return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise ClientDisconnect
        return doing.result()
    finally:
        doing.cancel()
        leaving.cancel()
        await asyncio.gather(doing, leaving, return_exceptions=True)


def _refused(status: int, why: str) -> CallerError:
    error = CallerError(why)
    error.status = status
    return error
