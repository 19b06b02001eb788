"""A vendor's orders from customers (direct fulfillment), from the acknowledgement to the parcel, over the gateway."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest
from tests.server.receiver import receiving
from tests.server.test_gateway_whole import ID
from tests.server.test_gateway_whole import warehouse as warehouse  # a fixture

VENDOR = "ALOCALVENDORNA"
ROOT = "/passthrough-api/vendor/directFulfillment"
ORDERS, SHIPPING = f"{ROOT}/orders/2021-12-28", f"{ROOT}/shipping/2021-12-28"
DAY = 86_400


def iso(when: float) -> str:
    return f"{datetime.fromtimestamp(when, UTC):%Y-%m-%dT%H:%M:%SZ}"


def week(now: float) -> str:
    return f"createdAfter={iso(now - 7 * DAY)}&createdBefore={iso(now)}"


def personal(order) -> set[bytes]:
    """Return what of an order nobody is to see; a postal code could be in any number, and is one as a whole value."""
    to = order.address
    found = {to.name, to.line, f'"{to.postal_code}"', to.phone, *([order.gift] if order.gift else [])}
    return {one.encode() for one in found}


def shown(body: bytes, orders) -> set[bytes]:
    """Return the personal data in an answer, be it in a file that it holds."""
    texts, waiting = [body], [json.loads(body)]
    while waiting:
        here = waiting.pop()
        if isinstance(here, str):
            try:
                texts.append(base64.b64decode(here, validate=True))
            except ValueError:
                continue
        elif isinstance(here, list | dict):
            waiting += here.values() if isinstance(here, dict) else here
    return {canary for order in orders for canary in personal(order) if any(canary in text for text in texts)}


@pytest.fixture
def device_hub():
    with receiving() as made:
        yield made


class Vendor:
    """What a vendor's warehouse asks."""

    def __init__(self, ask, server, account=VENDOR) -> None:
        self.ask, self.world = ask, server.world
        self.direct = server.world.direct_of(account)
        self.orders = self.direct.orders.values()
        self.code = server.world.vendors[account].code

    def order(self, warehouse="1"):
        return next(one for one in self.orders if one.status == "NEW" and one.warehouse.endswith(warehouse))

    def parties(self, order):
        return {"sellingParty": {"partyId": self.code}, "shipFromParty": {"partyId": order.warehouse}}

    def items(self, order, quantity, number=int):
        return [
            {
                "itemSequenceNumber": number(line.number),
                "buyerProductIdentifier": line.product.asin,
                quantity: {"amount": line.quantity, "unitOfMeasure": "Each"},
            }
            for line in order.lines
        ]

    async def accept(self, order):
        said = {
            "purchaseOrderNumber": order.number,
            **self.parties(order),
            "vendorOrderNumber": "V1",
            "acknowledgementDate": iso(self.world.now()),
            "acknowledgementStatus": {"code": "00"},
            "itemAcknowledgements": self.items(order, "acknowledgedQuantity", str),
        }
        return await self.submit(f"{ORDERS}/acknowledgements", {"orderAcknowledgements": [said]})

    async def leave(self, order):
        details = {"shippedDate": iso(self.world.now()), "shipmentStatus": "SHIPPED"}
        said = {"purchaseOrderNumber": order.number, **self.parties(order), "shipmentDetails": details}
        said["items"] = self.items(order, "shippedQuantity")
        return await self.submit(f"{SHIPPING}/shipmentConfirmations", {"shipmentConfirmations": [said]})

    async def submit(self, path, asked):
        """Submit something, and return what its transaction says."""
        status, _, body = await self.ask("POST", path, asked)
        assert status == 202, body
        id = json.loads(body)["transactionId"]
        status, _, body = await self.ask("GET", f"{ROOT}/transactions/2021-12-28/transactions/{id}")
        assert status == 200, body
        return json.loads(body)["transactionStatus"]["status"]


def labels(order, parcel="parcel-1"):
    """Return what asks for label mode: Amazon's order is the customer's, whatever number the vendor's has."""
    return {"x_amazon_order_id": order.customer_number, "x_unique_shipment_id": parcel}


def test_a_vendors_label_is_made_kept_and_printed_and_the_parcel_leaves(warehouse, sqlite_house, device_hub):
    """§3.5, §3.8; acceptance test 14, for a vendor, whose warehouses have labels of two formats."""

    async def scenario(ask, server):
        sqlite_house.sql("UPDATE tenants SET device_hub = :url", url=device_hub.url.removesuffix("/hook"))
        vendor, path = Vendor(ask, server), f"{SHIPPING}/shippingLabels"
        for number, format, begins in (("1", "ZPL", b"^XA"), ("2", "PNG", b"\x89PNG")):
            order = vendor.order(number)
            asked, parcel = vendor.parties(order), labels(order, f"parcel-{number}")
            status, _, body = await ask("POST", f"{path}/{order.number}", asked, **parcel)
            assert (status, json.loads(body)["errors"][0]["code"]) == (409, "Conflict")  # nobody has accepted it
            assert await vendor.accept(order) == "Success"
            status, _, body = await ask("POST", f"{path}/{order.number}", asked, **parcel)
            assert (status, shown(body, [order])) == (200, set()), body
            made = json.loads(body)["data"]
            (document,) = made["documents"]
            assert (document["format"], document["kind"]) == (format, "label")
            (data,) = made["scrubbed_response"]["labelData"]
            assert data["content"] == {"uuid": document["uuid"]}
            job = {"shipment_id": made["shipment_id"], "printer_type": "label", "printer_id": "p-1"}
            status, _, body = await ask("POST", "/api/print/send", {**job, "label_uuids": [document["uuid"]]})
            assert status == 200, body
            (sent,) = device_hub.received[-1].json["documents"]
            printed = base64.b64decode(sent["content"])
            assert printed.startswith(begins)
            assert (order.address.line.encode() in printed) == (format == "ZPL")  # a PNG has the bar code alone
            status, _, body = await ask("GET", f"{path}/{order.number}", **parcel)
            assert json.loads(body)["data"]["documents"] == made["documents"]
            assert await vendor.leave(order) == "Success"
            status, _, body = await ask("GET", f"{ORDERS}/purchaseOrders/{order.number}")
            assert json.loads(body)["orderDetails"]["orderStatus"] == "SHIPPED"

    warehouse(scenario, account=VENDOR)


@pytest.mark.parametrize("privacy", ["placeholders", "remove"])
def test_no_customer_of_a_vendor_is_seen_in_orders_labels_or_slips(warehouse, sqlite_house, privacy):
    """§3.3; acceptance test 12, for a vendor."""

    async def scenario(ask, server):
        sqlite_house.sql("UPDATE tenants SET privacy = :privacy", privacy=privacy)
        vendor = Vendor(ask, server)
        order = vendor.order()
        assert await vendor.accept(order) == "Success"
        await ask("POST", f"{SHIPPING}/shippingLabels/{order.number}", vendor.parties(order))
        for path in (f"{ORDERS}/purchaseOrders", f"{SHIPPING}/shippingLabels", f"{SHIPPING}/packingSlips"):
            for asked in (f"{path}?{week(server.world.now())}", f"{path}/{order.number}"):
                status, fields, body = await ask("GET", asked)
                assert (status, shown(body, vendor.orders)) == (200, set()), asked
                assert fields["x-adb-scrub"].startswith("v")
                assert order.number.encode() in body
                assert b'"content":"JVBE' not in body
        status, _, body = await ask("GET", f"{ORDERS}/purchaseOrders/{order.number}")
        details = json.loads(body)["orderDetails"]
        assert details["customerOrderNumber"] == order.customer_number
        assert details["sellingParty"] == {"partyId": vendor.code}
        assert details["shipToParty"]["countryCode"] == order.address.country
        assert details["shipToParty"].get("name") == ("{{ship_to_name}}" if privacy == "placeholders" else None)

    warehouse(scenario, account=VENDOR)


def test_papers_and_pallets_labels_stay_here_too_and_are_what_amazon_printed(warehouse):
    async def scenario(ask, server):
        vendor = Vendor(ask, server)
        order, documents = vendor.order(), server.hub.gateway.documents
        assert await vendor.accept(order) == "Success"
        path = f"{SHIPPING}/shippingLabels/{order.number}"
        status, _, body = await ask("POST", path, vendor.parties(order), **labels(order))
        (data,) = json.loads(body)["data"]["scrubbed_response"]["labelData"]
        pallet = {
            **vendor.parties(order),
            "carrierId": "SWA",
            "vendorContainerId": "PALLET1",
            "packages": [{"packageTrackingNumber": data["trackingNumber"]}],
        }
        for method, place, asked, kind, printed in (
            ("GET", f"packingSlips/{order.number}", None, "packing_slip", order.address.line),
            ("POST", "containerLabel", pallet, "label", "PALLET SWA"),
        ):
            status, _, body = await ask(method, f"{SHIPPING}/{place}", asked, **labels(order))
            assert (status, shown(body, vendor.orders)) == (200, set()), body
            (document,) = json.loads(body)["data"]["documents"]
            assert document["kind"] == kind
            assert printed.encode() in await documents.content(server.tenant.id, ID, document["uuid"])
            status, _, body = await ask(method, f"{SHIPPING}/{place}", asked)
            assert (status, shown(body, vendor.orders)) == (200, set()), body
            assert b"JVBE" not in body
            assert b"XlhB" not in body  # ^XA in Base64

    warehouse(scenario, account=VENDOR)


def test_an_invoice_for_a_customer_stays_here(warehouse, sqlite_house):
    sqlite_house.world.add_account(("IN",), selling_partner_id="AVENDORIN", name="Neelkamal Glass", kind="vendor")

    async def scenario(ask, server):
        vendor = Vendor(ask, server, "AVENDORIN")
        order = vendor.order()
        assert await vendor.accept(order) == "Success"
        path = f"{SHIPPING}/customerInvoices"
        status, _, body = await ask("GET", f"{path}/{order.number}", **labels(order))
        assert (status, shown(body, vendor.orders)) == (200, set()), body
        (document,) = json.loads(body)["data"]["documents"]
        assert document["kind"] == "invoice"
        content = await server.hub.gateway.documents.content(server.tenant.id, ID, document["uuid"])
        assert order.address.name.encode() in content
        for asked in (f"{path}/{order.number}", f"{path}?{week(server.world.now())}"):
            status, _, body = await ask("GET", asked)
            assert (status, shown(body, vendor.orders)) == (200, set()), asked
            assert order.number.encode() in body
            assert b"JVBE" not in body

    warehouse(scenario, account="AVENDORIN", country="IN")
