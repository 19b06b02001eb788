"""The buckets: GCRA that starts from the catalogue and follows what Amazon says."""

from __future__ import annotations

import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sellerport import catalog
from sellerport.limits import Limits

GET_ORDER = catalog.find("orders_v0.get_order")  # 0.5 a second, burst 30
NO_RATE = catalog.find("seller_wallet_2024_03_01.list_accounts")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limits(clock: Clock) -> Limits:
    return Limits(clock)


def test_a_full_bucket_lets_a_burst_through_and_then_one_call_for_each_interval(limits: Limits) -> None:
    waits = [limits.reserve("a", GET_ORDER) for _ in range(33)]
    assert waits == [0.0] * 30 + [2.0, 4.0, 6.0]


def test_a_bucket_fills_again(limits: Limits, clock: Clock) -> None:
    for _ in range(30):
        limits.reserve("a", GET_ORDER)
    clock.now += 10
    assert [limits.reserve("a", GET_ORDER) for _ in range(6)] == [0.0] * 5 + [2.0]


def test_accounts_and_operations_have_buckets_of_their_own(limits: Limits) -> None:
    for _ in range(31):
        limits.reserve("a", GET_ORDER)
    assert limits.reserve("b", GET_ORDER) == 0.0
    assert limits.reserve("a", catalog.find("orders_v0.get_order_items")) == 0.0


def test_a_slot_that_is_given_back_is_free_again(limits: Limits) -> None:
    for _ in range(30):
        limits.reserve("a", GET_ORDER)
    assert limits.reserve("a", GET_ORDER) == 2.0
    limits.give_back("a", GET_ORDER)
    assert limits.reserve("a", GET_ORDER) == 2.0


def test_amazons_header_changes_the_rate_and_keeps_what_was_used(limits: Limits) -> None:
    for _ in range(30):
        limits.reserve("a", GET_ORDER)
    limits.learn("a", GET_ORDER, "10.0")
    assert limits.reserve("a", GET_ORDER) == pytest.approx(0.1)


@pytest.mark.parametrize("header", [None, "", "many", "0", "-1", "nan"])
def test_a_header_that_says_nothing_changes_nothing(limits: Limits, header: str | None) -> None:
    limits.learn("a", GET_ORDER, header)
    assert [limits.reserve("a", GET_ORDER) for _ in range(31)][-1] == 2.0


def test_after_a_429_the_next_slot_is_one_interval_away(limits: Limits) -> None:
    limits.throttled("a", GET_ORDER)
    assert limits.reserve("a", GET_ORDER) == 2.0


def test_without_a_known_rate_nothing_waits_until_amazon_says_429(limits: Limits) -> None:
    assert [limits.reserve("a", NO_RATE) for _ in range(100)] == [0.0] * 100
    limits.throttled("a", NO_RATE)
    assert limits.reserve("a", NO_RATE) == 1.0
    limits.learn("a", NO_RATE, "4.0")
    assert limits.reserve("a", NO_RATE) == pytest.approx(0.5)


def test_threads_never_take_the_same_slot(limits: Limits, clock: Clock) -> None:
    def take() -> None:
        for _ in range(500):
            limits.reserve("a", GET_ORDER)

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
    assert limits.reserve("a", GET_ORDER) == pytest.approx((4001 - 30) / 0.5)


def test_a_slot_later_than_the_caller_can_wait_is_not_taken(limits: Limits) -> None:
    for _ in range(30):
        limits.reserve("a", GET_ORDER)
    assert [limits.reserve("a", GET_ORDER, most_s=1.0) for _ in range(3)] == [2.0, 2.0, 2.0]


@given(st.lists(st.floats(min_value=0, max_value=30), max_size=60))
def test_in_any_stretch_of_time_no_more_calls_start_than_amazon_allows(gaps: list[float]) -> None:
    """Against the definition: a token bucket of 30 that gains 0.5 a second is never asked for a token it has not."""
    clock = Clock()
    limits = Limits(clock)
    starts = []
    for gap in gaps:
        clock.now += gap
        starts.append(clock.now + limits.reserve("a", GET_ORDER))
    tokens, last = 30.0, 1000.0
    for start in sorted(starts):
        tokens = min(30.0, tokens + (start - last) * 0.5) - 1
        last = start
        assert tokens >= -1e-6
