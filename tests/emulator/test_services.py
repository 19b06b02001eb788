"""The services of a shop: jobs, appointments, who has time for them, and how they went."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sellerport.emulator.service_jobs import Job, Services

from .conftest import NOW, Local, Reply
from .test_orders import US, iso

ROOT = "/service/v1"
JOBS, RESOURCES, RESERVATION = f"{ROOT}/serviceJobs", f"{ROOT}/serviceResources", f"{ROOT}/reservation"
DAY, HOUR = 86_400, 3600
# the seeds' technicians work from Monday to Saturday, 9 to 18 o'clock, eight hours behind UTC; NOW is a Monday
WEDNESDAY = datetime(2026, 9, 23, 17, tzinfo=UTC).timestamp()

Call = Callable[..., Any]


@pytest.fixture
def call(amazon: Local) -> Call:
    """Call with success, and with a new token: one ends when the clock moves."""
    return lambda method, path, body=None, **query: amazon.good(method, path, amazon.token(), body, **query)


@pytest.fixture
def services(amazon: Local) -> Services:
    return amazon.world.services_of("ALOCALSELLERNA")


@pytest.fixture
def pending(services: Services) -> Job:
    """A job that waits to be scheduled."""
    return next(one for one in services.jobs.values() if one.status == "PENDING_SCHEDULE")


@pytest.fixture
def scheduled(services: Services) -> Job:
    """A job that has an appointment."""
    return next(one for one in services.jobs.values() if one.status == "NOT_SERVICED")


@pytest.fixture
def person(services: Services) -> str:
    return next(iter(services.technicians))


def shown(call: Call, job: Job) -> Any:
    return call("GET", f"{JOBS}/{job.id}")["payload"]


def at(start: float, minutes: int | None = None) -> dict[str, Any]:
    more = {} if minutes is None else {"durationInMinutes": minutes}
    return {"appointmentTime": {"startTime": iso(start), **more}}


def message(answer: Reply) -> tuple[int, str]:
    (only,) = answer.json["errors"]
    return answer.status, only["message"]


# --- jobs -------------------------------------------------------------------------------------------------------------


def test_a_job_is_for_an_order_of_the_account(amazon: Local, call: Call) -> None:
    orders = amazon.world.account("ALOCALSELLERNA").orders
    jobs: list[Any] = []
    for shop in (US, "A2EUQ1WTGCTBG2", "A1AM78C64UM0Y8"):
        query = {"createdAfter": "2026-01-01T00:00:00Z", "marketplaceIds": shop}
        found = call("GET", JOBS, **query)["payload"]
        assert found["totalResultSize"] == len(found["jobs"])
        assert {one["marketplaceId"] for one in found["jobs"]} <= {shop}
        jobs += found["jobs"]
    assert len(jobs) == 12
    for one in jobs:
        assert call("GET", f"{JOBS}/{one['serviceJobId']}")["payload"] == one
        order = orders[one["productOrderIds"][0]]
        assert [item["asin"] for item in one["associatedItems"]] == [item.asin for item in order.items]
        assert one["serviceLocation"]["address"]["city"] == order.address.city
        assert one["buyer"]["name"] == order.address.name
        tracked = amazon.good("GET", f"/orders/v0/orders/{order.id}")["payload"]
        assert bool(one["trackingIds"]) == (tracked["NumberOfItemsShipped"] > 0)
    assert {"PENDING_SCHEDULE", "NOT_SERVICED", "COMPLETED", "CANCELLED"} <= {one["serviceJobStatus"] for one in jobs}
    assert amazon.call("GET", f"{JOBS}/none").error[:2] == (404, "NotFound")
    assert amazon.call("GET", f"{JOBS}/{jobs[0]['serviceJobId']}", amazon.token("Atzr|local-seller-eu")).status == 404


def test_jobs_are_found_by_everything_that_can_be_asked(
    amazon: Local, call: Call, services: Services, scheduled: Job
) -> None:
    shop = scheduled.marketplace.id
    one = shown(call, scheduled)

    def found(**query: str) -> list[str]:
        asked = {"createdAfter": "2026-01-01T00:00:00Z", "marketplaceIds": shop, **query}
        return [each["serviceJobId"] for each in call("GET", JOBS, **asked)["payload"]["jobs"]]

    every = found()
    assert scheduled.id in every
    names = {
        "serviceOrderIds": (scheduled.service_order, "1-2"),
        "productOrderIds": (scheduled.order, "1-2"),
        "serviceJobStatus": ("NOT_SERVICED", "PAYMENT_DECLINED"),
        "asins": (one["scopeOfWork"]["asin"], "B000000000"),
        "requiredSkills": (scheduled.skill, "OTHER"),
        "storeIds": (services.store, "OTHER"),
    }
    for name, (value, other) in names.items():
        assert scheduled.id in found(**{name: f"{other},{value}"}), name
        assert scheduled.id not in found(**{name: other}), name
    sent = next(
        each for each in services.jobs.values() if each.status == "COMPLETED" and shown(call, each)["trackingIds"]
    )
    tracking = shown(call, sent)["trackingIds"][0]
    assert found(trackingIds=tracking, marketplaceIds=sent.marketplace.id) == [sent.id]
    created, start = iso(scheduled.created), one["appointments"][0]["appointmentTime"]["startTime"]
    assert scheduled.id in found(createdAfter=created, createdBefore=created)
    assert scheduled.id not in found(createdBefore=iso(scheduled.created - 1))
    assert found(scheduleStartDate=start, scheduleEndDate=start) == [scheduled.id]
    assert found(scheduleStartDate=iso(NOW + 90 * DAY)) == []
    by_change = {"marketplaceIds": shop, "lastUpdatedAfter": iso(scheduled.updated)}
    assert scheduled.id in [each["serviceJobId"] for each in call("GET", JOBS, **by_change)["payload"]["jobs"]]
    for wrong in (
        {"lastUpdatedAfter": created},
        {"createdAfter": "yesterday"},
        {"marketplaceIds": f"{US},A2EUQ1WTGCTBG2"},
        {"pageSize": "21"},
        {"asins": ",".join(f"B{place:09d}" for place in range(21))},
        {"storeIds": ",".join(map(str, range(51)))},
        {"scheduleStartDate": iso(NOW), "scheduleEndDate": iso(NOW - 1)},
    ):
        asked = {"createdAfter": "2026-01-01T00:00:00Z", "marketplaceIds": shop, **wrong}
        assert amazon.call("GET", JOBS, **asked).error[:2] == (400, "InvalidInput"), wrong
    assert amazon.call("GET", JOBS, marketplaceIds=US).status == 400


def test_jobs_come_in_pages_that_are_turned_both_ways(call: Call) -> None:
    asked = {"createdAfter": "2026-01-01T00:00:00Z", "marketplaceIds": US}
    every = call("GET", JOBS, **asked)["payload"]["jobs"]
    dates = [one["createTime"] for one in every]
    assert dates == sorted(dates, reverse=True)
    assert call("GET", JOBS, **asked, sortField="JOB_DATE", sortOrder="ASC")["payload"]["jobs"] == every[::-1]
    states = [one["serviceJobStatus"] for one in call("GET", JOBS, **asked, sortField="JOB_STATUS")["payload"]["jobs"]]
    assert states == sorted(states, reverse=True)
    first = call("GET", JOBS, **asked, pageSize="2")["payload"]
    second = call("GET", JOBS, **asked, pageSize="2", pageToken=first["nextPageToken"])["payload"]
    assert first["jobs"] + second["jobs"] == every[:4]
    assert (first["totalResultSize"], "previousPageToken" in first) == (len(every), False)
    back = call("GET", JOBS, **asked, pageSize="2", pageToken=second["previousPageToken"])["payload"]
    assert back["jobs"] == first["jobs"]


def test_a_job_is_scheduled_assigned_fulfilled_and_completed(
    amazon: Local, call: Call, pending: Job, person: str
) -> None:
    id = call("POST", f"{JOBS}/{pending.id}/appointments", at(WEDNESDAY, 90))["appointmentId"]
    assert shown(call, pending)["serviceJobStatus"] == "NOT_SERVICED"
    path = f"{JOBS}/{pending.id}/appointments/{id}"
    assert call("PUT", f"{path}/resources", {"resources": [{"resourceId": person}]}) == {}
    (appointment,) = shown(call, pending)["appointments"]
    assert appointment["appointmentTime"] == {"startTime": iso(WEDNESDAY), "durationInMinutes": 90}
    assert [one["technicianId"] for one in appointment["assignedTechnicians"]] == [person]
    early = amazon.call("PUT", f"{JOBS}/{pending.id}/completions")
    assert early.status == 422
    amazon.world.advance(WEDNESDAY + 2 * HOUR - NOW)
    place = call("POST", f"{ROOT}/documents", {"contentType": "PDF", "contentLength": 3})["payload"]
    document = {"uploadDestinationId": place["uploadDestinationId"], "contentSha256": "x"}
    took = {"startTime": iso(WEDNESDAY), "endTime": iso(WEDNESDAY + HOUR)}
    body = {"fulfillmentTime": took, "fulfillmentDocuments": [document]}
    missing = amazon.call("PUT", f"{path}/fulfillment", amazon.token(), body)
    assert missing.status == 422
    assert amazon.put(place["url"], b"abc", place["headers"]).status == 200
    call("PUT", f"{path}/fulfillment", body)
    call("PUT", f"{JOBS}/{pending.id}/completions")
    job = shown(call, pending)
    assert job["serviceJobStatus"] == job["appointments"][0]["appointmentStatus"] == "COMPLETED"
    proof = job["appointments"][0]["poa"]
    assert proof["appointmentTime"] == {"startTime": iso(WEDNESDAY), "durationInMinutes": 60}
    assert (proof["uploadingTechnician"], proof["uploadTime"]) == (person, iso(WEDNESDAY + 2 * HOUR))
    again = amazon.call("PUT", f"{JOBS}/{pending.id}/completions", amazon.token())
    state = f"Operation not allowed on job with jobId : {pending.id} and jobState : COMPLETED"
    assert message(again) == (422, state)
    gone = amazon.call("PUT", f"{JOBS}/{pending.id}/cancellations", amazon.token(), cancellationReasonCode="V1")
    assert message(gone) == (422, f"Job with jobId {pending.id} and jobStatus COMPLETED cannot be cancelled")


def test_a_cancelled_job_stays_cancelled(amazon: Local, call: Call, scheduled: Job, person: str) -> None:
    path, appointment = f"{JOBS}/{scheduled.id}", scheduled.appointments[0].id
    wrong = amazon.call("PUT", f"{path}/cancellations", cancellationReasonCode="INV1")
    assert message(wrong) == (422, f"Received invalid input reason code INV1 for jobId {scheduled.id}")
    assert amazon.call("PUT", f"{path}/cancellations").status == 400
    assert call("PUT", f"{path}/cancellations", cancellationReasonCode="V1") == {}
    job = shown(call, scheduled)
    assert job["serviceJobStatus"] == job["appointments"][0]["appointmentStatus"] == "CANCELLED"
    state = f"Operation not allowed on job with jobId : {scheduled.id} and jobState : CANCELLED"
    resources = {"resources": [{"resourceId": person}]}
    reschedule = {**at(WEDNESDAY), "rescheduleReasonCode": "R1"}
    assert message(amazon.call("PUT", f"{path}/completions")) == (422, state)
    assert message(amazon.call("POST", f"{path}/appointments", body=at(WEDNESDAY))) == (422, state)
    assert message(amazon.call("POST", f"{path}/appointments/{appointment}", body=reschedule)) == (422, state)
    assert message(amazon.call("PUT", f"{path}/appointments/{appointment}/resources", body=resources)) == (422, state)
    arrival = {"estimatedArrivalTime": {"startTime": iso(NOW), "endTime": iso(NOW)}}
    assert amazon.call("PUT", f"{path}/appointments/{appointment}/fulfillment", body=arrival).status == 422


def test_a_job_that_does_not_exist_is_refused_by_everything(amazon: Local, person: str) -> None:
    path, reschedule = f"{JOBS}/none", {**at(WEDNESDAY), "rescheduleReasonCode": "R1"}
    resources, times = {"resources": [{"resourceId": person}]}, {"startTime": iso(NOW), "endTime": iso(NOW)}
    for method, rest, body, words in (
        ("PUT", "/cancellations?cancellationReasonCode=V1", None, "Job not found for jobId none"),
        ("PUT", "/completions", None, "Job not found for jobId none"),
        ("POST", "/appointments", at(WEDNESDAY), "No job exist with jobId : none"),
        ("POST", "/appointments/1", reschedule, "No job exist with jobId : none"),
        ("PUT", "/appointments/1/resources", resources, "No job exists with jobId : none"),
        ("PUT", "/appointments/1/fulfillment", {"estimatedArrivalTime": times}, "No job exist with jobId : none"),
    ):
        assert message(amazon.call(method, f"{path}{rest}", body=body)) == (422, words)


# --- appointments -----------------------------------------------------------------------------------------------------


def test_an_appointment_needs_a_slot_in_the_future(
    amazon: Local, call: Call, pending: Job, scheduled: Job, services: Services
) -> None:
    def refused(body: Any, job: Job = pending) -> tuple[int, str]:
        status, words = message(amazon.call("POST", f"{JOBS}/{job.id}/appointments", body=body))
        return status, words.removeprefix(f"Failed to add appointment for jobId : {job.id}, reason : ")

    sunday, night = WEDNESDAY + 4 * DAY, WEDNESDAY + 12 * HOUR
    for body, words in (
        (at(NOW - 1), "Start time of appointment should be in the future."),
        (at(NOW + 366 * DAY), "Start time for appointment is beyond the maximum allowed period of 365 days."),
        (at(sunday), "Appointment slot is not available."),
        (at(night), "Appointment slot is not available."),
        (at(WEDNESDAY, 10 * 60), "Appointment slot is not available."),
        (
            {"appointmentTime": {"startTime": "2026-09-23T10:00:00+05:30"}},
            "ISO8601 time 2026-09-23T10:00:00+05:30 is not in UTC.",
        ),
        (
            {"appointmentTime": {"startTime": "2026-09-23T10-00:00Z"}},
            "Failed to parse ISO8601 input: 2026-09-23T10-00:00Z",
        ),
    ):
        assert refused(body) == (422, words)
    assert refused(at(WEDNESDAY), scheduled) == (422, "Job already has an active appointmentId.")
    assert shown(call, pending)["appointments"] == []


def test_slots_are_taken_one_by_one(amazon: Local, call: Call, services: Services, pending: Job) -> None:
    query = {"marketplaceIds": US, "startTime": iso(WEDNESDAY), "endTime": iso(WEDNESDAY + 2 * HOUR)}
    able = sum(pending.skill in one.skills and one.store == services.store for one in services.technicians.values())

    def capacities() -> list[int]:
        asked = {**query, "asin": services.asins[pending.skill], "storeId": services.store}
        body = call("GET", f"{ROOT}/appointmentSlots", **asked)
        assert body == call("GET", f"{JOBS}/{pending.id}/appointmentSlots", **query)
        return [one["capacity"] for one in body["payload"]["appointmentSlots"]]

    assert capacities() == [able, able]
    others = [one for one in services.jobs.values() if one.status == "COMPLETED"][: able - 1]
    for taken, job in enumerate([pending, *others], start=1):
        job.status, job.skill = "PENDING_SCHEDULE", pending.skill
        call("POST", f"{JOBS}/{job.id}/appointments", at(WEDNESDAY))
        assert capacities() == [able - taken, able]
    late = next(one for one in services.jobs.values() if one.status == "CANCELLED")
    late.status, late.skill = "PENDING_SCHEDULE", pending.skill
    assert amazon.call("POST", f"{JOBS}/{late.id}/appointments", body=at(WEDNESDAY)).status == 422
    assert call("POST", f"{JOBS}/{late.id}/appointments", at(WEDNESDAY + HOUR))["appointmentId"]


def test_slots_are_of_the_next_week_where_nothing_else_is_said(amazon: Local, call: Call, pending: Job) -> None:
    path = f"{JOBS}/{pending.id}/appointmentSlots"
    report = call("GET", path, marketplaceIds=US)["payload"]
    assert (report["startTime"], report["endTime"]) == ("2026-09-21T15:00:00Z", "2026-09-28T15:00:00Z")
    slots = report["appointmentSlots"]
    assert len(slots) == 7 * 24
    busy = {one["startTime"][8:13] for one in slots if one["capacity"]}
    hours = [datetime(2026, 9, 23, tzinfo=UTC) + timedelta(hours=hour) for hour in range(17, 26)]
    assert {f"{one:%dT%H}" for one in hours} <= busy
    assert not any(one.startswith("27T18") for one in busy)  # a Sunday
    for query, words in (
        ({"endTime": iso(NOW)}, "Missing or invalid request parameters: [startTime]"),
        ({"startTime": iso(NOW), "endTime": "20-21-04"}, "End Time is not a valid ISO date/time object"),
        ({"startTime": iso(NOW), "endTime": iso(NOW)}, "End Time should be after Start Time"),
        ({"startTime": iso(NOW), "endTime": iso(NOW + 91 * DAY)}, "Missing or invalid request parameters: [endTime]"),
    ):
        assert message(amazon.call("GET", path, marketplaceIds=US, **query)) == (400, words)
    strange = {"asin": "B0NOTHING0", "storeId": "none", "marketplaceIds": US}
    answer = amazon.call("GET", f"{ROOT}/appointmentSlots", **strange)
    assert message(answer) == (400, "Missing or invalid request parameters: [asin, storeId]")
    assert amazon.call("GET", f"{JOBS}/none/appointmentSlots", marketplaceIds=US).status == 404


def test_a_rescheduled_appointment_is_another_and_loses_who_has_no_time(
    amazon: Local, call: Call, scheduled: Job, services: Services
) -> None:
    before = scheduled.appointments[0]
    (person,) = before.resources
    path = f"{JOBS}/{scheduled.id}/appointments"
    moved = call("POST", f"{path}/{before.id}", {**at(WEDNESDAY), "rescheduleReasonCode": "R1"})
    assert "warnings" not in moved
    old, new = shown(call, scheduled)["appointments"]
    assert (old["appointmentStatus"], old["rescheduledAppointmentId"]) == ("CANCELLED", moved["appointmentId"])
    assert (new["appointmentStatus"], new["assignedTechnicians"][0]["technicianId"]) == ("ACTIVE", person)
    span = {"startTime": iso(WEDNESDAY + DAY), "endTime": iso(WEDNESDAY + 2 * DAY)}
    body = {"resourceId": person, "reservation": {"type": "VACATION", "availability": span}}
    call("POST", RESERVATION, body, marketplaceIds=US)
    again = call("POST", f"{path}/{new['appointmentId']}", {**at(WEDNESDAY + DAY), "rescheduleReasonCode": "R2"})
    warning = {"code": "RESOURCES_UNASSIGNED", "message": f"Unassigned resources : {person}"}
    assert again["warnings"] == [warning]
    last = shown(call, scheduled)["appointments"][-1]
    assert "assignedTechnicians" not in last
    for id, code, words in (
        (again["appointmentId"], "X1", "Appointment reschedule reason code is not valid."),
        (before.id, "R1", f"No appointment exists with appointmentId: {before.id}"),
    ):
        answer = amazon.call("POST", f"{path}/{id}", body={**at(WEDNESDAY), "rescheduleReasonCode": code})
        assert message(answer) == (422, f"Failed to add appointment for jobId : {scheduled.id}, reason : {words}")
    assert (
        amazon.call(
            "POST", f"{path}/{last['appointmentId']}", body={**at(NOW - 1), "rescheduleReasonCode": "R1"}
        ).status
        == 422
    )
    assert shown(call, scheduled)["appointments"][-1] == last


def test_who_is_assigned_can_do_it_and_has_the_time(
    amazon: Local, call: Call, pending: Job, scheduled: Job, services: Services
) -> None:
    pending.skill = "TUNE_UP"
    first, second, unable, away = services.technicians
    id = call("POST", f"{JOBS}/{pending.id}/appointments", at(WEDNESDAY))["appointmentId"]
    path = f"{JOBS}/{pending.id}/appointments/{id}/resources"

    def assigned(*people: str) -> Reply:
        return amazon.call("PUT", path, body={"resources": [{"resourceId": one} for one in people]})

    span = {"startTime": iso(WEDNESDAY), "endTime": iso(WEDNESDAY + HOUR)}
    body = {"resourceId": second, "reservation": {"type": "BREAK", "availability": span}}
    call("POST", RESERVATION, body, marketplaceIds=US)
    for person, code in (
        ("NOBODY", "RESOURCES_NOT_REGISTERED_UNDER_MERCHANT"),
        (away, "RESOURCES_NOT_AVAILABLE_IN_LOCATION"),
        (unable, "RESOURCES_MISSING_REQUIRED_SKILLS"),
        (second, "RESOURCES_NOT_AVAILABLE_IN_TIME_WINDOW"),
    ):
        answer = assigned(person)
        assert (answer.status, answer.json["errors"][0]["code"]) == (422, code)
        assert answer.json["errors"][0]["message"].endswith(f"Applicable resources: {person}")
    assert message(assigned()) == (400, "Resources must have size greater than or equal to 1.")
    assert assigned(first).json == {}
    assert assigned(first).json == {}
    other = scheduled.appointments[0].id
    moved = call(
        "POST", f"{JOBS}/{scheduled.id}/appointments/{other}", {**at(WEDNESDAY + HOUR), "rescheduleReasonCode": "R1"}
    )
    target = f"{JOBS}/{scheduled.id}/appointments/{moved['appointmentId']}"
    call("POST", target, {**at(WEDNESDAY + 3 * HOUR), "rescheduleReasonCode": "R1"})
    last = shown(call, scheduled)["appointments"][-1]["appointmentId"]
    scheduled.appointments[-1].start, scheduled.skill = WEDNESDAY + HOUR / 2, "TUNE_UP"
    answer = call("PUT", f"{JOBS}/{scheduled.id}/appointments/{last}/resources", {"resources": [{"resourceId": first}]})
    assert answer["payload"]["warnings"][0]["code"] == "RESOURCES_OVERBOOKED"
    unknown = amazon.call(
        "PUT", f"{JOBS}/{pending.id}/appointments/none/resources", body={"resources": [{"resourceId": first}]}
    )
    assert unknown.status == 422
    done = amazon.call(
        "PUT", f"{JOBS}/{scheduled.id}/appointments/{other}/resources", body={"resources": [{"resourceId": first}]}
    )
    assert message(done) == (422, f"Appointment metadata update is not allowed for appointmentId {other}")


def test_what_is_said_of_an_appointment_is_checked(amazon: Local, call: Call, scheduled: Job) -> None:
    path = f"{JOBS}/{scheduled.id}/appointments/{scheduled.appointments[0].id}/fulfillment"
    past, later = iso(NOW - HOUR), iso(NOW - 1)
    check = "Please check the input again"
    for body, status, words in (
        ({}, 400, "No fulfillment artifacts provided in JSON payload."),
        ({"fulfillmentTime": {"endTime": later}}, 422, f"Appointment start time is required. {check}."),
        ({"fulfillmentTime": {"startTime": past}}, 422, f"Appointment end time is required. {check}."),
        (
            {"fulfillmentTime": {"startTime": past, "endTime": iso(NOW + 1)}}, 422,
            f"Appointment end time should not be in future. {check}",
        ),
        (
            {"fulfillmentTime": {"startTime": later, "endTime": past}}, 422,
            f"Appointment end time should be after start time. {check}.",
        ),
        (
            {"fulfillmentTime": {"startTime": "then", "endTime": later}}, 422,
            "Could not parse given time input then. Please provide time in ISO8601 format",
        ),
        (
            {"appointmentResources": [{"resourceId": "NOBODY"}]}, 422,
            f"One or more resources provided does not exist or is deleted. {check}.",
        ),
        (
            {"fulfillmentDocuments": [{"uploadDestinationId": "none"}]}, 422,
            "Failed to process proof of appointment input. Reason: Input document id does not exist. "
            "Please check the input",
        ),
    ):  # fmt: skip
        assert message(amazon.call("PUT", path, body=body)) == (status, words)
    zoned = {"startTime": "2026-09-21T10:00:00+05:30", "endTime": later}
    assert "is not in UTC format" in message(amazon.call("PUT", path, body={"estimatedArrivalTime": zoned}))[1]
    strange = path.replace(scheduled.appointments[0].id, "none")
    arrival = {"estimatedArrivalTime": {"startTime": past, "endTime": later}}
    assert "is not present in the job" in message(amazon.call("PUT", strange, body=arrival))[1]
    assert call("PUT", path, arrival) is None


def test_a_document_is_put_where_it_belongs(amazon: Local, call: Call) -> None:
    path, good = f"{ROOT}/documents", {"contentType": "PNG", "contentLength": 3}
    place = call("POST", path, {**good, "contentMD5": "kAFQmDzST7DWlj99KOF/cg=="})["payload"]
    assert place["headers"] == {"Content-MD5": "kAFQmDzST7DWlj99KOF/cg=="}
    assert place["encryptionDetails"] != call("POST", path, good)["payload"]["encryptionDetails"]
    for body, status, words in (
        ({}, 400, "Missing or invalid request parameters: [contentType, contentLength]."),
        ({"contentType": "PNG"}, 400, "Missing or invalid request parameters: [contentLength]."),
        (
            {**good, "contentType": "DOC"}, 422,
            "contentType parameter is invalid. Use one of ['TIFF', 'JPG', 'PNG', 'JPEG', 'GIF', 'PDF']",
        ),
    ):  # fmt: skip
        assert message(amazon.call("POST", path, body=body)) == (status, words)
    assert amazon.call("POST", path, body={**good, "contentLength": 5_242_881}).status == 400


# --- time -------------------------------------------------------------------------------------------------------------

KINDS = ["SCHEDULED_CAPACITY", "AVAILABLE_CAPACITY", "ENCUMBERED_CAPACITY", "RESERVED_CAPACITY"]


def ranges(call: Call, person: str, start: float, end: float, *kinds: str) -> dict[str, list[tuple[float, int]]]:
    """How many hours after the start each capacity begins."""
    body = {"startDateTime": iso(start), "endDateTime": iso(end), **({"capacityTypes": list(kinds)} if kinds else {})}
    answer = call("POST", f"{RESOURCES}/{person}/capacity/range", body, marketplaceIds=US)
    assert answer["resourceId"] == person
    found = {}
    for one in answer["capacities"]:
        slots = one["slots"]
        assert (slots[0]["startDateTime"], slots[-1]["endDateTime"]) == (iso(start), iso(end))
        begins = [datetime.fromisoformat(slot["startDateTime"]).timestamp() - start for slot in slots]
        found[one["capacityType"]] = [(at / HOUR, slot["capacity"]) for at, slot in zip(begins, slots, strict=True)]
    return found


def test_what_is_scheduled_is_available_unless_it_is_taken(
    amazon: Local, call: Call, pending: Job, person: str
) -> None:
    start, end = WEDNESDAY - HOUR, WEDNESDAY + 10 * HOUR
    assert ranges(call, person, start, end) == {"SCHEDULED_CAPACITY": [(0, 0), (1, 1), (10, 0)]}
    id = call("POST", f"{JOBS}/{pending.id}/appointments", at(WEDNESDAY + HOUR))["appointmentId"]
    call("PUT", f"{JOBS}/{pending.id}/appointments/{id}/resources", {"resources": [{"resourceId": person}]})
    span = {"startTime": iso(WEDNESDAY + 4 * HOUR), "endTime": iso(WEDNESDAY + 5 * HOUR)}
    body = {"resourceId": person, "reservation": {"type": "BREAK", "availability": span}}
    made = call("POST", RESERVATION, body, marketplaceIds=US)["payload"]["reservation"]
    assert (made["type"], made["availability"]) == ("BREAK", span)
    taken = ranges(call, person, start, end, *KINDS)
    assert taken == {
        "SCHEDULED_CAPACITY": [(0, 0), (1, 1), (10, 0)],
        "AVAILABLE_CAPACITY": [(0, 0), (1, 1), (2, 0), (3, 1), (5, 0), (6, 1), (10, 0)],
        "ENCUMBERED_CAPACITY": [(0, 0), (2, 1), (3, 0)],
        "RESERVED_CAPACITY": [(0, 0), (5, 1), (6, 0)],
    }
    asked = {"startDateTime": iso(start), "endDateTime": iso(WEDNESDAY + 2 * HOUR), "capacityTypes": KINDS}
    fixed = call("POST", f"{RESOURCES}/{person}/capacity/fixed", {**asked, "slotDuration": 90}, marketplaceIds=US)
    assert fixed["slotDuration"] == 90
    names = ("scheduledCapacity", "availableCapacity", "encumberedCapacity", "reservedCapacity")
    assert [tuple(one[name] for name in names) for one in fixed["capacities"]] == [(0, 0, 0, 0), (1, 0, 1, 0)]
    other = {
        **body,
        "reservation": {"type": "TRAINING", "availability": {**span, "endTime": iso(WEDNESDAY + 6 * HOUR)}},
    }
    path = f"{RESERVATION}/{made['reservationId']}"
    changed = call("PUT", path, other, marketplaceIds=US)["payload"]["reservation"]
    assert changed["reservationId"] != made["reservationId"]
    assert ranges(call, person, start, end, KINDS[3]) == {"RESERVED_CAPACITY": [(0, 0), (5, 1), (7, 0)]}
    call("DELETE", f"{RESERVATION}/{changed['reservationId']}", marketplaceIds=US)
    assert ranges(call, person, start, end, KINDS[3]) == {"RESERVED_CAPACITY": [(0, 0)]}
    missing = amazon.call("PUT", path, body=other, marketplaceIds=US)
    assert message(missing) == (404, f"Could not find reservation with ID: [{made['reservationId']}]")
    assert message(amazon.call("DELETE", path, marketplaceIds=US)) == (404, "Reservation does not exist")


def test_a_schedule_stands_where_it_overlaps_with_an_earlier_one(call: Call, person: str) -> None:
    nine = "2026-09-23T{}:00:00-08:00"
    early = {"startTime": nine.format("06"), "endTime": nine.format("08"), "capacity": 3}
    over = {"startTime": nine.format("16"), "endTime": nine.format("19"), "capacity": 2}
    broken = {"startTime": nine.format("16"), "endTime": nine.format("16")}
    body = {"schedules": [early, over, broken]}
    said = call("PUT", f"{RESOURCES}/{person}/schedules", body, marketplaceIds=US)["payload"]
    assert [one["availability"] for one in said] == [over, broken]
    assert said[0]["warnings"][0]["code"] == "ScheduleOverride"
    assert said[1]["errors"][0]["code"] == "InvalidInput"
    hours = ranges(call, person, WEDNESDAY - 4 * HOUR, WEDNESDAY + 12 * HOUR)["SCHEDULED_CAPACITY"]
    assert hours == [(0, 0), (1, 3), (3, 0), (4, 1), (11, 2), (14, 0)]


def test_a_schedule_recurs_on_days_of_weeks_and_months(call: Call, person: str) -> None:
    start = datetime(2029, 1, 1, 3, tzinfo=UTC).timestamp()  # a Monday, beyond the seeds' schedule
    day = {"startTime": "2029-01-01T03:00:00Z", "endTime": "2029-01-01T04:00:00Z"}
    weekly = {**day, "recurrence": {"endTime": "2029-01-12T00:00:00Z", "daysOfWeek": ["TUESDAY"]}}
    monthly = {**day, "recurrence": {"endTime": "2029-01-31T00:00:00Z", "daysOfMonth": [5]}, "capacity": 2}
    assert call("PUT", f"{RESOURCES}/{person}/schedules", {"schedules": [weekly, monthly]}, marketplaceIds=US) == {}
    found = ranges(call, person, start, start + 20 * DAY)["SCHEDULED_CAPACITY"]
    assert [(hours / 24, capacity) for hours, capacity in found if capacity] == [(1, 1), (4, 2), (8, 1)]


def test_capacities_come_in_pages(amazon: Local, call: Call, person: str) -> None:
    path, end = f"{RESOURCES}/{person}/capacity/range", NOW + 40 * DAY
    body = {"startDateTime": iso(NOW), "endDateTime": iso(end)}
    first = call("POST", path, body, marketplaceIds=US)
    second = call("POST", path, body, marketplaceIds=US, nextPageToken=first["nextPageToken"])
    assert "nextPageToken" not in second
    slots = [one["capacities"][0]["slots"] for one in (first, second)]
    assert slots[0][-1]["endDateTime"] == slots[1][0]["startDateTime"] == iso(NOW + 35 * DAY)
    assert slots[1][-1]["endDateTime"] == iso(end)
    other = {**body, "startDateTime": iso(NOW + 1)}
    answer = amazon.call("POST", path, body=other, marketplaceIds=US, nextPageToken=first["nextPageToken"])
    assert answer.error[:2] == (400, "InvalidInput")


def test_time_that_makes_no_sense_is_refused(amazon: Local, call: Call, person: str) -> None:
    good = {"startDateTime": iso(NOW), "endDateTime": iso(NOW + DAY)}
    for kind, who, body, problem in (
        ("range", person, {}, "startDateTime or endDateTime are not present"),
        ("range", person, {**good, "startDateTime": "now"}, "startDateTime is not a valid ISO date/time object"),
        ("fixed", person, {**good, "endDateTime": iso(NOW)}, "endDateTime should be after Start Time"),
        ("fixed", "NOBODY", good, "Missing or invalid request parameters: [resourceId]"),
        (
            "fixed", person, {**good, "slotDuration": 7},
            "Slot duration is not valid, it should be a multiple of 5 and within allowed range.",
        ),
    ):  # fmt: skip
        answer = amazon.call("POST", f"{RESOURCES}/{who}/capacity/{kind}", body=body, marketplaceIds=US)
        assert answer.error == (400, "InvalidInput", f"Received the following errors: [{problem}]")
    span = {"startTime": iso(NOW), "endTime": iso(NOW + HOUR)}
    stranger = {"errors": [{"code": "InvalidInput", "message": "Invalid request parameters: [resourceId]"}]}
    body = {"resourceId": "NOBODY", "reservation": {"type": "BREAK", "availability": span}}
    assert call("POST", RESERVATION, body, marketplaceIds=US) == stranger
    assert call("PUT", f"{RESOURCES}/NOBODY/schedules", {"schedules": [span]}, marketplaceIds=US) == stranger
    body = {"resourceId": person, "reservation": {"type": "BREAK", "availability": {**span, "endTime": "later"}}}
    answer = amazon.call("POST", RESERVATION, body=body, marketplaceIds=US)
    assert message(answer) == (400, "Missing or invalid request parameters: [reservation]")
