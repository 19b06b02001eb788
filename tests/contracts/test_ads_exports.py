"""Exports of the Ads API as rows, in both colours, against the local Amazon."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sellerport.documents import Progress
from sellerport.emulator import Fault
from sellerport.errors import DocumentFailed, DocumentPending, InvalidArguments
from tests.contracts.conftest import Advertiser


@pytest.mark.parametrize(
    ("entity", "path", "media", "id"),
    [
        ("campaigns", "/campaigns/export", "campaignsexport", "campaignId"),
        ("ad_groups", "/adGroups/export", "adgroupsexport", "adGroupId"),
        ("ads", "/ads/export", "adsexport", "adId"),
        ("targets", "/targets/export", "targetsexport", "targetId"),
    ],
)
def test_an_export_is_asked_for_and_waited_for_with_one_media_type(
    advertiser: Advertiser, entity: str, path: str, media: str, id: str
) -> None:
    seen: list[Progress] = []
    document = advertiser.export(entity, progress=seen.append)
    rows = list(document.rows())
    assert rows
    assert all(isinstance(row[id], str) and row[id].isdigit() for row in rows)
    (create,) = advertiser.sent("POST", path)
    asked = advertiser.sent("GET", "/exports/")
    assert {one["headers"]["accept"] for one in [create, *asked]} == {f"application/vnd.{media}.v1+json"}
    assert [one.status for one in seen] == ["PROCESSING", "COMPLETED"]
    assert {one.id for one in seen} == {document.id}
    assert "url" not in document.metadata
    assert advertiser.pauses == [30]


def test_filters_are_sent_as_amazon_names_them(advertiser: Advertiser) -> None:
    rows = list(advertiser.export(state_filter="PAUSED", ad_product_filter=["SPONSORED_PRODUCTS"]).rows())
    (create,) = advertiser.sent("POST", "/campaigns/export")
    assert create["body"] == {"stateFilter": ["PAUSED"], "adProductFilter": ["SPONSORED_PRODUCTS"]}
    assert {(row["state"], row["adProduct"]) for row in rows} == {("PAUSED", "SPONSORED_PRODUCTS")}


def test_ids_are_strings_also_inside_of_rows(advertiser: Advertiser) -> None:
    advertiser.plan(kind="export", body='[{"campaignId":98765432109876543,"tags":[{"portfolioId":7,"n":7}]}]')
    (row,) = advertiser.export().rows()
    assert row == {"campaignId": "98765432109876543", "tags": [{"portfolioId": "7", "n": 7}]}


def test_an_export_is_written_to_a_file_whole_or_not_at_all(advertiser: Advertiser, tmp_path: Path) -> None:
    document = advertiser.export("targets", to=tmp_path / "targets.jsonl")
    assert [document.path] == list(tmp_path.iterdir())
    assert len((tmp_path / "targets.jsonl").read_text().splitlines()) == len(list(document.rows())) > 1


def test_an_export_that_is_not_made_in_time_is_gone_on_with_by_its_id(advertiser: Advertiser) -> None:
    advertiser.plan(kind="export", seconds=4000)
    with pytest.raises(DocumentPending) as pending:
        advertiser.export("ads")
    assert sum(advertiser.pauses) == pytest.approx(3600, abs=3)
    assert f"exports.fetch('ads', export_id={pending.value.id!r})" in pending.value.message
    document = advertiser.export("ads", export_id=pending.value.id)
    assert (document.id, bool(list(document.rows()))) == (pending.value.id, True)
    assert len(advertiser.sent("POST", "/ads/export")) == 1


def test_an_export_that_amazon_cannot_make_says_why(advertiser: Advertiser) -> None:
    advertiser.plan(kind="export", status="FATAL", body="Too much")
    with pytest.raises(DocumentFailed, match=r"\(FAILED\): INTERNAL_ERROR: Too much$") as failed:
        advertiser.export()
    assert failed.value.explanation == "INTERNAL_ERROR: Too much"


def test_throttling_is_waited_out_in_minutes(advertiser: Advertiser) -> None:
    advertiser.clients.amazon.world.fail(Fault(path="/campaigns/export", status=429, times=2))
    advertiser.export()
    assert advertiser.pauses == [60, 120, 30]


@pytest.mark.parametrize(
    ("entity", "arguments", "field"),
    [
        ("portfolios", {}, "entity"),
        ("ads", {"export_id": "1", "state_filter": "ENABLED"}, "export_id"),
        ("ads", {"pause_s": 0.5}, "pause_s"),
        ("ads", {"patience_s": -1}, "patience_s"),
    ],
)
def test_arguments_are_refused_before_anything_is_sent(
    advertiser: Advertiser, entity: str, arguments: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidArguments) as refused:
        advertiser.export(entity, **arguments)
    assert [one.field for one in refused.value.problems] == [field]
    assert advertiser.clients.amazon.arrived() == []
