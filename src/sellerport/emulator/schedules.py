"""Report schedules: reports that the clock asks for.

A schedule of the same report type and marketplaces takes the place of the one before. What fell due since anybody last
looked - at reports, at schedules, or into a queue where the end of a report will be told - is asked for then, as of
when it fell due; of a schedule that nobody looked at for very long, the newest reports only. Not known: what is said to
a first time that has passed (400 here). ``P1M`` is 30 days.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from sellerport.emulator import reports
from sellerport.emulator.call import Answer, Call, invalid, missing, unix_seconds
from sellerport.emulator.documents import moment
from sellerport.emulator.jobs import Schedule

UNITS = {"PT": {"M": 60, "H": 3600}, "P": {"D": 86_400, "M": 30 * 86_400}}


def create_report_schedule(call: Call) -> Answer:
    """Ask for a report again and again."""
    asked = call.checked_body()
    period_s, now = _seconds(asked["period"]), call.world.now()
    first = asked.get("nextReportCreationTime")
    due = now + period_s if first is None else unix_seconds(first, "nextReportCreationTime")
    if due < now:
        raise invalid("nextReportCreationTime must not be in the past")
    schedules = call.world.schedules
    for id, known in list(schedules.items()):
        same = known.asked["reportType"], set(known.asked["marketplaceIds"])
        if known.account == call.seller and same == (asked["reportType"], set(asked["marketplaceIds"])):
            del schedules[id]
    made = Schedule(str(int(call.world.secret("5", 8), 16)), call.seller, asked, period_s, due)
    schedules[made.id] = made
    return Answer({"reportScheduleId": made.id}, 201)


def get_report_schedules(call: Call) -> Answer:
    """List the schedules of some report types."""
    reports.catch_up(call)
    types = call.many("reportTypes")
    return Answer({"reportSchedules": [_shown(one) for one in _own(call) if one.asked["reportType"] in types]})


def get_report_schedule(call: Call) -> Answer:
    """Return one schedule."""
    reports.catch_up(call)
    return Answer(_shown(_known(call)))


def cancel_report_schedule(call: Call) -> Answer:
    """End a schedule; what it asked for stays."""
    reports.catch_up(call)
    del call.world.schedules[_known(call).id]
    return Answer()


def _own(call: Call) -> list[Schedule]:
    return [one for one in call.world.schedules.values() if one.account == call.seller]


def _known(call: Call) -> Schedule:
    id = call.path["reportScheduleId"]
    for one in _own(call):
        if one.id == id:
            return one
    raise missing(f"The report schedule {id} was not found")


def _shown(one: Schedule) -> dict[str, Any]:
    return {**one.asked, "reportScheduleId": one.id, "nextReportCreationTime": moment(one.due)}


def _seconds(period: str) -> int:
    found = re.fullmatch(r"(PT?)(\d+)([MHD])", period)
    assert found is not None  # the schema names every period
    return int(found[2]) * UNITS[found[1]][found[3]]


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    "reports_2021_06_30.get_report_schedules": get_report_schedules,
    "reports_2021_06_30.create_report_schedule": create_report_schedule,
    "reports_2021_06_30.cancel_report_schedule": cancel_report_schedule,
    "reports_2021_06_30.get_report_schedule": get_report_schedule,
}
