"""Easy Ship 2022-03-23: Amazon's carrier takes an order that the account ships, in a slot that the account picks.

* Whatever waits whole for the account can be scheduled, as one package; no piece of it has another label then.
* A slot is offered for an order and its parcel, up to a week after the order should have left; what was said of the
  parcel there is what the package then has. Without a slot, a bulk request takes the earliest.
* Where a package is comes from the clock: it is picked up at the end of its slot. Until then it can be rescheduled.
* The Orders API tells its status from then on (EasyShipShipmentStatus). As with other labels, the order is shipped when
  that is confirmed: see `shipment_confirmation`.
* A bulk request is answered with the address of a ZIP file, good for some minutes: a label in the format asked for and
  an invoice of each order, and a warranty where serial numbers were given.

Amazon offers it in some countries only, and for orders of its programme; here all accounts, marketplaces and orders
have it, so that RegionNotSupported is never said. Refusals have Amazon's codes and their statuses, in our own words.
Not known: what a package that is not scheduled is read as (ResourceNotFound here). The report that has the documents
of single packages (GET_EASYSHIP_DOCUMENTS) is not made of them.
"""

from __future__ import annotations

import hashlib
import io
import uuid
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sellerport.emulator import carriers, handover, labels
from sellerport.emulator.call import Answer, Call, invalid, moment, refused
from sellerport.emulator.handover import Slot
from sellerport.emulator.labels import Label
from sellerport.emulator.parcels import Bought, Quote
from sellerport.emulator.shop import DAY_S, Order
from sellerport.emulator.storage import Stored
from sellerport.emulator.world import World
from sellerport.errors import AmazonRefused

API = "easy_ship_2022_03_23"
SERVICE = carriers.BY_ID["LOCAL_PARCEL_GROUND"]
CANCELLED_AFTER_S = 7 * DAY_S
"""So long after it should have left, an order would be cancelled; no slot lies beyond that."""
MOST = 100
"""Orders in a bulk request."""
LIFE_S = 300
STATUSES = {
    "ReadyForReceive": "ReadyForPickup", "PickupDone": "PickedUp", "Departed": "AtOriginFC",
    "ArrivedAtCarrierFacility": "AtDestinationFC", "OutForDelivery": "OutForDelivery", "Delivered": "Delivered",
}  # fmt: skip
"""By the steps of a parcel (`carriers.steps`)."""
IN_ORDERS = {
    ("ReadyForPickup", "PICKUP"): "PendingPickUp", ("ReadyForPickup", "DROPOFF"): "PendingDropOff",
    ("PickedUp", "DROPOFF"): "DroppedOff",
}  # fmt: skip
"""What the Orders API calls differently."""
USUAL = {"length": 20, "width": 15, "height": 10, "unit": "cm"}, {"value": 500, "unit": "g"}


def list_handover_slots(call: Call) -> Answer:
    """Say when a parcel of an order could be handed over."""
    asked = call.checked_body()
    order = _order(call, asked["amazonOrderId"], asked)
    _need_open(call, order, rescheduling=True)
    size, weight = asked["packageDimensions"], asked["packageWeight"]
    sides = [size[name] for name in ("length", "width", "height") if name in size]
    measured = len(sides) == 3 or (not sides and "identifier" in size)
    slots = _slots(call, order)
    if not measured or not 0 < weight.get("value", 0) <= SERVICE.most_g or not slots:
        raise refused("There is no time slot for this package.", status=404, code="TimeSlotNotAvailable")
    call.world.parcels.quotes[call.seller, order.id] = Quote({}, asked, float("inf"))
    return Answer({"amazonOrderId": order.id, "timeSlots": [_written(slot) for slot in slots]})


def create_scheduled_package(call: Call) -> Answer:
    """Schedule the package of an order."""
    asked = call.checked_body()
    order = _order(call, asked["amazonOrderId"], asked)
    return Answer(_package(call, _schedule(call, order, asked["packageDetails"])))


def create_scheduled_package_bulk(call: Call) -> Answer:
    """Schedule the packages of several orders, and return what is printed of them; tell which could not be."""
    asked = call.checked_body()
    wanted = asked["orderScheduleDetailsList"]
    if len(wanted) > MOST:
        raise invalid(f"orderScheduleDetailsList must have at most {MOST} orders")
    scheduled, rejected = [], []
    for one in wanted:
        try:
            order = _order(call, one["amazonOrderId"], asked)
            scheduled.append(_schedule(call, order, one.get("packageDetails", {})))
        except AmazonRefused as refusal:
            told = {"code": refusal.amazon_code, "message": refusal.message, "details": refusal.details or ""}
            rejected.append({"amazonOrderId": one["amazonOrderId"], "error": told})
    answer: dict[str, Any] = {"scheduledPackages": [_package(call, one) for one in scheduled]}
    if rejected:
        answer["rejectedOrders"] = rejected
    if scheduled:
        key, storage = f"easy-ship/{call.world.uuid()}", call.world.storage
        storage.objects[key] = Stored.of(_printed(call, scheduled, asked["labelFormat"]), "application/zip")
        url = storage.presign("GET", call.address, key, now=call.world.now(), life_s=LIFE_S)
        answer["printableDocumentsUrl"] = url
    return Answer(answer)


def get_scheduled_package(call: Call) -> Answer:
    """Return the package of an order."""
    order = _order(call, call.one("amazonOrderId") or "", {"marketplaceId": call.one("marketplaceId")})
    scheduled = _scheduled(call.world, call.seller, order.id)
    if scheduled is None:
        raise refused(f"Order {order.id} has no scheduled package.", status=404, code="ResourceNotFound")
    return Answer(_package(call, scheduled))


def update_scheduled_packages(call: Call) -> Answer:
    """Hand packages over at other times; if one of them cannot be, none is changed."""
    asked, changed = call.checked_body(), []
    for one in asked["updatePackageDetailsList"]:
        named = one["scheduledPackageId"]
        order = _order(call, named["amazonOrderId"], asked)
        scheduled = _scheduled(call.world, call.seller, order.id)
        if scheduled is None:
            raise refused(f"Order {order.id} is not scheduled.", status=404, code="InvalidOrderState")
        if named.get("packageId") not in (None, scheduled.id):
            raise refused(f"Order {order.id} has no such package.", status=404, code="ResourceNotFound")
        if _status(call.world, scheduled) != "ReadyForPickup":
            message = f"The package of order {order.id} has left."
            raise refused(message, status=405, code="OrderNotEligibleForRescheduling")
        changed.append((order, scheduled, _slot(call, order, one["packageTimeSlot"])))
    for order, scheduled, slot in changed:
        scheduled.shipped = slot.start
        scheduled.facts["slot"] = _written(slot)
        _touch(call, order)
    return Answer({"packages": [_package(call, scheduled) for _, scheduled, _ in changed]})


def shipment_status(world: World, seller: str, order_id: str) -> str | None:
    """Return where the package of an order is, in the words of the Orders API; None for one that has none."""
    scheduled = _scheduled(world, seller, order_id)
    if scheduled is None:
        return None
    status = _status(world, scheduled)
    return IN_ORDERS.get((status, scheduled.facts["slot"]["handoverMethod"]), status)


# --- what is asked ----------------------------------------------------------------------------------------------------


def _order(call: Call, id: str, asked: Mapping[str, Any]) -> Order:
    """Return an order of the account, in the marketplace that is named, if one is."""
    order = call.account.orders.get(id) if call.account else None
    if order is None or asked.get("marketplaceId") not in (None, order.marketplace.id):
        raise refused(f"There is no order {id} in this marketplace.", status=404, code="ResourceNotFound")
    return order


def _need_open(call: Call, order: Order, *, rescheduling: bool = False) -> None:
    """Let only an order pass that waits whole, and that has no package yet, unless that is to be rescheduled."""
    if _scheduled(call.world, call.seller, order.id) is not None:
        if not rescheduling:
            raise refused(f"Order {order.id} is scheduled already.", code="ScheduledPackageAlreadyExists")
        return
    labelled = any(call.world.parcels.labelled(call.seller, order.id, item.id) for item in order.items)
    if order.channel == "AFN" or order.status != "Unshipped" or labelled:
        raise refused(f"Order {order.id} does not wait for Easy Ship.", status=404, code="InvalidOrderState")


def _schedule(call: Call, order: Order, asked: Mapping[str, Any]) -> Bought:
    _need_open(call, order)
    known = {item.id for item in order.items}
    items = asked.get("packageItems") or [{"orderItemId": item.id} for item in order.items]
    if {one.get("orderItemId") for one in items} != known:
        raise invalid(f"packageItems must be those of order {order.id}")
    if "packageTimeSlot" in asked:
        slot = _slot(call, order, asked["packageTimeSlot"])
    else:
        slots = _slots(call, order)
        if not slots:
            raise refused("There is no time slot for this package.", status=404, code="TimeSlotNotAvailable")
        slot = slots[0]
    quote = call.world.parcels.quotes.get((call.seller, order.id))
    usual = _measured(call, order)
    size, weight = (quote.asked["packageDimensions"], quote.asked["packageWeight"]) if quote else usual
    id = _package_id(call.world, call.seller, order.id)
    tracking = carriers.tracking_number(id)
    sender = (call.account.name,) if call.account else ()
    identifier = asked.get("packageIdentifier", "")
    label = carriers.label(SERVICE, tracking, sender, order.address.printed, *filter(None, (order.id, identifier)))
    facts = {"slot": _written(slot), "items": items, "identifier": identifier, "size": size, "weight": weight}
    pieces = {item.id: item.quantity for item in order.items}
    now = call.world.now()
    scheduled = Bought(
        id, SERVICE, now, slot.start, {tracking: label}, dict(asked), facts, order_id=order.id, items=pieces
    )
    call.world.parcels.bought[API, call.seller, id] = scheduled
    _touch(call, order)
    return scheduled


def _touch(call: Call, order: Order) -> None:
    call.world.change_order(call.seller, replace(order, updated=int(call.world.now())))


def _slots(call: Call, order: Order) -> list[Slot]:
    last = order.ship_window[1] + CANCELLED_AFTER_S
    return [one for one in handover.upcoming(_whose(call, order), call.world.now()) if one.end <= last]


def _slot(call: Call, order: Order, asked: Mapping[str, Any]) -> Slot:
    """Return the slot that is named, which has to be one of the order that is still to come."""
    now = call.world.now()
    found = handover.find(_whose(call, order), asked["slotId"], now)
    if found is None:
        raise refused(f"{asked['slotId']} is no time slot of order {order.id}.", code="InvalidTimeSlotId")
    if not handover.is_open(found, now):
        raise refused("The time slot is over; list them again.", code="ScheduleWindowExpired")
    return found


def _whose(call: Call, order: Order) -> str:
    return f"easy ship {call.world.seed} {call.seller} {order.id}"


def _measured(call: Call, order: Order) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return size and weight of an order of which nobody said them, by what is in it."""
    listed = {one.asin: one.article for one in (call.account.products if call.account else ())}
    inside = [(listed[item.asin], item.quantity) for item in order.items if item.asin in listed]
    if not inside:
        return USUAL
    sides = (max(article.centimetres[side] for article, _ in inside) for side in range(3))
    size = dict(zip(("length", "width", "height"), sides, strict=True))
    grams = sum(article.grams * quantity for article, quantity in inside)
    return {**size, "unit": "cm"}, {"value": grams, "unit": "g"}


# --- what is answered -------------------------------------------------------------------------------------------------


def _package_id(world: World, seller: str, order_id: str) -> str:
    made_of = hashlib.sha256(f"easy ship {world.seed} {seller} {order_id}".encode()).digest()
    return str(uuid.UUID(bytes=made_of[:16], version=4))


def _scheduled(world: World, seller: str, order_id: str) -> Bought | None:
    return world.parcels.bought.get((API, seller, _package_id(world, seller, order_id)))


def _status(world: World, scheduled: Bought) -> str:
    done = carriers.steps(SERVICE, scheduled.bought, scheduled.shipped, world.now())
    return STATUSES[done[-1].code]


def _written(slot: Slot) -> dict[str, Any]:
    times = {"startTime": moment(slot.start), "endTime": moment(slot.end)}
    return {"slotId": slot.id, **times, "handoverMethod": slot.method}


def _package(call: Call, one: Bought) -> dict[str, Any]:
    facts, (tracking,) = one.facts, one.labels
    return {
        "scheduledPackageId": {"amazonOrderId": one.order_id, "packageId": one.id},
        "packageDimensions": facts["size"],
        "packageWeight": facts["weight"],
        "packageItems": facts["items"],
        "packageTimeSlot": facts["slot"],
        **({"packageIdentifier": facts["identifier"]} if facts["identifier"] else {}),
        "invoice": {"invoiceNumber": _invoice_number(one), "invoiceDate": moment(one.bought)},
        "packageStatus": _status(call.world, one),
        "trackingDetails": {"trackingId": tracking},
    }


def _invoice_number(one: Bought) -> str:
    return f"ES-{one.order_id}"


def _printed(call: Call, scheduled: Sequence[Bought], format: labels.Format) -> bytes:
    """Return a ZIP file of what is printed of packages; the same for the same packages."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for one in scheduled:
            files = {f"label-{one.order_id}.{format.lower()}": labels.render(format, list(one.labels.values()))}
            files[f"invoice-{one.order_id}.pdf"] = _page(call, one, f"INVOICE {_invoice_number(one)}")
            numbers = [number for item in one.facts["items"] for number in item.get("orderItemSerialNumbers", ())]
            if numbers:
                files[f"warranty-{one.order_id}.pdf"] = _page(call, one, "WARRANTY", *numbers)
            for name, body in files.items():
                archive.writestr(zipfile.ZipInfo(name), body)
    return made.getvalue()


def _page(call: Call, one: Bought, title: str, *more: str) -> bytes:
    assert call.account is not None, "whoever has a package has an account"
    order = call.account.orders[one.order_id or ""]
    items = [f"{item.quantity} x {item.title}: {item.price} {order.marketplace.currency}" for item in order.items]
    (tracking,) = one.labels
    page = Label(tracking, (title, call.account.name, "", *order.address.printed, "", *items, *more))
    return labels.pdf([page], labels.A4)


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    f"{API}.list_handover_slots": list_handover_slots,
    f"{API}.create_scheduled_package": create_scheduled_package,
    f"{API}.create_scheduled_package_bulk": create_scheduled_package_bulk,
    f"{API}.get_scheduled_package": get_scheduled_package,
    f"{API}.update_scheduled_packages": update_scheduled_packages,
}
