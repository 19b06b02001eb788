"""External Fulfillment Shipments 2024-09-11: orders that an account ships for Amazon, read, confirmed and rejected.

* Every order that the account ships is a shipment at its location of that marketplace, with the channel MFN; those of
  another channel come with the sandbox. It is CREATED while its payment is pending, and then ACCEPTED.
* A shipment is confirmed or rejected as a whole; rejected, its order is cancelled. What happens next to its packages is
  in `external_packages`.
* What the Orders API does to the order, it does to the shipment: confirmed there, it is SHIPPED, and cancelled there,
  it is CANCELLED. An order that was partly shipped there is no shipment any more, since here nothing leaves in parts
  without packages.
* Shipments of the sandbox are made of orders of their own, which no other API knows; what Amazon does to them there,
  the sandbox is told. These operations are nowhere else.

Amazon offers all this to accounts that it invites, in some countries; here all sellers have it, in all of their
marketplaces. The buyer's address is in every answer, once the order is paid, for any token: the operations are not
among the restricted ones. Not known: the codes of refusals (a shipment that is not in the state for something is 409
Conflict here), what CONFIRM makes of the line items in its body (they have to be the shipment's, and nothing else), and
how many shipments are on a page that names no size (20 here). What transport capacity changes is not done.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from sellerport.emulator import page_tokens, shop
from sellerport.emulator.call import Answer, Call, invalid, missing, moment, refused
from sellerport.emulator.external_book import PREFIX, RANKS, External, Location, Shipment
from sellerport.emulator.parcels import Package
from sellerport.emulator.shop import Item, Order
from sellerport.errors import AmazonRefused

API = "external_fulfillment_shipments_2024_09_11"
PAGE = 20
MOST = 100
REJECTABLE = ("CREATED", "ACCEPTED", "CONFIRMED")
DRAWN = 200
"""Of so many invented orders, one has the lines and pieces that the sandbox is asked for."""


def get_shipments(call: Call) -> Answer:
    """List shipments of a status, by location and by when they last changed, the earliest first."""
    size, token = call.size("maxResults", most=MOST, default=PAGE), call.one("paginationToken")
    arguments = {name: call.many(name) for name in call.query if name != "paginationToken"}
    if token is None:
        ids = _search(call)
    else:
        ids = page_tokens.redeem(call, token, name="paginationToken", arguments=arguments)
    # what left in parts meanwhile is no shipment any more
    shown = [_shipment(call, *found) for id in ids[:size] if (found := _find(call, id))]
    rest = ids[size:]
    more = {"pagination": {"nextToken": page_tokens.issue(call, rest, arguments=arguments)}} if rest else {}
    return Answer({"shipments": shown, **more})


def _search(call: Call) -> list[str]:
    external, now = own(call), call.world.now()
    status, place, channel = call.one_of("status"), call.one("locationId"), call.one("channelName")
    after, before, marketplace = (
        call.time("lastUpdatedAfter"),
        call.time("lastUpdatedBefore"),
        call.one("marketplaceId"),
    )
    found = []
    for order, one in external.every(call.account.orders if call.account else {}):
        standing, where = one.standing(order, now), external.locations[one.location]
        if (
            standing.status == status
            and place in (None, where.id)
            and channel in (None, where.channel)
            and marketplace in (None, where.marketplace.id)
            and (after is None or standing.updated > after)
            and (before is None or standing.updated < before)
        ):
            found.append((standing.updated, one.id))
    return [id for _, id in sorted(found)]


def get_shipment(call: Call) -> Answer:
    """Return one shipment."""
    return Answer(_shipment(call, *known(call)))


def process_shipment(call: Call) -> Answer:
    """Confirm a shipment, or reject it."""
    order, one = known(call)
    status, lines = one.standing(order, call.world.now()).status, _lines(call, order)
    if call.one_of("operation") == "CONFIRM":
        need(one, status, "ACCEPTED")
        one.confirmed = True
    else:
        need(one, status, *REJECTABLE)
        if not lines:
            raise invalid("lineItems must name a line item to be rejected")
        one.rejected, one.reason = call.world.now(), lines[0].get("reason")
        order = replace(order, status="Canceled", updated=int(call.world.now()))
        keep(call, order)
    hold(call, one)
    return Answer(status=204)


def _lines(call: Call, order: Order) -> Sequence[Mapping[str, Any]]:
    """Return the line items of the body, which may be none, and have to be the order's."""
    lines: Sequence[Mapping[str, Any]] = call.checked_body()["lineItems"] if call.body is not None else ()
    items = {item.id: item for item in order.items}
    for one in lines:
        id = one["lineItem"]["id"]
        if id not in items:
            raise invalid(f"lineItems: {id} is no line item of the shipment")
    return lines


# --- the sandbox ------------------------------------------------------------------------------------------------------


def create_sandbox_shipment(call: Call) -> Answer:
    """Let an order come to a location."""
    asked, external = call.checked_body(), own(call)
    place = external.locations.get(asked["locationId"])
    if place is None or place.marketplace.id != asked["marketplaceId"] or place.channel != asked["marketplaceChannel"]:
        raise invalid(f"locationId {asked['locationId']} is no location of this marketplace and channel")
    order = _invented(call, place, asked)
    external.orders[order.id] = order
    kinds = list(asked.get("orderType", ()))
    one = Shipment(order.id, place.id, asked["shippingType"], kinds, call.world.now())
    hold(call, one)
    return Answer({"shipmentId": one.id})


def _invented(call: Call, place: Location, asked: Mapping[str, Any]) -> Order:
    """Return an order that was just placed, of as many lines and pieces as it is asked to have."""
    now, products = call.world.now(), call.account.products if call.account else ()
    if any(sum(one.channel == channel for one in products) < max(shop.PIECES) for channel in shop.CHANNELS):
        raise invalid("The account lists too little for an order to be made of it")
    chance = random.Random(f"external {call.world.seed} {call.seller} {len(own(call).orders)}")  # noqa: S311
    drawn = shop.orders(chance, (place.marketplace,), products, count=DRAWN, now=now)
    lines, pieces = (asked.get(name) == "MULTIPLE" for name in ("lineItemCount", "quantityCount"))
    order = next(
        one
        for one in drawn.values()
        if (len(one.items) > 1) == lines and any(item.quantity > 1 for item in one.items) == pieces
    )
    kinds = asked.get("orderType", ())
    gift = "A gift for you, with love!" if "GIFT_MESSAGE" in kinds else None
    items = tuple(replace(item, shipped=0, gift_message=gift) for item in order.items)
    return replace(order, status="Unshipped", created=int(now), updated=int(now), items=items)


def update_sandbox_shipment(call: Call) -> Answer:
    """Let Amazon, its carrier or the buyer do something about a shipment of the sandbox."""
    asked, (order, one), now = call.checked_body(), known(call), call.world.now()
    if order.id not in own(call).orders:
        raise invalid(f"Shipment {one.id} was not made in the sandbox")
    updates, standing = asked.get("updates", {}), one.standing(order, now)
    match asked["updateType"]:
        case "INVOICE_AVAILABILITY_CHANGE":
            one.invoiced = one.invoiced or now
        case "SHIPMENT_STATUS_CHANGE" if updates.get("status") == "CANCELLED":
            need(one, standing.status, *REJECTABLE, "PACKAGE_CREATED", *RANKS[:4])
            keep(call, replace(order, status="Canceled", updated=int(now)))
        case "SHIPMENT_STATUS_CHANGE":
            _carry(call, order, one, updates)
        case _:
            pass
    hold(call, one)
    return Answer(status=204)


def _carry(call: Call, order: Order, one: Shipment, updates: Mapping[str, Any]) -> None:
    """Let the carrier have the packages."""
    wanted, status = updates.get("status"), one.standing(order, call.world.now()).status
    if not wanted and not updates.get("subStatus"):
        raise invalid("updates must have a status or a subStatus")
    need(one, status, *RANKS[3 if wanted == "SHIPPED" else 4 :])
    for id, parcel in one.packages.items():
        if parcel.shipped is None:
            send(call, order, one, id)
        parcel.raise_to(wanted or "SHIPPED", call.world.now())
        parcel.sub_status = updates.get("subStatus") or ("DELIVERED" if wanted == "DELIVERED" else parcel.sub_status)


# --- what every operation does ----------------------------------------------------------------------------------------


def own(call: Call) -> External:
    """Return the external fulfillment of the account."""
    return call.world.external_of(call.seller)


def _find(call: Call, id: str) -> tuple[Order, Shipment] | None:
    external, order_id = own(call), id.removeprefix(PREFIX)
    order = external.orders.get(order_id) or (call.account.orders.get(order_id) if call.account else None)
    one = external.shipment(order) if order is not None and id.startswith(PREFIX) else None
    return None if order is None or one is None else (order, one)


def known(call: Call) -> tuple[Order, Shipment]:
    """Return the shipment that is named in the path, and the order that it is.

    Raises:
        AmazonNotFound: there is none.
    """
    id = call.path["shipmentId"]
    found = _find(call, id)
    if found is None:
        raise missing(f"Shipment {id} was not found")
    return found


def need(one: Shipment, status: str, *allowed: str) -> None:
    """Go on only where a shipment has one of these statuses.

    Raises:
        AmazonRefused: it has another; 409.
    """
    if status not in allowed:
        raise conflict(f"Shipment {one.id} is {status}, and has to be: {', '.join(dict.fromkeys(allowed))}")


def conflict(message: str) -> AmazonRefused:
    """409: not as things are."""
    return refused(message, status=409, code="Conflict")


def hold(call: Call, one: Shipment) -> None:
    """Remember what was done about a shipment."""
    one.updated = call.world.now()
    own(call).shipments[one.order_id] = one


def keep(call: Call, order: Order) -> None:
    """Let the order of a shipment be as it is now."""
    if order.id in own(call).orders:
        own(call).orders[order.id] = order
    else:
        call.world.change_order(call.seller, order)


def send(call: Call, order: Order, one: Shipment, package_id: str) -> None:
    """Let a package leave, and its order with it."""
    parcel, now = one.packages[package_id], call.world.now()
    parcel.shipped = now
    pieces = {line["packageLineItemId"]: line["quantity"] for line in parcel.said["packageLineItems"]}
    reference = str(len(call.world.parcels.packages(call.seller, order)) + 1)
    sent = Package(reference, parcel.carrier, parcel.tracking or "", "Standard", int(now), int(now), pieces)
    keep(call, call.world.parcels.send(call.seller, order, sent, now=now))


# --- what is answered -------------------------------------------------------------------------------------------------


def _shipment(call: Call, order: Order, one: Shipment) -> dict[str, Any]:
    place, standing = own(call).locations[one.location], one.standing(order, call.world.now())
    currency = order.marketplace.currency
    product = sum((item.price for item in order.items), Decimal(0))
    tax = sum((item.tax for item in order.items), Decimal(0))
    packages = [{**it.said, "status": it.standing(call.world.now()).status} for it in one.packages.values()]
    channel = {"marketplaceId": place.marketplace.id, "channelName": place.channel, "merchantId": place.merchant}
    return {
        "id": one.id,
        "locationId": place.id,
        "marketplaceAttributes": channel | ({"customAttributes": ["PRIME"]} if order.prime else {}),
        "shipmentInfo": _info(order, one),
        **_invoice_info(one),
        "shipmentRequirements": {
            "pSlip": {"requirement": "NOT_REQUIRED", "status": "NOT_GENERATED"},
            "invoice": {"requirement": "REQUIRED", "status": _invoice_status(one)},
        },
        "charges": [
            _charge("PRODUCT", product, tax, currency),
            _charge("SHIPPING", order.shipping, Decimal(0), currency),
            _charge("TOTAL", product + order.shipping, tax, currency),
        ],
        "status": standing.status,
        **({"subStatus": standing.sub_status} if standing.sub_status else {}),
        **({"reason": standing.reason} if standing.reason else {}),
        "lineItems": [_line(order, one, item) for item in order.items],
        "shippingInfo": _shipping(order, one),
        **({"packages": packages} if packages else {}),
        "creationDateTime": moment(order.created),
        "lastUpdatedDateTime": moment(standing.updated),
        "earliestPackDateTime": moment(order.created),
    }


def _info(order: Order, one: Shipment) -> dict[str, Any]:
    kind = next((name for name in ("REPLACEMENT", "EXCHANGE") if name in one.kinds), "NEW")
    return {
        "shipmentType": kind,
        "numberOfUnits": sum(item.quantity for item in order.items),
        "priority": "HIGH" if order.expedited else "LOW",
        "buyerOrderId": order.id,
        "orderStatesEligibleForRejection": list(REJECTABLE),
        "orderPlacedTimestamp": moment(order.created),
        "processingSource": "INTERNAL_PLATFORM",
        "paymentMethod": "CASH_ON_DELIVERY" if order.payment == "COD" else "PREPAID",
    }


def invoice_id(one: Shipment) -> str:
    """Return the number of a shipment's invoice."""
    return f"IN-{one.order_id}"


def _invoice_info(one: Shipment) -> dict[str, Any]:
    if one.invoiced is None:
        return {}
    return {"invoiceInfo": {"invoiceId": invoice_id(one), "creationDateTime": moment(one.invoiced)}}


def _invoice_status(one: Shipment) -> str:
    if one.invoiced is not None:
        return "AVAILABLE"
    return "PENDING" if one.packages else "NOT_AVAILABLE"


def _line(order: Order, one: Shipment, item: Item) -> dict[str, Any]:
    line = {
        "shipmentLineItemId": item.id,
        "merchantSku": item.sku,
        "numberOfUnits": item.quantity,
        "pieceType": "MULTIPLE" if "MPS" in one.kinds else "SINGLE",
        "giftAttributes": _gift(one, item),
        "charges": [_charge("PRODUCT", item.price, item.tax, order.marketplace.currency)],
        "complianceAttributes": {
            name: "REQUIRED" if kind in one.kinds else "DISALLOWED" for name, kind in REQUIREMENTS.items()
        },
    }
    if order.status == "Canceled":
        by = "MARKETPLACE_CANCELLED" if one.rejected is None else "SELLER_REJECTED"
        cancelled = {"cancelledQuantity": item.quantity, "cancelledTimestamp": moment(order.updated)}
        why = {"cancellationReason": one.reason} if one.reason else {}
        line["cancellations"] = [{**cancelled, "cancellationType": by, **why}]
    return line


REQUIREMENTS = {
    "hazmatLabelsRequirement": "HAZMAT", "serialNumberRequirement": "SERIAL",
    "countryOfOriginRequirement": "CROSS_BORDER", "itemValueRequirement": "CROSS_BORDER",
}  # fmt: skip
"""What has to be said of the packages of which kind of shipment; of others it must not be said."""


def _gift(one: Shipment, item: Item) -> dict[str, Any]:
    found: dict[str, Any] = {
        "giftWrapRequirement": "REQUIRED" if "GIFT_WRAP" in one.kinds else "DISALLOWED",
        "giftMessagePresence": "PRESENT" if item.gift_message else "ABSENT",
    }
    if item.gift_message:
        content = base64.b64encode(item.gift_message.encode()).decode()
        found["giftMessage"] = {"format": "PLAIN_TEXT", "content": content}
    return found


def _shipping(order: Order, one: Shipment) -> dict[str, Any]:
    found: dict[str, Any] = {
        "recommendedShipMethod": "Local Parcel Ground",
        "expectedShippingDateTimeInUTC": moment(order.ship_window[1]),
        "shippingType": "MARKETPLACE" if one.shipping == "MARKETPLACE" else "SELF",
    }
    if order.priced:
        address = order.address
        found["shipToAddress"] = {
            "name": address.name,
            "addressLine1": address.line,
            "city": address.city,
            "state": address.state,
            "countryCode": address.country,
            "postalCode": address.postal_code,
            "email": order.email,
            "phoneNumber": address.phone,
            "addressType": "Commercial" if order.business else "Residential",
        }
    return found


def _charge(kind: str, base: Decimal, tax: Decimal, currency: str) -> dict[str, Any]:
    def breakup(amount: Decimal) -> dict[str, Any]:
        base, nothing = ({"value": str(value), "currencyCode": currency} for value in (amount, Decimal(0)))
        return {"baseAmount": base, "discountAmount": nothing, "netAmount": base}

    return {
        "chargeType": kind,
        "baseCharge": breakup(base),
        "totalTax": {"type": "TOTAL", "charge": breakup(tax)},
        "totalCharge": breakup(base + tax),
    }


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    f"{API}.get_shipments": get_shipments,
    f"{API}.get_shipment": get_shipment,
    f"{API}.process_shipment": process_shipment,
    f"{API}.create_sandbox_shipment": create_sandbox_shipment,
    f"{API}.update_sandbox_shipment": update_sandbox_shipment,
}
