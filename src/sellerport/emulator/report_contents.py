"""What stands in reports: listings, stock and orders of the account, in the columns, formats and charsets of Amazon.

Four kinds of report have their own content, in the variants that Amazon has of them; every other is a small table.
Flat files are not quoted, and a quotation mark in them is a character like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

import msgspec

from sellerport.emulator import inventory
from sellerport.emulator.call import Call, unix_seconds
from sellerport.emulator.documents import Content
from sellerport.emulator.jobs import Job
from sellerport.emulator.order_book import Timeline
from sellerport.emulator.shelf import CHANNELS, Listing, price, steady
from sellerport.emulator.shop import Item, Order
from sellerport.regions import Marketplace, marketplace

Columns = Mapping[str, Callable[[Order, Item], object]]

NOTES = {
    "JP": "「手仕事」 ①番人気の逸品",  # ① is in Windows-31J only, which Amazon and browsers call Shift_JIS
    "DE": '"Handgemacht" für Küche und Garten',
    "GB": '"Handmade", from £8 a piece',
    "FR": '"Fait main", idéal pour la forêt',
}
PLAIN_NOTE = '"Handmade" in small lots, ½ of them gifts'


def make(call: Call, job: Job) -> Content | None:
    """Return what is in a report; None where there is nothing to report, which Amazon cancels."""
    return CONTENTS.get(job.type, _table)(call, job)


def sold(call: Call, asked: Mapping[str, Any]) -> list[Order]:
    """Return the account's orders of the marketplaces and the span of time that were asked for, by their creation."""
    assert call.account is not None
    return _asked_for(call.account.orders.by_creation, asked)


def _changed(call: Call, asked: Mapping[str, Any]) -> list[Order]:
    """Return the same by their last change."""
    assert call.account is not None
    return _asked_for(call.account.orders.by_update, asked)


def _asked_for(orders: Timeline[Order], asked: Mapping[str, Any]) -> list[Order]:
    marketplaces = asked.get("marketplaceIds")
    return [one for one in orders.between(*span(asked)) if not marketplaces or one.marketplace.id in marketplaces]


def span(asked: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Return the span of time that a report is asked for, in unix seconds.

    Raises:
        AmazonRefused: an end of it is no date.
    """
    after, before = (
        None if asked.get(name) is None else unix_seconds(asked[name], name)
        for name in ("dataStartTime", "dataEndTime")
    )
    return after, before


def _home(job: Job) -> Marketplace:
    return marketplace(job.asked["marketplaceIds"][0])


# --- flat files -------------------------------------------------------------------------------------------------------


def charset(shop: Marketplace) -> tuple[str, str]:
    """Return what the storage says of a marketplace's flat files, and what Python calls it."""
    if shop.country == "JP":
        return "Shift_JIS", "cp932"
    return ("ISO-8859-1", "latin-1") if shop.region == "eu" else ("UTF-8", "utf-8")


def _flat(shop: Marketplace, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Content:
    said, codec = charset(shop)
    lines = ["\t".join(columns), *("\t".join("" if cell is None else str(cell) for cell in row) for row in rows)]
    body = "".join(f"{line}\r\n" for line in lines).encode(codec, "replace")
    return Content(body, f"text/plain;charset={said}")


LISTINGS = (
    "item-name", "item-description", "listing-id", "seller-sku", "price", "quantity", "open-date", "product-id-type",
    "item-condition", "asin1", "product-id", "pending-quantity", "fulfillment-channel", "status",
)  # fmt: skip
ITEM_CONDITIONS = {
    "used_like_new": 1, "used_very_good": 2, "used_good": 3, "used_acceptable": 4, "collectible_like_new": 5,
    "collectible_very_good": 6, "collectible_good": 7, "collectible_acceptable": 8, "refurbished_refurbished": 10,
}  # fmt: skip
"""What flat files call a condition; everything else is 11, which is new."""


def _listed(call: Call, job: Job) -> list[dict[str, object]]:
    """Return the account's listings in a marketplace, as flat files have them; what holds variations is none."""
    shop, shelf = _home(job), call.world.shelf
    found: list[dict[str, object]] = []
    for listing in shelf.listings(call.seller, [shop.id]):
        if listing.is_parent:
            continue
        status = "Incomplete" if listing.asin is None else "Active" if shelf.buyable(listing) else "Inactive"
        row = (
            shelf.title(listing),
            NOTES.get(shop.country, PLAIN_NOTE),
            f"{steady(listing.seller, listing.sku, shop.id, most=16**8):010X}",
            listing.sku,
            price(listing.attributes),
            None if listing.by_amazon else listing.quantity,
            f"{datetime.fromtimestamp(int(listing.created), UTC):%Y-%m-%d %H:%M:%S} UTC",
            1,
            ITEM_CONDITIONS.get(listing.condition, 11),
            listing.asin,
            listing.asin,
            0,
            CHANNELS[shop.region] if listing.by_amazon else "DEFAULT",
            status,
        )
        found.append(dict(zip(LISTINGS, row, strict=True)))
    return found


def _listings(call: Call, job: Job) -> Content:
    return _flat(_home(job), LISTINGS, [list(row.values()) for row in _listed(call, job)])


def _active_listings(call: Call, job: Job) -> Content:
    kept = [row for row in _listed(call, job) if row["status"] == "Active"]
    return _flat(_home(job), LISTINGS, [list(row.values()) for row in kept])


def _inactive_listings(call: Call, job: Job) -> Content:
    kept = [row for row in _listed(call, job) if row["status"] == "Inactive"]
    return _flat(_home(job), LISTINGS, [list(row.values()) for row in kept])


def _open_listings(call: Call, job: Job) -> Content:
    kept = [row for row in _listed(call, job) if row["status"] == "Active"]
    columns = ("seller-sku", "asin1", "price", "quantity")
    return _flat(_home(job), ("sku", "asin", "price", "quantity"), [[row[name] for name in columns] for row in kept])


MANAGED = (
    "sku", "fnsku", "asin", "product-name", "condition", "your-price", "mfn-listing-exists",
    "mfn-fulfillable-quantity", "afn-listing-exists", "afn-warehouse-quantity", "afn-fulfillable-quantity",
    "afn-unsellable-quantity", "afn-reserved-quantity", "afn-total-quantity", "per-unit-volume",
    "afn-inbound-working-quantity", "afn-inbound-shipped-quantity", "afn-inbound-receiving-quantity",
    "afn-researching-quantity",
)  # fmt: skip


def _managed_inventory(call: Call, job: Job) -> Content:
    """What Amazon has of each SKU that it ships, as `inventory` counts it."""
    shop, rows = _home(job), []
    waiting = inventory.waiting_at(call, shop)
    for listing in _shipped_by_amazon(call, shop):
        stock = call.world.shelf.stock(call.seller, shop, listing.sku)
        ordered = waiting[listing.sku].quantity
        reserved = ordered + stock.transshipment + stock.fc_processing
        rows.append(
            (
                listing.sku,
                listing.fnsku,
                listing.asin,
                call.world.shelf.title(listing),
                "New" if listing.condition == "new_new" else listing.condition,
                price(listing.attributes),
                "Yes" if listing.quantity else "No",
                listing.quantity or None,
                "Yes",
                stock.fulfillable + stock.unfulfillable + reserved,
                stock.fulfillable,
                stock.unfulfillable,
                reserved,
                inventory.total(stock, ordered),
                "0.01",
                stock.inbound_working,
                stock.inbound_shipped,
                stock.inbound_receiving,
                stock.researching,
            )
        )
    return _flat(shop, MANAGED, rows)


def _amazon_fulfilled_inventory(call: Call, job: Job) -> Content:
    shop, rows = _home(job), []
    for listing in _shipped_by_amazon(call, shop):
        stock = call.world.shelf.stock(call.seller, shop, listing.sku)
        for state, quantity in (("SELLABLE", stock.fulfillable), ("UNSELLABLE", stock.unfulfillable)):
            rows.append((listing.sku, listing.fnsku, listing.asin, "NewItem", state, quantity))
    columns = (
        "seller-sku", "fulfillment-channel-sku", "asin", "condition-type", "Warehouse-Condition-code",
        "Quantity Available",
    )  # fmt: skip
    return _flat(shop, columns, rows)


def _shipped_by_amazon(call: Call, shop: Marketplace) -> list[Listing]:
    return [one for one in call.world.shelf.listings(call.seller, [shop.id]) if one.by_amazon]


def _time(when: int) -> str:
    return f"{datetime.fromtimestamp(when, UTC):%Y-%m-%dT%H:%M:%S+00:00}"


def _priced(of: Callable[[Order, Item], Decimal]) -> Callable[[Order, Item], object]:
    return lambda order, item: of(order, item) if order.priced else None


def _shipping(order: Order, item: Item) -> Decimal:
    return order.shipping if item is order.items[0] else Decimal(0)


ALL_ORDERS: Columns = {
    "amazon-order-id": lambda order, item: order.id,
    "merchant-order-id": lambda order, item: order.id,
    "purchase-date": lambda order, item: _time(order.created),
    "last-updated-date": lambda order, item: _time(order.updated),
    "order-status": lambda order, item: "Cancelled" if order.status == "Canceled" else order.status,
    "fulfillment-channel": lambda order, item: "Amazon" if order.channel == "AFN" else "Merchant",
    "sales-channel": lambda order, item: order.marketplace.domain.capitalize(),
    "ship-service-level": lambda order, item: "Expedited" if order.expedited else "Standard",
    "product-name": lambda order, item: item.title,
    "sku": lambda order, item: item.sku,
    "asin": lambda order, item: item.asin,
    "quantity": lambda order, item: 0 if order.status == "Canceled" else item.quantity,
    "currency": lambda order, item: order.marketplace.currency if order.priced else None,
    "item-price": _priced(lambda order, item: item.price),
    "item-tax": _priced(lambda order, item: item.tax),
    "shipping-price": _priced(_shipping),
    "ship-city": lambda order, item: order.address.city if order.priced else None,
    "ship-state": lambda order, item: order.address.state if order.priced else None,
    "ship-postal-code": lambda order, item: order.address.postal_code if order.priced else None,
    "ship-country": lambda order, item: order.address.country if order.priced else None,
    "is-business-order": lambda order, item: str(order.business).lower(),
}

TO_SHIP: Columns = {
    "order-id": lambda order, item: order.id,
    "order-item-id": lambda order, item: item.id,
    "purchase-date": lambda order, item: _time(order.created),
    "payments-date": lambda order, item: _time(order.created),
    "buyer-email": lambda order, item: order.email,
    "buyer-name": lambda order, item: order.address.name,
    "buyer-phone-number": lambda order, item: order.address.phone,
    "sku": lambda order, item: item.sku,
    "product-name": lambda order, item: item.title,
    "quantity-purchased": lambda order, item: item.quantity,
    "currency": lambda order, item: order.marketplace.currency,
    "item-price": lambda order, item: item.price,
    "item-tax": lambda order, item: item.tax,
    "shipping-price": _shipping,
    "ship-service-level": lambda order, item: "Expedited" if order.expedited else "Standard",
    "recipient-name": lambda order, item: order.address.name,
    "ship-address-1": lambda order, item: order.address.line,
    "ship-city": lambda order, item: order.address.city,
    "ship-state": lambda order, item: order.address.state,
    "ship-postal-code": lambda order, item: order.address.postal_code,
    "ship-country": lambda order, item: order.address.country,
    "ship-phone-number": lambda order, item: order.address.phone,
}


def _orders(columns: Columns, orders: Sequence[Order], job: Job) -> Content | None:
    rows = [[of(order, item) for of in columns.values()] for order in orders for item in order.items]
    return _flat(_home(job), list(columns), rows) if rows else None


def _orders_by_update(call: Call, job: Job) -> Content | None:
    return _orders(ALL_ORDERS, _changed(call, job.asked), job)


def _orders_by_date(call: Call, job: Job) -> Content | None:
    return _orders(ALL_ORDERS, sold(call, job.asked), job)


def _orders_to_ship(call: Call, job: Job) -> Content | None:
    """Every order that the account ships by itself, with whom it goes to."""
    kept = [order for order in sold(call, job.asked) if order.channel == "MFN" and order.priced]
    return _orders(TO_SHIP, kept, job)


def _table(call: Call, job: Job) -> Content:
    assert call.account is not None
    rows = [(job.type, product.sku, product.asin, product.title) for product in call.account.products]
    return _flat(_home(job), ("report-type", "sku", "asin", "product-name"), rows)


# --- JSON and XML -----------------------------------------------------------------------------------------------------


def sales_by_date(orders: Sequence[Order]) -> list[dict[str, Any]]:
    """Return what was sold on each day."""
    days: dict[str, list[Order]] = {}
    for order in orders:
        if order.priced:
            days.setdefault(_time(order.created)[:10], []).append(order)
    return [
        {"date": day, "salesByDate": _sales(found), "trafficByDate": _traffic(found)} for day, found in days.items()
    ]


def sales_by_asin(orders: Sequence[Order]) -> list[dict[str, Any]]:
    """Return what was sold of each product."""
    products: dict[str, list[tuple[Order, Item]]] = {}
    for order in orders:
        for item in order.items if order.priced else ():
            products.setdefault(item.asin, []).append((order, item))
    return [
        {
            "parentAsin": asin,
            "salesByAsin": {
                "unitsOrdered": sum(item.quantity for _, item in found),
                "orderedProductSales": _money(sum(item.price for _, item in found), found[0][0]),
                "totalOrderItems": len(found),
            },
            "trafficByAsin": _traffic([order for order, _ in found]),
        }
        for asin, found in sorted(products.items())
    ]


def _sales(orders: Sequence[Order]) -> dict[str, Any]:
    items = [item for order in orders for item in order.items]
    return {
        "orderedProductSales": _money(sum(item.price for item in items), orders[0]),
        "unitsOrdered": sum(item.quantity for item in items),
        "totalOrderItems": len(items),
    }


def _traffic(orders: Sequence[Order]) -> dict[str, Any]:
    return {"sessions": 7 * len(orders), "pageViews": 11 * len(orders)}


def _money(amount: Decimal | int, order: Order) -> dict[str, Any]:
    return {"amount": float(amount), "currencyCode": order.marketplace.currency}


def _sales_and_traffic(call: Call, job: Job) -> Content:
    orders = [one for one in sold(call, job.asked) if one.marketplace is _home(job)]
    body = {
        "reportSpecification": {"reportType": job.type, **{name: job.asked[name] for name in job.asked}},
        "salesAndTrafficByDate": sales_by_date(orders),
        "salesAndTrafficByAsin": sales_by_asin(orders),
    }
    return Content(msgspec.json.format(msgspec.json.encode(body)), "text/plain;charset=UTF-8", gzip=True)


def _orders_xml(call: Call, job: Job) -> Content | None:
    orders = _changed(call, job.asked)
    messages = "".join(f"<Message>{_order_xml(order)}</Message>\n" for order in orders)
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<AmazonEnvelope>\n'
        "<Header><DocumentVersion>1.00</DocumentVersion></Header>\n<MessageType>AllOrdersReport</MessageType>\n"
        f"{messages}</AmazonEnvelope>\n"
    )
    return Content(body.encode(), "text/xml;charset=UTF-8") if orders else None


def _order_xml(order: Order) -> str:
    address = {"City": order.address.city, "State": order.address.state, "Country": order.address.country}
    fulfillment = {
        "FulfillmentChannel": "Amazon" if order.channel == "AFN" else "Merchant",
        "Address": address if order.priced else {},
    }
    items = "".join(_element("OrderItem", _item_xml(order, item)) for item in order.items)
    head = {
        "AmazonOrderID": order.id,
        "PurchaseDate": _time(order.created),
        "LastUpdatedDate": _time(order.updated),
        "OrderStatus": order.status,
        "SalesChannel": order.marketplace.domain.capitalize(),
        "FulfillmentData": fulfillment,
    }
    return f"<Order>{''.join(_element(name, value) for name, value in head.items())}{items}</Order>"


def _item_xml(order: Order, item: Item) -> dict[str, Any]:
    component = {"Type": "Principal", "Amount": item.price}
    price = {"ItemPrice": {"Component": component}} if order.priced else {}
    return {"ASIN": item.asin, "SKU": item.sku, "ProductName": item.title, "Quantity": item.quantity, **price}


def _element(name: str, value: object) -> str:
    """Return an element; what is a mapping becomes elements inside it."""
    inner = "".join(_element(*one) for one in value.items()) if isinstance(value, Mapping) else escape(str(value))
    return f"<{name}>{inner}</{name}>"


CONTENTS: Mapping[str, Callable[[Call, Job], Content | None]] = {
    "GET_MERCHANT_LISTINGS_ALL_DATA": _listings,
    "GET_MERCHANT_LISTINGS_DATA": _active_listings,
    "GET_MERCHANT_LISTINGS_INACTIVE_DATA": _inactive_listings,
    "GET_FLAT_FILE_OPEN_LISTINGS_DATA": _open_listings,
    "GET_FBA_MYI_UNSUPPRESSED_INVENTORY_DATA": _managed_inventory,
    "GET_AFN_INVENTORY_DATA": _amazon_fulfilled_inventory,
    "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL": _orders_by_update,
    "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL": _orders_by_date,
    "GET_XML_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL": _orders_xml,
    "GET_FLAT_FILE_ORDER_REPORT_DATA_SHIPPING": _orders_to_ship,
    "GET_SALES_AND_TRAFFIC_REPORT": _sales_and_traffic,
}
