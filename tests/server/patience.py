"""Databases may take longer than in earnest, so that a machine that stands still for a while fails no test."""

from __future__ import annotations

from sellerport.server.store import postgresql, sqlite

PATIENCE_S = 60


def be_patient() -> None:
    """Have this process wait; tests of what waits too long set times of their own."""
    postgresql.ANSWER_S = postgresql.CONNECT_TIMEOUT_S = PATIENCE_S
    postgresql._ENGINE["connect_args"]["connect_timeout"] = PATIENCE_S
    sqlite.BUSY_TIMEOUT_S = PATIENCE_S
    sqlite._ENGINE["connect_args"]["timeout"] = PATIENCE_S
