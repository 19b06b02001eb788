"""The one place that decides who may call what: organizations, applications, connections, consent, calls.

Doors and the command line come here with a `Caller`; everything is answered within the caller's organization. The hub
alone opens the vault.
"""

from __future__ import annotations

from sellerport.server.hub.audit import Chain, Proof, Record
from sellerport.server.hub.audit_events import event
from sellerport.server.hub.calls import PROBES
from sellerport.server.hub.claims import Claimed
from sellerport.server.hub.consent_steps import Finished, Invitation, Started
from sellerport.server.hub.egress import Egress
from sellerport.server.hub.gateway import Gateway
from sellerport.server.hub.hub import Hub
from sellerport.server.hub.imports import Line as ImportLine
from sellerport.server.hub.keys import Rewrapped
from sellerport.server.hub.label_proxy import Wanted
from sellerport.server.hub.outward import HOP_BY_HOP
from sellerport.server.hub.passes import Pass, Passes
from sellerport.server.hub.pii_access import Visit, actor, need_order_id
from sellerport.server.hub.printing import MOST, Job
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
    Privacy,
    Tier,
    Workspace,
    WorkspaceStatus,
    is_partner_id,
)
from sellerport.server.hub.refresh_tokens import GRACE_S
from sellerport.server.hub.registrations import Asked
from sellerport.server.hub.sellers import ACCESS_S as SELLER_ACCESS_S
from sellerport.server.hub.sellers import Seller
from sellerport.server.hub.tenants import ACCESS_S as TENANT_ACCESS_S
from sellerport.server.hub.tenants import Tenant
from sellerport.server.hub.upkeep import Pause, kept_up
from sellerport.server.hub.webhooks import Delivery, DeliveryStatus, NewSecret, Webhook

__all__ = [
    "GRACE_S",
    "HOP_BY_HOP",
    "MOST",
    "NAMES",
    "PROBES",
    "SELLER_ACCESS_S",
    "TENANT_ACCESS_S",
    "AccessToken",
    "ApiClient",
    "Application",
    "Asked",
    "Caller",
    "Chain",
    "Claimed",
    "Connection",
    "Delivery",
    "DeliveryStatus",
    "Egress",
    "Finished",
    "Gateway",
    "Hub",
    "ImportLine",
    "Invitation",
    "Job",
    "NewApiClient",
    "NewSecret",
    "Organization",
    "Pass",
    "Passes",
    "Pause",
    "Platform",
    "Privacy",
    "Proof",
    "Record",
    "Rewrapped",
    "Seller",
    "Started",
    "Tenant",
    "Tier",
    "Visit",
    "Wanted",
    "Webhook",
    "Workspace",
    "WorkspaceStatus",
    "actor",
    "event",
    "is_partner_id",
    "kept_up",
    "need_order_id",
]
