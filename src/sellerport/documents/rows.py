"""What is inside a document, row by row, with flat memory: tab- and comma-separated text, JSON, JSON lines, XML.

Amazon's tab-separated files are not quoted: a quote in a title is a quote, however many there are. The few that put
every field into quotes (inventory ledgers) do not double the quotes inside, so that no CSV reader reads them; there the
outer pair is taken off. Comma-separated files are quoted as RFC 4180 says.

Sources: github.com/jrl84/amazon-sp-api pull request 22, amzn/selling-partner-api-models issue 4367,
airbytehq/airbyte issues 38465 and 79669.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, TextIO

import msgspec

from sellerport.errors import DocumentError
from sellerport.wire import UNREADABLE

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

Form = Literal["tsv", "csv", "json", "jsonl", "xml"]
Row = dict[str, Any]
Open = Callable[..., TextIO]
"""Opens a document as text, from its beginning; its lines end with what is given, or else with line feeds."""

PIECE = 1 << 18
"""How many characters are read at a time."""
CELL = 1 << 26
"""How many characters a cell of comma-separated text may have; a quote that does not end swallows no more than that."""


def form_of(head: str, content_type: str, suffix: str) -> Form:
    """Return what a document is, by how it begins: its Content-Type is often ``text/plain``, whatever it is.

    JSON lines look like JSON where there is one; there its Content-Type or the suffix of its file decides.
    """
    begin, said = head.lstrip(), f"{content_type} {suffix}".lower()
    if begin.startswith("<"):
        return "xml"
    if begin.startswith(("{", "[")):
        return "jsonl" if re.search("ndjson|json-?l", said) or _is_lines(begin) else "json"
    line = begin.partition("\n")[0]
    if "\t" not in line and ("," in line or "csv" in said):
        return "csv"
    return "tsv"


def _is_lines(begin: str) -> bool:
    """Whether the first line is a JSON object by itself, and another one follows."""
    line, _, rest = begin.partition("\n")
    if not (line.startswith("{") and rest.lstrip().startswith("{")):
        return False
    try:
        msgspec.json.decode(line)
    except UNREADABLE:
        return False
    return True


def read(opened: Open, form: Form, of: str | None = None) -> Iterator[Row]:
    """Yield the rows of a document.

    Args:
        opened: opens the document as text.
        form: what the document is.
        of: which list of a JSON document, or which elements of an XML document, are its rows.

    Raises:
        DocumentError: it is not of this form, or it has several lists and none was named.
    """
    try:
        if form == "json":
            yield from _json_rows(opened, of)
        elif form == "xml":
            yield from _xml_rows(opened, of)
        else:
            with opened() as stream:
                head = stream.read(PIECE)
            ends = "\r" if "\r" in head and "\n" not in head else "\n"  # the former as on old Macs
            with opened(ends) as stream:
                yield from _LINES[form](stream)
    except (csv.Error, UnicodeDecodeError, *UNREADABLE, json.JSONDecodeError) as error:
        raise DocumentError(f"the document is no {form} that can be read ({type(error).__name__})") from error


# Text in columns


def _tsv_rows(stream: Iterable[str]) -> Iterator[Row]:
    lines = (line.rstrip("\r\n") for line in stream)
    header = next((line for line in lines if line), "").split("\t")
    if all(_is_quoted(cell) for cell in header):
        names = _names([_unquoted(cell) for cell in header])
        for line in filter(None, lines):
            yield _row(names, [_unquoted(cell) for cell in line.split("\t")])
        return
    names = _names(header)
    for line in filter(None, lines):
        yield _row(names, line.split("\t"))


def _csv_rows(stream: Iterable[str]) -> Iterator[Row]:
    csv.field_size_limit(max(CELL, csv.field_size_limit()))  # of the whole process, which Python has no other of
    lines = filter(None, csv.reader(stream))
    names = _names(next(lines, []))
    for cells in lines:
        yield _row(names, cells)


def _is_quoted(cell: str) -> bool:
    return len(cell) >= 2 and cell[0] == cell[-1] == '"'


def _unquoted(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if _is_quoted(cell) else cell


def _names(header: Sequence[str]) -> list[str]:
    """Return a name for each column; what has none, or the name of another, is called by its number."""
    seen: set[str] = set()
    names = []
    for number, name in enumerate(header, 1):
        unique = name if name and name not in seen else f"column_{number}"
        seen.add(unique)
        names.append(unique)
    return names


def _row(names: list[str], cells: list[str]) -> Row:
    """Return a row: cells left out at its end are empty, those beyond the header are kept if they are not."""
    missing = len(names) - len(cells)
    if missing == 0:
        return dict(zip(names, cells, strict=True))
    row = dict(zip(names, cells + [""] * missing, strict=False))
    return row | {f"column_{number}": cell for number, cell in enumerate(cells[len(names) :], len(names) + 1) if cell}


def _jsonl_rows(stream: Iterable[str]) -> Iterator[Row]:
    for line in stream:
        if line.strip():
            yield _as_row(msgspec.json.decode(line))


_LINES: dict[Form, Callable[[Iterable[str]], Iterator[Row]]] = {
    "tsv": _tsv_rows,
    "csv": _csv_rows,
    "jsonl": _jsonl_rows,
}


# JSON


def _json_rows(opened: Open, of: str | None) -> Iterator[Row]:
    with opened() as stream:
        scan = _Scanner(stream)
        if scan.peek() == "[":
            yield from map(_as_row, scan.items())
            scan.end()
            return
    name, found = of or _only_list(opened), False
    with opened() as stream:
        scan = _Scanner(stream)
        for member in scan.members():
            if member == name and scan.peek() == "[" and not found:
                found = True
                yield from map(_as_row, scan.items())
            else:
                scan.value()
        scan.end()
    if not found:
        raise DocumentError(f"the document has no list {name!r}; look at json()")


def _as_row(item: Any) -> Row:
    return item if isinstance(item, dict) else {"value": item}


def _only_list(opened: Open) -> str:
    """Return the name of the list that has the rows, where that is certain."""
    lists: dict[str, Any] = {}
    with opened() as stream:
        scan = _Scanner(stream)
        for member in scan.members():
            if scan.peek() != "[":
                scan.value()
                continue
            items = scan.items()
            lists[member] = next(items, None)
            deque(items, maxlen=0)
    objects = [name for name, first in lists.items() if isinstance(first, dict)]
    found = objects or [name for name, first in lists.items() if first is None]
    if len(found) == 1:
        return found[0]
    if not found:
        raise DocumentError("the document has no list of rows; it is one object: use json()")
    raise DocumentError(f"the document has several lists ({', '.join(found)}); name one: rows(of={found[0]!r})")


class _Scanner:
    """Reads JSON of any length, one value at a time."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._text = ""
        self._at = 0
        self._decode = json.JSONDecoder().raw_decode

    def peek(self) -> str:
        """Return the next character that is no white space; nothing at the end."""
        while True:
            while self._at < len(self._text):
                if not self._text[self._at].isspace():
                    return self._text[self._at]
                self._at += 1
            if not self._more():
                return ""

    def members(self) -> Iterator[str]:
        """Yield each name of an object; whoever takes it reads its value."""
        self._expect("{")
        if self.peek() == "}":
            self._at += 1
            return
        while True:
            self.peek()
            name = self.value()
            self._expect(":")
            yield name
            if self._expect(",}") == "}":
                return

    def items(self) -> Iterator[Any]:
        """Yield each item of a list."""
        self._expect("[")
        if self.peek() == "]":
            self._at += 1
            return
        while True:
            yield self.value()
            if self._expect(",]") == "]":
                return

    def end(self) -> None:
        """Refuse anything that follows."""
        if self.peek():
            raise json.JSONDecodeError("expected the end", "", self._at)

    def value(self) -> Any:
        """Return the next value."""
        self.peek()
        while True:
            try:
                found, end = self._decode(self._text, self._at)
            except json.JSONDecodeError as error:
                # what is cut short is wrong at its end, and a string where it begins
                cut = len(self._text) - error.pos < 16 or error.msg.startswith("Unterminated string")
                if cut and self._more():
                    continue
                raise
            if len(self._text) - end < 3 and self._more():
                continue  # a number may go on, if only with what stands there already, such as "e+"
            self._at = end
            return found

    def _expect(self, characters: str) -> str:
        found = self.peek()
        if not found or found not in characters:
            raise json.JSONDecodeError(f"expected one of {characters!r}", "", self._at)
        self._at += 1
        return found

    def _more(self) -> bool:
        """Read on, twice as much each time that one value does not end, and forget what was taken."""
        piece = self._stream.read(max(PIECE, len(self._text) - self._at))
        if piece:
            self._text, self._at = self._text[self._at :] + piece, 0
        return bool(piece)


# XML


def _xml_rows(opened: Open, of: str | None) -> Iterator[Row]:
    if of is None:
        counted = Counter(name for name, _ in _children(opened, None))
        of = max(reversed(counted), key=counted.__getitem__, default="")
    for _, element in _children(opened, of):
        found = _plain(element)
        yield found if isinstance(found, dict) else {of: found}


def _children(opened: Open, of: str | None) -> Iterator[tuple[str, Element]]:
    """Yield the elements of a name, or else those below the root; each is forgotten when the next is asked for."""
    from xml.etree.ElementTree import ParseError, XMLPullParser  # noqa: PLC0415  # few documents are XML

    parser: Any = XMLPullParser(("start", "end"))
    above: list[Element] = []
    try:
        for piece in _pieces(opened):
            if piece:
                parser.feed(piece)
            else:
                parser.close()
            for event, element in parser.read_events():
                if event == "start":
                    above.append(element)
                    continue
                above.pop()
                name = _local(element.tag)
                if name == of or (of is None and len(above) == 1):
                    yield name, element
                if above and (name == of or len(above) == 1):
                    above[-1].remove(element)
    except ParseError as error:
        raise DocumentError(f"the document is no XML that can be read (line {error.position[0]})") from error


def _pieces(opened: Open) -> Iterator[str]:
    """Yield a document's text in pieces, and nothing at its end."""
    with opened() as stream:
        while piece := stream.read(PIECE):
            yield piece
    yield ""


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _plain(element: Element) -> Any:
    """Return an element as its text, or as a dictionary: attributes as ``@name``, what is repeated as a list."""
    text = (element.text or "").strip()
    if not len(element) and not element.attrib:
        return text
    found: Row = {f"@{_local(name)}": value for name, value in element.attrib.items()}
    for child in element:
        name, value = _local(child.tag), _plain(child)
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found | ({"#text": text} if text else {})
