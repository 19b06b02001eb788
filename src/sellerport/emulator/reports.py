"""Reports 2021-06-30: asked for, waited for, and fetched from the storage; some only with a restricted data token."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from sellerport import catalog
from sellerport.emulator import documents, report_contents
from sellerport.emulator.call import Answer, Call, denied
from sellerport.emulator.documents import Content
from sellerport.emulator.jobs import Job

MOST_DUE = 100


def create_report(call: Call) -> Answer:
    """Ask for a report."""
    asked = call.checked_body()
    report_contents.span(asked)
    return Answer({"reportId": ask(call, asked).id}, 202)


def ask(call: Call, asked: Mapping[str, Any]) -> Job:
    """Begin a report."""
    return documents.create(call, "report", asked["reportType"], asked=asked)


def catch_up(call: Call) -> None:
    """Ask for the reports that have fallen due (see `schedules`); of one schedule, the newest only."""
    now = call.world.now()
    for one in list(call.world.schedules.values()):
        if one.account != call.seller or one.due > now:
            continue
        count = math.floor((now - one.due) / one.period_s) + 1
        asked = {name: one.asked[name] for name in one.asked if name not in ("period", "nextReportCreationTime")}
        asked["reportScheduleId"] = one.id
        for place in range(max(count - MOST_DUE, 0), count):
            ask(call, asked).created = one.due + place * one.period_s
        one.due += count * one.period_s


def get_report(call: Call) -> Answer:
    """Return how far a report is."""
    job = documents.find(call, "report", call.path["reportId"])
    return Answer(_report(poll(call, job)))


def get_reports(call: Call) -> Answer:
    """List reports, ten to a page."""
    catch_up(call)
    found, token = documents.listed(call, "report", types="reportTypes")
    return Answer({"reports": [_report(job) for job in found], **({"nextToken": token} if token else {})})


def cancel_report(call: Call) -> Answer:
    """Cancel a report that waits in the queue."""
    documents.cancel(call, documents.find(call, "report", call.path["reportId"]), from_statuses=("IN_QUEUE",))
    return Answer()


def get_report_document(call: Call) -> Answer:
    """Return where a document is; personal data only opens to a restricted data token for this very path."""
    found = documents.document(call, "report", call.path["reportDocumentId"])
    if found.type in catalog.index().restricted_reports and not call.token.resources:
        raise denied()
    return Answer(documents.addressed(call, found, "reportDocumentId"))


def poll(call: Call, job: Job) -> Job:
    """Look at a report, which moves it on."""
    return documents.poll(call, job, report_contents.make, _explain, without_data="CANCELLED")


def _report(job: Job) -> dict[str, Any]:
    document = {"reportDocumentId": job.document} if job.document else {}
    schedule = {name: job.asked[name] for name in ("reportScheduleId",) if name in job.asked}
    return {"reportId": job.id, "reportType": job.type, **schedule, **documents.facts(job), **document}


def _explain(call: Call, job: Job) -> Content:
    said = {"errorDetails": f"The report {job.type} could not be made from these report options."}
    return Content(msgspec.json.encode(said), "text/plain;charset=UTF-8")


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    "reports_2021_06_30.create_report": create_report,
    "reports_2021_06_30.get_report": get_report,
    "reports_2021_06_30.get_reports": get_reports,
    "reports_2021_06_30.cancel_report": cancel_report,
    "reports_2021_06_30.get_report_document": get_report_document,
}
