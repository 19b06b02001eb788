"""What Sellerport costs beside other clients, measured in one run, and whether its bars are held.

    make bench

Four peers are measured, python-amazon-sp-api, amzn-sp-api, for the Ads API python-amazon-ad-api and of connectors
airbyte-agent-sdk, in a venv of their own, and a bare ``http.client`` as the floor. Every client has a process, which is
told again and again to make some calls, in turn with the others; the least of its figures is taken, since what disturbs
a measurement only ever adds to it. Trust the ratios, not the microseconds. Then come the local Amazon (`emulator.py`),
rate limits (`limits.py`), a server's access tokens (`tokens.py`) and what it passes through (`proxy.py`), each with a
table of its own.
Exits 1 where a bar is missed.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
PEER_PYTHON = HERE.parent / ".venv-peers" / "bin" / "python"  # the Makefile installs it
ENVIRON = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Modules are imported from their compiled form, as they are where it matters."""
MOST_S = 235
"""A run is given up after so many seconds."""

Figures = dict[str, float]
"""Contender or quantity → its least figure."""

CALLS = {
    "floor": 100,
    "sellerport": 100,
    "sellerport-traced": 100,
    "sp_api": 30,
    "amzn": 5,
    "amzn-mended": 30,
    "amzn-raw": 50,
    "sellerport-connector": 100,
    "airbyte-connector": 20,
    "sellerport-hosted": 20,
}
"""Contenders, and how many calls (or clients) each makes in a round."""
ADS = {"sellerport-ads": 100, "ad_api": 30}
PAGES = {"floor-page": 30, "sellerport-page": 30, "sp_api-page": 20, "amzn-page": 3, "amzn-page-raw": 30}
FRESH = {"sellerport-fresh": 50, "sp_api-fresh": 2, "amzn-fresh": 10}
ASYNC = {"sellerport-async": 200, "sp_api-async": 200}
MEMORY = {"sellerport-memory": 200, "sp_api-memory": 40, "amzn-memory": 100}
THREADS = {"sellerport-threads": 20, "sp_api-threads": 20, "amzn-threads": 20}

IMPORTS = {
    "bare": (sys.executable, "pass"),
    "import": (sys.executable, "import sellerport"),
    "import-client": (sys.executable, "from sellerport import SellingPartner"),
    "sp_api-import": (str(PEER_PYTHON), "from sp_api.api import Orders"),
    "amzn-import": (str(PEER_PYTHON), "from spapi import OrdersV0Api, SPAPIClient"),
}
INDEX = "import time, sellerport.catalog as c; s = time.process_time(); c.index(); print(time.process_time() - s)"


class Contender:
    """A process of `contender.py`."""

    def __init__(self, stack: ExitStack, name: str, port: int) -> None:
        python = sys.executable if name.startswith(("sellerport", "floor")) else str(PEER_PYTHON)
        self._process = _start(stack, [python, str(HERE / "contender.py"), name, str(port)])

    def measure(self, count: int) -> float:
        """Have it make so many calls, and return its figure."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(count, file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())


def _start(stack: ExitStack, command: list[str]) -> subprocess.Popen[str]:
    """Start a process that ends when its standard input closes, or else is killed."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRON)

    def stop() -> None:
        try:
            process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()

    stack.callback(stop)
    return process


@contextmanager
def stub(delay_ms: int = 0) -> Iterator[int]:
    """Run the stub in a process of its own, and give its port."""
    with ExitStack() as stack:
        process = _start(stack, [sys.executable, str(HERE / "stub.py"), str(delay_ms)])
        assert process.stdout is not None
        yield int(process.stdout.readline())


def compete(port: int, counts: dict[str, int], rounds: int) -> Figures:
    """Return the least figure of each contender, over rounds in which all take their turn."""
    with ExitStack() as stack:
        contenders = {name: Contender(stack, name, port) for name in counts}
        least = dict.fromkeys(counts, float("inf"))
        for _ in range(rounds):
            for name, contender in contenders.items():
                least[name] = min(least[name], contender.measure(counts[name]))
    return least


def at_once(rounds: int) -> Figures:
    """Return the least figures of calls that are all made at once, and the token requests that all of them took.

    The first calls of all are made cold, and as many as the catalogue allows; what the stub answers lifts the limit.
    """
    with stub(delay_ms=20) as port, ExitStack() as stack:
        contenders = {name: Contender(stack, name, port) for name in ASYNC}
        for contender in contenders.values():
            contender.measure(20)
        least = dict.fromkeys(ASYNC, float("inf"))
        for _ in range(rounds):
            for name, contender in contenders.items():
                least[name] = min(least[name], contender.measure(ASYNC[name]))
        return least | {f"{name}-tokens": count for name, count in tokens(port).items()}


def tokens(port: int) -> Figures:
    """Return how many token requests each contender made."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/tokens", timeout=5) as answer:
        return {name: float(count) for name, count in json.load(answer).items()}


def imports(rounds: int) -> Figures:
    """Return the least CPU time of whole Python processes, and of loading the catalogue's index, in milliseconds."""
    least = dict.fromkeys([*IMPORTS, "index"], float("inf"))
    for _ in range(rounds):
        for name, (python, code) in IMPORTS.items():
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([python, "-c", code], check=True, env=ENVIRON)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
            least[name] = min(least[name], spent * 1e3)
        took = subprocess.run([sys.executable, "-c", INDEX], check=True, capture_output=True, text=True, env=ENVIRON)
        least["index"] = min(least["index"], float(took.stdout) * 1e3)
    return least


def reports() -> Figures:
    """Return the extra memory of a large report, in MB; of a process of its own, as peaks of memory are inherited."""
    command = [sys.executable, str(HERE / "documents.py")]
    said = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True, env=ENVIRON).stdout
    return {f"report-{way}": found["extra_mb"] for way, found in json.loads(said).items()}


@dataclass(frozen=True)
class Row:
    """One line of the table.

    ``ratio`` is the bar on how our figure stands to the least of theirs, ``most`` the bar on our figure itself.
    """

    what: str
    unit: str
    ours: str
    theirs: tuple[str, ...] = ()
    ratio: float | None = None
    most: float | None = None

    def held(self, figures: Figures) -> bool:
        """Return whether its bar is held; what has none holds."""
        ours = figures[self.ours]
        return (self.ratio is None or ours <= self.ratio * self._least(figures)) and (
            self.most is None or ours <= self.most
        )

    def cells(self, figures: Figures) -> list[str]:
        """Return its cells: what, ours, each peer's best, their ratio, the bar and the verdict."""
        ours = figures[self.ours]
        ratio = f"{ours / self._least(figures):.3g}" if self.theirs else ""
        bar = "" if self.ratio is None else f"{self.ratio:.2g} of it" if self.ratio < 1 else f"{self.ratio:g} times it"
        bar = bar if self.most is None else f"{self.most:g} {self.unit}"
        verdict = "" if not bar else "held" if self.held(figures) else "MISSED"
        peers = [self._cell(figures, [name for name in self.theirs if name.startswith(peer)]) for peer in PEERS]
        return [self.what, self._cell(figures, [self.ours]), *peers, ratio, bar, verdict]

    def _least(self, figures: Figures) -> float:
        return min(figures[name] for name in self.theirs)

    def _cell(self, figures: Figures, names: list[str]) -> str:
        if not names:
            return ""
        figure = min(figures[name] for name in names)
        return f"{figure:,.{0 if figure >= 20 or figure.is_integer() else 1}f} {self.unit}".rstrip()


PEERS = {
    "sp_api": "python-amazon-sp-api",
    "amzn": "amzn-sp-api",
    "ad_api": "python-amazon-ad-api",
    "airbyte": "airbyte-agent-sdk",
    "floor": "http.client",
}
AMZN = ("amzn", "amzn-mended", "amzn-raw")

ROWS = (
    Row("getOrders, client reused: CPU", "us", "sellerport", ("sp_api", *AMZN), ratio=1 / 2),
    Row("", "us", "sellerport", ("floor",), ratio=2),
    Row("  with OpenTelemetry installed", "us", "sellerport-traced", ("floor",), ratio=2),
    Row("page of 100 orders, ours typed: CPU", "us", "sellerport-page", ("sp_api-page", "amzn-page-raw"), ratio=1),
    Row("", "us", "sellerport-page", ("floor-page",)),
    Row("  beside the other typed one", "us", "sellerport-page", ("amzn-page",)),
    Row("sp.campaigns.list, client reused: CPU", "us", "sellerport-ads", ("ad_api",), ratio=1 / 4),
    Row("client made for the call: CPU", "us", "sellerport-fresh", ("sp_api-fresh",), ratio=1 / 50),
    Row("", "us", "sellerport-fresh", ("amzn-fresh",), ratio=1 / 2),
    Row("200 calls at once, answers take 20 ms", "ms", "sellerport-async", ("sp_api-async",), ratio=1 / 5),
    Row("  token requests of all of them", "", "sellerport-async-tokens", ("sp_api-async-tokens",), most=1),
    Row("20 cold threads: token requests", "", "sellerport-threads", ("sp_api-threads", "amzn-threads"), most=1),
    Row("a connector's orders.list: CPU", "us", "sellerport-connector", ("airbyte-connector",), ratio=1 / 5),
    Row("  through a server, CPU of both", "us", "sellerport-hosted", ("sellerport-connector",)),
    Row("memory of a live client", "KB", "sellerport-memory", ("sp_api-memory", "amzn-memory"), most=200),
    Row("200 MB report to disk: extra memory", "MB", "report-blocking", most=64),
    Row("  for asyncio", "MB", "report-async", most=64),
    Row("  then through all of its rows", "MB", "report-rows", most=64),
    Row("import sellerport: CPU of a process", "ms", "import", ("sp_api-import", "amzn-import"), ratio=1 / 3),
    Row("from sellerport import SellingPartner", "ms", "import-client", ("sp_api-import", "amzn-import")),
    Row("index load: CPU", "ms", "index", most=10),
)


def measure() -> Figures:
    """Measure everything, in one to two minutes."""
    figures: Figures = {}
    with stub() as port:
        for counts, rounds in ((CALLS, 30), (PAGES, 20), (ADS, 30), (FRESH, 15), (MEMORY, 1)):
            figures |= compete(port, counts, rounds)
    with stub() as port:
        compete(port, THREADS, 1)
        figures |= tokens(port)
    return figures | at_once(5) | imports(7) | reports()


def show(figures: Figures) -> None:
    """Print the table."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("the least of")
    for name in ("Sellerport", *PEERS.values(), "ratio", "bar"):
        table.add_column(name, justify="right")
    table.add_column("")
    for row in ROWS:
        table.add_row(*row.cells(figures))
    console = Console(width=170)
    console.print(table)
    ways = ", ".join(f"{name} {figures[name]:,.0f} us" for name in AMZN)
    console.print(f"amzn-sp-api reused, in its first calls, with its leak mended, without its models: {ways}")
    console.print(f"beside it: an empty Python process {figures['bare']:,.0f} ms; Python {sys.version.split()[0]}")


def _give_up(*_: object) -> None:
    raise TimeoutError(f"not done after {MOST_S} seconds")


def main() -> int:
    """Measure, print the table, and say whether every bar is held."""
    signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(MOST_S)
    figures = measure()
    show(figures)

    import emulator
    import limits  # which brings the local Amazon: a bench of its size starts processes more slowly
    import proxy
    import tokens

    missed = emulator.main() + limits.main()
    signal.alarm(MOST_S)
    missed += tokens.main()
    signal.alarm(MOST_S)
    missed += proxy.main()
    return int(missed > 0 or any(not row.held(figures) for row in ROWS))


if __name__ == "__main__":
    sys.exit(main())
