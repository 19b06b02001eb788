"""Labels and files that orders have: sealed, each with a key of its own, and deleted when their time has come.

A label is kept until a week after it was first printed, and for a month at most; a file that was uploaded for a day;
and neither for a moment longer than until the order is called complete. What comes for an order after that, from
requests that were under way, is never given, and deleted with the next purge. With a document its data key goes,
without which nothing opens what copies of the database may have; the record of that in the audit chain stays.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, delete, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sellerport.errors import NotFound, StoreError, VaultError
from sellerport.server.hub.changes import Change, Changes
from sellerport.server.hub.mint import Mint
from sellerport.server.hub.records import SERVER
from sellerport.server.hub.sealed import key_place
from sellerport.server.store import Database, document_contents, documents, pii_orders, shipments
from sellerport.server.vault import Vault

DAY_S = 86_400.0
LABEL_S = 30 * DAY_S
"""How long after it was made a label is deleted, printed or not."""
PRINTED_S = 7 * DAY_S
"""How long after it was first printed."""
FILE_S = DAY_S
"""How long after it was uploaded a file is deleted."""
FACTS_S = 540 * DAY_S
"""How long is kept which shipments and orders there were: 18 months, as Amazon's Data Protection Policy has it."""

BATCH = 100
"""How many documents are deleted in one transaction."""

FILE = "file"
ANSWER = "answer"
"""What a carrier answered, without personal data: it is given again to whoever asks for the same again."""

_t = documents.c
_p = pii_orders.c
_complete = (
    select(_p.order_id)
    .where(_p.seller_id == _t.seller_id, _p.order_id == _t.order_id, _p.completed_at.is_not(None))
    .exists()
)

Sealed = tuple[dict[str, Any], bytes]
"""A document's row, and what is in it, sealed."""


@dataclass(frozen=True)
class New:
    """A document to keep."""

    content: bytes = field(repr=False)
    format: str
    kind: str


@dataclass(frozen=True)
class Document:
    """A document, without what is in it."""

    id: str
    order_id: str
    kind: str
    format: str
    sha256: str
    size: int

    def facts(self) -> dict[str, Any]:
        """Return what callers are told of it."""
        told = {"kind": self.kind, "format": self.format, "size": self.size, "sha256": self.sha256}
        return {"uuid": self.id, **told}


_COLUMNS = (_t.id, _t.order_id, _t.kind, _t.format, _t.sha256, _t.size)


class Documents:
    """The documents of every tenant. The database's clock says when their time has come."""

    def __init__(self, database: Database, vault: Vault, changes: Changes, mint: Mint) -> None:
        self._database = database
        self._vault = vault
        self._changes = changes
        self._mint = mint

    async def sealed(
        self, organization_id: str, seller_id: str, order_id: str, shipment_id: str | None, new: Sequence[New]
    ) -> list[Sealed]:
        """Seal documents, each with a new data key; return their rows, for `add`, and what was sealed.

        Raises:
            VaultUnavailable: the key-encryption key cannot be reached or used for now.
        """
        now, made = self._database.now(), []
        for one in new:
            row: dict[str, Any] = {
                "id": self._mint.id(),
                "organization_id": organization_id,
                "seller_id": seller_id,
                "order_id": order_id,
                "shipment_id": shipment_id,
                "kind": one.kind,
                "format": one.format,
                "sha256": hashlib.sha256(one.content).hexdigest(),
                "size": len(one.content),
                "created_at": now,
                "delete_after": now + (FILE_S if one.kind == FILE else LABEL_S),
            }
            key = await self._vault.new_key(key_place(documents, row))
            made.append(({**row, "sealed_key": key.sealed}, key.seal(one.content, _content_place(row))))
        return made

    async def known(self, organization_id: str, seller_id: str, shipment_id: str, ids: Sequence[str]) -> list[Document]:
        """Return documents of a shipment, in the order asked for.

        Raises:
            NotFound: one is not there, or not any more.
        """
        its = self._mine(organization_id, seller_id) & (_t.shipment_id == shipment_id) & (_t.kind != ANSWER)
        async with self._database.reading() as store:
            rows = (await store.execute(select(*_COLUMNS).where(its, _t.id.in_(ids)))).mappings()
        found = {row["id"]: Document(**row) for row in rows}
        if any(id not in found for id in ids):
            raise NotFound("Document not found")
        return [found[id] for id in ids]

    async def content(self, organization_id: str, seller_id: str, id: str) -> bytes:
        """Return what is in a document.

        Raises:
            NotFound: it is not there, or not any more.
            VaultError: it does not open.
        """
        wanted = select(documents, document_contents.c.sealed).join(document_contents)
        async with self._database.reading() as store:
            mine = self._mine(organization_id, seller_id) & (_t.id == id)
            row = (await store.execute(wanted.where(mine))).mappings().first()
        if row is None:
            raise NotFound("Document not found")
        key = await self._vault.open_key(row["sealed_key"], key_place(documents, row))
        return key.open(row["sealed"], _content_place(row))

    async def answer_of(self, organization_id: str, seller_id: str, shipment_id: str) -> bytes | None:
        """Return what a carrier answered; None if that is not kept any more."""
        its = self._mine(organization_id, seller_id) & (_t.shipment_id == shipment_id) & (_t.kind == ANSWER)
        async with self._database.reading() as store:
            id = await store.scalar(select(_t.id).where(its))
        return None if id is None else await self.content(organization_id, seller_id, id)

    async def file_of(self, organization_id: str, seller_id: str, order_id: str) -> str | None:
        """Return the id of an order's file."""
        its = self._file(organization_id, seller_id, order_id)
        async with self._database.reading() as store:
            id: str | None = await store.scalar(select(_t.id).where(its))
        return id

    async def write_file(self, organization_id: str, seller_id: str, order_id: str, content: bytes, actor: str) -> None:
        """Keep an order's file, in the place of the one before.

        Raises:
            VaultUnavailable, StoreError: it cannot be kept.
        """
        new = [New(content, "BIN", FILE)]
        (made,) = await self.sealed(organization_id, seller_id, order_id, None, new)
        await self._exchange(organization_id, self._file(organization_id, seller_id, order_id), "replaced", actor, made)

    async def delete_file(self, organization_id: str, seller_id: str, order_id: str, actor: str) -> bool:
        """Delete an order's file; return whether there was one."""
        its = self._file(organization_id, seller_id, order_id)
        return await self._exchange(organization_id, its, "asked for", actor) > 0

    async def purge(self) -> int:
        """Delete every document whose time has come; return how many. Several processes may at once.

        Raises:
            StoreError, VaultError: an organization's cannot be deleted, as when its audit is broken; all others' are.
        """
        late, purged, failed = (_t.delete_after <= await self._now()) | _complete, 0, None
        async with self._database.reading() as store:
            owners = sorted(set(await store.scalars(select(_t.organization_id).where(late).distinct())))
        for owner in owners:
            try:
                while count := await self._exchange(owner, late, "its time had come", SERVER):
                    purged += count
            except (StoreError, VaultError) as error:
                failed = error
        if failed is not None:
            raise failed
        return purged

    async def forget(self) -> int:
        """Delete what is known of shipments and orders longer ago than 18 months; return how many."""
        before, gone = await self._now() - FACTS_S, 0
        kept = select(_t.id).where(_t.shipment_id == shipments.c.id).exists()
        old = select(shipments.c.id).where(shipments.c.created_at <= before, ~kept).limit(BATCH)
        while True:
            async with self._database.writing() as store:
                ids = list(await store.scalars(old.with_for_update(skip_locked=True)))
                await store.execute(delete(shipments).where(shipments.c.id.in_(ids)))
                if len(ids) < BATCH:
                    # who waits for one of them might be waited for
                    past = select(_p.seller_id, _p.order_id).where(_p.created_at <= before)
                    past = past.with_for_update(skip_locked=True)
                    await store.execute(delete(pii_orders).where(tuple_(_p.seller_id, _p.order_id).in_(past)))
            gone += len(ids)
            if len(ids) < BATCH:
                return gone

    async def _now(self) -> float:
        """Return the database's time, as a number: no index helps with what may differ from row to row."""
        async with self._database.reading() as store:
            return float((await store.execute(select(self._database.now()))).scalar_one())

    async def _exchange(
        self, owner: str, old: ColumnElement[bool], why: str, actor: str, new: Sealed | None = None
    ) -> int:
        """Delete documents, `BATCH` at most, and keep one in their place; return how many went."""
        async with self._changes.writing(owner) as store:
            changes = await drop(store, old & (_t.organization_id == owner), why)
            gone = len(changes)
            if new is not None:
                row, _ = new
                await add(store, [new])
                facts = {"orderId": row["order_id"], "sellerId": row["seller_id"], "size": row["size"]}
                changes.append(Change(owner, "document.written", row["id"], facts))
            if changes:
                await self._changes.note_all(store, actor, changes)
        return gone

    def _file(self, organization_id: str, seller_id: str, order_id: str) -> ColumnElement[bool]:
        return self._mine(organization_id, seller_id) & (_t.order_id == order_id) & (_t.kind == FILE)

    def _mine(self, organization_id: str, seller_id: str) -> ColumnElement[bool]:
        whose = (_t.organization_id == organization_id) & (_t.seller_id == seller_id)
        return whose & (_t.delete_after > self._database.now()) & ~_complete


async def add(store: AsyncConnection, made: Sequence[Sealed]) -> None:
    """Write documents that were sealed."""
    for row, content in made:
        await store.execute(insert(documents).values(**row))
        await store.execute(insert(document_contents).values(document_id=row["id"], sealed=content))


async def drop(store: AsyncConnection, which: ColumnElement[bool], why: str) -> list[Change]:
    """Delete at most `BATCH` documents with their keys; return what to record of it.

    Documents are locked before the audit chain, wherever both are.
    """
    found = select(documents).where(which).order_by(_t.id).limit(BATCH).with_for_update()
    rows = (await store.execute(found)).mappings().all()
    ids = [row["id"] for row in rows]
    await store.execute(delete(document_contents).where(document_contents.c.document_id.in_(ids)))
    await store.execute(delete(documents).where(_t.id.in_(ids)))
    return [Change(row["organization_id"], "document.deleted", row["id"], _evidence(row, why)) for row in rows]


async def printed(store: AsyncConnection, shipment_id: str, first_at: float) -> None:
    """Let a shipment's documents be deleted a week after the first of them was printed."""
    later = (_t.shipment_id == shipment_id) & (_t.delete_after > first_at + PRINTED_S)
    locked = select(_t.id).where(later).order_by(_t.id).with_for_update()  # in the order of `drop`
    await store.execute(update(documents).where(_t.id.in_(locked)).values(delete_after=first_at + PRINTED_S))


def _evidence(row: RowMapping, why: str) -> dict[str, Any]:
    whose = {"orderId": row["order_id"], "sellerId": row["seller_id"], "shipmentId": row["shipment_id"]}
    return {**whose, "kind": row["kind"], "sha256": row["sha256"], "size": row["size"], "reason": why}


def _content_place(row: Any) -> tuple[str, ...]:
    return (documents.name, row["id"], "content", row["organization_id"])
