"""What reports and exports of the Ads API share: how often Amazon is asked, and what their files become.

The Ads API takes minutes, sometimes hours, and refuses who asks too often without saying when to come back. Its files
are gzip, whatever the storage says of them, and hold one JSON array each.

Sources: Amazon's pages "Reporting v3: report requests", "Exports", "Rate limiting"; amzn/ads-advanced-tools-docs issues
102, 300 and 344.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from sellerport import serialize
from sellerport.documents import jobs, transfer
from sellerport.documents.document import Document
from sellerport.documents.files import Sink
from sellerport.documents.jobs import Caller, Pace
from sellerport.documents.transfer import Ask, Ticket
from sellerport.errors import Throttled

if TYPE_CHECKING:
    from sellerport.answers import Result

log = logging.getLogger(__name__)

FIRST_S = 30.0
MOST_S = 300.0
THROTTLED_S = 60.0
"""How long to stay away after a first 429, in seconds, unless Amazon says longer; twice as long each time."""


def pace(pause_s: Any) -> Pace:
    """Return how often Amazon is asked: first after so many seconds, then twice as long each time, up to 5 minutes.

    Raises:
        InvalidArguments: it is no number of at least one second.
    """
    jobs.check_number("pause_s", pause_s, 1)
    return Pace(pause_s, 2.0, max(MOST_S, pause_s))


def whose(profile_id: str | int | None, account_id: str | None = None) -> dict[str, str]:
    """Return whose something is, as every call about it says, where that is not for the client to say."""
    return jobs.given(profile_id=None if profile_id is None else str(profile_id), account_id=account_id)


async def call(caller: Caller, operation: str, arguments: Mapping[str, Any], patience_s: float) -> Result[Any, Any]:
    """Make a call, and again minutes later whenever Amazon says 429.

    Raises:
        Throttled: so often that it cannot be done within ``patience_s``.
        AmazonError, NoAnswer, TokenError: as for every call.
    """
    waited, pause = 0.0, THROTTLED_S
    while True:
        try:
            return await caller.call(operation, arguments)
        except Throttled as error:
            stay = max(pause, error.retry_after) if error.sent else error.retry_after
            if waited + stay > patience_s:
                raise
            if error.sent:
                log.info("%s is throttled; asked again in %.0f s", operation, stay)
                pause = min(2 * pause, MOST_S)
        await caller.wire.sleep(stay)
        waited += stay


async def look(
    caller: Caller, operation: str, arguments: Mapping[str, Any], before: Mapping[str, Any] | None
) -> Mapping[str, Any]:
    """Ask how far something is; a 429 is no news, and what was known before stays so."""
    while True:
        try:
            return jobs.mapping((await caller.call(operation, arguments)).data)
        except Throttled as error:
            await caller.wire.sleep(min(error.retry_after, MOST_S))
            if error.sent:
                log.info("%s is throttled; asked again after the next pause", operation)
                return before or {"status": "PENDING"}


async def ticket(caller: Caller, operation: str, arguments: Mapping[str, Any], patience_s: float) -> Ticket:
    """Return the address of a file that is made: a new one with each answer."""
    answer = await call(caller, operation, arguments, patience_s)
    return Ticket(jobs.field_of(answer.data, "url"), gzip=None)


def told(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what Amazon said of a report or export, without the address that opens its file to everybody."""
    return {name: value for name, value in found.items() if name not in ("url", "urlExpiresAt")}


async def collect(caller: Caller, asks: Sequence[Ask], to: Path | None, facts: Mapping[str, Any]) -> Document:
    """Return the rows of files, one file after the other, as lines of JSON in which every id is a string.

    Args:
        caller: to ask and to wait with.
        asks: each gives the address of a file.
        to: the file to write them to.
        facts: the rest of what `Document` is made of.

    Raises:
        DocumentError, NoAnswer: as `transfer.download`; there is no file then.
        AmazonError, TokenError: as for every call.
    """
    sink = Sink(to)
    try:
        for one in asks:
            aside = None if to is None else to.with_name(f".{secrets.token_hex(8)}.part")
            try:
                document = await transfer.fetch(caller, one, aside, {"encoding": "utf-8", "form": "json"})
                await caller.wire.work(partial(sink.write, _lines(document)))
            finally:
                if aside is not None:
                    await caller.wire.work(partial(aside.unlink, missing_ok=True))
        content = await caller.wire.work(sink.commit)
    finally:
        await caller.wire.work(sink.discard)
    return Document(content, content_type="application/x-ndjson", form="jsonl", **facts)


def _lines(document: Document) -> Iterator[bytes]:
    encode = msgspec.json.Encoder().encode
    for row in () if document.empty else document.rows():
        serialize.write_ids(row)
        yield encode(row) + b"\n"
