"""Rate limits of several servers: together in Redis, and by a part for each while it is away."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

from sellerport.errors import Throttled
from sellerport.limits.redis import RETRY_S
from sellerport.server.settings import Secret

BURST = 20
"""Of what lists orders; another call comes after three minutes."""


async def let_through(servers, connection):
    """Return how many calls of each server Amazon's limit has room for now; they take turns."""
    done = [0] * len(servers)
    going = set(range(len(servers)))
    while going:
        for number in sorted(going):
            try:
                await servers[number].orders(connection)
                done[number] += 1
            except Throttled:
                going.discard(number)
    return done


def play(house, scenario, count=2):
    async def opened():
        async with AsyncExitStack() as stack:
            servers = [await stack.enter_async_context(house.open()) for _ in range(count)]
            await scenario(servers, await servers[0].connect())

    asyncio.run(opened())


def test_rl_3_servers_share_limits_in_redis_and_keep_to_their_part_while_it_is_away(house, redis_server):
    """RL-3, DS-2: without Redis, together one burst more at most, and never without a limit."""
    house.settings = replace(house.settings, redis=Secret(redis_server.url), processes=2)

    async def scenario(servers, connection):
        together = await let_through(servers, connection)
        assert sum(together) == BURST
        assert min(together) > 0
        redis_server.stop()
        assert await let_through(servers, connection) == [BURST // 2] * 2
        house.clock.advance(RETRY_S)
        assert await let_through(servers, connection) == [0, 0]
        redis_server.start()
        house.clock.advance(RETRY_S)
        back = await let_through(servers, connection)
        assert sum(back) == BURST, "a new Redis knows of no calls, and both ask it again"

    play(house, scenario)


def test_rl_3_a_redis_that_is_away_when_servers_start_is_used_when_it_comes(house, redis_server):
    """RL-3."""
    house.settings = replace(house.settings, redis=Secret(redis_server.url), processes=4)
    redis_server.stop()

    async def scenario(servers, connection):
        assert await let_through(servers, connection) == [BURST // 4] * 2
        redis_server.start()
        house.clock.advance(RETRY_S)
        assert sum(await let_through(servers, connection)) == BURST

    play(house, scenario)


def test_without_a_redis_each_server_keeps_to_its_part(house):
    house.settings = replace(house.settings, processes=2)

    async def scenario(servers, connection):
        assert await let_through(servers, connection) == [BURST // 2] * 2

    play(house, scenario)


def test_rl_3_access_tokens_are_shared_without_redis(house, redis_server):
    """RL-3: they go through the database alone."""
    house.settings = replace(house.settings, redis=Secret(redis_server.url), processes=2)
    redis_server.stop()

    async def scenario(servers, connection):
        def asked():
            return len([one for one in house.world.requests if one["path"] == "/auth/o2/token"])

        before = asked()
        for server in servers:
            await server.orders(connection)
        assert asked() - before == 1

    play(house, scenario)


def test_what_redis_holds_is_no_secret(house, redis_server):
    """Attack 60, of Redis."""
    house.settings = replace(house.settings, redis=Secret(redis_server.url))

    async def scenario(servers, connection):
        (server,) = servers
        await server.orders(connection)
        secrets = (b"Atz", b"amzn1", connection.encode(), server.organization.id.encode(), b"ann")
        with redis_server.client as client:
            keys = client.keys("*")
            assert keys
            held = b"\n".join([*keys, *(client.dump(key) for key in keys)])
        assert [secret for secret in secrets if secret in held] == []

    play(house, scenario, count=1)


def test_a_redis_that_refuses_is_as_one_that_is_away(house, redis_server, caplog):
    """A password that is wrong stops no call, and shows nowhere."""
    with redis_server.client as client:
        client.config_set("requirepass", "another")
    house.settings = replace(house.settings, redis=Secret(redis_server.url.replace("://", "://:hunter2@")))

    async def scenario(servers, connection):
        assert sum(await let_through(servers, connection)) == BURST

    play(house, scenario, count=1)
    redis_server.stop()  # it would refuse other tests too
    assert "rate limits are not shared" in caplog.text
    assert "hunter2" not in caplog.text
