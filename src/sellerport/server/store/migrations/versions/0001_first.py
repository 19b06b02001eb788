"""The first tables.

A migration is never edited once it was released: `tables.py` says what the tables are now, this says what was done.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Apply."""
    _vault()
    _access()
    _accounts()
    _consents()


def _access() -> None:
    op.create_table(
        "organizations",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_organizations"),
        sa.UniqueConstraint("name", name="uq_organizations_name"),
    )
    op.create_table(
        "api_clients",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("revoked_at", sa.Float()),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_api_clients_organization_id"),
        sa.PrimaryKeyConstraint("id", name="pk_api_clients"),
    )
    op.create_index("ix_api_clients_organization_id", "api_clients", ["organization_id"])
    op.create_table(
        "access_tokens",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("client_id", sa.String(length=36), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["api_clients.id"], name="fk_access_tokens_client_id"),
        sa.PrimaryKeyConstraint("hash", name="pk_access_tokens"),
    )
    op.create_index("ix_access_tokens_client_id", "access_tokens", ["client_id"])
    op.create_index("ix_access_tokens_expires_at", "access_tokens", ["expires_at"])


def _vault() -> None:
    op.create_table(
        "vault_checks",
        sa.Column("key_id", sa.String(length=8), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name="pk_vault_checks"),
    )


def _accounts() -> None:
    op.create_table(
        "applications",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("platform", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("lwa_client_id", sa.Text(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("application_id", sa.Text()),
        sa.Column("draft", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.CheckConstraint("platform IN ('seller-partner', 'ads')", name="ck_applications_platform"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_applications_organization_id"),
        sa.PrimaryKeyConstraint("id", name="pk_applications"),
        sa.UniqueConstraint(
            "organization_id", "platform", "name", name="uq_applications_organization_id_platform_name"
        ),
    )
    op.create_table(
        "return_urls",
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_return_urls_organization_id"),
        sa.PrimaryKeyConstraint("organization_id", "url", name="pk_return_urls"),
    )
    op.create_table(
        "connections",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("platform", sa.String(length=32), nullable=False),
        sa.Column("region", sa.String(length=8), nullable=False),
        sa.Column("marketplace", sa.String(length=16), nullable=False),
        sa.Column("application_id", sa.String(length=36)),
        sa.Column("lwa_client_id", sa.Text()),
        sa.Column("sealed_client_secret", sa.LargeBinary()),
        sa.Column("sealed_grant", sa.LargeBinary()),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("selling_partner_id", sa.Text()),
        sa.Column("replication_config", sa.JSON(), nullable=False),
        sa.Column("last_success_at", sa.Float()),
        sa.Column("last_error_at", sa.Float()),
        sa.Column("last_error", sa.Text()),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.Column("granted_at", sa.Float()),
        sa.CheckConstraint(
            "(sealed_grant IS NOT NULL) = (status IN ('active', 'needs_consent'))", name="ck_connections_grant"
        ),
        sa.CheckConstraint("platform IN ('seller-partner', 'ads')", name="ck_connections_platform"),
        sa.CheckConstraint(
            "status IN ('pending', 'active', 'needs_consent', 'disconnected')", name="ck_connections_status"
        ),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], name="fk_connections_application_id"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_connections_organization_id"),
        sa.PrimaryKeyConstraint("id", name="pk_connections"),
    )
    op.create_index("ix_connections_application_id", "connections", ["application_id"])
    op.create_index("ix_connections_organization_id_customer", "connections", ["organization_id", "customer"])


def _consents() -> None:
    op.create_table(
        "consents",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("application_id", sa.String(length=36), nullable=False),
        sa.Column("connection_id", sa.String(length=36)),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("marketplace", sa.String(length=16), nullable=False),
        sa.Column("vendor", sa.Boolean(), nullable=False),
        sa.Column("return_url", sa.Text()),
        sa.Column("replication_config", sa.JSON(), nullable=False),
        sa.Column("link_hash", sa.String(length=64), nullable=False),
        sa.Column("state_hash", sa.String(length=64)),
        sa.Column("browser_hash", sa.String(length=64)),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.Column("used_at", sa.Float()),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], name="fk_consents_application_id"),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name="fk_consents_connection_id"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_consents_organization_id"),
        sa.PrimaryKeyConstraint("id", name="pk_consents"),
        sa.UniqueConstraint("link_hash", name="uq_consents_link_hash"),
        sa.UniqueConstraint("state_hash", name="uq_consents_state_hash"),
    )
    op.create_index("ix_consents_expires_at", "consents", ["expires_at"])
