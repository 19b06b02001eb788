"""What a connection can do, for programs and agents that ask the server: entities, actions and their parameters."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from sellerport.connectors import amazon_ads, seller_partner
from sellerport.connectors.actions import Kind
from sellerport.connectors.descriptions import list_entities
from sellerport.errors import UnknownOperation
from sellerport.server.hub import Platform


def entities(platform: Platform) -> Mapping[str, Mapping[str, Any]]:
    """Return a platform's entities with their actions. Every other operation is one too, and is not listed."""
    return _kind(platform).entities


def described(platform: Platform, entity: str = "") -> list[dict[str, Any]]:
    """Return what an entity, or every one of a platform, can do.

    Raises:
        UnknownOperation: no such entity.
    """
    known = entities(platform)
    if entity and entity not in known:
        raise UnknownOperation(f"no entity {entity!r}; entities are {', '.join(known)}")
    return [one for one in _described(platform) if entity in ("", one["entity_name"])]


@cache
def _described(platform: Platform) -> list[dict[str, Any]]:
    return list_entities(_kind(platform), rows=False)


def _kind(platform: Platform) -> Kind:
    return amazon_ads.KIND if platform == "ads" else seller_partner.KIND
