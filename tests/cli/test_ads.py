"""The Ads API on the command line: `sellerport profiles`, and calls and operations by their names."""

from __future__ import annotations

import json

import pytest

from sellerport.emulator.ads.advertisers import ADVERTISER_TOKEN
from tests.cli.conftest import Shell
from tests.conftest import LocalAmazon

CAMPAIGN = '{"name":"%s","state":"ENABLED","targetingType":"AUTO","budget":{"budget":%s,"budgetType":"DAILY"}}'


@pytest.fixture
def advertiser(shell: Shell, amazon: LocalAmazon) -> Shell:
    """A shell with an advertiser's credentials for the local Amazon."""
    application = amazon.world.application()
    shell.environ |= {
        "AD_API_REFRESH_TOKEN": ADVERTISER_TOKEN,
        "AD_API_CLIENT_ID": application.client_id,
        "AD_API_CLIENT_SECRET": application.client_secret,
        "SELLERPORT_AMAZON": amazon.address,
    }
    return shell


def profile(amazon: LocalAmazon, country: str) -> str:
    return next(one.id for one in amazon.world.ads.profiles.values() if (one.country, one.type) == (country, "seller"))


def test_profiles_of_all_regions_are_a_table(advertiser: Shell, amazon: LocalAmazon) -> None:
    advertiser.environ["COLUMNS"] = "80"
    lines = advertiser.ok("profiles").strip().splitlines()
    assert lines[0].split() == ["profile_id", "region", "country", "type", "name"]
    assert len([line for line in lines if " seller " in line]) == 9
    found = advertiser.json("profiles")
    tokyo = next(one for one in found if one["country"] == "JP")
    assert (tokyo["profile_id"], tokyo["region"], tokyo["timezone"]) == (profile(amazon, "JP"), "fe", "Asia/Tokyo")
    assert "data" not in tokyo


def test_profiles_to_look_at_are_asked_for(advertiser: Shell, amazon: LocalAmazon) -> None:
    world = amazon.world
    world.ads.share("viewer@example.invalid", "ALOCALSELLERNA", "view")
    advertiser.environ["AD_API_REFRESH_TOKEN"] = world.grant_ads("viewer@example.invalid").refresh_token
    assert (advertiser.ok("profiles"), advertiser.json("profiles")) == ("(none)\n", [])
    assert len(advertiser.json("profiles", "--view")) == 3


def test_an_operation_of_the_ads_api_is_called_by_its_name(advertiser: Shell, amazon: LocalAmazon) -> None:
    words = ("call", "sp.campaigns.list", "--region", "eu", "--profile", profile(amazon, "DE"))
    found = advertiser.json(*words, "state_filter=ENABLED,PAUSED", "max_results=2")
    assert len(found["campaigns"]) == 2
    sent = amazon.arrived()[-1]
    assert sent["host"] == "advertising-api-eu.amazon.com"
    assert sent["body"] == {"stateFilter": {"include": ["ENABLED", "PAUSED"]}, "maxResults": 2}
    assert len(advertiser.json(*words, "--all", "max_results=2")) == 6
    assert "campaignId" in advertiser.ok(*words)


def test_items_that_were_refused_end_in_an_error_after_the_answer(advertiser: Shell, amazon: LocalAmazon) -> None:
    advertiser.environ["AD_API_PROFILE_ID"] = profile(amazon, "US")
    items = f"campaigns=[{CAMPAIGN % ('good', 10)},{CAMPAIGN % ('poor', 0.01)}]"
    done = advertiser.run("call", "sp.campaigns.create", items, "--json")
    assert done.returncode == 1
    answer = json.loads(done.stdout)["campaigns"]
    assert ([one["index"] for one in answer["success"]], [one["index"] for one in answer["error"]]) == ([0], [1])
    assert json.loads(done.stderr)["error"]["code"] == "items_refused"
    assert "campaigns: is no JSON" in advertiser.fails("call", "sp.campaigns.create", "campaigns=[", status=2)


def test_options_of_the_other_api_are_refused(advertiser: Shell, seller: Shell) -> None:
    said = advertiser.fails("call", "sp.campaigns.list", "--marketplace", "DE", "--sandbox", status=2)
    assert "--marketplace: is not for the Ads API, which has sp.campaigns.list; --sandbox: is not for" in said
    said = seller.fails("call", "sellers.get_account", "--region", "eu", status=2)
    assert "--region: is not for the Selling Partner API" in said


def test_a_name_that_is_unknown_is_looked_for_in_both_apis(shell: Shell) -> None:
    assert "no operation 'campaigns.lst' in sp; did you mean" in shell.fails("call", "sp.campaigns.lst", status=2)
    assert "no API 'ordrs'; did you mean 'orders'" in shell.fails("call", "ordrs.get_orders", status=2)


def test_a_field_that_is_unknown_is_answered_with_the_nearest(advertiser: Shell) -> None:
    said = advertiser.fails("call", "sp.campaigns.list", "--profile", "1", "stat_filter=ENABLED", status=2)
    assert "stat_filter: is unknown; did you mean 'state_filter'?" in said
    del advertiser.environ["AD_API_CLIENT_ID"]
    assert "lack AD_API_CLIENT_ID" in advertiser.fails("call", "sp.campaigns.list")


def test_operations_of_the_ads_api_are_found_and_shown(shell: Shell) -> None:
    found = shell.json("operations", "sp.keywords.", "/sp/keywords/list")
    assert [(one["operation"], one["family"], one["path"]) for one in found] == [
        ("sp.keywords.list", "ads", "/sp/keywords/list")
    ]
    shown = shell.json("operations", "sp.keywords.list")
    by_name = {one["parameter"]: one for one in shown["parameters"]}
    assert by_name["state_filter"] == {
        "parameter": "state_filter",
        "type": "list",
        "required": False,
        "in": "body",
        "amazon": "stateFilter",
    }
    assert by_name["profile_id"]["in"] == "header"
    assert "state_filter" in shell.ok("operations", "sp.keywords.list")
