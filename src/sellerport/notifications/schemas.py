"""What Amazon has published about each notification, read when it is first asked for.

The facts are compiled by ``tools/notifications.py``: objects, lists and values, with no reference to resolve. Keys are
compared without capitals, since Amazon does not always send the spelling that it publishes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import msgspec

from sellerport.errors import Problem

if TYPE_CHECKING:
    import jsonschema_rs


class Published(msgspec.Struct, frozen=True):
    """One published schema: of the whole message, for notifications of one type."""

    type: str
    schema: dict[str, Any]
    payload_version: str | None = None


@cache
def published() -> Mapping[str, Published]:
    """Return every schema by the name that its payload has in `sellerport.notifications.types`."""
    text = files(__package__).joinpath("schemas.json").read_bytes()
    return msgspec.json.decode(text, type=dict[str, Published])


def name_of(type: str, payload_version: str | None) -> str | None:
    """Return the name of the schema for a notification: its version's, or else its type's newest."""
    versions = {known.payload_version: name for name, known in published().items() if known.type == type}
    return versions.get(payload_version, next(reversed(versions.values()), None))


def payload_schema(name: str) -> Mapping[str, Any]:
    """Return the schema of a payload, by the name of its type."""
    properties = published()[name].schema["properties"]
    found: Mapping[str, Any] = next(value for key, value in properties.items() if key.lower() == "payload")
    return found


def respelled(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return a value with its keys as the schema spells them; what the schema does not know stays as it is."""
    if isinstance(value, list) and "items" in schema:
        return [respelled(one, schema["items"]) for one in value]
    if not isinstance(value, Mapping) or "properties" not in schema:
        return value
    known = schema["properties"]
    strange = value.keys() - known.keys()
    spellings = {name.lower(): name for name in known if name not in value} if strange else {}
    names = {key: spellings.get(key.lower(), key) if key in strange else key for key in value}
    return {name: respelled(value[key], known.get(name, {})) for key, name in names.items()}


def differences(message: Mapping[str, Any], name: str) -> list[Problem]:
    """Return where a message breaks its published schema, with no value of it: values may be personal data."""
    try:
        errors = list(_validator(name).iter_errors(respelled(message, published()[name].schema)))
    except ValueError:  # jsonschema_rs's word for it
        return [Problem("", "holds something that JSON cannot say, or is nested too deeply")]
    return [Problem(".".join(map(str, error.instance_path)), error.message) for error in errors]


@cache
def _validator(name: str) -> jsonschema_rs.Validator:
    import jsonschema_rs  # noqa: PLC0415  # 28 ms that only checking has to pay

    return jsonschema_rs.validator_for(published()[name].schema, mask="the value", validate_formats=True)
