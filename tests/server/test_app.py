"""The process: start, refusals to start, health, log, and graceful end."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import replace

import pytest

from sellerport import emulator
from sellerport.errors import KeyMissing, SettingsError, StoreError, Tampered, VaultError
from sellerport.server.app import application, configure_log, running
from sellerport.server.hub import Caller
from sellerport.server.opening import open_hub
from sellerport.server.protocol import LARGEST_HEAD
from sellerport.server.settings import Secret, Settings
from sellerport.server.vault import create_key_file
from sellerport.wire import AsyncWire, Request


def key(letter):
    return Secret(base64.b64encode(letter * 32).decode())


def start(settings):
    async def scenario():
        async with open_hub(settings):
            pass

    asyncio.run(scenario())


def test_without_a_key_nothing_starts_and_it_says_how_to_make_one(tmp_path):
    with pytest.raises(KeyMissing, match=r"sellerport key new.*SELLERPORT_VAULT_KEY_FILE"):
        start(Settings(database=tmp_path / "x.db"))
    assert list(tmp_path.iterdir()) == []


def test_a_key_file_or_a_key_will_do(tmp_path):
    create_key_file(tmp_path / "key")
    start(Settings(database=tmp_path / "x.db", vault_key_file=tmp_path / "key"))
    start(Settings(database=tmp_path / "y.db", vault_key=key(b"a")))


def test_a_key_that_is_none_names_its_setting(tmp_path):
    with pytest.raises(VaultError, match="SELLERPORT_VAULT_KEY, line 1: not a vault key"):
        start(Settings(database=tmp_path / "x.db", vault_key=Secret("hunter2")))


def test_a_wrong_key_refuses_to_start_and_names_the_one_expected(tmp_path):
    """VS-T4."""
    settings = Settings(database=tmp_path / "x.db", vault_key=key(b"a"))
    start(settings)
    expected = "3ba3f5f4"  # the start of the SHA-256 of 32 times "a"
    with pytest.raises(KeyMissing, match=f"sealed with the vault key {expected}, which is not here"):
        start(replace(settings, vault_key=key(b"b")))
    start(settings)


def test_a_key_added_below_the_old_one_is_expected_from_then_on(tmp_path):
    settings = Settings(database=tmp_path / "x.db", vault_key=key(b"a"))
    start(settings)
    (tmp_path / "keys").write_text(f"{key(b'a')}\n{key(b'b')}\n")
    start(replace(settings, vault_key=None, vault_key_file=tmp_path / "keys"))
    with pytest.raises(KeyMissing):
        start(settings)


def test_an_altered_check_refuses_to_start(house):
    house.run(_nothing)
    ((sealed,),) = house.sql("SELECT sealed FROM vault_checks")
    house.write("UPDATE vault_checks SET sealed = :sealed", sealed=bytes(sealed)[:-1] + b"\0")
    with pytest.raises(Tampered):
        house.run(_nothing)


def test_a_database_that_cannot_be_opened_refuses_to_start(tmp_path):
    with pytest.raises(StoreError, match="cannot be opened"):
        start(Settings(database=tmp_path / "nowhere" / "x.db", vault_key=key(b"a")))


def test_a_taken_port_is_named_with_what_to_do(sqlite_house):
    sqlite_house.file.unlink()

    async def scenario():
        async with running(replace(sqlite_house.settings, port=port)):
            pass

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=rf"port {port} of 127.0.0.1 is taken; .* set SELLERPORT_PORT"):
            asyncio.run(scenario())
    assert not sqlite_house.file.exists()


def test_a_foreign_host_is_named(house):
    async def scenario():
        async with running(replace(house.settings, host="192.0.2.1", port=0)):
            pass

    with pytest.raises(SettingsError, match=r"SELLERPORT_HOST '192.0.2.1' is no address of this machine"):
        asyncio.run(scenario())


@pytest.mark.parametrize("host", [f"\u00e9{'a' * 63}.example.com", "a\0b"])
def test_a_host_that_can_be_none_is_named(sqlite_house, host):
    async def scenario():
        async with running(replace(sqlite_house.settings, host=host, port=0)):
            pass

    with pytest.raises(SettingsError, match=r"SELLERPORT_HOST '.*' is no host's name or address"):
        asyncio.run(scenario())


def over_a_socket(house, *parts):
    """Send bytes to a real server, and return all that it answers, and whether its socket sends at once."""

    async def scenario():
        async with running(replace(house.settings, port=0, public_url=None)) as up:
            reader, writer = await asyncio.open_connection("127.0.0.1", int(up.url.rpartition(":")[2]))
            for part in parts:
                writer.write(part)
                await writer.drain()
            answered = await asyncio.wait_for(reader.readuntil(b"\r\n"), 10)
            sockets = [one.transport.get_extra_info("socket") for one in up.server.server_state.connections]
            at_once = [one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0 for one in sockets]
            writer.close()
            await writer.wait_closed()
            return answered, at_once

    return asyncio.run(scenario())


HEAD = b"POST /api/v1/account/applications/token HTTP/1.1\r\nhost: x\r\n"


@pytest.mark.parametrize(
    "endless",
    [HEAD + b"x: " + b"y" * LARGEST_HEAD, HEAD + b"x: y\r\n" * (LARGEST_HEAD // 6), b"GET /" + b"y" * LARGEST_HEAD],
    ids=["one field", "many fields", "address"],
)
def test_a_head_without_an_end_is_refused(sqlite_house, endless):
    answered, _ = over_a_socket(sqlite_house, endless)
    assert answered == b"HTTP/1.1 400 Bad Request\r\n"


def test_a_large_body_is_no_head(house):
    length = LARGEST_HEAD * 2
    answered, _ = over_a_socket(house, HEAD + b"content-length: %d\r\n\r\n" % length, b"y" * length)
    assert answered.startswith(b"HTTP/1.1 413 ")  # and not 400


def test_answers_are_not_held_back(house):
    answered, at_once = over_a_socket(house, b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
    assert (answered, at_once) == (b"HTTP/1.1 200 OK\r\n", [True])


def test_a_server_on_a_free_port_walks_the_whole_flow_over_sockets(house):
    """Everything real: two servers, HTTP between them, a browser's three requests, and a call."""

    async def scenario(amazon):
        settings = replace(house.settings, port=0, public_url=None, amazon=amazon)
        wire = AsyncWire()
        async with running(settings) as up:
            organization = await up.hub.organizations.create("Acme")
            await up.hub.applications.register(
                organization.id,
                lwa_client_id="amzn1.application-oa2-client.local",
                lwa_client_secret="local-secret",
                application_id="amzn1.sp.solution.local",
            )
            client = await up.hub.access.create_client(organization.id, "backend")
            given = {"client_id": client.id, "client_secret": client.secret}
            token = (await post(wire, f"{up.url}/api/v1/account/applications/token", given))["access_token"]
            connectors = f"{up.url}/api/v1/integrations/connectors"
            asked = {"workspace_name": "ann", "connector_type": "amazon-seller-partner"}
            link = (await post(wire, f"{connectors}/oauth/initiate", asked, token))["consent_url"]
            assert b"Continue to Amazon" in (await wire.send(Request("GET", link, {}))).body
            to_amazon = await wire.send(Request("POST", link, {}))
            cookie, _, attributes = to_amazon.headers["set-cookie"].partition(";")
            assert cookie.startswith("sellerport-consent-")
            assert "secure" not in attributes.lower()
            form = {"content-type": "application/x-www-form-urlencoded"}
            back = await wire.send(Request("POST", to_amazon.headers["location"], form, b"decision=approve"))
            ended = await wire.send(Request("GET", back.headers["location"], {"cookie": cookie}))
            assert (ended.status, b"is connected" in ended.body) == (200, True)
            (connection,) = await up.hub.connections.all(Caller(organization.id))
            done = await post(
                wire, f"{connectors}/{connection.id}/execute", {"entity": "orders", "action": "list"}, token
            )
            assert len(done["result"]) > 0
        with pytest.raises(urllib.error.URLError):
            await asyncio.to_thread(urllib.request.urlopen, f"{up.url}/health", timeout=5)
        await wire.aclose()

    with emulator.running(house.world) as amazon:
        asyncio.run(scenario(amazon))


def test_a_request_under_way_is_finished_before_the_end(house):
    async def scenario():
        entered, leave = asyncio.Event(), asyncio.Event()
        settings = replace(house.settings, port=0, public_url=None)
        async with running(settings) as up:

            async def slow():
                entered.set()
                await leave.wait()

            up.hub.check_vault = slow
            asked = asyncio.create_task(asyncio.to_thread(urllib.request.urlopen, f"{up.url}/ready", timeout=5))
            await entered.wait()
            up.server.should_exit = True
            leave.set()
        with await asked as answer:
            return answer.status, answer.read()

    assert asyncio.run(scenario()) == (200, b'{"status":"ready"}')


PROGRAM = """
import sys
from sellerport.server.app import serve
from sellerport.server.settings import Settings
serve(Settings.read(), lambda url: print(url, flush=True))
print("closed", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_in_order(tmp_path, number):
    create_key_file(tmp_path / "key")
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("SELLERPORT_")},
        "SELLERPORT_DATABASE": str(tmp_path / "x.db"),
        "SELLERPORT_VAULT_KEY_FILE": str(tmp_path / "key"),
        "SELLERPORT_PORT": "0",
    }
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-W", "error", "-c", PROGRAM], env=environ, **pipes) as process:
        url = process.stdout.readline().strip()
        with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:
            assert answer.read() == b'{"status":"ok"}'
        process.send_signal(number)
        said, logged = process.communicate(timeout=20)
    assert (process.returncode, said) == (0, "closed\n")
    lines = [json.loads(line) for line in logged.splitlines()]
    assert [(line["event"], line["path"], line["status"]) for line in lines] == [("request", "/health", 200)]
    # a clean close leaves nothing beside the database
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key", "x.db", "x.db-jobs"]


def test_health_and_readiness(house):
    async def scenario(server):
        assert (await server.api("GET", "/health")).json == {"status": "ok"}
        assert (await server.api("GET", "/ready")).json == {"status": "ready"}
        house.write("UPDATE vault_checks SET sealed = :sealed", sealed=b"\0")
        answer = await server.api("GET", "/ready")
        assert (answer.status, answer.json) == (503, {"status": "not ready", "reason": "tampered"})
        assert (await server.api("GET", "/health")).status == 200

    house.run(scenario)


def test_any_number_that_ask_for_readiness_are_answered_by_one_look(sqlite_house):
    async def scenario(server):
        check, looks = server.hub.check_vault, []

        async def count():
            looks.append(True)
            await check()

        server.hub.check_vault = count
        answers = await asyncio.gather(*(server.api("GET", "/ready") for _ in range(20)))
        assert {answer.status for answer in answers} == {200}
        assert len(looks) == 1
        assert (await server.api("GET", "/ready")).status == 200
        assert len(looks) == 2

    sqlite_house.run(scenario)


def test_a_server_whose_database_is_gone_is_not_ready(sqlite_house):
    async def scenario(server):
        sqlite_house.file.unlink()
        answer = await server.api("GET", "/ready")
        assert (answer.status, answer.json) == (503, {"status": "not ready", "reason": StoreError.code})
        assert (await server.api("GET", "/api/v1/integrations/connectors")).status == 503

    sqlite_house.run(scenario)
    assert not sqlite_house.file.exists()


def test_an_application_opens_its_own_hub_when_it_is_started_by_another_server(house):
    """What `uvicorn`, Granian or Hypercorn do with an ASGI application."""

    async def scenario():
        app = application(house.settings)
        to_app, from_app = asyncio.Queue(), asyncio.Queue()
        live = asyncio.create_task(app({"type": "lifespan", "asgi": {}, "state": {}}, to_app.get, from_app.put))
        await to_app.put({"type": "lifespan.startup"})
        assert (await from_app.get())["type"] == "lifespan.startup.complete"
        scope = {"type": "http", "method": "GET", "path": "/ready", "query_string": b"", "headers": []}
        await app(scope, to_app.get, from_app.put)
        assert (await from_app.get())["status"] == 200
        await from_app.get()
        await to_app.put({"type": "lifespan.shutdown"})
        assert (await from_app.get())["type"] == "lifespan.shutdown.complete"
        await live

    asyncio.run(scenario())


def test_every_answer_has_a_request_id_of_its_own(house):
    async def scenario(server):
        ids = set()
        for method, path in (("GET", "/health"), ("GET", "/nowhere"), ("PUT", "/ready"), ("GET", "/connect/x")):
            answer = await server.api(method, path, X_Request_Id="chosen-by-the-caller")
            assert [name for name, _ in answer.fields].count("x-request-id") == 1
            ids.add(answer.headers["x-request-id"])
            assert answer.headers["x-request-id"] in answer.text or answer.status == 200
        assert len(ids) == 4
        assert "chosen-by-the-caller" not in ids

    house.run(scenario)


def test_an_unknown_address_and_a_wrong_method_are_told_in_the_same_shape(house):
    async def scenario(server):
        nowhere = await server.api("GET", "/api/v1/nowhere")
        assert (nowhere.status, nowhere.json["errors"][0]["error_code"]) == (404, "not_found")
        wrong = await server.api("PATCH", "/api/v1/integrations/connectors/x")
        assert (wrong.status, wrong.json["errors"][0]["error_code"]) == (405, "invalid_request")
        assert "GET" in wrong.headers["allow"]
        slash = await server.api("GET", "/health/")
        assert (slash.status, "location" in slash.headers) == (404, False)

    house.run(scenario)


def test_a_failure_of_ours_is_logged_and_not_shown(house, caplog):
    async def scenario(server):
        def fail(*_):
            raise RuntimeError("something about Atzr|test-token")

        server.hub.access.verify = fail
        answer = await server.api("GET", "/api/v1/integrations/connectors")
        assert answer.status == 500
        assert answer.json["errors"][0]["error_code"] == "error"
        assert "something" not in answer.text
        page = await server.api("GET", "/api/v1/integrations/connectors", accept="text/html")
        assert (page.status, page.headers["content-type"]) == (500, "text/html; charset=utf-8")
        assert "something" not in page.text

    house.run(scenario)
    assert "something about" in caplog.text


def test_callers_are_not_told_where_the_database_is_but_the_log_is(sqlite_house, caplog):
    async def scenario(server):
        with sqlite_house.refusing("INSERT ON access_tokens"):
            body = {"client_id": server.client_id, "client_secret": server.client_secret}
            answer = await server.api("POST", "/api/v1/account/applications/token", body)
        assert answer.status == 503
        assert answer.json["message"] == "The database cannot be read or written; nothing was changed."
        assert str(sqlite_house.file) not in answer.text

    caplog.set_level(logging.INFO)
    sqlite_house.run(scenario)
    assert str(sqlite_house.file) in next(record.reason for record in caplog.records if record.msg == "request")


def test_the_log_has_a_line_for_each_request_and_no_secret(house, caplog):
    async def scenario(server):
        id = await server.connect()
        await server.api("GET", f"/api/v1/integrations/connectors/{id}?workspace_name=personal")
        await server.api("GET", "/oauth/callback?state=hunter2&spapi_oauth_code=hunter2")
        await server.api("GET", "/connect/hunter2")
        await server.api("GET", "/hunter2")
        return id

    caplog.set_level(logging.DEBUG)
    house.run(scenario)
    lines = [record for record in caplog.records if record.msg == "request"]
    assert [(line.method, line.path, line.status) for line in lines if line.status != 200] == [
        ("POST", "/connect/…", 303),
        ("GET", "/oauth/callback", 303),
        ("GET", "/oauth/callback", 400),
        ("GET", "/connect/…", 400),
        ("GET", "(no route)", 404),
    ]
    looked, read = [line for line in lines if line.status == 200]
    assert looked.path == "/connect/…"
    assert read.organization
    logged = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    for secret in ("hunter2", "personal", "Atza|", "Atzr|", "test-secret", "sellerport_token_", "sellerport_secret_"):
        assert secret not in logged


@contextmanager
def configured(level):
    """Log as a server does, for a while."""
    root = logging.getLogger()
    known = [root, *(logging.getLogger(name) for name in ("uvicorn.error", "alembic"))]
    before, levels = root.handlers[:], [one.level for one in known]
    for quiet in known[1:]:
        quiet.setLevel(logging.NOTSET)
    try:
        configure_log(level)
        yield
    finally:
        root.handlers[:] = before
        for one, was in zip(known, levels, strict=True):
            one.setLevel(was)


def test_a_program_that_has_a_server_inside_and_logs_everything_gets_no_row_and_no_key(sqlite_house, caplog):
    telling = [logging.getLogger(name) for name in ("aiosqlite", "botocore")]
    levels = [one.level for one in telling]
    try:
        for one in telling:
            one.setLevel(logging.NOTSET)
        caplog.set_level(logging.DEBUG)
        sqlite_house.run(lambda server: server.connect("personal"))
        assert "aiosqlite" not in {record.name for record in caplog.records}
        assert not any(one.isEnabledFor(logging.DEBUG) for one in telling)  # the second one logs what KMS answers
    finally:
        for one, level in zip(telling, levels, strict=True):
            one.setLevel(level)


def test_what_a_server_logs_at_its_most_talkative_has_no_secret_and_no_name(house, capsys):
    async def scenario(server):
        id = await server.connect("personal")
        await server.orders(id)
        await server.api("GET", "/oauth/callback?state=hunter2&spapi_oauth_code=hunter2")
        await server.api("GET", "/connect/hunter2")
        await server.api("GET", "/api/v1/integrations/connectors/hunter2")

    with configured("debug"):
        house.run(scenario)
    logged = capsys.readouterr().err
    lines = [json.loads(line) for line in logged.splitlines()]
    assert [line["status"] for line in lines if line["event"] == "request"] == [200, 303, 303, 400, 400, 404]
    for secret in ("hunter2", "personal", "Atza|", "Atzr|", "test-secret", "sellerport_token_", "(secret)"):
        assert secret not in logged


def test_log_lines_are_json_with_secrets_masked_below_everything(capsys):
    with configured("info"):
        log = logging.getLogger("test")
        try:
            raise RuntimeError("Atza|IwEBIJ-secret")
        except RuntimeError:
            log.exception("failed with %s", "amzn1.oa2-cs.v1.abc", extra={"token": "sellerport_token_abc-def"})
        log.debug("not shown")
    (line,) = capsys.readouterr().err.splitlines()
    logged = json.loads(line)
    assert (logged["event"], logged["level"], logged["token"]) == ("failed with (secret)", "error", "(secret)")
    assert logged["exception"].startswith("Traceback")
    assert logged["exception"].endswith("RuntimeError: (secret)")


async def _nothing(server):
    pass


async def post(wire, url, body, token=None):
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    answer = await wire.send(Request("POST", url, headers, json.dumps(body).encode()))
    assert answer.status == 200, answer.body
    return json.loads(answer.body)
