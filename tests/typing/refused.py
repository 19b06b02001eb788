"""Mistakes that type checkers catch before a call is made; checked by mypy and pyright, never run.

Each is marked with what mypy says of it. A mark that nothing needs is an error in both.
"""

# pyright: basic, reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from sellerport import AsyncSellingPartner, SellingPartner


def an_unknown_name(sp: SellingPartner) -> None:
    _ = sp.ordres  # type: ignore[attr-defined]
    sp.orders.serch_orders()  # type: ignore[attr-defined]
    sp.orders_v0.get_orders(marketplace_id=["ATVPDKIKX0DER"])  # type: ignore[call-arg]
    sp.orders.search_orders(MarketplaceIds=["ATVPDKIKX0DER"])  # type: ignore[call-arg]


def a_wrong_value(sp: SellingPartner) -> None:
    sp.orders.search_orders(fulfillment_statuses=["SHIPED"])  # type: ignore[list-item]
    sp.orders.search_orders(fulfillment_statuses="SHIPED")  # type: ignore[arg-type]
    sp.orders.search_orders(max_results_per_page="50")  # type: ignore[arg-type]
    sp.orders.search_orders(created_after=1767225600)  # type: ignore[arg-type]
    sp.promotions.search_promotions(limit="50")  # type: ignore[arg-type]
    sp.customer_feedback.get_item_review_topics(asin="B00TEST000", sort_by="STARS")  # type: ignore[arg-type]
    sp.reports.get_report_document(report_document_id=None)  # type: ignore[arg-type]


def a_missing_argument(sp: SellingPartner) -> None:
    sp.orders.get_order()  # type: ignore[call-arg]
    sp.feeds.create_feed()  # type: ignore[call-arg]


def an_argument_without_its_name(sp: SellingPartner) -> None:
    sp.orders.get_order("902-1234567-1234567")  # type: ignore[call-arg]


def a_wrong_body(sp: SellingPartner) -> None:
    sp.feeds.create_feed(body={"feedType": "JSON_LISTINGS_FEED"})  # type: ignore[typeddict-item]


def a_field_that_no_answer_has(sp: SellingPartner) -> None:
    sp.orders.search_orders().data["payload"]  # type: ignore[typeddict-item]


def an_element_that_is_not_there(sp: SellingPartner) -> None:
    sp.orders_v0.get_order(order_id="1", restricted=["buyerName"])  # type: ignore[list-item]
    sp.sellers.get_account(restricted=True)  # type: ignore[call-arg]


async def an_answer_that_is_not_awaited(sp: AsyncSellingPartner) -> None:
    _ = sp.orders.search_orders().data  # type: ignore[attr-defined]
