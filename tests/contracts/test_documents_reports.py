"""Reports from their type to their rows, in both colours, against the local Amazon."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sellerport import catalog
from sellerport.documents import Document, Progress, jobs
from sellerport.emulator import Fault, Outcome
from sellerport.errors import (
    AccessDenied,
    AmazonNotFound,
    DocumentCancelled,
    DocumentError,
    DocumentFailed,
    DocumentPending,
    InvalidArguments,
)
from sellerport.restricted import RestrictedTokens
from sellerport.wire import run
from tests.conftest import Clients

TYPE = "GET_MERCHANT_LISTINGS_ALL_DATA"
REPORTS = "/reports/2021-06-30/reports"
RDT = "/tokens/2021-03-01/restrictedDataToken"


@pytest.fixture(autouse=True)
def _done_at_once(clients: Clients) -> None:
    clients.amazon.world.polls = 0


def plan(clients: Clients, **outcome: Any) -> None:
    clients.amazon.world.plan(Outcome(**outcome))


def fetch(clients: Clients, *type: str, account: str = "seller-na", **arguments: Any) -> Document:
    options = {"marketplace": arguments.pop("marketplace")} if "marketplace" in arguments else {}
    sp = clients.make(clients.amazon.credentials(account), **options)
    document: Document = clients.do(lambda: sp.reports.fetch(*type, **arguments))
    return document


def asked(clients: Clients) -> Any:
    """What createReport was asked."""
    (request,) = [one for one in clients.amazon.arrived(REPORTS) if one["method"] == "POST"]
    return request["body"]


def test_a_report_is_created_waited_for_downloaded_and_read_by_rows(clients: Clients) -> None:
    """Wish 3 of many: one call from a report's type to its rows (jrl84/amazon-sp-api 192)."""
    clients.amazon.world.polls = 3
    seen: list[Progress] = []
    document = fetch(clients, TYPE, progress=seen.append)
    rows = list(document.rows())
    assert rows[0]["item-name"] == "Enamel Camping Mug, 350 ml, Forest Green"
    assert rows[0]["item-description"].startswith('"Handmade" in small lots')
    assert all(row.keys() == rows[0].keys() for row in rows)
    assert [one.status for one in seen] == ["IN_QUEUE", "IN_QUEUE", "IN_PROGRESS", "IN_PROGRESS", "DONE"]
    assert [one.waited_s for one in seen] == pytest.approx([0.0, 1.0, 2.5, 4.75, 8.125], abs=0.9)
    assert {one.id for one in seen} == {document.id}
    assert document.metadata["reportId"] == document.id
    assert [pause for pause in clients.slept if pause >= 1] == [1.0, 1.5, 2.25, 3.375]


def test_what_is_not_given_is_the_clients_and_what_is_given_is_sent(clients: Clients) -> None:
    fetch(clients, TYPE)
    assert asked(clients) == {"reportType": TYPE, "marketplaceIds": ["ATVPDKIKX0DER"]}
    clients.amazon.world.requests.clear()
    fetch(
        clients,
        TYPE,
        marketplace_ids=["CA", "A1AM78C64UM0Y8"],
        data_start_time=datetime(2026, 1, 1, tzinfo=UTC),
        data_end_time="2026-02-01T00:00:00Z",
        report_options={"custom": True, "reportPeriod": "DAY"},
    )
    assert asked(clients) == {
        "reportType": TYPE,
        "marketplaceIds": ["A2EUQ1WTGCTBG2", "A1AM78C64UM0Y8"],
        "dataStartTime": "2026-01-01T00:00:00Z",
        "dataEndTime": "2026-02-01T00:00:00Z",
        "reportOptions": {"custom": "true", "reportPeriod": "DAY"},
    }


def test_pauses_grow_to_half_a_minute_and_patience_ends_them(clients: Clients) -> None:
    plan(clients, polls=1000)
    with pytest.raises(DocumentPending) as pending:
        fetch(clients, TYPE, patience_s=200)
    pauses = [pause for pause in clients.slept if pause >= 0.99]
    assert pauses[:-1] == pytest.approx([min(30, 1.5**step) for step in range(len(pauses) - 1)])
    assert pauses[-2] == 30
    assert sum(pauses) == pytest.approx(200, abs=5)
    assert pending.value.processing_status == "IN_PROGRESS"
    assert f"reports.fetch(report_id='{pending.value.id}')" in pending.value.message


def test_the_time_that_answers_take_is_waited_too() -> None:
    now, slept = [0.0], []

    async def look() -> dict[str, str]:
        now[0] += 3.0
        return {"processingStatus": "IN_PROGRESS"}

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    caller: Any = SimpleNamespace(wire=SimpleNamespace(sleep=sleep))
    seen: list[Progress] = []
    waiting = jobs.finished(
        caller,
        jobs.Job("report", "1", "again", look),
        new=True,
        patience_s=7.0,
        progress=seen.append,
        clock=lambda: now[0],
    )
    with pytest.raises(DocumentPending, match="is still IN_PROGRESS after 8 s"):
        run(waiting)
    assert [one.waited_s for one in seen] == [0.0, 4.0, 8.5]
    assert slept == [1.0, 1.5]


def test_a_crash_resumes_from_the_id_that_progress_told(clients: Clients) -> None:
    clients.amazon.world.polls = 2
    kept: list[str] = []

    def crash(progress: Progress) -> None:
        kept.append(progress.id)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as interrupted:
        fetch(clients, TYPE, progress=crash)
    assert interrupted.value.__notes__ == [f"to go on with report {kept[0]}: reports.fetch(report_id='{kept[0]}')"]
    document = fetch(clients, report_id=kept[0])
    assert document.id == kept[0]
    assert list(document.rows())
    assert asked(clients)["reportType"] == TYPE, "it was created once"


def test_a_report_that_is_done_is_not_waited_for(clients: Clients) -> None:
    report_id = fetch(clients, TYPE).id
    clients.slept.clear()
    assert fetch(clients, report_id=report_id, patience_s=0).id == report_id
    assert not [pause for pause in clients.slept if pause >= 0.99]


def test_an_error_while_waiting_says_how_to_go_on(clients: Clients) -> None:
    clients.amazon.world.fail(Fault(path=f"{REPORTS}/*", status=403))
    seen: list[Progress] = []
    with pytest.raises(AccessDenied) as denied:
        fetch(clients, TYPE, progress=seen.append)
    assert denied.value.__notes__ == [
        f"to go on with report {seen[0].id}: reports.fetch(report_id='{seen[0].id}')",
    ]


def test_progress_may_be_a_coroutine_function_where_somebody_can_wait_for_it(clients: Clients) -> None:
    seen = []

    async def keep(progress: Progress) -> None:
        await asyncio.sleep(0)
        seen.append(progress.status)

    if clients.colour == "async":
        fetch(clients, TYPE, progress=keep)
        assert seen == ["IN_QUEUE", "DONE"]
        return
    with pytest.raises(InvalidArguments, match="progress: is a coroutine function"):
        fetch(clients, TYPE, progress=keep)
    assert clients.amazon.arrived() == []


def test_done_without_a_document_is_an_empty_document(clients: Clients, tmp_path: Path) -> None:
    for to in (None, tmp_path / "report.tsv"):
        plan(clients, document=False)
        document = fetch(clients, TYPE, to=to)
        assert document.empty
        assert (document.bytes, document.text, list(document.rows())) == (b"", "", [])
        assert document.path == to
    assert (tmp_path / "report.tsv").read_bytes() == b""


def test_a_document_of_nothing_is_empty_too(clients: Clients) -> None:
    plan(clients, body="", gzip=True)
    assert fetch(clients, TYPE).empty
    plan(clients, body="sku\tprice\r\n")
    only_a_header = fetch(clients, TYPE)
    assert (only_a_header.empty, list(only_a_header.rows())) == (False, [])


def test_cancelled_is_an_error_of_its_own(clients: Clients) -> None:
    plan(clients, status="CANCELLED")
    with pytest.raises(DocumentCancelled, match="there was no data, or somebody cancelled it") as cancelled:
        fetch(clients, TYPE)
    assert cancelled.value.processing_status == "CANCELLED"
    assert cancelled.value.id in cancelled.value.message


def test_fatal_has_its_explanation_where_there_is_one(clients: Clients) -> None:
    plan(clients, status="FATAL", body='{"errorDetails":"The dates are too far apart."}', gzip=True)
    with pytest.raises(DocumentFailed, match=r"\(FATAL\): The dates are too far apart\.$") as failed:
        fetch(clients, TYPE)
    assert failed.value.explanation == '{"errorDetails":"The dates are too far apart."}'
    plan(clients, status="FATAL", document=False)
    with pytest.raises(DocumentFailed, match="does not say why") as failed:
        fetch(clients, TYPE)
    assert failed.value.explanation == ""


def test_fatal_is_fatal_also_where_its_explanation_cannot_be_had(clients: Clients) -> None:
    plan(clients, status="FATAL")
    clients.amazon.world.fail(Fault(path="/_storage/*", status=404))
    with pytest.raises(DocumentFailed) as failed:
        fetch(clients, TYPE)
    assert failed.value.explanation == ""


@pytest.mark.parametrize("type", ["GET_FLAT_FILE_ORDER_REPORT_DATA_SHIPPING", TYPE])
def test_restricted_types_get_their_token_by_themselves_and_others_none(clients: Clients, type: str) -> None:
    """Wish 3: restricted data tokens for reports (jrl84/amazon-sp-api 94 and 149)."""
    document = fetch(clients, type, data_start_time="2020-01-01T00:00:00Z")
    tokens = clients.amazon.arrived(RDT)
    if type not in catalog.index().restricted_reports:
        assert tokens == []
        return
    assert next(document.rows())["buyer-name"]
    path = f"/reports/2021-06-30/documents/{document.metadata['reportDocumentId']}"
    (token,) = tokens
    assert token["body"] == {"restrictedResources": [{"method": "GET", "path": path}]}


def test_a_report_that_is_resumed_gets_the_token_that_its_type_needs(clients: Clients) -> None:
    """Its type is what Amazon says of it: nobody has to remember that."""
    made = fetch(clients, "GET_FLAT_FILE_ORDER_REPORT_DATA_SHIPPING", data_start_time="2020-01-01T00:00:00Z")
    clients.amazon.world.requests.clear()
    sp = clients.make(restricted_tokens=RestrictedTokens())
    assert clients.do(lambda: sp.reports.fetch(report_id=made.id)).bytes == made.bytes
    assert len(clients.amazon.arrived(RDT)) == 1


def test_text_is_in_the_charset_that_the_storage_says(clients: Clients) -> None:
    """Wish 10: report encodings, Japan's above all (saleweaver/python-amazon-sp-api 271, 552, 769, 844)."""
    german = fetch(clients, TYPE, account="seller-eu", marketplace="DE")
    assert (german.content_type, german.encoding) == ("text/plain;charset=ISO-8859-1", "cp1252")
    assert "für Küche" in next(german.rows())["item-description"]
    japanese = fetch(clients, TYPE, account="seller-fe", marketplace="JP")
    assert (japanese.content_type, japanese.encoding) == ("text/plain;charset=Shift_JIS", "cp932")
    assert "①" in japanese.text, "which Shift JIS does not have, and Amazon sends"


def test_text_without_a_charset_is_what_fits(clients: Clients) -> None:
    for text, charset, encoding in (("ü", "utf-8", "utf-8"), ("ü€", "cp1252", "cp1252"), ("②", "utf-8-sig", "utf-8")):
        plan(clients, body=f"name\n{text}\n", charset=charset, content_type="text/plain")
        document = fetch(clients, TYPE)
        assert (document.encoding, list(document.rows())) == (encoding, [{"name": text}])
    plan(clients, body="name\nレポート\n", charset="cp932", content_type="text/plain")
    assert list(fetch(clients, TYPE, account="seller-fe", marketplace="JP").rows()) == [{"name": "レポート"}]


def test_an_encoding_that_is_given_is_used_instead(clients: Clients) -> None:
    plan(clients, body="name\n①\n", charset="cp932", content_type="text/plain;charset=UTF-8")
    assert fetch(clients, TYPE, encoding="cp932").text == "name\n①\n"
    plan(clients, body="name\n①\n", charset="cp932")
    with pytest.raises(DocumentError, match="is not encoded in utf-8") as wrong:
        _ = fetch(clients, TYPE, encoding="utf-8").text
    assert wrong.value.id


@pytest.mark.parametrize("gzip", [True, False])
@pytest.mark.parametrize("encrypted", [True, False])
def test_what_is_encrypted_is_decrypted_and_what_is_zipped_unzipped(
    clients: Clients, tmp_path: Path, gzip: bool, encrypted: bool
) -> None:
    text = "sku\tprice\r\n" + "LHG-001\t14.90\r\n" * 100_000
    for to in (None, tmp_path / "report.tsv"):
        plan(clients, body=text, gzip=gzip, encrypted=encrypted)
        document = fetch(clients, TYPE, to=to)
        assert document.bytes == text.encode()
        assert sum(1 for _ in document.rows()) == 100_000
        assert document.path == to


def test_a_document_is_downloaded_by_its_own_id(clients: Clients) -> None:
    made = fetch(clients, "GET_FLAT_FILE_ORDER_REPORT_DATA_SHIPPING", data_start_time="2020-01-01T00:00:00Z")
    sp = clients.make()
    id = made.metadata["reportDocumentId"]
    again = clients.do(lambda: sp.reports.download(id, report_type=made.metadata["reportType"]))
    assert again.bytes == made.bytes
    with pytest.raises(AccessDenied):
        clients.do(lambda: sp.reports.download(id))


def test_the_latest_report_is_the_newest_that_is_done(clients: Clients) -> None:
    sp = clients.make()
    with pytest.raises(DocumentError, match=f"Amazon has made no {TYPE}"):
        clients.do(lambda: sp.reports.latest(TYPE))
    for text in ("old", "new"):
        plan(clients, body=text)
        fetch(clients, TYPE)
        clients.amazon.world.advance(60)
    plan(clients, status="CANCELLED")
    with pytest.raises(DocumentCancelled):
        fetch(clients, TYPE)
    latest = clients.do(lambda: sp.reports.latest(TYPE, created_since="2020-01-01T00:00:00Z"))
    assert latest.text == "new"
    assert latest.metadata["reportType"] == TYPE


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({}, "report_type"),
        ({"report_type": TYPE, "report_id": "1"}, "report_type"),
        ({"report_id": "1", "data_start_time": "2026-01-01T00:00:00Z"}, "report_type"),
        ({"report_type": TYPE, "encoding": "klingon"}, "encoding"),
        ({"report_type": TYPE, "encoding": "base64"}, "encoding"),
        ({"report_type": TYPE, "patience_s": -1}, "patience_s"),
        ({"report_type": TYPE, "patience_s": "long"}, "patience_s"),
        ({"report_type": TYPE, "to": "/no/such/folder/report.tsv"}, "to"),
        ({"report_type": TYPE, "to": "/tmp"}, "to"),
        ({"report_type": TYPE, "data_start_time": 7}, "body.dataStartTime"),
    ],
)
def test_arguments_are_refused_before_anything_is_sent(clients: Clients, arguments: Any, field: str) -> None:
    with pytest.raises(InvalidArguments) as refused:
        fetch(clients, **arguments)
    assert [problem.field for problem in refused.value.problems] == [field]
    assert clients.amazon.arrived() == []


def test_a_report_that_nobody_created_is_not_found(clients: Clients) -> None:
    with pytest.raises(AmazonNotFound):
        fetch(clients, report_id="1")


def test_no_content_is_shown(clients: Clients) -> None:
    plan(clients, body="secret")
    document = fetch(clients, TYPE)
    assert repr(document) == f"Document(id={document.id!r}, 6 bytes, content_type='text/plain;charset=UTF-8')"
