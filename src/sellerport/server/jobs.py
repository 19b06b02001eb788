"""Durable work: what one of the servers of a database does without being asked, with DBOS on that database.

What each process does for itself is in `hub.upkeep`.

DBOS starts each job at its time in exactly one of the processes that share a database: a schedule's next start is a
workflow that is queued once, under a name made from its time, and taken by one process. When there is something to do
is not DBOS's to know: that is in the tables (``deliveries.next_attempt_at`` and so on), by the database's clock, where
it can be listed, replayed, and tried out in a test without waiting for three days. So a job takes no argument, leaves
nothing half done, and may be run at any time, and at once with itself.

A process that is killed in the middle of a job leaves claims, which end by the database's clock (`hub.deliveries`); the
job's next start, in whichever process is alive, finds what is due again. DBOS's own recovery has nothing to add to
that, and would do harm: it starts everything again that is unfinished under the executor id of a process that starts,
which by default is the same in all of them. So each process has an id of its own here, and what a killed one left
unfinished is deleted with everything else that is old.

DBOS has a file beside the SQLite database, or a schema of its own in PostgreSQL. There it asks again and again instead
of listening, sets nothing that outlives a transaction, and prepares no statements, so that PgBouncer may share
connections out by transaction. Only while it makes its tables does it take a session's lock: through PgBouncer that may
stay with a connection, and hold up a process that makes them too for half a minute.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Engine
from sqlalchemy.exc import SQLAlchemyError

from sellerport.errors import SettingsError, StoreError
from sellerport.server.hub import Hub
from sellerport.server.store.postgresql import PostgreSQL

if TYPE_CHECKING:
    from dbos import DBOSConfig

log = logging.getLogger(__name__)

SCHEMA = "sellerport_jobs"
VERSION = "1"
"""What DBOS takes for the version of the jobs: the same for all of Sellerport's, so that each runs any other's."""

AT_ONCE = 4
"""Jobs of a process under way."""
POOL_SIZE = 4

GRACE_S = 15.0
"""How long jobs under way may take once the server was told to stop; longer than an attempt to deliver."""

LISTEN_AGAIN_S = 60.0

KEEP = timedelta(hours=1)
"""How long DBOS remembers that a job was run."""
DELETE_AT_ONCE = 500

Job = Callable[[], Awaitable[object]]

_QUIET = logging.NullHandler()
"""Without a handler of its own DBOS would write past the server's log, to standard error."""

_one = threading.Lock()  # DBOS is one in a process


@asynccontextmanager
async def running(hub: Hub, database: Path | str, *, secrets_queue: str | None = None) -> AsyncIterator[None]:
    """Run the jobs in this process, as long as the ``async with`` lasts.

    Args:
        hub: what does the work, on this event loop.
        database: where it is; DBOS's own tables are beside it.
        secrets_queue: the URL of the SQS queue to which Amazon sends new client secrets.

    Raises:
        SettingsError: another server runs in this process.
        StoreError: DBOS's tables cannot be made.
    """
    if not _one.acquire(blocking=False):
        raise SettingsError("a server runs in this process already; start another process for another server")
    work = _Work(asyncio.get_running_loop())
    engine = None if isinstance(database, Path) else PostgreSQL(database).blocking_engine(POOL_SIZE)
    listening = asyncio.create_task(_listen(hub, secrets_queue)) if secrets_queue else None
    try:
        try:
            await asyncio.to_thread(_launch, work, schedules(hub), _config(database, engine))
            yield
        finally:
            if listening is not None:
                listening.cancel()
                with suppress(asyncio.CancelledError):
                    await listening
            await work.stop()
            await asyncio.to_thread(_destroy, engine)
    finally:
        _one.release()


def schedules(hub: Hub) -> dict[str, tuple[str, Job]]:
    """Return the jobs by their names: when each is run, in cron's words with seconds, and what it does."""
    return {
        "deliver": ("*/5 * * * * *", hub.deliveries.run),
        "remind": ("0 7 * * * *", hub.countdown.remind),
        "purge": ("0 */10 * * * *", hub.gateway.documents.purge),
        "forget": ("0 37 * * * *", lambda: _forget(hub)),
    }


@dataclass
class _Work:
    """Brings jobs from DBOS's threads to the event loop, which the hub belongs to."""

    loop: asyncio.AbstractEventLoop
    stopping: bool = False
    under_way: set[asyncio.Task[None]] = field(default_factory=set)

    def of(self, name: str, job: Job) -> Callable[[datetime, object], None]:
        """Return what DBOS calls in a thread when it is time for a job."""

        def wait(_at: datetime, _context: object) -> None:
            if not self.stopping:  # a loop that ends meanwhile would never tell
                asyncio.run_coroutine_threadsafe(self._do(name, job), self.loop).result()

        return wait

    async def _do(self, name: str, job: Job) -> None:
        if self.stopping:
            return
        task = asyncio.ensure_future(self._logged(name, job))
        self.under_way.add(task)
        task.add_done_callback(self.under_way.discard)
        await asyncio.wait([task])

    async def _logged(self, name: str, job: Job) -> None:
        try:
            await job()
        except Exception:  # it is run again at its next time
            log.exception("the job %r failed", name)

    async def stop(self) -> None:
        """Begin nothing more; give what is under way some time to end."""
        self.stopping = True
        if self.under_way:
            _, late = await asyncio.wait(self.under_way, timeout=GRACE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


def _launch(work: _Work, schedules: Mapping[str, tuple[str, Job]], config: DBOSConfig) -> None:
    """Start DBOS, which blocks."""
    logging.getLogger("dbos").addHandler(_QUIET)
    from dbos import DBOS  # noqa: PLC0415  # takes a second, which commands need not pay

    try:
        DBOS(config=config)
        jobs = {name: DBOS.workflow(name=name)(work.of(name, job)) for name, (_, job) in schedules.items()}
        DBOS.launch()
        DBOS.register_queue("sellerport", worker_concurrency=AT_ONCE)
        DBOS.apply_schedules(
            [
                {"schedule_name": name, "workflow_fn": jobs[name], "schedule": when, "queue_name": "sellerport"}
                for name, (when, _) in schedules.items()
            ]
        )
    except SQLAlchemyError as error:
        raise StoreError(
            f"the tables of the jobs cannot be made: let the database's user create the schema {SCHEMA}, or write "
            "beside the SQLite file"
        ) from error


def _config(database: Path | str, engine: Engine | None) -> DBOSConfig:
    config: DBOSConfig = {
        "name": "sellerport",
        "executor_id": str(uuid.uuid4()),
        "application_version": VERSION,
        "use_listen_notify": False,
        "log_level": "WARNING",
        "max_executor_threads": 2 * AT_ONCE,
    }
    if isinstance(database, Path):
        beside = database.with_name(f"{database.name}-jobs")
        beside.touch(mode=0o600)
        config["system_database_url"] = URL.create("sqlite", database=str(beside)).render_as_string()
        config["db_engine_kwargs"] = {"connect_args": {"factory": Connection}}
    else:
        config["system_database_engine"] = engine
        config["dbos_system_schema"] = SCHEMA
    return config


class Connection(sqlite3.Connection):
    """Tells the time as DBOS asks for it on Python 3.12 and later, and SQLite tells it since 3.42."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        if sqlite3.sqlite_version_info < (3, 42):
            self.create_function("unixepoch", 1, lambda _subsec: time.time())


def _destroy(engine: Engine | None) -> None:
    from dbos import DBOS  # noqa: PLC0415  # see `_launch`

    DBOS.destroy(destroy_registry=True)
    if engine is not None:
        engine.dispose()


async def _forget(hub: Hub) -> None:
    """Delete what is old: events, shipments, what no tenant claimed, and DBOS's records of what was run."""
    await hub.gateway.claims.drop_unclaimed()
    await hub.gateway.inbox.drop_late()
    while await hub.deliveries.forget():
        pass
    await hub.gateway.documents.forget()
    await asyncio.to_thread(_forget_runs)


def _forget_runs() -> None:
    from dbos import DBOS  # noqa: PLC0415  # see `_launch`

    before = (datetime.now(UTC) - KEEP).isoformat()
    while old := DBOS.list_workflows(end_time=before, limit=DELETE_AT_ONCE, load_input=False, load_output=False):
        DBOS.delete_workflows([one.workflow_id for one in old])


async def _listen(hub: Hub, queue_url: str) -> None:
    """Take new client secrets from their queue, for ever; every process does, since the queue shares them out."""
    while True:
        try:
            await hub.secrets.listen(queue_url)
        except Exception:
            log.exception("the queue of the client secrets cannot be read; again in %d s", LISTEN_AGAIN_S)
        await asyncio.sleep(LISTEN_AGAIN_S)
