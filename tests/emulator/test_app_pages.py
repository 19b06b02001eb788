"""Pages of Central about applications: what was granted, and tokens for one's own accounts."""

import re

import pytest

from sellerport.emulator import Application

from .browser import LARKHOLLOW, SELLER_CENTRAL, Browser
from .conftest import CLIENT, Local

MANAGE = f"{SELLER_CENTRAL}/apps/manage"
CONSOLE = f"{SELLER_CENTRAL}/sellingpartner/developerconsole"
PRIVATE = Application(
    application_id="amzn1.sp.solution.own", client_id="own", client_secret="own-secret", name="Own Reports",
    private=True,
)  # fmt: skip


def refresh(amazon: Local, token: str, **client: str) -> int:
    return amazon.lwa(grant_type="refresh_token", refresh_token=token, **(client or CLIENT)).status


def shown_token(browser: Browser) -> str:
    found = re.search(r"<textarea[^>]* readonly>([^<]+)</textarea>", browser.text)
    assert found is not None
    return found[1]


def test_self_authorization_shows_a_refresh_token_and_the_earlier_ones_stay_good(amazon: Local) -> None:
    amazon.world.add_application(PRIVATE)
    browser = Browser(amazon)
    page = browser.sign_in(CONSOLE)
    assert "<textarea" not in page.body.decode()
    assert "Own Reports" in browser.text
    tokens = []
    for _ in range(2):
        assert browser.press("Authorize app", 1).status == 200
        tokens.append(shown_token(browser))
    assert "Refresh token for Larkhollow Home Goods" in browser.text
    assert len(set(tokens)) == 2
    for token in tokens:
        assert amazon.world.grants[token].application == PRIVATE
        assert refresh(amazon, token, client_id="own", client_secret="own-secret") == 200
    assert tokens[1] not in browser.open(CONSOLE).body.decode()


def test_a_private_application_needs_no_yearly_renewal(amazon: Local) -> None:
    amazon.world.add_application(PRIVATE)
    browser = Browser(amazon)
    browser.sign_in(CONSOLE)
    browser.press("Authorize app", 1)
    token = shown_token(browser)
    amazon.world.advance(3 * 365 * 86_400)
    assert refresh(amazon, token, client_id="own", client_secret="own-secret") == 200
    row = browser.open(MANAGE).body.decode().partition("Own Reports")[2]
    assert "never ends" in row
    assert ">Renew<" not in row


def test_a_vendor_authorizes_an_application_on_vendor_central(amazon: Local) -> None:
    browser = Browser(amazon)
    browser.sign_in(CONSOLE.replace("seller", "vendor", 1), "owner@tidewick-kitchenware.invalid")
    browser.press("Authorize app")
    assert amazon.world.grants[shown_token(browser)].account.selling_partner_id == "ALOCALVENDORNA"


@pytest.mark.parametrize(
    "changed",
    [{"selling_partner_id": "AOTHER"}, {"selling_partner_id": "ALOCALSELLEREU"}, {"application_id": "none"}],
)
def test_nobody_gets_a_token_for_what_is_not_theirs(amazon: Local, changed: dict[str, str]) -> None:
    amazon.world.add_account(("US",), selling_partner_id="AOTHER", name="Other", orders=0)
    browser = Browser(amazon)
    browser.sign_in(CONSOLE)
    before = list(amazon.world.grants)
    assert browser.press("Authorize app", 0, **changed).status == 400
    assert list(amazon.world.grants) == before


def test_the_console_lists_the_regions_applications_and_when_their_secrets_end(amazon: Local) -> None:
    amazon.world.add_application(
        Application(application_id="eu", client_id="eu", client_secret="s", name="Europe Only", regions=("eu",))
    )
    browser = Browser(amazon)
    page = browser.sign_in(CONSOLE).body.decode()
    assert "Europe Only" not in page
    assert "ends on 20 March 2027" in page
    amazon.world.advance(180 * 86_400)
    assert "ended on 20 March 2027" in browser.open(CONSOLE).body.decode()


def test_the_owner_sees_what_was_granted_until_when_and_is_reminded_a_month_before(amazon: Local) -> None:
    browser = Browser(amazon)
    page = browser.sign_in(MANAGE).body.decode()
    assert page.count("<tr>") == 2
    for told in ("Local Shop Tools", "Larkhollow Home Goods", "21 September 2026", "21 September 2027"):
        assert told in page
    assert "soon" not in page
    amazon.world.advance(335 * 86_400 - 1)
    assert "soon" not in browser.open(MANAGE).body.decode()
    amazon.world.advance(1)
    assert "ends soon" in browser.open(MANAGE).body.decode()
    amazon.world.advance(30 * 86_400)
    assert "has ended" in browser.open(MANAGE).body.decode()


def test_the_latest_grant_of_an_application_stands_for_all_of_them(amazon: Local) -> None:
    amazon.world.advance(86_400)
    amazon.world.grant("ALOCALSELLERNA")
    browser = Browser(amazon)
    page = browser.sign_in(MANAGE).body.decode()
    assert page.count("<tr>") == 2
    assert "22 September 2026" in page
    assert "21 September 2026" not in page


def test_removing_an_application_ends_all_its_grants_for_that_account(amazon: Local) -> None:
    amazon.world.add_application(PRIVATE)
    amazon.world.add_account(("US",), selling_partner_id="ASECOND", name="Second", owner=LARKHOLLOW, orders=0)
    gone = [amazon.world.grants["Atzr|local-seller-na"], amazon.world.grant("ALOCALSELLERNA")]
    stays = [
        amazon.world.grant("ASECOND"),
        amazon.world.grant("ALOCALSELLERNA", "own"),
        amazon.world.grants["Atzr|local-seller-eu"],
    ]
    token = amazon.token()
    browser = Browser(amazon)
    browser.sign_in(MANAGE)
    browser.press("Remove")
    assert browser.at == MANAGE
    assert [grant.revoked for grant in (*gone, *stays)] == [True, True, False, False, False]
    assert [refresh(amazon, grant.refresh_token) for grant in gone] == [400, 400]
    assert amazon.call("GET", "/sellers/v1/account", token).error[2] == (
        "The access token you provided is revoked, malformed or invalid."
    )
    assert "Second" in browser.text
    assert "Larkhollow Home Goods" in browser.text  # by the other application


def test_nobody_removes_what_is_not_theirs(amazon: Local) -> None:
    amazon.world.add_account(("US",), selling_partner_id="AOTHER", name="Other", orders=0)
    grant = amazon.world.grant("AOTHER")
    browser = Browser(amazon)
    browser.sign_in(MANAGE)
    browser.press("Remove", selling_partner_id="AOTHER")
    assert not grant.revoked


def test_a_page_without_grants_says_so(amazon: Local) -> None:
    amazon.world.revoke()
    browser = Browser(amazon)
    assert "No application has access" in browser.sign_in(MANAGE).body.decode()


def test_the_appstore_lists_what_is_published(amazon: Local) -> None:
    amazon.world.add_application(PRIVATE)
    for application_id, status in (("local", 200), ("own", 404), ("none", 404)):
        assert amazon.send("GET", f"{SELLER_CENTRAL}/apps/store/dp/amzn1.sp.solution.{application_id}").status == status
