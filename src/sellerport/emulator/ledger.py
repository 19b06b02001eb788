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

import bisect
import hashlib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property, partial
from operator import attrgetter

from sellerport.emulator import fees
from sellerport.emulator.order_book import Timeline
from sellerport.emulator.shelf import Shelf
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
    shelf: Shelf = field(repr=False)
    refund: bool = False

    @property
    def lines(self) -> tuple[Line, ...]:
        """What was posted for each item; made when it is looked at, since most of it never is."""
        lines = tuple(_line(self.shelf, self.order, item) for item in self.order.items if item.shipped)
        return (_refunded(lines[0], self.order.marketplace),) if self.refund else lines

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

    @cached_property
    def total(self) -> Decimal:
        """What the account has of it."""
        return sum((entry.total for entry in self.entries), Decimal(0))

    def holds(self, entry: Entry) -> bool:
        """Whether something was posted in it."""
        return entry.order.marketplace is self.marketplace and self.start <= entry.posted < self.end

    @property
    def number(self) -> str:
        """What settlement reports call it."""
        return str(int(hashlib.sha256(self.id.encode()).hexdigest()[:9], 16))


def timeline(world: World, account: Account) -> Timeline[Entry]:
    """Return everything that was posted, and what will be, by the time of it."""
    return account.orders.timeline("ledger", partial(_of, world.shelf), attrgetter("posted"))


def of_order(world: World, order: Order) -> list[Entry]:
    """Return what was posted of an order until now."""
    return [entry for entry in _of(world.shelf, order) if entry.posted <= world.now()]


def settlements(world: World, account: Account) -> list[Settlement]:
    """Return every settlement that has something in it, and those that are open, in the order of their beginning."""
    posted: dict[str, list[Entry]] = {marketplace.id: [] for marketplace in account.marketplaces}
    for entry in timeline(world, account).between(last=world.now()):
        posted[entry.order.marketplace.id].append(entry)
    found = [one for shop in account.marketplaces for one in _settled(world, account, shop, posted[shop.id])]
    return sorted(found, key=lambda one: (one.start, account.marketplaces.index(one.marketplace)))


def _settled(world: World, account: Account, marketplace: Marketplace, posted: list[Entry]) -> Iterator[Settlement]:
    now, asked = world.now(), world.payouts.get((account.selling_partner_id, marketplace.id), [])
    first = posted[0].posted if posted else now
    regular = range(int(first // PERIOD_S) * PERIOD_S, int(now) + PERIOD_S + 1, PERIOD_S)
    bounds = sorted({*map(float, regular), *asked})
    places = [bisect.bisect_left(posted, bound, key=attrgetter("posted")) for bound in bounds]
    for (start, first), (end, last) in itertools.pairwise(zip(bounds, places, strict=True)):
        held = tuple(posted[first:last])
        if start <= now and (held or now < end):
            text = f"{account.selling_partner_id} {marketplace.id} {start}"
            id = hashlib.sha256(text.encode()).hexdigest()[:28]
            yield Settlement(id, marketplace, start, end, held, end <= now, end in asked)


def _of(shelf: Shelf, order: Order) -> Iterator[Entry]:
    if not order.priced or not any(item.shipped for item in order.items):
        return
    yield Entry(_id(order, "shipment"), order, order.updated, shelf)
    if order.status == "Shipped" and int(hashlib.sha256(order.id.encode()).hexdigest(), 16) % REFUNDED_OF == 0:
        yield Entry(_id(order, "refund"), order, order.updated + REFUND_AFTER_S, shelf, refund=True)


def _line(shelf: Shelf, order: Order, item: Item) -> Line:
    shop = order.marketplace
    shipping = order.shipping if item is order.items[0] else Decimal(0)
    principal = item.unit_price * item.shipped
    known = shelf.items.get((shop.id, item.asin))
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
