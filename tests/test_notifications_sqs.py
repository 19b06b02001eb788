"""Polling a queue, against moto's SQS over real HTTP: what is deleted, what stays, and what goes back."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing, suppress
from itertools import count
from typing import Any

import boto3
import pytest

from sellerport import notifications
from sellerport.errors import InvalidArguments, NotificationError, SettingsError
from sellerport.notifications import Notification, sqs

NAMES = count()
POLLS = pytest.mark.parametrize("poll", ["poll", "apoll"])


def message(id: str) -> str:
    return json.dumps(
        {
            "notificationType": "ORDER_CHANGE",
            "payload": {"orderChangeNotification": {"sellerId": "S", "summary": {"destinationPostalCode": "48110"}}},
            "notificationMetadata": {"notificationId": id},
        }
    )


class Queue:
    """A queue, and how many of its messages others see and do not see."""

    def __init__(self, endpoint: str) -> None:
        session = boto3.Session("test", "test", region_name="eu-west-1")
        self.client = session.client("sqs", endpoint_url=endpoint)
        self.url = self.client.create_queue(QueueName=f"queue-{next(NAMES)}")["QueueUrl"]
        self.calls: list[tuple[str, int]] = []
        self.client.meta.events.register("before-parameter-build.sqs", self._note)

    def _note(self, params: Mapping[str, Any], model: Any, **_: Any) -> None:
        self.calls.append((model.name, len(params.get("Entries", ()))))

    def send(self, *bodies: str) -> None:
        for body in bodies:
            self.client.send_message(QueueUrl=self.url, MessageBody=body)

    @property
    def left(self) -> tuple[int, int]:
        """How many can be received now, and how many are with somebody."""
        found = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])["Attributes"]
        return int(found["ApproximateNumberOfMessages"]), int(found["ApproximateNumberOfMessagesNotVisible"])

    def options(self, **others: Any) -> dict[str, Any]:
        return {"client": self.client, "wait_s": 0, **others}


@pytest.fixture
def queue(aws: str) -> Queue:
    return Queue(aws)


def read(queue: Queue, poll: str, body: Callable[[Notification], object], **options: Any) -> None:
    """Run a loop over a queue, in one of both colours; the body says with StopIteration that the loop is left."""
    if poll == "poll":
        with suppress(StopIteration):
            for one in sqs.poll(queue.url, **queue.options(**options)):
                body(one)
        return

    async def loop() -> None:
        async with aclosing(sqs.apoll(queue.url, **queue.options(**options))) as messages:
            async for one in messages:
                try:
                    body(one)
                except StopIteration:
                    break

    asyncio.run(loop())


def until(n: int, seen: list[str | None]) -> Callable[[Notification], None]:
    """A body that leaves the loop with the n-th notification."""

    def body(one: Notification) -> None:
        seen.append(one.id)
        if len(seen) == n:
            raise StopIteration

    return body


@POLLS
def test_a_message_is_deleted_when_the_body_has_finished_and_stays_when_the_loop_is_left_with_it(
    queue: Queue, poll: str
) -> None:
    queue.send(message("a"), message("b"), message("c"))
    seen: list[str | None] = []
    read(queue, poll, until(3, seen))
    assert seen == ["a", "b", "c"]
    assert queue.left == (0, 1)


@POLLS
def test_a_message_whose_body_fails_comes_again_and_the_failure_is_the_bodys_own(queue: Queue, poll: str) -> None:
    queue.send(message("a"), message("b"))

    def body(one: Notification) -> None:
        if one.id == "b":
            raise LookupError("the body's own")

    with pytest.raises(LookupError, match="the body's own"):
        read(queue, poll, body, visibility_s=0)
    again: list[str | None] = []
    read(queue, poll, until(1, again))
    assert again == ["b"]


@POLLS
def test_what_was_received_and_not_looked_at_goes_back_at_once(queue: Queue, poll: str) -> None:
    queue.send(*(message(str(n)) for n in range(5)))
    read(queue, poll, until(2, []))
    assert queue.left == (3, 1)


@POLLS
def test_messages_are_deleted_together(queue: Queue, poll: str) -> None:
    queue.send(*(message(str(n)) for n in range(11)))
    queue.calls.clear()
    read(queue, poll, until(11, []))
    requests = [("ReceiveMessage", 0), ("DeleteMessageBatch", 10), ("ReceiveMessage", 0)]
    assert queue.calls == requests
    assert queue.left == (0, 1)


@POLLS
def test_what_was_finished_is_deleted_although_the_rest_of_its_batch_was_not(queue: Queue, poll: str) -> None:
    queue.send(*(message(str(n)) for n in range(10)))
    queue.calls.clear()
    read(queue, poll, until(4, []))
    assert queue.calls == [("ReceiveMessage", 0), ("DeleteMessageBatch", 3), ("ChangeMessageVisibilityBatch", 6)]
    assert queue.left == (6, 1)


@POLLS
def test_a_batch_is_as_large_as_asked_for(queue: Queue, poll: str) -> None:
    queue.send(*(message(str(n)) for n in range(5)))
    queue.calls.clear()
    read(queue, poll, until(5, []), batch=2)
    assert queue.calls == [("ReceiveMessage", 0), ("DeleteMessageBatch", 2)] * 2 + [("ReceiveMessage", 0)]


@POLLS
def test_a_message_that_is_no_notification_stays_with_a_line_in_the_log_and_the_rest_go_on(
    queue: Queue, poll: str, caplog: pytest.LogCaptureFixture
) -> None:
    queue.send(message("a"), '{"private": "48110"}', message("b"), message("c"))
    seen: list[str | None] = []
    read(queue, poll, until(3, seen))
    assert seen == ["a", "b", "c"]
    assert queue.left == (0, 2)
    (line,) = [record.getMessage() for record in caplog.records if record.name == "sellerport.notifications.sqs"]
    assert "no notificationType" in line
    assert "48110" not in line


@POLLS
def test_a_message_that_is_no_notification_is_deleted_once_somebody_has_taken_it(queue: Queue, poll: str) -> None:
    queue.send(message("a"), "private", message("b"))
    taken: list[tuple[str, str]] = []

    def take(message: Mapping[str, Any], error: NotificationError) -> None:
        taken.append((message["Body"], str(error)))

    read(queue, poll, until(2, []), on_unreadable=take)
    assert taken == [("private", "the message is no notification: it is not JSON")]
    assert queue.left == (0, 1)


@POLLS
def test_a_message_that_nobody_could_take_stays(queue: Queue, poll: str) -> None:
    queue.send(message("a"), "unreadable", message("b"))

    def take(*_: Any) -> None:
        raise LookupError("the taker's own")

    with pytest.raises(LookupError, match="the taker's own"):
        read(queue, poll, until(9, []), on_unreadable=take)
    assert queue.left == (1, 1)


@POLLS
def test_a_message_that_cannot_be_deleted_is_named_in_the_log(
    queue: Queue, poll: str, caplog: pytest.LogCaptureFixture
) -> None:
    queue.send(message("a"), message("b"))

    def spoil(params: dict[str, Any], **_: Any) -> None:
        params["Entries"][0]["ReceiptHandle"] = "spoilt"

    queue.client.meta.events.register("before-parameter-build.sqs.DeleteMessageBatch", spoil)
    read(queue, poll, until(2, []))
    (line,) = [record.getMessage() for record in caplog.records if record.name == "sellerport.notifications.sqs"]
    assert "could not be deleted" in line
    assert "ReceiptHandleIsInvalid" in line


@POLLS
def test_what_was_not_looked_at_goes_back_although_what_was_finished_cannot_be_deleted(queue: Queue, poll: str) -> None:
    queue.send(*(message(str(n)) for n in range(5)))

    def fail(**_: Any) -> None:
        raise LookupError("no network")

    queue.client.meta.events.register("before-parameter-build.sqs.DeleteMessageBatch", fail)
    messages = sqs.poll(queue.url, **queue.options())
    if poll == "poll":
        assert [next(messages).id, next(messages).id] == ["0", "1"]
        with pytest.raises(LookupError, match="no network"):
            messages.close()
    else:
        with pytest.raises(LookupError, match="no network"):
            read(queue, poll, until(2, []))
    assert queue.left == (3, 2)


@POLLS
def test_what_aws_refuses_is_boto3s_error(queue: Queue, poll: str) -> None:
    queue.client.delete_queue(QueueUrl=queue.url)
    with pytest.raises(queue.client.exceptions.QueueDoesNotExist):
        read(queue, poll, until(1, []))


def test_a_closed_generator_has_deleted_what_was_finished(queue: Queue) -> None:
    queue.send(message("a"), message("b"), message("c"))
    messages = sqs.poll(queue.url, **queue.options())
    assert [next(messages).id, next(messages).id] == ["a", "b"]
    assert queue.left == (0, 3)
    messages.close()
    assert queue.left == (1, 1)
    assert list(messages) == []


def test_a_loop_that_was_left_early_without_a_name_is_closed_by_itself(queue: Queue) -> None:
    queue.send(message("a"), message("b"), message("c"))
    for one in sqs.poll(queue.url, **queue.options()):
        if one.id == "b":
            break
    assert queue.left == (1, 1)


def test_a_cancelled_wait_ends_at_once_and_what_it_still_brings_goes_back(queue: Queue) -> None:
    queue.send(message("a"))
    asked = threading.Semaphore(0)
    queue.client.meta.events.register("before-send.sqs.ReceiveMessage", lambda **_: asked.release())

    async def cancelled() -> None:
        task = asyncio.ensure_future(finish_all(sqs.apoll(queue.url, **queue.options(wait_s=20))))
        for _ in range(2):
            await asyncio.to_thread(asked.acquire)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert polling()  # the request is still under way: to wait for it would have taken 20 seconds
    queue.send(message("late"))
    for thread in polling():
        thread.join()
    assert queue.left == (1, 0)
    again: list[str | None] = []
    read(queue, "apoll", until(1, again))
    assert again == ["late"]


def test_a_cancelled_wait_that_brings_nothing_ends_with_its_request(queue: Queue) -> None:
    asked = threading.Event()

    async def cancelled() -> None:
        task = asyncio.ensure_future(finish_all(sqs.apoll(queue.url, **queue.options(wait_s=0))))
        await asyncio.to_thread(asked.wait)
        task.cancel()

    queue.client.meta.events.register("before-send.sqs.ReceiveMessage", lambda **_: asked.set())
    asyncio.run(cancelled())
    for thread in polling():
        thread.join(timeout=10)
    assert polling() == []


def test_a_body_that_is_cancelled_leaves_its_message_and_the_finished_ones_are_deleted(queue: Queue) -> None:
    queue.send(message("a"), message("b"), message("c"))

    async def reading(busy: asyncio.Event) -> None:
        async with aclosing(sqs.apoll(queue.url, **queue.options())) as messages:
            async for one in messages:
                if one.id == "b":
                    busy.set()
                    await asyncio.Event().wait()

    async def cancelled() -> None:
        busy = asyncio.Event()
        task = asyncio.ensure_future(reading(busy))
        await busy.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert queue.left == (1, 1)

    asyncio.run(cancelled())


async def finish_all(messages: AsyncIterator[Notification]) -> None:
    async for _ in messages:
        pass


def polling() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("sellerport-sqs")]


def test_the_event_loop_runs_while_a_queue_is_waited_for(queue: Queue) -> None:
    async def both() -> list[str]:
        order = []
        async with aclosing(sqs.apoll(queue.url, **queue.options(wait_s=20))) as messages:
            waiting = asyncio.ensure_future(anext(messages))
            order.append("loop")
            await asyncio.to_thread(queue.send, message("a"))
            order.append((await waiting).id or "")
        return order

    assert asyncio.run(both()) == ["loop", "a"]


def test_no_thread_is_left_behind(queue: Queue) -> None:
    queue.send(message("a"), message("b"))
    read(queue, "apoll", until(2, []))
    for thread in polling():
        thread.join(timeout=5)
    assert polling() == []


def test_the_client_is_made_for_the_queues_region(monkeypatch: pytest.MonkeyPatch, aws: str) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", aws)
    sent: list[str] = []
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session := boto3.Session())
    session.events.register("before-send.sqs", lambda request, **_: sent.append(str(request.headers["Authorization"])))
    there = session.client("sqs", region_name="ap-northeast-1")
    there.create_queue(QueueName="elsewhere")
    there.send_message(QueueUrl=f"{aws}/123456789012/elsewhere", MessageBody=message("far"))
    sent.clear()
    messages = sqs.poll("https://sqs.ap-northeast-1.amazonaws.com/123456789012/elsewhere", wait_s=0)
    assert next(messages).id == "far"
    assert "/ap-northeast-1/sqs/" in sent[0]
    messages.close()


def test_the_client_is_made_beside_the_event_loop(monkeypatch: pytest.MonkeyPatch, queue: Queue) -> None:
    """boto3 takes a tenth of a second and more to be imported and to make one."""
    made: list[str] = []

    def client(*_: Any, **__: Any) -> Any:
        made.append(threading.current_thread().name)
        return queue.client

    monkeypatch.setattr(boto3, "client", client)
    queue.send(message("a"))

    async def first() -> str | None:
        async with aclosing(sqs.apoll(queue.url, wait_s=0)) as messages:
            assert made == []
            async for one in messages:
                return one.id
        return None

    assert asyncio.run(first()) == "a"
    assert [name.startswith("sellerport-sqs") for name in made] == [True]


def test_without_boto3_it_is_said_at_once_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    for poll in (sqs.poll, sqs.apoll):
        with pytest.raises(SettingsError, match=r"sellerport\[aws\]"):
            poll("https://sqs.eu-west-1.amazonaws.com/123456789012/q")


def test_a_queues_policy_lets_amazon_in_and_is_taken_by_the_queue(queue: Queue) -> None:
    arn = queue.client.get_queue_attributes(QueueUrl=queue.url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = notifications.sqs.queue_policy(arn)
    (statement,) = policy["Statement"]
    assert statement["Principal"] == {"AWS": "arn:aws:iam::437568002678:root"}
    assert set(statement["Action"]) == {"sqs:SendMessage", "sqs:GetQueueAttributes"}
    assert statement["Resource"] == arn
    queue.client.set_queue_attributes(QueueUrl=queue.url, Attributes={"Policy": json.dumps(policy)})
    kept = queue.client.get_queue_attributes(QueueUrl=queue.url, AttributeNames=["Policy"])["Attributes"]["Policy"]
    assert json.loads(kept) == policy


@pytest.mark.parametrize(
    "arn",
    [
        "https://sqs.eu-west-1.amazonaws.com/123456789012/q",
        "arn:aws:sqs:eu-west-1:123456789012:orders.fifo",
        "arn:aws:sns:eu-west-1:123456789012:topic",
        "arn:aws:sqs:*:*:*",
        "",
    ],
)
def test_a_policy_is_made_for_a_standard_queue_only(arn: str) -> None:
    with pytest.raises(InvalidArguments, match="queue_arn: has to be arn:aws:sqs"):
        sqs.queue_policy(arn)
