"""Who hears of what: the destinations and subscriptions of applications, and what is sent to them.

* A notification is for an account. Every subscription of the account to its type gets it, in an envelope of its own:
  Amazon writes that of some types with capitals and of others without.
* An SQS destination is a queue (see `queue`), which is made where it is named. What is for EventBridge comes as a rule
  would send it on to SQS, in EventBridge's envelope, to the queue ``events`` of the AWS account.
* A filter of marketplaces or of kinds of order changes is obeyed. ``filterExpression`` (CEL) and aggregation periods
  are kept and shown, and filter nothing.
* Reports, feeds and queries move on when they are asked for (see `jobs`). Whoever waits for a notification does not
  ask, so a look into the queue where the notification will be is a look at the job.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from sellerport.emulator.grants import written
from sellerport.emulator.jobs import OPEN, Job, Kind
from sellerport.emulator.queue import Name
from sellerport.emulator.shop import Order

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

    def wants(self, payload: Mapping[str, Any]) -> bool:
        """Whether its filter lets a notification through."""
        chosen = (self.directive or {}).get("eventFilter", {})
        for name, filtered in (("marketplaceIds", "MarketplaceId"), ("orderChangeTypes", "OrderChangeType")):
            said = _said(payload, filtered)
            if chosen.get(name) and said is not None and said not in chosen[name]:
                return False
        return True


class Subscriptions:
    """All destinations and subscriptions, oldest first; made anew with the world."""

    def __init__(self) -> None:
        self.destinations: dict[str, Destination] = {}
        self.subscriptions: dict[str, Subscription] = {}


def notify(world: World, seller: str, type: str, payload: Mapping[str, Any]) -> int:
    """Send a notification to all who subscribed to it, and return how many they are."""
    wanting = [
        one
        for one in world.subscriptions.subscriptions.values()
        if (one.seller, one.type) == (seller, type) and one.wants(payload)
    ]
    for one in wanting:
        deliver(world, one, payload)
    return len(wanting)


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


def _said(payload: Any, name: str) -> Any:
    """Return the value of a name, wherever in a payload it first stands and however it is spelled."""
    if isinstance(payload, Mapping):
        for key, value in payload.items():
            found = value if key.lower() == name.lower() else _said(value, name)
            if found is not None:
                return found
    return None


# --- what is told -----------------------------------------------------------------------------------------------------


def look(world: World, queue: Name) -> None:
    """Move on what is waited for in a queue: the jobs whose end will be told there, and secrets near their end."""
    world.login.notices()
    waiting = {
        (one.seller, kind)
        for one in world.subscriptions.subscriptions.values()
        for kind, type in JOBS.items()
        if one.type == type and one.destination.queue == queue
    }
    for schedule in world.schedules.values():
        if (schedule.account, "report") in waiting:
            schedule.look()
    for job in list(world.jobs.values()) if waiting else ():
        if job.status in OPEN and (job.account, job.kind) in waiting:
            job.look()


def tell_end(world: World, job: Job) -> None:
    """Tell that a job has ended; nobody is told of exports."""
    if job.kind in JOBS:
        notify(world, job.account, JOBS[job.kind], ended(job))


def ended(job: Job) -> dict[str, Any]:
    """Return what is told of a job."""
    account = f"amzn1.merchant.o.{job.account}"
    if job.kind == "query":
        document = {"dataDocumentId" if job.status == "DONE" else "errorDocumentId": job.document}
        pages = {"pagination": {"nextToken": job.next_page}} if job.next_page and job.status == "DONE" else {}
        return {
            "accountId": account,
            "queryId": job.id,
            "query": job.type,
            "processingStatus": job.status,
            **(document if job.document else {}),
            **pages,
        }
    document_name = "reportDocumentId" if job.kind == "report" else "resultFeedDocumentId"
    said = {
        "sellerId": job.account,
        "accountId": account,
        f"{job.kind}Id": job.id,
        f"{job.kind}Type": job.type,
        "processingStatus": job.status,
        **({document_name: job.document} if job.document else {}),
    }
    return {f"{job.kind}ProcessingFinishedNotification": said}


def order_changed(seller: str, order: Order) -> dict[str, Any]:
    """Return what is told of an order."""
    shipped = sum(item.shipped for item in order.items)
    pieces = sum(item.quantity for item in order.items)
    programs = (("Business", order.business), ("Prime", order.prime))
    windows = {"Ship": order.ship_window, "Delivery": order.delivery_window}
    summary = {
        "MarketplaceId": order.marketplace.id,
        "OrderStatus": order.status,
        "PurchaseDate": written(order.created),
        "DestinationPostalCode": order.address.postal_code if order.priced else None,
        "FulfillmentType": order.channel,
        "OrderType": "StandardOrder",
        "NumberOfItemsShipped": shipped,
        "NumberOfItemsUnshipped": 0 if order.status in ("Canceled", "Unfulfillable") else pieces - shipped,
        **{f"Earliest{name}Date": written(first) for name, (first, _) in windows.items()},
        **{f"Latest{name}Date": written(last) for name, (_, last) in windows.items()},
        "OrderPrograms": [name for name, on in programs if on],
        "ShippingPrograms": [],
        "OrderItems": [
            {
                "OrderItemId": item.id,
                "SellerSKU": item.sku,
                "SupplySourceId": None,
                "Quantity": item.quantity,
                "QuantityShipped": item.shipped,
            }
            for item in order.items
        ],
    }
    change = {
        "NotificationLevel": "OrderLevel",
        "SellerId": seller,
        "AmazonOrderId": order.id,
        "OrderChangeType": "OrderStatusChange",
        "OrderChangeTrigger": {"TimeOfOrderChange": written(order.updated), "ChangeReason": "Other"},
        "Summary": summary,
    }
    return {"OrderChangeNotification": change}
