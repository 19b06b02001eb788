"""Fulfillment Inbound 2024-03-20, from the placement on: shipments, delivery windows, transport, tracking, labels.

What `inbound` says of operations and refusals is true here too. The order of the steps:

1. generatePlacementOptions, once every packing group is packed, or nothing of it was begun. Each option has shipments
   of its own, which are UNCONFIRMED; fewer warehouses cost a fee.
2. confirmPlacementOption: its shipments are WORKING, and what is in them is inbound stock. Where the boxes are not
   known yet, setPackingInformation for every shipment.
3. generateDeliveryWindowOptions, confirmDeliveryWindowOptions, for every shipment that is not carried by a partner.
4. generateTransportationOptions (which may come before 2), confirmTransportationOptions for every shipment: shipments
   and boxes get the numbers that are on their labels.
5. getLabels of version 0 makes them READY_TO_SHIP, updateShipmentTrackingDetails makes them SHIPPED; a plan is SHIPPED
   when all of its shipments are. What Amazon's partner carries is tracked by Amazon, and stays READY_TO_SHIP here.

Version 0 shows the same shipments, as far as it still does. Nothing is ever received here, and to cancel a plan costs
nothing, however late (at Amazon, what its partner carries can be cancelled for a day, pallets for an hour).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sellerport.emulator import labels
from sellerport.emulator.call import Answer, Call, moment, unix_seconds
from sellerport.emulator.inbound import (
    API,
    NO_OPTION,
    Act,
    bad,
    begin,
    check_option,
    fnsku,
    found_plan,
    identity,
    listed,
    named,
    open_plan,
    own,
    page,
    shown_box,
    shown_item,
    shown_pallet,
    stock,
)
from sellerport.emulator.inbound_plans import (
    STANDS_S,
    Box,
    Option,
    Plan,
    Shipment,
    Transport,
    Window,
    contents,
    counted,
    halves,
)
from sellerport.emulator.labels import Label
from sellerport.emulator.shop import DAY_S, local
from sellerport.emulator.storage import Stored

LABELS_S = 3600
WAREHOUSES = {"na": ("LOC1", "LOC2"), "eu": ("LOE1", "LOE2"), "fe": ("LOF1", "LOF2")}
OWN, PARTNER = "USE_YOUR_OWN_CARRIER", "AMAZON_PARTNERED_CARRIER"
PARCEL, PALLET = "GROUND_SMALL_PARCEL", "FREIGHT_LTL"
DOLLARS = {PARCEL: Decimal("6.80"), PALLET: Decimal(85)}
"""What the partner asks for a box, or a pallet."""
PLACEMENT_DOLLARS = Decimal("0.27")
"""What one warehouse costs, for a piece."""

Load = tuple[Sequence[Mapping[str, Any]], Sequence[Box]]
"""What goes to a warehouse, and the boxes that it is in, where they are known."""


# --- placement --------------------------------------------------------------------------------------------------------


def generate_placement_options(call: Call) -> Answer:
    """Offer warehouses: one for everything, for a fee, or two."""
    asked = call.checked_body()
    plan = open_plan(call)
    if asked.get("customPlacement"):
        raise bad("Custom placement is not available in this marketplace.")
    if plan.placement_option:
        raise bad("A placement option of the inbound plan is confirmed already.")
    if plan.packing_option and any(id not in plan.packed for id in plan.packing_option.parts):
        raise bad("Packing information must be given for every packing group of the confirmed packing option.")

    return begin(call, plan, _placement_offered)


def _placement_offered(call: Call, plan: Plan) -> None:
    plan.placement, plan.shipments = [], {}
    together, apart = _loads(plan)
    for load in [together, apart] if len(apart) > 1 else [together]:
        cheap = len(load) > 1 or len(apart) == 1
        pieces = sum(counted(plan.items).values())
        fee = None if cheap else str(local(PLACEMENT_DOLLARS * pieces, plan.marketplace.currency))
        option = Option(identity(call, "pl"), (), call.world.now() + STANDS_S, fee=fee)
        made = [_placed(call, plan, option, place, one) for place, one in enumerate(load)]
        option.parts = tuple(one.id for one in made)
        plan.placement.append(option)
        plan.shipments |= {one.id: one for one in made}


def _loads(plan: Plan) -> tuple[list[Load], list[Load]]:
    """Return what goes where, if all goes to one warehouse, and if it goes to two."""
    boxes = plan.boxes
    together: list[Load] = [(plan.items, boxes)]
    if not boxes:
        return together, [(items, []) for items in halves(plan.items)]
    if len(boxes) == 1 or not all(box.told for box in boxes):  # a box is not opened again
        return together, together
    return together, [(contents(half), half) for half in (boxes[::2], boxes[1::2])]


def _placed(call: Call, plan: Plan, option: Option, place: int, load: Load) -> Shipment:
    warehouse = WAREHOUSES[plan.marketplace.region][place]
    items, boxes = load
    name = f"{plan.name}-{warehouse}"
    return Shipment(identity(call, "sh"), option.id, name, warehouse, plan.source, items, list(boxes))


def list_placement_options(call: Call) -> Answer:
    """List the ways to place a plan's stock."""
    plan, now = found_plan(call), call.world.now()

    def shown(option: Option) -> dict[str, Any]:
        value = {"code": plan.marketplace.currency, "amount": float(option.fee or 0)}
        fee = {"type": "FEE", "target": "Placement Services", "description": "One warehouse for all", "value": value}
        return {
            "placementOptionId": option.id,
            "status": option.status(now),
            "expiration": moment(option.expires_at),
            "shipmentIds": list(option.parts),
            "fees": [fee] if option.fee else [],
            "discounts": [],
        }

    return page(call, "placementOptions", plan.placement, shown, most=20)


def confirm_placement_option(call: Call) -> Answer:
    """Choose where a plan's stock goes."""
    plan = open_plan(call)
    check_option(call, plan.placement, "placementOptionId")
    return begin(call, plan, _placement_confirmed)


def _placement_confirmed(call: Call, plan: Plan) -> None:
    named(call, plan.placement, "placementOptionId").accepted = True
    for shipment in plan.confirmed:
        shipment.status = "WORKING"
        stock(call, plan, shipment.items, working=1)


# --- shipments --------------------------------------------------------------------------------------------------------


def _own_shipment(call: Call, plan: Plan, id: str | None = None) -> Shipment:
    """Return a shipment of the plan; without an id, the one that is asked for."""
    id = id or call.path["shipmentId"]
    if id not in plan.shipments:
        raise bad(NO_OPTION.format("shipmentId"))
    return plan.shipments[id]


def _asked(call: Call) -> tuple[Plan, Shipment]:
    plan = found_plan(call)
    return plan, _own_shipment(call, plan)


def get_shipment(call: Call) -> Answer:
    """Return a shipment."""
    plan, one = _asked(call)
    country = plan.marketplace.country
    address = {
        "name": f"Local Amazon {one.warehouse}",
        "addressLine1": "1 Warehouse Way",
        "city": "Depot",
        "countryCode": country,
        "postalCode": "00000",
    }
    body: dict[str, Any] = {
        "shipmentId": one.id,
        "placementOptionId": one.option,
        "name": one.name,
        "status": one.status,
        "source": {"sourceType": "SELLER_FACILITY", "address": one.source},
        "destination": {"destinationType": "AMAZON_WAREHOUSE", "warehouseId": one.warehouse, "address": address},
        **one.told,
    }
    if one.number:
        body |= {"shipmentConfirmationId": one.number, "amazonReferenceId": one.number[-8:]}
    if one.transport:
        body["selectedTransportationOptionId"] = one.transport.id
    if one.window:
        body["selectedDeliveryWindow"] = _window(one.window, until="editableUntil")
    if one.tracking:
        body["trackingDetails"] = one.tracking
    return Answer(body)


def list_shipment_items(call: Call) -> Answer:
    """List what is in a shipment."""
    plan, shipment = _asked(call)
    return page(call, "items", shipment.items, lambda one: shown_item(call, plan, one), most=1000)


def list_shipment_boxes(call: Call) -> Answer:
    """List the boxes of a shipment."""
    plan, shipment = _asked(call)
    return page(call, "boxes", shipment.boxes, lambda one: shown_box(call, plan, one), most=1000)


def list_shipment_pallets(call: Call) -> Answer:
    """List the pallets of a shipment."""
    return page(call, "pallets", _asked(call)[1].pallets, shown_pallet, most=1000)


def update_shipment_name(call: Call) -> Answer:
    """Give a shipment another name."""
    name = call.checked_body()["name"]
    _own_shipment(call, open_plan(call)).name = name
    return Answer(status=204)


def update_shipment_source_address(call: Call) -> Answer:
    """Send a shipment from elsewhere, which ends what was offered for its transport."""
    call.checked_body()
    plan = open_plan(call)
    if _own_shipment(call, plan).transport:
        raise bad("The transportation of the shipment is confirmed already.")

    return begin(call, plan, _moved)


def _moved(call: Call, plan: Plan) -> None:
    shipment = _own_shipment(call, plan)
    shipment.source, shipment.transports = call.body["address"], []


# --- delivery windows -------------------------------------------------------------------------------------------------


def generate_delivery_window_options(call: Call) -> Answer:
    """Offer days at which a shipment may arrive."""
    plan = open_plan(call)
    shipment = _own_shipment(call, plan)
    if shipment.window:
        raise bad("A delivery window of the shipment is confirmed already.")

    return begin(call, plan, _windows_offered)


def _windows_offered(call: Call, plan: Plan) -> None:
    shipment = _own_shipment(call, plan)
    today = call.world.now() // DAY_S * DAY_S
    shipment.windows = [
        Window(
            identity(call, "dw"),
            today + days * DAY_S,
            today + (days + 7) * DAY_S,
            "CONGESTED" if days == 7 else "AVAILABLE",
            call.world.now() + STANDS_S,
        )
        for days in (7, 14, 21)
    ]


def list_delivery_window_options(call: Call) -> Answer:
    """List the days at which a shipment may arrive."""
    shown = _asked(call)[1].windows
    return page(call, "deliveryWindowOptions", shown, lambda one: _window(one, until="validUntil"), most=100)


def confirm_delivery_window_options(call: Call) -> Answer:
    """Choose when a shipment arrives; it may be chosen again until it is shipped."""
    plan = open_plan(call)
    shipment = _own_shipment(call, plan)
    if shipment not in plan.confirmed:
        raise bad("A placement option must be confirmed before a delivery window.")
    window = named(call, shipment.windows, "deliveryWindowOptionId")
    if shipment.status == "SHIPPED" or window.valid_until <= call.world.now():
        raise bad("The delivery window of the shipment cannot be chosen any more.")

    return begin(call, plan, _window_confirmed)


def _window_confirmed(call: Call, plan: Plan) -> None:
    shipment = _own_shipment(call, plan)
    shipment.window = named(call, shipment.windows, "deliveryWindowOptionId")


def _window(one: Window, *, until: str) -> dict[str, str]:
    return {
        "deliveryWindowOptionId": one.id,
        "startDate": moment(one.start),
        "endDate": moment(one.end),
        "availabilityType": one.availability,
        until: moment(one.valid_until),
    }


# --- transport --------------------------------------------------------------------------------------------------------


def generate_transportation_options(call: Call) -> Answer:
    """Offer carriers for the shipments of a placement option, confirmed or not."""
    asked = call.checked_body()
    plan = open_plan(call)
    option = next((one for one in plan.placement if one.id == asked["placementOptionId"]), None)
    if option is None:
        raise bad(NO_OPTION.format("placementOptionId"))
    if any(one.transport for one in plan.confirmed):
        raise bad("The transportation of the inbound plan is confirmed already.")
    for one in asked["shipmentTransportationConfigurations"]:
        if one["shipmentId"] not in option.parts:
            raise bad("The shipmentId does not belong to the placement option.")
        if unix_seconds(one["readyToShipWindow"]["start"], "readyToShipWindow.start") < call.world.now() - DAY_S:
            raise bad("The start of the readyToShipWindow is in the past.")

    return begin(call, plan, _transport_offered)


def _transport_offered(call: Call, plan: Plan) -> None:
    for one in call.body["shipmentTransportationConfigurations"]:
        shipment = plan.shipments[one["shipmentId"]]
        start = unix_seconds(one["readyToShipWindow"]["start"], "start")
        ready = {"start": moment(start), "end": moment(start + 7 * DAY_S), "editableUntil": moment(start)}
        told = {name: one[name] for name in ("contactInformation", "freightInformation") if name in one}
        shipment.told = {"dates": {"readyToShipWindow": ready}, **told}
        shipment.pallets = [
            (identity(call, "pk"), {**pallet, "quantity": 1})
            for pallet in one.get("pallets", ())
            for _ in range(pallet["quantity"])
        ]
        shipment.transports = _transports(call, plan, shipment)


def _transports(call: Call, plan: Plan, shipment: Shipment) -> list[Transport]:
    mode = PALLET if shipment.pallets else PARCEL
    expires_at = call.world.now() + STANDS_S
    pieces = len(shipment.pallets) or len(shipment.boxes) or 1
    cost = float(local(DOLLARS[mode] * pieces, plan.marketplace.currency))
    own_carrier, partner = {"name": "Other", "alphaCode": "OTHER"}, {"name": "Local Parcel", "alphaCode": "LOCAL"}
    return [
        Transport(
            identity(call, "to"), shipment.id, OWN, mode, own_carrier, None, expires_at, ("CONFIRMED_DELIVERY_WINDOW",)
        ),
        Transport(identity(call, "to"), shipment.id, PARTNER, mode, partner, cost, expires_at, ()),
    ]


def list_transportation_options(call: Call) -> Answer:
    """List the carriers that are offered, for a shipment or for a placement option."""
    plan = found_plan(call)
    option_id, shipment_id = call.one("placementOptionId"), call.one("shipmentId")
    if option_id is None and shipment_id is None:
        raise bad("Either placementOptionId or shipmentId must be given.")
    if option_id is not None and all(one.id != option_id for one in plan.placement):
        raise bad(NO_OPTION.format("placementOptionId"))
    if shipment_id is not None:
        _own_shipment(call, plan, shipment_id)
    found = [
        transport
        for one in plan.shipments.values()
        if option_id in (None, one.option) and shipment_id in (None, one.id)
        for transport in one.transports
    ]
    currency = plan.marketplace.currency
    return page(call, "transportationOptions", found, lambda one: _transport(one, currency), most=20)


def _transport(one: Transport, currency: str) -> dict[str, Any]:
    quote = {}
    if one.cost is not None:
        expires = moment(one.expires_at)
        quote["quote"] = {"cost": {"code": currency, "amount": one.cost}, "expiration": expires}
    return {
        "transportationOptionId": one.id,
        "shipmentId": one.shipment,
        "shippingSolution": one.solution,
        "shippingMode": one.mode,
        "carrier": one.carrier,
        "preconditions": list(one.preconditions),
        **quote,
    }


def confirm_transportation_options(call: Call) -> Answer:
    """Choose who carries each shipment of a plan."""
    selections = call.checked_body()["transportationSelections"]
    plan = open_plan(call)
    if plan.placement_option is None:
        raise bad("A placement option must be confirmed before transportation options.")
    if any(one.transport for one in plan.confirmed):
        raise bad("The transportation of the inbound plan is confirmed already.")
    if sorted(one["shipmentId"] for one in selections) != sorted(plan.placement_option.parts):
        raise bad("A transportation option must be selected for every shipment of the inbound plan, and one only.")
    for one in selections:
        _check_selection(call, plan, one)

    return begin(call, plan, _transport_confirmed)


def _transport_confirmed(call: Call, plan: Plan) -> None:
    for one in call.body["transportationSelections"]:
        shipment = plan.shipments[one["shipmentId"]]
        shipment.transport = _selected(shipment, one)
        shipment.number = f"FBA{call.world.secret('', 9).upper()}"
        for place, box in enumerate(shipment.boxes, start=1):
            box.number = f"{shipment.number}U{place:06d}"
        if "contactInformation" in one:
            shipment.told["contactInformation"] = one["contactInformation"]


def _selected(shipment: Shipment, selection: Mapping[str, Any]) -> Transport:
    for one in shipment.transports:
        if one.id == selection["transportationOptionId"]:
            return one
    raise bad(NO_OPTION.format("transportationOptionId"))


def _check_selection(call: Call, plan: Plan, selection: Mapping[str, Any]) -> None:
    shipment = _own_shipment(call, plan, selection["shipmentId"])
    transport = _selected(shipment, selection)
    if transport.expires_at <= call.world.now():
        raise bad("The transportationOptionId has expired.")
    if "CONFIRMED_DELIVERY_WINDOW" in transport.preconditions and shipment.window is None:
        raise bad("A delivery window must be confirmed before this transportation option.")
    if not shipment.boxes:
        raise bad("Packing information must be given for every shipment before its transportation option.")


def update_shipment_tracking_details(call: Call) -> Answer:
    """Say how to follow a shipment that the account's own carrier has."""
    details = call.checked_body()["trackingDetails"]
    plan = open_plan(call, "SHIPPED")
    shipment = _own_shipment(call, plan)
    if shipment.transport is None or shipment.transport.partnered:
        raise bad("Tracking details can be given for shipments whose confirmed carrier is the account's own.")
    name = "spdTrackingDetail" if shipment.transport.mode == PARCEL else "ltlTrackingDetail"
    if set(details) != {name}:
        raise bad(f"The shippingMode of the shipment needs {name}.")
    numbers = {box.number for box in shipment.boxes}
    given = details[name].get("spdTrackingItems", [])
    if any(one["boxId"] not in numbers for one in given) or (name.startswith("spd") and not given):
        raise bad("Every boxId must be of a box of the shipment.")

    return begin(call, plan, _tracked)


def _tracked(call: Call, plan: Plan) -> None:
    shipment, details = _own_shipment(call, plan), call.body["trackingDetails"]
    shipment.tracking = details
    if (given := details.get("spdTrackingDetail")) is not None:
        items = [{**one, "trackingNumberValidationStatus": "VALIDATED"} for one in given.get("spdTrackingItems", [])]
        shipment.tracking = {"spdTrackingDetail": {"spdTrackingItems": items}}
    if shipment.status != "SHIPPED":
        shipment.status = "SHIPPED"
        stock(call, plan, shipment.items, working=-1, shipped=1)
    if all(one.status == "SHIPPED" for one in plan.confirmed):
        plan.status = "SHIPPED"


# --- labels -----------------------------------------------------------------------------------------------------------


def create_marketplace_item_labels(call: Call) -> Answer:
    """Return where the labels for single pieces are: a PDF with a page for each."""
    asked = call.checked_body()
    marketplace = own(call, asked["marketplaceId"])
    printed = []
    for one in asked["mskuQuantities"]:
        listing = listed(call, marketplace, one["msku"])
        label = Label(fnsku(listing), (call.world.shelf.title(listing)[:60], "New"))
        printed += [label] * one["quantity"]
    size = labels.Size(asked.get("width", 66) / 25.4, asked.get("height", 60) / 25.4)
    uri = kept(call, labels.pdf(printed, size))
    expires = moment(call.world.now() + LABELS_S)
    return Answer({"documentDownloads": [{"uri": uri, "downloadType": "URL", "expiration": expires}]})


def kept(call: Call, file: bytes, *, life_s: int = LABELS_S) -> str:
    """Put a PDF into the storage, and return where it can be fetched for a while."""
    key = f"labels/{call.world.uuid()}"
    call.world.storage.objects[key] = Stored.of(file, labels.CONTENT_TYPES["PDF"])
    return call.world.storage.presign("GET", call.address, key, now=call.world.now(), life_s=life_s)


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    f"{API}.generate_placement_options": generate_placement_options,
    f"{API}.list_placement_options": list_placement_options,
    f"{API}.confirm_placement_option": confirm_placement_option,
    f"{API}.get_shipment": get_shipment,
    f"{API}.list_shipment_items": list_shipment_items,
    f"{API}.list_shipment_boxes": list_shipment_boxes,
    f"{API}.list_shipment_pallets": list_shipment_pallets,
    f"{API}.update_shipment_name": update_shipment_name,
    f"{API}.update_shipment_source_address": update_shipment_source_address,
    f"{API}.generate_delivery_window_options": generate_delivery_window_options,
    f"{API}.list_delivery_window_options": list_delivery_window_options,
    f"{API}.confirm_delivery_window_options": confirm_delivery_window_options,
    f"{API}.generate_transportation_options": generate_transportation_options,
    f"{API}.list_transportation_options": list_transportation_options,
    f"{API}.confirm_transportation_options": confirm_transportation_options,
    f"{API}.update_shipment_tracking_details": update_shipment_tracking_details,
    f"{API}.create_marketplace_item_labels": create_marketplace_item_labels,
}

ACTS: Mapping[str, Act] = {
    "generatePlacementOptions": _placement_offered,
    "confirmPlacementOption": _placement_confirmed,
    "updateShipmentSourceAddress": _moved,
    "generateDeliveryWindowOptions": _windows_offered,
    "confirmDeliveryWindowOptions": _window_confirmed,
    "generateTransportationOptions": _transport_offered,
    "confirmTransportationOptions": _transport_confirmed,
    "updateShipmentTrackingDetails": _tracked,
}
"""What each operation does when it ends."""
