"""The one path that every call takes: token → limit → send → classify → retry or raise.

What an answer means, and what is done about it:

* 2xx is a result;
* 403 (or 401) that says the access token expired or is revoked: one new token, one replay;
* 429: wait for the account's next slot, and again; it was refused before being processed, so that is safe for writes;
* 5xx, and no answer: again for what only reads, or when the request certainly never left; otherwise raised at once;
* everything else is raised at once.

Pauses between retries have full jitter; waiting ends when a call's patience does.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

import msgspec

from sellerport import catalog
from sellerport.catalog import Operation
from sellerport.errors import (
    AccessDenied,
    AmazonError,
    AmazonNotFound,
    AmazonRefused,
    AmazonUnavailable,
    NoAnswer,
    Throttled,
)
from sellerport.limits import Limits
from sellerport.oauth import Grant, TokenAnswer, Tokens
from sellerport.regions import Amazon, Region
from sellerport.serialize import Prepared
from sellerport.wire import UNREADABLE, Request, Response, Wire

log = logging.getLogger(__name__)

T = TypeVar("T")

ATTEMPTS = 4
BACKOFF_S = 0.5
BACKOFF_MOST_S = 20.0
SANDBOX_RATE, SANDBOX_BURST = 5.0, 15.0


class Result(Generic[T]):
    """What Amazon answered: ``data`` is the decoded body as it came, ``result["payload"]`` looks inside it.

    ``headers`` has its names in lower case.
    """

    __slots__ = ("data", "headers", "status")

    def __init__(self, data: T, status: int, headers: Mapping[str, str]) -> None:
        self.data = data
        self.status = status
        self.headers = headers

    @property
    def payload(self) -> Any:
        """What is inside the envelope that some APIs have (``{"payload": …}``), or the whole body."""
        return self.data["payload"] if isinstance(self.data, dict) and "payload" in self.data else self.data

    @property
    def request_id(self) -> str | None:
        """What Amazon's support asks for."""
        return self.headers.get("x-amzn-requestid")

    def __getitem__(self, key: Any) -> Any:
        return self.data[key]  # type: ignore[index]  # T is whatever JSON the operation answers with

    def __contains__(self, key: object) -> bool:
        return key in self.data  # type: ignore[operator]  # as above

    __iter__ = None  # a result is no sequence; what to go through is inside ``data``

    def __repr__(self) -> str:
        return f"Result(status={self.status}, request_id={self.request_id!r})"  # the body may hold personal data


@dataclass(frozen=True)
class Session:
    """Whose calls these are, and how patient they are.

    ``patience_s`` bounds the waiting of one call for slots and between retries, in seconds. ``limit`` says what to do
    when the account's rate limit is used up: wait for the next slot, or raise `Throttled`.
    """

    grant: Grant
    region: Region
    amazon: Amazon = field(default_factory=Amazon)
    sandbox: bool = False
    tokens: Tokens = field(default_factory=Tokens)
    limits: Limits = field(default_factory=Limits)
    limit: Literal["wait", "raise"] = "wait"
    timeout_s: float = 30.0
    patience_s: float = 300.0
    jitter: Callable[[], float] = random.random
    on_token_refresh: Callable[[TokenAnswer], None] | None = None

    def grant_for(self, operation: Operation) -> Grant:
        """Return the account's grant, or the application's own where the operation needs no account."""
        return Grant(self.grant.client, scope=operation.scope) if operation.scope else self.grant


@dataclass
class _Attempts:
    """What one call has used up so far."""

    waited_s: float = 0.0
    failures: int = 0
    replayed: bool = False


async def call(wire: Wire, session: Session, operation: Operation, prepared: Prepared) -> Result[Any]:
    """Make one call, and see it through.

    Raises:
        AmazonRefused: Amazon will not do it: `AccessDenied`, `AmazonNotFound`, and every other 4xx.
        Throttled: no slot within the session's patience, or at once when it says ``raise``.
        AmazonUnavailable: 5xx or an unreadable answer, after the retries.
        NoAnswer: nothing came back, after the retries.
        TokenError: there is no access token to call with; see `sellerport.oauth`.
    """
    used = _Attempts()
    grant = session.grant_for(operation)
    bucket = _bucket_of(session, grant, operation)
    token = await session.tokens.get(wire, session.amazon, grant, on_refresh=session.on_token_refresh)
    while True:
        await _wait_for_slot(wire, session, bucket, used)
        try:
            answer = await wire.send(_request(session, prepared, token))
        except NoAnswer as error:
            if error.sent and operation.write:
                raise
            await _back_off(wire, session, used, error)
            continue
        session.limits.learn(*bucket, answer.headers.get("x-amzn-ratelimit-limit"))
        try:
            return _read(operation, answer)
        except Throttled:
            session.limits.throttled(*bucket)
        except AmazonUnavailable as error:
            if operation.write:
                raise
            await _back_off(wire, session, used, error)
        except AccessDenied as error:
            if used.replayed or not _blames_token(error):
                raise
            used.replayed = True
            token = await session.tokens.get(
                wire, session.amazon, grant, instead_of=token, on_refresh=session.on_token_refresh
            )


_Bucket = tuple[object, Operation]


def _bucket_of(session: Session, grant: Grant, operation: Operation) -> _Bucket:
    """Return which of the account's buckets a call draws from; the sandbox has its own, with one rate for all."""
    if session.sandbox:
        return (grant, "sandbox"), msgspec.structs.replace(operation, rate=SANDBOX_RATE, burst=SANDBOX_BURST)
    return grant, operation


async def _wait_for_slot(wire: Wire, session: Session, bucket: _Bucket, used: _Attempts) -> None:
    most_s = 0.0 if session.limit == "raise" else session.patience_s - used.waited_s
    pause, key = session.limits.reserve(*bucket, most_s), bucket[1].key
    if pause <= 0:
        return
    if pause > most_s:
        what = "the rate limit of this operation is used up for this account"
        raise Throttled(f"{what}; try again in {pause:.1f} s", retry_after=pause, operation=key)
    log.log(logging.INFO if pause > 1 else logging.DEBUG, "%s waits %.1f s for its slot", key, pause)
    used.waited_s += pause
    try:
        await wire.sleep(pause)
    except BaseException:  # cancelled: the slot is for someone else
        session.limits.give_back(*bucket)
        raise


async def _back_off(wire: Wire, session: Session, used: _Attempts, error: AmazonError | NoAnswer) -> None:
    """Wait before another attempt, or raise the error when there are none left."""
    used.failures += 1
    pause = session.jitter() * min(BACKOFF_MOST_S, BACKOFF_S * 2**used.failures)
    if used.failures >= ATTEMPTS or used.waited_s + pause > session.patience_s:
        raise error
    used.waited_s += pause
    await wire.sleep(pause)


def _request(session: Session, prepared: Prepared, token: str) -> Request:
    host = session.region.sandbox if session.sandbox else session.region.host
    headers = {"accept": "application/json", "x-amz-access-token": token, **prepared.headers}
    url = session.amazon.url(host, prepared.path)
    return Request(prepared.method, url, headers, prepared.body, timeout_s=session.timeout_s)


def _blames_token(error: AccessDenied) -> bool:
    """Whether another token may help. A revoked one shows as such only when Login with Amazon is asked again."""
    said = error.details.lower()
    return "access token" in said and ("expired" in said or "revoked" in said)


def _read(operation: Operation, answer: Response) -> Result[Any]:
    """Return the result that an answer holds, or raise what it means."""
    status, headers, body = answer.status, answer.headers, answer.body
    if 200 <= status < 300:
        if status == 204 or (not body and _has_no_body(operation, status)):
            return Result(None, status, headers)
        try:
            data = msgspec.json.decode(body)
        except UNREADABLE as error:
            what = "is no JSON" if body else "is empty"
            raise AmazonUnavailable(
                f"the answer {what}; try again", status=502, operation=operation.key, request_id=_id(headers)
            ) from error
        if not (isinstance(data, dict) and data.keys() == {"errors"} and data["errors"]):
            return Result(data, status, headers)
    said = _first_error(body)
    facts: dict[str, Any] = {
        "status": status,
        "amazon_code": said.code,
        "details": said.details,
        "request_id": _id(headers),
        "operation": operation.key,
    }
    raise _KINDS.get(status, AmazonRefused if status < 500 else AmazonUnavailable)(said.message, **facts)


def _has_no_body(operation: Operation, status: int) -> bool:
    responses = catalog.schemas(operation.api).of(operation).responses if operation.api else {}
    return responses.get(str(status)) is None


_KINDS: dict[int, type[AmazonError]] = {401: AccessDenied, 403: AccessDenied, 404: AmazonNotFound, 429: Throttled}


def _id(headers: Mapping[str, str]) -> str | None:
    return headers.get("x-amzn-requestid")


@dataclass(frozen=True)
class _Said:
    code: str = ""
    message: str = ""
    details: str = ""


def _first_error(body: bytes) -> _Said:
    """Read Amazon's first error, in any of the forms it comes in: wrapped or bare, a list or one, or no JSON at all."""
    try:
        found = msgspec.json.decode(body)
    except UNREADABLE:
        return _Said()
    if isinstance(found, dict) and "errors" in found:
        found = found["errors"]
    if isinstance(found, list):
        found = found[0] if found else {}
    if not isinstance(found, dict):
        return _Said()
    return _Said(*(str(found.get(name) or "") for name in ("code", "message", "details")))
