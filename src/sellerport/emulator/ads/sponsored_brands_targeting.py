"""What Sponsored Brands still has of v3: keywords and targets, wanted and not, and themes.

Ids are numbers and enumerations in lower case, but for themes, whose ids are texts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sellerport.emulator.ads import casing, filters, writes
from sellerport.emulator.ads.book import Row
from sellerport.emulator.ads.call import AdsCall, Endpoint, Refused, object_of, page
from sellerport.emulator.ads.writes import Asked, Draft, Outcome
from sellerport.emulator.call import Answer

MOST = 100
MOST_SHOWN = 5000
PAGE = 100
KEYWORDS, NEGATIVE_KEYWORDS = "sb.keywords", "sb.negativeKeywords"
TARGETS, NEGATIVE_TARGETS, THEMES = "sb.targets", "sb.negativeTargets", "sb.themes"
FILTERS = {
    "CAMPAIGN_ID": "campaignIdFilter",
    "AD_GROUP_ID": "adGroupIdFilter",
    "TARGET_ID": "targetIdFilter",
    "TARGETING_STATE": "stateFilter",
    "STATE": "stateFilter",
}
"""What lists of targets are filtered by, and what that is called elsewhere."""


def _place(row: Row) -> dict[str, Any]:
    return {"adGroupId": int(row.ad_group), "campaignId": int(row.campaign), "state": row.state.lower()}


def _keyword(row: Row) -> dict[str, Any]:
    values = {**row.values, "matchType": casing.camel(row.values["matchType"])}
    return {"keywordId": int(row.id), **_place(row), **values}


def _target(row: Row) -> dict[str, Any]:
    said = casing.expression(row.values["expression"], casing.camel)
    bid = {"bid": row.values["bid"]} if "bid" in row.values else {}
    return {"targetId": int(row.id), **_place(row), **bid, "expressions": said, "resolvedExpressions": said}


def _found(call: AdsCall, kind: str) -> Row:
    row = call.book.get(kind, call.id)
    if row is None:
        raise Refused(404, {"code": "404", "details": f"There is no {kind[3:-1]} {call.id}"})
    return row


# --- keywords ---------------------------------------------------------------------------------------------------------


def _list_keywords(kind: str, call: AdsCall) -> Answer:
    body: dict[str, Any] = {
        name: {"include": call.many(name)}
        for name in ("campaignIdFilter", "adGroupIdFilter", "keywordIdFilter")
        if call.many(name)
    }
    rows = filters.select(call, [kind], body, ids=["keywordIdFilter"], most_parents=1000)
    states, text = casing.states(call), call.query.get("keywordText")
    matches = {casing.upper(one) for one in call.many("matchTypeFilter")}
    rows = [
        row
        for row in rows
        if (states is None or row.state in states)
        and (not text or row.values["keywordText"] == text)
        and (not matches or row.values["matchType"] in matches)
    ]
    start = call.number("startIndex", 0, most=10**9)
    count = call.number("count", MOST_SHOWN, most=MOST_SHOWN)
    return Answer([_keyword(row) for row in rows[start : start + count]])


def _write_keywords(kind: str, call: AdsCall) -> Answer:
    matches = ("negativeExact", "negativePhrase") if "egative" in kind else ("broad", "phrase", "exact")
    items = casing.items(call.body, MOST)
    texts = {"state": casing.STATES, "matchType": matches}
    drafts: list[Asked] = [
        casing.checked(item, ["bid"], texts) or _keyword_draft(item, new=call.method == "POST") for item in items
    ]
    return Answer([_code(one, "keywordId") for one in _write(call, kind, drafts, "keywordId")], 207)


def _keyword_draft(item: Mapping[str, Any], *, new: bool) -> Draft:
    fields = ("keywordText", "matchType", "nativeLanguageKeyword", "nativeLanguageLocale", "bid") if new else ("bid",)
    values = {name: item[name] for name in fields if name in item}
    if "matchType" in values:
        values["matchType"] = casing.upper(values["matchType"])
    return _draft(item, values, "keywordId")


def _draft(item: Mapping[str, Any], values: Mapping[str, Any], id: str) -> Draft:
    state = casing.upper(item["state"]) if item.get("state") else None
    place = str(item.get("campaignId") or ""), str(item.get("adGroupId") or "")
    return Draft(values, state, *place, str(item.get(id, "")))


def _write(call: AdsCall, kind: str, drafts: Sequence[Asked], id: str) -> list[Outcome]:
    new = call.method == "POST"
    return writes.create(call, kind, drafts) if new else writes.change(call, kind, drafts, id)


def _code(outcome: Outcome, id: str) -> dict[str, Any]:
    return {"code": "SUCCESS", id: int(outcome.id)} if isinstance(outcome, Row) else casing.said(outcome)


def _archive(kind: str, id: str, call: AdsCall) -> Answer:
    (outcome,) = writes.archive(call, [kind], [_found(call, kind).id], id)
    return Answer(_code(outcome, id), 200 if isinstance(outcome, Row) else 400)


# --- targets ----------------------------------------------------------------------------------------------------------


def _list_targets(kind: str, call: AdsCall) -> Answer:
    body = dict(object_of(call.body))
    for one in body.pop("filters", None) or ():
        name = FILTERS.get(str(one.get("filterType"))) if isinstance(one, dict) else None
        if name is not None:
            values = one.get("values") or []
            body[name] = {"include": [casing.upper(value) if name == "stateFilter" else value for value in values]}
    rows = filters.select(call, [kind], body, ids=["targetIdFilter"])
    shown, following = page(call, rows, body, most=MOST_SHOWN, default=PAGE)
    return Answer({kind[3:]: [_target(row) for row in shown], **following})


def _write_targets(kind: str, call: AdsCall) -> Answer:
    items = casing.items(object_of(call.body).get(kind[3:]), MOST)
    drafts: list[Asked] = [
        casing.checked(item, ["bid"], {"state": casing.STATES}) or _target_draft(item, new=call.method == "POST")
        for item in items
    ]
    done, failed = [], []
    for place, outcome in enumerate(_write(call, kind, drafts, "targetId")):
        if isinstance(outcome, Row):
            done.append({"targetRequestIndex": place, "targetId": int(outcome.id), "target": _target(outcome)})
        else:
            said = _code(outcome, "targetId")
            failed.append({"targetRequestIndex": place, "code": said["code"], "details": said["description"]})
    verb = "create" if call.method == "POST" else "update"
    return Answer({f"{verb}TargetSuccessResults": done, f"{verb}TargetErrorResults": failed})


def _target_draft(item: Mapping[str, Any], *, new: bool) -> Draft:
    values: dict[str, Any] = {"bid": item["bid"]} if "bid" in item else {}
    if new:
        values["expression"] = casing.expression(item.get("expressions") or [], casing.upper)
    return _draft(item, values, "targetId")


# --- themes -----------------------------------------------------------------------------------------------------------


def _list_themes(call: AdsCall) -> Answer:
    body = dict(object_of(call.body))
    if (states := filters.included(body, "stateFilter", 10)) is not None:
        body["stateFilter"] = {"include": [casing.upper(one) for one in states]}
    rows = filters.select(call, [THEMES], body, ids=["themeIdFilter"])
    shown, following = page(call, rows, body, most=MOST_SHOWN, default=PAGE)
    return Answer({"themes": [_theme(row) for row in shown], **following})


def _theme(row: Row) -> dict[str, Any]:
    place = {"adGroupId": row.ad_group, "campaignId": row.campaign, "state": row.state.lower()}
    return {"themeId": row.id, **place, **row.values}


def _write_themes(call: AdsCall) -> Answer:
    items = casing.items(object_of(call.body).get("themes"), MOST)
    fields = ("themeType", "bid") if call.method == "POST" else ("bid",)
    drafts: list[Asked] = [
        casing.checked(item, ["bid"], {"state": casing.STATES})
        or _draft(item, {name: item[name] for name in fields if name in item}, "themeId")
        for item in items
    ]
    done, failed = [], []
    for place, outcome in enumerate(_write(call, THEMES, drafts, "themeId")):
        if isinstance(outcome, Row):
            done.append({"themeId": outcome.id, "index": place})
        else:
            said = _code(outcome, "themeId")
            failed.append({"index": place, "code": said["code"], "details": said["description"]})
    return Answer({"success": done, "error": failed})


def _endpoints() -> dict[str, Endpoint]:
    found = {
        "POST /sb/themes/list": Endpoint(_list_themes),
        "POST /sb/themes": Endpoint(_write_themes),
        "PUT /sb/themes": Endpoint(_write_themes),
    }
    for kind in (KEYWORDS, NEGATIVE_KEYWORDS):
        path = f"/sb/{kind[3:]}"
        found[f"GET {path}"] = Endpoint(partial(_list_keywords, kind))
        found[f"POST {path}"] = found[f"PUT {path}"] = Endpoint(partial(_write_keywords, kind))
        found[f"GET {path}/{{id}}"] = Endpoint(partial(_one, kind, _keyword))
        found[f"DELETE {path}/{{id}}"] = Endpoint(partial(_archive, kind, "keywordId"))
    for kind in (TARGETS, NEGATIVE_TARGETS):
        path = f"/sb/{kind[3:]}"
        found[f"POST {path}/list"] = Endpoint(partial(_list_targets, kind))
        found[f"POST {path}"] = found[f"PUT {path}"] = Endpoint(partial(_write_targets, kind))
        found[f"GET {path}/{{id}}"] = Endpoint(partial(_one, kind, _target))
        found[f"DELETE {path}/{{id}}"] = Endpoint(partial(_archive, kind, "targetId"))
    return found


def _one(kind: str, render: Any, call: AdsCall) -> Answer:
    return Answer(render(_found(call, kind)))


ENDPOINTS: Mapping[str, Endpoint] = _endpoints()
