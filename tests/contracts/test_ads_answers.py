"""What the Ads API answers: pages, items that failed, errors in all their forms, throttling, and tokens that ended."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pytest

from sellerport.errors import (
    AccessDenied,
    AmazonError,
    AmazonNotFound,
    AmazonRefused,
    AmazonUnavailable,
    ClientRefused,
    GrantRevoked,
    ItemsRefused,
    Throttled,
)
from sellerport.multi_status import ItemError, MultiStatus
from tests.contracts.conftest import AdsClients

LIST = "/sp/campaigns/list"


def campaign(name: str, budget: float = 10.0) -> dict[str, Any]:
    return {
        "name": name,
        "state": "ENABLED",
        "targetingType": "MANUAL",
        "budget": {"budget": budget, "budgetType": "DAILY"},
    }


def method(client: Any, name: str) -> Any:
    for part in name.split("."):
        client = getattr(client, part)
    return client


# Pages: six families (reference/amazon-ads.md, section 2.8)


@pytest.mark.parametrize(
    ("name", "arguments", "key"),
    [
        ("sp.keywords.list", {"max_results": 3}, "keywordId"),
        ("portfolios.list", {}, "portfolioId"),
        ("sb.campaigns.list", {"max_results": 1}, "campaignId"),
        ("sb.targets.list", {"body": {"maxResults": 2}}, "targetId"),
        ("v1.targets.query", {"ad_product_filter": ["SPONSORED_PRODUCTS"], "max_results": 7}, "targetId"),
        ("sd.targets.list", {"count": 2}, "targetId"),
        ("sb.keywords.list", {"count": 2}, "keywordId"),
    ],
)
def test_pages_go_on_to_the_end(name: str, arguments: Mapping[str, Any], key: str, ads: AdsClients) -> None:
    client = ads.seller()
    call = method(client, name)
    first = ads.do(lambda: call(**arguments))
    found = [one[key] for one in ads.gather(lambda: _items(ads, call(**arguments)))]
    assert len(set(found)) == len(found) > (0 if name == "portfolios.list" else len(first.own_items))
    assert found[: len(first.own_items)] == [one[key] for one in first.own_items]


def _items(ads: AdsClients, call: Any) -> Any:
    return call.items()


def test_the_next_page_repeats_the_filters(ads: AdsClients) -> None:
    client = ads.seller()
    ads.gather(lambda: client.sp.campaigns.list(state_filter=["ENABLED"], max_results=2).items())
    bodies = [one["body"] for one in ads.amazon.arrived(LIST)]
    assert len(bodies) == 2
    assert "nextToken" not in bodies[0]
    assert {**bodies[1], "nextToken": None} == {**bodies[0], "nextToken": None}
    page = ads.do(lambda: client.sp.campaigns.list(max_results=2))
    resumed = ads.do(lambda: client.sp.campaigns.list(max_results=2, next_token=page.next_token))
    assert resumed.own_items != page.own_items


def test_an_empty_page_with_a_token_is_not_the_end(ads: AdsClients) -> None:
    """Amazon's ads-advanced-tools-docs #241."""
    client = ads.seller()
    whole = ads.do(lambda: client.sp.campaigns.list())["totalResults"]
    ads.amazon.fail(path=LIST, answer="empty-page")
    pages = ads.gather(lambda: client.sp.campaigns.list(max_results=4).pages())
    assert [len(one.own_items) for one in pages] == [0, 4, whole - 4]


def test_a_count_that_comes_out_even_ends_with_an_empty_page(ads: AdsClients) -> None:
    client = ads.seller()
    whole = len(ads.do(lambda: client.sd.targets.list()).own_items)
    pages = ads.gather(lambda: client.sd.targets.list(count=1, state_filter=["enabled", "paused", "archived"]).pages())
    assert [len(one.own_items) for one in pages] == [1] * whole + [0]
    starts = [dict(one["query"]).get("startIndex") for one in ads.amazon.arrived("/sd/targets")[1:]]
    assert starts == [None, *(str(number) for number in range(1, whole + 1))]


@pytest.mark.parametrize(
    ("name", "arguments", "answers", "tokens"),
    [
        (
            "sp.budget_rules.list",
            {"page_size": 30},
            [{"budgetRulesForAdvertiserResponse": [{"ruleId": "1"}], "nextToken": "a"}, {}],
            [None, "a"],
        ),
        (
            "streams.subscriptions.list",
            {},
            [{"subscriptions": [{"subscriptionId": "1"}], "nextToken": "a"}, {"subscriptions": []}],
            [None, "a"],
        ),
        (
            "attribution.report",
            {"body": {"reportType": "PERFORMANCE"}},
            [{"reports": [{"x": 1}], "cursorId": "a"}, {"reports": [{"x": 2}], "cursorId": None}],
            [None, "a"],
        ),
        (
            "invoices.list",
            {},
            [{"payload": {"invoiceSummaries": [{"id": "1"}], "nextCursor": "a"}}, {"payload": {}}],
            [None, "a"],
        ),
    ],
)
def test_tokens_in_queries_streams_and_cursors_lead_on(
    name: str, arguments: Mapping[str, Any], answers: list[Any], tokens: list[Any], ads: AdsClients
) -> None:
    for body in answers:
        ads.amazon.fail(path="/*", method="[GP]*", host="advertising-*", status=200, body=body)
    client = ads.seller()
    pages = ads.gather(lambda: method(client, name)(**arguments).pages())
    assert [one.data for one in pages] == answers
    sent = [{**dict(one["query"]), **(one["body"] or {})} for one in ads.amazon.arrived()]
    names = ("nextToken", "startingToken", "cursorId", "cursor")
    assert [next((one[name] for name in names if name in one), None) for one in sent] == tokens


# Items: what answers of status 207 say


def test_items_inside_a_wrapper_are_told_apart(ads: AdsClients) -> None:
    client = ads.seller()
    items = [campaign("first"), campaign("", 10.0), campaign("third", 0.01), campaign("fourth")]
    found = ads.do(lambda: client.sp.campaigns.create(campaigns=items))
    assert isinstance(found, MultiStatus)
    assert [one.index for one in found.done] == [0, 3]
    assert {one.index for one in found.errors} == {1, 2}
    poor = found.errors[-1]
    assert (poor.index, poor.kind, poor.reason) == (2, "budgetError", "BUDGET_OUT_OF_MARKET_PLACE_RANGE")
    assert poor.field == "$.campaigns[2].budget.budget"
    listed = ads.do(lambda: client.sp.campaigns.list(campaign_id_filter=[one.id for one in found.done]))
    assert [one["name"] for one in listed["campaigns"]] == ["first", "fourth"]
    with pytest.raises(ItemsRefused) as caught:
        found.check()
    assert caught.value.request_id == found.request_id
    assert "item 2: BUDGET_OUT_OF_MARKET_PLACE_RANGE at $.campaigns[2].budget.budget" in str(caught.value)
    again = ads.do(lambda: client.sp.campaigns.create(campaigns=[campaign("first")]))
    assert [(one.kind, one.reason) for one in again.errors] == [("duplicateValueError", "DUPLICATE_VALUE")]


def test_items_of_a_bare_list_are_told_apart_by_their_order(ads: AdsClients) -> None:
    client = ads.seller()
    id = ads.do(lambda: client.sd.campaigns.list())[0]["campaignId"]
    found = ads.do(lambda: client.sd.campaigns.update(body=[{"campaignId": "1"}, {"campaignId": id, "budget": 30.0}]))
    assert [(one.index, one.id) for one in found.done] == [(1, id)]
    assert [(one.index, one.reason) for one in found.errors] == [(0, "NOT_FOUND")]
    assert found.errors[0].message


def test_items_at_the_top_are_told_apart(ads: AdsClients) -> None:
    client = ads.seller()
    named = ads.do(lambda: client.v1.campaigns.query(ad_product_filter=["SPONSORED_PRODUCTS"]))["campaigns"][0]
    items = [{"campaignId": "1", "name": "x"}, {"campaignId": named["campaignId"], "name": "Renamed"}]
    found = ads.do(lambda: client.v1.campaigns.update(campaigns=items))
    assert [(one.index, one.id) for one in found.done] == [(1, named["campaignId"])]
    assert [one.index for one in found.errors] == [0]
    assert found.errors[0].reason
    with pytest.raises(ItemsRefused):
        found.check()


@pytest.mark.parametrize("name", ["sb.targets", "sb.themes"])
def test_items_are_told_apart_where_amazon_answers_200(name: str, ads: AdsClients) -> None:
    client = ads.seller()
    wrapper = name.partition(".")[2]
    page = ads.do(lambda: method(client, name).list())
    row = page.own_items[0]
    id = "targetId" if wrapper == "targets" else "themeId"
    changed = [{**row, id: "1", "bid": 0.9}, {**row, "bid": 0.9}]
    found = ads.do(lambda: method(client, name).update(body={wrapper: changed}))
    assert (found.status, type(found)) == (200, MultiStatus)
    assert [(one.index, one.id) for one in found.done] == [(1, row[id])]
    assert [one.index for one in found.errors] == [0]


def test_what_a_budget_rule_calls_ok_is_done(ads: AdsClients) -> None:
    body = {"responses": [{"code": "Ok", "ruleId": "r1"}, {"code": "InvalidArgument", "details": "no such date"}]}
    ads.amazon.fail(path="/sp/budgetRules", status=207, body=body)
    found = ads.do(lambda: ads.seller(check=False).sp.budget_rules.create(body={"budgetRulesDetails": []}))
    assert [one.id for one in found.done] == ["r1"]
    assert found.errors == [ItemError(1, "", "InvalidArgument", "no such date")]


def test_everything_that_was_written_is_no_error(ads: AdsClients) -> None:
    client = ads.seller()
    found = ads.do(lambda: client.sp.campaigns.create(campaigns=[campaign("whole")], prefer="return=representation"))
    found.check()
    assert found.done[0].data["campaign"]["name"] == "whole"
    assert "whole" not in repr(found)
    short = ads.do(lambda: client.sp.campaigns.create(campaigns=[campaign("short")]))
    assert set(short.done[0].data) == {"index", "campaignId"}
    gone = ads.do(lambda: client.sp.campaigns.delete(campaign_id_filter=[short.done[0].id]))
    assert gone.errors == []


# Errors (section 5.1)

HTML = "<html><head><title>503</title></head><body>openresty</body></html>"


@pytest.mark.parametrize(
    ("status", "body", "kind", "said", "advice"),
    [
        (
            400,
            {"code": "INVALID_ARGUMENT", "message": "bad", "errors": [{"errorType": "rangeError", "errorValue": {}}]},
            AmazonRefused,
            ("INVALID_ARGUMENT", "bad"),
            "",
        ),
        (
            403,
            {"code": "403", "details": "Advertiser is not authorized for Sponsored Display.", "requestId": "R1"},
            AccessDenied,
            ("403", "Advertiser is not authorized for Sponsored Display."),
            "the product is not enabled for this advertiser",
        ),
        (
            400,
            {"code": "400", "details": " The request input is invalid. Advertiser ID cannot be decrypted"},
            AmazonRefused,
            ("400", " The request input is invalid. Advertiser ID cannot be decrypted"),
            "agency (DSP) profiles have no sponsored ads",
        ),
        (
            415,
            {"code": "415", "details": "Cannot consume content type"},
            AmazonRefused,
            ("415", "Cannot"),
            "media type",
        ),
        (404, {"code": "NOT_FOUND", "details": "Method Not Found"}, AmazonNotFound, ("NOT_FOUND", "Method"), ""),
        (400, {"code": "400", "detail": "wrong column"}, AmazonRefused, ("400", "wrong column"), ""),
        (400, {"errorCode": "INVALID", "message": "no filter"}, AmazonRefused, ("INVALID", "no filter"), ""),
        (403, {"message": "Forbidden"}, AccessDenied, ("", "Forbidden"), "the product is not enabled"),
        (422, {"code": "422", "details": "Unrecognized token 'x'"}, AmazonRefused, ("422", "Unrecognized"), ""),
        (400, {"code": "BAD_REQUEST", "message": "v1 says"}, AmazonRefused, ("BAD_REQUEST", "v1 says"), ""),
        (400, [{"code": "INVALID_ARGUMENT", "description": "item"}], AmazonRefused, ("INVALID_ARGUMENT", "item"), ""),
        (503, HTML, AmazonUnavailable, ("", "the answer of status 503 does not say why"), ""),
        (500, {"code": "INTERNAL_ERROR", "message": "oops"}, AmazonUnavailable, ("INTERNAL_ERROR", "oops"), ""),
    ],
)
def test_every_form_of_an_error_becomes_its_class(
    status: int, body: Any, kind: type[AmazonError], said: tuple[str, str], advice: str, ads: AdsClients
) -> None:
    ads.amazon.fail(path="/sp/campaigns", status=status, body=body, headers={"x-amz-rid": "RID"})
    with pytest.raises(kind) as caught:
        ads.do(lambda: ads.seller().sp.campaigns.create(campaigns=[campaign("x")]))
    error = caught.value
    assert type(error) is kind
    assert (error.status, error.amazon_code, error.operation) == (status, said[0], "sp.campaigns.create")
    assert error.message.startswith(said[1])
    assert error.request_id in ("RID", *([body["requestId"]] if "requestId" in body else []))
    assert advice in error.advice
    assert bool(error.advice) == bool(advice)
    assert len(ads.amazon.arrived()) == 1  # a write is never repeated


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        ({"code": "400", "details": "no", "requestId": "body"}, {}, "body"),
        ({"code": "400", "details": "no"}, {"x-amz-request-id": "older"}, "older"),
    ],
)
def test_the_request_id_is_found_wherever_it_is(
    body: Any, headers: Mapping[str, str], expected: str, stand_in: Any, ads: AdsClients
) -> None:
    stand_in.say(body, 400, **{name.replace("-", "_"): value for name, value in headers.items()})
    client = ads.make(amazon=stand_in.address, profile_id="1")
    with pytest.raises(AmazonRefused) as caught:
        ads.do(lambda: client.portfolios.list())
    assert caught.value.request_id == expected


def test_login_with_amazon_says_that_consent_is_needed_again(ads: AdsClients) -> None:
    ads.amazon.world.revoke()
    with pytest.raises(GrantRevoked):
        ads.do(lambda: ads.seller().portfolios.list())
    with pytest.raises(ClientRefused):
        ads.do(lambda: ads.make({**ads.credentials(), "client_secret": "wrong"}).profiles.list())


def test_what_amazon_shut_off_says_when(ads: AdsClients) -> None:
    with pytest.raises(AmazonNotFound) as caught:
        ads.do(lambda: ads.seller().sd.snapshots.get(snapshot_id="1"))
    assert caught.value.advice == "Amazon shut this operation off on 2024-12-15"


def test_a_profile_of_another_region_is_told_apart_from_a_token_that_ended(ads: AdsClients) -> None:
    client = ads.make(region="na", profile_id=ads.profile("DE").id)
    with pytest.raises(AccessDenied) as caught:
        ads.do(lambda: client.sp.campaigns.list())
    assert "this call went to region 'na'; profiles belong to one region: find_profiles()" in caught.value.advice
    assert (ads.amazon.token_requests, len(ads.amazon.arrived(LIST))) == (1, 1)
    agency = ads.make(profile_id=ads.profile("US", "agency").id)
    with pytest.raises(AmazonRefused, match="agency \\(DSP\\) profiles"):
        ads.do(lambda: agency.sp.campaigns.list())


def test_a_scope_that_is_missing_says_what_to_give(ads: AdsClients) -> None:
    with pytest.raises(AccessDenied) as caught:
        ads.do(lambda: ads.make().v1.campaigns.query(ad_product_filter=["SPONSORED_PRODUCTS"]))
    assert caught.value.advice.startswith("name the advertising profile: profile_id=")
    assert ads.amazon.token_requests == 1


def test_a_token_that_expired_is_renewed_once_and_the_call_made_again(ads: AdsClients) -> None:
    client = ads.seller()
    ads.amazon.fail(path="/sp/campaigns", answer="expired")
    found = ads.do(lambda: client.sp.campaigns.create(campaigns=[campaign("once")]))
    found.check()
    assert (ads.amazon.token_requests, len(ads.amazon.arrived("/sp/campaigns"))) == (2, 2)
    ads.amazon.fail(path=LIST, times=None, status=401, body={"message": "Unauthorized"})
    with pytest.raises(AccessDenied):
        ads.do(lambda: client.sp.campaigns.list())
    assert (ads.amazon.token_requests, len(ads.amazon.arrived(LIST))) == (3, 2)


# 429 (section 1.5)


@pytest.mark.parametrize("answer", ["json", "html"])
def test_a_refusal_is_waited_out_as_long_as_amazon_says(answer: str, ads: AdsClients) -> None:
    ads.amazon.fail(path="/sp/campaigns", status=429, answer=answer, headers={"retry-after": "7"})
    found = ads.do(lambda: ads.seller().sp.campaigns.create(campaigns=[campaign("later")]))
    found.check()
    assert ads.slept == [7.0]
    assert len(ads.amazon.arrived("/sp/campaigns")) == 2


def test_without_a_word_of_how_long_each_pause_is_longer_up_to_a_minute(ads: AdsClients) -> None:
    ads.amazon.fail(path=LIST, status=429, times=8)
    ads.do(lambda: ads.seller(patience_s=1000).sp.campaigns.list())
    assert ads.slept == [1.5, 3.0, 6.0, 12.0, 24.0, 45.0, 45.0, 45.0]
    assert all(one <= other for one, other in itertools.pairwise(ads.slept))


def test_patience_bounds_the_waiting(ads: AdsClients) -> None:
    ads.amazon.fail(path=LIST, status=429, times=None)
    with pytest.raises(Throttled) as caught:
        ads.do(lambda: ads.seller(patience_s=20).sp.campaigns.list())
    assert ads.slept == [1.5, 3.0, 6.0]
    assert (caught.value.retry_after, caught.value.amazon_code) == (12.0, "THROTTLED")
    ads.amazon.world.reset()
    ads.amazon.fail(path=LIST, status=429, headers={"retry-after": "3600"})
    with pytest.raises(Throttled) as caught:
        ads.do(lambda: ads.seller().sp.campaigns.list())
    assert caught.value.retry_after == 3600
    assert len(ads.slept) == 3


def test_who_does_not_wait_is_told_how_long_it_would_be(ads: AdsClients) -> None:
    ads.amazon.fail(path=LIST, status=429, headers={"retry-after": "7"})
    with pytest.raises(Throttled) as caught:
        ads.do(lambda: ads.seller(limit="raise").sp.campaigns.list())
    assert (caught.value.retry_after, ads.slept) == (7, [])


def test_what_only_reads_is_repeated_when_amazon_fails_and_a_write_is_not(ads: AdsClients) -> None:
    client = ads.seller()
    ads.amazon.fail(path="/sp/*", status=500, times=2)
    assert ads.do(lambda: client.sp.campaigns.list()).status == 200  # a POST that reads
    assert len(ads.amazon.arrived(LIST)) == 3
    ads.amazon.fail(path="/sp/*", status=500)
    with pytest.raises(AmazonUnavailable):
        ads.do(lambda: client.sp.campaigns.create(campaigns=[campaign("x")]))
    assert len(ads.amazon.arrived("/sp/campaigns")) == 1


def test_no_secret_and_no_words_of_amazon_about_items_are_in_an_error(ads: AdsClients) -> None:
    client = ads.seller()
    found = ads.do(lambda: client.sp.campaigns.create(campaigns=[campaign("secret name", 0.01)]))
    with pytest.raises(ItemsRefused) as caught:
        found.check()
    shown = f"{caught.value!r} {caught.value.facts()} {found.errors!r} {client!r}"
    assert not any(word in shown for word in ("secret name", "Atza|", ads.credentials()["client_secret"]))
