"""Sponsored Products v3, nine entities with four operations each, and portfolios, which are written in the same way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from sellerport.emulator.ads import casing, filters, markets, statuses, writes
from sellerport.emulator.ads.book import PORTFOLIOS, Row
from sellerport.emulator.ads.call import AdsCall, Endpoint, Refused, invalid, not_one_of, object_of, page
from sellerport.emulator.ads.rules import Trouble
from sellerport.emulator.ads.writes import Draft, Outcome
from sellerport.emulator.call import Answer, moment

MOST = 1000
MOST_PORTFOLIOS = 100
PAGE = 100

WRITTEN_STATES = ("ENABLED", "PAUSED", "PROPOSED")
ENUMS: Mapping[str, tuple[str, ...]] = {
    "targetingType": ("AUTO", "MANUAL"),
    "expressionType": ("AUTO", "MANUAL"),
    "budget.budgetType": ("DAILY",),
    "budget.policy": ("DATE_RANGE", "MONTHLY_RECURRING", "NO_CAP"),
    "dynamicBidding.strategy": ("LEGACY_FOR_SALES", "AUTO_FOR_SALES", "MANUAL", "RULE_BASED"),
}
MATCHES = ("EXACT", "PHRASE", "BROAD")
NEGATIVE_MATCHES = ("NEGATIVE_EXACT", "NEGATIVE_PHRASE", "NEGATIVE_BROAD")
NUMBERS = ("bid", "defaultBid", "budget.budget", "budget.amount")


class Entity(NamedTuple):
    """How an entity is written: what its lists are called, and the id in its rows and in what a write answers."""

    kind: str
    wrapper: str
    one: str
    id: str = "targetId"
    written: str = ""
    filter: str = ""
    created: tuple[str, ...] = ()
    """What a new one may say, beside its state and its parents."""
    changed: tuple[str, ...] = ()
    """What a change may say, beside its state."""

    @property
    def path(self) -> str:
        """Where its operations are."""
        return f"/sp/{self.kind.partition('.')[2]}"


_CAMPAIGN = (
    "name", "targetingType", "budget", "dynamicBidding", "startDate", "endDate", "portfolioId", "tags",
    "siteRestrictions", "offAmazonSettings",
)  # fmt: skip
_TEXT = ("keywordText", "matchType", "nativeLanguageKeyword", "nativeLanguageLocale")
_AD = ("sku", "asin", "customText", "globalStoreSetting")

CAMPAIGNS = Entity(
    "sp.campaigns",
    "campaigns",
    "campaign",
    "campaignId",
    filter="campaignIdFilter",
    created=_CAMPAIGN,
    changed=_CAMPAIGN,
)
ENTITIES = (
    CAMPAIGNS,
    Entity(
        "sp.adGroups", "adGroups", "adGroup", "adGroupId",
        filter="adGroupIdFilter", created=("name", "defaultBid"), changed=("name", "defaultBid"),
    ),
    Entity("sp.productAds", "productAds", "productAd", "adId", filter="adIdFilter", created=_AD),
    Entity(
        "sp.keywords", "keywords", "keyword", "keywordId",
        filter="keywordIdFilter", created=(*_TEXT, "bid"), changed=("bid",),
    ),
    Entity(
        "sp.negativeKeywords", "negativeKeywords", "negativeKeyword", "keywordId",
        written="negativeKeywordId", filter="negativeKeywordIdFilter", created=_TEXT,
    ),
    Entity(
        "sp.campaignNegativeKeywords", "campaignNegativeKeywords", "campaignNegativeKeyword", "keywordId",
        written="campaignNegativeKeywordId", filter="campaignNegativeKeywordIdFilter", created=_TEXT,
    ),
    Entity(
        "sp.targets", "targetingClauses", "targetingClause",
        filter="targetIdFilter", created=("expression", "expressionType", "bid"), changed=("expression", "bid"),
    ),
    Entity(
        "sp.negativeTargets", "negativeTargetingClauses", "negativeTargetingClause",
        filter="negativeTargetIdFilter", created=("expression",), changed=("expression",),
    ),
    Entity(
        "sp.campaignNegativeTargets", "campaignNegativeTargetingClauses", "campaignNegativeTargetingClauses",
        written="campaignNegativeTargetingClauseId", filter="campaignNegativeTargetIdFilter",
        created=("expression",), changed=("expression",),
    ),
)  # fmt: skip

_PORTFOLIO = ("name", "budget", "budgetControls")
PORTFOLIO = Entity(
    PORTFOLIOS, "portfolios", "portfolio", "portfolioId",
    filter="portfolioIdFilter", created=_PORTFOLIO, changed=_PORTFOLIO,
)  # fmt: skip


def rendered(call: AdsCall, entity: Entity, row: Row, *, extended: bool = False) -> dict[str, Any]:
    """Return a row as lists and representations have it."""
    made: dict[str, Any] = {entity.id: row.id, "state": row.state, **row.values}
    if row.campaign:
        made["campaignId"] = row.campaign
    if row.ad_group:
        made["adGroupId"] = row.ad_group
    if "expression" in made:
        made["resolvedExpression"] = made["expression"]
    if extended:
        made["extendedData"] = statuses.extended(call, row)
    return made


# --- lists ------------------------------------------------------------------------------------------------------------


def _list(entity: Entity, call: AdsCall) -> Answer:
    body = object_of(call.body)
    most = MOST_PORTFOLIOS if entity.kind == PORTFOLIOS else 100
    rows = filters.select(call, [entity.kind], body, ids=[entity.filter], most_parents=most)
    shown, following = page(call, rows, body, most=MOST, default=PAGE)
    extended = str(body.get("includeExtendedDataFields", "")).lower() == "true"  # Airbyte's connector sends a text
    items = [rendered(call, entity, row, extended=extended) for row in shown]
    return Answer({entity.wrapper: items, "totalResults": len(rows), **following})


# --- writes -----------------------------------------------------------------------------------------------------------


def _create(entity: Entity, call: AdsCall) -> Answer:
    items = _items(entity, call)
    drafts = [_draft(call, entity, item, entity.created) for item in items]
    return _answer(call, entity, writes.create(call, entity.kind, drafts), show=call.represented)


def _update(entity: Entity, call: AdsCall) -> Answer:
    items = _items(entity, call)
    for place, item in enumerate(items):
        if item.get(entity.id) in (None, ""):
            raise _missing(f"{entity.wrapper}.{place + 1}.member.{entity.id}")
    drafts = [_draft(call, entity, item, entity.changed, new=False) for item in items]
    outcomes = writes.change(call, entity.kind, drafts, entity.id)
    return _answer(call, entity, outcomes, show=call.represented)


def _delete(entity: Entity, call: AdsCall) -> Answer:
    ids = filters.included(object_of(call.body), entity.filter, MOST)
    if not ids:
        raise _missing(f"{entity.filter}.include")
    return _answer(call, entity, writes.archive(call, [entity.kind], ids, entity.id), show=False)


def _missing(place: str) -> Refused:
    return invalid(
        f"1 validation error detected: Value at '{place}' failed to satisfy constraint: Member must not be null"
    )


def _items(entity: Entity, call: AdsCall) -> list[dict[str, Any]]:
    most = MOST_PORTFOLIOS if entity.kind == PORTFOLIOS else MOST
    items = object_of(call.body).get(entity.wrapper)
    if not isinstance(items, list) or not items:
        raise _missing(entity.wrapper)
    if len(items) > most:
        raise invalid(
            f"1 validation error detected: Value at '{entity.wrapper}' failed to satisfy constraint: "
            f"Member must have length less than or equal to {most}"
        )
    for place, item in enumerate(items):
        _check(entity, item, f"{entity.wrapper}.{place + 1}.member")
    return items


def _check(entity: Entity, item: Any, place: str) -> None:
    """Refuse a whole request for what no item may be: Amazon reads it before it looks at any."""
    if not isinstance(item, dict):
        raise invalid(f"1 validation error detected: Value at '{place}' must be an object")
    states = ("ENABLED",) if entity.kind == PORTFOLIOS else WRITTEN_STATES
    matches = NEGATIVE_MATCHES if "egative" in entity.kind else MATCHES
    for field, allowed in {"state": states, "matchType": matches, **ENUMS}.items():
        value = _at(item, field)
        if value is not None and value not in allowed:
            raise not_one_of(value, f"{place}.{field}", allowed)
    for field in NUMBERS:
        value = _at(item, field)
        if value is not None and type(value) not in (int, float):
            raise invalid(f"1 validation error detected: Value at '{place}.{field}' must be a number")
    expression = item.get("expression", [])
    if not isinstance(expression, list) or not all(isinstance(one, dict) for one in expression):
        raise invalid(f"1 validation error detected: Value at '{place}.expression' must be a list of objects")
    for field in ("budget", "dynamicBidding"):
        if not isinstance(item.get(field, {}), dict):
            raise invalid(f"1 validation error detected: Value at '{place}.{field}' must be an object")


def _at(item: Mapping[str, Any], field: str) -> Any:
    first, _, rest = field.partition(".")
    value = item.get(first)
    return _at(value, rest) if rest and isinstance(value, dict) else None if rest else value


def _draft(call: AdsCall, entity: Entity, item: Mapping[str, Any], fields: Sequence[str], *, new: bool = True) -> Draft:
    values = {name: item[name] for name in fields if name in item}
    if new and entity.kind == "sp.campaigns":
        values.setdefault("startDate", markets.today(call.profile.marketplace, call.world.now()).isoformat())
        values.setdefault("dynamicBidding", {"strategy": "LEGACY_FOR_SALES", "placementBidding": []})
    if new and entity.kind == "sp.productAds" and call.profile.type == "seller" and "sku" in values:
        listing = call.world.shelf.listing(call.profile.account, call.profile.marketplace.id, str(values["sku"]))
        values["asin"] = listing.asin if listing else None
    campaign, group = item.get("campaignId") or "", item.get("adGroupId") or ""
    if entity.kind == "sp.campaigns":
        campaign = ""
    if entity.kind in ("sp.campaigns", "sp.adGroups"):
        group = ""
    return Draft(values, item.get("state"), str(campaign), str(group), str(item.get(entity.id, "")))


def _answer(call: AdsCall, entity: Entity, outcomes: Sequence[Outcome], *, show: bool) -> Answer:
    return multi_status(entity.wrapper, outcomes, lambda row: _success(call, entity, row, show=show))


def _success(call: AdsCall, entity: Entity, row: Row, *, show: bool) -> dict[str, Any]:
    made: dict[str, Any] = {entity.written or entity.id: row.id}
    if show:
        made[entity.one] = rendered(call, entity, row, extended=True)
    elif entity.kind == "sp.adGroups" and not row.archived:  # which say so much whoever asks
        made[entity.one] = {"adGroupId": row.id, "name": row.name}
    return made


def multi_status(wrapper: str, outcomes: Sequence[Outcome], success: Callable[[Row], dict[str, Any]]) -> Answer:
    """Return the answer of a write as SP v3, portfolios and SB v4 have it: what was done, and what was not."""
    done, failed = [], []
    for place, outcome in enumerate(outcomes):
        if isinstance(outcome, Row):
            done.append({"index": place, **success(outcome)})
        else:
            failed.append({"index": place, "errors": [_error(wrapper, place, one) for one in outcome]})
    return Answer({wrapper: {"success": done, "error": failed}}, 207)


def _error(wrapper: str, place: int, trouble: Trouble) -> dict[str, Any]:
    field = f".{trouble.field}" if trouble.field else ""
    cause: dict[str, Any] = {"location": f"$.{wrapper}[{place}]{field}"}
    if trouble.trigger is not None:
        cause["trigger"] = trouble.trigger
    said: dict[str, Any] = {"reason": trouble.reason, "message": trouble.message, "cause": cause}
    if trouble.limits:
        said |= {"lowerLimit": trouble.limits[0], "upperLimit": trouble.limits[1]}
    if trouble.type.startswith("entity"):
        said["entityType"] = casing.upper(wrapper).removesuffix("S")
    if trouble.type == "entityNotFoundError":
        said["entityId"] = trouble.trigger or ""
    return {"errorType": trouble.type, "errorValue": {trouble.type: said}}


# --- budgets ----------------------------------------------------------------------------------------------------------


def usage(call: AdsCall, kind: str, ids_field: str, id_field: str) -> Answer:
    """Return how much of their budgets portfolios or campaigns have spent; here nothing is ever spent.

    Raises:
        Refused: no ids are given, or more than a hundred.
    """
    ids = object_of(call.body).get(ids_field)
    if not isinstance(ids, list) or not 1 <= len(ids) <= 100:
        raise Refused(400, {"code": "400", "details": f"{ids_field} must be a list of 1 to 100 ids"})
    done, failed = [], []
    for place, id in enumerate(map(str, ids)):
        row = call.book.get(kind, id)
        if row is None:
            failed.append({"code": "404", "details": f"There is no {id_field} {id}", "index": place, id_field: id})
            continue
        budget = row.values.get("budget") or {}
        amount = budget.get("amount", 0) if kind == PORTFOLIOS else row.budget
        when = moment(call.world.now())
        spent = {"budget": amount, "budgetUsagePercent": 0, "usageUpdatedTimestamp": when}
        done.append({"index": place, id_field: id, **spent})
    return Answer({"success": done, "error": failed}, 207)


def _endpoints() -> dict[str, Endpoint]:
    found = {
        f"{method} {entity.path}{end}": Endpoint(partial(answer, entity))
        for entity in ENTITIES
        for method, end, answer in (
            ("POST", "/list", _list),
            ("POST", "", _create),
            ("PUT", "", _update),
            ("POST", "/delete", _delete),
        )
    }
    found["POST /portfolios/list"] = Endpoint(partial(_list, PORTFOLIO))
    found["POST /portfolios"] = Endpoint(partial(_create, PORTFOLIO))
    found["PUT /portfolios"] = Endpoint(partial(_update, PORTFOLIO))
    found["POST /portfolios/budget/usage"] = Endpoint(
        lambda call: usage(call, PORTFOLIOS, "portfolioIds", "portfolioId")
    )
    for family in ("sp", "sb", "sd"):
        kind = f"{family}.campaigns"
        found[f"POST /{family}/campaigns/budget/usage"] = Endpoint(
            partial(usage, kind=kind, ids_field="campaignIds", id_field="campaignId")
        )
    return found


ENDPOINTS: Mapping[str, Endpoint] = _endpoints()
