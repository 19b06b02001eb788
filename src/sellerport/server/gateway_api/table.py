"""The entries of the route table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from sellerport.server import endpoints
from sellerport.server.endpoints import Parameter
from sellerport.server.gateway_api import shapes
from sellerport.server.gateway_api.answers import refuse

Access = Literal["anyone", "admin", "tenant", "seller"]
"""Whose token a route takes: nobody's, an administrator's, a tenant's, or a seller's with the secret."""

CREDENTIALS = {
    "admin": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "tenant": {"type": "apiKey", "in": "header", "name": "x-adb-access-token"},
    "seller": {"type": "apiKey", "in": "header", "name": "x-seller-access-token"},
    "secret": {"type": "apiKey", "in": "header", "name": "x-amazon-token-secret"},
}
"""What callers bring, as OpenAPI has it."""


@dataclass(frozen=True)
class Endpoint(endpoints.Endpoint):
    """A route of the gateway API; ``answer`` is what the envelope holds.

    Args:
        bare: whether the answer comes without the envelope.
        secret: whether a route for tenants takes a seller's secret too.
    """

    bare: bool = False
    secret: bool = False

    access: Access
    refusal: ClassVar[Any] = shapes.Refused
    refuse = staticmethod(refuse)

    @property
    def credentials(self) -> list[str]:
        """What has to be brought, all of it."""
        secret = ["secret"] if self.secret or self.access == "seller" else []
        return [] if self.access == "anyone" else [self.access, *secret]

    def enclosed(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the schema of the answer with its envelope, where it has one."""
        if self.bare:
            return schema
        properties = {"success": {"const": True}, "data": schema}
        return {"type": "object", "properties": properties, "required": ["success", "data"]}


__all__ = ["CREDENTIALS", "Access", "Endpoint", "Parameter"]
