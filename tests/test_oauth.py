"""Login with Amazon: consent addresses and code exchange, against the local Amazon."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from sellerport.errors import ClientRefused, GrantRevoked, TokenUnavailable
from sellerport.oauth import Grant, LwaClient, TokenAnswer, Tokens, consent_url, exchange_code
from sellerport.regions import Amazon, marketplace
from sellerport.wire import BlockingWire, Request, run
from tests.conftest import LocalAmazon

REDIRECT = "http://127.0.0.1:1/callback"


@pytest.fixture
def wire() -> Iterator[BlockingWire]:
    made = BlockingWire()
    yield made
    made.close()


@pytest.fixture
def lwa(amazon: LocalAmazon) -> LwaClient:
    application = amazon.world.application()
    return LwaClient(application.client_id, application.client_secret)


def consent(wire: BlockingWire, amazon: LocalAmazon) -> str:
    """Approve on the consent page, and return the code."""
    url = consent_url(
        Amazon(amazon.address), marketplace("US"), "amzn1.sp.solution.local", "s t/a+te", redirect_uri=REDIRECT
    )
    headers = {"content-type": "application/x-www-form-urlencoded"}
    back = run(wire.send(Request("POST", url, headers, b"decision=approve&selling_partner_id=ALOCALSELLERNA")))
    query = parse_qs(urlsplit(back.headers["location"]).query)
    assert query["state"] == ["s t/a+te"]
    return query["spapi_oauth_code"][0]


def test_the_consent_address_is_the_central_of_the_marketplace() -> None:
    amazon = Amazon()
    german = consent_url(amazon, marketplace("DE"), "amzn1.sp.solution.x", "a&b=c d", redirect_uri="https://x.test/c?d")
    assert german == (
        "https://sellercentral-europe.amazon.com/apps/authorize/consent?application_id=amzn1.sp.solution.x"
        "&state=a%26b%3Dc%20d&redirect_uri=https%3A%2F%2Fx.test%2Fc%3Fd"
    )
    vendor = consent_url(amazon, marketplace("IN"), "a", "s", draft=True, vendor=True)
    assert vendor == "https://www.vendorcentral.in/apps/authorize/consent?application_id=a&state=s&version=beta"


def test_a_code_is_worth_a_grant(wire: BlockingWire, amazon: LocalAmazon, lwa: LwaClient) -> None:
    answer = run(exchange_code(wire, Amazon(amazon.address), lwa, consent(wire, amazon), REDIRECT))
    assert answer.refresh_token
    grant = Grant(lwa, answer.refresh_token)
    assert run(Tokens().get(wire, Amazon(amazon.address), grant)).startswith("Atza|")
    assert answer.refresh_token not in f"{answer!r} {grant!r} {lwa!r}"


def test_a_code_is_worth_one_grant(wire: BlockingWire, amazon: LocalAmazon, lwa: LwaClient) -> None:
    code = consent(wire, amazon)
    run(exchange_code(wire, Amazon(amazon.address), lwa, code, REDIRECT))
    with pytest.raises(GrantRevoked, match="authorization code"):
        run(exchange_code(wire, Amazon(amazon.address), lwa, code, REDIRECT))


def test_a_code_is_good_for_five_minutes(wire: BlockingWire, amazon: LocalAmazon, lwa: LwaClient) -> None:
    code = consent(wire, amazon)
    amazon.world.advance(301)
    with pytest.raises(GrantRevoked):
        run(exchange_code(wire, Amazon(amazon.address), lwa, code, REDIRECT))


def test_a_code_is_not_given_for_a_wrong_secret(wire: BlockingWire, amazon: LocalAmazon, lwa: LwaClient) -> None:
    code = consent(wire, amazon)
    with pytest.raises(ClientRefused):
        run(exchange_code(wire, Amazon(amazon.address), LwaClient(lwa.client_id, "wrong"), code, REDIRECT))


def test_an_exchange_is_never_repeated_since_the_code_may_be_spent(
    wire: BlockingWire, amazon: LocalAmazon, lwa: LwaClient
) -> None:
    code = consent(wire, amazon)
    amazon.fail(path="/auth/o2/token", status=500)
    with pytest.raises(TokenUnavailable):
        run(exchange_code(wire, Amazon(amazon.address), lwa, code, REDIRECT))
    assert amazon.token_requests == 1


def test_tokens_of_two_applications_with_one_refresh_token_are_kept_apart() -> None:
    one, two = Grant(LwaClient("a", "s"), "same"), Grant(LwaClient("b", "s"), "same")
    assert one != two
    assert len({one: 1, two: 2}) == 2


def test_what_the_token_server_says_beside_the_standard_does_no_harm() -> None:
    assert "Atza" not in repr(TokenAnswer("Atza|x", 3600))
