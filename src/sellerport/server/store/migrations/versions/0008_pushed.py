"""Consents of the browsers that come with a pushed one, and the marketplaces of an account."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Apply."""
    op.add_column("consents", sa.Column("pushed_id", sa.String(length=36)))
    op.add_column("connections", sa.Column("marketplaces", sa.JSON()))
