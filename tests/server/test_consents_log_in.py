"""Consents that begin at Amazon, over the application's Log-in URI: installs, renewals, and what must not pass for one.

The local Amazon's Appstore and Manage Your Apps are the counterpart; their owner keeps a session there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import msgspec
import pytest
from tests.server.conftest import AMAZON, CALLBACK, CLIENT, PUBLIC, SELLER, SHOP, ask, log_in_url

from sellerport.emulator import Fault
from sellerport.errors import Conflict, GrantRevoked, NotFound
from sellerport.regions import marketplace
from sellerport.server.hub import Caller

APPLICATION = "amzn1.sp.solution.test"
INSTALLS = "https://shop.example.test/installed"
SELLER_CENTRAL = "sellercentral.amazon.com"
CLAIM = "/api/v1/integrations/connectors/{}/claim"


@dataclass
class Owner:
    """An account's owner, with a browser that is signed in at Amazon."""

    server: Any
    seller: str = SELLER
    central: str = SELLER_CENTRAL
    cookies: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.browser = self.server.browser

    async def at_amazon(self, method: str, url: str, **form: str) -> Any:
        headers = {"content-type": "application/x-www-form-urlencoded"}
        headers |= {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        answer = await ask(self.server.amazon, method, url, headers, urlencode(form).encode())
        for name, value in answer.fields:
            if name == "set-cookie":
                key, _, kept = value.partition(";")[0].partition("=")
                self.cookies[key] = kept
        return answer

    async def approve(self, url: str | None = None, **more: str) -> str:
        """Approve at Amazon, as its Appstore leads there, and return where Amazon sends the browser."""
        given = urlencode({"application_id": APPLICATION, **more})
        url = url or f"{AMAZON}/{self.central}/apps/authorize/consent?{given}"
        answer = await self.at_amazon("POST", url, decision="approve", selling_partner_id=self.seller)
        assert answer.status == 302, answer.text
        return answer.location

    async def go_on(self, log_in: str) -> Any:
        """Press the button of our page, and come back over Amazon."""
        to_amazon = await self.browser.open(log_in)
        if to_amazon.status != 303:
            return to_amazon
        back = await self.at_amazon("GET", to_amazon.location)
        assert back.status == 302, back.text
        return await self.browser.get(back.location)

    async def install(self, **more: str) -> Any:
        return await self.go_on(await self.approve(**more))


async def published(server, **more):
    """Give the application at Amazon the Log-in URI of the one that is registered here."""
    (application,) = await server.hub.applications.all(server.organization.id)
    known = server.world.application(APPLICATION)
    log_in = log_in_url(application)
    server.world.login.applications[CLIENT] = msgspec.structs.replace(known, login_uri=log_in, **more)
    return application


async def claimed(server, ended, customer="ann"):
    id = ended.query["connector_id"][0]
    await server.hub.connections.claim(server.caller, id, customer)
    return id


def dead_end(answer, said):
    assert (answer.status, "location" in answer.headers, "set-cookie" in answer.headers) == (400, False, False)
    assert said in answer.text.replace("&#39;", "'")


def test_an_owner_who_installs_from_the_appstore_gets_a_connection_that_waits_for_its_customer(house):
    async def scenario(server):
        await server.hub.return_urls.register(server.organization.id, INSTALLS, for_installs=True)
        await published(server)
        owner = Owner(server)
        store = await owner.at_amazon("GET", f"{AMAZON}/{SELLER_CENTRAL}/apps/store/dp/{APPLICATION}")
        assert f'href="{AMAZON}/{SELLER_CENTRAL}/apps/authorize/consent?application_id={APPLICATION}"' in store.text
        ended = await owner.install()
        (connection,) = await server.hub.connections.all(server.caller)
        assert ended.location == f"{INSTALLS}?connector_id={connection.id}"
        assert (connection.status, connection.customer) == ("pending", None)
        assert (connection.selling_partner_id, connection.region, connection.marketplace) == (
            SELLER,
            "na",
            "ATVPDKIKX0DER",
        )
        with pytest.raises(Conflict, match="claim it first"):
            await server.orders(connection.id)
        answer = await server.api("POST", CLAIM.format(connection.id), {"customer_name": "ann"})
        assert (answer.status, answer.json["status"], answer.json["workspace_name"]) == (200, "active", "ann")
        assert len(await server.orders(connection.id)) > 0
        told = house.sql("SELECT type, connection_id FROM events ORDER BY created_at, type DESC")
        assert {tuple(row) for row in told} == {
            ("connection.created", connection.id),
            ("connection.active", connection.id),
        }

    house.run(scenario)


def test_a_pending_connection_is_claimed_once_and_by_its_organization(house):
    """Attack tests 24 and 25."""

    async def scenario(server):
        await published(server)
        await Owner(server).install()
        (connection,) = await server.hub.connections.all(server.caller)
        other = Caller((await server.hub.organizations.create("Other")).id)
        with pytest.raises(NotFound):
            await server.hub.connections.claim(other, connection.id, "mallory")
        for body in (
            {},
            {"customer_name": ""},
            {"customer_name": "a\nb"},
            {"customer_name": "ann", "workspace_name": "b"},
        ):
            assert (await server.api("POST", CLAIM.format(connection.id), body)).status == 422
        assert (await server.api("POST", CLAIM.format(connection.id), {"customer_name": "ann"})).status == 200
        again = await server.api("POST", CLAIM.format(connection.id), {"customer_name": "bob"})
        assert (again.status, again.json["errors"][0]["error_code"]) == (409, "conflict")
        assert (await server.hub.connections.get(server.caller, connection.id)).customer == "ann"

    house.run(scenario)


def test_without_an_address_for_installs_a_page_tells_what_comes_next(house):
    async def scenario(server):
        await published(server)
        ended = await Owner(server).install()
        (connection,) = await server.hub.connections.all(server.caller)
        assert ended.status == 200
        assert "Sign in to Acme" in ended.text
        assert connection.id in ended.text

    house.run(scenario)


def test_one_address_is_for_installs(house):
    async def scenario(server):
        urls, mine = server.hub.return_urls, server.organization.id
        assert await urls.for_installs(mine) is None
        await urls.register(mine, INSTALLS, for_installs=True)
        await urls.register(mine, f"{INSTALLS}/new", for_installs=True)
        await urls.register(mine, f"{INSTALLS}/other")
        assert await urls.for_installs(mine) == f"{INSTALLS}/new"
        await urls.remove(mine, f"{INSTALLS}/new")
        assert await urls.for_installs(mine) is None

    house.run(scenario)


def test_opening_the_log_in_uri_changes_nothing_until_the_button_is_pressed(house):
    """Attack test 26, for Amazon's own link."""

    async def scenario(server):
        await published(server)
        owner = Owner(server)
        log_in = await owner.approve()
        for method in ("GET", "HEAD", "GET"):
            looked = await owner.browser.get(log_in, method)
            assert (looked.status, "set-cookie" in looked.headers) == (200, False)
        assert "Acme" in looked.text
        assert SELLER in looked.text
        assert house.sql("SELECT id FROM consents") == []
        assert (await owner.go_on(log_in)).status == 200

    house.run(scenario)


def test_what_goes_back_to_amazon_is_what_its_page_documents(house):
    async def scenario(server):
        await published(server)
        owner = Owner(server)
        log_in = await owner.approve()
        said = dict(parse_qsl(urlsplit(log_in).query))
        to_amazon = await owner.browser.open(log_in)
        assert to_amazon.location.startswith(
            f"{AMAZON}/{SELLER_CENTRAL}/apps/authorize/confirm/{APPLICATION}?redirect_uri="
        )
        back = {name: values[0] for name, values in to_amazon.query.items()}
        assert set(back) == {"redirect_uri", "amazon_state", "state"}
        assert (back["redirect_uri"], back["amazon_state"]) == (CALLBACK, said["amazon_state"])
        name, _, rest = to_amazon.headers["set-cookie"].partition("=")
        assert name.startswith("__Host-sellerport-consent-")
        assert "samesite=lax" in rest.lower()

    house.run(scenario)


def test_amazons_state_comes_back_to_it_as_it_was(house):
    async def scenario(server):
        (application,) = await server.hub.applications.all(server.organization.id)
        odd = "MTcyNDQwMjI3NTkxN8i1+77/9==&x=\u00e9 %41"
        given = {
            "amazon_callback_uri": f"{AMAZON}/{SELLER_CENTRAL}/apps/authorize/confirm/{APPLICATION}",
            "amazon_state": odd,
            "selling_partner_id": SELLER,
        }
        url = f"{log_in_url(application)}?{urlencode(given)}"
        assert (await server.browser.open(url)).query["amazon_state"] == [odd]

    house.run(scenario)


def test_a_draft_is_marked_as_one_on_every_leg(house):
    async def scenario(server):
        await published(server, draft=True)
        owner = Owner(server)
        log_in = await owner.approve(version="beta")
        assert parse_qs(urlsplit(log_in).query)["version"] == ["beta"]
        assert (await owner.browser.open(log_in)).query["version"] == ["beta"]
        ended = await owner.go_on(await owner.approve(version="beta"))
        assert ended.status == 200
        assert len(await server.hub.connections.all(server.caller)) == 1

    house.run(scenario)


def test_the_websites_flow_goes_on_when_amazon_leads_it_over_the_log_in_uri(house):
    async def scenario(server):
        await published(server, login_first=True)
        link = await server.hub.consents.initiate(server.caller, customer="ann", return_url=f"{SHOP}?a=b")
        owner = Owner(server)
        log_in = await owner.approve((await owner.browser.open(link)).location)
        assert urlsplit(log_in).path.startswith("/oauth/login/")
        ended = await owner.go_on(log_in)
        (connection,) = await server.hub.connections.all(server.caller)
        assert ended.location == f"{SHOP}?a=b&connector_id={connection.id}"
        assert (connection.status, connection.customer) == ("active", "ann")
        assert owner.browser.cookies == {}

    house.run(scenario)


def test_another_browser_does_not_go_on_with_somebodys_consent(house):
    async def scenario(server):
        await published(server)
        link = await server.hub.consents.initiate(server.caller, customer="ann", return_url=SHOP)
        anns = server.browser
        await anns.open(link)
        ended = await Owner(server).install()
        assert ended.status == 200
        (connection,) = await server.hub.connections.all(server.caller)
        assert (connection.status, connection.customer) == ("pending", None)

    house.run(scenario)


def test_an_owner_who_renews_at_amazon_renews_the_same_connection(house):
    async def scenario(server):
        await published(server)
        id = await claimed_install(server)
        before = await server.hub.connections.open(server.caller, id)
        server.clock.advance(100 * 86_400)
        server.world.revoke()
        with pytest.raises(GrantRevoked):
            await server.orders(id)
        owner = Owner(server)
        assert (await server.hub.connections.get(server.caller, id)).status == "needs_consent"
        manage = await owner.at_amazon("GET", f"{AMAZON}/{SELLER_CENTRAL}/apps/manage")
        assert manage.status == 200
        ended = await owner.install()
        assert ended.status == 200
        (connection,) = await server.hub.connections.all(server.caller)
        assert (connection.id, connection.status, connection.customer) == (id, "active", "ann")
        assert connection.granted_at == server.clock.now
        assert (await server.hub.connections.open(server.caller, id)).generation == before.generation + 1
        assert len(await server.orders(id)) > 0

    house.run(scenario)


def test_a_renewal_at_amazon_that_fails_leaves_the_connection_as_it_was(house):
    async def scenario(server):
        await published(server)
        id = await claimed_install(server)
        before = await server.hub.connections.open(server.caller, id)
        owner = Owner(server)
        log_in = await owner.approve()
        back = (await owner.at_amazon("GET", (await owner.browser.open(log_in)).location)).location
        server.world.fail(Fault(path="/auth/o2/token", status=503))
        ended = await owner.browser.get(back)
        assert (ended.status, "start again later" in ended.text) == (400, True)
        assert await server.hub.connections.open(server.caller, id) == before

    house.run(scenario)


def test_an_install_that_was_not_claimed_is_not_made_twice(house):
    async def scenario(server):
        await published(server)
        await Owner(server).install()
        await Owner(server).install()
        (connection,) = await server.hub.connections.all(server.caller)
        assert (connection.status, connection.customer) == ("pending", None)

    house.run(scenario)


def test_whoever_says_the_id_of_an_account_does_not_replace_its_grant(house):
    """Everybody can read a seller's id in Amazon's shop, and Amazon signs nothing: attack test 21 at the Log-in URI."""

    async def scenario(server):
        await published(server)
        server.world.add_account(("US",), selling_partner_id="AMALLORY", name="Mallory's", orders=0)
        id = await claimed_install(server)
        before = await server.hub.connections.open(server.caller, id)
        mallory = Owner(server, "AMALLORY")
        log_in = (await mallory.approve()).replace("AMALLORY", SELLER)
        to_amazon = await mallory.browser.open(log_in)
        back = (await mallory.at_amazon("GET", to_amazon.location)).location
        honest = await mallory.browser.get(back)
        assert (honest.status, "another account than the one it sent" in honest.text) == (400, True)
        assert await server.hub.connections.open(server.caller, id) == before

        mallory = Owner(server, "AMALLORY")
        to_amazon = await mallory.browser.open((await mallory.approve()).replace("AMALLORY", SELLER))
        back = (await mallory.at_amazon("GET", to_amazon.location)).location.replace("AMALLORY", SELLER)
        assert (await mallory.browser.get(back)).status == 200
        assert await server.hub.connections.open(server.caller, id) == before
        others = [one for one in await server.hub.connections.all(server.caller) if one.id != id]
        assert [(one.status, one.customer) for one in others] == [("pending", None)]

    house.run(scenario)


def test_an_account_that_cannot_be_proven_becomes_a_connection_of_its_own(house):
    """Vendors and applications without the role are refused; so is nobody's grant replaced, and none is lost."""

    async def scenario(server):
        await published(server)
        id = await claimed_install(server)
        owner = Owner(server)
        for _ in range(3):
            server.world.fail(Fault(path="/sellers/v1/*", status=403, details=""))
        assert (await owner.install()).status == 200
        connections = await server.hub.connections.all(server.caller)
        assert {(one.id == id, one.status) for one in connections} == {(True, "active"), (False, "pending")}

    house.run(scenario)


def test_what_cannot_be_proven_renews_the_connection_that_its_organization_names(house):
    """Vendors and applications without the role: who claims the pending one says which connection goes on with it."""

    async def scenario(server):
        await published(server)
        id = await claimed_install(server)
        before = await server.hub.connections.open(server.caller, id)
        for _ in range(3):
            server.world.fail(Fault(path="/sellers/v1/*", status=403, details=""))
        await Owner(server).install()
        (pending,) = [one for one in await server.hub.connections.all(server.caller) if one.status == "pending"]
        new = (await server.hub.connections.open(server.caller, pending.id)).refresh_token
        claim = CLAIM.format(pending.id)
        for customer, named, status in (("bob", id, 404), ("ann", "another", 404), ("ann", pending.id, 404)):
            answer = await server.api("POST", claim, {"customer_name": customer, "connector_id": named})
            assert answer.status == status
        claimed = await server.api("POST", claim, {"customer_name": "ann", "connector_id": id})
        assert (claimed.status, claimed.json["id"], claimed.json["status"]) == (200, id, "active")
        after = await server.hub.connections.open(server.caller, id)
        assert (after.refresh_token, after.generation) == (new, before.generation + 1)
        assert [one.id for one in await server.hub.connections.all(server.caller)] == [id]
        assert (await server.api("POST", claim, {"customer_name": "ann", "connector_id": id})).status == 404
        await server.orders(id)

    house.run(scenario)


def test_a_pending_connection_does_not_renew_another_accounts_or_regions(house):
    async def scenario(server):
        await published(server)
        server.world.add_account(("US",), selling_partner_id="AOTHER", name="Other", orders=0)
        id = await claimed_install(server)
        await Owner(server, "AOTHER").install()
        (pending,) = [one for one in await server.hub.connections.all(server.caller) if one.status == "pending"]
        before = await server.hub.connections.open(server.caller, id)
        body = {"customer_name": "ann", "connector_id": id}
        refused = await server.api("POST", CLAIM.format(pending.id), body)
        assert (refused.status, refused.json["errors"][0]["details"]["reason"]) == (400, "account_mismatch")
        house.write(
            "UPDATE connections SET region = 'eu', selling_partner_id = :id WHERE status = 'active'", id="AOTHER"
        )
        refused = await server.api("POST", CLAIM.format(pending.id), body)
        assert (refused.status, "one region only" in refused.json["message"]) == (409, True)
        assert (await server.hub.connections.open(server.caller, id)).refresh_token == before.refresh_token

    house.run(scenario)


def test_a_renewal_begun_here_is_refused_for_another_account_before_amazon_is_asked(house):
    async def scenario(server):
        await published(server, login_first=True)
        server.world.add_account(("US",), selling_partner_id="AOTHER", name="Other", orders=0)
        id = await claimed_install(server)
        before = await server.hub.connections.open(server.caller, id)
        link = await server.hub.consents.initiate(server.caller, connection_id=id, return_url=SHOP)
        owner = Owner(server, "AOTHER")
        log_in = await owner.approve((await owner.browser.open(link)).location)
        dead_end(await owner.go_on(log_in), "another account than the one to renew")
        assert await server.hub.connections.open(server.caller, id) == before

    house.run(scenario)


def test_a_consent_for_another_region_is_told_before_it_is_given(house):
    async def scenario(server):
        await published(server, login_first=True)
        link = await server.hub.consents.initiate(server.caller, customer="ann", marketplace=marketplace("DE"))
        owner = Owner(server)
        await owner.browser.open(link)
        dead_end(await owner.go_on(await owner.approve()), "is in region 'na', and amazon.de is in 'eu'")

    house.run(scenario)


@pytest.mark.parametrize(
    "change",
    [
        {"amazon_callback_uri": "https://amazon.com.evil.com/apps/authorize/confirm/{app}"},
        {"amazon_callback_uri": "https://evil.com/apps/authorize/confirm/{app}"},
        {"amazon_callback_uri": "https://sellercentral.amazon.com.evil.com/apps/authorize/confirm/{app}"},
        {"amazon_callback_uri": "https://sellercentral.amazon.com@evil.com/apps/authorize/confirm/{app}"},
        {"amazon_callback_uri": "https://evil.com/sellercentral.amazon.com/apps/authorize/confirm/{app}"},
        {
            "amazon_callback_uri": "https://sellercentral.amazon.com/apps/authorize/confirm/{app}"
        },  # a local one is asked
        {"amazon_callback_uri": "//evil.com/apps/authorize/confirm/{app}"},
        {"amazon_callback_uri": "/apps/authorize/confirm/{app}"},
        {"amazon_callback_uri": "javascript:alert(1)"},
        {"amazon_callback_uri": "{amazon}/sellercentral.amazon.com/apps/authorize/confirm/another"},
        {"amazon_callback_uri": "{amazon}/sellercentral.amazon.com/apps/authorize/confirm/{app}/"},
        {"amazon_callback_uri": "{amazon}/sellercentral.amazon.com/apps/authorize/confirm/{app}?state=x"},
        {"amazon_callback_uri": "{amazon}/sellercentral.amazon.com/apps/authorize/confirm/{app}#x"},
        {"amazon_callback_uri": "{amazon}/sellercentral.amazon.com/gp/../apps/authorize/confirm/{app}"},
        {"amazon_callback_uri": "{amazon}/api.amazon.com/apps/authorize/confirm/{app}"},
        {"amazon_callback_uri": "{amazon}/sellingpartnerapi-na.amazon.com/apps/authorize/confirm/{app}"},
        {"amazon_callback_uri": "{amazon}/SELLERCENTRAL.AMAZON.COM/apps/authorize/confirm/{app}"},
        {"amazon_callback_uri": "{amazon}/sellercentral.amazon.com/apps/authorize/confirm/{app}\r\nx: y"},
        {"amazon_callback_uri": None},
        {"amazon_state": None},
        {"amazon_state": ""},
        {"amazon_state": "x" * 4097},
        {"selling_partner_id": None},
        {"selling_partner_id": "<script>"},
        {"selling_partner_id": "A" * 65},
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_amazon_does_not_send_goes_nowhere(sqlite_house, change, method):
    """Attack test 9."""

    async def scenario(server):
        (application,) = await server.hub.applications.all(server.organization.id)
        given = {
            "amazon_callback_uri": "{amazon}/sellercentral.amazon.com/apps/authorize/confirm/{app}",
            "amazon_state": "s",
            "selling_partner_id": SELLER,
        }
        url = log_in_url(application)

        def query(given):
            kept = {name: text for name, text in given.items() if text is not None}
            return urlencode({k: v.replace("{amazon}", AMAZON).replace("{app}", APPLICATION) for k, v in kept.items()})

        assert (await server.browser.get(f"{url}?{query(given)}", method)).status == (200 if method == "GET" else 303)
        answer = await server.browser.get(f"{url}?{query(given | change)}", method)
        dead_end(answer, "at Amazon")
        assert "<script" not in answer.text

    sqlite_house.run(scenario)


def test_an_unknown_application_has_no_log_in_uri(house):
    async def scenario(server):
        own = await server.hub.applications.register(
            server.organization.id, name="own", lwa_client_id="c", lwa_client_secret="s"
        )
        given = {
            "amazon_callback_uri": f"{AMAZON}/{SELLER_CENTRAL}/apps/authorize/confirm/None",
            "amazon_state": "s",
            "selling_partner_id": SELLER,
        }
        for id in ("unknown", own.id, APPLICATION, "%00"):
            answer = await server.browser.get(f"{PUBLIC}/oauth/login/{id}?{urlencode(given)}")
            dead_end(answer, "application here has this Log-in URI")

    house.run(scenario)


async def claimed_install(server):
    """Install from the Appstore, and claim the connection for ann; return its id."""
    await Owner(server).install()
    (connection,) = await server.hub.connections.all(server.caller)
    await server.hub.connections.claim(server.caller, connection.id, "ann")
    return connection.id
