"""Actions carried out from this process, with credentials of the caller's own."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from typing import Any

import msgspec

from sellerport.ads import AsyncAmazonAds
from sellerport.answers import Result
from sellerport.catalog import PROFILE, Operation
from sellerport.client import AsyncSellingPartner
from sellerport.connectors import amazon_ads
from sellerport.connectors.actions import Execution, Kind, gathered
from sellerport.connectors.fields import Choice
from sellerport.errors import InvalidArguments, Problem
from sellerport.oauth import TokenAnswer

log = logging.getLogger(__name__)

OnTokens = Callable[[dict[str, Any]], Awaitable[None] | None]
"""What hears of new tokens, as a dictionary."""


class Local:
    """One kind of connector in this process."""

    connector_id: str | None = None

    def __init__(self, client: AsyncSellingPartner | AsyncAmazonAds, kind: Kind, clock: Callable[[], float]) -> None:
        self._client: Any = client
        self._kind = kind
        self._clock = clock

    @property
    def reports(self) -> Any:
        """What fetches reports."""
        return self._client.reports if self._kind.family == "seller-partner" else self._client.reporting

    async def execute(self, entity: str, action: str, params: Mapping[str, Any], choice: Choice) -> Execution:
        """Carry out one action: see `sellerport.connectors.execute`."""
        plan = self._kind.plan(entity, action, params, self._clock)
        return choice.of(plan.shape(await self._fetch(plan.operation, plan.arguments)), action)

    async def execute_all(self, entity: str, action: str, params: Mapping[str, Any], most: int) -> Execution:
        """Carry out one action for all pages."""
        return await gathered(self._kind.plan(entity, action, params, self._clock), self._fetch, most)

    async def _fetch(self, operation: Operation, arguments: Mapping[str, Any]) -> Result[Any, Any]:
        found: Result[Any, Any] = await self._client._call(operation, dict(arguments))
        return found


class LocalAds(Local):
    """The Ads connector in this process.

    A call that needs an advertising profile, and names none, is for the only one that there is.
    """

    _only: str | None = None

    async def _fetch(self, operation: Operation, arguments: Mapping[str, Any]) -> Result[Any, Any]:
        scoped = operation.profile == "required" or operation.key in amazon_ads.SCOPED
        if scoped and amazon_ads.named_profile(arguments) is None:
            arguments = {**arguments, PROFILE: await self._profile(operation)}
        return await super()._fetch(operation, arguments)

    async def _profile(self, operation: Operation) -> str:
        """Return the only profile, which is looked for once.

        Raises:
            InvalidArguments: there are several, or none; says which.
        """
        if self._client._profile_id is not None:
            return str(self._client._profile_id)
        async with self._client._wire.alone(self):
            if self._only is None:
                ids = [str(one["profileId"]) for one in (await self._client.profiles.list()).data]
                if len(ids) != 1:
                    there = f"there are {', '.join(ids)}" if ids else "there are none in this region"
                    problem = f"is required (or {amazon_ads.SCOPE}): {there}"
                    raise InvalidArguments(operation.key, [Problem(PROFILE, problem)])
                self._only = ids[0]
        return self._only


def hearing(told: OnTokens | None) -> Callable[[TokenAnswer], Awaitable[None]] | None:
    """Return what tells a caller of new tokens, in a dictionary; what it raises is logged, and spoils no call."""
    if told is None:
        return None

    async def heard(answer: TokenAnswer) -> None:
        tokens = {name: value for name, value in msgspec.structs.asdict(answer).items() if value is not None}
        try:
            done = told(tokens)
            if isawaitable(done):
                await done
        except Exception:
            log.exception("on_token_refresh failed")

    return heard
