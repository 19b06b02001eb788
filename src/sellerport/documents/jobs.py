"""What takes Amazon time - reports, feeds, queries, exports - and waiting for it.

A job is known by its id, which is told as soon as there is one: whoever keeps it can go on after a crash.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from sellerport import oauth, regions
from sellerport.errors import (
    DocumentCancelled,
    DocumentError,
    DocumentFailed,
    DocumentPending,
    InvalidArguments,
    Problem,
)
from sellerport.regions import Amazon
from sellerport.wire import Wire

if TYPE_CHECKING:
    from sellerport.answers import Result

ENDED = ("DONE", "CANCELLED", "FATAL", "ERROR", "COMPLETED", "FAILED")


class Caller(Protocol):
    """What a document flow gets of a client."""

    wire: Wire
    amazon: Amazon

    def call(
        self, operation: str, arguments: Mapping[str, Any], *, restricted: Sequence[str] | bool | None = None
    ) -> Coroutine[Any, Any, Result[Any, Any]]:
        """Call an operation of the catalogue."""
        ...


@dataclass(frozen=True)
class Progress:
    """How far Amazon is: the id to go on with after a crash, Amazon's status, and how long was waited, in seconds."""

    id: str
    status: str
    waited_s: float


OnProgress = Callable[[Progress], object]
"""What is told of progress; what it returns is awaited if that can be done."""


@dataclass(frozen=True)
class Pace:
    """How long to pause before Amazon is asked, and asked again, in seconds: each time longer, up to the most."""

    first_s: float = 1.0
    grows: float = 1.5
    most_s: float = 30.0


@dataclass(frozen=True)
class Job:
    """What Amazon works on."""

    noun: str
    id: str
    resume: str
    """What goes on with it, as a caller writes it."""
    look: Callable[[], Coroutine[Any, Any, Mapping[str, Any]]]
    """Ask Amazon about it."""
    status: str = "processingStatus"
    """Where Amazon's answer says how far it is."""
    part: str = ""
    """Which part of it this is, where Amazon works on one after the other."""
    queued: str = "IN_QUEUE"
    """What Amazon calls one that it has not begun."""

    @property
    def name(self) -> str:
        """What errors call it."""
        return f"{self.noun} {self.id}{self.part}"

    def failure(self, found: Mapping[str, Any], explanation: str, reason: str = "") -> DocumentFailed:
        """Return the error for a job that Amazon could not do, with its reason in one line, where there is one."""
        status = str(found.get(self.status))
        stated = re.search(r'"errorDetails"\s*:\s*"([^"\\]{1,500})', explanation)
        reason = reason or (stated[1] if stated else "")
        why = f": {reason}" if reason else "; see its explanation" if explanation else ", and does not say why"
        message = f"Amazon could not make {self.name} ({status}){why}"
        return DocumentFailed(message, explanation=explanation, id=self.id, processing_status=status)


@contextmanager
def resumable(job: Job) -> Iterator[None]:
    """Say with every error inside how to go on with the job, unless it ended, or the error says so itself."""
    try:
        yield
    except (DocumentCancelled, DocumentFailed, DocumentPending):
        raise
    except BaseException as error:
        if isinstance(error, DocumentError):
            error.id = error.id or job.id
        error.add_note(f"to go on with {job.noun} {job.id}: {job.resume}")
        raise


async def finished(
    caller: Caller,
    job: Job,
    *,
    new: bool,
    patience_s: float,
    progress: OnProgress | None,
    pace: Pace = Pace(),
    clock: Callable[[], float] = time.monotonic,
) -> Mapping[str, Any]:
    """Wait until a job ends, and return what Amazon says of it then.

    Args:
        caller: to ask with.
        job: what to wait for.
        new: whether it was made just now, so that there is no use in looking at once.
        patience_s: how long to wait in all, in seconds, in pauses and for answers.
        progress: told of the id at once, and whenever Amazon was asked.
        pace: how often to ask.
        clock: tells how long answers take.

    Raises:
        DocumentCancelled: there was nothing to do, or somebody cancelled it.
        DocumentPending: it did not end in time.
        AmazonError, NoAnswer, TokenError: as for every call; the job goes on.
    """
    waited, pause = 0.0, pace.first_s
    if new:
        await _tell(progress, Progress(job.id, job.queued, waited))
    while True:
        if not new:
            began = clock()
            found = await job.look()
            waited += clock() - began
            status = str(found.get(job.status))
            await _tell(progress, Progress(job.id, status, waited))
            if status == "CANCELLED":
                what = f"Amazon cancelled {job.name}: there was no data, or somebody cancelled it"
                raise DocumentCancelled(what, id=job.id, processing_status=status)
            if status in ENDED:
                return found
            if waited >= patience_s:
                what = f"{job.name} is still {status} after {waited:.0f} s; go on with it: {job.resume}"
                raise DocumentPending(what, id=job.id, processing_status=status)
        new, pause = False, min(pause, patience_s - waited)
        await caller.wire.sleep(pause)
        waited, pause = waited + pause, min(pause * pace.grows, pace.most_s)


async def _tell(progress: OnProgress | None, news: Progress) -> None:
    if progress is not None:
        told = progress(news)
        if isinstance(told, Awaitable):
            await told


def field_of(answer: Any, name: str) -> Any:
    """Return a field that an answer has to have, as text that is not empty, or an object.

    Raises:
        DocumentError: it has not.
    """
    found = mapping(answer).get(name)
    if not found or not isinstance(found, str | Mapping):
        raise DocumentError(f"Amazon's answer has no {name}; try again")
    return found


def mapping(answer: Any) -> Mapping[str, Any]:
    """Return an answer that has to be an object.

    Raises:
        DocumentError: it is something else.
    """
    if not isinstance(answer, Mapping):
        raise DocumentError("Amazon's answer is no object; try again")
    return answer


def check_number(name: str, number: Any, least: float) -> None:
    """Refuse what is no number, or too small.

    Raises:
        InvalidArguments: it is.
    """
    if not isinstance(number, int | float) or not number >= least:
        raise InvalidArguments(problems=[Problem(name, f"must be a number, at least {least:g}")])


def check_wait(caller: Caller, patience_s: Any, progress: Any) -> None:
    """Refuse what nobody can wait by.

    Raises:
        InvalidArguments: the patience is no number, or the client cannot call what is to be told of progress.
    """
    check_number("patience_s", patience_s, 0)
    oauth.check_callback(progress, blocking=caller.wire.blocking, field="progress")


def check_start(what: Mapping[str, Any], id: Mapping[str, Any], rest: Mapping[str, Any]) -> None:
    """Refuse to start a job without saying what, or to go on with one and say what it should have been.

    Raises:
        InvalidArguments: neither or both are given.
    """
    (name, value), (id_name, id_value) = *what.items(), *id.items()
    if (value is None) == (id_value is None) or (id_value is not None and rest):
        extra = f" (nothing else goes with {id_name}: {', '.join(rest)})" if rest and value is None else ""
        raise InvalidArguments(problems=[Problem(name, f"give either {name} or {id_name}{extra}")])


def given(**fields: Any) -> dict[str, Any]:
    """Return the fields that are given, as a body has them."""
    return {name: value for name, value in fields.items() if value is not None}


def marketplaces(value: str | Sequence[str] | None) -> list[str] | None:
    """Return the ids of one marketplace or several, given as ids or countries."""
    if value is None:
        return None
    return [regions.marketplace_id(one) for one in ([value] if isinstance(value, str) else value)]


def options(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return options, whose values are all text to Amazon: numbers too, and "true" and "false" for True and False."""
    if value is None:
        return None
    return {
        name: str(one).lower() if isinstance(one, bool) else str(one) if isinstance(one, int | float | Decimal) else one
        for name, one in value.items()
    }
