"""The Ads API of a local Amazon over real HTTP; what it answers has to fit the catalogue's schemas."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import jsonschema_rs
import pytest

from sellerport import catalog

from ..conftest import CLIENT, Local, Reply

NA, EU, FE = "advertising-api.amazon.com", "advertising-api-eu.amazon.com", "advertising-api-fe.amazon.com"


@cache
def _validator(api: str, name: str) -> jsonschema_rs.Validator:
    schema = {"$ref": f"#/$defs/{name}", "$defs": catalog.schemas(api, "ads").definitions}
    return jsonschema_rs.validator_for(schema, validate_formats=True)


UNMODELLED = {"profiles.update", "sp.ad_groups.create", "sp.ad_groups.update"}
"""What Amazon does not do as it describes: a 207 where there should be a 200, and ad groups of an id and a name."""


def fit(method: str, path: str, answer: Reply) -> None:
    """Assert that the catalogue has the status and the body of an answer that is a success."""
    found = catalog.match(method, path.partition("?")[0], "ads")
    unheld = "x-sellerport-emulator" in answer.headers and answer.body in (b"", b"{}")
    if found is None or answer.status >= 300 or unheld or found[0].key in UNMODELLED:
        return
    responses = catalog.schemas(found[0].api, "ads").of(found[0]).responses
    if not responses:
        return
    assert str(answer.status) in responses, (found[0].key, answer.status, answer.body)
    name = responses[str(answer.status)]
    assert name is not None
    for error in _validator(found[0].api, name).iter_errors(answer.json):
        if error.message == "[] has less than 1 item":
            continue  # what was recorded of Amazon has empty lists of errors, and its descriptions forbid them
        raise AssertionError(f"{found[0].key}: {error.message} at {error.instance_path}")


@dataclass
class Ads:
    """What tests do with the Ads API, for one profile: the seller's in the United States."""

    amazon: Local
    token: str
    profile: str = ""

    def send(
        self, method: str, path: str, body: Any = None, *, host: str = NA, profile: str | None = None, **headers: str
    ) -> Reply:
        """Send a request; an empty profile sends no Scope header, and text is sent as it is."""
        sent = {
            "authorization": f"Bearer {self.token}",
            "amazon-advertising-api-clientid": CLIENT["client_id"],
            "amazon-advertising-api-scope": self.profile if profile is None else profile,
            "content-type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        text = body if body is None or isinstance(body, str) else json.dumps(body)
        answer = self.amazon.send(method, f"/{host}{path}", text, {name: one for name, one in sent.items() if one})
        if not self.amazon.world.faults:
            fit(method, path, answer)
        return answer

    def good(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """Send a request, and return what it is answered with: a success."""
        answer = self.send(method, path, body, **more)
        assert answer.status < 300, answer.body
        return answer.json

    def made(self, path: str, wrapper: str, item: Any, **more: Any) -> Any:
        """Make one thing as SP v3, SB v4 and portfolios do, and return what its success says."""
        answer = self.good("POST", path, {wrapper: [item]}, **more)[wrapper]
        assert not answer["error"], answer
        return answer["success"][0]

    def wrong(self, method: str, path: str, wrapper: str, item: Any, **more: Any) -> list[tuple[str, str, str]]:
        """Write one thing that is refused: the type, the reason and the place of each error."""
        answer = self.good(method, path, {wrapper: [item]}, **more)[wrapper]
        assert not answer["success"], answer
        (failed,) = answer["error"]
        assert failed["index"] == 0
        found = []
        for error in failed["errors"]:
            said = error["errorValue"][error["errorType"]]
            assert said["message"]
            found.append((error["errorType"], said["reason"], said["cause"]["location"]))
        return found

    def profiles(self, host: str = NA, **query: str) -> list[Any]:
        """Return the profiles of a host."""
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        found: list[Any] = self.good("GET", f"/v2/profiles?{asked}", host=host, profile="")
        return found

    def profile_of(self, kind: str, country: str, host: str = NA) -> str:
        """Return the id of a profile, as text."""
        of_kind = [one for one in self.profiles(host) if one["accountInfo"]["type"] == kind]
        return str(next(one["profileId"] for one in of_kind if one["countryCode"] == country))

    def campaign(self, **more: Any) -> str:
        """Make a campaign of Sponsored Products, and return its id."""
        item = {
            "name": "A campaign",
            "targetingType": "MANUAL",
            "state": "ENABLED",
            "budget": {"budget": 20, "budgetType": "DAILY"},
            **more,
        }
        return str(self.made("/sp/campaigns", "campaigns", item)["campaignId"])

    def ad_group(self, campaign: str, **more: Any) -> str:
        """Make an ad group of Sponsored Products, and return its id."""
        item = {"campaignId": campaign, "name": "An ad group", "state": "ENABLED", "defaultBid": 0.5, **more}
        return str(self.made("/sp/adGroups", "adGroups", item)["adGroupId"])


@pytest.fixture
def ads(amazon: Local) -> Ads:
    """The person who sees every default account, and the seller's profile in the United States."""
    found = Ads(amazon, amazon.token("Atzr|local-ads"))
    found.profile = found.profile_of("seller", "US")
    return found
