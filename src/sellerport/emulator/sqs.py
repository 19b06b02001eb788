"""The protocol of Amazon SQS (AWS JSON 1.0), under ``/_sqs``, so that boto3 and its like read the local queues.

A client is told its endpoint, ``http://127.0.0.1:8099/_sqs``, and needs credentials of any value: nothing is checked,
but the region that a request is signed for is the region of the queues that it names. A queue's URL names its region
as a path (``…/_sqs/us-east-1/000000000000/orders``), or as SQS does where one of its hosts was asked. Account ids are
000000000000 where none is said.

A request that waits for messages waits by real time and not by the world's, since it is its connection that is held;
it looks again and again, and whatever moves on by being looked at (see `waiting`) moves on with every look.
Not there: message attributes, FIFO queues, tags, and the query protocol of before 2023.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.responses import Response

from sellerport.emulator import subscriptions, waiting
from sellerport.emulator.faults import Receive
from sellerport.emulator.hosts import QUEUE_HOSTS
from sellerport.emulator.queue import DEFAULTS, NAME, Message, Name, Queue
from sellerport.emulator.traffic import Arrived
from sellerport.emulator.world import World

PREFIX = "/_sqs"
KIND = "application/x-amz-json-1.0"
ACCOUNT = "000000000000"
DEFAULT_REGION = "us-east-1"
LOOK_S = 0.05
BATCH = 10
LONGEST_WAIT_S = 20
LONGEST_HIDDEN_S = 43_200
LONGEST_DELAY_S = 900
SETTABLE = {*DEFAULTS, "Policy", "RedrivePolicy", "RedriveAllowPolicy", "SqsManagedSseEnabled", "KmsMasterKeyId"}
OLD_CODES = {"QueueDoesNotExist": "AWS.SimpleQueueService.NonExistentQueue", "QueueNameExists": "QueueAlreadyExists"}
"""Codes that have another name in the protocol of before; clients find it in a header."""
BATCHES = {"EmptyBatchRequest", "TooManyEntriesInBatchRequest", "BatchEntryIdsNotDistinct"}

_REGION = re.compile(r"Credential=[^/]+/\d+/([a-z0-9-]+)/sqs/")
_URL = re.compile(r"(?:sqs\.([a-z0-9-]+)\.amazonaws\.com|/_sqs/([a-z0-9-]+))/(\d{12})/([\w-]+)/?$", re.ASCII)


class _Refused(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class _Request:
    world: World
    arrived: Arrived
    body: Mapping[str, Any]

    @property
    def region(self) -> str:
        """The region whose host was asked, or that the request is signed for."""
        host = self.arrived.address.partition("://")[2]
        signed = _REGION.search(self.arrived.headers.get("authorization", ""))
        return QUEUE_HOSTS.get(host) or (signed[1] if signed else DEFAULT_REGION)

    def queue(self) -> Queue:
        """Return the queue that the request is about."""
        url = _URL.search(self.text("QueueUrl"))
        name = Name(url[1] or url[2], url[3], url[4]) if url else None
        if name is None or name not in self.world.queues.queues:
            raise _Refused("QueueDoesNotExist", "The specified queue does not exist.")
        return self.world.queues.queues[name]

    def url(self, queue: Queue) -> str:
        region, account, name = queue.name
        _, _, host = self.arrived.address.partition("://")
        place = "" if host in QUEUE_HOSTS else f"{PREFIX}/{region}"
        return f"{self.arrived.address}{place}/{account}/{name}"

    def text(self, name: str, given: Mapping[str, Any] | None = None) -> str:
        value = (self.body if given is None else given).get(name)
        if not isinstance(value, str) or not value:
            raise _Refused("MissingParameter", f"The request must contain the parameter {name}.")
        return value

    def number(
        self,
        name: str,
        most: int,
        *,
        least: int = 0,
        default: int | None = None,
        given: Mapping[str, Any] | None = None,
    ) -> int | None:
        value = (self.body if given is None else given).get(name, default)
        if value is not None and (not isinstance(value, int) or not least <= value <= most):
            raise _Refused(
                "InvalidParameterValue",
                f"Value {value} for parameter {name} is invalid. Reason: Must be between {least} and {most}.",
            )
        return value


async def respond(world: World, arrived: Arrived, receive: Receive) -> Response | None:
    """Answer a request; None if its client left while it waited."""
    action = arrived.headers.get("x-amz-target", "").removeprefix("AmazonSQS.")
    try:
        body = msgspec.json.decode(arrived.body or b"{}", type=dict[str, Any])
        request = _Request(world, arrived, body)
        if action == "ReceiveMessage":
            answer = await _received(request, receive)
            return None if answer is None else _json(world, answer)
        if action not in ACTIONS:
            raise _Refused("UnsupportedOperation", f"The local Amazon has no SQS action {action!r}.")
        return _json(world, ACTIONS[action](request))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _refusal(world, _Refused("SerializationException", "The request is not a JSON object."))
    except _Refused as refused:
        return _refusal(world, refused)


def _json(world: World, body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    found = {"x-amzn-RequestId": world.uuid(), **(headers or {})}
    return Response(msgspec.json.encode(body), status, found, media_type=KIND)


def _refusal(world: World, refused: _Refused) -> Response:
    code = refused.code
    old = OLD_CODES.get(code, f"AWS.SimpleQueueService.{code}" if code in BATCHES else code)
    body = {"__type": f"com.amazonaws.sqs#{code}", "message": str(refused)}
    return _json(world, body, 400, {"x-amzn-query-error": f"{old};Sender"})


# --- queues -----------------------------------------------------------------------------------------------------------


def _create(request: _Request) -> Any:
    name, attributes = request.text("QueueName"), request.body.get("Attributes") or {}
    if not NAME.fullmatch(name):
        reason = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
        raise _Refused("InvalidParameterValue", reason)
    _check(attributes)
    key = Name(request.region, ACCOUNT, name)
    known = request.world.queues.queues.get(key)
    if known and any(known.attributes.get(one) != value for one, value in attributes.items()):
        raise _Refused("QueueNameExists", f"A queue already exists with the same name and different attributes: {name}")
    return {"QueueUrl": request.url(known or request.world.queues.make(key, attributes))}


def _check(attributes: Mapping[str, str]) -> None:
    for name, value in attributes.items():
        if name not in SETTABLE:
            raise _Refused("InvalidAttributeName", f"Unknown Attribute {name}.")
        if (name in DEFAULTS and not (value.isascii() and value.isdecimal())) or not _is_policy(name, value):
            raise _Refused("InvalidAttributeValue", f"Invalid value for the parameter {name}.")


def _is_policy(name: str, value: str) -> bool:
    if name != "RedrivePolicy" or not value:
        return True
    try:
        policy = msgspec.json.decode(value, type=dict[str, Any])
        return Name.of_arn(policy["deadLetterTargetArn"]) is not None and int(policy["maxReceiveCount"]) > 0
    except (msgspec.DecodeError, KeyError, TypeError, ValueError):
        return False


def _delete_queue(request: _Request) -> Any:
    del request.world.queues.queues[request.queue().name]
    return {}


def _purge(request: _Request) -> Any:
    request.queue().messages.clear()
    return {}


def _list(request: _Request) -> Any:
    prefix = request.body.get("QueueNamePrefix") or ""
    found = [
        request.url(one)
        for name, one in request.world.queues.queues.items()
        if name.region == request.region and name.name.startswith(prefix)
    ]
    return {"QueueUrls": found} if found else {}


def _url_of(request: _Request) -> Any:
    account = request.body.get("QueueOwnerAWSAccountId") or ACCOUNT
    known = request.world.queues.queues.get(Name(request.region, account, request.text("QueueName")))
    if known is None:
        raise _Refused("QueueDoesNotExist", "The specified queue does not exist.")
    return {"QueueUrl": request.url(known)}


def _attributes(request: _Request) -> Any:
    queue, asked = request.queue(), request.body.get("AttributeNames") or []
    waiting, hidden, delayed = queue.counts(request.world.now())
    every = {
        "QueueArn": queue.name.arn,
        "ApproximateNumberOfMessages": str(waiting),
        "ApproximateNumberOfMessagesNotVisible": str(hidden),
        "ApproximateNumberOfMessagesDelayed": str(delayed),
        "CreatedTimestamp": str(int(queue.created)),
        "LastModifiedTimestamp": str(int(queue.created)),
        **queue.attributes,
    }
    if unknown := [name for name in asked if name != "All" and name not in every and name not in SETTABLE]:
        raise _Refused("InvalidAttributeName", f"Unknown Attribute {unknown[0]}.")
    found = {name: value for name, value in every.items() if "All" in asked or name in asked}
    return {"Attributes": found} if found else {}


def _set(request: _Request) -> Any:
    attributes = request.body.get("Attributes") or {}
    _check(attributes)
    request.queue().attributes.update(attributes)
    return {}


# --- messages ---------------------------------------------------------------------------------------------------------


def _send(request: _Request, given: Mapping[str, Any] | None = None) -> Any:
    if (request.body if given is None else given).get("MessageAttributes"):
        raise _Refused("UnsupportedOperation", "The local Amazon has no message attributes.")
    queue, body = request.queue(), request.text("MessageBody", given)
    most = queue.number("MaximumMessageSize")
    if len(body.encode()) > most:
        reason = f"Message must be shorter than {most} bytes."
        raise _Refused("InvalidParameterValue", f"One or more parameters are invalid. Reason: {reason}")
    delay_s = request.number("DelaySeconds", LONGEST_DELAY_S, given=given)
    message = request.world.queues.send(queue, body, delay_s=delay_s)
    return {"MessageId": message.id, "MD5OfMessageBody": _md5(body)}


async def _received(request: _Request, receive: Receive) -> Any:
    queue = request.queue()
    most = request.number("MaxNumberOfMessages", BATCH, least=1, default=1) or 1
    hide_s = request.number("VisibilityTimeout", LONGEST_HIDDEN_S)
    usual = queue.number("ReceiveMessageWaitTimeSeconds")
    wait_s = request.number("WaitTimeSeconds", LONGEST_WAIT_S, default=usual) or 0
    gone = asyncio.ensure_future(receive())
    try:
        for look in range(round(wait_s / LOOK_S) + 1):
            if look and (await asyncio.wait({gone}, timeout=LOOK_S))[0]:
                return None
            waiting.look(request.world, queue.name)
            if messages := request.world.queues.receive(queue, most, hide_s):
                return {"Messages": [_message(request, one) for one in messages]}
    finally:
        gone.cancel()
    return {}


def _message(request: _Request, message: Message) -> dict[str, Any]:
    asked = [
        *(request.body.get("MessageSystemAttributeNames") or ()),
        *(request.body.get("AttributeNames") or ()),
    ]
    every = {
        "SenderId": subscriptions.SENDER,
        "SentTimestamp": str(round(message.sent * 1000)),
        "ApproximateReceiveCount": str(message.received),
        "ApproximateFirstReceiveTimestamp": str(round((message.first_received or 0) * 1000)),
    }
    attributes = {name: value for name, value in every.items() if "All" in asked or name in asked}
    return {
        "MessageId": message.id,
        "ReceiptHandle": message.receipt,
        "MD5OfBody": _md5(message.body),
        "Body": message.body,
        **({"Attributes": attributes} if attributes else {}),
    }


def _delete(request: _Request, given: Mapping[str, Any] | None = None) -> Any:
    queue, receipt = request.queue(), request.text("ReceiptHandle", given)
    if receipt not in queue.receipts:
        raise _Refused("ReceiptHandleIsInvalid", f'The input receipt handle "{receipt}" is not a valid receipt handle.')
    if message := queue.held(receipt):  # to delete again, or by an older handle, succeeds and does nothing
        del queue.messages[message.id]
    return {}


def _hide(request: _Request, given: Mapping[str, Any] | None = None) -> Any:
    queue, receipt, now = request.queue(), request.text("ReceiptHandle", given), request.world.now()
    hide_s = request.number("VisibilityTimeout", LONGEST_HIDDEN_S, given=given)
    if hide_s is None:
        raise _Refused("MissingParameter", "The request must contain the parameter VisibilityTimeout.")
    if receipt not in queue.receipts:
        raise _Refused("ReceiptHandleIsInvalid", f'The input receipt handle "{receipt}" is not a valid receipt handle.')
    message = queue.held(receipt)
    if message is None or message.visible <= now:
        raise _Refused("MessageNotInflight", "The message referred to is not in flight.")
    message.visible = now + hide_s
    return {}


def _each(do: Callable[[_Request, Mapping[str, Any]], Any]) -> Callable[[_Request], Any]:
    """Do with every entry of a batch what is done with one."""

    def batch(request: _Request) -> Any:
        request.queue()
        entries = request.body.get("Entries") or []
        ids = [request.text("Id", entry) for entry in entries]
        if not entries:
            raise _Refused("EmptyBatchRequest", "There should be at least one entry in the request.")
        if len(entries) > BATCH:
            raise _Refused("TooManyEntriesInBatchRequest", f"Maximum number of entries per request are {BATCH}.")
        if len(set(ids)) < len(ids):
            raise _Refused("BatchEntryIdsNotDistinct", "Two or more batch entries have the same Id.")
        done, failed = [], []
        for id, entry in zip(ids, entries, strict=True):
            try:
                done.append({"Id": id, **do(request, entry)})
            except _Refused as refused:
                failed.append({"Id": id, "Code": refused.code, "Message": str(refused), "SenderFault": True})
        return {"Successful": done, **({"Failed": failed} if failed else {})}

    return batch


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


ACTIONS: Mapping[str, Callable[[_Request], Any]] = {
    "CreateQueue": _create,
    "DeleteQueue": _delete_queue,
    "PurgeQueue": _purge,
    "ListQueues": _list,
    "GetQueueUrl": _url_of,
    "GetQueueAttributes": _attributes,
    "SetQueueAttributes": _set,
    "SendMessage": _send,
    "SendMessageBatch": _each(_send),
    "DeleteMessage": _delete,
    "DeleteMessageBatch": _each(_delete),
    "ChangeMessageVisibility": _hide,
    "ChangeMessageVisibilityBatch": _each(_hide),
}
