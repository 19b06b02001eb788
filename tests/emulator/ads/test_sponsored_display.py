"""Sponsored Display: bare lists, numbers, lower case, dates without hyphens."""

from typing import Any

from .conftest import Ads

CAMPAIGN = {
    "name": "Display",
    "state": "enabled",
    "tactic": "T00020",
    "budgetType": "daily",
    "budget": 15.5,
    "startDate": "20261001",
}


def _made(ads: Ads, path: str, item: Any, id: str) -> int:
    (answer,) = ads.good("POST", f"/sd/{path}", [item])
    assert answer["code"] == "SUCCESS", answer
    return int(answer[id])


def test_what_is_made_is_listed_changed_and_archived(ads: Ads) -> None:
    campaign = _made(ads, "campaigns", CAMPAIGN, "campaignId")
    group = {
        "campaignId": campaign,
        "name": "Group",
        "state": "enabled",
        "defaultBid": 0.5,
        "bidOptimization": "clicks",
    }
    ad_group = _made(ads, "adGroups", group, "adGroupId")
    target = {
        "adGroupId": ad_group,
        "state": "enabled",
        "expressionType": "manual",
        "expression": [{"type": "views", "value": [{"type": "exactProduct"}, {"type": "lookback", "value": "30"}]}],
        "bid": 0.7,
    }
    negative = {
        "adGroupId": ad_group,
        "state": "enabled",
        "expressionType": "manual",
        "expression": [{"type": "asinSameAs", "value": "B000000001"}],
    }
    ad = {"campaignId": campaign, "adGroupId": ad_group, "state": "enabled", "sku": "LHG-003"}
    for path, id, item in (
        ("productAds", "adId", ad),
        ("targets", "targetId", target),
        ("negativeTargets", "targetId", negative),
    ):
        made = _made(ads, path, item, id)
        row = ads.good("GET", f"/sd/{path}/{made}")
        assert {name: row[name] for name in item} == item
        assert ads.good("PUT", f"/sd/{path}", [{id: made, "state": "paused"}]) == [{"code": "SUCCESS", id: made}]
        assert ads.good("GET", f"/sd/{path}?adGroupIdFilter={ad_group}&stateFilter=paused")[0][id] == made
        assert ads.good("DELETE", f"/sd/{path}/{made}") == {"code": "SUCCESS", id: made}
        assert ads.good("GET", f"/sd/{path}/{made}")["state"] == "archived"
        extended = ads.good("GET", f"/sd/{path}/extended/{made}")
        assert extended["servingStatus"].endswith("_STATUS_ARCHIVED")
    row = ads.good("GET", f"/sd/campaigns/{campaign}")
    assert row == {**CAMPAIGN, "campaignId": campaign, "costType": "cpc"}
    assert ads.good("GET", f"/sd/adGroups/{ad_group}")["tactic"] == "T00020"
    assert ads.good("GET", f"/sd/campaigns/extended/{campaign}")["servingStatus"] == "PENDING_START_DATE"


def test_pages_are_turned_by_place_and_end_with_a_short_one(ads: Ads) -> None:
    whole = ads.good("GET", "/sd/productAds")
    pages = [ads.good("GET", f"/sd/productAds?startIndex={start}&count=4") for start in (0, 4, 8)]
    assert [len(page) for page in pages] == [4, 2, 0]
    assert pages[0] + pages[1] == whole
    assert ads.send("GET", "/sd/creatives?count=101").status == 400
    for query in ("startIndex=-1", "count=5001", "stateFilter=ENABLED"):
        assert ads.send("GET", f"/sd/campaigns?{query}").status == 400


def test_lists_are_filtered(ads: Ads) -> None:
    first, second = ads.good("GET", "/sd/campaigns")
    assert ads.good("GET", f"/sd/campaigns?campaignIdFilter={second['campaignId']},1") == [second]
    assert ads.good("GET", "/sd/campaigns?name=Larkhollow%20similar%20items") == [first]
    assert len(ads.good("GET", f"/sd/campaigns?portfolioIdFilter={first['portfolioId']}")) == 2
    assert ads.good("GET", "/sd/campaigns?stateFilter=archived,paused") == []
    assert len(ads.good("GET", f"/sd/adGroups?campaignIdFilter={first['campaignId']}")) == 1


def test_what_is_wrong_is_a_code_and_a_text(ads: Ads) -> None:
    items = [
        {**CAMPAIGN, "startDate": "20260901"},
        {**CAMPAIGN, "state": "ENABLED"},
        {**CAMPAIGN, "tactic": None},
        {**CAMPAIGN, "budget": "15"},
        CAMPAIGN,
        CAMPAIGN,
    ]
    answers = ads.good("POST", "/sd/campaigns", items)
    assert [one["code"] for one in answers] == ["INVALID_ARGUMENT"] * 4 + ["SUCCESS", "INVALID_ARGUMENT"]
    assert all(one["description"] for one in answers if one["code"] != "SUCCESS")
    assert ads.good("PUT", "/sd/campaigns", [{"campaignId": 1, "name": "A"}])[0]["code"] == "NOT_FOUND"
    assert ads.send("GET", "/sd/campaigns/1").status == 404
    assert ads.send("POST", "/sd/campaigns", {"campaigns": []}).status == 400
    assert ads.send("POST", "/sd/campaigns", [CAMPAIGN] * 101).status == 400


def test_creatives_and_places(ads: Ads) -> None:
    group = ads.good("GET", "/sd/adGroups")[0]["adGroupId"]
    creative = {"adGroupId": group, "creativeType": "IMAGE", "properties": {"headline": "Made to last"}}
    id = _made(ads, "creatives", creative, "creativeId")
    ads.good("PUT", "/sd/creatives", [{"creativeId": id, "properties": {"headline": "Made for years"}}])
    (row,) = ads.good("GET", f"/sd/creatives?creativeIdFilter={id}")
    assert row["properties"]["headline"] == "Made for years"
    place = {"adGroupId": group, "state": "enabled", "expression": [{"type": "location", "value": "loc-1"}]}
    (made,) = ads.good("POST", "/sd/locations", [place])
    assert ads.good("GET", f"/sd/locations?adGroupIdFilter={group}") == [made]
    gone = {"locationExpressionIdFilter": {"include": [made["locationExpressionId"]]}}
    assert ads.good("POST", "/sd/locations/delete", gone)[0]["code"] == "SUCCESS"
