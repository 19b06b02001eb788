"""Functions that scrub the answers of one operation, made from its schema once.

For each kind of object that an answer can hold, code is written that takes out what is personal, and looks at nothing
else that the schema knows: to go through every field of a page of orders takes several times as long. What the schema
does not know is left to the sweep: fields that it does not name, and objects where it says text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from sellerport import catalog
from sellerport.catalog import personal
from sellerport.server.scrubbing import policy
from sellerport.server.scrubbing.sweep import Sweep
from sellerport.wire import UNREADABLE

Walk = Callable[[Any, Sweep, Callable[[str], None], Callable[[str], None]], int]
"""Scrubs an object in place, given the sweep and where text goes that is taken out, and that stays; returns how many
objects it looked at itself."""


class _Place(msgspec.Struct, frozen=True):
    """An object as code is written for it: its definition, the variable that holds it, and where it stands."""

    definition: str
    variable: str
    parent: str
    role: policy.Role | None
    path: str
    around: frozenset[str] = frozenset()
    """The definitions whose code this is written into; one that contains itself needs a function."""

    def swept(self, name: str) -> str:
        """Return the code that leaves one field to the sweep."""
        return f"sweep.field({self.variable}, {name!r}, {self.role!r}, {self.parent!r})"


class Compiled:
    """What was made for one operation: ``walk`` scrubs an answer, and ``personal`` are the fields that it takes out."""

    def __init__(self, operation: catalog.Operation, privacy: policy.Privacy, extra: re.Pattern[str] | None) -> None:
        known = catalog.schemas(operation.api)
        self.definitions = known.definitions
        self.keep = privacy == "placeholders"
        self.extra = extra
        self.personal: set[str] = set()
        self._lines: list[str] = []
        self._functions: dict[tuple[str, str, policy.Role | None], str] = {}
        self._constants: dict[str, Any] = {"UNSET": UNSET, "is_anothers": policy.is_anothers}
        properties: dict[str, Any] = {}
        for _, answer in sorted(known.of(operation).responses.items()):
            if answer is not None:  # an error is answered with the same wrapper, or with a list of errors
                properties = {**self._resolved({"$ref": f"#/$defs/{answer}"})[1].get("properties", {}), **properties}
        self._root = {"properties": properties}
        name = self._function("", self._root, "", None, "")
        exec("\n".join(self._lines), self._constants)  # noqa: S102  # of our own making, from the catalogue alone
        self.walk: Walk = self._constants[name]

    def _resolved(self, schema: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        name = ""
        while "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[1]
            schema = self.definitions[name]
        return name, schema

    def _function(
        self, definition: str, schema: Mapping[str, Any], parent: str, role: policy.Role | None, path: str
    ) -> str:
        """Write a function for one kind of object, and return its name."""
        key = (definition or path, personal.plain(parent), role)
        if key not in self._functions:
            name = self._functions[key] = f"scrub_{len(self._functions)}"
            lines = self._object(_Place(definition, "o", parent, role, path), schema)
            self._lines += [f"def {name}(o, sweep, lost, text):", "    n = 0", *_deeper(lines), "    return n"]
        return self._functions[key]

    def _object(self, place: _Place, schema: Mapping[str, Any]) -> list[str]:
        """Write what is done with the object in ``place.variable``."""
        properties: Mapping[str, Any] = schema["properties"]
        place, o = _placed(place, properties), place.variable
        known = self._constant(frozenset(properties))
        lines = [
            "n += 1",
            f"if not {known}.issuperset({o}):",
            f"    for name in {o}.keys() - {known}: sweep.field({o}, name, {place.role!r}, {place.parent!r})",
        ]
        value = f"{o}_"
        for name, one in properties.items():
            if done := self._field(place, name, one, value):
                lines += [f"if {name!r} in {o}:", f"    {value} = {o}[{name!r}]", *_deeper(done)]
        return lines

    def _constant(self, value: Any) -> str:
        name = f"constant_{len(self._constants)}"
        self._constants[name] = value
        return name

    def _field(self, place: _Place, name: str, schema: Mapping[str, Any], value: str) -> list[str]:
        """Write what is done with the value of one field, which is in the variable ``value``."""
        definition, one = self._resolved(schema)
        if one.get("type") in ("object", "array") or "properties" in one:
            return self._container(place, name, definition, one, value)
        verdict = policy.scalar(name, place.parent, within=place.role is not None, extra=self.extra)
        closed = "enum" in one or "format" in one or one.get("type") != "string"
        if verdict == "kept" or (closed and (verdict == "text" or (place.role is None and verdict == "suspicious"))):
            return []
        if verdict == "text":
            return [f"if {value}.__class__ is str: text({value})"]
        if verdict != "suspicious":
            self.personal.add(f"{place.path}.{name}".lstrip("."))
        if verdict in ("link", "document") or closed:
            return [place.swept(name)]
        field = f"{place.variable}[{name!r}]"
        instead = f"{field} = {policy.placeholder(name, place.role, place.parent)!r}" if self.keep else f"del {field}"
        return [
            f"if {value}.__class__ is str:",
            f"    if {value}: lost({value}); {instead}",
            f"else: {place.swept(name)}",
        ]

    def _container(self, place: _Place, name: str, definition: str, schema: Mapping[str, Any], value: str) -> list[str]:
        verdict = policy.container(name, within=place.role is not None)
        role = place.role or (policy.role(name) if verdict == "person" else None)
        path = f"{place.path}.{name}"
        if verdict == "own":
            known = self._constant(self._scalars(schema))
            return [f"if {value}.__class__ is dict and {value}.keys() <= {known}: n += 1", f"else: sweep.own({value})"]
        if "properties" in schema:
            inner = _Place(definition, value, name, role, path, place.around | {place.definition})
            if definition in inner.around:
                lines = [f"n += {self._function(definition, schema, name, role, path)}({value}, sweep, lost, text)"]
            else:
                lines = self._object(inner, schema)
            if not self.keep:
                always = "True or " if name == policy.WHOLE else ""
                lines.append(f"if {always}not {value}: del {place.variable}[{name!r}]")
            return [f"if {value}.__class__ is dict:", *_deeper(lines), f"else: {place.swept(name)}"]
        _, item = self._resolved(schema.get("items", {}))
        skipped = []
        if schema.get("type") == "array" and "properties" in item:
            if "entityType" in item["properties"]:
                anothers = f"one.__class__ is dict and is_anothers({name!r}, one.get('entityType'))"
                skipped = [f"        if {anothers}: sweep.own(one); continue"]
            function = self._function(self._resolved(schema["items"])[0], item, name, role, f"{path}[]")
            each = f"if one.__class__ is dict: n += {function}(one, sweep, lost, text)"
            other = f"sweep.value({value}, {role!r}, {name!r})"
        else:
            verdict = policy.scalar(name, "", within=role is not None, extra=self.extra)
            if role is not None or verdict not in ("kept", "text") or item.get("type") != "string":
                if role is not None or verdict == "personal":
                    self.personal.add(path.lstrip("."))
                return [place.swept(name)]
            each = f"if one.__class__ is str: {'pass' if verdict == 'kept' or 'enum' in item else 'text(one)'}"
            other = place.swept(name)
        return [
            f"if {value}.__class__ is list:",
            f"    for one in {value}:",
            *skipped,
            f"        {each}",
            f"        else: {other}; break",
            f"else: {place.swept(name)}",
        ]

    def _scalars(self, schema: Mapping[str, Any]) -> frozenset[str]:
        """Return the fields of an object that hold no objects."""
        fields = {name: self._resolved(one)[1] for name, one in schema.get("properties", {}).items()}
        return frozenset(name for name, one in fields.items() if one.get("type") not in ("object", "array"))


class _Unfit(Exception):
    """A schema that no types are made from: an object that contains itself, a field that another one explains."""


class Typed(Compiled):
    """The same for answers that hold what their schema knows and nothing else, read into types: twice as fast.

    Whether an answer is such a one, msgspec sees while it reads it; one that is not is none of this class's.
    """

    @classmethod
    def of(cls, operation: catalog.Operation, privacy: policy.Privacy, extra: re.Pattern[str] | None) -> Typed | None:
        """Return what is made for an operation; None if its schema does not lend itself to it."""
        try:
            return cls(operation, privacy, extra)
        except _Unfit:
            return None

    def __init__(self, operation: catalog.Operation, privacy: policy.Privacy, extra: re.Pattern[str] | None) -> None:
        self._types: dict[str, Any] = {}
        super().__init__(operation, privacy, extra)
        self._decoder = msgspec.json.Decoder(self._type("", self._root))
        self._encoder = msgspec.json.Encoder()

    def scrub(self, body: bytes, sweep: Sweep) -> bytes | None:
        """Return an answer scrubbed; None if it does not fit, or its texts have to be read (`Sweep.written`)."""
        try:
            document = self._decoder.decode(body)
        except UNREADABLE:
            return None
        self.walk(document, sweep, sweep.lost.append, sweep.texts.append)
        made = self._encoder.encode(document)
        return None if sweep.echoing or b"@" in made else made

    def _function(
        self, definition: str, schema: Mapping[str, Any], parent: str, role: policy.Role | None, path: str
    ) -> str:
        self._type(definition, schema)  # which ends, or says that it does not, before code is written without an end
        return super()._function(definition, schema, parent, role, path)

    def _object(self, place: _Place, schema: Mapping[str, Any]) -> list[str]:
        place = _placed(place, schema["properties"])
        o, value, lines = place.variable, f"{place.variable}_", []
        for number, (name, one) in enumerate(schema["properties"].items()):
            attribute = f"{o}.f{number}"
            swept = f"sweep.attribute({o}, 'f{number}', {name!r}, {place.role!r}, {place.parent!r})"
            if done := self._typed_field(place, name, one, value, attribute, swept):
                lines += [f"{value} = {attribute}", *done]
        return lines

    def _typed_field(
        self, place: _Place, name: str, schema: Mapping[str, Any], value: str, attribute: str, swept: str
    ) -> list[str]:
        definition, one = self._resolved(schema)
        there = f"if {value} is not UNSET: "
        if one.get("type") in ("object", "array") or "properties" in one:
            verdict = policy.container(name, within=place.role is not None)
            role = place.role or (policy.role(name) if verdict == "person" else None)
            path = f"{place.path}.{name}"
            if verdict == "own":
                return []
            if "properties" in one:
                lines = self._object(_Place(definition, value, name, role, path), one)
                if not self.keep:
                    empty = self._constant(self._type(definition, one)())
                    gone = "True" if name == policy.WHOLE else f"{value} == {empty}"
                    lines.append(f"if {gone}: {attribute} = UNSET")
                return [f"if {value}:", *_deeper(lines)] if lines else []
            inner_name, item = self._resolved(one.get("items", {}))
            if "properties" in item:
                function = self._function(inner_name, item, name, role, f"{path}[]")
                skipped = []
                if "entityType" in (known := list(item["properties"])):
                    entity = f"one.f{known.index('entityType')}"
                    skipped = [f"        if is_anothers({name!r}, {entity}): continue"]
                return [
                    f"if {value}:",
                    f"    for one in {value}:",
                    *skipped,
                    f"        {function}(one, sweep, lost, text)",
                ]
            each = policy.scalar(name, "", within=role is not None, extra=self.extra)
            if role is not None or each not in ("kept", "text") or item.get("type") != "string":
                return [there + swept]
            return [] if each == "kept" or "enum" in item else [f"if {value}: sweep.texts += {value}"]
        verdict = policy.scalar(name, place.parent, within=place.role is not None, extra=self.extra)
        closed = "enum" in one or "format" in one or one.get("type") != "string"
        if verdict == "kept" or (closed and (verdict == "text" or (place.role is None and verdict == "suspicious"))):
            return []
        if verdict == "text":
            return [f"if {value}: text({value})"]
        if verdict in ("link", "document") or closed:
            return [there + swept]
        instead = repr(policy.placeholder(name, place.role, place.parent)) if self.keep else "UNSET"
        return [f"if {value}: lost({value}); {attribute} = {instead}"]

    def _type(self, name: str, schema: Mapping[str, Any]) -> Any:
        """Return the type of an object; a field that it does not know makes msgspec refuse the answer."""
        name = name or str(id(schema))
        if name in self._types:
            if self._types[name] is None:
                raise _Unfit
            return self._types[name]
        self._types[name] = None
        if "compressionAlgorithm" in schema["properties"]:
            raise _Unfit
        properties = list(schema["properties"].items())
        fields = [(f"f{number}", self._of(one), UNSET) for number, (_, one) in enumerate(properties)]
        spelled = {f"f{number}": field for number, (field, _) in enumerate(properties)}
        made = msgspec.defstruct("Answer", fields, forbid_unknown_fields=True, rename=spelled, gc=False)
        self._types[name] = made
        return made

    def _of(self, schema: Mapping[str, Any]) -> Any:
        """Return the type of a field, which may be null, or not there."""
        name, one = self._resolved(schema)
        if "properties" in one:
            return self._type(name, one) | None | UnsetType
        if one.get("type") == "array":
            inner, item = self._resolved(one.get("items", {}))
            each = self._type(inner, item) if "properties" in item else str if item.get("type") == "string" else Any
            return list[each] | None | UnsetType  # type: ignore[valid-type]  # made as the schema says
        kinds = {"string": str, "integer": int | float, "number": int | float, "boolean": bool, "object": dict}
        return kinds.get(one.get("type", ""), str | int | float | bool) | None | UnsetType


def _placed(place: _Place, properties: Mapping[str, Any]) -> _Place:
    """Return the place of an object, a buyer's if its fields are those of an address."""
    if place.role is None and any(personal.ADDRESS.fullmatch(personal.plain(name)) for name in properties):
        return msgspec.structs.replace(place, role=policy.role(place.parent))
    return place


def _deeper(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]
