import base64
import gzip
import hashlib
from typing import Any

import pytest

from sellerport.emulator.shop import Order

from .conftest import NOW, Local, Reply
from .test_orders import fits, iso, sold
from .test_shipment_confirmation import confirm, waiting, whole

FROM = {
    "Name": "Larkhollow Home Goods",
    "AddressLine1": "1 Depot Row",
    "Email": "depot@larkhollow.invalid",
    "City": "Fairmeadow",
    "StateOrProvinceCode": "OR",
    "PostalCode": "97099",
    "CountryCode": "US",
    "Phone": "+1 555 0100",
}
MAGIC = {"PDF": b"%PDF-1.4", "PNG": b"\x89PNG\r\n", "ZPL203": b"^XA"}
KINDS = {"PDF": "application/pdf", "PNG": "image/png", "ZPL203": "application/zpl"}


def details(order: Order, *, format: str | None = None, **more: Any) -> dict[str, Any]:
    options = {"DeliveryExperience": "DeliveryConfirmationWithoutSignature", "CarrierWillPickUp": False}
    return {
        "AmazonOrderId": order.id,
        "ItemList": [{"OrderItemId": id, "Quantity": quantity} for id, quantity in whole(order)],
        "ShipFromAddress": FROM,
        "PackageDimensions": {"Length": 20, "Width": 15, "Height": 10, "Unit": "centimeters"},
        "Weight": {"Value": 400, "Unit": "g"},
        "ShippingServiceOptions": options | ({"LabelFormat": format} if format else {}),
        **more,
    }


def eligible(amazon: Local, asked: Any, **more: Any) -> Reply:
    return amazon.call("POST", "/mfn/v0/eligibleShippingServices", body={"ShipmentRequestDetails": asked, **more})


def buy(amazon: Local, asked: Any, service: str = "LOCAL_PARCEL_GROUND", **more: Any) -> Reply:
    body = {"ShipmentRequestDetails": asked, "ShippingServiceId": service, **more}
    return amazon.call("POST", "/mfn/v0/shipments", body=body)


def file(shipment: Any) -> bytes:
    contents = shipment["Label"]["FileContents"]
    unpacked = gzip.decompress(base64.b64decode(contents["Contents"]))
    assert contents["Checksum"] == base64.b64encode(hashlib.md5(unpacked).digest()).decode()
    return unpacked


@pytest.mark.parametrize("format", [None, "PDF", "PNG", "ZPL203"])
def test_a_label_is_bought_at_the_rate_offered_and_is_a_file_of_the_format_asked(
    amazon: Local, format: str | None
) -> None:
    order = waiting(amazon)
    asked = details(order, format=format)
    offers = eligible(amazon, asked)
    fits(offers, "merchant_fulfillment_v0", "GetEligibleShipmentServicesResponse")
    services = {one["ShippingServiceId"]: one for one in offers.json["payload"]["ShippingServiceList"]}
    assert set(services) == {"LOCAL_PARCEL_GROUND", "LOCAL_PARCEL_EXPRESS", "LOCAL_PARCEL_LETTER"}
    offer = services["LOCAL_PARCEL_GROUND"]
    assert offer["Rate"]["CurrencyCode"] == order.marketplace.currency
    assert offer["Rate"]["Amount"] < services["LOCAL_PARCEL_EXPRESS"]["Rate"]["Amount"]

    bought = buy(amazon, asked, ShippingServiceOfferId=offer["ShippingServiceOfferId"])
    fits(bought, "merchant_fulfillment_v0", "CreateShipmentResponse")
    shipment = bought.json["payload"]
    assert shipment["Status"] == "Purchased"
    assert shipment["AmazonOrderId"] == order.id
    assert shipment["ShippingService"] == offer
    assert shipment["ShipToAddress"]["PostalCode"] == order.address.postal_code
    expected = format or "PDF"
    assert shipment["Label"]["LabelFormat"] == expected
    assert shipment["Label"]["FileContents"]["FileType"] == KINDS[expected]
    assert file(shipment).startswith(MAGIC[expected])
    if expected == "ZPL203":
        assert shipment["TrackingId"] in file(shipment).decode()

    again = amazon.call("GET", f"/mfn/v0/shipments/{shipment['ShipmentId']}")
    fits(again, "merchant_fulfillment_v0", "GetShipmentResponse")
    assert again.json["payload"] == shipment


def test_a_service_that_does_not_carry_a_parcel_is_rejected(amazon: Local) -> None:
    order = waiting(amazon)
    heavy = details(order, Weight={"Value": 25_000, "Unit": "g"})
    payload = eligible(amazon, heavy).json["payload"]
    assert [one["ShippingServiceId"] for one in payload["ShippingServiceList"]] == ["LOCAL_PARCEL_GROUND"]
    rejected = [one["ShippingServiceId"] for one in payload["RejectedShippingServiceList"]]
    assert rejected == ["LOCAL_PARCEL_EXPRESS", "LOCAL_PARCEL_LETTER"]
    assert buy(amazon, heavy, "LOCAL_PARCEL_EXPRESS").error[:2] == (400, "InvalidInput")
    soon = details(order, MustArriveByDate=iso(NOW + 3 * 86_400))
    payload = eligible(amazon, soon).json["payload"]
    assert [one["ShippingServiceId"] for one in payload["ShippingServiceList"]] == ["LOCAL_PARCEL_EXPRESS"]
    fetched = details(order)
    fetched["ShippingServiceOptions"]["CarrierWillPickUp"] = True
    assert eligible(amazon, fetched).json["payload"]["ShippingServiceList"] == []
    assert buy(amazon, fetched).error[:2] == (400, "InvalidInput")
    signed = {"DeliveryExperience": "DeliveryConfirmationWithSignature"}
    payload = eligible(amazon, details(order), ShippingOfferingFilter=signed).json["payload"]
    assert "LOCAL_PARCEL_LETTER" not in [one["ShippingServiceId"] for one in payload["ShippingServiceList"]]


def test_a_format_that_a_service_has_not_is_refused(amazon: Local) -> None:
    answer = buy(amazon, details(waiting(amazon), format="ZPL300"))
    assert answer.error == (400, "InvalidInput", "")
    assert answer.json["errors"][0]["message"].startswith("The selected delivery method does not offer")


def test_no_piece_is_labelled_twice_unless_its_label_was_given_back(amazon: Local) -> None:
    order = waiting(amazon)
    first = buy(amazon, details(order)).json["payload"]
    assert buy(amazon, details(order)).error[:2] == (400, "InvalidInput")
    assert eligible(amazon, details(order)).status == 400
    path = f"/mfn/v0/shipments/{first['ShipmentId']}"
    cancelled = amazon.call("DELETE", path)
    fits(cancelled, "merchant_fulfillment_v0", "CancelShipmentResponse")
    assert cancelled.json["payload"]["Status"] == "RefundPending"
    assert amazon.call("DELETE", path).status == 400
    assert buy(amazon, details(order)).status == 200
    amazon.world.advance(86_400)
    assert amazon.call("GET", path).json["payload"]["Status"] == "RefundApplied"


def test_a_parcel_that_was_picked_up_is_not_cancelled(amazon: Local) -> None:
    shipment = buy(amazon, details(waiting(amazon))).json["payload"]
    amazon.world.advance(9 * 3600)
    assert amazon.call("DELETE", f"/mfn/v0/shipments/{shipment['ShipmentId']}").status == 400
    assert amazon.call("GET", f"/mfn/v0/shipments/{shipment['ShipmentId']}").json["payload"]["Status"] == "Purchased"


def test_only_what_waits_can_be_labelled(amazon: Local) -> None:
    order = waiting(amazon)
    item: dict[str, Any] = {"OrderItemId": order.items[0].id, "Quantity": order.items[0].quantity}
    answers = [
        eligible(amazon, details(order, AmazonOrderId="901-0000000-0000000")),
        eligible(amazon, details(order, ItemList=[{"OrderItemId": "1", "Quantity": 1}])),
        eligible(amazon, details(order, ItemList=[{**item, "Quantity": item["Quantity"] + 1}])),
        eligible(amazon, details(order, ItemList=[item, item])),
        eligible(amazon, details(order, ItemList=[])),
        eligible(amazon, details(order, Weight={"Value": 0, "Unit": "g"})),
        eligible(amazon, details(order, PackageDimensions={})),
        eligible(amazon, details(order, PackageDimensions={"Length": 20, "Width": 15, "Height": 10})),
        eligible(amazon, details(order, PackageDimensions={"Length": 0, "Width": 1, "Height": 1, "Unit": "inches"})),
        buy(amazon, details(order), LabelFormatOption={"IncludePackingSlipWithLabel": True}),
        eligible(amazon, details(order, ShipDate=iso(NOW - 2 * 86_400))),
        eligible(amazon, details(next(one for one in sold(amazon) if one.channel == "AFN"))),
        buy(amazon, details(order), "NOBODY"),
        buy(amazon, details(order), ShippingServiceOfferId="never-offered"),
    ]
    assert [one.error[:2] for one in answers] == [(400, "InvalidInput")] * len(answers)
    other = next(one for one in sold(amazon) if one.channel == "MFN" and one.status == "Unshipped" and one != order)
    offer = eligible(amazon, details(other)).json["payload"]["ShippingServiceList"][0]["ShippingServiceOfferId"]
    assert buy(amazon, details(order), ShippingServiceOfferId=offer).error[:2] == (400, "InvalidInput")
    assert confirm(amazon, order, whole(order)).status == 204
    assert eligible(amazon, details(order)).status == 400


def test_what_breaks_a_constraint_is_refused_as_in_the_published_cases(amazon: Local) -> None:
    order = waiting(amazon)
    long = eligible(amazon, details(order, ShipFromAddress={**FROM, "CountryCode": "USA"}))
    no_id = amazon.call("GET", "/mfn/v0/shipments/TEST_CASE_400")
    for answer, value in ((long, "USA"), (no_id, "TEST_CASE_400")):
        assert answer.error == (400, "InvalidInput", "")
        assert answer.json["errors"][0]["message"].startswith(f"1 validation error detected: Value '{value}' at '")
    predefined = {"PredefinedPackageDimensions": "FedEx_Box_10kg"}
    assert eligible(amazon, details(order, PackageDimensions=predefined)).status == 200


def test_accounts_do_not_see_each_others_shipments(amazon: Local) -> None:
    shipment = buy(amazon, details(waiting(amazon))).json["payload"]
    token = amazon.token("Atzr|local-seller-eu")
    assert amazon.call("GET", f"/mfn/v0/shipments/{shipment['ShipmentId']}", token).error[:2] == (404, "NotFound")
    assert amazon.call("DELETE", f"/mfn/v0/shipments/{shipment['ShipmentId']}", token).status == 404


def test_no_service_asks_for_anything_else(amazon: Local) -> None:
    body = {"ShippingServiceId": "LOCAL_PARCEL_GROUND", "ShipFromAddress": FROM, "OrderId": waiting(amazon).id}
    answer = amazon.call("POST", "/mfn/v0/additionalSellerInputs", body=body)
    fits(answer, "merchant_fulfillment_v0", "GetAdditionalSellerInputsResponse")
    assert answer.json["payload"] == {"ShipmentLevelFields": [], "ItemLevelFieldsList": []}
    assert amazon.call("POST", "/mfn/v0/additionalSellerInputs", body={**body, "OrderId": "1"}).status == 400
