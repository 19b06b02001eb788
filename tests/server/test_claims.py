"""Claim codes: what a tenant gets for them, what ends then, and that each is good once."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from unittest.mock import ANY

import pytest
from tests.server.conftest import SELLER
from tests.server.gateway import OTHER, SECRET, a_tenant
from tests.server.registering import Way, error

INVALID = (400, "Invalid or expired claim code")
UNKNOWN = (404, "Seller not found")
ID = "11111111-1111-4111-8111-111111111111"


def test_a_claim_code_becomes_a_seller_that_amazon_answers(house):
    """§7.4, to the seller's access token."""

    async def scenario(server):
        way = await Way.begin(server)
        found = await way.authorize()
        assert await server.hub.connections.all(way.tenant.caller) == []
        assert (await way.tenant.api("GET", "/api/sellers")).json["data"]["sellers"][0]["status"] == "pending"
        claimed = await way.claim(found, name="Ann's", callback_url="https://wms.example.test/hook")
        data = claimed.json["data"]
        assert data.pop("refresh_token").startswith("srt_")
        assert data == {
            "seller_id": found["seller_id"],
            "selling_partner_id": SELLER,
            "marketplace_region": "us-east-1",
            "authorization_expires_at": "2028-01-15T08:00:00.000Z",
            "marketplaces": [
                {"marketplace_id": "ATVPDKIKX0DER", "country": "US", "participating": True},
                {"marketplace_id": "A2EUQ1WTGCTBG2", "country": "CA", "participating": True},
                {"marketplace_id": "A1AM78C64UM0Y8", "country": "MX", "participating": True},
            ],
        }
        (listed,) = (await way.tenant.api("GET", "/api/sellers")).json["data"]["sellers"]
        assert (listed["name"], listed["callback_url"], listed["status"]) == (
            "Ann's",
            "https://wms.example.test/hook",
            "active",
        )
        assert await way.opens(found["seller_id"]) == (200, "succeeded")
        (event,) = house.sql("SELECT type, connection_id FROM events")
        assert event.type == "connection.created"

    house.run(scenario)


def test_its_refresh_token_gives_access_tokens(sqlite_house):
    async def scenario(server):
        way = await Way.begin(server)
        seller_id, token = await way.register()
        answer = await way.tenant.api(
            "POST", "/api/get-seller-access-token", {"seller_id": seller_id, "refresh_token": token}
        )
        assert answer.status == 200, answer.text
        passed = answer.json["data"]["access_token"].encode()
        assert (await server.hub.gateway.passes.check(passed, SECRET.encode())).seller_id == seller_id
        assert token not in repr(
            [sqlite_house.sql("SELECT * FROM seller_tokens"), sqlite_house.sql("SELECT * FROM audit")]
        )

    sqlite_house.run(scenario)


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"seller_id": None}, (400, "seller_id is required")),
        ({"seller_id": ""}, (400, "seller_id is required")),
        ({"seller_id": 7, "code": 7}, (400, "seller_id is required")),
        ({"code": None}, (400, "code is required")),
        ({"seller_id": ID}, UNKNOWN),
        ({"seller_id": "\N{ROCKET}"}, UNKNOWN),
        ({"seller_id": "a\0"}, (400, "seller_id is required")),
        ({"code": "claim_wrong"}, INVALID),
        ({"callback_url": 7}, (400, "callback_url must be a text")),
        (
            {"callback_url": "http://10.0.0.1/hook"},
            (400, "callback_url must begin with https:// (or with http:// for this machine)"),
        ),
    ],
)
def test_each_mistake_has_its_message_and_uses_nothing_up(sqlite_house, changes, refused):
    async def scenario(server):
        way = await Way.begin(server)
        found = await way.authorize()
        answer = await way.claim(found, **changes)
        assert (answer.status, error(answer)[1]) == refused
        assert (await way.claim(found)).status == 200

    sqlite_house.run(scenario)


def test_mistakes_are_named_in_the_contracts_order(sqlite_house):
    async def scenario(server):
        tenant, path = await a_tenant(server), "/api/claim-code"
        given = {}
        for more, refused in (
            ({}, (400, "seller_id is required")),
            ({"seller_id": ID}, (400, "code is required")),
            ({"code": "x"}, (401, "Invalid ADB access token")),
        ):
            given |= more
            assert error(await tenant.api("POST", path, given, token="wrong")) == refused
        assert error(await tenant.api("POST", path, given)) == UNKNOWN

    sqlite_house.run(scenario)


@pytest.mark.parametrize("left_out", ["name", "callback_url"])
def test_a_name_and_an_address_need_not_be_given(sqlite_house, left_out):
    async def scenario(server):
        way = await Way.begin(server)
        assert (await way.claim(await way.authorize(), **{left_out: None})).status == 200

    sqlite_house.run(scenario)


def test_24_a_claim_code_is_good_once_for_five_minutes_and_of_its_seller(house):
    """§7.6."""

    async def scenario(server):
        way = await Way.begin(server)
        found = await way.authorize()
        assert (await way.claim(found)).status == 200
        assert error(await way.claim(found)) == INVALID
        again = await way.authorize()
        server.clock.advance(299)
        assert error(await way.claim({**found, "code": again["code"] + "x"})) == INVALID
        assert (await way.claim(again)).status == 200
        late = await way.authorize()
        server.clock.advance(301)
        assert error(await way.claim(late)) == INVALID
        server.world.add_account(("US",), selling_partner_id="AOTHER", name="Other", orders=0)
        other = await way.authorize(seller="AOTHER")
        assert other["seller_id"] != found["seller_id"]
        assert error(await way.claim({**other, "seller_id": found["seller_id"]})) == INVALID
        assert (await way.claim(other)).status == 200

    house.run(scenario)


def test_25_another_tenant_finds_no_such_seller(house):
    """§7.6; nothing is used up."""

    async def scenario(server):
        way, other = await Way.begin(server), await a_tenant(server, "Other")
        found = await way.authorize()
        given = {"seller_id": found["seller_id"], "code": found["code"], "name": "x", "callback_url": ""}
        assert error(await other.api("POST", "/api/claim-code", given)) == UNKNOWN
        assert (await way.claim(found)).status == 200

    house.run(scenario)


def test_23_who_guesses_codes_has_to_slow_down(sqlite_house):
    async def scenario(server):
        way = await Way.begin(server)
        found = await way.authorize()
        answers = [(await way.claim({**found, "code": f"claim_{number}"})).status for number in range(110)]
        assert (answers[:100], answers[-1]) == ([400] * 100, 429)
        assert (await way.claim(found)).status == 200

    sqlite_house.run(scenario)


def test_of_many_claims_at_two_servers_exactly_one_wins(house):
    """§7.6; each server has its own connections to the database."""

    async def scenario(server):
        way = await Way.begin(server)
        async with house.open() as second:
            for _ in range(3):
                server.clock.advance(10)
                found = await way.authorize()
                ways = [way, Way(replace(way.tenant, server=second), second.browser)]
                answers = await asyncio.gather(*(ways[number % 2].claim(found) for number in range(6)))
                assert sorted(answer.status for answer in answers) == [200, *[400] * 5]
        assert len(house.sql("SELECT * FROM seller_tokens")) == 1
        active = house.sql("SELECT id FROM connections WHERE status = 'active'")
        assert house.sql("SELECT connection_id FROM sellers") == active

    house.run(scenario)


def test_a_seller_who_authorizes_again_stays_the_same_and_the_old_grant_goes_on_until_the_claim(house):
    """§7.8."""

    async def scenario(server):
        way = await Way.begin(server)
        seller_id, token = await way.register()
        (before,) = house.sql("SELECT connection_id FROM sellers")
        again = await way.authorize(amazonTokenSecret=OTHER)
        assert again["seller_id"] == seller_id
        assert await way.opens(seller_id, SECRET) == (200, "succeeded")
        assert (await way.opens(seller_id, OTHER))[0] == 401
        claimed = await way.claim(again)
        assert claimed.status == 200
        assert await way.opens(seller_id, OTHER) == (200, "succeeded")
        assert await way.opens(seller_id, SECRET) == (401, "Invalid amazon token secret")
        for refresh_token, status in ((token, 401), (claimed.json["data"]["refresh_token"], 200)):
            given = {"seller_id": seller_id, "refresh_token": refresh_token}
            assert (await way.tenant.api("POST", "/api/get-seller-access-token", given)).status == status
        (old,) = house.sql("SELECT * FROM connections WHERE id = :id", id=before.connection_id)
        assert (old.status, old.sealed_key, old.sealed_grant) == ("disconnected", None, None)
        told = house.sql("SELECT type FROM events ORDER BY sequence")
        assert [one.type for one in told] == ["connection.created", "connection.created", "connection.disconnected"]

    house.run(scenario)


def test_a_seller_whose_connection_was_deleted_by_itself_is_claimed_again(sqlite_house):
    async def scenario(server):
        way = await Way.begin(server)
        seller_id, _ = await way.register()
        (connection,) = await server.hub.connections.all(way.tenant.caller)
        await server.hub.connections.delete(way.tenant.caller, connection.id)
        assert await way.register() == (seller_id, ANY)
        assert await way.opens(seller_id) == (200, "succeeded")

    sqlite_house.run(scenario)


def test_an_authorization_that_nobody_claims_changes_nothing(house):
    async def scenario(server):
        way = await Way.begin(server)
        seller_id, _ = await way.register()
        await way.authorize(amazonTokenSecret=OTHER)
        server.clock.advance(301)
        await server.hub.held.drop_late()
        assert await way.opens(seller_id, SECRET) == (200, "succeeded")
        assert len(house.sql("SELECT id FROM connections")) == 1

    house.run(scenario)


def test_another_tenant_or_region_has_another_seller(sqlite_house):
    """§7.8."""

    async def scenario(server):
        way = await Way.begin(server)
        other = Way(await a_tenant(server, "Other"), server.browser)
        first, _ = await way.register()
        second, _ = await other.register()
        third, _ = await way.register(marketplace_region="eu-west-1", seller="ALOCALSELLEREU")
        assert len({first, second, third}) == 3
        assert await way.opens(first) == (200, "succeeded")

    sqlite_house.run(scenario)


def test_what_cannot_be_written_down_is_not_claimed(house):
    async def scenario(server):
        way = await Way.begin(server)
        seller_id, token = await way.register()
        found = await way.authorize()
        with house.refusing("INSERT ON audit"):
            assert (await way.claim(found)).status == 503
        given = {"seller_id": seller_id, "refresh_token": token}
        assert (await way.tenant.api("POST", "/api/get-seller-access-token", given)).status == 200
        assert (await way.claim(found)).status == 200

    house.run(scenario)


def test_a_pass_of_the_grant_before_is_good_no_longer(sqlite_house):
    async def scenario(server):
        way = await Way.begin(server)
        seller_id, _ = await way.register()
        passes = server.hub.gateway.passes
        issued = await server.hub.gateway.signing.issue(
            "seller", 60, tenant_id=way.tenant.id, seller_id=seller_id, sv=0
        )
        await passes.check(issued.encode(), SECRET.encode())
        await way.claim(await way.authorize(amazonTokenSecret=OTHER))
        assert passes.warm(issued.encode(), SECRET.encode()) is None

    sqlite_house.run(scenario)


def test_sellers_that_nobody_claimed_are_dropped_a_day_later(house):
    async def scenario(server):
        way = await Way.begin(server)
        kept, _ = await way.register()
        server.world.add_account(("US",), selling_partner_id="AOTHER", name="Other", orders=0)
        late = await way.authorize(seller="AOTHER")
        server.clock.advance(86_000)
        await server.hub.held.drop_late()
        await server.hub.gateway.claims.drop_unclaimed()
        assert len(house.sql("SELECT id FROM sellers")) == 2
        server.clock.advance(1_000)
        await server.hub.gateway.claims.drop_unclaimed()
        assert [row.id for row in house.sql("SELECT id FROM sellers")] == [kept]
        assert late["seller_id"] in json.dumps([list(row) for row in house.sql("SELECT action, subject FROM audit")])

    house.run(scenario)
