"""Label mode, printing, and how long what is printed is kept (§1.13, §3.5, §3.8; acceptance test 14)."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from contextlib import aclosing
from dataclasses import replace

import msgspec
import pytest
from tests.server.receiver import receiving
from tests.server.warehouse import a_warehouse, error

from sellerport import catalog
from sellerport.client import AsyncSellingPartner
from sellerport.emulator import labels
from sellerport.errors import AmazonUnavailable, CallerError, Conflict, NotAllowed, NotFound, VaultError
from sellerport.regions import Amazon
from sellerport.server.hub import Visit
from sellerport.server.hub.documents import DAY_S, FACTS_S, LABEL_S, PRINTED_S
from sellerport.server.jobs import schedules
from sellerport.server.scrubbing import labels as places
from sellerport.wire import AsyncWire

SEND = "/api/print/send"
PDF = labels.render("PDF", [labels.Label("1Z999", ("somebody",))])
ZPL = labels.render("ZPL", [labels.Label("1Z999", ("somebody",))])
MFN = catalog.find("merchant_fulfillment_v0.create_shipment")
VISIT = Visit("192.0.2.1", "wms/1", "/passthrough-api")

PARCEL = {
    "ItemList": [],
    "ShipFromAddress": {
        "Name": "The Shop", "AddressLine1": "1 Way", "Email": "shop@example.com", "City": "Springfield",
        "StateOrProvinceCode": "OR", "PostalCode": "97477", "CountryCode": "US", "Phone": "5550100",
    },
    "PackageDimensions": {"Length": 10, "Width": 10, "Height": 10, "Unit": "inches"},
    "Weight": {"Value": 10, "Unit": "oz"},
    "ShippingServiceOptions": {"DeliveryExperience": "DeliveryConfirmationWithSignature", "CarrierWillPickUp": False},
}  # fmt: skip


def boxed(content, *, packed=False):
    return base64.b64encode(gzip.compress(content) if packed else content).decode()


def answers():
    """Every shape in which Amazon has documents: operation, answer, and the ways to what is replaced."""
    document = {"type": "LABEL", "format": "PDF", "contents": boxed(PDF)}
    slip = {"type": "PACKSLIP", "format": "ZPL", "contents": boxed(ZPL)}
    package = {"packageClientReferenceId": "1", "packageDocuments": [document, slip], "trackingId": "T"}
    shipping = "vendor_direct_fulfillment_shipping_2021_12_28"
    return [
        (
            "merchant_fulfillment_v0.get_shipment",
            {
                "payload": {
                    "Label": {"FileContents": {"Contents": boxed(PDF, packed=True), "FileType": "application/pdf"}}
                }
            },
            [("payload", "Label", "FileContents", "Contents")],
        ),
        (
            "shipping_v2.purchase_shipment",
            {"payload": {"packageDocumentDetails": [package]}},
            [("payload", "packageDocumentDetails", 0, "packageDocuments", at, "contents") for at in (0, 1)],
        ),
        (
            "shipping_v2.direct_purchase_shipment",
            {"payload": {"packageDocumentDetailList": [package]}},
            [("payload", "packageDocumentDetailList", 0, "packageDocuments", at, "contents") for at in (0, 1)],
        ),
        (
            "shipping_v2.get_shipment_documents",
            {"payload": {"packageDocumentDetail": package}},
            [("payload", "packageDocumentDetail", "packageDocuments", at, "contents") for at in (0, 1)],
        ),
        (
            "shipping_v2.get_collection_form",
            {"collectionsFormDocument": {"base64EncodedContent": boxed(PDF), "documentFormat": "PDF"}},
            [("collectionsFormDocument", "base64EncodedContent")],
        ),
        (
            f"{shipping}.get_shipping_labels",
            {
                "shippingLabels": [
                    {"labelFormat": "ZPL", "labelData": [{"content": ZPL.decode()}, {"content": boxed(ZPL)}]}
                ]
            },
            [("shippingLabels", 0, "labelData", at, "content") for at in (0, 1)],
        ),
        (
            f"{shipping}.get_packing_slips",
            {"packingSlips": [{"content": boxed(PDF), "contentType": "application/pdf"}]},
            [("packingSlips", 0, "content")],
        ),
        (f"{shipping}.get_customer_invoice", {"content": boxed(PDF)}, [("content",)]),
        (
            "external_fulfillment_shipments_2024_09_11.retrieve_invoice",
            {"document": {"format": "PDF", "content": boxed(PDF)}},
            [("document", "content")],
        ),
    ]


def at(payload, path):
    for step in path:
        payload = payload[step]
    return payload


@pytest.mark.parametrize(("key", "payload", "paths"), answers(), ids=[key for key, *_ in answers()])
def test_documents_are_found_wherever_amazon_has_them(key, payload, paths):
    operation, payload = catalog.find(key), json.loads(json.dumps(payload))
    assert places.takes(operation)
    found = places.take(operation, payload)
    assert {one.path for one in found} == set(paths)
    assert {one.content for one in found} <= {PDF, ZPL}
    assert all(one.format == ("PDF" if one.content == PDF else "ZPL") for one in found)
    left = json.dumps(payload)
    assert boxed(PDF)[:40] not in left
    assert "^XA" not in left
    for one in found:
        places.put(payload, one.path, {"uuid": "u"})
        assert at(payload, one.path) == {"uuid": "u"}


def test_operations_without_documents_are_left_alone():
    for key in (
        "orders_v0.get_order",
        "merchant_fulfillment_v0.get_eligible_shipment_services",
        "shipping_v2.get_rates",
    ):
        assert not places.takes(catalog.find(key))


async def buy(warehouse):
    """Buy a label at the local Amazon, and return the order and the answer as it came."""
    one, order = await warehouse.the_pass(), warehouse.order()
    session, server = one.session, warehouse.server
    items = [{"OrderItemId": item.id, "Quantity": 1} for item in order.items[:1]]
    asked = {**PARCEL, "AmazonOrderId": order.id, "ItemList": items}
    client = AsyncSellingPartner(
        refresh_token=one.grant.refresh_token,
        lwa_app_id=one.grant.client.client_id,
        lwa_client_secret=one.grant.client.client_secret,
        marketplace="US",
        amazon=session.amazon,
        environ={},
        wire=server.wire,
    ).restricted()
    services = await client.merchant_fulfillment_v0.get_eligible_shipment_services(
        body={"ShipmentRequestDetails": asked}
    )
    service = services.payload["ShippingServiceList"][0]["ShippingServiceId"]
    bought = await client.merchant_fulfillment_v0.create_shipment(
        body={"ShipmentRequestDetails": asked, "ShippingServiceId": service}
    )
    return one, order, msgspec.json.encode(bought.data)


def test_a_bought_label_stays_here_sealed_and_the_caller_gets_its_id(house):
    async def scenario(server):
        warehouse = await a_warehouse(house, server, tier="standard")
        one, order, body = await buy(warehouse)
        label = gzip.decompress(base64.b64decode(json.loads(body)["payload"]["Label"]["FileContents"]["Contents"]))
        keep, scrub = server.hub.gateway.labels.keep, lambda body: body.replace(order.address.name.encode(), b"-")
        first = await keep(one, MFN, order.id, "parcel-1", body, scrub)
        (document,) = first["documents"]
        shown = first["scrubbed_response"]["payload"]
        assert shown["Label"]["FileContents"]["Contents"] == {"uuid": document["uuid"]}
        assert shown["TrackingId"] == json.loads(body)["payload"]["TrackingId"]
        assert order.address.name not in json.dumps(first)
        assert (document["format"], document["kind"], document["size"]) == ("PDF", "label", len(label))
        content = await server.hub.gateway.documents.content(one.organization_id, one.seller_id, document["uuid"])
        assert content == label
        assert label[:20] not in bytes(house.sql("SELECT sealed FROM document_contents")[0][0])
        again, other = await asyncio.gather(*(keep(one, MFN, order.id, "parcel-1", body) for _ in range(2)))
        assert again["documents"] == other["documents"] == first["documents"]
        assert again["shipment_id"] == first["shipment_id"]
        check, another = server.hub.gateway.labels.check, "902-0000000-0000000"
        with pytest.raises(Conflict):  # before anything is bought
            await check(one, another, "parcel-1", VISIT, unredacted=False)
        await check(one, order.id, "parcel-1", VISIT, unredacted=False)
        bought = await keep(one, MFN, another, "parcel-1", body, scrub)  # what was bought all the same is told
        assert bought["scrubbed_response"]["payload"]["TrackingId"] == shown["TrackingId"]
        assert (bought["shipment_id"], bought["documents"]) == (None, [])
        assert "could not be kept" in bought["warning"]
        with pytest.raises(Conflict):
            await keep(one, catalog.find("merchant_fulfillment_v0.get_shipment"), another, "parcel-1", body)
        record, *_ = await warehouse.audit("label_proxy")
        assert (record.facts["carrier"], record.facts["documentsCreated"]) == ("amazon", 1)

    house.run(scenario)


def test_the_unredacted_answer_is_for_whoever_may_see_it_and_written_down(sqlite_house):
    async def scenario(server):
        warehouse = await a_warehouse(sqlite_house, server, tier="enhanced")
        one, order, labels = await warehouse.the_pass(), warehouse.order(), server.hub.gateway.labels
        await labels.check(one, order.id, "parcel-1", VISIT, unredacted=False)
        with pytest.raises(NotAllowed, match="Enterprise"):
            await labels.check(one, order.id, "parcel-1", VISIT, unredacted=True)
        one.personal = True
        await labels.check(one, order.id, "parcel-1", VISIT, unredacted=True)
        assert [(it.facts["action"], it.facts["success"]) for it in await warehouse.audit("pii_access")] == [
            ("unredactedLabel", False),
            ("unredactedLabel", True),
        ]
        for wrong in (("1", "parcel-1"), (order.id, "x" * 201)):
            with pytest.raises(CallerError):
                await labels.check(one, *wrong, VISIT, unredacted=False)
        body = msgspec.json.encode({"payload": {"Label": {"FileContents": {"Contents": boxed(PDF)}}}})
        told = await labels.keep(one, MFN, order.id, "parcel-1", body, unredacted=True)
        assert told["unredacted_response"] == json.loads(body)
        cut, none = gzip.compress(PDF)[:-9], b"\x1f\x8b" + b"x" * 99
        files = [body.replace(boxed(PDF).encode(), boxed(content).encode()) for content in (cut, none)]
        for broken in (b"{", b"[" * 10_000, *files):
            with pytest.raises(AmazonUnavailable, match="could not be scrubbed"):
                await labels.keep(one, MFN, order.id, "parcel-1", broken)

    sqlite_house.run(scenario)


@pytest.fixture
def device_hub():
    with receiving() as made:
        yield made


async def kept(warehouse, *contents):
    """Keep labels of a shipment; return its id and theirs."""
    one, order = await warehouse.the_pass(), warehouse.order()
    documents = [{"content": boxed(content)} for content in contents or (PDF,)]
    body = msgspec.json.encode({"shippingLabels": [{"labelData": documents}]})
    operation = catalog.find("vendor_direct_fulfillment_shipping_2021_12_28.get_shipping_labels")
    told = await warehouse.server.hub.gateway.labels.keep(one, operation, order.id, "parcel-1", body)
    return told["shipment_id"], [one["uuid"] for one in told["documents"]]


def test_a_label_that_amazon_has_at_an_address_is_fetched_and_kept(sqlite_house, device_hub):
    """§3.5: external fulfillment; attack 55: only from Amazon's storage, and without a token."""
    base = device_hub.url.removesuffix("/hook")
    device_hub.files["/label?X-Amz-Signature=x"] = PDF
    urls = [f"{base}/label?X-Amz-Signature=x", f"{base}/gone", f"{base.replace('127.0.0.1', 'localhost')}/label"]
    operation = catalog.find("external_fulfillment_shipments_2024_09_11.generate_ship_labels")

    async def scenario(server):
        warehouse = await a_warehouse(sqlite_house, server)
        one, order, keeping = await warehouse.the_pass(), warehouse.order(), server.hub.gateway.labels
        async with aclosing(AsyncWire()) as keeping._wire:
            keeping._amazon = Amazon(base)
            body = msgspec.json.encode({"packageShipLabelList": [{"fileData": {"url": url}} for url in urls]})
            told = await keeping.keep(one, operation, order.id, "parcel-1", body)
        (document,) = told["documents"]
        shown = [it["fileData"]["url"] for it in told["scrubbed_response"]["packageShipLabelList"]]
        assert shown == [{"uuid": document["uuid"]}, *urls[1:]]  # what is left of them is scrubbed as elsewhere
        assert sorted(device_hub.fetched) == ["/gone", "/label?X-Amz-Signature=x"]  # at once, in any order
        documents = server.hub.gateway.documents
        assert await documents.content(one.organization_id, one.seller_id, document["uuid"]) == PDF

    sqlite_house.run(scenario)


def job(shipment_id, uuids, **more):
    return {"shipment_id": shipment_id, "printer_type": "label", "printer_id": "p-1", "label_uuids": uuids, **more}


def test_documents_are_sent_to_the_device_hub_and_a_reprint_is_told_of(house, device_hub):
    async def scenario(server):
        warehouse = await a_warehouse(house, server, device_hub=device_hub.url.removesuffix("/hook") + "/")
        shipment, uuids = await kept(warehouse, PDF, ZPL)
        answer = await warehouse.ask("POST", SEND, job(shipment, uuids))
        assert answer.json == {
            "success": True,
            "data": {
                "status": "sent",
                "shipment_id": shipment,
                "documents_sent": 2,
                "print_count": 1,
                "is_reprint": False,
            },
        }
        (received,) = device_hub.received
        assert received.path == "/api/print"
        assert [base64.b64decode(one["content"]) for one in received.json["documents"]] == [PDF, ZPL]
        assert received.json["printer_id"] == "p-1"
        server.clock.advance(60)
        data = (await warehouse.ask("POST", SEND, job(shipment, uuids[0], printer_type="laser"))).json["data"]
        assert data["warning"] == "Reprint detected. First printed: 2027-01-15T08:00:00.000Z"
        assert (data["print_count"], data["is_reprint"], data["documents_sent"]) == (2, True, 1)
        first, second = await warehouse.audit("print")
        assert first.facts == {
            "shipmentId": shipment,
            "printCount": 1,
            "isReprint": False,
            "printerType": "label",
            "printerId": "p-1",
            "documentsCount": 2,
            "sellerId": warehouse.seller_id,
            "tenantId": server.organization.id,
        }
        assert (second.facts["isReprint"], second.facts["printerType"]) == (True, "laser")
        both = await asyncio.gather(*(warehouse.ask("POST", SEND, job(shipment, uuids)) for _ in range(2)))
        assert sorted(one.json["data"]["print_count"] for one in both) == [3, 4]

    house.run(scenario)


def test_what_cannot_be_printed_is_refused_in_the_contracts_words(sqlite_house, device_hub):
    async def scenario(server):
        warehouse = await a_warehouse(sqlite_house, server)
        shipment, uuids = await kept(warehouse)
        good = job(shipment, uuids)
        assert error(await warehouse.ask("POST", SEND, good)) == (400, "Device Hub not configured")
        base = device_hub.url.removesuffix("/hook")
        sqlite_house.sql("UPDATE tenants SET device_hub = :url", url=base)
        stranger = {"shipment_id": f"ship_{warehouse.seller_id}"}
        for change, wanted in (
            ({"shipment_id": ""}, (400, "shipment_id is required")),
            ({"printer_type": "photo"}, (400, "printer_type must be label or laser")),
            ({"printer_id": None}, (400, "printer_id is required")),
            ({"printer_id": "x" * 201}, (400, "printer_id must have at most 200 characters")),
            ({"label_uuids": []}, (400, "label_uuids is required")),
            ({"label_uuids": [1]}, (400, "label_uuids is required")),
            (stranger, (404, "Shipment not found")),
            ({"label_uuids": [warehouse.seller_id]}, (404, "Document not found")),
        ):
            assert error(await warehouse.ask("POST", SEND, {**good, **change})) == wanted
        assert device_hub.received == []
        for status in (500, 302):
            device_hub.answer, device_hub.headers = lambda received, status=status: status, {"location": base}
            assert error(await warehouse.ask("POST", SEND, good)) == (502, "Device Hub error")
        assert len(device_hub.received) == 2  # no redirect was followed
        sqlite_house.sql("UPDATE tenants SET device_hub = 'http://devicehub.example.test'")
        assert error(await warehouse.ask("POST", SEND, good)) == (400, "Device Hub not configured")
        sqlite_house.sql("UPDATE documents SET size = 20971521")
        assert (await warehouse.ask("POST", SEND, good)).status == 413
        assert sqlite_house.sql("SELECT print_count, first_printed_at FROM shipments") == [(0, None)]

    sqlite_house.run(scenario)


def test_a_label_is_deleted_a_week_after_it_was_printed_and_a_month_after_it_was_made(house, device_hub):
    async def scenario(server):
        warehouse = await a_warehouse(house, server, device_hub=device_hub.url.removesuffix("/hook"))
        documents, (_, purge) = server.hub.gateway.documents, schedules(server.hub)["purge"]
        shipment, uuids = await kept(warehouse, PDF, ZPL)
        assert (await warehouse.ask("POST", SEND, job(shipment, uuids))).status == 200
        server.clock.advance(PRINTED_S - 1)
        assert await purge() == 0
        server.clock.advance(1)
        await warehouse.renew()
        assert error(await warehouse.ask("POST", SEND, job(shipment, uuids))) == (404, "Document not found")
        assert sum(await asyncio.gather(purge(), purge())) == 2  # two servers at once
        assert house.sql("SELECT count(*) FROM document_contents") == [(0,)]
        records = await warehouse.audit("document.deleted")
        assert {one.subject for one in records} == set(uuids)
        assert {one.actor for one in records} == {"server"}
        assert records[0].facts["reason"] == "its time had come"
        _, uuids = await kept(warehouse)
        server.clock.advance(LABEL_S - 1)
        assert await purge() == 0
        server.clock.advance(1)
        assert await purge() == 1
        assert (await server.hub.audit.verify()).ok
        server.clock.advance(FACTS_S)
        assert await documents.forget() == 1
        assert house.sql("SELECT count(*) FROM shipments") == [(0,)]

    house.run(scenario)


def test_the_databases_clock_says_when_a_labels_time_has_come(house, monkeypatch):
    """One process whose clock is ahead deletes nothing early, nor does one that is behind keep it longer."""

    async def scenario(server):
        warehouse = await a_warehouse(house, server)
        documents, clock = server.hub.gateway.documents, server.clock
        made_at = clock.now
        monkeypatch.setattr(documents._database, "_clock", lambda: in_database)
        clock.advance(-60 * DAY_S)
        in_database = made_at
        await warehouse.renew()
        _, uuids = await kept(warehouse)
        clock.now = made_at + 20 * LABEL_S
        in_database = made_at + LABEL_S - 1
        assert await documents.purge() == await documents.forget() == 0
        one = (server.organization.id, warehouse.seller_id)
        assert await documents.content(*one, uuids[0]) == PDF
        clock.now = made_at
        in_database = made_at + LABEL_S
        with pytest.raises(NotFound):
            await documents.content(*one, uuids[0])
        assert await documents.purge() == len(uuids) == 1

    house.run(scenario)


def test_a_label_printed_late_is_not_kept_longer_for_it(sqlite_house, device_hub):
    async def scenario(server):
        warehouse = await a_warehouse(sqlite_house, server, device_hub=device_hub.url.removesuffix("/hook"))
        shipment, uuids = await kept(warehouse)
        server.clock.advance(LABEL_S - DAY_S)
        await warehouse.renew()
        assert (await warehouse.ask("POST", SEND, job(shipment, uuids))).status == 200
        server.clock.advance(DAY_S)
        assert await server.hub.gateway.documents.purge() == 1

    sqlite_house.run(scenario)


def test_a_completed_orders_labels_go_at_once(house, device_hub):
    async def scenario(server):
        warehouse = await a_warehouse(house, server, device_hub=device_hub.url.removesuffix("/hook"))
        shipment, uuids = await kept(warehouse, PDF, ZPL)
        done = await warehouse.ask("POST", "/api/pii/completeOrder", {"orderId": warehouse.order().id})
        assert done.json["data"]["documents_deleted"] == 2
        assert house.sql("SELECT count(*) FROM documents") == [(0,)]
        assert len(await warehouse.audit("document.deleted")) == 2
        assert error(await warehouse.ask("POST", SEND, job(shipment, uuids))) == (404, "Document not found")

    house.run(scenario)


def test_one_organizations_broken_audit_keeps_no_other_ones_documents(sqlite_house):
    async def scenario(server):
        warehouse = await a_warehouse(sqlite_house, server)
        await kept(warehouse)
        documents, other = server.hub.gateway.documents, await server.hub.organizations.create("other")
        await documents.write_file(other.id, "1", warehouse.order().id, PDF, "seller:1")
        first = min(other.id, server.organization.id)
        broken = "UPDATE audit_chains SET sealed_key = x'00' WHERE organization_id = :id"
        sqlite_house.sql(broken, id=first)
        server.clock.advance(LABEL_S)
        with pytest.raises(VaultError):
            await documents.purge()
        assert sqlite_house.sql("SELECT organization_id FROM documents") == [(first,)]

    sqlite_house.run(scenario)


def test_a_deleted_sellers_documents_go_with_it(house):
    async def scenario(server):
        warehouse = await a_warehouse(house, server)
        _, uuids = await kept(warehouse, PDF, ZPL)
        await server.hub.gateway.sellers.delete(server.caller, warehouse.seller_id)
        assert house.sql("SELECT count(*) FROM document_contents") == [(0,)]
        records = await warehouse.audit("document.deleted")
        assert {one.subject: one.facts["reason"] for one in records} == dict.fromkeys(uuids, "seller deleted")

    house.run(scenario)


def test_what_was_deleted_is_not_in_the_file_any_more(sqlite_house):
    async def scenario(server):
        warehouse = await a_warehouse(sqlite_house, server)
        await kept(warehouse, b"%PDF" + bytes(range(256)) * 400)
        sealed = sqlite_house.sql("SELECT sealed FROM document_contents")[0][0]
        server.clock.advance(LABEL_S)
        assert await server.hub.gateway.documents.purge() == 1
        sqlite_house.sql("PRAGMA wal_checkpoint(TRUNCATE)")
        file = sqlite_house.settings.database.read_bytes()
        assert not [place for place in range(0, len(sealed) - 64, 512) if sealed[place : place + 64] in file]

    sqlite_house.run(scenario)


def test_a_document_of_another_row_does_not_open(sqlite_house):
    async def scenario(server):
        warehouse = await a_warehouse(sqlite_house, server)
        one = await warehouse.the_pass()
        _, (first, second) = await kept(warehouse, PDF, ZPL)
        contents = dict(sqlite_house.sql("SELECT document_id, sealed FROM document_contents"))
        sqlite_house.sql(
            "UPDATE document_contents SET sealed = :sealed WHERE document_id = :id", sealed=contents[second], id=first
        )
        answer = server.hub.gateway.documents.content(one.organization_id, one.seller_id, first)
        with pytest.raises(Exception, match="does not open"):
            await answer

    sqlite_house.run(scenario)


def test_another_sellers_pass_opens_nothing(sqlite_house, device_hub):
    async def scenario(server):
        warehouse = await a_warehouse(sqlite_house, server, device_hub=device_hub.url.removesuffix("/hook"))
        _, (id,) = await kept(warehouse)
        one = await warehouse.the_pass()
        documents = server.hub.gateway.documents
        for other in (replace(one, seller_id="2"), replace(one, organization_id="2")):
            with pytest.raises(Exception, match="Document not found"):
                await documents.content(other.organization_id, other.seller_id, id)

    sqlite_house.run(scenario)
