"""Labels and other files as they stand in JSON: in Base64, perhaps packed, or as they are."""

from __future__ import annotations

import base64
import binascii
import re
import zlib

LARGEST = 20 * 1024 * 1024
"""Of a file, unpacked, in bytes."""

LEAST = 64
"""Characters of a text that may be a file; less is a token or a name."""

LONG = 1024
"""Characters of Base64 from which on a text is a file, whatever it is a file of."""

UNKNOWN = "BIN"

_MAGIC = (
    (b"%PDF", "PDF"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF8", "GIF"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"PK\3\4", "ZIP"),
)
_GZIP = b"\x1f\x8b"
_ZPL = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*[\^~](?:XA|CT|CC|CD|DG|DY|HS|JA)", re.IGNORECASE)
_EPL = re.compile(rb"\s*(?:N|I8[^\r\n]*|q\d+)\r?\n", re.ASCII)
_DATA = re.compile(r"data:[\w.+/-]*(?:;[\w=.+-]+)*;base64,", re.ASCII)
_BASE64 = re.compile(r"[A-Za-z0-9+/_\s-]+={0,2}\s*", re.ASCII)


def format_of(content: bytes) -> str:
    """Return what a file is, by its first bytes: ``PDF``, ``PNG``, ``ZPL`` and so on; ``BIN`` where that is unknown."""
    for start, name in _MAGIC:
        if content.startswith(start):
            return name
    if _ZPL.match(content[:200]):
        return "ZPL"
    return "EPL" if _EPL.match(content[:200]) else UNKNOWN


def found_in(text: str) -> tuple[bytes, str] | None:
    """Return the file that a text is, and its format; None if it is none.

    Raises:
        ValueError: it is one that cannot be unpacked, or is too large.
    """
    if len(text) < LEAST:
        return None
    if data := _DATA.match(text):
        return read(text[data.end() :])
    if _ZPL.match(text[:200].encode("utf-8", "replace")):
        return text.encode(), "ZPL"
    if not _BASE64.fullmatch(text[:LEAST]):
        return None
    begun = _decoded(re.sub(r"\s", "", text[: 2 * LEAST])[:LEAST])
    if begun is None:
        return None
    known = format_of(begun) not in (UNKNOWN, "EPL") or begun.startswith(_GZIP)
    if not known and (len(text) < LONG or not _BASE64.fullmatch(text)):
        return None
    return read(text)


def read(text: str) -> tuple[bytes, str]:
    """Return the file that stands in a field for one, in Base64 or as it is, and its format.

    Raises:
        ValueError: it cannot be unpacked, or is too large.
    """
    content = _decoded(re.sub(r"\s", "", text)) if _BASE64.fullmatch(text) else None
    if content is None:
        content = text.encode("utf-8", "surrogatepass")
    if content.startswith(_GZIP):
        content = _unpacked(content)
    if len(content) > LARGEST:
        raise ValueError(f"a file of more than {LARGEST} bytes")
    return content, format_of(content)


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _unpacked(content: bytes) -> bytes:
    """Return what was packed by gzip, and no more of it than a file may have."""
    unpacking = zlib.decompressobj(wbits=31)
    try:
        out = unpacking.decompress(content, LARGEST + 1)
    except zlib.error as error:
        raise ValueError("a file that cannot be unpacked") from error
    if not unpacking.eof:
        raise ValueError(f"a file that is cut short, or has more than {LARGEST} bytes")
    return out
