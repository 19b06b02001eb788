"""FBA Inventory v1: what Amazon has of an account's SKUs, and the sandbox's own way to get some.

* What customers ordered and Amazon has not sent yet is counted from the orders, those from elsewhere too (see
  `outbound`), and is no longer fulfillable.
* Stock is that of a network of warehouses (see `shelf`), so that the marketplaces of the European Union show the same.
* Making, filling and deleting items is for the sandbox, at Amazon; here it is the same inventory on every host.

Not known: what Amazon says to an item that is made twice, or that is filled and does not exist (400 and 404 here).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sellerport.emulator import changes, outbound, page_tokens
from sellerport.emulator.assortment import GENERIC
from sellerport.emulator.call import Answer, Call, invalid, missing, moment
from sellerport.emulator.shelf import CHANNELS, Listing, Stock, Waiting, pending
from sellerport.emulator.shop import LANGUAGES
from sellerport.regions import MARKETPLACES, Marketplace

PAGE = 50
MOST_SKUS = 50
TOKEN_LIFE_S = 30
KEPT_S = 18 * 30 * 86_400
CONDITIONS = {
    "new_new": "NewItem", "new_open_box": "NewOpenBox", "new_oem": "NewOEM", "refurbished_refurbished": "Refurbished",
    "used_like_new": "UsedLikeNew", "used_very_good": "UsedVeryGood", "used_good": "UsedGood",
    "used_acceptable": "UsedAcceptable", "collectible_like_new": "CollectibleLikeNew",
    "collectible_very_good": "CollectibleVeryGood", "collectible_good": "CollectibleGood",
    "collectible_acceptable": "CollectibleAcceptable", "club_club": "Club",
}  # fmt: skip
SHOPS = {shop.id: shop for shop in MARKETPLACES}


def get_inventory_summaries(call: Call) -> Answer:
    """List what Amazon has of each SKU, fifty to a page; with details, where each piece is."""
    if call.one("granularityType") != "Marketplace":
        raise invalid("granularityType must be Marketplace")
    ids, granularity = call.many("marketplaceIds"), SHOPS.get(call.one("granularityId") or "")
    if len(ids) != 1 or granularity is None:
        raise invalid("marketplaceIds and granularityId must each be one marketplace")
    detailed = (call.one("details") or "false").lower() == "true"
    token = call.one("nextToken")
    arguments = {name: call.many(name) for name in call.query if name != "nextToken"}
    if center := call.world.centers.get(call.seller):
        center.settle(call.world.shelf, call.world.now())
    waiting = waiting_at(call, granularity)
    if token is None:
        skus = [one.sku for one in _wanted(call, ids[0], granularity, waiting)]
    else:
        skus = page_tokens.redeem(call, token, name="nextToken", arguments=arguments)
    shown, rest = skus[:PAGE], skus[PAGE:]
    held = [one for sku in shown if (one := call.world.shelf.listing(call.seller, ids[0], sku))]
    body: dict[str, Any] = {
        "payload": {
            "granularity": {"granularityType": "Marketplace", "granularityId": granularity.id},
            "inventorySummaries": [_summary(call, one, granularity, waiting, detailed=detailed) for one in held],
        }
    }
    if rest:
        next_token = page_tokens.issue(call, rest, arguments=arguments, life_s=TOKEN_LIFE_S)
        body["pagination"] = {"nextToken": next_token}
    return Answer(body)


def waiting_at(call: Call, marketplace: Marketplace) -> dict[str, Waiting]:
    """Return what waits of each SKU of the account, in the network of warehouses that serves a marketplace."""
    return pending(call.account.orders.values() if call.account else (), marketplace, outbound.every(call))


def _wanted(call: Call, shop: str, granularity: Marketplace, waiting: Mapping[str, Waiting]) -> list[Listing]:
    """Return the listings that Amazon ships, by SKU; a date comes before SKUs, and several SKUs before one."""
    since, many, one = call.time("startDateTime"), call.many("sellerSkus"), call.one("sellerSku")
    if since is not None and since < call.world.now() - KEPT_S:
        raise invalid("startDateTime must not be more than 18 months ago")
    if len(many) > MOST_SKUS:
        raise invalid(f"sellerSkus must be at most {MOST_SKUS}")
    listings = (each for each in call.world.shelf.listings(call.seller, [shop]) if each.by_amazon)
    found = sorted(listings, key=lambda each: each.sku)
    if since is not None:
        return [each for each in found if _changed(call, each, granularity, waiting) >= since]
    skus = many or ([one] if one else None)
    return found if skus is None else [each for each in found if each.sku in skus]


def _changed(call: Call, listing: Listing, granularity: Marketplace, waiting: Mapping[str, Waiting]) -> float:
    ordered = waiting.get(listing.sku, Waiting()).updated
    return max(call.world.shelf.stock(call.seller, granularity, listing.sku).updated, ordered) or listing.created


def _summary(
    call: Call, listing: Listing, granularity: Marketplace, waiting: Mapping[str, Waiting], *, detailed: bool
) -> dict[str, Any]:
    stock = call.world.shelf.stock(call.seller, granularity, listing.sku)
    ordered = waiting.get(listing.sku, Waiting()).quantity
    changed = int(_changed(call, listing, granularity, waiting))
    return {
        **({"asin": listing.asin} if listing.asin else {}),
        "fnSku": listing.fnsku,
        "sellerSku": listing.sku,
        "condition": CONDITIONS[listing.condition],
        **({"inventoryDetails": _details(stock, ordered)} if detailed else {}),
        "lastUpdatedTime": moment(changed),
        "productName": call.world.shelf.title(listing),
        "totalQuantity": total(stock, ordered),
        "stores": [],
    }


def total(stock: Stock, ordered: int) -> int:
    """Return how many pieces there are, or are on their way."""
    moving = stock.inbound_shipped + stock.inbound_receiving + stock.transshipment + stock.fc_processing
    # what a seller only plans to send is not yet Amazon's
    return stock.fulfillable + stock.unfulfillable + stock.researching + moving + ordered


def _details(stock: Stock, ordered: int) -> dict[str, Any]:
    terms = ("ShortTerm", "MidTerm", "LongTerm")
    return {
        "fulfillableQuantity": stock.fulfillable,
        "inboundWorkingQuantity": stock.inbound_working,
        "inboundShippedQuantity": stock.inbound_shipped,
        "inboundReceivingQuantity": stock.inbound_receiving,
        "reservedQuantity": {
            "totalReservedQuantity": ordered + stock.transshipment + stock.fc_processing,
            "pendingCustomerOrderQuantity": ordered,
            "pendingTransshipmentQuantity": stock.transshipment,
            "fcProcessingQuantity": stock.fc_processing,
        },
        "researchingQuantity": {
            "totalResearchingQuantity": stock.researching,
            "researchingQuantityBreakdown": [
                {"name": f"researchingQuantityIn{term}", "quantity": 0 if place else stock.researching}
                for place, term in enumerate(terms)
            ],
        },
        "unfulfillableQuantity": {
            "totalUnfulfillableQuantity": stock.unfulfillable,
            "customerDamagedQuantity": stock.customer_damaged,
            "warehouseDamagedQuantity": stock.warehouse_damaged,
            "distributorDamagedQuantity": 0,
            "carrierDamagedQuantity": 0,
            "defectiveQuantity": 0,
            "expiredQuantity": 0,
        },
    }


# --- the sandbox's own ------------------------------------------------------------------------------------------------


def create_inventory_item(call: Call) -> Answer:
    """Make a SKU that Amazon ships, of which it has nothing yet."""
    asked, shelf, now = call.checked_body(), call.world.shelf, call.world.now()
    shop, sku = _own(call, asked["marketplaceId"]), asked["sellerSku"]
    if shelf.listing(call.seller, shop.id, sku):
        raise invalid(f"sellerSku {sku} exists already")
    listing = Listing(call.seller, shop, sku, None, GENERIC, now, now)
    said = {"language_tag": LANGUAGES[shop.country], "marketplace_id": shop.id}
    listing.attributes = {
        "item_name": [{"value": asked["productName"], **said}],
        "fulfillment_availability": [{"fulfillment_channel_code": CHANNELS[shop.region]}],
    }
    with changes.told(call.world, call.seller, shop, [sku]):
        shelf.add(listing)
        shelf.stock(call.seller, shop, sku).updated = now
    return Answer({})


def add_inventory(call: Call) -> Answer:
    """Add pieces; the same idempotency token a second time adds nothing."""
    wanted = []
    for one in call.checked_body().get("inventoryItems", ()):
        listing = _held(call, _own(call, one["marketplaceId"]), one["sellerSku"])
        if one["quantity"] < 0:
            raise invalid("quantity must not be negative")
        wanted.append((listing, one["quantity"]))
    once = call.seller, call.headers["x-amzn-idempotency-token"]
    if once not in call.world.shelf.added:
        call.world.shelf.added.add(once)
        for listing, quantity in wanted:
            with changes.told(call.world, call.seller, listing.marketplace, [listing.sku]):
                stock = call.world.shelf.stock(call.seller, listing.marketplace, listing.sku)
                stock.fulfillable += quantity
                stock.updated = call.world.now()
    return Answer({})


def delete_inventory_item(call: Call) -> Answer:
    """Delete a SKU that Amazon ships, with all that it has of it."""
    shop = _own(call, call.one("marketplaceId") or "")
    listing = _held(call, shop, call.path["sellerSku"])
    with changes.told(call.world, call.seller, shop, [listing.sku]):
        call.world.shelf.delist(listing)
        call.world.shelf.discard(call.seller, shop, listing.sku)
    return Answer({})


def _own(call: Call, id: str) -> Marketplace:
    shop = next((one for one in (call.account.marketplaces if call.account else ()) if one.id == id), None)
    if shop is None:
        raise invalid(f"marketplaceId {id} is none of the account's")
    return shop


def _held(call: Call, shop: Marketplace, sku: str) -> Listing:
    listing = call.world.shelf.listing(call.seller, shop.id, sku)
    if listing is None or not listing.by_amazon:
        raise missing(f"sellerSku {sku} was not found")
    return listing


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    "fba_inventory_v1.get_inventory_summaries": get_inventory_summaries,
    "fba_inventory_v1.create_inventory_item": create_inventory_item,
    "fba_inventory_v1.add_inventory": add_inventory,
    "fba_inventory_v1.delete_inventory_item": delete_inventory_item,
}
