"""What tests of the gateway have in common: a tenant, and a seller whose grant a secret seals."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import msgspec
from tests.server.conftest import CLIENT, PUBLIC, SELLER, Answer, Server, ask

from sellerport.regions import marketplace
from sellerport.server.hub import Caller

SECRET = base64.b64encode(b"a" * 16 + bytes(range(16))).decode()
OTHER = base64.b64encode(b"b" * 16 + bytes(range(16))).decode()
ORIGIN = "https://wms.example.test/oauth"


@dataclass
class Tenant:
    """A tenant, with its tokens."""

    server: Server
    id: str
    refresh_token: str
    token: str

    @property
    def caller(self) -> Caller:
        return Caller(self.id, tenant=True)

    async def api(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, **headers: Any
    ) -> Answer:
        """Send a request with the tenant's access token, or another one."""
        given = {"x-adb-access-token": self.token if token is None else token}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await request(self.server, method, path, body, given)


async def request(server: Server, method: str, path: str, body: Any = None, headers: Any = None) -> Answer:
    encoded = body if isinstance(body, bytes) else msgspec.json.encode(body) if body is not None else b""
    return await ask(server.app, method, f"{PUBLIC}{path}", headers or {}, encoded)


def refusal(answer: Answer) -> tuple[int, str]:
    """Return the status and the message of an error, which has the contract's shape."""
    assert answer.headers["x-adb-error"] == "1"
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    body = answer.json
    assert body["success"] is False
    assert set(body) == {"success", "error"}
    assert set(body["error"]) == {"message", "code", "request_id"}
    assert body["error"]["request_id"] == answer.headers["x-request-id"]
    return answer.status, body["error"]["message"]


async def a_tenant(server: Server, name: str = "Warehouse") -> Tenant:
    made, refresh_token = await server.hub.gateway.tenants.create(name, ORIGIN)
    token = await server.hub.gateway.tenants.token(made.organization_id, refresh_token)
    application = await server.hub.applications.find(server.organization.id)
    await server.hub.applications.share(server.organization.id, application.id)
    return Tenant(server, made.organization_id, refresh_token, token)


async def a_seller(
    house: Any,
    tenant: Tenant,
    id: str = "11111111-1111-4111-8111-111111111111",
    *,
    account: str = SELLER,
    country: str = "US",
) -> str:
    """Make a seller whose grant `SECRET` opens; return its refresh token."""
    hub, world, shop = tenant.server.hub, tenant.server.world, marketplace(country)
    made = await hub.connections.create(
        tenant.caller,
        customer=id,
        name="A seller",
        marketplace=shop,
        refresh_token=world.grant(account, CLIENT).refresh_token,
        through=await hub.applications.for_tenant(tenant.id),
        selling_partner_id=account,
        held_secret=SECRET,
    )
    house.sql(
        "INSERT INTO sellers (id, organization_id, selling_partner_id, region, connection_id, claimed_at, created_at,"
        " updated_at) VALUES (:id, :owner, :account, :region, :connection, :now, :now, :now)",
        now=tenant.server.clock.now,
        id=id,
        owner=tenant.id,
        account=f"{account}{id[:4]}",
        region=shop.region,
        connection=made.id,
    )
    async with hub.gateway.sellers._database.writing() as store:
        return str(await hub.gateway.sellers._tokens.add(store, id))
