"""How fast the local Amazon starts, what 100,000 orders take of memory, and how many requests a second it answers then.

    python benchmarks/emulator.py     # about twenty seconds

It is the real process, `sellerport emulate`, asked over a few connections that are kept alive. Rates are of a second of
its own CPU time, so that they say the same on a busy machine; beside them is what came of it. Exits 1 where a bar is
missed.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from rich import box
from rich.console import Console
from rich.table import Table

COMMAND = Path(sys.executable).with_name("sellerport")
ORDERS = 100_000
"""In all; each of the three sellers has a third of them."""
CONNECTIONS = 4
SECONDS = 1.0
STARTS = 2

MOST_START_S, MOST_MB = 1.5, 256

HOMES = {"na": "ATVPDKIKX0DER", "eu": "A1PA6795UKMFR9", "fe": "A1VC38T7YXB528"}
"""A marketplace of each seller."""
US = HOMES["na"]
LONG_AGO = "2020-01-01T00:00:00Z"
PAGE = {"MarketplaceIds": US, "CreatedAfter": LONG_AGO}
LISTED = {"marketplaceIds": US, "keywords": "mug", "includedData": "summaries,attributes"}
STOCKED = {"marketplaceIds": US, "granularityType": "Marketplace", "granularityId": US}
DAILY = {"marketplaceIds": US, "interval": "{month}--{now}", "granularity": "Day", "granularityTimeZone": "UTC"}

CALLS: Mapping[str, tuple[str, Mapping[str, str], float]] = {
    "getOrder": ("/orders/v0/orders/{order}", {}, 1000),
    "getOrders, a page of 100": ("/orders/v0/orders", PAGE, 70),
    "  the page after it": ("/orders/v0/orders", {"MarketplaceIds": US, "NextToken": "{token}"}, 70),
    "searchOrders, a page of 100": ("/orders/2026-01-01/orders", {"lastUpdatedAfter": LONG_AGO}, 100),
    "searchCatalogItems": ("/catalog/2022-04-01/items", LISTED, 200),
    "getInventorySummaries": ("/fba/inventory/v1/summaries", STOCKED, 15),
    "listTransactions, a page of 100": ("/finances/2024-06-19/transactions", {"postedAfter": "{month}"}, 10),
    "getOrderMetrics, by day": ("/sales/v1/orderMetrics", DAILY, 6),
}
"""Each call's path and query, and how often a second of CPU time has to answer it: about a third of what was seen."""


@dataclass(frozen=True)
class Emulator:
    """A local Amazon in a process of its own."""

    process: subprocess.Popen[str]
    told: Mapping[str, str]

    def ask(self, path: str, token: str | None = None, form: Mapping[str, str] | None = None) -> Any:
        """Ask once, and return the JSON that is answered."""
        headers = {"x-amz-access-token": token} if token else {}
        body = urlencode(form).encode() if form else None
        request = urllib.request.Request(f"{self.told['SELLERPORT_AMAZON']}{path}", body, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def token(self, seller: str) -> str:
        """Return an access token of a seller."""
        client = {"client_id": self.told["LWA_APP_ID"], "client_secret": self.told["LWA_CLIENT_SECRET"]}
        form = {"grant_type": "refresh_token", "refresh_token": f"Atzr|local-seller-{seller}", **client}
        return str(self.ask("/auth/o2/token", form=form)["access_token"])

    def orders(self, seller: str) -> dict[str, Any]:
        """Return a seller's first page of orders."""
        query = urlencode({"CreatedAfter": LONG_AGO, "MarketplaceIds": HOMES[seller]})
        found: dict[str, Any] = self.ask(f"/orders/v0/orders?{query}", self.token(seller))["payload"]
        return found

    @property
    def cpu_s(self) -> float:
        """The CPU time that it took so far; where the system does not tell (macOS), the time that passed."""
        stat = Path(f"/proc/{self.process.pid}/stat")
        if not stat.exists():
            return time.perf_counter()
        user, system = stat.read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    @property
    def mb(self) -> float:
        """The memory that it has."""
        said = subprocess.run(["ps", "-o", "rss=", "-p", str(self.process.pid)], check=True, capture_output=True)
        return int(said.stdout) / 1024


@contextmanager
def started(orders: int | None = None) -> Iterator[Emulator]:
    """Run a local Amazon whose sellers have so many orders each, or as many as it gives them by itself."""
    command = [str(COMMAND), "emulate", "--port", "0", "--json"]
    command += [] if orders is None else ["--orders", str(orders)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Emulator(process, json.loads(process.stdout.readline()))
        finally:
            process.terminate()


def first_answer(orders: int | None = None) -> float:
    """Return how long it takes from the start of the process to a page of orders, the token for it included."""
    begun = time.perf_counter()
    with started(orders) as emulator:
        emulator.orders("na")
        return time.perf_counter() - begun


async def asked(emulator: Emulator, request: bytes) -> tuple[float, float]:
    """Return how often a request is answered in a second of CPU time and of all, if a few connections ask on and on."""
    place, worked = urlsplit(emulator.told["SELLERPORT_AMAZON"]), emulator.cpu_s
    answered, begun = 0, time.perf_counter()

    async def work() -> None:
        nonlocal answered
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        while time.perf_counter() - begun < SECONDS:
            writer.write(request)
            status, *headers = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
            assert b" 200 " in status, status
            length = next(int(one.partition(b":")[2]) for one in headers if one.startswith(b"content-length:"))
            await reader.readexactly(length)
            answered += 1
        writer.close()

    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    return answered / (emulator.cpu_s - worked), answered / (time.perf_counter() - begun)


def rates(emulator: Emulator) -> dict[str, tuple[float, float]]:
    """Return how often each call is answered in a second of CPU time and of all."""
    page, token, now = emulator.orders("na"), emulator.token("na"), datetime.now(UTC).replace(microsecond=0)
    known = {
        "order": page["Orders"][0]["AmazonOrderId"],
        "token": page["NextToken"],
        "month": f"{now - timedelta(days=30):%Y-%m-%dT%H:%M:%SZ}",
        "now": f"{now:%Y-%m-%dT%H:%M:%SZ}",
    }
    found = {}
    for name, (path, query, _) in CALLS.items():
        given = urlencode({one: value.format(**known) for one, value in query.items()}, quote_via=quote)
        head = f"GET {path.format(**known)}?{given} HTTP/1.1\r\nhost: 127.0.0.1\r\nx-amz-access-token: {token}\r\n\r\n"
        emulator.ask(f"{path.format(**known)}?{given}", token)  # what is made once is not measured
        found[name] = asyncio.run(asked(emulator, head.encode()))
    return found


def main() -> int:
    """Measure, print the table, and say whether every bar is held."""
    default = min(first_answer() for _ in range(STARTS))
    full = min(first_answer(ORDERS // len(HOMES)) for _ in range(STARTS))
    with started(ORDERS // len(HOMES)) as emulator:
        empty = emulator.mb
        for seller in HOMES:
            emulator.orders(seller)
        seeded = emulator.mb
        answered = rates(emulator)
        worked = emulator.mb
    rows: list[tuple[str, str, str, bool | None]] = [
        ("start to the first page of orders", f"{default:.2f} s", f"{MOST_START_S} s", default <= MOST_START_S),
        (f"  with {ORDERS:,} orders", f"{full:.2f} s", "", None),
        ("memory, before anybody asked for orders", f"{empty:.0f} MB", "", None),
        ("  with all orders made", f"{seeded:.0f} MB", "", None),
        ("  after all that is asked below", f"{worked:.0f} MB", f"{MOST_MB} MB", worked <= MOST_MB),
    ]
    for name, (_, _, least) in CALLS.items():
        of_cpu, of_all = answered[name]
        rows.append((name, f"{of_cpu:,.0f}/s ({of_all:,.0f})", f"{least:g}/s", of_cpu >= least))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in (f"local Amazon, {ORDERS:,} orders, {CONNECTIONS} connections", "Sellerport", "bar", ""):
        table.add_column(column, justify="right" if column in ("Sellerport", "bar") else "left")
    for what, figure, bar, held in rows:
        table.add_row(what, figure, bar, "" if held is None else "held" if held else "MISSED")
    Console(width=130).print(table)
    return int(any(held is False for *_, held in rows))


if __name__ == "__main__":
    sys.exit(main())
