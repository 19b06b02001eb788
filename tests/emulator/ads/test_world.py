"""What becomes of advertising in a world: its state in a file, its control plane, its seed and its size."""

import json
import time
from typing import Any

import pytest

from sellerport.emulator import World
from sellerport.emulator.ads.advertisers import ADVERTISER
from sellerport.emulator.ads.book import KINDS, Row
from sellerport.errors import NotFound

from ..conftest import NOW
from .conftest import FE, Ads


def _world(seed: int = 1) -> World:
    return World(seed=seed, clock=lambda: NOW)


def _books(world: World) -> dict[str, Any]:
    return {id: world.ads.book(profile).tables for id, profile in world.ads.profiles.items()}


def test_the_same_seed_advertises_the_same() -> None:
    assert _books(_world()) == _books(_world())
    assert not _books(_world()).keys() & _books(_world(2)).keys()


def test_every_kind_is_seeded_with_parents_that_are_there_and_products_that_are_sold() -> None:
    world, seen = _world(), set()
    for profile in world.ads.profiles.values():
        book = world.ads.book(profile)
        assert (profile.type == "agency") == (not book.tables)
        for kind, table in book.tables.items():
            seen.add(kind)
            family = kind.partition(".")[0]
            for row in table.values():
                assert not row.campaign or row.campaign in book.rows(f"{family}.campaigns")
                assert not row.ad_group or book.rows(f"{family}.adGroups")[row.ad_group].campaign == row.campaign
                if kind.endswith("productAds"):
                    assert (profile.marketplace.id, row.values["asin"]) in world.shelf.items
                    assert ("sku" in row.values) == (profile.type == "seller")
    assert seen == {*KINDS} - {"sd.locations"}


def test_nothing_is_made_before_somebody_looks() -> None:
    world = _world()
    assert world.ads.books == {}
    world.ads.book(next(iter(world.ads.profiles.values())))
    assert len(world.ads.books) == 1


def test_what_is_advertised_is_dumped_and_loaded(ads: Ads) -> None:
    campaign = ads.campaign(name="Kept")
    ads.good("POST", "/sp/campaigns/delete", {"campaignIdFilter": {"include": [ads.campaign(name="Gone")]}})
    token = ads.good("POST", "/sp/campaigns/list", {"maxResults": 2})["nextToken"]
    ads.good("PUT", "/v2/profiles", [{"profileId": int(ads.profile), "dailyBudget": 80}])
    dump = json.loads(ads.amazon.control("GET", "dump").body)
    assert dump["ads"]["books"][ads.profile]["tables"]["sp.campaigns"][campaign]["values"]["name"] == "Kept"
    before = ads.good("POST", "/sp/campaigns/list", {"nextToken": token})
    ads.amazon.world.reset(seed=9)
    assert ads.send("POST", "/sp/campaigns/list").status == 401
    assert ads.amazon.control("POST", "load", dump).status == 200
    assert ads.good("POST", "/sp/campaigns/list", {"nextToken": token}) == before
    assert ads.good("GET", f"/v2/profiles/{ads.profile}")["dailyBudget"] == 80
    again = {
        "name": "Kept",
        "targetingType": "AUTO",
        "state": "ENABLED",
        "budget": {"budget": 5, "budgetType": "DAILY"},
    }
    found = ads.wrong("POST", "/sp/campaigns", "campaigns", again)
    assert found[0][:2] == ("duplicateValueError", "DUPLICATE_VALUE")
    assert ads.campaign(name="Gone") not in dump["ads"]["books"][ads.profile]["tables"]["sp.campaigns"]


def test_a_dump_of_before_there_was_advertising_loads() -> None:
    dump = _world().dump()
    del dump["ads"], dump["login"]["ads_grants"], dump["login"]["ads_codes"]
    world = _world()
    world.load(dump)
    assert world.ads.profiles == {}


def test_an_account_begins_to_advertise_and_is_shared(ads: Ads) -> None:
    control = ads.amazon.control
    made = control("POST", "accounts", {"marketplaces": ["AU", "SG"], "selling_partner_id": "ANEWSELLER"}).json
    assert made["region"] == "fe"
    wish = {"selling_partner_id": "ANEWSELLER", "person": "new@example.invalid"}
    profiles = control("POST", "advertisers", wish).json["profiles"]
    assert [(one["country"], one["type"]) for one in profiles] == [("AU", "seller"), ("SG", "seller")]
    grant = control("POST", "ads_grants", {"person": "new@example.invalid", "refresh_token": "Atzr|new"}).json
    assert grant["scopes"] == ["advertising::campaign_management"]
    ads.token = ads.amazon.token("Atzr|new")
    assert [one["countryCode"] for one in ads.profiles(FE)] == ["AU", "SG"]
    ads.profile = profiles[0]["profile_id"]
    assert len(ads.good("POST", "/sp/campaigns/list", host=FE)["campaigns"]) == 6
    state = control("GET", "state").json
    assert profiles[0] in state["profiles"]
    assert [one["person"] for one in state["ads_grants"]] == [ADVERTISER, "new@example.invalid"]
    assert control("POST", "advertisers", {"selling_partner_id": "NOBODY"}).status == 404
    with pytest.raises(NotFound):
        ads.amazon.world.ads.share("a@example.invalid", "NOBODY")


def test_ten_thousand_campaigns_are_listed_as_fast_as_a_few(ads: Ads) -> None:
    book = ads.amazon.world.ads.book(ads.amazon.world.ads.profiles[ads.profile])
    model = next(iter(book.rows("sp.campaigns").values()))
    for number in range(10_000):
        values = {**model.values, "name": f"Campaign {number}"}
        book.put(Row(book.new_id(ads.profile), "sp.campaigns", "ENABLED", NOW, NOW, values=values))
    body: dict[str, Any] = {"maxResults": 100, "stateFilter": {"include": ["ENABLED"]}}
    started = time.process_time()
    for _ in range(10):
        answer = ads.good("POST", "/sp/campaigns/list", body)
        body["nextToken"] = answer["nextToken"]
    spent = (time.process_time() - started) / 10
    assert (len(answer["campaigns"]), answer["totalResults"]) == (100, 10_004)
    assert spent < 0.1, f"{spent * 1000:.0f} ms a page, client and all"
