"""Tenants and sellers of another gateway, taken over; their grants open when their secrets come."""

from __future__ import annotations

import asyncio
import base64
import os
import statistics
import time
from contextlib import suppress

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from tests.server.conftest import CLIENT, SELLER
from tests.server.gateway import OTHER, SECRET, a_seller, a_tenant

from sellerport.errors import (
    Conflict,
    GrantRevoked,
    InvalidArguments,
    NotFound,
    Tampered,
    TooManyRequests,
    Unauthenticated,
    WrongSecret,
)
from sellerport.server.hub import Caller
from sellerport.server.hub.imports import SellerLine, TenantLine, open_v1
from sellerport.server.hub.passes import GUESSES

TENANT = TenantLine("clx1y2z3a4b5c6d7e8f9g0h1", "Moved", "https://wms.example.test", "rt_0123456789abcdef0123456789")
SRT = "srt_0123456789abcdef0123456789"
ID = "seller_abc123def456"


def sealed_v1(refresh_token, secret):
    """Seal as the other gateway does."""
    salt, iv = os.urandom(32), os.urandom(16)
    sealed = AESGCM(Scrypt(salt, 32, n=16384, r=8, p=1).derive(secret.encode())).encrypt(iv, refresh_token, None)
    return base64.b64encode(salt + iv + sealed[-16:] + sealed[:-16]).decode()


def line(server, **changed):
    grant = server.world.grant(SELLER, CLIENT).refresh_token.encode()
    given = {
        "id": ID,
        "tenant_id": TENANT.id,
        "selling_partner_id": SELLER,
        "marketplace_region": "us-east-1",
        "amazon_refresh_token": sealed_v1(grant, SECRET),
        "refresh_token": SRT,
        "authorized_at": "2026-12-01T00:00:00Z",
    }
    return msgspec.convert({**given, **changed, "kind": "seller"}, SellerLine)


async def imported(server):
    await a_tenant(server)  # its application is shared
    imports = server.hub.gateway.imports
    assert await imports.take(TENANT)
    assert await imports.take(line(server))
    assert not await imports.take(TENANT)
    assert not await imports.take(line(server))


async def token(server):
    """Return an access token, with the refresh tokens that were given elsewhere."""
    tenants, sellers = server.hub.gateway.tenants, server.hub.gateway.sellers
    caller = await tenants.verify(await tenants.token(TENANT.id, TENANT.refresh_token))
    return (await sellers.token(caller, ID, SRT)).encode()


def test_the_published_vector_opens():
    """Appendix C, which Node made."""
    secret = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
    blob = (
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+goaKjpKWmp6ipqqusra6v"
        "JJd3qarzZPybHt4tik/s1fy8hevVT83ALmNg0BL3WgXB/ZosDmzsUVqu0v4ELe6N8Tz4rgXBSM0igg=="
    )
    assert open_v1(blob, secret) == "Atzr|IwEBIExampleRefreshTokenForTestVector"
    with pytest.raises(WrongSecret):
        open_v1(blob, secret[:-1])
    for wrong in ("", "x", blob[:-1], base64.b64encode(bytes(64)).decode()):
        with pytest.raises(InvalidArguments, match="amazon_refresh_token"):
            open_v1(wrong, secret)


def test_what_was_imported_goes_on_with_its_ids_tokens_and_secret_and_is_sealed_anew_when_first_used(house):
    async def scenario(server):
        await imported(server)
        passes, sellers = server.hub.gateway.passes, server.hub.gateway.sellers
        access, caller = await token(server), Caller(TENANT.id, tenant=True)
        waits = await sellers.all(caller)
        assert [(one.id, one.status, one.authorization_expires_at) for one in waits] == [(ID, "awaiting_secret", None)]
        with pytest.raises(Unauthenticated, match="Invalid amazon token secret"):
            await passes.check(access, OTHER.encode())
        assert house.sql("SELECT 1 FROM connections") == []
        made = await asyncio.gather(*(passes.check(access, SECRET.encode()) for _ in range(3)))
        assert len({one.connection_id for one in made}) == 1
        assert (await passes.fresh(made[0])).startswith("Atza|")
        (row,) = house.sql("SELECT client_held, customer, granted_at FROM connections WHERE status = 'active'")
        assert (bool(row.client_held), row.customer, row.granted_at) == (True, ID, 1_796_083_200)
        assert house.sql("SELECT 1 FROM v1_grants") == []
        (shown,) = await sellers.all(caller)
        assert (shown.status, shown.authorization_expires_at) == ("active", 1_796_083_200 + 365 * 86_400)
        with pytest.raises(Unauthenticated, match="Invalid amazon token secret"):
            await passes.check(access, OTHER.encode())

    house.run(scenario)


def test_refresh_tokens_that_were_given_elsewhere_end_however_they_begin(sqlite_house):
    async def scenario(server):
        imports = server.hub.gateway.imports
        await imports.take(msgspec.structs.replace(TENANT, refresh_token="t" * 32))
        await imports.take(msgspec.structs.replace(line(server), refresh_token="s" * 32))
        tenants, introspection = server.hub.gateway.tenants, server.hub.gateway.introspection
        caller = await tenants.verify(await tenants.token(TENANT.id, "t" * 32))
        for token, kind in (("s" * 32, "seller_refresh"), ("t" * 32, "tenant_refresh")):
            assert (await introspection.look(caller, token))["token_type"] == kind
            await introspection.revoke(caller, token)
            assert await introspection.look(caller, token) is None

    sqlite_house.run(scenario)


def test_a_wrong_secret_for_what_waits_is_counted_and_a_broken_row_takes_as_long(sqlite_house):
    async def scenario(server):
        await imported(server)
        passes, access, imports = server.hub.gateway.passes, await token(server), server.hub.gateway.imports

        async def timed(expected):
            begun = time.process_time_ns()
            with pytest.raises(expected):
                await imports.open(TENANT.id, ID, OTHER)
            return time.process_time_ns() - begun

        wrong = statistics.median([await timed(WrongSecret) for _ in range(5)])
        for _ in range(int(GUESSES)):
            with pytest.raises(Unauthenticated):
                await passes.check(access, OTHER.encode())
        for secret in (OTHER, SECRET):
            with pytest.raises(TooManyRequests):
                await passes.check(access, secret.encode())
        sqlite_house.sql("UPDATE v1_grants SET sealed_grant = zeroblob(80)")
        broken = statistics.median([await timed(Tampered) for _ in range(5)])
        assert 0.5 < wrong / broken < 2.0

    sqlite_house.run(scenario)


def test_a_line_that_is_wrong_changes_nothing_and_says_what_is_wrong(house):
    async def scenario(server):
        await imported(server)
        imports = server.hub.gateway.imports
        for changed, error, field in (
            ({"id": "x" * 37}, InvalidArguments, "id"),
            ({"id": "a/b"}, InvalidArguments, "id"),
            ({"id": "server"}, InvalidArguments, "must not be 'server'"),
            ({"id": "2", "tenant_id": "nobody"}, NotFound, "nobody"),
            ({"id": "2", "selling_partner_id": "x y"}, InvalidArguments, "selling_partner_id"),
            ({"id": "2", "amazon_refresh_token": "Atzr|plain"}, InvalidArguments, "amazon_refresh_token"),
            ({"id": "2", "refresh_token": "short"}, InvalidArguments, "refresh_token"),
            ({"id": "2"}, Conflict, "same account"),
            ({"id": "2", "selling_partner_id": "B"}, Conflict, "same refresh token"),
        ):
            with pytest.raises(error, match=field):
                await imports.take(line(server, **changed))
        with pytest.raises(Conflict, match="Moved"):
            await imports.take(TenantLine("2", "Moved", "https://a.example", None))
        with pytest.raises(InvalidArguments, match="redirect"):
            await imports.take(TenantLine("2", "Second", "javascript:x", None))
        assert len(house.sql("SELECT 1 FROM sellers")) == len(house.sql("SELECT 1 FROM v1_grants")) == 1
        assert len(house.sql("SELECT 1 FROM seller_tokens")) == 1

    house.run(scenario)


def test_what_waits_is_gone_when_its_seller_is_disconnected(sqlite_house):
    async def scenario(server):
        await imported(server)
        await server.hub.gateway.sellers.disconnect(Caller(TENANT.id, tenant=True), ID)
        assert sqlite_house.sql("SELECT 1 FROM v1_grants") == []
        access = await token(server)
        with pytest.raises(GrantRevoked):
            await server.hub.gateway.passes.check(access, SECRET.encode())

    sqlite_house.run(scenario)


def test_what_waits_is_resealed_with_the_newest_key(sqlite_house):
    """As every sealed row is; and the ids of other gateways do not stand in the way."""

    async def scenario(server):
        await imported(server)
        tenant = await a_tenant(server, "Another")
        await a_seller(sqlite_house, tenant)
        access = await token(server)
        assert (await server.hub.keys.rewrap()).stuck == []
        assert (await server.hub.gateway.passes.check(access, SECRET.encode())).seller_id == ID

    sqlite_house.run(scenario)


def test_what_waits_is_opened_and_disconnected_at_once_without_a_deadlock(house, monkeypatch):
    """Rows are locked before the audit chain, wherever both are."""

    async def scenario(server):
        await imported(server)
        sellers, connections = server.hub.gateway.sellers, server.hub.connections
        create, erased, entered = connections.create, sellers._erased, asyncio.Event()

        async def creating(*given, alongside, **more):
            async def then(store, id):
                entered.set()
                await alongside(store, id)

            return await create(*given, alongside=then, **more)

        async def erasing(*given):
            done = await erased(*given)
            with suppress(TimeoutError):  # SQLite lets nobody in meanwhile
                await asyncio.wait_for(entered.wait(), 0.5)
            return done

        monkeypatch.setattr(connections, "create", creating)
        monkeypatch.setattr(sellers, "_erased", erasing)
        disconnecting = asyncio.ensure_future(sellers.disconnect(Caller(TENANT.id, tenant=True), ID))
        opening = asyncio.ensure_future(server.hub.gateway.imports.open(TENANT.id, ID, SECRET))
        assert (await disconnecting).status in ("disconnected", "active")
        with suppress(GrantRevoked):
            await opening

    house.run(scenario)
