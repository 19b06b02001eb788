"""What a token is good for, and how it ends before its time: after RFC 7662 and RFC 7009."""

from __future__ import annotations

from typing import Any

from sellerport.errors import Unauthenticated
from sellerport.server.hub.records import Caller
from sellerport.server.hub.refresh_tokens import RefreshToken
from sellerport.server.hub.sellers import Sellers
from sellerport.server.hub.tenants import Tenants


class Introspection:
    """Looks at tenants' own tokens, and at those of their sellers. Anybody else's is no different from none."""

    def __init__(self, tenants: Tenants, sellers: Sellers) -> None:
        self._tenants = tenants
        self._sellers = sellers

    async def look(self, caller: Caller, token: str) -> dict[str, Any] | None:
        """Return what a token says; None if it is not good, or not the tenant's."""
        if (found := await self._tenants.find_token(caller, token)) is not None:  # imported ones may begin otherwise
            return _said("tenant_refresh", caller, found)
        if (found := await self._sellers.find_token(caller, token)) is not None:
            return _said("seller_refresh", caller, found, seller_id=found.owner)
        if (claims := await self._claims(caller, token)) is None:
            return None
        kept = ("tenant_id", "seller_id", "iat", "exp", "jti")
        kind = {"adb": "adb_access", "seller": "seller_access"}[claims["typ"]]
        return {"token_type": kind, **{name: claims[name] for name in kept if name in claims}}

    async def revoke(self, caller: Caller, token: str) -> None:
        """End a token. With any one, all access tokens of the same tenant or seller end; other refresh tokens stay.

        A token that is not good, or not the tenant's, changes nothing, and nobody is told.
        """
        said = await self.look(caller, token)
        if said is None:
            return
        refresh_token = token if said["token_type"].endswith("_refresh") else None
        if "seller_id" in said:
            await self._sellers.revoke(caller, said["seller_id"], refresh_token)
        else:
            await self._tenants.revoke(caller, refresh_token)

    async def _claims(self, caller: Caller, token: str) -> dict[str, Any] | None:
        try:
            claims = await self._tenants.claims(token)
        except Unauthenticated:
            pass
        else:
            return claims if claims["tenant_id"] == caller.organization_id else None
        try:
            return await self._sellers.claims(caller, token)
        except Unauthenticated:
            return None


def _said(kind: str, caller: Caller, found: RefreshToken, **more: str) -> dict[str, Any]:
    ends = {} if found.expires_at is None else {"exp": int(found.expires_at)}
    return {"token_type": kind, "tenant_id": caller.organization_id, **more, "iat": int(found.created_at), **ends}
