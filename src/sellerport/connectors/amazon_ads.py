"""The entities of the Amazon Ads connector, as callers of Airbyte's know them, and every other operation besides.

What an entity's action answers is Amazon's own: the whole body of a list, with ``next_token`` beside it, and of ``get``
the first that the list has, or None. Profiles have their ids as numbers, as Amazon sends them.

What callers of that connector send is taken too: the profile under the header's name
(``Amazon-Advertising-API-Scope``), filters that list comma-joined texts, in lower case, numbers and booleans as texts,
and ``campaign_id`` or ``portfolio_id`` for a filter of one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any

from sellerport import catalog, serialize
from sellerport.ads import gathered
from sellerport.answers import Result
from sellerport.catalog import PROFILE, Operation
from sellerport.connectors.actions import Execution, Kind, Plan, arguments_of, at, records_of, whole
from sellerport.errors import InvalidArguments, Problem, UnknownOperation

SCOPE = "Amazon-Advertising-API-Scope"
PROFILE_NAMES = (PROFILE, "profileId", SCOPE)
"""One thing under the names that callers have for it."""

PAGE = 100
"""How many a page of a list has where nobody says."""

SEARCHES = ("context_store_search", "context_store_sql_query", "search", "api_search")


@dataclass(frozen=True)
class Action:
    """One action of an entity.

    Args:
        operation: the operation's key in the catalogue.
        first: where the answer has what ``get`` takes the first of; empty for all of the answer.
        wanted: the filter without which there is nothing to get, and what one id of it may be given as.
        defaults: of the body.
        paged: whether the next page's token is beside the answer.
    """

    operation: str
    first: str = ""
    wanted: tuple[str, str] | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    paged: bool = False


def _list(operation: str) -> Action:
    return Action(operation, defaults={"maxResults": PAGE}, paged=True)


_EXTENDED = {"includeExtendedDataFields": True}

ENTITIES: Mapping[str, Mapping[str, Action]] = MappingProxyType(
    {
        "profiles": {"list": Action("profiles.list"), "get": Action("profiles.get")},
        "portfolios": {
            "list": Action("portfolios.list", defaults=_EXTENDED, paged=True),
            "get": Action(
                "portfolios.list",
                first="portfolios",
                wanted=("portfolioIdFilter", "portfolio_id"),
                defaults=_EXTENDED,
            ),
        },
        "sponsored_product_campaigns": {
            "list": _list("sp.campaigns.list"),
            "get": Action("sp.campaigns.list", first="campaigns", wanted=("campaignIdFilter", "campaign_id")),
        },
        "sponsored_product_ad_groups": {"list": _list("sp.ad_groups.list")},
        "sponsored_product_keywords": {"list": _list("sp.keywords.list")},
        "sponsored_product_product_ads": {"list": _list("sp.product_ads.list")},
        "sponsored_product_targets": {"list": _list("sp.targets.list")},
        "sponsored_product_negative_keywords": {"list": _list("sp.negative_keywords.list")},
        "sponsored_product_negative_targets": {"list": _list("sp.negative_targets.list")},
        "sponsored_brands_campaigns": {"list": _list("sb.campaigns.list")},
        "sponsored_brands_ad_groups": {"list": _list("sb.ad_groups.list")},
    }
)

SCOPED = frozenset(
    one.operation for name, actions in ENTITIES.items() if name != "profiles" for one in actions.values()
)
"""Operations that Amazon refuses without a profile, whatever its description of them says."""


def plan(entity: str, action: str, params: Mapping[str, Any], clock: Callable[[], float] = time.time) -> Plan:
    """Return what an action of an entity comes to: see `sellerport.connectors.execute`."""
    found = ENTITIES.get(entity, {}).get(action)
    operation = operation_of(entity, action)
    arguments = arguments_of(operation, _with_profile(operation, params))
    if found is None:
        arguments = gathered(operation, arguments)
        return Plan(operation, arguments, partial(whole, operation, arguments))
    return Plan(operation, gathered(operation, _asked(found, operation, arguments)), partial(_shaped, found, operation))


def _shaped(action: Action, operation: Operation, result: Result[Any, Any]) -> Execution:
    data = serialize.with_numeric_ids(result.data) if operation.numeric_ids else result.data
    if action.first:
        return Execution(next(iter(at(data, action.first) or []), None), None)
    return Execution(data, {"next_token": at(data, "nextToken")} if action.paged else None, records_of(operation))


def operation_of(entity: str, action: str) -> Operation:
    """Return the operation that an action of an entity stands on.

    Raises:
        UnknownOperation: no such entity or action; says which there are.
    """
    if found := ENTITIES.get(entity, {}).get(action):
        return catalog.find(found.operation, "ads")
    try:
        return catalog.find(f"{entity}.{action}", "ads")
    except UnknownOperation as error:
        if action in SEARCHES:
            said = f"{action} asks a copy of the account's data, and there is none here: list asks Amazon, with filters"
            raise UnknownOperation(said) from error
        if entity in ENTITIES:
            said = f"entity {entity!r} has no action {action!r}; it has {', '.join(ENTITIES[entity])}"
            raise UnknownOperation(said) from error
        known = ", ".join(ENTITIES)
        raise UnknownOperation(
            f"{error.message}; entities are {known}, and every group of operations, such as 'sp.campaigns'"
        ) from error


def entity_of(entity: str) -> str:
    """Return an entity's name, which is its only one: see `sellerport.connectors.entity_of`."""
    groups = {operation.key.rpartition(".")[0] for operation in catalog.index("ads").operations}
    if entity not in ENTITIES and entity not in groups:
        known = ", ".join(ENTITIES)
        raise UnknownOperation(
            f"no entity {entity!r}; entities are {known}, and every group of operations, such as 'sp.campaigns'"
        )
    return entity


def named_profile(params: Mapping[str, Any]) -> str | None:
    """Return the advertising profile that parameters name, under any of its names."""
    return next((str(params[name]) for name in PROFILE_NAMES if params.get(name) is not None), None)


def _with_profile(operation: Operation, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters with the profile under one name; an operation that takes none is not told of it."""
    kept = {name: value for name, value in params.items() if name not in PROFILE_NAMES}
    named = {str(params[name]) for name in PROFILE_NAMES if params.get(name) is not None}
    if len(named) > 1:
        raise InvalidArguments(operation.key, [Problem(PROFILE, "is given twice, and not the same")])
    return {**kept, **({PROFILE: named.pop()} if named and operation.profile else {})}


def _asked(action: Action, operation: Operation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is asked: with defaults, and values of the types that Amazon wants."""
    definitions = catalog.schemas(operation.api, "ads").definitions
    schemas = serialize.properties(serialize.body_of(operation), definitions) if operation.body else {}
    spelled = {name: wire for wire in schemas for name in (serialize.snake(wire), wire)}
    given = {spelled.get(name, name): value for name, value in arguments.items() if value is not None}
    if action.wanted is not None:
        filter, id = action.wanted
        if (one := given.pop(id, None)) is not None:
            given.setdefault(filter, {"include": [one]})
        if filter not in given:
            raise InvalidArguments(operation.key, [Problem(filter, f"is required: which {action.first} to get")])
    return {**action.defaults, **{name: _typed(name, value, schemas.get(name)) for name, value in given.items()}}


def _typed(name: str, value: Any, schema: Mapping[str, Any] | None) -> Any:
    """Return a field of the body as Amazon wants it, where a caller had it as a text."""
    if name.endswith("Filter") and isinstance(value, Mapping) and isinstance(value.get("include"), str | list):
        listed = value["include"].split(",") if isinstance(value["include"], str) else value["include"]
        words = [str(one).strip() for one in listed]
        return {**value, "include": [one.upper() for one in words] if name == "stateFilter" else words}
    kind = schema.get("type") if schema is not None else None
    if kind == "boolean" and isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if kind == "integer" and isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    return value


KIND = Kind("amazon-ads", "c6b0a29e-1da9-4512-9002-7bfd0cba2246", "ads", operation_of, plan, ENTITIES)
