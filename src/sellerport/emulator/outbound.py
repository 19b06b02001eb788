"""Fulfillment Outbound 2020-07-01: previews, orders that Amazon ships for other shops, their tracking and returns.

How an order goes on is in `outbound_orders`; version 2026-07-04 is in `outbound_2026`, and shows the same orders.

* An order whose stock is short is Unfulfillable where its policy is FillOrKill, which it is where nothing is said;
  else what is short is, and the rest is sent.
* An order can be changed and cancelled until it is processed.
* The sandbox's own submitFulfillmentOrderStatusUpdate works on every host.

Delivery offers and features have no state, and are invented. Scheduled delivery (Japan only) is refused.

Not known: Amazon's words for most refusals, its codes for returns, and what a sandbox does with a status that goes
back (400).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sellerport.emulator import page_tokens, shelf
from sellerport.emulator.call import Answer, Call, invalid, missing, moment, refused, unix_seconds
from sellerport.emulator.outbound_orders import OVER, SERVICES, WAY, Line, Outgoing, Package
from sellerport.emulator.shelf import Listing
from sellerport.emulator.shop import DAY_S, local
from sellerport.regions import Marketplace

API = "fulfillment_outbound_2020_07_01"
PAGE = 50
DOLLARS = {"Standard": Decimal("6.99"), "Expedited": Decimal("11.49"), "Priority": Decimal("16.99")}
"""What a piece costs to send."""
REASONS = {
    "LOCAL-DEFECTIVE": "Defective",
    "LOCAL-NO-LONGER-NEEDED": "No longer needed",
    "LOCAL-WRONG-ITEM": "Another item than ordered",
}
EVENTS = {
    "ReadyForReceive": ("EVENT_101", "The carrier was told to pick the package up."),
    "PickupDone": ("EVENT_102", "The package was picked up."),
    "Departed": ("EVENT_201", "The package has left its first place."),
    "ArrivedAtCarrierFacility": ("EVENT_202", "The package has come to its last place."),
    "OutForDelivery": ("EVENT_302", "The package is out for delivery."),
    "Delivered": ("EVENT_301", "The package was delivered."),
}
STATUSES = {"PreTransit": "IN_TRANSIT", "InTransit": "IN_TRANSIT", "OutForDelivery": "OUT_FOR_DELIVERY"}
KEPT = (
    "displayableOrderId", "displayableOrderDate", "displayableOrderComment", "deliveryWindow", "codSettings",
    "notificationEmails", "featureConstraints",
)  # fmt: skip
"""What is said of an order, and only shown again."""


# --- what both versions share -----------------------------------------------------------------------------------------


def market(call: Call, id: str | None = None, *, country: str | None = None) -> Marketplace:
    """Return the marketplace that is named, or that of a country, or else the account's first.

    Raises:
        AmazonRefused: the one that is named is none of the account's.
    """
    mine = call.account.marketplaces if call.account else ()
    found = [one for one in mine if (one.id == id if id else country in (None, one.country))]
    if not found:
        raise invalid(f"marketplaceId {id or country} is none of the account's")
    return found[0]


def listed(call: Call, marketplace: Marketplace, sku: str) -> Listing:
    """Return the listing of a SKU that Amazon has.

    Raises:
        AmazonRefused: there is none.
    """
    listing = call.world.shelf.listing(call.seller, marketplace.id, sku)
    if listing is None or not listing.by_amazon:
        raise invalid(f"sellerSku {sku} is not fulfilled by Amazon in marketplace {marketplace.id}")
    return listing


def counted(lines: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return how many of each SKU are wanted.

    Raises:
        AmazonRefused: one of less than one piece.
    """
    found: dict[str, int] = {}
    for sku, quantity in lines:
        if quantity < 1:
            raise invalid(f"quantity of {sku} must be at least 1")
        found[sku] = found.get(sku, 0) + quantity
    if not found:
        raise invalid("items must name an item")
    return found


def short(call: Call, marketplace: Marketplace, wanted: Mapping[str, int]) -> dict[str, int]:
    """Return how many of each SKU are missing in the warehouses."""
    held = {sku: call.world.shelf.stock(call.seller, marketplace, sku).fulfillable for sku in wanted}
    return {sku: quantity - held[sku] for sku, quantity in wanted.items() if quantity > held[sku]}


def accept(call: Call, order: Outgoing) -> Outgoing:
    """Take an order that is new, and reserve what it needs.

    Raises:
        AmazonRefused: its id is taken, or it wants something that Amazon does not have.
    """
    orders = call.world.outbound.orders
    if (call.seller, order.id) in orders:
        raise invalid(f"Fulfillment order {order.id} exists already")
    if len({line.id for line in order.lines}) < len(order.lines):
        raise invalid("every item must have an id of its own")
    counted((line.sku, line.quantity) for line in order.lines)
    for line in order.lines:
        listing = call.world.shelf.listing(call.seller, order.marketplace.id, line.sku)
        if listing is None or not listing.by_amazon:
            raise refused(f"the SellerSKU for Item Id: {line.id} is invalid.")
    call.world.outbound.add(order)
    reserve(call, order)
    return order


def reserve(call: Call, order: Outgoing) -> None:
    """Reserve stock for the lines of an order; what is short cannot be sent, and perhaps nothing then."""
    wanted: dict[str, int] = {}
    for line in order.lines:
        wanted[line.sku] = wanted.get(line.sku, 0) + line.open
    missing_pieces = short(call, order.marketplace, wanted)
    for line in reversed(order.lines):
        lacking = min(missing_pieces.get(line.sku, 0), line.open)
        missing_pieces[line.sku] = missing_pieces.get(line.sku, 0) - lacking
        wanted[line.sku] -= lacking
        line.unfulfillable += lacking
    call.world.outbound.release(order, {sku: -quantity for sku, quantity in wanted.items()})
    lacks = any(line.unfulfillable for line in order.lines)
    if lacks and (order.policy == "FillOrKill" or not any(wanted.values())):
        call.world.outbound.move(order, "Unfulfillable", call.world.now())


def known(call: Call, id: str) -> Outgoing:
    """Return an order, as far as it has come.

    Raises:
        AmazonNotFound: there is none.
    """
    order = call.world.outbound.orders.get((call.seller, id))
    if order is None:
        raise missing(f"Fulfillment order {id} was not found")
    return call.world.outbound.progress(order, call.world.now())


def changeable(call: Call, id: str) -> Outgoing:
    """Return an order that can still be changed.

    Raises:
        AmazonRefused: it is too late.
    """
    order = known(call, id)
    if not order.changeable:
        raise invalid(f"Fulfillment order {id} is {order.status} and cannot be changed")
    return order


def hold(call: Call, order: Outgoing, action: str) -> None:
    """Hold an order, or let it go: from now on it goes on."""
    if (order.action, action) == ("Hold", "Ship"):
        order.updated = call.world.now()
    order.action = action


def submit(call: Call, id: str, status: str) -> None:
    """Move an order, as the sandbox's own operations do.

    Raises:
        AmazonRefused: it cannot become this.
    """
    order = known(call, id)
    back = status in WAY and order.status in WAY and WAY.index(status) <= WAY.index(order.status)
    whole = status == "CompletePartialled" and sum(line.open for line in order.lines) == 1
    if order.status in OVER or back or whole:
        raise invalid(f"Fulfillment order {id} is {order.status} and cannot become {status}")
    call.world.outbound.move(order, status, call.world.now())


def every(call: Call) -> Iterator[Outgoing]:
    """Yield the account's orders, as far as they have come."""
    for seller, id in list(call.world.outbound.orders):
        if seller == call.seller:
            yield known(call, id)


def changed_since(call: Call, name: str) -> list[Outgoing]:
    """Return the account's orders whose status changed since a date, or in the last day and a half, latest first."""
    since = call.time(name)
    since = call.world.now() - 1.5 * DAY_S if since is None else since
    return sorted((one for one in every(call) if one.updated >= since), key=lambda one: (-one.updated, one.id))


def kilograms(call: Call, marketplace: Marketplace, wanted: Mapping[str, int]) -> str:
    """Return about how heavy pieces are together."""
    grams = 0
    for sku, quantity in wanted.items():
        listing = listed(call, marketplace, sku)
        grams += quantity * int(shelf.text(listing.attributes, "item_package_weight") or 500)
    return f"{grams / 1000:.3f}"


# --- 2020-07-01 -------------------------------------------------------------------------------------------------------


def get_fulfillment_preview(call: Call) -> Answer:
    """Say for each speed whether an order could be sent, when it would come and what it would cost."""
    asked = call.checked_body()
    marketplace = market(call, asked.get("marketplaceId"))
    wanted = counted((one["sellerSku"], one["quantity"]) for one in asked["items"])
    for sku in wanted:
        listed(call, marketplace, sku)
    lacking = short(call, marketplace, wanted)
    speeds = asked.get("shippingSpeedCategories") or ["Standard", "Expedited"]
    previews = [_preview(call, marketplace, asked, wanted, lacking, speed) for speed in speeds]
    return Answer({"payload": {"fulfillmentPreviews": previews}})


def _preview(
    call: Call,
    marketplace: Marketplace,
    asked: Mapping[str, Any],
    wanted: Mapping[str, int],
    lacking: Mapping[str, int],
    speed: str,
) -> dict[str, Any]:
    preview: dict[str, Any] = {"shippingSpeedCategory": speed, "isCODCapable": False, "marketplaceId": marketplace.id}
    if speed not in SERVICES:
        return {**preview, "isFulfillable": False, "orderUnfulfillableReasons": ["ShippingSpeedNotAvailable"]}
    names = ("sellerSku", "quantity", "sellerFulfillmentOrderItemId")
    items = [{name: one[name] for name in names} for one in asked["items"]]
    fit = [one for one in items if one["sellerSku"] not in lacking]
    preview["unfulfillablePreviewItems"] = [
        {**one, "itemUnfulfillableReasons": ["InventoryUnavailable"]} for one in items if one not in fit
    ]
    preview["isFulfillable"] = not lacking
    if lacking:
        return {**preview, "orderUnfulfillableReasons": ["InventoryUnavailable"]}
    earliest, latest = arrival(call, speed)
    fee = local(DOLLARS[speed] * sum(wanted.values()), marketplace.currency)
    money = {"currencyCode": marketplace.currency, "value": str(fee)}
    return {
        **preview,
        "estimatedShippingWeight": {"unit": "KG", "value": kilograms(call, marketplace, wanted)},
        "estimatedFees": [{"name": "FBAPerUnitFulfillmentFee", "amount": money}],
        "fulfillmentPreviewShipments": [
            {
                "earliestShipDate": moment(call.world.now()),
                "latestShipDate": moment(call.world.now() + DAY_S),
                "earliestArrivalDate": moment(earliest),
                "latestArrivalDate": moment(latest),
                "fulfillmentPreviewItems": fit,
            }
        ],
    }


def arrival(call: Call, speed: str) -> tuple[float, float]:
    """Return from when until when something would arrive that is ordered now."""
    return SERVICES[speed].window(call.world.now() + DAY_S)


def create_fulfillment_order(call: Call) -> Answer:
    """Let Amazon ship something."""
    asked, now = call.checked_body(), call.world.now()
    unix_seconds(asked["displayableOrderDate"], "displayableOrderDate")
    _speed(asked)
    order = Outgoing(
        id=asked["sellerFulfillmentOrderId"],
        seller=call.seller,
        marketplace=market(call, asked.get("marketplaceId")),
        address=asked["destinationAddress"],
        speed=asked["shippingSpeedCategory"],
        action=asked.get("fulfillmentAction", "Ship"),
        policy=asked.get("fulfillmentPolicy", "FillOrKill"),
        lines=[_line(one) for one in asked["items"]],
        received=now,
        updated=now,
        facts={name: asked[name] for name in KEPT if name in asked},
    )
    accept(call, order)
    return Answer({})


def _speed(asked: Mapping[str, Any]) -> None:
    if asked.get("shippingSpeedCategory", "Standard") not in SERVICES:
        raise invalid(f"shippingSpeedCategory must be one of {', '.join(SERVICES)}")


def _line(asked: Mapping[str, Any]) -> Line:
    names = ("giftMessage", "displayableComment", "perUnitDeclaredValue", "perUnitPrice", "perUnitTax")
    facts = {name: asked[name] for name in names if name in asked}
    return Line(asked["sellerFulfillmentOrderItemId"], asked["sellerSku"], asked["quantity"], facts)


def list_all_fulfillment_orders(call: Call) -> Answer:
    """List orders by when their status changed."""
    token = call.one("nextToken")
    if token is None:
        ids = [one.id for one in changed_since(call, "queryStartDate")]
    else:
        ids = page_tokens.redeem(call, token, name="nextToken")
    rest = ids[PAGE:]
    payload: dict[str, Any] = {"fulfillmentOrders": [_order(known(call, id)) for id in ids[:PAGE]]}
    if rest:
        payload["nextToken"] = page_tokens.issue(call, rest)
    return Answer({"payload": payload})


def get_fulfillment_order(call: Call) -> Answer:
    """Return an order with its items, shipments and returns."""
    order = known(call, call.path["sellerFulfillmentOrderId"])
    payload = {
        "fulfillmentOrder": _order(order),
        "fulfillmentOrderItems": [
            {
                "sellerSku": line.sku,
                "sellerFulfillmentOrderItemId": line.id,
                "quantity": line.quantity,
                "cancelledQuantity": line.cancelled,
                "unfulfillableQuantity": line.unfulfillable,
                **line.facts,
            }
            for line in order.lines
        ],
        "fulfillmentShipments": _shipments(order),
        "returnItems": order.returns,
        "returnAuthorizations": order.authorizations,
    }
    return Answer({"payload": payload})


def _order(order: Outgoing) -> dict[str, Any]:
    displayed = {
        "displayableOrderId": order.id,
        "displayableOrderDate": moment(order.received),
        "displayableOrderComment": "",
    }
    return {
        "sellerFulfillmentOrderId": order.id,
        "marketplaceId": order.marketplace.id,
        **displayed,
        **{name: order.facts[name] for name in KEPT if name in order.facts},
        "shippingSpeedCategory": order.speed,
        "destinationAddress": order.address,
        "fulfillmentAction": order.action,
        "fulfillmentPolicy": order.policy,
        "receivedDate": moment(order.received),
        "fulfillmentOrderStatus": order.status,
        "statusUpdatedDate": moment(order.updated),
    }


def _shipments(order: Outgoing) -> list[dict[str, Any]]:
    skus, found = {line.id: line.sku for line in order.lines}, []
    for one in order.shipments:
        shown: dict[str, Any] = {
            "amazonShipmentId": one.id,
            "fulfillmentCenterId": one.warehouse,
            "fulfillmentShipmentStatus": one.status,
            "fulfillmentShipmentItem": [
                {
                    "sellerSku": skus[id],
                    "sellerFulfillmentOrderItemId": id,
                    "quantity": quantity,
                    **({"packageNumber": one.package.number} if one.package else {}),
                }
                for id, quantity in one.lines.items()
            ],
        }
        if one.package:
            shown["shippingDate"] = moment(one.package.shipped)
            shown["estimatedArrivalDate"] = moment(one.package.service.window(one.package.shipped)[1])
            package = {"packageNumber": one.package.number, "carrierCode": "LOCAL_PARCEL"}
            shown["fulfillmentShipmentPackage"] = [{**package, "trackingNumber": one.package.tracking}]
        found.append(shown)
    return found


def update_fulfillment_order(call: Call) -> Answer:
    """Change an order that is not processed yet, or let one go that was held."""
    asked = call.checked_body()
    _speed(asked)
    order = changeable(call, call.path["sellerFulfillmentOrderId"])
    lines = {line.id: line for line in order.lines}
    changed = {one["sellerFulfillmentOrderItemId"]: one["quantity"] for one in asked.get("items", ())}
    if unknown := [id for id in changed if id not in lines]:
        raise invalid(f"sellerFulfillmentOrderItemId {unknown[0]} is none of the order's")
    if any(quantity < 1 for quantity in changed.values()):
        raise invalid("quantity must be at least 1")
    order.facts |= {name: asked[name] for name in KEPT if name in asked}
    order.address = asked.get("destinationAddress", order.address)
    order.speed = asked.get("shippingSpeedCategory", order.speed)
    order.policy = asked.get("fulfillmentPolicy", order.policy)
    hold(call, order, asked.get("fulfillmentAction", order.action))
    if changed:
        reserved: dict[str, int] = {}
        for line in order.lines:
            reserved[line.sku] = reserved.get(line.sku, 0) + line.open
            line.quantity, line.unfulfillable = changed.get(line.id, line.quantity), 0
        call.world.outbound.release(order, reserved)
        reserve(call, order)
    return Answer({})


def cancel_fulfillment_order(call: Call) -> Answer:
    """Let Amazon not ship an order."""
    order = changeable(call, call.path["sellerFulfillmentOrderId"])
    call.world.outbound.move(order, "Cancelled", call.world.now())
    return Answer({})


def submit_fulfillment_order_status_update(call: Call) -> Answer:
    """Move an order at once: the sandbox's own."""
    status = call.checked_body().get("fulfillmentOrderStatus")
    if status is None:
        raise invalid("fulfillmentOrderStatus must be given")
    submit(call, call.path["sellerFulfillmentOrderId"], status)
    return Answer({})


def get_package_tracking_details(call: Call) -> Answer:
    """Say where a package is."""
    number = call.one("packageNumber") or ""
    for order in every(call):
        for package in order.packages:
            if str(package.number) == number:
                return Answer({"payload": _tracking(call, order, package)})
    raise missing(f"packageNumber {number} was not found")


def _tracking(call: Call, order: Outgoing, package: Package) -> dict[str, Any]:
    now, to = call.world.now(), order.address
    place = {"city": to.get("city", ""), "state": to.get("stateOrRegion", ""), "country": to["countryCode"]}
    earliest, latest = package.service.window(package.shipped)
    return {
        "packageNumber": package.number,
        "trackingNumber": package.tracking,
        "carrierCode": "LOCAL_PARCEL",
        "carrierURL": "https://local-parcel.invalid/",
        "shipDate": moment(package.shipped),
        "estimatedArrivalDate": moment(latest),
        "shipToAddress": place,
        "currentStatus": state(package, now),
        "deliveryWindow": {"earliest": moment(earliest), "latest": moment(latest)},
        "trackingEvents": [
            {
                "eventDate": moment(step.when),
                "eventAddress": place,
                "eventCode": EVENTS[step.code][0],
                "eventDescription": EVENTS[step.code][1],
            }
            for step in package.steps(now)
        ],
    }


def state(package: Package, now: float) -> str:
    """Return where a package is, in the word of this API."""
    if "status" in package.told:
        told = str(package.told["status"])
        return {"PROCESSING": "UNKNOWN", "EXPIRED": "UNDELIVERABLE"}.get(told, told)
    return STATUSES.get(package.steps(now)[-1].status, "DELIVERED")


def list_return_reason_codes(call: Call) -> Answer:
    """Say for which reasons a SKU can come back."""
    if id := call.one("sellerFulfillmentOrderId"):
        known(call, id)
    listed(call, market(call, call.one("marketplaceId")), call.one("sellerSku") or "")
    details = [{"returnReasonCode": code, "description": text} for code, text in REASONS.items()]
    return Answer({"payload": {"reasonCodeDetails": details}})


def create_fulfillment_return(call: Call) -> Answer:
    """Announce what comes back; what cannot is named, with why."""
    asked, now = call.checked_body()["items"], call.world.now()
    order = known(call, call.path["sellerFulfillmentOrderId"])
    authorization = call.world.uuid()
    taken, declined = [], []
    for one in asked:
        reason = _not_returnable(order, one)
        if reason:
            names = ("sellerReturnItemId", "sellerFulfillmentOrderItemId")
            why = {"invalidItemReasonCode": reason, "description": f"The item cannot be returned: {reason}."}
            declined.append({**{name: one[name] for name in names}, "invalidItemReason": why})
            continue
        item = {name: value for name, value in one.items() if name != "returnReasonCode"}
        item |= {"sellerReturnReasonCode": one["returnReasonCode"], "returnAuthorizationId": authorization}
        taken.append({**item, "status": "New", "statusChangedDate": moment(now)})
        order.returns.append(taken[-1])
    back = [
        {
            "returnAuthorizationId": authorization,
            "fulfillmentCenterId": "LOC1",
            "returnToAddress": {
                "name": "Local Amazon LOC1",
                "addressLine1": "1 Warehouse Way",
                "city": "Depot",
                "postalCode": "00000",
                "countryCode": order.marketplace.country,
            },
            "amazonRmaId": authorization[:8],
            "rmaPageURL": f"https://local-amazon.invalid/rma/{authorization[:8]}",
        }
        for _ in taken[:1]
    ]
    order.authorizations += back
    return Answer({"payload": {"returnItems": taken, "invalidReturnItems": declined, "returnAuthorizations": back}})


def _not_returnable(order: Outgoing, asked: Mapping[str, Any]) -> str | None:
    """Return why a piece cannot come back, if so; one announcement is one piece."""
    line, shipment = asked["sellerFulfillmentOrderItemId"], asked["amazonShipmentId"]
    sent = next((one.lines.get(line, 0) for one in order.shipments if one.id == shipment and one.package), 0)
    if asked["returnReasonCode"] not in REASONS:
        return "InvalidValues"
    if not sent:
        return "NoCompletedShipItems"
    if any(one["sellerReturnItemId"] == asked["sellerReturnItemId"] for one in order.returns):
        return "DuplicateRequest"
    before: Sequence[Any] = [one for one in order.returns if one["sellerFulfillmentOrderItemId"] == line]
    return "NoReturnableQuantity" if len(before) >= sent else None


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    f"{API}.get_fulfillment_preview": get_fulfillment_preview,
    f"{API}.create_fulfillment_order": create_fulfillment_order,
    f"{API}.list_all_fulfillment_orders": list_all_fulfillment_orders,
    f"{API}.get_fulfillment_order": get_fulfillment_order,
    f"{API}.update_fulfillment_order": update_fulfillment_order,
    f"{API}.cancel_fulfillment_order": cancel_fulfillment_order,
    f"{API}.submit_fulfillment_order_status_update": submit_fulfillment_order_status_update,
    f"{API}.get_package_tracking_details": get_package_tracking_details,
    f"{API}.list_return_reason_codes": list_return_reason_codes,
    f"{API}.create_fulfillment_return": create_fulfillment_return,
}
