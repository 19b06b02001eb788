"""Who guesses waits, who asks too much waits, and nobody waits for them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from tests.server.conftest import AMAZON, PUBLIC, SELLER, SHOP, Browser, ask, log_in_url

from sellerport.errors import TooManyRequests
from sellerport.server.hub.consents import MOST_LOG_INS
from sellerport.server.hub.quotas import AT_ONCE, BUCKETS, LINGER_S, WRONG_BURST, WRONG_RATE
from sellerport.server.settings import Secret

BURST = int(WRONG_BURST)
CONNECTORS = "/api/v1/integrations/connectors"
TOKEN = "/api/v1/account/applications/token"


def told_to_wait(answer):
    assert answer.status == 429
    assert int(answer.headers["retry-after"]) >= 1
    return True


def counting_statements(server):
    """Return a list that grows with each look at the database."""
    looks, reading, writing = [], server.hub.consents._database.reading, server.hub.consents._database.writing
    server.hub.consents._database.reading = lambda: looks.append("reading") or reading()
    server.hub.consents._database.writing = lambda **how: looks.append("writing") or writing(**how)
    return looks


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/connect/guess{}"),
        ("POST", "/connect/guess{}"),
        ("GET", "/oauth/callback?state=guess{}"),
        ("GET", "/oauth/login/guess{}"),
    ],
)
def test_23_whoever_guesses_links_and_states_waits_and_is_not_looked_at(sqlite_house, method, path):
    """Attack 23: of a thousand guesses the first hundred are answered as wrong."""

    async def scenario(server):
        looks = counting_statements(server)
        answers = [await server.browser.get(PUBLIC + path.format(number), method) for number in range(1000)]
        assert [answer.status for answer in answers] == [400] * BURST + [429] * (1000 - BURST)
        assert all(told_to_wait(answer) for answer in answers[BURST:])
        assert "Too many attempts" in answers[-1].text
        assert len(looks) <= BURST + 1

        link = await server.hub.consents.initiate(server.caller, customer="ann", return_url=SHOP)
        assert told_to_wait(await server.browser.get(link))
        other = Browser(server, address="192.0.2.2")
        assert "connector_id" in (await other.consent(link)).query
        server.clock.advance(1 / WRONG_RATE + 1)
        assert (await server.browser.get(PUBLIC + path.format("again"), method)).status == 400

    sqlite_house.run(scenario)


def test_23_a_wrong_secret_or_token_is_told_to_wait_and_a_right_one_is_not(house):
    """Attack 23: all callers may have one address, so that one with an old token holds up no other."""

    async def scenario(server):
        wrong = {"client_id": server.client_id, "client_secret": "guess"}
        for number in range(BURST):
            answer = await (
                server.api("POST", TOKEN, wrong) if number % 2 else server.api("GET", CONNECTORS, token="guess")
            )
            assert answer.status == 401
        for answer in (await server.api("POST", TOKEN, wrong), await server.api("GET", CONNECTORS, token="guess")):
            assert told_to_wait(answer)
            (error,) = answer.json["errors"]
            assert error["error_code"] == "too_many_requests"
            assert error["details"]["retry_after"] > 0
        right = {"client_id": server.client_id, "client_secret": server.client_secret}
        assert (await server.api("POST", TOKEN, right)).status == 200
        assert (await server.api("GET", CONNECTORS)).status == 200
        assert (await server.browser.get(f"{PUBLIC}/connect/x")).status == 400, "and pages are another matter"

    house.run(scenario)


def test_servers_count_guesses_together_in_redis(sqlite_house, redis_server):
    sqlite_house.settings = replace(sqlite_house.settings, redis=Secret(redis_server.url))

    async def scenario(server):
        async with sqlite_house.open() as second:
            answers = []
            while not answers or answers[-1].status == 400:  # Redis has a clock of its own, which does not stand still
                answers.append(await (server, second)[len(answers) % 2].browser.get(f"{PUBLIC}/connect/x"))
            assert told_to_wait(answers[-1])
            assert BURST < len(answers) < 2 * BURST

    sqlite_house.run(scenario)


def test_addresses_of_one_site_count_as_one_and_any_number_of_them_takes_no_room(sqlite_house):
    async def scenario(server):
        quotas, refused = server.hub.quotas, 0
        for number in range(BURST + 5):
            try:
                await quotas.wrong(f"2001:db8:0:{number:x}::{number:x}", "pages")
            except TooManyRequests:
                refused += 1
        assert refused == 5
        with pytest.raises(TooManyRequests):
            quotas.admit("2001:db8::ffff")
        quotas.admit("2001:db8:1::1")
        for number in range(3 * BUCKETS):
            await quotas.wrong(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", "api")
        assert len(server.hub.quotas._limits._buckets) <= 2 * BUCKETS
        assert len(quotas._shut) <= BUCKETS

    sqlite_house.run(scenario)


@pytest.mark.parametrize(
    ("proxies", "named", "counted"),
    [
        (0, ["203.0.113.{}"], True),
        (1, ["203.0.113.{}"], False),
        (1, ["203.0.113.{}, 198.51.100.1"], True),
        (1, ["203.0.113.{}", "198.51.100.1"], True),
        (2, ["203.0.113.{}, 198.51.100.1"], False),
        (2, ["203.0.113.{}:4711, 198.51.100.1"], False),
        (2, ["198.51.100.1"], True),
        (1, [], True),
        (1, ["x, hidden{}"], True),
    ],
)
def test_35_what_a_caller_says_of_its_address_counts_for_nothing(sqlite_house, proxies, named, counted):
    """Attack 35: what stands in X-Forwarded-For before those of our own proxies is not looked at."""
    sqlite_house.settings = replace(sqlite_house.settings, proxies=proxies)

    async def scenario(server):
        last = None
        for number in range(BURST + 1):
            headers = {"x-forwarded-for": [one.format(number) for one in named], "x-real-ip": f"10.0.0.{number}"}
            headers |= {"forwarded": f"for=10.0.0.{number}", "x_forwarded_for": f"10.0.0.{number}"}
            last = await ask(server.app, "GET", f"{PUBLIC}/connect/x", headers)
        assert (last.status == 429) == counted

    sqlite_house.run(scenario)


async def began_at_amazon(server, number, address="192.0.2.1"):
    (application,) = await server.hub.applications.all(server.organization.id)
    given = {
        "amazon_callback_uri": f"{AMAZON}/sellercentral.amazon.com/apps/authorize/confirm/{application.application_id}",
        "amazon_state": f"s{number}",
        "selling_partner_id": SELLER,
    }
    url = f"{log_in_url(application)}?{urlencode(given)}"
    return await ask(server.app, "POST", url, address=address)


def test_what_strangers_leave_behind_at_the_log_in_uri_is_bounded(sqlite_house):
    """Nothing there is signed: from one address a hundred may begin, and from all together some hundred."""

    async def scenario(server):
        first = [await began_at_amazon(server, number) for number in range(BURST + 10)]
        assert [answer.status for answer in first] == [303] * BURST + [429] * 10
        rest = [await began_at_amazon(server, n, f"198.51.{n >> 8}.{n & 255}") for n in range(MOST_LOG_INS)]
        assert sum(answer.status == 303 for answer in rest) == MOST_LOG_INS - BURST
        assert told_to_wait(rest[-1])
        ((count,),) = sqlite_house.sql("SELECT count(*) FROM consents")
        assert count == MOST_LOG_INS
        ((records,),) = sqlite_house.sql("SELECT count(*) FROM audit WHERE action = 'consent.begun'")
        assert records == MOST_LOG_INS, "and what cannot be removed again is bounded too"
        server.clock.advance(601)
        assert (await began_at_amazon(server, 0)).status == 303

    sqlite_house.run(scenario)


def test_an_api_client_has_a_rate_of_its_own(house):
    house.settings = replace(house.settings, client_rate=2)

    async def scenario(server):
        statuses = [(await server.api("GET", CONNECTORS)).status for _ in range(21)]
        assert statuses == [200] * 20 + [429]
        answer = await server.api("GET", CONNECTORS)
        assert told_to_wait(answer)
        assert answer.json["message"].startswith("this API client may send 2 requests a second")
        other = await server.hub.access.create_client(server.organization.id, "other")
        token = (await server.hub.access.issue(other.id, other.secret)).token
        assert (await server.api("GET", CONNECTORS, token=token)).status == 200
        server.clock.advance(1)
        assert (await server.api("GET", CONNECTORS)).status == 200

    house.run(scenario)


def test_one_organization_does_not_use_up_the_room_for_calls(sqlite_house):
    """RL-6: while Amazon does not answer, each organization has so many calls under way, and others go on."""

    async def scenario(server):
        id = await server.connect()
        other = await server.hub.organizations.create("Other")
        quotas, held = server.hub.quotas, []
        for _ in range(AT_ONCE):
            held.append(quotas.call(server.organization.id))
            held[-1].__enter__()
        body = {"entity": "orders", "action": "list"}
        assert told_to_wait(await server.api("POST", f"{CONNECTORS}/{id}/execute", body))
        with quotas.call(other.id):
            pass
        held.pop().__exit__(None, None, None)
        assert (await server.api("POST", f"{CONNECTORS}/{id}/execute", body)).status == 200
        assert (await server.api("POST", f"{CONNECTORS}/{id}/execute", body)).status == 200

    sqlite_house.run(scenario)


def test_a_call_whose_client_left_counts_until_amazon_can_have_answered(sqlite_house):
    async def scenario(server):
        loop, quotas = asyncio.get_running_loop(), server.hub.quotas
        later = []
        loop.call_later = lambda seconds, do, *given: later.append((seconds, do, given))
        with pytest.raises(asyncio.CancelledError), quotas.call("one"):
            raise asyncio.CancelledError
        assert quotas._under_way == {"one": 1}
        ((seconds, do, given),) = later
        assert seconds == LINGER_S
        do(*given)
        assert quotas._under_way == {}

    sqlite_house.run(scenario)
