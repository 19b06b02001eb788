"""The audit: chains that show every tampering, export, and that nothing changes without a record."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys

import pytest
from sqlalchemy.exc import DBAPIError
from tests.server.conftest import PUBLIC, all_on_sqlite

from sellerport.server.hub import audit
from sellerport.server.opening import open_hub

APPEND = """
import asyncio, sys
from sellerport.server.opening import open_hub
from sellerport.server.settings import Settings

async def main():
    async with open_hub(Settings.read()) as hub:
        print("ready", flush=True)
        sys.stdin.readline()
        for number in range(int(sys.argv[2])):
            await hub.access.create_client(sys.argv[1], f"client {number}")

asyncio.run(main())
"""


def on_hub(house, work):
    async def opened():
        async with open_hub(house.settings, clock=house.clock) as hub:
            return await work(hub)

    return asyncio.run(opened())


def verify(house, **how):
    return on_hub(house, lambda hub: hub.audit.verify(**how))


def environ(house):
    settings = {
        "SELLERPORT_DATABASE": str(house.settings.database),
        "SELLERPORT_VAULT_KEY": str(house.settings.vault_key),
        "SELLERPORT_JOURNAL": str(house.settings.journal),
        "SELLERPORT_PUBLIC_URL": PUBLIC,
        "COLUMNS": "200",
    }
    return {name: os.environ[name] for name in ("PATH", "HOME", "VIRTUAL_ENV") if name in os.environ} | settings


def command(house, *words):
    asked = (sys.executable, "-m", "sellerport", "audit", *words)
    return subprocess.run(asked, env=environ(house), capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def chains(house):
    """Two organizations' ids, with eight records in the chain of each."""

    async def work(hub):
        made = []
        for name in ("Acme", "Bolt"):
            made.append((await hub.organizations.create(name)).id)
            for number in range(7):
                house.clock.advance(60.25)
                await hub.access.create_client(made[-1], f"client {number}")
        return made

    return on_hub(house, work)


def unguard(house):
    """Do what an attacker who owns the tables does first."""
    if isinstance(house.settings.database, str):
        house.sql("DROP TRIGGER audit_is_append_only ON audit")
    else:
        house.sql("DROP TRIGGER audit_is_append_only_update", "DROP TRIGGER audit_is_append_only_delete")


def hash_of(house, chain, sequence):
    ((found,),) = house.sql("SELECT hash FROM audit WHERE chain = :c AND sequence = :n", c=chain, n=sequence)
    return found


COPY = (
    "INSERT INTO audit (chain, sequence, at, actor, action, subject, facts, hash) "
    "SELECT chain, 3, at, actor, action, subject, facts, hash FROM audit WHERE chain = :a AND sequence = 1002"
)
RECORDS = "UPDATE audit SET sequence = sequence"
END = "UPDATE audit_chains SET"

ATTACKS = {
    "a record deleted": (["DELETE FROM audit WHERE chain = :a AND sequence = 3"], 3),
    "the first record deleted": (["DELETE FROM audit WHERE chain = :a AND sequence = 1"], 1),
    "an actor altered": (["UPDATE audit SET actor = 'owner' WHERE chain = :a AND sequence = 3"], 3),
    "a time altered": (["UPDATE audit SET at = at + 1 WHERE chain = :a AND sequence = 3"], 3),
    "a subject altered": (["UPDATE audit SET subject = :b WHERE chain = :a AND sequence = 3"], 3),
    "an action altered": (["UPDATE audit SET action = 'x' WHERE chain = :a AND sequence = 3"], 3),
    "facts altered": (["""UPDATE audit SET facts = '{"x"\\: 1}' WHERE chain = :a AND sequence = 3"""], 3),
    "a hash altered": (["UPDATE audit SET hash = 'x' WHERE chain = :a AND sequence = 3"], 3),
    "a hash and the end altered": (
        [
            "UPDATE audit SET hash = 'x' WHERE chain = :a AND sequence = 8",
            f"{END} hash = 'x' WHERE organization_id = :a",
        ],
        8,
    ),
    "two records in each other's place": (
        [
            f"{RECORDS} + 1000 WHERE chain = :a AND sequence IN (3, 4)",
            "UPDATE audit SET sequence = 4 WHERE chain = :a AND sequence = 1003",
            "UPDATE audit SET sequence = 3 WHERE chain = :a AND sequence = 1004",
        ],
        3,
    ),
    "a record inserted": (
        [
            f"{RECORDS} + 1000 WHERE chain = :a AND sequence >= 2",
            f"{RECORDS} - 999 WHERE chain = :a AND sequence > 1002",
            COPY,
            "UPDATE audit SET sequence = 2 WHERE chain = :a AND sequence = 1002",
            f"{END} sequence = 9 WHERE organization_id = :a",
        ],
        3,
    ),
    "a record of another chain appended": (
        [
            "UPDATE audit SET chain = :a, sequence = 9 WHERE chain = :b AND sequence = 8",
            f"{END} sequence = 9, hash = (SELECT hash FROM audit WHERE chain = :a AND sequence = 9) "
            "WHERE organization_id = :a",
        ],
        9,
    ),
    "a record before the first": (
        ["UPDATE audit SET sequence = 0, chain = :a WHERE chain = :b AND sequence = 8"],
        1,
    ),
    "facts with other spaces": (["""UPDATE audit SET facts = '{ }' WHERE chain = :a AND sequence = 3"""], None),
    "the last record cut off": (["DELETE FROM audit WHERE chain = :a AND sequence = 8"], 8),
    "the last record cut off, and the end set back, but for its hash": (
        ["DELETE FROM audit WHERE chain = :a AND sequence = 8", f"{END} sequence = 7 WHERE organization_id = :a"],
        7,
    ),
    "an older end": (
        [
            f"{END} sequence = 5, hash = (SELECT hash FROM audit WHERE chain = :a AND sequence = 5) "
            "WHERE organization_id = :a"
        ],
        6,
    ),
    "a later end": ([f"{END} sequence = 9 WHERE organization_id = :a"], 9),
    "another end's hash": ([f"{END} hash = 'x' WHERE organization_id = :a"], 8),
    "records of two chains swapped": (
        [
            "UPDATE audit SET chain = 'x' WHERE chain = :a",
            "UPDATE audit SET chain = :a WHERE chain = :b",
            "UPDATE audit SET chain = :b WHERE chain = 'x'",
        ],
        1,
    ),
    "two chains swapped": (
        [
            "UPDATE audit SET chain = 'x' WHERE chain = :a",
            "UPDATE audit SET chain = :a WHERE chain = :b",
            "UPDATE audit SET chain = :b WHERE chain = 'x'",
            f"{END} organization_id = 'x' WHERE organization_id = :a",
            f"{END} organization_id = :a WHERE organization_id = :b",
            f"{END} organization_id = :b WHERE organization_id = 'x'",
        ],
        1,
    ),
    "another chain's key": (
        [
            f"{END} sealed_key = (SELECT sealed_key FROM audit_chains WHERE organization_id = :b) "
            "WHERE organization_id = :a"
        ],
        1,
    ),
    "all records deleted": (["DELETE FROM audit WHERE chain = :a"], 1),
    "all records deleted, and the end set to nothing": (
        ["DELETE FROM audit WHERE chain = :a", f"{END} sequence = 0, hash = '' WHERE organization_id = :a"],
        1,
    ),
    "the end deleted": (["DELETE FROM audit_chains WHERE organization_id = :a"], 1),
    "a whole chain deleted": (
        ["DELETE FROM audit WHERE chain = :a", "DELETE FROM audit_chains WHERE organization_id = :a"],
        1,
    ),
}


AS_STORED = ("a record deleted", "a time altered", "facts altered", "facts with other spaces", "a whole chain deleted")
"""The attacks on what each database keeps in its own way; a chain is followed by the same code."""


@pytest.mark.parametrize(("database_kind", "attack"), all_on_sqlite(ATTACKS, AS_STORED))
def test_61_whatever_is_done_to_a_chain_is_found_where_it_was_done(house, chains, attack):
    """Attack 61."""
    first, second = chains
    whole = verify(house)
    assert whole.ok
    assert [(one.records, one.broken_at) for one in whole.chains if one.chain in chains] == [(8, None)] * 2
    unguard(house)
    statements, sequence = ATTACKS[attack]
    names = {"a": first, "b": second}
    for statement in statements:
        house.sql(statement, **{name: value for name, value in names.items() if f":{name}" in statement})
    found = {one.chain: one for one in verify(house).chains}
    assert found[first].broken_at == sequence, found[first]
    assert found[first].records in (sequence, (sequence or 9) - 1), "what comes before is whole"
    assert found["server"].broken_at is None
    assert verify(house, chain=first).ok == (sequence is None)


def test_61_a_record_that_cannot_even_be_read_is_found(sqlite_house):
    """PostgreSQL does not take what is no JSON."""
    sqlite_house.run(lambda server: server.connect())
    unguard(sqlite_house)
    sqlite_house.sql("UPDATE audit SET facts = '{' WHERE chain <> 'server' AND sequence = 3")
    (_, chain) = verify(sqlite_house).chains
    assert chain.broken_at == 3


def test_61_a_chain_that_was_deleted_and_began_anew_is_found(house, chains):
    unguard(house)
    for table, column in (("audit", "chain"), ("audit_chains", "organization_id")):
        house.sql(f"DELETE FROM {table} WHERE {column} = :c", c=chains[0])
    on_hub(house, lambda hub: hub.access.create_client(chains[0], "later"))
    (found,) = verify(house, chain=chains[0]).chains
    assert (found.broken_at, found.problem) == (1, "the server's own chain does not have its beginning once")


def test_61_the_servers_own_chain_is_missed_with_all_that_it_began(house, chains):
    unguard(house)
    house.sql("DELETE FROM audit WHERE chain = 'server'", "DELETE FROM audit_chains WHERE organization_id = 'server'")
    on_hub(house, lambda hub: hub.keys.rewrap())
    assert {one.chain: one.broken_at for one in verify(house).chains if one.broken_at} == dict.fromkeys(chains, 1)


def test_61_an_older_state_of_the_whole_database_is_missed_by_a_hash_that_was_kept_elsewhere(house, chains):
    first, _ = chains
    kept = {one.chain: one.hash for one in verify(house).chains}[first]
    assert verify(house, expect=[kept]).ok
    on_hub(house, lambda hub: hub.access.create_client(first, "later"))
    assert verify(house, expect=[kept]).ok, "a hash stays good when the chain goes on"
    unguard(house)
    house.sql("DELETE FROM audit WHERE chain = :c AND sequence > 5", c=first)
    house.sql(f"{END} sequence = 5, hash = :h WHERE organization_id = :c", c=first, h=hash_of(house, first, 5))
    assert verify(house).ok, "nothing in the database itself tells"
    proof = verify(house, expect=[kept])
    assert not proof.ok
    assert proof.missing == [kept]


def test_the_database_refuses_to_alter_or_delete_records(house, chains):
    statements = ["UPDATE audit SET actor = 'x'", "DELETE FROM audit"]
    if isinstance(house.settings.database, str):
        statements.append("TRUNCATE audit")
    for statement in statements:
        with pytest.raises(DBAPIError, match="audit is append-only"):
            house.sql(statement)
    assert verify(house).ok


def test_two_processes_that_append_at_once_never_break_a_chain(house, chains):
    """Two processes begin a third chain at the same moment, and go on appending to it."""
    house.sql("INSERT INTO organizations VALUES ('o', 'Corp', 1)")
    program = (sys.executable, "-c", APPEND, "o", "25")
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    started = [subprocess.Popen(program, env=environ(house), **streams) for _ in range(2)]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    for process in started:
        process.stdin.write("\n")
        process.stdin.flush()
    for process in started:
        process.communicate(timeout=60)
        assert process.returncode == 0
    (chain,) = verify(house, chain="o").chains
    assert (chain.records, chain.broken_at) == (50, None)
    assert verify(house).ok


def test_records_are_exported_in_order_and_in_pages(house, chains, monkeypatch):
    monkeypatch.setattr(audit, "PAGE", 3)

    async def work(hub, **how):
        return [record async for record in hub.audit.export(**how)]

    found = on_hub(house, work)
    assert [(one.chain, one.sequence) for one in found] == sorted(
        [(chain, number) for chain in chains for number in range(1, 9)] + [("server", 1), ("server", 2), ("server", 3)],
        key=lambda one: (one[0] != "server", *one),
    )
    last_of_first = [one for one in found if one.chain == chains[0]][-1]
    later = on_hub(house, lambda hub: work(hub, since=last_of_first.at, chain=chains[0]))
    assert later == [last_of_first]
    assert verify(house).ok


def test_the_command_proves_and_exports(house, chains):
    done = command(house, "verify", "--json")
    assert done.returncode == 0, done.stderr
    proof = json.loads(done.stdout)
    assert proof["ok"] is True
    kept = {chain["organization"]: chain for chain in proof["chains"]}
    assert kept["Acme"]["records"] == 8
    assert kept["Acme"]["from"] == "2027-01-15T08:00:00.000+00:00"
    done = command(house, "export", "--organization", "Bolt", "--since", "2027-01-15")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["action"] for line in lines] == ["organization.created"] + ["client.created"] * 7
    assert lines[-1]["hash"] == kept["Bolt"]["hash"]
    assert lines[0] == {
        "chain": chains[1],
        "sequence": 1,
        "at": "2027-01-15T08:07:01.750+00:00",
        "actor": "operator",
        "action": "organization.created",
        "subject": chains[1],
        "facts": {},
        "hash": lines[0]["hash"],
    }
    assert command(house, "verify", "--expect", lines[3]["hash"]).returncode == 0


def test_the_command_says_where_a_chain_is_broken_and_exits_with_1(house, chains):
    unguard(house)
    house.sql("UPDATE audit SET actor = 'nobody' WHERE chain = :c AND sequence = 4", c=chains[1])
    done = command(house, "verify")
    assert done.returncode == 1
    assert "broken at 4: the record was altered" in done.stdout
    assert "Acme" in done.stdout
    assert command(house, "verify", "--organization", "Acme").returncode == 0
    done = command(house, "verify", "--organization", "Acme", "--expect", "f" * 64)
    assert done.returncode == 1
    assert f"no chain has the hash {'f' * 64}" in done.stderr


def test_an_organization_reads_its_own_records_page_by_page(house):
    async def scenario(server):
        other = await server.hub.organizations.create("Bolt")
        await server.hub.access.create_client(other.id, "not Acme's")
        found, before = [], ""
        while True:
            answer = await server.api("GET", f"/api/v1/audit?limit=2{before}")
            assert answer.status == 200
            found += answer.json["data"]
            if answer.json["next"] is None:
                break
            before = f"&before={answer.json['next']}"
        assert [one["sequence"] for one in found] == list(range(len(found), 0, -1))
        assert found[0] | {"hash": ""} == {
            "sequence": len(found),
            "at": "2027-01-15T08:00:00.000Z",
            "actor": "operator",
            "action": "client.created",
            "subject": server.client_id,
            "facts": {},
            "hash": "",
        }
        assert {one["action"] for one in found} == {
            "organization.created",
            "return_url.added",
            "application.registered",
            "client.created",
        }
        assert (await server.api("GET", "/api/v1/audit", token="unknown")).status == 401
        refused = await server.api("GET", "/api/v1/audit?limit=501&before=x")
        assert [(one["field"], one["message"]) for one in refused.json["errors"]] == [
            ("before", "must be a number from 1 to 2147483647"),
            ("limit", "must be a number from 1 to 500"),
        ]

    house.run(scenario)
