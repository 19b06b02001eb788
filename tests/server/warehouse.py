"""A tenant's seller at the gateway, who sends what it asks with its token and secret."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import msgspec
from tests.server.conftest import PUBLIC, SELLER, Answer, Server, ask
from tests.server.test_passes import ID, SECRET, a_seller

from sellerport.server.hub import Pass


@dataclass
class Warehouse:
    """Software that knows a seller's token and secret."""

    server: Server
    token: str
    seller_id: str = ID

    async def ask(self, method: str, path: str, body: Any = None, **headers: Any) -> Answer:
        given = {"x-seller-access-token": self.token, "x-amazon-token-secret": SECRET, "user-agent": "wms/1"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        encoded = body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body)
        url = path if path.startswith(PUBLIC) else f"{PUBLIC}{path}"
        return await ask(self.server.app, method, url, given, encoded)

    async def renew(self) -> None:
        """Get another token, as one does every day."""
        said = {"tenant_id": self.server.organization.id, "seller_id": self.seller_id, "sv": 0}
        self.token = await self.server.hub.gateway.signing.issue("seller", 86_400, **said)

    async def the_pass(self) -> Pass:
        return await self.server.hub.gateway.passes.check(self.token.encode(), SECRET.encode())

    async def audit(self, *actions: str) -> list[Any]:
        records = await self.server.hub.audit.page(self.server.caller, before=1 << 30, most=100)
        return [one for one in reversed(records) if one.action in actions]

    def order(self, *, status: str = "Unshipped", channel: str = "MFN") -> Any:
        orders = self.server.world.account(SELLER).orders.values()
        return next(one for one in orders if (one.status, one.channel) == (status, channel))

    def change(self, **address: Any) -> Any:
        """Let an order go to another address, and return it."""
        order = self.order()
        there = {"postal_code": "97099", **address}
        changed = replace(order, address=replace(order.address, **there))
        self.server.world.change_order(SELLER, changed)
        return changed


async def a_warehouse(house: Any, server: Server, *, tier: str = "enterprise", **tenant: Any) -> Warehouse:
    token = (await a_seller(house, server)).decode()
    house.sql("UPDATE tenants SET tier = :tier", tier=tier)
    for name, value in tenant.items():
        house.sql(f"UPDATE tenants SET {name} = :value", value=value)
    return Warehouse(server, token)


def error(answer: Answer) -> tuple[int, str]:
    """Return the status and the message of an error, in the gateway's shape."""
    assert answer.headers["x-adb-error"] == "1", answer.text
    assert answer.json["success"] is False
    return answer.status, answer.json["error"]["message"]
