"""What an entry of the route table says: enough to serve it, to describe it, and to test who may use it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sellerport.errors import SellerportError, Unauthenticated
from sellerport.server.connector_api.answers import refuse

Serve = Callable[[Request], Awaitable[Response]]

Access = Literal["anyone", "organization", "workspace", "scoped"]
"""Whose token a route takes: nobody's, one of the organization's, that or a scoped one, or a scoped one alone."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of the query; none is required."""

    name: str
    kind: Any = str


@dataclass(frozen=True)
class Endpoint:
    """One route.

    Args:
        method: of HTTP.
        path: parameters are in braces.
        serve: its first line of documentation is the route's summary.
        answer: what the answer's body is, as a type; None is no body.
        access: whose token it takes.
        body: what the request's body is.
        body_required: whether there has to be one.
        status: of the answer.
        query: what the query may have.
        legacy: whether it is there for clients of an earlier version of the contract alone.
    """

    method: str
    path: str
    serve: Serve
    answer: Any
    access: Access = "organization"
    body: type[msgspec.Struct] | None = None
    body_required: bool = True
    status: int = 200
    query: Sequence[Parameter] = ()
    legacy: bool = False

    @property
    def summary(self) -> str:
        """What the route does, in a sentence."""
        return (self.serve.__doc__ or "").partition("\n")[0]

    @property
    def route(self) -> Route:
        """The route as Starlette has it."""
        return Route(self.path, self._answered(), methods=[self.method])

    def _answered(self) -> Serve:
        """Let every error become an answer in the contract's shape."""

        @wraps(self.serve)
        async def carried_out(request: Request) -> Response:
            request.state.access = self.access
            try:
                try:
                    return await self.serve(request)
                except Unauthenticated:
                    await request.state.hub.quotas.wrong(request.state.address, "api")
                    raise
            except SellerportError as error:
                request.state.error = error
                return refuse(request, error)

        return carried_out
