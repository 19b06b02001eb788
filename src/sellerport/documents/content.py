"""What is sent to Amazon, as bytes or a file: text, bytes, JSON; and the Content-Type that is stated for it."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from sellerport.errors import InvalidArguments, Problem

Given = bytes | str | os.PathLike[str] | Mapping[str, Any] | Sequence[Any]
"""A text is itself; the name of a file is a `Path`."""

JSON = "application/json; charset=UTF-8"
XML = "text/xml; charset=UTF-8"
TSV = "text/tab-separated-values; charset=UTF-8"
PDF = "application/pdf"

PIECE = 1 << 20

_encoder = msgspec.json.Encoder(decimal_format="number")


def prepare(content: Given, content_type: str | None) -> tuple[bytes | Path, str]:
    """Return what to send, and what to call it.

    Text is encoded in the charset that the Content-Type states, in UTF-8 if it states none. Without a Content-Type it
    is the one that fits how the content begins: JSON, XML, PDF, or else tab-separated text.

    Raises:
        InvalidArguments: the file cannot be read, JSON cannot say the value, the charset cannot say the text, or bytes
            without a Content-Type are no UTF-8.
    """
    if isinstance(content, os.PathLike):
        return _file(Path(content), content_type)
    if isinstance(content, str):
        if len(content) < 256 and content.isprintable() and Path(content).is_file():
            raise _refused("is the name of a file; give it as a Path to send what is in it")
        stated = content_type or _guess(content[:100].encode("utf-8", "replace"))
        return _encoded(content, stated), stated
    if isinstance(content, bytes):
        return content, content_type or _checked(_guess(content[:100]), content)
    try:
        return _encoder.encode(content), content_type or JSON
    except (TypeError, ValueError, UnicodeEncodeError) as error:
        raise _refused(f"cannot be written as JSON: {error}") from error


def _file(path: Path, content_type: str | None) -> tuple[Path, str]:
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
        raise _refused(f"the file {str(path)!r} cannot be read: {error.strerror}") from error
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
    charset = re.search(r"charset=[\"']?([\w.:-]+)", content_type, re.IGNORECASE)
    try:
        return text.encode(charset[1] if charset else "utf-8")
    except LookupError as error:
        raise InvalidArguments(problems=[Problem("content_type", f"names no encoding of text: {error}")]) from error
    except UnicodeEncodeError as error:
        raise _refused(f"cannot be written in the charset of {content_type!r} (character {error.start})") from error


def _refused(message: str) -> InvalidArguments:
    return InvalidArguments(problems=[Problem("content", message)])
