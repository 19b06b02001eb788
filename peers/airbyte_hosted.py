"""Every entity and action of airbyte-agent-sdk's two Amazon connectors, hosted by `sellerport serve`; prints what came.

    SDK_DEV_ADP_API_HOST=http://… python peers/airbyte_hosted.py < task.json

Task and facts are those of `test_hosted_journey`. Where the server is, the client's own variable says. Earlier versions
make connectors and consent links themselves; the newest leaves both to HTTP.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from airbyte_ads import LISTS, SCOPE, plain
from airbyte_agent_sdk.connectors.amazon_ads import AmazonAdsConnector
from airbyte_agent_sdk.connectors.amazon_ads.models import AmazonAdsAuthConfig
from airbyte_agent_sdk.connectors.amazon_seller_partner import AmazonSellerPartnerConnector
from airbyte_agent_sdk.connectors.amazon_seller_partner import models as seller_models
from airbyte_agent_sdk.types import AirbyteAuthConfig

Json = dict[str, Any]


class Caller:
    """The connectors of one customer."""

    def __init__(self, task: Json) -> None:
        self.task = task

    def config(self, **more: Any) -> AirbyteAuthConfig:
        """Return what says who calls, and for whom."""
        given = {name: self.task[name] for name in ("airbyte_client_id", "airbyte_client_secret", "organization_id")}
        return AirbyteAuthConfig(**{**given, **(more or {"workspace_name": self.task["customer"]})})

    async def journey(self) -> Json:
        """Make what can be made, find it by each form of the customer's name, and execute everything."""
        facts: Json = {}
        if hasattr(AmazonSellerPartnerConnector, "create"):
            facts |= await self.made()
        facts["names"] = {}
        for form in ("workspace_name", "customer_name", "external_user_id"):
            connector = AmazonSellerPartnerConnector(auth_config=self.config(**{form: self.task["customer"]}))
            await connector.execute("orders", "list", {"max_results_per_page": 1})
            facts["names"][form] = connector.connector_id
            await connector.close()
        facts["seller_partner"] = await self.seller_partner()
        facts["ads"] = await self.ads()
        facts["errors"] = await self.errors()
        return facts

    async def made(self) -> Json:
        """Make connectors and a consent link, as earlier versions can."""
        seller = seller_models.AmazonSellerPartnerAuthConfig(**self.task["seller_partner"])
        since = seller_models.AmazonSellerPartnerReplicationConfig(replication_start_date="2026-01-01T00:00:00Z")
        first = await AmazonSellerPartnerConnector.create(
            airbyte_config=self.config(), auth_config=seller, name="seller", replication_config=since
        )
        second = await AmazonAdsConnector.create(
            airbyte_config=self.config(), auth_config=AmazonAdsAuthConfig(**self.task["ads"]), name="advertiser"
        )
        consent = await AmazonSellerPartnerConnector.get_consent_url(
            airbyte_config=self.config(), redirect_url=self.task["redirect_url"], replication_config=since
        )
        for one in (first, second):
            await one.close()
        return {"made": [first.connector_id, second.connector_id], "consent_url": consent}

    async def seller_partner(self) -> Json:
        """Execute every action of the Seller Partner connector."""
        connector = AmazonSellerPartnerConnector(auth_config=self.config())
        run = connector.execute
        facts: Json = {"check": plain(await connector.check())}
        facts["orders"] = plain(await run("orders", "list", {"created_after": "2020-01-01T00:00:00Z"}))
        order = facts["orders"]["data"][0]["AmazonOrderId"]
        facts["order"] = plain(await run("orders", "get", {"order_id": order}))
        facts["order_items"] = plain(await run("order_items", "list", {"order_id": order}))
        facts["groups"] = plain(await run("list_financial_event_groups", "list", {}))
        facts["events"] = plain(await run("list_financial_events", "list", {}))
        asin = facts["order_items"]["data"][0]["ASIN"]
        word = {"identifiers": asin, "identifiers_type": "ASIN", "included_data": "summaries"}
        facts["items"] = plain(await run("catalog_items", "list", word))
        facts["item"] = plain(await run("catalog_items", "get", {"asin": asin}))
        facts["reports"] = plain(await run("reports", "list", {}))
        if facts["reports"]["data"]:
            report = facts["reports"]["data"][0]["reportId"]
            facts["report"] = plain(await run("reports", "get", {"report_id": report}))
        # typed orders are not asked for: they want IsReplacementOrder as text, which Amazon's model has as a boolean
        facts["typed"] = [plain(one) for one in (await connector.list_financial_event_groups.list()).data]
        await connector.close()
        return facts

    async def ads(self) -> Json:
        """Execute every action of the Ads connector."""
        connector = AmazonAdsConnector(auth_config=self.config())
        facts: Json = {"check": plain(await connector.check())}
        found = plain(await connector.execute("profiles", "list", {}))
        rows = found["data"] if isinstance(found, dict) else found
        mine = next(one for one in rows if (one["countryCode"], one["accountInfo"]["type"]) == ("DE", "seller"))
        facts["profiles"] = rows
        facts["profile"] = plain(await connector.execute("profiles", "get", {"profile_id": mine["profileId"]}))
        scope = {SCOPE: str(mine["profileId"])}
        for entity in LISTS:
            facts[entity] = plain(await connector.execute(entity, "list", dict(scope)))
        await connector.close()
        return facts

    async def errors(self) -> Json:
        """Ask for what cannot be had."""
        facts: Json = {}
        connector = AmazonSellerPartnerConnector(auth_config=self.config())
        for name, call in {"entity": ("nothing", "list", {}), "order": ("orders", "get", {"order_id": "000"})}.items():
            try:
                await connector.execute(*call)
            except Exception as error:  # which it is, the test says
                facts[name] = [type(error).__name__, str(error)]
        await connector.close()
        stranger = self.config(workspace_name=self.task["customer"])
        stranger.airbyte_client_secret = "wrong"  # that is the point
        connector = AmazonSellerPartnerConnector(auth_config=stranger)
        try:
            await connector.execute("orders", "list", {})
        except Exception as error:
            facts["secret"] = [type(error).__name__, str(error)]
        await connector.close()
        return facts


if __name__ == "__main__":
    json.dump(asyncio.run(Caller(json.load(sys.stdin)).journey()), sys.stdout)
