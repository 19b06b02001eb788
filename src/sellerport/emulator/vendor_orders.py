"""Vendor Orders v1 and Vendor Transaction Status v1: what Amazon orders, and what the vendor answers.

* Dates span seven days at most; without any, the last seven.
* What is submitted is taken at once, and done at once: the transaction that it is answered with says whether it
  worked.
* An acknowledgement has to speak of lines of the order, and of all of their pieces; a rejection says why, and what is
  backordered says when it comes. One of the same line again replaces it. An order with an error in it stays as it was.
  One of which everything is rejected is closed.

Shipments (`vendor_shipments`) and invoices (`vendor_invoices`) are of the same orders. Amazon never changes or cancels
what it has ordered here, so nothing is found by that. Not known: the codes of errors in a transaction, whether Amazon
lets a rejection without a reason and a line without a cost pass (here the cost is not looked at), and what is said to
too long a span and to an unknown order (400 and 404 here).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sellerport.emulator import page_tokens, purchases
from sellerport.emulator.call import Answer, Call, invalid, missing, moment, refused
from sellerport.emulator.purchases import Line, Purchase, Vendor
from sellerport.emulator.shop import DAY_S, local
from sellerport.errors import AmazonRefused

LONGEST_S = 7 * DAY_S
PAGE = 100
KINDS = {"Accepted": "accepted", "Rejected": "rejected", "Backordered": "backordered"}


def own(call: Call) -> Vendor:
    """Return what the account has with Amazon, as it stands now; whoever is no vendor has nothing."""
    found = call.world.vendors.setdefault(call.seller, Vendor(""))
    found.settle(call.world.now())
    return found


# --- orders -----------------------------------------------------------------------------------------------------------


def get_purchase_orders(call: Call) -> Answer:
    """List purchase orders by date, state or vendor code."""
    within = _within(call, ("created", lambda one: one.created), ("changed", lambda one: one.changed))
    state, code = call.one("purchaseOrderState"), call.one("orderingVendorCode")
    never = call.one("poItemState") is not None or (call.one("isPOChanged") or "").lower() == "true"

    def keep(one: Purchase) -> bool:
        return not never and within(one) and state in (None, one.state) and code in (None, own(call).code)

    found, pagination = _page(call, keep)
    details = (call.one("includeDetails") or "true").lower() == "true"
    shown = [_order(call, one) for one in found]
    if not details:
        shown = [{name: one[name] for name in ("purchaseOrderNumber", "purchaseOrderState")} for one in shown]
    return Answer({"payload": {**pagination, "orders": shown}})


def get_purchase_order(call: Call) -> Answer:
    """Return one purchase order."""
    number = call.path["purchaseOrderNumber"]
    if number not in own(call).purchases:
        raise missing(f"The purchase order {number} was not found")
    return Answer({"payload": _order(call, own(call).purchases[number])})


def get_purchase_orders_status(call: Call) -> Answer:
    """List how far purchase orders are, or say it of one."""
    number = call.one("purchaseOrderNumber")
    dated = _within(call, ("created", lambda one: one.created), ("updated", lambda one: one.changed))
    status, center = call.one("purchaseOrderStatus"), call.one("shipToPartyId")
    confirmed, received = call.one("itemConfirmationStatus"), call.one("itemReceiveStatus")
    code = call.one("orderingVendorCode")

    def keep(one: Purchase) -> bool:
        return (
            (one.number == number if number else dated(one))
            and status in (None, _status(one))
            and center in (None, one.center)
            and code in (None, own(call).code)
            and (confirmed is None or any(_confirmation(line) == confirmed for line in one.lines))
            and (received is None or any(_receipt(line) == received for line in one.lines))
        )

    found, pagination = _page(call, keep)
    return Answer({"payload": {**pagination, "ordersStatus": [_order_status(call, one) for one in found]}})


def _within(call: Call, *named: tuple[str, Callable[[Purchase], float]]) -> Callable[[Purchase], bool]:
    """Return whether an order is of the dates that are asked for."""
    spans, now = [], call.world.now()
    for name, of in named:
        after, before = asked_time(call, f"{name}After"), asked_time(call, f"{name}Before")
        if after is not None or before is not None:
            before = now if before is None else before
            spans.append((before - LONGEST_S if after is None else after, before, of))
    for after, before, _ in spans:
        if not 0 <= before - after <= LONGEST_S:
            raise invalid("The date range must not exceed 7 days")
    spans = spans or [(now - LONGEST_S, math.inf, named[0][1])]
    return lambda one: all(after <= of(one) <= before for after, before, of in spans)


def asked_time(call: Call, name: str) -> float | None:
    """Return a date from the query, as unix seconds.

    Raises:
        AmazonRefused: it is none, in the words of the vendor APIs.
    """
    try:
        return call.time(name)
    except AmazonRefused:
        raise refused("The request is invalid.", code="InvalidRequest") from None


def _page(call: Call, keep: Callable[[Purchase], bool]) -> tuple[list[Purchase], dict[str, Any]]:
    size, token = call.size("limit", most=PAGE, default=PAGE), call.one("nextToken")
    known = own(call).purchases
    if token is None:
        found = sorted((one for one in known.values() if keep(one)), key=lambda one: one.created)
        numbers = [one.number for one in (reversed(found) if call.one("sortOrder") == "DESC" else found)]
    else:
        numbers = page_tokens.redeem(call, token, name="nextToken")
    rest = numbers[size:]
    pagination = {"pagination": {"nextToken": page_tokens.issue(call, rest)}} if rest else {}
    return [known[one] for one in numbers[:size]], pagination


def _order(call: Call, one: Purchase) -> dict[str, Any]:
    ours = {"partyId": one.center, "address": address(one)}
    window = f"{moment(one.window[0])}--{moment(one.window[1])}"
    return {
        "purchaseOrderNumber": one.number,
        "purchaseOrderState": one.state,
        "orderDetails": {
            "purchaseOrderDate": moment(one.created),
            "purchaseOrderStateChangedDate": moment(one.changed),
            "purchaseOrderType": "RegularOrder",
            "paymentMethod": "Invoice",
            "buyingParty": ours,
            "sellingParty": {"partyId": own(call).code},
            "shipToParty": ours,
            "billToParty": ours,
            "deliveryWindow": window,
            "items": [_item(one, line) for line in one.lines],
        },
    }


def _item(one: Purchase, line: Line) -> dict[str, Any]:
    return {
        "itemSequenceNumber": str(line.number),
        "amazonProductIdentifier": line.product.asin,
        "vendorProductIdentifier": line.product.sku,
        "orderedQuantity": eaches(line.quantity),
        "isBackOrderAllowed": True,
        **_prices(one, line),
    }


def _prices(one: Purchase, line: Line) -> dict[str, Any]:
    currency = one.marketplace.currency
    prices = {"netCost": line.cost, "listPrice": local(line.product.dollars, currency)}
    return {name: {"currencyCode": currency, "amount": str(amount)} for name, amount in prices.items()}


def _order_status(call: Call, one: Purchase) -> dict[str, Any]:
    return {
        "purchaseOrderNumber": one.number,
        "purchaseOrderStatus": _status(one),
        "purchaseOrderDate": moment(one.created),
        "lastUpdatedDate": moment(one.changed),
        "sellingParty": {"partyId": own(call).code},
        "shipToParty": {"partyId": one.center, "address": address(one)},
        "itemStatus": [_item_status(one, line) for line in one.lines],
    }


def _item_status(one: Purchase, line: Line) -> dict[str, Any]:
    acknowledged: dict[str, Any] = {
        "confirmationStatus": _confirmation(line),
        "acceptedQuantity": eaches(line.confirmed),
        "rejectedQuantity": eaches(line.rejected),
    }
    if line.acknowledged is not None:
        quantities = {name: acknowledged[name] for name in ("acceptedQuantity", "rejectedQuantity")}
        details = {"acknowledgementDate": moment(line.acknowledged), **quantities}
        acknowledged["acknowledgementStatusDetails"] = [details]
    received: dict[str, Any] = {"receiveStatus": _receipt(line), "receivedQuantity": eaches(line.received)}
    if line.last_received is not None:
        received["lastReceiveDate"] = moment(line.last_received)
    return {
        "itemSequenceNumber": str(line.number),
        "buyerProductIdentifier": line.product.asin,
        "vendorProductIdentifier": line.product.sku,
        **_prices(one, line),
        "orderedQuantity": {"orderedQuantity": eaches(line.quantity)},
        "acknowledgementStatus": acknowledged,
        "receivingStatus": received,
    }


def _status(one: Purchase) -> str:
    return "CLOSED" if one.closed else "OPEN"


def _confirmation(line: Line) -> str:
    if line.acknowledged is None:
        return "UNCONFIRMED"
    if line.rejected >= line.quantity:
        return "REJECTED"
    return "PARTIALLY_ACCEPTED" if line.rejected else "ACCEPTED"


def _receipt(line: Line) -> str:
    if not line.received:
        return "NOT_RECEIVED"
    return "RECEIVED" if line.received >= line.confirmed else "PARTIALLY_RECEIVED"


def eaches(pieces: int) -> dict[str, Any]:
    """Return single pieces as the vendor APIs count them."""
    return {"amount": pieces, "unitOfMeasure": "Eaches", "unitSize": 1}


def address(one: Purchase) -> dict[str, str]:
    """Return where an order goes to."""
    line, city, region, code = purchases.address(one)
    return {
        "name": f"Local fulfillment center {one.center}",
        "addressLine1": line,
        "city": city,
        "stateOrRegion": region,
        "postalCode": code,
        "countryCode": one.marketplace.country,
    }


# --- acknowledgements -------------------------------------------------------------------------------------------------


def submit_acknowledgement(call: Call) -> Answer:
    """Say which pieces of an order will come, and which will not."""
    return submitted(call, taken(call, "acknowledgements", _acknowledge))


def taken(call: Call, field: str, take: Callable[[Call, Any], Sequence[dict[str, str]]]) -> list[dict[str, str]]:
    """Take what a submission has in a field, one by one; return what is wrong with any."""
    return [wrong for one in call.checked_body().get(field, ()) for wrong in take(call, one)]


def submitted(call: Call, errors: Sequence[dict[str, str]]) -> Answer:
    """Answer a submission with its transaction, which says what was wrong with it."""
    id = f"{call.world.uuid()}-{datetime.fromtimestamp(call.world.now(), UTC):%Y%m%d%H%M%S}"
    own(call).transactions[id] = errors
    return Answer({"payload": {"transactionId": id}}, 202)


def get_transaction(call: Call) -> Answer:
    """Say whether a submission worked."""
    id = call.path["transactionId"]
    if id not in own(call).transactions:
        raise missing(f"The transaction {id} was not found")
    errors = own(call).transactions[id]
    said = {"transactionId": id, "status": "Failure" if errors else "Success"}
    return Answer({"payload": {"transactionStatus": {**said, "errors": errors} if errors else said}})


def _acknowledge(call: Call, asked: Mapping[str, Any]) -> Sequence[dict[str, str]]:
    """Take an acknowledgement, if nothing is wrong with it; return what is."""
    number, vendor = asked["purchaseOrderNumber"], own(call)
    purchase = vendor.purchases.get(number)
    if purchase is None or asked["sellingParty"]["partyId"] != vendor.code:
        return [error(f"The purchase order {number} is none of vendor {asked['sellingParty']['partyId']}.")]
    if purchase.closed:
        return [error(f"The purchase order {number} is closed.")]
    said: dict[int, tuple[Line, dict[str, int]]] = {}
    errors = [] if asked["items"] else [error(f"Nothing is said of purchase order {number}.")]
    for place, item in enumerate(asked["items"], start=1):
        names = (item.get(f"{who}ProductIdentifier") for who in ("amazon", "vendor"))
        line = purchase.line(item.get("itemSequenceNumber"), *names)
        wrong = "is none of it" if line is None else _misfit(line, item["itemAcknowledgements"])
        if line is not None and line.number in said:
            wrong = "is named twice"
        elif line is not None and not wrong:
            rejected = _counted(item["itemAcknowledgements"])["rejected"]
            if line.quantity - rejected < vendor.sent(number, line.number):
                wrong = "has been shipped already"
        if wrong or line is None:
            errors.append(error(f"Item {place} of purchase order {number} {wrong}."))
        else:
            said[line.number] = line, _counted(item["itemAcknowledgements"])
    if not errors:
        _apply(purchase, [*said.values()], call.world.now())
    return errors


def _misfit(line: Line, said: Sequence[Mapping[str, Any]]) -> str | None:
    """Return what is wrong with an answer to a line, if something is."""
    if any(in_pieces(one["acknowledgedQuantity"]) < 1 for one in said):
        return "has a quantity that is not above zero"
    if sum(_counted(said).values()) != line.quantity:
        return f"has {line.quantity} pieces"
    if any(one["acknowledgementCode"] == "Rejected" and "rejectionReason" not in one for one in said):
        return "has a rejection without a rejectionReason"
    dates = {"scheduledShipDate", "scheduledDeliveryDate"}
    if any(one["acknowledgementCode"] == "Backordered" and dates.isdisjoint(one) for one in said):
        return f"has a backorder without one of {', '.join(sorted(dates))}"
    return None


def _counted(said: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    pieces = dict.fromkeys(KINDS.values(), 0)
    for one in said:
        pieces[KINDS[one["acknowledgementCode"]]] += in_pieces(one["acknowledgedQuantity"])
    return pieces


def _apply(purchase: Purchase, said: Sequence[tuple[Line, Mapping[str, int]]], now: float) -> None:
    for line, pieces in said:
        line.accepted, line.rejected, line.backordered = (pieces[name] for name in KINDS.values())
        line.acknowledged = purchase.changed = now
    purchase.closed = all(line.rejected >= line.quantity for line in purchase.lines)


def in_pieces(quantity: Mapping[str, Any]) -> int:
    """Return how many single pieces a quantity is."""
    amount: int = quantity.get("amount", 0)
    return amount * (quantity.get("unitSize", 1) if quantity.get("unitOfMeasure") == "Cases" else 1)


def error(message: str) -> dict[str, str]:
    """Return what a transaction says of something wrong."""
    return {"code": "InvalidInput", "message": message}


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    "vendor_orders_v1.get_purchase_orders": get_purchase_orders,
    "vendor_orders_v1.get_purchase_order": get_purchase_order,
    "vendor_orders_v1.get_purchase_orders_status": get_purchase_orders_status,
    "vendor_orders_v1.submit_acknowledgement": submit_acknowledgement,
    "vendor_transaction_status_v1.get_transaction": get_transaction,
}
