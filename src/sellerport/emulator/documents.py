"""The way of every document: a job is asked for, looked at, cancelled, listed; its document is addressed and fetched.

Reports, feeds, queries and exports differ in names and in what is in their documents; this is what they share.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sellerport.emulator import bulk, page_tokens, subscriptions
from sellerport.emulator.call import Call, invalid, missing
from sellerport.emulator.jobs import Job, Kind, Outcome, Status
from sellerport.emulator.storage import Stored

LIFE_S = 300
"""How long the address of a document is good."""
KEPT_DAYS = 90


@dataclass(frozen=True)
class Content:
    """What is in a document, and what the storage says of it."""

    body: bytes
    content_type: str
    gzip: bool = False
    fatal: bool = False
    """Whether making it showed that the job cannot succeed."""


@dataclass(frozen=True)
class Document:
    """A document of an account: where it lies in the storage, and how it is wrapped."""

    id: str
    key: str
    kind: Kind
    """What it is of: only the API of its kind tells where it is."""
    type: str
    """What its report or feed was."""
    made: float
    """When it was announced, in unix seconds."""
    gzip: bool = False
    encryption: Mapping[str, str] | None = None


Make = Callable[[Call, Job], Content | None]
"""Makes what is in a finished job's document; None where there is no data."""


def create(
    call: Call,
    kind: Kind,
    type: str,
    *,
    asked: Mapping[str, Any],
    outcome: Outcome | None = None,
    page: int = 1,
) -> Job:
    """Begin a job, with the outcome given or the one that is planned for it."""
    outcome = outcome or call.world.outcome_for(kind, type) or Outcome(kind=kind)
    polls = call.world.polls if outcome.polls is None else outcome.polls
    id = str(50_000_018_000 + len(call.world.jobs))
    job = Job(id, kind, type, call.seller, asked, call.world.now(), polls, outcome, page)
    call.world.jobs[job.key] = job
    return job


def find(call: Call, kind: Kind, id: str) -> Job:
    """Return a job of the account.

    Raises:
        AmazonNotFound: there is none.
    """
    job = call.world.jobs.get((call.seller, kind, id))
    if job is None:
        raise missing(f"The {kind} {id} was not found")
    return job


def poll(call: Call, job: Job, make: Make, explain: Make, *, without_data: Status) -> Job:
    """Look at a job, which moves it on; a job that comes to its end gets its document."""
    if not job.poll(call.world.now()):
        return job
    planned, status = job.outcome, job.outcome.status
    ended: Status = status
    if planned.document and status != "CANCELLED":
        if planned.size is not None:
            _keep(call, job, _bulk(job, planned.size), gzip=planned.gzip is not False)
        else:
            content = _content(call, job, explain if status == "FATAL" else make)
            if content is None:
                ended = without_data
            else:
                ended = "FATAL" if content.fatal else status
                _wrap(call, job, content)
    job.end(ended, call.world.now())
    subscriptions.tell_end(call.world, job)
    return job


def _content(call: Call, job: Job, make: Make) -> Content | None:
    """Return what was planned for a document, or else what is made of the account's data."""
    planned = job.outcome
    if planned.body is None:
        content = make(call, job)
    else:
        content = Content(planned.body.encode(planned.charset), f"text/plain;charset={planned.charset}")
    if content is None:
        return None
    lines = content.body.splitlines(keepends=True) if planned.pages > 1 else [content.body]
    share = -(-len(lines) // planned.pages)
    return Content(
        b"".join(lines[share * (job.page - 1) : share * job.page]),
        planned.content_type or content.content_type,
        content.gzip if planned.gzip is None else planned.gzip,
        content.fatal,
    )


def _bulk(job: Job, size: int) -> Stored:
    packed = job.outcome.gzip is not False
    return bulk.stored(
        size,
        job.outcome.content_type or "text/plain;charset=UTF-8",
        _encoding(job, packed),
        form=bulk.JSONL if job.kind == "query" else bulk.TSV,
        packed=packed,
    )


def _encoding(job: Job, packed: bool) -> str | None:
    """Return what the storage says of a document by itself: Data Kiosk alone leaves it to HTTP to say this."""
    return "gzip" if packed and job.kind == "query" else None


def cancel(call: Call, job: Job, *, from_statuses: Sequence[Status]) -> None:
    """Cancel a job that has not come too far.

    Raises:
        AmazonRefused: it has.
    """
    if job.status not in from_statuses:
        raise invalid(f"The {job.kind} {job.id} is {job.status} and can no longer be cancelled")
    job.end("CANCELLED", call.world.now())
    subscriptions.tell_end(call.world, job)


def listed(call: Call, kind: Kind, *, types: str | None = None) -> tuple[list[Job], str]:
    """Return one page of an account's jobs, the newest first, and the token of the next, if there is one.

    ``types`` is the name of the filter that has to be given where no token is. A token stands alone where the catalogue
    says so, and takes the page size with it; elsewhere all but the page size has to be sent again.
    """
    paging = call.operation.paging
    assert paging is not None
    given = call.one(paging.token)
    arguments = {name: call.many(name) for name in call.query if name not in (paging.token, "pageSize")}
    if given is not None and paging.alone:
        if set(call.query) != {paging.token}:
            raise invalid(f"{paging.token} must be the only parameter")
        ids, size = page_tokens.redeem(call, given, name=paging.token)
    else:
        size = call.size("pageSize", most=100, default=10)
        if given is not None:
            ids, _ = page_tokens.redeem(call, given, name=paging.token, arguments=arguments)
        elif types is not None and not call.many(types):
            raise invalid(f"Either {types} or {paging.token} must be provided")
        else:
            ids = _matching(call, kind, types)
    rest = ids[size:]
    token = page_tokens.issue(call, (rest, size), arguments=arguments) if rest else ""
    return [call.world.jobs[call.seller, kind, one] for one in ids[:size]], token


def _matching(call: Call, kind: Kind, types: str | None) -> tuple[str, ...]:
    since, until = call.time("createdSince"), call.time("createdUntil")
    since = call.world.now() - KEPT_DAYS * 86_400 if since is None else since
    wanted, statuses = call.many(types) if types else [], call.many("processingStatuses")
    marketplaces = set(call.many("marketplaceIds"))
    return tuple(
        job.id
        for job in reversed(call.world.jobs.values())
        if (job.account, job.kind) == (call.seller, kind)
        and (not wanted or job.type in wanted)
        and (not statuses or job.status in statuses)
        and (not marketplaces or marketplaces & set(job.asked.get("marketplaceIds", ())))
        and since <= job.created
        and (until is None or job.created <= until)
    )


def facts(job: Job) -> dict[str, Any]:
    """Return what every API says of a job; what is not known yet is left out."""
    times = {"createdTime": job.created, "processingStartTime": job.started, "processingEndTime": job.ended}
    return {
        "processingStatus": job.status,
        **{name: moment(when) for name, when in times.items() if when is not None},
        **{name: job.asked[name] for name in ("marketplaceIds", "dataStartTime", "dataEndTime") if name in job.asked},
    }


def moment(when: float) -> str:
    """Return a time as the document APIs write it."""
    return f"{datetime.fromtimestamp(when, UTC):%Y-%m-%dT%H:%M:%S+00:00}"


# --- documents --------------------------------------------------------------------------------------------------------


def document(call: Call, kind: Kind, id: str) -> Document:
    """Return a document of the account.

    Raises:
        AmazonNotFound: there is none of this kind.
    """
    found: Document | None = call.world.documents.get((call.seller, id))
    if found is None or found.kind != kind:
        raise missing(f"The document {id} was not found")
    return found


def add(
    call: Call, kind: Kind, type: str, *, gzip: bool = False, encryption: Mapping[str, str] | None = None
) -> Document:
    """Note a document; its bytes may come later."""
    id = f"amzn1.spdoc.1.4.{call.region}.{call.world.uuid()}.{call.world.secret('T', 12).upper()}"
    made = Document(id, f"{kind}s/{call.world.uuid()}", kind, type, call.world.now(), gzip, encryption)
    call.world.documents[call.seller, id] = made
    return made


def address(call: Call, found: Document, *, life_s: int = LIFE_S, query: Mapping[str, str] | None = None) -> str:
    """Return where a document can be fetched for a while."""
    return call.world.storage.presign("GET", call.address, found.key, now=call.world.now(), life_s=life_s, query=query)


def addressed(call: Call, found: Document, id_name: str) -> dict[str, Any]:
    """Return the answer that tells where a report or feed document is.

    With ``enableContentEncodingUrlHeader`` the storage will call a compressed document ``gzip``, so that HTTP clients
    open it by themselves; without, ``identity``.
    """
    query = {}
    if found.gzip:
        asked = (call.one("enableContentEncodingUrlHeader") or "").lower() == "true"
        query["response-content-encoding"] = "gzip" if asked else "identity"
    answer: dict[str, Any] = {id_name: found.id, "url": address(call, found, query=query)}
    if found.gzip:
        answer["compressionAlgorithm"] = "GZIP"
    if found.encryption is not None:
        answer["encryptionDetails"] = found.encryption
    return answer


def _wrap(call: Call, job: Job, content: Content) -> None:
    body = gzip.compress(content.body, mtime=0) if content.gzip else content.body
    encryption = None
    if job.outcome.encrypted:
        key, start = bytes.fromhex(call.world.secret("", 64)), bytes.fromhex(call.world.secret("", 32))
        body = _encrypted(body, key, start)
        encryption = {
            "standard": "AES",
            "initializationVector": base64.b64encode(start).decode(),
            "key": base64.b64encode(key).decode(),
        }
    stored = Stored.of(body, content.content_type, _encoding(job, content.gzip))
    _keep(call, job, stored, gzip=content.gzip, encryption=encryption)


def _keep(call: Call, job: Job, stored: Stored, *, gzip: bool, encryption: Mapping[str, str] | None = None) -> None:
    made = add(call, job.kind, job.type, gzip=gzip, encryption=encryption)
    call.world.storage.objects[made.key] = stored
    job.document = made.id


def _encrypted(body: bytes, key: bytes, start: bytes) -> bytes:
    """AES-256-CBC with PKCS padding, as the APIs of 2020 had it: compressed first, then encrypted."""
    from cryptography.hazmat.primitives import padding  # noqa: PLC0415  # only planned documents need it
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415  # the same

    padder = padding.PKCS7(algorithms.AES.block_size).padder()
    cipher = Cipher(algorithms.AES(key), modes.CBC(start)).encryptor()
    return cipher.update(padder.update(body) + padder.finalize()) + cipher.finalize()
