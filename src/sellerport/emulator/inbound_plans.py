"""Plans to send stock to Amazon's warehouses: what is in them, how it is packed, where it goes and who carries it.

* A plan is packed, placed and transported, in options that are generated, offered and one of them confirmed.
* Whatever changes a plan takes time: an operation ends when it was looked at often enough, or after a while, and what
  it does is done then. A plan has one operation at a time.
* A box is one box, with an id of its own; what is in the boxes of a shipment is what is in the shipment.

It knows nothing of HTTP. Pieces are counted by SKU. Times are unix seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sellerport.emulator.shop import DAY_S
from sellerport.regions import Marketplace

STANDS_S = 7 * DAY_S
"""How long an option is offered."""

Prep = Mapping[str, Any]
Problem = Mapping[str, str]


@dataclass
class Operation:
    """Something that a plan goes through; ``polls`` is how often it is still seen unfinished."""

    id: str
    name: str
    plan: Plan | None
    polls: int
    ends_at: float
    """When it ends, if nobody looks at it, in unix seconds."""
    path: Mapping[str, str]
    """What the call that began it named, in its path and its body."""
    body: Any
    problems: Sequence[Problem] = ()
    """What made it fail."""
    status: Literal["IN_PROGRESS", "SUCCESS", "FAILED"] = "IN_PROGRESS"


@dataclass
class Box:
    """One box, and what is in it, if that was said."""

    id: str
    facts: Mapping[str, Any]
    items: tuple[Mapping[str, Any], ...]
    number: str | None = None
    """What its label says, once it is known who carries it."""

    @property
    def told(self) -> bool:
        """Whether it was said what is in it."""
        return bool(self.facts["contentInformationSource"] == "BOX_CONTENT_PROVIDED")


@dataclass
class Option:
    """Something that can be confirmed; ``parts`` are packing groups or shipments."""

    id: str
    parts: tuple[str, ...]
    expires_at: float
    accepted: bool = False
    fee: str | None = None

    def status(self, now: float) -> str:
        """ACCEPTED, or how it stands."""
        return "ACCEPTED" if self.accepted else "OFFERED" if now < self.expires_at else "EXPIRED"


@dataclass(frozen=True)
class Window:
    """When a shipment may arrive."""

    id: str
    start: float
    end: float
    availability: str
    valid_until: float


@dataclass(frozen=True)
class Transport:
    """Who may carry a shipment, and for how much, where Amazon's partner does."""

    id: str
    shipment: str
    solution: str
    mode: str
    carrier: Mapping[str, str]
    cost: float | None
    expires_at: float
    preconditions: tuple[str, ...]

    @property
    def partnered(self) -> bool:
        """Whether Amazon's partner carries it."""
        return self.solution == "AMAZON_PARTNERED_CARRIER"


@dataclass
class Shipment:
    """What of a plan goes to one warehouse."""

    id: str
    option: str
    name: str
    warehouse: str
    source: Mapping[str, Any]
    items: Sequence[Mapping[str, Any]]
    boxes: list[Box] = field(default_factory=list)
    pallets: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    status: str = "UNCONFIRMED"
    number: str | None = None
    """What Amazon's warehouses call it: FBA…, once it is known who carries it."""
    windows: list[Window] = field(default_factory=list)
    window: Window | None = None
    transports: list[Transport] = field(default_factory=list)
    transport: Transport | None = None
    told: dict[str, Any] = field(default_factory=dict)
    """What the account said of its transport: contact, freight, ready from when."""
    tracking: dict[str, Any] | None = None


@dataclass
class Plan:
    """A plan as it stands now."""

    id: str
    seller: str
    marketplace: Marketplace
    name: str
    source: Mapping[str, Any]
    items: Sequence[Mapping[str, Any]]
    created: float
    updated: float
    status: str = "ACTIVE"
    packing: list[Option] = field(default_factory=list)
    groups: dict[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """What is in each packing group."""
    packed: dict[str, list[Box]] = field(default_factory=dict)
    """The boxes of each packing group."""
    placement: list[Option] = field(default_factory=list)
    shipments: dict[str, Shipment] = field(default_factory=dict)
    """Those of every placement option."""
    operation: Operation | None = None
    """The last one."""

    @property
    def packing_option(self) -> Option | None:
        """The one that was confirmed."""
        return next((one for one in self.packing if one.accepted), None)

    @property
    def placement_option(self) -> Option | None:
        """The one that was confirmed."""
        return next((one for one in self.placement if one.accepted), None)

    @property
    def confirmed(self) -> list[Shipment]:
        """The shipments that it is sent in."""
        option = self.placement_option
        return [self.shipments[id] for id in option.parts] if option else []

    @property
    def boxes(self) -> list[Box]:
        """All that is packed."""
        placed = [box for shipment in self.confirmed for box in shipment.boxes]
        return placed or [box for boxes in self.packed.values() for box in boxes]


class Inbound:
    """Every plan, every operation and how each SKU is to be prepared; made anew with the world."""

    def __init__(self) -> None:
        self.plans: dict[tuple[str, str], Plan] = {}
        self.operations: dict[tuple[str, str], Operation] = {}
        self.preps: dict[tuple[str, str, str], Prep] = {}
        """By account, marketplace and SKU, where the account said it."""

    def shipment(self, seller: str, number: str) -> tuple[Plan, Shipment] | None:
        """Return the shipment that Amazon's warehouses call so."""
        for (owner, _), plan in self.plans.items():
            for shipment in plan.shipments.values():
                if (owner, shipment.number) == (seller, number):
                    return plan, shipment
        return None


def counted(items: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """Return how many pieces of each SKU there are."""
    found: Counter[str] = Counter()
    for item in items:
        found[item["msku"]] += item["quantity"]
    return found


def contents(boxes: Iterable[Box]) -> list[Mapping[str, Any]]:
    """Return what is in boxes, each lot of a SKU once."""
    merged: dict[tuple[str, ...], dict[str, Any]] = {}
    for item in (item for box in boxes for item in box.items):
        lot = tuple(str(item.get(name)) for name in ("msku", "expiration", "manufacturingLotCode"))
        merged.setdefault(lot, {**item, "quantity": 0})["quantity"] += item["quantity"]
    return list(merged.values())


def halves(items: Iterable[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Return two loads of about as many pieces; one where there is one piece."""
    parts: list[list[Mapping[str, Any]]] = [[], []]
    for item in items:
        low = item["quantity"] // 2
        for part, quantity in zip(parts, (item["quantity"] - low, low), strict=True):
            if quantity:
                part.append({**item, "quantity": quantity})
    return [part for part in parts if part]
