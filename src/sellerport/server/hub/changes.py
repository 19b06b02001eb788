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

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import RowMapping, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from sellerport.server.hub.mint import Mint
from sellerport.server.hub.records import SERVER
from sellerport.server.hub.sealed import key_place
from sellerport.server.store import Database, audit, audit_chains, events, organizations
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


@dataclass(frozen=True)
class Change:
    """What happened; see `Changes.note`."""

    organization_id: str | None
    action: str
    subject: str
    facts: dict[str, Fact] = field(default_factory=dict)


class Changes:
    """Writes records and events."""

    def __init__(self, database: Database, vault: Vault, mint: Mint, clock: Callable[[], float]) -> None:
        self._database = database
        self._vault = vault
        self._mint = mint
        self._clock = clock
        self._begun: dict[str, tuple[dict[str, Any], DataKey]] = {}
        """What chains that are not there yet would begin with, by whose they are."""

    @asynccontextmanager
    async def writing(self, *organization_ids: str | None, deletes: bool = False) -> AsyncIterator[AsyncConnection]:
        """One transaction in which changes of these can be recorded; None is nobody.

        A service on the network that keeps the keys of their chains is asked before it begins, and not while it holds
        up others.

        Before anything else the organizations themselves are held: see `hold`.

        Args:
            organization_ids: whose changes.
            deletes: whether the organizations are deleted, which may take minutes.

        Raises:
            VaultError: a chain's key does not open.
        """
        if self._vault.on_network:
            await self._prepare({id or SERVER for id in organization_ids} | {SERVER})
        async with self._database.writing(patient=deletes) as store:
            await hold(store, *(id for id in organization_ids if id is not None), deletes=deletes)
            yield store

    async def _prepare(self, names: set[str]) -> None:
        async with self._database.reading() as store:
            chains = select(audit_chains).where(audit_chains.c.organization_id.in_(names))
            found = (await store.execute(chains)).mappings().all()
        for chain in found:
            self._begun.pop(chain["organization_id"], None)
            await self._vault.open_key(chain["sealed_key"], key_place(audit_chains, chain))  # it is remembered
        for name in names - {chain["organization_id"] for chain in found}:
            self._begun[name] = await self._beginning(name)

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
        await self.note_all(store, actor, [Change(organization_id, action, subject, facts)])

    async def note_all(self, store: AsyncConnection, actor: str, changes: Sequence[Change]) -> None:
        """Record many changes, as `note` does, in their order."""
        now = self._clock()
        chains = await self._hold(store, sorted({change.organization_id or SERVER for change in changes}))
        records: list[dict[str, Any]] = []
        told: list[dict[str, Any]] = []
        for change in changes:
            end = chains[change.organization_id or SERVER]
            record = {
                "chain": change.organization_id or SERVER,
                "sequence": end.sequence + 1,
                "at": now,
                "actor": actor,
                "action": change.action,
                "subject": change.subject,
                "facts": change.facts,
            }
            end.sequence, end.hash = end.sequence + 1, link(end.key, end.hash, record)
            records.append({**record, "hash": end.hash})
            if change.organization_id is not None and change.action in EVENTS:
                told.append(self._event(change, end.sequence, now))
        await store.execute(insert(audit), records)
        ends = [{"chain": end.id, "sequence": end.sequence, "hash": end.hash} for end in chains.values()]
        await store.execute(update(audit_chains).where(audit_chains.c.id == bindparam("chain")), ends)
        if told:
            await store.execute(insert(events), told)

    def _event(self, change: Change, sequence: int, now: float) -> dict[str, Any]:
        kind = change.action.partition(".")[0]
        return {
            "id": self._mint.id(),
            "organization_id": change.organization_id,
            "sequence": sequence,
            "connection_id": change.subject if kind == "connection" else None,
            "type": change.action,
            "facts": {**change.facts, f"{kind}_id": change.subject},
            "created_at": now,
        }

    async def _hold(self, store: AsyncConnection, names: Sequence[str]) -> dict[str, _End]:
        """Return the ends of chains, which nobody else appends to until the transaction ends; begin them if need be.

        Always in the order of their names, so that no two transactions wait for each other.
        """
        of = audit_chains.c.organization_id
        mine = select(audit_chains).where(of.in_(names)).order_by(of).with_for_update()
        found = (await store.execute(mine)).mappings().all()
        if len(found) < len(names):
            for name in sorted(set(names) - {chain["organization_id"] for chain in found}):
                await self._begin(store, name)
            found = (await store.execute(mine)).mappings().all()
        return {chain["organization_id"]: await self._end(chain) for chain in found}

    async def _begin(self, store: AsyncConnection, name: str) -> None:
        row, key = self._begun.pop(name) if name in self._begun else await self._beginning(name)
        try:
            async with store.begin_nested():
                await store.execute(insert(audit_chains).values(**row, sealed_key=key.sealed))
        except IntegrityError:  # another transaction began it at the same moment
            return
        if name != SERVER:
            await self.note(store, None, BEGUN, name, SERVER)

    async def _beginning(self, name: str) -> tuple[dict[str, Any], DataKey]:
        row = {"id": self._mint.id(), "organization_id": name, "sequence": 0, "hash": ""}
        return row, await self._vault.new_key(key_place(audit_chains, row))

    async def _end(self, chain: RowMapping) -> _End:
        key = await self._vault.open_key(chain["sealed_key"], key_place(audit_chains, chain))
        return _End(chain["id"], key, chain["sequence"], chain["hash"])


@dataclass
class _End:
    """The end of a chain, while a transaction holds it."""

    id: str
    key: DataKey
    sequence: int
    hash: str


async def hold(store: AsyncConnection, *organization_ids: str, deletes: bool = False) -> None:
    """Hold organizations until a transaction ends: any number may who write, and nobody beside one who deletes.

    It comes before anything else that locks rows of theirs. So who waits for a deletion has none that it waits for; and
    what they would write of is gone then.
    """
    t = organizations.c
    held = select(t.id).where(t.id.in_(organization_ids)).order_by(t.id)
    await store.execute(held.with_for_update(read=not deletes, key_share=not deletes))


def link(key: DataKey, before: str, record: dict[str, Any]) -> str:
    """Return a record's hash: an HMAC-SHA256 in hex over the hash before it and the record as JSON, keys sorted."""
    return key.authenticate(before.encode() + msgspec.json.encode(record, order="sorted"))
