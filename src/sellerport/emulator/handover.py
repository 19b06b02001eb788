"""When parcels are handed over to Amazon's own carrier: fetched by it, or brought to it, in slots of the coming days.

A slot is known by its id alone, since that is made of who it is for and of when it is. It knows nothing of HTTP or of
how an API writes any of this. There is no holiday, every day is a day in UTC, and no slot is ever full.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Literal

from sellerport.emulator.carriers import HOUR_S
from sellerport.emulator.shop import DAY_S

Method = Literal["PICKUP", "DROPOFF"]

DAYS = 5
OPENS: dict[Method, int] = {"PICKUP": 9, "DROPOFF": 12}
"""At which hour each begins; a pickup ends when a carrier's first step says that it was one (`carriers.steps`)."""
HOURS = 8
NOTICE_S = HOUR_S
REMEMBERED_DAYS = 30
"""For so long, a slot that is over is still known as one."""


@dataclass(frozen=True)
class Slot:
    """A time to hand a parcel over; in unix seconds."""

    id: str
    start: int
    end: int
    method: Method


def upcoming(whose: str, now: float) -> list[Slot]:
    """Return the slots that can still be taken, the earliest first."""
    return [slot for slot in _slots(whose, now, 0, DAYS + 1) if is_open(slot, now)]


def find(whose: str, id: str, now: float) -> Slot | None:
    """Return a slot that was offered, though it may be over."""
    return next((slot for slot in _slots(whose, now, -REMEMBERED_DAYS, DAYS + 1) if slot.id == id), None)


def is_open(slot: Slot, now: float) -> bool:
    """Whether a slot can still be taken."""
    return slot.start >= now + NOTICE_S


def _slots(whose: str, now: float, first: int, last: int) -> list[Slot]:
    today = int(now // DAY_S)
    found = []
    for day in range(today + first, today + last):
        for method, hour in OPENS.items():
            start = day * DAY_S + hour * HOUR_S
            made_of = hashlib.sha256(f"{whose} {method} {start}".encode()).digest()
            found.append(Slot(base64.urlsafe_b64encode(made_of[:24]).decode(), start, start + HOURS * HOUR_S, method))
    return found
