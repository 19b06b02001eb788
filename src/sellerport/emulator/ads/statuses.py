"""Whether something is served, and why not: its own state, and that of what it is in, and by the date."""

from __future__ import annotations

from typing import Any

from sellerport.emulator.ads import markets, rules
from sellerport.emulator.ads.book import PORTFOLIOS, Row
from sellerport.emulator.ads.call import AdsCall, moment

LIVE = {
    "campaigns": "CAMPAIGN_STATUS_ENABLED",
    "adGroups": "AD_GROUP_STATUS_ENABLED",
    "ads": "AD_STATUS_LIVE",
    "targets": "TARGETING_CLAUSE_STATUS_LIVE",
    PORTFOLIOS: "PORTFOLIO_STATUS_ENABLED",
}
OWN = {"campaigns": "CAMPAIGN", "adGroups": "AD_GROUP", "ads": "AD", "targets": "TARGETING_CLAUSE"}


def group_of(kind: str) -> str:
    """Return as what a kind of rows is served: a campaign, an ad group, an ad or what is targeted."""
    entity = kind.partition(".")[2] or kind
    if entity in LIVE:
        return entity
    return "ads" if entity in ("productAds", "creatives") else "targets"


def serving(call: AdsCall, row: Row) -> str:
    """Return why a row is not served, or that it is, in Amazon's words."""
    group = group_of(row.kind)
    if group == PORTFOLIOS:
        return _portfolio(call, row)
    if row.state != "ENABLED":
        return f"{OWN[group]}_{'ARCHIVED' if row.archived else 'PAUSED'}"
    if group == "campaigns":
        return _campaign(call, row)
    above = [rules.campaign_of(call.book, row)]
    if group != "adGroups":
        above.insert(0, rules.ad_group_of(call.book, row))
    for parent in above:
        if parent is not None and (status := serving(call, parent)) != LIVE[group_of(parent.kind)]:
            return status
    return LIVE[group]


def delivers(call: AdsCall, row: Row) -> bool:
    """Whether a row is served."""
    return serving(call, row) == LIVE[group_of(row.kind)]


def _campaign(call: AdsCall, row: Row) -> str:
    today = markets.today(call.profile.marketplace, call.world.now()).isoformat()
    if row.values.get("endDate", today) < today:
        return "ENDED"
    if row.values.get("startDate", today) > today:
        return "PENDING_START_DATE"
    portfolio = call.book.get(PORTFOLIOS, str(row.values.get("portfolioId", "")))
    if portfolio is not None and (status := _portfolio(call, portfolio)) != LIVE[PORTFOLIOS]:
        return status
    return LIVE["campaigns"]


def _portfolio(call: AdsCall, row: Row) -> str:
    today = markets.today(call.profile.marketplace, call.world.now()).isoformat()
    budget = row.values.get("budget") or {}
    if (budget.get("endDate") or today) < today:
        return "PORTFOLIO_ENDED"
    if (budget.get("startDate") or today) > today:
        return "PORTFOLIO_PENDING_START_DATE"
    return LIVE[PORTFOLIOS]


def extended(call: AdsCall, row: Row) -> dict[str, Any]:
    """Return the ``extendedData`` of SP v3 and portfolios; the reasons are named as they are on the wire."""
    status = serving(call, row)
    return {
        "creationDate": int(row.created * 1000),
        "lastUpdateDate": int(row.updated * 1000),
        "creationDateTime": moment(row.created),
        "lastUpdateDateTime": moment(row.updated),
        "servingStatus": status,
        "statusReasons": [f"{status}_DETAIL"],
    }
