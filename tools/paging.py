"""Finds how each operation pages: where the token goes, where the answer holds the next one, and which list is paged.

What takes and holds the token comes from the fact table; which of an answer's lists the pages are about is found in its
schema: the only list, of the outermost object that has one. Warnings and errors are not what anybody pages for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Definitions = dict[str, Any]

# "The token must be the only parameter": Amazon says so of these two (reference/sp-api.md, section 1b).
ALONE = {"getFeeds", "getReports"}

# What has to be said besides the token (reference/sp-api.md, section 1b).
NEXT_TOKEN = {"QueryType": "NEXT_TOKEN"}
FIXED = {
    ("fulfillment_inbound_v0", "getShipments"): NEXT_TOKEN,
    ("fulfillment_inbound_v0", "getShipmentItems"): NEXT_TOKEN,
}

# Operations whose answers hold a token that another operation takes.
VIA = {("fulfillment_inbound_v0", "getShipmentItemsByShipmentId"): "get_shipment_items"}

# Operations that take a number of items to skip, in the body.
OFFSET = {
    ("replenishment_2022_11_07", id): {
        "token": "pagination.offset",
        "next": "pagination.totalResults",
        "size": "pagination.limit",
        "place": "body",
        "kind": "offset",
    }
    for id in ("listOffers", "listOfferMetrics")
}

TOKENS = ("nextToken", "paginationToken", "nextTokenForLineItems")
# The table also has what only looks like a size: listBalances' accountType.
SIZES = {"limit", "maxResults", "maxResultsPerPage", "MaxResultsPerPage", "pageSize"}
ASIDE = {"errors", "warnings", "pagination", "refinements"}


def of_model(api: str, id: str, row: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return how an operation of a model pages, from its row of the fact table."""
    if (api, id) in OFFSET:
        return dict(OFFSET[api, id])
    tokens = (row["query"] or row["body"]) if row else []
    if row is None or not row["response"] or not (tokens or (api, id) in VIA):
        return None
    page: dict[str, Any] = {"token": tokens[0] if tokens else "NextToken", "next": row["response"][0]}
    page |= {"size": row["size"][0]} if row["size"] and row["size"][0] in SIZES else {}
    page |= {"alone": True} if id in ALONE else {}
    page |= {"via": VIA[api, id]} if (api, id) in VIA else {}
    fixed = FIXED.get((api, id)) or (NEXT_TOKEN if (api, id) in VIA else None)
    return page | ({"fixed": fixed} if fixed else {})


def of_sdk(given: dict[str, Any], body: str | None, definitions: Definitions) -> dict[str, Any] | None:
    """Return how an operation that only the SDK knows pages, found by what tokens are called."""
    in_body = definitions.get(body or "", {}).get("properties", {})
    token = next((name for name in TOKENS if name in (*given["query"], *in_body)), None)
    places = _fields(definitions.get(given["response"] or "", {}), definitions)
    following = next((place for place in places if place.rsplit(".", 1)[-1] in (token, "nextToken")), None)
    size = next((name for name in ("limit", "maxResults") if name in given["query"]), None)
    if token is None or following is None:
        return None
    page = {"token": token, "next": following} | ({"size": size} if size else {})
    return page if token in given["query"] else {**page, "place": "body"}


def items(answer: dict[str, Any], definitions: Definitions) -> str | None:
    """Return the dotted path of the list that an answer's pages are about; of an object, where it has several."""
    lists, objects = [], []
    for name, schema in _properties(answer, definitions).items():
        kind = _resolved(schema, definitions)
        if name in ASIDE:
            continue
        if kind.get("type") == "array":
            lists.append(name)
        elif _properties(kind, definitions):
            objects.append((name, schema))
    if len(lists) == 1:
        return str(lists[0])
    if lists:
        return "items" if "items" in lists else ""
    inner = [(name, found) for name, schema in objects if (found := items(schema, definitions)) is not None]
    return ".".join(filter(None, inner[0])) if len(inner) == 1 else None


def _resolved(schema: dict[str, Any], definitions: Definitions) -> dict[str, Any]:
    while "$ref" in schema:
        schema = definitions[schema["$ref"].rsplit("/", 1)[-1]]
    return schema


def _properties(schema: dict[str, Any], definitions: Definitions) -> dict[str, Any]:
    schema = _resolved(schema, definitions)
    found: Definitions = {}
    for part in schema.get("allOf", ()):
        found |= _properties(part, definitions)
    found |= schema.get("properties", {})
    return found


def _fields(schema: dict[str, Any], definitions: Definitions, depth: int = 4) -> Iterator[str]:
    """Yield the dotted paths of an object's fields, those of nested objects after its own."""
    if "$ref" in schema:
        schema = definitions.get(schema["$ref"].rsplit("/", 1)[-1], {})
    yield from schema.get("properties", {})
    for name, inner in schema.get("properties", {}).items() if depth else ():
        yield from (f"{name}.{field}" for field in _fields(inner, definitions, depth - 1))
