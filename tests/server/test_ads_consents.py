"""Consent to the Ads API: the whole way from the link to a connection that knows its advertising profiles."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from tests.server.conftest import AMAZON, CALLBACK, CLIENT, CLIENT_SECRET, SELLER, SHOP, ask

from sellerport.emulator import Fault
from sellerport.emulator.ads.advertisers import ADVERTISER
from sellerport.errors import CallerError, GrantRevoked
from sellerport.regions import marketplace

INITIATE = "/api/v1/integrations/connectors/oauth/initiate"
PROFILES = "/v2/profiles"
LARKHOLLOW = "owner@larkhollow-home-goods.invalid"
TANNWERK = "owner@tannwerk-sohne.invalid"
NOBODY = "owner@nothing.invalid"


async def furnish(server):
    """Register an application of the Ads API, with the same Login with Amazon client; and a person without ads."""
    await server.hub.applications.register(
        server.organization.id, platform="ads", lwa_client_id=CLIENT, lwa_client_secret=CLIENT_SECRET
    )
    server.world.add_account(("US",), selling_partner_id="ANOTHING", name="Nothing", owner=NOBODY, orders=0)


async def link_for(server, **how):
    given = {"platform": "ads", "customer": "ann", "return_url": SHOP, **how}
    return await server.hub.consents.initiate(server.caller, **given)


async def decide(server, page, person=ADVERTISER, decision="approve"):
    """Decide on Amazon's page, and return where it sends the browser."""
    form = urlencode({"decision": decision, "person": person}).encode()
    answer = await ask(server.amazon, "POST", page, {"content-type": "application/x-www-form-urlencoded"}, form)
    assert answer.status == 302, answer.text
    return answer.location


async def ended(server, person=ADVERTISER, *, decision="approve", **how):
    """Walk the whole way, and return where the browser ends."""
    browser = server.browser
    to_amazon = await browser.open(await link_for(server, **how))
    return await browser.get(await decide(server, to_amazon.location, person, decision))


async def the_connection(server):
    (connection,) = await server.hub.connections.all(server.caller)
    return connection


def test_an_advertiser_consents_and_the_connection_knows_their_profiles(house):
    async def scenario(server):
        await furnish(server)
        asked = {
            "connector_type": "Amazon-Ads",
            "customer_name": "ann",
            "redirect_url": f"{SHOP}?shop=7",
            "environment": {"region": "https://advertising-api-eu.amazon.com"},
        }
        link = (await server.api("POST", INITIATE, asked)).json["consent_url"]
        browser = server.browser
        page = await browser.get(link)
        assert "your Amazon advertising account" in page.text
        assert "eu.account.amazon.com" in page.text
        to_amazon = await browser.get(link, "POST")
        assert to_amazon.location.startswith(f"{AMAZON}/eu.account.amazon.com/ap/oa?")
        query = parse_qs(urlsplit(to_amazon.location).query)
        assert query["client_id"] == [CLIENT]
        assert query["scope"] == ["advertising::campaign_management"]
        assert query["redirect_uri"] == [CALLBACK]
        assert query["code_challenge_method"] == ["S256"]
        done = await browser.get(await decide(server, to_amazon.location))
        assert done.query["shop"] == ["7"]
        (id,) = done.query["connector_id"]
        shown = (await server.api("GET", f"/api/v1/integrations/connectors/{id}")).json
        assert (shown["platform"], shown["status"], shown["workspace_name"]) == ("ads", "active", "ann")
        assert (shown["region"], shown["profiles"], shown["profile_id"]) == ("eu", 15, None)
        assert (shown["name"], shown["selling_partner_id"]) == ("Amazon Ads", None)
        assert shown["source_template"]["id"] == "c6b0a29e-1da9-4512-9002-7bfd0cba2246"
        asked_hosts = [one["host"] for one in server.world.requests if one["path"] == PROFILES]
        assert sorted(asked_hosts) == [
            "advertising-api-eu.amazon.com",
            "advertising-api-fe.amazon.com",
            "advertising-api.amazon.com",
        ]

    house.run(scenario)
    assert len(house.sql("SELECT profile_id FROM profiles")) == 15


@pytest.mark.parametrize(
    ("country", "host"), [("CA", "www.amazon.com"), ("UK", "eu.account.amazon.com"), ("JP", "apac.account.amazon.com")]
)
def test_region_or_country_decides_whose_site_asks(sqlite_house, country, host):
    async def scenario(server):
        await furnish(server)
        to_amazon = await server.browser.open(await link_for(server, marketplace=marketplace(country)))
        assert urlsplit(to_amazon.location).path == f"/{host}/ap/oa"

    sqlite_house.run(scenario)


def test_a_connection_is_at_home_where_its_profiles_are_wherever_consent_was_asked(sqlite_house):
    """§5.2 (4): a wrong region is an empty list at Amazon, with a token that is fine."""

    async def scenario(server):
        await furnish(server)
        await ended(server, TANNWERK)
        made = await the_connection(server)
        assert (made.region, made.profiles) == ("eu", 5)
        assert marketplace("DE").id == made.marketplace

    sqlite_house.run(scenario)


def test_the_only_profile_is_the_connections_own(sqlite_house):
    async def scenario(server):
        await furnish(server)
        (profile,) = server.world.ads.advertise("ANOTHING")
        await ended(server, NOBODY)
        made = await the_connection(server)
        assert (made.profiles, made.profile_id, made.region) == (1, profile.id, "na")

    sqlite_house.run(scenario)


def test_profiles_that_may_only_be_looked_at_are_found_where_there_are_no_others(sqlite_house):
    """§1.3: ``edit`` is what Amazon lists by default, and a reader of reports has none of that."""

    async def scenario(server):
        await furnish(server)
        server.world.ads.share(NOBODY, "ALOCALSELLEREU", "view")
        await ended(server, NOBODY)
        assert (await the_connection(server)).profiles == 5

    sqlite_house.run(scenario)


def test_who_advertises_nothing_is_told_so_and_nothing_is_kept(sqlite_house):
    async def scenario(server):
        await furnish(server)
        answer = await ended(server, NOBODY)
        assert answer.query["error"] == ["account_mismatch"]
        assert "no advertising account in any region" in answer.query["error_description"][0]
        assert await server.hub.connections.all(server.caller) == []
        assert await server.hub.recover() == 0

    sqlite_house.run(scenario)


def test_an_application_that_amazon_has_not_approved_is_told_what_to_do(sqlite_house):
    """amzn/ads-advanced-tools-docs #176: where every region refuses the token, the application is at fault."""

    async def scenario(server):
        await furnish(server)
        server.world.fail(Fault(path=PROFILES, status=401, body={"code": "401", "details": "Not authorized"}, times=3))
        answer = await ended(server)
        assert answer.query["error"] == ["application_refused"]
        assert "is not approved for the Ads API; apply for access" in answer.query["error_description"][0]
        assert "consent_url" not in answer.query
        assert await server.hub.connections.all(server.caller) == []

    sqlite_house.run(scenario)


@pytest.mark.parametrize(
    ("said", "reason", "what"),
    [
        ({"error": "access_denied"}, "access_denied", "did not give consent"),
        ({"error": "invalid_scope"}, "application_refused", "not approved for the Ads API"),
        ({"error": "server_error"}, "creation_failed", "start again"),
        ({}, "creation_failed", "has no code"),
        ({"spapi_oauth_code": "x", "selling_partner_id": SELLER}, "creation_failed", "has no code"),
    ],
)
def test_an_answer_without_a_code_is_explained(sqlite_house, said, reason, what):
    async def scenario(server):
        await furnish(server)
        browser = server.browser
        to_amazon = await browser.open(await link_for(server))
        state = parse_qs(urlsplit(to_amazon.location).query)["state"][0]
        answer = await browser.get(f"{CALLBACK}?{urlencode({**said, 'state': state})}")
        assert answer.query["error"] == [reason]
        assert what in answer.query["error_description"][0]

    sqlite_house.run(scenario)


def test_the_owner_who_cancels_at_amazon_comes_back_without_a_connection(sqlite_house):
    async def scenario(server):
        await furnish(server)
        assert (await ended(server, decision="deny")).query["error"] == ["access_denied"]
        assert await server.hub.connections.all(server.caller) == []

    sqlite_house.run(scenario)


def test_an_answer_works_once_and_in_the_browser_that_started(sqlite_house):
    async def scenario(server):
        await furnish(server)
        browser = server.browser
        back = await decide(server, (await browser.open(await link_for(server))).location)
        assert (await server.browser.get(back)).status == 400
        assert "connector_id" in (await browser.get(back)).query
        assert (await browser.get(back)).status == 400
        assert len(await server.hub.connections.all(server.caller)) == 1

    sqlite_house.run(scenario)


def test_a_code_out_of_another_browser_opens_nothing(sqlite_house):
    """RFC 9700 §4.5: whoever got hold of a code cannot have their own consent come to somebody else's account."""

    async def scenario(server):
        await furnish(server)
        theirs, mine = server.browser, server.browser
        stolen = parse_qs(urlsplit(await decide(server, (await theirs.open(await link_for(server))).location)).query)
        own = (await mine.open(await link_for(server, customer="mallory"))).location
        state = parse_qs(urlsplit(own).query)["state"][0]
        answer = await mine.get(f"{CALLBACK}?{urlencode({'code': stolen['code'][0], 'state': state})}")
        assert answer.query["error"] == ["creation_failed"]
        assert await server.hub.connections.all(server.caller) == []

    sqlite_house.run(scenario)


@pytest.mark.parametrize("fault", [{"status": 503}, {"answer": "reset"}, {"status": 429}], ids=str)
def test_amazon_in_trouble_after_the_exchange_loses_no_grant(sqlite_house, fault):
    async def scenario(server):
        await furnish(server)
        server.world.fail(Fault(path=PROFILES, times=None, **fault))
        assert "connector_id" in (await ended(server)).query
        made = await the_connection(server)
        assert (made.status, made.profiles) == ("active", None)
        assert made.last_error is not None
        server.world.faults.clear()
        profile = next(iter(server.world.ads.profiles))
        await server.hub.calls.execute(server.caller, made.id, "portfolios", "list", {"profile_id": profile})
        after = await the_connection(server)
        assert (after.profiles, after.last_error) == (15, None)

    sqlite_house.run(scenario)


def test_a_grant_that_the_database_cannot_take_is_made_up_for(house):
    async def scenario(server):
        await furnish(server)
        with house.refusing("INSERT ON connections"):
            assert (await ended(server)).query["error"] == ["server_error"]
        assert await server.hub.recover() == 1
        made = await the_connection(server)
        assert (made.platform, made.status, made.profiles) == ("ads", "active", None)

    house.run(scenario)


def test_no_half_of_a_connection_is_kept_when_its_profiles_cannot_be(sqlite_house):
    async def scenario(server):
        await furnish(server)
        with sqlite_house.refusing("INSERT ON profiles"):
            assert (await ended(server)).query["error"] == ["server_error"]
        assert await server.hub.connections.all(server.caller) == []
        assert await server.hub.recover() == 1

    sqlite_house.run(scenario)


def test_consent_again_renews_the_same_connection_and_its_profiles(house):
    async def scenario(server):
        await furnish(server)
        await ended(server, LARKHOLLOW)
        before = await the_connection(server)
        server.world.revoke()
        with pytest.raises(GrantRevoked, match="consent again"):
            await server.hub.calls.execute(server.caller, before.id, "profiles", "list")
        assert (await the_connection(server)).status == "needs_consent"
        answer = await ended(server, connection_id=before.id, customer=None)
        assert answer.query["connector_id"] == [before.id]
        after = await the_connection(server)
        assert (after.id, after.status, after.profiles) == (before.id, "active", 15)
        assert (after.region, after.marketplace) == (before.region, before.marketplace)

    house.run(scenario)


def test_consent_of_another_advertiser_does_not_renew_a_connection(sqlite_house):
    async def scenario(server):
        await furnish(server)
        await ended(server, LARKHOLLOW)
        before = await the_connection(server)
        answer = await ended(server, TANNWERK, connection_id=before.id, customer=None, marketplace=marketplace("DE"))
        assert answer.query["error"] == ["account_mismatch"]
        assert await the_connection(server) == before

    sqlite_house.run(scenario)


def test_each_api_has_its_own_application(sqlite_house):
    async def scenario(server):
        with pytest.raises(CallerError, match="Register the organization's ads application first"):
            await link_for(server)
        await furnish(server)
        await ended(server)
        sellers = await server.connect("bob")
        assert {(one.platform, one.customer) for one in await server.hub.connections.all(server.caller)} == {
            ("ads", "ann"),
            ("seller-partner", "bob"),
        }
        ads = {"definition_id": "c6b0a29e-1da9-4512-9002-7bfd0cba2246"}
        listed = (await server.api("GET", f"/api/v1/integrations/connectors?{urlencode(ads)}")).json["data"]
        assert [one["summarized_source_template"]["connector_name"] for one in listed] == ["amazon-ads"]
        assert (await server.hub.connections.get(server.caller, sellers)).profiles is None

    sqlite_house.run(scenario)


def test_what_is_deleted_takes_its_profiles_with_it(sqlite_house):
    async def scenario(server):
        await furnish(server)
        await ended(server)
        await server.hub.connections.delete(server.caller, (await the_connection(server)).id)

    sqlite_house.run(scenario)
    assert sqlite_house.sql("SELECT * FROM profiles") == []
    ((profiles, profile_id),) = sqlite_house.sql("SELECT profiles, profile_id FROM connections")
    assert (profiles, profile_id) == (None, None)


def test_an_advertisers_consent_does_not_end_after_a_year(sqlite_house):
    """§1.1: it stands until it is taken back."""

    async def scenario(server):
        await furnish(server)
        await ended(server)

    sqlite_house.run(scenario)
    sqlite_house.sql("UPDATE connections SET granted_at = 1")

    async def years_later(server):
        assert await server.hub.countdown.remind() == 0

    sqlite_house.run(years_later)
