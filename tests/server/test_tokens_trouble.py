"""Trouble of Amazon's and of our own: what ends a grant, and what only takes its time."""

from __future__ import annotations

import asyncio
import errno
import os

import msgspec
import pytest
from tests.server.token_server import (
    CLIENT,
    CLIENT_SECRET,
    EXECUTE,
    LWA,
    SP_API,
    another,
    answering,
    asked,
    connected,
    row_of,
    saying,
)

from sellerport.emulator import Fault
from sellerport.errors import (
    AccessDenied,
    ClientRefused,
    GrantRevoked,
    StoreError,
    Tampered,
    TokenUnavailable,
)
from sellerport.server.hub.breaker import LEAST
from sellerport.server.hub.journal import Journal, Refresh
from sellerport.server.hub.leases import LEASE_S
from sellerport.server.hub.tokens import AT_ONCE, LIFE_S, LONGEST_PAUSE_S, MARGIN_S, REFUSED_S

# what Amazon answers


@pytest.mark.parametrize(
    ("expires_in", "life"),
    [(None, LIFE_S), (0, 60.0), (-5, 60.0), ("3600", LIFE_S), ("90", 90.0), (1e12, LIFE_S), (300, 300.0)],
)
def test_a_token_is_used_as_long_as_it_lives(sqlite_house, expires_in, life):
    """LC-T7: and one that is said to be over when it comes is not asked for with every call."""

    async def scenario(server):
        opened = await connected(server)
        answering(server, saying(expires_in=expires_in))
        margin = min(MARGIN_S, life / 2)
        first = await server.hub.tokens.get(opened)
        server.clock.advance(life - margin - 1)
        async with another(sqlite_house, server) as other:
            assert await server.hub.tokens.get(opened) == first == await other.hub.tokens.get(opened)
            assert asked(server) == 1
            server.clock.advance(2)
            answering(other, saying(expires_in=expires_in))
            assert await other.hub.tokens.get(opened) == first  # while the next one is fetched
            await other.hub.tokens.aclose()
            assert await other.hub.tokens.get(opened) != first == await server.hub.tokens.get(opened)
            await server.hub.tokens.aclose()
            assert await other.hub.tokens.get(opened) == await server.hub.tokens.get(opened) != first
        assert asked(server) == 2

    sqlite_house.run(scenario)


@pytest.mark.parametrize("returned", ["none", "the same", "another"])
def test_a_refresh_token_that_comes_along_takes_the_place_of_the_old_one(house, returned):
    """LC-T8."""

    async def scenario(server):
        opened = await connected(server)
        newer = server.world.grant("ALOCALSELLERNA", CLIENT).refresh_token
        came = {"none": None, "the same": opened.refresh_token, "another": newer}[returned]
        answering(server, saying(refresh_token=came))
        await server.hub.tokens.get(opened)
        after = await server.hub.connections.open(server.caller, opened.connection.id)
        rotated = returned == "another"
        assert after.refresh_token == (newer if rotated else opened.refresh_token)
        assert after.generation == opened.generation + rotated
        server.clock.advance(LIFE_S)
        server.wire.app = server.amazon
        assert await server.hub.tokens.get(after)

    house.run(scenario)


TROUBLE = [
    Fault(host=LWA, status=200, answer="html", times=None),
    Fault(host=LWA, status=200, body={"error": "invalid_grant"}, times=None),
    Fault(host=LWA, status=200, body={"access_token": ""}, times=None),
    Fault(host=LWA, status=200, body={"access_token": "two\nlines"}, times=None),
    Fault(host=LWA, status=400, body={"error": "INVALID_GRANT"}, times=None),
    Fault(host=LWA, status=403, answer="html", times=None),
    Fault(host=LWA, status=429, times=None),
    Fault(host=LWA, status=500, times=None),
    Fault(host=LWA, status=503, code="invalid_grant", times=None),
    Fault(host=LWA, answer="reset", times=None),
    Fault(host=LWA, answer="silence", times=None),
]


@pytest.mark.parametrize("fault", TROUBLE, ids=lambda fault: f"{fault.answer}-{fault.status}-{fault.body}"[:40])
def test_trouble_passes_and_leaves_the_grant(sqlite_house, fault):
    """LC-T9, LC-4: in process; what sockets do is in `test_tokens_wire`."""

    async def scenario(server):
        opened = await connected(server)
        server.world.fail(fault)
        with pytest.raises(TokenUnavailable) as caught:
            await server.hub.tokens.get(opened)
        assert "Atzr" not in str(caught.value)
        row = row_of(sqlite_house, opened)
        assert (row.status, row.refresh_failures, row.lease_owner) == ("active", 1, None)
        assert 0 < row.next_refresh_at - server.clock.now <= 1
        server.world.faults.clear()
        server.clock.advance(1)
        assert await server.hub.tokens.get(opened)
        assert row_of(sqlite_house, opened).refresh_failures == 0

    sqlite_house.run(scenario)


def test_a_token_server_that_says_when_to_come_back_is_not_asked_before(sqlite_house):
    """LC-T9: 429 with Retry-After."""

    async def scenario(server):
        opened = await connected(server)
        server.world.fail(Fault(host=LWA, status=429, headers={"retry-after": "40"}, times=None))
        with pytest.raises(TokenUnavailable):
            await server.hub.tokens.get(opened)
        assert asked(server) == 1
        server.world.faults.clear()
        server.clock.advance(39)
        with pytest.raises(TokenUnavailable, match="asked again in 1 s") as caught:
            await server.hub.tokens.get(opened)
        assert caught.value.retry_after == pytest.approx(1, abs=0.01)
        server.clock.advance(1)
        assert await server.hub.tokens.get(opened)

    sqlite_house.run(scenario)


def test_an_application_that_is_refused_leaves_its_connections(sqlite_house):
    """LC-4: and is not tried with every call; a secret that was put right works at once."""

    async def scenario(server):
        opened = await connected(server)
        application = (await server.hub.applications.all(server.organization.id))[0]
        await server.hub.applications.replace_secret(
            server.organization.id, application.id, "wrong", previous_until=0.0
        )
        for _ in range(3):
            with pytest.raises(ClientRefused):
                await server.hub.tokens.get(opened)
        assert (asked(server), row_of(sqlite_house, opened).status) == (1, "active")
        server.clock.advance(REFUSED_S)
        with pytest.raises(ClientRefused):
            await server.hub.tokens.get(opened)
        assert asked(server) == 2
        await server.hub.applications.replace_secret(server.organization.id, application.id, CLIENT_SECRET)
        assert await server.hub.tokens.get(opened)

    sqlite_house.run(scenario)


def test_the_secret_before_is_used_and_the_organization_told_once(house):
    """LC-T16."""

    async def scenario(server):
        first, second = await connected(server, 2)
        application = (await server.hub.applications.all(server.organization.id))[0]
        await server.hub.applications.replace_secret(server.organization.id, application.id, "not yet in force")
        for one in (first, second):
            assert await server.hub.tokens.get(one)
        assert asked(server) == 4
        (event,) = house.sql("SELECT facts FROM events WHERE type = 'application.secret_refused'")
        facts = event.facts if isinstance(event.facts, dict) else msgspec.json.decode(event.facts)
        assert facts == {"previous_works": True, "application_id": application.id}

    house.run(scenario)


def test_a_token_that_came_is_kept_though_the_organization_could_not_be_told(house):
    async def scenario(server):
        opened = await connected(server)
        application = (await server.hub.applications.all(server.organization.id))[0]
        await server.hub.applications.replace_secret(server.organization.id, application.id, "not yet in force")
        newer = server.world.grant("ALOCALSELLERNA", CLIENT).refresh_token
        answering(server, lambda body: saying(refresh_token=newer)(body) if b"access_token" in body else body)
        with house.refusing("INSERT ON events"):
            assert await server.hub.tokens.get(opened)
        assert (await server.hub.connections.open(server.caller, opened.connection.id)).refresh_token == newer

    house.run(scenario)


# what the Selling Partner API says of a token


def test_an_expired_token_costs_one_refresh_and_one_replay_for_all(sqlite_house):
    """LC-T17, LC-5: many calls that are refused at once share them."""

    async def scenario(server):
        opened = await connected(server)
        await server.orders(opened.connection.id)
        server.world.expire()
        server.world.requests.clear()
        await asyncio.gather(*(server.orders(opened.connection.id) for _ in range(8)))
        assert asked(server) == 1
        assert len(server.world.requests) <= 1 + 2 * 8

    sqlite_house.run(scenario)


def test_a_missing_role_costs_no_refresh(sqlite_house):
    """LC-T17."""

    async def scenario(server):
        opened = await connected(server)
        await server.orders(opened.connection.id)
        server.world.requests.clear()
        server.world.fail(Fault(host=SP_API, status=403, details=""))
        with pytest.raises(AccessDenied):
            await server.orders(opened.connection.id)
        assert (asked(server), len(server.world.requests)) == (0, 1)

    sqlite_house.run(scenario)


REVOKED = "The access token you provided is revoked, malformed or invalid."


def test_a_token_called_revoked_ends_the_grant_only_if_its_giver_says_so(sqlite_house):
    """LC-T17."""

    async def scenario(server):
        opened = await connected(server)
        id = opened.connection.id
        await server.orders(id)
        server.world.requests.clear()
        server.world.fail(Fault(host=SP_API, status=403, details=REVOKED))
        assert await server.orders(id)
        assert (asked(server), row_of(sqlite_house, opened).status) == (1, "active")
        server.clock.advance(60)
        server.world.revoke()
        with pytest.raises(GrantRevoked):
            await server.orders(id)
        assert (asked(server), row_of(sqlite_house, opened).status) == (2, "needs_consent")

    sqlite_house.run(scenario)


def test_a_storm_of_refusals_is_not_answered_with_a_storm_of_refreshes(sqlite_house):
    """LC-T18: of every account, as in May 2023; at most one refresh a minute for each, and one a second for all."""

    async def scenario(server):
        opened = await connected(server, 30)
        for one in opened:
            await server.hub.tokens.get(one)
        server.world.requests.clear()
        server.world.fail(Fault(host=SP_API, status=403, details=REVOKED, times=None))
        begun = server.clock.now
        for _ in range(3):
            for one in opened:
                server.clock.advance(0.1)
                with pytest.raises(AccessDenied):
                    await server.orders(one.connection.id)
        took = server.clock.now - begun
        assert 0 < asked(server) <= LEAST + took  # until it is noticed, and then one a second
        assert asked(server) < 30
        assert {row.status for row in sqlite_house.sql("SELECT status FROM connections")} == {"active"}
        server.world.faults.clear()
        assert await server.orders(opened[0].connection.id)

    sqlite_house.run(scenario)


# trouble of our own


def test_a_database_that_cannot_be_written_has_nothing_asked(house):
    """RL-2: what came could not be kept."""

    async def scenario(server):
        opened = await connected(server)
        with house.refusing("UPDATE ON connections"), pytest.raises(StoreError):
            await server.hub.tokens.get(opened)
        assert asked(server) == 0
        assert await server.hub.tokens.get(opened)

    house.run(scenario)


def test_an_answer_that_the_database_missed_is_used_and_stored_later(house):
    """LC-T4: by whoever needs it next; Amazon is asked nothing more."""

    async def scenario(server):
        house.world.login.strict = True
        opened = await connected(server)
        with house.refusing("UPDATE OF sealed_access_token ON connections"):
            token = await server.hub.tokens.get(opened)
            assert await server.hub.tokens.get(opened) == token
            assert await server.hub.tokens.recover() == 0  # not yet
        async with another(house, server) as other:  # whose start looks into the journal
            after = await other.hub.connections.open(server.caller, opened.connection.id)
            assert (after.generation, after.refresh_token in server.world.grants) == (2, True)
            assert await other.hub.tokens.get(after) == token
        row = row_of(house, opened)
        assert (asked(server), row.lease_owner) == (1, None)
        assert row.access_token_expires_at == server.clock.now + LIFE_S
        assert house.sql("SELECT action FROM audit WHERE action = 'grant.recovered'")

    house.run(scenario)


def test_an_answer_in_the_journal_is_found_by_a_process_that_runs_already(house):
    """LC-T4."""

    async def scenario(server):
        house.world.login.strict = True
        opened = await connected(server)
        async with another(house, server) as other:
            with house.refusing("UPDATE OF sealed_access_token ON connections"):
                token = await server.hub.tokens.get(opened)
            assert await other.hub.tokens.get(opened) == token
            assert asked(server) == 1

    house.run(scenario)


def test_a_journal_that_cannot_be_written_has_nothing_asked(sqlite_house, monkeypatch):
    """RL-7: `test_journal` fills a real disk."""

    async def scenario(server):
        opened = await connected(server)

        def full(*_):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patch:
            patch.setattr(os, "pwrite", full)
            with pytest.raises(StoreError, match=r"No space left .* make room, or name another folder"):
                await server.hub.tokens.get(opened)
        assert (asked(server), row_of(sqlite_house, opened).lease_owner) == (0, None)
        assert await server.hub.tokens.get(opened)

    sqlite_house.run(scenario)


def test_an_access_token_is_used_until_it_ends_while_amazon_gives_no_other(sqlite_house):
    """RL-4: thirty minutes of trouble; no grant ends, few requests are made, and nobody has to help afterwards."""

    async def scenario(server):
        opened = await connected(server, 30)
        tokens = [await server.hub.tokens.get(one) for one in opened]
        server.clock.advance(LIFE_S - MARGIN_S + 1)
        server.world.requests.clear()
        server.world.fail(Fault(host=LWA, status=503, times=None))
        assert [await server.hub.tokens.get(one) for one in opened] == tokens  # for two minutes yet
        await server.hub.tokens.aclose()
        server.clock.advance(MARGIN_S)
        begun, requests = server.clock.now, 0
        while server.clock.now < begun + 1800:
            for one in opened:
                with pytest.raises(TokenUnavailable) as caught:
                    await server.hub.tokens.get(one)
                assert 0 <= caught.value.retry_after <= LONGEST_PAUSE_S
            requests, _ = requests + asked(server), server.world.requests.clear()
            server.clock.advance(30)
        assert requests < 1800 + 3 * (LEAST + AT_ONCE)  # one a second for the application
        statuses = sqlite_house.sql("SELECT status, refresh_failures FROM connections")
        assert {row.status for row in statuses} == {"active"}
        server.world.faults.clear()
        server.clock.advance(LONGEST_PAUSE_S)
        for one in opened:
            server.clock.advance(1)
            assert await server.hub.tokens.get(one)

    sqlite_house.run(scenario)


def test_a_record_that_does_not_open_fails_alone(house):
    """RL-13: calls and early refreshes of others go on."""

    async def scenario(server):
        bad, good = await connected(server, 2)
        for one in (bad, good):
            await server.orders(one.connection.id)
        house.write("UPDATE connections SET sealed_grant = sealed_access_token WHERE id = :id", id=bad.connection.id)
        with pytest.raises(Tampered):
            await server.orders(bad.connection.id)
        assert len(await server.hub.connections.all(server.caller)) == 2
        server.clock.advance(LIFE_S - 60)
        server.world.requests.clear()
        assert (await server.hub.tokens.refresh_due(), asked(server)) == (1, 1)
        assert await server.orders(good.connection.id)

    house.run(scenario)


# through the door


def test_callers_are_told_when_to_come_back(house):
    async def scenario(server):
        opened = await connected(server)
        path = f"/api/v1/integrations/connectors/{opened.connection.id}/execute"
        server.world.fail(Fault(host=LWA, status=503, times=None))
        answer = await server.api("POST", path, EXECUTE)
        assert (answer.status, answer.json["errors"][0]["error_code"]) == (503, "token_unavailable")
        assert 1 <= int(answer.headers["retry-after"]) <= 5
        server.world.faults.clear()
        server.clock.advance(1)
        with house.refusing("UPDATE ON connections"):
            answer = await server.api("POST", path, EXECUTE)
        assert (answer.status, answer.json["errors"][0]["error_code"]) == (503, "store")
        assert answer.headers["retry-after"] == "5"
        assert (await server.api("POST", path, EXECUTE)).status == 200

    house.run(scenario)


def test_a_disk_that_is_slow_has_nothing_asked_under_a_lease_that_may_end(sqlite_house, monkeypatch):
    """LC-T2: another process would ask meanwhile, with the same refresh token."""

    async def scenario(server):
        house, begin = sqlite_house, Journal.begin_all
        house.world.login.strict = True
        opened = await connected(server)

        def slow(journal, wanted):
            server.clock.advance(LEASE_S - 1)
            return begin(journal, wanted)

        with monkeypatch.context() as patch:
            patch.setattr(Journal, "begin_all", slow)
            with pytest.raises(TokenUnavailable, match="the journal took 29 s"):
                await server.hub.tokens.get(opened)
        assert (asked(server), row_of(house, opened).lease_owner) == (0, None)
        assert list(house.settings.journal_folder.glob("*.refresh")) == []
        server.clock.advance(LONGEST_PAUSE_S)
        assert await server.hub.tokens.get(opened)

    sqlite_house.run(scenario)


def test_an_entry_of_another_version_is_left_and_holds_nothing_up(sqlite_house):
    """RL-13, RL-14: a newer Sellerport on the same machine may have columns that this one has not."""

    class Newer(Refresh, frozen=True):
        proof: int = msgspec.field(default=1)

    class Other(msgspec.Struct):
        told: int

    async def scenario(server):
        house = sqlite_house
        opened = await connected(server)
        with house.refusing("UPDATE OF sealed_access_token ON connections"):
            await server.hub.tokens.get(opened)
        folder, id = house.settings.journal_folder, opened.connection.id
        generation = row_of(house, opened).lease_generation
        Journal(folder, Newer).begin("0.1", Newer(id, 1, generation, {"column_of_tomorrow": 1})).close()
        Journal(folder, Other).begin("0.2", Other(1)).close()
        assert await server.hub.tokens.recover() == 1
        assert sorted(path.name for path in folder.glob("*.refresh")) == ["0.1.refresh", "0.2.refresh"]
        assert row_of(house, opened).sealed_access_token is not None

    sqlite_house.run(scenario)


def test_a_token_whose_row_says_that_it_lives_for_ever_is_not_believed(sqlite_house):
    async def scenario(server):
        opened = await connected(server)
        await server.hub.tokens.get(opened)
        sqlite_house.sql("UPDATE connections SET access_token_expires_at = 9e9")
        async with another(sqlite_house, server) as other:
            await other.hub.tokens.get(opened)
        assert asked(server) == 2

    sqlite_house.run(scenario)


def test_a_deleted_connection_is_not_called_though_the_database_is_away(sqlite_house):
    async def scenario(server):
        id = await server.connect()
        await server.orders(id)
        opened = await server.hub.connections.open(server.caller, id)
        assert server.hub.tokens.holds(opened)
        await server.hub.connections.delete(server.caller, id)
        assert not server.hub.tokens.holds(opened)
        sqlite_house.sql("ALTER TABLE connections RENAME TO hidden")
        with pytest.raises(StoreError):
            await server.orders(id)

    sqlite_house.run(scenario)
