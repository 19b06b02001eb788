"""Calls through a Sellerport server, which holds the grant: the same operations, without a token of Amazon's in sight.

The server's own access token is fetched once however many ask, and asked for again when the server no longer knows it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from sellerport.answers import Result
from sellerport.catalog import Operation
from sellerport.errors import SellerportError, SettingsError, TooManyRequests, Unauthenticated, revive
from sellerport.regions import is_address
from sellerport.wire import UNREADABLE, Request, Response, Wire

T = TypeVar("T")

MARGIN_S = 60.0


class _Token(msgspec.Struct, frozen=True):
    access_token: str
    expires_in: float


class _Meta(msgspec.Struct, frozen=True):
    status: int = 200
    request_id: str | None = None


class _Executed(msgspec.Struct, frozen=True):
    result: Any
    connector_metadata: _Meta | None = None


class _Entry(msgspec.Struct, frozen=True):
    details: dict[str, Any] | None = None


class _Refusal(msgspec.Struct, frozen=True):
    message: str | None = None
    errors: list[_Entry] = []


_encoder = msgspec.json.Encoder(decimal_format="number")


@dataclass(eq=False)
class _Held:
    """The server's access token, which a client and those made of it share."""

    token: str | None = field(default=None, repr=False)
    good_until: float = 0.0


@dataclass
class Server:
    """A Sellerport server, as one of an organization's API clients sees it.

    Args:
        server: the server's address, such as ``https://sellerport.example.com``.
        client_id: of one of the organization's API clients.
        client_secret: its secret.
        organization_id: the organization that the API client has to belong to, if that is to be checked.
        timeout_s: how long one call may take, in seconds; the server may wait for a slot on its side.
        clock: seconds, from any start.

    Raises:
        SettingsError: the address is none.
    """

    server: str
    client_id: str
    client_secret: str = field(repr=False)
    organization_id: str | None = field(default=None, kw_only=True)
    timeout_s: float = field(default=120.0, kw_only=True)
    clock: Callable[[], float] = field(default=time.monotonic, repr=False, kw_only=True)
    _held: _Held = field(default_factory=lambda: _Held(), repr=False, compare=False, kw_only=True)

    def __post_init__(self) -> None:
        if not is_address(self.server):
            raise SettingsError("a server's address (SELLERPORT_URL) is written like https://sellerport.example.com")

    async def ask(self, wire: Wire, method: str, path: str, given: Any, kind: type[T]) -> T:
        """Make one request, with another access token if the server does not know this one any more.

        Args:
            wire: what to wait on.
            method, path: of the connector API, with the query.
            given: the body, as JSON says it, or None.
            kind: what the answer is.

        Raises:
            SellerportError: what the server raised.
            NoAnswer: no answer came from the server.
        """
        token = await self._get_token(wire)
        try:
            return await self._send(wire, method, path, given, token, kind)
        except Unauthenticated:
            return await self._send(wire, method, path, given, await self._get_token(wire, instead_of=token), kind)

    async def _get_token(self, wire: Wire, instead_of: str | None = None) -> str:
        held = self._held
        async with wire.alone(held):
            if held.token is None or held.token == instead_of or held.good_until < self.clock():
                given = {"client_id": self.client_id, "client_secret": self.client_secret}
                token = await self._send(wire, "POST", "/api/v1/account/applications/token", given, None, _Token)
                held.token, held.good_until = token.access_token, self.clock() + token.expires_in - MARGIN_S
            return held.token

    async def _send(self, wire: Wire, method: str, path: str, given: Any, token: str | None, kind: type[T]) -> T:
        headers = {"content-type": "application/json", "accept": "application/json"}
        headers |= {"authorization": f"Bearer {token}"} if token else {}
        headers |= {"x-organization-id": self.organization_id} if token and self.organization_id else {}
        url = self.server.rstrip("/") + path
        body = _encoder.encode(given) if given is not None else None
        answer = await wire.send(Request(method, url, headers, body, self.timeout_s))
        try:
            if answer.status == 200:
                return msgspec.json.decode(answer.body, type=kind)
            refusal = msgspec.json.decode(answer.body, type=_Refusal)
        except UNREADABLE:
            refusal = _Refusal()
        raise _error(answer, refusal)


@dataclass
class Hosted(Server):
    """A connection that a Sellerport server holds.

    Args:
        server, client_id, client_secret, organization_id, timeout_s, clock: as `Server`'s.
        connection: the connection's id.
    """

    connection: str

    async def call(self, wire: Wire, operation: Operation, arguments: Mapping[str, Any]) -> Result[Any, Any]:
        """Make one call, with arguments as JSON says them; raises what the server raised."""
        given = {"entity": operation.api, "action": operation.name, "params": dict(arguments)}
        found = await self.ask(wire, "POST", execute_path(self.connection), given, _Executed)
        meta = found.connector_metadata or _Meta()
        return Result(found.result, meta.status, {"x-amzn-requestid": meta.request_id} if meta.request_id else {})


def execute_path(connection: str) -> str:
    """Return where a connection's actions are carried out."""
    return f"/api/v1/integrations/connectors/{quote(connection, safe='')}/execute"


def _error(answer: Response, refusal: _Refusal) -> SellerportError:
    """Return the error that the server answered with, of the class it was raised as."""
    facts = refusal.errors[0].details if refusal.errors else None
    if facts is not None and "code" in facts:
        return revive(facts)
    message = refusal.message or (
        f"what answered {answer.status} is no Sellerport server; check its address (SELLERPORT_URL), "
        "and what stands before it"
    )
    if answer.status == 401:
        return Unauthenticated(message)
    after = answer.headers.get("retry-after", "")
    if answer.status in (429, 503):  # of a proxy before it
        return TooManyRequests(message, retry_after=float(after) if after.isdigit() else 1.0)
    return SellerportError(message)
