"""Sponsored Display: bare lists, ids that are numbers, lower case, and dates without hyphens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from sellerport.emulator.ads import casing, filters, statuses, writes
from sellerport.emulator.ads.book import Row
from sellerport.emulator.ads.call import AdsCall, Endpoint, Refused, object_of
from sellerport.emulator.ads.writes import Asked, Draft, Outcome
from sellerport.emulator.call import Answer

MOST = 100
MOST_SHOWN = 5000
PAGE = 100
LOWER = ("budgetType", "costType", "bidOptimization", "expressionType", "deliveryProfile")
DATES = ("startDate", "endDate")


class _Entity(NamedTuple):
    kind: str
    id: str
    created: tuple[str, ...]
    changed: tuple[str, ...]
    most_shown: int = MOST_SHOWN
    stated: bool = True
    """Whether it has a state."""
    in_campaign: bool = True
    """Whether it says which campaign it is in."""

    @property
    def path(self) -> str:
        return f"/sd/{self.kind[3:]}"


_CAMPAIGN = ("name", "budget", "budgetType", "startDate", "endDate", "costType", "portfolioId", "tactic")
_AD_GROUP = ("name", "defaultBid", "bidOptimization", "creativeType")
_AD = ("sku", "asin", "landingPageURL", "landingPageType", "adName")
ENTITIES = (
    _Entity("sd.campaigns", "campaignId", _CAMPAIGN, ("name", "budget", "startDate", "endDate", "portfolioId")),
    _Entity("sd.adGroups", "adGroupId", _AD_GROUP, ("name", "defaultBid", "bidOptimization")),
    _Entity("sd.productAds", "adId", _AD, ()),
    _Entity("sd.targets", "targetId", ("expression", "expressionType", "bid"), ("bid",)),
    _Entity("sd.negativeTargets", "targetId", ("expression", "expressionType"), (), in_campaign=False),
)
CREATIVES = _Entity(
    "sd.creatives", "creativeId", ("creativeType", "properties"), ("properties",),
    most_shown=100, stated=False, in_campaign=False,
)  # fmt: skip
LOCATIONS = _Entity("sd.locations", "locationExpressionId", ("expression",), (), in_campaign=False)
STATUSES = {
    "CAMPAIGN_STATUS_ENABLED": "ADVERTISER_STATUS_ENABLED",
    "AD_PAUSED": "AD_STATUS_PAUSED",
    "AD_ARCHIVED": "AD_STATUS_ARCHIVED",
    "TARGETING_CLAUSE_STATUS_LIVE": "TARGET_STATUS_LIVE",
    "TARGETING_CLAUSE_PAUSED": "TARGET_STATUS_PAUSED",
    "TARGETING_CLAUSE_ARCHIVED": "TARGET_STATUS_ARCHIVED",
    "PORTFOLIO_PENDING_START_DATE": "PENDING_START_DATE",
}
"""What SD calls otherwise than SP."""
TEXTS = {
    "state": casing.STATES,
    "budgetType": ("daily",),
    "costType": ("cpc", "vcpm"),
    "bidOptimization": ("clicks", "conversions", "reach"),
    "expressionType": ("manual", "auto"),
    "tactic": ("T00020", "T00030"),
}


def rendered(call: AdsCall, entity: _Entity, row: Row, *, extended: bool = False) -> dict[str, Any]:
    """Return a row as lists have it."""
    made: dict[str, Any] = {entity.id: int(row.id), **row.values}
    for name in LOWER:
        if name in made:
            made[name] = made[name].lower()
    for name in DATES:
        if name in made:
            made[name] = made[name].replace("-", "")
    if "portfolioId" in made:
        made["portfolioId"] = int(made["portfolioId"])
    if "expression" in made:
        made["expression"] = made["resolvedExpression"] = casing.expression(made["expression"], casing.camel)
    if entity.stated:
        made["state"] = row.state.lower()
    if row.ad_group:
        made["adGroupId"] = int(row.ad_group)
    if row.campaign and entity.in_campaign:
        made["campaignId"] = int(row.campaign)
    if entity is CREATIVES:
        made["moderationStatus"] = "APPROVED"
    if extended:
        status = statuses.serving(call, row)
        made["servingStatus"] = STATUSES.get(status, status)
        made["creationDate"], made["lastUpdatedDate"] = int(row.created * 1000), int(row.updated * 1000)
    return made


def _list(entity: _Entity, call: AdsCall, *, extended: bool = False) -> Answer:
    own = f"{entity.id}Filter"
    names = {own, "campaignIdFilter", "adGroupIdFilter", "portfolioIdFilter"}
    body = {name: {"include": call.many(name)} for name in names if call.many(name)}
    states, name = casing.states(call), call.query.get("name")
    rows = filters.select(call, [entity.kind], body, ids=[own], most_parents=1000)
    rows = [row for row in rows if (states is None or row.state in states) and (not name or row.name == name)]
    start = call.number("startIndex", 0, most=10**9)
    count = call.number("count", min(PAGE, entity.most_shown), most=entity.most_shown)
    return Answer([rendered(call, entity, row, extended=extended) for row in rows[start : start + count]])


def _found(entity: _Entity, call: AdsCall) -> Row:
    row = call.book.get(entity.kind, call.id)
    if row is None:
        details = f"There is no {entity.id} {call.id}"
        raise Refused(404, {"code": "404", "details": details})
    return row


def _get(entity: _Entity, call: AdsCall, *, extended: bool = False) -> Answer:
    return Answer(rendered(call, entity, _found(entity, call), extended=extended))


def _archive(entity: _Entity, call: AdsCall) -> Answer:
    (outcome,) = writes.archive(call, [entity.kind], [_found(entity, call).id], entity.id)
    return Answer(_code(entity, outcome), 200 if isinstance(outcome, Row) else 400)


def _code(entity: _Entity, outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, Row):
        return {"code": "SUCCESS", entity.id: int(outcome.id)}
    return casing.said(outcome)


def _write(entity: _Entity, call: AdsCall) -> Answer:
    new = call.method == "POST"
    fields = entity.created if new else entity.changed
    drafts: list[Asked] = [
        casing.checked(item, ["budget", "defaultBid", "bid"], TEXTS) or _draft(call, entity, item, fields)
        for item in casing.items(call.body, MOST)
    ]
    made = writes.create(call, entity.kind, drafts) if new else None
    outcomes = writes.change(call, entity.kind, drafts, entity.id) if made is None else made
    return Answer([_code(entity, one) for one in outcomes], 207)


def _draft(call: AdsCall, entity: _Entity, item: Mapping[str, Any], fields: Sequence[str]) -> Draft:
    values = {name: item[name] for name in fields if name in item}
    for name in LOWER:
        if values.get(name) is not None:
            values[name] = str(values[name]).upper()
    for name in DATES:
        text = str(values.get(name) or "")
        if len(text) == 8:  # anything else is refused as it is
            values[name] = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    if values.get("portfolioId") is not None:
        values["portfolioId"] = str(values["portfolioId"])
    if "expression" in values:
        values["expression"] = casing.expression(values["expression"], casing.upper)
    if call.method == "POST" and entity.kind == "sd.campaigns":
        values.setdefault("costType", "CPC")
    if call.method == "POST" and entity.kind == "sd.adGroups":
        campaign = call.book.get("sd.campaigns", str(item.get("campaignId")))
        values["tactic"] = campaign.values.get("tactic") if campaign else None
    if entity.kind == "sd.productAds" and call.profile.type == "seller" and "sku" in values:
        listing = call.world.shelf.listing(call.profile.account, call.profile.marketplace.id, str(values["sku"]))
        values["asin"] = listing.asin if listing else None
    state = casing.upper(item["state"]) if item.get("state") else None
    campaign_id = str(item.get("campaignId") or "") if entity.kind != "sd.campaigns" else ""
    group = str(item.get("adGroupId") or "") if entity.kind not in ("sd.campaigns", "sd.adGroups") else ""
    return Draft(values, state, campaign_id, group, str(item.get(entity.id, "")))


def _create_locations(call: AdsCall) -> Answer:
    drafts = [_draft(call, LOCATIONS, item, LOCATIONS.created) for item in casing.items(call.body, 20)]
    outcomes = writes.create(call, LOCATIONS.kind, drafts)
    return Answer([rendered(call, LOCATIONS, one) if isinstance(one, Row) else casing.said(one) for one in outcomes])


def _delete_locations(call: AdsCall) -> Answer:
    body = object_of(call.body)
    ids = filters.included(body, "locationExpressionIdFilter", 1000) or []
    return Answer([_code(LOCATIONS, one) for one in writes.archive(call, [LOCATIONS.kind], ids, LOCATIONS.id)], 207)


def _endpoints() -> dict[str, Endpoint]:
    found = {}
    for entity in (*ENTITIES, CREATIVES):
        path = entity.path
        found[f"GET {path}"] = Endpoint(partial(_list, entity))
        found[f"POST {path}"] = found[f"PUT {path}"] = Endpoint(partial(_write, entity))
        if entity is CREATIVES:
            continue
        found[f"GET {path}/extended"] = Endpoint(partial(_list, entity, extended=True))
        found[f"GET {path}/extended/{{id}}"] = Endpoint(partial(_get, entity, extended=True))
        found[f"GET {path}/{{id}}"] = Endpoint(partial(_get, entity))
        found[f"DELETE {path}/{{id}}"] = Endpoint(partial(_archive, entity))
    found["GET /sd/locations"] = Endpoint(partial(_list, LOCATIONS))
    found["POST /sd/locations"] = Endpoint(_create_locations)
    found["POST /sd/locations/delete"] = Endpoint(_delete_locations)
    return found


ENDPOINTS: Mapping[str, Endpoint] = _endpoints()
