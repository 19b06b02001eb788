"""What the gateway is made of: tenants, their sellers, and what each request may do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sellerport.limits import Limiter
from sellerport.regions import Amazon
from sellerport.restricted import RestrictedTokens
from sellerport.server import store
from sellerport.server.hub.applications import Applications
from sellerport.server.hub.call_log import CallLog
from sellerport.server.hub.changes import Changes
from sellerport.server.hub.claims import Claims
from sellerport.server.hub.connections import Connections
from sellerport.server.hub.consent_rows import ConsentRows
from sellerport.server.hub.document_links import DocumentLinks
from sellerport.server.hub.documents import Documents
from sellerport.server.hub.egress import Egress
from sellerport.server.hub.imports import Imports
from sellerport.server.hub.inbox import Inbox
from sellerport.server.hub.introspection import Introspection
from sellerport.server.hub.label_proxy import LabelProxy
from sellerport.server.hub.labels import Labels
from sellerport.server.hub.mint import Mint
from sellerport.server.hub.passes import Passes
from sellerport.server.hub.pii_access import PiiAccess
from sellerport.server.hub.printing import Printing
from sellerport.server.hub.refresh_tokens import RefreshTokens
from sellerport.server.hub.registrations import Registrations
from sellerport.server.hub.return_urls import ReturnUrls
from sellerport.server.hub.sellers import TOKEN_PREFIX, Sellers
from sellerport.server.hub.shipments import Shipments
from sellerport.server.hub.signing import Signing
from sellerport.server.hub.tenants import Tenants
from sellerport.server.hub.tokens import AccessTokens
from sellerport.server.store import Database
from sellerport.server.vault import Vault
from sellerport.wire import Wire


@dataclass(frozen=True)
class Means:
    """What parts of the hub work with; see `Hub`."""

    database: Database
    vault: Vault
    changes: Changes
    mint: Mint
    amazon: Amazon
    public_url: str
    egress: Egress
    limits: Limiter
    wire: Wire
    clock: Callable[[], float]
    monotonic: Callable[[], float]
    random: Callable[[int], bytes]


class Gateway:
    """The part of the hub that the gateway API is for."""

    def __init__(
        self,
        means: Means,
        connections: Connections,
        applications: Applications,
        tokens: AccessTokens,
        return_urls: ReturnUrls,
        consents: ConsentRows,
        *,
        sandbox_sellers: bool,
    ) -> None:
        it = means
        self.amazon, self.limits, self.wire = it.amazon, it.limits, it.wire
        self.restricted = RestrictedTokens(it.clock)
        self.call_log = CallLog(it.changes, it.clock)
        self.signing = Signing(it.database, it.vault, it.changes, it.mint, it.clock, it.random)
        self.tenants = Tenants(it.database, it.changes, self.signing, it.mint, it.clock)
        kept = store.seller_tokens
        seller_tokens = RefreshTokens(kept, kept.c.seller_id, TOKEN_PREFIX, it.mint, it.clock)
        self.imports = Imports(
            it.database, it.vault, self.tenants, connections, applications, seller_tokens, it.changes, it.clock
        )
        self.passes = Passes(
            it.database,
            connections,
            tokens,
            self.signing,
            self.imports,
            self.call_log,
            amazon=it.amazon,
            limits=it.limits,
            wire=it.wire,
            clock=it.clock,
            monotonic=it.monotonic,
            random=it.random,
        )
        self.sellers = Sellers(
            it.database,
            it.vault,
            it.changes,
            connections,
            applications,
            self.passes,
            self.signing,
            seller_tokens,
            egress=it.egress,
            wire=it.wire,
            mint=it.mint,
            clock=it.clock,
            sandbox=sandbox_sellers,
        )
        self.introspection = Introspection(self.tenants, self.sellers)
        self.registrations = Registrations(
            it.database,
            it.vault,
            applications=applications,
            connections=connections,
            return_urls=return_urls,
            rows=consents,
            changes=it.changes,
            signing=self.signing,
            amazon=it.amazon,
            wire=it.wire,
            public_url=it.public_url,
            mint=it.mint,
            clock=it.clock,
        )
        its = (it.database, connections, it.changes)
        self.claims = Claims(*its, self.passes, seller_tokens, it.egress, it.clock)
        self.inbox = Inbox(*its, applications, self.claims, it.egress, it.mint, it.clock)
        self._keep_documents(it)

    def _keep_documents(self, it: Means) -> None:
        """Make what documents, labels and orders' addresses go through."""
        self.clock, self.public_url = it.clock, it.public_url
        self.document_links = DocumentLinks(
            self.signing, amazon=it.amazon, wire=it.wire, public_url=it.public_url, clock=it.clock
        )
        self.documents = Documents(it.database, it.vault, it.changes, it.mint)
        self.pii_access = PiiAccess(it.database, it.changes, self.restricted, it.wire)
        shipments = Shipments(it.database, it.changes, self.documents, it.mint)
        self.labels = Labels(self.pii_access, shipments, it.amazon, it.wire)
        self.label_proxy = LabelProxy(self.pii_access, shipments, self.documents, it.egress)
        self.printing = Printing(it.database, it.changes, self.documents, shipments, it.mint)
