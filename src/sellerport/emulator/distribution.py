"""Amazon Warehousing and Distribution: what is sent to its centers, what lies there, and what goes on to FBA.

* Whatever has left moves on with the clock: `JOURNEY` is an inbound shipment's way, `EXECUTION` a confirmed order's,
  `DELIVERY` its shipment's. A shipment is received by half first, then whole; nothing is lost.
* What lies in the centers is counted from that: the seeds, and what was received, without what went on.
* FBA's own stock hears of what is coming, and has come, when either is looked at.

It knows nothing of HTTP. It is in the United States only. Pieces are counted by SKU; times are unix seconds.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sellerport.emulator.shelf import Shelf, steady
from sellerport.emulator.shop import DAY_S, Product
from sellerport.regions import Marketplace

COUNTRY = "US"
EXPIRES_S = 30 * DAY_S
"""How long an order can be confirmed."""
JOURNEY = (("SHIPPED", 0), ("IN_TRANSIT", DAY_S), ("DELIVERED", 4 * DAY_S), ("RECEIVING", 5 * DAY_S),
           ("CLOSED", 6 * DAY_S))  # fmt: skip
EXECUTION = (("CONFIRMED", 0), ("EXECUTING", 3600), ("INVENTORY_OUTBOUND", DAY_S), ("SUCCESS", 5 * DAY_S))
DELIVERY = (("CREATED", DAY_S), ("IN_TRANSIT", 2 * DAY_S), ("DELIVERED", 4 * DAY_S), ("RECEIVED", 5 * DAY_S),
            ("CLOSED", 6 * DAY_S))  # fmt: skip
LEAVES_S, ARRIVES_S = DAY_S, 5 * DAY_S
"""When, after its confirmation, an order's pieces leave the centers and are FBA's."""
REGIONS = {
    "us-west": ("900 Sandpiper Flats", "Fairmeadow", "OR", "97099"),
    "us-southcentral": ("41 Mesquite Bend", "Palo Seco", "TX", "78999"),
    "us-southeast": ("220 Cypress Landing", "Alder Bay", "GA", "31999"),
    "us-east": ("7 Quarry Depot Rd", "Eastbrook", "OH", "43099"),
}
"""Where the centers are: street, city, state and postal code."""

Package = Mapping[str, Any]
Kind = Literal["replenishment", "outbound"]


def _reached(steps: Iterable[tuple[str, float]], start: float, now: float) -> tuple[str, float]:
    """Return the last step that is reached, and when it was."""
    *_, last = ((name, start + after) for name, after in steps if start + after <= now)
    return last


@dataclass
class Inbound:
    """An order to send packages to a center, and its one shipment once it is confirmed."""

    id: str
    created: float
    updated: float
    """When the account last changed it."""
    origin: Mapping[str, Any]
    packages: Sequence[Package]
    region: str
    reference: str | None = None
    preferences: Mapping[str, Any] | None = None
    confirmed: float | None = None
    cancelled: float | None = None
    shipment: str | None = None
    sent: float | None = None
    tracking: Sequence[Mapping[str, Any]] = field(default_factory=list)
    labels: int = 0
    """How often its labels are still seen unfinished."""

    def status(self, now: float) -> str:
        """How far the order is."""
        if self.cancelled is not None:
            return "CANCELLED"
        if self.confirmed is not None:
            return "CLOSED" if self.shipped(now)[0] == "CLOSED" else "CONFIRMED"
        return "EXPIRED" if now >= self.created + EXPIRES_S else "DRAFT"

    def shipped(self, now: float) -> tuple[str, float]:
        """How far the shipment is, and since when."""
        if self.cancelled is not None:
            return "CANCELLED", self.cancelled
        if self.sent is None:
            return "CREATED", self.confirmed or self.created
        return _reached(JOURNEY, self.sent, now)

    def changed(self, now: float) -> float:
        """When anything of it last changed."""
        return max(self.updated, self.shipped(now)[1])

    def received(self, now: float) -> list[Package]:
        """What of it is in the center."""
        step = self.shipped(now)[0]
        if step == "CLOSED":
            return list(self.packages)
        return [{**one, "count": one["count"] // 2} for one in self.packages] if step == "RECEIVING" else []


@dataclass
class Order:
    """Pieces that are to go on to FBA: a replenishment order, or an outbound order, which is its older form."""

    id: str
    kind: Kind
    created: float
    updated: float
    products: Sequence[Mapping[str, Any]] = field(default_factory=list)
    packages: Sequence[Package] = field(default_factory=list)
    preferences: Sequence[Mapping[str, Any]] = field(default_factory=list)
    partial: bool = True
    """Whether what there is goes, where not all is there."""
    auto: bool = False
    """Whether it is confirmed as soon as it can be."""
    polls: int = 0
    """How often it is still seen being validated."""
    checked: str = "VALIDATING"
    eligible: Mapping[str, int] = field(default_factory=dict)
    reasons: Sequence[Mapping[str, Any]] = field(default_factory=list)
    confirmed: float | None = None
    told: int = 0
    """What FBA's stock has heard of it: nothing, that it has left, that it has come."""

    def status(self, now: float) -> str:
        """How far it is."""
        return self.checked if self.confirmed is None else _reached(EXECUTION, self.confirmed, now)[0]

    def shipped(self, now: float) -> tuple[str, float] | None:
        """How far its shipment is, and since when; there is none before it has left."""
        if self.confirmed is None or now < self.confirmed + LEAVES_S:
            return None
        return _reached(DELIVERY, self.confirmed, now)

    def changed(self, now: float) -> float:
        """When anything of it last changed."""
        if self.confirmed is None:
            return self.updated
        shipped = self.shipped(now)
        return max(_reached(EXECUTION, self.confirmed, now)[1], shipped[1] if shipped else 0)

    @property
    def asked(self) -> Counter[str]:
        """How many pieces of each SKU are wanted."""
        wanted = counted(self.packages)
        for one in self.products:
            wanted[one["sku"]] += one["quantity"]
        return wanted


@dataclass
class Center:
    """What one account has there: all centers are one."""

    seller: str
    marketplace: Marketplace
    """Whose FBA stock the centers fill."""
    seeds: dict[str, int] = field(default_factory=dict)
    """What lay there in the beginning, by SKU."""
    inbound: dict[str, Inbound] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)

    def shipment(self, id: str) -> Inbound | None:
        """Return the order that a shipment is of."""
        return next((one for one in self.inbound.values() if one.shipment == id), None)

    def arriving(self, now: float) -> Counter[str]:
        """Return what is on its way to the centers."""
        found: Counter[str] = Counter()
        for one in self.inbound.values():
            if one.sent is not None:
                found += counted(one.packages) - counted(one.received(now))
        return found

    def gone(self, now: float) -> Counter[str]:
        """Return what has left the centers."""
        return self._of(one for one in self.orders.values() if one.shipped(now))

    def reserved(self, now: float) -> Counter[str]:
        """Return what is promised to orders, and has not left."""
        return self._of(one for one in self.orders.values() if one.confirmed is not None and not one.shipped(now))

    def leaving(self, now: float) -> Counter[str]:
        """Return what is on its way to FBA."""
        away = (one for one in self.orders.values() if one.shipped(now))
        return self._of(one for one in away if one.status(now) != "SUCCESS")

    def lots(self, now: float) -> dict[str, Counter[str]]:
        """Return what lies in the centers, by SKU and day of expiry (none: an empty text); the earliest leave first."""
        found = {sku: Counter({"": pieces}) for sku, pieces in self.seeds.items()}
        for one in self.inbound.values():
            for package in one.received(now):
                for product in _products(package):
                    lot = found.setdefault(product["sku"], Counter())
                    lot[product.get("expiration", "")] += product["quantity"] * package["count"]
        for sku, pieces in self.gone(now).items():
            lot, left = found[sku], pieces
            for expiration in sorted(lot, key=lambda one: one or "~"):
                taken = min(left, lot[expiration])
                lot[expiration] -= taken
                left -= taken
        return found

    def available(self, now: float) -> Counter[str]:
        """Return what lies in the centers and is not promised."""
        held = Counter({sku: lot.total() for sku, lot in self.lots(now).items()})
        return held - self.reserved(now)

    def validate(self, order: Order, now: float) -> None:
        """See what of an order there is, and confirm it if it wants to be."""
        available = self.available(now)
        short = {sku: pieces for sku, pieces in order.asked.items() if pieces > available[sku]}
        order.reasons = [
            {
                "failureCode": "INSUFFICIENT_INVENTORY",
                "failureReasons": [f"{available[sku]} are available."],
                "sku": sku,
            }
            for sku in short
        ]
        fits = {sku: min(pieces, available[sku]) for sku, pieces in order.asked.items() if available[sku]}
        order.eligible = {} if short and not order.partial else fits
        order.checked, order.updated = "ELIGIBLE" if order.eligible else "INELIGIBLE", now
        if order.auto and order.eligible:
            order.confirmed = now

    def settle(self, shelf: Shelf, now: float) -> None:
        """Let FBA's stock hear of what has left for it, and of what has come."""
        for order in self.orders.values():
            if order.confirmed is None:
                continue
            left, came = order.confirmed + LEAVES_S, order.confirmed + ARRIVES_S
            for sku, pieces in order.eligible.items():
                held = shelf.stock(self.seller, self.marketplace, sku)
                if order.told < 1 and left <= now:
                    held.inbound_shipped, held.updated = held.inbound_shipped + pieces, max(left, held.updated)
                if order.told < 2 and came <= now:
                    # the seeds' own may have been taken away meanwhile
                    held.inbound_shipped = max(held.inbound_shipped - pieces, 0)
                    held.fulfillable, held.updated = held.fulfillable + pieces, max(came, held.updated)
            order.told = max(order.told, (left <= now) + (came <= now))

    @staticmethod
    def _of(orders: Iterable[Order]) -> Counter[str]:
        found: Counter[str] = Counter()
        for one in orders:
            found.update(one.eligible)
        return found


def counted(packages: Iterable[Package]) -> Counter[str]:
    """Return how many pieces of each SKU are in packages."""
    found: Counter[str] = Counter()
    for package in packages:
        for product in _products(package):
            found[product["sku"]] += product["quantity"] * package["count"]
    return found


def _products(package: Package) -> Sequence[Mapping[str, Any]]:
    products: Sequence[Mapping[str, Any]] = package["distributionPackage"]["contents"].get("products", ())
    return products


# --- seeds ------------------------------------------------------------------------------------------------------------


def seeded(
    seed: str, seller: str, marketplaces: Sequence[Marketplace], products: Sequence[Product], now: float
) -> Center | None:
    """Invent what an account has there: some stock, a draft, shipments, and an order that came to FBA.

    It is nothing where the account does not sell in the country.
    """
    home = next((one for one in marketplaces if one.country == COUNTRY), None)
    if home is None:
        return None
    chance, center = random.Random(seed), Center(seller, home)  # noqa: S311
    stocked = [one for one in products if one.channel == "AFN"][::3]
    center.seeds = {one.sku: 48 + 12 * steady(one.asin, "distribution", most=40) for one in stocked}
    draft = _inbound(chance, chance.choice(stocked), created=now - DAY_S)
    center.inbound[draft.id] = draft
    for made_days, sent_days in ((40, 36), (9, 5), (5, 3), (2, None)):
        one = _inbound(chance, chance.choice(stocked), created=now - made_days * DAY_S)
        one.confirmed, one.shipment = one.created + 3600, f"STAR-{chance.getrandbits(52):013X}"
        if sent_days is not None:
            one.sent, one.tracking = now - sent_days * DAY_S, [{"bookingId": f"LT{chance.randrange(10**10):010d}"}]
        center.inbound[one.id] = one
    confirmed, sku = now - 20 * DAY_S, stocked[0].sku
    order = Order(_id(chance), "replenishment", confirmed - 3600, confirmed - 3600, [{"sku": sku, "quantity": 24}])
    order.checked, order.eligible, order.confirmed, order.told = "ELIGIBLE", {sku: 24}, confirmed, 2
    center.orders[order.id] = order
    return center


def _inbound(chance: random.Random, product: Product, *, created: float) -> Inbound:
    length, width, height = (2 * side + 4 for side in product.article.centimetres)
    sides = {"length": length, "width": width, "height": height, "unitOfMeasurement": "CENTIMETERS"}
    weight = {"weight": min(product.article.grams * 12 / 1000, 22), "unitOfMeasurement": "KILOGRAMS"}
    case = {
        "type": "CASE",
        "contents": {"products": [{"sku": product.sku, "quantity": 12}]},
        "measurements": {"dimensions": sides, "weight": weight},
    }
    street, city, state, code = REGIONS["us-east"]
    origin = {
        "name": f"{product.brand} depot", "addressLine1": street, "city": city, "stateOrRegion": state,
        "postalCode": code, "countryCode": COUNTRY,
    }  # fmt: skip
    packages = [{"count": 2 * chance.randint(2, 6), "distributionPackage": case}]
    return Inbound(_id(chance), created, created, origin, packages, chance.choice(list(REGIONS)))


def _id(chance: random.Random) -> str:
    return f"wf{chance.getrandbits(128):032x}"
