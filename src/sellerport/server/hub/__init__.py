"""The one place that decides who may call what: organizations, applications, connections, consent, calls.

Doors and the command line come here with a `Caller`; everything is answered within the caller's organization. The hub
alone opens the vault.
"""

from __future__ import annotations

from sellerport.server.hub.audit import Chain, Proof, Record
from sellerport.server.hub.calls import PROBES
from sellerport.server.hub.consent_steps import Finished, Invitation, Started
from sellerport.server.hub.egress import Egress
from sellerport.server.hub.hub import Hub
from sellerport.server.hub.keys import Rewrapped
from sellerport.server.hub.records import (
    NAMES,
    AccessToken,
    ApiClient,
    Application,
    Caller,
    Connection,
    NewApiClient,
    Organization,
    Platform,
    Workspace,
    WorkspaceStatus,
    is_partner_id,
)
from sellerport.server.hub.upkeep import Pause, kept_up
from sellerport.server.hub.webhooks import Delivery, DeliveryStatus, NewSecret, Webhook

__all__ = [
    "NAMES",
    "PROBES",
    "AccessToken",
    "ApiClient",
    "Application",
    "Caller",
    "Chain",
    "Connection",
    "Delivery",
    "DeliveryStatus",
    "Egress",
    "Finished",
    "Hub",
    "Invitation",
    "NewApiClient",
    "NewSecret",
    "Organization",
    "Pause",
    "Platform",
    "Proof",
    "Record",
    "Rewrapped",
    "Started",
    "Webhook",
    "Workspace",
    "WorkspaceStatus",
    "is_partner_id",
    "kept_up",
]
