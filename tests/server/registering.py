"""What tests of consent at the gateway have in common: the way from a tenant's software over Amazon and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tests.server.conftest import PUBLIC, SELLER, Answer, Browser
from tests.server.gateway import ORIGIN, SECRET, Tenant, a_tenant

DONE = f"{ORIGIN}/done"


def asked(tenant: Tenant, **more: Any) -> dict[str, Any]:
    """Return the parameters of a good request; None leaves one out."""
    given = {
        "state": "s-1",
        "tenantId": tenant.id,
        "marketplace_region": "us-east-1",
        "amazonTokenSecret": SECRET,
        "sellerRedirectUrl": DONE,
    }
    return {name: value for name, value in (given | more).items() if value is not None}


def initialize(query: Any) -> str:
    """Return the address that the tenant's software sends the browser to."""
    return f"{PUBLIC}/auth/initialize?{query if isinstance(query, str) else urlencode(query)}"


@dataclass
class Way:
    """A tenant, and a browser on its way."""

    tenant: Tenant
    browser: Browser

    @classmethod
    async def begin(cls, server: Any) -> Way:
        return cls(await a_tenant(server), server.browser)

    async def to_amazon(self, **more: Any) -> Answer:
        return await self.browser.get(initialize(asked(self.tenant, **more)))

    async def back(self, decision: str = "approve", seller: str = SELLER, **more: Any) -> str:
        """Go as far as Amazon's answer; return where that sends the browser."""
        to_amazon = await self.to_amazon(**more)
        assert to_amazon.status == 302, to_amazon.text
        return await self.browser.decide(to_amazon.location, decision, seller)

    async def authorize(self, seller: str = SELLER, **more: Any) -> dict[str, str]:
        """Go all the way; return what the browser brings to the tenant."""
        ended = await self.browser.get(await self.back(seller=seller, **more))
        assert ended.status == 302, ended.text
        return brought(ended)

    async def claim(self, found: dict[str, str], **more: Any) -> Answer:
        given = {"seller_id": found.get("seller_id"), "code": found.get("code"), "name": "Ann", "callback_url": ""}
        return await self.tenant.api("POST", "/api/claim-code", given | more)

    async def register(self, **more: Any) -> tuple[str, str]:
        """Go all the way and claim; return the seller's id and refresh token."""
        found = await self.authorize(**more)
        claimed = await self.claim(found)
        assert claimed.status == 200, claimed.text
        return found["seller_id"], claimed.json["data"]["refresh_token"]

    async def opens(self, seller_id: str, secret: str = SECRET) -> tuple[int, str]:
        """Ask Amazon something with a seller's grant; return the status, and how that went."""
        tested = await self.tenant.api("POST", f"/api/sellers/{seller_id}/test", {}, x_amazon_token_secret=secret)
        found = tested.json
        return tested.status, found["data"]["status"] if found["success"] else found["error"]["message"]


def brought(answer: Answer) -> dict[str, str]:
    """Return what a redirect brings, as the last parameters of its query have it."""
    return {name: values[0] for name, values in answer.query.items()}


def error(answer: Answer) -> tuple[int, str]:
    """Return the status and message of a refusal in the contract's shape."""
    assert answer.json["success"] is False
    assert answer.headers["x-adb-error"] == "1"
    assert "location" not in answer.headers
    return answer.status, answer.json["error"]["message"]
