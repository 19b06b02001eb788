"""The proved defects of other clients (reference/peer-sdks.md, 1.4), each shown to be absent, named by its number.

Those that have none are in test_defects_without_number.

A test fails if we had the defect: it does what made the other client go wrong, and asserts what must come of it.
"""

from __future__ import annotations

import copy
import json
import logging
import pickle
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sellerport import catalog
from sellerport.emulator import Application
from sellerport.errors import (
    AccessDenied,
    AmazonError,
    AmazonRefused,
    AmazonUnavailable,
    GrantRevoked,
    InvalidArguments,
    NoAnswer,
)
from sellerport.oauth import Tokens
from sellerport.restricted import RestrictedTokens
from tests.conftest import TOKEN_PATH, Clients
from tests.peers.conftest import Proxy, python
from tests.stand_in import StandIn

SINCE = "2020-01-01T00:00:00Z"
ORDERS = "/orders/v0/orders"
RDT = "/tokens/2021-03-01/restrictedDataToken"
LISTINGS = "GET_MERCHANT_LISTINGS_ALL_DATA"
MODELS = Path(__file__).parents[3] / "shared/amazon/sp-api/models"


def sellers(clients: Clients, number: int) -> list[dict[str, str]]:
    """Return the credentials of so many sellers, all of one application."""
    given = clients.amazon.credentials()
    grants = [clients.amazon.world.grant("ALOCALSELLERNA", refresh_token=f"Atzr|{n}") for n in range(number)]
    return [{**given, "refresh_token": grant.refresh_token} for grant in grants]


def another_application(clients: Clients) -> Application:
    other = Application(application_id="amzn1.sp.solution.b", client_id="amzn1.oa2.b", client_secret="secret-b")
    return clients.amazon.world.add_application(other)


# python-amazon-sp-api


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"status": 503, "answer": "html"}, AmazonUnavailable),
        ({"status": 403, "answer": "html"}, AccessDenied),
        ({"status": 500, "answer": "empty"}, AmazonUnavailable),
        ({"status": 400, "answer": "empty"}, AmazonRefused),
        ({"status": 200, "answer": "html"}, AmazonUnavailable),
        ({"status": 200, "answer": "empty"}, AmazonUnavailable),
    ],
    ids=lambda one: "-".join(map(str, one.values())) if isinstance(one, dict) else "",
)
def test_python_amazon_sp_api_1_a_failure_is_never_a_success(
    clients: Clients, fault: dict[str, Any], kind: type[AmazonError]
) -> None:
    """1.4.1: a page of HTML or nothing, with whatever status, was an answer without errors."""
    sp = clients.make()
    clients.amazon.fail(times=9, **fault)
    with pytest.raises(kind) as caught:
        clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE))
    assert caught.value.operation == "orders_v0.get_orders"
    if fault["status"] != 200:
        assert caught.value.status == fault["status"]


def test_python_amazon_sp_api_1_a_401_that_only_has_a_message_is_no_payload(
    clients: Clients, stand_in: StandIn
) -> None:
    """1.4.1: ``{"message": …}`` came back as the payload, since it has no ``errors``."""
    stand_in.say({"message": "Unauthorized"}, 401, x_amzn_requestid="r-1")
    sp = clients.make(amazon=stand_in.address)
    with pytest.raises(AccessDenied, match="Unauthorized") as caught:
        clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE))
    assert (caught.value.status, caught.value.request_id, len(stand_in.heard)) == (401, "r-1", 1)


def test_python_amazon_sp_api_2_a_throttled_second_page_is_asked_for_again(clients: Clients) -> None:
    """1.4.2: the documented pair of decorators never repeated a page that was throttled."""
    sp = clients.make()
    given = {"created_after": SINCE, "marketplace_ids": ["US", "CA", "MX"], "max_results_per_page": 10}
    first = clients.do(lambda: sp.orders_v0.get_orders(**given))
    clients.amazon.fail(status=429, times=2)
    assert len({order["AmazonOrderId"] for order in clients.gather(first.items)}) == 30
    assert [one["status"] for one in clients.amazon.arrived()] == [200, 429, 429, 200, 200]


def test_python_amazon_sp_api_3_a_timeout_counts_in_both_colours(clients: Clients) -> None:
    """1.4.3: the async client ignored ``timeout``, and waited for as long as it took."""
    clients.amazon.fail(answer="silence")
    sp = clients.make(timeout_s=0.05, patience_s=0)
    with pytest.raises(NoAnswer, match=r"0\.05 s"):
        clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE))


def test_python_amazon_sp_api_3_a_proxy_is_used_in_both_colours(clients: Clients, proxy: Proxy) -> None:
    """1.4.3: proxies made the async client raise."""
    sp = clients.make(wire=None, proxy=proxy.address)
    assert clients.do(lambda: sp.sellers.get_account()).status == 200
    assert [one.url.removeprefix(clients.amazon.address) for one in proxy.heard] == [
        f"/api.amazon.com{TOKEN_PATH}",
        "/sellingpartnerapi-na.amazon.com/sellers/v1/account",
    ]


def test_python_amazon_sp_api_4_a_grantless_token_is_the_applications_own(clients: Clients) -> None:
    """1.4.4: application B called with application A's token, which was kept under the scope alone."""
    other = another_application(clients)
    given = {"refresh_token": "Atzr|b", "lwa_app_id": other.client_id, "lwa_client_secret": other.client_secret}
    for sp in (clients.make(), clients.make(given), clients.make()):
        clients.do(lambda sp=sp: sp.notifications.get_destinations())
    asked = [dict(one["body"])["client_id"] for one in clients.amazon.arrived(TOKEN_PATH)]
    assert asked == [clients.amazon.world.application().client_id, other.client_id]
    assert [held.application.client_id for held in clients.amazon.world.access_tokens.values()] == asked


def test_python_amazon_sp_api_4_a_refresh_token_does_not_open_another_applications_token(clients: Clients) -> None:
    """1.4.4: access tokens were kept under the refresh token alone."""
    other = another_application(clients)
    clients.do(lambda: clients.make().sellers.get_account())
    stranger = {
        **clients.amazon.credentials(),
        "lwa_app_id": other.client_id,
        "lwa_client_secret": other.client_secret,
    }
    with pytest.raises(GrantRevoked, match="another application"):
        clients.do(lambda: clients.make(stranger).sellers.get_account())


def test_python_amazon_sp_api_5_twelve_sellers_in_turn_need_twelve_tokens(clients: Clients) -> None:
    """1.4.5: the cache held ten, so that twelve sellers in turn asked for a token at every call."""
    given = sellers(clients, 12)
    for _ in range(3):
        for credentials in given:
            clients.do(lambda credentials=credentials: clients.make(credentials).sellers.get_account())
    assert clients.amazon.token_requests == 12


def test_python_amazon_sp_api_5_twenty_cold_starts_need_one_token(clients: Clients) -> None:
    """1.4.5: twenty threads, or twenty async clients, asked for twenty tokens."""
    answers = clients.at_once([lambda: clients.make().sellers.get_account()] * 20)
    assert [one.status for one in answers] == [200] * 20
    assert clients.amazon.token_requests == 1


def test_python_amazon_sp_api_5_the_cache_stands_threads_and_tasks(clients: Clients) -> None:
    """1.4.5: the cache itself lost keys under threads; here it is also swept while they run."""
    now = [1_000_000.0]
    shared = Tokens(clock=lambda: now[0])
    for credentials in sellers(clients, 70):  # enough for what expired to be swept
        made = clients.make(credentials, tokens=shared)
        clients.do(lambda made=made: made.sellers.get_account())
    clients.amazon.world.requests.clear()
    now[0] += 7200
    given = clients.amazon.credentials()
    some = [clients.make({**given, "refresh_token": f"Atzr|{n % 8}"}, tokens=shared) for n in range(40)]
    answers = clients.at_once([lambda sp=sp: sp.sellers.get_account() for sp in some])
    assert [one for one in answers if isinstance(one, Exception)] == []
    assert clients.amazon.token_requests == 8


def test_python_amazon_sp_api_6_a_client_for_one_call_opens_no_connection(clients: Clients, stand_in: StandIn) -> None:
    """1.4.6: a client for each call, as its readme shows, made TLS contexts and a connection for each."""
    for _ in range(20):
        clients.do(lambda: clients.make(amazon=stand_in.address, wire=None).finances_v0.list_financial_events())
    assert len(stand_in.heard) == 20
    assert len({one.connection for one in stand_in.heard + stand_in.tokens}) == 1
    assert len(stand_in.tokens) == 1


def test_python_amazon_sp_api_6_fifty_clients_are_small(clients: Clients) -> None:
    """1.4.6: a live client took 1.7 MB, two TLS contexts for each; the bar is 200 KB."""
    clients.do(lambda: clients.make(wire=None).sellers.get_account())  # what is loaded once is not counted
    tracemalloc.start()
    kept = [clients.make(wire=None) for _ in range(50)]
    for sp in kept:
        clients.do(lambda sp=sp: sp.sellers.get_account())
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size / len(kept) < 50_000


def test_python_amazon_sp_api_7_a_result_is_copied_pickled_and_has_no_other_attributes(clients: Clients) -> None:
    """1.4.7: copying or pickling never ended, and every attribute one could think of was there, and None."""
    sp = clients.make()
    found = [
        clients.do(lambda: sp.sellers.get_marketplace_participations()),
        clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE)),  # a page
    ]
    for result in found:
        for again in (copy.copy(result), copy.deepcopy(result), pickle.loads(pickle.dumps(result))):
            assert (type(again), again.data, again.status) == (type(result), result.data, 200)
            assert again.request_id == result.request_id
        assert not hasattr(result, "paylod")
        assert not hasattr(result, "errors")
        with pytest.raises(AttributeError, match="paylod"):
            _ = result.paylod
        with pytest.raises(KeyError, match="Paylod"):
            _ = result["Paylod"]


def test_python_amazon_sp_api_7_a_pickled_page_says_where_it_goes_on_and_holds_no_secret(clients: Clients) -> None:
    """1.4.7: see above; a page knows its client, and the client its credentials."""
    sp = clients.make()
    given = {"created_after": SINCE, "max_results_per_page": 10}
    page = clients.do(lambda: sp.orders.search_orders(**given))
    pickled = pickle.dumps(page)
    assert [secret for secret in (b"Atzr|", b"Atza|", b"local-secret") if secret in pickled] == []
    again = pickle.loads(pickled)
    assert (again.data, again.next_token) == (page.data, page.next_token)
    second = clients.do(lambda: sp.orders.search_orders(**given, pagination_token=again.next_token))
    assert [order["orderId"] for order in second["orders"]] != [order["orderId"] for order in page["orders"]]
    assert clients.gather(copy.copy(page).items) == clients.gather(page.items)
    with pytest.raises(InvalidArguments, match="without its client"):
        clients.gather(again.items)


def test_python_amazon_sp_api_7_documents_and_errors_are_pickled_too(clients: Clients) -> None:
    """1.4.7: see above; what leaves a worker process is pickled."""
    sp = clients.make()
    report = clients.do(lambda: sp.reports.fetch(LISTINGS))
    downloaded = clients.do(lambda: sp.reports.download(report.metadata["reportDocumentId"]))
    for document in (report, downloaded):
        for again in (copy.deepcopy(document), pickle.loads(pickle.dumps(document))):
            assert (again.bytes, again.text, again.metadata) == (document.bytes, document.text, document.metadata)
    with pytest.raises(AmazonRefused) as caught:
        clients.do(lambda: sp.orders_v0.get_orders())
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), again.facts(), str(again)) == (AmazonRefused, caught.value.facts(), str(caught.value))


@pytest.mark.parametrize("body", [{"payload": []}, {"payload": {}}, [], [{"n": 1}, {"n": 2}], {"orders": []}, None, 0])
def test_python_amazon_sp_api_7_an_answer_comes_as_it_was(clients: Clients, stand_in: StandIn, body: Any) -> None:
    """1.4.7: an empty list became ``{}``, and of a list only the first element was left."""
    stand_in.say(body)
    sp = clients.make(amazon=stand_in.address)
    result = clients.do(lambda: sp.sellers.get_marketplace_participations())
    assert result.data == body
    assert type(result.data) is type(body)
    assert result.payload == (body["payload"] if isinstance(body, dict) and "payload" in body else body)


def test_python_amazon_sp_api_8_a_restricted_call_says_no_more_than_it_must(clients: Clients) -> None:
    """1.4.8: its helper sent its own arguments along, in the query and in the request for the token."""
    sp = clients.make(restricted_tokens=RestrictedTokens())
    order = shipped(clients, sp)
    clients.do(lambda: sp.orders_v0.get_order_address(order_id=order, restricted=True))
    (asked,), (called,) = clients.amazon.arrived(RDT), clients.amazon.arrived(f"{ORDERS}/{order}/address")
    assert asked["body"] == {"restrictedResources": [{"method": "GET", "path": f"{ORDERS}/{{orderId}}/address"}]}
    assert (asked["query"], called["query"], called["body"]) == ([], [], None)


def test_python_amazon_sp_api_8_a_restricted_token_is_used_for_its_call_alone(clients: Clients) -> None:
    """1.4.8: when a restricted call failed, later ones to anything carried its token; so might threads."""
    sp = clients.make(restricted_tokens=RestrictedTokens())
    order = shipped(clients, sp)
    clients.amazon.fail(path=f"{ORDERS}/*/address", status=404)
    with pytest.raises(AmazonRefused):
        clients.do(lambda: sp.orders_v0.get_order_address(order_id=order, restricted=True))
    assert clients.do(lambda: sp.sellers.get_account()).status == 200  # the restricted token would be refused
    private = lambda: sp.orders_v0.get_order_address(order_id=order, restricted=True)  # noqa: E731
    plain = lambda: sp.sellers.get_account()  # noqa: E731
    assert [one.status for one in clients.at_once([private, plain] * 6)] == [200] * 12


def shipped(clients: Clients, sp: Any) -> str:
    """Return the id of an order with an address, and forget what was sent to find it."""
    found = clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE, order_statuses=["Shipped"]))
    clients.amazon.world.requests.clear()
    return str(found.payload["Orders"][0]["AmazonOrderId"])


def test_python_amazon_sp_api_9_nothing_is_sent_that_nobody_gave(clients: Clients) -> None:
    """1.4.9: every GET carried the marketplace in four spellings, and most bodies in two."""
    sp = clients.make()
    order = shipped(clients, sp)
    clients.do(lambda: sp.orders_v0.get_order(order_id=order))
    clients.do(lambda: sp.finances_v0.list_financial_events(max_results_per_page=10))
    clients.do(lambda: sp.reports.create_report(body={"reportType": LISTINGS, "marketplaceIds": ["ATVPDKIKX0DER"]}))
    clients.do(lambda: sp.notifications.get_destinations())
    assert [(one["query"], one["body"]) for one in clients.amazon.arrived()] == [
        ([], None),
        ([["MaxResultsPerPage", "10"]], None),
        ([], {"reportType": LISTINGS, "marketplaceIds": ["ATVPDKIKX0DER"]}),
        ([], None),
    ]


def test_python_amazon_sp_api_10_lists_are_joined_by_commas(clients: Clients) -> None:
    """1.4.10: ``keywords`` became several parameters, of which Amazon reads one."""
    sp = clients.make()
    clients.do(
        lambda: sp.catalog_items.search_catalog_items(
            keywords=["red shoe", "hat"], included_data=["summaries", "images"]
        )
    )
    assert sorted(clients.amazon.arrived()[-1]["query"]) == [
        ["includedData", "summaries,images"],
        ["keywords", "red shoe,hat"],
        ["marketplaceIds", "ATVPDKIKX0DER"],
    ]


def test_python_amazon_sp_api_10_every_list_of_the_catalogue_is_written_in_its_own_way() -> None:
    """1.4.10: only some operations were right, by hand; Amazon's models have 110 joined lists and 2 repeated ones."""
    styles = Counter(
        (parameter.style, parameter.name == "mskus")
        for operation in catalog.operations()
        for parameter in operation.parameters
        if parameter.schema.get("type") == "array" and parameter.place == "query"
    )
    assert {key for key in styles if key[1]} == {key for key in styles if key[0] != "csv"}
    assert len(styles) == 2


# amzn-sp-api


def test_amzn_sp_api_1_no_handler_is_added(clients: Clients) -> None:
    """1.4.1: every object of an answer added handlers to two loggers: 402 for a page of 100 orders."""
    before = handlers()
    for _ in range(3):
        sp = clients.make()
        clients.do(lambda sp=sp: sp.orders_v0.get_orders(created_after=SINCE))
    assert handlers() == before


def handlers() -> dict[str, int]:
    known = [logging.root, *logging.root.manager.loggerDict.values()]
    return {one.name: len(one.handlers) for one in known if isinstance(one, logging.Logger) and one.handlers}


def test_amzn_sp_api_1_importing_configures_no_logging() -> None:
    """1.4.1: importing it configured the root logger of the program (as python-amazon-ad-api's does)."""
    code = """
import logging
from sellerport import AsyncSellingPartner, SellingPartner
sp = SellingPartner({"refresh_token": "r", "lwa_app_id": "a", "lwa_client_secret": "s"}, environ={})
sp.orders_v0.get_orders
ours = [one for name, one in logging.root.manager.loggerDict.items() if name.startswith("sellerport")]
print(logging.root.handlers, logging.root.level, [one.handlers for one in ours if getattr(one, "handlers", None)])
"""
    assert python(code) == "[] 30 []"


def test_amzn_sp_api_2_three_apis_at_once_on_one_client(clients: Clients) -> None:
    """1.4.2: which API a client was calling stood on the client: 74 % of such calls failed."""
    sp = clients.make()
    calls = [
        lambda: sp.orders_v0.get_orders(created_after=SINCE),
        lambda: sp.finances_v0.list_financial_events(posted_after=SINCE),
        lambda: sp.sellers.get_marketplace_participations(),
    ]
    answers = clients.at_once([calls[n % 3] for n in range(9 * 3)])
    assert [one for one in answers if isinstance(one, Exception)] == []
    assert all("Orders" in one.payload for one in answers[0::3])
    assert all("FinancialEvents" in one.payload for one in answers[1::3])
    assert all(one.payload[0]["marketplace"]["id"] for one in answers[2::3])


def test_amzn_sp_api_3_a_bad_refresh_token_is_told_at_once(clients: Clients) -> None:
    """1.4.3: it asked four times in 14 s, and then called it a server error."""
    sp = clients.make({**clients.amazon.credentials(), "refresh_token": "Atzr|of-nobody"})
    with pytest.raises(GrantRevoked, match="invalid_grant") as caught:
        clients.do(lambda: sp.sellers.get_account())
    assert (clients.amazon.token_requests, clients.slept, clients.amazon.arrived()) == (1, [], [])
    assert "consent again" in str(caught.value)


def test_amzn_sp_api_4_a_timeout_may_be_a_fraction_and_is_not_multiplied(clients: Clients) -> None:
    """1.4.4: a float was ignored, and after a timeout in whole seconds it tried three times more, come what may."""
    clients.amazon.fail(answer="silence", times=9)
    reading = clients.make(timeout_s=0.05, patience_s=0)
    with pytest.raises(NoAnswer, match=r"0\.05 s"):
        clients.do(lambda: reading.orders_v0.get_orders(created_after=SINCE))
    assert len(clients.amazon.arrived()) == 1
    clients.amazon.fail(path="/feeds/*", answer="silence", times=9)
    writing = clients.make(timeout_s=0.05)
    with pytest.raises(NoAnswer):
        clients.do(lambda: writing.feeds.cancel_feed(feed_id="1"))
    assert len(clients.amazon.arrived()) == 2


def test_amzn_sp_api_5_what_no_model_knows_is_read(clients: Clients, stand_in: StandIn) -> None:
    """1.4.5: an enum's new value, a field too many, a required one too few or null made an answer unreadable."""
    body = {"orders": [{"orderId": None, "fulfillment": {"fulfillmentStatus": "TELEPORTED"}, "new": {"a": [1]}}]}
    stand_in.say(body)
    sp = clients.make(amazon=stand_in.address)
    assert clients.do(lambda: sp.orders.search_orders(created_after=SINCE)).data == body


UNREADABLE_THERE = (
    "external_fulfillment_shipments_2024_09_11.get_shipment",
    "external_fulfillment_shipments_2024_09_11.get_shipments",
    "vendor_orders_v1.get_purchase_order",
    "vendor_orders_v1.get_purchase_orders",
    "supply_sources_2020_07_01.get_supply_source",
    "supply_sources_2020_07_01.get_supply_sources",
    "sellers_v1.get_account",
    "fulfillment_inbound_v0.get_shipments",
)


def sandbox_answers() -> dict[str, list[Any]]:
    """Return what Amazon's sandbox answers these operations with, out of the published models."""
    wanted = {(one.method, one.path): one.key for key in UNREADABLE_THERE for one in [catalog.find(key)]}
    found: dict[str, list[Any]] = {}
    for path in sorted(MODELS.rglob("*.json")):
        model = json.loads(path.read_text("utf-8"))
        for route, methods in model.get("paths", {}).items():
            for method, operation in methods.items():
                if (key := wanted.get((method.upper(), route))) is None:
                    continue
                for status, response in operation["responses"].items():
                    cases = response.get("x-amzn-api-sandbox", {}).get("static", ())
                    if status.startswith("2"):
                        found.setdefault(key, []).extend(case["response"] for case in cases if case.get("response"))
    return found


@pytest.mark.skipif(not MODELS.is_dir(), reason="Amazon's models lie outside of the repository")
def test_amzn_sp_api_5_amazons_own_sandbox_is_read(clients: Clients, stand_in: StandIn) -> None:
    """1.4.5: ten answers of Amazon's sandbox, those of these operations, could not be read by Amazon's own client."""
    answers = sandbox_answers()
    assert sorted(answers) == sorted(UNREADABLE_THERE)
    for key, bodies in answers.items():
        operation = catalog.find(key)
        given = {
            one.name: "2026-01-01" if "date" in one.name else (one.schema.get("enum") or ["x"])[0]
            for one in operation.parameters
            if one.required and one.name not in ("marketplace_id", "marketplace_ids")
        }
        for body in bodies:
            stand_in.say(body)
            sp = clients.make(amazon=stand_in.address)
            call = getattr(getattr(sp, operation.api), operation.name)
            assert clients.do(lambda call=call, given=given: call(**given)).data == body


def test_amzn_sp_api_6_every_operation_of_every_version_has_a_name_of_its_own(clients: Clients) -> None:
    """1.4.6: two classes had one name, and the API behind the first could not be reached."""
    sp = clients.make()
    reached = {getattr(getattr(sp, one.api), one.name).__qualname__ for one in catalog.operations()}
    assert reached == {one.key for one in catalog.operations()}
    assert len({(one.method, one.path) for one in catalog.operations()}) == len(reached) >= 370
    assert dir(sp.finance_remittance_2026_03_17)
    assert sp.finance_remittance_2026_03_17 is not sp.finances


def test_amzn_sp_api_7_making_a_client_sends_nothing(clients: Clients) -> None:
    """1.4.7: the constructor waited for a token, and each client of a seller fetched one of its own."""
    made = [clients.make() for _ in range(5)]
    assert list(clients.amazon.world.requests) == []
    for sp in made:
        clients.do(lambda sp=sp: sp.sellers.get_account())
    assert clients.amazon.token_requests == 1


def test_amzn_sp_api_7_twenty_calls_at_expiry_make_one_request(clients: Clients) -> None:
    """1.4.7: when the token expired, twenty threads fetched twenty."""
    sp = clients.make()
    clients.do(lambda: sp.finances_v0.list_financial_events())
    clients.amazon.world.expire()
    answers = clients.at_once([lambda: sp.finances_v0.list_financial_events()] * 20)
    assert [one.status for one in answers] == [200] * 20
    assert clients.amazon.token_requests == 2
