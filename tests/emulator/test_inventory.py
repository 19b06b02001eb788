import json
from typing import Any

import pytest

from sellerport.emulator.shop import Product

from .conftest import Local, Reply
from .test_listings import rows

SELLER = "ALOCALSELLERNA"
US, CA, DE, FR, GB = "ATVPDKIKX0DER", "A2EUQ1WTGCTBG2", "A1PA6795UKMFR9", "A13V1IB3VIYZZH", "A1F83G8C2ARO7P"
ITEMS = "/fba/inventory/v1/items"


def ask(amazon: Local, token: str | None = None, shop: str = US, **query: str) -> Any:
    given = {"granularityType": "Marketplace", "granularityId": shop, "marketplaceIds": shop, "details": "true"}
    return amazon.good("GET", "/fba/inventory/v1/summaries", token, **{**given, **query})


def summaries(amazon: Local, token: str | None = None, shop: str = US, **query: str) -> dict[str, Any]:
    found = ask(amazon, token, shop, **query)["payload"]
    assert found["granularity"] == {"granularityType": "Marketplace", "granularityId": shop}
    return {one["sellerSku"]: one for one in found["inventorySummaries"]}


def stocked(amazon: Local) -> list[Product]:
    return [one for one in amazon.world.account(SELLER).products if one.channel == "AFN"]


def add(amazon: Local, sku: str, quantity: int, once: str = "once-1", shop: str = US) -> Reply:
    body = {"inventoryItems": [{"sellerSku": sku, "marketplaceId": shop, "quantity": quantity}]}
    headers = {"x-amz-access-token": amazon.token(), "x-amzn-idempotency-token": once}
    return amazon.send("POST", f"{ITEMS}/inventory", json.dumps(body), headers)


def create(amazon: Local, sku: str, shop: str = US) -> Reply:
    body = {"sellerSku": sku, "marketplaceId": shop, "productName": f"Product {sku}"}
    return amazon.call("POST", ITEMS, body=body)


# --- summaries --------------------------------------------------------------------------------------------------------


def test_what_amazon_ships_is_what_it_has_stock_of(amazon: Local) -> None:
    found = summaries(amazon)
    assert list(found) == [one.sku for one in stocked(amazon)]
    product = stocked(amazon)[0]
    summary = found[product.sku]
    assert (summary["asin"], summary["productName"], summary["condition"]) == (product.asin, product.title, "NewItem")
    listing = amazon.good("GET", f"/listings/2021-08-01/items/{SELLER}/{product.sku}", marketplaceIds=US)
    assert summary["fnSku"] == listing["summaries"][0]["fnSku"]


def test_details_come_when_they_are_asked_for_and_add_up(amazon: Local) -> None:
    assert all("inventoryDetails" not in one for one in summaries(amazon, details="false").values())
    for one in summaries(amazon).values():
        details = one["inventoryDetails"]
        reserved, broken = details["reservedQuantity"], details["unfulfillableQuantity"]
        assert reserved["totalReservedQuantity"] == sum(
            reserved[name]
            for name in ("pendingCustomerOrderQuantity", "pendingTransshipmentQuantity", "fcProcessingQuantity")
        )
        assert broken["totalUnfulfillableQuantity"] == sum(broken.values()) / 2
        assert one["totalQuantity"] == (
            details["fulfillableQuantity"]
            + details["inboundShippedQuantity"]
            + details["inboundReceivingQuantity"]
            + reserved["totalReservedQuantity"]
            + broken["totalUnfulfillableQuantity"]
            + details["researchingQuantity"]["totalResearchingQuantity"]
        )


def test_what_was_ordered_and_not_sent_is_reserved(amazon: Local) -> None:
    account = amazon.world.add_account(("US", "CA"), orders=400)
    token = amazon.token(amazon.world.grant(account.selling_partner_id).refresh_token)
    expected: dict[str, int] = {}
    for order in account.orders.values():
        if order.channel == "AFN" and order.marketplace.id == US and order.status in ("Pending", "Unshipped"):
            for line in order.items:
                expected[line.sku] = expected.get(line.sku, 0) + line.quantity
    assert len({order.status for order in account.orders.values() if order.channel == "AFN"}) > 3
    reserved = {
        sku: quantity
        for sku, one in summaries(amazon, token).items()
        if (quantity := one["inventoryDetails"]["reservedQuantity"]["pendingCustomerOrderQuantity"])
    }
    assert reserved == expected


def test_what_waits_for_another_shop_is_reserved_until_it_is_sent(amazon: Local) -> None:
    sku = max(summaries(amazon).values(), key=lambda one: one["inventoryDetails"]["fulfillableQuantity"])["sellerSku"]

    def counted() -> tuple[int, int, int]:
        one = summaries(amazon)[sku]
        reserved = one["inventoryDetails"]["reservedQuantity"]["pendingCustomerOrderQuantity"]
        return one["totalQuantity"], one["inventoryDetails"]["fulfillableQuantity"], reserved

    total, fulfillable, reserved = counted()
    body = {
        "sellerFulfillmentOrderId": "WEB-1",
        "displayableOrderId": "WEB-1",
        "displayableOrderDate": "2026-09-21T14:00:00Z",
        "displayableOrderComment": "Thank you",
        "shippingSpeedCategory": "Standard",
        "destinationAddress": {
            "name": "Wren Halloway",
            "addressLine1": "77 Larkspur Ave",
            "city": "Eastbrook",
            "stateOrRegion": "OH",
            "postalCode": "43099",
            "countryCode": "US",
        },
        "items": [{"sellerSku": sku, "sellerFulfillmentOrderItemId": "1", "quantity": 3}],
    }
    assert amazon.call("POST", "/fba/outbound/2020-07-01/fulfillmentOrders", body=body).status == 200
    assert counted() == (total, fulfillable - 3, reserved + 3)
    amazon.world.advance(2 * 86_400)
    assert counted() == (total - 3, fulfillable - 3, reserved), "it was sent, though nobody looked at the order"


def test_orders_that_amazon_ships_are_of_what_it_has_and_the_others_are_not(amazon: Local) -> None:
    skus = {one.sku for one in stocked(amazon)}
    orders = amazon.world.account(SELLER).orders.values()
    assert {line.sku for order in orders if order.channel == "AFN" for line in order.items} <= skus
    assert not {line.sku for order in orders if order.channel == "MFN" for line in order.items} & skus


def test_what_the_account_has_to_send_itself_is_not_reserved(amazon: Local) -> None:
    waiting = next(
        line.sku
        for order in amazon.world.account(SELLER).orders.values()
        if (order.channel, order.status, order.marketplace.id) == ("MFN", "Unshipped", US)
        for line in order.items
    )
    patches = [
        {
            "op": "replace",
            "path": "/attributes/fulfillment_availability",
            "value": [{"fulfillment_channel_code": "AMAZON_NA"}],
        }
    ]
    path = f"/listings/2021-08-01/items/{SELLER}/{waiting}"
    amazon.good("PATCH", path, body={"productType": "PRODUCT", "patches": patches}, marketplaceIds=US)
    assert summaries(amazon, sellerSku=waiting)[waiting]["totalQuantity"] == 0


def test_skus_are_asked_for_by_name(amazon: Local) -> None:
    first, second, third = stocked(amazon)[:3]
    assert list(summaries(amazon, sellerSku=second.sku)) == [second.sku]
    assert list(summaries(amazon, sellerSkus=f"{third.sku},{first.sku},nowhere")) == [first.sku, third.sku]
    assert list(summaries(amazon, sellerSkus=first.sku, sellerSku=second.sku)) == [first.sku]
    by_seller = next(one for one in amazon.world.account(SELLER).products if one.channel == "MFN")
    assert summaries(amazon, sellerSku=by_seller.sku) == {}


def test_changes_since_a_moment_are_those_of_stock_and_orders(amazon: Local) -> None:
    product = stocked(amazon)[4]
    since = {"startDateTime": "2026-09-21T14:13:20Z", "sellerSku": "passed over"}
    assert summaries(amazon, **since) == {}
    assert add(amazon, product.sku, 1).status == 200
    assert list(summaries(amazon, **since)) == [product.sku]
    assert summaries(amazon)[product.sku]["lastUpdatedTime"] == "2026-09-21T14:13:20Z"
    newest = max(
        (
            order
            for order in amazon.world.account(SELLER).orders.values()
            if order.channel == "AFN" and order.marketplace.id == US
        ),
        key=lambda order: order.updated,
    )
    changed = summaries(amazon, startDateTime="2026-09-20T00:00:00Z")
    assert newest.items[0].sku in changed
    assert len(changed) < len(summaries(amazon))


def test_stock_comes_in_pages_whose_token_lives_half_a_minute(amazon: Local) -> None:
    for number in range(40):
        assert create(amazon, f"MORE-{number:02d}").status == 200
    first = ask(amazon)
    assert len(first["payload"]["inventorySummaries"]) == 50
    token = first["pagination"]["nextToken"]
    second = ask(amazon, nextToken=token)
    assert len(second["payload"]["inventorySummaries"]) == 14
    assert "pagination" not in second
    skus = [one["sellerSku"] for page in (first, second) for one in page["payload"]["inventorySummaries"]]
    assert skus == sorted(set(skus))
    path = "/fba/inventory/v1/summaries"
    given = {"granularityType": "Marketplace", "granularityId": US, "marketplaceIds": US, "nextToken": token}
    details = "nextToken was given with other values of: details"
    assert amazon.call("GET", path, **given).error == (400, "InvalidInput", details)
    amazon.world.advance(30)
    answer = amazon.call("GET", path, **given, details="true")
    assert answer.error == (400, "InvalidInput", "nextToken has expired")


def test_a_network_of_warehouses_is_shared_within_the_european_union_only(amazon: Local) -> None:
    def pieces(token: str | None, shop: str) -> list[int]:
        return [one["inventoryDetails"]["fulfillableQuantity"] for one in summaries(amazon, token, shop).values()]

    europe = amazon.token("Atzr|local-seller-eu")
    assert pieces(europe, DE) == pieces(europe, FR)
    assert pieces(europe, DE) != pieces(europe, GB)
    assert pieces(None, US) != pieces(None, CA)


@pytest.mark.parametrize(
    "query",
    [
        {"granularityType": "Country"},
        {"granularityId": "x"},
        {"marketplaceIds": f"{US},{CA}"},
        {"sellerSkus": ",".join(f"A{number}" for number in range(51))},
        {"startDateTime": "2025-01-01T00:00:00Z"},
        {"startDateTime": "yesterday"},
        {"nextToken": "x"},
    ],
)
def test_what_makes_no_sense_is_refused(amazon: Local, query: dict[str, str]) -> None:
    given = {"granularityType": "Marketplace", "granularityId": US, "marketplaceIds": US, **query}
    assert amazon.call("GET", "/fba/inventory/v1/summaries", **given).error[:2] == (400, "InvalidInput")


def test_accounts_are_apart(amazon: Local) -> None:
    assert summaries(amazon, amazon.token("Atzr|local-vendor-na")) == {}
    sku = stocked(amazon)[0].sku
    body = {"sellerSku": sku, "marketplaceId": DE, "productName": "x"}
    assert amazon.call("POST", ITEMS, body=body).status == 403
    assert amazon.call("DELETE", f"{ITEMS}/{sku}", amazon.token("Atzr|local-vendor-na"), marketplaceId=US).status == 404


# --- the sandbox's own ------------------------------------------------------------------------------------------------


def test_an_item_is_made_filled_and_deleted(amazon: Local) -> None:
    body = {"sellerSku": "NEW/1", "marketplaceId": US, "productName": "A new one"}
    assert amazon.good("POST", ITEMS, body=body) == {}
    made = summaries(amazon, sellerSku="NEW/1")["NEW/1"]
    assert (made["productName"], made["totalQuantity"], "asin" in made) == ("A new one", 0, False)
    assert amazon.call("POST", ITEMS, body=body).error[:2] == (400, "InvalidInput")
    assert add(amazon, "NEW/1", 12).json == {}
    assert add(amazon, "NEW/1", 12).status == 200, "the same token adds nothing more"
    assert summaries(amazon, sellerSku="NEW/1")["NEW/1"]["totalQuantity"] == 12
    assert add(amazon, "NEW/1", 3, "once-2").status == 200
    assert summaries(amazon, sellerSku="NEW/1")["NEW/1"]["inventoryDetails"]["fulfillableQuantity"] == 15
    assert "NEW/1" not in summaries(amazon, shop=CA)
    assert amazon.good("DELETE", f"{ITEMS}/NEW%2F1", marketplaceId=US) == {}
    assert "NEW/1" not in summaries(amazon)
    assert amazon.call("DELETE", f"{ITEMS}/NEW%2F1", marketplaceId=US).error[:2] == (404, "NotFound")
    assert add(amazon, "NEW/1", 1, "once-3").status == 404
    assert amazon.good("POST", ITEMS, body=body) == {}
    assert summaries(amazon, sellerSku="NEW/1")["NEW/1"]["totalQuantity"] == 0
    assert add(amazon, stocked(amazon)[0].sku, -1, "once-4").error[:2] == (400, "InvalidInput")


def test_what_is_out_of_stock_cannot_be_bought_until_there_is_some(amazon: Local) -> None:
    product = stocked(amazon)[0]
    listing = f"/listings/2021-08-01/items/{SELLER}/{product.sku}"

    def status() -> Any:
        return amazon.good("GET", listing, marketplaceIds=US)["summaries"][0]["status"]

    amazon.world.shelf.stock(SELLER, amazon.world.account(SELLER).marketplaces[0], product.sku).fulfillable = 0
    assert status() == ["DISCOVERABLE"]
    assert add(amazon, product.sku, 1).status == 200
    assert status() == ["BUYABLE", "DISCOVERABLE"]


# --- reports ----------------------------------------------------------------------------------------------------------


def test_the_inventory_reports_agree_with_the_summaries(amazon: Local) -> None:
    add(amazon, stocked(amazon)[2].sku, 5)
    managed, known = rows(amazon, "GET_FBA_MYI_UNSUPPRESSED_INVENTORY_DATA"), summaries(amazon)
    assert list(managed) == list(known)
    for sku, row in managed.items():
        details = known[sku]["inventoryDetails"]
        assert int(row["afn-fulfillable-quantity"]) == details["fulfillableQuantity"]
        assert int(row["afn-reserved-quantity"]) == details["reservedQuantity"]["totalReservedQuantity"]
        assert int(row["afn-unsellable-quantity"]) == details["unfulfillableQuantity"]["totalUnfulfillableQuantity"]
        assert int(row["afn-inbound-shipped-quantity"]) == details["inboundShippedQuantity"]
        assert int(row["afn-total-quantity"]) == known[sku]["totalQuantity"]
        assert (row["fnsku"], row["asin"], row["condition"]) == (known[sku]["fnSku"], known[sku]["asin"], "New")
    product = stocked(amazon)[2]
    assert managed[product.sku]["your-price"] == str(product.dollars)


def test_the_report_of_what_amazon_has_says_what_can_be_sold(amazon: Local) -> None:
    report = amazon.report("GET_AFN_INVENTORY_DATA")
    url = amazon.call("GET", f"/reports/2021-06-30/documents/{report['reportDocumentId']}").json["url"]
    lines = [line.split("\t") for line in amazon.fetch(url).body.decode().splitlines()]
    known = summaries(amazon)
    sold = {line[0]: int(line[5]) for line in lines if line[4] == "SELLABLE"}
    assert sold == {sku: one["inventoryDetails"]["fulfillableQuantity"] for sku, one in known.items()}
    assert len(lines) == 1 + 2 * len(known)
