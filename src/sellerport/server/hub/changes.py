"""What every change leaves behind, in its own transaction: a record in the audit chain, and an event for the owner.

A change calls `Changes.note` before its transaction ends; if the record cannot be written, the change does not happen.

Each organization has a chain of records, and the server has one for what belongs to nobody. A record's hash is an HMAC
over the hash before it and the record, under a key of the chain that the vault seals: whoever alters, removes or
reorders records in the database breaks the chain, and cannot mend it without the vault. The end of a chain is a row of
its own, so that records cut off at the end are missed too; and the server's chain has the beginning of every other one,
so that a whole chain is missed as well. `audit` proves it.

Records and events hold ids, names of actions and numbers: no secret, and nothing personal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import RowMapping, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from sellerport.server.hub.mint import Mint
from sellerport.server.hub.records import SERVER
from sellerport.server.hub.sealed import key_place
from sellerport.server.store import audit, audit_chains, events
from sellerport.server.vault import DataKey, Vault

EVENTS = frozenset(
    {
        "application.secret_expiring",
        "application.secret_refused",
        "application.secret_rotated",
        "connection.active",
        "connection.authorization_expiring",
        "connection.created",
        "connection.disconnected",
        "connection.needs_consent",
        "webhook.ping",
    }
)
"""The actions that organizations are told of."""

BEGUN = "audit.begun"
"""What the server's chain says of every other one; its subject is whose that is."""

Fact = str | int | float | bool | None


class Changes:
    """Writes records and events."""

    def __init__(self, vault: Vault, mint: Mint, clock: Callable[[], float]) -> None:
        self._vault = vault
        self._mint = mint
        self._clock = clock

    async def note(
        self,
        store: AsyncConnection,
        organization_id: str | None,
        action: str,
        subject: str,
        actor: str,
        **facts: Fact,
    ) -> None:
        """Record a change, and put it into the outbox if organizations are told of such.

        Args:
            store: the transaction of the change.
            organization_id: whose it is; None is nobody's: the server's own chain.
            action: what happened, such as ``connection.created``.
            subject: the id of what it happened to; of an event about a connection, that connection's.
            actor: who did it (see `records`).
            facts: what else there is to say of it; no secret, and nothing personal.

        Raises:
            StoreError, VaultError: it cannot be written; the transaction must not go on.
        """
        now = self._clock()
        chain = await self._hold(store, organization_id or SERVER)
        key = await self._vault.open_key(chain["sealed_key"], key_place(audit_chains, chain))
        record = {
            "chain": chain["organization_id"],
            "sequence": chain["sequence"] + 1,
            "at": now,
            "actor": actor,
            "action": action,
            "subject": subject,
            "facts": facts,
        }
        hashed = link(key, chain["hash"], record)
        await store.execute(insert(audit).values(**record, hash=hashed))
        end = {"sequence": record["sequence"], "hash": hashed}
        await store.execute(update(audit_chains).where(audit_chains.c.id == chain["id"]).values(end))
        if organization_id is not None and action in EVENTS:
            kind = action.partition(".")[0]
            event = {
                "id": self._mint.id(),
                "organization_id": organization_id,
                "sequence": record["sequence"],
                "connection_id": subject if kind == "connection" else None,
                "type": action,
                "facts": {**facts, f"{kind}_id": subject},
                "created_at": now,
            }
            await store.execute(insert(events).values(event))

    async def _hold(self, store: AsyncConnection, organization_id: str) -> RowMapping:
        """Return the end of a chain, which nobody else appends to until the transaction ends; begin it if need be."""
        mine = select(audit_chains).where(audit_chains.c.organization_id == organization_id).with_for_update()
        found = (await store.execute(mine)).mappings().first()
        if found is None:
            row = {"id": self._mint.id(), "organization_id": organization_id, "sequence": 0, "hash": ""}
            key = await self._vault.new_key(key_place(audit_chains, row))
            try:
                async with store.begin_nested():
                    await store.execute(insert(audit_chains).values(**row, sealed_key=key.sealed))
            except IntegrityError:  # another transaction began it at the same moment
                pass
            else:
                if organization_id != SERVER:
                    await self.note(store, None, BEGUN, organization_id, SERVER)
            found = (await store.execute(mine)).mappings().one()
        return found


def link(key: DataKey, before: str, record: dict[str, Any]) -> str:
    """Return a record's hash: an HMAC-SHA256 in hex over the hash before it and the record as JSON, keys sorted."""
    return key.authenticate(before.encode() + msgspec.json.encode(record, order="sorted"))
