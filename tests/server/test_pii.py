"""Personal data of orders: who gets it, how often, and what is left behind (§1.3, §1.11, §4.2; acceptance test 16)."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.server.conftest import SELLER
from tests.server.warehouse import a_warehouse, error

from sellerport.errors import NotFound
from sellerport.server.hub import Visit
from sellerport.server.hub.documents import FILE_S
from sellerport.server.hub.pii_access import FILES_A_DAY, HOUR_S

GET = "/api/pii/getPII/"


def test_an_order_is_answered_in_the_documented_shape_and_written_down(house):
    async def scenario(server):
        warehouse = await a_warehouse(house, server)
        order = warehouse.order()
        answer = await warehouse.ask("GET", GET + order.id)
        assert answer.status == 200, answer.text
        assert answer.json["piiData"] == {
            "ShippingAddress": {
                "Name": order.address.name,
                "AddressLine1": order.address.line,
                "AddressLine2": "",
                "AddressLine3": "",
                "City": order.address.city,
                "StateOrRegion": order.address.state,
                "PostalCode": order.address.postal_code,
                "CountryCode": order.address.country,
                "Phone": order.address.phone,
            }
        }
        assert answer.json["piiFileName"] == f"file-{order.id}"
        assert set(answer.json) == {"piiData", "piiSignedUrl", "piiFileName"}
        begun, ended = await warehouse.audit("pii_access")
        assert (begun.facts["success"], ended.facts["success"]) == (None, True)
        assert ended.actor == f"seller:{warehouse.seller_id}"
        assert ended.facts == {
            "orderId": order.id,
            "sellerId": warehouse.seller_id,
            "tenantId": server.organization.id,
            "action": "getPII",
            "success": True,
            "ip": "192.0.2.1",
            "userAgent": "wms/1",
            "accessCount": 1,
            "isBlocked": False,
        }
        kept = json.dumps([tuple(row) for row in house.sql("SELECT * FROM audit")], default=str)
        assert order.address.name not in kept
        assert order.address.line not in kept

    house.run(scenario)


def test_an_order_is_given_once_an_hour_whoever_asks_at_once(house):
    async def scenario(server):
        warehouse = await a_warehouse(house, server)
        order = warehouse.order()
        answers = await asyncio.gather(*(warehouse.ask("GET", GET + order.id) for _ in range(4)))
        assert sorted(one.status for one in answers) == [200, 429, 429, 429]
        late = next(one for one in answers if one.status == 429)
        assert error(late) == (429, "PII for this order was accessed within the last hour")
        assert late.headers["x-ratelimit-limit"] == "1"
        assert late.headers["x-ratelimit-remaining"] == "0"
        assert late.headers["retry-after"] == str(int(HOUR_S))
        assert "x-ratelimit-reset" in late.headers
        (limited, *_) = await warehouse.audit("security")
        assert limited.facts["event"] == "rate_limit_exceeded"
        assert limited.facts["endpoint"] == "/api/pii/getPII"
        assert limited.facts["orderId"] == order.id
        server.clock.advance(HOUR_S - 1)
        assert (await warehouse.ask("GET", GET + order.id)).status == 429
        server.clock.advance(1)
        assert (await warehouse.ask("GET", GET + order.id)).status == 200

    house.run(scenario)


def test_what_amazon_did_not_answer_does_not_count(sqlite_house):
    house = sqlite_house

    async def scenario(server):
        warehouse = await a_warehouse(house, server)
        order = warehouse.order()
        server.world.revoke(selling_partner_id=SELLER)
        assert (await warehouse.ask("GET", GET + order.id)).status == 409
        assert house.sql("SELECT accessed_at, access_count FROM pii_orders") == [(None, 0)]
        assert [one.facts["success"] for one in await warehouse.audit("pii_access")] == [None, False]

    house.run(scenario)


REFUSED = [
    ("902-0000000-0000000", "standard", 403, "PII access requires Enterprise compliance"),
    ("902-0000000-0000000", "enhanced", 403, "PII access requires Enterprise compliance"),
    ("902-000000-0000000", "enterprise", 400, "Invalid order ID"),
    ("902-0000000-000000x", "enterprise", 400, "Invalid order ID"),
    ("902-0000000-000000٣", "enterprise", 400, "Invalid order ID"),
    ("902-0000000-0000000", "enterprise", 404, "Order not found"),
]


def test_what_is_refused(sqlite_house):
    async def scenario(server):
        warehouse = await a_warehouse(sqlite_house, server)
        for order_id, tier, status, message in REFUSED:
            sqlite_house.sql("UPDATE tenants SET tier = :tier", tier=tier)
            server.hub.gateway.passes.forget(warehouse.seller_id)
            assert error(await warehouse.ask("GET", GET + order_id)) == (status, message)
        for wrong in ({"x_seller_access_token": "x"}, {"x_amazon_token_secret": "y" * 44}):
            assert (await warehouse.ask("GET", GET + order_id, **wrong)).status == 401

    sqlite_house.run(scenario)


def test_a_blocked_or_completed_order_has_no_personal_data_any_more(house):
    async def scenario(server):
        warehouse = await a_warehouse(house, server)
        blocked, completed = warehouse.order().id, warehouse.order(status="Shipped").id
        answer = await warehouse.ask("POST", "/api/pii/blockPII", {"orderId": blocked, "reason": "asked"})
        assert answer.json == {"success": True, "data": {"orderId": blocked, "isBlocked": True}}
        answer = await warehouse.ask("POST", "/api/pii/completeOrder", {"orderId": completed})
        assert answer.json["data"]["isCompleted"] is True
        for id in (blocked, completed):
            assert error(await warehouse.ask("GET", GET + id)) == (403, "PII access blocked for this order")
        assert [one.facts["isBlocked"] for one in await warehouse.audit("pii_access")] == [True] * 4
        for path in ("/api/pii/blockPII", "/api/pii/completeOrder"):
            assert error(await warehouse.ask("POST", path, {})) == (400, "orderId is required")

    house.run(scenario)


def test_orders_v0_answers_where_the_new_version_does_not(sqlite_house):
    async def scenario(server):
        warehouse = await a_warehouse(sqlite_house, server)
        order, asked, amazon = warehouse.order(), [], server.wire.app

        async def without_the_roles(scope, receive, send):
            asked.append(scope["path"].partition(".com")[2])
            if "/orders/2026-01-01/" in scope["path"]:
                body = b'{"errors":[{"code":"Unauthorized","message":"Access to requested resource is denied."}]}'
                await send({"type": "http.response.start", "status": 403, "headers": []})
                await send({"type": "http.response.body", "body": body})
            else:
                await amazon(scope, receive, send)

        server.wire.app = without_the_roles
        answer = await warehouse.ask("GET", GET + order.id)
        assert answer.json["piiData"]["ShippingAddress"]["Name"] == order.address.name
        assert f"/orders/v0/orders/{order.id}" in asked
        assert "/tokens/2021-03-01/restrictedDataToken" in asked
        missing = await warehouse.ask("GET", GET + "902-0000000-0000000")
        assert error(missing) == (404, "Order not found")

    sqlite_house.run(scenario)


def test_a_file_is_written_and_read_through_links_that_end(house):
    async def scenario(server):
        warehouse = await a_warehouse(house, server)
        order, content = warehouse.order(), b"an address\0"
        name = f"file-{order.id}"
        path = f"/api/pii/writeFile?fileName={name}"
        assert (await warehouse.ask("PUT", path, content)).status == 403
        link = (await warehouse.ask("GET", GET + order.id)).json["piiSignedUrl"]
        assert (await warehouse.ask("PUT", path, content)).json["data"] == {"fileName": name, "size": len(content)}
        stranger = {"x_seller_access_token": "", "x_amazon_token_secret": ""}
        assert (await warehouse.ask("PUT", link, content + b"2", **stranger)).status == 200
        assert (await warehouse.ask("GET", link, **stranger)).status == 404  # good for writing alone
        found = (await warehouse.ask("GET", f"/api/pii/getFile?fileName={name}")).json["data"]
        answer = await warehouse.ask("GET", found["url"], **stranger)
        assert (answer.status, answer.body) == (200, content + b"2")
        assert answer.headers["content-type"] == "application/octet-stream"
        assert house.sql("SELECT count(*) FROM documents") == [(1,)]
        stored = house.sql("SELECT sealed FROM document_contents")[0][0]
        assert content not in bytes(stored)
        server.clock.advance(300)
        assert (await warehouse.ask("GET", found["url"], **stranger)).status == 404
        server.clock.advance(HOUR_S)
        assert (await warehouse.ask("PUT", link, content, **stranger)).status == 404
        assert (await warehouse.ask("PUT", link[:-2], content, **stranger)).status == 404
        assert (await warehouse.ask("PUT", path, content)).status == 403
        server.clock.advance(FILE_S)
        await warehouse.renew()
        assert error(await warehouse.ask("GET", f"/api/pii/getFile?fileName={name}")) == (404, "File not found")
        assert await server.hub.gateway.documents.purge() == 1

    house.run(scenario)


def test_a_file_is_deleted_when_it_is_asked_for_and_when_the_order_is_complete(sqlite_house):
    async def scenario(server):
        warehouse = await a_warehouse(sqlite_house, server)
        order = warehouse.order()
        await warehouse.ask("GET", GET + order.id)
        path = f"File?fileName=file-{order.id}"
        assert (await warehouse.ask("PUT", f"/api/pii/write{path}", b"x")).status == 200
        assert (await warehouse.ask("DELETE", f"/api/pii/delete{path}")).json["data"]["isDeleted"] is True
        assert error(await warehouse.ask("DELETE", f"/api/pii/delete{path}")) == (404, "File not found")
        assert (await warehouse.ask("PUT", f"/api/pii/write{path}", b"x")).status == 200
        done = await warehouse.ask("POST", "/api/pii/completeOrder", {"orderId": order.id})
        assert done.json["data"]["documents_deleted"] == 1
        assert sqlite_house.sql("SELECT count(*) FROM document_contents") == [(0,)]
        assert (await warehouse.ask("PUT", f"/api/pii/write{path}", b"x")).status == 403

    sqlite_house.run(scenario)


def test_a_link_to_a_file_leads_nowhere_once_the_order_is_blocked(sqlite_house):
    async def scenario(server):
        warehouse = await a_warehouse(sqlite_house, server)
        order = warehouse.order()
        upload = (await warehouse.ask("GET", GET + order.id)).json["piiSignedUrl"]
        assert (await warehouse.ask("PUT", upload, b"an address")).status == 200
        found = (await warehouse.ask("GET", f"/api/pii/getFile?fileName=file-{order.id}")).json["data"]["url"]
        assert (await warehouse.ask("GET", found)).body == b"an address"
        await warehouse.ask("POST", "/api/pii/blockPII", {"orderId": order.id})
        for method, link in (("GET", found), ("PUT", upload)):
            assert error(await warehouse.ask(method, link, b"x")) == (403, "PII access blocked for this order")

    sqlite_house.run(scenario)


def test_what_comes_for_an_order_after_it_was_complete_is_not_given_and_goes(house):
    """Of a request that was let through before: a label takes seconds to make."""

    async def scenario(server):
        warehouse = await a_warehouse(house, server)
        order, documents = warehouse.order(), server.hub.gateway.documents
        await warehouse.ask("POST", "/api/pii/completeOrder", {"orderId": order.id})
        whose = (server.organization.id, warehouse.seller_id)
        await documents.write_file(*whose, order.id, b"an address", "seller:x")
        assert await documents.file_of(*whose, order.id) is None
        ((id,),) = house.sql("SELECT id FROM documents")
        with pytest.raises(NotFound, match="Document not found"):
            await documents.content(*whose, id)
        assert await documents.purge() == 1
        assert house.sql("SELECT count(*) FROM document_contents") == [(0,)]

    house.run(scenario)


def test_a_tenant_reads_fifty_files_a_day(house):
    async def scenario(server):
        warehouse = await a_warehouse(house, server)
        one = await warehouse.the_pass()
        visit, access = Visit("192.0.2.1", "wms/1", "/api/pii/getFile"), server.hub.gateway.pii_access
        for _ in range(FILES_A_DAY - 2):
            await access.count_read(one, visit)
        path = f"/api/pii/getFile?fileName=file-{warehouse.order().id}"
        answers = await asyncio.gather(*(warehouse.ask("GET", path) for _ in range(4)))
        assert sorted(one.status for one in answers) == [404, 404, 429, 429]
        late = next(one for one in answers if one.status == 429)
        assert (late.headers["x-ratelimit-limit"], late.headers["retry-after"]) == (str(FILES_A_DAY), "86400")
        server.clock.advance(86_400)
        await warehouse.renew()
        assert (await warehouse.ask("GET", path)).status == 404

    house.run(scenario)
