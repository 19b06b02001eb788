"""The routes of webhooks. They are this server's own: the contract has none."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, get_args

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from sellerport.errors import InvalidArguments, Problem
from sellerport.server.connector_api import shapes
from sellerport.server.connector_api.answers import answer, written
from sellerport.server.connector_api.requests import body_of, caller_of, is_number
from sellerport.server.connector_api.table import Endpoint, Parameter
from sellerport.server.hub import Delivery, DeliveryStatus, NewSecret, Webhook
from sellerport.server.requests import hub_of

MOST = 500
"""Deliveries in one answer."""


class WebhookRequest(msgspec.Struct):
    """Where events go, and which; all if none are named."""

    url: str
    types: list[str] = []


class ReplayRequest(msgspec.Struct):
    """One event, or all that are dead since a time."""

    event_id: str | None = None
    since: datetime | None = None


async def create(request: Request) -> Response:
    """Make a webhook; the answer shows its secret, this once."""
    caller = await caller_of(request)
    given = await body_of(request, WebhookRequest)
    return answer(_secret(await hub_of(request).webhooks.create(caller, given.url, given.types)), 201)


async def list_all(request: Request) -> Response:
    """List the organization's webhooks."""
    caller = await caller_of(request)
    return answer({"data": [_webhook(one) for one in await hub_of(request).webhooks.all(caller)]})


async def get(request: Request) -> Response:
    """Show one webhook."""
    caller = await caller_of(request)
    return answer(_webhook(await hub_of(request).webhooks.get(caller, request.path_params["id"])))


async def delete(request: Request) -> Response:
    """Delete one webhook."""
    caller = await caller_of(request)
    await hub_of(request).webhooks.delete(caller, request.path_params["id"])
    return answer({"deleted": True})


async def rotate_secret(request: Request) -> Response:
    """Make another secret; the answer shows it, this once."""
    caller = await caller_of(request)
    return answer(_secret(await hub_of(request).webhooks.rotate_secret(caller, request.path_params["id"])))


async def test(request: Request) -> Response:
    """Send ``webhook.ping``."""
    caller = await caller_of(request)
    await hub_of(request).webhooks.test(caller, request.path_params["id"])
    return answer({"type": "webhook.ping"}, 202)


async def deliveries(request: Request) -> Response:
    """List a webhook's deliveries, the newest first."""
    caller = await caller_of(request)
    problems = []
    status, most = request.query_params.get("status"), request.query_params.get("limit", "100")
    if status is not None and status not in get_args(DeliveryStatus):
        problems.append(Problem("status", f"must be one of {', '.join(get_args(DeliveryStatus))}"))
    if not is_number(most, MOST):
        problems.append(Problem("limit", f"must be a number from 1 to {MOST}"))
    if problems:
        raise InvalidArguments(problems=problems)
    id, hub = request.path_params["id"], hub_of(request)
    found = await hub.webhooks.deliveries(caller, id, status=status, most=int(most))  # type: ignore[arg-type]  # see above
    return answer({"data": [_delivery(one) for one in found]})


async def replay(request: Request) -> Response:
    """Send one event again, or all that are dead since a time."""
    caller = await caller_of(request)
    given = await body_of(request, ReplayRequest)
    id, webhooks = request.path_params["id"], hub_of(request).webhooks
    if (given.event_id is None) == (given.since is None):
        problem = "give this, or 'since' for all dead events from a time on; and not both"
        raise InvalidArguments(problems=[Problem("event_id", problem)])
    if given.event_id is not None:
        await webhooks.replay(caller, id, given.event_id)
        return answer({"events": 1}, 202)
    assert given.since is not None
    since = given.since if given.since.tzinfo else given.since.replace(tzinfo=UTC)
    return answer({"events": await webhooks.replay_dead(caller, id, since.timestamp())}, 202)


def _webhook(webhook: Webhook) -> dict[str, Any]:
    created_at = written(webhook.created_at)
    return {"id": webhook.id, "url": webhook.url, "types": webhook.types, "created_at": created_at}


def _secret(made: NewSecret) -> dict[str, Any]:
    return {**_webhook(made.webhook), "secret": made.secret}


def _delivery(delivery: Delivery) -> dict[str, Any]:
    return {
        "event_id": delivery.event_id,
        "type": delivery.type,
        "connection_id": delivery.connection_id,
        "status": delivery.status,
        "attempts": delivery.attempts,
        "created_at": written(delivery.created_at),
        "last_attempt_at": written(delivery.last_attempt_at),
        "next_attempt_at": written(delivery.next_attempt_at),
        "last_status": delivery.last_status,
        "last_error": delivery.last_error,
        "delivered_at": written(delivery.delivered_at),
    }


_WEBHOOKS = "/api/v1/webhooks"
_ONE = f"{_WEBHOOKS}/{{id}}"
_QUERY = (Parameter("status", DeliveryStatus), Parameter("limit", Annotated[int, msgspec.Meta(ge=1, le=MOST)]))

ENDPOINTS = [
    Endpoint("POST", _WEBHOOKS, create, shapes.WebhookSecret, body=WebhookRequest, status=201),
    Endpoint("GET", _WEBHOOKS, list_all, shapes.WebhookList),
    Endpoint("GET", _ONE, get, shapes.Webhook),
    Endpoint("DELETE", _ONE, delete, shapes.WebhookDeleted),
    Endpoint("POST", f"{_ONE}/rotate-secret", rotate_secret, shapes.WebhookSecret),
    Endpoint("POST", f"{_ONE}/test", test, shapes.EventType, status=202),
    Endpoint("GET", f"{_ONE}/deliveries", deliveries, shapes.DeliveryList, query=_QUERY),
    Endpoint("POST", f"{_ONE}/replay", replay, shapes.Replayed, body=ReplayRequest, status=202),
]
