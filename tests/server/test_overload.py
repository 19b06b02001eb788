"""What a server does when there is too much of something: calls, clients, connections; and when it is replaced."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from tests.server.conftest import PUBLIC, ask
from tests.server.token_server import EXECUTE, SP_API, time_passes
from tests.server.worker import amazon

from sellerport.emulator import Fault
from sellerport.emulator.grants import DEFAULT_APPLICATION
from sellerport.errors import NoAnswer
from sellerport.oauth import LwaClient
from sellerport.regions import marketplace
from sellerport.server import protocol, requests
from sellerport.server.app import running
from sellerport.server.hub import Caller
from sellerport.server.hub.calls import PATIENCE_S
from sellerport.server.opening import open_hub
from sellerport.server.protocol import MOST_CONNECTIONS
from sellerport.server.settings import Settings
from sellerport.server.vault import create_key_file
from sellerport.wire import AsyncWire, Request

CONNECTORS = "/api/v1/integrations/connectors"
SEARCH = {
    "entity": "catalog_items_2022_04_01",
    "action": "search_catalog_items",
    "params": {"keywords": "x", "marketplace_ids": "ATVPDKIKX0DER"},
}
"""What Amazon's rates allow twice a second."""


def test_rl_5_amazons_429_is_waited_for_but_no_longer_than_the_deadline(sqlite_house):
    """RL-5."""

    async def scenario(server):
        id = await server.connect()
        await server.orders(id)
        time_passes(server)
        server.world.fail(Fault(host=SP_API, status=429, headers={"x-amzn-RateLimit-Limit": "5"}, times=None))
        begun = server.clock.now
        answer = await server.api("POST", f"{CONNECTORS}/{id}/execute", EXECUTE)
        assert (answer.status, answer.json["errors"][0]["error_code"]) == (429, "throttled")
        assert int(answer.headers["retry-after"]) >= 1
        assert server.clock.now - begun <= PATIENCE_S

    sqlite_house.run(scenario)


def test_rl_5_a_call_that_gets_its_slot_in_time_waits_for_it(sqlite_house):
    """RL-5: Amazon refuses once; the call keeps its place and goes through."""

    async def scenario(server):
        id = await server.connect()
        time_passes(server)
        server.world.fail(Fault(host=SP_API, status=429))
        begun = server.clock.now
        answer = await server.api("POST", f"{CONNECTORS}/{id}/execute", SEARCH)
        assert (answer.status, 0 < server.clock.now - begun <= PATIENCE_S) == (200, True)

    sqlite_house.run(scenario)


def test_rl_5_whose_turn_comes_after_the_deadline_is_told_at_once(sqlite_house):
    """RL-5: of thirty calls at once, Amazon's bucket has room for twenty, and the next token comes in a minute."""

    async def scenario(server):
        id = await server.connect()
        time_passes(server)
        begun = server.clock.now
        asked = [server.api("POST", f"{CONNECTORS}/{id}/execute", EXECUTE) for _ in range(30)]
        answers = await asyncio.gather(*asked)
        assert sorted(answer.status for answer in answers) == [200] * 20 + [429] * 10
        for answer in answers:
            assert answer.status == 200 or int(answer.headers["retry-after"]) > PATIENCE_S
        assert server.clock.now == begun

    sqlite_house.run(scenario)


def test_rl_6_a_call_ends_when_its_client_leaves_and_others_get_its_place(sqlite_house, caplog):
    """RL-6: while Amazon is asked, and while the call waits for its slot."""

    async def scenario(server):
        id = await server.connect()
        await server.orders(id)
        headers, body = {"authorization": f"Bearer {server.token}"}, msgspec.json.encode(SEARCH)
        for name in ("send", "sleep"):
            entered, ended, leaves = asyncio.Event(), [], asyncio.Event()

            async def hang(_what, entered=entered, ended=ended):
                entered.set()
                try:
                    await asyncio.Event().wait()
                finally:
                    ended.append(True)

            setattr(server.wire, name, hang)
            if name == "sleep":
                del server.wire.send
                server.world.fail(Fault(host=SP_API, status=429))
            url = f"{PUBLIC}{CONNECTORS}/{id}/execute"
            left = asyncio.create_task(ask(server.app, "POST", url, headers, body, leaves=leaves))
            await asyncio.wait_for(entered.wait(), 5)
            leaves.set()
            await asyncio.wait_for(left, 5)
            assert ended == [True]
        assert [bucket.waiting for bucket in server.hub.quotas._limits._buckets.values() if bucket.waiting] == []
        assert [record.status for record in caplog.records if record.msg == "request"][-2:] == [499, 499]

    caplog.set_level("INFO")
    sqlite_house.run(scenario)


def test_rl_6_amazon_has_half_a_minute_for_an_answer(sqlite_house):
    async def scenario(server):
        id = await server.connect()
        send, limits = server.wire.send, []

        async def note(request):
            limits.append(request.timeout_s)
            return await send(request)

        server.wire.send = note
        assert (await server.api("POST", f"{CONNECTORS}/{id}/execute", EXECUTE)).status == 200
        assert limits
        assert max(limits) <= 30

    sqlite_house.run(scenario)


def test_63_a_head_that_does_not_come_ends_the_connection(sqlite_house, monkeypatch):
    """Attack 63: whether nothing comes, or a byte now and then; and also on a connection that was used before."""
    monkeypatch.setattr(protocol, "HEAD_S", 0.2)
    settings = Settings(
        database=sqlite_house.settings.database, vault_key=sqlite_house.settings.vault_key, port=0, amazon="http://x"
    )
    whole = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n"

    async def scenario():
        async with running(settings) as up:
            port = int(up.url.rpartition(":")[2])
            for sent in (b"", b"GET /health HT", whole + b"GET /health HTTP/1.1\r\nho"):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(sent)
                answered = await asyncio.wait_for(reader.read(), 5)
                assert answered.count(b"200 OK") == sent.count(whole)
                writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(whole)
            await asyncio.wait_for(reader.readuntil(b'"ok"}'), 5)
            waiting = [one._late for one in up.server.server_state.connections]
            assert waiting == [None], "an idle connection is no head that does not come"
            writer.close()

    asyncio.run(scenario())


def test_63_a_body_that_does_not_come_is_told(sqlite_house, monkeypatch):
    """Attack 63."""
    monkeypatch.setattr(requests, "BODY_S", 0.05)

    async def scenario(server):
        sent = []

        async def receive():
            await asyncio.Event().wait()

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/api/v1/account/applications/token", "query_string": b""}
        await server.app({**scope, "headers": [], "client": None}, receive, send)
        assert sent[0]["status"] == 408

    sqlite_house.run(scenario)


def test_66_who_is_not_known_yet_cannot_send_much(sqlite_house):
    """Attack 66, of the one route that anybody may send a body to."""

    async def scenario(server):
        given = {"client_id": server.client_id, "client_secret": "x" * (1 << 14)}
        assert (await server.api("POST", "/api/v1/account/applications/token", given)).status == 413

    sqlite_house.run(scenario)


@dataclass
class Process:
    """A `sellerport serve` of its own."""

    popen: subprocess.Popen
    url: str

    @property
    def port(self):
        return int(self.url.rpartition(":")[2])

    @property
    def most_memory_mb(self):
        lines = Path(f"/proc/{self.popen.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024

    def stop(self):
        """Tell it to stop; return its exit code, and how long that took."""
        begun = time.monotonic()
        self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(60), time.monotonic() - begun


@contextmanager
def serving(folder, **environ):
    """Return what starts servers of one database, each in a process."""
    create_key_file(folder / "key")
    given = {"database": folder / "x.db", "vault_key_file": folder / "key", "log_level": "error", "port": 0, **environ}
    names = {name: text for name, text in os.environ.items() if not name.startswith("SELLERPORT_")}
    names |= {f"SELLERPORT_{name.upper()}": str(value) for name, value in given.items()}
    started = []

    def start(count):
        command = [Path(sys.executable).with_name("sellerport"), "serve", "--json"]
        made = [subprocess.Popen(command, env=names, stdout=subprocess.PIPE, text=True) for _ in range(count)]
        started.extend(made)
        return [Process(popen, msgspec.json.decode(popen.stdout.readline())["url"]) for popen in made]

    try:
        yield start
    finally:
        for popen in started:
            popen.kill()
            popen.wait()
            popen.stdout.close()


HEALTH = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n"


def test_rl_10_connections_without_room_are_told_so_and_those_with_it_are_served(tmp_path):
    """RL-10: and afterwards it serves as before, and has not grown much."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    def ask_health(held):
        held.sendall(HEALTH)
        answered = b""
        while not answered.endswith(b"}"):
            answered += held.recv(4096) or b"}"
        return answered

    with serving(tmp_path) as start:
        (server,) = start(1)
        address = ("127.0.0.1", server.port)
        held = [socket.create_connection(address, 10) for _ in range(MOST_CONNECTIONS)]
        assert all(ask_health(one).startswith(b"HTTP/1.1 200 ") for one in held)
        more = [socket.create_connection(address, 10) for _ in range(200)]
        for one in more:
            refused = ask_health(one)
            assert refused.startswith(b"HTTP/1.1 503 ")
            assert b"retry-after: 5\r\nconnection: close\r\n" in refused
        assert all(ask_health(one).startswith(b"HTTP/1.1 200 ") for one in held)
        assert server.most_memory_mb <= 200
        for one in [*held, *more]:
            one.close()
        with socket.create_connection(address, 10) as again:
            while not ask_health(again).startswith(b"HTTP/1.1 200 "):  # until it has seen that the others left
                again.close()
                again = socket.create_connection(address, 10)
        assert server.stop()[0] == 0


@dataclass
class Balancer:
    """Sends requests to servers that say they are ready, one after the other, and asks them every 50 ms."""

    servers: list[Process]
    token: str
    connection: str
    done: int = 0
    failures: list[str] = field(default_factory=list)
    _ready: list[Process] = field(default_factory=list)
    _ended: bool = False

    async def run(self, replace):
        wire = AsyncWire()
        self._ready = list(self.servers)
        looking = asyncio.create_task(self._look(wire))
        clients = [asyncio.create_task(self._ask(wire)) for _ in range(8)]
        try:
            await asyncio.to_thread(replace, self)
        finally:
            self._ended = True
            await asyncio.gather(looking, *clients)
            await wire.aclose()

    async def _look(self, wire):
        while not self._ended:
            found = []
            for server in list(self.servers):
                with suppress(NoAnswer):
                    if (await wire.send(Request("GET", f"{server.url}/ready", {}, timeout_s=5))).status == 200:
                        found.append(server)
            self._ready = found
            await asyncio.sleep(0.05)

    async def _ask(self, wire):
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        params = {"asin": "B000000001", "marketplace_id": "ATVPDKIKX0DER", "sort_by": "MENTIONS"}
        action = {"entity": "customer_feedback_2024_06_01", "action": "get_item_review_topics", "params": params}
        body = msgspec.json.encode(action)  # for which Amazon states no rate
        while not self._ended:
            server = self._ready[self.done % len(self._ready)]
            path = f"{CONNECTORS}/{self.connection}" + ("/execute" if self.done % 8 == 0 else "")
            self.done += 1
            request = Request("GET", server.url + path, headers)
            if path.endswith("execute"):
                request = Request("POST", server.url + path, headers, body)
            try:
                answer = await wire.send(request)
            except NoAnswer as error:
                self.failures.append(str(error))
                continue
            if answer.status != 200:
                self.failures.append(f"{answer.status} {answer.body!r}")


def test_rl_11_servers_are_replaced_one_after_the_other_and_no_request_fails(tmp_path):
    """RL-11."""

    async def furnish(settings, grant):
        async with open_hub(settings) as hub:
            organization = await hub.organizations.create("Acme")
            client = await hub.access.create_client(organization.id, "backend")
            token = await hub.access.issue(client.id, client.secret)
            connection = await hub.connections.create(
                Caller(organization.id),
                customer="ann",
                name="shop",
                marketplace=marketplace("US"),
                refresh_token=grant,
                through=LwaClient(DEFAULT_APPLICATION.client_id, DEFAULT_APPLICATION.client_secret),
            )
            return token.token, connection.id

    with amazon(strict=False) as address, serving(tmp_path, amazon=address, drain=1, client_rate=0) as start:
        settings = Settings(database=tmp_path / "x.db", vault_key_file=tmp_path / "key", amazon=address)
        with urllib.request.urlopen(f"{address}/_emulator/grants", b'{"selling_partner_id": "ALOCALSELLERNA"}') as it:
            grant = msgspec.json.decode(it.read())["refresh_token"]
        token, connection = asyncio.run(furnish(settings, grant))
        *before, third, fourth = start(4)
        balancer = Balancer(before, token, connection)

        def replace(it):
            for old, new in zip(list(it.servers), (third, fourth), strict=True):
                it.servers.append(new)
                code, took_s = old.stop()
                assert (code, took_s <= 30) == (0, True)
                it.servers.remove(old)

        asyncio.run(balancer.run(replace))
        assert balancer.failures == []
        assert balancer.done > 100
