"""Services that come with what a shop sells: jobs, their appointments, who does them, and when they have time.

* A job is for an order of the account; what it says of buyer, items and place is read from the order.
* A technician works by a schedule of availability records, of which a later one stands where two overlap. What is
  scheduled is available, unless it is reserved (breaks, leaves) or encumbered (by appointments).
* An appointment that nobody is assigned to yet takes one of those who could do it.

It knows nothing of HTTP. Times are unix seconds, but for those in availability records, which are kept as they came.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from itertools import pairwise
from typing import Any, Literal

from sellerport.emulator import shop
from sellerport.emulator.shop import DAY_S, Order
from sellerport.regions import Marketplace

COUNT = 12
SETTLED_DAYS = 10
"""Older jobs are over."""
MINUTES = 60
"""How long an appointment takes where nothing else is said."""
HORIZON_S = 400 * DAY_S
DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
CAPACITIES = ("SCHEDULED_CAPACITY", "AVAILABLE_CAPACITY", "ENCUMBERED_CAPACITY", "RESERVED_CAPACITY")
OPENS, CLOSES = 9, 18
OFFSETS = {"na": -8, "eu": 1, "fe": 9}
"""By how many hours a region's technicians are ahead of UTC; there is no summer time."""
OFFERS = {
    "ASSEMBLY": ("Assembly", Decimal(79)),
    "INSTALLATION": ("Installation", Decimal(99)),
    "TUNE_UP": ("Tune-up", Decimal(49)),
}
"""What each service is called, and what it costs in US dollars, by the skill that it takes."""
PEOPLE = (
    ("Alder Finchley", ("ASSEMBLY", "INSTALLATION", "TUNE_UP")),
    ("Briar Tamworth", ("ASSEMBLY", "INSTALLATION", "TUNE_UP")),
    ("Cass Wendover", ("ASSEMBLY",)),
)

Status = Literal[
    "NOT_SERVICED", "CANCELLED", "COMPLETED", "PENDING_SCHEDULE", "NOT_FULFILLABLE", "HOLD", "PAYMENT_DECLINED"
]
OVER: tuple[Status, ...] = ("COMPLETED", "COMPLETED", "CANCELLED", "COMPLETED", "NOT_FULFILLABLE", "PAYMENT_DECLINED")
AHEAD: tuple[Status, ...] = ("PENDING_SCHEDULE", "NOT_SERVICED", "NOT_SERVICED", "HOLD")
Record = Mapping[str, Any]
"""An availability record, as the API has it."""


@dataclass
class Appointment:
    """When a job is to be done, and by whom."""

    id: str
    start: float
    minutes: int
    resources: list[str] = field(default_factory=list)
    status: Literal["ACTIVE", "CANCELLED", "COMPLETED"] = "ACTIVE"
    rescheduled: str | None = None
    """The appointment that came in its place."""
    fulfilled: dict[str, Any] = field(default_factory=dict)
    """What was said of how it went."""
    proven: float | None = None
    """When a document was named that proves it."""

    @property
    def end(self) -> float:
        """When it is over."""
        return self.start + 60 * self.minutes


@dataclass
class Job:
    """A service that was ordered."""

    id: str
    service_order: str
    order: str
    """The order of the items that it is for."""
    marketplace: Marketplace
    created: float
    updated: float
    skill: str
    status: Status = "PENDING_SCHEDULE"
    preferred: float = 0
    appointments: list[Appointment] = field(default_factory=list)

    @property
    def active(self) -> Appointment | None:
        """The appointment that stands."""
        return next((one for one in self.appointments if one.status == "ACTIVE"), None)


@dataclass
class Technician:
    """Somebody who does jobs; the API calls it a resource."""

    id: str
    name: str
    store: str
    skills: list[str]
    schedules: list[Record] = field(default_factory=list)


@dataclass
class Reservation:
    """Time that a technician does not have."""

    id: str
    resource: str
    type: str
    availability: Record


@dataclass(frozen=True)
class Segment:
    """A time in which what a technician can do does not change."""

    start: float
    end: float
    scheduled: int
    encumbered: int
    reserved: int

    @property
    def available(self) -> int:
        """What is left."""
        return max(self.scheduled - self.encumbered - self.reserved, 0)

    def capacity(self, kind: str) -> int:
        """Return one of `CAPACITIES`."""
        held = (self.scheduled, self.available, self.encumbered, self.reserved)
        return held[CAPACITIES.index(kind)]


@dataclass
class Services:
    """The services of one account."""

    store: str = ""
    """The region that its technicians work in."""
    asins: dict[str, str] = field(default_factory=dict)
    """The ASIN of each service, by the skill that it takes."""
    jobs: dict[str, Job] = field(default_factory=dict)
    technicians: dict[str, Technician] = field(default_factory=dict)
    reservations: dict[str, Reservation] = field(default_factory=dict)

    def segments(self, id: str, start: float, end: float, *, but: Appointment | None = None) -> list[Segment]:
        """Return what a technician can do in a time; ``but`` leaves an appointment out."""
        schedule = [list(windows(one, start, end)) for one in self.technicians[id].schedules]
        away = [
            span for one in self.reservations.values() if one.resource == id
            for span in windows(one.availability, start, end)
        ]  # fmt: skip
        busy = [(one.start, one.end, 1) for one in self._active() if id in one.resources and one is not but]
        every = [span for spans in (*schedule, away, busy) for span in spans]
        edges = sorted({start, end, *(edge for span in every for edge in span[:2] if start < edge < end)})
        return [Segment(at, to, _last(schedule, at), _sum(busy, at), _sum(away, at)) for at, to in pairwise(edges)]

    def bookable(self, skill: str, start: float, end: float, *, but: Appointment | None = None) -> int:
        """Return how many appointments can be made for a time; ``but`` leaves one out that there is."""
        able = (one.id for one in self.technicians.values() if skill in one.skills and one.store == self.store)
        free = sum(min(each.available for each in self.segments(id, start, end, but=but)) for id in able)
        others = (one for one in self._active() if one is not but and not one.resources)
        waiting = sum(one.start < end and start < one.end for one in others)
        return max(free - waiting, 0)

    def _active(self) -> Iterator[Appointment]:
        return (one.active for one in self.jobs.values() if one.active)


def _last(schedule: Sequence[Sequence[tuple[float, float, int]]], at: float) -> int:
    """Return what the last record says that has a window at a time."""
    for spans in reversed(schedule):
        for start, end, capacity in spans:
            if start <= at < end:
                return capacity
    return 0


def _sum(spans: Iterable[tuple[float, float, int]], at: float) -> int:
    return sum(capacity for start, end, capacity in spans if start <= at < end)


def windows(record: Record, start: float, end: float) -> Iterator[tuple[float, float, int]]:
    """Yield from when until when an availability record has which capacity, within a time.

    Raises:
        ValueError: one of its dates is none, or it ends before it begins.
    """
    first, last = (_date(record[name]) for name in ("startTime", "endTime"))
    if last <= first:
        raise ValueError(f"{record['endTime']} is not after {record['startTime']}")
    again = record.get("recurrence")
    until = first if again is None else _date(again["endTime"])
    day = max((datetime.fromtimestamp(start, UTC) - last).days, 0)
    while (begins := first + timedelta(days=day)) <= until and begins.timestamp() < end:
        ends = last + timedelta(days=day)
        if ends.timestamp() > start and (again is None or _on(again, begins)):
            yield max(begins.timestamp(), start), min(ends.timestamp(), end), record.get("capacity", 1)
        day += 1


def _on(again: Mapping[str, Any], day: datetime) -> bool:
    """Whether something recurs on a day, in the time zone that it was said in."""
    named = DAYS[day.weekday()] in again.get("daysOfWeek", ()) or day.day in again.get("daysOfMonth", ())
    return named or not (again.get("daysOfWeek") or again.get("daysOfMonth"))


def _date(text: str) -> datetime:
    when = datetime.fromisoformat(text)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


# --- seeds ------------------------------------------------------------------------------------------------------------


def seeded(seed: str, orders: Iterable[Order], region: str, now: float) -> Services:
    """Invent technicians, and jobs for some of an account's orders, oldest first."""
    chance = random.Random(seed)  # noqa: S311
    zone = timezone(timedelta(hours=OFFSETS[region]))
    services = Services(_name(chance), {skill: shop.asin(chance) for skill in OFFERS})
    for name, skills in PEOPLE:
        id = _letters(chance, 13)
        services.technicians[id] = Technician(id, name, services.store, list(skills), [_hours(now, zone)])
    far = _letters(chance, 13)
    services.technicians[far] = Technician(far, "Dell Overbury", _name(chance), list(OFFERS), [_hours(now, zone)])
    served = [one for one in orders if one.priced]
    chosen = sorted(chance.sample(served, min(COUNT, len(served))), key=lambda one: one.created)
    for place, order in enumerate(chosen):
        job = _job(chance, place, order, services, zone, now)
        services.jobs[job.id] = job
    return services


def _job(chance: random.Random, place: int, order: Order, services: Services, zone: timezone, now: float) -> Job:
    over = order.created < now - SETTLED_DAYS * DAY_S
    created = order.created + 120
    job = Job(_name(chance), _number(chance), order.id, order.marketplace, created, created, list(OFFERS)[place % 3])
    job.status = OVER[place % len(OVER)] if over else AHEAD[place % len(AHEAD)]
    # a day of its own for each, so that nobody is at two places
    after = order.created + 5 * DAY_S if over else now + (2 + place) * DAY_S
    start = _workday(after, zone, hour=OPENS + 1 + place % 7)
    job.preferred = start
    if job.status in ("COMPLETED", "NOT_SERVICED"):
        ids = list(services.technicians)
        appointment = Appointment(f"{job.id}_{_name(chance)}", start, MINUTES, [ids[place % 2]])
        job.appointments.append(appointment)
        if job.status == "COMPLETED":
            appointment.status, appointment.proven, job.updated = "COMPLETED", appointment.end, appointment.end
    return job


def _workday(when: float, zone: timezone, *, hour: int) -> float:
    """Return an hour of the first day from a time on that is no Sunday."""
    day = datetime.fromtimestamp(when, zone)
    day += timedelta(days=1 if day.weekday() == 6 else 0)
    return day.replace(hour=hour, minute=0, second=0, microsecond=0).timestamp()


def _hours(now: float, zone: timezone) -> Record:
    day = datetime.fromtimestamp(now - 100 * DAY_S, zone).replace(minute=0, second=0, microsecond=0)
    return {
        "startTime": day.replace(hour=OPENS).isoformat(),
        "endTime": day.replace(hour=CLOSES).isoformat(),
        "recurrence": {"endTime": (day + timedelta(days=600)).isoformat(), "daysOfWeek": list(DAYS[:6])},
        "capacity": 1,
    }


def _name(chance: random.Random) -> str:
    digits = f"{chance.getrandbits(128):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _letters(chance: random.Random, count: int) -> str:
    return "A" + "".join(chance.choices("0123456789BCDFGHJKLMNPQRSTVWXYZ", k=count - 1))


def _number(chance: random.Random) -> str:
    return f"90{chance.randrange(1, 9)}-{chance.randrange(10**7):07d}-{chance.randrange(10**7):07d}"
