"""The workflows that lead over the application's Login URI: Appstore, renewal, and some of the website's."""

from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
import pytest

from sellerport.emulator import Application

from .browser import CONSENT, LARKHOLLOW, SELLER_CENTRAL, Browser
from .conftest import CLIENT, Local, Reply

LOGIN = "https://tools.example.test/login?from=amazon"
BACK = "https://tools.example.test/back"
APPLICATION = Application(
    application_id="amzn1.sp.solution.tools",
    client_id="tools",
    client_secret="tools-secret",
    name="Tool Shed",
    redirect_uris=("https://tools.example.test/first", BACK),
    login_uri=LOGIN,
)
TOOLS = {"client_id": "tools", "client_secret": "tools-secret"}
LINK = f"{CONSENT}?application_id=amzn1.sp.solution.tools"
DEFAULT = "amzn1.sp.solution.local"


@pytest.fixture
def browser(amazon: Local) -> Browser:
    amazon.world.add_application(APPLICATION)
    return Browser(amazon)


def callback(browser: Browser, said: dict[str, str], **more: str) -> str:
    """What the application sends the browser to, when its user is signed in."""
    given = {"redirect_uri": BACK, "amazon_state": said["amazon_state"], "state": "tool 1&2", **more}
    uri = said["amazon_callback_uri"].removeprefix(browser.amazon.base)
    return f"{uri}?{urlencode({name: value for name, value in given.items() if value})}"


def log_in(browser: Browser, link: str = LINK) -> dict[str, str]:
    """Consent, and return what the application's Login URI is told."""
    browser.sign_in(link)
    browser.press("Log in to Tool Shed")
    return browser.sent_to[1]


def log_in_again(browser: Browser) -> dict[str, str]:
    browser.open(LINK)
    browser.press("Log in to Tool Shed")
    return browser.sent_to[1]


def stopped(answer: Reply, code: str) -> bool:
    return answer.status == 400 and f'<span class="code">{code}</span>' in answer.body.decode()


def test_an_owner_who_finds_the_application_in_the_appstore_comes_to_it_with_a_code(browser: Browser) -> None:
    amazon = browser.amazon
    page = browser.open(f"{SELLER_CENTRAL}/apps/store/dp/amzn1.sp.solution.tools").body.decode()
    assert "Tool Shed" in page
    assert f'href="{amazon.base}{LINK}">Authorize now</a>' in page
    browser.sign_in(LINK)
    browser.press("Log in to Tool Shed")
    assert browser.page is not None
    assert browser.page.headers["location"].startswith(f"{LOGIN}&amazon_callback_uri=")
    said = dict(parse_qsl(urlsplit(browser.page.headers["location"]).query))
    assert list(said) == ["from", "amazon_callback_uri", "amazon_state", "selling_partner_id"]
    assert said["selling_partner_id"] == "ALOCALSELLERNA"
    assert said["amazon_callback_uri"] == (
        f"{amazon.base}/sellercentral.amazon.com/apps/authorize/confirm/amzn1.sp.solution.tools"
    )
    assert not amazon.world.codes
    browser.open(callback(browser, said))
    target, query = browser.sent_to
    assert (target, list(query)) == (BACK, ["state", "selling_partner_id", "spapi_oauth_code"])
    assert (query["state"], query["selling_partner_id"]) == ("tool 1&2", "ALOCALSELLERNA")
    code = {"grant_type": "authorization_code", "code": query["spapi_oauth_code"], "redirect_uri": BACK}
    assert amazon.lwa(**code, **TOOLS).status == 200


def test_an_amazon_state_is_good_once_and_for_an_hour(browser: Browser) -> None:
    said, late = log_in(browser), log_in_again(browser)
    assert browser.open(callback(browser, said)).status == 302
    assert stopped(browser.open(callback(browser, said)), "MD9999")
    browser.amazon.world.advance(3600)
    assert stopped(browser.open(callback(browser, late)), "MD9999")
    assert len(browser.amazon.world.codes) == 1


def test_an_amazon_state_is_of_one_application_and_cannot_be_made_up(browser: Browser) -> None:
    said = log_in(browser)
    assert stopped(browser.open(callback(browser, said, amazon_state="")), "MD9999")
    assert stopped(browser.open(callback(browser, said, amazon_state="0" * 48)), "MD9999")
    foreign = callback(browser, said, redirect_uri="").replace("solution.tools", "solution.local")
    assert stopped(browser.open(foreign), "MD9999")
    assert not browser.amazon.world.codes
    assert browser.open(callback(browser, said)).status == 302


def test_what_leads_to_a_code_is_masked_where_requests_are_shown(browser: Browser) -> None:
    said = log_in(browser)
    token = browser.amazon.world.sessions.find(browser.cookies["local-amazon-session"])
    assert token is not None
    browser.open(callback(browser, said))
    shown = browser.amazon.control("GET", "requests").body.decode()
    for secret in (said["amazon_state"], token.form_token, token.id):
        assert secret not in shown


def test_who_is_signed_out_meanwhile_signs_in_again_and_goes_on(browser: Browser) -> None:
    said = log_in(browser)
    browser.cookies.clear()
    browser.open(callback(browser, said))
    assert "Sign in to Seller Central" in browser.text
    assert not browser.amazon.world.codes
    browser.press("Sign in")
    assert browser.sent_to[0] == BACK


def test_another_owner_does_not_go_on_with_it(browser: Browser) -> None:
    browser.amazon.world.add_account(("US",), selling_partner_id="AOTHER", name="Other", orders=0)
    said = log_in(browser)
    thief = Browser(browser.amazon)
    thief.sign_in(callback(browser, said), "owner@other.invalid")
    assert stopped(thief.page or browser.open("/"), "MD9999")
    assert not browser.amazon.world.codes


@pytest.mark.parametrize(
    ("code", "more"),
    [("MD5101", {"redirect_uri": "https://evil.example/back"}), ("MD5110", {"redirect_uri": f"{BACK}#x"})],
)
def test_the_redirect_uri_is_checked_wherever_the_application_names_it(
    browser: Browser, code: str, more: dict[str, str]
) -> None:
    assert stopped(browser.open(f"{LINK}&{urlencode(more)}"), code)
    said = log_in(browser)
    assert stopped(browser.open(callback(browser, said, **more)), code)
    assert browser.open(callback(browser, said)).status == 302


def test_the_first_redirect_uri_and_no_state_stand_for_those_that_are_left_out(browser: Browser) -> None:
    browser.open(callback(browser, log_in(browser), redirect_uri="", state=""))
    target, query = browser.sent_to
    assert (target, list(query)) == ("https://tools.example.test/first", ["selling_partner_id", "spapi_oauth_code"])


def test_a_draft_is_told_so_and_has_to_say_so(amazon: Local) -> None:
    draft = Application(
        application_id="amzn1.sp.solution.draft", client_id="d", client_secret="s", name="Tool Shed", draft=True,
        redirect_uris=(BACK,), login_uri=LOGIN,
    )  # fmt: skip
    amazon.world.add_application(draft)
    browser = Browser(amazon)
    assert stopped(browser.open(f"{CONSENT}?application_id={draft.application_id}"), "MD1000")
    assert browser.open(f"{SELLER_CENTRAL}/apps/store/dp/{draft.application_id}").status == 404
    said = log_in(browser, f"{CONSENT}?application_id={draft.application_id}&version=beta")
    assert list(said) == ["from", "amazon_callback_uri", "amazon_state", "version", "selling_partner_id"]
    assert said["version"] == "beta"
    assert stopped(browser.open(callback(browser, said)), "MD1000")
    browser.open(callback(browser, said, version="beta"))
    assert browser.sent_to[0] == BACK


def test_who_began_on_amazons_side_and_cancels_stays_there(browser: Browser) -> None:
    browser.sign_in(LINK)
    browser.press("Cancel")
    assert browser.at == f"{SELLER_CENTRAL}/apps/manage"
    assert not browser.amazon.world.codes


@pytest.mark.parametrize(
    ("login_first", "button", "place"),
    [(False, "Confirm", BACK), (True, "Log in to Tool Shed", "https://tools.example.test/login")],
)
def test_a_link_with_a_state_leads_straight_back_unless_the_application_sees_the_login_first(
    amazon: Local, login_first: bool, button: str, place: str
) -> None:
    amazon.world.add_application(msgspec.structs.replace(APPLICATION, login_first=login_first))
    browser = Browser(amazon)
    browser.sign_in(f"{LINK}&state=s&redirect_uri={BACK}")
    browser.press(button)
    assert browser.sent_to[0] == place
    browser.open(f"{LINK}&state=s&redirect_uri={BACK}")
    browser.press("Cancel")
    assert (browser.sent_to[0], browser.sent_to[1]["state"]) == (BACK, "s")
    assert browser.sent_to[1]["error"] == "access_denied"


def test_an_application_that_registered_patterns_only_names_its_redirect_uri_at_the_end(amazon: Local) -> None:
    application = Application(
        application_id="amzn1.sp.solution.p", client_id="p", client_secret="s", name="Tool Shed", login_uri=LOGIN,
        redirect_uris=("http://127.0.0.1:*",),
    )  # fmt: skip
    amazon.world.add_application(application)
    browser = Browser(amazon)
    said = log_in(browser, f"{CONSENT}?application_id=amzn1.sp.solution.p")
    assert stopped(browser.open(callback(browser, said, redirect_uri="")), "MD5100")
    browser.open(callback(browser, said, redirect_uri="http://127.0.0.1:5/x"))
    assert browser.sent_to[0] == "http://127.0.0.1:5/x"
    unregistered = Application(application_id="amzn1.sp.solution.u", client_id="u", client_secret="s", login_uri=LOGIN)
    amazon.world.add_application(unregistered)
    assert stopped(browser.open(f"{CONSENT}?application_id=amzn1.sp.solution.u"), "MD5100")


def test_a_program_that_keeps_its_cookies_walks_the_whole_way(browser: Browser) -> None:
    amazon = browser.amazon
    form = {"content-type": "application/x-www-form-urlencoded"}
    approved = amazon.send("POST", LINK, "decision=approve", form)
    said = dict(parse_qsl(urlsplit(approved.headers["location"]).query))
    session = approved.headers["set-cookie"].partition(";")[0]
    done = amazon.send("GET", callback(browser, said), headers={"cookie": session})
    assert done.headers["location"].startswith(f"{BACK}?state=tool+1%262&selling_partner_id=ALOCALSELLERNA&")


def test_renewing_is_consenting_again_and_brings_another_refresh_token(browser: Browser) -> None:
    amazon = browser.amazon
    old = amazon.world.grant("ALOCALSELLERNA", "tools").refresh_token
    page = browser.sign_in(f"{SELLER_CENTRAL}/apps/manage", LARKHOLLOW).body.decode()
    assert f'href="{amazon.base}{LINK}" aria-label="Renew Tool Shed for Larkhollow Home Goods">Renew</a>' in page
    browser.open(callback(browser, log_in_again(browser)))
    code = browser.sent_to[1]["spapi_oauth_code"]
    new = amazon.lwa(grant_type="authorization_code", code=code, **TOOLS).json["refresh_token"]
    assert new != old
    for token in (new, old):
        assert amazon.lwa(grant_type="refresh_token", refresh_token=token, **TOOLS).status == 200


def test_the_address_of_the_callback_is_where_the_browser_reached_central(browser: Browser) -> None:
    form = {"content-type": "application/x-www-form-urlencoded", "host": "sellercentral.amazon.com"}
    approved = browser.amazon.send("POST", LINK.removeprefix(SELLER_CENTRAL), "decision=approve", form)
    said = dict(parse_qsl(urlsplit(approved.headers["location"]).query))
    assert said["amazon_callback_uri"] == (
        "http://sellercentral.amazon.com/apps/authorize/confirm/amzn1.sp.solution.tools"
    )


def test_vendors_and_the_default_application_can_begin_on_amazons_side_too(amazon: Local) -> None:
    browser = Browser(amazon)
    browser.open(f"/vendorcentral.amazon.com/apps/authorize/consent?application_id={DEFAULT}")
    browser.press("Sign in")
    browser.press("Log in to Local Shop Tools")
    target, said = browser.sent_to
    assert (target, said["selling_partner_id"]) == ("http://localhost:8080/login", "ALOCALVENDORNA")
    browser.open(callback(browser, said, redirect_uri="http://127.0.0.1:9/back"))
    code = browser.sent_to[1]["spapi_oauth_code"]
    answer = amazon.lwa(grant_type="authorization_code", code=code, **CLIENT)
    assert amazon.world.grants[answer.json["refresh_token"]].account.kind == "vendor"
    store = f"/vendorcentral.amazon.com/apps/store/dp/{DEFAULT}"
    assert browser.open(store).status == 404
