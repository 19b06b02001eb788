"""Fulfillment Inbound v0: the shipments of `inbound_shipments`, by the number on their labels, and those labels.

A shipment is known here once it is known who carries it. Prep instructions have no state, and are invented.

Not known: how many labels each page type has; here every label is a page of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sellerport.emulator import labels, page_tokens, pages
from sellerport.emulator.call import Answer, Call, invalid, missing
from sellerport.emulator.inbound import fnsku
from sellerport.emulator.inbound_plans import Plan, Shipment, counted
from sellerport.emulator.inbound_shipments import PALLET, kept
from sellerport.emulator.labels import A4, LABEL, LETTER, Label

API = "fulfillment_inbound_v0"
PAGE = 50


def get_labels(call: Call) -> Answer:
    """Return where the labels of a shipment's boxes or pallets are; with them it is ready to be shipped."""
    plan, shipment = _known(call, call.path["shipmentId"])
    pallets = call.one("LabelType") == "PALLET"
    numbers = [f"{shipment.number}P{place:03d}" for place in range(1, len(shipment.pallets) + 1)]
    if not pallets:
        numbers = [box.number or "" for box in shipment.boxes]
    wanted = call.many("PackageLabelsToPrint") or numbers
    if unknown := [one for one in wanted if one not in numbers]:
        raise invalid(f"PackageLabelsToPrint: {unknown[0]} is none of the shipment's")
    start, size = _bounds(call, len(wanted))
    shown = wanted[start : start + size]
    if not shown:
        raise invalid("The shipment has no such labels")
    lines = (shipment.name, f"FBA {shipment.warehouse}", plan.source["name"], plan.source["city"])
    type = call.one("PageType") or ""
    paper = LABEL if "Thermal" in type else A4 if "A4" in type else LETTER
    file = labels.pdf([Label(one, lines) for one in shown], paper)
    if shipment.status == "WORKING":
        shipment.status, plan.updated = "READY_TO_SHIP", call.world.now()
    return Answer({"payload": {"DownloadURL": kept(call, file)}})


def _bounds(call: Call, most: int) -> tuple[int, int]:
    start = call.one("PageStartIndex") or "0"
    if not start.isascii() or not start.isdecimal():
        raise invalid("PageStartIndex must be a number")
    return int(start), call.size("PageSize", most=1000, default=max(most, 1))


def get_bill_of_lading(call: Call) -> Answer:
    """Return where the bill of lading is, of a shipment on pallets that Amazon's partner carries."""
    _, shipment = _known(call, call.path["shipmentId"])
    if shipment.transport is None or not shipment.transport.partnered or shipment.transport.mode != PALLET:
        raise invalid("A bill of lading is there for pallets that are carried by Amazon's partner")
    lines = ("Bill of lading", shipment.name, f"{len(shipment.pallets)} pallets", shipment.warehouse)
    file = labels.pdf([Label(shipment.number or "", lines)], LETTER)
    return Answer({"payload": {"DownloadURL": kept(call, file)}})


def get_shipments(call: Call) -> Answer:
    """List shipments by id and status, or by when they changed."""
    kind, ids, statuses = call.one("QueryType"), call.many("ShipmentIdList"), call.many("ShipmentStatusList")
    if kind == "SHIPMENT" and not ids and not statuses:
        raise invalid("ShipmentIdList or ShipmentStatusList must be given with QueryType SHIPMENT")
    return _listed(
        call,
        "ShipmentData",
        lambda: [
            _shipment(one)
            for _, one in _changed(call)
            if (not ids or one.number in ids) and (not statuses or one.status in statuses)
        ],
    )


def get_shipment_items_by_shipment_id(call: Call) -> Answer:
    """List what is in a shipment."""
    return Answer({"payload": {"ItemData": _items(call, *_known(call, call.path["shipmentId"]))}})


def get_shipment_items(call: Call) -> Answer:
    """List what is in the shipments that changed."""
    return _listed(call, "ItemData", lambda: [item for found in _changed(call) for item in _items(call, *found)])


def _listed(call: Call, name: str, search: Callable[[], list[dict[str, Any]]]) -> Answer:
    """Answer with one page, of the search or of the token that is given."""
    kind, token = call.one("QueryType"), call.one("NextToken")
    if kind == "NEXT_TOKEN":
        found = page_tokens.redeem(call, token or "", name="NextToken")
        if not isinstance(found, list):  # of a list that was planned to have pages
            return pages.answer(call)
    elif kind == "DATE_RANGE" and not (call.one("LastUpdatedAfter") and call.one("LastUpdatedBefore")):
        raise invalid("LastUpdatedAfter and LastUpdatedBefore must be given with QueryType DATE_RANGE")
    else:
        found = search()
    rest = found[PAGE:]
    more = {"NextToken": page_tokens.issue(call, rest)} if rest else {}
    return Answer({"payload": {name: found[:PAGE], **more}})


def _changed(call: Call) -> list[tuple[Plan, Shipment]]:
    """Return the shipments of a marketplace that changed in the time asked for."""
    after, before = call.time("LastUpdatedAfter"), call.time("LastUpdatedBefore")
    return [
        (plan, shipment)
        for (seller, _), plan in call.world.inbound.plans.items()
        for shipment in plan.confirmed
        if seller == call.seller
        and shipment.number
        and plan.marketplace.id == call.one("MarketplaceId")
        and (after is None or plan.updated >= after)
        and (before is None or plan.updated <= before)
    ]


def _known(call: Call, number: str) -> tuple[Plan, Shipment]:
    found = call.world.inbound.shipment(call.seller, number)
    if found is None:
        raise missing(f"Shipment {number} was not found")
    return found


def _shipment(one: Shipment) -> dict[str, Any]:
    source = one.source
    address = {
        "Name": source["name"],
        "AddressLine1": source["addressLine1"],
        "City": source["city"],
        "StateOrProvinceCode": source.get("stateOrProvinceCode", ""),
        "CountryCode": source["countryCode"],
        "PostalCode": source["postalCode"],
    }
    return {
        "ShipmentId": one.number,
        "ShipmentName": one.name,
        "ShipFromAddress": address,
        "DestinationFulfillmentCenterId": one.warehouse,
        # this version lets one ask for what is READY_TO_SHIP, but has no such status to answer with
        "ShipmentStatus": "WORKING" if one.status == "READY_TO_SHIP" else one.status,
        "LabelPrepType": "SELLER_LABEL",
        "AreCasesRequired": False,
        "BoxContentsSource": "INTERACTIVE",
    }


def _items(call: Call, plan: Plan, shipment: Shipment) -> list[dict[str, Any]]:
    found = []
    for sku, quantity in counted(shipment.items).items():
        listing = call.world.shelf.listing(call.seller, plan.marketplace.id, sku)
        found.append(
            {
                "ShipmentId": shipment.number,
                "SellerSKU": sku,
                "FulfillmentNetworkSKU": fnsku(listing),
                "QuantityShipped": quantity,
                "QuantityReceived": 0,
            }
        )
    return found


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    f"{API}.get_labels": get_labels,
    f"{API}.get_bill_of_lading": get_bill_of_lading,
    f"{API}.get_shipments": get_shipments,
    f"{API}.get_shipment_items_by_shipment_id": get_shipment_items_by_shipment_id,
    f"{API}.get_shipment_items": get_shipment_items,
}
