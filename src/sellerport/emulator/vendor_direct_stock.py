"""Vendor Direct Fulfillment Inventory v1 and Payments v1: what a vendor has for customers, and wants to be paid for.

* An update is of one warehouse; it is taken whole or not at all. A full one says of everything else that there is none.
  What is obsolete is not available either.
* An invoice is for orders that are shipped: of each line, as many pieces as were ordered and not invoiced before, at
  the price of the order, under a number that was not used before, from the warehouse that the order was sent from.

As in `vendor_direct_orders`, a submission is done at once, and its transaction says what was wrong. Customers order
whatever the stock is, and nothing is ever paid; taxes, charges and the total are not looked at. Not known: the codes
and words of errors in a transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from sellerport.emulator.call import Answer, Call, refused, unix_seconds
from sellerport.emulator.purchases import Cargo
from sellerport.emulator.shop import Product
from sellerport.emulator.vendor_direct_orders import UNKNOWN, Errors, line_of, own, submitted, vendor_code
from sellerport.emulator.vendor_orders import error, taken
from sellerport.errors import AmazonRefused


def submit_inventory_update(call: Call) -> Answer:
    """Say how many pieces of products are in a warehouse."""
    asked, stock = call.checked_body().get("inventory"), own(call).stock
    warehouse = call.path["warehouseId"]
    if warehouse not in stock:
        raise refused(UNKNOWN)
    if asked is None:
        return submitted(call, [])
    errors: Errors = []
    if asked["sellingParty"]["partyId"] != vendor_code(call):
        errors.append(error(f"The selling party {asked['sellingParty']['partyId']} is not the account's."))
    products = call.account.products if call.account else ()
    said = {} if not asked["isFullUpdate"] else {one.sku: 0 for one in products}
    for place, item in enumerate(asked["items"], start=1):
        pieces = 0 if item.get("isObsolete") else item["availableQuantity"].get("amount", 0)
        product = next((one for one in products if _means(item, one)), None)
        if product is None or pieces < 0:
            wrong = "is no product of the account" if product is None else "has a quantity below zero"
            errors.append(error(f"Item {place} {wrong}."))
        else:
            said[product.sku] = pieces
    if not errors:
        stock[warehouse] |= said
    return submitted(call, errors)


def _means(item: Mapping[str, Any], product: Product) -> bool:
    names = {"buyerProductIdentifier": product.asin, "vendorProductIdentifier": product.sku}
    given = [(item[name], known) for name, known in names.items() if item.get(name)]
    return bool(given) and all(asked == known for asked, known in given)


def submit_invoice(call: Call) -> Answer:
    """Take invoices."""
    return submitted(call, taken(call, "invoices", _invoice))


def _invoice(call: Call, asked: Mapping[str, Any]) -> Errors:
    """Take an invoice, if nothing is wrong with it; return what is."""
    direct, number, code = own(call), asked["invoiceNumber"], asked["remitToParty"]["partyId"]
    errors: Errors = []
    if code != vendor_code(call):
        errors.append(error(f"The remit-to party {code} is not the account's."))
    if number in direct.invoices:
        errors.append(error(f"The number {number} was used before."))
    try:
        date = unix_seconds(asked["invoiceDate"], "invoiceDate")
    except AmazonRefused as refusal:
        return [*errors, error(refusal.details)]
    cargo: list[Cargo] = []
    for item in asked["items"]:
        errors += _item(call, asked["shipFromParty"]["partyId"], item, date, cargo)
    if not errors:
        direct.invoices[number] = cargo
    return errors


def _item(call: Call, warehouse: str, item: Mapping[str, Any], date: float, cargo: list[Cargo]) -> Errors:
    """Add what an item is of, if nothing is wrong with it; return what is."""
    direct, number, place = own(call), item["purchaseOrderNumber"], item["itemSequenceNumber"]
    order = direct.orders.get(number)
    line = line_of(order, item) if order else None
    if order is None or line is None or order.warehouse != warehouse:
        return [error(f"Item {place} is none of a purchase order {number} of warehouse {warehouse}.")]
    if order.shipped is None or date < order.shipped:
        return [error(f"Item {place}: the purchase order {number} was not shipped before.")]
    pieces = item["invoicedQuantity"]["amount"]
    before = sum(one.pieces for one in cargo if (one.purchase, one.line) == (number, line.number))
    left = line.quantity - direct.invoiced(number, line.number) - before
    if not 0 < pieces <= left:
        return [error(f"Item {place}: of purchase order {number}, {left} pieces can be invoiced.")]
    if not _costs(item["netCost"], line.cost, order.marketplace.currency):
        return [error(f"Item {place}: the net price on purchase order {number} is {line.cost}.")]
    cargo.append(Cargo(number, line.number, pieces))
    return []


def _costs(asked: Mapping[str, Any], cost: Decimal, currency: str) -> bool:
    try:
        return Decimal(asked["amount"]) == cost and asked["currencyCode"] == currency
    except InvalidOperation:
        return False


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    "vendor_direct_fulfillment_inventory_v1.submit_inventory_update": submit_inventory_update,
    "vendor_direct_fulfillment_payments_v1.submit_invoice": submit_invoice,
}
