"""What accounts send by themselves: the packages of their orders, and the labels that they bought for them.

It knows nothing of HTTP, nor of how an API writes any of this. An order and its packages are one truth: whoever adds
to the packages changes the order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sellerport.emulator.carriers import CARRIER, CARRIER_ID, Service, steps
from sellerport.emulator.labels import Label
from sellerport.emulator.shop import Item, Order, Status


@dataclass(frozen=True)
class Package:
    """Some pieces of an order that are on their way; times are unix seconds, ``items`` are counted by their id."""

    reference: str
    carrier: str
    tracking: str
    service: str
    created: int
    shipped: int
    items: Mapping[str, int]


@dataclass(frozen=True)
class Rate:
    """What a service asks for the parcels of one request."""

    id: str
    service: Service
    amount: str
    currency: str


@dataclass(frozen=True)
class Quote:
    """The rates of a request, for as long as they stand."""

    rates: Mapping[str, Rate]
    asked: Mapping[str, Any]
    expires_at: float


@dataclass
class Bought:
    """A shipment that was paid for, with a label for each of its parcels, by the account's own name of it."""

    id: str
    service: Service
    bought: float
    shipped: float
    labels: Mapping[str, Label]
    asked: Mapping[str, Any]
    facts: dict[str, Any] = field(default_factory=dict)
    order_id: str | None = None
    items: Mapping[str, int] = field(default_factory=dict)
    cancelled: float | None = None

    def give_back(self, now: float) -> str | None:
        """Cancel it, or return why that cannot be: it was cancelled before, or its parcels are on their way."""
        if self.cancelled is not None:
            return f"Shipment {self.id} is cancelled already"
        if len(steps(self.service, self.bought, self.shipped, now)) > 1:
            return f"Shipment {self.id} was picked up and cannot be cancelled"
        self.cancelled = now
        return None


class Parcels:
    """Every package and every label; made anew with the world."""

    def __init__(self) -> None:
        self._packages: dict[tuple[str, str], dict[str, Package]] = {}
        self.quotes: dict[tuple[str, str], Quote] = {}
        """By account and request token."""
        self.bought: dict[tuple[str, str, str], Bought] = {}
        """By API, account and shipment id."""
        self.answers: dict[tuple[str, str, str], Any] = {}
        """What was answered, by operation, account and idempotency key."""

    def packages(self, seller: str, order: Order) -> dict[str, Package]:
        """Return an order's packages by their reference; what a seeded order has sent is one."""
        known = self._packages.get((seller, order.id))
        if known is not None:
            return known
        gone = {item.id: item.shipped for item in order.items if item.shipped}
        number = f"LP{order.id.replace('-', '')}"
        return {"1": Package("1", CARRIER, number, "Standard", order.updated, order.updated, gone)} if gone else {}

    def send(self, seller: str, order: Order, package: Package, *, now: float) -> Order:
        """Add a package to an order, or put it in the place of the one with its reference; return the order then."""
        packages = {**self.packages(seller, order), package.reference: package}
        self._packages[seller, order.id] = packages
        items = tuple(
            replace(item, shipped=sum(one.items.get(item.id, 0) for one in packages.values())) for item in order.items
        )
        return replace(order, items=items, status=_status(items), updated=int(now))

    def labelled(self, seller: str, order_id: str, item_id: str) -> int:
        """Return for how many pieces of an item there is a label that was not given back."""
        return sum(
            one.items.get(item_id, 0)
            for (_, owner, _), one in self.bought.items()
            if (owner, one.order_id) == (seller, order_id) and one.cancelled is None
        )

    def tracked(self, seller: str, carrier_id: str, tracking: str) -> Bought | None:
        """Return the shipment that a parcel is of."""
        mine = (one for (api, owner, _), one in self.bought.items() if (api, owner) == ("shipping_v2", seller))
        found = (one for one in mine if any(label.code == tracking for label in one.labels.values()))
        return next(found, None) if carrier_id == CARRIER_ID else None


def _status(items: tuple[Item, ...]) -> Status:
    if all(item.shipped == item.quantity for item in items):
        return "Shipped"
    return "PartiallyShipped" if any(item.shipped for item in items) else "Unshipped"
