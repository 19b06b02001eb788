"""Entities and actions over operations: ``execute(client, "orders", "list", {"created_after": …})``.

Beside the entities of each connector, every operation of the catalogue is an action: of the Selling Partner API of an
entity named after its API version (``"orders_v0", "get_orders"``), of the Ads API of one named after its group
(``"sp.campaigns", "create"``). Parameters may be spelled as Python or as Amazon spells them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from sellerport.ads import AsyncAmazonAds
from sellerport.client import AsyncSellingPartner
from sellerport.connectors import amazon_ads, seller_partner
from sellerport.connectors.actions import Execution

__all__ = ["Execution", "execute"]


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
    if isinstance(client, AsyncAmazonAds):
        return await amazon_ads.execute(client, entity, action, params or {})
    return await seller_partner.execute(client, entity, action, params or {}, clock)
