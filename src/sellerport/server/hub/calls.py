"""Calls to Amazon for a connection: the grant is opened, used, and watched."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from sellerport import connectors
from sellerport.ads import AsyncAmazonAds
from sellerport.client import AsyncSellingPartner
from sellerport.connectors import Execution
from sellerport.errors import (
    AmazonError,
    Conflict,
    GrantRevoked,
    NoAnswer,
    NotFound,
    StoreError,
    TokenError,
    VaultUnavailable,
)
from sellerport.limits import Limiter
from sellerport.oauth import LwaClient, Tokens
from sellerport.regions import Amazon, Marketplace
from sellerport.server.hub import permissions
from sellerport.server.hub.advertisers import PATIENCE_S, Advertisers
from sellerport.server.hub.applications import Applications
from sellerport.server.hub.connections import Connections, consent_again
from sellerport.server.hub.opened import Opened
from sellerport.server.hub.quotas import Quotas
from sellerport.server.hub.records import Application, Caller, Platform
from sellerport.server.hub.tokens import AccessTokens
from sellerport.wire import Wire

MOST_KNOWN = 10_000
"""Connections that can be called while the database is away."""


PROBES: Mapping[Platform, tuple[str, str]] = MappingProxyType(
    {"seller-partner": ("orders", "list"), "ads": ("profiles", "list")}
)
"""The entity and action by which is found out whether an account can be reached."""


class Calls:
    """What is done at Amazon for callers. All of them share access tokens, rate limits and the wire."""

    def __init__(
        self,
        connections: Connections,
        applications: Applications,
        quotas: Quotas,
        *,
        amazon: Amazon,
        wire: Wire,
        tokens: AccessTokens,
        limits: Limiter,
        clock: Callable[[], float],
    ) -> None:
        self._connections = connections
        self._applications = applications
        self._quotas = quotas
        self._amazon = amazon
        self._wire = wire
        self._tokens = tokens
        self._limits = limits
        self._clock = clock
        self._advertisers = Advertisers(connections, amazon=amazon, wire=wire, tokens=tokens, limits=limits)
        self._known: OrderedDict[tuple[str, str], Opened] = OrderedDict()
        connections.on_deleted.append(self._forget)

    async def execute(
        self,
        caller: Caller,
        connection_id: str,
        entity: str,
        action: str,
        params: Mapping[str, Any] | None = None,
    ) -> Execution:
        """Carry out an action on an entity for one connection.

        `GrantRevoked`, and nothing else, changes the connection: its owner has to consent again.

        Raises:
            NotFound: the organization has no such connection.
            Conflict: it is pending: nobody has said whose it is.
            TooManyRequests: the organization has too many calls under way.
            NotAllowed: it writes, and the caller or the connection may not (see `permissions`).
            GrantRevoked: the owner has to consent again; says how.
            UnknownOperation, InvalidArguments: nothing was sent.
            AmazonError, NoAnswer, TokenError: what became of it.
        """
        opened, noting = await self._opened(caller, connection_id)
        if opened.connection.status == "pending":
            raise Conflict(f"connection {connection_id} is nobody's yet: its owner began at Amazon; claim it first")
        if opened.connection.status == "needs_consent":
            raise consent_again(connection_id)
        operation = connectors.operation_of(opened.connection.platform, entity, action)
        permissions.check(caller, opened.connection, entity, operation)
        try:
            with self._quotas.call(caller.organization_id):
                execution = await self._carry_out(opened, entity, action, params or {})
        except GrantRevoked as error:
            raise consent_again(connection_id) from error
        except (AmazonError, NoAnswer, TokenError) as error:
            if noting:
                await self._connections.note(opened, error.code)
            raise
        if noting:
            await self._connections.note(opened, None)
        return execution

    async def _carry_out(self, opened: Opened, entity: str, action: str, params: Mapping[str, Any]) -> Execution:
        if opened.connection.platform == "ads":
            return await self._advertisers.execute(opened, entity, action, params)
        return await connectors.execute(self._client(opened), entity, action, params, clock=self._clock)

    async def try_out(
        self, platform: Platform, marketplace: Marketplace, refresh_token: str, through: LwaClient | Application
    ) -> None:
        """Make the cheapest call of a platform with a grant that no connection has; nothing is kept.

        Args:
            platform: which of Amazon's APIs the grant is for.
            marketplace: where the account trades.
            refresh_token: the grant.
            through: what the grant was given to: a registered application, or a Login with Amazon client of its own.

        Raises:
            AmazonError, NoAnswer, TokenError: the grant is not good, or cannot be tried for now.
            VaultError: the application's secret does not open.
        """
        if isinstance(through, Application):
            through = await self._applications.lwa_client(through.organization_id, through.id)
        shared: dict[str, Any] = {"amazon": self._amazon, "limits": self._limits, "environ": {}, "wire": self._wire}
        shared |= {"refresh_token": refresh_token, "patience_s": PATIENCE_S, "tokens": Tokens()}
        client: AsyncSellingPartner | AsyncAmazonAds
        if platform == "ads":
            shared |= {"client_id": through.client_id, "client_secret": through.client_secret}
            client = AsyncAmazonAds(region=marketplace.region, **shared)
        else:
            shared |= {"lwa_app_id": through.client_id, "lwa_client_secret": through.client_secret}
            client = AsyncSellingPartner(marketplace=marketplace.id, **shared)
        await connectors.execute(client, *PROBES[platform], {"limit": 1}, clock=self._clock)

    async def _opened(self, caller: Caller, connection_id: str) -> tuple[Opened, bool]:
        """Return a connection, and whether the database is there.

        Without a database, or without the service that keeps the vault's keys, it is as it was when it was last called,
        until its access token ends.
        """
        place = (caller.organization_id, connection_id)
        try:
            opened = await self._connections.open(caller, connection_id)
        except (StoreError, VaultUnavailable):
            known = self._known.get(place)
            if (
                known is None
                or caller.customer not in (None, known.connection.customer)
                or not self._tokens.holds(known)
            ):
                raise
            return known, False
        except NotFound:
            self._known.pop(place, None)
            raise
        self._known[place] = opened
        self._known.move_to_end(place)
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)
        return opened, True

    def _forget(self, connection_id: str) -> None:
        for place in [place for place in self._known if place[1] == connection_id]:
            del self._known[place]

    def _client(self, opened: Opened) -> AsyncSellingPartner:
        return AsyncSellingPartner(
            refresh_token=opened.refresh_token,
            lwa_app_id=opened.client.client_id,
            lwa_client_secret=opened.client.client_secret,
            marketplace=opened.connection.marketplace,
            fill_optional=False,  # whoever connected the account may not have named a marketplace
            amazon=self._amazon,
            patience_s=PATIENCE_S,
            tokens=self._tokens.of(opened),
            limits=self._limits,
            environ={},  # a server's environment is no place for one account's credentials
            wire=self._wire,
        )
