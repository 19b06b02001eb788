"""What Sellerport costs beside python-amazon-sp-api, measured in one run: CPU time a call, imports, token requests.

    make bench                 # about a minute, most of it python-amazon-sp-api's

The peer has a venv of its own, which the Makefile makes. Rounds are interleaved and the least of each is taken, since
what disturbs a measurement only ever adds to it; trust the ratios, not the microseconds. Exits 1 where a bar is missed.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
PEER_PYTHON = HERE.parent / ".venv-peers" / "bin" / "python"  # the Makefile installs it
ROUNDS = 5
ENVIRON = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Modules are imported from their compiled form, as they are where it matters."""


@contextmanager
def stub() -> Iterator[int]:
    """Run the stub in a process of its own, and give its port."""
    command = [sys.executable, str(HERE / "stub.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.stdin.close()


def call_us(python: str, name: str, port: int, calls: int) -> float:
    """Return the CPU time of one call in microseconds."""
    command = [python, str(HERE / "contender.py"), name, str(port), str(calls)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True, env=ENVIRON).stdout)


def process_ms(python: str, code: str) -> float:
    """Return the CPU time of a whole Python process in milliseconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([python, "-c", code], check=True, env=ENVIRON)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) * 1e3


INDEX = (
    "import time, sellerport.catalog as c\ns = time.process_time(); c.index(); print((time.process_time() - s) * 1e3)"
)


def index_ms(python: str) -> float:
    """Return the CPU time of loading the catalogue's index in a fresh process, in milliseconds."""
    return float(subprocess.run([python, "-c", INDEX], check=True, capture_output=True, text=True, env=ENVIRON).stdout)


def measure(port: int, peer: str) -> dict[str, float]:
    """Return the least of every figure over the rounds."""
    ours = sys.executable
    figures: dict[str, Callable[[], float]] = {
        "floor": lambda: call_us(ours, "floor", port, 500),
        "reused": lambda: call_us(ours, "sellerport_reused", port, 500),
        "peer reused": lambda: call_us(peer, "peer_reused", port, 300),
        "fresh": lambda: call_us(ours, "sellerport_fresh", port, 500),
        "peer fresh": lambda: call_us(peer, "peer_fresh", port, 5),
        "bare python": lambda: process_ms(ours, "pass"),
        "import": lambda: process_ms(ours, "import sellerport"),
        "import client": lambda: process_ms(ours, "from sellerport import SellingPartner"),
        "peer import": lambda: process_ms(peer, "from sp_api.api import Orders"),
        "index": lambda: index_ms(ours),
    }
    least = dict.fromkeys(figures, float("inf"))
    for _ in range(ROUNDS):
        for name, figure in figures.items():
            least[name] = min(least[name], figure())
    return least


def cold_thread_tokens() -> int:
    """Return how many token requests twenty cold threads make."""
    with stub() as port:
        subprocess.run([sys.executable, str(HERE / "contender.py"), "threads", str(port), "1"], check=True)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/counts") as answer:
            counts = json.load(answer)
    assert counts["calls"] == 20
    return int(counts["tokens"])


def main() -> int:
    """Measure, print the table, and say whether every bar is held."""
    with stub() as port:
        least = measure(port, str(PEER_PYTHON))
    tokens = cold_thread_tokens()
    rows = [
        ("getOrders, client reused", "us", "reused", "peer reused", 1 / 2),
        ("getOrders, a client made for the call", "us", "fresh", "peer fresh", 1 / 50),
        ("import sellerport", "ms", "import", "peer import", 1 / 3),
        ("from sellerport import SellingPartner", "ms", "import client", "peer import", None),
    ]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("CPU time of", "Sellerport", "python-amazon-sp-api", "ratio", "bar", ""):
        table.add_column(name, justify="left" if name in ("CPU time of", "") else "right")
    held = True
    for what, unit, ours, theirs, bar in rows:
        ratio = least[ours] / least[theirs]
        held &= bar is None or ratio <= bar
        figures = f"{least[ours]:,.0f} {unit}", f"{least[theirs]:,.0f} {unit}", f"{ratio:.3f}"
        verdict = ("", "") if bar is None else (f"{bar:.3f}", "held" if ratio <= bar else "MISSED")
        table.add_row(what, *figures, *verdict)
    table.add_row(
        "index load", f"{least['index']:.1f} ms", "", "", "10 ms", "held" if least["index"] <= 10 else "MISSED"
    )
    table.add_row("token requests of 20 cold threads", str(tokens), "", "", "1", "held" if tokens == 1 else "MISSED")
    console = Console(width=130)
    console.print(table)
    floor, bare = least["floor"], least["bare python"]
    console.print(f"beside it: a bare http.client call {floor:,.0f} us, an empty Python process {bare:,.0f} ms")
    console.print(f"least of {ROUNDS} interleaved rounds, Python {sys.version.split()[0]}")
    return 0 if held and least["index"] <= 10 and tokens == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
