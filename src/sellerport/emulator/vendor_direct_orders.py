"""Vendor Direct Fulfillment: Orders and Transactions, v1 and 2021-12-28, and Sandbox Test Data 2021-10-28.

Both versions show the same orders, and a transaction of one is known to the other.

* A customer's name and address open to a restricted data token alone: whoever brings another token is refused, as
  Amazon's documentation has it. It does not say with what; here 403, as for other restricted data.
* Lists span seven days at most.
* An acknowledgement answers an order whole: all pieces of all lines, and one code of two digits. ``00`` accepts it, any
  other cancels it. It can be given once.
* What is submitted is taken at once, and done at once; Amazon may take 15 minutes. A list of several is taken one by
  one, and the transaction says what was wrong with any.
* Test data are more orders of the account. They are made on the sandbox's hosts alone, whose orders are here the same
  as those of production.

Amazon never cancels or changes an order here. Not known: the codes of errors in a transaction, but for an order that is
none (a published case has it); whether the newer version puts them into an object, as its model has it and this does;
and what is said to an order that is none where it is read (404 here).
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sellerport.emulator import direct_orders, page_tokens
from sellerport.emulator.call import Answer, Call, denied, missing, moment, refused
from sellerport.emulator.direct_orders import Direct, DirectOrder, Line
from sellerport.emulator.vendor_orders import LONGEST_S, asked_time, error, taken
from sellerport.emulator.vendor_orders import own as own_purchases

PAGE = 100
SCENARIO_ORDERS = 2
UNKNOWN = "Invalid transmission ID."
"""What Amazon says to most that it does not know, in the published cases."""
CODE = re.compile("[0-9]{2}")
ACCEPTED = "00"

Errors = list[dict[str, str]]


def own(call: Call) -> Direct:
    """Return what the account sends to customers; whoever is no vendor has nothing."""
    return call.world.direct_of(call.seller)


def vendor_code(call: Call) -> str:
    """Return what Amazon calls the vendor."""
    return own_purchases(call).code


def need_restricted(call: Call) -> None:
    """Let a call go on that is answered with personal data.

    Raises:
        AccessDenied: its token is no restricted data token.
    """
    if not call.token.resources:
        raise denied()


def told(call: Call, body: Any, status: int = 200) -> Answer:
    """Return an answer, which v1 puts into an envelope."""
    return Answer({"payload": body} if call.operation.api.endswith("_v1") else body, status)


def page(
    call: Call, when: Callable[[DirectOrder], float | None], keep: Callable[[DirectOrder], bool] = lambda one: True
) -> tuple[list[DirectOrder], dict[str, Any]]:
    """Return one page of orders by when something happened to them, and the token of the next.

    Args:
        call: what is asked for.
        when: when that was; None where it did not happen.
        keep: whether an order is wanted.

    Raises:
        AmazonRefused: the dates are none, or too far from each other.
    """
    after, before = asked_time(call, "createdAfter"), asked_time(call, "createdBefore")
    if after is None or before is None or not 0 <= before - after <= LONGEST_S:
        raise refused("The request is invalid.", code="InvalidRequest")
    size, token, known = call.size("limit", most=PAGE, default=PAGE), call.one("nextToken"), own(call).orders
    if token is None:
        party = call.one("shipFromPartyId")
        mine = [one for one in known.values() if party in (None, one.warehouse) and keep(one)]
        found = [(at, one.number) for one in mine if (at := when(one)) is not None and after <= at <= before]
        numbers = [number for _, number in sorted(found, reverse=call.one("sortOrder") == "DESC")]
    else:
        numbers = page_tokens.redeem(call, token, name="nextToken")
    rest = numbers[size:]
    pagination = {"pagination": {"nextToken": page_tokens.issue(call, rest)}} if rest else {}
    return [known[one] for one in numbers[:size]], pagination


# --- orders -----------------------------------------------------------------------------------------------------------


def get_orders(call: Call) -> Answer:
    """List orders by date, state or warehouse."""
    need_restricted(call)
    status = call.one("status")
    found, pagination = page(call, lambda one: one.created, lambda one: status in (None, one.status))
    if (call.one("includeDetails") or "true").lower() == "true":
        return told(call, {**pagination, "orders": [_order(call, one) for one in found]})
    return told(call, {**pagination, "orders": [{"purchaseOrderNumber": one.number} for one in found]})


def get_order(call: Call) -> Answer:
    """Return one order."""
    need_restricted(call)
    number = call.path["purchaseOrderNumber"]
    if number not in own(call).orders:
        raise missing(f"The purchase order {number} was not found")
    return told(call, _order(call, own(call).orders[number]))


def _order(call: Call, one: DirectOrder) -> dict[str, Any]:
    customizable = {} if call.operation.api.endswith("_v1") else {"hasCustomizableItems": False}
    return {
        "purchaseOrderNumber": one.number,
        "orderDetails": {
            "customerOrderNumber": one.customer_number,
            "orderDate": moment(one.created),
            "orderStatus": one.status,
            "shipmentDetails": {
                "isPriorityShipment": one.service.id.endswith("EXPRESS"),
                "isScheduledDeliveryShipment": False,
                "isPslipRequired": one.business or one.gift is not None,
                "isGift": one.gift is not None,
                "shipMethod": one.service.id,
                "shipmentDates": {
                    "requiredShipDate": moment(one.ship_by),
                    "promisedDeliveryDate": moment(one.deliver_by),
                },
                "messageToCustomer": "Thank you for your order.",
            },
            "sellingParty": {"partyId": vendor_code(call)},
            "shipFromParty": {"partyId": one.warehouse},
            "shipToParty": _ship_to(one),
            "billToParty": {"partyId": f"AMZ{one.marketplace.country}"},
            **customizable,
            "items": [_item(one, line) for line in one.lines],
        },
    }


def _ship_to(one: DirectOrder) -> dict[str, str]:
    return {**one.address.written, "phone": one.address.phone}


def _item(one: DirectOrder, line: Line) -> dict[str, Any]:
    return {
        "itemSequenceNumber": str(line.number),
        "buyerProductIdentifier": line.product.asin,
        "vendorProductIdentifier": line.product.sku,
        "title": line.product.title,
        "orderedQuantity": {"amount": line.quantity, "unitOfMeasure": "Each"},
        "netPrice": {"currencyCode": one.marketplace.currency, "amount": str(line.cost)},
        **({"giftDetails": {"giftMessage": one.gift}} if one.gift is not None else {}),
    }


# --- acknowledgements -------------------------------------------------------------------------------------------------


def submit_acknowledgement(call: Call) -> Answer:
    """Say that orders will be sent, or that they will not."""
    return submitted(call, taken(call, "orderAcknowledgements", _acknowledge))


def _acknowledge(call: Call, asked: Mapping[str, Any]) -> Errors:
    """Take an acknowledgement, if nothing is wrong with it; return what is."""
    order, errors = named(call, asked)
    if order is None:
        return errors
    code = asked["acknowledgementStatus"].get("code", "")
    if order.status != "NEW":
        errors.append(error(f"The purchase order {order.number} is {order.status}."))
    if not CODE.fullmatch(code):
        errors.append(error(f"The acknowledgement code of purchase order {order.number} is none: {code}"))
    errors += whole(order, asked["itemAcknowledgements"], "acknowledgedQuantity")
    if not errors and code == ACCEPTED:
        order.status, order.accepted = "ACCEPTED", call.world.now()
    elif not errors:
        order.status = "CANCELLED"
    return errors


def named(call: Call, asked: Mapping[str, Any]) -> tuple[DirectOrder | None, Errors]:
    """Return the order that a submission is about, if the account has it, and what is wrong with its parties."""
    order = own(call).orders.get(asked["purchaseOrderNumber"])
    if order is None:
        return None, [{"code": "INVALID_ORDER_ID", "message": "Invalid order ID."}]
    return order, misplaced(call, order, asked)


def misplaced(call: Call, order: DirectOrder, asked: Mapping[str, Any]) -> Errors:
    """Return what is wrong with who sells, and with where an order is sent from."""
    errors = []
    seller, source = asked["sellingParty"]["partyId"], asked["shipFromParty"]["partyId"]
    if seller != vendor_code(call):
        errors.append(error(f"The selling party {seller} is not the account's."))
    if source != order.warehouse:
        errors.append(error(f"The purchase order {order.number} is to be sent from {order.warehouse}."))
    return errors


def whole(order: DirectOrder, items: Sequence[Mapping[str, Any]], quantity: str) -> Errors:
    """Return what keeps items from being all pieces of all lines of an order."""
    left = {line.number: line.quantity for line in order.lines}
    for item in items:
        line = line_of(order, item)
        if line is None:
            return [error(f"Item {item['itemSequenceNumber']} is none of purchase order {order.number}.")]
        pieces: int = item[quantity].get("amount", 0)
        if pieces < 1:
            return [error(f"Item {line.number} of purchase order {order.number} has no pieces.")]
        left[line.number] -= pieces
    return [
        error(f"Of item {line.number} of purchase order {order.number}, all {line.quantity} pieces must be named.")
        for line in order.lines
        if left[line.number]
    ]


def line_of(order: DirectOrder, item: Mapping[str, Any]) -> Line | None:
    """Return the line that an item names."""
    names = (item.get(f"{who}ProductIdentifier") for who in ("buyer", "vendor"))
    return order.line(item.get("itemSequenceNumber"), *names)


# --- transactions -----------------------------------------------------------------------------------------------------


def submitted(call: Call, errors: Errors) -> Answer:
    """Answer a submission with its transaction, which says what was wrong with it."""
    id = _transaction_id(call)
    own(call).transactions[id] = errors
    return told(call, {"transactionId": id}, 202)


def _transaction_id(call: Call) -> str:
    return f"{datetime.fromtimestamp(call.world.now(), UTC):%Y%m%d%H%M%S}-{call.world.uuid()}"


def get_transaction_status(call: Call) -> Answer:
    """Say whether a submission worked."""
    id = call.path["transactionId"]
    if id not in own(call).transactions:
        raise refused(UNKNOWN)
    errors = own(call).transactions[id]
    said: dict[str, Any] = {"transactionId": id, "status": "Failure" if errors else "Success"}
    if errors:
        said["errors"] = errors if call.operation.api.endswith("_v1") else {"errors": errors}
    return told(call, {"transactionStatus": said})


# --- the sandbox ------------------------------------------------------------------------------------------------------


def generate_order_scenarios(call: Call) -> Answer:
    """Make more orders, for a test."""
    direct, asked = own(call), call.checked_body().get("orders", ())
    id, account = _transaction_id(call), call.account
    assert account is not None, "no operation of a vendor is grantless"
    wanted = [(one["sellingParty"]["partyId"], one["shipFromParty"]["partyId"]) for one in asked]
    scenarios: list[list[str]] = []
    if all(code == vendor_code(call) and warehouse in direct.stock for code, warehouse in wanted):
        chance = random.Random(f"scenarios {call.world.seed} {call.seller} {len(direct.scenarios)}")  # noqa: S311
        for _, warehouse in wanted:
            orders = [
                direct_orders.invented(
                    chance, account.marketplaces[0], warehouse, account.products, created=int(call.world.now())
                )
                for _ in range(SCENARIO_ORDERS)
            ]
            direct.orders.update((one.number, one) for one in orders)
            scenarios.append([one.number for one in orders])
    direct.scenarios[id] = scenarios
    return Answer({"transactionId": id}, 202)


def get_order_scenarios(call: Call) -> Answer:
    """Say which orders were made for a test."""
    id = call.path["transactionId"]
    if id not in own(call).scenarios:
        raise missing(f"The transaction {id} was not found")
    made = own(call).scenarios[id]
    said: dict[str, Any] = {"transactionId": id, "status": "SUCCESS" if made else "FAILURE"}
    if made:
        scenarios = [
            {"scenarioId": f"SCENARIO_{place}", "orders": [{"orderId": one} for one in numbers]}
            for place, numbers in enumerate(made, start=1)
        ]
        said["testCaseData"] = {"scenarios": scenarios}
    return Answer({"transactionStatus": said})


SANDBOX = "vendor_direct_fulfillment_sandbox_data_2021_10_28"
HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    f"vendor_direct_fulfillment_{name}": handler
    for version in ("v1", "2021_12_28")
    for name, handler in {
        f"orders_{version}.get_orders": get_orders,
        f"orders_{version}.get_order": get_order,
        f"orders_{version}.submit_acknowledgement": submit_acknowledgement,
        f"transactions_{version}.get_transaction_status": get_transaction_status,
    }.items()
} | {
    f"{SANDBOX}.generate_order_scenarios": generate_order_scenarios,
    f"{SANDBOX}.get_order_scenarios": get_order_scenarios,
}
