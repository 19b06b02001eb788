"""`AmazonAds` and `AsyncAmazonAds`: every operation of the Amazon Ads API for one grant.

``ads.sp.campaigns.list(state_filter=["ENABLED"])`` is ``POST /sp/campaigns/list``: an operation's name is its path, and
the fields of its body may be given as keywords, in Python's spelling or in Amazon's. What else the Ads API asks for is
done here: the versioned media types, the headers that say who calls, the advertising profile, ids as strings wherever
they go, and answers that say of each item what became of it (`sellerport.multi_status`).
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Literal, Self
from urllib.parse import unquote

import msgspec

from sellerport import calls, catalog, client, documents, multi_status, oauth, regions, serialize
from sellerport import credentials as places
from sellerport.ads_operations import AdsOperations, AsyncAdsOperations, OperationGroup
from sellerport.answers import Result
from sellerport.calls import Session
from sellerport.catalog import PROFILE, UNDESCRIBED, Media, Operation
from sellerport.credentials import Provider
from sellerport.errors import AccessDenied, InvalidArguments, Problem
from sellerport.limits import Limiter
from sellerport.multi_status import STATUS, MultiStatus
from sellerport.oauth import OnRefresh, Tokens
from sellerport.paging import AsyncPage, Page, PagedCall, at
from sellerport.regions import ADS_REGIONS, Amazon
from sellerport.serialize import Field, Prepared
from sellerport.wire import AsyncWire, BlockingWire, Wire, run

SCOPE = "Amazon-Advertising-API-Scope"
"""The header that names the advertising profile."""
ACCOUNT = "Amazon-Ads-AccountId"
"""The one that names a global account, or one of the demand-side platform, instead."""

_MEDIA_TYPE = re.compile(r"[!-~]+/[ -~]+\Z")


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
        credentials: Mapping[str, str | None] | Provider | None = None,
        *,
        client_id: str | None = None,
        client_secret: str | None = None,
        refresh_token: str | None = None,
        access_token: str | None = None,
        account: str | None = None,
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
            credentials: ``refresh_token``, ``client_id`` and ``client_secret``, or a function that returns them;
                without any they come from the environment (``AD_API_REFRESH_TOKEN``, ``AD_API_CLIENT_ID``,
                ``AD_API_CLIENT_SECRET``) or from ``python-ad-api/credentials.yml``: see `sellerport.credentials`.
            client_id, client_secret, refresh_token: the same, one by one; a refresh token alone is used with the
                application that the environment or the file has.
            access_token: an access token that somebody else renews, instead of secret and refresh token; Amazon wants
                the client id beside it.
            account: which account's, where the environment or the file has several.
            region: ``"na"``, ``"eu"``, ``"fe"``, a country or the endpoint's URL; North America if not given.
            profile_id: the advertising profile that calls are about unless they name another; without it the one that
                is kept with the credentials, or ``AD_API_PROFILE_ID``. `find_profiles` says which there are.
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
        given = {"refresh_token": refresh_token, "client_id": client_id, "client_secret": client_secret}
        given |= {"access_token": access_token, PROFILE: None if profile_id is None else str(profile_id)}
        given = {name: value for name, value in given.items() if value is not None}
        if callable(credentials):
            profile_id = given.pop(PROFILE, None)
        source, found = client.source_of(credentials, given, account, environ, self._kind.blocking, places.ADS)
        kept = found.profile_id if found is not None else profile_id
        self._profile_id = str(kept or environ.get(places.ADS.optional[PROFILE]) or "") or None
        self._check = check
        self._wire = wire or client.shared_wire(self._kind, proxy, ca)
        address = amazon if amazon is not None else environ.get("SELLERPORT_AMAZON")
        self._amazon = address if isinstance(address, Amazon) else Amazon(address or None)
        self._session = Session(
            source=source,
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
        # a copy first, which no thread can come between
        made.__dict__ |= {name: value for name, value in self.__dict__.copy().items() if name.startswith("_")}
        given = {"limit": limit, "timeout_s": timeout_s, "patience_s": patience_s}
        changed: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        if region is not None:
            changed["region"] = regions.ads_region(region)
        made._session = replace(self._session, **changed)
        client.check_options(made._session.limit, made._session.timeout_s, made._session.patience_s)
        made._profile_id = self._profile_id if profile_id is None else str(profile_id)
        made._check = self._check if check is None else check
        return made

    def _call(self, operation: Operation, arguments: dict[str, Any]) -> Any:
        raise NotImplementedError

    def _open(self, api: str) -> OperationGroup:
        if api not in documents.ADS_MIXINS:
            return OperationGroup(api, self._call)
        blocking, awaiting = documents.ADS_MIXINS[api]
        mixin = blocking if self._kind.blocking else awaiting
        opened: OperationGroup = client.with_documents(mixin, OperationGroup)(api, self._call)
        patient = self.with_options(limit="raise")  # refusals are waited out in minutes there, and not in seconds here
        opened._caller = client.DocumentCaller(patient, "ads")  # type: ignore[attr-defined]  # of the mixin
        return opened

    def __repr__(self) -> str:
        return f"{type(self).__name__}(region={self._session.region.name!r}, profile_id={self._profile_id!r})"

    def _perform(self, operation: Operation, arguments: Mapping[str, Any]) -> Coroutine[Any, Any, Result[Any, Any]]:
        operation, prepared = self._prepare(operation, arguments)
        return _perform(self._wire, self._session, operation, prepared)

    def _prepare(self, operation: Operation, arguments: Mapping[str, Any]) -> tuple[Operation, Prepared]:
        operation, filled = _with_media(operation, gathered(operation, arguments))
        if type(filled.get(PROFILE)) is int:  # as Amazon writes them
            filled[PROFILE] = str(filled[PROFILE])
        named = filled.get(PROFILE) is not None or filled.get(SCOPE) is not None
        instead = any(filled.get(one.name) is not None for one in operation.parameters if one.wire == ACCOUNT)
        if operation.profile and not named and self._profile_id and not instead:
            filled[PROFILE] = self._profile_id
        if operation.profile == "required" and not (named or self._profile_id):
            problem = "is required: give it here or when the client is made; find_profiles() says which there are"
            raise InvalidArguments(operation.key, [Problem(PROFILE, problem)])
        if self._check:
            _check_number_of_items(operation, filled.get("body"))
        if operation.numeric_ids and "body" in filled:
            filled["body"] = serialize.with_numeric_ids(filled["body"])
        return operation, serialize.prepare(operation, filled, check=self._check)

    def _perform_path(
        self, method: str, path: str, params: Mapping[str, Any] | None, body: Any, media: str | None
    ) -> Coroutine[Any, Any, Result[Any, Any]]:
        client.check_path(method, path)
        given = {**(params or {}), **({} if body is None else {"body": body})}
        if found := catalog.match(method.upper(), path, "ads"):
            operation, in_path = found
            if twice := sorted(in_path.keys() & given.keys()):
                raise InvalidArguments(problems=[Problem(name, "is in the path already") for name in twice])
            given |= {"content_type": media, "accept": media} if media else {}
            return self._perform(operation, {name: unquote(text) for name, text in in_path.items()} | given)
        verb, known = method.upper(), "/".join(path.split("/")[:3])
        operation = Operation("ads", "", "", f"{verb} {known}/…", verb, path, (), write=verb != "GET")
        operation, given = _with_media(operation, given | {"content_type": media, "accept": media})
        prepared = serialize.prepare_unknown(operation, given)
        headers = {**prepared.headers, **({SCOPE: self._profile_id} if self._profile_id else {})}
        return _perform(self._wire, self._session, operation, msgspec.structs.replace(prepared, headers=headers))

    async def _find_profiles(self, arguments: Mapping[str, Any]) -> list[Profile]:
        operation, prepared = self._prepare(catalog.find("profiles.list", "ads"), arguments)
        found, refused = [], []
        for region in ADS_REGIONS.values():
            session = replace(self._session, region=region)
            try:
                listed = (await _perform(self._wire, session, operation, prepared)).data
            except AccessDenied as error:  # some hosts refuse an advertiser who never was there
                refused.append(error)
                continue
            found += [_profile(region.name, one) for one in listed]
        if len(refused) == len(ADS_REGIONS):
            raise refused[0]
        return found


class AmazonAds(_AdsClient, AdsOperations):
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
            media: the media type of what is sent and answered, instead of the catalogue's or, for what it does not
                know, of ``application/json``.

        Raises:
            InvalidArguments: the arguments do not fit the operation.
            AmazonError, NoAnswer, TokenError: see `sellerport.errors`.
        """
        return run(self._perform_path(method, path, params, body, media))

    def _call(self, operation: Operation, arguments: Any) -> Any:
        arguments = arguments if operation.paging is None else client.settled(gathered(operation, arguments))
        result = run(self._perform(operation, arguments))
        return result if operation.paging is None else Page(result, operation, arguments, self._call)


class AsyncAmazonAds(_AdsClient, AsyncAdsOperations):
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
    if _may_hold_numeric_ids(operation.api, operation.key):
        serialize.write_ids(result.data)
    apart = result.status == STATUS or (operation.write and multi_status.tells_apart(result.data))
    return (MultiStatus if apart else Result)(result.data, result.status, result.headers)


@cache
def _may_hold_numeric_ids(api: str, key: str) -> bool:
    """Whether an answer's ids may be numbers: Amazon says so, or does not say what they are."""
    if not api:
        return True
    operation = catalog.find(key, "ads")
    return operation.numeric_ids or catalog.schemas(api, "ads").of(operation) is UNDESCRIBED


def gathered(operation: Operation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments with those that are fields of the body inside it; a list stands for a filter that includes it.

    Args:
        operation: which.
        arguments: its parameters and ``body``, and fields of the body under Python's names or Amazon's.
    """
    fields = _spelled(operation.key)
    kept, body = {}, {}
    for name, value in arguments.items():
        field = fields.get(name)
        if field is None or value is None:
            kept[name] = value
        elif field.includes and not isinstance(value, Mapping):
            body[field.wire] = {"include": [value] if isinstance(value, str | int) else list(value)}
        else:
            body[field.wire] = value
    if not body:
        return kept
    given = kept.get("body")
    if given is not None and not isinstance(given, Mapping):
        raise InvalidArguments(operation.key, [Problem("body", "is no object, and other fields of it were given too")])
    return {**kept, "body": {**(given or {}), **body}}


@cache
def _spelled(key: str) -> Mapping[str, Field]:
    """Return the fields of an operation's body in both spellings."""
    fields = serialize.fields(catalog.find(key, "ads")).values()
    return {spelled: field for field in fields for spelled in (field.wire, field.name)}


def _with_media(operation: Operation, arguments: dict[str, Any]) -> tuple[Operation, dict[str, Any]]:
    """Return an operation with the media types that the caller wants, which any may be given, and what else is given.

    Of an operation that has several versions they are parameters, and checked as such.
    """
    known = {one.name for one in operation.parameters}
    wanted = {name: arguments[name] for name in ("content_type", "accept") if name in arguments and name not in known}
    if not wanted:
        return operation, arguments
    left = {name: value for name, value in arguments.items() if name not in wanted}
    wanted = {name: value for name, value in wanted.items() if value is not None}
    problem = "must be a media type, such as application/vnd.spCampaign.v3+json"
    if wrong := [name for name, value in wanted.items() if not (isinstance(value, str) and _MEDIA_TYPE.match(value))]:
        raise InvalidArguments(operation.key, [Problem(name, problem) for name in wrong])
    request, accept = (
        (wanted[name],) if name in wanted else types
        for name, types in (("content_type", operation.media.request), ("accept", operation.media.accept))
    )
    return msgspec.structs.replace(operation, media=Media(request, accept)), left


def _check_number_of_items(operation: Operation, body: Any) -> None:
    """Refuse a write of more items than Amazon takes at once, before each of them is looked at.

    Raises:
        InvalidArguments: it says how many there may be.
    """
    if operation.batch is None or operation.batch.most is None:
        return
    items = at(body, operation.batch.key)
    if isinstance(items, list | tuple) and len(items) > operation.batch.most:
        field = ".".join(filter(None, ("body", operation.batch.key)))
        problem = f"holds {len(items)}, and Amazon takes {operation.batch.most} at once; make several calls"
        raise InvalidArguments(operation.key, [Problem(field, problem)])


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
