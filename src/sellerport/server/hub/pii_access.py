"""Personal data of orders, for tenants that may see it: who asked for which order's, how often, and where that ends.

An order's data is given once an hour. It is asked of Amazon each time, and kept nowhere; what is kept, in the audit
chain, is that it was asked for. An order that is blocked or complete has none any more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import RowMapping, case, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from sellerport.errors import CallerError, NotAllowed, NotFound, SellerportError, TooManyRequests
from sellerport.restricted import RestrictedTokens
from sellerport.server.hub import buyers
from sellerport.server.hub.buyers import Buyer
from sellerport.server.hub.changes import Change, Changes
from sellerport.server.hub.documents import DAY_S, drop
from sellerport.server.hub.passes import Pass
from sellerport.server.store import Database, documents, file_reads, pii_orders
from sellerport.wire import Wire

HOUR_S = 3600.0
FILES_A_DAY = 50
"""How often a tenant may read a file in 24 hours, from the first time on."""

LONGEST_AGENT = 200

_t = pii_orders.c
_f = file_reads.c


@dataclass(frozen=True)
class Visit:
    """Where a request came from, for the audit."""

    address: str
    agent: str
    endpoint: str

    def facts(self) -> dict[str, Any]:
        """Return what the audit says of it."""
        return {"ip": self.address, "userAgent": self.agent[:LONGEST_AGENT]}


class PiiAccess:
    """Who sees whose personal data.

    Args:
        database, changes: where it is written down.
        tokens: restricted data tokens.
        wire: what Amazon is asked through.
    """

    def __init__(
        self,
        database: Database,
        changes: Changes,
        tokens: RestrictedTokens,
        wire: Wire,
    ) -> None:
        self._database = database
        self._changes = changes
        self._tokens = tokens
        self._wire = wire

    async def get(self, one: Pass, order_id: str, visit: Visit) -> Buyer:
        """Return where an order goes, once an hour.

        Raises:
            NotAllowed: it is blocked, or complete.
            TooManyRequests: it was returned within the last hour.
            NotFound, AmazonError, TokenError: as `buyers.look_up`; that does not count.
        """
        before = await self._begin(one, order_id, visit)
        try:
            buyer = await self.look_up(one, order_id)
        except SellerportError:
            await self._end(one, order_id, visit, success=False, accessed_at=before)
            raise
        await self._end(one, order_id, visit, success=True)
        return buyer

    async def look_up(self, one: Pass, order_id: str) -> Buyer:
        """Return where an order goes, for something that is done with it here.

        Raises: as `buyers.look_up`.
        """
        return await buyers.look_up(self._wire, self._tokens, one, order_id)

    async def allow(self, one: Pass, order_id: str) -> None:
        """Let something be done with an order's personal data, unless it is blocked or complete.

        Raises:
            NotAllowed: it is.
        """
        await self.need_open(one.seller_id, order_id)

    async def show(self, one: Pass, order_id: str, visit: Visit, action: str) -> None:
        """Let personal data be given as it is, and write that down.

        Args:
            one: whose request it is.
            order_id: whose personal data.
            visit: where the request came from.
            action: what the audit calls it.

        Raises:
            NotAllowed: the tenant may not see personal data, or the order is blocked or complete.
        """

        def decide(row: RowMapping) -> _Entry:
            return _access(one, row, visit, action, success=one.personal and not _is_shut(row))

        row, _ = await self._write(one, order_id, decide)
        if not one.personal:
            raise NotAllowed("PII access requires Enterprise compliance")
        if _is_shut(row):
            raise _blocked()

    async def block(self, one: Pass, order_id: str, visit: Visit) -> None:
        """Let nobody have an order's personal data any more; its documents stay."""

        def decide(row: RowMapping) -> _Entry:
            since = row["blocked_at"] or self._database.now()
            return _access(one, row, visit, "blockPII", success=True, blocked_at=since)

        await self._write(one, order_id, decide)

    async def complete(self, one: Pass, order_id: str, visit: Visit) -> int:
        """Call an order complete: nobody has its personal data any more, and its documents go at once.

        Returns: how many documents went.
        """

        def decide(row: RowMapping) -> _Entry:
            since = row["completed_at"] or self._database.now()
            return _access(one, row, visit, "completeOrder", success=True, completed_at=since)

        _, gone = await self._write(one, order_id, decide, shred=True)
        return gone

    async def need_open(self, seller_id: str, order_id: str) -> None:
        """Let something be written for an order, unless it is blocked or complete.

        Raises:
            NotAllowed: it is.
        """
        async with self._database.reading() as store:
            mine = (_t.seller_id == seller_id) & (_t.order_id == order_id)
            row = (await store.execute(select(pii_orders).where(mine))).mappings().first()
        if row is not None and _is_shut(row):
            raise _blocked()

    async def need_recent(self, one: Pass, order_id: str) -> None:
        """Let a file of an order be written only by whoever had its personal data lately.

        Raises:
            NotAllowed: nobody had it within the last hour, or the order is blocked or complete.
        """
        row = await self._row(one, order_id)
        if row is not None and _is_shut(row):
            raise _blocked()
        if row is None or row["since"] is None or row["since"] >= HOUR_S:
            raise NotAllowed("no PII of this order was accessed within the last hour")

    async def count_read(self, one: Pass, visit: Visit) -> None:
        """Count a file that a tenant reads.

        Raises:
            TooManyRequests: these were all for today.
        """
        now, left = self._database.now(), None
        over = _f.begun_at <= now - DAY_S
        values = {"begun_at": case((over, now), else_=_f.begun_at), "reads": case((over, 1), else_=_f.reads + 1)}
        mine = _f.organization_id == one.organization_id
        async with self._changes.writing(one.organization_id) as store:
            if await store.scalar(select(_f.reads).where(mine)) is None:
                await _insert(
                    store, insert(file_reads).values(organization_id=one.organization_id, begun_at=now, reads=0)
                )
            some = mine & (over | (_f.reads < FILES_A_DAY))
            if (await store.execute(update(file_reads).where(some).values(values))).rowcount == 0:
                left = await store.scalar(select(_f.begun_at + DAY_S - now).where(mine))
                if left is None:
                    raise _gone()
                facts = {**_exceeded(one, visit), "orderId": None}
                await self._changes.note_all(
                    store, actor(one), [Change(one.organization_id, "security", one.seller_id, facts)]
                )
        if left is not None:
            raise TooManyRequests(f"{FILES_A_DAY} files were read in 24 hours", retry_after=left, limit=FILES_A_DAY)

    async def _begin(self, one: Pass, order_id: str, visit: Visit) -> float | None:
        """Take an order's turn of this hour; return when the one before was.

        Raises: as `get`.
        """

        def decide(row: RowMapping) -> _Entry:
            if _is_shut(row):
                return _access(one, row, visit, "getPII", success=False)
            if _is_late(row):
                return _Entry("security", {**_exceeded(one, visit), "orderId": order_id})
            return _access(one, row, visit, "getPII", success=None, accessed_at=self._database.now())

        row, _ = await self._write(one, order_id, decide)
        if _is_shut(row):
            raise _blocked()
        if _is_late(row):
            message, left = "PII for this order was accessed within the last hour", HOUR_S - row["since"]
            raise TooManyRequests(message, retry_after=left, limit=1)
        before: float | None = row["accessed_at"]
        return before

    async def _end(
        self, one: Pass, order_id: str, visit: Visit, *, success: bool, accessed_at: float | None = None
    ) -> None:
        """Write down what became of it, and let what failed be asked for again."""

        def decide(row: RowMapping) -> _Entry:
            if not success:
                return _access(one, row, visit, "getPII", success=False, accessed_at=accessed_at)
            return _access(one, row, visit, "getPII", success=True, access_count=row["access_count"] + 1)

        await self._write(one, order_id, decide)

    async def _write(
        self, one: Pass, order_id: str, decide: Callable[[RowMapping], _Entry], *, shred: bool = False
    ) -> tuple[RowMapping, int]:
        """Write down what becomes of an order; return how it was before, and how many of its documents went.

        Args:
            one, order_id: whose it is.
            decide: returns what to write, told what is known of the order.
            shred: whether its documents go.
        """
        owner = one.organization_id
        its = (documents.c.organization_id == owner) & (documents.c.seller_id == one.seller_id)
        async with self._changes.writing(owner) as store:
            row = await self._hold(store, one, order_id)
            entry, gone = decide(row), list[Change]()
            if entry.values:
                await store.execute(update(pii_orders).where(_order(one, order_id)).values(entry.values))
            while shred and (some := await drop(store, its & (documents.c.order_id == order_id), "order complete")):
                gone += some
            done = Change(owner, entry.action, order_id, entry.facts)
            await self._changes.note_all(store, actor(one), [*gone, done])
        return row, len(gone)

    async def _hold(self, store: AsyncConnection, one: Pass, order_id: str) -> RowMapping:
        """Return an order's row, which nobody else changes until the transaction ends; make it if need be.

        It is locked before the audit chain, wherever both are.
        """
        mine = self._wanted(one, order_id).with_for_update()
        row = (await store.execute(mine)).mappings().first()
        if row is None:
            new = {"seller_id": one.seller_id, "order_id": order_id, "organization_id": one.organization_id}
            await _insert(store, insert(pii_orders).values(**new, created_at=self._database.now()))
            row = (await store.execute(mine)).mappings().first()
            if row is None:
                raise _gone()
        return row

    async def _row(self, one: Pass, order_id: str) -> RowMapping | None:
        async with self._database.reading() as store:
            return (await store.execute(self._wanted(one, order_id))).mappings().first()

    def _wanted(self, one: Pass, order_id: str) -> Any:
        since = (self._database.now() - _t.accessed_at).label("since")
        return select(pii_orders, since).where(_order(one, order_id))


async def _insert(store: AsyncConnection, statement: Any) -> None:
    try:
        async with store.begin_nested():
            await store.execute(statement)
    except IntegrityError:  # somebody else did at the same moment, or deleted the organization
        pass


def _gone() -> NotFound:
    return NotFound("Seller not found")


def actor(one: Pass) -> str:
    """Return how the audit calls whoever sends a seller's token."""
    return f"seller:{one.seller_id}"


def need_order_id(order_id: str) -> str:
    """Return an order's id.

    Raises:
        CallerError: it is none.
    """
    groups = order_id.split("-")
    if [len(group) for group in groups] != [3, 7, 7] or not all(one.isascii() and one.isdecimal() for one in groups):
        raise CallerError("Invalid order ID")
    return order_id


def _order(one: Pass, order_id: str) -> Any:
    return (_t.seller_id == one.seller_id) & (_t.order_id == order_id)


def _is_shut(row: Mapping[str, Any] | RowMapping) -> bool:
    return row["blocked_at"] is not None or row["completed_at"] is not None


def _blocked() -> NotAllowed:
    return NotAllowed("PII access blocked for this order")


def _is_late(row: RowMapping) -> bool:
    return row["since"] is not None and row["since"] < HOUR_S


@dataclass(frozen=True)
class _Entry:
    """What is written down: in the audit, and of the order."""

    action: str
    facts: dict[str, Any]
    values: dict[str, Any] = field(default_factory=dict)


def _access(one: Pass, row: RowMapping, visit: Visit, action: str, *, success: bool | None, **values: Any) -> _Entry:
    """Return what is written down of an access, in the contract's words; success is None where it is only begun."""
    facts = {
        "orderId": row["order_id"],
        "sellerId": one.seller_id,
        "tenantId": one.organization_id,
        "action": action,
        "success": success,
        **visit.facts(),
        "accessCount": values.get("access_count", row["access_count"]),
        "isBlocked": _is_shut({**row, **values}),
    }
    return _Entry("pii_access", facts, values)


def _exceeded(one: Pass, visit: Visit) -> dict[str, Any]:
    return {
        "event": "rate_limit_exceeded",
        "ip": visit.address,
        "endpoint": visit.endpoint,
        "sellerId": one.seller_id,
        "tenantId": one.organization_id,
    }
