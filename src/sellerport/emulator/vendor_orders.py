"""Vendor Orders v1 and Vendor Transaction Status v1: what Amazon orders, and what the vendor answers.

* Dates span seven days at most; without any, the last seven.
* An acknowledgement is taken at once, and done at once: the transaction that it is answered with says whether it
  worked. It has to speak of lines of the order, and of all of their pieces; one of the same line again replaces it. An
  order with an error in it stays as it was. One of which everything is rejected is closed.

Transactions of the other vendor APIs are invented, as what they submit is. Amazon never changes or cancels what it has
ordered here, so nothing is found by that. Not known: the codes of errors in a transaction, and what is said to too long
a span and to an unknown order (400 and 404 here).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sellerport.emulator import answers, page_tokens, purchases
from sellerport.emulator.call import Answer, Call, invalid, missing, moment
from sellerport.emulator.purchases import Line, Purchase, Vendor
from sellerport.emulator.shop import DAY_S, local

LONGEST_S = 7 * DAY_S
PAGE = 100
KINDS = {"Accepted": "accepted", "Rejected": "rejected", "Backordered": "backordered"}


def _vendor(call: Call) -> Vendor:
    return call.world.vendors.setdefault(call.seller, Vendor(""))


# --- orders -----------------------------------------------------------------------------------------------------------


def get_purchase_orders(call: Call) -> Answer:
    """List purchase orders by date, state or vendor code."""
    within = _within(call, ("created", lambda one: one.created), ("changed", lambda one: one.changed))
    state, code = call.one("purchaseOrderState"), call.one("orderingVendorCode")
    never = call.one("poItemState") is not None or (call.one("isPOChanged") or "").lower() == "true"

    def keep(one: Purchase) -> bool:
        return not never and within(one) and state in (None, one.state) and code in (None, _vendor(call).code)

    found, pagination = _page(call, keep)
    details = (call.one("includeDetails") or "true").lower() == "true"
    shown = [_order(call, one) for one in found]
    if not details:
        shown = [{name: one[name] for name in ("purchaseOrderNumber", "purchaseOrderState")} for one in shown]
    return Answer({"payload": {**pagination, "orders": shown}})


def get_purchase_order(call: Call) -> Answer:
    """Return one purchase order."""
    number = call.path["purchaseOrderNumber"]
    if number not in _vendor(call).purchases:
        raise missing(f"The purchase order {number} was not found")
    return Answer({"payload": _order(call, _vendor(call).purchases[number])})


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
            and code in (None, _vendor(call).code)
            and (confirmed is None or any(_confirmation(line) == confirmed for line in one.lines))
            and (received is None or any(_receipt(line) == received for line in one.lines))
        )

    found, pagination = _page(call, keep)
    return Answer({"payload": {**pagination, "ordersStatus": [_order_status(call, one) for one in found]}})


def _within(call: Call, *named: tuple[str, Callable[[Purchase], float]]) -> Callable[[Purchase], bool]:
    """Return whether an order is of the dates that are asked for."""
    spans, now = [], call.world.now()
    for name, of in named:
        after, before = call.time(f"{name}After"), call.time(f"{name}Before")
        if after is not None or before is not None:
            before = now if before is None else before
            spans.append((before - LONGEST_S if after is None else after, before, of))
    for after, before, _ in spans:
        if not 0 <= before - after <= LONGEST_S:
            raise invalid("The date range must not exceed 7 days")
    spans = spans or [(now - LONGEST_S, math.inf, named[0][1])]
    return lambda one: all(after <= of(one) <= before for after, before, of in spans)


def _page(call: Call, keep: Callable[[Purchase], bool]) -> tuple[list[Purchase], dict[str, Any]]:
    size, token = call.size("limit", most=PAGE, default=PAGE), call.one("nextToken")
    known = _vendor(call).purchases
    if token is None:
        found = sorted((one for one in known.values() if keep(one)), key=lambda one: one.created)
        numbers = [one.number for one in (reversed(found) if call.one("sortOrder") == "DESC" else found)]
    else:
        numbers = page_tokens.redeem(call, token, name="nextToken")
    rest = numbers[size:]
    pagination = {"pagination": {"nextToken": page_tokens.issue(call, rest)}} if rest else {}
    return [known[one] for one in numbers[:size]], pagination


def _order(call: Call, one: Purchase) -> dict[str, Any]:
    ours = {"partyId": one.center, "address": _address(one)}
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
            "sellingParty": {"partyId": _vendor(call).code},
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
        "orderedQuantity": _quantity(line.quantity),
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
        "sellingParty": {"partyId": _vendor(call).code},
        "shipToParty": {"partyId": one.center, "address": _address(one)},
        "itemStatus": [_item_status(one, line) for line in one.lines],
    }


def _item_status(one: Purchase, line: Line) -> dict[str, Any]:
    taken = line.accepted + line.backordered
    acknowledged: dict[str, Any] = {
        "confirmationStatus": _confirmation(line),
        "acceptedQuantity": _quantity(taken),
        "rejectedQuantity": _quantity(line.rejected),
    }
    if line.acknowledged is not None:
        quantities = {name: acknowledged[name] for name in ("acceptedQuantity", "rejectedQuantity")}
        details = {"acknowledgementDate": moment(line.acknowledged), **quantities}
        acknowledged["acknowledgementStatusDetails"] = [details]
    return {
        "itemSequenceNumber": str(line.number),
        "buyerProductIdentifier": line.product.asin,
        "vendorProductIdentifier": line.product.sku,
        **_prices(one, line),
        "orderedQuantity": {"orderedQuantity": _quantity(line.quantity)},
        "acknowledgementStatus": acknowledged,
        "receivingStatus": {"receiveStatus": _receipt(line), "receivedQuantity": _quantity(line.received)},
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
    return "RECEIVED" if line.received >= line.accepted + line.backordered else "PARTIALLY_RECEIVED"


def _quantity(pieces: int) -> dict[str, Any]:
    return {"amount": pieces, "unitOfMeasure": "Eaches", "unitSize": 1}


def _address(one: Purchase) -> dict[str, str]:
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
    errors: list[dict[str, str]] = []
    for one in call.checked_body().get("acknowledgements", ()):
        errors += _acknowledge(call, one)
    id = f"{call.world.uuid()}-{call.world.now():.0f}"
    _vendor(call).transactions[id] = errors
    return Answer({"payload": {"transactionId": id}}, 202)


def get_transaction(call: Call) -> Answer:
    """Say whether a submission worked."""
    id = call.path["transactionId"]
    if id not in _vendor(call).transactions:
        return answers.invent(call)
    errors = _vendor(call).transactions[id]
    said = {"transactionId": id, "status": "Failure" if errors else "Success"}
    return Answer({"payload": {"transactionStatus": {**said, "errors": errors} if errors else said}})


def _acknowledge(call: Call, asked: Mapping[str, Any]) -> Sequence[dict[str, str]]:
    """Take an acknowledgement, if nothing is wrong with it; return what is."""
    number, vendor = asked["purchaseOrderNumber"], _vendor(call)
    purchase = vendor.purchases.get(number)
    if purchase is None or asked["sellingParty"]["partyId"] != vendor.code:
        return [_error(f"The purchase order {number} is none of vendor {asked['sellingParty']['partyId']}.")]
    if purchase.closed:
        return [_error(f"The purchase order {number} is closed.")]
    said: list[tuple[Line, dict[str, int]]] = []
    errors = []
    for place, item in enumerate(asked["items"], start=1):
        names = (item.get(f"{who}ProductIdentifier") for who in ("amazon", "vendor"))
        line = purchase.line(item.get("itemSequenceNumber"), *names)
        pieces = dict.fromkeys(KINDS.values(), 0)
        for one in item["itemAcknowledgements"]:
            pieces[KINDS[one["acknowledgementCode"]]] += _pieces(one["acknowledgedQuantity"])
        if line is None:
            errors.append(_error(f"Item {place} is none of purchase order {number}."))
        elif sum(pieces.values()) != line.quantity:
            errors.append(_error(f"Item {place} of purchase order {number} has {line.quantity} pieces."))
        else:
            said.append((line, pieces))
    if not errors:
        _apply(purchase, said, call.world.now())
    return errors


def _apply(purchase: Purchase, said: Sequence[tuple[Line, Mapping[str, int]]], now: float) -> None:
    for line, pieces in said:
        line.accepted, line.rejected, line.backordered = (pieces[name] for name in KINDS.values())
        line.acknowledged = purchase.changed = now
    purchase.closed = all(line.rejected >= line.quantity for line in purchase.lines)


def _pieces(quantity: Mapping[str, Any]) -> int:
    amount: int = quantity.get("amount", 0)
    return amount * (quantity.get("unitSize", 1) if quantity.get("unitOfMeasure") == "Cases" else 1)


def _error(message: str) -> dict[str, str]:
    return {"code": "InvalidInput", "message": message}


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    "vendor_orders_v1.get_purchase_orders": get_purchase_orders,
    "vendor_orders_v1.get_purchase_order": get_purchase_order,
    "vendor_orders_v1.get_purchase_orders_status": get_purchase_orders_status,
    "vendor_orders_v1.submit_acknowledgement": submit_acknowledgement,
    "vendor_transaction_status_v1.get_transaction": get_transaction,
}
