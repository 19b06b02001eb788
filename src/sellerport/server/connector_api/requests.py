"""What every route does first and last: who calls, what they send, and how an error is answered."""

from __future__ import annotations

import uuid
from typing import TypeVar

import msgspec
from starlette.requests import Request

from sellerport.errors import (
    InvalidArguments,
    NotAllowed,
    Problem,
    Unauthenticated,
)
from sellerport.server.connector_api.bodies import NO_NUL, decode
from sellerport.server.hub import Caller
from sellerport.server.requests import LARGEST_BODY, hub_of, read_body

StructT = TypeVar("StructT", bound=msgspec.Struct)


async def caller_of(request: Request) -> Caller:
    """Return who is calling, by the one access token that the request carries."""
    given = request.headers.getlist("authorization")
    scheme, _, token = (given[0] if len(given) == 1 else "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("send one header 'Authorization: Bearer …' with an access token of this server")
    caller = await hub_of(request).access.verify(token.strip())
    request.state.organization = caller.organization_id
    if "\0" in request.scope["path"] or b"%00" in request.scope["query_string"]:
        raise InvalidArguments(problems=[Problem("address", NO_NUL)])
    if (named := request.headers.get("x-organization-id")) is not None:
        try:
            organization = str(uuid.UUID(named))
        except ValueError:
            raise InvalidArguments(problems=[Problem("X-Organization-Id", "must be a UUID")]) from None
        if organization != caller.organization_id:
            raise NotAllowed("this access token belongs to another organization than X-Organization-Id names")
    if caller.scoped != (request.state.access == "scoped") and request.state.access != "workspace":
        what = "a scoped token is good for its workspace's connectors only" if caller.scoped else "send a scoped token"
        raise NotAllowed(f"{what}: this address is not for this token")
    assert caller.client_id is not None, "who has an access token is an API client"
    await hub_of(request).quotas.spend(caller.client_id)
    return caller


async def body_of(request: Request, kind: type[StructT], most: int = LARGEST_BODY, *, required: bool = True) -> StructT:
    """Return what a request sends; where that is not required, nothing is an empty object.

    Raises:
        CallerError: it is too large, or takes too long; see `read_body`.
        InvalidArguments: it is no such thing; names the field.
    """
    received = await read_body(request, most)
    return decode(received if received or required else b"{}", kind)


def is_number(text: str, most: int) -> bool:
    """Return whether a query's text is a number from 1 to ``most``; Python reads none of thousands of digits."""
    return text.isascii() and text.isdecimal() and len(text) <= len(str(most)) and 1 <= int(text) <= most
