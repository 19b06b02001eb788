"""Other people's clients of the Ads API, unmodified, against `sellerport emulate`, to which the proxy leads them.

The task: `client_id`, `client_secret` and `refresh_token`, the `country` of the profile and the `host` of its
region, and the days `since` and `until`. Facts are Amazon's own words, as the client hands them to a program.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from running import LEADING, PYTHON, Amazon, Client, Json, run

HOST = "advertising-api-eu.amazon.com"
COUNTRY = "DE"
AD_API = Client((PYTHON, "python_amazon_ad_api.py"), "python-ad-api-")
AIRBYTE = Client((PYTHON, "airbyte_ads.py"), "python-httpx")


@pytest.fixture(scope="module")
def task(amazon: Amazon) -> Json:
    """What both clients are told."""
    amazon.control("reset", {})
    for kind in ("report", "export"):
        amazon.control("documents", {"kind": kind, "seconds": 1})
    today = datetime.now(UTC).date()
    return {
        "client_id": amazon.told["AD_API_CLIENT_ID"],
        "client_secret": amazon.told["AD_API_CLIENT_SECRET"],
        "refresh_token": amazon.told["AD_API_REFRESH_TOKEN"],
        "country": COUNTRY,
        "host": HOST,
        "since": f"{today - timedelta(days=10)}",
        "until": f"{today - timedelta(days=4)}",
    }


def _journey(client: Client, amazon: Amazon, task: Json, home: Any) -> tuple[Json, list[Json]]:
    before = len(amazon.control("requests")["requests"])
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "AIRBYTE_TELEMETRY_MODE": "disabled"}
    environ |= {one: amazon.told[one] for one in LEADING}
    facts = run(client, task, environ)
    return facts, amazon.control("requests")["requests"][before:]


@pytest.fixture(scope="module")
def ad_api(amazon: Amazon, task: Json, tmp_path_factory: pytest.TempPathFactory) -> tuple[Json, list[Json]]:
    """The journey of python-amazon-ad-api."""
    return _journey(AD_API, amazon, task, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def airbyte(amazon: Amazon, task: Json, tmp_path_factory: pytest.TempPathFactory) -> tuple[Json, list[Json]]:
    """The journey of airbyte-agent-sdk."""
    return _journey(AIRBYTE, amazon, task, tmp_path_factory.mktemp("home"))


def _ids(rows: list[Json], name: str = "campaignId") -> Iterator[str]:
    return (row[name] for row in rows)


# --- python-amazon-ad-api ---------------------------------------------------------------------------------------------


def test_an_unmodified_client_came_to_its_region_and_was_refused_only_a_duplicate_report(
    ad_api: tuple[Json, list[Json]],
) -> None:
    _, requests = ad_api
    calls = [one for one in requests if "amazon-advertising-api-clientid" in one["headers"]]
    assert len(calls) > 15
    assert {one["headers"]["host"] for one in calls} == {HOST}
    assert all(one["headers"]["user-agent"].startswith(AD_API.user_agent) for one in calls)
    assert [(one["path"], one["status"]) for one in requests if one["status"] >= 400] == [("/reporting/reports", 425)]


def test_profiles_are_those_of_the_region(ad_api: tuple[Json, list[Json]]) -> None:
    facts, _ = ad_api
    assert facts["profile"]["countryCode"] == COUNTRY
    assert {one["countryCode"] for one in facts["profiles"]}.isdisjoint({"US", "CA", "MX", "BR", "JP", "AU"})
    assert all(isinstance(one["profileId"], int) for one in facts["profiles"])


def test_campaigns_are_paged_created_changed_and_archived(ad_api: tuple[Json, list[Json]]) -> None:
    facts, _ = ad_api
    pages = facts["campaigns"]
    listed = [id for page in pages for id in _ids(page)]
    assert len(pages) > 1
    assert all(len(page) == 2 for page in pages[:-1])
    assert len(set(listed)) == len(listed)
    created = facts["created"]["campaigns"]
    (made,) = created["success"]
    assert (made["index"], made["campaign"]["name"]) == (0, "Peer campaign")
    (refused,) = created["error"]
    (error,) = refused["errors"]
    assert (refused["index"], error["errorType"]) == (1, "duplicateValueError")
    assert made["campaignId"] not in listed
    assert facts["group"]["adGroups"]["error"] == []
    assert facts["keyword"]["keywords"]["error"] == []
    (after,) = facts["after_change"]["campaigns"]
    assert after["budget"] == {"budget": 20.0, "budgetType": "DAILY"}
    (gone,) = facts["after_delete"]["campaigns"]
    assert (gone["campaignId"], gone["state"]) == (made["campaignId"], "ARCHIVED")


def test_other_products_are_listed_in_their_own_ways(ad_api: tuple[Json, list[Json]]) -> None:
    facts, _ = ad_api
    assert all(isinstance(one["campaignId"], str) for one in facts["sb_campaigns"]["campaigns"])
    known = set(_ids(facts["sb_campaigns"]["campaigns"]))
    assert set(_ids(facts["sb_ad_groups"]["adGroups"])) <= known != set()
    assert all(isinstance(one["campaignId"], int) and one["state"].islower() for one in facts["sd_campaigns"])
    assert facts["sd_campaigns"] != []
    assert facts["portfolios"]["portfolios"] != []


def test_a_report_is_waited_for_and_its_duplicate_is_named(ad_api: tuple[Json, list[Json]]) -> None:
    facts, _ = ad_api
    report, campaigns = facts["report"], {id for page in facts["campaigns"] for id in _ids(page)}
    assert report["statuses"][0] == "PENDING"
    assert report["statuses"][-1] == "COMPLETED"
    assert report["id"] in report["twice"]["error"]
    assert report["rows"] != []
    assert {str(row["campaignId"]) for row in report["rows"]} <= campaigns
    days: dict[str, int] = defaultdict(int)
    for row in report["rows"]:
        assert row["clicks"] <= row["impressions"]
        days[row["date"]] += 1
    assert len(days) == 7
    assert all(set(row) == {"date", "campaignId", "impressions", "clicks", "cost", "sales7d"} for row in report["rows"])


def test_an_export_holds_the_campaigns_that_the_lists_hold(ad_api: tuple[Json, list[Json]]) -> None:
    facts, _ = ad_api
    exported = {row["campaignId"] for row in facts["export"]["rows"]}
    listed = {row["campaignId"] for page in facts["campaigns"] for row in page if row["state"] != "ARCHIVED"}
    assert exported == listed != set()


# --- airbyte-agent-sdk ------------------------------------------------------------------------------------------------


def test_the_connector_checks_and_executes_every_action_without_a_refusal(airbyte: tuple[Json, list[Json]]) -> None:
    facts, requests = airbyte
    assert facts["check"]["status"] == "healthy"
    assert [(one["path"], one["status"]) for one in requests if one["status"] >= 400] == []
    paths = {one["path"] for one in requests if one["headers"]["host"] == HOST}
    assert {"/v2/profiles", "/portfolios/list", "/sp/campaigns/list", "/sp/negativeTargets/list"} < paths
    assert {"/sb/v4/campaigns/list", "/sb/v4/adGroups/list"} < paths


def test_the_connectors_lists_hold_what_was_asked_for(airbyte: tuple[Json, list[Json]]) -> None:
    facts, _ = airbyte
    campaigns = facts["sponsored_product_campaigns"]["data"]["campaigns"]
    known = set(_ids(campaigns))
    assert known
    for entity, key in (
        ("sponsored_product_ad_groups", "adGroups"),
        ("sponsored_product_keywords", "keywords"),
        ("sponsored_product_product_ads", "productAds"),
        ("sponsored_product_targets", "targetingClauses"),
        ("sponsored_product_negative_keywords", "negativeKeywords"),
        ("sponsored_product_negative_targets", "negativeTargetingClauses"),
    ):
        rows = facts[entity]["data"][key]
        assert rows, entity
        assert set(_ids(rows)) <= known, entity
    assert set(_ids(facts["sponsored_brands_ad_groups"]["data"]["adGroups"])) <= set(
        _ids(facts["sponsored_brands_campaigns"]["data"]["campaigns"])
    )
    assert facts["profile"]["countryCode"] == COUNTRY


def test_the_connectors_pages_come_to_the_whole_list(airbyte: tuple[Json, list[Json]]) -> None:
    facts, _ = airbyte
    paged = [id for page in facts["pages"] for id in _ids(page)]
    assert paged == list(_ids(facts["sponsored_product_campaigns"]["data"]["campaigns"]))
    assert facts["campaign"]["campaignId"] == paged[0]
    chosen = facts["portfolio"]["portfolioId"]
    assert chosen == facts["portfolios"]["data"]["portfolios"][0]["portfolioId"]
