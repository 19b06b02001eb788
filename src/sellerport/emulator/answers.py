"""Answers for the operations that have no code of their own: invented from the catalogue's schema of the answer.

* The same seed, operation and arguments give the same bytes; no clock is read.
* A value that was asked for comes back: the order id in the path is the order id of the answer.
* Page tokens and errors are left out where the schema allows, so that a client that pages or checks comes to an end;
  a status that can be finished is.
"""

from __future__ import annotations

import base64
import math
import random
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sellerport import catalog, regions
from sellerport.catalog import Operation
from sellerport.emulator import patterns
from sellerport.emulator.call import Answer, Call

Schema = Mapping[str, Any]

DEPTH = 8
"""From here down, only what is required."""

EPOCH = datetime(2026, 1, 5, tzinfo=UTC)

LEFT_OUT = re.compile(r"errors?|errorlist|(next|previous|page|pagination)\w*token\w*")

FINISHED = ("DONE", "SUCCESS", "Success", "SUCCEEDED", "COMPLETED", "Completed", "ACTIVE", "Active")

WORDS = ("amber", "birch", "cedar", "ember", "fjord", "grove", "heath", "inlet", "juniper", "maple", "orchid", "pine")

Maker = Callable[[random.Random], str]


def invent(call: Call, *, page: int = 1, status: int | None = None) -> Answer:
    """Answer a call with a body of the schema that the catalogue has for it; each page has other values.

    Without a status it succeeds.
    """
    if status is None:
        status, name = success(call.operation)
    else:
        responses = catalog.schemas(call.operation.api).of(call.operation).responses
        name = None if status == 204 else responses.get(str(status))
    if name is None:
        return Answer(status=status)
    given = _given(call)
    text = f"{call.world.seed} {call.operation.key} {sorted(given.items())}"
    chance = random.Random(text if page == 1 else f"{text} {page}")  # noqa: S311
    home = call.account.marketplaces[0] if call.account else regions.marketplace(call.region)
    definitions = catalog.schemas(call.operation.api).definitions
    return Answer(_Inventor(definitions, chance, given, home).value({"$ref": f"#/$defs/{name}"}), status)


def success(operation: Operation) -> tuple[int, str | None]:
    """Return the status of an operation's success, and the definition of its body: 200 where there are two."""
    responses = catalog.schemas(operation.api).of(operation).responses
    status = min(status for status in responses if status.startswith("2"))
    return int(status), None if status == "204" else responses[status]


def _given(call: Call) -> dict[str, str]:
    """Return what the call named, by lower-case name, a list by its first value."""
    given: dict[str, str] = {}
    token = call.operation.paging.token if call.operation.paging else None
    for name, value in call.body.items() if isinstance(call.body, dict) else ():
        if isinstance(value, str) and name != token:
            given[name.lower()] = value
    for parameter in call.operation.parameters:
        if parameter.place == "query" and parameter.wire != token and (values := call.many(parameter.wire)):
            key = parameter.wire.lower()
            given[key.removesuffix("s") if parameter.style else key] = values[0]
    return {**given, **{name.lower(): value for name, value in call.path.items()}}


class _Inventor:
    """Walks a schema once; ``name`` is the property that a value stands in, ``depth`` how far down."""

    def __init__(
        self,
        definitions: Mapping[str, Schema],
        chance: random.Random,
        given: Mapping[str, str],
        home: regions.Marketplace,
    ) -> None:
        self._definitions = definitions
        self._chance = chance
        self._given = given
        self._home = home
        self._open: list[str] = []
        """The definitions that are being written, to notice one that holds itself."""

    def value(self, schema: Schema, name: str = "", depth: int = 0) -> Any:
        """Return a value that fits."""
        if "$ref" in schema:
            target = schema["$ref"].rpartition("/")[2]
            self._open.append(target)
            value = self.value(self._definitions[target], name, depth)
            self._open.pop()
            return value
        if "allOf" in schema:
            return self._object(self._merged(schema), depth)
        if "enum" in schema:
            finished = [one for one in FINISHED if one in schema["enum"]]
            asked = self._given.get(name.lower())
            return (
                asked if asked in schema["enum"] else finished[0] if finished else self._chance.choice(schema["enum"])
            )
        kind = schema.get("type", "object" if "properties" in schema else None)
        match kind:
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, name, depth)
            case "string":
                return self._string(schema, name)
            case "integer" | "number":
                return self._number(schema, name)
            case "boolean":
                return self._chance.random() < 0.5
        return {}

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        required = set(schema.get("required", ()))
        made = {}
        for name, inner in schema.get("properties", {}).items():
            if name in required or (
                depth < DEPTH and not LEFT_OUT.fullmatch(name.lower()) and not self._comes_back(inner)
            ):
                made[name] = self.value(inner, name, depth + 1)
        more = schema.get("additionalProperties")
        if isinstance(more, Mapping) and not self._comes_back(more):
            made[self._chance.choice(WORDS)] = self.value(more, "", depth + 1)
        return made

    def _array(self, schema: Schema, name: str, depth: int) -> list[Any]:
        items = schema.get("items", {})
        least, most = schema.get("minItems", 0), schema.get("maxItems", 2)
        stop = self._comes_back(items) or depth >= DEPTH or LEFT_OUT.fullmatch(name.lower())
        count = least if stop else max(least, min(most, 1 if depth > 3 else 2))
        single = name.removesuffix("s")
        made: list[Any] = []
        for _ in range(count):
            value = self.value(items, single, depth + 1)
            for _ in range(50):
                if not schema.get("uniqueItems") or value not in made:
                    break
                value = self.value(items, "", depth + 1)
            if not schema.get("uniqueItems") or value not in made:
                made.append(value)
        return made

    def _string(self, schema: Schema, name: str) -> str:
        least, most = schema.get("minLength", 0), schema.get("maxLength", 10_000)
        pattern = schema.get("pattern")
        asked = self._given.get(name.lower())
        for text in (asked, self._plausible(schema.get("format", ""), name)):
            if text is not None and least <= len(text) <= most and (pattern is None or re.search(pattern, text)):
                return text
        if pattern is not None:
            return patterns.example(pattern, self._chance, shortest=least, longest=most)
        text = self._plausible(schema.get("format", ""), name)[:most]
        return text + "".join(self._chance.choice("0123456789") for _ in range(least - len(text)))

    def _plausible(self, form: str, name: str) -> str:
        if form in FORMATS:
            return FORMATS[form](self._chance)
        low = name.lower()
        fixed = {
            "marketplaceid": self._home.id,
            "countrycode": self._home.country,
            "currency": self._home.currency,
            "currencycode": self._home.currency,
        }
        if low in fixed:
            return fixed[low]
        make = next((make for ending, make in ENDINGS if low.endswith(ending)), None)
        return make(self._chance) if make else self._chance.choice(WORDS)

    def _number(self, schema: Schema, name: str) -> int | float:
        low, high = schema.get("minimum", 1), schema.get("maximum")
        high = low + 20 if high is None else high
        low = min(low, high)
        if name.lower().endswith("statuscode") and schema.get("minimum", 200) <= 200 <= schema.get("maximum", 200):
            return 200
        step: int = schema.get("multipleOf", 1)
        if schema["type"] == "integer" or schema.get("format") in ("int32", "int64") or step != 1:
            least, most = math.ceil(low / step), int(min(high, low + 50 * step) / step)
            return self._chance.randint(least, max(least, most)) * step
        return round(self._chance.uniform(low, min(high, low + 100)), 2)

    def _comes_back(self, schema: Schema) -> bool:
        """Whether a schema leads, by itself or through a list, to a definition that is being written."""
        while "items" in schema:
            schema = schema["items"]
        return schema.get("$ref", "").rpartition("/")[2] in self._open

    def _merged(self, schema: Schema) -> Schema:
        """Return one object schema for an ``allOf``."""
        properties: dict[str, Any] = dict(schema.get("properties", {}))
        required = list(schema.get("required", ()))
        for part in schema["allOf"]:
            while "$ref" in part:
                part = self._definitions[part["$ref"].rpartition("/")[2]]
            part = self._merged(part) if "allOf" in part else part
            properties |= part.get("properties", {})
            required += part.get("required", ())
        return {"type": "object", "properties": properties, "required": required}


def _moment(chance: random.Random) -> str:
    return f"{EPOCH + timedelta(minutes=chance.randrange(300_000)):%Y-%m-%dT%H:%M:%SZ}"


def _day(chance: random.Random) -> str:
    return _moment(chance)[:10]


def _id(chance: random.Random) -> str:
    return f"{chance.getrandbits(64):016x}"


def _address(chance: random.Random) -> str:
    return f"https://local-amazon.invalid/{_id(chance)}"  # .invalid never resolves (RFC 2606)


def _order_id(chance: random.Random) -> str:
    return f"90{chance.randrange(1, 9)}-{chance.randrange(10**7):07d}-{chance.randrange(10**7):07d}"


def _amount(chance: random.Random) -> str:
    return f"{chance.randrange(500, 9000) / 100:.2f}"


FORMATS: Mapping[str, Maker] = {
    "date-time": _moment,
    "dateTime": _moment,
    "date": _day,
    "uri": _address,
    "byte": lambda chance: base64.b64encode(_id(chance).encode()).decode(),
    "application/pdf": lambda chance: base64.b64encode(b"%PDF-1.4 local " + _id(chance).encode()).decode(),
    "ip": lambda chance: f"192.0.2.{chance.randrange(1, 255)}",
}

# by the end of a property's name, the first that fits
ENDINGS: tuple[tuple[str, Maker], ...] = (
    ("orderid", _order_id),
    ("asin", lambda chance: f"B0L{chance.randrange(10**7):07d}"),
    ("sku", lambda chance: f"LOCAL-{chance.randrange(1000):03d}"),
    ("email", lambda chance: f"{chance.choice(WORDS)}@example.invalid"),
    ("phone", lambda chance: f"+00 555 01{chance.randrange(100):02d}"),
    ("url", _address),
    ("uri", _address),
    ("link", _address),
    ("href", _address),
    ("date", _moment),
    ("datetime", _moment),
    ("timestamp", _moment),
    ("amount", _amount),
    ("price", _amount),
    ("postalcode", lambda chance: f"{chance.randrange(100_000):05d}"),
    ("city", lambda chance: f"{chance.choice(WORDS).capitalize()}ville"),
    ("addressline1", lambda chance: f"{chance.randrange(1, 200)} {chance.choice(WORDS).capitalize()} Road"),
    ("name", lambda chance: f"{chance.choice(WORDS).capitalize()} {chance.choice(WORDS).capitalize()}"),
    ("title", lambda chance: f"{chance.choice(WORDS).capitalize()} {chance.choice(WORDS)}"),
    ("locale", lambda chance: "en_US"),
    ("languagecode", lambda chance: "en_US"),
    ("id", _id),
    ("token", _id),
)
