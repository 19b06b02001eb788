"""Finances v0 and 2024-06-19: two views of the same ledger (see `ledger`), with Amazon's rules about dates.

* A ``…Before`` and a ``…After`` have to lie two minutes in the past; a span of more than 180 days is answered with
  nothing.
* An order of another account, or one of which nothing was posted, has no events.

Not known, and so made up: how the parts of a transaction are called below Sales and Expenses, what is said to an event
group that does not exist (400 here), how many transactions are on a page (100 here), and v0's answer where no date is
given (everything of the last 180 days here).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any

from sellerport.emulator import ledger, page_tokens
from sellerport.emulator.call import Answer, Call, invalid, moment, unix_seconds
from sellerport.emulator.ledger import Entry, Line, Settlement
from sellerport.emulator.shop import DAY_S
from sellerport.regions import Marketplace

LONGEST_S = 180 * DAY_S
"""A longer span is no error at Amazon: its answer is empty."""
LATEST_S = 120
PAGE = 100
ACCOUNT_TYPE = "Standard Orders"
STATUS = "RELEASED"
BALANCES = ("AVAILABLE", "RESERVED", "TOTAL", "DEFERRED", "ACCOUNT_LEVEL_RESERVE")
FILTERS = ("ORDER_ID", "FINANCIAL_EVENT_GROUP_ID")


def settlements(call: Call, marketplaces: Sequence[str] = ()) -> list[Settlement]:
    """Return the account's settlements, of all marketplaces or of these."""
    found = ledger.settlements(call.world, call.account) if call.account else []
    return [one for one in found if not marketplaces or one.marketplace.id in marketplaces]


def _span(call: Call, after: str, before: str) -> tuple[float, float] | None:
    """Return the span that is asked for; None for one that is answered with nothing."""
    latest = call.world.now() - LATEST_S
    start, end = call.time(after), call.time(before)
    for name, when in ((after, start), (before, end)):
        if when is not None and when > latest:
            raise invalid(f"{name} must be at least two minutes before now")
    end = latest if end is None else end
    start = end - LONGEST_S if start is None else start
    if end < start:
        raise invalid(f"{before} must be later than {after}")
    return None if end - start > LONGEST_S else (start, end)


def page(call: Call, find: Callable[[], Sequence[Any]], *, size: int, token: str) -> tuple[Sequence[Any], str | None]:
    """Return one page of what is found, and the next one's token; all arguments have to be sent again with it."""
    given = call.one(token)
    arguments = {**call.path, **{name: call.many(name) for name in call.query if name != token}}
    found = find() if given is None else page_tokens.redeem(call, given, name=token, arguments=arguments)
    rest = found[size:]
    return found[:size], page_tokens.issue(call, rest, arguments=arguments) if rest else None


def _posted(call: Call, span: tuple[float, float] | None) -> Iterator[Entry]:
    """Yield what was posted in a span of time."""
    if span is None or call.account is None:
        return
    for one in ledger.timeline(call.world, call.account).between(*span):
        if one.posted < span[1]:
            yield one


def _posted_of(call: Call, id: str) -> list[Entry]:
    """Return what was posted of an order."""
    order = call.account.orders.get(id) if call.account else None
    return ledger.of_order(call.world, order) if order else []


def _page(call: Call, every: Iterable[Entry], *, size: int, token: str) -> tuple[list[Entry], str | None]:
    """Return one page of what was posted, and the next one's token, which is good behind the last of this page."""
    given = call.one(token)
    arguments = {**call.path, **{name: call.many(name) for name in call.query if name != token}}
    if given is not None:
        behind = page_tokens.redeem(call, given, name=token, arguments=arguments)
        every = (one for one in every if (one.posted, one.id) > behind)
    found = list(islice(every, size + 1))
    if len(found) <= size:
        return found, None
    last = found[size - 1]
    return found[:size], page_tokens.issue(call, (last.posted, last.id), arguments=arguments)


def listed(call: Call, name: str, every: Sequence[Any]) -> Answer:
    """Answer with a list whose pages are long."""
    found, token = page(call, lambda: every, size=PAGE, token="nextToken")  # noqa: S106
    return Answer({name: found, **({"nextToken": token} if token else {})})


# --- v0 ---------------------------------------------------------------------------------------------------------------


def list_financial_events(call: Call) -> Answer:
    """List what was posted in a span of time."""

    return _events(call, _posted(call, _span(call, "PostedAfter", "PostedBefore")))


def list_financial_events_by_order_id(call: Call) -> Answer:
    """List what was posted of an order."""
    return _events(call, _posted_of(call, call.path["orderId"]))


def list_financial_events_by_group_id(call: Call) -> Answer:
    """List what was posted in a group, in a span of time if there is one."""
    group = next((one for one in settlements(call) if one.id == call.path["eventGroupId"]), None)
    if group is None:
        raise invalid(f"Financial event group {call.path['eventGroupId']} was not found")
    span = _span(call, "PostedAfter", "PostedBefore")
    if call.one("PostedAfter") is None and call.one("PostedBefore") is None:
        return _events(call, group.entries)
    return _events(call, [one for one in group.entries if span and span[0] <= one.posted < span[1]])


def list_financial_event_groups(call: Call) -> Answer:
    """List the groups that were begun in a span of time."""

    def find() -> list[Settlement]:
        span = _span(call, "FinancialEventGroupStartedAfter", "FinancialEventGroupStartedBefore")
        return [one for one in reversed(settlements(call)) if span and span[0] <= one.start < span[1]]

    size = call.size("MaxResultsPerPage", most=PAGE, default=10)
    found, token = page(call, find, size=size, token="NextToken")  # noqa: S106
    payload: dict[str, Any] = {"FinancialEventGroupList": [_group(call, one) for one in found]}
    return Answer({"payload": {**payload, "NextToken": token} if token else payload})


def _group(call: Call, one: Settlement) -> dict[str, Any]:
    shop = one.marketplace
    group: dict[str, Any] = {
        "FinancialEventGroupId": one.id,
        "ProcessingStatus": "Closed" if one.closed else "Open",
        "OriginalTotal": _currency(one.total, shop),
        "BeginningBalance": _currency(Decimal(0), shop),
        "FinancialEventGroupStart": moment(one.start),
    }
    if one.closed:
        group["FinancialEventGroupEnd"] = moment(one.end)
    if one.closed and one.total > 0:
        group |= {
            "FundTransferStatus": "Succeeded",
            "FundTransferDate": moment(one.end),
            "TraceId": one.number,
            "AccountTail": tail(call.seller),
        }
    return group


def tail(seller: str) -> str:
    """Return the last digits of the bank account that a seller is paid to."""
    return f"{sum(seller.encode()) % 1000:03d}"


def _events(call: Call, every: Iterable[Entry]) -> Answer:
    size = call.size("MaxResultsPerPage", most=PAGE, default=PAGE)
    found, token = _page(call, every, size=size, token="NextToken")  # noqa: S106
    lists = {
        "ShipmentEventList": [_shipment(one) for one in found if not one.refund],
        "RefundEventList": [_refund(one) for one in found if one.refund],
    }
    payload: dict[str, Any] = {"FinancialEvents": {name: events for name, events in lists.items() if events}}
    return Answer({"payload": {**payload, "NextToken": token} if token else payload})


def _event(one: Entry) -> dict[str, Any]:
    order = one.order
    return {
        "AmazonOrderId": order.id,
        "SellerOrderId": order.id,
        "MarketplaceName": order.marketplace.domain.capitalize(),
        "PostedDate": moment(one.posted),
    }


def _shipment(one: Entry) -> dict[str, Any]:
    shop = one.order.marketplace
    items = [
        {
            "SellerSKU": line.item.sku,
            "OrderItemId": line.item.id,
            "QuantityShipped": line.quantity,
            "ItemChargeList": _components("Charge", line.charges, shop),
            "ItemFeeList": _components("Fee", line.fees, shop),
        }
        for line in one.lines
    ]
    return {**_event(one), "ShipmentItemList": items}


def _refund(one: Entry) -> dict[str, Any]:
    shop = one.order.marketplace
    items = [
        {
            "SellerSKU": line.item.sku,
            "OrderItemId": line.item.id,
            "OrderAdjustmentItemId": f"{line.item.id}1",
            "QuantityShipped": line.quantity,
            "ItemChargeAdjustmentList": _components("Charge", line.charges, shop),
            "ItemFeeAdjustmentList": _components("Fee", line.fees, shop),
        }
        for line in one.lines
    ]
    return {**_event(one), "ShipmentItemAdjustmentList": items}


def _components(kind: str, amounts: Mapping[str, Decimal], shop: Marketplace) -> list[dict[str, Any]]:
    return [{f"{kind}Type": name, f"{kind}Amount": _currency(amount, shop)} for name, amount in amounts.items()]


def _currency(amount: Decimal, shop: Marketplace) -> dict[str, Any]:
    return {"CurrencyCode": shop.currency, "CurrencyAmount": float(amount)}


# --- 2024-06-19 -------------------------------------------------------------------------------------------------------


def list_transactions(call: Call) -> Answer:
    """List transactions by date, order, event group, marketplace or status."""
    name, value = call.one("relatedIdentifierName"), call.one("relatedIdentifierValue")
    if (name is None) != (value is None) or (name is not None and name not in FILTERS):
        raise invalid(f"relatedIdentifierName must be one of {', '.join(FILTERS)}, with relatedIdentifierValue")
    if name is None and call.one("postedAfter") is None:
        raise invalid("Either postedAfter or relatedIdentifierName must be provided")
    dated = call.one("postedAfter") is not None or call.one("postedBefore") is not None
    span = _span(call, "postedAfter", "postedBefore")
    groups = settlements(call)
    every: Iterable[Entry]
    if name is None:
        every = _posted(call, span)
    elif name == "ORDER_ID":
        every = _posted_of(call, value or "")
    else:
        every = next((one.entries for one in groups if one.id == value), ())
    marketplace, status = call.one("marketplaceId"), call.one("transactionStatus")
    kept = (
        one
        for one in every
        if (not dated or (span is not None and span[0] <= one.posted < span[1]))
        and marketplace in (None, one.order.marketplace.id)
        and status in (None, STATUS)
    )
    found, token = _page(call, kept, size=PAGE, token="nextToken")  # noqa: S106
    transactions = [_transaction(call, one, next(group for group in groups if group.holds(one))) for one in found]
    payload: dict[str, Any] = {"transactions": transactions}
    return Answer({"payload": {**payload, "nextToken": token} if token else payload})


def _transaction(call: Call, one: Entry, group: Settlement) -> dict[str, Any]:
    order, shop = one.order, one.order.marketplace
    related = {
        "ORDER_ID": order.id,
        "REFUND_ID" if one.refund else "SHIPMENT_ID": one.id[:14],
        "FINANCIAL_EVENT_GROUP_ID": group.id,
        "SETTLEMENT_ID": group.number,
    }
    return {
        "sellingPartnerMetadata": {
            "sellingPartnerId": call.seller,
            "accountType": ACCOUNT_TYPE,
            "marketplaceId": shop.id,
        },
        "relatedIdentifiers": [
            {"relatedIdentifierName": name, "relatedIdentifierValue": value} for name, value in related.items()
        ],
        "transactionType": "Refund" if one.refund else "Shipment",
        "transactionId": one.id,
        "transactionStatus": STATUS,
        "description": "Refund Order" if one.refund else "Order Payment",
        "postedDate": moment(one.posted),
        "totalAmount": money(one.total, shop),
        "marketplaceDetails": {"marketplaceId": shop.id, "marketplaceName": shop.domain.capitalize()},
        "items": [_item(one, line, shop) for line in one.lines],
        "breakdowns": _breakdowns(one.lines, shop),
    }


def _item(one: Entry, line: Line, shop: Marketplace) -> dict[str, Any]:
    product = {
        "contextType": "ProductContext",
        "asin": line.item.asin,
        "sku": line.item.sku,
        "quantityShipped": line.quantity,
        "fulfillmentNetwork": one.order.channel,
    }
    return {
        "description": line.item.title,
        "totalAmount": money(line.total, shop),
        "breakdowns": _breakdowns([line], shop),
        "contexts": [product],
    }


def _breakdowns(lines: Iterable[Line], shop: Marketplace) -> list[dict[str, Any]]:
    """Return what a sum is made of: sales, expenses, and their kinds; what is nothing is left out."""
    sums: dict[str, dict[str, Decimal]] = {"Sales": {}, "Expenses": {}}
    for line in lines:
        for top, amounts in (("Sales", line.charges), ("Expenses", line.fees)):
            for name, amount in amounts.items():
                sums[top][name] = sums[top].get(name, Decimal(0)) + amount
    return [
        _breakdown(
            top,
            sum(parts.values(), Decimal(0)),
            shop,
            [_breakdown(name, amount, shop) for name, amount in parts.items() if amount],
        )
        for top, parts in sums.items()
    ]


def _breakdown(
    name: str, amount: Decimal, shop: Marketplace, parts: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    return {"breakdownType": name, "breakdownAmount": money(amount, shop), "breakdowns": list(parts)}


def money(amount: Decimal, shop: Marketplace) -> dict[str, Any]:
    """Return an amount as this version and Transfers write it."""
    return {"currencyCode": shop.currency, "currencyAmount": float(amount)}


def partner(call: Call, shop: Marketplace) -> dict[str, str]:
    """Return whose money it is."""
    return {"partnerId": call.seller, "accountType": ACCOUNT_TYPE, "marketplaceId": shop.id}


def _shops(call: Call) -> list[Marketplace]:
    """Return the marketplaces that are asked about."""
    wanted, kind = call.many("marketplaceIds"), call.one("accountType")
    trades = call.account.marketplaces if call.account and kind in (None, ACCOUNT_TYPE) else ()
    return [one for one in trades if not wanted or one.id in wanted]


def _day(call: Call, name: str) -> float | None:
    text = call.one(name)
    if text is not None and len(text) != len("2026-01-01"):
        raise invalid(f"{name} is not a date in ISO 8601 format")
    return None if text is None else unix_seconds(text, name)


def list_balances(call: Call) -> Answer:
    """Say what the account has that was not paid yet, now or at the end of a day, for each marketplace."""
    kind, day = call.one("balanceType"), _day(call, "asOfDate")
    if kind not in (None, *BALANCES):
        raise invalid(f"balanceType must be one of {', '.join(BALANCES)}")
    now = call.world.now()
    until = now if day is None else min(day + DAY_S, now)
    balances = []
    for shop in _shops(call):
        held = [one for one in settlements(call, [shop.id]) if one.start <= until < one.end]
        amount = sum((entry.total for one in held for entry in one.entries if entry.posted <= until), Decimal(0))
        about = {
            "partnerMetadata": partner(call, shop),
            "lastUpdatedTime": moment(until),
            **({} if day is None else {"asOfDate": moment(day)}),
        }
        amounts = dict.fromkeys(BALANCES, Decimal(0)) | {"AVAILABLE": amount, "TOTAL": amount}
        parts: dict[str, dict[str, Any]] = {
            name: {**about, "balanceType": name, "amount": money(amounts[name], shop)} for name in BALANCES
        }
        parts["RESERVED"]["balances"] = [parts["DEFERRED"], parts["ACCOUNT_LEVEL_RESERVE"]]
        parts["TOTAL"]["balances"] = [parts["AVAILABLE"], parts["RESERVED"]]
        balances.append(parts[kind or "TOTAL"])
    return listed(call, "balances", balances)


def list_summary(call: Call) -> Answer:
    """Sum up a period, a settlement, or - where nothing is said - what is open, for each marketplace."""
    start, end = _day(call, "periodStart"), _day(call, "periodEnd")
    name, number = call.one("relatedIdentifierName"), call.one("relatedIdentifierValue")
    if (name is None) != (number is None) or name not in (None, "SETTLEMENT_ID"):
        raise invalid("relatedIdentifierName must be SETTLEMENT_ID, with relatedIdentifierValue")
    summaries = []
    for shop in _shops(call):
        groups = settlements(call, [shop.id])
        if start is None and end is None:
            groups = [one for one in groups if (one.number == number if number else not one.closed)]
            periods = [(one.start, one.end, one.entries, one.number) for one in groups]
        else:
            first, last = start or 0, call.world.now() if end is None else end + DAY_S
            posted = tuple(one for group in groups for one in group.entries if first <= one.posted < last)
            periods = [(first, last, posted, "")] if number is None else []
        summaries += [_summary(call, shop, *period) for period in periods]
    return listed(call, "summaries", summaries)


def _summary(
    call: Call, shop: Marketplace, start: float, end: float, posted: Sequence[Entry], number: str
) -> dict[str, Any]:
    lines = [line for one in posted if not one.refund for line in one.lines]
    refunds = sum((one.total for one in posted if one.refund), Decimal(0))
    related = [{"relatedIdentifierName": "SETTLEMENT_ID", "relatedIdentifierValue": number}] if number else []
    return {
        "partnerMetadata": partner(call, shop),
        "netProceeds": money(sum((one.total for one in posted), Decimal(0)), shop),
        "relatedIdentifiers": related,
        "breakdowns": [*_breakdowns(lines, shop), _breakdown("Refunds", refunds, shop)],
        "periodStart": moment(start),
        "periodEnd": moment(end - 1),
    }


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    "finances_v0.list_financial_events": list_financial_events,
    "finances_v0.list_financial_events_by_order_id": list_financial_events_by_order_id,
    "finances_v0.list_financial_events_by_group_id": list_financial_events_by_group_id,
    "finances_v0.list_financial_event_groups": list_financial_event_groups,
    "finances_2024_06_19.list_transactions": list_transactions,
    "finances_2024_06_19.list_balances": list_balances,
    "finances_2024_06_19.list_summary": list_summary,
}
