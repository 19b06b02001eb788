"""Workspaces, tokens that are good for one of them, consents that end with a secret, and which entities may write."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

ID = sa.String(length=36)


def upgrade() -> None:
    """Apply."""
    op.add_column("consents", sa.Column("by_secret", sa.Boolean(), nullable=False, server_default=sa.false()))
    for column in (
        sa.Column("entities", sa.JSON()),
        sa.Column("secret_hash", sa.String(length=64)),
        sa.Column("secret_until", sa.Float()),
    ):
        op.add_column("connections", column)
    op.create_index("ix_connections_secret_hash", "connections", ["secret_hash"], unique=True)
    op.create_table(
        "workspaces",
        sa.Column("id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("cache_enabled", sa.Boolean()),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.CheckConstraint("status IN ('active', 'inactive')", name="ck_workspaces_status"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_workspaces_organization_id"),
        sa.PrimaryKeyConstraint("id", name="pk_workspaces"),
        sa.UniqueConstraint("organization_id", "name", name="uq_workspaces_organization_id_name"),
    )
    op.create_table(
        "scoped_tokens",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("client_id", ID, nullable=False),
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["api_clients.id"], name="fk_scoped_tokens_client_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_scoped_tokens_workspace_id"),
        sa.PrimaryKeyConstraint("hash", name="pk_scoped_tokens"),
    )
    for name in ("client_id", "workspace_id", "expires_at"):
        op.create_index(f"ix_scoped_tokens_{name}", "scoped_tokens", [name])
