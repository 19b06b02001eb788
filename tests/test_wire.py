"""HTTP and waiting: what came back, why nothing did, and how a process ends."""

from __future__ import annotations

import asyncio
import gc
import gzip
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from sellerport import wire as wire_module
from sellerport.errors import NoAnswer
from sellerport.wire import CHUNK, AsyncWire, BlockingWire, Request, Response, Wire, run
from tests.conftest import LocalAmazon
from tests.counterpart import Counterpart, driver, get, read_head, saying, sending, streaming


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


# What follows talks to counterparts that the local Amazon is not, in both colours


@pytest.fixture(params=["blocking", "async"])
def do(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Runs a flow over a wire of one colour: ``do(flow, **options)``, where ``flow`` takes the wire."""
    return driver(request.param)


def test_a_stream_comes_in_pieces_and_as_it_was_sent(do: Callable[..., Any]) -> None:
    body = gzip.compress(os.urandom(3 * CHUNK))
    head = b"206 Partial\r\nContent-Encoding: gzip\r\nContent-Length: %d" % len(body)
    with Counterpart(saying(head, body)) as there:
        status, headers, pieces = do(streaming(get(f"http://{there.address}/")))
    assert (status, headers["content-encoding"], b"".join(pieces)) == (206, "gzip", body)
    assert max(map(len, pieces)) <= CHUNK
    assert b"accept-encoding" not in there.heads[0].lower()


def test_an_answer_that_is_read_to_its_end_may_be_gzip_and_is_unzipped(do: Callable[..., Any]) -> None:
    body = gzip.compress(b'{"a": 1}')
    with Counterpart(saying(b"200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d" % len(body), body)) as there:
        assert do(sending(get(f"http://{there.address}/"))).body == b'{"a": 1}'
    assert b"gzip" in there.heads[0]


@pytest.mark.parametrize("how", [sending, streaming])
@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"200 OK\r\nContent-Length: 1000000", b"x" * 999_999),
        (b"200 OK\r\nTransfer-Encoding: chunked", b"5\r\nhello\r\n"),
    ],
)
def test_a_body_that_ends_too_early_is_never_taken_for_all_of_it(
    do: Callable[..., Any], how: Callable[..., Any], head: bytes, body: bytes
) -> None:
    with (
        Counterpart(saying(head, body)) as there,
        pytest.raises(NoAnswer, match="before its answer was complete") as no,
    ):
        do(how(get(f"http://{there.address}/")))
    assert no.value.sent is True


def test_a_stream_may_take_any_time_as_long_as_it_goes_on(do: Callable[..., Any]) -> None:
    pace = threading.Event()

    def drip(talk: socket.socket, _: bytes) -> None:
        talk.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n")
        for _ in range(6):
            pace.wait(0.1)
            talk.sendall(b"x")

    with Counterpart(drip) as there:
        assert b"".join(do(streaming(get(f"http://{there.address}/", timeout_s=0.4)))[2]) == b"xxxxxx"


def test_a_stream_that_stands_still_is_given_up(do: Callable[..., Any]) -> None:
    """Wish 6: downloads that hang for ever (saleweaver/python-amazon-sp-api 1777)."""
    go_on = threading.Event()

    def stall(talk: socket.socket, _: bytes) -> None:
        talk.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nx")
        go_on.wait(10)

    with Counterpart(stall) as there, pytest.raises(NoAnswer, match=r"longer than its time limit .*0\.2 s"):
        do(streaming(get(f"http://{there.address}/", timeout_s=0.2)))
    go_on.set()


def test_a_file_is_sent_from_the_disk_with_its_length(do: Callable[..., Any], tmp_path: Path) -> None:
    file, arrived = tmp_path / "feed.json", []
    file.write_bytes(os.urandom(3 * CHUNK + 1))

    def take(talk: socket.socket, _: bytes) -> None:
        body = b""
        while len(body) < 3 * CHUNK + 1:
            body += talk.recv(1 << 16)
        arrived.append(body)
        talk.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with Counterpart(take) as there:
        request = Request("PUT", f"http://{there.address}/", {"content-type": "a/b; charset=UTF-8"}, file)
        assert do(sending(request)).status == 200
    assert arrived == [file.read_bytes()]
    head = there.heads[0].decode().lower()
    assert f"content-length: {3 * CHUNK + 1}\r\n" in head
    assert "content-type: a/b; charset=utf-8\r\n" in head
    assert "transfer-encoding" not in head


def test_a_header_that_is_not_ascii_is_left_out_and_the_others_are_there(do: Callable[..., Any]) -> None:
    head = b"200 OK\r\nContent-Disposition: attachment; filename=\xe5.txt\r\nX-Id: 7\r\nContent-Length: 2"
    with Counterpart(saying(head, b"ok")) as there:
        for how in (sending, streaming):
            answer = do(how(get(f"http://{there.address}/")))
            headers = answer.headers if isinstance(answer, Response) else answer[1]
            assert headers == {"x-id": "7", "content-length": "2"}


def test_requests_say_who_sends_them(do: Callable[..., Any]) -> None:
    with Counterpart(saying(b"200 OK\r\nContent-Length: 0")) as there:
        do(sending(get(f"http://{there.address}/")))
    agent = next(line for line in there.heads[0].decode().split("\r\n") if line.lower().startswith("user-agent: "))
    assert re.fullmatch(
        r"user-agent: sellerport/[\d.]+ \(Language=Python/3[\d.]+; Platform=\w+\)", agent, re.IGNORECASE
    )
    assert len(agent) <= 500


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_that_unpacks_to_too_much_is_not_read_on(do: Callable[..., Any], packed: bool) -> None:
    """LC-T9, attack 64: what counts is what would lie in memory."""
    for size in (1000, 1001, 1 << 24):
        body = gzip.compress(bytes(size)) if packed else bytes(size)
        head = b"200 OK\r\nContent-Length: %d" % len(body) + (b"\r\nContent-Encoding: gzip" if packed else b"")
        with Counterpart(saying(head, body)) as there:
            request = Request("GET", f"http://{there.address}/", {}, largest=1000)
            if size == 1000:
                assert do(sending(request)).body == bytes(size)
                continue
            with pytest.raises(NoAnswer, match="an answer of more than 1000 bytes"):
                do(sending(request))


def test_an_answer_that_is_not_encoded_as_it_says_is_named(do: Callable[..., Any]) -> None:
    for body in (b"no gzip", gzip.compress(b"x" * 1000)[:-5]):
        head = b"200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d" % len(body)
        with (
            Counterpart(saying(head, body)) as there,
            pytest.raises(NoAnswer, match="not encoded as its Content-Encoding says"),
        ):
            do(sending(get(f"http://{there.address}/")))


def test_a_place_that_takes_no_connections_is_given_up_long_before_an_answer_would_be(
    do: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire_module, "CONNECT_S", 0.2)
    with ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        with suppress(BlockingIOError):
            for _ in range(10):  # until the queue is full, and what comes next is left waiting
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect(full.getsockname())
        for how in (sending, streaming):
            with pytest.raises(NoAnswer, match="could not be reached in time") as no:
                do(how(get(f"http://127.0.0.1:{full.getsockname()[1]}/", timeout_s=60)))
            assert no.value.sent is False


def test_a_wire_that_is_closed_closes_its_connections_and_opens_new_ones(do: Callable[..., Any]) -> None:
    closed = threading.Semaphore(0)

    def keep(talk: socket.socket, head: bytes) -> None:
        while head:
            talk.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            head = read_head(talk)
        closed.release()

    async def flow(wire: Any) -> int:
        for _ in range(2):
            for _ in range(2):
                await wire.send(get(f"http://{there.address}/"))
            if isinstance(wire, AsyncWire):
                await wire.aclose()
            else:
                wire.close()
            assert closed.acquire(timeout=5), "the connection stayed open"
        return len(there.heads)

    with Counterpart(keep) as there:
        assert do(flow) == 2, "each was for two requests"


# Ctrl-C

INTERRUPTED = """
import os, signal, threading
from pathlib import Path
from sellerport.wire import BlockingWire, Request, run
wire = BlockingWire()
async def stream(request):
    async with wire.stream(request) as answer:
        while await answer.read():
            pass
class Interrupting:
    def __init__(self, body):
        self.body = body
    def read(self, most):
        assert threading.current_thread() is not threading.main_thread()
        os.kill(os.getpid(), signal.SIGINT)
        return self.body.read(most)
async def read_on(request):
    async with wire.stream(request) as answer:
        await answer.read()
        answer._body = Interrupting(answer._body)
        await answer.read()
def silent(method, body=None):
    return Request(method, "http://{address}/silent", {{}}, body, timeout_s=60)
try:
    run({flow})
except KeyboardInterrupt:
    print("interrupted", flush=True)
print(run(wire.send(Request("GET", "http://{address}/", {{}}))).status)
"""


@pytest.mark.parametrize(
    "flow",
    [
        'wire.send(silent("GET"))',
        'wire.send(silent("PUT", Path(__file__)))',
        'stream(silent("GET"))',
        'read_on(silent("GET"))',
    ],
)
def test_ctrl_c_ends_a_blocking_wait_at_once_and_leaves_a_wire_that_works(tmp_path: Path, flow: str) -> None:
    """The transport looks for no signals: Python would hear of it when the request's time limit is over."""
    arrived, script, reads = threading.Event(), tmp_path / "script.py", flow.startswith("read_on")

    def answer(talk: socket.socket, asked: bytes) -> None:
        if b"/silent" not in asked:
            saying(b"204 No Content")(talk, asked)
            return
        if reads:
            talk.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n" + b"x" * CHUNK)
        arrived.set()
        while talk.recv(1 << 16):
            pass

    with Counterpart(answer) as there:
        script.write_text(INTERRUPTED.format(address=there.address, flow=flow))
        with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as process:
            assert arrived.wait(10)
            if not reads:  # which interrupts itself
                process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=10)
    assert (said.split(), process.returncode) == (["interrupted", "204"], 0)


def test_a_call_at_the_end_of_the_process_needs_no_new_thread(
    amazon: LocalAmazon, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(wire_module, "_stands", [])
    monkeypatch.setattr(wire_module, "_Stand", refuse)
    wire = BlockingWire()
    assert run(wire.send(get(f"{amazon.address}/_emulator/state"))).status == 200
    wire.close()


# Cancelling, and work beside


def test_a_task_that_is_cancelled_stops_at_once_and_leaves_a_wire_that_works() -> None:
    """The request itself cannot be called back (pyreqwest lets it run); it ends with its time limit."""
    arrived, wire = threading.Event(), AsyncWire()

    def hang(talk: socket.socket, head: bytes) -> None:
        if b"GET /hang" in head:
            arrived.set()
            talk.recv(1)
            return
        saying(b"200 OK\r\nContent-Length: 2", b"ok")(talk, head)

    async def flow(address: str) -> Response:
        task = asyncio.create_task(wire.send(get(f"http://{address}/hang", timeout_s=1.0)))
        await asyncio.to_thread(arrived.wait, 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 0.5)
        answer = await wire.send(get(f"http://{address}/"))
        await asyncio.to_thread(there.closed.wait, 5)
        await wire.aclose()
        return answer

    with Counterpart(hang) as there:
        assert asyncio.run(flow(there.address)).body == b"ok"
        assert there.closed.wait(5), "the connection of the cancelled request was never closed"


def test_a_stream_that_is_cancelled_is_closed_at_once() -> None:
    wire, closed = AsyncWire(), threading.Event()

    def half(talk: socket.socket, _: bytes) -> None:
        talk.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n" + b"x" * CHUNK)
        if talk.recv(1) == b"":
            closed.set()

    async def flow(address: str) -> None:
        reading = asyncio.Event()

        async def read() -> None:
            async with wire.stream(get(f"http://{address}/", timeout_s=30)) as answer:
                while await answer.read():
                    reading.set()

        task = asyncio.create_task(read())
        await asyncio.wait_for(reading.wait(), 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(closed.wait, 5)
        await wire.aclose()

    with Counterpart(half) as there:
        asyncio.run(flow(there.address))


def test_a_stream_that_is_left_early_leaves_a_wire_that_works(do: Callable[..., Any]) -> None:
    async def flow(wire: Wire) -> int:
        async with wire.stream(get(f"http://{there.address}/")) as answer:
            assert await answer.read()
        return (await wire.send(get(f"http://{there.address}/small"))).status

    def answer(talk: socket.socket, head: bytes) -> None:
        body = b"" if b"/small" in head else b"x" * (4 * CHUNK)
        saying(b"200 OK\r\nContent-Length: %d" % len(body), body)(talk, head)

    with Counterpart(answer) as there:
        assert do(flow) == 200


def test_work_holds_up_no_other_task() -> None:
    wire, other_ran = AsyncWire(), threading.Event()

    async def flow() -> bool:
        async def other() -> None:
            other_ran.set()

        waiting = asyncio.create_task(other())
        found = await wire.work(lambda: other_ran.wait(5))
        await waiting
        return found

    assert asyncio.run(flow()) is True


def test_work_that_is_cancelled_is_over_before_its_task_is() -> None:
    wire, started, done = AsyncWire(), threading.Event(), []

    def work() -> None:
        started.set()
        go_on.wait(5)
        done.append(True)

    async def flow() -> None:
        task = asyncio.create_task(wire.work(work))
        await asyncio.to_thread(started.wait, 5)
        task.cancel()
        await asyncio.wait([task], timeout=0.01)
        assert not task.done()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert done == [True]

    go_on = threading.Event()
    asyncio.run(flow())


@pytest.mark.parametrize("fails", [False, True])
def test_work_is_waited_for_however_often_it_is_cancelled_and_what_it_raised_is_not_missed(fails: bool) -> None:
    wire, started, go_on, done, complaints = AsyncWire(), threading.Event(), threading.Event(), [], []

    def work() -> None:
        started.set()
        go_on.wait(5)
        done.append(True)
        if fails:
            raise OSError("the disk is full")

    async def flow() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        task = asyncio.create_task(wire.work(work))
        await asyncio.to_thread(started.wait, 5)
        for _ in range(3):
            task.cancel()
            await asyncio.wait([task], timeout=0.01)
            assert not task.done()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert done == [True]
        del task
        gc.collect()
        await asyncio.sleep(0)

    asyncio.run(flow())
    gc.collect()
    assert complaints == []


def test_what_work_raises_is_raised(do: Callable[..., Any]) -> None:
    async def flow(wire: Wire) -> None:
        await wire.work(lambda: Path("/no/such/file").read_bytes())

    with pytest.raises(FileNotFoundError):
        do(flow)
