"""Where a browser may be sent after consent: addresses that an organization registered.

They are compared part by part - scheme, host, port, and path segment by segment - never as text, where
``https://app.example.com.evil.example`` would begin like ``https://app.example.com``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus, urlencode, urlsplit, urlunsplit

from sqlalchemy import delete, insert, select, update

from sellerport.errors import Conflict, InvalidArguments, NotFound, Problem
from sellerport.server.hub.changes import Changes
from sellerport.server.hub.records import OPERATOR
from sellerport.server.store import Database, return_urls

LONGEST = 2000
ANSWER_NAMES = ("connector_id", "secret_id", "error", "error_description", "consent_url")
LOOPBACK = ("localhost", "127.0.0.1", "::1")

_HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*|[0-9a-f:]+")
# what a server behind might decode into another path than the one compared
_HIDDEN = re.compile(r"%(2e|2f|5c|25|[01][0-9a-f]|7f)|;", re.IGNORECASE)


@dataclass(frozen=True)
class Place:
    """An address, taken apart."""

    scheme: str
    host: str
    port: int
    segments: tuple[str, ...]

    def covers(self, other: Place) -> bool:
        """Return whether ``other`` is this place or lies below it."""
        here = (self.scheme, self.host, self.port, self.segments)
        return here == (other.scheme, other.host, other.port, other.segments[: len(self.segments)])


def parse(url: str, field: str) -> Place:
    """Take an address apart.

    Raises:
        InvalidArguments: it is none to send a browser to; ``field`` and what is wrong are named.
    """

    def refuse(why: str) -> InvalidArguments:
        return InvalidArguments(problems=[Problem(field, why)])

    if not url or len(url) > LONGEST or not url.isascii() or not url.isprintable() or re.search(r"[\s\\#]", url):
        raise refuse(f"must be an address of at most {LONGEST} plain characters, without spaces, backslashes or '#'")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise refuse(f"is not an address: {error}") from None
    host = parts.hostname or ""
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
        raise refuse("must begin with https:// (or with http:// for this machine)")
    if "@" in parts.netloc or not _HOST.fullmatch(host) or port == 0:
        raise refuse("must name a host, without a user and without a dot at its end")
    first, *segments = parts.path.split("/") if parts.path else ("",)
    if segments and segments[-1] == "":
        segments.pop()
    if first or any(segment in ("", ".", "..") for segment in segments) or _HIDDEN.search(parts.path):
        raise refuse("must have a plain path, without empty, dot or encoded segments")
    return Place(parts.scheme, host, port or (443 if parts.scheme == "https" else 80), tuple(segments))


def parse_registered(url: str, field: str) -> Place:
    """Take an address apart that is to be registered.

    Raises:
        InvalidArguments: as `parse`; or it has a query.
    """
    place = parse(url, field)
    if "?" in url:
        raise InvalidArguments(problems=[Problem(field, "must have no query; any query is accepted in use")])
    return place


def answered(url: str, answer: Mapping[str, str]) -> str:
    """Add to a URL's query; what is there stays as it is, except for names that only the answer may set."""
    parts = urlsplit(url)
    kept = [
        pair for pair in parts.query.split("&") if pair and unquote_plus(pair.partition("=")[0]) not in ANSWER_NAMES
    ]
    return urlunsplit(parts._replace(query="&".join([*kept, urlencode(answer)])))


class ReturnUrls:
    """The addresses that each organization registered."""

    def __init__(self, database: Database, changes: Changes, clock: Callable[[], float]) -> None:
        self._database = database
        self._changes = changes
        self._clock = clock

    async def register(self, organization_id: str, url: str, *, for_installs: bool = False) -> None:
        """Allow browsers to be sent to an address, and to those below it.

        Args:
            organization_id: whose it is.
            url: the address.
            for_installs: whether browsers come here whose owners began at Amazon; no other address is that then.

        Raises:
            InvalidArguments: it is no address to send a browser to, or has a query.
            Conflict: it is registered already.
        """
        parse_registered(url, "url")
        row = {"organization_id": organization_id, "url": url, "created_at": self._clock()}
        mine = return_urls.c.organization_id == organization_id
        try:
            async with self._changes.writing(organization_id) as store:
                if for_installs:
                    await store.execute(update(return_urls).where(mine).values(for_installs=False))
                await store.execute(insert(return_urls).values(**row, for_installs=for_installs))
                await self._changes.note(store, organization_id, "return_url.added", url, OPERATOR)
        except Conflict:
            raise Conflict(f"the return URL {url} is registered already") from None

    async def all(self, organization_id: str) -> list[str]:
        """Return an organization's addresses, sorted."""
        mine = select(return_urls.c.url).where(return_urls.c.organization_id == organization_id)
        async with self._database.reading() as store:
            return list(await store.scalars(mine.order_by(return_urls.c.url)))

    async def for_installs(self, organization_id: str) -> str | None:
        """Return where browsers go whose owners began at Amazon."""
        mine = (return_urls.c.organization_id == organization_id) & return_urls.c.for_installs.is_(True)
        async with self._database.reading() as store:
            url: str | None = await store.scalar(select(return_urls.c.url).where(mine))
        return url

    async def remove(self, organization_id: str, url: str) -> None:
        """Take an address from the list.

        Raises:
            NotFound: it is not in it.
        """
        mine = (return_urls.c.organization_id == organization_id) & (return_urls.c.url == url)
        async with self._changes.writing(organization_id) as store:
            if (await store.execute(delete(return_urls).where(mine))).rowcount == 0:
                raise NotFound(f"the return URL {url} is not registered")
            await self._changes.note(store, organization_id, "return_url.removed", url, OPERATOR)

    async def check(self, organization_id: str, url: str, field: str) -> None:
        """Refuse an address that the organization did not register.

        Raises:
            InvalidArguments: names the field, and what to do.
        """
        wanted = parse(url, field)
        if not any(parse(known, field).covers(wanted) for known in await self.all(organization_id)):
            problem = "is not registered for this organization; register it, or one above it, as a return URL first"
            raise InvalidArguments(problems=[Problem(field, problem)])
