"""Reports v3: asked for, checked as Amazon checks them, made in a while, and fetched from the storage.

Amazon says one thing that is wrong at a time, and so does this. The texts about the type, the filters, the columns and
the beginning of the data are Amazon's as people report them; the others are in its manner.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import msgspec

from sellerport.catalog.report_types import DAY, RANGE, ReportType, report_types
from sellerport.emulator.ads import budget_rules, markets, report_rows, tasks
from sellerport.emulator.ads.call import AdsCall, Endpoint, Refused, moment
from sellerport.emulator.ads.shoppers import Shoppers
from sellerport.emulator.ads.tasks import Task
from sellerport.emulator.call import Answer

UNKNOWN_TYPE = "configuration reportTypeId is unknown or invalid"
TELEVISION = "SPONSORED_TELEVISION"
"""A product that no account of the local Amazon has, whose reports are then unknown."""


class Filter(msgspec.Struct, frozen=True):
    """Which rows are left."""

    field: str
    values: tuple[str, ...] = ()


class Configuration(msgspec.Struct, frozen=True, rename="camel"):
    """What a report is of."""

    ad_product: str
    report_type_id: str
    group_by: tuple[str, ...]
    columns: tuple[str, ...]
    time_unit: str
    format: str
    filters: tuple[Filter, ...] | None = None


class Asked(msgspec.Struct, frozen=True, rename="camel"):
    """A report as it is asked for."""

    start_date: date
    end_date: date
    configuration: Configuration
    name: str | None = None


def create_report(call: AdsCall) -> Answer:
    """Ask for a report; one that is asked for already and not finished yet is not asked for twice."""
    if call.profile.type == "agency":
        raise _refused(400, "Invalid Advertiser or Marketplace ID.")
    try:
        asked = msgspec.convert(call.body, Asked)
    except msgspec.ValidationError as error:
        raise _refused(400, str(error)) from None
    if problem := _problem(asked, markets.today(call.profile.marketplace, call.world.now())):
        raise _refused(400, problem)
    if twin := _twin(call, call.body):
        raise _refused(425, f"The Request is a duplicate of : {twin.id}")
    task = tasks.begin(call, "report", asked.configuration.report_type_id, call.world.uuid())
    return Answer(_told(task, "PENDING", task.created))


def get_report(call: AdsCall) -> Answer:
    """Return how far a report is, and where it is once it is made; each look gives an address of its own."""
    task = _find(call)
    now = call.world.now()
    status = task.status(now)
    told = _told(task, status, task.changed(now))
    if status == "COMPLETED":
        told["url"], ends = tasks.address(call, task, lambda: _file(call, task))
        told |= {"urlExpiresAt": moment(ends), "fileSize": task.size, "generatedAt": moment(task.made)}
    elif status == "FAILED":
        told["failureReason"] = task.outcome.body or "Report generation failed due to an internal error"
    return Answer(told)


def delete_report(call: AdsCall) -> Answer:
    """Cancel a report that waits."""
    task = _find(call)
    if (status := task.status(call.world.now())) != "PENDING":
        raise _refused(400, f"Report {task.id} is {status} and can no longer be deleted")
    del call.world.ads.tasks[task.profile, task.id]
    return Answer({"code": "200", "detail": f"Report {task.id} deleted", "reportId": task.id})


def _find(call: AdsCall) -> Task:
    id = call.path["reportId"]
    if (task := tasks.find(call, "report", id)) is None:
        raise _refused(404, f"Report {id} not found")
    return task


def _refused(status: int, detail: str) -> Refused:
    """Return a refusal as reports v3 write it, and nothing else."""
    return Refused(status, {"code": str(status), "detail": detail})


def _twin(call: AdsCall, body: Mapping[str, Any]) -> Task | None:
    """Return the report of the profile that is the same but for its name, and is not finished."""
    now = call.world.now()
    for task in call.world.ads.tasks.values():
        same = all(task.asked.get(name) == body.get(name) for name in ("startDate", "endDate", "configuration"))
        if same and task.profile == call.profile.id and task.status(now) in ("PENDING", "PROCESSING"):
            return task
    return None


def _told(task: Task, status: tasks.Status, updated: float) -> dict[str, Any]:
    asked = task.asked
    return {
        "reportId": task.id,
        "status": status,
        "name": asked.get("name"),
        "startDate": asked["startDate"],
        "endDate": asked["endDate"],
        "configuration": {"filters": None, **asked["configuration"]},
        "createdAt": moment(task.created),
        "updatedAt": moment(updated),
        **dict.fromkeys(("generatedAt", "url", "urlExpiresAt", "fileSize", "failureReason")),
    }


# --- what Amazon refuses ----------------------------------------------------------------------------------------------


def _problem(asked: Asked, today: date) -> str | None:
    """Return what is wrong with a report that is asked for, the first thing of it."""
    given = asked.configuration
    kind = report_types().get(given.report_type_id)
    if kind is None or kind.product == TELEVISION:
        return UNKNOWN_TYPE
    if given.ad_product != kind.product:
        return f"configuration adProduct is invalid for reportTypeId. Allowed values: ({kind.product})"
    for field, values, allowed in (
        ("groupBy", given.group_by, kind.groups),
        ("timeUnit", [given.time_unit], sorted(kind.time_units)),
        ("format", [given.format], kind.formats),
    ):
        if problem := _invalid(field, values, allowed):
            return problem
    return _columns(given, kind) or _filters(given, kind) or _days(asked, kind, today)


def _invalid(field: str, values: Iterable[str], allowed: Iterable[str]) -> str | None:
    known = list(allowed)
    wrong = [one for one in values if one not in known]
    if not wrong and values:
        return None
    return f"configuration {field} includes invalid values: ({', '.join(wrong)}). Allowed values: ({', '.join(known)})"


def _columns(given: Configuration, kind: ReportType) -> str | None:
    allowed = kind.allowed_columns(given.group_by)
    if problem := _invalid("columns", given.columns, sorted(allowed)):
        return problem
    if given.time_unit == "DAILY" and DAY in allowed and DAY not in given.columns:
        return f"configuration columns must include {DAY} when timeUnit is DAILY"
    unfit = RANGE if given.time_unit == "DAILY" else (DAY,)
    if wrong := [one for one in unfit if one in given.columns]:
        return f"configuration columns includes ({', '.join(wrong)}), invalid when timeUnit is {given.time_unit}"
    return None


def _filters(given: Configuration, kind: ReportType) -> str | None:
    allowed = kind.allowed_filters(given.group_by)
    filters = given.filters or ()
    if wrong := [one.field for one in filters if one.field not in allowed]:
        return (
            f"configuration filters includes fields: ({', '.join(wrong)}) which are invalid for groupBys: "
            f"{', '.join(given.group_by)}. Allowed filters: {', '.join(allowed)}"
        )
    for one in filters:
        if allowed[one.field] and (problem := _invalid("filters", one.values, sorted(allowed[one.field]))):
            return problem
    return None


def _days(asked: Asked, kind: ReportType, today: date) -> str | None:
    start, end, first = asked.start_date, asked.end_date, kind.earliest(today)
    if end < start:
        return f"endDate ({end}) must be equal to or after startDate ({start})"
    if start < first:
        return f"startDate ({start}) must be equal to or after report type data retention start date ({first})"
    if (end - start).days >= kind.most_days:
        return f"startDate ({start}) to endDate ({end}) must not be more than {kind.most_days} days"
    return None


# --- what is in it ----------------------------------------------------------------------------------------------------


def _file(call: AdsCall, task: Task) -> bytes:
    """Return what is in a report, before compression."""
    asked, configuration = msgspec.convert(task.asked, Asked), task.asked["configuration"]
    shoppers, days = Shoppers(call.world, call.profile), (asked.start_date, asked.end_date)
    rules = budget_rules.applicable(call)
    found = [*report_rows.rows(shoppers, call.profile.marketplace, configuration, days, rules)]
    if asked.configuration.format != "CSV":
        return msgspec.json.encode(found)
    text = io.StringIO()
    table = csv.DictWriter(text, asked.configuration.columns, lineterminator="\n")
    table.writeheader()
    table.writerows(found)
    return text.getvalue().encode()


ENDPOINTS: Mapping[str, Endpoint] = {
    "POST /reporting/reports": Endpoint(create_report),
    "GET /reporting/reports/{reportId}": Endpoint(get_report),
    "DELETE /reporting/reports/{reportId}": Endpoint(delete_report),
}
