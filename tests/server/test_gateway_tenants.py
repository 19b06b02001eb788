"""Tenants of the gateway: how they come to be, their tokens, and how those end."""

from __future__ import annotations

import pytest
from tests.server.gateway import ORIGIN, SECRET, a_seller, a_tenant, refusal, request

from sellerport.errors import Conflict, InvalidArguments, Unauthenticated
from sellerport.server.hub import GRACE_S, SELLER_ACCESS_S, TENANT_ACCESS_S

ID = "11111111-1111-4111-8111-111111111111"


def test_an_administrator_creates_a_tenant_and_the_messages_are_the_contracts(house):
    """§1.4: in the order of its table."""

    async def scenario(server):
        tenants, good = server.hub.gateway.tenants, {"name": "Warehouse", "redirectOrigin": ORIGIN}
        admin = {"authorization": f"Bearer {await tenants.admin_token(3600)}"}
        plain = {"authorization": f"Bearer {await server.hub.gateway.signing.issue('admin', 60)}"}
        https = "redirectOrigin must start with https://"
        for body, headers, expected in (
            ({}, {}, (400, "Name is required")),
            ({"name": " ", "redirectOrigin": "x"}, admin, (400, "Name is required")),
            ({"name": "x"}, admin, (400, https)),
            ({"name": "x", "redirectOrigin": "http://127.0.0.1/"}, admin, (400, https)),
            (good, {}, (401, "Invalid token")),
            (good, {"authorization": "Basic x"}, (401, "Invalid token")),
            (good, plain, (401, "Token missing create-tenant claim")),
        ):
            assert refusal(await request(server, "POST", "/api/create-tenant", body, headers)) == expected
        for origin in ("https://", "https://a.example/?x=1", "https://u@a.example", "https://a.example/#x"):
            body = {"name": "x", "redirectOrigin": origin}
            status, message = refusal(await request(server, "POST", "/api/create-tenant", body, admin))
            assert (status, message.split()[0]) == (400, "redirectOrigin")
        made = await request(server, "POST", "/api/create-tenant", {**good, "tier": "enterprise"}, admin)
        assert made.status == 200
        assert made.json["success"] is True
        assert set(made.json["data"]) == {"tenant_id", "refresh_token"}
        id, token = made.json["data"]["tenant_id"], made.json["data"]["refresh_token"]
        assert token.startswith("rt_")
        assert len(token) == len("rt_") + 43  # 256 bits
        assert (await tenants.get(id)).tier == "standard"
        assert await server.hub.return_urls.all(id) == [ORIGIN]
        assert refusal(await request(server, "POST", "/api/create-tenant", good, admin))[0] == 409
        actors = {row.actor[:6] for row in house.sql("SELECT actor FROM audit WHERE action = 'tenant.created'")}
        assert actors == {"admin:"}
        server.clock.advance(3600)
        assert refusal(await request(server, "POST", "/api/create-tenant", good, admin)) == (401, "Invalid token")

    house.run(scenario)


def test_a_tenants_access_token_lasts_for_30_days_and_nobody_learns_which_tenants_there_are(house):
    """§1.5."""

    async def scenario(server):
        tenant, other = await a_tenant(server), await a_tenant(server, "Other")
        path, good = "/api/get-adb-access-token", {"tenant_id": tenant.id, "refresh_token": tenant.refresh_token}
        given = await request(server, "POST", path, good)
        data = given.json["data"]
        assert (data["token_type"], data["expires_in"]) == ("bearer", 2_592_000)
        assert data["expires_at"] == "2027-02-14T08:00:00.000Z"
        assert given.headers["cache-control"] == "no-store"
        assert (await server.hub.gateway.tenants.verify(data["access_token"])).actor == f"tenant:{tenant.id}"
        wrong = (401, "Invalid refresh token")
        for body, expected in (
            ({}, (400, "tenant_id is required")),
            ({"tenant_id": tenant.id}, (400, "refresh_token is required")),
            ({**good, "refresh_token": "rt_x"}, wrong),
            ({**good, "refresh_token": other.refresh_token}, wrong),
            ({**good, "tenant_id": "nobody"}, wrong),
            ({**good, "tenant_id": server.organization.id}, wrong),
            ({**good, "tenant_id": "x" * 10_000}, wrong),
        ):
            assert refusal(await request(server, "POST", path, body)) == expected
        server.clock.advance(TENANT_ACCESS_S)
        assert refusal(await tenant.api("GET", "/api/sellers")) == (401, "Invalid ADB access token")

    house.run(scenario)


def test_what_another_server_signs_with_a_new_key_is_good_here_a_second_later(sqlite_house):
    async def scenario(server):
        tenant = await a_tenant(server)
        here = server.hub.gateway.tenants
        async with sqlite_house.open() as second:
            there = second.hub.gateway
            await here.verify(tenant.token)
            await there.signing.rotate()
            token = await there.tenants.token(tenant.id, tenant.refresh_token)
            server.clock.advance(1)
            assert (await here.verify(token)).organization_id == tenant.id
            await there.signing.rotate()
            sealed = await there.signing.seal(b"cookie", "purpose")
            server.clock.advance(1)
            assert await server.hub.gateway.signing.open(sealed, "purpose") == b"cookie"
        reads, read = [], server.hub.gateway.signing._read

        async def counted():
            reads.append(1)
            await read()

        server.hub.gateway.signing._read = counted
        server.clock.advance(1)
        for _ in range(9):
            assert await server.hub.gateway.signing.open("nobody's.AAAA", "purpose") is None
        assert len(reads) == 1

    sqlite_house.run(scenario)


def test_who_guesses_has_to_wait_and_who_knows_does_not(sqlite_house):
    """Attack 23."""

    async def scenario(server):
        tenant, path = await a_tenant(server), "/api/get-adb-access-token"
        answers = []
        for number in range(1000):
            body = {"tenant_id": tenant.id, "refresh_token": f"rt_{number}"}
            answers.append(await request(server, "POST", path, body))
        assert [answer.status for answer in answers] == [401] * 100 + [429] * 900
        waits = answers[-1].headers
        assert waits["x-ratelimit-limit"] == "100"
        assert waits["x-ratelimit-remaining"] == "0"
        assert int(waits["retry-after"]) >= 1
        assert int(waits["x-ratelimit-reset"]) > 0
        good = {"tenant_id": tenant.id, "refresh_token": tenant.refresh_token}
        assert (await request(server, "POST", path, good)).status == 200

    sqlite_house.run(scenario)


def test_a_refresh_token_is_replaced_and_the_one_before_is_good_for_a_day_more(house):
    async def scenario(server):
        tenant, tenants = await a_tenant(server), server.hub.gateway.tenants
        path, body = "/api/tenant/rotate-refresh-token", {"refresh_token": tenant.refresh_token}
        made = (await tenant.api("POST", path, body)).json["data"]
        assert made["previous_expires_in"] == GRACE_S
        again = (await tenant.api("POST", path, body)).json["data"]["refresh_token"]  # the answer may have been lost
        for token in (tenant.refresh_token, made["refresh_token"], again):
            await tenants.token(tenant.id, token)
        assert refusal(await tenant.api("POST", path, {"refresh_token": "rt_x"})) == (401, "Invalid refresh token")
        server.clock.advance(GRACE_S)
        for token in (made["refresh_token"], again):
            await tenants.token(tenant.id, token)
        with pytest.raises(Unauthenticated, match="Invalid refresh token"):
            await tenants.token(tenant.id, tenant.refresh_token)
        for _ in range(8):
            await tenants.replace_token(tenant.caller, again)
        with pytest.raises(Conflict, match="revoke one"):
            await tenants.replace_token(tenant.caller, again)
        assert len(house.sql("SELECT 1 FROM tenant_tokens")) == 10

    house.run(scenario)


def test_the_operator_renews_a_tenants_token_and_revokes_all_that_there_are(house):
    async def scenario(server):
        tenant, tenants = await a_tenant(server), server.hub.gateway.tenants
        renewed = await tenants.renew_token(tenant.id, grace_s=60)
        await tenants.token(tenant.id, tenant.refresh_token)
        server.clock.advance(60)
        with pytest.raises(Unauthenticated):
            await tenants.token(tenant.id, tenant.refresh_token)
        await tenants.verify(tenant.token)
        seller = await server.hub.gateway.sellers.token(tenant.caller, ID, await a_seller(house, tenant))
        await server.hub.gateway.passes.check(seller.encode(), SECRET.encode())
        server.hub.gateway.passes.forget(ID)
        last = await tenants.renew_token(tenant.id, revoke=True)
        with pytest.raises(Unauthenticated):
            await tenants.token(tenant.id, renewed)
        with pytest.raises(Unauthenticated, match="Invalid ADB access token"):
            await tenants.verify(tenant.token)
        await tenants.verify(await tenants.token(tenant.id, last))
        with pytest.raises(Unauthenticated, match="Invalid seller access token"):
            await server.hub.gateway.passes.check(seller.encode(), SECRET.encode())

    house.run(scenario)


def test_a_suspended_tenant_can_do_nothing_until_it_is_resumed(house):
    async def scenario(server):
        tenant, tenants = await a_tenant(server), server.hub.gateway.tenants
        assert (await tenants.change(tenant.id, suspended=True)).suspended_at is not None
        assert refusal(await tenant.api("GET", "/api/sellers")) == (401, "Invalid ADB access token")
        with pytest.raises(Unauthenticated):
            await tenants.token(tenant.id, tenant.refresh_token)
        await tenants.change(tenant.id, suspended=False)
        assert (await tenant.api("GET", "/api/sellers")).status == 200

    house.run(scenario)


def test_an_organization_becomes_a_tenant_and_is_changed(house):
    async def scenario(server):
        tenants, id = server.hub.gateway.tenants, server.organization.id
        await server.hub.return_urls.register(id, ORIGIN)
        made, token = await tenants.adopt(id, ORIGIN)
        assert (made.name, made.privacy, made.tier, made.require_pushed) == ("Acme", "placeholders", "standard", False)
        await tenants.verify(await tenants.token(id, token))
        with pytest.raises(Conflict, match="already"):
            await tenants.adopt(id, ORIGIN)
        hub = "https://hub.warehouse.test:8443"
        changed = await tenants.change(id, privacy="remove", tier="enterprise", require_pushed=True, device_hub=hub)
        assert (changed.privacy, changed.tier, changed.require_pushed) == ("remove", "enterprise", True)
        assert changed.device_hub == hub
        assert (await tenants.change(id, device_hub="")).device_hub is None
        for wrong in ("http://127.0.0.1", "hub.test", "https://u:p@hub.test"):
            with pytest.raises(InvalidArguments, match="device_hub"):
                await tenants.change(id, device_hub=wrong)

    house.run(scenario)


def test_tokens_are_looked_at_and_taken_back(house):
    """RFC 7662 and RFC 7009; another tenant's are as if they were not there."""

    async def scenario(server):
        tenant, other = await a_tenant(server), await a_tenant(server, "Other")
        srt = await a_seller(house, tenant)
        seller = await server.hub.gateway.sellers.token(tenant.caller, ID, srt)

        async def look(who, token):
            return (await who.api("POST", "/api/introspect", {"token": token})).json["data"]

        said = await look(tenant, tenant.token)
        assert (said["active"], said["token_type"], said["tenant_id"]) == (True, "adb_access", tenant.id)
        assert said["exp"] - said["iat"] == TENANT_ACCESS_S
        said = await look(tenant, seller)
        assert (said["token_type"], said["seller_id"], said["exp"] - said["iat"]) == (
            "seller_access",
            ID,
            SELLER_ACCESS_S,
        )
        said = await look(tenant, tenant.refresh_token)
        assert said == {
            "active": True,
            "token_type": "tenant_refresh",
            "tenant_id": tenant.id,
            "iat": int(server.clock.now),
        }
        assert (await look(tenant, srt))["seller_id"] == ID
        mine = (tenant.token, seller, tenant.refresh_token, srt)
        admin = await server.hub.gateway.tenants.admin_token(60)
        for token in (*mine, admin, "rt_x", "srt_x", "x.y.z", "x"):
            assert await look(other, token) == {"active": False}
            assert (await other.api("POST", "/api/revoke", {"token": token})).json == {"success": True, "data": {}}
        assert [(await look(tenant, token))["active"] for token in mine] == [True] * 4
        await tenant.api("POST", "/api/revoke", {"token": seller})
        assert [(await look(tenant, token))["active"] for token in mine] == [True, False, True, True]
        await tenant.api("POST", "/api/revoke", {"token": srt})
        assert (await look(tenant, srt)) == {"active": False}
        with pytest.raises(Unauthenticated):
            await server.hub.gateway.sellers.token(tenant.caller, ID, srt)
        await tenant.api("POST", "/api/revoke", {"token": tenant.refresh_token})
        assert refusal(await tenant.api("GET", "/api/sellers")) == (401, "Invalid ADB access token")
        with pytest.raises(Unauthenticated):
            await server.hub.gateway.tenants.token(tenant.id, tenant.refresh_token)

    house.run(scenario)
