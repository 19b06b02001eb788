"""JSON listings feeds: what becomes of listings; the way of a feed is in test_feeds_queries_uploads."""

import gzip
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from sellerport.emulator import Outcome

from .conftest import Local
from .test_listings import SELLER, TOWEL, get, patch, path, priced, products, without

FEEDS = "/feeds/2021-06-30/feeds"
US, CA = "ATVPDKIKX0DER", "A2EUQ1WTGCTBG2"
SHARED = Path(__file__).parents[3] / "shared" / "amazon"
SCHEMA = SHARED / "sp-api/schemas/feeds/listings-feed-processing-report-schema-v2.json"


def message(number: int, sku: str, kind: str, **more: Any) -> dict[str, Any]:
    product_type = {} if kind == "DELETE" else {"productType": "TOWEL"}
    return {"messageId": number, "sku": sku, "operationType": kind, **product_type, **more}


def submit(amazon: Local, *messages: Any, shops: tuple[str, ...] = (US,), header: Any = None) -> str:
    feed = {"header": {"sellerId": SELLER, "version": "2.0", **(header or {})}, "messages": list(messages)}
    document = amazon.upload(json.dumps(feed).encode())
    body = {"feedType": "JSON_LISTINGS_FEED", "marketplaceIds": list(shops), "inputFeedDocumentId": document}
    return str(amazon.good("POST", FEEDS, body=body)["feedId"])


def processed(amazon: Local, *messages: Any, **more: Any) -> tuple[str, Any]:
    """Submit, wait; return the feed's status and its processing report."""
    feed = amazon.finished(f"{FEEDS}/{submit(amazon, *messages, **more)}")
    found = amazon.call("GET", f"/feeds/2021-06-30/documents/{feed['resultFeedDocumentId']}").json
    report = json.loads(gzip.decompress(amazon.fetch(found["url"]).body))
    if SCHEMA.exists():  # Amazon's descriptions are beside this clone
        for error in jsonschema_rs.validator_for(json.loads(SCHEMA.read_text())).iter_errors(report):
            raise AssertionError(f"{error.message} at {error.instance_path}")
    return feed["processingStatus"], report


def counts(report: Any) -> tuple[int, int, int, int]:
    summary = report["summary"]
    names = ("messagesProcessed", "messagesAccepted", "messagesInvalid", "errors")
    return tuple(summary[name] for name in names)  # type: ignore[return-value]


def test_each_kind_of_message_changes_its_listing(amazon: Local) -> None:
    patched, partly, deleted = (products(amazon)[place].sku for place in (1, 3, 6))
    value, point = [{"fulfillment_channel_code": "DEFAULT", "quantity": 31}], [{"value": "Only this"}]
    status, report = processed(
        amazon,
        message(1, "HEMP", "UPDATE", requirements="LISTING", attributes=TOWEL),
        message(
            2,
            patched,
            "PATCH",
            patches=[{"op": "merge", "path": "/attributes/fulfillment_availability", "value": value}],
        ),
        message(3, partly, "PARTIAL_UPDATE", attributes={"purchasable_offer": priced(77.7), "bullet_point": point}),
        message(4, deleted, "DELETE"),
    )
    assert (status, counts(report), report["issues"]) == ("DONE", (4, 4, 0, 0), [])
    assert get(amazon, "HEMP")["summaries"][0]["itemName"] == "Hemp Towel, Undyed"
    assert get(amazon, patched)["fulfillmentAvailability"][0]["quantity"] == 31
    assert get(amazon, patched)["offers"][0]["price"]["amount"] == "22.50"
    assert get(amazon, partly)["offers"][0]["price"]["amount"] == "77.70"
    assert [one["value"] for one in get(amazon, partly)["attributes"]["bullet_point"]] == ["Only this"]
    assert get(amazon, partly)["summaries"][0]["itemName"] == products(amazon)[3].title
    assert amazon.call("GET", path(deleted), marketplaceIds=US).status == 404


def test_nothing_changes_before_the_feed_comes_to_its_end_nor_twice(amazon: Local) -> None:
    sku = products(amazon)[1].sku
    feed = submit(amazon, message(1, sku, "PARTIAL_UPDATE", attributes={"purchasable_offer": priced(5)}))
    for _ in range(2):
        amazon.call("GET", f"{FEEDS}/{feed}")
        assert get(amazon, sku)["offers"][0]["price"]["amount"] == "22.50"
    assert amazon.call("GET", f"{FEEDS}/{feed}").json["processingStatus"] == "DONE"
    assert get(amazon, sku)["offers"][0]["price"]["amount"] == "5.00"
    patch(amazon, sku, ("replace", "purchasable_offer", priced(6)))
    amazon.call("GET", f"{FEEDS}/{feed}")
    assert get(amazon, sku)["offers"][0]["price"]["amount"] == "6.00"


def test_the_issues_of_the_report_are_those_of_the_submission(amazon: Local) -> None:
    status, report = processed(
        amazon,
        message(7, "HEMP", "UPDATE", attributes=without("brand", "size")),
        message(8, "GOOD", "UPDATE", attributes=TOWEL),
        message(9, products(amazon)[1].sku, "PATCH", patches=[{"op": "add", "path": "/a/b", "value": [{}]}]),
    )
    assert (status, counts(report)) == ("DONE", (3, 1, 2, 3))
    assert report["issues"][0] == {
        "messageId": 7,
        "sku": "HEMP",
        "code": "90220",
        "severity": "ERROR",
        "message": "'brand' is required but not supplied.",
        "attributeName": "brand",
    }
    assert [(one["messageId"], one["code"], one["attributeName"]) for one in report["issues"][1:]] == [
        (7, "90220", "size"),
        (9, "90000900", "/a/b"),
    ]
    assert amazon.call("GET", path("HEMP"), marketplaceIds=US).status == 404
    assert get(amazon, "GOOD")["sku"] == "GOOD"
    body = {"productType": "TOWEL", "attributes": without("brand", "size")}
    direct = amazon.good("PUT", path("HEMP"), body=body, marketplaceIds=US)["issues"]
    assert [one["message"] for one in direct] == [one["message"] for one in report["issues"][:2]]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (message(1, "A", "UPDATE"), "attributes"),
        (message(1, "A", "UPDATE", attributes=[1]), "attributes"),
        (message(1, "A", "PATCH", patches=[{"op": "move", "path": "/attributes/brand"}]), "patches"),
        (message(1, "A", "PATCH", patches=["brand"]), "patches"),
        (message(1, "A", "PATCH", patches=[{"op": "add", "path": 1}]), "patches"),
        (message(1, "A", "PATCH", patches=[{"op": "add", "path": "/attributes/brand", "value": ["x"]}]), "patches"),
        (message(1, "A" * 41, "DELETE"), "sku"),
        (message(1, "", "DELETE"), "sku"),
        ({"messageId": 1, "sku": "A"}, "operationType"),
        ({"messageId": 1, "sku": "A", "operationType": ["UPDATE"]}, "operationType"),
        ({"messageId": 1, "sku": {}, "operationType": "DELETE"}, "sku"),
        (["UPDATE"], "operationType"),
        (message(1, "A", "UPDATE", requirements=["LISTING"], attributes=TOWEL), "requirements"),
        ({**message(1, "A", "DELETE"), "messageId": [1]}, "messageId"),
    ],
)
def test_a_message_that_is_not_of_the_form_is_invalid_alone(amazon: Local, given: Any, name: str) -> None:
    _, report = processed(amazon, given, message(2, products(amazon)[1].sku, "DELETE"))
    assert counts(report) == (2, 1, 1, 1)
    assert [(one["messageId"], one["attributeName"]) for one in report["issues"]] == [(1, name)]


def test_messages_of_one_number_count_each_for_itself(amazon: Local) -> None:
    wrong = {"messageId": 1, "sku": "A"}
    _, report = processed(amazon, wrong, wrong, message(1, products(amazon)[1].sku, "DELETE"))
    assert counts(report) == (3, 1, 2, 2)


def test_a_feed_for_several_marketplaces_is_done_in_all_or_none(amazon: Local) -> None:
    sku = products(amazon)[1].sku
    both = [{"value": "Hier", "marketplace_id": US}, {"value": "x" * 101, "marketplace_id": CA}]
    _, report = processed(amazon, message(1, sku, "PARTIAL_UPDATE", attributes={"style": both}), shops=(US, CA))
    assert counts(report) == (1, 0, 1, 1)
    assert "style" not in get(amazon, sku)["attributes"]
    everywhere = [{"value": "Plain"}]
    _, report = processed(amazon, message(1, sku, "PARTIAL_UPDATE", attributes={"style": everywhere}), shops=(US, CA))
    assert counts(report) == (1, 1, 0, 0)
    found = get(amazon, sku, "attributes", f"{US},{CA}")["attributes"]["style"]
    assert [one["marketplace_id"] for one in found] == [US, CA]


def test_a_report_may_hold_the_listings_as_they_are_now(amazon: Local) -> None:
    header = {"report": {"includedData": ["summaries", "issues"], "apiVersion": "2021-08-01"}}
    attributes = without("main_product_image_locator")
    _, report = processed(amazon, message(1, "HEMP", "UPDATE", attributes=attributes), header=header)
    assert report["header"]["report"] == header["report"]
    assert report["items"] == [get(amazon, "HEMP", "summaries,issues")]
    assert report["summary"]["itemSummary"] == {"items": 1, "errors": 1, "warnings": 1}
    assert report["issues"] == []
    _, plain = processed(amazon, message(1, "HEMP", "DELETE"))
    assert "items" not in plain


def test_a_feed_of_another_seller_is_fatal(amazon: Local) -> None:
    sku = products(amazon)[1].sku
    status, report = processed(amazon, message(1, sku, "DELETE"), header={"sellerId": "ALOCALVENDORNA"})
    assert (status, counts(report)) == ("FATAL", (0, 0, 0, 1))
    assert get(amazon, sku)["sku"] == sku


def test_a_feed_that_is_planned_to_fail_changes_nothing(amazon: Local) -> None:
    sku = products(amazon)[1].sku
    amazon.world.plan(Outcome(kind="feed", status="FATAL"))
    assert processed(amazon, message(1, sku, "DELETE"))[0] == "FATAL"
    assert get(amazon, sku)["sku"] == sku
