"""What differs between the countries where one can advertise: the time zone, and how much may be bid and spent a day.

Time zones are those that Amazon gives profiles. Amounts are in the country's currency, and are whole in Japan; the
ranges are those of Sponsored Products, which are the widest, and stand for all ad products here.

Source: Amazon's pages "Profiles" and "Limits".
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sellerport.emulator import shop
from sellerport.regions import Marketplace


class Market(NamedTuple):
    """A country: how much may be bid for a click, and be a campaign's daily budget, from and to."""

    zone: str
    bids: tuple[float, float] = (0.02, 1000)
    budgets: tuple[float, float] = (1, 1_000_000)


MARKETS = MappingProxyType(
    {
        "US": Market("America/Los_Angeles"),
        "CA": Market("America/Los_Angeles"),
        "MX": Market("America/Los_Angeles", (0.1, 20_000), (1, 21_000_000)),
        "BR": Market("America/Sao_Paulo", (0.07, 3_700), (1.33, 3_700_000)),
        "GB": Market("Europe/London"),
        "IE": Market("Europe/Dublin"),
        "DE": Market("Europe/Paris"),
        "FR": Market("Europe/Paris"),
        "IT": Market("Europe/Paris"),
        "ES": Market("Europe/Paris"),
        "NL": Market("Europe/Amsterdam"),
        "BE": Market("Europe/Brussels"),
        "SE": Market("Europe/Stockholm", (0.18, 9_300), (9, 9_300_000)),
        "PL": Market("Europe/Warsaw", (0.04, 2_000), (2, 3_700_000)),
        "TR": Market("Europe/Istanbul", (0.05, 2_500), (2, 3_700_000)),
        "EG": Market("Africa/Cairo", (0.15, 7_500), (4, 3_700_000)),
        "ZA": Market("Africa/Johannesburg", (0.1, 18_000), (10, 18_000_000)),
        "AE": Market("Asia/Dubai", (0.24, 184), (4, 3_700_000)),
        "SA": Market("Asia/Riyadh", (0.1, 3_670), (4, 3_700_000)),
        "IN": Market("Asia/Kolkata", (1, 5_000), (50, 21_000_000)),
        "JP": Market("Asia/Tokyo", (2, 100_000), (100, 21_000_000)),
        "AU": Market("Australia/Sydney", (0.1, 1_410), (1.4, 1_500_000)),
        "SG": Market("Asia/Singapore", (0.02, 1_100), (1.39, 1_500_000)),
    }
)
"""By country, as marketplaces name it."""


def today(marketplace: Marketplace, now: float) -> date:
    """Return the date in a marketplace, which is what campaigns start and end by; ``now`` is in unix seconds."""
    return datetime.fromtimestamp(now, UTC).astimezone(ZoneInfo(MARKETS[marketplace.country].zone)).date()


def bid(dollars: float, marketplace: Marketplace) -> float:
    """Return a bid of so many dollars in a marketplace's currency, within what may be bid there."""
    return _within(dollars, marketplace, MARKETS[marketplace.country].bids)


def budget(dollars: float, marketplace: Marketplace) -> float:
    """Return a daily budget of so many dollars in a marketplace's currency, within what it may be there."""
    return _within(dollars, marketplace, MARKETS[marketplace.country].budgets)


def _within(dollars: float, marketplace: Marketplace, ends: tuple[float, float]) -> float:
    amount = float(shop.local(Decimal(str(dollars)), marketplace.currency))
    return min(max(amount, ends[0]), ends[1])
