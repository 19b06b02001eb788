"""Somebody who advertises: calls of the Ads API for one profile, and files that are waited for and fetched."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, replace
from typing import Any

from sellerport.emulator.ads.advertisers import ADVERTISER_TOKEN, Profile
from tests.emulator.ads.conftest import EU, FE, NA, fit
from tests.emulator.conftest import CLIENT, Local, Reply

HOSTS = {"na": NA, "eu": EU, "fe": FE}
ONE_KEYWORD = "application/vnd.spkeywordsrecommendation.v3+json"
"""What is described as one keyword, and answered with many."""
UNFINISHED = ("PENDING", "PROCESSING", "IN_PROGRESS")


@dataclass(frozen=True)
class Advertiser:
    """One profile, by the country that it is in."""

    amazon: Local
    country: str = "US"
    account: str = "seller"
    refresh_token: str = ADVERTISER_TOKEN

    @property
    def token(self) -> str:
        """An access token that is good now."""
        return self.amazon.token(self.refresh_token)

    @property
    def profile(self) -> Profile:
        """The profile in the country."""
        found = self.amazon.world.ads.profiles.values()
        return next(one for one in found if (one.marketplace.country, one.type) == (self.country, self.account))

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """Call the Ads API of the profile's region."""
        sent = {
            "authorization": f"Bearer {self.token}",
            "amazon-advertising-api-clientid": CLIENT["client_id"],
            "amazon-advertising-api-scope": self.profile.id,
            **({"content-type": "application/json"} if body is not None else {}),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        target = f"/{HOSTS[self.profile.marketplace.region]}{path}"
        answer = self.amazon.send(method, target, None if body is None else json.dumps(body), sent)
        if answer.body and headers.get("accept") != ONE_KEYWORD:
            fit(method, path, replace(answer, body=json.dumps(_said(answer.json)).encode()))
        return answer

    def good(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Call the Ads API, and return what it answers: a success."""
        answer = self.call(method, path, body, **headers)
        assert answer.status < 300, answer.body
        return answer.json

    def finished(self, path: str, **headers: str) -> Any:
        """Let the time go by that a report or an export takes, and return it."""
        self.amazon.world.advance(self.amazon.world.task_s)
        found = self.good("GET", path, **headers)
        assert found["status"] not in UNFINISHED, found
        return found

    def file(self, url: str) -> Any:
        """Fetch a file, which is JSON and compressed, without saying so."""
        answer = self.amazon.fetch(url)
        assert answer.status == 200, answer.body
        assert "content-encoding" not in answer.headers
        return json.loads(gzip.decompress(answer.body))

    def rows(self, body: Any) -> Any:
        """Ask for a report, wait for it, and return its rows."""
        report = self.good("POST", "/reporting/reports", body)
        return self.file(self.finished(f"/reporting/reports/{report['reportId']}")["url"])


def _said(value: Any) -> Any:
    """Return an answer without the nulls that Amazon sends where its schemas have none."""
    if isinstance(value, dict):
        return {name: _said(inner) for name, inner in value.items() if inner is not None}
    return [_said(inner) for inner in value] if isinstance(value, list) else value
