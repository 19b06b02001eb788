"""The audit chains, read: shown, given out, and proved whole. `changes` writes them.

Whoever writes to the database without the vault can only cut off the end of a chain together with the row that says
where it ends, as an older copy of the database would. That shows where the hash of a later record was kept elsewhere:
every hash stands for all records before it.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import RowMapping, Select, Text, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sellerport.errors import KeyMissing, Tampered
from sellerport.server.hub.changes import BEGUN, link
from sellerport.server.hub.records import SERVER, Caller
from sellerport.server.hub.sealed import key_place
from sellerport.server.store import Database, audit, audit_chains
from sellerport.server.vault import DataKey, Vault

PAGE = 500
"""How many records are in memory at a time."""

_t = audit.c
_AS_WRITTEN = select(*(column for column in _t if column is not _t.facts), cast(_t.facts, Text).label("facts"))
"""Records whose facts may be anything."""


@dataclass(frozen=True)
class Record:
    """One change."""

    chain: str
    """Whose: an organization's id, or ``server``."""
    sequence: int
    """1 and up, without a gap."""
    at: float
    actor: str
    action: str
    subject: str
    facts: dict[str, Any]
    hash: str


@dataclass(frozen=True)
class Chain:
    """What a proof found out about one chain."""

    chain: str
    """Whose: an organization's id, or ``server``."""
    records: int = 0
    """How many are whole, from the first one."""
    first_at: float | None = None
    last_at: float | None = None
    hash: str = ""
    """The last one's: what to keep elsewhere."""
    broken_at: int | None = None
    """The sequence of the first record that is not as it was written; None if all are."""
    problem: str | None = None


@dataclass(frozen=True)
class Proof:
    """What became of verifying."""

    chains: list[Chain] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """The hashes that were expected, and that no whole part of a chain has."""

    @property
    def ok(self) -> bool:
        """Whether nothing is missing and nothing was altered."""
        return not self.missing and all(chain.broken_at is None for chain in self.chains)


class Audit:
    """What happened."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def page(self, caller: Caller, *, before: int, most: int) -> list[Record]:
        """Return an organization's records, the newest first.

        Args:
            caller: whose.
            before: only those with a lower sequence.
            most: how many.
        """
        mine = select(audit).where(_t.chain == caller.organization_id, _t.sequence < before)
        async with self._database.reading() as store:
            rows = await store.execute(mine.order_by(_t.sequence.desc()).limit(most))
        return [Record(**row) for row in rows.mappings()]

    async def export(self, chain: str | None = None, since: float | None = None) -> AsyncIterator[Record]:
        """Yield records, chain by chain and in their order; what is appended meanwhile may be among them.

        Args:
            chain: an organization's id, or ``server``; all if not given.
            since: only those from this time on, in seconds since the epoch.
        """
        for one in await self._chains() if chain is None else [chain]:
            after: int | None = None
            while True:
                async with self._database.reading() as store:
                    page = _after(select(audit), one, after)
                    rows = (await store.execute(page if since is None else page.where(_t.at >= since))).mappings().all()
                if not rows:
                    break
                for row in rows:
                    yield Record(**row)
                after = rows[-1]["sequence"]

    async def verify(self, chain: str | None = None, expect: Collection[str] = ()) -> Proof:
        """Prove that every record is as it was written, and that none is missing. The server may run meanwhile.

        Args:
            chain: an organization's id, or ``server``; all if not given.
            expect: hashes of records that were kept elsewhere.

        Raises:
            VaultUnavailable: the service that keeps the keys cannot be used.
        """
        expected = set(expect)
        proof = Proof()
        for one in await self._chains() if chain is None else [chain]:
            proof.chains.append(await self._prove(one, expected))
        proof.missing.extend(sorted(expected))
        return proof

    async def _chains(self) -> list[str]:
        """Return all that there are, were begun, or have records, the server's first."""
        async with self._database.reading(patient=True) as store:
            found = {
                *await store.scalars(select(audit_chains.c.organization_id)),
                *await store.scalars(select(_t.chain).distinct()),
                *await store.scalars(select(_t.subject).distinct().where(_t.chain == SERVER, _t.action == BEGUN)),
            }
        return sorted(found, key=lambda name: (name != SERVER, name))

    async def _prove(self, name: str, expected: set[str]) -> Chain:
        async with self._database.reading(
            patient=True
        ) as store:  # one state of the database: nothing is appended in between
            mine = select(audit_chains).where(audit_chains.c.organization_id == name)
            end = (await store.execute(mine)).mappings().first()
            if end is None:
                return Chain(name, broken_at=1, problem="the row that says where the chain ends is gone")
            if name != SERVER and await _begun(store, name) != 1:
                return Chain(name, broken_at=1, problem="the server's own chain does not have its beginning once")
            return await self._prove_to(store, end, expected)

    async def _prove_to(self, store: AsyncConnection, end: RowMapping, expected: set[str]) -> Chain:
        good = Chain(end["organization_id"])
        try:
            key = await self._vault.open_key(end["sealed_key"], key_place(audit_chains, end))
        except (Tampered, KeyMissing) as error:
            return replace(good, broken_at=1, problem=f"its key does not open: {error.message}")
        while rows := (await store.execute(_after(_AS_WRITTEN, good.chain, good.records or None))).mappings().all():
            for row in rows:
                good = _continued(good, row, key, end["sequence"])
                if good.broken_at is not None:
                    return good
                expected.discard(good.hash)
        if good.records < max(1, end["sequence"]):
            return replace(good, broken_at=good.records + 1, problem="the record is missing: the end was cut off")
        if good.hash != end["hash"]:
            return replace(good, broken_at=good.records, problem="the chain ends with another record")
        return good


def _continued(good: Chain, row: RowMapping, key: DataKey, end: int) -> Chain:
    """Return what is known of a chain with one record more."""
    record = dict(row)
    hashed, next = record.pop("hash"), good.records + 1
    altered = replace(good, broken_at=next, problem="the record was altered, or is not what was here")
    if record["sequence"] != next:
        return replace(good, broken_at=next, problem="the record is missing")
    try:
        record["facts"] = json.loads(record["facts"])
    except ValueError:
        return altered
    if not hmac.compare_digest(link(key, good.hash, record), hashed):
        return altered
    if next > end:
        return replace(good, broken_at=next, problem="the chain ends before this record")
    return Chain(good.chain, next, record["at"] if good.first_at is None else good.first_at, record["at"], hashed)


def _after(wanted: Select[Any], chain: str, sequence: int | None) -> Select[Any]:
    """Narrow a query to the next page of a chain; without a sequence, to whatever comes first."""
    mine = wanted.where(_t.chain == chain)
    return (mine if sequence is None else mine.where(_t.sequence > sequence)).order_by(_t.sequence).limit(PAGE)


async def _begun(store: AsyncConnection, name: str) -> int:
    here = (_t.chain == SERVER) & (_t.action == BEGUN) & (_t.subject == name)
    return await store.scalar(select(func.count()).where(here)) or 0
