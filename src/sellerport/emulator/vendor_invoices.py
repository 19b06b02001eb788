"""Vendor Invoices v1: what a vendor wants to be paid for, checked against what Amazon ordered.

Of each line of an order, as many pieces can be invoiced as were accepted, at the cost of the order, under a number that
was not used before. A credit note needs no order; where it names the invoice that it is of, there has to be one.

As in `vendor_orders`, a submission is done at once. Taxes, charges, allowances and the total are not looked at, and
nothing is ever paid. Not known: the codes and words of errors in a transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from sellerport.emulator.call import Answer, Call, unix_seconds
from sellerport.emulator.purchases import Cargo, Line, Purchase, Vendor
from sellerport.emulator.vendor_orders import error, in_pieces, own, submitted, taken
from sellerport.errors import AmazonRefused

Errors = list[dict[str, str]]


def submit_invoices(call: Call) -> Answer:
    """Take invoices and credit notes."""
    return submitted(call, taken(call, "invoices", _invoice))


def _invoice(call: Call, asked: Mapping[str, Any]) -> Errors:
    """Take an invoice, if nothing is wrong with it; return what is."""
    vendor, number = own(call), asked["id"]
    errors: Errors = []
    if asked["remitToParty"]["partyId"] != vendor.code:
        errors.append(error(f"The remit-to party {asked['remitToParty']['partyId']} is not the account's."))
    if number in vendor.invoices:
        errors.append(error(f"The number {number} was used before."))
    cargo: list[Cargo] = []
    try:
        date = unix_seconds(asked["date"], "date")
    except AmazonRefused as refused:
        return [*errors, error(refused.details)]
    for item in asked.get("items", ()):
        if asked["invoiceType"] == "CreditNote":
            of = item.get("creditNoteDetails", {}).get("referenceInvoiceNumber")
            errors += [] if of is None or of in vendor.invoices else [error(f"There is no invoice {of}.")]
        else:
            errors += _item(vendor, item, date, cargo)
    if not errors:
        vendor.invoices[number] = cargo
    return errors


def _item(vendor: Vendor, item: Mapping[str, Any], date: float, cargo: list[Cargo]) -> Errors:
    """Add what an item is of, if nothing is wrong with it; return what is."""
    number, place = item.get("purchaseOrderNumber", ""), item["itemSequenceNumber"]
    purchase = vendor.purchases.get(number)
    names = tuple(item.get(f"{who}ProductIdentifier") for who in ("amazon", "vendor"))
    line = purchase.line(None if any(names) else str(place), *names) if purchase else None
    if purchase is None or line is None:
        return [error(f"Item {place} is none of a purchase order {number}.")]
    pieces = in_pieces(item["invoicedQuantity"])
    before = sum(one.pieces for one in cargo if (one.purchase, one.line) == (number, line.number))
    left = line.confirmed - vendor.invoiced(number, line.number) - before
    if date < purchase.created:
        return [error(f"Item {place}: the invoice is older than purchase order {number}.")]
    if not 0 < pieces <= left:
        return [error(f"Item {place}: of purchase order {number}, {left} pieces can be invoiced.")]
    if not _costs(item["netCost"], purchase, line):
        return [error(f"Item {place}: the net cost on purchase order {number} is {line.cost}.")]
    cargo.append(Cargo(number, line.number, pieces))
    return []


def _costs(asked: Mapping[str, Any], purchase: Purchase, line: Line) -> bool:
    try:
        same = Decimal(asked.get("amount", "")) == line.cost
    except InvalidOperation:
        return False
    return same and asked.get("currencyCode") == purchase.marketplace.currency


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    "vendor_invoices_v1.submit_invoices": submit_invoices,
}
