"""Notifications v1: destinations, which belong to an application, and subscriptions, which are for one of its sellers.

Destinations are made in a region and known only there; where a request names no host, there is no region, and what is
made without one is known everywhere. Everything about a destination, and a subscription by its id, takes a grantless
token; the rest takes a seller's.

Not known, and so made up: the words for an unknown type and for a FIFO queue; ``sendTestNotification`` is done on every
host and for the types that have a sample here, whatever the scenario is called. Amazon says null for the resource that
a destination is not; its schema does not allow that, so it is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from sellerport.emulator import filters, page_tokens, payloads, subscriptions
from sellerport.emulator.call import Answer, Call, invalid, missing
from sellerport.emulator.documents import moment
from sellerport.emulator.jobs import Job, Kind, Outcome
from sellerport.emulator.offers import offers
from sellerport.emulator.outbound_orders import Outgoing
from sellerport.emulator.queue import Name
from sellerport.emulator.shelf import Item, Listing, Waiting
from sellerport.emulator.subscriptions import EVENT_BRIDGE, JOBS, SQS, Destination, Subscription
from sellerport.emulator.world import Account
from sellerport.errors import AccessDenied, AmazonRefused

LEAST_PAGE, LARGEST_PAGE = 30, 100


# --- destinations -----------------------------------------------------------------------------------------------------


def create_destination(call: Call) -> Answer:
    """Name a queue, or an AWS account's event bus, that notifications can be sent to."""
    asked = call.checked_body()
    wanted = {name: spec for name, spec in asked["resourceSpecification"].items() if spec is not None}
    if len(wanted) != 1:
        raise _input("A destination cannot be created with multiple resource types", "Invalid input.")
    ((kind, spec),) = wanted.items()
    if kind == "eventBridge":
        if not re.fullmatch(r"\d{12}", spec["accountId"], re.ASCII) or not re.fullmatch(r"[a-z0-9-]+", spec["region"]):
            raise _input("The account or region of the eventBridge resource is not valid", "Invalid input.")
        name = f"aws.partner/sellingpartnerapi.amazon.com/{spec['accountId']}/{call.application.application_id}"
        spec = {"name": name, "region": spec["region"], "accountId": spec["accountId"]}
    elif Name.of_arn(spec["arn"]) is None:
        raise _input(f"The queue {spec['arn']} is not a standard queue of SQS", "Invalid input.")
    for known in _destinations(call):
        held = known.resource.get(kind)
        if held and all(held[one] == spec[one] for one in ("arn", "accountId") if one in spec):
            arn = spec.get("arn") or spec["name"]
            raise AmazonRefused(
                "The requested resource conflict with a resource in the server.",
                status=409,
                amazon_code="Conflict",
                details=f"A destination with arn {arn} already exists for the application "
                f"{call.application.application_id}",
            )
    region = call.region if call.host else None
    made = Destination(call.world.uuid(), call.application.application_id, region, asked["name"], {kind: spec})
    call.world.subscriptions.destinations[made.id] = made
    if made.queue is not None:
        call.world.queues.make(made.queue)
    return Answer({"payload": _destination(made)})


def get_destinations(call: Call) -> Answer:
    """List the application's destinations."""
    return Answer({"payload": [_destination(one) for one in _destinations(call)]})


def get_destination(call: Call) -> Answer:
    """Return one destination."""
    return Answer({"payload": _destination(_known_destination(call))})


def delete_destination(call: Call) -> Answer:
    """Delete a destination that nothing is sent to."""
    known = _known_destination(call)
    if any(one.destination is known for one in call.world.subscriptions.subscriptions.values()):
        message = "The requested action is forbidden."
        raise AccessDenied(message, status=403, amazon_code="Unauthorized", details="Destination has subscriptions")
    del call.world.subscriptions.destinations[known.id]
    return Answer({})


def _destinations(call: Call) -> list[Destination]:
    region = call.region if call.host else None
    return [
        one
        for one in call.world.subscriptions.destinations.values()
        if one.application_id == call.application.application_id
        and (one.region == region or None in (one.region, region))
    ]


def _known_destination(call: Call) -> Destination:
    id = call.path["destinationId"]
    for one in _destinations(call):
        if one.id == id:
            return one
    raise missing(f"No destination with id {id} for applicationId {call.application.application_id}")


def _destination(one: Destination) -> dict[str, Any]:
    return {"destinationId": one.id, "name": one.name, "resource": one.resource}


# --- subscriptions ----------------------------------------------------------------------------------------------------


def create_subscription(call: Call) -> Answer:
    """Subscribe to what happens to the seller."""
    asked, type = call.checked_body(), _type(call.path["notificationType"])
    destination = _target(call, type, asked["destinationId"])
    directive: Mapping[str, Any] | None = asked.get("processingDirective")
    filters.check(type, directive)
    for known in _own(call, type):
        if (known.payload_version, known.directive) == (asked["payloadVersion"], directive):
            raise AmazonRefused(
                "The resource specified conflicts with the current state.",
                status=409,
                amazon_code="StateConflict",
                details=f"Subscription already exist for notification type {type}",
            )
    made = Subscription(
        id=call.world.uuid(),
        application_id=call.application.application_id,
        seller=call.seller,
        type=type,
        payload_version=asked["payloadVersion"],
        destination=destination,
        directive=directive,
    )
    call.world.subscriptions.subscriptions[made.id] = made
    return Answer({"payload": _subscription(made)})


def get_subscription(call: Call) -> Answer:
    """Return the seller's subscription to a type: that of a payload version, or of the newest one."""
    type, version = _type(call.path["notificationType"]), call.one("payloadVersion")
    found = [one for one in _own(call, type) if version in (None, one.payload_version)]
    if not found:
        raise missing(f"No subscription for notification type {type}")
    return Answer({"payload": _subscription(max(found, key=lambda one: one.payload_version))})


def get_subscriptions(call: Call) -> Answer:
    """List all of the seller's subscriptions to a type."""
    types, version = call.many("notificationTypes"), call.one("payloadVersion")
    if len(types) != 1:
        raise _input("notificationTypes must be a single type")
    size = call.size("pageSize", most=LARGEST_PAGE, default=LEAST_PAGE)
    if size < LEAST_PAGE:
        raise invalid(f"pageSize must be from {LEAST_PAGE} to {LARGEST_PAGE}")
    token, arguments = call.one("nextToken"), {"types": types, "version": version}
    if token is None:
        ids = [one.id for one in _own(call, _type(types[0])) if version in (None, one.payload_version)]
    else:
        ids = page_tokens.redeem(call, token, name="nextToken", arguments=arguments)
    every = call.world.subscriptions.subscriptions
    payload: dict[str, Any] = {"subscriptions": [_subscription(every[one]) for one in ids[:size] if one in every]}
    if rest := ids[size:]:
        payload["nextToken"] = page_tokens.issue(call, rest, arguments=arguments)
    return Answer({"payload": payload})


def get_subscription_by_id(call: Call) -> Answer:
    """Return any subscription of the application."""
    return Answer({"payload": _subscription(_known_subscription(call))})


def delete_subscription_by_id(call: Call) -> Answer:
    """End any subscription of the application."""
    del call.world.subscriptions.subscriptions[_known_subscription(call).id]
    return Answer({})


def _own(call: Call, type: str) -> list[Subscription]:
    return [
        one
        for one in call.world.subscriptions.subscriptions.values()
        if (one.application_id, one.seller, one.type) == (call.application.application_id, call.seller, type)
    ]


def _known_subscription(call: Call) -> Subscription:
    type, id = _type(call.path["notificationType"]), call.path["subscriptionId"]
    one = call.world.subscriptions.subscriptions.get(id)
    if one is None or (one.type, one.application_id) != (type, call.application.application_id):
        raise missing(f"No subscription with id {id} for notification type {type}")
    return one


def _target(call: Call, type: str, id: str) -> Destination:
    """Return a destination that a type can be sent to."""
    destination = next((one for one in _destinations(call) if one.id == id), None)
    if destination is None:
        raise _input(f"No destination with id {id} for applicationId {call.application.application_id}")
    kind = "eventBridge" if type in EVENT_BRIDGE else "sqs"
    if kind not in destination.resource:
        other = "AWS_SQS" if kind == "eventBridge" else "AWS_EVENT_BRIDGE"
        raise _input(f"Notification type {type} does not support {other}")
    return destination


def _type(name: str) -> str:
    if name not in EVENT_BRIDGE | SQS:
        raise _input(f"Notification type {name} is not valid")
    return name


def _subscription(one: Subscription) -> dict[str, Any]:
    directive = {"processingDirective": one.directive} if one.directive is not None else {}
    return {
        "subscriptionId": one.id,
        "payloadVersion": one.payload_version,
        "destinationId": one.destination.id,
        **directive,
    }


def _input(details: str, message: str = "Request has missing or invalid parameters and cannot be parsed.") -> Any:
    return AmazonRefused(message, status=400, amazon_code="InvalidInput", details=details)


# --- tests of notifications -------------------------------------------------------------------------------------------


def send_test_notification(call: Call) -> Answer:
    """Send a sample of a notification to a destination."""
    asked, type = call.checked_body(), _type(call.path["notificationType"])
    test = asked.get("testNotification", {})
    if not test.get("testScenario"):
        raise _input("testScenario must be provided")
    if not any(one.id == asked.get("destinationId") for one in _destinations(call)):
        details = "recheck that the AppId and DestinationId are valid and DestinationId belongs to the application"
        raise _input(f"Invalid Input, {details}", "InvalidInput")
    destination = _target(call, type, asked["destinationId"])
    if type not in SAMPLES:
        raise _input(f"There is no test of notification type {type}; there are: {', '.join(SAMPLES)}")
    application = call.application.application_id
    to = Subscription(call.world.uuid(), application, "", type, test["payloadVersion"], destination)
    subscriptions.deliver(call.world, to, SAMPLES[type](call))
    return Answer({})


def _job(kind: Kind, type: str, call: Call) -> dict[str, Any]:
    job = Job("1", kind, type, "ATESTSELLER", {}, 0, 0, Outcome(), status="DONE", document="amzn1.spdoc.test")
    return payloads.ended(job)


def _order(call: Call) -> dict[str, Any]:
    account = next(one for one in _sellers(call) if one.orders)
    return payloads.order_changed(account.selling_partner_id, next(iter(account.orders.values())))


def _sellers(call: Call) -> list[Account]:
    return [one for one in call.world.accounts.values() if (one.region, one.kind) == (call.region, "seller")]


def _listing(call: Call, *, by_amazon: bool = False) -> Listing:
    account = next(one for one in _sellers(call) if one.products)
    listed = call.world.shelf.listings(account.selling_partner_id, [account.marketplaces[0].id])
    return next(one for one in listed if one.by_amazon == by_amazon and not one.is_parent)


def _said(call: Call, **more: Any) -> dict[str, Any]:
    return payloads.of_listing(_listing(call), **more)


def _item(call: Call) -> Item:
    found = call.world.shelf.item(_listing(call))
    assert found is not None
    return found


def _offers(call: Call, *, business: bool) -> dict[str, Any]:
    item, say = _item(call), payloads.business_offers_changed if business else payloads.offers_changed
    found = offers(call.world.shelf, item, business=business)
    return say(item.maker.seller, item, "New", found, call.world.now())


def _stock(call: Call) -> dict[str, Any]:
    one = _listing(call, by_amazon=True)
    stock = call.world.shelf.stock(one.seller, one.marketplace, one.sku)
    return payloads.stock_changed(one, one.title, [one.marketplace], stock, Waiting())


def _outgoing(call: Call) -> dict[str, Any]:
    now, one = call.world.now(), _listing(call, by_amazon=True)
    return payloads.outgoing_changed(
        Outgoing("TEST-1", one.seller, one.marketplace, {}, "Standard", "Ship", "FillOrKill", [], now, now, {})
    )


def _definitions(call: Call) -> dict[str, Any]:
    account = _sellers(call)[0]
    version = call.world.product_type_version()
    return payloads.definitions_changed(account.selling_partner_id, account.marketplaces[0], version)


SAMPLES: Mapping[str, Callable[[Call], dict[str, Any]]] = {
    JOBS["report"]: partial(_job, "report", "GET_MERCHANT_LISTINGS_ALL_DATA"),
    JOBS["feed"]: partial(_job, "feed", "JSON_LISTINGS_FEED"),
    JOBS["query"]: partial(_job, "query", "query{test}"),
    "ORDER_CHANGE": _order,
    "FULFILLMENT_ORDER_STATUS": _outgoing,
    "FBA_INVENTORY_AVAILABILITY_CHANGES": _stock,
    "ANY_OFFER_CHANGED": partial(_offers, business=False),
    "B2B_ANY_OFFER_CHANGED": partial(_offers, business=True),
    "LISTINGS_ITEM_STATUS_CHANGE": lambda call: _said(
        call, CreatedDate=moment(call.world.now()), Status=["BUYABLE", "DISCOVERABLE"]
    ),
    "LISTINGS_ITEM_ISSUES_CHANGE": lambda call: _said(
        call, Severities=["ERROR"], EnforcementActions=["SEARCH_SUPPRESSED"]
    ),
    "LISTINGS_ITEM_MFN_QUANTITY_CHANGE": lambda call: payloads.quantity_changed(_listing(call)),
    "ITEM_PRODUCT_TYPE_CHANGE": lambda call: payloads.type_changed(_item(call), "PRODUCT"),
    "BRANDED_ITEM_CONTENT_CHANGE": lambda call: payloads.content_changed(_item(call), ["item_name"]),
    "PRODUCT_TYPE_DEFINITIONS_CHANGE": _definitions,
    "ACCOUNT_STATUS_CHANGED": lambda _: {
        "accountStatusChangeNotification": {"previousAccountStatus": "NORMAL", "currentAccountStatus": "AT_RISK"}
    },
}
"""What a test of each type says."""

HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    "notifications_v1.create_destination": create_destination,
    "notifications_v1.get_destinations": get_destinations,
    "notifications_v1.get_destination": get_destination,
    "notifications_v1.delete_destination": delete_destination,
    "notifications_v1.create_subscription": create_subscription,
    "notifications_v1.get_subscription": get_subscription,
    "notifications_v1.get_subscriptions": get_subscriptions,
    "notifications_v1.get_subscription_by_id": get_subscription_by_id,
    "notifications_v1.delete_subscription_by_id": delete_subscription_by_id,
    "notifications_v1.send_test_notification": send_test_notification,
}
