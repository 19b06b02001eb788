"""What an account earns: every order that was sent, every refund, and the settlements that they are paid out in.

Nothing of it is kept: it follows from the orders, by these rules.

* An order is posted when it was last sent, with the pieces that were: Principal (price), Tax (its share), and
  ShippingCharge with the first item, if that was sent. All together is the order's total once all is sent.
* Fees are those of Product Fees: Commission (the referral fee) of price and shipping, and FBAPerUnitFulfillmentFee for
  each piece that Amazon shipped.
* About one order in twelve has one piece of its first item refunded, five days after it was posted: Principal and Tax
  go back, Commission's share comes back, and a fifth of that, RefundCommission, stays with Amazon.
* A settlement is of one marketplace and of two weeks, and is paid when it ends. Asking for the money ends it at once.

Nothing is deferred or reserved, and tax is not withheld.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from sellerport.emulator import fees
from sellerport.emulator.shop import DAY_S, Item, Order, rounded
from sellerport.emulator.world import Account, World
from sellerport.regions import Marketplace

PERIOD_S = 14 * DAY_S
REFUND_AFTER_S = 5 * DAY_S
REFUNDED_OF = 12
REFUND_SHARE = Decimal("0.2")
REFERRAL = Decimal("0.15")
"""What is kept of an item that the catalogue does not have."""


@dataclass(frozen=True)
class Line:
    """What was posted for one item; charges and fees are negative where the account pays them."""

    item: Item
    quantity: int
    charges: Mapping[str, Decimal]
    fees: Mapping[str, Decimal]

    @property
    def total(self) -> Decimal:
        """What the account has of it."""
        return sum(self.charges.values(), Decimal(0)) + sum(self.fees.values(), Decimal(0))


@dataclass(frozen=True)
class Entry:
    """What was posted at once: an order's shipment, or a refund."""

    id: str
    order: Order
    posted: int
    lines: tuple[Line, ...]
    refund: bool = False

    @property
    def total(self) -> Decimal:
        """What the account has of it."""
        return sum((line.total for line in self.lines), Decimal(0))


@dataclass(frozen=True)
class Settlement:
    """What is paid out together; it is open until it ends."""

    id: str
    marketplace: Marketplace
    start: float
    end: float
    entries: tuple[Entry, ...]
    closed: bool
    asked: bool
    """Whether it ended because the account wanted its money."""

    @property
    def total(self) -> Decimal:
        """What the account has of it."""
        return sum((entry.total for entry in self.entries), Decimal(0))

    @property
    def number(self) -> str:
        """What settlement reports call it."""
        return str(int(hashlib.sha256(self.id.encode()).hexdigest()[:9], 16))


def entries(world: World, account: Account) -> list[Entry]:
    """Return everything that was posted until now, oldest first."""
    found = (entry for order in account.orders.values() for entry in _of(world, order) if entry.posted <= world.now())
    return sorted(found, key=lambda entry: (entry.posted, entry.id))


def settlements(world: World, account: Account) -> list[Settlement]:
    """Return every settlement that has something in it, and those that are open, in the order of their beginning."""
    posted = entries(world, account)
    found = [
        one
        for marketplace in account.marketplaces
        for one in _settled(
            world, account, marketplace, [one for one in posted if one.order.marketplace is marketplace]
        )
    ]
    return sorted(found, key=lambda one: (one.start, account.marketplaces.index(one.marketplace)))


def _settled(world: World, account: Account, marketplace: Marketplace, posted: list[Entry]) -> Iterator[Settlement]:
    now, asked = world.now(), world.payouts.get((account.selling_partner_id, marketplace.id), [])
    first = posted[0].posted if posted else now
    regular = range(int(first // PERIOD_S) * PERIOD_S, int(now) + PERIOD_S + 1, PERIOD_S)
    bounds = sorted({*map(float, regular), *asked})
    for start, end in itertools.pairwise(bounds):
        held = tuple(one for one in posted if start <= one.posted < end)
        if start <= now and (held or now < end):
            text = f"{account.selling_partner_id} {marketplace.id} {start}"
            id = hashlib.sha256(text.encode()).hexdigest()[:28]
            yield Settlement(id, marketplace, start, end, held, end <= now, end in asked)


def _of(world: World, order: Order) -> Iterator[Entry]:
    lines = tuple(_line(world, order, item) for item in order.items if item.shipped)
    if not lines or not order.priced:
        return
    yield Entry(_id(order, "shipment"), order, order.updated, lines)
    if order.status == "Shipped" and int(hashlib.sha256(order.id.encode()).hexdigest(), 16) % REFUNDED_OF == 0:
        refund = (_refunded(lines[0], order.marketplace),)
        yield Entry(_id(order, "refund"), order, order.updated + REFUND_AFTER_S, refund, refund=True)


def _line(world: World, order: Order, item: Item) -> Line:
    shop = order.marketplace
    shipping = order.shipping if item is order.items[0] else Decimal(0)
    principal = item.unit_price * item.shipped
    known = world.shelf.items.get((shop.id, item.asin))
    paid = principal + shipping
    referral, picked = rounded(paid * REFERRAL, shop.currency), Decimal(0)
    if known is not None:
        referral, picked = fees.charged(known, shop, paid, by_amazon=order.channel == "AFN")
    return Line(
        item,
        item.shipped,
        {
            "Principal": principal,
            "Tax": rounded(item.tax * item.shipped / item.quantity, shop.currency),
            "ShippingCharge": shipping,
        },
        {"Commission": -referral, "FBAPerUnitFulfillmentFee": -picked * item.shipped},
    )


def _refunded(line: Line, shop: Marketplace) -> Line:
    """Return what one piece is refunded as."""
    share = Decimal(1) / line.quantity
    commission = rounded(-line.fees["Commission"] * share, shop.currency)
    charges = {name: -rounded(line.charges[name] * share, shop.currency) for name in ("Principal", "Tax")}
    kept = rounded(commission * REFUND_SHARE, shop.currency)
    return Line(line.item, 1, charges, {"Commission": commission, "RefundCommission": -kept})


def _id(order: Order, kind: str) -> str:
    return hashlib.sha256(f"{order.id} {kind}".encode()).hexdigest()[:43]
