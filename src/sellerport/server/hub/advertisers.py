"""Calls to the Ads API for a connection: each goes to the region of the advertising profile that it is about.

A profile is in one region, and in another as if it did not exist. What was found when the owner consented is kept, so
that a call names no region, and where there is one profile only, no profile either. One that is not known yet is
looked for when a call names it.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from sellerport import connectors
from sellerport.ads import AsyncAmazonAds
from sellerport.connectors import Execution, amazon_ads
from sellerport.errors import AccessDenied, InvalidArguments, Problem, StoreError
from sellerport.limits import Limiter
from sellerport.regions import ADS_REGIONS, Amazon
from sellerport.server.hub.connections import Connections
from sellerport.server.hub.opened import Opened
from sellerport.server.hub.profiles import Advertiser, find
from sellerport.server.hub.tokens import AccessTokens
from sellerport.wire import Wire

log = logging.getLogger(__name__)

PATIENCE_S = 30.0
"""How long a call waits for Amazon's rate limit before its caller is told when to come back."""

MOST_KNOWN = 100_000
"""Profiles whose regions are known without a database; a profile stays where it is."""


class Advertisers:
    """What is done in the Ads API for callers."""

    def __init__(
        self, connections: Connections, *, amazon: Amazon, wire: Wire, tokens: AccessTokens, limits: Limiter
    ) -> None:
        self._connections = connections
        self._amazon = amazon
        self._wire = wire
        self._tokens = tokens
        self._limits = limits
        self._regions: OrderedDict[tuple[str, str], str] = OrderedDict()

    async def execute(self, opened: Opened, entity: str, action: str, params: Mapping[str, Any]) -> Execution:
        """Carry out an action on an entity, in the region where it belongs.

        Raises:
            UnknownOperation, InvalidArguments: nothing was sent.
            AmazonError, NoAnswer, TokenError: what became of it.
            StoreError: where the profile is cannot be read.
        """
        operation, client = amazon_ads.operation_of(entity, action), self._client(opened)
        named = amazon_ads.named_profile(params)
        if operation.key == "profiles.list":
            return await self._everywhere(client, entity, action, params)
        if named is not None or operation.profile is not None:
            region, profile_id = await self._place(opened, client, named)
            if profile_id is None and operation.profile == "required":
                problem = "is required, as this connection has several profiles, or none; profiles.list shows them"
                raise InvalidArguments(operation.key, [Problem("profile_id", problem)])
            client = client.with_options(region=region, profile_id=profile_id)
        return await connectors.execute(client, entity, action, params)

    async def _everywhere(
        self, client: AsyncAmazonAds, entity: str, action: str, params: Mapping[str, Any]
    ) -> Execution:
        """Return what all regions list, as one of them would; a region may refuse those who never advertised there."""
        listed, refused, done = [], [], None
        for region in ADS_REGIONS:
            try:
                done = await connectors.execute(client.with_options(region=region), entity, action, params)
            except AccessDenied as error:
                refused.append(error)
                continue
            listed += done.data
        if done is None:
            raise refused[0]
        return Execution(listed, done.meta)

    async def _place(self, opened: Opened, client: AsyncAmazonAds, named: str | None) -> tuple[str, str | None]:
        """Return the region for a call, and the profile, if one was named or there is only one.

        Raises:
            InvalidArguments: the connection reaches no such profile.
        """
        connection = opened.connection
        if named is None and connection.profiles is not None:
            return connection.region, connection.profile_id
        if named is None:
            found = await self._look(opened, client)
            return (found.only.region, found.only.profile_id) if found.only is not None else (connection.region, None)
        if (region := await self._region(opened, named)) is None:
            await self._look(opened, client)
            region = self._regions.get((connection.id, named))
        if region is None:
            problem = (
                f"this connection reaches no advertising profile {named!r}; profiles.list shows those that it does"
            )
            raise InvalidArguments(problems=[Problem("profile_id", problem)])
        return region, named

    async def _region(self, opened: Opened, profile_id: str) -> str | None:
        place = (opened.connection.id, profile_id)
        if place not in self._regions:
            found = await self._connections.region_of_profile(*place)
            if found is None:
                return None
            self._know(place, found)
        return self._regions[place]

    async def _look(self, opened: Opened, client: AsyncAmazonAds) -> Advertiser:
        """Ask Amazon for the profiles, and keep them; that they cannot be kept must not spoil the call."""
        found = Advertiser(await find(client))
        for profile in found.profiles or ():
            self._know((opened.connection.id, profile.profile_id), profile.region)
        try:
            await self._connections.note_profiles(opened, found)
        except StoreError as error:
            log.warning("profiles could not be noted: %s", error, extra={"connection": opened.connection.id})
        return found

    def _know(self, place: tuple[str, str], region: str) -> None:
        self._regions[place] = region
        if len(self._regions) > MOST_KNOWN:
            self._regions.popitem(last=False)

    def _client(self, opened: Opened) -> AsyncAmazonAds:
        return AsyncAmazonAds(
            refresh_token=opened.refresh_token,
            client_id=opened.client.client_id,
            client_secret=opened.client.client_secret,
            region=opened.connection.region,
            amazon=self._amazon,
            patience_s=PATIENCE_S,
            tokens=self._tokens.of(opened),
            limits=self._limits,
            environ={},  # a server's environment is no place for one account's credentials
            wire=self._wire,
        )
