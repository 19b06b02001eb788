"""Envelope encryption: a data key in each row, and ids of keys that are longer than a local one's.

What an older version sealed stays as it is, and opens; `sellerport key rewrap` gives it a data key.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply."""
    for table in ("applications", "connections"):
        op.add_column(table, sa.Column("sealed_key", sa.LargeBinary()))
    op.add_column("connections", sa.Column("grant_generation", sa.BigInteger(), nullable=False, server_default="1"))
    with op.batch_alter_table("vault_checks") as checks:
        checks.alter_column("key_id", existing_type=sa.String(length=8), existing_nullable=False, type_=sa.Text())
