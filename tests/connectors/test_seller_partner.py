"""Entities and actions over operations of the Selling Partner API, against the local Amazon."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from sellerport import AsyncSellingPartner, catalog
from sellerport.connectors import Execution, execute
from sellerport.connectors.seller_partner import ENTITIES
from sellerport.errors import AmazonRefused, InvalidArguments, UnknownOperation
from sellerport.limits import Limits
from sellerport.oauth import Tokens
from sellerport.wire import AsyncWire
from tests.conftest import LocalAmazon

NOW = 1_790_000_000.0


class Connector:
    def __init__(self, amazon: LocalAmazon) -> None:
        self.amazon = amazon
        self.runner = asyncio.Runner()
        self.wire = AsyncWire()
        shared = {"tokens": Tokens(), "limits": Limits(), "wire": self.wire}
        self.client = AsyncSellingPartner(amazon.credentials(), amazon=amazon.address, environ={}, **shared)

    def __call__(self, entity: str, action: str, params: Mapping[str, Any] | None = None) -> Execution:
        return self.runner.run(execute(self.client, entity, action, params, clock=lambda: NOW))

    @property
    def query(self) -> dict[str, str]:
        return dict(self.amazon.arrived()[-1]["query"])


@pytest.fixture
def connector(amazon: LocalAmazon) -> Iterator[Connector]:
    made = Connector(amazon)
    yield made
    made.runner.run(made.wire.aclose())
    made.runner.close()


@pytest.mark.parametrize(
    ("entity", "action"), [(entity, action) for entity, actions in ENTITIES.items() for action in actions]
)
def test_every_entity_stands_on_an_operation_that_exists(entity: str, action: str) -> None:
    found = ENTITIES[entity][action]
    operation = catalog.find(found.operation)
    names = {parameter.name for parameter in operation.parameters}
    assert {*found.unless, *found.defaults, *filter(None, [found.start])} <= names


def test_a_list_gives_its_records_and_the_next_pages_token(connector: Connector) -> None:
    first = connector("orders", "list", {"created_after": "2020-01-01T00:00:00Z", "max_results_per_page": 5})
    assert len(first.data) == 5
    assert first.meta is not None
    second = connector("orders", "list", {"NextToken": first.meta["next_token"], "MarketplaceIds": "ATVPDKIKX0DER"})
    assert {one["AmazonOrderId"] for one in first.data}.isdisjoint(one["AmazonOrderId"] for one in second.data)


def test_the_last_page_has_a_token_of_none(connector: Connector) -> None:
    found = connector("orders", "list", {"created_after": "2020-01-01T00:00:00Z"})
    assert found.meta == {"next_token": None}


def test_a_get_gives_the_object_and_no_meta(connector: Connector) -> None:
    order = connector("orders", "list").data[0]["AmazonOrderId"]
    found = connector("orders", "get", {"orderId": order})
    assert found.data["AmazonOrderId"] == order
    assert found.meta is None
    assert connector("order_items", "list", {"order_id": order}).data[0]["SellerSKU"]


@pytest.mark.parametrize("params", [None, {}, {"limit": 1}, {"created_before": None}])
def test_a_list_without_a_start_goes_back_two_years(connector: Connector, params: dict[str, Any] | None) -> None:
    connector("orders", "list", params)
    assert connector.query["CreatedAfter"] == "2024-09-21T14:13:20Z"
    assert connector.query["MarketplaceIds"] == "ATVPDKIKX0DER"
    assert connector.query.get("MaxResultsPerPage") == ("1" if params == {"limit": 1} else None)


def test_a_page_token_of_reports_goes_alone(connector: Connector) -> None:
    with pytest.raises(AmazonRefused, match="nextToken is not valid"):
        connector("reports", "list", {"nextToken": "abc"})
    assert connector.query == {"nextToken": "abc"}
    connector("reports", "list", {"limit": 3})
    assert connector.query == {"reportTypes": "GET_MERCHANT_LISTINGS_ALL_DATA", "pageSize": "3"}


def test_lists_may_come_comma_joined(connector: Connector) -> None:
    connector("catalog_items", "list", {"identifiers": "B000000000,B000000001", "identifiersType": "ASIN"})
    assert connector.query["identifiers"] == "B000000000,B000000001"


def test_every_operation_is_an_action_of_its_api_version(connector: Connector) -> None:
    for action in ("get_marketplace_participations", "getMarketplaceParticipations"):
        found = connector("sellers_v1", action)
        assert found.data["payload"]
        assert found.meta is not None
        assert found.meta["status"] == 200
        assert found.meta["request_id"]
    assert connector("orders", "search_orders", {"created_after": "2020-01-01T00:00:00Z"}).data["orders"]


def test_what_does_not_exist_is_answered_with_what_does(connector: Connector) -> None:
    with pytest.raises(UnknownOperation, match="entity 'orders' has no action 'lst'; it has list, get"):
        connector("orders", "lst")
    with pytest.raises(UnknownOperation, match="entities are orders, order_items"):
        connector("ordersss", "list")
    with pytest.raises(InvalidArguments, match="did you mean 'created_after'"):
        connector("orders", "list", {"created_aftr": "2020-01-01"})
    assert connector.amazon.arrived() == []
