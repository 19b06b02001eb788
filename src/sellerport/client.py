"""`SellingPartner` and `AsyncSellingPartner`: every operation of the Selling Partner API for one account.

Both are made of the same coroutines; the one blocks, the other awaits. A client is cheap: connections, access tokens
and rate limits belong to the process, so one that is made for a single call costs little more than one that is kept.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from math import inf
from typing import Any, Literal, Self
from urllib.parse import unquote
from weakref import WeakValueDictionary

from sellerport import calls, catalog, documents, filling, oauth, regions, serialize
from sellerport import credentials as places
from sellerport import restricted as restricted_data
from sellerport.answers import Result
from sellerport.calls import Session
from sellerport.catalog import Family, Operation
from sellerport.credentials import SELLING_PARTNER, Credentials, Names, Provider
from sellerport.errors import CredentialsError, InvalidArguments, Problem
from sellerport.hosted import Hosted
from sellerport.limits import Limiter, Limits
from sellerport.oauth import Grant, LwaClient, OnRefresh, Source, Tokens
from sellerport.operations import AsyncOperations, Operations, OperationsOf
from sellerport.paging import AsyncPage, Page, PagedCall
from sellerport.regions import REGIONS, Amazon, Marketplace
from sellerport.restricted import Resource, RestrictedTokens, Restriction
from sellerport.serialize import Prepared
from sellerport.wire import AsyncWire, BlockingWire, Wire, run

PATIENCE_S = 300.0
LONGEST_S = 86_400

# what belongs to the process
process_tokens, process_limits, _restricted_tokens = Tokens(), Limits(), RestrictedTokens()
_wires: WeakValueDictionary[object, Wire] = WeakValueDictionary()
_kept: list[Wire] = []
"""The wires that most clients use, which outlive them all: a client made for one call finds its connections open."""
_wires_lock = threading.Lock()


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
        patience_s: float = PATIENCE_S,
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
            check: whether to refuse names and values that the catalogue does not have; without, what Amazon added since
                is sent as it is.
            amazon: the address of a local Amazon; without it the environment's ``SELLERPORT_AMAZON``, or the real one.
            limit: what to do when the account's rate limit is used up: ``"wait"``, or ``"raise"`` `Throttled`.
            timeout_s: how long Amazon may take for one answer, in seconds.
            patience_s: how long a call may wait in all, for its slot, between retries and for answers that never came,
                in seconds; an attempt that has begun is not cut short by it.
            proxy: an HTTP proxy's URL, for everything that this client sends; without it the environment's for HTTPS.
            ca: a file of certificates (PEM) to trust instead of the usual authorities.
            on_token_refresh: called with the token server's answer whenever this client fetched an access token for the
                account; a coroutine function is awaited by the async client.
            tokens, limits: to share access tokens and rate limits otherwise than process-wide.
            environ, jitter: the environment, and a number from 0 to 1; for tests.
            wire: what to send and wait with; for tests.

        Raises:
            CredentialsError: no usable credentials; says what was looked for and where.
            InvalidArguments: no such marketplace, or an option that cannot be.
            SettingsError: the local Amazon's address is none.
        """
        name = marketplace or environ.get("SP_API_DEFAULT_MARKETPLACE") or "US"
        self._marketplace, named = _marketplace(name)
        self._marketplace_given = marketplace is not None
        self._fill_given = fill_optional
        self._fills_optional = named and self._marketplace_given if fill_optional is None else fill_optional
        self._check = check
        self._restricted_tokens = restricted_tokens or _restricted_tokens
        check_options(limit, timeout_s, patience_s)
        self._wire = wire or shared_wire(self._kind, proxy, ca)
        address = amazon if amazon is not None else environ.get("SELLERPORT_AMAZON")
        self._amazon = address if isinstance(address, Amazon) else Amazon(address or None)
        self._source: Session | Hosted
        if connection is not None:
            held = [credentials, refresh_token, lwa_app_id, lwa_client_secret, access_token, account, on_token_refresh]
            if any(one is not None for one in held):
                raise CredentialsError(
                    "a connection takes no credentials, account or on_token_refresh: its server has all"
                )
            decided = {"sandbox": sandbox, "limit": limit != "wait", "patience_s": patience_s != PATIENCE_S}
            if refused := [name for name, given in decided.items() if given]:
                raise InvalidArguments(problems=[Problem(name, "is the server's to decide") for name in refused])
            self._source = connection
            return
        oauth.check_callback(on_token_refresh, blocking=self._kind.blocking)
        given = {"refresh_token": refresh_token, "lwa_app_id": lwa_app_id, "lwa_client_secret": lwa_client_secret}
        given["access_token"] = access_token
        given = {name: value for name, value in given.items() if value is not None}
        self._source = Session(
            source=source_of(credentials, given, account, environ, self._kind.blocking)[0],
            region=REGIONS[self._marketplace.region],
            amazon=self._amazon,
            sandbox=sandbox,
            tokens=tokens or process_tokens,
            limits=limits or process_limits,
            limit=limit,
            timeout_s=timeout_s,
            patience_s=patience_s,
            jitter=jitter,
            on_token_refresh=on_token_refresh,
        )

    _kind: type[BlockingWire] | type[AsyncWire]
    _restriction: Restriction | None = None

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
            made._marketplace, named = _marketplace(marketplace)
            made._fills_optional = named if self._fill_given is None else self._fill_given
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
        check_options(made._source.limit, made._source.timeout_s, made._source.patience_s)
        return made

    def _open(self, api: str) -> OperationsOf:
        if api not in documents.MIXINS:
            return OperationsOf(api, self._call, "seller-partner")
        blocking, awaiting = documents.MIXINS[api]
        mixin = blocking if self._kind.blocking else awaiting
        opened: OperationsOf = with_documents(mixin, OperationsOf)(api, self._call, "seller-partner")
        opened._caller = DocumentCaller(self, "seller-partner")  # type: ignore[attr-defined]  # of the mixin
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
        # a copy first, which no thread can come between
        made.__dict__ |= {name: value for name, value in self.__dict__.copy().items() if name.startswith("_")}
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
        filled = filling.fill(operation, arguments, self._marketplace, self._fills_optional)
        prepared = serialize.prepare(operation, filled, check=self._check)
        resource = self._resource(operation, prepared, elements)
        if resource is not None:
            session = self._restricted_session()
            return restricted_data.call(self._wire, session, self._restricted_tokens, operation, prepared, resource)
        if isinstance(self._source, Hosted):
            told = prepared.given if self._marketplace_given else filling.unfilled(operation, prepared.given, arguments)
            return self._source.call(self._wire, operation, told)
        return calls.call(self._wire, self._source, operation, prepared)

    def _resource(self, operation: Operation, prepared: Prepared, elements: Any) -> Resource | None:
        """Return what a call needs a restricted data token for, if it needs one."""
        if self._restriction is not None and elements is None:
            if named := self._restriction.named(operation, prepared):
                return named
            elements = self._restriction.applies(operation)
        if elements is None or elements is False:
            return None
        return restricted_data.resource_of(operation, prepared, elements)

    def _page(self, operation: Operation, arguments: Mapping[str, Any], result: Result[Any, Any], kind: Any) -> Any:
        """Return a result, as a page where the operation pages."""
        return result if operation.paging is None else kind(result, operation, arguments, self._call)

    def _call(self, operation: Operation, arguments: Any) -> Any:
        raise NotImplementedError

    def _perform_path(
        self, method: str, path: str, params: Mapping[str, Any] | None, body: Any
    ) -> Coroutine[Any, Any, Result[Any, Any]]:
        check_path(method, path)
        given = {**(params or {}), **({} if body is None else {"body": body})}
        if found := catalog.match(method.upper(), path):
            operation, in_path = found
            if twice := sorted(in_path.keys() & given.keys()):
                raise InvalidArguments(problems=[Problem(name, "is in the path already") for name in twice])
            return self._perform(operation, {name: unquote(text) for name, text in in_path.items()} | given)
        if isinstance(self._source, Hosted):
            raise InvalidArguments(problems=[Problem("path", f"no operation has {method} {path}")])
        verb, known = method.upper(), "/".join(path.split("/")[:3])  # what comes after may be personal
        operation = Operation("seller-partner", "", "", f"{verb} {known}/…", verb, path, (), write=verb != "GET")
        return calls.call(self._wire, self._source, operation, serialize.prepare_unknown(operation, given))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(marketplace={self._marketplace.country!r})"


class SellingPartner(_Client, Operations):
    """The Selling Partner API for one account, blocking. Threads may share one.

    ``SellingPartner(marketplace="DE").orders_v0.get_orders(created_after="2026-11-01T00:00:00Z").payload["Orders"]``
    """

    _kind = BlockingWire

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
        arguments = arguments if operation.paging is None else settled(arguments)
        return self._page(operation, arguments, run(self._perform(operation, arguments)), Page)


class AsyncSellingPartner(_Client, AsyncOperations):
    """The Selling Partner API for one account, for asyncio. Tasks may share one."""

    _kind = AsyncWire

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
        arguments = arguments if operation.paging is None else settled(arguments)

        async def made() -> Any:
            return self._page(operation, arguments, await self._perform(operation, arguments), AsyncPage)

        made.__qualname__ = operation.key  # what asyncio says of it
        return made() if operation.paging is None else PagedCall(made, operation.key)


def source_of(
    credentials: Mapping[str, str | None] | Provider | None,
    given: dict[str, str | None],
    account: str | None,
    environ: Mapping[str, str],
    blocking: bool,
    names: Names = SELLING_PARTNER,
) -> tuple[Source, Credentials | None]:
    """Return where an account's grant comes from, and what was found; nothing before a function was asked.

    Raises:
        CredentialsError: no usable credentials, or a function and more than a refresh token beside it.
    """
    if callable(credentials):
        provider = credentials
        if account is not None or given.keys() - {"refresh_token"}:
            raise CredentialsError("only refresh_token may be given beside a function, which has all the rest")
        oauth.check_callback(provider, blocking=blocking, field="credentials")

        async def asked() -> Grant:
            return _grant(await places.ask(provider, given, names))

        return Source(asked), None
    if not isinstance(credentials, Mapping | None):
        raise CredentialsError(f"credentials must be a mapping or a function, and no {type(credentials).__name__}")
    if credentials is not None and not credentials:
        raise CredentialsError("the mapping of credentials is empty; give None to have them looked for elsewhere")
    named = {**(credentials or {}), **given}

    async def again() -> Grant:
        return _grant(places.find(named, environ, account=account, again=True, names=names))

    found = places.find(named, environ, account=account, names=names)
    return Source(again, _grant(found)), found


def _grant(found: Credentials) -> Grant:
    client = LwaClient(found.client_id, found.client_secret)
    return Grant(client, found.refresh_token, access_token=found.access_token)


class DocumentCaller:
    """What the flows of documents need of a client (`documents.Caller`)."""

    def __init__(self, client: Any, family: Family) -> None:
        self._client = client
        self._family: Family = family
        self.wire = client._wire
        self.amazon = client._amazon

    def call(
        self, operation: str, arguments: Mapping[str, Any], *, restricted: Sequence[str] | bool | None = None
    ) -> Coroutine[Any, Any, Result[Any, Any]]:
        """Make one call."""
        given = dict(arguments) if restricted is None else {**arguments, "restricted": restricted}
        found: Coroutine[Any, Any, Result[Any, Any]]
        found = self._client._perform(catalog.find(operation, self._family), given)
        return found


@cache
def with_documents(mixin: type, operations: type[OperationsOf]) -> Any:
    """Return a class of operations with what reads and writes their documents."""
    return type(mixin.__name__, (mixin, operations), {})


def _marketplace(name: str) -> tuple[Marketplace, bool]:
    """Return a marketplace, and whether it was named itself rather than by its region."""
    found = regions.marketplace(name)
    return found, name.strip().upper() in (found.id, found.country) or name.strip().upper() == "UK"


def check_path(method: str, path: str) -> None:
    """Refuse a method or path that is none, before anything is made of it.

    Raises:
        InvalidArguments: says which, and what it has to be.
    """
    if not _is_path(path):
        message = "must start with '/' and hold no '?', '#', backslash, '.' or '..'; query parameters go into params"
        raise InvalidArguments(problems=[Problem("path", message)])
    if not method.isalpha():
        raise InvalidArguments(problems=[Problem("method", "must be one word, such as GET")])


def _is_path(path: str) -> bool:
    """Whether a path is one and stays where it is, whoever reads it."""
    if not path.startswith("/") or not path.isprintable() or any(one in path for one in "?#\\"):
        return False
    try:
        segments = unquote(path, errors="strict").split("/")
    except UnicodeDecodeError:
        return False
    return not {".", ".."} & set(segments)


def shared_wire(kind: type[BlockingWire] | type[AsyncWire], proxy: str | None, ca: Any) -> Wire:
    """Return the wire that clients of one kind and the same options share, as long as there is one of them."""
    key = (kind, proxy, ca if ca is None else os.fspath(ca))
    with _wires_lock:
        wire = _wires.get(key)
        if wire is None:
            wire = _wires[key] = kind(proxy=proxy, ca=ca)
            if proxy is None and ca is None:
                _kept.append(wire)
    return wire


def check_options(limit: Any, timeout_s: Any, patience_s: Any) -> None:
    """Refuse options that would show as something else much later, whatever a caller without types gave."""
    problems = []
    if limit not in ("wait", "raise"):
        problems.append(Problem("limit", "must be 'wait' or 'raise'"))
    for name, seconds, least, most in (
        ("timeout_s", timeout_s, 0.001, LONGEST_S),
        ("patience_s", patience_s, 0.0, inf),
    ):
        if not isinstance(seconds, int | float) or not least <= seconds <= most:
            problems.append(Problem(name, f"must be a number of seconds, from {least:g} to {most:g}"))
    if problems:
        raise InvalidArguments(problems=problems)


def settled(value: Any) -> Any:
    """Return arguments that can be gone through for every page, and that the caller no longer changes."""
    if isinstance(value, Mapping):
        return {name: settled(one) for name, one in value.items()}
    if isinstance(value, str | bytes | bytearray) or not isinstance(value, Iterable):
        return value
    return [settled(one) for one in value]
