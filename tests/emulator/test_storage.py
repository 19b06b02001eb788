import base64
import hashlib
from xml.etree import ElementTree

import pytest

from sellerport.emulator import Fault, Outcome
from sellerport.emulator.storage import Stored

from .conftest import NOW, Local, Reply

LISTINGS = "GET_MERCHANT_LISTINGS_ALL_DATA"
TEXT = b"0123456789" * 20_000


def error(answer: Reply) -> tuple[int, str, str]:
    """Status, code and message of an error as S3 writes it."""
    assert answer.headers["content-type"] == "application/xml"
    found = ElementTree.fromstring(answer.body)
    assert found.tag == "Error"
    assert found.findtext("RequestId") == answer.headers["x-amz-request-id"]
    return answer.status, found.findtext("Code", ""), found.findtext("Message", "")


@pytest.fixture
def url(amazon: Local) -> str:
    """The address of a document of 200,000 bytes."""
    storage = amazon.world.storage
    storage.objects["a/b"] = Stored(lambda: [TEXT[:70_000], TEXT[70_000:]], len(TEXT), "text/plain;charset=UTF-8")
    return storage.presign("GET", amazon.base, "a/b", now=NOW, life_s=300)


def test_a_signed_address_is_all_that_is_needed(amazon: Local, url: str) -> None:
    answer = amazon.fetch(url)
    assert (answer.status, answer.body) == (200, TEXT)
    assert answer.headers["content-type"] == "text/plain;charset=UTF-8"
    assert answer.headers["content-length"] == "200000"
    assert answer.headers["accept-ranges"] == "bytes"


def test_an_address_is_on_the_host_that_was_asked(amazon: Local) -> None:
    report = amazon.report(LISTINGS)
    path = f"/reports/2021-06-30/documents/{report['reportDocumentId']}"
    for host in ("shop.example:8443", "sellingpartnerapi-na.amazon.com"):
        headers = {"x-amz-access-token": amazon.token(), "host": host}
        found = amazon.send("GET", path, headers=headers).json["url"]
        assert found.startswith(f"http://{host}/_storage/reports/")
        target = found.removeprefix(f"http://{host}")
        assert amazon.send("GET", target, headers={"host": host}).status == 200


def test_a_host_header_that_was_cut_short_is_seen_through(amazon: Local) -> None:
    """python-amazon-sp-api sends ``27.0.0.1:8099`` for ``http://127.0.0.1:8099``."""
    report = amazon.report(LISTINGS)
    path = f"/reports/2021-06-30/documents/{report['reportDocumentId']}"
    whole = amazon.base.removeprefix("http://")
    port = whole.rpartition(":")[2]
    for sent, host in ((whole[1:], whole), (f"ocalhost:{port}", f"localhost:{port}"), (f"x:{port}", f"x:{port}")):
        headers = {"x-amz-access-token": amazon.token(), "host": sent}
        assert amazon.send("GET", path, headers=headers).json["url"].startswith(f"http://{host}/_storage/")


@pytest.mark.parametrize("header", ["x-amz-access-token", "Authorization"])
def test_a_client_that_brings_its_token_is_found(amazon: Local, url: str, header: str) -> None:
    status, code, _ = error(amazon.fetch(url, {header: "Atza|mine"}))
    assert (status, code) == (400, "InvalidArgument")


def test_what_is_not_there_is_not_there(amazon: Local, url: str) -> None:
    assert error(amazon.fetch(url.replace("a/b", "a/c")))[:2] == (404, "NoSuchKey")


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("X-Amz-Signature=", "X-Amz-Signature=0", "SignatureDoesNotMatch"),
        ("X-Amz-Signature=", "X-Amz-Signature=%C3%BC", "SignatureDoesNotMatch"),
        ("X-Amz-Expires=300", "X-Amz-Expires=3000", "SignatureDoesNotMatch"),
        ("?", "?response-content-encoding=gzip&", "SignatureDoesNotMatch"),
        ("X-Amz-Signature=", "Signature=", "AccessDenied"),
    ],
)
def test_an_address_that_was_changed_is_refused(amazon: Local, url: str, old: str, new: str, code: str) -> None:
    assert error(amazon.fetch(url.replace(old, new)))[:2] == (403, code)


def test_an_address_is_good_for_its_method_only(amazon: Local, url: str) -> None:
    assert error(amazon.put(url, b"x", {}))[:2] == (403, "SignatureDoesNotMatch")
    target = url.removeprefix(amazon.base)
    assert error(amazon.send("POST", target, b"x"))[:2] == (405, "MethodNotAllowed")


def test_an_expired_address_says_so(amazon: Local, url: str) -> None:
    amazon.world.advance(300)
    assert error(amazon.fetch(url)) == (403, "AccessDenied", "Request has expired")


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=69990-70009", 69_990, 70_010),
        ("bytes=100-", 100, 200_000),
        ("bytes=-5", 199_995, 200_000),
        ("bytes=199990-999999", 199_990, 200_000),
        ("bytes=-999999", 0, 200_000),
    ],
)
def test_a_part_of_a_document_can_be_fetched(amazon: Local, url: str, asked: str, start: int, end: int) -> None:
    answer = amazon.fetch(url, {"range": asked})
    assert (answer.status, answer.body) == (206, TEXT[start:end])
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/200000"
    assert answer.headers["content-length"] == str(end - start)


def test_a_range_beyond_the_end_is_refused_and_an_odd_one_passed_over(amazon: Local, url: str) -> None:
    for asked in ("bytes=200000-", "bytes=5-4", "bytes=-0"):
        assert error(amazon.fetch(url, {"range": asked}))[:2] == (416, "InvalidRange")
    for asked in ("bytes=-", "bytes=0-1,5-6", "lines=1-2", f"bytes=0-{'9' * 5000}"):
        assert amazon.fetch(url, {"range": asked}).status == 200


def test_an_address_is_good_for_one_method(amazon: Local, url: str) -> None:
    for method in ("HEAD", "PUT"):
        assert amazon.send(method, url.removeprefix(amazon.base)).status == 403
    assert amazon.fetch(url).status == 200


def place(amazon: Local, **headers: str) -> str:
    amazon.world.storage.places.add("a/new")
    return amazon.world.storage.presign("PUT", amazon.base, "a/new", now=NOW, life_s=300, headers=headers)


def test_what_was_put_can_be_fetched(amazon: Local) -> None:
    answer = amazon.put(place(amazon), b"mine", {"content-type": "text/csv"})
    assert answer.status == 200
    assert answer.headers["etag"] == f'"{hashlib.md5(b"mine").hexdigest()}"'
    address = amazon.world.storage.presign("GET", amazon.base, "a/new", now=NOW, life_s=300)
    found = amazon.fetch(address)
    assert (found.body, found.headers["content-type"]) == (b"mine", "text/csv")


def test_an_empty_place_has_nothing(amazon: Local) -> None:
    place(amazon)
    address = amazon.world.storage.presign("GET", amazon.base, "a/new", now=NOW, life_s=300)
    assert error(amazon.fetch(address))[:2] == (404, "NoSuchKey")


def test_a_put_has_to_bring_the_headers_that_are_signed(amazon: Local) -> None:
    url = place(amazon, **{"Content-Type": "a/b; charset=UTF-8", "X-Other": "1"})
    for headers in (
        {},
        {"content-type": "a/b; charset=UTF-8"},
        {"content-type": "a/b;charset=UTF-8", "x-other": "1"},
        {"content-type": "1", "x-other": "a/b; charset=UTF-8"},
    ):
        assert error(amazon.put(url, b"x", headers))[:2] == (403, "SignatureDoesNotMatch"), headers
    assert amazon.put(url, b"x", {"x-other": "1", "content-type": "a/b; charset=UTF-8"}).status == 200


def test_a_body_that_is_not_what_its_digest_says_is_refused(amazon: Local) -> None:
    right = base64.b64encode(hashlib.md5(b"right").digest()).decode()
    url = place(amazon, **{"content-md5": right})
    assert error(amazon.put(url, b"wrong", {"content-md5": right}))[:2] == (400, "BadDigest")
    assert "a/new" not in amazon.world.storage.objects
    assert amazon.put(url, b"right", {"content-md5": right}).status == 200


def test_a_body_has_to_say_its_length(amazon: Local) -> None:
    url = place(amazon)
    answer = amazon.send("PUT", url.removeprefix(amazon.base), iter([b"a", b"b"]))  # type: ignore[arg-type]
    assert error(answer)[:2] == (501, "NotImplemented")


def test_faults_meet_the_storage_where_the_path_says_so(amazon: Local, url: str) -> None:
    amazon.world.fail(Fault(path="/reports/*", status=500))
    amazon.world.fail(Fault(host="sellingpartnerapi-*", status=500))
    for headers in ({}, {"host": "sellingpartnerapi-na.amazon.com"}):
        assert amazon.fetch(url, headers).status == 200
    for status, code in ((503, "SlowDown"), (500, "InternalError"), (403, "AccessDenied"), (404, "NoSuchKey")):
        amazon.world.fail(Fault(path="/_storage/*", status=status))
        assert error(amazon.fetch(url))[:2] == (status, code)
        assert amazon.fetch(url).status == 200
    amazon.world.fail(Fault(path="/_storage/*", status=503, code="Odd", message="<&>"))
    assert error(amazon.fetch(url)) == (503, "Odd", "<&>")


def test_the_storage_is_seen_among_the_requests_without_its_signatures(amazon: Local) -> None:
    amazon.world.plan(Outcome(body="x"))
    report = amazon.report(LISTINGS)
    url = amazon.call("GET", f"/reports/2021-06-30/documents/{report['reportDocumentId']}").json["url"]
    amazon.fetch(url)
    shown = amazon.world.requests[-1]
    assert (shown["method"], shown["host"], shown["status"]) == ("GET", "", 200)
    assert shown["path"].startswith("/_storage/reports/")
    signature = url.rpartition("X-Amz-Signature=")[2]
    assert signature not in repr(list(amazon.world.requests))
