"""The routes of workspaces: the organization's customers."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Literal, get_args
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from sellerport.errors import InvalidArguments, Problem
from sellerport.server.connector_api import shapes
from sellerport.server.connector_api.answers import answer, written
from sellerport.server.connector_api.requests import body_of, caller_of, is_number
from sellerport.server.connector_api.table import Endpoint, Parameter
from sellerport.server.hub import Workspace, WorkspaceStatus
from sellerport.server.requests import hub_of

MOST = 100
PAGE = 20

_WORKSPACES = "/api/v1/workspaces"


class WorkspaceChange(msgspec.Struct, kw_only=True):
    """What of a workspace is to be otherwise."""

    name: str | None = None
    status: Literal["active", "inactive"] | None = None
    cache_enabled: bool | None = None


async def list_all(request: Request) -> Response:
    """List the organization's workspaces by name."""
    caller, query = await caller_of(request), request.query_params
    most, status = query.get("limit", str(PAGE)), query.get("status")
    problems, after = [], ""
    if not is_number(most, MOST):
        problems.append(Problem("limit", f"must be a number from 1 to {MOST}"))
    if status is not None and status not in get_args(WorkspaceStatus):
        problems.append(Problem("status", f"must be one of {', '.join(get_args(WorkspaceStatus))}"))
    try:
        after = base64.b64decode(query.get("cursor", "").encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        after = "\0"
    if "\0" in after:
        problems.append(Problem("cursor", "must be what an answer's 'next' has"))
    if problems:
        raise InvalidArguments(problems=problems)
    found = await hub_of(request).workspaces.all(
        caller,
        name_contains=query.get("name_contains", ""),
        status=status,  # type: ignore[arg-type]  # see above
        after=after,
        most=int(most) + 1,
    )
    page, more = found[: int(most)], None
    if len(found) > len(page):
        cursor = base64.urlsafe_b64encode(page[-1].name.encode()).decode()
        more = f"{_WORKSPACES}?{urlencode({**query, 'cursor': cursor})}"
    body: shapes.WorkspaceList = {"data": [_workspace(one) for one in page], "next": more}
    return answer(body)


async def stats(request: Request) -> Response:
    """Count the organization's workspaces."""
    caller = await caller_of(request)
    counted = await hub_of(request).workspaces.stats(caller)
    body: shapes.WorkspaceStats = {
        "active_count": counted["active"],
        "inactive_count": counted["inactive"],
        "total_count": sum(counted.values()),
    }
    return answer(body)


async def get(request: Request) -> Response:
    """Show one workspace."""
    caller = await caller_of(request)
    return answer(_workspace(await hub_of(request).workspaces.get(caller, request.path_params["id"])))


async def change(request: Request) -> Response:
    """Change one workspace; a new name is its customer's from then on, and an inactive one has no scoped tokens."""
    caller = await caller_of(request)
    given = await body_of(request, WorkspaceChange)
    changed = await hub_of(request).workspaces.change(
        caller,
        request.path_params["id"],
        name=given.name,
        status=given.status,
        cache_enabled=given.cache_enabled,
    )
    return answer(_workspace(changed))


async def delete(request: Request) -> Response:
    """Delete one workspace with its customer's connections."""
    caller, id = await caller_of(request), request.path_params["id"]
    deleted_at = await hub_of(request).workspaces.delete(caller, id)
    body: shapes.Deleted = {"id": id, "deleted_at": written(deleted_at)}
    return answer(body)


def _workspace(workspace: Workspace) -> shapes.Workspace:
    return {
        "id": workspace.id,
        "name": workspace.name,
        "organization_id": workspace.organization_id,
        "status": workspace.status,
        "cache_enabled": workspace.cache_enabled,
        "tombstone": False,
        "visibility": "private",
        "color": "",
        "created_at": written(workspace.created_at),
        "updated_at": written(workspace.updated_at),
    }


_QUERY = (
    Parameter("name_contains"),
    Parameter("status", WorkspaceStatus),
    Parameter("limit", Annotated[int, msgspec.Meta(ge=1, le=MOST)]),
    Parameter("cursor"),
)

ENDPOINTS = [
    Endpoint("GET", _WORKSPACES, list_all, shapes.WorkspaceList, query=_QUERY),
    Endpoint("GET", f"{_WORKSPACES}/stats", stats, shapes.WorkspaceStats),
    Endpoint("GET", f"{_WORKSPACES}/{{id}}", get, shapes.Workspace),
    Endpoint("PUT", f"{_WORKSPACES}/{{id}}", change, shapes.Workspace, body=WorkspaceChange),
    Endpoint("DELETE", f"{_WORKSPACES}/{{id}}", delete, shapes.Deleted),
]
