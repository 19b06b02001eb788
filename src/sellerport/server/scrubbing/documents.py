"""Scrubbing documents as they come: reports in columns, XML, JSON and lines of JSON, in any number of pieces.

What is held at a time is a line, or a JSON document as a whole. What a document is, its beginning tells, since what
storage says of it is often ``text/plain``. Anything else is refused: PDF, archives, pictures, columns that are not
named in ASCII, a declaration of entities.

A document in columns is read as Latin-1: in all encodings that Amazon writes, what looks like a tab, a comma or a quote
is one, and every byte of what stays comes out as it went in.
"""

from __future__ import annotations

import csv
import io
import re
import zlib
from collections.abc import Iterator
from typing import Any, Protocol
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

import msgspec

from sellerport.catalog import personal
from sellerport.errors import NotScrubbable
from sellerport.server.scrubbing import policy
from sellerport.server.scrubbing.sweep import Sweep, no_link, without_emails
from sellerport.wire import UNREADABLE

LONGEST_LINE = 1 << 20
"""How long a line, or a row of comma-separated text, may be, in bytes."""
csv.field_size_limit(max(LONGEST_LINE, csv.field_size_limit()))  # of the whole process, which Python has no other of
LARGEST_JSON = 32 << 20
"""How long a JSON document may be that is not in lines, in bytes."""
ENOUGH = 1 << 16
"""How many bytes tell what a document is."""

BOM = b"\xef\xbb\xbf"

_HEADING = re.compile(r'"?[A-Za-z][ -:<-?A-{}~]{0,200}')
"""A heading is short and ASCII, begins with a letter, and has no ``@``, as e-mail addresses do, nor ``;`` or ``|``, as
several headings may; what else begins a document is no heading."""
_SUMMARY = re.compile(r"Feed Processing Summary:?|\t[A-Za-z ]+\t+\d+|")
"""What stands before the headings of a feed's result."""


class Scrubber(Protocol):
    """Scrubs one document."""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Yield what can be given on, now that this came.

        Raises:
            NotScrubbable: it is not what it seemed to be.
        """
        ...

    def end(self) -> Iterator[bytes]:
        """Yield the rest.

        Raises:
            NotScrubbable: as `feed`.
        """
        ...


class Document:
    """A document whose beginning is still to come; see `Scrubber`.

    Args:
        privacy: what stands where personal data stood.
        largest: how many bytes it may have, or unzip to.
    """

    def __init__(self, privacy: policy.Privacy, largest: int) -> None:
        self._privacy = privacy
        self._left = largest
        self._head = b""
        self._scrubber: Scrubber | None = None

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """See `Scrubber.feed`."""
        self._left -= len(piece)
        if self._left < 0:
            raise NotScrubbable("a document that is too large")
        if self._scrubber is None:
            self._head += piece
            if len(self._head) < ENOUGH:
                return
            piece, self._scrubber = self._head, _scrubber(self._head, self._privacy)
        yield from self._scrubber.feed(piece)

    def end(self) -> Iterator[bytes]:
        """See `Scrubber.end`."""
        if self._scrubber is None:
            if not self._head.strip():
                yield self._head
                return
            self._scrubber = _scrubber(self._head, self._privacy)
            yield from self._scrubber.feed(self._head)
        yield from self._scrubber.end()


def _scrubber(head: bytes, privacy: policy.Privacy) -> Scrubber:
    """Return what scrubs a document that begins so."""
    begin = head.removeprefix(BOM).lstrip()
    if b"\0" in head:
        raise NotScrubbable("a document that is no text")
    if begin.startswith(b"<?xml") or re.match(rb"<[A-Za-z]", begin):
        return _Xml(privacy)
    if begin.startswith((b"{", b"[")):
        line, end, rest = begin.partition(b"\n")
        return _JsonLines(privacy) if end and rest.lstrip().startswith(b"{") and _is_json(line) else _Json(privacy)
    line = begin.partition(b"\n")[0]
    if b"\t" in line or line.startswith(b"Feed Processing Summary"):
        return _Columns(privacy, "\t")
    if b"," in line:
        return _Columns(privacy, ",")
    raise NotScrubbable("a document of no known form")


def _is_json(line: bytes) -> bool:
    try:
        msgspec.json.decode(line)
    except UNREADABLE:
        return False
    return True


class _Lines:
    """Cuts what comes into lines."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if len(self._rest) > LONGEST_LINE or any(len(line) > LONGEST_LINE for line in lines):
            raise NotScrubbable("a line that is too long")
        yield b"".join(self.line(line + b"\n") for line in lines)

    def end(self) -> Iterator[bytes]:
        if self._rest:
            yield self.line(self._rest)

    def line(self, line: bytes) -> bytes:
        raise NotImplementedError


class _JsonLines(_Lines):
    def __init__(self, privacy: policy.Privacy) -> None:
        super().__init__()
        self._privacy = privacy

    def line(self, line: bytes) -> bytes:
        return _json(line, self._privacy) + b"\n" if line.strip() else line


class _Json:
    def __init__(self, privacy: policy.Privacy) -> None:
        self._privacy = privacy
        self._held = bytearray()

    def feed(self, piece: bytes) -> Iterator[bytes]:
        self._held += piece
        if len(self._held) > LARGEST_JSON:
            raise NotScrubbable("a JSON document that is too large")
        return iter(())

    def end(self) -> Iterator[bytes]:
        yield _json(bytes(self._held.removeprefix(BOM)), self._privacy)


def _json(text: bytes, privacy: policy.Privacy) -> bytes:
    try:
        value = msgspec.json.decode(text)
        if not isinstance(value, dict | list):
            raise NotScrubbable("JSON that is neither an object nor a list")
        sweep = Sweep(privacy, None, no_link)
        sweep.value(value, None, "")
        return sweep.written(value)
    except UNREADABLE as error:
        raise NotScrubbable("a document that is no JSON") from error


class _Columns(_Lines):
    """Rows below headings: tab-separated text, where quotes are text, and comma-separated text (RFC 4180)."""

    def __init__(self, privacy: policy.Privacy, separator: str) -> None:
        super().__init__()
        self._keep = privacy == "placeholders"
        self._separator = separator
        self._instead: list[str | None] | None = None
        """For each column what stands in place of its values; None where they stay. None before the headings."""
        self._open: list[str] = []
        """Lines that came of a row of comma-separated text, in which a quoted line break stands."""
        self._size = self._quotes = 0
        self._broken: set[int] = set()
        """At which columns the next row may go on, if the one before ended there: at a line break inside a cell."""

    def line(self, line: bytes) -> bytes:
        row = line.decode("latin-1")
        if self._separator == ",":
            self._open.append(row)
            self._size += len(row)
            self._quotes += row.count('"')
            if self._size > LONGEST_LINE:
                raise NotScrubbable("a row that is too long")
            if self._quotes % 2:
                return b""
            row = "".join(self._open)
            self._open, self._size, self._quotes = [], 0, 0
        text = row.rstrip("\r\n")
        if not text:
            return row.encode("latin-1")
        return (self._row(text) + row[len(text) :]).encode("latin-1")

    def end(self) -> Iterator[bytes]:
        yield from super().end()
        if self._open or self._instead is None:
            raise NotScrubbable("a document that ends before its rows do")

    def _row(self, text: str) -> str:
        try:
            cells = next(csv.reader([text])) if self._separator == "," else text.split("\t")
        except csv.Error as error:
            raise NotScrubbable("a row that cannot be read") from error
        if self._instead is None:
            return self._headings(text, cells)
        if len(cells) < len(self._instead) or self._broken:
            columns = self._columns(len(cells))
        else:
            columns = self._instead + [""] * (len(cells) - len(self._instead))
        scrubbed = [self._cell(one, instead) for one, instead in zip(cells, columns, strict=True)]
        if scrubbed == cells:
            return text
        return self._joined(scrubbed)

    def _columns(self, size: int) -> list[str | None]:
        """Return what stands in place of the values of a row that may begin in the middle of the row before.

        Where it may be both, a value goes that either has go.
        """
        assert self._instead is not None
        starts = sorted({0, *(start for start in self._broken if start + size <= len(self._instead))})
        rows = [self._instead[start : start + size] + [""] * (start + size - len(self._instead)) for start in starts]
        self._broken = {start + size - 1 for start in starts if start + size < len(self._instead)}
        return [next((one for one in found if one is not None), None) for found in zip(*rows, strict=True)]

    def _joined(self, cells: list[str]) -> str:
        if self._separator == "\t":
            return "\t".join(cells)
        made = io.StringIO()
        csv.writer(made, lineterminator="\r\n").writerow(cells)  # whose characters are quoted; others were not
        return made.getvalue().removesuffix("\r\n")

    def _headings(self, text: str, cells: list[str]) -> str:
        if self._separator == "\t" and _SUMMARY.fullmatch(text):
            return text
        names = [one.removeprefix(BOM.decode("latin-1")).strip() for one in cells]
        if len(cells) < 2 or not all(not one or _HEADING.fullmatch(one) for one in names):
            raise NotScrubbable("columns without headings that can be read")
        self._instead = [self._placeholder(one.strip('"')) if policy.column(one.strip('"')) else None for one in names]
        return text

    def _placeholder(self, heading: str) -> str:
        words = personal.words(heading)
        role = policy.role(words[0]) if words and words[0] in ("buyer", "bill", "ship", "recipient") else None
        rest = words[2:] if words[1:2] == ["to"] else words[1:]
        named = "-".join(rest) if role and rest and words[0] != "buyer" else heading
        return policy.placeholder(named, role) if self._keep else ""

    def _cell(self, value: str, instead: str | None) -> str:
        if instead is None:
            return without_emails(value, keep=self._keep)
        if not value.strip().strip('"'):
            return value
        quote = '"' if self._separator == "\t" and value.startswith('"') else ""
        return f"{quote}{instead}{quote}"


class _Xml:
    """Elements: those that hold a person go as those of JSON do; attributes, comments and instructions, if in doubt."""

    def __init__(self, privacy: policy.Privacy) -> None:
        self._keep = privacy == "placeholders"
        self._made: list[str] = ['<?xml version="1.0" encoding="UTF-8"?>\n']
        self._within: list[tuple[str, policy.Role | None, bool]] = []
        """The elements around: name, whose data it holds, and whether it is a stranger's document."""
        self._text: list[str] = []
        self._size = 0
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._declares

    def feed(self, piece: bytes) -> Iterator[bytes]:
        yield self._parse(piece, last=False)

    def end(self) -> Iterator[bytes]:
        yield self._parse(b"", last=True)

    def _parse(self, piece: bytes, *, last: bool) -> bytes:
        try:
            self._parser.Parse(piece, last)
        except (expat.ExpatError, ValueError, LookupError) as error:  # the latter two of encodings that it has not
            raise NotScrubbable("a document that is no XML") from error
        made, self._made = "".join(self._made), []
        return made.encode()

    def _declares(self, *_: Any) -> None:
        raise NotScrubbable("XML that declares entities")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._flush(leaf=False)
        local = name.rpartition(":")[2]
        _, role, own = self._within[-1] if self._within else ("", None, False)
        verdict = policy.container(local, within=role is not None)
        own = own or verdict == "own"
        if not own and role is None and verdict == "person":
            role = policy.role(local)
        if len(self._within) >= 256:
            raise NotScrubbable("XML that is nested too deeply")
        self._within.append((local, role, own))
        stay = {one: value for one, value in attributes.items() if self._stays(one, local, role, own)}
        texts = [f" {one}={quoteattr(without_emails(value, keep=self._keep))}" for one, value in stay.items()]
        self._made.append(f"<{name}{''.join(texts)}>")

    def _stays(self, name: str, parent: str, role: policy.Role | None, own: bool) -> bool:
        if own or name.startswith(("xmlns", "xsi:")):
            return True
        return policy.scalar(name.rpartition(":")[2], parent, within=role is not None, extra=None) in ("kept", "text")

    def _end(self, name: str) -> None:
        self._flush(leaf=True)
        self._within.pop()
        self._made.append(f"</{name}>")

    def _characters(self, text: str) -> None:
        self._size += len(text)
        if self._size > LONGEST_LINE:
            raise NotScrubbable("text that is too long")
        self._text.append(text)

    def _flush(self, *, leaf: bool) -> None:
        """Write the text that came since the last tag; ``leaf`` says that an element ends with it."""
        text, self._text, self._size = "".join(self._text), [], 0
        if not text.strip() or not self._within:
            self._made.append(escape(text) if self._within else "")
            return
        name, role, own = self._within[-1]
        parent = self._within[-2][0] if len(self._within) > 1 else ""
        if own:
            self._made.append(escape(text))
        elif self._stays(name, parent, role, own):
            self._made.append(escape(without_emails(text, keep=self._keep)))
        elif self._keep:
            self._made.append(policy.placeholder(name, role, parent))


def gzipped() -> Any:
    """Return what makes gzip (RFC 1952) of a document: ``compress`` its pieces, then ``flush``."""
    return zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
