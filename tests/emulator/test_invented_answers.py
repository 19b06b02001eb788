import json
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import jsonschema_rs
import pytest

from sellerport import catalog
from sellerport.catalog import Operation, Parameter
from sellerport.emulator import World, patterns, running
from sellerport.emulator.selling_partner import HANDLERS

from .conftest import NOW, Local, Reply

SCOPES = " ".join({operation.scope for operation in catalog.operations() if operation.scope})
RESTRICTED = {"restrictedResources": [{"method": "GET", "path": "/orders/v0/orders/{orderId}/address"}]}
US = "ATVPDKIKX0DER"


@dataclass(frozen=True)
class Given:
    """What operations with a state are called with: ids of things that exist, and bodies that are accepted."""

    tokens: tuple[str, str]
    ids: dict[tuple[str, str], str]
    bodies: dict[str, Any]


def listed_ids(amazon: Local) -> dict[tuple[str, str], str]:
    """What operations on products are called with: the first product, or another that goes when it is asked to."""
    first, last = (amazon.world.account("ALOCALSELLERNA").products[place] for place in (0, 2))
    groups = amazon.call("GET", "/finances/v0/financialEventGroups").json["payload"]["FinancialEventGroupList"]
    group = groups[0]["FinancialEventGroupId"]
    by_operation = {
        "catalog_items_2022_04_01": {"asin": first.asin, "identifiers": first.asin, "identifiersType": "ASIN"},
        "catalog_items_2020_12_01": {"asin": first.asin, "keywords": "Beanie"},
        "catalog_items_v0": {"ASIN": first.asin},
        "listings_items_2021_08_01": {"identifiers": first.sku, "identifiersType": "SKU"},
        "listings_restrictions_2021_08_01": {"asin": first.asin},
        "product_type_definitions_2020_09_01": {"productType": first.article.type},
        "product_pricing_v0": {"Asin": first.asin, "Asins": first.asin, "SellerSKU": first.sku},
        "product_fees_v0": {"Asin": first.asin, "SellerSKU": first.sku},
        "finances_v0": {"eventGroupId": group},
        "fba_inventory_v1": {"granularityId": US, "sellerSku": last.sku},
    }
    found = {(api, name): value for api, values in by_operation.items() for name, value in values.items()}
    for api in ("listings_items_2021_08_01", "listings_items_2020_09_01", "listings_restrictions_2021_08_01"):
        found |= {(api, "sellerId"): "ALOCALSELLERNA", (api, "sku"): first.sku}
    return found


def listed_bodies(amazon: Local) -> dict[str, Any]:
    """Bodies of operations on products."""
    first, last = (amazon.world.account("ALOCALSELLERNA").products[place] for place in (0, 2))
    (listing,) = (one for one in amazon.world.shelf.listings("ALOCALSELLERNA", [US]) if one.sku == first.sku)
    put = {"productType": first.article.type, "attributes": listing.attributes}
    quantity = [{"fulfillment_channel_code": "DEFAULT", "quantity": 3}]
    patches = [{"op": "replace", "path": "/attributes/fulfillment_availability", "value": quantity}]
    price = {"ListingPrice": {"CurrencyCode": "USD", "Amount": 10}}
    fees = {"FeesEstimateRequest": {"MarketplaceId": US, "PriceToEstimateFees": price, "Identifier": "1"}}
    asked = {"method": "GET", "MarketplaceId": US, "ItemCondition": "New"}
    pricing = "/products/pricing/v0"
    item, listed = f"{pricing}/items/{first.asin}/offers", f"{pricing}/listings/{first.sku}/offers"
    summary = {"asin": first.asin, "marketplaceId": US, "includedData": ["referencePrices"], "method": "GET"}
    expected = {"marketplaceId": US, "sku": first.sku, "method": "GET"}
    batches, by_asin = "product_pricing_2022_05_01", {"IdType": "ASIN", "IdValue": first.asin}
    return {
        "transfers_2024_06_01.initiate_payout": {"marketplaceId": US, "accountType": "Standard Orders"},
        "listings_items_2021_08_01.put_listings_item": put,
        "listings_items_2020_09_01.put_listings_item": put,
        "listings_items_2021_08_01.patch_listings_item": {"productType": "PRODUCT", "patches": patches},
        "listings_items_2020_09_01.patch_listings_item": {"productType": "PRODUCT", "patches": patches},
        "product_fees_v0.get_my_fees_estimate_for_asin": fees,
        "product_fees_v0.get_my_fees_estimate_for_sku": fees,
        "product_fees_v0.get_my_fees_estimates": [{**fees, **by_asin}],
        "product_pricing_v0.get_item_offers_batch": {"requests": [{**asked, "uri": item}]},
        "product_pricing_v0.get_listing_offers_batch": {"requests": [{**asked, "uri": listed}]},
        f"{batches}.get_competitive_summary": {"requests": [{**summary, "uri": "/competitiveSummary"}]},
        f"{batches}.get_featured_offer_expected_price_batch": {"requests": [{**expected, "uri": "/expected"}]},
        "fba_inventory_v1.create_inventory_item": {"sellerSku": "NEW", "marketplaceId": US, "productName": "New"},
        "fba_inventory_v1.add_inventory": {
            "inventoryItems": [{"sellerSku": last.sku, "marketplaceId": US, "quantity": 2}]
        },
    }


STEPS = re.compile(
    "fulfillment_inbound|fulfillment_outbound|merchant_fulfillment|shipping_v2|services|awd"
    "|vendor_transaction_status|vendor_direct_fulfillment"
    "|orders_v0.(confirm_shipment|update_shipment_status)"
    "|easy_ship|external_fulfillment"
)
"""Operations that want others before them; test_inbound, test_outbound, test_merchant_fulfillment, test_shipping,
test_services, test_distribution, test_vendor_orders, test_vendor_direct, test_shipment_confirmation, test_easy_ship and
test_external_* check each against its schema."""

OPTIONAL = ("identifiers", "identifiersType", "ASIN", "Asins")
"""Parameters that are not required by themselves, though one of them and others is."""


def told(amazon: Local) -> tuple[dict[tuple[str, str], str], dict[str, Any]]:
    """Ids and bodies of operations on notifications."""
    api, path = "notifications_v1", "/notifications/v1"
    made, to = (
        amazon.call(
            "POST",
            f"{path}/destinations",
            amazon.grantless(),
            {"name": "x", "resourceSpecification": {"sqs": {"arn": f"arn:aws:sqs:us-east-1:000000000000:{name}"}}},
        ).json["payload"]["destinationId"]
        for name in ("first", "second")
    )
    body = {"payloadVersion": "1.0", "destinationId": to}
    one = amazon.call("POST", f"{path}/subscriptions/REPORT_PROCESSING_FINISHED", body=body).json["payload"][
        "subscriptionId"
    ]
    ids = {
        "notificationType": "REPORT_PROCESSING_FINISHED",
        "notificationTypes": "REPORT_PROCESSING_FINISHED",
        "destinationId": made,
    }
    spec = {"sqs": {"arn": "arn:aws:sqs:us-east-1:000000000000:third"}}
    bodies = {
        f"{api}.create_destination": {"name": "x", "resourceSpecification": spec},
        f"{api}.create_subscription": {**body, "payloadVersion": "2.0"},
        f"{api}.send_test_notification": {
            "destinationId": to,
            "testNotification": {"payloadVersion": "1.0", "testScenario": "Any"},
        },
    }
    return {(api, name): value for name, value in {**ids, "subscriptionId": one}.items()}, bodies


def sold(amazon: Local) -> tuple[dict[tuple[str, str], str], dict[str, Any]]:
    """Ids and bodies of operations on what comes of orders; a review can be asked for days after a delivery."""
    orders = [one for one in amazon.world.account("ALOCALSELLERNA").orders.values() if one.marketplace.id == US]
    partly = next(one for one in orders if one.status == "PartiallyShipped")
    due = amazon.world.now() - 10 * 86_400
    reviewed = next(
        one for one in orders if one.status == "Shipped" and due > one.delivery_window[1] > due - 10 * 86_400
    )
    schedule = {"reportType": "GET_FLAT_FILE_OPEN_LISTINGS_DATA", "marketplaceIds": [US], "period": "P1D"}
    path = "/reports/2021-06-30/schedules"
    made = amazon.call("POST", path, body={**schedule, "reportType": "GET_XML"}).json["reportScheduleId"]
    ids = {
        ("messaging_v1", "amazonOrderId"): partly.id,
        ("solicitations_v1", "amazonOrderId"): reviewed.id,
        ("sales_v1", "interval"): "2026-09-01T00:00:00Z--2026-09-02T00:00:00Z",
        ("sales_v1", "granularity"): "Total",
        ("reports_2021_06_30", "reportScheduleId"): made,
    }
    address = {"name": "Barn", "addressLine1": "1 Larkspur Ave", "countryCode": "US", "stateOrRegion": "OH"}
    place = {"supplySourceCode": "BARN", "alias": "Barn", "address": address}
    sources, path = "supply_sources_2020_07_01", "/supplySources/2020-07-01/supplySources"
    ids[sources, "supplySourceId"] = amazon.call("POST", path, body=place).json["supplySourceId"]
    ids["vendor_orders_v1", "purchaseOrderNumber"] = next(iter(amazon.world.vendors["ALOCALVENDORNA"].purchases))
    bodies = {
        "reports_2021_06_30.create_report_schedule": schedule,
        f"{sources}.create_supply_source": {**place, "supplySourceCode": "OTHER"},
    }
    return ids, bodies


@pytest.fixture
def given(amazon: Local) -> Given:
    reports, feeds, kiosk = "reports_2021_06_30", "feeds_2021_06_30", "data_kiosk_2023_11_15"
    uploaded = amazon.upload(b"{}")
    told_ids, told_bodies = told(amazon)
    sold_ids, sold_bodies = sold(amazon)
    bodies = {
        f"{reports}.create_report": {"reportType": "GET_FLAT_FILE_OPEN_LISTINGS_DATA", "marketplaceIds": [US]},
        f"{feeds}.create_feed_document": {"contentType": "text/plain"},
        f"{feeds}.create_feed": {"feedType": "JSON", "marketplaceIds": [US], "inputFeedDocumentId": uploaded},
        f"{kiosk}.create_query": {"query": "query{a}"},
        "invoices_2024_06_19.create_invoices_export": {"marketplaceId": US},
        "tokens_2021_03_01.create_restricted_data_token": RESTRICTED,
        **listed_bodies(amazon),
        **told_bodies,
        **sold_bodies,
    }
    amazon.world.polls = 0
    report = amazon.report("GET_FLAT_FILE_OPEN_LISTINGS_DATA")
    query = amazon.call("POST", "/dataKiosk/2023-11-15/queries", body=bodies[f"{kiosk}.create_query"]).json["queryId"]
    data = amazon.finished(f"/dataKiosk/2023-11-15/queries/{query}")["dataDocumentId"]
    exports = "/tax/invoices/2024-06-19/exports"
    export = amazon.call("POST", exports, body={"marketplaceId": US}).json["exportId"]
    (invoices,) = amazon.finished(f"{exports}/{export}")["invoicesDocumentIds"]
    amazon.world.polls = 2
    feed = amazon.call("POST", "/feeds/2021-06-30/feeds", body=bodies[f"{feeds}.create_feed"]).json["feedId"]
    queued = amazon.call("POST", "/reports/2021-06-30/reports", body=bodies[f"{reports}.create_report"]).json[
        "reportId"
    ]
    open_query = amazon.call("POST", "/dataKiosk/2023-11-15/queries", body={"query": "query{b}"}).json["queryId"]
    ids = {
        **listed_ids(amazon),
        (reports, "reportId"): queued,
        (reports, "reportDocumentId"): report["reportDocumentId"],
        (feeds, "feedId"): feed,
        (feeds, "feedDocumentId"): uploaded,
        (kiosk, "queryId"): open_query,
        (kiosk, "documentId"): data,
        ("invoices_2024_06_19", "exportId"): export,
        ("invoices_2024_06_19", "invoicesDocumentId"): invoices,
        **told_ids,
        **sold_ids,
    }
    return Given((amazon.token(), amazon.grantless(SCOPES)), ids, bodies)


def value(amazon: Local, parameter: Parameter, operation: Operation, given: Given) -> str:
    """A value that the operation accepts."""
    if "marketplaceid" in parameter.wire.lower():
        return US
    if (operation.api, parameter.wire) in given.ids:
        return given.ids[operation.api, parameter.wire]
    if parameter.wire == "orderId" and operation.api.startswith("orders"):
        return next(iter(amazon.world.account("ALOCALSELLERNA").orders))
    schema = parameter.schema.get("items", parameter.schema)
    if "pattern" in schema and parameter.place == "query":
        return patterns.example(schema["pattern"], random.Random(1))
    return str(schema["enum"][0]) if "enum" in schema else "1" * schema.get("minLength", 1)


def call(amazon: Local, operation: Operation, given: Given) -> Reply:
    path, query = operation.path, {}
    headers = {"x-amz-access-token": given.tokens[operation.scope is not None]}
    if operation.api == "vendor_orders_v1":
        headers["x-amz-access-token"] = amazon.token("Atzr|local-vendor-na")
    for parameter in operation.parameters:
        sent = value(amazon, parameter, operation, given)
        if parameter.place == "path":
            path = path.replace(f"{{{parameter.wire}}}", quote(sent, safe=""))
        elif parameter.place == "query" and (
            parameter.required or (parameter.wire in OPTIONAL and (operation.api, parameter.wire) in given.ids)
        ):
            query[parameter.wire] = sent
        elif parameter.required:
            headers[parameter.wire] = sent
    if operation.key in ("orders_v0.get_orders", "orders_2026_01_01.search_orders"):
        query |= {"CreatedAfter": "2020-01-01", "createdAfter": "2020-01-01"}
    if operation.key == "finances_2024_06_19.list_transactions":
        query["postedAfter"] = "2026-09-01T00:00:00Z"
    if operation.key == "finances_v0.list_financial_event_groups":
        query["MaxResultsPerPage"] = "100"
    if operation.key in ("reports_2021_06_30.get_reports", "feeds_2021_06_30.get_feeds"):
        query |= {"reportTypes": "GET_FLAT_FILE_OPEN_LISTINGS_DATA", "feedTypes": "JSON"}
    body = json.dumps(given.bodies.get(operation.key, {})) if operation.body else None
    return amazon.send(operation.method, f"{path}?{urlencode(query)}", body, headers)


def reading_first(operations: Iterable[Operation]) -> list[Operation]:
    """What cancels comes last, so that there is something to read; what goes step by step is left to other tests."""
    alone = (one for one in operations if not (one.key in HANDLERS and STEPS.match(one.key)))
    return sorted(alone, key=lambda operation: operation.method == "DELETE")


def test_every_operation_answers_with_what_its_schema_allows(amazon: Local, given: Given) -> None:
    wrong = []
    for operation in reading_first(catalog.operations()):
        answer = call(amazon, operation, given)
        schemas = catalog.schemas(operation.api)
        responses = schemas.of(operation).responses
        expected = "200" if "200" in responses else min(status for status in responses if status < "300")
        name = None if expected == "204" else responses[expected]
        if str(answer.status) != expected:
            wrong.append(f"{operation.key}: {answer.status} instead of {expected}: {answer.body[:200]!r}")
        elif name is None:
            wrong += [f"{operation.key}: a body where none belongs"] if answer.body else []
        else:
            schema = {"$ref": f"#/$defs/{name}", "$defs": schemas.definitions}
            errors = jsonschema_rs.validator_for(schema, validate_formats=True).iter_errors(answer.json)
            wrong += [f"{operation.key}: {error.message} at {error.instance_path}" for error in errors]
    assert not wrong, "\n".join(wrong)
    assert len(catalog.operations()) == 384


def test_every_answer_ends_where_a_client_would_otherwise_go_on(amazon: Local, given: Given) -> None:
    """No page token, or paging would never end; no errors in a success."""

    def filled(found: Any) -> set[str]:
        if isinstance(found, dict):
            return {name for name, value in found.items() if value}.union(*map(filled, found.values()))
        return set().union(*map(filled, found)) if isinstance(found, list) else set()

    for operation in reading_first(catalog.operations()):
        answer = call(amazon, operation, given)
        if not answer.body:
            continue
        if operation.paging is not None and operation.paging.kind == "token":
            held: Any = answer.json
            for step in operation.paging.next.split("."):
                held = held.get(step) if isinstance(held, dict) else None
            assert held is None, operation.key
        assert not {"errors", "Errors"} & filled(answer.json), operation.key


def test_the_same_question_has_the_same_answer(amazon: Local) -> None:
    def content(key: str) -> bytes:
        path = f"/aplus/2020-11-01/contentDocuments/{key}"
        answer = amazon.call("GET", path, marketplaceId=US, includedDataSet="CONTENTS")
        assert answer.status == 200
        return answer.body

    first = content("K1")
    assert content("K1") == first
    assert content("K2") != first
    amazon.world.advance(86_400)
    assert content("K1") == first


def test_the_same_seed_gives_the_same_bytes() -> None:
    def conversation(seed: int) -> list[bytes]:
        with running(World(seed=seed, clock=lambda: NOW)) as base:
            amazon = Local(World(seed=seed, clock=lambda: NOW), base)
            given = Given((amazon.token(), amazon.grantless(SCOPES)), {}, {})
            answers = [call(amazon, operation, given) for operation in catalog.operations()[::7]]
            answers += [amazon.control("GET", "state"), amazon.lwa()]
            return [answer.body + answer.headers.get("x-amzn-requestid", "").encode() for answer in answers]

    first = conversation(1)
    assert conversation(1) == first
    assert conversation(2) != first


def test_what_is_asked_for_is_what_is_answered(amazon: Local) -> None:
    path = "/aplus/2020-11-01/contentDocuments/K1"
    content = amazon.call("GET", path, marketplaceId="A2EUQ1WTGCTBG2", includedDataSet="METADATA").json
    assert content["contentRecord"]["contentReferenceKey"] == "K1"
    assert content["contentRecord"]["contentMetadata"]["marketplaceId"] == "A2EUQ1WTGCTBG2"
    path = "/finances/transfers/wallet/2024-03-01/transactions/77"
    assert amazon.call("GET", path, marketplaceId=US).json["transactionId"] == "77"


def test_what_takes_time_at_amazon_is_done_at_once(amazon: Local) -> None:
    path, asked = "/tax/invoices/2024-06-19/governmentInvoiceRequests", ("transactionType", "shipmentId", "invoiceType")
    status = amazon.call("GET", path, marketplaceId=US, **dict.fromkeys(asked, "1")).json
    assert status["status"] == "SUCCESS"


def test_addresses_in_answers_lead_nowhere(amazon: Local) -> None:
    path = "/inbound/fba/2024-03-20/inboundPlans/1/shipments/1/deliveryChallanDocument"
    document = amazon.call("GET", path).json["documentDownload"]
    assert document["uri"].startswith("https://local-amazon.invalid/")


@pytest.mark.parametrize(
    "pattern",
    [
        "^[a-zA-Z0-9-]*$",
        "^[a-zA-Z0-9-._ ]*$",
        "^(UN|ID|NA)[0-9]{4}$",
        r"^[1-9](\.[1-9])?$",
        r"^arn:aws:sqs:\S+:\S+:\S+",
        r"^[A-Za-z0-9\\+/]{22}={2}$",
        r"^([a-zA-Z0-9_\-\.]+)@([a-zA-Z0-9_\-\.]+)\.([a-zA-Z]{2,5})$",
        r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z$",
        "^https?://.+",
        "^(?:0?[1-9]|1[012])$",
        "[^a-z]{3,}x",
    ],
)
def test_texts_are_made_for_a_pattern(pattern: str) -> None:
    for seed in range(20):
        assert re.search(pattern, patterns.example(pattern, random.Random(seed)))


def test_texts_for_a_pattern_keep_their_length() -> None:
    text = patterns.example("^[a-z]*$", random.Random(1), shortest=38, longest=38)
    assert len(text) == 38


@pytest.mark.parametrize(
    ("pattern", "longest"), [("^a{5}$", 4), ("a)", 10), ("(a", 10)], ids=["too long", "not opened", "not closed"]
)
def test_a_pattern_that_cannot_be_served_is_an_error(pattern: str, longest: int) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(pattern))):
        patterns.example(pattern, random.Random(1), longest=longest)
