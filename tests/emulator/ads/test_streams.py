"""Subscriptions to Marketing Stream in the local Amazon."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.ads.advertiser import Advertiser
from tests.emulator.conftest import Local

STREAMS = "/streams/subscriptions"
QUEUE = {"sqsDestination": {"queueArn": "arn:aws:sqs:us-east-1:000000000000:stream"}}


@pytest.fixture
def ads(amazon: Local) -> Advertiser:
    return Advertiser(amazon)


def wanted(token: str = "one", data_set: str = "sp-traffic", **more: Any) -> dict[str, Any]:
    """Return a subscription as it is asked for."""
    return {"clientRequestToken": token, "dataSetId": data_set, "destination": QUEUE, "notes": "", **more}


def subscribed(ads: Advertiser, **more: Any) -> str:
    return str(ads.good("POST", STREAMS, wanted(**more))["subscriptionId"])


def test_a_subscription_becomes_active_is_changed_and_archived(ads: Advertiser) -> None:
    id = subscribed(ads)
    told = ads.good("GET", f"{STREAMS}/{id}")["subscription"]
    assert (told["status"], told["destination"], told["dataSetId"]) == ("PROVISIONING", QUEUE, "sp-traffic")
    early = ads.call("PUT", f"{STREAMS}/{id}", {"status": "ARCHIVED"})
    assert (early.status, early.json["details"]) == (400, "Only ACTIVE subscriptions can be archived")
    ads.amazon.world.advance(ads.amazon.world.task_s)
    noted = ads.call("PUT", f"{STREAMS}/{id}", {"notes": "hourly"})
    assert (noted.status, noted.body) == (200, b"")
    told = ads.good("GET", f"{STREAMS}/{id}")["subscription"]
    assert (told["status"], told["notes"]) == ("ACTIVE", "hourly")
    assert ads.call("PUT", f"{STREAMS}/{id}", {"status": "ARCHIVED"}).status == 200
    ads.amazon.world.load(ads.amazon.world.dump())
    assert ads.good("GET", f"{STREAMS}/{id}")["subscription"]["status"] == "ARCHIVED"


def test_a_request_that_is_made_again_makes_nothing_and_there_are_two_of_a_data_set(ads: Advertiser) -> None:
    assert subscribed(ads) == subscribed(ads) != subscribed(ads, token="two")
    third = ads.call("POST", STREAMS, wanted("three"))
    assert (third.status, third.json["code"]) == (409, "409")
    assert subscribed(ads, token="three", data_set="sb-traffic")
    assert subscribed(Advertiser(ads.amazon, "CA"), token="three")


def test_subscriptions_are_listed_page_by_page(ads: Advertiser) -> None:
    ids = [subscribed(ads, data_set=name) for name in ("sp-traffic", "sd-traffic", "campaigns")]
    first = ads.good("GET", f"{STREAMS}?maxResults=2")
    rest = ads.good("GET", f"{STREAMS}?maxResults=2&startingToken={first['nextToken']}")
    assert [one["subscriptionId"] for one in first["subscriptions"] + rest["subscriptions"]] == ids
    assert "nextToken" not in rest


@pytest.mark.parametrize("wrong", [{}, wanted(data_set="sp"), {**wanted(), "destination": None}])
def test_a_wrong_subscription_is_refused(ads: Advertiser, wrong: dict[str, Any]) -> None:
    assert ads.call("POST", STREAMS, wrong).status == 400
    assert ads.call("GET", f"{STREAMS}/nothing").status == 404
