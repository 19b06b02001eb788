"""External Fulfillment Inventory 2024-09-11 and Location 2026-07-30: what lies where, and places for the sandbox.

* A request of a batch is an address of its own, ``/inventory/fetch`` or ``/inventory/update``, with ``locationId`` and
  ``skuId``; whether it is sent as GET or POST makes no difference, as in Amazon's published cases.
* What the account's own location has of a SKU is what its listing in that marketplace says: an update changes it
  everywhere. Places of the sandbox have counts of their own, which begin with nothing.
* What is reserved is what shipments of that location wait for; what is sellable is the rest.
* An update with a sequence number that is not higher than the last one changes nothing.
* A location of the sandbox is for the channels that are asked for, or for both, and is the same for the same name.

Amazon offers this by invitation; here all sellers have it. Not known: the errors of a batch, but for a SKU that does
not exist; how Amazon refuses an old number (409 here); and whose location it is when several merchants are named (it is
the calling account's, for the first of them).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, get_args
from urllib.parse import parse_qs, urlsplit

from sellerport import regions
from sellerport.emulator import changes
from sellerport.emulator.call import Answer, Call, invalid, refused
from sellerport.emulator.external_book import Channel, Count, Location, location_id
from sellerport.emulator.shelf import Listing

MOST = 10
FETCH, UPDATE = "/inventory/fetch", "/inventory/update"
OPEN = ("ACCEPTED", "CONFIRMED", "PACKAGE_CREATED", "PICKUP_SLOT_RETRIEVED", "INVOICE_GENERATED", "SHIPLABEL_GENERATED")
"""The statuses of shipments that wait for their pieces."""
REASONS = {200: "Success", 400: "Invalid Input", 409: "Conflict"}


def batch_inventory(call: Call) -> Answer:
    """Say, or change, how many of SKUs there are at locations."""
    asked = call.body.get("requests") if isinstance(call.body, dict) else None
    if isinstance(asked, list) and len(asked) > MOST:
        raise refused(f"A batch may have up to {MOST} requests.", code="BATCH_SIZE_EXCEED")
    requests = call.checked_body().get("requests")
    if requests is None:
        raise invalid("requests must be given")
    return Answer({"responses": [_answer(call, one) for one in requests]}, 207)


def _answer(call: Call, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Answer one request of a batch."""
    parts, said = urlsplit(asked["uri"]), asked.get("body", {})
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    place_id, sku = query.get("locationId", ""), query.get("skuId", "")
    named = {"locationId": place_id, "skuId": sku}
    external = call.world.external_of(call.seller)
    place = external.locations.get(place_id)
    if parts.path not in (FETCH, UPDATE):
        return _told(400, named, "INVALID_URI", "The address is neither /inventory/fetch nor /inventory/update.")
    if place is None or not _is_of(place, said.get("marketplaceAttributes", {})):
        return _told(400, named, "INVALID_LOCATION", "There is no such location in this marketplace and channel.")
    listing = call.world.shelf.listing(call.seller, place.marketplace.id, sku)
    if listing is None or (place.name is None and listing.by_amazon):
        return _told(400, named, "INVALID_SKU", "There is no such SKU in this marketplace, or Amazon ships it.")
    before = external.counts.get((place.id, sku), Count(0))
    if parts.path == UPDATE:
        quantity, number = said.get("quantity"), said.get("clientSequenceNumber")
        if quantity is None or quantity < 0:
            return _told(400, named, "INVALID_QUANTITY", "quantity must be 0 or more.")
        if number is not None and before.number is not None and number <= before.number:
            return _told(409, named, "OLD_SEQUENCE_NUMBER", f"The last number was {before.number}.")
        before = Count(quantity, before.number if number is None else number)
        external.counts[place.id, sku] = before
        if place.name is None:
            _write(call, listing, quantity)
    there = _listed(call, place, sku) if place.name is None else before.quantity
    reserved = _reserved(call, place, sku)
    return _told(200, named) | {
        "body": {
            **named,
            **({} if before.number is None else {"clientSequenceNumber": before.number}),
            "sellableQuantity": max(there - reserved, 0),
            "reservedQuantity": reserved,
            "marketplaceAttributes": {"channelName": place.channel, "marketplaceId": place.marketplace.id},
            "actionableErrors": [],
        }
    }


def _told(status: int, named: Mapping[str, str], kind: str = "", why: str = "") -> dict[str, Any]:
    body = {**named, "actionableErrors": [{"errorType": kind, "errorSubType": why}]}
    return {"status": {"statusCode": status, "reasonPhrase": REASONS[status]}, "body": body}


def _is_of(place: Location, wanted: Mapping[str, str]) -> bool:
    channel, marketplace = wanted.get("channelName"), wanted.get("marketplaceId")
    return channel in (None, place.channel) and marketplace in (None, place.marketplace.id)


def _listed(call: Call, place: Location, sku: str) -> int:
    listing = call.world.shelf.listing(call.seller, place.marketplace.id, sku)
    return 0 if listing is None else listing.quantity


def _write(call: Call, known: Listing, quantity: int) -> None:
    """Let a listing say how many there are."""
    with changes.told(call.world, call.seller, known.marketplace, [known.sku]):
        listing = replace(known, updated=call.world.now())
        own = [{"fulfillment_channel_code": "DEFAULT", "quantity": quantity}]
        listing.attributes = {**known.attributes, "fulfillment_availability": own}
        call.world.shelf.add(listing)
        call.world.shelf.tell(listing)


def _reserved(call: Call, place: Location, sku: str) -> int:
    found, now = 0, call.world.now()
    for order, one in call.world.external_of(call.seller).every(call.account.orders if call.account else {}):
        if one.location == place.id and one.standing(order, now).status in OPEN:
            found += sum(item.quantity for item in order.items if item.sku == sku)
    return found


def create_sandbox_location(call: Call) -> Answer:
    """Make a place that orders come to in the sandbox."""
    asked = call.checked_body()
    marketplace = next((one for one in regions.MARKETPLACES if one.id == asked["marketplaceId"]), None)
    if call.account is None or marketplace not in call.account.marketplaces:
        raise invalid("marketplaceId must be a marketplace of the account")
    if not asked["merchantIds"]:
        raise invalid("merchantIds must name a merchant")
    external, made = call.world.external_of(call.seller), {}
    for channel in asked.get("channels") or get_args(Channel):
        words = call.seller, marketplace.country, channel, asked["locationName"]
        place = Location(location_id(*words), marketplace, channel, asked["merchantIds"][0], asked["locationName"])
        made[channel] = external.locations.setdefault(place.id, place).id
    return Answer({"locationIds": made})


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    "external_fulfillment_inventory_2024_09_11.batch_inventory": batch_inventory,
    "external_fulfillment_location_2026_07_30.create_sandbox_location": create_sandbox_location,
}
