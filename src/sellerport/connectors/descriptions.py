"""What a connector can do, said for programs and agents: entities, their parameters, and the schemas of records."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sellerport import catalog, serialize
from sellerport.catalog import PROFILE, Operation
from sellerport.connectors.actions import Kind

log = logging.getLogger(__name__)

Json = dict[str, Any]

ENTITIES: Mapping[str, str] = {
    "orders": "Orders of a time or a state, and one order by its id.",
    "order_items": "What was ordered in one order, with prices, taxes and quantities.",
    "list_financial_event_groups": "Settlement periods: how much money was moved, and when.",
    "list_financial_events": "Money by kind of event (shipments, refunds, fees …): one object of lists.",
    "catalog_items": "Amazon's catalogue: search by words or identifiers, and one item by its ASIN.",
    "reports": "Reports that were asked for, one by its id, and the rows of a new or an existing one.",
    "profiles": "Advertising profiles: an advertiser's account in one country.",
    "portfolios": "Portfolios, which group campaigns under a budget.",
    "sponsored_product_campaigns": "Campaigns of Sponsored Products.",
    "sponsored_product_ad_groups": "Ad groups of Sponsored Products campaigns.",
    "sponsored_product_keywords": "Keywords that ad groups bid on.",
    "sponsored_product_product_ads": "The products that are advertised.",
    "sponsored_product_targets": "Products and categories that ad groups bid on.",
    "sponsored_product_negative_keywords": "Keywords on which nothing is shown.",
    "sponsored_product_negative_targets": "Products and brands beside which nothing is shown.",
    "sponsored_brands_campaigns": "Campaigns of Sponsored Brands.",
    "sponsored_brands_ad_groups": "Ad groups of Sponsored Brands campaigns.",
}

_ROWS: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "seller-partner": (
        ("report_type", "string", "such as GET_MERCHANT_LISTINGS_ALL_DATA; a new report is made"),
        ("report_id", "string", "an existing report instead of a type"),
        ("data_start_time", "string", "where its data begins (ISO 8601)"),
        ("data_end_time", "string", "where its data ends (ISO 8601)"),
        ("marketplace_ids", "array", "countries or marketplace ids"),
        ("report_options", "object", "what the type takes besides"),
        ("limit", "integer", "how many rows at most"),
    ),
    "ads": (
        ("report_type", "string", "such as spCampaigns; a new report is made"),
        ("report_id", "string", "an existing report instead of a type"),
        ("columns", "array", "what each row has"),
        ("start_date", "string", "the first day"),
        ("end_date", "string", "the last day"),
        ("group_by", "array", "what a row is of"),
        ("time_unit", "string", "DAILY or SUMMARY"),
        ("filters", "object", "a field's values by its name"),
        (PROFILE, "string", "the advertising profile"),
        ("limit", "integer", "how many rows at most"),
    ),
}


def list_entities(kind: Kind, *, rows: bool = True) -> list[Json]:
    """Return the entities of a connector with their actions and the parameters of these.

    Args:
        kind: which connector.
        rows: whether reports can be had as rows, which a program can do and a server cannot.
    """
    found = []
    for entity in dict.fromkeys([*kind.entities, *(["reports"] if rows else [])]):
        actions = {
            name: list(_parameters(kind.operation_of(entity, name), getattr(action, "wanted", None) or ()))
            for name, action in kind.entities.get(entity, {}).items()
        }
        if rows and entity == "reports":
            actions["rows"] = [
                _parameter(name, "body", False, {"type": type}, said) for name, type, said in _ROWS[kind.family]
            ]
        found.append(
            {
                "entity_name": entity,
                "description": ENTITIES[entity],
                "available_actions": list(actions),
                "parameters": actions,
            }
        )
    return found


def list_operations(kind: Kind) -> dict[str, list[str]]:
    """Return every operation of the catalogue: entity → actions."""
    found: dict[str, list[str]] = {}
    for operation in catalog.operations(kind.family):
        entity, _, action = operation.key.rpartition(".")
        found.setdefault(entity, []).append(action)
    return found


def entity_schema(kind: Kind, entity: str) -> Json | None:
    """Return the JSON Schema of an entity's records; None, and a warning in the log, where there is none."""
    for action in kind.entities.get(entity, {}):
        operation, path = kind.operation_of(entity, action), kind.entities[entity][action]
        inside = getattr(path, "data", "") or getattr(path, "first", "") or _items(operation)
        definitions = catalog.schemas(operation.api, kind.family).definitions
        named = catalog.schemas(operation.api, kind.family).of(operation).responses.get("200")
        schema: Mapping[str, Any] = definitions.get(named or "", {})
        for name in filter(None, inside.split(".")):
            schema = serialize.properties(schema, definitions).get(name, {})
        schema = serialize.resolved(schema, definitions)
        while schema.get("type") == "array":
            schema = serialize.resolved(schema.get("items", {}), definitions)
        if schema:
            return {**schema, "$defs": _reached(schema, definitions)}
    log.warning("%s has no entity %r of which there is a schema", kind.slug, entity)
    return None


def _items(operation: Operation) -> str:
    return (operation.paging.items or "") if operation.paging is not None else ""


def _parameters(operation: Operation, wanted: Sequence[str]) -> Iterator[Json]:
    for one in operation.parameters:
        filled = one.name in ("marketplace_ids", "marketplace_id", PROFILE)
        yield _parameter(one.name, one.place, one.required and not filled, one.schema)
    for field in serialize.fields(operation).values():
        yield _parameter(field.name, "body", field.wire in wanted, field.schema)


def _parameter(name: str, place: str, required: bool, schema: Mapping[str, Any], said: str = "") -> Json:
    found: Json = {
        "name": name,
        "in": place,
        "required": required,
        "type": schema.get("type", "string"),
        "description": said or _said(schema),
    }
    return found | {key: schema[key] for key in ("enum", "items") if key in schema}


def _said(schema: Mapping[str, Any]) -> str:
    """Return in words what a schema says besides the type."""
    said = []
    if schema.get("format") in ("date", "date-time"):
        said.append("a date" if schema["format"] == "date" else "a date and time (ISO 8601)")
    if "minimum" in schema or "maximum" in schema:
        said.append(f"from {schema.get('minimum', 'any')} to {schema.get('maximum', 'any')}")
    if "maxItems" in schema:
        said.append(f"at most {schema['maxItems']}")
    if "default" in schema:
        said.append(f"{schema['default']} if not given")
    return ", ".join(said)


def _reached(schema: Any, definitions: Mapping[str, Json]) -> dict[str, Json]:
    """Return the definitions that a schema needs."""
    found: dict[str, Json] = {}
    waiting = [schema]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        elif isinstance(one, dict):
            waiting += one.values()
            name = str(one.get("$ref", "")).rpartition("/")[2]
            if name in definitions and name not in found:
                found[name] = definitions[name]
                waiting.append(definitions[name])
    return found
