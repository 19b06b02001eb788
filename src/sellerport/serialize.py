"""Arguments to HTTP, pure: checks a call's arguments against the catalogue, then writes path, query, headers and body.

Arguments may be spelled as Python spells them (``marketplace_ids``) or as Amazon does (``MarketplaceIds``); the fields
of a body have Amazon's names only. Everything is checked before anything is sent, and every problem is reported, not
the first. Values come out exactly: every character but the unreserved ones of RFC 3986 is percent-encoded, a list
becomes one comma-joined parameter or several, as the operation wants it.
"""

from __future__ import annotations

import difflib
import math
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from operator import index
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote
from uuid import UUID

import msgspec

from sellerport import catalog
from sellerport.catalog import Family, Operation, Parameter
from sellerport.errors import InvalidArguments, Problem

if TYPE_CHECKING:
    import jsonschema_rs


LISTED_UP_TO = 1 << 16
"""Bytes of arguments up to which every problem is listed; listing those of a million items would take a gigabyte."""

MOST_UNKNOWN = 50
"""How many problems with names are listed."""

MOST_VALUES = 20
"""How many of the values that a field may have are listed."""

_WHOLE = re.compile(r"(-?[0-9]+)(?:\.0+)?")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
# All that Amazon takes for a moment begins with a year: days, minutes, milliseconds, offsets. Its sandbox takes names.
_MOMENTS = ("date-time", "date")
_DATE = re.compile(r"\d{4}|TEST_CASE_")

JSON = "application/json"
HALF = "a value holds half a character (a lone surrogate)"

_encoder = msgspec.json.Encoder(decimal_format="number")


class Prepared(msgspec.Struct, frozen=True):
    """What an operation's arguments come to: ``path`` includes the query."""

    method: str
    path: str
    headers: dict[str, str] = {}
    body: bytes | None = None
    given: Mapping[str, Any] = {}
    """The arguments under Python's names, as JSON says them."""

    def __repr__(self) -> str:
        return f"Prepared(method={self.method!r})"  # everything else may hold personal data


def prepare(operation: Operation, arguments: Mapping[str, Any], *, check: bool = True) -> Prepared:
    """Return the request that a call comes to.

    Args:
        operation: from the catalogue.
        arguments: its parameters by name, and ``body``. None means not given. A ``datetime`` is sent in UTC, naive ones
            are taken to be in UTC, in bodies too. A single value may stand for a list, and any iterable is one. In a
            body, a ``Decimal`` is a number with exactly its digits, and ``bytes`` are written in Base64.
        check: whether values have to fit the operation's schemas and names have to be known, of which Amazon may have
            more by now. Without, what is not known goes into the query as it is spelled.

    Raises:
        InvalidArguments: lists every unknown, missing or wrong argument.
    """
    known = _spellings(operation.api, operation.name, operation.family)
    given: dict[str, Any] = {}
    unknown: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, value in arguments.items():
        if value is None:
            continue
        if len(problems) >= MOST_UNKNOWN:
            break
        parameter = known.get(name)
        if parameter is not None:
            if parameter.name in given:
                problems.append(Problem(name, "is given twice, in two spellings"))
            given[parameter.name] = _plain(value, parameter, problems)
        elif name == "body" and operation.body is not None:
            given["body"] = as_json("body", value, problems)
        elif check or name == "body":
            problems.append(Problem(name, _unknown(name, operation)))
        else:
            unknown[name] = value
    required = _required(operation.api, operation.name, operation.family)
    problems += [Problem(name, "is required") for name in required if name not in given]
    given = {name: value for name, value in given.items() if value is not None}  # what has a problem already
    problems += _wrong(operation, given) if check else []
    for name, value in given.items():
        if name != "body" and (message := _unsendable(known[name], value)):
            problems.append(Problem(name, message))
    more = _query(unknown, problems)
    if problems:
        raise InvalidArguments(operation.key, problems)
    try:
        return _write(operation, given, more)
    except UnicodeEncodeError as error:
        raise InvalidArguments(operation.key, [Problem("", HALF)]) from error


def prepare_unknown(operation: Operation, arguments: Mapping[str, Any]) -> Prepared:
    """Return the request for an operation that the catalogue lacks: every argument but ``body`` goes into the query.

    Raises:
        InvalidArguments: a value cannot be written into a query, or the body is no JSON.
    """
    problems: list[Problem] = []
    given = {name: value for name, value in arguments.items() if value is not None}
    body = as_json("body", given.pop("body"), problems) if "body" in given else None
    query, headers, sent = _query(given, problems), {}, None
    if body is not None:
        try:
            headers, sent = {"content-type": next(iter(operation.media.request), JSON)}, _encoder.encode(body)
        except UnicodeEncodeError:
            problems.append(Problem("body", HALF))
    if problems:
        raise InvalidArguments(operation.key, problems)
    path = f"{operation.path}?{'&'.join(query)}" if query else operation.path
    return Prepared(operation.method, path, headers, sent)


def _query(given: Mapping[str, Any], problems: list[Problem]) -> list[str]:
    """Write parameters that the catalogue lacks, each under its name as it is spelled."""
    query = []
    for name, value in given.items():
        try:
            query.append(f"{_encode(name)}={','.join(_encode(_leaf(one)) for one in _many(value))}")
        except (_NoJson, UnicodeEncodeError):
            problems.append(Problem(name, "cannot be written into a query"))
    return query


# From Python to JSON


class _NoJson(Exception):
    """A value that JSON cannot say; ``path`` is where it stands."""

    def __init__(self) -> None:
        self.path: list[str] = []


def _plain(value: Any, parameter: Parameter, problems: list[Problem]) -> Any:
    """Return a parameter's value as JSON holds it, or None and a problem."""
    schema = parameter.schema
    try:
        if schema.get("type") == "array":
            items = schema.get("items", {})
            return [_scalar(one, items) for one in _many(value)]
        return _scalar(value, schema)
    except _NoJson:
        problems.append(Problem(parameter.name, f'the value is not of type "{schema.get("type", "string")}"'))
    return None


def _many(value: Any) -> Iterable[Any]:
    """Return a list, or a list of the one value."""
    if isinstance(value, list):
        return value
    one = isinstance(value, str | bytes | Enum | Mapping) or not isinstance(value, Iterable)
    return [value] if one else value


def _scalar(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return one value, of the type that the schema wants where that makes no difference in a URL."""
    wanted, form = schema.get("type"), schema.get("format")
    value = _leaf(value)[:10] if form == "date" and isinstance(value, datetime) else _leaf(value)
    if wanted == "string" and not isinstance(value, str):
        if isinstance(value, Decimal) or (form == "boolean" and isinstance(value, bool)):
            return _text(value)
    elif form == "boolean" and value in ("True", "False"):
        return value.lower()
    elif wanted == "integer" and not isinstance(value, bool | int) and (whole := _WHOLE.fullmatch(_text(value))):
        return int(whole[1])
    elif wanted == "number" and isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value) if "." in value else int(value)
    return value


def as_json(field: str, value: Any, problems: list[Problem]) -> Any:
    """Return a body as JSON holds it, or None and a problem."""
    try:
        return _json(value)
    except _NoJson as error:
        problems.append(Problem(".".join([field, *error.path]), "is something that JSON cannot say"))
    except RecursionError:
        problems.append(Problem(field, "is nested too deeply"))
    return None


_AS_THEY_ARE = frozenset({str, int, bool, type(None)})


def _json(value: Any) -> Any:
    if isinstance(value, list):
        return [one if type(one) in _AS_THEY_ARE else _inside(number, one) for number, one in enumerate(value)]
    if isinstance(value, dict):
        return {
            key if type(key) is str else _name(key): one if type(one) in _AS_THEY_ARE else _inside(key, one)
            for key, one in value.items()
        }
    if isinstance(value, Mapping):
        return _json(dict(value))
    if isinstance(value, bytes | bytearray):
        return b64encode(value).decode()
    if isinstance(value, Iterable) and not isinstance(value, str):
        return _json(list(value))
    return _leaf(value)


def _inside(key: Any, value: Any) -> Any:
    try:
        return _json(value)
    except _NoJson as error:
        error.path.insert(0, str(key))
        raise


def _name(key: Any) -> str:
    name = _leaf(key)
    if not isinstance(name, str):
        raise _NoJson
    return name


def _leaf(value: Any) -> Any:
    """Return a value that holds no others as a string, a boolean or a number."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, str):
        return str(value)  # a subclass of str is one to JSON too
    if isinstance(value, datetime):
        try:
            utc = _in_utc(value)
        except OverflowError:  # in the first or last hours that Python knows
            raise _NoJson from None
        return utc.isoformat(timespec="milliseconds" if utc.microsecond else "seconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID | PurePosixPath):
        return str(value)
    if isinstance(value, bool) or (isinstance(value, float | Decimal) and math.isfinite(value)):
        return value
    if hasattr(value, "__index__"):  # integers, those of NumPy too
        return index(value)
    raise _NoJson


def _in_utc(moment: datetime) -> datetime:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


# What is wrong


def _unknown(name: str, operation: Operation) -> str:
    if name == "body":
        return "is unknown: this operation takes no body"
    folded = _folded(name)
    if operation.body is not None and not fields(operation):
        for known in body_of(operation).get("properties", ()):
            if _folded(known) == folded:
                return f"is a field of the body; give it inside body={{{known!r}: ...}}"
    names = [parameter.name for parameter in operation.parameters] + (["body"] if operation.body else [])
    names += [one.name for one in fields(operation).values()]
    near = difflib.get_close_matches(name.lower(), names, n=1)
    return f"is unknown; did you mean {near[0]!r}?" if near else f"is unknown; there are {', '.join(names) or 'none'}"


def _folded(name: str) -> str:
    return name.replace("_", "").lower()


def _wrong(operation: Operation, given: Mapping[str, Any]) -> list[Problem]:
    """Return where the arguments break the operation's schemas; no value is repeated, as it may be personal data."""
    validator = _validator(operation.api, operation.name, operation.family)
    try:
        if validator.is_valid(given):
            return []
        if len(_encoder.encode(given)) <= LISTED_UP_TO:
            return [_problem(error) for error in validator.iter_errors(given)]
        validator.validate(given)
    except UnicodeEncodeError:
        return [Problem("", HALF)]
    except ValueError as error:  # jsonschema_rs's own errors are of this kind, and its limit of 255 levels
        return [_problem(error)]
    return []


def _problem(error: Any) -> Problem:
    """Say what is wrong and what would be right."""
    if not hasattr(error, "kind"):
        return Problem("", "are nested too deeply")
    path, message, facts = list(map(str, error.instance_path)), error.message, error.kind.as_dict()
    match error.kind.name:
        case "required":
            path, message = [*path, facts["property"]], "is required"
        case "enum":
            options = [str(one) for one in facts["options"]]
            more = f" and {len(options) - MOST_VALUES} more" if len(options) > MOST_VALUES else ""
            message = f"must be one of {', '.join(options[:MOST_VALUES])}{more}"
        case "not":
            message = f"is spelled {facts['schema']['title']!r} here"
    return Problem(".".join(path), message)


def _unsendable(parameter: Parameter, value: Any) -> str | None:
    """Return why a value, although of the right type, cannot be put into a request."""
    if isinstance(value, list):
        if not value or "" in value:
            return "must not be empty, nor hold an empty value; leave it out to give none"
        # Amazon cannot tell a comma in a value from one between two (its page "URL encoding")
        if parameter.style == "csv" and len(value) > 1 and any("," in str(one) for one in value):
            return "holds a value with a comma, which cannot be told from two values; ask for it alone"
    elif parameter.place == "path":
        parts = str(value).split("/") if parameter.greedy else [str(value)]
        if any(part in ("", ".", "..") for part in parts):
            return "must not be empty, '.' or '..', which would change the path"
    elif parameter.place == "header" and not (_text(value).isascii() and _text(value).isprintable()):
        return "holds a character that a header cannot carry"
    elif isinstance(value, str) and not _DATE.match(value) and parameter.schema.get("format") in _MOMENTS:
        return "must be a date or datetime, or text as in ISO 8601, such as 2026-01-31 or 2026-01-31T08:00:00Z"
    return None


# What the catalogue says of an operation


@cache
def _spellings(api: str, name: str, family: Family) -> Mapping[str, Parameter]:
    """Return an operation's parameters by Python's name and by Amazon's."""
    parameters = catalog.index(family).by_api[api][name].parameters
    return {spelled: parameter for parameter in parameters for spelled in (parameter.wire, parameter.name)}


@cache
def _required(api: str, name: str, family: Family) -> tuple[str, ...]:
    operation = catalog.index(family).by_api[api][name]
    names = [parameter.name for parameter in operation.parameters if parameter.required]
    return (*names, *(["body"] if operation.body is not None and operation.body.required else []))


def body_of(operation: Operation) -> Mapping[str, Any]:
    """Return the schema of an operation's body, or an empty one where Amazon publishes none."""
    schemas = catalog.schemas(operation.api, operation.family)
    return schemas.definitions.get(schemas.of(operation).body or "", {})


class Field(NamedTuple):
    """A field of a body that may be given as an argument: ``name`` as Python writes it, ``wire`` as Amazon does."""

    name: str
    wire: str
    schema: Mapping[str, Any]
    includes: bool
    """Whether it is an object that lists what to include."""


def fields(operation: Operation) -> Mapping[str, Field]:
    """Return the fields of an operation's body that may be given as arguments, by Python's name.

    The Ads API's bodies hold what its other calls have in their queries, so that there all are, but for those that are
    parameters too.
    """
    return _fields(operation.api, operation.name, operation.family) if operation.family == "ads" else {}


@cache
def _fields(api: str, name: str, family: Family) -> Mapping[str, Field]:
    if not api:
        return {}
    operation = catalog.index(family).by_api[api][name]
    definitions = catalog.schemas(api, family).definitions
    taken = {spelled for one in operation.parameters for spelled in (one.name, one.wire)} | {"body"}
    found = {}
    for wire, schema in properties(body_of(operation), definitions).items():
        inside = resolved(schema, definitions)
        if not {wire, snake(wire)} & taken:
            found[snake(wire)] = Field(snake(wire), wire, inside, "include" in properties(inside, definitions))
    return found


@cache
def _validator(api: str, name: str, family: Family) -> jsonschema_rs.Validator:
    import jsonschema_rs  # noqa: PLC0415  # 28 ms that only a first call has to pay

    operation = catalog.index(family).by_api[api][name]
    properties = {parameter.name: parameter.schema for parameter in operation.parameters}
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    if body := catalog.schemas(api, family).of(operation).body:
        properties["body"] = {"$ref": f"#/$defs/{body}"}
        schema["$defs"] = _definitions(api, family)
    return jsonschema_rs.validator_for(schema, mask="the value", validate_formats=False)


@cache
def _definitions(api: str, family: Family) -> Mapping[str, Any]:
    return {name: _spelled(schema) for name, schema in catalog.schemas(api, family).definitions.items()}


def _spelled(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema that also refuses its names in other spellings, which Amazon would pass over without a word."""
    made = dict(schema)
    if "properties" in schema:
        made["properties"] = {
            spelled: {"not": {"title": name}}
            for name in schema["properties"]
            for spelled in (snake(name), name[:1].lower() + name[1:], name[:1].upper() + name[1:])
        } | {name: _spelled(inner) for name, inner in schema["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            made[key] = _spelled(schema[key])
    for key in ("allOf", "anyOf"):
        if key in schema:
            made[key] = [_spelled(part) for part in schema[key]]
    return made


def properties(schema: Mapping[str, Any], definitions: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the fields of a schema, looked up where it only refers to others."""
    schema = resolved(schema, definitions)
    found: dict[str, Any] = {}
    for part in schema.get("allOf", ()):
        found |= properties(part, definitions)
    found |= schema.get("properties", {})
    return found


def resolved(schema: Mapping[str, Any], definitions: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return what a reference means."""
    while "$ref" in schema:
        schema = definitions[schema["$ref"].rsplit("/", 1)[-1]]
    return schema


def snake(name: str) -> str:
    """Return a field's name as Python spells it."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


# From JSON to HTTP


def _write(operation: Operation, given: Mapping[str, Any], more: list[str]) -> Prepared:
    path, query, headers = operation.path, more, {}
    for parameter in operation.parameters:
        value = given.get(parameter.name)
        if value is None:
            continue
        wire = parameter.wire
        if parameter.place == "path":
            path = path.replace(f"{{{wire}}}", _encode(value, safe="/" if parameter.greedy else ""), 1)
        elif parameter.place == "header":
            headers[wire] = _text(value)
        elif parameter.style == "multi":
            query += [f"{wire}={_encode(one)}" for one in value]
        elif parameter.style == "csv":
            many = map(_encode, value)
            query.append(f"{wire}={','.join(map(_encode, many) if parameter.twice else many)}")
        else:
            query.append(f"{wire}={_encode(value)}")
    body = _encoder.encode(given["body"]) if "body" in given else None
    if body is not None:
        headers.setdefault("content-type", next(iter(operation.media.request), JSON))
    return Prepared(operation.method, f"{path}?{'&'.join(query)}" if query else path, headers, body, given)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)


def _encode(value: Any, safe: str = "") -> str:
    text = _text(value)
    return text if text.isascii() and text.isalnum() else quote(text, safe=safe)  # which looks at every character


# Ids: what a field is called whose name ends in ``Id``. They have up to 64 bits, more than a double holds, so that they
# are strings wherever callers see them.


def write_ids(value: Any) -> None:
    """Make every id in an answer a string, in place: it was decoded a moment ago, and nobody else has it."""
    if isinstance(value, list):
        for one in value:
            write_ids(one)
    elif isinstance(value, dict):
        for name, one in value.items():
            kind = type(one)
            if kind is int:
                if name.endswith("Id"):
                    value[name] = str(one)
            elif kind is dict or kind is list:
                write_ids(one)


def with_numeric_ids(value: Any, inside: bool = False) -> Any:
    """Return a body with its ids as numbers, as Amazon's older APIs want them; also those that a filter includes."""
    if isinstance(value, Mapping):
        return {name: with_numeric_ids(one, inside or name.endswith(("Id", "IdFilter"))) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [with_numeric_ids(one, inside) for one in value]
    return int(value) if inside and isinstance(value, str) and value.isascii() and value.isdigit() else value
