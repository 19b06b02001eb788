"""Bids and keywords that the local Amazon recommends, in every version that Amazon still has."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.ads.advertiser import Advertiser
from tests.emulator.conftest import Local

BIDS, KEYWORDS = "/sp/targets/bid/recommendations", "/sp/targets/keywords/recommendations"
TARGETS = [{"type": "KEYWORD_BROAD_MATCH", "value": "oak board"}, {"type": "CLOSE_MATCH"}]


@pytest.fixture
def ads(amazon: Local) -> Advertiser:
    return Advertiser(amazon)


def group(ads: Advertiser) -> dict[str, str]:
    """Return an ad group, as recommendations want it named."""
    row = next(iter(ads.amazon.world.ads.book(ads.profile).rows("sp.adGroups").values()))
    return {"campaignId": row.campaign, "adGroupId": row.id}


def bids(ads: Advertiser, version: int, **more: Any) -> Any:
    body = {
        "recommendationType": "BIDS_FOR_EXISTING_AD_GROUP",
        **group(ads),
        "targetingExpressions": TARGETS,
        **more,
    }
    kind = f"application/vnd.spthemebasedbidrecommendation.v{version}+json"
    return ads.call("POST", BIDS, body, content_type=kind, accept=kind)


def test_bids_are_recommended_for_each_expression(ads: Advertiser) -> None:
    [told] = bids(ads, 4).json["bidRecommendations"]
    assert set(told) == {"theme", "bidRecommendationsForTargetingExpressions"}
    found = told["bidRecommendationsForTargetingExpressions"]
    assert [one["targetingExpression"] for one in found] == [{"value": None, **target} for target in TARGETS]
    for one in found:
        low, middle, high = (bid["suggestedBid"] for bid in one["bidValues"])
        assert 0.02 <= low < middle < high
        assert "suggestedBidImpactMetrics" not in one
    assert bids(ads, 4).json["bidRecommendations"] == [told]


def test_version_5_says_what_bids_bring_and_version_3_is_gone(ads: Advertiser) -> None:
    [told] = bids(ads, 5, includeAnalysis=True).json["bidRecommendations"]
    [first, _] = told["bidRecommendationsForTargetingExpressions"]
    assert first["suggestedBidImpactMetrics"]["estimatedImpressionLower"] > 0
    [analysis, _] = told["bidAnalysesForTargetingExpressions"]
    assert [one["type"] for one in analysis["bidAnalyses"]["ALL"]] == [
        "SUGGESTED_LOWER",
        "SUGGESTED",
        "SUGGESTED_UPPER",
    ]
    assert "bidAnalysesForTargetingExpressions" not in bids(ads, 5).json["bidRecommendations"][0]
    assert bids(ads, 3).status == 415


def test_bids_are_recommended_for_products_that_are_not_advertised_yet(ads: Advertiser) -> None:
    body = {
        "recommendationType": "BIDS_FOR_NEW_AD_GROUP",
        "asins": ["B0L0000000"],
        "bidding": {"strategy": "LEGACY_FOR_SALES"},
        "targetingExpressions": TARGETS,
    }
    answer = ads.good("POST", BIDS, body)
    assert len(answer["bidRecommendations"][0]["bidRecommendationsForTargetingExpressions"]) == 2


def test_bids_are_in_the_currency_and_range_of_the_country(amazon: Local) -> None:
    [told] = bids(Advertiser(amazon, "JP"), 4).json["bidRecommendations"]
    found = [
        bid["suggestedBid"] for one in told["bidRecommendationsForTargetingExpressions"] for bid in one["bidValues"]
    ]
    assert all(bid >= 2 and bid == int(bid) for bid in found)


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"targetingExpressions": []}, 400),
        ({"targetingExpressions": [{"type": "BROAD"}]}, 400),
        ({"targetingExpressions": TARGETS * 51}, 400),
        ({"recommendationType": "BIDS"}, 400),
        ({"adGroupId": "1"}, 422),
    ],
)
def test_a_wrong_question_is_refused(ads: Advertiser, more: dict[str, Any], status: int) -> None:
    refused = bids(ads, 4, **more)
    assert (refused.status, refused.json["code"]) == (status, str(status))


def keywords(ads: Advertiser, version: int, **more: Any) -> Any:
    body = {"recommendationType": "KEYWORDS_FOR_ADGROUP", **group(ads), **more}
    kind = f"application/vnd.spkeywordsrecommendation.v{version}+json"
    answer = ads.call("POST", KEYWORDS, body, content_type=kind, accept=kind)
    assert answer.status == 200, answer.body
    return answer.json


def test_keywords_are_ranked_with_a_bid_for_each_match(ads: Advertiser) -> None:
    found = keywords(ads, 4)["keywordTargetList"]
    assert len(found) > 5
    for rank, one in enumerate(found, 1):
        assert [info["matchType"] for info in one["bidInfo"]] == ["BROAD", "PHRASE", "EXACT"]
        for info in one["bidInfo"]:
            assert info["rank"] == rank
            bid = info["suggestedBid"]
            assert bid["rangeStart"] < bid["suggested"] == info["bid"] < bid["rangeEnd"]
            assert isinstance(info["bid"], int)
    assert len({one["keyword"] for one in found}) == len(found)
    assert keywords(ads, 4)["keywordTargetList"] == found


def test_each_version_of_keywords_has_its_shape(ads: Advertiser) -> None:
    fifth = keywords(ads, 5, maxRecommendations="2")
    assert len(fifth["keywordTargetList"]) == 2
    info = fifth["keywordTargetList"][0]["bidInfo"][0]
    assert (info["theme"], info["suggestedBid"]["rangeMedian"]) == ("CONVERSION_OPPORTUNITIES", info["bid"])
    third = keywords(ads, 3, maxRecommendations=1)
    assert [one["matchType"] for one in third] == ["BROAD", "PHRASE", "EXACT"]
    assert len({one["keyword"] for one in third}) == 1


def test_keywords_of_one_s_own_are_ranked_beside(ads: Advertiser) -> None:
    found = keywords(ads, 4, targets=[{"keyword": "my own"}], maxRecommendations=0)["keywordTargetList"]
    assert [(one["keyword"], one["userSelectedKeyword"]) for one in found] == [("my own", True)]
    asins = [one.asin for one in ads.amazon.world.account(ads.profile.account).products[:2]]
    body = {"recommendationType": "KEYWORDS_FOR_ASINS", "asins": asins}
    assert len(ads.good("POST", KEYWORDS, body)["keywordTargetList"]) > 2
    refused = ads.call("POST", KEYWORDS, {**body, "maxRecommendations": 201})
    assert (refused.status, refused.json["details"]) == (400, "maxRecommendations must be from 0 to 200")
