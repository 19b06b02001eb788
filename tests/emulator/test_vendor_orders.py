"""What Amazon orders from a vendor, and what the vendor's answers change."""

from collections.abc import Callable
from typing import Any

import jsonschema_rs
import pytest

from sellerport import catalog
from sellerport.emulator.purchases import Purchase, Vendor

from .conftest import Local, Reply

ORDERS, STATUS = "/vendor/orders/v1/purchaseOrders", "/vendor/orders/v1/purchaseOrdersStatus"
ACKNOWLEDGEMENTS, TRANSACTIONS = "/vendor/orders/v1/acknowledgements", "/vendor/transactions/v1/transactions"


@pytest.fixture
def call(amazon: Local) -> Callable[..., Reply]:
    token = amazon.token("Atzr|local-vendor-na")
    return lambda method, path, body=None, **query: amazon.call(method, path, token, body, **query)


@pytest.fixture
def vendor(amazon: Local) -> Vendor:
    return amazon.world.vendors["ALOCALVENDORNA"]


def fits(answer: Reply, operation: str) -> bool:
    found = catalog.find(operation)
    schemas = catalog.schemas(found.api)
    name = schemas.of(found).responses[str(answer.status)]
    jsonschema_rs.validate({"$ref": f"#/$defs/{name}", "$defs": schemas.definitions}, answer.json)
    return True


def new(vendor: Vendor) -> Purchase:
    return next(one for one in vendor.purchases.values() if one.state == "New")


def acknowledgement(vendor: Vendor, purchase: Purchase, *said: tuple[str, int, str]) -> dict[str, Any]:
    """Say the same of every line: so many pieces, in twelfths of the whole, are accepted or whatever it is."""
    items = [
        {
            "itemSequenceNumber": str(line.number),
            "orderedQuantity": {"amount": line.quantity},
            "itemAcknowledgements": [
                {
                    "acknowledgementCode": code,
                    "acknowledgedQuantity": {"amount": line.quantity * share // 12, "unitOfMeasure": unit},
                    **({"rejectionReason": "TemporarilyUnavailable"} if code == "Rejected" else {}),
                }
                for code, share, unit in said
            ],
        }
        for line in purchase.lines
    ]
    return {
        "purchaseOrderNumber": purchase.number,
        "sellingParty": {"partyId": vendor.code},
        "acknowledgementDate": "2026-09-21T14:00:00Z",
        "items": items,
    }


def test_a_purchase_order_is_found_and_is_what_was_listed(call: Callable[..., Reply], vendor: Vendor) -> None:
    answer = call("GET", ORDERS)
    assert fits(answer, "vendor_orders_v1.get_purchase_orders")
    listed = answer.json["payload"]["orders"]
    assert listed
    for one in listed:
        single = call("GET", f"{ORDERS}/{one['purchaseOrderNumber']}")
        assert fits(single, "vendor_orders_v1.get_purchase_order")
        assert single.json["payload"] == one
    assert call("GET", f"{ORDERS}/NOTHING1").error[:2] == (404, "NotFound")
    one = listed[-1]
    (line, *_) = one["orderDetails"]["items"]
    held = vendor.purchases[one["purchaseOrderNumber"]].lines[0]
    assert (line["amazonProductIdentifier"], line["orderedQuantity"]["amount"]) == (held.product.asin, held.quantity)
    assert one["orderDetails"]["sellingParty"] == {"partyId": vendor.code}


def test_a_seller_has_no_purchase_orders(amazon: Local, vendor: Vendor) -> None:
    assert amazon.call("GET", ORDERS).json["payload"]["orders"] == []
    number = next(iter(vendor.purchases))
    assert amazon.call("GET", f"{ORDERS}/{number}").status == 404


def test_purchase_orders_are_found_by_date_state_and_code(call: Callable[..., Reply], vendor: Vendor) -> None:
    def found(**query: str) -> list[str]:
        answer = call("GET", ORDERS, **query)
        return [one["purchaseOrderNumber"] for one in answer.json["payload"]["orders"]]

    week = {"createdAfter": "2026-08-01T00:00:00Z", "createdBefore": "2026-08-08T00:00:00Z"}
    start, end = 1_785_542_400, 1_786_147_200
    expected = [one.number for one in vendor.purchases.values() if start <= one.created <= end]
    assert found(**week) == expected
    assert expected
    assert found(**week, sortOrder="DESC") == expected[::-1]
    assert found(**week, purchaseOrderState="Closed") == expected
    assert found(**week, purchaseOrderState="New") == []
    assert found(**week, orderingVendorCode=vendor.code) == expected
    assert found(**week, orderingVendorCode="OTHER") == []
    assert found(**week, isPOChanged="true") == found(**week, poItemState="Cancelled") == []
    changed = found(changedAfter="2026-08-13T00:00:00Z", changedBefore="2026-08-20T00:00:00Z")
    assert changed == expected  # each was received twelve days after it came
    short = call("GET", ORDERS, **week, includeDetails="false").json["payload"]["orders"]
    assert short[0] == {"purchaseOrderNumber": expected[0], "purchaseOrderState": "Closed"}
    too_long = call("GET", ORDERS, createdAfter="2026-08-01T00:00:00Z", createdBefore="2026-08-08T00:00:01Z")
    assert too_long.error[:2] == (400, "InvalidInput")
    assert call("GET", ORDERS, createdAfter="2026-08-01T00:00:00Z").status == 400


def test_purchase_orders_come_in_pages(call: Callable[..., Reply]) -> None:
    week = {"createdAfter": "2026-08-01T00:00:00Z", "createdBefore": "2026-08-08T00:00:00Z"}
    every = call("GET", ORDERS, **week).json["payload"]
    assert "pagination" not in every
    pages: list[Any] = []
    token: dict[str, str] = {}
    while token or not pages:
        page = call("GET", ORDERS, **week, limit="1", **token).json["payload"]
        pages += page["orders"]
        token = page.get("pagination", {})
    assert pages == every["orders"]


def test_what_is_acknowledged_changes_the_order(amazon: Local, call: Callable[..., Reply], vendor: Vendor) -> None:
    purchase = new(vendor)
    amazon.world.advance(60)
    said = acknowledgement(vendor, purchase, ("Accepted", 9, "Eaches"), ("Rejected", 3, "Eaches"))
    answer = call("POST", ACKNOWLEDGEMENTS, {"acknowledgements": [said]})
    assert fits(answer, "vendor_orders_v1.submit_acknowledgement")
    id = answer.json["payload"]["transactionId"]
    assert id.endswith("-20260921141420")
    done = call("GET", f"{TRANSACTIONS}/{id}")
    assert done.json["payload"] == {"transactionStatus": {"transactionId": id, "status": "Success"}}
    assert call("GET", f"{ORDERS}/{purchase.number}").json["payload"]["purchaseOrderState"] == "Acknowledged"
    answer = call("GET", STATUS, purchaseOrderNumber=purchase.number)
    assert fits(answer, "vendor_orders_v1.get_purchase_orders_status")
    (status,) = answer.json["payload"]["ordersStatus"]
    assert (status["purchaseOrderStatus"], status["lastUpdatedDate"]) == ("OPEN", "2026-09-21T14:14:20Z")
    for line, one in zip(purchase.lines, status["itemStatus"], strict=True):
        acknowledged = one["acknowledgementStatus"]
        assert acknowledged["confirmationStatus"] == "PARTIALLY_ACCEPTED"
        assert acknowledged["acceptedQuantity"]["amount"] == line.quantity * 9 // 12
        assert acknowledged["rejectedQuantity"]["amount"] == line.quantity * 3 // 12
        assert one["receivingStatus"]["receiveStatus"] == "NOT_RECEIVED"


def test_an_order_of_which_everything_is_rejected_is_closed(call: Callable[..., Reply], vendor: Vendor) -> None:
    purchase = new(vendor)
    said = acknowledgement(vendor, purchase, ("Rejected", 12, "Eaches"))
    call("POST", ACKNOWLEDGEMENTS, {"acknowledgements": [said]})
    assert call("GET", f"{ORDERS}/{purchase.number}").json["payload"]["purchaseOrderState"] == "Closed"
    found = call("GET", STATUS, itemConfirmationStatus="REJECTED").json["payload"]["ordersStatus"]
    assert [one["purchaseOrderNumber"] for one in found] == [purchase.number]
    again = call("POST", ACKNOWLEDGEMENTS, {"acknowledgements": [said]}).json["payload"]["transactionId"]
    status = call("GET", f"{TRANSACTIONS}/{again}").json["payload"]["transactionStatus"]
    assert (status["status"], len(status["errors"])) == ("Failure", 1)


def test_what_does_not_fit_the_order_fails_and_changes_nothing(call: Callable[..., Reply], vendor: Vendor) -> None:
    purchase = new(vendor)
    fitting = acknowledgement(vendor, purchase, ("Accepted", 12, "Eaches"))
    too_few = acknowledgement(vendor, purchase, ("Accepted", 6, "Eaches"))
    stranger = {**fitting, "sellingParty": {"partyId": "OTHER"}}
    unknown = {**fitting, "purchaseOrderNumber": "NOTHING1"}
    no_line = {**fitting, "items": [*fitting["items"], {**fitting["items"][0], "itemSequenceNumber": "99"}]}
    twice = {**fitting, "items": [*fitting["items"], fitting["items"][0]]}
    silent = {**fitting, "items": []}
    shifted = acknowledgement(vendor, purchase, ("Accepted", 24, "Eaches"), ("Rejected", -12, "Eaches"))
    no_date = acknowledgement(vendor, purchase, ("Backordered", 12, "Eaches"))
    no_reason = acknowledgement(vendor, purchase, ("Rejected", 12, "Eaches"))
    del no_reason["items"][0]["itemAcknowledgements"][0]["rejectionReason"]
    before = call("GET", f"{ORDERS}/{purchase.number}").json
    for wrong in (too_few, stranger, unknown, no_line, twice, silent, shifted, no_date, no_reason):
        id = call("POST", ACKNOWLEDGEMENTS, {"acknowledgements": [wrong]}).json["payload"]["transactionId"]
        answer = call("GET", f"{TRANSACTIONS}/{id}")
        assert fits(answer, "vendor_transaction_status_v1.get_transaction")
        assert answer.json["payload"]["transactionStatus"]["status"] == "Failure"
        assert call("GET", f"{ORDERS}/{purchase.number}").json == before
    assert call("POST", ACKNOWLEDGEMENTS, {"acknowledgements": [{}]}).error[:2] == (400, "InvalidInput")


def test_what_is_backordered_says_when_it_comes(call: Callable[..., Reply], vendor: Vendor) -> None:
    purchase = new(vendor)
    said = acknowledgement(vendor, purchase, ("Backordered", 12, "Eaches"))
    for item in said["items"]:
        item["itemAcknowledgements"][0]["scheduledDeliveryDate"] = "2026-10-20T00:00:00Z"
    id = call("POST", ACKNOWLEDGEMENTS, {"acknowledgements": [said]}).json["payload"]["transactionId"]
    assert call("GET", f"{TRANSACTIONS}/{id}").json["payload"]["transactionStatus"]["status"] == "Success"
    (status,) = call("GET", STATUS, purchaseOrderNumber=purchase.number).json["payload"]["ordersStatus"]
    assert {one["acknowledgementStatus"]["confirmationStatus"] for one in status["itemStatus"]} == {"ACCEPTED"}


def test_a_date_that_is_none_is_refused(call: Callable[..., Reply]) -> None:
    for place in (ORDERS, STATUS):
        assert call("GET", place, createdBefore="2019-09-2100:00:00").error == (400, "InvalidRequest", "")


def test_how_far_orders_are_is_found_by_status_and_place(call: Callable[..., Reply], vendor: Vendor) -> None:
    old = {"createdAfter": "2026-08-01T00:00:00Z", "createdBefore": "2026-08-08T00:00:00Z"}

    def found(**query: str) -> list[Any]:
        return list(call("GET", STATUS, **old, **query).json["payload"]["ordersStatus"])

    every = found()
    assert every == found(purchaseOrderStatus="CLOSED") == found(itemReceiveStatus="RECEIVED")
    assert found(purchaseOrderStatus="OPEN") == found(itemConfirmationStatus="UNCONFIRMED") == []
    center = every[0]["shipToParty"]["partyId"]
    assert found(shipToPartyId=center) == [one for one in every if one["shipToParty"]["partyId"] == center]
    assert found(shipToPartyId="NOWHERE") == []
    recent = call("GET", STATUS, itemConfirmationStatus="UNCONFIRMED").json["payload"]["ordersStatus"]
    assert {one["purchaseOrderNumber"] for one in recent} == {
        one.number for one in vendor.purchases.values() if one.state == "New"
    }
