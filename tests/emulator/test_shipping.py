import base64
import json
from typing import Any

import pytest

from .conftest import NOW, Local, Reply
from .test_orders import fits, iso, sold
from .test_shipment_confirmation import waiting

FROM = {
    "name": "Larkhollow",
    "addressLine1": "1 Depot Row",
    "stateOrRegion": "OR",
    "city": "Fairmeadow",
    "countryCode": "US",
    "postalCode": "97099",
}
TO = {**FROM, "name": "Wren Halloway", "addressLine1": "77 Larkspur Ave", "city": "Eastbrook", "postalCode": "43099"}
MAGIC = {"PDF": b"%PDF-1.4", "PNG": b"\x89PNG\r\n", "ZPL": b"^XA"}
OUTSIDE = {"channelType": "EXTERNAL"}


def package(reference: str = "box-1", grams: float = 800) -> dict[str, Any]:
    return {
        "dimensions": {"length": 20, "width": 15, "height": 10, "unit": "CENTIMETER"},
        "weight": {"unit": "GRAM", "value": grams},
        "insuredValue": {"value": 0, "unit": "USD"},
        "packageClientReferenceId": reference,
        "items": [{"quantity": 1}],
    }


def printed(format: str = "PDF", **more: Any) -> dict[str, Any]:
    size = {"width": 4, "length": 6, "unit": "INCH"}
    documents = {"needFileJoining": False, "requestedDocumentTypes": ["LABEL"]}
    return {"format": format, "size": size, **documents, **more}


def rates(amazon: Local, *packages: Any, **more: Any) -> Reply:
    body = {"shipFrom": FROM, "shipTo": TO, "packages": packages or [package()], "channelDetails": OUTSIDE, **more}
    return amazon.call("POST", "/shipping/v2/shipments/rates", body=body)


def purchase(amazon: Local, offered: Any, specification: Any = None, key: str = "", **more: Any) -> Reply:
    body = {
        "requestToken": offered["requestToken"],
        "rateId": offered["rates"][0]["rateId"],
        "requestedDocumentSpecification": specification or printed(),
        **more,
    }
    headers = {"x-amz-access-token": amazon.token()} | ({"x-amzn-IdempotencyKey": key} if key else {})
    return amazon.send("POST", "/shipping/v2/shipments", json.dumps(body), headers)


def bought(amazon: Local, *packages: Any, format: str = "PDF") -> Any:
    answer = purchase(amazon, rates(amazon, *packages).json["payload"], printed(format))
    assert answer.status == 200, answer.body
    return answer.json["payload"]


def contents(detail: Any) -> bytes:
    (document,) = detail["packageDocuments"]
    return base64.b64decode(document["contents"], validate=True)


def tracking(amazon: Local, id: str) -> Reply:
    return amazon.call("GET", "/shipping/v2/tracking", trackingId=id, carrierId="LOCAL_PARCEL")


@pytest.mark.parametrize("format", ["PDF", "PNG", "ZPL"])
def test_a_rate_becomes_a_shipment_with_a_label_of_the_format_asked(amazon: Local, format: str) -> None:
    offers = rates(amazon)
    fits(offers, "shipping_v2", "GetRatesResponse")
    offered = offers.json["payload"]
    assert [one["serviceId"] for one in offered["rates"]] == ["LOCAL_PARCEL_GROUND", "LOCAL_PARCEL_EXPRESS"]
    assert [one["serviceId"] for one in offered["ineligibleRates"]] == ["LOCAL_PARCEL_LETTER"]
    assert offered["rates"][0]["totalCharge"]["unit"] == "USD"

    answer = purchase(amazon, offered, printed(format))
    fits(answer, "shipping_v2", "PurchaseShipmentResponse")
    shipment = answer.json["payload"]
    assert shipment["promise"] == offered["rates"][0]["promise"]
    (detail,) = shipment["packageDocumentDetails"]
    assert detail["packageClientReferenceId"] == "box-1"
    assert detail["packageDocuments"][0]["format"] == format
    assert contents(detail).startswith(MAGIC[format])
    path = f"/shipping/v2/shipments/{shipment['shipmentId']}/documents"
    again = amazon.call("GET", path, packageClientReferenceId="box-1")
    fits(again, "shipping_v2", "GetShipmentDocumentsResponse")
    assert again.json["payload"]["packageDocumentDetail"] == detail


def test_documents_can_be_had_in_another_format(amazon: Local) -> None:
    shipment = bought(amazon)
    path = f"/shipping/v2/shipments/{shipment['shipmentId']}/documents"
    answer = amazon.call("GET", path, packageClientReferenceId="box-1", format="ZPL", dpi="300")
    label = contents(answer.json["payload"]["packageDocumentDetail"]).decode()
    assert "^PW1200" in label
    assert shipment["packageDocumentDetails"][0]["trackingId"] in label
    assert "Wren Halloway" in label
    wrong = [
        amazon.call("GET", path, packageClientReferenceId="box-1", format="GIF"),
        amazon.call("GET", path, packageClientReferenceId="box-1", dpi="72"),
    ]
    assert [one.status for one in wrong] == [400, 400]
    assert amazon.call("GET", path, packageClientReferenceId="box-2").status == 404
    assert amazon.call("GET", "/shipping/v2/shipments/nobody/documents", packageClientReferenceId="box-1").status == 404


def test_every_parcel_has_a_label_and_a_number_of_its_own(amazon: Local) -> None:
    details = bought(amazon, package("a"), package("b"))["packageDocumentDetails"]
    assert [one["packageClientReferenceId"] for one in details] == ["a", "b"]
    assert details[0]["trackingId"] != details[1]["trackingId"]
    assert rates(amazon, package("a"), package("a")).status == 400


def test_a_rate_is_for_all_parcels_together(amazon: Local) -> None:
    def ground(*packages: Any) -> tuple[float, float]:
        (rate,) = [one for one in rates(amazon, *packages).json["payload"]["rates"] if "GROUND" in one["serviceId"]]
        return rate["totalCharge"]["value"], rate["billedWeight"]["value"]

    light, heavy = ground(package("a", 800)), ground(package("b", 4000))
    assert ground(package("a", 800), package("b", 4000)) == pytest.approx((light[0] + heavy[0], 4800))
    body = {"shipFrom": FROM, "shipTo": TO, "packages": [package("a"), package("b")], "channelDetails": OUTSIDE}
    more = {"labelSpecifications": printed(), "serviceSelection": {"serviceId": ["LOCAL_PARCEL_GROUND"]}}
    answer = amazon.call("POST", "/shipping/v2/oneClickShipment", body={**body, **more})
    assert answer.json["payload"]["totalCharge"]["value"] == pytest.approx(2 * light[0])


def test_no_rate_asks_for_anything_else(amazon: Local) -> None:
    offered = rates(amazon).json["payload"]
    path, token = "/shipping/v2/shipments/additionalInputs/schema", offered["requestToken"]
    rate = offered["rates"][0]["rateId"]
    assert amazon.good("GET", path, requestToken=token, rateId=rate) == {"payload": {}}
    assert amazon.call("GET", path, requestToken=token, rateId="none").error[:2] == (400, "InvalidInput")


def test_the_same_idempotency_key_buys_once(amazon: Local) -> None:
    offered = rates(amazon).json["payload"]
    first, same = (purchase(amazon, offered, key="once") for _ in range(2))
    assert first.json == same.json
    assert purchase(amazon, offered, printed("PNG"), key="once").status == 400
    assert purchase(amazon, offered, key="twice").json != first.json


def test_rates_stand_for_ten_minutes_and_for_one_account(amazon: Local) -> None:
    offered = rates(amazon).json["payload"]
    amazon.world.advance(599)
    assert purchase(amazon, offered).status == 200
    amazon.world.advance(1)
    assert purchase(amazon, offered).error == (400, "InvalidInput", "requestToken has expired")
    fresh = rates(amazon).json["payload"]
    assert purchase(amazon, {**fresh, "requestToken": "made-up"}).status == 400
    assert purchase(amazon, {**fresh, "rates": offered["rates"]}).status == 400
    eu = amazon.token("Atzr|local-seller-eu")
    body = {
        "requestToken": fresh["requestToken"],
        "rateId": fresh["rates"][0]["rateId"],
        "requestedDocumentSpecification": printed(),
    }
    assert amazon.call("POST", "/shipping/v2/shipments", eu, body).status == 400


@pytest.mark.parametrize(
    "more",
    [
        {"format": "PDF", "dpi": 72},
        {"size": {"width": 8, "length": 11, "unit": "INCH"}},
        {"requestedDocumentTypes": ["PACKSLIP"]},
        {"requestedDocumentTypes": []},
        {"needFileJoining": True},
        {"pageLayout": "FOUR_UP"},
    ],
)
def test_documents_that_no_rate_offers_are_refused(amazon: Local, more: dict[str, Any]) -> None:
    offered = rates(amazon).json["payload"]
    assert purchase(amazon, offered, {**printed(), **more}).error[:2] == (400, "InvalidInput")
    assert not amazon.world.parcels.bought


def test_an_order_of_amazons_goes_to_its_buyer(amazon: Local) -> None:
    order = waiting(amazon)
    channel = {"channelType": "AMAZON", "amazonOrderDetails": {"orderId": order.id}}
    body = {"shipFrom": FROM, "packages": [package()], "channelDetails": channel}
    offered = amazon.call("POST", "/shipping/v2/shipments/rates", body=body).json["payload"]
    (detail,) = purchase(amazon, offered, printed("ZPL")).json["payload"]["packageDocumentDetails"]
    assert order.address.line in contents(detail).decode()
    gone = next(one for one in sold(amazon) if (one.channel, one.status) == ("MFN", "Shipped"))
    for id in ("901-0000000-0000000", gone.id):
        channel["amazonOrderDetails"] = {"orderId": id}
        assert amazon.call("POST", "/shipping/v2/shipments/rates", body=body).status == 400
    outside = {**body, "channelDetails": OUTSIDE}
    assert amazon.call("POST", "/shipping/v2/shipments/rates", body=outside).status == 400


def test_a_parcel_is_followed_until_it_is_delivered(amazon: Local) -> None:
    shipment = bought(amazon)
    id = shipment["packageDocumentDetails"][0]["trackingId"]
    answers = []
    for _ in range(7):
        answers.append(tracking(amazon, id))
        fits(answers[-1], "shipping_v2", "GetTrackingResponse")
        amazon.world.advance(86_400 - 3600)
    seen = [one.json["payload"]["summary"]["status"] for one in answers]
    answer = answers[-1]
    assert seen[0] == "PreTransit"
    assert seen[-1] == "Delivered"
    assert set(seen) >= {"PreTransit", "InTransit", "Delivered"}
    assert answer.json["payload"]["promisedDeliveryDate"] == shipment["promise"]["deliveryWindow"]["end"]
    assert answer.json["payload"]["eventHistory"][-1]["location"]["city"] == "Eastbrook"
    times = [one["eventTime"] for one in answer.json["payload"]["eventHistory"]]
    assert times == sorted(times)
    assert times[0] == iso(NOW)
    assert tracking(amazon, "LP1").status == 404
    eu = amazon.token("Atzr|local-seller-eu")
    assert amazon.call("GET", "/shipping/v2/tracking", eu, trackingId=id, carrierId="LOCAL_PARCEL").status == 404


def test_a_shipment_is_given_back_once_and_before_it_is_picked_up(amazon: Local) -> None:
    shipment = bought(amazon)
    path = f"/shipping/v2/shipments/{shipment['shipmentId']}"
    assert amazon.call("PUT", f"{path}/cancel").json == {"payload": {}}
    assert amazon.call("PUT", f"{path}/cancel").status == 400
    assert amazon.call("GET", f"{path}/documents", packageClientReferenceId="box-1").status == 400
    id = shipment["packageDocumentDetails"][0]["trackingId"]
    assert tracking(amazon, id).json["payload"]["summary"]["status"] == "PickupCancelled"
    late = bought(amazon)
    amazon.world.advance(9 * 3600)
    assert amazon.call("PUT", f"/shipping/v2/shipments/{late['shipmentId']}/cancel").status == 400
    assert amazon.call("PUT", "/shipping/v2/shipments/nobody/cancel").status == 404


def test_one_click_buys_the_cheapest_of_the_services_named(amazon: Local) -> None:
    body = {"shipFrom": FROM, "shipTo": TO, "packages": [package()], "channelDetails": OUTSIDE}
    more = {"labelSpecifications": printed("PNG"), "serviceSelection": {"serviceId": ["LOCAL_PARCEL_EXPRESS"]}}
    answer = amazon.call("POST", "/shipping/v2/oneClickShipment", body={**body, **more})
    fits(answer, "shipping_v2", "OneClickShipmentResponse")
    assert answer.json["payload"]["service"]["id"] == "LOCAL_PARCEL_EXPRESS"
    assert contents(answer.json["payload"]["packageDocumentDetails"][0]).startswith(MAGIC["PNG"])
    more["serviceSelection"] = {"serviceId": ["LOCAL_PARCEL_EXPRESS", "LOCAL_PARCEL_GROUND"]}
    answer = amazon.call("POST", "/shipping/v2/oneClickShipment", body={**body, **more})
    assert answer.json["payload"]["service"]["id"] == "LOCAL_PARCEL_GROUND"
    more["serviceSelection"] = {"serviceId": ["NOBODY"]}
    assert amazon.call("POST", "/shipping/v2/oneClickShipment", body={**body, **more}).status == 400


def test_a_direct_purchase_needs_no_rates(amazon: Local) -> None:
    body = {"shipFrom": FROM, "shipTo": TO, "packages": [package()], "channelDetails": OUTSIDE}
    answer = amazon.call("POST", "/shipping/v2/shipments/directPurchase", body=body)
    fits(answer, "shipping_v2", "DirectPurchaseResponse")
    assert contents(answer.json["payload"]["packageDocumentDetailList"][0]).startswith(MAGIC["PDF"])
    del body["packages"]
    assert amazon.call("POST", "/shipping/v2/shipments/directPurchase", body=body).status == 400
