"""Test accounts of the local Amazon: made on request, with a profile that works and is never shown to anybody."""

from __future__ import annotations

import pytest

from sellerport.emulator.ads.advertisers import ADVERTISER
from tests.emulator.ads.advertiser import Advertiser
from tests.emulator.ads.test_reports import of
from tests.emulator.conftest import Local


@pytest.fixture
def ads(amazon: Local) -> Advertiser:
    return Advertiser(amazon)


def test_an_account_that_is_asked_for_has_a_profile(ads: Advertiser) -> None:
    request = ads.good("POST", "/testAccounts", {"countryCode": "UK", "accountType": "VENDOR"})["requestId"]
    [made] = ads.good("GET", f"/testAccounts?requestId={request}")
    assert (made["countryCode"], made["accountType"], made["status"]) == ("UK", "VENDOR", "COMPLETED")
    assert made["asins"]
    tester = Advertiser(ads.amazon, "GB", "vendor")
    assert tester.profile.entity == made["id"]
    assert tester.rows(of("spCampaigns", "campaign", ["campaignId", "impressions"])) == []
    second = ads.good("POST", "/testAccounts", {"countryCode": "US", "accountType": "AUTHOR"})["requestId"]
    assert len(ads.good("GET", "/testAccounts")) == 2
    ads.amazon.world.load(ads.amazon.world.dump())
    assert len(ads.good("GET", f"/testAccounts?requestId={second}")) == 1


def test_only_who_may_has_an_account_made(amazon: Local) -> None:
    grant = amazon.world.grant_ads(ADVERTISER)
    refused = Advertiser(amazon, refresh_token=grant.refresh_token).call("GET", "/testAccounts")
    assert (refused.status, refused.json["code"]) == (403, "403")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"countryCode": "US"},
        {"countryCode": "US", "accountType": "SELLER"},
        {"countryCode": "XX", "accountType": "VENDOR"},
    ],
)
def test_an_account_that_cannot_be_made_is_refused(ads: Advertiser, body: dict[str, str]) -> None:
    assert ads.call("POST", "/testAccounts", body).status == 400
    assert ads.good("GET", "/testAccounts") == []
