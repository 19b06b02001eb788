"""Arguments to HTTP: exact on the wire, and every problem reported before anything is sent."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sellerport import catalog
from sellerport.catalog import Operation
from sellerport.errors import InvalidArguments
from sellerport.serialize import prepare, prepare_unknown


def path_of(operation: str, **arguments: Any) -> str:
    return prepare(catalog.find(operation), arguments).path


def body_of(operation: str, **arguments: Any) -> Any:
    return msgspec.json.decode(prepare(catalog.find(operation), arguments).body or b"")


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
    assert "isPOChanged=true" in path_of("vendor_orders.get_purchase_orders", is_po_changed="True")


_INVENTORY = {"granularity_type": "Marketplace", "granularity_id": "A", "marketplace_ids": ["A"]}


@given(st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda sku: sku not in (".", "..")))
@example("a/b")
@example("100%2F+1 {sellerId}")
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
    assert found == {
        "body.restrictedResources.0.method": "must be one of GET, PUT, POST, DELETE",
        "body.restrictedResources.0.path": "is required",
    }


def test_a_problem_never_repeats_the_value() -> None:
    with pytest.raises(InvalidArguments) as caught:
        prepare(catalog.find("orders_v0.get_orders"), {"marketplace_ids": ["A"], "max_results_per_page": "jane@x.test"})
    assert "jane" not in str(caught.value)


def test_a_missing_body_an_unwanted_body_and_a_name_given_twice_are_problems() -> None:
    assert problems_of("tokens.create_restricted_data_token") == {"body": "is required"}
    assert problems_of("sellers.get_account", body={}) == {"body": "is unknown: this operation takes no body"}
    twice = problems_of("orders_v0.get_orders", marketplace_ids=["A"], MarketplaceIds=["B"])
    assert twice == {"MarketplaceIds": "is given twice, in two spellings"}


def test_a_value_with_a_comma_can_be_asked_for_alone_but_not_among_others() -> None:
    """Amazon cannot tell ``a%2Cb`` from ``a,b`` (its page "URL encoding"), and looks for both when it is alone."""
    operation = "catalog_items_2022_04_01.search_catalog_items"
    given = {"marketplace_ids": "A", "identifiers_type": "SKU", "seller_id": "S"}
    assert "identifiers=x%2Cy&" in path_of(operation, identifiers="x,y", **given)
    assert problems_of(operation, identifiers=["x,y", "z"], **given) == {
        "identifiers": "holds a value with a comma, which cannot be told from two values; ask for it alone"
    }


class Name(str):
    pass


def test_a_subclass_of_str_is_a_str() -> None:
    assert path_of("orders_v0.get_orders", marketplace_ids=Name("A")).endswith("?MarketplaceIds=A")


@pytest.mark.parametrize("value", [b"2026", object(), timedelta(1), {"a": 1}], ids=lambda value: type(value).__name__)
def test_a_value_that_no_parameter_can_be_is_named(value: Any) -> None:
    found = problems_of("orders_v0.get_orders", marketplace_ids=["A"], created_after=value)
    assert found == {"created_after": 'the value is not of type "string"'}
    assert problems_of("orders_v0.get_orders", marketplace_ids=[{"a": 1}]) == {
        "marketplace_ids": 'the value is not of type "array"'
    }


class Status(Enum):
    SHIPPED = "Shipped"


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (Status.SHIPPED, "Shipped"),
        ((one for one in ["Shipped", "Unshipped"]), "Shipped,Unshipped"),
        (("Shipped", Status.SHIPPED), "Shipped,Shipped"),
        ({"Shipped"}, "Shipped"),
        ({"Shipped": 1}.keys(), "Shipped"),
    ],
    ids=["enum", "generator", "tuple", "set", "view"],
)
def test_any_iterable_is_a_list(value: Any, sent: str) -> None:
    assert f"OrderStatuses={sent}&" in path_of("orders_v0.get_orders", marketplace_ids="A", order_statuses=value)


class NumPyInteger:
    def __index__(self) -> int:
        return 7


@pytest.mark.parametrize("value", ["7", 7, 7.0, NumPyInteger(), Decimal("7.0")], ids=lambda value: type(value).__name__)
def test_a_number_is_one_however_it_is_given(value: Any) -> None:
    sent = path_of("orders_v0.get_orders", marketplace_ids="A", max_results_per_page=value)
    assert sent.endswith("&MaxResultsPerPage=7")


@pytest.mark.parametrize("value", ["7.5", 7.5, Decimal("7.5"), float("nan"), True, "seven"], ids=str)
def test_a_number_that_is_none_or_is_not_whole_is_refused(value: Any) -> None:
    found = problems_of("orders_v0.get_orders", marketplace_ids="A", max_results_per_page=value)
    assert found == {"max_results_per_page": 'the value is not of type "integer"'}


@pytest.mark.parametrize("value", [7, True, 7.5], ids=str)
def test_text_is_text(value: Any) -> None:
    assert problems_of("orders_v0.get_order", order_id=value) == {"order_id": 'the value is not of type "string"'}


def test_uuids_decimals_and_paths_are_written_as_text() -> None:
    id = UUID(int=7)
    assert path_of("orders_v0.get_order", order_id=id) == f"/orders/v0/orders/{id}"
    assert path_of("orders_v0.get_order", order_id=Decimal("1E+2")) == "/orders/v0/orders/100"
    resource = PurePosixPath("messaging/v1/orders")
    sent = path_of(UPLOAD, resource=resource, marketplace_ids="A", content_md5="x")
    assert sent.startswith("/uploads/2020-11-01/uploadDestinations/messaging/v1/orders?")


UPLOAD = "uploads.create_upload_destination_for_resource"


@pytest.mark.parametrize(
    "value",
    [
        *("2026", "2026-01", "2026-01-31", "2026-01-31T08:00", "2026-01-31T08:00:00", "2026-01-31T08:00:00Z"),
        *(
            "2026-01-31T08:00:00.123Z",
            "2026-01-31T08:00:00.1234567+01:00",
            "20260131T080000Z",
            "2026-W05",
            "1767225600",
        ),
        "TEST_CASE_200",
    ],
)
def test_every_form_of_a_date_that_amazon_takes_is_sent_as_it_is(value: str) -> None:
    """The last is what the static sandbox of Orders takes for one."""
    sent = path_of("orders_v0.get_orders", marketplace_ids="A", created_after=value)
    assert parse_qs(urlsplit(sent).query)["CreatedAfter"] == [value]
    assert path_of("orders.search_orders", created_after=value)


@pytest.mark.parametrize("value", ["yesterday", "", "31.01.2026", "20-21-04-04T01:00:00Z", "-1 day"])
@pytest.mark.parametrize("operation", ["orders_v0.get_orders", "orders_2026_01_01.search_orders"])
def test_text_that_is_no_date_is_refused_where_a_date_belongs(operation: str, value: str) -> None:
    found = problems_of(operation, marketplace_ids="A", created_after=value)
    assert list(found) == ["created_after"]
    assert "2026-01-31T08:00:00Z" in found["created_after"]


def test_a_datetime_is_its_day_where_a_day_belongs() -> None:
    late = datetime(2026, 1, 2, 23, tzinfo=timezone(timedelta(hours=-5)))
    assert "asOfDate=2026-01-03" in path_of("finances_2024_06_19.list_balances", as_of_date=late)


def report(**fields: Any) -> dict[str, Any]:
    return {"reportType": "GET_X", "marketplaceIds": ["A"], **fields}


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05Z"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2))), "2026-01-02T01:04:05Z"),
        (date(2026, 1, 2), "2026-01-02"),
        ("2026-01-02T03:04:05+02:00", "2026-01-02T03:04:05+02:00"),
    ],
)
def test_a_date_in_a_body_is_sent_as_one_in_the_query(value: Any, sent: str) -> None:
    assert body_of("reports.create_report", body=report(dataStartTime=value)) == report(dataStartTime=sent)


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (Status.SHIPPED, "Shipped"),
        (UUID(int=7), str(UUID(int=7))),
        (("a", "b"), ["a", "b"]),
        ((one for one in "ab"), ["a", "b"]),
        ({"a"}, ["a"]),
        (MappingProxyType({"a": {"b": (1,)}}), {"a": {"b": [1]}}),
        (b"%PDF", "JVBERg=="),
        (bytearray(b"%PDF"), "JVBERg=="),
        (NumPyInteger(), 7),
    ],
    ids=["enum", "uuid", "tuple", "generator", "set", "mapping", "bytes", "bytearray", "integer"],
)
def test_a_body_may_hold_what_python_has_for_it(value: Any, sent: Any) -> None:
    attributes = {"productType": "SHIRT", "attributes": {"x": value}}
    given = {"seller_id": "S", "sku": "K", "marketplace_ids": "A"}
    found = body_of("listings_items_2021_08_01.put_listings_item", body=attributes, **given)
    assert found["attributes"] == {"x": sent}


def test_a_decimal_in_a_body_is_a_number_with_exactly_its_digits() -> None:
    price = {"ListingPrice": {"CurrencyCode": "USD", "Amount": Decimal("12.50")}}
    request = {"MarketplaceId": "A", "PriceToEstimateFees": price, "Identifier": "1"}
    operation = catalog.find("product_fees_v0.get_my_fees_estimate_for_sku")
    sent = prepare(operation, {"seller_sku": "K", "body": {"FeesEstimateRequest": request}})
    assert b'"Amount":12.50}' in (sent.body or b"")


@pytest.mark.parametrize(
    "value",
    [Decimal("NaN"), float("inf"), object(), timedelta(1), {1: "x"}, {None: 1}],
    ids=["not a number", "inf", "object", "timedelta", "number as key", "None as key"],
)
def test_what_json_cannot_say_is_named_where_it_stands(value: Any) -> None:
    found = problems_of("reports.create_report", body=report(reportOptions={"a": [{"b": value}]}))
    place = "body.reportOptions.a.0.b"
    assert found == {place: "is something that JSON cannot say"}


def test_a_field_of_a_body_in_another_spelling_is_refused_with_the_right_one() -> None:
    """Amazon passes over names it does not know, so that a report would be made of the wrong days."""
    found = problems_of("reports.create_report", body=report(data_start_time="2026-01-01", DataEndTime="2026-01-02"))
    assert found == {
        "body.data_start_time": "is spelled 'dataStartTime' here",
        "body.DataEndTime": "is spelled 'dataEndTime' here",
    }
    nested = {"restrictedResources": [{"method": "GET", "path": "/x", "data_elements": []}]}
    assert problems_of("tokens.create_restricted_data_token", body=nested) == {
        "body.restrictedResources.0.data_elements": "is spelled 'dataElements' here"
    }


@pytest.mark.parametrize("name", ["report_type", "reportType", "ReportType"])
def test_a_field_of_the_body_given_beside_it_is_refused_with_its_place(name: str) -> None:
    found = problems_of("reports.create_report", **{name: "GET_X"})
    assert found == {name: "is a field of the body; give it inside body={'reportType': ...}", "body": "is required"}


def test_the_values_that_a_field_may_have_are_listed() -> None:
    found = problems_of("product_pricing_v0.get_pricing", marketplace_id="A", item_type="Sku", item_condition="x")
    assert found == {"item_condition": "must be one of New, Used, Collectible, Refurbished, Club"}
    found = problems_of("catalog_items.search_catalog_items", marketplace_ids="A", included_data=["images", "all"])
    assert found["included_data.1"].startswith("must be one of attributes, classifications, dimensions,")


@pytest.mark.parametrize("name", ["get_pricing", "get_competitive_pricing"])
@pytest.mark.parametrize("sku", ["A&B", "a b", "x/1", "100%", "1+1", "ä"])
def test_skus_of_the_two_operations_that_decode_them_twice_are_encoded_twice(name: str, sku: str) -> None:
    sent = path_of(f"product_pricing_v0.{name}", marketplace_id="A", item_type="Sku", skus=[sku, "K"])
    (once,) = parse_qs(urlsplit(sent).query)["Skus"]
    assert once.count(",") == 1
    assert [unquote(one) for one in once.split(",")] == [sku, "K"]
    assert once != f"{sku},K"


def test_no_other_parameter_is_encoded_twice() -> None:
    given = {"marketplace_id": "A", "item_condition": "New"}
    assert "/listings/A%26B/" in path_of("product_pricing_v0.get_listing_offers", seller_sku="A&B", **given)
    found = path_of("fba_inventory.get_inventory_summaries", seller_skus=["A&B", "C"], **_INVENTORY)
    assert "&sellerSkus=A%26B,C&" in found


@pytest.mark.parametrize(
    ("operation", "name", "wire"),
    [
        ("shipping_v2.purchase_shipment", "x_amzn_idempotency_key", "x-amzn-IdempotencyKey"),
        ("fba_inventory_v1.add_inventory", "x_amzn_idempotency_token", "x-amzn-idempotency-token"),
    ],
)
def test_idempotency_headers_are_arguments_under_each_of_their_names(operation: str, name: str, wire: str) -> None:
    body: dict[str, Any] = {
        "shipping_v2.purchase_shipment": {
            "requestToken": "t",
            "rateId": "r",
            "requestedDocumentSpecification": {
                "format": "PDF",
                "size": {"width": 4, "length": 6, "unit": "INCH"},
                "needFileJoining": False,
                "requestedDocumentTypes": ["LABEL"],
            },
        },
        "fba_inventory_v1.add_inventory": {},
    }[operation]
    for spelled in (name, wire):
        sent = prepare(catalog.find(operation), {spelled: "key-1", "body": body})
        assert sent.headers[wire] == "key-1"


@pytest.mark.parametrize("value", ["a\r\nx-evil: 1", "é", "\x00", "\u2028"], ids=ascii)
def test_a_header_holds_only_what_a_header_can(value: str) -> None:
    found = problems_of("tracking.get_shipment_tracking", accept_language=value)
    assert found["accept_language"] == "holds a character that a header cannot carry"


@pytest.mark.parametrize("body", [{"a": object()}, {"a": [1, object()]}, object()], ids=["inside", "in a list", "it"])
def test_a_body_that_json_cannot_say_is_named(body: Any) -> None:
    (found,) = problems_of("tokens.create_restricted_data_token", body=body)
    assert found in ("body.a", "body.a.1", "body")


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
    with pytest.raises(InvalidArguments, match="half a character"):
        body_of("reports.create_report", body=report(reportOptions={"a": "\ud800"}))
    with pytest.raises(InvalidArguments, match="half a character"):
        prepare_unknown(_NEW, {"body": "\ud800"})
    with pytest.raises(InvalidArguments, match="x: cannot be written"):
        prepare_unknown(_NEW, {"x": "\ud800"})


def test_a_moment_outside_of_what_python_can_count_is_refused() -> None:
    first = datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))
    assert list(problems_of("orders.search_orders", created_after=first)) == ["created_after"]
    assert list(problems_of("reports.create_report", body=report(dataStartTime=first))) == ["body.dataStartTime"]


def test_none_means_not_given() -> None:
    assert path_of("orders_v0.get_orders", marketplace_ids=["A"], created_after=None).count("=") == 1


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), min_size=1), st.text(st.characters(codec="utf-8"), min_size=1)
    )
)
def test_arguments_of_an_unknown_operation_arrive_exactly(arguments: dict[str, str]) -> None:
    arguments.pop("body", None)
    query = urlsplit(prepare_unknown(_NEW, arguments).path).query
    assert parse_qs(query, strict_parsing=bool(query)) == {name: [value] for name, value in arguments.items()}


@pytest.mark.parametrize(
    ("value", "sent"),
    [(datetime(2026, 1, 2), "2026-01-02T00%3A00%3A00Z"), ({"a"}, "a"), (["a b", 1], "a%20b,1"), (True, "true")],
    ids=["date", "set", "list", "boolean"],
)
def test_values_of_an_unknown_operation_are_written_as_those_of_a_known_one(value: Any, sent: str) -> None:
    assert prepare_unknown(_NEW, {"x": value}).path == f"/new/v9/things?x={sent}"


@pytest.mark.parametrize("value", [object(), {"a": 1}, [[1]]], ids=["object", "dict", "list of lists"])
def test_values_of_an_unknown_operation_that_cannot_be_written_are_named(value: Any) -> None:
    with pytest.raises(InvalidArguments, match="x: cannot be written into a query"):
        prepare_unknown(_NEW, {"x": value})


_NEW = Operation("seller-partner", "", "", "GET /new/v9/things", "GET", "/new/v9/things", ())
