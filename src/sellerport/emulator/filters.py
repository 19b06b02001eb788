"""What a subscription lets through: the event filters of three notification types, and expressions in CEL.

* An event filter is for the type of its subscription, and has the parts that this type knows (`EVENT_FILTERS`).
* ``ORDER_CHANGE`` is subscribed to with an event filter or an expression, and its event filter names order change
  types. Amazon's model leaves both out, and Amazon refuses that (amzn/selling-partner-api-models#4135,
  abuzuhri/Amazon-SP-API-CSharp#621 and #665, jlevers/selling-partner-api#885).
* A filter expression is CEL without arithmetic and indexing, in up to 256 characters; the names in it are those of the
  payload. What it makes of a payload must be true: what cannot be evaluated, such as a name that a payload has not,
  lets nothing through. ``cel-expr-python`` evaluates it, and is loaded when the first one comes.

Not known: Amazon's words for an expression that it does not take, whether it knows each payload's names, and whether
types that its table does not name take expressions (here they do not).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from sellerport.errors import AmazonRefused

if TYPE_CHECKING:
    from cel_expr_python import cel

EVENT_FILTERS: Mapping[str, frozenset[str]] = {
    "ANY_OFFER_CHANGED": frozenset({"marketplaceIds", "aggregationSettings"}),
    "ORDER_CHANGE": frozenset({"marketplaceIds", "orderChangeTypes"}),
    "SHIPMENT_TRACKING_MILESTONE_CHANGED": frozenset({"trackingIdentifier"}),
}
"""Which types take an event filter, and what may be in it besides its type."""
EXPRESSIONS = frozenset(
    {
        "ACCOUNT_STATUS_CHANGED", "ANY_OFFER_CHANGED", "B2B_ANY_OFFER_CHANGED", "DETAIL_PAGE_TRAFFIC_EVENT",
        "EXTERNAL_FULFILLMENT_SHIPMENT_STATUS_CHANGE", "FBA_INVENTORY_AVAILABILITY_CHANGES",
        "FBA_OUTBOUND_SHIPMENT_STATUS", "FEED_PROCESSING_FINISHED", "FEE_PROMOTION", "FULFILLMENT_ORDER_STATUS",
        "ITEM_INVENTORY_EVENT_CHANGE", "ITEM_SALES_EVENT_CHANGE", "ORDER_CHANGE", "PRICING_HEALTH",
        "REPORT_PROCESSING_FINISHED", "TRANSACTION_UPDATE",
    }
)  # fmt: skip
"""Which types take a filter expression (Amazon's page on filtering subscriptions)."""
PERIODS_S: Mapping[str, int] = {"FiveMinutes": 300, "TenMinutes": 600}
KEPT = 512
"""How many compiled expressions are held."""

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_RESERVED = frozenset(
    {
        "true", "false", "null", "in", "bool", "bytes", "double", "dyn", "int", "list", "map", "null_type", "string",
        "type", "uint",
    }
)  # fmt: skip
"""What a name in an expression is not: CEL's literals, operators and types."""
# what an environment does not have is refused when an expression is compiled
_LANGUAGE = "name: amazon\nstdlib:\n  exclude_functions:\n" + "".join(
    f'    - name: "{name}"\n' for name in ("_+_", "_-_", "_*_", "_/_", "_%_", "-_", "_[_]")
)


def check(type: str, directive: Mapping[str, Any] | None) -> None:
    """Check a processing directive, which fits its schema, against the type that is subscribed to.

    Raises:
        AmazonRefused: it does not fit.
    """
    chosen, expression = (directive or {}).get("eventFilter"), (directive or {}).get("filterExpression")
    if chosen is not None and expression is not None:
        raise _refused("eventFilter and filterExpression are mutually exclusive")
    if chosen is None and expression is None:
        if directive is not None or type == "ORDER_CHANGE":
            raise _refused("Processing Directive eventFilter must not be empty")
    elif chosen is not None:
        if not _fits(type, chosen):
            text = msgspec.json.encode(chosen).decode()
            raise _refused(f"EventFilter Payload {text} failed to validate for notification type {type}")
    elif type not in EXPRESSIONS:
        raise _refused(f"Notification type {type} does not support filterExpression")
    else:
        _check_expression(str(expression), type)


def _fits(type: str, chosen: Mapping[str, Any]) -> bool:
    if chosen["eventFilterType"] != type or not chosen.keys() <= EVENT_FILTERS[type] | {"eventFilterType"}:
        return False
    if type == "ORDER_CHANGE":
        return bool(chosen.get("orderChangeTypes"))
    return len(chosen.get("trackingIdentifier", ("one",))) == 1


def _check_expression(expression: str, type: str) -> None:
    try:
        kind = _compiled(expression).return_type().name()
    except ImportError:
        needed = "The local Amazon needs an extra for filter expressions: pip install 'sellerport[cel]'"
        raise _refused(needed) from None
    except RuntimeError as error:
        first = str(error).partition("\n")[0].removeprefix("INVALID_ARGUMENT: ")
        raise _refused(f"FilterExpression failed to validate for notification type {type}: {first}") from None
    if kind not in ("BOOL", "DYN"):
        raise _refused(f"FilterExpression failed to validate for notification type {type}: it is {kind} and not BOOL")


def _refused(details: str) -> AmazonRefused:
    message = "Request has missing or invalid parameters and cannot be parsed."
    return AmazonRefused(message, status=400, amazon_code="InvalidInput", details=details)


def passes(directive: Mapping[str, Any] | None, payload: Mapping[str, Any]) -> bool:
    """Whether a directive lets a payload through; what a payload does not say stops no event filter."""
    if directive is None:
        return True
    if "filterExpression" in directive:
        return _compiled(directive["filterExpression"]).eval(data=payload).value() is True
    chosen = directive["eventFilter"]
    for name, filtered in (("marketplaceIds", "MarketplaceId"), ("orderChangeTypes", "OrderChangeType")):
        told = said(payload, filtered)
        if chosen.get(name) and told is not None and told not in chosen[name]:
            return False
    wanted: Mapping[str, Any] = chosen.get("trackingIdentifier", {})
    identifier = said(payload, "identifier")
    return not isinstance(identifier, Mapping) or wanted.items() <= identifier.items()


def period_s(directive: Mapping[str, Any] | None) -> int:
    """Return for how many seconds changes of one item are put together; 0 is not at all."""
    settings = (directive or {}).get("eventFilter", {}).get("aggregationSettings")
    return PERIODS_S[settings["aggregationTimePeriod"]] if settings else 0


def said(payload: Any, name: str) -> Any:
    """Return the value of a name, wherever in a payload it first stands and however it is spelled."""
    if isinstance(payload, Mapping):
        for key, value in payload.items():
            found = value if key.lower() == name.lower() else said(value, name)
            if found is not None:
                return found
    return None


@lru_cache(maxsize=KEPT)
def _compiled(expression: str) -> cel.Expression:
    from cel_expr_python import cel  # noqa: PLC0415  # an extra, and only filter expressions have to pay for it

    names = set(_NAME.findall(expression)) - _RESERVED
    environment = cel.NewEnv(config=cel.NewEnvConfigFromYaml(_LANGUAGE), variables=dict.fromkeys(names, cel.Type.DYN))
    return environment.compile(expression)
