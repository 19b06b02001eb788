"""The entities of the Selling Partner connector: names for agents over operations of the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any

from sellerport import catalog
from sellerport.answers import Result
from sellerport.catalog import Operation
from sellerport.connectors.actions import Execution, Kind, Plan, arguments_of, at, whole
from sellerport.errors import UnknownOperation


@dataclass(frozen=True)
class Action:
    """One action of an entity.

    Args:
        operation: the operation's key in the catalogue.
        data: where the records are in the answer, as a dotted path; empty for all of it.
        meta: what else a caller may want, by name, as dotted paths.
        start: a date parameter that Amazon demands unless one of ``unless`` is given; ``history`` back if it is not.
        unless: parameters that make ``start`` needless.
        history: how far back a list begins when the caller does not say.
        defaults: values for parameters that Amazon demands although its description does not, under the same rule.
    """

    operation: str
    data: str = ""
    meta: Mapping[str, str] = field(default_factory=dict)
    start: str = ""
    unless: tuple[str, ...] = ()
    defaults: Mapping[str, str] = field(default_factory=dict)
    history: timedelta = timedelta(days=730)


_TOKEN = {"next_token": "payload.NextToken"}

_FINANCES = timedelta(days=179)
"""Amazon answers with nothing when a range of financial events is longer than 180 days."""

ENTITIES: Mapping[str, Mapping[str, Action]] = MappingProxyType(
    {
        "orders": {
            "list": Action(
                "orders_v0.get_orders",
                data="payload.Orders",
                meta=_TOKEN,
                start="created_after",
                unless=("last_updated_after", "last_updated_before", "next_token"),
            ),
            "get": Action("orders_v0.get_order", data="payload"),
        },
        "order_items": {"list": Action("orders_v0.get_order_items", data="payload.OrderItems", meta=_TOKEN)},
        "list_financial_event_groups": {
            "list": Action(
                "finances_v0.list_financial_event_groups",
                data="payload.FinancialEventGroupList",
                meta=_TOKEN,
                start="financial_event_group_started_after",
                history=_FINANCES,
                unless=("next_token",),
            )
        },
        "list_financial_events": {
            "list": Action(
                "finances_v0.list_financial_events",
                data="payload.FinancialEvents",
                meta=_TOKEN,
                start="posted_after",
                history=_FINANCES,
                unless=("next_token",),
            )
        },
        "catalog_items": {
            "list": Action(
                "catalog_items_2022_04_01.search_catalog_items",
                data="items",
                meta={"next_token": "pagination.nextToken", "number_of_results": "numberOfResults"},
            ),
            "get": Action("catalog_items_2022_04_01.get_catalog_item"),
        },
        "reports": {
            "list": Action(
                "reports_2021_06_30.get_reports",
                data="reports",
                meta={"next_token": "nextToken"},
                unless=("next_token",),
                defaults={"report_types": "GET_MERCHANT_LISTINGS_ALL_DATA"},
            ),
            "get": Action("reports_2021_06_30.get_report"),
        },
    }
)


def plan(entity: str, action: str, params: Mapping[str, Any], clock: Callable[[], float]) -> Plan:
    """Return what an action of an entity comes to: see `sellerport.connectors.execute`."""
    found = ENTITIES.get(entity, {}).get(action)
    operation = operation_of(entity, action)
    arguments = arguments_of(operation, params)
    if found is None:
        return Plan(operation, arguments, partial(whole, operation, arguments))
    return Plan(operation, _with_defaults(found, arguments, clock), partial(_shaped, found))


def _shaped(action: Action, result: Result[Any, Any]) -> Execution:
    meta = {name: at(result.data, path) for name, path in action.meta.items()}
    return Execution(at(result.data, action.data), meta or None)


def operation_of(entity: str, action: str) -> Operation:
    """Return the operation that an action of an entity stands on: see `sellerport.connectors.operation_of`."""
    if found := ENTITIES.get(entity, {}).get(action):
        return catalog.find(found.operation)
    if entity in ENTITIES and action not in catalog.index().by_api.get(catalog.index().newest.get(entity, ""), {}):
        raise UnknownOperation(f"entity {entity!r} has no action {action!r}; it has {', '.join(ENTITIES[entity])}")
    try:
        return catalog.find(f"{entity}.{action}")
    except UnknownOperation as error:
        known = ", ".join(ENTITIES)
        raise UnknownOperation(f"{error.message}; entities are {known}, and every API version") from error


def entity_of(entity: str) -> str:
    """Return the one name of an entity: see `sellerport.connectors.entity_of`."""
    index = catalog.index()
    if entity in ENTITIES or entity in index.by_api:
        return entity
    if entity in index.newest:
        return index.newest[entity]
    raise UnknownOperation(f"no entity {entity!r}; entities are {', '.join(ENTITIES)}, and every API version")


def _with_defaults(action: Action, arguments: dict[str, Any], clock: Callable[[], float]) -> dict[str, Any]:
    if any(arguments.get(name) is not None for name in action.unless):
        return arguments
    start = {action.start: datetime.fromtimestamp(clock(), UTC) - action.history} if action.start else {}
    given = {name: value for name, value in arguments.items() if value is not None}
    return {**start, **action.defaults, **given}


KIND = Kind(
    "amazon-seller-partner",
    "e55879a8-0ef8-4557-abcf-ab34c53ec460",
    "seller-partner",
    operation_of,
    plan,
    ENTITIES,
)
