"""What a large report costs: 200 MB, gzipped, from the local Amazon to the disk, and from there through its rows.

    .venv/bin/python benchmarks/documents.py

Prints one JSON object: for each client the peak of memory beyond that of a small report, in MB, the processor's time
and the clock's, in seconds. The local Amazon is a process of its own. Exits 1 where the bar of 64 MB is missed.
"""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

SIZE = 200_000_000
BAR_MB = 64
TYPE = "GET_MERCHANT_LISTINGS_ALL_DATA"
CREDENTIALS = {
    "refresh_token": "Atzr|local-seller-na",
    "lwa_app_id": "amzn1.application-oa2-client.local",
    "lwa_client_secret": "local-secret",
}
SERVER = """
import sys, threading
from sellerport.emulator import World, running
with running(World(polls=0)) as address:
    print(address, flush=True)
    sys.stdin.read()
"""


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(fetch: Callable[[], object]) -> dict[str, float]:
    before, cpu, clock = peak_mb(), time.process_time(), time.perf_counter()
    fetch()
    return {
        "extra_mb": round(peak_mb() - before, 1),
        "cpu_s": round(time.process_time() - cpu, 2),
        "wall_s": round(time.perf_counter() - clock, 2),
    }


def blocking(address: str, file: Path) -> Callable[[], object]:
    from sellerport import SellingPartner

    sp = SellingPartner(CREDENTIALS, amazon=address, environ={})
    return lambda: sp.reports.fetch(TYPE, to=file)


def awaiting(address: str, file: Path) -> Callable[[], object]:
    from sellerport import AsyncSellingPartner

    sp, runner = AsyncSellingPartner(CREDENTIALS, amazon=address, environ={}), asyncio.Runner()

    async def fetch() -> None:
        await sp.reports.fetch(TYPE, to=file)

    return lambda: runner.run(fetch())


def reading(address: str, file: Path) -> Callable[[], object]:
    from sellerport.documents import Document

    with file.open("w") as written:
        written.write("sku\titem-name\tquantity\n")
        for number in range(SIZE // 100):
            written.write(f"SKU-{number:010}\t{'x' * 80}\t12\n")
    return lambda: sum(1 for _ in Document(file).rows())


WAYS = {"blocking": blocking, "async": awaiting, "rows": reading}


def child(way: str, address: str, size: int) -> None:
    """Measure one way in this process: a small report first, so that what it takes to begin is not counted."""
    with tempfile.TemporaryDirectory() as folder:
        fetch = WAYS[way](address, Path(folder) / "report.tsv")
        if way != "rows":
            fetch()
            plan(address, size)
        print(json.dumps(measured(fetch)))


def plan(address: str, size: int) -> None:
    body = json.dumps({"size": size}).encode()
    request = urllib.request.Request(f"{address}/_emulator/documents", body, {"content-type": "application/json"})
    urllib.request.urlopen(request).read()


@contextmanager
def amazon() -> Iterator[str]:
    command = [sys.executable, "-c", SERVER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


def measure(size: int = SIZE) -> dict[str, dict[str, float]]:
    """Return the figures of each way, each from a process of its own."""
    with amazon() as address:
        command = [sys.executable, __file__]
        return {
            way: json.loads(subprocess.check_output([*command, way, address, str(size)], text=True)) for way in WAYS
        }


if __name__ == "__main__":
    if len(sys.argv) > 1:
        child(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    else:
        figures = measure()
        print(json.dumps(figures, indent=2))
        sys.exit(any(one["extra_mb"] > BAR_MB for one in figures.values()))
