"""No personal data comes out of a scrubbed answer, of any operation; what is nobody's stays."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.server.personal_answers import ABOUT_NO_BUYER, CANARY, OPERATIONS, answers

from sellerport import catalog
from sellerport.errors import NotScrubbable
from sellerport.server import scrubbing
from sellerport.server.scrubbing import plans, policy

MODES = ("placeholders", "remove")


def link(url: str, facts: Any) -> str:
    return f"https://ours.example.test/documents/{facts['operation']}"


def scrub(operation: str, answer: Any, privacy: Any = "placeholders", **how: Any) -> Any:
    """Return an answer scrubbed, or as it is where there is no plan."""
    plan = scrubbing.plan(catalog.find(operation), privacy)
    body = answer if isinstance(answer, bytes) else msgspec.json.encode(answer)
    if plan is None:
        return msgspec.json.decode(body)
    return msgspec.json.decode(plan.scrub(body, "application/json", link=link, **how).body)


# --- canaries ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("privacy", MODES)
@pytest.mark.parametrize("strange", [False, True], ids=["known", "strange"])
def test_no_canary_comes_out_of_any_operation_of_the_catalogue(privacy: Any, strange: bool) -> None:
    """§7.12 and attack 49: every schema filled with canaries, known fields and unknown ones, successes and errors."""
    marked = 0
    for operation in OPERATIONS:
        about_buyers = scrubbing.plan(operation, privacy) is not None
        for answer, canaries in answers(operation, strange=strange and about_buyers):
            marked += len(canaries)
            kept = msgspec.json.encode(scrub(operation.key, answer, privacy)).decode()
            assert CANARY not in kept, (operation.key, kept[max(0, kept.find(CANARY) - 200) :][:300], canaries[:3])
    assert marked > (4_000 if strange else 1_000)


def test_names_alone_are_enough_where_the_schema_says_nothing() -> None:
    """The sweep is a defence of its own: the same answers, where no schema has them."""
    for operation in OPERATIONS:
        for answer, _ in answers(operation):
            if scrubbing.plan(operation, "placeholders") is not None:
                swept = scrub(operation.key, [answer])
                assert CANARY not in msgspec.json.encode(swept).decode(), operation.key


@pytest.mark.parametrize("privacy", MODES)
def test_an_answer_that_fits_its_schema_and_one_that_does_not_are_scrubbed_alike(privacy: Any) -> None:
    """Types are read where they fit: a field more, and the same answer is gone through as it is."""
    for operation in OPERATIONS:
        if scrubbing.plan(operation, privacy) is not None:
            for answer, _ in answers(operation):
                assert scrub(operation.key, {**answer, "more": 1}, privacy) == {
                    **scrub(operation.key, answer, privacy),
                    "more": 1,
                }, operation.key


def test_operations_that_are_about_buyers_have_a_plan_and_others_have_none() -> None:
    planned = {one.key for one in OPERATIONS if scrubbing.plan(one, "remove") is not None}
    documents = {
        "data_kiosk_2023_11_15.get_document", "feeds_2021_06_30.get_feed_document",
        "invoices_2024_06_19.get_government_invoice_document", "invoices_2024_06_19.get_invoices_document",
        "reports_2021_06_30.get_report_document",
    }  # fmt: skip
    assert {one for one in planned if ABOUT_NO_BUYER.fullmatch(one)} == {
        *documents, "shipping_v2.get_rates", "fulfillment_outbound_2020_07_01.get_fulfillment_preview",
    }  # fmt: skip
    restricted = {one.key for one in OPERATIONS if one.restricted is not None}
    assert restricted <= planned
    assert len(planned) == 71
    assert not any(scrubbing.plan(one, "remove") for one in catalog.operations("ads"))
    assert policy.ABOUT_THE_SELLER.keys() <= {name for one in OPERATIONS for name in (one.api, one.key)}


FREE = st.text(st.characters(codec="utf-8"), min_size=4, max_size=20).filter(lambda text: text.strip())
PERSONS = st.sampled_from(
    ["shippingAddress", "buyer", "recipient", "BuyerInfo", "ship_to_party", "deliveryAddress", "bill-to-address"]
)
ORDINARY = st.sampled_from(["extra", "orders", "x", "payload", "details", "Order", "product"])


@settings(max_examples=60, deadline=None)
@given(data=st.data(), where=st.lists(ORDINARY, min_size=1, max_size=6), person=PERSONS, privacy=st.sampled_from(MODES))
def test_a_person_at_any_depth_goes(data: Any, where: list[str], person: str, privacy: Any) -> None:
    value: Any = data.draw(
        st.recursive(
            st.just(CANARY),
            lambda inner: st.lists(inner, min_size=1) | st.dictionaries(FREE, inner, min_size=1),
            max_leaves=8,
        )
    )
    answer: Any = {person: value}
    for name in where:
        answer = {name: data.draw(st.sampled_from([answer, [answer], [1, answer, "text"]]))}
    for operation in ("orders_v0.get_orders", "orders_2026_01_01.get_order", "merchant_fulfillment_v0.get_shipment"):
        kept = scrub(operation, answer, privacy)
        if isinstance(value, dict) or policy.container(person, within=False) == "person":
            assert not any(CANARY in one for one in texts_below(kept)), kept


def texts_below(value: Any) -> list[str]:
    """Return every text in JSON, but for names of fields."""
    if isinstance(value, dict):
        return [text for one in value.values() for text in texts_below(one)]
    if isinstance(value, list):
        return [text for one in value for text in texts_below(one)]
    return [value] if isinstance(value, str) else []


# --- what comes out ---------------------------------------------------------------------------------------------------

ORDER = {
    "AmazonOrderId": "902-3159896-1390916",
    "OrderStatus": "Unshipped",
    "OrderTotal": {"CurrencyCode": "USD", "Amount": "11.01"},
    "DefaultShipFromLocationAddress": {"Name": "A Seller", "AddressLine1": "1 Dock", "City": "Salem"},
    "ShippingAddress": {
        "Name": "Ann Buyer", "AddressLine1": "1 Main Street", "AddressLine2": None, "City": "Springfield",
        "StateOrRegion": "OR", "PostalCode": "97477", "CountryCode": "US", "Phone": "+1 555 0100",
    },
    "BuyerInfo": {"BuyerEmail": "x1@marketplace.amazon.com", "BuyerName": "Ann Buyer"},
}  # fmt: skip


def test_orders_have_the_label_proxys_placeholders() -> None:
    page = {"payload": {"Orders": [ORDER], "NextToken": "next"}}
    assert scrub("orders_v0.get_orders", page) == {
        "payload": {
            "Orders": [
                {
                    **ORDER,
                    "ShippingAddress": {
                        "Name": "{{ship_to_name}}", "AddressLine1": "{{ship_to_address1}}", "AddressLine2": None,
                        "City": "{{ship_to_city}}", "StateOrRegion": "OR", "PostalCode": "{{ship_to_zip}}",
                        "CountryCode": "US", "Phone": "{{ship_to_phone}}",
                    },
                    "BuyerInfo": {"BuyerEmail": "{{buyer_email}}", "BuyerName": "{{buyer_name}}"},
                }
            ],
            "NextToken": "next",
        }
    }  # fmt: skip


def test_every_documented_placeholder_but_what_stays_is_one_that_is_put() -> None:
    put = set()
    for operation in ("orders_v0.get_order", "orders_2026_01_01.get_order"):
        for answer, _ in answers(catalog.find(operation)):
            put |= set(texts_below(scrub(operation, answer)))
        kept = {"{{ship_to_state}}", "{{ship_to_country}}"}
        assert scrubbing.PLACEHOLDERS.keys() - kept <= put


def test_an_order_without_personal_data_has_no_shipping_address() -> None:
    page = {"payload": {"Orders": [ORDER]}}
    kept = {name: one for name, one in ORDER.items() if name not in ("ShippingAddress", "BuyerInfo")}
    assert scrub("orders_v0.get_orders", page, "remove") == {"payload": {"Orders": [kept]}}


def test_orders_of_2026_keep_country_and_state() -> None:
    address = {
        "name": "Ann", "addressLine1": "1 Main Street", "countryCode": "US", "stateOrRegion": "OR", "phone": "1",
    }  # fmt: skip
    order = {
        "order": {
            "orderId": "902-1",
            "buyer": {"buyerName": "Ann", "buyerEmail": "a@b.test"},
            "recipient": {"deliveryAddress": address, "deliveryPreference": {"dropOffLocation": "At the door"}},
            "tax": {"taxRegistrations": [{"entityType": "BUYER", "legalName": "Ann & Co"}]},
            "packages": [{"shipFromAddress": {"name": "A Seller", "city": "Salem"}}],
        }
    }
    assert scrub("orders_2026_01_01.get_order", order, "remove") == {
        "order": {
            "orderId": "902-1",
            "recipient": {"deliveryAddress": {"countryCode": "US", "stateOrRegion": "OR"}},
            "tax": {"taxRegistrations": [{"entityType": "BUYER"}]},
            "packages": [{"shipFromAddress": {"name": "A Seller", "city": "Salem"}}],
        }
    }


def test_tax_registrations_of_others_than_the_buyer_stay() -> None:
    """Appendix B: with fields that the schema has, with others, and where it has nothing of all that."""
    seller = {"entityType": "MERCHANT", "legalName": "A Shop", "taxRegistrationAddress": {"city": "Salem"}}
    amazon = {"entityType": "MARKETPLACE", "taxRegistrationType": "CNPJ", "taxRegistrationNumber": "15436940"}
    buyer = {"entityType": "BUYER", "legalName": "Ann & Co", "taxRegistrationNumber": "1"}
    for more in ({}, {"more": 1}):
        order = {"tax": {"taxRegistrations": [seller, buyer, amazon]}, **more}
        found = scrub("orders_2026_01_01.get_order", {"order": order}, "remove")["order"]["tax"]["taxRegistrations"]
        assert found == [seller, {"entityType": "BUYER"}, amazon]
        assert scrub("orders_v0.get_order", {"payload": {"x": order}}, "remove")["payload"]["x"]["tax"] == {
            "taxRegistrations": found
        }


def test_the_bytes_of_a_label_go_and_the_id_of_a_stored_one_stays() -> None:
    contents = base64.b64encode(b"Ann Buyer, 1 Main Street").decode()
    shipment = {
        "payload": {
            "ShipmentId": "S", "TrackingId": "T", "ShipFromAddress": {"Name": "A Seller", "PostalCode": "97301"},
            "Label": {"FileContents": {"Contents": contents, "FileType": "application/pdf"}},
        }
    }  # fmt: skip
    for privacy in MODES:
        found = scrub("merchant_fulfillment_v0.get_shipment", shipment, privacy)["payload"]
        assert found["Label"] == {"FileContents": {"FileType": "application/pdf"}}
        assert found["ShipFromAddress"] == {"Name": "A Seller", "PostalCode": "97301"}
    shipment["payload"]["Label"]["FileContents"]["Contents"] = {"uuid": "1"}  # type: ignore[index]
    assert scrub("merchant_fulfillment_v0.get_shipment", shipment) == shipment


def test_text_that_is_equal_to_what_was_taken_out_goes_too() -> None:
    """§3.4: order of defence, 4."""
    order = {**ORDER, "SellerNote": "ANN BUYER", "Tags": ["gift", "springfield"], "OrderChannel": "US"}
    placed = scrub("orders_v0.get_order", {"payload": order})["payload"]
    assert (placed["SellerNote"], placed["Tags"], placed["OrderChannel"]) == ("{{personal}}", ["gift"], "US")
    removed = scrub("orders_v0.get_order", {"payload": order}, "remove")["payload"]
    assert "SellerNote" not in removed
    assert scrub("orders_v0.get_order", {"payload": {**order, "SellerSKU": "97477"}})["payload"]["SellerSKU"] == "97477"
    kept = {**ORDER, "ShippingAddress": {**ORDER["ShippingAddress"], "City": "Salem"}}  # type: ignore[dict-item]
    found = scrub("orders_v0.get_order", {"payload": kept})["payload"]
    assert found["DefaultShipFromLocationAddress"]["City"] == "Salem"


def test_an_object_where_text_belongs_is_looked_into() -> None:
    order = {**ORDER, "OrderStatus": {"note": {"buyerName": CANARY}}, "MarketplaceId": [{"phone": CANARY}]}
    assert CANARY not in str(scrub("orders_v0.get_order", {"payload": order}))
    braces = {**ORDER, "CbaDisplayableShippingLabel": "{a brace}"}
    assert scrub("orders_v0.get_order", {"payload": braces})["payload"]["CbaDisplayableShippingLabel"] == "{a brace}"


def test_urls_of_documents_become_links_of_ours() -> None:
    url = "https://tortuga-prod-na.s3.amazonaws.com/x?X-Amz-Signature=1"
    seen = []

    def remember(url: str, facts: Any) -> str:
        seen.append((url, dict(facts)))
        return "https://ours.example.test/documents/1"

    plan = scrubbing.plan(catalog.find("reports_2021_06_30.get_report_document"), "remove")
    assert plan is not None
    answer = {"reportDocumentId": "R", "url": url, "compressionAlgorithm": "GZIP"}
    done = plan.scrub(msgspec.json.encode(answer), "application/json", link=remember)
    assert msgspec.json.decode(done.body) == {**answer, "url": "https://ours.example.test/documents/1"}
    operation = "reports_2021_06_30.get_report_document"
    assert (done.removed, seen) == (1, [(url, {"operation": operation, "field": "url", "compression": "GZIP"})])
    assert scrubbing.plan(catalog.find("feeds_2021_06_30.create_feed_document"), "remove") is None


def test_errors_of_amazon_stay_as_they_are() -> None:
    plan = scrubbing.plan(catalog.find("orders_v0.get_order"), "placeholders")
    assert plan is not None
    for body in (b'{"errors":[{"code":"NotFound","message":"no such order","details":""}]}', b""):
        done = plan.scrub(body, "application/json", link=link, status=404)
        assert (done.body, done.removed) == (body, 0)
    echo = b'{"errors":[],"payload":{"BuyerInfo":{"BuyerName":"Ann"}}}'
    assert b"Ann" not in plan.scrub(echo, "application/json", link=link, status=500).body


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"payload":{"BuyerInfo":{"BuyerName":"Ann"}}}', "text/plain"),
        (b'{"payload":{"BuyerInfo":{"BuyerName":"Ann"}}} .', "application/json"),
        ('{"errors":[{"message":"Ännchen"}]}'.encode("latin-1"), "application/json; charset=iso-8859-1"),
        (b'"Ann"', "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"<html>400 Bad Request</html>", "text/html"),
        (b"the address of Ann is wrong", None),
    ],
)
def test_of_an_error_that_is_not_understood_the_status_alone_stays(body: bytes, kind: str | None) -> None:
    plan = scrubbing.plan(catalog.find("orders_v0.get_order"), "remove")
    assert plan is not None
    done = plan.scrub(body, kind, link=link, status=400)
    assert (done.body, done.removed) == (b"", 1)


def test_no_e_mail_address_comes_out_of_any_text() -> None:
    """In errors that repeat it, in notes, in ids that somebody made, and as the name of a field."""
    error = {"errors": [{"code": "InvalidInput", "message": "no mail to <ann.b+1@x-y.example>", "details": ""}]}
    found = scrub("merchant_fulfillment_v0.create_shipment", error, status=400)
    assert found["errors"][0] == {"code": "InvalidInput", "message": "no mail to <{{personal}}>", "details": ""}
    order = {**ORDER, "ShippingAddress": {}, "SellerOrderId": "web-ann@x.example", "Unknown": {"ann@x.example": 1}}
    for privacy, id in (("placeholders", "{{personal}}"), ("remove", "")):
        kept = scrub("orders_v0.get_order", {"payload": order}, privacy)["payload"]
        assert (kept["SellerOrderId"], kept["Unknown"]) == (id, {})
    own = {"payload": {"ShipFromAddress": {"Email": "shop@x.example"}, "ShipmentId": "a@b"}}
    assert scrub("merchant_fulfillment_v0.get_shipment", own) == own


def test_json_inside_of_text_is_looked_into() -> None:
    inside = '{"buyerName":"Ann","colour":"red","more":"[{\\"phone\\":\\"+1\\"}]"}'
    kept = scrub("orders_v0.get_order_items", {"payload": {"OrderItems": [{"Title": inside}, {"Title": "{a"}]}})
    first, second = kept["payload"]["OrderItems"]
    assert msgspec.json.decode(first["Title"]) == {
        "buyerName": "{{buyer_name}}",
        "colour": "red",
        "more": '[{"phone":"{{ship_to_phone}}"}]',
    }
    assert second["Title"] == "{a"


def test_what_buyers_and_sellers_write_to_each_other_goes() -> None:
    order = {
        "displayableOrderId": "1",
        "displayableOrderComment": "Thank you, Ann",
        "shippingSpeedCategory": "Standard",
    }
    answer = {"payload": {"fulfillmentOrder": order, "returnItems": [{"returnComment": "too big for Ann"}]}}
    kept = scrub("fulfillment_outbound_2020_07_01.get_fulfillment_order", answer, "remove")
    assert "Ann" not in str(kept)
    assert kept["payload"]["fulfillmentOrder"] == {"displayableOrderId": "1", "shippingSpeedCategory": "Standard"}


def test_attributes_that_anybody_may_make_up_lose_their_values() -> None:
    attributes = [{"key": "engraving", "type": "STRING", "value": "Ann"}]
    item = {"lineItem": {"id": "1", "quantity": 1}, "customAttributes": attributes, "itemValue": {"value": "7.00"}}
    shipment = {"id": "S", "lineItems": [item], "marketplaceAttributes": {"customAttributes": ["PRIME"]}}
    kept = scrub("external_fulfillment_shipments_2024_09_11.get_shipment", shipment, "remove")
    assert kept == {**shipment, "lineItems": [{**item, "customAttributes": [{"key": "engraving", "type": "STRING"}]}]}


def test_what_a_buyer_had_customized_has_no_address() -> None:
    """It is a ZIP of what the buyer wrote and drew: there is nothing in it that could stay."""
    item = {
        "OrderItemId": "1",
        "BuyerInfo": {"BuyerCustomizedInfo": {"CustomizedURL": "https://zme-caps.amazon.com/t/1"}},
    }
    kept = scrub("orders_v0.get_order_items", {"payload": {"OrderItems": [item]}})["payload"]["OrderItems"]
    assert kept[0]["BuyerInfo"]["BuyerCustomizedInfo"]["CustomizedURL"] == "{{buyer_customized_url}}"
    kept = scrub("orders_v0.get_order_items", {"payload": {"OrderItems": [item]}}, "remove")["payload"]["OrderItems"]
    assert kept == [{"OrderItemId": "1"}]


def test_a_url_that_lets_anybody_in_becomes_a_link_of_ours_or_goes_whatever_it_is_called() -> None:
    url = "https://x.s3.amazonaws.com/label?X-Amz-Signature=1"
    answer = {"somewhereUrl": url, "proof": url, "page": "https://x.test/"}
    for operation in policy.LINKED:
        ours = f"https://ours.example.test/documents/{operation}"
        assert scrub(operation, answer) == {"somewhereUrl": ours, "proof": ours, "page": "https://x.test/"}
    assert scrub("shipping_v2.get_tracking", answer, "remove") == {"page": "https://x.test/"}


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        ("invoices_2024_06_19.get_invoices_document", {"invoicesDocumentId": "1", "invoicesDocumentUrl": "https://x"}),
        ("invoices_2024_06_19.get_government_invoice_document", {"invoiceDocumentUrl": "https://x"}),
        ("external_fulfillment_shipments_2024_09_11.generate_ship_labels", {"fileData": {"url": "https://x"}}),
        ("easy_ship_2022_03_23.create_scheduled_package_bulk", {"printableDocumentsUrl": "https://x"}),
        ("fulfillment_outbound_2020_07_01.create_fulfillment_return", {"rmaPageURL": "https://x"}),
    ],
)
def test_nothing_leads_to_documents_of_which_nothing_would_be_left(operation: str, answer: Any) -> None:
    """Labels, photos and pages; and invoices, which are XML in Portuguese, or archives of it."""
    for privacy in MODES:
        assert "https://" not in str(scrub(operation, answer, privacy))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"%PDF-1.4", "application/pdf"),
        (b"<html></html>", "text/html"),
        (b"\x1f\x8b\x08\x00", "application/json"),
        (b'{"payload":', "application/json"),
        (b'"Ann Buyer"', "application/json"),
        ('{"payload": {}}'.encode("utf-16"), "application/json"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"payload": {}}', "text/plain"),
        (b'{"payload": 1e999}', None),
        ('{"payload":{"AmazonOrderId":"Ännchen"}}'.encode("latin-1"), "application/json; charset=iso-8859-1"),
        (b'{"payload":{"AmazonOrderId":"\\ud800"}}', "application/json"),
        (b'\xef\xbb\xbf{"payload":{}}', "application/json"),
    ],
)
def test_what_is_not_understood_is_not_given(body: bytes, kind: str | None) -> None:
    """Attack 65: depth too."""
    plan = scrubbing.plan(catalog.find("orders_v0.get_orders"), "placeholders")
    assert plan is not None
    with pytest.raises(NotScrubbable, match="could not be scrubbed"):
        plan.scrub(body, kind, link=link)


def test_an_answer_that_is_too_large_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "LARGEST", 10)
    with pytest.raises(NotScrubbable):
        scrub("orders_v0.get_orders", {"payload": {}})


def test_duplicate_names_hide_nothing() -> None:
    body = b'{"payload":{"BuyerInfo":{"BuyerName":"Kanarienvogel"},"BuyerInfo":{"BuyerName":"Kanarienvogel"}}}'
    assert CANARY not in str(scrub("orders_v0.get_order", body))


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ("includedData=BUYER,RECIPIENT,PROCEEDS&x=%20+a", "includedData=PROCEEDS&x=%20+a"),
        ("a=1&includedData=BUYER%2CRECIPIENT", "a=1"),
        ("includedData=BUYER&includedData=TAX", "includedData=TAX"),
        ("included%44ata=buyer%2C%20Recipient%2CTAX", "included%44ata=TAX"),
        ("createdAfter=2026-01-01T00%3A00%3A00Z", "createdAfter=2026-01-01T00%3A00%3A00Z"),
        ("", ""),
    ],
)
def test_buyers_and_recipients_are_not_asked_for(asked: str, sent: str) -> None:
    """§3.3: orders of 2026-01-01 have them without a restricted data token."""
    plan = scrubbing.plan(catalog.find("orders_2026_01_01.search_orders"), "placeholders")
    assert plan is not None
    assert plan.query(asked) == sent
    other = scrubbing.plan(catalog.find("orders_v0.get_orders"), "placeholders")
    assert other is not None
    assert other.query(asked) == asked
