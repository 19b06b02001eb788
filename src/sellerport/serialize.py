"""Arguments to HTTP, pure: checks a call's arguments against the catalogue, then writes path, query, headers and body.

Arguments may be spelled as Python spells them (``marketplace_ids``) or as Amazon does (``MarketplaceIds``). They are
checked before anything is sent, and every problem is reported, not the first. Values come out exactly: every character
but the unreserved ones of RFC 3986 is percent-encoded, a list becomes one comma-joined parameter or several, as the
operation wants it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from sellerport import catalog
from sellerport.catalog import Operation, Parameter
from sellerport.errors import InvalidArguments, Problem

if TYPE_CHECKING:
    import jsonschema_rs


LISTED_UP_TO = 1 << 16
"""Bytes of arguments up to which every problem is listed; listing those of a million items would take a gigabyte."""

MOST_UNKNOWN = 50
"""How many problems with names are listed."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What an operation's arguments come to: ``path`` includes the query."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)


def prepare(operation: Operation, arguments: Mapping[str, Any]) -> Prepared:
    """Return the request that a call comes to.

    Args:
        operation: from the catalogue.
        arguments: its parameters by name, and ``body``. None means not given. A ``datetime`` is sent in UTC, naive ones
            are taken to be in UTC; a single value may stand for a list.

    Raises:
        InvalidArguments: lists every unknown, missing or wrong argument.
    """
    known = _spellings(operation.api, operation.name)
    given: dict[str, Any] = {}
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
            given[parameter.name] = _plain(value, parameter)
        elif name == "body" and operation.body is not None:
            given["body"] = _body(value, problems)
        else:
            problems.append(Problem(name, _unknown(name, operation)))
    required = [parameter.name for parameter in operation.parameters if parameter.required]
    required += ["body"] if operation.body is not None and operation.body.required else []
    problems += [Problem(name, "is required") for name in required if name not in given]
    problems += _wrong(operation, given)
    problems += [problem for name in given if name != "body" for problem in _unsendable(known[name], given[name])]
    if problems:
        raise InvalidArguments(operation.key, problems)
    try:
        return _write(operation, given)
    except UnicodeEncodeError as error:
        raise InvalidArguments(
            operation.key, [Problem("", "a value holds half a character (a lone surrogate)")]
        ) from error


def prepare_unknown(operation: Operation, arguments: Mapping[str, Any]) -> Prepared:
    """Return the request for an operation that the catalogue lacks: every argument but ``body`` goes into the query.

    Raises:
        InvalidArguments: a value cannot be written into a query, or the body is no JSON.
    """
    problems: list[Problem] = []
    given = {name: value for name, value in arguments.items() if value is not None}
    body = msgspec.json.encode(_body(given.pop("body"), problems)) if "body" in given else None
    query = []
    for name, value in given.items():
        values = [_scalar(one, {}) for one in (value if isinstance(value, list | tuple | set) else [value])]
        if any(isinstance(one, _NoJson) for one in values):
            problems.append(Problem(name, "cannot be written into a query"))
        query.append(f"{_encode(name)}={','.join(map(_encode, values))}")
    if problems:
        raise InvalidArguments(operation.key, problems)
    headers = {} if body is None else {"content-type": "application/json"}
    path = f"{operation.path}?{'&'.join(query)}" if query else operation.path
    return Prepared(operation.method, path, headers, body)


def _plain(value: Any, parameter: Parameter) -> Any:
    """Return a value as JSON would hold it."""
    if parameter.schema.get("type") == "array":
        many = [value] if isinstance(value, str | bytes | Enum) or not isinstance(value, Iterable) else value
        return [_scalar(one, parameter.schema.get("items", {})) for one in many]
    return _scalar(value, parameter.schema)


def _scalar(value: Any, schema: Mapping[str, Any]) -> Any:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, datetime):
        utc = (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
        return utc.isoformat(timespec="milliseconds" if utc.microsecond else "seconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool) and schema.get("type") == "string":  # `type: string, format: boolean`
        return "true" if value else "false"
    if isinstance(value, str):
        return str(value)  # a subclass of str is one to JSON too
    return value if isinstance(value, bool | int | float) else _NoJson()


class _NoJson(dict[str, Any]):
    """Stands for a value that no parameter can be: it is of no parameter's type."""


def _body(value: Any, problems: list[Problem]) -> Any:
    try:
        return msgspec.to_builtins(value, str_keys=True)
    except (TypeError, ValueError, RecursionError):
        problems.append(Problem("body", "holds something that JSON cannot say"))
        return {}


def _unknown(name: str, operation: Operation) -> str:
    names = [parameter.name for parameter in operation.parameters] + (["body"] if operation.body else [])
    if name == "body":
        return "is unknown: this operation takes no body"
    near = difflib.get_close_matches(name, names, n=1)
    return f"is unknown; did you mean {near[0]!r}?" if near else f"is unknown; there are {', '.join(names) or 'none'}"


def _wrong(operation: Operation, given: Mapping[str, Any]) -> list[Problem]:
    """Return where the arguments break the operation's schemas; no value is repeated, as it may be personal data."""
    validator = _validator(operation.api, operation.name)
    try:
        if validator.is_valid(given):
            return []
        if len(msgspec.json.encode(given)) <= LISTED_UP_TO:
            return [Problem(".".join(map(str, e.instance_path)), e.message) for e in validator.iter_errors(given)]
        validator.validate(given)
    except (RecursionError, TypeError, UnicodeEncodeError):
        return [Problem("", "hold something that JSON cannot say, or are nested too deeply")]
    except ValueError as error:  # jsonschema_rs's own errors are of this kind, and its limit of 255 levels
        path = ".".join(map(str, getattr(error, "instance_path", ())))
        return [Problem(path, getattr(error, "message", "is nested too deeply"))]
    return []


@cache
def _spellings(api: str, name: str) -> Mapping[str, Parameter]:
    """Return an operation's parameters by Python's name and by Amazon's."""
    parameters = catalog.index().by_api[api][name].parameters
    return {spelled: parameter for parameter in parameters for spelled in (parameter.wire, parameter.name)}


@cache
def _validator(api: str, name: str) -> jsonschema_rs.Validator:
    import jsonschema_rs  # noqa: PLC0415  # 28 ms that only a first call has to pay

    operation = catalog.index().by_api[api][name]
    properties = {parameter.name: parameter.schema for parameter in operation.parameters}
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    if operation.body is not None:
        schemas = catalog.schemas(api)
        properties["body"] = {"$ref": f"#/$defs/{schemas.of(operation).body}"}
        schema["$defs"] = schemas.definitions
    return jsonschema_rs.validator_for(schema, mask="the value", validate_formats=False)


def _unsendable(parameter: Parameter, value: Any) -> list[Problem]:
    """Return why a value, although of the right type, cannot be put into a request."""
    if isinstance(value, list) and (not value or "" in value):
        return [Problem(parameter.name, "must not be empty, nor hold an empty value; leave it out to give none")]
    if parameter.style == "csv" and isinstance(value, list) and any("," in str(one) for one in value):
        return [Problem(parameter.name, "holds a value with a comma, which cannot be sent in a comma-separated list")]
    if parameter.place == "path":
        parts = str(value).split("/") if parameter.greedy else [str(value)]
        if any(part in ("", ".", "..") for part in parts):
            return [Problem(parameter.name, "must not be empty, '.' or '..', which would change the path")]
    if parameter.place == "header" and not str(value).isprintable():
        return [Problem(parameter.name, "holds a character that a header cannot carry")]
    return []


def _write(operation: Operation, given: Mapping[str, Any]) -> Prepared:
    path, query, headers = operation.path, [], {}
    for parameter in operation.parameters:
        value = given.get(parameter.name)
        if value is None:
            continue
        if parameter.place == "path":
            path = path.replace(f"{{{parameter.wire}}}", _encode(value, safe="/" if parameter.greedy else ""), 1)
        elif parameter.place == "header":
            headers[parameter.wire] = _text(value)
        elif parameter.style == "multi":
            query += [f"{parameter.wire}={_encode(one)}" for one in value]
        elif parameter.style == "csv":
            query.append(f"{parameter.wire}={','.join(map(_encode, value))}")
        else:
            query.append(f"{parameter.wire}={_encode(value)}")
    body = msgspec.json.encode(given["body"]) if "body" in given else None
    if body is not None:
        headers["content-type"] = "application/json"
    return Prepared(operation.method, f"{path}?{'&'.join(query)}" if query else path, headers, body)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _encode(value: Any, safe: str = "") -> str:
    return quote(_text(value), safe=safe)
