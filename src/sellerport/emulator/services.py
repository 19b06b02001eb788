"""Services v1: the jobs of an account, and their appointments; when somebody has time is in `service_capacity`.

A job waits to be scheduled (PENDING_SCHEDULE), then for its appointment (NOT_SERVICED). It is completed once it was
said how the appointment went, or it is cancelled; the other statuses are Amazon's to give, and only seeds have them.

* An appointment needs a slot that is free. A new one takes the place of one that is rescheduled, and whoever has no
  time then is no longer assigned, which is a warning.
* Whoever is assigned has to have the skill and the time, and work in the job's region; who has another appointment then
  is overbooked, which is a warning.

Amazon's words are those of its published cases; of several errors the first is given. Not known: which reason codes
there are (here, V or R and a number), what is said to a job that was not fulfilled yet, and what a job needs that is on
hold. Buyers never change or cancel anything here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sellerport.emulator import page_tokens
from sellerport.emulator.call import Answer, Call, invalid, missing, moment, refused
from sellerport.emulator.service_jobs import MINUTES, OFFERS, Appointment, Job, Services
from sellerport.emulator.shop import DAY_S, Order, local

API = "services_v1"
PAGE = 20
FURTHEST_S = 365 * DAY_S
OPEN = ("PENDING_SCHEDULE", "NOT_SERVICED")


def own(call: Call) -> Services:
    """Return the services of the account."""
    return call.world.services_of(call.seller)


def unprocessable(message: str) -> Exception:
    """422, in the words of this API."""
    return refused(message, status=422)


# --- jobs -------------------------------------------------------------------------------------------------------------


def get_service_jobs(call: Call) -> Answer:
    """List jobs by their dates, status, names and places, the latest first."""
    size = call.size("pageSize", most=PAGE, default=PAGE)
    found, tokens, total = page_tokens.window(call, lambda: _search(call), size=size)
    named = {"nextToken": "nextPageToken", "previousToken": "previousPageToken"}
    jobs = own(call).jobs
    body = {
        "totalResultSize": total,
        **{named[name]: token for name, token in tokens.get("pagination", {}).items()},
        "jobs": [_shown(call, jobs[id]) for id in found],
    }
    return Answer({"payload": body})


def _search(call: Call) -> list[str]:
    if (call.one("createdAfter") is None) == (call.one("lastUpdatedAfter") is None):
        raise invalid("One of createdAfter and lastUpdatedAfter must be given")
    if len(call.many("marketplaceIds")) != 1:
        raise invalid("marketplaceIds must be one marketplace")
    spans = {
        name: (call.time(after), call.time(before))
        for name, after, before in (
            ("created", "createdAfter", "createdBefore"),
            ("updated", "lastUpdatedAfter", "lastUpdatedBefore"),
            ("scheduled", "scheduleStartDate", "scheduleEndDate"),
        )
    }
    start, end = spans["scheduled"]
    if start is not None and end is not None and end < start:
        raise invalid("scheduleEndDate must not be earlier than scheduleStartDate")
    found = [one for one in own(call).jobs.values() if _wanted(call, one, spans)]
    up, by_status = call.one("sortOrder") == "ASC", call.one("sortField") == "JOB_STATUS"
    found.sort(key=lambda one: (one.status if by_status else "", one.created), reverse=not up)
    return [one.id for one in found]


def _wanted(call: Call, job: Job, spans: Mapping[str, tuple[float | None, float | None]]) -> bool:
    dates = {"created": job.created, "updated": job.updated, "scheduled": job.active.start if job.active else None}
    names: dict[str, list[str]] = {
        "serviceOrderIds": [job.service_order],
        "productOrderIds": [job.order],
        "trackingIds": _trackings(call, _order(call, job)),
        "serviceJobStatus": [job.status],
        "asins": [own(call).asins[job.skill]],
        "requiredSkills": [job.skill],
        "storeIds": [own(call).store],
        "marketplaceIds": [job.marketplace.id],
    }
    return all(_within(dates[name], *span) for name, span in spans.items()) and all(
        not call.many(name) or set(call.many(name)) & set(held) for name, held in names.items()
    )


def _within(when: float | None, after: float | None, before: float | None) -> bool:
    if after is None and before is None:
        return True
    return when is not None and (after is None or when >= after) and (before is None or when <= before)


def get_service_job_by_service_job_id(call: Call) -> Answer:
    """Return one job."""
    id = call.path["serviceJobId"]
    if id not in own(call).jobs:
        raise missing(f"The service job {id} was not found")
    return Answer({"payload": _shown(call, own(call).jobs[id])})


def cancel_service_job_by_service_job_id(call: Call) -> Answer:
    """Give a job up, and its appointment."""
    job, code = known(call, "Job not found for jobId {}"), call.one("cancellationReasonCode") or ""
    if not re.fullmatch(r"V\d+", code):
        raise unprocessable(f"Received invalid input reason code {code} for jobId {job.id}")
    if job.status not in (*OPEN, "HOLD"):
        raise unprocessable(f"Job with jobId {job.id} and jobStatus {job.status} cannot be cancelled")
    if job.active:
        job.active.status = "CANCELLED"
    job.status, job.updated = "CANCELLED", call.world.now()
    return Answer({})


def complete_service_job_by_service_job_id(call: Call) -> Answer:
    """Say that a job is done, once it was said how its appointment went."""
    job = known(call, "Job not found for jobId {}")
    if job.status != "NOT_SERVICED" or job.active is None:
        raise _not_allowed(job)
    if "fulfillmentTime" not in job.active.fulfilled:
        raise unprocessable(f"Appointment {job.active.id} of jobId {job.id} has no fulfillment data.")
    job.active.status, job.status, job.updated = "COMPLETED", "COMPLETED", call.world.now()
    return Answer({})


def known(call: Call, message: str) -> Job:
    """Return the job that is asked for.

    Raises:
        AmazonRefused: there is none, which every operation says in words of its own.
    """
    id = call.path["serviceJobId"]
    if id not in own(call).jobs:
        raise unprocessable(message.format(id))
    return own(call).jobs[id]


def _not_allowed(job: Job) -> Exception:
    return unprocessable(f"Operation not allowed on job with jobId : {job.id} and jobState : {job.status}")


# --- what a job shows -------------------------------------------------------------------------------------------------


def _order(call: Call, job: Job) -> Order:
    assert call.account is not None
    return call.account.orders[job.order]


def _trackings(call: Call, order: Order) -> list[str]:
    return [one.tracking for one in call.world.parcels.packages(call.seller, order).values()]


def _shown(call: Call, job: Job) -> dict[str, Any]:
    order, name, dollars = _order(call, job), *OFFERS[job.skill]
    shown = {
        "createTime": moment(job.created),
        "serviceJobId": job.id,
        "serviceJobStatus": job.status,
        "scopeOfWork": {
            "asin": own(call).asins[job.skill],
            "title": f"{name}: {order.items[0].title}",
            "quantity": 1,
            "requiredSkills": [job.skill],
        },
        "seller": {"sellerId": call.seller},
        "serviceJobProvider": {"serviceJobProviderId": call.seller},
        "preferredAppointmentTimes": [_time(job.preferred, MINUTES)],
        "appointments": [_appointment(call, one) for one in job.appointments],
        "serviceOrderId": job.service_order,
        "productOrderIds": [job.order],
        "trackingIds": _trackings(call, order),
        "marketplaceId": job.marketplace.id,
        "storeId": own(call).store,
        "buyer": {
            "buyerId": f"A{hashlib.sha256(order.email.encode()).hexdigest()[:13].upper()}",
            "name": order.address.name,
            "phone": order.address.phone,
            "isPrimeMember": order.prime,
        },
        "associatedItems": _items(call, order),
        "serviceLocation": {"serviceLocationType": "IN_HOME", "address": _address(order)},
    }
    if job.status != "PAYMENT_DECLINED":
        currency = job.marketplace.currency
        amount = {"value": float(local(dollars, currency)), "currency": currency}
        shown["payments"] = [{"amount": amount, "instrument": "CREDIT_CARD"}]
    return shown


def _items(call: Call, order: Order) -> list[dict[str, Any]]:
    assert call.account is not None
    brands = {one.sku: one.brand for one in call.account.products}
    start, end = order.delivery_window
    promise = {"startTime": moment(start), "endTime": moment(end)}
    delivery = {"estimatedDeliveryDate": moment(end), "itemDeliveryPromise": promise}
    sent = "DELIVERED" if call.world.now() > end else "SHIPPED"
    return [
        {
            "asin": one.asin,
            "title": one.title,
            "quantity": one.quantity,
            "orderId": order.id,
            "itemStatus": sent if one.shipped >= one.quantity else "ACTIVE",
            "brandName": brands[one.sku],
            "itemDelivery": delivery,
        }
        for one in order.items
    ]


def _address(order: Order) -> dict[str, str]:
    return {**order.address.written, "phone": order.address.phone}


def _time(start: float, minutes: int) -> dict[str, Any]:
    return {"startTime": moment(start), "durationInMinutes": minutes}


def _appointment(call: Call, one: Appointment) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "appointmentId": one.id,
        "appointmentStatus": one.status,
        "appointmentTime": _time(one.start, one.minutes),
    }
    if one.resources:
        shown["assignedTechnicians"] = _people(call, one.resources)
    if one.rescheduled is not None:
        shown["rescheduledAppointmentId"] = one.rescheduled
    if one.proven is not None:
        shown["poa"] = _proof(call, one)
    return shown


def _people(call: Call, ids: Sequence[str]) -> list[dict[str, str]]:
    return [{"technicianId": id, "name": own(call).technicians[id].name} for id in ids]


def _proof(call: Call, one: Appointment) -> dict[str, Any]:
    proof: dict[str, Any] = {"uploadTime": moment(one.proven or 0), "poaType": "POA_RECEIPT"}
    if times := one.fulfilled.get("fulfillmentTime"):
        start, end = (datetime.fromisoformat(times[name]).timestamp() for name in ("startTime", "endTime"))
        proof["appointmentTime"] = _time(start, max(round((end - start) / 60), 1))
    ids = [each["resourceId"] for each in one.fulfilled.get("appointmentResources", ())] or one.resources
    if ids:
        proof |= {"technicians": _people(call, ids), "uploadingTechnician": ids[0]}
    return proof


# --- appointments -----------------------------------------------------------------------------------------------------


def add_appointment_for_service_job_by_service_job_id(call: Call) -> Answer:
    """Make an appointment for a job that has none."""
    asked, job = call.checked_body()["appointmentTime"], known(call, "No job exist with jobId : {}")
    if job.status not in OPEN:
        raise _not_allowed(job)
    if job.active:
        raise _failed(job, "Job already has an active appointmentId.")
    appointment = _new(call, job, asked)
    job.status = "NOT_SERVICED"
    return Answer({"appointmentId": appointment.id})


def reschedule_appointment_for_service_job_by_service_job_id(call: Call) -> Answer:
    """Make another appointment in the place of one; who has no time then is no longer assigned."""
    body, job = call.checked_body(), known(call, "No job exist with jobId : {}")
    if job.status not in OPEN:
        raise _not_allowed(job)
    before = next((one for one in job.appointments if one.id == call.path["appointmentId"]), None)
    if before is None or before.status != "ACTIVE":
        raise _failed(job, f"No appointment exists with appointmentId: {call.path['appointmentId']}")
    if not re.fullmatch(r"R\d+", body["rescheduleReasonCode"]):
        raise _failed(job, "Appointment reschedule reason code is not valid.")
    appointment = _new(call, job, body["appointmentTime"], before)
    before.status, before.rescheduled = "CANCELLED", appointment.id
    services = own(call)
    for id in before.resources:
        if all(one.available for one in services.segments(id, appointment.start, appointment.end)):
            appointment.resources.append(id)
    gone = [id for id in before.resources if id not in appointment.resources]
    warning = {"code": "RESOURCES_UNASSIGNED", "message": f"Unassigned resources : {','.join(gone)}"}
    return Answer({"appointmentId": appointment.id, **({"warnings": [warning]} if gone else {})})


def _new(call: Call, job: Job, asked: Mapping[str, Any], before: Appointment | None = None) -> Appointment:
    """Give a job an appointment, if there is a slot for it."""
    start, minutes, now = _start(asked["startTime"]), asked.get("durationInMinutes", MINUTES), call.world.now()
    if start <= now:
        raise _failed(job, "Start time of appointment should be in the future.")
    if start > now + FURTHEST_S:
        raise _failed(job, "Start time for appointment is beyond the maximum allowed period of 365 days.")
    if minutes < 1 or not own(call).bookable(job.skill, start, start + 60 * minutes, but=before):
        raise _failed(job, "Appointment slot is not available.")
    appointment = Appointment(f"{job.id}_{call.world.uuid()}", start, minutes)
    job.appointments.append(appointment)
    job.updated = now
    return appointment


def _start(text: str) -> float:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise unprocessable(f"Failed to parse ISO8601 input: {text}") from None
    if when.utcoffset() != timedelta(0):
        raise unprocessable(f"ISO8601 time {text} is not in UTC.")
    return when.timestamp()


def _failed(job: Job, reason: str) -> Exception:
    return unprocessable(f"Failed to add appointment for jobId : {job.id}, reason : {reason}")


def assign_appointment_resources(call: Call) -> Answer:
    """Say who goes to an appointment, in the place of whoever was to go."""
    asked = call.checked_body()["resources"]
    if not asked:
        raise refused("Resources must have size greater than or equal to 1.")
    job, appointment = _assignable(call)
    services, ids = own(call), [one["resourceId"] for one in asked if "resourceId" in one]
    strangers = [id for id in ids if id not in services.technicians]
    _refuse(strangers, "RESOURCES_NOT_REGISTERED_UNDER_MERCHANT", "Resources are not registered under this Merchant.")
    people = [services.technicians[id] for id in dict.fromkeys(ids)]
    away = [one.id for one in people if one.store != services.store]
    _refuse(away, "RESOURCES_NOT_AVAILABLE_IN_LOCATION", "Resources are not available in the store.")
    unable = [one.id for one in people if job.skill not in one.skills]
    _refuse(unable, "RESOURCES_MISSING_REQUIRED_SKILLS", f"Resources Missing required {job.skill} skills.")
    overbooked, absent = False, []
    for one in people:
        segments = services.segments(one.id, appointment.start, appointment.end, but=appointment)
        if any(each.scheduled <= each.reserved for each in segments):
            absent.append(one.id)
        overbooked |= any(not each.available for each in segments)
    _refuse(absent, "RESOURCES_NOT_AVAILABLE_IN_TIME_WINDOW", "Resources do not have sufficient available capacity.")
    appointment.resources, job.updated = [one.id for one in people], call.world.now()
    warning = {"code": "RESOURCES_OVERBOOKED", "message": "Resources overbooked for this time window."}
    return Answer({"payload": {"warnings": [warning]}} if overbooked else {})


def _refuse(ids: Sequence[str], code: str, message: str) -> None:
    if ids:
        raise refused(f"{message} Applicable resources: {','.join(ids)}", status=422, code=code)


def _assignable(call: Call) -> tuple[Job, Appointment]:
    job, id = known(call, "No job exists with jobId : {}"), call.path["appointmentId"]
    if job.status not in OPEN:
        raise _not_allowed(job)
    appointment = next((one for one in job.appointments if one.id == id), None)
    if appointment is None:
        reason = f"No appointment exists with appointmentId: {id}"
        what = f"jobId : {job.id}, appointmentId : {id}, reason : {reason}"
        raise unprocessable(f"Failed to Update Appointment for {what}")
    if appointment.status != "ACTIVE":
        raise unprocessable(f"Appointment metadata update is not allowed for appointmentId {id}")
    return job, appointment


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    f"{API}.get_service_jobs": get_service_jobs,
    f"{API}.get_service_job_by_service_job_id": get_service_job_by_service_job_id,
    f"{API}.cancel_service_job_by_service_job_id": cancel_service_job_by_service_job_id,
    f"{API}.complete_service_job_by_service_job_id": complete_service_job_by_service_job_id,
    f"{API}.add_appointment_for_service_job_by_service_job_id": add_appointment_for_service_job_by_service_job_id,
    f"{API}.reschedule_appointment_for_service_job_by_service_job_id": (
        reschedule_appointment_for_service_job_by_service_job_id
    ),
    f"{API}.assign_appointment_resources": assign_appointment_resources,
}
