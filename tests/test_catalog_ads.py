"""The catalogue of the Ads API: every operation is there, under the name that its path says, with what it takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sellerport import catalog
from sellerport.catalog import Batch, Media, Operation

OPERATIONS = catalog.operations("ads")
TABLE = Path(__file__).parents[2] / "shared" / "amazon" / "ads" / "operations.json"


def find(name: str) -> Operation:
    return catalog.find(name, "ads")


@pytest.mark.skipif(not TABLE.exists(), reason="shared/ is not beside the repository")
def test_every_operation_of_the_table_is_there_with_its_media_types() -> None:
    ours = {f"{one.method} {one.path}": one for one in OPERATIONS}
    table = json.loads(TABLE.read_text("utf-8"))
    assert len(table) == 556
    assert table.keys() <= ours.keys()
    for place, row in table.items():
        sent = [one for one in row["in"] if one.startswith("application/")]
        assert set(ours[place].media.request or ("application/json",)) == set(sent or ["application/json"]), place
        answered = {one for types in row["out"].values() for one in types if one.startswith("application/")}
        assert set(ours[place].media.accept or ("application/json",)) == (answered or {"application/json"}), place
        assert {one.wire for one in ours[place].parameters if one.place == "query"} == set(row["query"]), place


def test_there_are_25_operations_that_only_the_descriptions_have() -> None:
    assert len(OPERATIONS) == 556 + 25


def test_names_are_found_and_no_two_are_the_same() -> None:
    keys = [one.key for one in OPERATIONS]
    assert len(set(keys)) == len(keys)
    assert all(find(key) is one for key, one in zip(keys, OPERATIONS, strict=True))
    assert all(word.isidentifier() for key in keys for word in key.split("."))


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("sp.campaigns.list", "POST /sp/campaigns/list"),
        ("sp.campaigns.create", "POST /sp/campaigns"),
        ("sp.campaigns.update", "PUT /sp/campaigns"),
        ("sp.campaigns.delete", "POST /sp/campaigns/delete"),
        ("sp.targets.bid.recommendations", "POST /sp/targets/bid/recommendations"),
        ("sp.campaigns.budget.usage", "POST /sp/campaigns/budget/usage"),
        ("sp.global_.targets.bid.recommendations", "POST /sp/global/targets/bid/recommendations"),
        ("sb.campaigns.list", "POST /sb/v4/campaigns/list"),
        ("sd.campaigns.list", "GET /sd/campaigns"),
        ("sd.campaigns.get", "GET /sd/campaigns/{campaignId}"),
        ("sd.campaigns.extended.list", "GET /sd/campaigns/extended"),
        ("sd.campaigns.delete", "DELETE /sd/campaigns/{campaignId}"),
        ("profiles.list", "GET /v2/profiles"),
        ("portfolios.list", "POST /portfolios/list"),
        ("v1.campaigns.query", "POST /adsApi/v1/query/campaigns"),
        ("reporting.reports.create", "POST /reporting/reports"),
        ("campaigns.export", "POST /campaigns/export"),
        ("exports.get", "GET /exports/{exportId}"),
        ("test_accounts.create", "POST /testAccounts"),
        ("history.list", "POST /history"),
    ],
)
def test_a_name_is_read_off_its_path(name: str, place: str) -> None:
    found = find(name)
    assert f"{found.method} {found.path}" == place
    matched = catalog.match(found.method, found.path.replace("{", "").replace("}", ""), "ads")
    assert matched is not None
    assert matched[0] is found


def test_media_types_are_the_newest_first() -> None:
    assert find("sp.campaigns.list").media == Media(
        ("application/vnd.spCampaign.v3+json",), ("application/vnd.spCampaign.v3+json",)
    )
    bids = find("sp.targets.bid.recommendations").media
    assert [one.rpartition(".")[2] for one in bids.request] == ["v5+json", "v4+json", "v3+json"]
    assert find("sd.campaigns.list").media == Media()
    assert [one.rpartition("keyword")[2] for one in find("sb.keywords.list").media.accept] == [".v3.2+json", ".v3+json"]


def test_parameters_of_a_query_that_hold_several_values_are_lists_and_sizes_are_numbers() -> None:
    by_name = {one.wire: one for one in find("sd.campaigns.list").parameters}
    assert by_name["stateFilter"].schema["items"]["enum"] == ["enabled", "paused", "archived"]
    assert (by_name["campaignIdFilter"].style, by_name["count"].schema["type"]) == ("csv", "integer")
    undescribed = {one.wire: one.schema["type"] for one in find("sb.keywords.list").parameters if one.place == "query"}
    assert (undescribed["count"], undescribed["startIndex"], undescribed["stateFilter"]) == (
        *("integer", "integer"),
        "array",
    )
    assert {one.schema["type"] for one in find("profiles.list").parameters if one.wire.startswith("valid")} == {
        "string"
    }


def test_an_operation_says_whether_it_needs_a_profile() -> None:
    assert find("sp.campaigns.list").profile == "required"
    assert find("profiles.list").profile is None
    assert find("v1.campaigns.query").profile == "optional"
    assert find("sb.targets.list").profile == "required"


def test_no_operation_wants_a_profile_and_an_account_too() -> None:
    for one in OPERATIONS:
        headers = ("Amazon-Advertising-API-Scope", "Amazon-Ads-AccountId")
        both = [parameter for parameter in one.parameters if parameter.wire in headers]
        assert len(both) < 2 or not any(named.required for named in both), one.key


def test_an_operation_says_how_it_pages() -> None:
    by_body = find("sp.keywords.list").paging
    assert by_body is not None
    assert (by_body.token, by_body.next, by_body.items, by_body.place) == ("nextToken", "nextToken", "keywords", "body")
    by_count = find("sd.product_ads.list").paging
    assert by_count is not None
    assert (by_count.kind, by_count.token, by_count.size, by_count.items) == ("count", "startIndex", "count", "")
    by_query = find("sp.budget_rules.list").paging
    assert by_query is not None
    assert (by_query.token, by_query.size, by_query.place) == ("nextToken", "pageSize", "query")
    stream = find("streams.subscriptions.list").paging
    assert stream is not None
    assert (stream.token, stream.next) == ("startingToken", "nextToken")
    cursor = find("attribution.report").paging
    assert cursor is not None
    assert (cursor.token, cursor.items, cursor.place) == ("cursorId", "reports", "body")
    assert find("profiles.list").paging is None


def test_a_write_says_how_many_items_it_takes_and_how_it_answers() -> None:
    assert (find("sp.campaigns.create").batch, find("sp.campaigns.create").results) == (Batch("campaigns", 1000), "sp")
    assert find("sp.targets.delete").batch == Batch("targetIdFilter.include", 1000)
    assert find("sb.campaigns.create").batch == Batch("campaigns", 10)
    assert (find("sd.campaigns.create").batch, find("sd.campaigns.create").results) == (Batch(""), "flat")
    assert (find("v1.campaigns.create").batch, find("v1.campaigns.create").results) == (Batch("campaigns", 1000), "v1")


@pytest.mark.parametrize(
    ("name", "writes"),
    [
        ("sp.campaigns.list", False),
        ("sp.campaigns.create", True),
        ("sp.campaigns.delete", True),
        ("sp.targets.bid.recommendations", False),
        ("sb.recommendations.bids", False),
        ("recommendations.apply", True),
        ("amc.audiences.metadata.create", True),
        ("v1.campaigns.query", False),
        ("v1.events.create", True),
        ("reporting.reports.create", True),
        ("profiles.update", True),
    ],
)
def test_what_only_reads_is_known(name: str, writes: bool) -> None:
    assert find(name).write is writes


def test_what_was_shut_off_and_what_is_in_beta_are_marked() -> None:
    assert (find("sd.snapshots.get").deprecated, find("sd.snapshots.get").removal) == (True, "2024-12-15")
    assert find("v1.reports.create").beta
    assert not find("v1.campaigns.create").beta


def test_ids_that_are_numbers_are_marked() -> None:
    assert find("sd.campaigns.list").numeric_ids
    assert find("profiles.list").numeric_ids
    assert find("sb.keywords.list").numeric_ids
    assert find("sd.product_ads.extended.list").numeric_ids
    assert not find("sp.campaigns.list").numeric_ids
    assert not find("sb.campaigns.list").numeric_ids
