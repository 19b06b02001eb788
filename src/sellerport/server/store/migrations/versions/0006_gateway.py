"""The gateway: tenants, sellers, their tokens, and grants that open with a secret that their owner holds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

ID = sa.String(length=36)


def upgrade() -> None:
    """Apply."""
    op.add_column("applications", sa.Column("shared", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("connections", sa.Column("client_held", sa.Boolean(), nullable=False, server_default=sa.false()))
    for column in (
        sa.Column("tenant_state", sa.Text()),
        sa.Column("sealed_key", sa.LargeBinary()),
        sa.Column("sealed_secret", sa.LargeBinary()),
    ):
        op.add_column("consents", column)
    op.create_table(
        "tenants",
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("token_version", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("privacy", sa.String(length=16), nullable=False, server_default="placeholders"),
        sa.Column("tier", sa.String(length=16), nullable=False, server_default="standard"),
        sa.Column("require_pushed", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("device_hub", sa.Text()),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("suspended_at", sa.Float()),
        sa.CheckConstraint("privacy IN ('placeholders', 'remove')", name="ck_tenants_privacy"),
        sa.CheckConstraint("tier IN ('standard', 'enhanced', 'enterprise')", name="ck_tenants_tier"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_tenants_organization_id"),
        sa.PrimaryKeyConstraint("organization_id", name="pk_tenants"),
    )
    op.create_table(
        "sellers",
        sa.Column("id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("selling_partner_id", sa.Text(), nullable=False),
        sa.Column("region", sa.String(length=8), nullable=False),
        sa.Column("name", sa.Text()),
        sa.Column("callback_url", sa.Text()),
        sa.Column("connection_id", ID),
        sa.Column("sandbox", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("token_version", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.Column("claimed_at", sa.Float()),
        sa.ForeignKeyConstraint(["organization_id"], ["tenants.organization_id"], name="fk_sellers_organization_id"),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name="fk_sellers_connection_id"),
        sa.PrimaryKeyConstraint("id", name="pk_sellers"),
        sa.UniqueConstraint(
            "organization_id",
            "selling_partner_id",
            "region",
            name="uq_sellers_organization_id_selling_partner_id_region",
        ),
        sa.UniqueConstraint("connection_id", name="uq_sellers_connection_id"),
    )
    _tokens("tenant_tokens", "organization_id", "tenants.organization_id")
    _tokens("seller_tokens", "seller_id", "sellers.id")
    op.create_table(
        "v1_grants",
        sa.Column("id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_grant", sa.LargeBinary(), nullable=False),
        sa.Column("granted_at", sa.Float()),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["id"], ["sellers.id"], name="fk_v1_grants_id"),
        sa.PrimaryKeyConstraint("id", name="pk_v1_grants"),
    )
    op.create_table(
        "signing_keys",
        sa.Column("id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("retired_at", sa.Float()),
        sa.PrimaryKeyConstraint("id", name="pk_signing_keys"),
    )


def _tokens(name: str, owner: str, refers: str) -> None:
    op.create_table(
        name,
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column(owner, ID, nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float()),
        sa.ForeignKeyConstraint([owner], [refers], name=f"fk_{name}_{owner}"),
        sa.PrimaryKeyConstraint("hash", name=f"pk_{name}"),
    )
    op.create_index(f"ix_{name}_{owner}", name, [owner])
