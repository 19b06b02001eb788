"""Attacks on the consent flow, by the numbers of the list of attack tests (`security-and-reliability`, section 3.8).

1-8 and 10 are in test_return_urls, 9, 24 and 25 in test_consents_log_in, 23 and 35 in test_quotas.
"""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import pytest
from tests.server.conftest import CALLBACK, PUBLIC, SELLER, SHOP, ask

from sellerport.emulator import Application


def with_query(url, **values):
    parts = urlsplit(url)
    query = {name: found[0] for name, found in parse_qs(parts.query).items()} | values
    return urlunsplit(parts._replace(query=urlencode({name: text for name, text in query.items() if text is not None})))


async def begun(server, **how):
    """Go as far as Amazon's answer: the browser, and the address that Amazon sends it to."""
    link = await server.hub.consents.initiate(server.caller, **{"customer": "ann", "return_url": SHOP, **how})
    browser = server.browser
    return browser, await browser.decide((await browser.open(link)).location)


def dead_end(answer, said):
    assert (answer.status, "location" in answer.headers) == (400, False)
    assert said in answer.text.replace("&#39;", "'")


@pytest.mark.parametrize("state", [None, "", "unknown", "a" * 5000, "\x00", "' OR 1=1 --"])
def test_11_and_12_a_missing_or_unknown_state_goes_nowhere(sqlite_house, state):
    async def scenario(server):
        browser, back = await begun(server)
        dead_end(await browser.get(with_query(back, state=state)), "belongs to no consent")
        assert (await browser.get(back)).status == 303

    sqlite_house.run(scenario)


def test_13_a_state_that_expired_a_second_ago_goes_nowhere(house):
    async def scenario(server):
        browser, back = await begun(server)
        server.clock.advance(601)
        dead_end(await browser.get(back), "expired")

    house.run(scenario)


def test_14_a_state_is_not_good_twice(house):
    async def scenario(server):
        browser, back = await begun(server)
        cookies = dict(browser.cookies)
        assert "connector_id" in (await browser.get(back)).query
        browser.cookies = cookies
        dead_end(await browser.get(back), "used already")

    house.run(scenario)


def test_15_of_many_callbacks_at_two_servers_exactly_one_wins(house):
    """Each server has its own connections to the database, so that their transactions run side by side."""

    async def scenario(server):
        async with house.open() as second:
            for _ in range(5):
                browser, back = await begun(server)
                headers = {"cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}
                apps = [server.app, second.app] * 5
                answers = await asyncio.gather(*(ask(app, "GET", back, headers) for app in apps))
                assert sorted(answer.status for answer in answers) == [303, *[400] * 9]
        assert len(await server.hub.connections.all(server.caller)) == 5
        assert len([code for code in server.world.codes.values() if code.used]) == 5

    house.run(scenario)


def test_a_link_opened_in_two_browsers_at_once_is_bound_to_one(house):
    async def scenario(server):
        link = await server.hub.consents.initiate(server.caller, customer="ann", return_url=SHOP)
        browsers = [server.browser for _ in range(8)]
        answers = await asyncio.gather(*(one.get(link, "POST") for one in browsers))
        assert sorted(answer.status for answer in answers) == [303, *[400] * 7]
        (bound,) = [one for one in browsers if one.cookies]
        (opened,) = [answer for answer in answers if answer.status == 303]
        assert "connector_id" in (await bound.get(await bound.decide(opened.location))).query

    house.run(scenario)


def test_16_and_17_a_state_is_good_with_its_browsers_cookie_only(house):
    async def scenario(server):
        _, anns = await begun(server)
        bob, _ = await begun(server)
        dead_end(await bob.get(anns), "did not start the consent")
        dead_end(await server.browser.get(anns), "did not start the consent")
        assert await server.hub.connections.all(server.caller) == []

    house.run(scenario)


def test_18_a_code_given_to_another_application_connects_nothing(house):
    """One callback serves all: its state names the application, and a code is good for the one that it was given to."""

    async def scenario(server):
        other = Application(
            application_id="amzn1.sp.solution.other",
            client_id="amzn1.application-oa2-client.other",
            client_secret="other-secret",
            redirect_uris=(CALLBACK,),
        )
        server.world.add_application(other)
        code = server.world.issue_code(other, server.world.account(SELLER), CALLBACK)
        browser, back = await begun(server)
        ended = await browser.get(with_query(back, spapi_oauth_code=code))
        assert ended.query["error"] == ["creation_failed"]
        assert await server.hub.connections.all(server.caller) == []

    house.run(scenario)


def test_19_what_the_answer_says_is_not_repeated(house):
    async def scenario(server):
        script = "<script>alert(1)</script>"
        for return_url in (None, SHOP):
            browser, back = await begun(server, return_url=return_url)
            said = {"spapi_oauth_code": None, "error": "access_denied", "error_description": script}
            ended = await browser.get(with_query(back, **said))
            assert "alert" not in ended.text
            assert "alert" not in ended.headers.get("location", "")
            assert ended.headers["cache-control"] == "no-store"

    house.run(scenario)


def test_20_an_answer_that_says_something_twice_goes_nowhere(house):
    async def scenario(server):
        browser, back = await begun(server)
        for doubled in ("state=x", "spapi_oauth_code=x", "selling_partner_id=x"):
            dead_end(await browser.get(f"{back}&{doubled}"), "says something twice")
        assert (await browser.get(back)).status == 303

    house.run(scenario)


def test_21_an_answer_for_another_account_does_not_renew_a_connection(house):
    async def scenario(server):
        id = await server.connect()
        before = await server.hub.connections.open(server.caller, id)
        browser, back = await begun(server, connection_id=id, customer=None)
        ended = await browser.get(with_query(back, selling_partner_id="AMALLORY"))
        assert ended.query["error"] == ["account_mismatch"]
        assert await server.hub.connections.open(server.caller, id) == before

    house.run(scenario)


@pytest.mark.parametrize(
    "query",
    ["&".join(f"p{number}=" for number in range(10_000)), f"state={'a' * 1_000_000}", "&" * 1_000_000, "%" * 1_000_000],
    ids=["10,000 parameters", "1 MB", "separators", "percent signs"],
)
@pytest.mark.parametrize("path", ["/oauth/callback", "/oauth/login/x"])
def test_22_an_answer_of_any_size_is_refused(sqlite_house, path, query):
    async def scenario(server):
        dead_end(await server.browser.get(f"{PUBLIC}{path}?{query}"), "longer than Amazon's are")

    sqlite_house.run(scenario)


def test_22_a_form_of_any_size_is_not_read(house):
    async def scenario(server):
        link = await server.hub.consents.initiate(server.caller, customer="ann", return_url=SHOP)
        headers = {"content-type": "application/x-www-form-urlencoded"}
        answer = await ask(server.app, "POST", link, headers, b"x" * 1_000_000)
        assert answer.status == 303

    house.run(scenario)


def test_26_a_link_scanner_binds_and_uses_up_nothing(house):
    async def scenario(server):
        link = await server.hub.consents.initiate(server.caller, customer="ann", return_url=SHOP)
        before = house.sql("SELECT * FROM consents")
        for method in ("GET", "HEAD", "GET", "OPTIONS"):
            looked = await server.browser.get(link, method)
            assert ("set-cookie" in looked.headers, "location" in looked.headers) == (False, False)
        assert house.sql("SELECT * FROM consents") == before
        ended = await server.browser.consent(link)
        assert "connector_id" in ended.query

    house.run(scenario)


def test_26_the_page_says_who_asks_and_where_it_leads_and_has_one_button(house):
    async def scenario(server):
        link = await server.hub.consents.initiate(server.caller, customer="ann's own name", return_url=SHOP)
        page = (await server.browser.get(link)).text
        assert "<strong>Acme</strong>" in page
        assert "sellercentral.amazon.com" in page
        assert page.count("<form") == page.count("<button") == 1
        assert '<form method="post">' in page
        assert "<script" not in page
        assert "own name" not in page  # it is the organization's, and may tell more than it should

    house.run(scenario)


def test_an_organizations_name_is_text_on_the_page(house):
    async def scenario(server):
        house.write("UPDATE organizations SET name = :name", name="<img src=x onerror=alert(1)>")
        link = await server.hub.consents.initiate(server.caller, customer="ann", return_url=SHOP)
        page = (await server.browser.get(link)).text
        assert "<img" not in page
        assert "&lt;img" in page

    house.run(scenario)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_sites_form_does_not_press_the_button(house, site):
    async def scenario(server):
        link = await server.hub.consents.initiate(server.caller, customer="ann", return_url=SHOP)
        answer = await ask(server.app, "POST", link, {"sec-fetch-site": site})
        dead_end(answer, "has to begin on this server's own page")
        for own in ("same-origin", "none"):
            assert (await ask(server.app, "POST", link, {"sec-fetch-site": own})).status == 303
            link = await server.hub.consents.initiate(server.caller, customer="ann", return_url=SHOP)

    house.run(scenario)


def test_27_no_secret_of_a_consent_is_in_the_log_or_told_to_another_site(house, caplog):
    async def scenario(server):
        caplog.set_level("DEBUG")
        link = await server.hub.consents.initiate(server.caller, customer="ann", return_url=SHOP)
        browser = server.browser
        pages = [await browser.get(link), await browser.open(link)]
        back = await browser.decide(pages[-1].location)
        cookies = list(browser.cookies.values())
        pages.append(await browser.get(back))
        (connection,) = await server.hub.connections.all(server.caller)
        opened = await server.hub.connections.open(server.caller, connection.id)
        query = parse_qs(urlsplit(back).query)
        secrets = [link.rpartition("/")[2], query["state"][0], query["spapi_oauth_code"][0], *cookies]
        secrets.append(opened.refresh_token)
        for record in caplog.records:
            logged = f"{record.getMessage()} {vars(record)}"
            assert [secret for secret in secrets if secret in logged] == []
        for page in pages:
            assert page.headers["referrer-policy"] == "no-referrer"
            assert page.headers["cache-control"] == "no-store"
        assert [secret for secret in secrets if secret in pages[-1].location] == []

    house.run(scenario)


def test_lc_t21_a_code_older_than_five_minutes_is_told_and_a_fresh_link_comes_with_it(house):
    async def scenario(server):
        for return_url in (f"{SHOP}?a=b", None):
            browser, back = await begun(server, return_url=return_url)
            server.clock.advance(301)
            ended = await browser.get(back)
            if return_url is None:
                assert "older than five minutes" in ended.text
                link = ended.text.partition('href="')[2].partition('"')[0]
            else:
                assert ended.query["a"] == ["b"]
                assert ended.query["error"] == ["creation_failed"]
                assert "older than five minutes" in ended.query["error_description"][0]
                (link,) = ended.query["consent_url"]
            assert link.startswith(f"{PUBLIC}/connect/")
            again = await browser.consent(link)
            assert again.status == (200 if return_url is None else 303)
        made = await server.hub.connections.all(server.caller)
        assert [(one.customer, one.status) for one in made] == [("ann", "active")] * 2

    house.run(scenario)


def test_each_step_of_a_consent_is_in_the_audit(house):
    async def scenario(server):
        link = await server.hub.consents.initiate(server.caller, customer="ann", return_url=SHOP)
        await server.browser.consent(link, "deny")
        id = await server.connect()
        rows = house.sql("SELECT action, subject, actor, facts FROM audit WHERE action LIKE 'con%' ORDER BY sequence")
        assert [(row.action, row.actor) for row in rows] == [
            ("consent.begun", f"client:{server.client_id}"),
            ("consent.failed", "owner"),
            ("consent.begun", f"client:{server.client_id}"),
            ("connection.created", "owner"),
        ]
        assert "access_denied" in str(rows[1].facts)
        assert rows[-1].subject == id

    house.run(scenario)


def test_what_cannot_be_recorded_does_not_begin(house):
    async def scenario(server):
        with house.refusing("INSERT ON audit"), pytest.raises(Exception, match="nothing was changed"):
            await server.hub.consents.initiate(server.caller, customer="ann", return_url=SHOP)
        assert house.sql("SELECT id FROM consents") == []

    house.run(scenario)
