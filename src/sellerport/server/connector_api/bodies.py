"""What callers send, decoded; every problem is found, and named by its field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec.structs import fields

from sellerport.errors import InvalidArguments, Problem

T = TypeVar("T", bound=msgspec.Struct)

_AT = re.compile(r" - at `\$(?P<path>.*)`$")

TENANT_NAMES = ("workspace_name", "customer_name", "external_user_id")
"""One thing under the three names it has had; a caller may use any."""

TYPE_NAMES = ("connector_type", "definition_id", "source_template_id")


class TokenRequest(msgspec.Struct):
    """POST /api/v1/account/applications/token."""

    client_id: str
    client_secret: str


class _Kind(msgspec.Struct, kw_only=True):
    connector_type: str | None = None
    definition_id: str | None = None
    source_template_id: str | None = None
    application: str | None = None
    """Ours: the name of a registered application, where there are several."""
    workspace_name: str | None = None
    customer_name: str | None = None
    external_user_id: str | None = None
    name: str | None = None
    environment: dict[str, Any] | None = None
    replication_config: dict[str, Any] | None = None


class InitiateRequest(_Kind, kw_only=True):
    """POST /api/v1/integrations/connectors/oauth/initiate."""

    redirect_url: str | None = None
    connector_id: str | None = None
    """Ours: a connection whose owner has to consent again."""


class CreateRequest(_Kind, kw_only=True):
    """POST /api/v1/integrations/connectors."""

    credentials: dict[str, Any] | None = None
    server_side_oauth_secret_id: str | None = None


class ClaimRequest(msgspec.Struct, kw_only=True):
    """POST /api/v1/integrations/connectors/{id}/claim; ours."""

    workspace_name: str | None = None
    customer_name: str | None = None
    external_user_id: str | None = None
    connector_id: str | None = None
    """A connection that the pending one renews."""


class ExecuteRequest(msgspec.Struct, kw_only=True):
    """POST /api/v1/integrations/connectors/{id}/execute."""

    entity: str
    action: str
    params: dict[str, Any] | None = None
    select_fields: list[str] | None = None
    exclude_fields: list[str] | None = None
    skip_truncation: bool = True
    intent: Annotated[str, msgspec.Meta(max_length=512)] | None = None


def decode(body: bytes, kind: type[T]) -> T:
    """Decode a JSON body.

    Raises:
        InvalidArguments: it is no JSON object, or lists every field that is missing or of another type.
    """
    try:
        given = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        given = None
    if not isinstance(given, dict):
        raise InvalidArguments(problems=[Problem("body", "must be a JSON object")])
    problems, values = [], {}
    for wanted in fields(kind):
        if wanted.name not in given:
            if wanted.required:
                problems.append(Problem(wanted.name, "is required"))
            continue
        try:
            values[wanted.name] = msgspec.convert(given[wanted.name], wanted.type)
        except msgspec.ValidationError as error:
            problems.append(_problem(wanted.name, str(error)))
    if problems:
        raise InvalidArguments(problems=problems)
    return kind(**values)


def tenant(given: Mapping[str, str | None]) -> str | None:
    """Return the organization's user that a body or query names, under whichever of the three names.

    Raises:
        InvalidArguments: it names two different ones, or an empty one, which is not everyone.
    """
    named = {name: value for name in TENANT_NAMES if (value := given.get(name)) is not None}
    problems = [Problem(name, "must not be empty") for name, value in named.items() if not value]
    if len(set(named.values())) > 1:
        problems += [Problem(name, "names another one than the others do") for name in named]
    if problems:
        raise InvalidArguments(problems=problems)
    return next(iter(named.values()), None)


def _problem(field: str, message: str) -> Problem:
    """Take apart a message of msgspec's: ``Expected `str`, got `int` - at `$[0]```."""
    where = _AT.search(message)
    path = where["path"] if where else ""
    return Problem(field + path.replace("[...]", ".*").replace("[", ".").replace("]", ""), _AT.sub("", message))
