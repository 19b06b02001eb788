"""Fulfillment Outbound 2026-07-04: previews and orders that Amazon ships for other shops; the orders of `outbound`.

* An order that was made in one version is shown by the other. What one version alone knows stays with it.
* The marketplace is that of the origin's country, or the account's first.
* The sandbox's own updateOrderStatus and updatePackage work on every host.

Delivery offers (getOffers) have no state, and are invented.

Not known: Amazon's words for refusals, what it calls constraints and prices, and when it accepts an order for later
(202): here every order is there at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sellerport.emulator import page_tokens
from sellerport.emulator.call import Answer, Call, invalid, missing, moment, unix_seconds
from sellerport.emulator.outbound import (
    DOLLARS,
    accept,
    arrival,
    changeable,
    changed_since,
    counted,
    hold,
    kilograms,
    known,
    listed,
    market,
    short,
    state,
    submit,
)
from sellerport.emulator.outbound_orders import Line, Outgoing, Package, Shipment
from sellerport.emulator.shop import local

API = "fulfillment_outbound_2026_07_04"
PAGE = 50
SPEEDS = {"STANDARD": "Standard", "EXPEDITED": "Expedited", "PRIORITY": "Priority"}
ACTIONS = {"SHIP": "Ship", "HOLD": "Hold"}
POLICIES = {"FILL_OR_KILL": "FillOrKill", "FILL_ALL": "FillAll", "FILL_ALL_AVAILABLE": "FillAllAvailable"}
STATUSES = {
    "COMPLETE": "Complete", "COMPLETE_PARTIAL": "CompletePartialled", "CANCELLED": "Cancelled",
    "UNFULFILLABLE": "Unfulfillable", "INVALID": "Invalid", "PROCESSING": "Processing",
}  # fmt: skip
SHIPMENTS = {
    "PENDING": "PROCESSING", "SHIPPED": "SHIPPED", "CANCELLED_BY_SELLER": "CANCELLED",
    "CANCELLED_BY_FULFILLER": "CANCELLED",
}  # fmt: skip
PACKAGES = ("PROCESSING", "IN_TRANSIT", "DELAYED", "OUT_FOR_DELIVERY", "DELIVERED", "UNDELIVERABLE", "EXPIRED")
KEPT = ("channel", "origin", "paymentInformation")


def get_order_preview(call: Call) -> Answer:
    """Say how an order would be sent, when it would come and what it would cost."""
    asked = call.checked_body()
    marketplace = market(call, country=asked.get("origin", {}).get("countryCode"))
    wanted = counted((_sku(one), _pieces(one)) for one in asked["lineItems"])
    for sku in wanted:
        listed(call, marketplace, sku)
    lacking = short(call, marketplace, wanted)
    constraints = [
        {
            "type": "PRODUCT",
            "code": "INVENTORY_UNAVAILABLE",
            "message": f"{quantity} of {sku} are missing.",
            "details": [{"type": "AMAZON_SKU", "value": sku}],
        }
        for sku, quantity in lacking.items()
    ]
    fit = {sku: quantity for sku, quantity in wanted.items() if sku not in lacking}
    if not fit:
        return Answer({"plannedShipments": [], "constraints": constraints})
    level = asked.get("fulfillmentConfiguration", {}).get("serviceLevel", {})
    offers = []
    for tier in level.get("serviceTiers") or ["STANDARD", "EXPEDITED"]:
        speed = _named(SPEEDS, tier, "serviceTiers")
        start, end = arrival(call, speed)
        interval = {"startTime": moment(start), "endTime": moment(end)}
        offer: dict[str, Any] = {
            "fulfillmentConfiguration": {"serviceLevel": {"serviceTier": tier, "deliveryInterval": interval}}
        }
        if not asked.get("excludeEstimatedFees"):
            amount = local(DOLLARS[speed] * sum(fit.values()), marketplace.currency)
            money = {"currencyCode": marketplace.currency, "amount": str(amount)}
            rollup = [{"type": "MCFTransportationFee", "value": money}]
            offer["estimatedPrice"] = {"totalPrice": money, "rollupPrices": rollup}
        offers.append(offer)
    shipment = {
        "estimatedShippingWeight": {"unit": "KG", "value": kilograms(call, marketplace, fit)},
        "items": [{"productIdentifier": {"amazonSku": sku}, "amount": _amount(count)} for sku, count in fit.items()],
        "offers": offers,
    }
    return Answer({"plannedShipments": [shipment], "constraints": constraints})


def create_order(call: Call) -> Answer:
    """Let Amazon ship something."""
    asked, now = call.checked_body(), call.world.now()
    configuration = asked.get("fulfillmentConfiguration", {})
    tiers = configuration.get("serviceLevel", {}).get("serviceTiers") or ["STANDARD"]
    order = Outgoing(
        id=asked["orderId"],
        seller=call.seller,
        marketplace=market(call, country=asked.get("origin", {}).get("countryCode")),
        address=asked["destination"]["deliveryAddress"],
        speed=_named(SPEEDS, tiers[0], "serviceTiers"),
        action=_named(ACTIONS, configuration.get("action", "SHIP"), "action"),
        policy=_named(POLICIES, configuration.get("policy", "FILL_OR_KILL"), "policy"),
        lines=[Line(one["lineItemId"], _sku(one), _pieces(one), {}) for one in asked["lineItems"]],
        received=now,
        updated=now,
        facts={name: asked[name] for name in KEPT if name in asked},
    )
    accept(call, order)
    return Answer({"order": _order(order, now)})


def get_order(call: Call) -> Answer:
    """Return an order."""
    order = known(call, call.path["orderId"])
    return Answer({"order": _order(order, call.world.now(), shipments=call.one("shipments") != "EXCLUDE")})


def list_orders(call: Call) -> Answer:
    """List orders by when their status changed."""
    token = call.one("pageToken")
    arguments = {name: call.many(name) for name in call.query if name != "pageToken"}
    if token is None:
        ids = [one.id for one in changed_since(call, "updatedAfter")]
    else:
        ids = page_tokens.redeem(call, token, name="pageToken", arguments=arguments)
    rest, now, included = ids[PAGE:], call.world.now(), call.one("shipments") != "EXCLUDE"
    body: dict[str, Any] = {"orders": [_order(known(call, id), now, shipments=included) for id in ids[:PAGE]]}
    if rest:
        body["pagination"] = {"nextToken": page_tokens.issue(call, rest, arguments=arguments)}
    return Answer(body)


def update_order(call: Call) -> Answer:
    """Let an order go that was held, or hold one."""
    asked = call.checked_body()
    order = changeable(call, call.path["orderId"])
    if action := asked.get("fulfillmentConfiguration", {}).get("action"):
        hold(call, order, _named(ACTIONS, action, "action"))
    return Answer({}, 202)


def cancel_order(call: Call) -> Answer:
    """Let Amazon not ship an order."""
    order = changeable(call, call.path["orderId"])
    call.world.outbound.move(order, "Cancelled", call.world.now())
    return Answer({}, 202)


def update_order_status(call: Call) -> Answer:
    """Move an order at once: the sandbox's own."""
    status = call.checked_body()["status"]
    submit(call, call.path["orderId"], _named(STATUSES, status, "status"))
    return Answer(status=204)


def update_package(call: Call) -> Answer:
    """Say where a package is: the sandbox's own."""
    asked = call.checked_body()
    order, id = known(call, call.path["orderId"]), call.path["packageId"]
    package = next((one for one in order.packages if str(one.number) == id), None)
    if package is None:
        raise missing(f"packageId {id} was not found")
    if asked["status"] not in PACKAGES:
        raise invalid(f"status must be one of {', '.join(PACKAGES)}")
    if "deliveryTime" in asked:
        unix_seconds(asked["deliveryTime"], "deliveryTime")
    package.told = asked
    return Answer(status=204)


# --- how it is written ------------------------------------------------------------------------------------------------


def _named(known: Mapping[str, str], word: str, name: str) -> str:
    if word not in known:
        raise invalid(f"{name} must be one of {', '.join(known)}")
    return known[word]


def _word(known: Mapping[str, str], meant: str) -> str:
    return next((word for word, one in known.items() if one == meant), "PROCESSING")


def _sku(asked: Mapping[str, Any]) -> str:
    return str(asked["product"]["productIdentifier"]["amazonSku"])


def _pieces(asked: Mapping[str, Any]) -> int:
    amount = asked["amount"]
    if amount.get("unit", "EACHES") != "EACHES" or not amount["value"].isdecimal() or not amount["value"].isascii():
        raise invalid("amount must be a whole number of EACHES")
    return int(amount["value"])


def _amount(quantity: int) -> dict[str, str]:
    return {"unit": "EACHES", "value": str(quantity)}


def _order(order: Outgoing, now: float, *, shipments: bool = True) -> dict[str, Any]:
    tier = _word(SPEEDS, order.speed)
    found: dict[str, Any] = {
        "orderId": order.id,
        "status": _word(STATUSES, order.status),
        "receiveTime": moment(order.received),
        "statusUpdateTime": moment(order.updated),
        **{name: order.facts[name] for name in KEPT if name in order.facts},
        "destination": {"deliveryAddress": order.address},
        "fulfillmentConfiguration": {
            "serviceLevel": {"serviceTiers": [tier]},
            "action": _word(ACTIONS, order.action),
            "policy": _word(POLICIES, order.policy),
        },
        "lineItems": [
            {
                "lineItemId": line.id,
                "product": {"productIdentifier": {"amazonSku": line.sku}},
                "amount": _amount(line.quantity),
                "cancelledAmount": _amount(line.cancelled),
                "unfulfillableAmount": _amount(line.unfulfillable),
            }
            for line in order.lines
        ],
    }
    if shipments:
        found["shipments"] = [_shipment(order, one, tier, now) for one in order.shipments]
    return found


def _shipment(order: Outgoing, one: Shipment, tier: str, now: float) -> dict[str, Any]:
    skus = {line.id: line.sku for line in order.lines}
    package = {"packageId": str(one.package.number)} if one.package else {}
    shown: dict[str, Any] = {
        "amazonShipmentId": one.id,
        "amazonFacility": {"facilityId": one.warehouse},
        "status": SHIPMENTS[one.status],
        "serviceLevel": {"serviceTier": tier},
        "items": [
            {
                "shipmentItemId": f"{one.id}-{id}",
                "lineItemId": id,
                "productIdentifier": {"amazonSku": skus[id]},
                "amount": _amount(quantity),
                **package,
            }
            for id, quantity in one.lines.items()
        ],
        "packages": [],
    }
    if one.package:
        shown["shipTime"] = moment(one.package.shipped)
        shown["packages"] = [_package(one.package, [item["shipmentItemId"] for item in shown["items"]], now)]
    return shown


def _package(one: Package, items: list[str], now: float) -> dict[str, Any]:
    status = one.told.get("status") or state(one, now)
    return {
        "packageId": str(one.number),
        "status": status,
        "deliveryTime": one.told.get("deliveryTime", moment(one.service.window(one.shipped)[1])),
        "tracking": one.told.get(
            "tracking", {"carrier": {"carrierCode": "LOCAL_PARCEL", "trackingNumber": one.tracking}}
        ),
        "shipmentItemIds": items,
    }


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    f"{API}.get_order_preview": get_order_preview,
    f"{API}.create_order": create_order,
    f"{API}.get_order": get_order,
    f"{API}.list_orders": list_orders,
    f"{API}.update_order": update_order,
    f"{API}.cancel_order": cancel_order,
    f"{API}.update_order_status": update_order_status,
    f"{API}.update_package": update_package,
}
