"""The connectors' Python surface through a server: the examples of Airbyte's pages, with another import."""

import asyncio

import pytest
from tests.server.conftest import CLIENT, CLIENT_SECRET, PUBLIC, SHOP, InProcessWire
from tests.server.test_ads_calls import connected, profile_of

from sellerport.connectors import (
    AirbyteAuthConfig,
    AmazonAdsConnector,
    AmazonSellerPartnerAuthConfig,
    AmazonSellerPartnerConnector,
    AmazonSellerPartnerReplicationConfig,
    SellerportAuthConfig,
)
from sellerport.connectors.tools import build_connector_tools
from sellerport.emulator import Fault
from sellerport.errors import (
    AmazonUnavailable,
    ConnectorAmbiguous,
    ConnectorNotFound,
    InvalidArguments,
    NotAllowed,
    NotFound,
    Throttled,
    Unauthenticated,
)
from sellerport.wire import Response

CONNECTORS = "/api/v1/integrations/connectors"
TOKEN = "/api/v1/account/applications/token"
SINCE = {"created_after": "2020-01-01T00:00:00Z"}


class CountingWire(InProcessWire):
    """Notes what was asked of the server, and for how long to wait; answers first with what is put into ``first``."""

    def __init__(self, app):
        super().__init__(app, PUBLIC)
        self.asked, self.slept, self.first, self.headers = [], [], [], []

    async def send(self, request):
        path = request.url.removeprefix(PUBLIC).partition("?")[0]
        self.asked.append(path)
        self.headers.append(request.headers)
        if self.first and path != TOKEN:
            return self.first.pop(0)
        return await super().send(request)

    async def sleep(self, seconds):
        self.slept.append(seconds)


def environ(server):
    return {
        "SELLERPORT_URL": PUBLIC,
        "AIRBYTE_CLIENT_ID": server.client_id,
        "AIRBYTE_CLIENT_SECRET": server.client_secret,
    }


def made(server, kind=AmazonSellerPartnerConnector, config=None, **options):
    """Return a connector, and the wire that it speaks through."""
    wire = CountingWire(server.app)
    options = {"wire": wire, "environ": environ(server), "jitter": lambda: 0.5, **options}
    return kind(config or AirbyteAuthConfig(customer_name="ann"), **options), wire


def own(server):
    """Credentials of an account, which its caller has."""
    granted = server.world.grant("ALOCALSELLERNA", "amzn1.sp.solution.test")
    return AmazonSellerPartnerAuthConfig(
        lwa_app_id=CLIENT, lwa_client_secret=CLIENT_SECRET, refresh_token=granted.refresh_token
    )


@pytest.mark.parametrize("name", ["workspace_name", "customer_name", "external_user_id"])
def test_a_customers_connector_is_found_by_each_of_the_names(sqlite_house, name):
    async def scenario(server):
        id = await server.connect("ann")
        config = AirbyteAuthConfig(
            **{name: "ann"},
            organization_id=server.organization.id,
            airbyte_client_id=server.client_id,
            airbyte_client_secret=server.client_secret,
        )
        connector, wire = made(server, config=config, environ={"SELLERPORT_URL": PUBLIC})
        async with connector:
            assert connector.connector_id is None
            listed = await connector.execute("orders", "list", {"max_results_per_page": 2, **SINCE})
            assert connector.connector_id == id
            assert len(listed.data) == 2
            order = listed.data[0]["AmazonOrderId"]
            assert (await connector.execute("orders", "get", {"order_id": order}))["AmazonOrderId"] == order
            assert (await connector.orders.get(order)).amazon_order_id == order
            assert (await connector.check()).status == "healthy"
        assert wire.asked.count(TOKEN) == wire.asked.count(CONNECTORS) == 1
        assert wire.headers[-1]["x-organization-id"] == server.organization.id

    sqlite_house.run(scenario)


def test_none_or_several_connectors_of_a_customer_are_told_with_what_to_do(sqlite_house):
    async def scenario(server):
        connector, _ = made(server)
        with pytest.raises(ConnectorNotFound, match="customer 'ann' has no amazon-seller-partner connector"):
            await connector.execute("orders", "list")
        assert isinstance(ConnectorNotFound(), ValueError)
        one = await server.connect("ann")
        kind = {"airbyte_config": AirbyteAuthConfig(customer_name="ann"), "auth_config": own(server)}
        other = await AmazonSellerPartnerConnector.create(
            **kind, wire=CountingWire(server.app), environ=environ(server)
        )
        with pytest.raises(ConnectorAmbiguous, match="give connector_id, one of") as caught:
            await connector.execute("orders", "list")
        assert one in str(caught.value)
        assert other.connector_id in str(caught.value)
        named, wire = made(server, config=AirbyteAuthConfig(connector_id=one))
        assert (await named.execute("orders", "list", SINCE)).data
        assert CONNECTORS not in wire.asked

    sqlite_house.run(scenario)


def test_connectors_are_made_and_consented_to_by_class(sqlite_house):
    async def scenario(server):
        config = SellerportAuthConfig(
            server=PUBLIC, client_id=server.client_id, client_secret=server.client_secret, customer_name="bea"
        )
        options = {"wire": CountingWire(server.app), "environ": {}}
        connector = await AmazonSellerPartnerConnector.create(
            airbyte_config=config,
            auth_config=own(server),
            name="Bea's shop",
            replication_config=AmazonSellerPartnerReplicationConfig(replication_start_date="2026-01-31T00:00:00Z"),
            region="CA",
            **options,
        )
        kept = await server.hub.connections.get(server.caller, connector.connector_id)
        assert (kept.customer, kept.name, kept.marketplace) == ("bea", "Bea's shop", "A2EUQ1WTGCTBG2")
        assert kept.replication_config == {"replication_start_date": "2026-01-31T00:00:00Z"}
        assert (await connector.execute("orders", "list", SINCE)).data
        link = await AmazonSellerPartnerConnector.get_consent_url(
            airbyte_config=config, redirect_url=f"{SHOP}?user=7", **options
        )
        ended = await server.browser.consent(link)
        assert ended.query["user"] == ["7"]
        assert "connector_id" in ended.query
        with pytest.raises(InvalidArguments, match="give either credentials, or"):
            await AmazonSellerPartnerConnector.create(airbyte_config=config, **options)

    sqlite_house.run(scenario)


def test_5_first_calls_at_once_fetch_one_token_and_look_up_once(sqlite_house):
    async def scenario(server):
        await server.connect("ann")
        connector, wire = made(server)
        await asyncio.gather(*(connector.execute("orders", "list", SINCE) for _ in range(5)))
        assert wire.asked.count(TOKEN) == wire.asked.count(CONNECTORS) == 1

    sqlite_house.run(scenario)


def test_20_the_tools_of_a_connector_keep_the_meta_and_take_the_spelling_of_python(sqlite_house):
    async def scenario(server):
        await server.connect("ann")
        connector, _ = made(server)
        execute = build_connector_tools(connector, "none").as_list()[-1]
        found = await execute("orders", "list", {"max_results_per_page": 2, **SINCE})
        assert len(found["data"]) == 2
        after = await execute("orders", "list", {"max_results_per_page": 2, "next_token": found["meta"]["next_token"]})
        assert len({order["AmazonOrderId"] for order in [*found["data"], *after["data"]]}) == 4

    sqlite_house.run(scenario)


def test_7_a_token_that_the_server_forgot_is_replaced_in_the_middle_of_a_session(sqlite_house):
    async def scenario(server):
        await server.connect("ann")
        connector, wire = made(server)
        await connector.execute("orders", "list", SINCE)
        server.clock.advance(2000)
        assert (await connector.execute("orders", "list", SINCE)).data
        assert wire.asked.count(TOKEN) == 2
        wrong, _ = made(server, environ={**environ(server), "AIRBYTE_CLIENT_SECRET": "wrong-secret"})
        with pytest.raises(Unauthenticated) as caught:
            await wrong.execute("orders", "list")
        assert "wrong-secret" not in str(caught.value)

    sqlite_house.run(scenario)


def test_7_what_was_refused_for_now_is_asked_again_and_a_write_is_not(sqlite_house):
    async def scenario(server):
        id = await server.connect("ann")
        connector, wire = made(server, config=AirbyteAuthConfig(connector_id=id), allow_writes=True)
        wire.first = [Response(429, {"retry-after": "7"}, b""), Response(503, {}, b"")]
        assert (await connector.execute("orders", "list", SINCE)).data
        assert wire.slept[0] == 7
        assert len(wire.slept) == 2
        wire.first = [Response(502, {}, b"no JSON")]
        assert (await connector.execute("orders", "list", SINCE)).data
        wire.first, wire.asked = [Response(502, {}, b"no JSON")], []
        with pytest.raises(Exception, match="502"):
            await connector.execute("reports_2021_06_30", "cancel_report", {"report_id": "1"})
        assert len(wire.asked) == 1
        wire.first, wire.slept = [Response(429, {"retry-after": "600"}, b"")], []
        with pytest.raises(Exception, match="429"):
            await connector.execute("orders", "list", SINCE)
        assert wire.slept == []
        server.world.fail(Fault(path="/orders/*", status=500, times=99))
        with pytest.raises(AmazonUnavailable):
            await connector.execute("orders", "list", SINCE)

    sqlite_house.run(scenario)


def test_what_the_server_raises_is_raised_here(sqlite_house):
    async def scenario(server):
        id = await server.connect("ann")
        connector, _ = made(server, config=AirbyteAuthConfig(connector_id=id))
        server.world.fail(Fault(path="/orders/*", status=429, times=99))
        with pytest.raises(Throttled):
            await connector.execute("orders", "list", SINCE)
        server.world.faults.clear()
        with pytest.raises(InvalidArguments, match="created_aftr"):
            await connector.execute("orders", "list", {"created_aftr": 1})
        with pytest.raises(NotAllowed, match="allow_writes"):
            await connector.execute("reports_2021_06_30", "create_report", {"body": {}})
        nobody, _ = made(server, config=AirbyteAuthConfig(connector_id="nobody"))
        with pytest.raises(NotFound):
            await nobody.execute("orders", "list")
        assert (await nobody.check()).status == "unhealthy"

    sqlite_house.run(scenario)


def test_fields_pages_and_reports_come_through_a_server_too(sqlite_house):
    async def scenario(server):
        id = await server.connect("ann")
        connector, _ = made(server, config=AirbyteAuthConfig(connector_id=id))
        one = {**SINCE, "max_results_per_page": 5}
        chosen = await connector.execute("orders", "list", one, select_fields=["AmazonOrderId"])
        assert [list(order) for order in chosen.data] == [["AmazonOrderId"]] * 5
        whole = await connector.execute("orders", "list", SINCE)
        every = await connector.execute("orders", "list", one, all_pages=True)
        assert every == whole
        raw = await connector.execute("orders_v0", "get_orders", one, select_fields=["AmazonOrderId"])
        assert list(raw.data["payload"]["Orders"][0]) == ["AmazonOrderId"]

    sqlite_house.run(scenario)


def test_advertising_comes_through_a_server_for_the_profile_that_is_named(sqlite_house):
    async def scenario(server):
        await connected(server)
        kept = (await server.hub.connections.all(server.caller, None))[0]
        config = AirbyteAuthConfig(external_user_id=kept.customer)
        connector, _ = made(server, AmazonAdsConnector, config)
        assert (await connector.execute("profiles", "list")).data
        params = {"Amazon-Advertising-API-Scope": profile_of(server, "DE"), "max_results": 2}
        every = await connector.execute(
            "sponsored_product_keywords", "list", params, all_pages=True, select_fields=["keywordId"]
        )
        assert len(every.data["keywords"]) > 2
        assert {tuple(one) for one in every.data["keywords"]} == {("keywordId",)}

    sqlite_house.run(scenario)
