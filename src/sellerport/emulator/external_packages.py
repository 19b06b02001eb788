"""External Fulfillment Shipments 2024-09-11, the packages: how a shipment is packed, invoiced, labelled and sent.

* Packages hold every piece of a confirmed shipment, and say what its line items require and nothing that they do not.
  One of them can be described anew until it has a label, and has no slot any more then.
* Shipping options are slots, for what Amazon's carrier takes of a merchant's (MFN) shipment; of others there are none.
* An invoice is a PDF, made when it is first asked for, and the same again after that.
* A label is a file at an address that is good for some minutes: a PDF, for FBA ZPL, and a PNG where another carrier
  takes the package, which only whoever names it and its tracking number can have a label for. GENERATE gives the same
  label again, REGENERATE one with another tracking number. What is wrong with one package is said of it alone.
* A package has to have a label to be sent, unless the account brings it. Then its order is shipped, too. Amazon's
  carrier delivers by the clock; of any other, the account says where it is.

Not known: in which format Amazon makes whose labels, whether anything comes before the invoice or has to come after it
(here it may be at any time once there are packages), and whether packages can be created a second time (409 here).
"""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from sellerport.emulator import carriers, handover, labels
from sellerport.emulator.call import Answer, Call, invalid, missing
from sellerport.emulator.carriers import GRAMS
from sellerport.emulator.external_book import RANKS, SERVICE, Parcel, Shipment
from sellerport.emulator.external_shipments import (
    API,
    REQUIREMENTS,
    conflict,
    hold,
    invoice_id,
    known,
    need,
    own,
    send,
)
from sellerport.emulator.handover import Slot
from sellerport.emulator.labels import Label
from sellerport.emulator.shop import Order
from sellerport.emulator.storage import Stored
from sellerport.errors import AmazonRefused

PACKED = ("PACKAGE_CREATED", *RANKS[1:4])
"""The statuses of a shipment that is packed, and not sent."""
LIFE_S = 300
LIGHTEST_G = 5
CONTENT_TYPES: Mapping[labels.Format, str] = {
    "PDF": "application/pdf", "ZPL": "x.application/zpl", "PNG": "image/png",
}  # fmt: skip
"""As the storage calls each format of a label."""
TRACKING = re.compile(r"[0-9A-Z .-]{1,40}")
"""What a bar code can say (`labels`)."""


# --- packing ----------------------------------------------------------------------------------------------------------


def create_packages(call: Call) -> Answer:
    """Say in which packages a shipment leaves."""
    (order, one), packages = known(call), call.checked_body()["packages"]
    need(one, one.standing(order, call.world.now()).status, "CONFIRMED")
    described = {said["id"]: _described(one, said) for said in packages}
    if len(described) < len(packages):
        raise invalid("packages: an id must be named once")
    _need_whole(order, list(described.values()))
    one.packages = {id: _new(call, one, said) for id, said in described.items()}
    hold(call, one)
    return Answer(status=204)


def update_package(call: Call) -> Answer:
    """Describe a package anew."""
    (order, one), id = known(call), call.path["packageId"]
    before, said = _parcel(one, id), _described(one, call.checked_body())
    need(one, one.standing(order, call.world.now()).status, *PACKED[:3])
    if said["id"] != id:
        raise invalid(f"id must be {id}, as in the path")
    if before.label is not None:
        raise conflict(f"Package {id} has a label")
    _need_whole(order, [said, *(it.said for name, it in one.packages.items() if name != id)])
    one.packages[id] = _new(call, one, said)
    hold(call, one)
    return Answer(status=204)


def _new(call: Call, one: Shipment, said: dict[str, Any]) -> Parcel:
    if one.shipping == "MARKETPLACE":
        return Parcel(said, call.world.now())
    return Parcel(said, call.world.now(), carrier="Self", own_carrier=True)


def _parcel(one: Shipment, id: str) -> Parcel:
    if id not in one.packages:
        raise missing(f"Package {id} of shipment {one.id} was not found")
    return one.packages[id]


def _described(one: Shipment, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is said of a package, without a status, which is not for the account to say here."""
    for name, side in said["dimensions"].items():
        if _number(side["value"], f"dimensions.{name}") <= 0:
            raise invalid(f"dimensions.{name} must be positive")
    if _grams(said) < LIGHTEST_G:
        raise invalid(f"weight must be at least {LIGHTEST_G} grams")
    _need_said(one, "hazmatLabelsRequirement", "hazmatLabels", said)
    for line in said["packageLineItems"]:
        if line["quantity"] < 1:
            raise invalid("packageLineItems: quantity must be at least 1")
        _need_said(one, "serialNumberRequirement", "serialNumbers", line)
        _need_said(one, "countryOfOriginRequirement", "countryOfOrigin", line)
        _need_said(one, "itemValueRequirement", "itemValue", line)
        if len(line.get("serialNumbers", ())) not in (0, line["quantity"]):
            raise invalid("serialNumbers must be as many as there are pieces")
    return {name: value for name, value in said.items() if name != "status"}


def _need_said(one: Shipment, requirement: str, name: str, said: Mapping[str, Any]) -> None:
    required = REQUIREMENTS[requirement] in one.kinds
    if bool(said.get(name)) != required:
        raise invalid(f"{name} must {'' if required else 'not '}be given, as {requirement} says")


def _number(text: str, name: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise invalid(f"{name} must be a decimal number") from None
    if not number.is_finite():
        raise invalid(f"{name} must be a decimal number")
    return number


def _grams(said: Mapping[str, Any]) -> float:
    return float(_number(said["weight"]["value"], "weight")) * GRAMS[UNITS[said["weight"]["weightUnit"]]]


UNITS = {"G": "GRAM", "KG": "KG", "LB": "LB", "OZ": "OUNCE"}


def _need_whole(order: Order, packages: Sequence[Mapping[str, Any]]) -> None:
    packed: Counter[str] = Counter()
    for said in packages:
        for line in said["packageLineItems"]:
            packed[line["packageLineItemId"]] += line["quantity"]
    if packed != Counter({item.id: item.quantity for item in order.items}):
        raise invalid("packageLineItems must be every piece of the shipment, and nothing else")


# --- slots, invoices and labels ---------------------------------------------------------------------------------------


def retrieve_shipping_options(call: Call) -> Answer:
    """Say when a package could be handed over to Amazon's carrier."""
    (order, one), id = known(call), call.one("packageId") or ""
    parcel, now = _parcel(one, id), call.world.now()
    need(one, one.standing(order, now).status, *PACKED)
    if not _by_slot(call, one):
        return Answer({"shippingOptions": []})
    parcel.raise_to("PICKUP_SLOT_RETRIEVED", now)
    hold(call, one)
    options = [
        {"shippingOptionId": slot.id, "shipBy": "MARKETPLACE", "carrierName": carriers.CARRIER, **_window(slot)}
        for slot in handover.upcoming(_whose(call, one, id), now)
    ]
    return Answer({"shippingOptions": options, "recommendedShippingOption": options[0]})


def _by_slot(call: Call, one: Shipment) -> bool:
    return one.shipping == "MARKETPLACE" and own(call).locations[one.location].channel == "MFN"


def _whose(call: Call, one: Shipment, package_id: str) -> str:
    return f"external {call.world.seed} {call.seller} {one.id} {package_id}"


def _window(slot: Slot) -> dict[str, Any]:
    times = {"startTime": slot.start, "endTime": slot.end}
    if slot.method == "PICKUP":
        return {"pickupWindow": times, "timeSlot": {**times, "handoverMethod": "PICKUP"}}
    counter = {"name": f"{carriers.CARRIER} Counter", "addressLine1": "1 Parcel Yard", "postalCode": "00000"}
    return {"timeSlot": {**times, "handoverMethod": "DROPOFF"}, "handoverLocation": {"address": counter}}


def generate_invoice(call: Call) -> Answer:
    """Make the invoice of a shipment."""
    (order, one), now = known(call), call.world.now()
    need(one, one.standing(order, now).status, *PACKED)
    one.invoiced = one.invoiced or now
    for parcel in one.packages.values():
        parcel.raise_to("INVOICE_GENERATED", now)
    hold(call, one)
    return Answer({"document": _invoice(call, order, one)})


def retrieve_invoice(call: Call) -> Answer:
    """Return the invoice of a shipment."""
    order, one = known(call)
    if one.invoiced is None:
        raise missing(f"Shipment {one.id} has no invoice")
    return Answer({"document": _invoice(call, order, one)})


def _invoice(call: Call, order: Order, one: Shipment) -> dict[str, Any]:
    currency, seller = order.marketplace.currency, call.account.name if call.account else ""
    items = [f"{item.quantity} x {item.title}: {item.price} {currency}" for item in order.items]
    lines = (f"INVOICE {invoice_id(one)}", seller, "", *order.address.printed, "", *items, f"{order.total} {currency}")
    page = labels.pdf([Label(carriers.tracking_number(one.id), lines)], labels.A4)
    return {"format": "PDF", "content": base64.b64encode(page).decode()}


def generate_ship_labels(call: Call) -> Answer:
    """Make the labels of packages, or of all of a shipment's."""
    order, one = known(call)
    asked = call.checked_body() if call.body is not None else {}
    need(one, one.standing(order, call.world.now()).status, *PACKED)
    courier = asked.get("courierSupportedAttributes")
    if courier is None and one.shipping != "MARKETPLACE":
        raise invalid("courierSupportedAttributes must be given where Amazon's carrier does not take the package")
    if courier is not None and not TRACKING.fullmatch(courier["trackingId"]):
        raise invalid("trackingId must be of up to 40 capitals, digits, spaces, dots and dashes")
    made = []
    for id in asked.get("packageIds") or one.packages:
        try:
            made.append(_labelled(call, order, one, id, courier))
        except AmazonRefused as refusal:
            told = {"code": refusal.amazon_code, "message": refusal.message, "details": refusal.details or ""}
            made.append({"packageId": id, "status": "FAILURE", "errorDetails": told})
    hold(call, one)
    return Answer({"packageShipLabelList": made})


def _labelled(call: Call, order: Order, one: Shipment, id: str, courier: Mapping[str, str] | None) -> dict[str, Any]:
    """Return the label of a package, which is made where there is none, or where another is wanted."""
    parcel, again = _parcel(one, id), call.one_of("operation") == "REGENERATE"
    if again and parcel.label is None:
        raise conflict(f"Package {id} has no label that could be made again")
    if again or parcel.label is None:
        parcel.slot = _slot(call, one, id) or parcel.slot
        _label(call, order, one, id, courier)
    assert parcel.label is not None, "it was made"
    url = call.world.storage.presign("GET", call.address, parcel.label, now=call.world.now(), life_s=LIFE_S)
    slot = {} if parcel.slot is None else {"shippingOptionId": parcel.slot.id, **_window(parcel.slot)}
    return {
        "packageId": id,
        "shipLabelMetadata": {**slot, "carrierName": parcel.carrier, "trackingId": parcel.tracking},
        "fileData": {"url": url},
        "status": "SUCCESS",
    }


def _slot(call: Call, one: Shipment, package_id: str) -> Slot | None:
    """Return the slot that was picked, or the earliest; None where there are none."""
    picked, whose, now = call.one("shippingOptionId"), _whose(call, one, package_id), call.world.now()
    if not _by_slot(call, one):
        return None
    if picked is None:
        return handover.upcoming(whose, now)[0]
    found = handover.find(whose, picked, now)
    if found is None or not handover.is_open(found, now):
        raise invalid(f"shippingOptionId {picked} is none of package {package_id}, or is over")
    return found


def _label(call: Call, order: Order, one: Shipment, id: str, courier: Mapping[str, str] | None) -> None:
    parcel = one.packages[id]
    parcel.labels += 1
    parcel.carrier = courier["carrierName"] if courier else carriers.CARRIER
    number = carriers.tracking_number(f"{one.id} {id} {parcel.labels}")
    parcel.tracking = courier["trackingId"] if courier else number
    sender = (call.account.name,) if call.account else ()
    label = carriers.label(SERVICE, parcel.tracking, sender, order.address.printed, order.id, id)
    format: labels.Format = "PDF" if own(call).locations[one.location].channel == "MFN" else "ZPL"
    format = "PNG" if parcel.own_carrier else format
    parcel.label = f"ship-labels/{call.world.uuid()}"
    call.world.storage.objects[parcel.label] = Stored.of(labels.render(format, [label]), CONTENT_TYPES[format])
    parcel.raise_to("SHIPLABEL_GENERATED", call.world.now())


# --- sending ----------------------------------------------------------------------------------------------------------


def update_package_status(call: Call) -> Answer:
    """Say that a package has left, or where it is."""
    (order, one), id, now = known(call), call.path["packageId"], call.world.now()
    asked = call.checked_body() if call.body is not None else {}
    wanted, parcel = asked.get("status") or call.one_of("status"), _parcel(one, id)
    status = parcel.standing(now).status
    if wanted not in ("SHIPPED", "DELIVERED"):
        raise invalid("status must be SHIPPED or DELIVERED")
    need(one, one.standing(order, now).status, *PACKED, *RANKS[4:])
    if wanted == "SHIPPED" and parcel.shipped is None:
        if parcel.label is None and one.shipping == "MARKETPLACE":
            raise conflict(f"Package {id} has no label")
        send(call, order, one, id)
    elif (wanted == "DELIVERED" and parcel.shipped is None) or (wanted == "SHIPPED" and status == "DELIVERED"):
        raise conflict(f"Package {id} is {status}")
    parcel.raise_to(wanted, now)
    parcel.sub_status = asked.get("subStatus") or ("DELIVERED" if wanted == "DELIVERED" else None)
    parcel.reason, parcel.changed = asked.get("reason"), now
    hold(call, one)
    return Answer(status=204)


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    f"{API}.create_packages": create_packages,
    f"{API}.update_package": update_package,
    f"{API}.retrieve_shipping_options": retrieve_shipping_options,
    f"{API}.generate_invoice": generate_invoice,
    f"{API}.retrieve_invoice": retrieve_invoice,
    f"{API}.generate_ship_labels": generate_ship_labels,
    f"{API}.update_package_status": update_package_status,
}
