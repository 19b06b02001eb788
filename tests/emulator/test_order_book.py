"""Lists of orders and of what follows from them are kept, and are right after an order has changed."""

import hashlib
from dataclasses import replace
from decimal import Decimal
from typing import Any

from sellerport.emulator import World
from sellerport.emulator.shop import DAY_S, Order

from .conftest import NOW, Local
from .test_finances import groups, transactions
from .test_orders import LONG_AGO, get_orders, ids, iso, sold
from .test_sales import MONTHS, metrics, sums
from .test_shipment_confirmation import confirm, waiting, whole


def posted(amazon: Local) -> dict[str, Any]:
    found = transactions(amazon, postedAfter=iso(NOW - 60 * DAY_S))
    return {one["relatedIdentifiers"][0]["relatedIdentifierValue"]: one for one in found}


def updated_since(amazon: Local, when: float) -> list[str]:
    return ids(get_orders(amazon, LastUpdatedAfter=iso(when)))


def test_a_change_shows_in_every_list_that_was_read_before(amazon: Local) -> None:
    order = waiting(amazon)
    before = (
        posted(amazon),
        updated_since(amazon, order.updated),
        groups(amazon),
        metrics(amazon, **MONTHS, granularity="Total"),
    )
    assert order.id not in before[0]
    assert order.id in before[1]
    assert confirm(amazon, order, whole(order)).status == 204
    amazon.world.advance(600)
    after = posted(amazon)
    assert after.keys() - before[0].keys() == {order.id}
    assert after[order.id]["postedDate"] == iso(NOW)
    assert [*after][-1] == order.id
    assert updated_since(amazon, NOW) == [order.id]
    assert sorted(updated_since(amazon, order.updated)) == sorted(before[1])
    for name in before[0]:
        assert after[name] == before[0][name]
    total = Decimal(str(after[order.id]["totalAmount"]["currencyAmount"]))
    moved = [
        Decimal(str(new["OriginalTotal"]["CurrencyAmount"])) - Decimal(str(old["OriginalTotal"]["CurrencyAmount"]))
        for old, new in zip(before[2], groups(amazon), strict=True)
    ]
    assert [one for one in moved if one] == [total]
    assert sums(metrics(amazon, **MONTHS, granularity="Total")) == sums(before[3])  # what was ordered is what it was


def test_a_cancelled_order_is_in_no_list_of_money_any_more(amazon: Local) -> None:
    order = waiting(amazon)
    query = {**MONTHS, "marketplaceIds": order.marketplace.id}
    (before,) = amazon.call("GET", "/sales/v1/orderMetrics", **query, granularity="Total").json["payload"]
    shipped = ids(get_orders(amazon, CreatedAfter=LONG_AGO, OrderStatuses="Unshipped"))
    amazon.world.change_order("ALOCALSELLERNA", replace(order, status="Canceled", updated=int(NOW)))
    (after,) = amazon.call("GET", "/sales/v1/orderMetrics", **query, granularity="Total").json["payload"]
    assert before["orderCount"] - after["orderCount"] == 1
    assert [one for one in shipped if one != order.id] == ids(
        get_orders(amazon, CreatedAfter=LONG_AGO, OrderStatuses="Unshipped")
    )


def test_what_is_posted_later_comes_with_the_clock(amazon: Local) -> None:
    def refunded(one: Order) -> bool:
        return int(hashlib.sha256(one.id.encode()).hexdigest(), 16) % 12 == 0

    amazon.world.add_account(("US",), selling_partner_id="AMANY", orders=300)
    order = next(
        one
        for one in amazon.world.account("AMANY").orders.values()
        if refunded(one) and (one.channel, one.status) == ("MFN", "Unshipped")
    )
    grant = amazon.world.grant("AMANY").refresh_token
    query = {"relatedIdentifierName": "ORDER_ID", "relatedIdentifierValue": order.id}
    assert transactions(amazon, amazon.token(grant), **query) == []
    sent = tuple(replace(item, shipped=item.quantity) for item in order.items)
    amazon.world.change_order("AMANY", replace(order, items=sent, status="Shipped", updated=int(NOW)))
    kinds = []
    for days in (0, 5):
        amazon.world.advance(days * DAY_S)
        kinds.append([one["transactionType"] for one in transactions(amazon, amazon.token(grant), **query)])
    assert kinds == [["Shipment"], ["Shipment", "Refund"]]


def test_an_order_that_changes_between_pages_moves_no_other(amazon: Local) -> None:
    """It is in the next search for changes, as it changed after the time that this one goes up to."""
    every = updated_since(amazon, NOW - 60 * DAY_S)
    answer = get_orders(amazon, LastUpdatedAfter=iso(NOW - 60 * DAY_S), MaxResultsPerPage="9")
    pages, changed = [ids(answer)], waiting(amazon)
    assert changed.id not in pages[0]
    amazon.world.advance(3600)
    amazon.world.change_order("ALOCALSELLERNA", replace(changed, updated=int(NOW)))
    while token := answer.json["payload"].get("NextToken"):
        answer = get_orders(amazon, NextToken=token, MaxResultsPerPage="9")
        assert answer.json["payload"]["LastUpdatedBefore"] == iso(NOW - 120)
        pages.append(ids(answer))
    assert [one for page in pages for one in page] == [one for one in every if one != changed.id]
    assert updated_since(amazon, NOW - 120) == [changed.id]


def test_pages_of_transactions_are_the_whole(amazon: Local) -> None:
    amazon.world.add_account(("US", "CA"), selling_partner_id="AMANY", orders=400)
    token, query = amazon.token(amazon.world.grant("AMANY").refresh_token), {"postedAfter": iso(NOW - 60 * DAY_S)}
    found: list[tuple[str, str]] = []
    more: dict[str, str] | None = {}
    while more is not None:
        payload = amazon.good("GET", "/finances/2024-06-19/transactions", token, **query, **more)["payload"]
        listed = payload["transactions"]
        found += [(one["transactionType"], one["relatedIdentifiers"][0]["relatedIdentifierValue"]) for one in listed]
        more = {"nextToken": payload["nextToken"]} if "nextToken" in payload else None
    orders = amazon.world.account("AMANY").orders.values()
    shipped = [one.id for one in orders if one.status in ("Shipped", "PartiallyShipped")]
    assert len(shipped) > 300
    assert sorted(id for kind, id in found if kind == "Shipment") == sorted(shipped)
    refunded = [id for kind, id in found if kind == "Refund"]
    assert len(refunded) == len(set(refunded)) > 10


def test_seeded_orders_are_those_of_the_time_they_were_seeded(amazon: Local) -> None:
    """They are made when they are first looked at, which may be later."""
    early, late = (World(seed=5, orders=80, clock=lambda: NOW) for _ in range(2))
    looked = early.account("ALOCALSELLERNA").orders
    assert len(looked) == len(list(looked)) == 80
    late.advance(30 * DAY_S)
    assert late.account("ALOCALSELLERNA").orders == looked
    assert max(one.created for one in sold(amazon)) < NOW


def test_orders_cost_nothing_until_they_are_looked_at(amazon: Local) -> None:
    made = amazon.control("POST", "accounts", {"marketplaces": ["PL"], "name": "Kramik", "orders": 10**9})
    assert made.status in (200, 201), made.body
    assert made.json["orders"] == 10**9
