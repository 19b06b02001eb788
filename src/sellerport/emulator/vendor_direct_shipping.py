"""Vendor Direct Fulfillment Shipping, v1 and 2021-12-28: labels, packing slips, invoices, and what becomes of parcels.

* Labels are for orders that are accepted: submitShippingLabelRequest of any other fails, and createShippingLabels is
  answered with 409. Without containers there is one parcel. Asked for again, the same parcels have the same labels, and
  others take their place, until the order is shipped. Labels can be read for 90 days.
* There is a packing slip of every order that was accepted, and in India, and nowhere else, an invoice for the customer.
* A confirmation is of the whole order, and not of a day to come; it names parcels that have no label of Amazon's by
  their tracking numbers. With ``FLOOR_DENIAL``, the order is cancelled instead.
* Updates of a status are kept, of parcels of orders that are shipped. Amazon takes them of vendors with carriers of
  their own alone, and asks for labels only those who have none; here every vendor may do both.
* A container's label is for parcels that have labels.

As in `vendor_direct_orders`, a submission is done at once, and its transaction says what was wrong; both versions are
about the same orders. What is said to an order without a label, a slip or an invoice is v1's, in the published cases.
Not known: whether Amazon makes new labels where they are asked for again, and the codes of errors in a transaction.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sellerport.emulator import carriers, labels
from sellerport.emulator.call import Answer, Call, invalid, refused, unix_seconds
from sellerport.emulator.direct_orders import FORMATS, DirectOrder, Package, Update
from sellerport.emulator.labels import Label
from sellerport.emulator.shop import DAY_S
from sellerport.emulator.vendor_direct_orders import (
    UNKNOWN,
    Errors,
    line_of,
    misplaced,
    named,
    need_restricted,
    own,
    page,
    submitted,
    told,
    vendor_code,
    whole,
)
from sellerport.emulator.vendor_orders import error, taken
from sellerport.errors import AmazonRefused

LIFE_S = 90 * DAY_S
INVOICED = "IN"
"""The country whose customers get an invoice."""


# --- labels -----------------------------------------------------------------------------------------------------------


def submit_shipping_label_request(call: Call) -> Answer:
    """Ask for labels."""
    return submitted(call, taken(call, "shippingLabelRequests", _request))


def _request(call: Call, asked: Mapping[str, Any]) -> Errors:
    """Label an order, if nothing is wrong with that; return what is."""
    order, errors = named(call, asked)
    if order is None:
        return errors
    errors += _unready(order) + _unpacked(order, asked.get("containers", ()))
    if not errors:
        _label(call, order, asked)
    return errors


def create_shipping_labels(call: Call) -> Answer:
    """Ask for the labels of one order, and have them at once."""
    need_restricted(call)
    asked, order = call.checked_body(), own(call).orders.get(call.path["purchaseOrderNumber"])
    if order is None:
        raise _no_label()
    for one in misplaced(call, order, asked) + _unpacked(order, asked.get("containers", ())):
        raise invalid(one["message"])
    for one in _unready(order):
        raise refused(one["message"], status=409, code="Conflict")
    _label(call, order, asked)
    return told(call, _labels(call, order))


def _label(call: Call, order: DirectOrder, asked: Mapping[str, Any]) -> None:
    order.pack([one["containerIdentifier"] for one in asked.get("containers", ())], call.world.now())


def get_shipping_labels(call: Call) -> Answer:
    """List labels by when they were made."""
    need_restricted(call)
    found, pagination = page(call, lambda one: _labelled(call, one))
    return told(call, {**pagination, "shippingLabels": [_labels(call, one) for one in found]})


def get_shipping_label(call: Call) -> Answer:
    """Return the labels of one order."""
    need_restricted(call)
    order = own(call).orders.get(call.path["purchaseOrderNumber"])
    if order is None or _labelled(call, order) is None:
        raise _no_label()
    return told(call, _labels(call, order))


def _no_label() -> AmazonRefused:
    return refused("Invalid PO ID.")


def _labelled(call: Call, order: DirectOrder) -> float | None:
    """Return since when there are labels of an order; None if there are none, or not any more."""
    made = order.labelled
    return None if made is None or made + LIFE_S <= call.world.now() else made


def _unready(order: DirectOrder) -> Errors:
    return [] if order.status == "ACCEPTED" else [error(f"The purchase order {order.number} is {order.status}.")]


def _unpacked(order: DirectOrder, containers: Sequence[Mapping[str, Any]]) -> Errors:
    """Return what is wrong with the containers of an order."""
    errors = []
    names = [one["containerIdentifier"] for one in containers]
    if len({*names}) < len(names):
        errors.append(error(f"Two containers of purchase order {order.number} have the same containerIdentifier."))
    packed = dict.fromkeys((line.number for line in order.lines), 0)
    for item in (item for one in containers for item in one["packedItems"]):
        line = line_of(order, item)
        if line is None:
            errors.append(error(f"Item {item['itemSequenceNumber']} is none of purchase order {order.number}."))
        elif "pieceNumber" not in item:  # pieces of one thing in several containers are not counted
            packed[line.number] += item["packedQuantity"]["amount"]
    return errors + [
        error(f"Item {line.number} of purchase order {order.number} has {line.quantity} pieces.")
        for line in order.lines
        if packed[line.number] > line.quantity
    ]


def _labels(call: Call, order: DirectOrder) -> dict[str, Any]:
    return {
        "purchaseOrderNumber": order.number,
        "sellingParty": {"partyId": vendor_code(call)},
        "shipFromParty": {"partyId": order.warehouse},
        "labelFormat": order.format,
        "labelData": [
            {
                "packageIdentifier": one.identifier,
                "trackingNumber": one.tracking,
                "shipMethod": order.service.id,
                "shipMethodName": order.service.name,
                "content": _printed(order.format, _parcel(order, one, place)),
            }
            for place, one in enumerate(order.packages, start=1)
        ],
    }


def _parcel(order: DirectOrder, one: Package, place: int) -> Label:
    sender = (f"Vendor warehouse {order.warehouse}",)
    more = (order.number, f"{place} of {len(order.packages)}")
    return carriers.label(order.service, one.tracking, sender, _receiver(order), *more)


def _receiver(order: DirectOrder) -> tuple[str, ...]:
    """Return where an order goes to, as it is printed."""
    to = order.address
    return (to.name, to.line, to.city, f"{to.state} {to.postal_code}", to.country, to.phone)


def _printed(format: labels.Format, label: Label, size: labels.Size = labels.LABEL) -> str:
    return base64.b64encode(labels.render(format, [label], size=size)).decode()


# --- containers -------------------------------------------------------------------------------------------------------


def create_container_label(call: Call) -> Answer:
    """Return a label for a pallet of parcels."""
    asked, direct = call.checked_body(), own(call)
    code, warehouse = asked["sellingParty"]["partyId"], asked["shipFromParty"]["partyId"]
    if code != vendor_code(call) or warehouse not in direct.stock:
        raise invalid(f"{warehouse} is no warehouse of vendor {code}")
    known = {one.tracking: order for order in direct.orders.values() for one in order.packages}
    for one in asked["packages"]:
        order = known.get(one["packageTrackingNumber"])
        if order is None or order.warehouse != warehouse:
            raise invalid(f"The package {one['packageTrackingNumber']} is none of warehouse {warehouse}")
    tracking = carriers.tracking_number(f"{call.seller} {asked['vendorContainerId']}")
    lines = (f"PALLET {asked['carrierId']}", warehouse, f"{len(asked['packages'])} packages")
    format = FORMATS[warehouse[-1]]
    label = {"containerTrackingNumber": tracking, "content": _printed(format, Label(tracking, lines)), "format": format}
    return told(call, {"containerLabel": label})


# --- papers -----------------------------------------------------------------------------------------------------------


def get_packing_slips(call: Call) -> Answer:
    """List packing slips by when they came into being."""
    need_restricted(call)
    found, pagination = page(call, lambda one: one.accepted)
    return told(call, {**pagination, "packingSlips": [_slip(one) for one in found]})


def get_packing_slip(call: Call) -> Answer:
    """Return the packing slip of one order."""
    need_restricted(call)
    return told(call, _slip(_accepted(call)))


def get_customer_invoices(call: Call) -> Answer:
    """List invoices for customers by when they came into being."""
    need_restricted(call)
    found, pagination = page(call, lambda one: one.accepted, lambda one: one.marketplace.country == INVOICED)
    return told(call, {**pagination, "customerInvoices": [_invoice(one) for one in found]})


def get_customer_invoice(call: Call) -> Answer:
    """Return the invoice for the customer of one order."""
    need_restricted(call)
    order = _accepted(call)
    if order.marketplace.country != INVOICED:
        raise refused(UNKNOWN)
    return told(call, _invoice(order))


def _accepted(call: Call) -> DirectOrder:
    order = own(call).orders.get(call.path["purchaseOrderNumber"])
    if order is None or order.accepted is None:
        raise refused(UNKNOWN)
    return order


def _slip(order: DirectOrder) -> dict[str, str]:
    items = (f"{line.quantity} x {line.product.title}" for line in order.lines)
    gift = () if order.gift is None else ("", order.gift)
    paper = _paper(order, "PACKING SLIP", *items, *gift)
    return {"purchaseOrderNumber": order.number, "content": paper, "contentType": "application/pdf"}


def _invoice(order: DirectOrder) -> dict[str, str]:
    currency = order.marketplace.currency
    prices = [(line, line.product.price(currency) * line.quantity) for line in order.lines]
    items = [f"{line.quantity} x {line.product.title}  {price} {currency}" for line, price in prices]
    total = f"Total  {sum(price for _, price in prices)} {currency}"
    return {"purchaseOrderNumber": order.number, "content": _paper(order, "INVOICE", *items, "", total)}


def _paper(order: DirectOrder, title: str, *lines: str) -> str:
    head = (title, f"Order {order.customer_number}", "", *_receiver(order), "")
    return _printed("PDF", Label(order.number, (*head, *lines)), labels.LETTER)


# --- what becomes of parcels ------------------------------------------------------------------------------------------


def submit_shipment_confirmations(call: Call) -> Answer:
    """Say that orders have left, or that they cannot."""
    return submitted(call, taken(call, "shipmentConfirmations", _confirm))


def _confirm(call: Call, asked: Mapping[str, Any]) -> Errors:
    """Take a confirmation, if nothing is wrong with it; return what is."""
    order, errors = named(call, asked)
    if order is None:
        return errors
    details, containers = asked["shipmentDetails"], asked.get("containers", ())
    shipped, wrong = _past(call, details["shippedDate"], "shippedDate", order.created)
    errors += _unready(order) + wrong + whole(order, asked["items"], "shippedQuantity") + _unpacked(order, containers)
    errors += [
        error(f"Container {one['containerIdentifier']} of purchase order {order.number} has no shipMethod.")
        for one in containers
        if "shipMethod" not in one
    ]
    if details["shipmentStatus"] == "FLOOR_DENIAL":
        if not errors:
            order.status = "CANCELLED"
        return errors
    sent = [one["trackingNumber"] for one in containers if one.get("trackingNumber")]
    sent = sent or [one.tracking for one in order.packages]
    if not sent:
        errors.append(error(f"The shipment of purchase order {order.number} has no trackingNumber."))
    if not errors:
        order.status, order.shipped, order.sent = "SHIPPED", shipped, sent
    return errors


def submit_shipment_status_updates(call: Call) -> Answer:
    """Say where parcels are."""
    return submitted(call, taken(call, "shipmentStatusUpdates", _update))


def _update(call: Call, asked: Mapping[str, Any]) -> Errors:
    """Take an update, if nothing is wrong with it; return what is."""
    order, errors = named(call, asked)
    if order is None:
        return errors
    said = asked["statusUpdateDetails"]
    tracking = said["trackingNumber"]
    if order.shipped is None:
        return [*errors, error(f"The purchase order {order.number} is {order.status}.")]
    if tracking not in order.sent:
        errors.append(error(f"The tracking number {tracking} is none of purchase order {order.number}."))
    when, wrong = _past(call, said["statusDateTime"], "statusDateTime", order.shipped)
    errors += wrong
    if not errors:
        order.updates.append(Update(tracking, said["statusCode"], said["reasonCode"], when))
    return errors


def _past(call: Call, text: str, name: str, earliest: float) -> tuple[float, Errors]:
    """Return when something happened, and what is wrong with that."""
    try:
        when = unix_seconds(text, name)
    except AmazonRefused as refusal:
        return 0, [error(refusal.details)]
    if not earliest <= when <= call.world.now():
        return when, [error(f"{name} must not be in the future, nor before what came before it.")]
    return when, []


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    f"vendor_direct_fulfillment_shipping_{version}.{name}": handler
    for version in ("v1", "2021_12_28")
    for name, handler in {
        "submit_shipping_label_request": submit_shipping_label_request,
        "get_shipping_labels": get_shipping_labels,
        "get_shipping_label": get_shipping_label,
        "get_packing_slips": get_packing_slips,
        "get_packing_slip": get_packing_slip,
        "get_customer_invoices": get_customer_invoices,
        "get_customer_invoice": get_customer_invoice,
        "submit_shipment_confirmations": submit_shipment_confirmations,
        "submit_shipment_status_updates": submit_shipment_status_updates,
    }.items()
} | {
    "vendor_direct_fulfillment_shipping_2021_12_28.create_shipping_labels": create_shipping_labels,
    "vendor_direct_fulfillment_shipping_2021_12_28.create_container_label": create_container_label,
}
