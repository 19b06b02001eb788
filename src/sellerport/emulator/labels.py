"""Shipping labels and other things to print, as real PDF, ZPL and PNG files: lines of text over a bar code.

The bar code is Code 39 (ISO/IEC 16388), which any scanner reads. It knows nothing of carriers, orders or HTTP.

A PDF has the fonts that every reader has, and so no letters beyond Latin-1; a PNG has the bar code alone.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Format = Literal["PDF", "ZPL", "PNG"]

CONTENT_TYPES = {"PDF": "application/pdf", "ZPL": "application/zpl", "PNG": "image/png"}
POINTS = 72
MARGIN = 0.25
"""In inches, on every side."""
BARS = 1.2
"""How high the bar code is, in inches."""

# nine elements, bar and space in turn; 1 is a wide one
CODE_39 = {
    "0": "000110100", "1": "100100001", "2": "001100001", "3": "101100000", "4": "000110001", "5": "100110000",
    "6": "001110000", "7": "000100101", "8": "100100100", "9": "001100100", "A": "100001001", "B": "001001001",
    "C": "101001000", "D": "000011001", "E": "100011000", "F": "001011000", "G": "000001101", "H": "100001100",
    "I": "001001100", "J": "000011100", "K": "100000011", "L": "001000011", "M": "101000010", "N": "000010011",
    "O": "100010010", "P": "001010010", "Q": "000000111", "R": "100000110", "S": "001000110", "T": "000010110",
    "U": "110000001", "V": "011000001", "W": "111000000", "X": "010010001", "Y": "110010000", "Z": "011010000",
    "-": "010000101", ".": "110000100", " ": "011000100", "*": "010010100",
}  # fmt: skip
WIDE = 3


@dataclass(frozen=True)
class Label:
    """One page: what its bar code says, in capitals, digits, ``-``, ``.`` and spaces, and lines for people."""

    code: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Size:
    """Of a page, in inches."""

    width: float
    length: float


LABEL = Size(4, 6)
LETTER = Size(8.5, 11)
A4 = Size(8.27, 11.69)


def render(format: Format, labels: Sequence[Label], *, size: Size = LABEL, dpi: int = 203) -> bytes:
    """Return a file with a page for each label; a PNG has the first alone."""
    if format == "PDF":
        return pdf(labels, size)
    return zpl(labels, size, dpi) if format == "ZPL" else png(labels[0], size, dpi)


def bars(code: str) -> Iterator[tuple[int, int]]:
    """Yield where each bar of a Code 39 begins and how wide it is, in its narrowest."""
    at = 0
    for letter in f"*{code}*":
        for place, wide in enumerate(CODE_39[letter]):
            width = WIDE if wide == "1" else 1
            if place % 2 == 0:
                yield at, width
            at += width
        at += 1


def _modules(code: str) -> int:
    return max(at + width for at, width in bars(code))


def pdf(labels: Sequence[Label], size: Size) -> bytes:
    """Return a PDF 1.4 (ISO 32000-1): a catalogue, the pages, a font, and for each page its drawing."""
    first = 4
    kids = " ".join(f"{first + 2 * place} 0 R" for place in range(len(labels)))
    box = f"[0 0 {size.width * POINTS:g} {size.length * POINTS:g}]"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(labels)} /MediaBox {box} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>",
    ]
    for place, label in enumerate(labels):
        drawing = _drawing(label, size)
        fonts = "/Resources << /Font << /F1 3 0 R >> >>"
        objects.append(f"<< /Type /Page /Parent 2 0 R {fonts} /Contents {first + 2 * place + 1} 0 R >>".encode())
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawing), drawing))
    # the second line holds bytes above 127, so that nobody takes the file for text
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def _drawing(label: Label, size: Size) -> bytes:
    left, top = MARGIN * POINTS, (size.length - MARGIN) * POINTS
    module = (size.width - 2 * MARGIN) * POINTS / _modules(label.code)
    bottom = top - BARS * POINTS
    drawn = [
        f"{left + at * module:.3f} {bottom:.3f} {width * module:.3f} {BARS * POINTS:g} re f"
        for at, width in bars(label.code)
    ]
    drawn.append(f"BT /F1 10 Tf 14 TL {left:g} {bottom - 20:.3f} Td")
    for line in (label.code, *label.lines):
        escaped = line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        drawn.append(f"({escaped}) Tj T*")
    return "\n".join([*drawn, "ET"]).encode("latin-1", "replace")


def zpl(labels: Sequence[Label], size: Size, dpi: int) -> bytes:
    """Return ZPL II: a format for each label, in UTF-8 (``^CI28``)."""
    margin, width, length = (round(inches * dpi) for inches in (MARGIN, size.width, size.length))
    pages = []
    for label in labels:
        fields = [f"^FO{margin},{margin}^BY2^B3N,N,{round(BARS * dpi)},Y,N^FD{label.code}^FS"]
        for place, line in enumerate(label.lines):
            down = margin + round((BARS + 0.4 + place * 0.2) * dpi)
            plain = line.replace("^", " ").replace("~", " ")  # they would begin a command
            fields.append(f"^FO{margin},{down}^A0N,{round(0.14 * dpi)}^FD{plain}^FS")
        pages.append("\n".join(["^XA^CI28", f"^PW{width}^LL{length}", *fields, "^XZ", ""]))
    return "".join(pages).encode()


def png(label: Label, size: Size, dpi: int) -> bytes:
    """Return a PNG (RFC 2083) in black and white: one bit for a pixel, 0 is black."""
    width, length, margin = (round(inches * dpi) for inches in (size.width, size.length, MARGIN))
    module = max((width - 2 * margin) // _modules(label.code), 1)
    row = bytearray(b"\xff" * ((width + 7) // 8))
    for at, wide in bars(label.code):
        for pixel in range(margin + at * module, min(margin + (at + wide) * module, width)):
            row[pixel // 8] &= ~(0x80 >> pixel % 8)
    blank = b"\x00" + b"\xff" * len(row)  # every row begins with its filter, 0 for none
    high = round(BARS * dpi)
    rows = blank * margin + (b"\x00" + bytes(row)) * high + blank * (length - margin - high)
    header = struct.pack(">IIBBBBB", width, length, 1, 0, 0, 0, 0)
    dots = round(dpi / 0.0254)  # a metre
    chunks = ((b"IHDR", header), (b"pHYs", struct.pack(">IIB", dots, dots, 1)), (b"IDAT", zlib.compress(rows)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in (*chunks, (b"IEND", b"")))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
