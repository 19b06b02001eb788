"""Notifications from an SQS queue, through boto3 (``pip install 'sellerport[aws]'``).

What happens to a message, whichever of `poll` and `apoll` reads it:

- The loop's body finished, and the loop asks for the next: it is deleted, together with the others that were received
  with it. That is when the last of them is finished, or when the loop is left.
- The loop was left in the middle of it (an exception, ``break``, ``return``): it stays in the queue, which delivers it
  again after its visibility timeout, and the queue's own redrive policy counts that.
- It was received with others and not looked at when the loop was left: it is given back to the queue at once.
- It is no notification: ``on_unreadable`` is called with it, and when that has returned it is deleted. Without
  ``on_unreadable`` it stays in the queue and a line is logged. The others do not wait for it.

So each is delivered at least once, and ``Notification.id`` says which were seen before. The queue's visibility timeout
has to be longer than the body takes for all that are received together. A reader needs ``sqs:ReceiveMessage``,
``sqs:DeleteMessage`` and ``sqs:ChangeMessageVisibility``. What AWS refuses or does not answer is botocore's to repeat
and to raise.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.util import find_spec
from typing import Any

from sellerport.errors import InvalidArguments, NotificationError, Problem, SettingsError
from sellerport.notifications.messages import Notification, parse

log = logging.getLogger(__name__)

AMAZON = "437568002678"
"""The AWS account that notifications are sent from (github.com/amzn/selling-partner-api-docs/issues/2043)."""

Unreadable = Callable[[Mapping[str, Any], NotificationError], object]
"""What is called with a message as boto3 has it (``MessageId``, ``Body``) and the reason why it was not understood."""


def queue_policy(queue_arn: str) -> dict[str, Any]:
    """Return the policy that lets Amazon send notifications to a queue, to be set as its ``Policy`` attribute.

    Amazon wants to read the queue's attributes too (github.com/amzn/selling-partner-api-models/issues/1682). A queue
    that is encrypted with a KMS key of yours also needs that key's policy to allow the same account
    ``kms:GenerateDataKey`` and ``kms:Decrypt``.

    Args:
        queue_arn: ``arn:aws:sqs:eu-west-1:123456789012:notifications``.

    Raises:
        InvalidArguments: it is no ARN of a queue, or that of a FIFO queue, to which Amazon does not deliver.
    """
    if not re.fullmatch(r"arn:aws:sqs:[a-z0-9-]+:\d{12}:[\w-]+", queue_arn):
        wanted = "has to be arn:aws:sqs:<region>:<account>:<name>, of a standard queue and not of a FIFO one"
        raise InvalidArguments("queue_policy", [Problem("queue_arn", wanted)])
    statement = {
        "Sid": "SellingPartnerNotifications",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{AMAZON}:root"},
        "Action": ["sqs:SendMessage", "sqs:GetQueueAttributes"],
        "Resource": queue_arn,
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def poll(
    queue_url: str,
    *,
    client: Any = None,
    wait_s: int = 20,
    batch: int = 10,
    visibility_s: int | None = None,
    on_unreadable: Unreadable | None = None,
) -> Generator[Notification]:
    """Yield the notifications of a queue, for as long as they are asked for; each is deleted once it is finished.

    The module says when exactly. A loop that is left by an exception lets go of the generator by itself; where it is
    held by a name, ``close`` it.

    Args:
        queue_url: ``https://sqs.eu-west-1.amazonaws.com/123456789012/notifications``.
        client: boto3's client for SQS; by default one for the queue's region, with boto3's own way to credentials.
        wait_s: seconds to wait for messages in one request, up to 20.
        batch: how many to receive in one request, up to 10.
        visibility_s: seconds for which others do not see what was received; by default what the queue says.
        on_unreadable: called with each message that is no notification.

    Raises:
        SettingsError: boto3 is not installed.
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: while iterating, what boto3 raises.
    """
    request, make = _request(queue_url, wait_s, batch, visibility_s), _maker(client, queue_url)
    return _received(make, request, on_unreadable, threading.Event())


def apoll(
    queue_url: str,
    *,
    client: Any = None,
    wait_s: int = 20,
    batch: int = 10,
    visibility_s: int | None = None,
    on_unreadable: Unreadable | None = None,
) -> AsyncGenerator[Notification]:
    """Yield the notifications of a queue as `poll` does, without holding up the event loop.

    Everything of boto3's happens in one thread, ``on_unreadable`` too. When the task is cancelled while it waits for
    messages, it is cancelled at once; that last request runs out in its thread, for which the process waits when it
    ends, and what it brings goes back to the queue. A loop that may be left early belongs into
    ``contextlib.aclosing``, as any asynchronous generator does: when that is left, everything that was finished has
    been deleted.

    Args and Raises: as `poll`.
    """
    request, make = _request(queue_url, wait_s, batch, visibility_s), _maker(client, queue_url)
    left = threading.Event()
    return _in_a_thread(_received(make, request, on_unreadable, left), left)


def _maker(client: Any, queue_url: str) -> Callable[[], Any]:
    """Return what gives the client, the making of which takes long."""
    if client is not None:
        return lambda: client
    if find_spec("boto3") is None:
        raise SettingsError("reading an SQS queue needs boto3: pip install 'sellerport[aws]'")

    def make() -> Any:
        import boto3  # type: ignore[import-untyped] # noqa: PLC0415  # an extra, and slow to import

        region = re.match(r"https://sqs\.([a-z0-9-]+)\.amazonaws\.com/", queue_url)
        return boto3.client("sqs", region_name=region and region[1])

    return make


def _request(queue_url: str, wait_s: int, batch: int, visibility_s: int | None) -> dict[str, Any]:
    request = {"QueueUrl": queue_url, "WaitTimeSeconds": wait_s, "MaxNumberOfMessages": batch}
    return request | ({} if visibility_s is None else {"VisibilityTimeout": visibility_s})


def _received(
    make: Callable[[], Any], request: Mapping[str, Any], on_unreadable: Unreadable | None, left: threading.Event
) -> Generator[Notification]:
    """Yield what a queue brings, until ``left`` is set by somebody who cannot close this: it may be waiting."""
    client, queue_url = make(), request["QueueUrl"]
    unseen: deque[Mapping[str, Any]] = deque()
    finished: list[Mapping[str, Any]] = []
    try:
        while not left.is_set():
            unseen.extend(client.receive_message(**request).get("Messages", ()))
            while unseen:
                message = unseen.popleft()
                try:
                    notification = parse(message["Body"])
                except NotificationError as error:
                    if on_unreadable is None:
                        log.warning("message %s stays in the queue: %s", message["MessageId"], error)
                        continue
                    on_unreadable(message, error)
                else:
                    try:
                        yield notification
                    except asyncio.CancelledError:  # `apoll` was cancelled before it could hand this on
                        unseen.appendleft(message)
                        raise
                finished.append(message)
            _delete(client, queue_url, finished)
            finished = []
    finally:
        try:
            _delete(client, queue_url, finished)
        finally:
            _give_back(client, queue_url, unseen)


def _delete(client: Any, queue_url: str, messages: Sequence[Mapping[str, Any]]) -> None:
    if not messages:
        return
    entries = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(messages)]
    answer = client.delete_message_batch(QueueUrl=queue_url, Entries=entries)
    for failed in answer.get("Failed", ()):
        name = messages[int(failed["Id"])]["MessageId"]
        log.warning("message %s could not be deleted and will come again: %s", name, failed["Code"])


def _give_back(client: Any, queue_url: str, messages: Sequence[Mapping[str, Any]]) -> None:
    if not messages:
        return
    entries = [
        {"Id": str(n), "ReceiptHandle": one["ReceiptHandle"], "VisibilityTimeout": 0} for n, one in enumerate(messages)
    ]
    client.change_message_visibility_batch(QueueUrl=queue_url, Entries=entries)


async def _in_a_thread(messages: Generator[Notification], left: threading.Event) -> AsyncGenerator[Notification]:
    """Go through a generator that blocks, in a thread of its own, which does one thing after another."""
    thread = ThreadPoolExecutor(1, "sellerport-sqs")
    leave: Callable[[], object] = messages.close
    try:
        while True:
            try:
                notification = await asyncio.wrap_future(thread.submit(next, messages))
            except asyncio.CancelledError:
                left.set()
                leave = partial(messages.throw, asyncio.CancelledError())
                raise
            yield notification
    except GeneratorExit:
        await asyncio.wrap_future(thread.submit(messages.close))
        raise
    finally:
        thread.submit(leave)  # when the request that a cancelled task left behind is over; nobody waits for it
        thread.shutdown(wait=False)
