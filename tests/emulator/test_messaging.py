"""What may be written to a buyer depends on the order; a review is asked for once."""

from typing import Any

import jsonschema_rs
import pytest

from sellerport import catalog
from sellerport.emulator.shop import DAY_S, Order

from .conftest import Local

MESSAGES, SOLICITATIONS = "/messaging/v1/orders", "/solicitations/v1/orders"
REVIEW = "solicitations/productReviewAndSellerFeedback"
UNSENT = {"confirmCustomizationDetails", "confirmDeliveryDetails", "confirmOrderDetails", "confirmServiceDetails"}
SENT, BOTH = {"invoice", "legalDisclosure", "warranty"}, {"digitalAccessKey", "unexpectedProblem"}


def order_of(amazon: Local, status: str, channel: str) -> Order:
    orders = amazon.world.account("ALOCALSELLERNA").orders.values()
    return next(one for one in orders if (one.status, one.channel) == (status, channel))


def fits(body: Any, api: str, definition: str) -> bool:
    definitions = catalog.schemas(api).definitions
    jsonschema_rs.validate({"$ref": f"#/$defs/{definition}", "$defs": definitions}, body)
    return True


@pytest.mark.parametrize(
    ("status", "channel", "names"),
    [
        ("Unshipped", "MFN", UNSENT | BOTH),
        ("PartiallyShipped", "MFN", UNSENT | SENT | BOTH),
        ("Shipped", "MFN", SENT | BOTH),
        ("Shipped", "AFN", SENT | BOTH),
        ("Unshipped", "AFN", set()),
        ("Canceled", "AFN", set()),
        ("Pending", "MFN", set()),
    ],
)
def test_an_order_decides_what_may_be_written(amazon: Local, status: str, channel: str, names: set[str]) -> None:
    order = order_of(amazon, status, channel)
    shop = {"marketplaceIds": order.marketplace.id}
    answer = amazon.call("GET", f"{MESSAGES}/{order.id}", **shop)
    assert answer.headers["content-type"] == "application/hal+json"
    assert fits(answer.json, "messaging_v1", "GetMessagingActionsForOrderResponse")
    links = answer.json["_links"]["actions"]
    assert {one["name"] for one in links} == names
    assert [one["_links"]["self"] for one in answer.json["_embedded"]["actions"]] == links
    for name in UNSENT | SENT | BOTH:
        sent = amazon.call("POST", f"{MESSAGES}/{order.id}/messages/{name}", body={}, **shop)
        assert (sent.status, sent.json) == (201, {}) if name in names else sent.error[:2] == (403, "Unauthorized")
    for link in links:
        assert amazon.send("POST", link["href"], "{}", {"x-amz-access-token": amazon.token()}).status == 201


def test_what_is_attached_has_to_have_been_uploaded(amazon: Local) -> None:
    order = order_of(amazon, "Shipped", "MFN")
    shop = {"marketplaceIds": order.marketplace.id}
    resource = f"messaging/v1/orders/{order.id}/messages/invoice"
    md5 = "XUFAKrxLKna5cZ2REBfFkg=="  # of "hello"
    place = amazon.call("POST", f"/uploads/2020-11-01/uploadDestinations/{resource}", contentMD5=md5, **shop).json
    made = place["payload"]
    body = {"attachments": [{"uploadDestinationId": made["uploadDestinationId"], "fileName": "invoice.pdf"}]}
    path = f"{MESSAGES}/{order.id}/messages/invoice"
    assert amazon.call("POST", path, body=body, **shop).error[:2] == (400, "InvalidInput")
    assert amazon.put(made["url"], b"hello", made["headers"]).status == 200
    assert amazon.call("POST", path, body=body, **shop).status == 201


def test_an_order_is_known_in_its_marketplace_and_to_its_account_only(amazon: Local) -> None:
    order = order_of(amazon, "Shipped", "AFN")
    here = order.marketplace.id
    there = "A1AM78C64UM0Y8" if here != "A1AM78C64UM0Y8" else "ATVPDKIKX0DER"
    for path in (MESSAGES, SOLICITATIONS):
        assert amazon.call("GET", f"{path}/{order.id}", marketplaceIds=there).error[:2] == (404, "NotFound")
        assert amazon.call("GET", f"{path}/900-0", marketplaceIds=here).error[:2] == (404, "NotFound")
        vendor = amazon.token("Atzr|local-vendor-na")
        assert amazon.call("GET", f"{path}/{order.id}", vendor, marketplaceIds=here).status == 404
        assert amazon.call("GET", f"{path}/{order.id}", marketplaceIds=f"{here},{there}").status == 400
    attributes = amazon.call("GET", f"{MESSAGES}/{order.id}/attributes", marketplaceIds=here).json
    assert attributes == {"buyer": {"locale": {"US": "en-US", "CA": "en-CA", "MX": "es-MX"}[order.marketplace.country]}}


def test_a_review_is_asked_for_once_and_in_time(amazon: Local) -> None:
    order = max(
        (one for one in amazon.world.account("ALOCALSELLERNA").orders.values() if one.status == "Shipped"),
        key=lambda one: one.created,
    )
    shop, path = {"marketplaceIds": order.marketplace.id}, f"{SOLICITATIONS}/{order.id}"

    def actions() -> list[str]:
        answer = amazon.call("GET", path, **shop)
        assert fits(answer.json, "solicitations_v1", "GetSolicitationActionsForOrderResponse")
        return [one["name"] for one in answer.json["_links"]["actions"]]

    delivered = order.delivery_window[1]
    amazon.world.advance(delivered + 5 * DAY_S - 1 - amazon.world.now())
    assert actions() == []
    assert amazon.call("POST", f"{path}/{REVIEW}", **shop).error[:2] == (403, "Unauthorized")
    amazon.world.advance(1)
    assert actions() == ["productReviewAndSellerFeedback"]
    assert amazon.call("POST", f"{path}/{REVIEW}", **shop).status == 201
    assert actions() == []
    assert amazon.call("POST", f"{path}/{REVIEW}", **shop).error[:2] == (403, "Unauthorized")
    amazon.world.reset()
    amazon.world.advance(delivered + 30 * DAY_S - amazon.world.now())
    assert actions() == ["productReviewAndSellerFeedback"]
    amazon.world.advance(1)
    assert actions() == []
