"""Exports of the Ads API: all campaigns, ad groups, ads or targets of a profile, of every ad product, as rows.

Source: Amazon's page "Exports".
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Literal

from sellerport import catalog
from sellerport.documents import ads_jobs, jobs
from sellerport.documents.document import Document
from sellerport.documents.files import target
from sellerport.documents.jobs import Caller, Job, OnProgress
from sellerport.errors import InvalidArguments, Problem
from sellerport.wire import run

GET = "exports.get"
ENTITIES = ("campaigns", "ad_groups", "ads", "targets")

Entity = Literal["campaigns", "ad_groups", "ads", "targets"]
Names = str | Iterable[str]


class Exports:
    """What `AmazonAds` has beside the operations of exports."""

    _caller: Caller

    def fetch(
        self,
        entity: Entity,
        *,
        export_id: str | None = None,
        state_filter: Names | None = None,
        ad_product_filter: Names | None = None,
        profile_id: str | int | None = None,
        to: str | os.PathLike[str] | None = None,
        progress: OnProgress | None = None,
        pause_s: float = ads_jobs.FIRST_S,
        patience_s: float = 3600.0,
    ) -> Document:
        """Ask for an export, wait until Amazon has made it, and return it; or go on with one by its id.

        Each row is a line of JSON, with its ids as strings. A 429 is waited out in minutes.

        Args:
            entity: ``campaigns``, ``ad_groups``, ``ads`` or ``targets``; of an export that was asked for before, too.
            export_id: of an export that was asked for before, instead of its filters.
            state_filter: such as ``["ENABLED", "PAUSED"]``; Amazon decides what stands for none.
            ad_product_filter: such as ``["SPONSORED_PRODUCTS"]``.
            profile_id: the advertising profile; the client's if not given.
            to: a file to write it to, whole or not at all, with no more of it in memory than a piece.
            progress: called with a `Progress` as soon as there is an id, and whenever Amazon was asked.
            pause_s: how long to wait until Amazon is asked first, in seconds; then twice as long each time, up to 300.
            patience_s: how long to wait in all, in seconds.

        Raises:
            InvalidArguments: refused before anything was sent.
            DocumentFailed: Amazon could not make it; ``explanation`` says why.
            DocumentPending: it was not made in time; ``export_id`` goes on with its ``id``.
            DocumentError: it cannot be read, or not be written.
            AmazonError, NoAnswer, TokenError: as for every call.
        """
        asked = _asked(state_filter, ad_product_filter)
        return run(_fetch(self._caller, entity, export_id, asked, profile_id, to, progress, pause_s, patience_s))


class AsyncExports:
    """What `AsyncAmazonAds` has beside the operations of exports."""

    _caller: Caller

    async def fetch(
        self,
        entity: Entity,
        *,
        export_id: str | None = None,
        state_filter: Names | None = None,
        ad_product_filter: Names | None = None,
        profile_id: str | int | None = None,
        to: str | os.PathLike[str] | None = None,
        progress: OnProgress | None = None,
        pause_s: float = ads_jobs.FIRST_S,
        patience_s: float = 3600.0,
    ) -> Document:
        """As `Exports.fetch`; ``progress`` may be a coroutine function."""
        asked = _asked(state_filter, ad_product_filter)
        return await _fetch(self._caller, entity, export_id, asked, profile_id, to, progress, pause_s, patience_s)


def _asked(state_filter: Names | None, ad_product_filter: Names | None) -> dict[str, Any]:
    given = jobs.given(stateFilter=state_filter, adProductFilter=ad_product_filter)
    return {name: [value] if isinstance(value, str) else list(value) for name, value in given.items()}


async def _fetch(
    caller: Caller,
    entity: str,
    export_id: str | None,
    asked: dict[str, Any],
    profile_id: str | int | None,
    to: str | os.PathLike[str] | None,
    progress: OnProgress | None,
    pause_s: float,
    patience_s: float,
) -> Document:
    if entity not in ENTITIES:
        raise InvalidArguments(problems=[Problem("entity", f"must be one of {', '.join(ENTITIES)}")])
    if export_id is not None and asked:
        raise InvalidArguments(problems=[Problem("export_id", f"goes on without {', '.join(asked)}")])
    jobs.check_wait(caller, patience_s, progress)
    pace, file, new = ads_jobs.pace(pause_s), target(to), export_id is None
    whose, create = ads_jobs.whose(profile_id), f"{entity}.export"
    if export_id is None:
        answer = await ads_jobs.call(caller, create, {"body": asked, **whose}, patience_s)
        export_id = str(jobs.field_of(answer.data, "exportId"))
    accept = catalog.find(create, "ads").media.accept[0]  # another one than it was asked for with is refused
    arguments = {"export_id": export_id, "accept": accept, **whose}
    job = _job(caller, entity, arguments, whose)
    with jobs.resumable(job):
        found = await jobs.finished(caller, job, new=new, patience_s=patience_s, progress=progress, pace=pace)
        if found["status"] != "COMPLETED":
            error = found.get("error") or {}
            reason = ": ".join(str(error[name]) for name in ("errorCode", "message") if error.get(name))
            raise job.failure(found, reason, reason)
        ask = partial(ads_jobs.ticket, caller, GET, arguments, patience_s)
        return await ads_jobs.collect(caller, [ask], file, {"id": job.id, "metadata": ads_jobs.told(found)})


def _job(caller: Caller, entity: str, arguments: Mapping[str, Any], whose: Mapping[str, Any]) -> Job:
    known: Mapping[str, Any] | None = None

    async def look() -> Mapping[str, Any]:
        nonlocal known
        known = await ads_jobs.look(caller, GET, arguments, known)
        return known

    id = str(arguments["export_id"])
    words = ", ".join(f"{name}={value!r}" for name, value in {"export_id": id, **whose}.items())
    return Job("export", id, f"exports.fetch({entity!r}, {words})", look, status="status", queued="PROCESSING")
