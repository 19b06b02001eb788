"""Feeds, invoice exports and uploads, in both colours, against the local Amazon."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sellerport import wire
from sellerport.documents import Document, FeedIssue, FeedResult, FeedSummary, Progress
from sellerport.emulator import Fault, Outcome
from sellerport.errors import (
    DocumentCancelled,
    DocumentError,
    DocumentFailed,
    DocumentPending,
    InvalidArguments,
    NoAnswer,
)
from tests.conftest import Clients

FEEDS = "/feeds/2021-06-30/feeds"
JSON = "application/json; charset=UTF-8"
TSV = "text/tab-separated-values; charset=UTF-8"
XML = "text/xml; charset=UTF-8"
FLAT = "POST_FLAT_FILE_FULFILLMENT_DATA"
LISTINGS = {
    "header": {"sellerId": "ALOCALSELLERNA", "version": "2.0", "issueLocale": "en_US"},
    "messages": [
        {"messageId": 1, "sku": "LHG-001", "operationType": "DELETE"},
        {"messageId": 2, "sku": "LHG-002", "operationType": "PATCH", "productType": "MUG"},
    ],
}


@pytest.fixture(autouse=True)
def _done_at_once(clients: Clients) -> None:
    clients.amazon.world.polls = 0


def submit(clients: Clients, *given: Any, **arguments: Any) -> FeedResult:
    sp = clients.make()
    result: FeedResult = clients.do(lambda: sp.feeds.submit(*given, **arguments))
    return result


def uploaded(clients: Clients) -> tuple[str, bytes]:
    """The content type and the bytes of what was put into the storage last."""
    put = [one for one in clients.amazon.arrived() if one["method"] == "PUT"][-1]
    assert put["status"] == 200
    key = put["path"].removeprefix("/_storage/")
    return put["headers"]["content-type"], clients.amazon.world.storage.objects[key].read()


def posted(clients: Clients, path: str) -> list[Any]:
    return [one["body"] for one in clients.amazon.arrived(path) if one["method"] == "POST"]


# Feeds


def test_a_feed_of_listings_is_submitted_and_its_result_parsed(clients: Clients) -> None:
    clients.amazon.world.polls = 2
    seen: list[Progress] = []
    result = submit(clients, "JSON_LISTINGS_FEED", LISTINGS, progress=seen.append)
    assert result.summary == FeedSummary(processed=2, accepted=1, invalid=1, errors=1, warnings=0)
    (issue,) = result.issues
    assert (issue.message_id, issue.code, issue.severity) == (2, "90220", "ERROR")
    assert issue.facts["attributeName"] == "patches"
    assert result.document.json()["header"]["feedId"] == result.id
    assert [one.status for one in seen] == ["IN_QUEUE", "IN_QUEUE", "IN_PROGRESS", "DONE"]
    assert uploaded(clients)[0] == JSON
    (asked,) = posted(clients, FEEDS)
    assert (asked["feedType"], asked["marketplaceIds"]) == ("JSON_LISTINGS_FEED", ["ATVPDKIKX0DER"])


@pytest.mark.parametrize(
    ("content", "given", "stated", "sent"),
    [
        ("sku\tprice\nä\t①\n", None, TSV, "sku\tprice\nä\t①\n".encode()),
        ("sku\nä\n", "text/tab-separated-values; charset=iso-8859-1", None, "sku\nä\n".encode("latin-1")),
        ("sku\n①\n", 'text/plain;charset="Shift_JIS"', None, None),
        ("sku\nä\n", "text/tab-separated-values", None, "sku\nä\n".encode()),
        ("\ufeff<?xml version='1.0'?><a/>", None, XML, "\ufeff<?xml version='1.0'?><a/>".encode()),
        ('\n{"a": 1}', None, JSON, b'\n{"a": 1}'),
        (b"sku\tprice\n", None, TSV, b"sku\tprice\n"),
        (b"%PDF-1.7 \xff", None, "application/pdf", b"%PDF-1.7 \xff"),
        (b"\xff\xfe", "application/octet-stream", None, b"\xff\xfe"),
        ({"price": Decimal("14.90")}, None, JSON, b'{"price":14.90}'),
        ([{"sku": "ä"}], None, JSON, '[{"sku":"ä"}]'.encode()),
        ({"sku": "ä"}, "application/json; charset=utf-16", None, '{"sku":"ä"}'.encode("utf-16")),
        (bytearray(b"sku\tprice\n"), None, TSV, b"sku\tprice\n"),
        (memoryview(b"sku\tprice\n"), None, TSV, b"sku\tprice\n"),
    ],
)
def test_content_is_sent_as_its_content_type_says(
    clients: Clients, content: Any, given: str | None, stated: str | None, sent: bytes | None
) -> None:
    """Defect of python-amazon-sp-api: text is always sent in ISO-8859-1, and fails where that does not do."""
    if sent is None:
        with pytest.raises(InvalidArguments, match="cannot be written in the charset of"):
            submit(clients, FLAT, content, content_type=given)
        assert clients.amazon.arrived() == []
        return
    submit(clients, FLAT, content, content_type=given)
    expected = given or stated
    assert uploaded(clients) == (expected, sent)
    assert posted(clients, "/feeds/2021-06-30/documents") == [{"contentType": expected}]


def test_a_file_is_sent_from_the_disk(clients: Clients, tmp_path: Path) -> None:
    file = tmp_path / "feed.tsv"
    file.write_text("sku\tprice\n" + "LHG-001\t1\n" * 100_000)
    result = submit(clients, FLAT, file, to=tmp_path / "result.txt")
    assert uploaded(clients) == (TSV, file.read_bytes())
    assert result.summary == FeedSummary(processed=100_000, accepted=100_000)
    assert result.document.path == tmp_path / "result.txt"


def test_the_storage_gets_the_stated_headers_and_no_other_of_ours(clients: Clients) -> None:
    submit(clients, FLAT, "sku\n1\n")
    (put,) = [one for one in clients.amazon.arrived() if one["method"] == "PUT"]
    assert set(put["headers"]) == {"accept", "accept-encoding", "content-length", "content-type", "host", "user-agent"}


def test_an_upload_that_expired_gets_another_place_and_trouble_another_try(clients: Clients) -> None:
    clients.amazon.world.fail(Fault(method="PUT", path="/_storage/*", status=403))
    clients.amazon.world.fail(Fault(method="PUT", path="/_storage/*", answer="reset"))
    submit(clients, FLAT, "sku\n1\n")
    assert [one["status"] for one in clients.amazon.arrived() if one["method"] == "PUT"] == [403, None, 200]
    assert len(posted(clients, "/feeds/2021-06-30/documents")) == 2
    assert len(posted(clients, FEEDS)) == 1
    clients.amazon.world.fail(Fault(method="PUT", path="/_storage/*", answer="reset", times=4))
    with pytest.raises(NoAnswer):
        submit(clients, FLAT, "sku\n1\n")
    assert len(posted(clients, FEEDS)) == 1, "what was not uploaded is not submitted"


def test_a_feed_is_started_and_its_result_fetched_by_its_id(clients: Clients) -> None:
    sp = clients.make()
    feed_id = clients.do(lambda: sp.feeds.start("JSON_LISTINGS_FEED", LISTINGS, marketplace_ids="CA"))
    assert posted(clients, FEEDS)[0]["marketplaceIds"] == ["A2EUQ1WTGCTBG2"]
    result = clients.do(lambda: sp.feeds.fetch(feed_id, patience_s=0))
    assert (result.id, result.summary.processed) == (feed_id, 2)
    assert len(posted(clients, FEEDS)) == 1


def test_a_feed_that_takes_too_long_is_resumed(clients: Clients) -> None:
    clients.amazon.world.plan(Outcome(kind="feed", polls=3))
    with pytest.raises(DocumentPending, match=r"feeds\.fetch\('\d+'\)") as pending:
        submit(clients, "JSON_LISTINGS_FEED", LISTINGS, patience_s=1)
    sp = clients.make()
    assert clients.do(lambda: sp.feeds.fetch(pending.value.id)).summary.accepted == 1


def test_feeds_that_fail_are_told_apart(clients: Clients) -> None:
    with pytest.raises(DocumentFailed, match="Amazon could not make feed") as failed:
        submit(clients, "JSON_LISTINGS_FEED", "no JSON", content_type=JSON)
    assert "not a JSON listings feed" in failed.value.explanation
    clients.amazon.world.plan(Outcome(kind="feed", status="CANCELLED"))
    with pytest.raises(DocumentCancelled):
        submit(clients, FLAT, "sku\n1\n")
    clients.amazon.world.plan(Outcome(kind="feed", document=False))
    result = submit(clients, FLAT, "sku\n1\n")
    assert (result.document.empty, result.summary, result.issues) == (True, None, ())


PROCESSING_REPORT = """<?xml version="1.0" encoding="UTF-8"?>
<AmazonEnvelope xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <Header><DocumentVersion>1.02</DocumentVersion><MerchantIdentifier>M</MerchantIdentifier></Header>
  <MessageType>ProcessingReport</MessageType>
  <Message><MessageID>1</MessageID><ProcessingReport>
    <DocumentTransactionID>1</DocumentTransactionID><StatusCode>Complete</StatusCode>
    <ProcessingSummary><MessagesProcessed>3</MessagesProcessed><MessagesSuccessful>1</MessagesSuccessful>
      <MessagesWithError>2</MessagesWithError><MessagesWithWarning>0</MessagesWithWarning></ProcessingSummary>
    <Result><MessageID>2</MessageID><ResultCode>Error</ResultCode><ResultMessageCode>25</ResultMessageCode>
      <ResultDescription>No such order.</ResultDescription><AdditionalInfo><SKU>A</SKU></AdditionalInfo></Result>
    {more}
  </ProcessingReport></Message>
</AmazonEnvelope>"""
SECOND = """<Result><MessageID>3</MessageID><ResultCode>Error</ResultCode><ResultMessageCode>26</ResultMessageCode>
      <ResultDescription>Late.</ResultDescription></Result>"""
TEXT_REPORT = (
    "Verarbeitungsbericht:\r\n\tVerarbeitete Datensätze\t\t3\r\n\tErfolgreich\t\t2\r\n\r\n"
    "original-record-number\tsku\terror-code\terror-type\terror-message\r\n2\tB\t8058\tError\tNo such SKU.\r\n"
)


@pytest.mark.parametrize(
    ("report", "summary", "issues"),
    [
        (PROCESSING_REPORT.format(more=""), (3, 1, 2, 2, 0), [(2, "A", "25", "ERROR", "No such order.")]),
        (
            PROCESSING_REPORT.format(more=SECOND),
            (3, 1, 2, 2, 0),
            [(2, "A", "25", "ERROR", "No such order."), (3, None, "26", "ERROR", "Late.")],
        ),
        (TEXT_REPORT, (3, 2, 1, 1, 0), [(2, "B", "8058", "ERROR", "No such SKU.")]),
        ("something else", None, []),
        ("<html></html>", None, []),
        ('{"issues": []}', None, []),
    ],
)
def test_processing_reports_of_every_form_are_read(clients: Clients, report: str, summary: Any, issues: Any) -> None:
    clients.amazon.world.plan(Outcome(kind="feed", body=report))
    result = submit(clients, FLAT, "sku\n1\n")
    assert result.document.text == report
    assert result.summary == (FeedSummary(*summary) if summary else None)
    found = [(one.message_id, one.sku, one.code, one.severity, one.message) for one in result.issues]
    assert found == issues
    assert all(isinstance(one, FeedIssue) for one in result.issues)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"content": b"\xff\xfe"}, "content"),
        ({"content": Path("/no/such/file")}, "content"),
        ({"content": {"a": object()}}, "content.a"),
        ({"content": {"offers": [{"price": float("nan")}]}}, "content.offers.0.price"),
        ({"content": {"price": Decimal("Infinity")}}, "content.price"),
        ({"content": {"name": "\ud800"}}, "content"),
        ({"content": {"name": "ä"}, "content_type": "application/json; charset=ascii"}, "content"),
        ({"content": None}, "content"),
        ({"content": 19.90}, "content"),
        ({"content": io.BytesIO(b"sku")}, "content"),
        ({"content": Path("/dev/null")}, "content"),
        ({"content": Path("/tmp")}, "content"),
        ({"content": Path("a\0b")}, "content"),
        ({"content": __file__}, "content"),
        ({"content": "ä", "content_type": "text/plain; charset=ascii"}, "content"),
        *(
            ({"content": "ä", "content_type": f"text/plain; charset={charset}"}, "content_type")
            for charset in ("klingon", "hex", "idna", "punycode", "undefined", "unicode_escape")
        ),
        *(
            ({"content": "ä", "content_type": given}, "content_type")
            for given in ("", "text/plain\nx: y", "text/ä", " text/plain", 5)
        ),
        ({"content": "ä", "to": "/no/such/folder/x"}, "to"),
        ({"content": "ä", "patience_s": None}, "patience_s"),
        ({"content": "ä", "progress": "print"}, "progress"),
        ({"content": "ä", "marketplace_ids": ["US"] * 30}, "body.marketplaceIds"),
        ({"content": "ä", "feed_options": {"a": object()}}, "body.feedOptions.a"),
    ],
)
def test_content_is_refused_before_anything_is_sent(clients: Clients, arguments: Any, field: str) -> None:
    with pytest.raises(InvalidArguments) as refused:
        submit(clients, FLAT, **arguments)
    assert [problem.field for problem in refused.value.problems] == [field]
    assert clients.amazon.arrived() == []


@pytest.mark.parametrize("type", ["", None, 5])
def test_a_feed_without_a_type_is_refused_before_anything_is_sent(clients: Clients, type: Any) -> None:
    for options in ({}, {"check": False}):
        sp = clients.make(**options)
        with pytest.raises(InvalidArguments, match="feed_type"):
            clients.do(partial(sp.feeds.start, type, "sku"))
    assert clients.amazon.arrived() == []


def test_options_of_a_feed_are_text_to_amazon(clients: Clients) -> None:
    options = {"metadata": True, "count": 5, "rate": Decimal("1.50"), "name": "x"}
    submit(clients, FLAT, "sku\n1\n", feed_options=options)
    (asked,) = posted(clients, FEEDS)
    assert asked["feedOptions"] == {"metadata": "true", "count": "5", "rate": "1.50", "name": "x"}


def test_a_pipe_is_refused_without_waiting_for_somebody_to_write_to_it(clients: Clients, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidArguments, match="is no ordinary file; read it, and give what is in it"):
        submit(clients, FLAT, tmp_path / "pipe")
    assert clients.amazon.arrived() == []


def test_text_of_any_length_is_text(clients: Clients) -> None:
    """A name of a file may have 255 bytes, which is less than 255 characters."""
    submit(clients, FLAT, "ー" * 250)
    assert uploaded(clients)[1] == ("ー" * 250).encode()


@pytest.mark.parametrize("status", ["CANCELLED", "FATAL", "DONE"])
def test_a_result_that_is_null_is_none(clients: Clients, status: str) -> None:
    answer = {"feedId": "1", "feedType": FLAT, "processingStatus": status, "resultFeedDocumentId": None}
    clients.amazon.world.fail(Fault(path=f"{FEEDS}/1", status=200, body=answer))
    sp = clients.make()
    if status == "DONE":
        assert clients.do(lambda: sp.feeds.fetch("1")).document.empty
        return
    with pytest.raises(DocumentCancelled if status == "CANCELLED" else DocumentFailed) as failed:
        clients.do(lambda: sp.feeds.fetch("1"))
    assert failed.value.id == "1"


def changing(monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], object]) -> None:
    """Change files while they are sent."""
    pieces = wire._pieces

    def changed(path: Path) -> Iterator[bytes]:
        for piece in pieces(path):
            change(path)
            yield piece

    monkeypatch.setattr(wire, "_pieces", changed)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda file: os.truncate(file, 10), "changed while it was sent"),
        (lambda file: os.utime(file, (1, 1)), "changed while it was sent"),
        (lambda file: file.unlink(), "cannot be read: No such file"),
    ],
)
def test_a_file_that_changes_while_it_is_sent_is_not_submitted(
    clients: Clients, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Any, why: str
) -> None:
    file = tmp_path / "feed.tsv"
    file.write_text("sku\n" + "1\n" * 100_000)
    changing(monkeypatch, change)
    with pytest.raises(DocumentError, match=f"{why}.*nothing was submitted"):
        submit(clients, FLAT, file)
    assert posted(clients, FEEDS) == []


def test_a_file_that_goes_before_it_is_sent_is_not_submitted(
    clients: Clients, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(path: Path) -> Iterator[bytes]:
        path.unlink()
        yield path.read_bytes()

    file = tmp_path / "feed.tsv"
    file.write_text("sku\n1\n")
    monkeypatch.setattr(wire, "_pieces", gone)
    with pytest.raises(DocumentError, match="cannot be read: No such file"):
        submit(clients, FLAT, file)
    assert posted(clients, FEEDS) == []


def test_a_file_that_is_not_utf8_has_to_be_named(clients: Clients, tmp_path: Path) -> None:
    file = tmp_path / "feed.tsv"
    file.write_bytes("sku\nä\n".encode("latin-1"))
    with pytest.raises(InvalidArguments, match="is not in UTF-8; say what it is with content_type"):
        submit(clients, FLAT, file)
    submit(clients, FLAT, file, content_type="text/tab-separated-values; charset=iso-8859-1")
    assert uploaded(clients)[1] == file.read_bytes()


# Invoices


def export(clients: Clients, **arguments: Any) -> list[Document]:
    sp = clients.make()
    documents: list[Document] = clients.do(lambda: sp.invoices.fetch_export(**arguments))
    return documents


def test_an_export_of_invoices_is_zip_files(clients: Clients, tmp_path: Path) -> None:
    given = {"date_start": datetime(2026, 1, 1, tzinfo=UTC), "filters": {"series": "1"}}
    (document,) = export(clients, **given)
    assert zipfile.ZipFile(io.BytesIO(document.bytes)).namelist()
    (asked,) = posted(clients, "/tax/invoices/2024-06-19/exports")
    assert asked == {"series": "1", "dateStart": "2026-01-01T00:00:00Z", "marketplaceId": "ATVPDKIKX0DER"}
    with pytest.raises(DocumentError, match="has no rows"):
        document.rows()
    (again,) = export(clients, export_id=document.id, to=tmp_path)
    assert again.path == tmp_path / f"{document.id}-1.zip"
    assert again.bytes == document.bytes


def test_the_id_of_an_export_leads_to_no_other_folder(clients: Clients, tmp_path: Path) -> None:
    made = export(clients, date_start="2026-01-01")[0]
    folder, id = tmp_path / "exports", "../../evil/" + "x" * 200
    folder.mkdir()
    answer = {"export": {"exportId": id, "status": "DONE", "invoicesDocumentIds": made.metadata["invoicesDocumentIds"]}}
    clients.amazon.world.fail(Fault(path="/tax/invoices/2024-06-19/exports/*", status=200, body=answer))
    (document,) = export(clients, export_id=id, to=folder)
    assert document.path is not None
    assert document.path.parent == folder
    assert re.fullmatch(r"______evil_x{89}-1\.zip", document.path.name)
    assert list(tmp_path.iterdir()) == [folder]


def test_an_export_that_fails_says_why(clients: Clients) -> None:
    clients.amazon.world.plan(Outcome(kind="export", status="FATAL"))
    with pytest.raises(DocumentFailed) as failed:
        export(clients, date_start="2026-01-01")
    assert failed.value.processing_status == "ERROR"
    assert failed.value.explanation


@pytest.mark.parametrize(
    ("arguments", "field"),
    [({"export_id": "1", "date_start": "2026-01-01"}, "date_start"), ({"to": __file__}, "to")],
)
def test_exports_are_refused_before_anything_is_sent(clients: Clients, arguments: Any, field: str) -> None:
    with pytest.raises(InvalidArguments) as refused:
        export(clients, **arguments)
    assert [problem.field for problem in refused.value.problems] == [field]
    assert clients.amazon.arrived() == []


# Uploads


@pytest.mark.parametrize("content_type", [None, "application/pdf"])
def test_a_file_is_uploaded_with_its_md5_for_an_operation_to_refer_to(
    clients: Clients, tmp_path: Path, content_type: str | None
) -> None:
    file = tmp_path / "invoice.pdf"
    file.write_bytes(b"%PDF-1.7 \xff" * 200_000)
    digest = base64.b64encode(hashlib.md5(file.read_bytes()).digest()).decode()
    sp, resource = clients.make(), "messaging/v1/orders/902-1/messages/legalDisclosure"
    for content in (file, file.read_bytes()):
        clients.amazon.world.requests.clear()
        id = clients.do(partial(sp.uploads.upload, resource, content, content_type=content_type))
        destination, put = clients.amazon.arrived()
        assert destination["path"] == f"/uploads/2020-11-01/uploadDestinations/{resource}"
        stated = {"contentType": content_type} if content_type else {}
        assert dict(destination["query"]) == {"marketplaceIds": "ATVPDKIKX0DER", "contentMD5": digest, **stated}
        assert put["path"].endswith(id)
        assert put["headers"]["content-md5"] == digest
        assert put["headers"]["x-amz-server-side-encryption"] == "aws:kms"
        assert put["headers"].get("content-type") == content_type
        key = put["path"].removeprefix("/_storage/")
        assert clients.amazon.world.storage.objects[key].read() == file.read_bytes()


def test_an_upload_is_sent_with_the_headers_that_amazon_wants_over_the_stated_content_type(clients: Clients) -> None:
    key = "new"
    url = f"{clients.amazon.address}/_storage/{key}"
    place = {"payload": {"uploadDestinationId": "d", "url": url, "headers": {"Content-MD5": "x", "X-Amz-A": 1}}}
    for headers, stated in (({}, "image/png"), ({"Content-Type": "image/jpeg"}, "image/jpeg")):
        place["payload"]["headers"] = {"X-Amz-A": 1, **headers}
        clients.amazon.world.fail(Fault(path="/uploads/*", status=200, body=place))
        clients.amazon.world.fail(Fault(method="PUT", path="/_storage/*", status=200))
        sp = clients.make()
        assert clients.do(lambda sp=sp: sp.uploads.upload("a/b", b"x", content_type="image/png")) == "d"
        put = [one for one in clients.amazon.arrived() if one["method"] == "PUT"][-1]
        assert (put["headers"]["content-type"], put["headers"]["x-amz-a"]) == (stated, "1")


def test_an_upload_that_the_storage_does_not_take_is_an_error_with_its_code(clients: Clients) -> None:
    sp = clients.make()
    clients.amazon.world.fail(Fault(method="PUT", path="/_storage/*", status=400))
    with pytest.raises(DocumentError, match="refused the document with 400"):
        clients.do(lambda: sp.uploads.upload("a/b", b"x"))
