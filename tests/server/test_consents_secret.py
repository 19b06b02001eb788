"""Consents that end with a secret: the browser brings it, and the backend makes the connector of it."""

from __future__ import annotations

import pytest
from tests.server import test_ads_consents
from tests.server.test_connector_api import CONNECTORS, INITIATE, SHOP, TYPED, assert_refused

USER = {"external_user_id": "ann", "connector_type": "amazon-seller-partner"}


async def secret_of(server, **more):
    body = {**USER, "redirect_url": f"{SHOP}?user_id=7", **more}
    link = (await server.api("POST", INITIATE, body)).json["consent_url"]
    ended = await server.browser.consent(link)
    assert ended.query["user_id"] == ["7"]
    assert "connector_id" not in ended.query
    return ended.query["secret_id"][0]


async def make(server, secret, **more):
    return await server.api("POST", CONNECTORS, {**USER, "server_side_oauth_secret_id": secret, **more})


def test_the_connector_is_not_there_until_its_secret_is_shown_and_then_once(house):
    async def scenario(server):
        secret = await secret_of(server, name="Shop")
        assert (await server.api("GET", CONNECTORS)).json == {"data": []}
        assert (await server.api("GET", "/api/v1/workspaces")).json["data"] == []
        assert not house.sql("SELECT 1 FROM events WHERE type LIKE 'connection.%'")
        (held,) = house.sql("SELECT id, sealed_grant FROM connections")
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/execute"), ("POST", "/claim")):
            body = {"entity": "orders", "action": "list", "workspace_name": "ann"} if method == "POST" else None
            assert (await server.api(method, f"{CONNECTORS}/{held.id}{path}", body)).status == 404
        tried = await server.api("POST", f"{CONNECTORS}/check", {**USER, "server_side_oauth_secret_id": secret})
        assert (tried.json["status"], tried.json["id"]) == ("succeeded", held.id)
        server.clock.advance(599)
        made = await make(server, secret, entities=[{"entity": "orders"}])
        assert (made.status, made.json["name"], made.json["workspace_name"]) == (200, "Shop", "ann")
        assert (made.json["status"], made.json["entities"]) == ("active", [{"entity": "orders", "modes": None}])
        assert len(await server.orders(made.json["id"])) > 0
        (created,) = house.sql("SELECT type, connection_id FROM events WHERE type LIKE 'connection.%'")
        assert tuple(created) == ("connection.created", made.json["id"])
        again = await make(server, secret)
        assert (again.status, again.json["message"]) == (400, "Invalid secret_id")
        assert secret not in str(house.sql("SELECT secret_hash FROM connections"))
        assert (await server.hub.audit.verify()).ok

    house.run(scenario)


def test_a_secret_is_good_for_its_customer_organization_and_platform_and_ten_minutes(house):
    async def scenario(server):
        secret = await secret_of(server)
        other = await server.hub.organizations.create("Other")
        client = await server.hub.access.create_client(other.id, "backend")
        theirs = (await server.hub.access.issue(client.id, client.secret)).token
        scoped = {"workspace_name": "bob"}
        bobs = (await server.api("POST", "/api/v1/account/applications/scoped-token", scoped)).json["token"]
        for more, token, status in (
            ({"external_user_id": "bob"}, None, 400),
            ({"connector_type": "amazon-ads"}, None, 400),
            ({"server_side_oauth_secret_id": secret + "x"}, None, 400),
            ({"server_side_oauth_secret_id": ""}, None, 400),
            ({}, theirs, 400),
            ({}, bobs, 403),
            ({"external_user_id": "bob"}, bobs, 400),
            ({"entities": [{"entity": "odrers"}]}, None, 422),
        ):
            body = {**USER, "server_side_oauth_secret_id": secret, **more}
            refused = await server.api("POST", CONNECTORS, body, token=token)
            assert refused.status == status, (more, refused.text)
            assert status != 400 or refused.json["message"] == "Invalid secret_id"
        server.clock.advance(600)
        assert (await make(server, secret)).status == 400
        assert len(house.sql("SELECT 1 FROM connections")) == 1
        await server.hub.held.drop_late()
        assert house.sql("SELECT 1 FROM connections") == []
        late = await secret_of(server)
        await server.hub.workspaces.named(server.caller, "ann")
        (ann,) = await server.hub.workspaces.all(server.caller, name_contains="ann")
        await server.hub.workspaces.delete(server.caller, ann.id)
        assert (await make(server, late)).status == 400
        assert house.sql("SELECT 1 FROM connections") == []
        assert (await server.hub.audit.verify()).ok

    house.run(scenario)


def test_an_advertisers_connector_is_made_of_a_secret_too(sqlite_house):
    async def scenario(server):
        await test_ads_consents.furnish(server)
        ads = {"external_user_id": "ann", "connector_type": "Amazon-Ads"}
        link = (await server.api("POST", INITIATE, {**ads, "redirect_url": SHOP})).json["consent_url"]
        browser = server.browser
        to_amazon = await browser.open(link)
        ended = await browser.get(await test_ads_consents.decide(server, to_amazon.location))
        (secret,) = ended.query["secret_id"]
        held = sqlite_house.sql("SELECT count(*) FROM profiles")
        made = await server.api("POST", CONNECTORS, {**ads, "server_side_oauth_secret_id": secret})
        assert (made.status, made.json["platform"]) == (200, "ads")
        assert made.json["profiles"] == held[0][0] > 0
        execute = f"{CONNECTORS}/{made.json['id']}/execute"
        listed = await server.api("POST", execute, {"entity": "profiles", "action": "list", "params": {"limit": 1}})
        assert len(listed.json["result"]) == made.json["profiles"]
        tried = await server.api("POST", f"{CONNECTORS}/{made.json['id']}/check")
        assert (tried.json["status"], tried.json["entity_check_results"][0]["entity"]) == ("succeeded", "profiles")
        late = (await server.api("POST", INITIATE, {**ads, "redirect_url": SHOP})).json["consent_url"]
        to_amazon = await browser.open(late)
        await browser.get(await test_ads_consents.decide(server, to_amazon.location))
        server.clock.advance(600)
        await server.hub.held.drop_late()
        assert sqlite_house.sql("SELECT count(*) FROM profiles") == held

    sqlite_house.run(scenario)


@pytest.mark.parametrize(
    ("more", "brought"),
    [
        ({"workspace_name": "ann"}, "connector_id"),
        ({"customer_name": "ann"}, "connector_id"),
        ({"external_user_id": "ann"}, "secret_id"),
        ({"external_user_id": "ann", "callback_mode": "connector_id"}, "connector_id"),
        ({"customer_name": "ann", "callback_mode": "secret_id"}, "secret_id"),
    ],
)
def test_what_the_browser_brings_is_decided_by_the_bodys_name_for_the_customer_or_by_its_mode(
    sqlite_house, more, brought
):
    async def scenario(server):
        body = {"connector_type": "amazon-seller-partner", "redirect_url": f"{SHOP}?secret_id=evil", **more}
        link = (await server.api("POST", INITIATE, body)).json["consent_url"]
        ended = await server.browser.consent(link)
        assert set(ended.query) == {brought}
        assert ended.query[brought] != ["evil"]

    sqlite_house.run(scenario)


def test_a_mode_that_cannot_be_is_refused_and_a_denied_consent_says_so(sqlite_house):
    async def scenario(server):
        mode = {"callback_mode": "secret_id"}
        nowhere = await server.api("POST", INITIATE, {**TYPED, **mode})
        assert_refused(nowhere, 422, "value_error", "redirect_url", "is required")
        unknown = await server.api("POST", INITIATE, {**TYPED, "callback_mode": "x", "redirect_url": SHOP})
        assert_refused(unknown, 422, "value_error", "callback_mode")
        id = await server.connect()
        there = await server.api("POST", INITIATE, {"connector_id": id, "redirect_url": SHOP, **mode})
        assert_refused(there, 422, "value_error", "callback_mode", "must be 'connector_id'")
        renewal = {"connector_id": id, "external_user_id": "ann", "redirect_url": SHOP}
        link = (await server.api("POST", INITIATE, renewal)).json["consent_url"]
        assert (await server.browser.consent(link)).query == {"connector_id": [id]}
        link = (await server.api("POST", INITIATE, {**USER, "redirect_url": f"{SHOP}?a=b"})).json["consent_url"]
        denied = (await server.browser.consent(link, "deny")).query
        assert (denied["a"], denied["error"]) == (["b"], ["access_denied"])
        assert denied["error_description"]
        assert "secret_id" not in denied

    sqlite_house.run(scenario)
