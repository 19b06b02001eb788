"""Answers to writes of several items (HTTP 207), in which each item succeeded or failed by itself.

The Ads API lays them out in three ways: inside a wrapper (``{"campaigns": {"success": […], "error": […]}}``), at the
top (``{"success": […], "error": […]}``), and as a bare list that says of each item, in the order they were sent, what
became of it. All three are read into the same two lists, whose items know their place in what was sent. Sponsored
Brands' targets and themes are answered so with 200, and the lists of targets have longer names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sellerport.answers import Result
from sellerport.errors import ItemsRefused

STATUS = 207
WRITTEN = {"SUCCESS", "OK", "200", "201"}
"""What a bare list says of an item that was written; budget rules say Ok."""
DONE = ("success", "SuccessResults")
REFUSED = ("error", "ErrorResults")
"""How the names of the two lists end."""
INDICES = ("index", "targetRequestIndex")


@dataclass(frozen=True)
class ItemDone:
    """An item that was written: ``index`` is its place in what was sent, ``data`` what Amazon answered about it."""

    index: int
    data: Mapping[str, Any] = field(repr=False)

    @property
    def id(self) -> str | None:
        """The item's id, where the answer names one: beside what was written, or in it."""
        named = [value for name, value in self.data.items() if name.endswith("Id") and isinstance(value, str | int)]
        inside = [(name, value) for name, value in self.data.items() if isinstance(value, Mapping)]
        named += [value[f"{name}Id"] for name, value in inside if f"{name}Id" in value]
        return str(named[0]) if named else None


@dataclass(frozen=True)
class ItemError:
    """One reason why an item was refused.

    Args:
        index: the item's place in what was sent.
        kind: what sort of error (``duplicateValueError``), where Amazon sorts them.
        reason: Amazon's code, such as ``DUPLICATE_VALUE``.
        message: Amazon's words.
        field: where in what was sent, as Amazon writes it (``$.campaigns[1].name``).
    """

    index: int
    kind: str
    reason: str
    message: str = field(repr=False)
    field: str = ""

    def __str__(self) -> str:
        where = f" at {self.field}" if self.field else ""
        return f"item {self.index}: {self.reason or self.kind}{where}"


class MultiStatus(Result[Any, Any]):
    """An answer about several items: ``done`` and ``errors`` say what became of each; ``data`` is all of it."""

    __slots__ = ()

    @property
    def done(self) -> list[ItemDone]:
        """The items that were written, in the order in which they were sent."""
        return sorted((one for one in _items(self.data) if isinstance(one, ItemDone)), key=lambda one: one.index)

    @property
    def errors(self) -> list[ItemError]:
        """Why items were refused, in the order in which they were sent; an item may have several reasons."""
        return sorted((one for one in _items(self.data) if isinstance(one, ItemError)), key=lambda one: one.index)

    def check(self) -> None:
        """Do nothing if every item was written.

        Raises:
            ItemsRefused: some were not; it names each with its reason.
        """
        if errors := self.errors:
            raise ItemsRefused(items=errors, request_id=self.request_id)


def tells_apart(data: Any) -> bool:
    """Whether an answer has the two lists, whatever its status."""
    return isinstance(data, Mapping) and all(
        any(name.endswith(ending) and isinstance(data[name], list) for name in data) for ending in (DONE, REFUSED)
    )


def _items(data: Any) -> Iterator[ItemDone | ItemError]:
    if isinstance(data, list):
        for index, row in enumerate(data):
            yield from _row(index, row)
        return
    if not isinstance(data, Mapping):
        return
    lists = [(name, rows) for name, rows in data.items() if name.endswith((*DONE, *REFUSED)) and isinstance(rows, list)]
    for name, rows in lists:
        for place, row in enumerate(rows):
            yield from [ItemDone(_index(row, place), row)] if name.endswith(DONE) else _refused(row, place)
    for inner in () if lists else data.values():
        if isinstance(inner, Mapping | list):
            yield from _items(inner)


def _row(index: int, row: Any) -> Iterator[ItemDone | ItemError]:
    """Read one item of a bare list, which has a code of its own."""
    if not isinstance(row, Mapping):
        return
    code = str(row.get("code") or "SUCCESS")
    if code.upper() in WRITTEN:
        yield ItemDone(index, row)
    else:
        message = row.get("description") or row.get("details") or row.get("message") or ""
        yield ItemError(index, "", code, str(message))


def _refused(row: Mapping[str, Any], place: int) -> Iterator[ItemError]:
    """Read an item's errors: nested under the name of their sort, or flat."""
    errors = row.get("errors")
    for error in errors if isinstance(errors, list) and errors else [row]:
        kind, told = str(error.get("errorType") or ""), error
        if isinstance(value := error.get("errorValue"), Mapping):
            told = value.get(kind) or next(iter(value.values()), {})
        cause = told.get("cause") or {}
        yield ItemError(
            _index(row, place),
            kind,
            str(told.get("reason") or told.get("code") or told.get("errorCode") or ""),
            str(told.get("message") or told.get("details") or told.get("description") or ""),
            str(cause.get("location") or told.get("fieldLocation") or ""),
        )


def _index(row: Mapping[str, Any], place: int) -> int:
    """Return an item's place in what was sent; where the answer does not say, its place in the list."""
    index = next((row[name] for name in INDICES if name in row), None)
    return int(index) if isinstance(index, int | str) and str(index).isdecimal() else place
