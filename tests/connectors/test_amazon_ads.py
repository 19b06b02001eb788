"""Entities and actions of the Ads connector, against the local Amazon; what is asked is what Amazon's pages say."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from sellerport import AsyncAmazonAds, catalog
from sellerport.connectors import Execution, execute
from sellerport.connectors.amazon_ads import ENTITIES, operation_of
from sellerport.emulator.ads.advertisers import ADVERTISER, ADVERTISER_TOKEN
from sellerport.errors import AmazonRefused, InvalidArguments, UnknownOperation
from sellerport.limits import Limits
from sellerport.oauth import Tokens
from sellerport.wire import AsyncWire
from tests.conftest import LocalAmazon

SCOPE = "Amazon-Advertising-API-Scope"

LISTS = {
    "portfolios": ("/portfolios/list", "spPortfolio.v3", "portfolios"),
    "sponsored_product_campaigns": ("/sp/campaigns/list", "spCampaign.v3", "campaigns"),
    "sponsored_product_ad_groups": ("/sp/adGroups/list", "spAdGroup.v3", "adGroups"),
    "sponsored_product_keywords": ("/sp/keywords/list", "spKeyword.v3", "keywords"),
    "sponsored_product_product_ads": ("/sp/productAds/list", "spProductAd.v3", "productAds"),
    "sponsored_product_targets": ("/sp/targets/list", "spTargetingClause.v3", "targetingClauses"),
    "sponsored_product_negative_keywords": ("/sp/negativeKeywords/list", "spNegativeKeyword.v3", "negativeKeywords"),
    "sponsored_product_negative_targets": (
        "/sp/negativeTargets/list",
        "spNegativeTargetingClause.v3",
        "negativeTargetingClauses",
    ),
    "sponsored_brands_campaigns": ("/sb/v4/campaigns/list", "sbcampaignresource.v4", "campaigns"),
    "sponsored_brands_ad_groups": ("/sb/v4/adGroups/list", "sbadgroupresource.v4", "adGroups"),
}


class Connector:
    def __init__(self, amazon: LocalAmazon) -> None:
        self.amazon = amazon
        self.runner = asyncio.Runner()
        self.wire = AsyncWire()
        application = amazon.world.application()
        self.client = AsyncAmazonAds(
            client_id=application.client_id,
            client_secret=application.client_secret,
            refresh_token=ADVERTISER_TOKEN,
            amazon=amazon.address,
            environ={},
            tokens=Tokens(),
            limits=Limits(),
            wire=self.wire,
        )
        self.profile = next(
            one.id for one, _ in amazon.world.ads.seen_by(ADVERTISER) if (one.country, one.type) == ("US", "seller")
        )

    def __call__(self, entity: str, action: str, params: Mapping[str, Any] | None = None) -> Execution:
        return self.runner.run(execute(self.client, entity, action, params))

    def scoped(self, entity: str, action: str, params: Mapping[str, Any] | None = None) -> Execution:
        """Carry out an action for the profile, named as callers of the other connector name it."""
        return self(entity, action, {SCOPE: self.profile, **(params or {})})

    @property
    def asked(self) -> tuple[str, str, Any]:
        """Method, path and body of the last request."""
        last = self.amazon.arrived()[-1]
        return last["method"], last["path"], last["body"]


@pytest.fixture
def connector(amazon: LocalAmazon) -> Iterator[Connector]:
    made = Connector(amazon)
    yield made
    made.runner.run(made.wire.aclose())
    made.runner.close()


def test_every_entity_of_the_other_connector_is_there() -> None:
    assert set(ENTITIES) == {"profiles", *LISTS}
    for entity, actions in ENTITIES.items():
        with_get = entity in ("profiles", "portfolios", "sponsored_product_campaigns")
        assert set(actions) == ({"list", "get"} if with_get else {"list"})


@pytest.mark.parametrize("entity", LISTS)
def test_a_list_asks_as_amazon_wants_it_and_gives_the_whole_answer(connector: Connector, entity: str) -> None:
    path, media, key = LISTS[entity]
    found = connector.scoped(entity, "list")
    wanted = {"includeExtendedDataFields": True} if entity == "portfolios" else {"maxResults": 100}
    assert connector.asked == ("POST", path, wanted)
    headers = connector.amazon.arrived()[-1]["headers"]
    assert headers["accept"] == f"application/vnd.{media}+json"
    assert headers["content-type"] == headers["accept"]
    assert headers[SCOPE.lower()] == connector.profile
    assert found.data[key]
    assert found.meta == {"next_token": None}


def test_the_next_pages_token_is_beside_a_list_and_takes_it_on(connector: Connector) -> None:
    first = connector.scoped("sponsored_product_keywords", "list", {"maxResults": "2"})
    assert len(first.data["keywords"]) == 2
    assert first.meta == {"next_token": first.data["nextToken"]}
    given = {"next_token": first.data["nextToken"], "max_results": 2}
    second = connector.scoped("sponsored_product_keywords", "list", given)
    ids = [{one["keywordId"] for one in page.data["keywords"]} for page in (first, second)]
    assert ids[0].isdisjoint(ids[1])


def test_limit_is_how_many_a_page_has_where_a_list_has_pages(connector: Connector) -> None:
    assert len(connector.scoped("sponsored_product_keywords", "list", {"limit": 1}).data["keywords"]) == 1
    assert len(connector("profiles", "list", {"limit": 1}).data) > 1


@pytest.mark.parametrize("name", ["profile_id", "profileId", SCOPE])
def test_a_profile_goes_by_each_of_its_names_as_text_or_number(connector: Connector, name: str) -> None:
    connector("portfolios", "list", {name: int(connector.profile)})
    assert connector.amazon.arrived()[-1]["headers"][SCOPE.lower()] == connector.profile


def test_a_profile_that_is_missing_or_named_twice_is_told_before_anything_is_sent(connector: Connector) -> None:
    with pytest.raises(InvalidArguments, match=r"profile_id.*is required"):
        connector("sponsored_product_campaigns", "list")
    with pytest.raises(InvalidArguments, match="given twice"):
        connector("portfolios", "list", {"profile_id": "1", SCOPE: "2"})
    assert connector.amazon.arrived() == []


def test_profiles_come_as_amazon_writes_them_with_numbers_for_ids(connector: Connector) -> None:
    """Airbyte's ``check`` is the first of these."""
    found = connector("profiles", "list", {"profileTypeFilter": "seller,vendor", SCOPE: "7"})
    assert found.meta is None
    assert {one["accountInfo"]["type"] for one in found.data} == {"seller", "vendor"}
    assert connector.amazon.arrived()[-1]["query"] == [["profileTypeFilter", "seller,vendor"]]
    assert int(connector.profile) in [one["profileId"] for one in found.data]
    for given in (connector.profile, int(connector.profile)):
        one = connector("profiles", "get", {"profileId": given})
        assert (one.data["profileId"], one.meta) == (int(connector.profile), None)
        assert connector.asked[:2] == ("GET", f"/v2/profiles/{connector.profile}")


def test_get_takes_the_first_that_a_filter_finds(connector: Connector) -> None:
    listed = connector.scoped("sponsored_product_campaigns", "list").data["campaigns"][1]
    id = listed["campaignId"]
    for params in (
        {"campaignIdFilter": {"include": [id]}},
        {"campaign_id_filter": {"include": [int(id)]}},
        {"campaignIdFilter": {"include": id}},
        {"campaign_id": int(id)},
    ):
        found = connector.scoped("sponsored_product_campaigns", "get", params)
        assert (found.data, found.meta) == (listed, None)
        assert connector.asked[2] == {"campaignIdFilter": {"include": [id]}}
    portfolio = connector.scoped("portfolios", "list").data["portfolios"][0]
    assert connector.scoped("portfolios", "get", {"portfolio_id": portfolio["portfolioId"]}).data == portfolio
    assert connector.scoped("portfolios", "get", {"portfolio_id": "1"}).data is None


@pytest.mark.parametrize(
    ("entity", "filter"), [("portfolios", "portfolioIdFilter"), ("sponsored_product_campaigns", "campaignIdFilter")]
)
def test_get_without_a_filter_says_what_it_wants(connector: Connector, entity: str, filter: str) -> None:
    with pytest.raises(InvalidArguments, match=f"{filter}.*is required"):
        connector.scoped(entity, "get")
    assert connector.amazon.arrived() == []


@pytest.mark.parametrize("include", ["enabled, paused", ["ENABLED", "paused"]])
def test_states_may_come_comma_joined_and_in_lower_case(connector: Connector, include: Any) -> None:
    connector.scoped("sponsored_product_campaigns", "list", {"state_filter": {"include": include}})
    assert connector.asked[2] == {"maxResults": 100, "stateFilter": {"include": ["ENABLED", "PAUSED"]}}


def test_booleans_may_come_as_texts_and_nulls_are_left_out(connector: Connector) -> None:
    """The other connector sends the text "true", which is not what Amazon's page says."""
    connector.scoped("portfolios", "list", {"includeExtendedDataFields": "false", "stateFilter": None})
    assert connector.asked[2] == {"includeExtendedDataFields": False}


@pytest.mark.parametrize("action", ["context_store_search", "context_store_sql_query", "search"])
def test_a_search_of_a_copy_that_there_is_not_is_refused_with_the_reason(connector: Connector, action: str) -> None:
    with pytest.raises(UnknownOperation, match="there is none here: list asks Amazon"):
        connector("profiles", action, {"query": {"filter": {}}})
    assert connector.amazon.arrived() == []


@pytest.mark.parametrize(
    ("entity", "actions"),
    [("sp.campaigns", ("create", "update", "delete")), ("sp", ("campaigns.create", "campaigns.update"))],
)
def test_every_other_operation_is_an_action_of_its_group(
    connector: Connector, entity: str, actions: tuple[str, ...]
) -> None:
    campaign = {
        "name": "Made by an agent",
        "targetingType": "MANUAL",
        "state": "PAUSED",
        "startDate": "2030-01-01",
        "budget": {"budgetType": "DAILY", "budget": 10.0},
    }
    made = connector.scoped(entity, actions[0], {"campaigns": [campaign]})
    assert made.meta is not None
    assert (made.meta["status"], bool(made.meta["request_id"])) == (207, True)
    (success,) = made.data["campaigns"]["success"]
    changed = {"campaigns": [{"campaignId": success["campaignId"], "name": "Changed"}]}
    assert connector.scoped(entity, actions[1], changed).data["campaigns"]["error"] == []
    assert connector.asked[:2] == ("PUT", "/sp/campaigns")


def test_a_list_by_its_own_name_has_the_next_token_too(connector: Connector) -> None:
    for entity, action in (("sp.keywords", "list"), ("sp", "keywords.list")):
        found = connector.scoped(entity, action, {"max_results": 1})
        assert found.meta is not None
        assert found.meta["next_token"] == found.data["nextToken"]
        assert connector.asked[2] == {"maxResults": 1}


def test_an_operation_of_an_entity_that_the_other_connector_lacks_is_there(connector: Connector) -> None:
    created = connector.scoped("portfolios", "create", {"portfolios": [{"name": "New", "state": "ENABLED"}]})
    assert created.data["portfolios"]["success"]
    assert connector.asked[:2] == ("POST", "/portfolios")


def test_every_operation_of_the_catalogue_is_an_action_by_some_name() -> None:
    hidden = {f"{entity}.{action}" for entity, actions in ENTITIES.items() for action in actions}
    for operation in catalog.operations("ads"):
        entity, _, action = operation.key.rpartition(".")
        assert operation_of(entity, action) is operation or operation.key in hidden
        assert operation_of(operation.api, operation.name) is operation or operation.key in hidden


def test_what_does_not_exist_is_answered_with_what_does(connector: Connector) -> None:
    with pytest.raises(UnknownOperation, match="'sponsored_product_targets' has no action 'get'; it has list"):
        connector("sponsored_product_targets", "get")
    with pytest.raises(UnknownOperation, match=r"entities are profiles, portfolios, .*'sp.campaigns'"):
        connector("campaignz", "list")
    with pytest.raises(InvalidArguments, match=r"is a field of the body|is unknown"):
        connector.scoped("portfolios", "list", {"portfolios": 1, "nonsense": 2})
    assert connector.amazon.arrived() == []


def test_a_profile_of_nobody_is_amazons_to_refuse(connector: Connector) -> None:
    with pytest.raises(AmazonRefused, match="No matching advertiser found for scope"):
        connector("portfolios", "list", {SCOPE: "12345"})
