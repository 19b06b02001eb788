"""Calls of connections to the Ads API: each goes to the region of the profile that it is about."""

from __future__ import annotations

import pytest
from tests.server.conftest import CLIENT, CLIENT_SECRET
from tests.server.test_ads_consents import LARKHOLLOW, NOBODY, TANNWERK, ended, furnish, the_connection

from sellerport.emulator import Fault
from sellerport.errors import AccessDenied, GrantRevoked, InvalidArguments, StoreError
from sellerport.server.store import Database

CONNECTORS = "/api/v1/integrations/connectors"
HOSTS = {
    "na": "advertising-api.amazon.com",
    "eu": "advertising-api-eu.amazon.com",
    "fe": "advertising-api-fe.amazon.com",
}
SCOPE = "Amazon-Advertising-API-Scope"


async def connected(server, person=None):
    """Connect a person's advertising, or everybody's; return the connection's id, and forget what that asked."""
    await furnish(server)
    await (ended(server, person) if person else ended(server))
    server.world.requests.clear()
    return (await the_connection(server)).id


def profile_of(server, country, kind="seller"):
    found = server.world.ads.profiles.values()
    return next(one for one in found if (one.country, one.type) == (country, kind)).id


def asked(server):
    """Which hosts were asked for what, but for tokens."""
    return [(one["host"], one["path"]) for one in server.world.requests if one["path"] != "/auth/o2/token"]


async def run(server, id, entity, action, **params):
    return await server.hub.calls.execute(server.caller, id, entity, action, params)


@pytest.mark.parametrize("name", ["profile_id", SCOPE])
def test_the_profile_decides_the_region_of_a_call(house, name):
    async def scenario(server):
        id = await connected(server)
        for country, region in (("US", "na"), ("DE", "eu"), ("JP", "fe")):
            params = {name: int(profile_of(server, country)), "limit": 1}
            body = {"entity": "sponsored_product_campaigns", "action": "list", "params": params}
            answer = await server.api("POST", f"{CONNECTORS}/{id}/execute", body)
            assert answer.status == 200, answer.text
            assert len(answer.json["result"]["campaigns"]) == 1
            assert answer.json["connector_metadata"]["next_token"]
            assert asked(server)[-1] == (HOSTS[region], "/sp/campaigns/list")
        assert len(asked(server)) == 3
        assert (await the_connection(server)).last_success_at is not None

    house.run(scenario)


def test_the_only_profile_needs_no_name(sqlite_house):
    async def scenario(server):
        server.world.ads.share(NOBODY, "ALOCALSELLERFE")
        id = await connected(server, NOBODY)
        made = await the_connection(server)
        assert made.profile_id == profile_of(server, "JP")
        assert (await run(server, id, "portfolios", "list")).data["portfolios"]
        assert (await run(server, id, "sp.campaigns", "list", maxResults=1)).data["campaigns"]
        assert asked(server) == [(HOSTS["fe"], "/portfolios/list"), (HOSTS["fe"], "/sp/campaigns/list")]

    sqlite_house.run(scenario)


def test_one_of_several_profiles_has_to_be_named(sqlite_house):
    async def scenario(server):
        id = await connected(server, TANNWERK)
        with pytest.raises(InvalidArguments, match="profile_id: is required, as this connection has several profiles"):
            await run(server, id, "sponsored_product_campaigns", "list")
        assert asked(server) == []

    sqlite_house.run(scenario)


def test_profiles_are_listed_for_all_regions_and_got_from_their_own(sqlite_house):
    async def scenario(server):
        id = await connected(server)
        listed = await run(server, id, "profiles", "list", profileTypeFilter="seller,vendor")
        assert (len(listed.data), listed.meta) == (12, None)
        assert [host for host, _ in asked(server)] == list(HOSTS.values())
        assert all(isinstance(one["profileId"], int) for one in listed.data)
        german = profile_of(server, "DE")
        assert (await run(server, id, "profiles", "get", profileId=int(german))).data["countryCode"] == "DE"
        assert asked(server)[-1] == (HOSTS["eu"], f"/v2/profiles/{german}")

    sqlite_house.run(scenario)


def test_a_region_that_refuses_hides_no_profiles_of_the_others(sqlite_house):
    async def scenario(server):
        id = await connected(server)
        refused = Fault(host=HOSTS["na"], path="/v2/profiles", status=403, body={"code": "403", "details": "No"})
        server.world.fail(refused)
        assert len((await run(server, id, "profiles", "list")).data) == 6
        for host in HOSTS.values():
            server.world.fail(Fault(host=host, path="/v2/profiles", status=403, body={"code": "403", "details": "No"}))
        with pytest.raises(AccessDenied):
            await run(server, id, "profiles", "list")

    sqlite_house.run(scenario)


def test_what_names_no_profile_goes_where_the_connection_is_at_home(sqlite_house):
    async def scenario(server):
        id = await connected(server, TANNWERK)
        await run(server, id, "manager_accounts", "list")
        assert asked(server) == [(HOSTS["eu"], "/managerAccounts")]

    sqlite_house.run(scenario)


def test_a_profile_that_is_new_since_consent_is_found_when_it_is_named(house):
    async def scenario(server):
        id = await connected(server, LARKHOLLOW)
        server.world.ads.share(LARKHOLLOW, "ALOCALSELLERFE")
        japan = profile_of(server, "JP")
        assert (await run(server, id, "portfolios", "list", profile_id=japan)).data["portfolios"]
        assert asked(server)[-1] == (HOSTS["fe"], "/portfolios/list")
        after = await the_connection(server)
        assert (after.profiles, after.region) == (4, "na")
        before = len(asked(server))
        await run(server, id, "portfolios", "list", profile_id=japan)
        assert len(asked(server)) == before + 1

    house.run(scenario)


def test_a_profile_of_others_is_refused_without_asking_for_it(sqlite_house):
    async def scenario(server):
        id = await connected(server, LARKHOLLOW)
        with pytest.raises(InvalidArguments, match="reaches no advertising profile"):
            await run(server, id, "portfolios", "list", profile_id=profile_of(server, "DE"))
        assert {path for _, path in asked(server)} == {"/v2/profiles"}

    sqlite_house.run(scenario)


def test_a_connection_from_credentials_finds_its_profiles_with_its_first_call(house):
    async def scenario(server):
        server.world.ads.share(NOBODY, "ALOCALSELLERFE")
        await furnish(server)
        grant = server.world.grant_ads(NOBODY, CLIENT)
        body = {
            "definition_id": "c6b0a29e-1da9-4512-9002-7bfd0cba2246",
            "external_user_id": "ann",
            "credentials": {
                "client_id": CLIENT,
                "client_secret": CLIENT_SECRET,
                "refresh_token": grant.refresh_token,
            },
            "environment": {"region": "FE"},
        }
        made = (await server.api("POST", CONNECTORS, body)).json
        assert (made["platform"], made["region"], made["profiles"]) == ("ads", "fe", None)
        assert asked(server) == []
        assert (await run(server, made["id"], "portfolios", "list")).data["portfolios"]
        after = await the_connection(server)
        assert (after.profiles, after.profile_id, after.region) == (1, profile_of(server, "JP"), "fe")
        through = {"connector_type": "amazon-ads", "customer_name": "bob"}
        through["credentials"] = {"refresh_token": grant.refresh_token}
        assert (await server.api("POST", CONNECTORS, through)).status == 200
        through["credentials"]["lwa_app_id"] = CLIENT
        assert (await server.api("POST", CONNECTORS, through)).status == 400

    house.run(scenario)


def test_a_grant_that_was_taken_back_needs_consent_again(sqlite_house):
    async def scenario(server):
        id = await connected(server, LARKHOLLOW)
        profile = profile_of(server, "US")
        await run(server, id, "portfolios", "list", profile_id=profile)
        server.world.revoke()
        with pytest.raises(GrantRevoked, match="the account's owner has to consent again"):
            await run(server, id, "portfolios", "list", profile_id=profile)
        assert (await the_connection(server)).status == "needs_consent"
        server.world.requests.clear()
        with pytest.raises(GrantRevoked):
            await run(server, id, "portfolios", "list", profile_id=profile)
        assert len(server.world.requests) == 0

    sqlite_house.run(scenario)


def test_calls_of_known_profiles_go_on_without_a_database(sqlite_house, monkeypatch):
    async def scenario(server):
        id = await connected(server, LARKHOLLOW)
        profile = profile_of(server, "CA")
        await run(server, id, "portfolios", "list", profile_id=profile)

        def away(*_, **how):
            raise StoreError("away")

        monkeypatch.setattr(Database, "reading", away)
        monkeypatch.setattr(Database, "writing", away)
        assert (await run(server, id, "portfolios", "list", profile_id=profile)).data["portfolios"]
        with pytest.raises(StoreError):
            await run(server, id, "portfolios", "list", profile_id=profile_of(server, "MX"))

    sqlite_house.run(scenario)


def test_a_write_changes_what_is_advertised(sqlite_house):
    async def scenario(server):
        id = await connected(server, LARKHOLLOW)
        profile = profile_of(server, "MX")
        new = [{"name": "By an agent", "state": "ENABLED"}]
        made = await run(server, id, "portfolios", "create", profile_id=profile, portfolios=new)
        (success,) = made.data["portfolios"]["success"]
        found = await run(server, id, "portfolios", "get", profile_id=profile, portfolio_id=success["portfolioId"])
        assert found.data["name"] == "By an agent"

    sqlite_house.run(scenario)
