"""Sellers who authorize a tenant of the gateway: what is asked for, where browsers go, and what they bring."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from itertools import product
from urllib.parse import parse_qsl, quote, unquote_plus, urlencode, urlsplit

import pytest
from tests.server.conftest import GATEWAY_CALLBACK, PUBLIC, SELLER, ask
from tests.server.gateway import ORIGIN, OTHER, SECRET, a_tenant
from tests.server.registering import DONE, Way, asked, brought, error, initialize

from sellerport.emulator import Fault
from sellerport.errors import StoreError

OWN_NAME = "/sellers/v1/marketplaceParticipations"
TOKENS = "/auth/o2/token"
HEADERS = {
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "pragma": "no-cache",
    "x-robots-tag": "noindex",
    "strict-transport-security": "max-age=31536000",
}
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(b"verifier").digest()).decode().rstrip("=")


def guarded(answer):
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


# --- /auth/initialize -------------------------------------------------------------------------------------------------


def test_a_browser_goes_on_to_amazon_with_a_state_of_ours_and_a_cookie(house):
    async def scenario(server):
        way = await Way.begin(server)
        to_amazon = await way.to_amazon()
        guarded(to_amazon)
        assert to_amazon.status == 302
        assert urlsplit(to_amazon.location).path == "/sellercentral.amazon.com/apps/authorize/consent"
        sent = dict(parse_qsl(urlsplit(to_amazon.location).query))
        assert (sent.pop("application_id"), sent.pop("redirect_uri")) == ("amzn1.sp.solution.test", GATEWAY_CALLBACK)
        assert (len(sent.pop("state")), sent) == (43, {})
        (cookie,) = [value for name, value in to_amazon.fields if name == "set-cookie"]
        assert re.fullmatch(
            r"__Host-sellerport-consent-[0-9a-f]{8}=[\w.-]+; HttpOnly; Max-Age=600; Path=/; SameSite=lax; Secure",
            cookie,
        )
        assert SECRET not in unquote_plus(cookie)

    house.run(scenario)


MISTAKES = [
    ({"state": None}, "state is required"),
    ({"state": ""}, "state is required"),
    ({"tenantId": None}, "tenantId is required"),
    ({"tenantId": "clx1y2z3a4b5c6d7e8f9g0h1"}, "Tenant data not found"),
    ({"tenantId": "\0"}, "Tenant data not found"),
    ({"marketplace_region": None}, "marketplace_region is required"),
    ({"marketplace_region": "eu-central-1"}, "marketplace_region is required"),
    ({"marketplace_region": "na"}, "marketplace_region is required"),
    ({"amazonTokenSecret": None}, "amazonTokenSecret must be 32-64 characters"),
    ({"amazonTokenSecret": "a" * 31}, "amazonTokenSecret must be 32-64 characters"),
    ({"amazonTokenSecret": "a" * 65}, "amazonTokenSecret must be 32-64 characters"),
    ({"sellerRedirectUrl": None}, "sellerRedirectUrl must start with redirectOrigin"),
    ({"sellerRedirectUrl": "https://other-site.com/oauth"}, "sellerRedirectUrl must start with redirectOrigin"),
    ({"sellerRedirectUrl": f"{DONE}?a=1&st%61te=2"}, "sellerRedirectUrl must start with redirectOrigin"),
    ({"sellerRedirectUrl": f"{DONE}?a=1;code"}, "sellerRedirectUrl must start with redirectOrigin"),
    ({"marketplace": "DE"}, "marketplace must be a country or a marketplace id of marketplace_region"),
    ({"marketplace": "na"}, "marketplace must be a country or a marketplace id of marketplace_region"),
    ({"account_type": "buyer"}, "account_type must be seller or vendor"),
    ({"claim_challenge": "short"}, "claim_challenge must be the base64url of a SHA-256: 43 characters"),
    ({"state": "a" * 12_289}, "state must not be longer than 12288 bytes, as it stands in a query"),
    ({"request_uri": "urn:adb:x"}, "Invalid or expired request_uri"),
]


def test_each_mistake_has_its_message(sqlite_house):
    """§7.1 and §7.3; and the reserved names of §1.7."""

    async def scenario(server):
        way = await Way.begin(server)
        for changed, message in MISTAKES:
            server.clock.advance(10)
            refused = await way.to_amazon(**changed)
            guarded(refused)
            assert (error(refused), way.browser.cookies) == ((400, message), {})

    sqlite_house.run(scenario)


def test_mistakes_are_named_in_the_contracts_order(sqlite_house):
    async def scenario(server):
        way, wrong, said = await Way.begin(server), {}, []
        names = ("state", "tenantId", "marketplace_region", "amazonTokenSecret", "sellerRedirectUrl")
        wrong = dict.fromkeys(names, "")
        for name in names:
            server.clock.advance(10)
            said.append(error(await way.to_amazon(**wrong))[1].split()[0])
            wrong.pop(name)
        assert tuple(said) == names
        server.clock.advance(10)
        assert (await way.to_amazon()).status == 302

    sqlite_house.run(scenario)


def test_a_suspended_tenant_is_not_found_and_one_that_pushes_takes_no_secret_from_an_address(sqlite_house):
    async def scenario(server):
        way = await Way.begin(server)
        tenants = server.hub.gateway.tenants
        await tenants.change(way.tenant.id, suspended=True)
        assert error(await way.to_amazon()) == (400, "Tenant data not found")
        await tenants.change(way.tenant.id, suspended=False, require_pushed=True)
        assert "POST /api/oauth/requests" in error(await way.to_amazon())[1]

    sqlite_house.run(scenario)


HOSTS = [
    ({}, "sellercentral.amazon.com"),
    ({"marketplace": "BR"}, "sellercentral.amazon.com.br"),
    ({"marketplace_region": "eu-west-1"}, "sellercentral-europe.amazon.com"),
    ({"marketplace_region": "eu-west-1", "marketplace": "uk"}, "sellercentral-europe.amazon.com"),
    ({"marketplace_region": "eu-west-1", "marketplace": "A1805IZSGTT6HS"}, "sellercentral.amazon.nl"),
    ({"marketplace_region": "eu-west-1", "account_type": "vendor"}, "vendorcentral.amazon.de"),
    ({"marketplace_region": "us-west-2"}, "sellercentral.amazon.co.jp"),
    (
        {"marketplace_region": "us-west-2", "marketplace": "AU", "account_type": "vendor"},
        "vendorcentral.amazon.com.au",
    ),
]


def test_the_region_and_the_marketplace_say_whose_page_asks(sqlite_house):
    async def scenario(server):
        way = await Way.begin(server)
        for more, host in HOSTS:
            server.clock.advance(10)
            assert urlsplit((await way.to_amazon(**more)).location).path.split("/")[1] == host

    sqlite_house.run(scenario)


def test_the_sixth_request_in_ten_seconds_waits_and_another_address_does_not(house):
    """§7.1 and §1.3."""

    async def scenario(server):
        way = await Way.begin(server)
        for _ in range(2):
            for number in range(5):
                server.clock.advance(0.1 * number)
                assert (await way.to_amazon()).status == 302
            server.clock.advance(8.9)
            refused = await way.to_amazon()
            guarded(refused)
            assert error(refused) == (429, "Rate limit exceeded")
            told = refused.headers
            assert (told["x-ratelimit-limit"], told["x-ratelimit-remaining"], told["retry-after"]) == ("5", "0", "1")
            assert told["x-ratelimit-reset"].isdigit()
            other = server.browser
            other.address = "198.51.100.7"
            assert (await other.get(initialize(asked(way.tenant)))).status == 302
            server.clock.advance(1.1)

    house.run(scenario)


ACCEPTS = [
    ("*/*", False),
    ("application/json, text/html", False),
    ("text/html;q=0.5, application/json;q=0.4", True),
    ("text/html;q=0.4, */*;q=0.5", False),
    ("text/html;q=x", False),
    ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
]


def test_a_browser_is_told_on_a_page_and_everybody_else_in_json(sqlite_house):
    async def scenario(server):
        said = {initialize({}): "state is required", GATEWAY_CALLBACK: "Invalid or expired state"}
        for (accept, page), (address, message) in product(ACCEPTS, said.items()):
            server.clock.advance(10)
            refused = await ask(server.app, "GET", address, {"accept": accept})
            guarded(refused)
            assert (refused.status, message in refused.text) == (400, True)
            kind = "text/html; charset=utf-8" if page else "application/json; charset=utf-8"
            assert (accept, refused.headers["content-type"]) == (accept, kind)
            assert ("Go back to the software that sent you here" in refused.text) is page
        html = {"accept": "text/html"}
        *_, late = [await ask(server.app, "GET", initialize({}), html) for _ in range(6)]
        assert f"Wait {late.headers['retry-after']} seconds, then go back" in late.text

    sqlite_house.run(scenario)


def test_a_weak_secret_is_taken_and_noted_without_it(sqlite_house, caplog):
    async def scenario(server):
        way = await Way.begin(server)
        assert (await way.to_amazon(amazonTokenSecret="a" * 32)).status == 302

    sqlite_house.run(scenario)
    assert [one.getMessage() for one in caplog.records if "random" in one.getMessage()]
    assert "a" * 32 not in caplog.text


def test_looking_without_taking_starts_nothing(sqlite_house):
    async def scenario(server):
        way = await Way.begin(server)
        looked = await way.browser.get(initialize(asked(way.tenant)), "HEAD")
        assert (looked.status, way.browser.cookies) == (200, {})
        assert sqlite_house.sql("SELECT * FROM consents") == []

    sqlite_house.run(scenario)


def test_nothing_of_a_query_comes_into_the_log_or_the_database(house, caplog):
    """Attack 27: neither the secret, nor the state, the code or the claim code."""
    caplog.set_level("INFO")
    seen = {}

    async def scenario(server):
        way = await Way.begin(server)
        back = await way.back(state="canary-state")
        seen["code"] = dict(parse_qsl(urlsplit(back).query))["spapi_oauth_code"]
        seen["claim"] = brought(await way.browser.get(back))["code"]
        seen["rows"] = repr([house.sql(f"SELECT * FROM {table}") for table in ("consents", "connections", "audit")])

    house.run(scenario)
    lines = [vars(one) for one in caplog.records]
    assert [one["path"] for one in lines if one["msg"] == "request"] == ["/auth/initialize", "/auth/redirect"]
    for secret in (SECRET, "canary-state", seen["code"], seen["claim"]):
        assert secret not in repr(lines)
    for secret in (SECRET, seen["code"], seen["claim"]):
        assert secret not in seen["rows"]


# --- /auth/redirect ---------------------------------------------------------------------------------------------------

STATES = [
    "xyz",
    "Grüße 東京 🛒",
    "a&b=c%20d%",
    "a+b c",
    "ß&" * 1000,
    "\"><script>alert('x')</script>",
    "a\r\nLocation: https://evil.com/",
]


def test_the_state_comes_back_as_it_was(sqlite_house):
    """§7.4."""

    async def scenario(server):
        way = await Way.begin(server)
        for state in STATES:
            server.clock.advance(10)
            ended = await way.browser.get(await way.back(state=state))
            guarded(ended)
            (seller,) = sqlite_house.sql("SELECT id FROM sellers")
            found = parse_qsl(urlsplit(ended.location).query)
            assert ended.location.startswith(f"{DONE}?state=")
            assert [name for name, _ in found] == ["state", "tenant_id", "seller_id", "code"]
            assert [value for _, value in found][:3] == [state, way.tenant.id, seller.id]
            assert re.fullmatch(r"claim_[\w-]{43}", found[3][1])
            assert way.browser.cookies == {}

    sqlite_house.run(scenario)


RAW = {
    "%ff%FE": "%ff%FE",
    "a%2Bb+c%20d": "a%2Bb+c%20d",
    "100%": "100%",
    "a'(b)*;/?:@=~!$,": "a'(b)*;/?:@=~!$,",
    "caf\u00e9": "caf%C3%A9",
    '"<x>': "%22%3Cx%3E",
}


def test_the_state_comes_back_byte_for_byte_where_it_is_no_text_too(sqlite_house):
    """What stands in the query is not decoded; bytes that may not stand there come back encoded, and are the same."""

    async def scenario(server):
        way = await Way.begin(server)
        for raw, echoed in RAW.items():
            server.clock.advance(10)
            query = f"state={raw}&{urlencode(asked(way.tenant, state=None))}"
            to_amazon = await way.browser.get(initialize(query))
            ended = await way.browser.get(await way.browser.decide(to_amazon.location))
            assert f"?state={echoed}&tenant_id=" in ended.location

    sqlite_house.run(scenario)


def test_a_query_that_is_there_is_left_as_it_is(sqlite_house):
    async def scenario(server):
        way = await Way.begin(server)
        for url, begins in (
            (f"{ORIGIN}/done?ref=123", f"{ORIGIN}/done?ref=123&state="),
            (f"{ORIGIN}/done?a=%7e&&b", f"{ORIGIN}/done?a=%7e&&b&state="),
            (f"{ORIGIN}/done?", f"{ORIGIN}/done?state="),
        ):
            ended = await way.browser.get(await way.back(sellerRedirectUrl=url))
            assert ended.location.startswith(begins)

    sqlite_house.run(scenario)


def test_an_owner_who_cancels_is_sent_back_with_an_error(house):
    async def scenario(server):
        way = await Way.begin(server)
        ended = await way.browser.get(await way.back("deny"))
        assert (ended.status, brought(ended)["error"]) == (302, "access_denied")
        assert ended.location == (
            f"{DONE}?state=s-1&tenant_id={way.tenant.id}&error=access_denied"
            "&error_description=The+selling+partner+denied+access"
        )
        guarded(ended)
        assert house.sql("SELECT * FROM sellers") == []
        assert [row.action for row in house.sql("SELECT action FROM audit WHERE action LIKE 'consent.%'")] == [
            "consent.begun",
            "consent.failed",
        ]

    house.run(scenario)


@pytest.mark.parametrize(
    ("changes", "wanted", "description"),
    [
        ({"error": "access_denied"}, "access_denied", "User cancelled authorization"),
        ({"error": "server_error", "error_description": "Amazon's, own"}, "server_error", "Amazon's, own"),
        ({"error": "<script>", "error_description": "<script>alert(1)"}, "invalid_request", "Amazon did not authorize"),
        ({"spapi_oauth_code": ""}, "invalid_request", "no code"),
        ({"selling_partner_id": "A B"}, "invalid_request", "no selling partner id"),
        ({"spapi_oauth_code": "unknown"}, "invalid_grant", "does not accept the code"),
    ],
)
def test_what_amazon_answers_becomes_the_contracts_errors(sqlite_house, changes, wanted, description):
    """§1.7; attack 19 for the description."""

    async def scenario(server):
        way = await Way.begin(server)
        url = urlsplit(await way.back())
        given = dict(parse_qsl(url.query)) | changes
        found = brought(await way.browser.get(url._replace(query=urlencode(given)).geturl()))
        assert (found["error"], description in found["error_description"]) == (wanted, True)
        assert list(found) == ["state", "tenant_id", "error", "error_description"]
        assert sqlite_house.sql("SELECT * FROM connections") == []

    sqlite_house.run(scenario)


@pytest.mark.parametrize(
    ("fault", "times", "wanted"),
    [
        ({"status": 500}, 1, None),
        ({"status": 500}, 2, "temporarily_unavailable"),
        ({"answer": "silence"}, 1, None),
        ({"answer": "silence"}, 2, "temporarily_unavailable"),
        ({"status": 401, "code": "invalid_client"}, 1, "server_error"),
    ],
)
def test_login_with_amazon_is_asked_twice_where_it_gives_no_answer(sqlite_house, fault, times, wanted):
    """§7.9: nothing that is there is marked, and nothing is left behind."""

    async def scenario(server):
        way = await Way.begin(server)
        seller_id, _ = await way.register()
        back = await way.back()
        server.world.fail(Fault(path=TOKENS, times=times, **fault))
        found = brought(await way.browser.get(back))
        assert found.get("error") == wanted
        assert await way.opens(seller_id) == (200, "succeeded")
        held = sqlite_house.sql("SELECT id FROM connections WHERE secret_hash IS NOT NULL")
        assert len(held) == (1 if wanted is None else 0)

    sqlite_house.run(scenario)


def test_an_account_of_another_region_is_another_account(sqlite_house):
    async def scenario(server):
        way = await Way.begin(server)
        back = await way.back(marketplace_region="eu-west-1", seller="ALOCALSELLEREU")
        code = server.world.issue_code(
            server.world.application("amzn1.sp.solution.test"), server.world.account(SELLER), GATEWAY_CALLBACK
        )
        url = urlsplit(back)
        given = dict(parse_qsl(url.query)) | {"spapi_oauth_code": code}
        found = brought(await way.browser.get(url._replace(query=urlencode(given)).geturl()))
        assert (found["error"], "region" in found["error_description"]) == ("seller_mismatch", True)
        assert sqlite_house.sql("SELECT * FROM sellers") == []

    sqlite_house.run(scenario)


@pytest.mark.parametrize("refused", ["INSERT ON connections", "INSERT ON sellers", "INSERT ON audit"])
def test_a_grant_that_cannot_be_stored_leaves_nothing_half_made(house, refused):
    async def scenario(server):
        way = await Way.begin(server)
        back = await way.back()
        with house.refusing(refused):
            found = brought(await way.browser.get(back))
        assert found["error"] == "temporarily_unavailable"
        assert (house.sql("SELECT * FROM sellers"), house.sql("SELECT * FROM connections")) == ([], [])
        assert (await way.claim(await way.authorize())).status == 200

    house.run(scenario)


def test_a_return_url_that_was_taken_back_meanwhile_is_not_gone_to(house):
    async def scenario(server):
        way = await Way.begin(server)
        back = await way.back()
        await server.hub.return_urls.remove(way.tenant.id, ORIGIN)
        assert error(await way.browser.get(back)) == (400, "sellerRedirectUrl must start with redirectOrigin")
        await server.hub.return_urls.register(way.tenant.id, ORIGIN)
        back = await way.back()
        await server.hub.gateway.tenants.change(way.tenant.id, suspended=True)
        assert error(await way.browser.get(back)) == (400, "Tenant data not found")
        assert house.sql("SELECT * FROM sellers") == []

    house.run(scenario)


# --- pushed requests --------------------------------------------------------------------------------------------------


async def pushed(way, **more):
    return await way.tenant.api("POST", "/api/oauth/requests", asked(way.tenant, **more))


def test_a_pushed_request_brings_a_browser_all_the_way_without_the_secret_in_an_address(house):
    async def scenario(server):
        way = await Way.begin(server)
        await server.hub.gateway.tenants.change(way.tenant.id, require_pushed=True)
        made = await pushed(way, state="ä &%", claim_challenge=CHALLENGE, tenantId=None)
        assert (made.status, made.json["data"]["expires_in"]) == (200, 600)
        told = made.json["data"]
        name = told["request_uri"].removeprefix("urn:adb:")
        assert told["authorize_url"] == initialize({"tenantId": way.tenant.id, "request_uri": told["request_uri"]})
        (row,) = house.sql("SELECT * FROM consents")
        assert not {SECRET, name} & {str(value) for value in row}
        assert (await way.browser.get(f"{PUBLIC}/connect/{name}")).status == 400
        to_amazon = await way.browser.get(told["authorize_url"])
        found = brought(await way.browser.get(await way.browser.decide(to_amazon.location)))
        assert house.sql("SELECT sealed_key, sealed_secret FROM consents") == [(None, None)] * 2
        assert found["state"] == "ä &%"
        for verifier in ({}, {"claim_verifier": "another"}):
            assert error(await way.claim(found, **verifier)) == (400, "Invalid or expired claim code")
        assert (await way.claim(found, claim_verifier="verifier")).status == 200
        assert await way.opens(found["seller_id"]) == (200, "succeeded")

    house.run(scenario)


def test_26_who_opens_a_pushed_link_besides_its_seller_uses_nothing_up(sqlite_house):
    """RFC 9126 §4: a mail scanner, a preview or a second tab goes its own way; one of them ends the request."""

    async def scenario(server):
        way = await Way.begin(server)
        link = (await pushed(way)).json["data"]["authorize_url"]
        before, after, phone = server.browser, server.browser, server.browser
        before.address, after.address, phone.address = "198.51.100.1", "198.51.100.2", "198.51.100.3"
        assert (await before.get(link)).status == 302
        to_amazon = await way.browser.get(link)
        assert (await after.get(link)).status == (await after.get(link, "HEAD")).status + 102 == 302
        also = await phone.decide((await phone.get(link)).location)
        back = await way.browser.decide(to_amazon.location)
        # each state is its own browser's
        for other in (before, after, phone):
            assert (await other.get(back)).status == 400
        assert (await way.browser.get(also)).status == 400
        found = brought(await way.browser.get(back))
        assert (await way.claim(found)).status == 200
        # which ended it for all, the state and the code being used up as ever
        assert error(await way.browser.get(back)) == error(await phone.get(also)) == (400, "Invalid or expired state")
        assert error(await after.get(link)) == (400, "Invalid or expired request_uri")
        assert error(await way.claim(found)) == (400, "Invalid or expired claim code")
        assert sqlite_house.sql("SELECT count(*) FROM sellers") == [(1,)]

    sqlite_house.run(scenario)


def test_of_browsers_that_come_back_with_one_pushed_request_at_once_one_gets_a_code(house):
    async def scenario(server):
        way = await Way.begin(server)
        link = (await pushed(way)).json["data"]["authorize_url"]
        browsers = [server.browser for _ in range(4)]
        backs = [await one.decide((await one.get(link)).location) for one in browsers]
        answers = await asyncio.gather(*(one.get(back) for one, back in zip(browsers, backs, strict=True)))
        assert sorted(answer.status for answer in answers) == [302, 400, 400, 400]

    house.run(scenario)


def test_the_browsers_of_one_pushed_request_are_bounded(sqlite_house, monkeypatch):
    monkeypatch.setattr("sellerport.server.hub.registrations.MOST_BROWSERS", 3)

    async def scenario(server):
        way = await Way.begin(server)
        link = (await pushed(way)).json["data"]["authorize_url"]
        assert [(await way.browser.get(link)).status for _ in range(4)] == [302, 302, 302, 429]
        assert (await way.browser.get((await pushed(way)).json["data"]["authorize_url"])).status == 302

    sqlite_house.run(scenario)


def test_a_pushed_request_is_good_for_ten_minutes_and_for_its_tenant(house):
    async def scenario(server):
        way, other = await Way.begin(server), await a_tenant(server, "Other")

        async def push():
            return (await pushed(way)).json["data"]["request_uri"]

        async def go(uri, tenant=way.tenant):
            browser = server.browser
            browser.address = f"198.51.100.{server.clock.now % 250:.0f}"
            server.clock.advance(1)
            return await browser.get(initialize({"tenantId": tenant.id, "request_uri": uri}))

        uri = await push()
        assert error(await go(uri, other)) == (400, "Invalid or expired request_uri")
        assert error(await go(f"{uri}x")) == (400, "Invalid or expired request_uri")
        assert (await go(uri)).status == 302
        late = await push()
        server.clock.advance(600)
        assert error(await go(late)) == (400, "Invalid or expired request_uri")
        unsigned = await other.api("POST", "/api/oauth/requests", asked(way.tenant))
        assert error(unsigned) == (400, "Tenant data not found")
        assert (await way.tenant.api("POST", "/api/oauth/requests", asked(way.tenant), token="x")).status == 401
        assert error(await pushed(way, amazonTokenSecret=7)) == (400, "amazonTokenSecret must be 32-64 characters")
        assert "expected_selling" in error(await pushed(way, expected_selling_partner_id="a b"))[1]

    house.run(scenario)


def test_a_tenant_that_says_which_account_it_expects_gets_no_other(sqlite_house):
    async def scenario(server):
        way = await Way.begin(server)
        for expected, wanted in (("AOTHER", "seller_mismatch"), (SELLER, None)):
            told = (await pushed(way, expected_selling_partner_id=expected)).json["data"]
            to_amazon = await way.browser.get(told["authorize_url"])
            found = brought(await way.browser.get(await way.browser.decide(to_amazon.location)))
            assert found.get("error") == wanted

    sqlite_house.run(scenario)


# --- what the secret is -----------------------------------------------------------------------------------------------

PLUS = "+" * 8 + "AbCdEfGhIjKlMnOpQrStUvWxYz/0123456789="


@pytest.mark.parametrize("length", [32, 64])
def test_a_secret_of_either_length_opens_the_grant(sqlite_house, length):
    """§7.3."""
    secret = (PLUS * 2)[:length]

    async def scenario(server):
        way = await Way.begin(server)
        seller_id, _ = await way.register(amazonTokenSecret=secret)
        assert await way.opens(seller_id, secret) == (200, "succeeded")
        assert await way.opens(seller_id, OTHER) == (401, "Invalid amazon token secret")

    sqlite_house.run(scenario)


def test_a_secret_that_is_no_ascii_is_the_same_in_a_query_and_in_a_header(sqlite_house):
    async def scenario(server):
        way, secret = await Way.begin(server), "zwölf Boxkämpfer jagen Viktor über"
        seller_id, _ = await way.register(amazonTokenSecret=secret)
        assert await way.opens(seller_id, secret) == (200, "succeeded")

    sqlite_house.run(scenario)


@pytest.mark.parametrize("sent", [PLUS, quote(PLUS, safe="")])
def test_a_plus_in_the_secret_is_read_alike_raw_and_encoded(sqlite_house, sent):
    """§7.3."""

    async def scenario(server):
        way = await Way.begin(server)
        query = f"{urlencode(asked(way.tenant, amazonTokenSecret=None))}&amazonTokenSecret={sent}"
        to_amazon = await way.browser.get(initialize(query))
        found = brought(await way.browser.get(await way.browser.decide(to_amazon.location)))
        assert (await way.claim(found)).status == 200
        for header in (PLUS, f"{PLUS[:7]} {PLUS[8:]}"):
            assert await way.opens(found["seller_id"], header) == (200, "succeeded")

    sqlite_house.run(scenario)


def test_the_database_that_is_away_is_said_so(sqlite_house, monkeypatch):
    async def scenario(server):
        way = await Way.begin(server)
        back = await way.back()

        async def away(*given, **named):
            raise StoreError("/secret/path")

        with monkeypatch.context() as patched:
            patched.setattr(type(server.hub.gateway.registrations._rows), "claim", away)
            refused = await way.browser.get(back)
            assert (refused.status, "secret" in refused.text) == (503, False)
            guarded(refused)
        assert "code" in brought(await way.browser.get(back))

    sqlite_house.run(scenario)
