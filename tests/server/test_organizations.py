"""An organization that is deleted: nothing of it stays but its audit, nothing of others goes, nothing comes back."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from sqlalchemy import create_engine, select
from tests.server.conftest import CLIENT, CLIENT_SECRET, SHOP
from tests.server.gateway import ORIGIN, OTHER, SECRET, Tenant, a_seller, a_tenant, refusal, request
from tests.server.registering import Way, asked
from tests.server.test_gateway_imports import line
from tests.server.test_labels import kept
from tests.server.warehouse import Warehouse, a_warehouse

from sellerport.errors import Conflict, NotFound, SellerportError, StoreError
from sellerport.oauth import LwaClient
from sellerport.regions import marketplace
from sellerport.server.hub import Caller
from sellerport.server.hub.passes import LOOK_AGAIN_S
from sellerport.server.opening import open_hub
from sellerport.server.store import metadata
from sellerport.server.store.backend import backend

CONNECTORS = "/api/v1/integrations/connectors"
ORDER = "902-0000000-0000001"
FILE = "/api/pii/getFile?fileName=file-"
LONG_AGO = 40 * 86_400.0
AUDIT = {"audit", "audit_chains"}
OF_THE_SERVER = {"vault_checks", "signing_keys", "compatibility"}


def state(house):
    """Return all rows of all tables."""
    engine = create_engine(backend(house.settings.database).blocking_engine().url)
    with engine.begin() as connection:
        tables = metadata.sorted_tables
        found = {table.name: {repr(row): row for row in connection.execute(select(table))} for table in tables}
    engine.dispose()
    return found


def ids_of(rows, owner):
    """Return the ids of what belongs to an organization; the rest belongs to one of these."""
    found = {owner}
    for table in rows.values():
        for row in table.values():
            if getattr(row, "organization_id", None) == owner:
                found |= {getattr(row, name) for name in ("id", "seller_id") if hasattr(row, name)}
    return found


async def delete(server, house, id):
    """Delete an organization as the operator does: in another process."""
    async with open_hub(house.settings, wire=server.wire, clock=server.clock) as other:
        await other.organizations.delete(id)


async def furnish(server, house, warehouse):
    """Give a tenant one of everything; return the tokens, links and addresses by which it is reached."""
    hub, caller, owner = server.hub, server.caller, server.organization.id
    refresh_token = await hub.gateway.tenants.renew_token(owner)
    tenant = Tenant(server, owner, refresh_token, await hub.gateway.tenants.token(owner, refresh_token))
    await hub.return_urls.register(owner, ORIGIN)
    order = warehouse.order()
    upload = (await warehouse.ask("GET", f"/api/pii/getPII/{order.id}")).json["piiSignedUrl"]
    assert (await warehouse.ask("PUT", upload, b"an address")).status == 200
    file = (await warehouse.ask("GET", FILE + order.id)).json["data"]["url"]
    await kept(warehouse)
    async with hub.gateway.sellers._database.writing() as store:
        srt = await hub.gateway.sellers._tokens.add(store, warehouse.seller_id)
    await hub.gateway.imports.take(line(server, tenant_id=owner, id="imported", selling_partner_id="AIMPORTED"))
    await hub.webhooks.create(caller, "https://hooks.example.test/acme")
    connection = await server.connect("ann")
    await hub.deliveries.dispatch()
    house.sql("INSERT INTO profiles VALUES (:id, '1', 'na')", id=connection)
    for customer, secret in ((None, None), ("ben", "held")):  # in the inbox, and until its secret is shown
        await hub.connections.create(
            caller,
            customer=customer,
            name="Shop",
            marketplace=marketplace("US"),
            refresh_token="Atzr|waits",
            through=await hub.applications.find(owner),
            selling_partner_id="AWAITS",
            secret=secret,
        )
    scoped = await hub.access.issue_scoped(caller, await hub.workspaces.named(caller, "ann"))
    pushed = (await tenant.api("POST", "/api/oauth/requests", asked(tenant))).json["data"]["authorize_url"]
    assert (await server.browser.get(pushed)).status == 302
    link = await hub.consents.initiate(caller, customer="cem", return_url=SHOP)
    return tenant, srt, scoped.token, pushed, link, [("GET", file), ("PUT", upload)]


async def a_neighbour(server, house):
    """Make another tenant, with an application, a webhook and a seller of its own; return what its seller is asked."""
    tenant, hub = await a_tenant(server, "Borealis"), server.hub
    given = {"lwa_client_id": CLIENT, "lwa_client_secret": CLIENT_SECRET, "application_id": "amzn1.sp.solution.test"}
    await hub.applications.register(tenant.id, **given)
    seller_id = "22222222-2222-4222-8222-222222222222"
    srt = await a_seller(house, tenant, seller_id)
    await hub.webhooks.create(tenant.caller, "https://hooks.example.test/borealis")
    await hub.gateway.documents.write_file(tenant.id, seller_id, ORDER, b"an address", "seller:1")
    return Warehouse(server, await hub.gateway.sellers.token(tenant.caller, seller_id, srt), seller_id)


def test_all_that_an_organization_has_goes_with_it_and_nothing_of_others(house):
    async def scenario(server):
        owner = server.organization.id
        neighbour = await a_neighbour(server, house)
        warehouse = await a_warehouse(house, server)
        tenant, srt, scoped, pushed, link, files = await furnish(server, house, warehouse)
        asks = {"client_id": server.client_id, "client_secret": server.client_secret}
        assert (await server.api("GET", CONNECTORS, token=scoped)).status == 200
        order = warehouse.order().id
        assert (await neighbour.ask("GET", FILE + ORDER)).status == 200
        await server.hub.gateway.call_log.write()
        before = state(house)
        assert [name for name, rows in before.items() if not rows] == []
        ids = ids_of(before, owner)
        await delete(server, house, owner)
        after = state(house)

        for name, rows in after.items():
            gone = before[name].keys() - rows.keys()
            if name not in AUDIT:
                assert rows.keys() <= before[name].keys(), name
                assert [row for row in rows if any(id in row for id in (*ids, "Acme"))] == [], name
                assert [row for row in gone if not any(id in row for id in ids)] == [], name
                assert gone or name in OF_THE_SERVER, name

        server.clock.advance(LOOK_AGAIN_S)
        assert (await warehouse.ask("GET", FILE + order)).status == 404  # which has it looked at
        for task in list(server.hub.gateway.passes._looking):
            await task
        assert refusal(await warehouse.ask("GET", FILE + order)) == (401, "Invalid seller access token")
        for method, address in files:
            assert (await warehouse.ask(method, address, b"x")).status == 404
        for token in (server.token, scoped):
            assert (await server.api("GET", CONNECTORS, token=token)).status == 401
        assert (await server.api("POST", "/api/v1/account/applications/token", asks)).status == 401
        assert (await tenant.api("GET", "/api/sellers")).status == 401
        given = {"tenant_id": owner, "refresh_token": tenant.refresh_token}
        assert (await request(server, "POST", "/api/get-adb-access-token", given)).status == 401
        given = {"seller_id": warehouse.seller_id, "refresh_token": srt}
        assert (await tenant.api("POST", "/api/get-seller-access-token", given)).status == 401
        for address in (link, pushed):
            assert (await server.browser.get(address)).status == 400
        assert (await neighbour.ask("GET", FILE + ORDER)).status == 200

        await server.hub.gateway.call_log.write()  # of the request that was let in still
        assert (await server.hub.audit.verify()).ok
        records = await server.hub.audit.page(Caller(owner), before=1 << 30, most=1000)
        told = {(one.action, one.subject, one.actor) for one in records}
        assert ("organization.deleted", owner, "operator") in told
        erased = {"seller.deleted": 2, "connection.dropped": 4, "application.removed": 1, "document.deleted": 2}
        assert {action: sum(one.action == action for one in records) for action in erased} == erased

        again = await server.hub.organizations.create("Acme")
        assert again.id != owner
        assert await server.hub.connections.all(Caller(again.id)) == []
        with pytest.raises(NotFound):
            await server.hub.organizations.delete(owner)

    house.run(scenario)


def test_an_organization_whose_shared_application_others_use_is_not_deleted(house):
    async def scenario(server):
        way, owner = await Way.begin(server), server.organization.id  # whose tenant has no application of its own
        seller_id, _ = await way.register()
        (application,) = await server.hub.applications.all(owner)
        before = state(house)
        used = f"^1 connections of other organizations use its application {application.id}, which it shared: delete "
        with pytest.raises(Conflict, match=used):
            await delete(server, house, owner)
        assert state(house) == before
        assert await way.opens(seller_id) == (200, "succeeded")

        await way.tenant.api("DELETE", f"/api/sellers/{seller_id}")
        assert (await way.to_amazon()).status == 302  # and on their way there
        await delete(server, house, owner)
        assert house.sql("SELECT status, application_id FROM connections") == [("disconnected", None)]
        assert house.sql("SELECT 1 FROM consents") == []
        assert refusal(await way.to_amazon())[0] == 400

    house.run(scenario)


@asynccontextmanager
async def deleted_while_amazon_answers(server, house, monkeypatch):
    """Delete the organization between Amazon's next token and its coming here."""
    send, done = server.wire.send, []

    async def late(asked):
        answer = await send(asked)
        if asked.url.endswith("/auth/o2/token") and not done:
            done.append(asked.url)
            await delete(server, house, server.organization.id)
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(server.wire, "send", late)
        yield
    assert done
    assert await server.hub.recover() == 0
    assert list(house.settings.journal_folder.glob("**/*.refresh")) == []
    left = {name for name, rows in state(house).items() if rows}
    assert left - AUDIT <= OF_THE_SERVER
    assert (await server.hub.audit.verify()).ok


def test_a_token_that_amazon_gives_meanwhile_brings_no_connection_back(house, monkeypatch):
    """Nor does the new grant that came with it, which the journal has by then."""

    async def scenario(server):
        server.world.login.strict = True
        connection = await server.connect()
        async with deleted_while_amazon_answers(server, house, monkeypatch):
            with pytest.raises(NotFound):
                await server.orders(connection)

    house.run(scenario)


@pytest.mark.parametrize("door", ["connector", "gateway"])
def test_an_owner_who_consents_meanwhile_brings_no_connection_back(house, monkeypatch, door):
    async def scenario(server):
        owner = server.organization.id
        if door == "connector":
            browser = server.browser
            link = await server.hub.consents.initiate(server.caller, customer="ann", return_url=SHOP)
            back = await browser.decide((await browser.open(link)).location)
        else:
            made, refresh_token = await server.hub.gateway.tenants.adopt(owner, ORIGIN)
            way = Way(Tenant(server, made.organization_id, refresh_token, ""), server.browser)
            browser, back = way.browser, await way.back()
        async with deleted_while_amazon_answers(server, house, monkeypatch):
            ended = await browser.get(back)
            assert "error" in ended.query, ended.text

    house.run(scenario)


def test_what_the_journal_has_of_an_organization_that_is_gone_is_forgotten(house):
    async def scenario(server):
        link = await server.hub.consents.initiate(server.caller, customer="ann", return_url=SHOP)
        with house.refusing("INSERT ON connections"):
            assert (await server.browser.consent(link)).query["error"] == ["server_error"]
        left = house.settings.journal_folder.glob("**/*.refresh")
        assert len(list(left)) == 1
        # on a machine that the operator's command does not see
        elsewhere = replace(house.settings, journal=house.settings.journal_folder / "elsewhere")
        async with open_hub(elsewhere, wire=server.wire, clock=server.clock) as other:
            await other.organizations.delete(server.organization.id)
        assert await server.hub.recover() == 0
        assert list(house.settings.journal_folder.glob("**/*.refresh")) == []
        assert house.sql("SELECT 1 FROM connections") == []

    house.run(scenario)


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_who_cleans_up_waits_for_nobody_who_deletes_the_same(house):
    """They have rows of others that way, which a deletion would wait for."""

    async def scenario(server):
        hub, owner = server.hub, server.organization.id
        await hub.consents.initiate(server.caller, customer="ann", platform="seller-partner")
        scoped = await hub.workspaces.named(server.caller, "ann")
        await hub.access.issue_scoped(server.caller, scoped)
        past = ("access_tokens", "consents", "scoped_tokens")
        house.sql(*(f"UPDATE {table} SET expires_at = 0" for table in past))
        order = "INSERT INTO pii_orders (seller_id, order_id, organization_id, created_at) VALUES ('1', '1', :owner, 0)"
        house.sql(order, owner=owner)
        async with hub.access._database.writing() as store, asyncio.timeout(10):
            for name in (*past, "pii_orders"):
                await store.execute(select(metadata.tables[name]).with_for_update())
            await hub.access.issue(server.client_id, server.client_secret)
            await hub.access.issue_scoped(server.caller, scoped)
            await hub.consents.initiate(server.caller, customer="ben")
            await hub.gateway.documents.forget()
        assert all(len(rows) == 2 for name, rows in state(house).items() if name in past)
        assert len(state(house)["pii_orders"]) == 1

    house.run(scenario)


def test_whoever_writes_as_it_is_deleted_comes_before_it_or_finds_nothing(house):
    """Every kind of write at once with the deletion, from two processes: none waits for another that waits for it."""

    async def scenario(server):
        hub, owner = server.hub, server.organization.id
        warehouse = await a_warehouse(house, server)
        one = await warehouse.the_pass()
        neighbour = Caller((await hub.organizations.create("Borealis")).id)
        await hub.applications.register(neighbour.organization_id, lwa_client_id=CLIENT, lwa_client_secret="x")
        tenant, _, _, pushed, _, _ = await furnish(server, house, warehouse)
        made = {"name": "Shop", "marketplace": marketplace("US"), "refresh_token": "Atzr|x"}
        through, opened = LwaClient(CLIENT, CLIENT_SECRET), []
        for customer in "abcdef":
            its = await hub.connections.create(server.caller, customer=customer, through=through, **made)
            opened.append(await hub.connections.open(server.caller, its.id))
        house.sql("UPDATE consents SET expires_at = :past", past=server.clock.now - LONG_AGO)
        house.sql("UPDATE access_tokens SET expires_at = 0")
        failures = []

        async def at_once(work):
            try:
                await work
            except StoreError as error:
                failures.append(error)
            except SellerportError:
                pass

        async with open_hub(house.settings, wire=server.wire, clock=server.clock) as other:
            writes = []
            for its in (hub, other):
                writes += [
                    its.access.issue(server.client_id, server.client_secret),
                    its.consents.initiate(server.caller, customer="ann"),
                    its.consents.initiate(neighbour, customer="ann", platform="ads"),
                    its.gateway.registrations.resume(owner, pushed.partition("request_uri=")[2]),
                    its.workspaces.named(server.caller, "new"),
                    its.webhooks.create(server.caller, "https://hooks.example.test/more"),
                    its.connections.change(server.caller, opened[0].connection.id, name="Other"),
                    its.connections.create(server.caller, customer="new", through=through, **made),
                    its.connections.delete(server.caller, opened[1].connection.id),
                    its.gateway.documents.write_file(owner, one.seller_id, "902-0000000-0000002", b"x", "seller:1"),
                    its.gateway.label_proxy._shipments.claim(one, "902-0000000-0000003", "new", b"x", again=False),
                    its.gateway.sellers.rotate_secret(tenant.caller, one.seller_id, SECRET, OTHER),
                    its.gateway.documents.forget(),
                    its.deliveries.dispatch(),
                    its.deliveries.forget(),
                    its.keys.rewrap(),
                    *(its.connections.note(found, "error") for found in reversed(opened)),
                    *(its.tokens.get(found) for found in opened),
                ]
            all = [*writes[::2], other.organizations.delete(owner), *writes[1::2]]
            await asyncio.gather(*(at_once(work) for work in all))
        assert failures == []
        with pytest.raises(NotFound):
            await hub.organizations.find(owner)
        after = state(house)
        assert [name for name in ("sellers", "api_clients", "documents", "webhooks") if after[name]] == []

    house.run(scenario)
