"""Which fields of a result a caller wants: ``select_fields``, ``exclude_fields`` and truncation.

Paths are dotted and do not descend into lists; a field that is spelled like a path wins over it; what is not there is
passed over. They apply to each record of a list, also of one inside an answer, and otherwise to the object itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sellerport.connectors.actions import Execution, at, replaced

LONGEST = 200
NOTICE = "… (truncated; use the action 'get', or skip_truncation, for all of it)"


@dataclass(frozen=True)
class Choice:
    """What a caller wants of a result.

    Args:
        select_fields: only these; dotted paths.
        exclude_fields: all but these.
        skip_truncation: whether long texts of a list stay whole.
    """

    select_fields: Sequence[str] | None = None
    exclude_fields: Sequence[str] | None = None
    skip_truncation: bool = True

    def of(self, execution: Execution, action: str) -> Execution:
        """Return what an action came to with no more than that."""
        data = choose(execution.data, self.select_fields, self.exclude_fields, execution.records)
        return replace(execution, data=data if self.skip_truncation or action != "list" else truncate(data))


def choose(result: Any, select: Sequence[str] | None, exclude: Sequence[str] | None, records: str = "") -> Any:
    """Return a result with only the selected fields, or without the excluded ones; selecting wins.

    Args:
        result: what an action came to.
        select, exclude: dotted paths.
        records: where the records are in the result (`Execution.records`); what is not the result's own is looked for
            in each of them, so that ``campaignId`` is found in ``{"campaigns": [{"campaignId": …}]}``.
    """
    paths, change = (select, _selected) if select else (exclude, _without)
    if not paths:
        return result
    inside = at(result, records) if records else None
    if not isinstance(inside, list):
        return _each(result, lambda record: change(record, paths))
    own = [path for path in paths if _leads(result, path)]
    theirs = [path.removeprefix(f"{records}.") for path in paths if path not in own]
    chosen = change(result, own) if own else result
    if not theirs:
        return chosen
    return replaced(chosen, records.split("."), _each(inside, lambda record: change(record, theirs)))


def truncate(value: Any) -> Any:
    """Return a value with every long text in it cut short."""
    if isinstance(value, str):
        return value if len(value) <= LONGEST else value[:LONGEST] + NOTICE
    if isinstance(value, dict):
        return {name: truncate(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [truncate(inner) for inner in value]
    return value


def _leads(result: dict[str, Any], path: str) -> bool:
    first, _, rest = path.partition(".")
    inner = result.get(first)
    return path in result or (bool(rest) and isinstance(inner, dict) and _leads(inner, rest))


def _each(result: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    if isinstance(result, list):
        return [change(record) if isinstance(record, dict) else record for record in result]
    if isinstance(result, dict):
        if isinstance(result.get("data"), list):
            return {**result, "data": _each(result["data"], change)}
        return change(result)
    return result


def _selected(record: dict[str, Any], paths: Sequence[str]) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    for path in paths:
        if path in record:
            chosen[path] = record[path]
            continue
        first, _, rest = path.partition(".")
        inner = record.get(first)
        if rest and isinstance(inner, dict) and (found := _selected(inner, [rest])):
            chosen[first] = _merged(chosen.get(first, {}), found)
    return chosen


def _without(record: dict[str, Any], paths: Sequence[str]) -> dict[str, Any]:
    kept = dict(record)
    for path in paths:
        if path in kept:
            del kept[path]
            continue
        first, _, rest = path.partition(".")
        if rest and isinstance(kept.get(first), dict):
            kept[first] = _without(kept[first], [rest])
    return kept


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    both = dict(one)
    for name, value in other.items():
        held = both.get(name)
        both[name] = _merged(held, value) if isinstance(held, dict) and isinstance(value, dict) else value
    return both
