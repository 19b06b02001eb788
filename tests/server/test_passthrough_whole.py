"""The passthrough of a whole server over sockets, before the local Amazon: a seller's token and secret, and orders."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

from tests.server.conftest import KEY, SELLER
from tests.server.test_passes import ID, SECRET

from sellerport import emulator
from sellerport.emulator.grants import DEFAULT_APPLICATION
from sellerport.oauth import LwaClient
from sellerport.regions import marketplace
from sellerport.server.app import running
from sellerport.server.hub import Caller, call_log
from sellerport.server.settings import Secret
from sellerport.wire import AsyncWire, Request

BASE = "/passthrough-api/orders"


def test_a_sellers_orders_come_without_their_buyers_and_each_call_is_in_the_audit(sqlite_house):
    async def scenario(amazon):
        settings = replace(sqlite_house.settings, port=0, public_url=None, amazon=amazon, vault_key=Secret(KEY))
        wire, world = AsyncWire(), sqlite_house.world
        async with running(settings) as up:
            owner = (await up.hub.organizations.create("Acme")).id
            application = DEFAULT_APPLICATION
            made = await up.hub.connections.create(
                Caller(owner),
                customer=ID,
                name="A seller",
                marketplace=marketplace("US"),
                refresh_token=world.grant(SELLER, application.client_id).refresh_token,
                through=LwaClient(application.client_id, application.client_secret),
                selling_partner_id=SELLER,
                held_secret=SECRET,
            )
            sqlite_house.sql("INSERT INTO tenants (organization_id, created_at) VALUES (:owner, 0)", owner=owner)
            sqlite_house.sql(
                "INSERT INTO sellers (id, organization_id, selling_partner_id, region, connection_id, created_at, "
                "updated_at) VALUES (:id, :owner, 'A', 'na', :connection, 0, 0)",
                id=ID,
                owner=owner,
                connection=made.id,
            )
            token = await up.hub.gateway.signing.issue("seller", 600, tenant_id=owner, seller_id=ID, sv=0)
            pair = {"x-seller-access-token": token, "x-amazon-token-secret": SECRET}

            async def get(path, pair=pair):
                return await wire.send(Request("GET", f"{up.url}{BASE}{path}", pair))

            query = "MarketplaceIds=ATVPDKIKX0DER&CreatedAfter=2020-01-01T00:00:00Z"
            page = await get(f"/v0/orders?{query}")
            assert page.status == 200, page.body
            orders = json.loads(page.body)["payload"]["Orders"]
            address = await get(f"/v0/orders/{orders[0]['AmazonOrderId']}/address")
            assert address.status == 200, address.body
            assert "x-adb-scrub" in page.headers
            assert "x-amzn-requestid" in page.headers
            plus = await get(f"/v0/orders?{query}", {**pair, "x-amazon-token-secret": SECRET.replace("+", " ")})
            assert plus.status == 200
            wrong = await get(f"/v0/orders?{query}", {**pair, "x-amazon-token-secret": "x" * 44})
            assert (wrong.status, json.loads(wrong.body)["error"]["message"]) == (401, "Invalid amazon token secret")
            none = await get(f"/v0/orders?{query}", {})
            assert (none.status, json.loads(none.body)["error"]["message"]) == (401, "Invalid seller access token")
            gone = await get("/v0/orders/902-0000000-0000000")
            assert gone.status in (400, 404)
            assert b'"errors"' in gone.body
        await wire.aclose()
        facts = sqlite_house.sql("SELECT facts FROM audit WHERE action = :action", action=call_log.ACTION)
        told = [json.loads(one[0]) for one in facts]
        assert sum(one["calls"] for one in told if one["operation"] == "orders_v0.get_orders") == 2
        assert {one["operation"] for one in told} >= {"orders_v0.get_orders", "orders_v0.get_order_address"}

    with emulator.running(sqlite_house.world) as amazon:
        asyncio.run(scenario(amazon))
