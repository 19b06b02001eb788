"""What Amazon recommends to bid, and for which keywords: invented, and the same for the same question."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from sellerport.emulator.ads import markets
from sellerport.emulator.ads.call import AdsCall, Endpoint, Refused, denied
from sellerport.emulator.ads.shoppers import MORE_WORDS
from sellerport.emulator.call import Answer

MOST_EXPRESSIONS = 100
MOST_KEYWORDS = 200
THEME = "CONVERSION_OPPORTUNITIES"
MATCHES = ("BROAD", "PHRASE", "EXACT")
PLACEMENTS = ("ALL", "PLACEMENT_TOP", "PLACEMENT_PRODUCT_PAGE", "PLACEMENT_REST_OF_SEARCH")

Expression = Literal[
    "CLOSE_MATCH", "LOOSE_MATCH", "SUBSTITUTES", "COMPLEMENTS", "KEYWORD_BROAD_MATCH", "KEYWORD_PHRASE_MATCH",
    "KEYWORD_EXACT_MATCH", "KEYWORD_GROUP", "PAT_ASIN", "PAT_CATEGORY", "PAT_CATEGORY_REFINEMENT",
]  # fmt: skip


class Target(msgspec.Struct, frozen=True):
    """What a bid is wanted for."""

    type: Expression
    value: str | None = None


class Existing(msgspec.Struct, frozen=True, rename="camel", tag_field="recommendationType"):
    """What is asked for an ad group that there is."""

    campaign_id: str
    ad_group_id: str


class BidsForExisting(Existing, frozen=True, tag="BIDS_FOR_EXISTING_AD_GROUP"):
    """Bids for an ad group that there is."""

    targeting_expressions: tuple[Target, ...]
    include_analysis: bool = False


class BidsForNew(
    msgspec.Struct, frozen=True, rename="camel", tag_field="recommendationType", tag="BIDS_FOR_NEW_AD_GROUP"
):
    """Bids for products that are not advertised yet."""

    asins: tuple[str, ...]
    bidding: dict[str, Any]
    targeting_expressions: tuple[Target, ...]
    include_analysis: bool = False


class Wanted(msgspec.Struct, frozen=True, rename="camel"):
    """A keyword that is to be ranked beside those that are recommended."""

    keyword: str
    matchType: Literal["BROAD", "PHRASE", "EXACT"] = "BROAD"  # as it is sent
    bid: float | None = None


class KeywordsForGroup(Existing, frozen=True, tag="KEYWORDS_FOR_ADGROUP"):
    """Keywords for an ad group that there is."""

    max_recommendations: int | str = MOST_KEYWORDS
    targets: tuple[Wanted, ...] = ()


class KeywordsForAsins(
    msgspec.Struct, frozen=True, rename="camel", tag_field="recommendationType", tag="KEYWORDS_FOR_ASINS"
):
    """Keywords for products."""

    asins: tuple[str, ...]
    max_recommendations: int | str = MOST_KEYWORDS
    targets: tuple[Wanted, ...] = ()


def _version(call: AdsCall, stem: str, newest: int) -> int:
    """Return which version of a media type is spoken, said by Accept or else by Content-Type."""
    for name in ("accept", "content-type"):
        for version in range(1, newest + 1):
            if f"{stem}.v{version}+json" in call.headers.get(name, "").lower():
                return version
    return newest


def _converted(call: AdsCall, kind: Any) -> Any:
    try:
        return msgspec.convert(call.body, kind)
    except msgspec.ValidationError as error:
        raise Refused(400, {"code": "400", "details": str(error)}) from None


def _chance(call: AdsCall, *words: Any) -> random.Random:
    return random.Random(f"{call.world.seed} {call.profile.id} {words}")  # noqa: S311  # nothing here is worth guessing


def _exists(call: AdsCall, asked: Existing) -> None:
    group = call.book.get("sp.adGroups", asked.ad_group_id)
    if group is None or group.campaign != asked.campaign_id:
        raise Refused(422, {"code": "422", "details": f"Ad group {asked.ad_group_id} was not found in the campaign"})


# --- bids -------------------------------------------------------------------------------------------------------------


def recommend_bids(call: AdsCall) -> Answer:
    """Recommend three bids for each expression; version 3 is gone since May 2025."""
    version = _version(call, "spthemebasedbidrecommendation", 5)
    if version < 4:
        raise denied("Cannot consume content type", 415)
    asked = _converted(call, BidsForExisting | BidsForNew)
    if not 1 <= len(asked.targeting_expressions) <= MOST_EXPRESSIONS:
        details = f"targetingExpressions must have from 1 to {MOST_EXPRESSIONS} items"
        raise Refused(400, {"code": "400", "details": details})
    if isinstance(asked, Existing):
        _exists(call, asked)
    told: dict[str, Any] = {"theme": THEME, "bidRecommendationsForTargetingExpressions": []}
    if asked_analysis := version == 5 and asked.include_analysis:
        told["bidAnalysesForTargetingExpressions"] = []
    for target in asked.targeting_expressions:
        bids = _bids(call, target.type, target.value)
        shown = 200 + int(bids[1] * 100)
        expression = {"type": target.type, "value": target.value}
        one: dict[str, Any] = {"targetingExpression": expression}
        one["bidValues"] = [{"suggestedBid": bid} for bid in bids]
        if version == 5:
            impact = {"estimatedImpressionLower": shown, "estimatedImpressionUpper": 2 * shown}
            one["suggestedBidImpactMetrics"] = impact
        told["bidRecommendationsForTargetingExpressions"].append(one)
        if asked_analysis:
            analyses = {place: list(_analysis(bids, shown)) for place in PLACEMENTS}
            told["bidAnalysesForTargetingExpressions"].append(
                {"targetingExpression": expression, "bidAnalyses": analyses}
            )
    return Answer({"bidRecommendations": [told]})


def _bids(call: AdsCall, type: str, value: str | None) -> list[float]:
    """Return the low, the middle and the high bid, in the profile's currency."""
    middle = _chance(call, type, value).uniform(0.4, 1.8)
    return [markets.bid(round(middle * part, 2), call.profile.marketplace) for part in (0.75, 1, 1.3)]


def _analysis(bids: list[float], shown: int) -> Iterator[dict[str, Any]]:
    for bid, type, part in zip(bids, ("SUGGESTED_LOWER", "SUGGESTED", "SUGGESTED_UPPER"), (0.6, 1, 1.4), strict=True):
        least = int(shown * part)
        impact = {"estimatedImpressionLower": least, "estimatedImpressionUpper": 2 * least}
        yield {"bid": bid, "type": type, "impactMetrics": {**impact, "estimatedImpressionAvg": least * 3 // 2}}


# --- keywords ---------------------------------------------------------------------------------------------------------


def recommend_keywords(call: AdsCall) -> Answer:
    """Recommend keywords, best first: a bare list of keyword and match in version 3, a list of keywords from 4 on."""
    version = _version(call, "spkeywordsrecommendation", 5)
    asked = _converted(call, KeywordsForGroup | KeywordsForAsins)
    if isinstance(asked, Existing):
        _exists(call, asked)
        ads = call.book.within("sp.productAds", [asked.ad_group_id])
        asins = [str(ad.values.get("asin")) for ad in ads if not ad.archived]
    else:
        asins = list(asked.asins)
    try:
        most = int(asked.max_recommendations)
    except ValueError:
        most = -1
    if not 0 <= most <= MOST_KEYWORDS:
        details = f"maxRecommendations must be from 0 to {MOST_KEYWORDS}"
        raise Refused(400, {"code": "400", "details": details})
    wanted = dict.fromkeys(one.keyword for one in asked.targets)
    found = [*wanted, *[one for one in _phrases(call, asins) if one not in wanted][:most]]
    if version == 3:
        flat = [_bid_info(call, text, match, rank, 3) for rank, text in enumerate(found, 1) for match in MATCHES]
        return Answer([{**one, "userSelectedKeyword": one["keyword"] in wanted} for one in flat])
    listed = [_keyword(call, text, rank, version, selected=text in wanted) for rank, text in enumerate(found, 1)]
    return Answer({"keywordTargetList": listed, **({"impactMetrics": []} if version == 5 else {})})


def _phrases(call: AdsCall, asins: list[str]) -> list[str]:
    """Return what shoppers would search who want one of these products."""
    products = {one.asin: one for one in call.world.account(call.profile.account).products}
    words = [" ".join(products[asin].title.lower().split()[:3]) for asin in asins if asin in products]
    return list(dict.fromkeys(f"{one}{more}" for more in MORE_WORDS for one in words))


def _keyword(call: AdsCall, text: str, rank: int, version: int, *, selected: bool) -> dict[str, Any]:
    infos = [_bid_info(call, text, match, rank, version) for match in MATCHES]
    for one in infos:
        del one["keyword"]
    return {
        "keyword": text,
        "bidInfo": infos,
        "translation": None,
        "userSelectedKeyword": selected,
        "searchTermImpressionRank": None,
        "searchTermImpressionShare": None,
        "recId": f"{_chance(call, text).getrandbits(128):032x}",
    }


def _bid_info(call: AdsCall, text: str, match: str, rank: int, version: int) -> dict[str, Any]:
    """Return a bid for a keyword; unlike anywhere else, in the currency's smallest unit."""
    minor = 1 if call.profile.marketplace.currency == "JPY" else 100
    low, middle, high = (round(bid * minor) for bid in _bids(call, f"KEYWORD_{match}_MATCH", text))
    named = "rangeMedian" if version == 5 else "suggested"
    theme = {"theme": THEME} if version == 5 else {}
    suggested = {"rangeStart": low, named: middle, "rangeEnd": high}
    return {"keyword": text, "matchType": match, **theme, "rank": rank, "bid": middle, "suggestedBid": suggested}


ENDPOINTS: Mapping[str, Endpoint] = {
    "POST /sp/targets/bid/recommendations": Endpoint(recommend_bids),
    "POST /sp/targets/keywords/recommendations": Endpoint(recommend_keywords),
}
