"""What callers are answered: connectors, results and errors, in the contract's shapes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from sellerport.errors import (
    AccessDenied,
    AmazonError,
    AmazonUnavailable,
    InvalidArguments,
    NoAnswer,
    SellerportError,
    SettingsError,
    StoreError,
    Throttled,
    TokenUnavailable,
    TooManyRequests,
    Unauthenticated,
    VaultError,
)
from sellerport.server.connector_api import shapes
from sellerport.server.connector_api.definitions import DEFINITIONS
from sellerport.server.hub import PROBES, Connection, Platform

RETRY_AFTER_S = 5
"""When to come back where the error does not say: a database that was away is used again at once."""

_INSIDE = (StoreError, VaultError, SettingsError)
"""Errors whose messages are for the operator: they name paths and keys."""


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON answer. None may be kept by a cache: they hold tokens and personal data."""
    return Response(
        msgspec.json.encode(body),
        status,
        {"cache-control": "no-store", "x-content-type-options": "nosniff", **(headers or {})},
        "application/json",
    )


def empty() -> Response:
    """Return an answer that says no more than that it is done."""
    return Response(status_code=204, headers={"cache-control": "no-store", "x-content-type-options": "nosniff"})


def detailed(connection: Connection) -> shapes.Connector:
    """Return a connector as create and get answer it."""
    return {
        **_common(connection),
        "source_template": DEFINITIONS[connection.platform].detailed,
        "replication_config": connection.replication_config,
        "entities": connection.entities or [],  # type: ignore[typeddict-item]  # as they were checked
    }


def summarized(connection: Connection) -> shapes.ConnectorSummary:
    """Return a connector as list answers it."""
    return {**_common(connection), "summarized_source_template": DEFINITIONS[connection.platform].summarized}


def checked(id: str, platform: Platform, error: SellerportError | None) -> shapes.Check:
    """Return how a check went; ``id`` is the connector's, or the check's own."""
    entity, _ = PROBES[platform]
    if error is None:
        tried: shapes.EntityCheck = {
            "entity": entity,
            "status": "succeeded",
            "status_code": None,
            "error_message": None,
        }
        return {
            "id": id,
            "status": "succeeded",
            "error_message": None,
            "failure_reason": None,
            "entity_check_results": [tried],
        }
    passing = isinstance(error, Throttled | AmazonUnavailable | NoAnswer | TokenUnavailable)
    failed: shapes.EntityCheck = {
        "entity": entity,
        "status": "failed",
        "status_code": error.status if isinstance(error, AmazonError) else None,
        "error_message": error.message,
    }
    return {
        "id": id,
        "status": "failed",
        "error_message": error.message,
        "failure_reason": {
            "timestamp": int(datetime.now(UTC).timestamp() * 1000),
            "failure_origin": "source",
            "failure_type": "transient_error" if passing else "config_error",
            "external_message": error.message,
            "retryable": passing,
        },
        "entity_check_results": [failed],
    }


def refuse(request: Request, error: SellerportError) -> Response:
    """Return an error in the contract's shape.

    The first entry's ``details`` are the error's facts, from which a client of ours raises the same error again.
    """
    shown = type(error)() if isinstance(error, _INSIDE) else error
    status, headers = _status(error), {}
    if status == 503 or isinstance(error, Throttled | TooManyRequests):
        headers["retry-after"] = str(math.ceil(getattr(error, "retry_after", 0) or RETRY_AFTER_S))
    if isinstance(error, Unauthenticated):
        headers["www-authenticate"] = "Bearer"
    found: list[tuple[str | None, str, str]]
    if isinstance(error, InvalidArguments) and error.problems:
        found = [(problem.field or "body", problem.message, "value_error") for problem in error.problems]
    else:
        found = [(None, shown.message, shown.code)]
    entries = [
        {"field": field, "message": message, "error_code": code, "details": None if number else shown.facts()}
        for number, (field, message, code) in enumerate(found)
    ]
    body = {"message": shown.message, "errors": entries, "request_id": request.state.request_id}
    return answer(body, status, headers)


def _status(error: SellerportError) -> int:
    if isinstance(error, AccessDenied):
        return 403  # Amazon's 401 is not this server's: the caller's own token is good
    if isinstance(error, AmazonError) and not 400 <= error.status < 500:
        return 502
    return error.status


def _common(connection: Connection) -> shapes.ConnectorFacts:
    return {
        "id": connection.id,
        "name": connection.name,
        "created_at": written(connection.created_at),
        "updated_at": written(connection.updated_at),
        # ours
        "workspace_name": connection.customer,
        "platform": connection.platform,
        "status": connection.status,  # type: ignore[typeddict-item]  # who is disconnected is not answered
        "region": connection.region,
        "marketplace": connection.marketplace,
        "selling_partner_id": connection.selling_partner_id,
        "profiles": connection.profiles,
        "profile_id": connection.profile_id,
        "last_success_at": written(connection.last_success_at),
        "last_error_at": written(connection.last_error_at),
        "last_error": connection.last_error,
    }


def written(seconds: float | None) -> str | None:
    """Return seconds since the epoch as answers have times: ISO 8601 in UTC, to the millisecond."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
