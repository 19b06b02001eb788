"""What a call may take in all, and which error is told when that is used up."""

from __future__ import annotations

from typing import Any

import pytest

from sellerport.errors import AccessDenied, AmazonUnavailable, InvalidArguments, NoAnswer, Throttled, TokenUnavailable
from sellerport.limits import Limits
from sellerport.oauth import Tokens
from tests.conftest import Clients

SINCE = "2020-01-01T00:00:00Z"


class Slow:
    """A clock that every look moves on by as long as an answer takes."""

    def __init__(self, answer_s: float) -> None:
        self.answer_s = answer_s
        self.now = 0.0

    def __call__(self) -> float:
        self.now += self.answer_s
        return self.now


def patient(clients: Clients, answer_s: float, patience_s: float, **options: Any) -> Any:
    """Make a client to whom every answer seems to take so long."""
    sp = clients.make(patience_s=patience_s, **options)
    object.__setattr__(sp._source, "clock", Slow(answer_s))
    return sp


@pytest.mark.parametrize("fault", [{"status": 429}, {"status": 503}, {"answer": "reset"}])
def test_the_time_that_answers_take_counts(clients: Clients, fault: dict[str, Any]) -> None:
    sp = patient(clients, answer_s=5, patience_s=12)
    clients.amazon.fail(path="/catalog/*", times=50, **fault)
    with pytest.raises((Throttled, AmazonUnavailable, NoAnswer)):
        clients.do(lambda: sp.catalog_items.get_catalog_item(asin="B000000001", marketplace_ids=["US"]))
    assert len(clients.amazon.arrived("/catalog/2022-04-01/items/B000000001")) <= 3


@pytest.mark.parametrize("limit", ["wait", "raise"])
def test_amazons_own_error_is_told_when_there_is_no_slot_for_another_attempt(clients: Clients, limit: str) -> None:
    for status, kind in ((503, AmazonUnavailable), (403, AccessDenied)):
        clients.amazon.world.reset()
        sp = clients.make(limit=limit, patience_s=20, limits=Limits(clock=lambda: 0.0), tokens=Tokens())
        for _ in range(19):
            clients.do(lambda sp=sp: sp.orders_v0.get_orders(created_after=SINCE))
        details = "The access token you provided has expired."
        clients.amazon.fail(status=status, times=9, details=details)
        with pytest.raises(kind) as caught:
            clients.do(lambda sp=sp: sp.orders_v0.get_orders(created_after=SINCE))
        assert caught.value.status == status
        assert caught.value.request_id
        assert "rate limit" in caught.value.advice


def test_a_silent_token_server_is_waited_for_no_longer_than_an_answer_may_take(clients: Clients) -> None:
    sp = clients.make(timeout_s=0.05)
    clients.amazon.fail(path="/auth/o2/token", answer="silence", times=9)
    with pytest.raises(TokenUnavailable, match=r"0\.05 s"):
        clients.do(sp.sellers.get_marketplace_participations)
    assert clients.amazon.token_requests == 3


def test_408_is_for_another_time(clients: Clients) -> None:
    clients.amazon.fail(status=408, times=1)
    sp = clients.make()
    assert clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE)).status == 200


@pytest.mark.parametrize("seconds", [float("inf"), float("nan"), 86_401, -1, "1"])
def test_seconds_are_a_number_that_a_clock_can_count(clients: Clients, seconds: Any) -> None:
    with pytest.raises(InvalidArguments, match="timeout_s: must be a number of seconds"):
        clients.make(timeout_s=seconds)
