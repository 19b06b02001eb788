"""Who is signed in to Seller Central and Vendor Central, and whose forms are taken."""

import re
from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest

from sellerport.emulator import Application
from sellerport.regions import SELLER_CENTRALS, VENDOR_CENTRALS

from .browser import CONSENT, LARKHOLLOW, SELLER_CENTRAL, Browser
from .conftest import Local

LINK = f"{CONSENT}?{urlencode({'application_id': 'amzn1.sp.solution.local', 'state': 's'})}"
MANAGE = f"{SELLER_CENTRAL}/apps/manage"
CONSOLE = f"{SELLER_CENTRAL}/sellingpartner/developerconsole"
PAGES = [LINK, MANAGE, CONSOLE]
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize("page", PAGES)
def test_an_owner_signs_in_before_anything_is_shown(amazon: Local, page: str) -> None:
    browser = Browser(amazon)
    browser.open(page)
    assert "Sign in to Seller Central" in browser.text
    assert "Local Shop Tools" not in browser.text
    browser.press("Sign in")
    assert browser.at == page
    assert LARKHOLLOW in browser.text
    assert "Local Shop Tools" in browser.text


def test_a_browser_stays_signed_in_until_it_signs_out(amazon: Local) -> None:
    browser = Browser(amazon)
    browser.sign_in(LINK)
    answer = browser.open(LINK)
    assert "Confirm" in browser.text
    assert "set-cookie" not in answer.headers
    before = dict(browser.cookies)
    browser.press("Sign out")
    assert "Sign in to Seller Central" in browser.text
    for cookies in (browser.cookies, before):
        assert "Sign in to Seller Central" in Browser(amazon, cookies=cookies).open(LINK).body.decode()


def test_signing_in_makes_the_session_that_was_known_before_worthless(amazon: Local) -> None:
    browser = Browser(amazon)
    browser.open(LINK)
    planted = dict(browser.cookies)
    browser.press("Sign in")
    assert browser.cookies != planted
    assert "Sign in to Seller Central" in Browser(amazon, cookies=planted).open(LINK).body.decode()


def test_the_owners_are_those_of_the_region_and_the_kind_of_central(amazon: Local) -> None:
    amazon.world.add_account(("US",), selling_partner_id="AHERE", name="Brine & Barrel", orders=0)
    browser = Browser(amazon)
    browser.open(LINK)
    assert "owner@brine-barrel.invalid" in browser.text
    assert LARKHOLLOW in browser.text
    assert "Brine &amp; Barrel" in browser.text
    for elsewhere in ("tannwerk", "hoshikage", "tidewick"):
        assert elsewhere not in browser.text.lower()
    browser.open(LINK.replace("sellercentral.amazon.com", "vendorcentral.amazon.com"))
    assert "owner@tidewick-kitchenware.invalid" in browser.text
    assert "larkhollow" not in browser.text.lower()


def test_who_has_no_account_here_signs_in_as_somebody_else(amazon: Local) -> None:
    browser = Browser(amazon)
    browser.sign_in(LINK)
    browser.open(LINK.replace("sellercentral.amazon.com", "sellercentral.amazon.co.jp"))
    before = dict(browser.cookies)
    browser.press("Sign in")
    assert "Hoshikage Zakka" in browser.text
    assert "Sign in to Seller Central" in Browser(amazon, cookies=before).open(LINK).body.decode()


def test_nobody_signs_in_as_an_owner_who_is_not_there(amazon: Local) -> None:
    browser = Browser(amazon)
    browser.open(LINK)
    for owner in ("owner@nobody.invalid", "owner@tannwerk-sohne.invalid", ""):
        browser.open(LINK)
        assert browser.press("Sign in", owner=owner).status == (403 if owner else 200)
        assert "Sign in to Seller Central" in browser.open(LINK).body.decode()


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("token", ["", "0" * 32, None])
@pytest.mark.parametrize("sign", ["origin", "sec-fetch-site"])
def test_a_form_of_another_site_does_nothing(amazon: Local, page: str, token: str | None, sign: str) -> None:
    browser = Browser(amazon)
    browser.sign_in(page)
    before = amazon.control("GET", "state").json
    form = {"decision": "approve", "application_id": "amzn1.sp.solution.local", "selling_partner_id": "ALOCALSELLERNA"}
    form |= {} if token is None else {"form_token": token}
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    for body in (form, form | {"sign_out": "1"}, form | {"owner": LARKHOLLOW}):
        headers = {**FORM, "cookie": cookies, sign: "https://evil.example"}
        answer = amazon.send("POST", page, urlencode(body), headers)
        assert answer.status == 403
        assert "location" not in answer.headers
    assert not amazon.world.codes
    after = amazon.control("GET", "state").json
    assert after["grants"] == before["grants"]
    assert "Sign out" in browser.open(page).body.decode()


def test_a_browser_without_a_session_cannot_send_a_form(amazon: Local) -> None:
    answer = amazon.send("POST", LINK, "decision=approve", {**FORM, "origin": "null"})
    assert answer.status == 403
    assert not amazon.world.codes


def test_a_form_token_of_another_session_is_refused(amazon: Local) -> None:
    mine, other = Browser(amazon), Browser(amazon)
    mine.sign_in(LINK)
    other.sign_in(LINK)
    assert mine.press("Confirm", form_token=other.form("Confirm")["form_token"]).status == 403
    mine.open(LINK)
    assert mine.press("Confirm").status == 302


def test_the_cookie_is_kept_from_scripts_and_from_other_sites_forms(amazon: Local) -> None:
    cookie = amazon.send("GET", LINK).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie
    assert "secure" not in cookie  # it would not come back over plain HTTP


@pytest.mark.parametrize("page", [*PAGES, f"{SELLER_CENTRAL}/apps/store/dp/amzn1.sp.solution.local", f"{CONSENT}?x=1"])
def test_no_page_is_framed_kept_or_tells_its_address_and_none_loads_or_runs_anything(amazon: Local, page: str) -> None:
    browser = Browser(amazon)
    browser.sign_in(MANAGE)
    answer = browser.open(page)
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-frame-options"] == "DENY"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert not re.search(r"<script|<link|<img|<iframe|\son\w+=|src=|url\(|@import", browser.text)


class Outline(HTMLParser):
    """What a screen reader makes of a page: what every control is called, and what is wrong with it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.headings = self.mains = 0
        self.lang: str | None = None
        self.unnamed: list[str] = []
        self.named: set[str] = set()
        self._open: list[str] = []
        self._waiting: dict[str, str] = {}
        self.feed(page)
        self.unnamed += [tag for id, tag in self._waiting.items() if id not in self.named]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.lang = given.get("lang") if tag == "html" else self.lang
        self.headings += tag == "h1"
        self.mains += tag == "main"
        if tag == "label" and given.get("for"):
            self.named.add(given["for"] or "")
        if tag in ("input", "textarea") and given.get("type") != "hidden":
            if given.get("id"):
                self._waiting[given["id"] or ""] = tag
            elif not ("label" in self._open and "fieldset" in self._open):
                self.unnamed.append(tag)
        if tag not in ("input", "meta", "br"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"</{tag}>"


def test_every_page_has_a_language_one_heading_one_main_part_and_a_name_for_every_control(amazon: Local) -> None:
    browser = Browser(amazon)
    texts = [browser.open(LINK).body, browser.sign_in(LINK).body, browser.open(MANAGE).body, browser.open(CONSOLE).body]
    texts.append(browser.press("Authorize app").body)
    texts.append(browser.open(f"{SELLER_CENTRAL}/apps/store/dp/amzn1.sp.solution.local").body)
    texts.append(browser.open(f"{CONSENT}?application_id=none").body)
    amazon.world.add_account(("US",), name="Second Shop", owner=LARKHOLLOW, orders=0)
    texts.append(browser.open(LINK).body)
    texts.append(browser.press("Confirm", form_token="").body)
    for text in texts:
        outline = Outline(text.decode())
        assert (outline.lang, outline.headings, outline.mains, outline.unnamed) == ("en", 1, 1, [])


def test_every_central_host_has_its_pages_and_no_other_host(amazon: Local) -> None:
    for host in SELLER_CENTRALS | VENDOR_CENTRALS:
        look = "Vendor Central" if host in VENDOR_CENTRALS else "Seller Central"
        for page in PAGES:
            answer = amazon.send("GET", page.replace("sellercentral.amazon.com", host))
            assert answer.status == 200, host
            assert look in answer.body.decode(), host
    for host in ("api.amazon.com", "api.amazon.co.jp"):
        for page in PAGES:
            assert amazon.send("GET", page.replace("sellercentral.amazon.com", host)).status == 404


def test_vendor_central_has_its_own_look_and_speaks_of_purchase_orders(amazon: Local) -> None:
    seller, vendor = Browser(amazon), Browser(amazon)
    seller.sign_in(LINK)
    vendor.open(LINK.replace("sellercentral", "vendorcentral"))
    vendor.press("Sign in")
    assert '<body class="vendor">' in vendor.text
    assert "purchase orders" in vendor.text
    assert "<body>" in seller.text
    assert "listings" in seller.text


def test_a_central_that_is_named_by_the_host_header_has_its_addresses_there(amazon: Local) -> None:
    headers = {**FORM, "host": "sellercentral.amazon.com"}
    answer = amazon.send("POST", "/apps/manage?a=b", urlencode({"owner": LARKHOLLOW}), headers)
    assert answer.headers["location"] == "http://sellercentral.amazon.com/apps/manage?a=b"
    browser = Browser(amazon, headers)
    browser.cookies["local-amazon-session"] = answer.headers["set-cookie"].partition(";")[0].partition("=")[2]
    assert (
        'href="http://sellercentral.amazon.com/sellingpartner/developerconsole"'
        in browser.open("/apps/manage").body.decode()
    )


def test_a_link_presses_no_button(amazon: Local) -> None:
    amazon.world.add_account(("US",), selling_partner_id="AOTHER", name="Other", orders=0)
    browser = Browser(amazon)
    browser.sign_in(LINK)
    browser.open(f"{LINK}&sign_out=1&owner=owner@other.invalid&decision=deny&selling_partner_id=AOTHER")
    browser.press("Confirm")
    assert browser.sent_to[1]["selling_partner_id"] == "ALOCALSELLERNA"
    browser.open(f"{MANAGE}?application_id=amzn1.sp.solution.local&selling_partner_id=ALOCALSELLERNA")
    assert not any(grant.revoked for grant in amazon.world.grants.values())


def test_sessions_are_forgotten_when_there_are_many(amazon: Local) -> None:
    first = Browser(amazon)
    first.sign_in(LINK)
    for _ in range(1000):
        amazon.world.sessions.begin()
    assert "Sign in to Seller Central" in first.open(LINK).body.decode()


def test_reset_signs_everybody_out(amazon: Local) -> None:
    browser = Browser(amazon)
    browser.sign_in(LINK)
    amazon.control("POST", "reset")
    assert "Sign in to Seller Central" in browser.open(LINK).body.decode()


def test_an_owner_has_an_address_of_the_accounts_name_or_the_one_that_is_given(amazon: Local) -> None:
    def owner(**body: object) -> object:
        return amazon.control("POST", "accounts", {"marketplaces": ["US"], "orders": 0, **body}).json["owner"]

    assert owner(name="Café Čapek") == "owner@cafe-capek.invalid"
    assert owner(name="ほし", selling_partner_id="ASTAR") == "owner@astar.invalid"
    assert owner(name="Café Čapek", owner="ann@shop.invalid") == "ann@shop.invalid"


def test_the_names_on_a_page_are_never_markup(amazon: Local) -> None:
    amazon.world.add_application(
        Application(application_id="<i>a</i>", client_id="<i>c</i>", client_secret="s", name="<i>n</i>")
    )
    amazon.world.add_account(("US",), selling_partner_id="<i>p</i>", name="<i>s</i>", owner="<i>o</i>", orders=0)
    amazon.world.grant("<i>p</i>", "<i>c</i>")
    browser = Browser(amazon)
    browser.open(LINK)
    assert "<i>" not in browser.text
    browser.press("Sign in", owner="<i>o</i>")
    for page in PAGES:
        browser.open(page)
        assert "&lt;i&gt;" in browser.text
        assert "<i>" not in browser.text
