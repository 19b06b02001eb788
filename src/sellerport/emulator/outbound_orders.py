"""Orders from elsewhere that Amazon ships out of an account's stock: what is reserved, sent, cancelled and returned.

* Stock is reserved when an order comes, and given back when a piece is cancelled or cannot be sent.
* An order goes on by the clock: it is planned after ten minutes, processed an hour later and complete a day later. One
  that is held waits until it may be shipped. The sandbox's own operations move it at once; only forward.
* What was sent is in packages, which are under way as those of `carriers`.

It knows nothing of HTTP, nor of how an API version writes any of this; both show this same truth. Times are unix
seconds, statuses are the words of version 2020-07-01.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sellerport.emulator.carriers import BY_ID, Service, Step, steps, tracking_number
from sellerport.regions import Marketplace

GROUND, EXPRESS = BY_ID["LOCAL_PARCEL_GROUND"], BY_ID["LOCAL_PARCEL_EXPRESS"]
SERVICES = {"Standard": GROUND, "Expedited": EXPRESS, "Priority": EXPRESS}
"""Who carries an order, by its shipping speed."""
NEXT = {"Received": ("Planning", 600), "Planning": ("Processing", 3600), "Processing": ("Complete", 86_400)}
"""What an order becomes by itself, after how many seconds."""
WAY = ("New", "Received", "Planning", "Processing", "Complete")
OVER = ("Complete", "CompletePartialled", "Cancelled", "Unfulfillable", "Invalid")


@dataclass
class Line:
    """An item of an order."""

    id: str
    sku: str
    quantity: int
    facts: dict[str, Any]
    cancelled: int = 0
    unfulfillable: int = 0
    shipped: int = 0

    @property
    def open(self) -> int:
        """How many are still to be sent, for which stock is reserved."""
        return self.quantity - self.cancelled - self.unfulfillable - self.shipped


@dataclass
class Package:
    """What of an order was sent together; ``told`` is what the sandbox's own operation said of it."""

    number: int
    tracking: str
    service: Service
    shipped: float
    told: dict[str, Any] = field(default_factory=dict)

    def steps(self, now: float) -> list[Step]:
        """What happened to it until now."""
        return steps(self.service, self.shipped, self.shipped, now)


@dataclass
class Shipment:
    """What of an order leaves one warehouse, by line."""

    id: str
    warehouse: str
    lines: dict[str, int]
    status: str = "PENDING"
    package: Package | None = None


@dataclass
class Outgoing:
    """An order as it stands now; ``facts`` are what was said of it and is only shown again."""

    id: str
    seller: str
    marketplace: Marketplace
    address: Mapping[str, Any]
    speed: str
    action: str
    policy: str
    lines: list[Line]
    received: float
    updated: float
    facts: dict[str, Any]
    status: str = "Received"
    shipments: list[Shipment] = field(default_factory=list)
    returns: list[dict[str, Any]] = field(default_factory=list)
    authorizations: list[dict[str, Any]] = field(default_factory=list)

    @property
    def changeable(self) -> bool:
        """Whether it can still be changed or cancelled."""
        return self.status in WAY[:3]

    @property
    def packages(self) -> list[Package]:
        """Everything that was sent."""
        return [one.package for one in self.shipments if one.package]


class Outbound:
    """Every order from elsewhere; made anew with the world.

    Args:
        release: gives reserved stock of SKUs back; fewer than none reserves it.
        tell: tells what an order has become.
    """

    def __init__(
        self,
        *,
        release: Callable[[Outgoing, Mapping[str, int]], None],
        tell: Callable[[Outgoing], None],
    ) -> None:
        self.orders: dict[tuple[str, str], Outgoing] = {}
        self.release, self._tell = release, tell
        self._number = 10_000_000

    def add(self, order: Outgoing) -> None:
        """Take an order."""
        self.orders[order.seller, order.id] = order
        self._tell(order)

    def move(self, order: Outgoing, status: str, when: float) -> None:
        """Let an order become something."""
        if status == "Processing" or (status in ("Complete", "CompletePartialled") and not order.shipments):
            self._ship(order)
        if status == "CompletePartialled":
            last = next(line for line in reversed(order.lines) if line.open)
            last.unfulfillable += 1
            order.shipments[0].lines[last.id] -= 1
            self.release(order, {last.sku: 1})
        if status in ("Complete", "CompletePartialled"):
            self._send(order, when)
        if status in ("Cancelled", "Unfulfillable", "Invalid"):
            left: dict[str, int] = {}
            for line in order.lines:
                left[line.sku] = left.get(line.sku, 0) + line.open
                if status == "Cancelled":
                    line.cancelled += line.open
                else:
                    line.unfulfillable += line.open
            self.release(order, left)
            for shipment in order.shipments:
                shipment.status = "CANCELLED_BY_SELLER" if status == "Cancelled" else "CANCELLED_BY_FULFILLER"
        order.status, order.updated = status, when
        self._tell(order)

    def progress(self, order: Outgoing, now: float) -> Outgoing:
        """Let an order go on as far as the clock has come."""
        while order.action == "Ship" and order.status in NEXT:
            status, after_s = NEXT[order.status]
            if now < order.updated + after_s:
                break
            self.move(order, status, order.updated + after_s)
        return order

    def _ship(self, order: Outgoing) -> None:
        self._number += 1
        lines = {line.id: line.open for line in order.lines if line.open}
        order.shipments.append(Shipment(f"D{self._number:09d}", "LOC1", lines))

    def _send(self, order: Outgoing, when: float) -> None:
        for shipment in order.shipments:
            self._number += 1
            tracking = tracking_number(f"{order.seller} {self._number}")
            shipment.package = Package(self._number, tracking, SERVICES[order.speed], when)
            shipment.status = "SHIPPED"
            shipment.lines = {id: quantity for id, quantity in shipment.lines.items() if quantity}
            for line in order.lines:
                line.shipped += shipment.lines.get(line.id, 0)
