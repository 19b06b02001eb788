"""Who may call: tokens, clients, the Scope header, dead paths, bodies and media types."""

import json
from urllib.parse import urlencode

import pytest

from sellerport.emulator import Fault
from sellerport.emulator.ads.advertisers import ADVERTISER, SCOPES
from sellerport.errors import Conflict, InvalidArguments, NotFound

from ..conftest import CLIENT, Local
from .conftest import EU, FE, NA, Ads

LIST = "/sp/campaigns/list"


def test_a_person_sees_the_profiles_of_one_region_at_a_time(ads: Ads) -> None:
    found = {host: ads.profiles(host) for host in (NA, EU, FE)}
    countries = {host: sorted(one["countryCode"] for one in rows) for host, rows in found.items()}
    assert countries == {
        NA: ["CA", "CA", "CA", "MX", "MX", "MX", "US", "US", "US"],
        EU: ["DE", "ES", "FR", "IT", "UK"],
        FE: ["JP"],
    }
    assert {one["timezone"] for one in found[EU]} == {"Europe/Paris", "Europe/London"}
    assert found[FE][0]["currencyCode"] == "JPY"
    ids = [one["profileId"] for rows in found.values() for one in rows]
    assert len(set(ids)) == 15
    assert all(2**53 < id < 2**63 for id in ids)


def test_a_wrong_region_has_no_profiles_and_the_token_is_good_for_it(ads: Ads) -> None:
    owner = ads.amazon.world.accounts["ALOCALSELLEREU"].owner
    grant = ads.amazon.world.grant_ads(owner)
    ads.token = ads.amazon.token(grant.refresh_token)
    assert ads.profiles(NA) == []
    assert len(ads.profiles(EU)) == 5


def test_profiles_are_filtered(ads: Ads) -> None:
    assert {one["accountInfo"]["type"] for one in ads.profiles()} == {"seller", "vendor", "agency"}
    assert {one["accountInfo"]["type"] for one in ads.profiles(profileTypeFilter="seller,vendor")} == {
        "seller",
        "vendor",
    }
    assert ads.profiles(validPaymentMethodFilter="false") == []
    vendor = ads.profiles(profileTypeFilter="vendor")[0]
    assert vendor["accountInfo"]["validPaymentMethod"] is True
    assert "dailyBudget" not in vendor
    assert ads.send("GET", "/v2/profiles?apiProgram=nonsense").status == 400
    one = ads.good("GET", f"/v2/profiles/{ads.profile}")
    assert one["profileId"] == int(ads.profile)
    assert ads.send("GET", f"/v2/profiles/{ads.profile}", host=EU).status == 404


def test_who_may_only_look_sees_profiles_that_are_asked_for_as_such_and_writes_nothing(ads: Ads) -> None:
    world = ads.amazon.world
    world.ads.share("viewer@example.invalid", "ALOCALSELLERNA", "view")
    ads.token = ads.amazon.token(world.grant_ads("viewer@example.invalid").refresh_token)
    assert ads.profiles() == []
    assert len(ads.profiles(accessLevel="view", apiProgram="report")) == 3
    assert ads.send("POST", LIST).status == 200
    refused = ads.send("POST", "/sp/campaigns", {"campaigns": []})
    assert refused.status == 401
    assert refused.json["details"] == "Not authorized to access scope"


def test_only_a_sellers_daily_budget_changes(ads: Ads) -> None:
    vendor = ads.profile_of("vendor", "US")
    wishes = [
        {"profileId": int(ads.profile), "dailyBudget": 75.5, "countryCode": "FR"},
        {"profileId": int(vendor), "dailyBudget": 10},
        {"profileId": 1, "dailyBudget": 10},
    ]
    codes = [one["code"] for one in ads.good("PUT", "/v2/profiles", wishes)]
    assert codes == ["SUCCESS", "INVALID_ARGUMENT", "NOT_FOUND"]
    changed = ads.good("GET", f"/v2/profiles/{ads.profile}")
    assert (changed["dailyBudget"], changed["countryCode"]) == (75.5, "US")


@pytest.mark.parametrize("token", ["", "Atza|never-issued"])
def test_a_missing_or_unknown_token_is_refused(ads: Ads, token: str) -> None:
    ads.token = token
    refused = ads.send("GET", "/v2/profiles")
    assert refused.status == 401
    assert (refused.json["code"], refused.json["details"]) == ("401", "Authentication failed")
    assert refused.json["requestId"] == refused.headers["x-amz-rid"]


def test_an_expired_and_a_revoked_token_are_refused(ads: Ads) -> None:
    other = ads.amazon.token("Atzr|local-ads")
    ads.amazon.world.expire(ads.token)
    assert ads.send("POST", LIST).status == 401
    ads.token = other
    assert ads.send("POST", LIST).status == 200
    assert ads.amazon.world.revoke(refresh_token="Atzr|local-ads") == 1
    assert ads.send("POST", LIST).status == 401
    answer = ads.amazon.lwa(grant_type="refresh_token", refresh_token="Atzr|local-ads", **CLIENT)
    assert answer.json["error"] == "invalid_grant"
    assert "revoked" in answer.json["error_description"]


def test_a_token_of_the_sp_api_is_none_of_the_ads_api_nor_the_other_way_round(ads: Ads) -> None:
    own, ads.token = ads.token, ads.amazon.token("Atzr|local-seller-na")
    assert ads.send("GET", "/v2/profiles").status == 401
    assert ads.amazon.call("GET", "/sellers/v1/marketplaceParticipations", own).status == 403


def test_the_client_id_has_to_be_the_tokens_under_either_name(ads: Ads) -> None:
    query, own = "/adsApi/v1/query/campaigns", CLIENT["client_id"]
    body = {"adProductFilter": {"include": ["SPONSORED_PRODUCTS"]}}
    assert ads.send("POST", LIST, amazon_advertising_api_clientid="").status == 401
    assert ads.send("POST", LIST, amazon_advertising_api_clientid="amzn1.application-oa2-client.other").status == 401
    assert ads.send("POST", query, body, amazon_advertising_api_clientid="", amazon_ads_clientid=own).status == 200
    assert ads.send("POST", query, body, amazon_ads_clientid=own).status == 200
    assert ads.send("POST", query, body, amazon_ads_clientid="other").status == 401


def test_a_missing_scope_and_one_of_another_person_or_region_are_refused(ads: Ads) -> None:
    german = ads.profile_of("seller", "DE", EU)
    missing = ads.send("POST", LIST, profile="")
    assert (missing.status, missing.json["details"]) == (401, "Scope header is missing")
    for profile in (german, "12345", "not-a-number"):
        refused = ads.send("POST", LIST, profile=profile)
        assert (refused.status, refused.json["details"]) == (401, "No matching advertiser found for scope")
    assert ads.send("POST", LIST, host=EU, profile=german).status == 200
    owner = ads.amazon.world.accounts["ALOCALSELLERFE"].owner
    ads.token = ads.amazon.token(ads.amazon.world.grant_ads(owner).refresh_token)
    assert ads.send("POST", LIST).json["details"] == "No matching advertiser found for scope"


def test_an_agencys_profile_has_no_sponsored_ads(ads: Ads) -> None:
    refused = ads.send("POST", LIST, profile=ads.profile_of("agency", "US"))
    assert refused.status == 400
    assert "Advertiser ID cannot be decrypted" in refused.json["details"]


def test_v1_takes_a_global_account_instead_of_a_scope(ads: Ads) -> None:
    accounts = ads.good("POST", "/adsAccounts/list", {}, profile="")["adsAccounts"]
    seller = next(one for one in accounts if "US" in one["countryCodes"])
    body = {"adProductFilter": {"include": ["SPONSORED_PRODUCTS"]}}
    id = seller["adsAccountId"]
    assert ads.good("POST", "/adsApi/v1/query/campaigns", body, profile="", amazon_ads_accountid=id)["campaigns"]
    assert ads.good("GET", f"/adsAccounts/{id}", profile="")["adsAccount"] == seller
    assert ads.send("GET", "/adsAccounts/nobody", profile="").status == 404


def test_without_a_host_every_region_is_there(ads: Ads) -> None:
    headers = {"authorization": f"Bearer {ads.token}", "amazon-advertising-api-clientid": CLIENT["client_id"]}
    answer = ads.amazon.send("GET", "/v2/profiles", headers=headers)
    assert len(answer.json) == 15
    scope = {"amazon-advertising-api-scope": str(answer.json[8]["profileId"])}
    assert ads.amazon.send("GET", "/sd/campaigns", headers=headers | scope).status == 200


def test_the_dead_say_how_they_ended(ads: Ads) -> None:
    gone = {"code": "NOT_FOUND", "details": "Method Not Found"}
    for path in ("/v2/sp/campaigns", "/v2/portfolios/extended", "/v1/profiles", "/v2/snapshots/1", "/bp/v2/posts"):
        answer = ads.send("GET", path)
        assert (answer.status, answer.json) == (404, gone), path
    deprecated = ads.send("GET", "/sb/campaigns")
    assert (deprecated.status, deprecated.json["details"]) == (403, "Endpoint has been deprecated")
    unknown = ads.send("GET", "/sp/nothing")
    assert unknown.status == 404
    assert unknown.json["details"] == f"Could not find resource for full path: http://{NA}/sp/nothing"


def test_a_body_that_is_not_json_is_422(ads: Ads) -> None:
    refused = ads.send("POST", LIST, "{'stateFilter': {'include': ['ENABLED']}}")
    assert refused.status == 422
    assert refused.json["details"].startswith("Unrecognized token 'stateFilter'")


def test_a_grant_is_of_somebody_who_advertises_and_of_scopes_that_there_are(amazon: Local) -> None:
    with pytest.raises(NotFound, match="nobody"):
        amazon.world.grant_ads("nobody@example.invalid")
    with pytest.raises(InvalidArguments, match="scopes"):
        amazon.world.grant_ads(ADVERTISER, scopes=["profile"])
    with pytest.raises(Conflict):
        amazon.world.grant_ads(ADVERTISER, refresh_token="Atzr|local-seller-na")


def test_a_grant_of_other_scopes_manages_no_campaigns(ads: Ads) -> None:
    grant = ads.amazon.world.grant_ads(ADVERTISER, scopes=["advertising::audiences"])
    ads.token = ads.amazon.token(grant.refresh_token)
    assert ads.send("GET", "/v2/profiles").status == 401


@pytest.mark.parametrize("host", ["api.amazon.com", "api.amazon.co.uk", "api.amazon.co.jp"])
def test_a_refresh_token_is_good_everywhere_and_stays_the_same(amazon: Local, host: str) -> None:
    amazon.world.login.strict = True
    form = urlencode({"grant_type": "refresh_token", "refresh_token": "Atzr|local-ads", **CLIENT})
    kind = {"content-type": "application/x-www-form-urlencoded"}
    answer = amazon.send("POST", f"/{host}/auth/o2/token", form, kind)
    assert answer.status == 200
    assert answer.json["refresh_token"] == "Atzr|local-ads"
    assert (answer.json["token_type"], answer.json["expires_in"]) == ("bearer", 3600)


def test_a_code_is_good_once_for_its_redirect_uri_and_verifier(ads: Ads) -> None:
    world, back = ads.amazon.world, "http://localhost:8080/callback"
    challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636, appendix B
    form = {"grant_type": "authorization_code", "redirect_uri": back, **CLIENT}
    form["code_verifier"] = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    code = world.login.issue_ads_code(ADVERTISER, world.application(), SCOPES, back, challenge)
    for wrong in ({"redirect_uri": "http://localhost/"}, {"code_verifier": "other"}):
        assert ads.amazon.lwa(code=code, **{**form, **wrong}).json["error"] == "invalid_grant"
    tokens = ads.amazon.lwa(code=code, **form).json
    ads.token = tokens["access_token"]
    assert ads.profiles()
    assert ads.amazon.token(tokens["refresh_token"])
    assert ads.amazon.lwa(code=code, **form).json["error"] == "invalid_grant"
    late = world.login.issue_ads_code(ADVERTISER, world.application(), SCOPES, back)
    world.advance(301)
    assert ads.amazon.lwa(code=late, **form).json["error"] == "invalid_grant"


# --- media types ------------------------------------------------------------------------------------------------------

SP_TYPE, SB_TYPE = "application/vnd.spCampaign.v3+json", "application/vnd.sbcampaignresource.v4+json"


def test_any_media_type_will_do_and_the_answer_is_of_the_one_asked_for(ads: Ads) -> None:
    answer = ads.send("POST", LIST, {}, content_type="text/plain", accept="application/vnd.SPCAMPAIGN.v3+json")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/vnd.SPCAMPAIGN.v3+json"
    assert ads.send("POST", LIST, {}, accept="*/*").headers["content-type"] == "application/json"


def test_a_strict_world_wants_the_right_media_types(ads: Ads) -> None:
    ads.amazon.world.login.strict = True
    wrong = ads.send("POST", LIST, {}, accept=SP_TYPE)
    assert (wrong.status, wrong.json["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert ads.send("POST", LIST, {}, content_type=SP_TYPE.lower(), accept=SP_TYPE).status == 200
    assert ads.send("POST", LIST, {}, content_type=SP_TYPE, accept="application/json").status == 406
    assert ads.send("POST", LIST, accept=SP_TYPE).status == 200  # no body is of no type
    brands = "/sb/v4/campaigns/list"
    nothing = ads.send("POST", brands, {})
    assert (nothing.status, nothing.json["code"]) == (404, "NOT_FOUND")
    assert ads.send("POST", brands, {}, accept=SB_TYPE).status == 200
    assert ads.send("POST", "/sd/campaigns", [], content_type="text/plain").status == 415
    assert ads.send("POST", "/portfolios/list", {}).status == 200


# --- faults -----------------------------------------------------------------------------------------------------------


def test_nothing_is_throttled_unless_it_is_planned(ads: Ads) -> None:
    assert all(ads.send("POST", LIST).status == 200 for _ in range(30))
    ads.amazon.world.fail(Fault(operation="sp.campaigns.list", status=429, headers={"Retry-After": "7"}))
    told = ads.send("POST", LIST)
    assert (told.status, told.json["code"], told.headers["retry-after"]) == (429, "THROTTLED", "7")
    ads.amazon.world.fail(Fault(host=NA, path="/sd/*", status=429))
    silent = ads.send("GET", "/sd/campaigns")
    assert (silent.status, silent.json["code"]) == (429, "429")
    assert "retry-after" not in silent.headers
    assert ads.send("POST", LIST).status == 200


def test_an_error_is_written_as_its_family_does(ads: Ads) -> None:
    for path, keys in (
        ("/sp/campaigns/list", {"code", "message"}),
        ("/sb/v4/campaigns/list", {"code", "message"}),
        ("/sd/campaigns", {"code", "details", "requestId"}),
        ("/sb/keywords", {"code", "details", "requestId"}),
        ("/reporting/reports", {"code", "detail"}),
        ("/campaigns/export", {"errorCode", "message"}),
    ):
        ads.amazon.world.fail(Fault(path=path, status=500))
        answer = ads.send("POST", path, {})
        assert (answer.status, set(answer.json)) == (500, keys), path


def test_a_page_of_something_in_between_can_be_planned(ads: Ads) -> None:
    planned = {"path": "/sp/*", "answer": "html", "status": 503}
    assert ads.amazon.control("POST", "faults", planned).status == 200
    answer = ads.send("POST", LIST)
    assert (answer.status, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")


def test_a_planned_expiry_ends_the_token_of_the_call(ads: Ads) -> None:
    ads.amazon.world.fail(Fault(operation="sp.campaigns.list", answer="expired"))
    assert ads.send("POST", LIST).status == 401
    ads.token = ads.amazon.token("Atzr|local-ads")
    assert ads.send("POST", LIST).status == 200


def test_an_empty_page_has_a_token_for_what_would_have_been_on_it(ads: Ads) -> None:
    whole = ads.good("POST", LIST)["campaigns"]
    first = ads.good("POST", LIST, {"maxResults": 2})
    ads.amazon.world.fail(Fault(operation="sp.campaigns.list", answer="empty-page"))
    empty = ads.good("POST", LIST, {"maxResults": 2, "nextToken": first["nextToken"]})
    assert empty["campaigns"] == []
    assert empty["totalResults"] == 6
    rest = ads.good("POST", LIST, {"maxResults": 4, "nextToken": empty["nextToken"]})
    assert first["campaigns"] + rest["campaigns"] == whole


def test_the_first_item_of_a_write_can_be_planned_to_fail(ads: Ads) -> None:
    items = [
        {"name": name, "targetingType": "AUTO", "state": "PAUSED", "budget": {"budget": 9, "budgetType": "DAILY"}}
        for name in ("One", "Two")
    ]
    ads.amazon.world.fail(Fault(operation="sp.campaigns.create", answer="items", code="throttledError"))
    answer = ads.good("POST", "/sp/campaigns", {"campaigns": items})["campaigns"]
    assert [one["index"] for one in answer["success"]] == [1]
    (error,) = answer["error"][0]["errors"]
    assert (error["errorType"], error["errorValue"]["throttledError"]["reason"]) == ("throttledError", "THROTTLED")


def test_what_arrived_is_told_without_its_secrets(ads: Ads) -> None:
    ads.good("POST", LIST)
    told = ads.amazon.control("GET", "requests").json["requests"][-1]
    assert (told["host"], told["path"], told["status"]) == (NA, LIST, 200)
    assert told["headers"]["authorization"] == "***"
    assert ads.token not in json.dumps(told)
    assert LIST.encode() in ads.amazon.send("GET", "/_emulator/").body
