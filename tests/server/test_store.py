"""The database: migrations, transactions, and what is said when it cannot be read or written."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import asynccontextmanager, closing

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, insert, select
from tests.server.patience import PATIENCE_S

from sellerport.errors import Conflict, NotFound, StoreError
from sellerport.server.store import Database, api_clients, organizations, schema, tables
from sellerport.server.store.backend import backend

ROW = {"id": "1", "name": "Acme", "created_at": 1.0}


@asynccontextmanager
async def opened(path, **pragmas):
    database = Database(path, pragmas)
    try:
        yield database
    finally:
        await database.close()


def write(path, *rows, **pragmas):
    """Write organizations in one transaction."""

    async def scenario():
        async with opened(path, **pragmas) as database, database.writing() as store:
            for row in rows:
                await store.execute(insert(organizations).values(row))

    asyncio.run(scenario())


def names(path):
    with closing(sqlite3.connect(path)) as other:
        return [name for (name,) in other.execute("SELECT name FROM organizations ORDER BY name")]


def migrate(path):
    async def scenario():
        async with opened(path) as database:
            await database.migrate()

    asyncio.run(scenario())


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a 100% odd?name.db"
    migrate(path)
    return path


def test_migrations_lead_to_the_tables_that_the_code_knows(path):
    engine = create_engine(f"sqlite:///{path}".replace("?", "%3F"), creator=lambda: sqlite3.connect(path))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []
        assert context.get_current_revision() == schema.HEAD
    engine.dispose()


def test_the_newest_migration_is_the_one_that_is_looked_for():
    from importlib.resources import files

    assert ScriptDirectory(str(files(schema.__package__) / "migrations")).get_heads() == [schema.HEAD]


def test_a_database_that_is_up_to_date_needs_no_alembic(path):
    program = (
        "import asyncio, sys; from pathlib import Path; from sellerport.server.store import Database\n"
        "async def main():\n"
        "    database = Database(Path(sys.argv[1])); await database.migrate(); await database.close()\n"
        "asyncio.run(main()); sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program, str(path)], check=False).returncode == 0


def test_a_new_database_is_for_its_owner_alone(path):
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_many_that_start_at_once_make_the_tables_once(tmp_path):
    path, failures = tmp_path / "new.db", []

    def start():
        try:
            migrate(path)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    write(path, ROW)


def test_several_processes_that_start_at_once_make_the_tables_once(tmp_path):
    program = (
        "import asyncio, sys; from pathlib import Path; from sellerport.server.store import Database\n"
        "async def main():\n"
        "    database = Database(Path(sys.argv[1])); await database.migrate(); await database.close()\n"
        "asyncio.run(main())"
    )
    path = tmp_path / "new.db"
    started = [subprocess.Popen([sys.executable, "-c", program, str(path)]) for _ in range(3)]
    assert [process.wait() for process in started] == [0, 0, 0]
    write(path, ROW)


def written_by(path, version, *, oldest):
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE alembic_version SET version_num = ?", (version,))
        other.execute("UPDATE compatibility SET oldest_revision = ?", (oldest,))


def test_a_database_of_a_newer_version_is_left_alone(path):
    written_by(path, "9999", oldest="9998")
    with pytest.raises(StoreError, match="written by a newer Sellerport"):
        migrate(path)


def test_a_database_of_the_next_version_is_used_as_it_is(path):
    """RL-14: machines are brought to a new version one after the other, and the old ones may start again."""
    written_by(path, "9999", oldest=schema.HEAD)
    migrate(path)
    write(path, ROW)
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)


def test_pragmas_are_set_on_every_connection(path):
    async def scenario():
        async with opened(path) as database, database.reading() as store:
            wanted = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "secure_delete")
            return [(await store.exec_driver_sql(f"PRAGMA {name}")).scalar() for name in wanted]

    assert asyncio.run(scenario()) == ["wal", 2, 1, 1000 * PATIENCE_S, 1]


def test_an_exception_takes_the_whole_transaction_back(path):
    async def scenario():
        async with opened(path) as database, database.writing() as store:
            await store.execute(insert(organizations).values(ROW))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(scenario())
    assert names(path) == []


def test_a_taken_name_is_a_conflict_and_changes_nothing(path):
    with pytest.raises(Conflict):
        write(path, ROW, {**ROW, "id": "2"})
    assert names(path) == []


def test_a_row_of_nobody_is_refused(path):
    async def scenario():
        async with opened(path) as database, database.writing() as store:
            row = {"id": "1", "organization_id": "nobody", "name": "x", "secret_hash": "", "created_at": 1.0}
            await store.execute(insert(api_clients).values(row))

    with pytest.raises(NotFound, match="was removed at the same moment"):
        asyncio.run(scenario())


def test_writers_take_turns_and_readers_do_not_wait(path):
    async def scenario():
        async with opened(path) as database:

            async def add(number):
                async with database.writing() as store:
                    known = len((await store.execute(select(organizations))).all())
                    await store.execute(insert(organizations).values({**ROW, "id": str(number), "name": f"{known}"}))

            await asyncio.gather(*(add(number) for number in range(8)))
            async with database.writing() as writer:
                await writer.execute(insert(organizations).values(ROW | {"id": "x", "name": "x"}))
                async with database.reading() as reader:
                    return len((await reader.execute(select(organizations))).all())

    assert asyncio.run(scenario()) == 8
    assert names(path) == [*"01234567", "x"]


def test_a_read_only_database_says_so_and_changes_nothing(path):
    with pytest.raises(StoreError, match=r"is read-only; let this user write .*; nothing was changed"):
        write(path, ROW, query_only="ON")
    assert names(path) == []


def test_a_full_disk_says_so_and_changes_nothing(path):
    rows = [{**ROW, "id": str(number), "name": f"{number}" + "x" * 1000} for number in range(500)]
    with pytest.raises(StoreError, match=r"the disk is full; make room and try again; nothing was changed"):
        write(path, *rows, max_page_count="1")
    assert names(path) == []


def test_a_database_held_by_another_process_says_so(path):
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="was held by another process for 5 s; try again"):
            write(path, ROW, busy_timeout="1")


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(StoreError, match=r"nowhere/x.db cannot be opened; check that its folder is there"):
        migrate(tmp_path / "nowhere" / "x.db")


@pytest.mark.parametrize("replaced", [False, True])
def test_a_database_that_is_deleted_or_replaced_while_open_is_not_used_on(path, replaced):
    async def scenario():
        async with opened(path) as database:
            await database.migrate()
            copy = path.read_bytes()
            path.rename(path.with_suffix(".old"))
            if replaced:
                path.write_bytes(copy)
            for transaction in (database.reading, database.writing):
                with pytest.raises(StoreError, match="was moved or replaced while open; restart; nothing was changed"):
                    async with transaction() as store:
                        await store.execute(insert(organizations).values(ROW))

    asyncio.run(scenario())
    assert names(path.with_suffix(".old")) == []
    assert path.exists() == replaced


def test_a_file_that_is_no_database_is_left_alone(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("remember the milk\n" * 100)
    with pytest.raises(StoreError, match="is not an SQLite database"):
        migrate(path)
    assert path.read_text() == "remember the milk\n" * 100


def test_an_error_shows_no_values(path):
    with pytest.raises(Conflict) as caught:
        write(path, ROW, {**ROW, "name": "a customer"})
    shown = f"{caught.value} {caught.value.__cause__}"
    assert "a customer" not in shown


def test_a_connection_is_never_active_without_a_grant(path):
    with closing(sqlite3.connect(path)) as other:
        other.execute("INSERT INTO organizations VALUES ('o', 'o', 1)")
        columns = (
            "id, organization_id, customer, name, platform, region, marketplace, replication_config, created_at, "
            "updated_at, status, sealed_grant"
        )
        for status, grant in (("active", None), ("needs_consent", None), ("disconnected", b"x"), ("pending", None)):
            with pytest.raises(sqlite3.IntegrityError, match="ck_connections_grant"):
                other.execute(
                    f"INSERT INTO connections ({columns}) "
                    "VALUES ('c', 'o', '', '', 'seller-partner', '', '', '{}', 1, 1, ?, ?)",
                    (status, grant),
                )


def test_a_table_that_others_refer_to_is_altered_with_its_rows(tmp_path):
    """SQLite alters a table by making it anew: what refers to it still does."""
    place = backend(tmp_path / "x.db")
    place.create()
    with place.blocking_engine().execution_options(**place.writing).begin() as connection:
        config = Config()
        config.set_main_option("script_location", "sellerport.server.store:migrations")
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        connection.exec_driver_sql("INSERT INTO organizations VALUES ('o', 'o', 1)")
        connection.exec_driver_sql(
            "INSERT INTO applications (id, organization_id, platform, name, lwa_client_id, sealed_secret, draft, "
            "created_at, updated_at) VALUES ('a', 'o', 'seller-partner', 'a', 'a', x'00', 0, 1, 1)"
        )
        connection.exec_driver_sql(
            "INSERT INTO connections (id, organization_id, customer, name, platform, region, marketplace, status, "
            "sealed_grant, replication_config, created_at, updated_at) "
            "VALUES ('c', 'o', 'ann', 'n', 'seller-partner', 'na', 'm', 'active', x'00', '{}', 1, 1)"
        )
        connection.exec_driver_sql(
            "INSERT INTO consents (id, organization_id, customer, application_id, connection_id, name, marketplace, "
            "vendor, replication_config, link_hash, created_at, expires_at) "
            "VALUES ('f', 'o', 'ann', 'a', 'c', 'n', 'm', 0, '{}', 'h', 1, 1)"
        )
    migrate(tmp_path / "x.db")
    with closing(sqlite3.connect(tmp_path / "x.db")) as other:
        assert other.execute("SELECT id, customer, status FROM connections").fetchall() == [("c", "ann", "active")]
        assert other.execute("SELECT id, connection_id, ended_at FROM consents").fetchall() == [("f", "c", None)]
        assert other.execute("PRAGMA foreign_key_check").fetchall() == []
        other.execute("PRAGMA foreign_keys = ON")
        with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
            other.execute("DELETE FROM connections")
        with pytest.raises(sqlite3.IntegrityError, match="ck_connections_status"):
            other.execute("UPDATE connections SET status = 'odd'")
