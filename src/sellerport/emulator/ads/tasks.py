"""What takes the Ads API time: reports and exports, which move on by the clock and never by being asked for.

Half of the time one waits, the other half it is being made; its file is made when somebody first looks after that, of
what is advertised then. What was planned for a report or an export (see `jobs.Outcome`) holds here too: whether it
fails, how long it takes, and what is in its file.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sellerport.emulator.jobs import Outcome
from sellerport.emulator.storage import Stored

if TYPE_CHECKING:
    from sellerport.emulator.ads.call import AdsCall

Status = Literal["PENDING", "PROCESSING", "COMPLETED", "FAILED"]
TaskKind = Literal["report", "export"]

LIFE_S = 3600
"""How long the address of a file is good; each look gives a new one."""


@dataclass
class Task:
    """One report or export of a profile; times are unix seconds."""

    id: str
    kind: TaskKind
    type: str
    profile: str
    asked: Mapping[str, Any]
    """The body that asked for it."""
    created: float
    seconds: float
    """How long it takes."""
    outcome: Outcome
    size: int | None = None
    """How many bytes its file has, once somebody saw that it is made."""

    @property
    def made(self) -> float:
        """When it comes to its end."""
        return self.created + self.seconds

    @property
    def key(self) -> str:
        """Where its file lies in the storage."""
        return f"ads/{self.kind}s/{self.profile}/{self.id}.gz"

    def status(self, now: float) -> Status:
        """Return how far it is."""
        if now >= self.made:
            return "FAILED" if self.outcome.status == "FATAL" else "COMPLETED"
        return "PENDING" if now < self.created + self.seconds / 2 else "PROCESSING"

    def changed(self, now: float) -> float:
        """Return when it last went on."""
        half = self.created + self.seconds / 2
        return self.made if now >= self.made else half if now >= half else self.created


def begin(call: AdsCall, kind: TaskKind, type: str, id: str) -> Task:
    """Begin a report or an export, as it was planned or else as it usually goes."""
    world = call.world
    outcome = world.outcome_for(kind, type) or Outcome(kind=kind)
    seconds = world.task_s if outcome.seconds is None else outcome.seconds
    task = Task(id, kind, type, call.profile.id, call.body or {}, world.now(), seconds, outcome)
    world.ads.tasks[task.profile, id] = task
    return task


def find(call: AdsCall, kind: TaskKind, id: str) -> Task | None:
    """Return a report or an export of the profile, if there is one."""
    task = call.world.ads.tasks.get((call.profile.id, id))
    return task if task is not None and task.kind == kind else None


def address(call: AdsCall, task: Task, make: Callable[[], bytes]) -> tuple[str, float]:
    """Return where the file of a task that is COMPLETED can be fetched, and until when; the file is made if need be.

    Args:
        call: who asks.
        task: whose file.
        make: gives what is in it, before compression.
    """
    storage, now = call.world.storage, call.world.now()
    if task.key not in storage.objects:
        planned = task.outcome
        body = make() if planned.body is None else planned.body.encode(planned.charset)
        packed = body if planned.gzip is False else gzip.compress(body, mtime=0)
        storage.objects[task.key] = Stored.of(packed, planned.content_type or "application/octet-stream")
        task.size = len(packed)
    return storage.presign("GET", call.address, task.key, now=now, life_s=LIFE_S), now + LIFE_S
