"""Clients of the Ads API, which the local Amazon answers too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from sellerport import AmazonAds, AsyncAmazonAds
from sellerport.documents import Document
from sellerport.emulator import Outcome
from sellerport.emulator.ads.advertisers import ADVERTISER_TOKEN, Profile
from sellerport.limits import Limits
from tests.conftest import Clients, LocalAmazon

REPORTS = "/reporting/reports"


@dataclass
class AdsClients(Clients):
    """Makes clients of the Ads API, of one colour."""

    def credentials(self) -> dict[str, str]:
        application = self.amazon.world.application()
        return {
            "refresh_token": ADVERTISER_TOKEN,
            "client_id": application.client_id,
            "client_secret": application.client_secret,
        }

    def make(self, credentials: Any = ..., **options: Any) -> Any:
        """Make a client that shares nothing with other tests, for whom time passes only while it waits."""
        limits = Limits(clock=lambda: sum(self.slept))
        shared = {"amazon": self.amazon.address, "tokens": self.tokens, "limits": limits, "wire": self.wire}
        kind = AmazonAds if self.colour == "blocking" else AsyncAmazonAds
        given = self.credentials() if credentials is ... else credentials
        return kind(given, **{**shared, "environ": {}, "jitter": lambda: 0.5, **options})

    def seller(self, country: str = "US", **options: Any) -> Any:
        """Make a client for a seller's profile."""
        found = self.profile(country)
        return self.make(**{"region": found.marketplace.region, "profile_id": found.id, **options})

    def profile(self, country: str = "US", kind: str = "seller") -> Profile:
        known = self.amazon.world.ads.profiles.values()
        return next(one for one in known if (one.country, one.type) == (country, kind))

    def last(self) -> dict[str, Any]:
        """Return the last request that arrived, but for those for tokens."""
        return self.amazon.arrived()[-1]


@pytest.fixture(params=["blocking", "async"])
def ads(request: pytest.FixtureRequest, amazon: LocalAmazon) -> Iterator[AdsClients]:
    """Clients of the Ads API in both colours: every test that asks for them runs twice."""
    made = AdsClients(request.param, amazon)
    yield made
    made.close()


@dataclass
class Advertiser:
    """One profile's owner."""

    clients: Clients

    @property
    def profile(self) -> Profile:
        """The profile in the United States."""
        found = self.clients.amazon.world.ads.profiles.values()
        return next(one for one in found if (one.marketplace.country, one.type) == ("US", "seller"))

    def make(self, **options: Any) -> Any:
        """Make a client that shares nothing with other tests."""
        application = self.clients.amazon.world.application()
        kind = AmazonAds if self.clients.colour == "blocking" else AsyncAmazonAds
        given = {
            "client_id": application.client_id,
            "client_secret": application.client_secret,
            "refresh_token": ADVERTISER_TOKEN,
            "profile_id": self.profile.id,
            "amazon": self.clients.amazon.address,
            "tokens": self.clients.tokens,
            "limits": Limits(clock=self.clients.amazon.world.now),
            "wire": self.clients.wire,
        }
        return kind(**{**given, "environ": {}, "jitter": lambda: 0.5, **options})

    def plan(self, **outcome: Any) -> None:
        """Say what becomes of the next report, or of another kind."""
        self.clients.amazon.world.plan(Outcome(**outcome))

    def export(self, entity: str = "campaigns", **arguments: Any) -> Document:
        """Fetch an export."""
        client = self.make()
        found: Document = self.clients.do(lambda: client.exports.fetch(entity, **arguments))
        return found

    def sent(self, method: str, path: str) -> list[dict[str, Any]]:
        """Return the requests of a method whose paths begin so."""
        arrived = self.clients.amazon.arrived()
        return [one for one in arrived if one["method"] == method and one["path"].startswith(path)]

    @property
    def pauses(self) -> list[float]:
        """How long the client slept each time, without what it does between two attempts of a call."""
        return [one for one in self.clients.slept if one >= 1]


@pytest.fixture
def advertiser(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> Advertiser:
    note = clients.wire.sleep

    async def sleep(seconds: float) -> None:
        clients.amazon.world.advance(seconds)
        await note(seconds)

    monkeypatch.setattr(clients.wire, "sleep", sleep)
    return Advertiser(clients)
