"""Keys that are rotated, rewrapped and retired while a server works, and rows that do not open."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from tests.server.conftest import AMAZON, CLIENT, CLIENT_SECRET, PUBLIC, House

from sellerport.errors import Conflict, KeyMissing, NotFound, Tampered
from sellerport.oauth import LwaClient
from sellerport.regions import marketplace
from sellerport.server.hub import sealed
from sellerport.server.vault import Keyring, create_key_file, key_id, read_key_file

TABLES = [table.name for table in sealed.tables()]
FIRST = {"connections": ("grant", "client_secret"), "applications": ("secret",)}
"""What there was of format 1."""

DYING = """
import asyncio, os, signal, sys
from sellerport.server.opening import open_hub
from sellerport.server.settings import Settings
from sellerport.server.hub import sealed
from sellerport.server.vault import Keyring

wrap, left = Keyring.wrap, int(sys.argv[1])

async def dying(self, key, identity):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return await wrap(self, key, identity)

async def main():
    async with open_hub(Settings.read()) as hub:
        await hub.keys.rewrap(batch=7)

Keyring.wrap = dying
asyncio.run(main())
"""


@pytest.fixture
def house(house, tmp_path):
    create_key_file(tmp_path / "keys")
    given = {"vault_key_file": tmp_path / "keys", "journal": tmp_path / "journal"}
    house.settings = replace(house.settings, vault_key=None, **given)
    return house


def environ(house):
    settings = {
        "SELLERPORT_DATABASE": str(house.settings.database),
        "SELLERPORT_VAULT_KEY_FILE": str(house.settings.vault_key_file),
        "SELLERPORT_JOURNAL": str(house.settings.journal),
        "SELLERPORT_AMAZON": AMAZON,
        "SELLERPORT_PUBLIC_URL": PUBLIC,
    }
    return {name: os.environ[name] for name in ("PATH", "HOME", "VIRTUAL_ENV") if name in os.environ} | settings


async def command(house, *words, status=0):
    """Run `sellerport key …` as a process, while this one goes on."""
    words = (sys.executable, "-m", "sellerport", "key", *words, "--json")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*words, env=environ(house), stdout=pipe, stderr=pipe)
    out, err = await process.communicate()
    assert process.returncode == status, (out + err).decode()
    return json.loads(out or err)


async def create(server, number):
    return await server.hub.connections.create(
        server.caller,
        customer=f"customer {number}",
        name="x",
        marketplace=marketplace("US"),
        refresh_token=f"Atzr|{number}",
        through=LwaClient(CLIENT, f"secret {number}"),
    )


async def renew(server, id, refresh_token):
    """Give a connection the grant of another consent."""
    (application,) = await server.hub.applications.all(server.organization.id)
    partner = (await server.hub.connections.get(server.caller, id)).selling_partner_id or "A"
    given = {"application_id": application.id, "selling_partner_id": partner}
    await server.hub.connections.renew(server.caller, id, refresh_token=refresh_token, **given)


async def fill(server, count):
    for number in range(count):
        await create(server, number)


async def assert_all_open(server):
    for found in await server.hub.connections.all(server.caller):
        opened = await server.hub.connections.open(server.caller, found.id)
        number = found.customer.removeprefix("customer ")
        if number.isdecimal():
            assert (opened.refresh_token, opened.client.client_secret) == (f"Atzr|{number}", f"secret {number}")


def rows(house, table="connections"):
    return [dict(row._mapping) for row in house.sql(f"SELECT * FROM {table} ORDER BY id")]


def ids_in_use(house):
    return Counter(key_id(row["sealed_key"]) for table in TABLES for row in rows(house, table) if row["sealed_key"])


def keep(house):
    """Return the id of the newest key in the file."""
    return Keyring(read_key_file(house.settings.vault_key_file)).key_ids[-1]


def make_first_format(house):
    """Turn what is sealed into what versions before envelopes wrote: format 1, and no data key."""
    (key,) = read_key_file(house.settings.vault_key_file)
    secrets = {"grant": "Atzr|{}", "client_secret": "secret {}", "secret": CLIENT_SECRET}
    for table, fields in FIRST.items():
        for row in rows(house, table):
            house.sql(f"UPDATE {table} SET sealed_key = NULL WHERE id = :id", id=row["id"])
            for name in (name for name in fields if row[f"sealed_{name}"]):
                place = (table, row["id"], name, row["organization_id"])
                secret = secrets[name].format(row.get("customer", "").removeprefix("customer "))
                record = first_record(key, secret, place)
                house.sql(f"UPDATE {table} SET sealed_{name} = :record WHERE id = :id", record=record, id=row["id"])


def first_record(key, secret, place):
    header, nonce = b"\x01" + hashlib.sha256(key).digest()[:4], os.urandom(12)
    bound = b"".join(len(part).to_bytes(4, "big") + part.encode() for part in place)
    return header + nonce + AESGCM(key).encrypt(nonce, secret.encode(), header + bound)


def test_keys_are_changed_while_a_server_works_and_no_request_fails(house):
    """VS-T1, VS-T3."""
    old = keep(house)

    async def scenario(server):
        id = await server.connect()
        await fill(server, 30)
        done, ended = Counter(), asyncio.Event()

        async def write(worker):
            while not ended.is_set():
                made = await create(server, 1000 + worker)
                await server.hub.connections.open(server.caller, made.id)
                done["written"] += 1

        async def read():
            while not ended.is_set():
                answer = await server.api("GET", f"/api/v1/integrations/connectors/{id}")
                assert answer.status == 200, answer.text
                await assert_all_open(server)
                done["read"] += 1

        async def change():
            newest = (await command(house, "rotate"))["newest"]
            made = await create(server, 0)
            (row,) = [row for row in rows(house) if row["id"] == made.id]
            assert key_id(row["sealed_key"]) == newest != old
            rewrapped = await command(house, "rewrap")
            assert (rewrapped["newest"], rewrapped["stuck"]) == (newest, [])
            assert rewrapped["rewrapped"] >= 33  # an application, a chain, 31 connections
            assert set(ids_in_use(house)) == {newest}
            assert await command(house, "retire", old) == {"retired": old}
            assert [key.id for key in await server.hub.keys.all()][-1] == newest
            assert len(await server.orders(id)) > 0
            ended.set()

        async with asyncio.TaskGroup() as tasks:
            for task in (write(1), write(2), read(), change()):
                tasks.create_task(task)
        assert done["written"] > 5
        assert done["read"] > 1

    house.run(scenario)
    assert old not in Keyring(read_key_file(house.settings.vault_key_file)).key_ids
    house.run(assert_all_open)


@pytest.mark.parametrize("first_format", [False, True], ids=["envelopes", "format-1"])
def test_a_rewrap_that_is_killed_at_a_random_row_is_gone_on_with(house, first_format):
    """VS-T2, LC-T3 (during rewrap)."""
    house.run(lambda server: fill(server, 40))
    old = keep(house)
    if first_format:
        make_first_format(house)
        house.run(assert_all_open)
    asyncio.run(command(house, "rotate"))
    chance, kills = random.Random(5), 0
    while True:
        words = (sys.executable, "-c", DYING, str(chance.randint(8, 25)))
        ended = subprocess.run(words, env=environ(house), check=False).returncode
        house.run(assert_all_open)
        if ended == 0:
            break
        assert ended == -signal.SIGKILL
        kills += 1
    assert kills >= 2
    assert ids_in_use(house) == {keep(house): 43}
    asyncio.run(command(house, "retire", old))
    house.run(assert_all_open)


def test_a_key_that_is_made_while_rows_are_rewrapped_is_the_one_they_end_with(house):
    async def scenario(server):
        await fill(server, 3)
        await server.hub.keys.rotate()
        newest = []

        async def rotate():
            newest.append(await server.hub.keys.rotate())

        rotating = []

        def progress(done, _all):
            if not rotating:
                rotating.append(asyncio.ensure_future(rotate()))

        async with asyncio.timeout(10):
            made = await server.hub.keys.rewrap(progress, batch=1)
        assert made.key_id == newest[0]
        assert set(ids_in_use(house)) == {newest[0]}
        await assert_all_open(server)

    house.run(scenario)


def test_records_of_format_1_open_are_counted_and_get_a_data_key(house):
    house.run(lambda server: fill(server, 3))
    make_first_format(house)

    async def scenario(server):
        await assert_all_open(server)
        old = keep(house)
        assert [(key.id, key.rows) for key in await server.hub.keys.all()] == [
            (old, 9)
        ]  # 3 connections with 2, an application, two chains
        newest = await server.hub.keys.rotate()
        with pytest.raises(Conflict, match=f"9 rows are sealed with the vault key {old}"):
            await server.hub.keys.retire(old)
        seen = []
        made = await server.hub.keys.rewrap(lambda *progress: seen.append(progress), batch=2)
        assert (made.key_id, made.rows, made.stuck) == (newest, 6, [])
        assert seen == [(1, 9), (3, 9), (4, 9), (6, 9)]
        await assert_all_open(server)
        await server.hub.keys.retire(old)

    house.run(scenario)
    assert None not in [row["sealed_key"] for row in rows(house)]
    house.run(assert_all_open)


def test_a_grant_of_format_1_is_replaced_by_an_envelope(house):
    house.run(lambda server: fill(server, 1))
    make_first_format(house)

    async def scenario(server):
        (found,) = await server.hub.connections.all(server.caller)
        await renew(server, found.id, "Atzr|new")
        opened = await server.hub.connections.open(server.caller, found.id)
        assert (opened.refresh_token, opened.generation) == ("Atzr|new", 2)

    house.run(scenario)


def test_an_older_grant_put_back_does_not_open(house):
    """VS-T5: not even with the data key that it was sealed with."""

    async def scenario(server):
        await server.connect()
        (before,) = rows(house)
        await renew(server, before["id"], "Atzr|new")
        assert (await server.hub.connections.open(server.caller, before["id"])).refresh_token == "Atzr|new"
        back = {name: before[name] for name in ("sealed_key", "sealed_grant")}
        house.sql("UPDATE connections SET sealed_key = :sealed_key, sealed_grant = :sealed_grant", **back)
        with pytest.raises(Tampered):
            await server.hub.connections.open(server.caller, before["id"])

    house.run(scenario)


def test_a_grant_that_is_written_while_its_row_is_rewrapped_stays(house, monkeypatch):
    async def scenario(server):
        id = await server.connect()
        await server.hub.keys.rotate()
        wrap, written = Keyring.wrap, []

        async def meddling(keyring, key, identity):
            if id in identity and not written:
                written.append("Atzr|new")
                await renew(server, id, *written)
            return await wrap(keyring, key, identity)

        monkeypatch.setattr(Keyring, "wrap", meddling)
        await server.hub.keys.rewrap()
        assert written
        assert (await server.hub.connections.open(server.caller, id)).refresh_token == "Atzr|new"

    house.run(scenario)


def test_two_consents_at_once_give_two_generations_and_the_last_one_stays(house):
    async def scenario(server):
        id = await server.connect()
        tokens = [f"Atzr|{number}" for number in range(5)]
        await asyncio.gather(*(renew(server, id, token) for token in tokens))
        opened = await server.hub.connections.open(server.caller, id)
        assert opened.generation == 6
        assert opened.refresh_token in tokens

    house.run(scenario)


def test_rows_that_do_not_open_are_told_of_and_hold_nothing_up(house):
    """RL-13."""
    poisons = (b"", b"\x00", b"\x02\xff", b"\x02\x08deadbeef", b"\x02\x08" + keep(house).encode() + bytes(60))

    async def scenario(server):
        await fill(server, 8)
        bad = [row["id"] for row in rows(house)[1:6]]
        for id, poison in zip(bad, poisons, strict=True):
            house.sql("UPDATE connections SET sealed_key = :poison WHERE id = :id", poison=poison, id=id)
            body = {"entity": "orders", "action": "list"}
            answer = await server.api("POST", f"/api/v1/integrations/connectors/{id}/execute", body)
            assert answer.status == 500
            assert answer.json["errors"][0]["error_code"] in ("tampered", "key_missing")
        listed = await server.api("GET", "/api/v1/integrations/connectors")
        assert (listed.status, len(listed.json["data"])) == (200, 8)
        newest = await server.hub.keys.rotate()
        made = await command(house, "rewrap", status=1)
        assert [(row["table"], row["id"]) for row in made["stuck"]] == [("connections", id) for id in bad]
        assert made["rewrapped"] == ids_in_use(house)[newest] == 6  # three more, an application, two chains
        assert sum(key.rows for key in await server.hub.keys.all()) == 11
        for id in bad:
            await server.hub.connections.delete(server.caller, id)
        assert (await server.hub.keys.rewrap()).stuck == []
        await assert_all_open(server)

    house.run(scenario)


def test_a_key_in_use_the_newest_and_an_unknown_one_are_not_retired(house):
    async def scenario(server):
        await fill(server, 2)
        old = keep(house)
        with pytest.raises(Conflict, match=f"the vault key {old} is the newest"):
            await server.hub.keys.retire(old)
        await server.hub.keys.rotate()
        with pytest.raises(Conflict, match=f"5 rows are sealed with the vault key {old}: run `sellerport key rewrap`"):
            await server.hub.keys.retire(old)
        with pytest.raises(NotFound, match="no vault key 'deadbeef'"):
            await server.hub.keys.retire("deadbeef")
        assert len(read_key_file(house.settings.vault_key_file)) == 2
        assert [key.id for key in await server.hub.keys.all()] == [old, keep(house)]

    house.run(scenario)


def test_without_the_new_key_no_server_starts_from_the_moment_it_was_made(house):
    """VS-T4."""
    house.run(lambda server: fill(server, 1))
    before = house.settings.vault_key_file.read_text()
    newest = asyncio.run(command(house, "rotate"))["newest"]
    house.settings.vault_key_file.write_text(before)
    with pytest.raises(KeyMissing, match=f"sealed with the vault key {newest}, which is not here"):
        house.run(lambda server: fill(server, 1))


def test_a_copy_of_the_database_and_the_key_file_is_all_it_takes(sqlite_house, tmp_path):
    """VS-T8."""
    house, clean = sqlite_house, tmp_path / "clean"
    create_key_file(tmp_path / "keys")
    house.settings = replace(house.settings, vault_key=None, vault_key_file=tmp_path / "keys", journal=tmp_path / "j")
    house.run(lambda server: fill(server, 4))
    asyncio.run(command(house, "rotate"))
    house.run(lambda server: fill(server, 4))
    clean.mkdir()
    with closing(sqlite3.connect(house.file)) as here, closing(sqlite3.connect(clean / "sellerport.db")) as there:
        here.backup(there)
    shutil.copy(tmp_path / "keys", clean / "keys")
    restored = House(clean / "sellerport.db")
    restored.settings = replace(restored.settings, vault_key=None, vault_key_file=clean / "keys")

    async def scenario(server):
        assert len(await server.hub.connections.all(server.caller)) == 8
        await assert_all_open(server)

    restored.run(scenario)
