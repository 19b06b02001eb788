"""The connector API: paths and shapes of the hosted agent-connector contract, translated onto the hub.

Shapes and known texts are those of version 0.9.0 of that contract. What a caller sends beyond them is passed over, as
the original does; what this server adds to an answer are further keys.
"""

from starlette.routing import Route

from sellerport.server.connector_api import (
    audit,
    connectors,
    execution,
    oauth_credentials,
    skills,
    templates,
    tokens,
    webhooks,
    workspaces,
)
from sellerport.server.connector_api.answers import answer, refuse
from sellerport.server.connector_api.table import CREDENTIALS, Endpoint

PREFIX = "/api/v1/"
"""What its addresses begin with."""

ENDPOINTS: tuple[Endpoint, ...] = (
    *tokens.ENDPOINTS,
    *connectors.ENDPOINTS,
    *execution.ENDPOINTS,
    *workspaces.ENDPOINTS,
    *oauth_credentials.ENDPOINTS,
    *templates.ENDPOINTS,
    *skills.ENDPOINTS,
    *webhooks.ENDPOINTS,
    *audit.ENDPOINTS,
)
"""Every route there is, with whose token it takes and what it takes and answers."""


def routes() -> list[Route]:
    """Return the routes; ``request.state.hub`` has to hold the hub."""
    return [one.route for one in ENDPOINTS]


__all__ = ["CREDENTIALS", "ENDPOINTS", "PREFIX", "Endpoint", "answer", "refuse", "routes"]
