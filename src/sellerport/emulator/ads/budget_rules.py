"""Budget rules: how much more a campaign may spend on some days, made for all campaigns and tied to each.

The three products have the same operations under their own paths, and share no rules. A campaign's budget is never
changed by a rule here; a rule says whether it would be: before its days PENDING_START, on them ACTIVE, then EXPIRED.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any, Literal

import msgspec

from sellerport.emulator.ads import markets
from sellerport.emulator.ads.call import AdsCall, Endpoint, Refused
from sellerport.emulator.ads.shoppers import Family
from sellerport.emulator.call import Answer

MOST_RULES = 25
MOST_ASSOCIATIONS = 50
MOST_ON_A_PAGE = 30

EVENTS: tuple[tuple[str, tuple[int, int], int, int | None], ...] = (
    ("Valentine's Day", (2, 8), 7, 30),
    ("Mother's Day", (5, 5), 10, 43),
    ("Halloween", (10, 25), 7, 98),
    ("Black Friday", (11, 20), 9, 85),
    ("Christmas", (12, 10), 12, 60),
)
"""What Amazon recommends more money for: its name, its first day, how many days, and how many per cent more."""


class Percent(msgspec.Struct, frozen=True):
    """How much more."""

    type: Literal["PERCENT"]
    value: float


class Details(msgspec.Struct, frozen=True, rename="camel"):
    """What is checked of a rule; the rest of it is kept as it was sent."""

    name: str
    rule_type: Literal["SCHEDULE", "PERFORMANCE"]
    budget_increase_by: Percent
    duration: dict[str, Any]
    recurrence: dict[str, Any]
    performance_measure_condition: dict[str, Any] | None = None


@dataclass(frozen=True)
class Rule:
    """A budget rule of a profile; times are unix seconds."""

    id: str
    family: Family
    details: Mapping[str, Any]
    state: Literal["ACTIVE", "PAUSED"]
    created: float
    updated: float
    campaigns: tuple[str, ...] = ()
    """The ids of those that it is for."""

    @property
    def times(self) -> float:
        """With what a budget is multiplied."""
        return 1 + float(self.details["budgetIncreaseBy"]["value"]) / 100


def _refused(details: str) -> Refused:
    return Refused(400, {"code": "400", "details": details})


def _rules(call: AdsCall) -> dict[str, Rule]:
    return call.world.ads.budget_rules.setdefault(call.profile.id, {})


def _rule(family: Family, call: AdsCall, id: Any) -> Rule:
    """Return a rule of the profile.

    Raises:
        Refused: there is none.
    """
    found = _rules(call).get(str(id))
    if found is None or found.family != family:
        raise _refused(f"Budget rule {id} was not found")
    return found


def _items(call: AdsCall, field: str, most: int) -> list[Any]:
    """Return the items of a body.

    Raises:
        Refused: there are none, or too many.
    """
    found = call.body.get(field) if isinstance(call.body, dict) else None
    if not isinstance(found, list) or not 1 <= len(found) <= most:
        raise _refused(f"{field} must have from 1 to {most} items")
    return found


# --- rules ------------------------------------------------------------------------------------------------------------


def create(family: Family, call: AdsCall) -> Answer:
    """Make rules; each item has an answer of its own, in their order."""

    def made(given: Any) -> Rule:
        now = call.world.now()
        return Rule(call.world.uuid(), family, _checked(given), "ACTIVE", now, now)

    return _each(call, made, "created")


def update(family: Family, call: AdsCall) -> Answer:
    """Change rules: their state, or all of what they say."""

    def changed(given: Any) -> Rule:
        old = _rule(family, call, given.get("ruleId"))
        state = given.get("ruleState", old.state)
        if state not in ("ACTIVE", "PAUSED"):
            raise _refused("ruleState must be ACTIVE or PAUSED")
        details = _checked(given["ruleDetails"]) if given.get("ruleDetails") else old.details
        return dataclasses.replace(old, state=state, details=details, updated=call.world.now())

    return _each(call, changed, "updated")


def _each(call: AdsCall, make: Callable[[Any], Rule], verb: str) -> Answer:
    responses = []
    for given in _items(call, "budgetRulesDetails", MOST_RULES):
        try:
            rule = make(given if isinstance(given, dict) else {})
        except Refused as refused:
            said = {"code": "InvalidArgument", "details": refused.body["details"], "ruleId": None}
        else:
            _rules(call)[rule.id] = rule
            said = {"code": "Ok", "details": f"Budget rule {verb}", "ruleId": rule.id}
        responses.append({"associatedCampaignIds": None, **said})
    return Answer({"responses": responses}, 207)


def _checked(given: Any) -> Mapping[str, Any]:
    try:
        details = msgspec.convert(given, Details)
    except msgspec.ValidationError as error:
        raise _refused(str(error)) from None
    if (details.rule_type == "PERFORMANCE") != (details.performance_measure_condition is not None):
        raise _refused("performanceMeasureCondition belongs to the ruleType PERFORMANCE, and to no other")
    span = details.duration.get("dateRangeTypeRuleDuration")
    event = details.duration.get("eventTypeRuleDuration")
    if (span is None) == (event is None):
        raise _refused("duration must have dateRangeTypeRuleDuration or eventTypeRuleDuration")
    starts, ends = _days(given)
    if starts is None or (ends is not None and ends < starts):
        raise _refused("duration must have a startDate such as 20260131, and an endDate that is not before it")
    checked: Mapping[str, Any] = given
    return checked


def _days(details: Mapping[str, Any]) -> tuple[date | None, date | None]:
    """Return the first and the last day of a rule; of an event, those that were recommended."""
    duration = details["duration"]
    span = duration.get("dateRangeTypeRuleDuration")
    if not span:
        event = duration["eventTypeRuleDuration"]
        span = {"startDate": event.get("startDate") or "20000101", "endDate": event.get("endDate")}
    try:
        days = [date.fromisoformat(str(span[name])) if span.get(name) else None for name in ("startDate", "endDate")]
    except ValueError:
        return None, None
    return days[0], days[1]


def listed(family: Family, call: AdsCall) -> Answer:
    """List the rules of a profile, newest first."""
    found = [rule for rule in reversed(_rules(call).values()) if rule.family == family]
    page, token = _page(call, found)
    return Answer({"budgetRulesForAdvertiserResponse": [_told(call, one) for one in page], "nextToken": token})


def get(family: Family, call: AdsCall) -> Answer:
    """Return one rule."""
    return Answer({"budgetRule": _told(call, _rule(family, call, call.path["budgetRuleId"]))})


def _page(call: AdsCall, found: Sequence[Any]) -> tuple[Sequence[Any], str | None]:
    """Return the page of a list that the query asks for, and the token of the next one."""
    size = call.query.get("pageSize", "")
    if not (size.isascii() and size.isdigit() and 1 <= int(size) <= MOST_ON_A_PAGE):
        raise _refused(f"pageSize must be a number from 1 to {MOST_ON_A_PAGE}")
    token = call.query.get("nextToken", "")
    start = int(token) if token.isascii() and token.isdigit() else 0
    following = start + int(size)
    return found[start:following], str(following) if following < len(found) else None


def _status(call: AdsCall, rule: Rule) -> str:
    starts, ends = _days(rule.details)
    today = markets.today(call.profile.marketplace, call.world.now())
    if rule.state == "PAUSED":
        return "PAUSED"
    if starts is not None and today < starts:
        return "PENDING_START"
    return "EXPIRED" if ends is not None and ends < today else "ACTIVE"


def applicable(call: AdsCall) -> dict[str, Rule]:
    """Return which rule raises a campaign's budget now, by campaign: of several, the one that raises it most."""
    found: dict[str, Rule] = {}
    for rule in sorted(_rules(call).values(), key=lambda rule: rule.times):
        if _status(call, rule) == "ACTIVE":
            found.update(dict.fromkeys(rule.campaigns, rule))
    return found


def _told(call: AdsCall, rule: Rule) -> dict[str, Any]:
    return {
        "createdDate": int(rule.created * 1000),
        "lastUpdatedDate": int(rule.updated * 1000),
        "ruleDetails": rule.details,
        "ruleId": rule.id,
        "ruleState": rule.state,
        "ruleStatus": _status(call, rule),
        "ruleStatusDetails": None,
    }


# --- campaigns --------------------------------------------------------------------------------------------------------


def associate(family: Family, call: AdsCall) -> Answer:
    """Tie rules to a campaign."""
    campaign, responses = call.path["campaignId"], []
    for id in _items(call, "budgetRuleIds", MOST_RULES):
        refused = _tied(family, call, campaign, id)
        said = ("InvalidArgument", refused) if refused else ("Ok", "Budget rule associated")
        responses.append({"code": said[0], "details": said[1], "ruleId": id})
    return Answer({"responses": responses}, 207)


def disassociate(family: Family, call: AdsCall) -> Answer:
    """Untie a rule from a campaign."""
    if refused := _untied(family, call, call.path["campaignId"], call.path["budgetRuleId"]):
        raise _refused(refused)
    return Answer({})


def associate_many(call: AdsCall) -> Answer:
    """Tie rules to campaigns, pair by pair."""
    return _pairs(call, "budgetRulesAssociations", _tied, "associated")


def disassociate_many(call: AdsCall) -> Answer:
    """Untie rules from campaigns, pair by pair."""
    return _pairs(call, "budgetRulesDisAssociations", _untied, "disassociated")


Tie = Callable[[Family, AdsCall, str, Any], str | None]


def _pairs(call: AdsCall, field: str, tie: Tie, verb: str) -> Answer:
    done: dict[str, list[Any]] = {"successList": [], "errorList": []}
    for index, given in enumerate(_items(call, field, MOST_ASSOCIATIONS)):
        campaign, rule = str(given.get("campaignId")), given.get("budgetRuleId")
        refused = tie("sp", call, campaign, rule)
        said = {"code": "InvalidArgument", "details": refused} if refused else {"code": "Ok"}
        one = {"campaignId": campaign, "details": f"Budget rule {verb}", "index": index, "ruleId": rule, **said}
        done["errorList" if refused else "successList"].append(one)
    return Answer({field: done}, 207)


def _tied(family: Family, call: AdsCall, campaign: str, id: Any) -> str | None:
    """Tie a rule to a campaign, or say why not."""
    row = call.book.get(f"{family}.campaigns", campaign)
    if row is None or row.archived:
        return f"Campaign {campaign} was not found, or is archived"
    try:
        rule = _rule(family, call, id)
    except Refused as refused:
        return str(refused.body["details"])
    kept = [one for one in rule.campaigns if one != campaign]
    _rules(call)[rule.id] = dataclasses.replace(rule, campaigns=(*kept, campaign))
    return None


def _untied(family: Family, call: AdsCall, campaign: str, id: Any) -> str | None:
    """Untie a rule from a campaign, or say why not."""
    rule = _rules(call).get(str(id))
    if rule is None or rule.family != family or campaign not in rule.campaigns:
        return f"Budget rule {id} is not associated with campaign {campaign}"
    kept = tuple(one for one in rule.campaigns if one != campaign)
    _rules(call)[rule.id] = dataclasses.replace(rule, campaigns=kept)
    return None


def of_campaign(family: Family, call: AdsCall) -> Answer:
    """List the rules that are tied to a campaign."""
    campaign = call.path["campaignId"]
    if call.book.get(f"{family}.campaigns", campaign) is None:
        raise _refused(f"Campaign {campaign} was not found")
    found = []
    for rule in _rules(call).values():
        if rule.family == family and campaign in rule.campaigns:
            status = {"reasonCode": None, "status": _status(call, rule)}
            found.append({**_told(call, rule), "ruleStatusDetails": status})
    return Answer({"associatedRules": found})


def campaigns_of(family: Family, call: AdsCall) -> Answer:
    """List the campaigns that a rule is tied to."""
    rule = _rule(family, call, call.path["budgetRuleId"])
    page, token = _page(call, rule.campaigns)
    rows = [row for id in page if (row := call.book.get(f"{family}.campaigns", id))]
    told = [{"campaignId": row.id, "campaignName": row.name, "ruleStatus": _status(call, rule)} for row in rows]
    return Answer({"associatedCampaigns": told, "nextToken": token})


def recommend(family: Family, call: AdsCall) -> Answer:
    """Recommend the next events to spend more on."""
    campaign = call.body.get("campaignId") if isinstance(call.body, dict) else None
    if call.book.get(f"{family}.campaigns", str(campaign)) is None:
        raise _refused(f"Campaign {campaign} was not found")
    return Answer(
        {"recommendedBudgetRuleEvents": list(_events(markets.today(call.profile.marketplace, call.world.now())))}
    )


def _events(today: date) -> Iterator[dict[str, Any]]:
    for name, (month, day), days, percent in EVENTS:
        starts = date(today.year, month, day)
        starts = starts if starts > today else starts.replace(year=today.year + 1)
        yield {
            "eventId": hashlib.sha256(name.encode()).hexdigest()[:32],
            "eventName": name,
            "startDate": f"{starts:%Y%m%d}",
            "endDate": f"{starts + timedelta(days=days - 1):%Y%m%d}",
            "suggestedBudgetIncreasePercent": percent,
        }


def _endpoints(family: Family) -> Iterator[tuple[str, Endpoint]]:
    rules, campaigns = f"/{family}/budgetRules", f"/{family}/campaigns/{{campaignId}}/budgetRules"
    for route, answer in (
        (f"POST {rules}", create),
        (f"PUT {rules}", update),
        (f"GET {rules}", listed),
        (f"GET {rules}/{{budgetRuleId}}", get),
        (f"GET {rules}/{{budgetRuleId}}/campaigns", campaigns_of),
        (f"GET {campaigns}", of_campaign),
        (f"POST {campaigns}", associate),
        (f"DELETE {campaigns}/{{budgetRuleId}}", disassociate),
    ):
        yield route, Endpoint(partial(answer, family))
    if family != "sd":
        yield f"POST /{family}/campaigns/budgetRules/recommendations", Endpoint(partial(recommend, family))


FAMILIES: tuple[Family, ...] = ("sp", "sb", "sd")
ENDPOINTS: Mapping[str, Endpoint] = {
    **{route: endpoint for family in FAMILIES for route, endpoint in _endpoints(family)},
    "POST /sp/budgetRulesAssociation": Endpoint(associate_many),
    "POST /sp/budgetRulesAssociation/delete": Endpoint(disassociate_many),
}
