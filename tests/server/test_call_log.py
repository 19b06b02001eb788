"""The audit of calls that were passed through: written in batches, and never in a call's way."""

from __future__ import annotations

import asyncio
import logging

from sqlalchemy import select

from sellerport.server.hub import call_log
from sellerport.server.store import audit


async def records(hub):
    async with hub.gateway.call_log._changes._database.reading() as store:
        wanted = select(audit).where(audit.c.action == call_log.ACTION).order_by(audit.c.sequence)
        return (await store.execute(wanted)).mappings().all()


def test_calls_of_one_second_that_agree_share_a_record_of_the_organizations_chain(house):
    async def scenario(server):
        log, owner = server.hub.gateway.call_log, server.organization.id
        for status in (200, 200, 429):
            log.note(owner, "seller", "orders_v0.get_orders", status)
        server.clock.advance(1)
        log.note(owner, "seller", "orders_v0.get_orders", 200)
        assert await records(server.hub) == []
        await log.write()
        found = await records(server.hub)
        assert {(one["chain"], one["actor"], one["subject"]) for one in found} == {(owner, "gateway", "seller")}
        second = int(server.clock()) - 1
        assert [one["facts"] for one in found] == [
            {"operation": "orders_v0.get_orders", "status": 200, "calls": 2, "second": second},
            {"operation": "orders_v0.get_orders", "status": 429, "calls": 1, "second": second},
            {"operation": "orders_v0.get_orders", "status": 200, "calls": 1, "second": second + 1},
        ]
        await log.write()
        assert len(await records(server.hub)) == 3
        assert (await server.hub.audit.verify()).ok

    house.run(scenario)


def test_two_who_write_at_once_write_each_call_once(sqlite_house):
    async def scenario(server):
        log, owner = server.hub.gateway.call_log, server.organization.id
        log.note(owner, "seller", "orders_v0.get_orders", 200)
        await asyncio.gather(log.write(), log.write())
        assert [one["facts"]["calls"] for one in await records(server.hub)] == [1]

    sqlite_house.run(scenario)


def test_a_database_that_is_away_holds_up_no_call_and_what_was_noted_is_written_later(house, caplog):
    async def scenario(server):
        log, owner = server.hub.gateway.call_log, server.organization.id
        with house.refusing("INSERT ON audit"):
            log.note(owner, "seller", "orders_v0.get_orders", 200)
            await log._try()
        assert "the audit of 1 calls waits" in caplog.text
        log.note(owner, "seller", "orders_v0.get_orders", 200)
        await log._try()
        (one,) = await records(server.hub)
        assert one["facts"]["calls"] == 2

    house.run(scenario)


def test_what_is_too_much_is_counted_and_told(sqlite_house, monkeypatch, caplog):
    monkeypatch.setattr(call_log, "MOST", 2)

    async def scenario(server):
        log, owner = server.hub.gateway.call_log, server.organization.id
        for status in (200, 400, 404, 429, 200):
            log.note(owner, "seller", "orders_v0.get_orders", status)
        with caplog.at_level(logging.ERROR):
            await log._try()
        assert "2 calls are not in the audit" in caplog.text
        assert [one["facts"]["calls"] for one in await records(server.hub)] == [2, 1]

    sqlite_house.run(scenario)


def test_a_server_that_ends_writes_what_it_noted(sqlite_house):
    async def note(server):
        server.hub.gateway.call_log.note(server.organization.id, "seller", "orders_v0.get_orders", 200)

    async def look(server):
        assert len(await records(server.hub)) == 1

    sqlite_house.run(note)
    sqlite_house.run(look)


def test_the_first_call_sets_the_clock_and_the_last_one_stops_it(sqlite_house):
    async def scenario(server):
        log = server.hub.gateway.call_log
        log.note(server.organization.id, "seller", "orders_v0.get_orders", 200)
        due = log._next
        assert due is not None
        due.cancel()
        log._begin()  # as it does about a second later
        await log._writing
        assert len(await records(server.hub)) == 1
        assert log._next is None

    sqlite_house.run(scenario)


def test_a_failure_of_ours_does_not_end_the_writing(sqlite_house, monkeypatch, caplog):
    async def scenario(server):
        log = server.hub.gateway.call_log
        with monkeypatch.context() as broken:
            broken.setattr(call_log, "_change", lambda *call: 1 / 0)
            log.note(server.organization.id, "seller", "orders_v0.get_orders", 200)
            log._next.cancel()
            log._begin()
            await log._writing
        assert "the audit of 1 calls waits" in caplog.text
        assert log._next is not None
        await log._try()
        assert len(await records(server.hub)) == 1

    sqlite_house.run(scenario)
