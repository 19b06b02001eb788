from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from sellerport.emulator import Application

from .browser import LARKHOLLOW, Browser
from .conftest import CLIENT, Local, Reply

APPLICATION = "amzn1.sp.solution.local"
BACK = "http://127.0.0.1:5000/back"


def address(host: str = "sellercentral.amazon.com", **query: str) -> str:
    given = {"application_id": APPLICATION, "state": "s 1&2", "redirect_uri": BACK, **query}
    return f"/{host}/apps/authorize/consent?{urlencode({k: v for k, v in given.items() if v})}"


def decide(amazon: Local, target: str, **form: str) -> Reply:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    return amazon.send("POST", target, urlencode(form), kind)


def sent_to(answer: Reply) -> tuple[str, dict[str, str]]:
    assert answer.status == 302, answer.body
    parts = urlsplit(answer.headers["location"])
    return f"{parts.scheme}://{parts.netloc}{parts.path}", dict(parse_qsl(parts.query))


def test_the_page_shows_who_asks_and_for_whose_account(amazon: Local) -> None:
    browser = Browser(amazon)
    page = browser.sign_in(address())
    text = browser.text
    assert page.status == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "Local Shop Tools" in text
    assert "Larkhollow Home Goods" in text
    assert "Seller Central" in text
    assert "local Amazon" in text
    assert 'value="approve"' in text
    assert 'value="deny"' in text
    assert "Tidewick" not in text  # a vendor consents on Vendor Central


def test_approving_sends_the_browser_back_with_a_code(amazon: Local) -> None:
    target, query = sent_to(decide(amazon, address(), decision="approve"))
    assert target == BACK
    assert list(query) == ["state", "selling_partner_id", "spapi_oauth_code"]
    assert (query["state"], query["selling_partner_id"]) == ("s 1&2", "ALOCALSELLERNA")
    answer = amazon.lwa(grant_type="authorization_code", code=query["spapi_oauth_code"], **CLIENT)
    assert answer.status == 200
    held = amazon.world.grants[answer.json["refresh_token"]]
    assert held.account.selling_partner_id == "ALOCALSELLERNA"


def test_denying_sends_the_browser_back_without_one(amazon: Local) -> None:
    target, query = sent_to(decide(amazon, address(), decision="deny"))
    assert target == BACK
    assert list(query) == ["state", "error", "error_description"]
    assert (query["state"], query["error"]) == ("s 1&2", "access_denied")
    assert not amazon.world.codes


def test_an_owner_in_a_browser_signs_in_confirms_and_is_sent_back(amazon: Local) -> None:
    browser = Browser(amazon)
    browser.sign_in(address())
    browser.press("Confirm")
    target, query = browser.sent_to
    assert (target, list(query)) == (BACK, ["state", "selling_partner_id", "spapi_oauth_code"])
    assert (query["state"], query["selling_partner_id"]) == ("s 1&2", "ALOCALSELLERNA")
    assert amazon.lwa(grant_type="authorization_code", code=query["spapi_oauth_code"], **CLIENT).status == 200


def test_an_owner_in_a_browser_cancels_and_is_sent_back(amazon: Local) -> None:
    browser = Browser(amazon)
    browser.sign_in(address())
    browser.press("Cancel")
    assert browser.sent_to == (
        BACK,
        {"state": "s 1&2", "error": "access_denied", "error_description": "The selling partner denied access"},
    )
    assert not amazon.world.codes


def test_the_owner_chooses_among_their_accounts_of_the_region(amazon: Local) -> None:
    amazon.world.add_account(("US",), selling_partner_id="ASECOND", name="Second Shop", owner=LARKHOLLOW, orders=0)
    amazon.world.add_account(("DE",), selling_partner_id="AELSEWHERE", name="Elsewhere", owner=LARKHOLLOW, orders=0)
    amazon.world.add_account(("US",), selling_partner_id="ASTRANGER", name="Stranger", orders=0)
    browser = Browser(amazon)
    browser.sign_in(address())
    assert "Second Shop" in browser.text
    assert "Elsewhere" not in browser.text
    assert "Stranger" not in browser.text
    browser.press("Confirm", selling_partner_id="ASECOND")
    assert browser.sent_to[1]["selling_partner_id"] == "ASECOND"
    for foreign in ("ASTRANGER", "AELSEWHERE"):
        browser.open(address())
        assert browser.press("Confirm", selling_partner_id=foreign).status == 400
    assert len(amazon.world.codes) == 1


def test_a_program_decides_for_any_account_of_the_region_without_page_or_sign_in(amazon: Local) -> None:
    amazon.world.add_account(("US",), selling_partner_id="ASECOND", name="Second Shop", orders=0)
    answer = decide(amazon, address(), decision="approve", selling_partner_id="ASECOND")
    assert sent_to(answer)[1]["selling_partner_id"] == "ASECOND"
    assert "set-cookie" not in answer.headers


def test_an_account_of_another_region_cannot_be_chosen(amazon: Local) -> None:
    answer = decide(amazon, address(), decision="approve", selling_partner_id="ALOCALSELLEREU")
    assert answer.status == 400
    assert "MD9999" in answer.body.decode()
    assert not amazon.world.codes


def test_a_post_without_a_decision_gives_nothing(amazon: Local) -> None:
    for form in ({}, {"decision": "yes"}):
        answer = decide(amazon, address(), **form)
        assert answer.status == 400
        assert "decision=approve" in answer.body.decode()
    assert not amazon.world.codes


@pytest.mark.parametrize(
    ("host", "account"),
    [
        ("sellercentral-europe.amazon.com", "ALOCALSELLEREU"),
        ("sellercentral.amazon.co.jp", "ALOCALSELLERFE"),
        ("sellercentral.amazon.com.mx", "ALOCALSELLERNA"),
        ("vendorcentral.amazon.com", "ALOCALVENDORNA"),
    ],
)
def test_the_host_decides_region_and_kind_of_account(amazon: Local, host: str, account: str) -> None:
    _, query = sent_to(decide(amazon, address(host), decision="approve"))
    assert query["selling_partner_id"] == account


def test_a_host_without_accounts_says_so_and_approves_nothing(amazon: Local) -> None:
    assert "No account trades here" in amazon.send("GET", address("vendorcentral.amazon.de")).body.decode()
    assert decide(amazon, address("vendorcentral.amazon.de"), decision="approve").status == 400


def test_there_is_no_consent_page_on_other_hosts(amazon: Local) -> None:
    assert amazon.send("GET", address("api.amazon.com")).status == 404
    assert amazon.send("GET", address("sellingpartnerapi-na.amazon.com")).status == 403
    assert amazon.send("GET", "/sellercentral.amazon.com/home").status == 404


@pytest.mark.parametrize(
    ("code", "query"),
    [
        ("MD9999", {"application_id": ""}),
        ("MD1000", {"application_id": "amzn1.sp.solution.unknown"}),
        ("MD1000", {"application_id": CLIENT["client_id"]}),
        ("MD1000", {"application_id": "amzn1.sp.solution.draft"}),
        ("MD9010", {"application_id": "amzn1.sp.solution.europe"}),
        ("MD5110", {"redirect_uri": f"{BACK}#part"}),
        ("MD5101", {"redirect_uri": "https://evil.example/back"}),
        ("MD5101", {"redirect_uri": "http://127.0.0.1.evil.example/back"}),
        ("MD5101", {"redirect_uri": "http://127.0.0.1@evil.example/back"}),
        ("MD5101", {"redirect_uri": "https://127.0.0.1:5000/back"}),
        ("MD5101", {"redirect_uri": "http://[::1"}),
        ("MD5100", {"application_id": "amzn1.sp.solution.bare", "redirect_uri": ""}),
    ],
)
def test_what_stops_consent_is_a_page_with_amazons_code(amazon: Local, code: str, query: dict[str, str]) -> None:
    for number, more in enumerate(
        (
            {"application_id": "amzn1.sp.solution.draft", "draft": True, "redirect_uris": (BACK,)},
            {"application_id": "amzn1.sp.solution.europe", "regions": ("eu",), "redirect_uris": (BACK,)},
            {"application_id": "amzn1.sp.solution.bare"},
        )
    ):
        amazon.world.add_application(Application(client_id=f"c{number}", client_secret="s", **more))  # type: ignore[arg-type]
    for answer in (amazon.send("GET", address(**query)), decide(amazon, address(**query), decision="approve")):
        assert answer.status == 400
        assert f'<span class="code">{code}</span>' in answer.body.decode()
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "location" not in answer.headers
    assert not amazon.world.codes


def test_a_draft_is_consented_to_with_version_beta(amazon: Local) -> None:
    draft = Application(
        application_id="amzn1.sp.solution.draft", client_id="d", client_secret="s", draft=True, redirect_uris=(BACK,)
    )
    amazon.world.add_application(draft)
    target = address(application_id=draft.application_id, version="beta")
    browser = Browser(amazon)
    browser.sign_in(target)
    assert "draft" in browser.text
    assert sent_to(decide(amazon, target, decision="approve"))[0] == BACK


def test_the_first_registered_redirect_uri_is_used_where_none_is_named(amazon: Local) -> None:
    target, _ = sent_to(decide(amazon, address(redirect_uri=""), decision="approve"))
    assert target == "http://localhost:8080/callback"


@pytest.mark.parametrize("uri", ["http://localhost:1/a/b?c=d", "http://127.0.0.1/x", "http://[::1]:9/"])
def test_the_default_application_takes_any_port_of_this_machine(amazon: Local, uri: str) -> None:
    assert decide(amazon, address(redirect_uri=uri), decision="approve").headers["location"].startswith(uri)


def test_a_redirect_uri_keeps_its_own_query(amazon: Local) -> None:
    _, query = sent_to(decide(amazon, address(redirect_uri=f"{BACK}?tenant=7"), decision="approve"))
    assert list(query) == ["tenant", "state", "selling_partner_id", "spapi_oauth_code"]


def test_a_consent_without_state_of_an_application_without_login_uri_comes_back_without_one(amazon: Local) -> None:
    bare = Application(application_id="amzn1.sp.solution.bare", client_id="b", client_secret="s", redirect_uris=(BACK,))
    amazon.world.add_application(bare)
    target = address(application_id=bare.application_id, state="")
    _, query = sent_to(decide(amazon, target, decision="approve"))
    assert list(query) == ["selling_partner_id", "spapi_oauth_code"]


def test_a_state_of_any_text_comes_back_unchanged(amazon: Local) -> None:
    state = "ß%26+ &=#\"'<script>" + "x" * 2000
    _, query = sent_to(decide(amazon, address(state=state), decision="approve"))
    assert query["state"] == state


def test_what_a_link_says_is_never_markup(amazon: Local) -> None:
    browser = Browser(amazon)
    browser.sign_in(address(redirect_uri='http://localhost/"><script>'))
    assert "&gt;" in browser.text
    browser.open(address(application_id='"><script>'))
    assert "&gt;&lt;script" in browser.text
    assert "<script>" not in browser.text


def test_the_code_is_good_for_the_redirect_uri_of_the_page(amazon: Local) -> None:
    _, query = sent_to(decide(amazon, address(redirect_uri=""), decision="approve"))
    code = query["spapi_oauth_code"]
    first = "http://localhost:8080/callback"
    answer = amazon.lwa(grant_type="authorization_code", code=code, redirect_uri=first, **CLIENT)
    assert answer.status == 200
