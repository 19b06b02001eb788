"""Clients of the Ads API: profiles, regions, media types, fields of bodies, ids, and what is refused before sending."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import pytest

from sellerport import AmazonAds, catalog
from sellerport.ads import Profile
from sellerport.errors import AccessDenied, AmazonRefused, CredentialsError, InvalidArguments, UnknownOperation
from tests.contracts.conftest import AdsClients

SCOPE = "amazon-advertising-api-scope"
CAMPAIGN = {
    "name": "Umbrellas",
    "state": "ENABLED",
    "targetingType": "AUTO",
    "budget": {"budget": 10.0, "budgetType": "DAILY"},
}
V3 = "application/vnd.spCampaign.v3+json"


def refused(ads: AdsClients, call: Any) -> str:
    """Return what is wrong with a call, once it is sure that nothing was sent."""
    ads.amazon.world.requests.clear()
    with pytest.raises(InvalidArguments) as caught:
        ads.do(call)
    assert not ads.amazon.world.requests
    return str(caught.value)


# Who calls


def test_a_call_says_whose_application_and_which_profile(ads: AdsClients) -> None:
    profile = ads.profile("DE")
    client = ads.make(region="eu", profile_id=int(profile.id))
    found = ads.do(lambda: client.sp.campaigns.list())
    assert found["totalResults"] == len(found["campaigns"]) == 6
    sent = ads.last()
    assert (sent["method"], sent["host"], sent["path"]) == (
        "POST",
        "advertising-api-eu.amazon.com",
        "/sp/campaigns/list",
    )
    assert sent["headers"][SCOPE] == profile.id
    assert sent["headers"]["amazon-advertising-api-clientid"] == ads.amazon.world.application().client_id
    assert "amazon-ads-clientid" not in sent["headers"]
    ads.do(lambda: client.v1.campaigns.query(ad_product_filter=["SPONSORED_PRODUCTS"]))
    headers = ads.last()["headers"]
    assert headers["amazon-ads-clientid"] == headers["amazon-advertising-api-clientid"]


def test_a_profile_is_an_argument_or_the_clients_or_the_environments(ads: AdsClients) -> None:
    us, canada, mexico = (ads.profile(country).id for country in ("US", "CA", "MX"))
    client = ads.make(profile_id=us, environ={"AD_API_PROFILE_ID": mexico})
    named = client.with_options(profile_id=canada)
    for one, arguments, sent in (
        (client, {}, us),
        (client, {"profile_id": canada}, canada),
        (client, {"Amazon-Advertising-API-Scope": canada}, canada),
        (named, {}, canada),
        (ads.make(environ={"AD_API_PROFILE_ID": mexico}), {}, mexico),
    ):
        ads.do(lambda one=one, arguments=arguments: one.sp.campaigns.list(**arguments))
        assert ads.last()["headers"][SCOPE] == sent
    assert repr(client) == f"{type(client).__name__}(region='na', profile_id={us!r})"


def test_without_a_profile_nothing_is_sent(ads: AdsClients) -> None:
    client = ads.make()
    assert "profile_id: is required: give it here or when the client is made; find_profiles() says" in refused(
        ads, lambda: client.sd.campaigns.list()
    )
    assert ads.do(lambda: client.profiles.list()).status == 200
    assert SCOPE not in ads.last()["headers"]


def test_an_account_takes_the_place_of_the_clients_profile_only_where_it_is_one(ads: AdsClients) -> None:
    client = ads.seller()
    account = next(
        one["adsAccountId"] for one in ads.do(lambda: client.ads_accounts.list())["adsAccounts"] if "dsp" not in one
    )
    query = {"ad_product_filter": ["SPONSORED_PRODUCTS"], "account_id": account}
    ads.do(lambda: client.v1.campaigns.query(**query))
    assert (SCOPE in ads.last()["headers"], ads.last()["headers"]["amazon-ads-accountid"]) == (False, account)
    ads.do(lambda: client.accounts.dsp.conversion_definitions.list(account_id="1"))  # of the path
    assert ads.last()["headers"][SCOPE] == ads.profile().id


def test_profiles_are_found_in_all_three_regions(ads: AdsClients) -> None:
    client = ads.make(region="fe")
    found: list[Profile] = ads.do(lambda: client.find_profiles(profile_type_filter=["seller"]))
    assert [(one.region, one.country) for one in found] == [
        *(("na", country) for country in ("US", "CA", "MX")),
        *(("eu", country) for country in ("DE", "UK", "FR", "IT", "ES")),
        ("fe", "JP"),
    ]
    assert [one["host"] for one in ads.amazon.arrived()] == [
        "advertising-api.amazon.com",
        "advertising-api-eu.amazon.com",
        "advertising-api-fe.amazon.com",
    ]
    assert ads.amazon.token_requests == 1
    tokyo = found[-1]
    expected = ads.profile("JP")
    assert (tokyo.profile_id, tokyo.currency, tokyo.timezone) == (expected.id, "JPY", "Asia/Tokyo")
    assert (tokyo.type, tokyo.account_id, tokyo.name) == ("seller", expected.account, expected.name)
    assert tokyo.data["profileId"] == tokyo.profile_id
    assert expected.name not in repr(tokyo)
    for one in found[:1] + found[-1:]:
        in_region = client.with_options(region=one.region, profile_id=one.profile_id)
        assert ads.do(lambda in_region=in_region: in_region.portfolios.list()).status == 200


def test_a_region_that_refuses_has_no_profiles_and_three_that_do_are_an_error(ads: AdsClients) -> None:
    denial = {"code": "401", "details": "Not authorized to access scope"}
    ads.amazon.fail(path="/v2/profiles", host="*-eu.*", status=401, body=denial)
    assert {one.region for one in ads.do(lambda: ads.make().find_profiles())} == {"na", "fe"}
    ads.amazon.fail(path="/v2/profiles", times=3, status=401, body=denial)
    with pytest.raises(AccessDenied):
        ads.do(lambda: ads.make().find_profiles())


# Media types


@pytest.mark.parametrize(
    ("name", "arguments", "sent", "wanted"),
    [
        ("sp.campaigns.list", {}, None, V3),
        ("sp.campaigns.list", {"max_results": 5}, V3, V3),
        ("sp.keywords.list", {"max_results": 5}, *["application/vnd.spKeyword.v3+json"] * 2),
        ("sb.campaigns.list", {"max_results": 5}, *["application/vnd.sbcampaignresource.v4+json"] * 2),
        ("portfolios.list", {"state_filter": ["ENABLED"]}, *["application/vnd.spPortfolio.v3+json"] * 2),
        ("sd.campaigns.list", {}, None, "application/json"),
        ("sb.keywords.list", {}, None, "application/vnd.sbkeyword.v3.2+json"),
    ],
)
def test_media_types_are_right_by_themselves(
    name: str, arguments: Mapping[str, Any], sent: str | None, wanted: str, ads: AdsClients
) -> None:
    ads.amazon.world.login.strict = True
    method: Any = ads.seller()
    for part in name.split("."):
        method = getattr(method, part)
    assert ads.do(lambda: method(**arguments)).status == 200
    headers = ads.last()["headers"]
    assert (headers.get("content-type"), headers["accept"]) == (sent, wanted)


def test_any_media_type_may_be_asked_for_instead(ads: AdsClients) -> None:
    client = ads.seller()
    ads.do(lambda: client.sp.campaigns.list(max_results=1, accept="application/json"))
    headers = ads.last()["headers"]
    assert (headers["content-type"], headers["accept"]) == (V3, "application/json")
    ads.do(lambda: client.sp.campaigns.list(max_results=1, content_type="application/vnd.spCampaign.v4+json"))
    headers = ads.last()["headers"]
    assert (headers["content-type"], headers["accept"]) == ("application/vnd.spCampaign.v4+json", V3)
    ads.do(lambda: client.sb.keywords.list(accept="application/vnd.sbkeyword.v3+json"))
    assert ads.last()["headers"]["accept"] == "application/vnd.sbkeyword.v3+json"


def test_a_media_type_that_is_none_is_refused(ads: AdsClients) -> None:
    client = ads.seller()
    for wrong in ("json", "application/json\r\nx: y", 3):
        assert "accept: must be a media type" in refused(
            ads, lambda wrong=wrong: client.sp.campaigns.list(accept=wrong)
        )
    versions = refused(ads, lambda: client.sb.keywords.list(accept="application/vnd.sbkeyword.v9+json"))
    assert "accept: must be one of application/vnd.sbkeyword." in versions


def test_an_answer_may_call_itself_anything(ads: AdsClients) -> None:
    ads.amazon.fail(path="/sp/*", status=200, body='{"campaigns": []}', content_type="text/plain")
    assert ads.do(lambda: ads.seller().sp.campaigns.list()).data == {"campaigns": []}


# Fields of the body


def test_fields_of_the_body_are_arguments_in_both_spellings(ads: AdsClients) -> None:
    client = ads.seller()
    for arguments in (
        {"state_filter": ["PAUSED"], "max_results": 5},
        {"state_filter": "PAUSED", "maxResults": 5},
        {"stateFilter": {"include": ["PAUSED"]}, "max_results": 5},
        {"state_filter": (one for one in ["PAUSED"]), "body": {"maxResults": 5}},
        {"body": {"stateFilter": {"include": ["PAUSED"]}, "maxResults": 5}},
    ):
        found = ads.do(lambda arguments=arguments: client.sp.campaigns.list(**arguments))
        assert [one["state"] for one in found["campaigns"]] == ["PAUSED"]
        assert ads.last()["body"] == {"stateFilter": {"include": ["PAUSED"]}, "maxResults": 5}


def test_a_name_that_is_unknown_is_answered_with_the_nearest(ads: AdsClients) -> None:
    client = ads.seller()
    assert "stat_filter: is unknown; did you mean 'state_filter'?" in refused(
        ads, lambda: client.sp.campaigns.list(stat_filter=["ENABLED"])
    )
    assert "statefilter: is unknown; did you mean 'state_filter'?" in refused(
        ads, lambda: client.sp.campaigns.list(statefilter=["ENABLED"])
    )
    assert "zzz: is unknown; there are profile_id, body, campaign_id_filter" in refused(
        ads, lambda: client.sp.campaigns.list(zzz=1)
    )
    with pytest.raises(UnknownOperation, match=r"no operation .campaign\.lst."):
        ads.do(lambda: client.sp.campaign.lst())


def test_a_value_that_no_enumeration_has_is_refused_with_those_it_has(ads: AdsClients) -> None:
    """Airbyte's #43415: Amazon takes upper case only."""
    said = refused(ads, lambda: ads.seller().sp.campaigns.list(state_filter=["enabled"]))
    assert "body.stateFilter.include.0: must be one of ARCHIVED, ENABLED" in said


def test_unchecked_calls_say_what_the_catalogue_does_not_know(ads: AdsClients) -> None:
    client = ads.seller(check=False)
    with pytest.raises(AmazonRefused) as caught:
        ads.do(lambda: client.sp.campaigns.list(state_filter=["enabled"], newer="1"))
    assert "Member must satisfy enum value set" in caught.value.message
    assert ads.last()["query"] == [["newer", "1"]]


def test_help_shows_what_an_operation_takes() -> None:
    ads = AmazonAds(client_id="a", client_secret="b", refresh_token="c", environ={})
    shown = inspect.signature(ads.sp.campaigns.list).parameters
    assert list(shown)[:3] == ["profile_id", "body", "campaign_id_filter"]
    assert all(one.default is None for one in shown.values())
    assert {"state_filter", "next_token", "accept", "content_type"} < shown.keys()
    assert ads.sp.campaigns.list.__doc__ == "POST /sp/campaigns/list"
    assert "campaigns" in dir(ads.sp)
    assert {"sp", "sb", "sd", "v1", "profiles"} <= set(dir(ads))
    assert repr(ads.sp.ad_groups) == "<sp.ad_groups.*: 4 operations>"


# Items


@pytest.mark.parametrize(
    ("name", "items", "said"),
    [
        ("sp.campaigns.create", 1001, "body.campaigns: holds 1001, and Amazon takes 1000 at once; make several calls"),
        ("sb.campaigns.create", 11, "body.campaigns: holds 11, and Amazon takes 10 at once"),
        ("portfolios.create", 101, "body.portfolios: holds 101, and Amazon takes 100 at once"),
        ("v1.campaigns.update", 1001, "body.campaigns: holds 1001, and Amazon takes 1000 at once"),
    ],
)
def test_more_items_than_amazon_takes_are_refused_in_one_line(
    name: str, items: int, said: str, ads: AdsClients
) -> None:
    method: Any = ads.seller()
    for part in name.split("."):
        method = getattr(method, part)
    operation = catalog.find(name, "ads")
    assert operation.batch is not None
    given = {operation.batch.key: [{}] * items}
    whole = refused(ads, lambda: method(**given))
    assert said in whole
    assert len(whole) < 120


def test_as_many_ids_to_delete_as_amazon_takes_are_sent(ads: AdsClients) -> None:
    client = ads.seller()
    many = [str(number) for number in range(1, 1001)]
    found = ads.do(lambda: client.sp.campaigns.delete(campaign_id_filter=many))
    assert len(found.errors) == 1000
    said = refused(ads, lambda: client.sp.campaigns.delete(campaign_id_filter=[*many, "1001"]))
    assert "body.campaignIdFilter.include: holds 1001" in said


# Ids


def test_ids_are_strings_wherever_a_caller_sees_them_and_numbers_where_amazon_wants_them(ads: AdsClients) -> None:
    client = ads.seller()
    campaign = ads.do(lambda: client.sd.campaigns.list())[0]
    id = campaign["campaignId"]
    assert isinstance(id, str)
    assert isinstance(campaign["portfolioId"], str)
    assert ads.do(lambda: client.sd.campaigns.get(campaign_id=id))["campaignId"] == id
    group = {"name": "New", "campaignId": id, "defaultBid": 0.5, "state": "enabled"}
    made = ads.do(lambda: client.sd.ad_groups.create(body=[group]))
    assert ads.last()["body"][0]["campaignId"] == int(id)
    made.check()
    assert made.done[0].id == made[0]["adGroupId"]
    assert group["campaignId"] == id
    keyword = ads.do(lambda: client.sb.keywords.list(count=1))[0]
    assert all(isinstance(keyword[name], str) for name in ("keywordId", "adGroupId", "campaignId"))
    ads.do(lambda: client.sb.keywords.update(body=[{**keyword, "bid": 0.75}]))
    assert ads.last()["body"][0]["keywordId"] == int(keyword["keywordId"])


def test_ids_of_64_bits_come_through_and_are_also_strings_in_operations_that_amazon_does_not_describe(
    ads: AdsClients,
) -> None:
    id = 2**63 - 1
    client = ads.seller()
    answer = {"adId": id, "flag": True, "rows": [{"lineItemId": id, "count": 3, "idle": 1}]}
    ads.amazon.fail(path="/dsp/*", times=None, status=200, body=answer)
    expected = {"adId": str(id), "flag": True, "rows": [{"lineItemId": str(id), "count": 3, "idle": 1}]}
    assert ads.do(lambda: client.call("GET", "/dsp/nobody/knows")).data == expected
    account = ads.do(lambda: client.ads_accounts.list())["adsAccounts"][0]
    assert {type(one["profileId"]) for one in account["alternateIds"] if "profileId" in one} == {str}


def test_what_a_filter_includes_is_numbers_where_the_ids_are(ads: AdsClients) -> None:
    client = ads.seller()
    ads.do(lambda: client.sd.locations.delete(location_expression_id_filter=["12", "9007199254740993"]))
    assert ads.last()["body"] == {"locationExpressionIdFilter": {"include": [12, 9007199254740993]}}


# By path


def test_a_call_by_path_is_the_same_call(ads: AdsClients) -> None:
    client = ads.seller()
    body = {"stateFilter": {"include": ["PAUSED"]}}
    by_path = ads.do(lambda: client.call("post", "/sp/campaigns/list", body=body))
    assert ads.last()["headers"]["content-type"] == V3
    assert by_path.data == ads.do(lambda: client.sp.campaigns.list(body=body)).data
    id = ads.do(lambda: client.sd.campaigns.list())[0]["campaignId"]
    assert ads.do(lambda: client.call("GET", f"/sd/campaigns/{id}"))["campaignId"] == id
    with pytest.raises(InvalidArguments, match="campaignId: is in the path already"):
        ads.do(lambda: client.call("GET", f"/sd/campaigns/{id}", {"campaignId": "1"}))
    with pytest.raises(InvalidArguments, match=r"did you mean"):
        ads.do(lambda: client.call("POST", "/sp/campaigns/list", {"stat_filter": []}))


def test_a_path_that_the_catalogue_lacks_is_called_with_a_media_type_and_the_profile(ads: AdsClients) -> None:
    client = ads.seller()
    media = "application/vnd.spNew.v1+json"
    ads.amazon.fail(path="/sp/newest", status=200, body={})
    ads.do(lambda: client.call("PUT", "/sp/newest", {"a": [1, 2]}, {"x": 1}, media=media))
    sent = ads.last()
    assert (sent["body"], sent["query"], sent["headers"][SCOPE]) == ({"x": 1}, [["a", "1,2"]], ads.profile().id)
    assert (sent["headers"]["content-type"], sent["headers"]["accept"]) == (media, media)
    ads.do(lambda: client.call("POST", "/sp/campaigns/list", body={"maxResults": 1}, media="application/json"))
    headers = ads.last()["headers"]
    assert (headers["content-type"], headers["accept"]) == ("application/json", "application/json")


# Credentials


def test_an_access_token_that_somebody_else_renews_needs_the_client_id(ads: AdsClients) -> None:
    with pytest.raises(CredentialsError, match="lack client_id; all of access_token, client_id are needed"):
        ads.make({"access_token": "Atza|brought"})
    world = ads.amazon.world
    grant = next(iter(world.login.ads_grants.values()))
    token = world.issue_access_token(world.application(), None, advertiser=grant)
    client = ads.make({"access_token": token, "client_id": world.application().client_id}, profile_id=ads.profile().id)
    assert ads.do(lambda: client.portfolios.list()).status == 200
    assert ads.amazon.token_requests == 0


def test_a_function_is_asked_for_credentials(ads: AdsClients) -> None:
    async def later() -> Mapping[str, str]:
        return ads.credentials()

    client = ads.make(ads.credentials if ads.colour == "blocking" else later, profile_id=ads.profile().id)
    assert ads.do(lambda: client.portfolios.list()).status == 200
    assert ads.last()["headers"][SCOPE] == ads.profile().id
