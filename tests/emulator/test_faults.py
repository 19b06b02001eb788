import asyncio
import http.client
import socket
import threading
from contextlib import closing
from typing import Any

import pytest

from sellerport.emulator import Fault, World, app
from sellerport.errors import NoAnswer
from sellerport.wire import BlockingWire, Request, run

from .conftest import CLIENT, Local

ACCOUNT = "/sellers/v1/account"


@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        (429, "QuotaExceeded", "You exceeded your quota for the requested resource.", "TooManyRequestsException"),
        (500, "InternalFailure", "We encountered an internal error. Please try again.", "InternalServerErrorException"),
        (
            503,
            "ServiceUnavailable",
            "Service is temporarily unavailable. Please try again.",
            "ServiceUnavailableException",
        ),
        (400, "InvalidInput", "Invalid Input", "ValidationException"),
        (403, "Unauthorized", "Access to requested resource is denied.", "AccessDeniedException"),
        (404, "NotFound", "Resource Not Found", "ResourceNotFoundException"),
    ],
)
def test_the_next_requests_are_answered_with_a_status_as_amazon_writes_it(
    amazon: Local, status: int, code: str, message: str, kind: str
) -> None:
    token = amazon.token()
    assert amazon.control("POST", "faults", {"status": status, "times": 2}).json == {"planned": 1}
    for _ in range(2):
        answer = amazon.call("GET", ACCOUNT, token)
        assert answer.status == status
        error = answer.json["errors"][0]
        assert (error["code"], error["message"]) == (code, message)
        assert answer.headers["x-amzn-errortype"] == kind
        assert "x-amzn-requestid" in answer.headers
        assert "x-amzn-ratelimit-limit" not in answer.headers
    assert amazon.call("GET", ACCOUNT, token).status == 200


def test_a_throttled_answer_has_no_details(amazon: Local) -> None:
    amazon.world.fail(Fault(status=429))
    assert set(amazon.call("GET", ACCOUNT, "x").json["errors"][0]) == {"code", "message"}


def test_what_a_fault_says_can_be_chosen(amazon: Local) -> None:
    fault = {"status": 403, "code": "Forbidden", "message": "No.", "details": "Role missing"}
    amazon.control("POST", "faults", fault)
    expected = {"code": "Forbidden", "message": "No.", "details": "Role missing"}
    assert amazon.call("GET", ACCOUNT, "x").json["errors"] == [expected]


def test_login_with_amazon_fails_in_its_own_words(amazon: Local) -> None:
    for fault, error in (
        (Fault(status=503), "temporarily_unavailable"),
        (Fault(status=500), "server_error"),
        (Fault(status=400, code="invalid_grant", message="Gone"), "invalid_grant"),
    ):
        amazon.world.fail(fault)
        answer = amazon.lwa(grant_type="refresh_token", refresh_token="Atzr|local-seller-na", **CLIENT)
        assert (answer.status, answer.json["error"]) == (fault.status, error)
        assert answer.json["error_description"]
    assert amazon.token()


def test_an_answer_can_be_html_or_empty(amazon: Local) -> None:
    amazon.control("POST", "faults", {"status": 502, "answer": "html"})
    amazon.control("POST", "faults", {"status": 200, "answer": "empty"})
    page = amazon.call("GET", ACCOUNT, "x")
    assert (page.status, page.headers["content-type"]) == (502, "text/html; charset=utf-8")
    assert page.body.startswith(b"<html>")
    nothing = amazon.call("GET", ACCOUNT, "x")
    assert (nothing.status, nothing.body) == (200, b"")


def test_faults_meet_only_what_they_match_in_the_order_planned(amazon: Local) -> None:
    token = amazon.token("Atzr|local-seller-eu")
    amazon.world.fail(Fault(method="post", status=501))
    amazon.world.fail(Fault(path="/orders/*", status=502))
    amazon.world.fail(Fault(host="sellingpartnerapi-*", status=503))
    amazon.world.fail(Fault(host="api.amazon.com", method="GET", status=504))
    assert amazon.call("GET", ACCOUNT, token).status == 200
    assert amazon.call("GET", "/orders/v0/orders/1", token).status == 502
    on_host = f"/sellingpartnerapi-eu.amazon.com{ACCOUNT}"
    assert amazon.send("GET", on_host, headers={"x-amz-access-token": token}).status == 503
    assert amazon.send("GET", on_host, headers={"x-amz-access-token": token}).status == 200
    assert amazon.lwa().status == 501
    assert amazon.lwa().status == 400
    assert amazon.send("GET", "/auth/o2/tokeninfo").status == 504
    assert not amazon.world.faults


def test_consent_pages_can_fail_too(amazon: Local) -> None:
    amazon.world.fail(Fault(host="sellercentral*", status=503, answer="html"))
    target = "/sellercentral.amazon.com/apps/authorize/consent?application_id=amzn1.sp.solution.local"
    assert amazon.send("GET", target).status == 503
    assert amazon.send("GET", target).status == 200


def test_the_control_plane_never_fails(amazon: Local) -> None:
    amazon.world.fail(Fault())
    assert amazon.control("GET", "state").status == 200
    assert len(amazon.world.faults) == 1


def test_a_connection_can_be_reset(amazon: Local) -> None:
    token = amazon.token()
    amazon.control("POST", "faults", {"answer": "reset"})
    with pytest.raises(ConnectionResetError):
        amazon.call("GET", ACCOUNT, token)
    assert amazon.call("GET", ACCOUNT, token).status == 200
    shown = [(one["fault"], one["status"]) for one in amazon.world.requests]
    assert shown == [(None, 200), ("reset", None), (None, 200)]


def test_a_request_with_a_body_can_be_reset_on_a_kept_connection(amazon: Local) -> None:
    connection = http.client.HTTPConnection(amazon.base.removeprefix("http://"), timeout=20)
    connection.request("POST", "/auth/o2/token", "x" * 200_000)
    assert connection.getresponse().read()
    amazon.world.fail(Fault(answer="reset"))

    def again() -> None:
        connection.request("POST", "/auth/o2/token", "x" * 200_000)
        connection.getresponse()

    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        again()
    connection.close()


def test_a_client_that_meets_a_reset_or_silence_has_no_answer(amazon: Local) -> None:
    wire = BlockingWire()
    for answer in ("reset", "silence"):
        amazon.control("POST", "faults", {"answer": answer})
        with pytest.raises(NoAnswer):
            run(wire.send(Request("GET", f"{amazon.base}{ACCOUNT}", {}, timeout_s=0.2)))
    wire.close()


def test_silence_lasts_until_the_client_gives_up(amazon: Local) -> None:
    amazon.world.fail(Fault(answer="silence"))
    with pytest.raises(TimeoutError):
        amazon.send("GET", ACCOUNT, timeout=0.2)
    assert amazon.send("GET", ACCOUNT).status == 403
    assert [one["status"] for one in amazon.world.requests] == [None, 403]


def test_under_a_server_that_cannot_reset_the_application_raises() -> None:
    world = World()
    world.fail(Fault(answer="reset"))
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        raise AssertionError(message)

    with pytest.raises(ConnectionResetError):
        asyncio.run(app(world)(scope, receive, send))


def test_a_client_that_leaves_before_its_body_is_there_is_forgotten(amazon: Local) -> None:
    host, port = amazon.base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"POST /auth/o2/token HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc")
    assert amazon.control("GET", "requests").json == {"requests": []}


def test_a_body_beyond_reason_is_refused(amazon: Local) -> None:
    connection = http.client.HTTPConnection(amazon.base.removeprefix("http://"), timeout=20)
    done = threading.Event()

    def chunks() -> Any:
        for _ in range(40):
            if done.is_set():
                return
            yield b"x" * 2**20

    try:
        connection.request(
            "POST", "/auth/o2/token", chunks(), encode_chunked=True, headers={"transfer-encoding": "chunked"}
        )
        assert connection.getresponse().status == 413
    except (BrokenPipeError, ConnectionResetError):  # it was refused while still being sent
        pass
    finally:
        done.set()
        connection.close()
    assert amazon.control("GET", "requests").json == {"requests": []}


def html_of(answer: Any) -> bool:
    return bool(answer.headers["content-type"].startswith("text/html") and answer.body.startswith(b"<html>"))


ERROR = {"code": "InvalidInput", "message": "No."}
S3 = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>SlowDown</Code><Message>Reduce your rate.</Message></Error>'


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ([ERROR], b'[{"code":"InvalidInput","message":"No."}]'),
        (ERROR, b'{"code":"InvalidInput","message":"No."}'),
        ({"errors": ERROR}, b'{"errors":{"code":"InvalidInput","message":"No."}}'),
        ({"payload": {}, "errors": [ERROR]}, b'{"payload":{},"errors":[{"code":"InvalidInput","message":"No."}]}'),
        ({"_links": {}, "errors": [ERROR]}, b'{"_links":{},"errors":[{"code":"InvalidInput","message":"No."}]}'),
        (None, b"{\n"),
        ("", b""),
        ("null", b"null"),
        (S3, S3.encode()),
        ("Größe", "Größe".encode()),
    ],
    ids=["list", "object", "errors as object", "payload beside", "HAL", "Amazon's own", "empty", "null", "XML", "text"],
)
def test_an_answer_may_have_any_body(amazon: Local, body: Any, sent: bytes) -> None:
    amazon.control("POST", "faults", {"status": 400, "body": body})
    answer = amazon.call("GET", ACCOUNT, "x")
    assert (answer.status, answer.headers["content-type"]) == (400, "application/json")
    assert answer.body == sent if body is not None else answer.body.startswith(sent)
    if isinstance(body, dict | list):
        assert answer.json == body


def test_an_answer_may_say_what_it_is_and_bring_headers(amazon: Local) -> None:
    fault = {
        "status": 503,
        "body": S3,
        "content_type": "application/xml",
        "headers": {"Retry-After": "3", "x-amzn-RequestId": "mine"},
    }
    amazon.control("POST", "faults", fault)
    answer = amazon.call("GET", ACCOUNT, "x")
    assert (answer.status, answer.body.decode()) == (503, S3)
    assert answer.headers["content-type"] == "application/xml"
    assert (answer.headers["retry-after"], answer.headers["x-amzn-requestid"]) == ("3", "mine")


def test_headers_take_the_place_of_those_an_answer_would_have(amazon: Local) -> None:
    headers = {"x-amzn-requestid": "mine", "X-Amzn-RateLimit-Limit": "0.5"}
    for answer in ("json", "html", "empty"):
        amazon.world.fail(Fault(status=429, answer=answer, headers=headers))  # type: ignore[arg-type]
        found = amazon.call("GET", ACCOUNT, "x").headers
        assert (found["x-amzn-requestid"], found["x-amzn-ratelimit-limit"]) == ("mine", "0.5")
    amazon.world.fail(Fault(host="api.amazon.com", status=400, body={"error": "invalid_grant"}, headers=headers))
    asked = amazon.lwa()
    assert (asked.json, asked.headers["x-amzn-requestid"]) == ({"error": "invalid_grant"}, "mine")


def test_nothing_may_claim_to_be_json(amazon: Local) -> None:
    amazon.world.fail(Fault(status=204, body="", content_type="application/json"))
    answer = amazon.call("GET", ACCOUNT, "x")
    assert (answer.status, answer.headers["content-type"], answer.body) == (204, "application/json", b"")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (299, "ValidationException"),
        (409, "ValidationException"),
        (422, "ValidationException"),
        (502, "InternalServerErrorException"),
    ],
)
def test_an_error_of_any_status_says_whose_fault_it_is(amazon: Local, status: int, kind: str) -> None:
    amazon.world.fail(Fault(status=status))
    assert amazon.call("GET", ACCOUNT, "x").headers["x-amzn-errortype"] == kind


@pytest.mark.parametrize("status", [204, 205, 304])
def test_a_status_without_a_body_has_none(amazon: Local, status: int) -> None:
    amazon.world.fail(Fault(status=status))
    with closing(http.client.HTTPConnection(amazon.base.removeprefix("http://"), timeout=20)) as connection:
        for expected in (status, 403):  # the connection stays in order for the next request
            connection.request("GET", ACCOUNT)
            answer = connection.getresponse()
            assert (answer.status, bool(answer.read())) == (expected, expected == 403)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"answer": "html", "body": "x"}, "body"),
        ({"answer": "reset", "body": {}}, "body"),
        ({"headers": {"a b": "c"}}, "a b"),
        ({"headers": {"a": "b\r\nc: d"}}, "headers"),
        ({"headers": {"a": "☃"}}, "headers"),
        ({"headers": {"a": 1}}, "headers"),
    ],
)
def test_an_answer_that_cannot_be_sent_is_refused(amazon: Local, fault: Any, says: str) -> None:
    answer = amazon.control("POST", "faults", fault)
    assert answer.status == 400
    assert says in answer.body.decode()
    assert not amazon.world.faults


def test_a_get_with_a_body_is_refused_with_a_page(amazon: Local) -> None:
    headers = {"x-amz-access-token": amazon.token()}
    for body in ("{}", b" ", iter([b"a"]), iter([])):
        answer = amazon.send("GET", ACCOUNT, body, headers)  # type: ignore[arg-type]
        assert (answer.status, html_of(answer)) == (400, True)
    for path in (ACCOUNT, f"/sellingpartnerapi-na.amazon.com{ACCOUNT}"):
        assert amazon.send("GET", path, "{}", headers).status == 400
    assert amazon.send("GET", ACCOUNT, None, {**headers, "content-length": "0"}).status == 200


@pytest.mark.parametrize(
    "head",
    [
        b"x-a: " + b"a" * 2**16 + b"\r\n\r\n",
        b"".join(b"x-%d: a\r\n" % place for place in range(10_000)) + b"\r\n",
        b"x-a: " + b"a" * 2**20,
    ],
    ids=["one large header", "many headers", "no end"],
)
def test_a_head_beyond_reason_is_refused_with_a_page(amazon: Local, head: bytes) -> None:
    host, port = amazon.base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(b"GET /sellers/v1/account HTTP/1.1\r\nhost: a\r\n" + head)
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")
    headers = {"x-amz-access-token": amazon.token(), "x-a": "a" * 2**15}
    assert amazon.send("GET", ACCOUNT, None, headers).status == 200


def test_a_request_with_two_hosts_is_refused_with_a_page(amazon: Local) -> None:
    host, port = amazon.base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"GET /sellers/v1/account HTTP/1.1\r\nhost: a\r\nhost: b\r\nconnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"text/html" in answer
