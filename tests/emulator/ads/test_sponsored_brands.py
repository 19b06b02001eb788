"""Sponsored Brands: campaigns, ad groups and ads of v4, and the keywords, targets and themes of v3."""

from typing import Any

import pytest

from .conftest import Ads

CAMPAIGN = {"name": "Brand", "state": "ENABLED", "budget": 25.5, "budgetType": "DAILY"}
CREATIVE = {"asins": ["B000000001"], "brandName": "Larkhollow", "headline": "Made to last"}


def _campaign(ads: Ads, **more: Any) -> str:
    return str(ads.made("/sb/v4/campaigns", "campaigns", {**CAMPAIGN, **more})["campaignId"])


def _group(ads: Ads, campaign: str) -> str:
    item = {"campaignId": campaign, "name": "Group", "state": "ENABLED"}
    return str(ads.made("/sb/v4/adGroups", "adGroups", item)["adGroupId"])


def test_a_campaign_is_made_listed_changed_and_archived(ads: Ads) -> None:
    made = ads.made("/sb/v4/campaigns", "campaigns", CAMPAIGN, prefer="return=representation")
    id = made["campaignId"]
    assert made["campaign"]["budget"] == 25.5
    assert made["campaign"]["extendedData"]["servingStatus"] == "CAMPAIGN_STATUS_ENABLED"
    change = {"campaigns": [{"campaignId": id, "state": "PAUSED", "bidding": {"bidOptimization": False}}]}
    assert ads.good("PUT", "/sb/v4/campaigns", change)["campaigns"]["success"] == [{"index": 0, "campaignId": id}]
    wanted = {"campaignIdFilter": {"include": [id]}}
    listed = ads.good("POST", "/sb/v4/campaigns/list", wanted)
    assert (listed["totalCount"], listed["campaigns"][0]["state"]) == (1, "PAUSED")
    assert "extendedData" not in listed["campaigns"][0]
    ads.good("POST", "/sb/v4/campaigns/delete", wanted)
    assert ads.good("POST", "/sb/v4/campaigns/list", wanted)["campaigns"][0]["state"] == "ARCHIVED"
    found = ads.wrong("PUT", "/sb/v4/campaigns", "campaigns", {"campaignId": id, "name": "Other"})
    assert found[0][:2] == ("entityStateError", "ARCHIVED_ENTITY_CANNOT_BE_MODIFIED")


@pytest.mark.parametrize(
    ("path", "type"),
    [
        ("productCollection", "PRODUCT_COLLECTION"),
        ("productCollectionExtended", "PRODUCT_COLLECTION"),
        ("video", "VIDEO"),
        ("brandVideo", "BRAND_VIDEO"),
        ("storeSpotlight", "STORE_SPOTLIGHT"),
    ],
)
def test_an_ad_is_made_where_its_creative_is(ads: Ads, path: str, type: str) -> None:
    group = _group(ads, campaign := _campaign(ads))
    item = {"adGroupId": group, "name": "Ad", "state": "ENABLED", "landingPage": {}, "creative": CREATIVE}
    id = ads.made(f"/sb/v4/ads/{path}", "ads", item)["adId"]
    answer = ads.good("POST", "/sb/v4/ads/list", {"adIdFilter": {"include": [id]}})
    (row,) = answer["ads"]
    assert (row["campaignId"], row["creative"]["type"], answer["totalResults"]) == (campaign, type, 1)
    ads.good("PUT", "/sb/v4/ads", {"ads": [{"adId": id, "name": "Other"}]})
    ads.good("POST", "/sb/v4/ads/delete", {"adIdFilter": {"include": [id]}})
    (row,) = ads.good("POST", "/sb/v4/ads/list", {"adGroupIdFilter": {"include": [group]}})["ads"]
    assert (row["name"], row["state"]) == ("Other", "ARCHIVED")


def test_writes_and_lists_are_smaller_than_elsewhere(ads: Ads) -> None:
    items = [{**CAMPAIGN, "name": str(number)} for number in range(11)]
    assert ads.send("POST", "/sb/v4/campaigns", {"campaigns": items}).status == 400
    assert len(ads.good("POST", "/sb/v4/campaigns", {"campaigns": items[:10]})["campaigns"]["success"]) == 10
    assert ads.send("POST", "/sb/v4/campaigns/list", {"maxResults": 101}).status == 400
    assert ads.send("POST", "/sb/v4/campaigns/list", {"campaignIdFilter": {"include": ["1"] * 11}}).status == 400
    assert ads.send("POST", "/sb/v4/campaigns/list", {"stateFilter": {"include": ["enabled"]}}).status == 400
    pages, body = 0, {"maxResults": 5}
    while True:
        answer = ads.good("POST", "/sb/v4/campaigns/list", body)
        pages += 1
        if "nextToken" not in answer:
            break
        body["nextToken"] = answer["nextToken"]
    assert (pages, answer["totalCount"]) == (3, 12)


def test_what_is_wrong_is_told_as_sp_does(ads: Ads) -> None:
    for item, expected in (
        ({"budget": 0.5}, ("budgetError", "BUDGET_OUT_OF_MARKET_PLACE_RANGE", "$.campaigns[0].budget")),
        ({"budgetType": None}, ("missingValueError", "MISSING_VALUE", "$.campaigns[0].budgetType")),
        ({"name": "Larkhollow video"}, ("duplicateValueError", "DUPLICATE_VALUE", "$.campaigns[0].name")),
    ):
        assert ads.wrong("POST", "/sb/v4/campaigns", "campaigns", {**CAMPAIGN, **item}) == [expected]
    for refused in ({"budget": {"budget": 5}}, {"state": "enabled"}, {"budgetType": "WEEKLY"}):
        assert ads.send("POST", "/sb/v4/campaigns", {"campaigns": [{**CAMPAIGN, **refused}]}).status == 400


# --- v3 ---------------------------------------------------------------------------------------------------------------


def test_keywords_have_numbers_for_ids_and_lower_case(ads: Ads) -> None:
    campaign = _campaign(ads)
    place = {"campaignId": int(campaign), "adGroupId": int(_group(ads, campaign))}
    items = [
        {**place, "keywordText": "felt mat", "matchType": "broad", "bid": 1.5},
        {**place, "keywordText": "felt mat", "matchType": "BROAD"},
        {**place, "keywordText": "Felt Mat", "matchType": "broad"},
    ]
    first, unread, twice = ads.good("POST", "/sb/keywords", items)
    assert first["code"] == "SUCCESS"
    assert (unread["code"], twice["code"]) == ("INVALID_ARGUMENT", "INVALID_ARGUMENT")
    assert "matchType" in unread["description"]
    id = first["keywordId"]
    change = [{**place, "keywordId": id, "state": "paused", "bid": 2}]
    assert ads.good("PUT", "/sb/keywords", change) == [{"code": "SUCCESS", "keywordId": id}]
    row = {**place, "keywordId": id, "keywordText": "felt mat", "matchType": "broad", "bid": 2, "state": "paused"}
    assert ads.good("GET", f"/sb/keywords/{id}") == row
    assert ads.good("GET", f"/sb/keywords?adGroupIdFilter={place['adGroupId']}&stateFilter=paused") == [row]
    assert ads.good("DELETE", f"/sb/keywords/{id}") == {"code": "SUCCESS", "keywordId": id}
    assert ads.good("GET", f"/sb/keywords/{id}")["state"] == "archived"
    assert ads.send("DELETE", f"/sb/keywords/{id}").status == 400
    assert ads.send("GET", "/sb/keywords/1").status == 404


def test_keywords_are_turned_by_place_and_end_with_a_short_page(ads: Ads) -> None:
    whole = ads.good("GET", "/sb/keywords")
    pages = [ads.good("GET", f"/sb/keywords?startIndex={start}&count=2") for start in (0, 2, 4)]
    assert [len(page) for page in pages] == [2, 1, 0]
    assert pages[0] + pages[1] == whole
    assert ads.send("GET", "/sb/keywords?stateFilter=ENABLED").status == 400
    assert ads.send("GET", "/sb/keywords?count=many").status == 400
    (negative,) = ads.good("GET", "/sb/negativeKeywords")
    assert negative["matchType"] == "negativePhrase"


def test_targets_are_written_in_two_lists(ads: Ads) -> None:
    campaign = _campaign(ads)
    place = {"campaignId": int(campaign), "adGroupId": int(_group(ads, campaign))}
    for path, bid in (("targets", {"bid": 1.25}), ("negativeTargets", {})):
        wanted = {**place, "expressions": [{"type": "asinSameAs", "value": "B000000001"}], **bid}
        answer = ads.good("POST", f"/sb/{path}", {path: [wanted, {**wanted, "adGroupId": 1}]})
        (done,), (failed,) = answer["createTargetSuccessResults"], answer["createTargetErrorResults"]
        assert (done["targetRequestIndex"], failed["targetRequestIndex"]) == (0, 1)
        id = done["targetId"]
        listed = ads.good(
            "POST", f"/sb/{path}/list", {"filters": [{"filterType": "CAMPAIGN_ID", "values": [campaign]}]}
        )
        (row,) = listed[path]
        assert (row["targetId"], row["expressions"]) == (id, wanted["expressions"])
        update = ads.good("PUT", f"/sb/{path}", {path: [{"targetId": id, "state": "paused"}]})
        assert update["updateTargetSuccessResults"][0]["targetId"] == id
        assert ads.good("GET", f"/sb/{path}/{id}")["state"] == "paused"
        assert ads.good("DELETE", f"/sb/{path}/{id}")["code"] == "SUCCESS"


def test_themes_have_texts_for_ids(ads: Ads) -> None:
    campaign = _campaign(ads)
    theme = {
        "campaignId": campaign,
        "adGroupId": _group(ads, campaign),
        "bid": 1,
        "themeType": "KEYWORDS_RELATED_TO_YOUR_BRAND",
    }
    answer = ads.good("POST", "/sb/themes", {"themes": [theme, {**theme, "bid": 5000}]})
    assert [one["index"] for one in answer["error"]] == [1]
    id = answer["success"][0]["themeId"]
    assert isinstance(id, str)
    ads.good("PUT", "/sb/themes", {"themes": [{"themeId": id, "state": "paused", "bid": 2}]})
    wanted = {"themeIdFilter": {"include": [id]}, "stateFilter": {"include": ["paused"]}}
    (row,) = ads.good("POST", "/sb/themes/list", wanted)["themes"]
    assert (row["state"], row["bid"], row["campaignId"]) == ("paused", 2, campaign)
