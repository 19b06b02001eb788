"""What a server does without being asked: it finishes what was left in the journal, and refreshes tokens early."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from sellerport.server.hub.hub import Hub

log = logging.getLogger(__name__)

EVERY_S = 15.0

Pause = Callable[[float], Awaitable[object]]


@asynccontextmanager
async def kept_up(hub: Hub, pause: Pause = asyncio.sleep) -> AsyncIterator[None]:
    """Look after a hub for the length of an ``async with``; any number of processes may, of the same database.

    Args:
        hub: whose.
        pause: waits so many seconds.
    """
    task = asyncio.create_task(_keep_up(hub, pause))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _keep_up(hub: Hub, pause: Pause) -> None:
    while True:
        for work in (hub.recover, hub.tokens.refresh_due, hub.held.drop_late):
            try:
                await work()
            except Exception:  # nobody is above who could take it, and the next round may go well
                log.exception("upkeep failed; it is tried again in %.0f s", EVERY_S)
        await pause(EVERY_S)
