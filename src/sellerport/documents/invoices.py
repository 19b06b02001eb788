"""Invoices: exports of them, as ZIP files.

Source: Amazon's page "Invoices API v2024-06-19 Use Case Guide".
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from sellerport.documents import jobs, transfer
from sellerport.documents.document import Document
from sellerport.documents.files import target
from sellerport.documents.jobs import Caller, Job, OnProgress
from sellerport.documents.transfer import Ticket
from sellerport.wire import run

API = "invoices_2024_06_19"


class Invoices:
    """What `SellingPartner` has beside the operations of the Invoices API."""

    _caller: Caller

    def fetch_export(
        self,
        *,
        export_id: str | None = None,
        marketplace_id: str | None = None,
        date_start: datetime | str | None = None,
        date_end: datetime | str | None = None,
        filters: Mapping[str, Any] | None = None,
        to: str | os.PathLike[str] | None = None,
        progress: OnProgress | None = None,
        patience_s: float = 3600.0,
    ) -> list[Document]:
        """Ask for an export of invoices, wait until Amazon has made it, and return its ZIP files.

        Args:
            export_id: of an export that was asked for before, instead of what it should have.
            marketplace_id: an id or a country; the client's marketplace if not given.
            date_start, date_end: of the invoices; a `datetime`, naive ones in UTC, or text in ISO 8601.
            filters: what else ``createInvoicesExport`` takes, by Amazon's names (``{"invoiceType": "…"}``).
            to: a folder to write the files to, as ``<export id>-1.zip`` and so on, each whole or not at all.
            progress: called with a `Progress` as soon as there is an id, and whenever Amazon was asked.
            patience_s: how long to wait in all, in seconds.

        Raises:
            InvalidArguments: refused before anything was sent.
            DocumentFailed: Amazon could not make it; ``explanation`` is Amazon's word for why.
            DocumentPending: it was not made in time; ``export_id`` goes on with it.
            DocumentError: it cannot be read, or not be written.
            AmazonError, NoAnswer, TokenError: as for every call.
        """
        asked = _asked(marketplace_id, date_start, date_end, filters)
        return run(_fetch(self._caller, export_id, asked, to, progress, patience_s))


class AsyncInvoices:
    """What `AsyncSellingPartner` has beside the operations of the Invoices API."""

    _caller: Caller

    async def fetch_export(
        self,
        *,
        export_id: str | None = None,
        marketplace_id: str | None = None,
        date_start: datetime | str | None = None,
        date_end: datetime | str | None = None,
        filters: Mapping[str, Any] | None = None,
        to: str | os.PathLike[str] | None = None,
        progress: OnProgress | None = None,
        patience_s: float = 3600.0,
    ) -> list[Document]:
        """As `Invoices.fetch_export`; ``progress`` may be a coroutine function."""
        asked = _asked(marketplace_id, date_start, date_end, filters)
        return await _fetch(self._caller, export_id, asked, to, progress, patience_s)


def _asked(
    marketplace_id: str | None,
    date_start: datetime | str | None,
    date_end: datetime | str | None,
    filters: Mapping[str, Any] | None,
) -> dict[str, Any]:
    marketplaces = jobs.marketplaces(marketplace_id)
    dates = jobs.given(dateStart=date_start, dateEnd=date_end)
    return {**(filters or {}), **dates, **({"marketplaceId": marketplaces[0]} if marketplaces else {})}


async def _fetch(
    caller: Caller,
    export_id: str | None,
    asked: dict[str, Any],
    to: str | os.PathLike[str] | None,
    progress: OnProgress | None,
    patience_s: float,
) -> list[Document]:
    if export_id is not None:
        jobs.check_start({"date_start": None}, {"export_id": export_id}, asked)
    jobs.check_wait(caller, patience_s, progress)
    folder, new = target(to, folder=True), export_id is None
    if export_id is None:
        answer = await caller.call(f"{API}.create_invoices_export", {"body": asked})
        export_id = str(jobs.field_of(answer.data, "exportId"))
    job = _job(caller, export_id)
    with jobs.resumable(job):
        found = await jobs.finished(caller, job, new=new, patience_s=patience_s, progress=progress)
        if found[job.status] != "DONE":
            raise job.failure(found, str(found.get("errorMessage") or ""))
        documents = []
        for number, document_id in enumerate(found.get("invoicesDocumentIds") or (), 1):
            file = None if folder is None else folder / _name(export_id, number)
            ask = partial(_document, caller, document_id)
            documents.append(await transfer.fetch(caller, ask, file, {"id": export_id, "metadata": found}))
        return documents


def _job(caller: Caller, export_id: str) -> Job:
    async def look() -> Mapping[str, Any]:
        answer = await caller.call(f"{API}.get_invoices_export", {"export_id": export_id})
        return jobs.mapping(jobs.field_of(answer.data, "export"))

    return Job("export", export_id, f"invoices.fetch_export(export_id={export_id!r})", look, status="status")


async def _document(caller: Caller, document_id: str) -> Ticket:
    """Ask for the URL of a file, which is good for 30 seconds."""
    answer = await caller.call(f"{API}.get_invoices_document", {"invoices_document_id": document_id})
    return Ticket(jobs.field_of(jobs.field_of(answer.data, "invoicesDocument"), "invoicesDocumentUrl"))


def _name(export_id: str, number: int) -> str:
    """Return what to call a file; an id is Amazon's text, and no path."""
    return f"{re.sub(r'[^A-Za-z0-9_-]', '_', export_id)[:100]}-{number}.zip"
