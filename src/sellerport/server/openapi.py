"""The server's own description of its routes (OpenAPI 3.1), made of the tables by which they are served."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sellerport.server.endpoints import Endpoint

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


def document(endpoints: Sequence[Endpoint], credentials: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description of the endpoints.

    Args:
        endpoints: of every door.
        credentials: what they take, by the names that they have for it.
    """
    kinds: list[Any] = []
    for one in endpoints:
        kinds += [kind for kind in (one.body, one.answer) if kind is not None]
        kinds += [*(parameter.kind for parameter in one.query), one.refusal]
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REF)
    described = iter(schemas)
    paths: dict[str, Any] = {}
    for one in endpoints:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, described)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Sellerport", "version": version("sellerport")},
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": dict(credentials)},
    }


def route(endpoints: Sequence[Endpoint], credentials: Mapping[str, Any]) -> Route:
    """Return the route of the description. Anybody may read it: it holds nothing of anyone."""
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}

    @cache  # nobody waits for it when the server starts
    def made() -> bytes:
        return msgspec.json.encode(document(endpoints, credentials))

    async def serve(request: Request) -> Response:
        return Response(made(), 200, headers, "application/json")

    return Route(PATH, serve, methods=["GET"])


def _operation(endpoint: Endpoint, described: Iterator[dict[str, Any]]) -> dict[str, Any]:
    said: dict[str, Any] = {
        "operationId": _id(endpoint),
        "summary": endpoint.summary,
        "security": [{name: [] for name in endpoint.credentials}] if endpoint.credentials else [],
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
        done["content"] = {"application/json": {"schema": endpoint.enclosed(next(described))}}
    said["parameters"] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", endpoint.path)
    ]
    said["parameters"] += [{"name": one.name, "in": "query", "schema": next(described)} for one in endpoint.query]
    said["parameters"] += [{"name": name, "in": "header", "schema": it} for name, it in endpoint.headers.items()]
    content = {"application/json": {"schema": next(described)}}
    refused = {status: {"description": what, "content": content} for status, what in _REFUSALS.items()}
    said["responses"] = {str(endpoint.status): done, **refused}
    return said


def _id(endpoint: Endpoint) -> str:
    words = re.findall(r"\w+", endpoint.path.replace("-", "_"))
    return "_".join([endpoint.method.lower(), *words])
