"""Documents come through links of this server's own, from Amazon's storage alone, and without personal data."""

from __future__ import annotations

import gzip
import logging
import re
import shlex
import zlib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.server.conftest import AMAZON, CLIENT, CLIENT_SECRET, PUBLIC, SELLER, House, InProcessWire, Server, ask

from sellerport import catalog
from sellerport.client import AsyncSellingPartner
from sellerport.emulator.shop import Order
from sellerport.errors import NotScrubbable
from sellerport.regions import Amazon
from sellerport.server import scrubbing
from sellerport.server.gateway_api import documents
from sellerport.server.hub import document_links as hub_documents
from sellerport.server.hub.document_links import LIFE_S
from sellerport.server.scrubbing import policy
from sellerport.server.scrubbing.documents import LONGEST_LINE, Document
from sellerport.wire import Request, Response

CANARY = "Kanarienvogel"


def scrub(body: bytes, privacy: Any = "placeholders", *, size: int = 7, largest: int = 1 << 26) -> bytes:
    document = Document(privacy, largest)
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join([*(one for piece in pieces for one in document.feed(piece)), *document.end()])


# --- columns, elements, JSON ------------------------------------------------------------------------------------------


def test_the_buyers_columns_of_a_report_go_and_all_others_stay() -> None:
    """Appendix B, reports: what is not the buyer's comes out byte for byte."""
    report = (
        b"order-id\tbuyer-email\tbuyer-phone-number\tsku\trecipient-name\tship-address-1\tship-city\tship-state"
        b"\tship-postal-code\tship-country\tship-service-level\tpurchase-order-number\titem-price\r\n"
        b"902-1\tx@y.test\t+1 5\tM\xe4\tAnn\t1 Street\tSalem\tOR\t97301\tUS\tStandard\tPO1\t1.00\r\n"
        b"902-2\t\t\tS\t\t\t\t\t\tUS\t\t\t2.00\r\n"
    )
    headings, *rows = report.split(b"\r\n")
    assert scrub(report) == b"\r\n".join(
        [
            headings,
            b"902-1\t{{buyer_email}}\t{{buyer_phone}}\tM\xe4\t{{ship_to_name}}\t{{ship_to_address1}}\t{{ship_to_city}}"
            b"\tOR\t{{ship_to_zip}}\tUS\tStandard\t{{purchase_order_number}}\t1.00",
            *rows[1:],
        ]
    )
    assert scrub(report, "remove").split(b"\r\n")[1] == b"902-1\t\t\tM\xe4\t\t\t\tOR\t\tUS\tStandard\t\t1.00"


THE_BUYERS = """
buyer-name BUYER_VAT_NUMBER Recipient-Name ship-address-3 ship-city ship-postal-code ship-phone-number bill-name email
bill-address-1 bill-city bill-postal-code buyer-tax-registration-id gift-message-text delivery-Instructions phone
ship-to-name customer-comments ARRIVAL_POST_CODE ARRIVAL_CITY customized-url buyer-citizen-id buyer-company-name
customized-page buyer-national-id invoice-url INVOICE_URL licensee-name license-number ship-county postcode surname
"Customer Bill To Gstid" "Ship To City" "Buyer Tax Registration" "Buyer E Invoice Account Id"
ARRIVAL_ADDRESS rater-email
"""
NOBODYS = """
order-id order-item-id sku asin1 product-name item-name seller-sku quantity price ship-date ship-country ship-state
ship-service-level shipment-id ship-promotion-discount purchase-date carrier ship-from-city SELLER_VAT_NUMBER brand-name
delivery-start-date customer-order-id report-type shipping-price ship-method gift-wrap-price delivery-time-zone
department-name promotion-name campaign-name category-name coupon-name ioss-number is-buyer-requested-cancellation
"Bill From City" "Seller Gstin" "Invoice Number" merchant-order-id external-order-id image-url fulfillment-center-id
DEPARTURE_CITY DEPARTURE_POST_CODE DELIVERY_CONDITIONS SUPPLIER_VAT_NUMBER SHIP_CHARGE_AMT_VAT_INCL license-plate-number
TRANSACTION_SELLER_VAT_NUMBER VAT_INV_NUMBER marketplace-name default-ship-from-city verge-of-lateShipment fnsku
"""


def test_columns_are_told_by_their_headings() -> None:
    assert [one for one in shlex.split(THE_BUYERS) if not policy.column(one)] == []
    assert [one for one in shlex.split(NOBODYS) if policy.column(one)] == []


def test_comma_separated_rows_may_have_line_breaks_in_quotes() -> None:
    report = b'order-id,Buyer Name,Ship From City,note\n1,"Ann ""A"" Buyer,\nJr.","Salem, OR","to x@y.test"\n2,,b,c\n'
    assert scrub(report) == (
        b'order-id,Buyer Name,Ship From City,note\n1,{{buyer_name}},"Salem, OR",to {{personal}}\n2,,b,c\n'
    )


def test_cells_beyond_the_headings_go() -> None:
    assert scrub(b"order-id\tsku\n1\tA\tAnn Buyer\n") == b"order-id\tsku\n1\tA\t\n"


def test_a_line_break_inside_of_a_cell_moves_nothing_to_another_column() -> None:
    """A cell goes in whichever column it may be; rows that lack their last cells stay as they are."""
    headings = b"order-id\tgift-message-text\tsku\trecipient-name\tqty\n"
    broken = b"1\tfor\n\nmy\n\tgrand\nma\tS1\tAnn Buyer\t1\n"
    found = scrub(headings + broken + b"2\t\tS2\tBob\t2\n3\t\tS3\n4\t\tS4\n", "remove").split(b"\n")
    assert not [one for one in (b"for", b"my", b"grand", b"ma", b"Ann") if one in b"\n".join(found[1:])]
    assert found[-4:] == [b"2\t\tS2\t\t2", b"3\t\tS3", b"4\t\tS4", b""]


def test_what_is_half_of_a_character_or_no_address_is_no_e_mail() -> None:
    for body in ("order-id\tproduct-name\n1\tファンヒーター\n".encode("shift_jis"), b"order-id\tsku\n1\tA@B\n"):
        assert scrub(body) == body
    assert scrub(b"order-id\tnote\n1\t(ann@x.example), bob@y.example.\n") == (
        b"order-id\tnote\n1\t{{personal}}), {{personal}}.\n"
    )


def test_what_buyers_had_customized_and_addresses_in_attributes_go() -> None:
    item = '<Item note="to ann@x.example"><CustomizationInfo><Data>https://zme-caps.amazon.com/t/1</Data>'
    found = scrub(f"<Order>{item}</CustomizationInfo><SKU>A</SKU></Item></Order>".encode(), "remove").decode()
    assert found.endswith(
        '<Item note="to "><CustomizationInfo><Data></Data></CustomizationInfo><SKU>A</SKU></Item></Order>'
    )


def test_things_in_json_keep_their_names() -> None:
    row = {"departmentName": "Toys", "clickedItemName": "A ball", "brandName": "B", "promotionName": "P", "name": "Ann"}
    assert msgspec.json.decode(scrub(msgspec.json.encode([row]), "remove")) == [
        {one: value for one, value in row.items() if one != "name"}
    ]


def test_elements_that_hold_a_person_are_emptied() -> None:
    report = (
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n<a:Orders xmlns:a="u"><Order buyerName="Ann" id="1">'
        "<!-- Ann --><BillingData><BuyerEmailAddress>x@y.test</BuyerEmailAddress></BillingData><FulfillmentData>"
        "<Address><Name>A &amp; B</Name><AddressFieldOne>1 Street</AddressFieldOne><City>Sälem</City>"
        "<StateOrRegion>OR</StateOrRegion><CountryCode>US</CountryCode></Address></FulfillmentData>"
        "<ShipFromAddress><Name>Seller</Name></ShipFromAddress><Title>1 &lt; 2 é</Title></Order></a:Orders>"
    )
    assert scrub(report.encode("latin-1")).decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n<a:Orders xmlns:a="u"><Order id="1">'
        "<BillingData><BuyerEmailAddress>{{buyer_email}}</BuyerEmailAddress></BillingData><FulfillmentData>"
        "<Address><Name>{{ship_to_name}}</Name><AddressFieldOne>{{ship_to_address_field_one}}</AddressFieldOne>"
        "<City>{{ship_to_city}}</City>"
        "<StateOrRegion>OR</StateOrRegion><CountryCode>US</CountryCode></Address></FulfillmentData>"
        "<ShipFromAddress><Name>Seller</Name></ShipFromAddress><Title>1 &lt; 2 é</Title></Order></a:Orders>"
    )
    assert b"Ann" not in scrub(report.encode("latin-1"), "remove")


def test_the_tree_of_categories_keeps_its_names() -> None:
    node = (
        '<Node><browseNodeAttributes count="1"><attribute name="kind">toys</attribute></browseNodeAttributes>'
        "<browseNodeName>Toys</browseNodeName><browseNodeStoreContextName>Toys</browseNodeStoreContextName>"
        '<browsePathByName>All,Toys</browsePathByName><refinementName name="Age">4</refinementName></Node>'
    )
    assert scrub(f'<?xml version="1.0"?>{node}'.encode(), "remove").decode().endswith(node)


def test_json_and_lines_of_json_are_swept() -> None:
    order = {"orderId": "1", "shippingAddress": {"name": CANARY, "country": "US"}, "note": CANARY}
    found = msgspec.json.decode(scrub(msgspec.json.encode({"orders": [order]})))
    place = {"name": "{{ship_to_name}}", "country": "US"}
    assert found == {"orders": [{"orderId": "1", "shippingAddress": place, "note": "{{personal}}"}]}
    lines = scrub(msgspec.json.encode(order) + b"\n" + msgspec.json.encode(order) + b"\n", "remove")
    assert lines == b'{"orderId":"1","shippingAddress":{"country":"US"}}\n' * 2
    long = msgspec.json.encode({"text": "x" * 10_000}) + b"\n"
    assert scrub(long * 2) == long * 2


def test_cells_may_be_long_and_have_many_lines() -> None:
    """Neither the limit of the csv module, which others in the process may set, nor the time of many lines counts."""
    long = b'order-id,buyer-name\n"' + b"x" * 500_000 + b'",Ann\n'
    assert scrub(long, "remove", size=1 << 16) == long.replace(b",Ann", b",").replace(b'"', b"")
    lines = b'order-id,buyer-name\n"' + b"x\n" * 250_000 + b'",Ann\n'
    assert scrub(lines, "remove", size=1 << 16) == lines.replace(b",Ann", b",")


def test_the_result_of_a_feed_is_given() -> None:
    result = (
        b"Feed Processing Summary:\n\tNumber of records processed\t\t2\n\tNumber of records successful\t\t1\n\n"
        b"original-record-number\tsku\terror-code\terror-type\terror-message\n1\tA\t8\tError\tno such SKU\n"
    )
    assert scrub(result) == result
    assert scrub(b"") == b""


@pytest.mark.parametrize(
    "body",
    [
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3 \n",
        b"PK\x03\x04\x14\x00\x00\x00",
        b"^XA^FO50,50^FDAnn Buyer^FS^XZ\x00",
        "注文番号\t購入者名\n1\tAnn\n".encode("shift_jis"),
        b"902-1\tAnn Buyer\t1 Street\n902-2\tBob\t2 Street\n",
        b"Dear Ann Buyer",
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "Ann"><!ENTITY c "&b;&b;">]><a>&c;</a>',
        b"<a><b></a>",
        b'"Ann"',
        b'{"a": 1',
        b"order-id\tsku\n" + b"x" * (LONGEST_LINE + 1),
        b'order-id,sku\n"' + b"x\n" * 10,
        b"<a>" * 300 + b"</a>" * 300,
        b'<?xml version="1.0" encoding="Shift_JIS"?><a>\x83\x40</a>',
        b'<?xml version="1.0" encoding="nonsense"?><a/>',
        b"buyer-name;order-id,sku\nAnn;1,2\n",
        b'order-id,buyer-name\n5" nail,Ann\n6" nail,Bob\n',
        b'order-id,buyer-name\n"' + b"x" * (LONGEST_LINE // 2) + b"\n" + b"x" * (LONGEST_LINE // 2) + b'",Ann\n',
        "order-id\tsku\n1\t2\n".encode("utf-16"),
    ],
)
def test_documents_that_are_not_understood_are_refused(body: bytes) -> None:
    with pytest.raises(NotScrubbable):
        scrub(body, size=1 << 16)


@settings(max_examples=60, deadline=None)
@given(
    cells=st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="@", exclude_categories=["Cc"]), max_size=8),
        min_size=3,
        max_size=3,
    ),
    size=st.integers(1, 40),
)
def test_however_it_comes_in_pieces_a_row_is_scrubbed_once(cells: list[str], size: int) -> None:
    first, name, last = cells
    row = f"{first}\t{CANARY}{name}\t{last}\n".encode()
    report = b"order-id\tbuyer-name\tsku\n" + row
    expected = f"{first}\t{{{{buyer_name}}}}\t{last}\n".encode()
    assert scrub(report, size=size) == b"order-id\tbuyer-name\tsku\n" + (expected if row.strip() else row)


# --- the door ---------------------------------------------------------------------------------------------------------


async def fetch(server: Server, link: str, **headers: str) -> Any:
    return await ask(server.app, "GET", link, headers)


class Watched(InProcessWire):
    """Remembers what was asked of Amazon."""

    def __init__(self, app: Any) -> None:
        super().__init__(app)
        self.seen: list[tuple[Request, Response]] = []

    async def send(self, request: Request) -> Response:
        answer = await super().send(request)
        self.seen.append((request, answer))
        return answer


def of_buyers(server: Server) -> set[str]:
    """Everything that is some buyer's in the local Amazon, and long enough to be nothing else."""
    orders: list[Order] = list(server.world.account(SELLER).orders.values())
    people = [
        (one.address.name, one.address.line, one.address.postal_code, one.address.phone, one.email) for one in orders
    ]
    return {text for person in people for text in person}


def assert_nothing_of(buyers: set[str], body: bytes) -> None:
    text = body.decode("utf-8", "replace")
    assert not [one for one in buyers if re.search(rf"(?<!\w){re.escape(one)}(?!\w)", text)]


def test_no_buyer_of_the_local_amazon_comes_out_of_its_answers_and_reports(
    sqlite_house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """§7.12: real answers, page after page, both versions of orders; the report as gzip; errors and logs too."""
    caplog.set_level(logging.DEBUG)

    async def scenario(server: Server) -> None:
        buyers, wire = of_buyers(server), Watched(server.amazon)
        assert len(buyers) > 100
        client = AsyncSellingPartner(
            refresh_token=server.world.grant(SELLER, CLIENT).refresh_token,
            lwa_app_id=CLIENT,
            lwa_client_secret=CLIENT_SECRET,
            marketplace="US",
            amazon=AMAZON,
            wire=wire,
        )
        since, every = "2020-01-01T00:00:00Z", ["buyerInfo", "shippingAddress"]
        orders = client.orders_v0
        async for order in orders.get_orders(created_after=since, max_results_per_page=20, restricted=every).items():
            last = order["AmazonOrderId"]
        for name in ("get_order", "get_order_address", "get_order_buyer_info", "get_order_items"):
            await getattr(orders, name)(order_id=last)
        asked = ["BUYER", "RECIPIENT"]
        async for _ in client.orders.search_orders(created_after=since, included_data=asked).items():
            pass
        links = await server.hub.gateway.document_links.links("placeholders")
        scrubbed = 0
        for request, answer in wire.seen:
            found = catalog.match(request.method, re.sub(rf"{AMAZON}/[^/]+|\?.*", "", request.url))
            plan = scrubbing.plan(found[0], "placeholders") if found else None
            if plan is not None:
                done = plan.scrub(answer.body, answer.headers["content-type"], link=links, status=answer.status)
                scrubbed += done.removed
                assert_nothing_of(buyers, done.body)
        assert scrubbed > 400
        for kind in ("GET_FLAT_FILE_ORDER_REPORT_DATA_SHIPPING", "GET_XML_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL"):
            report = await client.reports.fetch(kind)
            answer = next(a.body for r, a in reversed(wire.seen) if "/_storage/" in r.url)
            url = next(r.url for r, _ in reversed(wire.seen) if "/_storage/" in r.url)
            zipped = answer.startswith(b"\x1f\x8b")
            link = links(url, {"compression": "GZIP"} if zipped else {})
            given = await fetch(server, link)
            assert given.status == 200, given.text
            body = gzip.decompress(given.body) if zipped else given.body
            assert_nothing_of(buyers, body)
            assert body.rstrip().count(b"\n") == report.bytes.rstrip().count(b"\n")
        assert_nothing_of(buyers, caplog.text.encode())

    sqlite_house.run(scenario)


def test_a_link_is_good_for_five_minutes_and_for_whoever_has_it(sqlite_house: House) -> None:
    async def scenario(server: Server) -> None:
        link = (await server.hub.gateway.document_links.links("remove"))(f"{AMAZON}/_storage/none", {})
        assert link.startswith(f"{PUBLIC}/documents/")
        assert "_storage" not in link
        for wrong in (link[:-2] + "xx", f"{PUBLIC}/documents/x", f"{PUBLIC}/documents/k.AAAA"):
            refused = await fetch(server, wrong)
            assert (refused.status, refused.headers["x-adb-error"]) == (404, "1")
            assert refused.json["error"]["message"] == "Document not found"
        server.clock.advance(LIFE_S)
        assert (await fetch(server, link)).status == 404

    sqlite_house.run(scenario)


class Storage(InProcessWire):
    """Amazon's storage with one document in it."""

    def __init__(self, app: Any, body: bytes, status: int = 200) -> None:
        super().__init__(app, "https://")
        self.body, self.status = body, status
        self.asked: list[Request] = []

    async def send(self, request: Request) -> Response:
        self.asked.append(request)
        return Response(self.status, {"content-type": "text/plain"}, self.body)


def documents_of(server: Server, wire: InProcessWire, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let the server's documents lie in the real storage, or what stands for it."""
    documents = server.hub.gateway.document_links
    monkeypatch.setattr(documents, "_wire", wire)
    monkeypatch.setattr(documents, "_amazon", Amazon())
    return documents


URL = "https://tortuga-prod-na.s3-external-1.amazonaws.com/r?X-Amz-Signature=s3cr3t"


ELSEWHERE = (
    "https://evil.example.test/x", "http://tortuga.s3.amazonaws.com/x", "https://amazonaws.com.evil.test/x",
    "https://s3.amazonaws.com@evil.test/x", "https://evil.test/?.amazonaws.com", "https://evilamazonaws.com/x",
    "https://169.254.169.254/latest", "https://x.cloudfront.net/x", "file:///etc/passwd",
    "https://s3.amazonaws.com:8443/x",
)  # fmt: skip


def test_documents_are_fetched_from_amazons_storage_alone_and_without_a_token(
    sqlite_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attack 55."""

    async def scenario(server: Server) -> None:
        wire = Storage(server.amazon, b"order-id\tbuyer-name\n1\tAnn\n")
        links = await documents_of(server, wire, monkeypatch).links("placeholders")
        for url in ELSEWHERE:
            refused = await fetch(server, links(url, {}))
            assert (refused.status, refused.json["error"]["message"]) == (502, "Response could not be scrubbed")
        assert wire.asked == []
        given = await fetch(server, links(URL, {}), authorization="Bearer x", cookie="a=b")
        assert (given.status, given.body) == (200, b"order-id\tbuyer-name\n1\t{{buyer_name}}\n")
        assert [(one.method, one.url, one.headers) for one in wire.asked] == [("GET", URL, {})]
        assert given.headers["cache-control"] == "no-store"

    sqlite_house.run(scenario)


@pytest.mark.parametrize(
    ("body", "status", "answer"),
    [
        (b"%PDF-1.7 Ann Buyer", 200, (502, "Response could not be scrubbed")),
        (gzip.compress(b"order-id\tsku\n1\t2\n", mtime=0)[:-9], 200, (502, "Response could not be scrubbed")),
        (b"<Error><Code>AccessDenied</Code></Error>", 403, (404, "Document not found")),
        (b"", 302, (502, "Response could not be scrubbed")),
    ],
)
def test_a_document_that_cannot_be_given_is_refused_without_a_word_of_it(
    sqlite_house: House, monkeypatch: pytest.MonkeyPatch, caplog: Any, body: bytes, status: int, answer: Any
) -> None:
    async def scenario(server: Server) -> None:
        links = await documents_of(server, Storage(server.amazon, body, status), monkeypatch).links("remove")
        refused = await fetch(server, links(URL, {}))
        assert (refused.status, refused.json["error"]["message"]) == answer
        assert "Ann" not in refused.text + caplog.text
        assert "s3cr3t" not in refused.text + caplog.text

    sqlite_house.run(scenario)


def test_a_gzip_bomb_is_cut_short(sqlite_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack 64: rows without end, and a row without end."""
    monkeypatch.setattr(hub_documents, "LARGEST", 2_000_000)
    monkeypatch.setattr(documents, "HELD", 0)
    row = b"1\t2\n"

    async def scenario(server: Server) -> None:
        for bomb in (
            gzip.compress(b"order-id\tsku\n" + row * 1_000_000),
            gzip.compress(b"order-id\tsku\n" + b"x" * 9_000_000),
        ):
            links = await documents_of(server, Storage(server.amazon, bomb), monkeypatch).links("remove")
            done = await fetch(server, links(URL, {"compression": "GZIP"}))
            unpacker = zlib.decompressobj(wbits=31)
            assert len(unpacker.decompress(done.body)) < 2_000_000
            assert not unpacker.eof  # the answer had begun: it ends without its end

    sqlite_house.run(scenario)


def test_a_document_that_turns_out_bad_is_refused_unless_its_answer_had_to_begin(
    sqlite_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that is begun ends without its end, which HTTP says."""
    rows = b"order-id\tsku\n" + b"1\t2\n" * 20_000

    async def scenario(server: Server) -> None:
        async def given(body: bytes) -> Any:
            links = await documents_of(server, Storage(server.amazon, body), monkeypatch).links("remove")
            return await fetch(server, links(URL, {}))

        whole = await given(rows)
        assert (whole.status, whole.headers["content-length"]) == (200, str(len(rows)))
        bad = await given(rows + b"x" * (LONGEST_LINE + 1))
        assert (bad.status, bad.json["error"]["message"]) == (502, "Response could not be scrubbed")
        monkeypatch.setattr(documents, "HELD", 1000)
        begun = await given(rows)
        assert (begun.status, begun.body, "content-length" in begun.headers) == (200, rows, False)

    sqlite_house.run(scenario)


def test_gzip_comes_out_as_gzip_where_amazon_said_so_and_plain_where_not(
    sqlite_house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    report = b"order-id\tbuyer-name\n" + b"1\tAnn\n" * 500

    async def scenario(server: Server) -> None:
        links = await documents_of(server, Storage(server.amazon, gzip.compress(report)), monkeypatch).links("remove")
        said = await fetch(server, links(URL, {"compression": "GZIP"}))
        assert zlib.decompress(said.body, wbits=31) == report.replace(b"Ann", b"")
        unsaid = await fetch(server, links(URL, {}))
        assert unsaid.body == report.replace(b"Ann", b"")

    sqlite_house.run(scenario)
