"""Connections: calls through them, what ends a grant and what does not, and how they are kept apart."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from sellerport.emulator import Fault
from sellerport.errors import (
    AccessDenied,
    AmazonRefused,
    AmazonUnavailable,
    ClientRefused,
    GrantRevoked,
    InvalidArguments,
    NoAnswer,
    NotFound,
    Tampered,
    Throttled,
    TokenUnavailable,
    UnknownOperation,
)
from sellerport.oauth import LwaClient
from sellerport.regions import marketplace
from sellerport.server.hub import Caller
from sellerport.server.hub.connections import NOTE_EVERY_S

CLIENT = LwaClient("amzn1.application-oa2-client.test", "amzn1.oa2-cs.v1.test-secret")


def token_requests(server):
    return [one for one in server.world.requests if one["path"] == "/auth/o2/token"]


async def from_credentials(server, grant=None, through=CLIENT):
    grant = grant or server.world.grant("ALOCALSELLERNA", CLIENT.client_id).refresh_token
    made = await server.hub.connections.create(
        server.caller, customer="ann", name="Own", marketplace=marketplace("US"), refresh_token=grant, through=through
    )
    return made.id


def test_a_connection_made_from_credentials_works_at_once(house):
    async def scenario(server):
        assert len(await server.orders(await from_credentials(server))) > 0

    house.run(scenario)


def test_a_connection_survives_a_restart(house):
    ids = []

    async def before(server):
        ids.append(await from_credentials(server))

    async def after(server):
        assert len(await server.orders(ids[0])) > 0

    house.run(before)
    house.run(after)


def test_many_first_calls_share_one_token_request(house):
    async def scenario(server):
        id = await server.connect()
        server.world.requests.clear()
        await asyncio.gather(*(server.orders(id) for _ in range(10)))
        assert len(token_requests(server)) == 1

    house.run(scenario)


def test_a_revoked_grant_marks_the_connection_and_tells_the_caller(house):
    async def scenario(server):
        id = await server.connect()
        other = await server.connect("bob")
        await server.orders(id)
        server.world.revoke()
        server.clock.advance(3600)  # the access token has run out
        with pytest.raises(GrantRevoked, match=f"connection {id} .* consent again; start the consent flow"):
            await server.orders(id)
        connection = await server.hub.connections.get(server.caller, id)
        assert (connection.status, connection.last_error) == ("needs_consent", "grant_revoked")
        assert (await server.hub.connections.get(server.caller, other)).status == "active"

    house.run(scenario)


def test_a_connection_that_needs_consent_sends_nothing_to_amazon(house):
    async def scenario(server):
        id = await from_credentials(server, "Atzr|of-nobody")
        with pytest.raises(GrantRevoked):
            await server.orders(id)
        server.world.requests.clear()
        with pytest.raises(GrantRevoked, match="consent again"):
            await server.orders(id)
        assert list(server.world.requests) == []

    house.run(scenario)


LWA, SP_API = "api.amazon.com", "sellingpartnerapi-na.amazon.com"


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        (Fault(host=SP_API, status=400, times=9), AmazonRefused),
        (Fault(host=SP_API, status=401, times=9), AccessDenied),
        (Fault(host=SP_API, status=403, times=9), AccessDenied),
        (Fault(host=SP_API, status=429, times=9), Throttled),
        (Fault(host=SP_API, status=500, times=9), AmazonUnavailable),
        (Fault(host=SP_API, status=503, times=9), AmazonUnavailable),
        (Fault(host=SP_API, status=200, answer="html", times=9), AmazonUnavailable),
        (Fault(host=SP_API, status=200, answer="empty", times=9), AmazonUnavailable),
        (Fault(host=SP_API, answer="reset", times=9), NoAnswer),
        (Fault(host=SP_API, answer="silence", times=9), NoAnswer),
        (Fault(host=LWA, status=400, code="invalid_request", times=9), ClientRefused),
        (Fault(host=LWA, status=400, code="invalid_client", times=9), ClientRefused),
        (Fault(host=LWA, status=400, code="unauthorized_client", times=9), ClientRefused),
        (Fault(host=LWA, status=403, answer="html", times=9), TokenUnavailable),
        (Fault(host=LWA, status=429, times=9), TokenUnavailable),
        (Fault(host=LWA, status=500, times=9), TokenUnavailable),
        (Fault(host=LWA, status=503, code="invalid_grant", times=9), TokenUnavailable),
        (Fault(host=LWA, status=200, answer="html", times=9), TokenUnavailable),
        (Fault(host=LWA, status=200, answer="empty", times=9), TokenUnavailable),
        (Fault(host=LWA, answer="reset", times=9), TokenUnavailable),
        (Fault(host=LWA, answer="silence", times=9), TokenUnavailable),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else f"{value.host[:4]}-{value.answer}-{value.status}",
)
def test_nothing_but_a_revoked_grant_ends_a_connection(sqlite_house, fault, raised):
    async def scenario(server):
        id = await server.connect()
        before = await server.hub.connections.open(server.caller, id)
        server.world.fail(fault)
        with pytest.raises(raised) as caught:
            await server.orders(id)
        after = await server.hub.connections.open(server.caller, id)
        assert (after.connection.status, after.generation) == ("active", before.generation)
        assert after.connection.last_error == caught.value.code
        server.world.faults.clear()
        server.clock.advance(60)
        if raised is not Throttled:  # a throttled account's bucket fills in real time
            assert len(await server.orders(id)) > 0
            assert (await server.hub.connections.get(server.caller, id)).last_error is None

    sqlite_house.run(scenario)


def test_a_wrong_client_secret_leaves_the_grant(house):
    async def scenario(server):
        id = await from_credentials(server, through=LwaClient(CLIENT.client_id, "not-the-secret"))
        with pytest.raises(ClientRefused):
            await server.orders(id)
        connection = await server.hub.connections.get(server.caller, id)
        assert (connection.status, connection.last_error) == ("active", "client_refused")

    house.run(scenario)


def test_a_grant_that_is_replaced_while_the_old_one_is_refused_stays(house):
    async def scenario(server):
        id = await server.connect()
        opened = await server.hub.connections.open(server.caller, id)
        server.world.revoke()
        fresh = server.world.grant("ALOCALSELLERNA", CLIENT.client_id).refresh_token

        async def consents_again_meanwhile(scope, receive, send):
            server.wire.app = server.amazon
            await consents_again(server, opened, fresh)
            await server.amazon(scope, receive, send)

        server.wire.app = consents_again_meanwhile
        assert len(await server.orders(id)) > 0  # with the new one
        assert (await server.hub.connections.get(server.caller, id)).status == "active"
        assert len(await server.orders(id)) > 0

    house.run(scenario)


def test_a_new_refresh_token_takes_the_place_of_the_old_one(house, caplog):
    """RFC 6749 §6: a server that rotates refresh tokens."""

    async def scenario(server):
        id = await server.connect()
        fresh = server.world.grant("ALOCALSELLERNA", CLIENT.client_id).refresh_token

        async def rotates(scope, receive, send):
            async def rewritten(message):
                if message["type"] == "http.response.body" and b"refresh_token" in message["body"]:
                    body = msgspec.json.decode(message["body"]) | {"refresh_token": fresh}
                    message = message | {"body": msgspec.json.encode(body)}
                await send(message)

            await server.amazon(scope, receive, rewritten)

        server.wire.app = rotates
        with house.refusing("UPDATE OF sealed_grant ON connections"):
            assert len(await server.orders(id)) > 0
        assert "in the journal, not in the database" in caplog.text
        assert (await server.hub.connections.open(server.caller, id)).refresh_token != fresh
        assert await server.hub.tokens.recover() == 1
        assert (await server.hub.connections.open(server.caller, id)).refresh_token == fresh

    house.run(scenario)


async def consents_again(server, opened, grant):
    await server.hub.connections.renew(
        server.caller,
        opened.connection.id,
        application_id=opened.connection.application_id,
        refresh_token=grant,
        selling_partner_id="ALOCALSELLERNA",
    )


def test_a_rotated_token_does_not_take_the_place_of_a_newer_consents(house):
    async def scenario(server):
        id = await server.connect()
        opened = await server.hub.connections.open(server.caller, id)
        newer = server.world.grant("ALOCALSELLERNA", CLIENT.client_id).refresh_token

        async def rotates_meanwhile(scope, receive, send):
            async def rewritten(message):
                if message["type"] == "http.response.body" and b"refresh_token" in message["body"]:
                    server.wire.app = server.amazon
                    await consents_again(server, opened, newer)
                    body = msgspec.json.decode(message["body"]) | {"refresh_token": "Atzr|rotated"}
                    message = message | {"body": msgspec.json.encode(body)}
                await send(message)

            await server.amazon(scope, receive, rewritten)

        server.wire.app = rotates_meanwhile
        assert len(await server.orders(id)) > 0
        after = await server.hub.connections.open(server.caller, id)
        assert after.refresh_token == newer

    house.run(scenario)


def test_the_outcome_of_a_call_is_not_noted_on_a_newer_consent(house):
    async def scenario(server):
        id = await server.connect()
        opened = await server.hub.connections.open(server.caller, id)
        await server.hub.tokens.get(opened)
        server.world.fail(Fault(host=SP_API, status=400, times=9))

        async def consents_again_meanwhile(scope, receive, send):
            await consents_again(server, opened, opened.refresh_token)
            await server.amazon(scope, receive, send)

        server.wire.app = consents_again_meanwhile
        with pytest.raises(AmazonRefused):
            await server.orders(id)
        connection = await server.hub.connections.get(server.caller, id)
        assert (connection.status, connection.last_error, connection.last_error_at) == ("active", None, None)

    house.run(scenario)


def test_an_empty_grant_is_refused(house):
    async def scenario(server):
        with pytest.raises(InvalidArguments, match="refresh_token: must not be empty"):
            await from_credentials(server, " ")
        assert await server.hub.connections.all(server.caller) == []

    house.run(scenario)


def test_bad_arguments_send_nothing(house):
    async def scenario(server):
        id = await server.connect()
        server.world.requests.clear()
        execute = server.hub.calls.execute
        with pytest.raises(UnknownOperation):
            await execute(server.caller, id, "odrers", "list")
        with pytest.raises(UnknownOperation):
            await execute(server.caller, id, "orders", "paint")
        with pytest.raises(InvalidArguments, match="order_id"):
            await execute(server.caller, id, "orders", "get", {})
        assert list(server.world.requests) == []

    house.run(scenario)


def test_deleting_a_connection_erases_its_secrets(sqlite_house):
    async def scenario(server):
        id = await from_credentials(server)
        (sqlite_house.sealed,) = sqlite_house.sql("SELECT sealed_key, sealed_grant FROM connections")
        await server.hub.connections.delete(server.caller, id)
        for gone in (server.hub.connections.get, server.hub.connections.open, server.hub.connections.delete):
            with pytest.raises(NotFound):
                await gone(server.caller, id)
        assert await server.hub.connections.all(server.caller) == []
        with pytest.raises(NotFound):
            await server.orders(id)

    sqlite_house.run(scenario)
    # closing checkpoints the journal; then the sealed bytes are overwritten, not only unlinked
    assert not any(sealed in sqlite_house.file.read_bytes() for sealed in sqlite_house.sealed)


def test_of_a_deleted_connection_no_more_than_its_names_stays(house):
    async def scenario(server):
        id = await server.connect(replication_config={"bucket": "x"})
        await server.hub.connections.delete(server.caller, id)
        columns = "status, customer, selling_partner_id, sealed_key, sealed_grant, sealed_client_secret"
        assert house.sql(f"SELECT {columns} FROM connections") == [("disconnected", "ann", None, None, None, None)]
        (config,) = house.sql("SELECT CAST(replication_config AS TEXT) FROM connections WHERE id = :id", id=id)
        assert config == ("{}",)

    house.run(scenario)


def test_an_organization_sees_its_own_connections_only(house):
    async def scenario(server):
        id = await server.connect()
        other = Caller((await server.hub.organizations.create("Other")).id)
        assert await server.hub.connections.all(other) == []
        with pytest.raises(NotFound):
            await server.hub.connections.get(other, id)
        with pytest.raises(NotFound):
            await server.hub.connections.delete(other, id)
        with pytest.raises(NotFound):
            await server.hub.calls.execute(other, id, "orders", "list")
        assert [one.id for one in await server.hub.connections.all(server.caller, "ann")] == [id]
        assert await server.hub.connections.all(server.caller, "bob") == []

    house.run(scenario)


def test_a_grant_copied_to_another_row_does_not_open(house):
    async def scenario(server):
        mine = await server.connect()
        other = await server.connect("bob")
        taken = "SELECT sealed_grant FROM connections WHERE id = :id"
        house.write(f"UPDATE connections SET sealed_grant = ({taken})", id=mine)
        assert len(await server.orders(mine)) > 0
        with pytest.raises(Tampered):
            await server.orders(other)

    house.run(scenario)


def test_an_application_in_use_cannot_be_removed(house):
    async def scenario(server):
        id = await server.connect()
        (application,) = await server.hub.applications.all(server.organization.id)
        with pytest.raises(Exception, match="1 connections use this application"):
            await server.hub.applications.remove(server.organization.id, application.id)
        await server.hub.connections.delete(server.caller, id)
        await server.hub.applications.remove(server.organization.id, application.id)
        assert await server.hub.applications.all(server.organization.id) == []

    house.run(scenario)


def test_what_became_of_calls_is_noted_once_a_minute(house):
    async def scenario(server):
        id = await server.connect()

        async def noted():
            return (await server.hub.connections.get(server.caller, id)).last_success_at

        await server.orders(id)
        first = await noted()
        assert first == server.clock.now
        server.clock.advance(59)
        await server.orders(id)
        assert await noted() == first
        server.clock.advance(1)
        await server.orders(id)
        assert await noted() == first + 60

    house.run(scenario)


def test_a_call_succeeds_though_its_outcome_cannot_be_noted(house, caplog):
    async def scenario(server):
        id = await server.connect()
        await server.orders(id)
        server.clock.advance(NOTE_EVERY_S)
        with house.refusing("UPDATE ON connections"):
            assert len(await server.orders(id)) > 0
        assert "could not be noted" in caplog.text

    house.run(scenario)
