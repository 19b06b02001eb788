"""What a request costs that is passed through to Amazon, beside nginx and a proxy of FastAPI and httpx.

    python benchmarks/proxy.py              # a minute; `make bench` unpacks nginx and wrk for it

One worker each, in turn, before an nginx that stands for Amazon and answers 3 KB of JSON. The gateway has everything
on: the seller's token and secret, rate limits, the audit, a line in the log. What is measured is the processor time of
the proxy's process for a request; trust the ratios. Exits 1 where a bar is missed, and where there is no nginx or wrk.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from sqlalchemy import insert

from sellerport import catalog
from sellerport.oauth import LwaClient
from sellerport.regions import marketplace
from sellerport.server import scrubbing
from sellerport.server.hub import Caller
from sellerport.server.opening import open_hub
from sellerport.server.settings import Settings
from sellerport.server.store import sellers, tenants
from sellerport.server.vault import create_key_file

HERE = Path(__file__).parent
PEER_PYTHON = HERE.parent / ".venv-peers" / "bin" / "python"  # the Makefile installs it
UNPACKED = Path(sys.prefix) / "proxies"
PATH = os.pathsep.join(
    [os.environ.get("PATH", ""), "/usr/sbin", *(str(UNPACKED / one) for one in ("usr/sbin", "usr/bin"))]
)
LIBRARIES = os.pathsep.join(map(str, UNPACKED.glob("usr/lib/*")))

ROUNDS = 16
SECONDS = 1
SELDOM = 4
"""In which of the rounds the proxy of FastAPI takes its turn: it is far enough from its bar for a few to do."""
ITEMS = "/passthrough-api/fba/inventory/v1/summaries?granularityType=Marketplace&granularityId=ATVPDKIKX0DER"
SECRET = base64.b64encode(bytes(range(32))).decode()
BIG = 200 << 20

NGINX = """
daemon off; master_process off; pid {folder}/{name}.pid; error_log {folder}/{name}.log crit;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder};
  scgi_temp_path {folder};
  {rest}
}}
"""
AMAZON = """
  types {{ }} default_type application/json;
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    add_header x-amzn-RequestId 11111111-2222-3333-4444-555555555555;
    add_header x-amzn-RateLimit-Limit 1000000.0;
    location /api.amazon.com/ {{
      return 200 '{{"access_token":"Atza|bench","token_type":"bearer","expires_in":3600}}';
    }}
    location / {{ root {folder}; try_files /3k.json =404; }}
  }}
"""
PROXY = """
  upstream amazon {{ server 127.0.0.1:{amazon}; keepalive 128; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location /passthrough-api/ {{
      proxy_pass http://amazon/sellingpartnerapi-na.amazon.com/; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header x-amz-access-token "Atza|bench";
    }}
  }}
"""


@dataclass(frozen=True)
class Proxy:
    """A process that is measured."""

    pid: int
    port: int
    fields: tuple[str, ...] = ()

    @property
    def cpu_s(self) -> float:
        """The processor time that all of its threads took so far."""
        return sum(int(one.read_text().split()[0]) for one in Path(f"/proc/{self.pid}/task").glob("*/schedstat")) / 1e9

    @property
    def mb(self) -> float:
        """The memory that it has."""
        found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.pid}/status").read_text())
        assert found
        return int(found[1]) / 1024

    def load(self, connections: int, seconds: int = SECONDS) -> Load:
        """Put requests to it over so many connections, each as soon as the one before it is answered."""
        url = f"http://127.0.0.1:{self.port}{ITEMS}"
        headers = [part for one in self.fields for part in ("-H", one)]
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(HERE / "proxy.lua"), *headers, url]
        before = self.cpu_s
        said = subprocess.run(command, check=True, capture_output=True, text=True, env=_environ()).stdout
        cpu = self.cpu_s - before
        told = json.loads(said.splitlines()[-1])
        assert told["bad"] == 0, f"{told['bad']} of {told['requests']} requests were refused"
        return Load(cpu / told["requests"] * 1e6, told["p50"] / 1e3, told["p99"] / 1e3, told["requests"] / seconds)


@dataclass(frozen=True)
class Load:
    """What came of it: processor time a request in microseconds, waits in milliseconds, requests a second."""

    cpu_us: float
    p50_ms: float
    p99_ms: float
    rate: float


@contextmanager
def nginx(folder: Path, name: str, rest: str, **facts: int) -> Iterator[Proxy]:
    """Run an nginx of one process."""
    port = _free_port()
    known = {"folder": folder, "name": name, "port": port, **facts}
    (folder / f"{name}.conf").write_text(NGINX.format(rest=rest.format(**known), **known))
    command = ["nginx", "-p", str(folder), "-e", str(folder / f"{name}.log"), "-c", str(folder / f"{name}.conf")]
    with _process(command) as process:
        _await_port(port)
        yield Proxy(process.pid, port)


@contextmanager
def gateway(amazon: str) -> Iterator[Proxy]:
    """Run `sellerport serve`, with one seller."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        create_key_file(folder / "key")
        facts = {"database": folder / "bench.db", "vault_key_file": folder / "key", "amazon": amazon}
        token = asyncio.run(furnish(Settings(**facts)))
        environ = {f"SELLERPORT_{name.upper()}": str(value) for name, value in {**facts, "port": 0}.items()}
        command = [str(Path(sys.executable).with_name("sellerport")), "serve", "--json"]
        with _process(command, environ, stderr=subprocess.DEVNULL) as process:
            assert process.stdout is not None
            port = int(json.loads(process.stdout.readline())["url"].rpartition(":")[2])
            proxy = Proxy(process.pid, port, (f"x-seller-access-token: {token}", f"x-amazon-token-secret: {SECRET}"))
            request = urllib.request.Request(f"http://127.0.0.1:{port}{ITEMS}")
            for one in proxy.fields:
                request.add_header(*one.split(": "))
            with urllib.request.urlopen(request, timeout=10) as answer:  # after which the rate limit is known
                assert answer.status == 200
            time.sleep(0.5)  # and the bucket as full as Amazon's
            yield proxy


async def furnish(settings: Settings) -> str:
    """Make a seller whose grant the secret opens; return an access token of it."""
    async with open_hub(settings) as hub:
        owner, id = (await hub.organizations.create("Acme")).id, "11111111-1111-4111-8111-111111111111"
        made = await hub.connections.create(
            Caller(owner),
            customer=id,
            name="A seller",
            marketplace=marketplace("US"),
            refresh_token="Atzr|bench",
            through=LwaClient("amzn1.application-oa2-client.bench", "bench"),
            selling_partner_id="ABENCH",
            held_secret=SECRET,
        )
        seller = {"id": id, "organization_id": owner, "selling_partner_id": "ABENCH", "region": "na"}
        seller |= {"connection_id": made.id, "created_at": 0, "updated_at": 0}
        async with hub.tokens._database.writing() as store:
            await store.execute(insert(tenants).values(organization_id=owner, created_at=0))
            await store.execute(insert(sellers).values(seller))
        return await hub.gateway.signing.issue("seller", 86_400, tenant_id=owner, seller_id=id, sv=0)


@contextmanager
def fastapi(amazon_port: int) -> Iterator[Proxy]:
    """Run the proxy of FastAPI and httpx."""
    with _process([str(PEER_PYTHON), str(HERE / "fastapi_proxy.py"), str(amazon_port)]) as process:
        assert process.stdout is not None
        yield Proxy(process.pid, int(process.stdout.readline()))


class Slow:
    """An Amazon that sends 200 MB as fast as they are taken, and notes when its connections end."""

    def __init__(self) -> None:
        self.end = asyncio.Event()
        self.ended_at = 0.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                if head.startswith(b"POST"):
                    length = re.search(rb"(?i)content-length: (\d+)", head)
                    await reader.readexactly(int(length[1]) if length else 0)
                    token = b'{"access_token":"Atza|bench","token_type":"bearer","expires_in":3600}'
                    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(token), token))
                    continue
                size = BIG if b"granularityId=big" in head else 2
                rate = b"x-amzn-RateLimit-Limit: 1000000.0\r\n"
                writer.write(b"HTTP/1.1 200 OK\r\n%bcontent-length: %d\r\n\r\n" % (rate, size))
                for _ in range(size >> 16):
                    writer.write(bytes(1 << 16))
                    await writer.drain()
                writer.write(bytes(size % (1 << 16)))
        except (ConnectionError, asyncio.IncompleteReadError):
            self.ended_at = time.perf_counter()
            self.end.set()
        finally:
            writer.close()


async def slow_readers(proxy: Proxy) -> float:
    """Have four clients read 200 MB at 1 MB a second for a while; return how many MB the proxy grew."""
    before = most = proxy.mb

    async def read() -> None:
        reader, writer = await _ask(proxy)
        for _ in range(40):
            await reader.readexactly(50_000)
            await asyncio.sleep(0.05)
        writer.close()

    readers = [asyncio.create_task(read()) for _ in range(4)]
    while not all(one.done() for one in readers):
        most = max(most, proxy.mb)
        await asyncio.sleep(0.02)
    await asyncio.gather(*readers)
    return most - before


async def leaves(proxy: Proxy, slow: Slow) -> float:
    """Let a client leave in the middle of an answer; return after how many seconds its upstream was closed."""
    reader, writer = await _ask(proxy)
    await reader.readexactly(100_000)
    slow.end.clear()
    left = time.perf_counter()
    writer.close()
    try:
        async with asyncio.timeout(5):
            await slow.end.wait()
    except TimeoutError:
        return float("inf")
    return slow.ended_at - left


async def _ask(proxy: Proxy) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port, limit=1 << 16)
    path = ITEMS.replace("ATVPDKIKX0DER", "big")
    lines = "".join(f"{one}\r\n" for one in proxy.fields)
    writer.write(f"GET {path} HTTP/1.1\r\nhost: x\r\n{lines}\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def streams() -> tuple[float, float]:
    """Return what four slow readers cost in MB, and the longest that an upstream was kept for nobody, in seconds."""
    slow = Slow()
    server = await asyncio.start_server(slow.serve, "127.0.0.1", 0, limit=1 << 16)
    port = server.sockets[0].getsockname()[1]
    with ExitStack() as stack:
        started = await asyncio.to_thread(stack.enter_context, gateway(f"http://127.0.0.1:{port}"))
        grown = await slow_readers(started)
        late = max([await leaves(started, slow) for _ in range(5)])
        await asyncio.to_thread(stack.close)
    server.close()
    return grown, late


def scrubbed() -> float:
    """Return what a page of orders costs to be scrubbed, in microseconds of processor time a KB."""
    address = {"Name": "Jane Doe", "AddressLine1": "1 Main St", "City": "Seattle", "StateOrRegion": "WA"}
    address |= {"PostalCode": "98101", "CountryCode": "US", "Phone": "2065550100"}
    order = {
        "AmazonOrderId": "902-1845936-5435065",
        "PurchaseDate": "2026-10-01T08:00:00Z",
        "LastUpdateDate": "2026-10-02T08:00:00Z",
        "OrderStatus": "Shipped",
        "FulfillmentChannel": "AFN",
        "SalesChannel": "Amazon.com",
        "ShipServiceLevel": "Std US D2D Dom",
        "OrderTotal": {"CurrencyCode": "USD", "Amount": "11.01"},
        "NumberOfItemsShipped": 1,
        "NumberOfItemsUnshipped": 0,
        "PaymentMethod": "Other",
        "PaymentMethodDetails": ["Standard"],
        "MarketplaceId": "ATVPDKIKX0DER",
        "ShipmentServiceLevelCategory": "Standard",
        "EarliestShipDate": "2026-10-02T08:00:00Z",
        "LatestShipDate": "2026-10-03T08:00:00Z",
        "IsBusinessOrder": False,
        "IsPrime": False,
        "IsPremiumOrder": False,
        "IsGlobalExpressEnabled": False,
        "ShippingAddress": address,
        "BuyerInfo": {"BuyerEmail": "jane@marketplace.example.test", "BuyerName": "Jane Doe"},
    }
    page = json.dumps({"payload": {"Orders": [order] * 100}}).encode()
    plan = scrubbing.plan(catalog.find("orders_v0.get_orders"), "placeholders")
    assert plan is not None, "orders are about buyers"
    least = float("inf")
    for _ in range(30):
        begun = time.process_time()
        plan.scrub(page, "application/json", link=lambda url, facts: url)
        least = min(least, time.process_time() - begun)
    return least * 1e6 / (len(page) / 1024)


def compete() -> dict[str, list[Load]]:
    """Return what a request costs each proxy, in rounds in which all take their turn: at 64 connections, then at 8."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "3k.json").write_bytes(
            json.dumps({"items": [{"asin": f"B{n:09}", "x": "y" * 60} for n in range(28)]}).encode()
        )
        amazon = stack.enter_context(nginx(folder, "amazon", AMAZON))
        proxies = {
            "direct": amazon,
            "nginx": stack.enter_context(nginx(folder, "proxy", PROXY, amazon=amazon.port)),
            "gateway": stack.enter_context(gateway(f"http://127.0.0.1:{amazon.port}")),
            "fastapi": stack.enter_context(fastapi(amazon.port)),
        }
        found: dict[str, list[Load]] = {}
        for name, connections in (("64", 64), ("8", 8)):
            for turn in range(ROUNDS):
                for one, proxy in proxies.items():
                    if one == "fastapi" and turn % SELDOM:
                        continue
                    found.setdefault(f"{one}-{name}", []).append(proxy.load(connections))
        return found


def _environ() -> dict[str, str]:
    return {**os.environ, "PATH": PATH, "LD_LIBRARY_PATH": LIBRARIES}


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _await_port(port: int) -> None:
    until = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)


@contextmanager
def _process(
    command: list[str], environ: Mapping[str, str] = MappingProxyType({}), **how: Any
) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**_environ(), **environ}, **how
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


Row = tuple[str, str, str, bool | None]
"""What, the figure, the bar, and whether it is held."""


def rows(loads: dict[str, list[Load]], grown: float, late: float, scrub: float) -> list[Row]:
    """Return the table's lines: what, the figure, the bar and whether it is held."""
    least = {name: min(one.cpu_us for one in found) for name, found in loads.items()}
    p50, p99 = (
        min(getattr(one, name) for one in loads["gateway-8"]) - min(getattr(one, name) for one in loads["direct-8"])
        for name in ("p50_ms", "p99_ms")
    )
    to_nginx, to_fastapi = least["gateway-64"] / least["nginx-64"], least["fastapi-64"] / least["gateway-64"]
    table: list[Row] = [
        (f"{name} of a request, {count} connections: CPU", f"{least[f'{name}-{count}']:.0f} us", "", None)
        for count in (64, 8)
        for name in ("nginx", "gateway", "fastapi")
    ]
    return [
        *table,
        ("gateway beside nginx, 64 connections", f"{to_nginx:.1f} times", "6 times", to_nginx <= 6),
        ("  8 connections", f"{least['gateway-8'] / least['nginx-8']:.1f} times", "", None),
        ("FastAPI and httpx beside the gateway", f"{to_fastapi:.1f} times", "at least 15 times", to_fastapi >= 15),
        ("most requests a second, one worker", f"{max(one.rate for one in loads['gateway-64']):,.0f}", "", None),
        ("added to half of the waits, 8 connections", f"{p50:.2f} ms", "2 ms", p50 <= 2),
        ("added to 99 of 100", f"{p99:.2f} ms", "10 ms", p99 <= 10),
        ("a page of orders scrubbed: CPU a KB", f"{scrub:.1f} us", "6 us", scrub <= 6),
        ("four slow readers of 200 MB: memory", f"{grown:.0f} MB", "20 MB", grown <= 20),
        ("a client left: upstream closed after", f"{late * 1e3:.0f} ms", "200 ms", late <= 0.2),
    ]


def main() -> int:
    """Measure, print the table, and say whether every bar is held."""
    missing = [name for name in ("nginx", "wrk") if shutil.which(name, path=PATH) is None]
    if missing:
        print(f"the passthrough is NOT measured: no {' and no '.join(missing)} here; `make bench` unpacks Debian's")
        return 1
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    found = rows(compete(), *asyncio.run(streams()), scrubbed())
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("passed through, 3 KB, one worker", "Sellerport", "bar", ""):
        table.add_column(column, justify="right" if column in ("Sellerport", "bar") else "left")
    for what, figure, bar, held in found:
        table.add_row(what, figure, bar, "" if held is None else "held" if held else "MISSED")
    Console(width=130).print(table)
    return int(any(held is False for *_, held in found))


if __name__ == "__main__":
    sys.exit(main())
