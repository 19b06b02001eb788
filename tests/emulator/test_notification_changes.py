"""What becomes of the shop is told: offers, listings, items, stock, and orders from elsewhere."""

import json
from typing import Any

import pytest

from sellerport.notifications import Notification, parse

from .conftest import Local
from .subscriber import CA, US, bus, destination, made, subscribe, told

SELLER, PLACE = "ALOCALSELLERNA", "/listings/2021-08-01/items"


@pytest.fixture
def hear(amazon: Local, queues: Any) -> Any:
    """Subscribe to a type; what comes back returns everything that was told since."""
    places: dict[str, str] = {}

    def subscribed(type: str, version: str = "1.0", **more: Any) -> Any:
        by_bus = type.startswith(("LISTINGS", "ITEM_PRODUCT", "BRANDED", "PRODUCT_TYPE"))
        name = "events" if by_bus else "orders"
        if name not in places:
            places[name] = made(bus(amazon) if by_bus else destination(amazon))["destinationId"]
        made(subscribe(amazon, type, places[name], version, **more))

        def heard() -> list[Notification]:
            return [one for one in map(parse, told(amazon, queues, name)) if one.type == type]

        return heard

    return subscribed


def patch(amazon: Local, sku: str, name: str, value: Any, seller: str = SELLER, token: str | None = None) -> None:
    patches = [{"op": "replace", "path": f"/attributes/{name}", "value": value}]
    body = {"productType": "PRODUCT", "patches": patches}
    answer = amazon.call("PATCH", f"{PLACE}/{seller}/{sku}", token, body, marketplaceIds=US)
    assert answer.json["status"] == "ACCEPTED", answer.body


def asking(price: float, **more: Any) -> list[dict[str, Any]]:
    our_price = [{"schedule": [{"value_with_tax": price}]}]
    return [{"currency": "USD", "our_price": our_price, "marketplace_id": US, **more}]


def product(amazon: Local, channel: str = "AFN") -> Any:
    return next(one for one in amazon.world.account(SELLER).products if one.channel == channel)


def test_a_new_price_is_told_to_everyone_who_sells_the_item(amazon: Local, queues: Any, hear: Any) -> None:
    heard, sku = hear("ANY_OFFER_CHANGED"), product(amazon).sku
    rival = amazon.world.add_account(("US",), selling_partner_id="ARIVAL", orders=0).selling_partner_id
    token = amazon.token(amazon.world.grant(rival).refresh_token)
    place = made(subscribe(amazon, "ANY_OFFER_CHANGED", _queue(amazon), token=token))["subscriptionId"]
    patch(amazon, sku, "purchasable_offer", asking(5.55))
    (only,) = heard()
    assert (only.problems(), only.metadata.subscription_id == place) == ([], False)
    said = only.payload["AnyOfferChangedNotification"]
    asin = product(amazon).asin
    assert said["SellerId"] == SELLER
    assert said["OfferChangeTrigger"] | {"TimeOfOfferChange": ""} == {
        "MarketplaceId": US,
        "ASIN": asin,
        "ItemCondition": "new",
        "TimeOfOfferChange": "",
        "OfferChangeType": "Internal",
    }
    asked = {"MarketplaceId": US, "ItemCondition": "New"}
    offers = amazon.good("GET", f"/products/pricing/v0/items/{asin}/offers", **asked)["payload"]["Offers"]
    assert [(one["SellerId"], one["ListingPrice"]["Amount"]) for one in said["Offers"]] == [
        (one["SellerId"], one["ListingPrice"]["Amount"]) for one in offers
    ]
    assert (SELLER, 5.55) in [(one["SellerId"], one["ListingPrice"]["Amount"]) for one in said["Offers"]]
    attributes = {
        "condition_type": [{"value": "new_new", "marketplace_id": US}],
        "merchant_suggested_asin": [{"value": asin, "marketplace_id": US}],
        "purchasable_offer": asking(4.44),
        "fulfillment_availability": [{"fulfillment_channel_code": "DEFAULT", "quantity": 3}],
    }
    body = {"productType": "PRODUCT", "requirements": "LISTING_OFFER_ONLY", "attributes": attributes}
    answer = amazon.call("PUT", f"{PLACE}/ARIVAL/RIVAL-1", token, body, marketplaceIds=US)
    assert answer.json["status"] == "ACCEPTED", answer.body
    both = heard()
    assert sorted(one.payload["AnyOfferChangedNotification"]["SellerId"] for one in both) == [SELLER, "ARIVAL"]
    assert all(("ARIVAL", 4.44) in _asked(one) for one in both)
    amazon.call("DELETE", f"{PLACE}/ARIVAL/RIVAL-1", token, marketplaceIds=US)
    (left,) = heard()
    assert "ARIVAL" not in [seller for seller, _ in _asked(left)]
    assert left.problems() == []


def _queue(amazon: Local) -> str:
    (one,) = made(amazon.call("GET", "/notifications/v1/destinations", amazon.grantless()))
    return str(one["destinationId"])


def _asked(one: Notification) -> list[tuple[str, float]]:
    offers = one.payload["AnyOfferChangedNotification"]["Offers"]
    return [(each["SellerId"], each["ListingPrice"]["Amount"]) for each in offers]


def test_a_price_for_businesses_is_told_apart_from_the_one_for_all(amazon: Local, hear: Any) -> None:
    all_heard, business_heard = hear("ANY_OFFER_CHANGED"), hear("B2B_ANY_OFFER_CHANGED")
    sku = next(
        one.sku
        for one in amazon.world.shelf.listings(SELLER, [US])
        if len(one.attributes.get("purchasable_offer", ())) == 1 and amazon.world.shelf.buyable(one)
    )
    offers = amazon.call("GET", f"{PLACE}/{SELLER}/{sku}", marketplaceIds=US, includedData="attributes").json
    kept = offers["attributes"]["purchasable_offer"]
    patch(amazon, sku, "purchasable_offer", [*kept, *asking(3.33, audience="B2B")])
    messages = [*business_heard(), *all_heard()]
    (told_businesses,) = messages
    assert told_businesses.problems() == []
    said = told_businesses.payload["B2BAnyOfferChangedNotification"]
    assert 3.33 in [one["ListingPrice"]["Amount"] for one in said["Offers"]]
    assert "B2B" in [one["OfferType"] for one in said["Summary"]["LowestPrices"]]


def test_what_changes_no_offer_is_not_told_as_one(amazon: Local, hear: Any) -> None:
    heard, sku = hear("ANY_OFFER_CHANGED"), product(amazon).sku
    patch(amazon, sku, "item_name", [{"value": "Another name", "language_tag": "en_US", "marketplace_id": US}])
    assert heard() == []


def test_another_quantity_is_told_and_so_is_that_there_is_none(amazon: Local, hear: Any) -> None:
    quantities, statuses = hear("LISTINGS_ITEM_MFN_QUANTITY_CHANGE"), hear("LISTINGS_ITEM_STATUS_CHANGE")
    sku = product(amazon, "MFN").sku
    for quantity in (7, 7, 0):
        patch(amazon, sku, "fulfillment_availability", [{"fulfillment_channel_code": "DEFAULT", "quantity": quantity}])
    found = quantities()
    assert [one.problems() for one in found] == [[], []]
    assert [(one.payload["Sku"], one.payload["Quantity"]) for one in found] == [(sku, 7), (sku, 0)]
    assert statuses() == []  # they were read with the quantities


def test_another_title_is_told_to_whom_the_item_is_from(amazon: Local, hear: Any) -> None:
    heard, one = hear("BRANDED_ITEM_CONTENT_CHANGE"), product(amazon)
    patch(amazon, one.sku, "item_name", [{"value": "Another", "language_tag": "en_US", "marketplace_id": US}])
    (told_once,) = heard()
    assert told_once.problems() == []
    assert told_once.payload["AttributesChanged"] == ["item_name"]
    assert (told_once.payload["Asin"], told_once.payload["BrandName"]) == (one.asin, one.brand)


def test_another_product_type_of_an_item_is_told(amazon: Local, hear: Any) -> None:
    heard, one = hear("ITEM_PRODUCT_TYPE_CHANGE"), product(amazon)
    before = amazon.call(
        "GET", f"{PLACE}/{SELLER}/{one.sku}", marketplaceIds=US, includedData="attributes,productTypes"
    )
    attributes, kind = before.json["attributes"], before.json["productTypes"][0]["productType"]
    body = {"productType": "PRODUCT", "requirements": "LISTING", "attributes": attributes}
    answer = amazon.call("PUT", f"{PLACE}/{SELLER}/{one.sku}", body=body, marketplaceIds=US)
    assert answer.json["status"] == "ACCEPTED", answer.body
    (message,) = heard()
    assert message.problems() == []
    said = {"MarketplaceId": US, "Asin": one.asin, "PreviousProductType": kind, "CurrentProductType": "PRODUCT"}
    assert message.payload == said


def test_a_product_type_that_is_defined_is_told_in_every_marketplace(amazon: Local, hear: Any) -> None:
    heard = hear("PRODUCT_TYPE_DEFINITIONS_CHANGE")
    for _ in range(2):
        amazon.control("POST", "definitions", {"name": "TEAPOT", "schema": {"type": "object"}})
    messages = heard()
    assert len(messages) == 6  # of an account in three marketplaces
    assert [one.problems() for one in messages] == [[]] * 6
    assert [one.payload.get("NewProductTypes") for one in messages] == [["TEAPOT"]] * 3 + [None] * 3
    path = "/definitions/2020-09-01/productTypes"
    version = amazon.call("GET", path, marketplaceIds=US).json["productTypeVersion"]
    assert {one.payload["ProductTypeVersion"] for one in messages} == {version}


def test_stock_that_comes_is_told_for_the_marketplaces_it_serves(amazon: Local, hear: Any) -> None:
    heard, one = hear("FBA_INVENTORY_AVAILABILITY_CHANGES"), product(amazon)
    before = _stock(amazon, one.sku)
    body = {"inventoryItems": [{"sellerSku": one.sku, "marketplaceId": US, "quantity": 5}]}
    headers = {"x-amz-access-token": amazon.token(), "x-amzn-idempotency-token": "once"}
    for _ in range(2):
        sent = amazon.send("POST", "/fba/inventory/v1/items/inventory", json.dumps(body), headers)
        assert sent.status == 200, sent.body
    (message,) = heard()
    assert message.problems() == []
    (here,) = message.payload["FulfillmentInventoryByMarketplace"]
    assert (message.payload["SKU"], message.payload["ASIN"], here["MarketplaceId"]) == (one.sku, one.asin, US)
    inventory = here["FulfillmentInventory"]
    assert inventory["Fulfillable"] == before["fulfillableQuantity"] + 5
    assert (
        inventory["ReservedQuantityBreakdown"]["PendingCustomerOrder"]
        == (before["reservedQuantity"]["pendingCustomerOrderQuantity"])
    )


def _stock(amazon: Local, sku: str) -> Any:
    asked = {"granularityType": "Marketplace", "granularityId": US, "marketplaceIds": US, "details": "true"}
    answer = amazon.good("GET", "/fba/inventory/v1/summaries", sellerSkus=sku, **asked)
    return answer["payload"]["inventorySummaries"][0]["inventoryDetails"]


def outgoing(amazon: Local, quantity: int = 1) -> Any:
    one = next(
        each
        for each in amazon.world.account(SELLER).products
        if each.channel == "AFN" and _stock(amazon, each.sku)["fulfillableQuantity"] > 1
    )
    address = {"name": "A", "addressLine1": "1 Way", "city": "Austin", "stateOrRegion": "TX", "postalCode": "78701"}
    body = {
        "marketplaceId": US,
        "sellerFulfillmentOrderId": "MCF-1",
        "displayableOrderId": "MCF-1",
        "displayableOrderDate": "2026-09-21T14:00:00Z",
        "displayableOrderComment": "Thanks",
        "shippingSpeedCategory": "Standard",
        "destinationAddress": {**address, "countryCode": "US"},
        "items": [{"sellerSku": one.sku, "sellerFulfillmentOrderItemId": "1", "quantity": quantity}],
    }
    answer = amazon.call("POST", "/fba/outbound/2020-07-01/fulfillmentOrders", body=body)
    assert answer.status == 200, answer.body
    return one


def test_an_order_from_elsewhere_is_told_as_it_goes_on_to_somebody_who_only_waits(amazon: Local, hear: Any) -> None:
    heard = hear("FULFILLMENT_ORDER_STATUS")
    outgoing(amazon)
    said = [one.payload["FulfillmentOrderStatusNotification"] for one in heard()]
    assert [(one["EventType"], one["FulfillmentOrderStatus"]) for one in said] == [("Order", "Received")]
    amazon.world.advance(3 * 86_400)
    messages = heard()
    said = [one.payload["FulfillmentOrderStatusNotification"] for one in messages]
    assert [(one["EventType"], one["FulfillmentOrderStatus"]) for one in said] == [
        ("Order", "Planning"),
        ("Order", "Processing"),
        ("Shipment", "Processing"),
        ("Order", "Complete"),
        ("Shipment", "Complete"),
    ]
    shipment = said[-1]["FulfillmentShipment"]
    order = amazon.call("GET", "/fba/outbound/2020-07-01/fulfillmentOrders/MCF-1").json["payload"]
    (shown,) = order["fulfillmentShipments"]
    assert shipment["AmazonShipmentId"] == shown["amazonShipmentId"]
    assert shipment["FulfillmentShipmentStatus"] == "SHIPPED"
    (package,) = shipment["FulfillmentShipmentPackages"]
    assert package["TrackingNumber"] == shown["fulfillmentShipmentPackage"][0]["trackingNumber"]
    # the schema wants a return of every order; what has none has none
    assert {str(one.field) for each in messages for one in each.problems()} <= {
        "Payload.FulfillmentOrderStatusNotification",
        "Payload.FulfillmentOrderStatusNotification.FulfillmentShipment",
    }
    assert len(messages[-1].problems()) == 1


def test_pieces_that_are_reserved_and_given_back_are_told(amazon: Local, hear: Any) -> None:
    heard = hear("FBA_INVENTORY_AVAILABILITY_CHANGES")
    one = outgoing(amazon)
    left = _stock(amazon, one.sku)["fulfillableQuantity"]
    path = "/fba/outbound/2020-07-01/fulfillmentOrders/MCF-1/cancel"
    assert amazon.call("PUT", path).status == 200
    found = [each.payload["FulfillmentInventoryByMarketplace"][0]["FulfillmentInventory"] for each in heard()]
    assert [each["Fulfillable"] for each in found] == [left, left + 1]


def test_the_last_piece_that_is_reserved_takes_the_listing_and_its_offer_away(amazon: Local, hear: Any) -> None:
    offers = hear("ANY_OFFER_CHANGED", processingDirective={"filterExpression": "true"})
    sku = next(
        each.sku
        for each in amazon.world.account(SELLER).products
        if each.channel == "AFN" and _stock(amazon, each.sku)["fulfillableQuantity"] > 1
    )
    outgoing(amazon, _stock(amazon, sku)["fulfillableQuantity"])
    (message,) = offers()
    assert message.problems() == []
    assert SELLER not in [seller for seller, _ in _asked(message)]


def test_changes_in_one_marketplace_are_not_told_of_another(amazon: Local, hear: Any) -> None:
    only_canada = {"eventFilter": {"eventFilterType": "ANY_OFFER_CHANGED", "marketplaceIds": [CA]}}
    heard = hear("ANY_OFFER_CHANGED", processingDirective=only_canada)
    patch(amazon, product(amazon).sku, "purchasable_offer", asking(5.55))
    assert heard() == []
