"""LC-T14: very many connections whose tokens end at the same moment; `benchmarks/tokens.py` has ten thousand."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import insert, select
from tests.server.token_server import another, asked, connected

from sellerport.errors import StoreError
from sellerport.server.hub.connections import whole
from sellerport.server.hub.journal import Refresh
from sellerport.server.hub.sealed import seal
from sellerport.server.hub.together import Together
from sellerport.server.hub.tokens import AT_ONCE, EARLY_S, LAST, LIFE_S, MARGIN_S
from sellerport.server.store import connections

MANY = 200


class Amazon:
    """A token server that answers when as many ask as may, and one more would have come."""

    def __init__(self, look):
        self.under_way = self.answered = self.most = 0
        self._gate, self._look = asyncio.Event(), look

    async def __call__(self, scope, receive, send):
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        full = self._gate
        if self.under_way == min(AT_ONCE, MANY - self.answered):  # all that may come are there
            for _ in range(20):
                await self._look()
            self.answered, self.under_way, self._gate = self.answered + self.under_way, 0, asyncio.Event()
            full.set()
        await full.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b'{"access_token": "Atza|one", "expires_in": 3600}'})


async def many(house, server, count):
    """Return so many connections, opened; made at once, as consents would take their time."""
    first = await connected(server)
    (row,) = house.sql("SELECT * FROM connections")
    step, rows = 0xFFFFFFFF // count, []
    for number in range(count):
        id = f"{number * step:08x}-0000-4000-8000-000000000000"
        made = dict(row._mapping) | {"id": id, "replication_config": {}, "stores": None}
        rows.append(
            made | await seal(server.hub.connections._vault, connections, made, sealed_grant=first.refresh_token)
        )
    async with server.hub.tokens._database.writing() as store:
        await store.execute(insert(connections), rows)
        found = (await store.execute(select(connections).where(connections.c.id != row.id))).mappings().all()
    return [replace(first, row=row, connection=replace(first.connection, id=row["id"])) for row in found]


def test_many_tokens_that_ended_at_once_are_fetched_a_few_at_a_time(house):
    """32 token requests are under way and no more, and everybody is served."""

    async def scenario(server):
        opened = await many(house, server, MANY)
        amazon = server.wire.app = Amazon(partial(server.hub.connections.all, server.caller))
        assert await asyncio.gather(*(server.hub.tokens.get(one) for one in opened)) == ["Atza|one"] * MANY
        assert (amazon.answered, amazon.most) == (MANY, AT_ONCE)
        assert house.sql("SELECT count(*) FROM connections WHERE sealed_access_token IS NOT NULL")[0][0] == MANY
        assert house.sql("SELECT count(*) FROM audit WHERE action = 'grant.refreshed'")[0][0] == MANY

    house.run(scenario)


def test_tokens_of_many_are_stored_in_few_transactions(sqlite_house, monkeypatch):
    async def scenario(server):
        opened = await many(sqlite_house, server, MANY)
        server.wire.app = Amazon(partial(asyncio.sleep, 0))
        database, begun = server.hub.tokens._database, []
        writing = database.writing
        monkeypatch.setattr(database, "writing", lambda **how: begun.append(1) or writing(**how))
        await asyncio.gather(*(server.hub.tokens.get(one) for one in opened))
        assert len(begun) < MANY / 4  # one each to claim, and one each to store, would be twice as many

    sqlite_house.run(scenario)


def test_nobody_waits_for_the_next_token_while_the_old_one_lasts(house):
    """The wait of callers whose connections' tokens all end at the same moment: none."""

    async def scenario(server):
        opened = await many(house, server, 40)
        first = await asyncio.gather(*(server.hub.tokens.get(one) for one in opened))
        server.clock.advance(LIFE_S - MARGIN_S + 1)
        answer, amazon = asyncio.Event(), server.wire.app

        async def waits(*asgi):
            await answer.wait()
            await amazon(*asgi)

        server.wire.app = waits
        async with asyncio.timeout(25):  # shorter than anybody's patience
            assert [await server.hub.tokens.get(one) for one in opened] == first
            async with another(house, server) as other:  # which has none of them in memory
                assert [await other.hub.tokens.get(one) for one in opened] == first
            server.clock.advance(MARGIN_S * (1 - LAST) - 2)
            assert await server.hub.tokens.get(opened[0]) == first[0]
        answer.set()
        await server.hub.tokens.aclose()
        server.clock.advance(MARGIN_S)  # some had given up: Amazon kept them waiting
        assert {await server.hub.tokens.get(one) for one in opened}.isdisjoint(first)

    house.run(scenario)


def test_of_many_that_end_together_those_whose_moment_came_are_refreshed(sqlite_house):
    """However few are refreshed at a time, none is left because others stand before it."""

    async def scenario(server):
        opened = await many(sqlite_house, server, 40)
        await asyncio.gather(*(server.hub.tokens.get(one) for one in opened))
        sqlite_house.sql("UPDATE connections SET last_success_at = :now", now=server.clock.now)
        server.world.requests.clear()
        server.clock.advance(LIFE_S - EARLY_S * 0.75)  # the moment of half of them has come
        assert await server.hub.tokens.refresh_due(most=10) == 10
        assert await server.hub.tokens.refresh_due(most=30) == 9
        assert asked(server) == 19

    sqlite_house.run(scenario)


def test_of_two_that_claim_a_connection_in_one_transaction_one_has_it(house):
    async def scenario(server):
        opened = await connected(server)
        tokens, leases = server.hub.tokens, server.hub.tokens._leases
        seen = await tokens._read(opened.connection.id)
        found = await asyncio.gather(leases.take(seen.row), leases.take(seen.row))
        assert found == [1, None]
        assert await leases.take(seen.row) is None

    house.run(scenario)


def test_of_two_answers_for_a_connection_in_one_transaction_the_newer_grant_is_kept(house):
    """LC-2."""

    async def scenario(server):
        opened = await connected(server)
        id, leases = opened.connection.id, server.hub.tokens._leases
        seen = await server.hub.tokens._read(id)
        lease = await leases.take(seen.row)
        seal_tokens = await server.hub.connections.sealer(seen.opened)
        late = Refresh(id, 1, lease - 1, seal_tokens("Atza|late", "Atzr|newer"))
        plain = Refresh(id, 1, lease, seal_tokens("Atza|plain", None))
        assert await asyncio.gather(leases.store(late, "grant.refreshed"), leases.store(plain, "grant.refreshed")) == [
            True,
            False,
        ]
        after = await server.hub.connections.open(server.caller, id)
        assert (after.generation, after.refresh_token) == (2, "Atzr|newer")

    house.run(scenario)


def test_an_organization_whose_audit_cannot_be_written_holds_up_no_other(house):
    """RL-13: their tokens come at the same moment, in one transaction."""

    async def scenario(server):
        mine = await connected(server)
        other = await server.hub.organizations.create("Other")
        (row,) = house.sql("SELECT * FROM connections")
        async with server.hub.tokens._database.reading() as store:
            made = dict((await store.execute(select(connections))).mappings().one())
        made |= {
            "id": "7" * 36,
            "organization_id": other.id,
            "application_id": None,
            "lwa_client_id": mine.client.client_id,
        }
        secrets = {"sealed_grant": mine.refresh_token, "sealed_client_secret": mine.client.client_secret}
        made |= await seal(server.hub.connections._vault, connections, made, **secrets)
        async with server.hub.tokens._database.writing() as store:
            await store.execute(insert(connections).values(made))
            (theirs,) = (await store.execute(whole().where(connections.c.id == made["id"]))).mappings()
        house.write(
            "UPDATE audit_chains SET sealed_key = sealed_check FROM (SELECT sealed AS sealed_check FROM "
            "vault_checks) AS checks WHERE organization_id = :id",
            id=other.id,
        )
        theirs = await server.hub.connections.opened(theirs)
        await asyncio.gather(*(server.hub.tokens.get(one) for one in (mine, theirs)))
        stored = house.sql("SELECT organization_id FROM connections WHERE sealed_access_token IS NOT NULL")
        assert [one[0] for one in stored] == [row.organization_id]
        house.write("DELETE FROM connections WHERE id = :id", id=made["id"])

    house.run(scenario)


def run(scenario):
    async def bounded():
        async with asyncio.timeout(60):
            await scenario()

    asyncio.run(bounded())


def test_what_is_asked_while_something_is_done_is_done_at_once_and_in_order():
    async def scenario():
        batches, go = [], asyncio.Event()

        async def work(batch):
            batches.append(batch)
            await go.wait()
            return [2 * one for one in batch]

        together = Together(work)
        waiting = [asyncio.ensure_future(together(number)) for number in range(3)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiting += [asyncio.ensure_future(together(number)) for number in range(3, 150)]
        await asyncio.sleep(0)
        waiting[4].cancel()
        go.set()
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert isinstance(found.pop(4), asyncio.CancelledError)
        assert found == [2 * number for number in range(150) if number != 4]
        assert [len(batch) for batch in batches] == [3, 100, 47]

    run(scenario)


def test_what_fails_for_many_is_done_for_each_alone():
    async def scenario():
        async def work(batch):
            if 3 in batch:
                raise StoreError("three")
            return [StoreError("four") if one == 4 else one for one in batch]

        together = Together(work)
        found = await asyncio.gather(*(together(number) for number in range(6)), return_exceptions=True)
        assert [str(one) for one in found] == ["0", "1", "2", "three", "four", "5"]
        with pytest.raises(StoreError, match="three"):
            await together(3)
        assert await together(5) == 5

    run(scenario)
