"""The connectors: one class for each of Amazon's APIs, in this process or through a Sellerport server."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, is_dataclass, replace
from inspect import signature
from itertools import islice
from typing import Any, ClassVar, Protocol, Self

from sellerport import __version__, client, regions, serialize
from sellerport.ads import AsyncAmazonAds
from sellerport.catalog import PROFILE, Operation
from sellerport.client import AsyncSellingPartner
from sellerport.connectors import amazon_ads, descriptions, queries, seller_partner
from sellerport.connectors.actions import Execution, Kind
from sellerport.connectors.configs import (
    AirbyteAuthConfig,
    AmazonAdsAuthConfig,
    AmazonSellerPartnerAuthConfig,
    HostedConfig,
    SellerportAuthConfig,
    accepted,
    place_of,
)
from sellerport.connectors.fields import Choice
from sellerport.connectors.hosted import Remote
from sellerport.connectors.local import Local, LocalAds, OnTokens, hearing
from sellerport.connectors.results import CheckResult, ExecuteResult, ExecuteResultWithMeta
from sellerport.documents import AsyncReporting, AsyncReports
from sellerport.errors import InvalidArguments, NotAllowed, Problem, SellerportError, UnknownOperation
from sellerport.limits import Limiter
from sellerport.oauth import Tokens
from sellerport.regions import Amazon
from sellerport.wire import AsyncWire, Wire

MOST_RECORDS = 10_000
"""How many records of all pages, and rows of a report, there are at most where the caller does not say."""

SERVERS_OWN = (*amazon_ads.SEARCHES, "describe")
"""Actions that only a server may know; none of them changes anything."""


class _Backend(Protocol):
    connector_id: str | None

    @property
    def reports(self) -> Any: ...

    async def execute(self, entity: str, action: str, params: Mapping[str, Any], choice: Choice) -> Execution: ...

    async def execute_all(self, entity: str, action: str, params: Mapping[str, Any], most: int) -> Execution: ...


class _Connector:
    """What both connectors are made of."""

    connector_name: ClassVar[str]
    connector_version: ClassVar[str] = __version__
    sdk_version: ClassVar[str] = __version__

    _kind: ClassVar[Kind]
    _checked: ClassVar[str]
    _accepts: ClassVar[type[Any]]

    def __init__(
        self,
        auth_config: Any = None,
        on_token_refresh: OnTokens | None = None,
        region: str | None = None,
        *,
        allow_writes: bool = False,
        wire: Wire | None = None,
        environ: Mapping[str, str] = os.environ,
        tokens: Tokens | None = None,
        limits: Limiter | None = None,
        clock: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Read the configuration; nothing is sent yet.

        Args:
            auth_config: credentials, for calls from this process, or where a server is and whose connector there
                (`AirbyteAuthConfig`, `SellerportAuthConfig`).
            on_token_refresh: called with a dictionary (``access_token``, ``token_type``, ``expires_in``,
                ``refresh_token`` if there is one) whenever a token was fetched; a coroutine function is awaited. A
                server keeps its tokens, so that it is not called then.
            region: a country (``"DE"``), ``"na"``, ``"eu"`` or ``"fe"``, a marketplace id, or an endpoint's URL; North
                America if not given. A server knows its connectors' own.
            allow_writes: whether operations that change something at Amazon may be called.
            wire, environ, tokens, limits, clock, jitter: for tests, and to share more or less than the process does.

        Raises:
            InvalidArguments: no configuration, or no such region; it is a `ValueError` too.
            TypeError: a configuration of another kind.
            CredentialsError, SettingsError: something is missing; says where it was looked for.
        """
        config = accepted(auth_config, self._accepts, AirbyteAuthConfig, SellerportAuthConfig)
        self._allow_writes = allow_writes
        self._check_region(region)
        self._backend: _Backend
        if isinstance(config, AirbyteAuthConfig | SellerportAuthConfig):
            self._backend = self._remote(config, wire, environ, clock, jitter)
        else:
            shared = {"wire": wire, "environ": environ, "tokens": tokens, "limits": limits, "jitter": jitter}
            self._backend = self._local(config.grant, region, hearing(on_token_refresh), shared, clock)
        self._add_entities()

    @property
    def connector_id(self) -> str | None:
        """The connector's id on its server, once it is known; None in this process."""
        return self._backend.connector_id

    async def execute(
        self,
        entity: str,
        action: str,
        params: Mapping[str, Any] | None = None,
        *,
        select_fields: Sequence[str] | None = None,
        exclude_fields: Sequence[str] | None = None,
        skip_truncation: bool = True,
        all_pages: bool = False,
        max_records: int = MOST_RECORDS,
    ) -> Any:
        """Carry out one action of an entity.

        Args:
            entity: an entity (``orders``); an API version (``orders_v0``); for the Ads API a group of operations
                (``sp.campaigns``).
            action: ``list``, ``get``; ``rows`` of ``reports``; or an operation's name.
            params: parameters in Python's or Amazon's spelling, and ``body``.
            select_fields: only these fields of each record; dotted paths, which do not descend into lists.
            exclude_fields: all but these fields, unless some are selected.
            skip_truncation: whether long texts of a ``list`` stay whole; otherwise 200 characters of each do.
            all_pages: whether to fetch the pages that follow too.
            max_records: no further page is asked for once there are so many; ``meta["next_token"]`` goes on then.

        Returns:
            `ExecuteResultWithMeta`, or `ExecuteResult` of a ``list`` that has nothing beside its records, or the
            object itself of a ``get``.

        Raises:
            NotAllowed: it changes something at Amazon, and ``allow_writes`` was not given.
            UnknownOperation, InvalidArguments: nothing was sent.
            AmazonError, NoAnswer, TokenError: what became of it.
            ConnectorNotFound, ConnectorAmbiguous, Unauthenticated: what a server says of the connector.
        """
        given, choice = dict(params or {}), Choice(select_fields, exclude_fields, skip_truncation)
        if (entity, action) == ("reports", "rows"):
            done = choice.of(await self._rows(given), action)
        else:
            operation = self._allowed(entity, action)
            if all_pages:
                _check_pages(operation, max_records)
                done = choice.of(await self._backend.execute_all(entity, action, given, max_records), action)
            else:
                done = await self._backend.execute(entity, action, given, choice)
        if done.meta is not None:
            return ExecuteResultWithMeta(done.data, done.meta)
        return ExecuteResult(done.data) if action == "list" else done.data

    async def check(self) -> CheckResult:
        """Try the connector with one small call; never raises what the call came to."""
        try:
            await self.execute(self._checked, "list", {"limit": 1})
        except SellerportError as error:
            return CheckResult("unhealthy", str(error), self._checked, "list")
        return CheckResult("healthy", None, self._checked, "list")

    async def close(self) -> None:
        """Leave the connections to the process, which shares them."""

    def __repr__(self) -> str:
        where = "in this process" if isinstance(self._backend, Local) else f"connector_id={self.connector_id!r}"
        return f"{type(self).__name__}({where})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @classmethod
    def list_entities(cls) -> list[dict[str, Any]]:
        """Return the entities: name, description, actions, and the parameters of each action."""
        return descriptions.list_entities(cls._kind)

    @classmethod
    def list_operations(cls) -> dict[str, list[str]]:
        """Return every operation of the API as entity → actions, beside the entities of `list_entities`."""
        return descriptions.list_operations(cls._kind)

    @classmethod
    def entity_schema(cls, entity: str) -> dict[str, Any] | None:
        """Return the JSON Schema of an entity's records, or None where there is none."""
        return descriptions.entity_schema(cls._kind, entity)

    @classmethod
    def tool_utils(cls, func: Callable[..., Any] | None = None, **options: Any) -> Any:
        """Make a tool for an agent of a function that calls a connector: see `sellerport.connectors.tools`.

        ``@agent.tool_plain`` above ``@AmazonSellerPartnerConnector.tool_utils``, bare or with options.
        """
        from sellerport.connectors.tools import tool_utils  # noqa: PLC0415  # agents alone need it

        return tool_utils(cls, func, **options)

    @classmethod
    async def create(
        cls,
        *,
        airbyte_config: Any,
        auth_config: Any = None,
        server_side_oauth_secret_id: str | None = None,
        name: str | None = None,
        replication_config: Any = None,
        source_template_id: str | None = None,
        region: str | None = None,
        **options: Any,
    ) -> Self:
        """Make a connector on a server, and return it.

        Args:
            airbyte_config: the server, and whose connector it becomes.
            auth_config: the account's credentials, which the server keeps; or else
            server_side_oauth_secret_id: what a consent came to.
            name: what to call it.
            replication_config: where data that is copied begins.
            source_template_id: which kind of connector, instead of this class's.
            region: where the account trades; North America if not given.
            options: as the constructor's.

        Raises:
            InvalidArguments: neither credentials nor a secret's id, or the server refuses a field.
            SellerportError: what the server raised.
        """
        config = accepted(airbyte_config, AirbyteAuthConfig, SellerportAuthConfig)
        connector = cls(config, region=region, **options)
        credentials = accepted(auth_config, cls._accepts).grant if auth_config is not None else None
        if (credentials is None) == (server_side_oauth_secret_id is None):
            problem = "give either credentials, or a server_side_oauth_secret_id"
            raise InvalidArguments(problems=[Problem("auth_config", problem)])
        given = {
            **cls._named(name, replication_config, source_template_id, region),
            "credentials": credentials,
            "server_side_oauth_secret_id": server_side_oauth_secret_id,
        }
        assert isinstance(connector._backend, Remote)
        made = await connector._backend.create({key: value for key, value in given.items() if value is not None})
        return cls(replace(config, connector_id=made.id), region=region, **options)

    @classmethod
    async def get_consent_url(
        cls,
        *,
        airbyte_config: Any,
        redirect_url: str,
        name: str | None = None,
        replication_config: Any = None,
        source_template_id: str | None = None,
        region: str | None = None,
        **options: Any,
    ) -> str:
        """Return where an account's owner consents; a browser comes back to ``redirect_url`` afterwards.

        Args:
            airbyte_config, name, replication_config, source_template_id, region, options: as `create`'s.
            redirect_url: below a return URL that is registered with the server.

        Raises:
            SellerportError: what the server raised.
        """
        connector = cls(accepted(airbyte_config, AirbyteAuthConfig, SellerportAuthConfig), region=region, **options)
        assert isinstance(connector._backend, Remote)
        given = {**cls._named(name, replication_config, source_template_id, region), "redirect_url": redirect_url}
        return await connector._backend.consent_url(given)

    @classmethod
    def _named(
        cls, name: str | None, replication_config: Any, source_template_id: str | None, region: str | None
    ) -> dict[str, Any]:
        kind = {"source_template_id": source_template_id} if source_template_id else {"connector_type": cls._kind.slug}
        replication = asdict(replication_config) if is_dataclass(replication_config) else replication_config  # type: ignore[arg-type]  # an instance
        given = {"name": name, "replication_config": replication, "environment": {"region": region} if region else None}
        return kind | {key: value for key, value in given.items() if value is not None}

    def _add_entities(self) -> None:
        raise NotImplementedError

    @classmethod
    def _check_region(cls, region: str | None) -> None:
        raise NotImplementedError

    def _local(
        self, grant: dict[str, str | None], region: str | None, told: Any, shared: dict[str, Any], clock: Any
    ) -> _Backend:
        raise NotImplementedError

    def _remote(
        self,
        config: HostedConfig,
        wire: Wire | None,
        environ: Mapping[str, str],
        clock: Callable[[], float],
        jitter: Callable[[], float],
    ) -> Remote:
        return Remote(
            place_of(config, environ),
            self._kind,
            wire=wire or client.shared_wire(AsyncWire, None, None),
            amazon=Amazon(environ.get("SELLERPORT_AMAZON") or None),
            clock=clock,
            jitter=jitter,
        )

    def _allowed(self, entity: str, action: str) -> Operation | None:
        """Return the operation that an action stands on; None of what only the server knows."""
        try:
            operation = self._kind.operation_of(entity, action)
        except UnknownOperation:
            if isinstance(self._backend, Remote) and action in SERVERS_OWN:
                return None
            raise
        if operation.write and not self._allow_writes:
            raise NotAllowed(f"{operation.key} changes things at Amazon: make the connector with allow_writes=True")
        return operation

    async def _rows(self, params: dict[str, Any]) -> Execution:
        """Return the rows of a report, new or by its id; with where there are more."""
        given = {
            PROFILE if name in amazon_ads.PROFILE_NAMES else serialize.snake(name): value
            for name, value in params.items()
        }
        most = given.pop("limit", MOST_RECORDS)
        kind = AsyncReports if self._kind.family == "seller-partner" else AsyncReporting
        known = signature(kind.fetch).parameters.keys() - {"self", "to", "progress"}
        problems = [
            Problem(name, f"is no parameter; there are {', '.join(sorted(known))}, limit")
            for name in given.keys() - known
        ]
        if not isinstance(most, int) or most < 1:
            problems.append(Problem("limit", "must be a number, 1 or more"))
        if problems:
            raise InvalidArguments("reports.rows", problems)
        document = await self._backend.reports.fetch(**given)
        rows = list(islice(document.rows(), most + 1))
        return Execution(rows[:most], {"report_id": document.id, "has_more": len(rows) > most})


class AmazonSellerPartnerConnector(_Connector):
    """The Selling Partner API as entities and actions, for agents.

    ``await AmazonSellerPartnerConnector(AmazonSellerPartnerAuthConfig(…), region="DE").execute("orders", "list")``
    """

    connector_name = "amazon-seller-partner"
    _kind = seller_partner.KIND
    _checked = "orders"
    _accepts = AmazonSellerPartnerAuthConfig

    def _add_entities(self) -> None:
        self.orders = queries.Orders(self)
        self.order_items = queries.OrderItems(self)
        self.list_financial_event_groups = queries.FinancialEventGroups(self)
        self.list_financial_events = queries.FinancialEvents(self)
        self.catalog_items = queries.CatalogItems(self)
        self.reports = queries.Reports(self)

    @classmethod
    def _check_region(cls, region: str | None) -> None:
        regions.marketplace(region or "na")

    def _local(
        self, grant: dict[str, str | None], region: str | None, told: Any, shared: dict[str, Any], clock: Any
    ) -> _Backend:
        made = AsyncSellingPartner(grant, marketplace=region or "na", on_token_refresh=told, **shared)
        return Local(made, self._kind, clock)


class AmazonAdsConnector(_Connector):
    """The Amazon Ads API as entities and actions, for agents.

    ``await AmazonAdsConnector(AmazonAdsAuthConfig(…), region="eu").execute("profiles", "list")``
    """

    connector_name = "amazon-ads"
    _kind = amazon_ads.KIND
    _checked = "profiles"
    _accepts = AmazonAdsAuthConfig

    def _add_entities(self) -> None:
        self.profiles = queries.Profiles(self)
        self.portfolios = queries.Portfolios(self)
        self.sponsored_product_campaigns = queries.Campaigns(self, "sponsored_product_campaigns")
        self.sponsored_product_ad_groups = queries.Listed(self, "sponsored_product_ad_groups")
        self.sponsored_product_keywords = queries.Listed(self, "sponsored_product_keywords")
        self.sponsored_product_product_ads = queries.Listed(self, "sponsored_product_product_ads")
        self.sponsored_product_targets = queries.Listed(self, "sponsored_product_targets")
        self.sponsored_product_negative_keywords = queries.Listed(self, "sponsored_product_negative_keywords")
        self.sponsored_product_negative_targets = queries.Listed(self, "sponsored_product_negative_targets")
        self.sponsored_brands_campaigns = queries.Listed(self, "sponsored_brands_campaigns")
        self.sponsored_brands_ad_groups = queries.Listed(self, "sponsored_brands_ad_groups")
        self.reports = queries.AdsReports(self)

    @classmethod
    def _check_region(cls, region: str | None) -> None:
        regions.ads_region(region or "na")

    def _local(
        self, grant: dict[str, str | None], region: str | None, told: Any, shared: dict[str, Any], clock: Any
    ) -> _Backend:
        made = AsyncAmazonAds(grant, region=region or "na", on_token_refresh=told, **shared)
        return LocalAds(made, self._kind, clock)


def _check_pages(operation: Operation | None, most: Any) -> None:
    problems = []
    if operation is None or operation.paging is None:
        problems.append(Problem("all_pages", "is for lists that have pages, and this has none"))
    if not isinstance(most, int) or most < 1:
        problems.append(Problem("max_records", "must be a number, 1 or more"))
    if problems:
        raise InvalidArguments(operation.key if operation else "", problems)
