"""Budget rules of the local Amazon, and how much of their budgets campaigns have spent."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.ads.advertiser import Advertiser
from tests.emulator.ads.test_reports import TODAY, of
from tests.emulator.conftest import Local


@pytest.fixture
def ads(amazon: Local) -> Advertiser:
    return Advertiser(amazon)


def rule(name: str = "More", starts: str = "20260901", ends: str | None = "20261001", **more: Any) -> dict[str, Any]:
    """Return a rule as it is made."""
    return {
        "name": name,
        "ruleType": "SCHEDULE",
        "duration": {"dateRangeTypeRuleDuration": {"startDate": starts, "endDate": ends}},
        "recurrence": {"type": "DAILY"},
        "budgetIncreaseBy": {"type": "PERCENT", "value": 20},
        **more,
    }


def made(ads: Advertiser, *rules: dict[str, Any], family: str = "sp") -> list[str]:
    """Make rules, and return their ids."""
    answer = ads.call("POST", f"/{family}/budgetRules", {"budgetRulesDetails": list(rules)})
    assert answer.status == 207
    assert [one["code"] for one in answer.json["responses"]] == ["Ok"] * len(rules)
    return [one["ruleId"] for one in answer.json["responses"]]


def campaigns(ads: Advertiser, family: str = "sp") -> list[str]:
    """Return the ids of the campaigns that are not archived."""
    rows = ads.amazon.world.ads.book(ads.profile).rows(f"{family}.campaigns").values()
    return [row.id for row in rows if not row.archived]


@pytest.mark.parametrize("family", ["sp", "sb", "sd"])
def test_a_rule_is_made_tied_to_campaigns_changed_and_untied(ads: Advertiser, family: str) -> None:
    [id] = made(ads, rule(), family=family)
    first, second = campaigns(ads, family)[:2]
    for campaign in (first, second):
        answer = ads.call("POST", f"/{family}/campaigns/{campaign}/budgetRules", {"budgetRuleIds": [id, "nothing"]})
        assert answer.status == 207
        assert answer.json["responses"] == [
            {"code": "Ok", "details": "Budget rule associated", "ruleId": id},
            {"code": "InvalidArgument", "details": "Budget rule nothing was not found", "ruleId": "nothing"},
        ]
    tied = ads.good("GET", f"/{family}/budgetRules/{id}/campaigns?pageSize=10")
    assert [one["campaignId"] for one in tied["associatedCampaigns"]] == [first, second]
    change = {"budgetRulesDetails": [{"ruleId": id, "ruleState": "PAUSED"}]}
    changed = ads.call("PUT", f"/{family}/budgetRules", change)
    assert (changed.status, changed.json["responses"][0]["details"]) == (207, "Budget rule updated")
    [shown] = ads.good("GET", f"/{family}/campaigns/{first}/budgetRules")["associatedRules"]
    assert shown["ruleDetails"] == rule()
    assert (shown["ruleState"], shown["ruleStatusDetails"]) == ("PAUSED", {"reasonCode": None, "status": "PAUSED"})
    assert ads.good("DELETE", f"/{family}/campaigns/{first}/budgetRules/{id}") == {}
    assert ads.call("DELETE", f"/{family}/campaigns/{first}/budgetRules/{id}").status == 400
    tied = ads.good("GET", f"/{family}/budgetRules/{id}/campaigns?pageSize=10")
    assert [one["campaignId"] for one in tied["associatedCampaigns"]] == [second]


def test_a_rule_says_whether_its_days_have_come(ads: Advertiser) -> None:
    ids = made(ads, rule("now"), rule("later", "20261224", "20261226"), rule("over", "20260101", "20260102"))
    ids += made(ads, rule("for good", "20260101", None), rule("today", "20260921", "20260921"))
    told = {one["ruleId"]: one["ruleStatus"] for one in listed(ads)["budgetRulesForAdvertiserResponse"]}
    assert [told[id] for id in ids] == ["ACTIVE", "PENDING_START", "EXPIRED", "ACTIVE", "ACTIVE"]
    ads.amazon.world.advance(95 * 24 * 3600)
    assert ads.good("GET", f"/sp/budgetRules/{ids[1]}")["budgetRule"]["ruleStatus"] == "ACTIVE"


def listed(ads: Advertiser, size: int = 30, token: str = "") -> Any:
    return ads.good("GET", f"/sp/budgetRules?pageSize={size}{f'&nextToken={token}' if token else ''}")


def test_rules_are_listed_page_by_page_for_their_product(ads: Advertiser) -> None:
    ids = made(ads, *[rule(str(number)) for number in range(5)])
    made(ads, rule(), family="sb")
    seen, token = [], ""
    for size in (2, 2, 1):
        page = listed(ads, 2, token)
        assert len(page["budgetRulesForAdvertiserResponse"]) == size
        seen += [one["ruleId"] for one in page["budgetRulesForAdvertiserResponse"]]
        token = page["nextToken"] or ""
    assert (sorted(seen), token) == (sorted(ids), "")
    for size in ("", "0", "31", "x"):
        refused = ads.call("GET", f"/sp/budgetRules?pageSize={size}")
        assert (refused.status, refused.json["details"]) == (400, "pageSize must be a number from 1 to 30")


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        rule(ruleType="OTHER"),
        rule(budgetIncreaseBy={"type": "PERCENT"}),
        rule(duration={}),
        rule(starts="soon"),
        rule(starts="20260202", ends="20260201"),
        rule(ruleType="PERFORMANCE"),
        rule(performanceMeasureCondition={"metricName": "ACOS", "comparisonOperator": "LESS_THAN", "threshold": 1}),
    ],
)
def test_a_wrong_rule_is_refused_beside_a_right_one(ads: Advertiser, wrong: dict[str, Any]) -> None:
    answer = ads.call("POST", "/sp/budgetRules", {"budgetRulesDetails": [wrong, rule()]})
    assert (answer.status, [one["code"] for one in answer.json["responses"]]) == (207, ["InvalidArgument", "Ok"])
    assert len(listed(ads)["budgetRulesForAdvertiserResponse"]) == 1


def test_no_more_than_25_rules_are_made_at_once(ads: Advertiser) -> None:
    for rules in ([], [rule()] * 26):
        assert ads.call("POST", "/sp/budgetRules", {"budgetRulesDetails": rules}).status == 400
    assert len(made(ads, *[rule()] * 25)) == 25


def test_pairs_of_rules_and_campaigns_are_tied_and_untied_by_their_index(ads: Advertiser) -> None:
    [id], campaign = made(ads, rule()), campaigns(ads)[0]
    pairs = [{"budgetRuleId": id, "campaignId": "1"}, {"budgetRuleId": id, "campaignId": campaign}]
    tied = ads.good("POST", "/sp/budgetRulesAssociation", {"budgetRulesAssociations": pairs})
    assert [one["index"] for one in tied["budgetRulesAssociations"]["errorList"]] == [0]
    assert [one["index"] for one in tied["budgetRulesAssociations"]["successList"]] == [1]
    assert len(ads.good("GET", f"/sp/campaigns/{campaign}/budgetRules")["associatedRules"]) == 1
    untied = ads.good("POST", "/sp/budgetRulesAssociation/delete", {"budgetRulesDisAssociations": pairs})
    assert [one["campaignId"] for one in untied["budgetRulesDisAssociations"]["successList"]] == [campaign]
    assert ads.good("GET", f"/sp/campaigns/{campaign}/budgetRules")["associatedRules"] == []


def test_rules_of_one_profile_and_product_are_not_those_of_another(ads: Advertiser) -> None:
    [id] = made(ads, rule())
    assert ads.call("GET", f"/sb/budgetRules/{id}").status == 400
    assert Advertiser(ads.amazon, "CA").call("GET", f"/sp/budgetRules/{id}").status == 400
    ads.amazon.world.load(ads.amazon.world.dump())
    assert ads.good("GET", f"/sp/budgetRules/{id}")["budgetRule"]["ruleId"] == id


def test_the_events_that_are_recommended_are_still_to_come(ads: Advertiser) -> None:
    body = {"campaignId": campaigns(ads)[0]}
    events = ads.good("POST", "/sp/campaigns/budgetRules/recommendations", body)["recommendedBudgetRuleEvents"]
    assert len(events) == 5
    assert all(f"{TODAY:%Y%m%d}" < one["startDate"] <= one["endDate"] for one in events)
    event = {"eventTypeRuleDuration": {key: events[0][key] for key in ("eventId", "startDate", "endDate")}}
    [id] = made(ads, rule(duration=event))
    assert ads.good("GET", f"/sp/budgetRules/{id}")["budgetRule"]["ruleStatus"] == "PENDING_START"


def test_a_report_names_the_rule_that_raises_a_budget_most(ads: Advertiser) -> None:
    percent = {"type": "PERCENT", "value": 50}
    ids = made(
        ads, rule("20"), rule("50", budgetIncreaseBy=percent), rule("later", "20261224", None, budgetIncreaseBy=percent)
    )
    campaign = campaigns(ads)[0]
    ads.good("POST", f"/sp/campaigns/{campaign}/budgetRules", {"budgetRuleIds": ids})
    name, amount = "campaignApplicableBudgetRule", "campaignRuleBasedBudgetAmount"
    columns = ["campaignId", "campaignBudgetAmount", f"{name}Id", f"{name}Name", amount]
    for row in ads.rows(of("spCampaigns", "campaign", columns)):
        raised = row[f"{name}Id"], row[f"{name}Name"], row[amount]
        expected = (ids[1], "50", row["campaignBudgetAmount"] * 1.5)
        assert raised == (expected if str(row["campaignId"]) == campaign else (None, None, None))


@pytest.mark.parametrize("family", ["sp", "sb", "sd"])
def test_what_is_spent_is_what_the_report_of_today_says(ads: Advertiser, family: str) -> None:
    body = of(f"{family}Campaigns", "campaign", ["campaignId", "cost"])
    rows = ads.rows({**body, "startDate": str(TODAY), "endDate": str(TODAY)})
    cost = {str(row["campaignId"]): row["cost"] for row in rows}
    ids = campaigns(ads, family)
    usage = ads.call("POST", f"/{family}/campaigns/budget/usage", {"campaignIds": ["1", *ids]})
    assert usage.status == 207
    assert [(one["index"], one["campaignId"]) for one in usage.json["error"]] == [(0, "1")]
    assert [one["index"] for one in usage.json["success"]] == list(range(1, len(ids) + 1))
    for one in usage.json["success"]:
        spent = min(100 * cost.get(one["campaignId"], 0) / one["budget"], 100)
        assert one["budgetUsagePercent"] == pytest.approx(spent, abs=0.01)
    assert any(one["budgetUsagePercent"] for one in usage.json["success"])


def test_a_portfolio_spends_what_its_campaigns_spend(ads: Advertiser) -> None:
    book = ads.amazon.world.ads.book(ads.profile)
    with_budget = [row for row in book.rows("portfolios").values() if row.values.get("budget")]
    without = next(row.id for row in book.rows("portfolios").values() if not row.values.get("budget"))
    body = {"portfolioIds": [with_budget[0].id, without, "1"]}
    usage = ads.good("POST", "/portfolios/budget/usage", body)
    assert [one["portfolioId"] for one in usage["success"]] == [with_budget[0].id, without]
    spent = usage["success"][0]
    assert 0 < spent["budgetUsagePercent"] < 100
    assert spent["budget"] == with_budget[0].values["budget"]["amount"]
    assert [one["portfolioId"] for one in usage["error"]] == ["1"]
    assert ads.call("POST", "/portfolios/budget/usage", {"portfolioIds": []}).status == 400
