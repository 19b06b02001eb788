"""What is sent to Amazon, as bytes or a file: text, bytes, JSON; and the Content-Type that is stated for it."""

from __future__ import annotations

import codecs
import os
import re
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from sellerport import serialize
from sellerport.documents.document import charset_of, codec
from sellerport.errors import InvalidArguments, Problem

Given = bytes | bytearray | memoryview | str | os.PathLike[str] | Mapping[str, Any] | Sequence[Any]
"""A text is itself; the name of a file is a `Path`."""

JSON = "application/json; charset=UTF-8"
XML = "text/xml; charset=UTF-8"
TSV = "text/tab-separated-values; charset=UTF-8"
PDF = "application/pdf"

PIECE = 1 << 20

_HEADER = re.compile(r"[!-~]([ -~]*[!-~])?")
_encoder = msgspec.json.Encoder(decimal_format="number")


def prepare(content: Given, content_type: str | None) -> tuple[bytes | Path, str]:
    """Return what to send, and what to call it.

    Text is encoded in the charset that the Content-Type states, in UTF-8 if it states none. Without a Content-Type it
    is the one that fits how the content begins: JSON, XML, PDF, or else tab-separated text.

    Raises:
        InvalidArguments: the file cannot be read, JSON cannot say the value, the charset cannot say the text, bytes
            without a Content-Type are no UTF-8, or the Content-Type cannot be a header.
    """
    given: Any = content_type
    if given is not None and not (isinstance(given, str) and _HEADER.fullmatch(given)):
        problem = "must be printable ASCII text, such as 'text/xml; charset=UTF-8'"
        raise InvalidArguments(problems=[Problem("content_type", problem)])
    if isinstance(content, os.PathLike):
        return _file(Path(content), content_type)
    if isinstance(content, bytes | bytearray | memoryview):
        content = bytes(content)
        return content, content_type or _checked(_guess(content[:100]), content)
    if isinstance(content, str):
        if len(content) < 256 and content.isprintable() and os.path.isfile(content):
            raise _refused("is the name of a file; give it as a Path to send what is in it")
        stated = content_type or _guess(content[:100].encode("utf-8", "replace"))
        return _encoded(content, stated), stated
    if not isinstance(content, Mapping | Sequence):
        raise _refused("must be text, bytes, a Path, or a dictionary or list to be sent as JSON")
    return _json(content, content_type or JSON), content_type or JSON


def _json(content: Mapping[str, Any] | Sequence[Any], content_type: str) -> bytes:
    problems: list[Problem] = []
    found = serialize.as_json("content", content, problems)
    if problems:
        raise InvalidArguments(problems=problems)
    try:
        return _encoded(_encoder.encode(found).decode(), content_type)
    except UnicodeEncodeError as error:
        raise _refused(serialize.HALF) from error


def _file(path: Path, content_type: str | None) -> tuple[Path, str]:
    try:
        ordinary = stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError) as error:  # ValueError: a NUL in its name
        raise _unread(path, error) from error
    if not ordinary:  # a pipe can be read once, and does not say how long it is
        raise _refused(f"{str(path)!r} is no ordinary file; read it, and give what is in it")
    try:
        with path.open("rb") as file:
            stated = content_type or _guess(file.read(100))
            if content_type is None and stated != PDF:
                file.seek(0)
                decoder = codecs.getincrementaldecoder("utf-8")()
                while piece := file.read(PIECE):
                    decoder.decode(piece)
                decoder.decode(b"", final=True)
    except OSError as error:
        raise _unread(path, error) from error
    except UnicodeDecodeError as error:
        raise _refused(f"the file {str(path)!r} is not in UTF-8; say what it is with content_type") from error
    return path, stated


def _guess(begin: bytes) -> str:
    begin = begin.removeprefix(codecs.BOM_UTF8).lstrip()
    if begin.startswith(b"%PDF"):
        return PDF
    if begin.startswith((b"{", b"[")):
        return JSON
    return XML if begin.startswith(b"<") else TSV


def _checked(stated: str, content: bytes) -> str:
    try:
        if stated != PDF:
            content.decode()
    except UnicodeDecodeError as error:
        raise _refused("is not in UTF-8; say what it is with content_type") from error
    return stated


def _encoded(text: str, content_type: str) -> bytes:
    stated = charset_of(content_type)
    charset = codec(stated or "utf-8")
    if charset is None:
        raise InvalidArguments(problems=[Problem("content_type", f"names no encoding of text: {stated!r}")])
    try:
        return text.encode(charset)
    except UnicodeEncodeError as error:
        raise _refused(f"cannot be written in the charset of {content_type!r} (character {error.start})") from error


def _unread(path: Path, error: Exception) -> InvalidArguments:
    return _refused(f"the file {str(path)!r} cannot be read: {getattr(error, 'strerror', None) or error}")


def _refused(message: str) -> InvalidArguments:
    return InvalidArguments(problems=[Problem("content", message)])
