"""What customers order and a vendor sends straight to them, from the acknowledgement to the invoice."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from sellerport import catalog
from sellerport.emulator.direct_orders import Direct, DirectOrder

from .conftest import NOW, Local, Reply
from .test_orders import iso

ROOT, DAY = "/vendor/directFulfillment", 86_400
VERSIONS = ("v1", "2021-12-28")
ORDERS = f"{ROOT}/orders/2021-12-28/purchaseOrders"
ACKNOWLEDGEMENTS = f"{ROOT}/orders/2021-12-28/acknowledgements"
SHIPPING = f"{ROOT}/shipping/2021-12-28"
LABELS, SLIPS, BILLS = (f"{SHIPPING}/{name}" for name in ("shippingLabels", "packingSlips", "customerInvoices"))
CONFIRMATIONS, UPDATES = f"{SHIPPING}/shipmentConfirmations", f"{SHIPPING}/shipmentStatusUpdates"
PALLETS, INVOICES = f"{SHIPPING}/containerLabel", f"{ROOT}/payments/v1/invoices"
STOCK, SANDBOX = f"{ROOT}/inventory/v1/warehouses", f"{ROOT}/sandbox/2021-10-28"
WEEK = {"createdAfter": iso(NOW - 7 * DAY), "createdBefore": iso(NOW)}
GOOD = ("Success", [])


@dataclass
class Vendor:
    """A vendor that brings a restricted data token where it has to; v1's answers are taken out of their envelopes."""

    amazon: Local
    account: str = "ALOCALVENDORNA"
    refresh_token: str = "Atzr|local-vendor-na"

    @property
    def code(self) -> str:
        return self.amazon.world.vendors[self.account].code

    @property
    def direct(self) -> Direct:
        return self.amazon.world.direct_of(self.account)

    def order(self, status: str = "NEW", warehouse: str = "1") -> DirectOrder:
        newest = reversed(self.direct.orders.values())
        return next(one for one in newest if one.status == status and one.warehouse.endswith(warehouse))

    def call(self, method: str, path: str, body: Any = None, **query: str) -> Reply:
        found = catalog.match(method, path)
        token = self.amazon.token(self.refresh_token)
        if found and found[0].restricted:
            resource = {"method": method, "path": found[0].path}
            asked = {"restrictedResources": [resource]}
            made = self.amazon.good("POST", "/tokens/2021-03-01/restrictedDataToken", token, asked)
            token = made["restrictedDataToken"]
        return self.amazon.call(method, path, token, body, **query)

    def good(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        answer = self.call(method, path, body, **query)
        assert answer.status < 300, answer.body
        return answer.json.get("payload", answer.json)

    def submit(self, path: str, name: str, *bodies: Any) -> tuple[str, list[str]]:
        """Submit something; return the status of its transaction, which both versions know, and what was wrong."""
        id = self.good("POST", path, {name: list(bodies)})["transactionId"]
        told = [self.good("GET", f"{ROOT}/transactions/{version}/transactions/{id}") for version in VERSIONS]
        said, newer = (one["transactionStatus"] for one in told)
        newer["errors"] = newer.get("errors", {}).get("errors")
        assert newer == {**said, "errors": said.get("errors")}
        assert said["transactionId"] == id
        return said["status"], [one["message"] for one in said.get("errors", ())]

    def status(self, order: DirectOrder) -> str:
        shown = self.good("GET", f"{ORDERS}/{order.number}")
        return str(shown["orderDetails"]["orderStatus"])

    # --- what is submitted

    def of(self, order: DirectOrder) -> dict[str, Any]:
        parties = {"sellingParty": {"partyId": self.code}, "shipFromParty": {"partyId": order.warehouse}}
        return {"purchaseOrderNumber": order.number, **parties}

    def acknowledgement(self, order: DirectOrder, code: str = "00") -> dict[str, Any]:
        return {
            **self.of(order),
            "vendorOrderNumber": "V1",
            "acknowledgementDate": iso(NOW),
            "acknowledgementStatus": {"code": code},
            "itemAcknowledgements": items(order, "acknowledgedQuantity", str),
        }

    def confirmation(self, order: DirectOrder, status: str = "SHIPPED", **more: Any) -> dict[str, Any]:
        details = {"shippedDate": iso(self.amazon.world.now()), "shipmentStatus": status}
        return {**self.of(order), "shipmentDetails": details, "items": items(order, "shippedQuantity"), **more}

    def update(self, order: DirectOrder, tracking: str, **more: Any) -> dict[str, Any]:
        place = {"name": "Depot", "addressLine1": "1 Depot Row", "countryCode": "US"}
        said = {"trackingNumber": tracking, "statusCode": "D1", "reasonCode": "NS", "statusLocationAddress": place}
        when = {"statusDateTime": iso(self.amazon.world.now())}
        return {**self.of(order), "statusUpdateDetails": {**said, **when, **more}}

    def invoice(self, order: DirectOrder, number: str = "R1", **more: Any) -> dict[str, Any]:
        money = {"currencyCode": order.marketplace.currency}
        lines = [
            {
                "itemSequenceNumber": str(line.number),
                "invoicedQuantity": {"amount": line.quantity, "unitOfMeasure": "Each"},
                "netCost": {**money, "amount": str(line.cost)},
                "purchaseOrderNumber": order.number,
                **more,
            }
            for line in order.lines
        ]
        parties = {"remitToParty": {"partyId": self.code}, "shipFromParty": {"partyId": order.warehouse}}
        total = {**money, "amount": "1"}
        return {"invoiceNumber": number, "invoiceDate": iso(NOW), "invoiceTotal": total, "items": lines, **parties}

    def accept(self, order: DirectOrder) -> DirectOrder:
        assert self.submit(ACKNOWLEDGEMENTS, "orderAcknowledgements", self.acknowledgement(order)) == GOOD
        return order

    def label(self, order: DirectOrder, **more: Any) -> Any:
        asked = self.of(order)
        del asked["purchaseOrderNumber"]
        return self.good("POST", f"{LABELS}/{order.number}", {**asked, **more})

    def confirm(self, *bodies: Any) -> tuple[str, list[str]]:
        return self.submit(CONFIRMATIONS, "shipmentConfirmations", *bodies)


def items(order: DirectOrder, quantity: str, number: Callable[[int], Any] = int) -> list[dict[str, Any]]:
    return [
        {
            "itemSequenceNumber": number(line.number),
            "buyerProductIdentifier": line.product.asin,
            quantity: {"amount": line.quantity, "unitOfMeasure": "Each"},
        }
        for line in order.lines
    ]


def containers(order: DirectOrder, *names: str, **more: Any) -> dict[str, Any]:
    """Return boxes, of which the first has all that was ordered."""
    boxes = [
        {
            "containerType": "Carton",
            "containerIdentifier": name,
            "weight": {"unitOfMeasure": "KG", "value": "1"},
            "packedItems": [] if place else items(order, "packedQuantity"),
            **{field: f"{value}{name}" for field, value in more.items()},
        }
        for place, name in enumerate(names)
    ]
    return {"containers": boxes}


@pytest.fixture
def vendor(amazon: Local) -> Vendor:
    return Vendor(amazon)


def test_both_versions_show_the_same_orders_and_each_alone(vendor: Vendor) -> None:
    listed = [vendor.good("GET", f"{ROOT}/orders/{one}/purchaseOrders", **WEEK)["orders"] for one in VERSIONS]
    for old, new in zip(*listed, strict=True):
        assert new["orderDetails"].pop("hasCustomizableItems") is False
        assert old == new
        number = old["purchaseOrderNumber"]
        assert vendor.good("GET", f"{ROOT}/orders/v1/purchaseOrders/{number}") == old
    assert len(listed[0]) > 10
    order = vendor.order()
    shown = next(one["orderDetails"] for one in listed[0] if one["purchaseOrderNumber"] == order.number)
    assert (shown["customerOrderNumber"], shown["orderStatus"]) == (order.customer_number, "NEW")
    assert shown["shipToParty"]["name"] == order.address.name
    assert shown["shipToParty"]["addressLine1"] == order.address.line
    assert [one["vendorProductIdentifier"] for one in shown["items"]] == [one.product.sku for one in order.lines]
    gifts = [one["orderDetails"] for one in listed[0] if one["orderDetails"]["shipmentDetails"]["isGift"]]
    assert {one["shipmentDetails"]["isPslipRequired"] for one in gifts} == {True}
    assert all("giftMessage" in one["items"][0]["giftDetails"] for one in gifts)
    assert vendor.call("GET", f"{ORDERS}/NOTHING1").error[:2] == (404, "NotFound")


def test_what_shows_a_customer_opens_to_a_restricted_data_token_alone(vendor: Vendor) -> None:
    order, plain = vendor.order("SHIPPED"), vendor.amazon.token(vendor.refresh_token)
    for path in (ORDERS, LABELS, SLIPS, BILLS):
        assert vendor.amazon.call("GET", path, plain, **WEEK).error == (403, "Unauthorized", "")
        assert vendor.amazon.call("GET", f"{path}/{order.number}", plain).status == 403
    asked = vendor.of(order)
    del asked["purchaseOrderNumber"]
    assert vendor.amazon.call("POST", f"{LABELS}/{order.number}", plain, asked).status == 403


def test_another_account_has_none_of_the_orders(vendor: Vendor) -> None:
    order = vendor.accept(vendor.order())
    vendor.label(order)
    seller = Vendor(vendor.amazon, "ALOCALSELLERNA", "Atzr|local-seller-na")
    vendor.amazon.world.add_account(("US",), selling_partner_id="AVENDOR2", kind="vendor")
    vendor.amazon.world.grant("AVENDOR2", refresh_token="Atzr|second")
    for other in (seller, Vendor(vendor.amazon, "AVENDOR2", "Atzr|second")):
        shown = other.good("GET", ORDERS, **WEEK)["orders"]
        assert order.number not in {one["purchaseOrderNumber"] for one in shown}
        assert bool(shown) == (other is not seller)
        for path in (ORDERS, LABELS, SLIPS):
            assert other.call("GET", f"{path}/{order.number}").status in (400, 404)
        request = vendor.of(order)
        status, errors = other.submit(LABELS, "shippingLabelRequests", request)
        assert (status, errors) == ("Failure", ["Invalid order ID."])


def test_orders_are_found_by_date_state_and_warehouse(vendor: Vendor) -> None:
    def found(**query: str) -> list[str]:
        shown = vendor.good("GET", ORDERS, **{**WEEK, **query})["orders"]
        return [one["purchaseOrderNumber"] for one in shown]

    recent = [one for one in vendor.direct.orders.values() if one.created >= NOW - 7 * DAY]
    assert found() == [one.number for one in recent]
    assert found(sortOrder="DESC") == found()[::-1]
    for status in ("NEW", "ACCEPTED", "SHIPPED"):
        expected = [one.number for one in recent if one.status == status]
        assert found(status=status) == expected != []
    for warehouse in vendor.direct.stock:
        expected = [one.number for one in recent if one.warehouse == warehouse]
        assert found(shipFromPartyId=warehouse) == expected != []
    assert found(shipFromPartyId="NOWHERE") == []
    assert found(createdBefore=iso(NOW - 2 * DAY)) == [one.number for one in recent if one.created <= NOW - 2 * DAY]
    (short, *_) = vendor.good("GET", ORDERS, **WEEK, includeDetails="false")["orders"]
    assert short == {"purchaseOrderNumber": recent[0].number}
    for path in (ORDERS, LABELS, SLIPS, BILLS):
        for span in ({"createdAfter": iso(NOW - 8 * DAY)}, {"createdAfter": iso(NOW + DAY)}, {"createdBefore": "x"}):
            answer = vendor.call("GET", path, **{**WEEK, **span})
            assert answer.error[:2] == (400, "InvalidRequest")
        assert vendor.call("GET", path, createdAfter=iso(NOW - DAY)).error[:2] == (400, "InvalidInput")


@pytest.mark.parametrize("path", [ORDERS, LABELS, SLIPS])
def test_lists_come_in_pages(vendor: Vendor, path: str) -> None:
    (name,) = vendor.good("GET", path, **WEEK)
    every = vendor.good("GET", path, **WEEK)[name]
    pages: list[Any] = []
    token: dict[str, str] = {}
    while token or not pages:
        page = vendor.good("GET", path, **WEEK, limit="4", **token)
        assert len(page[name]) <= 4
        pages += page[name]
        token = page.get("pagination", {})
    assert pages == every
    assert len(every) > 4


def test_an_acknowledged_order_is_accepted_or_cancelled_and_that_once(vendor: Vendor) -> None:
    taken, left = vendor.order(warehouse="1"), vendor.order(warehouse="2")
    both = vendor.acknowledgement(taken), vendor.acknowledgement(left, "03")
    assert vendor.submit(ACKNOWLEDGEMENTS, "orderAcknowledgements", *both) == GOOD
    assert (vendor.status(taken), vendor.status(left)) == ("ACCEPTED", "CANCELLED")
    old = f"{ROOT}/orders/v1/acknowledgements"
    status, errors = vendor.submit(old, "orderAcknowledgements", *both)
    assert (status, len(errors)) == ("Failure", 2)
    unknown = f"{ROOT}/transactions/2021-12-28/transactions/{vendor.amazon.world.uuid()}"
    assert vendor.call("GET", unknown).error[:2] == (400, "InvalidInput")


def test_what_does_not_fit_an_order_fails_and_changes_nothing(vendor: Vendor) -> None:
    order = vendor.order()
    fitting = vendor.acknowledgement(order)
    first, *rest = fitting["itemAcknowledgements"]
    fewer = {**first, "acknowledgedQuantity": {"amount": order.lines[0].quantity - 1}}
    stranger = {**first, "buyerProductIdentifier": "B0NOTHING1"}
    for change in (
        {"purchaseOrderNumber": "NOTHING1"},
        {"sellingParty": {"partyId": "OTHER"}},
        {"shipFromParty": {"partyId": "OTHER"}},
        {"acknowledgementStatus": {"code": "yes"}},
        {"itemAcknowledgements": rest},
        {"itemAcknowledgements": [fewer, *rest]},
        {"itemAcknowledgements": [first, *fitting["itemAcknowledgements"]]},
        {"itemAcknowledgements": [stranger, *rest]},
    ):
        status, errors = vendor.submit(ACKNOWLEDGEMENTS, "orderAcknowledgements", {**fitting, **change})
        assert (status, bool(errors)) == ("Failure", True), change
        assert vendor.status(order) == "NEW"
    assert vendor.call("POST", ACKNOWLEDGEMENTS, {"orderAcknowledgements": [{}]}).error[:2] == (400, "InvalidInput")


@pytest.mark.parametrize(("warehouse", "format"), [("1", "ZPL"), ("2", "PNG")])
def test_a_label_is_had_once_an_order_is_accepted_and_is_the_same_again(
    vendor: Vendor, warehouse: str, format: str
) -> None:
    order = vendor.order(warehouse=warehouse)
    asked = vendor.of(order)
    status, errors = vendor.submit(LABELS, "shippingLabelRequests", asked)
    assert (status, errors) == ("Failure", [f"The purchase order {order.number} is NEW."])
    del asked["purchaseOrderNumber"]
    refused = vendor.call("POST", f"{LABELS}/{order.number}", asked)
    assert (refused.status, refused.json["errors"][0]["code"]) == (409, "Conflict")
    assert vendor.call("GET", f"{LABELS}/{order.number}").status == 400
    made = vendor.label(vendor.accept(order))
    (data,) = made["labelData"]
    file = base64.b64decode(data["content"])
    if format == "ZPL":
        assert file.startswith(b"^XA")
        assert order.address.name.encode() in file
        assert data["trackingNumber"].encode() in file
    else:
        assert file.startswith(b"\x89PNG\r\n\x1a\n")
    assert made["labelFormat"] == format
    assert vendor.label(order) == made
    assert vendor.submit(f"{ROOT}/shipping/v1/shippingLabels", "shippingLabelRequests", vendor.of(order)) == GOOD
    for version in VERSIONS:
        path = f"{ROOT}/shipping/{version}/shippingLabels"
        assert vendor.good("GET", f"{path}/{order.number}") == made
        listed = vendor.good("GET", path, **WEEK, shipFromPartyId=order.warehouse)["shippingLabels"]
        assert made in listed
    assert vendor.status(order) == "ACCEPTED"
    vendor.amazon.world.advance(90 * DAY)
    assert vendor.call("GET", f"{LABELS}/{order.number}").error == (400, "InvalidInput", "")


def test_every_container_has_a_label_and_others_take_its_place(vendor: Vendor) -> None:
    order = vendor.accept(vendor.order())
    (only,) = vendor.label(order)["labelData"]
    made = vendor.label(order, **containers(order, "BOX1", "BOX2"))
    assert [one["packageIdentifier"] for one in made["labelData"]] == ["BOX1", "BOX2"]
    assert only["trackingNumber"] not in {one["trackingNumber"] for one in made["labelData"]}
    twice, strange = containers(order, "BOX1", "BOX1"), containers(order, "BOX1")
    strange["containers"][0]["packedItems"][0]["itemSequenceNumber"] = 99
    more = containers(order, "BOX1")
    more["containers"][0]["packedItems"][0]["packedQuantity"]["amount"] += 1
    for wrong in (twice, strange, more):
        assert vendor.call("POST", f"{LABELS}/{order.number}", {**vendor.of(order), **wrong}).status == 400
        assert vendor.submit(LABELS, "shippingLabelRequests", {**vendor.of(order), **wrong})[0] == "Failure"
    assert vendor.good("GET", f"{LABELS}/{order.number}") == made


def test_a_pallet_has_a_label_for_parcels_that_have_one(vendor: Vendor) -> None:
    order = vendor.accept(vendor.order())
    (data,) = vendor.label(order)["labelData"]
    asked = {
        **vendor.of(order),
        "carrierId": "SWA",
        "vendorContainerId": "PALLET1",
        "packages": [{"packageTrackingNumber": data["trackingNumber"]}],
    }
    label = vendor.good("POST", PALLETS, asked)["containerLabel"]
    file = base64.b64decode(label["content"])
    assert file.startswith(b"^XA")
    assert label["containerTrackingNumber"].encode() in file
    assert order.address.name.encode() not in file
    elsewhere = {"shipFromParty": {"partyId": vendor.order(warehouse="2").warehouse}}
    for wrong in ({"packages": [{"packageTrackingNumber": "LP1"}]}, elsewhere, {"sellingParty": {"partyId": "OTHER"}}):
        assert vendor.call("POST", PALLETS, {**asked, **wrong}).error[:2] == (400, "InvalidInput")


def test_an_order_that_is_accepted_has_a_packing_slip(vendor: Vendor) -> None:
    order = vendor.order()
    assert vendor.call("GET", f"{SLIPS}/{order.number}").error == (400, "InvalidInput", "")
    vendor.accept(order)
    slip = vendor.good("GET", f"{SLIPS}/{order.number}")
    file = base64.b64decode(slip["content"])
    assert file.startswith(b"%PDF-1.4")
    for printed in (order.customer_number, order.lines[0].product.title):
        assert printed.encode("latin-1") in file.replace(rb"\(", b"(").replace(rb"\)", b")")
    assert order.address.line.encode("latin-1") in file
    assert slip in vendor.good("GET", f"{ROOT}/shipping/v1/packingSlips", **WEEK)["packingSlips"]
    assert vendor.call("GET", f"{BILLS}/{order.number}").error == (400, "InvalidInput", "")
    assert vendor.good("GET", BILLS, **WEEK)["customerInvoices"] == []


def test_customers_in_india_get_an_invoice(amazon: Local) -> None:
    amazon.world.add_account(("IN",), selling_partner_id="AVENDORIN", kind="vendor", name="Neelkamal Glass")
    amazon.world.grant("AVENDORIN", refresh_token="Atzr|vendor-in")
    vendor = Vendor(amazon, "AVENDORIN", "Atzr|vendor-in")
    order = vendor.accept(vendor.order())
    bill = vendor.good("GET", f"{BILLS}/{order.number}")
    file = base64.b64decode(bill["content"])
    line = order.lines[0]
    assert f"{line.product.price('INR') * line.quantity} INR".encode() in file
    assert order.address.name.encode() in file
    assert bill in vendor.good("GET", BILLS, **WEEK)["customerInvoices"]
    assert vendor.good("GET", f"{ROOT}/shipping/v1/customerInvoices/{order.number}") == bill


def test_an_order_that_left_is_shipped_and_its_parcels_can_be_followed(vendor: Vendor) -> None:
    order = vendor.accept(vendor.order())
    (data,) = vendor.label(order)["labelData"]
    vendor.amazon.world.advance(3600)
    early = vendor.update(order, data["trackingNumber"])
    assert vendor.submit(UPDATES, "shipmentStatusUpdates", early)[0] == "Failure"
    assert vendor.confirm(vendor.confirmation(order)) == GOOD
    assert vendor.status(order) == "SHIPPED"
    assert vendor.confirm(vendor.confirmation(order))[0] == "Failure"
    asked = vendor.of(order)
    assert vendor.submit(LABELS, "shippingLabelRequests", asked)[0] == "Failure"
    assert vendor.good("GET", f"{LABELS}/{order.number}")["labelData"] == [data]
    vendor.amazon.world.advance(3600)
    assert vendor.submit(UPDATES, "shipmentStatusUpdates", vendor.update(order, data["trackingNumber"])) == GOOD
    assert [(one.status, one.when) for one in order.updates] == [("D1", vendor.amazon.world.now())]
    for wrong in ({"trackingNumber": "LP1"}, {"statusDateTime": iso(NOW)}, {"statusDateTime": iso(NOW + DAY)}):
        update = vendor.update(order, data["trackingNumber"], **wrong)
        assert vendor.submit(UPDATES, "shipmentStatusUpdates", update)[0] == "Failure"
    assert len(order.updates) == 1


def test_a_confirmation_that_does_not_fit_fails_and_changes_nothing(vendor: Vendor) -> None:
    order = vendor.accept(vendor.order())
    assert vendor.confirm(vendor.confirmation(order))[1] == [
        f"The shipment of purchase order {order.number} has no trackingNumber."
    ]
    own = containers(order, "1", trackingNumber="My carrier/", shipMethod="MINE")
    fitting = vendor.confirmation(order, **own)
    details = fitting["shipmentDetails"]
    for change in (
        {"purchaseOrderNumber": "NOTHING1"},
        {"sellingParty": {"partyId": "OTHER"}},
        {"items": []},
        {"shipmentDetails": {**details, "shippedDate": iso(NOW + DAY)}},
        {"shipmentDetails": {**details, "shippedDate": "2020-01-01T00:00:00Z"}},
        containers(order, "1", trackingNumber="X"),
    ):
        status, errors = vendor.confirm({**fitting, **change})
        assert (status, bool(errors)) == ("Failure", True), change
        assert vendor.status(order) == "ACCEPTED"
    assert vendor.confirm(fitting) == GOOD
    update = vendor.update(order, "My carrier/1")
    assert vendor.submit(UPDATES, "shipmentStatusUpdates", update) == GOOD


def test_an_order_that_cannot_leave_is_cancelled(vendor: Vendor) -> None:
    order = vendor.accept(vendor.order())
    assert vendor.confirm(vendor.confirmation(order, "FLOOR_DENIAL")) == GOOD
    assert vendor.status(order) == "CANCELLED"


def test_what_was_shipped_is_invoiced_once(vendor: Vendor) -> None:
    order, waiting = vendor.order("SHIPPED"), vendor.order("ACCEPTED")

    def invoice(*bodies: Any) -> tuple[str, list[str]]:
        return vendor.submit(INVOICES, "invoices", *bodies)

    dear = {"netCost": {"currencyCode": order.marketplace.currency, "amount": "1000000"}}
    strange = {"netCost": {"currencyCode": order.marketplace.currency, "amount": "much"}}
    many = {"invoicedQuantity": {"amount": 99, "unitOfMeasure": "Each"}}
    fitting = vendor.invoice(order)
    for wrong in (
        vendor.invoice(waiting),
        vendor.invoice(order, **dear),
        vendor.invoice(order, **strange),
        vendor.invoice(order, **many),
        vendor.invoice(order, purchaseOrderNumber="NOTHING1"),
        {**fitting, "remitToParty": {"partyId": "OTHER"}},
        {**fitting, "shipFromParty": {"partyId": "OTHER"}},
        {**fitting, "invoiceDate": "today"},
    ):
        assert invoice(wrong)[0] == "Failure", wrong
    assert invoice(fitting) == GOOD
    assert invoice(fitting)[0] == "Failure"
    assert invoice(vendor.invoice(order, "R2"))[0] == "Failure"


def test_a_warehouses_stock_is_what_was_said_of_it(vendor: Vendor) -> None:
    warehouse, other = vendor.direct.stock
    mug, bowl = vendor.amazon.world.account(vendor.account).products[:2]

    def say(*listed: Any, full: bool = False, place: str = warehouse, seller: str = "") -> str:
        update = {"sellingParty": {"partyId": seller or vendor.code}, "isFullUpdate": full, "items": list(listed)}
        id = vendor.good("POST", f"{STOCK}/{place}/items", {"inventory": update})["transactionId"]
        said = vendor.good("GET", f"{ROOT}/transactions/v1/transactions/{id}")["transactionStatus"]
        return str(said["status"])

    def of(pieces: int, **named: Any) -> dict[str, Any]:
        return {**named, "availableQuantity": {"amount": pieces, "unitOfMeasure": "Each"}}

    assert say(of(10, vendorProductIdentifier=mug.sku), of(4, buyerProductIdentifier=bowl.asin)) == "Success"
    assert vendor.direct.stock == {warehouse: {mug.sku: 10, bowl.sku: 4}, other: {}}
    for wrong in (of(1), of(1, vendorProductIdentifier="X"), of(-1, vendorProductIdentifier=mug.sku)):
        assert say(of(7, vendorProductIdentifier=mug.sku), wrong) == "Failure"
    both = {"vendorProductIdentifier": mug.sku, "buyerProductIdentifier": bowl.asin}
    assert say(of(1, **both)) == say(seller="OTHER") == "Failure"
    assert vendor.direct.stock[warehouse] == {mug.sku: 10, bowl.sku: 4}
    assert say(of(3, vendorProductIdentifier=mug.sku), full=True) == "Success"
    stock = vendor.direct.stock[warehouse]
    assert (stock[mug.sku], stock[bowl.sku], len(stock)) == (3, 0, 40)
    assert say(of(3, vendorProductIdentifier=mug.sku, isObsolete=True)) == "Success"
    assert vendor.direct.stock[warehouse][mug.sku] == 0
    answer = vendor.call("POST", f"{STOCK}/NOWHERE/items", {})
    assert answer.error[:2] == (400, "InvalidInput")


def test_orders_for_a_test_are_orders_like_others(vendor: Vendor) -> None:
    place = vendor.order().warehouse
    wanted = {"sellingParty": {"partyId": vendor.code}, "shipFromParty": {"partyId": place}}

    def made(*asked: Any) -> Any:
        id = vendor.good("POST", f"{SANDBOX}/orders", {"orders": list(asked)})["transactionId"]
        return vendor.good("GET", f"{SANDBOX}/transactions/{id}")["transactionStatus"]

    done = made(wanted, wanted)
    assert done["status"] == "SUCCESS"
    scenarios = done["testCaseData"]["scenarios"]
    assert [one["scenarioId"] for one in scenarios] == ["SCENARIO_1", "SCENARIO_2"]
    numbers = [order["orderId"] for one in scenarios for order in one["orders"]]
    assert len({*numbers}) == 4
    listed = vendor.good("GET", ORDERS, **WEEK, status="NEW", shipFromPartyId=place)["orders"]
    assert {*numbers} <= {one["purchaseOrderNumber"] for one in listed}
    vendor.label(vendor.accept(vendor.direct.orders[numbers[0]]))
    assert made({**wanted, "sellingParty": {"partyId": "OTHER"}})["status"] == "FAILURE"
    assert vendor.call("GET", f"{SANDBOX}/transactions/1").status == 404
