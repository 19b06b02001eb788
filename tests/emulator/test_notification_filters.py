"""What subscriptions let through: event filters, filter expressions in CEL, and changes that are put together."""

import sys
from typing import Any

import pytest

from .conftest import Local
from .subscriber import CA, EVERY_CHANGE, US, bus, destination, made, subscribe, told

SELLER = "ALOCALSELLERNA"


def event_filter(type: str, **more: Any) -> dict[str, Any]:
    return {"eventFilter": {"eventFilterType": type, **more}}


def tell(amazon: Local, type: str, payload: Any) -> int:
    body = {"selling_partner_id": SELLER, "type": type, "payload": payload}
    return int(amazon.control("POST", "notify", body).json["sent"])


def offer(price: float, shop: str = US, asin: str = "B0LTESTTES") -> dict[str, Any]:
    trigger = {"MarketplaceId": shop, "ASIN": asin}
    return {"AnyOfferChangedNotification": {"OfferChangeTrigger": trigger, "Offers": [{"Price": price}]}}


def prices(messages: list[Any]) -> list[float]:
    return [one["Payload"]["AnyOfferChangedNotification"]["Offers"][0]["Price"] for one in messages]


# --- event filters ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type", "filtered"),
    [
        ("ANY_OFFER_CHANGED", {"marketplaceIds": [US], "aggregationSettings": {"aggregationTimePeriod": "TenMinutes"}}),
        ("ANY_OFFER_CHANGED", {}),
        ("ORDER_CHANGE", {"marketplaceIds": [US, CA], "orderChangeTypes": ["DeliveryTipChange"]}),
        ("SHIPMENT_TRACKING_MILESTONE_CHANGED", {"trackingIdentifier": {"aftn": "1"}}),
        (
            "SHIPMENT_TRACKING_MILESTONE_CHANGED",
            {"trackingIdentifier": {"carrierTracking": {"trackingNumber": "1", "carrierCode": "X"}}},
        ),
    ],
)
def test_a_type_is_filtered_by_what_it_knows(amazon: Local, type: str, filtered: dict[str, Any]) -> None:
    to = made(destination(amazon))["destinationId"]
    directive = event_filter(type, **filtered)
    assert made(subscribe(amazon, type, to, processingDirective=directive))["processingDirective"] == directive


@pytest.mark.parametrize(
    ("type", "directive"),
    [
        ("ORDER_CHANGE", event_filter("ANY_OFFER_CHANGED")),
        ("ORDER_CHANGE", event_filter("ORDER_CHANGE", marketplaceIds=[US])),
        ("ORDER_CHANGE", event_filter("ORDER_CHANGE", orderChangeTypes=[])),
        ("ANY_OFFER_CHANGED", event_filter("ANY_OFFER_CHANGED", orderChangeTypes=["OrderStatusChange"])),
        ("FEED_PROCESSING_FINISHED", event_filter("ANY_OFFER_CHANGED")),
        (
            "SHIPMENT_TRACKING_MILESTONE_CHANGED",
            event_filter("SHIPMENT_TRACKING_MILESTONE_CHANGED", trackingIdentifier={"aftn": "1", "acsin": "2"}),
        ),
    ],
)
def test_an_event_filter_of_another_type_is_refused_in_amazons_words(
    amazon: Local, type: str, directive: dict[str, Any]
) -> None:
    to = made(destination(amazon))["destinationId"]
    answer = subscribe(amazon, type, to, processingDirective=directive)
    status, code, details = answer.error
    assert (status, code) == (400, "InvalidInput")
    assert details is not None
    assert details.startswith('EventFilter Payload {"eventFilterType":"')
    assert details.endswith(f"failed to validate for notification type {type}")
    message = "Request has missing or invalid parameters and cannot be parsed."
    assert answer.json["errors"][0]["message"] == message


def test_changes_of_orders_are_not_subscribed_to_without_a_filter(amazon: Local) -> None:
    """amzn/selling-partner-api-models#4135, abuzuhri/Amazon-SP-API-CSharp#621."""
    to = made(destination(amazon))["destinationId"]
    empty = (400, "InvalidInput", "Processing Directive eventFilter must not be empty")
    path, body = "/notifications/v1/subscriptions/ORDER_CHANGE", {"destinationId": to, "payloadVersion": "1.0"}
    assert amazon.call("POST", path, body=body).error == empty
    assert amazon.call("POST", path, body={**body, "processingDirective": {}}).error == empty
    assert subscribe(amazon, "FEED_PROCESSING_FINISHED", to, processingDirective={}).error == empty
    assert amazon.call("POST", path, body={**body, "processingDirective": {"filterExpression": "true"}}).status == 200
    assert amazon.call("POST", path, body={**body, "processingDirective": EVERY_CHANGE}).status == 200


def test_what_the_schema_of_a_directive_does_not_know_is_refused(amazon: Local) -> None:
    to = made(destination(amazon))["destinationId"]
    for wrong in (
        event_filter("FEED_PROCESSING_FINISHED"),
        event_filter("ANY_OFFER_CHANGED", aggregationSettings={"aggregationTimePeriod": "OneMinute"}),
        event_filter("ANY_OFFER_CHANGED", aggregationSettings={}),
        {"eventFilter": {}},
        {"filterExpression": ""},
        {"filterExpression": f"'{'x' * 248}' == 'x'"},  # 257 characters
    ):
        answer = subscribe(amazon, "ANY_OFFER_CHANGED", to, processingDirective=wrong)
        assert answer.error[:2] == (400, "InvalidInput"), wrong
    longest = {"filterExpression": f"'{'x' * 247}' == 'x'"}
    made(subscribe(amazon, "ANY_OFFER_CHANGED", to, processingDirective=longest))


def test_a_tracking_filter_lets_one_shipment_through(amazon: Local, queues: Any) -> None:
    to, type = made(destination(amazon))["destinationId"], "SHIPMENT_TRACKING_MILESTONE_CHANGED"
    made(subscribe(amazon, type, to, processingDirective=event_filter(type, trackingIdentifier={"aftn": "A1"})))
    for number in ("A1", "A2"):
        detail = {"trackingDetail": {"identifier": {"aftn": number}}}
        tell(amazon, type, {"shipmentTrackingMilestoneChangedNotification": detail})
    (message,) = told(amazon, queues)
    detail = message["payload"]["shipmentTrackingMilestoneChangedNotification"]["trackingDetail"]
    assert detail["identifier"] == {"aftn": "A1"}


# --- filter expressions -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "passes"),
    [
        ("FulfillmentOrderStatusNotification.FulfillmentOrderStatus == 'SHIPPED'", True),
        ("FulfillmentOrderStatusNotification.FulfillmentOrderStatus != 'SHIPPED'", False),
        ("FulfillmentOrderStatusNotification.FulfillmentOrderStatus in ['PLANNING', 'SHIPPED']", True),
        ("has(FulfillmentOrderStatusNotification.Nothing)", False),
        ("FulfillmentOrderStatusNotification.Nothing == 1", False),
        ("Other.Nothing == 1 || FulfillmentOrderStatusNotification.Price < 13", True),
        ("FulfillmentOrderStatusNotification.Count < 2.5", True),
        ("FulfillmentOrderStatusNotification.Packages.exists(p, p.PackageNumber == 2)", True),
        ("FulfillmentOrderStatusNotification.Packages.all(p, p.PackageNumber > 1)", False),
        ("FulfillmentOrderStatusNotification.Count > 1 ? true : false", True),
        ("FulfillmentOrderStatusNotification.FulfillmentOrderStatus", False),
    ],
)
def test_an_expression_lets_through_what_makes_it_true(
    amazon: Local, queues: Any, expression: str, passes: bool
) -> None:
    to = made(destination(amazon))["destinationId"]
    directive = {"filterExpression": expression}
    one = made(subscribe(amazon, "FULFILLMENT_ORDER_STATUS", to, processingDirective=directive))
    assert one["processingDirective"] == directive
    said = {"FulfillmentOrderStatus": "SHIPPED", "Price": 12.5, "Count": 2}
    packages = [{"PackageNumber": 1}, {"PackageNumber": 2}]
    payload = {"FulfillmentOrderStatusNotification": {**said, "Packages": packages}}
    assert tell(amazon, "FULFILLMENT_ORDER_STATUS", payload) == int(passes)
    assert len(told(amazon, queues)) == int(passes)


@pytest.mark.parametrize(
    "expression",
    [
        "A.Price * 2 > 5",
        "A.Price + 1.0 > 5.0",
        "A.Price - 1.0 > 5.0",
        "A.Price / 2.0 > 5.0",
        "A.Count % 2 == 0",
        "-A.Count < 0",
        "A.Offers[0].Price > 5",
        "A['Price'] > 5",
        "A.Price >",
        "launch(A)",
        "12",
        "(" * 60 + "true" + ")" * 60,
    ],
)
def test_an_expression_with_arithmetic_or_indexing_or_that_is_no_condition_is_refused(
    amazon: Local, expression: str
) -> None:
    to = made(destination(amazon))["destinationId"]
    directive = {"filterExpression": expression}
    status, code, details = subscribe(amazon, "ANY_OFFER_CHANGED", to, processingDirective=directive).error
    assert (status, code) == (400, "InvalidInput")
    assert details is not None
    assert details.startswith("FilterExpression failed to validate for notification type ANY_OFFER_CHANGED: ")


def test_an_expression_is_for_types_that_take_one_and_goes_with_no_event_filter(amazon: Local) -> None:
    to, events = made(destination(amazon))["destinationId"], made(bus(amazon))["destinationId"]
    directive = {"filterExpression": "true"}
    details = "Notification type LISTINGS_ITEM_STATUS_CHANGE does not support filterExpression"
    refused = subscribe(amazon, "LISTINGS_ITEM_STATUS_CHANGE", events, processingDirective=directive)
    assert refused.error == (400, "InvalidInput", details)
    both = {**directive, **event_filter("ANY_OFFER_CHANGED")}
    refused = subscribe(amazon, "ANY_OFFER_CHANGED", to, processingDirective=both)
    assert refused.error == (400, "InvalidInput", "eventFilter and filterExpression are mutually exclusive")


def test_without_the_extra_an_expression_is_refused_with_what_to_install(
    amazon: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cel_expr_python", None)
    to = made(destination(amazon))["destinationId"]
    directive = {"filterExpression": "Never.Compiled == 'before'"}
    _, _, details = subscribe(amazon, "ANY_OFFER_CHANGED", to, processingDirective=directive).error
    assert details is not None
    assert "pip install 'sellerport[cel]'" in details


def test_a_type_has_one_subscription_for_each_version_and_filter(amazon: Local, queues: Any) -> None:
    to = made(destination(amazon))["destinationId"]
    cheap, dear = {"filterExpression": "Price < 10"}, {"filterExpression": "Price >= 10"}
    ids = [
        made(subscribe(amazon, "PRICING_HEALTH", to, version, **more))["subscriptionId"]
        for version, more in (
            ("1.0", {}),
            ("1.0", {"processingDirective": cheap}),
            ("1.0", {"processingDirective": dear}),
            ("2.0", {"processingDirective": dear}),
        )
    ]
    assert subscribe(amazon, "PRICING_HEALTH", to, processingDirective=dear).error[:2] == (409, "StateConflict")
    assert tell(amazon, "PRICING_HEALTH", {"Price": 12}) == 3
    heard = [one["notificationMetadata"]["subscriptionId"] for one in told(amazon, queues)]
    assert heard == [ids[0], ids[2], ids[3]]


# --- aggregation ------------------------------------------------------------------------------------------------------


def aggregated(amazon: Local, period: str = "FiveMinutes") -> str:
    to = made(destination(amazon))["destinationId"]
    directive = event_filter("ANY_OFFER_CHANGED", aggregationSettings={"aggregationTimePeriod": period})
    return str(made(subscribe(amazon, "ANY_OFFER_CHANGED", to, processingDirective=directive))["subscriptionId"])


@pytest.mark.parametrize(("period", "seconds"), [("FiveMinutes", 300), ("TenMinutes", 600)])
def test_of_many_changes_the_first_and_the_last_of_a_period_are_told(
    amazon: Local, queues: Any, period: str, seconds: int
) -> None:
    aggregated(amazon, period)
    for price in range(1, 51):
        assert tell(amazon, "ANY_OFFER_CHANGED", offer(price)) == 1
    assert prices(told(amazon, queues)) == [1]
    amazon.world.advance(seconds - 1)
    assert told(amazon, queues) == []
    amazon.world.advance(1)
    assert prices(told(amazon, queues)) == [50]
    tell(amazon, "ANY_OFFER_CHANGED", offer(51))
    assert told(amazon, queues) == []  # a period began with what was sent
    amazon.world.advance(seconds)
    assert prices(told(amazon, queues)) == [51]
    amazon.world.advance(2 * seconds)
    assert told(amazon, queues) == []
    tell(amazon, "ANY_OFFER_CHANGED", offer(52))
    assert prices(told(amazon, queues)) == [52]


def test_changes_are_put_together_by_item_and_marketplace_and_only_for_who_wants_that(
    amazon: Local, queues: Any
) -> None:
    aggregated(amazon)
    every = made(destination(amazon, arn="arn:aws:sqs:us-east-1:123456789012:every"))["destinationId"]
    made(subscribe(amazon, "ANY_OFFER_CHANGED", every))
    for price, more in ((1, {}), (2, {"shop": CA}), (3, {"asin": "B0LOTHERTE"}), (4, {}), (5, {"shop": CA})):
        tell(amazon, "ANY_OFFER_CHANGED", offer(price, **more))
    assert prices(told(amazon, queues)) == [1, 2, 3]
    assert prices(told(amazon, queues, "every")) == [1, 2, 3, 4, 5]
    amazon.world.advance(300)
    assert sorted(prices(told(amazon, queues))) == [4, 5]


def test_what_is_held_back_for_a_subscription_ends_with_it(amazon: Local, queues: Any) -> None:
    id = aggregated(amazon)
    for price in (1, 2):
        tell(amazon, "ANY_OFFER_CHANGED", offer(price))
    path = f"/notifications/v1/subscriptions/ANY_OFFER_CHANGED/{id}"
    assert amazon.call("DELETE", path, amazon.grantless()).status == 200
    amazon.world.advance(300)
    assert prices(told(amazon, queues)) == [1]
