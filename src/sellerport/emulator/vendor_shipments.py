"""Vendor Shipments v1: what a vendor sends to Amazon's warehouses, in which cartons, and who carries it.

* A transport request (submitShipments) is for orders that are acknowledged whole, to one warehouse. Sent again, it
  changes what was said, but not whose it is; once the carrier is assigned, only when it is to be picked up. Where
  Amazon pays (Collect), the pickup is two business days away at least, a carrier is assigned after a day, and parcels
  get labels then.
* A confirmation (submitShipmentConfirmations) says that a shipment has left. It is of a transport request where it
  names one, by the vendor's or by Amazon's name of it; else it is a shipment of its own, which the vendor pays for. No
  more can be sent of a line than was accepted. A replacement takes the place of a confirmation, until it is received.
* A shipment is received on the day that it was estimated to arrive (without one, four days after it left): the orders'
  lines say so then, and an order of which everything is received is closed.

As in `vendor_orders`, a submission is done at once, and its transaction says what was wrong. A list of several is taken
one by one. Not known: the codes and words of errors in a transaction, and how an item without a product id is matched
(here: by the number of its line in the order). Nothing arrives short or broken, appointments are not made, and import
details are kept and not looked at.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sellerport.emulator import labels, page_tokens
from sellerport.emulator.call import Answer, Call, moment, unix_seconds
from sellerport.emulator.labels import Label
from sellerport.emulator.purchases import ARRIVES_DAYS, LEAVES_DAYS, Cargo, Purchase, Shipment, Vendor
from sellerport.emulator.shop import DAY_S
from sellerport.emulator.vendor_orders import eaches, error, in_pieces, own, submitted, taken
from sellerport.errors import AmazonRefused

API = "vendor_shipments_v1"
PAGE = 50
TRANSIT_S = (ARRIVES_DAYS - LEAVES_DAYS) * DAY_S
ASSIGNED_S = DAY_S
NOTICE_DAYS = 2
CARRIER = {"name": "Local Freight", "code": "LOCL"}

Errors = list[dict[str, str]]
Dates = dict[str, float | None]


# --- transport requests -----------------------------------------------------------------------------------------------


def submit_shipments(call: Call) -> Answer:
    """Ask Amazon to carry shipments, say it anew, or ask no more."""
    return submitted(call, taken(call, "shipments", _submit))


def _submit(call: Call, asked: dict[str, Any]) -> Errors:
    return (_cancel if asked["transactionType"] == "Cancel" else _request)(call, asked)


def _request(call: Call, asked: dict[str, Any]) -> Errors:
    """Take a transport request, if nothing is wrong with it; return what is."""
    vendor, id, now = own(call), asked["vendorShipmentIdentifier"], call.world.now()
    known = vendor.shipments.get(id)
    errors = _foreign(vendor, asked) + _unready(vendor, asked)
    try:
        pickup = _date(asked, "collectFreightPickupDetails", "requestedPickUp")
    except AmazonRefused as refused:
        return [*errors, error(refused.details)]
    collect = asked.get("shipmentFreightTerm") == "Collect"
    if collect and (pickup is None or pickup < _business_days(now, NOTICE_DAYS)):
        errors.append(error(f"requestedPickUp must be at least {NOTICE_DAYS} business days from now."))
    if known is not None:
        errors += _unchangeable(known, asked, now)
    if errors:
        return errors
    reference = asked.get("buyerReferenceNumber") or (f"{_number(call, id):010d}" if collect else None)
    if known is None:
        vendor.shipments[id] = Shipment(id, now, asked, reference)
    else:
        known.asked = asked
    return []


def _unready(vendor: Vendor, asked: Mapping[str, Any]) -> Errors:
    """Return what is wrong with the orders of a transport request."""
    errors = []
    for one in asked.get("purchaseOrders", ()):
        number = one.get("purchaseOrderNumber", "")
        purchase = vendor.purchases.get(number)
        if purchase is None or purchase.center != asked["shipToParty"]["partyId"]:
            errors.append(error(f"Purchase order {number} is none for {asked['shipToParty']['partyId']}."))
        elif purchase.state != "Acknowledged":
            errors.append(error(f"Purchase order {number} is {purchase.state}."))
    return errors


def _unchangeable(known: Shipment, asked: Mapping[str, Any], now: float) -> Errors:
    """Return what keeps a transport request from being said anew."""
    if known.cancelled or known.confirmation is not None:
        return [error(f"Shipment {known.id} is {'cancelled' if known.cancelled else 'shipped'} already.")]
    if asked.get("buyerReferenceNumber") not in (None, known.reference):
        return [error("buyerReferenceNumber must be the same as before.")]
    if _assigned(known, now) and _settled(asked) != _settled(known.asked):
        return [error("A carrier is assigned: only requestedPickUp can be changed.")]
    return []


def _settled(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return what cannot change any more when there is a carrier."""
    free = ("transactionDate", "buyerReferenceNumber")
    kept = {name: value for name, value in asked.items() if name not in free}
    pickup = kept.pop("collectFreightPickupDetails", {})
    return {**kept, "pickup": {name: value for name, value in pickup.items() if name != "requestedPickUp"}}


def _cancel(call: Call, asked: Mapping[str, Any]) -> Errors:
    vendor, id = own(call), asked["vendorShipmentIdentifier"]
    known = vendor.shipments.get(id)
    if known is None or _foreign(vendor, asked):
        return [error(f"Shipment {id} is none of vendor {asked['sellingParty']['partyId']}.")]
    if known.cancelled or known.confirmation is not None:
        return [error(f"Shipment {id} is {'cancelled' if known.cancelled else 'shipped'} already.")]
    known.cancelled = True
    return []


def _foreign(vendor: Vendor, asked: Mapping[str, Any]) -> Errors:
    code = asked["sellingParty"]["partyId"]
    return [] if code == vendor.code else [error(f"The selling party {code} is not the account's.")]


# --- confirmations ----------------------------------------------------------------------------------------------------


def submit_shipment_confirmations(call: Call) -> Answer:
    """Say that shipments have left, and what is in them."""
    return submitted(call, taken(call, "shipmentConfirmations", _confirm))


def _confirm(call: Call, asked: Mapping[str, Any]) -> Errors:
    """Take a confirmation, if nothing is wrong with it; return what is."""
    vendor, name, now = own(call), asked["shipmentIdentifier"], call.world.now()
    before = next((one for one in vendor.shipments.values() if one.confirmation == name), None)
    errors = _foreign(vendor, asked)
    if asked["shipmentConfirmationType"] == "Original" and before is not None:
        errors.append(error(f"Shipment identifier {name} was used before."))
    if asked["shipmentConfirmationType"] == "Replace" and (before is None or before.received):
        errors.append(error(f"There is no shipment confirmation {name} that could be replaced."))
    try:
        shipped = _date(asked, "shippedDate") or now
        arrives = _date(asked, "estimatedDeliveryDate") or shipped + TRANSIT_S
    except AmazonRefused as refused:
        return [*errors, error(refused.details)]
    requested = before or _requested(vendor, asked)
    if requested is None and before is None and name in vendor.shipments:
        errors.append(error(f"Shipment identifier {name} is of another shipment."))
    if requested is not None and requested.cancelled:
        errors.append(error(f"Shipment {requested.id} is cancelled."))
    cargo, wrong = _cargo(vendor, asked, but=requested)
    if errors or wrong:
        return errors + wrong
    shipment = requested or Shipment(name, now, {})
    if "transactionType" not in shipment.asked:  # nobody asked for its transport
        parties = {party: asked[party] for party in ("sellingParty", "shipFromParty", "shipToParty")}
        shipment.asked = {"shipmentFreightTerm": "Prepaid", **parties}
    shipment.confirmation, shipment.confirmed, shipment.cargo = name, now, cargo
    shipment.shipped, shipment.arrives = shipped, max(arrives, shipped)
    vendor.shipments[shipment.id] = shipment
    return []


def _requested(vendor: Vendor, asked: Mapping[str, Any]) -> Shipment | None:
    """Return the transport request that a confirmation is of."""
    reference = asked.get("amazonReferenceNumber")
    return next(
        (
            one
            for one in vendor.shipments.values()
            if one.confirmation is None
            and (one.id == asked["shipmentIdentifier"] or (reference and one.reference == reference))
        ),
        None,
    )


def _cargo(vendor: Vendor, asked: Mapping[str, Any], *, but: Shipment | None) -> tuple[list[Cargo], Errors]:
    """Return which pieces of which orders are in a shipment, and what is wrong with them."""
    found: dict[tuple[str, int], Cargo] = {}
    errors = []
    for number, item, pieces in _loads(asked):
        purchase = vendor.purchases.get(number)
        place = item["itemSequenceNumber"]
        if purchase is None:
            errors.append(error(f"Item {place}: the purchase order {number} is none of vendor {vendor.code}."))
            continue
        names = tuple(item.get(f"{who}ProductIdentifier") for who in ("amazon", "vendor"))
        line = purchase.line(None if any(names) else place.lstrip("0"), *names)
        if line is None:
            errors.append(error(f"Item {place} is none of purchase order {number}."))
        elif purchase.center != asked["shipToParty"]["partyId"]:
            errors.append(error(f"Purchase order {number} is to be sent to {purchase.center}."))
        else:
            one = found.setdefault((number, line.number), Cargo(number, line.number, 0))
            one.pieces += pieces
            left = line.confirmed - vendor.sent(number, line.number, but=but)
            if one.pieces > left:
                errors.append(error(f"Item {place}: of purchase order {number}, {left} pieces can be shipped."))
    return list(found.values()), errors


def _loads(asked: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], int]]:
    """Yield order, item and pieces: the order is named by the item, or by the cartons or pallets that it is in."""
    packed: dict[str, list[Mapping[str, Any]]] = {}
    for one in (*asked.get("cartons", ()), *asked.get("pallets", ())):
        for part in one.get("items", ()):
            if part.get("itemDetails", {}).get("purchaseOrderNumber"):
                packed.setdefault(part["itemReference"], []).append(part)
    for item in asked["shippedItems"]:
        number = item.get("itemDetails", {}).get("purchaseOrderNumber")
        parts = [] if number else packed.get(item["itemSequenceNumber"], [])
        for part in parts:
            yield part["itemDetails"]["purchaseOrderNumber"], item, in_pieces(part["shippedQuantity"])
        if not parts:
            yield number or "", item, in_pieces(item["shippedQuantity"])


# --- what is on its way -----------------------------------------------------------------------------------------------


def get_shipment_details(call: Call) -> Answer:
    """List shipments by their dates, status, names and places."""
    now = call.world.now()
    asked = {name: (call.time(f"{name}After"), call.time(f"{name}Before")) for name in _dates(Shipment("", 0, {}), now)}
    status, id = call.one("currentShipmentStatus"), call.one("vendorShipmentIdentifier")
    reference, ours = call.one("buyerReferenceNumber"), call.one("buyerWarehouseCode")
    # the parameter's name says warehouse, and its description the selling party
    code = call.one("sellerWarehouseCode")

    def keep(one: Shipment) -> bool:
        dates = _dates(one, now)
        parties = [one.asked[name]["partyId"] for name in ("sellingParty", "shipFromParty")]
        return (
            all(_within(dates[name], *span) for name, span in asked.items())
            and status in (None, _steps(one, now)[-1][0])
            and id in (None, one.id)
            and reference in (None, one.reference)
            and ours in (None, one.asked["shipToParty"]["partyId"])
            and (code is None or code in parties)
        )

    purchases = own(call).purchases

    def ordered(one: Shipment) -> float:
        return min((purchases[number].created for number in _orders(one) if number in purchases), default=one.created)

    found, pagination = _page(call, keep, ordered)
    return Answer({"payload": {**pagination, "shipments": [_shipment(call, one) for one in found]}})


def _page(
    call: Call, keep: Callable[[Shipment], bool], order: Callable[[Shipment], float]
) -> tuple[list[Shipment], dict[str, Any]]:
    size, token, known = call.size("limit", most=PAGE, default=PAGE), call.one("nextToken"), own(call).shipments
    arguments = {name: call.many(name) for name in call.query if name not in ("nextToken", "limit")}
    if token is None:
        down = call.one("sortOrder") == "DESC"
        ids = [one.id for one in sorted(filter(keep, known.values()), key=order, reverse=down)]
    else:
        ids = page_tokens.redeem(call, token, name="nextToken", arguments=arguments)
    rest = ids[size:]
    pagination = {"pagination": {"nextToken": page_tokens.issue(call, rest, arguments=arguments)}} if rest else {}
    return [known[id] for id in ids[:size]], pagination


def _within(when: float | None, after: float | None, before: float | None) -> bool:
    if after is None and before is None:
        return True
    return when is not None and (after is None or when >= after) and (before is None or when <= before)


def _collect(one: Shipment) -> bool:
    return one.asked.get("shipmentFreightTerm") == "Collect"


def _assigned(one: Shipment, now: float) -> float | None:
    """Return since when there is a carrier of Amazon's."""
    when = one.created + ASSIGNED_S
    return when if _collect(one) and not one.cancelled and when <= now else None


def _labelled(one: Shipment, now: float) -> float | None:
    """Return since when there are labels of Amazon's."""
    parcels = one.asked.get("transportationDetails", {}).get("shipMode") == "SmallParcel"
    return _assigned(one, now) if parcels else None


def _steps(one: Shipment, now: float) -> list[tuple[str, float]]:
    """Return what has become of a shipment, and when."""
    steps = [("Created", one.created)]
    if _collect(one):
        steps.append(("TransportationRequested", one.created))
    assigned = _assigned(one, now)
    if assigned is not None and (one.shipped is None or assigned <= one.shipped):
        steps.append(("CarrierAssigned", assigned))
    if one.shipped is not None:
        steps.append(("Shipped", one.shipped))
    return steps


def _dates(one: Shipment, now: float) -> Dates:
    """Return the dates that shipments are found by, as their parameters are called."""
    pickup = _date(one.asked, "collectFreightPickupDetails", "requestedPickUp")
    return {
        "created": one.created,
        "shipmentConfirmed": one.confirmed,
        "packageLabelCreated": _labelled(one, now),
        "shipped": one.shipped,
        "estimatedDelivery": one.arrives,
        "shipmentDelivery": one.arrives if one.received else None,
        "requestedPickUp": pickup,
        "scheduledPickUp": pickup if _assigned(one, now) else None,
    }


def _shipment(call: Call, one: Shipment) -> dict[str, Any]:
    now = call.world.now()
    steps, dates = _steps(one, now), _dates(one, now)
    created = {
        "shipmentConfirmDate": dates["shipmentConfirmed"], "packageLabelCreateDate": dates["packageLabelCreated"],
    }  # fmt: skip
    carried = {
        "shippedDate": dates["shipped"], "estimatedDeliveryDate": dates["estimatedDelivery"],
        "shipmentDeliveryDate": dates["shipmentDelivery"],
    }  # fmt: skip
    picked = {"scheduledPickUp": dates["scheduledPickUp"], "carrierAssignmentDate": _assigned(one, now)}
    shown = {
        **one.asked,
        "vendorShipmentIdentifier": one.id,
        "transactionType": "Cancel" if one.cancelled else "New",
        "transactionDate": one.asked.get("transactionDate", moment(one.created)),
        "currentShipmentStatus": steps[-1][0],
        "currentshipmentStatusDate": moment(steps[-1][1]),
        "shipmentStatusDetails": [{"shipmentStatus": name, "shipmentStatusDate": moment(at)} for name, at in steps],
        "shipmentCreateDate": moment(one.created),
        **_moments(created),
        "transportationDetails": {**one.asked.get("transportationDetails", {}), **_moments(carried)},
    }
    if one.reference is not None:
        shown["buyerReferenceNumber"] = one.reference
    if _collect(one):
        shown["collectFreightPickupDetails"] = {**one.asked["collectFreightPickupDetails"], **_moments(picked)}
    if _assigned(one, now):
        shown["transportationDetails"]["carrierDetails"] = CARRIER
    if one.cargo:
        shown["purchaseOrders"] = [_sent(own(call).purchases[number], one) for number in _orders(one)]
    return shown


def _moments(dates: Dates) -> dict[str, str]:
    return {name: moment(at) for name, at in dates.items() if at is not None}


def _orders(one: Shipment) -> list[str]:
    """Return the orders that are in a shipment, or are to be."""
    asked = [each.get("purchaseOrderNumber", "") for each in one.asked.get("purchaseOrders", ())]
    return list(dict.fromkeys([cargo.purchase for cargo in one.cargo] or asked))


def _sent(purchase: Purchase, one: Shipment) -> dict[str, Any]:
    items = [
        {
            "itemSequenceNumber": str(cargo.line),
            "buyerProductIdentifier": purchase.lines[cargo.line - 1].product.asin,
            "vendorProductIdentifier": purchase.lines[cargo.line - 1].product.sku,
            "shippedQuantity": eaches(cargo.pieces),
        }
        for cargo in one.cargo
        if cargo.purchase == purchase.number
    ]
    window = f"{moment(purchase.window[0])}--{moment(purchase.window[1])}"
    number, ordered = purchase.number, moment(purchase.created)
    return {"purchaseOrderNumber": number, "purchaseOrderDate": ordered, "shipWindow": window, "items": items}


# --- labels -----------------------------------------------------------------------------------------------------------


def get_shipment_labels(call: Call) -> Answer:
    """List the labels for parcels that Amazon's carrier fetches."""
    now, span = call.world.now(), (call.time("labelCreatedAfter"), call.time("labelCreatedBefore"))
    id, reference = call.one("vendorShipmentIdentifier"), call.one("buyerReferenceNumber")
    code = call.one("sellerWarehouseCode")

    def keep(one: Shipment) -> bool:
        parties = [one.asked[name]["partyId"] for name in ("sellingParty", "shipFromParty")]
        return (
            _labelled(one, now) is not None
            and _within(_labelled(one, now), *span)
            and id in (None, one.id)
            and reference in (None, one.reference)
            and (code is None or code in parties)
        )

    found, pagination = _page(call, keep, lambda one: _labelled(one, now) or 0)
    return Answer({"payload": {**pagination, "transportLabels": [_labels(call, one) for one in found]}})


def _labels(call: Call, one: Shipment) -> dict[str, Any]:
    cartons = [box for box in one.asked.get("containers", ()) if box["containerType"] == "carton"]
    count = max(len(cartons) or one.asked.get("shipmentMeasurements", {}).get("totalCartonCount", 1), 1)
    numbers = [f"LP{_number(call, f'{one.id} {place}'):010d}" for place in range(1, count + 1)]
    to = one.asked["shipToParty"]["partyId"]
    return {
        "labelCreateDateTime": moment(one.created + ASSIGNED_S),
        "shipmentInformation": {
            "vendorDetails": {"sellingParty": one.asked["sellingParty"], "vendorShipmentIdentifier": one.id},
            "buyerReferenceNumber": one.reference,
            "shipToParty": one.asked["shipToParty"],
            "shipFromParty": one.asked["shipFromParty"],
            "warehouseId": one.asked["shipFromParty"]["partyId"],
            "masterTrackingId": numbers[0],
            "totalLabelCount": count,
            "shipMode": "SmallParcel",
        },
        "labelData": [
            {
                "labelSequenceNumber": place,
                "labelFormat": "PDF",
                "carrierCode": CARRIER["code"],
                "trackingId": number,
                "label": _pdf(Label(number, (f"To {to}", f"{one.id}, carton {place} of {count}"))),
            }
            for place, number in enumerate(numbers, start=1)
        ],
    }


def _pdf(label: Label) -> str:
    return base64.b64encode(labels.pdf([label], labels.LABEL)).decode()


def _number(call: Call, text: str) -> int:
    """Return a number of ten digits that is always the same for the same text."""
    digest = hashlib.sha256(f"{call.world.seed} {call.seller} {text}".encode()).digest()
    return int.from_bytes(digest[:8]) % 10**10


def _date(asked: Mapping[str, Any], *path: str) -> float | None:
    """Return a date from a body, as unix seconds.

    Raises:
        AmazonRefused: it is none.
    """
    found: Any = asked
    for step in path:
        found = found.get(step, {})
    return unix_seconds(found, path[-1]) if found else None


def _business_days(now: float, days: int) -> float:
    """Return the beginning of the day that is so many business days after today (UTC)."""
    day = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    while days:
        day += timedelta(days=1)
        days -= day.weekday() < 5
    return day.timestamp()


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    f"{API}.submit_shipments": submit_shipments,
    f"{API}.submit_shipment_confirmations": submit_shipment_confirmations,
    f"{API}.get_shipment_details": get_shipment_details,
    f"{API}.get_shipment_labels": get_shipment_labels,
}
