"""An application that hears of things: its destinations, its subscriptions, and what it was told."""

import json
from typing import Any

from .conftest import Local, Reply

US, CA = "ATVPDKIKX0DER", "A2EUQ1WTGCTBG2"
ARN = "arn:aws:sqs:us-east-1:123456789012:orders"
DESTINATIONS, SUBSCRIPTIONS = "/notifications/v1/destinations", "/notifications/v1/subscriptions"
EVERY_CHANGE = {
    "eventFilter": {
        "eventFilterType": "ORDER_CHANGE",
        "orderChangeTypes": ["BuyerRequestedChange", "OrderStatusChange"],
    }
}
"""Without one, Amazon lets nobody subscribe to changes of orders."""


def destination(amazon: Local, arn: str = ARN, name: str = "orders") -> Reply:
    body = {"name": name, "resourceSpecification": {"sqs": {"arn": arn}}}
    return amazon.call("POST", DESTINATIONS, amazon.grantless(), body)


def bus(amazon: Local, account: str = "123456789012") -> Reply:
    spec = {"eventBridge": {"accountId": account, "region": "us-east-1"}}
    return amazon.call("POST", DESTINATIONS, amazon.grantless(), {"name": "bus", "resourceSpecification": spec})


def subscribe(amazon: Local, type: str, to: str, version: str = "1.0", token: str | None = None, **more: Any) -> Reply:
    if type == "ORDER_CHANGE":
        more = {"processingDirective": EVERY_CHANGE, **more}
    body = {"destinationId": to, "payloadVersion": version, **more}
    return amazon.call("POST", f"{SUBSCRIPTIONS}/{type}", token, body)


def made(reply: Reply) -> Any:
    assert reply.status == 200, reply.body
    return reply.json["payload"]


def url(amazon: Local, name: str = "orders") -> str:
    return f"{amazon.base}/_sqs/us-east-1/123456789012/{name}"


def told(amazon: Local, queues: Any, name: str = "orders") -> list[Any]:
    """Everything that lies in a queue, once, as it was written; it is then gone."""
    found = []
    while messages := queues.receive_message(QueueUrl=url(amazon, name), MaxNumberOfMessages=10).get("Messages"):
        found += [json.loads(one["Body"]) for one in messages]
        entries = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(messages)]
        queues.delete_message_batch(QueueUrl=url(amazon, name), Entries=entries)
    return found
