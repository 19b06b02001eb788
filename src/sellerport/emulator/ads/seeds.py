"""What an account advertises from the beginning: portfolios and campaigns of its own products, the same every time.

There is one of everything that clients meet: automatic and manual campaigns, some that are paused, archived, over or
still to come, keywords and products that are bid for and that are excluded, brands with a collection and with a video,
and displays for shoppers of a product and for an audience.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sellerport.emulator.ads import markets
from sellerport.emulator.ads.book import ARCHIVED, PORTFOLIOS, Book, Row
from sellerport.emulator.shop import DAY_S, Product

if TYPE_CHECKING:
    from sellerport.emulator.ads.advertisers import Profile
    from sellerport.emulator.world import Account

AUTOMATIC = (
    "QUERY_HIGH_REL_MATCHES",
    "QUERY_BROAD_REL_MATCHES",
    "ASIN_SUBSTITUTE_RELATED",
    "ASIN_ACCESSORY_RELATED",
)
"""What an ad group of an automatic campaign is matched by: each is a target that nobody adds or takes away."""
MATCHES = ("BROAD", "PHRASE", "EXACT")
OLD_DAYS = 200
ENABLED, PAUSED = "ENABLED", "PAUSED"


def book(profile: Profile, account: Account, founded: float) -> Book:
    """Return what a profile advertises; ``founded`` is when its account was seeded, in unix seconds."""
    planner = _Planner(profile, account.products, founded)
    if account.products:
        planner.sponsored_products()
        planner.sponsored_brands()
        planner.sponsored_display()
    return planner.book


class _Planner:
    """Adds rows to a book, each with its parents."""

    def __init__(self, profile: Profile, products: Sequence[Product], founded: float) -> None:
        self.book = Book()
        self._profile, self._founded = profile, founded
        self._products, self._brand = products, products[0].brand if products else ""
        self._chance = random.Random(f"campaigns {profile.id}")  # noqa: S311  # nothing here is worth guessing
        self._days = OLD_DAYS
        self._portfolios = [
            self._add(PORTFOLIOS, {"name": f"{self._brand} {name}", "inBudget": True, **more}).id
            for name, more in (
                ("always on", {}),
                ("seasons", {"budget": self._cap()}),
            )
            if products
        ]

    def _cap(self) -> dict[str, Any]:
        amount = markets.budget(2_000, self._profile.marketplace)
        currency = self._profile.marketplace.currency
        return {"amount": amount, "currencyCode": currency, "policy": "MONTHLY_RECURRING"}

    def _add(
        self, kind: str, values: Mapping[str, Any], *, campaign: str = "", ad_group: str = "", state: str = ENABLED
    ) -> Row:
        when = float(int(self._founded - self._days * DAY_S + self.book.serial))
        id = self.book.new_id(self._profile.id)
        row = Row(id, kind, state, when, when, campaign, ad_group, values)
        self.book.put(row)
        return row

    def _date(self, days: float) -> str:
        when = self._founded + days * DAY_S
        return markets.today(self._profile.marketplace, when).isoformat()

    def _bid(self) -> float:
        return markets.bid(self._chance.randint(35, 160) / 100, self._profile.marketplace)

    def _budget(self) -> float:
        return markets.budget(self._chance.choice((15, 25, 40, 60, 90)), self._profile.marketplace)

    def _some(self, most: int) -> list[Product]:
        return self._chance.sample(self._products, min(most, len(self._products)))

    def _advertised(self, product: Product) -> dict[str, Any]:
        both = {"sku": product.sku, "asin": product.asin}
        return {"asin": product.asin} if self._profile.type == "vendor" else both

    # --- Sponsored Products -------------------------------------------------------------------------------------------

    def sponsored_products(self) -> None:
        """Add six campaigns: by whom they are matched, and whether they run."""
        for title, targeting, state, starts in (
            ("discovery", "AUTO", ENABLED, -190),
            ("bestsellers", "MANUAL", ENABLED, -170),
            ("competing items", "MANUAL", ENABLED, -120),
            ("brand", "MANUAL", PAUSED, -100),
            ("last season", "AUTO", ARCHIVED, -180),
            ("next season", "MANUAL", ENABLED, 21),
        ):
            self._days = min(max(-starts, 1), OLD_DAYS)
            season = "season" in title
            values: dict[str, Any] = {
                "name": f"{self._brand} {title}",
                "portfolioId": self._portfolios[season],
                "targetingType": targeting,
                "budget": {"budget": self._budget(), "budgetType": "DAILY"},
                "dynamicBidding": {"strategy": "LEGACY_FOR_SALES", "placementBidding": []},
                "startDate": self._date(starts),
            }
            if state == ARCHIVED:
                values["endDate"] = self._date(-60)
            campaign = self._add("sp.campaigns", values, state=state)
            for number in range(2 if title == "bestsellers" else 1):
                self._sp_ad_group(campaign, f"{title} {number + 1}", by_product="items" in title)
            if title == "bestsellers":
                negative = {"keywordText": "second hand", "matchType": "NEGATIVE_PHRASE"}
                self._add("sp.campaignNegativeKeywords", negative, campaign=campaign.id)
            if title == "discovery":
                expression = {"expression": [{"type": "ASIN_SAME_AS", "value": self._some(1)[0].asin}]}
                self._add("sp.campaignNegativeTargets", expression, campaign=campaign.id)

    def _sp_ad_group(self, campaign: Row, name: str, *, by_product: bool) -> None:
        group = self._add("sp.adGroups", {"name": name, "defaultBid": self._bid()}, campaign=campaign.id)
        place = {"campaign": campaign.id, "ad_group": group.id}
        advertised = self._some(5)
        for number, product in enumerate(advertised):
            state = PAUSED if number == 4 else ENABLED
            self._add("sp.productAds", self._advertised(product), **place, state=state)
        if campaign.values["targetingType"] == "AUTO":
            for values in automatic(group):
                self._add("sp.targets", values, **place)
            self._add("sp.negativeKeywords", {"keywordText": "free", "matchType": "NEGATIVE_EXACT"}, **place)
        elif by_product:
            for product in self._some(4):
                self._add("sp.targets", targeted("ASIN_SAME_AS", product.asin, self._bid()), **place)
            excluded = {"expression": [{"type": "ASIN_SAME_AS", "value": self._some(1)[0].asin}]}
            self._add("sp.negativeTargets", excluded, **place)
        else:
            for number, product in enumerate(advertised):
                text = _searched(product)
                keyword = {"keywordText": text, "matchType": MATCHES[number % 3], "bid": self._bid()}
                self._add("sp.keywords", keyword, **place, state=PAUSED if number == 4 else ENABLED)
            self._add("sp.negativeKeywords", {"keywordText": "used", "matchType": "NEGATIVE_PHRASE"}, **place)

    # --- Sponsored Brands ---------------------------------------------------------------------------------------------

    def sponsored_brands(self) -> None:
        """Add a campaign of a collection, which is found by keywords, and one of a video, by products."""
        for title, starts in (("collection", -150), ("video", -90)):
            self._days = -starts
            values = {
                "name": f"{self._brand} {title}",
                "portfolioId": self._portfolios[0],
                "budget": self._budget(),
                "budgetType": "DAILY",
                "startDate": self._date(starts),
                "brandEntityId": self._profile.entity,
                "bidding": {"bidOptimization": True},
                "productLocation": "SOLD_ON_AMAZON",
                "costType": "CPC",
                "goal": "PAGE_VISIT",
            }
            campaign = self._add("sb.campaigns", values)
            group = self._add("sb.adGroups", {"name": f"{title} 1"}, campaign=campaign.id)
            place = {"campaign": campaign.id, "ad_group": group.id}
            advertised = self._some(3)
            self._add("sb.ads", self._sb_ad(title, advertised), **place)
            if title == "collection":
                for number, product in enumerate(advertised):
                    text = _searched(product)
                    keyword = {"keywordText": text, "matchType": MATCHES[number % 3], "bid": self._bid()}
                    self._add("sb.keywords", keyword, **place)
                negative = {"keywordText": "cheap", "matchType": "NEGATIVE_PHRASE"}
                self._add("sb.negativeKeywords", negative, **place)
                theme = {"themeType": "KEYWORDS_RELATED_TO_YOUR_BRAND", "bid": self._bid()}
                self._add("sb.themes", theme, **place)
            else:
                for product in self._some(3):
                    self._add("sb.targets", targeted("ASIN_SAME_AS", product.asin, self._bid()), **place)
                excluded = {"expression": [{"type": "ASIN_SAME_AS", "value": self._some(1)[0].asin}]}
                self._add("sb.negativeTargets", excluded, **place)

    def _sb_ad(self, title: str, products: Sequence[Product]) -> dict[str, Any]:
        asins = [one.asin for one in products]
        creative: dict[str, Any] = {"asins": asins, "brandName": self._brand, "headline": "Made to be used every day"}
        creative["type"] = "VIDEO" if title == "video" else "PRODUCT_COLLECTION"
        if title == "video":
            creative |= {"asins": asins[:1], "videoAssetIds": [f"amzn1.assetlibrary.asset1.{self._profile.id}"]}
        else:
            creative["brandLogoAssetID"] = f"amzn1.assetlibrary.asset1.{self._profile.entity}"
        page = {"pageType": "PRODUCT_LIST", "asins": asins} if title == "collection" else {"pageType": "DETAIL_PAGE"}
        return {"name": f"{self._brand} {title} ad", "landingPage": page, "creative": creative}

    # --- Sponsored Display --------------------------------------------------------------------------------------------

    def sponsored_display(self) -> None:
        """Add a campaign for shoppers of a product, paid by the click, and one for an audience, by the view."""
        for title, tactic, cost in (("similar items", "T00020", "CPC"), ("seen before", "T00030", "VCPM")):
            self._days = 110
            values = {
                "name": f"{self._brand} {title}",
                "portfolioId": self._portfolios[1],
                "tactic": tactic,
                "costType": cost,
                "budget": self._budget(),
                "budgetType": "DAILY",
                "startDate": self._date(-110),
                "deliveryProfile": "AS_SOON_AS_POSSIBLE",
            }
            campaign = self._add("sd.campaigns", values)
            optimized = "CLICKS" if cost == "CPC" else "REACH"
            group_values = {"name": f"{title} 1", "defaultBid": self._bid(), "tactic": tactic}
            group = self._add("sd.adGroups", {**group_values, "bidOptimization": optimized}, campaign=campaign.id)
            place = {"campaign": campaign.id, "ad_group": group.id}
            for product in self._some(3):
                self._add("sd.productAds", self._advertised(product), **place)
            if cost == "CPC":
                for product in self._some(2):
                    self._add("sd.targets", targeted("ASIN_SAME_AS", product.asin, self._bid()), **place)
                excluded = {"expression": [{"type": "ASIN_SAME_AS", "value": self._some(1)[0].asin}]}
                self._add("sd.negativeTargets", {**excluded, "expressionType": "MANUAL"}, **place)
            else:
                seen = [{"type": "EXACT_PRODUCT"}, {"type": "LOOKBACK", "value": "30"}]
                self._add("sd.targets", targeted("VIEWS", seen, self._bid()), **place)
            headline = {"headline": "Made to be used every day"}
            self._add("sd.creatives", {"creativeType": "IMAGE", "properties": headline}, **place)


def _searched(product: Product) -> str:
    """Return what somebody types who looks for a product: no punctuation, which keywords may not have."""
    return " ".join(re.findall(r"\w+", product.title.lower())[:5])


def automatic(group: Row) -> list[dict[str, Any]]:
    """Return the targets that an ad group of an automatic campaign has from the beginning; each bids its default."""
    return [
        {"expression": [{"type": one}], "expressionType": "AUTO", "bid": group.values["defaultBid"]}
        for one in AUTOMATIC
    ]


def targeted(type: str, value: Any, bid: float) -> dict[str, Any]:
    """Return a target of one predicate."""
    return {"expression": [{"type": type, "value": value}], "expressionType": "MANUAL", "bid": bid}
