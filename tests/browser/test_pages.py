"""The pages of the local Amazon as a person meets them: on two widths, by keyboard, and without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from sellerport.emulator import Application, World, running
from tests.emulator.conftest import Local

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WIDTHS = (400, 1400)
PERIOD_MS = 2000
BACK = "/_emulator/"
"""Where an application is told: any page that answers will do."""


@pytest.fixture
def amazon() -> Iterator[Local]:
    world = World(seed=1, orders=3)
    with running(world) as base:
        yield Local(world, base)


@contextmanager
def opened(browser: Browser, amazon: Local, width: int = 1400, *, scripts: bool = True) -> Iterator[Page]:
    """Open a page that may complain of nothing, and load from nowhere else."""
    context = browser.new_context(viewport={"width": width, "height": 900}, java_script_enabled=scripts)
    complaints: list[str] = []
    page = context.new_page()
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: complaints.append(asked.url) if not asked.url.startswith(amazon.base) else None)
    yield page
    context.close()
    assert complaints == []


def wide(page: Page) -> bool:
    """Whether the page has to be moved sideways to be read."""
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def tab_to(page: Page, text: str) -> None:
    """Go to a button by keyboard; on the way, what is focused can be seen."""
    for _ in range(20):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        assert "solid" in str(focused.evaluate("element => getComputedStyle(element).outline"))
        if focused.inner_text() == text:
            return
    raise AssertionError(f"no way to {text!r} by keyboard")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    ("seller_central", "seller"),
    [("sellercentral.amazon.com", "ALOCALSELLERNA"), ("sellercentral-europe.amazon.com", "ALOCALSELLEREU")],
)
def test_an_owner_signs_in_and_consents_by_keyboard(
    browser: Browser, amazon: Local, width: int, seller_central: str, seller: str
) -> None:
    back = f"{amazon.base}{BACK}"
    amazon.world.add_application(
        Application(
            application_id="amzn1.sp.solution.shed",
            client_id="shed",
            client_secret="s",
            name="Tool Shed",
            redirect_uris=(back,),
        )
    )
    link = f"{amazon.base}/{seller_central}/apps/authorize/consent?application_id=amzn1.sp.solution.shed&state=s1"
    with opened(browser, amazon, width) as page:
        page.goto(link)
        assert page.title().startswith("Sign in")
        assert not wide(page)
        tab_to(page, "Sign in")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=Tool Shed asks for access to your account")
        assert not wide(page)
        tab_to(page, "Confirm")
        with page.expect_request(f"{back}?*") as sent:
            page.keyboard.press("Enter")
    said = {name: values[0] for name, values in parse_qs(urlsplit(sent.value.url).query).items()}
    assert said["state"] == "s1"
    code = said["spapi_oauth_code"]
    grant = amazon.lwa(
        grant_type="authorization_code", code=code, redirect_uri=back, client_id="shed", client_secret="s"
    )
    assert grant.json["refresh_token"].startswith("Atzr|")
    assert said["selling_partner_id"] == seller


@pytest.mark.parametrize("scripts", [True, False])
def test_an_owner_who_cancels_comes_back_with_an_error(browser: Browser, amazon: Local, scripts: bool) -> None:
    back = f"{amazon.base}{BACK}"
    query = f"application_id=amzn1.sp.solution.local&state=s1&redirect_uri={quote(back)}"
    with opened(browser, amazon, scripts=scripts) as page:
        page.goto(f"{amazon.base}/sellercentral.amazon.com/apps/authorize/consent?{query}")
        page.click("text=Sign in >> nth=-1")
        with page.expect_request(f"{back}?*") as sent:
            page.click("text=Cancel")
    assert parse_qs(urlsplit(sent.value.url).query)["error"] == ["access_denied"]


@pytest.mark.parametrize("width", WIDTHS)
def test_the_live_page_shows_what_happens_until_it_is_paused(browser: Browser, amazon: Local, width: int) -> None:
    with opened(browser, amazon, width) as page:
        page.clock.install()
        page.goto(f"{amazon.base}/_emulator/")
        assert not wide(page)
        assert page.locator("text=Kramik").count() == 0
        amazon.world.add_account(("PL",), name="Kramik", orders=2)
        amazon.call("GET", "/orders/v0/orders", "wrong", MarketplaceIds="A1PA6795UKMFR9", CreatedAfter="2026-01-01")
        page.clock.run_for(PERIOD_MS)
        page.wait_for_selector("text=Kramik")
        assert page.locator("#traffic + div tbody tr").count() == 1
        assert page.locator(".bad").inner_text().strip() == "403"
        assert not wide(page)
        tab_to(page, "Pause updates")
        before = page.locator("#pause").evaluate("element => getComputedStyle(element).backgroundColor")
        page.keyboard.press("Enter")
        assert page.locator("#pause").get_attribute("aria-pressed") == "true"
        assert page.locator("#pause").evaluate("element => getComputedStyle(element).backgroundColor") != before
        amazon.world.add_account(("SE",), name="Grannen", orders=2)
        asked: list[str] = []
        page.on("request", lambda one: asked.append(one.url))
        page.clock.run_for(3 * PERIOD_MS)
        assert (asked, page.locator("text=Grannen").count()) == ([], 0)
        page.keyboard.press("Enter")
        page.clock.run_for(PERIOD_MS)
        page.wait_for_selector("text=Grannen")


def test_the_live_page_reads_as_a_table_on_a_narrow_screen_too(browser: Browser, amazon: Local) -> None:
    with opened(browser, amazon, WIDTHS[0]) as page:
        page.goto(f"{amazon.base}/_emulator/")
        table = page.get_by_role("region", name="Accounts").get_by_role("table")
        assert table.get_by_role("columnheader").count() == 7
        assert table.get_by_role("rowheader").count() == len(amazon.world.accounts)
        token = table.get_by_text("Atzr|local-seller-na").bounding_box()
        assert token is not None
        assert token["x"] + token["width"] < WIDTHS[0]


def test_the_live_page_says_when_the_local_amazon_is_gone(browser: Browser) -> None:
    world = World(seed=1, orders=0)
    context = browser.new_context()
    page = context.new_page()
    with running(world) as base:
        page.clock.install()
        page.goto(f"{base}/_emulator/")
        assert page.get_by_role("status").inner_text() == ""
    page.clock.run_for(PERIOD_MS)
    page.wait_for_selector("text=No answer: this is old.")
    context.close()


def test_without_scripts_the_live_page_loads_itself_again_and_offers_no_pause(browser: Browser, amazon: Local) -> None:
    with opened(browser, amazon, scripts=False) as page:
        page.goto(f"{amazon.base}/_emulator/")
        assert page.locator("meta[http-equiv=refresh]").get_attribute("content") == "10"
        assert not page.locator("#pause").is_visible()
        assert page.locator("text=ALOCALSELLEREU").is_visible()
