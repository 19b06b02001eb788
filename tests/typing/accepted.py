"""Calls that type checkers accept, and what they say comes back; checked by mypy and pyright, never run."""

# pyright: strict

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, Literal, assert_type

from sellerport import AsyncPage, AsyncSellingPartner, Page, Result, SellingPartner
from sellerport.types.catalog_items_2022_04_01 import Item, ItemSearchResults
from sellerport.types.customer_feedback_2024_06_01 import ItemReviewTopicsResponse
from sellerport.types.feeds_2021_06_30 import CreateFeedResponse, CreateFeedSpecification
from sellerport.types.fulfillment_outbound_2026_07_04 import (
    CreateOrderAcceptedResponse,
    CreateOrderRequest,
    CreateOrderResponse,
)
from sellerport.types.orders_2026_01_01 import Order, SearchOrdersResponse
from sellerport.types.orders_v0 import GetOrderRegulatedInfoResponse, GetOrdersResponse, OrderList, OrdersList
from sellerport.types.orders_v0 import Order as OrderV0
from sellerport.types.sellers_v1 import GetMarketplaceParticipationsResponse, MarketplaceParticipation


def an_answer_has_the_type_of_its_operation(sp: SellingPartner) -> None:
    found = sp.orders_2026_01_01.search_orders(created_after=datetime(2026, 1, 1, tzinfo=UTC))
    assert_type(found, Page[SearchOrdersResponse, SearchOrdersResponse, Order])
    assert_type(found.data["orders"], list[Order])
    assert_type(found.data["orders"][0]["orderId"], str)
    assert_type(found.payload["orders"], list[Order])
    assert_type(found.next_token, Any)
    assert_type(found.request_id, str | None)
    assert_type(found["orders"], Any)


async def an_async_answer_is_awaited(sp: AsyncSellingPartner) -> None:
    assert_type(
        await sp.orders_2026_01_01.search_orders(), AsyncPage[SearchOrdersResponse, SearchOrdersResponse, Order]
    )
    assert_type(
        await sp.sellers.get_marketplace_participations(),
        Result[GetMarketplaceParticipationsResponse, list[MarketplaceParticipation]],
    )


def a_short_name_is_the_newest_version(sp: SellingPartner) -> None:
    assert_type(sp.orders.search_orders(), Page[SearchOrdersResponse, SearchOrdersResponse, Order])
    assert_type(sp.catalog_items.get_catalog_item(asin="B00TEST000"), Result[Item, Item])


def moments_are_text_dates_or_datetimes(sp: SellingPartner) -> None:
    sp.orders.search_orders(created_after="2026-01-01T00:00:00Z")
    sp.orders.search_orders(created_after=date(2026, 1, 1))
    sp.promotions.search_promotions(start_date_after=date(2026, 1, 1), limit=10)
    sp.vehicles.get_vehicles(vehicle_type="CAR", updated_after=datetime(2026, 1, 1, tzinfo=UTC))


def a_list_may_be_one_value(sp: SellingPartner) -> None:
    sp.orders.search_orders(marketplace_ids="ATVPDKIKX0DER")
    sp.orders.search_orders(marketplace_ids=("ATVPDKIKX0DER", "A2EUQ1WTGCTBG2"), fulfillment_statuses="SHIPPED")
    found = sp.catalog_items.search_catalog_items(keywords=["socks"], included_data=["summaries", "images"])
    assert_type(found, Page[ItemSearchResults, ItemSearchResults, Item])


def a_list_may_be_anything_that_can_be_iterated(sp: SellingPartner, orders: list[Order]) -> None:
    sp.orders.search_orders(marketplace_ids={"ATVPDKIKX0DER"}, fulfillment_statuses={"SHIPPED", "UNSHIPPED"})
    sp.catalog_items.search_catalog_items(identifiers=(one["orderId"] for one in orders))
    sp.promotions.search_promotions(promotion_types=["COUPON"], included_data="SUMMARY")


def none_is_the_same_as_not_given(sp: SellingPartner, token: str | None) -> None:
    sp.orders.search_orders(pagination_token=token)


def a_body_is_a_dict(sp: SellingPartner) -> None:
    body: CreateFeedSpecification = {
        "feedType": "JSON_LISTINGS_FEED",
        "marketplaceIds": ["ATVPDKIKX0DER"],
        "inputFeedDocumentId": "amzn1.tortuga.test",
    }
    assert_type(sp.feeds.create_feed(body=body), Result[CreateFeedResponse, CreateFeedResponse])


def an_answer_without_a_body_is_none(sp: SellingPartner) -> None:
    assert_type(sp.feeds.cancel_feed(feed_id="1"), Result[None, None])

    assert_type(sp.supply_sources.archive_supply_source(supply_source_id="1"), Result[None, None])
    assert_type(sp.services.cancel_reservation(reservation_id="1"), Result[None, None])


def an_answer_that_may_lack_a_body_may_be_none(sp: SellingPartner) -> None:
    found = sp.customer_feedback.get_item_review_topics(asin="B00TEST000", sort_by="MENTIONS")
    assert_type(found, Result[ItemReviewTopicsResponse | None, ItemReviewTopicsResponse | None])


def an_answer_of_two_forms_is_either(sp: SellingPartner, body: CreateOrderRequest) -> None:
    found = sp.fulfillment_outbound.create_order(body=body)
    assert_type(
        found,
        Result[CreateOrderResponse | CreateOrderAcceptedResponse, CreateOrderResponse | CreateOrderAcceptedResponse],
    )


def enumerations_are_literals(answer: GetOrderRegulatedInfoResponse) -> None:
    if "payload" in answer:
        status = answer["payload"]["RegulatedOrderVerificationStatus"]["Status"]
        assert_type(status, Literal["Pending", "Approved", "Rejected", "Expired", "Cancelled"])


def a_deprecated_operation_is_still_typed(sp: SellingPartner) -> None:
    found = sp.orders_v0.get_orders(marketplace_ids=["ATVPDKIKX0DER"], created_after="2026-01-01")  # pyright: ignore[reportDeprecated]
    assert_type(found, Page[GetOrdersResponse, OrdersList, OrderV0])
    if "payload" in found.data:
        assert_type(found.data["payload"]["Orders"], OrderList)
    assert_type(found.payload["Orders"], OrderList)


def pages_are_made_of_their_items(sp: SellingPartner) -> None:
    for order in sp.orders.search_orders().items():
        assert_type(order["orderId"], str)
    for page in sp.orders.search_orders().pages():
        assert_type(page.data["orders"], list[Order])


async def async_pages_are_too(sp: AsyncSellingPartner) -> None:
    async for order in sp.orders.search_orders().items():
        assert_type(order["orderId"], str)
    async for page in (await sp.orders.search_orders()).pages():
        assert_type(page.data["orders"], list[Order])


def restricted_operations_name_their_elements(sp: SellingPartner) -> None:
    sp.orders_v0.get_order(order_id="902-1234567-1234567", restricted=["buyerInfo", "shippingAddress"])  # pyright: ignore[reportDeprecated]
    sp.merchant_fulfillment.get_shipment(shipment_id="1", restricted=True)
    with sp.restricted("buyerInfo") as private:
        assert_type(private, SellingPartner)


def options_make_the_same_kind_of_client(sp: SellingPartner, other: AsyncSellingPartner) -> None:
    assert_type(sp.with_options(timeout_s=60), SellingPartner)
    assert_type(other.with_options(limit="raise"), AsyncSellingPartner)


def any_path_can_be_called(sp: SellingPartner) -> None:
    assert_type(sp.call("GET", "/orders/v0/orders", params={"MarketplaceIds": ["ATVPDKIKX0DER"]}), Result[Any, Any])


def a_body_may_hold_moments_and_leave_the_marketplace_to_the_client(sp: SellingPartner) -> None:
    sp.reports.create_report(body={"reportType": "GET_X", "dataStartTime": datetime(2026, 1, 1, tzinfo=UTC)})
