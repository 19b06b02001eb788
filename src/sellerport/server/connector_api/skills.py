"""The routes of skills: what an agent reads before it calls a connector. They are made of the connector's entities."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from sellerport.errors import InvalidArguments, NotFound, Problem
from sellerport.server.connector_api import shapes
from sellerport.server.connector_api.answers import answer
from sellerport.server.connector_api.definitions import DEFINITIONS
from sellerport.server.connector_api.descriptions import described
from sellerport.server.connector_api.requests import caller_of, is_number
from sellerport.server.connector_api.table import Endpoint, Parameter
from sellerport.server.hub import Connection
from sellerport.server.requests import hub_of

PREFIX = "connector_source:"
MOST = 100
PAGE = 20


async def list_all(request: Request) -> Response:
    """List the skills: one for each connector; ``query`` is a part of its name."""
    caller, query = await caller_of(request), request.query_params
    most, cursor = query.get("limit", str(PAGE)), query.get("cursor", "")
    if not is_number(most, MOST):
        raise InvalidArguments(problems=[Problem("limit", f"must be a number from 1 to {MOST}")])
    found = [one for one in await hub_of(request).connections.all(caller) if _matches(one, query.get("query", ""))]
    ids = [PREFIX + one.id for one in found]
    begin = ids.index(cursor) + 1 if cursor in ids else 0
    page = found[begin : begin + int(most)]
    more = PREFIX + page[-1].id if begin + len(page) < len(found) else None
    body: shapes.SkillList = {"data": [_skill(one) for one in page], "next_cursor": more}
    return answer(body)


async def docs(request: Request) -> Response:
    """Show a skill's text, or one section of it: an entity."""
    caller, query = await caller_of(request), request.query_params
    id, section = query.get("id", ""), query.get("section")
    if not id.startswith(PREFIX):
        raise NotFound(f"no skill {id!r}")
    connection = await hub_of(request).connections.get(caller, id.removeprefix(PREFIX))
    entities = described(connection.platform)
    wanted = [one for one in entities if section in (None, one["entity_name"])]
    if not wanted:
        raise NotFound(f"no section {section!r}; there are {', '.join(one['entity_name'] for one in entities)}")
    body: shapes.SkillDocs = {
        "metadata": _skill(connection),
        "outline": [_section(one) for one in entities],
        "section_id": section,
        "content": [block for one in wanted for block in _blocks(one)],
    }
    return answer(body)


def _matches(connection: Connection, query: str) -> bool:
    return query.lower() in f"{connection.name} {DEFINITIONS[connection.platform].title}".lower()


def _skill(connection: Connection) -> shapes.Skill:
    kind = DEFINITIONS[connection.platform]
    return {
        "id": PREFIX + connection.id,
        "kind": "connector_source",
        "title": connection.name,
        "summary": f"{kind.title}: {', '.join(one['entity_name'] for one in described(connection.platform))}",
        "tags": [kind.slug],
        "provenance": "sellerport",
        "version": "1",
        "freshness": {"state": "static", "checked_at": None},
        "warnings": [],
    }


def _section(entity: dict[str, Any]) -> shapes.Section:
    name, actions = entity["entity_name"], entity["available_actions"]
    return {"id": name, "title": name, "summary": ", ".join(actions), "available": True}


def _blocks(entity: dict[str, Any]) -> list[shapes.Block]:
    blocks: list[shapes.Block] = [{"type": "heading", "text": entity["entity_name"], "level": 2}]
    for action, parameters in entity["parameters"].items():
        blocks.append({"type": "heading", "text": action, "level": 3})
        rows = [[one["name"], str(one["type"]), "yes" if one["required"] else "no"] for one in parameters]
        blocks.append({"type": "table", "headers": ["parameter", "type", "required"], "rows": rows})
    return blocks


_SKILLS = "/api/v1/skills"
_PAGES = (Parameter("limit", Annotated[int, msgspec.Meta(ge=1, le=MOST)]), Parameter("cursor"))

ENDPOINTS = [
    Endpoint("GET", _SKILLS, list_all, shapes.SkillList, "workspace", query=_PAGES),
    Endpoint("GET", f"{_SKILLS}/search", list_all, shapes.SkillList, "workspace", query=(Parameter("query"), *_PAGES)),
    Endpoint(
        "GET",
        f"{_SKILLS}/docs",
        docs,
        shapes.SkillDocs,
        "workspace",
        query=(Parameter("id"), Parameter("section")),
    ),
]
