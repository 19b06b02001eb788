"""Which fields of a result a caller wants: ``select_fields``, ``exclude_fields`` and truncation.

Paths are dotted and do not descend into lists; a field that is spelled like a path wins over it; what is not there is
passed over. They apply to each record of a list, and otherwise to the object itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

LONGEST = 200
NOTICE = "… (truncated; use the action 'get', or skip_truncation, for all of it)"


def choose(result: Any, select: Sequence[str] | None, exclude: Sequence[str] | None) -> Any:
    """Return a result with only the selected fields, or without the excluded ones; selecting wins."""
    if select:
        return _each(result, lambda record: _selected(record, select))
    if exclude:
        return _each(result, lambda record: _without(record, exclude))
    return result


def truncate(value: Any) -> Any:
    """Return a value with every long text in it cut short."""
    if isinstance(value, str):
        return value if len(value) <= LONGEST else value[:LONGEST] + NOTICE
    if isinstance(value, dict):
        return {name: truncate(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [truncate(inner) for inner in value]
    return value


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
