"""Buckets in Redis: shared by processes, threads and tasks, by a real server that comes and goes."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import subprocess
import sys
import threading
import time
from typing import Any

import msgspec
import pytest
import redis
import redis.asyncio

from sellerport import catalog
from sellerport.errors import SettingsError
from sellerport.limits import Account, Limits, Slot, wait
from sellerport.limits.redis import RETRY_S, RedisLimits
from sellerport.wire import AsyncWire, BlockingWire, run
from tests.redis_server import RedisServer
from tests.test_limits import CATALOG, CREATE, GET_PRICING, OTHER, SELLER, Shop, about
from tests.virtual_time import VirtualTime

SLOW = catalog.find("orders_2026_01_01.search_orders")  # one call in three minutes, burst 20

PROCESS = """
import sys
from sellerport import catalog
from sellerport.limits import Account, Slot
from sellerport.limits.redis import RedisLimits
from sellerport.wire import BlockingWire, run

kept, wire, operation = RedisLimits(sys.argv[1]), BlockingWire(), catalog.find(sys.argv[2])
ask = lambda: run(kept.reserve(wire, Slot(Account("application", "seller"), operation), most_s=0.0))
ask()
print("ready", flush=True)
sys.stdin.readline()
print([ask() for _ in range(300)].count(0.0))
"""


def test_two_processes_are_let_through_no_more_often_than_one(redis_server: RedisServer) -> None:
    command = [sys.executable, "-c", PROCESS, redis_server.url, SLOW.key]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as one, subprocess.Popen(command, **pipes) as other:
        assert one.stdout.readline() == other.stdout.readline() == "ready\n"
        for process in (one, other):
            process.stdin.write("\n")
            process.stdin.flush()
        let_through = [int(process.communicate()[0]) for process in (one, other)]
    assert sum(let_through) == 20 - 2


def test_threads_and_tasks_are_let_through_no_more_often_than_one(redis_server: RedisServer) -> None:
    kept = RedisLimits(redis_server.url)
    let_through: list[float] = []

    async def ask(wire: Any) -> None:
        let_through.extend([await kept.reserve(wire, Slot(SELLER, SLOW), most_s=0.0) for _ in range(10)])

    async def tasks() -> None:
        await asyncio.gather(*(ask(AsyncWire()) for _ in range(40)))
        await kept.aclose()

    threads = [threading.Thread(target=lambda: run(ask(BlockingWire()))) for _ in range(4)]
    threads += [threading.Thread(target=lambda: asyncio.run(tasks())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept.close()
    assert len(let_through) == 40 + 800
    assert let_through.count(0.0) == 20


def test_redis_holds_numbers_under_hashes_and_forgets_them(redis_server: RedisServer) -> None:
    kept = RedisLimits(redis_server.url, prefix="mine:")
    for _ in range(22):
        run(kept.reserve(BlockingWire(), Slot(Account("4f2a", "a grant"), SLOW)))
    run(kept.reserve(BlockingWire(), Slot(Account("4f2a", "a grant"), CATALOG)))
    kept.close()
    with redis_server.client as client:
        keys = client.keys("*")
        assert len(keys) == 3 + 2
        for key in keys:
            assert re.fullmatch(rb"mine:\{4f2a\}:[0-9a-f]{32}(:queue|:leases)?", key)
            assert 0 < client.ttl(key) <= 3600
            kind = client.type(key)
            held = client.hgetall(key).values() if kind == b"hash" else client.zrange(key, 0, -1)
            assert all(re.fullmatch(rb"[0-9.e+-]*", value) for value in held)


def test_a_call_takes_one_round_trip_for_both_buckets_and_none_for_a_rate_that_is_known(
    redis_server: RedisServer,
) -> None:
    kept = RedisLimits(redis_server.url)
    with redis_server.client as client:
        run(kept.reserve(BlockingWire(), Slot(SELLER, CATALOG)))
        before = client.info("commandstats")
        slot = Slot(OTHER, CATALOG)
        run(kept.reserve(BlockingWire(), slot))
        run(kept.learn(BlockingWire(), slot, "2.0"))
        after = client.info("commandstats")
    kept.close()
    assert after["cmdstat_evalsha"]["calls"] == before["cmdstat_evalsha"]["calls"] + 1


def test_a_server_with_another_time_after_a_failover_holds_nobody_up(redis_server: RedisServer) -> None:
    kept, wire = RedisLimits(redis_server.url), BlockingWire()
    slots = [Slot(SELLER, SLOW) for _ in range(21)]
    pauses = [run(kept.reserve(wire, slot)) for slot in slots]
    assert pauses[:20] == [0.0] * 20
    slots[-1].due += 3600
    assert run(kept.reserve(wire, slots[-1])) == about(pauses[-1], 2.0)
    assert run(kept.reserve(wire, Slot(SELLER, SLOW))) == about(2 * pauses[-1], 2.0)
    kept.close()


def test_while_redis_is_away_each_process_is_left_to_itself(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    now = [0.0]
    kept = RedisLimits(redis_server.url, local=Limits(lambda: now[0]), monotonic=lambda: now[0])
    shop = Shop(kept, VirtualTime())
    caplog.set_level(logging.INFO)
    waits = [shop.wait(SLOW, most_s=0.0) for _ in range(21)]
    assert (waits.count(0.0), caplog.messages) == (20, [])
    redis_server.stop()
    waits = [shop.wait(SLOW, most_s=0.0) for _ in range(21)]
    assert (waits.count(0.0), len(caplog.messages)) == (20, 1)
    assert "not shared" in caplog.messages[0]
    now[0] += RETRY_S
    shop.wait(SLOW)
    redis_server.start()
    assert shop.wait(SLOW) > 0.0
    assert len(caplog.messages) == 1
    now[0] += RETRY_S
    assert shop.wait(SLOW) == 0.0  # a new Redis knows of no calls
    kept.close()
    assert caplog.messages[1:] == ["rate limits are shared again"]


def test_calls_that_wait_when_redis_goes_away_begin_anew(redis_server: RedisServer) -> None:
    now = [0.0]
    kept = RedisLimits(redis_server.url, local=Limits(lambda: now[0]), monotonic=lambda: now[0])
    shop = Shop(kept, VirtualTime())
    sent, (waiting, pause) = shop.empty(SLOW)[0], shop.arrive(SLOW)
    (other, _) = shop.arrive(SLOW)
    assert pause > 0
    redis_server.stop()
    shop.give_back(other)
    assert shop.ask(waiting) == 0.0
    shop.empty(SLOW, OTHER)
    other, pause = shop.arrive(SLOW, OTHER)
    shop.give_back(other)
    assert shop.wait(SLOW, OTHER) == about(pause)
    shop.throttled(waiting)
    shop.learn(waiting, "2.0")
    assert shop.ask(waiting) == about(0.5)
    shop.throttled(sent)
    now[0] += RETRY_S
    redis_server.start()
    assert shop.ask(waiting) == 0.0
    shop.give_back(waiting)
    kept.close()


def test_nothing_is_left_of_those_who_waited_in_an_outage(redis_server: RedisServer) -> None:
    now = [0.0]
    kept = RedisLimits(redis_server.url, local=Limits(lambda: now[0]), monotonic=lambda: now[0])
    shop = Shop(kept, VirtualTime())
    redis_server.stop()
    assert shop.wait(GET_PRICING) == 0.0
    waiting, pause = shop.arrive(GET_PRICING)
    assert pause > 0
    now[0] += RETRY_S
    redis_server.start()
    assert shop.ask(waiting) == 0.0
    redis_server.stop()
    assert shop.wait(GET_PRICING) == 0.0
    kept.close()


def test_a_redis_that_does_not_answer_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sellerport.limits.redis.TIMEOUT_S", 0.02)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        kept = RedisLimits(f"redis://127.0.0.1:{silent.getsockname()[1]}", local=Limits(lambda: 0.0))

        async def tasks() -> list[float]:
            wire = AsyncWire()
            return [await kept.reserve(wire, Slot(SELLER, CREATE)) for _ in range(5)]

        assert asyncio.run(tasks()) == [0.0] * 5
        kept = RedisLimits(f"redis://127.0.0.1:{silent.getsockname()[1]}", local=Limits(lambda: 0.0))
        began = time.monotonic()
        assert run(kept.reserve(BlockingWire(), Slot(SELLER, CREATE))) == 0.0
        assert time.monotonic() - began < 4.0  # redis-py would wait for longer
        kept.close()


def test_a_client_of_redis_may_be_given_in_its_own_colour(redis_server: RedisServer) -> None:
    with redis_server.client as client:
        kept = RedisLimits(client)
        assert run(kept.reserve(BlockingWire(), Slot(SELLER, SLOW))) == 0.0
        with pytest.raises(SettingsError, match="colour"):
            asyncio.run(kept.reserve(AsyncWire(), Slot(SELLER, SLOW)))
        kept.close()
        assert client.ping()

    async def tasks() -> None:
        async with redis.asyncio.Redis.from_url(redis_server.url) as client:
            kept = RedisLimits(client)
            assert await kept.reserve(AsyncWire(), Slot(SELLER, SLOW)) == 0.0
            with pytest.raises(SettingsError, match="colour"):
                await kept.reserve(BlockingWire(), Slot(SELLER, SLOW))
            await kept.aclose()
            assert await client.ping()

    asyncio.run(tasks())


def test_an_address_that_is_none_is_refused_without_repeating_it() -> None:
    with pytest.raises(SettingsError, match="redis://") as caught:
        RedisLimits("http://user:secret@host")
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_without_the_library_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(SettingsError, match=r"sellerport\[redis\]"):
        RedisLimits("redis://127.0.0.1")


def test_a_task_that_is_cancelled_while_redis_answers_leaves_no_place_behind(redis_server: RedisServer) -> None:
    operation = msgspec.structs.replace(SLOW, rate=0.01, burst=1.0)

    async def main() -> None:
        kept, wire = RedisLimits(redis_server.url), AsyncWire()
        assert await kept.reserve(wire, Slot(SELLER, operation)) == 0
        script = kept._of_this_loop()
        answered, go_on = asyncio.Event(), asyncio.Event()

        async def far_away(keys: list[str], arguments: list[Any]) -> Any:
            answer = await script(keys, arguments)
            answered.set()
            await go_on.wait()
            return answer

        kept._async[asyncio.get_running_loop()] = far_away
        task = asyncio.create_task(wait(kept, wire, Slot(SELLER, operation)))
        await answered.wait()
        task.cancel()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        kept._async[asyncio.get_running_loop()] = script
        await kept.aclose()

    asyncio.run(main())
    with redis.Redis.from_url(redis_server.url) as client:
        assert not client.keys("*:queue"), "somebody has a place whom nobody knows"
