"""Advertising reports from their type to their rows, in both colours, against the local Amazon."""

from __future__ import annotations

import gzip
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sellerport.documents import Document, Progress, ads_reports, transfer
from sellerport.emulator import Fault
from sellerport.emulator.storage import Stored
from sellerport.errors import (
    AccessDenied,
    AmazonRefused,
    DocumentError,
    DocumentFailed,
    DocumentPending,
    InvalidArguments,
    Throttled,
)
from sellerport.regions import Amazon
from sellerport.wire import BlockingWire, Request, run
from tests.contracts.conftest import REPORTS, Advertiser

TODAY = datetime.now(UTC).date()
LAST = TODAY - timedelta(days=2)
WEEK: dict[str, Any] = {
    "columns": ["date", "campaignId", "clicks", "cost"],
    "start_date": LAST - timedelta(days=6),
    "end_date": LAST,
}
LONG = {**WEEK, "start_date": LAST - timedelta(days=69)}
"""70 days, which are three reports."""
MADE = '[{"campaignId":98765432109876543,"cost":1.5}]'


def fetch(advertiser: Advertiser, *type: str, ads: Any = None, **arguments: Any) -> Document:
    ads = ads or advertiser.make()
    found: Document = advertiser.clients.do(lambda: ads.reporting.fetch(*type, **arguments))
    return found


def week(advertiser: Advertiser, **arguments: Any) -> Document:
    return fetch(advertiser, "spCampaigns", **{**WEEK, **arguments})


def world(advertiser: Advertiser) -> Any:
    return advertiser.clients.amazon.world


# --- from the type to the rows ----------------------------------------------------------------------------------------


def test_a_report_is_created_waited_for_downloaded_and_read_by_rows(advertiser: Advertiser) -> None:
    seen: list[Progress] = []
    document = week(advertiser, filters={"campaignStatus": ["ENABLED", "PAUSED"]}, progress=seen.append)
    rows = list(document.rows())
    assert {row["campaignId"] for row in rows} <= set(
        world(advertiser).ads.book(advertiser.profile).rows("sp.campaigns")
    )
    assert rows[0].keys() == {"date", "campaignId", "clicks", "cost"}
    assert {row["date"] for row in rows} == {str(LAST - timedelta(days=one)) for one in range(7)}
    (create,) = advertiser.sent("POST", REPORTS)
    assert create["body"] == {
        "startDate": str(WEEK["start_date"]),
        "endDate": str(LAST),
        "configuration": {
            "adProduct": "SPONSORED_PRODUCTS",
            "reportTypeId": "spCampaigns",
            "groupBy": ["campaign"],
            "columns": WEEK["columns"],
            "timeUnit": "DAILY",
            "format": "GZIP_JSON",
            "filters": [{"field": "campaignStatus", "values": ["ENABLED", "PAUSED"]}],
        },
    }
    assert create["headers"]["content-type"] == "application/vnd.createasyncreportrequest.v3+json"
    assert create["headers"]["amazon-advertising-api-scope"] == advertiser.profile.id
    assert [one.status for one in seen] == ["PENDING", "COMPLETED"]
    assert {one.id for one in seen} == {document.id}
    (told,) = document.metadata["reports"]
    assert told["reportId"] == document.id
    assert not [name for name in told if "url" in name.lower()], "who has the address has the file"


def test_ids_are_strings_as_everywhere_else_and_numbers_stay_numbers(advertiser: Advertiser) -> None:
    advertiser.plan(body=MADE)
    assert list(week(advertiser).rows()) == [{"campaignId": "98765432109876543", "cost": 1.5}]


def test_what_is_not_given_is_what_the_type_has(advertiser: Advertiser) -> None:
    days = {"start_date": str(LAST), "end_date": str(LAST)}
    fetch(advertiser, "sbCampaignPlacement", columns=["date", "cost"], **days)
    fetch(advertiser, "conversionPath", columns="brandName", **days)
    sent = [one["body"]["configuration"] for one in advertiser.sent("POST", REPORTS)]
    assert [(one["adProduct"], one["groupBy"], one["timeUnit"]) for one in sent] == [
        ("SPONSORED_BRANDS", ["campaignPlacement"], "DAILY"),
        ("ALL", ["brandConversionPath"], "SUMMARY"),
    ]


def test_a_report_without_rows_is_empty(advertiser: Advertiser, tmp_path: Path) -> None:
    for to in (None, tmp_path / "report.jsonl"):
        advertiser.plan(body="[]")
        document = week(advertiser, to=to)
        assert (document.empty, list(document.rows())) == (True, [])
    assert (tmp_path / "report.jsonl").read_bytes() == b""


def test_a_report_is_written_to_a_file_of_lines_that_can_be_opened_again(
    advertiser: Advertiser, tmp_path: Path
) -> None:
    rows = list(fetch(advertiser, "spCampaigns", **LONG).rows())
    document = fetch(advertiser, "spCampaigns", **LONG, to=tmp_path / "report.jsonl")
    assert list(tmp_path.iterdir()) == [document.path]
    assert [json.loads(line) for line in (tmp_path / "report.jsonl").read_text().splitlines()] == rows
    assert list(Document(tmp_path / "report.jsonl").rows()) == rows


def test_pandas_and_arrow_read_it(advertiser: Advertiser) -> None:
    advertiser.plan(body='[{"campaignId":98765432109876543,"cost":0},{"campaignId":2,"cost":1.5,"adId":7}]')
    document = week(advertiser)
    frame = document.to_pandas()
    assert list(frame["campaignId"]) == ["98765432109876543", "2"]
    assert frame["cost"].sum() == 1.5
    table = document.to_arrow()
    assert [str(one) for one in table.schema.types] == ["string", "double", "string"]
    assert table["adId"].to_pylist() == [None, "7"]
    with pytest.raises(DocumentError, match="values of several types"):
        Document(b'{"a": 1}\n{"a": "x"}\n').to_arrow()


# --- waiting ----------------------------------------------------------------------------------------------------------


def test_amazon_is_asked_after_half_a_minute_and_then_ever_less_often(advertiser: Advertiser) -> None:
    advertiser.plan(seconds=1500)
    seen: list[Progress] = []
    week(advertiser, progress=seen.append)
    assert advertiser.pauses == [30, 60, 120, 240, 300, 300, 300, 300]
    assert [one.waited_s for one in seen][-1] == pytest.approx(1650, abs=3)
    assert [one.status for one in seen] == ["PENDING"] * 5 + ["PROCESSING"] * 3 + ["COMPLETED"]


def test_who_knows_better_says_how_long_the_first_pause_is(advertiser: Advertiser) -> None:
    advertiser.plan(seconds=1000)
    week(advertiser, pause_s=400)
    assert advertiser.pauses == [400, 400, 400]


def test_hours_are_waited_and_access_tokens_expire_meanwhile(advertiser: Advertiser) -> None:
    """A token is good for an hour: the 401 of a poll is no end of the waiting."""
    advertiser.plan(seconds=2.5 * 3600)
    assert list(week(advertiser).rows())
    assert 401 in [one["status"] for one in advertiser.sent("GET", REPORTS)]
    assert advertiser.clients.amazon.token_requests == 3


def test_a_report_that_is_not_made_in_time_is_gone_on_with_by_its_id(advertiser: Advertiser) -> None:
    """Stuck reports are the first complaint (ads-advanced-tools-docs 338, 340 and 348): they may finish yet."""
    advertiser.plan(seconds=4 * 3600)
    with pytest.raises(DocumentPending) as pending:
        week(advertiser, profile_id=int(advertiser.profile.id))
    assert sum(advertiser.pauses) == pytest.approx(3 * 3600, abs=5)
    words = f"reporting.fetch(report_id={pending.value.id!r}, profile_id={advertiser.profile.id!r})"
    assert f"is still PROCESSING after 10800 s; go on with it: {words}" in str(pending.value)
    document = fetch(advertiser, report_id=pending.value.id, profile_id=advertiser.profile.id)
    assert document.id == pending.value.id
    assert list(document.rows())
    assert len(advertiser.sent("POST", REPORTS)) == 1


def test_a_crash_resumes_from_the_id_that_progress_told(advertiser: Advertiser) -> None:
    kept: list[str] = []

    def crash(progress: Progress) -> None:
        kept.append(progress.id)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as interrupted:
        fetch(advertiser, "spCampaigns", **LONG, progress=crash)
    assert interrupted.value.__notes__ == [f"to go on with report {kept[0]}: reporting.fetch(report_id={kept[0]!r})"]
    document = fetch(advertiser, report_id=kept[0])
    assert {row["date"] for row in document.rows()} == {str(LAST - timedelta(days=one)) for one in range(70)}
    assert len(advertiser.sent("POST", REPORTS)) == 3


def test_the_same_request_is_made_once_and_the_second_waits_for_the_first(advertiser: Advertiser) -> None:
    """425, ``duplicate of : <id>``: the report that is on its way is what was asked for."""
    advertiser.plan(seconds=600)
    with pytest.raises(DocumentPending) as pending:
        week(advertiser, patience_s=1)
    document = week(advertiser)
    assert document.id == pending.value.id
    assert [one["status"] for one in advertiser.sent("POST", REPORTS)] == [200, 425]


def test_a_425_that_names_no_report_is_told(advertiser: Advertiser) -> None:
    world(advertiser).fail(Fault(path=REPORTS, status=425))
    with pytest.raises(AmazonRefused) as refused:
        week(advertiser)
    assert refused.value.status == 425


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", ["wait", "raise"])
def test_creating_too_often_is_waited_out_in_minutes(advertiser: Advertiser, limit: str) -> None:
    """A 429 says nothing of when to come back (ads-advanced-tools-docs 344), and comes to first calls too (300)."""
    world(advertiser).fail(Fault(path=REPORTS, method="POST", status=429, times=5))
    week(advertiser, ads=advertiser.make(limit=limit))
    assert advertiser.pauses == [60, 120, 240, 300, 300, 30]


def test_amazon_says_how_long_to_stay_away_where_it_does(advertiser: Advertiser) -> None:
    world(advertiser).fail(Fault(path=REPORTS, method="POST", status=429, headers={"retry-after": "90"}))
    week(advertiser)
    assert advertiser.pauses == [90, 30]


def test_patience_ends_the_waiting_for_a_turn(advertiser: Advertiser) -> None:
    world(advertiser).fail(Fault(path=REPORTS, method="POST", status=429, times=None))
    with pytest.raises(Throttled):
        week(advertiser, patience_s=400)
    assert advertiser.pauses == [60, 120]


def test_asking_too_often_is_no_news(advertiser: Advertiser, caplog: pytest.LogCaptureFixture) -> None:
    world(advertiser).fail(Fault(path=f"{REPORTS}/*", method="GET", status=429, times=2))
    seen: list[Progress] = []
    with caplog.at_level(logging.INFO, "sellerport.documents"):
        assert list(week(advertiser, progress=seen.append).rows())
    assert [one.status for one in seen] == ["PENDING", "PENDING", "PENDING", "COMPLETED"]
    assert [one for one in advertiser.pauses if one >= 30] == [30, 60, 120]
    assert caplog.messages[0] == "reporting.reports.get is throttled; asked again after the next pause"


def test_one_part_that_is_throttled_holds_up_no_other(advertiser: Advertiser) -> None:
    world(advertiser).fail(Fault(path=f"{REPORTS}/*", method="GET", status=429))
    fetch(advertiser, "spCampaigns", **LONG)
    assert [one for one in advertiser.pauses if one >= 30] == [30, 60]


def test_the_address_of_a_file_that_is_made_is_asked_for_again_in_a_minute_where_that_is_throttled(
    advertiser: Advertiser,
) -> None:
    made = week(advertiser).id
    advertiser.clients.slept.clear()
    done: list[str] = []

    def throttle(progress: Progress) -> None:
        done.append(progress.status)
        world(advertiser).fail(Fault(path=f"{REPORTS}/*", method="GET", status=429))

    assert list(fetch(advertiser, report_id=made, progress=throttle).rows())
    assert (done, advertiser.pauses) == (["COMPLETED"], [60])


def test_a_report_that_amazon_cannot_make_says_why(advertiser: Advertiser, tmp_path: Path) -> None:
    advertiser.plan(status="FATAL", body="Report generation failed due to an internal error")
    with pytest.raises(
        DocumentFailed, match=r"\(FAILED\): Report generation failed due to an internal error$"
    ) as failed:
        week(advertiser, to=tmp_path / "report.jsonl")
    assert failed.value.explanation == "Report generation failed due to an internal error"
    assert failed.value.processing_status == "FAILED"
    assert list(tmp_path.iterdir()) == []


def test_an_error_while_waiting_says_how_to_go_on(advertiser: Advertiser) -> None:
    world(advertiser).fail(Fault(path=f"{REPORTS}/*", status=403))
    seen: list[Progress] = []
    with pytest.raises(AccessDenied) as denied:
        week(advertiser, progress=seen.append)
    (id,) = {one.id for one in seen}
    assert denied.value.__notes__ == [f"to go on with report {id}: reporting.fetch(report_id={id!r})"]


# --- the file ---------------------------------------------------------------------------------------------------------


def test_the_storage_gets_no_token_and_no_header_of_ours(advertiser: Advertiser) -> None:
    """S3 refuses a signed address with an Authorization beside it (airbytehq/airbyte 42118)."""
    week(advertiser)
    (request,) = advertiser.sent("GET", "/_storage/")
    assert request["status"] == 200
    assert set(request["headers"]) == {"accept", "host", "user-agent"}


def test_an_address_that_has_expired_is_asked_for_again(advertiser: Advertiser, tmp_path: Path) -> None:
    world(advertiser).fail(Fault(path="/_storage/*", status=403))
    assert list(week(advertiser, to=tmp_path / "report.jsonl").rows())
    assert [one["status"] for one in advertiser.sent("GET", "/_storage/")] == [403, 200]
    assert len(advertiser.sent("GET", REPORTS)) == 3
    assert [one.name for one in tmp_path.iterdir()] == ["report.jsonl"]


def test_parts_that_were_made_hours_ago_have_new_addresses_when_the_last_is_made(advertiser: Advertiser) -> None:
    for seconds in (10, 2 * 3600, 10):
        advertiser.plan(seconds=seconds)
    document = fetch(advertiser, "spCampaigns", **LONG)
    assert len({row["date"] for row in document.rows()}) == 70
    assert [one["status"] for one in advertiser.sent("GET", "/_storage/")] == [200] * 3
    for id, least in zip(document.id.split(","), (2, 20, 2), strict=True):
        seen = len([one for one in advertiser.sent("GET", f"{REPORTS}/{id}") if one["status"] == 200])
        assert (seen == 2) if least == 2 else (seen >= least), "what is made is looked at no more, but for its address"


@pytest.mark.parametrize(("zipped", "encoding"), [(True, None), (True, "gzip"), (False, None)])
def test_a_file_is_unzipped_once_whatever_the_storage_says_of_it(
    advertiser: Advertiser, zipped: bool, encoding: str | None
) -> None:
    advertiser.plan(body=MADE, gzip=zipped)
    made = week(advertiser).id
    objects = world(advertiser).storage.objects
    for key, found in objects.items():
        objects[key] = Stored.of(found.read(), "application/octet-stream", encoding)
    assert fetch(advertiser, report_id=made).bytes == b'{"campaignId":"98765432109876543","cost":1.5}\n'


@pytest.mark.parametrize("content", [gzip.compress(b"[1]", mtime=0), b"[1]", b"1", b""], ids=repr)
def test_how_a_file_begins_tells_whether_it_is_gzip_also_where_it_comes_byte_by_byte(content: bytes) -> None:
    class Bytes(BlockingWire):
        @asynccontextmanager
        async def stream(self, request: Request) -> AsyncIterator[Any]:
            pieces = iter([content[at : at + 1] for at in range(len(content))])

            async def read() -> bytes:
                return next(pieces, b"")

            yield SimpleNamespace(status=200, headers={}, read=read)

    async def ask() -> transfer.Ticket:
        return transfer.Ticket("http://127.0.0.1:1/x", gzip=None)

    caller: Any = SimpleNamespace(wire=Bytes(), amazon=Amazon("http://127.0.0.1:1"))
    found = run(transfer.fetch(caller, ask, None, {}))
    assert found.bytes == (b"[1]" if len(content) > 1 else content)


@pytest.mark.parametrize("body", ["", "[", '{"campaignId": 1}', "sku\tprice\n1\t2\n"])
def test_what_is_no_list_of_rows_is_an_error_and_no_file(advertiser: Advertiser, tmp_path: Path, body: str) -> None:
    advertiser.plan(body=body, gzip=False)
    to = tmp_path / "report.jsonl"
    to.write_text("of yesterday")
    if not body:
        assert week(advertiser, to=to).empty
        return
    with pytest.raises(DocumentError) as spoilt:
        week(advertiser, to=to)
    assert spoilt.value.id
    assert [one.read_text() for one in tmp_path.iterdir()] == ["of yesterday"]


# --- long ranges ------------------------------------------------------------------------------------------------------


def test_a_range_that_is_too_long_for_one_report_is_several_that_amazon_makes_at_the_same_time(
    advertiser: Advertiser,
) -> None:
    for _ in range(3):
        advertiser.plan(seconds=100)
    document = fetch(advertiser, "spCampaigns", **LONG)
    asked = [(one["body"]["startDate"], one["body"]["endDate"]) for one in advertiser.sent("POST", REPORTS)]
    first = LONG["start_date"]
    assert asked == [
        (str(first), str(first + timedelta(days=30))),
        (str(first + timedelta(days=31)), str(first + timedelta(days=61))),
        (str(first + timedelta(days=62)), str(LAST)),
    ]
    assert advertiser.pauses == [30, 60, 120]
    assert document.id == ",".join(one["reportId"] for one in document.metadata["reports"])
    rows = list(document.rows())
    parts = [sum(one["date"] >= start for start, _ in asked) for one in rows]
    assert parts == sorted(parts), "the reports come in the order of their days"
    alone = [
        row
        for start, end in asked
        for row in fetch(advertiser, "spCampaigns", **{**LONG, "start_date": start, "end_date": end}).rows()
    ]
    assert rows == alone
    assert max(Counter((row["date"], row["campaignId"]) for row in rows).values()) == 1, "no day is there twice"


def test_a_part_that_fails_is_named_and_nothing_is_half_there(advertiser: Advertiser, tmp_path: Path) -> None:
    advertiser.plan(seconds=5000)  # which nobody waits for any more
    advertiser.plan(status="FATAL", body="No.")
    seen: list[Progress] = []
    with pytest.raises(DocumentFailed) as failed:
        fetch(advertiser, "spCampaigns", **LONG, to=tmp_path / "report.jsonl", progress=seen.append)
    assert failed.value.id == seen[0].id.split(",")[1]
    assert failed.value.message == f"Amazon could not make report {failed.value.id} (FAILED): No."
    assert advertiser.pauses == [30]
    assert list(tmp_path.iterdir()) == []


def test_a_type_that_covers_a_year_is_not_split(advertiser: Advertiser) -> None:
    start = LAST - timedelta(days=200)
    fetch(advertiser, "spGrossAndInvalids", columns=["date", "clicks"], start_date=start, end_date=LAST)
    assert len(advertiser.sent("POST", REPORTS)) == 1


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field", "told"),
    [
        ({"report_type": None}, "report_type", "give either report_type or report_id"),
        ({"report_type": None, "report_id": "1"}, "report_type", "nothing else goes with report_id: columns"),
        ({"report_type": "spCampaign"}, "report_type", "did you mean 'spCampaigns'"),
        ({"columns": None}, "columns", "name at least one column"),
        ({"columns": ["date", "impresions"]}, "columns", "did you mean 'impressions'"),
        ({"columns": ["date", "adGroupId"]}, "columns", "it needs groupBy adGroup"),
        ({"columns": "clicks"}, "columns", "DAILY needs the column 'date'"),
        ({"group_by": "campaigns"}, "group_by", "'campaigns' is none of"),
        ({"time_unit": "WEEKLY"}, "time_unit", "'WEEKLY' is none of"),
        ({"filters": {"adStatus": "ENABLED"}}, "filters.adStatus", "is not for every groupBy"),
        ({"filters": {"campaignStatus": ["enabled"]}}, "filters.campaignStatus", "take 'ARCHIVED'"),
        ({"start_date": None}, "start_date", "is required: a day, such as '2026-11-02'"),
        ({"start_date": "November"}, "start_date", "must be a day"),
        ({"end_date": datetime.now(UTC)}, "end_date", "must be a day"),
        ({"end_date": LAST - timedelta(days=90)}, "end_date", "is before startDate"),
        ({"start_date": TODAY - timedelta(days=97)}, "start_date", "is too early"),
        ({**LONG, "time_unit": "SUMMARY", "columns": "clicks"}, "end_date", "70 days; this report type covers 31"),
        ({"pause_s": 0}, "pause_s", "must be a number, at least 1"),
        ({"patience_s": -1}, "patience_s", "must be a number"),
        ({"to": "/no/such/folder/report.jsonl"}, "to", "does not exist"),
    ],
)
def test_arguments_are_refused_before_anything_is_sent(
    advertiser: Advertiser, changes: dict[str, Any], field: str, told: str
) -> None:
    with pytest.raises(InvalidArguments) as refused:
        fetch(advertiser, **{"report_type": "spCampaigns", **WEEK, **changes})
    (problem,) = refused.value.problems
    assert problem.field == field
    assert told in problem.message
    assert advertiser.clients.amazon.arrived() == []


def test_everything_that_is_wrong_is_told_at_once(advertiser: Advertiser) -> None:
    with pytest.raises(InvalidArguments) as refused:
        fetch(advertiser, "spCampaigns", columns=["nothing"], group_by="campaign", time_unit="DAILY", end_date="x")
    assert [one.field for one in refused.value.problems] == ["start_date", "end_date", "columns", "columns"]


def test_what_has_data_today_in_the_last_time_zone_is_not_refused() -> None:
    """Where it is 10 o'clock in UTC, it is yesterday still in the west of the Pacific."""
    given = {"columns": ["date", "clicks"], "group_by": None, "time_unit": None, "filters": None}
    morning = datetime(2026, 11, 21, 10, tzinfo=UTC)
    first = date(2026, 11, 20) - timedelta(days=95)
    (body,) = ads_reports.bodies("spCampaigns", start_date=first, end_date=first, now=lambda: morning, **given)
    assert body["startDate"] == str(first)
    with pytest.raises(InvalidArguments, match="is too early"):
        ads_reports.bodies(
            "spCampaigns", start_date=first - timedelta(days=1), end_date=first, now=lambda: morning, **given
        )


def test_calls_are_for_the_profile_that_is_named(advertiser: Advertiser) -> None:
    found = advertiser.clients.amazon.world.ads.profiles.values()
    other = next(one for one in found if (one.marketplace.country, one.type) == ("CA", "seller"))
    week(advertiser, profile_id=other.id)
    sent = advertiser.sent("POST", REPORTS) + advertiser.sent("GET", REPORTS)
    assert {one["headers"]["amazon-advertising-api-scope"] for one in sent} == {other.id}


def test_the_raw_operations_are_beside_it(advertiser: Advertiser) -> None:
    made = week(advertiser).id
    ads = advertiser.make()
    assert advertiser.clients.do(lambda: ads.reporting.reports.get(report_id=made))["status"] == "COMPLETED"
    assert dir(ads.reporting) == ["fetch", "reports"]
