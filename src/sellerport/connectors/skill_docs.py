"""What a model is told about a connector: entities, actions and parameters, in few words and without a blank line.

Frameworks take a tool's description from its docstring, and some stop reading at a blank line or at a section such as
``Args:``; so the text has no blank line, and is put before the sections.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from inspect import cleandoc
from typing import Any, Protocol

from sellerport.errors import InvalidArguments, Problem

_SECTION = re.compile(
    r"^(?:(?:Args|Arguments|Params|Parameters|Keyword Args|Returns|Yields|Raises|Examples?|Notes?|Attributes):?\s*$"
    r"|:(?:param|type|return|rtype|raises)\b)",
    re.MULTILINE,
)
_CACHE = ("context_store_search", "context_store_sql_query")


class Described(Protocol):
    """A connector, or its class, as far as it can be described."""

    @property
    def connector_name(self) -> str:
        """What the connector is called."""

    def list_entities(self) -> Sequence[Mapping[str, Any]]:
        """Return each entity with ``entity_name``, ``description``, ``available_actions`` and ``parameters``."""


def guide(connector: Described, *, searches: bool = True, pages: bool = False) -> str:
    """Return all that a model has to know, as one block of lines.

    Args:
        connector: whose entities.
        searches: whether actions that search a copy of the data are told of, if there are any.
        pages: whether a result that is too large comes in parts.
    """
    return "\n".join(
        [
            f"{connector.connector_name}: entities, and their actions; ? marks what may be left out.",
            *(line for one in connector.list_entities() for line in entity_lines(one, searches=searches)),
            *rules(pages=pages),
        ]
    )


def entity_lines(entity: Mapping[str, Any], *, searches: bool = True) -> list[str]:
    """Return an entity with each of its actions and what they take."""
    described = f" - {one_line(entity['description'])}" if entity.get("description") else ""
    parameters = entity.get("parameters") or {}
    return [
        f"* {entity['entity_name']}{described}",
        *(
            f"  {action}({', '.join(_parameter(one) for one in parameters.get(action, ()))})"
            for action in entity["available_actions"]
            if searches or action not in _CACHE
        ),
    ]


def rules(*, pages: bool) -> list[str]:
    """Return what holds for every action."""
    rest = 'A result that is too large comes in parts: params {"cursor": meta.cursor} gives the next part.'
    return [
        "entity and action are names from above; params is an object with the action's parameters.",
        "Dates are ISO 8601 with a time zone, such as 2026-01-31T00:00:00Z; give list a range where it takes one.",
        "list answers one page: while meta.next_token is not null, call again with it as next_token, or page_token.",
        *([rest] if pages else []),
        "If an action fails, correct the call or say so; never ask for another entity or account in its place.",
    ]


def section(connector: Described, name: str | None = None, *, pages: bool = False) -> str:
    """Return one entity's part of the guide, or without a name what parts there are, and the rules.

    Raises:
        InvalidArguments: there is no such part; says which there are.
    """
    entities = {one["entity_name"]: one for one in connector.list_entities()}
    if name is None:
        known = [f"* {one}({', '.join(entities[one]['available_actions'])})" for one in entities]
        return "\n".join(
            [f"{connector.connector_name}: ask for the section of an entity.", *known, *rules(pages=pages)]
        )
    if name not in entities:
        raise InvalidArguments("the documentation", [Problem("section", f"is none of {', '.join(entities)}")])
    described = {
        one["name"]: one_line(one["description"])
        for parameters in (entities[name].get("parameters") or {}).values()
        for one in parameters
        if one.get("description")
    }
    return "\n".join([*entity_lines(entities[name]), *(f"  {one}: {described[one]}" for one in described)])


def with_guide(own: str | None, guide: str) -> str:
    """Return a docstring with a guide below its own text, before its sections, and no blank line between."""
    text = cleandoc(own or "")
    found = _SECTION.search(text)
    head, rest = (text[: found.start()], text[found.start() :]) if found else (text, "")
    return "\n".join(filter(None, [head.rstrip(), guide, f"\n{rest}" if rest else ""]))


def one_line(text: str) -> str:
    """Return a text as one line."""
    return " ".join(text.split())


def _parameter(parameter: Mapping[str, Any]) -> str:
    kind = "|".join(map(str, parameter["enum"])) if parameter.get("enum") else str(parameter.get("type") or "string")
    return f"{parameter['name']}{'' if parameter.get('required') else '?'}: {kind}"
