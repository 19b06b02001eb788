from typing import Any

import pytest

from sellerport.emulator import Application
from sellerport.emulator.shop import Order

from .conftest import Local, Reply

TOKENS = "/tokens/2021-03-01/restrictedDataToken"
ORDERS = "/orders/v0/orders"


@pytest.fixture
def order(amazon: Local) -> Order:
    orders = amazon.world.account("ALOCALSELLERNA").orders.values()
    return next(one for one in orders if one.status == "Shipped" and any(item.gift_message for item in one.items))


def ask(amazon: Local, *resources: Any, **more: Any) -> Reply:
    return amazon.call("POST", TOKENS, body={"restrictedResources": list(resources), **more})


def restricted(amazon: Local, path: str, *elements: str) -> str:
    answer = ask(amazon, {"method": "GET", "path": path, "dataElements": list(elements)})
    assert answer.status == 200, answer.body
    assert answer.json["expiresIn"] == 3600
    assert answer.json["restrictedDataToken"].startswith("Atz.sprdt|")
    return str(answer.json["restrictedDataToken"])


def test_a_restricted_token_opens_the_elements_it_was_asked_for(amazon: Local, order: Order) -> None:
    path = f"{ORDERS}/{order.id}"
    shown = amazon.call("GET", path, restricted(amazon, path, "buyerInfo", "shippingAddress")).json["payload"]
    assert shown["BuyerInfo"]["BuyerName"] == shown["ShippingAddress"]["Name"] == order.address.name
    only = amazon.call("GET", path, restricted(amazon, path, "shippingAddress")).json["payload"]
    assert "ShippingAddress" in only
    assert "BuyerInfo" not in only


def test_what_resources_of_one_path_open_adds_up(amazon: Local, order: Order) -> None:
    path = f"{ORDERS}/{order.id}"
    every = {"method": "GET", "path": f"{ORDERS}/{{orderId}}", "dataElements": ["buyerInfo"]}
    this = {"method": "GET", "path": path, "dataElements": ["shippingAddress"]}
    token = ask(amazon, every, this).json["restrictedDataToken"]
    assert {"BuyerInfo", "ShippingAddress"} <= set(amazon.call("GET", path, token).json["payload"])


def test_a_restricted_token_for_a_path_with_one_slash_more_opens_nothing(amazon: Local) -> None:
    """amzn/selling-partner-api-docs issue 2553."""
    token = restricted(amazon, f"{ORDERS}/", "buyerInfo")
    answer = amazon.call("GET", ORDERS, token, MarketplaceIds="ATVPDKIKX0DER", CreatedAfter="2020-01-01")
    assert answer.error == (403, "Unauthorized", "")


def test_a_restricted_token_for_all_orders_opens_each(amazon: Local, order: Order) -> None:
    token = restricted(amazon, f"{ORDERS}/{{orderId}}/orderItems", "buyerInfo")
    items = amazon.call("GET", f"{ORDERS}/{order.id}/orderItems", token).json["payload"]["OrderItems"]
    assert any("GiftMessageText" in item.get("BuyerInfo", {}) for item in items)


def test_a_restricted_token_opens_the_list(amazon: Local) -> None:
    token = restricted(amazon, ORDERS, "buyerInfo")
    answer = amazon.call("GET", ORDERS, token, MarketplaceIds="ATVPDKIKX0DER", CreatedAfter="2020-01-01")
    assert any("BuyerInfo" in one for one in answer.json["payload"]["Orders"])


def test_a_restricted_token_opens_nothing_else(amazon: Local, order: Order) -> None:
    token = restricted(amazon, f"{ORDERS}/{order.id}", "buyerInfo")
    other = next(one for one in amazon.world.account("ALOCALSELLERNA").orders if one != order.id)
    for path in (f"{ORDERS}/{other}", f"{ORDERS}/{order.id}/address", "/sellers/v1/account"):
        assert amazon.call("GET", path, token).error == (403, "Unauthorized", "")


def test_a_restricted_token_ends_with_its_hour_and_its_grant(amazon: Local, order: Order) -> None:
    path = f"{ORDERS}/{order.id}"
    late, revoked = restricted(amazon, path), restricted(amazon, path)
    amazon.world.expire(late)
    assert amazon.call("GET", path, late).error[2] == "The access token you provided has expired."
    amazon.world.revoke()
    details = "The access token you provided is revoked, malformed or invalid."
    assert amazon.call("GET", path, revoked).error[2] == details


def test_a_restricted_token_may_be_made_for_another_application(amazon: Local) -> None:
    amazon.world.add_application(Application(application_id="amzn1.sp.solution.b", client_id="b", client_secret="s"))
    resource = {"method": "GET", "path": f"{ORDERS}/{{orderId}}/address"}
    answer = ask(amazon, resource, targetApplication="amzn1.sp.solution.b")
    assert amazon.world.access_tokens[answer.json["restrictedDataToken"]].application.client_id == "b"
    answer = ask(amazon, resource, targetApplication="amzn1.sp.solution.c")
    assert answer.error == (400, "InvalidInput", "targetApplication is not an application")


NO_ACCESS = "Application do not have access to some or all requested resource"


@pytest.mark.parametrize(
    ("resources", "details"),
    [
        ([], "Resource not provided."),
        ([{"method": "GET", "path": ORDERS}] * 51, "No more than 50 resources can be asked for at once"),
        (["GET"], NO_ACCESS),
        ([{"method": "GET", "path": "/sellers/v1/account"}], NO_ACCESS),
        ([{"method": "PATCH", "path": ORDERS}], NO_ACCESS),
        ([{"method": "GET"}], NO_ACCESS),
        ([{"method": "GET", "path": "/reports/2021-06-30/documents/{reportDocumentId}"}], NO_ACCESS),
        ([{"method": "GET", "path": f"{ORDERS}/{{id}}", "dataElements": ["buyerInfo"]}], NO_ACCESS),
        ([{"method": "GET", "path": f"{ORDERS}?CreatedAfter=2026-01-01"}], NO_ACCESS),
        (
            [{"method": "GET", "path": ORDERS, "dataElements": ["buyerInfo", "shoeSize"]}],
            "Application does not have access to one or more requested data elements: [buyerInfo, shoeSize]",
        ),
        (
            [{"method": "GET", "path": ORDERS, "dataElements": "buyerInfo"}],
            "Application does not have access to one or more requested data elements: []",
        ),
    ],
)
def test_what_is_not_restricted_cannot_be_asked_for(amazon: Local, resources: list[Any], details: str) -> None:
    assert ask(amazon, *resources).error == (400, "InvalidInput", details)
