"""What arrived, and how the control plane shows it: with secrets masked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import msgspec

MASK = "***"
SECRET_HEADERS = frozenset(
    {"x-amz-access-token", "authorization", "cookie", "x-amz-security-token", "proxy-authorization"}
)
SECRET_FIELDS = frozenset(
    {
        "client_secret", "refresh_token", "access_token", "code", "spapi_oauth_code", "restricteddatatoken",
        "x-amz-signature", "amazon_state", "form_token",
    }
)  # fmt: skip
LARGEST_SHOWN = 2**15
"""Of a body, in bytes: a thousand requests are remembered."""


@dataclass(frozen=True)
class Arrived:
    """A request as it came in: the path is raw, header names are in lower case."""

    method: str
    host: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    address: str
    """Where the local Amazon was reached, such as ``http://127.0.0.1:8099``."""


def entry(arrived: Arrived, when: float) -> dict[str, Any]:
    """Return what to remember of a request; ``status`` is filled in when it is answered, if it ever is."""
    return {
        "time": when,
        "method": arrived.method,
        "host": arrived.host,
        "path": arrived.path,
        "query": _pairs(arrived.query),
        "headers": {name: MASK if name in SECRET_HEADERS else value for name, value in arrived.headers.items()},
        "body": _body(arrived),
        "status": None,
        "fault": None,
    }


def _pairs(encoded: str) -> list[list[str]]:
    return [
        [name, MASK if name.lower() in SECRET_FIELDS else value]
        for name, value in parse_qsl(encoded, keep_blank_values=True)
    ]


def _body(arrived: Arrived) -> Any:
    """Return a JSON body as it is, a form as its pairs, anything else, or what is very long, as its length."""
    if not arrived.body:
        return None
    if len(arrived.body) > LARGEST_SHOWN:
        return f"{len(arrived.body)} bytes"
    if "urlencoded" in arrived.headers.get("content-type", ""):
        return _pairs(arrived.body.decode("utf-8", "replace"))
    try:
        return _masked(msgspec.json.decode(arrived.body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return f"{len(arrived.body)} bytes"


def _masked(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            name: MASK if str(name).lower() in SECRET_FIELDS and isinstance(inner, str) else _masked(inner)
            for name, inner in value.items()
        }
    return [_masked(inner) for inner in value] if isinstance(value, list) else value
