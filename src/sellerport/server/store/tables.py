"""The tables, as the newest migration leaves them.

Times are seconds since the epoch. Columns named ``sealed_…`` are records of the vault, ``…_hash`` are SHA-256 in hex.
A table with such columns has ``sealed_key``, the row's own data key, which sealed the others, and with it ``id`` and
``organization_id`` (see `hub.sealed`).
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

ID = String(36)  # a UUID

organizations = Table(
    "organizations",
    metadata,
    Column("id", ID, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("created_at", Float, nullable=False),
)

api_clients = Table(
    "api_clients",
    metadata,
    Column("id", ID, primary_key=True),
    Column("organization_id", ID, ForeignKey("organizations.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("secret_hash", String(64), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("revoked_at", Float),
)

access_tokens = Table(
    "access_tokens",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("client_id", ID, ForeignKey("api_clients.id"), nullable=False, index=True),
    Column("expires_at", Float, nullable=False, index=True),
)

workspaces = Table(
    "workspaces",
    metadata,
    Column("id", ID, primary_key=True),
    Column("organization_id", ID, ForeignKey("organizations.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("cache_enabled", Boolean(create_constraint=False)),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    UniqueConstraint("organization_id", "name"),
    CheckConstraint("status IN ('active', 'inactive')", name="status"),
)
"""The organizations' customers, whom connections and consents know by name; some have no row until one is asked for."""

scoped_tokens = Table(
    "scoped_tokens",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("client_id", ID, ForeignKey("api_clients.id"), nullable=False, index=True),
    Column("workspace_id", ID, ForeignKey("workspaces.id"), nullable=False, index=True),
    Column("expires_at", Float, nullable=False, index=True),
)
"""Not among the access tokens, which older servers take to be good for the whole organization."""

applications = Table(
    "applications",
    metadata,
    Column("id", ID, primary_key=True),
    Column("organization_id", ID, ForeignKey("organizations.id"), nullable=False),
    Column("platform", String(32), nullable=False),
    Column("name", Text, nullable=False),
    Column("lwa_client_id", Text, nullable=False),
    Column("sealed_key", LargeBinary),  # null: format 1
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("application_id", Text),
    Column("draft", Boolean(create_constraint=False), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    # whether tenants of the gateway that have none of their own may use it
    Column("shared", Boolean(create_constraint=False), nullable=False, server_default=false()),
    # what Amazon accepts for a while after a rotation
    Column("sealed_previous_secret", LargeBinary),
    Column("previous_secret_until", Float),
    Column("secret_changed_at", Float),
    Column("secret_refused_at", Float),
    Column("reminded_days", Integer),
    UniqueConstraint("organization_id", "platform", "name"),
    CheckConstraint("platform IN ('seller-partner', 'ads')", name="platform"),
)

return_urls = Table(
    "return_urls",
    metadata,
    Column("organization_id", ID, ForeignKey("organizations.id"), primary_key=True),
    Column("url", Text, primary_key=True),
    Column("created_at", Float, nullable=False),
    # where browsers go whose owners began at Amazon; of an organization's addresses, one at most
    Column("for_installs", Boolean(create_constraint=False), nullable=False, server_default=false()),
)

connections = Table(
    "connections",
    metadata,
    Column("id", ID, primary_key=True),
    Column("organization_id", ID, ForeignKey("organizations.id"), nullable=False),
    Column("customer", Text),  # null: pending
    Column("name", Text, nullable=False),
    Column("platform", String(32), nullable=False),
    Column("region", String(8), nullable=False),
    Column("marketplace", String(16), nullable=False),
    # the registered application, or the one whose credentials came with the grant
    Column("application_id", ID, ForeignKey("applications.id"), index=True),
    Column("lwa_client_id", Text),
    Column("sealed_key", LargeBinary),  # null: format 1, or disconnected
    Column("sealed_client_secret", LargeBinary),
    Column("sealed_grant", LargeBinary),
    # counts the writes of the grant; what was sealed for an older one does not open
    Column("grant_generation", BigInteger, nullable=False, server_default="1"),
    Column("status", String(16), nullable=False),
    Column("selling_partner_id", Text),
    Column("stores", JSON),  # hashes of the account's store names, by which it is known again
    Column("marketplaces", JSON),  # where it may trade in its region, and whether it does
    # how many advertising profiles there are, and the only one; null: nobody has looked yet, or it is no advertiser
    Column("profiles", Integer),
    Column("profile_id", Text),
    Column("replication_config", JSON, nullable=False),
    Column("entities", JSON),  # which entities may do what; null: whatever the caller may
    # whether the data key needs a secret too, which its owner sends with each call
    Column("client_held", Boolean(create_constraint=False), nullable=False, server_default=false()),
    # who shows this secret in time gets the connection, which is nobody's until then
    Column("secret_hash", String(64)),
    Column("secret_until", Float),
    Column("last_success_at", Float),
    Column("last_error_at", Float),
    Column("last_error", Text),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("granted_at", Float),
    # the access token that all processes share, and who asks for the next one
    Column("sealed_access_token", LargeBinary),
    Column("access_token_issued_at", Float),
    Column("access_token_expires_at", Float),
    Column("lease_owner", ID),
    Column("lease_until", Float),
    Column("lease_generation", Integer, nullable=False, server_default="0"),
    Column("refresh_failures", Integer, nullable=False, server_default="0"),
    Column("next_refresh_at", Float),
    Column("reminded_days", Integer),
    CheckConstraint("platform IN ('seller-partner', 'ads')", name="platform"),
    CheckConstraint("status IN ('pending', 'active', 'needs_consent', 'disconnected')", name="status"),
    # no half-made connection: it has a grant until it is gone
    CheckConstraint("(sealed_grant IS NOT NULL) = (status <> 'disconnected')", name="grant"),
    Index(None, "organization_id", "customer"),
    Index(None, "secret_hash", unique=True),
)

profiles = Table(
    "profiles",
    metadata,
    Column("connection_id", ID, ForeignKey("connections.id"), primary_key=True),
    Column("profile_id", Text, primary_key=True),
    Column("region", String(8), nullable=False),
)
"""The advertising profiles of a connection to the Ads API, each of which is in one region for good."""

consents = Table(
    "consents",
    metadata,
    Column("id", ID, primary_key=True),
    Column("organization_id", ID, ForeignKey("organizations.id"), nullable=False),
    Column("customer", Text),  # null: the owner began at Amazon
    Column("application_id", ID, ForeignKey("applications.id"), nullable=False),
    Column("connection_id", ID, ForeignKey("connections.id")),
    Column("name", Text, nullable=False),
    Column("marketplace", String(16), nullable=False),
    # whether the account has to trade in this marketplace, or in any of its region
    Column("marketplace_named", Boolean(create_constraint=False), nullable=False, server_default=false()),
    Column("vendor", Boolean(create_constraint=False), nullable=False),
    Column("return_url", Text),
    Column("replication_config", JSON, nullable=False),
    # whether it ends with a secret, for which the organization gets the connection, and not with the connection
    Column("by_secret", Boolean(create_constraint=False), nullable=False, server_default=false()),
    # what the gateway's caller gets back, byte for byte; null: the consent was not begun there
    Column("tenant_state", Text),
    # the secret of a consent that was pushed, which opens with what the browser brings
    Column("sealed_key", LargeBinary),
    Column("sealed_secret", LargeBinary),
    # the pushed consent that a browser came with; each that does has a consent of its own, and one of them ends
    Column("pushed_id", ID),
    Column("link_hash", String(64), nullable=False, unique=True),
    Column("state_hash", String(64), unique=True),
    Column("browser_hash", String(64)),
    Column("selling_partner_id", Text),  # what Amazon told the Log-in URI
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False, index=True),
    Column("used_at", Float),
    Column("ended_at", Float),  # with a connection
)

tenants = Table(
    "tenants",
    metadata,
    Column("organization_id", ID, ForeignKey("organizations.id"), primary_key=True),
    # counts the times that all its tokens were taken back
    Column("token_version", Integer, nullable=False, server_default="0"),
    Column("privacy", String(16), nullable=False, server_default="placeholders"),
    Column("tier", String(16), nullable=False, server_default="standard"),
    Column("require_pushed", Boolean(create_constraint=False), nullable=False, server_default=false()),
    Column("device_hub", Text),
    Column("created_at", Float, nullable=False),
    Column("suspended_at", Float),
    CheckConstraint("privacy IN ('placeholders', 'remove')", name="privacy"),
    CheckConstraint("tier IN ('standard', 'enhanced', 'enterprise')", name="tier"),
)
"""The organizations that use the gateway."""


def _refresh_tokens(name: str, column: str, owner: str) -> Table:
    """Return a table of refresh tokens, of which an owner may have several."""
    return Table(
        name,
        metadata,
        Column("hash", String(64), primary_key=True),
        Column(column, ID, ForeignKey(owner), nullable=False, index=True),
        Column("created_at", Float, nullable=False),
        Column("expires_at", Float),  # null: until it is revoked
    )


tenant_tokens = _refresh_tokens("tenant_tokens", "organization_id", "tenants.organization_id")
"""Tenants' refresh tokens (``rt_…``)."""

sellers = Table(
    "sellers",
    metadata,
    Column("id", ID, primary_key=True),
    Column("organization_id", ID, ForeignKey("tenants.organization_id"), nullable=False),
    Column("selling_partner_id", Text, nullable=False),
    Column("region", String(8), nullable=False),
    Column("name", Text),
    Column("callback_url", Text),
    # who carries the grant; null: nobody claimed one yet, or it was disconnected
    Column("connection_id", ID, ForeignKey("connections.id"), unique=True),
    Column("sandbox", Boolean(create_constraint=False), nullable=False, server_default=false()),
    Column("token_version", Integer, nullable=False, server_default="0"),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("claimed_at", Float),
    UniqueConstraint("organization_id", "selling_partner_id", "region"),
)
"""Accounts as the gateway knows them: a seller stays the same when its owner consents again."""

seller_tokens = _refresh_tokens("seller_tokens", "seller_id", "sellers.id")
"""Sellers' refresh tokens (``srt_…``)."""

v1_grants = Table(
    "v1_grants",
    metadata,
    Column("id", ID, ForeignKey("sellers.id"), primary_key=True),
    Column("organization_id", ID, nullable=False),
    Column("sealed_key", LargeBinary, nullable=False),
    Column("sealed_grant", LargeBinary, nullable=False),
    Column("granted_at", Float),  # null: nobody knows
    Column("created_at", Float, nullable=False),
)
"""Grants of sellers that were imported, as they were sealed before, until the secret that opens them comes."""

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("id", ID, primary_key=True),
    Column("organization_id", ID, nullable=False),  # "server"
    Column("sealed_key", LargeBinary, nullable=False),
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("retired_at", Float),  # what it signed counts no longer
)
"""What signs the gateway's tokens; the newest signs, the others are looked at."""

shipments = Table(
    "shipments",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("organization_id", ID, ForeignKey("organizations.id"), nullable=False),
    Column("seller_id", ID, nullable=False),
    Column("order_id", String(32), nullable=False),
    Column("name", Text, nullable=False),  # the caller's own for it
    # of the label proxy: what was asked for, and the attempt under way; what another finds out does not count
    Column("body_hash", String(64)),
    Column("claim", ID),
    Column("claimed_until", Float),
    Column("answered_at", Float),
    Column("print_count", Integer, nullable=False, server_default="0"),
    Column("first_printed_at", Float),
    Column("created_at", Float, nullable=False, index=True),
    UniqueConstraint("seller_id", "name"),
)
"""What a label was bought for."""

documents = Table(
    "documents",
    metadata,
    Column("id", ID, primary_key=True),
    Column("organization_id", ID, ForeignKey("organizations.id"), nullable=False),
    Column("seller_id", ID, nullable=False),
    Column("order_id", String(32), nullable=False),
    Column("shipment_id", String(64), ForeignKey("shipments.id"), index=True),  # null: a file of the order
    Column("kind", String(16), nullable=False),
    Column("format", String(16), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size", Integer, nullable=False),
    Column("sealed_key", LargeBinary, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("delete_after", Float, nullable=False, index=True),
    Index(None, "seller_id", "order_id"),
)
"""Labels and files, which have addresses in them; none outlives its time, nor the order's completion."""

document_contents = Table(
    "document_contents",
    metadata,
    Column("document_id", ID, ForeignKey("documents.id"), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)
"""Apart from the documents, so that lists of those stay small. The document's data key sealed it."""

pii_orders = Table(
    "pii_orders",
    metadata,
    Column("seller_id", ID, primary_key=True),
    Column("order_id", String(32), primary_key=True),
    Column("organization_id", ID, ForeignKey("organizations.id"), nullable=False),
    Column("accessed_at", Float),  # when its personal data was asked for last, and not refused
    Column("access_count", Integer, nullable=False, server_default="0"),
    Column("blocked_at", Float),
    Column("completed_at", Float),
    Column("created_at", Float, nullable=False, index=True),
)
"""What is known of the orders whose personal data was asked for, or may not be."""

file_reads = Table(
    "file_reads",
    metadata,
    Column("organization_id", ID, ForeignKey("organizations.id"), primary_key=True),
    Column("begun_at", Float, nullable=False),
    Column("reads", Integer, nullable=False),
)
"""How many files a tenant read in the day that began with the first of them."""

vault_checks = Table(
    "vault_checks",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", Float, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("id", ID, primary_key=True),
    Column("organization_id", ID, ForeignKey("organizations.id"), nullable=False),
    Column("sequence", Integer, nullable=False),  # of its record in the organization's audit chain
    Column("connection_id", ID),
    Column("type", String(64), nullable=False),
    Column("facts", JSON, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("dispatched_at", Float),
    Index(None, "organization_id", "created_at"),
    Index(
        "ix_events_undispatched",
        "organization_id",
        "sequence",
        sqlite_where=text("dispatched_at IS NULL"),
        postgresql_where=text("dispatched_at IS NULL"),
    ),
)
"""The outbox: what organizations are told, written in the transaction of the change."""

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", ID, primary_key=True),
    Column("organization_id", ID, ForeignKey("organizations.id"), nullable=False, index=True),
    Column("url", Text, nullable=False),
    Column("types", JSON, nullable=False),
    Column("sealed_key", LargeBinary, nullable=False),
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("sealed_previous_secret", LargeBinary),
    Column("previous_secret_until", Float),
    Column("created_at", Float, nullable=False),
)

_PENDING = text("status = 'pending'")

deliveries = Table(
    "deliveries",
    metadata,
    Column("event_id", ID, ForeignKey("events.id"), primary_key=True),
    Column("webhook_id", ID, ForeignKey("webhooks.id"), primary_key=True),
    # the event's, so that what comes first is found without it
    Column("connection_id", ID),
    Column("sequence", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("claim", ID),  # the attempt under way; what another one finds out about it does not count
    Column("last_attempt_at", Float),
    Column("next_attempt_at", Float, nullable=False),
    Column("give_up_at", Float, nullable=False),
    Column("last_status", Integer),
    Column("last_error", Text),
    Column("delivered_at", Float),
    CheckConstraint("status IN ('pending', 'delivered', 'dead')", name="status"),
    Index(None, "webhook_id", "status"),
    Index("ix_deliveries_due", "next_attempt_at", sqlite_where=_PENDING, postgresql_where=_PENDING),
    Index(
        "ix_deliveries_order",
        "webhook_id",
        "connection_id",
        "sequence",
        sqlite_where=_PENDING,
        postgresql_where=_PENDING,
    ),
)
"""What each webhook is sent of the outbox, and how that went."""

audit = Table(
    "audit",
    metadata,
    Column("chain", ID, primary_key=True),  # an organization's id, or "server"
    Column("sequence", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", Text, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("hash", String(64), nullable=False),
)

audit_chains = Table(
    "audit_chains",
    metadata,
    Column("id", ID, primary_key=True),
    Column("organization_id", ID, nullable=False, unique=True),  # or "server"
    Column("sequence", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("sealed_key", LargeBinary, nullable=False),
)
"""The end of each chain, which whoever appends to it holds."""

compatibility = Table("compatibility", metadata, Column("oldest_revision", String(32), primary_key=True))
"""The oldest Sellerport, by its newest migration, that may use this database; one row."""
