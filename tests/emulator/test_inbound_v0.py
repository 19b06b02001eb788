"""Version 0 of Fulfillment Inbound, which has the labels of the same shipments."""

from typing import Any

import pytest

from .conftest import NOW, Local, Reply
from .test_inbound import US, Flow, box, item, skus
from .test_orders import fits, iso


@pytest.fixture
def flow(amazon: Local) -> Flow:
    return Flow(amazon, amazon.token())


def v0(flow: Flow, path: str, **query: str) -> Reply:
    return flow.amazon.call("GET", f"/fba/inbound/v0{path}", flow.token, **query)


def test_version_0_has_the_labels_and_shows_the_same_shipments(flow: Flow) -> None:
    sku = skus(flow.amazon)[0]
    flow.start([item(sku, 4)])
    flow.pack([item(sku, 4)], [box(item(sku, 2), quantity=2)])
    (shipment,) = flow.place(warehouses=1)
    flow.ended(flow.carry([shipment], "AMAZON_PARTNERED_CARRIER"))
    number = flow.shipment(shipment)["shipmentConfirmationId"]
    answer = v0(flow, f"/shipments/{number}/labels", PageType="PackageLabel_Thermal", LabelType="UNIQUE")
    fits(answer, "fulfillment_inbound_v0", "GetLabelsResponse")
    stored = flow.amazon.fetch(answer.json["payload"]["DownloadURL"])
    assert stored.headers["content-type"] == "application/pdf"
    assert stored.body.count(b"/Type /Page ") == 2
    assert f"({number}U000002) Tj".encode() in stored.body
    assert flow.shipment(shipment)["status"] == "READY_TO_SHIP"

    query = {"QueryType": "SHIPMENT", "MarketplaceId": US}
    found = v0(flow, "/shipments", ShipmentIdList=number, **query)
    fits(found, "fulfillment_inbound_v0", "GetShipmentsResponse")
    assert [one["ShipmentId"] for one in found.json["payload"]["ShipmentData"]] == [number]
    held = v0(flow, f"/shipments/{number}/items")
    fits(held, "fulfillment_inbound_v0", "GetShipmentItemsResponse")
    assert [(one["SellerSKU"], one["QuantityShipped"]) for one in held.json["payload"]["ItemData"]] == [(sku, 4)]
    dates = {"QueryType": "DATE_RANGE", "MarketplaceId": US, "LastUpdatedBefore": iso(NOW + 9)}
    by_date = v0(flow, "/shipmentItems", LastUpdatedAfter=iso(NOW - 9), **dates)
    assert by_date.json["payload"] == held.json["payload"]
    assert v0(flow, "/shipmentItems", LastUpdatedAfter=iso(NOW + 5), **dates).json["payload"]["ItemData"] == []
    assert v0(flow, "/shipments/FBANOBODY/items").status == 404
    assert v0(flow, "/shipments", **query).status == 400
    assert v0(flow, f"/shipments/{number}/billOfLading").status == 400
    unknown = {"PageType": "PackageLabel_Thermal", "LabelType": "UNIQUE", "PackageLabelsToPrint": "U9"}
    assert v0(flow, f"/shipments/{number}/labels", **unknown).status == 400


def test_pallets_of_the_partner_have_a_bill_of_lading(flow: Flow) -> None:
    sku = skus(flow.amazon)[0]
    flow.start([item(sku, 8)])
    flow.pack([item(sku, 8)], [box(item(sku, 8))])
    (shipment,) = flow.place(warehouses=1)
    pallets: Any = [{"quantity": 2, "stackability": "STACKABLE"}]
    flow.ended(flow.carry([shipment], "AMAZON_PARTNERED_CARRIER", pallets=pallets))
    number = flow.shipment(shipment)["shipmentConfirmationId"]
    answer = v0(flow, f"/shipments/{number}/billOfLading")
    fits(answer, "fulfillment_inbound_v0", "GetBillOfLadingResponse")
    stored = flow.amazon.fetch(answer.json["payload"]["DownloadURL"]).body
    assert stored.count(b"/Type /Page ") == 1
    assert f"({number}) Tj".encode() in stored
    assert b"(2 pallets) Tj" in stored
    query = {"PageType": "PackageLabel_Plain_Paper", "LabelType": "PALLET"}
    labels = flow.amazon.fetch(v0(flow, f"/shipments/{number}/labels", **query).json["payload"]["DownloadURL"]).body
    assert labels.count(b"/Type /Page ") == 2
