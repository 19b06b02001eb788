"""A server is killed in the middle of a consent: a real process, SIGKILL, and another that takes over (LC-T3, RL-9).

Afterwards the grant is stored, or the consent can plainly be started again; no connection is half-made, and none is
made twice.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import msgspec
import pytest

from sellerport import emulator
from sellerport.errors import NoAnswer
from sellerport.server.app import open_hub
from sellerport.server.hub import Caller
from sellerport.wire import BlockingWire, Request, Response, run

PROGRAM = """
import os, signal, sys
from sellerport import oauth
from sellerport.server.app import serve
from sellerport.server.hub.changes import Changes
from sellerport.server.hub.consent_rows import ConsentRows
from sellerport.server.hub.journal import Entry
from sellerport.server.settings import Settings

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def before(owner, name, when=lambda *given: True):
    original = getattr(owner, name)
    async def dying(*given, **named):
        if when(*given):
            die()
        return await original(*given, **named)
    setattr(owner, name, dying)

def after(owner, name):
    original = getattr(owner, name)
    async def dying(*given, **named):
        await original(*given, **named)
        die()
    setattr(owner, name, dying)

match sys.argv[1]:
    case "before state insert":
        before(ConsentRows, "insert")
    case "after state delete":
        after(ConsentRows, "claim")
    case "after code exchange":
        after(oauth, "exchange_code")
    case "after journal write":
        write = Entry.write
        Entry.write = lambda entry, came: (write(entry, came), die())
    case "before commit":
        before(Changes, "note", lambda self, store, organization, action, *_: action == "connection.created")
    case "after commit":
        Entry.remove = lambda entry: die()
serve(Settings.read(), lambda url: print(url, flush=True))
"""

KEPT = ("after journal write", "before commit", "after commit")
POINTS = ("before state insert", "after state delete", "after code exchange", *KEPT)


@contextmanager
def server(settings, point=""):
    """Run a server that dies at a point, and yield its address."""
    database = settings.database if isinstance(settings.database, str) else str(settings.database)
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("SELLERPORT_")},
        "SELLERPORT_DATABASE": database,
        "SELLERPORT_VAULT_KEY": settings.vault_key,
        "SELLERPORT_JOURNAL": str(settings.journal),
        "SELLERPORT_AMAZON": settings.amazon,
        "SELLERPORT_PORT": "0",
        "SELLERPORT_LOG_LEVEL": "error",
    }
    command = [sys.executable, "-c", PROGRAM, point]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()
        process.wait()
    if point:
        assert process.returncode == -signal.SIGKILL


def send(method: str, url: str, body: bytes = b"", **headers: str) -> Response:
    return run(BlockingWire().send(Request(method, url, headers, body)))


def consented(url: str, client) -> Response:
    """Walk through a consent at a server, as a program and a browser do."""
    credentials = msgspec.json.encode({"client_id": client.id, "client_secret": client.secret})
    token = msgspec.json.decode(send("POST", f"{url}/api/v1/account/applications/token", credentials).body)
    asked = {"workspace_name": "ann", "connector_type": "amazon-seller-partner"}
    initiate = f"{url}/api/v1/integrations/connectors/oauth/initiate"
    bearer = f"Bearer {token['access_token']}"
    link = msgspec.json.decode(send("POST", initiate, msgspec.json.encode(asked), authorization=bearer).body)
    to_amazon = send("POST", link["consent_url"])
    form = {"content-type": "application/x-www-form-urlencoded"}
    back = send("POST", to_amazon.headers["location"], b"decision=approve", **form)
    return send("GET", back.headers["location"], cookie=to_amazon.headers["set-cookie"].partition(";")[0])


@pytest.fixture
def local(house, tmp_path) -> Iterator[tuple]:
    """Settings of servers that have an organization, its API client, and a local Amazon."""
    with emulator.running(house.world) as amazon:
        settings = replace(house.settings, port=0, public_url=None, amazon=amazon, journal=tmp_path / "journal")

        async def furnish():
            async with open_hub(settings) as hub:
                organization = await hub.organizations.create("Acme")
                known = house.world.application("amzn1.sp.solution.local")
                await hub.applications.register(
                    organization.id,
                    lwa_client_id=known.client_id,
                    lwa_client_secret=known.client_secret,
                    application_id=known.application_id,
                )
                return Caller(organization.id), await hub.access.create_client(organization.id, "backend")

        yield settings, *asyncio.run(furnish())


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_in_a_consent_loses_no_grant_that_was_exchanged(local, point):
    """LC-T3: before state insert, after state delete, after code exchange, after journal write, around the commit."""
    settings, caller, client = local
    with server(settings, point) as url, pytest.raises(NoAnswer):
        consented(url, client)

    async def found():
        async with open_hub(settings) as hub:  # takes up the journal
            connections = await hub.connections.all(caller)
            for one in connections:
                done = await hub.calls.execute(caller, one.id, "orders", "list", {"created_after": "2020-01-01"})
                assert len(done.data) > 0
            return [(one.customer, one.status) for one in connections]

    kept = [("ann", "active")] if point in KEPT else []
    assert asyncio.run(found()) == kept
    assert asyncio.run(found()) == kept  # and once is enough
    assert list(settings.journal.rglob("*.refresh")) == []
    with server(settings) as url:
        assert b"is connected" in consented(url, client).body
    assert asyncio.run(found()) == [*kept, ("ann", "active")]
