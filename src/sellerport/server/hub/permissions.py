"""Who may write at Amazon through a connection.

Everybody who may call a connection may read with it. To write takes a token of the whole organization; one that is
bound to a customer never does. A connection's ``entities``, where it has any, narrow that further: only what they list
with the mode ``write`` may be written. They do not narrow what may be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sellerport import connectors
from sellerport.catalog import Operation
from sellerport.errors import InvalidArguments, NotAllowed, Problem, UnknownOperation
from sellerport.server.hub.records import Caller, Connection, Platform

Entity = dict[str, Any]
"""``{"entity": "sp.campaigns", "modes": ["read", "write"]}``."""


def checked(platform: Platform, entities: Sequence[Entity]) -> list[Entity]:
    """Return entities under the names by which `check` knows them.

    Raises:
        InvalidArguments: names those that the platform does not have.
    """
    known, problems = [], []
    for number, one in enumerate(entities):
        try:
            known.append({**one, "entity": connectors.entity_of(platform, one["entity"])})
        except UnknownOperation as error:
            problems.append(Problem(f"entities.{number}.entity", error.message))
    if problems:
        raise InvalidArguments(problems=problems)
    return known


def check(caller: Caller, connection: Connection, entity: str, operation: Operation) -> None:
    """Refuse a write that a caller may not make.

    Raises:
        NotAllowed: says why, and what to do.
    """
    if not operation.write:
        return
    if caller.scoped:
        raise NotAllowed(f"{operation.key} writes, and a scoped token only reads; use one of the organization's own")
    if connection.entities is None:
        return
    names = {connectors.entity_of(connection.platform, one) for one in (entity, operation.key.rpartition(".")[0])}
    if not any(one["entity"] in names and "write" in (one.get("modes") or ()) for one in connection.entities):
        raise NotAllowed(
            f"{operation.key} writes, and this connection's entities do not list {entity!r} with the mode 'write'"
        )
