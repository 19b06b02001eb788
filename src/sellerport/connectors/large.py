"""Results that are too large for a model: given part by part, cut between records and never inside one.

What is left of a result stays in this process under a cursor. It is not asked of Amazon again, whose limits are small,
and whose answer may have been to a write.
"""

from __future__ import annotations

import json
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sellerport.errors import NotFound

MOST = 32
"""How many results' rests a process keeps; the oldest goes first."""

PREFIX = "rest_"
"""What a cursor of ours begins with: Amazon has parameters of that name too."""

ROOM = 400
"""How many characters are set aside for what is said about the rest."""


@dataclass(frozen=True)
class _Rest:
    data: Any
    meta: Mapping[str, Any]
    start: int


class Rests:
    """What is left of results, by cursor.

    Args:
        most: how many to keep.
        cursor: makes one up, which nobody can guess: tools of several users share a process.
    """

    def __init__(
        self, most: int = MOST, cursor: Callable[[], str] = lambda: PREFIX + secrets.token_urlsafe(12)
    ) -> None:
        self._most = most
        self._cursor = cursor
        self._kept: OrderedDict[str, _Rest] = OrderedDict()

    def cut(self, data: Any, meta: Mapping[str, Any] | None, most_chars: int) -> dict[str, Any] | None:
        """Return the first part of a result, with a cursor for the rest; None where one record alone is too large."""
        return self._part(_Rest(data, meta or {}, 0), most_chars)

    def next(self, cursor: str, most_chars: int) -> dict[str, Any] | None:
        """Return the part that a cursor stands for, as `cut` does.

        Raises:
            NotFound: it is not kept any more.
        """
        if (rest := self._kept.get(cursor)) is None:
            raise NotFound("the rest under this cursor is no longer kept; make the first call again, and ask for less")
        return self._part(rest, most_chars)

    def _part(self, rest: _Rest, most_chars: int) -> dict[str, Any] | None:
        sizes = [size(one) + 2 for one in _records(rest.data)]  # what stands between two records
        room = most_chars - ROOM - size({"data": _between(rest.data, 0, 0), "meta": rest.meta})
        end = rest.start
        while end < len(sizes) and sizes[end] <= room:
            room -= sizes[end]
            end += 1
        if end == rest.start:
            return None
        said = f"records {rest.start + 1} to {end} of {len(sizes)}"
        cursor = None
        if end < len(sizes):
            cursor = self._keep(_Rest(rest.data, rest.meta, end))
            said += f'; for the next, call again with params {{"cursor": "{cursor}"}}'
        return {"data": _between(rest.data, rest.start, end), "meta": {**rest.meta, "cursor": cursor, "part": said}}

    def _keep(self, rest: _Rest) -> str:
        cursor = self._cursor()
        self._kept[cursor] = rest
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return cursor


def size(value: Any) -> int:
    """Return how many characters of JSON a value is."""
    return len(json.dumps(value, default=str))


def _records(data: Any) -> Iterator[Any]:
    """Go through the records of a result: of the list that it is, or of every list that it has, one after the other."""
    if isinstance(data, list):
        yield from data
    elif isinstance(data, dict):
        for value in data.values():
            yield from _records(value)


def _between(data: Any, start: int, end: int) -> Any:
    """Return the data in its own shape with these records alone."""
    seen = 0

    def walk(value: Any) -> Any:
        nonlocal seen
        if isinstance(value, list):
            begin, seen = seen, seen + len(value)
            return value[max(start - begin, 0) : max(end - begin, 0)]
        if isinstance(value, dict):
            return {name: walk(one) for name, one in value.items()}
        return value

    return walk(data)
