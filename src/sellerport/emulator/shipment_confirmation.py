"""Orders v0, the part that writes: an account says that it has sent an order, or where an order to be picked up is.

* A package is known by its reference within its order: the same reference again corrects the package.
* Only orders that the account ships, and that wait for it, can be confirmed; the order then is what every API shows.
* A pickup that was collected is shipped, and one that was refused is a cancelled order.
* Any carrier will do, by code or as Other with a name, and what cannot be tracked has an empty tracking number. Amazon
  takes codes of a list only, which is in none of its models.

Not known: what Amazon says to an order that it ships itself or that waits for its payment, to an item of which fewer
pieces are left, to a date before the order's (400 here) or in the future (taken here), and to a pickup of an order that
is to be sent (which is taken here, as no seeded order is one to be picked up).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sellerport.emulator.call import Answer, Call, invalid, refused, unix_seconds
from sellerport.emulator.parcels import Package
from sellerport.emulator.shop import Order

FULFILLED = (
    "Failed to create package due to not finding a matching package or order already fulfilled.  "
    "ErrorMessage(errorCode=GeneralError, errorDescription=Unable to find package to update for order (), "
    "errorMetric=PackageToUpdateNotFound, packageIndex=null)"
)
UNKNOWN_ITEM = "OrderItemId {} is invalid, please obtain the value through the getOrderItems API or Manage Orders page"


def confirm_shipment(call: Call) -> Answer:
    """Say that a package has left."""
    asked = call.checked_body()
    order, detail = _own(call, asked), asked["packageDetail"]
    reference = detail["packageReferenceId"]
    if not (reference.isascii() and reference.isdecimal() and int(reference)):
        raise refused("PackageReferenceId: is invalid, must be a positive numeric value.")
    if not detail["carrierCode"]:
        raise invalid("carrierCode must not be empty")
    if detail["carrierCode"] == "Other" and not detail.get("carrierName"):
        raise invalid("carrierName must be given where carrierCode is Other")
    shipped = int(unix_seconds(detail["shipDate"], "shipDate"))
    if shipped < order.created:
        raise invalid("shipDate must not be before the order was placed")
    packages = call.world.parcels.packages(call.seller, order)
    before = packages.get(reference)
    if before is None and order.status == "Shipped":
        raise refused(FULFILLED)
    items = _counted(order, detail["orderItems"], before.items if before else {})
    now = call.world.now()
    package = Package(
        reference=reference,
        carrier=detail.get("carrierName") or detail["carrierCode"],
        tracking=detail["trackingNumber"],
        service=detail.get("shippingMethod", "Standard"),
        created=before.created if before else int(now),
        shipped=shipped,
        items=items,
    )
    call.world.change_order(call.seller, call.world.parcels.send(call.seller, order, package, now=now))
    return Answer(status=204)


def update_shipment_status(call: Call) -> Answer:
    """Say that an order to be picked up is ready, was collected, or was refused."""
    asked = call.checked_body()
    order, now = _own(call, asked), call.world.now()
    if order.status == "Shipped":
        raise refused(FULFILLED)
    waiting = {item.id: item.quantity - item.shipped for item in order.items if item.quantity > item.shipped}
    items = _counted(order, asked["orderItems"], {}) if asked.get("orderItems") else waiting
    if asked["shipmentStatus"] == "PickedUp":
        reference = str(len(call.world.parcels.packages(call.seller, order)) + 1)
        package = Package(reference, "Pickup", order.id, "Pickup", int(now), int(now), items)
        order = call.world.parcels.send(call.seller, order, package, now=now)
    elif asked["shipmentStatus"] == "RefusedPickup":
        if items != {item.id: item.quantity for item in order.items}:
            raise invalid("orderItems must be the whole order where its pickup was refused")
        order = replace(order, status="Canceled", updated=int(now))
    else:
        order = replace(order, updated=int(now))
    call.world.change_order(call.seller, order)
    return Answer(status=204)


def _own(call: Call, asked: Mapping[str, Any]) -> Order:
    """Return the order, which has to be one that the account ships, in the marketplace that is named."""
    order = call.account.orders.get(call.path["orderId"]) if call.account else None
    if order is None or order.marketplace.id != asked["marketplaceId"]:
        raise invalid(f"Order {call.path['orderId']} was not found in marketplace {asked['marketplaceId']}")
    if order.channel == "AFN":
        raise invalid(f"Order {order.id} is shipped by Amazon")
    if order.status not in ("Unshipped", "PartiallyShipped", "Shipped"):
        raise invalid(f"Order {order.id} is {order.status} and cannot be shipped")
    return order


def _counted(order: Order, asked: Sequence[Mapping[str, Any]], corrected: Mapping[str, int]) -> dict[str, int]:
    """Return how many pieces of each item are meant; those of a package that is corrected can be sent again."""
    known = {item.id: item for item in order.items}
    counted: dict[str, int] = {}
    for one in asked:
        id, quantity = one.get("orderItemId", ""), one.get("quantity", 0)
        if id not in known:
            raise refused(UNKNOWN_ITEM.format(id))
        counted[id] = counted.get(id, 0) + quantity
        left = known[id].quantity - known[id].shipped + corrected.get(id, 0)
        if quantity < 1 or counted[id] > left:
            raise invalid(f"quantity of OrderItemId {id} must be from 1 to {left}")
    if not counted:
        raise invalid("orderItems must name an item")
    return counted


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    "orders_v0.confirm_shipment": confirm_shipment,
    "orders_v0.update_shipment_status": update_shipment_status,
}
