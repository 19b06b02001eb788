"""Pages: every way in which Amazon's lists go on, in both colours."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable
from typing import Any

import pytest

from sellerport import AsyncSellingPartner, catalog
from sellerport.catalog import Operation
from sellerport.errors import AmazonRefused, AmazonUnavailable
from sellerport.paging import at
from sellerport.restricted import RestrictedTokens
from tests.conftest import Clients

SINCE = "2020-01-01T00:00:00Z"
ALL = ["US", "CA", "MX"]
RDT = "/tokens/2021-03-01/restrictedDataToken"
PAGED = [one for one in catalog.operations() if one.paging is not None]


def test_items_goes_through_every_page(clients: Clients) -> None:
    sp = clients.make()
    orders = clients.gather(
        lambda: sp.orders_v0.get_orders(created_after=SINCE, marketplace_ids=ALL, max_results_per_page=7).items(),
    )
    ids = [order["AmazonOrderId"] for order in orders]
    assert len(ids) == len(set(ids)) == 30
    assert len(clients.amazon.arrived("/orders/v0/orders")) == 5


def test_pages_are_asked_for_when_they_are_reached(clients: Clients) -> None:
    sp = clients.make()

    async def two() -> int:
        pages = sp.orders_v0.get_orders(created_after=SINCE, marketplace_ids=ALL, max_results_per_page=7).pages()
        for _ in range(2):
            await anext(pages)
        return len(clients.amazon.arrived())

    if clients.colour == "async":
        assert clients.runner.run(two()) == 2
        return
    pages = sp.orders_v0.get_orders(created_after=SINCE, marketplace_ids=ALL, max_results_per_page=7).pages()
    assert len(next(pages).payload["Orders"]) == len(next(pages).payload["Orders"]) == 7
    assert len(clients.amazon.arrived()) == 2


def test_a_result_that_was_awaited_is_the_first_page(clients: Clients) -> None:
    sp = clients.make()
    first = clients.do(lambda: sp.orders.search_orders(created_after=SINCE, max_results_per_page=10))
    assert len(first["orders"]) == len(first.own_items) == 10
    rest = clients.gather(first.items)
    assert [one["orderId"] for one in rest[:10]] == [one["orderId"] for one in first["orders"]]
    assert len(rest) == 30


def test_pages_resume_from_a_token(clients: Clients) -> None:
    sp = clients.make()
    everything = clients.gather(lambda: sp.orders.search_orders(created_after=SINCE, max_results_per_page=10).items())
    first = clients.do(lambda: sp.orders.search_orders(created_after=SINCE, max_results_per_page=10))
    kept = json.loads(json.dumps(first.next_token))
    another = clients.make()
    asked = {"created_after": SINCE, "max_results_per_page": 10, "pagination_token": kept}
    assert clients.gather(lambda: another.orders.search_orders(**asked).items()) == everything[10:]


def test_an_error_on_a_later_page_is_raised_where_it_happens(clients: Clients) -> None:
    """python-amazon-sp-api's documented decorators never retry a later page (peer-sdks.md, 1.4.2)."""
    sp = clients.make()
    first = clients.do(
        lambda: sp.orders_v0.get_orders(created_after=SINCE, marketplace_ids=ALL, max_results_per_page=10)
    )
    clients.amazon.fail(status=429)
    assert len(clients.gather(first.items)) == 30
    assert clients.slept
    fresh = clients.make()
    again = clients.do(
        lambda: fresh.orders_v0.get_orders(created_after=SINCE, marketplace_ids=ALL, max_results_per_page=10)
    )
    clients.amazon.fail(status=500, times=10)
    with pytest.raises(AmazonUnavailable):
        clients.gather(again.items)


@pytest.mark.parametrize("operation", PAGED, ids=lambda one: one.key)
def test_every_list_of_the_catalogue_pages(clients: Clients, operation: Operation) -> None:
    assert operation.paging is not None
    clients.amazon.world.page(operation.key, 3, empty=[2])
    sp = clients.make(scripted_credentials(clients, operation), marketplace="US")
    call = getattr(getattr(sp, operation.api), operation.name)
    pages = clients.gather(lambda: call(**arguments(operation)).pages())
    assert [page.next_token is None for page in pages] == [False, False, True]
    first, empty, last = pages
    assert first.own_items
    assert last.own_items
    if isinstance(at(empty.data, operation.paging.items or ""), list) and operation.paging.kind == "token":
        assert empty.own_items == []
    assert clients.gather(first.items) == [*first.own_items, *empty.own_items, *last.own_items]


def test_a_token_that_comes_again_ends_the_pages(clients: Clients, caplog: pytest.LogCaptureFixture) -> None:
    clients.amazon.world.page("feeds_2021_06_30.get_feeds", 3, repeat=True)
    sp = clients.make()
    with caplog.at_level(logging.WARNING):
        assert len(clients.gather(lambda: sp.feeds.get_feeds(feed_types=["JSON_LISTINGS_FEED"]).pages())) == 3
    assert "token for the second time" in caplog.text


def test_a_token_that_must_be_alone_is(clients: Clients) -> None:
    clients.amazon.world.page("reports_2021_06_30.get_reports", 2)
    sp = clients.make(marketplace="US")
    clients.gather(lambda: sp.reports.get_reports(report_types=["GET_MERCHANT_LISTINGS_ALL_DATA"]).items())
    first, second = clients.amazon.arrived()
    assert sorted(dict(first["query"])) == ["marketplaceIds", "reportTypes"]
    assert list(dict(second["query"])) == ["nextToken"]


def test_items_are_counted_where_there_is_no_token(clients: Clients) -> None:
    clients.amazon.world.page("replenishment_2022_11_07.list_offers", 3)
    sp = clients.make()
    body = {
        "pagination": {"limit": 2, "offset": 0},
        "filters": {"marketplaceId": "ATVPDKIKX0DER", "programTypes": ["SUBSCRIBE_AND_SAVE"]},
    }
    pages = clients.gather(lambda: sp.replenishment.list_offers(body=body).pages())
    sent = [request["body"]["pagination"]["offset"] for request in clients.amazon.arrived()]
    assert sent == [0, len(pages[0].own_items), len(pages[0].own_items) + len(pages[1].own_items)]
    assert body["pagination"]["offset"] == 0


def test_a_call_of_many_pages_is_a_coroutine_too(amazon: Any) -> None:
    clients = Clients("async", amazon)
    sp: AsyncSellingPartner = clients.make()

    async def made() -> list[int]:
        task = asyncio.create_task(sp.orders.search_orders(created_after=SINCE))
        async with asyncio.TaskGroup() as group:
            other = group.create_task(sp.orders.search_orders(created_after=SINCE))
        return [len((await task).own_items), len(other.result().own_items)]

    assert clients.runner.run(made()) == [30, 30]
    clients.close()


def test_a_call_that_was_forgotten_is_told(amazon: Any) -> None:
    clients = Clients("async", amazon)
    sp = clients.make()
    with pytest.warns(RuntimeWarning, match=r"orders_2026_01_01\.search_orders was never awaited"):
        sp.orders.search_orders(created_after=SINCE)
    assert amazon.arrived() == []
    clients.close()


def scripted_credentials(clients: Clients, operation: Operation) -> dict[str, str]:
    return clients.amazon.credentials("vendor-na" if operation.api.startswith("vendor") else "seller-na")


def arguments(operation: Operation) -> dict[str, Any]:
    """Return something for everything that an operation requires."""
    given: dict[str, Any] = {}
    for parameter in operation.parameters:
        if parameter.required and parameter.name not in ("marketplace_id", "marketplace_ids"):
            given[parameter.name] = example(parameter.schema)
    if operation.body is not None:
        schemas = catalog.schemas(operation.api)
        name = schemas.of(operation).body
        assert name is not None
        given["body"] = example(schemas.definitions[name], schemas.definitions)
    if operation.paging is not None and operation.paging.kind == "offset":
        given["body"]["pagination"] = {"limit": 2, "offset": 0}
    return given


def example(schema: Any, definitions: Any = None) -> Any:
    """Return the least value that fits a schema."""
    if "$ref" in schema:
        return example(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "array":
            return [example(schema["items"], definitions)]
        case "integer" | "number":
            return max(2, schema.get("minimum", 0)) if schema.get("maximum", 100) >= 2 else 0
        case "boolean":
            return True
        case "string":
            return SINCE if schema.get("format") == "date-time" else "B0TEST0001".ljust(schema.get("minLength", 0), "0")
    required: Iterable[str] = schema.get("required", ())
    return {name: example(schema["properties"][name], definitions) for name in required}


def test_pages_of_answers_that_hold_several_lists_are_given_whole(clients: Clients) -> None:
    sp = clients.make()
    page = clients.do(lambda: sp.finances_v0.list_financial_events(posted_after=SINCE))
    assert clients.gather(page.items) == [page.payload["FinancialEvents"]]


def test_what_can_be_gone_through_once_is_the_same_on_every_page(clients: Clients) -> None:
    sp = clients.make(restricted_tokens=RestrictedTokens())
    asked = {"created_after": SINCE, "max_results_per_page": 10}

    def given() -> dict[str, Any]:
        return {
            "marketplace_ids": (one for one in ("us", "CA", "MX")),
            "order_statuses": {"Shipped": 1, "Unshipped": 2}.keys(),
            "restricted": (one for one in ("buyerInfo",)),
        }

    pages = clients.gather(lambda: sp.orders_v0.get_orders(**asked, **given()).pages())
    assert len(pages) > 1
    sent = [dict(one["query"]) for one in clients.amazon.arrived("/orders/v0/orders")]
    assert {one["OrderStatuses"] for one in sent} == {"Shipped,Unshipped"}
    assert {one["MarketplaceIds"] for one in sent} == {"ATVPDKIKX0DER,A2EUQ1WTGCTBG2,A1AM78C64UM0Y8"}
    shipped = [one for page in pages for one in page.own_items if one["OrderStatus"] == "Shipped"]
    assert all(one["BuyerInfo"].get("BuyerName") for one in shipped)
    (tokens,) = [one["body"]["restrictedResources"] for one in clients.amazon.arrived(RDT)]
    assert tokens[0]["dataElements"] == ["buyerInfo"]


def test_what_a_caller_does_with_his_arguments_later_changes_no_page(clients: Clients) -> None:
    clients.amazon.world.page("replenishment_2022_11_07.list_offers", 3)
    sp = clients.make()
    body = {
        "pagination": {"limit": 2, "offset": 0},
        "filters": {"marketplaceId": "ATVPDKIKX0DER", "programTypes": ["SUBSCRIBE_AND_SAVE"]},
    }
    first = clients.do(lambda: sp.replenishment.list_offers(body=body))
    body["pagination"]["offset"] = 4
    body["filters"]["programTypes"] = []  # type: ignore[index]
    assert len(clients.gather(first.pages)) == 3


@pytest.mark.parametrize("name", ["pagination_token", "paginationToken"])
def test_a_token_that_was_given_is_used_up(clients: Clients, name: str) -> None:
    clients.amazon.world.page("data_kiosk_2023_11_15.get_queries", 2, repeat=True)
    sp = clients.make()
    token = clients.do(lambda: sp.data_kiosk.get_queries()).next_token
    assert len(clients.gather(lambda: sp.data_kiosk.get_queries(**{name: token}).pages())) == 1


def test_errors_beside_an_empty_payload_are_no_empty_list(clients: Clients) -> None:
    clients.amazon.fail(status=200, body={"payload": None, "errors": [{"code": "InternalFailure", "message": "no"}]})
    sp = clients.make()
    with pytest.raises(AmazonRefused, match="InternalFailure no"):
        clients.gather(lambda: sp.orders_v0.get_orders(created_after=SINCE).items())
