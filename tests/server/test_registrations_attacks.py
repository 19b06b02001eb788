"""Attacks on consent at the gateway, by the numbers of `security-and-reliability`, section 3.8.

23 to 25 are in test_claims, 27 and the mapping of 19 in test_registrations; 1 to 8 are tried on the matcher itself too,
in test_return_urls. 26 cannot be met: the contract's addresses begin and end with a GET; they are good once, and lead a
link scanner no further than to Amazon's own page.
"""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from tests.server.conftest import CALLBACK, GATEWAY_CALLBACK, SELLER, SHOP, ask, log_in_url
from tests.server.gateway import OTHER, a_tenant
from tests.server.registering import Way, asked, brought, error, initialize
from tests.server.test_consents_log_in import Owner, published

from sellerport.emulator import Application, Fault

NOWHERE = (400, "Invalid or expired state")
ORIGIN = "https://my-wms.com/oauth"
GOOD = [
    "https://my-wms.com/oauth",
    "https://my-wms.com/oauth/",
    "https://my-wms.com/oauth/callback",
    "https://my-wms.com/oauth/done?ref=123",
    "https://MY-WMS.com/oauth/cb",
    "https://my-wms.com:443/oauth/cb",
    "https://my-wms.com/oauth/done?next=https://evil.com/..",
    "https://my-wms.com/oauth?x=%2e%2e",
]
BAD = [
    "https://other-site.com/oauth",
    "https://my-wms.com/other",
    "https://my-wms.com.evil.com/x",
    "https://my-wms.com@evil.com/x",
    "https://my-wms.com\\@evil.com",
    "https://my-wms.com%2eevil.com/",
    "https://my-wms.com:8443/x",
    "https://my-wms.com/oauth-evil",
    "https://my-wms.com/oauth/../other",
    "https://my-wms.com/oauth/%2e%2e/other",
    "https://my-wms.com/oauth/..%2fother",
    "https://my-wms.com/oauth/..\\other",
    "https://my-wms.com./oauth",
    "http://my-wms.com/oauth",
    "https://user:pass@my-wms.com/oauth",
    "https://my-wms.com/oauth#code",
    "https://my-wms.com/oauth/\u0430",
    "https://my-wms.com/oauth/\t",
    "//my-wms.com/oauth",
    "javascript:alert(1)//my-wms.com/oauth",
    "https://xn--my-wms.com/oauth",
    f"https://my-wms.com/oauth/{'a' * 2000}",
]


def with_query(url, **changes):
    parts = urlsplit(url)
    given = dict(parse_qsl(parts.query)) | changes
    return parts._replace(query=urlencode({name: it for name, it in given.items() if it is not None})).geturl()


def test_1_to_10_browsers_are_sent_to_the_registered_address_and_below_it_alone(sqlite_house):
    """§7.2 and §2.7: the documented examples, and those that a comparison of text would take."""

    async def scenario(server):
        tenant, answers = await a_tenant(server), {}
        await server.hub.return_urls.register(tenant.id, ORIGIN)
        for number, url in enumerate([*GOOD, *BAD]):
            browser = server.browser
            browser.address = f"198.51.100.{number}"
            answers[url] = await browser.get(initialize(asked(tenant, sellerRedirectUrl=url)))
        assert {answers[url].status for url in GOOD} == {302}
        assert {error(answers[url]) for url in BAD} == {(400, "sellerRedirectUrl must start with redirectOrigin")}

    sqlite_house.run(scenario)


@pytest.mark.parametrize("state", [None, "", "unknown", "a" * 5000, "\x00", "' OR 1=1 --"])
def test_11_and_12_a_missing_or_unknown_state_goes_nowhere(sqlite_house, state):
    async def scenario(server):
        way = await Way.begin(server)
        back = await way.back()
        assert error(await way.browser.get(with_query(back, state=state))) == NOWHERE
        assert "code" in brought(await way.browser.get(back))

    sqlite_house.run(scenario)


def test_13_and_14_a_state_is_good_for_ten_minutes_and_once(house):
    """§7.7."""

    async def scenario(server):
        way = await Way.begin(server)
        back = await way.back()
        server.clock.advance(601)
        assert error(await way.browser.get(back)) == NOWHERE
        back = await way.back()
        cookies = dict(way.browser.cookies)
        assert "code" in brought(await way.browser.get(back))
        way.browser.cookies = cookies
        assert error(await way.browser.get(back)) == NOWHERE

    house.run(scenario)


def test_15_of_many_callbacks_at_two_servers_exactly_one_wins(house):
    async def scenario(server):
        way = await Way.begin(server)
        async with house.open() as second:
            for _ in range(3):
                server.clock.advance(10)
                back = await way.back()
                headers = {"cookie": "; ".join(f"{name}={value}" for name, value in way.browser.cookies.items())}
                apps = [server.app, second.app] * 4
                answers = await asyncio.gather(*(ask(app, "GET", back, headers) for app in apps))
                assert sorted(answer.status for answer in answers) == [302, *[400] * 7]
        assert len([code for code in server.world.codes.values() if code.used]) == 3

    house.run(scenario)


def test_one_new_seller_in_two_browsers_at_once_is_one_seller(house):
    async def scenario(server):
        way = await Way.begin(server)
        other = Way(way.tenant, server.browser)
        backs = [await way.back(), await other.back(amazonTokenSecret=OTHER)]
        ended = await asyncio.gather(way.browser.get(backs[0]), other.browser.get(backs[1]))
        found = [brought(one) for one in ended]
        assert found[0]["seller_id"] == found[1]["seller_id"]
        assert found[0]["code"] != found[1]["code"]
        assert (await way.claim(found[1])).status == 200
        assert await way.opens(found[1]["seller_id"], OTHER) == (200, "succeeded")

    house.run(scenario)


def test_16_and_17_a_state_is_good_with_its_browsers_cookie_alone(house):
    """§7.7: another's cookie, none, one that was altered, and one that was sealed for another consent."""

    async def scenario(server):
        way, other = await Way.begin(server), server.browser
        back = await way.back()
        assert error(await other.get(back)) == NOWHERE
        theirs = Way(way.tenant, other)
        await theirs.to_amazon()
        assert error(await other.get(back)) == NOWHERE
        ((name, value),) = way.browser.cookies.items()
        (foreign,) = other.cookies.values()
        for wrong in (foreign, value[:-1] + ("A" if value[-1] != "A" else "B"), ""):
            other.cookies = {name: wrong}
            assert error(await other.get(back)) == NOWHERE
        assert "code" in brought(await way.browser.get(back))

    house.run(scenario)


def test_18_an_answer_of_amazons_is_good_at_the_address_alone_that_its_consent_ends_at(house):
    """Mix-up (RFC 9700 §4.4): neither door takes the other's, nor a code of another application's."""

    async def scenario(server):
        way = await Way.begin(server)
        back = await way.back()
        wrong = await way.browser.get(back.replace(GATEWAY_CALLBACK, CALLBACK))
        assert (wrong.status, "belongs to no consent" in wrong.text) == (400, True)
        other = Application(
            application_id="amzn1.sp.solution.other",
            client_id="amzn1.application-oa2-client.other",
            client_secret="other-secret",
            redirect_uris=(GATEWAY_CALLBACK,),
        )
        server.world.add_application(other)
        code = server.world.issue_code(other, server.world.account(SELLER), GATEWAY_CALLBACK)
        found = brought(await way.browser.get(with_query(back, spapi_oauth_code=code)))
        assert found["error"] == "invalid_grant"
        link = await server.hub.consents.initiate(server.caller, customer="ann", return_url=SHOP)
        back = await way.browser.decide((await way.browser.open(link)).location)
        assert error(await way.browser.get(back.replace(CALLBACK, GATEWAY_CALLBACK))) == NOWHERE
        assert "connector_id" in (await way.browser.get(back)).query

    house.run(scenario)


@pytest.mark.parametrize("again", ["state=x", "spapi_oauth_code=x", "selling_partner_id=x", "st%61te=x"])
def test_20_what_is_said_twice_is_not_looked_at(sqlite_house, again):
    async def scenario(server):
        way = await Way.begin(server)
        back = await way.back()
        assert error(await way.browser.get(f"{back}&{again}")) == NOWHERE
        assert "code" in brought(await way.browser.get(back))
        twice = f"{initialize(asked(way.tenant))}&tenantId={way.tenant.id}"
        assert error(await way.browser.get(twice)) == (400, "the query says something twice")

    sqlite_house.run(scenario)


async def mallorys(server, way):
    """Return where Amazon sends the browser of somebody who says that their account is another's."""
    back = await way.back(seller="AMALLORY", amazonTokenSecret=OTHER)
    return with_query(back, selling_partner_id=SELLER)


def test_21_nobody_takes_anothers_seller_by_saying_its_id(house):
    """Flaw 3: the account of the grant is known by Amazon's word, not by what the browser says."""

    async def scenario(server):
        server.world.add_account(("US",), selling_partner_id="AMALLORY", name="Mallory's", orders=0)
        way, mallory = await Way.begin(server), server.browser
        seller_id, _ = await way.register()
        theirs = Way(way.tenant, mallory)
        found = brought(await mallory.get(await mallorys(server, theirs)))
        assert (found["error"], "seller_id" in found) == ("seller_mismatch", False)
        assert await way.opens(seller_id) == (200, "succeeded")
        back = await mallorys(server, theirs)
        server.world.fail(Fault(operation="sellers*", times=None, status=503))
        assert brought(await mallory.get(back))["error"] == "temporarily_unavailable"
        assert house.sql("SELECT id FROM connections WHERE secret_hash IS NOT NULL") == []

    house.run(scenario)


def test_a_seller_with_another_name_in_the_shop_is_taken_where_the_tenant_expects_it(sqlite_house):
    async def scenario(server):
        server.world.add_account(("US",), selling_partner_id="AMALLORY", name="Renamed", orders=0)
        way = await Way.begin(server)
        await way.register()
        told = await way.tenant.api(
            "POST", "/api/oauth/requests", asked(way.tenant, expected_selling_partner_id=SELLER)
        )
        to_amazon = await way.browser.get(told.json["data"]["authorize_url"])
        back = await way.browser.decide(to_amazon.location, seller="AMALLORY")
        assert "code" in brought(await way.browser.get(with_query(back, selling_partner_id=SELLER)))

    sqlite_house.run(scenario)


def test_22_an_answer_that_is_too_long_is_not_looked_at(sqlite_house):
    async def scenario(server):
        way = await Way.begin(server)
        back = await way.back()
        for more in ("x=" + "a" * 20_000, "&".join(f"a{number}=1" for number in range(10_000))):
            assert error(await way.browser.get(f"{back}&{more}")) == NOWHERE
            assert error(await way.browser.get(initialize(more))) == (400, "the query is too long")
        assert "code" in brought(await way.browser.get(back))

    sqlite_house.run(scenario)


def test_who_brings_unknown_states_waits(sqlite_house):
    async def scenario(server):
        way = await Way.begin(server)
        back = await way.back()
        statuses = [(await server.browser.get(f"{GATEWAY_CALLBACK}?state={number}")).status for number in range(102)]
        assert (set(statuses[:100]), statuses[-1]) == ({400}, 429)
        way.browser.address = "198.51.100.9"
        assert "code" in brought(await way.browser.get(back))

    sqlite_house.run(scenario)


@pytest.mark.parametrize("draft", [False, True])
@pytest.mark.parametrize("pushed", [False, True])
def test_a_seller_who_is_led_over_the_log_in_uri_goes_on(sqlite_house, draft, pushed):
    """§7.5: Amazon's page leads to the application's Log-in URI in the middle of the way."""

    async def scenario(server):
        way = await Way.begin(server)
        application = await published(server, login_first=True, draft=draft)
        sqlite_house.sql("UPDATE applications SET draft = :draft", draft=draft)
        owner = Owner(server)
        owner.browser = way.browser
        if pushed:
            told = await way.tenant.api(
                "POST", "/api/oauth/requests", asked(way.tenant, expected_selling_partner_id=SELLER)
            )
            to_amazon = await way.browser.get(told.json["data"]["authorize_url"])
        else:
            to_amazon = await way.to_amazon(state="ä&")
        assert ("version=beta" in to_amazon.location) is draft
        log_in = await owner.approve(to_amazon.location)
        assert f"/oauth/login/{application.id}?" in log_in
        assert ("version=beta" in log_in) is draft
        ended = await owner.go_on(log_in)
        found = brought(ended)
        assert found["state"] == ("s-1" if pushed else "ä&")
        assert (await way.claim(found)).status == 200
        assert await way.opens(found["seller_id"]) == (200, "succeeded")

    sqlite_house.run(scenario)


def test_9_the_log_in_uri_leads_to_amazon_alone(sqlite_house):
    async def scenario(server):
        way = await Way.begin(server)
        application = await published(server, login_first=True)
        await way.to_amazon()
        query = urlencode(
            {
                "amazon_callback_uri": "https://amazon.com.evil.com/apps/authorize/confirm/x",
                "amazon_state": "s",
                "selling_partner_id": SELLER,
            }
        )
        refused = await way.browser.get(f"{log_in_url(application)}?{query}")
        assert (refused.status, "location" in refused.headers) == (400, False)

    sqlite_house.run(scenario)


def test_consents_that_strangers_begin_are_bounded_and_pushed_ones_go_on(sqlite_house, monkeypatch):
    monkeypatch.setattr("sellerport.server.hub.registrations.MOST_BEGUN", 3)

    async def scenario(server):
        way = await Way.begin(server)
        for _ in range(3):
            assert (await way.to_amazon()).status == 302
        assert error(await way.to_amazon()) == (429, "Rate limit exceeded")
        told = await way.tenant.api("POST", "/api/oauth/requests", asked(way.tenant))
        assert (await way.browser.get(told.json["data"]["authorize_url"])).status == 302

    sqlite_house.run(scenario)


def test_a_cookie_whose_key_was_retired_meanwhile_begins_anew(sqlite_house):
    async def scenario(server):
        way = await Way.begin(server)
        back = await way.back()
        await server.hub.gateway.signing.rotate(retire=True)
        assert brought(await way.browser.get(back))["error"] == "temporarily_unavailable"

    sqlite_house.run(scenario)
