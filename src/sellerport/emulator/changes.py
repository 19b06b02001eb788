"""What changes on the shelf and among orders, and who hears of it.

Whatever touches listings or stock does so inside `told`, which looks before and after, and tells what is different:

* how a listing stands (``LISTINGS_ITEM_STATUS_CHANGE``, ``…_ISSUES_CHANGE``, ``…_MFN_QUANTITY_CHANGE``);
* what an item is and says (``ITEM_PRODUCT_TYPE_CHANGE``, ``BRANDED_ITEM_CONTENT_CHANGE``), to whom its facts are from;
* what is offered of it (``ANY_OFFER_CHANGED``, ``B2B_ANY_OFFER_CHANGED``), to every seller that lists it, once for each
  condition whose twenty cheapest offers are not the same as before;
* what Amazon has of a SKU (``FBA_INVENTORY_AVAILABILITY_CHANGES``).

Where nobody subscribed, nothing is looked at. Not told, since nothing here knows when they happen: changes of an
account's status, of prices elsewhere, of fees, and the hourly figures of vendors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sellerport.emulator import payloads
from sellerport.emulator.grants import written
from sellerport.emulator.issues import findings
from sellerport.emulator.offers import Offer, offers
from sellerport.emulator.outbound_orders import Outgoing
from sellerport.emulator.shelf import Attributes, Listing, Shelf, Stock, network, pending
from sellerport.regions import Marketplace

if TYPE_CHECKING:
    from sellerport.emulator.world import World

STATUS, ISSUES = "LISTINGS_ITEM_STATUS_CHANGE", "LISTINGS_ITEM_ISSUES_CHANGE"
QUANTITY, STOCK = "LISTINGS_ITEM_MFN_QUANTITY_CHANGE", "FBA_INVENTORY_AVAILABILITY_CHANGES"
PRODUCT_TYPE, CONTENT = "ITEM_PRODUCT_TYPE_CHANGE", "BRANDED_ITEM_CONTENT_CHANGE"
OFFERS: Mapping[str, tuple[bool, Callable[[str, Any, str, Sequence[Offer], float], dict[str, Any]]]] = {
    "ANY_OFFER_CHANGED": (False, payloads.offers_changed),
    "B2B_ANY_OFFER_CHANGED": (True, payloads.business_offers_changed),
}
"""Whether offers are those to businesses, and what is told of them."""
TYPES = frozenset({STATUS, ISSUES, QUANTITY, STOCK, PRODUCT_TYPE, CONTENT, *OFFERS})


@dataclass(frozen=True)
class _Seen:
    """A listing as it stood."""

    listing: Listing
    statuses: list[str]
    issues: tuple[list[str], list[str]]
    quantity: int | None
    """None where Amazon ships it."""
    product_type: str = ""
    facts: Attributes | None = None
    """What its item says; None without one."""


@dataclass(frozen=True)
class _Picture:
    """Some SKUs of an account in all marketplaces of one network, as they stood."""

    listings: dict[tuple[str, str], _Seen]
    stocks: dict[str, Stock]
    offered: dict[tuple[str, str, bool], list[Offer]]
    """By marketplace id, ASIN, and whether to businesses."""


@contextmanager
def told(world: World, seller: str, marketplace: Marketplace, skus: Iterable[str]) -> Iterator[None]:
    """Tell all who subscribed what becomes different, in here, of an account's SKUs where one network serves them."""
    if not world.subscriptions.types & TYPES:
        yield
        return
    shops = [one for one in world.account(seller).marketplaces if network(one) == network(marketplace)]
    names = [*skus]
    before = _picture(world, seller, shops, names)
    yield
    after = _picture(world, seller, shops, names)
    for key in dict.fromkeys([*before.listings, *after.listings]):
        _tell_listing(world, seller, before.listings.get(key), after.listings.get(key))
    for offered in dict.fromkeys([*before.offered, *after.offered]):
        _tell_offers(world, seller, names, offered, before.offered.get(offered), after.offered.get(offered))
    for sku in names:
        if replace(before.stocks[sku], updated=0) != replace(after.stocks[sku], updated=0):
            _tell_stock(world, seller, shops, sku, after.stocks[sku])


def _picture(world: World, seller: str, shops: Sequence[Marketplace], skus: Sequence[str]) -> _Picture:
    shelf = world.shelf
    listed = [one for shop in shops for sku in skus if (one := shelf.listing(seller, shop.id, sku))]
    items = {(one.marketplace.id, one.asin): item for one in listed if (item := shelf.item(one))}
    kinds = [business for type, (business, _) in OFFERS.items() if type in world.subscriptions.types]
    return _Picture(
        {(one.marketplace.id, one.sku): _seen(shelf, one) for one in listed},
        {sku: replace(shelf.stock(seller, shops[0], sku)) for sku in skus},
        {
            (item.marketplace.id, item.asin, business): offers(shelf, item, business=business)
            for item in items.values()
            for business in kinds
        },
    )


def _seen(shelf: Shelf, listing: Listing) -> _Seen:
    states = {"BUYABLE": shelf.buyable(listing), "DISCOVERABLE": shelf.discoverable(listing)}
    issues, item = findings(shelf, listing), shelf.item(listing)
    severities = sorted({issue["severity"] for issue in issues}) or ["NONE"]
    actions = {one["action"] for issue in issues for one in issue.get("enforcements", {}).get("actions", ())}
    return _Seen(
        listing,
        [name for name, on in states.items() if on],
        (severities, sorted(actions)),
        None if listing.by_amazon else listing.quantity,
        item.maker.product_type if item else "",
        item.facts if item else None,
    )


def _tell_listing(world: World, seller: str, before: _Seen | None, after: _Seen | None) -> None:
    if after is None:
        if before is not None:
            world.notify(seller, STATUS, payloads.of_listing(before.listing, Status=["DELETED"]))
        return
    listing = after.listing
    if before is None or after.statuses != before.statuses:
        more = {"CreatedDate": written(listing.created), "Status": after.statuses}
        world.notify(seller, STATUS, payloads.of_listing(listing, **more))
    if after.issues != (before.issues if before else (["NONE"], [])):
        severities, actions = after.issues
        more = {"Severities": severities, "EnforcementActions": actions}
        world.notify(seller, ISSUES, payloads.of_listing(listing, **more))
    if after.quantity is not None and (before is None or after.quantity != before.quantity):
        world.notify(seller, QUANTITY, payloads.quantity_changed(listing))
    item = world.shelf.item(listing)
    if item is None or before is None or before.facts is None or after.facts is None:
        return
    if after.product_type != before.product_type:
        world.notify(item.maker.seller, PRODUCT_TYPE, payloads.type_changed(item, before.product_type))
    names = before.facts | after.facts
    changed = sorted(name for name in names if before.facts.get(name) != after.facts.get(name))
    if changed:
        world.notify(item.maker.seller, CONTENT, payloads.content_changed(item, changed))


def _tell_offers(
    world: World,
    seller: str,
    skus: Sequence[str],
    key: tuple[str, str, bool],
    before: list[Offer] | None,
    after: list[Offer] | None,
) -> None:
    shop, asin, business = key
    item = world.shelf.items[shop, asin]
    now = offers(world.shelf, item, business=business) if after is None else after
    # what was not looked at before had all offers but those of these SKUs
    then = [one for one in now if one.seller != seller or one.sku not in skus] if before is None else before
    type, say = next((type, say) for type, (one, say) in OFFERS.items() if one == business)
    sellers = {one.seller for one in world.shelf.offered(shop, asin) if not one.vendor}
    for condition in dict.fromkeys(one.condition for one in [*now, *then]):
        if payloads.top(now, condition) != payloads.top(then, condition):
            for each in sorted(sellers):
                world.notify(each, type, say(each, item, condition, now, world.now()))


def _tell_stock(world: World, seller: str, shops: Sequence[Marketplace], sku: str, stock: Stock) -> None:
    listed = [one for shop in shops if (one := world.shelf.listing(seller, shop.id, sku)) and one.by_amazon]
    if listed:
        elsewhere = [one for one in world.outbound.orders.values() if one.seller == seller]
        ordered = pending(world.account(seller).orders.values(), shops[0], elsewhere)[sku]
        title, trades = world.shelf.title(listed[0]), [one.marketplace for one in listed]
        world.notify(seller, STOCK, payloads.stock_changed(listed[0], title, trades, stock, ordered))


# --- orders from elsewhere --------------------------------------------------------------------------------------------


def put_back(world: World, order: Outgoing, pieces: Mapping[str, int]) -> None:
    """Give reserved stock back; fewer than none reserves it."""
    with told(world, order.seller, order.marketplace, pieces):
        for sku, quantity in pieces.items():
            stock = world.shelf.stock(order.seller, order.marketplace, sku)
            stock.fulfillable += quantity
            stock.updated = world.now()


def tell_outgoing(world: World, order: Outgoing) -> None:
    """Tell what an order from elsewhere has become, and its shipments with it."""
    for one in (None, *order.shipments):
        world.notify(order.seller, "FULFILLMENT_ORDER_STATUS", payloads.outgoing_changed(order, one))
