"""What buyers send back: one piece of each order that was refunded, on its way by the clock."""

from typing import Any

import pytest

from sellerport.emulator import ledger

from .conftest import NOW, Local
from .test_orders import iso

ROOT = "/externalFulfillment/2024-09-11/returns"
SELLER = "ALOCALSELLERNA"
DAY = 86_400


@pytest.fixture
def amazon(amazon: Local) -> Local:
    """A shop with orders enough for some to have been sent back."""
    amazon.world.reset(seed=1)
    amazon.world.add_account(("US",), selling_partner_id="ABUSY", orders=600)
    amazon.world.grant("ABUSY", refresh_token="Atzr|busy")
    return amazon


def listed(amazon: Local, **query: str) -> Any:
    return amazon.good("GET", ROOT, amazon.token("Atzr|busy"), **query)


def refunds(amazon: Local) -> list[Any]:
    posted = ledger.timeline(amazon.world, amazon.world.account("ABUSY")).between(None, NOW + 3 * DAY)
    return [one for one in posted if one.refund and one.order.channel == "MFN"]


def test_a_return_is_of_what_was_refunded_and_comes_by_the_clock(amazon: Local) -> None:
    every = listed(amazon, maxResults="100")["returns"]
    known = {one.order.id: one for one in refunds(amazon)}
    assert {one["marketplaceChannelDetails"]["customerOrderId"] for one in every} == set(known)
    assert len(every) > 3
    last = every[-1]
    order = known[last["marketplaceChannelDetails"]["customerOrderId"]].order
    assert last["merchantSku"] == order.items[0].sku
    shipment = f"/externalFulfillment/2024-09-11/shipments/{last['marketplaceChannelDetails']['shipmentId']}"
    assert amazon.good("GET", shipment, amazon.token("Atzr|busy"))["locationId"] == last["returnLocationId"]
    amazon.world.advance(5 * DAY)
    path = f"{ROOT}/{last['id']}"
    processed = amazon.good("GET", path, amazon.token("Atzr|busy"))
    assert processed["status"] == "PROCESSED"
    posted = iso(known[order.id].posted)
    assert processed["returnShippingInfo"]["deliveryDateTime"] == posted
    assert amazon.call("GET", f"{ROOT}/none", amazon.token("Atzr|busy")).status == 404
    assert amazon.call("GET", path, amazon.token()).status == 404


def test_returns_are_found_by_number_place_status_and_date_in_pages(amazon: Local) -> None:
    every = listed(amazon, maxResults="100")["returns"]
    one, *_, last = every
    assert listed(amazon, rmaId=one["returnMetadata"]["rmaId"])["returns"] == [one]
    tracking = one["returnShippingInfo"]["reverseTrackingInfo"]["trackingId"]
    assert listed(amazon, reverseTrackingId=tracking)["returns"] == [one]
    assert listed(amazon, createdUntil=one["creationDateTime"], maxResults="100")["returns"] in ([], [one])
    since = listed(amazon, createdSince=last["creationDateTime"], maxResults="100")["returns"]
    assert last in since
    assert len(since) < len(every)
    place, status = one["returnLocationId"], "PROCESSED"
    here = {"returnLocationId": place, "status": status, "maxResults": "100"}
    processed = listed(amazon, **here)["returns"]
    assert processed == [it for it in every if it["status"] == status]
    assert listed(amazon, **here, lastUpdatedUntil="2026-01-01T00:00:00Z")["returns"] == []
    busy = amazon.token("Atzr|busy")
    answer = amazon.call("GET", ROOT, busy, status=status, lastUpdatedSince="2026-01-01T00:00:00Z")
    assert answer.error[:2] == (400, "InvalidInput")
    first = listed(amazon, maxResults="2")
    second = listed(amazon, maxResults="2", nextToken=first["nextToken"])
    assert first["returns"] + second["returns"] == every[:4]
    assert amazon.call("GET", ROOT, busy, nextToken=first["nextToken"]).error[:2] == (400, "InvalidInput")
