"""Invoices 2024-06-19: exports, whose documents are ZIP files at addresses that live for half a minute.

Everything else of this API is invented.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

from sellerport.emulator import documents
from sellerport.emulator.call import Answer, Call
from sellerport.emulator.documents import Content
from sellerport.emulator.jobs import Job, Status
from sellerport.emulator.report_contents import sold

LIFE_S = 30
MOST = 5
"""How many invoices an export holds."""

STATUSES: Mapping[Status, str] = {
    "IN_QUEUE": "REQUESTED", "IN_PROGRESS": "PROCESSING", "DONE": "DONE", "CANCELLED": "ERROR", "FATAL": "ERROR",
}  # fmt: skip


def create_invoices_export(call: Call) -> Answer:
    """Ask for invoices of a marketplace."""
    return Answer({"exportId": documents.create(call, "export", "invoices", asked=call.checked_body()).id}, 202)


def get_invoices_export(call: Call) -> Answer:
    """Return how far an export is."""
    job = documents.find(call, "export", call.path["exportId"])
    documents.poll(call, job, _zip, lambda call, job: None, without_data=job.outcome.status)
    found: dict[str, Any] = {
        "exportId": job.id,
        "status": STATUSES[job.status],
        "invoicesDocumentIds": [job.document] if job.document else [],
    }
    times = {"generateExportStartedAt": job.started, "generateExportFinishedAt": job.ended}
    found |= {name: documents.moment(when) for name, when in times.items() if when is not None}
    if found["status"] == "ERROR":
        found["errorMessage"] = "The export could not be made."
    return Answer({"export": found})


def get_invoices_document(call: Call) -> Answer:
    """Return where an export's file is."""
    found = documents.document(call, "export", call.path["invoicesDocumentId"])
    url = documents.address(call, found, life_s=LIFE_S)
    return Answer({"invoicesDocument": {"invoicesDocumentId": found.id, "invoicesDocumentUrl": url}})


def _zip(call: Call, job: Job) -> Content:
    orders = sold(call, {"marketplaceIds": [job.asked["marketplaceId"]]})[:MOST]
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for order in orders:
            text = f"<?xml version='1.0' encoding='UTF-8'?>\n<invoice><order>{order.id}</order></invoice>\n"
            archive.writestr(zipfile.ZipInfo(f"{order.id}.xml", (2026, 1, 1, 0, 0, 0)), text)
    return Content(made.getvalue(), "application/zip")


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    "invoices_2024_06_19.create_invoices_export": create_invoices_export,
    "invoices_2024_06_19.get_invoices_export": get_invoices_export,
    "invoices_2024_06_19.get_invoices_document": get_invoices_document,
}
