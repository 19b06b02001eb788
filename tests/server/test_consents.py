"""The consent flow, from the link to the sealed grant, and every way in which it can go wrong."""

from __future__ import annotations

import base64
import hashlib
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import pytest

from sellerport.emulator import Fault
from sellerport.errors import CallerError, GrantRevoked, InvalidArguments, NotFound, StoreError
from sellerport.oauth import LwaClient
from sellerport.regions import marketplace
from sellerport.server.hub import Caller
from sellerport.server.store import Database
from sellerport.server.vault import Keyring, Vault

PUBLIC = "https://connect.example.test"
SHOP = "https://shop.example.test/oauth"
SELLER = "ALOCALSELLERNA"


def with_query(url, **values):
    parts = urlsplit(url)
    query = {name: found[0] for name, found in parse_qs(parts.query).items()} | values
    return urlunsplit(parts._replace(query=urlencode({name: text for name, text in query.items() if text is not None})))


async def begun(server, **how):
    """Go as far as Amazon's answer: the browser, and the address that Amazon sends it to."""
    link = await server.hub.consents.initiate(server.caller, customer="ann", **{"return_url": SHOP, **how})
    browser = server.browser
    to_amazon = await browser.open(link)
    return browser, await browser.decide(to_amazon.location)


def test_consent_ends_with_an_active_connection(house):
    async def scenario(server):
        link = await server.hub.consents.initiate(
            server.caller, customer="ann", name="Ann's shop", return_url=SHOP, replication_config={"a": 1}
        )
        assert link.startswith(f"{PUBLIC}/connect/")
        ended = await server.browser.consent(link)
        assert ended.status == 303
        (connection,) = await server.hub.connections.all(server.caller)
        assert ended.location == f"{SHOP}?connector_id={connection.id}"
        assert (connection.status, connection.selling_partner_id) == ("active", "ALOCALSELLERNA")
        assert (connection.customer, connection.name, connection.region) == ("ann", "Ann's shop", "na")
        assert connection.replication_config == {"a": 1}
        assert len(await server.orders(connection.id)) > 0

    house.run(scenario)


def test_the_link_sets_a_cookie_for_this_host_alone_and_leads_to_amazon(house):
    async def scenario(server):
        link = await server.hub.consents.initiate(server.caller, customer="ann", return_url=SHOP)
        answer = await server.browser.open(link)
        name, _, rest = answer.headers["set-cookie"].partition("=")
        attributes = {part.strip().lower() for part in rest.split(";")[1:]}
        assert name.startswith("__Host-sellerport-consent-")
        assert {"httponly", "path=/", "samesite=lax", "secure", "max-age=600"} == attributes
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.location.startswith("http://amazon.test/sellercentral.amazon.com/apps/authorize/consent?")
        assert answer.query["application_id"] == ["amzn1.sp.solution.test"]
        assert answer.query["redirect_uri"] == [f"{PUBLIC}/oauth/callback"]

    house.run(scenario)


def test_a_query_of_the_return_url_survives_but_cannot_pretend_to_be_the_answer(house):
    async def scenario(server):
        link = await server.hub.consents.initiate(
            server.caller,
            customer="ann",
            return_url=f"{SHOP}/done?user_id=7&x=%20a&connector_id=forged&error=forged&connector%5Fid=forged&%65rror=x",
        )
        ended = await server.browser.consent(link)
        (connection,) = await server.hub.connections.all(server.caller)
        assert ended.location == f"{SHOP}/done?user_id=7&x=%20a&connector_id={connection.id}"

    house.run(scenario)


def test_without_a_return_url_a_page_tells_that_it_worked(house):
    async def scenario(server):
        link = await server.hub.consents.initiate(server.caller, customer="ann")
        ended = await server.browser.consent(link)
        (connection,) = await server.hub.connections.all(server.caller)
        assert ended.status == 200
        assert connection.id in ended.text
        assert "ALOCALSELLERNA" in ended.text

    house.run(scenario)


def test_pages_are_not_kept_not_framed_and_run_no_script(house):
    async def scenario(server):
        link = await server.hub.consents.initiate(server.caller, customer="ann")
        pages = [await server.browser.get(link), await server.browser.consent(link)]
        pages.append(await server.browser.get(f"{PUBLIC}/connect/unknown"))
        for page in pages:
            style = page.text.partition("<style>")[2].partition("</style>")[0]
            allowed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
            assert page.headers["content-security-policy"] == (
                f"default-src 'none'; style-src 'sha256-{allowed}'; base-uri 'none'; frame-ancestors 'none'"
                + ("" if page is pages[0] else "; form-action 'none'")
            )
            assert page.headers["cache-control"] == "no-store"
            assert page.headers["referrer-policy"] == "no-referrer"
            assert "<script" not in page.text
            assert "http" not in page.text.replace("<!doctype html>", "")  # nothing is loaded from anywhere

    house.run(scenario)


def test_a_state_expires_after_ten_minutes(house):
    async def scenario(server):
        browser, back = await begun(server)
        late_browser, late = await begun(server)
        server.clock.advance(599)
        assert "connector_id" in (await browser.get(with_query(back, spapi_oauth_code=fresh_code(server)))).query
        server.clock.advance(1)
        assert_a_dead_end(await late_browser.get(late), "expired")
        assert len(await server.hub.connections.all(server.caller)) == 1

    house.run(scenario)


def test_a_link_expires_after_ten_minutes(house):
    async def scenario(server):
        link = await server.hub.consents.initiate(server.caller, customer="ann", return_url=SHOP)
        server.clock.advance(600)
        assert_a_dead_end(await server.browser.get(link), "expired")

    house.run(scenario)


def test_a_state_is_good_only_in_the_browser_that_started_it(house):
    async def scenario(server):
        ann, anns = await begun(server)
        bob, _ = await begun(server)
        assert_a_dead_end(await bob.get(anns), "did not start the consent")
        assert_a_dead_end(await server.browser.get(anns), "did not start the consent")
        forger = server.browser
        forger.cookies = {name: "A" * len(value) for name, value in ann.cookies.items()}
        assert_a_dead_end(await forger.get(anns), "did not start the consent")
        assert await server.hub.connections.all(server.caller) == []
        assert (await ann.get(anns)).status == 303  # nothing was used up

    house.run(scenario)


def test_a_link_works_in_one_browser_as_often_as_it_is_opened_there(house):
    async def scenario(server):
        link = await server.hub.consents.initiate(server.caller, customer="ann", return_url=SHOP)
        browser = server.browser
        first = await browser.open(link)
        assert_a_dead_end(await server.browser.open(link), "opened in another browser")
        again = await browser.open(link)
        assert again.query["state"] != first.query["state"]
        assert_a_dead_end(await browser.get(await browser.decide(first.location)), "belongs to no consent")
        assert (await browser.get(await browser.decide(again.location))).status == 303
        assert_a_dead_end(await browser.open(link), "used already")

    house.run(scenario)


def test_opening_a_link_again_does_not_keep_it_for_good(house):
    async def scenario(server):
        link = await server.hub.consents.initiate(server.caller, customer="ann", return_url=SHOP)
        browser = server.browser
        for _ in range(3):
            last = await browser.open(link)
            assert last.status == 303
            server.clock.advance(599)
        assert (await browser.open(link)).status == 303  # 1797 s after it was made
        back = await browser.decide(last.location)
        server.clock.advance(3)
        assert_a_dead_end(await browser.open(link), "expired")
        assert_a_dead_end(await browser.get(back), "belongs to no consent")
        assert await server.hub.connections.all(server.caller) == []

    house.run(scenario)


def test_a_link_and_a_connection_are_each_answered_from_one_transaction(house, monkeypatch):
    """After the one that writes, nothing can fail: a link would be burnt, or a connection made that nobody knows of."""

    async def scenario(server):
        def fail(_):
            raise StoreError("cannot be read")

        link = await server.hub.consents.initiate(server.caller, customer="ann", return_url=SHOP)
        (application,) = await server.hub.applications.all(server.organization.id)
        monkeypatch.setattr(Database, "reading", fail)
        opened = await server.browser.get(link, "POST")
        assert (opened.status, opened.query["application_id"]) == (303, ["amzn1.sp.solution.test"])
        made = await server.hub.connections.create(
            server.caller,
            customer="ann",
            name="Own",
            marketplace=marketplace("US"),
            refresh_token="Atzr|x",
            through=LwaClient("client", "secret"),
        )
        assert made.status == "active"
        monkeypatch.undo()
        writing = Database.writing

        @asynccontextmanager
        async def last(database, **how):
            async with writing(database, **how) as store:
                yield store
            monkeypatch.setattr(Database, "reading", fail)

        monkeypatch.setattr(Database, "writing", last)
        given = {"application_id": application.id, "refresh_token": "Atzr|y", "selling_partner_id": "A"}
        renewed = await server.hub.connections.renew(server.caller, made.id, **given)
        monkeypatch.undo()
        assert await server.hub.connections.get(server.caller, made.id) == renewed

    house.run(scenario)


def test_looking_at_a_link_does_not_open_it(house):
    async def scenario(server):
        link = await server.hub.consents.initiate(server.caller, customer="ann", return_url=SHOP)
        looked = await server.browser.get(link, method="HEAD")
        assert (looked.status, "set-cookie" in looked.headers) == (200, False)
        browser = server.browser
        back = await browser.decide((await browser.open(link)).location)
        assert (await browser.get(back, method="HEAD")).status == 200
        assert (await browser.get(back)).status == 303

    house.run(scenario)


def test_two_consents_in_one_browser_do_not_disturb_each_other(house):
    async def scenario(server):
        browser = server.browser
        backs = []
        for customer in ("ann", "bob"):
            link = await server.hub.consents.initiate(server.caller, customer=customer, return_url=SHOP)
            backs.append(await browser.decide((await browser.open(link)).location))
        assert [(await browser.get(back)).status for back in backs] == [303, 303]
        assert browser.cookies == {}
        assert {one.customer for one in await server.hub.connections.all(server.caller)} == {"ann", "bob"}

    house.run(scenario)


def test_a_denied_consent_connects_nothing(house):
    async def scenario(server):
        link = await server.hub.consents.initiate(server.caller, customer="ann", return_url=f"{SHOP}?a=b")
        ended = await server.browser.consent(link, "deny")
        assert ended.status == 303
        assert ended.location.startswith(f"{SHOP}?a=b&")
        assert ended.query["error"] == ["access_denied"]
        assert ended.query["error_description"] == ["the account's owner did not give consent; nothing was connected"]
        assert await server.hub.connections.all(server.caller) == []

    house.run(scenario)


@pytest.mark.parametrize(
    "broken",
    [
        {"spapi_oauth_code": None},
        {"spapi_oauth_code": ""},
        {"selling_partner_id": None},
        {"selling_partner_id": "A b"},
        {"selling_partner_id": "A" * 65},
        {"selling_partner_id": "\u0410SELLER"},
    ],
)
def test_an_answer_without_a_code_or_account_connects_nothing(sqlite_house, broken):
    async def scenario(server):
        browser, back = await begun(server)
        ended = await browser.get(with_query(back, **broken))
        assert ended.query["error"] == ["creation_failed"]
        assert await server.hub.connections.all(server.caller) == []

    sqlite_house.run(scenario)


def test_an_answer_that_says_something_twice_goes_nowhere(house):
    async def scenario(server):
        browser, back = await begun(server)
        for doubled in ("state=x", "spapi_oauth_code=x", "selling_partner_id=x"):
            assert_a_dead_end(await browser.get(f"{back}&{doubled}"), "says something twice")
        many = "&".join(f"p{number}=" for number in range(10_000))
        assert_a_dead_end(await browser.get(f"{back}&{many[:200]}"), "more parameters")
        assert (await browser.get(back)).status == 303

    house.run(scenario)


def test_a_code_that_was_used_before_connects_nothing(house):
    async def scenario(server):
        browser, back = await begun(server)
        server.world.codes[parse_qs(urlsplit(back).query)["spapi_oauth_code"][0]].used = True
        ended = await browser.get(back)
        assert ended.query["error"] == ["creation_failed"]
        assert "used before" in ended.query["error_description"][0]
        assert await server.hub.connections.all(server.caller) == []

    house.run(scenario)


def test_a_wrong_client_secret_is_told_and_connects_nothing(house):
    async def scenario(server):
        (application,) = await server.hub.applications.all(server.organization.id)
        await server.hub.applications.replace_secret(server.organization.id, application.id, "not-the-secret")
        browser, back = await begun(server)
        ended = await browser.get(back)
        assert ended.query["error"] == ["creation_failed"]
        assert "client id or secret" in ended.query["error_description"][0]
        assert await server.hub.connections.all(server.caller) == []

    house.run(scenario)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=429),
        Fault(status=500),
        Fault(status=503),
        Fault(status=200, answer="html"),
        Fault(status=403, answer="html"),
        Fault(status=200, answer="empty"),
        Fault(status=500, answer="empty"),
        Fault(answer="reset"),
        Fault(answer="silence"),
    ],
    ids=lambda fault: f"{fault.answer}-{fault.status}",
)
def test_amazon_in_trouble_at_the_exchange_leaves_nothing_half_made(sqlite_house, fault):
    async def scenario(server):
        browser, back = await begun(server)
        server.world.fail(fault)
        ended = await browser.get(back)
        assert ended.query["error"] == ["creation_failed"]
        assert "start again later" in ended.query["error_description"][0]
        assert await server.hub.connections.all(server.caller) == []
        assert await server.connect() is not None

    sqlite_house.run(scenario)


def test_a_database_that_cannot_take_the_answer_uses_nothing_up(house):
    async def scenario(server):
        browser, back = await begun(server)
        with house.refusing("UPDATE ON consents"):
            answer = await browser.get(back)
        assert answer.status == 503
        assert "Load this page again" in answer.text
        assert (await browser.get(back)).status == 303

    house.run(scenario)


def test_a_database_that_cannot_take_the_grant_keeps_no_half_of_it_and_takes_it_later(house):
    """A code works once: what it was exchanged for is not lost (LC-T3, RL-2)."""

    async def scenario(server):
        browser, back = await begun(server)
        with house.refusing("INSERT ON connections"):
            ended = await browser.get(back)
            assert ended.query["error"] == ["server_error"]
            assert "consent is kept" in ended.query["error_description"][0]
            assert await server.hub.connections.all(server.caller) == []
            with pytest.raises(StoreError):
                await server.hub.recover()
        assert await server.hub.recover() == 1
        (connection,) = await server.hub.connections.all(server.caller)
        assert (connection.status, connection.customer, connection.selling_partner_id) == ("active", "ann", SELLER)
        assert len(await server.orders(connection.id)) > 0
        assert await server.hub.recover() == 0
        assert [code.used for code in server.world.codes.values()] == [True]

    house.run(scenario)


@pytest.mark.parametrize("keys", [b"k", b"z"], ids=["altered", "key-missing"])
def test_a_secret_that_does_not_open_is_told_as_the_servers_fault(house, keys, caplog):
    async def scenario(server):
        browser, back = await begun(server)
        other = await Vault(Keyring([keys * 32])).new_key(("applications", "another's", server.organization.id))
        house.write("UPDATE applications SET sealed_key = :sealed", sealed=other.sealed)
        ended = await browser.get(back)
        assert (ended.status, ended.query["error"]) == (303, ["server_error"])
        assert ended.query["error_description"] == ["the server could not save the connection; start again"]
        assert await server.hub.connections.all(server.caller) == []

    house.run(scenario)
    assert "a consent came to nothing" in caplog.text


def test_a_second_consent_brings_the_same_connection_back(house):
    async def scenario(server):
        id = await server.connect()
        server.world.revoke()
        server.clock.advance(3600)  # the access token has run out
        with pytest.raises(GrantRevoked):
            await server.orders(id)
        link = await server.hub.consents.initiate(server.caller, connection_id=id, return_url=SHOP)
        assert (await server.hub.connections.get(server.caller, id)).status == "needs_consent"
        ended = await server.browser.consent(link)
        assert ended.query["connector_id"] == [id]
        connection = await server.hub.connections.get(server.caller, id)
        assert (connection.status, connection.last_error) == ("active", None)
        assert len(await server.hub.connections.all(server.caller)) == 1
        assert len(await server.orders(id)) > 0

    house.run(scenario)


def test_a_second_consent_that_fails_leaves_the_connection_as_it_was(house):
    async def scenario(server):
        id = await server.connect()
        before = await server.hub.connections.open(server.caller, id)
        link = await server.hub.consents.initiate(server.caller, connection_id=id, return_url=SHOP)
        assert (await server.browser.consent(link, "deny")).query["error"] == ["access_denied"]
        assert await server.hub.connections.open(server.caller, id) == before
        assert len(await server.orders(id)) > 0

    house.run(scenario)


def test_a_second_consent_for_another_account_is_refused(house):
    async def scenario(server):
        server.world.add_account(("US",), selling_partner_id="AOTHER", orders=0)
        id = await server.connect()
        before = await server.hub.connections.open(server.caller, id)
        link = await server.hub.consents.initiate(server.caller, connection_id=id, return_url=SHOP)
        ended = await server.browser.consent(link, seller="AOTHER")
        assert ended.query["error"] == ["account_mismatch"]
        assert await server.hub.connections.open(server.caller, id) == before

    house.run(scenario)


def test_a_second_consent_goes_through_the_connections_own_application(house):
    async def scenario(server):
        second = await server.hub.applications.register(
            server.organization.id,
            name="second",
            lwa_client_id="amzn1.application-oa2-client.second",
            lwa_client_secret="secret",
            application_id="amzn1.sp.solution.second",
        )
        made = await server.hub.connections.create(
            server.caller,
            customer="ann",
            name="Own",
            marketplace=marketplace("US"),
            refresh_token="Atzr|x",
            through=second,
        )
        link = await server.hub.consents.initiate(server.caller, connection_id=made.id)
        assert (await server.browser.open(link)).query["application_id"] == ["amzn1.sp.solution.second"]
        link = await server.hub.consents.initiate(server.caller, connection_id=made.id, application="default")
        assert (await server.browser.open(link)).query["application_id"] == ["amzn1.sp.solution.test"]

    house.run(scenario)


def test_a_connection_from_credentials_is_renewed_by_consent_and_takes_the_account_that_consents(house):
    async def scenario(server):
        made = await server.hub.connections.create(
            server.caller,
            customer="ann",
            name="Own",
            marketplace=marketplace("US"),
            refresh_token="Atzr|long-gone",
            through=LwaClient("amzn1.application-oa2-client.test", "long-gone"),
        )
        link = await server.hub.consents.initiate(server.caller, connection_id=made.id, return_url=SHOP)
        assert (await server.browser.consent(link)).query["connector_id"] == [made.id]
        assert len(await server.orders(made.id)) > 0
        assert (await server.hub.connections.get(server.caller, made.id)).selling_partner_id == SELLER

    house.run(scenario)


def test_a_second_consent_for_a_connection_deleted_meanwhile_is_refused(house):
    async def scenario(server):
        id = await server.connect()
        link = await server.hub.consents.initiate(server.caller, connection_id=id, return_url=SHOP)
        await server.hub.connections.delete(server.caller, id)
        ended = await server.browser.consent(link)
        assert ended.query["error"] == ["server_error"]
        assert await server.hub.connections.all(server.caller) == []

    house.run(scenario)


def test_a_second_consent_stays_within_organization_customer_and_region(house):
    async def scenario(server):
        id = await server.connect()
        other = Caller((await server.hub.organizations.create("Other")).id)
        with pytest.raises(NotFound):
            await server.hub.consents.initiate(other, connection_id=id)
        with pytest.raises(NotFound):
            await server.hub.consents.initiate(server.caller, connection_id=id, customer="bob")
        with pytest.raises(InvalidArguments, match="one region only"):
            await server.hub.consents.initiate(server.caller, connection_id=id, marketplace=marketplace("DE"))

    house.run(scenario)


def test_each_marketplace_and_kind_of_account_has_its_own_page(house):
    async def scenario(server):
        async def page(**how):
            link = await server.hub.consents.initiate(server.caller, customer="ann", **how)
            return urlsplit((await server.browser.open(link)).location)

        german = await page(marketplace=marketplace("DE"))
        assert german.path == "/sellercentral-europe.amazon.com/apps/authorize/consent"
        assert "version" not in parse_qs(german.query)
        vendor = await page(vendor=True)
        assert vendor.path == "/vendorcentral.amazon.com/apps/authorize/consent"
        await server.hub.applications.register(
            server.organization.id,
            name="draft",
            lwa_client_id="amzn1.application-oa2-client.draft",
            lwa_client_secret="secret",
            application_id="amzn1.sp.solution.draft",
            draft=True,
        )
        assert parse_qs((await page(application="draft")).query)["version"] == ["beta"]

    house.run(scenario)


def test_a_consent_needs_a_registered_return_url_and_an_application_id(house):
    async def scenario(server):
        initiate = server.hub.consents.initiate
        with pytest.raises(InvalidArguments, match="redirect_url: is not registered"):
            await initiate(server.caller, customer="ann", return_url="https://shop.example.test/oauthevil")
        with pytest.raises(InvalidArguments, match="customer"):
            await initiate(server.caller)
        with pytest.raises(NotFound, match="no seller-partner application 'other'"):
            await initiate(server.caller, customer="ann", application="other")
        await server.hub.applications.register(
            server.organization.id, name="own", lwa_client_id="c", lwa_client_secret="s"
        )
        with pytest.raises(InvalidArguments, match="has no application id"):
            await initiate(server.caller, customer="ann", application="own")
        other = Caller((await server.hub.organizations.create("Other")).id)
        with pytest.raises(CallerError, match="Register the organization's seller-partner application first"):
            await initiate(other, customer="ann")

    house.run(scenario)


def test_no_secret_of_a_consent_is_readable_on_disk(sqlite_house):
    async def scenario(server):
        browser, back = await begun(server)
        secrets = [*browser.cookies.values(), parse_qs(urlsplit(back).query)["state"][0], server.client_secret]
        await browser.get(back)
        (connection,) = await server.hub.connections.all(server.caller)
        opened = await server.hub.connections.open(server.caller, connection.id)
        await server.orders(connection.id)
        secrets += [opened.refresh_token, opened.client.client_secret, server.token, *server.world.access_tokens]
        written = b"".join(path.read_bytes() for path in sqlite_house.file.parent.rglob("*") if path.is_file())
        assert connection.id.encode() in written
        assert [secret for secret in secrets if secret.encode() in written] == []

    sqlite_house.run(scenario)


def assert_a_dead_end(answer, said):
    assert answer.status == 400
    assert "location" not in answer.headers
    assert said in answer.text.replace("&#39;", "'")


def fresh_code(server):
    return server.world.issue_code(
        server.world.application("amzn1.sp.solution.test"),
        server.world.account("ALOCALSELLERNA"),
        f"{PUBLIC}/oauth/callback",
    )
