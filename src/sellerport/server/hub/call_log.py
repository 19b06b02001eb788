"""The audit of calls that were passed through, and of who was let in: noted in memory, and written about once a second.

A record says which seller an organization called for, which operation, how Amazon or this server answered, in which
second, and how often: calls of one second that agree in all of that share a record. It holds nothing of a request or
an answer. The time of the record itself is when it was written.

A call is not held up for its record, nor refused for want of one: while the database is away, up to `MOST` records wait
in memory, and then no more are noted; how many calls were lost is logged. What a process did not write when it was
killed is lost too, at most about a second of it. Whatever changes a tenant, a seller or a grant is recorded in its own
transaction instead, or does not happen: see `changes`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import NamedTuple

from sellerport.errors import SellerportError
from sellerport.server.hub.changes import Change, Changes, Fact

log = logging.getLogger(__name__)

ACTION = "seller.called"
LET_IN = "authentication"
GATEWAY = "gateway"
"""The actor of what somebody did who has a seller's token and secret."""

EVERY_S = 1.0
AT_ONCE = 500
"""Records in one transaction."""
MOST = 20_000


_Call = tuple[str, str, str, int, int]
"""Organization, seller, operation, status and second; no named tuple, as making one costs more than noting it."""


class _Visit(NamedTuple):
    organization_id: str
    seller_id: str
    event: str
    address: str


class CallLog:
    """The calls of this process that are not written yet.

    Args:
        changes: writes records.
        clock: seconds since the epoch.
    """

    def __init__(self, changes: Changes, clock: Callable[[], float]) -> None:
        self._changes = changes
        self._clock = clock
        self._noted: dict[_Call | _Visit, int] = {}
        self._lost = 0
        self._next: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None
        self._closed = False
        self._one = asyncio.Lock()
        """Whoever writes: two at once would write the same."""

    def note(self, organization_id: str, seller_id: str, operation: str, status: int) -> None:
        """Note one call; no I/O, no exception.

        Args:
            organization_id, seller_id: whose.
            operation: its key in the catalogue.
            status: of the HTTP answer; 499 where the client left before it.
        """
        key = (organization_id, seller_id, operation, status, int(self._clock()))
        if key in self._noted:
            self._noted[key] += 1
        else:
            self._note(key)

    def let_in(self, organization_id: str, seller_id: str, address: str, *, good: bool) -> None:
        """Note that somebody came with a seller's token; no I/O, no exception.

        Args:
            organization_id, seller_id: whose it is.
            address: the IP address.
            good: whether the secret was the seller's too.
        """
        self._note(_Visit(organization_id, seller_id, "token_validated" if good else "secret_refused", address))

    def _note(self, key: _Call | _Visit) -> None:
        count = self._noted.get(key, 0)
        if not count and len(self._noted) >= MOST:
            self._lost += 1
            return
        self._noted[key] = count + 1
        if self._next is None:
            self._later()

    async def write(self) -> None:
        """Write what is noted.

        Raises:
            StoreError, VaultError: it cannot be written, and is noted still.
        """
        async with self._one:
            while self._noted:
                some = dict(list(self._noted.items())[:AT_ONCE])
                changes = [_change(key, count) for key, count in some.items()]
                async with self._changes.writing(*{key[0] for key in some}) as store:
                    await self._changes.note_all(store, GATEWAY, changes)
                for key, count in some.items():  # there may be more of them meanwhile
                    if self._noted[key] == count:
                        del self._noted[key]
                    else:
                        self._noted[key] -= count

    async def aclose(self) -> None:
        """Write what is noted, or say that it is lost."""
        self._closed = True
        if self._next is not None:
            self._next.cancel()
        if self._writing is not None:
            await self._writing
        await self._try()
        if self._noted:
            log.error("%d calls are not in the audit", sum(self._noted.values()))

    def _later(self) -> None:
        if not self._closed:
            self._next = asyncio.get_running_loop().call_later(EVERY_S, self._begin)

    def _begin(self) -> None:
        self._writing = asyncio.ensure_future(self._write_on())

    async def _write_on(self) -> None:
        await self._try()
        self._next = None
        if self._noted:
            self._later()

    async def _try(self) -> None:
        try:
            await self.write()
        except SellerportError as error:
            waiting = sum(self._noted.values())
            log.warning("the audit of %d calls waits: %s", waiting, error, extra={"calls": waiting})
        except Exception:  # and not the end of all writing
            log.exception("the audit of %d calls waits", sum(self._noted.values()))
        if self._lost:
            log.error("%d calls are not in the audit", self._lost)
            self._lost = 0


def _change(key: _Call | _Visit, count: int) -> Change:
    facts: dict[str, Fact]
    if isinstance(key, _Visit):
        organization, seller, event, address = key
        facts = {"event": event, "tokenType": "seller_access", "sellerId": seller, "tenantId": organization}
        return Change(organization, LET_IN, seller, {**facts, "ip": address})
    organization, seller, operation, status, second = key
    facts = {"operation": operation, "status": status, "calls": count, "second": second}
    return Change(organization, ACTION, seller, facts)
