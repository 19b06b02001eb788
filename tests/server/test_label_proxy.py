"""The label proxy: what a carrier gets, and what of its answer the tenant does (§1.12; acceptance test 15)."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import threading
from dataclasses import replace

import msgspec
import pytest
from tests.server.receiver import receiving
from tests.server.warehouse import a_warehouse, error

from sellerport.emulator import labels
from sellerport.errors import NotAllowed, NotFound, VaultUnavailable
from sellerport.server.hub import outward
from sellerport.server.hub.carriers import CARRIERS, carrier_of
from sellerport.server.hub.documents import LABEL_S
from sellerport.server.hub.egress import Egress
from sellerport.server.hub.label_proxy import forwarded
from sellerport.server.hub.shipments import CLAIM_S

FORWARD = "/api/label-proxy/forward"
PDF = labels.render("PDF", [labels.Label("1Z999", ("somebody",))])
TEMPLATE = {
    "to_address": {
        "name": "{{ship_to_name}}",
        "street1": "{{ship_to_address1}}",
        "street2": "{{ship_to_address2}}",
        "city": "{{ship_to_city}}",
        "state": "{{ship_to_state}}",
        "zip": "{{ship_to_zip}}",
        "country": "{{ship_to_country}}",
        "phone": "{{ship_to_phone}}",
    },
    "reference": "for {{buyer_name}} <{{buyer_email}}>",
    "weight": 12.50,
}


@pytest.fixture
def carrier():
    with receiving() as made:
        made.answer = lambda received: 200
        made.headers = {"content-type": "application/json"}
        yield made


@pytest.fixture
def house(house):
    house.settings = replace(house.settings, webhook_private=True)
    return house


@pytest.fixture
def sqlite_house(sqlite_house):
    sqlite_house.settings = replace(sqlite_house.settings, webhook_private=True)
    return sqlite_house


async def forward(warehouse, carrier, body=TEMPLATE, *, order, shipment="parcel-1", url=None, **headers):
    given = {"x_original_url": url or f"{carrier.url}?a=1", "x_amazon_order_id": order.id}
    return await warehouse.ask("POST", FORWARD, body, **{**given, "x_unique_shipment_id": shipment, **headers})


def test_the_address_is_filled_in_and_what_the_carrier_answers_has_none(house, carrier):
    async def scenario(server):
        warehouse = await a_warehouse(house, server, tier="standard")
        order = warehouse.order()
        there = order.address

        def answer(received):
            sent = received.json
            told = {
                "id": "shp_1",
                "tracking_code": "1Z999",
                "rate": {"amount": 12.5, "currency": "USD"},
                "to_address": {**sent["to_address"], "street1": there.line.upper(), "residential": True},
                "messages": [f"{there.name.upper()} of {there.city}: bad phone {there.phone}", sent["reference"]],
                "label": {"format": "PDF", "image": base64.b64encode(PDF).decode()},
            }
            carrier.body = msgspec.json.encode(told)
            return 201

        carrier.answer = answer
        done = await forward(warehouse, carrier, order=order, authorization="Bearer carrier-key", x_api_key="k")
        assert done.status == 200, done.text
        (received,) = carrier.received
        assert received.json["to_address"]["name"] == there.name
        assert received.json["to_address"]["street2"] == ""
        assert received.json["reference"] == f"for {there.name} <{order.email}>"
        assert b'"weight":12.5' in received.body
        assert received.path == "/hook?a=1"
        assert (received.headers["authorization"], received.headers["x-api-key"]) == ("Bearer carrier-key", "k")
        assert not [name for name in received.headers if name.startswith(("x-seller", "x-amazon", "x-original"))]
        data = done.json["data"]
        (document,) = data["documents"]
        assert data["shipment_id"].startswith("ship_")
        assert data["scrubbed_response"]["label"] == {"format": "PDF", "image": {"uuid": document["uuid"]}}
        assert data["scrubbed_response"]["tracking_code"] == "1Z999"
        assert data["scrubbed_response"]["to_address"]["country"] == there.country
        for personal in (there.name, there.line, there.city, there.postal_code, there.phone, order.email):
            assert personal.lower() not in done.text.lower()
        (record,) = await warehouse.audit("label_proxy")
        assert record.facts == {
            "amazonOrderId": order.id,
            "shipmentId": data["shipment_id"],
            "carrier": "local",
            "sellerId": warehouse.seller_id,
            "tenantId": server.organization.id,
            "documentsCreated": 1,
        }
        one = await warehouse.the_pass()
        documents = server.hub.gateway.documents
        kept = await documents.content(one.organization_id, one.seller_id, document["uuid"])
        assert kept == PDF
        stored = b"".join(bytes(row[0]) for row in house.sql("SELECT sealed FROM document_contents"))
        assert b"%PDF" not in stored
        assert b"1Z999" not in stored

    house.run(scenario)


def test_a_shipment_is_bought_once_however_often_it_is_asked_for(house, carrier):
    async def scenario(server):
        warehouse = await a_warehouse(house, server)
        order = warehouse.order()
        carrier.body = msgspec.json.encode({"n": 1, "label": base64.b64encode(PDF).decode()})
        enough = threading.Event()  # until then the carrier does not answer
        carrier.answer = lambda received: 200 if enough.wait(20) else 500
        asked = waiting = [asyncio.create_task(forward(warehouse, carrier, order=order)) for _ in range(3)]
        while len(waiting) > 1:
            _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        enough.set()
        answers = await asyncio.gather(*asked)
        assert sorted(one.status for one in answers) == [200, 409, 409]
        first = next(one for one in answers if one.status == 200)
        again = await forward(warehouse, carrier, order=order)
        assert again.json == first.json
        assert len(carrier.received) == 1
        other = await forward(warehouse, carrier, {"b": 1}, order=order)
        assert error(other) == (409, "x-unique-shipment-id was used for another shipment")
        elsewhere = await forward(warehouse, carrier, order=order, url=f"{carrier.url}/other")
        assert elsewhere.status == 409
        assert (await forward(warehouse, carrier, {"b": 1}, order=order, shipment="parcel-2")).status == 200
        assert len(carrier.received) == 2
        server.clock.advance(LABEL_S)
        assert await server.hub.gateway.documents.purge() == 4  # two labels, and two answers
        await warehouse.renew()
        assert (await forward(warehouse, carrier, order=order)).status == 409
        assert len(carrier.received) == 2

    house.run(scenario)


def test_a_shipment_that_may_be_bought_is_asked_for_again_only_by_who_says_so(sqlite_house, carrier):
    async def scenario(server):
        warehouse = await a_warehouse(sqlite_house, server)
        order, asked = warehouse.order(), len(carrier.received)
        for place, (status, outcome) in enumerate(
            {500: "unknown", 504: "unknown", 503: "failed", 400: "failed"}.items()
        ):
            carrier.answer, name = lambda received, status=status: status, f"parcel-{place}"
            done = await forward(warehouse, carrier, order=order, shipment=name)
            assert (error(done)[0], done.json["error"]["outcome"]) == (502, outcome)
            record = (await warehouse.audit("label_proxy"))[-1]
            assert record.facts["outcome"] == outcome
            asked += 1
            carrier.answer = lambda received: 200
            carrier.body = b'{"n": 1}'
            if outcome == "unknown":
                refused = await forward(warehouse, carrier, order=order, shipment=name)
                assert (error(refused)[0], refused.json["error"]["code"]) == (409, "outcome_unknown")
                other = await forward(warehouse, carrier, {}, order=order, shipment=name, x_adb_send_again="true")
                assert other.json["error"]["code"] == "conflict"
                carrier.answer = lambda received: 400  # which says nothing of the attempt before
                await forward(warehouse, carrier, order=order, shipment=name, x_adb_send_again="true")
                assert (await forward(warehouse, carrier, order=order, shipment=name)).status == 409
                carrier.answer, asked = lambda received: 200, asked + 1
            assert len(carrier.received) == asked
            again = {"x_adb_send_again": "true"} if outcome == "unknown" else {}
            done = await forward(warehouse, carrier, order=order, shipment=name, **again)
            assert done.json["data"]["scrubbed_response"] == {"n": 1}
            asked += 1
            once = await forward(warehouse, carrier, order=order, shipment=name, x_adb_send_again="true")
            assert (once.json, len(carrier.received)) == (done.json, asked)  # what is known is not asked for again
            assert "x-adb-send-again" not in carrier.received[-1].headers

    sqlite_house.run(scenario)


def test_a_server_that_was_killed_meanwhile_leaves_it_open_what_was_bought(house, carrier):
    async def scenario(server):
        warehouse = await a_warehouse(house, server)
        one, order = await warehouse.the_pass(), warehouse.order()
        asked = f"{carrier.url}?a=1".encode() + b"\0" + msgspec.json.encode(TEMPLATE)
        await server.hub.gateway.label_proxy._shipments.claim(one, order.id, "parcel-1", asked, again=False)
        waiting = await forward(warehouse, carrier, order=order, x_adb_send_again="true")
        assert error(waiting) == (409, "this shipment is being forwarded; wait for its answer")
        server.clock.advance(CLAIM_S)
        left = await forward(warehouse, carrier, order=order)
        assert (left.status, left.json["error"]["code"]) == (409, "outcome_unknown")
        assert carrier.received == []
        carrier.body = b"{}"
        assert (await forward(warehouse, carrier, order=order, x_adb_send_again="true")).status == 200

    house.run(scenario)


def test_what_was_bought_is_told_even_where_it_cannot_be_kept(sqlite_house, carrier, monkeypatch):
    async def scenario(server):
        warehouse = await a_warehouse(sqlite_house, server)
        carrier.body = msgspec.json.encode({"tracking": "1Z9", "label": base64.b64encode(PDF).decode()})

        async def sealed(*args):
            raise VaultUnavailable

        monkeypatch.setattr(server.hub.gateway.documents, "sealed", sealed)
        done = await forward(warehouse, carrier, order=warehouse.order())
        data = done.json["data"]
        assert (data["scrubbed_response"], data["documents"]) == ({"tracking": "1Z9", "label": None}, [])
        assert "could not be kept" in data["warning"]
        assert (await forward(warehouse, carrier, order=warehouse.order())).status == 409
        assert len(carrier.received) == 1

    sqlite_house.run(scenario)


def test_an_order_that_is_completed_while_the_carrier_answers_has_no_documents(sqlite_house, carrier):
    async def scenario(server):
        warehouse = await a_warehouse(sqlite_house, server)
        order, loop = warehouse.order(), asyncio.get_running_loop()
        carrier.body = msgspec.json.encode({"labels": [base64.b64encode(PDF).decode()]})

        def answer(received):
            done = warehouse.ask("POST", "/api/pii/completeOrder", {"orderId": order.id})
            assert asyncio.run_coroutine_threadsafe(done, loop).result().status == 200
            return 200

        carrier.answer = answer
        data = (await forward(warehouse, carrier, order=order)).json["data"]
        (document,) = data["documents"]
        assert data["scrubbed_response"] == {"labels": [{"uuid": document["uuid"]}]}
        one, documents = await warehouse.the_pass(), server.hub.gateway.documents
        with pytest.raises(NotFound):
            await documents.content(one.organization_id, one.seller_id, document["uuid"])
        assert await documents.purge() == 2

    sqlite_house.run(scenario)


NASTY = {
    "name": 'Quo"te \\ O\'Hara", "admin": true, "x": "{{ship_to_zip}}',
    "line": "Straße 5 Ä",
    "city": "São Paulo",
    "postal_code": "97099-1234",
    "phone": "+1 (503) 555-0100",
}


def test_what_an_address_says_cannot_break_out_of_its_text(sqlite_house, carrier):
    async def scenario(server):
        warehouse = await a_warehouse(sqlite_house, server)
        order = warehouse.change(**NASTY)
        carrier.answer = lambda received: setattr(carrier, "body", received.body) or 200
        done = await forward(warehouse, carrier, order=order)
        (received,) = carrier.received
        assert received.json["to_address"]["name"] == NASTY["name"]
        assert set(received.json) == set(TEMPLATE)
        assert set(received.json["to_address"]) == set(TEMPLATE["to_address"])
        assert NASTY["line"] not in done.json["data"]["scrubbed_response"]["to_address"]["street1"]

    sqlite_house.run(scenario)


ECHOES = [
    'QUO"TE \\ O\'HARA", "ADMIN": TRUE, "X": "{{SHIP_TO_ZIP}}',
    "delivery to STRASSE 5 A refused",
    "near sao-paulo",
    "Sao%20Paulo",
    "SÃO&nbsp;PAULO",
    "zip 97099 unknown",
    "call 5035550100",
    "call 15035550100",
    "tel:+1.503.555.0100",
]


@pytest.mark.parametrize("privacy", ["placeholders", "remove"])
def test_what_a_carrier_repeats_in_an_error_is_taken_out(sqlite_house, carrier, privacy):
    async def scenario(server):
        warehouse = await a_warehouse(sqlite_house, server, privacy=privacy)
        order = warehouse.change(**NASTY)
        carrier.answer = lambda received: 422
        for echo in ECHOES:
            carrier.body = msgspec.json.encode({"errors": [{"message": f"[{echo}]", "value": 97099, "status": "USPS"}]})
            done = await forward(warehouse, carrier, order=order)
            assert error(done) == (502, "Carrier request failed")
            told = done.json["error"]
            assert (told["code"], told["carrier_status"]) == ("carrier_failed", 422)
            (one,) = told["carrier_response"]["errors"]
            assert one["status"] == "USPS"
            assert one["value"] == ("{{ship_to_zip}}" if privacy == "placeholders" else "")
            assert not personal_in(one["message"]), echo
            assert ("{{" in one["message"]) == (privacy == "placeholders")
            (record, *_) = await warehouse.audit("label_proxy")
            assert (record.facts["failed"], record.facts["carrierStatus"]) == (True, 422)
            carrier.body = f"<p>{echo}</p>".encode()
            told = (await forward(warehouse, carrier, order=order)).json["error"]
            assert not personal_in(told["carrier_response"]), echo

    sqlite_house.run(scenario)


def personal_in(text):
    return [word for word in ("quo", "stra", "paulo", "97099", "0100") if word in text.lower()]


def test_what_the_carrier_calls_the_receivers_is_taken_out_in_whatever_form(sqlite_house, carrier):
    async def scenario(server):
        warehouse = await a_warehouse(sqlite_house, server)
        standardized = {"name": "J. DOE", "street1": "4821 JUNIPER HOLW", "zip": 970991234, "country": "US"}
        sender = {"name": "The shop", "street1": "1 Way"}
        told = {"to_address": standardized, "shipTo": {"address": {"postalCode": "9"}}, "from_address": sender}
        carrier.body = msgspec.json.encode(told)
        done = await forward(warehouse, carrier, order=warehouse.order())
        assert done.json["data"]["scrubbed_response"] == {
            "to_address": {"name": "{{name}}", "street1": "{{street1}}", "zip": "{{zip}}", "country": "US"},
            "shipTo": {"address": {"postalCode": "{{postalcode}}"}},
            "from_address": sender,
        }

    sqlite_house.run(scenario)


def test_a_label_that_the_carrier_has_at_an_address_is_fetched_and_its_address_stays_here(sqlite_house, carrier):
    async def scenario(server):
        warehouse = await a_warehouse(sqlite_house, server)
        base = carrier.url.removesuffix("/hook")
        carrier.files["/label.pdf?signature=x"] = PDF
        told = {
            "postage_label": {"label_url": f"{base}/label.pdf?signature=x", "label_date": "2027-01-01"},
            "packageDocuments": [{"url": f"{base}/gone"}, {"url": "https://xn--a/label"}],
            "tracker": {"public_url": "https://track.example/1"},
        }
        carrier.body = msgspec.json.encode(told)
        data = (await forward(warehouse, carrier, order=warehouse.order())).json["data"]
        label, (gone, odd) = (data["scrubbed_response"][name] for name in ("postage_label", "packageDocuments"))
        formats = {one["uuid"]: one["format"] for one in data["documents"]}
        assert formats == {label["label_url"]["uuid"]: "PDF", gone["url"]["uuid"]: "URL", odd["url"]["uuid"]: "URL"}
        assert label["label_date"] == "2027-01-01"
        assert data["scrubbed_response"]["tracker"] == told["tracker"]
        assert base not in json.dumps(data)

    sqlite_house.run(scenario)


def test_what_a_caller_builds_around_a_value_does_not_hide_it(sqlite_house, carrier):
    template = {
        "a": "x{{ship_to_zip}}x",
        "b": "{{ship_to_city}}{{ship_to_zip}}",
        "c": "\u2122{{ship_to_address1}}\u0301z",
        "metadata": "%s/{{buyer_email}}/{{ship_to_zip}}/x.pdf",
    }

    async def scenario(server):
        warehouse = await a_warehouse(sqlite_house, server)
        base = carrier.url.removesuffix("/hook")
        order = warehouse.change(city="Fairmeadow")
        carrier.answer = lambda received: setattr(carrier, "body", received.body) or 200
        done = await forward(warehouse, carrier, {**template, "metadata": template["metadata"] % base}, order=order)
        data = done.json["data"]
        for personal in (order.address.postal_code, "fairmeadow", order.address.line, order.email):
            assert personal.lower() not in json.dumps(data).lower()
        assert data["scrubbed_response"]["a"] == "x{{ship_to_zip}}x"
        assert carrier.fetched == []  # nobody is told an address by being asked for a label
        assert data["documents"] == []

    sqlite_house.run(scenario)


UNKNOWN = [
    ({"a": "{{ship_to_nam}}"}, "{{ship_to_nam}}"),
    ({"a": "{{ ship_to_name }}"}, "{{ ship_to_name }}"),
    ({"{{ship_to_name}}": "a"}, "{{ship_to_name}}"),
    ({"a": [{"b": "x {{order_id}}"}]}, "{{order_id}}"),
]


def test_a_placeholder_that_is_none_is_refused_before_anything_is_sent(sqlite_house, carrier):
    async def scenario(server):
        warehouse = await a_warehouse(sqlite_house, server)
        order = warehouse.order()
        for body, named in UNKNOWN:
            assert error(await forward(warehouse, carrier, body, order=order)) == (422, f"nothing is known for {named}")
        assert carrier.received == []
        # and the shipment can be asked for as it should be
        carrier.body = b"{}"
        assert (await forward(warehouse, carrier, order=order)).status == 200

    sqlite_house.run(scenario)


def test_what_is_refused(sqlite_house, carrier):
    """Attacks 65 and 66: nesting, numbers and sizes."""

    async def scenario(server):
        warehouse = await a_warehouse(sqlite_house, server)
        order, pending = warehouse.order(), warehouse.order(status="Pending")
        for missing in ("x_original_url", "x_amazon_order_id", "x_unique_shipment_id"):
            name = missing.replace("_", "-")
            assert error(await forward(warehouse, carrier, order=order, **{missing: ""})) == (
                400,
                f"{name} is required",
            )
        for body in (b"", b"{", b"[" * 10_000, b'{"a":"\\ud800"}', b"NaN"):
            assert (await forward(warehouse, carrier, body, order=order)).status == 400, body[:20]
        assert (await forward(warehouse, carrier, b" " * ((1 << 20) + 1), order=order)).status == 413
        assert (await forward(warehouse, carrier, order=order, shipment="x" * 201)).status == 400
        unknown = {"x_amazon_order_id": "902-0000000-0000000"}
        assert error(await forward(warehouse, carrier, order=order, **unknown)) == (404, "Order not found")
        assert error(await forward(warehouse, carrier, order=order, x_amazon_order_id="1")) == (400, "Invalid order ID")
        assert (await forward(warehouse, carrier, order=pending)).status == 422  # it has no address yet
        await warehouse.ask("POST", "/api/pii/blockPII", {"orderId": order.id})
        assert error(await forward(warehouse, carrier, order=order)) == (403, "PII access blocked for this order")
        assert (await forward(warehouse, carrier, order=order, x_seller_access_token="x")).status == 401
        assert carrier.received == []

    sqlite_house.run(scenario)


def test_a_redirect_is_not_followed(sqlite_house, carrier):
    """Attack 53."""

    async def scenario(server):
        warehouse = await a_warehouse(sqlite_house, server)
        carrier.answer = lambda received: 307
        carrier.headers = {"location": f"{carrier.url}/elsewhere"}
        done = await forward(warehouse, carrier, order=warehouse.order())
        assert error(done) == (502, "Carrier request failed")
        assert done.json["error"]["carrier_status"] == 307
        assert len(carrier.received) == 1

    sqlite_house.run(scenario)


def test_an_answer_that_is_not_understood_is_not_given_on(sqlite_house, carrier):
    """Attack 64: a label that unpacks to more than may be held."""
    bomb = base64.b64encode(gzip.compress(b"\0" * (21 << 20))).decode()
    half = base64.b64encode(gzip.compress(b"\0" * (11 << 20))).decode()
    many = msgspec.json.encode([base64.b64encode(b"%%PDF%064d" % number).decode() for number in range(101)])

    async def scenario(server):
        warehouse = await a_warehouse(sqlite_house, server)
        order = warehouse.order()
        bodies = (b"<xml/>", b"{", b'{"label": "%s"}' % bomb.encode(), b"[" * 10_000)
        more = (msgspec.json.encode([half, half]), many)
        for place, body in enumerate(bodies + more):
            carrier.body = body
            done = await forward(warehouse, carrier, order=order, shipment=f"parcel-{place}")
            assert error(done) == (502, "Response could not be scrubbed"), body[:20]
            assert done.json["error"]["outcome"] == "unknown"
        carrier.body, carrier.headers["content-type"] = PDF, "application/pdf"
        done = (await forward(warehouse, carrier, order=order, shipment="parcel-9")).json["data"]
        assert done["scrubbed_response"] == {"document": {"uuid": done["documents"][0]["uuid"]}}

    sqlite_house.run(scenario)


@pytest.mark.parametrize("host", CARRIERS)
def test_the_documented_carriers_are_allowed(host):
    assert carrier_of(Egress(), f"https://{host}/v2/shipments?x=%20y")[1] == CARRIERS[host]


@pytest.mark.parametrize(
    "url",
    [
        "http://api.easypost.com/x",
        "https://api.easypost.com:8443/x",
        "https://api.easypost.com.evil.example/x",
        "https://evil.example/api.easypost.com",
        "https://api.easypost.com@evil.example/x",
        "https://evil.example\\@api.easypost.com/x",
        "https://api.easypost.com\\@evil.example/x",
        "https://evil.example#api.easypost.com",
        "https://api.easypost.com./x",
        "https://xapi.easypost.com/x",
        "https://api.easypost.com/../x",
        "https://api.easypost.com/%2e%2e/x",
        "//api.easypost.com/x",
        "https://127.0.0.1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/x",
        "https://2130706433/x",
        "http://localhost:9/x",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_x",
        "https://api.easypost.com/\r\nhost: evil",
        "x",
    ],
)
def test_another_origin_is_refused(url):
    """Attack 51, and §7.15: the list of origins that look like a carrier's."""
    with pytest.raises(NotAllowed, match="Carrier origin not allowed"):
        carrier_of(Egress(), url)


def test_a_carriers_name_that_leads_to_a_private_address_is_not_called(sqlite_house, monkeypatch):
    """Attack 52: the name of a carrier, resolved to this machine."""
    called = []
    monkeypatch.setattr(outward, "AsyncWire", lambda pin: called.append(pin))

    async def resolve(host):
        return ["127.0.0.1"]

    async def scenario(server):
        warehouse = await a_warehouse(sqlite_house, server)
        server.hub.gateway.label_proxy._egress = Egress(resolve=resolve)
        url = "https://api.easypost.com/v2/shipments"
        done = await forward(warehouse, None, order=warehouse.order(), url=url)
        assert error(done) == (502, "Carrier request failed")
        assert done.json["error"]["carrier_status"] is None
        assert called == []
        local = "http://127.0.0.1:9/x"  # and no request turns the development setting on
        assert error(await forward(warehouse, None, order=warehouse.order(), url=local)) == (
            403,
            "Carrier origin not allowed",
        )

    sqlite_house.run(scenario)


def test_headers_of_the_connection_and_ours_stay_here():
    given = [
        ("authorization", "Bearer x"),
        ("x-api-key", "k"),
        ("transid", "1"),
        ("connection", "keep-alive, X-Internal"),
        ("x-internal", "1"),
        ("transfer-encoding", "chunked"),
        ("te", "trailers"),
        ("upgrade", "h2c"),
        ("cookie", "a=b"),
        ("host", "adb.example"),
        ("content-length", "1"),
        ("content-type", "text/plain"),
        ("x-forwarded-for", "1.2.3.4"),
        ("x-seller-access-token", "t"),
        ("x-amazon-token-secret", "s"),
        ("x-amz-access-token", "a"),
        ("x-original-url", "u"),
        ("x-unique-shipment-id", "i"),
        ("twice", "1"),
        ("twice", "2"),
        ("odd", "a\tb"),
    ]
    assert forwarded(given) == {
        "authorization": "Bearer x",
        "x-api-key": "k",
        "transid": "1",
        "content-type": "application/json",
    }
    assert json.dumps(forwarded([])) == '{"content-type": "application/json"}'
