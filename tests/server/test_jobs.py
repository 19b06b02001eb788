"""Jobs in real processes: what one leaves undone when it is killed is done by another."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.server.conftest import KEY
from tests.server.receiver import receiving

from sellerport import regions
from sellerport.errors import SettingsError
from sellerport.server.app import running
from sellerport.server.hub import Caller
from sellerport.server.jobs import Connection, _Work
from sellerport.server.opening import open_hub

SERVE = [sys.executable, "-m", "sellerport", "serve", "--port", "0", "--json"]


@pytest.fixture
def receiver():
    with receiving() as made:
        yield made


def settings(house, **more):
    """The server's settings by the real clock, as processes have them."""
    return replace(house.settings, webhook_private=True, port=0, public_url=None, **more)


@contextmanager
def serving(house):
    """A server in a process of its own."""
    database = house.settings.database
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SELLERPORT_")}
    environ |= {
        "SELLERPORT_DATABASE": str(database),
        "SELLERPORT_VAULT_KEY": KEY,
        "SELLERPORT_AMAZON": "http://127.0.0.1:9",
        "SELLERPORT_WEBHOOK_PRIVATE": "true",
        "SELLERPORT_JOURNAL": str(house.journal),
    }
    process = subprocess.Popen(SERVE, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert "url" in json.loads(process.stdout.readline())
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


@pytest.fixture
def house(house, tmp_path):
    house.journal = tmp_path / "journal"
    house.settings = replace(house.settings, journal=house.journal)
    return house


async def furnished(hub, receiver):
    """Make an organization with an application and a webhook."""
    organization = await hub.organizations.create("Acme")
    application = await hub.applications.register(
        organization.id, lwa_client_id="amzn1.application-oa2-client.test", lwa_client_secret="secret"
    )
    caller = Caller(organization.id)
    await hub.webhooks.create(caller, receiver.url)
    return caller, application


async def connect(hub, caller, application):
    made = await hub.connections.create(
        caller,
        customer="ann",
        name="Shop",
        marketplace=regions.marketplace("US"),
        refresh_token="Atzr|x",
        through=application,
    )
    return made.id


def lapse(house):
    """Let every claim be over, as it is half a minute after its process died."""
    house.sql("UPDATE deliveries SET next_attempt_at = 0 WHERE status = 'pending'")


def test_ds_5_what_killed_processes_left_is_delivered_by_others_with_the_same_id(house, receiver):
    """DS-5 and RL-12 in bounded form: SIGKILL in the middle of an attempt, three times over."""

    async def events(count):
        async with open_hub(settings(house)) as hub:
            known = await hub.organizations.all()
            if known:
                caller = Caller(known[0].id)
                application = (await hub.applications.all(known[0].id))[0]
            else:
                caller, application = await furnished(hub, receiver)
            for _ in range(count):
                id = await connect(hub, caller, application)
                await hub.connections.delete(caller, id)

    dead = threading.Event()

    def hang(received):
        dead.wait(30)
        return 200

    receiver.answer = hang
    for _ in range(3):
        asyncio.run(events(2))
        with serving(house) as process:
            receiver.wait_for(len(receiver.received) + 1)
            process.send_signal(signal.SIGKILL)
            process.wait()
        lapse(house)
    dead.set()
    receiver.answer = lambda received: 200
    assert house.sql("SELECT count(*) FROM deliveries WHERE status = 'delivered'")[0][0] == 0
    with serving(house), serving(house):
        for _ in range(200):
            (left,) = house.sql("SELECT count(*) FROM deliveries WHERE status <> 'delivered'")[0]
            if left == 0:
                break
            with receiver.came:
                receiver.came.wait(0.2)
    told = Counter((one.json["data"]["connection_id"], one.json["type"], one.id) for one in receiver.received)
    assert len(told) == 12  # each of the 12 events has one id
    assert sum(told.values()) >= 12 + 3  # each kill cut off an attempt that had arrived, and that was made again


def test_only_one_server_runs_jobs_in_a_process(house):
    async def scenario():
        async with running(settings(house)):
            with pytest.raises(SettingsError, match="another process"):
                async with running(settings(house)):
                    pass
        async with running(settings(house)):
            pass

    asyncio.run(scenario())


def test_a_running_server_delivers_by_itself_and_ends_what_it_does_before_it_stops(house, receiver):
    async def scenario():
        async with running(settings(house)) as up:
            caller, application = await furnished(up.hub, receiver)
            await connect(up.hub, caller, application)
            await asyncio.to_thread(receiver.wait_for, 1)
        assert house.sql("SELECT status FROM deliveries") == [("delivered",)]

    asyncio.run(scenario())


def test_the_jobs_tables_are_apart_from_the_servers(house):
    async def scenario():
        async with running(settings(house)):
            pass

    asyncio.run(scenario())
    database = house.settings.database
    if isinstance(database, Path):
        beside = database.with_name(f"{database.name}-jobs")
        assert beside.exists()
        assert beside.stat().st_mode & 0o077 == 0
    else:
        rows = house.sql(
            "SELECT DISTINCT table_schema FROM information_schema.tables WHERE table_name = 'workflow_status'"
        )
        assert rows == [("sellerport_jobs",)]


def test_a_table_of_the_jobs_knows_the_time_with_any_sqlite(tmp_path):
    """On Python 3.12 and later DBOS asks for it in a way that SQLite knows since 3.42 only, whichever is there."""
    with closing(sqlite3.connect(tmp_path / "x.db", factory=Connection)) as opened:
        opened.execute("CREATE TABLE t (id INTEGER, at INTEGER NOT NULL DEFAULT (unixepoch('subsec') * 1000))")
        opened.execute("INSERT INTO t (id) VALUES (1)")
        ((at,),) = opened.execute("SELECT at FROM t")
    assert abs(at / 1000 - time.time()) < 60


def test_a_job_whose_time_comes_as_the_server_ends_keeps_no_thread_waiting():
    """Nor the process, which would wait for the thread: the loop runs no more, and is not closed yet."""
    loop = asyncio.new_event_loop()
    work = _Work(loop)
    loop.run_until_complete(work.stop())
    thread = threading.Thread(target=work.of("deliver", asyncio.Event().wait), args=(None, None), daemon=True)
    thread.start()
    thread.join(10)
    loop.close()
    assert not thread.is_alive()
