"""Things of a shop that are half done, and what does the other half: in the same world, or in one that loaded it."""

import json
from collections.abc import Callable
from typing import Any

from sellerport.emulator import World

from . import (
    test_distribution,
    test_external_shipments,
    test_inbound,
    test_notification_filters,
    test_services,
    test_vendor_direct,
    test_vendor_shipments,
)
from .conftest import NOW, Local
from .subscriber import destination, made, subscribe
from .test_orders import LONG_AGO, US, get_orders, ids, iso
from .test_shipment_confirmation import confirm, waiting, whole

SELLER, VENDOR = "ALOCALSELLERNA", "ALOCALVENDORNA"
DAY = 86_400
SENDER = {"x-amz-target": "AmazonSQS.ReceiveMessage", "content-type": "application/x-amz-json-1.0"}

GoOn = Callable[[Local], None]


def calling(amazon: Local, refresh_token: str = "Atzr|local-seller-na") -> Callable[..., Any]:
    """Call with success, and with a new token: one ends when the clock moves."""
    return lambda method, path, body=None, **query: amazon.good(
        method, path, amazon.token(refresh_token), body, **query
    )


def received(amazon: Local, queue: str = "orders") -> Any:
    url = f"http://127.0.0.1/_sqs/us-east-1/123456789012/{queue}"
    return amazon.send("POST", "/_sqs", json.dumps({"QueueUrl": url}), SENDER).json


def bodies(amazon: Local, queue: str) -> list[Any]:
    """What is in a queue: all of it, hidden as it is read."""
    found = []
    while messages := received(amazon, queue).get("Messages"):
        found += [json.loads(one["Body"]) for one in messages]
    return found


def a_shipped_order(amazon: Local) -> GoOn:
    order, every = waiting(amazon), ids(get_orders(amazon, CreatedAfter=LONG_AGO))

    def go_on(there: Local) -> None:
        assert order.id in ids(get_orders(there, LastUpdatedAfter=iso(order.updated)))
        assert confirm(there, order, whole(order)).status == 204
        now = iso(there.world.now())
        there.world.advance(600)
        assert ids(get_orders(there, LastUpdatedAfter=now)) == [order.id]
        assert ids(get_orders(there, CreatedAfter=LONG_AGO)) == every

    return go_on


def an_unpolled_plan(amazon: Local) -> GoOn:
    flow = test_inbound.Flow(amazon, amazon.token())
    plan = {
        "destinationMarketplaces": [US],
        "sourceAddress": test_inbound.FROM,
        "items": [test_inbound.item(sku, 6) for sku in test_inbound.skus(amazon)[:2]],
    }
    begun = amazon.good("POST", f"{test_inbound.ROOT}/inboundPlans", flow.token, plan)
    path = f"{test_inbound.ROOT}/inboundPlans/{begun['inboundPlanId']}"
    amazon.world.advance(60)
    amazon.good("POST", f"{path}/packingOptions", flow.token)

    def go_on(there: Local) -> None:
        call = calling(there)
        assert call("GET", f"{path}/packingOptions")["packingOptions"] == []
        there.world.advance(60)
        assert len(call("GET", f"{path}/packingOptions")["packingOptions"]) == 2

    return go_on


def a_service(amazon: Local) -> GoOn:
    services = amazon.world.services_of(SELLER)
    job = next(one for one in services.jobs.values() if one.status == "PENDING_SCHEDULE")
    path, person = f"{test_services.JOBS}/{job.id}", next(iter(services.technicians))
    when = test_services.at(test_services.WEDNESDAY, 90)
    id = calling(amazon)("POST", f"{path}/appointments", when)["appointmentId"]
    calling(amazon)("PUT", f"{path}/appointments/{id}/resources", {"resources": [{"resourceId": person}]})
    untouched = World(seed=amazon.world.seed, clock=lambda: NOW).services_of("ALOCALSELLEREU")

    def go_on(there: Local) -> None:
        call = calling(there)
        there.world.advance(test_services.WEDNESDAY + 2 * 3600 - there.world.now())
        took = {"startTime": iso(test_services.WEDNESDAY), "endTime": iso(test_services.WEDNESDAY + 3600)}
        call("PUT", f"{path}/appointments/{id}/fulfillment", {"fulfillmentTime": took})
        call("PUT", f"{path}/completions")
        shown = call("GET", path)["payload"]
        assert shown["serviceJobStatus"] == "COMPLETED"
        assert [one["technicianId"] for one in shown["appointments"][0]["assignedTechnicians"]] == [person]
        # nobody has looked at these before
        assert "ALOCALSELLEREU" not in there.world.services
        marketplaces = {"marketplaceIds": "A1PA6795UKMFR9", "createdAfter": LONG_AGO}
        europe = calling(there, "Atzr|local-seller-eu")("GET", test_services.JOBS, **marketplaces)["payload"]
        assert europe["jobs"]
        assert there.world.services["ALOCALSELLEREU"] == untouched

    return go_on


def a_way_to_amazon(amazon: Local) -> GoOn:
    call, sku = calling(amazon), next(iter(amazon.world.centers[SELLER].seeds))
    onhand, coming = test_distribution.held(call, sku)
    _, shipment = test_distribution.confirmed(call, test_distribution.cases(sku))
    test_distribution.leave(call, shipment)
    products = {"products": [{"sku": sku, "quantity": 5}], "preferences": {"confirmation": "AUTO"}}
    order = call("POST", test_distribution.REPLENISHMENTS, products)["orderId"]

    def go_on(there: Local) -> None:
        call, sold = calling(there), test_distribution.fba(there, sku)[1]
        path = f"{test_distribution.REPLENISHMENTS}/{order}"
        assert [call("GET", path)["status"] for _ in range(3)] == ["VALIDATING", "VALIDATING", "CONFIRMED"]
        there.world.advance(30 * DAY)
        assert test_distribution.fba(there, sku)[1] == sold + 5
        assert test_distribution.held(call, sku) == (onhand + coming + 24 - 5, 0)
        call("GET", test_distribution.SHIPMENTS)

    return go_on


def an_order_of_a_customer(amazon: Local) -> GoOn:
    vendor = test_vendor_direct.Vendor(amazon)
    order = vendor.accept(vendor.order())
    label = vendor.label(order, **test_vendor_direct.containers(order, "BOX1", "BOX2"))

    def go_on(there: Local) -> None:
        vendor, good = test_vendor_direct.Vendor(there), test_vendor_direct.GOOD
        order = vendor.direct.orders[label["purchaseOrderNumber"]]
        assert vendor.good("GET", f"{test_vendor_direct.LABELS}/{order.number}") == label
        there.world.advance(3600)
        assert vendor.confirm(vendor.confirmation(order)) == good
        update = vendor.update(order, label["labelData"][1]["trackingNumber"])
        assert vendor.submit(test_vendor_direct.UPDATES, "shipmentStatusUpdates", update) == good
        due = {**vendor.invoice(order), "invoiceDate": iso(there.world.now())}
        assert vendor.submit(test_vendor_direct.INVOICES, "invoices", due) == good
        assert vendor.status(order) == "SHIPPED"

    return go_on


def a_purchase(amazon: Local) -> GoOn:
    vendor = amazon.world.vendors[VENDOR]
    purchase = next(one for one in vendor.purchases.values() if one.state == "Acknowledged" and len(one.lines) > 1)
    accepted = [line.accepted for line in purchase.lines]
    due = {"shippedDate": iso(NOW), "estimatedDeliveryDate": iso(NOW + 2 * DAY)}
    sent = test_vendor_shipments.confirmation(vendor, purchase, share=6, **due)
    rest = test_vendor_shipments.confirmation(vendor, purchase, "ASN2", share=6, **due)
    pieces = {"invoicedQuantity": {"amount": accepted[0] // 2, "unitOfMeasure": "Eaches"}}
    bills = [test_vendor_shipments.invoice(vendor, purchase, number, **pieces) for number in ("R1", "R2", "R3")]

    def submit(there: Local, bill: Any) -> tuple[str, int]:
        call = calling(there, "Atzr|local-vendor-na")
        return test_vendor_shipments.outcome(call, test_vendor_shipments.INVOICES, "invoices", bill)

    call = calling(amazon, "Atzr|local-vendor-na")
    assert test_vendor_shipments.confirm(call, sent) == test_vendor_shipments.GOOD
    assert submit(amazon, bills[0]) == test_vendor_shipments.GOOD

    def go_on(there: Local) -> None:
        there.world.advance(2 * DAY)
        call = calling(there, "Atzr|local-vendor-na")
        got = test_vendor_shipments.received(call, purchase)
        assert got == [("PARTIALLY_RECEIVED", one // 2) for one in accepted]
        assert test_vendor_shipments.confirm(call, rest) == test_vendor_shipments.GOOD
        assert test_vendor_shipments.received(call, purchase) == [("RECEIVED", one) for one in accepted]
        assert submit(there, bills[1]) == test_vendor_shipments.GOOD
        assert submit(there, bills[2])[0] == "Failure"
        (shown,) = test_vendor_shipments.shipments(call, vendorShipmentIdentifier="ASN1")
        assert shown["currentShipmentStatus"] == "Shipped"

    return go_on


def a_packed_shipment(amazon: Local) -> GoOn:
    path = test_external_shipments.made_packed(amazon, orderType=["GIFT_MESSAGE"])
    options = calling(amazon)("GET", f"{path}/shippingOptions", packageId="box")["shippingOptions"]
    printed = test_external_shipments.label(amazon, path, shippingOptionId=options[-1]["shippingOptionId"])

    def go_on(there: Local) -> None:
        call = calling(there)
        again = test_external_shipments.label(there, path)
        assert again["shipLabelMetadata"] == printed["shipLabelMetadata"]
        assert there.fetch(again["fileData"]["url"]).status == 200
        call("PATCH", f"{path}/packages/box", {"status": "SHIPPED"})
        there.world.advance(6 * DAY)
        assert call("GET", path)["status"] == "DELIVERED"

    return go_on


def what_is_heard(amazon: Local) -> GoOn:
    """Changes of offers that are held back, and an expression that lets one of two messages through."""
    to = {
        name: made(destination(amazon, f"arn:aws:sqs:us-east-1:123456789012:{name}", name))["destinationId"]
        for name in ("offers", "elsewhere")
    }
    period = {"aggregationSettings": {"aggregationTimePeriod": "FiveMinutes"}}
    directive = test_notification_filters.event_filter("ANY_OFFER_CHANGED", **period)
    made(subscribe(amazon, "ANY_OFFER_CHANGED", to["offers"], processingDirective=directive))
    directive = {"filterExpression": "FulfillmentOrderStatusNotification.FulfillmentOrderStatus == 'SHIPPED'"}
    made(subscribe(amazon, "FULFILLMENT_ORDER_STATUS", to["elsewhere"], processingDirective=directive))
    for price in (1, 2, 3):
        test_notification_filters.tell(amazon, "ANY_OFFER_CHANGED", test_notification_filters.offer(price))

    def go_on(there: Local) -> None:
        there.world.advance(300)
        assert test_notification_filters.prices(bodies(there, "offers")) == [1, 3]
        test_notification_filters.tell(there, "ANY_OFFER_CHANGED", test_notification_filters.offer(4))
        assert bodies(there, "offers") == []
        for status in ("PLANNING", "SHIPPED"):
            said = {"FulfillmentOrderStatusNotification": {"FulfillmentOrderStatus": status}}
            test_notification_filters.tell(there, "FULFILLMENT_ORDER_STATUS", said)
        assert len(bodies(there, "elsewhere")) == 1

    return go_on


THINGS: dict[str, Callable[[Local], GoOn]] = {
    "a shipped order": a_shipped_order,
    "an unpolled plan": an_unpolled_plan,
    "a service": a_service,
    "a way to Amazon": a_way_to_amazon,
    "an order of a customer": an_order_of_a_customer,
    "a purchase": a_purchase,
    "a packed shipment": a_packed_shipment,
    "what is heard": what_is_heard,
}
