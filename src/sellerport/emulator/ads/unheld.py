"""Operations of which the local Amazon holds nothing: they succeed, with nothing in the answer, and say so.

What nothing is follows from the schema of the answer: its lists are empty, and what may be left out is. Where a schema
wants more than that, or Amazon publishes none, the answer is an empty object. ``x-sellerport-emulator: no-state`` marks
all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sellerport import catalog
from sellerport.catalog import Operation
from sellerport.emulator.call import Answer

MARK = {"x-sellerport-emulator": "no-state"}


def answer(operation: Operation) -> Answer:
    """Answer an operation with nothing."""
    schemas = catalog.schemas(operation.api, "ads")
    responses = {status: name for status, name in schemas.of(operation).responses.items() if status.startswith("2")}
    status = min(responses, default="200")
    name = responses.get(status)
    if status == "204" or (responses and name is None):
        return Answer(None, int(status), MARK)
    body = _nothing({"$ref": f"#/$defs/{name}"}, schemas.definitions) if name else {}
    return Answer({} if body is None else body, int(status), MARK)


def _nothing(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Any:
    """Return the emptiest list or object that fits, or None where the schema wants something."""
    if "$ref" in schema:
        return _nothing(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if schema.get("type") == "array":
        return None if schema.get("minItems") else []
    if schema.get("type") != "object" and "properties" not in schema:
        return None
    required = schema.get("required", ())
    made = {}
    for name, inner in schema.get("properties", {}).items():
        resolved = definitions[inner["$ref"].rpartition("/")[2]] if "$ref" in inner else inner
        if name not in required and resolved.get("type") != "array":
            continue
        value = _nothing(inner, definitions)
        if value is not None:
            made[name] = value
        elif name in required:
            return None
    return made
