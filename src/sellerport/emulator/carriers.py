"""Who carries parcels that accounts send by themselves: services, what they cost, and where a parcel is.

The carrier is invented, and the same for Merchant Fulfillment and Amazon Shipping. It knows nothing of HTTP or of how
an API writes any of this. Where a parcel is comes from the clock alone: it is picked up, under way and delivered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sellerport.emulator.labels import Label
from sellerport.emulator.shop import DAY_S, local

CARRIER_ID = "LOCAL_PARCEL"
CARRIER = "Local Parcel"
HOUR_S = 3600
POUND_G = 453.59237
GRAMS = {
    "g": 1, "GRAM": 1, "KILOGRAM": 1000, "oz": POUND_G / 16, "OUNCE": POUND_G / 16, "POUND": POUND_G, "LB": POUND_G,
    "KG": 1000,
}  # fmt: skip
"""How many grams each unit of every API is."""


@dataclass(frozen=True)
class Service:
    """A way to send a parcel; ``days`` it takes at most, prices are in US dollars."""

    id: str
    name: str
    days: int
    dollars: Decimal
    dollars_kg: Decimal
    most_g: int

    def price(self, grams: float, currency: str) -> Decimal:
        """What a parcel of this weight costs."""
        return local(self.dollars + self.dollars_kg * Decimal(str(round(grams / 1000, 3))), currency)

    def window(self, shipped: float) -> tuple[float, float]:
        """From when until when a parcel arrives."""
        return shipped + (self.days - 1) * DAY_S, shipped + self.days * DAY_S


SERVICES = (
    Service("LOCAL_PARCEL_GROUND", "Local Parcel Ground", 5, Decimal("5.40"), Decimal("0.90"), 30_000),
    Service("LOCAL_PARCEL_EXPRESS", "Local Parcel Express", 2, Decimal("9.80"), Decimal("2.10"), 20_000),
    Service("LOCAL_PARCEL_LETTER", "Local Parcel Letter", 4, Decimal("2.20"), Decimal(0), 500),
)
BY_ID = {service.id: service for service in SERVICES}


@dataclass(frozen=True)
class Step:
    """Something that happened to a parcel."""

    code: str
    status: str
    when: float


def steps(service: Service, bought: float, shipped: float, now: float) -> list[Step]:
    """Return what has happened to a parcel until now; codes and statuses are those of Amazon Shipping."""
    arrives = service.window(shipped)[1]
    known = (
        Step("ReadyForReceive", "PreTransit", bought),
        Step("PickupDone", "InTransit", shipped + 8 * HOUR_S),
        Step("Departed", "InTransit", shipped + 14 * HOUR_S),
        Step("ArrivedAtCarrierFacility", "InTransit", arrives - 16 * HOUR_S),
        Step("OutForDelivery", "OutForDelivery", arrives - 8 * HOUR_S),
        Step("Delivered", "Delivered", arrives - 2 * HOUR_S),
    )
    return [step for step in known if step.when <= now]


def tracking_number(id: str) -> str:
    """Return the number of a parcel, made of the id of its shipment."""
    return f"LP{int.from_bytes(hashlib.sha256(id.encode()).digest()) % 10**14:014d}"


def label(service: Service, tracking: str, sender: Sequence[str], receiver: Sequence[str], *more: str) -> Label:
    """Return what is printed on a parcel."""
    return Label(tracking, (service.name, "", "FROM", *sender, "", "TO", *receiver, "", *more))
