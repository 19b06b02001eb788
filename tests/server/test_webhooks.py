"""Webhooks: what is sent, to whom, in what order, and what happens where it is not taken."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from dataclasses import replace

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError
from tests.server.receiver import receiving

from sellerport import regions
from sellerport.errors import Conflict, InvalidArguments, NotFound, StoreError
from sellerport.server.hub import Caller
from sellerport.server.hub.changes import EVENTS
from sellerport.server.hub.deliveries import AT_ONCE, PAUSES_S
from sellerport.server.hub.webhooks import MOST

HOUR = 3600.0


@pytest.fixture
def receiver():
    with receiving() as made:
        yield made


@pytest.fixture
def house(house):
    house.settings = replace(house.settings, webhook_private=True)
    return house


async def connected(server, customer="ann"):
    """Make a connection without a consent flow."""
    return await server.hub.connections.create(
        server.caller,
        customer=customer,
        name="Shop",
        marketplace=regions.marketplace("US"),
        refresh_token="Atzr|x",
        through=(await server.hub.applications.all(server.organization.id))[0],
    )


async def webhook(server, receiver, *types):
    return await server.hub.webhooks.create(server.caller, receiver.url, types)


def test_what_is_sent_is_verified_by_the_library_of_standard_webhooks_and_by_hand(house, receiver):
    house.clock.now = time.time()  # the library looks at the clock

    async def scenario(server):
        made = await webhook(server, receiver)
        connection = await connected(server)
        await server.hub.deliveries.run()
        (got,) = receiver.received
        told = Verifier(made.secret).verify(got.body, got.headers)
        at = told.pop("timestamp")
        assert told == {
            "type": "connection.created",
            "data": {"organization_id": server.organization.id, "connection_id": connection.id, "status": "active"},
        }
        assert at.endswith("Z")
        assert got.headers["content-type"] == "application/json"
        assert got.headers["user-agent"].startswith("sellerport/")
        assert got.is_signed_with(made.secret)
        with pytest.raises(WebhookVerificationError):
            Verifier(made.secret).verify(got.body.replace(b"created", b"deleted"), got.headers)
        other = await webhook(server, receiver)
        assert not got.is_signed_with(other.secret)

    house.run(scenario)


def test_every_change_of_a_connections_state_is_told_in_its_order(house, receiver):
    async def scenario(server):
        await webhook(server, receiver)
        id = await server.connect()
        opened = await server.hub.connections.open(server.caller, id)
        await server.hub.connections.mark_revoked(opened)
        link = await server.hub.consents.initiate(server.caller, connection_id=id)
        await server.browser.consent(link)
        await server.hub.connections.delete(server.caller, id)
        await server.hub.deliveries.run()
        assert receiver.types() == [
            "connection.created",
            "connection.needs_consent",
            "connection.active",
            "connection.disconnected",
        ]
        assert {one.json["data"]["connection_id"] for one in receiver.received} == {id}

    house.run(scenario)


def test_what_is_sent_holds_no_name_and_no_secret(house, receiver):
    async def scenario(server):
        await webhook(server, receiver)
        await connected(server, "ann@example.com")
        await server.hub.deliveries.run()
        (got,) = receiver.received
        assert set(got.json) == {"type", "timestamp", "data"}
        assert set(got.json["data"]) == {"organization_id", "connection_id", "status"}
        for private in (b"ann@", b"Atzr|", b"Acme"):
            assert private not in got.body

    house.run(scenario)


def test_a_change_that_does_not_happen_is_not_told(house, receiver):
    async def scenario(server):
        await webhook(server, receiver)
        with house.refusing("INSERT ON events"), pytest.raises(StoreError):
            await connected(server)
        assert await server.hub.connections.all(server.caller) == []
        await server.hub.deliveries.run()
        assert receiver.received == []

    house.run(scenario)


def test_a_webhook_gets_the_types_it_asked_for_and_its_own_organizations_events(house, receiver):
    async def scenario(server):
        await webhook(server, receiver, "connection.disconnected")
        other = await server.hub.organizations.create("Other")
        await server.hub.webhooks.create(Caller(other.id), receiver.url)
        await server.hub.connections.delete(server.caller, (await connected(server)).id)
        await server.hub.deliveries.run()
        assert receiver.types() == ["connection.disconnected"]

    house.run(scenario)


def test_a_rotated_secret_and_the_one_before_both_sign_for_a_day(house, receiver):
    async def scenario(server):
        made = await webhook(server, receiver)
        new = await server.hub.webhooks.rotate_secret(server.caller, made.webhook.id)
        await connected(server)
        await server.hub.deliveries.run()
        server.clock.advance(24 * HOUR)
        await connected(server)
        await server.hub.deliveries.run()
        during, after = receiver.received
        assert (during.is_signed_with(made.secret), during.is_signed_with(new.secret)) == (True, True)
        assert (after.is_signed_with(made.secret), after.is_signed_with(new.secret)) == (False, True)

    house.run(scenario)


def test_rl_12_a_receiver_that_is_down_for_three_days_is_tried_for_72_hours_and_then_replayed(house, receiver):
    """RL-12: backoff to 72 h, a listing of dead letters, replay by id, order per connection."""
    receiver.answer = lambda received: 503

    async def scenario(server):
        made = await webhook(server, receiver)
        connection = await connected(server)
        begun, attempts = server.clock.now, []
        while len(attempts) < 100:
            await server.hub.deliveries.run()
            if len(receiver.received) > len(attempts):
                attempts.append(server.clock.now - begun)
            (delivery,) = await server.hub.webhooks.deliveries(server.caller, made.webhook.id)
            if delivery.status == "dead":
                break
            server.clock.now = max(delivery.next_attempt_at, server.clock.now + 1e-3)
        assert 71.9 * HOUR <= attempts[-1] <= 72.1 * HOUR
        pauses = [after - before for before, after in itertools.pairwise(attempts)]
        for pause, wanted in zip(pauses, [*PAUSES_S, *[PAUSES_S[-1]] * 3], strict=False):
            assert 0.9 * wanted <= pause <= 1.1 * wanted
        assert (delivery.attempts, delivery.last_status) == (len(attempts), 503)
        assert len({(one.id, one.body) for one in receiver.received}) == 1
        dead = await server.hub.webhooks.deliveries(server.caller, made.webhook.id, status="dead")
        assert [(one.event_id, one.type) for one in dead] == [(receiver.received[0].id, "connection.created")]

        receiver.answer = lambda received: 204
        server.clock.advance(HOUR)
        await server.hub.deliveries.run()
        assert len(receiver.received) == len(attempts)
        await server.hub.webhooks.replay(server.caller, made.webhook.id, dead[0].event_id)
        await server.hub.deliveries.run()
        assert len(receiver.received) == len(attempts) + 1
        assert receiver.received[-1].id == dead[0].event_id
        (delivery,) = await server.hub.webhooks.deliveries(server.caller, made.webhook.id, status="delivered")
        assert (delivery.connection_id, delivery.next_attempt_at) == (connection.id, None)

    house.run(scenario)


def test_all_that_died_since_a_time_is_replayed_in_order(house, receiver):
    receiver.answer = lambda received: 500

    async def scenario(server):
        made = await webhook(server, receiver)
        first = await connected(server)
        server.clock.advance(100.0)
        since = server.clock.now
        second = await connected(server)
        await server.hub.connections.delete(server.caller, second.id)
        for _ in range(30):
            await server.hub.deliveries.run()
            server.clock.advance(12 * HOUR)
        assert len(await server.hub.webhooks.deliveries(server.caller, made.webhook.id, status="dead")) == 3
        receiver.received.clear()
        receiver.answer = lambda received: 200
        assert await server.hub.webhooks.replay_dead(server.caller, made.webhook.id, since) == 2
        await server.hub.deliveries.run()
        assert receiver.types() == ["connection.created", "connection.disconnected"]
        assert {one.json["data"]["connection_id"] for one in receiver.received} == {second.id}
        dead = await server.hub.webhooks.deliveries(server.caller, made.webhook.id, status="dead")
        assert [one.connection_id for one in dead] == [first.id]

    house.run(scenario)


def test_what_a_connection_goes_through_waits_for_what_came_before_and_other_connections_do_not(house, receiver):
    async def scenario(server):
        await webhook(server, receiver)
        stuck, other = await connected(server), await connected(server)
        await server.hub.connections.delete(server.caller, stuck.id)
        receiver.answer = lambda received: 500 if received.json["data"]["connection_id"] == stuck.id else 200
        await server.hub.deliveries.run()
        told = [(one.json["type"], one.json["data"]["connection_id"]) for one in receiver.received]
        assert sorted(told) == sorted([("connection.created", stuck.id), ("connection.created", other.id)])
        receiver.answer = lambda received: 200
        receiver.received.clear()
        server.clock.advance(PAUSES_S[0] * 1.2)
        await server.hub.deliveries.run()
        assert receiver.types() == ["connection.created", "connection.disconnected"]

    house.run(scenario)


def test_an_attempt_of_a_process_that_died_is_made_by_another_with_the_same_id(house, receiver):
    async def scenario(server):
        await webhook(server, receiver)
        await connected(server)
        await server.hub.deliveries.dispatch()
        assert len(await server.hub.deliveries._claim()) == 1  # and here the process dies
        await server.hub.deliveries.run()
        assert receiver.received == []
        server.clock.advance(30.0)
        await server.hub.deliveries.run()
        assert receiver.types() == ["connection.created"]

    house.run(scenario)


def test_an_attempt_that_outlived_its_claim_changes_nothing(house, receiver):
    async def scenario(server):
        made = await webhook(server, receiver)
        await connected(server)
        await server.hub.deliveries.dispatch()
        (row,) = await server.hub.deliveries._claim()
        server.clock.advance(30.0)
        await server.hub.deliveries.run()
        await server.hub.deliveries._finish(row, 500, None)
        (delivery,) = await server.hub.webhooks.deliveries(server.caller, made.webhook.id)
        assert (delivery.status, delivery.last_status, delivery.attempts) == ("delivered", 204, 2)

    house.run(scenario)


def test_many_who_deliver_at_once_deliver_each_event_once_and_in_order(house, receiver):
    async def scenario(server):
        await webhook(server, receiver)
        ids = [(await connected(server)).id for _ in range(10)]
        for id in ids:
            await server.hub.connections.delete(server.caller, id)
        async with house.open() as second, house.open() as third:
            await asyncio.gather(*(one.hub.deliveries.run() for one in (server, second, third) for _ in range(3)))
            await server.hub.deliveries.run()
        assert set(Counter(one.id for one in receiver.received).values()) == {1}
        assert len(receiver.received) == 20
        for id in ids:
            told = [one.json["type"] for one in receiver.received if one.json["data"]["connection_id"] == id]
            assert told == ["connection.created", "connection.disconnected"]

    house.run(scenario)


def test_a_redirect_is_not_followed_and_counts_as_a_failure(house, receiver):
    receiver.answer, receiver.headers = lambda received: 307, {"location": receiver.url}

    async def scenario(server):
        made = await webhook(server, receiver)
        await connected(server)
        await server.hub.deliveries.run()
        (delivery,) = await server.hub.webhooks.deliveries(server.caller, made.webhook.id)
        assert (delivery.status, delivery.last_status, len(receiver.received)) == ("pending", 307, 1)

    house.run(scenario)


def test_a_receiver_that_is_not_there_is_noted_as_such(house):
    with receiving() as gone:
        pass

    async def scenario(server):
        made = await webhook(server, gone)
        await connected(server)
        await server.hub.deliveries.run()
        (delivery,) = await server.hub.webhooks.deliveries(server.caller, made.webhook.id)
        assert (delivery.status, delivery.last_status) == ("pending", None)
        assert "refused the connection" in delivery.last_error

    house.run(scenario)


def test_a_webhook_whose_secret_does_not_open_holds_up_no_other(house, receiver):
    """RL-13: a row that cannot be opened is one failure, and nothing else stops."""

    async def scenario(server):
        poisoned = await webhook(server, receiver)
        await webhook(server, receiver)
        house.write("UPDATE webhooks SET sealed_secret = :junk WHERE id = :id", junk=b"\1\2", id=poisoned.webhook.id)
        await connected(server)
        await server.hub.deliveries.run()
        assert len(receiver.received) == 1
        (delivery,) = await server.hub.webhooks.deliveries(server.caller, poisoned.webhook.id)
        assert (delivery.status, delivery.last_error) == ("pending", "tampered")

    house.run(scenario)


def test_a_ping_goes_to_the_webhook_it_was_asked_for(house, receiver):
    async def scenario(server):
        await webhook(server, receiver)
        made = await webhook(server, receiver, "connection.active")
        await server.hub.webhooks.test(server.caller, made.webhook.id)
        await server.hub.deliveries.run()
        (got,) = receiver.received
        assert got.json["type"] == "webhook.ping"
        assert got.json["data"]["webhook_id"] == made.webhook.id
        assert got.is_signed_with(made.secret)

    house.run(scenario)


def test_a_deleted_webhook_is_sent_nothing_more(house, receiver):
    async def scenario(server):
        made = await webhook(server, receiver)
        await connected(server)
        await server.hub.deliveries.dispatch()
        await server.hub.webhooks.delete(server.caller, made.webhook.id)
        await server.hub.deliveries.run()
        assert (receiver.received, await server.hub.webhooks.all(server.caller)) == ([], [])

    house.run(scenario)


def test_another_organizations_webhook_is_no_different_from_none(house, receiver):
    async def scenario(server):
        made = await webhook(server, receiver)
        other = Caller((await server.hub.organizations.create("Other")).id)
        id, hub = made.webhook.id, server.hub.webhooks
        for attempt in (
            hub.get(other, id),
            hub.delete(other, id),
            hub.rotate_secret(other, id),
            hub.test(other, id),
            hub.deliveries(other, id),
            hub.replay(other, id, "x"),
            hub.replay_dead(other, id),
        ):
            with pytest.raises(NotFound):
                await attempt
        with pytest.raises(NotFound, match="was sent to this webhook"):
            await hub.replay(server.caller, id, "x")

    house.run(scenario)


def test_an_organization_has_so_many_webhooks_and_no_more(house, receiver):
    async def scenario(server):
        for _ in range(MOST - 2):
            await webhook(server, receiver)
        async with house.open() as second:
            at_once = [webhook(one, receiver) for one in (server, second) * 3]
            made = await asyncio.gather(*at_once, return_exceptions=True)
        refused = [one for one in made if isinstance(one, Conflict)]
        assert len(made) - len(refused) == 2
        assert all("20 webhooks" in str(one) for one in refused)
        assert len(await server.hub.webhooks.all(server.caller)) == MOST

    house.run(scenario)


def test_a_backlog_of_one_organization_holds_up_no_other(house, receiver):
    """Twelve of its webhooks have more to be told than is sent at once; the other's event is the last that happened."""

    async def scenario(server):
        flood = Caller((await server.hub.organizations.create("Flood")).id)
        for _ in range(12):
            made = await server.hub.webhooks.create(flood, receiver.url)
            for _ in range(8):
                await server.hub.webhooks.test(flood, made.webhook.id)
        await server.hub.deliveries.dispatch()
        server.clock.advance(1)
        await webhook(server, receiver, "connection.created")
        connection = await connected(server)
        while await server.hub.deliveries.dispatch():
            pass
        assert await server.hub.deliveries.deliver() == AT_ONCE < 12 * 8
        told = [one.json["data"].get("connection_id") for one in receiver.received]
        assert connection.id in told

    house.run(scenario)


def test_an_unknown_type_is_named_with_those_there_are(house, receiver):
    async def scenario(server):
        with pytest.raises(InvalidArguments) as refused:
            await server.hub.webhooks.create(server.caller, "nothing", ["connection.created", "order.created"])
        assert [problem.field for problem in refused.value.problems] == ["url", "types.1"]
        for type in EVENTS - {"webhook.ping"}:
            assert type in str(refused.value)

    house.run(scenario)


def test_what_is_older_than_a_month_is_forgotten(house, receiver):
    async def scenario(server):
        made = await webhook(server, receiver)
        await connected(server)
        await server.hub.deliveries.run()
        server.clock.advance(30 * 24 * HOUR)
        await connected(server)
        await server.hub.deliveries.run()
        server.clock.advance(1.0)
        assert await server.hub.deliveries.forget() == 1
        assert len(await server.hub.webhooks.deliveries(server.caller, made.webhook.id)) == 1
        assert house.sql("SELECT count(*) FROM events")[0][0] == 1

    house.run(scenario)


def test_no_secret_of_a_webhook_is_in_the_database(house, receiver):
    async def scenario(server):
        made = await webhook(server, receiver)
        new = await server.hub.webhooks.rotate_secret(server.caller, made.webhook.id)
        rows = str(
            [
                tuple(bytes(v) if isinstance(v, memoryview) else v for v in row)
                for row in house.sql("SELECT * FROM webhooks")
            ]
        )
        for secret in (made.secret, new.secret):
            assert secret.removeprefix("whsec_") not in rows
        assert "whsec_" not in repr(made)

    house.run(scenario)
