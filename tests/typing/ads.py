"""Calls of the Ads API that type checkers accept or refuse; checked by mypy and pyright, never run."""

# pyright: basic, reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from typing import Any, assert_type

from sellerport import AmazonAds, AsyncAmazonAds, AsyncPage, Page, Result
from sellerport.ads import Profile
from sellerport.multi_status import MultiStatus


def an_operation_is_an_attribute_of_its_path(ads: AmazonAds) -> None:
    page = ads.sp.campaigns.list(state_filter=["ENABLED"], max_results=100)
    assert_type(page, Page[dict[str, Any], dict[str, Any], Any])
    assert_type(page.data["campaigns"], Any)
    assert_type(ads.sd.campaigns.get(campaign_id="1"), Result[dict[str, Any], dict[str, Any]])


def an_answer_about_items_knows_which_were_refused(ads: AmazonAds) -> None:
    found = ads.sp.campaigns.create(campaigns=[{"name": "x"}], prefer="return=representation")
    assert_type(found, MultiStatus)
    assert_type([one.index for one in found.errors], list[int])


async def an_async_answer_is_awaited(ads: AsyncAmazonAds) -> None:
    assert_type(await ads.sp.campaigns.update(body={"campaigns": []}), MultiStatus)
    assert_type(await ads.v1.campaigns.query(), AsyncPage[dict[str, Any], dict[str, Any], Any])
    async for keyword in ads.sb.keywords.list(count=10).items():
        assert_type(keyword, Any)
    _ = ads.sd.campaigns.get(campaign_id="1").data  # type: ignore[attr-defined]


def profiles_have_fields(ads: AmazonAds) -> None:
    assert_type(ads.find_profiles(access_level="view"), list[Profile])
    assert_type(ads.with_options(region="eu", profile_id="1"), AmazonAds)
    assert_type(ads.call("GET", "/v2/profiles"), Result[Any, Any])


def an_unknown_name(ads: AmazonAds) -> None:
    _ = ads.sponsored  # type: ignore[attr-defined]
    ads.sp.campaign.list()  # type: ignore[attr-defined]
    ads.sp.campaigns.lst()  # type: ignore[attr-defined]
    ads.sp.campaigns.list(stat_filter=["ENABLED"])  # type: ignore[call-arg]


def a_wrong_value(ads: AmazonAds) -> None:
    ads.sp.campaigns.list(state_filter=["enabled"])  # type: ignore[list-item]
    ads.sp.campaigns.list(max_results="100")  # type: ignore[arg-type]
    ads.sd.campaigns.get()  # type: ignore[call-arg]
