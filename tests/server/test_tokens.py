"""Access tokens of connections: asked for once, shared, used until they end; and grants that nothing but Amazon ends.

A second server on the same database stands for another process; `test_processes` has real ones.
"""

from __future__ import annotations

import asyncio

import pytest
from tests.server.token_server import (
    CLIENT,
    LWA,
    another,
    answering,
    as_it_is,
    asked,
    connected,
    row_of,
    saying,
    time_passes,
)

from sellerport.emulator import Fault
from sellerport.errors import (
    GrantRevoked,
    NotFound,
    TokenUnavailable,
)
from sellerport.server.hub.leases import LEASE_S
from sellerport.server.hub.tokens import EARLY_S, LIFE_S, MARGIN_S

# several processes


def test_another_process_waits_for_a_slow_answer_and_asks_nothing(house):
    """LC-T2: the lease outlasts what Amazon may take."""

    async def scenario(server):
        opened = await connected(server)
        async with another(house, server) as other:
            polled = asyncio.Event()

            async def sleep(seconds):
                polled.set()
                server.clock.advance(seconds)
                await asyncio.sleep(0)

            other.wire.sleep = sleep

            async def slow():
                server.clock.advance(9)
                waiting.append(asyncio.ensure_future(other.hub.tokens.get(opened)))
                await polled.wait()

            waiting = []
            answering(server, as_it_is, slow)
            token = await server.hub.tokens.get(opened)
            assert (await waiting[0], asked(server)) == (token, 1)

    house.run(scenario)


def test_a_process_that_slept_past_its_lease_changes_nothing(house):
    """LC-T2, LC-2: a late writer."""

    async def scenario(server):
        opened = await connected(server)
        async with another(house, server) as other:
            tokens = []

            async def sleeps():
                server.clock.advance(LEASE_S)
                tokens.append(await other.hub.tokens.get(opened))

            answering(server, as_it_is, sleeps)
            assert await server.hub.tokens.get(opened) == tokens[0]
            assert row_of(house, opened).lease_owner is None
            assert await other.hub.tokens.get(opened) == tokens[0]

    house.run(scenario)


def test_a_late_writer_that_has_the_newer_grant_is_heard(house):
    """LC-2: what Amazon gave last may be all that it takes."""

    async def scenario(server):
        opened = await connected(server)
        newer = server.world.grant("ALOCALSELLERNA", CLIENT).refresh_token
        async with another(house, server) as other:

            async def sleeps():
                server.clock.advance(LEASE_S)
                await other.hub.tokens.get(opened)

            answering(server, saying(refresh_token=newer), sleeps)
            token = await server.hub.tokens.get(opened)
            after = await other.hub.connections.open(server.caller, opened.connection.id)
            assert after.refresh_token == newer
            assert await other.hub.tokens.get(after) == token

    house.run(scenario)


def test_invalid_grant_is_not_believed_when_the_row_has_another_grant(house):
    """LC-T10."""

    async def scenario(server):
        house.world.login.strict = True
        opened = await connected(server)
        async with another(house, server) as other:

            async def sleeps():
                server.clock.advance(LEASE_S)
                await other.hub.tokens.get(opened)
                server.world.fail(Fault(host=LWA, status=400, code="invalid_grant"))

            answering(server, as_it_is, sleeps)
            token = await server.hub.tokens.get(opened)
            assert token == await other.hub.tokens.get(opened)
            assert (row_of(house, opened).status, asked(server)) == ("active", 2)

    house.run(scenario)


def test_a_revocation_that_comes_while_a_token_is_fetched_stands(house):
    """LC-T11."""

    async def scenario(server):
        opened = await connected(server)

        async def revoked():
            assert await server.hub.connections.mark_revoked(opened)

        answering(server, as_it_is, revoked)
        with pytest.raises(GrantRevoked, match="consent again"):
            await server.hub.tokens.get(opened)
        row = row_of(house, opened)
        assert (row.status, row.sealed_access_token) == ("needs_consent", None)

    house.run(scenario)


def test_a_connection_that_is_deleted_while_its_token_is_fetched_stays_gone(house):
    """LC-T12."""

    async def scenario(server):
        opened = await connected(server)

        async def deleted():
            await server.hub.connections.delete(server.caller, opened.connection.id)

        answering(server, saying(refresh_token="Atzr|rotated"), deleted)
        with pytest.raises(NotFound):
            await server.hub.tokens.get(opened)
        row = row_of(house, opened)
        assert (row.status, row.sealed_grant, row.sealed_access_token) == ("disconnected", None, None)

    house.run(scenario)


def test_a_consent_that_comes_while_a_token_is_fetched_wins(house):
    """LC-T13: and the call goes on with the new grant's token."""

    async def scenario(server):
        opened = await connected(server)
        newer = server.world.grant("ALOCALSELLERNA", CLIENT).refresh_token

        async def consents():
            await server.hub.connections.renew(
                server.caller,
                opened.connection.id,
                application_id=opened.connection.application_id,
                refresh_token=newer,
                selling_partner_id="ALOCALSELLERNA",
            )

        answering(server, as_it_is, consents)
        token = await server.hub.tokens.get(opened)
        assert server.world.access_tokens[token].grant.refresh_token == newer
        assert (await server.hub.connections.open(server.caller, opened.connection.id)).refresh_token == newer
        assert row_of(house, opened).lease_owner is None

    house.run(scenario)


def test_a_lease_whose_holder_died_on_another_machine_ends_by_itself(sqlite_house, tmp_path):
    """LC-3: there is no journal here to tell, so that it takes the lease's time, and no more."""

    async def scenario(server):
        opened = await connected(server)
        sqlite_house.write(
            "UPDATE connections SET lease_owner = 'gone', lease_generation = 7, lease_until = :until",
            until=server.clock.now + LEASE_S,
        )
        time_passes(server)
        began = server.clock.now
        with pytest.raises(TokenUnavailable, match="if it died, its lease ends within 30 s") as caught:
            await server.hub.tokens.get(opened)
        assert caught.value.retry_after > 0
        while server.clock.now < began + 2 * LEASE_S:
            try:
                await server.hub.tokens.get(opened)
                break
            except TokenUnavailable:
                pass
        assert server.clock.now - began <= LEASE_S + 0.1

    sqlite_house.run(scenario)


# one process


def test_a_caller_that_leaves_takes_nobodys_token_along(sqlite_house):
    """LC-T15."""

    async def scenario(server):
        opened = await connected(server)
        arrived, go_on = asyncio.Event(), asyncio.Event()

        async def waits():
            arrived.set()
            await go_on.wait()

        answering(server, as_it_is, waits)
        callers = [asyncio.ensure_future(server.hub.tokens.get(opened)) for _ in range(3)]
        await arrived.wait()
        callers[0].cancel()
        await asyncio.wait([callers[0]])
        go_on.set()
        tokens = await asyncio.gather(*callers, return_exceptions=True)
        assert isinstance(tokens[0], asyncio.CancelledError)
        assert (tokens[1], asked(server)) == (tokens[2], 1)

    sqlite_house.run(scenario)


def test_a_server_that_stops_waits_for_what_amazon_answers(house):
    """A rotated grant must not be lost because its callers, and the server, go."""
    newer = []

    async def scenario(server):
        opened = await connected(server)
        newer.append(server.world.grant("ALOCALSELLERNA", CLIENT).refresh_token)
        arrived = asyncio.Event()

        async def waits():
            arrived.set()
            await asyncio.sleep(0)

        answering(server, saying(refresh_token=newer[0]), waits)
        caller = asyncio.ensure_future(server.hub.tokens.get(opened))
        await arrived.wait()
        caller.cancel()

    async def afterwards(server):
        (connection,) = await server.hub.connections.all(server.caller)
        assert (await server.hub.connections.open(server.caller, connection.id)).refresh_token == newer[0]

    house.run(scenario)
    house.run(afterwards)


def test_twelve_accounts_in_turn_ask_for_twelve_tokens(sqlite_house):
    """LC-T20: nothing pushes anything out."""

    async def scenario(server):
        opened = await connected(server, 12)
        for _ in range(3):
            for one in opened:
                await server.hub.tokens.get(one)
        assert asked(server) == 12

    sqlite_house.run(scenario)


# time


def test_a_database_clock_that_jumps_wakes_nobody(sqlite_house):
    """RL-8: a day ahead or back; processes go by a clock that nobody sets, and no token is used past its end."""

    async def scenario(server):
        day = 86_400
        opened = await connected(server, 3)
        steady = sqlite_house.clock.now
        server.hub.tokens._monotonic = lambda: steady
        for one in opened:
            await server.orders(one.connection.id)
        server.world.requests.clear()
        for jump in (day, -2 * day, day):
            server.clock.advance(jump)
            for one in opened:
                await server.hub.tokens.get(one)
            assert await server.hub.tokens.refresh_due() == 0
        assert asked(server) == 0
        steady += LIFE_S - MARGIN_S + 1
        await server.hub.tokens.get(opened[0])
        await server.hub.tokens.aclose()
        assert asked(server) == 0  # the row's clock stands, and says that it is good yet
        server.clock.advance(-day)  # now the row knows nothing
        await server.hub.tokens.get(opened[1])
        await server.hub.tokens.aclose()
        assert asked(server) == 1

    sqlite_house.run(scenario)


def test_a_clock_that_is_put_right_takes_no_lease_from_its_holder(house):
    """RL-8: two that ask with the same refresh token would lose the grant."""

    async def scenario(server):
        house.world.login.strict = True
        opened = await connected(server)
        async with another(house, server) as other:
            waiting = []

            async def set_back():
                server.clock.advance(-1)
                waiting.append(asyncio.ensure_future(other.hub.tokens.get(opened)))
                await asyncio.wait(waiting, timeout=0.2)

            answering(server, as_it_is, set_back)
            token = await server.hub.tokens.get(opened)
            assert (await waiting[0], asked(server)) == (token, 1)

    house.run(scenario)


def test_a_lease_from_before_the_clock_was_set_back_holds_nobody_up(house):
    """RL-8."""

    async def scenario(server):
        opened = await connected(server)
        house.write(
            "UPDATE connections SET lease_owner = 'gone', lease_until = :later, next_refresh_at = :later",
            later=server.clock.now + 86_400,
        )
        assert await server.hub.tokens.get(opened)

    house.run(scenario)


# before anybody needs it


def test_tokens_in_use_are_refreshed_before_they_end_each_at_its_own_time(house):
    async def scenario(server):
        opened = await connected(server, 12)
        for one in opened[:10]:
            await server.orders(one.connection.id)  # the last two nobody uses
        server.world.requests.clear()
        assert (await server.hub.tokens.refresh_due(), asked(server)) == (0, 0)
        rounds = []
        server.clock.advance(LIFE_S - EARLY_S)
        async with another(house, server) as other:
            for _ in range(22):  # until half of the time is over
                before = asked(server)
                await asyncio.gather(*(one.hub.tokens.refresh_due() for one in (server, other)))
                rounds.append(asked(server) - before)
                server.clock.advance(EARLY_S / 40)
        assert sum(rounds) == 10
        assert max(rounds) < 10
        await server.hub.tokens.get(opened[0])
        assert asked(server) == 10

    house.run(scenario)


def test_a_token_of_a_short_life_is_not_refreshed_for_ever(sqlite_house):
    async def scenario(server):
        opened = await connected(server)
        answering(server, saying(expires_in=300))
        await server.orders(opened.connection.id)
        for _ in range(14):
            await server.hub.tokens.refresh_due()
            server.clock.advance(10)
        assert asked(server) == 1
        server.clock.advance(20)
        assert (await server.hub.tokens.refresh_due(), asked(server)) == (1, 2)

    sqlite_house.run(scenario)
