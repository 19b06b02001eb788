"""`SellingPartner` and `AsyncSellingPartner`: every operation of the Selling Partner API for one account.

Both are made of the same coroutines; the one blocks, the other awaits. A client is cheap: connections, access tokens
and rate limits belong to the process, so one that is made for a single call costs little more than one that is kept.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Literal, NamedTuple, Self
from urllib.parse import unquote

from sellerport import calls, catalog, documents, oauth, regions, serialize
from sellerport import credentials as places
from sellerport import restricted as restricted_data
from sellerport.answers import Result
from sellerport.calls import Session
from sellerport.catalog import Operation, Parameter
from sellerport.credentials import Credentials, Provider
from sellerport.errors import CredentialsError, InvalidArguments, Problem
from sellerport.hosted import Hosted
from sellerport.limits import Limiter, Limits
from sellerport.oauth import Grant, LwaClient, OnRefresh, Source, Tokens
from sellerport.operations import MARKETPLACE_PARAMETERS, AsyncOperations, Operations, OperationsOf
from sellerport.paging import AsyncPage, Page, PagedCall
from sellerport.regions import REGIONS, Amazon, Marketplace
from sellerport.restricted import Resource, RestrictedTokens, Restriction
from sellerport.serialize import Prepared
from sellerport.wire import AsyncWire, BlockingWire, Wire, run

_tokens = cache(Tokens)
_limits = cache(Limits)
_restricted_tokens = cache(RestrictedTokens)


class _Client:
    """What both clients are made of."""

    def __init__(
        self,
        credentials: Mapping[str, str | None] | Provider | None = None,
        *,
        refresh_token: str | None = None,
        lwa_app_id: str | None = None,
        lwa_client_secret: str | None = None,
        access_token: str | None = None,
        account: str | None = None,
        connection: Hosted | None = None,
        marketplace: str | None = None,
        fill_optional: bool | None = None,
        sandbox: bool = False,
        check: bool = True,
        amazon: Amazon | str | None = None,
        limit: Literal["wait", "raise"] = "wait",
        timeout_s: float = 30.0,
        patience_s: float = 300.0,
        proxy: str | None = None,
        ca: str | os.PathLike[str] | None = None,
        on_token_refresh: OnRefresh | None = None,
        tokens: Tokens | None = None,
        restricted_tokens: RestrictedTokens | None = None,
        limits: Limiter | None = None,
        environ: Mapping[str, str] = os.environ,
        jitter: Callable[[], float] = random.random,
        wire: Wire | None = None,
    ) -> None:
        """Find the credentials; nothing is sent yet.

        Args:
            credentials: ``refresh_token``, ``lwa_app_id`` and ``lwa_client_secret``, or a function that returns them,
                which is called at the first call, and again when Login with Amazon refuses what it returned. Without
                any they come from the environment, AWS Secrets Manager or a file: see `sellerport.credentials`.
            refresh_token, lwa_app_id, lwa_client_secret: the same, one by one; a refresh token alone is used with the
                application that the environment, the secret or the file has.
            access_token: an access token that somebody else renews, instead of all that.
            account: which account's, where the environment or the file has several.
            connection: a connection that a Sellerport server holds, instead of credentials.
            marketplace: a country (``"DE"``), a marketplace id or a region (``"eu"``); it decides the endpoint, and
                fills marketplace parameters that the call does not give; the United States if not given, and with
                ``connection`` the connection's own.
            fill_optional: whether the marketplace is also sent where Amazon does not require one, and would answer for
                all of the account's; by default if a country or an id was given.
            sandbox: whether to call Amazon's sandbox.
            check: whether to refuse values that the operation's schemas do not have; a value that Amazon added since
                is sent without.
            amazon: the address of a local Amazon; without it the environment's ``SELLERPORT_AMAZON``, or the real one.
            limit: what to do when the account's rate limit is used up: ``"wait"``, or ``"raise"`` `Throttled`.
            timeout_s: how long Amazon may take for one answer, in seconds.
            patience_s: how long a call may wait in all, for its slot, between retries and for answers that never came,
                in seconds; an attempt that has begun is not cut short by it.
            proxy: an HTTP proxy's URL, for everything that this client sends; without it the environment's for HTTPS.
            ca: a file of certificates (PEM) to trust instead of the usual authorities.
            on_token_refresh: called with the token server's answer whenever this client fetched an access token; a
                coroutine function is awaited by the async client.
            tokens, limits: to share access tokens and rate limits otherwise than process-wide.
            environ, jitter: the environment, and a number from 0 to 1; for tests.
            wire: what to send and wait with; for tests.

        Raises:
            CredentialsError: no usable credentials; says what was looked for and where.
            InvalidArguments: no such marketplace, or an option that cannot be.
            SettingsError: the local Amazon's address is none.
        """
        name = marketplace or environ.get("SP_API_DEFAULT_MARKETPLACE") or "US"
        self._marketplace, self._fills_optional = _marketplace(name)
        self._marketplace_given = marketplace is not None
        self._fills_optional = (
            self._fills_optional and marketplace is not None if fill_optional is None else fill_optional
        )
        self._check = check
        self._restricted_tokens = restricted_tokens or _restricted_tokens()
        _check_options(limit, timeout_s, patience_s)
        self._wire = wire or self._shared_wire(proxy=proxy, ca=ca)
        address = amazon if amazon is not None else environ.get("SELLERPORT_AMAZON")
        self._amazon = address if isinstance(address, Amazon) else Amazon(address or None)
        self._source: Session | Hosted
        if connection is not None:
            self._source = connection
            return
        oauth.check_callback(on_token_refresh, blocking=self._colour == 0)
        given = {"refresh_token": refresh_token, "lwa_app_id": lwa_app_id, "lwa_client_secret": lwa_client_secret}
        given["access_token"] = access_token
        given = {name: value for name, value in given.items() if value is not None}
        self._source = Session(
            source=self._grants(credentials, given, account, environ),
            region=REGIONS[self._marketplace.region],
            amazon=self._amazon,
            sandbox=sandbox,
            tokens=tokens or _tokens(),
            limits=limits or _limits(),
            limit=limit,
            timeout_s=timeout_s,
            patience_s=patience_s,
            jitter=jitter,
            on_token_refresh=on_token_refresh,
        )

    _shared_wire: Callable[..., Wire]
    _colour: int
    _restriction: Restriction | None = None

    def _grants(
        self,
        credentials: Mapping[str, str | None] | Provider | None,
        given: dict[str, str | None],
        account: str | None,
        environ: Mapping[str, str],
    ) -> Source:
        """Return where the account's grant comes from."""
        if callable(credentials):
            provider = credentials
            if account is not None or given.keys() - {"refresh_token"}:
                raise CredentialsError("only refresh_token may be given beside a function, which has all the rest")
            oauth.check_callback(provider, blocking=self._colour == 0, field="credentials")

            async def asked() -> Grant:
                return _grant(await places.ask(provider, given))

            return Source(asked)
        if not isinstance(credentials, Mapping | None):
            raise CredentialsError(f"credentials must be a mapping or a function, and no {type(credentials).__name__}")
        named = {**(credentials or {}), **given}

        async def again() -> Grant:
            return _grant(places.find(named, environ, account=account, again=True))

        return Source(again, _grant(places.find(named, environ, account=account)))

    def with_options(
        self,
        *,
        marketplace: str | None = None,
        sandbox: bool | None = None,
        check: bool | None = None,
        limit: Literal["wait", "raise"] | None = None,
        timeout_s: float | None = None,
        patience_s: float | None = None,
    ) -> Self:
        """Return a client that differs in these options, and shares everything else with this one.

        ``sp.with_options(timeout_s=120).catalog_items.search_catalog_items(…)`` gives one call more time.

        Raises:
            InvalidArguments: an option that cannot be, or one that a server decides for its connections.
        """
        made = self._copy()
        if marketplace is not None:
            made._marketplace, made._fills_optional = _marketplace(marketplace)
            made._marketplace_given = True
        made._check = self._check if check is None else check
        given = {"sandbox": sandbox, "limit": limit, "timeout_s": timeout_s, "patience_s": patience_s}
        changed: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        if isinstance(self._source, Hosted):
            if refused := [name for name in changed if name != "timeout_s"]:
                raise InvalidArguments(problems=[Problem(name, "is the server's to decide") for name in refused])
            made._source = replace(self._source, **changed)
            return made
        made._source = replace(self._source, region=REGIONS[made._marketplace.region], **changed)
        _check_options(made._source.limit, made._source.timeout_s, made._source.patience_s)
        return made

    def _open(self, api: str) -> OperationsOf:
        mixins = documents.MIXINS.get(api)
        if mixins is None:
            return OperationsOf(api, self._call, "seller-partner")
        opened: OperationsOf = _with_documents(mixins[self._colour])(api, self._call, "seller-partner")
        opened._caller = _DocumentCaller(self)  # type: ignore[attr-defined]  # of the mixin
        return opened

    def restricted(self, *elements: str, paths: Iterable[str] = ()) -> Self:
        """Return a client whose calls of restricted operations carry restricted data tokens.

        ``with sp.restricted("buyerInfo", "shippingAddress") as private: private.orders_v0.get_order(order_id=…)``

        Args:
            elements: the data elements that Orders v0 knows: buyerInfo, shippingAddress, buyerTaxInformation; each call
                asks for those that it has. Other restricted operations have none, and need none.
            paths: paths (``"/orders/v0/orders/902-…"``, or with another method ``"DELETE /mfn/…"``) whose tokens are
                fetched when the ``with`` block is entered, 50 paths a token.

        Raises:
            InvalidArguments: no such element, or a path of an operation without restricted data.
        """
        made = self._copy()
        made._restriction = restricted_data.restriction(elements, paths)
        return made

    def _copy(self) -> Self:
        made = object.__new__(type(self))
        made.__dict__ |= {name: value for name, value in self.__dict__.items() if name.startswith("_")}
        return made

    async def _fetch_restricted(self) -> None:
        if self._restriction is None or not self._restriction.resources:
            return
        session = self._restricted_session()
        tokens = self._restricted_tokens
        missing = await tokens.missing(self._wire, session, self._restriction.resources)
        await tokens.fetch(self._wire, session, missing)

    def _restricted_session(self) -> Session:
        if isinstance(self._source, Hosted):
            raise InvalidArguments(problems=[Problem("restricted", "is not offered through a server")])
        return self._source

    def _perform(self, operation: Operation, arguments: Mapping[str, Any]) -> Coroutine[Any, Any, Result[Any, Any]]:
        elements = arguments.get("restricted") if operation.restricted else None
        if elements is not None:
            arguments = {name: value for name, value in arguments.items() if name != "restricted"}
        filled = self._fill(operation, arguments)
        prepared = serialize.prepare(operation, filled, check=self._check)
        resource = self._resource(operation, prepared, elements)
        if resource is not None:
            session = self._restricted_session()
            return restricted_data.call(self._wire, session, self._restricted_tokens, operation, prepared, resource)
        if isinstance(self._source, Hosted):
            return self._source.call(self._wire, operation, self._hosted_arguments(operation, prepared, arguments))
        return calls.call(self._wire, self._source, operation, prepared)

    def _hosted_arguments(
        self, operation: Operation, prepared: Prepared, arguments: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Return what a server is told: unless this client has a marketplace, it fills in the connection's own."""
        if self._marketplace_given:
            return prepared.given
        told = dict(prepared.given)
        for parameter in operation.parameters:
            if parameter.name in MARKETPLACE_PARAMETERS and not {parameter.name, parameter.wire} & arguments.keys():
                told.pop(parameter.name, None)
        field, body = _marketplace_field(operation), arguments.get("body")
        if field is not None and isinstance(body, Mapping) and field.name not in body:
            told["body"] = {name: value for name, value in told["body"].items() if name != field.name}
        return told

    def _resource(self, operation: Operation, prepared: Prepared, elements: Any) -> Resource | None:
        """Return what a call needs a restricted data token for, if it needs one."""
        if self._restriction is not None and elements is None:
            if named := self._restriction.named(operation, prepared):
                return named
            elements = self._restriction.applies(operation)
        if elements is None or elements is False:
            return None
        return restricted_data.resource_of(operation, prepared, elements)

    def _fill(self, operation: Operation, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments with marketplace ids for countries, and this client's marketplace where none is given.

        A client that was made for a country asks about that country, also where Amazon would answer for all of them.
        """
        filled = dict(arguments)
        for parameter in _marketplace_parameters(operation.key):
            name = parameter.name if filled.get(parameter.name) is not None else parameter.wire
            given = filled.get(name)
            if given is not None:
                many = isinstance(given, list | tuple | set)
                filled[name] = [regions.marketplace_id(one) for one in given] if many else regions.marketplace_id(given)
            elif (parameter.required or self._fills_optional) and not _alone(operation, filled):
                filled[parameter.name] = self._marketplace.id
        body = filled.get("body")
        if isinstance(body, Mapping) and (field := _marketplace_field(operation)) and body.get(field.name) is None:
            filled["body"] = {**body, field.name: [self._marketplace.id] if field.many else self._marketplace.id}
        return filled

    def _page(self, operation: Operation, arguments: Mapping[str, Any], result: Result[Any, Any], kind: Any) -> Any:
        """Return a result, as a page where the operation pages."""
        return result if operation.paging is None else kind(result, operation, arguments, self._call)

    def _call(self, operation: Operation, arguments: Any) -> Any:
        raise NotImplementedError

    def _perform_path(
        self, method: str, path: str, params: Mapping[str, Any] | None, body: Any
    ) -> Coroutine[Any, Any, Result[Any, Any]]:
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
    _colour = 0

    def call(
        self, method: str, path: str, params: Mapping[str, Any] | None = None, body: Any = None
    ) -> Result[Any, Any]:
        """Call an operation by its method and path: of the catalogue, with its checks, or one that it does not know.

        Raises:
            InvalidArguments: the arguments do not fit the operation.
            AmazonError, NoAnswer, TokenError: see `sellerport.errors`.
        """
        return run(self._perform_path(method, path, params, body))

    def __enter__(self) -> Self:
        run(self._fetch_restricted())
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the connections to the process, which shares them."""

    def _call(self, operation: Operation, arguments: Any) -> Any:
        return self._page(operation, arguments, run(self._perform(operation, arguments)), Page)


class AsyncSellingPartner(_Client, AsyncOperations):
    """The Selling Partner API for one account, for asyncio. Tasks may share one."""

    _shared_wire = staticmethod(cache(AsyncWire))
    _colour = 1

    async def call(
        self, method: str, path: str, params: Mapping[str, Any] | None = None, body: Any = None
    ) -> Result[Any, Any]:
        """As `SellingPartner.call`."""
        return await self._perform_path(method, path, params, body)

    async def __aenter__(self) -> Self:
        await self._fetch_restricted()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave the connections to the process, which shares them."""

    def _call(self, operation: Operation, arguments: Any) -> Any:
        async def made() -> Any:
            return self._page(operation, arguments, await self._perform(operation, arguments), AsyncPage)

        return made() if operation.paging is None else PagedCall(made, operation.key)


def _grant(found: Credentials) -> Grant:
    client = LwaClient(found.lwa_app_id, found.lwa_client_secret)
    return Grant(client, found.refresh_token, access_token=found.access_token)


class _DocumentCaller:
    """What the flows of documents need of a client (`documents.Caller`)."""

    def __init__(self, client: _Client) -> None:
        self._client = client
        self.wire = client._wire
        self.amazon = client._amazon

    def call(
        self, operation: str, arguments: Mapping[str, Any], *, restricted: Sequence[str] | bool | None = None
    ) -> Coroutine[Any, Any, Result[Any, Any]]:
        """Make one call."""
        given = dict(arguments) if restricted is None else {**arguments, "restricted": restricted}
        return self._client._perform(catalog.find(operation), given)


@cache
def _with_documents(mixin: type) -> Any:
    """Return the operations of an API version with what reads and writes its documents."""
    return type(mixin.__name__, (mixin, OperationsOf), {})


@cache
def _marketplace_parameters(key: str) -> tuple[Parameter, ...]:
    return tuple(one for one in catalog.find(key).parameters if one.name in MARKETPLACE_PARAMETERS)


class _Field(NamedTuple):
    name: str
    many: bool


@cache
def _marketplace_field_of(key: str) -> _Field | None:
    operation = catalog.find(key)
    schemas = catalog.schemas(operation.api)
    schema = schemas.definitions[schemas.of(operation).body or ""]
    for name, many in (("marketplaceIds", True), ("marketplaceId", False)):
        if name in schema.get("required", ()):
            return _Field(name, many)
    return None


def _marketplace_field(operation: Operation) -> _Field | None:
    """Return which field of the body has to name a marketplace, if one has."""
    return _marketplace_field_of(operation.key) if operation.api and operation.body else None


def _marketplace(name: str) -> tuple[Marketplace, bool]:
    """Return a marketplace, and whether it was named itself rather than by its region."""
    found = regions.marketplace(name)
    return found, name.strip().upper() in (found.id, found.country) or name.strip().upper() == "UK"


def _alone(operation: Operation, arguments: Mapping[str, Any]) -> bool:
    """Whether a page token is given that no other parameter may stand beside."""
    if operation.paging is None or not operation.paging.alone:
        return False
    token = operation.paging.token
    names = [name for one in operation.parameters if one.wire == token for name in (one.name, one.wire)]
    return any(arguments.get(name) is not None for name in names)


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
