"""Login with Amazon: consent addresses, code exchange, and access tokens.

The numbers in names are those of other clients' defects that must not be here (python-amazon-sp-api is ``sp``), and of
users' wishes (reference/peer-sdks.md §1.4 and §5).
"""

from __future__ import annotations

import asyncio
import functools
import gc
import json
import threading
import weakref
from collections import Counter
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from sellerport.emulator import Application
from sellerport.errors import ClientRefused, GrantRevoked, InvalidArguments, TokenExpired, TokenUnavailable
from sellerport.oauth import (
    ADS_SCOPE,
    Grant,
    LwaClient,
    TokenAnswer,
    Tokens,
    ads_consent_url,
    check_callback,
    consent_url,
    exchange_code,
    why_refused,
)
from sellerport.regions import ADS_REGIONS, Amazon, ads_region, marketplace
from sellerport.wire import AsyncWire, BlockingWire, Request, Response, run
from tests.conftest import Clients, LocalAmazon

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


@pytest.mark.parametrize(
    ("region", "host"),
    [("CA", "www.amazon.com"), ("UK", "eu.account.amazon.com"), ("fe", "apac.account.amazon.com")],
)
def test_advertisers_consent_on_the_site_of_their_region(region: str, host: str) -> None:
    url = ads_consent_url(
        Amazon(), ads_region(region), "amzn1.application-oa2-client.x", "a&b", redirect_uri="https://x"
    )
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc, parts.path) == ("https", host, "/ap/oa")
    assert parse_qsl(parts.query) == [
        ("client_id", "amzn1.application-oa2-client.x"),
        ("scope", "advertising::campaign_management"),
        ("response_type", "code"),
        ("redirect_uri", "https://x"),
        ("state", "a&b"),
    ]


def test_several_advertising_scopes_are_asked_for_at_once_with_a_challenge() -> None:
    scopes = (ADS_SCOPE, "advertising::audiences")
    url = ads_consent_url(
        Amazon(), ADS_REGIONS["na"], "x", "s", redirect_uri="https://x", scopes=scopes, code_challenge="c" * 43
    )
    assert "scope=advertising%3A%3Acampaign_management%20advertising%3A%3Aaudiences&" in url
    assert parse_qs(urlsplit(url).query)["code_challenge"] == ["c" * 43]
    assert parse_qs(urlsplit(url).query)["code_challenge_method"] == ["S256"]


def test_an_advertisers_code_is_exchanged_with_its_verifier(
    wire: BlockingWire, amazon: LocalAmazon, lwa: LwaClient
) -> None:
    """RFC 7636 appendix B has the pair."""
    verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    here = Amazon(amazon.address)
    for given in (None, "x" * 43, verifier):
        url = ads_consent_url(
            here, ADS_REGIONS["eu"], lwa.client_id, "s", redirect_uri=REDIRECT, code_challenge=challenge
        )
        headers = {"content-type": "application/x-www-form-urlencoded"}
        back = run(wire.send(Request("POST", url, headers, b"decision=approve")))
        code = parse_qs(urlsplit(back.headers["location"]).query)["code"][0]
        if given != verifier:
            with pytest.raises(GrantRevoked):
                run(exchange_code(wire, here, lwa, code, REDIRECT, given))
            continue
        answer = run(exchange_code(wire, here, lwa, code, REDIRECT, given))
        assert answer.refresh_token in amazon.world.login.ads_grants


@pytest.mark.parametrize(
    ("error", "what"),
    [
        ("access_denied", "did not give consent"),
        ("invalid_scope", r"not approved for the Ads API; apply for access"),
        ("unauthorized_client", r"not approved for the Ads API; apply for access"),
        ("server_error", "start again"),
    ],
)
def test_what_a_consent_page_of_the_ads_api_refuses_is_explained(error: str, what: str) -> None:
    assert what in why_refused(error)


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


APPLICATION = LwaClient("app", "secret")


class Lwa(BlockingWire):
    """A token server in the place of a wire; ``strict``: a refresh token is good once, and brings the next one."""

    def __init__(self, *, strict: bool = False, expires_in: float = 3600) -> None:
        super().__init__()
        self.asked: list[dict[str, str]] = []
        self.spent: Counter[str] = Counter()
        self.strict = strict
        self.expires_in = expires_in

    async def send(self, request: Request) -> Response:
        form = dict(parse_qsl((request.body or b"").decode()))
        self.asked.append(form)
        sent = form.get("refresh_token", "")
        self.spent[sent] += 1
        if self.strict and self.spent[sent] > 1:
            return Response(400, {}, b'{"error": "invalid_grant"}')
        answer = {"access_token": f"Atza|{len(self.asked)}", "expires_in": self.expires_in}
        answer |= {"refresh_token": f"{sent}+"} if self.strict and sent else {}
        return Response(200, {}, json.dumps(answer).encode())


class Clock:
    """Seconds that a test moves, and a count of how often they were compared."""

    def __init__(self) -> None:
        self.now = 1e6
        self.compared = 0

    def __call__(self) -> float:
        return Moment(self.now, self)


class Moment(float):
    clock: Clock

    def __new__(cls, seconds: float, clock: Clock) -> Moment:
        made = super().__new__(cls, seconds)
        made.clock = clock
        return made

    def __add__(self, seconds: float) -> Moment:
        return Moment(float(self) + seconds, self.clock)

    def __le__(self, other: float) -> bool:
        self.clock.compared += 1
        return float(self) <= other


def wait(clients: Clients, flow: Coroutine[Any, Any, Any]) -> Any:
    """Run a flow on the wire of the colour."""
    return run(flow) if clients.colour == "blocking" else clients.runner.run(flow)


def grant_of(amazon: LocalAmazon, **other: str) -> Grant:
    given = amazon.credentials() | other
    return Grant(LwaClient(given["lwa_app_id"], given["lwa_client_secret"]), given["refresh_token"])


def test_tokens_of_two_applications_with_one_refresh_token_are_kept_apart() -> None:
    lwa, tokens = Lwa(), Tokens()
    one, two = Grant(LwaClient("a", "s"), "same"), Grant(LwaClient("b", "s"), "same")
    first, second = run(tokens.get(lwa, Amazon(), one)), run(tokens.get(lwa, Amazon(), two))
    assert first != second
    assert [form["client_id"] for form in lwa.asked] == ["a", "b"]
    assert run(tokens.get(lwa, Amazon(), Grant(LwaClient("a", "s"), "same"))) == first


def test_defect_sp_4_an_applications_own_token_is_never_given_to_another_application(clients: Clients) -> None:
    other = Application(
        application_id="amzn1.sp.solution.two", client_id="amzn1.application-oa2-client.two", client_secret="other"
    )
    clients.amazon.world.add_application(other)
    amazon, mine = Amazon(clients.amazon.address), grant_of(clients.amazon)
    theirs = Grant(LwaClient(other.client_id, other.client_secret), "Atzr|two")
    held = {}
    for grant in (mine, theirs, mine, theirs):
        scoped = grant.for_scope("sellingpartnerapi::notifications")
        held[grant] = wait(clients, clients.tokens.get(clients.wire, amazon, scoped))
    issued = clients.amazon.world.access_tokens
    assert issued[held[mine]].application.client_id == mine.client.client_id
    assert issued[held[theirs]].application.client_id == other.client_id
    assert clients.amazon.token_requests == 2


def test_defect_sp_5_and_wish_4_three_thousand_sellers_in_three_rounds_are_three_thousand_token_requests() -> None:
    lwa, tokens = Lwa(), Tokens()
    for _ in range(3):
        for seller in range(3000):
            run(tokens.get(lwa, Amazon(), Grant(APPLICATION, f"Atzr|{seller}")))
    assert len(lwa.asked) == 3000
    assert len({form["refresh_token"] for form in lwa.asked}) == 3000


def test_a_new_token_costs_the_same_however_many_are_held() -> None:
    clock, lwa = Clock(), Lwa()
    tokens = Tokens(clock=clock)
    for seller in range(3000):
        run(tokens.get(lwa, Amazon(), Grant(APPLICATION, f"Atzr|{seller}")))
    assert 0 < clock.compared <= 2 * 3000


def test_what_expired_is_forgotten() -> None:
    clock, lwa = Clock(), Lwa()
    tokens, gone = Tokens(clock=clock), []
    for hour in range(5):
        for seller in range(500):
            grant = Grant(APPLICATION, f"Atzr|{hour}-{seller}")
            gone.append(weakref.ref(grant))
            run(tokens.get(lwa, Amazon(), grant))
        clock.now += 3601
    del grant
    gc.collect()
    assert sum(one() is not None for one in gone) <= 1100  # two hours of five, at most


def test_defect_amzn_3_a_refresh_token_that_is_refused_is_asked_for_once_and_says_why(clients: Clients) -> None:
    grant = grant_of(clients.amazon, refresh_token="Atzr|wrong")
    with pytest.raises(GrantRevoked, match=r"invalid_grant.*consent again"):
        wait(clients, clients.tokens.get(clients.wire, Amazon(clients.amazon.address), grant))
    assert (clients.amazon.token_requests, clients.slept) == (1, [])


def test_defect_amzn_7_making_clients_asks_for_nothing_and_five_of_one_seller_for_one_token(clients: Clients) -> None:
    made = [clients.make() for _ in range(5)]
    assert clients.amazon.token_requests == 0
    for sp in made:
        clients.do(lambda sp=sp: sp.sellers.get_account())
    assert clients.amazon.token_requests == 1


def test_defect_amzn_7_and_wish_5_twenty_threads_at_expiry_ask_once(amazon: LocalAmazon, wire: BlockingWire) -> None:
    now, grant = [1e6], grant_of(amazon)
    tokens = Tokens(clock=lambda: now[0])
    old = run(tokens.get(wire, Amazon(amazon.address), grant))
    now[0] += 3600
    together, heard = threading.Barrier(20), set()

    def ask() -> None:
        together.wait()
        heard.add(run(tokens.get(wire, Amazon(amazon.address), grant)))

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert amazon.token_requests == 2
    assert len(heard) == 1
    assert old not in heard


def test_wish_5_many_threads_may_use_one_cache_while_it_forgets() -> None:
    clock, lwa = Clock(), Lwa()
    tokens, failed = Tokens(clock=clock), []
    hours, sellers, several = 3, 200, 8
    barrier = threading.Barrier(several)

    def work() -> None:
        try:
            for hour in range(hours):
                if barrier.wait() == 0:
                    clock.now = 1e6 + hour * 3600
                barrier.wait()
                for seller in range(sellers):
                    run(tokens.get(lwa, Amazon(), Grant(APPLICATION, f"Atzr|{seller}")))
        except Exception as error:
            failed.append(error)
            barrier.abort()

    threads = [threading.Thread(target=work) for _ in range(several)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(lwa.asked) == hours * sellers


def test_wish_16_an_access_token_alone_is_used_as_it_is_and_nothing_is_asked_for(clients: Clients) -> None:
    amazon, bare = Amazon(clients.amazon.address), Grant(access_token="Atza|brought")
    assert wait(clients, clients.tokens.get(clients.wire, amazon, bare)) == "Atza|brought"
    assert wait(clients, clients.tokens.get(clients.wire, amazon, bare.for_scope("any"))) == "Atza|brought"
    with pytest.raises(TokenExpired, match="give a new one"):
        wait(clients, clients.tokens.get(clients.wire, amazon, bare, instead_of="Atza|brought"))
    assert clients.amazon.token_requests == 0
    assert "Atza" not in repr(bare)


def test_a_fingerprint_stands_for_a_grant_and_tells_nothing() -> None:
    grants = [
        Grant(APPLICATION, "x"),
        Grant(LwaClient("app2", "secret"), "x"),
        Grant(APPLICATION, scope="x"),
        Grant(APPLICATION, access_token="x"),
        Grant(LwaClient("ap", "secret"), "px"),
    ]
    prints = [grant.fingerprint for grant in grants]
    assert len(set(prints)) == 5
    assert all(len(one) == 32 and int(one, 16) for one in prints)
    assert Grant(LwaClient("app", "the next secret"), "x").fingerprint == prints[0]
    assert prints[0] == grants[0].fingerprint
    assert replace(grants[0], refresh_token="y").fingerprint != prints[0]


def test_a_refresh_token_that_is_replaced_at_every_use_goes_on_working() -> None:
    clock, lwa = Clock(), Lwa(strict=True)
    tokens, first = Tokens(clock=clock), Grant(APPLICATION, "r")
    stored: list[TokenAnswer] = []
    for _ in range(4):
        run(tokens.get(lwa, Amazon(), first, on_refresh=stored.append))
        clock.now += 3600
    assert [form["refresh_token"] for form in lwa.asked] == ["r", "r+", "r++", "r+++"]
    assert [answer.refresh_token for answer in stored] == ["r+", "r++", "r+++", "r++++"]


def test_who_stored_the_new_refresh_token_and_who_holds_the_old_one_share_the_access_token() -> None:
    clock, lwa = Clock(), Lwa(strict=True)
    tokens, old, new = Tokens(clock=clock), Grant(APPLICATION, "r"), Grant(APPLICATION, "r+")
    assert run(tokens.get(lwa, Amazon(), old)) == run(tokens.get(lwa, Amazon(), new))
    clock.now += 3600
    assert run(tokens.get(lwa, Amazon(), new)) == run(tokens.get(lwa, Amazon(), old))
    assert len(lwa.asked) == 2


def test_an_older_refresh_token_that_comes_back_is_used_again() -> None:
    class Swinging(Lwa):
        async def send(self, request: Request) -> Response:
            await super().send(request)
            brought = {"r": "s", "s": "r"}[self.asked[-1]["refresh_token"]]
            answer = {"access_token": f"Atza|{len(self.asked)}", "refresh_token": brought}
            return Response(200, {}, json.dumps(answer).encode())

    clock, lwa = Clock(), Swinging()
    tokens, grant = Tokens(clock=clock), Grant(APPLICATION, "r")
    for _ in range(4):
        run(tokens.get(lwa, Amazon(), grant))
        clock.now += 3600
    assert [form["refresh_token"] for form in lwa.asked] == ["r", "s", "r", "s"]


def test_another_loops_token_is_used_where_the_refresh_token_was_spent_on_it() -> None:
    tokens, grant, lwa = Tokens(), Grant(APPLICATION, "r"), Lwa(strict=True)

    class Slower(Lwa):
        async def send(self, request: Request) -> Response:
            await tokens.get(lwa, Amazon(), grant)
            return await lwa.send(request)

    assert run(tokens.get(Slower(), Amazon(), grant)) == "Atza|1"
    assert [form["refresh_token"] for form in lwa.asked] == ["r", "r"]


def test_who_hears_of_a_token_may_be_a_coroutine_function_of_the_async_client(amazon: LocalAmazon) -> None:
    heard: list[TokenAnswer] = []

    async def store(answer: TokenAnswer) -> None:
        await asyncio.sleep(0)
        heard.append(answer)

    async def both() -> list[str]:
        wire, tokens, grant = AsyncWire(), Tokens(), grant_of(amazon)
        found = [await tokens.get(wire, Amazon(amazon.address), grant, on_refresh=store) for _ in range(2)]
        await wire.aclose()
        return found

    first, second = asyncio.run(both())
    assert first == second == heard[0].access_token
    assert len(heard) == 1


def test_a_token_is_kept_though_who_heard_of_it_failed(clients: Clients) -> None:
    def fail(answer: TokenAnswer) -> None:
        raise OSError("the disk is full")

    amazon, grant = Amazon(clients.amazon.address), grant_of(clients.amazon)
    with pytest.raises(OSError, match="disk is full"):
        wait(clients, clients.tokens.get(clients.wire, amazon, grant, on_refresh=fail))
    assert wait(clients, clients.tokens.get(clients.wire, amazon, grant, on_refresh=fail)).startswith("Atza|")
    assert clients.amazon.token_requests == 1


def test_nobody_waits_for_who_hears_of_a_token(amazon: LocalAmazon) -> None:
    async def both() -> tuple[str, str]:
        wire, tokens, grant, served = AsyncWire(), Tokens(), grant_of(amazon), asyncio.Event()

        async def until_the_other_is_served(answer: TokenAnswer) -> None:
            await served.wait()

        async def other() -> str:
            found = await tokens.get(wire, Amazon(amazon.address), grant)
            served.set()
            return found

        first = tokens.get(wire, Amazon(amazon.address), grant, on_refresh=until_the_other_is_served)
        async with asyncio.timeout(10):
            found = await asyncio.gather(first, other())
        await wire.aclose()
        return found[0], found[1]

    first, second = asyncio.run(both())
    assert first == second


def test_a_blocking_client_is_not_given_a_coroutine_function() -> None:
    async def store(answer: TokenAnswer) -> None: ...

    class Store:
        async def __call__(self, answer: TokenAnswer) -> None: ...

    for callback in (store, functools.partial(store), Store(), Store().__call__):
        with pytest.raises(InvalidArguments, match="on_token_refresh: is a coroutine function"):
            check_callback(callback, blocking=True)
        check_callback(callback, blocking=False)
    for fine in (None, print, [].append):
        check_callback(fine, blocking=True)
    with pytest.raises(InvalidArguments, match="credentials: must be a function"):
        check_callback("store", True, "credentials")


def test_an_access_token_that_no_header_can_hold_is_no_token() -> None:
    class Broken(Lwa):
        async def send(self, request: Request) -> Response:
            self.asked.append({})
            return Response(200, {}, b'{"access_token": "Atza|a\\r\\nx-evil: 1"}')

        async def sleep(self, seconds: float) -> None: ...

    with pytest.raises(TokenUnavailable) as caught:
        run(Tokens().get(Broken(), Amazon(), Grant(APPLICATION, "r")))
    assert "evil" not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_what_the_token_server_says_beside_the_standard_does_no_harm() -> None:
    assert "Atza" not in repr(TokenAnswer("Atza|x", 3600))
