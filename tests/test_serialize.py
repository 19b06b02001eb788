"""Arguments to HTTP: exact on the wire, and every problem reported before anything is sent."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sellerport import catalog
from sellerport.errors import InvalidArguments
from sellerport.serialize import prepare


def path_of(operation: str, **arguments: Any) -> str:
    return prepare(catalog.find(operation), arguments).path


def problems_of(operation: str, **arguments: Any) -> dict[str, str]:
    with pytest.raises(InvalidArguments) as caught:
        prepare(catalog.find(operation), arguments)
    return {problem.field: problem.message for problem in caught.value.problems}


def test_a_list_is_one_comma_joined_parameter() -> None:
    assert path_of("orders_v0.get_orders", marketplace_ids=["A", "B c"]) == "/orders/v0/orders?MarketplaceIds=A,B%20c"


def test_a_list_is_repeated_where_amazon_wants_it_so() -> None:
    found = path_of("fulfillment_inbound.list_prep_details", marketplace_id="A", mskus=["x/1", "y,2"])
    assert found == "/inbound/fba/2024-03-20/items/prepDetails?marketplaceId=A&mskus=x%2F1&mskus=y%2C2"


def test_a_single_value_may_stand_for_a_list() -> None:
    assert path_of("orders_v0.get_orders", marketplace_ids="A").endswith("?MarketplaceIds=A")


def test_amazons_spelling_of_a_parameter_is_as_good_as_pythons() -> None:
    ours = path_of("orders_v0.get_orders", marketplace_ids=["A"], created_after="2026-01-01")
    assert path_of("orders_v0.get_orders", MarketplaceIds=["A"], CreatedAfter="2026-01-01") == ours


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03%3A04%3A05Z"),
        (datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03%3A04%3A05Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC), "2026-01-02T03%3A04%3A05.678Z"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2))), "2026-01-02T01%3A04%3A05Z"),
        (date(2026, 1, 2), "2026-01-02"),
        ("2026-01-02T03:04:05+02:00", "2026-01-02T03%3A04%3A05%2B02%3A00"),
    ],
)
def test_a_date_is_sent_as_amazon_reads_it(value: Any, sent: str) -> None:
    found = path_of("orders_v0.get_orders", marketplace_ids=["A"], created_after=value)
    assert found == f"/orders/v0/orders?CreatedAfter={sent}&MarketplaceIds=A"


def test_a_boolean_is_sent_in_lower_case_also_where_its_type_is_string() -> None:
    found = path_of("fba_inventory.get_inventory_summaries", details=True, **_INVENTORY)
    assert "details=true" in found
    assert "isPOChanged=false" in path_of("vendor_orders.get_purchase_orders", is_po_changed=False)


_INVENTORY = {"granularity_type": "Marketplace", "granularity_id": "A", "marketplace_ids": ["A"]}


@given(st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda sku: sku not in (".", "..")))
def test_a_sku_arrives_exactly_whatever_it_holds(sku: str) -> None:
    sent = path_of("listings_items.get_listings_item", seller_id="S", sku=sku, marketplace_ids=["A"])
    path, _, query = sent.partition("?")
    assert path.count("/") == "/listings/2021-08-01/items/S/x".count("/")
    assert unquote(path.rsplit("/", 1)[1]) == sku
    assert parse_qs(query) == {"marketplaceIds": ["A"]}


@pytest.mark.parametrize("sku", ["", ".", ".."])
def test_a_value_that_would_change_the_path_is_refused(sku: str) -> None:
    found = problems_of("listings_items.get_listings_item", seller_id="S", sku=sku, marketplace_ids=["A"])
    assert list(found) == ["sku"]


def test_a_greedy_path_keeps_its_slashes_and_nothing_else() -> None:
    sent = path_of(
        "uploads.create_upload_destination_for_resource",
        resource="aplus/2020-11-01/a b",
        marketplace_ids=["A"],
        content_md5="x==",
    )
    assert urlsplit(sent).path == "/uploads/2020-11-01/uploadDestinations/aplus/2020-11-01/a%20b"


def test_a_body_becomes_json_with_its_content_type() -> None:
    body = {"productType": "SHIRT", "patches": [{"op": "replace", "path": "/attributes/x", "value": [{"é": 1}]}]}
    sent = prepare(
        catalog.find("listings_items.patch_listings_item"),
        {"seller_id": "S", "sku": "K", "marketplace_ids": ["A"], "body": body},
    )
    assert sent.method == "PATCH"
    assert sent.headers == {"content-type": "application/json"}
    assert sent.body == (
        '{"productType":"SHIRT","patches":[{"op":"replace","path":"/attributes/x","value":[{"é":1}]}]}'.encode()
    )


def test_without_a_body_nothing_is_sent_and_no_content_type() -> None:
    sent = prepare(catalog.find("orders_v0.get_orders"), {"marketplace_ids": ["A"]})
    assert (sent.body, sent.headers) == (None, {})


def test_header_parameters_go_into_headers() -> None:
    operation = catalog.find("shipping_v2.get_access_points")
    arguments = {"access_point_types": ["HELIX"], "country_code": "GB", "postal_code": "EX33 1JJ"}
    sent = prepare(operation, {**arguments, "x_amzn_shipping_business_id": "AmazonShipping_UK"})
    assert sent.headers == {"x-amzn-shipping-business-id": "AmazonShipping_UK"}
    with pytest.raises(InvalidArguments, match="a header cannot carry"):
        prepare(catalog.find("tracking.get_shipment_tracking"), {"accept_language": "en\r\nx-evil: 1"})


def test_every_problem_is_reported_at_once_with_the_nearest_name() -> None:
    found = problems_of("orders_v0.get_orders", marketplaceids=["A"], max_results_per_page="many", zzz=1)
    assert found == {
        "marketplaceids": "is unknown; did you mean 'marketplace_ids'?",
        "zzz": "is unknown; there are " + ", ".join(one.name for one in catalog.find("orders_v0.getOrders").parameters),
        "marketplace_ids": "is required",
        "max_results_per_page": 'the value is not of type "integer"',
    }


def test_problems_inside_a_body_are_named_by_their_path() -> None:
    found = problems_of("tokens.create_restricted_data_token", body={"restrictedResources": [{"method": "FETCH"}]})
    assert set(found) == {"body.restrictedResources.0", "body.restrictedResources.0.method"}
    assert found["body.restrictedResources.0"] == '"path" is a required property'


def test_a_problem_never_repeats_the_value() -> None:
    with pytest.raises(InvalidArguments) as caught:
        prepare(catalog.find("orders_v0.get_orders"), {"marketplace_ids": ["A"], "max_results_per_page": "jane@x.test"})
    assert "jane" not in str(caught.value)


def test_a_missing_body_an_unwanted_body_and_a_name_given_twice_are_problems() -> None:
    assert problems_of("tokens.create_restricted_data_token") == {"body": "is required"}
    assert problems_of("sellers.get_account", body={}) == {"body": "is unknown: this operation takes no body"}
    twice = problems_of("orders_v0.get_orders", marketplace_ids=["A"], MarketplaceIds=["B"])
    assert twice == {"MarketplaceIds": "is given twice, in two spellings"}


def test_a_value_with_a_comma_cannot_go_into_a_comma_joined_list() -> None:
    assert list(problems_of("orders_v0.get_orders", marketplace_ids=["A,B"])) == ["marketplace_ids"]


class Name(str):
    pass


def test_a_subclass_of_str_is_a_str() -> None:
    assert path_of("orders_v0.get_orders", marketplace_ids=Name("A")).endswith("?MarketplaceIds=A")


@pytest.mark.parametrize("value", [b"2026", object(), timedelta(1), {"a": 1}], ids=lambda value: type(value).__name__)
def test_a_value_that_no_parameter_can_be_is_named(value: Any) -> None:
    found = problems_of("orders_v0.get_orders", marketplace_ids=["A"], created_after=value)
    assert found == {"created_after": 'the value is not of type "string"'}


@pytest.mark.parametrize(
    "body", [{"a": object()}, {"a": (one for one in "x")}, object()], ids=["inside", "generator", "it"]
)
def test_a_body_that_json_cannot_say_is_named(body: Any) -> None:
    assert "body" in problems_of("tokens.create_restricted_data_token", body=body)


def test_an_empty_list_or_value_is_no_way_to_give_none() -> None:
    assert list(problems_of("orders_v0.get_orders", marketplace_ids=[])) == ["marketplace_ids"]
    assert list(problems_of("orders_v0.get_orders", marketplace_ids=["A", ""])) == ["marketplace_ids"]


def test_of_a_million_wrong_items_only_the_first_is_listed() -> None:
    found = problems_of("orders_v0.get_orders", marketplace_ids=[1] * 100_000)
    assert len(found) == 1
    assert next(iter(found)).startswith("marketplace_ids")
    found = problems_of("orders_v0.get_orders", **{f"unknown_{number}": 1 for number in range(10_000)})
    assert len(found) <= 60


def test_what_is_nested_too_deeply_is_refused() -> None:
    deep: Any = "x"
    for _ in range(400):
        deep = {"a": deep}
    assert problems_of("tokens.create_restricted_data_token", body=deep)


def test_half_a_character_is_refused() -> None:
    with pytest.raises(InvalidArguments, match="half a character"):
        path_of("listings_items.get_listings_item", seller_id="S", sku="\ud800", marketplace_ids=["A"])


def test_none_means_not_given() -> None:
    assert path_of("orders_v0.get_orders", marketplace_ids=["A"], created_after=None).count("=") == 1
