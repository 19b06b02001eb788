"""Which rows a list wants: the filters in the bodies of SP v3, SB v4, the targets of SB v3, portfolios and v1."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from sellerport.emulator.ads.book import Row
from sellerport.emulator.ads.call import AdsCall, invalid, not_one_of
from sellerport.emulator.ads.rules import campaign_of

STATES = ("ENABLING", "ENABLED", "ARCHIVED", "USER_DELETED", "PAUSED", "OTHER", "PROPOSED")
MATCHES = ("BROAD_MATCH", "EXACT_MATCH")

Test = Callable[[Row], bool]


def select(
    call: AdsCall,
    kinds: Sequence[str],
    body: Mapping[str, Any],
    *,
    ids: Sequence[str],
    most_ids: int = 1000,
    most_parents: int = 100,
    states: Collection[str] = STATES,
) -> Sequence[Row]:
    """Return the rows of these kinds that a body's filters let through, in the order in which they were made.

    Args:
        call: whose.
        kinds: which; ids and parents narrow them down before anything is looked at.
        body: the filters; what is not known is passed over.
        ids: by which names the rows' own ids are filtered.
        most_ids: how many own ids may be given.
        most_parents: how many ids of parents may be given.
        states: what a filter by state may name.

    Raises:
        Refused: a filter is not what it has to be.
    """
    wanted = next((found for name in ids if (found := included(body, name, most_ids)) is not None), None)
    parents = {
        name: found
        for name in ("adGroupIdFilter", "campaignIdFilter")
        if name not in ids and (found := included(body, name, most_parents)) is not None
    }
    rows: Iterable[Row]
    if wanted is not None:
        rows = [row for id in dict.fromkeys(wanted) for kind in kinds if (row := call.book.get(kind, id))]
    elif parents:
        narrow = next(iter(parents.values()))
        rows = chain.from_iterable(call.book.within(kind, narrow) for kind in kinds)
    elif len(kinds) == 1:
        rows = call.book.rows(kinds[0]).values()
    else:
        rows = chain.from_iterable(call.book.rows(kind).values() for kind in kinds)
    others = {name: value for name, value in body.items() if name not in ids}
    tests = [*_places(parents), *_values(call, others, states)]
    return [row for row in rows if all(test(row) for test in tests)] if tests else list(rows)


def included(body: Mapping[str, Any], name: str, most: int, allowed: Collection[str] = ()) -> list[str] | None:
    """Return what a filter includes, as texts; None where there is no such filter.

    Raises:
        Refused: it includes no list, too much, or what is not allowed.
    """
    given = body.get(name)
    if given is None:
        return None
    values = given.get("include") if isinstance(given, Mapping) else given
    if values is None:
        return None
    if not isinstance(values, list):
        raise not_one_of(values, f"{name}.include", allowed) if allowed else invalid(f"{name}.include must be a list")
    if len(values) > most:
        raise invalid(
            f"1 validation error detected: Value at '{name}.include' failed to satisfy constraint: "
            f"Member must have length less than or equal to {most}"
        )
    if allowed and not all(one in allowed for one in values):
        raise not_one_of(values, f"{name}.include", allowed)
    return [str(one) for one in values]


def _places(parents: Mapping[str, Collection[str]]) -> list[Test]:
    tests: list[Test] = []
    if (campaigns := parents.get("campaignIdFilter")) is not None:
        known = frozenset(campaigns)
        tests.append(lambda row: row.campaign in known)
    if (groups := parents.get("adGroupIdFilter")) is not None:
        within = frozenset(groups)
        tests.append(lambda row: row.ad_group in within)
    return tests


def _values(call: AdsCall, body: Mapping[str, Any], allowed: Collection[str]) -> list[Test]:
    tests: list[Test] = []
    if (states := included(body, "stateFilter", 10, allowed)) is not None:
        wanted = frozenset(states)
        tests.append(lambda row: row.state in wanted)
    for name, field in (
        ("portfolioIdFilter", "portfolioId"),
        ("matchTypeFilter", "matchType"),
        ("expressionTypeFilter", "expressionType"),
        ("goalTypeFilter", "goal"),
    ):
        if (values := included(body, name, 100)) is not None:
            tests.append(_has(field, frozenset(values)))
    for name in body:
        if name == "nameFilter":
            tests.append(_matches(body, name, lambda row: [row.name]))
        elif name.lower().endswith("keywordtextfilter"):
            tests.append(_matches(body, name, lambda row: [str(row.values.get("keywordText", ""))]))
        elif name == "asinFilter":
            tests.append(_matches(body, name, _asins))
    if (targeting := body.get("campaignTargetingTypeFilter")) is not None:
        if targeting not in ("AUTO", "MANUAL"):
            raise not_one_of(targeting, "campaignTargetingTypeFilter", ("AUTO", "MANUAL"))
        tests.append(lambda row: _targeting(call, row) == targeting)
    return tests


def _has(field: str, values: frozenset[str]) -> Test:
    return lambda row: str(row.values.get(field)) in values


def _asins(row: Row) -> list[str]:
    return [str(one.get("value", "")) for one in row.values.get("expression", ())]


def _targeting(call: AdsCall, row: Row) -> Any:
    campaign = campaign_of(call.book, row)
    return campaign.values.get("targetingType") if campaign else None


def _matches(body: Mapping[str, Any], name: str, texts: Callable[[Row], list[str]]) -> Test:
    """Return a test of texts: equal, or for a broad match containing every word, in whatever case."""
    words = included(body, name, 1000)
    how = body[name].get("queryTermMatchType", "BROAD_MATCH") if isinstance(body[name], Mapping) else "BROAD_MATCH"
    if how not in MATCHES:
        raise not_one_of(how, f"{name}.queryTermMatchType", MATCHES)
    if words is None:
        return lambda row: True
    folded = [one.casefold() for one in words]
    if how == "EXACT_MATCH":
        return lambda row: any(text.casefold() in folded for text in texts(row))
    return lambda row: any(
        all(part in text.casefold() for part in one.split()) for one in folded for text in texts(row)
    )
