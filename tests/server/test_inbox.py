"""Owners who begin at Amazon, in its Appstore or under Manage Your Apps, and whose application is a tenant's (§6.2)."""

from __future__ import annotations

import asyncio
from unittest.mock import ANY

import msgspec
import pytest
from tests.server.conftest import CLIENT, CLIENT_SECRET, SELLER, log_in_url
from tests.server.gateway import OTHER, SECRET, a_tenant, refusal
from tests.server.registering import Way
from tests.server.test_consents_log_in import APPLICATION, Owner

from sellerport.errors import NotFound
from sellerport.server.hub import inbox

SECOND = "AMALLORY"
NOTHING = (404, "Grant not found")


async def begin(server):
    """Return a tenant with an application of its own, to whose Log-in URI Amazon leads."""
    way = await Way.begin(server)
    made = await server.hub.applications.register(
        way.tenant.id, lwa_client_id=CLIENT, lwa_client_secret=CLIENT_SECRET, application_id=APPLICATION
    )
    known = server.world.application(APPLICATION)
    log_in = log_in_url(made)
    server.world.login.applications[CLIENT] = msgspec.structs.replace(known, login_uri=log_in)
    return way


async def waiting(tenant):
    return (await tenant.api("GET", "/api/inbox")).json["data"]["grants"]


async def take(tenant, id, secret=SECRET, **body):
    return await tenant.api("POST", f"/api/inbox/{id}/claim", body, x_amazon_token_secret=secret)


def test_an_owner_who_installs_from_the_appstore_becomes_a_seller_when_the_tenant_brings_a_secret(house):
    """§7.5, Appstore start."""

    async def scenario(server):
        way = await begin(server)
        assert await waiting(way.tenant) == []
        assert (await Owner(server).install()).status == 200
        (grant,) = await waiting(way.tenant)
        assert grant == {
            "id": ANY,
            "selling_partner_id": SELLER,
            "marketplace_region": "us-east-1",
            "seller_id": None,
            "authorized_at": "2027-01-15T08:00:00.000Z",
            "expires_at": "2027-01-22T08:00:00.000Z",
        }
        server.clock.advance(86_400)
        for secret in ("", "x" * 31, "x" * 65, "\xe9" * 40):
            wrong = refusal(await take(way.tenant, grant["id"], secret))
            assert wrong == (400, "x-amazon-token-secret must be 32-64 characters")
        done = (await take(way.tenant, grant["id"], name="Ann's", callback_url="https://wms.example.test/hook")).json
        seller_id = done["data"]["seller_id"]
        assert done["data"] == {
            "refresh_token": ANY,
            "seller_id": ANY,
            "selling_partner_id": SELLER,
            "marketplace_region": "us-east-1",
            "authorization_expires_at": "2028-01-15T08:00:00.000Z",
            "marketplaces": [
                {"marketplace_id": "ATVPDKIKX0DER", "country": "US", "participating": True},
                {"marketplace_id": "A2EUQ1WTGCTBG2", "country": "CA", "participating": True},
                {"marketplace_id": "A1AM78C64UM0Y8", "country": "MX", "participating": True},
            ],
        }
        assert await way.opens(seller_id) == (200, "succeeded")
        assert await way.opens(seller_id, OTHER) == (401, "Invalid amazon token secret")
        (seller,) = (await way.tenant.api("GET", "/api/sellers")).json["data"]["sellers"]
        assert (seller["name"], seller["callback_url"], seller["status"]) == (
            "Ann's",
            "https://wms.example.test/hook",
            "active",
        )
        given = {"seller_id": seller_id, "refresh_token": done["data"]["refresh_token"]}
        assert (await way.tenant.api("POST", "/api/get-seller-access-token", given)).status == 200
        assert refusal(await take(way.tenant, grant["id"])) == NOTHING
        assert await waiting(way.tenant) == []
        held = house.sql("SELECT status, client_held, sealed_grant IS NULL FROM connections ORDER BY status")
        assert [tuple(map(str, row)) for row in held] in (
            [("active", "1", "0"), ("disconnected", "0", "1")],
            [("active", "True", "False"), ("disconnected", "False", "True")],
        )

    house.run(scenario)


def test_a_renewal_at_amazon_leaves_the_seller_as_it_is_until_the_tenant_takes_it(house):
    """Manage Your Apps: what the secret opens does not become what opens without it, nor does it stop opening."""

    async def scenario(server):
        way = await begin(server)
        seller_id, old = await way.register()
        server.clock.advance(86_400)
        assert (await Owner(server).install()).status == 200
        assert await way.opens(seller_id) == (200, "succeeded")
        (grant,) = await waiting(way.tenant)
        assert grant["seller_id"] == seller_id
        done = (await take(way.tenant, grant["id"], OTHER)).json["data"]
        assert (done["seller_id"], done["authorization_expires_at"]) == (seller_id, "2028-01-16T08:00:00.000Z")
        assert await way.opens(seller_id, OTHER) == (200, "succeeded")
        assert await way.opens(seller_id) == (401, "Invalid amazon token secret")
        ended = {"seller_id": seller_id, "refresh_token": old}
        answer = await way.tenant.api("POST", "/api/get-seller-access-token", ended)
        assert refusal(answer) == (401, "Invalid refresh token")
        left = house.sql("SELECT 1 FROM connections WHERE sealed_grant IS NOT NULL")
        assert len(left) == len(house.sql("SELECT 1 FROM sellers")) == 1

    house.run(scenario)


def test_a_grant_that_a_secret_opens_is_not_renewed_without_it(sqlite_house):
    """Neither by the connector API, where an organization uses both."""

    async def scenario(server):
        way = await begin(server)
        seller_id, _ = await way.register()
        (connection,) = await server.hub.connections.all(way.tenant.caller)
        with pytest.raises(NotFound):
            await server.hub.connections.renew(
                way.tenant.caller,
                connection.id,
                application_id=connection.application_id,
                refresh_token="Atzr|another",
                selling_partner_id=SELLER,
            )
        assert await way.opens(seller_id) == (200, "succeeded")

    sqlite_house.run(scenario)


def test_21_nobody_takes_anothers_seller_by_saying_its_id_at_amazon(sqlite_house):
    async def scenario(server):
        way = await begin(server)
        server.world.add_account(("US",), selling_partner_id=SECOND, name="Mallory's", orders=0)
        seller_id, _ = await way.register()
        await Owner(server, SECOND).install()
        (grant,) = await waiting(way.tenant)
        assert grant["seller_id"] is None
        sqlite_house.sql("UPDATE connections SET selling_partner_id = :it", it=SELLER)
        (grant,) = await waiting(way.tenant)
        assert grant["seller_id"] == seller_id
        assert refusal(await take(way.tenant, grant["id"]))[0] == 409
        assert await way.opens(seller_id) == (200, "succeeded")
        assert len(await waiting(way.tenant)) == 1

    sqlite_house.run(scenario)


def test_29_what_waits_is_its_tenants_alone(sqlite_house):
    async def scenario(server):
        way = await begin(server)
        other = await a_tenant(server, "Other")
        server.world.add_account(("US",), selling_partner_id=SECOND, name="Mallory's", orders=0)
        await Owner(server).install()
        (grant,) = await waiting(way.tenant)
        assert await waiting(other) == []
        for tenant, id in ((other, grant["id"]), (way.tenant, "nobody"), (way.tenant, "x%00")):
            assert refusal(await take(tenant, id)) == NOTHING
        seller_id, _ = await way.register(seller=SECOND)
        (held,) = sqlite_house.sql("SELECT connection_id FROM sellers WHERE id = :id", id=seller_id)
        assert refusal(await take(way.tenant, held.connection_id)) == NOTHING
        assert (await take(way.tenant, grant["id"])).status == 200

    sqlite_house.run(scenario)


def test_of_many_who_take_a_grant_one_gets_it(house):
    async def scenario(server):
        way = await begin(server)
        await Owner(server).install()
        (grant,) = await waiting(way.tenant)
        answers = await asyncio.gather(*(take(way.tenant, grant["id"]) for _ in range(5)))
        assert sorted(answer.status for answer in answers) == [200, 404, 404, 404, 404]
        assert house.sql("SELECT count(*) FROM seller_tokens") == [(1,)]

    house.run(scenario)


def test_what_no_tenant_takes_is_erased_after_seven_days(sqlite_house):
    async def scenario(server):
        way = await begin(server)
        await Owner(server).install()
        (grant,) = await waiting(way.tenant)
        server.clock.advance(inbox.LIFE_S - 1)
        await server.hub.gateway.inbox.drop_late()
        assert len(await waiting(way.tenant)) == 1
        server.clock.advance(1)
        assert await waiting(way.tenant) == []
        assert refusal(await take(way.tenant, grant["id"])) == NOTHING
        await server.hub.gateway.inbox.drop_late()
        assert sqlite_house.sql("SELECT status, sealed_grant, sealed_key FROM connections") == [
            ("disconnected", None, None)
        ]
        await server.hub.gateway.inbox.drop_late()

    sqlite_house.run(scenario)
