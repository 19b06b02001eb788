"""What type checkers know of a notification's payload; checked by mypy and pyright, never run."""

# pyright: strict

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, assert_type

from sellerport import notifications
from sellerport.notifications import Notification, types


def a_payload_has_the_type_that_was_asked_for(notification: Notification) -> None:
    change = notification.payload_as(types.OrderChange)["OrderChangeNotification"]
    assert_type(change["AmazonOrderId"], str)
    assert_type(change["Summary"]["FulfillmentType"], Literal["AFN", "MFN"])
    assert_type(change["Summary"]["DestinationPostalCode"], str | None)
    assert_type(change["Summary"]["OrderItems"], list[types.OrderChangeOrderItemsItem])


def without_a_type_it_is_json(notification: Notification) -> None:
    assert_type(notification.payload, dict[str, Any])
    assert_type(notification.event_time, datetime | None)
    assert_type(notification.id, str | None)


def a_message_is_text_bytes_or_what_they_hold(body: str, event: dict[str, Any]) -> None:
    assert_type(notifications.parse(body), Notification)
    notifications.parse(body.encode())
    notifications.parse(event)


async def a_queue_is_read_in_both_colours(url: str) -> None:
    for one in notifications.sqs.poll(url):
        assert_type(one, Notification)
    async for each in notifications.sqs.apoll(url):
        assert_type(each, Notification)


def a_key_that_no_schema_has_is_a_mistake(notification: Notification) -> None:
    notification.payload_as(types.OrderChange)["orderChangeNotification"]  # type: ignore[typeddict-item]
