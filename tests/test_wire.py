"""HTTP and waiting: what came back, why nothing did, and how a process ends."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading

import pytest

from sellerport.errors import NoAnswer
from sellerport.wire import AsyncWire, BlockingWire, Request, Response, run
from tests.conftest import LocalAmazon


def get(url: str, timeout_s: float = 5.0) -> Request:
    return Request("GET", url, {}, timeout_s=timeout_s)


def test_an_answer_has_its_status_headers_in_lower_case_and_body(amazon: LocalAmazon) -> None:
    wire = BlockingWire()
    answer = run(wire.send(get(f"{amazon.address}/_emulator/state")))
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.body.startswith(b"{")
    wire.close()


def test_a_redirect_is_an_answer_and_is_not_followed(amazon: LocalAmazon) -> None:
    wire = BlockingWire()
    path = "/sellercentral.amazon.com/apps/authorize/consent?application_id=amzn1.sp.solution.local&state=x"
    form = b"decision=deny"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = run(wire.send(Request("POST", amazon.address + path, headers, form)))
    assert answer.status == 302
    wire.close()


def test_a_path_is_sent_as_it_is_written(amazon: LocalAmazon) -> None:
    wire = BlockingWire()
    run(wire.send(get(f"{amazon.address}/listings/2021-08-01/items/S/a%2Fb%20%25%27?x=1%2C2,3")))
    assert amazon.world.requests[-1]["path"] == "/listings/2021-08-01/items/S/a%2Fb%20%25%27"
    wire.close()


def test_a_host_that_cannot_be_reached_got_nothing() -> None:
    for url in ("http://127.0.0.1:9/", "http://no-such-host.invalid/"):
        with pytest.raises(NoAnswer, match="refused the connection or could not be found") as caught:
            run(BlockingWire().send(get(url)))
        assert caught.value.sent is False


def test_what_was_sent_and_then_reset_may_have_been_carried_out(amazon: LocalAmazon) -> None:
    amazon.fail(path="*", answer="reset")
    with pytest.raises(NoAnswer, match="closed the connection without an answer") as caught:
        run(BlockingWire().send(get(f"{amazon.address}/x")))
    assert caught.value.sent is True


def test_an_error_names_the_host_and_nothing_else_of_the_address() -> None:
    with pytest.raises(NoAnswer) as caught:
        run(BlockingWire().send(get("http://127.0.0.1:9/orders?access_token=secret")))
    assert "127.0.0.1:9" in caught.value.message
    assert "secret" not in caught.value.message
    assert "secret" not in repr(Request("GET", "http://x/", {"x-amz-access-token": "secret"}, b"secret"))
    assert "secret" not in repr(Response(200, {}, b"secret"))


def test_threads_that_ask_for_the_same_key_take_turns() -> None:
    wire, inside, most = BlockingWire(), [0], [0]

    async def once() -> None:
        async with wire.alone("key"):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            await wire.sleep(0.001)
            inside[0] -= 1

    threads = [threading.Thread(target=lambda: run(once())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


def test_tasks_that_ask_for_the_same_key_take_turns_and_others_do_not_wait() -> None:
    wire, order = AsyncWire(), []

    async def once(key: str, name: str, seen: asyncio.Event, until: asyncio.Event) -> None:
        async with wire.alone(key):
            order.append(f"{name} in")
            seen.set()
            await until.wait()
            order.append(f"{name} out")

    async def all_of_them() -> None:
        first_in, done, now = asyncio.Event(), asyncio.Event(), asyncio.Event()
        now.set()
        first = asyncio.create_task(once("a", "first", first_in, done))
        await first_in.wait()
        second = asyncio.create_task(once("a", "second", asyncio.Event(), now))
        await once("b", "other", asyncio.Event(), now)
        done.set()
        await asyncio.gather(first, second)

    asyncio.run(all_of_them())
    assert order == ["first in", "other in", "other out", "first out", "second in", "second out"]


def test_one_wire_serves_event_loops_one_after_the_other(amazon: LocalAmazon) -> None:
    wire = AsyncWire()

    async def once() -> int:
        answer = await wire.send(get(f"{amazon.address}/_emulator/state"))
        await wire.aclose()
        return answer.status

    assert [asyncio.run(once()), asyncio.run(once())] == [200, 200]


def test_a_flow_that_waits_on_anything_but_its_wire_is_named() -> None:
    async def wrong() -> None:
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="awaited something other than its wire"):
        run(wrong())


def test_a_process_that_ends_after_an_async_call_gives_the_transport_time_to_end(amazon: LocalAmazon) -> None:
    """Without the wait about one process in a hundred aborts (PyO3/pyo3-async-runtimes#40)."""
    code = f"""
import asyncio
from sellerport import wire
pause = wire.time.sleep
wire.time.sleep = lambda seconds: (print("waited", seconds), pause(seconds))
async def once():
    print((await wire.AsyncWire().send(wire.Request("GET", "{amazon.address}/_emulator/state", {{}}))).status)
asyncio.run(once())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["200", "waited", "0.01"]


def test_a_process_forked_after_a_call_is_told_so_instead_of_hanging(amazon: LocalAmazon) -> None:
    code = f"""
import os
from sellerport.errors import SettingsError
from sellerport.wire import BlockingWire, Request, run
wire = BlockingWire()
once = lambda: run(wire.send(Request("GET", "{amazon.address}/_emulator/state", {{}}))).status
print(once(), flush=True)
child = os.fork()
if child == 0:
    try:
        once()
    except SettingsError as error:
        print("child:", error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(once())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    first, told, again = done.stdout.splitlines()
    assert (first, again) == ("200", "200")
    assert told.startswith("child: this process was forked after its parent had called Amazon")


def test_plain_http_goes_through_no_proxy_of_the_environment(amazon: LocalAmazon) -> None:
    code = f"""
import asyncio
from sellerport.wire import AsyncWire, BlockingWire, Request, run
request = Request("GET", "{amazon.address}/_emulator/state", {{}})
print(run(BlockingWire().send(request)).status, asyncio.run(AsyncWire().send(request)).status)
"""
    environ = {**os.environ, "http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
    environ = {name: value for name, value in environ.items() if name.lower() != "no_proxy"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ)
    assert done.stdout.split() == ["200", "200"]


def test_the_blocking_client_pays_for_no_event_loop() -> None:
    code = "from sellerport import SellingPartner; import sys; print('asyncio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_library_brings_in_nothing_of_the_server() -> None:
    code = """
import sys
from sellerport import AsyncSellingPartner, Hosted, SellingPartner
import sellerport.connectors
heavy = {"starlette", "uvicorn", "sqlalchemy", "alembic", "cryptography", "structlog", "sqlite3", "click", "rich"}
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
