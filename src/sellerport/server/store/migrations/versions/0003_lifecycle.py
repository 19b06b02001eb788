"""Shared access tokens and refresh leases, second client secrets, the outbox, webhooks, and the audit chain."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

ID = sa.String(length=36)


def upgrade() -> None:
    """Apply."""
    _connections()
    _consents()
    _applications()
    _events()
    _webhooks()
    _audit()
    compatibility = op.create_table(
        "compatibility",
        sa.Column("oldest_revision", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("oldest_revision", name="pk_compatibility"),
    )
    op.bulk_insert(compatibility, [{"oldest_revision": "0003"}])


def _connections() -> None:
    for column in (
        sa.Column("sealed_access_token", sa.LargeBinary()),
        sa.Column("access_token_issued_at", sa.Float()),
        sa.Column("access_token_expires_at", sa.Float()),
        sa.Column("lease_owner", ID),
        sa.Column("lease_until", sa.Float()),
        sa.Column("lease_generation", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("refresh_failures", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("next_refresh_at", sa.Float()),
        sa.Column("reminded_days", sa.Integer()),
        sa.Column("stores", sa.JSON()),
    ):
        op.add_column("connections", column)
    with op.batch_alter_table("connections") as connections:
        # what an owner began at Amazon has a grant, and is pending until it has a customer
        connections.alter_column("customer", existing_type=sa.Text(), nullable=True)
        for name, condition in (
            ("ck_connections_grant", "(sealed_grant IS NOT NULL) = (status <> 'disconnected')"),
            # the same as before: SQLite's new table would have them under other names
            ("ck_connections_platform", "platform IN ('seller-partner', 'ads')"),
            ("ck_connections_status", "status IN ('pending', 'active', 'needs_consent', 'disconnected')"),
        ):
            connections.drop_constraint(name, type_="check")
            connections.create_check_constraint(op.f(name), condition)


def _consents() -> None:
    op.add_column("return_urls", sa.Column("for_installs", sa.Boolean(), nullable=False, server_default=sa.false()))
    for column in (
        sa.Column("marketplace_named", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("selling_partner_id", sa.Text()),
        sa.Column("ended_at", sa.Float()),
    ):
        op.add_column("consents", column)
    with op.batch_alter_table("consents") as consents:
        consents.alter_column("customer", existing_type=sa.Text(), nullable=True)


def _applications() -> None:
    for column in (
        sa.Column("sealed_previous_secret", sa.LargeBinary()),
        sa.Column("previous_secret_until", sa.Float()),
        sa.Column("secret_changed_at", sa.Float()),
        sa.Column("secret_refused_at", sa.Float()),
        sa.Column("reminded_days", sa.Integer()),
    ):
        op.add_column("applications", column)


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("connection_id", ID),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("dispatched_at", sa.Float()),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_events_organization_id"),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
    )
    op.create_index("ix_events_organization_id_created_at", "events", ["organization_id", "created_at"])
    waiting = sa.text("dispatched_at IS NULL")
    columns = ["organization_id", "sequence"]
    op.create_index("ix_events_undispatched", "events", columns, sqlite_where=waiting, postgresql_where=waiting)


def _webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("types", sa.JSON(), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_previous_secret", sa.LargeBinary()),
        sa.Column("previous_secret_until", sa.Float()),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_webhooks_organization_id"),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
    )
    op.create_index("ix_webhooks_organization_id", "webhooks", ["organization_id"])
    op.create_table(
        "deliveries",
        sa.Column("event_id", ID, nullable=False),
        sa.Column("webhook_id", ID, nullable=False),
        sa.Column("connection_id", ID),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("claim", ID),
        sa.Column("last_attempt_at", sa.Float()),
        sa.Column("next_attempt_at", sa.Float(), nullable=False),
        sa.Column("give_up_at", sa.Float(), nullable=False),
        sa.Column("last_status", sa.Integer()),
        sa.Column("last_error", sa.Text()),
        sa.Column("delivered_at", sa.Float()),
        sa.CheckConstraint("status IN ('pending', 'delivered', 'dead')", name="ck_deliveries_status"),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name="fk_deliveries_event_id"),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhooks.id"], name="fk_deliveries_webhook_id"),
        sa.PrimaryKeyConstraint("event_id", "webhook_id", name="pk_deliveries"),
    )
    op.create_index("ix_deliveries_webhook_id_status", "deliveries", ["webhook_id", "status"])
    pending = sa.text("status = 'pending'")
    for name, columns in (
        ("ix_deliveries_due", ["next_attempt_at"]),
        ("ix_deliveries_order", ["webhook_id", "connection_id", "sequence"]),
    ):
        op.create_index(name, "deliveries", columns, sqlite_where=pending, postgresql_where=pending)


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("chain", ID, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("chain", "sequence", name="pk_audit"),
    )
    op.create_table(
        "audit_chains",
        sa.Column("id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_chains"),
        sa.UniqueConstraint("organization_id", name="uq_audit_chains_organization_id"),
    )
    _append_only()


def _append_only() -> None:
    """Refuse what no part of this server does: whoever still wants to has to say so to the database first."""
    if op.get_bind().dialect.name == "sqlite":
        for what in ("UPDATE", "DELETE"):
            refuse = "BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
            op.execute(f"CREATE TRIGGER audit_is_append_only_{what.lower()} BEFORE {what} ON audit {refuse}")
        return
    op.execute(
        "CREATE FUNCTION audit_is_append_only() RETURNS trigger AS "
        "$$ BEGIN RAISE EXCEPTION 'audit is append-only'; END $$ LANGUAGE plpgsql"
    )
    op.execute(
        "CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
    )
