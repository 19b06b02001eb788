"""What a request for an advertising report may ask for, and what is said of one that asks for something else."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta
from importlib.resources import files
from typing import Any

import pytest

from sellerport.catalog.report_types import column_types, problems, report_types

TODAY = date(2026, 3, 31)
MARCH = (date(2026, 3, 1), date(2026, 3, 31))


def asked(**changes: Any) -> dict[str, Any]:
    """Return a configuration that is right, with some of it changed."""
    return {
        "adProduct": "SPONSORED_PRODUCTS",
        "reportTypeId": "spCampaigns",
        "groupBy": ["campaign"],
        "columns": ["date", "campaignId", "impressions", "sales7d"],
        "filters": [{"field": "campaignStatus", "values": ["ENABLED", "PAUSED"]}],
        "timeUnit": "DAILY",
        "format": "GZIP_JSON",
        **changes,
    }


def said(configuration: dict[str, Any], start: date = MARCH[0], end: date = MARCH[1]) -> list[str]:
    return [str(problem) for problem in problems(configuration, start, end, TODAY)]


def test_there_are_34_types_and_every_column_has_a_type() -> None:
    types = report_types()
    assert len({id(kind) for kind in types.values()}) == 34
    assert {column for kind in types.values() for column in kind.allowed_columns(kind.groups)} == set(column_types())
    assert column_types()["campaignId"] == "integer"
    assert column_types()["sales7d"] == "decimal"


def test_both_spellings_of_the_bid_adjustments_are_known() -> None:
    assert report_types()["dspBidAdjustments"] is report_types()["dspBidAdjustment"]


def test_a_whole_month_of_campaigns_is_taken() -> None:
    assert said(asked()) == []


@pytest.mark.parametrize("name", sorted(report_types()))
def test_everything_that_a_type_has_can_be_asked_for(name: str) -> None:
    kind = report_types()[name]
    unit = sorted(kind.time_units)[0]
    for group_by in kind.combinations or [(group,) for group in kind.groups]:
        columns = kind.allowed_columns(group_by) - ({"startDate", "endDate"} if unit == "DAILY" else {"date"})
        filters = [
            {"field": field, "values": sorted(values)} for field, values in kind.allowed_filters(group_by).items()
        ]
        whole = asked(
            adProduct=kind.product, reportTypeId=name, groupBy=list(group_by), columns=sorted(columns), filters=filters,
            timeUnit=unit, format=kind.formats[0],
        )  # fmt: skip
        start = kind.earliest(TODAY)
        assert said(whole, start, start + timedelta(days=kind.most_days - 1)) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"reportTypeId": "spCampaign"}, "configuration.reportTypeId: no report type 'spCampaign'; did you mean"),
        ({"reportTypeId": None}, "configuration.reportTypeId: name a report type"),
        ({"adProduct": "SPONSORED_BRANDS"}, "configuration.adProduct: this report type is of 'SPONSORED_PRODUCTS'"),
        ({"groupBy": ["campaigns"], "filters": []}, "configuration.groupBy: 'campaigns' is none of 'campaign', "),
        ({"groupBy": [], "filters": []}, "configuration.groupBy: name at least one of 'campaign', "),
        ({"format": "CSV"}, "configuration.format: 'CSV' is none of 'GZIP_JSON'"),
        ({"timeUnit": "WEEKLY"}, "configuration.timeUnit: 'WEEKLY' is none of "),
        ({"columns": []}, "configuration.columns: name at least one column"),
        ({"columns": ["date", "impresions"]}, "'impresions' for groupBy 'campaign'; did you mean 'impressions'?"),
        ({"columns": ["date", "adGroupId"]}, "'adGroupId' for groupBy 'campaign'; it needs groupBy adGroup"),
        ({"columns": ["impressions"]}, "configuration.columns: DAILY needs the column 'date'"),
        ({"columns": ["date", "endDate"]}, "configuration.columns: DAILY has 'date' instead of 'endDate'"),
        ({"timeUnit": "SUMMARY"}, "configuration.columns: SUMMARY has no 'date'; take 'startDate', 'endDate'"),
        (
            {"groupBy": ["campaign", "adGroup"]},
            "configuration.filters.0.field: 'campaignStatus' is not for every groupBy of this report; they take none",
        ),
        (
            {"filters": [{"field": "adStatus", "values": ["ENABLED"]}]},
            "configuration.filters.0.field: 'adStatus' is not for every groupBy of this report; what they all take: ",
        ),
        (
            {"filters": [{"field": "campaignStatus", "values": ["enabled"]}]},
            "configuration.filters.0.values: 'enabled': take 'ARCHIVED', 'ENABLED', 'PAUSED'",
        ),
    ],
)
def test_what_amazon_would_refuse_is_named_with_what_to_do(changes: dict[str, Any], expected: str) -> None:
    [problem] = said(asked(**changes))
    assert expected in problem


def test_a_report_covers_its_most_days_and_not_one_more() -> None:
    assert said(asked(), date(2026, 2, 28), date(2026, 3, 30)) == []
    assert said(asked(), date(2026, 2, 27), date(2026, 3, 30)) == [
        "endDate: 32 days; this report type covers 31 at most, so split the range"
    ]


def test_a_report_begins_on_the_first_day_that_has_data_and_not_before() -> None:
    first = TODAY - timedelta(days=95)
    assert said(asked(), first, first) == []
    before = first - timedelta(days=1)
    assert said(asked(), before, before) == [
        f"startDate: {before} is too early; the data of this report type begins {first}"
    ]


def test_a_range_ends_after_it_begins() -> None:
    assert said(asked(), date(2026, 3, 2), date(2026, 3, 1)) == ["endDate: 2026-03-01 is before startDate 2026-03-02"]


def test_every_problem_is_said_at_once() -> None:
    wrong = asked(adProduct="SPONSORED_BRANDS", columns=["date", "nothing"], format="CSV")
    assert [one.split(":")[0] for one in said(wrong, date(2026, 3, 31), date(2026, 3, 1))] == [
        *("configuration.adProduct", "configuration.format", "configuration.columns", "endDate"),
    ]


def test_reach_is_grouped_only_in_the_ways_that_go_together() -> None:
    """dspReachFrequency takes the advertiser alone, or with one other group."""
    reach = {"reportTypeId": "dspReachFrequency", "adProduct": "DEMAND_SIDE_PLATFORM", "filters": []}
    both = asked(**reach, columns=["date", "reach"], groupBy=["supplySource", "advertiser"])
    assert said(both) == []
    all_three = asked(**reach, columns=["date", "reach"], groupBy=["supplySource", "advertiser", "frequencyGroup"])
    assert [one.split(":")[0] for one in said(all_three)] == ["configuration.groupBy"]


def test_placements_of_sponsored_brands_are_grouped_by_placement() -> None:
    """Amazon's page declares the campaign, and says the placement (reference/amazon-ads.md, section 4.3)."""
    kind = report_types()["sbCampaignPlacement"]
    assert "placementClassification" in kind.allowed_columns(["campaignPlacement"])
    assert "placementClassification" not in kind.allowed_columns(["campaign"])


def test_nothing_is_read_before_it_is_asked_for() -> None:
    program = "import sellerport.catalog.report_types as it; print(it._table.cache_info().currsize)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout.strip() == "0"


def test_the_facts_hold_no_sentence() -> None:
    assert " " not in files("sellerport.catalog").joinpath("ads", "reports.json").read_text("utf-8")
