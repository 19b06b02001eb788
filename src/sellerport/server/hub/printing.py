"""Documents on their way to a printer: the tenant's device hub gets them, and nobody else."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import func, select, update

from sellerport.errors import CallerError, CarrierFailed, InvalidArguments, NoAnswer
from sellerport.server.hub import outward
from sellerport.server.hub.changes import Changes
from sellerport.server.hub.documents import Document, Documents, printed
from sellerport.server.hub.egress import Egress
from sellerport.server.hub.mint import Mint
from sellerport.server.hub.passes import Pass
from sellerport.server.hub.pii_access import actor
from sellerport.server.hub.shipments import Shipments
from sellerport.server.store import Database, shipments, tenants

HUB_S = 10.0
"""How long a device hub may take, in seconds."""

MOST = 20
"""Documents in one job."""

LARGEST_JOB = 20 * 1024 * 1024
"""Bytes of them together."""

JOBS = "/api/print"
"""Where below its address a device hub takes jobs."""

_t = shipments.c


@dataclass(frozen=True)
class Job:
    """What is to be printed where."""

    shipment_id: str
    printer_type: str
    printer_id: str
    documents: Sequence[str]


class Printing:
    """Sends documents to device hubs."""

    def __init__(
        self, database: Database, changes: Changes, documents: Documents, shipments: Shipments, mint: Mint
    ) -> None:
        self._database = database
        self._changes = changes
        self._documents = documents
        self._shipments = shipments
        self._mint = mint
        self._egress = Egress(private=True)  # an operator registered the address, which is in a warehouse

    async def send(self, one: Pass, job: Job) -> dict[str, Any]:
        """Have documents printed; return what became of it.

        Raises:
            CallerError: the tenant has no device hub, or the documents are too large together (413).
            NotFound: the shipment or a document is not there, or not any more.
            CarrierFailed: the device hub refused, or did not answer.
        """
        address = await self._hub_of(one.organization_id)
        owner, seller = one.organization_id, one.seller_id
        shipment = await self._shipments.find(one, job.shipment_id)
        found = await self._documents.known(owner, seller, shipment["id"], job.documents)
        if sum(document.size for document in found) > LARGEST_JOB:
            refused = CallerError(f"the documents have more than {LARGEST_JOB} bytes; print them one by one")
            refused.status = 413
            raise refused
        contents = [await self._documents.content(owner, seller, document.id) for document in found]
        await self._post(address, self._message(job, list(zip(found, contents, strict=True))))
        return await self._count(one, job)

    async def _hub_of(self, organization_id: str) -> str:
        mine = select(tenants.c.device_hub).where(tenants.c.organization_id == organization_id)
        async with self._database.reading() as store:
            address: str | None = await store.scalar(mine)
        if address is None:
            raise CallerError("Device Hub not configured")
        return address.rstrip("/")

    def _message(self, job: Job, found: list[tuple[Document, bytes]]) -> bytes:
        message = {
            "job_id": self._mint.id(),
            "shipment_id": job.shipment_id,
            "printer_type": job.printer_type,
            "printer_id": job.printer_id,
            "documents": [
                {**document.facts(), "content": base64.b64encode(content).decode()} for document, content in found
            ],
        }
        return msgspec.json.encode(message)

    async def _post(self, address: str, body: bytes) -> None:
        headers, url = {"content-type": "application/json", "accept": "application/json"}, f"{address}{JOBS}"
        try:
            place = self._egress.check(url, "device_hub")
            answer = await outward.send(self._egress, place, url, headers, body, within_s=HUB_S)
        except InvalidArguments:
            raise CallerError("Device Hub not configured") from None
        except NoAnswer as error:
            raise CarrierFailed("Device Hub error", sent=error.sent) from error
        if not 200 <= answer.status < 300:
            raise CarrierFailed("Device Hub error", carrier_status=answer.status)

    async def _count(self, one: Pass, job: Job) -> dict[str, Any]:
        mine, now = _t.id == job.shipment_id, self._database.now()
        async with self._changes.writing(one.organization_id) as store:
            before = await store.scalar(select(_t.first_printed_at).where(mine).with_for_update())
            values = {"print_count": _t.print_count + 1, "first_printed_at": func.coalesce(_t.first_printed_at, now)}
            await store.execute(update(shipments).where(mine).values(values))
            row = (await store.execute(select(_t.print_count, _t.first_printed_at).where(mine))).one()
            await printed(store, job.shipment_id, row.first_printed_at)
            facts = {
                "shipmentId": job.shipment_id,
                "printCount": row.print_count,
                "isReprint": before is not None,
                "printerType": job.printer_type,
                "printerId": job.printer_id,
                "documentsCount": len(job.documents),
                "sellerId": one.seller_id,
                "tenantId": one.organization_id,
            }
            await self._changes.note(store, one.organization_id, "print", job.shipment_id, actor(one), **facts)
        told = {
            "status": "sent",
            "shipment_id": job.shipment_id,
            "documents_sent": len(job.documents),
            "print_count": row.print_count,
            "is_reprint": before is not None,
        }
        return told if before is None else {**told, "warning": f"Reprint detected. First printed: {_moment(before)}"}


def _moment(when: float) -> str:
    """Return a time as the contract writes it: ``2024-01-15T10:30:00.000Z``."""
    return datetime.fromtimestamp(when, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
