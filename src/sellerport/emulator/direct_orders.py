"""What Amazon's customers buy and a vendor sends straight to them (direct fulfillment), and what became of it.

It knows nothing of HTTP. Orders are seeded when somebody first looks; the latest wait for an answer, then come those
that are accepted, and have labels, and the older ones are shipped. Every vendor has two warehouses; labels of the first
are ZPL files, and those of the second PNG, as if that were set in Vendor Central.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from sellerport.emulator.carriers import BY_ID, Service, tracking_number
from sellerport.emulator.purchases import COST, Cargo
from sellerport.emulator.shop import DAY_S, Address, Product, buyer_address, local, rounded
from sellerport.regions import Marketplace

Status = Literal["NEW", "ACCEPTED", "SHIPPED", "CANCELLED"]

COUNT = 40
HISTORY_DAYS = 20
ACCEPTED_DAYS, LABELLED_DAYS, SHIPPED_DAYS = 1.5, 2.5, 3.5
FORMATS: Mapping[str, Literal["ZPL", "PNG"]] = {"1": "ZPL", "2": "PNG"}
"""Of labels, by the last letter of a warehouse."""


@dataclass(frozen=True)
class Line:
    """One line of an order; ``cost`` is what Amazon pays for a piece."""

    number: int
    product: Product
    quantity: int
    cost: Decimal


@dataclass(frozen=True)
class Package:
    """A parcel that has a label of Amazon's."""

    identifier: str
    tracking: str


@dataclass(frozen=True)
class Update:
    """What a vendor said of a parcel on its way; codes are Amazon's."""

    tracking: str
    status: str
    reason: str
    when: float


@dataclass
class DirectOrder:
    """An order of one customer; times are unix seconds."""

    number: str
    customer_number: str
    """Under which the customer knows it, in the form of all orders of customers."""
    marketplace: Marketplace
    warehouse: str
    created: int
    address: Address
    service: Service
    """With which it has to be sent."""
    lines: list[Line]
    business: bool = False
    gift: str | None = field(default=None, repr=False)
    status: Status = "NEW"
    accepted: float | None = None
    labelled: float | None = None
    packages: list[Package] = field(default_factory=list)
    shipped: float | None = None
    sent: list[str] = field(default_factory=list)
    """The tracking numbers of the parcels that left."""
    updates: list[Update] = field(default_factory=list)

    @property
    def format(self) -> Literal["ZPL", "PNG"]:
        """Of its labels."""
        return FORMATS[self.warehouse[-1]]

    @property
    def ship_by(self) -> int:
        """When it has to have left."""
        return self.created + 2 * DAY_S

    @property
    def deliver_by(self) -> int:
        """When the customer was told that it comes."""
        return self.ship_by + self.service.days * DAY_S

    def line(self, sequence: object, asin: str | None, sku: str | None) -> Line | None:
        """Return the line that is meant; its number, the ASIN and the vendor's own name have to fit, if given."""
        for one in self.lines:
            names = (str(one.number), one.product.asin, one.product.sku)
            given = (None if sequence is None else str(sequence).lstrip("0"), asin, sku)
            if any(given) and all(asked in (None, name) for asked, name in zip(given, names, strict=True)):
                return one
        return None

    def pack(self, identifiers: Sequence[str], now: float) -> None:
        """Make the parcels of an order, and their labels; the same parcels have the same labels again."""
        named = identifiers or ("PKG001",)
        self.packages = [Package(one, tracking_number(f"{self.number} {one}")) for one in named]
        self.labelled = now


@dataclass
class Direct:
    """What one vendor sends to Amazon's customers."""

    stock: dict[str, dict[str, int]] = field(default_factory=dict)
    """What the vendor said to have, by warehouse and its own name of a product."""
    orders: dict[str, DirectOrder] = field(default_factory=dict)
    transactions: dict[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """What was wrong with each submission, by transaction id."""
    invoices: dict[str, list[Cargo]] = field(default_factory=dict)
    """What each invoice is of, by its number."""
    scenarios: dict[str, list[list[str]]] = field(default_factory=dict)
    """The orders that were made for a test, by transaction id and scenario; none of a transaction that failed."""

    def invoiced(self, order: str, line: int) -> int:
        """Return how many pieces of a line are in invoices."""
        cargo = (one for invoice in self.invoices.values() for one in invoice)
        return sum(one.pieces for one in cargo if (one.purchase, one.line) == (order, line))


def seeded(
    seed: str, code: str, marketplaces: Sequence[Marketplace], products: Sequence[Product], now: float
) -> Direct:
    """Invent what customers ordered in the last weeks, oldest first."""
    chance = random.Random(seed)  # noqa: S311
    direct = Direct({f"{code}{place}": {} for place in FORMATS})
    for place in range(COUNT, 0, -1):
        age_s = HISTORY_DAYS * DAY_S * (place - chance.random()) / COUNT
        warehouse = [*direct.stock][place % len(FORMATS)]  # in turn, so that each has orders of every state
        made = invented(chance, chance.choice(marketplaces), warehouse, products, created=int(now - age_s))
        _settle(made, age_s / DAY_S, chance)
        direct.orders[made.number] = made
    return direct


def invented(
    chance: random.Random, shop: Marketplace, warehouse: str, products: Sequence[Product], *, created: int
) -> DirectOrder:
    """Invent an order that nobody has answered yet."""
    chosen = chance.sample(list(products), chance.choice((1, 1, 1, 2, 3)))
    lines = [
        Line(n, one, chance.choice((1, 1, 1, 2)), rounded(local(one.dollars, shop.currency) * COST, shop.currency))
        for n, one in enumerate(chosen, start=1)
    ]
    express = chance.random() < 0.2
    return DirectOrder(
        number="D" + "".join(chance.choices("0123456789BCDFGHJKLMNPQRSTVWXYZ", k=8)),
        customer_number=f"90{chance.randrange(1, 9)}-{chance.randrange(10**7):07d}-{chance.randrange(10**7):07d}",
        marketplace=shop,
        warehouse=warehouse,
        created=created,
        address=buyer_address(chance, shop.country),
        service=BY_ID["LOCAL_PARCEL_EXPRESS" if express else "LOCAL_PARCEL_GROUND"],
        lines=lines,
        business=chance.random() < 0.12,
        gift="Happy birthday from all of us!" if chance.random() < 0.15 else None,
    )


def _settle(order: DirectOrder, age_days: float, chance: random.Random) -> None:
    """Let an older order be what became of it; a few were cancelled by the vendor."""
    if age_days < ACCEPTED_DAYS:
        return
    if chance.random() < 0.06:
        order.status = "CANCELLED"
        return
    order.status, order.accepted = "ACCEPTED", order.created + DAY_S // 2
    if age_days >= LABELLED_DAYS:
        order.pack((), order.created + DAY_S)
    if age_days >= SHIPPED_DAYS:
        order.status, order.shipped = "SHIPPED", order.created + 1.5 * DAY_S
        order.sent = [one.tracking for one in order.packages]
