"""What every route does first and last: who calls, what they send, and how an error is answered."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from sellerport.errors import CallerError, InvalidArguments, NotAllowed, Problem, SellerportError, Unauthenticated
from sellerport.server.connector_api.answers import refuse
from sellerport.server.connector_api.bodies import decode
from sellerport.server.hub import Caller, Hub

T = TypeVar("T", bound=msgspec.Struct)
Endpoint = Callable[[Request], Awaitable[Response]]

LARGEST_BODY = 1 << 20


def answered(endpoint: Endpoint) -> Endpoint:
    """Let every error of an endpoint become an answer in the contract's shape."""

    @wraps(endpoint)
    async def carried_out(request: Request) -> Response:
        try:
            return await endpoint(request)
        except SellerportError as error:
            request.state.error = error
            return refuse(request, error)

    return carried_out


def hub_of(request: Request) -> Hub:
    """Return the hub that `Edge` gave the request."""
    hub: Hub = request.state.hub
    return hub


async def caller_of(request: Request) -> Caller:
    """Return who is calling, by the one access token that the request carries."""
    given = request.headers.getlist("authorization")
    scheme, _, token = (given[0] if len(given) == 1 else "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("send one header 'Authorization: Bearer …' with an access token of this server")
    caller = await hub_of(request).access.verify(token.strip())
    request.state.organization = caller.organization_id
    if (named := request.headers.get("x-organization-id")) is not None:
        try:
            organization = str(uuid.UUID(named))
        except ValueError:
            raise InvalidArguments(problems=[Problem("X-Organization-Id", "must be a UUID")]) from None
        if organization != caller.organization_id:
            raise NotAllowed("this access token belongs to another organization than X-Organization-Id names")
    return caller


async def body_of(request: Request, kind: type[T]) -> T:
    """Return what a request sends.

    Raises:
        CallerError: it is larger than `LARGEST_BODY` (413).
        InvalidArguments: it is no such thing; names the field.
    """
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > LARGEST_BODY:
            error = CallerError(f"the body is larger than {LARGEST_BODY} bytes")
            error.status = 413
            raise error
    return decode(bytes(received), kind)
