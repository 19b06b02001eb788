from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import jsonschema_rs
import pytest

from sellerport import catalog
from sellerport.emulator import World
from sellerport.emulator.shop import Order

from .conftest import NOW, Local, Reply

US, CA, MX = "ATVPDKIKX0DER", "A2EUQ1WTGCTBG2", "A1AM78C64UM0Y8"
ALL = f"{US},{CA},{MX}"
LONG_AGO = "2020-01-01T00:00:00Z"


def get_orders(amazon: Local, **query: str) -> Reply:
    return amazon.call("GET", "/orders/v0/orders", **{"MarketplaceIds": ALL, **query})


def search(amazon: Local, **query: str) -> Reply:
    return amazon.call("GET", "/orders/2026-01-01/orders", **query)


def ids(answer: Reply) -> list[str]:
    assert answer.status == 200, answer.body
    body = answer.json
    return (
        [one["orderId"] for one in body["orders"]]
        if "orders" in body
        else [one["AmazonOrderId"] for one in body["payload"]["Orders"]]
    )


def sold(amazon: Local, account: str = "ALOCALSELLERNA") -> list[Order]:
    return list(amazon.world.account(account).orders.values())


def iso(when: float) -> str:
    return f"{datetime.fromtimestamp(when, UTC):%Y-%m-%dT%H:%M:%SZ}"


def fits(answer: Reply, api: str, name: str) -> None:
    definitions = catalog.schemas(api).definitions
    schema = {"$ref": f"#/$defs/{name}", "$defs": definitions}
    jsonschema_rs.validate(schema, answer.json, validate_formats=True)


# --- the shop ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("account", ["ALOCALSELLERNA", "ALOCALSELLEREU", "ALOCALSELLERFE"])
def test_a_seeded_shop_looks_like_one(amazon: Local, account: str) -> None:
    orders = sold(amazon, account)
    assert len(orders) == 60
    assert {order.marketplace for order in orders} == set(amazon.world.account(account).marketplaces)
    assert {order.channel for order in orders} == {"AFN", "MFN"}
    assert {"Pending", "Unshipped", "Shipped", "Canceled"} <= {order.status for order in orders}
    for order in orders:
        assert NOW - 46 * 86_400 < order.created <= order.updated < NOW - 120
        assert order.total > 0
        pieces, gone = sum(item.quantity for item in order.items), sum(item.shipped for item in order.items)
        expected = {"Shipped": gone == pieces, "PartiallyShipped": 0 < gone < pieces}
        assert expected.get(order.status, gone == 0), order
        if order.marketplace.currency == "JPY":
            assert order.total == order.total.to_integral_value()


def test_a_vendor_has_no_orders(amazon: Local) -> None:
    token = amazon.token("Atzr|local-vendor-na")
    answer = amazon.call("GET", "/orders/v0/orders", token, MarketplaceIds=US, CreatedAfter=LONG_AGO)
    assert ids(answer) == []


def test_another_seed_is_another_shop() -> None:
    first, same, other = (World(seed=seed, clock=lambda: NOW) for seed in (1, 1, 2))
    assert first.account("ALOCALSELLERNA").orders == same.account("ALOCALSELLERNA").orders
    assert not set(first.account("ALOCALSELLERNA").orders) & set(other.account("ALOCALSELLERNA").orders)


# --- v0 ---------------------------------------------------------------------------------------------------------------


def test_get_orders_lists_every_order_oldest_first(amazon: Local) -> None:
    answer = get_orders(amazon, CreatedAfter=LONG_AGO)
    assert ids(answer) == [order.id for order in sorted(sold(amazon), key=lambda one: one.created)]
    fits(answer, "orders_v0", "GetOrdersResponse")
    assert answer.json["payload"]["CreatedBefore"] == iso(NOW - 120)
    assert "NextToken" not in answer.json["payload"]


def test_an_order_shows_what_it_is(amazon: Local) -> None:
    order = next(one for one in sold(amazon) if one.status == "Shipped")
    answer = amazon.call("GET", f"/orders/v0/orders/{order.id}")
    fits(answer, "orders_v0", "GetOrderResponse")
    shown = answer.json["payload"]
    assert shown["AmazonOrderId"] == order.id
    assert shown["OrderStatus"] == "Shipped"
    assert (shown["PurchaseDate"], shown["LastUpdateDate"]) == (iso(order.created), iso(order.updated))
    assert shown["OrderTotal"] == {"CurrencyCode": order.marketplace.currency, "Amount": str(order.total)}
    assert shown["MarketplaceId"] == order.marketplace.id
    assert shown["NumberOfItemsShipped"] == sum(item.quantity for item in order.items)
    assert shown["NumberOfItemsUnshipped"] == 0


def test_the_items_of_an_order_add_up_to_its_total(amazon: Local) -> None:
    token = amazon.token()
    for order in sold(amazon):
        answer = amazon.call("GET", f"/orders/v0/orders/{order.id}/orderItems", token)
        fits(answer, "orders_v0", "GetOrderItemsResponse")
        items = answer.json["payload"]["OrderItems"]
        assert answer.json["payload"]["AmazonOrderId"] == order.id
        assert [item["OrderItemId"] for item in items] == [item.id for item in order.items]
        priced = order.status not in ("Pending", "Canceled")
        assert all(("ItemPrice" in item) == priced for item in items)
        if priced:
            parts = [item[name]["Amount"] for item in items for name in ("ItemPrice", "ItemTax", "ShippingPrice")]
            assert sum(map(Decimal, parts)) == order.total


@pytest.mark.parametrize(
    ("query", "keep"),
    [
        ({"OrderStatuses": "Unshipped"}, lambda order: order.status == "Unshipped"),
        ({"OrderStatuses": "Shipped,Canceled"}, lambda order: order.status in ("Shipped", "Canceled")),
        ({"OrderStatuses": "InvoiceUnconfirmed"}, lambda order: False),
        ({"MarketplaceIds": US}, lambda order: order.marketplace.id == US),
        ({"MarketplaceIds": f"{CA},{MX}"}, lambda order: order.marketplace.id in (CA, MX)),
        ({"FulfillmentChannels": "MFN"}, lambda order: order.channel == "MFN"),
        ({"FulfillmentChannels": "AFN,MFN"}, lambda order: True),
        ({"PaymentMethods": "COD"}, lambda order: order.payment == "COD"),
        (
            {"OrderStatuses": "Shipped", "FulfillmentChannels": "AFN"},
            lambda o: o.status == "Shipped" and o.channel == "AFN",
        ),
        ({"CreatedAfter": iso(NOW - 7 * 86_400)}, lambda order: order.created >= NOW - 7 * 86_400),
        ({"CreatedBefore": iso(NOW - 7 * 86_400)}, lambda order: order.created <= NOW - 7 * 86_400),
    ],
)
def test_get_orders_filters(amazon: Local, query: dict[str, str], keep: Any) -> None:
    found = ids(get_orders(amazon, **{"CreatedAfter": LONG_AGO, **query}))
    assert Counter(found) == Counter(order.id for order in sold(amazon) if keep(order))


def test_get_orders_filters_by_last_update(amazon: Local) -> None:
    after, before = NOW - 20 * 86_400, NOW - 10 * 86_400
    answer = get_orders(amazon, LastUpdatedAfter=iso(after), LastUpdatedBefore=iso(before))
    wanted = sorted((o.updated, o.id) for o in sold(amazon) if after <= o.updated <= before)
    assert wanted
    assert ids(answer) == [one for _, one in wanted]
    assert answer.json["payload"]["LastUpdatedBefore"] == iso(before)


def test_get_orders_by_id_and_by_buyer(amazon: Local) -> None:
    first, second = sold(amazon)[3], sold(amazon)[5]
    answer = get_orders(amazon, CreatedAfter=LONG_AGO, AmazonOrderIds=f"{first.id},{second.id}")
    assert Counter(ids(answer)) == Counter([first.id, second.id])
    assert ids(get_orders(amazon, CreatedAfter=LONG_AGO, BuyerEmail=first.email)) == [first.id]
    assert ids(get_orders(amazon, CreatedAfter=LONG_AGO, SellerOrderId=second.id)) == [second.id]


@pytest.mark.parametrize(("name", "end"), [("EarliestDeliveryDate", 0), ("LatestDeliveryDate", 1)])
def test_get_orders_by_delivery_window(amazon: Local, name: str, end: int) -> None:
    orders = sold(amazon)
    times = sorted(order.delivery_window[end] for order in orders)
    after, before = times[10], times[40]
    asked = {f"{name}After": iso(after), f"{name}Before": iso(before)}
    wanted = {order.id for order in orders if after <= order.delivery_window[end] <= before}
    assert 0 < len(wanted) < len(orders)
    assert set(ids(get_orders(amazon, CreatedAfter=LONG_AGO, **asked))) == wanted
    answer = get_orders(amazon, CreatedAfter=LONG_AGO, **{f"{name}After": "soon"})
    assert answer.error == (400, "InvalidInput", f"{name}After is not a date in ISO 8601 format")


@pytest.mark.parametrize(
    ("name", "value", "all_match"),
    [
        ("IsISPU", "true", False),
        ("IsISPU", "True", False),
        ("IsISPU", "false", True),
        ("EasyShipShipmentStatuses", "PendingPickUp", False),
        ("ElectronicInvoiceStatuses", "Accepted", False),
        ("StoreChainStoreId", "1", False),
        ("ActualFulfillmentSupplySourceId", "1", False),
    ],
)
def test_get_orders_by_what_no_seeded_order_has(amazon: Local, name: str, value: str, all_match: bool) -> None:
    found = ids(get_orders(amazon, CreatedAfter=LONG_AGO, **{name: value}))
    assert len(found) == (60 if all_match else 0)


def test_lists_come_comma_joined_or_repeated(amazon: Local) -> None:
    token = {"x-amz-access-token": amazon.token()}
    start = f"/orders/v0/orders?CreatedAfter={LONG_AGO}&MarketplaceIds={US}%2C{CA},{MX}"
    joined = amazon.send("GET", f"{start}&OrderStatuses=Shipped,Canceled", headers=token)
    repeated = amazon.send("GET", f"{start}&OrderStatuses=Shipped&OrderStatuses=Canceled", headers=token)
    assert ids(joined) == ids(repeated) != []


def test_pages_follow_each_other_to_a_last_one_without_a_token(amazon: Local) -> None:
    whole = ids(get_orders(amazon, CreatedAfter=LONG_AGO, FulfillmentChannels="AFN"))
    answer = get_orders(amazon, CreatedAfter=LONG_AGO, FulfillmentChannels="AFN", MaxResultsPerPage="7")
    pages = [ids(answer)]
    while token := answer.json["payload"].get("NextToken"):
        fits(answer, "orders_v0", "GetOrdersResponse")
        answer = get_orders(amazon, NextToken=token, MaxResultsPerPage="7")
        assert answer.json["payload"]["CreatedBefore"] == iso(NOW - 120)
        pages.append(ids(answer))
    assert [len(page) for page in pages[:-1]] == [7] * (len(pages) - 1)
    assert 0 < len(pages[-1]) <= 7
    assert [one for page in pages for one in page] == whole


def test_a_page_token_of_another_account_or_from_nowhere_is_refused(amazon: Local) -> None:
    token = get_orders(amazon, CreatedAfter=LONG_AGO, MaxResultsPerPage="7").json["payload"]["NextToken"]
    assert get_orders(amazon, NextToken="nowhere").error == (400, "InvalidInput", "NextToken is not valid")
    other = amazon.token("Atzr|local-seller-eu")
    answer = amazon.call("GET", "/orders/v0/orders", other, MarketplaceIds="A1PA6795UKMFR9", NextToken=token)
    assert answer.error == (400, "InvalidInput", "NextToken is not valid")
    answer = search(amazon, paginationToken=token)
    assert answer.error == (400, "InvalidInput", "paginationToken is not valid")


@pytest.mark.parametrize(
    ("query", "details"),
    [
        ({}, "Either CreatedAfter or LastUpdatedAfter must be provided"),
        ({"AmazonOrderIds": "902-1234567-1234567"}, "Either CreatedAfter or LastUpdatedAfter must be provided"),
        ({"CreatedBefore": LONG_AGO}, "Either CreatedAfter or LastUpdatedAfter must be provided"),
        (
            {"CreatedAfter": LONG_AGO, "LastUpdatedAfter": LONG_AGO},
            "LastUpdatedAfter and LastUpdatedBefore cannot be used with CreatedAfter",
        ),
        (
            {"LastUpdatedAfter": LONG_AGO, "CreatedBefore": "2026-01-01"},
            "CreatedBefore cannot be used with LastUpdatedAfter",
        ),
        ({"CreatedAfter": "yesterday"}, "CreatedAfter is not a date in ISO 8601 format"),
        (
            {"CreatedAfter": "2026-09-01T00:00:00 02:00"},
            "CreatedAfter is not a date in ISO 8601 format",
        ),  # an unencoded +
        (
            {"CreatedAfter": LONG_AGO, "CreatedBefore": iso(NOW - 119)},
            "CreatedBefore must be at least two minutes before now",
        ),
        ({"CreatedAfter": LONG_AGO, "CreatedBefore": "2019-12-31"}, "CreatedBefore must not be before CreatedAfter"),
        (
            {"LastUpdatedAfter": LONG_AGO, "LastUpdatedBefore": "2019-12-31"},
            "LastUpdatedBefore must not be before LastUpdatedAfter",
        ),
        ({"CreatedAfter": iso(NOW - 119)}, "CreatedAfter must be at least two minutes before now"),
        ({"LastUpdatedAfter": "2030-01-01"}, "LastUpdatedAfter must be at least two minutes before now"),
        (
            {"CreatedAfter": "0001-01-01T00:00:00+23:59", "CreatedBefore": "0001-01-01T00:00:01+23:59"},
            "CreatedAfter is not a date in ISO 8601 format",
        ),
        (
            {"CreatedAfter": LONG_AGO, "SellerOrderId": "902-1234567-1234567", "OrderStatuses": "Shipped"},
            "OrderStatuses cannot be used with SellerOrderId",
        ),
        ({"CreatedAfter": LONG_AGO, "MaxResultsPerPage": "9" * 5000}, "MaxResultsPerPage must be a number"),
        ({"CreatedAfter": LONG_AGO, "AmazonOrderIds": "1," * 51}, "AmazonOrderIds must not have more than 50 values"),
        ({"CreatedAfter": LONG_AGO, "OrderStatuses": "Shipped,Lost"}, "OrderStatuses has an unknown value: Lost"),
        ({"CreatedAfter": LONG_AGO, "FulfillmentChannels": "FBA"}, "FulfillmentChannels has an unknown value: FBA"),
        ({"CreatedAfter": LONG_AGO, "PaymentMethods": "Gold"}, "PaymentMethods has an unknown value: Gold"),
        ({"CreatedAfter": LONG_AGO, "MaxResultsPerPage": "0"}, "MaxResultsPerPage must be from 1 to 100"),
        ({"CreatedAfter": LONG_AGO, "MaxResultsPerPage": "101"}, "MaxResultsPerPage must be from 1 to 100"),
        ({"CreatedAfter": LONG_AGO, "MaxResultsPerPage": "ten"}, "MaxResultsPerPage must be a number"),
    ],
)
def test_get_orders_refuses_what_cannot_be_asked(amazon: Local, query: dict[str, str], details: str) -> None:
    assert get_orders(amazon, **query).error == (400, "InvalidInput", details)


def said(answer: Reply) -> str:
    return str(answer.json["errors"][0]["message"])


def test_the_old_version_refuses_in_amazons_words(amazon: Local) -> None:
    """amzn/selling-partner-api-docs issues 326 and 598, amzn/selling-partner-api-models issue 2382."""
    not_valid = "The input you have submitted is not valid. Please check your input and try again."
    assert said(get_orders(amazon, CreatedAfter=LONG_AGO, CreatedBefore=iso(NOW))) == not_valid
    assert said(amazon.call("GET", "/orders/v0/orders/901-0000000-0000000/orderItems")) == not_valid
    assert said(get_orders(amazon, CreatedAfter="2026-09-01T00:00:00 02:00")) == "timestamp must follow ISO8601"
    assert said(get_orders(amazon, NextToken="x")) == (
        "We could not decode your NextToken. Possible reasons include: a transmission error, improper quoting or a "
        "truncation problem."
    )
    assert said(search(amazon, paginationToken="x")) == "Invalid Input"


@pytest.mark.parametrize(
    "text",
    ["2026-09-01", "2026-09-01T00:00:00", "2026-09-01T00:00:00.000Z", "2026-09-01T02:00:00+02:00", "20260901T000000Z"],
)
def test_dates_come_in_every_form_of_iso_8601(amazon: Local, text: str) -> None:
    assert ids(get_orders(amazon, CreatedAfter=text)) == ids(get_orders(amazon, CreatedAfter="2026-09-01T00:00:00Z"))


def test_new_orders_become_visible_as_the_clock_moves(amazon: Local) -> None:
    newest = max(sold(amazon), key=lambda order: order.created)
    past = iso(newest.created - 1)
    assert newest.id not in ids(get_orders(amazon, CreatedAfter=LONG_AGO, CreatedBefore=past))
    amazon.world.advance(3600)
    assert newest.id in ids(get_orders(amazon, CreatedAfter=LONG_AGO, CreatedBefore=iso(NOW + 3000)))


@pytest.mark.parametrize("rest", ["", "/address", "/buyerInfo", "/orderItems", "/orderItems/buyerInfo"])
def test_an_order_that_is_not_the_accounts_is_invalid_input(amazon: Local, rest: str) -> None:
    foreign = sold(amazon, "ALOCALSELLEREU")[0].id
    answer = amazon.call("GET", f"/orders/v0/orders/{foreign}{rest}")
    assert answer.error == (400, "InvalidInput", f"Order {foreign} was not found")


def test_the_items_of_an_order_have_one_page(amazon: Local) -> None:
    order = sold(amazon)[0]
    answer = amazon.call("GET", f"/orders/v0/orders/{order.id}/orderItems", NextToken="x")
    assert answer.error == (400, "InvalidInput", "NextToken is not valid")


def personal(order: Order) -> list[str]:
    return [order.address.name, order.address.line, order.address.phone, order.email]


def test_a_plain_token_sees_no_personal_data_in_orders(amazon: Local) -> None:
    order = next(
        one for one in sold(amazon) if one.status == "Shipped" and any(item.gift_message for item in one.items)
    )
    token = amazon.token()
    for path in ("", f"/{order.id}", f"/{order.id}/orderItems"):
        query = {} if path else {"MarketplaceIds": ALL, "CreatedAfter": LONG_AGO}
        answer = amazon.call("GET", f"/orders/v0/orders{path}", token, **query)
        text = answer.body.decode()
        assert answer.status == 200
        assert not [one for one in personal(order) if one in text]
        assert "GiftMessageText" not in text
        assert "BuyerInfo" not in text
        assert "ShippingAddress" not in text


def test_address_and_buyer_have_operations_of_their_own(amazon: Local) -> None:
    order = next(one for one in sold(amazon) if one.status == "Shipped")
    address = amazon.call("GET", f"/orders/v0/orders/{order.id}/address")
    fits(address, "orders_v0", "GetOrderAddressResponse")
    assert address.json["payload"]["AmazonOrderId"] == order.id
    assert address.json["payload"]["ShippingAddress"]["AddressLine1"] == order.address.line
    buyer = amazon.call("GET", f"/orders/v0/orders/{order.id}/buyerInfo")
    fits(buyer, "orders_v0", "GetOrderBuyerInfoResponse")
    expected = {"AmazonOrderId": order.id, "BuyerEmail": order.email, "BuyerName": order.address.name}
    assert buyer.json["payload"] == expected


def test_gift_messages_have_an_operation_of_their_own(amazon: Local) -> None:
    order = next(one for one in sold(amazon) if any(item.gift_message for item in one.items))
    answer = amazon.call("GET", f"/orders/v0/orders/{order.id}/orderItems/buyerInfo")
    fits(answer, "orders_v0", "GetOrderItemsBuyerInfoResponse")
    shown = [item.get("GiftMessageText") for item in answer.json["payload"]["OrderItems"]]
    assert shown == [item.gift_message for item in order.items]


def test_a_pending_order_shows_neither_price_nor_person(amazon: Local) -> None:
    order = next(one for one in sold(amazon) if one.status == "Pending")
    shown = amazon.call("GET", f"/orders/v0/orders/{order.id}").json["payload"]
    assert "OrderTotal" not in shown
    for rest in ("address", "buyerInfo"):
        payload = amazon.call("GET", f"/orders/v0/orders/{order.id}/{rest}").json["payload"]
        assert payload == {"AmazonOrderId": order.id}


# --- 2026-01-01 -------------------------------------------------------------------------------------------------------


def test_both_versions_show_the_same_orders(amazon: Local) -> None:
    included = "BUYER,RECIPIENT,PROCEEDS,FULFILLMENT,PACKAGES,PAYMENT,CANCELLATION"
    new = search(amazon, createdAfter=LONG_AGO, includedData=included)
    old = get_orders(amazon, CreatedAfter=LONG_AGO)
    fits(new, "orders_2026_01_01", "SearchOrdersResponse")
    assert ids(new) == ids(old)
    statuses = {"Canceled": "CANCELLED", "PartiallyShipped": "PARTIALLY_SHIPPED"}
    for mine, theirs in zip(new.json["orders"], old.json["payload"]["Orders"], strict=True):
        assert mine["createdTime"] == theirs["PurchaseDate"].replace("Z", ".000Z")
        assert mine["lastUpdatedTime"] == theirs["LastUpdateDate"].replace("Z", ".000Z")
        status = theirs["OrderStatus"]
        assert mine["fulfillment"]["fulfillmentStatus"] == statuses.get(status, status.upper())
        assert mine["fulfillment"]["fulfilledBy"] == {"AFN": "AMAZON", "MFN": "MERCHANT"}[theirs["FulfillmentChannel"]]
        total = theirs.get("OrderTotal")
        assert mine.get("proceeds", {}).get("grandTotal") == (
            {"amount": total["Amount"], "currencyCode": total["CurrencyCode"]} if total else None
        )


def test_included_data_says_what_an_order_shows(amazon: Local) -> None:
    order = next(one for one in sold(amazon) if one.status == "Shipped")
    path = f"/orders/2026-01-01/orders/{order.id}"
    bare = amazon.call("GET", path)
    fits(bare, "orders_2026_01_01", "GetOrderResponse")
    assert not {"buyer", "recipient", "proceeds", "payment", "fulfillment", "packages"} & set(bare.json["order"])
    assert not [one for one in personal(order) if one in bare.body.decode()]
    full = amazon.call("GET", path, includedData="BUYER,RECIPIENT,PROCEEDS,PAYMENT,FULFILLMENT,PACKAGES")
    fits(full, "orders_2026_01_01", "GetOrderResponse")
    shown = full.json["order"]
    assert shown["orderId"] == order.id
    assert shown["buyer"] == {"buyerName": order.address.name, "buyerEmail": order.email}
    assert shown["recipient"]["deliveryAddress"]["addressLine1"] == order.address.line
    assert shown["proceeds"]["grandTotal"]["amount"] == str(order.total)
    assert shown["packages"][0]["packageItems"] == [
        {"orderItemId": item.id, "quantity": item.shipped} for item in order.items
    ]
    parts = [part["subtotal"]["amount"] for item in shown["orderItems"] for part in item["proceeds"]["breakdowns"]]
    assert sum(map(Decimal, parts)) == order.total


@pytest.mark.parametrize(
    ("query", "keep"),
    [
        ({"fulfillmentStatuses": "CANCELLED"}, lambda order: order.status == "Canceled"),
        (
            {"fulfillmentStatuses": "SHIPPED,PARTIALLY_SHIPPED"},
            lambda order: order.status in ("Shipped", "PartiallyShipped"),
        ),
        ({"fulfilledBy": "AMAZON"}, lambda order: order.channel == "AFN"),
        ({"marketplaceIds": CA}, lambda order: order.marketplace.id == CA),
        ({"createdBefore": iso(NOW - 86_400)}, lambda order: order.created <= NOW - 86_400),
    ],
)
def test_search_orders_filters(amazon: Local, query: dict[str, str], keep: Any) -> None:
    found = ids(search(amazon, createdAfter=LONG_AGO, **query))
    assert found
    assert Counter(found) == Counter(order.id for order in sold(amazon) if keep(order))


def test_search_orders_pages(amazon: Local) -> None:
    whole = ids(search(amazon, lastUpdatedAfter=LONG_AGO))
    answer = search(amazon, lastUpdatedAfter=LONG_AGO, maxResultsPerPage="40")
    assert answer.json["lastUpdatedBefore"] == iso(NOW - 120)
    rest = search(amazon, paginationToken=answer.json["pagination"]["nextToken"], maxResultsPerPage="40")
    assert "pagination" not in rest.json
    assert ids(answer) + ids(rest) == whole


@pytest.mark.parametrize(
    ("query", "details"),
    [
        ({}, "Either createdAfter or lastUpdatedAfter must be provided"),
        ({"createdAfter": LONG_AGO, "includedData": "ALL"}, "includedData has an unknown value: ALL"),
        (
            {"createdAfter": LONG_AGO, "fulfillmentStatuses": "Shipped"},
            "fulfillmentStatuses has an unknown value: Shipped",
        ),
        ({"createdAfter": LONG_AGO, "fulfilledBy": "AFN"}, "fulfilledBy has an unknown value: AFN"),
    ],
)
def test_search_orders_refuses_what_cannot_be_asked(amazon: Local, query: dict[str, str], details: str) -> None:
    assert search(amazon, **query).error == (400, "InvalidInput", details)


def test_an_unknown_order_is_not_found_in_the_new_version(amazon: Local) -> None:
    answer = amazon.call("GET", "/orders/2026-01-01/orders/901-0000000-0000000")
    assert answer.error == (404, "NotFound", "Order 901-0000000-0000000 was not found")
