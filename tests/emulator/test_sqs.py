"""The queues that notifications go to, read by an unmodified boto3."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from sellerport.emulator.queue import Name

from .conftest import Local

NAME = Name("eu-west-1", "000000000000", "orders")


def client_of(amazon: Local, region: str = "eu-west-1") -> Any:
    return boto3.client(
        "sqs",
        region_name=region,
        endpoint_url=f"{amazon.base}/_sqs",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=15),
    )


@pytest.fixture
def sqs(amazon: Local) -> Iterator[Any]:
    client = client_of(amazon)
    yield client
    client.close()


@pytest.fixture
def url(sqs: Any) -> str:
    return str(sqs.create_queue(QueueName="orders", Attributes={"VisibilityTimeout": "20"})["QueueUrl"])


def refused(call: Any, **given: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**given)
    return str(caught.value.response["Error"]["Code"])


def bodies(sqs: Any, url: str, **more: Any) -> list[str]:
    return [
        one["Body"] for one in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, **more).get("Messages", ())
    ]


def test_a_queue_is_made_once_found_listed_and_deleted(amazon: Local, sqs: Any, url: str) -> None:
    assert url == f"{amazon.base}/_sqs/eu-west-1/000000000000/orders"
    assert sqs.create_queue(QueueName="orders")["QueueUrl"] == url
    assert refused(sqs.create_queue, QueueName="orders", Attributes={"VisibilityTimeout": "5"}) == "QueueAlreadyExists"
    assert sqs.get_queue_url(QueueName="orders")["QueueUrl"] == url
    sqs.create_queue(QueueName="other")
    assert sqs.list_queues(QueueNamePrefix="ord")["QueueUrls"] == [url]
    elsewhere = client_of(amazon, "us-east-1")
    assert "QueueUrls" not in elsewhere.list_queues()
    elsewhere.close()
    sqs.delete_queue(QueueUrl=url)
    assert refused(sqs.get_queue_url, QueueName="orders") == "AWS.SimpleQueueService.NonExistentQueue"
    assert refused(sqs.receive_message, QueueUrl=url) == "AWS.SimpleQueueService.NonExistentQueue"


def test_a_message_is_hidden_until_its_time_is_over_by_the_worlds_clock(amazon: Local, sqs: Any, url: str) -> None:
    sent = sqs.send_message(QueueUrl=url, MessageBody="héllo")
    (first,) = sqs.receive_message(QueueUrl=url, MessageSystemAttributeNames=["All"])["Messages"]
    assert (first["Body"], first["MessageId"]) == ("héllo", sent["MessageId"])
    assert first["Attributes"]["ApproximateReceiveCount"] == "1"
    assert bodies(sqs, url) == []
    amazon.world.advance(20)
    (again,) = sqs.receive_message(QueueUrl=url, AttributeNames=["ApproximateReceiveCount"])["Messages"]
    assert again["Attributes"] == {"ApproximateReceiveCount": "2"}
    assert again["ReceiptHandle"] != first["ReceiptHandle"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])  # too late: it deletes nothing
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"], VisibilityTimeout=0)
    assert bodies(sqs, url, VisibilityTimeout=100) == ["héllo"]
    amazon.world.advance(99)
    assert bodies(sqs, url) == []
    amazon.world.advance(1)
    (last,) = sqs.receive_message(QueueUrl=url)["Messages"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=last["ReceiptHandle"])
    sqs.delete_message(QueueUrl=url, ReceiptHandle=last["ReceiptHandle"])
    amazon.world.advance(1000)
    assert bodies(sqs, url) == []


def test_batches_say_of_each_entry_what_became_of_it(amazon: Local, sqs: Any, url: str) -> None:
    for text in "abc":
        sqs.send_message(QueueUrl=url, MessageBody=text)
    receipts = [one["ReceiptHandle"] for one in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]]
    back = [{"Id": "a", "ReceiptHandle": receipts[0], "VisibilityTimeout": 0}]
    assert sqs.change_message_visibility_batch(QueueUrl=url, Entries=back)["Successful"] == [{"Id": "a"}]
    assert bodies(sqs, url) == ["a"]
    entries = [{"Id": "b", "ReceiptHandle": receipts[1]}, {"Id": "x", "ReceiptHandle": "nothing"}]
    answer = sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    assert answer["Successful"] == [{"Id": "b"}]
    assert [(one["Id"], one["Code"], one["SenderFault"]) for one in answer["Failed"]] == [
        ("x", "ReceiptHandleIsInvalid", True)
    ]
    amazon.world.advance(30)
    assert bodies(sqs, url) == ["a", "c"]
    codes = [
        refused(sqs.delete_message_batch, QueueUrl=url, Entries=given)
        for given in ([], [entries[0], entries[0]], [{**entries[0], "Id": str(n)} for n in range(11)])
    ]
    expected = ["EmptyBatchRequest", "BatchEntryIdsNotDistinct", "TooManyEntriesInBatchRequest"]
    assert codes == [f"AWS.SimpleQueueService.{code}" for code in expected]


def test_messages_are_sent_in_batches_and_none_is_too_long(sqs: Any, url: str) -> None:
    entries = [{"Id": "a", "MessageBody": "one"}, {"Id": "b", "MessageBody": "x" * 262_145}]
    answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    (sent,), (failed,) = answer["Successful"], answer["Failed"]
    assert (sent["Id"], failed["Id"], failed["Code"]) == ("a", "b", "InvalidParameterValue")
    (message,) = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert (message["MessageId"], message["MD5OfBody"]) == (sent["MessageId"], sent["MD5OfMessageBody"])
    assert refused(sqs.send_message, QueueUrl=url, MessageBody="x" * 262_145) == "InvalidParameterValue"


def test_what_is_wrong_is_refused_in_the_words_that_clients_match_on(amazon: Local, sqs: Any, url: str) -> None:
    sqs.send_message(QueueUrl=url, MessageBody="a")
    (one,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert refused(sqs.delete_message, QueueUrl=url, ReceiptHandle="x") == "ReceiptHandleIsInvalid"
    amazon.world.advance(20)
    change = {"QueueUrl": url, "ReceiptHandle": one["ReceiptHandle"], "VisibilityTimeout": 5}
    assert refused(sqs.change_message_visibility, **change) == "MessageNotInflight"
    for name, value in (("MaxNumberOfMessages", 11), ("MaxNumberOfMessages", 0), ("WaitTimeSeconds", 21)):
        assert refused(sqs.receive_message, QueueUrl=url, **{name: value}) == "InvalidParameterValue"
    assert refused(sqs.create_queue, QueueName="orders.fifo") == "InvalidParameterValue"
    assert refused(sqs.set_queue_attributes, QueueUrl=url, Attributes={"Nothing": "1"}) == "InvalidAttributeName"
    assert refused(sqs.get_queue_attributes, QueueUrl=url, AttributeNames=["Nothing"]) == "InvalidAttributeName"
    policy = {"RedrivePolicy": "{}"}
    assert refused(sqs.set_queue_attributes, QueueUrl=url, Attributes=policy) == "InvalidAttributeValue"
    assert refused(sqs.list_queue_tags, QueueUrl=url) == "UnsupportedOperation"
    head = {"x-amz-target": "AmazonSQS.ListQueues"}
    broken = amazon.send("POST", "/_sqs/", "{", head)
    assert (broken.status, broken.json["__type"]) == (400, "com.amazonaws.sqs#SerializationException")


def test_a_queue_tells_how_much_is_in_it_and_is_emptied(sqs: Any, url: str) -> None:
    for delay in (0, 0, 60):
        sqs.send_message(QueueUrl=url, MessageBody="a", DelaySeconds=delay)
    sqs.receive_message(QueueUrl=url)
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert found["QueueArn"] == NAME.arn
    assert [found[f"ApproximateNumberOfMessages{which}"] for which in ("", "NotVisible", "Delayed")] == ["1", "1", "1"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "7"})
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
    assert found == {"VisibilityTimeout": "7"}
    sqs.purge_queue(QueueUrl=url)
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"] == {
        "ApproximateNumberOfMessages": "0"
    }


def test_a_message_that_is_never_finished_goes_where_the_redrive_policy_says(amazon: Local, sqs: Any, url: str) -> None:
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    policy = json.dumps({"deadLetterTargetArn": NAME._replace(name="dead").arn, "maxReceiveCount": "2"})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": policy})
    sqs.send_message(QueueUrl=url, MessageBody="poison")
    found = []
    for _ in range(3):
        found.append(bodies(sqs, url))
        amazon.world.advance(20)
    assert found == [["poison"], ["poison"], []]
    assert bodies(sqs, dead) == ["poison"]


def test_a_message_is_kept_for_four_days(amazon: Local, sqs: Any, url: str) -> None:
    sqs.send_message(QueueUrl=url, MessageBody="old")
    amazon.world.advance(4 * 86_400)
    assert bodies(sqs, url) == []


def test_whoever_waits_has_a_message_as_soon_as_there_is_one(amazon: Local, sqs: Any, url: str) -> None:
    found: list[str] = []
    waiting = threading.Thread(target=lambda: found.extend(bodies(sqs, url, WaitTimeSeconds=10)))
    begun = time.monotonic()
    waiting.start()
    amazon.world.queues.send(amazon.world.queues.make(NAME), "at last")
    waiting.join()
    assert found == ["at last"]
    assert time.monotonic() - begun < 5


def test_whoever_leaves_while_waiting_takes_no_message_along(amazon: Local, sqs: Any, url: str) -> None:
    body = json.dumps({"QueueUrl": url, "WaitTimeSeconds": 20})
    lines = ("POST /_sqs HTTP/1.1", "host: x", "x-amz-target: AmazonSQS.ReceiveMessage", f"content-length: {len(body)}")
    head = "".join(f"{line}\r\n" for line in (*lines, ""))

    async def leave() -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", int(amazon.base.rpartition(":")[2]))
        writer.write(f"{head}{body}".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    asyncio.run(leave())
    empty = sqs.create_queue(QueueName="empty")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="a")
    assert bodies(sqs, empty, WaitTimeSeconds=1) == []  # meanwhile somebody who waits looks twenty times
    assert bodies(sqs, url) == ["a"]


def test_a_host_of_amazons_stands_for_the_queues_of_its_region(amazon: Local, sqs: Any, url: str) -> None:
    head = {"x-amz-target": "AmazonSQS.ListQueues", "host": "sqs.eu-west-1.amazonaws.com"}
    own = "http://sqs.eu-west-1.amazonaws.com/000000000000/orders"
    assert amazon.send("POST", "/", "{}", head).json == {"QueueUrls": [own]}
    sqs.send_message(QueueUrl=url, MessageBody="a")
    read = {**head, "x-amz-target": "AmazonSQS.ReceiveMessage"}
    (message,) = amazon.send("POST", "/000000000000/orders", json.dumps({"QueueUrl": own}), read).json["Messages"]
    assert message["Body"] == "a"
    assert amazon.send("POST", "/", "{}", {**head, "host": "sqs.us-west-2.amazonaws.com"}).json == {}


def test_the_credentials_of_a_request_are_not_shown(amazon: Local, sqs: Any, url: str) -> None:
    (entry,) = amazon.world.requests
    assert entry["path"].startswith("/_sqs")
    assert entry["headers"]["authorization"] == "***"
    assert entry["status"] == 200
