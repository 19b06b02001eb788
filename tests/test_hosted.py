"""Calls through a real server, which holds the grant."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from sellerport import Hosted, SellingPartner, regions
from sellerport.cli.demo import Server, serving
from sellerport.connectors import AmazonSellerPartnerConnector, ExecuteResultWithMeta, Record, SellerportAuthConfig
from sellerport.errors import (
    GrantRevoked,
    InvalidArguments,
    NotFound,
    SellerportError,
    SettingsError,
    Throttled,
    Unauthenticated,
)
from sellerport.oauth import LwaClient
from sellerport.server.hub import Caller
from sellerport.server.settings import Settings
from sellerport.server.vault import create_key_file
from tests.conftest import LocalAmazon

SINCE = "2020-01-01T00:00:00Z"


@pytest.fixture
def server(amazon: LocalAmazon, tmp_path: Path) -> Iterator[Server]:
    create_key_file(tmp_path / "vault.key")
    given = {"database": str(tmp_path / "s.db"), "vault_key_file": str(tmp_path / "vault.key"), "port": "0"}
    with serving(Settings.read({}, {**given, "amazon": amazon.address})) as running:
        yield running


@pytest.fixture
def hosted(server: Server, amazon: LocalAmazon) -> Hosted:
    """A German seller's connection."""
    hub, given = server.up.hub, amazon.credentials("seller-eu")
    organization = server.do(hub.organizations.create("Acme"))
    api_client = server.do(hub.access.create_client(organization.id, "test"))
    connection = server.do(
        hub.connections.create(
            Caller(organization.id),
            customer="shop",
            name="shop",
            marketplace=regions.marketplace("DE"),
            refresh_token=given["refresh_token"],
            through=LwaClient(given["lwa_app_id"], given["lwa_client_secret"]),
        )
    )
    return Hosted(server.up.url, api_client.id, api_client.secret, connection.id)


def test_the_connections_own_marketplace_is_filled_in(hosted: Hosted, amazon: LocalAmazon) -> None:
    found = SellingPartner(connection=hosted).orders_v0.get_orders(created_after=SINCE)
    assert found.payload["Orders"]
    assert found.request_id
    (request,) = amazon.arrived()
    assert request["host"] == "sellingpartnerapi-eu.amazon.com"
    assert dict(request["query"])["MarketplaceIds"] == "A1PA6795UKMFR9"


def test_a_marketplace_that_is_given_is_sent(hosted: Hosted, amazon: LocalAmazon) -> None:
    SellingPartner(connection=hosted, marketplace="FR").orders_v0.get_orders(created_after=SINCE)
    assert dict(amazon.arrived()[-1]["query"])["MarketplaceIds"] == "A13V1IB3VIYZZH"


def test_arguments_are_checked_before_anything_is_sent(hosted: Hosted, amazon: LocalAmazon) -> None:
    with pytest.raises(InvalidArguments, match="did you mean 'created_after'"):
        SellingPartner(connection=hosted).orders_v0.get_orders(created_aftr=SINCE)  # type: ignore[call-arg]
    assert list(amazon.world.requests) == []


def test_what_the_server_raises_is_raised_here(hosted: Hosted, amazon: LocalAmazon) -> None:
    sp = SellingPartner(connection=hosted)
    amazon.fail(status=429, times=9)
    with pytest.raises(Throttled) as caught:
        sp.orders_v0.get_orders(created_after=SINCE)
    assert caught.value.retry_after > 0
    amazon.world.revoke()
    amazon.world.expire()
    with pytest.raises(GrantRevoked, match="has to consent again"):
        sp.sellers.get_account()


def test_a_wrong_secret_and_a_foreign_connection_are_told_apart(hosted: Hosted) -> None:
    wrong = Hosted(hosted.server, hosted.client_id, "wrong", hosted.connection)
    with pytest.raises(Unauthenticated):
        SellingPartner(connection=wrong).sellers.get_account()
    for connection in ("00000000-0000-4000-8000-000000000000", "../../account/applications/token?x="):
        other = Hosted(hosted.server, hosted.client_id, hosted.client_secret, connection)
        with pytest.raises(NotFound):
            SellingPartner(connection=other).sellers.get_account()


def test_a_server_that_is_none_of_ours_is_told(amazon: LocalAmazon) -> None:
    with pytest.raises(SellerportError, match="answered 403"):
        SellingPartner(connection=Hosted(amazon.address, "id", "secret", "x")).sellers.get_account()


@pytest.mark.parametrize("address", ["127.0.0.1:8080", "sellerport.test", "ftp://sellerport.test", "http://h:99999"])
def test_an_address_that_is_none_is_refused_with_how_it_is_written(address: str) -> None:
    with pytest.raises(SettingsError, match="SELLERPORT_URL"):
        Hosted(address, "id", "secret", "x")


def test_secrets_do_not_show(hosted: Hosted) -> None:
    assert hosted.client_secret not in repr(hosted)


def test_moments_and_sets_arrive_as_they_would_without_a_server(hosted: Hosted, amazon: LocalAmazon) -> None:
    sp = SellingPartner(connection=hosted)
    since = datetime(2020, 1, 1)  # naive, which means UTC
    sp.orders_v0.get_orders(created_after=since, order_statuses={"Shipped"})
    query = dict(amazon.arrived()[-1]["query"])
    assert (query["CreatedAfter"], query["OrderStatuses"]) == ("2020-01-01T00:00:00Z", "Shipped")


def test_the_connections_marketplace_is_filled_into_a_body(hosted: Hosted, amazon: LocalAmazon) -> None:
    SellingPartner(connection=hosted).call(
        "POST", "/reports/2021-06-30/reports", body={"reportType": "GET_MERCHANT_LISTINGS_ALL_DATA"}
    )
    assert amazon.arrived()[-1]["body"]["marketplaceIds"] == ["A1PA6795UKMFR9"]


def test_pages_go_on_through_a_server(hosted: Hosted) -> None:
    sp = SellingPartner(connection=hosted, marketplace="DE")
    ids = [one["orderId"] for one in sp.orders.search_orders(created_after=SINCE, max_results_per_page=2).items()]
    assert len(ids) == len(set(ids)) > 2


def test_what_only_a_grant_at_hand_can_do_is_refused(hosted: Hosted) -> None:
    sp = SellingPartner(connection=hosted)
    with pytest.raises(InvalidArguments, match="restricted: is not offered through a server"):
        sp.orders_v0.get_order(order_id="902-0000000-0000001", restricted=["buyerInfo"])
    with pytest.raises(InvalidArguments, match="sandbox: is the server's to decide"):
        sp.with_options(sandbox=True)


def test_documents_are_made_through_a_server_and_fetched_from_the_storage(hosted: Hosted, amazon: LocalAmazon) -> None:
    amazon.world.polls = 0
    sp = SellingPartner(connection=hosted, amazon=amazon.address)
    report = sp.reports.fetch("GET_MERCHANT_LISTINGS_ALL_DATA")
    assert next(report.rows())["seller-sku"]
    assert amazon.arrived("/reports/2021-06-30/reports")[0]["body"]["marketplaceIds"] == ["A1PA6795UKMFR9"]


def test_a_connector_for_agents_gets_a_reports_rows_through_the_server(hosted: Hosted, amazon: LocalAmazon) -> None:
    async def rows() -> ExecuteResultWithMeta[list[Record]]:
        config = SellerportAuthConfig(
            server=hosted.server,
            client_id=hosted.client_id,
            client_secret=hosted.client_secret,
            connector_id=hosted.connection,
        )
        async with AmazonSellerPartnerConnector(config, environ={"SELLERPORT_AMAZON": amazon.address}) as connector:
            return await connector.reports.rows("GET_MERCHANT_LISTINGS_ALL_DATA", limit=2)

    amazon.world.polls = 0
    found = asyncio.run(rows())
    assert len(found.data) == 2
    assert found.meta["has_more"]
