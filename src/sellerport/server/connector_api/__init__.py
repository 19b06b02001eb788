"""The connector API: paths and shapes of the hosted agent-connector contract, translated onto the hub.

Shapes and known texts are those of version 0.9.0 of that contract. What a caller sends beyond them is passed over, as
the original does; what this server adds to an answer are further keys.
"""

from sellerport.server.connector_api.answers import answer, refuse
from sellerport.server.connector_api.endpoints import routes

__all__ = ["answer", "refuse", "routes"]
