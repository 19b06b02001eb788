"""The tables, as the newest migration leaves them.

Times are seconds since the epoch. Columns named ``sealed_…`` are records of the vault, ``…_hash`` are SHA-256 in hex.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
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

applications = Table(
    "applications",
    metadata,
    Column("id", ID, primary_key=True),
    Column("organization_id", ID, ForeignKey("organizations.id"), nullable=False),
    Column("platform", String(32), nullable=False),
    Column("name", Text, nullable=False),
    Column("lwa_client_id", Text, nullable=False),
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("application_id", Text),
    Column("draft", Boolean(create_constraint=False), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    UniqueConstraint("organization_id", "platform", "name"),
    CheckConstraint("platform IN ('seller-partner', 'ads')", name="platform"),
)

return_urls = Table(
    "return_urls",
    metadata,
    Column("organization_id", ID, ForeignKey("organizations.id"), primary_key=True),
    Column("url", Text, primary_key=True),
    Column("created_at", Float, nullable=False),
)

connections = Table(
    "connections",
    metadata,
    Column("id", ID, primary_key=True),
    Column("organization_id", ID, ForeignKey("organizations.id"), nullable=False),
    Column("customer", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("platform", String(32), nullable=False),
    Column("region", String(8), nullable=False),
    Column("marketplace", String(16), nullable=False),
    # the registered application, or the one whose credentials came with the grant
    Column("application_id", ID, ForeignKey("applications.id"), index=True),
    Column("lwa_client_id", Text),
    Column("sealed_client_secret", LargeBinary),
    Column("sealed_grant", LargeBinary),
    Column("status", String(16), nullable=False),
    Column("selling_partner_id", Text),
    Column("replication_config", JSON, nullable=False),
    Column("last_success_at", Float),
    Column("last_error_at", Float),
    Column("last_error", Text),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("granted_at", Float),
    CheckConstraint("platform IN ('seller-partner', 'ads')", name="platform"),
    CheckConstraint("status IN ('pending', 'active', 'needs_consent', 'disconnected')", name="status"),
    # no half-made connection: what is in use has a grant, what is gone has none
    CheckConstraint("(sealed_grant IS NOT NULL) = (status IN ('active', 'needs_consent'))", name="grant"),
    Index(None, "organization_id", "customer"),
)

consents = Table(
    "consents",
    metadata,
    Column("id", ID, primary_key=True),
    Column("organization_id", ID, ForeignKey("organizations.id"), nullable=False),
    Column("customer", Text, nullable=False),
    Column("application_id", ID, ForeignKey("applications.id"), nullable=False),
    Column("connection_id", ID, ForeignKey("connections.id")),
    Column("name", Text, nullable=False),
    Column("marketplace", String(16), nullable=False),
    Column("vendor", Boolean(create_constraint=False), nullable=False),
    Column("return_url", Text),
    Column("replication_config", JSON, nullable=False),
    Column("link_hash", String(64), nullable=False, unique=True),
    Column("state_hash", String(64), unique=True),
    Column("browser_hash", String(64)),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False, index=True),
    Column("used_at", Float),
)

vault_checks = Table(
    "vault_checks",
    metadata,
    Column("key_id", String(8), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", Float, nullable=False),
)
