"""What an entry of a door's route table says: enough to serve it, to describe it, and to test who may use it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, ClassVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sellerport.errors import SellerportError, Unauthenticated

Serve = Callable[[Request], Awaitable[Response]]


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
        access: whose token it takes; each door has names for them.
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
    access: str = "organization"
    body: type[msgspec.Struct] | None = None
    body_required: bool = True
    status: int = 200
    query: Sequence[Parameter] = ()
    legacy: bool = False

    refusal: ClassVar[Any] = None
    """What the body of every error is, as a type."""

    @property
    def credentials(self) -> list[str]:
        """The names of the credentials that the route takes, all of them at once; see the door's ``CREDENTIALS``."""
        raise NotImplementedError

    @property
    def headers(self) -> Mapping[str, Mapping[str, Any]]:
        """Headers that may be sent, by name, as JSON schemas."""
        return {}

    def enclosed(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the schema of what a body is whose content has this one."""
        return schema

    @staticmethod
    def refuse(request: Request, error: SellerportError) -> Response:
        """Return an error in the shape of the door's contract."""
        raise NotImplementedError

    @property
    def summary(self) -> str:
        """What the route does, in a sentence."""
        return (self.serve.__doc__ or "").partition("\n")[0]

    @property
    def route(self) -> Route:
        """The route as Starlette has it."""
        return Route(self.path, self._answered(), methods=[self.method])

    def _answered(self) -> Serve:
        """Let every error become an answer in the contract's shape, and count strangers."""

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
                return self.refuse(request, error)

        return carried_out
