"""The one path that every call takes: token → limit → send → classify → retry or raise.

What an answer means, and what is done about it:

* 2xx is a result;
* 403 (or 401) that says the access token expired or is revoked: one new token, one replay;
* 429: wait for the account's next slot, and again; it was refused before being processed, so that is safe for writes;
  the Ads API states no rates, so there each refusal is waited out longer than the one before, or as long as it says;
* 5xx, and no answer: again for what only reads, or when the request certainly never left; otherwise raised at once;
* everything else is raised at once, with advice where the answer allows it.

Pauses between retries have full jitter; waiting ends when a call's patience does.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, Literal, Protocol

import msgspec

from sellerport import advice, answers, limits, tracing
from sellerport.answers import Result
from sellerport.catalog import Operation
from sellerport.errors import (
    AccessDenied,
    AmazonError,
    AmazonRefused,
    AmazonUnavailable,
    NoAnswer,
    SellerportError,
    Throttled,
)
from sellerport.limits import Account, Limiter, Limits, Slot
from sellerport.oauth import Grant, OnRefresh, Source, Tokens
from sellerport.regions import AdsRegion, Amazon, Region
from sellerport.serialize import JSON, Prepared
from sellerport.wire import Request, Wire

log = logging.getLogger(__name__)

ATTEMPTS = 4
BACKOFF_S = 0.5
BACKOFF_MOST_S = 20.0
THROTTLED_MOST_S = 60.0


@dataclass(frozen=True)
class Session:
    """Whose calls these are, and how patient they are.

    ``patience_s`` bounds what one call waits for slots, between retries and for answers, in seconds; what has been sent
    is not cut short by it. ``limit`` says what to do when the account's rate limit is used up: wait for the next slot,
    or raise `Throttled`.
    """

    source: Source
    region: Region | AdsRegion
    amazon: Amazon = field(default_factory=Amazon)
    sandbox: bool = False
    tokens: Tokens = field(default_factory=Tokens)
    limits: Limiter = field(default_factory=Limits)
    limit: Literal["wait", "raise"] = "wait"
    timeout_s: float = 30.0
    patience_s: float = 300.0
    jitter: Callable[[], float] = random.random
    on_token_refresh: OnRefresh | None = None
    clock: Callable[[], float] = time.monotonic

    async def account(self, wire: Wire) -> tuple[Amazon, str]:
        """Return what tells this account from others, at this Amazon."""
        return self.amazon, (await self.source.grant(wire)).fingerprint

    def slot(self, grant: Grant, operation: Operation) -> Slot:
        """Return a call's way through the buckets; the sandbox has its own, as has each of Amazon's endpoints."""
        endpoint = self.amazon.url(_host(self), "/")
        return Slot(_account(endpoint, grant.for_scope(operation.scope)), operation, sandbox=self.sandbox)


@lru_cache(maxsize=4096)
def _account(endpoint: str, grant: Grant) -> Account:
    """Return whose buckets a call draws from, without naming anybody."""
    import hashlib  # noqa: PLC0415  # loads OpenSSL, which not every program needs

    named = (grant.client.client_id or grant.fingerprint, endpoint)
    return Account(hashlib.sha256(msgspec.json.encode(named)).hexdigest()[:32], grant.fingerprint)


class TokenSource(Protocol):
    """Where a call's token comes from."""

    async def __call__(self, instead_of: str | None = None) -> str:
        """Return a token, and not the one that was refused."""
        ...


@dataclass
class _Attempts:
    """What one call has used up so far."""

    waited_s: float = 0.0
    failures: int = 0
    refusals: int = 0
    sent: int = 0
    replayed: bool = False
    last: AmazonError | NoAnswer | None = None
    """Why it is sent again."""


async def call(
    wire: Wire, session: Session, operation: Operation, prepared: Prepared, token: TokenSource | None = None
) -> Result[Any, Any]:
    """Make one call, and see it through.

    Args:
        wire: what to send and wait with.
        session: whose call it is.
        operation: which.
        prepared: its arguments.
        token: where to have the token from, instead of the session's grant.

    Raises:
        AmazonRefused: Amazon will not do it: `AccessDenied`, `AmazonNotFound`, and every other 4xx.
        Throttled: no slot within the session's patience, or at once when it says ``raise``.
        AmazonUnavailable: 5xx or an unreadable answer, after the retries.
        NoAnswer: nothing came back, after the retries.
        TokenError: there is no access token to call with; see `sellerport.oauth`.
    """
    source, used, started = token or _source_of(wire, session, operation), _Attempts(), session.clock()
    status: int | None = None
    request_id: str | None = None
    said = "ok"
    with tracing.span(operation.key) as facts:
        try:
            result = await _see_through(wire, session, operation, prepared, source, used)
            status, request_id = result.status, result.request_id
            return result
        except AmazonError as error:
            status, request_id, said = error.status, error.request_id, error.code
            raise
        except SellerportError as error:
            said = error.code
            raise
        finally:
            if facts is not None:
                facts |= _facts(session, operation, status, request_id, used)
            took_ms = (session.clock() - started) * 1e3
            log.debug(
                "%s %s %s: %s, %.0f ms, request id %s",
                operation.key,
                session.region.name,
                status,
                said,
                took_ms,
                request_id,
            )


def _source_of(wire: Wire, session: Session, operation: Operation) -> TokenSource:
    """Return where ordinary calls have their token from: the account's grant, or the application's own."""
    return partial(
        session.source.token,
        wire,
        session.tokens,
        session.amazon,
        scope=operation.scope,
        timeout_s=session.timeout_s,
        on_refresh=session.on_token_refresh if operation.scope is None else None,
    )


def _facts(
    session: Session, operation: Operation, status: int | None, request_id: str | None, used: _Attempts
) -> dict[str, Any]:
    """Return what a span tells of a call (OpenTelemetry's semantic conventions for HTTP clients)."""
    return {
        "http.request.method": operation.method,
        "server.address": _host(session),
        "url.template": operation.path,
        "http.response.status_code": status,
        "http.request.resend_count": max(0, used.sent - 1),
        "aws.request_id": request_id,
    }


async def _see_through(
    wire: Wire, session: Session, operation: Operation, prepared: Prepared, source: TokenSource, used: _Attempts
) -> Result[Any, Any]:
    """Send a call until it has an answer that stands, or no more attempts."""
    grant = await session.source.grant(wire)
    slot = session.slot(grant, operation)
    token, refused = await source(), None
    while True:
        most_s = 0.0 if session.limit == "raise" else session.patience_s - used.waited_s
        try:
            waited_s = await limits.wait(session.limits, wire, slot, most_s)
        except Throttled as spent:
            if used.last is None:
                raise
            if isinstance(used.last, Throttled):
                used.last.retry_after = spent.retry_after
            if isinstance(used.last, AmazonError):
                used.last.advice = spent.message
            raise used.last from None  # it has Amazon's own words and request id
        if waited_s:
            used.waited_s += waited_s
            token = await source(instead_of=refused)  # it may have expired meanwhile
        used.sent, began = used.sent + 1, session.clock()
        try:
            answer = await wire.send(_request(session, grant, operation, prepared, token))
        except NoAnswer as error:
            if error.sent and operation.write:
                raise
            used.waited_s += session.clock() - began
            await _back_off(wire, session, used, error)
            continue
        used.waited_s += session.clock() - began
        await session.limits.learn(wire, slot, answer.headers.get("x-amzn-ratelimit-limit"))
        try:
            return answers.read(operation, answer)
        except Throttled as error:
            used.last = error
            await session.limits.throttled(wire, slot)
            if operation.family == "ads":
                await _give_way(wire, session, used, error, answer.headers.get("retry-after"))
        except AmazonUnavailable as error:
            if operation.write:
                raise
            await _back_off(wire, session, used, error)
        except AccessDenied as error:
            if used.replayed or not advice.blames_token(operation, error):
                error.advice = advice.of(session.region, operation, prepared, error)
                raise
            used.replayed, used.last, refused = True, error, token
            token = await source(instead_of=refused)
        except AmazonRefused as error:
            error.advice = advice.of(session.region, operation, prepared, error)
            raise


async def _give_way(wire: Wire, session: Session, used: _Attempts, error: Throttled, header: str | None) -> None:
    """Wait as long as the Ads API says, or longer each time where it does not: it states no rates."""
    used.refusals += 1
    told = float(header) if header and header.isdecimal() else 0.0
    pause = told or min(THROTTLED_MOST_S, 2.0**used.refusals) * (0.5 + session.jitter() / 2)
    if session.limit == "raise" or used.waited_s + pause > session.patience_s:
        error.retry_after = pause
        raise error
    used.waited_s += pause
    await wire.sleep(pause)


async def _back_off(wire: Wire, session: Session, used: _Attempts, error: AmazonError | NoAnswer) -> None:
    """Wait before another attempt, or raise the error when there are none left."""
    used.failures, used.last = used.failures + 1, error
    pause = session.jitter() * min(BACKOFF_MOST_S, BACKOFF_S * 2**used.failures)
    if used.failures >= ATTEMPTS or used.waited_s + pause > session.patience_s:
        raise error
    used.waited_s += pause
    await wire.sleep(pause)


def _request(session: Session, grant: Grant, operation: Operation, prepared: Prepared, token: str) -> Request:
    accepted = next(iter(operation.media.accept), JSON)
    headers = {"accept": accepted, **_identity(grant, operation, token), **prepared.headers}
    url = session.amazon.url(_host(session), prepared.path)
    return Request(prepared.method, url, headers, prepared.body, timeout_s=session.timeout_s)


def _identity(grant: Grant, operation: Operation, token: str) -> dict[str, str]:
    """Return the headers that say who calls."""
    if operation.family == "seller-partner":
        return {"x-amz-access-token": token}
    client_id = grant.client.client_id
    identity = {"authorization": f"Bearer {token}", "Amazon-Advertising-API-ClientId": client_id}
    # version 1 has a name of its own for it, and its clients send the old one too
    return identity | ({"Amazon-Ads-ClientId": client_id} if operation.api == "v1" else {})


def _host(session: Session) -> str:
    return session.region.sandbox if session.sandbox and isinstance(session.region, Region) else session.region.host
