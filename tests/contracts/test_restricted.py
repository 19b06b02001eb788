"""Restricted data: tokens made for it, kept, shared and renewed, in both colours."""

from __future__ import annotations

from typing import Any

import pytest

from sellerport.errors import AmazonRefused, InvalidArguments, Throttled
from sellerport.limits import Limits
from sellerport.restricted import RestrictedTokens
from tests.conftest import Clients

SINCE = "2020-01-01T00:00:00Z"
TOKENS = "/tokens/2021-03-01/restrictedDataToken"
ORDERS = "/orders/v0/orders"


@pytest.fixture
def sp(clients: Clients) -> Any:
    return clients.make(restricted_tokens=RestrictedTokens())


def an_order(clients: Clients, sp: Any, nth: int = 0) -> str:
    found = clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE, order_statuses=["Shipped"]))
    clients.amazon.world.requests.clear()
    return str(found.payload["Orders"][nth]["AmazonOrderId"])


def asked(clients: Clients) -> list[Any]:
    return [one["body"]["restrictedResources"] for one in clients.amazon.arrived(TOKENS)]


def test_a_call_says_which_personal_data_it_wants(clients: Clients, sp: Any) -> None:
    order = an_order(clients, sp)
    plain = clients.do(lambda: sp.orders_v0.get_order(order_id=order)).payload
    full = clients.do(
        lambda: sp.orders_v0.get_order(order_id=order, restricted=["buyerInfo", "shippingAddress"])
    ).payload
    assert "AddressLine1" not in plain.get("ShippingAddress", {})
    assert full["ShippingAddress"]["AddressLine1"]
    assert full["BuyerInfo"]["BuyerName"]
    everyone = {"method": "GET", "path": f"{ORDERS}/{{orderId}}", "dataElements": ["buyerInfo", "shippingAddress"]}
    assert asked(clients) == [[everyone]]


def test_one_token_serves_every_order_until_it_expires(clients: Clients) -> None:
    now = [1_000_000.0]
    sp = clients.make(restricted_tokens=RestrictedTokens(clock=lambda: now[0]))
    for nth in range(3):
        order = an_order(clients, sp, nth)
        clients.do(lambda order=order: sp.orders_v0.get_order_address(order_id=order, restricted=True))
        assert len(asked(clients)) == (1 if nth == 0 else 0)
    now[0] += 3541
    clients.do(lambda: sp.orders_v0.get_order_address(order_id=order, restricted=True))
    assert len(asked(clients)) == 1


def test_threads_and_tasks_ask_for_one_token(clients: Clients, sp: Any) -> None:
    order = an_order(clients, sp)

    def call() -> Any:
        return sp.orders_v0.get_order_address(order_id=order, restricted=True)

    clients.at_once([call] * 8)
    assert len(asked(clients)) == 1
    assert len(clients.amazon.arrived(f"{ORDERS}/{order}/address")) == 8


def test_everything_inside_a_block_is_restricted(clients: Clients, sp: Any) -> None:
    order = an_order(clients, sp)

    def read(private: Any) -> list[Any]:
        return [
            clients.do(lambda: private.orders_v0.get_order(order_id=order)).payload["ShippingAddress"]["AddressLine1"],
            clients.do(lambda: private.orders_v0.get_order_items(order_id=order)).status,
            clients.do(lambda: private.sellers.get_marketplace_participations()).status,
        ]

    if clients.colour == "blocking":
        with sp.restricted("buyerInfo", "shippingAddress") as private:
            found = read(private)
    else:
        found = read(sp.restricted("buyerInfo", "shippingAddress"))
    assert found[0]
    assert found[1:] == [200, 200]
    assert [one["dataElements"] for (one,) in asked(clients)] == [["buyerInfo", "shippingAddress"], ["buyerInfo"]]
    clients.do(lambda: sp.orders_v0.get_order(order_id=order))
    assert len(asked(clients)) == 2


def test_paths_named_beforehand_share_tokens_fifty_in_each(clients: Clients, sp: Any) -> None:
    order = an_order(clients, sp)
    paths = [f"{ORDERS}/902-0000000-{number:07d}/address" for number in range(119)] + [f"{ORDERS}/{order}/address"]

    async def entered() -> Any:
        async with sp.restricted(paths=paths) as private:
            return await private.orders_v0.get_order_address(order_id=order)

    if clients.colour == "async":
        found = clients.runner.run(entered())
    else:
        with sp.restricted(paths=paths) as private:
            found = private.orders_v0.get_order_address(order_id=order)
    assert found.payload["ShippingAddress"]["AddressLine1"]
    assert [len(one) for one in asked(clients)] == [50, 50, 20]


def test_a_token_that_expired_early_is_replaced_once(clients: Clients, sp: Any) -> None:
    order = an_order(clients, sp)
    call = lambda: sp.orders_v0.get_order_address(order_id=order, restricted=True)  # noqa: E731
    clients.do(call)
    clients.amazon.world.expire()
    clients.do(call)
    assert len(asked(clients)) == 3  # the second was refused for its own access token, which was renewed
    assert clients.amazon.token_requests == 1


def test_a_failed_restricted_call_leaves_ordinary_ones_ordinary(clients: Clients, sp: Any) -> None:
    """python-amazon-sp-api keeps the restricted token for later, unrelated calls (peer-sdks.md, 1.4.8)."""
    order = an_order(clients, sp)
    clients.amazon.fail(path=f"{ORDERS}/*/address", status=400)
    with pytest.raises(AmazonRefused):
        clients.do(lambda: sp.orders_v0.get_order_address(order_id=order, restricted=True))
    clients.do(lambda: sp.sellers.get_marketplace_participations())
    clients.do(lambda: sp.orders_v0.get_order(order_id=order))
    (resources,) = asked(clients)
    assert list(resources[0]) == ["method", "path"]
    assert [dict(one["query"]) for one in clients.amazon.arrived() if one["path"] != TOKENS] == [{}, {}, {}]


def test_what_cannot_be_restricted_is_refused_before_anything_is_sent(clients: Clients, sp: Any) -> None:
    with pytest.raises(InvalidArguments, match="restricted: has no buyerName; there are buyerInfo, shippingAddress"):
        clients.do(lambda: sp.orders_v0.get_order(order_id="1", restricted=["buyerName"]))
    with pytest.raises(InvalidArguments, match="restricted: has no shippingAddress; there are buyerInfo"):
        clients.do(lambda: sp.orders_v0.get_order_items(order_id="1", restricted=["shippingAddress"]))
    with pytest.raises(InvalidArguments, match="restricted: is unknown"):
        clients.do(lambda: sp.sellers.get_account(restricted=True))
    with pytest.raises(InvalidArguments, match="'buyerName' is no data element"):
        sp.restricted("buyerName")
    with pytest.raises(InvalidArguments, match="paths"):
        sp.restricted("buyerInfo", paths=["/sellers/v1/account"])
    assert clients.amazon.arrived() == []


def test_a_refusal_says_which_role_to_look_at(clients: Clients, sp: Any) -> None:
    refusal = "Application does not have access to one or more requested data elements: [buyerInfo]"
    clients.amazon.fail(path=TOKENS, status=400, code="InvalidInput", message=refusal)
    with pytest.raises(AmazonRefused) as caught:
        clients.do(lambda: sp.orders_v0.get_order(order_id="1", restricted=["buyerInfo"]))
    assert caught.value.message == refusal
    assert "Direct-to-Consumer Shipping" in str(caught.value)


def test_the_sandbox_takes_a_token_that_production_made(clients: Clients) -> None:
    sp = clients.make(sandbox=True, restricted_tokens=RestrictedTokens())
    order = an_order(clients, clients.make())
    clients.do(lambda: sp.orders_v0.get_order_address(order_id=order, restricted=True))
    assert [one["host"] for one in clients.amazon.arrived()] == [
        "sellingpartnerapi-na.amazon.com",
        "sandbox.sellingpartnerapi-na.amazon.com",
    ]


def test_tokens_of_two_accounts_are_kept_apart(clients: Clients) -> None:
    shared = RestrictedTokens()
    american = clients.make(restricted_tokens=shared)
    order = an_order(clients, american)
    other = clients.amazon.world.grant("ALOCALSELLERNA", refresh_token="Atzr|local-another")
    credentials = {**clients.amazon.credentials(), "refresh_token": other.refresh_token}
    second = clients.make(credentials, restricted_tokens=shared)
    for sp in (american, second):
        clients.do(lambda sp=sp: sp.orders_v0.get_order_address(order_id=order, restricted=True))
    assert len(asked(clients)) == 2


def test_asking_for_a_token_keeps_to_its_own_rate(clients: Clients) -> None:
    sp = clients.make(restricted_tokens=RestrictedTokens(), limits=Limits(clock=lambda: 0.0), limit="raise")
    paths = [f"{ORDERS}/{number}/address" for number in range(50 * 11)]
    private = sp.restricted(paths=paths)

    async def entered() -> None:
        async with private:
            pass

    enter = private.__enter__ if clients.colour == "blocking" else lambda: clients.runner.run(entered())
    with pytest.raises(Throttled, match="create_restricted_data_token"):
        enter()
    assert len(asked(clients)) == 10  # its burst


def test_paths_without_elements_open_all_of_them(clients: Clients, sp: Any) -> None:
    order = an_order(clients, sp)
    private = sp.restricted(paths=f"{ORDERS}/{order}")
    found = clients.do(lambda: private.orders_v0.get_order(order_id=order)).payload
    assert found["ShippingAddress"]["AddressLine1"]
    assert asked(clients)[0][0]["dataElements"] == ["buyerInfo", "shippingAddress", "buyerTaxInformation"]
    for path in (f"{ORDERS}/{order}?x=1", f"{ORDERS}/{order}/"):
        with pytest.raises(InvalidArguments, match="paths"):
            sp.restricted(paths=[path])


def test_one_element_may_be_given_as_it_is(clients: Clients, sp: Any) -> None:
    order = an_order(clients, sp)
    clients.do(lambda: sp.orders_v0.get_order(order_id=order, restricted="buyerInfo"))
    assert asked(clients)[0][0]["dataElements"] == ["buyerInfo"]


def test_a_grant_that_is_renewed_on_the_way_is_the_one_that_counts(clients: Clients) -> None:
    good = clients.amazon.credentials()
    answers = [{**good, "refresh_token": "Atzr|revoked"}, good]
    sp = clients.make(lambda: answers.pop(0) if len(answers) > 1 else answers[0], restricted_tokens=RestrictedTokens())
    order = an_order(clients, clients.make())

    def call() -> Any:
        return sp.orders_v0.get_order_address(order_id=order, restricted=True)

    found = clients.at_once([call] * 4)
    assert [one.status for one in found] == [200] * 4
