"""Exports of the local Amazon: everything of a profile in one file, in the common model."""

from __future__ import annotations

from typing import Any

import pytest

from sellerport.emulator import Outcome
from tests.emulator.ads.advertiser import Advertiser
from tests.emulator.conftest import Local

WHATS = ("campaigns", "adGroups", "ads", "targets")
EVERYTHING = {"stateFilter": ["ENABLED", "PAUSED", "ARCHIVED"]}


@pytest.fixture
def ads(amazon: Local) -> Advertiser:
    return Advertiser(amazon)


def kind(what: str) -> dict[str, str]:
    """Return the headers of an export of something."""
    media_type = f"application/vnd.{what.lower()}export.v1+json"
    return {"content_type": media_type, "accept": media_type}


def exported(ads: Advertiser, what: str, body: Any = None) -> list[dict[str, Any]]:
    """Ask for an export, wait for it, and return its rows."""
    made = ads.call("POST", f"/{what}/export", body or {}, **kind(what))
    assert made.status == 202, made.body
    rows: list[dict[str, Any]] = ads.file(ads.finished(f"/exports/{made.json['exportId']}", **kind(what))["url"])
    return rows


def test_an_export_moves_on_by_the_clock(ads: Advertiser) -> None:
    made = ads.call("POST", "/campaigns/export", {}, **kind("campaigns"))
    id = made.json["exportId"]
    assert (made.status, made.json) == (202, {"exportId": id, "status": "IN_PROGRESS"})
    assert made.headers["content-type"] == "application/vnd.campaignsexport.v1+json"
    waiting = ads.good("GET", f"/exports/{id}", **kind("campaigns"))
    assert waiting == {"exportId": id, "status": "IN_PROGRESS", "createdAt": "2026-09-21T14:13:20.000Z"}
    ads.amazon.world.advance(ads.amazon.world.task_s / 2)
    assert ads.good("GET", f"/exports/{id}", **kind("campaigns"))["status"] == "PROCESSING"
    done = ads.finished(f"/exports/{id}", **kind("campaigns"))
    file = ads.amazon.fetch(done["url"])
    assert (done["status"], done["fileSize"]) == ("COMPLETED", len(file.body))
    assert (done["generatedAt"], done["urlExpiresAt"]) == ("2026-09-21T14:13:24.000Z", "2026-09-21T15:13:26.000Z")
    ads.amazon.world.advance(3600)
    assert ads.amazon.fetch(done["url"]).status == 403
    assert ads.file(ads.good("GET", f"/exports/{id}", **kind("campaigns"))["url"])


def test_an_export_is_there_for_a_day(ads: Advertiser) -> None:
    id = ads.good("POST", "/ads/export", {}, **kind("ads"))["exportId"]
    ads.finished(f"/exports/{id}", **kind("ads"))
    ads.amazon.world.advance(24 * 3600)
    gone = ads.call("GET", f"/exports/{id}", **kind("ads"))
    assert (gone.status, gone.json) == (404, {"errorCode": "NOT_FOUND", "message": f"Export {id} was not found"})


def test_an_export_is_looked_at_with_the_media_type_it_was_asked_for_with(ads: Advertiser) -> None:
    id = ads.good("POST", "/adGroups/export", {}, **kind("adGroups"))["exportId"]
    for accept in ("application/json", "*/*", kind("ads")["accept"]):
        refused = ads.call("GET", f"/exports/{id}", accept=accept)
        assert (refused.status, refused.json["errorCode"]) == (406, "NOT_ACCEPTABLE")
    assert ads.call("GET", f"/exports/{id}", **kind("adGroups")).status == 200


def test_an_export_can_be_planned_to_fail(ads: Advertiser) -> None:
    ads.amazon.world.plan(Outcome(kind="export", type="targets", status="FATAL"))
    id = ads.good("POST", "/targets/export", {}, **kind("targets"))["exportId"]
    failed = ads.finished(f"/exports/{id}", **kind("targets"))
    assert (failed["status"], failed["error"]["errorCode"]) == ("FAILED", "INTERNAL_ERROR")
    assert "url" not in failed


@pytest.mark.parametrize("what", WHATS)
def test_everything_is_exported_once(ads: Advertiser, what: str) -> None:
    book = ads.amazon.world.ads.book(ads.profile)
    rows = exported(ads, what, EVERYTHING)
    one = {"campaigns": "campaignId", "adGroups": "adGroupId", "ads": "adId", "targets": "targetId"}[what]
    endings = {
        "campaigns": (".campaigns",),
        "adGroups": (".adGroups",),
        "ads": (".productAds", ".ads"),
        "targets": ("eywords", "argets", ".themes"),
    }
    there = {id: row for kind in book.tables if kind.endswith(endings[what]) for id, row in book.rows(kind).items()}
    assert {row[one] for row in rows} == set(there)
    assert len(rows) == len(there) > 5
    for row in rows:
        found = there[row[one]]
        assert (row["state"], row["campaignId"]) == (found.state, found.campaign or found.id)
        assert row.get("adGroupId", "") == (found.id if what == "adGroups" else found.ad_group)
    assert {row["adProduct"] for row in rows} == {"SPONSORED_PRODUCTS", "SPONSORED_BRANDS", "SPONSORED_DISPLAY"}


def test_an_export_has_the_states_and_products_that_were_wanted(ads: Advertiser) -> None:
    assert {row["state"] for row in exported(ads, "campaigns")} == {"ENABLED", "PAUSED"}
    body = {"stateFilter": ["ARCHIVED"], "adProductFilter": ["SPONSORED_PRODUCTS"]}
    rows = exported(ads, "campaigns", body)
    assert {(row["state"], row["adProduct"]) for row in rows} == {("ARCHIVED", "SPONSORED_PRODUCTS")}
    for wrong in ({"stateFilter": ["enabled"]}, {"adProductFilter": ["SP"]}, {"stateFilter": "ENABLED"}):
        refused = ads.call("POST", "/campaigns/export", wrong, **kind("campaigns"))
        assert (refused.status, refused.json["errorCode"]) == (400, "INVALID_ARGUMENT")


def test_rows_are_what_the_unified_api_says_of_them(ads: Advertiser) -> None:
    for what in WHATS:
        rows = exported(ads, what, {**EVERYTHING, "adProductFilter": ["SPONSORED_PRODUCTS"]})
        body = {"adProductFilter": {"include": ["SPONSORED_PRODUCTS"]}}
        assert rows == ads.good("POST", f"/adsApi/v1/query/{what}", body)[what] != []


def test_an_export_is_of_what_is_there_when_it_is_first_looked_at(ads: Advertiser) -> None:
    kind_of = "application/vnd.spCampaign.v3+json"
    before = exported(ads, "campaigns")
    id = next(row["campaignId"] for row in before if row["adProduct"] == "SPONSORED_PRODUCTS")
    change = {"campaigns": [{"campaignId": id, "name": "Renamed"}]}
    ads.good("PUT", "/sp/campaigns", change, content_type=kind_of, accept=kind_of)
    after = exported(ads, "campaigns")
    assert [row["name"] for row in after if row["campaignId"] == id] == ["Renamed"]
    assert len(after) == len(before)
