"""Amazon's static sandbox: fixed answers to fixed requests, as Amazon's published models have them.

The models are read from a folder that the user has (github.com/amzn/selling-partner-api-models); nothing of them is
kept here. A request is matched before anything in it is checked:

* every parameter that a case names must be there and be equal, a list as its values joined by commas;
* a body must hold what the case's body holds, and may hold more;
* ``{}`` stands for anything;
* of several cases that fit, the one that says most is taken: the most parameters, then the longest body, then the
  lowest status. Which one Amazon takes then is not known; with this, all but two of its 926 cases are answered.

Amazon writes a parameter as ``{"value": …}``, or forgets to for a body, and calls the body by any name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from sellerport import catalog
from sellerport.catalog import Operation
from sellerport.emulator.call import Answer, refused
from sellerport.errors import SettingsError

METHODS = ("get", "put", "post", "delete", "patch")
ANYTHING: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Case:
    """One request and its answer; what a case does not name may be anything."""

    answer: Answer
    parameters: Mapping[str, Any]
    body: Any

    def fits(self, given: Mapping[str, str], body: Any) -> bool:
        """Whether a request is the case's: its parameters by name, those of the header in lower case, and its body."""
        return all(_equal(value, given.get(name)) for name, value in self.parameters.items()) and _within(
            self.body, body
        )

    @property
    def rank(self) -> tuple[int, int, int]:
        """What comes first when several cases fit."""
        return -len(self.parameters), -len(msgspec.json.encode(self.body)), self.answer.status


class Cases:
    """The published cases, by operation.

    Args:
        folder: where Amazon's models are, at any depth.

    Raises:
        SettingsError: there are no cases in it.
    """

    def __init__(self, folder: Path) -> None:
        self._of: dict[str, list[Case]] = {}
        for file in sorted(folder.rglob("*.json")):
            for operation, described in _operations(file):
                self._of.setdefault(operation.key, []).extend(_cases(operation, described))
        self._of = {key: sorted(some, key=lambda case: case.rank) for key, some in self._of.items() if some}
        if not self._of:
            raise SettingsError(f"{str(folder)!r} holds none of Amazon's models; clone amzn/selling-partner-api-models")

    def __len__(self) -> int:
        return sum(map(len, self._of.values()))

    def __contains__(self, operation: Operation) -> bool:
        return operation.key in self._of

    def match(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """Find an operation by a raw path whose last parameter is empty: one of the cases is about that."""
        found = catalog.match(method, f"{path}-") if path.endswith("/") else None
        if found is None or found[0] not in self:
            return None
        operation, given = found
        return operation, {**given, list(given)[-1]: ""}

    def answer(
        self,
        operation: Operation,
        path: Mapping[str, str],
        query: Mapping[str, list[str]],
        headers: Mapping[str, str],
        body: bytes,
    ) -> Answer:
        """Answer a request as published.

        Raises:
            AmazonRefused: it is none of the cases'.
        """
        given = {**headers, **{name: ",".join(values) for name, values in query.items()}, **path}
        sent = _decoded(body)
        for case in self._of[operation.key]:
            if case.fits(given, sent):
                return case.answer
        raise refused("Could not match input arguments")


def _operations(file: Path) -> Iterator[tuple[Operation, dict[str, Any]]]:
    """Yield the operations of a model that the catalogue knows; a file that is no model has none."""
    try:
        model = msgspec.json.decode(file.read_bytes())
    except msgspec.DecodeError:
        return
    paths = model.get("paths") if isinstance(model, dict) else None
    for path, item in (paths or {}).items():
        for method in METHODS:
            found = catalog.match(method.upper(), re.sub(r"\{\w+\}", "x", path)) if method in item else None
            if found is not None:
                yield found[0], item[method]


def _cases(operation: Operation, described: Mapping[str, Any]) -> Iterator[Case]:
    for status, response in described["responses"].items():
        static = response.get("x-amzn-api-sandbox", {}).get("static", [])
        older = response.get("x-amazon-spds-sandbox-behaviors", [])
        for case in (*static, *older):
            headers = {name: _value(value) for name, value in case.get("responseHeaders", {}).items()}
            # some are published with a body and status 204, which cannot have one (RFC 9110 §15.3.5)
            answer = None if status == "204" or case.get("response") == "" else case.get("response")
            yield _case(operation, case, Answer(answer, int(status), headers))


def _case(operation: Operation, case: Mapping[str, Any], answer: Answer) -> Case:
    wires = {one.wire: one.wire.lower() if one.place == "header" else one.wire for one in operation.parameters}
    parameters: dict[str, Any] = {}
    body: Any = ANYTHING
    for name, given in (case.get("request") or {}).get("parameters", {}).items():
        value = _value(given)
        if name not in wires:
            body = value
        elif value != ANYTHING:
            parameters[wires[name]] = value
    return Case(answer, parameters, body)


def _value(given: Any) -> Any:
    return given["value"] if isinstance(given, dict) and "value" in given else given


def _decoded(body: bytes) -> Any:
    """Return a JSON body, and nothing for any other: then it is no case's."""
    try:
        return msgspec.json.decode(body) if body.strip() else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _equal(value: Any, given: str | None) -> bool:
    """Whether a parameter of the path, query or header is a case's."""
    if isinstance(value, list):
        return given == ",".join(map(_text, value))
    if isinstance(value, float) and value.is_integer():  # clients write it with and without its point
        return given in (str(value), str(int(value)))
    return given == _text(value)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _within(part: Any, whole: Any) -> bool:
    """Whether a body holds all that a case's body holds."""
    if part == ANYTHING:
        return True
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            name in whole and _within(one, whole[name]) for name, one in part.items()
        )
    if isinstance(part, list):
        return isinstance(whole, list) and len(part) == len(whole) and all(map(_within, part, whole))
    return bool(part == whole) and isinstance(part, bool) == isinstance(whole, bool)
