"""A server is killed in the middle of a consent: a real process, SIGKILL, and another that takes over (LC-T3, RL-9).

Afterwards the grant is stored, or the consent can plainly be started again; no connection is half-made, and none is
made twice.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import msgspec
import pytest
from tests.server.dying import serve_until
from tests.server.patience import PATIENCE_S
from tests.server.worker import FORK

from sellerport import emulator
from sellerport.errors import NoAnswer
from sellerport.server.hub import Caller
from sellerport.server.opening import open_hub
from sellerport.wire import BlockingWire, Request, Response, run

KEPT = ("after journal write", "before commit", "after commit")
POINTS = ("before state insert", "after state delete", "after code exchange", *KEPT)


@contextmanager
def server(settings, point=""):
    """Run a server that dies at a point, and yield its address."""
    here, there = FORK.Pipe()
    process = FORK.Process(target=serve_until, args=(point, settings, there), daemon=True)
    process.start()
    there.close()
    try:
        assert here.poll(PATIENCE_S)
        yield here.recv()
        process.join(PATIENCE_S if point else 0)
        assert process.exitcode == (-signal.SIGKILL if point else None)
    finally:
        process.kill()
        process.join(PATIENCE_S)
        here.close()


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
        settings = replace(
            house.settings,
            port=0,
            public_url=None,
            amazon=amazon,
            journal=tmp_path / "journal",
            log_level="error",
        )

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
