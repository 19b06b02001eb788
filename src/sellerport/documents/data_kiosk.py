"""Data Kiosk: from a GraphQL query to its rows.

Source: Amazon's page "Data Kiosk API v2023-11-15 Use Case Guide".
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from sellerport.documents import jobs, transfer
from sellerport.documents.document import Document
from sellerport.documents.files import Sink, target
from sellerport.documents.jobs import Caller, Job, OnProgress
from sellerport.documents.transfer import Ticket
from sellerport.errors import InvalidArguments, Problem
from sellerport.wire import run

API = "data_kiosk_2023_11_15"


class DataKiosk:
    """What `SellingPartner` has beside the operations of the Data Kiosk API."""

    _caller: Caller

    def fetch(
        self,
        query: str | None = None,
        *,
        query_id: str | None = None,
        pages: int | None = None,
        to: str | os.PathLike[str] | None = None,
        progress: OnProgress | None = None,
        patience_s: float = 3600.0,
    ) -> Document:
        """Ask a query, wait until Amazon has answered it, and return all of its pages as one document of JSON lines.

        Args:
            query: GraphQL.
            query_id: of a query that was asked before, instead of its text; the pages after it are asked for again.
            pages: how many pages to follow at most; the rest is in the ``pagination`` of the document's ``metadata``.
            to: a file to write it to, whole or not at all, with no more of it in memory than a piece.
            progress: called with a `Progress` as soon as there is an id, and whenever Amazon was asked. Each page is a
                query of its own; the id is always the first one's, which goes on with all of them.
            patience_s: how long to wait for each page, in seconds.

        Raises:
            InvalidArguments: refused before anything was sent.
            DocumentCancelled: it was cancelled.
            DocumentFailed: Amazon could not answer it; ``explanation`` says why.
            DocumentPending: it was not answered in time; ``query_id`` goes on with it.
            DocumentError: it cannot be read, or not be written.
            AmazonError, NoAnswer, TokenError: as for every call.
        """
        return run(_fetch(self._caller, query, query_id, pages, to, progress, patience_s))


class AsyncDataKiosk:
    """What `AsyncSellingPartner` has beside the operations of the Data Kiosk API."""

    _caller: Caller

    async def fetch(
        self,
        query: str | None = None,
        *,
        query_id: str | None = None,
        pages: int | None = None,
        to: str | os.PathLike[str] | None = None,
        progress: OnProgress | None = None,
        patience_s: float = 3600.0,
    ) -> Document:
        """As `DataKiosk.fetch`; ``progress`` may be a coroutine function."""
        return await _fetch(self._caller, query, query_id, pages, to, progress, patience_s)


async def _fetch(
    caller: Caller,
    query: str | None,
    query_id: str | None,
    pages: int | None,
    to: str | os.PathLike[str] | None,
    progress: OnProgress | None,
    patience_s: float,
) -> Document:
    jobs.check_start({"query": query}, {"query_id": query_id}, {})
    jobs.check_wait(caller, patience_s, progress)
    if pages is not None and (type(pages) is not int or pages < 1):
        raise InvalidArguments(problems=[Problem("pages", "must be a whole number, at least 1")])
    sink, new, page = Sink(target(to)), query_id is None, 1
    first = job = _job(caller, query_id or await _create(caller, query))
    try:
        with jobs.resumable(first):
            while True:
                found = await jobs.finished(caller, job, new=new, patience_s=patience_s, progress=progress)
                await _append(caller, job, found, sink)
                following = (found.get("pagination") or {}).get("nextToken")
                if not following or page == pages:
                    break
                next_id = await _create(caller, jobs.field_of(found, "query"), following)
                page, new = page + 1, True
                job = replace(first, look=_job(caller, next_id).look, part=f", page {page} (query {next_id})")
            content = await caller.wire.work(sink.commit)
    finally:
        await caller.wire.work(sink.discard)
    return Document(content, id=first.id, content_type="application/x-ndjson", metadata=found, form="jsonl")


async def _create(caller: Caller, query: str | None, following: str | None = None) -> str:
    body = jobs.given(query=query, paginationToken=following)
    answer = await caller.call(f"{API}.create_query", {"body": body})
    return str(jobs.field_of(answer.data, "queryId"))


def _job(caller: Caller, query_id: str) -> Job:
    async def look() -> Mapping[str, Any]:
        return jobs.mapping((await caller.call(f"{API}.get_query", {"query_id": query_id})).data)

    return Job("query", query_id, f"data_kiosk.fetch(query_id={query_id!r})", look)


async def _append(caller: Caller, job: Job, found: Mapping[str, Any], sink: Sink) -> None:
    """Write a page after those before it, if it has rows."""
    if found[job.status] != "DONE" or found.get("errorDocumentId"):
        failure = found.get("errorDocumentId")
        raise await transfer.failed(caller, job, found, partial(_document, caller, failure) if failure else None)
    if found.get("dataDocumentId"):
        await transfer.download(caller, partial(_document, caller, found["dataDocumentId"]), sink)
        if not sink.ends_line:
            await caller.wire.work(partial(sink.write, [b"\n"]))


async def _document(caller: Caller, document_id: str) -> Ticket:
    answer = await caller.call(f"{API}.get_document", {"document_id": document_id})
    return Ticket(jobs.field_of(answer.data, "documentUrl"))  # whether it is gzip is for the storage to say
