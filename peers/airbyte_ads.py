"""Every entity and action of airbyte-agent-sdk's Amazon Ads connector, in process; prints as JSON what it was answered.

    python peers/airbyte_ads.py < task.json

Task and facts are those of `test_ads_journey`. Nothing here says where Amazon is: httpx follows `HTTPS_PROXY` and
`SSL_CERT_FILE`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from airbyte_agent_sdk.connectors.amazon_ads import AmazonAdsConnector
from airbyte_agent_sdk.connectors.amazon_ads.models import AmazonAdsAuthConfig

SCOPE = "Amazon-Advertising-API-Scope"
LISTS = (
    *("portfolios", "sponsored_product_campaigns", "sponsored_product_ad_groups", "sponsored_product_keywords"),
    *("sponsored_product_product_ads", "sponsored_product_targets", "sponsored_product_negative_keywords"),
    *("sponsored_product_negative_targets", "sponsored_brands_campaigns", "sponsored_brands_ad_groups"),
)
Json = dict[str, Any]


def plain(value: Any) -> Any:
    """Return a result as JSON has it, whatever classes the client put it into."""
    if hasattr(value, "model_dump"):
        return plain(value.model_dump(mode="json"))
    if hasattr(value, "__dict__") and not isinstance(value, type):
        return {name: plain(one) for name, one in vars(value).items()}
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list) else value


async def journey(task: Json) -> Json:
    """Check, then execute every action of every entity."""
    given = {name: task[name] for name in ("client_id", "client_secret", "refresh_token")}
    connector = AmazonAdsConnector(auth_config=AmazonAdsAuthConfig(**given), region=f"https://{task['host']}")
    facts: Json = {"check": plain(await connector.check())}
    found = plain(await connector.execute("profiles", "list", {}))
    facts["profiles"] = found
    rows = found["data"] if isinstance(found, dict) else found
    mine = next(one for one in rows if (one["countryCode"], one["accountInfo"]["type"]) == (task["country"], "seller"))
    facts["profile"] = plain(await connector.execute("profiles", "get", {"profile_id": mine["profileId"]}))
    scope = {SCOPE: str(mine["profileId"])}
    for entity in LISTS:
        facts[entity] = plain(await connector.execute(entity, "list", dict(scope)))
    pages, token = [], None
    while True:
        params = {**scope, "max_results": 2} | ({"next_token": token} if token else {})
        page = plain(await connector.execute("sponsored_product_campaigns", "list", params))
        pages.append(page["data"]["campaigns"])
        if not (token := page["meta"]["next_token"]):
            break
    facts["pages"] = pages
    campaign = pages[0][0]["campaignId"]
    only = {**scope, "campaign_id_filter": {"include": [campaign]}}
    facts["campaign"] = plain(await connector.execute("sponsored_product_campaigns", "get", only))
    portfolio = facts["portfolios"]["data"]["portfolios"][0]["portfolioId"]
    chosen = {**scope, "portfolio_id_filter": {"include": [portfolio]}}
    facts["portfolio"] = plain(await connector.execute("portfolios", "get", chosen))
    await connector.close()
    return facts


if __name__ == "__main__":
    json.dump(asyncio.run(journey(json.load(sys.stdin))), sys.stdout)
