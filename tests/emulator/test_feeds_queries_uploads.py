import base64
import gzip
import hashlib
import io
import json
import zipfile
from datetime import UTC, datetime
from typing import Any

import pytest

from sellerport.emulator import Outcome

from .conftest import Local, Reply

FEEDS = "/feeds/2021-06-30/feeds"
FEED_DOCUMENTS = "/feeds/2021-06-30/documents"
QUERIES = "/dataKiosk/2023-11-15/queries"
EXPORTS = "/tax/invoices/2024-06-19/exports"
US = "ATVPDKIKX0DER"
QUERY = "query{analytics_salesAndTraffic_2024_04_24{salesAndTrafficByDate(aggregateBy:DAY){startDate}}}"


# --- feeds ------------------------------------------------------------------------------------------------------------


def submit(amazon: Local, document: str, kind: str = "JSON_LISTINGS_FEED") -> Reply:
    body = {"feedType": kind, "marketplaceIds": [US], "inputFeedDocumentId": document}
    return amazon.call("POST", FEEDS, body=body)


def processed(amazon: Local, body: bytes, kind: str = "JSON_LISTINGS_FEED") -> tuple[Any, Reply]:
    """Upload, submit, wait; return the feed and its processing report."""
    feed = amazon.finished(f"{FEEDS}/{submit(amazon, amazon.upload(body), kind).json['feedId']}")
    found = amazon.call("GET", f"{FEED_DOCUMENTS}/{feed['resultFeedDocumentId']}").json
    answer = amazon.fetch(found["url"])
    if found.get("compressionAlgorithm") == "GZIP":
        answer = Reply(answer.status, answer.headers, gzip.decompress(answer.body))
    return feed, answer


def test_a_document_is_put_with_exactly_the_content_type_stated(amazon: Local) -> None:
    stated = "text/tab-separated-values; charset=UTF-8"
    made = amazon.call("POST", FEED_DOCUMENTS, body={"contentType": stated})
    assert made.status == 201
    url = made.json["url"]
    for other in ("text/tab-separated-values;charset=UTF-8", "text/plain", ""):
        answer = amazon.put(url, b"a", {"content-type": other} if other else {})
        assert answer.status == 403
        assert b"<Code>SignatureDoesNotMatch</Code>" in answer.body
    assert submit(amazon, made.json["feedDocumentId"]).error[:2] == (400, "InvalidInput")
    assert amazon.put(url, b"a", {"content-type": stated}).status == 200
    assert submit(amazon, made.json["feedDocumentId"]).status == 202


def test_a_document_is_put_within_five_minutes(amazon: Local) -> None:
    made = amazon.call("POST", FEED_DOCUMENTS, body={"contentType": "a/b"}).json
    amazon.world.advance(300)
    answer = amazon.put(made["url"], b"a", {"content-type": "a/b"})
    assert answer.status == 403
    assert b"<Message>Request has expired</Message>" in answer.body


def test_a_feed_of_a_document_that_does_not_exist_is_refused(amazon: Local) -> None:
    details = "inputFeedDocumentId is no document that was uploaded in the last two days"
    assert submit(amazon, "nowhere").error == (400, "InvalidInput", details)
    answer = amazon.call("POST", FEEDS, body={"feedType": "X", "marketplaceIds": [US]})
    assert "inputFeedDocumentId" in (answer.error[2] or "")


def test_a_document_can_be_submitted_for_two_days(amazon: Local) -> None:
    document = amazon.upload(b"sku\r\n", "text/plain")
    amazon.world.advance(2 * 86_400 - 1)
    assert submit(amazon, document).status == 202
    amazon.world.advance(1)
    assert submit(amazon, document).status == 400


def test_a_feed_moves_on_with_every_poll(amazon: Local) -> None:
    feed = submit(amazon, amazon.upload(b'{"messages": []}')).json["feedId"]
    seen = [amazon.call("GET", f"{FEEDS}/{feed}").json for _ in range(3)]
    assert [one["processingStatus"] for one in seen] == ["IN_QUEUE", "IN_PROGRESS", "DONE"]
    assert ["resultFeedDocumentId" in one for one in seen] == [False, False, True]
    assert seen[0] == {
        "feedId": feed,
        "feedType": "JSON_LISTINGS_FEED",
        "marketplaceIds": [US],
        "createdTime": "2026-09-21T14:13:20+00:00",
        "processingStatus": "IN_QUEUE",
    }


def test_a_listings_feed_is_answered_with_what_became_of_its_messages(amazon: Local) -> None:
    most = {"max_order_quantity": [{"value": 3}]}
    patch = {"op": "add", "path": "/attributes/max_order_quantity", "value": [{"value": 3}]}
    messages = [
        {"messageId": 1, "sku": "A", "operationType": "PARTIAL_UPDATE", "productType": "MUG", "attributes": most},
        {"messageId": 2, "sku": "B", "operationType": "PATCH", "productType": "MUG", "patches": [patch]},
        {"messageId": 3, "sku": "C", "operationType": "DELETE"},
        {"messageId": 4, "operationType": "PATCH", "productType": "MUG"},
        {"messageId": 5, "sku": "E", "operationType": "REMOVE"},
        "no object",
    ]
    feed, report = processed(amazon, json.dumps({"header": {}, "messages": messages}).encode())
    assert feed["processingStatus"] == "DONE"
    assert report.json["header"] == {"sellerId": "ALOCALSELLERNA", "version": "2.0", "feedId": feed["feedId"]}
    assert report.json["summary"] == {
        "errors": 4,
        "warnings": 0,
        "messagesProcessed": 6,
        "messagesAccepted": 3,
        "messagesInvalid": 3,
    }
    found = [(issue["messageId"], issue["attributeName"], issue["severity"]) for issue in report.json["issues"]]
    assert found == [
        (4, "sku", "ERROR"),
        (4, "patches", "ERROR"),
        (5, "operationType", "ERROR"),
        (6, "operationType", "ERROR"),
    ]


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"\xff", b'{"messages": 5}', gzip.compress(b'{"messages": []}', mtime=0)]
)
def test_a_listings_feed_that_cannot_be_read_is_fatal_and_says_why(amazon: Local, body: bytes) -> None:
    feed, report = processed(amazon, body)
    assert feed["processingStatus"] == "FATAL"
    (issue,) = report.json["issues"]
    assert "messageId" not in issue
    assert issue["message"]


def test_another_feed_is_answered_with_a_text(amazon: Local) -> None:
    feed, report = processed(
        amazon, b"sku\tprice\r\nA\t1\r\nB\t2\r\n", "POST_FLAT_FILE_PRICEANDQUANTITYONLY_UPDATE_DATA"
    )
    assert feed["processingStatus"] == "DONE"
    assert report.headers["content-type"] == "text/plain;charset=UTF-8"
    assert "Number of records processed\t\t2\r\n" in report.body.decode()


def test_the_outcome_of_a_feed_can_be_planned(amazon: Local) -> None:
    amazon.world.plan(Outcome(kind="feed", type="JSON_*", status="CANCELLED", polls=0))
    amazon.control("POST", "documents", {"kind": "feed", "status": "FATAL"})
    amazon.world.plan(Outcome(kind="feed", status="FATAL", document=False))
    amazon.world.plan(Outcome(kind="feed", body='{"summary": {}}'))
    document = amazon.upload(b'{"messages": []}')
    path = f"{FEEDS}/{submit(amazon, document).json['feedId']}"
    assert amazon.call("GET", path).json["processingStatus"] == "CANCELLED"
    feed, report = processed(amazon, b"a", "OTHER")
    assert (feed["processingStatus"], b"could not be processed" in report.body) == ("FATAL", True)
    silent = amazon.finished(f"{FEEDS}/{submit(amazon, document).json['feedId']}")
    assert (silent["processingStatus"], "resultFeedDocumentId" in silent) == ("FATAL", False)
    assert processed(amazon, b"a")[1].json == {"summary": {}}


def test_feeds_are_listed_and_cancelled_as_reports_are(amazon: Local) -> None:
    document = amazon.upload(b"a")
    made = [submit(amazon, document, "OTHER").json["feedId"] for _ in range(3)]
    first = amazon.call("GET", FEEDS, feedTypes="OTHER", pageSize="2").json
    rest = amazon.call("GET", FEEDS, nextToken=first["nextToken"]).json
    assert [one["feedId"] for one in first["feeds"] + rest["feeds"]] == made[::-1]
    assert amazon.call("GET", FEEDS, nextToken=first["nextToken"], feedTypes="OTHER").status == 400
    assert amazon.call("DELETE", f"{FEEDS}/{made[0]}").status == 200
    assert amazon.call("GET", f"{FEEDS}/{made[0]}").json["processingStatus"] == "CANCELLED"
    assert amazon.call("DELETE", f"{FEEDS}/{made[0]}").status == 400


# --- Data Kiosk -------------------------------------------------------------------------------------------------------


def ask(amazon: Local, query: str = QUERY, **more: str) -> Reply:
    return amazon.call("POST", QUERIES, body={"query": query, **more})


def answered(amazon: Local, query: str = QUERY, **more: str) -> Any:
    return amazon.finished(f"{QUERIES}/{ask(amazon, query, **more).json['queryId']}")


def lines(amazon: Local, document: str) -> list[Any]:
    found = amazon.call("GET", f"/dataKiosk/2023-11-15/documents/{document}").json
    assert set(found) == {"documentId", "documentUrl"}
    answer = amazon.fetch(found["documentUrl"])
    body = gzip.decompress(answer.body) if answer.headers.get("content-encoding") == "gzip" else answer.body
    return [json.loads(line) for line in body.splitlines()]


def test_a_query_is_answered_with_compressed_lines_of_json(amazon: Local) -> None:
    query = answered(amazon)
    assert (query["processingStatus"], query["query"]) == ("DONE", QUERY)
    assert not {"errorDocumentId", "pagination"} & set(query)
    url = amazon.call("GET", f"/dataKiosk/2023-11-15/documents/{query['dataDocumentId']}").json["documentUrl"]
    assert amazon.fetch(url).headers["content-encoding"] == "gzip"
    sold = [order for order in amazon.world.account("ALOCALSELLERNA").orders.values() if order.priced]
    days = {f"{datetime.fromtimestamp(order.created, UTC):%Y-%m-%d}" for order in sold}
    assert {row["startDate"] for row in lines(amazon, query["dataDocumentId"])} == days


def test_a_query_may_have_no_data_or_fail(amazon: Local) -> None:
    amazon.world.plan(Outcome(kind="query", document=False))
    amazon.world.plan(Outcome(kind="query", status="FATAL"))
    amazon.control("POST", "documents", {"kind": "query", "status": "FATAL", "document": False})
    nothing, failed, silent = answered(amazon), answered(amazon), answered(amazon)
    documents = {"dataDocumentId", "errorDocumentId"}
    assert (nothing["processingStatus"], documents & set(nothing)) == ("DONE", set())
    assert (failed["processingStatus"], documents & set(failed)) == ("FATAL", {"errorDocumentId"})
    assert lines(amazon, failed["errorDocumentId"])[0]["errors"][0]["message"]
    assert (silent["processingStatus"], documents & set(silent)) == ("FATAL", set())
    vendor = amazon.token("Atzr|local-vendor-na")  # sold nothing
    made = amazon.call("POST", QUERIES, vendor, {"query": QUERY}).json["queryId"]
    empty = amazon.finished(f"{QUERIES}/{made}", vendor)
    assert (empty["processingStatus"], documents & set(empty)) == ("DONE", set())


def test_a_query_of_several_pages_goes_on_with_its_token(amazon: Local) -> None:
    body = "".join(f'{{"n":{number}}}\n' for number in range(5))
    amazon.world.plan(Outcome(kind="query", pages=3, body=body, gzip=True))
    found, token = [], None
    for page in range(3):
        query = answered(amazon, **({"paginationToken": token} if token else {}))
        found.append([row["n"] for row in lines(amazon, query["dataDocumentId"])])
        token = query.get("pagination", {}).get("nextToken")
        assert (token is None) == (page == 2)
    assert found == [[0, 1], [2, 3], [4]]


def test_a_pages_token_belongs_to_its_query(amazon: Local) -> None:
    amazon.world.plan(Outcome(kind="query", pages=2))
    token = answered(amazon)["pagination"]["nextToken"]
    other = ask(amazon, "query{other}", paginationToken=token)
    assert other.error == (400, "InvalidInput", "paginationToken belongs to another query")
    assert ask(amazon, paginationToken="x").error == (400, "InvalidInput", "paginationToken is not valid")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "is not a GraphQL query"),
        ("query", "is not a GraphQL query"),
        ("query{a", "is not a GraphQL query"),
        ("mutation{a}", "is not a GraphQL query"),
        ("{a" * 2600 + "}" * 2600, "is not a GraphQL query: Syntax Error: Document is nested too deeply"),
        (
            '{a{salesAndTrafficByDate(startDate:"2026-02-30"){startDate}}}',
            "is not a GraphQL query: day is out of range",
        ),
        ("{a{salesAndTrafficByDate(endDate:$day){startDate}}}", "is not a GraphQL query"),
        ("query{" + "a" * 8000 + "}", "must not be longer than 8000 characters"),
    ],
)
def test_what_is_no_query_is_refused(amazon: Local, query: str, says: str) -> None:
    status, code, details = ask(amazon, query).error
    assert (status, code) == (400, "InvalidInput")
    assert (details or "").startswith(f"query {says}")


def test_queries_are_listed_with_the_same_arguments_but_the_size(amazon: Local) -> None:
    made = [ask(amazon).json["queryId"] for _ in range(3)]
    first = amazon.call("GET", QUERIES, processingStatuses="IN_QUEUE", pageSize="2").json
    token = first["pagination"]["nextToken"]
    rest = amazon.call("GET", QUERIES, processingStatuses="IN_QUEUE", pageSize="50", paginationToken=token).json
    assert [one["queryId"] for one in first["queries"] + rest["queries"]] == made[::-1]
    assert "pagination" not in rest
    answer = amazon.call("GET", QUERIES, processingStatuses="DONE", paginationToken=token)
    details = "paginationToken was given with other values of: processingStatuses"
    assert answer.error == (400, "InvalidInput", details)


def test_an_open_query_can_be_cancelled_and_that_again(amazon: Local) -> None:
    path = f"{QUERIES}/{ask(amazon).json['queryId']}"
    for _ in range(2):
        assert amazon.call("GET", path).status == 200
    assert [amazon.call("DELETE", path).status for _ in range(2)] == [204, 204]
    assert amazon.call("GET", path).json["processingStatus"] == "CANCELLED"
    done = answered(amazon)["queryId"]
    assert amazon.call("DELETE", f"{QUERIES}/{done}").error[:2] == (400, "InvalidInput")


def test_a_large_answer_is_lines_of_json(amazon: Local) -> None:
    amazon.world.plan(Outcome(kind="query", size=100_001))
    rows = lines(amazon, answered(amazon)["dataDocumentId"])
    assert len(rows) == 781
    assert set(rows[0]) == {"sku", "asin", "note"}


# --- uploads ----------------------------------------------------------------------------------------------------------


def destination(amazon: Local, body: bytes, **more: str) -> Any:
    digest = base64.b64encode(hashlib.md5(body).digest()).decode()
    path = "/uploads/2020-11-01/uploadDestinations/messaging/v1/orders/1/messages/legalDisclosure"
    answer = amazon.call("POST", path, marketplaceIds=US, contentMD5=digest, **more)
    assert answer.status == 201
    return answer.json["payload"]


def test_an_upload_carries_the_headers_it_was_given(amazon: Local) -> None:
    made = destination(amazon, b"%PDF", contentType="application/pdf")
    digest = base64.b64encode(hashlib.md5(b"%PDF").digest()).decode()
    assert made["headers"] == {
        "Content-MD5": digest,
        "x-amz-server-side-encryption": "aws:kms",
        "Content-Type": "application/pdf",
    }
    for lacking in made["headers"]:
        headers = {name: value for name, value in made["headers"].items() if name != lacking}
        assert amazon.put(made["url"], b"%PDF", headers).status == 403
    wrong = amazon.put(made["url"], b"%PDX", made["headers"])
    assert (wrong.status, b"<Code>BadDigest</Code>" in wrong.body) == (400, True)
    amazon.world.advance(899)
    assert amazon.put(made["url"], b"%PDF", made["headers"]).status == 200
    amazon.world.advance(1)
    assert amazon.put(made["url"], b"%PDF", made["headers"]).status == 403


# --- invoices ---------------------------------------------------------------------------------------------------------


def test_an_export_of_invoices_is_a_zip_whose_address_lives_half_a_minute(amazon: Local) -> None:
    path = f"{EXPORTS}/{amazon.call('POST', EXPORTS, body={'marketplaceId': US}).json['exportId']}"
    seen = [amazon.call("GET", path).json["export"] for _ in range(3)]
    assert [one["status"] for one in seen] == ["REQUESTED", "PROCESSING", "DONE"]
    assert [len(one["invoicesDocumentIds"]) for one in seen] == [0, 0, 1]
    (document,) = seen[-1]["invoicesDocumentIds"]
    found = amazon.call("GET", f"/tax/invoices/2024-06-19/documents/{document}").json["invoicesDocument"]
    assert found["invoicesDocumentId"] == document
    answer = amazon.fetch(found["invoicesDocumentUrl"])
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        assert len(archive.namelist()) == 5
    amazon.world.advance(30)
    assert amazon.fetch(found["invoicesDocumentUrl"]).status == 403


def test_an_export_can_fail(amazon: Local) -> None:
    amazon.world.plan(Outcome(kind="export", status="FATAL"))
    export = amazon.call("POST", EXPORTS, body={"marketplaceId": US}).json["exportId"]
    found = amazon.finished(f"{EXPORTS}/{export}")
    assert (found["status"], found["invoicesDocumentIds"]) == ("ERROR", [])
    assert found["errorMessage"]
