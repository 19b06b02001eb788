"""The hub itself: what it is made of, and that it has the keys for what is in the database."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from sqlalchemy import insert, select

from sellerport.limits import Limits
from sellerport.oauth import Tokens
from sellerport.regions import Amazon
from sellerport.server.hub.access import Access
from sellerport.server.hub.applications import Applications
from sellerport.server.hub.calls import Calls
from sellerport.server.hub.connections import Connections
from sellerport.server.hub.consents import Consents
from sellerport.server.hub.mint import Mint
from sellerport.server.hub.organizations import Organizations
from sellerport.server.hub.return_urls import ReturnUrls
from sellerport.server.store import Database, vault_checks
from sellerport.server.vault import Vault
from sellerport.wire import AsyncWire, Wire

_CHECKED = b"sellerport"


class Hub:
    """Everything that can be asked of a server.

    Args:
        database: migrated already.
        vault: the keys; see `check_vault`.
        amazon: the real one or a local one.
        public_url: the address at which browsers reach the server.
        wire: what HTTP goes out through.
        clock: seconds since the epoch.
        random: a source of unpredictable bytes.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        *,
        amazon: Amazon,
        public_url: str,
        wire: Wire | None = None,
        clock: Callable[[], float] = time.time,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        mint = Mint(random)
        wire = wire or AsyncWire()
        self.organizations = Organizations(database, mint, clock)
        self.access = Access(database, mint, clock)
        self.return_urls = ReturnUrls(database, clock)
        self.applications = Applications(database, vault, mint, clock)
        self.connections = Connections(database, vault, self.applications, mint, clock)
        self.consents = Consents(
            database,
            applications=self.applications,
            connections=self.connections,
            return_urls=self.return_urls,
            amazon=amazon,
            public_url=public_url,
            wire=wire,
            mint=mint,
            clock=clock,
        )
        self.calls = Calls(
            self.connections, amazon=amazon, wire=wire, tokens=Tokens(clock=clock), limits=Limits(), clock=clock
        )

    async def check_vault(self) -> None:
        """See that the vault has every key that ever sealed something in this database, and note its newest.

        Raises:
            KeyMissing: it lacks one; the key's id is named.
            Tampered: a key has the right id and is another, or the database was altered.
            StoreError: the database cannot be read, or not opened for writing; a full disk is not noticed here.
        """
        newest = self._vault.key_ids[-1]
        async with self._database.writing() as store:  # so that a read-only database is noticed too
            known = (await store.execute(select(vault_checks.c.key_id, vault_checks.c.sealed))).all()
            for key_id, sealed in known:
                self._vault.open(sealed, ("vault_checks", key_id))
            if newest not in [key_id for key_id, _ in known]:
                sealed = self._vault.seal(_CHECKED, ("vault_checks", newest))
                values = {"key_id": newest, "sealed": sealed, "created_at": self._clock()}
                await store.execute(insert(vault_checks).values(values))
