import json
from typing import Any
from urllib.parse import quote, urlencode

import jsonschema_rs
import pytest

from sellerport import catalog
from sellerport.catalog import Operation
from sellerport.emulator import World, page_tokens
from sellerport.errors import InvalidArguments, UnknownOperation

from .conftest import Local, Reply

US = "ATVPDKIKX0DER"
TRANSACTIONS = "/finances/2024-06-19/transactions"
PAGED = [one for one in catalog.operations() if one.paging is not None]
BY_TOKEN = [one for one in PAGED if one.paging and one.paging.kind == "token"]
BY_OFFSET = [one for one in PAGED if one.paging and one.paging.kind == "offset"]


def at(body: Any, path: str) -> Any:
    for step in path.split("."):
        body = body.get(step) if isinstance(body, dict) else None
    return body


def request(operation: Operation) -> tuple[str, dict[str, str], dict[str, Any]]:
    """The path, query and body of a first page."""
    path, query = operation.path, {}
    for parameter in operation.parameters:
        schema = parameter.schema.get("items", parameter.schema)
        sent = (
            US
            if "marketplaceid" in parameter.wire.lower()
            else str(schema.get("enum", ["1" * schema.get("minLength", 1)])[0])
        )
        if parameter.place == "path":
            path = path.replace(f"{{{parameter.wire}}}", quote(sent, safe=""))
        elif parameter.required and parameter.place == "query":
            query[parameter.wire] = sent
    return path, query, {}


def send(amazon: Local, operation: Operation, path: str, query: dict[str, str], body: dict[str, Any]) -> Reply:
    token = amazon.grantless(operation.scope) if operation.scope else amazon.token()
    sent = json.dumps(body) if operation.body else None
    return amazon.send(operation.method, f"{path}?{urlencode(query)}", sent, {"x-amz-access-token": token})


def walk(amazon: Local, operation: Operation, most: int = 9) -> list[Any]:
    """Every page of a list, asked for as the catalogue says."""
    paging = operation.paging
    assert paging is not None
    path, query, body = request(operation)
    found: list[Any] = []
    while len(found) < most:
        answer = send(amazon, operation, path, query, body)
        assert answer.status == 200, (operation.key, answer.body)
        found.append(answer.json)
        token = at(answer.json, paging.next)
        if token is None:
            return found
        if paging.via and operation.name != paging.via:
            operation = catalog.find(f"{operation.api}.{paging.via}")
            path, query, body = request(operation)
        query, body = ({}, {}) if paging.alone else (dict(query), dict(body))
        query |= paging.fixed
        (body if paging.place == "body" else query)[paging.token] = token
    return found


@pytest.mark.parametrize("operation", BY_TOKEN, ids=lambda operation: operation.key)
def test_every_list_comes_in_as_many_pages_as_were_planned(amazon: Local, operation: Operation) -> None:
    paging = operation.paging
    assert paging is not None
    amazon.world.page(operation.key, 3)
    pages = walk(amazon, operation)
    assert len(pages) == 3
    assert all(at(page, paging.items or "") for page in pages)
    assert len({json.dumps(at(page, paging.items or "")) for page in pages}) == 3
    schemas = catalog.schemas(operation.api)
    schema = {"$ref": f"#/$defs/{schemas.of(operation).responses['200']}", "$defs": schemas.definitions}
    for page in pages:
        assert jsonschema_rs.is_valid(schema, page)


def test_every_family_of_pages_is_among_them() -> None:
    assert len(BY_TOKEN) >= 75
    families = {(one.paging.token, one.paging.next) for one in BY_TOKEN if one.paging}
    assert len({token for token, _ in families}) == 6
    assert len({answer for _, answer in families}) >= 8


def test_a_page_may_be_empty_and_have_a_token(amazon: Local) -> None:
    body = {"operation": "finances_2024_06_19.listTransactions", "pages": 3, "empty": [2]}
    assert amazon.control("POST", "pages", body).json == {"paged": {"finances_2024_06_19.list_transactions": 3}}
    pages = walk(amazon, catalog.find("finances_2024_06_19.list_transactions"))
    assert [len(page["payload"]["transactions"]) > 0 for page in pages] == [True, False, True]
    assert ["nextToken" in page["payload"] for page in pages] == [True, True, False]


def test_an_object_of_lists_is_emptied_list_by_list(amazon: Local) -> None:
    amazon.world.page("finances_v0.list_financial_events", 2, empty=(1,))
    first, second = (
        page["payload"]["FinancialEvents"] for page in walk(amazon, PAGED_BY_NAME["list_financial_events"])
    )
    assert set(map(json.dumps, first.values())) == {"[]"}
    assert any(second.values())


PAGED_BY_NAME = {one.name: one for one in PAGED}


def test_a_broken_list_gives_the_same_token_for_ever(amazon: Local) -> None:
    for pages in (1, 2):
        amazon.world.page("vehicles_2024_11_01.get_vehicles", pages, repeat=True)
        found = walk(amazon, catalog.find("vehicles_2024_11_01.get_vehicles"), most=6)
        tokens = [page["pagination"]["nextToken"] for page in found]
        assert len(set(tokens[pages - 1 :])) == 1
        assert len(tokens) == 6


def test_it_stays_the_same_token_while_time_goes_by(amazon: Local) -> None:
    path = "/fba/inventory/v1/summaries"
    query = {"granularityType": "Marketplace", "granularityId": US, "marketplaceIds": US}
    amazon.world.page("fba_inventory_v1.get_inventory_summaries", 1, repeat=True)
    token = amazon.call("GET", path, **query).json["pagination"]["nextToken"]
    for _ in range(2):
        amazon.world.advance(10)
        assert amazon.call("GET", path, **query, nextToken=token).json["pagination"]["nextToken"] == token


def test_the_page_before_is_named_where_the_answer_has_a_place_for_it(amazon: Local) -> None:
    path = "/catalog/2022-04-01/items"
    query = {"marketplaceIds": US, "keywords": "mug"}
    amazon.world.page("catalog_items_2022_04_01.search_catalog_items", 2)
    first = amazon.call("GET", path, **query).json
    assert "previousToken" not in first["pagination"]
    second = amazon.call("GET", path, **query, pageToken=first["pagination"]["nextToken"]).json
    back = amazon.call("GET", path, **query, pageToken=second["pagination"]["previousToken"]).json
    assert back["items"] == first["items"]
    assert set(second["pagination"]) == {"previousToken"}
    amazon.world.page("services_v1.get_service_jobs", 2)
    _, last = walk(amazon, catalog.find("services_v1.get_service_jobs"))
    assert last["payload"]["previousPageToken"]


def test_the_arguments_of_the_first_page_come_with_the_token(amazon: Local) -> None:
    amazon.world.page("finances_2024_06_19.list_transactions", 2)
    query = {"postedAfter": "2026-09-01T00:00:00Z", "transactionStatus": "RELEASED"}
    token = amazon.call("GET", TRANSACTIONS, **query).json["payload"]["nextToken"]
    assert amazon.call("GET", TRANSACTIONS, **query, nextToken=token).status == 200
    assert amazon.call("GET", TRANSACTIONS, **{**query, "postedAfter": "2026-09-02"}, nextToken=token).error == (
        400,
        "InvalidInput",
        "nextToken was given with other values of: postedAfter",
    )
    alone = amazon.call("GET", TRANSACTIONS, nextToken=token)
    details = "nextToken was given with other values of: postedAfter, transactionStatus"
    assert alone.error == (400, "InvalidInput", details)


def test_a_token_belongs_to_its_operation_and_account(amazon: Local) -> None:
    amazon.world.page("finances_2024_06_19.list_transactions", 2)
    token = amazon.call("GET", TRANSACTIONS).json["payload"]["nextToken"]
    refused = (400, "InvalidInput", "nextToken is not valid")
    assert amazon.call("GET", TRANSACTIONS, amazon.token("Atzr|local-vendor-na"), nextToken=token).error == refused
    assert amazon.call("GET", "/finances/2024-06-19/balances", nextToken=token).error == refused
    assert amazon.call("GET", TRANSACTIONS, nextToken="x").error == refused


def test_a_token_is_checked_where_nothing_was_planned(amazon: Local) -> None:
    assert amazon.call("GET", TRANSACTIONS, nextToken="x").status == 400
    assert amazon.call("GET", "/finances/v0/financialEvents", NextToken="x").status == 400


@pytest.mark.parametrize(
    ("path", "kind", "first"),
    [
        ("/reports/2021-06-30/reports", "reports_2021_06_30.get_reports", {"reportTypes": "X"}),
        ("/feeds/2021-06-30/feeds", "feeds_2021_06_30.get_feeds", {"feedTypes": "X"}),
    ],
)
def test_a_token_that_stands_alone_suffers_nothing_beside_it(
    amazon: Local, path: str, kind: str, first: dict[str, str]
) -> None:
    amazon.world.page(kind, 2)
    token = amazon.call("GET", path, **first).json["nextToken"]
    assert amazon.call("GET", path, nextToken=token, **first).error == (
        400,
        "InvalidInput",
        "nextToken must be the only parameter",
    )
    assert "nextToken" not in amazon.call("GET", path, nextToken=token).json


def test_inbound_shipments_want_to_hear_that_a_token_comes(amazon: Local) -> None:
    path = "/fba/inbound/v0/shipments"
    amazon.world.page("fulfillment_inbound_v0.get_shipments", 2)
    query = {"MarketplaceId": US, "QueryType": "SHIPMENT", "ShipmentStatusList": "WORKING"}
    token = amazon.call("GET", path, **query).json["payload"]["NextToken"]
    details = "QueryType must be NEXT_TOKEN with NextToken"
    assert amazon.call("GET", path, **query, NextToken=token).error == (400, "InvalidInput", details)
    short = {"MarketplaceId": US, "QueryType": "NEXT_TOKEN", "NextToken": token}
    assert "NextToken" not in amazon.call("GET", path, **short).json["payload"]


def test_the_items_of_a_shipment_go_on_in_another_operation(amazon: Local) -> None:
    amazon.world.page("fulfillment_inbound_v0.get_shipment_items_by_shipment_id", 3, empty=(2,))
    one = "/fba/inbound/v0/shipments/FBA1/items"
    token = amazon.call("GET", one, MarketplaceId=US).json["payload"]["NextToken"]
    assert amazon.call("GET", one, MarketplaceId=US, NextToken=token).status == 400
    sizes = []
    while token:
        query = {"MarketplaceId": US, "QueryType": "NEXT_TOKEN", "NextToken": token}
        payload = amazon.call("GET", "/fba/inbound/v0/shipmentItems", **query).json["payload"]
        sizes.append(len(payload["ItemData"]))
        token = payload.get("NextToken") if len(sizes) < 5 else None
    assert sizes == [0, 2]


def test_a_token_for_inventory_lives_half_a_minute(amazon: Local) -> None:
    path = "/fba/inventory/v1/summaries"
    query = {"granularityType": "Marketplace", "granularityId": US, "marketplaceIds": US}
    amazon.world.page("fba_inventory_v1.get_inventory_summaries", 2)
    token = amazon.call("GET", path, **query).json["pagination"]["nextToken"]
    amazon.world.advance(29)
    assert amazon.call("GET", path, **query, nextToken=token).status == 200
    amazon.world.advance(1)
    assert amazon.call("GET", path, **query, nextToken=token).error == (400, "InvalidInput", "nextToken has expired")


def test_the_tokens_of_the_newest_orders_live_a_day(amazon: Local) -> None:
    path, query = "/orders/2026-01-01/orders", {"createdAfter": "2020-01-01T00:00:00Z", "maxResultsPerPage": "1"}
    token = amazon.call("GET", path, **query).json["pagination"]["nextToken"]
    amazon.world.advance(86_399)
    assert amazon.call("GET", path, **query, paginationToken=token).status == 200
    amazon.world.advance(1)
    assert amazon.call("GET", path, **query, paginationToken=token).error[2] == "paginationToken has expired"


@pytest.mark.parametrize("operation", BY_OFFSET, ids=lambda operation: operation.key)
def test_pages_that_are_counted_by_items_are_parts_of_one_list(amazon: Local, operation: Operation) -> None:
    amazon.world.page(operation.key, 3)

    def page(limit: int, offset: int) -> tuple[list[Any], int]:
        body = {"filters": {}, "pagination": {"limit": limit, "offset": offset}}
        answer = amazon.call(operation.method, operation.path, body=body)
        assert answer.status == 200, answer.body
        return answer.json["offers"], answer.json["pagination"]["totalResults"]

    pages = [page(4, offset) for offset in (0, 4, 8, 12)]
    assert [(len(offers), total) for offers, total in pages] == [(4, 12), (4, 12), (4, 12), (0, 12)]
    whole = [offer for offers, _ in pages for offer in offers]
    assert len(set(map(json.dumps, whole))) == 12
    assert page(4, 2)[0] == whole[2:6]
    amazon.world.page(operation.key, 3, empty=(2,))
    assert [len(page(4, offset)[0]) for offset in (0, 4, 8)] == [4, 0, 4]


@pytest.mark.parametrize("pagination", [{"limit": 0}, {"limit": "2"}, {"limit": 2, "offset": -1}, {"limit": True}])
def test_what_cannot_be_counted_is_refused(amazon: Local, pagination: Any) -> None:
    body = {"pagination": pagination, "filters": {}}
    answer = amazon.call("POST", "/replenishment/2022-11-07/offers/search", body=body)
    assert answer.error[:2] == (400, "InvalidInput")


def test_a_list_with_a_state_of_its_own_can_be_given_pages_too(amazon: Local) -> None:
    amazon.world.page("orders_v0.get_orders", 2, empty=(1,))
    first, second = walk(amazon, catalog.find("orders_v0.get_orders"))
    assert first["payload"]["Orders"] == []
    known = amazon.world.account("ALOCALSELLERNA").orders
    assert second["payload"]["Orders"][0]["AmazonOrderId"] not in known
    amazon.world.reset()
    answer = amazon.call("GET", "/orders/v0/orders", MarketplaceIds=US, CreatedAfter="2020-01-01")
    assert answer.json["payload"]["Orders"][0]["AmazonOrderId"] in known


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"operation": "sellers_v1.get_account", "pages": 2}, 422, "operation"),
        ({"operation": "finances_v0.list_financial_events", "pages": 0}, 422, "pages"),
        ({"operation": "finances_v0.list_financial_events", "pages": 2, "empty": [3]}, 422, "empty"),
        ({"operation": "replenishment.list_offers", "pages": 2, "repeat": True}, 422, "repeat"),
        ({"operation": "nothing.at_all", "pages": 2}, 404, "nothing"),
        ({"operation": "finances_v0.list_financial_events"}, 400, "pages"),
    ],
)
def test_what_is_wrong_with_planned_pages_is_said(amazon: Local, body: Any, status: int, says: str) -> None:
    answer = amazon.control("POST", "pages", body)
    assert answer.status == status
    assert says in answer.body.decode()
    assert not amazon.world.paged


def test_a_program_is_told_the_same() -> None:
    world = World(orders=0)
    with pytest.raises(InvalidArguments, match="pages: must be at least 1"):
        world.page("finances_v0.list_financial_events", 0)
    with pytest.raises(UnknownOperation):
        world.page("finances_v0.nothing", 1)


def test_only_the_latest_tokens_are_known(amazon: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_tokens, "REMEMBERED", 2)
    amazon.world.page("finances_2024_06_19.list_transactions", 2)
    queries = [{"postedAfter": f"2026-09-0{day}T00:00:00Z"} for day in (1, 2, 3)]
    tokens = [amazon.call("GET", TRANSACTIONS, **query).json["payload"]["nextToken"] for query in queries]
    answers = [
        amazon.call("GET", TRANSACTIONS, **query, nextToken=token) for query, token in zip(queries, tokens, strict=True)
    ]
    assert [one.status for one in answers] == [400, 200, 200]


def test_a_token_may_be_sent_again_by_a_client_whose_answer_was_lost(amazon: Local) -> None:
    amazon.world.page("finances_2024_06_19.list_transactions", 2)
    token = amazon.call("GET", TRANSACTIONS).json["payload"]["nextToken"]
    first, again = (amazon.call("GET", TRANSACTIONS, nextToken=token) for _ in range(2))
    assert (first.status, first.body) == (200, again.body)


def test_in_a_strict_world_a_token_is_used_up_when_the_next_page_was_asked_for(amazon: Local) -> None:
    key = amazon.token()
    amazon.world.login.strict = True
    amazon.world.page("finances_2024_06_19.list_transactions", 3)

    def turn(**query: str) -> Reply:
        return amazon.call("GET", TRANSACTIONS, key, **query)

    second, other = (turn().json["payload"]["nextToken"] for _ in range(2))
    thirds = [turn(nextToken=second).json["payload"]["nextToken"] for _ in range(2)]
    assert [turn(nextToken=token).status for token in (thirds[0], second, thirds[1], other)] == [200, 400, 200, 200]
