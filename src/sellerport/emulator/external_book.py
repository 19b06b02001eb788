"""What an account ships from places of its own for Amazon: external fulfillment's locations, shipments and counts.

A shipment is an order at a location, and what the account has done about it so far; nothing of an order is said twice.
What an order becomes by another API - it is confirmed, or cancelled - its shipment is too. It knows nothing of HTTP,
nor of how an API writes any of this. Times are unix seconds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sellerport.emulator import carriers
from sellerport.emulator.handover import Slot
from sellerport.emulator.shop import Order
from sellerport.regions import Marketplace

Channel = Literal["FBA", "MFN"]
Shipping = Literal["MARKETPLACE", "SELF", "THIRD_PARTY_CARRIER"]

SERVICE = carriers.BY_ID["LOCAL_PARCEL_GROUND"]
RANKS = ("CREATED", "PICKUP_SLOT_RETRIEVED", "INVOICE_GENERATED", "SHIPLABEL_GENERATED", "SHIPPED", "DELIVERED")
"""What a package becomes, in this order."""
SUB_STATUSES = {
    "ReadyForReceive": "PENDING_PICKUP", "PickupDone": "PICKED_UP", "Departed": "AT_ORIGIN_FC",
    "ArrivedAtCarrierFacility": "AT_DESTINATION_FC", "OutForDelivery": "OUT_FOR_DELIVERY", "Delivered": "DELIVERED",
}  # fmt: skip
"""Where Amazon's carrier has a package, by its steps (`carriers.steps`)."""
PREFIX = "EF-"
"""What stands before an order's id in that of its shipment."""


@dataclass(frozen=True)
class Location:
    """A place that orders of one marketplace are shipped from, by one channel."""

    id: str
    marketplace: Marketplace
    channel: Channel
    merchant: str
    """Whose orders come here."""
    name: str | None = None
    """What whoever made it in the sandbox called it; None for one that the account always had."""


@dataclass(frozen=True)
class Standing:
    """How a shipment or a package stands."""

    status: str
    updated: float
    sub_status: str | None = None
    reason: str | None = None


@dataclass
class Parcel:
    """A package, as the account described it, and what has become of it."""

    said: dict[str, Any]
    changed: float
    status: str = "CREATED"
    sub_status: str | None = None
    reason: str | None = None
    slot: Slot | None = None
    carrier: str = carriers.CARRIER
    tracking: str | None = None
    own_carrier: bool = False
    """Whether somebody else than Amazon carries it, so that only the account knows where it is."""
    labels: int = 0
    """How many were made for it, of which the last one holds."""
    label: str | None = None
    """Where that lies in the storage."""
    shipped: float | None = None

    def raise_to(self, status: str, now: float) -> None:
        """Let it be at least this far."""
        if RANKS.index(status) > RANKS.index(self.status):
            self.status, self.changed = status, now

    def standing(self, now: float) -> Standing:
        """Return how it stands; Amazon's carrier brings it by the clock."""
        if self.status != "SHIPPED" or self.own_carrier or self.sub_status or self.shipped is None:
            return Standing(self.status, self.changed, self.sub_status, self.reason)
        last = carriers.steps(SERVICE, self.shipped, self.shipped, now)[-1]
        status = "DELIVERED" if last.code == "Delivered" else "SHIPPED"
        return Standing(status, max(self.changed, last.when), SUB_STATUSES[last.code])


@dataclass
class Shipment:
    """An order at a location, and what the account has done about it."""

    order_id: str
    location: str
    shipping: Shipping = "MARKETPLACE"
    kinds: list[str] = field(default_factory=list)
    """What is special about it, as whoever made it in the sandbox said."""
    updated: float = 0
    confirmed: bool = False
    rejected: float | None = None
    reason: str | None = None
    packages: dict[str, Parcel] = field(default_factory=dict)
    invoiced: float | None = None

    @property
    def id(self) -> str:
        """Its id."""
        return f"{PREFIX}{self.order_id}"

    def standing(self, order: Order, now: float) -> Standing:
        """Return how it stands: as its packages do, of which the last one counts, or else as its order does."""
        updated = max(order.updated, self.updated)
        if order.status == "Canceled":
            return Standing("CANCELLED", updated, reason=self.reason)
        if self.packages:
            each = [parcel.standing(now) for parcel in self.packages.values()]
            last = min(each, key=lambda one: RANKS.index(one.status))
            updated = max(updated, *(one.updated for one in each))
            if RANKS.index(last.status) >= RANKS.index("SHIPPED") or order.status != "Shipped":
                status = "PACKAGE_CREATED" if last.status == "CREATED" else last.status
                return Standing(status, updated, last.sub_status, last.reason)
        if order.status == "Shipped":
            arrives = max(order.delivery_window[1], order.updated)
            return Standing("DELIVERED", max(updated, arrives)) if now >= arrives else Standing("SHIPPED", updated)
        if order.status == "Pending":
            return Standing("CREATED", updated)
        return Standing("CONFIRMED" if self.confirmed else "ACCEPTED", updated)


@dataclass(frozen=True)
class Count:
    """How many of a SKU there are at a location, as the account said; ``number`` counts what it said."""

    quantity: int
    number: int | None = None


@dataclass
class External:
    """External fulfillment of an account."""

    locations: dict[str, Location] = field(default_factory=dict)
    shipments: dict[str, Shipment] = field(default_factory=dict)
    """Those that something was done about, by the order's id."""
    orders: dict[str, Order] = field(default_factory=dict)
    """Those that were made in the sandbox; no other API knows them."""
    counts: dict[tuple[str, str], Count] = field(default_factory=dict)
    """By location and SKU."""

    def shipment(self, order: Order) -> Shipment | None:
        """Return the shipment of an order: None for what Amazon ships, and what leaves in parts without packages."""
        known = self.shipments.get(order.id)
        if known is not None and (known.packages or order.status != "PartiallyShipped"):
            return known
        place = self.place(order.marketplace)
        if order.channel != "MFN" or order.status == "PartiallyShipped" or place is None:
            return None
        return Shipment(order.id, place.id)

    def place(self, marketplace: Marketplace) -> Location | None:
        """Return where the account always shipped a marketplace's orders from."""
        own = (one for one in self.locations.values() if one.name is None and one.marketplace is marketplace)
        return next(own, None)

    def every(self, orders: Mapping[str, Order]) -> Iterator[tuple[Order, Shipment]]:
        """Yield every order that is shipped from here, among the account's and those of the sandbox."""
        for order in (*orders.values(), *self.orders.values()):
            if (one := self.shipment(order)) is not None:
                yield order, one


def seeded(seller: str, marketplaces: Sequence[Marketplace]) -> External:
    """Return what an account begins with: a location in each of its marketplaces."""
    places = (Location(location_id(seller, one.country), one, "MFN", seller) for one in marketplaces)
    return External({one.id: one for one in places})


def location_id(*words: str) -> str:
    """Return the id of a location, which is made of what makes it that one."""
    return f"L{hashlib.sha256(' '.join(words).encode()).hexdigest()[:9].upper()}"
