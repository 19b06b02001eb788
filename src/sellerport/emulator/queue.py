"""Queues of messages as Amazon SQS has them, in memory; `sqs` speaks their protocol.

A message that was received is hidden until its visibility timeout ends, by the world's clock, or it is deleted; how
often it was received is counted, and a redrive policy moves it to another queue. Queues of one name in two regions or
accounts are two. There are standard queues only, and nobody is refused: access policies are kept and not applied.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

DEFAULTS = {
    "VisibilityTimeout": "30",
    "DelaySeconds": "0",
    "MaximumMessageSize": "262144",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
}
NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")


class Name(NamedTuple):
    """What a queue is found by."""

    region: str
    account: str
    name: str

    @classmethod
    def of_arn(cls, arn: str) -> Name | None:
        """Return the name that an ARN of a queue says, if it is one."""
        found = re.fullmatch(r"arn:aws:sqs:([a-z0-9-]+):(\d{12}):([\w-]+)", arn, re.ASCII)
        return cls(*found.groups()) if found else None

    @property
    def arn(self) -> str:
        """The name as AWS writes it everywhere else."""
        return f"arn:aws:sqs:{self.region}:{self.account}:{self.name}"


@dataclass
class Message:
    """One message; times are unix seconds."""

    id: str
    body: str = field(repr=False)
    sent: float
    visible: float
    """From when it can be received."""
    receipt: str = ""
    """The newest handle; older ones delete nothing."""
    received: int = 0
    first_received: float | None = None


@dataclass
class Queue:
    """A queue, its messages oldest first, and every handle that was ever given for one."""

    name: Name
    attributes: dict[str, str]
    created: float
    messages: dict[str, Message] = field(default_factory=dict)
    receipts: dict[str, str] = field(default_factory=dict, repr=False)
    """Ids of messages by their handles."""

    def number(self, attribute: str) -> int:
        """Return an attribute that is a number."""
        return int(self.attributes[attribute])

    def held(self, receipt: str) -> Message | None:
        """Return the message that a handle is the newest one of."""
        message = self.messages.get(self.receipts.get(receipt, ""))
        return message if message is not None and message.receipt == receipt else None

    def counts(self, now: float) -> tuple[int, int, int]:
        """Return how many messages wait, are hidden since somebody received them, and are delayed."""
        hidden = [one for one in self.messages.values() if one.visible > now]
        flying = sum(one.received > 0 for one in hidden)
        return len(self.messages) - len(hidden), flying, len(hidden) - flying


class Queues:
    """All queues there are.

    Args:
        now: the world's clock.
        secret: makes a new token of a prefix and so many digits.
        uuid: makes a new id.
    """

    def __init__(self, *, now: Callable[[], float], secret: Callable[[str, int], str], uuid: Callable[[], str]) -> None:
        self.queues: dict[Name, Queue] = {}
        self._now, self._secret, self._uuid = now, secret, uuid

    def make(self, name: Name, attributes: Mapping[str, str] | None = None) -> Queue:
        """Return the queue of a name, and make it if there is none."""
        if name not in self.queues:
            self.queues[name] = Queue(name, DEFAULTS | dict(attributes or {}), self._now())
        return self.queues[name]

    def send(self, queue: Queue, body: str, *, delay_s: float | None = None) -> Message:
        """Put a message into a queue."""
        now = self._now()
        delay = queue.number("DelaySeconds") if delay_s is None else delay_s
        message = Message(self._uuid(), body, now, now + delay)
        queue.messages[message.id] = message
        return message

    def deliver(self, arn: str, message: Mapping[str, Any]) -> None:
        """Put a JSON message into the queue of an ARN; one that is no queue's is passed over."""
        if name := Name.of_arn(arn):
            self.send(self.make(name), msgspec.json.encode(message).decode())

    def receive(self, queue: Queue, most: int, visibility_s: int | None) -> list[Message]:
        """Return messages that nobody else has in hand, oldest first, and hide them for a while."""
        now = self._now()
        hide_s = queue.number("VisibilityTimeout") if visibility_s is None else visibility_s
        received: list[Message] = []
        for message in list(queue.messages.values()):
            if message.sent + queue.number("MessageRetentionPeriod") <= now:
                del queue.messages[message.id]
            elif message.visible <= now and len(received) < most and not self._redriven(queue, message):
                message.visible, message.received = now + hide_s, message.received + 1
                message.first_received = now if message.first_received is None else message.first_received
                message.receipt = self._secret("AQEB", 64)
                queue.receipts[message.receipt] = message.id
                received.append(message)
        return received

    def _redriven(self, queue: Queue, message: Message) -> bool:
        """Move a message that was received too often to where the queue's redrive policy says."""
        policy = msgspec.json.decode(queue.attributes.get("RedrivePolicy") or "{}")
        target = Name.of_arn(policy.get("deadLetterTargetArn", ""))
        if target is None or message.received < int(policy["maxReceiveCount"]):
            return False
        self.make(target).messages[message.id] = queue.messages.pop(message.id)
        return True
