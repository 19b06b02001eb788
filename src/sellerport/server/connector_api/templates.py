"""The routes that say which connectors there are. Nobody adds any, so that they are only read."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from sellerport.errors import NotFound
from sellerport.server.connector_api import shapes
from sellerport.server.connector_api.answers import answer
from sellerport.server.connector_api.definitions import DEFINITIONS, Definition
from sellerport.server.connector_api.requests import caller_of
from sellerport.server.connector_api.table import Endpoint, Parameter


async def list_definitions(request: Request) -> Response:
    """List the connectors that there are; ``name`` is a part of their names."""
    await caller_of(request)
    part = request.query_params.get("name", "").lower().replace("-", " ")
    found = [one for one in DEFINITIONS.values() if part in one.title.lower()]
    body: shapes.DefinitionList = {"definitions": [_definition(one) for one in found]}
    return answer(body)


async def get_definition(request: Request) -> Response:
    """Show one connector with what its credentials have to be."""
    await caller_of(request)
    kind = _named(request)
    body: shapes.DetailedDefinition = {
        "id": kind.id,
        "definition": {**_definition(kind), "spec": {"connectionSpecification": kind.specification}},
        "example_questions": {"direct": [], "search": []},
    }
    return answer(body)


async def list_templates(request: Request) -> Response:
    """List the connectors that there are, as templates."""
    await caller_of(request)
    body: shapes.TemplateList = {"data": [one.summarized for one in DEFINITIONS.values()]}
    return answer(body)


async def get_template(request: Request) -> Response:
    """Show one connector as a template."""
    await caller_of(request)
    return answer(_named(request).detailed)


def _named(request: Request) -> Definition:
    id = request.path_params["id"]
    found = next((one for one in DEFINITIONS.values() if one.id == id.lower()), None)
    if found is None:
        raise NotFound(f"no connector {id!r}")
    return found


def _definition(kind: Definition) -> shapes.Definition:
    return {
        "sourceDefinitionId": kind.id,
        "name": kind.title,
        "iconUrl": None,
        "dockerRepository": None,
        "custom": False,
        "supportLevel": "community",
    }


_DEFINITIONS = "/api/v1/integrations/definitions/sources"
_TEMPLATES = "/api/v1/integrations/templates/sources"

ENDPOINTS = [
    Endpoint("GET", _DEFINITIONS, list_definitions, shapes.DefinitionList, query=(Parameter("name"),)),
    Endpoint("GET", f"{_DEFINITIONS}/{{id}}", get_definition, shapes.DetailedDefinition),
    Endpoint("GET", _TEMPLATES, list_templates, shapes.TemplateList, "workspace"),
    Endpoint("GET", f"{_TEMPLATES}/global", list_templates, shapes.TemplateList, "workspace"),
    Endpoint("GET", f"{_TEMPLATES}/{{id}}", get_template, shapes.DetailedTemplate, "workspace"),
]
