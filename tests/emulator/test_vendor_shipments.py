"""What a vendor sends to Amazon, and what of it the purchase orders say."""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from sellerport.emulator.purchases import Purchase, Vendor

from .conftest import NOW, Local
from .test_orders import iso

SHIPMENTS, CONFIRMATIONS = "/vendor/shipping/v1/shipments", "/vendor/shipping/v1/shipmentConfirmations"
LABELS, INVOICES = "/vendor/shipping/v1/transportLabels", "/vendor/payments/v1/invoices"
ORDERS, STATUS = "/vendor/orders/v1/purchaseOrders", "/vendor/orders/v1/purchaseOrdersStatus"
TRANSACTIONS = "/vendor/transactions/v1/transactions"
DAY = 86_400
ADDRESS = {"name": "Depot", "addressLine1": "1 Depot Row", "city": "Eastbrook", "countryCode": "US"}

Call = Callable[..., Any]


@pytest.fixture
def call(amazon: Local) -> Call:
    """Call as the vendor, with success; tokens end when the clock moves."""
    return lambda method, path, body=None, **query: amazon.good(
        method, path, amazon.token("Atzr|local-vendor-na"), body, **query
    )


@pytest.fixture
def vendor(amazon: Local) -> Vendor:
    return amazon.world.vendors["ALOCALVENDORNA"]


@pytest.fixture
def purchase(vendor: Vendor) -> Purchase:
    """An order that is acknowledged, with several lines."""
    return next(one for one in vendor.purchases.values() if one.state == "Acknowledged" and len(one.lines) > 1)


def parties(vendor: Vendor, purchase: Purchase) -> dict[str, Any]:
    return {
        "sellingParty": {"partyId": vendor.code},
        "shipFromParty": {"partyId": "DEPOT", "address": ADDRESS},
        "shipToParty": {"partyId": purchase.center},
    }


def confirmation(vendor: Vendor, purchase: Purchase, name: str = "ASN1", *, share: int = 12, **more: Any) -> Any:
    """Confirm a share, in twelfths, of every line."""
    items = [
        {
            "itemSequenceNumber": f"{place:03d}",
            "amazonProductIdentifier": line.product.asin,
            "shippedQuantity": {"amount": line.accepted * share // 12, "unitOfMeasure": "Eaches"},
            "itemDetails": {"purchaseOrderNumber": purchase.number},
        }
        for place, line in enumerate(purchase.lines, start=1)
    ]
    return {
        "shipmentIdentifier": name,
        "shipmentConfirmationType": "Original",
        "shipmentConfirmationDate": iso(NOW),
        **parties(vendor, purchase),
        "shippedItems": items,
        **more,
    }


def request(vendor: Vendor, purchase: Purchase, id: str = "T1", *, days: int = 5, **more: Any) -> Any:
    """Ask for the transport of an order."""
    return {
        "vendorShipmentIdentifier": id,
        "transactionType": "New",
        "transactionDate": iso(NOW),
        "shipmentFreightTerm": "Collect",
        **parties(vendor, purchase),
        "shipmentMeasurements": {"totalCartonCount": 3},
        "collectFreightPickupDetails": {"requestedPickUp": iso(NOW + days * DAY)},
        "purchaseOrders": [{"purchaseOrderNumber": purchase.number}],
        "transportationDetails": {"shipMode": "SmallParcel"},
        **more,
    }


def outcome(call: Call, path: str, name: str, *bodies: Any) -> tuple[str, int]:
    """Submit something, and return the status of its transaction and how many errors it has."""
    id = call("POST", path, {name: list(bodies)})["payload"]["transactionId"]
    said = call("GET", f"{TRANSACTIONS}/{id}")["payload"]["transactionStatus"]
    assert said["transactionId"] == id
    return said["status"], len(said.get("errors", ()))


def confirm(call: Call, body: Any) -> tuple[str, int]:
    return outcome(call, CONFIRMATIONS, "shipmentConfirmations", body)


def ask(call: Call, body: Any) -> tuple[str, int]:
    return outcome(call, SHIPMENTS, "shipments", body)


def shipments(call: Call, **query: str) -> list[Any]:
    return list(call("GET", SHIPMENTS, **query)["payload"]["shipments"])


def received(call: Call, purchase: Purchase) -> list[tuple[str, int]]:
    (status,) = call("GET", STATUS, purchaseOrderNumber=purchase.number)["payload"]["ordersStatus"]
    lines = (one["receivingStatus"] for one in status["itemStatus"])
    return [(one["receiveStatus"], one["receivedQuantity"]["amount"]) for one in lines]


GOOD = ("Success", 0)


def test_what_is_sent_is_received_when_it_arrives(
    amazon: Local, call: Call, vendor: Vendor, purchase: Purchase
) -> None:
    due = {"shippedDate": iso(NOW), "estimatedDeliveryDate": iso(NOW + 2 * DAY)}
    assert confirm(call, confirmation(vendor, purchase, **due)) == GOOD
    (shown,) = shipments(call, vendorShipmentIdentifier="ASN1")
    (order,) = shown["purchaseOrders"]
    assert order["purchaseOrderNumber"] == purchase.number
    assert [one["shippedQuantity"]["amount"] for one in order["items"]] == [one.accepted for one in purchase.lines]
    assert shown["currentShipmentStatus"] == "Shipped"
    assert shown["transportationDetails"] == due
    assert {status for status, _ in received(call, purchase)} == {"NOT_RECEIVED"}
    amazon.world.advance(2 * DAY)
    assert received(call, purchase) == [("RECEIVED", line.accepted) for line in purchase.lines]
    assert call("GET", f"{ORDERS}/{purchase.number}")["payload"]["purchaseOrderState"] == "Closed"
    (shown,) = shipments(call, vendorShipmentIdentifier="ASN1")
    assert shown["transportationDetails"]["shipmentDeliveryDate"] == iso(NOW + 2 * DAY)
    (status,) = call("GET", STATUS, purchaseOrderNumber=purchase.number)["payload"]["ordersStatus"]
    assert status["itemStatus"][0]["receivingStatus"]["lastReceiveDate"] == iso(NOW + 2 * DAY)


def test_an_order_stays_open_until_all_of_it_came(
    amazon: Local, call: Call, vendor: Vendor, purchase: Purchase
) -> None:
    assert confirm(call, confirmation(vendor, purchase, share=6)) == GOOD
    amazon.world.advance(30 * DAY)
    assert received(call, purchase) == [("PARTIALLY_RECEIVED", line.accepted // 2) for line in purchase.lines]
    assert call("GET", f"{ORDERS}/{purchase.number}")["payload"]["purchaseOrderState"] == "Acknowledged"
    assert confirm(call, confirmation(vendor, purchase, "ASN2")) == ("Failure", len(purchase.lines))
    assert confirm(call, confirmation(vendor, purchase, "ASN2", share=6)) == GOOD
    amazon.world.advance(30 * DAY)
    assert received(call, purchase) == [("RECEIVED", line.accepted) for line in purchase.lines]
    assert call("GET", f"{ORDERS}/{purchase.number}")["payload"]["purchaseOrderState"] == "Closed"


def test_a_confirmation_that_is_replaced_counts_no_more(
    amazon: Local, call: Call, vendor: Vendor, purchase: Purchase
) -> None:
    assert confirm(call, confirmation(vendor, purchase)) == GOOD
    replaced = confirmation(vendor, purchase, share=6, shipmentConfirmationType="Replace")
    assert confirm(call, replaced) == GOOD
    amazon.world.advance(30 * DAY)
    assert received(call, purchase) == [("PARTIALLY_RECEIVED", line.accepted // 2) for line in purchase.lines]
    assert confirm(call, replaced) == ("Failure", 1)


def test_what_does_not_fit_the_order_is_not_shipped(call: Call, vendor: Vendor, purchase: Purchase) -> None:
    good = confirmation(vendor, purchase)
    (item, *_) = good["shippedItems"]
    stranger = {**item, "amazonProductIdentifier": "B0NOTHING0"}
    unknown = {**item, "itemDetails": {"purchaseOrderNumber": "NOTHING1"}}
    new = next(one for one in vendor.purchases.values() if one.state == "New")
    too_many = {**item, "shippedQuantity": {"amount": 1, "unitOfMeasure": "Cases", "unitSize": 9999}}
    for wrong in (
        {**good, "shippedItems": [stranger]},
        {**good, "shippedItems": [unknown]},
        {**good, "shippedItems": [too_many]},
        {**good, "sellingParty": {"partyId": "OTHER"}},
        {**good, "shipmentConfirmationType": "Replace"},
        {**good, "shippedDate": "yesterday"},
        {**confirmation(vendor, purchase), "shipmentIdentifier": f"S{next(iter(vendor.purchases))}"},
    ):
        assert confirm(call, wrong) == ("Failure", 1)
    assert confirm(call, {**good, "shipToParty": {"partyId": "XX9"}}) == ("Failure", len(purchase.lines))
    items = [{**item, "shippedQuantity": {"amount": 1, "unitOfMeasure": "Eaches"}} for item in good["shippedItems"]]
    unacknowledged = confirmation(vendor, new)["shippedItems"][:1]
    unacknowledged[0]["shippedQuantity"]["amount"] = 1
    body = {**confirmation(vendor, new), "shippedItems": unacknowledged}
    assert confirm(call, body) == ("Failure", 1)
    assert shipments(call, vendorShipmentIdentifier="ASN1") == []
    assert confirm(call, {**good, "shippedItems": items}) == GOOD
    assert confirm(call, {**good, "shippedItems": items}) == ("Failure", 1)


def test_the_order_may_be_named_by_the_carton(amazon: Local, call: Call, vendor: Vendor, purchase: Purchase) -> None:
    quantity = {"amount": 2, "unitOfMeasure": "Eaches"}
    items = [{"itemSequenceNumber": "001", "shippedQuantity": quantity}]
    packed = {"itemReference": "001", "shippedQuantity": quantity}
    named = {**packed, "itemDetails": {"purchaseOrderNumber": purchase.number}}
    cartons = [{"cartonSequenceNumber": "001", "items": [named]}]
    assert confirm(call, confirmation(vendor, purchase, shippedItems=items)) == ("Failure", 1)
    assert confirm(call, confirmation(vendor, purchase, shippedItems=items, cartons=cartons)) == GOOD
    amazon.world.advance(30 * DAY)
    assert received(call, purchase)[0] == ("PARTIALLY_RECEIVED", 2)


def test_closed_orders_came_in_shipments(call: Call, vendor: Vendor) -> None:
    shown = {one["vendorShipmentIdentifier"]: one for one in shipments(call)}
    closed = [one for one in vendor.purchases.values() if one.closed]
    assert len(shown) == len(closed) > 0
    for one in closed:
        (order,) = shown[f"S{one.number}"]["purchaseOrders"]
        sent = [item["shippedQuantity"]["amount"] for item in order["items"]]
        assert sent == [line.received for line in one.lines if line.received]
    assert list(shown) == [f"S{one.number}" for one in closed]
    assert [one["vendorShipmentIdentifier"] for one in shipments(call, sortOrder="DESC")] == list(shown)[::-1]


def test_shipments_come_in_pages(amazon: Local, call: Call) -> None:
    every = shipments(call)
    pages: list[Any] = []
    token: dict[str, str] = {}
    while token or not pages:
        page = call("GET", SHIPMENTS, limit="2", sortOrder="ASC", **token)["payload"]
        assert len(page["shipments"]) <= 2
        pages += page["shipments"]
        token = page.get("pagination", {})
    assert pages == every
    first = call("GET", SHIPMENTS, limit="2")["payload"]["pagination"]
    other = amazon.call("GET", SHIPMENTS, amazon.token("Atzr|local-vendor-na"), sortOrder="DESC", **first)
    assert other.error[:2] == (400, "InvalidInput")
    assert amazon.call("GET", SHIPMENTS, amazon.token("Atzr|local-vendor-na"), limit="51").status == 400


def test_shipments_are_found_by_everything_that_can_be_asked(
    amazon: Local, call: Call, vendor: Vendor, purchase: Purchase
) -> None:
    assert ask(call, request(vendor, purchase)) == GOOD
    amazon.world.advance(2 * DAY)
    reference = shipments(call, vendorShipmentIdentifier="T1")[0]["buyerReferenceNumber"]
    sent = confirmation(vendor, purchase, amazonReferenceNumber=reference, estimatedDeliveryDate=iso(NOW + 4 * DAY))
    assert confirm(call, sent) == GOOD
    amazon.world.advance(3 * DAY)

    def found(**query: str) -> bool:
        return any(one["vendorShipmentIdentifier"] == "T1" for one in shipments(call, **query))

    dates = {
        "created": 0, "shipmentConfirmed": 2, "packageLabelCreated": 1, "shipped": 2, "estimatedDelivery": 4,
        "shipmentDelivery": 4, "requestedPickUp": 5, "scheduledPickUp": 5,
    }  # fmt: skip
    for name, day in dates.items():
        assert found(**{f"{name}After": iso(NOW + day * DAY), f"{name}Before": iso(NOW + day * DAY)}), name
        assert not found(**{f"{name}After": iso(NOW + day * DAY + 1)}), name
        assert not found(**{f"{name}Before": iso(NOW + day * DAY - 1)}), name
    names = {
        "currentShipmentStatus": "Shipped", "vendorShipmentIdentifier": "T1", "buyerReferenceNumber": reference,
        "buyerWarehouseCode": purchase.center, "sellerWarehouseCode": vendor.code,
    }  # fmt: skip
    for name, asked in names.items():
        assert found(**{name: asked}), name
        assert not found(**{name: "OTHER"}), name


def test_amazon_fetches_what_it_pays_for(amazon: Local, call: Call, vendor: Vendor, purchase: Purchase) -> None:
    assert ask(call, request(vendor, purchase)) == GOOD
    (shown,) = shipments(call, vendorShipmentIdentifier="T1")
    assert shown["currentShipmentStatus"] == "TransportationRequested"
    assert call("GET", LABELS)["payload"]["transportLabels"] == []
    amazon.world.advance(DAY)
    (shown,) = shipments(call, vendorShipmentIdentifier="T1")
    assert shown["currentShipmentStatus"] == "CarrierAssigned"
    assert shown["collectFreightPickupDetails"]["scheduledPickUp"] == iso(NOW + 5 * DAY)
    assert shown["packageLabelCreateDate"] == shown["collectFreightPickupDetails"]["carrierAssignmentDate"]
    (label,) = call("GET", LABELS, vendorShipmentIdentifier="T1")["payload"]["transportLabels"]
    assert label["shipmentInformation"]["totalLabelCount"] == len(label["labelData"]) == 3
    assert len({one["trackingId"] for one in label["labelData"]}) == 3
    assert all(base64.b64decode(one["label"]).startswith(b"%PDF-1.4") for one in label["labelData"])
    assert label["shipmentInformation"]["buyerReferenceNumber"] == shown["buyerReferenceNumber"]
    for query in ({"vendorShipmentIdentifier": "T2"}, {"labelCreatedBefore": iso(NOW)}, {"sellerWarehouseCode": "X"}):
        assert call("GET", LABELS, **query)["payload"]["transportLabels"] == []
    # the confirmation of the same name is of the same shipment
    assert confirm(call, confirmation(vendor, purchase, "T1")) == GOOD
    (shown,) = shipments(call, vendorShipmentIdentifier="T1")
    steps = [one["shipmentStatus"] for one in shown["shipmentStatusDetails"]]
    assert steps == ["Created", "TransportationRequested", "CarrierAssigned", "Shipped"]


def test_a_request_is_changed_until_a_carrier_is_assigned(
    amazon: Local, call: Call, vendor: Vendor, purchase: Purchase
) -> None:
    assert ask(call, request(vendor, purchase)) == GOOD
    more = {"shipmentMeasurements": {"totalCartonCount": 7}}
    assert ask(call, request(vendor, purchase, **more)) == GOOD
    assert ask(call, request(vendor, purchase, buyerReferenceNumber="1")) == ("Failure", 1)
    amazon.world.advance(DAY)
    assert ask(call, request(vendor, purchase)) == ("Failure", 1)
    assert ask(call, request(vendor, purchase, days=9, **more)) == GOOD
    (shown,) = shipments(call, vendorShipmentIdentifier="T1")
    assert shown["shipmentMeasurements"] == {"totalCartonCount": 7}
    assert shown["collectFreightPickupDetails"]["requestedPickUp"] == iso(NOW + 9 * DAY)
    assert ask(call, request(vendor, purchase, transactionType="Cancel")) == GOOD
    assert ask(call, request(vendor, purchase, days=12, **more)) == ("Failure", 1)
    assert confirm(call, confirmation(vendor, purchase, "T1")) == ("Failure", 1)
    (shown,) = shipments(call, vendorShipmentIdentifier="T1")
    assert shown["transactionType"] == "Cancel"
    assert call("GET", LABELS)["payload"]["transportLabels"] == []


def test_a_transport_is_for_acknowledged_orders_and_some_days_ahead(
    amazon: Local, call: Call, vendor: Vendor, purchase: Purchase
) -> None:
    new = next(one for one in vendor.purchases.values() if one.state == "New")
    for wrong in (
        request(vendor, new),
        request(vendor, purchase, days=1),
        request(vendor, purchase, purchaseOrders=[{"purchaseOrderNumber": "NOTHING1"}]),
        request(vendor, purchase, shipToParty={"partyId": "XX9"}),
        request(vendor, purchase, sellingParty={"partyId": "OTHER"}),
        request(vendor, purchase, collectFreightPickupDetails={"requestedPickUp": "soon"}),
        request(vendor, purchase, transactionType="Cancel"),
    ):
        assert ask(call, wrong) == ("Failure", 1)
    assert shipments(call, vendorShipmentIdentifier="T1") == []
    # NOW is a Monday, so Wednesday is two business days away, and from Thursday on, the next Monday
    assert ask(call, request(vendor, purchase, days=2)) == GOOD
    amazon.world.advance(3 * DAY)
    assert ask(call, request(vendor, purchase, "T2", days=6)) == ("Failure", 1)
    assert ask(call, request(vendor, purchase, "T2", days=7)) == GOOD


def test_what_is_shipped_cannot_be_rejected_any_more(call: Call, vendor: Vendor, purchase: Purchase) -> None:
    assert confirm(call, confirmation(vendor, purchase)) == GOOD
    said = {
        "purchaseOrderNumber": purchase.number,
        "sellingParty": {"partyId": vendor.code},
        "acknowledgementDate": iso(NOW),
        "items": [
            {
                "itemSequenceNumber": "1",
                "orderedQuantity": {"amount": purchase.lines[0].quantity},
                "itemAcknowledgements": [
                    {"acknowledgementCode": "Rejected", "acknowledgedQuantity": {"amount": purchase.lines[0].quantity}}
                ],
            }
        ],
    }
    assert outcome(call, "/vendor/orders/v1/acknowledgements", "acknowledgements", said) == ("Failure", 1)


def invoice(vendor: Vendor, purchase: Purchase, number: str = "R1", **more: Any) -> Any:
    line = purchase.lines[0]
    cost = {"currencyCode": purchase.marketplace.currency, "amount": str(line.cost)}
    item = {
        "itemSequenceNumber": 1,
        "amazonProductIdentifier": line.product.asin,
        "invoicedQuantity": {"amount": line.accepted, "unitOfMeasure": "Eaches"},
        "netCost": cost,
        "purchaseOrderNumber": purchase.number,
        **more,
    }
    return {
        "invoiceType": "Invoice",
        "id": number,
        "date": iso(NOW),
        "remitToParty": {"partyId": vendor.code},
        "invoiceTotal": cost,
        "items": [item],
    }


def test_each_piece_is_invoiced_once_at_the_cost_of_the_order(call: Call, vendor: Vendor, purchase: Purchase) -> None:
    def submit(body: Any) -> tuple[str, int]:
        return outcome(call, INVOICES, "invoices", body)

    good = invoice(vendor, purchase)
    half = {"invoicedQuantity": {"amount": purchase.lines[0].accepted // 2, "unitOfMeasure": "Eaches"}}
    for wrong in (
        {**good, "remitToParty": {"partyId": "OTHER"}},
        {**good, "date": iso(purchase.created - 1)},
        {**good, "items": [*good["items"], *good["items"]]},
        invoice(vendor, purchase, netCost={"currencyCode": purchase.marketplace.currency, "amount": "0.01"}),
        invoice(vendor, purchase, netCost={"currencyCode": "XXX", "amount": str(purchase.lines[0].cost)}),
        invoice(vendor, purchase, netCost={"currencyCode": "USD", "amount": "much"}),
        invoice(vendor, purchase, purchaseOrderNumber="NOTHING1"),
        invoice(vendor, purchase, amazonProductIdentifier="B0NOTHING0"),
        invoice(vendor, purchase, invoicedQuantity={"amount": 0, "unitOfMeasure": "Eaches"}),
    ):
        assert submit(wrong) == ("Failure", 1)
    assert submit(invoice(vendor, purchase, **half)) == GOOD
    assert submit(invoice(vendor, purchase, **half)) == ("Failure", 1)
    assert submit(invoice(vendor, purchase, "R2")) == ("Failure", 1)
    assert submit(invoice(vendor, purchase, "R2", **half)) == GOOD
    credit = {**invoice(vendor, purchase, "C1"), "invoiceType": "CreditNote"}
    credit["items"][0]["creditNoteDetails"] = {"referenceInvoiceNumber": "R9"}
    assert submit(credit) == ("Failure", 1)
    credit["items"][0]["creditNoteDetails"] = {"referenceInvoiceNumber": "R1"}
    assert submit(credit) == GOOD


def test_a_seller_has_no_shipments_and_an_unknown_transaction_is_none(amazon: Local, vendor: Vendor) -> None:
    assert amazon.good("GET", SHIPMENTS)["payload"]["shipments"] == []
    assert amazon.call("GET", f"{TRANSACTIONS}/1").error[:2] == (404, "NotFound")
