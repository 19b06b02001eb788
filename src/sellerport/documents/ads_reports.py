"""Advertising reports: from their type to their rows.

What a type takes is checked here, from the catalogue. A range that is longer than one report may cover is asked for as
several, which Amazon makes at the same time. Their ids, joined by commas, are the id of them all.

Source: Amazon's pages "Reporting v3: report requests", "Report types"; amzn/ads-advanced-tools-docs issue 338.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from sellerport.catalog import report_types
from sellerport.documents import ads_jobs, jobs
from sellerport.documents.document import Document
from sellerport.documents.files import target
from sellerport.documents.jobs import Caller, Job, OnProgress
from sellerport.errors import AmazonRefused, InvalidArguments, Problem
from sellerport.wire import run

log = logging.getLogger(__name__)

PATIENCE_S = 3 * 3600.0
"""How long Amazon may take for a report."""
BEHIND = timedelta(hours=12)
"""How far the latest time zone is behind UTC: what has data today somewhere is not refused here."""
CREATE, GET = "reporting.reports.create", "reporting.reports.get"

_DUPLICATE = re.compile(r"duplicate of\s*:?\s*([\w-]+)", re.IGNORECASE)
_ASKED_AS = {
    "configuration.reportTypeId": "report_type",
    "configuration.groupBy": "group_by",
    "configuration.columns": "columns",
    "configuration.timeUnit": "time_unit",
    "startDate": "start_date",
    "endDate": "end_date",
}
"""What Amazon's fields are called here."""

Names = str | Iterable[str]


class Reporting:
    """What `AmazonAds` has beside the operations of reports."""

    _caller: Caller

    def fetch(
        self,
        report_type: str | None = None,
        *,
        report_id: str | None = None,
        columns: Names | None = None,
        start_date: date | str | None = None,
        end_date: date | str | None = None,
        group_by: Names | None = None,
        time_unit: str | None = None,
        filters: Mapping[str, Names] | None = None,
        profile_id: str | int | None = None,
        account_id: str | None = None,
        to: str | os.PathLike[str] | None = None,
        progress: OnProgress | None = None,
        pause_s: float = ads_jobs.FIRST_S,
        patience_s: float = PATIENCE_S,
    ) -> Document:
        """Create a report, wait until Amazon has made it, and return it; or go on with one by its id.

        Each row is a line of JSON, with its ids as strings, as they are everywhere else. A report that Amazon makes
        already for the same request is waited for instead of another. A 429 is waited out in minutes.

        Args:
            report_type: such as ``spCampaigns``.
            report_id: of a report that was created before, instead of a type and what goes with it.
            columns: what each row has; which there are depends on the type and on what it is grouped by.
            start_date, end_date: its first and last day, in the profile's time zone. A range of more days than one
                report of the type covers is fetched as several reports, one after the other; not for ``SUMMARY``.
            group_by: what a row is of; the first that the type has, if not given.
            time_unit: ``DAILY``, with the column ``date``, or ``SUMMARY``; daily if the type has it and none is given.
            filters: which rows are left: a field's values by its name (``{"campaignStatus": ["ENABLED"]}``).
            profile_id: the advertising profile; the client's if not given.
            account_id: an account of the demand-side platform, for its types.
            to: a file to write it to, whole or not at all, with no more of it in memory than a piece.
            progress: called with a `Progress` as soon as there is an id, and whenever Amazon was asked.
            pause_s: how long to wait until Amazon is asked first, in seconds; then twice as long each time, up to 300.
            patience_s: how long to wait in all, in seconds.

        Raises:
            InvalidArguments: refused before anything was sent.
            DocumentFailed: Amazon could not make it; ``explanation`` says why.
            DocumentPending: it was not made in time; ``report_id`` goes on with its ``id``.
            DocumentError: it cannot be read, or not be written.
            AmazonError, NoAnswer, TokenError: as for every call.
        """
        asked = _asked(columns, start_date, end_date, group_by, time_unit, filters)
        whose = ads_jobs.whose(profile_id, account_id)
        return run(_fetch(self._caller, report_type, report_id, asked, whose, to, progress, pause_s, patience_s))


class AsyncReporting:
    """What `AsyncAmazonAds` has beside the operations of reports."""

    _caller: Caller

    async def fetch(
        self,
        report_type: str | None = None,
        *,
        report_id: str | None = None,
        columns: Names | None = None,
        start_date: date | str | None = None,
        end_date: date | str | None = None,
        group_by: Names | None = None,
        time_unit: str | None = None,
        filters: Mapping[str, Names] | None = None,
        profile_id: str | int | None = None,
        account_id: str | None = None,
        to: str | os.PathLike[str] | None = None,
        progress: OnProgress | None = None,
        pause_s: float = ads_jobs.FIRST_S,
        patience_s: float = PATIENCE_S,
    ) -> Document:
        """As `Reporting.fetch`; ``progress`` may be a coroutine function."""
        asked = _asked(columns, start_date, end_date, group_by, time_unit, filters)
        whose = ads_jobs.whose(profile_id, account_id)
        return await _fetch(self._caller, report_type, report_id, asked, whose, to, progress, pause_s, patience_s)


def _asked(
    columns: Names | None,
    start_date: date | str | None,
    end_date: date | str | None,
    group_by: Names | None,
    time_unit: str | None,
    filters: Mapping[str, Names] | None,
) -> dict[str, Any]:
    dates = {"start_date": start_date, "end_date": end_date}
    return {"columns": columns, **dates, "group_by": group_by, "time_unit": time_unit, "filters": filters}


async def _fetch(
    caller: Caller,
    report_type: str | None,
    report_id: str | None,
    asked: Mapping[str, Any],
    whose: Mapping[str, str],
    to: str | os.PathLike[str] | None,
    progress: OnProgress | None,
    pause_s: float,
    patience_s: float,
) -> Document:
    jobs.check_start({"report_type": report_type}, {"report_id": report_id}, jobs.given(**asked))
    jobs.check_wait(caller, patience_s, progress)
    pace, file, new = ads_jobs.pace(pause_s), target(to), report_type is not None
    if report_type is not None:
        ids = [await _create(caller, body, whose, patience_s) for body in bodies(report_type, **asked)]
    else:
        ids = [one.strip() for one in str(report_id).split(",")]
    job = _job(caller, ids, whose)
    with jobs.resumable(job):
        found = await jobs.finished(caller, job, new=new, patience_s=patience_s, progress=progress, pace=pace)
        if found["status"] != "COMPLETED":
            id, one = next((id, one) for id, one in zip(ids, found["reports"], strict=True) if _failed(one))
            reason = str(one.get("failureReason") or "")
            raise replace(job, id=id).failure(one, reason, reason)
        asks = [partial(ads_jobs.ticket, caller, GET, {"report_id": id, **whose}, patience_s) for id in ids]
        facts = {"id": job.id, "metadata": {"reports": [ads_jobs.told(one) for one in found["reports"]]}}
        return await ads_jobs.collect(caller, asks, file, facts)


async def _create(caller: Caller, body: Mapping[str, Any], whose: Mapping[str, Any], patience_s: float) -> str:
    """Return the id of a new report, or of the same one that Amazon makes already."""
    try:
        answer = await ads_jobs.call(caller, CREATE, {"body": body, **whose}, patience_s)
    except AmazonRefused as error:
        twin = _DUPLICATE.search(f"{error.message} {error.details}") if error.status == 425 else None
        if twin is None:
            raise
        log.info("report %s was asked for before, and is waited for", twin[1])
        return twin[1]
    return str(jobs.field_of(answer.data, "reportId"))


def _job(caller: Caller, ids: list[str], whose: Mapping[str, Any]) -> Job:
    """Return the reports as one: it has ended when all have, or when one failed."""
    known: dict[str, Mapping[str, Any]] = {}

    async def look() -> Mapping[str, Any]:
        for id in ids:
            before = known.get(id)
            if before is None or before.get("status") not in jobs.ENDED:
                known[id] = await ads_jobs.look(caller, GET, {"report_id": id, **whose}, before)
        reports = [known[id] for id in ids]
        unmade = [one for one in reports if one.get("status") != "COMPLETED"]
        decisive = next(iter([one for one in unmade if _failed(one)] or unmade or reports))
        return {"status": decisive.get("status"), "reports": reports}

    id = ",".join(ids)
    words = ", ".join(f"{name}={value!r}" for name, value in {"report_id": id, **whose}.items())
    return Job("report", id, f"reporting.fetch({words})", look, status="status", queued="PENDING")


def _failed(report: Mapping[str, Any]) -> bool:
    return report.get("status") in jobs.ENDED and report["status"] != "COMPLETED"


def bodies(
    report_type: str,
    *,
    columns: Names | None,
    start_date: date | str | None,
    end_date: date | str | None,
    group_by: Names | None,
    time_unit: str | None,
    filters: Mapping[str, Names] | None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> list[dict[str, Any]]:
    """Return what asks for a report, or for the reports that a long range takes, in the order of their days.

    Raises:
        InvalidArguments: Amazon would refuse it; names everything that is wrong.
    """
    kind = report_types.report_types().get(report_type)
    daily = kind is None or "DAILY" in kind.time_units
    configuration: dict[str, Any] = {
        "adProduct": kind.product if kind else None,
        "reportTypeId": report_type,
        "groupBy": _names(group_by) or (list(kind.groups)[:1] if kind else []),
        "columns": _names(columns),
        "timeUnit": time_unit or ("DAILY" if daily else "SUMMARY"),
        "format": "GZIP_JSON",
    }
    if filters:
        configuration["filters"] = [{"field": name, "values": _names(values)} for name, values in filters.items()]
    today = (now() - BEHIND).date()
    given = [_day(name, value) for name, value in (("start_date", start_date), ("end_date", end_date))]
    problems = [one for one in given if isinstance(one, Problem)]
    start, end = (today, today) if problems else (one for one in given if isinstance(one, date))
    most = kind.most_days if kind and configuration["timeUnit"] == "DAILY" else None
    ranges = list(_ranges(start, end, most))
    found = report_types.problems(configuration, *ranges[0], today)
    problems += [replace(one, field=_asked_as(one.field, list(filters or ()))) for one in found]
    if problems:
        raise InvalidArguments(problems=problems)
    return [{"startDate": str(begin), "endDate": str(until), "configuration": configuration} for begin, until in ranges]


def _ranges(start: date, end: date, most_days: int | None) -> Iterator[tuple[date, date]]:
    """Yield a range in parts that are no longer than so many days."""
    while most_days and (end - start).days >= most_days:
        following = start + timedelta(days=most_days)
        yield start, following - timedelta(days=1)
        start = following
    yield start, end


def _names(value: Names | None) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def _day(name: str, value: Any) -> date | Problem:
    try:
        given = date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        given = None
    if isinstance(given, date) and not isinstance(given, datetime):  # whose day depends on the profile's time zone
        return given
    return Problem(name, f"{'must be a day' if value is not None else 'is required: a day'}, such as '2026-11-02'")


def _asked_as(field: str, filters: list[str]) -> str:
    """Return what a caller calls a field of Amazon's."""
    if at := re.match(r"configuration\.filters\.(\d+)", field):
        return f"filters.{filters[int(at[1])]}"
    return _ASKED_AS.get(field, field)
