"""What Amazon orders from a vendor: purchase orders, what the vendor said to each line, and what came of submissions.

It knows nothing of HTTP. Orders are seeded with the account; the older ones are acknowledged, and the oldest received
and closed. A transaction is done when it is submitted, and says afterwards whether it worked.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from sellerport.emulator.shop import DAY_S, PLACES, Product, local, rounded
from sellerport.regions import Marketplace

COUNT = 24
HISTORY_DAYS = 60
CLOSED_DAYS, ACKNOWLEDGED_DAYS = 30, 4
COST = Decimal("0.6")
"""What Amazon pays, as a share of what it sells for."""


@dataclass
class Line:
    """One line of a purchase order."""

    number: int
    product: Product
    quantity: int
    cost: Decimal
    accepted: int = 0
    rejected: int = 0
    backordered: int = 0
    acknowledged: float | None = None
    received: int = 0

    @property
    def answered(self) -> int:
        """About how many pieces the vendor has said something."""
        return self.accepted + self.rejected + self.backordered


@dataclass
class Purchase:
    """A purchase order; times are unix seconds."""

    number: str
    marketplace: Marketplace
    center: str
    """Where the goods go to."""
    created: int
    changed: float
    lines: list[Line]
    closed: bool = False

    @property
    def state(self) -> Literal["New", "Acknowledged", "Closed"]:
        """How far it is."""
        if self.closed:
            return "Closed"
        return "Acknowledged" if all(line.answered >= line.quantity for line in self.lines) else "New"

    @property
    def window(self) -> tuple[int, int]:
        """From when until when the goods have to be there."""
        return self.created + 7 * DAY_S, self.created + 14 * DAY_S

    def line(self, sequence: str | None, asin: str | None, sku: str | None) -> Line | None:
        """Return the line that is meant, by its number, the ASIN or the vendor's own name of it."""
        for one in self.lines:
            names = (f"{one.number}", one.product.asin, one.product.sku)
            given = [(asked, name) for asked, name in zip((sequence, asin, sku), names, strict=True) if asked]
            if given and all(asked == name for asked, name in given):
                return one
        return None


@dataclass
class Vendor:
    """What one vendor has with Amazon."""

    code: str
    purchases: dict[str, Purchase] = field(default_factory=dict)
    transactions: dict[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """What was wrong with each submission, by transaction id."""


def seeded(seed: str, marketplaces: Sequence[Marketplace], products: Sequence[Product], now: float) -> Vendor:
    """Invent what Amazon ordered in the last weeks, oldest first."""
    chance = random.Random(seed)  # noqa: S311
    vendor = Vendor("".join(chance.choices("BCDFGHJKLMNPQRSTVWXYZ", k=5)))
    for place in range(COUNT, 0, -1):
        age_s = HISTORY_DAYS * DAY_S * (place - chance.random()) / COUNT
        made = _purchase(chance, chance.choice(marketplaces), products, created=int(now - age_s))
        _settle(made, age_s / DAY_S, chance)
        vendor.purchases[made.number] = made
    return vendor


def _purchase(chance: random.Random, shop: Marketplace, products: Sequence[Product], *, created: int) -> Purchase:
    number = "".join(chance.choices("0123456789BCDFGHJKLMNPQRSTVWXYZ", k=8))
    chosen = chance.sample(list(products), chance.randint(1, 4))
    lines = [
        Line(n, one, 12 * chance.randint(1, 10), rounded(local(one.dollars, shop.currency) * COST, shop.currency))
        for n, one in enumerate(chosen, start=1)
    ]
    return Purchase(number, shop, f"L{shop.country}{chance.randint(1, 2)}", created, created, lines)


def _settle(purchase: Purchase, age_days: float, chance: random.Random) -> None:
    """Let an older order be what became of it: a few lines were not accepted whole."""
    if age_days < ACKNOWLEDGED_DAYS:
        return
    purchase.changed = purchase.created + DAY_S
    purchase.closed = age_days > CLOSED_DAYS
    for line in purchase.lines:
        line.rejected = 12 if chance.random() < 0.1 else 0
        line.accepted = line.quantity - line.rejected
        line.acknowledged = purchase.changed
        line.received = line.accepted if purchase.closed else 0


def address(purchase: Purchase) -> tuple[str, str, str, str]:
    """Return street, city, region and postal code of where the goods go to."""
    places = PLACES.get(purchase.marketplace.country, PLACES["GB"])
    return places[int(purchase.center[-1]) - 1]
