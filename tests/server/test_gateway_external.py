"""External fulfillment and Easy Ship through the gateway on sockets: what is printed stays here, as does the buyer.

The local Amazon keeps the state of both, so that every answer here is one that follows from the calls before it.
"""

from __future__ import annotations

import base64
import io
import json
import zipfile
from dataclasses import replace
from typing import Any

from tests.emulator.test_external_shipments import lines, package
from tests.server.conftest import SELLER
from tests.server.test_gateway_whole import ID, an_order, warehouse

from sellerport.emulator import ledger

__all__ = ["warehouse"]

ROOT = "/passthrough-api/externalFulfillment/2024-09-11"
EASY_SHIP = "/passthrough-api/easyShip/2022-03-23"
GIFT = "From Aunt Philippa"


def an_order_with_a_gift(world: Any) -> Any:
    order = an_order(world)
    items = tuple(replace(item, gift_message=GIFT) for item in order.items)
    world.change_order(SELLER, replace(order, items=items))
    return world.account(SELLER).orders[order.id]


def personal(order: Any) -> list[bytes]:
    """All that tells who the buyer is, and what they wrote, as it would stand in an answer or a document."""
    address = order.address
    found = [address.name, address.line, address.city, address.postal_code, address.phone, order.email, GIFT]
    return [one.encode() for one in (*found, base64.b64encode(GIFT.encode()).decode())]


async def the_document(server: Any, told: Any) -> bytes:
    """Return the only document that an answer in label mode tells of, as this server has it."""
    (document,) = told["documents"]
    content: bytes = await server.hub.gateway.documents.content(server.tenant.id, ID, document["uuid"])
    assert (document["size"], document["format"]) == (len(content), "ZIP" if content[:2] == b"PK" else "PDF")
    return content


def test_a_shipment_of_external_fulfillment_is_printed_and_sent_and_nobody_hears_whose_it_is(warehouse):
    """§3.5: the labels of external fulfillment, and its invoices; §3.4: everything else that it answers."""

    async def scenario(ask, server):
        order = an_order_with_a_gift(server.world)
        path, buyer = f"{ROOT}/shipments/EF-{order.id}", personal(order)
        labels = {"x_amazon_order_id": order.id, "x_unique_shipment_id": "parcel-1"}

        async def good(method: str, path: str, body: Any = None, **fields: str) -> Any:
            status, _, text = await ask(method, path, body, **fields)
            assert status < 300, text
            assert not [one for one in buyer if one in text], text
            return json.loads(text) if text else None

        shipment = await good("GET", path)
        assert shipment["lineItems"][0]["merchantSku"] == order.items[0].sku
        assert shipment["shipmentInfo"]["buyerOrderId"] == order.id  # which label mode wants
        assert shipment["lineItems"][0]["giftAttributes"]["giftMessagePresence"] == "PRESENT"
        assert shipment["shippingInfo"]["shipToAddress"]["countryCode"] == order.address.country
        await good("POST", f"{path}?operation=CONFIRM")
        await good("POST", f"{path}/packages", {"packages": [package("box", lines(order))]})
        assert (await good("GET", f"{path}/shippingOptions?packageId=box"))["shippingOptions"]

        for method in ("POST", "GET"):
            assert "content" not in (await good(method, f"{path}/invoice"))["document"]
            told = (await good(method, f"{path}/invoice", **labels))["data"]
            assert told["scrubbed_response"]["document"]["content"] == {"uuid": told["documents"][0]["uuid"]}
            assert told["documents"][0]["kind"] == "invoice"
            assert order.address.line.encode() in await the_document(server, told)

        (plain,) = (await good("PUT", f"{path}/shipLabels?operation=GENERATE"))["packageShipLabelList"]
        assert plain["fileData"]["url"] == "{{url}}"
        told = (await good("PUT", f"{path}/shipLabels?operation=GENERATE", **labels))["data"]
        (label,) = told["scrubbed_response"]["packageShipLabelList"]
        assert label["fileData"]["url"] == {"uuid": told["documents"][0]["uuid"]}
        assert label["shipLabelMetadata"] == plain["shipLabelMetadata"]
        assert told["documents"][0]["kind"] == "label"
        content = await the_document(server, told)
        assert content.startswith(b"%PDF")
        assert label["shipLabelMetadata"]["trackingId"].encode() in content
        assert order.address.line.encode() in content

        await good("PATCH", f"{path}/packages/box", {"status": "SHIPPED"})
        (listed,) = [one for one in (await good("GET", f"{ROOT}/shipments?status=SHIPPED&maxResults=100"))["shipments"]
                     if one["id"] == shipment["id"]]  # fmt: skip
        assert listed["packages"][0]["status"] == "SHIPPED"
        assert server.world.account(SELLER).orders[order.id].status == "Shipped"

    warehouse(scenario)


def test_a_return_comes_without_the_code_that_its_buyer_has(warehouse):
    async def scenario(ask, server):
        posted = ledger.timeline(server.world, server.world.account(SELLER)).between(None, server.world.now())
        order = next(one.order for one in posted if one.refund and one.order.channel == "MFN")
        _, _, body = await ask("GET", f"{ROOT}/returns?maxResults=100")
        (one,) = [one for one in json.loads(body)["returns"] if one["merchantSku"] == order.items[0].sku]
        status, _, text = await ask("GET", f"{ROOT}/returns/{one['id']}")
        assert (status, json.loads(text)) == (200, one)
        assert one["otpDetails"]["otp"] == "{{otp}}"
        assert not [part for part in personal(order) if part in body]

    warehouse(scenario)


def test_what_easy_ship_prints_stays_here_as_one_file(warehouse):
    """§3.5: of Easy Ship, Amazon gives the address of a ZIP file, and to a restricted data token only."""

    async def scenario(ask, server):
        first, second = [
            one for one in server.world.account(SELLER).orders.values()
            if (one.status, one.channel) == ("Unshipped", "MFN")
        ][:2]  # fmt: skip
        path = f"{EASY_SHIP}/packages/bulk"
        answers = []
        for order, fields in ((first, {}), (second, {"x_unique_shipment_id": "parcel-1"})):
            fields |= {"x_amazon_order_id": order.id} if fields else {}
            asked = {
                "marketplaceId": order.marketplace.id,
                "labelFormat": "ZPL",
                "orderScheduleDetailsList": [{"amazonOrderId": order.id}],
            }
            status, _, body = await ask("POST", path, asked, **fields)
            assert status == 200, body
            assert not [one for one in personal(order) if one in body]
            answers.append(json.loads(body))
            query = f"amazonOrderId={order.id}&marketplaceId={order.marketplace.id}"
            status, _, body = await ask("GET", f"{EASY_SHIP}/package?{query}")
            assert json.loads(body)["scheduledPackageId"]["amazonOrderId"] == order.id
            assert not [one for one in personal(order) if one in body]
        assert answers[0]["printableDocumentsUrl"] == "{{printable_documents_url}}"
        told = answers[1]["data"]
        uuid = told["documents"][0]["uuid"]
        assert told["scrubbed_response"]["printableDocumentsUrl"] == {"uuid": uuid}
        assert told["documents"][0]["kind"] == "document"
        with zipfile.ZipFile(io.BytesIO(await the_document(server, told))) as archive:
            label = archive.read(f"label-{second.id}.zpl")
        (scheduled,) = told["scrubbed_response"]["scheduledPackages"]
        assert scheduled["trackingDetails"]["trackingId"].encode() in label
        assert second.address.line.encode() in label

    warehouse(scenario)
