"""When too much of what everybody does fails, hardly anybody tries."""

from __future__ import annotations

import pytest

from sellerport.server.hub.breaker import LEAST, OPEN_S, PROBE_EVERY_S, WINDOW_S, Breaker


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def note(breaker, good, bad):
    for _ in range(good):
        breaker.note(good=True)
    for _ in range(bad):
        breaker.note(good=False)


def test_few_failures_say_nothing(clock):
    breaker = Breaker(clock)
    note(breaker, 0, LEAST - 1)
    assert not breaker.is_open
    assert all(breaker.allows() for _ in range(100))


@pytest.mark.parametrize(("good", "bad", "opens"), [(80, 20, False), (79, 21, True), (0, LEAST, True)])
def test_a_fifth_may_fail_and_no_more(clock, good, bad, opens):
    breaker = Breaker(clock)
    note(breaker, good, bad)
    assert breaker.is_open == opens


def test_an_open_one_lets_one_through_a_second(clock):
    breaker = Breaker(clock)
    note(breaker, 0, LEAST)
    let = 0
    for _ in range(100):
        clock.now += 0.1
        let += breaker.allows()
    assert let == 10 / PROBE_EVERY_S


def test_what_works_again_closes_it_at_once(clock):
    breaker = Breaker(clock)
    note(breaker, 0, 100)
    breaker.note(good=True)
    assert breaker.is_open  # an answer that was on its way proves nothing for everybody
    breaker.close()
    assert not breaker.is_open
    breaker.note(good=False)
    assert not breaker.is_open  # what was before does not count any more


def test_it_closes_by_itself_when_nothing_fails_any_more(clock):
    breaker = Breaker(clock)
    note(breaker, 0, LEAST)
    clock.now += OPEN_S - 1
    assert breaker.is_open
    clock.now += 1
    assert not breaker.is_open


def test_failures_of_attempts_let_through_keep_it_open(clock):
    breaker = Breaker(clock)
    note(breaker, 0, LEAST)
    for _ in range(600):
        clock.now += 0.5
        if breaker.allows():
            breaker.note(good=False)
        assert breaker.is_open


def test_a_minute_is_judged_by_itself(clock):
    breaker = Breaker(clock)
    note(breaker, 0, LEAST - 1)
    clock.now += WINDOW_S
    note(breaker, 0, 1)
    assert not breaker.is_open
