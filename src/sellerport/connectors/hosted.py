"""Actions carried out by a Sellerport server, which holds the grant.

What the server refused for now, and what may be asked twice, is asked again: after as long as the server says, or a
pause that grows. A connector that is known by its customer's name is looked up once, however many ask.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec

from sellerport import catalog
from sellerport.answers import Result
from sellerport.catalog import Operation
from sellerport.connectors.actions import Execution, Kind, gathered
from sellerport.connectors.configs import Place
from sellerport.connectors.fields import Choice
from sellerport.documents import AsyncReporting, AsyncReports
from sellerport.errors import (
    ClientRefused,
    ConnectorAmbiguous,
    ConnectorNotFound,
    InvalidArguments,
    NoAnswer,
    Problem,
    SellerportError,
    Throttled,
    TokenUnavailable,
    TooManyRequests,
    UnknownOperation,
)
from sellerport.hosted import execute_path
from sellerport.regions import Amazon
from sellerport.wire import Wire

T = TypeVar("T")

CONNECTORS = "/api/v1/integrations/connectors"
ATTEMPTS = 4
LONGEST_S = 60.0
"""How long a server may ask to wait; beyond that the caller is told at once."""


class Made(msgspec.Struct, frozen=True):
    """A connector of the server's."""

    id: str
    name: str = ""


class _Listed(msgspec.Struct, frozen=True):
    data: list[Made]


class _Executed(msgspec.Struct, frozen=True):
    result: Any
    connector_metadata: dict[str, Any] | None = None


class _Initiated(msgspec.Struct, frozen=True):
    consent_url: str


class Remote:
    """One kind of connector on a server.

    Args:
        place: the server, and whose connector.
        kind: which.
        wire: what to wait on.
        amazon: where reports are downloaded from.
        clock: seconds since the epoch.
        jitter: a number from 0 to 1, for the pauses between attempts.
    """

    def __init__(
        self,
        place: Place,
        kind: Kind,
        *,
        wire: Wire,
        amazon: Amazon,
        clock: Callable[[], float],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.connector_id = place.connector_id
        self.wire = wire
        self.amazon = amazon
        self._place = place
        self._kind = kind
        self._clock = clock
        self._jitter = jitter

    async def execute(self, entity: str, action: str, params: Mapping[str, Any], choice: Choice) -> Execution:
        """Have one action carried out.

        Raises:
            ConnectorNotFound, ConnectorAmbiguous: the customer has no connector of this kind, or several.
            Unauthenticated: the server does not know this API client.
            SellerportError: what the server raised.
            NoAnswer: no answer came from the server.
        """
        reads = not self._is_write(entity, action)
        given = {"entity": entity, "action": action, "params": dict(params), **asdict(choice)}
        path = execute_path(await self.find())
        done = await self._ask("POST", path, given, _Executed, repeatable=reads)
        return Execution(done.result, done.connector_metadata)

    async def execute_all(self, entity: str, action: str, params: Mapping[str, Any], most: int) -> Execution:
        """Have one action carried out for all pages."""
        return await gathered(self._kind.plan(entity, action, params, self._clock), self.fetch, most)

    async def fetch(self, operation: Operation, arguments: Mapping[str, Any]) -> Result[Any, Any]:
        """Have one operation called."""
        done = await self.execute(operation.api, operation.name, arguments, Choice())
        meta = done.meta or {}
        request_id = meta.get("request_id")
        return Result(done.data, meta.get("status", 200), {"x-amzn-requestid": request_id} if request_id else {})

    async def find(self) -> str:
        """Return the connector's id, which is looked up once."""
        if self.connector_id is None:
            async with self.wire.alone(self):
                if self.connector_id is None:
                    self.connector_id = await self._look_up()
        return self.connector_id

    async def create(self, given: Mapping[str, Any]) -> Made:
        """Make a connector."""
        return await self._ask("POST", CONNECTORS, {"workspace_name": self._place.customer, **given}, Made)

    async def consent_url(self, given: Mapping[str, Any]) -> str:
        """Return where an account's owner consents."""
        body = {"workspace_name": self._place.customer, **given}
        return (await self._ask("POST", f"{CONNECTORS}/oauth/initiate", body, _Initiated)).consent_url

    @property
    def reports(self) -> Any:
        """What fetches reports; their documents come straight from Amazon's storage."""
        made = AsyncReports() if self._kind.family == "seller-partner" else AsyncReporting()
        made._caller = self
        return made

    async def call(
        self, operation: str, arguments: Mapping[str, Any], *, restricted: Sequence[str] | bool | None = None
    ) -> Result[Any, Any]:
        """Have one call of a report's made (`documents.Caller`)."""
        if restricted:
            raise InvalidArguments(problems=[Problem("restricted", "is not offered through a server")])
        return await self.fetch(catalog.find(operation, self._kind.family), arguments)

    async def _look_up(self) -> str:
        query = urlencode({"workspace_name": self._place.customer, "definition_id": self._kind.definition_id})
        found = (await self._ask("GET", f"{CONNECTORS}?{query}", None, _Listed, repeatable=True)).data
        whose = f"customer {self._place.customer!r}"
        if not found:
            raise ConnectorNotFound(f"{whose} has no {self._kind.slug} connector; make one, or name another customer")
        if len(found) > 1:
            ids = ", ".join(one.id for one in found)
            raise ConnectorAmbiguous(
                f"{whose} has several {self._kind.slug} connectors; give connector_id, one of {ids}"
            )
        return found[0].id

    async def _ask(self, method: str, path: str, given: Any, kind: type[T], *, repeatable: bool = False) -> T:
        attempt = 1
        while True:
            try:
                return await self._place.server.ask(self.wire, method, path, given, kind)
            except SellerportError as error:
                wait = _wait_s(error, repeatable)
                if wait is None or wait > LONGEST_S or attempt == ATTEMPTS:
                    raise
            await self.wire.sleep(max(wait, self._jitter() * 2**attempt))
            attempt += 1

    def _is_write(self, entity: str, action: str) -> bool:
        try:
            return self._kind.operation_of(entity, action).write
        except UnknownOperation:
            return False


def _wait_s(error: SellerportError, repeatable: bool) -> float | None:
    """Return how long to wait at least until the same may be asked again; None where it may not."""
    if isinstance(error, Throttled | TooManyRequests | TokenUnavailable):  # nothing was done
        return error.retry_after
    if isinstance(error, NoAnswer) and not error.sent:
        return 0.0
    passing = error.status >= 500 and not isinstance(error, ClientRefused)
    return 0.0 if repeatable and passing else None
