"""Documents whose URLs Amazon signed, given on without personal data: through links of this server's own.

Where an answer has such a URL, a caller is given a link instead. In it the URL is sealed, so that nothing is kept; it
is good for as long as Amazon's own is. Whoever has the link gets the document, without personal data. It is fetched
from Amazon's storage alone, without any token, and scrubbed as it comes: what is held is a line, or a JSON document.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing
from functools import partial

import msgspec

from sellerport.documents.transfer import Ticket, Unpack, check
from sellerport.errors import DocumentError, NotFound, NotScrubbable
from sellerport.regions import Amazon
from sellerport.server.hub.signing import Signing
from sellerport.server.scrubbing import Privacy
from sellerport.server.scrubbing.documents import Document, gzipped
from sellerport.wire import Request, Stream, Wire

log = logging.getLogger(__name__)

LIFE_S = 300
"""How long a link is good, in seconds: a report's URL lives no longer."""
LARGEST = 1 << 30
"""How many bytes a document may unzip to."""
STORAGE = ("amazonaws.com", "amazonaws.com.cn")
IDLE_S = 60.0
"""How long the storage may be silent, in seconds."""

PURPOSE = "document"


class Source(msgspec.Struct, frozen=True):
    """What a link holds."""

    url: str
    privacy: Privacy
    gzip: bool
    """Whether Amazon's answer said that the document is gzip; whoever asked expects it as it was announced."""
    expires_at: float

    def __repr__(self) -> str:
        return f"Source(privacy={self.privacy!r}, gzip={self.gzip})"  # the URL lets anybody in


class DocumentLinks:
    """Makes links, and fetches what they lead to.

    Args:
        signing: seals them.
        amazon: the real one or a local one.
        wire: what HTTP goes out through.
        public_url: the address at which callers reach the server.
        clock: seconds since the epoch.
    """

    def __init__(
        self, signing: Signing, *, amazon: Amazon, wire: Wire, public_url: str, clock: Callable[[], float]
    ) -> None:
        self._signing = signing
        self._amazon = amazon
        self._wire = wire
        self._public_url = public_url
        self._clock = clock

    async def links(self, privacy: Privacy) -> Callable[[str, Mapping[str, str]], str]:
        """Return what makes links of URLs, for `scrubbing.Plan.scrub`.

        Raises:
            StoreError, VaultError: there is no key to seal with.
        """
        seal = await self._signing.sealer(PURPOSE)
        expires_at = self._clock() + LIFE_S

        def link(url: str, facts: Mapping[str, str]) -> str:
            source = Source(url, privacy, facts.get("compression") == "GZIP", expires_at)
            return f"{self._public_url}/documents/{seal(msgspec.json.encode(source))}"

        return link

    async def open(self, link: str) -> Source:
        """Return what a link holds.

        Raises:
            NotFound: it was not made here, or is over.
        """
        sealed = await self._signing.open(link, PURPOSE)
        source = None if sealed is None else msgspec.json.decode(sealed, type=Source)
        if source is None or source.expires_at <= self._clock():
            raise NotFound("Document not found")
        return source

    async def read(self, source: Source) -> AsyncGenerator[bytes]:
        """Yield a document without personal data. What comes first comes when it is known what the document is.

        Raises:
            NotScrubbable: it is not understood, or too large.
            NotFound: Amazon's URL is over.
            NoAnswer: the storage cannot be reached.
        """
        try:
            check(self._amazon, source.url, STORAGE)
            async with (
                self._wire.stream(Request("GET", source.url, {}, timeout_s=IDLE_S)) as answer,
                aclosing(self._scrubbed(answer, source)) as pieces,
            ):
                async for piece in pieces:
                    yield piece
        except (DocumentError, NotScrubbable) as error:
            log.warning("a document is not given on: %s", getattr(error, "reason", error.message))
            raise NotScrubbable(error.message) from error

    async def _scrubbed(self, answer: Stream, source: Source) -> AsyncGenerator[bytes]:
        if answer.status in (400, 403, 404):
            raise NotFound("Document not found")
        if answer.status != 200:
            raise NotScrubbable(f"the storage answered with {answer.status}")
        unpack = Unpack(Ticket(source.url, source.gzip or None), answer.headers.get("content-encoding", ""))
        document = Document(source.privacy, LARGEST)
        pack = gzipped() if source.gzip else None

        def work(pieces: Iterator[bytes], *, last: bool) -> bytes:
            made = b"".join(one for piece in pieces for one in document.feed(piece))
            if last:
                made += b"".join(document.end())
            if pack is None:
                return made
            packed: bytes = pack.compress(made) + (pack.flush() if last else b"")
            return packed

        while piece := await answer.read():
            if made := await self._wire.work(partial(work, unpack.feed(piece), last=False)):
                yield made
        yield await self._wire.work(partial(work, unpack.end(), last=True))
