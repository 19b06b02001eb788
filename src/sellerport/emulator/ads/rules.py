"""What may be advertised how: what is wrong with a row that somebody wants to make, change or archive.

Each finding has a type and a reason of those that Amazon lists for Sponsored Products, and every family writes them in
its own way. The order of the checks is not known, so all that is wrong is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from sellerport.emulator.ads import markets
from sellerport.emulator.ads.advertisers import Profile
from sellerport.emulator.ads.book import PORTFOLIOS, Book, Row
from sellerport.emulator.ads.seeds import AUTOMATIC
from sellerport.emulator.world import World

LONGEST_NAME = {"seller": 128, "vendor": 116, "agency": 128}
LONGEST_AD_GROUP_NAME = 255
LONGEST_KEYWORD = 80
MOST_WORDS = 10
FORBIDDEN_IN_KEYWORDS = re.compile(r"[^\w\s.&'+\-/\"\[\]°€£$%:#@]", re.UNICODE)
CONTROL = re.compile(r"[\x00-\x1f\x7f<>]")

REQUIRED: Mapping[str, tuple[str, ...]] = {
    PORTFOLIOS: ("name",),
    "sp.campaigns": ("name", "targetingType", "budget"),
    "sp.adGroups": ("name", "defaultBid"),
    "sp.productAds": (),
    "sp.keywords": ("keywordText", "matchType"),
    "sp.negativeKeywords": ("keywordText", "matchType"),
    "sp.campaignNegativeKeywords": ("keywordText", "matchType"),
    "sp.targets": ("expression", "expressionType"),
    "sp.negativeTargets": ("expression",),
    "sp.campaignNegativeTargets": ("expression",),
    "sb.campaigns": ("name", "budget", "budgetType"),
    "sb.adGroups": ("name",),
    "sb.ads": ("name",),
    "sb.keywords": ("keywordText", "matchType"),
    "sb.negativeKeywords": ("keywordText", "matchType"),
    "sb.targets": ("expression",),
    "sb.negativeTargets": ("expression",),
    "sb.themes": ("themeType", "bid"),
    "sd.campaigns": ("name", "tactic", "budget", "budgetType", "startDate"),
    "sd.adGroups": ("name", "defaultBid"),
    "sd.productAds": (),
    "sd.targets": ("expression", "expressionType"),
    "sd.negativeTargets": ("expression", "expressionType"),
    "sd.creatives": ("properties",),
    "sd.locations": ("expression",),
}
"""What a new row has to have, beside its state and its parents."""


class Trouble(NamedTuple):
    """Something that is wrong with an item of a write."""

    type: str
    reason: str
    message: str
    field: str = ""
    """Which field of the item, or nothing for all of it."""
    trigger: str | None = None
    limits: tuple[str, str] | None = None
    """Between what it would have to be."""


class Check(NamedTuple):
    """Against what a row is checked."""

    world: World
    profile: Profile
    book: Book

    @property
    def today(self) -> date:
        """The date where the profile is."""
        return markets.today(self.profile.marketplace, self.world.now())


def campaign_of(book: Book, row: Row) -> Row | None:
    """Return the campaign that a row is in."""
    return book.get(f"{row.kind.partition('.')[0]}.campaigns", row.campaign)


def ad_group_of(book: Book, row: Row) -> Row | None:
    """Return the ad group that a row is in."""
    return book.get(f"{row.kind.partition('.')[0]}.adGroups", row.ad_group)


def of_new(check: Check, row: Row) -> list[Trouble]:
    """Return what is wrong with a row that is to be made."""
    found = [
        Trouble("missingValueError", "MISSING_VALUE", f"{name} is required", name)
        for name in REQUIRED[row.kind]
        if row.values.get(name) is None
    ]
    found += _parents(check, row)
    if row.kind.endswith(".productAds"):
        found += _product(check, row)
    if not found:
        found += _values(check, row, row.values)
        found += _new_dates(check, row)
        found += _place_in_group(check, row)
    return found or _duplicates(check, row)


def of_change(check: Check, old: Row, new: Row) -> list[Trouble]:
    """Return what is wrong with a change of a row."""
    found = [*_locked(check, old)]
    if found:
        return found
    changed = {name: value for name, value in new.values.items() if old.values.get(name) != value}
    if "targetingType" in changed:
        found.append(Trouble("otherError", "OTHER_ERROR", "targetingType cannot be changed", "targetingType"))
    started = old.values.get("startDate")
    if "startDate" in changed and started and _date(started) and started < check.today.isoformat():
        message = "startDate of a campaign that has started cannot be changed"
        found.append(Trouble("dateError", "UPDATING_READ_ONLY_START_DATE", message, "startDate"))
    found += _values(check, new, changed)
    if "startDate" in changed or "endDate" in changed:
        found += _dates(check, new, changed)
    return found or _duplicates(check, new)


def of_archival(check: Check, row: Row) -> list[Trouble]:
    """Return what keeps a row from being archived."""
    if row.archived:
        return [_archived()]
    if row.values.get("expressionType") == "AUTO":
        reason = "AUTO_TARGETING_CLAUSE_CANNOT_BE_ARCHIVED_MANUALLY"
        return [Trouble("entityStateError", reason, "An automatic target can be paused, not archived")]
    return []


def not_found(field: str, id: str) -> Trouble:
    """Return that there is no such entity."""
    return Trouble("entityNotFoundError", "ENTITY_NOT_FOUND", f"There is no entity {id}", field, id)


def _archived() -> Trouble:
    reason = "ARCHIVED_ENTITY_CANNOT_BE_MODIFIED"
    return Trouble("entityStateError", reason, "An archived entity cannot be changed")


def _locked(check: Check, row: Row) -> Iterator[Trouble]:
    if row.archived:
        yield _archived()
        return
    for parent in (campaign_of(check.book, row), ad_group_of(check.book, row)):
        if parent is not None and parent.archived:
            reason = "PARENT_ARCHIVED_FORBIDS_UPDATES"
            yield Trouble("entityStateError", reason, f"{parent.id}, which it is in, is archived")


# --- parents ----------------------------------------------------------------------------------------------------------


def _parents(check: Check, row: Row) -> Iterator[Trouble]:
    family, _, entity = row.kind.partition(".")
    if not entity:
        return
    portfolio = row.values.get("portfolioId")
    if portfolio and check.book.get(PORTFOLIOS, str(portfolio)) is None:
        message = f"There is no portfolio {portfolio}"
        yield Trouble("parentEntityError", "PARENT_ENTITY_NOT_FOUND", message, "portfolioId", str(portfolio))
    if entity == "campaigns":
        return
    yield from _parent(check.book.get(f"{family}.campaigns", row.campaign), "campaignId", row.campaign)
    if entity != "adGroups" and not entity.startswith("campaignNegative"):
        group = check.book.get(f"{family}.adGroups", row.ad_group)
        if group is not None and row.campaign and group.campaign != row.campaign:
            group = None
        yield from _parent(group, "adGroupId", row.ad_group)


def _parent(found: Row | None, field: str, id: str) -> Iterator[Trouble]:
    if not id:
        yield Trouble("missingValueError", "MISSING_VALUE", f"{field} is required", field)
    elif found is None:
        yield Trouble("parentEntityError", "PARENT_ENTITY_NOT_FOUND", f"There is no {field} {id}", field, id)
    elif found.archived:
        yield Trouble("parentEntityError", "PARENT_ENTITY_ARCHIVED", f"{field} {id} is archived", field, id)


def _product(check: Check, row: Row) -> Iterator[Trouble]:
    marketplace, shelf = check.profile.marketplace, check.world.shelf
    if check.profile.type == "vendor":
        if not (asin := row.values.get("asin")):
            yield Trouble("missingValueError", "MISSING_VALUE", "A vendor's ad is of an asin", "asin")
        elif (marketplace.id, asin) not in shelf.items:
            yield Trouble("productIdentifierError", "INVALID_ASIN", f"There is no ASIN {asin}", "asin", str(asin))
        return
    if not (sku := row.values.get("sku")):
        yield Trouble("missingValueError", "MISSING_VALUE", "A seller's ad is of a sku", "sku")
        return
    listing = shelf.listing(check.profile.account, marketplace.id, str(sku))
    if listing is None:
        yield Trouble("productIdentifierError", "INVALID_SKU", f"There is no SKU {sku}", "sku", str(sku))
    elif listing.is_parent:
        yield Trouble("adEligibilityError", "AD_INELIGIBLE", "A parent of variations cannot be advertised", "sku")


def _place_in_group(check: Check, row: Row) -> Iterator[Trouble]:
    """Yield what an ad group does not take: keywords beside products, and what only Amazon adds."""
    family, _, entity = row.kind.partition(".")
    campaign = campaign_of(check.book, row)
    automatic = campaign is not None and campaign.values.get("targetingType") == "AUTO"
    kinds = ("keywords", "targets")
    if family == "sp" and entity in kinds:
        if row.values.get("expressionType") == "AUTO" or any(
            one.get("type") in AUTOMATIC for one in row.values.get("expression", ())
        ):
            reason = "AUTO_TARGETING_CLAUSE_CANNOT_BE_CREATED_MANUALLY"
            yield Trouble("targetingClauseSetupError", reason, "Only Amazon adds automatic targets", "expression")
        elif automatic:
            reason = "TARGETING_TYPE_NOT_ALLOWED_FOR_AUTO_TARGETING_CAMPAIGN"
            yield Trouble("targetingClauseSetupError", reason, "The campaign is targeted automatically")
    if family in ("sp", "sb") and entity in kinds and not automatic:
        other = kinds[entity == "keywords"]
        if any(not one.archived for one in check.book.within(f"{family}.{other}", [row.ad_group])):
            message = f"The ad group has {other}, and can have no {entity}"
            yield Trouble("targetingClauseSetupError", "TYPE_CONFLICT_IN_AD_GROUP", message)


def _duplicates(check: Check, row: Row) -> list[Trouble]:
    if (held := check.book.holder(row)) is None:
        return []
    field = next((name for name in ("name", "keywordText", "expression", "sku", "asin") if name in row.values), "")
    value = row.values.get(field)
    message = f"{held} has the same {field}"
    return [
        Trouble("duplicateValueError", "DUPLICATE_VALUE", message, field, value if isinstance(value, str) else None)
    ]


# --- values -----------------------------------------------------------------------------------------------------------


def _values(check: Check, row: Row, values: Mapping[str, Any]) -> Iterator[Trouble]:
    if "name" in values:
        entity = row.kind.partition(".")[2]
        most = LONGEST_AD_GROUP_NAME if entity == "adGroups" else LONGEST_NAME[check.profile.type]
        yield from _text(values["name"], "name", most)
    if "keywordText" in values:
        yield from _keyword(values["keywordText"])
    if "expression" in values and not values["expression"]:
        yield Trouble("missingValueError", "MISSING_VALUE", "expression is empty", "expression")
    for field in ("bid", "defaultBid"):
        if values.get(field) is not None:
            yield from _bid(check, row, field, values[field])
    if "budget" in values and row.kind.endswith("campaigns"):
        yield from _budget(check, row)
    placements = values.get("dynamicBidding", {}).get("placementBidding") or ()
    for one in placements:
        if not 0 <= one.get("percentage", 0) <= 900:
            message = "percentage must be from 0 to 900"
            yield Trouble("rangeError", "TOO_HIGH", message, "dynamicBidding.placementBidding", limits=("0", "900"))


def _text(text: Any, field: str, most: int) -> Iterator[Trouble]:
    text = str(text)
    if not text.strip():
        yield Trouble("malformedValueError", "BLANK", f"{field} is blank", field)
    elif text != text.strip():
        message = f"{field} begins or ends with white space"
        yield Trouble("malformedValueError", "LEADING_OR_TRAILING_WHITESPACE", message, field, text)
    if CONTROL.search(text):
        yield Trouble("malformedValueError", "FORBIDDEN_CHARS", f"{field} has characters that it may not have", field)
    if len(text) > most:
        yield Trouble("malformedValueError", "TOO_LONG", f"{field} has more than {most} characters", field)


def _keyword(text: Any) -> Iterator[Trouble]:
    yield from _text(text, "keywordText", LONGEST_KEYWORD)
    if len(str(text).split()) > MOST_WORDS:
        yield Trouble("malformedValueError", "TOO_LONG", f"keywordText has more than {MOST_WORDS} words", "keywordText")
    if FORBIDDEN_IN_KEYWORDS.search(str(text)):
        message = "keywordText has characters that it may not have"
        yield Trouble("malformedValueError", "FORBIDDEN_CHARS", message, "keywordText", str(text))


def _bid(check: Check, row: Row, field: str, bid: float) -> Iterator[Trouble]:
    market = markets.MARKETS[check.profile.marketplace.country]
    least, most = market.bids
    limits = _written(least), _written(most)
    if not least <= bid <= most or not _whole(check, bid):
        message = f"{field} must be from {limits[0]} to {limits[1]}"
        yield Trouble("biddingError", "BID_OUT_OF_MARKET_PLACE_RANGE", message, field, _written(bid), limits)
        return
    campaign = campaign_of(check.book, row)
    if campaign is not None and bid > campaign.budget:
        message = f"{field} is more than the campaign's budget"
        yield Trouble(
            "biddingError", "BID_GT_BUDGET", message, field, _written(bid), (limits[0], _written(campaign.budget))
        )


def _budget(check: Check, row: Row) -> Iterator[Trouble]:
    field = "budget.budget" if row.kind.startswith("sp.") else "budget"
    least, most = markets.MARKETS[check.profile.marketplace.country].budgets
    limits = _written(least), _written(most)
    if not least <= row.budget <= most or not _whole(check, row.budget):
        message = f"The budget must be from {limits[0]} to {limits[1]}"
        reason = "BUDGET_OUT_OF_MARKET_PLACE_RANGE"
        yield Trouble("budgetError", reason, message, field, _written(row.budget), limits)
        return
    family = row.kind.partition(".")[0]
    for entity, name, reason in (
        ("adGroups", "defaultBid", "BUDGET_LT_DEFAULT_BIDS"),
        ("keywords", "bid", "BUDGET_LT_KEYWORD_BIDS"),
    ):
        bids = (
            one.values.get(name) or 0 for one in check.book.within(f"{family}.{entity}", [row.id]) if not one.archived
        )
        if max(bids, default=0) > row.budget:
            yield Trouble(
                "budgetError", reason, "The budget is less than what is bid", field, _written(row.budget), limits
            )


def _whole(check: Check, amount: float) -> bool:
    """Whether there is such an amount of the money: a yen has no parts, other money has hundredths."""
    parts = 1 if check.profile.marketplace.currency == "JPY" else 100
    return abs(amount * parts - round(amount * parts)) < 1e-6


def _written(amount: float) -> str:
    return f"{amount:.2f}".removesuffix(".00")


# --- dates ------------------------------------------------------------------------------------------------------------


def _new_dates(check: Check, row: Row) -> Iterator[Trouble]:
    if row.kind.endswith("campaigns"):
        yield from _dates(check, row, row.values)


def _dates(check: Check, row: Row, changed: Mapping[str, Any]) -> Iterator[Trouble]:
    dates = {name: row.values[name] for name in ("startDate", "endDate") if row.values.get(name)}
    for name, text in dates.items():
        if _date(text) is None:
            message = f"{name} must be a date such as 2026-01-31"
            yield Trouble("dateError", "INVALID_DATE", message, name, str(text))
            return
    today = check.today.isoformat()
    for name, reason in (("startDate", "START_DATE_EARLIER_THAN_TODAY"), ("endDate", "END_DATE_EARLIER_THAN_TODAY")):
        if changed.get(name) and dates[name] < today:
            yield Trouble("dateError", reason, f"{name} is over, it is {today}", name, dates[name])
    if len(dates) == 2 and dates["startDate"] > dates["endDate"]:
        message = "startDate is after endDate"
        yield Trouble("dateError", "START_DATE_AFTER_END_DATE", message, "startDate", dates["startDate"])


def _date(text: Any) -> date | None:
    try:
        return date.fromisoformat(text) if isinstance(text, str) and len(text) == 10 else None
    except ValueError:
        return None
