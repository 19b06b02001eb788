"""Feeds 2021-06-30: a document is uploaded, submitted, and answered with a processing report.

The messages of a JSON listings feed are submissions of listings (see `submissions`), in each marketplace of the feed,
when the feed comes to its end; a message that has an error in one of them is done in none. Other feeds change nothing.
What Amazon says to a feed of another seller's id is not known (here it is fatal).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jsonschema_rs
import msgspec

from sellerport.emulator import documents, listings, submissions
from sellerport.emulator.call import Answer, Call, invalid
from sellerport.emulator.documents import Content, Document
from sellerport.emulator.issues import findings
from sellerport.emulator.jobs import Job
from sellerport.emulator.submissions import PREFIX, Verdict
from sellerport.regions import Marketplace

JSON_LISTINGS = "JSON_LISTINGS_FEED"
USABLE_S = 2 * 86_400
"""How long a document may be submitted after its place was given."""
NEEDED = {
    "UPDATE": ["productType", "attributes"],
    "PARTIAL_UPDATE": ["productType", "attributes"],
    "PATCH": ["productType", "patches"],
    "DELETE": [],
}
"""What a message of each operation type has to have, beside its SKU."""
MESSAGE = jsonschema_rs.Draft201909Validator(
    {
        "type": "object",
        "required": ["sku", "operationType"],
        "properties": {
            "messageId": {"type": "integer", "minimum": 1},
            "sku": {"type": "string", "minLength": 1, "maxLength": listings.LONGEST_SKU},
            "operationType": {"enum": list(NEEDED)},
            "productType": {"type": "string", "minLength": 1},
            "requirements": {"enum": ["LISTING", "LISTING_PRODUCT_ONLY", "LISTING_OFFER_ONLY"]},
            "attributes": {"type": "object", "minProperties": 1},
            "patches": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["op", "path"],
                    "properties": {
                        "op": {"enum": ["add", "replace", "merge", "delete"]},
                        "path": {"type": "string"},
                        "value": {"type": "array", "items": {"type": "object"}},
                    },
                },
            },
        },
        "allOf": [
            {
                "if": {"required": ["operationType"], "properties": {"operationType": {"const": kind}}},
                "then": {"required": names},
            }
            for kind, names in NEEDED.items()
        ],
    }
)


def create_feed_document(call: Call) -> Answer:
    """Return where a document can be put, with exactly the content type that is stated here."""
    stated = call.checked_body()["contentType"]
    made = documents.add(call, "feed", "")
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
    if (
        found is None
        or found.kind != "feed"
        or found.key not in call.world.storage.objects
        or call.world.now() >= found.made + USABLE_S
    ):
        raise invalid("inputFeedDocumentId is no document that was uploaded in the last two days")
    return Answer({"feedId": documents.create(call, "feed", asked["feedType"], asked=asked).id}, 202)


def get_feed(call: Call) -> Answer:
    """Return how far a feed is."""
    job = documents.find(call, "feed", call.path["feedId"])
    return Answer(_feed(poll(call, job)))


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
    return Answer(
        documents.addressed(call, documents.document(call, "feed", call.path["feedDocumentId"]), "feedDocumentId")
    )


def poll(call: Call, job: Job) -> Job:
    """Look at a feed, which moves it on."""
    return documents.poll(call, job, _process, _refuse, without_data="FATAL")


def _feed(job: Job) -> dict[str, Any]:
    document = {"resultFeedDocumentId": job.document} if job.document else {}
    return {"feedId": job.id, "feedType": job.type, **documents.facts(job), **document}


# --- processing reports -----------------------------------------------------------------------------------------------


def _process(call: Call, job: Job) -> Content:
    found = documents.document(call, "feed", job.asked["inputFeedDocumentId"])
    uploaded = call.world.storage.objects[found.key].read()
    if job.type == JSON_LISTINGS:
        return _listings(call, job, uploaded)
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
        return _json_report(job, 0, [issue])
    text = f"Feed Processing Summary:\r\n\tError\t{issue['code']}\t{issue['message']}\r\n"
    return Content(text.encode(), "text/plain;charset=UTF-8")


def _json_report(job: Job, processed: int, issues: Sequence[dict[str, Any]], *, wrong: int = 0, **more: Any) -> Content:
    """Return a processing report; a feed with an issue that is of no message cannot succeed."""
    header, summary = more.pop("header", {}), more.pop("summary", {})
    report = {
        "header": {"sellerId": job.account, "version": "2.0", "feedId": job.id, **header},
        "issues": issues,
        "summary": {
            "errors": sum(issue["severity"] == "ERROR" for issue in issues),
            "warnings": sum(issue["severity"] == "WARNING" for issue in issues),
            "messagesProcessed": processed,
            "messagesAccepted": processed - wrong,
            "messagesInvalid": wrong,
            **summary,
        },
        **more,
    }
    fatal = any("messageId" not in issue for issue in issues)
    return Content(msgspec.json.encode(report), "application/json", gzip=True, fatal=fatal)


# --- listings ---------------------------------------------------------------------------------------------------------


class _Feed(msgspec.Struct):
    messages: list[Any]
    header: dict[str, Any] = {}


def _listings(call: Call, job: Job, uploaded: bytes) -> Content:
    try:
        feed = msgspec.json.decode(uploaded, type=_Feed)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        feed = None
    if feed is None or feed.header.get("sellerId", call.seller) != call.seller:
        message = "The feed is not a JSON listings feed of the seller."
        return _json_report(job, 0, [{"code": "4000000", "severity": "ERROR", "message": message}])
    trades = call.account.marketplaces if call.account else ()
    shops = [one for one in trades if one.id in job.asked["marketplaceIds"]]
    issues: list[dict[str, Any]] = []
    done: dict[str, None] = {}
    wrong = 0
    for place, message in enumerate(feed.messages, start=1):
        found = _lacking(place, message) or _issues(place, message, _submit(call, message, shops))
        issues += found
        if any(issue["severity"] == "ERROR" for issue in found):
            wrong += 1
        else:
            done[message["sku"]] = None
    shown = _shown(call, feed.header.get("report"), list(done), shops)
    return _json_report(job, len(feed.messages), issues, wrong=wrong, **shown)


def _submit(call: Call, message: Mapping[str, Any], shops: Sequence[Marketplace]) -> Sequence[Verdict]:
    """Do what a message says in every marketplace, unless it is wrong in one."""
    if len(shops) > 1:
        tried = [_submit_to(call, message, shop, preview=True) for shop in shops]
        if not all(verdict.accepted for verdict in tried):
            return tried
    return [_submit_to(call, message, shop, preview=False) for shop in shops]


def _submit_to(call: Call, message: Mapping[str, Any], shop: Marketplace, *, preview: bool) -> Verdict:
    sku, kind = message["sku"], message["operationType"]
    if kind == "DELETE":
        return Verdict() if preview else submissions.delete(call, sku, shop)
    if kind == "UPDATE":
        requirements = message.get("requirements", "LISTING")
        attributes, type = message["attributes"], message["productType"]
        return submissions.put(call, sku, shop, type, attributes, requirements=requirements, preview=preview)
    patches = message.get("patches") or [
        {"op": "replace", "path": f"{PREFIX}{name}", "value": value} for name, value in message["attributes"].items()
    ]
    return submissions.patch(call, sku, shop, message["productType"], patches, preview=preview)


def _lacking(place: int, message: Any) -> list[dict[str, Any]]:
    """Return what a message has to have and has not, or not in the form that it has to have."""
    names = []
    for error in MESSAGE.iter_errors(message):
        if error.kind.name == "required" and not error.instance_path:
            names.append(error.kind.as_dict()["property"])
        else:
            names.append(str(error.instance_path[0]) if error.instance_path else "operationType")
    return [
        {
            "messageId": _number(place, message),
            "code": "90220",
            "severity": "ERROR",
            "message": f"{name} is required but missing or not known.",
            "attributeName": name,
        }
        for name in dict.fromkeys(names)
    ]


def _number(place: int, message: Any) -> int:
    """Return what a message is called: what it says, or else which it is."""
    said = message.get("messageId") if isinstance(message, dict) else None
    return said if isinstance(said, int) else place


def _issues(place: int, message: Mapping[str, Any], verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    about, found = {"messageId": _number(place, message), "sku": message["sku"]}, []
    for issue in (issue for verdict in verdicts for issue in verdict.issues):
        told = {name: issue[name] for name in ("code", "severity", "message")}
        names = {"attributeName": issue["attributeNames"][0]} if issue["attributeNames"] else {}
        one = {**about, **told, **names}
        found += [] if one in found else [one]
    return found


def _shown(call: Call, asked: Any, skus: Sequence[str], shops: Sequence[Marketplace]) -> dict[str, Any]:
    """Return the parts of a report that a feed may ask for in its header: its listings as they are now."""
    included = asked.get("includedData") if isinstance(asked, dict) else None
    if not isinstance(included, list) or not all(one in list(listings.PARTS) for one in included):
        return {}
    held = [[one for shop in shops if (one := call.world.shelf.listing(call.seller, shop.id, sku))] for sku in skus]
    items = [listings.shown(call, one, included) for one in held if one]
    known = (issue for one in held for each in one for issue in findings(call.world.shelf, each))
    severities = [issue["severity"] for issue in known]
    counts = {"items": len(items), "errors": severities.count("ERROR"), "warnings": severities.count("WARNING")}
    return {"header": {"report": asked}, "summary": {"itemSummary": counts}, "items": items}


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    "feeds_2021_06_30.create_feed_document": create_feed_document,
    "feeds_2021_06_30.create_feed": create_feed,
    "feeds_2021_06_30.get_feed": get_feed,
    "feeds_2021_06_30.get_feeds": get_feeds,
    "feeds_2021_06_30.cancel_feed": cancel_feed,
    "feeds_2021_06_30.get_feed_document": get_feed_document,
}
