"""The rows of a report: what shoppers did, added up by what the report is grouped by, in exactly the columns asked for.

What can be added is added up as whole numbers, money in the currency's smallest unit; rates are made of the sums. A row
is there where something was shown; reports of products that the local Amazon does not have are empty.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sellerport.catalog.report_types import column_types
from sellerport.emulator.ads.book import Row
from sellerport.emulator.ads.budget_rules import Rule
from sellerport.emulator.ads.shoppers import TOP, WINDOWS, Family, Purchase, Shoppers, Showing
from sellerport.regions import Marketplace

NATURAL: Mapping[str, tuple[Family, tuple[str, ...]]] = {
    "spCampaigns": ("sp", ("campaign",)),
    "spTargeting": ("sp", ("target",)),
    "spSearchTerm": ("sp", ("target", "term")),
    "spAdvertisedProduct": ("sp", ("ad",)),
    "spPurchasedProduct": ("sp", ("ad", "target", "purchased")),
    "spGrossAndInvalids": ("sp", ("campaign",)),
    "sbCampaigns": ("sb", ("campaign",)),
    "sbCampaignPlacement": ("sb", ("campaign",)),
    "sbAdGroup": ("sb", ("group",)),
    "sbAds": ("sb", ("ad",)),
    "sbTargeting": ("sb", ("target",)),
    "sbSearchTerm": ("sb", ("target", "term")),
    "sbPurchasedProduct": ("sb", ("group", "purchased")),
    "sbGrossAndInvalids": ("sb", ("campaign",)),
    "sdCampaigns": ("sd", ("campaign",)),
    "sdAdGroup": ("sd", ("group",)),
    "sdTargeting": ("sd", ("target",)),
    "sdAdvertisedProduct": ("sd", ("ad",)),
    "sdPurchasedProduct": ("sd", ("ad", "purchased")),
    "sdGrossAndInvalids": ("sd", ("campaign",)),
}
"""What a report type's rows are of, before anything else is grouped by."""
FINER: Mapping[str, str] = {"adGroup": "group", "campaignPlacement": "place", "matchedTarget": "matched"}
"""What rows are cut by further, by what is grouped by."""
UNADVERTISED = ("spPurchasedProduct", "sdPurchasedProduct")
"""Reports of what was bought besides what was advertised."""

AUTOMATIC: Mapping[str, str] = {
    "QUERY_HIGH_REL_MATCHES": "close-match",
    "QUERY_BROAD_REL_MATCHES": "loose-match",
    "ASIN_SUBSTITUTE_RELATED": "substitutes",
    "ASIN_ACCESSORY_RELATED": "complements",
}
"""What reports call the targets that an automatic campaign has by itself."""
ASIN = re.compile(r"b0[a-z0-9]{8}|[0-9]{9}[0-9x]")


@dataclass(frozen=True)
class Line:
    """What a row is of: any showing that is in it, and what it is grouped by."""

    showing: Showing
    marketplace: Marketplace
    start: date
    end: date
    rule: Rule | None
    """Of the campaign's budget."""


def rows(
    shoppers: Shoppers,
    marketplace: Marketplace,
    configuration: Mapping[str, Any],
    days: tuple[date, date],
    rules: Mapping[str, Rule],
) -> Iterator[dict[str, Any]]:
    """Yield a report's rows.

    Args:
        shoppers: those of the profile.
        marketplace: the profile's.
        configuration: the report's, one that Amazon takes (see `catalog.report_types.problems`).
        days: the first and the last.
        rules: those that raise budgets now, by campaign.
    """
    name, daily = configuration["reportTypeId"], configuration["timeUnit"] == "DAILY"
    if name not in NATURAL:
        return
    family, natural = NATURAL[name]
    group_by = configuration["groupBy"]
    parts = (*natural, *(FINER[one] for one in group_by if one in FINER), *(["day"] if daily else []))
    filters = {one["field"]: set(one.get("values") or ()) for one in configuration.get("filters") or ()}
    sums: dict[tuple[Any, ...], Counter[str]] = {}
    lines: dict[tuple[Any, ...], Line] = {}
    for one in shoppers.showings(family, *days):
        key = tuple(PARTS[part](one) for part in parts)
        same = name in UNADVERTISED and one.purchase is not None and one.purchase.same
        if None in key or same or not _passes(one, filters):
            continue
        if key not in lines:
            first, last = (one.day, one.day) if daily else days
            lines[key] = Line(one, marketplace, first, last, rules.get(one.campaign.id))
        sums.setdefault(key, Counter()).update(counted(family, one))
    for key, line in lines.items():
        yield {column: _value(column, line, sums[key], shoppers.minor) for column in configuration["columns"]}


def _matched(one: Showing) -> str | None:
    """Return the product that was looked at, if it was one."""
    return one.term.upper() if ASIN.fullmatch(one.term) else None


PARTS: Mapping[str, Callable[[Showing], Any]] = {
    "campaign": lambda one: one.campaign.id,
    "group": lambda one: one.group.id,
    "ad": lambda one: one.ad.id,
    "target": lambda one: one.target.id,
    "term": lambda one: one.term,
    "place": lambda one: one.place,
    "matched": _matched,
    "purchased": lambda one: one.purchase.asin if one.purchase else None,
    "day": lambda one: one.day,
}
FILTERS: Mapping[str, Callable[[Showing], Any]] = {
    "campaignStatus": lambda one: one.campaign.state,
    "adStatus": lambda one: one.ad.state if one.ad.kind == "sb.ads" else one.group.state,
    "adCreativeStatus": lambda one: one.ad.state,
    "adKeywordStatus": lambda one: one.target.state,
    "keywordType": lambda one: _keyword_type(one.target),
    "campaignSite": lambda one: one.site,
}


def _passes(one: Showing, filters: Mapping[str, set[str]]) -> bool:
    return all(FILTERS[field](one) in values for field, values in filters.items())


# --- what is added up -------------------------------------------------------------------------------------------------


def counted(family: Family, one: Showing) -> dict[str, int]:
    """Return what a showing adds to each column of its family's reports; money in the smallest unit."""
    clicks = int(one.clicked)
    made = {
        "impressions": one.impressions,
        "clicks": clicks,
        "cost": one.cost,
        "spend": one.cost,
        "invalidImpressions": one.invalid,
        "grossImpressions": one.impressions + one.invalid,
        "invalidClickThroughs": int(one.clicked and one.invalid == 2),
        "grossClickThroughs": clicks + int(one.clicked and one.invalid == 2),
        "viewableImpressions": one.viewable,
        "impressionsViews": one.viewable,
        "top of search": one.impressions if one.place == TOP else 0,
        **dict.fromkeys(("detailPageViews", "detailPageViewsClicks"), clicks),
        **dict.fromkeys(("addToCart", "addToCartClicks"), int(one.cart)),
    }
    if one.purchase is not None:
        made |= _windows(one.purchase) if family == "sp" else _fortnight(one.purchase)
    return made


def _windows(bought: Purchase) -> dict[str, int]:
    """Return what a purchase adds to the columns of Sponsored Products, each of which has a number of days."""
    whose = "SameSku" if bought.same else "OtherSku"
    made: dict[str, int] = {}
    for days in (one for one in WINDOWS if bought.days < one):
        made |= {
            f"purchases{days}d": 1,
            f"purchases{whose}{days}d": 1,
            f"sales{days}d": bought.amount,
            f"{'attributedSalesSameSku' if bought.same else 'salesOtherSku'}{days}d": bought.amount,
            f"unitsSoldClicks{days}d": bought.units,
            f"unitsSold{whose}{days}d": bought.units,
        }
    return made


def _fortnight(bought: Purchase) -> dict[str, int]:
    """Return what a purchase adds to the columns of brands and displays, which all count 14 days."""
    if bought.days >= 14:
        return {}
    amounts = {"purchases": 1, "sales": bought.amount, "unitsSold": bought.units}
    how = "Clicks" if bought.clicked else "Views"
    made: dict[str, int] = {}
    for what, amount in amounts.items():
        old = "orders" if what == "purchases" else what
        halo = "conversions" if what == "purchases" else what
        also = f"{what}Promoted" if bought.same else f"{halo}BrandHalo"
        made |= dict.fromkeys((what, f"{what}{how}", f"{old}14d", also), amount)
        if bought.clicked:
            made |= dict.fromkeys((f"{old}Clicks14d", f"{also}Clicks"), amount)
        if bought.new_to_brand:
            new = f"newToBrand{what[0].upper()}{what[1:]}"
            made |= dict.fromkeys((new, f"{new}{how}", f"{new}14d"), amount)
    return made


# --- columns ----------------------------------------------------------------------------------------------------------


def _value(column: str, line: Line, sums: Mapping[str, int], minor: int) -> Any:
    """Return what stands in a column; what the local Amazon does not know is 0, or nothing in a text or a rate."""
    if column in FACTS:
        return FACTS[column](line)
    kind = column_types()[column]
    if column in RATES:
        above, below, factor = RATES[column]
        scale = minor if column in PRICES else 1
        return round(factor * sums[above] / sums[below] / scale, 4) if sums.get(below) else None
    if kind == "string":
        return None
    money = kind == "decimal" or column.startswith("salesBrandHalo")  # which Amazon's table calls whole numbers
    return round(sums.get(column, 0) / minor, 2) if money else sums.get(column, 0)


RATES: Mapping[str, tuple[str, str, float]] = {
    "clickThroughRate": ("clicks", "impressions", 1),
    "costPerClick": ("cost", "clicks", 1),
    "costPerThousandImpressions": ("cost", "impressions", 1000),
    "roas": ("sales", "cost", 1),
    "addToCartRate": ("addToCart", "impressions", 1),
    "eCPAddToCart": ("cost", "addToCart", 1),
    "newToBrandPurchasesRate": ("newToBrandPurchases", "impressions", 1),
    "viewabilityRate": ("viewableImpressions", "impressions", 1),
    "viewClickThroughRate": ("clicks", "viewableImpressions", 1),
    "invalidImpressionRate": ("invalidImpressions", "grossImpressions", 1),
    "invalidClickThroughRate": ("invalidClickThroughs", "grossClickThroughs", 1),
    "topOfSearchImpressionShare": ("top of search", "impressions", 100),
    **{f"acosClicks{days}d": ("cost", f"sales{days}d", 100) for days in WINDOWS},
    **{f"roasClicks{days}d": (f"sales{days}d", "cost", 1) for days in WINDOWS},
    **{f"newToBrand{what}Percentage": (f"newToBrand{what}", whole, 100) for what, whole in (
        ("Purchases", "purchases"), ("Sales", "sales"), ("UnitsSold", "unitsSold"),
    )},
    **{f"newToBrand{what}Percentage14d": (f"newToBrand{what}14d", whole, 100) for what, whole in (
        ("Purchases", "orders14d"), ("Sales", "sales14d"), ("UnitsSold", "unitsSold14d"),
    )},
}  # fmt: skip
"""Column → what is divided by what, and times what."""
PRICES = frozenset({"costPerClick", "costPerThousandImpressions", "eCPAddToCart"})
"""Rates that are money."""


def _number(id: Any) -> int | None:
    return int(id) if id else None


def _expression(target: Row) -> str:
    """Return a target as reports write it: ``asin="B0…"``, or ``close-match``."""
    if "keywordText" in target.values:
        return str(target.values["keywordText"])
    if "themeType" in target.values:
        return str(target.values["themeType"])
    written = []
    for one in target.values.get("expression", ()):
        type, value = str(one.get("type", "")), one.get("value")
        short = type.upper().replace("_", "").removesuffix("SAMEAS").lower()
        plain = AUTOMATIC.get(type, short)
        written.append(f'{plain}="{value}"' if isinstance(value, str) else plain)
    return " ".join(written)


def _keyword_type(target: Row) -> str:
    values = target.values
    if "keywordText" in values:
        return str(values["matchType"])
    if "themeType" in values:
        return "THEME"
    return "TARGETING_EXPRESSION_PREDEFINED" if values.get("expressionType") == "AUTO" else "TARGETING_EXPRESSION"


def _of(part: str, name: str) -> Callable[[Line], Any]:
    """Return what reads a value of a row: of the campaign, the group, the ad or the target."""
    return lambda line: getattr(line.showing, part).values.get(name)


def _budget_type(line: Line) -> str:
    held = line.showing.campaign.values
    budget = held.get("budget")
    return f"{(budget if isinstance(budget, Mapping) else held).get('budgetType', 'DAILY')}_BUDGET"


def _asin(line: Line) -> str | None:
    values = line.showing.ad.values
    asins: Sequence[str] = (values.get("creative") or {}).get("asins") or ()
    return values.get("asin") or (asins[0] if asins else None)


def _bought(line: Line) -> str | None:
    return line.showing.purchase.asin if line.showing.purchase else None


def _halo(line: Line) -> str:
    return "Promoted" if line.showing.purchase and line.showing.purchase.same else "Brand Halo"


FACTS: Mapping[str, Callable[[Line], Any]] = {
    "date": lambda line: line.start.isoformat(),
    "startDate": lambda line: line.start.isoformat(),
    "endDate": lambda line: line.end.isoformat(),
    "marketplaceId": lambda line: line.marketplace.id,
    "campaignId": lambda line: int(line.showing.campaign.id),
    "campaignName": lambda line: line.showing.campaign.name,
    "campaignStatus": lambda line: line.showing.campaign.state,
    "campaignBudgetAmount": lambda line: line.showing.campaign.budget,
    "campaignBudgetCurrencyCode": lambda line: line.marketplace.currency,
    "campaignBudgetType": _budget_type,
    "campaignBiddingStrategy": lambda line: (line.showing.campaign.values.get("dynamicBidding") or {}).get("strategy"),
    "campaignApplicableBudgetRuleId": lambda line: line.rule and line.rule.id,
    "campaignApplicableBudgetRuleName": lambda line: line.rule and line.rule.details["name"],
    "campaignRuleBasedBudgetAmount": lambda line: (
        line.rule and round(line.showing.campaign.budget * line.rule.times, 2)
    ),
    "costType": _of("campaign", "costType"),
    "campaignPriceTypeCode": _of("campaign", "costType"),
    "portfolioId": lambda line: _number(line.showing.campaign.values.get("portfolioId")),
    "adGroupId": lambda line: int(line.showing.group.id),
    "adGroupName": lambda line: line.showing.group.name,
    "adStatus": lambda line: FILTERS["adStatus"](line.showing),
    "bidOptimization": _of("group", "bidOptimization"),
    "adId": lambda line: int(line.showing.ad.id),
    "advertisedAsin": _asin,
    "advertisedSku": _of("ad", "sku"),
    "promotedAsin": _asin,
    "promotedSku": _of("ad", "sku"),
    "keywordId": lambda line: int(line.showing.target.id),
    "keyword": lambda line: _expression(line.showing.target),
    "keywordText": lambda line: _expression(line.showing.target),
    "keywordType": lambda line: _keyword_type(line.showing.target),
    "keywordBid": _of("target", "bid"),
    "matchType": lambda line: _keyword_type(line.showing.target),
    "adKeywordStatus": lambda line: line.showing.target.state,
    "targeting": lambda line: _expression(line.showing.target),
    "targetingExpression": lambda line: _expression(line.showing.target),
    "targetingId": lambda line: int(line.showing.target.id),
    "targetingText": lambda line: _expression(line.showing.target),
    "targetingType": lambda line: _keyword_type(line.showing.target),
    "searchTerm": lambda line: line.showing.term,
    "matchedTargetAsin": lambda line: _matched(line.showing),
    "placementClassification": lambda line: line.showing.place,
    "purchasedAsin": _bought,
    "asinBrandHalo": _bought,
    "attributionType": _halo,
}
"""What stands in the columns that describe."""
