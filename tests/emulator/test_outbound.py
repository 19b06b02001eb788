from typing import Any

import pytest

from sellerport import catalog

from .conftest import NOW, Local, Reply
from .test_orders import MX, US, fits, iso

OLD, NEW = "fulfillment_outbound_2020_07_01", "fulfillment_outbound_2026_07_04"
ROOT, ROOT_2026 = "/fba/outbound/2020-07-01", "/fulfillment/outbound/2026-07-04"
ADDRESS = {
    "name": "Wren Halloway",
    "addressLine1": "77 Larkspur Ave",
    "city": "Eastbrook",
    "stateOrRegion": "OH",
    "postalCode": "43099",
    "countryCode": "US",
}


def call(amazon: Local, method: str, path: str, body: Any = None, token: str | None = None, **query: str) -> Reply:
    """Call an operation, whose answer has to fit its schema."""
    answer = amazon.call(method, path, token, body, **query)
    found = catalog.match(method, path)
    assert found is not None
    schema = catalog.schemas(found[0].api).of(found[0]).responses.get(str(answer.status))
    if answer.status < 300 and answer.status != 204:
        assert schema is not None
        fits(answer, found[0].api, schema)
    return answer


def skus(amazon: Local, *, least: int = 10) -> list[str]:
    """SKUs of which Amazon has some."""
    world = amazon.world
    account = world.account("ALOCALSELLERNA")
    found = [one.sku for one in account.products if one.channel == "AFN"]
    return [
        sku
        for sku in found
        if world.shelf.stock(account.selling_partner_id, account.marketplaces[0], sku).fulfillable >= least
    ]


def stock(amazon: Local, sku: str) -> int:
    query = {"granularityType": "Marketplace", "granularityId": US, "marketplaceIds": US, "details": "true"}
    answer = amazon.call("GET", "/fba/inventory/v1/summaries", sellerSkus=sku, **query)
    return int(answer.json["payload"]["inventorySummaries"][0]["inventoryDetails"]["fulfillableQuantity"])


def create(amazon: Local, lines: list[tuple[str, int]], id: str = "ORDER-1", **more: Any) -> Reply:
    body = {
        "sellerFulfillmentOrderId": id,
        "displayableOrderId": f"WEB-{id}",
        "displayableOrderDate": iso(NOW - 60),
        "displayableOrderComment": "Thank you",
        "shippingSpeedCategory": "Standard",
        "destinationAddress": ADDRESS,
        "items": [
            {"sellerSku": sku, "quantity": quantity, "sellerFulfillmentOrderItemId": f"line-{place}"}
            for place, (sku, quantity) in enumerate(lines, start=1)
        ],
        **more,
    }
    return call(amazon, "POST", f"{ROOT}/fulfillmentOrders", body)


def create_2026(amazon: Local, lines: list[tuple[str, str]], id: str = "ORDER-2", **more: Any) -> Reply:
    body = {
        "orderId": id,
        "destination": {"deliveryAddress": ADDRESS},
        "lineItems": [
            {
                "lineItemId": f"line-{place}",
                "product": {"productIdentifier": {"amazonSku": sku}},
                "amount": {"unit": "EACHES", "value": quantity},
            }
            for place, (sku, quantity) in enumerate(lines, start=1)
        ],
        **more,
    }
    return call(amazon, "POST", f"{ROOT_2026}/orders", body)


def old(amazon: Local, id: str = "ORDER-1") -> Any:
    answer = call(amazon, "GET", f"{ROOT}/fulfillmentOrders/{id}")
    assert answer.status == 200, answer.body
    return answer.json["payload"]


def new(amazon: Local, id: str = "ORDER-1", **query: str) -> Any:
    answer = call(amazon, "GET", f"{ROOT_2026}/orders/{id}", **query)
    assert answer.status == 200, answer.body
    return answer.json["order"]


def submit(amazon: Local, status: str, id: str = "ORDER-1") -> Reply:
    body = {"fulfillmentOrderStatus": status}
    return call(amazon, "PUT", f"{ROOT}/fulfillmentOrders/{id}/status", body)


def test_both_versions_show_the_same_order(amazon: Local) -> None:
    one, two = skus(amazon)[:2]
    before = stock(amazon, one)
    assert create(amazon, [(one, 3), (two, 1)]).json == {}
    shown, other = old(amazon), new(amazon)
    order = shown["fulfillmentOrder"]
    assert (order["sellerFulfillmentOrderId"], order["displayableOrderId"]) == ("ORDER-1", "WEB-ORDER-1")
    assert (order["fulfillmentOrderStatus"], other["status"]) == ("Received", "PROCESSING")
    assert order["destinationAddress"] == other["destination"]["deliveryAddress"] == ADDRESS
    assert [(line["sellerSku"], line["quantity"]) for line in shown["fulfillmentOrderItems"]] == [(one, 3), (two, 1)]
    assert [line["amount"]["value"] for line in other["lineItems"]] == ["3", "1"]
    assert stock(amazon, one) == before - 3

    made = create_2026(amazon, [(one, "2")], fulfillmentConfiguration={"serviceLevel": {"serviceTiers": ["EXPEDITED"]}})
    assert made.json["order"] == new(amazon, "ORDER-2")
    assert old(amazon, "ORDER-2")["fulfillmentOrder"]["shippingSpeedCategory"] == "Expedited"
    assert stock(amazon, one) == before - 5


def test_an_order_goes_on_by_the_clock_until_it_is_delivered(amazon: Local) -> None:
    sku = skus(amazon)[0]
    create(amazon, [(sku, 2)])
    seen = []
    for seconds in (0, 600, 3600, 86_400):
        amazon.world.advance(seconds)
        seen.append(old(amazon)["fulfillmentOrder"]["fulfillmentOrderStatus"])
    assert seen == ["Received", "Planning", "Processing", "Complete"]
    assert old(amazon)["fulfillmentOrder"]["statusUpdatedDate"] == iso(NOW + 600 + 3600 + 86_400)
    (shipment,) = old(amazon)["fulfillmentShipments"]
    assert shipment["fulfillmentShipmentStatus"] == "SHIPPED"
    number = shipment["fulfillmentShipmentPackage"][0]["packageNumber"]
    (same,) = new(amazon)["shipments"]
    assert (same["status"], same["packages"][0]["packageId"]) == ("SHIPPED", str(number))
    tracking = call(amazon, "GET", f"{ROOT}/tracking", packageNumber=str(number)).json["payload"]
    assert (tracking["currentStatus"], tracking["shipToAddress"]["city"]) == ("IN_TRANSIT", "Eastbrook")
    amazon.world.advance(5 * 86_400)
    tracking = call(amazon, "GET", f"{ROOT}/tracking", packageNumber=str(number)).json["payload"]
    assert tracking["currentStatus"] == "DELIVERED"
    assert tracking["trackingEvents"][-1]["eventCode"] == "EVENT_301"
    assert new(amazon)["shipments"][0]["packages"][0]["status"] == "DELIVERED"
    assert "shipments" not in new(amazon, shipments="EXCLUDE")
    assert call(amazon, "GET", f"{ROOT}/tracking", packageNumber="1").status == 404


def test_the_sandbox_moves_an_order_at_once_and_only_forward(amazon: Local) -> None:
    create(amazon, [(skus(amazon)[0], 2)])
    assert submit(amazon, "Processing").status == 200
    (shipment,) = old(amazon)["fulfillmentShipments"]
    assert (shipment["fulfillmentShipmentStatus"], "fulfillmentShipmentPackage" in shipment) == ("PENDING", False)
    assert new(amazon)["shipments"][0]["status"] == "PROCESSING"
    assert submit(amazon, "Received").status == 400
    done = call(amazon, "PUT", f"{ROOT_2026}/orders/ORDER-1/status", {"status": "COMPLETE"})
    assert done.status == 204
    assert old(amazon)["fulfillmentOrder"]["fulfillmentOrderStatus"] == "Complete"
    assert len(old(amazon)["fulfillmentShipments"]) == 1
    assert submit(amazon, "Cancelled").status == 400
    assert call(amazon, "PUT", f"{ROOT_2026}/orders/ORDER-1/status", {"status": "GONE"}).status == 400


@pytest.mark.parametrize(
    ("status", "counts"),
    [
        ("CompletePartialled", (0, 1, 2)),
        ("Unfulfillable", (0, 3, 0)),
        ("Invalid", (0, 3, 0)),
        ("Cancelled", (3, 0, 0)),
    ],
)
def test_every_piece_is_sent_cancelled_or_cannot_be_and_stock_comes_back(
    amazon: Local, status: str, counts: tuple[int, int, int]
) -> None:
    sku = skus(amazon)[0]
    before = stock(amazon, sku)
    create(amazon, [(sku, 3)])
    submit(amazon, "Processing")
    assert submit(amazon, status).status == 200
    shown = old(amazon)
    (line,) = shown["fulfillmentOrderItems"]
    shipments = shown["fulfillmentShipments"]
    sent = sum(one["quantity"] for each in shipments for one in each["fulfillmentShipmentItem"]) if counts[2] else 0
    assert (line["cancelledQuantity"], line["unfulfillableQuantity"], sent) == counts
    assert stock(amazon, sku) == before - sent
    if not sent:
        assert shipments[0]["fulfillmentShipmentStatus"].startswith("CANCELLED_BY_")


def test_an_order_is_cancelled_as_long_as_it_is_not_processed(amazon: Local) -> None:
    sku = skus(amazon)[0]
    before = stock(amazon, sku)
    create(amazon, [(sku, 3)])
    assert call(amazon, "PUT", f"{ROOT}/fulfillmentOrders/ORDER-1/cancel").json == {}
    assert (old(amazon)["fulfillmentOrder"]["fulfillmentOrderStatus"], stock(amazon, sku)) == ("Cancelled", before)
    assert call(amazon, "PUT", f"{ROOT_2026}/orders/ORDER-1/cancel").status == 400
    create_2026(amazon, [(sku, "1")])
    assert call(amazon, "PUT", f"{ROOT_2026}/orders/ORDER-2/cancel").status == 202
    assert new(amazon, "ORDER-2")["status"] == "CANCELLED"
    create(amazon, [(sku, 1)], "ORDER-3")
    amazon.world.advance(3600 + 600)
    assert call(amazon, "PUT", f"{ROOT}/fulfillmentOrders/ORDER-3/cancel").status == 400


def test_an_order_on_hold_waits_until_it_is_let_go(amazon: Local) -> None:
    sku = skus(amazon)[0]
    create(amazon, [(sku, 1)], fulfillmentAction="Hold")
    create_2026(amazon, [(sku, "1")], fulfillmentConfiguration={"action": "HOLD"})
    amazon.world.advance(7 * 86_400)
    assert old(amazon)["fulfillmentOrder"]["fulfillmentOrderStatus"] == "Received"
    assert call(amazon, "PUT", f"{ROOT}/fulfillmentOrders/ORDER-1", {"fulfillmentAction": "Ship"}).json == {}
    body = {"fulfillmentConfiguration": {"action": "SHIP"}}
    assert call(amazon, "PUT", f"{ROOT_2026}/orders/ORDER-2", body).status == 202
    assert old(amazon, "ORDER-2")["fulfillmentOrder"]["fulfillmentAction"] == "Ship"
    assert old(amazon)["fulfillmentOrder"]["fulfillmentOrderStatus"] == "Received"
    amazon.world.advance(600)
    assert old(amazon)["fulfillmentOrder"]["fulfillmentOrderStatus"] == "Planning"


def test_an_order_is_changed_and_so_is_what_is_reserved(amazon: Local) -> None:
    sku = skus(amazon)[0]
    before = stock(amazon, sku)
    create(amazon, [(sku, 3)])
    items = [{"sellerFulfillmentOrderItemId": "line-1", "quantity": 1}]
    body = {"items": items, "destinationAddress": {**ADDRESS, "city": "Fairmeadow"}, "displayableOrderComment": "New"}
    path = f"{ROOT}/fulfillmentOrders/ORDER-1"
    assert call(amazon, "PUT", path, body).status == 200
    assert stock(amazon, sku) == before - 1
    order = old(amazon)["fulfillmentOrder"]
    assert (order["destinationAddress"]["city"], order["displayableOrderComment"]) == ("Fairmeadow", "New")
    unknown = [{"sellerFulfillmentOrderItemId": "line-9", "quantity": 1}]
    assert call(amazon, "PUT", path, {"items": unknown}).status == 400
    submit(amazon, "Processing")
    assert call(amazon, "PUT", path, body).status == 400


@pytest.mark.parametrize(
    ("policy", "status", "reserved"), [("FillOrKill", "Unfulfillable", 0), ("FillAllAvailable", "Received", None)]
)
def test_what_is_short_is_not_sent(amazon: Local, policy: str, status: str, reserved: int | None) -> None:
    sku = skus(amazon)[0]
    before = stock(amazon, sku)
    create(amazon, [(sku, before + 2)], fulfillmentPolicy=policy)
    assert old(amazon)["fulfillmentOrder"]["fulfillmentOrderStatus"] == status
    (line,) = old(amazon)["fulfillmentOrderItems"]
    assert line["unfulfillableQuantity"] == (2 if reserved is None else before + 2)
    assert stock(amazon, sku) == (0 if reserved is None else before)


def test_what_cannot_be_ordered_is_refused(amazon: Local) -> None:
    sku = skus(amazon)[0]
    own = next(one.sku for one in amazon.world.account("ALOCALSELLERNA").products if one.channel == "MFN")
    assert create(amazon, [(sku, 1)]).status == 200
    answers = [
        create(amazon, [(sku, 1)]),
        create_2026(amazon, [(sku, "1")], "ORDER-1"),
        create(amazon, [("NOBODY", 1)], "A"),
        create(amazon, [(own, 1)], "B"),
        create(amazon, [(sku, 0)], "C"),
        create(amazon, [], "D"),
        create(amazon, [(sku, 1)], "E", shippingSpeedCategory="ScheduledDelivery"),
        create_2026(amazon, [(sku, "1.5")], "F"),
        create_2026(amazon, [(sku, "1")], "G", fulfillmentConfiguration={"action": "WAIT"}),
        create_2026(amazon, [(sku, "1")], "H", origin={"countryCode": "DE"}),
        submit(amazon, "New"),
    ]
    assert [one.error[:2] for one in answers] == [(400, "InvalidInput")] * len(answers)
    said = answers[2].json["errors"][0]["message"]
    assert said == "the SellerSKU for Item Id: line-1 is invalid.", "as at Amazon, amzn/selling-partner-api-docs #2407"
    assert len(amazon.world.outbound.orders) == 1
    eu = amazon.token("Atzr|local-seller-eu")
    assert call(amazon, "GET", f"{ROOT}/fulfillmentOrders/ORDER-1", token=eu).error[:2] == (404, "NotFound")
    assert call(amazon, "GET", f"{ROOT_2026}/orders/ORDER-1", token=eu).status == 404


def test_orders_are_listed_by_when_they_changed_in_pages(amazon: Local) -> None:
    sku = skus(amazon, least=60)[0]
    for place in range(52):
        create(amazon, [(sku, 1)], f"ORDER-{place}")
    first = call(amazon, "GET", f"{ROOT}/fulfillmentOrders").json["payload"]
    second = call(amazon, "GET", f"{ROOT}/fulfillmentOrders", nextToken=first["nextToken"]).json["payload"]
    found = [one["sellerFulfillmentOrderId"] for page in (first, second) for one in page["fulfillmentOrders"]]
    assert (len(first["fulfillmentOrders"]), len(set(found)), "nextToken" in second) == (50, 52, False)
    later = call(amazon, "GET", f"{ROOT_2026}/orders", updatedAfter=iso(NOW - 9)).json
    assert len(later["orders"]) == 50
    token = later["pagination"]["nextToken"]
    rest = call(amazon, "GET", f"{ROOT_2026}/orders", updatedAfter=iso(NOW - 9), pageToken=token).json
    assert len(rest["orders"]) == 2
    assert call(amazon, "GET", f"{ROOT_2026}/orders", pageToken=token).status == 400
    assert call(amazon, "GET", f"{ROOT_2026}/orders", updatedAfter=iso(NOW + 9)).json["orders"] == []


def test_previews_say_what_can_be_sent_and_for_how_much(amazon: Local) -> None:
    sku = skus(amazon)[0]
    items = [{"sellerSku": sku, "quantity": 2, "sellerFulfillmentOrderItemId": "1"}]
    body = {
        "address": ADDRESS,
        "items": items,
        "shippingSpeedCategories": ["Standard", "Expedited", "ScheduledDelivery"],
    }
    path = f"{ROOT}/fulfillmentOrders/preview"
    previews = call(amazon, "POST", path, body).json["payload"]["fulfillmentPreviews"]
    assert [one["isFulfillable"] for one in previews] == [True, True, False]
    assert previews[0]["estimatedFees"][0]["amount"] == {"currencyCode": "USD", "value": "13.98"}
    items[0]["quantity"] = stock(amazon, sku) + 1
    (preview, *_) = call(amazon, "POST", path, body).json["payload"]["fulfillmentPreviews"]
    assert (preview["isFulfillable"], preview["orderUnfulfillableReasons"]) == (False, ["InventoryUnavailable"])
    assert preview["unfulfillablePreviewItems"][0]["sellerSku"] == sku
    body["marketplaceId"] = MX
    assert call(amazon, "POST", path, {**body, "items": [{**items[0], "sellerSku": "NOBODY"}]}).status == 400

    def preview_2026(quantity: int, **more: Any) -> Any:
        line = {"product": {"productIdentifier": {"amazonSku": sku}}, "amount": {"value": str(quantity)}}
        asked = {"destination": {"deliveryAddress": ADDRESS}, "lineItems": [line], **more}
        return call(amazon, "POST", f"{ROOT_2026}/previews", asked).json

    (shipment,) = preview_2026(2)["plannedShipments"]
    assert shipment["offers"][0]["estimatedPrice"]["totalPrice"] == {"currencyCode": "USD", "amount": "13.98"}
    assert "estimatedPrice" not in preview_2026(2, excludeEstimatedFees=True)["plannedShipments"][0]["offers"][0]
    lacking = preview_2026(stock(amazon, sku) + 1)
    assert (lacking["plannedShipments"], lacking["constraints"][0]["code"]) == ([], "INVENTORY_UNAVAILABLE")


def test_the_sandbox_says_where_a_package_is(amazon: Local) -> None:
    create(amazon, [(skus(amazon)[0], 1)])
    submit(amazon, "Complete")
    (package,) = new(amazon)["shipments"][0]["packages"]
    path = f"{ROOT_2026}/orders/ORDER-1/packages"
    assert call(amazon, "PUT", f"{path}/{package['packageId']}", {"status": "DELAYED"}).status == 204
    assert new(amazon)["shipments"][0]["packages"][0]["status"] == "DELAYED"
    number = package["packageId"]
    assert call(amazon, "GET", f"{ROOT}/tracking", packageNumber=number).json["payload"]["currentStatus"] == "DELAYED"
    assert call(amazon, "PUT", f"{path}/1", {"status": "DELAYED"}).status == 404
    assert call(amazon, "PUT", f"{path}/{number}", {"status": "LOST"}).status == 400


def test_what_was_sent_can_be_returned_once(amazon: Local) -> None:
    sku = skus(amazon)[0]
    create(amazon, [(sku, 1)])
    path = f"{ROOT}/fulfillmentOrders/ORDER-1/return"
    codes = call(amazon, "GET", f"{ROOT}/returnReasonCodes", sellerSku=sku).json["payload"]["reasonCodeDetails"]
    item = {
        "sellerReturnItemId": "r1",
        "sellerFulfillmentOrderItemId": "line-1",
        "amazonShipmentId": "D1",
        "returnReasonCode": codes[0]["returnReasonCode"],
    }

    def back(**more: str) -> Any:
        return call(amazon, "PUT", path, {"items": [{**item, **more}]}).json["payload"]

    def why(payload: Any) -> str:
        return str(payload["invalidReturnItems"][0]["invalidItemReason"]["invalidItemReasonCode"])

    assert why(back()) == "NoCompletedShipItems"
    submit(amazon, "Complete")
    item["amazonShipmentId"] = old(amazon)["fulfillmentShipments"][0]["amazonShipmentId"]
    assert why(back(returnReasonCode="NOTHING")) == "InvalidValues"
    taken = back()
    assert old(amazon)["returnItems"] == taken["returnItems"]
    assert old(amazon)["returnAuthorizations"] == taken["returnAuthorizations"]
    authorization = taken["returnAuthorizations"][0]["returnAuthorizationId"]
    assert taken["returnItems"][0]["returnAuthorizationId"] == authorization
    assert why(back()) == "DuplicateRequest"
    assert why(back(sellerReturnItemId="r2")) == "NoReturnableQuantity"
    assert call(amazon, "GET", f"{ROOT}/returnReasonCodes", sellerSku="NOBODY").status == 400
