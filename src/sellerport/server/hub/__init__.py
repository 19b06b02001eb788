"""The one place that decides who may call what: organizations, applications, connections, consent, calls.

Doors and the command line come here with a `Caller`; everything is answered within the caller's organization. The hub
alone opens the vault.
"""

from __future__ import annotations

from sellerport.server.hub.consents import Finished, Started
from sellerport.server.hub.hub import Hub
from sellerport.server.hub.records import (
    AccessToken,
    ApiClient,
    Application,
    Caller,
    Connection,
    NewApiClient,
    Organization,
    is_partner_id,
)

__all__ = [
    "AccessToken",
    "ApiClient",
    "Application",
    "Caller",
    "Connection",
    "Finished",
    "Hub",
    "NewApiClient",
    "Organization",
    "Started",
    "is_partner_id",
]
