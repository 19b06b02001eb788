"""Finances v0: invented like most, but for a span that Amazon answers with nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sellerport.emulator import pages
from sellerport.emulator.call import Answer, Call

LONGEST_S = 180 * 86_400
"""A longer span is no error at Amazon: its answer is empty."""


def list_financial_events(call: Call) -> Answer:
    """List what was posted in a span of time."""
    return Answer({"payload": {"FinancialEvents": {}}}) if _too_long(call, "Posted") else pages.answer(call)


def list_financial_event_groups(call: Call) -> Answer:
    """List the groups that were begun in a span of time."""
    too_long = _too_long(call, "FinancialEventGroupStarted")
    return Answer({"payload": {"FinancialEventGroupList": []}}) if too_long else pages.answer(call)


def _too_long(call: Call, name: str) -> bool:
    after, before = call.time(f"{name}After"), call.time(f"{name}Before")
    return after is not None and (call.world.now() if before is None else before) - after > LONGEST_S


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    "finances_v0.list_financial_events": list_financial_events,
    "finances_v0.list_financial_event_groups": list_financial_event_groups,
}
