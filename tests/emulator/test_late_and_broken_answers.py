"""Faults of time, of connections and of tokens; by operation, by chance, and for ever."""

from __future__ import annotations

import asyncio
import http.client
import selectors
import socket
from typing import Any

import pytest

from sellerport.emulator import Fault, World, app
from sellerport.errors import UnknownOperation

from .conftest import CLIENT, NOW, Local

ACCOUNT = "/sellers/v1/account"
PARTICIPATIONS = "/sellers/v1/marketplaceParticipations"


class Jumping(selectors.DefaultSelector):
    """A selector that waits for no time, and adds up what it should have waited."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> Any:
        self.passed += max(timeout or 0, 0)
        return super().select(0)


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps to the next timer."""

    def __init__(self) -> None:
        self.jumping = Jumping()
        super().__init__(self.jumping)

    def time(self) -> float:
        return self.jumping.passed


def asked(world: World, path: str, *, gone_after_s: float | None = None) -> list[tuple[float, str, bytes]]:
    """Ask in process; return what came: the time, what it is, and the bytes."""
    came: list[tuple[float, str, bytes]] = []
    sent = iter([{"type": "http.request", "body": b""}])
    headers = [(b"host", b"x"), (b"x-amz-access-token", b"Atza|x")]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers}

    async def receive() -> dict[str, Any]:
        if (message := next(sent, None)) is not None:
            return message
        await asyncio.sleep(1e9 if gone_after_s is None else gone_after_s)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        now = asyncio.get_running_loop().time()
        came.append((round(now), message["type"].rpartition(".")[2], message.get("body", b"")))

    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(app(world)(scope, receive, send))
    return came


def test_an_answer_comes_late() -> None:
    world = World(clock=lambda: NOW, orders=0)
    world.fail(Fault(answer="usual", latency_s=5))
    world.fail(Fault(status=503, latency_s=7))
    for wait, status in ((5, 403), (7, 503), (0, 403)):
        assert [(when, what) for when, what, _ in asked(world, ACCOUNT)] == [(wait, "start"), (wait, "body")]
        assert world.requests[-1]["status"] == status


def test_a_client_that_leaves_before_a_late_answer_gets_none() -> None:
    world = World(clock=lambda: NOW, orders=0)
    world.fail(Fault(answer="usual", latency_s=5))
    assert asked(world, ACCOUNT, gone_after_s=4) == []
    assert world.requests[-1]["status"] is None


def test_a_slow_body_comes_in_ten_pieces() -> None:
    world = World(clock=lambda: NOW, orders=0)
    world.fail(Fault(answer="slow", latency_s=2))
    slow = asked(world, ACCOUNT)
    whole = asked(world, ACCOUNT)[1][2]
    assert [when for when, what, body in slow if body] == [2 * piece for piece in range(1, 11)]
    assert slow[0][:2] == (0, "start")
    assert len(b"".join(body for *_, body in slow)) == len(whole)


def test_latency_of_nothing_is_none(amazon: Local) -> None:
    token = amazon.token()
    usual = amazon.call("GET", PARTICIPATIONS, token).json
    for answer in ("usual", "slow"):
        amazon.control("POST", "faults", {"answer": answer, "latency_s": 0})
        assert amazon.call("GET", PARTICIPATIONS, token).json == usual
    assert [one["fault"] for one in amazon.world.requests][-2:] == ["usual", "slow"]


def test_login_with_amazon_can_be_slow(amazon: Local) -> None:
    amazon.control("POST", "faults", {"path": "/auth/o2/token", "answer": "usual", "latency_s": 60})
    token = amazon.world.issue_access_token(amazon.world.application(), next(iter(amazon.world.grants.values())))
    assert amazon.call("GET", ACCOUNT, token).status == 200
    with pytest.raises(TimeoutError):
        amazon.send("POST", "/auth/o2/token", timeout=0.2)
    assert amazon.token()


def raw(amazon: Local, path: str, token: str) -> tuple[bytes, bytes]:
    """Return all that comes until the server ends the connection, as head and body."""
    host, port = amazon.base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\nx-amz-access-token: {token}\r\n\r\n".encode())
        head, _, body = b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\r\n\r\n")
    return head, body


def test_a_body_is_cut_in_half(amazon: Local) -> None:
    token = amazon.token()
    whole = amazon.call("GET", PARTICIPATIONS, token).body
    amazon.control("POST", "faults", {"answer": "truncated"})
    head, body = raw(amazon, PARTICIPATIONS, token)
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert f"content-length: {len(whole)}".encode() in head
    assert body == whole[: len(whole) // 2]
    amazon.world.fail(Fault(answer="truncated"))
    with pytest.raises(http.client.IncompleteRead):
        amazon.call("GET", PARTICIPATIONS, token)
    assert amazon.call("GET", PARTICIPATIONS, token).status == 200


def test_a_document_is_cut_in_half(amazon: Local) -> None:
    from sellerport.emulator import Outcome

    amazon.world.plan(Outcome(body="x" * 100_000))
    report = amazon.report("GET_MERCHANT_LISTINGS_ALL_DATA")
    url = amazon.call("GET", f"/reports/2021-06-30/documents/{report['reportDocumentId']}").json["url"]
    amazon.world.fail(Fault(path="/_storage/*", answer="truncated"))
    with pytest.raises(http.client.IncompleteRead) as cut:
        amazon.fetch(url)
    assert cut.value.partial == b"x" * 50_000
    assert amazon.fetch(url).body == b"x" * 100_000


def test_half_a_head_comes_and_nothing_more(amazon: Local) -> None:
    amazon.control("POST", "faults", {"answer": "half-open"})
    host, port = amazon.base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=0.3) as connection:
        connection.sendall(f"GET {ACCOUNT} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
        came = connection.recv(65536)
        with pytest.raises(TimeoutError):
            connection.recv(65536)
    assert came.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\n\r\n" not in came
    assert amazon.send("GET", ACCOUNT).status == 403


@pytest.mark.parametrize("answer", ["half-open", "truncated"])
def test_under_a_server_that_cannot_break_connections_the_application_raises(answer: Any) -> None:
    world = World(clock=lambda: NOW, orders=0)
    world.fail(Fault(answer=answer))
    with pytest.raises(ConnectionResetError):
        asked(world, ACCOUNT)


def test_the_token_of_an_operation_expires(amazon: Local) -> None:
    token, other = amazon.token(), amazon.token()
    amazon.control("POST", "faults", {"operation": "sellers_v1.getMarketplaceParticipations", "answer": "expired"})
    assert amazon.call("GET", ACCOUNT, token).status == 200
    refused = amazon.call("GET", PARTICIPATIONS, token)
    assert refused.error == (403, "Unauthorized", "The access token you provided has expired.")
    assert amazon.call("GET", ACCOUNT, token).status == 403
    assert amazon.call("GET", ACCOUNT, other).status == 200


def test_the_grant_of_an_operation_is_revoked(amazon: Local) -> None:
    token, elsewhere = amazon.token(), amazon.token("Atzr|local-seller-eu")
    amazon.control("POST", "faults", {"operation": "sellers_*", "answer": "revoked"})
    refused = amazon.call("GET", ACCOUNT, token)
    assert refused.error == (403, "Unauthorized", "The access token you provided is revoked, malformed or invalid.")
    again = amazon.lwa(grant_type="refresh_token", refresh_token="Atzr|local-seller-na", **CLIENT)
    assert (again.status, again.json["error"]) == (400, "invalid_grant")
    assert amazon.call("GET", ACCOUNT, elsewhere).status == 200


def test_a_token_that_is_none_ends_nothing(amazon: Local) -> None:
    token = amazon.token()
    for answer in ("expired", "revoked"):
        amazon.control("POST", "faults", {"answer": answer})
        assert amazon.call("GET", ACCOUNT, "Atza|none").status == 403
    grantless = amazon.grantless()
    amazon.control("POST", "faults", {"answer": "revoked"})
    assert amazon.call("GET", "/notifications/v1/destinations", grantless).status == 200
    assert amazon.call("GET", ACCOUNT, token).status == 200


def test_a_fault_is_of_one_operation_whatever_its_path(amazon: Local) -> None:
    token = amazon.token()
    amazon.control("POST", "faults", {"operation": "orders_v0.get_order", "status": 503, "times": 2})
    assert amazon.world.faults[0].operation == "orders_v0.get_order"
    assert amazon.call("GET", "/orders/v0/orders/1/orderItems", token).status == 400
    assert amazon.call("GET", "/orders/v0/orders/1", token).status == 503
    assert amazon.call("GET", "/sellingpartnerapi-na.amazon.com/orders/v0/orders/2", token).status == 503
    assert amazon.call("GET", "/orders/v0/orders/1", token).status != 503


def test_an_operation_that_is_none_is_refused(amazon: Local) -> None:
    refused = amazon.control("POST", "faults", {"operation": "orders_v0.get_ordr"})
    assert refused.status == 404
    assert "get_ordr" in refused.json["error"]["message"]
    with pytest.raises(UnknownOperation):
        Fault(operation="sellers_v1.nothing")


def test_a_fault_may_stay_until_it_is_forgotten(amazon: Local) -> None:
    amazon.control("POST", "faults", {"times": None, "status": 503})
    assert [amazon.call("GET", ACCOUNT, "x").status for _ in range(4)] == [503] * 4
    (shown,) = amazon.control("GET", "faults").json["faults"]
    assert (shown["times"], shown["status"]) == (None, 503)
    assert amazon.control("DELETE", "faults").json == {"faults": []}
    assert amazon.call("GET", ACCOUNT, "x").status == 403


def test_chance_comes_from_the_seed_and_changes_no_token(amazon: Local) -> None:
    def statuses(seed: int, *faults: dict[str, Any]) -> tuple[list[int], str]:
        amazon.world.reset(seed)
        for fault in faults:
            amazon.control("POST", "faults", {"times": None, "status": 503, "path": "/sellers/*", **fault})
        found = [amazon.call("GET", ACCOUNT, "x").status for _ in range(60)]
        amazon.control("DELETE", "faults")
        return found, amazon.world.secret("", 8)

    some = {"chance": 0.3}
    first, token = statuses(5, some)
    assert statuses(5, some) == (first, token)
    assert statuses(6, some)[0] != first
    assert statuses(5) == ([403] * 60, token)
    assert 8 <= first.count(503) <= 28


def test_a_fault_that_does_not_happen_is_not_used_up(amazon: Local) -> None:
    amazon.world.fail(Fault(chance=1e-9, status=503))
    amazon.world.fail(Fault(status=500))
    assert [amazon.call("GET", ACCOUNT, "x").status for _ in range(2)] == [500, 403]
    assert [one.status for one in amazon.world.faults] == [503]


@pytest.mark.parametrize(
    ("fault", "says"),
    [({"chance": 0}, "chance"), ({"chance": 1.1}, "chance"), ({"latency_s": -1}, "latency_s"), ({"times": 0}, "times")],
)
def test_a_fault_that_cannot_be_is_refused(amazon: Local, fault: Any, says: str) -> None:
    answer = amazon.control("POST", "faults", fault)
    assert (answer.status, says in answer.body.decode()) == (400, True)
    assert not amazon.world.faults
