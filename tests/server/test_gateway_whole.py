"""A seller's requests on sockets, from the warehouse's software over this server to the local Amazon and back."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from dataclasses import replace
from typing import Any

import pytest
from tests.emulator.test_shipping import FROM, package, printed
from tests.server.conftest import SELLER
from tests.server.gateway import SECRET, a_seller, a_tenant
from tests.server.test_labels import PARCEL

from sellerport import emulator
from sellerport.server.app import running

ID = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def warehouse(sqlite_house):
    """Return what plays a scenario, with what asks and with the server."""

    def play(scenario, **seller: str) -> None:
        async def whole(amazon: str) -> None:
            settings = replace(sqlite_house.settings, amazon=amazon, port=0)
            async with running(settings, clock=sqlite_house.clock) as up:
                organization = await up.hub.organizations.create("Acme")
                await up.hub.applications.register(
                    organization.id,
                    lwa_client_id="amzn1.application-oa2-client.test",
                    lwa_client_secret="amzn1.oa2-cs.v1.test-secret",
                    application_id="amzn1.sp.solution.test",
                )
                server: Any = type("Server", (), {})()
                server.hub, server.world, server.clock = up.hub, sqlite_house.world, sqlite_house.clock
                server.organization = organization
                server.tenant = tenant = await a_tenant(server)
                await a_seller(sqlite_house, tenant, **seller)
                token = await up.hub.gateway.signing.issue("seller", 3600, tenant_id=tenant.id, seller_id=ID, sv=0)

                async def ask(method: str, path: str, body: Any = None, **fields: str) -> tuple[int, Any, Any]:
                    given = {"x-seller-access-token": token, "x-amazon-token-secret": SECRET}
                    given |= {name.replace("_", "-"): value for name, value in fields.items()}
                    given |= {"content-type": "application/json"} if body is not None else {}
                    data = None if body is None else json.dumps(body).encode()
                    address = path if path.startswith("http") else f"http://127.0.0.1:{port(up)}{path}"
                    return await asyncio.to_thread(fetch, urllib.request.Request(address, data, given, method=method))

                await scenario(ask, server)

        with emulator.running(sqlite_house.world) as amazon:
            asyncio.run(whole(amazon))

    return play


def port(up: Any) -> int:
    return int(up.server.servers[0].sockets[0].getsockname()[1])


def fetch(request: urllib.request.Request) -> tuple[int, Any, Any]:
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def an_order(world: Any) -> Any:
    orders = world.account(SELLER).orders.values()
    return next(one for one in orders if (one.status, one.channel) == ("Unshipped", "MFN"))


def test_a_page_of_orders_comes_without_buyers_and_with_what_amazon_says_of_it(warehouse):
    async def scenario(ask, server):
        order = an_order(server.world)
        path = f"/passthrough-api/orders/v0/orders/{order.id}"
        status, fields, body = await ask("GET", path)
        assert (status, fields["x-amzn-requestid"] is not None) == (200, True)
        assert fields["x-adb-scrub"].startswith("v")
        told = json.loads(body)["payload"]
        assert told["AmazonOrderId"] == order.id
        for personal in (order.address.name, order.address.line, order.address.postal_code):
            assert personal.encode() not in body
        status, fields, _ = await ask("GET", f"{path}/address")  # which Amazon gives to a restricted data token only
        assert status == 200
        status, fields, body = await ask("GET", "/passthrough-api/tokens/2021-03-01/restrictedDataToken")
        assert (status, fields["x-adb-error"]) == (404, "1")

    warehouse(scenario)


@pytest.mark.parametrize("tier", ["standard", "enterprise"])
def test_a_label_is_bought_stays_here_and_is_given_as_it_is_to_those_alone_who_may(warehouse, sqlite_house, tier):
    """§1.14, §3.5; acceptance tests 14 and 16."""

    async def scenario(ask, server):
        sqlite_house.sql("UPDATE tenants SET tier = :tier", tier=tier)
        order = an_order(server.world)
        details = {**PARCEL, "AmazonOrderId": order.id}
        details["ItemList"] = [{"OrderItemId": item.id, "Quantity": item.quantity} for item in order.items]
        service = "/passthrough-api/mfn/v0/eligibleShippingServices"
        _, _, body = await ask("POST", service, {"ShipmentRequestDetails": details})
        offer = json.loads(body)["payload"]["ShippingServiceList"][0]
        asked = {"ShipmentRequestDetails": details, "ShippingServiceId": offer["ShippingServiceId"]}
        labels = {"x_amazon_order_id": order.id, "x_unique_shipment_id": "parcel-1"}
        path = "/passthrough-api/mfn/v0/shipments"
        status, fields, body = await ask("POST", path, asked, **labels, x_unredacted_pii="true")
        if tier == "standard":
            assert (status, fields["x-adb-error"]) == (403, "1")
            status, fields, body = await ask("POST", path, asked, **labels)
        assert status == 200, body
        told = json.loads(body)
        assert told["success"] is True
        (document,) = told["data"]["documents"]
        shown = told["data"]["scrubbed_response"]["payload"]
        assert shown["Label"]["FileContents"]["Contents"] == {"uuid": document["uuid"]}
        assert ("unredacted_response" in told["data"]) == (tier == "enterprise")
        assert (order.address.line.encode() in body) == (tier == "enterprise")
        assert order.address.line not in json.dumps(shown)

    warehouse(scenario)


def test_a_label_of_amazon_shipping_stays_here_when_it_is_bought_and_when_it_is_read_again(warehouse):
    """§3.5: Shipping v2, from the rates to the label in another format."""

    async def scenario(ask, server):
        order = an_order(server.world)
        asked = {
            "shipFrom": FROM,
            "packages": [package()],
            "channelDetails": {"channelType": "AMAZON", "amazonOrderDetails": {"orderId": order.id}},
        }
        path = "/passthrough-api/shipping/v2/shipments"
        _, _, body = await ask("POST", f"{path}/rates", asked)
        offered = json.loads(body)["payload"]
        purchase = {
            "requestToken": offered["requestToken"],
            "rateId": offered["rates"][0]["rateId"],
            "requestedDocumentSpecification": printed(),
        }
        labels = {"x_amazon_order_id": order.id, "x_unique_shipment_id": "parcel-1"}
        status, _, body = await ask("POST", path, purchase, **labels)
        assert status == 200, body
        bought = json.loads(body)["data"]
        (detail,) = bought["scrubbed_response"]["payload"]["packageDocumentDetails"]
        again = f"{path}/{bought['scrubbed_response']['payload']['shipmentId']}/documents"
        again += "?packageClientReferenceId=box-1&format=ZPL"
        status, _, body = await ask("GET", again, **labels)
        assert status == 200, body
        read = json.loads(body)["data"]
        assert read["shipment_id"] == bought["shipment_id"]
        documents, kept = server.hub.gateway.documents, {}
        for told, details in ((bought, detail), (read, read["scrubbed_response"]["payload"]["packageDocumentDetail"])):
            (document,) = told["documents"]
            assert [one["contents"] for one in details["packageDocuments"]] == [{"uuid": document["uuid"]}]
            assert order.address.line not in json.dumps(told)
            kept[document["format"]] = await documents.content(server.tenant.id, ID, document["uuid"])
        assert kept["PDF"].startswith(b"%PDF")
        assert order.address.line.encode() in kept["ZPL"]

    warehouse(scenario)


def test_a_report_comes_through_a_link_of_ours_without_buyers(warehouse):
    """§3.4: a URL that Amazon signed would go past the border."""

    async def scenario(ask, server):
        server.world.polls = 0
        asked = {
            "reportType": "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL",
            "marketplaceIds": ["ATVPDKIKX0DER"],
        }
        _, _, body = await ask("POST", "/passthrough-api/reports/2021-06-30/reports", asked)
        made = json.loads(body)["reportId"]
        _, _, body = await ask("GET", f"/passthrough-api/reports/2021-06-30/reports/{made}")
        document = json.loads(body)["reportDocumentId"]
        status, _, body = await ask("GET", f"/passthrough-api/reports/2021-06-30/documents/{document}")
        link = json.loads(body)["url"]
        assert (status, "/documents/" in link) == (200, True)
        assert link.startswith("https://connect.example.test/documents/")
        status, _, text = await ask("GET", link.removeprefix("https://connect.example.test"))
        assert status == 200
        rows = text.decode().splitlines()
        assert "amazon-order-id" in rows[0]
        assert len(rows) > 2
        for order in server.world.account(SELLER).orders.values():
            assert order.address.postal_code.encode() not in text

    warehouse(scenario)
