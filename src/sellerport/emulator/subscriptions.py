"""Who hears of what: the destinations and subscriptions of applications, and what is sent to them.

* A notification is for an account. Every subscription of the account to its type gets it, in an envelope of its own:
  Amazon writes that of some types with capitals and of others without.
* An SQS destination is a queue (see `queue`), which is made where it is named. What is for EventBridge comes as a rule
  would send it on to SQS, in EventBridge's envelope, to the queue ``events`` of the AWS account.
* `filters` says what a subscription lets through.
* Where changes of offers are aggregated, the first of an item in a marketplace is sent at once, and of all that follow
  within the period, the last when it is over (see `waiting`); a period begins with whatever is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from sellerport.emulator import filters, payloads
from sellerport.emulator.grants import written
from sellerport.emulator.jobs import Job, Kind
from sellerport.emulator.queue import Name

if TYPE_CHECKING:
    from sellerport.emulator.world import World

SENDER = "437568002678"
"""The AWS account that Amazon sends notifications from."""
EVENTS = "events"

EVENT_BRIDGE = frozenset(
    {
        "BRANDED_ITEM_CONTENT_CHANGE", "ITEM_PRODUCT_TYPE_CHANGE", "LISTINGS_ITEM_ISSUES_CHANGE",
        "LISTINGS_ITEM_MFN_QUANTITY_CHANGE", "LISTINGS_ITEM_STATUS_CHANGE", "PRODUCT_TYPE_DEFINITIONS_CHANGE",
    }
)  # fmt: skip
"""What goes to EventBridge; everything else goes to SQS."""
SQS = frozenset(
    {
        "ACCOUNT_STATUS_CHANGED", "ANY_OFFER_CHANGED", "B2B_ANY_OFFER_CHANGED", "DATA_KIOSK_QUERY_PROCESSING_FINISHED",
        "DETAIL_PAGE_TRAFFIC_EVENT", "EXTERNAL_FULFILLMENT_SHIPMENT_STATUS_CHANGE",
        "FBA_INVENTORY_AVAILABILITY_CHANGES", "FBA_OUTBOUND_SHIPMENT_STATUS", "FEED_PROCESSING_FINISHED",
        "FEE_PROMOTION", "FULFILLMENT_ORDER_STATUS", "ITEM_INVENTORY_EVENT_CHANGE", "ITEM_SALES_EVENT_CHANGE",
        "ORDER_CHANGE", "ORDER_STATUS_CHANGE", "PRICING_HEALTH", "REPORT_PROCESSING_FINISHED",
        "SHIPMENT_TRACKING_MILESTONE_CHANGED", "TRANSACTION_UPDATE",
    }
)  # fmt: skip
WITHOUT_CAPITALS = frozenset(
    {
        "DATA_KIOSK_QUERY_PROCESSING_FINISHED", "DETAIL_PAGE_TRAFFIC_EVENT", "FEED_PROCESSING_FINISHED",
        "ITEM_INVENTORY_EVENT_CHANGE", "ITEM_SALES_EVENT_CHANGE", "PRICING_HEALTH", "REPORT_PROCESSING_FINISHED",
        "SHIPMENT_TRACKING_MILESTONE_CHANGED",
    }
)  # fmt: skip
JOBS: Mapping[Kind, str] = {
    "report": "REPORT_PROCESSING_FINISHED",
    "feed": "FEED_PROCESSING_FINISHED",
    "query": "DATA_KIOSK_QUERY_PROCESSING_FINISHED",
}
"""What the end of a job is told as."""
OUTGOING = ("FULFILLMENT_ORDER_STATUS", "FBA_INVENTORY_AVAILABILITY_CHANGES")
"""What orders from elsewhere lead to when they go on."""


@dataclass(frozen=True)
class Destination:
    """Where an application lets notifications be sent; of one region, or of all where none was named to make it."""

    id: str
    application_id: str
    region: str | None
    name: str
    resource: Mapping[str, Mapping[str, str]]

    @property
    def queue(self) -> Name | None:
        """The queue where its messages can be read."""
        if "sqs" in self.resource:
            return Name.of_arn(self.resource["sqs"]["arn"])
        bus = self.resource["eventBridge"]
        return Name(bus["region"], bus["accountId"], EVENTS)


@dataclass(frozen=True)
class Subscription:
    """What an application wants to hear of an account."""

    id: str
    application_id: str
    seller: str
    type: str
    payload_version: str
    destination: Destination
    directive: Mapping[str, Any] | None = None


@dataclass
class Held:
    """What is held back of one item's changes for one subscription, and until when, in unix seconds."""

    until: float
    payload: Mapping[str, Any] | None = None


class Subscriptions:
    """All destinations and subscriptions, oldest first; made anew with the world."""

    def __init__(self) -> None:
        self.destinations: dict[str, Destination] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.held: dict[tuple[str, str, str], Held] = {}
        """By subscription id, marketplace id and ASIN."""

    @property
    def types(self) -> frozenset[str]:
        """What anybody wants to hear of."""
        return frozenset(one.type for one in self.subscriptions.values())


def notify(world: World, seller: str, type: str, payload: Mapping[str, Any]) -> int:
    """Send a notification to all who subscribed to it, and return how many they are."""
    wanting = [
        one
        for one in world.subscriptions.subscriptions.values()
        if (one.seller, one.type) == (seller, type) and filters.passes(one.directive, payload)
    ]
    for one in wanting:
        if filters.period_s(one.directive):
            _aggregate(world, one, payload)
        else:
            deliver(world, one, payload)
    return len(wanting)


def _aggregate(world: World, to: Subscription, payload: Mapping[str, Any]) -> None:
    """Send the first change of an item, and hold back those that follow within the period."""
    release(world, to)
    key = to.id, str(filters.said(payload, "MarketplaceId")), str(filters.said(payload, "ASIN"))
    if held := world.subscriptions.held.get(key):
        held.payload = payload
    else:
        deliver(world, to, payload)
        world.subscriptions.held[key] = Held(world.now() + filters.period_s(to.directive))


def release(world: World, to: Subscription) -> None:
    """Send what was held back for a subscription until now."""
    now, every = world.now(), world.subscriptions.held
    for key, held in [*every.items()]:
        if key[0] == to.id and held.until <= now:
            del every[key]
            if held.payload is not None:
                deliver(world, to, held.payload)
                every[key] = Held(now + filters.period_s(to.directive))


def deliver(world: World, to: Subscription, payload: Mapping[str, Any]) -> None:
    """Send a notification to one subscription."""
    message = envelope(world, to, payload)
    if bus := to.destination.resource.get("eventBridge"):
        message = {
            "version": "0",
            "id": world.uuid(),
            "detail-type": to.type,
            "source": bus["name"],
            "account": bus["accountId"],
            "time": f"{written(world.now())[:19]}Z",
            "region": bus["region"],
            "resources": [],
            "detail": message,
        }
    if queue := to.destination.queue:
        world.queues.send(world.queues.make(queue), msgspec.json.encode(message).decode())


def envelope(world: World, to: Subscription, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return a notification as Amazon writes one of its type."""
    now = written(world.now())
    if (to.type, to.payload_version) == ("LISTINGS_ITEM_ISSUES_CHANGE", "1.0"):  # knows one enforcement only
        actions = [one for one in payload["EnforcementActions"] if one == "SEARCH_SUPPRESSED"]
        payload = {**payload, "EnforcementActions": actions}
    metadata = {
        "applicationId": to.application_id,
        "subscriptionId": to.id,
        "publishTime": now,
        "notificationId": world.uuid(),
    }
    message = {
        "notificationVersion": "1.0",
        "notificationType": to.type,
        "payloadVersion": to.payload_version,
        "eventTime": now,
        "payload": payload,
        "notificationMetadata": metadata,
    }
    if to.type in WITHOUT_CAPITALS:
        return message
    return _capitals({**message, "notificationMetadata": _capitals(metadata)})


def _capitals(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name[0].upper() + name[1:]: value for name, value in given.items()}


# --- what is told -----------------------------------------------------------------------------------------------------


def tell_end(world: World, job: Job) -> None:
    """Tell that a job has ended; nobody is told of exports."""
    if job.kind in JOBS:
        notify(world, job.account, JOBS[job.kind], payloads.ended(job))
