"""Moves documents between Amazon's storage and here: what an operation signed a URL for, streamed, never with a token.

* A URL comes from Amazon's answer, and still goes only to the hosts that Amazon signs URLs for, by HTTPS; with a local
  Amazon it goes only there. Redirects are not followed.
* Nothing is sent along but what the signature covers: no access token, no credentials, no cookies.
* A URL that is refused with 403 (or 400, ExpiredToken) has expired, most likely: Amazon is asked for another, once, and
  once more after each lost connection and 5xx, which are tried again from the start.
* What was encrypted (AES-256-CBC, the form of the APIs of 2020) is decrypted, what is gzip is unzipped, exactly once,
  whether Amazon or the storage says that it is.

Sources: Amazon's pages "Report Type Values", "Feeds API v2021-06-30 Use Case Guide", "Reports API v2020-09-04";
Amazon S3, "Error Responses".
"""

from __future__ import annotations

import base64
import logging
import re
import zlib
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from sellerport.documents.document import Document
from sellerport.documents.files import Sink
from sellerport.documents.jobs import Caller, Job, field_of, mapping
from sellerport.errors import DocumentError, DocumentFailed, NoAnswer, SellerportError, SettingsError
from sellerport.regions import Amazon
from sellerport.wire import Request, Stream

log = logging.getLogger(__name__)

T = TypeVar("T")

STORAGE = ("amazonaws.com", "amazonaws.com.cn", "cloudfront.net", "amazon.com", "media-amazon.com")
"""The domains below which Amazon signs URLs: S3, also in China, its content network, and its own."""

ATTEMPTS = 4
IDLE_S = 60.0
"""How long the storage may be silent while a document is read, in seconds."""
LEAST_SPEED = 50_000
"""How slow an upload may be, in bytes a second, before it is given up."""
PIECE = 1 << 20
"""How many bytes are unzipped at a time."""
GZIP = b"\x1f\x8b"
"""How gzip begins (RFC 1952 §2.3.1)."""

_URL = re.compile(r"https://([a-z0-9.-]+)(?::443)?(?:[/?][!-~]*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Ticket:
    """A URL that Amazon signed, and what goes with it."""

    url: str = field(repr=False)
    gzip: bool | None = False
    """Whether it is gzip besides what the storage says; None where only its beginning tells."""
    encryption: Mapping[str, str] | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What the signature of an upload covers."""
    id: str = ""
    """What the uploaded document is called from then on."""

    @classmethod
    def of(cls, answer: Any) -> Ticket:
        """Read what the operations that give documents answer."""
        compression = mapping(answer).get("compressionAlgorithm")
        if compression not in (None, "GZIP"):
            raise DocumentError(f"the document is compressed as {compression!r}, which is not known here")
        return cls(field_of(answer, "url"), compression == "GZIP", answer.get("encryptionDetails"))


Ask = Callable[[], Coroutine[Any, Any, Ticket]]


async def fetch(caller: Caller, ask: Ask | None, to: Path | None, facts: Mapping[str, Any]) -> Document:
    """Return a document, in memory or in a file; without anything to ask for, an empty one.

    Args:
        caller: to ask and to wait with.
        ask: gives the document's URL, as often as it is called.
        to: the file.
        facts: the rest of what `Document` is made of.

    Raises:
        DocumentError, NoAnswer: as `download`; there is no file then.
        AmazonError, TokenError: as for every call.
    """
    sink = Sink(to)
    try:
        content_type = "" if ask is None else await download(caller, ask, sink)
        content = await caller.wire.work(sink.commit)
    finally:
        await caller.wire.work(sink.discard)
    return Document(content, content_type=content_type, **facts)


@dataclass
class _Refused(Exception):
    """The storage answered with an error."""

    status: int
    code: str


async def failed(caller: Caller, job: Job, found: Mapping[str, Any], ask: Ask | None) -> DocumentFailed:
    """Return the error for a job that Amazon could not do, with its explanation, if there is one that can be had."""
    explanation = ""
    if ask is not None:
        try:
            explanation = (await fetch(caller, ask, None, {})).text
        except SellerportError:
            log.info("the explanation of %s %s cannot be had", job.noun, job.id, exc_info=True)
    return job.failure(found, explanation)


async def download(caller: Caller, ask: Ask, sink: Sink) -> str:
    """Write a document into a sink, decrypted and unzipped, and return its Content-Type.

    Raises:
        DocumentError: the storage refuses it, or it is not what it is said to be; nothing of it stays in the sink.
        NoAnswer: the storage cannot be reached, or does not stay.
    """
    before = sink.size

    async def attempt(ticket: Ticket) -> str:
        await caller.wire.work(partial(sink.rewind, before))
        async with caller.wire.stream(Request("GET", ticket.url, {}, timeout_s=IDLE_S)) as answer:
            if answer.status != 200:
                raise await _refusal(answer)
            return await _receive(caller, answer, ticket, sink)

    _, content_type = await _see_through(caller, ask, attempt)
    log.debug("received a document of %d bytes", sink.size - before)
    return content_type


async def upload(caller: Caller, ask: Ask, body: bytes | Path) -> Ticket:
    """Send a document to where Amazon said, and return what Amazon said.

    Raises:
        DocumentError: the storage refuses it, or its file changed meanwhile or cannot be read.
        NoAnswer: the storage cannot be reached.
    """
    size, _ = begun = await caller.wire.work(partial(_state, body))

    async def attempt(ticket: Ticket) -> None:
        request = Request("PUT", ticket.url, dict(ticket.headers), body, timeout_s=IDLE_S + size / LEAST_SPEED)
        try:
            answer = await caller.wire.send(request)
        except OSError as error:
            raise _unread(error) from error
        if await caller.wire.work(partial(_state, body)) != begun:
            raise DocumentError("the file changed while it was sent; nothing was submitted")
        if not 200 <= answer.status < 300:
            raise _Refused(answer.status, _code(answer.body))

    ticket, _ = await _see_through(caller, ask, attempt)
    log.debug("sent a document of %d bytes", size)
    return ticket


def _state(body: bytes | Path) -> tuple[int, int]:
    """Return how long a body is, and when it was written last, if it is a file."""
    if isinstance(body, bytes):
        return len(body), 0
    try:
        found = body.stat()
    except OSError as error:
        raise _unread(error) from error
    return found.st_size, found.st_mtime_ns


def _unread(error: OSError) -> DocumentError:
    return DocumentError(f"the file cannot be read: {error.strerror or error}; nothing was submitted")


async def _see_through(
    caller: Caller, ask: Ask, attempt: Callable[[Ticket], Coroutine[Any, Any, T]]
) -> tuple[Ticket, T]:
    """Try with a ticket, with another when it has expired, and again when the storage is in trouble."""
    ticket, failures, renewed = await ask(), 0, False
    while True:
        check(caller.amazon, ticket.url)
        try:
            return ticket, await attempt(ticket)
        except _Refused as refused:
            if (refused.status == 403 or refused.code == "ExpiredToken") and not renewed:
                ticket, renewed = await ask(), True
                continue
            failures += 1
            if refused.status < 500 or failures == ATTEMPTS:
                code = refused.code or "no code"
                raise DocumentError(f"Amazon's storage refused the document with {refused.status} ({code})") from None
        except NoAnswer:
            failures += 1
            if failures == ATTEMPTS:
                raise
        renewed = False  # a URL may expire while this goes on
        await caller.wire.sleep(2.0**failures / 2)


def check(amazon: Amazon, url: str, domains: Sequence[str] = STORAGE) -> None:
    """Refuse a URL that leads anywhere but to Amazon's storage, or to the local Amazon.

    Raises:
        DocumentError: it does.
    """
    if amazon.local is not None:
        parts = urlsplit(amazon.local)
        allowed = url.startswith(f"{parts.scheme}://{parts.netloc}/")
    else:
        found = _URL.fullmatch(url)
        allowed = found is not None and found[1].lower().endswith(tuple(f".{domain}" for domain in domains))
    if not allowed:
        named = re.match(r"[a-z]+://(?:[^/?#@]*@)?([a-z0-9.:-]+)", url, re.IGNORECASE)  # and nothing that lets one in
        host = repr(named[1]) if named else "nowhere that can be told"
        raise DocumentError(f"the document's address leads to {host}, which is not Amazon's storage; nothing was sent")


async def _refusal(answer: Stream) -> _Refused:
    return _Refused(answer.status, _code(await answer.read()))


def _code(body: bytes) -> str:
    """Return the code of an error of the storage, which is XML."""
    found = re.search(rb"<Code>(\w{1,64})</Code>", body)
    return found[1].decode() if found else ""


async def _receive(caller: Caller, answer: Stream, ticket: Ticket, sink: Sink) -> str:
    unpack = Unpack(ticket, answer.headers.get("content-encoding", ""))
    while piece := await answer.read():
        await caller.wire.work(partial(sink.write, unpack.feed(piece)))
    await caller.wire.work(partial(sink.write, unpack.end()))
    return answer.headers.get("content-type", "")


class Unpack:
    """Decrypts and unzips what comes in pieces, as far as it was encrypted and zipped.

    Args:
        ticket: says how the document was made.
        content_encoding: says what the storage did to it besides.

    Raises:
        DocumentError: it was not, or it ends before its end; from both methods.
    """

    def __init__(self, ticket: Ticket, content_encoding: str) -> None:
        encodings = {one.strip().lower() for one in content_encoding.split(",")} - {"", "identity", "aws-chunked"}
        if unknown := encodings - {"gzip", "x-gzip"}:
            raise DocumentError(f"the document is encoded as {', '.join(sorted(unknown))}, which is not known here")
        self._decrypt = None if ticket.encryption is None else _Decrypt(ticket.encryption)
        self._gunzip = _Gunzip() if ticket.gzip or encodings else None
        self._begin = b"" if ticket.gzip is None and self._gunzip is None else None
        """What came so far, until there is enough of it to tell whether it is gzip."""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Yield what came, as it was; at most `PIECE` bytes at a time."""
        try:
            if self._decrypt is not None:
                piece = self._decrypt.feed(piece)
            if self._begin is not None:
                piece = self._begin + piece
                if len(piece) < len(GZIP):
                    self._begin = piece
                    return
                self._begin, self._gunzip = None, _Gunzip() if piece.startswith(GZIP) else None
            if self._gunzip is None:
                yield piece
            else:
                yield from self._gunzip.feed(piece)
        except (zlib.error, ValueError) as error:
            raise _spoilt() from error

    def end(self) -> Iterator[bytes]:
        """Yield the rest."""
        try:
            if self._decrypt is not None:
                last = self._decrypt.end()
                yield from (last,) if self._gunzip is None else self._gunzip.feed(last)
            if self._gunzip is not None:
                yield self._gunzip.end()
            yield self._begin or b""
        except (zlib.error, ValueError) as error:
            raise _spoilt() from error


def _spoilt() -> DocumentError:
    return DocumentError("the document is not the gzip or encrypted file that it is said to be, or only a part of it")


class _Gunzip:
    """Unzips gzip (RFC 1952): any number of members, and zeros after them; nothing at all is nothing."""

    def __init__(self) -> None:
        self._begun = False
        self._member: Any = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data := data.lstrip(b"\0") if self._begun and self._member is None else data:
            if self._member is None:
                self._begun, self._member = True, zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
            yield self._member.decompress(data, PIECE)
            if self._member.eof:
                data, self._member = self._member.unused_data, None
            else:
                data = self._member.unconsumed_tail

    def end(self) -> bytes:
        if self._member is None:
            return b""
        rest: bytes = self._member.flush()
        if not self._member.eof:
            raise ValueError("ends early")
        return rest


class _Decrypt:
    """Decrypts AES-256-CBC with PKCS#7 padding."""

    def __init__(self, details: Mapping[str, str]) -> None:
        try:
            from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415  # optional
            from cryptography.hazmat.primitives.padding import PKCS7  # noqa: PLC0415  # optional
        except ImportError as error:
            raise SettingsError("encrypted documents need another package: pip install 'sellerport[aes]'") from error
        try:
            key, vector = (base64.b64decode(details[name], validate=True) for name in ("key", "initializationVector"))
            cipher = algorithms.AES(key)
            self._decryptor = Cipher(cipher, modes.CBC(vector)).decryptor()
        except (KeyError, ValueError, TypeError) as error:
            raise DocumentError("the document's key or initialization vector cannot be used") from error
        self._unpadder = PKCS7(cipher.block_size).unpadder()

    def feed(self, data: bytes) -> bytes:
        return self._unpadder.update(self._decryptor.update(data))

    def end(self) -> bytes:
        return self._unpadder.update(self._decryptor.finalize()) + self._unpadder.finalize()
