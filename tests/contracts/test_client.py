"""What both clients do, against the local Amazon over real HTTP. Every test runs once blocking and once async."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from sellerport.emulator import World, running
from sellerport.errors import (
    AccessDenied,
    AmazonNotFound,
    AmazonRefused,
    AmazonUnavailable,
    ClientRefused,
    CredentialsError,
    GrantRevoked,
    InvalidArguments,
    NoAnswer,
    SellerportError,
    SettingsError,
    Throttled,
    TokenUnavailable,
    UnknownOperation,
)
from sellerport.limits import SLACK_S, Limits
from sellerport.oauth import TokenAnswer, Tokens
from sellerport.wire import Request, Response
from tests.conftest import Clients

SINCE = "2020-01-01T00:00:00Z"
ORDERS = "/orders/v0/orders"
CONFIRM: dict[str, Any] = {
    "marketplaceId": "ATVPDKIKX0DER",
    "packageDetail": {
        "packageReferenceId": "1",
        "carrierCode": "UPS",
        "trackingNumber": "1Z",
        "shipDate": SINCE,
        "orderItems": [{"orderItemId": "1", "quantity": 1}],
    },
}


def to_ship(clients: Clients) -> tuple[str, dict[str, Any]]:
    """An order that the account has to ship, and what says that it has."""
    world = clients.amazon.world
    order = next(
        one
        for one in world.accounts["ALOCALSELLERNA"].orders.values()
        if (one.channel, one.status) == ("MFN", "Unshipped")
    )
    sent = datetime.fromtimestamp(world.now(), UTC).isoformat(timespec="seconds")
    items = [{"orderItemId": one.id, "quantity": one.quantity} for one in order.items]
    package = {**CONFIRM["packageDetail"], "shipDate": sent, "orderItems": items}
    return order.id, {"marketplaceId": order.marketplace.id, "packageDetail": package}


def test_an_operation_is_a_method_and_its_answer_the_decoded_body(clients: Clients) -> None:
    sp = clients.make()
    result = clients.do(lambda: sp.orders_v0.get_orders(marketplace_ids=["ATVPDKIKX0DER"], created_after=SINCE))
    assert result.status == 200
    assert result.payload is result.data["payload"]
    assert result["payload"]["Orders"]
    assert {order["MarketplaceId"] for order in result.payload["Orders"]} == {"ATVPDKIKX0DER"}
    assert result.request_id
    (request,) = clients.amazon.arrived(ORDERS)
    assert (request["method"], request["host"]) == ("GET", "sellingpartnerapi-na.amazon.com")
    assert dict(request["query"]) == {"MarketplaceIds": "ATVPDKIKX0DER", "CreatedAfter": SINCE}


def test_the_short_name_is_the_newest_version(clients: Clients) -> None:
    sp = clients.make()
    found = clients.do(lambda: sp.orders.search_orders(created_after=SINCE, marketplace_ids=["ATVPDKIKX0DER"]))
    assert found.data["orders"]
    assert clients.amazon.arrived()[-1]["path"] == "/orders/2026-01-01/orders"


def test_a_call_by_path_is_the_same_call(clients: Clients) -> None:
    sp = clients.make()
    by_name = clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE))
    by_path = clients.do(lambda: sp.call("GET", ORDERS, {"CreatedAfter": SINCE}))
    assert by_path.payload["Orders"] == by_name.payload["Orders"]  # beside them is when they were asked for
    order = by_name.payload["Orders"][0]["AmazonOrderId"]
    items = clients.do(lambda: sp.call("GET", f"{ORDERS}/{order}/orderItems"))
    assert items.payload["AmazonOrderId"] == order


def test_a_path_that_the_catalogue_lacks_is_called_as_it_is(clients: Clients) -> None:
    sp = clients.make()
    with pytest.raises(AccessDenied) as caught:
        clients.do(lambda: sp.call("GET", "/new/v9/things", {"ids": ["a b", "c"], "n": 1}))
    assert caught.value.amazon_code == "MissingAuthenticationToken"
    assert dict(clients.amazon.arrived()[-1]["query"]) == {"ids": "a b,c", "n": "1"}


@pytest.mark.parametrize("path", ["orders/v0/orders", "//evil.test/x?y", f"{ORDERS}?a=b", f"{ORDERS}#x"])
def test_a_path_with_more_than_a_path_in_it_is_refused(clients: Clients, path: str) -> None:
    sp = clients.make()
    with pytest.raises(InvalidArguments, match="path"):
        clients.do(lambda: sp.call("GET", path))
    assert clients.amazon.arrived() == []


def test_the_marketplace_decides_the_endpoint_and_fills_what_is_not_given(clients: Clients) -> None:
    sp = clients.make(clients.amazon.credentials("seller-eu"), marketplace="DE")
    clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE))
    clients.do(lambda: sp.reports.get_reports(report_types=["GET_MERCHANT_LISTINGS_ALL_DATA"]))
    clients.do(lambda: sp.reports.create_report(body={"reportType": "GET_MERCHANT_LISTINGS_ALL_DATA"}))
    orders, reports, created = clients.amazon.arrived()
    assert {one["host"] for one in (orders, reports, created)} == {"sellingpartnerapi-eu.amazon.com"}
    assert dict(orders["query"])["MarketplaceIds"] == "A1PA6795UKMFR9"
    assert dict(reports["query"])["marketplaceIds"] == "A1PA6795UKMFR9"
    assert created["body"]["marketplaceIds"] == ["A1PA6795UKMFR9"]


def test_a_client_of_a_region_asks_about_all_of_it(clients: Clients) -> None:
    for sp in (clients.make(clients.amazon.credentials("seller-eu"), marketplace="eu"), clients.make()):
        clients.do(lambda sp=sp: sp.orders.search_orders(created_after=SINCE))
        clients.do(lambda sp=sp: sp.reports.get_reports(report_types=["GET_MERCHANT_LISTINGS_ALL_DATA"]))
    assert [dict(one["query"]).keys() & {"marketplaceIds"} for one in clients.amazon.arrived()] == [set()] * 4


def test_marketplaces_are_named_by_country_or_id_and_unknown_ones_pass(clients: Clients) -> None:
    sp = clients.make(clients.amazon.credentials("seller-eu"), marketplace="UK")
    clients.do(lambda: sp.orders.search_orders(created_after=SINCE, marketplace_ids=["UK", "GB", "A1PA6795UKMFR9"]))
    clients.do(lambda: sp.orders.search_orders(created_after=SINCE))
    named, filled = (dict(one["query"])["marketplaceIds"] for one in clients.amazon.arrived())
    assert named == "A1F83G8C2ARO7P,A1F83G8C2ARO7P,A1PA6795UKMFR9"
    assert filled == "A1F83G8C2ARO7P"
    with pytest.raises(AccessDenied):  # the local Amazon knows no other; what is said here is that it was sent
        clients.do(lambda: sp.orders.search_orders(created_after=SINCE, marketplace_ids="A38D8NSA03LJTC"))
    assert dict(clients.amazon.arrived()[-1]["query"])["marketplaceIds"] == "A38D8NSA03LJTC"


def test_the_default_marketplace_of_the_environment_gives_way_to_an_argument(clients: Clients) -> None:
    """python-amazon-sp-api lets the environment win (peer-sdks.md, 1.3)."""
    environ = {"SP_API_DEFAULT_MARKETPLACE": "DE"}
    assert "'DE'" in repr(clients.make(environ=environ))
    assert "'JP'" in repr(clients.make(environ=environ, marketplace="JP"))


def test_a_call_in_the_wrong_region_explains_itself(clients: Clients) -> None:
    sp = clients.make(marketplace="US")
    with pytest.raises(AccessDenied) as caught:
        clients.do(lambda: sp.orders.search_orders(created_after=SINCE, marketplace_ids=["DE"]))
    assert "this call went to region 'na'" in caught.value.advice
    assert "A1PA6795UKMFR9 (DE) belongs to region 'eu'" in caught.value.advice
    assert "marketplace='DE'" in str(caught.value)
    european = clients.make(marketplace="DE")  # with the American account's grant
    with pytest.raises(AccessDenied, match="that the account trades in region 'eu'"):
        clients.do(lambda: european.sellers.get_marketplace_participations())


def test_options_make_another_client_that_shares_the_rest(clients: Clients) -> None:
    sp = clients.make()
    patient = sp.with_options(timeout_s=90, limit="raise", patience_s=0, sandbox=True)
    clients.do(lambda: sp.sellers.get_marketplace_participations())
    clients.do(lambda: patient.sellers.get_marketplace_participations())
    assert clients.amazon.token_requests == 1
    assert [one["host"] for one in clients.amazon.arrived()] == [
        "sellingpartnerapi-na.amazon.com",
        "sandbox.sellingpartnerapi-na.amazon.com",
    ]
    german = sp.with_options(marketplace="DE")
    assert (repr(german), repr(sp)) != (repr(sp), repr(german))
    with pytest.raises(InvalidArguments, match="timeout_s"):
        sp.with_options(timeout_s=0)
    clients.amazon.fail(answer="silence")
    with pytest.raises(NoAnswer, match=r"0\.05 s"):
        clients.do(lambda: sp.with_options(timeout_s=0.05, patience_s=0).orders.search_orders(created_after=SINCE))


def test_the_sandbox_is_another_host(clients: Clients) -> None:
    sp = clients.make(sandbox=True)
    clients.do(lambda: sp.sellers.get_marketplace_participations())
    assert clients.amazon.arrived()[-1]["host"] == "sandbox.sellingpartnerapi-na.amazon.com"


def test_a_body_and_a_writing_operation_arrive(clients: Clients) -> None:
    sp = clients.make()
    order, body = to_ship(clients)
    result = clients.do(lambda: sp.orders_v0.confirm_shipment(order_id=order, body=body))
    assert (result.status, result.data) == (204, None)
    assert clients.amazon.arrived()[-1]["body"] == body


def test_bad_arguments_are_refused_before_anything_is_sent(clients: Clients) -> None:
    sp = clients.make()
    with pytest.raises(InvalidArguments) as caught:
        clients.do(lambda: sp.orders_v0.get_order(orderid="1", extra=2))
    assert [problem.field for problem in caught.value.problems] == ["orderid", "extra", "order_id"]
    assert list(clients.amazon.world.requests) == []


def test_an_unknown_operation_is_answered_with_the_nearest(clients: Clients) -> None:
    sp = clients.make()
    with pytest.raises(UnknownOperation, match="did you mean 'get_orders'"):
        _ = sp.orders_v0.get_ordres
    with pytest.raises(UnknownOperation, match="did you mean 'orders'"):
        _ = sp.ordres
    assert not hasattr(sp, "nothing_like_it")
    assert "get_orders" in dir(sp.orders_v0)
    assert "orders_v0" in dir(sp)


def test_an_access_token_is_asked_for_once_and_used_until_shortly_before_it_expires(clients: Clients) -> None:
    now = [1_000_000.0]
    sp = clients.make(tokens=Tokens(clock=lambda: now[0]))
    for _ in range(3):
        clients.do(lambda: sp.sellers.get_account())
    assert clients.amazon.token_requests == 1
    now[0] += 3600 - 61
    clients.do(lambda: sp.sellers.get_account())
    assert clients.amazon.token_requests == 1
    now[0] += 2
    clients.do(lambda: sp.sellers.get_account())
    assert clients.amazon.token_requests == 2


def test_twenty_at_once_make_one_token_request(clients: Clients) -> None:
    clients.at_once([lambda: clients.make().sellers.get_account()] * 20)
    assert clients.amazon.token_requests == 1
    assert len(clients.amazon.arrived("/sellers/v1/account")) == 20


def test_the_owner_of_the_client_hears_of_a_new_token(clients: Clients) -> None:
    heard: list[TokenAnswer] = []
    sp = clients.make(on_token_refresh=heard.append)
    clients.do(lambda: sp.sellers.get_account())
    clients.do(lambda: sp.sellers.get_account())
    assert [answer.refresh_token for answer in heard] == ["Atzr|local-seller-na"]


def test_a_token_that_amazon_calls_expired_is_replaced_once_and_the_call_repeated(clients: Clients) -> None:
    sp = clients.make()
    clients.do(lambda: sp.sellers.get_account())
    clients.amazon.world.expire()
    assert clients.do(lambda: sp.sellers.get_account()).status == 200
    assert clients.amazon.token_requests == 2
    assert [one["status"] for one in clients.amazon.arrived()] == [200, 403, 200]


def test_a_grant_that_is_revoked_while_its_token_is_fresh_is_noticed(clients: Clients) -> None:
    sp = clients.make()
    clients.do(lambda: sp.sellers.get_account())
    clients.amazon.world.revoke()
    with pytest.raises(GrantRevoked):
        clients.do(lambda: sp.sellers.get_account())
    assert clients.amazon.token_requests == 2


def test_a_new_token_that_is_called_expired_too_ends_the_call(clients: Clients) -> None:
    expired = {"code": "Unauthorized", "details": "The access token you provided has expired."}
    clients.amazon.fail(status=403, times=5, **expired)
    sp = clients.make()
    with pytest.raises(AccessDenied):
        clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE))
    assert (clients.amazon.token_requests, len(clients.amazon.arrived())) == (2, 2)


def test_any_other_403_is_raised_at_once_with_what_amazon_said(clients: Clients) -> None:
    sp = clients.make(marketplace="DE")  # a grant of North America, at Europe's endpoint
    with pytest.raises(AccessDenied) as caught:
        clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE))
    assert (caught.value.status, caught.value.amazon_code) == (403, "Unauthorized")
    assert caught.value.request_id
    assert caught.value.operation == "orders_v0.get_orders"
    assert clients.amazon.token_requests == 1


def test_a_revoked_grant_is_told_apart_and_never_retried(clients: Clients) -> None:
    clients.amazon.world.revoke()
    sp = clients.make()
    with pytest.raises(GrantRevoked, match="has to consent again"):
        clients.do(lambda: sp.sellers.get_account())
    assert (clients.amazon.token_requests, clients.slept) == (1, [])


def test_a_wrong_client_secret_is_the_applications_fault(clients: Clients) -> None:
    sp = clients.make({**clients.amazon.credentials(), "lwa_client_secret": "wrong-secret"})
    with pytest.raises(ClientRefused, match="client id or secret"):
        clients.do(lambda: sp.sellers.get_account())
    assert clients.amazon.token_requests == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"status": 503, "answer": "html"},
        {"status": 200, "answer": "html"},
        {"status": 200, "answer": "empty"},
        {"status": 429},
        {"answer": "reset"},
    ],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
def test_trouble_at_login_with_amazon_is_retried_and_costs_no_grant(clients: Clients, fault: dict[str, Any]) -> None:
    sp = clients.make()
    clients.amazon.fail(path="/auth/o2/token", times=3, **fault)
    with pytest.raises(TokenUnavailable, match="Login with Amazon"):
        clients.do(lambda: sp.sellers.get_account())
    assert (clients.amazon.token_requests, len(clients.slept)) == (3, 2)
    assert clients.do(lambda: sp.sellers.get_account()).status == 200


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"status": 503},
        {"status": 502, "answer": "html"},
        {"status": 200, "answer": "html"},
        {"status": 200, "answer": "empty"},
        {"answer": "reset"},
    ],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
class TestTrouble:
    def test_a_reading_call_gets_over_it(self, clients: Clients, fault: dict[str, Any]) -> None:
        sp = clients.make()
        clients.amazon.fail(times=3, **fault)
        assert clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE)).payload["Orders"]
        assert clients.slept == [0.5, 1.0, 2.0]

    def test_a_reading_call_gives_up_after_four_attempts(self, clients: Clients, fault: dict[str, Any]) -> None:
        sp = clients.make()
        clients.amazon.fail(times=9, **fault)
        with pytest.raises((AmazonUnavailable, NoAnswer)):
            clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE))
        assert len(clients.amazon.arrived()) == 4

    def test_a_writing_call_is_never_sent_twice(self, clients: Clients, fault: dict[str, Any]) -> None:
        if fault == {"status": 200, "answer": "empty"}:
            fault = {"status": 200, "answer": "html"}  # nothing is what this operation answers with
        sp = clients.make()
        clients.amazon.fail(times=9, **fault)
        with pytest.raises((AmazonUnavailable, NoAnswer)):
            clients.do(lambda: sp.orders_v0.confirm_shipment(order_id="902-1111111-1111111", body=CONFIRM))
        assert len(clients.amazon.arrived()) == 1


def test_an_amazon_that_does_not_answer_is_given_up_on(clients: Clients) -> None:
    sp = clients.make(timeout_s=0.2)
    clients.amazon.fail(answer="silence")
    with pytest.raises(NoAnswer, match="time limit") as caught:
        clients.do(lambda: sp.orders_v0.confirm_shipment(order_id="902-1111111-1111111", body=CONFIRM))
    assert caught.value.sent is True


def test_an_amazon_that_is_not_there_is_told_apart_from_one_that_is_silent(clients: Clients) -> None:
    with pytest.raises(TokenUnavailable, match="refused the connection"):
        clients.do(lambda: clients.make(amazon="http://127.0.0.1:9").sellers.get_account())


@dataclass
class Unreachable:
    """A wire on which the first ``times`` calls of Amazon's API never leave."""

    wire: Any
    times: int
    tried: int = 0

    async def send(self, request: Request) -> Response:
        if "/orders/" in request.url:
            self.tried += 1
            if self.tried <= self.times:
                raise NoAnswer("no way there", sent=False)
        answer: Response = await self.wire.send(request)
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self.wire, name)


def test_a_writing_call_that_never_left_is_sent_again(clients: Clients) -> None:
    order, body = to_ship(clients)
    wire = Unreachable(clients.wire, 2)
    sp = clients.make(wire=wire)
    found = clients.do(lambda: sp.orders_v0.confirm_shipment(order_id=order, body=body))
    assert (found.status, wire.tried) == (204, 3)


def test_a_writing_call_of_an_unknown_path_is_never_sent_twice(clients: Clients) -> None:
    sp = clients.make()
    clients.amazon.fail(path="/new/*", status=500, times=9)
    with pytest.raises(AmazonUnavailable):
        clients.do(lambda: sp.call("POST", "/new/v9/things", body={"a": 1}))
    assert len(clients.amazon.arrived()) == 1


def test_the_rate_that_amazon_states_is_learned(clients: Clients) -> None:
    limits = Limits(clock=lambda: 0.0)
    sp = clients.make(limits=limits)
    clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE))
    (bucket,) = limits._buckets.values()
    bucket.rate = 99.0  # not what the local Amazon states
    clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE))
    assert bucket.rate == 0.0167


@dataclass
class Interrupted:
    """A wire whose waiting is broken off, as by Ctrl-C or by the task being cancelled."""

    wire: Any
    by: type[BaseException]

    async def sleep(self, seconds: float) -> None:
        raise self.by

    def __getattr__(self, name: str) -> Any:
        return getattr(self.wire, name)


def test_a_cancelled_wait_gives_its_slot_back(clients: Clients) -> None:
    by = KeyboardInterrupt if clients.colour == "blocking" else asyncio.CancelledError
    limits = Limits(clock=lambda: 0.0)
    sp = clients.make(limits=limits, wire=Interrupted(clients.wire, by))
    for _ in range(20):
        clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE))
    (bucket,) = limits._buckets.values()
    before = bucket.level
    with pytest.raises(by):
        clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE))
    assert (bucket.waiting, bucket.level) == ([], before)


def test_the_sandbox_has_buckets_of_its_own(clients: Clients) -> None:
    limits = Limits(clock=lambda: 0.0)
    sandbox, production = clients.make(limits=limits, sandbox=True), clients.make(limits=limits)
    for _ in range(15):
        clients.do(lambda: sandbox.sellers.get_account())
    clients.do(lambda: production.sellers.get_account())
    assert clients.slept == []


def test_those_who_waited_for_a_token_fail_with_the_one_who_asked(clients: Clients) -> None:
    clients.amazon.world.revoke()
    clients.amazon.fail(path="/auth/o2/token", status=500)  # the first asks twice, which gives the others time to come
    answers = clients.at_once([lambda: clients.make().sellers.get_account()] * 8)
    failures = [one for one in answers if isinstance(one, GrantRevoked)]
    assert len(failures) == 8
    assert clients.amazon.token_requests < 8


def test_tokens_of_one_grant_at_two_amazons_are_kept_apart(clients: Clients) -> None:
    with running(World(orders=1)) as other:
        clients.do(lambda: clients.make().sellers.get_account())
        assert clients.do(lambda: clients.make(amazon=other).sellers.get_account()).status == 200


def test_a_200_with_nothing_but_errors_is_an_error(clients: Clients) -> None:
    sp = clients.make()
    clients.amazon.fail(status=200, code="InvalidInput", message="no")
    with pytest.raises(AmazonRefused) as caught:
        clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE))
    assert (caught.value.status, caught.value.amazon_code) == (200, "InvalidInput")


@pytest.mark.parametrize(
    "options", [{"limit": "waitt"}, {"timeout_s": 0}, {"timeout_s": None}, {"patience_s": -1}], ids=str
)
def test_an_option_that_cannot_be_is_named(clients: Clients, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidArguments, match=next(iter(options))):
        clients.make(**options)


@pytest.mark.parametrize("address", ["127.0.0.1:8099", "ftp://x", "http://"])
def test_an_address_that_is_none_is_named(clients: Clients, address: str) -> None:
    with pytest.raises(SettingsError, match="SELLERPORT_AMAZON"):
        clients.make(amazon=address)


@pytest.mark.parametrize("path", ["/new/../orders/v0/orders", "/new/%2e%2E/x"])
def test_a_path_that_leads_elsewhere_is_refused(clients: Clients, path: str) -> None:
    sp = clients.make()
    with pytest.raises(InvalidArguments, match="path"):
        clients.do(lambda: sp.call("GET", path))
    with pytest.raises(InvalidArguments, match="in the path already"):
        clients.do(lambda: sp.call("GET", "/orders/v0/orders/1", {"orderId": "2"}))
    with pytest.raises(InvalidArguments, match="method"):
        clients.do(lambda: sp.call("FOO BAR", "/x"))


def test_a_throttled_call_waits_for_its_slot_and_goes_again_even_if_it_writes(clients: Clients) -> None:
    sp = clients.make()
    order, body = to_ship(clients)
    clients.amazon.fail(status=429, path="/orders/v0/orders/*")
    assert clients.do(lambda: sp.orders_v0.confirm_shipment(order_id=order, body=body)).status == 204
    (waited,) = clients.slept
    assert 0.4 < waited <= 0.5  # confirmShipment may be called twice a second


def test_a_throttled_call_may_be_refused_instead(clients: Clients) -> None:
    sp = clients.make(limit="raise")
    clients.amazon.fail(status=429)
    with pytest.raises(Throttled) as caught:
        clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE))
    assert 59 < caught.value.retry_after <= 60  # getOrders may be called once a minute
    assert len(clients.amazon.arrived()) == 1


def test_patience_bounds_what_a_call_waits(clients: Clients) -> None:
    sp = clients.make(patience_s=59.0)
    clients.amazon.fail(status=429)
    with pytest.raises(Throttled):
        clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE))
    assert clients.slept == []


def test_a_burst_is_let_through_and_the_next_call_waits(clients: Clients) -> None:
    sp = clients.make()
    for _ in range(10):
        clients.do(lambda: sp.uploads.create_upload_destination_for_resource(**_UPLOAD))
    assert clients.slept == []
    clients.do(lambda: sp.uploads.create_upload_destination_for_resource(**_UPLOAD))
    assert len(clients.slept) <= 1
    assert all(0 < pause <= 0.1 + SLACK_S for pause in clients.slept)


_UPLOAD = {"marketplace_ids": ["ATVPDKIKX0DER"], "content_md5": "x", "resource": "messaging"}


def test_what_is_not_there_and_what_is_wrong_have_their_own_errors(clients: Clients) -> None:
    sp = clients.make()
    clients.amazon.fail(status=404)
    with pytest.raises(AmazonNotFound):
        clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE))
    with pytest.raises(AmazonRefused) as caught:
        clients.do(lambda: sp.orders_v0.get_orders())
    assert (caught.value.status, caught.value.amazon_code) == (400, "InvalidInput")


def test_a_grantless_call_uses_the_applications_own_token(clients: Clients) -> None:
    sp = clients.make()
    assert clients.do(lambda: sp.notifications.get_destinations()).status == 200
    (asked,) = clients.amazon.arrived("/auth/o2/token")
    assert ["grant_type", "client_credentials"] in asked["body"]
    assert ["scope", "sellingpartnerapi::notifications"] in asked["body"]


def test_no_secret_shows_in_a_repr_an_error_or_a_result(clients: Clients) -> None:
    sp = clients.make()
    shown = [repr(sp), repr(sp._source), repr(clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE)))]
    clients.amazon.world.revoke()
    clients.amazon.world.expire()
    with pytest.raises(SellerportError) as caught:
        clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE))
    shown += [str(caught.value), repr(caught.value), str(caught.value.facts())]
    for text in shown:
        for secret in ("Atzr|", "Atza|", "local-secret"):
            assert secret not in text


def test_credentials_come_from_the_environment_when_none_are_given(clients: Clients) -> None:
    given = clients.amazon.credentials()
    environ = {
        "SP_API_REFRESH_TOKEN": given["refresh_token"],
        "LWA_APP_ID": given["lwa_app_id"],
        "LWA_CLIENT_SECRET": given["lwa_client_secret"],
        "SELLERPORT_AMAZON": clients.amazon.address,
    }
    sp = clients.make(None, environ=environ, amazon=None)
    assert clients.do(lambda: sp.sellers.get_account()).status == 200


def test_credentials_that_are_missing_or_half_given_are_named(clients: Clients) -> None:
    with pytest.raises(CredentialsError, match="SP_API_REFRESH_TOKEN, LWA_APP_ID, LWA_CLIENT_SECRET"):
        clients.make(None)
    with pytest.raises(CredentialsError, match="the arguments lack lwa_client_secret"):
        clients.make({"refresh_token": "r", "lwa_app_id": "a"}, environ={"LWA_CLIENT_SECRET": "s"})
    with pytest.raises(CredentialsError, match="the environment lack LWA_APP_ID"):
        clients.make(None, environ={"SP_API_REFRESH_TOKEN": "r", "LWA_CLIENT_SECRET": "s"})
    with pytest.raises(CredentialsError, match="unknown credentials lws_app_id"):
        clients.make({"lws_app_id": "a"})
    with pytest.raises(InvalidArguments, match="did you mean 'DE'"):
        clients.make(marketplace="DEE")


def test_the_blocking_client_works_inside_a_running_loop(clients: Clients) -> None:
    made = Clients("blocking", clients.amazon)

    async def inside() -> int:
        return int(made.make().sellers.get_account().status)

    assert clients.runner.run(inside()) == 200
    made.close()
