"""Amazon Warehousing and Distribution 2024-05-09: orders that replenish FBA, and outbound orders, their older form.

An order is validated while it is looked at, as reports are made; then it is ELIGIBLE, or says what is missing. A
replenishment order takes what there is, an outbound order only if it prefers that (PARTIAL_ORDER). Once it is
confirmed, by a call or by itself (AUTO), its pieces are promised to it; a day later they leave, and five days later
they are FBA's (see `distribution`).

Not known: the codes of reasons, how long each step takes, and whether an order can be given up (there is no operation).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sellerport.emulator.awd import API, address, bad, center, page
from sellerport.emulator.call import Answer, Call, missing, moment
from sellerport.emulator.distribution import COUNTRY, LEAVES_S, REGIONS, Kind, Order
from sellerport.emulator.shop import PLACES

MOST = 100
PARTIAL = {"orderPreference": "PARTIAL_ORDER", "orderPreferenceValue": "SET"}


# --- both -------------------------------------------------------------------------------------------------------------


def _create(call: Call, kind: Kind) -> Order:
    own, asked, now = center(call), call.checked_body(), call.world.now()
    order = Order(f"wf{call.world.uuid()}", kind, now, now)
    _fill(call, order, asked)
    own.orders[order.id] = order
    return order


def _fill(call: Call, order: Order, asked: Mapping[str, Any]) -> None:
    """Let an order be of what is asked for, and be validated anew."""
    products = asked.get("products") or asked.get("productsToOutbound") or []
    packages = asked.get("packagesToOutbound") or []
    sizes = [one["quantity"] for one in products] + [one["count"] for one in packages]
    if not sizes or min(sizes) < 1:
        raise bad("An order must have products, and quantities must be at least 1.")
    order.products, order.packages, order.updated = products, packages, call.world.now()
    order.preferences = asked.get("orderPreferences", [])
    order.partial = order.kind == "replenishment" or PARTIAL in order.preferences
    order.auto = asked.get("preferences", {}).get("confirmation") == "AUTO"
    order.checked, order.reasons, order.eligible, order.polls = "VALIDATING", [], {}, call.world.polls
    if order.polls == 0:
        center(call).validate(order, call.world.now())


def _confirm(call: Call, kind: Kind) -> Answer:
    order, own, now = _order(call, kind), center(call), call.world.now()
    if order.status(now) != "ELIGIBLE":
        raise bad(f"The order is {order.status(now)}.")
    before = order.eligible
    # what was there may be promised to another order meanwhile
    own.validate(order, now)
    if order.eligible != before:
        raise bad("What is eligible of the order has changed.")
    order.confirmed = now
    return Answer(status=204)


def _order(call: Call, kind: Kind) -> Order:
    id = call.path["orderId"]
    order = center(call).orders.get(id)
    if order is None or order.kind != kind:
        raise missing(f"The {kind} order {id} was not found")
    return order


def _looked(call: Call, kind: Kind) -> Order:
    """Look at an order, which moves its validation on."""
    order = _order(call, kind)
    if order.checked == "VALIDATING":
        order.polls -= 1
        if order.polls < 0:
            center(call).validate(order, call.world.now())
    return order


def _list(call: Call, kind: Kind) -> Sequence[Order]:
    """Return orders by when they changed, the latest first."""
    own, now = center(call), call.world.now()
    after, before = call.time("updatedAfter"), call.time("updatedBefore")
    found = [
        one
        for one in own.orders.values()
        if one.kind == kind
        and (after is None or one.changed(now) >= after)
        and (before is None or one.changed(now) <= before)
    ]
    return sorted(found, key=lambda one: one.changed(now), reverse=call.one("sortOrder") != "ASCENDING")


def _dates(order: Order, now: float) -> dict[str, str]:
    confirmed = {} if order.confirmed is None else {"confirmedOn": moment(order.confirmed)}
    return {"createdAt": moment(order.created), "updatedAt": moment(order.changed(now)), **confirmed}


def _products(pieces: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"sku": sku, "quantity": quantity} for sku, quantity in pieces.items()]


def _shipments(order: Order, now: float) -> list[dict[str, Any]]:
    """Return the one shipment that an order has, once it has left."""
    shipped = order.shipped(now)
    if shipped is None or order.confirmed is None:
        return []
    status, since = shipped
    dates = {"createdAt": moment(order.confirmed + LEAVES_S), "updatedAt": moment(since)}
    return [{"orderId": order.id, "shipmentId": f"{order.id}-1", "shipmentStatus": status, **dates}]


# --- replenishment orders ---------------------------------------------------------------------------------------------


def create_replenishment_order(call: Call) -> Answer:
    """Ask for pieces to go to FBA."""
    return Answer({"orderId": _create(call, "replenishment").id}, 201)


def get_replenishment_order(call: Call) -> Answer:
    """Return an order."""
    return Answer(_replenishment(_looked(call, "replenishment"), call.world.now()))


def list_replenishment_orders(call: Call) -> Answer:
    """List orders."""
    now, found = call.world.now(), _list(call, "replenishment")
    return Answer(page(call, "orders", found, lambda one: _replenishment(one, now), most=MOST))


def confirm_replenishment_order(call: Call) -> Answer:
    """Let an order be carried out."""
    return _confirm(call, "replenishment")


def _replenishment(order: Order, now: float) -> dict[str, Any]:
    shipments = _shipments(order, now)
    return {
        "orderId": order.id,
        "status": order.status(now),
        **_dates(order, now),
        "products": order.products,
        "eligibleProducts": _products(order.eligible),
        "distributionIneligibleReasons": order.reasons,
        "outboundShipments": shipments,
        "shippedProducts": _products(order.eligible) if shipments else [],
    }


# --- outbound orders --------------------------------------------------------------------------------------------------


def create_outbound(call: Call) -> Answer:
    """Ask for pieces or packages to go to FBA."""
    order = _create(call, "outbound")
    return Answer({"orderId": order.id}, 201, {"Location": order.id})


def update_outbound(call: Call) -> Answer:
    """Ask for something else."""
    order, asked, now = _order(call, "outbound"), call.checked_body(), call.world.now()
    if order.status(now) not in ("ELIGIBLE", "INELIGIBLE"):
        raise bad(f"The order is {order.status(now)}.")
    _fill(call, order, asked)
    return Answer({"orderId": order.id})


def get_outbound(call: Call) -> Answer:
    """Return an order."""
    return Answer(_outbound(_looked(call, "outbound"), call.world.now()))


def list_outbounds(call: Call) -> Answer:
    """List orders."""
    now, found = call.world.now(), _list(call, "outbound")
    return Answer(page(call, "outboundOrders", found, lambda one: _outbound(one, now), most=MOST))


def confirm_outbound(call: Call) -> Answer:
    """Let an order be carried out."""
    return _confirm(call, "outbound")


def _outbound(order: Order, now: float) -> dict[str, Any]:
    shipments, pieces = _shipments(order, now), _products(order.eligible)
    shown = [{**one, **_places(), "shipmentProductQuantities": pieces} for one in shipments]
    return {
        "orderId": order.id,
        "orderStatus": order.status(now),
        **_dates(order, now),
        "orderPreferences": order.preferences,
        "productsToOutbound": order.products,
        "packagesToOutbound": order.packages,
        "eligibleProductsToOutbound": pieces,
        "executionErrors": order.reasons,
        "outboundShipments": shown,
        "shippedOutboundProducts": pieces if shipments else [],
    }


def _places() -> dict[str, Any]:
    line, city, state, code = PLACES[COUNTRY][0]
    fulfillment = {
        "name": "Local fulfillment center", "addressLine1": line, "city": city, "stateOrRegion": state,
        "postalCode": code, "countryCode": COUNTRY,
    }  # fmt: skip
    return {"originAddress": address(next(iter(REGIONS))), "destinationAddress": fulfillment}


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    f"{API}.create_replenishment_order": create_replenishment_order,
    f"{API}.get_replenishment_order": get_replenishment_order,
    f"{API}.list_replenishment_orders": list_replenishment_orders,
    f"{API}.confirm_replenishment_order": confirm_replenishment_order,
    f"{API}.create_outbound": create_outbound,
    f"{API}.get_outbound": get_outbound,
    f"{API}.update_outbound": update_outbound,
    f"{API}.list_outbounds": list_outbounds,
    f"{API}.confirm_outbound": confirm_outbound,
}
