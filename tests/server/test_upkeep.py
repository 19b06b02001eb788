"""What a server does by itself, and how it goes on while its database is away."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from sellerport.errors import StoreError
from sellerport.server.app import application, running
from sellerport.server.hub import kept_up
from sellerport.server.hub.access import TOKEN_LIFE_S
from sellerport.server.hub.tokens import LIFE_S, MARGIN_S
from sellerport.server.hub.upkeep import EVERY_S

EXECUTE = {"entity": "orders", "action": "list", "params": {"created_after": "2020-01-01T00:00:00Z"}}


def asked(server):
    return sum(one["path"] == "/auth/o2/token" for one in server.world.requests)


class Rounds:
    """Pauses between rounds of upkeep, which end when the test says so."""

    def __init__(self):
        self.asked_s = []
        self.paused = asyncio.Event()
        self.go_on = asyncio.Event()

    async def __call__(self, seconds):
        self.asked_s.append(seconds)
        self.paused.set()
        await self.go_on.wait()
        self.go_on.clear()

    async def one(self):
        """Let one round happen."""
        self.paused.clear()
        self.go_on.set()
        await self.paused.wait()


def test_a_server_refreshes_what_is_in_use_and_finishes_what_was_left(house):
    async def scenario(server):
        house.world.login.strict = True
        used, left = await server.connect("ann"), await server.connect("bob")
        for _ in range(2):  # the first call is with a grant that is replaced on its way
            await server.orders(used)
        server.clock.advance(LIFE_S - MARGIN_S - 60)
        opened = await server.hub.connections.open(server.caller, left)
        with house.refusing("UPDATE OF sealed_access_token ON connections"):
            await server.hub.tokens.get(opened)
        server.world.requests.clear()
        rounds = Rounds()
        async with kept_up(server.hub, rounds):
            await rounds.paused.wait()
            assert asked(server) == 1
            assert (await server.hub.connections.open(server.caller, left)).generation == 2
            await rounds.one()
            assert (asked(server), rounds.asked_s) == (1, [EVERY_S, EVERY_S])

    house.run(scenario)


def test_upkeep_goes_on_after_errors_and_ends_with_the_server(house, caplog):
    async def scenario(server):
        used = await server.connect()
        await server.orders(used)
        server.clock.advance(LIFE_S - MARGIN_S)
        rounds = Rounds()
        house.sql("ALTER TABLE connections RENAME TO hidden")
        async with kept_up(server.hub, rounds):
            await rounds.paused.wait()
            assert "upkeep failed; it is tried again in 15 s" in caplog.text
            house.sql("ALTER TABLE hidden RENAME TO connections")
            server.world.requests.clear()
            await rounds.one()
            assert asked(server) == 1
        assert [task for task in asyncio.all_tasks() if "keep_up" in repr(task)] == []

    house.run(scenario)


def test_a_running_server_is_kept_up(sqlite_house):
    async def scenario():
        rounds = Rounds()
        settings = replace(sqlite_house.settings, port=0)
        async with running(settings, pause=rounds):
            await rounds.paused.wait()

    asyncio.run(scenario())


def test_an_application_that_opens_its_own_hub_keeps_it_up(sqlite_house, monkeypatch):
    kept = []
    monkeypatch.setattr("sellerport.server.app.kept_up", lambda hub: kept.append(hub) or kept_up(hub))

    async def scenario():
        app = application(sqlite_house.settings)
        sent = []
        stop = asyncio.Event()
        messages = [{"type": "lifespan.startup"}]

        async def receive():
            if messages:
                return messages.pop()
            await stop.wait()
            return {"type": "lifespan.shutdown"}

        async def send(message):
            sent.append(message["type"])
            stop.set()

        await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)
        assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]

    asyncio.run(scenario())
    assert len(kept) == 1


@pytest.fixture
def postgres_house(postgres, migrated):
    from tests.postgres_server import name_of
    from tests.server.conftest import House

    url = postgres.create(name_of(migrated))
    yield House(url)
    postgres.start()
    postgres.drop(url)


def test_calls_go_on_while_the_database_is_away(postgres_house, postgres):
    """RL-1: a PostgreSQL that is stopped and started; what is known goes on until it ends, the rest is told to wait."""

    async def scenario(server):
        warm, cold = await server.connect("ann"), await server.connect("bob")
        stranger = await server.hub.access.create_client(server.organization.id, "unseen")
        unseen = (await server.hub.access.issue(stranger.id, stranger.secret)).token

        async def execute(id, token=None):
            answer = await server.api("POST", f"/api/v1/integrations/connectors/{id}/execute", EXECUTE, token=token)
            return answer.status, answer.headers.get("retry-after")

        async def status(path):
            return (await server.api("GET", path)).status

        assert await execute(warm) == (200, None)
        postgres.stop()
        try:
            assert await execute(warm) == (200, None)
            assert await execute(cold) == (503, "5")
            assert await execute(warm, unseen) == (503, "5")
            assert (await status("/health"), await status("/ready")) == (200, 503)
            server.clock.advance(TOKEN_LIFE_S - 1)
            assert await execute(warm) == (200, None)
            server.clock.advance(1)
            assert await execute(warm) == (503, "5")  # its caller's own token has ended
            server.clock.advance(LIFE_S - TOKEN_LIFE_S - 1)
            assert await server.orders(warm)  # and Amazon's, to its last second, beyond the margin
            server.clock.advance(1)
            with pytest.raises(StoreError, match="cannot be reached"):
                await server.orders(warm)
            assert await status("/health") == 200
        finally:
            postgres.start()
        begun = asyncio.get_running_loop().time()
        assert await status("/ready") == 200
        server.token = (await server.hub.access.issue(server.client_id, server.client_secret)).token
        assert [await execute(id) for id in (warm, cold)] == [(200, None)] * 2
        assert asyncio.get_running_loop().time() - begun < 5

    postgres_house.run(scenario)


def test_a_database_that_goes_between_amazons_answer_and_the_commit_is_told_when_it_is_back(postgres_house, postgres):
    """LC-T4: with a PostgreSQL that is stopped at that moment; Amazon is asked nothing more."""

    async def scenario(server):
        postgres_house.world.login.strict = True
        id = await server.connect()
        server.world.requests.clear()
        opened = await server.hub.connections.open(server.caller, id)

        async def amazon(scope, receive, send):
            await server.amazon(scope, receive, send)
            if scope["path"].endswith("/auth/o2/token"):
                await asyncio.to_thread(postgres.stop)

        server.wire.app = amazon
        try:
            token = await server.hub.tokens.get(opened)
            assert await server.hub.tokens.get(opened) == token
        finally:
            postgres.start()
        assert await server.hub.tokens.recover() == 1
        after = await server.hub.connections.open(server.caller, id)
        assert (after.generation, after.refresh_token in server.world.grants) == (2, True)
        async with postgres_house.open() as other:
            assert await other.hub.tokens.get(after) == token
        assert asked(server) == 1

    postgres_house.run(scenario)


def test_a_callers_token_is_known_while_the_database_is_away(house):
    """RL-1: from memory, until it ends, and never once it was refused."""

    async def scenario(server):
        verify = server.hub.access.verify
        known = await verify(server.token)
        house.sql("ALTER TABLE access_tokens RENAME TO hidden")
        assert await verify(server.token) == known
        with pytest.raises(StoreError):
            await verify("sellerport_token_unseen")
        server.clock.advance(TOKEN_LIFE_S)
        with pytest.raises(StoreError):
            await verify(server.token)
        house.sql("ALTER TABLE hidden RENAME TO access_tokens")

    house.run(scenario)
