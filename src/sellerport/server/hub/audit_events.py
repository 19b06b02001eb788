"""Records of the audit as the gateway's contract writes them: one object an event, with a type and a time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sellerport.server.hub.audit import Record
from sellerport.server.hub.call_log import ACTION, LET_IN

TYPES = frozenset({LET_IN, "label_proxy", "pii_access", "print", "security"})
"""The actions that are types of the contract's, with facts in its words."""
CALLS = "amazon_api"
"""What it calls those of `ACTION`."""


def event(record: Record) -> dict[str, Any] | None:
    """Return a record as an event; None where the contract has no such.

    ``seq`` and ``hash`` are those of the organization's chain, which has the records between too.
    """
    if record.action == ACTION:
        at, said = float(record.facts["second"]), {"type": CALLS}
        facts = {"sellerId": record.subject, "tenantId": record.chain}
        facts |= {name: record.facts[name] for name in ("operation", "status", "calls")}
    elif record.action in TYPES:
        at, said, facts = record.at, {"type": record.action}, record.facts
    else:
        return None
    timestamp = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    chained = {"actor": record.actor, "seq": record.sequence, "hash": record.hash}
    return {**said, "timestamp": timestamp, **facts, **chained}
