"""Scrubbing by names alone: of what an answer has that its schema does not, and of documents, which have no schema.

Slower than what is made from a schema (`compiled`), and of the same opinion: both ask `policy`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import UNSET

from sellerport.catalog import personal
from sellerport.server.scrubbing import policy
from sellerport.wire import UNREADABLE

Link = Callable[[str, Mapping[str, str]], str]
"""Makes our own link of the URL of a document, given what is known of it."""

UNKNOWN = "{{personal}}"
"""What stands in place of text that is equal to something personal, wherever it is, and of e-mail addresses in text."""

SIGNED = "X-Amz-Signature="
"""What a URL has that lets in whoever has it."""

SHORTEST = 4
"""How many characters something personal has at least that is looked for elsewhere: a ``1`` stands everywhere."""


_encoder = msgspec.json.Encoder()


class Sweep:
    """One answer as it is scrubbed: how, and what was found so far.

    ``seen`` counts the objects looked at. ``lost`` holds the text that was taken out or replaced, ``others`` counts
    what else was, and ``texts`` holds the text that stayed though it may be free.
    """

    __slots__ = ("extra", "facts", "keep", "link", "lost", "others", "seen", "texts")

    def __init__(self, privacy: policy.Privacy, extra: re.Pattern[str] | None, link: Link, **facts: str) -> None:
        self.keep = privacy == "placeholders"
        self.extra = extra
        self.link = link
        self.facts = facts
        self.seen = 0
        self.others = 0
        self.lost: list[str] = []
        self.texts: list[str] = []

    def field(self, holder: dict[str, Any], name: str, role: policy.Role | None, parent: str) -> None:
        """Scrub one field of an object, whatever its value is."""
        value = holder[name]
        if isinstance(value, dict | list):
            verdict = policy.container(name, within=role is not None)
            if verdict == "own":
                self.own(value)
            elif (
                isinstance(value, dict)
                and value.keys() == {"uuid"}
                and policy.DOCUMENTS.fullmatch(personal.plain(name))
            ):
                self.seen += 1  # a document that is stored, and its id
            else:
                self.inside(holder, name, role if verdict == "text" else role or policy.role(name))
        elif value is not None and value != "":
            self.scalar(holder, name, role, parent)

    def scalar(self, holder: dict[str, Any], name: str, role: policy.Role | None, parent: str) -> None:
        """Do to a string, a number or a boolean what the policy says."""
        value = holder[name]
        verdict = policy.scalar(name, parent, within=role is not None, extra=self.extra)
        if isinstance(value, str) and verdict in ("kept", "text") and SIGNED in value:
            verdict = "link"
        link = self._link(value, name, holder.get("compressionAlgorithm")) if verdict == "link" else ""
        if link:
            self.others += 1
            holder[name] = link
        elif verdict == "text":
            if isinstance(value, str):
                self.texts.append(value)
        elif verdict != "kept" and not isinstance(value, bool):
            self.lose(holder, name, policy.placeholder(name, role, parent), document=verdict == "document")

    def _link(self, value: Any, name: str, compression: Any) -> str:
        """Return our own link for a URL of a document; nothing where there is none."""
        if not isinstance(value, str) or not value.startswith(("https://", "http://")):
            return ""
        facts = {"compression": compression} if isinstance(compression, str) else {}
        return self.link(value, {**self.facts, **facts, "field": name})

    def lose(self, holder: dict[str, Any], name: str, placeholder: str, *, document: bool) -> None:
        """Take a field out, or put a placeholder where it stood."""
        value = holder[name]
        if value == placeholder:
            return
        if isinstance(value, str) and not document:
            self.lost.append(value)
        else:
            self.others += 1
        if isinstance(value, str) and not document and self.keep:
            holder[name] = placeholder
        else:
            del holder[name]

    def inside(self, holder: dict[str, Any], name: str, role: policy.Role | None) -> None:
        """Scrub an object or a list that a field holds; nothing stays of it where nothing is left."""
        value = holder[name]
        if not value:
            self.seen += isinstance(value, dict)
            return
        self.value(value, role, name)
        if not self.keep and (not value or name == policy.WHOLE):
            del holder[name]

    def value(self, value: dict[str, Any] | list[Any], role: policy.Role | None, parent: str) -> None:
        """Scrub an object or a list in place; ``role`` says whose it is, ``parent`` is the field that holds it."""
        if isinstance(value, dict):
            if policy.is_anothers(parent, value.get("entityType")):
                self.own(value)
                return
            self.seen += 1
            if role is None and any(personal.ADDRESS.fullmatch(personal.plain(name)) for name in value):
                role = policy.role(parent)
            for name in list(value):
                self.field(value, name, role, parent)
            return
        for one in value:
            if isinstance(one, dict | list):
                self.value(one, role, parent)
        self.items(value, role, parent)

    def items(self, value: list[Any], role: policy.Role | None, parent: str) -> None:
        """Scrub the strings and numbers of a list, which are what the field that holds it says."""
        if not any(one.__class__ not in (dict, list, bool, None.__class__) for one in value):
            return
        verdict = policy.scalar(parent, "", within=role is not None, extra=self.extra)
        if verdict == "text":
            self.texts += [one for one in value if isinstance(one, str)]
        elif verdict != "kept":
            gone = [one for one in value if isinstance(one, str)]
            self.lost += gone
            self.others += not gone
            value[:] = [one for one in value if isinstance(one, dict | list)]

    @property
    def removed(self) -> int:
        """How many fields were taken out, or replaced."""
        return len(self.lost) + self.others

    def own(self, value: Any) -> None:
        """Count the objects in what stays as it is."""
        if isinstance(value, dict):
            self.seen += 1
            for one in value.values():
                if one.__class__ in (dict, list):
                    self.own(one)
        elif isinstance(value, list):
            for one in value:
                self.own(one)

    def attribute(self, holder: Any, attribute: str, name: str, role: policy.Role | None, parent: str) -> None:
        """Scrub one field of a Struct."""
        field = {name: getattr(holder, attribute)}
        self.field(field, name, role, parent)
        setattr(holder, attribute, field.get(name, UNSET))

    @property
    def echoing(self) -> bool:
        """Whether text stayed that has to be read: it is equal, but for case, to something that was taken out
        elsewhere, or has JSON in it."""
        texts = {one.casefold() for one in set(self.texts) if len(one) >= SHORTEST}
        return bool(texts) and (not texts.isdisjoint(map(str.casefold, self.lost)) or "{" in "".join(texts))

    def written(self, document: Any) -> bytes:
        """Return an answer as JSON, without what its texts have of it."""
        made = _encoder.encode(document)
        if not self.echoing and b"@" not in made:
            return made
        self._read(document, {one.casefold() for one in self.lost if len(one) >= SHORTEST})
        return _encoder.encode(document)

    def _read(self, value: Any, lost: set[str]) -> None:
        if isinstance(value, dict):
            for name in list(value):
                one = value[name]
                if "@" in name and personal.EMAIL.search(name):
                    self.others += 1
                    del value[name]
                elif isinstance(one, str):
                    text = self._text(one, set() if policy.orderly(name) else lost)
                    if text is None:
                        del value[name]
                    else:
                        value[name] = text
                elif policy.container(name, within=False) != "own":
                    self._read(one, lost)
        elif isinstance(value, list):
            read = (self._text(one, lost) if isinstance(one, str) else one for one in value)
            value[:] = [one for one in read if one not in (None, UNKNOWN)]
            for one in value:
                self._read(one, lost)

    def _text(self, text: str, lost: set[str]) -> str | None:
        """Return a text without what is personal in it; None if it goes."""
        if text.casefold() in lost:
            self.others += 1
            return UNKNOWN if self.keep else None
        if text.lstrip()[:1] in ("{", "["):
            text = self._json(text)
        found = without_emails(text, keep=self.keep)
        self.others += found != text
        return found

    def _json(self, text: str) -> str:
        """Return a text that is JSON without what is personal in it."""
        try:
            document = msgspec.json.decode(text)
        except UNREADABLE:
            return text
        inner = Sweep("placeholders" if self.keep else "remove", self.extra, self.link, **self.facts)
        inner.value(document, None, "")
        made = inner.written(document).decode()
        self.others += inner.removed
        return made if inner.removed else text


def without_emails(text: str, *, keep: bool) -> str:
    """Return a text without the e-mail addresses in it; ``keep`` puts a placeholder in their places."""
    return personal.EMAIL.sub(UNKNOWN if keep else "", text) if "@" in text else text


def no_link(url: str, facts: Mapping[str, str]) -> str:
    """Let no URL of a document out: a `Link` for where there are none."""
    return ""


def objects(value: Any) -> int:
    """Count the objects in JSON."""
    if isinstance(value, dict):
        return 1 + sum(map(objects, value.values()))
    return sum(map(objects, value)) if isinstance(value, list) else 0
