"""Documents of any size: rows that are made while they are sent, so that a benchmark needs no memory for them.

The same block of rows comes again and again. It is compressed once, up to a point where the compressor starts afresh
(a full flush, RFC 1951 §3.2.4), so that the compressed block can be repeated too, in one gzip member.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from sellerport.emulator.storage import Stored

TSV = b"sku\tasin\tnote\r\n", b"BULK-%06d\tB0L%07d\t", b"\r\n"
JSONL = b"", b'{"sku":"BULK-%06d","asin":"B0L%07d","note":"', b'"}\n'
"""Before the rows, at the beginning of each and at its end; between them is filler."""
ROW = 128
ROWS = 512

_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # RFC 1952 §2.3.1: deflate, no name, no time
_LAST = b"\x03\x00"  # an empty final block

Form = tuple[bytes, bytes, bytes]


@dataclass(frozen=True)
class Rows:
    """What gives exactly this many bytes of rows, before compression."""

    size: int
    form: Form
    packed: bool

    def __call__(self) -> Iterator[bytes]:
        """Make them, part by part."""
        plain = self._parts
        if not self.packed:
            yield from _sequence(*plain)
            return
        check = 0
        yield _GZIP_HEAD
        for part, piece in zip(_sequence(*plain), _sequence(*self._pieces), strict=True):
            check = zlib.crc32(part, check)
            yield piece
        yield _LAST + check.to_bytes(4, "little") + (self.size % 2**32).to_bytes(4, "little")

    @property
    def length(self) -> int:
        """How many bytes it gives."""
        if not self.packed:
            return self.size
        return len(_GZIP_HEAD) + sum(map(len, _sequence(*self._pieces))) + len(_LAST) + 8

    @cached_property
    def _parts(self) -> tuple[bytes, bytes, int, bytes]:
        rows, more = divmod(self.size - len(self.form[0]), ROW)
        first, rest = self.form[0] + _rows(self.form, 1, more), _rows(self.form, (rows - 1) % ROWS)
        return first, _rows(self.form, ROWS), (rows - 1) // ROWS, rest

    @cached_property
    def _pieces(self) -> tuple[bytes, bytes, int, bytes]:
        first, block, repeats, rest = self._parts
        return _deflated(first), _deflated(block), repeats, _deflated(rest)


def stored(size: int, content_type: str, content_encoding: str | None = None, *, form: Form, packed: bool) -> Stored:
    """Return an object of exactly this many bytes of rows, before compression."""
    rows = Rows(size, form, packed)
    return Stored(rows, rows.length, content_type, content_encoding)


def _rows(form: Form, count: int, more: int = 0) -> bytes:
    """Return rows, all of one length; the last gets some more filler."""
    chance = random.Random(count)  # noqa: S311  # the same rows for everyone
    _, start, end = form
    starts = [start % (number, chance.randrange(10**7)) for number in range(count)]
    fillers = [f"{chance.getrandbits(512):0128x}".encode()[: ROW - len(one) - len(end)] for one in starts]
    if count:
        fillers[-1] += b"." * more
    return b"".join(one + filler + end for one, filler in zip(starts, fillers, strict=True))


def _sequence(first: bytes, block: bytes, repeats: int, rest: bytes) -> Iterator[bytes]:
    yield first
    for _ in range(repeats):
        yield block
    yield rest


def _deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH)
