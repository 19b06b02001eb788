import csv
import gzip
import io
import json
import zlib
from base64 import b64decode
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from sellerport.emulator import Outcome
from sellerport.emulator.shop import Order

from .conftest import NOW, Local, Reply

REPORTS = "/reports/2021-06-30/reports"
DOCUMENTS = "/reports/2021-06-30/documents"
LISTINGS = "GET_MERCHANT_LISTINGS_ALL_DATA"
BY_UPDATE = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL"
TO_SHIP = "GET_FLAT_FILE_ORDER_REPORT_DATA_SHIPPING"
US, CA, MX, DE, JP = "ATVPDKIKX0DER", "A2EUQ1WTGCTBG2", "A1AM78C64UM0Y8", "A1PA6795UKMFR9", "A1VC38T7YXB528"


def create(amazon: Local, kind: str = LISTINGS, **more: Any) -> str:
    answer = amazon.call("POST", REPORTS, body={"reportType": kind, "marketplaceIds": [US], **more})
    assert answer.status == 202, answer.body
    return str(answer.json["reportId"])


def document(amazon: Local, report: Any, token: str | None = None, **query: str) -> Any:
    answer = amazon.call("GET", f"{DOCUMENTS}/{report['reportDocumentId']}", token, **query)
    assert answer.status == 200, answer.body
    return answer.json


def download(amazon: Local, report: Any, token: str | None = None) -> Reply:
    return amazon.fetch(document(amazon, report, token)["url"])


def table(text: str) -> list[dict[str, str]]:
    assert text.endswith("\r\n")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter="\t", quoting=csv.QUOTE_NONE))


def orders_of(amazon: Local, *marketplaces: str) -> list[Order]:
    account = amazon.world.account("ALOCALSELLERNA")
    return [one for one in account.orders.values() if one.marketplace.id in marketplaces]


# --- the way of a report ----------------------------------------------------------------------------------------------


def test_a_report_moves_on_with_every_poll_and_never_by_the_clock(amazon: Local) -> None:
    report = create(amazon, dataStartTime="2026-09-01T00:00:00Z")
    path = f"{REPORTS}/{report}"
    first = amazon.call("GET", path).json
    assert first == {
        "reportId": report,
        "reportType": LISTINGS,
        "processingStatus": "IN_QUEUE",
        "createdTime": "2026-09-21T14:13:20+00:00",
        "marketplaceIds": [US],
        "dataStartTime": "2026-09-01T00:00:00Z",
    }
    amazon.world.advance(600)
    second = amazon.call("GET", path).json
    assert second == {
        **first,
        "processingStatus": "IN_PROGRESS",
        "processingStartTime": "2026-09-21T14:23:20+00:00",
    }
    third = amazon.call("GET", path).json
    assert third["processingStatus"] == "DONE"
    assert third["processingEndTime"] == "2026-09-21T14:23:20+00:00"
    assert third["reportDocumentId"]
    assert amazon.call("GET", path).json == third


def test_how_often_a_report_is_seen_unfinished_is_planned_or_the_worlds(amazon: Local) -> None:
    amazon.world.plan(Outcome(polls=0))
    assert amazon.call("GET", f"{REPORTS}/{create(amazon)}").json["processingStatus"] == "DONE"
    amazon.world.polls = 1
    path = f"{REPORTS}/{create(amazon)}"
    amazon.world.polls = 2
    assert [amazon.call("GET", path).json["processingStatus"] for _ in range(2)] == ["IN_QUEUE", "DONE"]


def test_a_report_waiting_in_the_queue_can_be_cancelled_and_no_other(amazon: Local) -> None:
    report = create(amazon)
    path = f"{REPORTS}/{report}"
    answer = amazon.call("DELETE", path)
    assert (answer.status, answer.body) == (200, b"")
    assert amazon.call("GET", path).json["processingStatus"] == "CANCELLED"
    assert amazon.call("DELETE", path).error[:2] == (400, "InvalidInput")
    started = f"{REPORTS}/{create(amazon)}"
    for _ in range(2):
        amazon.call("GET", started)
    assert amazon.call("DELETE", started).error[:2] == (400, "InvalidInput")


def test_a_report_is_its_accounts_alone(amazon: Local) -> None:
    report = amazon.report(LISTINGS)
    other = amazon.token("Atzr|local-seller-eu")
    for path in (f"{REPORTS}/{report['reportId']}", f"{DOCUMENTS}/{report['reportDocumentId']}"):
        assert amazon.call("GET", path).status == 200
        assert amazon.call("GET", path, other).error[:2] == (404, "NotFound")
    listed = amazon.call("GET", REPORTS, other, reportTypes=LISTINGS)
    assert listed.json == {"reports": []}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"marketplaceIds": [US]}, "reportType"),
        ({"reportType": LISTINGS}, "marketplaceIds"),
        ({"reportType": LISTINGS, "marketplaceIds": []}, "marketplaceIds"),
        ({"reportType": 7, "marketplaceIds": [US]}, "reportType"),
        ({"reportType": LISTINGS, "marketplaceIds": [US], "dataStartTime": "yesterday"}, "dataStartTime"),
        ({"reportType": LISTINGS, "marketplaceIds": [US], "dataEndTime": ""}, "dataEndTime"),
        ([], "object"),
    ],
)
def test_a_body_that_does_not_fit_is_refused_with_its_field(amazon: Local, body: Any, field: str) -> None:
    status, code, details = amazon.call("POST", REPORTS, body=body).error
    assert (status, code) == (400, "InvalidInput")
    assert field in (details or "")


def test_reports_are_listed_newest_first_in_pages_whose_token_stands_alone(amazon: Local) -> None:
    made = []
    for _ in range(5):
        made.append(create(amazon))
        amazon.world.advance(60)
    create(amazon, BY_UPDATE)
    first = amazon.call("GET", REPORTS, reportTypes=LISTINGS, pageSize="2").json
    token = first["nextToken"]
    second = amazon.call("GET", REPORTS, nextToken=token).json
    third = amazon.call("GET", REPORTS, nextToken=second["nextToken"]).json
    pages = [[one["reportId"] for one in page["reports"]] for page in (first, second, third)]
    assert pages == [made[4:2:-1], made[2:0:-1], made[:1]]
    assert "nextToken" not in third
    for more in ({"reportTypes": LISTINGS}, {"pageSize": "2"}, {"marketplaceIds": US}):
        answer = amazon.call("GET", REPORTS, nextToken=token, **more)
        assert answer.error == (400, "InvalidInput", "nextToken must be the only parameter")
    assert amazon.call("GET", REPORTS).error == (
        400,
        "InvalidInput",
        "Either reportTypes or nextToken must be provided",
    )
    assert amazon.call("GET", REPORTS, reportTypes=LISTINGS, pageSize="101").status == 400
    feeds = amazon.call("GET", "/feeds/2021-06-30/feeds", nextToken=token)
    assert feeds.error == (400, "InvalidInput", "nextToken is not valid")


def test_reports_are_filtered(amazon: Local) -> None:
    done = amazon.report(LISTINGS)["reportId"]
    amazon.world.advance(3600)
    waiting = create(amazon, BY_UPDATE, marketplaceIds=[CA])

    def found(**query: str) -> list[str]:
        answer = amazon.call("GET", REPORTS, reportTypes=f"{LISTINGS},{BY_UPDATE}", **query)
        return [one["reportId"] for one in answer.json["reports"]]

    assert found() == [waiting, done]
    assert found(processingStatuses="DONE") == [done]
    assert found(processingStatuses="DONE,IN_QUEUE") == [waiting, done]
    assert found(marketplaceIds=CA) == [waiting]
    assert found(createdSince="2026-09-21T15:00:00Z") == [waiting]
    assert found(createdUntil="2026-09-21T15:00:00Z") == [done]
    amazon.world.advance(89.99 * 86_400)
    assert found() == [waiting]


# --- what is in them --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("account", "marketplace", "charset", "codec", "note"),
    [
        ("na", US, "UTF-8", "utf-8", '"Handmade" in small lots, ½ of them gifts'),
        ("eu", DE, "ISO-8859-1", "latin-1", '"Handgemacht" für Küche und Garten'),
        ("fe", JP, "Shift_JIS", "cp932", "「手仕事」 ①番人気の逸品"),
    ],
)
def test_listings_come_in_the_charset_of_their_marketplace(
    amazon: Local, account: str, marketplace: str, charset: str, codec: str, note: str
) -> None:
    token = amazon.token(f"Atzr|local-seller-{account}")
    answer = download(amazon, amazon.report(LISTINGS, token, marketplace), token)
    assert answer.headers["content-type"] == f"text/plain;charset={charset}"
    rows = table(answer.body.decode(codec))
    products = amazon.world.account(f"ALOCALSELLER{account.upper()}").products
    assert [row["seller-sku"] for row in rows] == [product.sku for product in products]
    assert [row["item-name"] for row in rows] == [product.title for product in products]
    assert {row["item-description"] for row in rows} == {note}
    assert {row["status"] for row in rows} <= {"Active", "Inactive"}


def test_the_order_report_agrees_with_the_orders_of_the_account(amazon: Local) -> None:
    rows = table(download(amazon, amazon.report(BY_UPDATE, marketplaceIds=[US, CA])).body.decode())
    sold = sorted(orders_of(amazon, US, CA), key=lambda order: order.updated)
    assert [(row["amazon-order-id"], row["sku"]) for row in rows] == [
        (order.id, item.sku) for order in sold for item in order.items
    ]
    priced = [order for order in sold if order.priced]
    total = sum((item.price for order in priced for item in order.items), Decimal(0))
    assert sum(Decimal(row["item-price"]) for row in rows if row["item-price"]) == total
    statuses = {row["order-status"] for row in rows}
    assert {"Cancelled", "Pending", "Shipped"} <= statuses
    assert "Canceled" not in statuses


def test_the_order_report_keeps_to_its_span_of_time(amazon: Local) -> None:
    span = {"dataStartTime": "2026-09-10T00:00:00Z", "dataEndTime": "2026-09-15T00:00:00+00:00"}
    rows = table(download(amazon, amazon.report(BY_UPDATE, **span)).body.decode())
    start, end = 1_788_998_400, 1_789_430_400
    inside = {one.id for one in orders_of(amazon, US) if start <= one.updated <= end}
    assert {row["amazon-order-id"] for row in rows} == inside
    assert 0 < len(inside) < len(orders_of(amazon, US))


def test_a_span_without_data_is_cancelled(amazon: Local) -> None:
    report = amazon.report(BY_UPDATE, dataEndTime="2020-01-01T00:00:00Z")
    assert report["processingStatus"] == "CANCELLED"
    assert "reportDocumentId" not in report


def test_sales_and_traffic_are_compressed_json_that_is_called_text(amazon: Local) -> None:
    found = document(amazon, amazon.report("GET_SALES_AND_TRAFFIC_REPORT", reportOptions={"dateGranularity": "DAY"}))
    assert found["compressionAlgorithm"] == "GZIP"
    answer = amazon.fetch(found["url"])
    assert answer.headers["content-type"] == "text/plain;charset=UTF-8"
    report = json.loads(gzip.decompress(answer.body))
    assert report["reportSpecification"]["reportOptions"] == {"dateGranularity": "DAY"}
    priced = [order for order in orders_of(amazon, US) if order.priced]
    units = sum(item.quantity for order in priced for item in order.items)
    assert sum(day["salesByDate"]["unitsOrdered"] for day in report["salesAndTrafficByDate"]) == units
    assert sum(one["salesByAsin"]["unitsOrdered"] for one in report["salesAndTrafficByAsin"]) == units


def test_orders_come_as_xml_too(amazon: Local) -> None:
    answer = download(amazon, amazon.report("GET_XML_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL"))
    assert answer.headers["content-type"] == "text/xml;charset=UTF-8"
    found = ElementTree.fromstring(answer.body)
    ids = {one.text for one in found.iterfind("Message/Order/AmazonOrderID")}
    assert ids == {order.id for order in orders_of(amazon, US)}


def test_every_other_type_is_a_small_table(amazon: Local) -> None:
    first = download(amazon, amazon.report("GET_STRANDED_INVENTORY_UI_DATA")).body
    assert [row["report-type"] for row in table(first.decode())] == ["GET_STRANDED_INVENTORY_UI_DATA"] * 40
    assert download(amazon, amazon.report("GET_STRANDED_INVENTORY_UI_DATA")).body == first


# --- their documents --------------------------------------------------------------------------------------------------


def test_the_address_of_a_document_lives_five_minutes(amazon: Local) -> None:
    found = document(amazon, amazon.report(LISTINGS))
    assert set(found) == {"reportDocumentId", "url"}
    amazon.world.advance(299)
    assert amazon.fetch(found["url"]).status == 200
    amazon.world.advance(1)
    assert amazon.fetch(found["url"]).status == 403
    again = amazon.call("GET", f"{DOCUMENTS}/{found['reportDocumentId']}").json["url"]
    assert amazon.fetch(again).status == 200


@pytest.mark.parametrize(
    ("query", "encoding"),
    [
        ({}, "identity"),
        ({"enableContentEncodingUrlHeader": "false"}, "identity"),
        ({"enableContentEncodingUrlHeader": "true"}, "gzip"),
    ],
)
def test_the_storage_says_gzip_where_it_was_asked_to(amazon: Local, query: dict[str, str], encoding: str) -> None:
    amazon.world.plan(Outcome(body="a\tb\r\n", gzip=True))
    answer = amazon.fetch(document(amazon, amazon.report(LISTINGS), **query)["url"])
    assert answer.headers["content-encoding"] == encoding
    assert gzip.decompress(answer.body) == b"a\tb\r\n"


def test_a_plain_document_has_no_encoding(amazon: Local) -> None:
    found = document(amazon, amazon.report(LISTINGS), enableContentEncodingUrlHeader="true")
    assert "content-encoding" not in amazon.fetch(found["url"]).headers


def restricted(amazon: Local, path: str) -> Reply:
    body = {"restrictedResources": [{"method": "GET", "path": path}]}
    return amazon.call("POST", "/tokens/2021-03-01/restrictedDataToken", body=body)


def test_a_restricted_report_opens_to_a_token_for_its_very_path(amazon: Local) -> None:
    report = amazon.report(TO_SHIP, marketplaceIds=[US, CA, MX])
    path = f"{DOCUMENTS}/{report['reportDocumentId']}"
    assert amazon.call("GET", path).error == (403, "Unauthorized", "")
    token = restricted(amazon, path).json["restrictedDataToken"]
    rows = table(download(amazon, report, token).body.decode())
    shipped_by_the_seller = [one for one in orders_of(amazon, US, CA, MX) if one.channel == "MFN"]
    expected = [one for one in shipped_by_the_seller if one.priced]
    assert len(expected) < len(shipped_by_the_seller)
    assert {row["order-id"] for row in rows} == {order.id for order in expected}
    assert {row["recipient-name"] for row in rows} == {order.address.name for order in expected}
    other = f"{DOCUMENTS}/{amazon.report(TO_SHIP)['reportDocumentId']}"
    assert amazon.call("GET", other, token).error == (403, "Unauthorized", "")


def test_a_document_is_told_of_by_the_api_of_its_kind_alone(amazon: Local) -> None:
    restricted_report = str(amazon.report(TO_SHIP)["reportDocumentId"])
    for path in (
        "/feeds/2021-06-30/documents",
        "/dataKiosk/2023-11-15/documents",
        "/tax/invoices/2024-06-19/documents",
    ):
        assert amazon.call("GET", f"{path}/{restricted_report}").error[:2] == (404, "NotFound")
    assert amazon.call("GET", f"{DOCUMENTS}/{amazon.upload(b'sku')}").error[:2] == (404, "NotFound")
    feed = {"feedType": "X", "marketplaceIds": [US], "inputFeedDocumentId": restricted_report}
    assert amazon.call("POST", "/feeds/2021-06-30/feeds", body=feed).error[:2] == (400, "InvalidInput")


def test_a_restricted_token_is_only_made_for_a_restricted_report(amazon: Local) -> None:
    plain = f"{DOCUMENTS}/{amazon.report(LISTINGS)['reportDocumentId']}"
    for path in (plain, f"{DOCUMENTS}/nowhere"):
        answer = restricted(amazon, path)
        assert answer.error == (400, "InvalidInput", "")
        assert answer.json["errors"][0]["message"] == "Invalid or unsupported document ID found"


# --- what was planned -------------------------------------------------------------------------------------------------


def test_the_next_report_of_a_type_can_be_cancelled_or_have_no_data(amazon: Local) -> None:
    planned = [{"type": "GET_MERCHANT_*", "status": "CANCELLED"}, {"type": BY_UPDATE, "document": False}]
    assert [amazon.control("POST", "documents", one).json for one in planned] == [{"planned": 1}, {"planned": 2}]
    nothing = amazon.report(BY_UPDATE)
    assert (nothing["processingStatus"], "reportDocumentId" in nothing) == ("DONE", False)
    cancelled = amazon.report(LISTINGS)
    assert (cancelled["processingStatus"], "reportDocumentId" in cancelled) == ("CANCELLED", False)
    assert amazon.control("GET", "state").json["outcomes"] == []
    assert amazon.report(LISTINGS)["processingStatus"] == "DONE"


def test_a_fatal_report_explains_itself_or_does_not(amazon: Local) -> None:
    amazon.world.plan(Outcome(status="FATAL"))
    amazon.world.plan(Outcome(status="FATAL", document=False))
    amazon.world.plan(Outcome(status="FATAL", body="Ask for one month at most."))
    explained, silent, worded = (amazon.report(LISTINGS) for _ in range(3))
    assert {one["processingStatus"] for one in (explained, silent, worded)} == {"FATAL"}
    assert LISTINGS in json.loads(download(amazon, explained).body)["errorDetails"]
    assert "reportDocumentId" not in silent
    assert download(amazon, worded).body == b"Ask for one month at most."


def test_an_outcome_may_be_for_several_and_for_one_kind_only(amazon: Local) -> None:
    amazon.world.plan(Outcome(status="CANCELLED", times=2))
    amazon.world.plan(Outcome(kind="feed", status="FATAL"))
    statuses = [amazon.report(LISTINGS)["processingStatus"] for _ in range(3)]
    assert statuses == ["CANCELLED", "CANCELLED", "DONE"]
    assert len(amazon.world.outcomes) == 1


def test_the_body_of_a_report_can_be_given_with_its_charset(amazon: Local) -> None:
    body = {
        "body": "名前\r\n髙橋\r\n",
        "charset": "cp932",
        "content_type": "text/plain;charset=Shift_JIS",
        "gzip": True,
    }
    amazon.control("POST", "documents", body)
    found = document(amazon, amazon.report(LISTINGS))
    answer = amazon.fetch(found["url"])
    assert found["compressionAlgorithm"] == "GZIP"
    assert answer.headers["content-type"] == "text/plain;charset=Shift_JIS"
    assert gzip.decompress(answer.body).decode("cp932") == body["body"]


@pytest.mark.parametrize("packed", [True, False])
def test_a_document_can_have_the_old_encrypted_form(amazon: Local, packed: bool) -> None:
    amazon.world.plan(Outcome(body="secret\r\n", encrypted=True, gzip=packed))
    found = document(amazon, amazon.report(LISTINGS))
    details = found["encryptionDetails"]
    assert details["standard"] == "AES"
    key, start = b64decode(details["key"]), b64decode(details["initializationVector"])
    assert (len(key), len(start)) == (32, 16)
    opened = Cipher(algorithms.AES(key), modes.CBC(start)).decryptor()
    unpadder = padding.PKCS7(128).unpadder()
    body = unpadder.update(opened.update(amazon.fetch(found["url"]).body) + opened.finalize()) + unpadder.finalize()
    assert (gzip.decompress(body) if packed else body) == b"secret\r\n"
    assert found.get("compressionAlgorithm") == ("GZIP" if packed else None)


@pytest.mark.parametrize("packed", [None, True, False])
@pytest.mark.parametrize("size", [1024, 1151, 65_536, 1_000_003])
def test_a_document_can_have_any_size(amazon: Local, size: int, packed: bool | None) -> None:
    amazon.world.plan(Outcome(size=size, gzip=packed))
    found = document(amazon, amazon.report(LISTINGS))
    answer = amazon.fetch(found["url"])
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert ("compressionAlgorithm" in found) == (packed is not False)
    if packed is False:
        body = answer.body
    else:
        opener = zlib.decompressobj(zlib.MAX_WBITS | 16)  # one member, as Amazon's
        body = opener.decompress(answer.body)
        assert (opener.eof, opener.unused_data) == (True, b"")
    assert len(body) == size
    rows = table(body.decode())
    assert {len(row) for row in rows} == {3}
    assert all(row["note"] and row["sku"].startswith("BULK-") for row in rows)


def test_a_large_document_is_not_held_in_memory(amazon: Local) -> None:
    amazon.world.plan(Outcome(size=50_000_000))
    stored = amazon.world.storage.objects
    found = document(amazon, amazon.report(LISTINGS))
    assert len({id(part) for one in stored.values() for part in one.parts()}) < 10
    opener, size = zlib.decompressobj(zlib.MAX_WBITS | 16), 0
    for part in next(iter(stored.values())).parts():
        size += len(opener.decompress(part))
    assert (size, opener.eof) == (50_000_000, True)
    assert amazon.fetch(found["url"], {"range": "bytes=0-3"}).body == b"\x1f\x8b\x08\x00"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"kind": "letter"}, "letter"),
        ({"status": "IN_QUEUE"}, "IN_QUEUE"),
        ({"times": 0}, "times"),
        ({"size": 1023}, "size"),
        ({"size": 2000, "body": "x"}, "size"),
        ({"polls": -1}, "polls"),
        ({"charset": "klingon", "body": "x"}, "charset"),
        ({"charset": "ascii", "body": "ü"}, "charset"),
        ({"stauts": "DONE"}, "stauts"),
    ],
)
def test_what_is_wrong_with_a_plan_is_said(amazon: Local, body: Any, says: str) -> None:
    answer = amazon.control("POST", "documents", body)
    assert answer.status == 400
    assert says in answer.body.decode()
    assert not amazon.world.outcomes


def test_a_reset_forgets_reports_plans_and_documents(amazon: Local) -> None:
    amazon.world.plan(Outcome(times=3))
    amazon.world.polls = 0
    report = amazon.report(LISTINGS)
    url = document(amazon, report)["url"]
    amazon.world.reset()
    assert amazon.world.now() == NOW
    assert amazon.call("GET", f"{REPORTS}/{report['reportId']}").status == 404
    assert amazon.fetch(url).status == 404
    assert amazon.world.polls == 2
    assert not amazon.world.outcomes
