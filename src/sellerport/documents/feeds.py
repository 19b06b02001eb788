"""Feeds: from their content to what Amazon made of it.

Source: Amazon's page "Feeds API v2021-06-30 Use Case Guide".
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sellerport.documents import content as contents
from sellerport.documents import jobs, results, transfer
from sellerport.documents.content import Given
from sellerport.documents.document import Document
from sellerport.documents.files import target
from sellerport.documents.jobs import Caller, Job, OnProgress
from sellerport.documents.results import FeedIssue, FeedSummary
from sellerport.documents.transfer import Ticket
from sellerport.errors import InvalidArguments, Problem
from sellerport.wire import run

API = "feeds_2021_06_30"


@dataclass(frozen=True)
class FeedResult:
    """What Amazon made of a feed.

    ``document`` is its processing report as it came, ``summary`` and ``issues`` are what is in it, where it could be
    read. A feed may be done and have all of its messages refused.
    """

    id: str
    document: Document
    summary: FeedSummary | None = None
    issues: tuple[FeedIssue, ...] = field(default=(), repr=False)


class Feeds:
    """What `SellingPartner` has beside the operations of the Feeds API."""

    _caller: Caller

    def submit(
        self,
        feed_type: str,
        content: Given,
        *,
        content_type: str | None = None,
        marketplace_ids: str | Sequence[str] | None = None,
        feed_options: Mapping[str, Any] | None = None,
        to: str | os.PathLike[str] | None = None,
        progress: OnProgress | None = None,
        patience_s: float = 3600.0,
    ) -> FeedResult:
        """Upload a feed, submit it, wait until Amazon has processed it, and return what came of it.

        Args:
            feed_type: such as ``JSON_LISTINGS_FEED``.
            content: text, bytes, a `Path` (sent from the disk), or what JSON can say (a feed of listings).
            content_type: sent exactly as it is; text is encoded in its charset. Without it the content is taken to be
                JSON, XML, PDF or tab-separated text, in UTF-8, by how it begins.
            marketplace_ids: ids or countries; the client's marketplace if not given.
            feed_options: what Amazon's page of the type says; numbers, True and False may be given for their text.
            to: a file to write the processing report to, whole or not at all.
            progress: called with a `Progress` as soon as there is an id, and whenever Amazon was asked.
            patience_s: how long to wait in all, in seconds.

        Raises:
            InvalidArguments: refused before anything was sent.
            DocumentCancelled: it was cancelled.
            DocumentFailed: Amazon processed nothing; ``explanation`` is its report.
            DocumentPending: it was not processed in time; `fetch` goes on with it.
            DocumentError: the storage does not take it, or its report cannot be read.
            AmazonError, NoAnswer, TokenError: as for every call.
        """
        feed = _Feed(feed_type, content, content_type, marketplace_ids, feed_options)
        return run(_submit(self._caller, feed, to, progress, patience_s))

    def start(
        self,
        feed_type: str,
        content: Given,
        *,
        content_type: str | None = None,
        marketplace_ids: str | Sequence[str] | None = None,
        feed_options: Mapping[str, Any] | None = None,
    ) -> str:
        """Upload a feed, submit it, and return its id; `fetch` waits for it. Arguments and errors are `submit`'s."""
        return run(_start(self._caller, _Feed(feed_type, content, content_type, marketplace_ids, feed_options)))

    def fetch(
        self,
        feed_id: str,
        *,
        to: str | os.PathLike[str] | None = None,
        progress: OnProgress | None = None,
        patience_s: float = 3600.0,
    ) -> FeedResult:
        """Wait until Amazon has processed a feed, by its id, and return what came of it; as `submit`."""
        return run(_fetch(self._caller, feed_id, target(to), progress, patience_s, new=False))


class AsyncFeeds:
    """What `AsyncSellingPartner` has beside the operations of the Feeds API."""

    _caller: Caller

    async def submit(
        self,
        feed_type: str,
        content: Given,
        *,
        content_type: str | None = None,
        marketplace_ids: str | Sequence[str] | None = None,
        feed_options: Mapping[str, Any] | None = None,
        to: str | os.PathLike[str] | None = None,
        progress: OnProgress | None = None,
        patience_s: float = 3600.0,
    ) -> FeedResult:
        """As `Feeds.submit`; ``progress`` may be a coroutine function."""
        feed = _Feed(feed_type, content, content_type, marketplace_ids, feed_options)
        return await _submit(self._caller, feed, to, progress, patience_s)

    async def start(
        self,
        feed_type: str,
        content: Given,
        *,
        content_type: str | None = None,
        marketplace_ids: str | Sequence[str] | None = None,
        feed_options: Mapping[str, Any] | None = None,
    ) -> str:
        """As `Feeds.start`."""
        return await _start(self._caller, _Feed(feed_type, content, content_type, marketplace_ids, feed_options))

    async def fetch(
        self,
        feed_id: str,
        *,
        to: str | os.PathLike[str] | None = None,
        progress: OnProgress | None = None,
        patience_s: float = 3600.0,
    ) -> FeedResult:
        """As `Feeds.fetch`; ``progress`` may be a coroutine function."""
        return await _fetch(self._caller, feed_id, target(to), progress, patience_s, new=False)


@dataclass(frozen=True)
class _Feed:
    """What is to be submitted, as `Feeds.submit` takes it."""

    type: str
    content: Given
    content_type: str | None
    marketplace_ids: str | Sequence[str] | None
    options: Mapping[str, Any] | None


async def _submit(
    caller: Caller, feed: _Feed, to: str | os.PathLike[str] | None, progress: OnProgress | None, patience_s: float
) -> FeedResult:
    jobs.check_wait(caller, patience_s, progress)
    file = target(to)
    feed_id = await _start(caller, feed)
    return await _fetch(caller, feed_id, file, progress, patience_s, new=True)


async def _start(caller: Caller, feed: _Feed) -> str:
    if not feed.type or not isinstance(feed.type, str):
        raise InvalidArguments(problems=[Problem("feed_type", "must be text, such as 'JSON_LISTINGS_FEED'")])
    rest = jobs.given(marketplaceIds=jobs.marketplaces(feed.marketplace_ids), feedOptions=jobs.options(feed.options))
    asked = {"feedType": feed.type, "inputFeedDocumentId": "not uploaded yet", **rest}
    caller.call(f"{API}.create_feed", {"body": asked}).close()  # its arguments are checked, and nothing is sent
    body, stated = await caller.wire.work(partial(contents.prepare, feed.content, feed.content_type))
    ticket = await transfer.upload(caller, partial(_place, caller, stated), body)
    answer = await caller.call(f"{API}.create_feed", {"body": {**asked, "inputFeedDocumentId": ticket.id}})
    return str(jobs.field_of(answer.data, "feedId"))


async def _place(caller: Caller, content_type: str) -> Ticket:
    """Ask where to upload; the signature covers the Content-Type, so it is sent exactly as it is stated here."""
    answer = await caller.call(f"{API}.create_feed_document", {"body": {"contentType": content_type}})
    id, url = (jobs.field_of(answer.data, name) for name in ("feedDocumentId", "url"))
    return Ticket(url, headers={"content-type": content_type}, id=id)


async def _fetch(
    caller: Caller, feed_id: str, file: Path | None, progress: OnProgress | None, patience_s: float, *, new: bool
) -> FeedResult:
    jobs.check_wait(caller, patience_s, progress)

    async def look() -> Mapping[str, Any]:
        return jobs.mapping((await caller.call(f"{API}.get_feed", {"feed_id": feed_id})).data)

    job = Job("feed", feed_id, f"feeds.fetch({feed_id!r})", look)
    with jobs.resumable(job):
        found = await jobs.finished(caller, job, new=new, patience_s=patience_s, progress=progress)
        result = found.get("resultFeedDocumentId")
        ask = partial(_document, caller, result) if result else None
        if found[job.status] != "DONE":
            raise await transfer.failed(caller, job, found, ask)
        document = await transfer.fetch(caller, ask, file, {"id": feed_id, "metadata": found})
        summary, issues = await caller.wire.work(partial(results.read, document))
        return FeedResult(feed_id, document, summary, issues)


async def _document(caller: Caller, document_id: str) -> Ticket:
    return Ticket.of((await caller.call(f"{API}.get_feed_document", {"feed_document_id": document_id})).data)
