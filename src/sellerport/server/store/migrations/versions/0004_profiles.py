"""The advertising profiles of connections to the Ads API."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

ID = sa.String(length=36)


def upgrade() -> None:
    """Apply."""
    op.add_column("connections", sa.Column("profiles", sa.Integer()))
    op.add_column("connections", sa.Column("profile_id", sa.Text()))
    op.create_table(
        "profiles",
        sa.Column("connection_id", ID, nullable=False),
        sa.Column("profile_id", sa.Text(), nullable=False),
        sa.Column("region", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name="fk_profiles_connection_id"),
        sa.PrimaryKeyConstraint("connection_id", "profile_id", name="pk_profiles"),
    )
