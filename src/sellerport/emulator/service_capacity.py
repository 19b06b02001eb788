"""Services v1: when technicians have time: schedules, reservations, capacities and slots for appointments.

* A schedule adds to what is scheduled, and stands where it overlaps with an earlier one, which is a warning.
* A reservation takes time away, whatever its type; changed, it has another id.
* Capacities come for 35 days at once. A slot for an appointment is an hour, in which somebody can do the service.

A technician that does not exist is refused in two ways, as in Amazon's published cases: with 400 where capacities are
read, and with 200 and an error where they are written. Not known: how much comes at once, the duration of slots where
none is named (an hour here), and which slots a buyer would see.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sellerport.emulator import page_tokens
from sellerport.emulator.call import Answer, Call, missing, moment, refused, unix_seconds
from sellerport.emulator.service_jobs import CAPACITIES, HORIZON_S, MINUTES, Record, Reservation, Segment, windows
from sellerport.emulator.services import API, own
from sellerport.emulator.shop import DAY_S
from sellerport.errors import AmazonRefused

PAGE_S = 35 * DAY_S
SLOTS_S, MOST_SLOTS_S = 7 * DAY_S, 90 * DAY_S
SLOT_S = 60 * MINUTES
SHORTEST, LONGEST = 5, 360
"""Of a slot, in minutes."""
OVERRIDE = "This AvailabilityRecord will override the current schedule as the time-ranges overlap"
FIELDS = dict(zip(CAPACITIES, ("scheduled", "available", "encumbered", "reserved"), strict=True))


# --- capacities -------------------------------------------------------------------------------------------------------


def get_range_slot_capacity(call: Call) -> Answer:
    """Return from when until when a technician has which capacity."""
    asked = _checked(call)
    segments, token = _segments(call, asked)
    kinds = asked.get("capacityTypes") or CAPACITIES[:1]
    capacities = [{"capacityType": kind, "slots": _ranges(segments, kind)} for kind in kinds]
    return Answer({"resourceId": call.path["resourceId"], "capacities": capacities, **token})


def _ranges(segments: Sequence[Segment], kind: str) -> list[dict[str, Any]]:
    found: list[tuple[float, float, int]] = []
    for one in segments:
        start = one.start
        if found and found[-1][2] == one.capacity(kind):
            start = found.pop()[0]
        found.append((start, one.end, one.capacity(kind)))
    return [
        {"startDateTime": moment(start), "endDateTime": moment(end), "capacity": capacity}
        for start, end, capacity in found
    ]


def get_fixed_slot_capacity(call: Call) -> Answer:
    """Return which capacity a technician has in slots of one length: what lasts for all of the slot."""
    duration = call.body.get("slotDuration", MINUTES) if isinstance(call.body, dict) else MINUTES
    if isinstance(duration, int | float) and (duration % SHORTEST or not SHORTEST <= duration <= LONGEST):
        raise _unread("Slot duration is not valid, it should be a multiple of 5 and within allowed range.")
    asked = _checked(call)
    segments, token = _segments(call, asked)
    kinds = asked.get("capacityTypes") or CAPACITIES[:1]
    step = 60 * int(duration)
    slots, first = [], 0
    for at in range(int(segments[0].start), int(segments[-1].end), step):
        while segments[first].end <= at:
            first += 1
        last = first
        while last < len(segments) and segments[last].start < at + step:
            last += 1
        here = segments[first:last]
        held = {
            f"{FIELDS[kind]}Capacity": (min if FIELDS[kind] in ("scheduled", "available") else max)(
                one.capacity(kind) for one in here
            )
            for kind in kinds
        }
        slots.append({"startDateTime": moment(at), **held})
    return Answer({"resourceId": call.path["resourceId"], "slotDuration": int(duration), "capacities": slots, **token})


def _checked(call: Call) -> dict[str, Any]:
    if not isinstance(call.body, dict) or not {"startDateTime", "endDateTime"} <= call.body.keys():
        raise _unread("startDateTime or endDateTime are not present")
    return call.checked_body()


def _segments(call: Call, asked: Mapping[str, Any]) -> tuple[list[Segment], dict[str, str]]:
    """Return one page of a technician's time, and the token of the next."""
    start, end = (_time(asked, name) for name in ("startDateTime", "endDateTime"))
    if end <= start:
        raise _unread("endDateTime should be after Start Time")
    if call.path["resourceId"] not in own(call).technicians:
        raise _unread("Missing or invalid request parameters: [resourceId]")
    token, arguments = call.one("nextPageToken"), {**call.path, **asked}
    if token is not None:
        start = page_tokens.redeem(call, token, name="nextPageToken", arguments=arguments)
    until = min(end, start + PAGE_S)
    more = {"nextPageToken": page_tokens.issue(call, until, arguments=arguments)} if until < end else {}
    return own(call).segments(call.path["resourceId"], start, until), more


def _time(asked: Mapping[str, Any], name: str) -> float:
    try:
        return float(int(unix_seconds(asked[name], name)))
    except AmazonRefused:
        raise _unread(f"{name} is not a valid ISO date/time object") from None


def _unread(problem: str) -> Exception:
    details = f"Received the following errors: [{problem}]"
    return AmazonRefused("This is invalid input", status=400, amazon_code="InvalidInput", details=details)


# --- schedules and reservations ---------------------------------------------------------------------------------------


def update_schedule(call: Call) -> Answer:
    """Say when a technician works."""
    records = call.checked_body()["schedules"]
    technician = own(call).technicians.get(call.path["resourceId"])
    if technician is None:
        return _stranger()
    said = []
    for record in records:
        if not _readable(record):
            problem = {"code": "InvalidInput", "message": "Invalid request parameters: [availability]"}
            said.append({"availability": record, "errors": [problem]})
            continue
        if any(_overlap(record, one) for one in technician.schedules):
            said.append({"availability": record, "warnings": [{"code": "ScheduleOverride", "message": OVERRIDE}]})
        technician.schedules.append(record)
    return Answer({"payload": said} if said else {})


def _stranger() -> Answer:
    return Answer({"errors": [{"code": "InvalidInput", "message": "Invalid request parameters: [resourceId]"}]})


def _readable(record: Record) -> bool:
    try:
        list(windows(record, 0, 1))
    except (ValueError, OverflowError):
        return False
    return True


def _overlap(one: Record, other: Record) -> bool:
    """Whether two availability records are of the same time."""
    start = unix_seconds(one["startTime"], "startTime")
    mine, theirs = (list(windows(each, start, start + HORIZON_S)) for each in (one, other))
    return any(a[0] < b[1] and b[0] < a[1] for a in mine for b in theirs)


def create_reservation(call: Call) -> Answer:
    """Take time away from a technician."""
    return _reserve(call, call.checked_body())


def update_reservation(call: Call) -> Answer:
    """Take other time away from a technician."""
    asked, reservations, id = call.checked_body(), own(call).reservations, call.path["reservationId"]
    if id not in reservations:
        raise refused(f"Could not find reservation with ID: [{id}]", status=404)
    answer = _reserve(call, asked)
    if "payload" in answer.body:
        del reservations[id]
    return answer


def _reserve(call: Call, asked: Mapping[str, Any]) -> Answer:
    wanted = asked["reservation"]
    if asked["resourceId"] not in own(call).technicians:
        return _stranger()
    if not _readable(wanted["availability"]):
        raise refused("Missing or invalid request parameters: [reservation]")
    id = call.world.uuid()
    own(call).reservations[id] = Reservation(id, asked["resourceId"], wanted["type"], wanted["availability"])
    return Answer({"payload": {"reservation": {**wanted, "reservationId": id}}})


def cancel_reservation(call: Call) -> Answer:
    """Give a technician time back."""
    if own(call).reservations.pop(call.path["reservationId"], None) is None:
        raise refused("Reservation does not exist", status=404)
    return Answer(status=204)


# --- slots for appointments -------------------------------------------------------------------------------------------


def get_appointment_slots(call: Call) -> Answer:
    """Return when a service can be done."""
    asins = {asin: skill for skill, asin in own(call).asins.items()}
    wrong = [name for name, held in (("asin", asins), ("storeId", [own(call).store])) if call.one(name) not in held]
    if wrong:
        raise refused(f"Missing or invalid request parameters: [{', '.join(wrong)}]")
    return _slots(call, asins[call.one("asin") or ""], prefix="Range ")


def get_appointmment_slots_by_job_id(call: Call) -> Answer:
    """Return when a job can be done."""
    job = own(call).jobs.get(call.path["serviceJobId"])
    if job is None:
        raise missing(f"The service job {call.path['serviceJobId']} was not found")
    return _slots(call, job.skill, prefix="")


def _slots(call: Call, skill: str, *, prefix: str) -> Answer:
    start, end = _asked(call, prefix)
    slots = []
    for at in range(int(start), int(end), SLOT_S):
        until = min(at + SLOT_S, int(end))
        capacity = own(call).bookable(skill, at, until) if at >= call.world.now() else 0
        slots.append({"startTime": moment(at), "endTime": moment(until), "capacity": capacity})
    body = {
        "schedulingType": "REAL_TIME_SCHEDULING",
        "startTime": moment(start),
        "endTime": moment(end),
        "appointmentSlots": slots,
    }
    return Answer({"payload": body})


def _asked(call: Call, prefix: str) -> tuple[float, float]:
    """Return the time that slots are asked for; without any, the week from the next hour on."""
    texts = {name: call.one(f"{name}Time") for name in ("start", "end")}
    if not any(texts.values()):
        hour = math.ceil(call.world.now() / SLOT_S) * SLOT_S
        return hour, hour + SLOTS_S
    if absent := [f"{name}Time" for name, text in texts.items() if text is None]:
        raise refused(f"Missing or invalid request parameters: [{', '.join(absent)}]")
    times = []
    for name, text in texts.items():
        try:
            times.append(unix_seconds(text or "", name))
        except AmazonRefused:
            raise refused(f"{prefix}{name.title()} Time is not a valid ISO date/time object") from None
    start, end = times
    if end <= start:
        raise refused(f"{prefix}End Time should be after {prefix}Start Time")
    if end - start > MOST_SLOTS_S:
        raise refused("Missing or invalid request parameters: [endTime]")
    return start, end


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    f"{API}.get_range_slot_capacity": get_range_slot_capacity,
    f"{API}.get_fixed_slot_capacity": get_fixed_slot_capacity,
    f"{API}.update_schedule": update_schedule,
    f"{API}.create_reservation": create_reservation,
    f"{API}.update_reservation": update_reservation,
    f"{API}.cancel_reservation": cancel_reservation,
    f"{API}.get_appointment_slots": get_appointment_slots,
    f"{API}.get_appointmment_slots_by_job_id": get_appointmment_slots_by_job_id,
}
