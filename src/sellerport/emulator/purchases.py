"""What Amazon orders from a vendor: purchase orders, what was said to them, sent and invoiced, and what came of that.

It knows nothing of HTTP. Orders are seeded with the account; the older ones are acknowledged, and the oldest sent,
received and closed. A transaction is done when it is submitted, and says afterwards whether it worked. What was sent is
received when it arrives; nothing is lost on the way.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from sellerport.emulator.shop import DAY_S, PLACES, Product, local, rounded
from sellerport.regions import Marketplace

COUNT = 24
HISTORY_DAYS = 60
CLOSED_DAYS, ACKNOWLEDGED_DAYS = 30, 4
LEAVES_DAYS, ARRIVES_DAYS = 8, 12
COST = Decimal("0.6")
"""What Amazon pays, as a share of what it sells for."""
_WAREHOUSE = {
    "name": "Vendor warehouse 1", "addressLine1": "18 Millrace Way", "city": "Eastbrook", "stateOrRegion": "OH",
    "postalCode": "43099", "countryCode": "US",
}  # fmt: skip


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
    last_received: float | None = None

    @property
    def confirmed(self) -> int:
        """How many pieces will come."""
        return self.accepted + self.backordered

    @property
    def answered(self) -> int:
        """About how many pieces the vendor has said something."""
        return self.confirmed + self.rejected


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
class Cargo:
    """Pieces of one line of a purchase order."""

    purchase: str
    line: int
    pieces: int


@dataclass
class Shipment:
    """What a vendor sends to a warehouse of Amazon's; times are unix seconds."""

    id: str
    """The vendor's own name of it."""
    created: float
    asked: dict[str, Any]
    """The request that Amazon carries it, or what a request would say of the parties."""
    reference: str | None = None
    """What Amazon calls it, where Amazon pays for the transport."""
    cancelled: bool = False
    cargo: list[Cargo] = field(default_factory=list)
    confirmation: str | None = None
    """What the vendor calls its confirmation, once it has left."""
    confirmed: float | None = None
    shipped: float | None = None
    arrives: float | None = None
    received: bool = False


@dataclass
class Vendor:
    """What one vendor has with Amazon."""

    code: str
    purchases: dict[str, Purchase] = field(default_factory=dict)
    transactions: dict[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """What was wrong with each submission, by transaction id."""
    shipments: dict[str, Shipment] = field(default_factory=dict)
    invoices: dict[str, list[Cargo]] = field(default_factory=dict)
    """What each invoice is of, by its number."""

    def settle(self, now: float) -> None:
        """Let what has arrived be received; an order is closed when nothing of it is still to come."""
        for shipment in self.shipments.values():
            if shipment.received or shipment.arrives is None or shipment.arrives > now:
                continue
            shipment.received = True
            for one in shipment.cargo:
                purchase = self.purchases[one.purchase]
                line = purchase.lines[one.line - 1]
                line.received += one.pieces
                line.last_received = purchase.changed = max(shipment.arrives, purchase.changed)
                done = all(each.received >= each.confirmed for each in purchase.lines)
                purchase.closed = done and purchase.state == "Acknowledged"

    def sent(self, purchase: str, line: int, *, but: Shipment | None = None) -> int:
        """Return how many pieces of a line are in shipments, or in all of them but one."""
        others = (one for one in self.shipments.values() if one is not but)
        return _pieces((cargo for one in others for cargo in one.cargo), purchase, line)

    def invoiced(self, purchase: str, line: int) -> int:
        """Return how many pieces of a line are in invoices."""
        return _pieces((cargo for one in self.invoices.values() for cargo in one), purchase, line)


def _pieces(cargo: Iterable[Cargo], purchase: str, line: int) -> int:
    return sum(one.pieces for one in cargo if (one.purchase, one.line) == (purchase, line))


def seeded(seed: str, marketplaces: Sequence[Marketplace], products: Sequence[Product], now: float) -> Vendor:
    """Invent what Amazon ordered in the last weeks, oldest first."""
    chance = random.Random(seed)  # noqa: S311
    vendor = Vendor("".join(chance.choices("BCDFGHJKLMNPQRSTVWXYZ", k=5)))
    for place in range(COUNT, 0, -1):
        age_s = HISTORY_DAYS * DAY_S * (place - chance.random()) / COUNT
        made = _purchase(chance, chance.choice(marketplaces), products, created=int(now - age_s))
        _settle(made, age_s / DAY_S, chance)
        vendor.purchases[made.number] = made
        if made.closed:
            shipment = _sent(vendor.code, made)
            vendor.shipments[shipment.id] = shipment
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
    acknowledged = purchase.created + DAY_S
    purchase.closed = age_days > CLOSED_DAYS
    purchase.changed = purchase.created + ARRIVES_DAYS * DAY_S if purchase.closed else acknowledged
    for line in purchase.lines:
        line.rejected = 12 if chance.random() < 0.1 else 0
        line.accepted = line.quantity - line.rejected
        line.acknowledged = acknowledged
        line.received = line.accepted if purchase.closed else 0
        line.last_received = purchase.changed if purchase.closed else None


def _sent(code: str, purchase: Purchase) -> Shipment:
    """Return how a closed order came: in one shipment, which the vendor paid for."""
    source = {"partyId": f"{code}1", "address": _WAREHOUSE}
    parties = {"sellingParty": {"partyId": code}, "shipFromParty": source, "shipToParty": {"partyId": purchase.center}}
    left = purchase.created + LEAVES_DAYS * DAY_S
    return Shipment(
        id=f"S{purchase.number}",
        created=left,
        asked={"shipmentFreightTerm": "Prepaid", **parties},
        cargo=[Cargo(purchase.number, line.number, line.accepted) for line in purchase.lines if line.accepted],
        confirmation=f"S{purchase.number}",
        confirmed=left,
        shipped=left,
        arrives=purchase.created + ARRIVES_DAYS * DAY_S,
        received=True,
    )


def address(purchase: Purchase) -> tuple[str, str, str, str]:
    """Return street, city, region and postal code of where the goods go to."""
    places = PLACES.get(purchase.marketplace.country, PLACES["GB"])
    return places[int(purchase.center[-1]) - 1]
