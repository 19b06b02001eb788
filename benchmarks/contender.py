"""Makes calls with one client, and prints the CPU time of one in microseconds.

python benchmarks/contender.py NAME PORT CALLS
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable

SECRETS = {"refresh_token": "Atzr|bench", "lwa_app_id": "amzn1.bench", "lwa_client_secret": "bench"}
ARGUMENTS = {"CreatedAfter": "2026-01-01T00:00:00Z"}
US = "ATVPDKIKX0DER"


def sellerport_reused(port: int) -> Callable[[], object]:
    """Sellerport, one client for all calls."""
    from sellerport import SellingPartner

    sp = SellingPartner(SECRETS, amazon=f"http://127.0.0.1:{port}")
    return lambda: sp.orders_v0.get_orders(created_after="2026-01-01T00:00:00Z", marketplace_ids=[US]).payload["Orders"]


def sellerport_fresh(port: int) -> Callable[[], object]:
    """Sellerport, a client made for each call."""
    from sellerport import SellingPartner

    def once() -> object:
        sp = SellingPartner(SECRETS, amazon=f"http://127.0.0.1:{port}")
        return sp.orders_v0.get_orders(created_after="2026-01-01T00:00:00Z", marketplace_ids=[US]).payload["Orders"]

    return once


def _peer(port: int) -> Callable[[], object]:
    from types import SimpleNamespace

    from sp_api.api import Orders
    from sp_api.auth import AccessTokenClient

    class LocalLwa(AccessTokenClient):
        scheme = "http://"
        host = f"127.0.0.1:{port}"

    local = SimpleNamespace(endpoint=f"http://127.0.0.1:{port}", marketplace_id=US, region="us-east-1")
    return lambda: Orders(marketplace=local, auth_token_client_class=LocalLwa, credentials=SECRETS)


def peer_reused(port: int) -> Callable[[], object]:
    """python-amazon-sp-api, one client for all calls."""
    orders = _peer(port)()
    return lambda: orders.get_orders(**ARGUMENTS).payload["Orders"]


def peer_fresh(port: int) -> Callable[[], object]:
    """python-amazon-sp-api, a client made for each call, as its README does."""
    make = _peer(port)
    return lambda: make().get_orders(**ARGUMENTS).payload["Orders"]


def floor(port: int) -> Callable[[], object]:
    """A bare http.client and json: what no client can go below by much."""
    from http.client import HTTPConnection

    connection = HTTPConnection("127.0.0.1", port)

    def once() -> object:
        path = f"/orders/v0/orders?MarketplaceIds={US}&CreatedAfter=2026-01-01T00%3A00%3A00Z"
        connection.request("GET", path, headers={"x-amz-access-token": "Atza|bench"})
        return json.loads(connection.getresponse().read())["payload"]["Orders"]

    return once


def threads(port: int) -> None:
    """Twenty threads, each with a cold client of its own, all at once."""
    ready = threading.Barrier(20)

    def one() -> None:
        call = sellerport_fresh(port)
        ready.wait()
        call()

    running = [threading.Thread(target=one) for _ in range(20)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


def main() -> None:
    """Warm up with five calls, then measure."""
    name, port, calls = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    if name == "threads":
        threads(port)
        return
    call = globals()[name](port)
    for _ in range(5):
        assert call()
    started = time.process_time()
    for _ in range(calls):
        call()
    print((time.process_time() - started) / calls * 1e6)


if __name__ == "__main__":
    main()
