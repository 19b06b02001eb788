"""Who offers an item for how much: the accounts that list it, and invented others.

An item that an account was seeded with has up to three others, about the price that it was seeded with, so that an
account wins or loses the featured offer by its own price. The featured offer is the new one that costs least with
shipping; of two that cost the same, the one that Amazon ships, and then the one of an account that is here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sellerport.emulator.shelf import Item, Listing, Shelf, price, steady
from sellerport.emulator.shop import local, rounded

SHIPPING_DOLLARS = Decimal("3.99")
BUSINESS = "B2B"
CONDITIONS = {"new": "New", "used": "Used", "collectible": "Collectible", "refurbished": "Refurbished", "club": "Club"}
"""What a condition type begins with, and what the pricing APIs call it."""


@dataclass(frozen=True)
class Offer:
    """One seller's offer of an item."""

    seller: str
    sku: str | None
    """None for those who are not here."""
    price: Decimal
    shipping: Decimal
    by_amazon: bool
    condition: str
    subcondition: str
    feedback: int
    rating: int
    business: bool = False
    tiers: tuple[tuple[int, Decimal], ...] = ()
    """From which quantity on one piece costs less, for businesses."""

    @property
    def landed(self) -> Decimal:
        """What a buyer pays."""
        return self.price + self.shipping


def offers(shelf: Shelf, item: Item, *, business: bool = False) -> list[Offer]:
    """Return all offers that can be bought, the cheapest first; to businesses, for what they pay."""
    listed = (one for one in shelf.offered(item.marketplace.id, item.asin) if shelf.buyable(one))
    found = [_listed(one, business=business) for one in listed] + _others(item)
    return sorted(found, key=place)


def place(one: Offer) -> tuple[Decimal, bool, bool, str]:
    """Return where an offer stands among others: what it costs, and what counts where that is the same."""
    return one.landed, not one.by_amazon, one.sku is None, one.seller


def featured(found: Sequence[Offer]) -> Offer | None:
    """Return the offer that the buy box shows."""
    return next((one for one in found if one.condition == "New"), None)


def own(listing: Listing, *, business: bool = False) -> Offer | None:
    """Return what a listing offers, whether or not there is any of it; None without a price."""
    return None if price(listing.attributes) is None else _listed(listing, business=business)


def named(condition_type: str) -> tuple[str, str]:
    """Return what the pricing APIs call a condition: ``used_like_new`` is Used, and like_new of it."""
    condition, _, subcondition = condition_type.partition("_")
    return CONDITIONS[condition], subcondition


def _listed(listing: Listing, *, business: bool) -> Offer:
    asked, cheaper = price(listing.attributes), price(listing.attributes, audience=BUSINESS)
    assert asked is not None
    to_business = business and cheaper is not None
    condition, subcondition = named(listing.condition)
    currency = listing.marketplace.currency
    return Offer(
        seller=listing.seller,
        sku=listing.sku,
        price=cheaper if to_business and cheaper is not None else asked,
        shipping=Decimal(0) if listing.by_amazon else local(SHIPPING_DOLLARS, currency),
        by_amazon=listing.by_amazon,
        condition=condition,
        subcondition=subcondition,
        feedback=100 + steady(listing.seller, most=3000),
        rating=90 + steady(listing.seller, most=11),
        business=to_business,
        tiers=_tiers(listing) if to_business else (),
    )


def _tiers(listing: Listing) -> tuple[tuple[int, Decimal], ...]:
    asked: list[dict[str, Any]] = [
        one for one in listing.attributes.get("purchasable_offer", ()) if one.get("audience") == BUSINESS
    ]
    plans = asked[0].get("quantity_discount_plan") if asked else None
    if not plans or plans[0]["schedule"][0]["discount_type"] != "fixed":
        return ()
    currency = listing.marketplace.currency
    levels = plans[0]["schedule"][0]["levels"]
    return tuple((level["lower_bound"], rounded(Decimal(str(level["value"])), currency)) for level in levels)


def _others(item: Item) -> list[Offer]:
    """Return the offers of sellers who are not here."""
    if item.dollars is None:
        return []
    currency, key = item.marketplace.currency, (item.asin, item.marketplace.id)
    found = []
    for number in range(steady(*key, "others", most=4)):
        share = Decimal(95 + steady(*key, f"price {number}", most=30)) / 100
        by_amazon = steady(*key, f"channel {number}", most=2) == 0
        seller = f"AOTHERSELLER{number + 1}"
        found.append(
            Offer(
                seller=seller,
                sku=None,
                price=local(item.dollars * share, currency),
                shipping=Decimal(0) if by_amazon else local(SHIPPING_DOLLARS, currency),
                by_amazon=by_amazon,
                condition="New",
                subcondition="new",
                feedback=100 + steady(seller, most=3000),
                rating=80 + steady(seller, most=21),
            )
        )
    return found
