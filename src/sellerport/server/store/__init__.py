"""The database: where everything but process memory is kept. Knows SQL, and nothing of who may do what.

`Database.reading` and `Database.writing` are each one transaction; whatever goes wrong in one becomes a `StoreError`
that says what to do, and nothing of it stays.
"""

from sellerport.server.store.database import Database
from sellerport.server.store.tables import (
    access_tokens,
    api_clients,
    applications,
    audit,
    audit_chains,
    connections,
    consents,
    deliveries,
    events,
    metadata,
    organizations,
    profiles,
    return_urls,
    scoped_tokens,
    vault_checks,
    webhooks,
    workspaces,
)

__all__ = [
    "Database",
    "access_tokens",
    "api_clients",
    "applications",
    "audit",
    "audit_chains",
    "connections",
    "consents",
    "deliveries",
    "events",
    "metadata",
    "organizations",
    "profiles",
    "return_urls",
    "scoped_tokens",
    "vault_checks",
    "webhooks",
    "workspaces",
]
