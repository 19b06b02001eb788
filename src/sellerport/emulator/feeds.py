"""Feeds 2021-06-30: a document is uploaded, submitted, and answered with a processing report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from sellerport.emulator import documents
from sellerport.emulator.call import Answer, Call, invalid
from sellerport.emulator.documents import Content, Document
from sellerport.emulator.jobs import Job

JSON_LISTINGS = "JSON_LISTINGS_FEED"
NEEDED = {
    "UPDATE": ("sku", "productType", "attributes"),
    "PARTIAL_UPDATE": ("sku", "productType", "attributes"),
    "PATCH": ("sku", "productType", "patches"),
    "DELETE": ("sku",),
}
"""What a message of each operation type has to have."""


def create_feed_document(call: Call) -> Answer:
    """Return where a document can be put, with exactly the content type that is stated here."""
    stated = call.checked_body()["contentType"]
    made = documents.add(call, "feeds", "")
    storage = call.world.storage
    storage.places.add(made.key)
    url = storage.presign(
        "PUT",
        call.address,
        made.key,
        now=call.world.now(),
        life_s=documents.LIFE_S,
        headers={"content-type": stated},
    )
    return Answer({"feedDocumentId": made.id, "url": url}, 201)


def create_feed(call: Call) -> Answer:
    """Submit a document that has been uploaded."""
    asked = call.checked_body()
    found: Document | None = call.world.documents.get((call.seller, asked["inputFeedDocumentId"]))
    if found is None or found.key not in call.world.storage.objects:
        raise invalid("inputFeedDocumentId is no document that was uploaded")
    return Answer({"feedId": documents.create(call, "feed", asked["feedType"], asked=asked).id}, 202)


def get_feed(call: Call) -> Answer:
    """Return how far a feed is."""
    job = documents.find(call, "feed", call.path["feedId"])
    return Answer(_feed(documents.poll(call, job, _process, _refuse, without_data="FATAL")))


def get_feeds(call: Call) -> Answer:
    """List feeds, ten to a page."""
    found, token = documents.listed(call, "feed", types="feedTypes")
    return Answer({"feeds": [_feed(job) for job in found], **({"nextToken": token} if token else {})})


def cancel_feed(call: Call) -> Answer:
    """Cancel a feed that waits in the queue."""
    documents.cancel(call, documents.find(call, "feed", call.path["feedId"]), from_statuses=("IN_QUEUE",))
    return Answer()


def get_feed_document(call: Call) -> Answer:
    """Return where a document is."""
    return Answer(documents.addressed(call, documents.document(call, call.path["feedDocumentId"]), "feedDocumentId"))


def _feed(job: Job) -> dict[str, Any]:
    document = {"resultFeedDocumentId": job.document} if job.document else {}
    return {"feedId": job.id, "feedType": job.type, **documents.facts(job), **document}


# --- processing reports -----------------------------------------------------------------------------------------------


def _process(call: Call, job: Job) -> Content:
    found = documents.document(call, job.asked["inputFeedDocumentId"])
    uploaded = call.world.storage.objects[found.key].read()
    if job.type == JSON_LISTINGS:
        processed, issues = _judge(uploaded)
        return _json_report(job, processed, issues, fatal=any("messageId" not in issue for issue in issues))
    records = max(len([line for line in uploaded.splitlines() if line.strip()]) - 1, 0)  # the first names the columns
    lines = (
        "Feed Processing Summary:",
        f"\tNumber of records processed\t\t{records}",
        f"\tNumber of records successful\t\t{records}",
        "",
        "original-record-number\tsku\terror-code\terror-type\terror-message",
    )
    return Content("".join(f"{line}\r\n" for line in lines).encode(), "text/plain;charset=UTF-8")


def _refuse(call: Call, job: Job) -> Content:
    issue = {"code": "4000001", "severity": "ERROR", "message": "The feed could not be processed."}
    if job.type == JSON_LISTINGS:
        return _json_report(job, 0, [issue], fatal=True)
    text = f"Feed Processing Summary:\r\n\tError\t{issue['code']}\t{issue['message']}\r\n"
    return Content(text.encode(), "text/plain;charset=UTF-8")


def _judge(uploaded: bytes) -> tuple[int, list[dict[str, Any]]]:
    """Return how many messages there are, and what is wrong with them; or that nothing can be read."""
    try:
        feed = msgspec.json.decode(uploaded)
        messages = feed["messages"]
        issues = [issue for place, message in enumerate(messages, start=1) for issue in _issues(place, message)]
        return len(messages), issues
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError, TypeError):
        return 0, [{"code": "4000000", "severity": "ERROR", "message": "The feed is not a JSON listings feed."}]


def _issues(place: int, message: Any) -> list[dict[str, Any]]:
    kind = message.get("operationType") if isinstance(message, dict) else None
    if kind not in NEEDED:
        lacking: tuple[str, ...] = ("operationType",)
    else:
        lacking = tuple(name for name in NEEDED[kind] if not message.get(name))
    number = message.get("messageId", place) if isinstance(message, dict) else place
    return [
        {
            "messageId": number,
            "code": "90220",
            "severity": "ERROR",
            "message": f"{name} is required but missing or not known.",
            "attributeName": name,
        }
        for name in lacking
    ]


def _json_report(job: Job, processed: int, issues: list[dict[str, Any]], *, fatal: bool) -> Content:
    wrong = len({issue["messageId"] for issue in issues if "messageId" in issue})
    report = {
        "header": {"sellerId": job.account, "version": "2.0", "feedId": job.id},
        "issues": issues,
        "summary": {
            "errors": len(issues),
            "warnings": 0,
            "messagesProcessed": processed,
            "messagesAccepted": processed - wrong,
            "messagesInvalid": wrong,
        },
    }
    return Content(msgspec.json.encode(report), "application/json", gzip=True, fatal=fatal)


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    "feeds_2021_06_30.create_feed_document": create_feed_document,
    "feeds_2021_06_30.create_feed": create_feed,
    "feeds_2021_06_30.get_feed": get_feed,
    "feeds_2021_06_30.get_feeds": get_feeds,
    "feeds_2021_06_30.cancel_feed": cancel_feed,
    "feeds_2021_06_30.get_feed_document": get_feed_document,
}
