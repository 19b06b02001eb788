"""What is asked of Amazon before a connection is active: whether the grant is good in the region and marketplace."""

from __future__ import annotations

import pytest
from tests.server.conftest import AMAZON, SELLER, SHOP

from sellerport.emulator import Fault
from sellerport.errors import ConsentError
from sellerport.regions import MARKETPLACES, marketplace
from sellerport.server.hub.opened import Origin
from sellerport.server.hub.proof import Proof

SELLERS_API = "/sellers/v1/marketplaceParticipations"

CENTRALS = {
    "CA": ("sellercentral.amazon.ca", "vendorcentral.amazon.ca"),
    "US": ("sellercentral.amazon.com", "vendorcentral.amazon.com"),
    "MX": ("sellercentral.amazon.com.mx", "vendorcentral.amazon.com.mx"),
    "BR": ("sellercentral.amazon.com.br", "vendorcentral.amazon.com.br"),
    "IE": ("sellercentral.amazon.ie", "vendorcentral.amazon.ie"),
    "ES": ("sellercentral-europe.amazon.com", "vendorcentral.amazon.es"),
    "GB": ("sellercentral-europe.amazon.com", "vendorcentral.amazon.co.uk"),
    "FR": ("sellercentral-europe.amazon.com", "vendorcentral.amazon.fr"),
    "BE": ("sellercentral.amazon.com.be", "vendorcentral.amazon.com.be"),
    "NL": ("sellercentral.amazon.nl", "vendorcentral.amazon.nl"),
    "DE": ("sellercentral-europe.amazon.com", "vendorcentral.amazon.de"),
    "IT": ("sellercentral-europe.amazon.com", "vendorcentral.amazon.it"),
    "SE": ("sellercentral.amazon.se", "vendorcentral.amazon.se"),
    "ZA": ("sellercentral.amazon.co.za", "vendorcentral.amazon.co.za"),
    "PL": ("sellercentral.amazon.pl", "vendorcentral.amazon.pl"),
    "EG": ("sellercentral.amazon.eg", "vendorcentral.amazon.me"),
    "TR": ("sellercentral.amazon.com.tr", "vendorcentral.amazon.com.tr"),
    "SA": ("sellercentral.amazon.sa", "vendorcentral.amazon.me"),
    "AE": ("sellercentral.amazon.ae", "vendorcentral.amazon.me"),
    "IN": ("sellercentral.amazon.in", "www.vendorcentral.in"),
    "SG": ("sellercentral.amazon.sg", "vendorcentral.amazon.com.sg"),
    "AU": ("sellercentral.amazon.com.au", "vendorcentral.amazon.com.au"),
    "JP": ("sellercentral.amazon.co.jp", "vendorcentral.amazon.co.jp"),
}
"""Amazon's page "Seller Central URLs" and its sample application, written down once more."""


async def ended(server, seller=SELLER, **how):
    link = await server.hub.consents.initiate(server.caller, customer="ann", return_url=SHOP, **how)
    return await server.browser.consent(link, seller=seller)


async def the_connection(server):
    (connection,) = await server.hub.connections.all(server.caller)
    return connection


@pytest.mark.parametrize("kind", ["seller", "vendor"])
@pytest.mark.parametrize("shop", MARKETPLACES, ids=lambda shop: shop.country)
def test_each_marketplace_is_consented_to_at_its_own_central(sqlite_house, shop, kind):
    async def scenario(server):
        seller = f"ANEW{kind.upper()}{shop.country}"
        server.world.add_account((shop.id,), selling_partner_id=seller, name=seller, kind=kind, orders=0)
        vendor = kind == "vendor"
        link = await server.hub.consents.initiate(
            server.caller, customer="ann", marketplace=shop, vendor=vendor, return_url=SHOP
        )
        browser = server.browser
        to_amazon = await browser.open(link)
        central = CENTRALS[shop.country][vendor]
        assert to_amazon.location.startswith(f"{AMAZON}/{central}/apps/authorize/consent?application_id=")
        assert "connector_id" in (await browser.get(await browser.decide(to_amazon.location, seller=seller))).query
        made = await the_connection(server)
        assert (made.status, made.marketplace, made.region) == ("active", shop.id, shop.region)
        assert (made.selling_partner_id, made.last_error) == (seller, None)

    sqlite_house.run(scenario)


def test_every_marketplace_is_tested():
    assert set(CENTRALS) == {shop.country for shop in MARKETPLACES}


def test_the_account_is_asked_about_once(house):
    async def scenario(server):
        await server.connect()
        asked = [one for one in server.world.requests if one["path"] == SELLERS_API]
        assert len(asked) == 1

    house.run(scenario)


def test_a_marketplace_that_nobody_named_is_the_accounts_own(house):
    async def scenario(server):
        server.world.add_account(("CA", "MX"), selling_partner_id="ACANADIAN", name="Maple", orders=0)
        await ended(server, "ACANADIAN")
        assert (await the_connection(server)).marketplace == marketplace("CA").id

    house.run(scenario)


def test_a_marketplace_that_was_named_has_to_be_the_accounts(house):
    async def scenario(server):
        server.world.add_account(("CA",), selling_partner_id="ACANADIAN", name="Maple", orders=0)
        answer = await ended(server, "ACANADIAN", marketplace=marketplace("US"))
        assert answer.query["error"] == ["account_mismatch"]
        (told,) = answer.query["error_description"]
        assert told.startswith("this Amazon account does not sell on amazon.com;")
        assert told.endswith("start again for amazon.ca")
        assert await server.hub.connections.all(server.caller) == []
        assert await server.hub.recover() == 0

    house.run(scenario)


def test_an_account_of_another_region_is_told(house):
    """The code is good, and its grant is not where the connection would call."""

    async def scenario(server):
        browser, back = await begun(server, marketplace=marketplace("DE"), seller="ALOCALSELLEREU")
        for code in server.world.codes.values():
            code.account = server.world.account(SELLER)
        answer = await browser.get(back)
        assert answer.query["error"] == ["account_mismatch"]
        assert "is in region 'na', and amazon.de is in 'eu'" in answer.query["error_description"][0]
        assert await server.hub.connections.all(server.caller) == []

    house.run(scenario)


def test_an_application_without_the_role_connects_all_the_same(house):
    """403 proves nothing against an account: vendors, and applications without the role, get it."""

    async def scenario(server):
        server.world.fail(Fault(path=SELLERS_API, status=403, details="", times=3))
        assert "connector_id" in (await ended(server)).query
        made = await the_connection(server)
        assert (made.status, made.last_error) == ("active", None)
        assert len(await server.orders(made.id)) > 0

    house.run(scenario)


@pytest.mark.parametrize(
    ("fault", "noted"),
    [
        (Fault(path=SELLERS_API, status=503, times=None), "amazon_unavailable"),
        (Fault(path=SELLERS_API, status=429, times=None), "throttled"),
        (Fault(path=SELLERS_API, status=200, answer="html", times=None), "amazon_unavailable"),
        (Fault(path=SELLERS_API, status=200, body={"payload": [{"marketplace": 7}]}), "amazon_unavailable"),
        (Fault(path=SELLERS_API, answer="reset", times=None), "no_answer"),
        (Fault(path=SELLERS_API, answer="silence", times=None), "no_answer"),
    ],
    ids=lambda it: it if isinstance(it, str) else f"{it.answer}-{it.status}",
)
def test_amazon_in_trouble_after_the_exchange_loses_no_grant(house, fault, noted):
    async def scenario(server):
        server.world.fail(fault)
        assert "connector_id" in (await ended(server)).query
        made = await the_connection(server)
        assert (made.status, made.last_error, made.last_error_at) == ("active", noted, server.clock.now)
        assert len(await server.orders(made.id)) > 0
        assert (await the_connection(server)).last_error is None

    house.run(scenario)


def test_marketplaces_that_no_table_lists_are_passed_over(house):
    """Amazon lists some of its own, such as "SI UK Prod Marketplace"."""

    async def scenario(server):
        here = {
            "marketplace": {"id": "ATVPDKIKX0DER"},
            "participation": {"isParticipating": True},
            "storeName": "Larkhollow",
        }
        odd = here | {"marketplace": {"id": "AZMDEXL2RVFNN", "name": "SI UK Prod Marketplace"}}
        server.world.fail(Fault(path=SELLERS_API, status=200, body={"payload": [odd, here]}))
        await ended(server)
        assert (await the_connection(server)).marketplace == "ATVPDKIKX0DER"

    house.run(scenario)


def test_nothing_but_strangers_proves_nothing(house):
    async def scenario(server):
        server.world.fail(Fault(path=SELLERS_API, status=200, body={"payload": []}))
        assert "connector_id" in (await ended(server)).query

    house.run(scenario)


def test_a_renewal_is_compared_before_the_code_is_used(house):
    async def scenario(server):
        server.world.add_account(("US",), selling_partner_id="AOTHER", name="Other", orders=0)
        id = await server.connect()
        link = await server.hub.consents.initiate(server.caller, connection_id=id, return_url=SHOP)
        assert (await server.browser.consent(link, seller="AOTHER")).query["error"] == ["account_mismatch"]
        assert [code.used for code in server.world.codes.values()] == [True, False]

    house.run(scenario)


def test_a_consent_makes_one_connection(house):
    async def scenario(server):
        id = await server.connect()
        (consent,) = house.sql("SELECT id FROM consents")
        with pytest.raises(ConsentError, match="came to a connection already"):
            await server.hub.connections.renew(
                server.caller,
                id,
                application_id=(await server.hub.connections.get(server.caller, id)).application_id,
                refresh_token="Atzr|x",
                selling_partner_id=SELLER,
                origin=Origin(consent.id, Proof()),
            )
        assert (await server.hub.connections.open(server.caller, id)).refresh_token != "Atzr|x"

    house.run(scenario)


async def begun(server, *, seller=SELLER, **how):
    link = await server.hub.consents.initiate(server.caller, customer="ann", return_url=SHOP, **how)
    browser = server.browser
    return browser, await browser.decide((await browser.open(link)).location, seller=seller)
