"""What the connectors that ours stand in for get wrong, by number, and that it is right here.

The numbers are those of the list of their defects in the reference; 16 and 21 are about the tools for agents, and in
``test_tools.py``.
"""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from sellerport.connectors import AmazonAdsAuthConfig, AmazonAdsConnector, AmazonSellerPartnerConnector
from sellerport.emulator.ads.advertisers import ADVERTISER_TOKEN
from sellerport.errors import AccessDenied, AmazonError, InvalidArguments, TokenError
from tests.connectors.conftest import Made

SINCE = {"created_after": "2020-01-01T00:00:00Z"}
EXPIRED = {"code": "Unauthorized", "message": "Access denied.", "details": "The access token you provided has expired."}


@pytest.mark.parametrize(("region", "account", "host"), [("US", "seller-na", "na"), ("DE", "seller-eu", "eu")])
def test_1_a_country_is_a_region_in_this_process_too(made: Made, region: str, account: str, host: str) -> None:
    made.run(made.seller(account, region=region).execute("orders", "list", SINCE))
    assert made.amazon.arrived()[-1]["host"] == f"sellingpartnerapi-{host}.amazon.com"


@pytest.mark.parametrize("region", ["EU", "https://advertising-api-eu.amazon.com", "de"])
def test_2_advertising_has_the_same_regions_in_every_form(made: Made, region: str) -> None:
    assert made.run(made.ads(region=region).execute("profiles", "list")).data
    assert made.amazon.arrived()[-1]["host"] == "advertising-api-eu.amazon.com"


def test_3_a_token_that_expired_is_renewed_although_amazon_says_403(made: Made) -> None:
    connector = made.seller()
    made.run(connector.execute("orders", "list", SINCE))
    made.amazon.world.expire()
    assert made.run(connector.execute("orders", "list", SINCE)).data
    assert made.amazon.token_requests == 2


@pytest.mark.parametrize("status", [401, 403])
def test_4_a_token_that_is_refused_for_good_is_an_error_and_no_wait_without_an_end(made: Made, status: int) -> None:
    made.amazon.fail(status=status, body={"errors": [EXPIRED]}, times=20)
    with pytest.raises((AccessDenied, TokenError)):
        made.run(asyncio.wait_for(made.seller().execute("orders", "list", SINCE), 20))
    assert made.amazon.token_requests <= 2


def test_5_many_first_calls_and_many_refusals_share_one_token(made: Made) -> None:
    connector = made.seller()
    calls = [lambda: connector.execute("reports", "list")] * 5
    made.at_once(calls)
    assert made.amazon.token_requests == 1
    made.amazon.world.expire()
    made.at_once(calls)
    assert made.amazon.token_requests == 2


def test_6_a_retry_waits_as_long_as_amazon_says(made: Made) -> None:
    made.amazon.fail(status=429, headers={"retry-after": "6"}, times=2)
    assert made.run(made.seller().execute("orders", "list", SINCE)).data
    assert sum(made.slept) >= 12


def test_8_a_typed_record_has_its_values_under_its_attributes(made: Made) -> None:
    listed = made.run(made.seller().orders.list(**SINCE))
    assert listed.data[0].amazon_order_id == listed.data[0]["AmazonOrderId"] != ""
    assert listed.data[0].order_total.amount == listed.data[0]["OrderTotal"]["Amount"]


def test_9_fields_are_chosen_in_this_process_too(made: Made) -> None:
    found = made.run(made.seller().execute("orders", "list", SINCE, select_fields=["AmazonOrderId"]))
    assert {tuple(one) for one in found.data} == {("AmazonOrderId",)}
    params = {"profile_id": made.profile}
    ads = made.run(made.ads().execute("sponsored_product_campaigns", "list", params, select_fields=["campaignId"]))
    assert {tuple(one) for one in ads.data["campaigns"]} == {("campaignId",)}


def test_10_what_is_unknown_or_out_of_range_is_refused_and_portfolios_take_a_token(made: Made) -> None:
    connector = made.seller()
    for entity, params, field in (
        ("orders", {"created_aftr": "x"}, "did you mean 'created_after'"),
        ("reports", {"page_size": 500}, "page_size: .* 100"),
        ("catalog_items", {"keywords": "a", "pageSize": 21}, "page_size: .* 20"),
    ):
        with pytest.raises(InvalidArguments, match=field):
            made.run(connector.execute(entity, "list", params))
    assert made.amazon.arrived() == []
    with pytest.raises(AmazonError):
        made.run(made.ads().execute("portfolios", "list", {"profile_id": made.profile, "next_token": "no-such-token"}))
    assert made.amazon.arrived()[-1]["body"]["nextToken"] == "no-such-token"


def test_11_a_missing_profile_is_told_with_those_there_are_and_the_only_one_needs_no_name(made: Made) -> None:
    with pytest.raises(InvalidArguments, match=f"profile_id: is required .*{made.profile}"):
        made.run(made.ads().execute("portfolios", "list"))
    assert [one["path"] for one in made.amazon.arrived()] == ["/v2/profiles"]
    named = [
        one["name"] for entity in AmazonAdsConnector.list_entities() for one in entity["parameters"].get("list", [])
    ]
    assert named.count("profile_id") == 10
    world = made.amazon.world
    for one in [one for one in world.ads.profiles if one != made.profile]:
        del world.ads.profiles[one]
    connector = made.ads()
    assert made.run(connector.portfolios.list()).data.portfolios
    assert made.run(connector.execute("sponsored_product_campaigns", "list")).data["campaigns"]
    assert len(made.amazon.arrived("/v2/profiles")) == 2


@pytest.mark.parametrize("states", [{"include": "enabled,PAUSED"}, {"include": ["ENABLED", "PAUSED"]}])
def test_12_filters_and_flags_go_as_amazon_documents_them(made: Made, states: Any) -> None:
    params = {"profile_id": made.profile, "state_filter": states}
    made.run(made.ads().execute("sponsored_product_campaigns", "list", params))
    assert made.amazon.arrived()[-1]["body"]["stateFilter"] == {"include": ["ENABLED", "PAUSED"]}
    params = {"profile_id": made.profile, "include_extended_data_fields": "true"}
    made.run(made.ads().execute("portfolios", "list", params))
    last = made.amazon.arrived()[-1]
    assert last["headers"]["content-type"] == "application/vnd.spPortfolio.v3+json"
    assert last["body"]["includeExtendedDataFields"] is True


def test_13_several_identifiers_go_comma_joined(made: Made) -> None:
    params = {"identifiers": ["B000000000", "B000000001"], "identifiers_type": "ASIN"}
    made.run(made.seller().execute("catalog_items", "list", params))
    assert [one for one in made.amazon.arrived()[-1]["query"] if one[0] == "identifiers"] == [
        ["identifiers", "B000000000,B000000001"]
    ]


def test_14_the_second_page_of_reports_is_asked_for_with_the_token_alone(made: Made) -> None:
    connector = made.seller()
    for _ in range(3):
        made.run(connector.execute("reports", "rows", {"report_type": "GET_MERCHANT_LISTINGS_ALL_DATA", "limit": 1}))
    pages = made.run(connector.execute("reports", "list", {"page_size": 1}, all_pages=True))
    assert len(pages.data) >= 3
    assert list(made.query()) == ["nextToken"]


def test_15_lists_have_the_defaults_that_amazon_demands(made: Made) -> None:
    connector = made.seller()
    for entity, needed in {
        "orders": "CreatedAfter",
        "reports": "reportTypes",
        "list_financial_events": "PostedAfter",
        "list_financial_event_groups": "FinancialEventGroupStartedAfter",
    }.items():
        made.run(connector.execute(entity, "list"))
        assert needed in made.query()


def test_17_a_report_is_written_to_disk_while_it_comes(made: Made, tmp_path: Path) -> None:
    """Piece by piece: what that takes of memory, `benchmarks/documents.py` measures of the same call."""
    work = made.seller().reports.download(tmp_path / "all.txt", report_type="GET_MERCHANT_LISTINGS_ALL_DATA")
    assert made.run(work).path == tmp_path / "all.txt"


def test_18_a_connector_changes_nothing_for_another(made: Made) -> None:
    ours, theirs = made.seller("seller-eu", region="eu"), made.seller("seller-na", region="na")
    for connector in (ours, theirs, ours):
        made.run(connector.execute("orders", "list", SINCE))
    hosts = [one["host"] for one in made.amazon.arrived()]
    assert hosts == [f"sellingpartnerapi-{one}.amazon.com" for one in ("eu", "na", "eu")]


def test_19_making_a_connector_reaches_no_one(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a connection was made")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    made.seller()
    made.ads()
    assert list(made.amazon.world.requests) == []


def test_20_what_is_beside_the_records_stays_and_both_spellings_are_taken(made: Made) -> None:
    connector = made.seller()
    one = made.run(connector.execute("orders", "list", {**SINCE, "max_results_per_page": 2}))
    other = made.run(
        connector.execute("orders", "list", {"CreatedAfter": SINCE["created_after"], "MaxResultsPerPage": 2})
    )
    assert one.data == other.data
    assert one.meta["next_token"]
    assert other.meta["next_token"]


def test_22_a_result_of_several_lists_is_chosen_from_as_others_are(made: Made) -> None:
    fields = ["ShipmentEventList"]
    found = made.run(made.seller().execute("list_financial_events", "list", select_fields=fields))
    assert list(found.data) == fields
    assert found.data["ShipmentEventList"]


def test_23_no_secret_is_in_what_goes_wrong_with_a_token(made: Made) -> None:
    application = made.amazon.world.application()
    for secret, token in (("a-wrong-secret", ADVERTISER_TOKEN), (application.client_secret, "Atzr|a-wrong-token")):
        config = AmazonAdsAuthConfig(client_id=application.client_id, client_secret=secret, refresh_token=token)
        connector = AmazonAdsConnector(config, **made.shared)
        with pytest.raises(TokenError) as caught:
            made.run(connector.execute("profiles", "list"))
        checked = made.run(connector.check())
        for text in (str(caught.value), repr(caught.value), str(checked), repr(connector), repr(config)):
            assert secret not in text
            assert token not in text


def test_24_what_the_others_lack_is_there() -> None:
    seller, ads = AmazonSellerPartnerConnector.list_operations(), AmazonAdsConnector.list_operations()
    wanted = {
        "reports_2021_06_30": "create_report",
        "data_kiosk_2023_11_15": "create_query",
        "fba_inventory_v1": "get_inventory_summaries",
        "listings_items_2021_08_01": "patch_listings_item",
        "feeds_2021_06_30": "create_feed",
        "notifications_v1": "create_subscription",
        "tokens_2021_03_01": "create_restricted_data_token",
    }
    assert {entity: action for entity, action in wanted.items() if action in seller[entity]} == wanted
    assert "create" in ads["reporting.reports"]
    assert "update" in ads["sp.campaigns"]
    assert any(entity.startswith("sd.") for entity in ads)
    assert any("dsp" in entity for entity in ads)
    assert "rows" in str(AmazonAdsConnector.list_entities())
