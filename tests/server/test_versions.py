"""Versions beside one another: what an older one wrote is kept, and what it asks of the database still works."""

from __future__ import annotations

import asyncio

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData, delete, insert, select, update
from tests.server.conftest import House

from sellerport.errors import StoreError
from sellerport.server.store import Database, schema
from sellerport.server.store.backend import backend

PREVIOUS = "0002"
"""The newest migration of the version before this one."""

ROWS = {
    "organizations": {"id": "o", "name": "Acme", "created_at": 1.5},
    "api_clients": {
        "id": "k",
        "organization_id": "o",
        "name": "backend",
        "secret_hash": "0" * 64,
        "created_at": 2.5,
        "revoked_at": 3.5,
    },
    "access_tokens": {"hash": "1" * 64, "client_id": "k", "expires_at": 4.5},
    "vault_checks": {"key_id": "3ba3f5f4", "sealed": b"\1check", "created_at": 1.0},
    "applications": {
        "id": "a",
        "organization_id": "o",
        "platform": "seller-partner",
        "name": "default",
        "lwa_client_id": "amzn1.application-oa2-client.x",
        "sealed_secret": b"\1secret",
        "application_id": "amzn1.sp.solution.x",
        "draft": True,
        "created_at": 5.5,
        "updated_at": 6.5,
    },
    "return_urls": {"organization_id": "o", "url": "https://shop.example.test/", "created_at": 7.5},
    "connections": {
        "id": "c",
        "organization_id": "o",
        "customer": "ann",
        "name": "shop",
        "platform": "seller-partner",
        "region": "na",
        "marketplace": "ATVPDKIKX0DER",
        "application_id": "a",
        "sealed_grant": b"\1grant",
        "status": "active",
        "selling_partner_id": "A1",
        "replication_config": {"a": [1, None]},
        "last_success_at": 8.5,
        "created_at": 9.5,
        "updated_at": 10.5,
        "granted_at": 11.5,
    },
    "consents": {
        "id": "f",
        "organization_id": "o",
        "customer": "ann",
        "application_id": "a",
        "connection_id": "c",
        "name": "shop",
        "marketplace": "ATVPDKIKX0DER",
        "vendor": False,
        "return_url": "https://shop.example.test/back",
        "replication_config": {},
        "link_hash": "2" * 64,
        "created_at": 12.5,
        "expires_at": 13.5,
    },
}
"""A row of every table of the first version, in the order in which they may be written."""


@pytest.fixture
def old(database_kind, request, tmp_path):
    """A house whose database is empty."""
    if database_kind == "sqlite":
        yield House(tmp_path / "x.db")
        return
    postgres = request.getfixturevalue("postgres")
    url = postgres.create()
    yield House(url, tmp_path / "journal")
    postgres.drop(url)


def migrate(house, revision=None):
    """Bring a database to a revision; to the newest as a server does it."""

    async def newest():
        database = Database(house.settings.database)
        await database.migrate()
        await database.close()

    if revision is None:
        asyncio.run(newest())
        return
    place = backend(house.settings.database)
    place.create()
    with place.blocking_engine().execution_options(**place.writing).begin() as connection:
        config = Config()
        config.set_main_option("script_location", "sellerport.server.store:migrations")
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


class Version:
    """The tables as a version knows them, read from the database that it made."""

    def __init__(self, house):
        self._engine = backend(house.settings.database).blocking_engine()
        known = MetaData()
        known.reflect(self._engine)
        self.tables = [table for table in known.sorted_tables if table.name != "alembic_version"]

    def run(self, statement, *rows):
        with self._engine.begin() as connection:
            done = connection.execute(statement, *rows)
            return done.mappings().all() if done.returns_rows else done.rowcount

    def rows(self):
        return {table.name: [dict(row) for row in self.run(select(table))] for table in self.tables}


def test_a_database_of_the_first_version_keeps_every_row(old):
    """RL-14."""
    migrate(old, "0001")
    first = Version(old)
    for table in sorted(first.tables, key=lambda table: list(ROWS).index(table.name)):
        first.run(insert(table), [ROWS[table.name]])
    before = first.rows()
    assert all(before.values())
    assert before.keys() == ROWS.keys()
    migrate(old)
    assert first.rows() == before
    if kind_of(old) == "sqlite":
        assert old.sql("PRAGMA foreign_key_check") == []


def kind_of(house):
    return "postgresql" if isinstance(house.settings.database, str) else "sqlite"


def test_what_the_version_before_asks_of_the_database_works_on_the_new_tables(old):
    """RL-14, DS-6: its inserts, updates, reads and deletes, with no column that it does not know."""
    migrate(old, PREVIOUS)
    before = Version(old)
    migrate(old)
    tables = sorted(before.tables, key=lambda table: list(ROWS).index(table.name))
    for table in tables:
        before.run(insert(table), [ROWS[table.name]])
    written = before.rows()
    for table in tables:
        (row,) = written[table.name]
        assert {name: row[name] for name in ROWS[table.name]} == ROWS[table.name]
        key = [column == row[column.name] for column in table.primary_key]
        changed = {name: value for name, value in row.items() if name not in table.primary_key.columns}
        if changed:
            assert before.run(update(table).where(*key).values(changed)) == 1
    gone = {"status": "disconnected", "sealed_grant": None, "sealed_key": None}
    (connection,) = [table for table in tables if table.name == "connections"]
    assert before.run(update(connection).values(gone)) == 1
    for table in reversed(tables):
        assert before.run(delete(table)) == 1


def test_both_versions_write_beside_one_another(old):
    """DS-6: a server of this version works on rows that the one before writes meanwhile, and the other way round."""
    migrate(old, PREVIOUS)
    before = Version(old)

    async def scenario(server):
        (organizations,) = [table for table in before.tables if table.name == "organizations"]
        before.run(insert(organizations), [{**ROWS["organizations"], "name": "Bolt"}])
        assert (await server.hub.organizations.find("Bolt")).id == "o"
        client = await server.hub.access.create_client("o", "backend")
        (clients,) = [table for table in before.tables if table.name == "api_clients"]
        before.run(update(clients).where(clients.c.id == client.id).values(revoked_at=1.0))
        (found,) = await server.hub.access.clients("o")
        assert found.revoked_at == 1.0
        assert (await server.hub.audit.verify()).ok

    old.run(scenario)


def written_by(house, version, *, oldest):
    house.sql("UPDATE alembic_version SET version_num = :version", version=version)
    house.sql("UPDATE compatibility SET oldest_revision = :oldest", oldest=oldest)


def test_a_server_goes_on_with_a_newer_database_that_says_that_it_may(house):
    """RL-14."""
    house.run(nothing)
    written_by(house, "9999", oldest=schema.HEAD)
    house.run(lambda server: server.connect())
    assert house.sql("SELECT version_num FROM alembic_version") == [("9999",)]


def test_a_server_does_not_start_on_a_newer_database_that_it_would_not_understand(house):
    """RL-14."""
    house.run(nothing)
    written_by(house, "9999", oldest="9998")
    before = house.sql("SELECT count(*) FROM audit")
    with pytest.raises(StoreError, match="was written by a newer Sellerport; use that one"):
        house.run(nothing)
    assert house.sql("SELECT count(*) FROM audit") == before


async def nothing(server):
    pass
