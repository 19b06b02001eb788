"""The entries of the route table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from sellerport.server import endpoints
from sellerport.server.connector_api import shapes
from sellerport.server.connector_api.answers import refuse
from sellerport.server.endpoints import Parameter

Access = Literal["anyone", "organization", "workspace", "scoped"]
"""Whose token a route takes: nobody's, one of the organization's, that or a scoped one, or a scoped one alone."""

CREDENTIALS = {"token": {"type": "http", "scheme": "bearer"}}
"""What callers bring, as OpenAPI has it."""


class Endpoint(endpoints.Endpoint):
    """A route of the connector API."""

    access: Access
    refusal: ClassVar[Any] = shapes.Refusal
    refuse = staticmethod(refuse)

    @property
    def credentials(self) -> list[str]:
        """A token, or nothing."""
        return [] if self.access == "anyone" else ["token"]

    @property
    def headers(self) -> Mapping[str, Mapping[str, Any]]:
        """Whose organization is meant."""
        return {} if self.access == "anyone" else {"X-Organization-Id": {"type": "string", "format": "uuid"}}


__all__ = ["CREDENTIALS", "Access", "Endpoint", "Parameter"]
