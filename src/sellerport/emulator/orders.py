"""Orders v0 and Orders 2026-01-01: two views of the same orders, with their filters and pages.

v0 refuses in Amazon's words, as users report them (amzn/selling-partner-api-docs issues 326 and 598,
amzn/selling-partner-api-models issue 2382); the details, which Amazon leaves empty, say here which rule it was. Not
known are the words of the new version, and whether it takes a ``createdAfter`` of the last two minutes (here it does,
and finds nothing).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

from sellerport.emulator import easy_ship, page_tokens, parameters
from sellerport.emulator.call import Answer, Call, invalid, missing, moment
from sellerport.emulator.order_book import OrderBook, Timeline
from sellerport.emulator.parcels import Package
from sellerport.emulator.shop import Address, Channel, Item, Order, Status
from sellerport.errors import AmazonRefused

Filter = Callable[[Order], bool]

LATEST_S = 120
"""A ``…Before`` has to lie this far in the past."""

PAGE = 100
TOKEN_LIFE_2026_S = 86_400

CHANNELS: Mapping[str, Channel] = {"AFN": "AFN", "MFN": "MFN"}
FULFILLED_BY: Mapping[str, Channel] = {"AMAZON": "AFN", "MERCHANT": "MFN"}

# what Amazon knows, though no seeded order is in it
V0_STATUSES: Mapping[str, Status | None] = {
    "PendingAvailability": None, "Pending": "Pending", "Unshipped": "Unshipped",
    "PartiallyShipped": "PartiallyShipped", "Shipped": "Shipped", "InvoiceUnconfirmed": None, "Canceled": "Canceled",
    "Unfulfillable": "Unfulfillable",
}  # fmt: skip
STATUSES_2026: Mapping[str, Status | None] = {
    "PENDING_AVAILABILITY": None, "PENDING": "Pending", "UNSHIPPED": "Unshipped",
    "PARTIALLY_SHIPPED": "PartiallyShipped", "SHIPPED": "Shipped", "CANCELLED": "Canceled",
    "UNFULFILLABLE": "Unfulfillable",
}  # fmt: skip
NOT_VALID = "The input you have submitted is not valid. Please check your input and try again."
WORDS = (
    (re.compile("NextToken is"), (
        "We could not decode your NextToken. Possible reasons include: a transmission error, improper quoting or a "
        "truncation problem."
    )),
    (re.compile(".* ISO 8601 format"), "timestamp must follow ISO8601"),
)  # fmt: skip
"""What v0 says where it does not say `NOT_VALID`, by our details."""
WITH_SELLER_ORDER_ID = (
    "FulfillmentChannels",
    "OrderStatuses",
    "PaymentMethods",
    "LastUpdatedAfter",
    "LastUpdatedBefore",
    "BuyerEmail",
)
"""What cannot be given with a ``SellerOrderId``."""
# what orders are filtered by, though no seeded order has it
NOWHERE_SET = (
    "ElectronicInvoiceStatuses",
    "StoreChainStoreId",
    "ActualFulfillmentSupplySourceId",
)
_STATUS_2026 = {status: name for name, status in STATUSES_2026.items() if status}


# --- v0 ---------------------------------------------------------------------------------------------------------------


def get_orders(call: Call) -> Answer:
    """List orders by date, status, marketplace, channel, payment, buyer, delivery or id."""
    other = next((name for name in WITH_SELLER_ORDER_ID if call.one(name)), None)
    if call.one("SellerOrderId") and other:
        raise invalid(f"{other} cannot be used with SellerOrderId")
    search = _Search(call, created="Created", updated="LastUpdated", size="MaxResultsPerPage", token="NextToken")  # noqa: S106
    found, token, bounds = search.page(_filters_v0)
    payload: dict[str, Any] = {"Orders": [_shown_v0(call, order) for order in found], **bounds}
    if token:
        payload["NextToken"] = token
    return Answer({"payload": payload})


def _filters_v0(call: Call) -> list[Filter | None]:
    return [
        _among(call, "OrderStatuses", V0_STATUSES, lambda order: order.status),
        _among(call, "FulfillmentChannels", CHANNELS, lambda order: order.channel),
        _among(call, "PaymentMethods", {name: name for name in ("COD", "CVS", "Other")}, lambda order: order.payment),
        _in(call.many("MarketplaceIds"), lambda order: order.marketplace.id),
        _in(call.many("AmazonOrderIds"), lambda order: order.id),
        _in(call.many("SellerOrderId"), lambda order: order.id),
        _in(call.many("BuyerEmail"), lambda order: order.email),
        _within(call, "EarliestDeliveryDate", lambda order: order.delivery_window[0]),
        _within(call, "LatestDeliveryDate", lambda order: order.delivery_window[1]),
        _in([one.lower() for one in call.many("IsISPU")], lambda order: "false"),
        _in(call.many("EasyShipShipmentStatuses"), lambda order: _easy_ship(call, order) or ""),
        *(_in(call.many(name), lambda order: "") for name in NOWHERE_SET),
    ]


def _in_words_of_v0(answer: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
    """Let an operation refuse as v0 does."""

    def answering(call: Call) -> Answer:
        try:
            parameters.check_values(call.operation, call.query)
            return answer(call)
        except AmazonRefused as refused:
            details = refused.details or ""
            said = next((words for known, words in WORDS if known.match(details)), NOT_VALID)
            raise AmazonRefused(said, status=400, amazon_code="InvalidInput", details=details) from None

    return answering


def get_order(call: Call) -> Answer:
    """Return one order."""
    return Answer({"payload": _shown_v0(call, _known(call))})


def get_order_buyer_info(call: Call) -> Answer:
    """Return who bought."""
    order = _known(call)
    return Answer({"payload": {"AmazonOrderId": order.id, **(_buyer_v0(order) if order.priced else {})}})


def get_order_address(call: Call) -> Answer:
    """Return where an order goes."""
    order = _known(call)
    address = {"ShippingAddress": _address_v0(order)} if order.priced else {}
    return Answer({"payload": {"AmazonOrderId": order.id, **address}})


def get_order_items(call: Call) -> Answer:
    """Return the lines of an order; there are never more than fit one page."""
    order = _single_page(call)
    items = [_item_v0(order, item, call.elements) for item in order.items]
    return Answer({"payload": {"OrderItems": items, "AmazonOrderId": order.id}})


def get_order_items_buyer_info(call: Call) -> Answer:
    """Return what the buyer said about each line."""
    order = _single_page(call)
    items = [{"OrderItemId": item.id, **_gift_v0(item)} for item in order.items]
    return Answer({"payload": {"OrderItems": items, "AmazonOrderId": order.id}})


def _single_page(call: Call) -> Order:
    if call.one("NextToken"):
        raise invalid("NextToken is not valid")
    return _known(call)


def _known(call: Call) -> Order:
    order = _orders(call).get(call.path["orderId"])
    if order is None:  # v0 answers 400 for an order that it does not have
        raise invalid(f"Order {call.path['orderId']} was not found")
    return order


def _shown_v0(call: Call, order: Order) -> dict[str, Any]:
    status = _easy_ship(call, order)
    return {**_order_v0(order, call.elements), **({"EasyShipShipmentStatus": status} if status else {})}


def _easy_ship(call: Call, order: Order) -> str | None:
    return easy_ship.shipment_status(call.world, call.seller, order.id)


def _order_v0(order: Order, elements: frozenset[str]) -> dict[str, Any]:
    quantity, shipped = _pieces(order)
    open_pieces = 0 if order.status in ("Canceled", "Unfulfillable") else quantity - shipped
    found: dict[str, Any] = {
        "AmazonOrderId": order.id,
        "SellerOrderId": order.id,
        "PurchaseDate": moment(order.created),
        "LastUpdateDate": moment(order.updated),
        "OrderStatus": order.status,
        "FulfillmentChannel": order.channel,
        "SalesChannel": order.marketplace.domain.capitalize(),
        "ShipServiceLevel": "Expedited" if order.expedited else "Standard",
        "ShipmentServiceLevelCategory": "Expedited" if order.expedited else "Standard",
        "NumberOfItemsShipped": shipped,
        "NumberOfItemsUnshipped": open_pieces,
        "PaymentMethod": order.payment,
        "PaymentMethodDetails": ["Standard"],
        "MarketplaceId": order.marketplace.id,
        "OrderType": "StandardOrder",
        "EarliestShipDate": moment(order.ship_window[0]),
        "LatestShipDate": moment(order.ship_window[1]),
        "EarliestDeliveryDate": moment(order.delivery_window[0]),
        "LatestDeliveryDate": moment(order.delivery_window[1]),
        "IsBusinessOrder": order.business,
        "IsPrime": order.prime,
        "IsPremiumOrder": False,
        "IsGlobalExpressEnabled": False,
        "IsReplacementOrder": False,
        "IsSoldByAB": False,
        "IsISPU": False,
        "IsAccessPointOrder": False,
        "HasRegulatedItems": False,
    }
    if order.priced:
        found["OrderTotal"] = _money_v0(order, order.total)
        if "shippingAddress" in elements:
            found["ShippingAddress"] = _address_v0(order)
        if "buyerInfo" in elements:
            found["BuyerInfo"] = _buyer_v0(order)
    return found


def _item_v0(order: Order, item: Item, elements: frozenset[str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "ASIN": item.asin,
        "SellerSKU": item.sku,
        "OrderItemId": item.id,
        "Title": item.title,
        "QuantityOrdered": 0 if order.status == "Canceled" else item.quantity,
        "QuantityShipped": item.shipped,
        "ProductInfo": {"NumberOfItems": "1"},
        "IsGift": "true" if item.gift_message else "false",
        "ConditionId": "New",
        "ConditionSubtypeId": "New",
        "IsTransparency": False,
        "SerialNumberRequired": False,
    }
    if order.priced:
        found["ItemPrice"] = _money_v0(order, item.price)
        found["ItemTax"] = _money_v0(order, item.tax)
        found["ShippingPrice"] = _money_v0(order, order.shipping if item is order.items[0] else Decimal(0))
    if item.gift_message and "buyerInfo" in elements:
        found["BuyerInfo"] = _gift_v0(item)
    return found


def _gift_v0(item: Item) -> dict[str, Any]:
    return {"GiftMessageText": item.gift_message, "GiftWrapLevel": "Classic"} if item.gift_message else {}


def _buyer_v0(order: Order) -> dict[str, Any]:
    return {"BuyerEmail": order.email, "BuyerName": order.address.name}


def _address_v0(order: Order) -> dict[str, Any]:
    address = order.address
    return {
        "Name": address.name,
        "AddressLine1": address.line,
        "City": address.city,
        "StateOrRegion": address.state,
        "PostalCode": address.postal_code,
        "CountryCode": address.country,
        "Phone": address.phone,
        "AddressType": "Commercial" if order.business else "Residential",
    }


def _money_v0(order: Order, amount: Decimal) -> dict[str, str]:
    return {"CurrencyCode": order.marketplace.currency, "Amount": str(amount)}


# --- 2026-01-01 -------------------------------------------------------------------------------------------------------


def search_orders_2026(call: Call) -> Answer:
    """List orders by date, status, marketplace or who fulfils."""
    search = _Search(
        call,
        created="created",
        updated="lastUpdated",
        size="maxResultsPerPage",
        token="paginationToken",  # noqa: S106
        token_life_s=TOKEN_LIFE_2026_S,
    )
    found, token, bounds = search.page(_filters_2026)
    included = _included(call)
    body: dict[str, Any] = {"orders": [_order_2026(call, order, included) for order in found], **bounds}
    if token:
        body["pagination"] = {"nextToken": token}
    return Answer(body)


def _filters_2026(call: Call) -> list[Filter | None]:
    return [
        _among(call, "fulfillmentStatuses", STATUSES_2026, lambda order: order.status),
        _among(call, "fulfilledBy", FULFILLED_BY, lambda order: order.channel),
        _in(call.many("marketplaceIds"), lambda order: order.marketplace.id),
    ]


def get_order_2026(call: Call) -> Answer:
    """Return one order with its lines."""
    order = _orders(call).get(call.path["orderId"])
    if order is None:
        raise missing(f"Order {call.path['orderId']} was not found")
    return Answer({"order": _order_2026(call, order, _included(call))})


def _included(call: Call) -> frozenset[str]:
    known = next(one.schema["items"]["enum"] for one in call.operation.parameters if one.wire == "includedData")
    given = call.many("includedData")
    if unknown := [name for name in given if name not in known]:
        raise invalid(f"includedData has an unknown value: {unknown[0]}")
    return frozenset(given)


def _order_2026(call: Call, order: Order, included: frozenset[str]) -> dict[str, Any]:
    marketplace = order.marketplace
    found: dict[str, Any] = {
        "orderId": order.id,
        "orderAliases": [{"aliasId": order.id, "aliasType": "SELLER_ORDER_ID"}],
        "createdTime": _milliseconds(order.created),
        "lastUpdatedTime": _milliseconds(order.updated),
        "programs": [name for name, on in (("PRIME", order.prime), ("AMAZON_BUSINESS", order.business)) if on],
        "salesChannel": {
            "channelName": "AMAZON",
            "marketplaceId": marketplace.id,
            "marketplaceName": marketplace.domain.capitalize(),
        },
        "orderItems": [_item_2026(order, item, included) for item in order.items],
    }
    if "BUYER" in included and order.priced:
        found["buyer"] = {"buyerName": order.address.name, "buyerEmail": order.email}
    if "RECIPIENT" in included and order.priced:
        found["recipient"] = {"deliveryAddress": _address_2026(order.address, business=order.business)}
    if "PROCEEDS" in included and order.priced:
        found["proceeds"] = {"grandTotal": _money_2026(order, order.total)}
    if "PAYMENT" in included and order.priced:
        execution = {"paymentMethod": order.payment, "paymentAmount": _money_2026(order, order.total)}
        found["payment"] = {"paymentExecutions": [execution]}
    if "FULFILLMENT" in included:
        found["fulfillment"] = {
            "fulfillmentStatus": _STATUS_2026[order.status],
            "fulfilledBy": "AMAZON" if order.channel == "AFN" else "MERCHANT",
            "fulfillmentServiceLevel": "EXPEDITED" if order.expedited else "STANDARD",
            "shipByWindow": _window(order.ship_window),
            "deliverByWindow": _window(order.delivery_window),
        }
    if "PACKAGES" in included:
        packages = call.world.parcels.packages(call.seller, order)
        found["packages"] = [_package(one) for one in packages.values()]
    return found


def _package(package: Package) -> dict[str, Any]:
    return {
        "packageReferenceId": package.reference,
        "createdTime": _milliseconds(package.created),
        "shipTime": _milliseconds(package.shipped),
        "packageStatus": {"status": "SHIPPED"},
        "carrier": package.carrier,
        "shippingService": package.service,
        "trackingNumber": package.tracking,
        "packageItems": [{"orderItemId": id, "quantity": quantity} for id, quantity in package.items.items()],
    }


def _item_2026(order: Order, item: Item, included: frozenset[str]) -> dict[str, Any]:
    price = {"price": {"unitPrice": _money_2026(order, item.unit_price)}} if order.priced else {}
    found: dict[str, Any] = {
        "orderItemId": item.id,
        "quantityOrdered": item.quantity,
        "product": {
            "asin": item.asin,
            "title": item.title,
            "sellerSku": item.sku,
            "condition": {"conditionType": "NEW", "conditionSubtype": "NEW"},
            **price,
        },
    }
    if "PROCEEDS" in included and order.priced:
        parts = (("ITEM", item.price), ("TAX", item.tax), ("SHIPPING", order.shipping))
        shown = [part for part in parts if part[1] and (part[0] != "SHIPPING" or item is order.items[0])]
        found["proceeds"] = {
            "proceedsTotal": _money_2026(order, sum((amount for _, amount in shown), Decimal(0))),
            "breakdowns": [{"type": kind, "subtotal": _money_2026(order, amount)} for kind, amount in shown],
        }
    if "FULFILLMENT" in included:
        unfulfilled = 0 if order.status == "Canceled" else item.quantity - item.shipped
        found["fulfillment"] = {"quantityFulfilled": item.shipped, "quantityUnfulfilled": unfulfilled}
        if item.gift_message and "BUYER" in included:
            gift = {"giftMessage": item.gift_message, "giftWrapLevel": "CLASSIC"}
            found["fulfillment"]["packing"] = {"giftOption": gift}
    if "CANCELLATION" in included and order.status == "Canceled":
        execution = {"cancelledBy": "BUYER", "cancelReason": "NO_LONGER_NEEDED"}
        found["cancellation"] = {"cancellationExecution": execution}
    return found


def _address_2026(address: Address, *, business: bool) -> dict[str, str]:
    return {
        **address.written,
        "phone": address.phone,
        "addressType": "COMMERCIAL" if business else "RESIDENTIAL",
    }


def _money_2026(order: Order, amount: Decimal) -> dict[str, str]:
    return {"amount": str(amount), "currencyCode": order.marketplace.currency}


def _window(window: tuple[int, int]) -> dict[str, str]:
    return {"earliestDateTime": _milliseconds(window[0]), "latestDateTime": _milliseconds(window[1])}


# --- searching --------------------------------------------------------------------------------------------------------


class _Search:
    """The part that both versions share: one of two date ranges, and pages; names are each version's own.

    A page goes on behind the last order of the one before, with the filters and up to the time of the first: an order
    that changes meanwhile is found by the next search for changes.
    """

    def __init__(
        self, call: Call, *, created: str, updated: str, size: str, token: str, token_life_s: float | None = None
    ) -> None:
        self.call = call
        self.token_life_s = token_life_s
        self.created, self.updated, self.size, self.token = created, updated, size, token

    def page(self, filters: Callable[[Call], list[Filter | None]]) -> tuple[list[Order], str | None, dict[str, str]]:
        """Return the orders of one page, the token of the next, and the bound that was searched up to."""
        size = self.call.size(self.size, most=PAGE, default=PAGE)
        token = self.call.one(self.token)
        query, behind = (self.call.query, None) if token is None else self._redeem(token)
        asked = replace(self.call, query=query)
        timeline, after, before_name, until = self._span(asked)
        kept = [keep for keep in filters(asked) if keep]
        rest = timeline.between(after if behind is None else behind[0], until)
        found = (
            order
            for order in rest
            if (behind is None or timeline.place(order) > behind) and all(keep(order) for keep in kept)
        )
        orders, bound = list(islice(found, size + 1)), moment(until)
        next_token = None
        if len(orders) > size:
            query = query if asked.one(before_name) else {**query, before_name: [bound]}
            place = timeline.place(orders[size - 1])
            next_token = page_tokens.issue(self.call, (query, place), life_s=self.token_life_s)
        return orders[:size], next_token, {before_name: bound}

    def _redeem(self, token: str) -> tuple[Mapping[str, list[str]], tuple[float, str]]:
        query, place = page_tokens.redeem(self.call, token, name=self.token)
        return query, place

    def _span(self, asked: Call) -> tuple[Timeline[Order], float, str, float]:
        """Return the orders by the time that is asked for, from when, and what names until when."""
        names = [f"{which}{end}" for which in (self.created, self.updated) for end in ("After", "Before")]
        created_after, created_before, updated_after, updated_before = (asked.time(name) for name in names)
        if created_after is None and updated_after is None:
            raise invalid(f"Either {names[0]} or {names[2]} must be provided")
        if created_after is not None and (updated_after, updated_before) != (None, None):
            raise invalid(f"{names[2]} and {names[3]} cannot be used with {names[0]}")
        if updated_after is not None and created_before is not None:
            raise invalid(f"{names[1]} cannot be used with {names[2]}")
        latest = int(asked.world.now()) - LATEST_S
        by_creation = created_after is not None
        after, before = (created_after, created_before) if by_creation else (updated_after, updated_before)
        before_name = names[1] if by_creation else names[3]
        assert after is not None
        if after > latest and self.created == "Created":  # v0's spelling: see the top of this file
            raise invalid(f"{names[0] if by_creation else names[2]} must be at least two minutes before now")
        if before is not None and before > latest:
            raise invalid(f"{before_name} must be at least two minutes before now")
        if before is not None and before < after:
            raise invalid(f"{before_name} must not be before {names[0] if by_creation else names[2]}")
        until = latest if before is None else before
        orders = _orders(asked)
        return orders.by_creation if by_creation else orders.by_update, after, before_name, until


def _orders(call: Call) -> OrderBook:
    return call.account.orders if call.account else OrderBook()


def _among(call: Call, name: str, known: Mapping[str, str | None], of: Callable[[Order], str]) -> Filter | None:
    given = call.many(name)
    if unknown := [value for value in given if value not in known]:
        raise invalid(f"{name} has an unknown value: {unknown[0]}")
    return _in([known[value] for value in given], of)


def _in(wanted: Sequence[str | None], of: Callable[[Order], str]) -> Filter | None:
    return (lambda order: of(order) in wanted) if wanted else None


def _within(call: Call, name: str, of: Callable[[Order], int]) -> Filter | None:
    after, before = call.time(f"{name}After"), call.time(f"{name}Before")
    if after is None and before is None:
        return None
    return lambda order: (after is None or of(order) >= after) and (before is None or of(order) <= before)


def _pieces(order: Order) -> tuple[int, int]:
    return sum(item.quantity for item in order.items), sum(item.shipped for item in order.items)


def _milliseconds(when: int) -> str:
    return f"{datetime.fromtimestamp(when, UTC):%Y-%m-%dT%H:%M:%S.000Z}"


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    "orders_v0.get_orders": _in_words_of_v0(get_orders),
    "orders_v0.get_order": _in_words_of_v0(get_order),
    "orders_v0.get_order_address": _in_words_of_v0(get_order_address),
    "orders_v0.get_order_buyer_info": _in_words_of_v0(get_order_buyer_info),
    "orders_v0.get_order_items": _in_words_of_v0(get_order_items),
    "orders_v0.get_order_items_buyer_info": _in_words_of_v0(get_order_items_buyer_info),
    "orders_2026_01_01.search_orders": search_orders_2026,
    "orders_2026_01_01.get_order": get_order_2026,
}
