"""What Amazon made: a report, a feed's result, the answer to a query, in memory or in a file."""

from __future__ import annotations

import codecs
import io
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, NamedTuple, TextIO

import msgspec

from sellerport.documents import files, rows
from sellerport.documents.rows import Form, Row
from sellerport.errors import DocumentError, InvalidArguments, Problem, SettingsError
from sellerport.wire import UNREADABLE

JAPAN = "A1VC38T7YXB528"

HEAD = 1 << 16
"""How many bytes of the beginning are looked at to tell what a document is."""

_Bytes = bytes  # the property of this name hides it inside the class


class _Encoding(NamedTuple):
    name: str
    errors: str = "strict"


def _undefined_stays(error: UnicodeError) -> tuple[str, int]:
    """Read the five bytes that windows-1252 leaves undefined as the control characters that browsers read there."""
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("sellerport.undefined", _undefined_stays)
_WESTERN = _Encoding("cp1252", "sellerport.undefined")

# What Amazon's charsets mean in practice, as the Encoding Standard (encoding.spec.whatwg.org) has them: the names are
# those of the smaller sets, the bytes are of the larger.
_UTF8 = _Encoding("utf-8-sig")
_MEANT = {"utf-8": _UTF8, "iso8859-1": _WESTERN, "ascii": _WESTERN, "cp1252": _WESTERN, "shift_jis": _Encoding("cp932")}
_MARKS = (
    (codecs.BOM_UTF8, _UTF8),
    (codecs.BOM_UTF16_LE, _Encoding("utf-16")),
    (codecs.BOM_UTF16_BE, _Encoding("utf-16")),
)


class Document:
    """What Amazon made: bytes in memory, or a file.

    Its text is in the encoding that it says (a byte order mark, then the charset of its Content-Type) if that fits,
    else in UTF-8 if that fits, else for Japan in cp932, else in windows-1252, which fits everything. ``encoding`` is
    used instead of all that.

    Args:
        content: its bytes, or the file that has them; a file that was saved can be opened again like this.
        id: Amazon's id of the report, feed, query or export that it came from.
        content_type: what the storage said.
        metadata: what Amazon said of the report, feed, query or export.
        encoding: of its text, such as ``"cp932"``.
        form: what it is, where that is known.

    Attributes:
        id, content_type, metadata: as above.
        path: the file, if it is in one.
    """

    def __init__(
        self,
        content: bytes | os.PathLike[str],
        *,
        id: str = "",
        content_type: str = "",
        metadata: Mapping[str, Any] = MappingProxyType({}),
        encoding: str | None = None,
        form: Form | None = None,
    ) -> None:
        check_encoding(encoding)
        self._content = content if isinstance(content, bytes) else Path(content)
        self.id = id
        self.content_type = content_type
        self.metadata = dict(metadata)
        self._given = encoding
        self._form: Form | None = form
        self._found: _Encoding | None = None

    @property
    def path(self) -> Path | None:
        """The file that it is in, if it is in one."""
        return self._content if isinstance(self._content, Path) else None

    @property
    def size(self) -> int:
        """How many bytes it has.

        Raises:
            DocumentError: its file is gone, or cannot be read; so do all others that read it.
        """
        if isinstance(self._content, bytes):
            return len(self._content)
        try:
            return self._content.stat().st_size
        except OSError as error:
            raise self._gone(error) from error

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it, not even a header: Amazon was done, and had no data."""
        return self.size == 0

    @property
    def bytes(self) -> _Bytes:
        """All of it, as Amazon made it: decrypted and unzipped."""
        with self._raw() as stream:
            return stream.read()

    @property
    def text(self) -> str:
        """All of it as text; lines end as they stand there.

        Raises:
            DocumentError: it does not fit the encoding that was asked for.
        """
        with self.open() as stream:
            return stream.read()

    @property
    def encoding(self) -> str:
        """What its text is encoded in; finding out reads all of it, once.

        Raises:
            DocumentError: it does not fit the encoding that was asked for.
        """
        return self._encoded.name.removesuffix("-sig")

    def open(self) -> TextIO:
        """Open it as text, to be read in pieces; lines end as they stand there.

        Raises:
            DocumentError: it does not fit the encoding that was asked for.
        """
        return self._text()

    def _text(self, ends: str = "\n") -> TextIO:
        return io.TextIOWrapper(self._raw(), self._encoded.name, self._encoded.errors, newline=ends)

    def rows(self, of: str | None = None) -> Iterator[Row]:
        """Return its rows, one after the other, as dictionaries; never more than one is held.

        Tab-separated, comma-separated, JSON, JSON lines and XML are told apart by how they begin; JSON lines also by
        the Content-Type, or a file named ``….jsonl``. A column without a name is called by its number (``column_7``).
        What is no object in JSON is the ``value`` of its row. An XML element is its text, or a dictionary of its
        attributes (``@name``) and children, those that are repeated as lists.

        Args:
            of: which list of a JSON document, or which elements of an XML document, are the rows; without it the only
                list, and the children of the root that there are most of.

        Raises:
            DocumentError: it cannot be read, or has several lists and none was named.
        """
        form = self._form or self._guessed()
        return iter(()) if form is None else rows.read(self._text, form, of)

    def json(self) -> Any:
        """Return all of it, decoded as JSON.

        Raises:
            DocumentError: it is no JSON.
        """
        try:
            return msgspec.json.decode(self.text)
        except UNREADABLE as error:
            raise DocumentError("the document is no JSON; look at rows() or text", id=self.id) from error

    def to_pandas(self, of: str | None = None) -> Any:
        """Return its rows as a ``pandas.DataFrame``, a column for every name that a row has.

        Args:
            of: as for `rows`.

        Raises:
            SettingsError: pandas is not installed.
            DocumentError: as for `rows`.
        """
        try:
            from pandas import DataFrame  # noqa: PLC0415  # optional, and two seconds to import
        except ImportError as error:
            raise _missing("pandas") from error
        return DataFrame(list(self.rows(of)))

    def to_arrow(self, of: str | None = None) -> Any:
        """Return its rows as a ``pyarrow.Table``, a column for every name that a row has; what a row lacks is null.

        Args:
            of: as for `rows`.

        Raises:
            SettingsError: PyArrow is not installed.
            DocumentError: as for `rows`, or a column holds values of several types.
        """
        try:
            import pyarrow  # noqa: PLC0415  # optional
        except ImportError as error:
            raise _missing("pyarrow") from error
        found = list(self.rows(of))
        names = dict.fromkeys(name for row in found for name in row)  # Arrow itself looks only at the first row
        try:
            return pyarrow.table({name: [row.get(name) for row in found] for name in names})
        except pyarrow.ArrowException as error:
            raise DocumentError("a column of the document holds values of several types; use rows()") from error

    def save(self, to: str | os.PathLike[str]) -> Path:
        """Write it to a file, which is there in full or not at all, and return where.

        Raises:
            InvalidArguments: there is no such folder, or it cannot be written to.
            DocumentError: the disk does not take it.
        """
        path = files.target(to)
        assert path is not None
        sink = files.Sink(path)
        try:
            sink.write(self._pieces())
            sink.commit()
        finally:
            sink.discard()
        return path

    def __repr__(self) -> str:
        where = f", path={str(self.path)!r}" if self.path else ""  # nothing of the content, which may be personal
        try:
            size = f"{self.size} bytes"
        except DocumentError:
            size = "gone"
        return f"Document(id={self.id!r}, {size}, content_type={self.content_type!r}{where})"

    def _raw(self) -> BinaryIO:
        if isinstance(self._content, bytes):
            return io.BytesIO(self._content)
        try:
            return self._content.open("rb")
        except OSError as error:
            raise self._gone(error) from error

    def _gone(self, error: OSError) -> DocumentError:
        what = f"the document cannot be read from {str(self.path)!r}: {error.strerror or error}"
        return DocumentError(what, id=self.id)

    def _pieces(self) -> Iterator[_Bytes]:
        with self._raw() as stream:
            while piece := stream.read(files.COPIED):
                yield piece

    def _guessed(self) -> Form | None:
        with self._raw() as stream:
            begin = stream.read(HEAD)
        if begin.startswith((b"PK\x03\x04", b"PK\x05\x06", b"%PDF")):
            raise DocumentError("the document has no rows: it is a ZIP or PDF file; use bytes or save()", id=self.id)
        head = begin.decode(self._encoded.name, "replace").removeprefix("\ufeff")
        suffix = self.path.suffix if self.path else ""
        return rows.form_of(head, self.content_type, suffix) if head.strip() else None

    @property
    def _encoded(self) -> _Encoding:
        if self._found is None:
            self._found = self._fitting()
        return self._found

    def _fitting(self) -> _Encoding:
        if self._given is not None:
            name = codec(self._given)
            assert name is not None
            asked = _UTF8 if name == "utf-8" else _Encoding(name)
            if not self._fits(asked):
                message = f"the document is not encoded in {self._given}; leave encoding out, or give another"
                raise DocumentError(message, id=self.id)
            return asked
        return next((one for one in self._candidates() if self._fits(one)), _WESTERN)

    def _candidates(self) -> Iterator[_Encoding]:
        with self._raw() as stream:
            begin = stream.read(200)
        yield from (marked for mark, marked in _MARKS if begin.startswith(mark))
        in_xml = re.match(r"<\?xml[^>]*encoding=[\"']([\w.:-]+)", begin.decode("latin-1"), re.IGNORECASE)
        for declared in (charset_of(self.content_type), in_xml and in_xml[1]):
            if declared and (name := codec(declared)):
                yield _MEANT.get(name, _Encoding(name))
        yield _UTF8
        if JAPAN in (self.metadata.get("marketplaceIds") or ()):
            yield _Encoding("cp932")

    def _fits(self, encoding: _Encoding) -> bool:
        if encoding == _WESTERN:
            return True
        try:
            for _ in codecs.iterdecode(self._pieces(), encoding.name):
                pass
        except UnicodeError:
            return False
        return True


def _missing(package: str) -> SettingsError:
    return SettingsError(f"this needs another package: pip install {package}")


_NO_CHARSETS = ("idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape")
"""What Python has among the encodings of text, and what no document is written in."""


def charset_of(content_type: str) -> str | None:
    """Return the charset that a Content-Type states."""
    found = re.search(r"charset=[\"']?([\w.:-]+)", content_type, re.IGNORECASE)
    return found[1] if found else None


def codec(charset: str) -> str | None:
    """Return Python's name of the encoding that a charset's name stands for, None if there is none."""
    charset = "cp932" if charset.lower() == "windows-31j" else charset  # Java's name of it, new to Python 3.14
    try:
        name = codecs.lookup(charset).name
        if name not in _NO_CHARSETS:
            "".encode(name)  # which bytes.hex and such refuse
            return name
    except (LookupError, ValueError):  # ValueError: a NUL in it
        pass
    return None


def check_encoding(encoding: str | None) -> None:
    """Refuse an encoding that does not exist, before Amazon is given work.

    Raises:
        InvalidArguments: there is no such encoding of text.
    """
    if encoding is not None and codec(encoding) is None:
        raise InvalidArguments(problems=[Problem("encoding", f"no such encoding of text: {encoding!r}")])
