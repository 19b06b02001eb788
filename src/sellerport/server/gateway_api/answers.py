"""What callers of the gateway are answered: data in an envelope, and errors in the contract's shape."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from sellerport.errors import (
    AmazonError,
    CarrierFailed,
    InvalidArguments,
    SellerportError,
    SettingsError,
    StoreError,
    Throttled,
    TooManyRequests,
    Unauthenticated,
    VaultError,
)

RETRY_AFTER_S = 5
"""When to come back where the error does not say."""

OURS = "X-ADB-Error"
"""The header that tells this server's errors from Amazon's."""

_INSIDE = (StoreError, VaultError, SettingsError)
"""Errors whose messages are for the operator: they name paths and keys."""

_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON answer as it is. None may be kept by a cache."""
    content_type = "application/json; charset=utf-8"
    return Response(msgspec.json.encode(body), status, {**_HEADERS, "content-type": content_type, **(headers or {})})


def success(data: Any, status: int = 200) -> Response:
    """Return data in the contract's envelope."""
    return answer({"success": True, "data": data}, status)


def refuse(request: Request, error: SellerportError) -> Response:
    """Return an error in the contract's shape; what this server adds are a code, a request id and a header."""
    return answer(refusal(error, request.state.request_id), *head(error))


def refusal(error: SellerportError, request_id: str) -> dict[str, Any]:
    """Return the body of an error."""
    shown = type(error)() if isinstance(error, _INSIDE) else error
    message = shown.message
    if isinstance(error, InvalidArguments) and error.problems:
        message = "; ".join(f"{problem.field} {problem.message}" for problem in error.problems)
    told: dict[str, Any] = {"message": message, "code": shown.code, "request_id": request_id}
    if isinstance(error, CarrierFailed):
        told |= {"carrier_status": error.carrier_status, "carrier_response": error.carrier_response}
        told["outcome"] = error.outcome
    return {"success": False, "error": told}


def head(error: SellerportError) -> tuple[int, dict[str, str]]:
    """Return the status and the headers of an error."""
    status, headers = _status(error), {OURS: "1"}
    if status == 503 or isinstance(error, Throttled | TooManyRequests):
        wait = math.ceil(getattr(error, "retry_after", 0) or RETRY_AFTER_S)
        headers["retry-after"] = str(wait)
        if isinstance(error, TooManyRequests) and error.limit is not None:
            headers["x-ratelimit-limit"] = str(error.limit)
            headers["x-ratelimit-remaining"] = "0"
            headers["x-ratelimit-reset"] = str(math.ceil(time.time()) + wait)
    if isinstance(error, Unauthenticated):
        headers["www-authenticate"] = 'ADB realm="sellerport"'
    return status, headers


def written(seconds: float | None) -> str | None:
    """Return seconds since the epoch as answers have times: ISO 8601 in UTC, to the millisecond."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _status(error: SellerportError) -> int:
    if isinstance(error, InvalidArguments):
        return 400
    if isinstance(error, AmazonError):
        return 429 if isinstance(error, Throttled) else 502
    return error.status
