"""The audit as the gateway's contract writes it (§4.2)."""

from __future__ import annotations

import base64
from dataclasses import replace

import msgspec
from tests.server.conftest import PUBLIC, ask
from tests.server.receiver import receiving
from tests.server.test_passes import OTHER
from tests.server.warehouse import a_warehouse, error

from sellerport.emulator import labels
from sellerport.server.hub import event

PDF = labels.render("PDF", [labels.Label("1Z999", ("somebody",))])
CHAINED = {"timestamp", "actor", "seq", "hash"}
SHAPES = {
    "amazon_api": {"sellerId", "tenantId", "operation", "status", "calls"},
    "authentication": {"event", "tokenType", "sellerId", "tenantId", "ip"},
    "label_proxy": {"amazonOrderId", "shipmentId", "carrier", "sellerId", "tenantId", "documentsCreated"},
    "pii_access": {
        "orderId", "sellerId", "tenantId", "action", "success", "ip", "userAgent", "accessCount", "isBlocked"
    },
    "print": {
        "shipmentId", "printCount", "isReprint", "printerType", "printerId", "documentsCount", "sellerId", "tenantId"
    },
    "security": {"event", "ip", "endpoint", "orderId", "sellerId", "tenantId"},
}  # fmt: skip


def test_what_happens_at_the_gateway_is_on_record_in_the_contracts_words(sqlite_house):
    async def scenario(server):
        hub = server.hub
        with receiving() as outside:
            base = outside.url.removesuffix("/hook")
            warehouse = await a_warehouse(sqlite_house, server, device_hub=base)
            order, seller_id = warehouse.order(), warehouse.seller_id
            for status in (200, 429):
                told = await warehouse.ask("GET", f"/api/pii/getPII/{order.id}")
                assert told.status == status
            outside.body, outside.answer = msgspec.json.encode([base64.b64encode(PDF).decode()]), lambda received: 200
            given = {"x_original_url": outside.url, "x_amazon_order_id": order.id, "x_unique_shipment_id": "1"}
            bought = (await warehouse.ask("POST", "/api/label-proxy/forward", {}, **given)).json["data"]
            job = {"shipment_id": bought["shipment_id"], "printer_type": "label", "printer_id": "p"}
            job["label_uuids"] = [one["uuid"] for one in bought["documents"]]
            assert (await warehouse.ask("POST", "/api/print/send", job)).status == 200
            wrong = {"x-seller-access-token": warehouse.token, "x-amazon-token-secret": OTHER}
            refused = await ask(server.app, "GET", f"{PUBLIC}/api/pii/getPII/{order.id}", wrong)
            assert error(refused) == (401, "Invalid amazon token secret")
            hub.gateway.call_log.note(server.organization.id, seller_id, "orders_v0.get_order", 200)
        await hub.gateway.call_log.write()
        found = [it async for record in hub.audit.export(server.organization.id) if (it := event(record)) is not None]
        assert {one["type"] for one in found} == set(SHAPES)
        for one in found:
            assert set(one) - CHAINED - {"type"} == SHAPES[one["type"]], one
            assert (one["sellerId"], one["tenantId"]) == (seller_id, server.organization.id)
            assert one["timestamp"] == "2027-01-15T08:00:00.000Z"
        entered = [(one["event"], one["ip"]) for one in found if one["type"] == "authentication"]
        assert sorted(entered) == [("secret_refused", "192.0.2.1"), ("token_validated", "192.0.2.1")]
        for personal in (order.address.name, order.address.line, warehouse.token, OTHER):
            assert personal not in str(found)
        others = [it async for record in hub.audit.export("server") if (it := event(record)) is not None]
        assert others == []  # nobody's chain has any

    sqlite_house.settings = replace(sqlite_house.settings, webhook_private=True)
    sqlite_house.run(scenario)
