from typing import Any

import pytest

from sellerport.emulator.shop import Order

from .conftest import NOW, Local, Reply
from .test_orders import fits, iso, sold

FUTURE = iso(NOW - 60)


def waiting(amazon: Local, *, pieces: int = 1, items: int = 1) -> Order:
    """An order that the account has to ship."""
    return next(
        one
        for one in sold(amazon)
        if (one.channel, one.status) == ("MFN", "Unshipped")
        and len(one.items) >= items
        and sum(item.quantity for item in one.items) >= pieces
    )


def confirm(amazon: Local, order: Order, items: list[tuple[str, int]], **more: Any) -> Reply:
    detail = {
        "packageReferenceId": "1",
        "carrierCode": "DHL",
        "shippingMethod": "Parcel",
        "trackingNumber": "TRACK1",
        "shipDate": FUTURE,
        "orderItems": [{"orderItemId": id, "quantity": quantity} for id, quantity in items],
        **more,
    }
    body = {"packageDetail": detail, "marketplaceId": order.marketplace.id}
    return amazon.call("POST", f"/orders/v0/orders/{order.id}/shipmentConfirmation", body=body)


def whole(order: Order) -> list[tuple[str, int]]:
    return [(item.id, item.quantity) for item in order.items]


def v0(amazon: Local, order: Order) -> Any:
    return amazon.call("GET", f"/orders/v0/orders/{order.id}").json["payload"]


def v2026(amazon: Local, order: Order) -> Any:
    answer = amazon.call("GET", f"/orders/2026-01-01/orders/{order.id}", includedData="FULFILLMENT,PACKAGES")
    fits(answer, "orders_2026_01_01", "GetOrderResponse")
    return answer.json["order"]


def test_a_confirmed_order_is_shipped_in_both_versions(amazon: Local) -> None:
    order = waiting(amazon)
    answer = confirm(amazon, order, whole(order))
    assert (answer.status, answer.body) == (204, b"")
    pieces = sum(item.quantity for item in order.items)
    old, new = v0(amazon, order), v2026(amazon, order)
    assert (old["OrderStatus"], old["NumberOfItemsShipped"], old["NumberOfItemsUnshipped"]) == ("Shipped", pieces, 0)
    assert old["LastUpdateDate"] == iso(NOW)
    assert new["fulfillment"]["fulfillmentStatus"] == "SHIPPED"
    (package,) = new["packages"]
    assert package["trackingNumber"] == "TRACK1"
    assert package["carrier"] == "DHL"
    assert package["shipTime"] == FUTURE.replace("Z", ".000Z")
    assert package["packageItems"] == [{"orderItemId": id, "quantity": quantity} for id, quantity in whole(order)]


def test_an_order_in_two_packages_is_first_shipped_in_part(amazon: Local) -> None:
    order = waiting(amazon, pieces=2)
    (id, quantity), *rest = whole(order)
    first, second = ([(id, 1)], [(id, quantity - 1)] if quantity > 1 else []), rest
    assert confirm(amazon, order, first[0]).status == 204
    assert v0(amazon, order)["OrderStatus"] == "PartiallyShipped"
    assert v2026(amazon, order)["fulfillment"]["fulfillmentStatus"] == "PARTIALLY_SHIPPED"
    remaining = first[1] + second
    assert confirm(amazon, order, remaining, packageReferenceId="2", trackingNumber="TRACK2").status == 204
    assert v0(amazon, order)["OrderStatus"] == "Shipped"
    numbers = [one["trackingNumber"] for one in v2026(amazon, order)["packages"]]
    assert numbers == ["TRACK1", "TRACK2"]


def test_the_same_package_again_is_a_correction(amazon: Local) -> None:
    order = waiting(amazon)
    assert confirm(amazon, order, whole(order)).status == 204
    assert confirm(amazon, order, whole(order), trackingNumber="BETTER").status == 204
    (package,) = v2026(amazon, order)["packages"]
    assert package["trackingNumber"] == "BETTER"
    assert v0(amazon, order)["NumberOfItemsShipped"] == sum(item.quantity for item in order.items)


def test_an_order_that_was_shipped_has_no_package_to_add(amazon: Local) -> None:
    order = waiting(amazon)
    assert confirm(amazon, order, whole(order)).status == 204
    answer = confirm(amazon, order, whole(order), packageReferenceId="2")
    assert answer.error == (400, "InvalidInput", "")
    assert "PackageToUpdateNotFound" in answer.json["errors"][0]["message"]


@pytest.mark.parametrize("reference", ["0", "-1", "A", "1.5", ""])
def test_a_package_reference_is_a_positive_number(amazon: Local, reference: str) -> None:
    order = waiting(amazon)
    answer = confirm(amazon, order, whole(order), packageReferenceId=reference)
    assert answer.error == (400, "InvalidInput", "")
    message = "PackageReferenceId: is invalid, must be a positive numeric value."
    assert answer.json["errors"][0]["message"] == message
    assert v0(amazon, order)["OrderStatus"] == "Unshipped"


def test_what_cannot_be_confirmed_is_refused_and_changes_nothing(amazon: Local) -> None:
    order = waiting(amazon)
    (id, quantity), *_ = whole(order)
    answers = [
        confirm(amazon, order, [("12345678901234", 1)]),
        confirm(amazon, order, [(id, quantity + 1)]),
        confirm(amazon, order, [(id, quantity), (id, 1)]),
        confirm(amazon, order, [(id, 0)]),
        confirm(amazon, order, []),
        confirm(amazon, order, whole(order), shipDate=iso(order.created - 1)),
        confirm(amazon, order, whole(order), shipDate="yesterday"),
        confirm(amazon, order, whole(order), carrierCode="Other"),
        confirm(amazon, order, whole(order), carrierCode=""),
        confirm(amazon, order, whole(order), packageReferenceId=1),
    ]
    assert [one.error[:2] for one in answers] == [(400, "InvalidInput")] * len(answers)
    said = answers[0].json["errors"][0]["message"]
    assert said.startswith("OrderItemId 12345678901234 is invalid, please obtain the value")
    assert amazon.world.account("ALOCALSELLERNA").orders[order.id] == order


@pytest.mark.parametrize(("channel", "status"), [("AFN", "Unshipped"), ("MFN", "Canceled"), ("MFN", "Pending")])
def test_orders_that_do_not_wait_for_the_account_are_refused(amazon: Local, channel: str, status: str) -> None:
    order = next(one for one in sold(amazon) if (one.channel, one.status) == (channel, status))
    assert confirm(amazon, order, whole(order)).status == 400


def test_an_order_is_confirmed_in_its_own_marketplace(amazon: Local) -> None:
    order = waiting(amazon)
    other = next(one for one in amazon.world.account("ALOCALSELLERNA").marketplaces if one != order.marketplace)
    assert pickup(amazon, order, "PickedUp", marketplaceId=other.id).error[:2] == (400, "InvalidInput")
    assert v0(amazon, order)["OrderStatus"] == "Unshipped"


def test_another_accounts_order_is_unknown(amazon: Local) -> None:
    order = waiting(amazon)
    token = amazon.token("Atzr|local-seller-eu")
    body = {
        "marketplaceId": "A1PA6795UKMFR9",
        "packageDetail": {
            "packageReferenceId": "1",
            "carrierCode": "DHL",
            "trackingNumber": "T",
            "shipDate": FUTURE,
            "orderItems": [{"orderItemId": order.items[0].id, "quantity": 1}],
        },
    }
    answer = amazon.call("POST", f"/orders/v0/orders/{order.id}/shipmentConfirmation", token, body)
    assert answer.error[:2] == (400, "InvalidInput")


def pickup(amazon: Local, order: Order, status: str, **more: Any) -> Reply:
    body = {"marketplaceId": order.marketplace.id, "shipmentStatus": status, **more}
    return amazon.call("POST", f"/orders/v0/orders/{order.id}/shipment", body=body)


def test_a_pickup_is_made_ready_and_collected(amazon: Local) -> None:
    order = waiting(amazon)
    assert pickup(amazon, order, "ReadyForPickup").status == 204
    assert v0(amazon, order)["OrderStatus"] == "Unshipped"
    assert v0(amazon, order)["LastUpdateDate"] == iso(NOW)
    assert pickup(amazon, order, "PickedUp").status == 204
    assert v0(amazon, order)["OrderStatus"] == "Shipped"
    assert v2026(amazon, order)["fulfillment"]["fulfillmentStatus"] == "SHIPPED"
    assert pickup(amazon, order, "PickedUp").status == 400


def test_a_refused_pickup_is_a_cancelled_order(amazon: Local) -> None:
    order = waiting(amazon)
    some = [{"orderItemId": "12345678901234", "quantity": 1}]
    assert pickup(amazon, order, "RefusedPickup", orderItems=some).status == 400
    assert pickup(amazon, order, "Lost").status == 400
    assert pickup(amazon, order, "RefusedPickup").status == 204
    assert v0(amazon, order)["OrderStatus"] == "Canceled"
    assert v2026(amazon, order)["fulfillment"]["fulfillmentStatus"] == "CANCELLED"
