"""Easy Ship: an order waits, a slot is picked, a package is scheduled, printed, moved, and fetched by the clock."""

import io
import zipfile
from typing import Any

import pytest

from sellerport.emulator.shop import Order

from .conftest import NOW, Local
from .test_merchant_fulfillment import buy, details
from .test_orders import get_orders, ids, iso, sold
from .test_shipment_confirmation import waiting

ROOT = "/easyShip/2022-03-23"
PARCEL = {
    "packageDimensions": {"length": 30, "width": 20, "height": 10, "unit": "cm"},
    "packageWeight": {"value": 750, "unit": "g"},
}
SOON = "2026-09-22T09:00:00Z"


def sent(amazon: Local, status: str) -> list[Order]:
    """Orders in the US that the account ships itself."""
    own = [one for one in sold(amazon) if (one.channel, one.status) == ("MFN", status)]
    return [one for one in own if one.marketplace.country == "US"]


def slots(amazon: Local, order: Order, **more: Any) -> Any:
    asked = {"marketplaceId": order.marketplace.id, "amazonOrderId": order.id, **PARCEL, **more}
    return amazon.good("POST", f"{ROOT}/timeSlot", amazon.token(), asked)["timeSlots"]


def schedule(amazon: Local, order: Order, slot: Any, **more: Any) -> Any:
    asked = {"amazonOrderId": order.id, "marketplaceId": order.marketplace.id}
    wanted = {"packageTimeSlot": {"slotId": slot["slotId"]}, **more}
    return amazon.call("POST", f"{ROOT}/package", amazon.token(), {**asked, "packageDetails": wanted})


def read(amazon: Local, order: Order) -> Any:
    query = {"amazonOrderId": order.id, "marketplaceId": order.marketplace.id}
    return amazon.call("GET", f"{ROOT}/package", amazon.token(), **query)


def move(amazon: Local, order: Order, slot: Any, **named: Any) -> Any:
    one = {"scheduledPackageId": {"amazonOrderId": order.id, **named}, "packageTimeSlot": {"slotId": slot["slotId"]}}
    asked = {"marketplaceId": order.marketplace.id, "updatePackageDetailsList": [one]}
    return amazon.call("PATCH", f"{ROOT}/package", amazon.token(), asked)


def in_orders(amazon: Local, order: Order) -> Any:
    found = amazon.good("GET", f"/orders/v0/orders/{order.id}", amazon.token())
    return found["payload"].get("EasyShipShipmentStatus")


def code(answer: Any) -> tuple[int, str]:
    status, code, _ = answer.error
    return status, code


def test_an_order_is_scheduled_in_a_slot_read_again_and_moved_until_it_is_picked_up(amazon: Local) -> None:
    order = waiting(amazon)
    first, second, *_, last = slots(amazon, order)
    assert (first["startTime"], first["endTime"], first["handoverMethod"]) == (SOON, "2026-09-22T17:00:00Z", "PICKUP")
    assert (second["startTime"], second["handoverMethod"]) == ("2026-09-22T12:00:00Z", "DROPOFF")
    assert code(read(amazon, order)) == (404, "ResourceNotFound")
    answer = schedule(amazon, order, first, packageIdentifier="shelf 7")
    made = answer.json
    assert made == read(amazon, order).json
    assert made["scheduledPackageId"]["amazonOrderId"] == order.id
    assert (made["packageDimensions"], made["packageWeight"]) == (PARCEL["packageDimensions"], PARCEL["packageWeight"])
    assert made["packageTimeSlot"] == first
    assert (made["packageIdentifier"], made["packageStatus"]) == ("shelf 7", "ReadyForPickup")
    assert [one["orderItemId"] for one in made["packageItems"]] == [item.id for item in order.items]
    assert code(schedule(amazon, order, first)) == (400, "ScheduledPackageAlreadyExists")

    id = made["scheduledPackageId"]["packageId"]
    assert code(move(amazon, order, last, packageId="another")) == (404, "ResourceNotFound")
    (moved,) = move(amazon, order, last, packageId=id).json["packages"]
    assert moved == {**made, "packageTimeSlot": last}
    move(amazon, order, first)
    amazon.world.advance(2 * 86_400)  # picked up on the next day
    assert read(amazon, order).json["packageStatus"] == "AtOriginFC"
    assert code(move(amazon, order, slots(amazon, order)[0])) == (405, "OrderNotEligibleForRescheduling")
    amazon.world.advance(6 * 86_400)
    assert read(amazon, order).json["packageStatus"] == "Delivered"


def test_the_orders_api_tells_where_a_package_is_and_finds_orders_by_it(amazon: Local) -> None:
    order, query = waiting(amazon), {"CreatedAfter": "2026-01-01", "EasyShipShipmentStatuses": "PendingDropOff"}
    assert in_orders(amazon, order) is None
    assert ids(get_orders(amazon, **query)) == []
    schedule(amazon, order, slots(amazon, order)[1])
    assert in_orders(amazon, order) == "PendingDropOff"
    assert ids(get_orders(amazon, **query)) == [order.id]
    amazon.world.advance(31 * 3600)
    assert in_orders(amazon, order) == "DroppedOff"
    assert ids(get_orders(amazon, LastUpdatedAfter=iso(NOW))) == [order.id]


def test_a_piece_has_one_label_by_easy_ship_or_by_another_api(amazon: Local) -> None:
    order, other = sent(amazon, "Unshipped")[:2]
    slot, later = slots(amazon, order)[0], slots(amazon, other)[0]
    assert schedule(amazon, order, slot).status == 200
    assert buy(amazon, details(order)).error[:2] == (400, "InvalidInput")
    assert buy(amazon, details(other)).status == 200
    assert code(schedule(amazon, other, later)) == (404, "InvalidOrderState")


@pytest.mark.parametrize("format", ["PDF", "ZPL"])
def test_a_bulk_request_takes_the_earliest_slots_tells_what_it_rejects_and_is_printed(
    amazon: Local, format: str
) -> None:
    order, other = sent(amazon, "Unshipped")[:2]
    gone = sent(amazon, "Shipped")[0]
    numbered = [{"orderItemId": item.id, "orderItemSerialNumbers": ["SN-1"]} for item in order.items]
    wanted = {"packageTimeSlot": slots(amazon, order)[2], "packageItems": numbered}
    orders = [{"amazonOrderId": order.id, "packageDetails": wanted}, {"amazonOrderId": other.id}]
    orders += [{"amazonOrderId": gone.id}, {"amazonOrderId": other.id}, {"amazonOrderId": "900-0000000-0000000"}]
    asked = {"orderScheduleDetailsList": orders, "labelFormat": format, "marketplaceId": order.marketplace.id}
    told = amazon.good("POST", f"{ROOT}/packages/bulk", None, asked)
    assert [one["scheduledPackageId"]["amazonOrderId"] for one in told["scheduledPackages"]] == [order.id, other.id]
    assert [one["error"]["code"] for one in told["rejectedOrders"]] == [
        "InvalidOrderState",
        "ScheduledPackageAlreadyExists",
        "ResourceNotFound",
    ]
    assert told["scheduledPackages"][0]["packageTimeSlot"] == wanted["packageTimeSlot"]
    assert told["scheduledPackages"][1]["packageTimeSlot"]["startTime"] == SOON

    file = amazon.fetch(told["printableDocumentsUrl"])
    assert (file.status, file.headers["content-type"]) == (200, "application/zip")
    ending = format.lower()
    with zipfile.ZipFile(io.BytesIO(file.body)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert set(files) == {
        f"label-{order.id}.{ending}", f"invoice-{order.id}.pdf", f"warranty-{order.id}.pdf",
        f"label-{other.id}.{ending}", f"invoice-{other.id}.pdf",
    }  # fmt: skip
    label = files[f"label-{order.id}.{ending}"]
    assert label.startswith(b"^XA" if format == "ZPL" else b"%PDF-1.4")
    assert order.address.line.encode() in label
    assert b"SN-1" in files[f"warranty-{order.id}.pdf"]
    amazon.world.advance(301)
    assert amazon.fetch(told["printableDocumentsUrl"]).status == 403


def test_what_cannot_be_scheduled_is_refused_with_amazons_codes(amazon: Local) -> None:
    order, asked = waiting(amazon), {"amazonOrderId": "900-0000000-0000000", **PARCEL}

    def listed(**more: Any) -> tuple[int, str]:
        body = {**asked, "amazonOrderId": order.id, "marketplaceId": order.marketplace.id, **more}
        return code(amazon.call("POST", f"{ROOT}/timeSlot", amazon.token(), body))

    assert listed(amazonOrderId="900-0000000-0000000") == (404, "ResourceNotFound")
    elsewhere = next(one.id for one in amazon.world.account("ALOCALSELLERNA").marketplaces if one != order.marketplace)
    assert listed(marketplaceId=elsewhere) == (404, "ResourceNotFound")
    assert listed(packageWeight={"value": 31_000, "unit": "g"}) == (404, "TimeSlotNotAvailable")
    assert listed(packageDimensions={"length": 1, "width": 1}) == (404, "TimeSlotNotAvailable")
    assert listed(packageDimensions={}) == (404, "TimeSlotNotAvailable")
    assert listed(packageWeight=None) == (400, "InvalidInput")
    by_amazon = next(one for one in sold(amazon) if (one.channel, one.status) == ("AFN", "Unshipped"))
    assert listed(amazonOrderId=by_amazon.id, marketplaceId=by_amazon.marketplace.id) == (404, "InvalidOrderState")
    slot = slots(amazon, order)[0]
    assert code(move(amazon, order, slot)) == (404, "InvalidOrderState")
    assert code(schedule(amazon, order, {"slotId": "none"})) == (400, "InvalidTimeSlotId")
    assert code(schedule(amazon, order, slot, packageItems=[{"orderItemId": "1"}])) == (400, "InvalidInput")
    amazon.world.advance(86_400)
    assert code(schedule(amazon, order, slot)) == (400, "ScheduleWindowExpired")
    amazon.world.advance(10 * 86_400)
    assert listed() == (404, "TimeSlotNotAvailable")
