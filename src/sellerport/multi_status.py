"""Answers to writes of several items (HTTP 207), in which each item succeeded or failed by itself.

The Ads API lays them out in three ways: inside a wrapper (``{"campaigns": {"success": […], "error": […]}}``), at the
top (``{"success": […], "error": […]}``), and as a bare list that says of each item, in the order they were sent, what
became of it. All three are read into the same two lists, whose items know their place in what was sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sellerport.answers import Result
from sellerport.errors import ItemsRefused

STATUS = 207


@dataclass(frozen=True)
class ItemDone:
    """An item that was written: ``index`` is its place in what was sent, ``data`` what Amazon answered about it."""

    index: int
    data: Mapping[str, Any] = field(repr=False)

    @property
    def id(self) -> str | None:
        """The item's id, where the answer names one."""
        named = [value for name, value in self.data.items() if name.endswith("Id") and isinstance(value, str | int)]
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
    """An answer of status 207: ``done`` and ``errors`` are what became of the items; ``data`` is all of it."""

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


def _items(data: Any) -> Iterator[ItemDone | ItemError]:
    if isinstance(data, list):
        for index, row in enumerate(data):
            yield from _row(index, row)
        return
    if not isinstance(data, Mapping):
        return
    if "success" in data or "error" in data:
        for row in data.get("success") or ():
            yield ItemDone(_index(row), row)
        for row in data.get("error") or ():
            yield from _refused(row)
        return
    for inner in data.values():
        if isinstance(inner, Mapping | list):
            yield from _items(inner)


def _row(index: int, row: Any) -> Iterator[ItemDone | ItemError]:
    """Read one item of a bare list, which has a code of its own."""
    if not isinstance(row, Mapping):
        return
    code = str(row.get("code") or "SUCCESS")
    if code.upper() in ("SUCCESS", "200", "201"):
        yield ItemDone(index, row)
    else:
        message = row.get("description") or row.get("details") or row.get("message") or ""
        yield ItemError(index, "", code, str(message))


def _refused(row: Mapping[str, Any]) -> Iterator[ItemError]:
    """Read an item's errors: nested under the name of their sort, or flat."""
    errors = row.get("errors")
    for error in errors if isinstance(errors, list) and errors else [row]:
        kind, told = str(error.get("errorType") or ""), error
        if isinstance(value := error.get("errorValue"), Mapping):
            told = value.get(kind) or next(iter(value.values()), {})
        cause = told.get("cause") or {}
        yield ItemError(
            _index(row),
            kind,
            str(told.get("reason") or told.get("code") or told.get("errorCode") or ""),
            str(told.get("message") or told.get("details") or told.get("description") or ""),
            str(cause.get("location") or told.get("fieldLocation") or ""),
        )


def _index(row: Any) -> int:
    index = row.get("index") if isinstance(row, Mapping) else None
    return int(index) if isinstance(index, int | str) and str(index).isdecimal() else 0
