"""The routes by which calls are made: an action of an entity, or what there is."""

from __future__ import annotations

import time
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from sellerport import connectors
from sellerport.connectors.fields import Choice
from sellerport.errors import Conflict
from sellerport.server.connector_api import shapes
from sellerport.server.connector_api.answers import answer
from sellerport.server.connector_api.descriptions import described
from sellerport.server.connector_api.requests import body_of, caller_of
from sellerport.server.connector_api.table import Endpoint
from sellerport.server.hub import Caller, Connection, Hub
from sellerport.server.requests import as_long_as_wanted, hub_of

CONTEXT_STORE = ("context_store_search", "context_store_sql_query")
SEARCHES = ("search", "api_search")
"""What the search of the context store was once called, and is still meant by where there is a ``query``."""


class ExecuteRequest(msgspec.Struct, kw_only=True):
    """What to do; ``describe`` needs no entity, which may be an empty text then."""

    entity: str
    action: str
    params: dict[str, Any] | None = None
    select_fields: list[str] | None = None
    exclude_fields: list[str] | None = None
    skip_truncation: bool = True
    intent: Annotated[str, msgspec.Meta(max_length=512)] | None = None


async def execute(request: Request) -> Response:
    """Carry out an action on an entity."""
    caller = await caller_of(request)
    given = await body_of(request, ExecuteRequest)
    id, begun = request.path_params["id"], time.perf_counter()
    done = await _done(request, hub_of(request), caller, id, given)
    chosen = Choice(given.select_fields, given.exclude_fields, given.skip_truncation).of(done, given.action)
    body: shapes.Execution = {
        "status": "success",
        "result": chosen.data,
        "connector_metadata": done.meta,
        "execution_metadata": {
            "connector_instance_id": f"source_id:{id}",
            "execution_time_ms": round((time.perf_counter() - begun) * 1000),
        },
    }
    return answer(body)


async def _done(request: Request, hub: Hub, caller: Caller, id: str, given: ExecuteRequest) -> connectors.Execution:
    action, params = given.action, given.params
    if action == "describe":
        known: Connection = await hub.connections.get(caller, id)
        return connectors.Execution(described(known.platform, given.entity), None)
    if action in CONTEXT_STORE or (action in SEARCHES and "query" in (params or {})):
        await hub.connections.get(caller, id)
        raise Conflict(
            f"the context store is not ready: there is none here, and {action} would ask it; list asks Amazon"
        )
    return await as_long_as_wanted(request, hub.calls.execute(caller, id, given.entity, action, params))


ENDPOINTS = [
    Endpoint(
        "POST",
        "/api/v1/integrations/connectors/{id}/execute",
        execute,
        shapes.Execution,
        "workspace",
        ExecuteRequest,
    ),
    Endpoint(
        "POST",
        "/api/v1/connectors/sources/{id}/execute",
        execute,
        shapes.Execution,
        "workspace",
        ExecuteRequest,
        legacy=True,
    ),
]
