"""What is inside a document: its text and its rows, in every form that Amazon uses. No client is needed for that."""

from __future__ import annotations

import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sellerport.documents import Document, rows
from sellerport.errors import DocumentError, InvalidArguments


def document(text: str | bytes, content_type: str = "text/plain", **facts: Any) -> Document:
    return Document(text if isinstance(text, bytes) else text.encode(), content_type=content_type, **facts)


def all_rows(text: str | bytes, of: str | None = None, **facts: Any) -> list[Any]:
    return list(document(text, **facts).rows(of))


# Tab-separated


def test_quotes_in_a_flat_file_are_quotes() -> None:
    """jrl84/amazon-sp-api pull 22, airbytehq/airbyte 38465: one quote must not swallow the rows after it."""
    text = 'sku\titem-name\nA\t"Handmade\nB\t12" ruler\nC\t"quoted"\nD\ta, b\n'
    names = ['"Handmade', '12" ruler', '"quoted"', "a, b"]
    assert [row["item-name"] for row in all_rows(text)] == names


def test_a_flat_file_with_every_field_in_quotes_loses_the_outer_pair() -> None:
    """amzn/selling-partner-api-models 4367: the quotes inside are not doubled, or sometimes are."""
    text = '"Date"\t"Title"\r\n"11/01/2026"\t"Webcam, 1/2" Sensor"\r\n"11/02/2026"\t"12"" ruler"\r\n""\t""\r\n'
    assert all_rows(text) == [
        {"Date": "11/01/2026", "Title": 'Webcam, 1/2" Sensor'},
        {"Date": "11/02/2026", "Title": '12" ruler'},
        {"Date": "", "Title": ""},
    ]


def test_lines_end_where_line_feeds_are_and_nowhere_else() -> None:
    text = "sku\tname\r\nA\tone\u2028two\r\nB\tthree\x0bfour\x85five\r\n\r\nC\tsix\rseven\n"
    found = [row["name"] for row in all_rows(text)]
    assert found == ["one\u2028two", "three\x0bfour\x85five", "six\rseven"]


def test_lines_may_be_shorter_or_longer_than_the_header() -> None:
    text = "a\tb\t\tb\n1\n1\t2\t3\t4\t\t\n1\t2\t3\t4\t5\t\t7\n"
    assert all_rows(text) == [
        {"a": "1", "b": "", "column_3": "", "column_4": ""},
        {"a": "1", "b": "2", "column_3": "3", "column_4": "4"},
        {"a": "1", "b": "2", "column_3": "3", "column_4": "4", "column_5": "5", "column_7": "7"},
    ]


def test_one_column_is_a_flat_file() -> None:
    assert all_rows("sku\nA\nB\n") == [{"sku": "A"}, {"sku": "B"}]


# Comma-separated


def test_comma_separated_files_are_quoted_as_rfc_4180_says() -> None:
    text = 'sku,name\r\nA,"12"" ruler, steel"\r\nB,"two\r\nlines"\r\n\r\n'
    expected = [{"sku": "A", "name": '12" ruler, steel'}, {"sku": "B", "name": "two\r\nlines"}]
    assert all_rows(text) == expected
    for stated in ("text/csv", "text/CSV; charset=UTF-8"):
        assert all_rows('sku\r\n"A\r\nB"\r\n', content_type=stated) == [{"sku": "A\r\nB"}], "though it has no comma"


def test_a_cell_may_be_long() -> None:
    assert all_rows(f'sku,text\nA,"{"x" * 200_000}"\n') == [{"sku": "A", "text": "x" * 200_000}]


@pytest.mark.parametrize("by", [",", "\t"])
def test_lines_may_end_with_carriage_returns_where_there_are_no_line_feeds(by: str) -> None:
    assert all_rows(f"a{by}b\r1{by}2\r\r3{by}4\r") == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


# JSON


def test_the_rows_of_json_are_its_list() -> None:
    assert all_rows('[{"a": 1}, {"a": [2, {"b": null}]}]') == [{"a": 1}, {"a": [2, {"b": None}]}]
    assert all_rows('{"spec": {"x": [1]}, "n": 12, "dataByAsin": [{"a": 1}], "notes": ["x"]}') == [{"a": 1}]
    assert all_rows('{"spec": {}, "dataByAsin": []}') == []
    assert all_rows('[{"a": 1}]', content_type="application/json") == [{"a": 1}]


def test_json_with_several_lists_needs_the_name_of_one() -> None:
    text = '{"byDate": [{"d": 1}], "byAsin": [{"a": 1}, {"a": 2}]}'
    with pytest.raises(DocumentError, match=r"several lists \(byDate, byAsin\); name one: rows\(of='byDate'\)"):
        all_rows(text)
    assert all_rows(text, "byAsin") == [{"a": 1}, {"a": 2}]
    with pytest.raises(DocumentError, match="no list 'byWeek'"):
        all_rows(text, "byWeek")
    with pytest.raises(DocumentError, match=r"it is one object: use json\(\)"):
        all_rows('{"a": {"b": 1}}')
    assert document('{"a": {"b": 1}}').json() == {"a": {"b": 1}}


def test_json_lines_are_told_from_json() -> None:
    assert all_rows('{"a": 1}\n{"a": 2}\n') == [{"a": 1}, {"a": 2}]
    assert all_rows('{"a": 1}\r\n\r\n{"a": 2}') == [{"a": 1}, {"a": 2}]
    assert all_rows('{\n  "list": [{"a": 1}]\n}') == [{"a": 1}]
    assert all_rows('{"list": [{"a": 1}]}\n') == [{"a": 1}]


@pytest.mark.parametrize(
    "stated", ["application/x-ndjson", "application/jsonl", "application/json-lines", "application/JSONLines"]
)
def test_json_lines_that_are_said_to_be_are_json_lines_though_there_is_one(stated: str, tmp_path: Path) -> None:
    line = '{"sku": "A", "lines": [{"n": 1}]}\n'
    one = [{"sku": "A", "lines": [{"n": 1}]}]
    assert all_rows(line, content_type=stated) == one
    assert list(Document(document(line).save(tmp_path / "answer.jsonl")).rows()) == one
    assert all_rows(line, content_type="application/json") == [{"n": 1}]


def test_every_row_is_a_dictionary() -> None:
    assert all_rows('[1, "x", [2], {"a": 3}]') == [{"value": 1}, {"value": "x"}, {"value": [2]}, {"a": 3}]
    assert all_rows('{"a": 1}\n{"b": 2}\n3\n') == [{"a": 1}, {"b": 2}, {"value": 3}]


@pytest.mark.parametrize("end", ["[{}", "garbage", "{}", "]", ","])
def test_nothing_may_follow_json(end: str) -> None:
    for text in ('[{"a": 1}] ', '{"list": [{"a": 1}], "after": {}} ', '{"list": []}'):
        with pytest.raises(DocumentError, match="is no json that can be read"):
            all_rows(text + end)


def test_json_that_is_broken_is_not_read_to_its_end() -> None:
    asked: list[int] = []

    class Endless(io.StringIO):
        def read(self, size: int | None = None) -> str:
            asked.append(size or 0)
            return super().read(size)

    with pytest.raises(DocumentError, match="is no json that can be read"):
        list(rows.read(lambda: Endless('[{"a": 1}, oops' + " " * (4 * rows.PIECE)), "json"))
    assert asked == [rows.PIECE]
    assert sum(1 for _ in rows.read(lambda: io.StringIO('[{"a": "' + "x" * (3 * rows.PIECE) + '"}]'), "json")) == 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=40, deadline=None)
@example(items=[{}], before={"a": 0.25, "b": 1e300, "c": -12, "d": 1.5e-7}, indent=None, ascii=True, piece=1)
@given(
    items=st.lists(st.dictionaries(st.text(), json_values, max_size=4), min_size=1, max_size=6),
    before=st.dictionaries(st.text(), json_values.filter(lambda value: not isinstance(value, list)), max_size=3),
    indent=st.sampled_from([None, 1]),
    ascii=st.booleans(),
    piece=st.integers(1, 40),
)
def test_json_is_read_the_same_whatever_is_read_at_a_time(
    items: list[Any], before: dict[str, Any], indent: int | None, ascii: bool, piece: int
) -> None:
    before.pop("rows", None)
    text = json.dumps({**before, "rows": items, "after": 1}, indent=indent, ensure_ascii=ascii)
    text = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    expected = json.loads(text)["rows"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "PIECE", piece)
        assert all_rows(text) == expected
        assert all_rows(text, "rows") == expected


@pytest.mark.parametrize(
    "text",
    ['{"a": [{"b": 1}, {"b": ', '{"a": [{"b": 1} {"b": 2}]}', '[{"a": 1}', '{"a" 1}', "[" * 100_000, '[{"a": nope}]'],
)
def test_broken_json_is_an_error_and_no_rows_are_made_up(text: str) -> None:
    with pytest.raises(DocumentError, match="is no json that can be read"):
        all_rows(text)


def test_a_broken_line_is_an_error_that_does_not_show_it() -> None:
    with pytest.raises(DocumentError, match="is no jsonl that can be read") as broken:
        all_rows('{"a": 1}\n{"a": 2}\n{"secret\n')
    assert "secret" not in str(broken.value)
    with pytest.raises(DocumentError, match="is no JSON"):
        document("sku\tprice").json()


# XML

ORDERS = """<?xml version="1.0" encoding="ISO-8859-1"?>
<AmazonEnvelope xmlns="urn:x"><MessageType>AllOrdersReport</MessageType><Header><V>1</V></Header>
<Message><Order><Id>1</Id><Item><Sku>Ä</Sku></Item><Item><Sku>B</Sku></Item>
  <Price currency="EUR">9.90</Price></Order></Message>
<Message><Order kind="late"><Id>2</Id><Item><Sku>C</Sku></Item><Empty/></Order></Message>
</AmazonEnvelope>"""


def test_the_rows_of_xml_are_the_children_that_there_are_most_of() -> None:
    first, second = all_rows(ORDERS.encode("latin-1"), content_type="text/xml")
    assert first == {
        "Order": {"Id": "1", "Item": [{"Sku": "Ä"}, {"Sku": "B"}], "Price": {"@currency": "EUR", "#text": "9.90"}}
    }
    assert second["Order"]["@kind"] == "late"
    assert second["Order"]["Empty"] == ""


def test_the_rows_of_xml_may_be_named() -> None:
    assert [row["Id"] for row in all_rows(ORDERS.encode("latin-1"), "Order")] == ["1", "2"]
    assert all_rows("<Root><Sku>A</Sku><Sku>B</Sku></Root>") == [{"Sku": "A"}, {"Sku": "B"}]
    assert all_rows("<Root/>") == []


@pytest.mark.parametrize("text", ["<a><b></a>", "<a>", "<a>\n<b/>"])
def test_broken_xml_is_an_error_with_its_line(text: str) -> None:
    with pytest.raises(DocumentError, match=r"is no XML that can be read \(line \d\)"):
        all_rows(text)


# Of any length


@pytest.mark.parametrize(
    ("head", "row", "tail"),
    [
        ("sku\tname\n", "A\t{x}\n", ""),
        ("sku,name\n", 'A,"{x}"\n', ""),
        ('{"rows": [', '{"a": 1, "b": ["{x}"]},', '{"a": 1}]}'),
        ("", '{"a": "{x}"}\n', ""),
        ("<R>", "<Node><Sku>{x}</Sku></Node>\n", "</R>"),
    ],
)
def test_rows_of_a_file_take_the_same_memory_whatever_its_length(
    tmp_path: Path, head: str, row: str, tail: str
) -> None:
    peaks = []
    for count in (4_000, 16_000):  # 4 and 16 MB
        file = tmp_path / "file"
        file.write_text(head + row.replace("{x}", "x" * 1000) * count + tail)
        tracemalloc.start()
        assert sum(1 for _ in Document(file).rows()) in (count, count + 1)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 500_000


# Text


ODD = ("hex", "idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape", "klingon")
"""What Python has, or has not, among its codecs, and what no text of Amazon's is in."""


@pytest.mark.parametrize(
    ("content", "content_type", "encoding", "text"),
    [
        ("ä①".encode(), "text/plain; charset=UTF-8", "utf-8", "ä①"),
        (b"\xef\xbb\xbf" + "ä".encode(), "text/plain; charset=ISO-8859-1", "utf-8", "ä"),
        ("ä".encode("utf-16"), "text/plain", "utf-16", "ä"),
        (b"\xfe\xff" + "ä".encode("utf-16-be"), "text/plain", "utf-16", "ä"),
        ("ä".encode("utf-16-le"), "text/plain; charset=UTF-16", "cp1252", None),
        *((b"a\\x41-\xff", f"text/plain; charset={odd}", "cp1252", "a\\x41-ÿ") for odd in ODD),
        ("ä€".encode("cp1252"), "text/plain;charset=ISO-8859-1", "cp1252", "ä€"),
        ("ä€".encode("cp1252"), 'text/plain; charset="Cp1252"', "cp1252", "ä€"),
        ("ä€".encode("cp1252"), "text/plain; charset=US-ASCII", "cp1252", "ä€"),
        (b"\x81\x8d\xe4", "text/plain; charset=ISO-8859-1", "cp1252", "\x81\x8dä"),
        ("①".encode("cp932"), "text/plain; charset=Shift_JIS", "cp932", "①"),
        ("①".encode("cp932"), "text/plain; charset=windows-31j", "cp932", "①"),
        ("ä".encode(), "text/plain; charset=klingon", "utf-8", "ä"),
        ("ä".encode("latin-1"), "text/plain; charset=UTF-8", "cp1252", "ä"),
        ("①".encode("cp932"), "text/plain; charset=UTF-8", "cp1252", "‡@"),
        (bytes(range(256)), "", "cp1252", None),
        (b"", "", "utf-8", ""),
    ],
)
def test_text_never_fails_by_itself(content: bytes, content_type: str, encoding: str, text: str | None) -> None:
    found = document(content, content_type)
    assert found.encoding == encoding
    assert found.text == text if text is not None else len(found.text) == len(content)


def test_text_of_japan_without_a_charset_is_in_cp932() -> None:
    assert document("①".encode("cp932"), metadata={"marketplaceIds": ["A1VC38T7YXB528"]}).text == "①"


def test_an_encoding_that_is_given_is_taken_at_its_word() -> None:
    assert document(b"\x80", encoding="latin-1").text == "\x80"
    assert document(b"\xef\xbb\xbfa\tb\n1\t2", encoding="UTF-8").rows().__next__() == {"a": "1", "b": "2"}
    with pytest.raises(DocumentError, match="is not encoded in ascii; leave encoding out, or give another"):
        document(b"\x80", encoding="ascii", id="1").rows()
    assert document("①".encode("cp932"), encoding="Windows-31J").text == "①"
    for odd in (*ODD, "", "a\0b"):
        with pytest.raises(InvalidArguments, match="no such encoding of text: "):
            document(b"", encoding=odd)


@pytest.mark.parametrize("content", [b"PK\x03\x04x", b"PK\x05\x06" + b"\0" * 18, b"%PDF-1.7"])
def test_a_zip_or_pdf_file_has_no_rows(content: bytes) -> None:
    with pytest.raises(DocumentError, match="has no rows: it is a ZIP or PDF file") as none:
        document(content, id="1").rows()
    assert none.value.id == "1"


# Files


def test_a_document_is_saved_and_opened_again(tmp_path: Path) -> None:
    made = document("sku\tprice\nA\t1\n")
    saved = made.save(tmp_path / "report.tsv")
    again = Document(saved)
    assert (again.path, again.bytes, list(again.rows())) == (saved, made.bytes, [{"sku": "A", "price": "1"}])
    assert Document(saved).save(tmp_path / "copy.tsv").read_bytes() == made.bytes
    assert sorted(file.name for file in tmp_path.iterdir()) == ["copy.tsv", "report.tsv"]
    with pytest.raises(InvalidArguments):
        made.save(tmp_path)


def test_a_file_is_closed_when_its_rows_are_left(tmp_path: Path) -> None:
    """Unclosed files are warnings, and warnings are errors in these tests."""
    saved = document("sku\n" + "A\n" * 1000).save(tmp_path / "report.tsv")
    for row in Document(saved).rows():
        assert row == {"sku": "A"}
        break
