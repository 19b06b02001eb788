"""Shipments that labels were bought for: each is known by the caller's own name for it, and asked of a carrier once."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from sellerport.errors import CallerError, CarrierFailed, Conflict, NotFound, OutcomeUnknown
from sellerport.server.hub.changes import Change, Changes, Fact
from sellerport.server.hub.documents import ANSWER, Document, Documents, New, add
from sellerport.server.hub.mint import Mint
from sellerport.server.hub.passes import Pass
from sellerport.server.hub.pii_access import actor
from sellerport.server.store import Database, documents, shipments

CLAIM_S = 300.0
"""How long an attempt holds a shipment: longer than Amazon and a carrier may take together."""

LONGEST_NAME = 200

_t = shipments.c


@dataclass(frozen=True)
class Claim:
    """An attempt under way."""

    shipment_id: str
    id: str
    bought: bool
    """Whether one before it may have bought a label."""


@dataclass(frozen=True)
class Kept:
    """A shipment's documents, as callers are told of them."""

    shipment_id: str
    documents: list[Document]


class Shipments:
    """The shipments of every tenant."""

    def __init__(
        self,
        database: Database,
        changes: Changes,
        documents: Documents,
        mint: Mint,
    ) -> None:
        self._database = database
        self._changes = changes
        self._documents = documents
        self._mint = mint

    async def claim(self, one: Pass, order_id: str, name: str, body: bytes, *, again: bool) -> Claim | str:
        """Begin to ask a carrier; return the attempt, or the id of the shipment that was answered already.

        Args:
            one, order_id, name: whose it is.
            body: what is asked for.
            again: whether to ask once more where an attempt before ended nobody knows how.

        Raises:
            Conflict: it was asked for with another body or for another order, or is being asked for.
            OutcomeUnknown: an attempt before may have bought a label.
        """
        claim, wanted = self._mint.id(), hashlib.sha256(body).hexdigest()
        now = self._database.now()
        async with self._database.writing() as store:
            row = await self._hold(store, one, order_id, name)
            if row["order_id"] != order_id or row["body_hash"] not in (None, wanted):
                raise _taken()
            if row["answered_at"] is not None:
                id: str = row["id"]
                return id
            if row["claim"] is not None and row["left"] > 0:
                raise Conflict("this shipment is being forwarded; wait for its answer")
            if row["body_hash"] is not None and not again:
                raise OutcomeUnknown
            values = {"body_hash": wanted, "claim": claim, "claimed_until": now + CLAIM_S}
            await store.execute(update(shipments).where(_t.id == row["id"]).values(values))
        return Claim(row["id"], claim, bought=row["body_hash"] is not None)

    async def release(self, claim: Claim) -> None:
        """End an attempt that sent nothing."""
        async with self._database.writing() as store:
            await _free(store, claim, bought=claim.bought)

    async def failed(self, one: Pass, order_id: str, claim: Claim, carrier: str, failed: CarrierFailed) -> None:
        """Write down that a carrier was sent an address, and let it be asked again, unless a label may be bought.

        Args:
            one, order_id, claim: whose it is.
            carrier: which carrier it was.
            failed: what came of it.
        """

        async def write(store: AsyncConnection) -> tuple[str, int]:
            await _free(store, claim, bought=claim.bought or failed.outcome == "unknown")
            return claim.shipment_id, 0

        facts = {"carrierStatus": failed.carrier_status, "outcome": failed.outcome}
        await self._write(one, order_id, carrier, write, failed=True, **facts)

    async def answered(
        self,
        one: Pass,
        order_id: str,
        claim: Claim,
        new: Sequence[New],
        answer: Callable[[list[str]], bytes],
        carrier: str,
    ) -> bytes:
        """Keep what a carrier answered; return what is kept of it for who asks again.

        Args:
            one, order_id, claim: whose it is.
            new: the documents.
            answer: returns what to keep of the rest, told the documents' ids.
            carrier: which it was, for the audit.

        Raises:
            StoreError, VaultError: it cannot be kept.
        """
        owner, seller, id = one.organization_id, one.seller_id, claim.shipment_id
        made = await self._documents.sealed(owner, seller, order_id, id, new)
        kept = New(answer([row["id"] for row, _ in made]), "JSON", ANSWER)
        made += await self._documents.sealed(owner, seller, order_id, id, [kept])
        values = {"claim": None, "claimed_until": None, "answered_at": self._database.now()}

        async def write(store: AsyncConnection) -> tuple[str, int]:
            await store.execute(update(shipments).where(_t.id == id).values(values))
            await add(store, made)
            return id, len(new)

        await self._write(one, order_id, carrier, write)
        return kept.content

    async def keep(self, one: Pass, order_id: str, name: str, new: Sequence[New]) -> Kept:
        """Keep documents that Amazon answered with; one that is kept for this shipment already is the same document.

        Raises:
            Conflict: the shipment is for another order.
            StoreError, VaultError: they cannot be kept.
        """
        made = await self._documents.sealed(one.organization_id, one.seller_id, order_id, None, new)
        known: dict[str, Document] = {}

        async def write(store: AsyncConnection) -> tuple[str, int]:
            # two that keep the same document keep it once: the shipment is held
            shipment = await self._hold(store, one, order_id, name)
            if shipment["order_id"] != order_id:
                raise _taken()
            its = (documents.c.shipment_id == shipment["id"]) & (documents.c.delete_after > self._database.now())
            rows = (await store.execute(select(documents).where(its))).mappings().all()
            known.update({row["sha256"]: _document(row) for row in rows})
            fresh = {row["sha256"]: (row, content) for row, content in made if row["sha256"] not in known}
            for row, _ in fresh.values():
                row["shipment_id"] = shipment["id"]
                known[row["sha256"]] = _document(row)
            await add(store, list(fresh.values()))
            return shipment["id"], len(fresh)

        id = await self._write(one, order_id, "amazon", write)
        return Kept(id, [known[row["sha256"]] for row, _ in made])

    async def _write(
        self,
        one: Pass,
        order_id: str,
        carrier: str,
        write: Callable[[AsyncConnection], Awaitable[tuple[str, int]]],
        **more: Fact,
    ) -> str:
        """Write something of a shipment, and record it; return its id.

        Args:
            one, order_id: whose it is.
            carrier: whose label it is.
            write: writes it, and returns the shipment's id and how many documents it has more.
            more: what else the record says.
        """
        owner = one.organization_id
        async with self._changes.writing(owner) as store:
            id, created = await write(store)
            facts: dict[str, Fact] = {"amazonOrderId": order_id, "shipmentId": id, "carrier": carrier}
            facts |= {"sellerId": one.seller_id, "tenantId": owner, "documentsCreated": created, **more}
            await self._changes.note_all(store, actor(one), [Change(owner, "label_proxy", id, facts)])
        return id

    async def need_same(self, one: Pass, order_id: str, name: str) -> None:
        """Let something be sent for a shipment, unless its name is another order's.

        Raises:
            Conflict: it is.
        """
        mine = (_t.seller_id == one.seller_id) & (_t.name == name) & (_t.order_id != order_id)
        async with self._database.reading() as store:
            if await store.scalar(select(_t.id).where(mine)) is not None:
                raise _taken()

    async def find(self, one: Pass, id: str) -> RowMapping:
        """Return a shipment.

        Raises:
            NotFound: the seller has none with this id.
        """
        mine = (_t.id == id) & (_t.organization_id == one.organization_id) & (_t.seller_id == one.seller_id)
        async with self._database.reading() as store:
            row = (await store.execute(select(shipments).where(mine))).mappings().first()
        if row is None:
            raise _unknown()
        return row

    async def _hold(self, store: AsyncConnection, one: Pass, order_id: str, name: str) -> RowMapping:
        """Return a shipment, which nobody else changes until the transaction ends; make it if need be."""
        left = (_t.claimed_until - self._database.now()).label("left")
        mine = select(shipments, left).where(_t.seller_id == one.seller_id, _t.name == name).with_for_update()
        row = (await store.execute(mine)).mappings().first()
        if row is None:
            values = {
                "id": f"ship_{self._mint.id()}",
                "organization_id": one.organization_id,
                "seller_id": one.seller_id,
                "order_id": order_id,
                "name": name,
                "created_at": self._database.now(),
            }
            try:
                async with store.begin_nested():
                    await store.execute(insert(shipments).values(values))
            except IntegrityError:  # another request began it at the same moment, or its organization was deleted
                pass
            row = (await store.execute(mine)).mappings().first()
            if row is None:
                raise _unknown()
        return row


def _unknown() -> NotFound:
    return NotFound("Shipment not found")


def _taken() -> Conflict:
    return Conflict("x-unique-shipment-id was used for another shipment")


def need_name(name: str) -> str:
    """Return the caller's name for a shipment.

    Raises:
        CallerError: it is too long.
    """
    if len(name) > LONGEST_NAME:
        raise CallerError(f"x-unique-shipment-id must have at most {LONGEST_NAME} characters")
    return name


async def _free(store: AsyncConnection, claim: Claim, *, bought: bool) -> None:
    mine = (_t.id == claim.shipment_id) & (_t.claim == claim.id)
    kept = select(documents.c.id).where(documents.c.shipment_id == _t.id).exists()
    free: dict[str, Any] = {"claim": None, "claimed_until": None}
    if bought:
        await store.execute(update(shipments).where(mine).values(free))
    elif (await store.execute(delete(shipments).where(mine, ~kept))).rowcount == 0:
        await store.execute(update(shipments).where(mine).values(free | {"body_hash": None}))


def _document(row: Any) -> Document:
    return Document(row["id"], row["order_id"], row["kind"], row["format"], row["sha256"], row["size"])
