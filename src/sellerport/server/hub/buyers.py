"""Where an order goes and who bought it: asked for each time, and kept nowhere.

Orders 2026-01-01 says so by itself to applications with the roles for it; where it does not, Orders v0 does, to a
restricted data token. Amazon will stop answering v0 on 27 March 2027.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sellerport import calls, catalog, restricted, serialize
from sellerport.errors import (
    AmazonError,
    AmazonNotFound,
    AmazonRefused,
    AmazonUnavailable,
    NoAnswer,
    NotFound,
    Throttled,
)
from sellerport.restricted import RestrictedTokens
from sellerport.server.hub.passes import Pass
from sellerport.server.scrubbing import PLACEHOLDERS
from sellerport.wire import Wire

ADDRESS = (
    "Name",
    "AddressLine1",
    "AddressLine2",
    "AddressLine3",
    "City",
    "StateOrRegion",
    "PostalCode",
    "CountryCode",
    "Phone",
)
ELEMENTS = ("buyerInfo", "shippingAddress")

Buyer = Mapping[str, Mapping[str, str]]
"""``ShippingAddress`` and ``BuyerInfo``, with their fields as Orders v0 calls them."""


async def look_up(wire: Wire, tokens: RestrictedTokens, one: Pass, order_id: str) -> Buyer:
    """Ask Amazon where an order goes, and who bought it.

    Raises:
        NotFound: the account has no such order.
        AmazonError: Amazon does not say, for now or at all.
        TokenError: there is no token to ask with.
    """
    try:
        found = await _newest(wire, one, order_id)
        return found or await _first(wire, tokens, one, order_id)
    except AmazonNotFound:
        raise NotFound("Order not found") from None
    except Throttled:
        raise
    except (AmazonError, NoAnswer) as error:
        raise AmazonUnavailable("Amazon API error", status=502) from error


def values(buyer: Buyer) -> dict[str, str]:
    """Return what placeholders stand for."""
    return {name: buyer[part].get(field, "") for name, (part, field) in PLACEHOLDERS.items()}


async def _newest(wire: Wire, one: Pass, order_id: str) -> Buyer | None:
    operation = catalog.find("orders_2026_01_01.get_order")
    given = {"order_id": order_id, "included_data": ["RECIPIENT", "BUYER"]}
    try:
        answer = await calls.call(wire, one.session, operation, serialize.prepare(operation, given))
    except AmazonNotFound:
        raise
    except AmazonRefused:  # the application lacks the roles, or the sandbox lacks the operation
        return None
    order = _object(_object(answer.data).get("order"))
    address = _object(_object(order.get("recipient")).get("deliveryAddress"))
    buyer = _object(order.get("buyer"))
    if not address.get("name") and not address.get("addressLine1"):
        return None
    return {
        "ShippingAddress": {name: _text(address.get(name[0].lower() + name[1:])) for name in ADDRESS},
        "BuyerInfo": {name: _text(buyer.get(name[0].lower() + name[1:])) for name in ("BuyerName", "BuyerEmail")},
    }


async def _first(wire: Wire, tokens: RestrictedTokens, one: Pass, order_id: str) -> Buyer:
    operation = catalog.find("orders_v0.get_order")
    prepared = serialize.prepare(operation, {"order_id": order_id})
    resource = restricted.resource_of(operation, prepared, ELEMENTS)
    try:
        answer = await restricted.call(wire, one.session, tokens, operation, prepared, resource)
    except AmazonRefused as refused:
        if refused.status == 400 and refused.operation == operation.key:  # what v0 says of an order it does not have
            raise NotFound("Order not found") from None
        raise
    order = _object(answer.payload)
    address, buyer = _object(order.get("ShippingAddress")), _object(order.get("BuyerInfo"))
    return {
        "ShippingAddress": {name: _text(address.get(name)) for name in ADDRESS},
        "BuyerInfo": {name: _text(buyer.get(name)) for name in ("BuyerName", "BuyerEmail")},
    }


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
