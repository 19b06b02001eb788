"""What a request brings to the gateway: a seller's access token, and the secret that opens the grant."""

from __future__ import annotations

import base64

import pytest
from tests.server.conftest import CLIENT, CLIENT_SECRET, SELLER

from sellerport.errors import GrantRevoked, TooManyRequests, Unauthenticated, WrongSecret
from sellerport.oauth import LwaClient
from sellerport.regions import marketplace
from sellerport.server.hub.passes import GUESSES, IDLE_S, LOOK_AGAIN_S

SECRET = base64.b64encode(b"a" * 16 + bytes(range(16))).decode()
OTHER = base64.b64encode(b"b" * 16 + bytes(range(16))).decode()
ID = "11111111-1111-4111-8111-111111111111"


async def a_seller(house, server):
    """Make a tenant and a seller whose grant the secret seals; return an access token."""
    hub, owner = server.hub, server.organization.id
    made = await hub.connections.create(
        server.caller,
        customer=ID,
        name="A seller",
        marketplace=marketplace("US"),
        refresh_token=server.world.grant(SELLER, CLIENT).refresh_token,
        through=LwaClient(CLIENT, CLIENT_SECRET),
        selling_partner_id=SELLER,
        held_secret=SECRET,
    )
    house.sql("INSERT INTO tenants (organization_id, created_at) VALUES (:owner, 0)", owner=owner)
    house.sql(
        "INSERT INTO sellers (id, organization_id, selling_partner_id, region, connection_id, created_at, updated_at) "
        "VALUES (:id, :owner, 'A', 'na', :connection, 0, 0)",
        id=ID,
        owner=owner,
        connection=made.id,
    )
    return (await hub.gateway.signing.issue("seller", 86_400, tenant_id=owner, seller_id=ID, sv=0)).encode()


def test_the_secret_opens_the_grant_and_the_second_request_needs_no_database(house):
    async def scenario(server):
        token, passes = await a_seller(house, server), server.hub.gateway.passes
        assert passes.warm(token, SECRET.encode()) is None
        first = await passes.check(token, SECRET.encode())
        assert passes.access_token(first) is None
        fetched = await passes.fresh(first)
        assert fetched.startswith("Atza|")
        assert passes.warm(token, SECRET.encode()) is first
        assert passes.access_token(first) == fetched
        for wrong in ((token, OTHER.encode()), (token, b""), (b"x" + token, SECRET.encode())):
            assert passes.warm(*wrong) is None
        server.clock.advance(IDLE_S)
        assert passes.warm(token, SECRET.encode()) is None

    house.run(scenario)


def test_a_wrong_secret_is_refused_and_the_eleventh_waits(house):
    async def scenario(server):
        token, passes = await a_seller(house, server), server.hub.gateway.passes
        for _ in range(int(GUESSES)):
            with pytest.raises(Unauthenticated, match="Invalid amazon token secret"):
                await passes.check(token, OTHER.encode())
        for secret in (OTHER, SECRET):
            with pytest.raises(TooManyRequests) as waits:
                await passes.check(token, secret.encode())
        server.clock.advance(waits.value.retry_after)
        await passes.check(token, SECRET.encode())

    house.run(scenario)


@pytest.mark.parametrize("wrong", ["another kind", "another seller", "taken back", "ended", "no token", "another key"])
def test_a_token_that_is_not_this_sellers_is_refused(sqlite_house, wrong):
    async def scenario(server):
        token, hub = await a_seller(sqlite_house, server), server.hub
        said = {"tenant_id": server.organization.id, "seller_id": ID, "sv": 0}
        if wrong == "another kind":
            token = (await hub.gateway.signing.issue("adb", 60, **said)).encode()
        elif wrong == "another seller":
            token = (await hub.gateway.signing.issue("seller", 60, **{**said, "seller_id": "2"})).encode()
        elif wrong == "taken back":
            sqlite_house.sql("UPDATE sellers SET token_version = 1")
        elif wrong == "ended":
            server.clock.advance(86_401)
        elif wrong == "no token":
            token = b"eyJhbGciOiJub25lIn0.e30."
        else:
            await hub.gateway.signing.rotate(retire=True)
        with pytest.raises(Unauthenticated, match="Invalid seller access token"):
            await hub.gateway.passes.check(token, SECRET.encode())

    sqlite_house.run(scenario)


def test_a_pass_is_dropped_within_seconds_of_being_taken_back(house):
    async def scenario(server):
        token, passes = await a_seller(house, server), server.hub.gateway.passes
        await passes.check(token, SECRET.encode())
        house.sql("UPDATE tenants SET suspended_at = 1")
        server.clock.advance(LOOK_AGAIN_S)
        assert passes.warm(token, SECRET.encode()) is not None
        for task in list(passes._looking):
            await task
        assert passes.warm(token, SECRET.encode()) is None
        with pytest.raises(Unauthenticated):
            await passes.check(token, SECRET.encode())

    house.run(scenario)


def test_a_revoked_grant_and_a_disconnected_seller_say_that_the_seller_has_to_authorize_again(house):
    async def scenario(server):
        token, hub = await a_seller(house, server), server.hub
        one = await hub.gateway.passes.check(token, SECRET.encode())
        server.world.revoke(selling_partner_id=SELLER)
        with pytest.raises(GrantRevoked, match="authorize again"):
            await hub.gateway.passes.fresh(one)
        with pytest.raises(GrantRevoked, match="authorize again"):
            await hub.gateway.passes.check(token, SECRET.encode())

    house.run(scenario)


def test_the_connector_api_cannot_use_a_grant_that_its_owner_seals(house):
    async def scenario(server):
        await a_seller(house, server)
        (known,) = await server.hub.connections.all(server.caller)
        with pytest.raises(WrongSecret):
            await server.orders(known.id)
        assert await server.hub.tokens.refresh_due() == 0

    house.run(scenario)
