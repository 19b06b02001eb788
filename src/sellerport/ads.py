"""`AmazonAds` and `AsyncAmazonAds`: every operation of the Amazon Ads API for one grant.

``ads.sp.campaigns.list(state_filter=["ENABLED"])`` is ``POST /sp/campaigns/list``: an operation's name is its path, and
the fields of its body may be given as keywords, in Python's spelling or in Amazon's. What else the Ads API asks for is
done here: the versioned media types, the headers that say who calls, the advertising profile, ids as strings wherever
they go, and answers that say of each item what became of it (`sellerport.multi_status`).
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Literal, Self, TypeVar
from urllib.parse import unquote

import msgspec

from sellerport import calls, catalog, client, oauth, regions, serialize
from sellerport.ads_operations import OperationGroup
from sellerport.answers import Result
from sellerport.calls import Session
from sellerport.catalog import PROFILE, Operation
from sellerport.errors import AccessDenied, CredentialsError, InvalidArguments, Problem
from sellerport.limits import Limiter
from sellerport.multi_status import STATUS, MultiStatus
from sellerport.oauth import Grant, LwaClient, OnRefresh, Source, Tokens
from sellerport.paging import AsyncPage, Page, PagedCall
from sellerport.regions import ADS_REGIONS, Amazon
from sellerport.serialize import Prepared
from sellerport.wire import AsyncWire, BlockingWire, Wire, run

T = TypeVar("T")

ENVIRONMENT = {
    "client_id": "AD_API_CLIENT_ID",
    "client_secret": "AD_API_CLIENT_SECRET",
    "refresh_token": "AD_API_REFRESH_TOKEN",
    PROFILE: "AD_API_PROFILE_ID",
}
"""The names that python-amazon-ad-api made common."""


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """An advertiser's account in one country; what calls of sponsored ads are about.

    ``type`` is seller, vendor or agency; agencies have no sponsored ads. ``account_id`` is the seller's or vendor's,
    and the same in several countries.
    """

    profile_id: str
    region: str
    country: str
    currency: str
    timezone: str
    type: str
    account_id: str
    name: str
    marketplace_id: str
    data: dict[str, Any]
    """All that Amazon says of it, with ids as strings."""

    def __repr__(self) -> str:
        return f"Profile(profile_id={self.profile_id!r}, region={self.region!r}, country={self.country!r})"


class _AdsClient:
    """What both clients are made of."""

    _kind: type[BlockingWire] | type[AsyncWire]

    def __init__(
        self,
        credentials: Mapping[str, str | None] | None = None,
        *,
        client_id: str | None = None,
        client_secret: str | None = None,
        refresh_token: str | None = None,
        access_token: str | None = None,
        region: str | None = None,
        profile_id: str | int | None = None,
        check: bool = True,
        amazon: Amazon | str | None = None,
        limit: Literal["wait", "raise"] = "wait",
        timeout_s: float = 60.0,
        patience_s: float = client.PATIENCE_S,
        proxy: str | None = None,
        ca: str | os.PathLike[str] | None = None,
        on_token_refresh: OnRefresh | None = None,
        tokens: Tokens | None = None,
        limits: Limiter | None = None,
        environ: Mapping[str, str] = os.environ,
        jitter: Callable[[], float] = random.random,
        wire: Wire | None = None,
    ) -> None:
        """Find the credentials; nothing is sent yet.

        Args:
            credentials: ``client_id``, ``client_secret``, ``refresh_token``; without any they come from the
                environment: ``AD_API_CLIENT_ID``, ``AD_API_CLIENT_SECRET``, ``AD_API_REFRESH_TOKEN``.
            client_id, client_secret, refresh_token: the same, one by one.
            access_token: an access token that somebody else renews, instead of secret and refresh token; Amazon wants
                the client id beside it.
            region: ``"na"``, ``"eu"``, ``"fe"``, a country or the endpoint's URL; North America if not given.
            profile_id: the advertising profile that calls are about unless they name another; without it
                ``AD_API_PROFILE_ID``. `find_profiles` says which there are.
            check: whether to refuse names and values that the catalogue does not have.
            amazon: the address of a local Amazon; without it the environment's ``SELLERPORT_AMAZON``, or the real one.
            limit: what to do when Amazon says 429: ``"wait"``, or ``"raise"`` `Throttled`.
            timeout_s: how long Amazon may take for one answer, in seconds.
            patience_s: how long a call may wait in all between attempts, in seconds.
            proxy, ca, on_token_refresh, tokens, limits, environ, jitter, wire: as for `SellingPartner`.

        Raises:
            CredentialsError: no usable credentials.
            InvalidArguments: no such region, or an option that cannot be.
        """
        client.check_options(limit, timeout_s, patience_s)
        oauth.check_callback(on_token_refresh, blocking=self._kind.blocking)
        given = {"client_id": client_id, "client_secret": client_secret, "refresh_token": refresh_token}
        given |= {"access_token": access_token, PROFILE: None if profile_id is None else str(profile_id)}
        found = _credentials({**(credentials or {}), **{k: v for k, v in given.items() if v is not None}}, environ)
        self._profile_id = found.pop(PROFILE, None)
        self._check = check
        self._wire = wire or client.shared_wire(self._kind, proxy, ca)
        address = amazon if amazon is not None else environ.get("SELLERPORT_AMAZON")
        self._amazon = address if isinstance(address, Amazon) else Amazon(address or None)
        grant = Grant(
            LwaClient(found["client_id"], found.get("client_secret", "")),
            found.get("refresh_token"),
            access_token=found.get("access_token"),
        )

        async def again() -> Grant:
            return grant

        self._session = Session(
            source=Source(again, grant),
            region=regions.ads_region(region or "na"),
            amazon=self._amazon,
            tokens=tokens or client.process_tokens,
            limits=limits or client.process_limits,
            limit=limit,
            timeout_s=timeout_s,
            patience_s=patience_s,
            jitter=jitter,
            on_token_refresh=on_token_refresh,
        )

    def with_options(
        self,
        *,
        region: str | None = None,
        profile_id: str | int | None = None,
        check: bool | None = None,
        limit: Literal["wait", "raise"] | None = None,
        timeout_s: float | None = None,
        patience_s: float | None = None,
    ) -> Self:
        """Return a client that differs in these options, and shares everything else with this one.

        ``for profile in ads.find_profiles(): ads.with_options(region=profile.region, profile_id=profile.profile_id)``

        Raises:
            InvalidArguments: an option that cannot be.
        """
        made = object.__new__(type(self))
        made.__dict__ |= {name: value for name, value in self.__dict__.items() if name.startswith("_")}
        given = {"limit": limit, "timeout_s": timeout_s, "patience_s": patience_s}
        changed: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        if region is not None:
            changed["region"] = regions.ads_region(region)
        made._session = replace(self._session, **changed)
        client.check_options(made._session.limit, made._session.timeout_s, made._session.patience_s)
        made._profile_id = self._profile_id if profile_id is None else str(profile_id)
        made._check = self._check if check is None else check
        return made

    def __getattr__(self, name: str) -> OperationGroup:
        if name.startswith("_"):
            raise AttributeError(name)
        found = OperationGroup(catalog.api(name, "ads"), self._call)
        setattr(self, name, found)
        return found

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *catalog.index("ads").apis]

    def __repr__(self) -> str:
        return f"{type(self).__name__}(region={self._session.region.name!r}, profile_id={self._profile_id!r})"

    def _call(self, operation: Operation, arguments: Any) -> Any:
        raise NotImplementedError

    def _perform(self, operation: Operation, arguments: Mapping[str, Any]) -> Coroutine[Any, Any, Result[Any, Any]]:
        return _perform(self._wire, self._session, operation, self._prepare(operation, arguments))

    def _prepare(self, operation: Operation, arguments: Mapping[str, Any]) -> Prepared:
        filled = gathered(operation, arguments)
        named = filled.get(PROFILE) is not None or filled.get("Amazon-Advertising-API-Scope") is not None
        if operation.profile and not named and self._profile_id and "account_id" not in filled:
            filled[PROFILE] = self._profile_id
        if operation.profile == "required" and not (named or self._profile_id):
            problem = "is required: give it here or when the client is made; find_profiles() says which there are"
            raise InvalidArguments(operation.key, [Problem(PROFILE, problem)])
        if operation.numeric_ids and "body" in filled:
            filled["body"] = ids(filled["body"], as_numbers=True)
        return serialize.prepare(operation, filled, check=self._check)

    def _perform_path(
        self, method: str, path: str, params: Mapping[str, Any] | None, body: Any, media: str | None
    ) -> Coroutine[Any, Any, Result[Any, Any]]:
        client.check_path(method, path)
        given = {**(params or {}), **({} if body is None else {"body": body})}
        if found := catalog.match(method.upper(), path, "ads"):
            operation, in_path = found
            return self._perform(operation, {name: unquote(text) for name, text in in_path.items()} | given)
        verb, known = method.upper(), "/".join(path.split("/")[:3])
        operation = Operation("ads", "", "", f"{verb} {known}/…", verb, path, (), write=verb != "GET")
        prepared = serialize.prepare_unknown(operation, given)
        headers = dict(prepared.headers) | (
            {"Amazon-Advertising-API-Scope": self._profile_id} if self._profile_id else {}
        )
        headers |= {"accept": media, "content-type": media} if media else {}
        return _perform(self._wire, self._session, operation, msgspec.structs.replace(prepared, headers=headers))

    async def _find_profiles(self, arguments: Mapping[str, Any]) -> list[Profile]:
        operation = catalog.find("profiles.list", "ads")
        prepared, found, refused = self._prepare(operation, arguments), [], []
        for region in ADS_REGIONS.values():
            session = replace(self._session, region=region)
            try:
                listed = (await _perform(self._wire, session, operation, prepared)).data
            except (
                AccessDenied
            ) as error:  # where the advertiser never was, some hosts refuse instead of listing nothing
                refused.append(error)
                continue
            found += [_profile(region.name, one) for one in listed]
        if len(refused) == len(ADS_REGIONS):
            raise refused[0]
        return found


class AmazonAds(_AdsClient):
    """The Amazon Ads API for one grant, blocking. Threads may share one.

    ``AmazonAds(region="eu", profile_id="…").sp.campaigns.list(state_filter=["ENABLED"])["campaigns"]``
    """

    _kind = BlockingWire

    def find_profiles(self, **arguments: Any) -> list[Profile]:
        """Return the advertising profiles of all three regions; profiles belong to one, and other regions list none.

        Args:
            arguments: of ``profiles.list``: ``api_program``, ``access_level``, ``profile_type_filter``,
                ``valid_payment_method_filter``. With ``access_level="view", api_program="report"`` also those that the
                user may only look at.

        Raises:
            AmazonError, NoAnswer, TokenError: see `sellerport.errors`.
        """
        return run(self._find_profiles(arguments))

    def call(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        *,
        media: str | None = None,
    ) -> Result[Any, Any]:
        """Call an operation by its method and path: of the catalogue, or one that it does not know.

        Args:
            method, path: such as ``"POST"`` and ``"/sp/campaigns/list"``.
            params: parameters by name.
            body: the body, as JSON says it.
            media: the media type of what is sent and answered, for an operation that the catalogue does not know.

        Raises:
            InvalidArguments: the arguments do not fit the operation.
            AmazonError, NoAnswer, TokenError: see `sellerport.errors`.
        """
        return run(self._perform_path(method, path, params, body, media))

    def _call(self, operation: Operation, arguments: Any) -> Any:
        arguments = arguments if operation.paging is None else client.settled(gathered(operation, arguments))
        result = run(self._perform(operation, arguments))
        return result if operation.paging is None else Page(result, operation, arguments, self._call)


class AsyncAmazonAds(_AdsClient):
    """The Amazon Ads API for one grant, for asyncio. Tasks may share one."""

    _kind = AsyncWire

    async def find_profiles(self, **arguments: Any) -> list[Profile]:
        """As `AmazonAds.find_profiles`."""
        return await self._find_profiles(arguments)

    async def call(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        *,
        media: str | None = None,
    ) -> Result[Any, Any]:
        """As `AmazonAds.call`."""
        return await self._perform_path(method, path, params, body, media)

    def _call(self, operation: Operation, arguments: Any) -> Any:
        if operation.paging is None:
            return self._perform(operation, arguments)
        settled = client.settled(gathered(operation, arguments))

        async def made() -> Any:
            return AsyncPage(await self._perform(operation, settled), operation, settled, self._call)

        made.__qualname__ = operation.key  # what asyncio says of it
        return PagedCall(made, operation.key)


async def _perform(wire: Wire, session: Session, operation: Operation, prepared: Prepared) -> Result[Any, Any]:
    result = await calls.call(wire, session, operation, prepared)
    data = ids(result.data, as_numbers=False) if operation.numeric_ids else result.data
    kind = MultiStatus if result.status == STATUS else Result
    return kind(data, result.status, result.headers)


def gathered(operation: Operation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments with those that are fields of the body inside it; a list stands for a filter that includes it.

    Args:
        operation: which.
        arguments: its parameters and ``body``, and fields of the body under Python's names or Amazon's.
    """
    fields = _fields(operation.key)
    kept, body = {}, {}
    for name, value in arguments.items():
        wire = fields.get(name)
        if wire is None or value is None:
            kept[name] = value
        elif wire.includes and not isinstance(value, Mapping):
            body[wire.name] = {"include": [value] if isinstance(value, str | int) else list(value)}
        else:
            body[wire.name] = value
    if not body:
        return kept
    given = kept.get("body")
    if given is not None and not isinstance(given, Mapping):
        raise InvalidArguments(operation.key, [Problem("body", "is no object, and other fields of it were given too")])
    return {**kept, "body": {**(given or {}), **body}}


class _Field(msgspec.Struct, frozen=True):
    name: str
    includes: bool
    """Whether it is an object that lists what to include."""


@cache
def _fields(key: str) -> Mapping[str, _Field]:
    """Return the fields of an operation's body by both spellings, but for those that are parameters too."""
    operation = catalog.find(key, "ads")
    definitions = catalog.schemas(operation.api, "ads").definitions
    properties = serialize.properties(serialize.body_of(operation), definitions)
    taken = {name for one in operation.parameters for name in (one.name, one.wire)} | {"body"}
    found: dict[str, _Field] = {}
    for name, schema in properties.items():
        field = _Field(name, "include" in serialize.properties(schema, definitions))
        found |= {spelled: field for spelled in (serialize.snake(name), name) if spelled not in taken}
    return found


def ids(value: Any, *, as_numbers: bool) -> Any:
    """Return JSON with every id, a value whose name ends in ``Id``, as a string; or as Amazon's older APIs want it.

    Ids have up to 64 bits, more than a double holds, so that they are strings wherever callers see them.
    """
    if isinstance(value, Mapping):
        return {name: _id(one, as_numbers) if name.endswith("Id") else ids(one, as_numbers=as_numbers)
                for name, one in value.items()}  # fmt: skip
    return [ids(one, as_numbers=as_numbers) for one in value] if isinstance(value, list | tuple) else value


def _id(value: Any, as_numbers: bool) -> Any:
    if isinstance(value, Mapping | list):
        return ids(value, as_numbers=as_numbers)
    if as_numbers:
        return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _profile(region: str, data: dict[str, Any]) -> Profile:
    account = data.get("accountInfo") or {}
    return Profile(
        profile_id=str(data["profileId"]),
        region=region,
        country=str(data.get("countryCode", "")),
        currency=str(data.get("currencyCode", "")),
        timezone=str(data.get("timezone", "")),
        type=str(account.get("type", "")),
        account_id=str(account.get("id", "")),
        name=str(account.get("name", "")),
        marketplace_id=str(account.get("marketplaceStringId", "")),
        data=data,
    )


def _credentials(given: Mapping[str, str | None], environ: Mapping[str, str]) -> dict[str, str]:
    """Return the credentials that were given, or all of the environment's.

    Raises:
        CredentialsError: none, not all of them, or something else besides.
    """
    known = (*ENVIRONMENT, "access_token")
    if unknown := [name for name in given if name not in known]:
        raise CredentialsError(f"unknown credentials {', '.join(unknown)}; known are {', '.join(known)}")
    own = {name: value.strip() for name, value in given.items() if value and value.strip()}
    own = own if own.keys() - {PROFILE} else {**_of_environment(environ), **own}
    own.setdefault(PROFILE, environ.get(ENVIRONMENT[PROFILE], ""))
    needed = ("client_id", "access_token") if "access_token" in own else ("client_id", "client_secret", "refresh_token")
    if missing := [name for name in needed if not own.get(name)]:
        variables = ", ".join(ENVIRONMENT[name] for name in missing if name in ENVIRONMENT)
        raise CredentialsError(f"the Ads credentials lack {', '.join(missing)}; pass them, or set {variables}")
    return own


def _of_environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: environ[variable] for name, variable in ENVIRONMENT.items() if environ.get(variable)}
