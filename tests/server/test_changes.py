"""Nothing changes without a record of it, and no record holds a secret or anything personal."""

from __future__ import annotations

import ast
import base64
import json
from contextlib import suppress
from dataclasses import replace
from importlib.resources import files

import pytest
from sqlalchemy import create_engine, select
from tests.server.conftest import CLIENT, SELLER, all_on_sqlite
from tests.server.gateway import OTHER, SECRET, a_seller, a_tenant
from tests.server.registering import Way
from tests.server.test_passes import a_seller as a_seller_here

from sellerport.errors import ConsentError, StoreError, TooManyRequests
from sellerport.oauth import LwaClient
from sellerport.regions import marketplace
from sellerport.server import hub as hub_package
from sellerport.server.hub import Job, Visit
from sellerport.server.hub.documents import New
from sellerport.server.hub.imports import SellerLine
from sellerport.server.hub.pii_access import FILES_A_DAY
from sellerport.server.store import metadata
from sellerport.server.store.backend import backend
from sellerport.server.vault import create_key_file

UNRECORDED = {
    "changes.writing": "the transaction of a change that is recorded",
    "access.issue": "an access token lives for 15 minutes; the API client that gets it is recorded",
    "access.issue_scoped": "as `access.issue`, for 20 minutes; the workspace that it makes is recorded",
    "connections._note_all": "how the last call went",
    "connections.note_profiles": "what Amazon lists of a grant that is recorded",
    "consents.initiate": "a link lives for ten minutes; the connection that comes of it is recorded",
    "consents.log_in": "as `consents.initiate`",
    "consents.start": "as `consents.initiate`",
    "registrations.begin": "as `consents.initiate`",
    "registrations.push": "as `consents.initiate`",
    "registrations.resume": "as `consents.initiate`",
    "consent_rows.claim": "as `consents.initiate`",
    "deliveries.dispatch": "what is sent of an event; the event came with a record",
    "deliveries.forget": "events that are long past; their records stay",
    "deliveries._claim": "who sends an event",
    "deliveries._finish": "how sending an event went",
    "documents.forget": "ids of shipments and orders that are long past; their records stay",
    "shipments.claim": "who asks a carrier",
    "shipments.release": "who asked a carrier, for nothing",
    "keys.check": "writes nothing; it sees that it could",
    "leases._take": "who asks for a token",
    "leases.give_back": "who asked for a token",
}
"""The writes of the hub that no record is made of, and why."""

PASSING = ("lease_owner", "lease_until", "lease_generation", "refresh_failures", "next_refresh_at")
"""Columns that say who asks for a token."""


async def register(server, known):
    await server.hub.applications.register(
        server.organization.id, lwa_client_id=CLIENT, lwa_client_secret="canary-secret", name="canary-application"
    )


async def replace_secret(server, known):
    await server.hub.applications.replace_secret(server.organization.id, known["application"], "canary-secret")


async def note_refused_secret(server, known):
    await server.hub.applications.note_refused_secret(
        server.organization.id, known["application"], previous_works=False
    )


async def remove(server, known):
    await server.hub.applications.remove(server.organization.id, known["unused"])


async def create_connection(server, known):
    await server.hub.connections.create(
        server.caller,
        customer="canary-customer",
        name="canary-name",
        marketplace=marketplace("US"),
        refresh_token="canary-grant",
        through=LwaClient("canary-client", "canary-secret"),
        selling_partner_id="canarypartner",
        replication_config={"canary": "canary"},
    )


async def renew(server, known):
    await server.hub.connections.renew(
        server.caller,
        known["connection"],
        application_id=known["application"],
        refresh_token="canary-grant",
        selling_partner_id=SELLER,
    )


async def mark_revoked(server, known):
    await server.hub.connections.mark_revoked(await server.hub.connections.open(server.caller, known["connection"]))


async def get_token(server, known):
    server.world.login.strict = True
    server.clock.advance(4000)
    await server.hub.tokens.get(await server.hub.connections.open(server.caller, known["connection"]))


async def fail_consent(server, known):
    await server.hub.consents._note_failure(known["consent"], ConsentError("canary", "creation_failed"))


async def remind(server, known):
    server.clock.now = known["connected_at"] + 340 * 86_400.0
    await server.hub.countdown.remind()


async def drop_late(server, known):
    server.clock.now = known["connected_at"] + 86_400.0
    await server.hub.held.drop_late()


async def replay(server, known):
    server.clock.advance(1)
    await server.hub.webhooks.replay(server.caller, known["webhook"], known["event"])


async def share(server, known):
    await server.hub.applications.share(server.organization.id, known["application"])


async def pass_through(server, known):
    server.hub.gateway.call_log.note(
        server.organization.id, "11111111-1111-4111-8111-111111111111", "orders_v0.getOrders", 200
    )
    await server.hub.gateway.call_log.write()


async def make_signing_key(server, known):
    await server.hub.gateway.signing.rotate()


async def claim_seller(server, known):
    found = known["brought"]
    tenant = known["tenant"].caller
    await server.hub.gateway.claims.take(tenant, found["seller_id"], found["code"], name="canary", callback_url=None)


async def drop_unclaimed(server, known):
    server.clock.now = known["connected_at"] + 2 * 86_400.0
    await server.hub.gateway.claims.drop_unclaimed()


async def empty_inbox(server, known):
    server.clock.now = known["connected_at"] + 8 * 86_400.0
    await server.hub.gateway.inbox.drop_late()


async def import_seller(server, known):
    blob = base64.b64encode(bytes(80)).decode()
    line = SellerLine("imported", known["tenant"].id, "A", "us-east-1", blob, "canary", None, "canary" * 4)
    await server.hub.gateway.imports.take(line)


async def rotate_held_secret(server, known):
    await server.hub.gateway.sellers.rotate_secret(known["tenant"].caller, known["seller"], SECRET, OTHER)


VISIT = Visit("192.0.2.1", "agent", "/api/pii/getFile")
ORDER = "902-0000000-0000001"


async def write_file(server, known):
    documents, one = server.hub.gateway.documents, known["pass"]
    await documents.write_file(one.organization_id, one.seller_id, ORDER, b"canary", "seller:1")


async def keep_label(server, known):
    new = [New(b"canary", "PDF", "label")]
    await server.hub.gateway.label_proxy._shipments.keep(known["pass"], ORDER, "parcel", new)


async def print_label(server, known):
    await server.hub.gateway.printing._count(known["pass"], Job(known["shipment"], "label", "printer", ["1"]))


async def read_too_many_files(server, known):
    await server.hub.gateway.pii_access.count_read(known["pass"], VISIT)


CHANGES = {
    "call_log.write": pass_through,
    "claims.take": claim_seller,
    "claims.drop_unclaimed": drop_unclaimed,
    "imports._take_seller": import_seller,
    "inbox.drop_late": empty_inbox,
    "registrations._note_failure": lambda server, known: server.hub.gateway.registrations._note_failure(
        known["consent"], ConsentError("canary", "invalid_grant")
    ),
    "sellers._resealed": rotate_held_secret,
    "sellers.change": lambda server, known: server.hub.gateway.sellers.change(
        known["tenant"].caller, known["seller"], name="canary", callback_url="https://canary.example.test"
    ),
    "sellers.disconnect": lambda server, known: server.hub.gateway.sellers.disconnect(
        known["tenant"].caller, known["seller"]
    ),
    "sellers.delete": lambda server, known: server.hub.gateway.sellers.delete(known["tenant"].caller, known["seller"]),
    "sellers.replace_token": lambda server, known: server.hub.gateway.sellers.replace_token(
        known["tenant"].caller, known["seller"], known["srt"]
    ),
    "sellers.revoke": lambda server, known: server.hub.gateway.sellers.revoke(
        known["tenant"].caller, known["seller"], known["srt"]
    ),
    "tenants.admin_token": lambda server, known: server.hub.gateway.tenants.admin_token(60),
    "tenants._make": lambda server, known: server.hub.gateway.tenants.create("canary", "https://wms.example.test"),
    "tenants.change": lambda server, known: server.hub.gateway.tenants.change(known["tenant"].id, privacy="remove"),
    "tenants.replace_token": lambda server, known: server.hub.gateway.tenants.replace_token(
        known["tenant"].caller, known["tenant"].refresh_token
    ),
    "tenants.renew_token": lambda server, known: server.hub.gateway.tenants.renew_token(
        known["tenant"].id, revoke=True
    ),
    "tenants.revoke": lambda server, known: server.hub.gateway.tenants.revoke(known["tenant"].caller),
    "documents._exchange": write_file,
    "pii_access._write": lambda server, known: server.hub.gateway.pii_access.block(known["pass"], ORDER, VISIT),
    "pii_access.count_read": read_too_many_files,
    "printing._count": print_label,
    "shipments._write": keep_label,
    "applications.share": share,
    "signing.rotate": make_signing_key,
    "access.create_client": lambda server, known: server.hub.access.create_client(
        server.organization.id, "canary-client"
    ),
    "access.revoke_client": lambda server, known: server.hub.access.revoke_client(
        server.organization.id, server.client_id
    ),
    "applications.register": register,
    "applications.replace_secret": replace_secret,
    "applications.note_rotation": lambda server, known: server.hub.applications.note_rotation(
        server.organization.id, known["application"], server.caller.actor
    ),
    "applications.note_secret_age": lambda server, known: server.hub.applications.note_secret_age(
        server.organization.id, known["application"], 1.0
    ),
    "applications.note_refused_secret": note_refused_secret,
    "applications.configure": lambda server, known: server.hub.applications.configure(
        server.caller, "seller-partner", lwa_client_id=CLIENT, lwa_client_secret="canary-secret"
    ),
    "applications.remove": remove,
    "connections.create": create_connection,
    "connections._renewed": renew,
    "connections.claim": lambda server, known: server.hub.connections.claim(
        server.caller, known["pending"], "canary-customer"
    ),
    "connections.change": lambda server, known: server.hub.connections.change(
        server.caller, known["connection"], name="canary-renamed"
    ),
    "connections.delete": lambda server, known: server.hub.connections.delete(server.caller, known["connection"]),
    "connections.mark_revoked": mark_revoked,
    "consents._note_failure": fail_consent,
    "countdown._remind": remind,
    "held.take": lambda server, known: server.hub.held.take(
        server.caller, known["secret"], customer="canary-customer", platform="seller-partner"
    ),
    "held.drop_late": drop_late,
    "keys._note": lambda server, known: server.hub.keys.rotate(),
    "keys.rewrap": lambda server, known: server.hub.keys.rewrap(),
    "keys.retire": lambda server, known: server.hub.keys.retire(known["old_key"]),
    "organizations.delete": lambda server, known: server.hub.organizations.delete(server.organization.id),
    "organizations.create": lambda server, known: server.hub.organizations.create("canary-organization"),
    "return_urls.register": lambda server, known: server.hub.return_urls.register(
        server.organization.id, "https://other.example.test/a"
    ),
    "return_urls.remove": lambda server, known: server.hub.return_urls.remove(
        server.organization.id, "https://unused.example.test/a"
    ),
    "leases._store_all": get_token,
    "workspaces._make": lambda server, known: server.hub.workspaces.named(server.caller, "canary-workspace"),
    "workspaces.change": lambda server, known: server.hub.workspaces.change(
        server.caller, known["workspace"], name="canary-workspace"
    ),
    "workspaces.delete": lambda server, known: server.hub.workspaces.delete(server.caller, known["workspace"]),
    "webhooks.create": lambda server, known: server.hub.webhooks.create(
        server.caller, "https://hooks.example.test/canary"
    ),
    "webhooks.delete": lambda server, known: server.hub.webhooks.delete(server.caller, known["webhook"]),
    "webhooks.rotate_secret": lambda server, known: server.hub.webhooks.rotate_secret(server.caller, known["webhook"]),
    "webhooks.test": lambda server, known: server.hub.webhooks.test(server.caller, known["webhook"]),
    "webhooks._again": replay,
}
"""The writes of the hub that a record is made of, and how to cause each."""


def writes():
    """Return every function of the hub that opens a writing transaction, and whether each of them notes a change."""
    found = {}
    for path in files(hub_package).iterdir():
        if not path.name.endswith(".py"):
            continue
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.AsyncFunctionDef | ast.FunctionDef):
                blocks = [
                    ast.unparse(block)
                    for block in ast.walk(function)
                    if isinstance(block, ast.AsyncWith) and ".writing(" in ast.unparse(block.items[0])
                ]
                if blocks:
                    name = f"{path.name.removesuffix('.py')}.{function.name}"
                    found[name] = all("_changes.note" in block for block in blocks)
    return found


def test_every_write_of_the_hub_is_recorded_or_has_a_reason_not_to_be():
    found = writes()
    assert {name for name, noted in found.items() if not noted} == set(UNRECORDED)
    assert {name for name, noted in found.items() if noted} == set(CHANGES), "give each a way to cause it, in CHANGES"


def state(house):
    """Return all that the database holds, but for who asks for tokens."""
    engine = create_engine(backend(house.settings.database).blocking_engine().url)
    with engine.begin() as connection:
        found = {
            table.name: sorted(
                connection.execute(select(*(column for column in table.c if column.name not in PASSING))).all(),
                key=repr,
            )
            for table in metadata.sorted_tables
        }
    engine.dispose()
    return found


@pytest.fixture
def house(house, tmp_path):
    create_key_file(tmp_path / "keys")
    house.settings = replace(house.settings, vault_key_file=tmp_path / "keys", vault_key=None)
    return house


async def prepare(server, house, change):
    hub, organization = server.hub, server.organization.id
    known = {
        "application": (await hub.applications.find(organization)).id,
        "connection": await server.connect("canary-customer", name="canary-name"),
    }
    unused = await hub.applications.register(
        organization, lwa_client_id=CLIENT, lwa_client_secret="canary-secret", name="unused"
    )
    known["unused"] = unused.id
    pending = await hub.connections.create(
        server.caller,
        customer=None,
        name="canary-name",
        marketplace=marketplace("US"),
        refresh_token="canary-grant",
        through=await hub.applications.find(organization, "default"),
    )
    known["pending"] = pending.id
    if change.startswith("workspaces.") and change != "workspaces._make":
        known["workspace"] = (await hub.workspaces.named(server.caller, "canary-shop")).id
    if change.startswith("held."):
        known["secret"] = hub.held.secret()
        await hub.connections.create(
            server.caller,
            customer="canary-customer",
            name="canary-name",
            marketplace=marketplace("US"),
            refresh_token="canary-grant",
            through=await hub.applications.find(organization, "default"),
            secret=known["secret"],
        )
    if change.startswith(("imports.", "sellers.", "tenants.")):
        known["tenant"], known["seller"] = await a_tenant(server), "11111111-1111-4111-8111-111111111111"
        known["srt"] = await a_seller(house, known["tenant"])
    if change.startswith("inbox."):
        await hub.gateway.tenants.adopt(organization, "https://wms.example.test")
    (known["consent"],) = [row._mapping for row in state(house)["consents"]]
    known["connected_at"] = server.clock.now
    if change.startswith("claims."):
        way = await Way.begin(server)
        known["tenant"], known["brought"] = way.tenant, await way.authorize()
        if change == "claims.drop_unclaimed":
            house.write("DELETE FROM connections WHERE secret_hash IS NOT NULL")
    known["webhook"] = (await hub.webhooks.create(server.caller, "https://hooks.example.test/canary")).webhook.id
    if change == "webhooks._again":
        await hub.webhooks.test(server.caller, known["webhook"])
        await hub.deliveries.dispatch()
        known["event"] = (await hub.webhooks.deliveries(server.caller, known["webhook"]))[0].event_id
    if change.partition(".")[0] in ("documents", "pii_access", "printing", "shipments"):
        await prepare_seller(server, house, known, change)
    await hub.return_urls.register(organization, "https://unused.example.test/a")
    if change in ("keys.rewrap", "keys.retire"):
        known["old_key"] = (await hub.keys.all())[-1].id
        await hub.keys.rotate()
    if change == "keys.retire":
        await hub.keys.rewrap()
    return known


async def prepare_seller(server, house, known, change):
    token = await a_seller_here(house, server)
    known["pass"] = one = await server.hub.gateway.passes.check(token, SECRET.encode())
    if change == "printing._count":
        new = [New(b"canary", "PDF", "label")]
        known["shipment"] = (
            await server.hub.gateway.label_proxy._shipments.keep(one, ORDER, "parcel", new)
        ).shipment_id
    if change == "pii_access.count_read":
        for _ in range(FILES_A_DAY):
            await server.hub.gateway.pii_access.count_read(one, VISIT)


ONE_OF_EACH = {name.partition(".")[0]: name for name in reversed(CHANGES)}.values()


@pytest.mark.parametrize(("database_kind", "change"), all_on_sqlite(CHANGES, ONE_OF_EACH))
def test_what_cannot_be_recorded_does_not_happen(house, change):
    async def scenario(server):
        known = await prepare(server, house, change)
        before = state(house)
        with house.refusing("INSERT ON audit"), suppress(StoreError):
            await CHANGES[change](server, known)
        assert state(house) == before
        with suppress(TooManyRequests):
            await CHANGES[change](server, known)
        after = state(house)
        changed = {name for name in after if after[name] != before[name]}
        assert changed >= {"audit", "audit_chains"}
        assert len(changed) > 2 or change in (
            "call_log.write",
            "applications.note_rotation",
            "tenants.admin_token",
            "pii_access.count_read",
            "registrations._note_failure",
        )
        secrets = (
            SELLER,
            CLIENT,
            server.client_secret,
            server.token,
            "canary",
            "Atz",
            "amzn1.oa2-cs",
            "sellerport_",
            "whsec_",
            "rt_",
            "eyJ",
            SECRET,
            OTHER,
        )
        for table in ("audit", "events"):
            shown = json.dumps([tuple(row) for row in after[table]])
            assert [secret for secret in secrets if secret in shown] == []

    house.run(scenario)
