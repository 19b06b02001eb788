"""The types of version 3 advertising reports: what a request may ask for, and what is wrong with one that may not.

The facts are compiled by ``tools/ads_reports.py``; nothing is read before it is asked for.

>>> kind = report_types()["spCampaigns"]
>>> kind.most_days, sorted(kind.groups)
(31, ['adGroup', 'campaign', 'campaignPlacement'])
>>> "adGroupId" in kind.allowed_columns(["campaign"]), "adGroupId" in kind.allowed_columns(["campaign", "adGroup"])
(False, True)
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal

import msgspec

from sellerport.errors import Problem

ColumnType = Literal["decimal", "integer", "string"]

# Which columns hold the days of a row: one day each, or the whole range once.
DAY = "date"
RANGE = ("startDate", "endDate")


class Group(msgspec.Struct, frozen=True):
    """One thing that rows can be grouped by: the columns it adds, and the filters it takes."""

    columns: frozenset[str]
    filters: dict[str, frozenset[str]] = {}
    """Field → the values it may have; none stands for any."""


class ReportType(msgspec.Struct, frozen=True):
    """One ``reportTypeId``: a product's rows of one kind."""

    product: str
    """The ``adProduct`` to send."""
    most_days: int
    """How many days one report covers at most, both ends counted."""
    retention_days: int
    """How many days before today the data begins."""
    time_units: frozenset[str]
    formats: tuple[str, ...]
    columns: frozenset[str]
    """What is there whatever the rows are grouped by."""
    groups: dict[str, Group]
    combinations: tuple[tuple[str, ...], ...] = ()
    """What may be grouped by together, where not everything may."""
    aliases: tuple[str, ...] = ()

    def allowed_columns(self, group_by: Iterable[str]) -> frozenset[str]:
        """Return the columns for these groups: those of the type, and what each group adds."""
        return self.columns.union(*(self.groups[group].columns for group in group_by if group in self.groups))

    def allowed_filters(self, group_by: Iterable[str]) -> dict[str, frozenset[str]]:
        """Return the filters that every one of these groups takes; Amazon refuses what only some take."""
        known = [self.groups[group].filters for group in group_by if group in self.groups]
        if not known:
            return {}
        return {field: values for field, values in known[0].items() if all(field in filters for filters in known)}

    def earliest(self, today: date) -> date:
        """Return the first day that has data, seen from a day in the profile's time zone."""
        return today - timedelta(days=self.retention_days)


class _Table(msgspec.Struct, frozen=True):
    format: Literal[1]
    columns: dict[ColumnType, tuple[str, ...]]
    types: dict[str, ReportType]


@cache
def _table() -> _Table:
    return msgspec.json.decode(files(__package__).joinpath("ads", "reports.json").read_bytes(), type=_Table)


@cache
def report_types() -> Mapping[str, ReportType]:
    """Return every report type by its ``reportTypeId``, other spellings included."""
    types = _table().types
    return MappingProxyType(types | {alias: one for one in types.values() for alias in one.aliases})


@cache
def column_types() -> Mapping[str, ColumnType]:
    """Return the type of every column of every report; ids are integers."""
    return MappingProxyType({column: kind for kind, columns in _table().columns.items() for column in columns})


def problems(configuration: Mapping[str, Any], start_date: date, end_date: date, today: date) -> list[Problem]:
    """Say what is wrong with a request for a report, and what to do; nothing where Amazon will take it.

    Args:
        configuration: the report's ``configuration`` as it is sent (``adProduct``, ``reportTypeId``, ``groupBy``,
            ``columns``, ``filters``, ``timeUnit``, ``format``).
        start_date: the first day that the report covers.
        end_date: its last day.
        today: the day in the profile's time zone.
    """
    name = configuration.get("reportTypeId")
    kind = report_types().get(name) if isinstance(name, str) else None
    if kind is None:
        hint = f"no report type {name!r}{_nearest(str(name), report_types())}" if name else "name a report type"
        return [Problem("configuration.reportTypeId", hint)]
    found = [*_selection(kind, configuration)]
    group_by = _names(configuration, "groupBy")
    if group_by and kind.groups.keys() >= set(group_by):  # what else it takes depends on them
        found += [*_columns(kind, group_by, configuration), *_filters(kind, group_by, configuration)]
    return [*found, *_days(kind, start_date, end_date, today)]


def _selection(kind: ReportType, configuration: Mapping[str, Any]) -> Iterator[Problem]:
    if configuration.get("adProduct") != kind.product:
        yield Problem("configuration.adProduct", f"this report type is of {kind.product!r}")
    group_by = _names(configuration, "groupBy")
    if not group_by:
        yield Problem("configuration.groupBy", f"name at least one of {_list(kind.groups)}")
    for group in group_by:
        if group not in kind.groups:
            yield Problem("configuration.groupBy", f"{group!r} is none of {_list(kind.groups)}")
    together = [set(one) for one in kind.combinations]
    if together and kind.groups.keys() >= set(group_by) and group_by and set(group_by) not in together:
        ways = "; ".join(" and ".join(one) for one in kind.combinations)
        yield Problem("configuration.groupBy", f"these do not go together; what does: {ways}")
    for field, allowed in (("timeUnit", kind.time_units), ("format", kind.formats)):
        if configuration.get(field) not in allowed:
            yield Problem(f"configuration.{field}", f"{configuration.get(field)!r} is none of {_list(allowed)}")


def _columns(kind: ReportType, group_by: list[str], configuration: Mapping[str, Any]) -> Iterator[Problem]:
    field, columns = "configuration.columns", _names(configuration, "columns")
    if not columns:
        yield Problem(field, "name at least one column")
        return
    allowed = kind.allowed_columns(group_by)
    for column in columns:
        if column not in allowed:
            groups = [name for name, group in kind.groups.items() if column in group.columns]
            hint = f"; it needs groupBy {' or '.join(groups)}" if groups else _nearest(column, allowed)
            yield Problem(field, f"no column {column!r} for groupBy {_list(group_by)}{hint}")
    unit = configuration.get("timeUnit")
    ranges = [column for column in RANGE if column in columns]
    if unit == "DAILY" and DAY in allowed and DAY not in columns:
        yield Problem(field, f"DAILY needs the column {DAY!r}")
    if unit == "DAILY" and ranges:
        yield Problem(field, f"DAILY has {DAY!r} instead of {_list(ranges)}")
    if unit == "SUMMARY" and DAY in columns:
        instead = [column for column in RANGE if column in allowed]
        yield Problem(field, f"SUMMARY has no {DAY!r}{f'; take {_list(instead)}' if instead else ''}")


def _filters(kind: ReportType, group_by: list[str], configuration: Mapping[str, Any]) -> Iterator[Problem]:
    allowed = kind.allowed_filters(group_by)
    for at, given in enumerate(configuration.get("filters") or ()):
        field, where = given.get("field"), f"configuration.filters.{at}"
        if field not in allowed:
            takes = f"what they all take: {_list(allowed)}" if allowed else "they take none"
            yield Problem(f"{where}.field", f"{field!r} is not for every groupBy of this report; {takes}")
        elif allowed[field] and (
            wrong := [value for value in given.get("values") or () if value not in allowed[field]]
        ):
            yield Problem(f"{where}.values", f"{_list(wrong)}: take {_list(sorted(allowed[field]))}")


def _days(kind: ReportType, start_date: date, end_date: date, today: date) -> Iterator[Problem]:
    if end_date < start_date:
        yield Problem("endDate", f"{end_date} is before startDate {start_date}")
    elif (days := (end_date - start_date).days + 1) > kind.most_days:
        yield Problem("endDate", f"{days} days; this report type covers {kind.most_days} at most, so split the range")
    if start_date < (earliest := kind.earliest(today)):
        yield Problem("startDate", f"{start_date} is too early; the data of this report type begins {earliest}")


def _names(configuration: Mapping[str, Any], field: str) -> list[str]:
    return [str(one) for one in configuration.get(field) or ()]


def _list(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


def _nearest(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
