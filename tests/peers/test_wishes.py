"""What users ask of other clients most (reference/peer-sdks.md, 5), each shown to be met, named by its number.

Short programs as a user would write them; other tests go into each of them deeper.
"""

from __future__ import annotations

import importlib.metadata
import inspect
import re
import tracemalloc
from collections.abc import AsyncIterable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from sellerport import AsyncSellingPartner, catalog
from sellerport.emulator import Outcome
from sellerport.errors import (
    AccessDenied,
    AmazonRefused,
    AmazonUnavailable,
    CredentialsError,
    DocumentError,
    InvalidArguments,
    NoAnswer,
    Throttled,
    TokenExpired,
)
from sellerport.limits import Limits
from sellerport.notifications import parse, sqs
from sellerport.oauth import Tokens
from sellerport.restricted import RestrictedTokens
from tests.conftest import Clients
from tests.peers.conftest import Proxy, proxied, python
from tests.stand_in import StandIn

SINCE = "2020-01-01T00:00:00Z"
ORDERS = "/orders/v0/orders"
RDT = "/tokens/2021-03-01/restrictedDataToken"
LISTINGS = "GET_MERCHANT_LISTINGS_ALL_DATA"
SHIPPING = "GET_FLAT_FILE_ORDER_REPORT_DATA_SHIPPING"
US = "ATVPDKIKX0DER"


def test_wish_1_a_throttled_call_waits_and_goes_on(clients: Clients) -> None:
    """Built-in handling of 429."""
    sp = clients.make()
    clients.amazon.fail(status=429)
    assert clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE)).payload["Orders"]
    assert 0 < sum(clients.slept) <= 60  # getOrders may be called once a minute


def test_wish_1_the_rate_that_amazon_states_is_kept_to_and_nothing_is_dropped(
    clients: Clients, stand_in: StandIn
) -> None:
    """x-amzn-RateLimit-Limit takes the place of the table; the official JavaScript client drops what has to wait."""
    stand_in.say({"payload": {}}, x_amzn_ratelimit_limit="2.0")
    sp = clients.make(amazon=stand_in.address, limits=Limits(clock=lambda: 0.0))
    call = lambda: sp.orders_v0.get_orders(created_after=SINCE)  # noqa: E731
    clients.do(call)
    assert [one.status for one in clients.at_once([call] * 30)] == [200] * 30
    assert 0 < max(clients.slept) <= 10  # the table says one call a minute, after 20


def test_wish_1_the_waiting_can_be_refused(clients: Clients) -> None:
    """See also the escape from throttling."""
    sp = clients.make(limit="raise", limits=Limits(clock=lambda: 0.0))
    for _ in range(20):
        clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE))
    with pytest.raises(Throttled) as caught:
        clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE))
    assert caught.value.retry_after > 0
    assert (len(clients.amazon.arrived()), clients.slept) == (20, [])


def test_wish_2_restricted_data_is_one_keyword(clients: Clients) -> None:
    """Restricted data tokens without making, keeping and handing them over."""
    sp = clients.make(restricted_tokens=RestrictedTokens())
    found = clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE, order_statuses=["Shipped"]))
    order = found.payload["Orders"][0]["AmazonOrderId"]
    call = lambda: sp.orders_v0.get_order(order_id=order, restricted=["buyerInfo", "shippingAddress"])  # noqa: E731
    full = clients.do(call).payload
    assert full["BuyerInfo"]["BuyerName"]
    assert full["ShippingAddress"]["AddressLine1"]
    clients.do(call)
    assert len(clients.amazon.arrived(RDT)) == 1


def test_wish_3_restricted_reports_get_their_token_by_themselves(clients: Clients) -> None:
    """A token for the document of such a report, and for nothing else: getReport cannot be asked with one."""
    sp = clients.make(restricted_tokens=RestrictedTokens())
    report = clients.do(lambda: sp.reports.fetch(SHIPPING, data_start_time=SINCE))
    assert "ship-address-1" in report.text.splitlines()[0]
    (asked,) = clients.amazon.arrived(RDT)
    (resource,) = asked["body"]["restrictedResources"]
    assert resource["path"].startswith("/reports/2021-06-30/documents/")
    assert clients.do(lambda: sp.reports.fetch(LISTINGS)).size
    assert len(clients.amazon.arrived(RDT)) == 1


def test_wish_4_the_tokens_of_many_sellers_are_kept(clients: Clients) -> None:
    """A cache that is neither too small, nor shared by those who should not share it."""
    world, given = clients.amazon.world, clients.amazon.credentials()
    grants = [world.grant("ALOCALSELLERNA", refresh_token=f"Atzr|wish-4-{number}") for number in range(200)]
    for _ in range(2):
        for grant in grants:
            sp = clients.make({**given, "refresh_token": grant.refresh_token})
            clients.do(lambda sp=sp: sp.sellers.get_account())
    assert clients.amazon.token_requests == 200
    clients.do(lambda: clients.make({**given, "refresh_token": "Atzr|wish-4-0"}, tokens=Tokens()).sellers.get_account())
    assert clients.amazon.token_requests == 201


def test_wish_5_what_a_process_shares_stands_threads_and_tasks(clients: Clients) -> None:
    """Clients made of nothing but credentials share tokens, restricted tokens and limits, from any thread."""
    world, given = clients.amazon.world, clients.amazon.credentials()
    names = [f"Atzr|wish-5-{clients.colour}-{number}" for number in range(4)]
    for name in names:
        world.grant("ALOCALSELLERNA", refresh_token=name)
    order = next(iter(world.account("ALOCALSELLERNA").orders))

    def made(number: int) -> Any:
        sp = clients.make({**given, "refresh_token": names[number % 4]}, tokens=None, limits=None)
        if number % 8 < 4:
            return sp.finances_v0.list_financial_events()
        return sp.orders_v0.get_order_address(order_id=order, restricted=True)

    answers = clients.at_once([lambda number=number: made(number) for number in range(48)])
    assert [one for one in answers if isinstance(one, Exception)] == []
    assert (clients.amazon.token_requests, len(clients.amazon.arrived(RDT))) == (4, 4)


def test_wish_6_nothing_hangs(clients: Clients) -> None:
    """Not the call; that tokens and documents have a time limit too is in test_defects_without_number."""
    sp = clients.make(timeout_s=0.05)
    clients.amazon.fail(answer="silence", times=9)
    with pytest.raises(NoAnswer, match="took longer than its time limit to answer"):
        clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE))
    clients.amazon.world.faults.clear()
    assert clients.do(lambda: sp.with_options(timeout_s=30).orders_v0.get_orders(created_after=SINCE)).status == 200


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("answer", ["html", "empty"])
def test_wish_7_a_5xx_that_is_no_json_is_an_error_with_its_status(clients: Clients, status: int, answer: str) -> None:
    """It broke the parser once, and was called a success then."""
    sp = clients.make()
    clients.amazon.fail(status=status, answer=answer, times=9)
    with pytest.raises(AmazonUnavailable) as caught:
        clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE))
    assert (caught.value.status, caught.value.retryable) == (status, True)


LISTS: dict[str, dict[str, Any]] = {
    "orders_v0.get_orders": {"created_after": SINCE},
    "orders_2026_01_01.search_orders": {"created_after": SINCE},
    "reports_2021_06_30.get_reports": {"report_types": [LISTINGS]},
    "fulfillment_inbound_v0.get_shipments": {"query_type": "DATE_RANGE", "last_updated_after": SINCE},
    "fba_inventory_v1.get_inventory_summaries": {"granularity_type": "Marketplace", "granularity_id": US},
    "catalog_items_2022_04_01.search_catalog_items": {"keywords": "shoe"},
    "finances_2024_06_19.list_transactions": {"posted_after": SINCE},
    "listings_items_2021_08_01.search_listings_items": {"seller_id": "ALOCALSELLERNA"},
}


@pytest.mark.parametrize("key", LISTS)
def test_wish_8_every_list_is_gone_through_in_one_way(clients: Clients, key: str) -> None:
    """Whatever the token is called, wherever it stands; an empty page does not end it, and it ends."""
    api, _, name = key.partition(".")
    sp = clients.make(marketplace="US")
    call = getattr(getattr(sp, api), name)
    if not key.startswith("orders"):  # which have as many as the shop has
        clients.amazon.world.page(key, 3, empty=(2,))
    else:
        call = lambda **given: getattr(getattr(sp, api), name)(max_results_per_page=5, **given)  # noqa: E731
    pages = clients.gather(lambda: call(**LISTS[key]).pages())
    items = clients.gather(lambda: call(**LISTS[key]).items())
    assert len(pages) >= 3
    assert items == [item for page in pages for item in page.own_items]


def test_wish_9_a_token_goes_alone_where_it_must(clients: Clients) -> None:
    """For reports, the token is all that may be sent; for inbound shipments, QueryType has to say so."""
    sp = clients.make(marketplace="US")
    for key in ("reports_2021_06_30.get_reports", "fulfillment_inbound_v0.get_shipments"):
        clients.amazon.world.page(key, 2)
        api, _, name = key.partition(".")
        clients.gather(lambda api=api, name=name, key=key: getattr(getattr(sp, api), name)(**LISTS[key]).items())
    reports, shipments = (
        [dict(one["query"]) for one in clients.amazon.arrived(path)]
        for path in ("/reports/2021-06-30/reports", "/fba/inbound/v0/shipments")
    )
    assert [list(query) for query in reports[1:]] == [["nextToken"]]
    assert {query["QueryType"] for query in shipments[1:]} == {"NEXT_TOKEN"}
    assert all(query["NextToken"] for query in shipments[1:])


def test_wish_10_a_report_is_read_in_its_own_encoding(clients: Clients) -> None:
    """Japanese reports say Shift_JIS and are cp932: what is in no Shift_JIS is read too."""
    text = "item-name\tseller-sku\r\n①㈱ほしかげ~\tA-1\r\n"
    clients.amazon.world.plan(
        Outcome(body=text, charset="cp932", content_type="text/plain;charset=Shift_JIS", gzip=True)
    )
    sp = clients.make(clients.amazon.credentials("seller-fe"), marketplace="JP")
    report = clients.do(lambda: sp.reports.fetch(LISTINGS))
    assert (report.text, report.bytes) == (text, text.encode("cp932"))
    assert list(report.rows()) == [{"item-name": "①㈱ほしかげ~", "seller-sku": "A-1"}]


SKUS = {
    "A/B": "A%2FB",
    "two words": "two%20words",
    "a+b": "a%2Bb",
    "50%": "50%25",
    "a,b": "a%2Cb",
    "Größe": "Gr%C3%B6%C3%9Fe",
    "?x=1&y#z": "%3Fx%3D1%26y%23z",
    "(it's)*!": "%28it%27s%29%2A%21",
    "a%2Fb": "a%252Fb",
}


@pytest.mark.parametrize("sku", SKUS)
def test_wish_11_a_sku_arrives_as_it_is(clients: Clients, sku: str) -> None:
    """In a path, in a query, and in a list."""
    sp = clients.make(marketplace="US")
    clients.do(lambda: sp.listings_items.delete_listings_item(seller_id="ALOCALSELLERNA", sku=sku))
    assert clients.amazon.arrived()[-1]["path"] == f"/listings/2021-08-01/items/ALOCALSELLERNA/{SKUS[sku]}"
    given = {"granularity_type": "Marketplace", "granularity_id": US}
    clients.do(lambda: sp.fba_inventory.get_inventory_summaries(seller_sku=sku, **given))
    assert dict(clients.amazon.arrived()[-1]["query"])["sellerSku"] == sku
    clients.do(lambda: sp.fba_inventory.get_inventory_summaries(seller_skus=[sku], **given))
    assert dict(clients.amazon.arrived()[-1]["query"])["sellerSkus"] == sku


def test_wish_12_a_huge_report_is_streamed_to_a_file(clients: Clients, tmp_path: Path) -> None:
    """Airbyte took 10 GB of memory for a report of 3.45 GB; Amazon's own option unzips twice what is unzipped once."""
    size, target = 24_000_000, tmp_path / "report.tsv"
    sp = clients.make()
    clients.do(lambda: sp.reports.fetch(LISTINGS))  # what is loaded once is not counted
    clients.amazon.world.plan(Outcome(size=size))
    tracemalloc.start()
    report = clients.do(lambda: sp.reports.fetch(LISTINGS, to=target))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert report.path == target
    assert size <= target.stat().st_size == report.size < 2 * size
    assert most < 12_000_000  # the local Amazon's part of it, too
    assert len(next(report.rows())) > 1
    assert list(tmp_path.iterdir()) == [target]


def test_wish_13_everything_can_be_awaited(clients: Clients) -> None:
    """The async client has what the blocking one has, by the same names."""
    sp = clients.make()
    if clients.colour == "blocking":
        orders = list(sp.orders.search_orders(created_after=SINCE, max_results_per_page=10).items())
    else:

        async def gone_through() -> list[Any]:
            assert isinstance(sp, AsyncSellingPartner)
            found = sp.orders.search_orders(created_after=SINCE, max_results_per_page=10).items()
            assert isinstance(found, AsyncIterable)
            async with sp:
                return [order async for order in found]

        orders = clients.runner.run(gone_through())
    assert len(orders) == 30
    answers = clients.at_once([lambda: sp.finances_v0.list_financial_events()] * 20)
    assert [one.status for one in answers] == [200] * 20


def test_wish_14_no_other_http_library_is_in_the_way() -> None:
    """A change of httpx or requests cannot break what does not use them."""
    code = """
import sys
from sellerport import AsyncSellingPartner, SellingPartner
SellingPartner({"refresh_token": "r", "lwa_app_id": "a", "lwa_client_secret": "s"}, environ={}).reports.get_reports
print(sorted({"httpx", "requests", "urllib3", "aiohttp", "h11"} & set(sys.modules)))
"""
    assert python(code) == "[]"


def test_wish_15_a_proxy_is_for_tokens_calls_and_documents(clients: Clients, proxy: Proxy) -> None:
    """Every request goes through it: those for tokens, and up- and downloads, too."""
    with proxied(clients, proxy) as wire:
        sp = clients.make(wire=wire)
        clients.do(lambda: sp.feeds.submit("JSON_LISTINGS_FEED", {"header": {}, "messages": []}))
    passed = [(one.method, one.url.removeprefix(clients.amazon.address).split("/")[1]) for one in proxy.heard]
    assert set(passed) == {
        ("POST", "api.amazon.com"),
        ("POST", "sellingpartnerapi-na.amazon.com"),
        ("GET", "sellingpartnerapi-na.amazon.com"),
        ("PUT", "_storage"),
        ("GET", "_storage"),
    }
    assert len(passed) == len(clients.amazon.world.requests)


def test_wish_16_an_access_token_alone_is_enough(clients: Clients) -> None:
    """No secret on the machine: somebody else fetches the token."""
    world = clients.amazon.world
    grant = world.grants["Atzr|local-seller-na"]
    token = world.issue_access_token(grant.application, grant)
    sp = clients.make({"access_token": token})
    assert clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE)).payload["Orders"]
    world.expire()
    with pytest.raises(TokenExpired, match="give a new one"):
        clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE))
    assert clients.amazon.token_requests == 0


def test_wish_17_many_accounts_side_by_side(clients: Clients, tmp_path: Path) -> None:
    """By name, out of a file or the environment; each keeps its own region and tokens."""
    america, europe = clients.amazon.credentials(), clients.amazon.credentials("seller-eu")
    written = tmp_path / "credentials.yml"
    written.write_text(
        "\n".join(
            line
            for name, section in (("default", america), ("europe", europe))
            for line in (f"{name}:", *(f"  {key}: {value}" for key, value in section.items()))
        )
    )
    written.chmod(0o600)
    environ = {"SELLERPORT_CREDENTIALS": str(written)}
    first = clients.make(None, environ=environ)
    second = clients.make(None, environ=environ, account="europe", marketplace="DE")
    answers = clients.at_once(
        [lambda sp=sp: sp.sellers.get_marketplace_participations() for sp in (first, second, first, second)]
    )
    countries = [sorted({one["marketplace"]["countryCode"] for one in answer.payload}) for answer in answers]
    assert countries == [["CA", "MX", "US"], ["DE", "ES", "FR", "GB", "IT"]] * 2
    assert clients.amazon.token_requests == 2


def test_wish_18_credentials_say_what_is_missing_and_show_nothing(clients: Clients, tmp_path: Path) -> None:
    """What goes where, in one error; and nothing that could end up in an issue."""
    with pytest.raises(CredentialsError) as nothing:
        clients.make(None, environ={"HOME": str(tmp_path)})
    for named in ("refresh_token", "SP_API_REFRESH_TOKEN", "LWA_APP_ID", "LWA_CLIENT_SECRET", str(tmp_path), "account"):
        assert named in str(nothing.value)
    with pytest.raises(CredentialsError, match="did you mean 'lwa_app_id'"):
        clients.make({"lws_app_id": "a", "refresh_token": "r", "lwa_client_secret": "s"})
    sp = clients.make()
    shown = [repr(sp), str(vars(sp)), str(nothing.value)]
    clients.amazon.world.revoke()
    with pytest.raises(Exception, match="consent again") as refused:
        clients.do(lambda: sp.sellers.get_account())
    shown += [str(refused.value), repr(refused.value)]
    assert [text for text in shown if "Atzr|" in text or "local-secret" in text] == []


def test_wish_19_the_sandbox_explains_itself(clients: Clients) -> None:
    """``Could not match input arguments`` means something that Amazon does not say."""
    sp = clients.make(sandbox=True)
    clients.amazon.fail(status=400, code="InvalidInput", message="Could not match input arguments")
    with pytest.raises(AmazonRefused, match="answers only the arguments that Amazon's model of the operation lists"):
        clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE))
    assert clients.amazon.arrived()[-1]["host"] == "sandbox.sellingpartnerapi-na.amazon.com"


@pytest.mark.parametrize("status", ["Brand-New", None, 7, ["a"]], ids=str)
def test_wish_20_an_answer_that_amazon_changed_is_still_read(clients: Clients, stand_in: StandIn, status: Any) -> None:
    """New values of enums, null where it may not be, other types: what is asked is checked, never what is answered."""
    body = {"payload": {"Orders": [{"OrderStatus": status}], "Unheard": {"of": 1}}}
    stand_in.say(body)
    sp = clients.make(amazon=stand_in.address)
    assert clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE)).data == body


def test_wish_21_a_new_version_can_be_called_before_there_is_a_release_for_it(clients: Clients) -> None:
    """Every version by its name, the newest by the short name, and what is newer still by its path."""
    sp = clients.make()
    assert clients.do(lambda: sp.orders.search_orders(created_after=SINCE))["orders"]
    assert clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE)).payload["Orders"]
    with pytest.raises(AccessDenied):  # the local Amazon has none; what counts is that it was asked
        clients.do(lambda: sp.call("POST", "/orders/2031-01-01/orders", {"a": [1, 2]}, body={"b": 3}))
    sent = clients.amazon.arrived()[-1]
    assert (sent["method"], sent["path"], sent["query"]) == ("POST", "/orders/2031-01-01/orders", [["a", "1,2"]])
    assert sent["body"] == {"b": 3}
    assert len(catalog.operations()) >= 370


def test_wish_22_everything_for_a_support_case_is_there(clients: Clients, stand_in: StandIn) -> None:
    """Status, headers, the body as it came and Amazon's request id, of answers and of errors."""
    stand_in.say({"payload": [1]}, x_amzn_requestid="req-1", X_Amzn_Trace_Id="Root=1")
    sp = clients.make(amazon=stand_in.address)
    result = clients.do(lambda: sp.sellers.get_marketplace_participations())
    assert (result.status, result.request_id, result.data) == (200, "req-1", {"payload": [1]})
    assert result.headers["x-amzn-trace-id"] == "Root=1"
    entries = [{"code": "InvalidInput", "message": "m", "details": "d"}, {"code": "Other", "message": "n"}]
    stand_in.say({"errors": entries}, 400, x_amzn_requestid="req-2")
    with pytest.raises(AmazonRefused) as caught:
        clients.do(lambda: sp.sellers.get_marketplace_participations())
    error = caught.value
    assert (error.status, error.amazon_code, error.message, error.details) == (400, "InvalidInput", "m", "d")
    assert (error.request_id, error.operation, list(error.errors)) == (
        "req-2",
        "sellers_v1.get_marketplace_participations",
        entries,
    )
    assert "req-2" in str(error)


def test_wish_23_the_package_is_typed(clients: Clients) -> None:
    """py.typed, a stub with every operation, and signatures that help() and editors show; tests/typing checks them."""
    package = resources.files("sellerport")
    assert (package / "py.typed").is_file()
    stub = (package / "operations.pyi").read_text("utf-8")
    defined = set(re.findall(r"^ +(?:async )?def (\w+)", stub, re.MULTILINE))
    assert {operation.name for operation in catalog.operations()} <= defined
    shown = inspect.signature(clients.make().orders_v0.get_order)
    assert {"order_id", "restricted"} <= set(shown.parameters)
    assert shown.parameters["order_id"].default is inspect.Parameter.empty


def test_wish_24_a_marketplace_is_never_put_in_the_place_of_one_that_was_given(clients: Clients) -> None:
    """Named in any way, sent as given; filled in only where there is none and one is needed."""
    sp = clients.make()  # of no marketplace in particular
    for given in ({"marketplace_ids": ["CA"]}, {"MarketplaceIds": ["A2EUQ1WTGCTBG2"]}, {"marketplace_ids": "CA"}):
        clients.do(lambda given=given: sp.orders_v0.get_orders(created_after=SINCE, **given))
    clients.do(lambda: sp.reports.create_report(body={"reportType": LISTINGS, "marketplaceIds": ["A2EUQ1WTGCTBG2"]}))
    clients.do(lambda: sp.orders.search_orders(created_after=SINCE))
    *orders, report, search = clients.amazon.arrived()
    assert [dict(one["query"])["MarketplaceIds"] for one in orders] == ["A2EUQ1WTGCTBG2"] * 3
    assert report["body"]["marketplaceIds"] == ["A2EUQ1WTGCTBG2"]
    assert "marketplaceIds" not in dict(search["query"])
    with pytest.raises(InvalidArguments, match="given twice"):
        clients.do(lambda: sp.orders_v0.get_orders(marketplace_ids=["CA"], MarketplaceIds=["US"]))


def test_wish_25_no_dependency_is_held_below_a_version() -> None:
    """Upper caps and exact pins made packages impossible to install side by side; boto3 is an extra."""
    needed = importlib.metadata.requires("sellerport") or []
    assert needed
    assert [one for one in needed if re.search(r"==|<|~=|!=", one.partition(";")[0])] == []
    always = {re.split(r"[^\w-]", one)[0] for one in needed if "extra ==" not in one}
    assert always & {"boto3", "httpx", "requests", "cryptography", "redis"} == set()


# Also


def test_wish_also_a_feed_is_one_call_and_any_text_can_be_in_it(clients: Clients) -> None:
    """python-amazon-sp-api encodes text as ISO-8859-1, and fails on the rest (peer-sdks.md, 1.1)."""
    sp = clients.make(marketplace="US")
    feed = {"header": {"sellerId": "ALOCALSELLERNA", "version": "2.0"}, "messages": [message(1, "こんにちは ①")]}
    result = clients.do(lambda: sp.feeds.submit("JSON_LISTINGS_FEED", feed))
    assert result.summary is not None
    assert (result.summary.processed, result.issues) == (1, ())
    assert result.document.json()["summary"]["messagesProcessed"] == 1


def message(number: int, title: str) -> dict[str, Any]:
    attributes = {"item_name": [{"value": title, "marketplace_id": US}]}
    return {
        "messageId": number,
        "sku": f"SKU-{number}",
        "operationType": "PARTIAL_UPDATE",
        "productType": "SHIRT",
        "attributes": attributes,
    }


def test_wish_also_an_upload_is_sent_as_it_was_stated_and_not_zipped(clients: Clients) -> None:
    """Amazon does not take zipped uploads, and its storage compares the Content-Type letter for letter."""
    sp = clients.make(marketplace="US")
    clients.do(lambda: sp.feeds.submit("POST_FLAT_FILE_LISTINGS_DATA", "sku\tprice\nA\t1 €\n"))
    created, put = (
        one for one in clients.amazon.arrived() if one["method"] == "PUT" or one["path"].endswith("/documents")
    )
    assert put["status"] == 200
    assert put["headers"]["content-type"] == created["body"]["contentType"]
    assert "content-encoding" not in put["headers"]
    assert put["headers"]["content-length"] == str(len("sku\tprice\nA\t1 €\n".encode()))


def test_wish_also_a_report_is_one_call(clients: Clients) -> None:
    """From its type to its rows; what did not come to data is told apart."""
    sp = clients.make(marketplace="US")
    told: list[str] = []
    report = clients.do(lambda: sp.reports.fetch(LISTINGS, progress=lambda news: told.append(news.status)))
    assert next(report.rows())["seller-sku"]
    assert told == ["IN_QUEUE", "IN_QUEUE", "IN_PROGRESS", "DONE"]
    for outcome in (Outcome(status="CANCELLED"), Outcome(status="FATAL")):
        clients.amazon.world.plan(outcome)
        with pytest.raises(DocumentError) as caught:
            clients.do(lambda: sp.reports.fetch(LISTINGS))
        assert caught.value.processing_status == outcome.status


def test_wish_also_a_queue_for_notifications_is_set_up_and_read(clients: Clients) -> None:
    """Which principal the queue must let in was the question of three issues; so was what arrives in it."""
    queue = "arn:aws:sqs:us-east-1:123456789012:notifications"
    (statement,) = sqs.queue_policy(queue)["Statement"]
    assert statement["Principal"] == {"AWS": "arn:aws:iam::437568002678:root"}
    assert {"sqs:SendMessage", "sqs:GetQueueAttributes"} <= set(statement["Action"])
    sp = clients.make()
    clients.do(
        lambda: sp.notifications.create_destination(
            body={"name": "queue", "resourceSpecification": {"sqs": {"arn": queue}}}
        )
    )
    assert clients.amazon.arrived()[-1]["body"]["resourceSpecification"]["sqs"]["arn"] == queue
    for body in (
        '{"NotificationType": "ORDER_CHANGE", "Payload": {"OrderChangeNotification": {"AmazonOrderId": "1"}}}',
        '{"notificationType": "ORDER_CHANGE", "payload": {"OrderChangeNotification": {"AmazonOrderId": "1"}}}',
    ):
        heard = parse(body)
        assert (heard.type, heard.payload["OrderChangeNotification"]["AmazonOrderId"]) == ("ORDER_CHANGE", "1")


def test_wish_also_throttling_can_be_escaped(clients: Clients) -> None:
    """A call that would wait for longer than one likes says so at once, and for how long."""
    clients.amazon.fail(status=429, times=9)
    sp = clients.make(patience_s=5)
    with pytest.raises(Throttled, match="try again in"):
        clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE))
    assert clients.slept == []
