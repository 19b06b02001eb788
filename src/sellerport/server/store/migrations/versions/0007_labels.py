"""Labels and files with addresses in them, the shipments they are for, and whose personal data may be asked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

ID = sa.String(length=36)
SHIPMENT = sa.String(length=64)
ORDER = sa.String(length=32)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "shipments",
        sa.Column("id", SHIPMENT, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("seller_id", ID, nullable=False),
        sa.Column("order_id", ORDER, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.String(length=64)),
        sa.Column("claim", ID),
        sa.Column("claimed_until", sa.Float()),
        sa.Column("answered_at", sa.Float()),
        sa.Column("print_count", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("first_printed_at", sa.Float()),
        sa.Column("created_at", sa.Float(), nullable=False),
        _owned("shipments"),
        sa.PrimaryKeyConstraint("id", name="pk_shipments"),
        sa.UniqueConstraint("seller_id", "name", name="uq_shipments_seller_id_name"),
    )
    op.create_index("ix_shipments_created_at", "shipments", ["created_at"])
    op.create_table(
        "documents",
        sa.Column("id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("seller_id", ID, nullable=False),
        sa.Column("order_id", ORDER, nullable=False),
        sa.Column("shipment_id", SHIPMENT),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("format", sa.String(length=16), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("delete_after", sa.Float(), nullable=False),
        _owned("documents"),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipments.id"], name="fk_documents_shipment_id"),
        sa.PrimaryKeyConstraint("id", name="pk_documents"),
    )
    op.create_index("ix_documents_shipment_id", "documents", ["shipment_id"])
    op.create_index("ix_documents_delete_after", "documents", ["delete_after"])
    op.create_index("ix_documents_seller_id_order_id", "documents", ["seller_id", "order_id"])
    op.create_table(
        "document_contents",
        sa.Column("document_id", ID, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name="fk_document_contents_document_id"),
        sa.PrimaryKeyConstraint("document_id", name="pk_document_contents"),
    )
    op.create_table(
        "pii_orders",
        sa.Column("seller_id", ID, nullable=False),
        sa.Column("order_id", ORDER, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("accessed_at", sa.Float()),
        sa.Column("access_count", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("blocked_at", sa.Float()),
        sa.Column("completed_at", sa.Float()),
        sa.Column("created_at", sa.Float(), nullable=False),
        _owned("pii_orders"),
        sa.PrimaryKeyConstraint("seller_id", "order_id", name="pk_pii_orders"),
    )
    op.create_index("ix_pii_orders_created_at", "pii_orders", ["created_at"])
    op.create_table(
        "file_reads",
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("begun_at", sa.Float(), nullable=False),
        sa.Column("reads", sa.Integer(), nullable=False),
        _owned("file_reads"),
        sa.PrimaryKeyConstraint("organization_id", name="pk_file_reads"),
    )


def _owned(table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_organization_id"
    return sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=name)
