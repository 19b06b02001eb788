import re
import struct
import zlib
from collections.abc import Sequence

from sellerport.emulator import labels
from sellerport.emulator.labels import CODE_39, LABEL, Label

ONE = Label("LP00012345678901", ("Local Parcel Ground", "Söhne (GmbH) \\ Co", "桜ヶ丘3-14-2"))
TWO = Label("LP-2", ("second",))


def scanned(widths: Sequence[int]) -> str:
    """Read a Code 39 from the widths of its bars and spaces in turn, with the gaps between letters."""
    letters = {pattern: letter for letter, pattern in CODE_39.items()}
    middle = (min(widths) + max(widths)) / 2
    read = ""
    for start in range(0, len(widths), 10):
        read += letters["".join("1" if width > middle else "0" for width in widths[start : start + 9])]
    assert read[0] == read[-1] == "*"
    return read[1:-1]


def test_every_letter_of_the_bar_code_has_three_wide_elements() -> None:
    assert len(set(CODE_39.values())) == len(CODE_39) == 40
    assert {pattern.count("1") for pattern in CODE_39.values()} == {3}
    assert {len(pattern) for pattern in CODE_39.values()} == {9}


def test_a_pdf_has_every_object_where_its_table_says() -> None:
    file = labels.pdf([ONE, TWO], LABEL)
    assert file.startswith(b"%PDF-1.4\n")
    assert file.endswith(b"%%EOF\n")
    start = int(file.rsplit(b"startxref\n", 1)[1].split()[0])
    assert file[start:].startswith(b"xref\n0 8\n")
    entries = re.findall(rb"(\d{10}) 00000 n \n", file[start:])
    assert len(entries) == 7
    for number, place in enumerate(map(int, entries), start=1):
        assert file[place:].startswith(b"%d 0 obj\n" % number)
    assert file.count(b"/Type /Page ") == 2
    assert b"/MediaBox [0 0 288 432]" in file
    for length, body in re.findall(rb"/Length (\d+) >>\nstream\n(.*?)\nendstream", file, re.DOTALL):
        assert int(length) == len(body)


def test_a_pdf_shows_its_lines_and_a_bar_code_that_can_be_read() -> None:
    file = labels.pdf([ONE], LABEL)
    assert "(Söhne \\(GmbH\\) \\\\ Co) Tj".encode("latin-1") in file
    bars = [(float(x), float(width)) for x, width in re.findall(rb"(\S+) \S+ (\S+) \S+ re f", file)]
    widths: list[int] = []
    for (x, width), (after, _) in zip(bars, [*bars[1:], (0.0, 0.0)], strict=True):
        widths += [round(width * 1000), round((after - x - width) * 1000)]
    assert scanned(widths[:-1]) == ONE.code


def test_a_png_is_one_whose_bar_code_can_be_read() -> None:
    file = labels.png(ONE, LABEL, 203)
    assert file.startswith(b"\x89PNG\r\n\x1a\n")
    at, chunks = 8, {}
    while at < len(file):
        (size,) = struct.unpack(">I", file[at : at + 4])
        kind, body = file[at + 4 : at + 8], file[at + 8 : at + 8 + size]
        assert struct.unpack(">I", file[at + 8 + size : at + 12 + size]) == (zlib.crc32(kind + body),)
        chunks[kind] = body
        at += 12 + size
    assert list(chunks) == [b"IHDR", b"pHYs", b"IDAT", b"IEND"]
    width, height, depth, colour, *_ = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (width, height, depth, colour) == (812, 1218, 1, 0)
    rows = zlib.decompress(chunks[b"IDAT"])
    line = (width + 7) // 8 + 1
    assert len(rows) == line * height
    bits = "".join(f"{byte:08b}" for byte in rows[line * 100 + 1 : line * 101])[:width]
    runs = [len(run.group()) for run in re.finditer(r"0+|1+", bits.strip("1"))]
    assert scanned(runs) == ONE.code


def test_zpl_is_a_format_for_each_label() -> None:
    file = labels.zpl([ONE, Label("A", ("^XZ~HI",))], LABEL, 300).decode()
    assert re.findall(r"\^XA|\^XZ", file) == ["^XA", "^XZ"] * 2
    assert f"^FD{ONE.code}^FS" in file
    assert "^PW1200^LL1800" in file
    assert "桜ヶ丘3-14-2" in file
