"""The client that users of the hosted connector API have, unmodified, against `sellerport serve` over the local Amazon.

Two versions of airbyte-agent-sdk: the newest, and the oldest that there is to install, which makes connectors itself.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from running import HERE, PYTHON, Amazon, Client, Json, run, sellerport, serve

OLDEST = str(HERE.parent / ".venv-peers-old" / "bin" / "python")
CLIENTS = {
    "newest": Client((PYTHON, "airbyte_hosted.py"), "python-httpx"),
    "oldest": Client((OLDEST, "airbyte_hosted.py"), "python-httpx"),
}
EXPIRING = {"/orderItems": "orders_v0.getOrderItems", "/sp/keywords/list": "sp.keywords.list"}
"""How the paths of the calls end before which Amazon ends the access token, and their operations."""
RETURN = "https://app.example.com/connected?user=7"


@dataclass(frozen=True)
class Server:
    """`sellerport serve`, with an organization that has an API client."""

    address: str
    organization: str
    client: Json
    seller_partner: Json
    ads: Json

    def post(self, path: str, body: Json, token: str = "") -> Any:
        """Ask it as any HTTP client does."""
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
        with urlopen(Request(f"{self.address}{path}", json.dumps(body).encode(), headers)) as answer:
            return json.load(answer)

    def token(self) -> str:
        """Return an access token."""
        return str(self.post("/api/v1/account/applications/token", self.client)["access_token"])


@pytest.fixture(scope="module")
def server(amazon: Amazon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own for this module."""
    amazon.control("reset", {})
    folder: Path = tmp_path_factory.mktemp("server")
    environ = {
        "SELLERPORT_AMAZON": amazon.address,
        "SELLERPORT_VAULT_KEY_FILE": "sellerport.key",
        "SELLERPORT_LOG_LEVEL": "warning",
    }
    sellerport(folder, environ, "key", "new")
    organization = json.loads(sellerport(folder, environ, "organization", "create", "Acme", "--json"))
    secret, app_id = amazon.told["LWA_CLIENT_SECRET"], amazon.told["application_id"]
    named = ("application", "register", "--lwa-client-id", amazon.told["LWA_APP_ID"], "--application-id", app_id)
    sellerport(folder, environ, *named, given=secret)
    sellerport(folder, environ, "return-url", "add", "https://app.example.com/connected")
    client = json.loads(sellerport(folder, environ, "client", "create", "--json"))
    with serve(folder, environ) as address:
        yield Server(
            address,
            organization["id"],
            {name: client[name] for name in ("client_id", "client_secret")},
            {
                "lwa_app_id": amazon.told["LWA_APP_ID"],
                "lwa_client_secret": secret,
                "refresh_token": amazon.told["SP_API_REFRESH_TOKEN"],
            },
            {
                "client_id": amazon.told["AD_API_CLIENT_ID"],
                "client_secret": amazon.told["AD_API_CLIENT_SECRET"],
                "refresh_token": amazon.told["AD_API_REFRESH_TOKEN"],
            },
        )


@pytest.fixture(scope="module", params=list(CLIENTS))
def journey(
    request: pytest.FixtureRequest, amazon: Amazon, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Json, list[Json]]:
    """A version's journey, for a customer of its own; Amazon ends its access tokens in the middle of it."""
    version: str = request.param
    customer = f"shop-{version}"
    if version == "newest":
        token = server.token()
        path = "/api/v1/integrations/connectors"
        for kind, given in (("Amazon-Seller-Partner", server.seller_partner), ("Amazon-Ads", server.ads)):
            body = {"customer_name": customer, "connector_type": kind, "name": kind, "credentials": given}
            server.post(path, body, token)
    for operation in EXPIRING.values():
        amazon.control("faults", {"operation": operation, "answer": "expired", "times": 1})
    before = len(amazon.control("requests")["requests"])
    task = {
        "airbyte_client_id": server.client["client_id"],
        "airbyte_client_secret": server.client["client_secret"],
        "organization_id": server.organization,
        "customer": customer,
        "redirect_url": RETURN,
        "seller_partner": server.seller_partner,
        "ads": server.ads,
    }
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path_factory.mktemp("home")),
        "SDK_DEV_ADP_API_HOST": server.address,
        "AIRBYTE_TELEMETRY_MODE": "disabled",
    }
    facts = run(CLIENTS[version], task, environ)
    return version, facts, amazon.control("requests")["requests"][before:]


def test_connectors_are_found_by_every_form_of_the_customers_name(journey: tuple[str, Json, list[Json]]) -> None:
    version, facts, _ = journey
    assert set(facts["names"]) == {"workspace_name", "customer_name", "external_user_id"}
    (found,) = set(facts["names"].values())
    if version == "newest":
        assert found
    else:  # which does not say what it found
        assert facts["made"][0] != facts["made"][1]
        assert "/connect/" in facts["consent_url"]


def test_calls_go_on_where_a_token_ends_in_the_middle(journey: tuple[str, Json, list[Json]]) -> None:
    _, _, requests = journey
    for end in EXPIRING:
        first, second, *_ = [one["status"] for one in requests if one["path"].endswith(end)]
        assert first in (401, 403)
        assert second == 200


def test_every_action_of_the_seller_partner_connector_answers(journey: tuple[str, Json, list[Json]]) -> None:
    _, facts, _ = journey
    found = facts["seller_partner"]
    assert found["check"]["status"] == "healthy"
    orders = [one["AmazonOrderId"] for one in found["orders"]["data"]]
    assert found["order"]["AmazonOrderId"] == orders[0]
    assert found["order_items"]["data"][0]["SellerSKU"]
    assert found["groups"]["data"]
    assert found["events"]["data"]["ShipmentEventList"]
    asin = found["order_items"]["data"][0]["ASIN"]
    assert [one["asin"] for one in found["items"]["data"]] == [asin]
    assert found["item"]["asin"] == asin
    assert len(found["typed"]) == len(found["groups"]["data"])


def test_every_action_of_the_ads_connector_answers(journey: tuple[str, Json, list[Json]]) -> None:
    _, facts, _ = journey
    found = facts["ads"]
    assert found["check"]["status"] == "healthy"
    assert found["profile"]["countryCode"] == "DE"
    assert all(isinstance(one["profileId"], int) for one in found["profiles"])
    whole = found["sponsored_product_campaigns"]
    campaigns = {one["campaignId"] for one in whole.get("data", whole)["campaigns"]}
    assert campaigns
    lists = found.keys() - {"check", "profile", "profiles"}
    assert len(lists) == 10
    for entity in lists:
        whole = found[entity].get("data", found[entity])  # the older one has no envelope where there is no next page
        (rows,) = [value for value in whole.values() if isinstance(value, list)]
        assert rows, entity
        if entity.startswith("sponsored_product_"):
            assert {one["campaignId"] for one in rows} <= campaigns


def test_what_cannot_be_had_is_refused_with_a_reason(journey: tuple[str, Json, list[Json]]) -> None:
    _, facts, _ = journey
    assert "nothing" in facts["errors"]["entity"][1]
    assert facts["errors"]["order"][1]
    assert "401" in facts["errors"]["secret"][1] or facts["errors"]["secret"][0] == "AuthenticationError"
