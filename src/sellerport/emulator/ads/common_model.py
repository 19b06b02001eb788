"""The unified API, v1: campaigns, ad groups, ads and targets of every ad product in one model, over the same rows.

What is wanted and what is not, keywords, products, themes and places are all targets. Queries, changes and archival
reach Sponsored Products, Brands and Display; new rows are made of Sponsored Products only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from sellerport.emulator.ads import filters, markets, statuses, writes
from sellerport.emulator.ads.book import Row
from sellerport.emulator.ads.call import AdsCall, Endpoint, invalid, moment, not_one_of, object_of, page
from sellerport.emulator.ads.rules import Trouble
from sellerport.emulator.ads.writes import Asked, Draft, Outcome
from sellerport.emulator.call import Answer

MOST = 1000
STATES = ("ENABLED", "PAUSED", "ARCHIVED")
WRITTEN_STATES = ("ENABLED", "PAUSED")
PRODUCTS = {
    "SPONSORED_PRODUCTS": "sp",
    "SPONSORED_BRANDS": "sb",
    "SPONSORED_DISPLAY": "sd",
    "SPONSORED_TELEVISION": "",
    "AMAZON_DSP": "",
}
STRATEGIES = {
    "SALES_DOWN_ONLY": "LEGACY_FOR_SALES",
    "SALES_UP_AND_DOWN": "AUTO_FOR_SALES",
    "MANUAL": "MANUAL",
    "RULE_BASED": "RULE_BASED",
}
PLACEMENTS = {
    "TOP_OF_SEARCH": "PLACEMENT_TOP",
    "PRODUCT_PAGE": "PLACEMENT_PRODUCT_PAGE",
    "REST_OF_SEARCH": "PLACEMENT_REST_OF_SEARCH",
    "SITE_AMAZON_BUSINESS": "SITE_AMAZON_BUSINESS",
}
THEMES = {
    "QUERY_HIGH_REL_MATCHES": "KEYWORDS_CLOSE_MATCH",
    "QUERY_BROAD_REL_MATCHES": "KEYWORDS_LOOSE_MATCH",
    "ASIN_SUBSTITUTE_RELATED": "PRODUCT_SUBSTITUTES",
    "ASIN_ACCESSORY_RELATED": "PRODUCT_COMPLEMENTS",
}
REASONS = {
    "PENDING_START_DATE": "CAMPAIGN_PENDING_START_DATE",
    "ENDED": "CAMPAIGN_END_DATE_REACHED",
    "PORTFOLIO_ENDED": "PORTFOLIO_END_DATE_REACHED",
    "TARGETING_CLAUSE_PAUSED": "TARGET_PAUSED",
    "TARGETING_CLAUSE_ARCHIVED": "TARGET_ARCHIVED",
}
"""Why something is not delivered, where v1 has another word than v3."""
CODES = {
    "DUPLICATE_VALUE": "FIELD_VALUE_NOT_UNIQUE",
    "ENTITY_NOT_FOUND": "RESOURCE_ID_NOT_FOUND",
    "PARENT_ENTITY_NOT_FOUND": "RESOURCE_ID_NOT_FOUND",
    "PARENT_ENTITY_ARCHIVED": "ARCHIVED_PARENT_CANNOT_CREATE",
    "PARENT_ARCHIVED_FORBIDS_UPDATES": "ARCHIVED_PARENT_CANNOT_EDIT",
    "ARCHIVED_ENTITY_CANNOT_BE_MODIFIED": "ARCHIVED_RESOURCE_CANNOT_EDIT",
    "AUTO_TARGETING_CLAUSE_CANNOT_BE_ARCHIVED_MANUALLY": "AUTOCREATED_ENTITY_CANNOT_EDIT",
    "MISSING_VALUE": "FIELD_VALUE_IS_NULL",
    "BLANK": "FIELD_VALUE_IS_EMPTY",
    "TOO_LONG": "FIELD_SIZE_IS_ABOVE_MAXIMUM_LIMIT",
    "FORBIDDEN_CHARS": "FIELD_VALUE_CONTAINS_INVALID_CHARACTERS",
    "BUDGET_OUT_OF_MARKET_PLACE_RANGE": "FIELD_VALUE_IS_OUT_OF_RANGE",
    "BID_OUT_OF_MARKET_PLACE_RANGE": "FIELD_VALUE_IS_OUT_OF_RANGE",
    "BID_GT_BUDGET": "FIELD_VALUE_IS_ABOVE_MAXIMUM_LIMIT",
    "START_DATE_EARLIER_THAN_TODAY": "DATE_CANNOT_BE_IN_PAST",
    "END_DATE_EARLIER_THAN_TODAY": "DATE_CANNOT_BE_IN_PAST",
    "AD_INELIGIBLE": "PRODUCT_INELIGIBLE",
    "THROTTLED": "TOO_MANY_REQUESTS",
    "INTERNAL_ERROR": "INTERNAL_ERROR",
}
"""What an error of v3 is in v1; any other is ``FIELD_VALUE_IS_INVALID``."""
POSITIVE = ("keywords", "targets", "themes", "locations")
NEGATIVE = ("negativeKeywords", "campaignNegativeKeywords", "negativeTargets", "campaignNegativeTargets")

Render = Callable[[AdsCall, Row], dict[str, Any]]


# --- what rows look like ----------------------------------------------------------------------------------------------


def _common(call: AdsCall, row: Row) -> dict[str, Any]:
    family = row.kind.partition(".")[0]
    serving = statuses.serving(call, row)
    delivers = statuses.delivers(call, row)
    status: dict[str, Any] = {"deliveryStatus": "DELIVERING" if delivers else "NOT_DELIVERING"}
    if not delivers:
        status["deliveryReasons"] = [REASONS.get(serving, serving)]
    return {
        "adProduct": next(name for name, one in PRODUCTS.items() if one == family),
        "state": row.state,
        "status": status,
        "marketplaceScope": "SINGLE_MARKETPLACE",
        "marketplaces": [call.profile.marketplace.country],
        "creationDateTime": moment(row.created),
        "lastUpdatedDateTime": moment(row.updated),
    }


def _campaign(call: AdsCall, row: Row) -> dict[str, Any]:
    values, currency = row.values, call.profile.marketplace.currency
    amount = {"monetaryBudget": {"value": row.budget, "currencyCode": currency}}
    period = "LIFETIME" if values.get("budgetType") == "LIFETIME" else "DAILY"
    budget = {"budgetType": "MONETARY", "recurrenceTimePeriod": period, "budgetValue": {"monetaryBudgetValue": amount}}
    made = {
        "campaignId": row.id,
        **_common(call, row),
        "name": row.name,
        "startDateTime": f"{values['startDate']}T00:00:00Z",
        "budgets": [budget],
        "autoCreationSettings": {"autoCreateTargets": values.get("targetingType") == "AUTO"},
    }
    if "endDate" in values:
        made["endDateTime"] = f"{values['endDate']}T23:59:59Z"
    if "portfolioId" in values:
        made["portfolioId"] = values["portfolioId"]
    if bidding := values.get("dynamicBidding"):
        made["optimizations"] = {"bidSettings": _bid_settings(bidding)}
    return made


def _bid_settings(bidding: Mapping[str, Any]) -> dict[str, Any]:
    names = {old: new for new, old in PLACEMENTS.items()}
    adjusted = [
        {"placement": names[one["placement"]], "percentage": one["percentage"]}
        for one in bidding.get("placementBidding") or ()
        if one.get("placement") in names
    ]
    strategy = next((new for new, old in STRATEGIES.items() if old == bidding.get("strategy")), "SALES_DOWN_ONLY")
    more = {"bidAdjustments": {"placementBidAdjustments": adjusted}} if adjusted else {}
    return {"bidStrategy": strategy, **more}


def _ad_group(call: AdsCall, row: Row) -> dict[str, Any]:
    made = {"adGroupId": row.id, "campaignId": row.campaign, **_common(call, row), "name": row.name}
    if "defaultBid" in row.values:
        bid = {"defaultBid": row.values["defaultBid"], "currencyCode": call.profile.marketplace.currency}
        made["bid"] = bid
    return made


def _ad(call: AdsCall, row: Row) -> dict[str, Any]:
    made = {"adId": row.id, "adGroupId": row.ad_group, "campaignId": row.campaign, **_common(call, row)}
    if row.kind == "sb.ads":
        return {**made, "adType": "COMPONENT", "name": row.name, "creative": {"componentCreative": _component(row)}}
    vendor = call.profile.type == "vendor"
    product = {
        "productIdType": "ASIN" if vendor else "SKU",
        "productId": row.values.get("asin" if vendor else "sku", ""),
        "resolvedProductId": row.values.get("asin", ""),
        "resolvedProductIdType": "ASIN",
    }
    creative = {"productCreative": {"productCreativeSettings": {"advertisedProduct": product}}}
    return {**made, "adType": "PRODUCT_AD", "creative": creative}


def _component(row: Row) -> dict[str, Any]:
    """Return the creative of a brand's ad: of a collection, or of a video."""
    creative, page = row.values.get("creative") or {}, row.values.get("landingPage") or {}
    made: dict[str, Any] = {
        "brand": creative.get("brandName", ""),
        "headlines": [creative.get("headline", "")],
        "products": [{"productId": asin, "productIdType": "ASIN"} for asin in creative.get("asins", ())],
    }
    if "VIDEO" in creative["type"]:
        videos = [_asset(id) for id in creative.get("videoAssetIds", ())]
        page_of = {"landingPageType": page.get("pageType", "DETAIL_PAGE")}
        return {
            "productVideoSettings": {**made, "videos": videos, "untranslatedVideos": videos, "landingPage": page_of}
        }
    logo, image = creative.get("brandLogoAssetID", ""), creative.get("customImageAssetId", "")
    asins = page.get("asins")
    to = {"landingPageType": "ASIN_LIST" if asins else "STORE"} | (
        {"landingPageAsins": {"asins": asins}} if asins else {}
    )
    settings = {**made, "brandLogos": [_asset(logo)], "customImages": [_asset(image or logo)], "landingPage": to}
    return {"productCollectionSettings": settings}


def _asset(id: str) -> dict[str, str]:
    name, _, version = id.partition(":")
    return {"assetId": name, "assetVersion": version or "version_v1"}


def _target(call: AdsCall, row: Row) -> dict[str, Any]:
    made = {"targetId": row.id, **_common(call, row), "negative": row.kind.partition(".")[2] in NEGATIVE}
    if row.ad_group:
        made["adGroupId"] = row.ad_group
    made["campaignId"] = row.campaign
    if "bid" in row.values:
        made["bid"] = {"bid": row.values["bid"], "currencyCode": call.profile.marketplace.currency}
    type, details = _details(row)
    return {**made, "targetType": type, "targetDetails": details}


def _details(row: Row) -> tuple[str, dict[str, Any]]:
    values = row.values
    if "keywordText" in values:
        match = values["matchType"].removeprefix("NEGATIVE_")
        return "KEYWORD", {"keywordTarget": {"keyword": values["keywordText"], "matchType": match}}
    if "themeType" in values:
        return "THEME", {"themeTarget": {"matchType": values["themeType"]}}
    first = values["expression"][0]
    if first["type"] in THEMES:
        return "THEME", {"themeTarget": {"matchType": THEMES[first["type"]]}}
    if first["type"] == "LOCATION":
        return "LOCATION", {"locationTarget": {"locationId": first["value"]}}
    if first["type"] in ("ASIN_SAME_AS", "ASIN_EXPANDED_FROM"):
        match = "PRODUCT_EXACT" if first["type"] == "ASIN_SAME_AS" else "PRODUCT_SIMILAR"
        product = {"matchType": match, "product": {"productId": first["value"]}, "productIdType": "ASIN"}
        return "PRODUCT", {"productTarget": product}
    refined = {"productCategoryId": str(first.get("value", ""))}
    return "PRODUCT_CATEGORY", {
        "productCategoryTarget": {"productCategoryRefinement": {"productCategoryRefinement": refined}}
    }


# --- the four resources -----------------------------------------------------------------------------------------------


class Resource(NamedTuple):
    """One kind of what is advertised: what it is called, which rows it is made of, and how each is written."""

    name: str
    one: str
    id: str
    entities: tuple[str, ...]
    render: Render

    def kinds(self, families: Sequence[str]) -> list[str]:
        """Return the kinds of rows that it is made of."""
        return [f"{family}.{entity}" for family in families for entity in self.entities]


RESOURCES = (
    Resource("campaigns", "campaign", "campaignId", ("campaigns",), _campaign),
    Resource("adGroups", "adGroup", "adGroupId", ("adGroups",), _ad_group),
    Resource("ads", "ad", "adId", ("productAds", "ads"), _ad),
    Resource("targets", "target", "targetId", POSITIVE + NEGATIVE, _target),
)
FAMILIES = ("sp", "sb", "sd")


def _query(resource: Resource, call: AdsCall) -> Answer:
    body = object_of(call.body)
    products = filters.included(body, "adProductFilter", 1, PRODUCTS)
    if not products:
        raise invalid("adProductFilter is required", "BAD_REQUEST")
    families = [PRODUCTS[one] for one in products if PRODUCTS[one]]
    plain = {name: value for name, value in body.items() if name not in ("matchTypeFilter", "keywordFilter")}
    rows = filters.select(call, resource.kinds(families), plain, ids=[f"{resource.id}Filter"], states=STATES)
    if resource.one == "target":
        rows = _narrowed(rows, body)
    shown, following = page(call, rows, body, most=MOST, default=MOST)
    return Answer({resource.name: [resource.render(call, row) for row in shown], **following})


def _narrowed(rows: Sequence[Row], body: Mapping[str, Any]) -> Sequence[Row]:
    """Return the targets that the filters which only targets have let through."""
    types = filters.included(body, "targetTypeFilter", 5)
    negative = filters.included(body, "negativeFilter", 1)
    words = filters.included(body, "keywordFilter", 100)
    wanted = None if negative is None else negative == ["True"]
    return [
        row
        for row in rows
        if (types is None or _details(row)[0] in types)
        and (wanted is None or (row.kind.partition(".")[2] in NEGATIVE) == wanted)
        and (words is None or row.values.get("keywordText") in words)
    ]


def _delete(resource: Resource, call: AdsCall) -> Answer:
    ids = object_of(call.body).get(f"{resource.id}s")
    if not isinstance(ids, list) or not 1 <= len(ids) <= MOST:
        raise invalid(f"{resource.id}s must be a list of 1 to {MOST} ids", "BAD_REQUEST")
    return _answer(call, resource, writes.archive(call, resource.kinds(FAMILIES), map(str, ids), resource.id))


def _update(resource: Resource, call: AdsCall) -> Answer:
    outcomes = []
    for place, item in enumerate(_items(resource, call)):
        id = str(item.get(resource.id, ""))
        kind = next((one for one in resource.kinds(FAMILIES) if call.book.get(one, id)), resource.kinds(FAMILIES)[0])
        draft = Draft(_changes(kind, item), item.get("state"), id=id)
        outcomes += writes.change(call, kind, [draft], resource.id, first=place)
    return _answer(call, resource, outcomes)


def _changes(kind: str, item: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an item says, by the names that rows have; the budget of SP is an object there."""
    values: dict[str, Any] = {name: item[name] for name in ("name", "portfolioId") if name in item}
    for name, date in (("startDateTime", "startDate"), ("endDateTime", "endDate")):
        if name in item:
            values[date] = item[name] and str(item[name])[:10]
    if item.get("budgets"):
        amount = _at(item["budgets"], 0, "budgetValue", "monetaryBudgetValue", "monetaryBudget", "value")
        values["budget"] = {"budget": amount, "budgetType": "DAILY"} if kind.startswith("sp.") else amount
    if (bid := _at(item, "bid", "defaultBid")) is not None:
        values["defaultBid"] = bid
    if (bid := _at(item, "bid", "bid")) is not None:
        values["bid"] = bid
    settings = _at(item, "optimizations", "bidSettings")
    if settings is not None and kind == "sp.campaigns":
        adjusted = _at(settings, "bidAdjustments", "placementBidAdjustments") or []
        values["dynamicBidding"] = {
            "strategy": STRATEGIES.get(settings.get("bidStrategy"), "LEGACY_FOR_SALES"),
            "placementBidding": [{**one, "placement": PLACEMENTS.get(one.get("placement"))} for one in adjusted],
        }
    return values


def _at(value: Any, *steps: str | int) -> Any:
    """Return what is further in, or None where the way there ends."""
    for step in steps:
        if isinstance(value, list) and isinstance(step, int) and len(value) > step:
            value = value[step]
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value


def _create(resource: Resource, call: AdsCall) -> Answer:
    outcomes: list[Outcome] = []
    for place, item in enumerate(_items(resource, call)):
        kind, draft = _new(resource, call, item)
        outcomes += writes.create(call, kind, [draft], first=place)
    return _answer(call, resource, outcomes)


def _new(resource: Resource, call: AdsCall, item: Mapping[str, Any]) -> tuple[str, Asked]:
    """Return of which kind an item is to be made, and what of."""
    kind = f"sp.{resource.entities[0]}"
    if item.get("adProduct") not in PRODUCTS:
        return kind, [Trouble("rangeError", "NOT_IN_LIST", "adProduct is not known", "adProduct")]
    if item["adProduct"] != "SPONSORED_PRODUCTS":
        return kind, [Trouble("otherError", "OTHER_ERROR", "Here, v1 makes Sponsored Products only", "adProduct")]
    values = _changes(kind, item)
    state, campaign, group = item.get("state"), str(item.get("campaignId") or ""), str(item.get("adGroupId") or "")
    if resource.one == "campaign":
        automatic = _at(item, "autoCreationSettings", "autoCreateTargets")
        values["targetingType"] = "AUTO" if automatic else "MANUAL"
        values.setdefault("startDate", markets.today(call.profile.marketplace, call.world.now()).isoformat())
        return kind, Draft(values, state)
    if resource.one == "adGroup":
        return kind, Draft(values, state, campaign)
    if resource.one == "ad":
        product = _at(item, "creative", "productCreative", "productCreativeSettings", "advertisedProduct")
        name = str(_at(product, "productIdType") or "").lower()
        return kind, Draft({name: _at(product, "productId")} | _asin(call, name, product), state, campaign, group)
    return _new_target(item, values, Draft({}, state, campaign, group))


def _asin(call: AdsCall, name: str, product: Any) -> dict[str, Any]:
    if name != "sku" or call.profile.type == "vendor":
        return {}
    sku = str(_at(product, "productId"))
    listing = call.world.shelf.listing(call.profile.account, call.profile.marketplace.id, sku)
    return {"asin": listing.asin if listing else None}


def _new_target(item: Mapping[str, Any], values: dict[str, Any], place: Draft) -> tuple[str, Asked]:
    negative, type = item.get("negative") is True, item.get("targetType")
    details = item.get("targetDetails")
    if type == "KEYWORD":
        word = _at(details, "keywordTarget")
        match = _at(word, "matchType")
        values["keywordText"] = _at(word, "keyword")
        values["matchType"] = f"NEGATIVE_{match}" if negative else match
        entity = "negativeKeywords" if negative else "keywords"
    elif type == "PRODUCT":
        exact = _at(details, "productTarget", "matchType") != "PRODUCT_SIMILAR"
        product = _at(details, "productTarget", "product", "productId")
        values["expression"] = [{"type": "ASIN_SAME_AS" if exact else "ASIN_EXPANDED_FROM", "value": product}]
        entity = "negativeTargets" if negative else "targets"
    else:
        return "sp.targets", [
            Trouble("otherError", "OTHER_ERROR", "Here, targets are keywords or products", "targetType")
        ]
    if entity == "targets":
        values["expressionType"] = "MANUAL"
    if negative and not place.ad_group:
        entity = f"campaignN{entity[1:]}"
    return f"sp.{entity}", place._replace(values=values)


def _items(resource: Resource, call: AdsCall) -> list[dict[str, Any]]:
    items = object_of(call.body).get(resource.name)
    if not isinstance(items, list) or not 1 <= len(items) <= MOST or not all(isinstance(one, dict) for one in items):
        raise invalid(f"{resource.name} must be a list of 1 to {MOST} objects", "BAD_REQUEST")
    for place, item in enumerate(items):
        if item.get("state") is not None and item["state"] not in WRITTEN_STATES:
            raise not_one_of(item["state"], f"{resource.name}[{place}].state", WRITTEN_STATES)
    return items


def _answer(call: AdsCall, resource: Resource, outcomes: Sequence[Outcome]) -> Answer:
    done, failed = [], []
    for place, outcome in enumerate(outcomes):
        if isinstance(outcome, Row):
            done.append({"index": place, resource.one: resource.render(call, outcome)})
            continue
        errors = [
            {
                "code": CODES.get(one.reason, "FIELD_VALUE_IS_INVALID"),
                "message": one.message,
                "fieldLocation": f"{resource.name}[{place}].{one.field}".rstrip("."),
            }
            for one in outcome
        ]
        failed.append({"index": place, "errors": errors})
    return Answer({"success": done, "error": failed}, 207)


def _endpoints() -> dict[str, Endpoint]:
    return {
        f"POST /adsApi/v1/{verb}/{resource.name}": Endpoint(partial(answer, resource))
        for resource in RESOURCES
        for verb, answer in (("create", _create), ("query", _query), ("update", _update), ("delete", _delete))
    }


ENDPOINTS: Mapping[str, Endpoint] = _endpoints()
