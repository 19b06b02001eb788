"""Who saw an ad, why, who clicked it and what they bought: what every report of a profile is added up from.

A day of an ad group is drawn from its id and the date, and so is the same whenever and however often it is looked at.
Each draw is of one ad, one keyword or target, one search and one place; since every report adds up the same draws, ad
groups add up to their campaign, days to their month, and keywords to their ad group, to the cent.

* A row is shown on a day when it is there, its campaign runs, and it is enabled; one that is paused or archived keeps
  what it had before.
* A click costs less than what is bid now; what was bid before is not known.
* A purchase is attributed to the day of the click, and is not known before it is made: looked at again, yesterday has
  more sales.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

from sellerport.emulator.ads import markets
from sellerport.emulator.ads.advertisers import Profile
from sellerport.emulator.ads.book import Row

if TYPE_CHECKING:
    from sellerport.emulator.world import World

Family = Literal["sp", "sb", "sd"]

ADS: Mapping[Family, tuple[str, ...]] = {"sp": ("sp.productAds",), "sb": ("sb.ads",), "sd": ("sd.productAds",)}
TARGETS: Mapping[Family, tuple[str, ...]] = {
    "sp": ("sp.keywords", "sp.targets"),
    "sb": ("sb.keywords", "sb.targets", "sb.themes"),
    "sd": ("sd.targets",),
}

TOP = "Top of Search on-Amazon"
PLACES = (TOP, "Other on-Amazon", "Detail Page on-Amazon", "Off Amazon")
BUSINESS = "AmazonBusiness"
WINDOWS = (1, 7, 14, 30)
"""How many days after a click a purchase counts: each column has one of these."""
MORE_WORDS = ("", " set", " for home", " gift", " large")
DELAYS = (0, 0, 0, 1, 1, 2, 5, 9, 13, 20, 27)


@dataclass(frozen=True, slots=True)
class Purchase:
    """What somebody bought who had seen an ad."""

    asin: str
    same: bool
    """Whether it is what was advertised."""
    units: int
    amount: int
    """What it cost, in the currency's smallest unit."""
    days: int
    """How many days later."""
    new_to_brand: bool
    clicked: bool
    """Whether the ad was clicked, or only seen."""


@dataclass(frozen=True, slots=True)
class Showing:
    """Some showings of one ad for one reason; at most one of them is clicked."""

    day: date
    campaign: Row
    group: Row
    ad: Row
    target: Row
    place: str
    site: str
    term: str
    impressions: int
    viewable: int
    invalid: int
    """How many more there were that Amazon does not count."""
    cost: int
    """In the currency's smallest unit."""
    clicked: bool
    cart: bool
    """Whether it was put into a cart."""
    purchase: Purchase | None


class Shoppers:
    """The shoppers of one profile, as they are known now."""

    def __init__(self, world: World, profile: Profile) -> None:
        self._profile, self._book, self._seed = profile, world.ads.book(profile), world.seed
        self.today = markets.today(profile.marketplace, world.now())
        self._products = {one.asin: one for one in world.account(profile.account).products}
        self._asins = sorted(self._products)
        currency = profile.marketplace.currency
        self.minor = 1 if currency == "JPY" else 100
        """How many of the currency's smallest unit are one of it."""
        self._prices = {asin: int(one.price(currency) * self.minor) for asin, one in self._products.items()}
        self._lives: dict[str, tuple[date, date]] = {}

    def showings(self, family: Family, start: date, end: date) -> Iterator[Showing]:
        """Yield what was shown from a day to a day, both included, ad group by ad group."""
        last = min(end, self.today)
        days = [start + timedelta(days=number) for number in range((last - start).days + 1)]
        for group in self._book.rows(f"{family}.adGroups").values():
            campaign = self._book.get(f"{family}.campaigns", group.campaign)
            ads = [row for kind in ADS[family] for row in self._book.within(kind, [group.id])]
            targets = [row for kind in TARGETS[family] for row in self._book.within(kind, [group.id])]
            if campaign is None or not ads or not targets:
                continue
            for day in days:
                if self._runs(campaign, day) and self._lives_on(group, day):
                    yield from self._day(campaign, group, ads, targets, day)

    def _day(
        self, campaign: Row, group: Row, ads: Sequence[Row], targets: Sequence[Row], day: date
    ) -> Iterator[Showing]:
        ads = [row for row in ads if self._lives_on(row, day)]
        targets = [row for row in targets if self._lives_on(row, day)]
        if not ads or not targets:
            return
        chance = random.Random(f"{self._seed} {group.id} {day}")  # noqa: S311  # nothing here is worth guessing
        usual = 3 + int(group.id) % 5
        for _ in range(chance.randint(usual, 2 * usual)):
            yield self._showing(chance, campaign, group, chance.choice(ads), chance.choice(targets), day)

    def _showing(self, chance: random.Random, campaign: Row, group: Row, ad: Row, target: Row, day: date) -> Showing:
        impressions = chance.randint(8, 120)
        viewable = chance.randint(impressions // 2, impressions)
        clicked = chance.random() < 0.45
        bid = float(target.values.get("bid") or group.values.get("defaultBid") or 1)
        cost = max(int(bid * self.minor * chance.uniform(0.45, 1)), 1) if clicked else 0
        if campaign.values.get("costType") == "VCPM":  # the bid is for a thousand that could be seen
            cost = int(bid * self.minor * viewable / 1000)
        asins = _asins(ad)
        return Showing(
            day, campaign, group, ad, target,
            chance.choice(PLACES),
            BUSINESS if chance.random() < 0.1 else "Amazon",
            self._term(chance, target, asins),
            impressions, viewable, chance.randint(0, 2), cost, clicked,
            clicked and chance.random() < 0.3,
            self._purchase(chance, campaign, asins, day, clicked=clicked),
        )  # fmt: skip

    def _term(self, chance: random.Random, target: Row, asins: Sequence[str]) -> str:
        """Return what was searched, or the product in lower case that was looked at."""
        values = target.values
        more = chance.choice(MORE_WORDS)
        if "keywordText" in values:
            return str(values["keywordText"]) + ("" if values.get("matchType") == "EXACT" else more)
        expression = values.get("expression") or [{}]
        if isinstance(value := expression[0].get("value"), str):
            return value.lower()
        product = self._products.get(asins[0]) if asins else None
        return " ".join(product.title.lower().split()[:3]) + more if product else "something else"

    def _purchase(
        self, chance: random.Random, campaign: Row, asins: Sequence[str], day: date, *, clicked: bool
    ) -> Purchase | None:
        same, luck, delay = chance.random() < 0.7, chance.random(), chance.choice(DELAYS)
        units, new = chance.choice((1, 1, 1, 2, 3)), chance.random() < 0.4
        other = chance.choice(self._asins) if self._asins else ""
        seen_only = campaign.kind.startswith("sd.") and luck < 0.02  # only displays count those who did not click
        if not (luck < 0.2 if clicked else seen_only) or day + timedelta(days=delay) > self.today:
            return None
        asin = asins[0] if asins and (same or not other) else other
        price = self._prices.get(asin, 25 * self.minor)
        return Purchase(asin, asin in asins, units, units * price, delay, new, clicked) if asin else None

    def _runs(self, campaign: Row, day: date) -> bool:
        starts, ends = campaign.values.get("startDate"), campaign.values.get("endDate")
        return (
            self._lives_on(campaign, day)
            and (not starts or str(starts) <= day.isoformat())
            and (not ends or day.isoformat() <= str(ends))
        )

    def _lives_on(self, row: Row, day: date) -> bool:
        if row.id not in self._lives:
            since = markets.today(self._profile.marketplace, row.created)
            until = date.max if row.state == "ENABLED" else markets.today(self._profile.marketplace, row.updated)
            self._lives[row.id] = since, until
        since, until = self._lives[row.id]
        return since <= day <= until


def _asins(ad: Row) -> Sequence[str]:
    """Return what an ad advertises."""
    found = ad.values.get("asin") or (ad.values.get("creative") or {}).get("asins") or ()
    return [found] if isinstance(found, str) else list(found)
