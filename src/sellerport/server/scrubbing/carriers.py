"""Labels of other carriers: a request with placeholders is filled in, and the answer gives nothing of it back.

Carriers repeat addresses in their answers and their errors: as they were sent, in capitals, without accents, without
punctuation, or brought into another form. So an answer is looked through twice: for the values that were filled in,
inside whatever text they stand, and for objects that are called a receiver's.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import msgspec

from sellerport.server.scrubbing import files
from sellerport.server.scrubbing.labels import Found, Path
from sellerport.server.scrubbing.policy import PLACEHOLDERS

OPTIONAL = frozenset({"{{ship_to_address2}}", "{{ship_to_address3}}", "{{ship_to_state}}", "{{ship_to_phone}}"})
"""What not every address has: nothing stands in their place then."""

KEPT = frozenset({"{{ship_to_country}}", "{{ship_to_state}}"})
"""What callers know from the order, and rates depend on."""

DIGITS, LOCAL_DIGITS = 7, 10
"""How many digits make a telephone number, and how many it has at most without its country (NANP)."""

MOST_TEXT = 512 * 1024
"""Characters of an answer, without its documents, that are looked through."""

MOST_DOCUMENTS = 100
"""In one answer; together they may have `files.LARGEST` bytes."""

_GLUE = re.compile(r"[A-Za-z0-9{}]|[^\x00-\x7f]")
"""What beside a placeholder may leave its value without an end, once a text is folded."""
_BRACES = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_RECEIVER = re.compile(
    r"(?:ship|deliver\w*|dest\w*|recipient|receiver|consignee|buyer|customer|to|address_?to)"
    r"(?:_?(?:to|address|info|details?|party|contact|verified))*(?:list|s)?",
    re.IGNORECASE,
)
_PERSONAL = re.compile(
    r".*(?:name|company|attention|contact|street|address|line_?\d|city|locality|zip|postal|postcode|phone|tel|mail"
    r"|residential_?to|suburb|county|district)\w*",
    re.IGNORECASE,
)
_URL = re.compile(r"https?://[^\s/?#]+(?P<path>[^\s?#]*)\S*", re.IGNORECASE)
_LINK = re.compile(r"(?:label|postage|slip|invoice|document|receipt|(?<!in)form(?!at)).*(?:url|uri|href|link|download)")
"""The names on the way to an address at which a document is."""
_FILE = re.compile(r".*\.(?:pdf|png|zpl(?:ii)?|epl2?|gif|jpe?g)", re.IGNORECASE)
"""The path of one."""
_KEPT = re.compile("country|state|province|type", re.IGNORECASE)
_BETWEEN = r"(?:%[0-9a-f]{2}|&#?[0-9a-z]{1,6};|[\W_]){0,6}"
"""What may stand between the words of a value: spaces, punctuation, and what URLs and HTML write for them."""

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


class Unresolved(ValueError):
    """Placeholders that nothing is known for; ``names`` are they."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = sorted(set(names))
        super().__init__(", ".join(self.names))


class NotUnderstood(ValueError):
    """What a carrier answered, and cannot be given on."""


def decode(body: bytes) -> Any:
    """Return a request's JSON; numbers stay as they are written.

    Raises:
        ValueError: it is none.
    """
    try:
        return _decoder.decode(body)
    except (RecursionError, ArithmeticError) as error:
        raise ValueError("the body is nested too deeply, or has a number that is none") from error


@dataclass(frozen=True)
class Filled:
    """A request whose placeholders are filled in."""

    body: bytes = field(repr=False)
    values: dict[str, str] = field(repr=False)
    """What was filled in, by placeholder."""
    glued: set[str]
    """The placeholders that stood right beside a letter, a digit or another one: their values end nowhere."""


def fill(template: Any, values: Mapping[str, str]) -> Filled:
    """Fill in the placeholders of a request, inside its texts alone.

    What a value says is never looked at: it cannot end a text, add a field, or be a placeholder itself.

    Args:
        template: as JSON says it.
        values: what placeholders stand for.

    Raises:
        Unresolved: nothing is known for some of them.
        ValueError: it cannot be written as JSON.
    """
    used: dict[str, str] = {}
    glued: set[str] = set()
    unresolved: list[str] = []

    def one(match: re.Match[str]) -> str:
        name = match.group()
        if name not in PLACEHOLDERS or not (values.get(name) or name in OPTIONAL):
            unresolved.append(name)
            return name
        used[name] = values.get(name, "")
        text, (start, end) = match.string, match.span()
        if _GLUE.fullmatch(text[max(0, start - 1) : start]) or _GLUE.fullmatch(text[end : end + 1]):
            glued.add(name)
        return used[name]

    def text(value: str) -> str:
        return _BRACES.sub(one, value) if "{{" in value else value

    def key(name: str) -> str:
        unresolved.extend(_BRACES.findall(name))
        return name

    try:
        filled = _mapped(template, text, key)
        if unresolved:
            raise Unresolved(unresolved)
        return Filled(_encoder.encode(filled), used, glued)
    except (RecursionError, UnicodeEncodeError) as error:
        raise ValueError("the body is nested too deeply, or has half a character") from error


@dataclass
class Swept:
    """What is left of an answer."""

    body: Any
    documents: list[Found] = field(default_factory=list)
    links: list[tuple[Path, str]] = field(default_factory=list, repr=False)
    """Where there were addresses of documents, and the addresses: whoever has one has the document."""
    removed: int = 0


class Sweep:
    """Takes what was filled in out of answers.

    Args:
        filled: what was sent.
        placeholders: whether the placeholder stands in a value's place, or nothing.
    """

    def __init__(self, filled: Filled, *, placeholders: bool) -> None:
        self._placeholders = placeholders
        named: dict[str, str] = {}
        for name, value in filled.values.items():
            if name in KEPT:
                continue
            for pattern in _patterns(name, value):
                named.setdefault(pattern, name)
        # the longest first: a city's name in a street's is found as the street
        ordered = sorted(named, key=len, reverse=True)
        self._names = [named[pattern] for pattern in ordered]
        every = (f"({one})" if named[one] in filled.glued else rf"(?<![^\W_])({one})(?![^\W_])" for one in ordered)
        self._values = re.compile("|".join(every)) if ordered else None

    def json(self, body: bytes) -> Swept:
        """Return an answer's JSON without documents and values.

        Raises:
            NotUnderstood: it is no JSON, or has too much text, or a document that cannot be read.
        """
        try:
            decoded = msgspec.json.decode(body)
            swept = Swept(None)
            decoded = self._without_documents(decoded, swept)
            if len(msgspec.json.encode(decoded)) > MOST_TEXT:
                raise NotUnderstood("the answer has too much text")
            swept.body = self._walk(decoded, swept, receiver=False)
        except NotUnderstood:
            raise
        except (ValueError, RecursionError) as error:
            raise NotUnderstood("the answer is no JSON that can be looked through") from error
        return swept

    def text(self, text: str) -> str:
        """Return a text without the values.

        Raises:
            NotUnderstood: it is too long.
        """
        if len(text) > MOST_TEXT:
            raise NotUnderstood("the answer has too much text")
        return self._clean(text, Swept(None))

    def _without_documents(self, decoded: Any, swept: Swept) -> Any:
        if isinstance(decoded, str):
            decoded = [decoded]
        waiting: list[tuple[Any, Path]] = [(decoded, ())]
        room = files.LARGEST
        while waiting:
            here, path = waiting.pop()
            if not isinstance(here, dict | list):
                continue
            for step, value in list(here.items()) if isinstance(here, dict) else enumerate(here):
                way = (*path, step)
                if isinstance(value, dict | list):
                    waiting.append((value, way))
                elif not isinstance(value, str):
                    continue
                elif (file := files.found_in(value)) is not None:
                    swept.documents.append(Found(way, *file, kind="label"))
                    here[step] = None
                    room -= len(swept.documents[-1].content)
                    if room < 0 or len(swept.documents) > MOST_DOCUMENTS:
                        raise NotUnderstood("the answer has too many documents, or too large ones")
                elif _is_link(value, way) and self._clean(value, Swept(None)) == value:
                    # an address with something of the receiver in it was the caller's: it must not be asked for
                    swept.links.append((way, value))
                    here[step] = None
        return decoded

    def _walk(self, value: Any, swept: Swept, *, receiver: bool, name: str = "") -> Any:
        if isinstance(value, dict):
            within = receiver or _RECEIVER.fullmatch(name) is not None
            return {
                self._clean(key, swept): self._walk(one, swept, receiver=within, name=key) for key, one in value.items()
            }
        if isinstance(value, list):
            return [self._walk(one, swept, receiver=receiver, name=name) for one in value]
        if value is None or isinstance(value, bool):
            return value
        if receiver and value != "" and _PERSONAL.fullmatch(name) and not _KEPT.search(name):
            swept.removed += 1
            return "{{" + re.sub(r"\W", "_", name.lower()) + "}}" if self._placeholders else None
        if isinstance(value, str):
            return self._clean(value, swept)
        cleaned = self._clean(str(value), swept)
        return value if cleaned == str(value) else cleaned

    def _clean(self, text: str, swept: Swept) -> str:
        if self._values is None:
            return text
        folded, places = _folded(text)
        out, end = [], 0
        for match in self._values.finditer(folded):
            start, stop = (
                (match.start(), match.end()) if places is None else (places[match.start()], places[match.end() - 1] + 1)
            )
            out += [text[end:start], self._names[match.lastindex - 1] if self._placeholders and match.lastindex else ""]
            end = stop
            swept.removed += 1
        return "".join([*out, text[end:]]) if end else text


def _is_link(value: str, way: Path) -> bool:
    """Return whether a text is the address of a document."""
    found = _URL.fullmatch(value)
    if found is None:
        return False
    return _FILE.fullmatch(found["path"]) is not None or _LINK.search("/".join(map(str, way)).lower()) is not None


def _patterns(name: str, value: str) -> list[str]:
    """Return what finds a value, in a folded text, however it is punctuated; nothing finds one that says nothing."""
    folded = _folded(value)[0]
    spelled = [re.findall(r"[^\W_]+", folded)]
    if name == "{{ship_to_zip}}":
        spelled.append(spelled[0][:1])  # without what a ZIP+4 has more
    if name in ("{{ship_to_name}}", "{{buyer_name}}") and len(spelled[0]) > 1:
        spelled.append([spelled[0][-1], *spelled[0][:-1]])  # the last name first
    if name == "{{ship_to_address1}}" and len(spelled[0]) > 2 and spelled[0][0].isdecimal():
        spelled.append(spelled[0][:2])  # carriers write ST for Street
    if name == "{{ship_to_phone}}" and len(digits := re.sub(r"\D", "", folded)) >= DIGITS:
        spelled += [list(digits), list(digits[-LOCAL_DIGITS:])]  # and without its country
    if not value.isascii():  # as addresses of pages have it
        for cased in (value.lower(), value.upper()):
            spelled.append([quote(word).lower() for word in re.findall(r"[^\W_]+", cased)])
    return [_BETWEEN.join(map(re.escape, words)) for words in spelled if words]


def _folded(text: str) -> tuple[str, list[int] | None]:
    """Return a text in lower case and without accents, and where each of its characters was; None: where it is."""
    if text.isascii():
        return text.lower(), None
    out: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        plain = "".join(one for one in unicodedata.normalize("NFKD", character) if not unicodedata.combining(one))
        folded = unicodedata.normalize("NFKD", plain.casefold())
        out.append(folded)
        places += [place] * len(folded)
    return "".join(out), places


def _mapped(value: Any, text: Callable[[str], str], key: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {key(name): _mapped(one, text, key) for name, one in value.items()}
    if isinstance(value, list):
        return [_mapped(one, text, key) for one in value]
    return text(value) if isinstance(value, str) else value
