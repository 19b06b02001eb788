"""Texts that match a regular expression, for the small part of regular expressions that Amazon's schemas use.

It knows literals, ``.``, classes, ``\\d \\s \\S \\w``, groups, alternatives, anchors and repetition; nothing that looks
around or back. A pattern that it cannot serve is an error, found by the test that walks every operation.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable

Maker = Callable[[int], str]
"""Makes a text; open-ended repetitions are this long."""

PLAIN = string.ascii_letters + string.digits
CLASSES = {"d": string.digits, "w": PLAIN + "_", "s": " ", "S": PLAIN, "D": string.ascii_letters, "W": "-"}
LENGTHS = (8, 4, 12, 16, 24, 32, 2, 1, 0)


def example(pattern: str, chance: random.Random, *, shortest: int = 0, longest: int = 10_000) -> str:
    """Return a text that matches, of a length within the limits.

    Raises:
        ValueError: none was found.
    """
    make = _Reader(pattern, chance).read()
    for length in (*LENGTHS, *range(shortest, shortest + 8), longest):
        text = make(length)
        if shortest <= len(text) <= longest and re.search(pattern, text):
            return text
    raise ValueError(f"no text found for {pattern!r} of {shortest} to {longest} characters")


class _Reader:
    def __init__(self, pattern: str, chance: random.Random) -> None:
        self._pattern = pattern
        self._chance = chance
        self._at = 0

    def read(self) -> Maker:
        make = self._alternatives()
        if self._at != len(self._pattern):
            raise ValueError(f"cannot read {self._pattern!r} from character {self._at}")
        return make

    def _peek(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _next(self) -> str:
        self._at += 1
        return self._pattern[self._at - 1]

    def _skip(self, text: str) -> bool:
        found = self._pattern.startswith(text, self._at)
        self._at += len(text) if found else 0
        return found

    def _alternatives(self) -> Maker:
        ways = [self._sequence()]
        while self._skip("|"):
            ways.append(self._sequence())
        return lambda length: self._chance.choice(ways)(length)

    def _sequence(self) -> Maker:
        parts: list[Maker] = []
        while self._peek() not in ("", "|", ")"):
            parts.append(self._repeated(self._atom()))
        return lambda length: "".join(part(length) for part in parts)

    def _atom(self) -> Maker:
        match self._next():
            case "^" | "$":
                return lambda _: ""
            case ".":
                return lambda _: self._chance.choice(PLAIN)
            case "[":
                return self._one_of(self._class())
            case "(":
                self._skip("?:")
                inner = self._alternatives()
                if not self._skip(")"):
                    raise ValueError(f"a group is not closed in {self._pattern!r}")
                return inner
            case "\\":
                return self._one_of(self._escaped())
            case literal:
                return lambda _: literal

    def _one_of(self, characters: str) -> Maker:
        return lambda _: self._chance.choice(characters)

    def _escaped(self) -> str:
        character = self._next()
        return CLASSES.get(character, character)

    def _class(self) -> str:
        negated = self._skip("^")
        found = ""
        while not self._skip("]"):
            character = self._next()
            if character == "\\":
                found += self._escaped()
            elif self._peek() == "-" and self._pattern[self._at + 1] != "]":
                self._at += 1
                found += "".join(map(chr, range(ord(character), ord(self._next()) + 1)))
            else:
                found += character
        return "".join(one for one in PLAIN if one not in found) if negated else found

    def _repeated(self, make: Maker) -> Maker:
        low, high = self._counts()

        def repeat(length: int) -> str:
            most = max(low, length if high is None else min(high, length))
            count = most if high is None else self._chance.randint(low, most)
            return "".join(make(length) for _ in range(count))

        return repeat

    def _counts(self) -> tuple[int, int | None]:
        for sign, counts in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._skip(sign):
                return counts
        found = re.compile(r"\{(\d+)(,?)(\d*)\}").match(self._pattern, self._at)
        if found is None:
            return 1, 1
        self._at = found.end()
        low, comma, high = found.groups()
        return int(low), int(high) if high else None if comma else int(low)
