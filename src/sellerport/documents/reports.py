"""Reports: from their type to their rows.

Source: Amazon's page "Reports API v2021-06-30 Use Case Guide".
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sellerport import catalog
from sellerport.documents import jobs, transfer
from sellerport.documents.document import Document, check_encoding
from sellerport.documents.files import target
from sellerport.documents.jobs import Caller, Job, OnProgress
from sellerport.documents.transfer import Ticket
from sellerport.errors import DocumentError
from sellerport.wire import run

API = "reports_2021_06_30"


class Reports:
    """What `SellingPartner` has beside the operations of the Reports API."""

    _caller: Caller

    def fetch(
        self,
        report_type: str | None = None,
        *,
        report_id: str | None = None,
        marketplace_ids: str | Sequence[str] | None = None,
        data_start_time: datetime | str | None = None,
        data_end_time: datetime | str | None = None,
        report_options: Mapping[str, Any] | None = None,
        to: str | os.PathLike[str] | None = None,
        encoding: str | None = None,
        progress: OnProgress | None = None,
        patience_s: float = 3600.0,
    ) -> Document:
        """Create a report, wait until Amazon has made it, and return it; or go on with one by its id.

        Args:
            report_type: such as ``GET_MERCHANT_LISTINGS_ALL_DATA``. Types with restricted data get their restricted
                data token by themselves.
            report_id: of a report that was created before, instead of a type and what goes with it.
            marketplace_ids: ids or countries; the client's marketplace if not given.
            data_start_time: where its data begins; a `datetime`, naive ones in UTC, or text in ISO 8601.
            data_end_time: where its data ends.
            report_options: what Amazon's page of the type says; numbers, True and False may be given for their text.
            to: a file to write it to, whole or not at all, with no more of it in memory than a piece.
            encoding: of its text, instead of the one that it says.
            progress: called with a `Progress` as soon as there is an id, and whenever Amazon was asked.
            patience_s: how long to wait in all, in seconds.

        Raises:
            InvalidArguments: refused before anything was sent.
            DocumentCancelled: Amazon cancelled it; most often there was no data.
            DocumentFailed: Amazon could not make it; ``explanation`` says why.
            DocumentPending: it was not made in time; ``report_id`` goes on with it.
            DocumentError: it cannot be read, or not be written.
            AmazonError, NoAnswer, TokenError: as for every call.
        """
        return run(
            _fetch(
                self._caller,
                report_type,
                report_id=report_id,
                marketplace_ids=marketplace_ids,
                data_start_time=data_start_time,
                data_end_time=data_end_time,
                report_options=report_options,
                to=to,
                encoding=encoding,
                progress=progress,
                patience_s=patience_s,
            )
        )

    def download(
        self,
        report_document_id: str,
        *,
        report_type: str | None = None,
        to: str | os.PathLike[str] | None = None,
        encoding: str | None = None,
    ) -> Document:
        """Return the document of a report, by the document's id.

        Args:
            report_document_id: what ``getReport`` or a notification says.
            report_type: of the report; a type with restricted data needs it.
            to, encoding: as `fetch`'s.

        Raises:
            DocumentError: it cannot be read, or not be written.
            AmazonError, NoAnswer, TokenError: as for every call.
        """
        return run(_download(self._caller, report_document_id, report_type, to, encoding))

    def latest(
        self,
        report_type: str,
        *,
        created_since: datetime | str | None = None,
        marketplace_ids: str | Sequence[str] | None = None,
        to: str | os.PathLike[str] | None = None,
        encoding: str | None = None,
    ) -> Document:
        """Return the newest report of a type that Amazon has made, such as by a schedule; none is created.

        Args:
            report_type: such as ``GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2``.
            created_since: how old it may be; Amazon keeps reports for 90 days.
            marketplace_ids: ids or countries.
            to, encoding: as `fetch`'s.

        Raises:
            DocumentError: there is none, it cannot be read, or not be written.
            AmazonError, NoAnswer, TokenError: as for every call.
        """
        return run(_latest(self._caller, report_type, created_since, marketplace_ids, to, encoding))


class AsyncReports:
    """What `AsyncSellingPartner` has beside the operations of the Reports API."""

    _caller: Caller

    async def fetch(
        self,
        report_type: str | None = None,
        *,
        report_id: str | None = None,
        marketplace_ids: str | Sequence[str] | None = None,
        data_start_time: datetime | str | None = None,
        data_end_time: datetime | str | None = None,
        report_options: Mapping[str, Any] | None = None,
        to: str | os.PathLike[str] | None = None,
        encoding: str | None = None,
        progress: OnProgress | None = None,
        patience_s: float = 3600.0,
    ) -> Document:
        """As `Reports.fetch`; ``progress`` may be a coroutine function."""
        return await _fetch(
            self._caller,
            report_type,
            report_id=report_id,
            marketplace_ids=marketplace_ids,
            data_start_time=data_start_time,
            data_end_time=data_end_time,
            report_options=report_options,
            to=to,
            encoding=encoding,
            progress=progress,
            patience_s=patience_s,
        )

    async def download(
        self,
        report_document_id: str,
        *,
        report_type: str | None = None,
        to: str | os.PathLike[str] | None = None,
        encoding: str | None = None,
    ) -> Document:
        """As `Reports.download`."""
        return await _download(self._caller, report_document_id, report_type, to, encoding)

    async def latest(
        self,
        report_type: str,
        *,
        created_since: datetime | str | None = None,
        marketplace_ids: str | Sequence[str] | None = None,
        to: str | os.PathLike[str] | None = None,
        encoding: str | None = None,
    ) -> Document:
        """As `Reports.latest`."""
        return await _latest(self._caller, report_type, created_since, marketplace_ids, to, encoding)


async def _fetch(
    caller: Caller,
    report_type: str | None,
    *,
    report_id: str | None,
    marketplace_ids: str | Sequence[str] | None,
    data_start_time: datetime | str | None,
    data_end_time: datetime | str | None,
    report_options: Mapping[str, Any] | None,
    to: str | os.PathLike[str] | None,
    encoding: str | None,
    progress: OnProgress | None,
    patience_s: float,
) -> Document:
    rest = jobs.given(
        marketplaceIds=jobs.marketplaces(marketplace_ids),
        dataStartTime=data_start_time,
        dataEndTime=data_end_time,
        reportOptions=jobs.options(report_options),
    )
    jobs.check_start({"report_type": report_type}, {"report_id": report_id}, rest)
    jobs.check_wait(caller, patience_s, progress)
    file = target(to)
    check_encoding(encoding)
    if report_id is None:
        answer = await caller.call(f"{API}.create_report", {"body": {"reportType": report_type, **rest}})
        job = _job(caller, jobs.field_of(answer.data, "reportId"))
    else:
        job = _job(caller, report_id)
    with jobs.resumable(job):
        found = await jobs.finished(caller, job, new=report_id is None, patience_s=patience_s, progress=progress)
        ask = _ask(caller, found.get("reportDocumentId"), found.get("reportType"))
        if found[job.status] != "DONE":
            raise await transfer.failed(caller, job, found, ask)
        return await transfer.fetch(caller, ask, file, {"id": job.id, "metadata": found, "encoding": encoding})


def _job(caller: Caller, report_id: str) -> Job:
    async def look() -> Mapping[str, Any]:
        answer = await caller.call(f"{API}.get_report", {"report_id": report_id})
        return jobs.mapping(answer.data)

    return Job("report", report_id, f"reports.fetch(report_id={report_id!r})", look)


def _ask(caller: Caller, document_id: str | None, report_type: str | None) -> transfer.Ask | None:
    if not document_id:
        return None
    restricted = True if report_type in catalog.index().restricted_reports else None

    async def ask() -> Ticket:
        arguments = {"report_document_id": document_id}
        answer = await caller.call(f"{API}.get_report_document", arguments, restricted=restricted)
        return Ticket.of(answer.data)

    return ask


async def _download(
    caller: Caller,
    document_id: str,
    report_type: str | None,
    to: str | os.PathLike[str] | None,
    encoding: str | None,
) -> Document:
    check_encoding(encoding)
    ask = _ask(caller, document_id, report_type)
    return await transfer.fetch(caller, ask, target(to), {"id": document_id, "encoding": encoding})


async def _latest(
    caller: Caller,
    report_type: str,
    created_since: datetime | str | None,
    marketplace_ids: str | Sequence[str] | None,
    to: str | os.PathLike[str] | None,
    encoding: str | None,
) -> Document:
    file = target(to)
    check_encoding(encoding)
    arguments = {
        "report_types": report_type,
        "processing_statuses": "DONE",
        "created_since": created_since,
        "marketplace_ids": marketplace_ids,
        "page_size": 100,
    }
    answer = await caller.call(f"{API}.get_reports", arguments)
    made = jobs.mapping(answer.data).get("reports") or ()
    if not made:
        raise DocumentError(f"Amazon has made no {report_type} in this time; fetch() creates one")
    found = max(made, key=lambda report: report["createdTime"])
    ask = _ask(caller, found.get("reportDocumentId"), report_type)
    return await transfer.fetch(caller, ask, file, {"id": found["reportId"], "metadata": found, "encoding": encoding})
