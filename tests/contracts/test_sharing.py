"""What clients share, and what they keep apart."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref
from decimal import Decimal
from typing import Any

import pytest

from sellerport import Hosted, SellingPartner
from sellerport import client as client_module
from sellerport.errors import AmazonRefused, CredentialsError, GrantRevoked, InvalidArguments
from tests.conftest import Clients

SINCE = "2020-01-01T00:00:00Z"

AT_ONCE = """
import sys, threading
sys.setswitchinterval(1e-6)
from sellerport import SellingPartner
import sellerport.client as module
made, ready = [], threading.Barrier(16)
def make():
    ready.wait()
    made.append(SellingPartner({"refresh_token": "a", "lwa_app_id": "b", "lwa_client_secret": "c"}, environ={}))
threads = [threading.Thread(target=make) for _ in range(16)]
for one in threads: one.start()
for one in threads: one.join()
shared = [(id(one._wire), id(one._source.tokens), id(one._source.limits)) for one in made]
print(*map(len, map(set, zip(*shared))))
"""


def test_clients_that_are_made_at_once_share_connections_tokens_and_limits() -> None:
    found = subprocess.run([sys.executable, "-c", AT_ONCE], capture_output=True, text=True, check=True)
    assert found.stdout == "1 1 1\n"


def test_wires_with_options_go_with_their_clients() -> None:
    before = len(client_module._wires)
    clients = [SellingPartner(access_token="Atza|x", proxy=f"http://127.0.0.1:{port}") for port in range(9000, 9010)]
    assert len(client_module._wires) == before + 10
    clients.clear()
    gc.collect()
    assert len(client_module._wires) == before


def test_threads_may_make_clients_of_one_while_others_use_it(clients: Clients) -> None:
    sp = clients.make()
    failed: list[BaseException] = []
    stop = threading.Event()

    def use() -> None:
        names = [name for name in dir(sp) if "_v" in name or "_20" in name]
        while not stop.is_set():
            for name in names:
                getattr(sp, name)
                sp.__dict__.pop(name, None)

    def copy() -> None:
        try:
            for _ in range(3000):
                sp.with_options(limit="raise")
        except BaseException as error:
            failed.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        user, copier = threading.Thread(target=use), threading.Thread(target=copy)
        user.start()
        copier.start()
        copier.join()
        stop.set()
        user.join()
    finally:
        sys.setswitchinterval(interval)
    assert failed == []


def test_a_refused_grant_keeps_nothing_of_its_caller_alive(clients: Clients) -> None:
    class Mine:
        pass

    def call() -> weakref.ref[Mine]:
        mine = Mine()
        sp = clients.make({**clients.amazon.credentials(), "refresh_token": "Atzr|nobody"})
        with pytest.raises(GrantRevoked):
            clients.do(sp.sellers.get_marketplace_participations)
        return weakref.ref(mine)

    found = call()
    gc.collect()
    assert found() is None


def test_a_mapping_without_credentials_is_no_reason_to_look_elsewhere(clients: Clients) -> None:
    environ = {"SP_API_REFRESH_TOKEN": "Atzr|a", "LWA_APP_ID": "b", "LWA_CLIENT_SECRET": "c"}
    with pytest.raises(CredentialsError, match="is empty"):
        clients.make({}, environ=environ)


@pytest.mark.parametrize(
    ("option", "kind"),
    [
        ({"sandbox": True}, InvalidArguments),
        ({"limit": "raise"}, InvalidArguments),
        ({"patience_s": 1.0}, InvalidArguments),
        ({"refresh_token": "Atzr|a"}, CredentialsError),
        ({"account": "eu"}, CredentialsError),
    ],
)
def test_what_a_server_decides_is_not_passed_over(option: dict[str, Any], kind: type[Exception]) -> None:
    hosted = Hosted("http://127.0.0.1:1", "id", "secret", "connection")
    with pytest.raises(kind, match=next(iter(option)) if kind is InvalidArguments else "a connection takes no"):
        SellingPartner(connection=hosted, environ={}, **option)


def test_clients_of_one_connection_share_its_servers_token() -> None:
    hosted = Hosted("http://127.0.0.1:1", "id", "secret", "connection")
    sp = SellingPartner(connection=hosted, environ={})
    assert sp.with_options(timeout_s=9)._source._held is hosted._held  # type: ignore[union-attr]


def test_an_explicit_choice_about_marketplaces_outlives_another_marketplace(clients: Clients) -> None:
    sp = clients.make(marketplace="US", fill_optional=False).with_options(marketplace="CA")
    clients.do(lambda: sp.orders.search_orders(created_after=SINCE))
    assert "marketplaceIds" not in dict(clients.amazon.arrived()[-1]["query"])


def test_what_amazon_added_since_is_sent_without_checks(clients: Clients) -> None:
    sp = clients.make(check=False)
    with pytest.raises(AmazonRefused, match="unknown value: Novel"):  # by the local Amazon
        clients.do(
            lambda: sp.orders_v0.get_orders(created_after=SINCE, NewFilter=["a b", "c"], order_statuses=["Novel"])
        )
    query = dict(clients.amazon.arrived()[-1]["query"])
    assert (query["NewFilter"], query["OrderStatuses"]) == ("a b,c", "Novel")
    with pytest.raises(InvalidArguments, match="NewFilter"):
        clients.do(lambda: clients.make().orders_v0.get_orders(created_after=SINCE, NewFilter="x"))


def test_countries_in_a_body_become_ids(clients: Clients) -> None:
    sp = clients.make()
    body = {"reportType": "GET_MERCHANT_LISTINGS_ALL_DATA", "marketplaceIds": ["CA", "mx"]}
    clients.do(lambda: sp.reports.create_report(body=body))
    assert clients.amazon.arrived()[-1]["body"]["marketplaceIds"] == ["A2EUQ1WTGCTBG2", "A1AM78C64UM0Y8"]
    assert body["marketplaceIds"] == ["CA", "mx"]


@pytest.mark.parametrize(
    "path", ["/orders/v0/orders/x/..\\..\\y", "/orders/v0/.\n./y", "/orders/v0/orders/%FF", "/a/%2e%2e/b"]
)
def test_a_path_stays_where_it_is_whoever_reads_it(clients: Clients, path: str) -> None:
    sp = clients.make()
    with pytest.raises(InvalidArguments, match="path"):
        clients.do(lambda: sp.call("GET", path))
    assert clients.amazon.arrived() == []


def test_the_path_of_an_unknown_operation_is_not_logged_whole(
    clients: Clients, caplog: pytest.LogCaptureFixture
) -> None:
    sp = clients.make()
    with caplog.at_level("DEBUG"), pytest.raises(Exception, match="MissingAuthenticationToken"):
        clients.do(lambda: sp.call("GET", "/new/v9/buyers/john@example.invalid"))
    (line,) = [one.getMessage() for one in caplog.records if one.name == "sellerport.calls"]
    assert line.startswith("GET /new/v9/… na 403: access_denied, ")


def test_a_decimal_is_a_number_with_its_digits() -> None:
    from sellerport import hosted

    assert hosted._encoder.encode({"Amount": Decimal("10.10")}) == b'{"Amount":10.10}'


def test_the_callback_hears_of_the_accounts_tokens_and_not_of_the_applications(clients: Clients) -> None:
    heard: list[Any] = []
    sp = clients.make(on_token_refresh=heard.append)
    clients.do(sp.notifications.get_destinations)
    assert heard == []
    clients.do(sp.sellers.get_marketplace_participations)
    assert len(heard) == 1
