"""PostgreSQL: what is said of its troubles, transactions that run side by side, and several servers on one database."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections import Counter
from contextlib import contextmanager, suppress

import psycopg
import pytest
from sqlalchemy import insert, make_url, select, text
from tests.server.conftest import KEY, PUBLIC, SELLER, House

from sellerport.emulator import World, running
from sellerport.errors import Conflict, ConsentError, NotFound, StoreError
from sellerport.regions import marketplace
from sellerport.server.hub import Caller
from sellerport.server.opening import open_hub
from sellerport.server.settings import Secret, Settings
from sellerport.server.store import Database, organizations, postgresql

ROW = {"id": "1", "name": "Acme", "created_at": 1.0}
PASSWORD = "hunter2"


@pytest.fixture
def url(postgres, migrated):
    """The address of a database that has the tables."""
    made = postgres.create(make_url(migrated).database)
    yield made
    postgres.drop(made)


@pytest.fixture
def house(url, tmp_path):
    """A server on PostgreSQL, without anything in between."""
    return House(url, tmp_path / "journal")


@pytest.fixture(scope="session")
def stranger(postgres):
    """A user with a password, who owns nothing."""
    postgres.admit("stranger", PASSWORD)
    return "stranger"


def on_database(url, work):
    async def opened():
        database = Database(url)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(opened())


async def write(database):
    async with database.writing() as store:
        await store.execute(insert(organizations).values(ROW))


async def read(database):
    async with database.reading() as store:
        return (await store.execute(select(organizations.c.name))).scalars().all()


def refused(url, work=read):
    """Return what is said when that goes wrong; a password is in nothing of it."""
    with pytest.raises(StoreError) as caught:
        on_database(url, work)
    error, shown = caught.value, ""
    while error is not None:
        shown += f"{error} {error!r} "
        error = error.__cause__
    assert PASSWORD not in shown
    assert caught.value.message.endswith("; nothing was changed")
    return caught.value.message


def with_(url, **parts):
    return make_url(url).set(**parts).render_as_string(hide_password=False)


def test_a_wrong_password_an_unknown_user_and_an_unknown_database_are_told_from_one_another(url, stranger):
    assert 'lets nobody in (password authentication failed for user "stranger"); check SELLERPORT_DATABASE' in refused(
        with_(url, username=stranger, password=PASSWORD + "x")
    )
    assert 'lets nobody in (role "nobody" does not exist)' in refused(with_(url, username="nobody", password=PASSWORD))
    assert 'lets nobody in (database "nowhere" does not exist)' in refused(with_(url, database="nowhere"))


def test_a_server_that_is_not_there_is_named_without_user_and_password(tmp_path):
    said = refused(f"postgresql://someone:{PASSWORD}@127.0.0.1:1/x")
    assert said.startswith("the database x of PostgreSQL at 127.0.0.1:1 cannot be reached; check that it runs, and ")
    assert "someone" not in said
    assert "cannot be reached" in refused(f"postgresql://someone:{PASSWORD}@/x?host={tmp_path}")


def test_a_user_who_may_not_create_tables_is_told_what_to_grant(postgres, stranger):
    empty = postgres.create()
    said = refused(with_(empty, username=stranger, password=PASSWORD), lambda database: database.migrate())
    assert "does not let this user do that; grant it the right to create and change tables in its schema" in said
    postgres.drop(empty)


def test_a_database_without_room_for_another_connection_says_so(postgres, stranger):
    full = postgres.create()
    with psycopg.connect(full, autocommit=True) as other:
        other.execute(f"ALTER DATABASE {make_url(full).database} CONNECTION LIMIT 0")
    said = refused(with_(full, username=stranger, password=PASSWORD))
    assert "lets nobody in (too many connections for database" in said
    assert "or try again" in said
    postgres.drop(full)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("53100", "cannot grow: its disk is full; make room and try again"),
        ("25006", "is read-only for now"),
        ("53200", "is out of connections or memory"),
        ("40P01", "had another transaction in the way; try again"),
        ("58030", "cannot read or write its files; see its log"),
        ("XX001", "is damaged, or has a fault; see its log"),
        ("0A000", "failed (SQLSTATE 0A000)"),
    ],
)
def test_what_a_server_reports_is_explained_and_nothing_is_changed(url, state, said):
    with psycopg.connect(url, autocommit=True) as other:
        other.execute(
            f"CREATE FUNCTION refuse() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION '{PASSWORD}' "
            f"USING ERRCODE = '{state}'; END $$ LANGUAGE plpgsql"
        )
        other.execute("CREATE TRIGGER refuse AFTER INSERT ON organizations EXECUTE FUNCTION refuse()")
        with pytest.raises(StoreError, match=re.escape(said)):
            on_database(url, write)
        assert other.execute("SELECT count(*) FROM organizations").fetchone() == (0,)


def test_a_read_only_transaction_cannot_write(url):
    async def scenario(database):
        async with database.reading() as store:
            await store.execute(insert(organizations).values(ROW))

    assert "is read-only for now" in refused(url, scenario)


def test_a_server_that_stops_and_comes_back_is_used_again(postgres, url):
    async def interrupted(database):
        async with database.writing() as store:
            await store.execute(text("UPDATE organizations SET name = 'x'"))
            await asyncio.to_thread(postgres.stop)
            await store.execute(text("UPDATE organizations SET name = 'y'"))

    async def scenario(database):
        await write(database)
        with pytest.raises(StoreError, match=r"is shutting down or starting up; try again|cannot be reached"):
            await interrupted(database)
        with pytest.raises(StoreError, match="cannot be reached"):
            await read(database)
        await asyncio.to_thread(postgres.start)
        return await read(database)

    assert on_database(url, scenario) == ["Acme"]


class Between:
    """Stands between a server and its clients, and can let nothing through any more, without a word."""

    def __init__(self, url):
        self._to = make_url(url)
        self._tasks, self._writers = [], []
        self.open = asyncio.Event()
        self.open.set()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = self._to.set(host="127.0.0.1", port=port, query={}).render_as_string(hide_password=False)
        return self

    async def __aexit__(self, *_):
        self._server.close()
        self.open.set()
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*self._tasks)

    async def _serve(self, reader, writer):
        self._tasks.append(asyncio.current_task())
        folder = self._to.query["host"]  # of its socket
        back, there = await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{self._to.port or 5432}")
        self._writers += [there, writer]
        await asyncio.gather(self._pass_on(reader, there), self._pass_on(back, writer))

    async def _pass_on(self, reader, writer):
        with suppress(OSError):
            while data := await reader.read(65536):
                await self.open.wait()
                writer.write(data)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def test_a_server_that_hangs_is_given_up_and_used_again(url, monkeypatch):
    """RL-1: whoever is in the middle of something, whoever has a connection, and whoever needs one."""
    monkeypatch.setattr(postgresql, "ANSWER_S", 0.2)
    monkeypatch.setitem(postgresql._ENGINE["connect_args"], "connect_timeout", 1)

    async def scenario():
        async with Between(url) as between:
            database = Database(between.url)
            await write(database)

            async def hangs(statement="UPDATE organizations SET name = 'x'"):
                async with database.writing() as store:
                    between.open.clear()
                    await store.execute(text(statement))

            async with asyncio.timeout(10):
                with pytest.raises(StoreError, match="cannot be reached"):
                    await hangs()
                work = [write(database), *(read(database) for _ in range(12))]
                for failure in await asyncio.gather(*work, return_exceptions=True):
                    assert isinstance(failure, StoreError), failure
                    assert re.search("cannot be reached|more callers", str(failure))
            between.open.set()
            async with asyncio.timeout(10):
                assert await read(database) == ["Acme"]
            await database.close()

    asyncio.run(scenario())


def test_a_query_for_all_there_is_may_take_its_time(url, monkeypatch):
    monkeypatch.setattr(postgresql, "ANSWER_S", 0.05)
    slow = text("SELECT pg_sleep(0.2)")

    async def scenario(database):
        async with database.reading(patient=True) as store:
            await store.execute(slow)
        with pytest.raises(StoreError, match="cannot be reached"):
            async with database.reading() as store:  # on the same connection
                await store.execute(slow)

    on_database(url, scenario)


def test_a_database_that_its_operator_made_read_only_has_nothing_asked(house, url):
    """RL-2: as after a failover, or where a disk is full; tokens in memory go on."""

    async def scenario(server):
        warm, cold = await server.connect("ann"), await server.connect("bob")
        await server.orders(warm)
        opened = await server.hub.connections.open(server.caller, cold)
        name = make_url(url).database
        house.sql(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        await server.hub.tokens._database._engine.dispose()  # as a failover does
        server.world.requests.clear()
        with pytest.raises(StoreError, match="is read-only for now"):
            await server.hub.tokens.get(opened)
        assert sum(one["path"] == "/auth/o2/token" for one in server.world.requests) == 0
        assert await server.orders(warm)
        with psycopg.connect(url, autocommit=True) as other:
            other.execute("SET default_transaction_read_only = off")
            other.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
        await server.hub.tokens._database._engine.dispose()
        assert await server.hub.tokens.get(opened)

    house.run(scenario)


def test_a_caller_for_whom_there_is_no_connection_is_told_so_in_time(url, monkeypatch):
    monkeypatch.setattr(postgresql, "POOL_SIZE", 1)
    monkeypatch.setattr(postgresql, "CONNECT_TIMEOUT_S", 0.1)

    async def scenario(database):
        async with database.writing():
            with pytest.raises(StoreError, match="has more callers than it can serve; try again"):
                await read(database)
        return await read(database)

    assert on_database(url, scenario) == []


# transactions that run side by side: each waits for a row that another connection holds, so that all are open at once


async def waiting(url, *works):
    """Return when the transactions of so many works wait for a lock."""
    wanted = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as looking:
        while True:
            (found,) = await (await looking.execute(wanted)).fetchone()
            if found >= len(works):
                return
            assert not any(work.done() for work in works), works


@contextmanager
def holding(url, statement):
    """Hold what a statement locks, until told."""
    with psycopg.connect(url) as other:
        other.execute(statement)
        yield other


async def side_by_side(house, held, *works):
    """Let works begin one after another, each as far as it comes, and go on together; return what became of each."""
    with holding(house.settings.database, held) as other:
        begun = []
        for work in works:
            begun.append(asyncio.ensure_future(work))
            await waiting(house.settings.database, *begun)
        other.rollback()
    return await asyncio.gather(*begun, return_exceptions=True)


CHAIN = "SELECT 1 FROM audit_chains WHERE organization_id <> 'server' FOR UPDATE"


def play(house, scenario):
    async def opened():
        async with house.open() as one, house.open() as other:
            await scenario(one, other)

    asyncio.run(opened())


async def new_connection(server, application):
    return await server.hub.connections.create(
        server.caller,
        customer="ann",
        name="shop",
        marketplace=marketplace("US"),
        refresh_token="Atzr|another",
        through=application,
    )


async def unused_application(server):
    return await server.hub.applications.register(
        server.organization.id, lwa_client_id="unused", lwa_client_secret="secret", name="unused"
    )


def test_an_application_that_a_connection_is_being_made_with_is_not_removed(house):
    async def scenario(one, other):
        application = await unused_application(one)
        made, removed = await side_by_side(
            house,
            CHAIN,
            new_connection(one, application),
            other.hub.applications.remove(other.organization.id, application.id),
        )
        assert made.application_id == application.id
        assert isinstance(removed, Conflict)

    play(house, scenario)


def test_a_connection_through_an_application_that_is_being_removed_is_not_made(house):
    async def scenario(one, other):
        application = await unused_application(one)
        removed, made = await side_by_side(
            house,
            CHAIN,
            other.hub.applications.remove(other.organization.id, application.id),
            new_connection(one, application),
        )
        assert removed is None
        assert isinstance(made, NotFound), made
        assert await one.hub.connections.all(one.caller) == []

    play(house, scenario)


def test_of_two_renewals_at_once_both_count_and_the_later_one_stays(house):
    async def scenario(one, other):
        id = await one.connect()
        application = await one.hub.applications.find(one.organization.id)

        def renewal(server, token):
            return server.hub.connections.renew(
                server.caller,
                id,
                application_id=application.id,
                refresh_token=token,
                selling_partner_id=SELLER,
            )

        done = await side_by_side(
            house,
            "SELECT 1 FROM connections FOR UPDATE",
            renewal(one, "Atzr|first"),
            renewal(other, "Atzr|second"),
        )
        assert [one.status for one in done] == ["active", "active"]
        opened = await one.hub.connections.open(one.caller, id)
        assert (opened.generation, opened.refresh_token) == (3, "Atzr|second")

    play(house, scenario)


def test_of_two_browsers_that_open_a_link_at_once_one_gets_it(house):
    async def scenario(one, other):
        link = (await one.hub.consents.initiate(one.caller, customer="ann")).rpartition("/")[2]
        done = await side_by_side(
            house,
            "SELECT 1 FROM consents FOR UPDATE",
            one.hub.consents.start(link, {}),
            other.hub.consents.start(link, {}),
        )
        assert [isinstance(one, ConsentError) for one in done] == [False, True], done

    play(house, scenario)


def test_a_key_that_two_servers_note_at_once_is_noted_once(house):
    async def scenario(one, other):
        ((key, sealed),) = house.sql("SELECT key_id, sealed FROM vault_checks")
        house.sql("DELETE FROM vault_checks")
        with psycopg.connect(house.settings.database) as third:
            third.execute("INSERT INTO vault_checks VALUES (%s, %s, 1)", (key, sealed))
            checks = [asyncio.ensure_future(server.hub.check_vault()) for server in (one, other)]
            await waiting(house.settings.database, *checks)
            third.commit()
        assert await asyncio.gather(*checks) == [None, None]
        assert house.sql("SELECT count(*) FROM vault_checks") == [(1,)]
        assert (await one.hub.audit.verify()).ok

    play(house, scenario)


START = """
import asyncio
from sellerport.server.opening import open_hub
from sellerport.server.settings import Settings

async def main():
    async with open_hub(Settings.read()) as hub:
        await hub.organizations.all()

asyncio.run(main())
"""


def environ(url, tmp_path, **more):
    settings = {
        "SELLERPORT_DATABASE": url,
        "SELLERPORT_VAULT_KEY": KEY,
        "SELLERPORT_JOURNAL": str(tmp_path / "journal"),
        "SELLERPORT_PUBLIC_URL": PUBLIC,
        "SELLERPORT_PORT": "0",
        "SELLERPORT_LOG_LEVEL": "warning",
        "SELLERPORT_PROCESSES": "2",
    }
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "VIRTUAL_ENV") if name in os.environ}
    return kept | settings | more


def test_servers_that_start_at_once_on_an_empty_database_agree(postgres, tmp_path):
    empty = postgres.create()
    program = [sys.executable, "-c", START]
    started = [subprocess.Popen(program, env=environ(empty, tmp_path)) for _ in range(3)]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    with psycopg.connect(empty) as other:
        assert other.execute("SELECT count(*) FROM vault_checks").fetchone() == (1,)
        assert other.execute("SELECT action FROM audit").fetchall() == [("key.added",)]
    postgres.drop(empty)


@contextmanager
def serving(url, tmp_path, amazon):
    """Run `sellerport serve`; yield the process and its address."""
    command = [sys.executable, "-m", "sellerport", "serve", "--json"]
    settings = environ(url, tmp_path, SELLERPORT_AMAZON=amazon, SELLERPORT_PUBLIC_URL="")
    with subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process, json.loads(process.stdout.readline())["url"]
        finally:
            process.kill()


def ask(address, token, path, body=None):
    """Ask a server, and return the status; None if it does not answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{address}{path}", data, {"authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def test_two_servers_share_a_database_and_one_goes_on_when_the_other_is_killed(url, tmp_path):
    """RL-11 in small: one is killed, started again and told to end, under load; the other serves all along."""
    world = World()
    app = world.application()

    async def furnish(settings):
        async with open_hub(settings) as hub:
            organization = await hub.organizations.create("Acme")
            registered = await hub.applications.register(
                organization.id, lwa_client_id=app.client_id, lwa_client_secret=app.client_secret
            )
            client = await hub.access.create_client(organization.id, "backend")
            made = await hub.connections.create(
                Caller(organization.id),
                customer="ann",
                name="shop",
                marketplace=marketplace("US"),
                refresh_token="Atzr|local-seller-na",
                through=registered,
            )
            return (await hub.access.issue(client.id, client.secret)).token, made.id

    with running(world) as amazon:
        key, journal = Secret(KEY), tmp_path / "journal"
        settings = Settings(database=Secret(url), vault_key=key, journal=journal, amazon=amazon, public_url=PUBLIC)
        token, id = asyncio.run(furnish(settings))
        execute = f"/api/v1/integrations/connectors/{id}/execute"
        call = {"entity": "orders", "action": "list", "params": {"created_after": "2026-01-01T00:00:00Z"}}
        with serving(url, tmp_path, amazon) as (_, first), serving(url, tmp_path, amazon) as (other, second):
            statuses, ended = Counter(), threading.Event()

            def load():
                while not ended.is_set():
                    statuses[ask(first, token, "/api/v1/integrations/connectors")] += 1

            loading = threading.Thread(target=load)
            assert ask(second, token, execute, call) == 200
            loading.start()
            other.kill()
            other.wait()
            with serving(url, tmp_path, amazon) as (third, again):
                assert ask(again, token, "/api/v1/integrations/connectors") == 200
                third.send_signal(signal.SIGTERM)
                assert third.wait(30) == 0
            ended.set()
            loading.join()
            assert ask(first, token, execute, call) == 200
    assert set(statuses) == {200}, statuses
    tokens = [one for one in world.requests if one["path"] == "/auth/o2/token"]
    assert len(tokens) == 1, "one access token for all servers"
