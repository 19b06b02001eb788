"""External fulfillment: shipments are listed, confirmed, packed, invoiced, labelled and sent, step by step."""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from sellerport.emulator.shop import Order

from .conftest import Local
from .test_orders import sold
from .test_shipment_confirmation import confirm, whole

ROOT = "/externalFulfillment/2024-09-11/shipments"
LOCATION = "/externalFulfillment/2026-07-30/location"
US = "ATVPDKIKX0DER"
CENTIMETRES = {"value": "20.5", "dimensionUnit": "CM"}
SIZE = {"length": CENTIMETRES, "width": CENTIMETRES, "height": CENTIMETRES}
WEIGHT = {"value": "0.75", "weightUnit": "KG"}
COURIER = {"carrierName": "Swift Bikes", "trackingId": "SB-0001"}

Calling = Callable[..., Any]


def calling(amazon: Local) -> Calling:
    """Call with success, and with a new token: one ends when the clock moves."""
    return lambda method, path, body=None, **query: amazon.good(method, path, amazon.token(), body, **query)


def orders(amazon: Local, status: str = "Unshipped") -> list[Order]:
    """Orders in the US that the account ships itself."""
    own = [one for one in sold(amazon) if (one.channel, one.status) == ("MFN", status)]
    return [one for one in own if one.marketplace.id == US]


def lines(order: Order) -> list[dict[str, Any]]:
    return [{"packageLineItemId": item.id, "quantity": item.quantity} for item in order.items]


def package(id: str, items: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"id": id, "dimensions": SIZE, "weight": WEIGHT, "packageLineItems": items, **more}


def path_of(order: Order) -> str:
    return f"{ROOT}/EF-{order.id}"


def read(amazon: Local, path: str) -> Any:
    return amazon.good("GET", path, amazon.token())


def refusal(amazon: Local, method: str, path: str, body: Any = None, **query: str) -> tuple[int, str]:
    answer = amazon.call(method, path, amazon.token(), body, **query)
    return answer.error[:2]


def packed(amazon: Local, order: Order) -> str:
    """Confirm a shipment and pack it into one package; return its path."""
    call, path = calling(amazon), path_of(order)
    call("POST", path, operation="CONFIRM")
    call("POST", f"{path}/packages", {"packages": [package("box", lines(order))]})
    return path


def made(amazon: Local, channel: str = "MFN", shipping: str = "MARKETPLACE", **more: Any) -> str:
    """Let a shipment come in the sandbox; return its path."""
    asked = {"merchantIds": ["M1"], "marketplaceId": US, "locationName": "Test shed"}
    place = amazon.good("POST", LOCATION, amazon.token(), asked)["locationIds"][channel]
    asked = {"locationId": place, "marketplaceId": US, "marketplaceChannel": channel, "shippingType": shipping, **more}
    return f"{ROOT}/{amazon.good('POST', ROOT, amazon.token(), asked)['shipmentId']}"


def made_packed(amazon: Local, *args: str, **more: Any) -> str:
    path = made(amazon, *args, **more)
    call, shipment = calling(amazon), read(amazon, path)
    call("POST", path, operation="CONFIRM")
    items = [{"packageLineItemId": it["shipmentLineItemId"], "quantity": it["numberOfUnits"]} for it in
             shipment["lineItems"]]  # fmt: skip
    call("POST", f"{path}/packages", {"packages": [package("box", items)]})
    return path


def label(amazon: Local, path: str, body: Any = None, **query: str) -> Any:
    query = {"operation": "GENERATE", **query}
    (one,) = amazon.good("PUT", f"{path}/shipLabels", amazon.token(), body, **query)["packageShipLabelList"]
    return one


def test_a_shipment_goes_all_the_way_and_its_order_with_it(amazon: Local) -> None:
    order, call = orders(amazon)[0], calling(amazon)
    path = path_of(order)
    shipment = read(amazon, path)
    assert (shipment["status"], shipment["shipmentInfo"]["buyerOrderId"]) == ("ACCEPTED", order.id)
    assert shipment["shippingInfo"]["shipToAddress"]["name"] == order.address.name
    assert shipment["charges"][-1]["totalCharge"]["netAmount"]["value"] == str(order.total)
    packed(amazon, order)
    assert read(amazon, path)["status"] == "PACKAGE_CREATED"
    options = call("GET", f"{path}/shippingOptions", packageId="box")
    assert options["recommendedShippingOption"] == options["shippingOptions"][0]
    assert read(amazon, path)["status"] == "PICKUP_SLOT_RETRIEVED"

    invoice = call("POST", f"{path}/invoice")
    assert base64.b64decode(invoice["document"]["content"]).startswith(b"%PDF-1.4")
    assert call("GET", f"{path}/invoice") == invoice
    assert read(amazon, path)["status"] == "INVOICE_GENERATED"
    picked = options["shippingOptions"][1]
    printed = label(amazon, path, shippingOptionId=picked["shippingOptionId"])
    assert printed["shipLabelMetadata"]["timeSlot"] == picked["timeSlot"]
    file = amazon.fetch(printed["fileData"]["url"])
    assert (file.status, file.headers["content-type"]) == (200, "application/pdf")
    assert order.address.line.encode() in file.body
    assert read(amazon, path)["status"] == "SHIPLABEL_GENERATED"

    call("PATCH", f"{path}/packages/box", {"status": "SHIPPED"})
    shipped = read(amazon, path)
    assert (shipped["status"], shipped["subStatus"]) == ("SHIPPED", "PENDING_PICKUP")
    assert call("GET", f"/orders/v0/orders/{order.id}")["payload"]["OrderStatus"] == "Shipped"
    amazon.world.advance(6 * 86_400)
    delivered = read(amazon, path)
    assert (delivered["status"], delivered["packages"][0]["status"]) == ("DELIVERED", "DELIVERED")


def test_shipments_are_listed_by_status_place_and_date_in_pages(amazon: Local) -> None:
    call = calling(amazon)
    waiting = {f"EF-{one.id}" for one in sold(amazon) if (one.channel, one.status) == ("MFN", "Unshipped")}
    listed = call("GET", ROOT, status="ACCEPTED")["shipments"]
    assert {one["id"] for one in listed} == waiting
    assert listed == sorted(listed, key=lambda one: (one["lastUpdatedDateTime"], one["id"]))
    first, *others = listed
    place = first["locationId"]
    here = call("GET", ROOT, status="ACCEPTED", locationId=place)["shipments"]
    assert {one["marketplaceAttributes"]["marketplaceId"] for one in here} == {
        first["marketplaceAttributes"]["marketplaceId"]
    }
    later = call("GET", ROOT, status="ACCEPTED", lastUpdatedAfter=first["lastUpdatedDateTime"])["shipments"]
    assert later == others
    until = call("GET", ROOT, status="ACCEPTED", lastUpdatedBefore=others[-1]["lastUpdatedDateTime"])["shipments"]
    assert until == listed[:-1]
    assert call("GET", ROOT, status="ACCEPTED", channelName="FBA")["shipments"] == []
    of_us = [one for one in listed if one["marketplaceAttributes"]["marketplaceId"] == US]
    assert call("GET", ROOT, status="ACCEPTED", channelName="MFN", marketplaceId=US)["shipments"] == of_us

    turned, token = [], {}
    while True:
        page = call("GET", ROOT, status="ACCEPTED", maxResults="2", **token)
        assert len(page["shipments"]) <= 2
        turned += page["shipments"]
        if "pagination" not in page:
            break
        token = {"paginationToken": page["pagination"]["nextToken"]}
    assert turned == listed
    wrong = {"status": "SHIPPED", "maxResults": "2", **token}
    assert refusal(amazon, "GET", ROOT, **wrong) == (400, "InvalidInput")
    for status, order_status in (("CREATED", "Pending"), ("CANCELLED", "Canceled")):
        found = {one["id"] for one in call("GET", ROOT, status=status, maxResults="100")["shipments"]}
        assert found == {f"EF-{it.id}" for it in sold(amazon) if (it.channel, it.status) == ("MFN", order_status)}
    assert "shipToAddress" not in call("GET", ROOT, status="CANCELLED")["shipments"][0]["shippingInfo"]


def test_what_leaves_in_parts_is_on_no_later_page(amazon: Local) -> None:
    call = calling(amazon)
    first = call("GET", ROOT, status="ACCEPTED", maxResults="1")
    rest = call("GET", ROOT, status="ACCEPTED")["shipments"][1:]
    order = next(one for one in orders(amazon) if sum(item.quantity for item in one.items) > 1)
    assert f"EF-{order.id}" in {one["id"] for one in rest}
    assert confirm(amazon, order, [(order.items[0].id, 1)]).status == 204
    left, page = [], first
    while "pagination" in page:
        token = page["pagination"]["nextToken"]
        page = call("GET", ROOT, status="ACCEPTED", maxResults="1", paginationToken=token)
        left += page["shipments"]
    assert left == [one for one in rest if one["id"] != f"EF-{order.id}"]


def test_what_another_api_does_to_an_order_it_does_to_the_shipment(amazon: Local) -> None:
    order = orders(amazon)[0]
    assert confirm(amazon, order, whole(order)).status == 204
    assert read(amazon, path_of(order))["status"] == "SHIPPED"
    partly = next(one for one in sold(amazon) if one.status == "PartiallyShipped")
    by_amazon = next(one for one in sold(amazon) if one.channel == "AFN")
    for one in (partly.id, by_amazon.id, "none"):
        assert refusal(amazon, "GET", f"{ROOT}/EF-{one}") == (404, "NotFound")
    assert refusal(amazon, "GET", f"{ROOT}/{order.id}") == (404, "NotFound")
    europe = amazon.token("Atzr|local-seller-eu")
    assert amazon.call("GET", path_of(order), europe).status == 404


def test_a_rejected_shipment_is_a_cancelled_order(amazon: Local) -> None:
    order, call = orders(amazon)[0], calling(amazon)
    path, item = path_of(order), order.items[0]
    assert refusal(amazon, "POST", path, {"lineItems": []}, operation="REJECT") == (400, "InvalidInput")
    unknown = {"lineItems": [{"lineItem": {"id": "1"}}]}
    assert refusal(amazon, "POST", path, unknown, operation="REJECT") == (400, "InvalidInput")
    call("POST", path, {"lineItems": [{"lineItem": {"id": item.id}, "reason": "OUT_OF_STOCK"}]}, operation="REJECT")
    rejected = read(amazon, path)
    assert (rejected["status"], rejected["reason"]) == ("CANCELLED", "OUT_OF_STOCK")
    assert rejected["lineItems"][0]["cancellations"] == [
        {
            "cancelledQuantity": item.quantity,
            "cancelledTimestamp": "2026-09-21T14:13:20Z",
            "cancellationType": "SELLER_REJECTED",
            "cancellationReason": "OUT_OF_STOCK",
        }
    ]
    assert call("GET", f"/orders/v0/orders/{order.id}")["payload"]["OrderStatus"] == "Canceled"
    assert refusal(amazon, "POST", path, operation="CONFIRM") == (409, "Conflict")


def test_no_step_is_taken_before_its_turn(amazon: Local) -> None:
    order, call = orders(amazon)[0], calling(amazon)
    path, boxes = path_of(order), {"packages": [package("box", lines(order))]}
    conflict, nothing = (409, "Conflict"), (404, "NotFound")
    assert refusal(amazon, "POST", f"{path}/packages", boxes) == conflict
    assert refusal(amazon, "POST", f"{path}/invoice") == conflict
    assert refusal(amazon, "PUT", f"{path}/shipLabels", operation="GENERATE") == conflict
    packed(amazon, order)
    assert refusal(amazon, "POST", path, operation="CONFIRM") == conflict
    assert refusal(amazon, "POST", f"{path}/packages", boxes) == conflict
    assert refusal(amazon, "GET", f"{path}/invoice") == nothing
    assert refusal(amazon, "GET", f"{path}/shippingOptions", packageId="other") == nothing
    assert refusal(amazon, "PATCH", f"{path}/packages/box", {"status": "SHIPPED"}) == conflict
    assert refusal(amazon, "PATCH", f"{path}/packages/box", {"status": "DELIVERED"}) == conflict
    assert refusal(amazon, "PATCH", f"{path}/packages/box") == (400, "InvalidInput")
    lineless = {"lineItems": [{"lineItem": {"id": order.items[0].id}}]}
    assert refusal(amazon, "POST", path, lineless, operation="REJECT") == conflict
    label(amazon, path)
    assert refusal(amazon, "PUT", f"{path}/packages/box", boxes["packages"][0]) == conflict
    call("PATCH", f"{path}/packages/box", status="SHIPPED")
    assert refusal(amazon, "PUT", f"{path}/shipLabels", operation="GENERATE") == conflict
    assert refusal(amazon, "GET", f"{path}/shippingOptions", packageId="box") == conflict


def test_packages_hold_every_piece_and_one_is_described_anew_until_it_has_a_label(amazon: Local) -> None:
    order = next(one for one in orders(amazon) if sum(item.quantity for item in one.items) > 1)
    path, call, every = path_of(order), calling(amazon), lines(order)
    call("POST", path, operation="CONFIRM")
    wrong = [
        [package("box", [{**every[0], "quantity": every[0]["quantity"] + 1}, *every[1:]])],
        [package("box", every), package("box", every)],
        [package("box", every, weight={"value": "4", "weightUnit": "G"})],
        [package("box", every, dimensions={**SIZE, "width": {"value": "0", "dimensionUnit": "CM"}})],
        [package("box", every, dimensions={**SIZE, "width": {"value": "wide", "dimensionUnit": "CM"}})],
        [package("box", every, hazmatLabels=["UN3481"])],
        [package("box", [{**one, "serialNumbers": ["1"]} for one in every])],
    ]
    for boxes in wrong:
        assert refusal(amazon, "POST", f"{path}/packages", {"packages": boxes}) == (400, "InvalidInput")
    single = [{"packageLineItemId": id, "quantity": 1} for id, count in whole(order) for _ in range(count)]
    boxes = [package(str(place), [one]) for place, one in enumerate(single)]
    call("POST", f"{path}/packages", {"packages": boxes})
    call("GET", f"{path}/shippingOptions", packageId="0")
    assert [one["status"] for one in read(amazon, path)["packages"]][:2] == ["PICKUP_SLOT_RETRIEVED", "CREATED"]
    assert read(amazon, path)["status"] == "PACKAGE_CREATED"  # as long as one of them is
    heavy = {**boxes[0], "weight": {"value": "3", "weightUnit": "LB"}}
    assert refusal(amazon, "PUT", f"{path}/packages/1", heavy) == (400, "InvalidInput")
    more = {**heavy, "packageLineItems": [{**single[0], "quantity": 2}]}
    assert refusal(amazon, "PUT", f"{path}/packages/0", more) == (400, "InvalidInput")
    call("PUT", f"{path}/packages/0", {**heavy, "status": "DELIVERED"})
    assert read(amazon, path)["packages"][0] == {**heavy, "status": "CREATED"}

    answer = call("PUT", f"{path}/shipLabels", {"packageIds": ["0", "none"]}, operation="GENERATE")
    first, second = answer["packageShipLabelList"]
    assert (first["status"], second["status"], second["errorDetails"]["code"]) == ("SUCCESS", "FAILURE", "NotFound")
    assert refusal(amazon, "PUT", f"{path}/packages/0", heavy) == (409, "Conflict")
    call("PUT", f"{path}/shipLabels", operation="GENERATE")
    call("PATCH", f"{path}/packages/0", {"status": "SHIPPED"})
    assert call("GET", f"/orders/v0/orders/{order.id}")["payload"]["OrderStatus"] == "PartiallyShipped"
    assert read(amazon, path)["status"] == "SHIPLABEL_GENERATED"
    for box in boxes[1:]:
        call("PATCH", f"{path}/packages/{box['id']}", {"status": "SHIPPED"})
    assert call("GET", f"/orders/v0/orders/{order.id}")["payload"]["OrderStatus"] == "Shipped"
    assert read(amazon, path)["status"] == "SHIPPED"


def test_a_label_is_given_again_until_another_is_wanted(amazon: Local) -> None:
    path = packed(amazon, orders(amazon)[0])
    early = label(amazon, path, operation="REGENERATE")
    assert (early["status"], early["errorDetails"]["code"]) == ("FAILURE", "Conflict")
    first, again = label(amazon, path), label(amazon, path)
    assert first == again
    other = label(amazon, path, operation="REGENERATE")
    assert other["shipLabelMetadata"]["trackingId"] != first["shipLabelMetadata"]["trackingId"]
    tracking = other["shipLabelMetadata"]["trackingId"].encode()
    assert tracking in amazon.fetch(other["fileData"]["url"]).body
    late = label(amazon, path, operation="REGENERATE", shippingOptionId="none")
    assert (late["status"], late["errorDetails"]["code"]) == ("FAILURE", "InvalidInput")
    amazon.world.advance(301)
    assert amazon.fetch(first["fileData"]["url"]).status == 403


@pytest.mark.parametrize(
    ("channel", "shipping", "courier", "kind", "begins"),
    [
        ("MFN", "MARKETPLACE", None, "application/pdf", b"%PDF-1.4"),
        ("FBA", "MARKETPLACE", None, "x.application/zpl", b"^XA"),
        ("MFN", "THIRD_PARTY_CARRIER", COURIER, "image/png", b"\x89PNG\r\n"),
    ],
)
def test_a_label_is_a_file_of_its_channels_format(
    amazon: Local, channel: str, shipping: str, courier: Any, kind: str, begins: bytes
) -> None:
    path = made_packed(amazon, channel, shipping)
    by_slot = (channel, shipping) == ("MFN", "MARKETPLACE")
    options = calling(amazon)("GET", f"{path}/shippingOptions", packageId="box")["shippingOptions"]
    assert bool(options) == by_slot
    if courier:
        assert refusal(amazon, "PUT", f"{path}/shipLabels", operation="GENERATE") == (400, "InvalidInput")
        odd = {"packageIds": ["box"], "courierSupportedAttributes": {**courier, "trackingId": "klein"}}
        assert refusal(amazon, "PUT", f"{path}/shipLabels", odd, operation="GENERATE") == (400, "InvalidInput")
    body = {"packageIds": ["box"], "courierSupportedAttributes": courier} if courier else None
    printed = label(amazon, path, body)
    assert ("timeSlot" in printed["shipLabelMetadata"]) == by_slot
    if courier:
        assert printed["shipLabelMetadata"] == courier
    file = amazon.fetch(printed["fileData"]["url"])
    assert file.headers["content-type"] == kind
    assert file.body.startswith(begins)


def test_what_the_sandbox_makes_is_what_it_is_asked_for_and_no_order(amazon: Local) -> None:
    asked = {"lineItemCount": "MULTIPLE", "quantityCount": "MULTIPLE"}
    path = made(amazon, orderType=["GIFT_MESSAGE", "SERIAL", "HAZMAT", "CROSS_BORDER", "REPLACEMENT"], **asked)
    shipment = read(amazon, path)
    assert len(shipment["lineItems"]) > 1
    assert max(one["numberOfUnits"] for one in shipment["lineItems"]) > 1
    assert shipment["shipmentInfo"]["shipmentType"] == "REPLACEMENT"
    (gift, *_) = (one["giftAttributes"] for one in shipment["lineItems"])
    assert base64.b64decode(gift["giftMessage"]["content"]) == b"A gift for you, with love!"
    assert set(shipment["lineItems"][0]["complianceAttributes"].values()) == {"REQUIRED"}
    assert shipment["marketplaceAttributes"]["merchantId"] == "M1"
    order = shipment["shipmentInfo"]["buyerOrderId"]
    assert amazon.call("GET", f"/orders/v0/orders/{order}").status == 400
    call = calling(amazon)
    call("POST", path, operation="CONFIRM")
    items = [
        {
            "packageLineItemId": one["shipmentLineItemId"],
            "quantity": one["numberOfUnits"],
            "serialNumbers": [f"SN-{n}" for n in range(one["numberOfUnits"])],
            "countryOfOrigin": "JP",
            "itemValue": {"value": "9.99", "currencyCode": "USD"},
        }
        for one in shipment["lineItems"]
    ]
    box = package("box", items, hazmatLabels=["UN3481"])
    few = [{**items[0], "serialNumbers": ["SN-1"] * (items[0]["quantity"] + 1)}, *items[1:]]
    for wrong in (package("box", items), {**box, "packageLineItems": few}):
        assert refusal(amazon, "POST", f"{path}/packages", {"packages": [wrong]}) == (400, "InvalidInput")
    call("POST", f"{path}/packages", {"packages": [box]})
    other = made(amazon)
    assert other != path
    single = read(amazon, other)
    assert [one["numberOfUnits"] for one in single["lineItems"]] == [1]


def test_the_sandbox_says_what_amazon_its_carrier_and_the_buyer_do(amazon: Local) -> None:
    path, call = made_packed(amazon), calling(amazon)

    def change(status: str | None = None, **more: Any) -> dict[str, Any]:
        updates = {"status": status} if status else {}
        return {"updateType": "SHIPMENT_STATUS_CHANGE", "updates": updates | more}

    call("PATCH", path, {"updateType": "INVOICE_AVAILABILITY_CHANGE"})
    assert read(amazon, path)["shipmentRequirements"]["invoice"]["status"] == "AVAILABLE"
    assert call("GET", f"{path}/invoice")["document"]["format"] == "PDF"
    call("PATCH", path, {"updateType": "TRANSPORT_CAPACITY_CHANGE"})
    assert refusal(amazon, "PATCH", path, change("SHIPPED")) == (409, "Conflict")
    assert refusal(amazon, "PATCH", path, change()) == (400, "InvalidInput")
    label(amazon, path)
    assert refusal(amazon, "PATCH", path, change("DELIVERED")) == (409, "Conflict")
    call("PATCH", path, change("SHIPPED"))
    call("PATCH", path, change(subStatus="OUT_FOR_DELIVERY"))
    assert read(amazon, path)["subStatus"] == "OUT_FOR_DELIVERY"
    call("PATCH", path, change("DELIVERED"))
    assert read(amazon, path)["status"] == "DELIVERED"
    cancelled = made(amazon)
    call("PATCH", cancelled, change("CANCELLED"))
    assert read(amazon, cancelled)["lineItems"][0]["cancellations"][0]["cancellationType"] == "MARKETPLACE_CANCELLED"
    assert refusal(amazon, "PATCH", path_of(orders(amazon)[0]), change("CANCELLED")) == (400, "InvalidInput")


def test_what_only_the_sandbox_has_is_nowhere_else(amazon: Local) -> None:
    asked = {"merchantIds": ["M1"], "marketplaceId": US, "locationName": "Test shed", "channels": ["FBA"]}
    sandbox = f"/sandbox.sellingpartnerapi-na.amazon.com{LOCATION}"
    first, again = (amazon.good("POST", sandbox, None, asked) for _ in range(2))
    assert first == again
    assert set(first["locationIds"]) == {"FBA"}
    answer = amazon.call("POST", f"/sellingpartnerapi-na.amazon.com{LOCATION}", None, asked)
    assert (answer.status, answer.json["errors"][0]["code"]) == (403, "MissingAuthenticationToken")
    place = {"locationId": first["locationIds"]["FBA"], "marketplaceId": US, "shippingType": "MARKETPLACE"}
    wrong = {**place, "marketplaceChannel": "MFN"}
    assert refusal(amazon, "POST", ROOT, wrong) == (400, "InvalidInput")
    for more in ({"marketplaceId": "A2Q3Y263D00KWC"}, {"merchantIds": []}):
        assert refusal(amazon, "POST", LOCATION, {**asked, **more}) == (400, "InvalidInput")


def test_who_brings_a_package_needs_no_label_and_says_where_it_is(amazon: Local) -> None:
    path, call = made_packed(amazon, "MFN", "SELF"), calling(amazon)
    box = f"{path}/packages/box"
    call("PATCH", box, {"status": "SHIPPED", "subStatus": "OUT_FOR_DELIVERY"})
    amazon.world.advance(9 * 86_400)
    assert read(amazon, path)["subStatus"] == "OUT_FOR_DELIVERY"
    call("PATCH", box, {"status": "DELIVERED"})
    assert read(amazon, path)["status"] == "DELIVERED"
    assert refusal(amazon, "PATCH", box, {"status": "SHIPPED"}) == (409, "Conflict")
