"""What takes Amazon time - reports, feeds, queries, invoice exports - and what was planned for the next of them.

It knows nothing of HTTP. A job moves on when it is asked for, and never by the clock, so that a test decides how long
it takes: with 2 polls it is in the queue the first time, in progress the second, and finished the third.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

import msgspec

Kind = Literal["report", "feed", "query", "export"]
Status = Literal["IN_QUEUE", "IN_PROGRESS", "DONE", "CANCELLED", "FATAL"]

OPEN: tuple[Status, ...] = ("IN_QUEUE", "IN_PROGRESS")
LEAST_SIZE = 1024


class Outcome(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What becomes of the next ``times`` jobs of a kind whose type matches (``*`` and ``?``).

    The type of a query is its text, that of an export is ``invoices``; of advertising, a report's type is its
    ``reportTypeId``, and an export's what it is of, such as ``campaigns``.
    """

    times: int = 1
    kind: Kind = "report"
    type: str = "*"
    status: Literal["DONE", "CANCELLED", "FATAL"] = "DONE"
    polls: int | None = None
    """How often it is seen unfinished; None is the world's number."""
    seconds: float | None = None
    """How long an advertising report or export takes, which the clock moves on; None is the world's number."""
    document: bool = True
    """Whether there is a document: the data of a job that is DONE, the explanation of one that is FATAL."""
    body: str | None = None
    """The text of the document, instead of what the account's data gives."""
    charset: str = "UTF-8"
    """How ``body`` is encoded."""
    content_type: str | None = None
    """What the storage says of the document, instead of the truth."""
    gzip: bool | None = None
    encrypted: bool = False
    """The form of the APIs of 2020: AES-256-CBC, with the key beside the URL."""
    size: int | None = None
    """A document of this many bytes of rows, before compression; it is made while it is sent."""
    pages: int = 1
    """How many queries a Data Kiosk query needs until it has all of its data."""

    def __post_init__(self) -> None:
        for name, least in (("times", 1), ("polls", 0), ("seconds", 0), ("size", LEAST_SIZE), ("pages", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"{name} must be at least {least}")
        if self.size is not None and (self.body is not None or self.encrypted):
            raise ValueError("a document of a given size has no body and is not encrypted")
        try:
            (self.body or "").encode(self.charset)
        except (LookupError, UnicodeError) as error:
            raise ValueError(f"charset does not fit the body: {error}") from None

    def matches(self, kind: Kind, type: str) -> bool:
        """Whether a job is meant."""
        return kind == self.kind and fnmatchcase(type, self.type)


@dataclass
class Job:
    """One report, feed, query or export of an account; times are unix seconds."""

    id: str
    kind: Kind
    type: str
    account: str
    asked: Mapping[str, Any]
    """The body that asked for it."""
    created: float
    polls: int
    """How many more polls see it unfinished."""
    outcome: Outcome
    page: int = 1
    seen: bool = False
    """Whether it was asked for before; the first poll still finds it in the queue."""
    status: Status = "IN_QUEUE"
    started: float | None = None
    ended: float | None = None
    document: str | None = None
    next_page: str | None = None
    """A token that asks for the rest of a query's data, once this part is done."""

    @property
    def key(self) -> tuple[str, Kind, str]:
        """What it is found by: ids are unique within an account only."""
        return self.account, self.kind, self.id

    def poll(self, now: float) -> bool:
        """Move on by one poll; return whether it is to be finished now."""
        if self.status not in OPEN:
            return False
        if self.polls > 0:
            self.polls -= 1
            if self.seen and self.started is None:
                self.status, self.started = "IN_PROGRESS", now
            self.seen = True
            return False
        self.started = now if self.started is None else self.started
        return True

    def end(self, status: Status, now: float) -> None:
        """Finish with a status."""
        self.status, self.ended = status, now


@dataclass
class Schedule:
    """A report that an account wants again and again."""

    id: str
    account: str
    asked: Mapping[str, Any]
    """The body that asked for it."""
    period_s: int
    due: float
    """When the next report is to be asked for, in unix seconds."""
