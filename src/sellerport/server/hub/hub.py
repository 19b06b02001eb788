"""The hub itself: what it is made of, and that it has the keys for what is in the database."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from sellerport.limits import Limiter, Limits
from sellerport.oauth import Tokens
from sellerport.regions import Amazon
from sellerport.server.hub.access import Access
from sellerport.server.hub.applications import Applications
from sellerport.server.hub.audit import Audit
from sellerport.server.hub.calls import Calls
from sellerport.server.hub.changes import Changes
from sellerport.server.hub.connections import Connections
from sellerport.server.hub.consent_rows import ConsentRows
from sellerport.server.hub.consents import Consents
from sellerport.server.hub.countdown import Countdown
from sellerport.server.hub.deliveries import Deliveries
from sellerport.server.hub.egress import Egress
from sellerport.server.hub.exchange import Exchange, Granted
from sellerport.server.hub.gateway import Gateway, Means
from sellerport.server.hub.held import Held
from sellerport.server.hub.journal import Journal, Refresh
from sellerport.server.hub.keys import Keys
from sellerport.server.hub.mint import Mint
from sellerport.server.hub.organizations import Organizations
from sellerport.server.hub.quotas import Quotas
from sellerport.server.hub.return_urls import ReturnUrls
from sellerport.server.hub.secrets import Secrets
from sellerport.server.hub.tokens import AccessTokens
from sellerport.server.hub.webhooks import Webhooks
from sellerport.server.hub.workspaces import Workspaces
from sellerport.server.store import Database
from sellerport.server.vault import Vault
from sellerport.wire import AsyncWire, Wire


class Hub:
    """Everything that can be asked of a server.

    Args:
        database: migrated already.
        vault: the keys; see `check_vault`.
        amazon: the real one or a local one.
        public_url: the address at which browsers reach the server.
        journal: a folder for what Amazon gave and the database does not have yet.
        wire: what HTTP goes out through.
        limits: what keeps calls within Amazon's rate limits; this process's own if not given.
        egress: decides where webhooks may be; on the internet if not given.
        client_rate: requests a second that one API client may make; 0 for no limit.
        sandbox_sellers: whether tenants of the gateway may make sellers of Amazon's sandbox.
        clock: seconds since the epoch.
        monotonic: seconds, of a clock that nobody sets.
        random: a source of unpredictable bytes.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        *,
        amazon: Amazon,
        public_url: str,
        journal: Path,
        wire: Wire | None = None,
        limits: Limiter | None = None,
        egress: Egress | None = None,
        client_rate: int = 0,
        sandbox_sellers: bool = False,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        mint = Mint(random)
        wire, limits, egress = wire or AsyncWire(), limits or Limits(), egress or Egress()
        changes = Changes(database, vault, mint, clock)
        self.quotas = Quotas(limits, wire, client_rate, monotonic)
        self.keys = Keys(database, vault, changes, clock)
        self.audit = Audit(database, vault)
        self.access = Access(database, changes, mint, clock)
        self.return_urls = ReturnUrls(database, changes, clock)
        self.applications = Applications(database, vault, changes, mint, clock)
        self.connections = Connections(database, vault, self.applications, changes, mint, clock)
        self.organizations = Organizations(database, changes, self.access, self.connections, mint, clock)
        self.workspaces = Workspaces(database, self.connections, changes, mint, clock)
        self.held = Held(database, changes, mint, clock)
        granted = Journal(journal / "consents", Granted)
        rows = ConsentRows(database, changes, public_url=public_url, mint=mint, clock=clock)
        exchange = Exchange(vault, self.applications, granted, amazon=amazon, wire=wire)
        self.consents = Consents(
            database,
            applications=self.applications,
            connections=self.connections,
            return_urls=self.return_urls,
            changes=changes,
            exchange=exchange,
            held=self.held,
            rows=rows,
            amazon=amazon,
            public_url=public_url,
            mint=mint,
        )
        self.tokens = AccessTokens(
            database,
            self.connections,
            self.applications,
            changes,
            Journal(journal, Refresh),
            amazon=amazon,
            wire=wire,
            mint=mint,
            monotonic=monotonic,
        )
        self.calls = Calls(
            self.connections,
            self.applications,
            self.quotas,
            amazon=amazon,
            wire=wire,
            tokens=self.tokens,
            limits=limits,
            clock=clock,
        )
        outside = (amazon, public_url, egress, limits, wire)
        means = Means(database, vault, changes, mint, *outside, clock, monotonic, random)
        parts = (self.connections, self.applications, self.tokens, self.return_urls, rows)
        self.gateway = Gateway(means, *parts, sandbox_sellers=sandbox_sellers)
        self.secrets = Secrets(
            self.applications, amazon=amazon, wire=wire, tokens=Tokens(clock=monotonic), limits=limits
        )
        self.webhooks = Webhooks(database, vault, changes, egress, mint, clock)
        self.deliveries = Deliveries(database, vault, egress, mint, clock)
        self.countdown = Countdown(database, changes)

    async def recover(self) -> int:
        """Give the database what processes that died, or met no database, left in the journal; return how much."""
        return await self.tokens.recover() + await self.consents.recover()

    async def check_vault(self) -> None:
        """See that the vault has every key that it needs, and that the database can be written: `Keys.check`."""
        await self.keys.check()
