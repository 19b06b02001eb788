"""Plans: for each operation, how a request is sent without asking for personal data, and its answer is given without.

A plan holds for one operation and one kind of privacy. An operation whose answers cannot carry personal data has none,
and its bytes are nobody's business.
"""

from __future__ import annotations

from functools import cache, cached_property
from urllib.parse import unquote_plus

import msgspec

from sellerport import catalog
from sellerport.errors import NotScrubbable
from sellerport.server.scrubbing import policy
from sellerport.server.scrubbing.compiled import Compiled, Typed
from sellerport.server.scrubbing.sweep import Link, Sweep, no_link, objects
from sellerport.wire import UNREADABLE

LARGEST = 32 * 1024 * 1024
"""The longest answer that is scrubbed, in bytes."""


class Scrubbed(msgspec.Struct, frozen=True):
    """An answer without personal data, and how many fields were taken out or replaced."""

    body: bytes
    removed: int


class Plan:
    """How the requests and the answers of one operation are scrubbed."""

    def __init__(self, operation: catalog.Operation, privacy: policy.Privacy) -> None:
        self.operation = operation
        self.privacy = privacy
        self._extra = policy.FIELDS.get(operation.key, policy.FIELDS.get(operation.api))
        made = Compiled(operation, privacy, self._extra)
        self._walk = made.walk
        self.personal = frozenset(made.personal)
        """The fields that are taken out, as dotted paths; of what an answer may have besides there is no list."""
        self.links = operation.key in policy.LINKED
        """Whether a `Link` has to make links of the URLs in its answers; `no_link` does for others."""
        self._not_asked = operation.api == "orders_2026_01_01"

    @cached_property
    def _typed(self) -> Typed | None:
        return Typed.of(self.operation, self.privacy, self._extra)

    def query(self, query: str) -> str:
        """Return the raw query as it may be sent: without what would ask for a buyer or a recipient."""
        if not self._not_asked or not query:
            return query
        return "&".join(one for part in query.split("&") if (one := _asking(part)))

    def scrub(self, body: bytes, content_type: str | None, *, link: Link, status: int = 200) -> Scrubbed:
        """Return an answer without personal data.

        Args:
            body: The bytes as they are after any ``Content-Encoding`` is undone.
            content_type: What Amazon says they are.
            link: Makes our own link of the URL of a document.
            status: Of an error that is not understood the status alone is given on.

        Raises:
            NotScrubbable: the answer is not understood, and may not be given on.
        """
        if not body:
            return Scrubbed(body, 0)
        try:
            return self._scrubbed(body, content_type, link if self.links else no_link)
        except NotScrubbable:
            if status < 400:
                raise
            return Scrubbed(b"", 1)

    def _scrubbed(self, body: bytes, content_type: str | None, link: Link) -> Scrubbed:
        if self._typed is not None and len(body) <= LARGEST and _is_json(content_type):
            sweep = Sweep(self.privacy, self._extra, link, operation=self.operation.key)
            done = self._typed.scrub(body, sweep)
            if done is not None:
                return Scrubbed(done, sweep.removed)
        document = _decoded(body, content_type)
        sweep = Sweep(self.privacy, self._extra, link, operation=self.operation.key)
        try:
            if isinstance(document, dict):
                looked_at = self._walk(document, sweep, sweep.lost.append, sweep.texts.append)
                sweep.seen += looked_at
            # where fewer were seen, a text has a brace in it, or an object that nobody looked at is where text belongs
            if sweep.seen != body.count(b"{") and sweep.seen != objects(_json.decode(body)):
                sweep.value(document, None, "")
            return Scrubbed(sweep.written(document), sweep.removed)
        except RecursionError as error:
            raise NotScrubbable("an answer that is nested too deeply") from error


_json = msgspec.json.Decoder()


def _is_json(content_type: str | None) -> bool:
    kind = (content_type or "application/json").partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def _decoded(body: bytes, content_type: str | None) -> dict[str, object] | list[object]:
    if not _is_json(content_type):
        raise NotScrubbable(f"an answer of type {content_type!r}")
    if len(body) > LARGEST:
        raise NotScrubbable(f"an answer of {len(body)} bytes; at most {LARGEST} are scrubbed")
    try:
        document = _json.decode(body)
    except UNREADABLE as error:
        raise NotScrubbable("an answer that is not JSON") from error
    if not isinstance(document, dict | list):
        raise NotScrubbable("an answer that is neither an object nor a list")
    return document


def _asking(part: str) -> str:
    """Return one parameter of a query without what is not asked for; nothing if nothing is left of it."""
    name, _, value = part.partition("=")
    if unquote_plus(name) != "includedData":
        return part
    asked = [one for one in unquote_plus(value).split(",") if one.strip().upper() not in policy.NOT_ASKED]
    return f"{name}={','.join(asked)}" if asked else ""


def plan(operation: catalog.Operation, privacy: policy.Privacy) -> Plan | None:
    """Return how an operation is scrubbed; None if no answer of it can carry personal data of buyers."""
    return _plan(operation.family, operation.api, operation.name, privacy)


@cache
def _plan(family: catalog.Family, api: str, name: str, privacy: policy.Privacy) -> Plan | None:
    if family != "seller-partner":
        return None
    operation = catalog.index().by_api[api][name]
    if {api, operation.key} & policy.ABOUT_THE_SELLER.keys():
        return None
    made = Plan(operation, privacy)
    return made if made.personal or operation.key in policy.ABOUT_BUYERS else None
