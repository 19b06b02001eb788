"""What breaks naive clients of the SP-API: reference/sp-api.md, section 11, a test or more for each of its items.

And the error bodies that deviate from what Amazon documents, of section 5. Everything goes over real HTTP, to the local
Amazon where it does what Amazon does, or to a server that answers with what Amazon answered to somebody. (Item 14 is
about other emulators.)
"""

from __future__ import annotations

import json
import random
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any
from urllib.parse import unquote

import pytest

from sellerport import catalog
from sellerport.catalog import Operation, Parameter
from sellerport.emulator import patterns
from sellerport.errors import (
    AccessDenied,
    AmazonError,
    AmazonNotFound,
    AmazonRefused,
    AmazonUnavailable,
    InvalidArguments,
)
from tests.conftest import Clients
from tests.stand_in import Heard, StandIn

SINCE = "2026-01-31T08:00:00Z"
HOME = "ATVPDKIKX0DER"
SELLER = "ALOCALSELLERNA"
NASTY = "ä/% +&=?#!'()*~\"\\;:@日本"
"""A SKU of everything that a URL gives a meaning to, but a comma."""

WITHOUT_BODY = [one for one in catalog.operations() if one.method in ("GET", "DELETE")]


def call(clients: Clients, stand_in: StandIn, operation: str, **arguments: Any) -> Heard:
    """Make a call, whatever comes of it; return what arrived."""
    stand_in.heard.clear()
    found = catalog.find(operation)
    sp = clients.make(amazon=stand_in.address)
    with suppress(AmazonError):
        clients.do(lambda: getattr(getattr(sp, found.api), found.name)(**arguments))
    return stand_in.heard[-1]


def query_of(heard: Heard) -> dict[str, list[str]]:
    """Return the raw values of the query, each as often as it arrived."""
    found: dict[str, list[str]] = {}
    for pair in filter(None, heard.url.partition("?")[2].split("&")):
        name, _, value = pair.partition("=")
        found.setdefault(name, []).append(value)
    return found


# 1. Casing


def test_11_1_names_stay_as_amazon_spells_them(clients: Clients, stand_in: StandIn) -> None:
    mixed = {"payload": {"AmazonOrderId": "1", "buyerInfo": {"snake_case": 1, "kebab-case": 2}}, "nextToken": None}
    stand_in.say(mixed)
    sp = clients.make(amazon=stand_in.address)
    assert clients.do(lambda: sp.orders_v0.get_order(order_id="1")).data == mixed
    body = {"text": "x", "coverageStartDate": SINCE}
    heard = call(clients, stand_in, "messaging.create_warranty", amazon_order_id="1", body=body)
    assert json.loads(heard.body) == body


@pytest.mark.parametrize("spelled", ["CreateWarranty", "create_warranty"])
def test_11_1_operations_that_start_with_a_capital_have_both_names(clients: Clients, spelled: str) -> None:
    sp = clients.make()
    orders = clients.amazon.world.account("ALOCALSELLERNA").orders.values()
    id = next(one.id for one in orders if (one.status, one.marketplace.id) == ("Shipped", HOME))
    clients.do(lambda: getattr(sp.messaging, spelled)(amazonOrderId=id, marketplace_ids=HOME, body={}))
    assert clients.amazon.arrived()[-1]["path"] == f"/messaging/v1/orders/{id}/messages/warranty"


def test_11_1_a_field_in_another_casing_is_not_sent_to_be_passed_over(clients: Clients) -> None:
    sp = clients.make()
    body = {"reportType": "GET_X", "marketplaceIds": [HOME], "DataStartTime": SINCE}
    with pytest.raises(InvalidArguments, match="is spelled 'dataStartTime' here"):
        clients.do(lambda: sp.reports.create_report(body=body))


# 2. and 3. Lists, and values in URLs


def value_of(parameter: Parameter, schema: dict[str, Any]) -> Any:
    """Return the nastiest value that a parameter may have."""
    if "enum" in schema:
        return schema["enum"][-1]
    match schema["type"]:
        case "array":
            items = schema["items"]
            two = items["enum"][-2:] if "enum" in items else [value_of(parameter, items)] * 2
            return two[: 1 if "enum" not in items and schema.get("uniqueItems") else schema.get("maxItems", 2)]
        case "integer" | "number":
            return schema.get("maximum", 7)
        case "boolean":
            return True
    if schema.get("format") == "boolean":
        return False
    if schema.get("format") in ("date-time", "date") or re.search("_(after|before|date|time)$", parameter.name):
        return SINCE
    least, most = schema.get("minLength", 0), schema.get("maxLength", 100)
    if "pattern" in schema:
        return patterns.example(schema["pattern"], random.Random(1), shortest=least, longest=most)
    return (NASTY if parameter.place != "header" else "plain").ljust(least, "x")[:most]


def decoded(operation: Operation, parameter: Parameter, raw: list[str]) -> Any:
    """Return a query parameter as Amazon reads it."""
    many = raw if parameter.style == "multi" else raw[0].split(",") if parameter.style == "csv" else raw
    twice = parameter.wire == "Skus" and operation.api == "product_pricing_v0"
    found = [unquote(unquote(one)) if twice else unquote(one) for one in many]
    return found if parameter.style else found[0]


def written(value: Any) -> Any:
    if isinstance(value, list):
        return [written(one) for one in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_11_2_and_11_3_every_parameter_of_every_operation_without_a_body_arrives_exactly(
    clients: Clients, stand_in: StandIn
) -> None:
    sp = clients.make(amazon=stand_in.address, limit="wait", patience_s=1e9)
    styles = dict.fromkeys(("csv", "multi"), 0)
    for operation in WITHOUT_BODY:
        arguments = {one.name: value_of(one, one.schema) for one in operation.parameters}
        stand_in.heard.clear()
        method = getattr(getattr(sp, operation.api), operation.name)
        clients.do(partial(method, **arguments))
        (heard,) = stand_in.heard
        path = heard.url.partition("?")[0].split("/")[2:]
        template = operation.path.split("/")[1:]
        assert re.fullmatch(r"/([\w.~/=&,?-]|%[0-9A-F]{2})*", heard.url, re.ASCII), operation.key
        in_path = {part[1:-1]: unquote(raw) for part, raw in zip(template, path, strict=True) if part[0] == "{"}
        query = query_of(heard)
        assert len(query) == sum(one.place == "query" for one in operation.parameters)
        for one in operation.parameters:
            expected = written(arguments[one.name])
            if one.place == "path":
                assert in_path[one.wire] == expected, operation.key
            elif one.place == "query":
                assert decoded(operation, one, query[one.wire]) == expected, (operation.key, one.name)
                assert len(query[one.wire]) == (len(arguments[one.name]) if one.style == "multi" else 1)
                styles |= {one.style: styles[one.style] + 1} if one.style else {}
    assert len(WITHOUT_BODY) == 207
    assert styles == {"csv": 95, "multi": 2}


def test_11_2_a_value_with_a_comma_cannot_be_one_of_several(clients: Clients, stand_in: StandIn) -> None:
    sp = clients.make(amazon=stand_in.address)
    with pytest.raises(InvalidArguments, match="ask for it alone"):
        clients.do(lambda: sp.catalog_items.search_catalog_items(identifiers=["a,b", "c"], marketplace_ids=HOME))
    assert stand_in.heard == []


@pytest.mark.parametrize("sku", ["a/b", "a b", "100%", "1+1", "%2F", "ä", "a'(b)*!", "..x"])
def test_11_3_a_sku_finds_its_operation_on_the_raw_path(clients: Clients, sku: str) -> None:
    sp = clients.make()
    clients.do(lambda: sp.listings_items.delete_listings_item(seller_id=SELLER, sku=sku, marketplace_ids=HOME))
    (arrived,) = clients.amazon.arrived()
    assert arrived["status"] == 200
    raw = arrived["path"].removeprefix(f"/listings/2021-08-01/items/{SELLER}/")
    assert unquote(raw) == sku
    assert "/" not in raw
    assert " " not in raw
    assert "+" not in raw


def test_11_3_skus_of_pricing_v0_are_encoded_twice_but_for_the_comma_between_them(
    clients: Clients, stand_in: StandIn
) -> None:
    for operation in ("product_pricing_v0.get_pricing", "product_pricing_v0.get_competitive_pricing"):
        given = {"marketplace_id": HOME, "item_type": "Sku", "skus": ["Test&Sku", "a b"]}
        heard = call(clients, stand_in, operation, **given)
        assert query_of(heard)["Skus"] == ["Test%2526Sku,a%2520b"]


# 4. and 5. Booleans and moments


def test_11_4_booleans_that_are_strings_are_in_lower_case(clients: Clients, stand_in: StandIn) -> None:
    for value in (True, "true", "True"):
        heard = call(clients, stand_in, "vendor_orders.get_purchase_orders", is_po_changed=value, include_details=False)
        assert query_of(heard) == {"isPOChanged": ["true"], "includeDetails": ["false"]}


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("2026-01-31T08:00:00+01:00", "2026-01-31T08%3A00%3A00%2B01%3A00"),
        ("2026-01-31T08:00:00.123Z", "2026-01-31T08%3A00%3A00.123Z"),
        ("2026-01-31", "2026-01-31"),
        ("2026-01-31T08:00", "2026-01-31T08%3A00"),
        (datetime(2026, 1, 31, 9, tzinfo=timezone(timedelta(hours=1))), "2026-01-31T08%3A00%3A00Z"),
        (datetime(2026, 1, 31, 8, 0, 0, 123456, UTC), "2026-01-31T08%3A00%3A00.123Z"),
    ],
    ids=str,
)
def test_11_5_moments_arrive_in_every_form_that_amazon_takes(
    clients: Clients, stand_in: StandIn, value: Any, sent: str
) -> None:
    """Orders v0 takes no offset (selling-partner-api-docs issue 779): a ``datetime`` is sent in UTC."""
    for operation, wire in (("orders_v0.get_orders", "CreatedAfter"), ("orders.search_orders", "createdAfter")):
        assert query_of(call(clients, stand_in, operation, created_after=value))[wire] == [sent]


def test_11_5_an_interval_is_two_moments_in_one_value(clients: Clients, stand_in: StandIn) -> None:
    interval = "2026-01-01T00:00:00-07:00--2026-01-31T00:00:00-07:00"
    heard = call(clients, stand_in, "sales.get_order_metrics", interval=interval, granularity="Day")
    assert unquote(query_of(heard)["interval"][0]) == interval


def test_11_5_what_is_no_moment_is_refused_and_what_depends_on_others_is_amazons_to_say(clients: Clients) -> None:
    sp = clients.make()
    for api in (sp.orders_v0.get_orders, sp.orders.search_orders):
        with pytest.raises(InvalidArguments, match="2026-01-31T08:00:00Z"):
            clients.do(partial(api, created_after="yesterday"))
    assert clients.amazon.arrived() == []
    with pytest.raises(AmazonRefused) as caught:
        clients.do(lambda: sp.orders_v0.get_orders())
    assert caught.value.status == 400


# 6. and 7. Mistakes in the models


def test_11_6_a_pattern_that_stands_in_format_is_a_pattern(clients: Clients, stand_in: StandIn) -> None:
    operation = "fulfillment_inbound_v0.get_prep_instructions"
    heard = call(clients, stand_in, operation, ship_to_country_code="US", asin_list="B0")
    assert query_of(heard)["ShipToCountryCode"] == ["US"]
    with pytest.raises(InvalidArguments, match="ship_to_country_code"):
        call(clients, stand_in, operation, ship_to_country_code="usa", asin_list="B0")


def test_11_6_a_parameter_is_checked_by_its_own_operations_rule(clients: Clients, stand_in: StandIn) -> None:
    """``{shipmentId}`` has 38 characters in one API, and is whatever it is in another."""
    found = call(clients, stand_in, "shipping_v1.get_shipment", shipment_id="b/1")
    assert found.url.endswith("/shipping/v1/shipments/b%2F1")
    with pytest.raises(InvalidArguments, match="shipment_id"):
        call(clients, stand_in, "fulfillment_inbound.get_shipment", inbound_plan_id="wf" + "1" * 36, shipment_id="b/1")


def test_11_7_two_operations_of_one_id_are_two_methods(clients: Clients, stand_in: StandIn) -> None:
    account = {"clientType": "LINK", "carrierAccountType": "t", "carrierAccountAttributes": []}
    for name, method in (("link_carrier_account", "PUT"), ("link_carrier_account_post", "POST")):
        heard = call(clients, stand_in, f"shipping_v2.{name}", carrier_id="c", body=account)
        assert (heard.method, heard.url.split("/", 2)[2]) == (method, "shipping/v2/carrierAccounts/c")


def test_11_7_types_that_hold_themselves_are_checked_all_the_way_down(clients: Clients) -> None:
    package = {"quantity": 1, "distributionPackage": {"type": "CASE", "contents": {}, "measurements": {}}}
    inner = {"quantity": 1, "distributionPackage": {"type": "BOX", "contents": {}, "measurements": {}}}
    package["distributionPackage"]["contents"] = {"packages": [inner]}  # type: ignore[index]
    sp = clients.make()
    with pytest.raises(InvalidArguments) as caught:
        clients.do(lambda: sp.awd.check_inbound_eligibility(body={"packagesToInbound": [package]}))
    deep = "body.packagesToInbound.0.distributionPackage.contents.packages.0.distributionPackage.type"
    assert deep in {problem.field for problem in caught.value.problems}


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("data_kiosk.get_queries", {}),
        ("reports.get_report_schedules", {"report_types": "X"}),
        ("shipping_v2.get_unmanifested_shipments", {"body": {}}),
        ("vendor_direct_fulfillment_sandbox_data.get_order_scenarios", {"transaction_id": "1"}),
    ],
    ids=["base path /", "base path / too", "the European host", "the sandbox's host"],
)
def test_11_7_hosts_and_base_paths_of_the_models_mean_nothing(
    clients: Clients, stand_in: StandIn, operation: str, arguments: dict[str, Any]
) -> None:
    heard = call(clients, stand_in, operation, **arguments)
    path = catalog.find(operation).path.replace("{transactionId}", "1")
    assert heard.url.partition("?")[0] == f"/sellingpartnerapi-na.amazon.com{path}"


# 8. and 9. Answers


def test_11_8_an_answer_that_breaks_its_schema_comes_back_as_it_is(clients: Clients, stand_in: StandIn) -> None:
    answers: dict[str, Any] = {
        "get_order": {"payload": {"OrderStatus": "NewAndUnheardOf", "NumberOfItemsShipped": "3", "SalesChannel": None}},
        "get_order_address": {"payload": {"AmazonOrderId": 7, "ShippingAddress": {}}},
        "get_order_items": {"payload": {"OrderItems": None, "Unknown": [{"a": 1.5}]}},
    }
    sp = clients.make(amazon=stand_in.address)
    for name, answer in answers.items():
        stand_in.say(answer)
        assert clients.do(partial(getattr(sp.orders_v0, name), order_id="1")).data == answer
    stand_in.say([1, "two", None])
    assert clients.do(lambda: sp.orders_v0.get_order(order_id="1")).data == [1, "two", None]


@pytest.mark.parametrize("body", [b"", b"{}", b"not json"], ids=["empty", "object", "text"])
def test_11_9_a_204_has_no_body_whatever_the_model_says(clients: Clients, stand_in: StandIn, body: bytes) -> None:
    """Five operations have a schema for it; and a server that sends one anyway is not worth failing for."""
    stand_in.say(body, 204)
    sp = clients.make(amazon=stand_in.address)
    result = clients.do(lambda: sp.supply_sources.archive_supply_source(supply_source_id="1"))
    assert (result.status, result.data, result.payload) == (204, None, None)


def test_11_9_a_success_without_a_body_is_one(clients: Clients, stand_in: StandIn) -> None:
    stand_in.say(b"", 200)
    sp = clients.make(amazon=stand_in.address)
    assert clients.do(lambda: sp.feeds.cancel_feed(feed_id="1")).data is None


def test_11_9_what_is_beside_the_envelope_is_there_too(clients: Clients, stand_in: StandIn) -> None:
    answer = {"payload": {"inventorySummaries": [1]}, "pagination": {"nextToken": "n"}}
    stand_in.say(answer)
    sp = clients.make(amazon=stand_in.address)
    given = {"granularity_type": "Marketplace", "granularity_id": HOME}
    result = clients.do(lambda: sp.fba_inventory.get_inventory_summaries(**given))
    assert (result.payload, result["pagination"]) == (answer["payload"], answer["pagination"])
    stand_in.say({"orders": []})
    bare = clients.do(lambda: sp.orders.search_orders(created_after=SINCE))
    assert bare.payload == bare.data == {"orders": []}


@pytest.mark.parametrize("status", [200, 207])
def test_11_9_a_batch_is_a_result_with_a_status_for_each_item(clients: Clients, stand_in: StandIn, status: int) -> None:
    failed = {"status": {"statusCode": 400}, "body": {"errors": [{"code": "InvalidInput"}]}}
    stand_in.say({"responses": [failed, {"status": {"statusCode": 200}, "body": {}}]}, status)
    sp = clients.make(amazon=stand_in.address)
    item = {
        "uri": "/products/pricing/v0/items/B0/offers",
        "method": "GET",
        "MarketplaceId": HOME,
        "ItemCondition": "New",
    }
    result = clients.do(lambda: sp.product_pricing_v0.get_item_offers_batch(body={"requests": [item]}))
    assert (result.status, [one["status"]["statusCode"] for one in result["responses"]]) == (status, [400, 200])


# 10. to 13. Headers, methods, hosts


def test_11_10_idempotency_headers_keep_their_spellings(clients: Clients, stand_in: StandIn) -> None:
    heard = call(clients, stand_in, "fba_inventory.add_inventory", x_amzn_idempotency_token="k", body={})
    assert heard.headers["x-amzn-idempotency-token"] == "k"
    form = {"x_amzn_idempotency_key": "k", "body": {"carrierId": "c"}}
    heard = call(clients, stand_in, "shipping_v2.generate_collection_form", **form)
    assert heard.headers["x-amzn-idempotencykey"] == "k"
    with pytest.raises(InvalidArguments, match="x_amzn_idempotency_token: is required"):
        call(clients, stand_in, "fba_inventory.add_inventory", body={})


READS = [
    *("shipping_v2.get_carrier_accounts", "shipping_v2.get_unmanifested_shipments"),
    *("shipping_v2.get_collection_form_history", "support.list_cases"),
]


@pytest.mark.parametrize("operation", READS)
def test_11_11_a_put_or_post_that_only_reads_is_tried_again(
    clients: Clients, stand_in: StandIn, operation: str
) -> None:
    stand_in.say(b"", 503)
    heard = call(clients, stand_in, operation, body={"clientReferenceDetails": []})
    assert heard.method in ("PUT", "POST")
    assert len(stand_in.heard) == 4


def test_11_11_a_put_that_writes_is_sent_once(clients: Clients, stand_in: StandIn) -> None:
    stand_in.say(b"", 503)
    call(clients, stand_in, "shipping_v2.cancel_shipment", shipment_id="1")
    assert len(stand_in.heard) == 1


def test_11_12_the_signatures_of_seller_wallet_are_arguments_and_headers(clients: Clients, stand_in: StandIn) -> None:
    operation = "seller_wallet.update_transfer_schedule"
    names = [one.name for one in catalog.find(operation).parameters if one.place == "header"]
    assert names == ["dest_account_digital_signature", "amount_digital_signature"]
    with pytest.raises(InvalidArguments) as caught:
        call(clients, stand_in, operation, body={})
    assert set(names) <= {problem.field for problem in caught.value.problems}


def test_11_13_one_address_takes_the_place_of_every_host(clients: Clients, stand_in: StandIn) -> None:
    """Tokens too; others have hosts that nothing can change."""
    call(clients, stand_in, "sellers.get_account")
    assert [heard.url for heard in stand_in.tokens] == ["/api.amazon.com/auth/o2/token"]
    assert [heard.url for heard in stand_in.heard] == ["/sellingpartnerapi-na.amazon.com/sellers/v1/account"]


# What RFC 7230 wants of a request (section 5: Amazon answers 400 with a page of HTML)


@pytest.mark.parametrize("operation", WITHOUT_BODY[::40], ids=lambda one: str(one.key))
def test_5_a_get_has_no_body_and_says_nothing_of_one(clients: Clients, stand_in: StandIn, operation: Operation) -> None:
    required = {one.name: value_of(one, one.schema) for one in operation.parameters if one.required}
    heard = call(clients, stand_in, operation.key, **required)
    assert heard.body == b""
    assert {"content-length", "transfer-encoding", "content-type"} & heard.headers.keys() == set()


def test_5_the_posts_without_a_body_have_none(clients: Clients, stand_in: StandIn) -> None:
    found = [one for one in catalog.operations() if one.method in ("POST", "PUT") and one.body is None]
    assert len(found) == 23
    for operation in found:
        arguments = {one.name: value_of(one, one.schema) for one in operation.parameters}
        heard = call(clients, stand_in, operation.key, **arguments)
        assert (heard.body, heard.headers.get("content-length", "0")) == (b"", "0")
        assert "content-type" not in heard.headers


# 5. Error bodies that are not what Amazon documents

TOLD = {"code": "InvalidInput", "message": "m", "details": "d"}
GATEWAY = b'{\n  "errors": [\n    {\n      "message": "m",\n      "code": "InvalidInput"\n    }\n  ]\n}'
PAGE = b"<html>\r\n<head><title>400 Bad Request</title></head>\r\n<body><h1>400 Bad Request</h1></body>\r\n</html>"
XML = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Request has expired</Message>'
    b"<RequestId>R</RequestId></Error>"
)

BODIES: dict[str, tuple[Any, tuple[str, str, str]]] = {
    "as documented": ({"errors": [TOLD]}, ("InvalidInput", "m", "d")),
    "a bare list": ([TOLD], ("InvalidInput", "m", "d")),
    "a bare object": (TOLD, ("InvalidInput", "m", "d")),
    "errors is an object": ({"errors": TOLD}, ("InvalidInput", "m", "d")),
    "beside a payload": ({"payload": {"a": 1}, "errors": [TOLD]}, ("InvalidInput", "m", "d")),
    "beside an empty payload": ({"payload": None, "errors": [TOLD]}, ("InvalidInput", "m", "d")),
    "HAL": ({"_links": {"self": {"href": "/x"}}, "_embedded": {}, "errors": [TOLD]}, ("InvalidInput", "m", "d")),
    "with a level": ({"errors": [{**TOLD, "errorLevel": "ERROR"}]}, ("InvalidInput", "m", "d")),
    "the message first, no details": (GATEWAY, ("InvalidInput", "m", "")),
    "a number for a code": ({"errors": [{"code": 400, "message": "m"}]}, ("400", "m", "")),
    "null for details": ({"errors": [{**TOLD, "details": None}]}, ("InvalidInput", "m", "")),
    "only a message": ({"message": "m"}, ("", "m", "")),
    "only a Message": ({"Message": "m"}, ("", "m", "")),
    "as OAuth says it": ({"error": "invalid_request", "error_description": "m"}, ("invalid_request", "m", "")),
    "XML of the storage": (XML, ("AccessDenied", "Request has expired", "")),
}

SILENT: dict[str, Any] = {
    "nothing": b"",
    "a page": PAGE,
    "null": None,
    "an empty list": [],
    "an empty object": {},
    "a string": "no",
    "errors is empty": {"errors": []},
    "errors is null": {"errors": None},
    "errors is text": {"errors": "no"},
    "errors holds text": {"errors": ["no"]},
    "cut off": b'{"errors": [{"code": "Inv',
    "not UTF-8": b'{"code": "\xff"}',
}


@pytest.mark.parametrize("form", BODIES)
def test_5_an_error_is_read_in_whatever_form_it_comes(clients: Clients, stand_in: StandIn, form: str) -> None:
    body, told = BODIES[form]
    stand_in.say(body, 400)
    with pytest.raises(AmazonRefused) as caught:
        clients.do(lambda: clients.make(amazon=stand_in.address).sellers.get_account())
    error = caught.value
    assert (error.amazon_code, error.message, error.details) == told
    assert (error.status, error.operation) == (400, "sellers_v1.get_account")
    assert len(error.errors) == 1


@pytest.mark.parametrize("form", SILENT)
@pytest.mark.parametrize(
    ("status", "kind", "attempts"),
    [(400, AmazonRefused, 1), (403, AccessDenied, 1), (404, AmazonNotFound, 1), (502, AmazonUnavailable, 4)],
)
def test_5_an_error_that_says_nothing_is_one_nevertheless(
    clients: Clients, stand_in: StandIn, form: str, status: int, kind: type[AmazonError], attempts: int
) -> None:
    """python-amazon-sp-api calls these a success with an empty payload (peer-sdks.md, 1.4)."""
    stand_in.say(SILENT[form], status, x_amzn_requestid="r-1")
    with pytest.raises(kind) as caught:
        clients.do(lambda: clients.make(amazon=stand_in.address).sellers.get_account())
    error = caught.value
    assert (error.status, error.amazon_code, error.details, error.request_id) == (status, "", "", "r-1")
    assert error.message
    assert f"answered {status}" in str(error)
    assert len(stand_in.heard) == attempts


def test_5_every_entry_of_an_error_is_kept(clients: Clients, stand_in: StandIn) -> None:
    second = {"code": "Other", "message": "n"}
    stand_in.say({"errors": [TOLD, second]}, 400)
    with pytest.raises(AmazonRefused) as caught:
        clients.do(lambda: clients.make(amazon=stand_in.address).sellers.get_account())
    assert caught.value.errors == (TOLD, second)


def test_5_errors_beside_a_payload_of_a_success_are_part_of_it(clients: Clients, stand_in: StandIn) -> None:
    """631 schemas have room for both, and batches use it; a success with nothing but errors is none."""
    both = {"payload": [{"a": 1}], "errors": [TOLD]}
    stand_in.say(both)
    sp = clients.make(amazon=stand_in.address)
    assert clients.do(lambda: sp.sellers.get_account()).data == both
    for body in ({"errors": [TOLD]}, {"errors": TOLD}):
        stand_in.say(body)
        with pytest.raises(AmazonRefused) as caught:
            clients.do(lambda: sp.sellers.get_account())
        assert (caught.value.status, caught.value.amazon_code) == (200, "InvalidInput")
    stand_in.say({"errors": []})
    assert clients.do(lambda: sp.sellers.get_account()).data == {"errors": []}
