"""Measures one client, as often as it is told to.

    python benchmarks/contender.py NAME PORT

NAME is one of `CONTENDERS`. Each line of standard input says how many calls (or clients) to measure with, each line of
standard output is the figure. It runs in the environment of whichever client it measures, so it imports nothing else.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

US = "ATVPDKIKX0DER"
SINCE = "2026-01-01T00:00:00Z"

Call = Callable[[], Any]
Measure = Callable[[int], float]


def secrets(name: str, account: int = 0) -> dict[str, str]:
    """Return credentials of one of an application's accounts; the stub counts token requests by application."""
    return {"refresh_token": f"Atzr|bench-{account}", "lwa_app_id": name, "lwa_client_secret": "bench"}


def read(orders: Any) -> None:
    """Do with a page of orders what a program does: go through it and look at some fields."""
    total = sum(float(order["OrderTotal"]["Amount"]) for order in orders if order["OrderStatus"] == "Shipped")
    assert total > 0
    assert all(order["AmazonOrderId"] for order in orders)


# What is measured


def cpu_us(call: Call) -> Measure:
    """Measure the CPU time of a call in microseconds, of all of the process's threads."""
    for _ in range(10):
        call()

    def measure(calls: int) -> float:
        started = time.process_time()
        for _ in range(calls):
            call()
        return (time.process_time() - started) / calls * 1e6

    return measure


def wall_ms(call: Callable[[], Awaitable[Any]]) -> Measure:
    """Measure how long calls take that an event loop makes all at once, in milliseconds."""
    loop = asyncio.new_event_loop()

    async def at_once(calls: int) -> float:
        started = time.perf_counter()
        await asyncio.gather(*(call() for _ in range(calls)))
        return (time.perf_counter() - started) * 1e3

    return lambda calls: loop.run_until_complete(at_once(calls))


def memory_kb(make: Callable[[int], Call]) -> Measure:
    """Measure how much memory a live client takes that made one call, in kilobytes; each is of another account."""
    live = []

    def grow(start: int, count: int) -> None:
        for account in range(start, start + count):
            live.append(make(account))
            live[-1]()

    grow(0, 10)

    def measure(clients: int) -> float:
        before = _resident()
        grow(len(live), clients)
        return (_resident() - before) / clients / 1000

    return measure


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def thread_ms(make: Callable[[], Call]) -> Measure:
    """Measure how long as many threads take, all at once, each of which makes a client and a call with it."""

    def measure(count: int) -> float:
        ready = threading.Barrier(count)

        def one() -> None:
            call = make()
            ready.wait()
            call()

        started = time.perf_counter()
        threads = [threading.Thread(target=one) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return (time.perf_counter() - started) * 1e3

    return measure


# Who is measured


def floor(port: int, *, page: bool = False) -> Call:
    """A bare http.client and json: what no client in Python can go below by much."""
    connection = HTTPConnection("127.0.0.1", port)
    path = f"/orders/v0/orders?MarketplaceIds={US}&CreatedAfter=2026-01-01T00%3A00%3A00Z"
    path += "&MaxResultsPerPage=100" if page else ""

    def call() -> None:
        connection.request("GET", path, headers={"x-amz-access-token": "Atza|bench"})
        read(json.loads(connection.getresponse().read())["payload"]["Orders"])

    return call


def sellerport(port: int, name: str, account: int = 0, *, page: bool = False) -> Call:
    """Sellerport, as without OpenTelemetry if that is installed; the answer is typed, in dictionaries."""
    from sellerport import SellingPartner

    sp = SellingPartner(secrets(name, account), amazon=f"http://127.0.0.1:{port}")
    size = 100 if page else None
    return lambda: read(
        sp.orders_v0.get_orders(created_after=SINCE, marketplace_ids=[US], max_results_per_page=size).payload["Orders"]
    )


def sellerport_async(port: int, name: str) -> Callable[[], Awaitable[Any]]:
    """Sellerport for asyncio, one client."""
    from sellerport import AsyncSellingPartner

    sp = AsyncSellingPartner(secrets(name), amazon=f"http://127.0.0.1:{port}")
    return lambda: sp.orders_v0.get_orders(created_after=SINCE, marketplace_ids=[US])


def sp_api(port: int, name: str, account: int = 0, *, page: bool = False) -> Call:
    """python-amazon-sp-api; the answer is untyped, in dictionaries."""
    from sp_api.api import Orders
    from sp_api.auth import AccessTokenClient

    orders = _sp_api(Orders, AccessTokenClient, port, secrets(name, account))
    arguments = {"CreatedAfter": SINCE} | ({"MaxResultsPerPage": 100} if page else {})
    return lambda: read(orders.get_orders(**arguments).payload["Orders"])


def sp_api_async(port: int, name: str) -> Callable[[], Awaitable[Any]]:
    """python-amazon-sp-api for asyncio, one client."""
    from sp_api.asyncio.api import Orders  # isort: skip  # before its auth, which imports it in a circle
    from sp_api.asyncio.auth import AccessTokenClient

    orders = _sp_api(Orders, AccessTokenClient, port, secrets(name))
    return lambda: orders.get_orders(CreatedAfter=SINCE)


def _sp_api(orders: Any, auth: Any, port: int, credentials: dict[str, str]) -> Any:
    local_auth = type("LocalLwa", (auth,), {"scheme": "http://", "host": f"127.0.0.1:{port}"})
    local = SimpleNamespace(endpoint=f"http://127.0.0.1:{port}", marketplace_id=US, region="us-east-1")
    return orders(marketplace=local, auth_token_client_class=local_auth, credentials=credentials)


def amzn(port: int, name: str, account: int = 0, *, page: bool = False, mended: bool = False) -> Call:
    """amzn-sp-api; the answer is typed, in objects.

    Each of its objects adds a log handler to the process, so that every call costs more than the one before. Either its
    first calls are measured, or it is mended from outside.
    """
    import spapi

    if mended:
        spapi.Configuration.set_default(spapi.Configuration())
    orders = _amzn(port, secrets(name, account))
    size = {"max_results_per_page": 100} if page else {}

    def call() -> None:
        found = orders.get_orders(marketplace_ids=[US], created_after=SINCE, **size).payload.orders
        total = sum(float(order.order_total.amount) for order in found if order.order_status == "Shipped")
        assert total > 0
        assert all(order.amazon_order_id for order in found)

    return call


def amzn_raw(port: int, name: str, *, page: bool = False) -> Call:
    """amzn-sp-api without its models: the answer is bytes, and untyped dictionaries once its user decodes them."""
    orders = _amzn(port, secrets(name))
    size = {"max_results_per_page": 100} if page else {}

    def call() -> None:
        found = orders.get_orders(marketplace_ids=[US], created_after=SINCE, _preload_content=False, **size)
        read(json.loads(found.data)["payload"]["Orders"])

    return call


def _amzn(port: int, credentials: dict[str, str]) -> Any:
    from spapi import OrdersV0Api, SPAPIClient, SPAPIConfig

    client_id, secret, token = (credentials[key] for key in ("lwa_app_id", "lwa_client_secret", "refresh_token"))
    config = SPAPIConfig(client_id=client_id, client_secret=secret, refresh_token=token, region="NA")
    local = f"http://127.0.0.1:{port}"
    return OrdersV0Api(SPAPIClient(config, oauth_endpoint=f"{local}/auth/o2/token", endpoint=local).api_client)


def sellerport_ads(port: int, name: str) -> Call:
    """Sellerport's client of the Ads API; the answer is in dictionaries."""
    from sellerport import AmazonAds

    given = {"refresh_token": "Atzr|bench", "client_id": name, "client_secret": "bench"}
    ads = AmazonAds(given, profile_id="1", amazon=f"http://127.0.0.1:{port}")
    return lambda: read_campaigns(ads.sp.campaigns.list(state_filter=["ENABLED"], max_results=100).data)


def ad_api(port: int, name: str) -> Call:
    """python-amazon-ad-api; the answer is in dictionaries. It opens a connection for each call."""
    import logging

    from ad_api.api.sp import CampaignsV3  # isort: skip  # before its auth, which imports its base in a circle
    from ad_api.auth import AccessTokenClient

    logging.disable()  # it warns at every call that Amazon has newer ones
    AccessTokenClient.scheme, AccessTokenClient.host = "http://", f"127.0.0.1:{port}"
    given = {"refresh_token": "Atzr|bench", "client_id": name, "client_secret": "bench", "profile_id": "1"}
    local = SimpleNamespace(endpoint=f"http://127.0.0.1:{port}")
    campaigns = CampaignsV3(marketplace=local, credentials=given)
    body = json.dumps({"stateFilter": {"include": ["ENABLED"]}, "maxResults": 100})
    return lambda: read_campaigns(campaigns.list_campaigns(body=body).payload)


def read_campaigns(answer: Any) -> None:
    """Do with campaigns what a program does: go through them and look at some fields."""
    assert sum(one["budget"]["budget"] for one in answer["campaigns"] if one["state"] == "ENABLED") > 0


def connector(port: int, name: str) -> Call:
    """Sellerport's connector for agents, in this process."""
    from sellerport.connectors import AmazonSellerPartnerAuthConfig, AmazonSellerPartnerConnector

    environ = {"SELLERPORT_AMAZON": f"http://127.0.0.1:{port}"}
    made = AmazonSellerPartnerConnector(AmazonSellerPartnerAuthConfig(**secrets(name)), environ=environ)
    return executing(made)


def airbyte(port: int, name: str) -> Call:
    """airbyte-agent-sdk in its local mode, with a token that it need not fetch, and without its telemetry."""
    os.environ["AIRBYTE_TELEMETRY_MODE"] = "disabled"
    from airbyte_agent_sdk.connectors.amazon_seller_partner import AmazonSellerPartnerConnector
    from airbyte_agent_sdk.connectors.amazon_seller_partner.models import AmazonSellerPartnerAuthConfig

    config = AmazonSellerPartnerAuthConfig(**secrets(name), access_token="Atza|bench")
    made = AmazonSellerPartnerConnector(auth_config=config, region="na")
    made._executor.http_client.base_url = f"http://127.0.0.1:{port}"
    return executing(made)


def executing(connector: Any) -> Call:
    """Have a connector list orders, one call after the other in an event loop."""
    loop = asyncio.new_event_loop()
    params = {"marketplace_ids": US, "created_after": SINCE}
    return lambda: read(loop.run_until_complete(connector.execute("orders", "list", params)).data)


def hosted(port: int, name: str) -> Call:
    """Sellerport's connector for agents, through a server that runs in the same process: both are measured."""
    from sellerport import regions
    from sellerport.cli.demo import serving
    from sellerport.connectors import AmazonSellerPartnerConnector, SellerportAuthConfig
    from sellerport.oauth import LwaClient
    from sellerport.server.hub import Caller
    from sellerport.server.settings import Settings
    from sellerport.server.vault import create_key_file

    folder, stack = Path(tempfile.mkdtemp()), ExitStack()
    create_key_file(folder / "key")
    given = {"database": str(folder / "s.db"), "vault_key_file": str(folder / "key"), "port": "0"}
    settings = Settings.read({}, {**given, "amazon": f"http://127.0.0.1:{port}", "log_level": "warning"})
    server = stack.enter_context(serving(settings))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(stack.close)
    hub, account = server.up.hub, secrets(name)
    organization = server.do(hub.organizations.create("bench"))
    client = server.do(hub.access.create_client(organization.id, "bench"))
    made = server.do(
        hub.connections.create(
            Caller(organization.id),
            customer="bench",
            name="bench",
            marketplace=regions.marketplace("US"),
            refresh_token=account["refresh_token"],
            through=LwaClient(account["lwa_app_id"], account["lwa_client_secret"]),
        )
    )
    config = SellerportAuthConfig(
        server=server.up.url, client_id=client.id, client_secret=client.secret, connector_id=made.id
    )
    return executing(AmazonSellerPartnerConnector(config, environ={}))


def fresh(make: Callable[[], Call]) -> Call:
    """Make a client for each call."""
    return lambda: make()()


CONTENDERS: dict[str, Callable[[int, str], Measure]] = {
    "floor": lambda port, _: cpu_us(floor(port)),
    "floor-page": lambda port, _: cpu_us(floor(port, page=True)),
    "sellerport": lambda port, name: cpu_us(sellerport(port, name)),
    "sellerport-traced": lambda port, name: cpu_us(sellerport(port, name)),
    "sellerport-connector": lambda port, name: cpu_us(connector(port, name)),
    "sellerport-hosted": lambda port, name: cpu_us(hosted(port, name)),
    "airbyte-connector": lambda port, name: cpu_us(airbyte(port, name)),
    "sellerport-page": lambda port, name: cpu_us(sellerport(port, name, page=True)),
    "sellerport-fresh": lambda port, name: cpu_us(fresh(partial(sellerport, port, name))),
    "sellerport-async": lambda port, name: wall_ms(sellerport_async(port, name)),
    "sellerport-memory": lambda port, name: memory_kb(partial(sellerport, port, name)),
    "sellerport-threads": lambda port, name: thread_ms(partial(sellerport, port, name)),
    "sellerport-ads": lambda port, name: cpu_us(sellerport_ads(port, name)),
    "ad_api": lambda port, name: cpu_us(ad_api(port, name)),
    "sp_api": lambda port, name: cpu_us(sp_api(port, name)),
    "sp_api-page": lambda port, name: cpu_us(sp_api(port, name, page=True)),
    "sp_api-fresh": lambda port, name: cpu_us(fresh(partial(sp_api, port, name))),
    "sp_api-async": lambda port, name: wall_ms(sp_api_async(port, name)),
    "sp_api-memory": lambda port, name: memory_kb(partial(sp_api, port, name)),
    "sp_api-threads": lambda port, name: thread_ms(partial(sp_api, port, name)),
    "amzn": lambda port, name: cpu_us(amzn(port, name)),
    "amzn-mended": lambda port, name: cpu_us(amzn(port, name, mended=True)),
    "amzn-raw": lambda port, name: cpu_us(amzn_raw(port, name)),
    "amzn-page": lambda port, name: cpu_us(amzn(port, name, page=True, mended=True)),
    "amzn-page-raw": lambda port, name: cpu_us(amzn_raw(port, name, page=True)),
    "amzn-fresh": lambda port, name: cpu_us(fresh(partial(amzn, port, name, mended=True))),
    "amzn-memory": lambda port, name: memory_kb(partial(amzn, port, name, mended=True)),
    "amzn-threads": lambda port, name: thread_ms(partial(amzn, port, name, mended=True)),
}


def main() -> None:
    """Measure whenever standard input says so, until it closes."""
    name, port = sys.argv[1], int(sys.argv[2])
    if not name.endswith("-traced") and not name.startswith("airbyte"):  # which does not start without it
        sys.modules["opentelemetry"] = None  # type: ignore[assignment]  # Python's way to say that it is not installed
    measure = CONTENDERS[name](port, name)
    for line in sys.stdin:
        print(measure(int(line)), flush=True)


if __name__ == "__main__":
    main()
