import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from typing import Any

import pytest

from sellerport.emulator import Fault, World, app, running, serve
from sellerport.errors import SettingsError

from .conftest import Local


def test_running_serves_for_the_length_of_a_block() -> None:
    world = World()
    before = threading.active_count()
    with running(world) as base:
        assert base.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(f"{base}/_emulator/state", timeout=20) as answer:
            assert answer.status == 200
    host, port = base.removeprefix("http://").split(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))
    assert threading.active_count() == before


def test_running_makes_a_world_where_none_is_given() -> None:
    with running() as base, urllib.request.urlopen(f"{base}/_emulator/state", timeout=20) as answer:
        assert len(json.load(answer)["accounts"]) == 4


def test_running_twice_keeps_two_worlds_apart() -> None:
    first, second = World(), World()
    with running(first) as one, running(second) as two:
        token = Local(first, one).token()
        assert Local(first, one).call("GET", "/sellers/v1/account", token).status == 200
        assert Local(second, two).call("GET", "/sellers/v1/account", token).status == 403


def test_running_needs_no_certificate_and_loads_nothing_for_one() -> None:
    program = """
import sys, urllib.request
from sellerport.emulator import World, running
with running(World(orders=1)) as base:
    urllib.request.urlopen(f"{base}/_emulator/state").read()
print(sorted(name for name in sys.modules if name.startswith("cryptography.x509")))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_running_ends_though_a_request_hangs() -> None:
    world = World()
    world.fail(Fault(answer="silence"))
    with running(world) as base:
        host, port = base.removeprefix("http://").split(":")
        connection = socket.create_connection((host, int(port)))
        connection.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        # another request after it: the first has been taken up by then
        assert Local(world, base).send("GET", "/").status == 403
    connection.close()


def test_a_taken_port_is_told_before_anything_starts() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for start in (serve, lambda port: running(port=port).__enter__()):
            with pytest.raises(SettingsError, match=f"cannot listen on 127.0.0.1 port {port}.*another port"):
                start(port=port)


def test_an_impossible_port_is_told_too() -> None:
    with pytest.raises(SettingsError, match="port 70000"):
        serve(port=70_000)


def test_a_port_can_be_chosen() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with running(port=port) as base:
        assert base == f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", ""])
def test_an_address_that_others_reach_is_refused(host: str) -> None:
    with pytest.raises(SettingsError, match=f"other machines can reach {host}.*--i-know"):
        serve(host, 0)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "0.0.0.0"])
def test_serve_says_where_it_is_and_ends_when_interrupted(host: str) -> None:
    exposed = host == "0.0.0.0"
    serving = f"serve({host!r}, 0, exposed={exposed}, on_ready=lambda at: print(at, flush=True))"
    program = f"from sellerport.emulator import serve; {serving}; print('end')"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        base = process.stdout.readline().strip()
        with urllib.request.urlopen(f"{base}/_emulator/state", timeout=20) as answer:
            assert answer.status == 200
        os.kill(process.pid, signal.SIGINT)
        assert process.stdout.read() == "end\n"
        assert process.wait(timeout=20) == 0


def conversation(scope: dict[str, Any], *messages: dict[str, Any]) -> list[dict[str, Any]]:
    """Drive the application without a server."""
    pending, sent = list(messages), []

    async def receive() -> dict[str, Any]:
        return pending.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(seed=1, clock=lambda: 0.0)(scope, receive, send))
    return sent


def test_any_asgi_server_can_serve_it() -> None:
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/api.amazon.com/auth/o2/tokeninfo",
        "query_string": b"",
        "headers": [],
    }
    sent = conversation(scope, {"type": "http.request", "body": b"", "more_body": False})
    assert sent[0]["status"] == 400
    assert json.loads(sent[1]["body"])["error"] == "invalid_token"


def test_it_takes_part_in_a_servers_life() -> None:
    sent = conversation({"type": "lifespan"}, {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    assert [one["type"] for one in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_it_has_no_websockets() -> None:
    assert conversation({"type": "websocket"}) == [{"type": "websocket.close", "code": 1008}]
