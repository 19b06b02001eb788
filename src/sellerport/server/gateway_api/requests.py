"""What every route of the gateway does first: who calls, and what they send."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request

from sellerport.errors import CallerError, NotAllowed
from sellerport.server.gateway_api.secrets import canonical
from sellerport.server.hub import Caller, Pass
from sellerport.server.requests import hub_of, read_body

SELLER_TOKEN = "x-seller-access-token"  # noqa: S105
SECRET = "x-amazon-token-secret"  # noqa: S105
TENANT_TOKEN = "x-adb-access-token"  # noqa: S105


async def object_of(request: Request) -> dict[str, Any]:
    """Return the JSON object that a request sends; unknown fields are passed over.

    Raises:
        CallerError: it sends none, or one that is too large (413).
    """
    try:
        given = msgspec.json.decode(await read_body(request))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        given = None
    if not isinstance(given, dict):
        raise CallerError("the body must be a JSON object")
    return given


def text_of(given: dict[str, Any], name: str, message: str | None = None) -> str:
    """Return a text that has to be there.

    Raises:
        CallerError: it is missing, empty or no text; with the contract's message.
    """
    value = given.get(name)
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise CallerError(message or f"{name} is required")
    return value


def optional_text(given: dict[str, Any], name: str) -> str | None:
    """Return a text that need not be there.

    Raises:
        CallerError: it is something else.
    """
    value = given.get(name)
    if value is not None and (not isinstance(value, str) or "\0" in value):
        raise CallerError(f"{name} must be a text")
    return value


async def tenant_of(request: Request) -> Caller:
    """Return the tenant that calls, by its access token.

    Raises:
        Unauthenticated: ``Invalid ADB access token``.
    """
    caller = await hub_of(request).gateway.tenants.verify(header(request, TENANT_TOKEN))
    request.state.organization = caller.organization_id
    return caller


async def pass_of(request: Request) -> Pass:
    """Return what the seller's token and secret of a request open.

    Raises: as `Passes.check`.
    """
    token, secret = header(request, SELLER_TOKEN), secret_of(request)
    found = await hub_of(request).gateway.passes.check(token.encode("latin-1"), secret.encode(), request.state.address)
    request.state.organization = found.organization_id
    return found


def secret_of(request: Request, name: str = SECRET) -> str:
    """Return the secret that a header has, as it came in a query: in UTF-8 (RFC 9110 §5.5 leaves that open)."""
    return canonical(header(request, name).encode("latin-1").decode("utf-8", "replace"))


async def admin_of(request: Request) -> str:
    """Return the id of the token with which an administrator calls; `sellerport gateway admin-token` made it.

    Raises:
        Unauthenticated: ``Invalid token``.
        Unauthenticated: ``Token missing create-tenant claim``.
    """
    scheme, _, token = header(request, "authorization").partition(" ")
    return await hub_of(request).gateway.tenants.check_admin(token.strip() if scheme.lower() == "bearer" else "")


def header(request: Request, name: str) -> str:
    """Return a header that is sent once; "" if it is missing or sent more often."""
    given = request.headers.getlist(name)
    return given[0] if len(given) == 1 else ""


def need_personal(found: Pass) -> None:
    """Refuse a tenant that may not see personal data.

    Raises:
        NotAllowed: says so.
    """
    if not found.personal:
        raise NotAllowed("PII access requires Enterprise compliance")
