"""Advertising reports of the local Amazon: how they are asked for, refused, made and fetched, and what is in them."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest

from sellerport.catalog.report_types import column_types, report_types
from sellerport.emulator import Outcome
from tests.emulator.ads.advertiser import Advertiser
from tests.emulator.conftest import Local

REPORTS = "/reporting/reports"
TODAY = date(2026, 9, 21)
SUNDAY = TODAY - timedelta(days=1)
START = TODAY - timedelta(days=30)
MONEY = ("cost", "sales1d", "sales7d", "sales14d", "sales30d")
NUMBERS = ("impressions", "clicks", "purchases7d", "unitsSoldClicks7d", *MONEY)
WINDOWS = (1, 7, 14, 30)


def asked(*, start: date = START, end: date = SUNDAY, name: str | None = None, **changes: Any) -> dict[str, Any]:
    """Return the body of a report of campaigns, with some of its configuration changed."""
    configuration = {
        "adProduct": "SPONSORED_PRODUCTS",
        "reportTypeId": "spCampaigns",
        "groupBy": ["campaign"],
        "columns": ["date", "campaignId", *NUMBERS],
        "timeUnit": "DAILY",
        "format": "GZIP_JSON",
        **changes,
    }
    named = {} if name is None else {"name": name}
    return {**named, "startDate": str(start), "endDate": str(end), "configuration": configuration}


def of(kind: str, group: str, columns: Iterable[str], *, unit: str = "SUMMARY") -> dict[str, Any]:
    """Return the body of a report of another type."""
    product = report_types()[kind].product
    days = ["date"] if unit == "DAILY" else []
    wanted = [*days, *columns]
    return asked(adProduct=product, reportTypeId=kind, groupBy=[group], columns=wanted, timeUnit=unit)


def added(rows: Iterable[dict[str, Any]], by: str, numbers: Iterable[str] = NUMBERS) -> dict[Any, dict[str, int]]:
    """Add up rows by a column, money in cents."""
    sums: dict[Any, Counter[str]] = {}
    for row in rows:
        found = sums.setdefault(row[by], Counter())
        found.update({name: round(row[name] * 100) for name in numbers})
    return {key: dict(one) for key, one in sums.items()}


@pytest.fixture
def ads(amazon: Local) -> Advertiser:
    return Advertiser(amazon)


def created(ads: Advertiser, **more: Any) -> str:
    return str(ads.good("POST", REPORTS, asked(**more))["reportId"])


# --- the way of a report ----------------------------------------------------------------------------------------------


def test_a_report_moves_on_by_the_clock_and_not_by_being_asked_for(ads: Advertiser) -> None:
    answer = ads.good("POST", REPORTS, asked(name="daily"))
    id = answer["reportId"]
    unknown = dict.fromkeys(("generatedAt", "url", "urlExpiresAt", "fileSize", "failureReason"))
    assert answer == {
        "reportId": id,
        "status": "PENDING",
        **asked(name="daily"),
        "configuration": {**asked()["configuration"], "filters": None},
        "createdAt": "2026-09-21T14:13:20.000Z",
        "updatedAt": "2026-09-21T14:13:20.000Z",
        **unknown,
    }
    assert [ads.good("GET", f"{REPORTS}/{id}")["status"] for _ in range(5)] == ["PENDING"] * 5
    ads.amazon.world.advance(ads.amazon.world.task_s / 2)
    assert ads.good("GET", f"{REPORTS}/{id}") == {
        **answer,
        "status": "PROCESSING",
        "updatedAt": "2026-09-21T14:13:22.000Z",
    }
    done = ads.finished(f"{REPORTS}/{id}")
    assert done["status"] == "COMPLETED"
    assert done["generatedAt"] == done["updatedAt"] == "2026-09-21T14:13:24.000Z"
    assert done["urlExpiresAt"] == "2026-09-21T15:13:26.000Z"
    assert done["fileSize"] == len(ads.amazon.fetch(done["url"]).body)
    assert done["failureReason"] is None


def test_a_report_can_be_planned_to_fail_late(ads: Advertiser) -> None:
    ads.amazon.world.plan(Outcome(type="spCampaigns", status="FATAL", seconds=7200, body="Out of paper"))
    path = f"{REPORTS}/{created(ads)}"
    ads.amazon.world.advance(7199)
    assert ads.good("GET", path)["status"] == "PROCESSING"
    ads.amazon.world.advance(1)
    failed = ads.good("GET", path)
    assert (failed["status"], failed["failureReason"], failed["url"]) == ("FAILED", "Out of paper", None)


def test_a_report_that_is_asked_for_twice_is_answered_with_the_first_one_s_id(ads: Advertiser) -> None:
    first = created(ads)
    again = ads.call("POST", REPORTS, asked(name="another name"))
    assert (again.status, again.json) == (425, {"code": "425", "detail": f"The Request is a duplicate of : {first}"})
    assert created(ads, end=SUNDAY - timedelta(days=1)) != first
    assert created(Advertiser(ads.amazon, "CA")) != first
    ads.finished(f"{REPORTS}/{first}")
    assert created(ads) != first


def test_each_look_at_a_report_gives_an_address_that_is_good_for_an_hour(ads: Advertiser) -> None:
    path = f"{REPORTS}/{created(ads)}"
    first = ads.finished(path)["url"]
    ads.amazon.world.advance(3599)
    second = ads.good("GET", path)["url"]
    assert ads.file(first) == ads.file(second)
    ads.amazon.world.advance(1)
    late = ads.amazon.fetch(first)
    assert (late.status, late.headers["content-type"]) == (403, "application/xml")
    assert b"<Message>Request has expired</Message>" in late.body
    assert ads.file(second)


def test_a_file_is_not_given_to_who_sends_a_token(ads: Advertiser) -> None:
    url = ads.finished(f"{REPORTS}/{created(ads)}")["url"]
    refused = ads.amazon.fetch(url, {"authorization": f"Bearer {ads.token}"})
    assert refused.status == 400
    assert b"<Code>InvalidArgument</Code><Message>Only one auth mechanism allowed" in refused.body


def test_a_report_of_nothing_is_an_empty_array_in_22_bytes(ads: Advertiser) -> None:
    body = of("stCampaigns", "campaign", ["impressions"])
    assert ads.call("POST", REPORTS, body).json["detail"] == "configuration reportTypeId is unknown or invalid"
    body = of("spAudiences", "campaign_bid_boost_segment", ["impressions"])
    done = ads.finished(f"{REPORTS}/{ads.good('POST', REPORTS, body)['reportId']}")
    assert done["fileSize"] == 22
    assert ads.file(done["url"]) == []


def test_a_report_that_waits_can_be_deleted_and_no_other(ads: Advertiser) -> None:
    id = created(ads)
    assert ads.good("DELETE", f"{REPORTS}/{id}")["reportId"] == id
    gone = ads.call("GET", f"{REPORTS}/{id}")
    assert (gone.status, gone.json) == (404, {"code": "404", "detail": f"Report {id} not found"})
    other = created(ads)
    ads.amazon.world.advance(ads.amazon.world.task_s / 2)
    assert ads.call("DELETE", f"{REPORTS}/{other}").json == {
        "code": "400",
        "detail": f"Report {other} is PROCESSING and can no longer be deleted",
    }


def test_a_report_belongs_to_its_profile(ads: Advertiser) -> None:
    id = created(ads)
    assert Advertiser(ads.amazon, "CA").call("GET", f"{REPORTS}/{id}").status == 404


def test_a_report_outlives_a_dump_and_a_load(ads: Advertiser) -> None:
    id = created(ads)
    ads.amazon.world.load(json.loads(json.dumps(ads.amazon.world.dump())))
    ads.amazon.world.advance(1)
    assert ads.call("POST", REPORTS, asked()).status == 425
    before = ads.finished(f"{REPORTS}/{id}")
    rows = ads.file(before["url"])
    ads.amazon.world.load(json.loads(json.dumps(ads.amazon.world.dump())))
    assert ads.file(ads.good("GET", f"{REPORTS}/{id}")["url"]) == rows != []


# --- what Amazon refuses ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (asked(reportTypeId="spCampaign"), "configuration reportTypeId is unknown or invalid"),
        (
            asked(
                groupBy=["campaign", "adGroup"],
                filters=[{"field": "campaignStatus", "values": ["ENABLED"]}],
            ),
            "configuration filters includes fields: (campaignStatus) which are invalid for groupBys: "
            "campaign, adGroup. Allowed filters: ",
        ),
        (
            asked(groupBy=["adGroup"], columns=["date", "clicks"], filters=[{"field": "campaignStatus", "values": []}]),
            "configuration filters includes fields: (campaignStatus) which are invalid for groupBys: adGroup. "
            "Allowed filters: adStatus",
        ),
        (
            asked(start=TODAY - timedelta(days=96), end=TODAY - timedelta(days=90)),
            "startDate (2026-06-17) must be equal to or after report type data retention start date (2026-06-18)",
        ),
    ],
)
def test_refusals_are_in_amazon_s_words(ads: Advertiser, body: dict[str, Any], detail: str) -> None:
    refused = ads.call("POST", REPORTS, body)
    assert (refused.status, refused.json) == (400, {"code": "400", "detail": detail})


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (asked(columns=["date", "impressions", "adGroupId", "sales"]), "invalid values: (adGroupId, sales)."),
        (asked(columns=["impressions"]), "must include date when timeUnit is DAILY"),
        (asked(columns=["date", "startDate"]), "(startDate), invalid when timeUnit is DAILY"),
        (asked(timeUnit="SUMMARY"), "(date), invalid when timeUnit is SUMMARY"),
        (asked(columns=[]), "configuration columns includes invalid values: ()"),
        (asked(groupBy=["campaigns"]), "configuration groupBy includes invalid values: (campaigns)"),
        (asked(format="CSV"), "configuration format includes invalid values: (CSV)"),
        (asked(timeUnit="HOURLY"), "configuration timeUnit includes invalid values: (HOURLY)"),
        (asked(adProduct="SPONSORED_BRANDS"), "configuration adProduct is invalid"),
        (asked(filters=[{"field": "campaignStatus", "values": ["on"]}]), "filters includes invalid values: (on)"),
        (asked(start=START - timedelta(days=2)), "must not be more than 31 days"),
        (asked(start=SUNDAY, end=START), "must be equal to or after startDate"),
        ({"startDate": "2026-09-01"}, "endDate"),
        ({**asked(), "startDate": "yesterday"}, "startDate"),
        ([], "Expected `object`"),
    ],
)  # fmt: skip
def test_a_report_that_cannot_be_made_is_refused_and_says_why(ads: Advertiser, body: Any, words: str) -> None:
    refused = ads.call("POST", REPORTS, body)
    assert (refused.status, set(refused.json)) == (400, {"code", "detail"})
    assert words in refused.json["detail"]


def test_thirty_one_days_are_a_report(ads: Advertiser) -> None:
    assert created(ads, start=START, end=START + timedelta(days=30))


def test_an_agency_s_profile_has_no_reports(amazon: Local) -> None:
    agency = Advertiser(amazon, "US", "agency")
    refused = agency.call("POST", REPORTS, asked())
    assert (refused.status, refused.json["detail"]) == (400, "Invalid Advertiser or Marketplace ID.")


def test_who_may_only_look_may_have_reports_and_exports(amazon: Local) -> None:
    amazon.world.ads.share("viewer@example.invalid", "ALOCALSELLERNA", "view")
    grant = amazon.world.grant_ads("viewer@example.invalid")
    viewer = Advertiser(amazon, refresh_token=grant.refresh_token)
    assert viewer.rows(asked())
    assert viewer.call("POST", "/campaigns/export", {}).status == 202
    assert viewer.call("PUT", "/sp/campaigns", {"campaigns": []}).status == 401


# --- what is in it ----------------------------------------------------------------------------------------------------

EVERY = [
    (name, group)
    for name, kind in sorted(report_types().items())
    for group in kind.groups
    if not name.startswith(("dsp", "st", "conversion"))
]


@pytest.mark.parametrize(("name", "group"), EVERY)
def test_rows_have_exactly_the_columns_that_were_asked_for(ads: Advertiser, name: str, group: str) -> None:
    kind = report_types()[name]
    columns = sorted(kind.allowed_columns([group]) - {"startDate", "endDate"})
    rows = ads.rows(of(name, group, [one for one in columns if one != "date"], unit="DAILY"))
    assert all(row.keys() == set(columns) for row in rows)
    assert bool(rows) == (not name.endswith("Audiences"))
    kinds = {"integer": int, "decimal": int | float, "string": str}
    for row in rows:
        for column in (one for one in columns if row[one] is not None and not one.startswith("salesBrandHalo")):
            assert isinstance(row[column], kinds[column_types()[column]]), (column, row[column])


def test_the_days_of_a_report_add_up_to_its_summary(ads: Advertiser) -> None:
    daily = added(ads.rows(asked()), "campaignId")
    whole = ads.rows(of("spCampaigns", "campaign", ["startDate", "endDate", "campaignId", *NUMBERS]))
    assert daily == added(whole, "campaignId") != {}
    assert {(row["startDate"], row["endDate"]) for row in whole} == {(str(START), str(SUNDAY))}
    assert len(whole) == len(daily)


@pytest.mark.parametrize(
    ("kind", "group", "columns"),
    [
        ("spCampaigns", "campaignPlacement", ["placementClassification"]),
        ("spTargeting", "targeting", ["keywordId", "targeting"]),
        ("spSearchTerm", "searchTerm", ["searchTerm", "keywordId"]),
        ("spAdvertisedProduct", "advertiser", ["adId", "advertisedSku"]),
    ],
)
def test_what_campaigns_are_made_of_adds_up_to_them(ads: Advertiser, kind: str, group: str, columns: list[str]) -> None:
    campaigns = ads.rows(of("spCampaigns", "campaign", ["campaignId", *NUMBERS]))
    parts = ads.rows(of(kind, group, ["campaignId", *columns, *NUMBERS]))
    assert added(parts, "campaignId") == added(campaigns, "campaignId")
    assert len(parts) > len(campaigns)


def test_ad_groups_add_up_to_their_campaigns_in_every_product(ads: Advertiser) -> None:
    both = asked(columns=["campaignId", "adGroupId", *NUMBERS], groupBy=["campaign", "adGroup"], timeUnit="SUMMARY")
    groups = ads.rows(both)
    campaigns = ads.rows(of("spCampaigns", "campaign", ["campaignId", *NUMBERS]))
    assert added(groups, "campaignId") == added(campaigns, "campaignId")
    assert len(groups) > len(campaigns)
    numbers = ("impressions", "clicks", "cost", "purchases", "purchasesClicks", "sales", "newToBrandSales")
    for product in ("sb", "sd"):
        groups = ads.rows(of(f"{product}AdGroup", "adGroup", ["campaignId", *numbers]))
        campaigns = ads.rows(of(f"{product}Campaigns", "campaign", ["campaignId", *numbers]))
        targets = ads.rows(of(f"{product}Targeting", "targeting", ["campaignId", *numbers]))
        whole = added(campaigns, "campaignId", numbers)
        assert added(groups, "campaignId", numbers) == whole == added(targets, "campaignId", numbers) != {}


def test_rows_are_of_what_is_advertised(ads: Advertiser) -> None:
    book = ads.amazon.world.ads.book(ads.profile)
    columns = ["campaignId", "campaignName", "campaignStatus", "campaignBudgetAmount", "adGroupId", "keywordId"]
    rows = ads.rows(of("spTargeting", "targeting", [*columns, "keyword", "keywordType", "keywordBid", "portfolioId"]))
    assert len(rows) > 5
    for row in rows:
        campaign = book.rows("sp.campaigns")[str(row["campaignId"])]
        target = book.get("sp.keywords", str(row["keywordId"])) or book.rows("sp.targets")[str(row["keywordId"])]
        assert (campaign.name, campaign.state, campaign.budget) == tuple(row[name] for name in columns[1:4])
        assert (target.campaign, target.ad_group) == (campaign.id, str(row["adGroupId"]))
        assert row["keywordBid"] == target.values["bid"]
        assert row["keyword"] == target.values.get("keywordText", row["keyword"])
        assert str(row["portfolioId"]) == campaign.values["portfolioId"]
    kinds = {row["keywordType"] for row in rows}
    assert {"BROAD", "TARGETING_EXPRESSION", "TARGETING_EXPRESSION_PREDEFINED"} <= kinds
    automatic = {row["keyword"] for row in rows if row["keywordType"] == "TARGETING_EXPRESSION_PREDEFINED"}
    assert automatic == {"close-match", "loose-match", "substitutes", "complements"}


def test_numbers_can_be_true(ads: Advertiser) -> None:
    windows = [f"{name}{days}d" for days in WINDOWS for name in ("purchases", "purchasesSameSku", "sales")]
    windows += [f"{name}{days}d" for days in WINDOWS for name in ("attributedSalesSameSku", "unitsSoldClicks")]
    columns = ["campaignId", "impressions", "clicks", "cost", "spend", "costPerClick", "clickThroughRate", *windows]
    rows = ads.rows(of("spCampaigns", "campaign", columns, unit="DAILY"))
    for row in rows:
        assert row["clicks"] <= row["impressions"] > 0
        assert row["cost"] == row["spend"]
        for short, long in pairwise(WINDOWS):
            for name in ("purchases", "sales", "unitsSoldClicks", "attributedSalesSameSku"):
                assert row[f"{name}{short}d"] <= row[f"{name}{long}d"]
        for days in WINDOWS:
            assert row[f"attributedSalesSameSku{days}d"] <= row[f"sales{days}d"]
            assert row[f"purchasesSameSku{days}d"] <= row[f"purchases{days}d"] <= row[f"unitsSoldClicks{days}d"]
            assert row[f"purchases{days}d"] <= row["clicks"]
        if row["clicks"]:
            assert row["costPerClick"] == pytest.approx(row["cost"] / row["clicks"], abs=1e-4)
        else:
            assert (row["cost"], row["costPerClick"]) == (0, None)
        assert row["clickThroughRate"] == pytest.approx(row["clicks"] / row["impressions"], abs=1e-4)
    assert sum(row["sales1d"] for row in rows) < sum(row["sales30d"] for row in rows)
    assert 0 < sum(row["attributedSalesSameSku30d"] for row in rows) < sum(row["sales30d"] for row in rows)


def test_the_same_day_has_the_same_numbers_in_every_report_of_every_run(ads: Advertiser) -> None:
    whole = ads.rows(asked())
    day = START + timedelta(days=3)
    assert ads.rows(asked(start=day, end=day)) == [row for row in whole if row["date"] == str(day)] != []
    ads.amazon.world.reset(seed=1)
    assert Advertiser(ads.amazon).rows(asked()) == whole
    ads.amazon.world.reset(seed=2)
    assert Advertiser(ads.amazon).rows(asked()) != whole


def test_sales_of_a_week_are_known_little_by_little_and_clicks_at_once(ads: Advertiser) -> None:
    week = asked(start=TODAY - timedelta(days=6), end=TODAY)
    soon = added(ads.rows(week), "date")
    ads.amazon.world.advance(29 * 24 * 3600)
    late = added(ads.rows(week), "date")
    for name in ("impressions", "clicks", "cost", "sales1d"):
        assert [day[name] for day in soon.values()] == [day[name] for day in late.values()]
    assert all(soon[day]["sales30d"] <= late[day]["sales30d"] for day in soon)
    assert sum(day["sales30d"] for day in soon.values()) < sum(day["sales30d"] for day in late.values())


def test_what_is_bought_the_day_after_a_click_is_not_bought_within_a_day(amazon: Local) -> None:
    everywhere = [Advertiser(amazon, country) for country in ("US", "CA", "MX", "DE", "GB", "FR", "IT", "ES", "JP")]
    body = asked(start=SUNDAY, end=TODAY, columns=["date", "campaignId", "sales1d", "sales7d"])
    soon = [ads.rows(body) for ads in everywhere]
    amazon.world.advance(24 * 3600)
    late = [ads.rows(body) for ads in everywhere]
    for before, after in zip(soon, late, strict=True):
        assert [row["sales1d"] for row in before] == [row["sales1d"] for row in after]
    assert sum(row["sales7d"] for rows in soon for row in rows) < sum(row["sales7d"] for rows in late for row in rows)


def test_what_is_paused_has_no_new_rows_and_keeps_the_old_ones(ads: Advertiser) -> None:
    before = ads.rows(asked())
    campaign = before[0]["campaignId"]
    change = {"campaigns": [{"campaignId": str(campaign), "state": "PAUSED"}]}
    kind = "application/vnd.spCampaign.v3+json"
    answer = ads.good("PUT", "/sp/campaigns", change, content_type=kind, accept=kind)
    assert not answer["campaigns"]["error"]
    ads.amazon.world.advance(10 * 24 * 3600)
    after = ads.rows(asked(start=TODAY - timedelta(days=5), end=TODAY + timedelta(days=9)))
    assert max(row["date"] for row in after if row["campaignId"] == campaign) == str(TODAY)
    assert max(row["date"] for row in after) == str(TODAY + timedelta(days=9))
    enabled = ads.rows(asked(filters=[{"field": "campaignStatus", "values": ["ENABLED"]}]))
    assert {row["campaignId"] for row in enabled} == {row["campaignId"] for row in before} - {campaign}


def test_the_future_has_no_rows(ads: Advertiser) -> None:
    assert ads.rows(asked(start=TODAY + timedelta(days=1), end=TODAY + timedelta(days=2))) == []


def test_what_was_bought_besides_is_not_what_was_advertised(ads: Advertiser) -> None:
    columns = [
        "advertisedAsin",
        "purchasedAsin",
        "purchases30d",
        "purchasesOtherSku30d",
        "sales30d",
        "salesOtherSku30d",
    ]
    rows = ads.rows(of("spPurchasedProduct", "asin", columns))
    assert rows
    for row in rows:
        assert row["purchasedAsin"] != row["advertisedAsin"]
        assert row["purchases30d"] == row["purchasesOtherSku30d"] > 0
        assert row["sales30d"] == row["salesOtherSku30d"] > 0


def test_displays_are_paid_by_the_view_and_count_those_who_did_not_click(ads: Advertiser) -> None:
    columns = ["campaignId", "costType", "impressionsViews", "clicks", "cost", "purchases", "purchasesClicks"]
    rows = ads.rows(of("sdCampaigns", "campaign", columns))
    [by_view] = [row for row in rows if row["costType"] == "VCPM"]
    bids = [row.values["bid"] for row in ads.amazon.world.ads.book(ads.profile).rows("sd.targets").values()]
    assert 0 < by_view["cost"] <= by_view["impressionsViews"] * max(bids) / 1000
    assert sum(row["purchases"] for row in rows) > sum(row["purchasesClicks"] for row in rows)


def test_a_yen_has_no_parts(amazon: Local) -> None:
    rows = Advertiser(amazon, "JP").rows(asked())
    assert sum(row["cost"] for row in rows) > 1000
    assert all(row[name] == int(row[name]) for row in rows for name in MONEY)


def test_a_report_is_a_table_where_that_is_asked_for(ads: Advertiser) -> None:
    columns = ["date", "campaignName", "impressions", "grossImpressions", "invalidImpressions"]
    body = asked(reportTypeId="spGrossAndInvalids", columns=columns, format="CSV")
    done = ads.finished(f"{REPORTS}/{ads.good('POST', REPORTS, body)['reportId']}")
    rows = list(csv.DictReader(io.StringIO(gzip.decompress(ads.amazon.fetch(done["url"]).body).decode())))
    assert rows
    assert list(rows[0]) == columns
    assert all(int(row["grossImpressions"]) == int(row["impressions"]) + int(row["invalidImpressions"]) for row in rows)
