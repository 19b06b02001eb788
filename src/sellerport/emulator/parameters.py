"""Whether the parameters of a call are what the catalogue says: those that have to be there, and the query's values.

A value of a path is looked up as it is, and one of a header only has to be there. Dates are left to whoever reads them,
since Amazon takes more forms than one. What Amazon's APIs say to a value that they do not take differs from one to the
next, and is mostly not known: here it is 400 ``InvalidInput``, and the details name the parameter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sellerport.catalog import Operation, Parameter
from sellerport.emulator.call import invalid

NUMBERS = {"integer": re.compile(r"-?[0-9]{1,18}"), "number": re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")}

OWN_WORDS = frozenset(
    {"catalog_items_2022_04_01", "listings_items_2021_08_01", "listings_restrictions_2021_08_01", "orders_v0"}
)
"""APIs whose own code looks at values, because it is known what they say."""


def check(operation: Operation, query: Mapping[str, Sequence[str]], headers: Mapping[str, str]) -> None:
    """Look at every parameter of a call before anybody answers it.

    Raises:
        AmazonRefused: one is missing, or has a value that the catalogue does not allow.
    """
    for parameter in operation.parameters:
        sent = {
            "path": True,
            "query": any(query.get(parameter.wire, ())),
            "header": headers.get(parameter.wire.lower()),
        }
        if parameter.required and not sent[parameter.place]:
            raise invalid(f"Missing required parameter: {parameter.wire}")
    if operation.api not in OWN_WORDS:
        check_values(operation, query)


def check_values(operation: Operation, query: Mapping[str, Sequence[str]]) -> None:
    """Look at what the query says.

    Raises:
        AmazonRefused: a value is not one that the catalogue allows.
    """
    for parameter in operation.parameters:
        values = [value for value in query.get(parameter.wire, ()) if value] if parameter.place == "query" else []
        if values:
            _check_values(parameter, values)


def _check_values(parameter: Parameter, values: Sequence[str]) -> None:
    """Look at a list as clients send it - joined, repeated or both - or at the first of what should be one value."""
    schema, name = parameter.schema, parameter.wire
    if schema.get("type") != "array":
        _check_value(schema, name, values[0])
        return
    parts = [part for value in values for part in value.split(",") if part]
    if len(parts) > schema.get("maxItems", len(parts)):
        raise invalid(f"{name} must not have more than {schema['maxItems']} values")
    for part in parts:
        _check_value(schema["items"], name, part)


def _check_value(schema: Mapping[str, Any], name: str, value: str) -> None:
    kind = schema.get("type")
    if kind in NUMBERS:
        low, high = schema.get("minimum"), schema.get("maximum")
        number = float(value) if NUMBERS[kind].fullmatch(value) else None
        if number is None or (low is not None and number < low) or (high is not None and number > high):
            bounds = [f"{word} {bound}" for word, bound in (("from", low), ("to", high)) if bound is not None]
            raise invalid(f"{name} must be {' '.join(bounds) or 'a number'}")
    elif kind == "boolean" and value.lower() not in ("true", "false"):
        raise invalid(f"{name} must be true or false")
    elif "enum" in schema and value not in schema["enum"]:
        raise invalid(f"{name} has an unknown value: {value}")
    elif not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        raise invalid(f"{name} is too short or too long")
    elif "pattern" in schema and not re.search(schema["pattern"], value):
        raise invalid(f"{name} is not of the form {schema['pattern']}")
