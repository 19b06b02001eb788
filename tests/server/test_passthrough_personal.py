"""The passthrough in scrub mode: which token a document is asked for with, and what of an answer is passed on.

Acceptance test 13 of the gateway's contract: a restricted data token of a report's document names its very path.
"""

from __future__ import annotations

import json

import pytest
from tests.server.passing import run


def answer(body: bytes, status: str = "200 OK", field: str = "content-type: application/json") -> bytes:
    more = "" if field.startswith("content-type") else "content-type: application/json\r\n"
    return f"HTTP/1.1 {status}\r\n{field}\r\n{more}content-length: {len(body)}\r\n\r\n".encode() + body


ORDER = "/passthrough-api/orders/v0/orders/902-1-1"
DOCUMENT = "/passthrough-api/reports/2021-06-30/documents/amzn1.doc.1"
LWA = answer(b'{"access_token":"Atza|x","token_type":"bearer","expires_in":3600}')
RDT = answer(b'{"restrictedDataToken":"Atz.sprdt|one","expiresIn":3600}')
URL = "https://tortuga.s3.amazonaws.com/r?X-Amz-Signature=s3cr3t"
FOUND = answer(json.dumps({"reportDocumentId": "amzn1.doc.1", "url": URL}).encode())


def errors(message: str, details: str = "") -> bytes:
    return json.dumps({"errors": [{"code": "Unauthorized", "message": message, "details": details}]}).encode()


DENIED = answer(errors("Access to requested resource is denied."), "403 Forbidden")
EXPIRED = answer(errors("no", "The access token you provided has expired."), "403 Forbidden")


def test_a_document_that_takes_a_restricted_token_gets_one_for_its_own_path_and_only_then():
    async def scenario(up):
        got = await up.ask("GET", DOCUMENT)
        assert json.loads(got.body) == {
            "reportDocumentId": "amzn1.doc.1",
            "url": "https://gateway.test/documents/link",
        }
        first, _, asked, second = up.stub.received
        path = "/reports/2021-06-30/documents/amzn1.doc.1"
        assert asked.line.split(" ")[1].endswith("/tokens/2021-03-01/restrictedDataToken")
        assert json.loads(asked.body) == {"restrictedResources": [{"method": "GET", "path": path}]}
        assert first.fields["x-amz-access-token"] == "Atza|first"
        assert second.fields["x-amz-access-token"] == "Atz.sprdt|one"
        up.stub.answers = [FOUND]
        assert (await up.ask("GET", DOCUMENT)).status == 200  # what was ordinary yesterday is asked for as such
        assert up.stub.received[-1].fields["x-amz-access-token"] == "Atza|first"

    run(scenario, DENIED, LWA, RDT, FOUND)


def test_a_document_that_is_denied_to_either_token_is_denied_in_amazons_words():
    async def scenario(up):
        got = await up.ask("GET", DOCUMENT)
        assert (got.status, json.loads(got.body)) == (
            403,
            json.loads(errors("Access to requested resource is denied.")),
        )
        assert "x-adb-error" not in got.headers
        assert len(up.stub.received) == 4

    run(scenario, DENIED, LWA, RDT, DENIED)


def test_an_expired_token_of_a_document_is_replaced_by_its_like():
    async def scenario(up):
        assert (await up.ask("GET", DOCUMENT)).status == 200
        assert [one.fields["x-amz-access-token"] for one in up.stub.received] == ["Atza|first", "Atza|second"]

    run(scenario, EXPIRED, FOUND)


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        ("500 Server Error", "text/plain", b'{"payload":{"BuyerInfo":{"BuyerName":"Canary"}}}'),
        ("400 Bad Request", "application/json", b'{"payload":{"BuyerInfo":{"BuyerName":"Canary"}}} and more'),
        ("503 Unavailable", "text/html", b"<html>Canary</html>"),
        ("403 Forbidden", "application/json", "{'Canary \u00e4'}".encode("latin-1")),
    ],
)
def test_of_an_error_that_cannot_be_read_the_status_alone_is_passed_on(status, kind, body):
    async def scenario(up):
        got = await up.ask("GET", ORDER)
        assert (got.status, got.body, got.headers["content-length"]) == (int(status[:3]), b"", "0")
        assert "x-adb-error" not in got.headers

    run(scenario, answer(body, status, f"content-type: {kind}"))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"payload":{"BuyerInfo":{"BuyerName":"Canary \xe4"}}}', "application/json; charset=iso-8859-1"),
        (b"Canary", "text/plain"),
        (b'{"payload":{"BuyerInfo":{"BuyerName":"Canary"}}}', "application/octet-stream"),
    ],
)
def test_an_answer_that_cannot_be_read_is_not_passed_on(body, kind):
    async def scenario(up):
        got = await up.ask("GET", ORDER)
        assert (got.status, json.loads(got.body)["error"]["message"]) == (502, "Response could not be scrubbed")

    run(scenario, answer(body, "200 OK", f"content-type: {kind}"))


def test_what_asks_for_a_part_of_an_answer_or_whether_it_changed_does_not_reach_amazon():
    fields = 'range: bytes=0-9\r\nif-none-match: "x"\r\nif-modified-since: Sun, 06 Nov 1994 08:49:37 GMT\r\n'

    async def scenario(up):
        got = await up.ask("GET", ORDER, fields)
        assert got.status == 200
        assert b"Canary" not in got.body
        assert "etag" not in got.headers
        assert not {"range", "if-none-match", "if-modified-since"} & up.stub.received[0].fields.keys()

    run(scenario, answer(b'{"payload":{"BuyerInfo":{"BuyerName":"Canary"}}}', "200 OK", 'etag: "of Canary"'))


def test_what_amazon_said_first_is_passed_on_where_there_is_no_restricted_token():
    async def scenario(up):
        got = await up.ask("GET", DOCUMENT)
        assert (got.status, json.loads(got.body)) == (
            403,
            json.loads(errors("Access to requested resource is denied.")),
        )
        assert "x-adb-error" not in got.headers

    run(scenario, DENIED, LWA, answer(errors("the application lacks the role"), "403 Forbidden"))


def test_fields_that_may_name_a_person_or_lead_around_this_server_stay_here():
    lines = (
        'content-disposition: attachment; filename="Canary.pdf"',
        "location: https://x.test/Canary",
        "link: <https://x.test/Canary>",
        "content-location: /Canary",
        "refresh: 0; url=https://x.test/Canary",
        "last-modified: Sun, 06 Nov 1994 08:49:37 GMT",
    )

    async def scenario(up):
        got = await up.ask("GET", ORDER)
        assert got.status == 200
        assert "Canary" not in str(got.fields)
        assert "last-modified" not in got.headers

    run(scenario, answer(b'{"payload":{}}', "200 OK", "\r\n".join(lines)))
