"""The connector API: paths and shapes of the hosted agent-connector contract, translated onto the hub.

Shapes and known texts are those of version 0.9.0 of that contract. What a caller sends beyond them is passed over, as
the original does; what this server adds to an answer are further keys.
"""

from starlette.routing import Route

from sellerport.server.connector_api import audit, endpoints, webhooks
from sellerport.server.connector_api.answers import answer, refuse


def routes() -> list[Route]:
    """Return the routes; ``request.state.hub`` has to hold the hub."""
    return [*endpoints.routes(), *webhooks.routes(), *audit.routes()]


__all__ = ["answer", "refuse", "routes"]
