"""The buckets, in this process and in Redis: what they let through, when, in which order, and what they learn."""

from __future__ import annotations

import asyncio
import random
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sellerport import catalog, limits
from sellerport.errors import Throttled
from sellerport.limits import LEASE_S, SLACK_S, Account, Limits, Slot
from sellerport.limits.redis import RedisLimits
from sellerport.wire import AsyncWire, BlockingWire, run
from tests.redis_server import RedisServer
from tests.virtual_time import VirtualTime, at_once, wire_of

GET_ORDER = catalog.find("orders_v0.get_order")  # 0.5 a second, burst 30
GET_ITEMS = catalog.find("orders_v0.get_order_items")
GET_PRICING = catalog.find("product_pricing_v0.get_pricing")  # 0.5 a second, burst 1
CREATE = catalog.find("uploads_2020_11_01.create_upload_destination_for_resource")  # 10 a second, burst 10
CATALOG = catalog.find("catalog_items_2022_04_01.get_catalog_item")  # 2 a second, burst 2; an application 250
NO_RATE = catalog.find("seller_wallet_2024_03_01.list_accounts")
SELLER, OTHER = Account("application", "seller"), Account("application", "other")


def about(expected: Any, within: float = 1e-4) -> Any:
    """Return what compares equal to seconds that were computed from times since the epoch."""
    return pytest.approx(expected, abs=within)


@dataclass
class Shop:
    """Calls of two accounts, made one step at a time."""

    limits: Any
    clock: VirtualTime
    wire: BlockingWire = field(default_factory=BlockingWire)

    def arrive(self, operation: Any = GET_ORDER, account: Account = SELLER, most_s: float = float("inf")) -> Any:
        """Let a call arrive, and return its slot and how long it has to wait."""
        slot = Slot(account, operation)
        return slot, self.ask(slot, most_s)

    def wait(self, operation: Any = GET_ORDER, account: Account = SELLER, most_s: float = float("inf")) -> float:
        return self.arrive(operation, account, most_s)[1]

    def ask(self, slot: Slot, most_s: float = float("inf")) -> float:
        return run(self.limits.reserve(self.wire, slot, most_s))  # type: ignore[no-any-return]

    def give_back(self, slot: Slot) -> None:
        run(self.limits.give_back(self.wire, slot))

    def learn(self, slot: Slot, header: str | None) -> None:
        run(self.limits.learn(self.wire, slot, header))

    def throttled(self, slot: Slot) -> None:
        run(self.limits.throttled(self.wire, slot))

    def empty(self, operation: Any = GET_ORDER, account: Account = SELLER) -> list[Slot]:
        """Use up the burst."""
        slots = [self.arrive(operation, account) for _ in range(int(operation.burst))]
        assert {pause for _, pause in slots} == {0.0}
        return [slot for slot, _ in slots]


@pytest.fixture
def clock() -> VirtualTime:
    return VirtualTime()


@pytest.fixture(params=["process", "redis"])
def kept(request: pytest.FixtureRequest, clock: VirtualTime) -> Iterator[Any]:
    """Buckets of either kind, by the same clock."""
    if request.param == "process":
        yield Limits(clock)
        return
    made = RedisLimits(request.getfixturevalue("redis_server").url, clock=clock)
    yield made
    made.close()


@pytest.fixture
def shop(kept: Any, clock: VirtualTime) -> Shop:
    return Shop(kept, clock)


class TestABucket:
    def test_lets_a_burst_through_and_then_one_call_for_each_interval(self, shop: Shop) -> None:
        waits = [shop.wait() for _ in range(33)]
        assert waits == about([0.0] * 30 + [2.0 + SLACK_S, 4.0 + SLACK_S, 6.0 + SLACK_S])

    def test_fills_again_but_never_above_its_burst(self, shop: Shop) -> None:
        shop.empty()
        shop.clock.now += 10
        assert [shop.wait(most_s=0.0) for _ in range(5)] == about([0.0] * 4 + [SLACK_S])
        shop.clock.now += 10_000
        assert [shop.wait() for _ in range(31)] == about([0.0] * 30 + [2.0 + SLACK_S])

    def test_is_one_for_each_account_and_operation(self, shop: Shop) -> None:
        shop.empty()
        assert shop.wait() > 0
        assert shop.wait(account=OTHER) == 0.0
        assert shop.wait(GET_ITEMS) == 0.0

    def test_of_the_sandbox_has_one_rate_for_all_operations(self, shop: Shop) -> None:
        account = Account("application in the sandbox", "seller")
        waits = [shop.ask(Slot(account, CATALOG, sandbox=True)) for _ in range(16)]
        assert waits == about([0.0] * 15 + [0.2 + SLACK_S])

    def test_gives_no_place_to_a_call_that_cannot_wait_so_long(self, shop: Shop) -> None:
        shop.empty()
        assert [shop.wait(most_s=1.0) for _ in range(3)] == about([2.0 + SLACK_S] * 3)
        shop.clock.now += 2.0 + SLACK_S
        assert shop.wait() == 0.0

    def test_with_one_token_loses_little_of_its_rate_to_the_slack(self, shop: Shop) -> None:
        shop.wait(GET_PRICING)
        started = shop.clock.now
        for _ in range(100):
            slot, pause = shop.arrive(GET_PRICING)
            shop.clock.now += pause
            assert shop.ask(slot) == 0.0
        assert 100 / (0.5 * (shop.clock.now - started)) > 0.96


class TestWhoWaits:
    def test_is_let_through_when_its_time_has_come_and_not_before(self, shop: Shop) -> None:
        shop.empty()
        slot, pause = shop.arrive()
        shop.clock.now += pause - 0.5
        assert shop.ask(slot) == about(0.5)
        shop.clock.now += 0.5
        assert shop.ask(slot) == 0.0

    def test_is_believed_to_have_waited_even_if_the_clock_stood_still(self, shop: Shop) -> None:
        shop.empty()
        slot, pause = shop.arrive()
        slot.due += pause
        assert shop.ask(slot) == 0.0

    def test_moves_up_when_one_before_it_goes_away(self, shop: Shop) -> None:
        shop.empty()
        (first, _), (second, _), (third, pause) = shop.arrive(), shop.arrive(), shop.arrive()
        shop.give_back(second)
        assert shop.ask(third) == about(pause - 2.0)
        shop.give_back(first)
        assert shop.ask(third) == about(pause - 4.0)

    def test_loses_nothing_to_those_who_come_later(self, shop: Shop) -> None:
        shop.empty()
        slot, pause = shop.arrive()
        shop.clock.now += 1.0
        later, longer = shop.arrive()
        assert shop.ask(slot) == about(pause - 1.0)
        assert longer == about(pause - 1.0 + 2.0)
        shop.clock.now += pause - 1.0
        assert shop.ask(later) > 0  # the token that is there is the other's
        assert shop.ask(slot) == 0.0

    def test_keeps_its_place_through_a_429(self, shop: Shop) -> None:
        *_, sent = shop.empty()
        waiting, _ = shop.arrive()
        shop.throttled(sent)
        assert shop.ask(sent) == about(2.0)
        assert shop.ask(waiting) == about(4.0)

    def test_waits_longer_when_a_429_or_a_lower_rate_comes_meanwhile(self, shop: Shop) -> None:
        *_, sent = shop.empty()
        waiting, pause = shop.arrive()
        shop.learn(sent, "0.1")
        shop.clock.now += pause
        assert shop.ask(waiting) == about(10.0 - 2.0, 0.01 + SLACK_S)
        shop.throttled(sent)
        assert shop.ask(waiting) == about(10.0)

    def test_waits_less_when_a_higher_rate_becomes_known(self, shop: Shop) -> None:
        *_, sent = shop.empty()
        waiting, _ = shop.arrive()
        shop.learn(sent, "10.0")
        assert shop.ask(waiting) == about(0.1 + SLACK_S)

    def test_and_is_never_heard_of_again_loses_its_place(self, shop: Shop) -> None:
        shop.wait(GET_PRICING)
        shop.arrive(GET_PRICING)
        slot, pause = shop.arrive(GET_PRICING)
        shop.clock.now += pause
        assert shop.ask(slot) > 0
        shop.clock.now += LEASE_S
        assert shop.ask(slot) == 0.0

    def test_and_was_long_away_has_its_place_again(self, shop: Shop) -> None:
        shop.wait(GET_PRICING)
        away, _ = shop.arrive(GET_PRICING)
        slot, _ = shop.arrive(GET_PRICING)
        shop.clock.now += LEASE_S + 1.0
        assert shop.ask(slot) == 0.0
        slot, pause = shop.arrive(GET_PRICING)
        assert shop.ask(away) == about(pause)
        assert shop.ask(slot) == about(pause + 2.0)

    def test_takes_another_token_for_another_attempt(self, shop: Shop) -> None:
        *_, sent = shop.empty()
        assert shop.ask(sent) == about(2.0 + SLACK_S)


class TestWhatAmazonSays:
    def test_changes_the_rate_and_keeps_what_was_used(self, shop: Shop) -> None:
        *_, slot = shop.empty()
        shop.learn(slot, "10.0")
        assert shop.wait() == about(0.1 + SLACK_S)
        shop.clock.now += 100
        assert [shop.wait() for _ in range(31)] == about([0.0] * 30 + [0.1 + SLACK_S])

    @pytest.mark.parametrize("header", [None, "", "many", "0", "-1", "nan", "inf", "0.5"])
    def test_changes_nothing_where_it_says_nothing_new(self, shop: Shop, header: str | None) -> None:
        *_, slot = shop.empty()
        shop.learn(slot, header)
        assert shop.wait() == about(2.0 + SLACK_S)

    def test_with_429_empties_the_bucket(self, shop: Shop) -> None:
        slot, _ = shop.arrive()
        shop.throttled(slot)
        assert [shop.ask(slot), shop.wait()] == about([2.0, 4.0])

    def test_with_429_to_calls_on_their_way_counts_once(self, shop: Shop) -> None:
        slots = shop.empty(CREATE)
        for slot in slots:
            shop.clock.now += 0.01
            shop.throttled(slot)
        assert [shop.ask(slot) for slot in slots] == about([0.1 * number - 0.09 for number in range(1, 11)])

    def test_with_429_again_and_again_brings_the_rate_down_to_a_quarter_at_most(self, shop: Shop) -> None:
        slot, _ = shop.arrive()
        pauses = []
        for _ in range(10):
            shop.throttled(slot)
            pauses.append(shop.ask(slot))
            shop.clock.now += pauses[-1]
            assert shop.ask(slot) == 0.0
        assert pauses[:4] == about([2.0 / 0.8**number for number in range(4)], 0.05)  # by one in 1 + 4 calls
        assert pauses[-1] == about(8.0, 0.1)

    def test_with_429_now_and_then_leaves_the_rate_as_it_is(self, shop: Shop) -> None:
        for _ in range(3):
            shop.clock.now += 1
            slot, pause = shop.arrive(CREATE)
            assert pause == 0.0
            shop.throttled(slot)
            assert shop.ask(slot) == about(0.1)
            for _ in range(100):
                shop.clock.now += 0.1001
                assert shop.ask(slot) == 0.0

    @pytest.mark.parametrize(("after", "left"), [(1, 4 / 5), (6, 9 / 10), (46, 49 / 50)])
    def test_with_429_lowers_the_rate_by_what_was_asked_for_too_much(self, shop: Shop, after: int, left: float) -> None:
        slot, _ = shop.arrive(CREATE)
        shop.throttled(slot)
        for _ in range(after):
            shop.clock.now += 0.1001
            assert shop.ask(slot) == 0.0
        shop.throttled(slot)
        assert shop.ask(slot) == about(0.1 / left)

    def test_without_429_raises_the_rate_again_faster_and_faster(self, shop: Shop) -> None:
        slot, _ = shop.arrive(CREATE)
        for _ in range(8):
            shop.throttled(slot)
            shop.clock.now += shop.ask(slot)
            shop.ask(slot)
        pauses = []
        for _ in range(500):
            slot, pause = shop.arrive(CREATE)
            shop.clock.now += pause
            assert shop.ask(slot) == 0.0
            pauses.append(round(pause, 5))
        assert pauses == sorted(pauses, reverse=True)
        assert pauses[0] > 0.35
        assert pauses[30] > 0.3
        assert pauses[100] > 0.2
        assert pauses[-1] == about(0.1)

    def test_without_429_for_hours_raises_the_rate_of_a_slow_operation(self, shop: Shop) -> None:
        slow = msgspec.structs.replace(GET_ORDER, rate=0.0167, burst=20.0)
        slot, _ = shop.arrive(slow)
        for _ in range(8):
            shop.throttled(slot)
            shop.clock.now += shop.ask(slot)
            shop.ask(slot)
        began = shop.clock.now
        while shop.clock.now < began + 3 * 3600:
            slot, pause = shop.arrive(slow)
            shop.clock.now += pause
            assert shop.ask(slot) == 0.0
        assert pause == about(60, 1)

    def test_with_another_rate_ends_all_doubt(self, shop: Shop) -> None:
        slot, _ = shop.arrive()
        for _ in range(8):
            shop.throttled(slot)
            shop.clock.now += shop.ask(slot)
            shop.ask(slot)
        shop.learn(slot, "0.25")
        slot, pause = shop.arrive()
        shop.clock.now += pause
        assert shop.ask(slot) == 0.0
        assert shop.wait() == about(4.0)

    def test_counts_from_then_on_where_nobody_knew_a_rate(self, shop: Shop) -> None:
        slots = [shop.arrive(NO_RATE) for _ in range(100)]
        assert {pause for _, pause in slots} == {0.0}
        shop.learn(slots[0][0], "4.0")
        assert [shop.wait(NO_RATE) for _ in range(5)] == about([0.0] * 4 + [0.25 + SLACK_S])

    def test_with_429_is_all_there_is_where_nobody_knows_a_rate(self, shop: Shop) -> None:
        slot, _ = shop.arrive(NO_RATE)
        shop.throttled(slot)
        assert shop.ask(slot) == 1.0
        shop.clock.now += 1.0
        assert shop.ask(slot) == 0.0
        for _ in range(40):
            shop.throttled(slot)
            shop.clock.now += shop.ask(slot)
            assert shop.ask(slot) == 0.0
        shop.throttled(slot)
        assert 120 < shop.ask(slot) <= 200
        for _ in range(700):  # what is only guessed may turn out too low, too
            slot, pause = shop.arrive(NO_RATE)
            shop.clock.now += pause
            assert shop.ask(slot) == 0.0
        assert shop.wait(NO_RATE) < 0.1


class TestTheApplicationsBucket:
    def shared(self, rate: float) -> Any:
        return msgspec.structs.replace(GET_ORDER, application_rate=rate)

    def test_is_shared_by_all_accounts(self, shop: Shop) -> None:
        operation = self.shared(40.0)
        assert [shop.wait(operation) for _ in range(30)] == about([0.0] * 30)
        assert [shop.wait(operation, OTHER) for _ in range(11)] == about([0.0] * 10 + [0.125])
        assert shop.wait(operation, Account("another application", "x")) == 0.0

    def test_holds_nobody_up_whose_own_bucket_is_empty(self, shop: Shop) -> None:
        operation = self.shared(40.0)
        shop.empty(operation)
        waiting = [shop.arrive(operation) for _ in range(20)]
        assert all(pause > 2.0 for _, pause in waiting)
        assert [shop.wait(operation, OTHER) for _ in range(10)] == about([0.0] * 10)

    def test_returns_the_accounts_own_token_to_a_call_that_does_not_wait_for_it(self, shop: Shop) -> None:
        operation = self.shared(29.0)
        assert [shop.wait(operation) for _ in range(29)] == about([0.0] * 29)
        slot, pause = shop.arrive(operation)
        assert 0 < pause < 1
        shop.give_back(slot)
        assert shop.wait(operation, most_s=0.01) == about(pause)
        shop.clock.now += 1.0
        assert shop.wait(operation) == 0.0

    def test_is_emptied_by_a_429_too_but_never_doubted(self, shop: Shop) -> None:
        operation = self.shared(1.0)
        slot, _ = shop.arrive(operation)
        for _ in range(5):
            shop.throttled(slot)
            assert shop.wait(operation, OTHER, most_s=0.0) == about(1.0)
            shop.clock.now += 100
            assert shop.ask(slot) == 0.0


@pytest.mark.parametrize("colour", ["blocking", "async"])
class TestWaiting:
    def test_takes_calls_in_the_order_of_their_arrival(self, kept: Any, clock: VirtualTime, colour: str) -> None:
        wire, through = wire_of(colour, clock), []

        async def call(number: int) -> None:
            await wire.sleep(number * 0.01)
            await limits.wait(kept, wire, Slot(SELLER, CREATE))
            through.append(number)

        shuffled = random.Random(1).sample(range(50), 50)
        at_once(colour, clock, [lambda number=number: call(number) for number in shuffled], kept)
        assert through == list(range(50))

    def test_of_a_thousand_calls_delays_no_other_bucket(self, clock: VirtualTime, colour: str) -> None:
        kept, wire, waited = Limits(clock), wire_of(colour, clock), {}
        crowd = 1000 if colour == "async" else 200

        async def crowding() -> None:
            await limits.wait(kept, wire, Slot(SELLER, CREATE))

        async def alone(name: str, account: Account, operation: Any) -> None:
            await wire.sleep(1.0)
            waited[name] = await limits.wait(kept, wire, Slot(account, operation))

        others = [lambda: alone("account", OTHER, CREATE), lambda: alone("operation", SELLER, GET_ORDER)]
        started = clock.now
        at_once(colour, clock, [crowding] * crowd + others)
        assert waited == {"account": 0.0, "operation": 0.0}
        assert clock.now - started == about((crowd - 10) / 10 + SLACK_S, 0.1)

    def test_ends_with_an_error_when_it_would_take_too_long(self, kept: Any, clock: VirtualTime, colour: str) -> None:
        wire = wire_of(colour, clock)
        refused: list[Throttled] = []

        async def call() -> None:
            try:
                await limits.wait(kept, wire, Slot(SELLER, CREATE), 1.0)
            except Throttled as error:
                refused.append(error)

        at_once(colour, clock, [call] * 30, kept)
        assert len(refused) == 30 - 10 - 7
        assert {error.operation for error in refused} == {CREATE.key}
        assert all(1.0 < error.retry_after < 1.2 for error in refused)

    def test_notices_a_429_while_it_sleeps(self, kept: Any, clock: VirtualTime, colour: str) -> None:
        wire, through = wire_of(colour, clock), []

        async def call() -> None:
            await wire.sleep(0.001)
            await limits.wait(kept, wire, Slot(SELLER, CREATE))
            through.append(clock.now)

        async def refused() -> None:
            slot = Slot(SELLER, CREATE)
            await limits.wait(kept, wire, slot)
            await wire.sleep(0.3)
            await kept.throttled(wire, slot)
            await limits.wait(kept, wire, slot)
            through.append(clock.now)

        started = clock.now
        at_once(colour, clock, [refused] + [call] * 29, kept)
        assert not [at for at in through if started + 0.002 < at < started + 0.399]
        assert clock.now - started == about(0.3 + 0.1 * 21, 0.01)


class TestACancelledTask:
    def test_gives_its_place_back_and_those_behind_it_move_up(self, kept: Any, clock: VirtualTime) -> None:
        wire, through = wire_of("async", clock), []
        tasks: dict[int, asyncio.Task[None]] = {}

        async def call(number: int) -> None:
            tasks[number] = asyncio.current_task()  # type: ignore[assignment]
            try:
                await wire.sleep(number * 0.001)
                await limits.wait(kept, wire, Slot(SELLER, GET_ORDER))
                through.append(number)
            except asyncio.CancelledError:
                pass

        async def cancel() -> None:
            await wire.sleep(1.0)
            for number in range(30, 70):
                tasks[number].cancel()
            await wire.sleep(0.1)
            pause = await kept.reserve(wire, Slot(SELLER, GET_ORDER), most_s=0.0)
            assert pause == about((30 + 1) * 2.0 + SLACK_S - 1.1, 0.05)

        started = clock.now
        calls = [lambda number=number: call(number) for number in range(100)]
        at_once("async", clock, [*calls, cancel], kept)
        assert through == [*range(30), *range(70, 100)]
        # They notice when they look next, after at most ten seconds; meanwhile the bucket keeps the tokens.
        assert clock.now - started == about(30 * 2.0 + SLACK_S, 0.5)


class TestThreads:
    def test_never_take_the_same_token(self) -> None:
        kept = Limits(clock=lambda: 0.0)
        let_through: list[float] = []

        def take() -> None:
            wire = BlockingWire()
            let_through.extend(run(kept.reserve(wire, Slot(SELLER, GET_ORDER), most_s=0.0)) for _ in range(500))

        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        try:
            threads = [threading.Thread(target=take) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            sys.setswitchinterval(interval)
        assert len(let_through) == 4000
        assert let_through.count(0.0) == 30

    def test_and_tasks_share_one_order(self) -> None:
        kept = Limits(clock=lambda: 0.0)
        for _ in range(30):
            run(kept.reserve(BlockingWire(), Slot(SELLER, GET_ORDER)))
        waits = []
        for _ in range(3):
            waits.append(run(kept.reserve(BlockingWire(), Slot(SELLER, GET_ORDER))))
            waits.append(asyncio.run(kept.reserve(AsyncWire(), Slot(SELLER, GET_ORDER))))
        assert waits == about([2.0 * number + SLACK_S for number in range(1, 7)])


@pytest.mark.parametrize("stated", [None, "2.0"])
def test_processes_that_each_keep_to_their_part_send_no_more_than_amazon_allows(
    clock: VirtualTime, stated: str | None
) -> None:
    shops = [Shop(Limits(clock, processes=3), clock) for _ in range(3)]
    for shop in shops:
        slot, _ = shop.arrive()
        shop.learn(slot, stated)
    sent = 3
    for _ in range(600):
        sent += [shop.wait(most_s=0.0) for shop in shops for _ in range(5)].count(0.0)
        clock.now += 1.0
    allowed = GET_ORDER.burst + 600 * float(stated or GET_ORDER.rate)
    assert 0.98 * allowed <= sent <= allowed


def test_buckets_that_are_not_used_are_forgotten() -> None:
    clock = VirtualTime()
    kept = Limits(clock)
    for number in range(5000):
        clock.now += 60
        run(kept.reserve(BlockingWire(), Slot(Account("application", str(number)), GET_ORDER)))
    assert len(kept._buckets) <= 1200


@given(st.lists(st.tuples(st.floats(0, 30), st.floats(0, SLACK_S)), max_size=60), st.sampled_from([GET_ORDER, CREATE]))
def test_amazon_never_has_to_refuse_a_call_however_unevenly_they_arrive(
    calls: list[tuple[float, float]], operation: Any
) -> None:
    """Against the definition of a token bucket; a call arrives up to the slack later than it was sent."""
    shop = Shop(Limits(clock := VirtualTime()), clock)
    arrived = []
    for gap, on_the_way in calls:
        clock.now += gap
        slot, pause = shop.arrive(operation)
        if pause:
            clock.now += pause
            assert shop.ask(slot) == 0.0
        arrived.append(clock.now + on_the_way)
    tokens, last = operation.burst, 0.0
    for at in sorted(arrived):
        tokens = min(operation.burst, tokens + (at - last) * operation.rate) - 1
        last = at
        assert tokens >= -0.001


STEPS = st.one_of(
    st.tuples(st.just("arrive"), st.sampled_from([SELLER, OTHER]), st.sampled_from([1e9, 3.0, 0.0])),
    st.tuples(st.just("ask"), st.integers(0, 20)),
    st.tuples(st.just("give_back"), st.integers(0, 20)),
    st.tuples(st.just("throttled"), st.integers(0, 20)),
    st.tuples(st.just("learn"), st.integers(0, 20), st.sampled_from(["0.3", "1.0", "8.0", "x"])),
    st.tuples(st.just("pass"), st.floats(0, 3)),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(steps=st.lists(STEPS, max_size=60), which=st.sampled_from(["own", "both", "unknown"]))
def test_redis_decides_as_a_process_does(redis_server: RedisServer, steps: list[Any], which: str) -> None:
    """Two programs, Python's and Lua's, for one policy: whatever happens, they let through the same."""
    operation = {
        "own": msgspec.structs.replace(GET_ORDER, burst=3.0),
        "both": msgspec.structs.replace(GET_ORDER, burst=5.0, application_rate=4.0),
        "unknown": NO_RATE,
    }[which]
    with redis_server.client as client:
        client.flushall()
    clock = VirtualTime()
    shared = RedisLimits(redis_server.url, clock=clock)
    process, together = Shop(Limits(clock), clock), Shop(shared, clock)
    slots: list[tuple[Slot, Slot]] = []
    for name, *given_ in steps:
        if name == "arrive":
            account, most_s = given_
            mine, theirs = process.arrive(operation, account, most_s), together.arrive(operation, account, most_s)
            assert mine[1] == about(theirs[1], 1e-3)
            slots.append((mine[0], theirs[0]))
        elif name == "pass":
            clock.now += given_[0]
        elif slots:
            mine, theirs = slots[given_[0] % len(slots)]
            if name == "ask":
                assert process.ask(mine) == about(together.ask(theirs), 1e-3)
            else:
                getattr(process, name)(mine, *given_[1:])
                getattr(together, name)(theirs, *given_[1:])
    shared.close()
