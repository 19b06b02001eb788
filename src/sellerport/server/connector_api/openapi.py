"""The server's own description of its routes (OpenAPI 3.1), made of the table by which they are served."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sellerport.server.connector_api import shapes
from sellerport.server.connector_api.answers import answer
from sellerport.server.connector_api.table import Endpoint

PATH = "/openapi.json"

_REF = "#/components/schemas/{name}"
_REFUSALS = {
    "400": "The request cannot be carried out as it is",
    "401": "The token is missing, unknown or expired",
    "403": "The token is not for this",
    "404": "There is no such object",
    "408": "The body did not come in time",
    "409": "The state of things does not allow it",
    "413": "The body is too large",
    "422": "Fields are missing or wrong; each is named",
    "429": "Too often; come back after `Retry-After` seconds",
    "500": "The server failed",
    "502": "Amazon is in trouble",
    "503": "The database or the vault is away; come back after `Retry-After` seconds",
    "504": "Amazon did not answer",
}


def document(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """Return the description of the endpoints."""
    kinds: list[Any] = [shapes.Refusal]
    for one in endpoints:
        kinds += [kind for kind in (one.body, one.answer) if kind is not None]
        kinds += [parameter.kind for parameter in one.query]
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REF)
    described = iter(schemas)
    refusal = next(described)
    paths: dict[str, Any] = {}
    for one in endpoints:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, described, refusal)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Sellerport's connector API", "version": version("sellerport")},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def route(endpoints: Sequence[Endpoint]) -> Route:
    """Return the route of the description. Anybody may read it: it holds nothing of anyone."""
    made = document(endpoints)

    async def serve(request: Request) -> Response:
        return answer(made)

    return Route(PATH, serve, methods=["GET"])


def _operation(endpoint: Endpoint, described: Any, refusal: dict[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {
        "operationId": _id(endpoint),
        "summary": endpoint.summary,
        "security": [] if endpoint.access == "anyone" else [{"token": []}],
    }
    if endpoint.legacy:
        said["deprecated"] = True
    if endpoint.body is not None:
        schema = next(described)
        said["requestBody"] = {
            "required": endpoint.body_required,
            "content": {"application/json": {"schema": schema}},
        }
    done: dict[str, Any] = {"description": "Done"}
    if endpoint.answer is not None:
        done["content"] = {"application/json": {"schema": next(described)}}
    said["parameters"] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", endpoint.path)
    ]
    said["parameters"] += [{"name": one.name, "in": "query", "schema": next(described)} for one in endpoint.query]
    if endpoint.access != "anyone":
        organization = {"type": "string", "format": "uuid"}
        said["parameters"].append({"name": "X-Organization-Id", "in": "header", "schema": organization})
    content = {"application/json": {"schema": refusal}}
    refused = {status: {"description": what, "content": content} for status, what in _REFUSALS.items()}
    said["responses"] = {str(endpoint.status): done, **refused}
    return said


def _id(endpoint: Endpoint) -> str:
    words = re.findall(r"\w+", endpoint.path.replace("-", "_"))
    return "_".join([endpoint.method.lower(), *words])
