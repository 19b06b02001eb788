"""The connectors' Python surface, in this process."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sellerport.connectors import (
    AirbyteAuthConfig,
    AmazonAdsAuthConfig,
    AmazonAdsConnector,
    AmazonSellerPartnerAuthConfig,
    AmazonSellerPartnerConnector,
    CheckResult,
    ExecuteResult,
    ExecuteResultWithMeta,
    Record,
    SellerportAuthConfig,
    fields,
)
from sellerport.connectors.configs import accepted
from sellerport.emulator.ads.advertisers import ADVERTISER_TOKEN
from sellerport.errors import CredentialsError, InvalidArguments, NotAllowed, SettingsError, UnknownOperation
from tests.connectors.conftest import Made

SINCE = "2020-01-01T00:00:00Z"
NA, EU, FE = (f"sellingpartnerapi-{one}.amazon.com" for one in ("na", "eu", "fe"))


@pytest.mark.parametrize(
    ("region", "account", "host", "marketplace"),
    [
        (None, "seller-na", NA, "ATVPDKIKX0DER"),
        ("NA", "seller-na", NA, "ATVPDKIKX0DER"),
        ("https://sellingpartnerapi-na.amazon.com", "seller-na", NA, "ATVPDKIKX0DER"),
        ("ca", "seller-na", NA, "A2EUQ1WTGCTBG2"),
        ("uk", "seller-eu", EU, "A1F83G8C2ARO7P"),
        ("eu", "seller-eu", EU, "A1PA6795UKMFR9"),
        ("A13V1IB3VIYZZH", "seller-eu", EU, "A13V1IB3VIYZZH"),
        ("https://sellingpartnerapi-fe.amazon.com/", "seller-fe", FE, "A1VC38T7YXB528"),
    ],
)
def test_a_region_may_be_written_in_every_form(
    made: Made, region: str | None, account: str, host: str, marketplace: str
) -> None:
    made.run(made.seller(account, region=region).execute("orders", "list", {"created_after": SINCE}))
    assert made.amazon.arrived()[-1]["host"] == host
    assert made.query()["MarketplaceIds"] == marketplace


@pytest.mark.parametrize("kind", ["seller", "ads"])
def test_a_region_that_does_not_exist_is_told_before_anything_is_sent(made: Made, kind: str) -> None:
    with pytest.raises(InvalidArguments, match=r"no such country.*'Atlantis'"):
        getattr(made, kind)(region="Atlantis")


def test_a_list_is_a_result_with_meta_and_a_get_the_object_itself(made: Made) -> None:
    async def scenario() -> None:
        async with made.seller() as connector:
            listed = await connector.execute("orders", "list", {"max_results_per_page": 5})
            assert isinstance(listed, ExecuteResultWithMeta)
            assert len(listed.data) == 5
            assert listed.meta["next_token"]
            found = await connector.execute("orders", "get", {"order_id": listed.data[0]["AmazonOrderId"]})
            assert found["AmazonOrderId"] == listed.data[0]["AmazonOrderId"]
            by_name = await connector.execute("sellers_v1", "get_marketplace_participations")
            assert by_name.meta["status"] == 200
            assert connector.connector_id is None
        profiles = await made.ads().execute("profiles", "list")
        assert type(profiles) is ExecuteResult
        assert isinstance(profiles.data[0]["profileId"], int)

    made.run(scenario())


def test_entities_are_objects_whose_records_have_attributes(made: Made) -> None:
    async def scenario() -> None:
        connector = made.seller()
        listed = await connector.orders.list(created_after=SINCE, max_results_per_page=2)
        order = listed.data[0]
        assert order.amazon_order_id == order["AmazonOrderId"]
        assert order.order_total.currency_code == "USD"
        assert listed.meta.next_token
        with pytest.raises(AttributeError, match=r"Amazon sent no order_totl; there are amazon_order_id"):
            order.order_totl  # noqa: B018  # that it raises
        items = await connector.order_items.list(order.amazon_order_id)
        assert items.data[0].seller_sku
        assert (await connector.orders.get(order.amazon_order_id)).amazon_order_id == order.amazon_order_id
        ads = made.ads()
        campaigns = await ads.sponsored_product_campaigns.list(profile_id=made.profile, state_filter=["ENABLED"])
        first = campaigns.data.campaigns[0]
        assert isinstance(first, Record)
        found = await ads.sponsored_product_campaigns.get(campaign_id=first.campaign_id, profile_id=made.profile)
        assert found == first
        assert (await ads.profiles.get(made.profile)).profile_id == int(made.profile)

    made.run(scenario())


def test_all_pages_come_as_one_and_no_more_than_asked_for(made: Made) -> None:
    async def scenario() -> None:
        connector = made.seller()
        one = {"created_after": SINCE, "max_results_per_page": 5}
        whole = await connector.execute("orders", "list", {"created_after": SINCE})
        every = await connector.execute("orders", "list", one, all_pages=True)
        assert every == whole
        assert len(whole.data) > 10
        begun = await connector.execute("orders", "list", one, all_pages=True, max_records=8)
        assert len(begun.data) == 10
        rest = await connector.execute(
            "orders", "list", {**one, "next_token": begun.meta["next_token"]}, all_pages=True
        )
        assert [*begun.data, *rest.data] == whole.data
        raw = await connector.execute("orders_v0", "get_orders", one, all_pages=True, select_fields=["AmazonOrderId"])
        assert [list(order) for order in raw.data["payload"]["Orders"]] == [["AmazonOrderId"]] * len(whole.data)
        events = {"max_results_per_page": 2}
        few = await connector.execute("list_financial_events", "list", events)
        found = await connector.execute("list_financial_events", "list", events, all_pages=True)
        assert len(found.data["ShipmentEventList"]) > len(few.data["ShipmentEventList"])
        ads = made.ads()
        params = {"profile_id": made.profile, "max_results": 2}
        keywords = await ads.execute("sponsored_product_keywords", "list", params, all_pages=True)
        ids = [one["keywordId"] for one in keywords.data["keywords"]]
        assert len(set(ids)) == len(ids) > 2
        assert keywords.meta == {"next_token": None}
        assert keywords.data["nextToken"] is None
        with pytest.raises(InvalidArguments, match=r"all_pages: is for lists that have pages"):
            await connector.execute("orders", "get", {"order_id": "1"}, all_pages=True)
        with pytest.raises(InvalidArguments, match="max_records"):
            await connector.execute("orders", "list", one, all_pages=True, max_records=0)

    made.run(scenario())


def test_writes_are_refused_unless_they_were_allowed(made: Made) -> None:
    params = {"profile_id": made.profile, "body": {"campaigns": []}}
    with pytest.raises(NotAllowed, match="allow_writes=True"):
        made.run(made.ads().execute("sp.campaigns", "create", params))
    with pytest.raises(NotAllowed, match="allow_writes=True"):
        made.run(made.seller().execute("reports_2021_06_30", "create_report", {"body": {}}))
    assert made.amazon.arrived() == []
    body = {
        "campaigns": [
            {
                "name": "from a connector",
                "state": "PAUSED",
                "targetingType": "MANUAL",
                "budget": {"budgetType": "DAILY", "budget": 10.0},
                "startDate": "2027-01-01",
            }
        ]
    }
    done = made.run(made.ads(allow_writes=True).execute("sp.campaigns", "create", {**params, "body": body}))
    assert done.data["campaigns"]["success"][0]["campaignId"]


def test_a_report_comes_as_rows_and_goes_to_a_file(made: Made, tmp_path: Path) -> None:
    async def scenario() -> None:
        connector = made.seller()
        new = await connector.execute("reports", "rows", {"reportType": "GET_MERCHANT_LISTINGS_ALL_DATA", "limit": 2})
        assert len(new.data) == 2
        assert new.meta["has_more"]
        same = await connector.reports.rows(report_id=new.meta["report_id"])
        assert same.data[:2] == new.data
        assert not same.meta.has_more
        document = await connector.reports.download(tmp_path / "listings.txt", report_id=new.meta["report_id"])
        assert len(list(document.rows())) == len(same.data)
        with pytest.raises(InvalidArguments, match="to: is no parameter"):
            await connector.execute("reports", "rows", {"report_type": "X", "to": "/tmp/x"})
        with pytest.raises(InvalidArguments, match="limit: must be a number"):
            await connector.execute("reports", "rows", {"report_type": "X", "limit": "all"})
        made.amazon.world.task_s = 0
        day = datetime.now(UTC).date() - timedelta(days=2)
        asked = {"start_date": day, "end_date": day, "columns": ["date", "campaignId", "cost"]}
        rows = await made.ads().reports.rows("spCampaigns", profile_id=made.profile, **asked)
        assert set(rows.data[0]) == {"date", "campaignId", "cost"}

    made.run(scenario())


def test_fields_are_chosen_from_each_record_here_too(made: Made) -> None:
    async def scenario() -> None:
        connector = made.seller()
        params = {"created_after": SINCE, "max_results_per_page": 2}
        chosen = await connector.execute("orders", "list", params, select_fields=["OrderTotal.Amount", "nothing"])
        assert [list(one) for one in chosen.data] == [["OrderTotal"]] * 2
        left = await connector.execute("orders", "list", params, exclude_fields=["OrderTotal"])
        assert all("OrderTotal" not in one and "AmazonOrderId" in one for one in left.data)

    made.run(scenario())


BODY = {"campaigns": [{"campaignId": "1", "budget": {"budget": 5}}, {"campaignId": "2"}], "nextToken": "x"}


@pytest.mark.parametrize(
    ("select", "exclude", "chosen"),
    [
        (["campaignId"], None, {"campaigns": [{"campaignId": "1"}, {"campaignId": "2"}], "nextToken": "x"}),
        (["campaigns"], None, {"campaigns": BODY["campaigns"]}),
        (["nextToken", "budget.budget"], None, {"nextToken": "x", "campaigns": [{"budget": {"budget": 5}}, {}]}),
        (["campaigns.campaignId"], None, {"campaigns": [{"campaignId": "1"}, {"campaignId": "2"}], "nextToken": "x"}),
        (None, ["budget", "nextToken"], {"campaigns": [{"campaignId": "1"}, {"campaignId": "2"}]}),
    ],
)
def test_fields_of_records_inside_an_answer(select: Any, exclude: Any, chosen: Any) -> None:
    assert fields.choose(BODY, select, exclude, "campaigns") == chosen


def test_long_texts_of_a_list_are_cut_when_asked_for(made: Made) -> None:
    choice = fields.Choice(skip_truncation=False)
    execution = fields.Execution([{"text": "x" * 300}], None)
    assert len(choice.of(execution, "list").data[0]["text"]) < 300
    assert choice.of(execution, "get") == execution


def test_a_check_says_what_was_tried_and_why_it_failed(made: Made) -> None:
    assert made.run(made.seller().check()) == CheckResult("healthy", None, "orders", "list")
    assert made.run(made.ads().check()).checked_entity == "profiles"
    made.amazon.world.revoke()
    found = made.run(made.seller(tokens=None).check())
    assert found.status == "unhealthy"
    assert "consent again" in (found.error or "")


def test_new_tokens_are_told_in_a_dictionary_whatever_becomes_of_it(
    made: Made, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[dict[str, Any]] = []

    async def told(tokens: dict[str, Any]) -> None:
        heard.append(tokens)
        raise RuntimeError("full")

    assert made.run(made.seller(on_token_refresh=told).check()).status == "healthy"
    assert [set(one) for one in heard] == [{"access_token", "token_type", "expires_in", "refresh_token"}]
    assert "on_token_refresh failed" in caplog.text
    assert heard[0]["access_token"] not in caplog.text


def test_entities_are_described_with_all_that_they_take() -> None:
    listed = {one["entity_name"]: one for one in AmazonSellerPartnerConnector.list_entities()}
    assert listed["reports"]["available_actions"] == ["list", "get", "rows"]
    needed = [one["name"] for one in listed["order_items"]["parameters"]["list"] if one["required"]]
    assert needed == ["order_id"]
    sizes = [one for one in listed["orders"]["parameters"]["list"] if one["name"] == "max_results_per_page"]
    assert sizes[0]["type"] == "integer"
    ads = {one["entity_name"]: one for one in AmazonAdsConnector.list_entities()}
    gets = ads["portfolios"]["parameters"]["get"]
    assert [one["name"] for one in gets if one["required"]] == ["portfolio_id_filter"]
    assert "profile_id" in [one["name"] for one in gets]
    assert all(one["description"] for one in (*listed.values(), *ads.values()))
    assert "get_orders" in AmazonSellerPartnerConnector.list_operations()["orders_v0"]
    assert "create" in AmazonAdsConnector.list_operations()["sp.campaigns"]


def test_an_entity_has_the_schema_of_its_records(caplog: pytest.LogCaptureFixture) -> None:
    schema = AmazonSellerPartnerConnector.entity_schema("orders")
    assert schema is not None
    assert {"AmazonOrderId", "OrderTotal"} <= schema["properties"].keys()
    assert "Money" in schema["$defs"]
    assert "campaignId" in (AmazonAdsConnector.entity_schema("sponsored_product_campaigns") or {})["properties"]
    assert caplog.records == []
    assert AmazonAdsConnector.entity_schema("nothing") is None
    assert "no entity 'nothing'" in caplog.text


def test_a_configuration_names_the_field_that_is_wrong() -> None:
    given = {"lwa_app_id": "a", "lwa_client_secret": "the-secret", "refresh_token": "the-token"}
    assert "the-" not in repr(AmazonSellerPartnerAuthConfig(**given))
    with pytest.raises(InvalidArguments, match=r"refresh_token: must be a text that is not empty"):
        AmazonSellerPartnerAuthConfig(**{**given, "refresh_token": " "})
    with pytest.raises(TypeError, match="aws_access_key"):
        AmazonSellerPartnerAuthConfig(**given, aws_access_key="x")
    with pytest.raises(TypeError, match="refresh_token"):
        AmazonAdsAuthConfig(client_id="x", client_secret="y")  # type: ignore[call-arg]  # that it raises
    with pytest.raises(InvalidArguments, match=r"external_user_id: names another one"):
        AirbyteAuthConfig(customer_name="a", external_user_id="b")
    for name in ("workspace_name", "customer_name", "external_user_id"):
        assert AirbyteAuthConfig(**{name: "ann"}).workspace_name == "ann"
        assert SellerportAuthConfig(**{name: "ann"}).customer_name == "ann"


def test_a_connector_says_which_configurations_it_takes() -> None:
    with pytest.raises(ValueError, match=r"auth_config: is required: one of AmazonAdsAuthConfig, AirbyteAuthConfig"):
        AmazonAdsConnector()
    with pytest.raises(TypeError, match=r"AmazonSellerPartnerAuthConfig, and has to be one of AmazonAdsAuthConfig"):
        AmazonAdsConnector(AmazonSellerPartnerAuthConfig(lwa_app_id="a", lwa_client_secret="b", refresh_token="c"))
    with pytest.raises(SettingsError, match="SELLERPORT_URL, SELLERPORT_CLIENT_ID, SELLERPORT_CLIENT_SECRET must"):
        AmazonAdsConnector(AirbyteAuthConfig(), environ={})


def test_another_packages_configuration_of_the_same_name_is_read() -> None:
    @dataclass
    class Foreign:
        external_user_id: str
        airbyte_client_id: str
        something_else: int = 7

    class Dumping:
        def model_dump(self) -> dict[str, Any]:
            return {"workspace_name": "ann", "connector_id": None}

    for kind, config in ((Foreign, Foreign("ann", "id")), (Dumping, Dumping())):
        kind.__name__ = "AirbyteAuthConfig"
        assert accepted(config, AirbyteAuthConfig).workspace_name == "ann"


def test_what_an_ads_application_lacks_the_environment_has(made: Made) -> None:
    application = made.amazon.world.application()
    environ = {"AD_API_CLIENT_ID": application.client_id, "AD_API_CLIENT_SECRET": application.client_secret}
    config = AmazonAdsAuthConfig(refresh_token=ADVERTISER_TOKEN)  # of the local Amazon
    AmazonAdsConnector(config, **{**made.shared, "environ": environ})
    with pytest.raises(CredentialsError, match="AD_API_CLIENT_ID"):
        AmazonAdsConnector(config, **made.shared)


def test_what_does_not_exist_is_answered_with_what_does(made: Made) -> None:
    with pytest.raises(UnknownOperation, match="it has list, get"):
        made.run(made.seller().execute("orders", "context_store_search", {"query": {}}))


def test_a_function_becomes_a_tool_by_the_connectors_class(made: Made) -> None:
    connector = made.seller()

    @AmazonSellerPartnerConnector.tool_utils
    async def execute(entity: str, action: str, params: dict[str, Any] | None = None) -> Any:
        """Ask Amazon."""
        return await connector.execute(entity, action, params or {})

    assert execute.__name__ == "execute"
    assert execute.__doc__.startswith("Ask Amazon.")
    assert all(one["entity_name"] in execute.__doc__ for one in connector.list_entities())
    assert made.run(execute("orders", "list")).data
