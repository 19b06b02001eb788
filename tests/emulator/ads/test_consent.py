"""The consent page of the Ads API, and what its code is exchanged for."""

import base64
import hashlib
from urllib.parse import urlencode

import pytest

from sellerport.emulator import Application
from sellerport.emulator.ads.advertisers import ADVERTISER

from ..browser import LARKHOLLOW, Browser
from ..conftest import CLIENT, Local, Reply

MANAGEMENT = "advertising::campaign_management"
BACK = "http://127.0.0.1:5000/back"
HOSTS = ("www.amazon.com", "eu.account.amazon.com", "apac.account.amazon.com")
TOKEN_HOSTS = ("api.amazon.com", "api.amazon.co.uk", "api.amazon.co.jp")
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


def address(host: str = HOSTS[0], **query: str) -> str:
    given = {
        "client_id": CLIENT["client_id"],
        "scope": MANAGEMENT,
        "response_type": "code",
        "redirect_uri": BACK,
        "state": "s 1&2",
        **query,
    }
    return f"/{host}/ap/oa?{urlencode({name: value for name, value in given.items() if value})}"


def consented(amazon: Local, person: str = ADVERTISER, host: str = HOSTS[0], **query: str) -> dict[str, str]:
    """Allow it in a browser, and return what the application is told."""
    browser = Browser(amazon)
    browser.sign_in(address(host, **query), person)
    browser.press("Allow")
    target, told = browser.sent_to
    assert target == BACK
    return told


def exchange(amazon: Local, code: str, host: str = TOKEN_HOSTS[0], **form: str) -> Reply:
    given = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, **CLIENT, **form}
    kind = {"content-type": "application/x-www-form-urlencoded"}
    return amazon.send("POST", f"/{host}/auth/o2/token", urlencode(given), kind)


def refused(answer: Reply) -> tuple[int, str, str]:
    return answer.status, answer.json["error"], answer.json["error_description"].rpartition(": ")[2]


def test_the_page_shows_who_asks_for_what_and_whose_advertising_it_is(amazon: Local) -> None:
    browser = Browser(amazon)
    page = browser.sign_in(address(), LARKHOLLOW)
    assert page.status == 200
    for shown in ("Local Shop Tools", "see and change your campaigns", "Larkhollow Home Goods", "US, CA, MX", BACK):
        assert shown in browser.text
    for hidden in ("Tannwerk", "make test accounts", "Central"):
        assert hidden not in browser.text


@pytest.mark.parametrize(("host", "token_host"), [*zip(HOSTS, reversed(TOKEN_HOSTS), strict=True)])
def test_a_code_of_any_site_is_exchanged_at_any_token_host(amazon: Local, host: str, token_host: str) -> None:
    told = consented(amazon, host=host)
    assert list(told) == ["code", "scope", "state"]
    assert (told["scope"], told["state"]) == (MANAGEMENT, "s 1&2")
    answer = exchange(amazon, told["code"], token_host)
    assert answer.status == 200, answer.body
    assert (answer.json["token_type"], answer.json["expires_in"]) == ("bearer", 3600)
    grant = amazon.world.login.ads_grants[answer.json["refresh_token"]]
    assert (grant.person, grant.scopes) == (ADVERTISER, {MANAGEMENT})
    again = amazon.lwa(grant_type="refresh_token", refresh_token=grant.refresh_token, **CLIENT)
    assert again.json["refresh_token"] == grant.refresh_token


def test_a_grant_opens_the_profiles_of_whoever_consented_region_by_region(amazon: Local) -> None:
    token = exchange(amazon, consented(amazon, LARKHOLLOW)["code"]).json["access_token"]
    headers = {"authorization": f"Bearer {token}", "amazon-advertising-api-clientid": CLIENT["client_id"]}
    found = {
        host: amazon.send("GET", f"/{host}/v2/profiles", headers=headers).json
        for host in ("advertising-api.amazon.com", "advertising-api-eu.amazon.com", "advertising-api-fe.amazon.com")
    }
    assert [len(profiles) for profiles in found.values()] == [3, 0, 0]
    assert amazon.call("GET", "/orders/v0/orders", token, CreatedAfter="2020-01-01").status == 403


def test_several_scopes_are_granted_and_told_as_they_were_asked_for(amazon: Local) -> None:
    scope = "cpc_advertising:campaign_management advertising::audiences"
    told = consented(amazon, scope=scope)
    assert told["scope"] == scope
    grant = amazon.world.login.ads_grants[exchange(amazon, told["code"]).json["refresh_token"]]
    assert grant.scopes == {MANAGEMENT, "advertising::audiences"}


def test_whoever_cancels_is_sent_back_without_a_code(amazon: Local) -> None:
    browser = Browser(amazon)
    browser.sign_in(address())
    browser.press("Cancel")
    target, told = browser.sent_to
    assert (target, told["error"], told["state"]) == (BACK, "access_denied", "s 1&2")
    assert not amazon.world.login.ads_codes


def test_a_code_is_good_once_for_five_minutes_and_for_its_address_and_application(amazon: Local) -> None:
    amazon.world.add_application(Application(application_id="amzn1.x", client_id="other", client_secret="s"))
    code = consented(amazon)["code"]
    for form, what in (
        ({"client_id": "other", "client_secret": "s"}, "code"),
        ({"redirect_uri": f"{BACK}/else"}, "redirect_uri"),
    ):
        assert refused(exchange(amazon, code, **form)) == (400, "invalid_grant", what)
    assert exchange(amazon, code).status == 200
    assert refused(exchange(amazon, code)) == (400, "invalid_grant", "code")
    late = consented(amazon)["code"]
    amazon.world.advance(300)
    assert refused(exchange(amazon, late)) == (400, "invalid_grant", "code")


def test_a_code_with_a_challenge_wants_its_verifier(amazon: Local) -> None:
    """RFC 7636 §4.6."""
    code = consented(amazon, code_challenge=CHALLENGE, code_challenge_method="S256")["code"]
    for wrong in ({}, {"code_verifier": "w" * 43}):
        assert refused(exchange(amazon, code, **wrong))[1] == "invalid_grant"
    assert exchange(amazon, code, code_verifier=VERIFIER).status == 200


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"scope": "advertising::nothing"}, "invalid_scope", "An unknown scope was requested"),
        ({"scope": f"{MANAGEMENT} profile"}, "invalid_scope", "An unknown scope was requested"),
        ({"scope": ""}, "invalid_scope", "An unknown scope was requested"),
        ({"client_id": "unapproved"}, "invalid_scope", "An unknown scope was requested"),
        ({"client_id": "amzn1.application-oa2-client.nobody"}, "unauthorized_client", "No application"),
        ({"redirect_uri": "https://evil.example/back"}, "invalid_request", "has not been whitelisted"),
        ({"redirect_uri": ""}, "invalid_request", "has not been whitelisted"),
        ({"response_type": "token"}, "unsupported_response_type", "response_type"),
        ({"code_challenge": CHALLENGE}, "invalid_request", "S256"),
        ({"code_challenge": "short", "code_challenge_method": "S256"}, "invalid_request", "S256"),
    ],
    ids=lambda it: "-".join(f"{k}-{v}" for k, v in it.items()) if isinstance(it, dict) else "",
)
def test_what_cannot_be_consented_to_is_told_and_leads_nowhere(
    amazon: Local, changed: dict[str, str], error: str, words: str
) -> None:
    amazon.world.add_application(
        Application(
            application_id="amzn1.y", client_id="unapproved", client_secret="s", redirect_uris=(BACK,), ads=False
        )
    )
    answer = amazon.send("GET", address(**changed))
    assert (answer.status, "location" in answer.headers) == (400, False)
    assert error in answer.body.decode()
    assert words in answer.body.decode()
    assert amazon.send("POST", address(**changed), "decision=approve").status == 400
    assert not amazon.world.login.ads_codes


def test_a_form_of_another_site_gives_nothing(amazon: Local) -> None:
    browser = Browser(amazon)
    browser.sign_in(address())
    browser.press("Allow", form_token="guessed")
    assert browser.page is not None
    assert browser.page.status == 403
    assert not amazon.world.login.ads_codes


def test_a_program_decides_for_any_person_without_signing_in(amazon: Local) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    for form, person in (({}, ADVERTISER), ({"person": LARKHOLLOW}, LARKHOLLOW)):
        answer = amazon.send("POST", address(), urlencode({"decision": "approve", **form}), kind)
        assert answer.status == 302, answer.body
        assert [code.person for code in amazon.world.login.ads_codes.values()][-1] == person
    for form in ({"decision": "approve", "person": "nobody@x.invalid"}, {}, {"decision": "yes"}):
        assert amazon.send("POST", address(), urlencode(form), kind).status == 400
    assert len(amazon.world.login.ads_codes) == 2


def test_the_page_stands_on_no_other_host(amazon: Local) -> None:
    assert amazon.send("GET", address("sellercentral.amazon.com")).status == 404
    assert amazon.send("GET", "/www.amazon.com/apps/manage").status == 404
