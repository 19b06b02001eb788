"""The unified v1: the same rows as v3, v4 and SD, in one model."""

from typing import Any

from sellerport.emulator import Fault

from .conftest import FE, Ads

SP = {"adProductFilter": {"include": ["SPONSORED_PRODUCTS"]}}
CAMPAIGN = {
    "adProduct": "SPONSORED_PRODUCTS",
    "name": "Unified",
    "state": "ENABLED",
    "marketplaceScope": "SINGLE_MARKETPLACE",
    "startDateTime": "2026-10-01T00:00:00Z",
    "budgets": [
        {
            "budgetType": "MONETARY",
            "recurrenceTimePeriod": "DAILY",
            "budgetValue": {"monetaryBudgetValue": {"monetaryBudget": {"value": 12.5}}},
        }
    ],
    "autoCreationSettings": {"autoCreateTargets": False},
    "optimizations": {
        "bidSettings": {
            "bidStrategy": "SALES_UP_AND_DOWN",
            "bidAdjustments": {"placementBidAdjustments": [{"placement": "TOP_OF_SEARCH", "percentage": 50}]},
        }
    },
}


def _write(ads: Ads, verb: str, resource: str, *items: Any) -> tuple[list[Any], list[Any]]:
    answer = ads.good("POST", f"/adsApi/v1/{verb}/{resource}", {resource: [*items]})
    return answer["success"], answer["error"]


def _one(ads: Ads, resource: str, item: Any) -> Any:
    (done,), failed = _write(ads, "create", resource, item)
    assert failed == []
    return done[resource[:-1]]


def test_a_whole_campaign_is_made_and_is_the_same_in_v3(ads: Ads) -> None:
    campaign = _one(ads, "campaigns", CAMPAIGN)
    id = campaign["campaignId"]
    (row,) = ads.good("POST", "/sp/campaigns/list", {"campaignIdFilter": {"include": [id]}})["campaigns"]
    assert (row["name"], row["targetingType"], row["startDate"]) == ("Unified", "MANUAL", "2026-10-01")
    assert row["budget"] == {"budget": 12.5, "budgetType": "DAILY"}
    placed = {"placement": "PLACEMENT_TOP", "percentage": 50}
    assert row["dynamicBidding"] == {"strategy": "AUTO_FOR_SALES", "placementBidding": [placed]}
    assert campaign["optimizations"] == CAMPAIGN["optimizations"]
    status = {"deliveryStatus": "NOT_DELIVERING", "deliveryReasons": ["CAMPAIGN_PENDING_START_DATE"]}
    assert campaign["status"] == status

    of = {"adProduct": "SPONSORED_PRODUCTS", "state": "ENABLED"}
    group = _one(ads, "adGroups", {**of, "campaignId": id, "name": "Group", "bid": {"defaultBid": 0.8}})["adGroupId"]
    product = {"productIdType": "SKU", "productId": "LHG-003"}
    creative = {"productCreative": {"productCreativeSettings": {"advertisedProduct": product}}}
    ad = _one(ads, "ads", {**of, "adGroupId": group, "adType": "PRODUCT_AD", "creative": creative})
    assert ad["campaignId"] == id

    word = {"keywordTarget": {"keyword": "mat", "matchType": "EXACT"}}
    keyword = {**of, "adGroupId": group, "negative": False, "targetType": "KEYWORD", "targetDetails": word}
    wanted = _one(ads, "targets", {**keyword, "bid": {"bid": 0.9}})
    unwanted = _one(ads, "targets", {**keyword, "negative": True})
    asin = {"matchType": "PRODUCT_EXACT", "product": {"productId": "B000000001"}, "productIdType": "ASIN"}
    elsewhere = {
        **of,
        "campaignId": id,
        "negative": True,
        "targetType": "PRODUCT",
        "targetDetails": {"productTarget": asin},
    }
    whole = _one(ads, "targets", elsewhere)
    for path, wrapper, made in (
        ("keywords", "keywords", wanted),
        ("negativeKeywords", "negativeKeywords", unwanted),
        ("campaignNegativeTargets", "campaignNegativeTargetingClauses", whole),
    ):
        rows = ads.good("POST", f"/sp/{path}/list", {"campaignIdFilter": {"include": [id]}})[wrapper]
        assert [one.get("keywordId") or one["targetId"] for one in rows] == [made["targetId"]]
    assert wanted["bid"] == {"bid": 0.9, "currencyCode": "USD"}


def test_targets_of_all_kinds_are_one_list(ads: Ads) -> None:
    def ids(**body: Any) -> set[str]:
        return {one["targetId"] for one in ads.good("POST", "/adsApi/v1/query/targets", {**SP, **body})["targets"]}

    book = ads.amazon.world.ads.book(ads.amazon.world.ads.profiles[ads.profile])
    everything = {
        row.id for kind, table in book.tables.items() for row in table.values()
        if kind.startswith("sp.") and kind not in ("sp.campaigns", "sp.adGroups", "sp.productAds")
    }  # fmt: skip
    assert ids() == everything
    negative = ids(negativeFilter={"include": [True]})
    assert negative | ids(negativeFilter={"include": [False]}) == everything
    assert len(negative) == 9
    assert len(ids(targetTypeFilter={"include": ["THEME"]})) == 8
    assert len(ids(campaignIdFilter={"include": [next(iter(book.rows("sp.campaigns")))]})) == 6


def test_other_ad_products_are_queried_changed_and_archived(ads: Ads) -> None:
    for product, path in (("SPONSORED_BRANDS", "sb.campaigns"), ("SPONSORED_DISPLAY", "sd.campaigns")):
        body = {"adProductFilter": {"include": [product]}}
        first, second = ads.good("POST", "/adsApi/v1/query/campaigns", body)["campaigns"]
        assert first["adProduct"] == product
        money = {"monetaryBudgetValue": {"monetaryBudget": {"value": 44}}}
        change = {"campaignId": first["campaignId"], "name": "Other", "budgets": [{"budgetValue": money}]}
        (done,), _ = _write(ads, "update", "campaigns", change)
        assert done["campaign"]["name"] == "Other"
        book = ads.amazon.world.ads.book(ads.amazon.world.ads.profiles[ads.profile])
        assert book.rows(path)[first["campaignId"]].budget == 44
        ads.good("POST", "/adsApi/v1/delete/campaigns", {"campaignIds": [second["campaignId"]]})
        assert book.rows(path)[second["campaignId"]].archived
    assert ads.good("POST", "/adsApi/v1/query/ads", {"adProductFilter": {"include": ["AMAZON_DSP"]}})["ads"] == []


def test_errors_are_flat_and_have_codes_of_their_own(ads: Ads) -> None:
    low = {
        **CAMPAIGN,
        "name": "Low",
        "budgets": [{"budgetValue": {"monetaryBudgetValue": {"monetaryBudget": {"value": 0}}}}],
    }
    taken = {**CAMPAIGN, "name": "Larkhollow brand"}
    brand = {**CAMPAIGN, "adProduct": "SPONSORED_BRANDS"}
    done, failed = _write(ads, "create", "campaigns", low, CAMPAIGN, taken, brand)
    assert [one["index"] for one in done] == [1]
    codes = [(one["index"], one["errors"][0]["code"], one["errors"][0]["fieldLocation"]) for one in failed]
    assert codes == [
        (0, "FIELD_VALUE_IS_OUT_OF_RANGE", "campaigns[0].budget.budget"),
        (2, "FIELD_VALUE_NOT_UNIQUE", "campaigns[2].name"),
        (3, "FIELD_VALUE_IS_INVALID", "campaigns[3].adProduct"),
    ]
    gone = ads.good("POST", "/adsApi/v1/delete/targets", {"targetIds": ["1"]})
    assert gone["error"][0]["errors"][0]["code"] == "RESOURCE_ID_NOT_FOUND"
    for path, body in (
        ("query/campaigns", {}),
        ("query/campaigns", {"adProductFilter": {"include": ["SPONSORED_RADIO"]}}),
        ("query/campaigns", {**SP, "maxResults": 1001}),
        ("create/campaigns", {"campaigns": []}),
        ("create/campaigns", {"campaigns": [{**CAMPAIGN, "state": "ARCHIVED"}]}),
        ("delete/ads", {"adIds": []}),
    ):
        refused = ads.send("POST", f"/adsApi/v1/{path}", body)
        assert (refused.status, set(refused.json)) == (400, {"code", "message"}), path


def test_only_the_first_item_meets_a_planned_error(ads: Ads) -> None:
    ads.amazon.world.fail(Fault(path="/adsApi/*", answer="items"))
    done, failed = _write(ads, "create", "campaigns", CAMPAIGN, {**CAMPAIGN, "name": "Second"})
    assert ([one["index"] for one in done], failed[0]["errors"][0]["code"]) == ([1], "INTERNAL_ERROR")


def test_pages_and_money_are_those_of_the_profile(ads: Ads) -> None:
    ads.profile = ads.profile_of("seller", "JP", FE)
    first = ads.good("POST", "/adsApi/v1/query/adGroups", {**SP, "maxResults": 4}, host=FE)
    token = {"nextToken": first["nextToken"], "maxResults": 4}
    second = ads.good("POST", "/adsApi/v1/query/adGroups", {**SP, **token}, host=FE)
    assert (len(first["adGroups"]), len(second["adGroups"])) == (4, 3)
    assert "nextToken" not in second
    assert first["adGroups"][0]["bid"]["currencyCode"] == "JPY"
    assert first["adGroups"][0]["marketplaces"] == ["JP"]
