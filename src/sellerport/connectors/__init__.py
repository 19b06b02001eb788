"""Entities and actions over operations: ``execute(client, "orders", "list", {"created_after": …})``.

Beside the entities of each connector, every operation of the catalogue is an action: of the Selling Partner API of an
entity named after its API version (``"orders_v0", "get_orders"``), of the Ads API of one named after its group
(``"sp.campaigns", "create"``). Parameters may be spelled as Python or as Amazon spells them.

`AmazonSellerPartnerConnector` and `AmazonAdsConnector` are those that programs written for Airbyte's use.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

from sellerport.ads import AsyncAmazonAds
from sellerport.catalog import Operation
from sellerport.client import AsyncSellingPartner
from sellerport.connectors import amazon_ads, seller_partner
from sellerport.connectors.actions import Execution
from sellerport.connectors.configs import (
    AirbyteAuthConfig,
    AmazonAdsAuthConfig,
    AmazonSellerPartnerAuthConfig,
    AmazonSellerPartnerReplicationConfig,
    SellerportAuthConfig,
)
from sellerport.connectors.connector import AmazonAdsConnector, AmazonSellerPartnerConnector
from sellerport.connectors.results import CheckResult, ExecuteResult, ExecuteResultWithMeta, Record

__all__ = [
    "AirbyteAuthConfig",
    "AmazonAdsAuthConfig",
    "AmazonAdsConnector",
    "AmazonSellerPartnerAuthConfig",
    "AmazonSellerPartnerConnector",
    "AmazonSellerPartnerReplicationConfig",
    "CheckResult",
    "ExecuteResult",
    "ExecuteResultWithMeta",
    "Execution",
    "Record",
    "SellerportAuthConfig",
    "entity_of",
    "execute",
    "operation_of",
]


async def execute(
    client: AsyncSellingPartner | AsyncAmazonAds,
    entity: str,
    action: str,
    params: Mapping[str, Any] | None = None,
    *,
    clock: Callable[[], float] = time.time,
) -> Execution:
    """Carry out one action of an entity of the client's API.

    Args:
        client: whose account.
        entity: an entity (``orders``); an API version (``orders_v0``) or its short name; for the Ads API the name of an
            operation but for its last word (``sp.campaigns``).
        action: an action of the entity (``list``), or the rest of the operation's name (``get_orders``, ``create``).
        params: the operation's parameters, and ``body``; ``limit`` is taken for whatever the operation calls it.
        clock: seconds since the epoch.

    Raises:
        UnknownOperation: no such entity or action; says which there are.
        InvalidArguments, AmazonError, NoAnswer, TokenError: as for a call of the operation.
    """
    kind = amazon_ads.KIND if isinstance(client, AsyncAmazonAds) else seller_partner.KIND
    plan = kind.plan(entity, action, params or {}, clock)
    return plan.shape(await client._call(plan.operation, plan.arguments))


def operation_of(platform: Literal["seller-partner", "ads"], entity: str, action: str) -> Operation:
    """Return the operation that an action of an entity stands on.

    Raises:
        UnknownOperation: no such entity or action; says which there are.
    """
    if platform == "ads":
        return amazon_ads.operation_of(entity, action)
    return seller_partner.operation_of(entity, action)


def entity_of(platform: Literal["seller-partner", "ads"], entity: str) -> str:
    """Return the one name of an entity that may be named in several ways, such as an API version by its short name.

    Raises:
        UnknownOperation: no such entity; says which there are.
    """
    return amazon_ads.entity_of(entity) if platform == "ads" else seller_partner.entity_of(entity)
