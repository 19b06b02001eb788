"""Sponsored Products v3 and portfolios: what can be listed and written, and what is wrong with what can not."""

from typing import Any

import pytest

from sellerport.emulator.ads.sponsored_products import ENTITIES, Entity

from .conftest import FE, Ads

TODAY = "2026-09-21"


def _rows(ads: Ads, entity: Entity, **body: Any) -> list[Any]:
    found: list[Any] = ads.good("POST", f"{entity.path}/list", body)[entity.wrapper]
    return found


def test_pages_come_to_an_end_and_hold_everything_once(ads: Ads) -> None:
    seen: list[str] = []
    body: dict[str, Any] = {"maxResults": 10}
    while True:
        answer = ads.good("POST", "/sp/productAds/list", body)
        seen += [one["adId"] for one in answer["productAds"]]
        assert answer["totalResults"] == 35
        if "nextToken" not in answer:
            break
        body["nextToken"] = answer["nextToken"]
    assert len(seen) == len(set(seen)) == 35


def test_a_token_is_refused_with_other_filters_or_for_another_list(ads: Ads) -> None:
    token = ads.good("POST", "/sp/campaigns/list", {"maxResults": 1})["nextToken"]
    assert ads.send("POST", "/sp/campaigns/list", {"maxResults": 3, "nextToken": token}).status == 200
    filtered = {"nextToken": token, "stateFilter": {"include": ["ENABLED"]}}
    for path, body, profile in (
        ("/sp/campaigns/list", filtered, None),
        ("/sp/adGroups/list", {"nextToken": token}, None),
        ("/sp/campaigns/list", {"nextToken": token}, ads.profile_of("seller", "CA")),
        ("/sp/campaigns/list", {"nextToken": "nonsense"}, None),
    ):
        refused = ads.send("POST", path, body, profile=profile)
        assert (refused.status, refused.json["code"]) == (400, "INVALID_ARGUMENT")
        assert "nextToken" in refused.json["message"]


def test_filters_narrow_a_list(ads: Ads) -> None:
    campaigns = ads.good("POST", "/sp/campaigns/list", {})["campaigns"]
    assert {one["state"] for one in campaigns} == {"ENABLED", "PAUSED", "ARCHIVED"}
    ids = [campaigns[0]["campaignId"], campaigns[3]["campaignId"]]

    def names(**body: Any) -> list[str]:
        return [one["name"] for one in ads.good("POST", "/sp/campaigns/list", body)["campaigns"]]

    assert names(campaignIdFilter={"include": [*ids, "1"]}) == [campaigns[0]["name"], campaigns[3]["name"]]
    assert names(stateFilter={"include": ["PAUSED"]}) == ["Larkhollow brand"]
    assert len(names(nameFilter={"queryTermMatchType": "BROAD_MATCH", "include": ["SEASON"]})) == 2
    assert names(nameFilter={"queryTermMatchType": "EXACT_MATCH", "include": ["larkhollow brand"]}) == [
        "Larkhollow brand"
    ]
    assert names(nameFilter={"queryTermMatchType": "EXACT_MATCH", "include": ["larkhollow"]}) == []
    portfolio = campaigns[0]["portfolioId"]
    assert len(names(portfolioIdFilter={"include": [portfolio]})) == 4

    def count(path: str, wrapper: str, **body: Any) -> int:
        return len(ads.good("POST", f"/sp/{path}/list", body)[wrapper])

    assert count("adGroups", "adGroups", campaignTargetingTypeFilter="AUTO") == 2
    assert count("targets", "targetingClauses", campaignIdFilter={"include": ids[:1]}) == 4
    assert count("targets", "targetingClauses", expressionTypeFilter={"include": ["MANUAL"]}) == 4
    assert count("keywords", "keywords", matchTypeFilter=["EXACT"]) == 4
    text = ads.good("POST", "/sp/keywords/list", {"maxResults": 1})["keywords"][0]["keywordText"]
    word = {"queryTermMatchType": "EXACT_MATCH", "include": [text.upper()]}
    assert count("keywords", "keywords", keywordTextFilter=word) >= 1
    target = ads.good("POST", "/sp/negativeTargets/list", {})["negativeTargetingClauses"][0]
    asin = {"queryTermMatchType": "EXACT_MATCH", "include": [target["expression"][0]["value"]]}
    assert count("negativeTargets", "negativeTargetingClauses", asinFilter=asin) == 1


@pytest.mark.parametrize("states", [["enabled"], "ENABLED,PAUSED", ["ENABLED", "DELETED"]])
def test_states_are_an_upper_case_list(ads: Ads, states: Any) -> None:
    refused = ads.send("POST", "/sp/campaigns/list", {"stateFilter": {"include": states}})
    assert refused.status == 400
    assert refused.json["message"].startswith("1 validation error detected: Value '")
    assert "at 'stateFilter.include' failed to satisfy constraint: Member must satisfy enum" in refused.json["message"]


def test_a_list_takes_no_more_than_so_much(ads: Ads) -> None:
    for body in (
        {"maxResults": 0},
        {"maxResults": 1001},
        {"campaignIdFilter": {"include": ["1"] * 1001}},
        {"nameFilter": {"include": ["a"], "queryTermMatchType": "FUZZY"}},
        [],
    ):
        assert ads.send("POST", "/sp/campaigns/list", body).status == 400, body


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda one: one.wrapper)
def test_what_is_made_is_listed_changed_and_archived(ads: Ads, entity: Entity) -> None:
    item = _new(ads, entity)
    created = ads.made(entity.path, entity.wrapper, item, prefer="return=representation")
    id = created[entity.written or entity.id]
    assert id.isdigit()
    assert 14 <= len(id) <= 18
    shown = created[entity.one]
    assert shown[entity.id] == id
    assert shown["state"] == "ENABLED"
    assert {name: shown[name] for name in item if name != "budget"} == {n: v for n, v in item.items() if n != "budget"}

    plain = ads.good("PUT", entity.path, {entity.wrapper: [{entity.id: id, "state": "PAUSED"}]})[entity.wrapper]
    assert plain["error"] == []
    assert (entity.one in plain["success"][0]) == (entity.wrapper == "adGroups")
    (row,) = _rows(ads, entity, **{entity.filter: {"include": [id]}})
    assert row["state"] == "PAUSED"

    gone = ads.good("POST", f"{entity.path}/delete", {entity.filter: {"include": [id]}})[entity.wrapper]
    assert gone["success"] == [{"index": 0, entity.written or entity.id: id}]
    listed = {"include": [id]}
    assert [one["state"] for one in _rows(ads, entity, **{entity.filter: listed})] == ["ARCHIVED"]
    assert _rows(ads, entity, **{entity.filter: listed, "stateFilter": {"include": ["ENABLED", "PAUSED"]}}) == []
    reason = ("entityStateError", "ARCHIVED_ENTITY_CANNOT_BE_MODIFIED", f"$.{entity.wrapper}[0]")
    assert ads.wrong("PUT", entity.path, entity.wrapper, {entity.id: id, "state": "ENABLED"}) == [reason]


def _new(ads: Ads, entity: Entity) -> dict[str, Any]:
    item: dict[str, Any] = {"state": "ENABLED"}
    if entity.wrapper == "campaigns":
        budget = {"budget": 12.5, "budgetType": "DAILY"}
        return {**item, "name": "New", "targetingType": "MANUAL", "budget": budget, "startDate": "2026-10-01"}
    item["campaignId"] = ads.campaign(name="Parent")
    if entity.wrapper == "adGroups":
        return {**item, "name": "New", "defaultBid": 0.75}
    if not entity.wrapper.startswith("campaignNegative"):
        item["adGroupId"] = ads.ad_group(item["campaignId"])
    if entity.wrapper == "productAds":
        return {**item, "sku": "LHG-003"}
    if "eyword" in entity.wrapper:
        match = "NEGATIVE_EXACT" if "egative" in entity.wrapper else "BROAD"
        return {**item, "keywordText": "desk mat", "matchType": match}
    wanted = {"expressionType": "MANUAL", "bid": 0.6} if entity.wrapper == "targetingClauses" else {}
    return {**item, "expression": [{"type": "ASIN_SAME_AS", "value": "B000000001"}], **wanted}


def test_an_ad_says_which_asin_its_sku_is(ads: Ads) -> None:
    group = ads.ad_group(campaign := ads.campaign())
    ad = {"campaignId": campaign, "adGroupId": group, "sku": "LHG-003", "state": "ENABLED"}
    id = ads.made("/sp/productAds", "productAds", ad)["adId"]
    (row,) = ads.good("POST", "/sp/productAds/list", {"adIdFilter": {"include": [id]}})["productAds"]
    product = next(one for one in ads.amazon.world.accounts["ALOCALSELLERNA"].products if one.sku == "LHG-003")
    assert row["asin"] == product.asin


def test_an_automatic_campaign_gives_each_ad_group_four_targets(ads: Ads) -> None:
    group = ads.ad_group(ads.campaign(targetingType="AUTO"), defaultBid=0.9)
    filter = {"adGroupIdFilter": {"include": [group]}}
    targets = ads.good("POST", "/sp/targets/list", filter)["targetingClauses"]
    assert {(one["expression"][0]["type"], one["expressionType"], one["bid"]) for one in targets} == {
        ("QUERY_HIGH_REL_MATCHES", "AUTO", 0.9),
        ("QUERY_BROAD_REL_MATCHES", "AUTO", 0.9),
        ("ASIN_SUBSTITUTE_RELATED", "AUTO", 0.9),
        ("ASIN_ACCESSORY_RELATED", "AUTO", 0.9),
    }
    id = targets[0]["targetId"]
    ads.good("PUT", "/sp/targets", {"targetingClauses": [{"targetId": id, "state": "PAUSED", "bid": 1.1}]})
    changed = ads.good("POST", "/sp/targets/list", {"targetIdFilter": {"include": [id]}})["targetingClauses"][0]
    assert (changed["state"], changed["bid"]) == ("PAUSED", 1.1)
    refused = ads.good("POST", "/sp/targets/delete", {"targetIdFilter": {"include": [id]}})["targetingClauses"]
    said = refused["error"][0]["errors"][0]["errorValue"]["entityStateError"]
    assert said["reason"] == "AUTO_TARGETING_CLAUSE_CANNOT_BE_ARCHIVED_MANUALLY"


def test_an_ad_group_takes_what_its_campaign_is_targeted_by(ads: Ads) -> None:
    automatic, manual = ads.campaign(targetingType="AUTO"), ads.campaign(name="By hand")
    here = {"campaignId": automatic, "adGroupId": ads.ad_group(automatic), "state": "ENABLED"}
    there = {"campaignId": manual, "adGroupId": ads.ad_group(manual), "state": "ENABLED"}
    keyword = {"keywordText": "mat", "matchType": "EXACT"}
    target = {"expression": [{"type": "ASIN_SAME_AS", "value": "B000000001"}], "expressionType": "MANUAL"}
    reasons = [
        ads.wrong("POST", path, wrapper, item)[0][1]
        for path, wrapper, item in (
            ("/sp/keywords", "keywords", {**here, **keyword}),
            ("/sp/targets", "targetingClauses", {**here, **target}),
            ("/sp/targets", "targetingClauses", {**there, **target, "expressionType": "AUTO"}),
        )
    ]
    not_allowed = "TARGETING_TYPE_NOT_ALLOWED_FOR_AUTO_TARGETING_CAMPAIGN"
    assert reasons == [not_allowed, not_allowed, "AUTO_TARGETING_CLAUSE_CANNOT_BE_CREATED_MANUALLY"]
    ads.made("/sp/keywords", "keywords", {**there, **keyword})
    conflict = ads.wrong("POST", "/sp/targets", "targetingClauses", {**there, **target})
    assert conflict[0][:2] == ("targetingClauseSetupError", "TYPE_CONFLICT_IN_AD_GROUP")


def test_one_wrong_item_keeps_no_other_from_being_made(ads: Ads) -> None:
    good = {"targetingType": "AUTO", "state": "ENABLED", "budget": {"budget": 5, "budgetType": "DAILY"}}
    items = [{**good, "name": "Twice"}, {**good, "name": "Twice"}, {**good, "name": "Once"}]
    answer = ads.good("POST", "/sp/campaigns", {"campaigns": items})["campaigns"]
    assert [one["index"] for one in answer["success"]] == [0, 2]
    (failed,) = answer["error"]
    error = failed["errors"][0]
    assert (failed["index"], error["errorType"]) == (1, "duplicateValueError")
    said = error["errorValue"]["duplicateValueError"]
    assert said["reason"] == "DUPLICATE_VALUE"
    assert said["cause"] == {"location": "$.campaigns[1].name", "trigger": "Twice"}


def test_a_name_is_free_again_when_its_campaign_is_archived(ads: Ads) -> None:
    first = ads.campaign(name="Again")
    ads.good("POST", "/sp/campaigns/delete", {"campaignIdFilter": {"include": [first]}})
    assert ads.campaign(name="Again") != first


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"name": None}, ("missingValueError", "MISSING_VALUE", "name")),
        ({"targetingType": None}, ("missingValueError", "MISSING_VALUE", "targetingType")),
        ({"name": "  "}, ("malformedValueError", "BLANK", "name")),
        ({"name": " A"}, ("malformedValueError", "LEADING_OR_TRAILING_WHITESPACE", "name")),
        ({"name": "A" * 129}, ("malformedValueError", "TOO_LONG", "name")),
        ({"name": "A\tB"}, ("malformedValueError", "FORBIDDEN_CHARS", "name")),
        ({"budget": {"budget": 0.99}}, ("budgetError", "BUDGET_OUT_OF_MARKET_PLACE_RANGE", "budget.budget")),
        ({"budget": {"budget": 1_000_001}}, ("budgetError", "BUDGET_OUT_OF_MARKET_PLACE_RANGE", "budget.budget")),
        ({"startDate": "2026-09-19"}, ("dateError", "START_DATE_EARLIER_THAN_TODAY", "startDate")),
        ({"startDate": "20261001"}, ("dateError", "INVALID_DATE", "startDate")),
        (
            {"startDate": "2026-10-02", "endDate": "2026-10-01"},
            ("dateError", "START_DATE_AFTER_END_DATE", "startDate"),
        ),
        ({"endDate": "2026-09-20"}, ("dateError", "END_DATE_EARLIER_THAN_TODAY", "endDate")),
        ({"portfolioId": "1"}, ("parentEntityError", "PARENT_ENTITY_NOT_FOUND", "portfolioId")),
    ],
)
def test_a_campaign_that_cannot_be_made_says_why(ads: Ads, change: Any, expected: tuple[str, str, str]) -> None:
    item = {"name": "A", "targetingType": "AUTO", "state": "ENABLED", "budget": {"budget": 5, "budgetType": "DAILY"}}
    type, reason, field = expected
    found = ads.wrong("POST", "/sp/campaigns", "campaigns", {**item, **change})
    assert (type, reason, f"$.campaigns[0].{field}") in found


@pytest.mark.parametrize(
    ("path", "item", "expected"),
    [
        ("adGroups", {"campaignId": "1"}, ("parentEntityError", "PARENT_ENTITY_NOT_FOUND")),
        ("adGroups", {"campaignId": None}, ("missingValueError", "MISSING_VALUE")),
        ("adGroups", {"defaultBid": 0.01}, ("biddingError", "BID_OUT_OF_MARKET_PLACE_RANGE")),
        ("adGroups", {"defaultBid": 0.125}, ("biddingError", "BID_OUT_OF_MARKET_PLACE_RANGE")),
        ("adGroups", {"defaultBid": 21}, ("biddingError", "BID_GT_BUDGET")),
        ("adGroups", {"name": "A" * 256}, ("malformedValueError", "TOO_LONG")),
        ("productAds", {"sku": None, "asin": "B000000001"}, ("missingValueError", "MISSING_VALUE")),
        ("productAds", {"sku": "NO-SUCH"}, ("productIdentifierError", "INVALID_SKU")),
        ("productAds", {"adGroupId": "1"}, ("parentEntityError", "PARENT_ENTITY_NOT_FOUND")),
        ("keywords", {"keywordText": "a b c d e f g h i j k"}, ("malformedValueError", "TOO_LONG")),
        ("keywords", {"keywordText": "a" * 81}, ("malformedValueError", "TOO_LONG")),
        ("keywords", {"keywordText": "mat!"}, ("malformedValueError", "FORBIDDEN_CHARS")),
        ("keywords", {"bid": 1000.5}, ("biddingError", "BID_OUT_OF_MARKET_PLACE_RANGE")),
    ],
)  # fmt: skip
def test_what_cannot_be_made_in_a_campaign_says_why(
    ads: Ads, path: str, item: dict[str, Any], expected: tuple[str, str]
) -> None:
    campaign = ads.campaign()
    usual: dict[str, Any] = {"campaignId": campaign, "state": "ENABLED"}
    if path == "adGroups":
        usual |= {"name": "A group", "defaultBid": 0.5}
    else:
        usual |= {"adGroupId": ads.ad_group(campaign)}
        usual |= {"sku": "LHG-004"} if path == "productAds" else {"keywordText": "mat", "matchType": "EXACT"}
    assert expected in [one[:2] for one in ads.wrong("POST", f"/sp/{path}", path, {**usual, **item})]


def test_limits_are_those_of_the_country(ads: Ads) -> None:
    ads.profile = ads.profile_of("seller", "JP", FE)
    item = {"name": "A", "targetingType": "AUTO", "state": "ENABLED", "budget": {"budget": 99, "budgetType": "DAILY"}}
    for budget in (99, 500.5):
        item["budget"] = {"budget": budget, "budgetType": "DAILY"}
        found = ads.wrong("POST", "/sp/campaigns", "campaigns", item, host=FE)
        assert found[0][:2] == ("budgetError", "BUDGET_OUT_OF_MARKET_PLACE_RANGE")
    item["budget"] = {"budget": 500, "budgetType": "DAILY"}
    assert ads.made("/sp/campaigns", "campaigns", item, host=FE)


def test_a_vendor_advertises_asins(ads: Ads) -> None:
    ads.profile = ads.profile_of("vendor", "US")
    product = ads.amazon.world.accounts["ALOCALVENDORNA"].products[0]
    group = ads.ad_group(campaign := ads.campaign())
    item = {"campaignId": campaign, "adGroupId": group, "state": "ENABLED"}
    wrong = [
        ads.wrong("POST", "/sp/productAds", "productAds", {**item, **one})[0][:2]
        for one in ({"sku": product.sku}, {"asin": "B000000001"})
    ]
    assert wrong == [("missingValueError", "MISSING_VALUE"), ("productIdentifierError", "INVALID_ASIN")]
    assert ads.made("/sp/productAds", "productAds", {**item, "asin": product.asin})
    same = ads.wrong("POST", "/sp/productAds", "productAds", {**item, "asin": product.asin})
    assert same[0][:2] == ("duplicateValueError", "DUPLICATE_VALUE")


def test_a_parent_of_variations_is_not_eligible(ads: Ads) -> None:
    family = next(one.family for one in ads.amazon.world.accounts["ALOCALSELLERNA"].products if one.family)
    group = ads.ad_group(campaign := ads.campaign())
    item = {"campaignId": campaign, "adGroupId": group, "state": "ENABLED", "sku": family.sku}
    assert ads.wrong("POST", "/sp/productAds", "productAds", item)[0][:2] == ("adEligibilityError", "AD_INELIGIBLE")


def test_what_is_in_an_archived_campaign_stays_as_it_is_and_is_not_served(ads: Ads) -> None:
    group = ads.ad_group(campaign := ads.campaign())
    ads.good("POST", "/sp/campaigns/delete", {"campaignIdFilter": {"include": [campaign]}})
    wanted = {"adGroupIdFilter": {"include": [group]}, "includeExtendedDataFields": True}
    (row,) = ads.good("POST", "/sp/adGroups/list", wanted)["adGroups"]
    assert (row["state"], row["extendedData"]["servingStatus"]) == ("ENABLED", "CAMPAIGN_ARCHIVED")
    change = ads.wrong("PUT", "/sp/adGroups", "adGroups", {"adGroupId": group, "name": "Other"})
    assert change[0][:2] == ("entityStateError", "PARENT_ARCHIVED_FORBIDS_UPDATES")
    item = {"campaignId": campaign, "name": "Late", "state": "ENABLED", "defaultBid": 1}
    late = ads.wrong("POST", "/sp/adGroups", "adGroups", item)
    assert late == [("parentEntityError", "PARENT_ENTITY_ARCHIVED", "$.adGroups[0].campaignId")]


def test_serving_follows_from_states_parents_and_dates(ads: Ads) -> None:
    rows = ads.good("POST", "/sp/campaigns/list", {"includeExtendedDataFields": True})["campaigns"]
    assert [one["extendedData"]["servingStatus"] for one in rows] == [
        "CAMPAIGN_STATUS_ENABLED",
        "CAMPAIGN_STATUS_ENABLED",
        "CAMPAIGN_STATUS_ENABLED",
        "CAMPAIGN_PAUSED",
        "CAMPAIGN_ARCHIVED",
        "PENDING_START_DATE",
    ]
    assert rows[0]["extendedData"]["statusReasons"] == ["CAMPAIGN_STATUS_ENABLED_DETAIL"]

    def ads_of(campaign: Any) -> set[str]:
        body = {"campaignIdFilter": {"include": [campaign["campaignId"]]}, "includeExtendedDataFields": True}
        found = ads.good("POST", "/sp/productAds/list", body)["productAds"]
        return {one["extendedData"]["servingStatus"] for one in found}

    assert ads_of(rows[0]) == {"AD_STATUS_LIVE", "AD_PAUSED"}
    assert ads_of(rows[3]) == {"CAMPAIGN_PAUSED", "AD_PAUSED"}
    group = ads.good("POST", "/sp/adGroups/list", {"campaignIdFilter": {"include": [rows[0]["campaignId"]]}})[
        "adGroups"
    ]
    ads.good("PUT", "/sp/adGroups", {"adGroups": [{"adGroupId": group[0]["adGroupId"], "state": "PAUSED"}]})
    assert ads_of(rows[0]) == {"AD_GROUP_PAUSED", "AD_PAUSED"}
    ads.amazon.world.advance(25 * 86_400)
    ads.token = ads.amazon.token("Atzr|local-ads")
    assert ads_of(rows[5]) == {"AD_STATUS_LIVE", "AD_PAUSED"}


def test_a_change_touches_what_it_names_and_says_what_it_cannot(ads: Ads) -> None:
    id = ads.campaign(endDate="2026-12-31", dynamicBidding={"strategy": "MANUAL", "placementBidding": []})
    ads.ad_group(id, defaultBid=15)
    change = {"campaignId": id, "name": "Renamed", "budget": {"budget": 30}, "endDate": None}
    ads.good("PUT", "/sp/campaigns", {"campaigns": [change]})
    (row,) = ads.good("POST", "/sp/campaigns/list", {"campaignIdFilter": {"include": [id]}})["campaigns"]
    assert (row["name"], row["budget"]) == ("Renamed", {"budget": 30, "budgetType": "DAILY"})
    assert "endDate" not in row
    assert row["dynamicBidding"]["strategy"] == "MANUAL"
    assert row["startDate"] == TODAY
    for wish, expected in (
        ({"budget": {"budget": 14}}, ("budgetError", "BUDGET_LT_DEFAULT_BIDS", "$.campaigns[0].budget.budget")),
        ({"targetingType": "AUTO"}, ("otherError", "OTHER_ERROR", "$.campaigns[0].targetingType")),
        ({"name": "Larkhollow brand"}, ("duplicateValueError", "DUPLICATE_VALUE", "$.campaigns[0].name")),
    ):
        assert ads.wrong("PUT", "/sp/campaigns", "campaigns", {"campaignId": id, **wish}) == [expected]
    missing = ads.wrong("PUT", "/sp/campaigns", "campaigns", {"campaignId": "1", "name": "A"})
    assert missing == [("entityNotFoundError", "ENTITY_NOT_FOUND", "$.campaigns[0].campaignId")]
    old = ads.good("POST", "/sp/campaigns/list", {"maxResults": 1})["campaigns"][0]["campaignId"]
    started = ads.wrong("PUT", "/sp/campaigns", "campaigns", {"campaignId": old, "startDate": "2026-12-01"})
    assert started[0][:2] == ("dateError", "UPDATING_READ_ONLY_START_DATE")


@pytest.mark.parametrize(
    ("item", "place"),
    [
        ({"state": "enabled"}, "campaigns.1.member.state"),
        ({"state": "ARCHIVED"}, "campaigns.1.member.state"),
        ({"targetingType": "SEMI"}, "campaigns.1.member.targetingType"),
        ({"budget": {"budgetType": "LIFETIME"}}, "campaigns.1.member.budget.budgetType"),
        ({"budget": {"budget": "5"}}, "campaigns.1.member.budget.budget"),
        ({"budget": 5}, "campaigns.1.member.budget"),
    ],
)
def test_what_no_item_may_be_is_refused_before_any_is_made(ads: Ads, item: dict[str, Any], place: str) -> None:
    refused = ads.send("POST", "/sp/campaigns", {"campaigns": [item]})
    assert (refused.status, refused.json["code"]) == (400, "INVALID_ARGUMENT")
    assert f"'{place}'" in refused.json["message"]


def test_a_write_takes_from_one_to_a_thousand_items(ads: Ads) -> None:
    for body in ({}, {"keywords": []}, {"keywords": [{}] * 1001}, {"keywords": ["a"]}, None):
        assert ads.send("POST", "/sp/keywords", body).status == 400, body
    assert ads.send("POST", "/sp/keywords/delete", {"keywordIdFilter": {"include": []}}).status == 400
    assert ads.send("PUT", "/sp/keywords", {"keywords": [{"bid": 1}]}).status == 400


# --- portfolios -------------------------------------------------------------------------------------------------------


def test_portfolios_are_made_changed_and_listed_but_not_archived(ads: Ads) -> None:
    budget = {
        "amount": 500,
        "currencyCode": "USD",
        "policy": "DATE_RANGE",
        "startDate": "2026-10-01",
        "endDate": "2026-11-01",
    }
    made = ads.made("/portfolios", "portfolios", {"name": "Autumn", "state": "ENABLED", "budget": budget})
    id = made["portfolioId"]
    body = {"portfolioIdFilter": {"include": [id]}, "includeExtendedDataFields": "true"}
    (row,) = ads.good("POST", "/portfolios/list", body)["portfolios"]
    assert row["budget"] == budget
    assert row["extendedData"]["servingStatus"] == "PORTFOLIO_PENDING_START_DATE"
    ads.good("PUT", "/portfolios", {"portfolios": [{"portfolioId": id, "name": "Harvest"}]})
    (row,) = ads.good("POST", "/portfolios/list", {"nameFilter": {"include": ["harvest"]}})["portfolios"]
    assert row["portfolioId"] == id
    same = ads.wrong("POST", "/portfolios", "portfolios", {"name": "Harvest", "state": "ENABLED"})
    assert same[0][:2] == ("duplicateValueError", "DUPLICATE_VALUE")
    assert ads.send("POST", "/portfolios", {"portfolios": [{"name": "A", "state": "PAUSED"}]}).status == 400
    assert ads.send("POST", "/portfolios", {"portfolios": [{"name": "A"}] * 101}).status == 400


def test_budget_usage_tells_of_each_id(ads: Ads) -> None:
    id = ads.campaign()
    answer = ads.good("POST", "/sp/campaigns/budget/usage", {"campaignIds": ["1", id]})
    assert [(one["index"], one["campaignId"]) for one in answer["error"]] == [(0, "1")]
    assert [(one["index"], one["campaignId"], one["budget"]) for one in answer["success"]] == [(1, id, 20)]
    portfolios = ads.good("POST", "/portfolios/list", {})["portfolios"]
    usage = ads.good("POST", "/portfolios/budget/usage", {"portfolioIds": [one["portfolioId"] for one in portfolios]})
    assert usage["error"] == []
    assert len(usage["success"]) == 2
