"""How much of their budgets campaigns and portfolios have spent: what reports say that today's clicks cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from sellerport.emulator.ads.book import PORTFOLIOS
from sellerport.emulator.ads.call import AdsCall, Endpoint, denied, moment
from sellerport.emulator.ads.shoppers import Family, Shoppers
from sellerport.emulator.call import Answer

MOST = 100
FAMILIES: tuple[Family, ...] = ("sp", "sb", "sd")


def of_campaigns(family: Family, call: AdsCall) -> Answer:
    """Return how much of their daily budgets campaigns have spent."""
    spent = _spent(call, family)

    def usage(id: str) -> tuple[float, float] | None:
        row = call.book.get(f"{family}.campaigns", id)
        return (row.budget, spent.get(id, 0)) if row else None

    return _answer(call, "campaignId", usage)


def of_portfolios(call: AdsCall) -> Answer:
    """Return how much of their budgets portfolios have spent today; one without a budget has none to spend."""
    spent: dict[str, float] = {}
    for family in FAMILIES:
        for id, amount in _spent(call, family).items():
            portfolio = str(call.book.rows(f"{family}.campaigns")[id].values.get("portfolioId"))
            spent[portfolio] = spent.get(portfolio, 0) + amount

    def usage(id: str) -> tuple[float, float] | None:
        row = call.book.get(PORTFOLIOS, id)
        return (float((row.values.get("budget") or {}).get("amount") or 0), spent.get(id, 0)) if row else None

    return _answer(call, "portfolioId", usage)


def _spent(call: AdsCall, family: Family) -> dict[str, float]:
    """Return what each campaign of a family has spent today, in the profile's currency."""
    shoppers = Shoppers(call.world, call.profile)
    cost: Counter[str] = Counter()
    for one in shoppers.showings(family, shoppers.today, shoppers.today):
        cost[one.campaign.id] += one.cost
    return {id: amount / shoppers.minor for id, amount in cost.items()}


def _answer(call: AdsCall, field: str, usage: Callable[[str], tuple[float, float] | None]) -> Answer:
    ids = call.body.get(f"{field}s") if isinstance(call.body, dict) else None
    if not isinstance(ids, list) or not 1 <= len(ids) <= MOST:
        raise denied(f"{field}s must have from 1 to {MOST} items", 400)
    done: dict[str, list[Any]] = {"error": [], "success": []}
    for index, id in enumerate(map(str, ids)):
        if (found := usage(id)) is None:
            details = f"{field} {id} was not found"
            done["error"].append({field: id, "code": "NOT_FOUND", "details": details, "index": index})
            continue
        budget, spent = found
        percent = round(min(100 * spent / budget, 100), 2) if budget else 0
        now = moment(call.world.now())
        one = {field: id, "budget": budget, "budgetUsagePercent": percent, "index": index, "usageUpdatedTimestamp": now}
        done["success"].append(one)
    return Answer(done, 207)


ENDPOINTS: Mapping[str, Endpoint] = {
    **{f"POST /{family}/campaigns/budget/usage": Endpoint(partial(of_campaigns, family)) for family in FAMILIES},
    "POST /portfolios/budget/usage": Endpoint(of_portfolios),
}
