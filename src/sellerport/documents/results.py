"""What Amazon says of a feed in its processing report, in the three forms it has: JSON, XML and text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sellerport.documents.document import Document
from sellerport.errors import DocumentError


@dataclass(frozen=True)
class FeedSummary:
    """How many messages (or records) were processed, accepted and refused, and how much is wrong with them."""

    processed: int = 0
    accepted: int = 0
    invalid: int = 0
    errors: int = 0
    warnings: int = 0


@dataclass(frozen=True)
class FeedIssue:
    """One thing that is wrong with one message; ``facts`` is everything that Amazon says of it."""

    message_id: int | None
    sku: str | None
    code: str
    severity: str
    """``ERROR`` or ``WARNING``."""
    message: str
    facts: Mapping[str, Any] = field(repr=False)


Read = tuple[FeedSummary | None, tuple[FeedIssue, ...]]


def read(report: Document) -> Read:
    """Return the summary and the issues of a processing report, or neither where it has another form."""
    with report.open() as stream:
        begin = stream.read(100).lstrip()
    try:
        if begin.startswith("{"):
            return _of_json(report.json())
        if begin.startswith("<"):
            return _of_xml(next(report.rows("ProcessingReport"), {}))
        return _of_text(report.text)
    except (DocumentError, AttributeError, KeyError, TypeError, ValueError):  # whatever it is, the document is there
        return None, ()


def _of_json(report: Mapping[str, Any]) -> Read:
    summary = report["summary"]
    names = ("messagesProcessed", "messagesAccepted", "messagesInvalid", "errors", "warnings")
    return FeedSummary(*(int(summary.get(name) or 0) for name in names)), tuple(
        FeedIssue(
            message_id=_number(issue.get("messageId")),
            sku=issue.get("sku"),
            code=str(issue.get("code") or ""),
            severity=str(issue.get("severity") or "").upper(),
            message=str(issue.get("message") or ""),
            facts=issue,
        )
        for issue in report.get("issues") or ()
    )


def _of_xml(report: Mapping[str, Any]) -> Read:
    summary = report["ProcessingSummary"]
    names = ("MessagesProcessed", "MessagesSuccessful", "MessagesWithError", "MessagesWithError", "MessagesWithWarning")
    results = report.get("Result") or ()
    return FeedSummary(*(int(summary.get(name) or 0) for name in names)), tuple(
        FeedIssue(
            message_id=_number(result.get("MessageID")),
            sku=result["AdditionalInfo"].get("SKU") if isinstance(result.get("AdditionalInfo"), dict) else None,
            code=str(result.get("ResultMessageCode") or ""),
            severity=str(result.get("ResultCode") or "").upper(),
            message=str(result.get("ResultDescription") or ""),
            facts=result,
        )
        for result in (results if isinstance(results, list | tuple) else [results])
    )


def _of_text(report: str) -> Read:
    """Read a flat file's report: two numbers, in lines of the marketplace's language, and a table of what is wrong."""
    top, _, table = report.replace("\r\n", "\n").partition("\n\n")
    numbers = [int(line.rpartition("\t")[2]) for line in top.split("\n") if line.rpartition("\t")[2].isdigit()]
    processed, accepted = numbers
    issues = tuple(_records(table))
    kinds = [issue.severity for issue in issues]
    return FeedSummary(processed, accepted, processed - accepted, kinds.count("ERROR"), kinds.count("WARNING")), issues


def _records(table: str) -> Iterator[FeedIssue]:
    lines = [line.split("\t") for line in table.split("\n") if line]
    for cells in lines[1:]:
        facts = dict(zip(lines[0], cells, strict=False))
        yield FeedIssue(
            message_id=_number(facts.get("original-record-number")),
            sku=facts.get("sku"),
            code=facts.get("error-code", ""),
            severity=facts.get("error-type", "").upper(),
            message=facts.get("error-message", ""),
            facts=facts,
        )


def _number(text: Any) -> int | None:
    return int(text) if str(text).isdigit() else None
