"""What goes on because somebody waits for a notification of it.

Reports, feeds, queries and orders from elsewhere move on when they are asked for (see `jobs`), schedules when they are
looked at, and what is aggregated waits for the clock. Whoever waits for a notification does not ask, so a look into the
queue where it will be is a look at all that it may come from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sellerport import catalog
from sellerport.emulator import data_kiosk, feeds, reports
from sellerport.emulator.call import Call
from sellerport.emulator.grants import DEFAULT_APPLICATION, AccessToken
from sellerport.emulator.jobs import OPEN, Job, Kind
from sellerport.emulator.queue import Name
from sellerport.emulator.subscriptions import JOBS, OUTGOING, release
from sellerport.emulator.world import World

POLLS: Mapping[Kind, tuple[str, Callable[[Call, Job], Job]]] = {
    "report": ("reports_2021_06_30.get_report", reports.poll),
    "feed": ("feeds_2021_06_30.get_feed", feeds.poll),
    "query": ("data_kiosk_2023_11_15.get_query", data_kiosk.poll),
}
"""Which operation looks at a job, and what it does."""


def look(world: World, queue: Name) -> None:
    """Move on what is waited for in a queue: what will be told there, and secrets near their end."""
    world.login.notices()
    hearing = [one for one in world.subscriptions.subscriptions.values() if one.destination.queue == queue]
    for one in hearing:
        release(world, one)
    sellers = {one.seller for one in hearing if one.type in OUTGOING}
    for order in list(world.outbound.orders.values()) if sellers else ():
        if order.seller in sellers:
            world.outbound.progress(order, world.now())
    waiting: dict[tuple[str, Kind], None] = {
        (one.seller, kind): None for one in hearing for kind, type in JOBS.items() if one.type == type
    }
    for seller, kind in waiting:
        if kind == "report":
            reports.catch_up(_looking(world, seller, kind))
    for job in list(world.jobs.values()) if waiting else ():
        if job.status in OPEN and (job.account, job.kind) in waiting:
            POLLS[job.kind][1](_looking(world, job.account, job.kind), job)


def _looking(world: World, seller: str, kind: Kind) -> Call:
    """Return a call for an account, which nobody made."""
    account = world.account(seller)
    token = AccessToken(DEFAULT_APPLICATION, None, world.now())
    return Call(world, catalog.find(POLLS[kind][0]), {}, {}, None, token, account, account.region, "")
