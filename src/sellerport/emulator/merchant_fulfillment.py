"""Merchant Fulfillment v0: for an order that the account ships, which services there are, and a label of one of them.

* What can be sent is what waits: an order of the account that was paid for, and no piece twice, whether it was sent or
  only has a label.
* A label is a file in the format asked for, compressed (gzip) and then in Base64, with the MD5 of the file in Base64.
* A shipment that is cancelled is to be refunded, and a day later it is; its label is then good for nothing, and its
  pieces can be sent with another.
* Buying a label does not confirm the shipment: see `shipment_confirmation`.

Nobody picks a parcel up by appointment, no label has a packing slip, and hazardous goods are taken like others.

Not known: Amazon's words for most refusals, the codes of rejected services, how long an offer stands (here: for ever),
until when a label can be given back (here: until the parcel was picked up).
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sellerport.emulator import carriers, labels
from sellerport.emulator.call import Answer, Call, invalid, missing, moment, refused, unix_seconds
from sellerport.emulator.carriers import CARRIER, GRAMS, SERVICES, Service
from sellerport.emulator.parcels import Bought, Quote, Rate
from sellerport.emulator.shop import DAY_S, Address, Order

API = "merchant_fulfillment_v0"
FORMATS: Mapping[str, tuple[labels.Format, int]] = {
    "PDF": ("PDF", 203), "PNG": ("PNG", 203), "ZPL203": ("ZPL", 203), "ZPL300": ("ZPL", 300),
}  # fmt: skip
"""What each format is, and how many dots it has to the inch."""
NO_SUCH_FORMAT = (
    "The selected delivery method does not offer the requested label format. Please choose a different label format "
    "or choose another delivery method which offers the requested label format"
)
ID = re.compile("[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
UNTRACKED = ("DeliveryConfirmationWithoutSignature", "NoTracking")
SIGNED = ("DeliveryConfirmationWithAdultSignature", "DeliveryConfirmationWithSignature", UNTRACKED[0])


def get_eligible_shipment_services(call: Call) -> Answer:
    """Say which services would carry a parcel, for how much, and which would not."""
    body = call.checked_body()
    asked, wanted = body["ShipmentRequestDetails"], body.get("ShippingOfferingFilter", {})
    order, grams, shipped = _parcel(call, asked)
    experience = wanted.get("DeliveryExperience", "NoPreference")
    offered, rejected = [], []
    for service in SERVICES:
        reason = _refusal(service, asked, grams, shipped)
        if reason:
            rejected.append({**_named(service), "RejectionReasonCode": reason[0], "RejectionReasonMessage": reason[1]})
        elif experience == "NoPreference" or experience in _experiences(service):
            amount = service.price(grams, order.marketplace.currency)
            offer = call.world.uuid()
            rate = Rate(offer, service, str(amount), order.marketplace.currency)
            call.world.parcels.quotes[call.seller, offer] = Quote({service.id: rate}, asked, float("inf"))
            offered.append(_service(rate, asked, shipped))
    return Answer({"payload": {"ShippingServiceList": offered, "RejectedShippingServiceList": rejected}})


def get_additional_seller_inputs(call: Call) -> Answer:
    """Say what else a service has to know of an order: nothing."""
    asked = call.checked_body()
    _known_order(call, asked["OrderId"])
    _known_service(asked["ShippingServiceId"])
    return Answer({"payload": {"ShipmentLevelFields": [], "ItemLevelFieldsList": []}})


def create_shipment(call: Call) -> Answer:
    """Buy a label."""
    body = call.checked_body()
    asked = body["ShipmentRequestDetails"]
    order, grams, shipped = _parcel(call, asked)
    service = _known_service(body["ShippingServiceId"])
    if body.get("LabelFormatOption", {}).get("IncludePackingSlipWithLabel"):
        raise invalid("LabelFormatOption: no label has a packing slip")
    if reason := _refusal(service, asked, grams, shipped):
        raise invalid(f"ShippingServiceId {service.id}: {reason[1]}")
    rate = _offer(call, body, order)
    if rate is None:
        amount = str(service.price(grams, order.marketplace.currency))
        rate = Rate(call.world.uuid(), service, amount, order.marketplace.currency)
    format = asked["ShippingServiceOptions"].get("LabelFormat", "ShippingServiceDefault")
    format = _formats(service)[0] if format == "ShippingServiceDefault" else format
    if format not in _formats(service):
        raise refused(NO_SUCH_FORMAT)
    id = call.world.uuid()
    tracking = carriers.tracking_number(id)
    custom = asked.get("LabelCustomization", {})
    notes = [order.id if custom.get("StandardIdForLabel") else "", custom.get("CustomTextForLabel", "")]
    label = carriers.label(
        service, tracking, _lines(asked["ShipFromAddress"]), _lines(_to(order)), *filter(None, notes)
    )
    pieces = {one["OrderItemId"]: one["Quantity"] for one in asked["ItemList"]}
    facts = {"rate": rate, "format": format, "to": _to(order)}
    shipment = Bought(
        id, service, call.world.now(), shipped, {tracking: label}, asked, facts, order_id=order.id, items=pieces
    )
    call.world.parcels.bought[API, call.seller, id] = shipment
    return Answer({"payload": _shipment(call, shipment)})


def get_shipment(call: Call) -> Answer:
    """Return a shipment with its label."""
    return Answer({"payload": _shipment(call, _bought(call))})


def cancel_shipment(call: Call) -> Answer:
    """Give a label back."""
    shipment = _bought(call)
    if why_not := shipment.give_back(call.world.now()):
        raise invalid(why_not)
    return Answer({"payload": _shipment(call, shipment)})


# --- what is asked ----------------------------------------------------------------------------------------------------


def _known_order(call: Call, id: str) -> Order:
    order = call.account.orders.get(id) if call.account else None
    if order is None:
        raise invalid(f"AmazonOrderId {id} was not found")
    return order


def _order(call: Call, asked: Mapping[str, Any]) -> Order:
    """Return the order, of which the pieces asked for have to wait for the account."""
    order = _known_order(call, asked["AmazonOrderId"])
    if order.channel == "AFN" or order.status not in ("Unshipped", "PartiallyShipped"):
        raise invalid(f"AmazonOrderId {order.id} has nothing that the account could ship")
    known, seen = {item.id: item for item in order.items}, set()
    for one in asked["ItemList"]:
        id, quantity = one["OrderItemId"], one["Quantity"]
        if id not in known or id in seen:
            raise invalid(f"OrderItemId {id} must be an item of {order.id}, and named once")
        seen.add(id)
        left = known[id].quantity - known[id].shipped - call.world.parcels.labelled(call.seller, order.id, id)
        if not 1 <= quantity <= left:
            raise invalid(f"Quantity of OrderItemId {id} must be from 1 to {left}")
    if not seen:
        raise invalid("ItemList must name an item")
    return order


def _parcel(call: Call, asked: Mapping[str, Any]) -> tuple[Order, float, float]:
    """Return whose a parcel is, how heavy it is, and when it leaves."""
    country, size = asked["ShipFromAddress"]["CountryCode"], asked["PackageDimensions"]
    if len(country) > 2:
        constraint = "Member must have length less than or equal to 2"
        raise _unfit(country, "shipmentRequestDetails.shipFromAddress.countryCode", constraint)
    sides = [size.get(name, 0) for name in ("Length", "Width", "Height")]
    if "PredefinedPackageDimensions" not in size and (min(sides) <= 0 or "Unit" not in size):
        raise invalid("PackageDimensions must be predefined, or have Length, Width, Height and Unit")
    return _order(call, asked), _grams(asked), _ship_date(call, asked)


def _unfit(value: str, place: str, constraint: str) -> Exception:
    return refused(
        f"1 validation error detected: Value '{value}' at '{place}' failed to satisfy constraint: {constraint}"
    )


def _grams(asked: Mapping[str, Any]) -> float:
    grams: float = asked["Weight"]["Value"] * GRAMS[asked["Weight"]["Unit"]]
    if grams <= 0:
        raise invalid("Weight must be more than nothing")
    return grams


def _ship_date(call: Call, asked: Mapping[str, Any]) -> float:
    now = call.world.now()
    if "ShipDate" not in asked:
        return now
    shipped = unix_seconds(asked["ShipDate"], "ShipDate")
    if shipped < now - DAY_S:
        raise invalid("ShipDate must not be in the past")
    return max(shipped, now)


def _known_service(id: str) -> Service:
    if id not in carriers.BY_ID:
        raise invalid(f"ShippingServiceId {id} is not valid")
    return carriers.BY_ID[id]


def _offer(call: Call, body: Mapping[str, Any], order: Order) -> Rate | None:
    """Return what was offered under the id named, which has to be for this order and service."""
    id = body.get("ShippingServiceOfferId")
    if not id:
        return None
    quote = call.world.parcels.quotes.get((call.seller, id))
    rate = quote.rates.get(body["ShippingServiceId"]) if quote else None
    if quote is None or rate is None or quote.asked["AmazonOrderId"] != order.id:
        raise invalid(f"ShippingServiceOfferId {id} is not valid")
    return rate


def _refusal(service: Service, asked: Mapping[str, Any], grams: float, shipped: float) -> tuple[str, str] | None:
    """Return why a service does not carry a parcel, if so: a code, and words."""
    if grams > service.most_g:
        return "WEIGHT_LIMIT_EXCEEDED", f"{service.name} carries up to {service.most_g} g"
    options = asked["ShippingServiceOptions"]
    if options["CarrierWillPickUp"] or options.get("CarrierWillPickUpOption") == "CarrierWillPickUp":
        return "PICKUP_NOT_SUPPORTED", f"{service.name} does not pick parcels up"
    experience = options["DeliveryExperience"]
    if experience not in _experiences(service):
        return "DELIVERY_EXPERIENCE_NOT_SUPPORTED", f"{service.name} does not offer {experience}"
    latest = asked.get("MustArriveByDate")
    if latest and service.window(shipped)[1] > unix_seconds(latest, "MustArriveByDate"):
        return "LATE_DELIVERY", f"{service.name} would arrive after {latest}"
    return None


def _experiences(service: Service) -> tuple[str, ...]:
    return UNTRACKED if service.id.endswith("LETTER") else SIGNED


def _formats(service: Service) -> tuple[str, ...]:
    """Return in which formats there are labels; the first where none is asked for."""
    return ("PDF", "PNG") if service.id.endswith("LETTER") else ("PDF", "PNG", "ZPL203")


# --- what is answered -------------------------------------------------------------------------------------------------


def _bought(call: Call) -> Bought:
    id = call.path["shipmentId"]
    if not ID.fullmatch(id):
        raise _unfit(id, "shipmentId", f"Member must satisfy regular expression pattern: {ID.pattern}")
    shipment = call.world.parcels.bought.get((API, call.seller, id))
    if shipment is None:
        raise missing(f"Shipment {id} was not found")
    return shipment


def _named(service: Service) -> dict[str, str]:
    return {"ShippingServiceName": service.name, "CarrierName": CARRIER, "ShippingServiceId": service.id}


def _service(rate: Rate, asked: Mapping[str, Any], shipped: float) -> dict[str, Any]:
    service, money = rate.service, {"CurrencyCode": rate.currency, "Amount": float(Decimal(rate.amount))}
    free = {"CurrencyCode": rate.currency, "Amount": 0.0}
    earliest, latest = service.window(shipped)
    return {
        **_named(service),
        "ShippingServiceOfferId": rate.id,
        "ShipDate": moment(shipped),
        "EarliestEstimatedDeliveryDate": moment(earliest),
        "LatestEstimatedDeliveryDate": moment(latest),
        "Rate": money,
        "RateWithAdjustments": money,
        "ShippingServiceOptions": asked["ShippingServiceOptions"],
        "AvailableShippingServiceOptions": {
            "AvailableCarrierWillPickUpOptions": [{"CarrierWillPickUpOption": "ShipperWillDropOff", "Charge": free}],
            "AvailableDeliveryExperienceOptions": [
                {"DeliveryExperienceOption": name, "Charge": free} for name in _experiences(service)
            ],
        },
        "AvailableLabelFormats": list(_formats(service)),
        "AvailableFormatOptionsForLabel": [
            {"IncludePackingSlipWithLabel": False, "LabelFormat": name} for name in _formats(service)
        ],
        "RequiresAdditionalSellerInputs": False,
    }


def _shipment(call: Call, one: Bought) -> dict[str, Any]:
    asked, rate, now = one.asked, one.facts["rate"], call.world.now()
    status = "Purchased"
    if one.cancelled is not None:
        status = "RefundApplied" if now >= one.cancelled + DAY_S else "RefundPending"
    nothing = {"CurrencyCode": rate.currency, "Amount": 0.0}
    (tracking,) = one.labels
    return {
        "ShipmentId": one.id,
        "AmazonOrderId": asked["AmazonOrderId"],
        "SellerOrderId": asked.get("SellerOrderId", asked["AmazonOrderId"]),
        "ItemList": asked["ItemList"],
        "ShipFromAddress": asked["ShipFromAddress"],
        "ShipToAddress": one.facts["to"],
        "PackageDimensions": asked["PackageDimensions"],
        "Weight": asked["Weight"],
        "Insurance": asked["ShippingServiceOptions"].get("DeclaredValue", nothing),
        "ShippingService": _service(rate, asked, one.shipped),
        "Label": _label(one),
        "Status": status,
        "TrackingId": tracking,
        "CreatedDate": moment(one.bought),
        "LastUpdatedDate": moment(one.bought if one.cancelled is None else one.cancelled),
    }


def _label(one: Bought) -> dict[str, Any]:
    format, dpi = FORMATS[one.facts["format"]]
    file = labels.render(format, list(one.labels.values()), dpi=dpi)
    size = labels.LABEL
    return {
        **one.asked.get("LabelCustomization", {}),
        "Dimensions": {"Length": size.length, "Width": size.width, "Unit": "inches"},
        "FileContents": {
            "Contents": base64.b64encode(gzip.compress(file, mtime=0)).decode(),
            "FileType": labels.CONTENT_TYPES[format],
            "Checksum": base64.b64encode(hashlib.md5(file, usedforsecurity=False).digest()).decode(),
        },
        "LabelFormat": one.facts["format"],
    }


def _to(order: Order) -> dict[str, str]:
    address: Address = order.address
    return {
        "Name": address.name,
        "AddressLine1": address.line,
        "Email": order.email,
        "City": address.city,
        "StateOrProvinceCode": address.state,
        "PostalCode": address.postal_code,
        "CountryCode": address.country,
        "Phone": address.phone,
    }


def _lines(address: Mapping[str, Any]) -> Sequence[str]:
    """Return an address as it is printed."""
    region = " ".join(filter(None, (address.get("StateOrProvinceCode"), address["PostalCode"])))
    lines = (address["Name"], address["AddressLine1"], address.get("AddressLine2"), address["City"])
    return [one for one in (*lines, region, address["CountryCode"]) if one]


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    f"{API}.get_eligible_shipment_services": get_eligible_shipment_services,
    f"{API}.get_additional_seller_inputs": get_additional_seller_inputs,
    f"{API}.create_shipment": create_shipment,
    f"{API}.get_shipment": get_shipment,
    f"{API}.cancel_shipment": cancel_shipment,
}
