"""`SellingPartner` and `AsyncSellingPartner`: every operation of the Selling Partner API for one account.

Both are made of the same coroutines; the one blocks, the other awaits. A client is cheap: connections, access tokens
and rate limits belong to the process, so one made for a single call costs no more than one that is kept.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Coroutine, Mapping
from functools import cache
from typing import Any, Literal
from urllib.parse import unquote

from sellerport import calls, catalog, regions, serialize
from sellerport.calls import Result, Session
from sellerport.catalog import Operation
from sellerport.credentials import find as find_credentials
from sellerport.errors import InvalidArguments, Problem
from sellerport.hosted import Hosted
from sellerport.limits import Limits
from sellerport.oauth import Grant, LwaClient, TokenAnswer, Tokens
from sellerport.operations import MARKETPLACE_PARAMETERS, AsyncOperations, Operations
from sellerport.regions import REGIONS, Amazon
from sellerport.wire import AsyncWire, BlockingWire, Wire, run

_tokens = cache(Tokens)
_limits = cache(Limits)


class _Client:
    """What both clients are made of."""

    def __init__(
        self,
        credentials: Mapping[str, str | None] | None = None,
        *,
        refresh_token: str | None = None,
        lwa_app_id: str | None = None,
        lwa_client_secret: str | None = None,
        connection: Hosted | None = None,
        marketplace: str | None = None,
        sandbox: bool = False,
        amazon: Amazon | str | None = None,
        limit: Literal["wait", "raise"] = "wait",
        timeout_s: float = 30.0,
        patience_s: float = 300.0,
        on_token_refresh: Callable[[TokenAnswer], None] | None = None,
        tokens: Tokens | None = None,
        limits: Limits | None = None,
        environ: Mapping[str, str] = os.environ,
        jitter: Callable[[], float] = random.random,
        wire: Wire | None = None,
    ) -> None:
        """Find the credentials; nothing is sent yet.

        Args:
            credentials: ``refresh_token``, ``lwa_app_id`` and ``lwa_client_secret``; without any, the environment's
                ``SP_API_REFRESH_TOKEN``, ``LWA_APP_ID`` and ``LWA_CLIENT_SECRET``.
            refresh_token, lwa_app_id, lwa_client_secret: the same, one by one.
            connection: a connection that a Sellerport server holds, instead of credentials.
            marketplace: a country (``"DE"``), a marketplace id or a region (``"eu"``); it decides the endpoint, and
                fills marketplace parameters that an operation requires and the call does not give; the United States
                if not given, and with ``connection`` the connection's own.
            sandbox: whether to call Amazon's sandbox.
            amazon: the address of a local Amazon; without it the environment's ``SELLERPORT_AMAZON``, or the real one.
            limit: what to do when the account's rate limit is used up: ``"wait"``, or ``"raise"`` `Throttled`.
            timeout_s: how long Amazon may take for one answer, in seconds.
            patience_s: how long a call may wait in all, for its slot and between retries, in seconds.
            on_token_refresh: called with the token server's answer whenever a new access token was fetched.
            tokens, limits: to share access tokens and rate limits otherwise than process-wide.
            environ, jitter: the environment, and a number from 0 to 1; for tests.
            wire: what to send and wait with; for tests.

        Raises:
            CredentialsError: no usable credentials; says what was looked for and where.
            InvalidArguments: no such marketplace, or an option that cannot be.
            SettingsError: the local Amazon's address is none.
        """
        self._marketplace = regions.marketplace(marketplace or "US")
        self._marketplace_given = marketplace is not None
        _check_options(limit, timeout_s, patience_s)
        self._wire = wire or self._shared_wire()
        self._source: Session | Hosted
        if connection is not None:
            self._source = connection
            return
        given = {"refresh_token": refresh_token, "lwa_app_id": lwa_app_id, "lwa_client_secret": lwa_client_secret}
        given = {**(credentials or {}), **{name: value for name, value in given.items() if value is not None}}
        found = find_credentials(given, environ)
        address = amazon if amazon is not None else environ.get("SELLERPORT_AMAZON")
        self._source = Session(
            grant=Grant(LwaClient(found.lwa_app_id, found.lwa_client_secret), found.refresh_token),
            region=REGIONS[self._marketplace.region],
            amazon=address if isinstance(address, Amazon) else Amazon(address or None),
            sandbox=sandbox,
            tokens=tokens or _tokens(),
            limits=limits or _limits(),
            limit=limit,
            timeout_s=timeout_s,
            patience_s=patience_s,
            jitter=jitter,
            on_token_refresh=on_token_refresh,
        )

    _shared_wire: Callable[[], Wire]

    def _perform(self, operation: Operation, arguments: Mapping[str, Any]) -> Coroutine[Any, Any, Result[Any]]:
        filled = self._fill(operation, arguments)
        prepared = serialize.prepare(operation, filled)
        if isinstance(self._source, Hosted):  # which fills in the connection's own marketplace
            return self._source.call(self._wire, operation, filled if self._marketplace_given else arguments)
        return calls.call(self._wire, self._source, operation, prepared)

    def _fill(self, operation: Operation, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments with this client's marketplace where the operation requires one and none is given."""
        filled = dict(arguments)
        for parameter in operation.parameters:
            wanted = parameter.required and parameter.name in MARKETPLACE_PARAMETERS
            if wanted and filled.get(parameter.name) is None and filled.get(parameter.wire) is None:
                filled[parameter.name] = self._marketplace.id
        return filled

    def _perform_path(
        self, method: str, path: str, params: Mapping[str, Any] | None, body: Any
    ) -> Coroutine[Any, Any, Result[Any]]:
        if not path.startswith("/") or "?" in path or "#" in path or {".", ".."} & set(unquote(path).split("/")):
            message = "must start with '/' and hold no '?', '#', '.' or '..'; query parameters go into params"
            raise InvalidArguments(problems=[Problem("path", message)])
        if not method.isalpha():
            raise InvalidArguments(problems=[Problem("method", "must be one word, such as GET")])
        given = {**(params or {}), **({} if body is None else {"body": body})}
        if found := catalog.match(method.upper(), path):
            operation, in_path = found
            if twice := sorted(in_path.keys() & given.keys()):
                raise InvalidArguments(problems=[Problem(name, "is in the path already") for name in twice])
            return self._perform(operation, {name: unquote(text) for name, text in in_path.items()} | given)
        if isinstance(self._source, Hosted):
            raise InvalidArguments(problems=[Problem("path", f"no operation has {method} {path}")])
        verb = method.upper()
        operation = Operation("seller-partner", "", "", f"{verb} {path}", verb, path, (), write=verb != "GET")
        return calls.call(self._wire, self._source, operation, serialize.prepare_unknown(operation, given))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(marketplace={self._marketplace.country!r})"


class SellingPartner(_Client, Operations):
    """The Selling Partner API for one account, blocking. Threads may share one.

    ``SellingPartner(marketplace="DE").orders_v0.get_orders(created_after="2026-11-01T00:00:00Z").payload["Orders"]``
    """

    _shared_wire = staticmethod(cache(BlockingWire))

    def call(self, method: str, path: str, params: Mapping[str, Any] | None = None, body: Any = None) -> Result[Any]:
        """Call an operation by its method and path: of the catalogue, with its checks, or one that it does not know.

        Raises:
            InvalidArguments: the arguments do not fit the operation.
            AmazonError, NoAnswer, TokenError: see `sellerport.errors`.
        """
        return run(self._perform_path(method, path, params, body))

    def _call(self, operation: Operation, arguments: dict[str, Any]) -> Result[Any]:
        return run(self._perform(operation, arguments))


class AsyncSellingPartner(_Client, AsyncOperations):
    """The Selling Partner API for one account, for asyncio. Tasks may share one."""

    _shared_wire = staticmethod(cache(AsyncWire))

    async def call(
        self, method: str, path: str, params: Mapping[str, Any] | None = None, body: Any = None
    ) -> Result[Any]:
        """As `SellingPartner.call`."""
        return await self._perform_path(method, path, params, body)

    async def _call(self, operation: Operation, arguments: dict[str, Any]) -> Result[Any]:
        return await self._perform(operation, arguments)


def _check_options(limit: Any, timeout_s: Any, patience_s: Any) -> None:
    """Refuse options that would show as something else much later, whatever a caller without types gave."""
    problems = []
    if limit not in ("wait", "raise"):
        problems.append(Problem("limit", "must be 'wait' or 'raise'"))
    for name, seconds, least in (("timeout_s", timeout_s, 0.001), ("patience_s", patience_s, 0.0)):
        if not isinstance(seconds, int | float) or not seconds >= least:
            problems.append(Problem(name, f"must be a number of seconds, at least {least:g}"))
    if problems:
        raise InvalidArguments(problems=problems)
