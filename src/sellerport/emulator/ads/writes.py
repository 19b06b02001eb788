"""Making, changing and archiving rows: one item after the other, and for each either the row or what was wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from sellerport.emulator.ads import rules, seeds
from sellerport.emulator.ads.book import ARCHIVED, Row
from sellerport.emulator.ads.call import AdsCall
from sellerport.emulator.ads.rules import Check, Trouble

Outcome = Row | list[Trouble]


class Draft(NamedTuple):
    """What somebody wants to make, or a change of what there is; families read it from their items.

    Of a change, only what is given changes; a value of None takes the field away.
    """

    values: Mapping[str, Any]
    state: str | None = None
    campaign: str = ""
    ad_group: str = ""
    id: str = ""


Asked = Draft | list[Trouble]
"""An item, or what was wrong with it before anybody looked at the rows."""


def create(call: AdsCall, kind: str, drafts: Iterable[Asked], *, first: int = 0) -> list[Outcome]:
    """Make rows of a kind; what is wrong with one keeps none of the others from being made.

    ``first`` is where in the whole write these begin.
    """
    return [
        _planned(call, place) or (draft if isinstance(draft, list) else _made(call, kind, draft))
        for place, draft in enumerate(drafts, first)
    ]


def change(call: AdsCall, kind: str, drafts: Iterable[Asked], id_field: str, *, first: int = 0) -> list[Outcome]:
    """Change rows of a kind; a state of ``ARCHIVED`` archives them."""
    return [
        _planned(call, place) or (draft if isinstance(draft, list) else _changed(call, kind, draft, id_field))
        for place, draft in enumerate(drafts, first)
    ]


def archive(call: AdsCall, kinds: Sequence[str], ids: Iterable[str], id_field: str) -> list[Outcome]:
    """Archive rows, of whichever of the kinds they are."""
    return [_planned(call, place) or _gone(call, kinds, id, id_field) for place, id in enumerate(ids)]


def _check(call: AdsCall) -> Check:
    return Check(call.world, call.profile, call.book)


def _planned(call: AdsCall, place: int) -> list[Trouble]:
    """Return what a planned fault says of an item: that the first of a write fails."""
    if call.fault is None or call.fault.answer != "items" or place:
        return []
    type = call.fault.code or "internalServerError"
    reason = call.fault.details or {"throttledError": "THROTTLED"}.get(type, "INTERNAL_ERROR")
    return [Trouble(type, reason, call.fault.message or "Planned fault")]


def _made(call: AdsCall, kind: str, draft: Draft) -> Outcome:
    book, now = call.book, call.world.now()
    group = book.get(f"{kind.partition('.')[0]}.adGroups", draft.ad_group)
    campaign = draft.campaign or (group.campaign if group else "")
    values = {name: value for name, value in draft.values.items() if value is not None}
    row = Row("", kind, draft.state or "ENABLED", now, now, campaign, draft.ad_group, values)
    if troubles := rules.of_new(_check(call), row):
        return troubles
    row = replace(row, id=book.new_id(call.profile.id))
    book.put(row)
    if kind == "sp.adGroups":
        _automatic(call, row)
    return row


def _automatic(call: AdsCall, group: Row) -> None:
    """Add the targets that every ad group of an automatic campaign has."""
    campaign = rules.campaign_of(call.book, group)
    if campaign is not None and campaign.values.get("targetingType") == "AUTO":
        for values in seeds.automatic(group):
            id = call.book.new_id(call.profile.id)
            place = group.campaign, group.id
            call.book.put(Row(id, "sp.targets", "ENABLED", group.created, group.created, *place, values))


def _changed(call: AdsCall, kind: str, draft: Draft, id_field: str) -> Outcome:
    old = call.book.get(kind, draft.id)
    if old is None:
        return [rules.not_found(id_field, draft.id)]
    if draft.state == ARCHIVED:
        return _gone(call, [kind], draft.id, id_field)
    values = {name: _merged(old.values.get(name), value) for name, value in draft.values.items()}
    kept = {name: value for name, value in {**old.values, **values}.items() if value is not None}
    new = replace(old, state=draft.state or old.state, updated=call.world.now(), values=kept)
    if troubles := rules.of_change(_check(call), old, new):
        return troubles
    call.book.put(new)
    return new


def _merged(old: Any, new: Any) -> Any:
    return {**old, **new} if isinstance(old, Mapping) and isinstance(new, Mapping) else new


def _gone(call: AdsCall, kinds: Sequence[str], id: str, id_field: str) -> Outcome:
    row = next((found for kind in kinds if (found := call.book.get(kind, id))), None)
    if row is None:
        return [rules.not_found(id_field, id)]
    if troubles := rules.of_archival(_check(call), row):
        return troubles
    return call.book.archive(row, call.world.now())
