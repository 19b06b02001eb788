"""Sellers of the gateway: what their tenants see of them, and do with them."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import replace

import pytest
from tests.server.conftest import CLIENT, SELLER
from tests.server.gateway import OTHER, SECRET, a_seller, a_tenant, refusal
from tests.server.registering import Way

from sellerport.errors import GrantRevoked, NotFound, Tampered, Unauthenticated
from sellerport.server.hub import GRACE_S, SELLER_ACCESS_S
from sellerport.server.hub.countdown import CONSENT_S, DAY_S
from sellerport.server.hub.passes import LOOK_AGAIN_S

ID = "11111111-1111-4111-8111-111111111111"
ID2 = "22222222-2222-4222-8222-222222222222"
PATH = f"/api/sellers/{ID}"


async def pair(server, tenant, srt, secret=SECRET):
    """Return what a request for a seller brings."""
    return (await server.hub.gateway.sellers.token(tenant.caller, ID, srt)).encode(), secret.encode()


def test_a_seller_gets_access_tokens_for_a_day_and_the_messages_are_the_contracts(house):
    """§1.9."""

    async def scenario(server):
        tenant, path = await a_tenant(server), "/api/get-seller-access-token"
        srt = await a_seller(house, tenant)
        good = {"seller_id": ID, "refresh_token": srt}
        data = (await tenant.api("POST", path, good)).json["data"]
        assert (data["token_type"], data["expires_in"]) == ("bearer", 86_400)
        made = await server.hub.gateway.passes.check(data["access_token"].encode(), SECRET.encode())
        assert (made.organization_id, made.seller_id) == (tenant.id, ID)
        for body, token, expected in (
            ({}, "x", (400, "seller_id is required")),
            ({"seller_id": ID}, "x", (400, "refresh_token is required")),
            (good, "x", (401, "Invalid ADB access token")),
            (good, data["access_token"], (401, "Invalid ADB access token")),
            ({**good, "seller_id": "x"}, None, (404, "Seller not found")),
            ({**good, "refresh_token": tenant.refresh_token}, None, (401, "Invalid refresh token")),
        ):
            assert refusal(await tenant.api("POST", path, body, token=token)) == expected
        replaced = await tenant.api("POST", f"{PATH}/rotate-refresh-token", {"refresh_token": srt})
        new = replaced.json["data"]["refresh_token"]
        assert new.startswith("srt_")
        assert (await tenant.api("POST", path, good)).status == 200
        server.clock.advance(max(GRACE_S, SELLER_ACCESS_S))
        assert refusal(await tenant.api("POST", path, good)) == (401, "Invalid refresh token")
        assert (await tenant.api("POST", path, {**good, "refresh_token": new})).status == 200
        with pytest.raises(Unauthenticated, match="Invalid seller access token"):
            await server.hub.gateway.passes.check(data["access_token"].encode(), SECRET.encode())

    house.run(scenario)


def test_sellers_are_listed_by_pages_and_show_how_they_are(house):
    async def scenario(server):
        tenant = await a_tenant(server)
        for id in (ID2, ID):
            await a_seller(house, tenant, id)
        page = (await tenant.api("GET", "/api/sellers?limit=1")).json["data"]
        assert ([one["seller_id"] for one in page["sellers"]], page["next"]) == ([ID], ID)
        page = (await tenant.api("GET", f"/api/sellers?limit=1&after={ID}")).json["data"]
        assert ([one["seller_id"] for one in page["sellers"]], page["next"]) == ([ID2], None)
        for wrong in ("limit=0", "limit=1001", "limit=0100099999", "limit=x", "limit=%00", "after=%00"):
            assert refusal(await tenant.api("GET", f"/api/sellers?{wrong}"))[0] == 400
        shown = (await tenant.api("GET", PATH)).json["data"]
        assert shown == {
            "seller_id": ID,
            "selling_partner_id": f"{SELLER}1111",
            "marketplace_region": "us-east-1",
            "name": None,
            "callback_url": None,
            "sandbox": False,
            "status": "active",
            "created_at": "2027-01-15T08:00:00.000Z",
            "updated_at": "2027-01-15T08:00:00.000Z",
            "claimed_at": "2027-01-15T08:00:00.000Z",
            "authorization_expires_at": "2028-01-15T08:00:00.000Z",
            "last_success_at": None,
            "last_error_at": None,
            "last_error": None,
        }

        async def status():
            return (await tenant.api("GET", PATH, token=await server.hub.gateway.tenants.token(*who))).json["data"]

        who = (tenant.id, tenant.refresh_token)
        server.clock.advance(CONSENT_S - 30 * DAY_S)
        assert (await status())["status"] == "reauth_due"
        server.clock.advance(30 * DAY_S)
        assert (await status())["status"] == "expired"
        house.sql("UPDATE connections SET status = 'needs_consent'")
        assert (await status())["status"] == "revoked"
        house.sql("UPDATE sellers SET connection_id = NULL")
        assert (await status())["status"] == "disconnected"
        house.sql("UPDATE sellers SET claimed_at = NULL")
        assert (await status())["status"] == "pending"

    house.run(scenario)


def test_a_seller_is_renamed_and_nothing_else_of_it_changes_whatever_is_sent(house):
    """Attack 31; and attack 51 for what an address may be."""

    async def scenario(server):
        tenant = await a_tenant(server)
        await a_seller(house, tenant)
        before = (await tenant.api("GET", PATH)).json["data"]
        server.clock.advance(1)
        given = {
            "name": "Shop",
            "callback_url": "https://hooks.example.test/x",
            "tenant_id": "x",
            "organization_id": "x",
            "status": "pending",
            "region": "eu",
            "sandbox": True,
            "selling_partner_id": "X",
            "connection_id": None,
            "token_version": 9,
        }
        changed = (await tenant.api("PATCH", PATH, given)).json["data"]
        new = {"name": "Shop", "callback_url": "https://hooks.example.test/x", "updated_at": "2027-01-15T08:00:01.000Z"}
        assert changed == before | new
        assert (await tenant.api("PATCH", PATH, {"callback_url": None})).json["data"]["callback_url"] is None
        for wrong in (
            {"name": ""},
            {"name": 1},
            {"name": "a\0"},
            {"name": "x" * 201},
            {"callback_url": "http://hooks.example.test"},
            {"callback_url": "https://127.0.0.1/"},
            {"callback_url": "https://169.254.169.254/latest"},
            {"callback_url": {}},
            [],
        ):
            assert refusal(await tenant.api("PATCH", PATH, wrong))[0] == 400
        assert (await tenant.api("GET", PATH)).json["data"]["name"] == "Shop"

    house.run(scenario)


def test_a_test_asks_amazon_and_says_how_that_went(house):
    async def scenario(server):
        tenant = await a_tenant(server)
        await a_seller(house, tenant)

        async def test(secret=SECRET, path=PATH):
            return await tenant.api("POST", f"{path}/test", x_amazon_token_secret=secret)

        data = (await test(SECRET.replace("+", " "))).json["data"]
        assert (data["status"], data["error"]) == ("succeeded", None)
        assert {"marketplace_id": "ATVPDKIKX0DER", "country": "US", "participating": True} in data["marketplaces"]
        assert (await tenant.api("GET", PATH)).json["data"]["last_success_at"] is not None
        assert refusal(await test(OTHER)) == (401, "Invalid amazon token secret")
        assert refusal(await test("")) == (401, "Invalid amazon token secret")
        assert refusal(await test(path="/api/sellers/x")) == (404, "Seller not found")
        server.world.revoke(selling_partner_id=SELLER)
        server.clock.advance(3600)
        data = (await test()).json["data"]
        assert (data["status"], data["marketplaces"], data["error"]) == ("failed", [], "grant_revoked")
        assert "authorize again" in (refusal(await test()))[1]
        assert (await tenant.api("GET", PATH)).json["data"]["status"] == "revoked"

    house.run(scenario)


def test_another_secret_opens_the_grant_once_it_was_rotated_and_the_old_one_does_not(house):
    """§5.3.3: also where the old one was warm, and where it is warm in another process."""

    async def scenario(server):
        tenant, passes = await a_tenant(server), server.hub.gateway.passes
        srt = await a_seller(house, tenant)
        old = await pair(server, tenant, srt)
        one = await passes.check(*old)
        token = await passes.fresh(one)
        elsewhere = passes._held.copy()
        path = f"{PATH}/rotate-secret"

        async def rotate(secret, new):
            return await tenant.api("POST", path, x_amazon_token_secret=secret, x_new_amazon_token_secret=new)

        for wrong in ("", "x" * 31, "x" * 65):
            said = (400, "x-new-amazon-token-secret must be 32-64 characters")
            assert refusal(await rotate(SECRET, wrong)) == said
        assert refusal(await rotate(OTHER, OTHER)) == (401, "Invalid amazon token secret")
        assert (await rotate(SECRET, OTHER)).json["data"] == {"seller_id": ID, "rotated": True}
        assert passes.warm(*old) is None
        with pytest.raises(Unauthenticated, match="Invalid amazon token secret"):
            await passes.check(*old)
        made = await passes.check(old[0], OTHER.encode())
        assert (await passes.fresh(made)) != token
        passes._held |= elsewhere
        server.clock.advance(LOOK_AGAIN_S)
        assert passes.warm(*old) is not None
        for task in list(passes._looking):
            await task
        assert passes.warm(*old) is None

    house.run(scenario)


def test_a_grant_is_not_sealed_anew_while_a_token_is_fetched_with_it(sqlite_house):
    """What Amazon gives then would be sealed under a key that is gone."""

    async def scenario(server):
        tenant, sellers = await a_tenant(server), server.hub.gateway.sellers
        await a_seller(sqlite_house, tenant)
        until = server.clock.now + 30
        sqlite_house.sql("UPDATE connections SET lease_owner = 'x', lease_until = :until", until=until)
        rotated = await tenant.api(
            "POST", f"{PATH}/rotate-secret", x_amazon_token_secret=SECRET, x_new_amazon_token_secret=OTHER
        )
        assert refusal(rotated)[0] == 409
        server.clock.advance(30)
        await sellers.rotate_secret(tenant.caller, ID, SECRET, OTHER)

    sqlite_house.run(scenario)


def test_a_disconnected_seller_is_listed_and_its_grant_is_gone_for_good(house):
    async def scenario(server):
        tenant, passes = await a_tenant(server), server.hub.gateway.passes
        srt = await a_seller(house, tenant)
        warm = await pair(server, tenant, srt)
        await passes.check(*warm)
        data = (await tenant.api("POST", f"{PATH}/disconnect")).json["data"]
        assert data["status"] == "disconnected"
        assert passes.warm(*warm) is None
        with pytest.raises(GrantRevoked, match="authorize again"):
            await passes.check(*await pair(server, tenant, srt))
        (row,) = house.sql("SELECT sealed_key, sealed_grant, sealed_access_token, status FROM connections")
        assert tuple(row) == (None, None, None, "disconnected")
        assert (await tenant.api("POST", f"{PATH}/disconnect")).json["data"] == data
        assert (await tenant.api("DELETE", PATH)).json["data"] == {"seller_id": ID, "deleted": True}
        for method, path in (("GET", PATH), ("DELETE", PATH), ("POST", f"{PATH}/disconnect"), ("PATCH", PATH)):
            assert refusal(await tenant.api(method, path, {})) == (404, "Seller not found")
        with pytest.raises(NotFound):
            await server.hub.gateway.sellers.token(tenant.caller, ID, srt)
        assert house.sql("SELECT 1 FROM seller_tokens") == []

    house.run(scenario)


def test_what_waits_for_a_seller_that_is_deleted_is_gone_with_it(house):
    """A grant that nobody claimed yet, and labels, whatever time they had left."""

    async def scenario(server):
        way = await Way.begin(server)
        seller_id, _ = await way.register()
        found = await way.authorize()
        await server.hub.gateway.documents.write_file(way.tenant.id, seller_id, "1", b"an address", "x")
        assert (await way.tenant.api("DELETE", f"/api/sellers/{seller_id}")).status == 200
        assert house.sql("SELECT sealed_grant FROM connections") == [(None,)]
        assert refusal(await way.claim(found)) == (404, "Seller not found")
        assert house.sql("SELECT count(*) FROM documents") == [(0,)]
        assert house.sql("SELECT count(*) FROM document_contents") == [(0,)]

    house.run(scenario)


def test_a_seller_that_is_deleted_while_its_owner_comes_back_is_another_one(sqlite_house):
    async def scenario(server):
        way, registrations = await Way.begin(server), server.hub.gateway.registrations
        seller_id, _ = await way.register()
        known = registrations._known

        async def deleted_then(*asked):
            row = await known(*asked)
            if row is not None:
                await server.hub.gateway.sellers.delete(way.tenant.caller, seller_id)
            return row

        registrations._known = deleted_then
        found = await way.authorize()
        assert found["seller_id"] != seller_id
        assert (await way.claim(found)).status == 200

    sqlite_house.run(scenario)


def test_a_seller_whose_connection_was_deleted_can_be_disconnected_all_the_same(sqlite_house):
    async def scenario(server):
        tenant = await a_tenant(server)
        await a_seller(sqlite_house, tenant)
        (connection,) = await server.hub.connections.all(tenant.caller)
        await server.hub.connections.delete(tenant.caller, connection.id)
        assert (await tenant.api("GET", PATH)).json["data"]["status"] == "disconnected"
        assert (await tenant.api("POST", f"{PATH}/disconnect")).json["data"]["status"] == "disconnected"
        assert (await tenant.api("DELETE", PATH)).status == 200

    sqlite_house.run(scenario)


def test_a_sandbox_seller_is_made_where_the_operator_lets_it_and_calls_the_sandbox_alone(sqlite_house):
    """§1.10."""
    body = {
        "name": "Test shop",
        "marketplace_region": "eu-west-1",
        "amazonTokenSecret": SECRET,
        "amazon_refresh_token": "",
    }
    path = "/api/create-sandbox-seller-with-tokens"

    async def refused(server):
        tenant = await a_tenant(server)
        answer = await tenant.api("POST", path, {**body, "amazon_refresh_token": "Atzr|x"})
        assert refusal(answer)[0] == 403
        assert "SELLERPORT_SANDBOX_SELLERS" in refusal(answer)[1]

    async def made(server):
        tenant = await a_tenant(server, "Second")
        good = {**body, "amazon_refresh_token": server.world.grant(SELLER, CLIENT).refresh_token}
        for wrong, said in (
            ({"name": ""}, "name is required"),
            ({"marketplace_region": "na"}, "marketplace_region is required"),
            ({"amazonTokenSecret": "x"}, "amazonTokenSecret must be 32-64 characters"),
            ({"amazon_refresh_token": None}, "amazon_refresh_token is required"),
            ({"selling_partner_id": "a/b"}, "selling_partner_id must be letters and digits"),
        ):
            assert refusal(await tenant.api("POST", path, {**good, **wrong})) == (400, said)
        data = (await tenant.api("POST", path, {**good, "selling_partner_id": "ASANDBOX"})).json["data"]
        assert data["refresh_token"].startswith("srt_")
        shown = (await tenant.api("GET", f"/api/sellers/{data['seller_id']}")).json["data"]
        assert (shown["sandbox"], shown["marketplace_region"], shown["status"]) == (True, "eu-west-1", "active")
        assert refusal(await tenant.api("POST", path, {**good, "selling_partner_id": "ASANDBOX"}))[0] == 409
        assert len(sqlite_house.sql("SELECT 1 FROM connections")) == 1
        asked = []
        send = server.wire.send

        async def seen(request):
            asked.append(request.url)
            return await send(request)

        server.wire.send = seen
        await tenant.api("POST", f"/api/sellers/{data['seller_id']}/test", x_amazon_token_secret=SECRET)
        called = [url for url in asked if "sellingpartnerapi" in url]
        assert called
        assert all("/sandbox.sellingpartnerapi-eu.amazon.com/" in url for url in called)

    sqlite_house.run(refused)
    sqlite_house.settings = replace(sqlite_house.settings, sandbox_sellers=True)
    sqlite_house.run(made)


def test_a_wrong_secret_is_told_apart_from_a_broken_row_and_the_time_does_not_tell_them_apart(sqlite_house):
    """The caller learns of the one (401), the operator of the other (500)."""

    async def scenario(server):
        tenant, sellers = await a_tenant(server), server.hub.gateway.sellers
        await a_seller(sqlite_house, tenant)
        (intact,) = sqlite_house.sql("SELECT sealed_key FROM connections")

        async def timed(key, expected):
            sqlite_house.sql("UPDATE connections SET sealed_key = :key", key=key)
            server.clock.advance(400)  # or the guesses would be too many
            begun = time.perf_counter_ns()
            answer = await tenant.api("POST", f"{PATH}/test", x_amazon_token_secret=OTHER)
            took = time.perf_counter_ns() - begun
            assert refusal(answer) == expected
            return took

        broken = intact[0][:-1] + bytes([intact[0][-1] ^ 1])
        said = (500, Tampered().message)
        pairs = [
            (await timed(intact[0], (401, "Invalid amazon token secret")), await timed(broken, said)) for _ in range(30)
        ]
        wrong, unreadable = (statistics.median(times) for times in zip(*pairs, strict=True))
        assert 0.5 < wrong / unreadable < 2.0
        answer = await tenant.api("POST", f"{PATH}/test", x_amazon_token_secret=SECRET)
        assert refusal(answer) == said
        assert (await sellers.get(tenant.caller, ID)).status == "active"

    sqlite_house.run(scenario)


def test_of_many_rotations_at_once_one_wins(house):
    async def scenario(server):
        tenant, sellers = await a_tenant(server), server.hub.gateway.sellers
        await a_seller(house, tenant)
        secrets = [OTHER[:-3] + f"{n:02}=" for n in range(4)]
        done = await asyncio.gather(
            *(sellers.rotate_secret(tenant.caller, ID, SECRET, new) for new in secrets), return_exceptions=True
        )
        assert [one for one in done if one is None] == [None]
        assert {type(one) for one in done if one is not None} == {Unauthenticated}
        new = secrets[done.index(None)]
        assert (await server.hub.gateway.passes.open(tenant.caller, ID, new)).seller_id == ID

    house.run(scenario)
