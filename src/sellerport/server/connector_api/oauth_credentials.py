"""The routes of an organization's own Amazon applications. What was configured never comes back."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from sellerport.errors import InvalidArguments, Problem
from sellerport.server.connector_api import shapes
from sellerport.server.connector_api.answers import answer, empty, written
from sellerport.server.connector_api.definitions import Definition, definition
from sellerport.server.connector_api.requests import body_of, caller_of
from sellerport.server.connector_api.table import Endpoint, Parameter
from sellerport.server.requests import hub_of

APPLICATION_NAMES = ("app_id", "application_id")
"""What Amazon calls ``amzn1.sp.solution.…``, and what Sellerport does."""


class OauthCredentialsRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An organization's application."""

    configuration: dict[str, Any]
    connector_type: str | None = None
    connector_definition_id: str | None = None


async def put(request: Request) -> Response:
    """Register the organization's application for a connector, or replace it."""
    caller = await caller_of(request)
    given = await body_of(request, OauthCredentialsRequest)
    kind = _kind(given.connector_type, given.connector_definition_id)
    values = _values(kind, given.configuration)
    client_id, secret = (values[name] for name in kind.lwa_keys)
    made = await hub_of(request).applications.configure(
        caller,
        kind.platform,
        lwa_client_id=client_id,
        lwa_client_secret=secret,
        application_id=next((values[name] for name in APPLICATION_NAMES if name in values), None),
    )
    body: shapes.OauthCredentials = {
        "id": made.id,
        "scope_type": "organization",
        "scope_id": made.organization_id,
        "connector_type": "source",
        "connector_definition_id": kind.id,
        "created_at": written(made.created_at),
        "updated_at": written(made.updated_at),
    }
    return answer(body)


async def delete(request: Request) -> Response:
    """Remove the organization's application for a connector; that there is none is as good."""
    caller = await caller_of(request)
    kind = definition("connector_type", request.path_params["type"])
    applications = hub_of(request).applications
    if any(one.platform == kind.platform for one in await applications.all(caller.organization_id)):
        found = await applications.find(caller.organization_id, platform=kind.platform)
        await applications.remove(caller.organization_id, found.id, actor=caller.actor)
    return empty()


async def spec(request: Request) -> Response:
    """Say what ``configuration`` has to be."""
    await caller_of(request)
    query = request.query_params
    kind = _kind(query.get("connector_type"), query.get("connector_definition_id"))
    body: shapes.OauthSpec = {"connector_definition_id": kind.id, "configuration": _specification(kind)}
    return answer(body)


def _kind(connector_type: str | None, definition_id: str | None) -> Definition:
    if (connector_type is None) == (definition_id is None):
        problem = "Value error, One of connector_type or connector_definition_id must be provided"
        raise InvalidArguments(problems=[Problem("body", problem)])
    if connector_type is not None:
        return definition("connector_type", connector_type)
    return definition("connector_definition_id", definition_id or "")


def _specification(kind: Definition) -> dict[str, Any]:
    client_id, secret = kind.lwa_keys
    properties: dict[str, Any] = {
        client_id: {"type": "string", "title": "Login with Amazon client id"},
        secret: {"type": "string", "title": "Login with Amazon client secret", "airbyte_secret": True},
    }
    if kind.platform == "seller-partner":
        properties[APPLICATION_NAMES[0]] = {"type": "string", "title": "Application id (amzn1.sp.solution.…)"}
    return {"type": "object", "required": [*kind.lwa_keys], "properties": properties, "additionalProperties": False}


def _values(kind: Definition, configuration: dict[str, Any]) -> dict[str, str]:
    """Return what is configured under the connector's own names; Login with Amazon's are taken too."""
    own = dict(zip(("client_id", "client_secret"), kind.lwa_keys, strict=True))
    known = {*kind.lwa_keys, *(APPLICATION_NAMES if kind.platform == "seller-partner" else ())}
    given = {own.get(name, name): value for name, value in configuration.items()}
    problems = [
        Problem(f"configuration.{name}", f"required property '{name}' not found")
        for name in kind.lwa_keys
        if name not in given
    ]
    for name, value in given.items():
        if name not in known:
            problems.append(Problem(f"configuration.{name}", f"is not known; there are {', '.join(sorted(known))}"))
        elif not isinstance(value, str) or not value.strip():
            problems.append(Problem(f"configuration.{name}", "must be a text that is not empty"))
    if problems:
        raise InvalidArguments(problems=problems)
    return given


_CREDENTIALS = "/api/v1/oauth/credentials"
_QUERY = (Parameter("connector_type"), Parameter("connector_definition_id"))

ENDPOINTS = [
    Endpoint("PUT", _CREDENTIALS, put, shapes.OauthCredentials, body=OauthCredentialsRequest),
    Endpoint("GET", f"{_CREDENTIALS}/spec", spec, shapes.OauthSpec, query=_QUERY),
    Endpoint("DELETE", f"{_CREDENTIALS}/connector_type/{{type}}", delete, None, status=204),
]
