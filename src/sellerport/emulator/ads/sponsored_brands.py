"""Sponsored Brands v4: campaigns, ad groups and ads, of which each creation has a path by its kind of creative."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from sellerport.emulator.ads import filters, markets, statuses, writes
from sellerport.emulator.ads.book import Row
from sellerport.emulator.ads.call import AdsCall, Endpoint, invalid, not_one_of, object_of, page
from sellerport.emulator.ads.sponsored_products import multi_status
from sellerport.emulator.ads.writes import Draft
from sellerport.emulator.call import Answer

MOST = 10
PAGE = 100
STATES = ("ENABLED", "PAUSED", "ARCHIVED")
WRITTEN_STATES = ("ENABLED", "PAUSED")
CREATIVES = {
    "productCollection": "PRODUCT_COLLECTION",
    "productCollectionExtended": "PRODUCT_COLLECTION",
    "autoCollection": "PRODUCT_COLLECTION",
    "manualCollection": "PRODUCT_COLLECTION",
    "video": "VIDEO",
    "brandVideo": "BRAND_VIDEO",
    "storeSpotlight": "STORE_SPOTLIGHT",
}
"""As what an ad is made, by the last segment of the path."""


class _Entity(NamedTuple):
    kind: str
    wrapper: str
    one: str
    id: str
    filter: str
    total: str
    created: tuple[str, ...]
    changed: tuple[str, ...]


_CAMPAIGN = ("name", "budget", "startDate", "endDate", "portfolioId", "bidding", "tags")
_NEW_CAMPAIGN = (
    *_CAMPAIGN, "budgetType", "brandEntityId", "goal", "productLocation", "costType", "smartDefault",
    "siteRestrictions", "targetedPGDealId",
)  # fmt: skip
CAMPAIGNS = _Entity(
    "sb.campaigns", "campaigns", "campaign", "campaignId", "campaignIdFilter", "totalCount", _NEW_CAMPAIGN, _CAMPAIGN
)
AD_GROUPS = _Entity(
    "sb.adGroups", "adGroups", "adGroup", "adGroupId", "adGroupIdFilter", "totalResults", ("name",), ("name",)
)
ADS = _Entity(
    "sb.ads", "ads", "ad", "adId", "adIdFilter", "totalResults", ("name", "landingPage", "creative"), ("name",)
)
ENTITIES = (CAMPAIGNS, AD_GROUPS, ADS)


def rendered(call: AdsCall, entity: _Entity, row: Row, *, extended: bool = False) -> dict[str, Any]:
    """Return a row as lists and representations have it."""
    made: dict[str, Any] = {entity.id: row.id, "state": row.state, **row.values}
    if row.campaign:
        made["campaignId"] = row.campaign
    if row.ad_group:
        made["adGroupId"] = row.ad_group
    if entity is CAMPAIGNS:
        made["isMultiAdGroupsEnabled"] = True
    if extended:
        made["extendedData"] = {
            "servingStatus": statuses.serving(call, row),
            "creationDate": int(row.created * 1000),
            "lastUpdateDate": int(row.updated * 1000),
        }
    return made


def _list(entity: _Entity, call: AdsCall) -> Answer:
    body = object_of(call.body)
    most = {"most_ids": MOST, "most_parents": MOST}
    rows = filters.select(call, [entity.kind], body, ids=[entity.filter], states=STATES, **most)
    shown, following = page(call, rows, body, most=PAGE, default=PAGE)
    extended = body.get("includeExtendedDataFields") is True or entity is ADS
    items = [rendered(call, entity, row, extended=extended) for row in shown]
    return Answer({entity.wrapper: items, entity.total: len(rows), **following})


def _create(entity: _Entity, call: AdsCall) -> Answer:
    drafts = [_draft(call, entity, item, entity.created) for item in _items(entity, call)]
    return _answer(call, entity, writes.create(call, entity.kind, drafts))


def _update(entity: _Entity, call: AdsCall) -> Answer:
    drafts = [_draft(call, entity, item, entity.changed, new=False) for item in _items(entity, call)]
    return _answer(call, entity, writes.change(call, entity.kind, drafts, entity.id))


def _delete(entity: _Entity, call: AdsCall) -> Answer:
    ids = filters.included(object_of(call.body), entity.filter, MOST)
    if not ids:
        raise invalid(f"{entity.filter}.include is required")
    return _answer(call, entity, writes.archive(call, [entity.kind], ids, entity.id))


def _answer(call: AdsCall, entity: _Entity, outcomes: Sequence[writes.Outcome]) -> Answer:
    def success(row: Row) -> dict[str, Any]:
        shown = {entity.one: rendered(call, entity, row, extended=True)} if call.represented else {}
        return {entity.id: row.id, **shown}

    return multi_status(entity.wrapper, outcomes, success)


def _items(entity: _Entity, call: AdsCall) -> list[dict[str, Any]]:
    items = object_of(call.body).get(entity.wrapper)
    if not isinstance(items, list) or not items or not all(isinstance(one, dict) for one in items):
        raise invalid(f"{entity.wrapper} must be a list of objects")
    if len(items) > MOST:
        raise invalid(f"{entity.wrapper} can hold at most {MOST}")
    for place, item in enumerate(items):
        where = f"{entity.wrapper}[{place}]"
        for field, allowed in (("state", WRITTEN_STATES), ("budgetType", ("DAILY", "LIFETIME"))):
            if item.get(field) is not None and item[field] not in allowed:
                raise not_one_of(item[field], f"{where}.{field}", allowed)
        if item.get("budget") is not None and type(item["budget"]) not in (int, float):
            raise invalid(f"{where}.budget must be a number")
    return items


def _draft(
    call: AdsCall, entity: _Entity, item: Mapping[str, Any], fields: Sequence[str], *, new: bool = True
) -> Draft:
    values = {name: item[name] for name in fields if name in item}
    if new and entity is CAMPAIGNS:
        values.setdefault("startDate", markets.today(call.profile.marketplace, call.world.now()).isoformat())
        values.setdefault("productLocation", "SOLD_ON_AMAZON")
        values.setdefault("costType", "CPC")
    if new and entity is ADS:
        kind = CREATIVES[call.route.rpartition("/")[2]]
        values["creative"] = {**(values.get("creative") or {}), "type": kind}
    campaign = str(item.get("campaignId") or "") if entity is AD_GROUPS else ""
    group = str(item.get("adGroupId") or "") if entity is ADS else ""
    return Draft(values, item.get("state"), campaign, group, str(item.get(entity.id, "")))


def _endpoints() -> dict[str, Endpoint]:
    found = {}
    for entity in ENTITIES:
        path = f"/sb/v4/{entity.wrapper}"
        found[f"POST {path}/list"] = Endpoint(partial(_list, entity))
        found[f"PUT {path}"] = Endpoint(partial(_update, entity))
        found[f"POST {path}/delete"] = Endpoint(partial(_delete, entity))
        if entity is not ADS:
            found[f"POST {path}"] = Endpoint(partial(_create, entity))
    for kind in CREATIVES:
        found[f"POST /sb/v4/ads/{kind}"] = Endpoint(partial(_create, ADS))
    return found


ENDPOINTS: Mapping[str, Endpoint] = _endpoints()
