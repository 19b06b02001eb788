"""Connectors in this process, against the local Amazon."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from sellerport.connectors import (
    AmazonAdsAuthConfig,
    AmazonAdsConnector,
    AmazonSellerPartnerAuthConfig,
    AmazonSellerPartnerConnector,
)
from sellerport.emulator.ads.advertisers import ADVERTISER, ADVERTISER_TOKEN
from sellerport.limits import Limits
from sellerport.oauth import Tokens
from tests.conftest import AsyncRecordingWire, LocalAmazon


class Made:
    """Makes connectors that share nothing with other tests, and runs what they do."""

    def __init__(self, amazon: LocalAmazon) -> None:
        self.amazon = amazon
        self.runner = asyncio.Runner()
        self.slept: list[float] = []
        self.wire = AsyncRecordingWire(self.slept)
        self.shared: dict[str, Any] = {
            "wire": self.wire,
            "environ": {"SELLERPORT_AMAZON": amazon.address},
            "tokens": Tokens(),
            "limits": Limits(),
            "jitter": lambda: 0.5,
        }

    def seller(self, account: str = "seller-na", **options: Any) -> AmazonSellerPartnerConnector:
        config = AmazonSellerPartnerAuthConfig(**self.amazon.credentials(account))
        return AmazonSellerPartnerConnector(config, **{**self.shared, **options})

    def ads(self, token: str = ADVERTISER_TOKEN, **options: Any) -> AmazonAdsConnector:
        application = self.amazon.world.application()
        config = AmazonAdsAuthConfig(
            client_id=application.client_id, client_secret=application.client_secret, refresh_token=token
        )
        return AmazonAdsConnector(config, **{**self.shared, **options})

    @property
    def profile(self) -> str:
        """A seller's advertising profile in the United States."""
        seen = self.amazon.world.ads.seen_by(ADVERTISER)
        return next(one.id for one, _ in seen if (one.country, one.type) == ("US", "seller"))

    def run(self, work: Awaitable[Any]) -> Any:
        async def awaited() -> Any:
            return await work

        return self.runner.run(awaited())

    def at_once(self, calls: list[Callable[[], Awaitable[Any]]]) -> list[Any]:
        async def gathered() -> list[Any]:
            return await asyncio.gather(*(call() for call in calls))

        return self.runner.run(gathered())

    def query(self) -> dict[str, str]:
        """The query of the last request."""
        return dict(self.amazon.arrived()[-1]["query"])


@pytest.fixture
def made(amazon: LocalAmazon) -> Iterator[Made]:
    found = Made(amazon)
    yield found
    found.runner.run(found.wire.aclose())
    found.runner.close()
