"""What Amazon opens the application's Log-in URI with, when an owner began at Amazon: an install, or a renewal.

The browser goes on to an address that came with it (``amazon_callback_uri``), so that this has to be one of Amazon's.
It is not taken apart: every address that it may be is made from the table of Amazon's hosts, and it has to be the same
text as one of them.

Source: Amazon's page "Selling Partner Appstore authorization workflow".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from sellerport import regions
from sellerport.errors import ConsentError
from sellerport.regions import MARKETPLACES, REGIONS, SELLER_CENTRALS, VENDOR_CENTRALS, Amazon, Marketplace
from sellerport.server.hub.proof import other_region
from sellerport.server.hub.records import Application, is_partner_id

LONGEST_STATE = 4096
"""Amazon says nothing of its length; those that developers showed had some hundred characters."""


@dataclass(frozen=True)
class LogIn:
    """An owner whom Amazon sends to the application."""

    host: str
    callback_uri: str
    amazon_state: str = field(repr=False)
    selling_partner_id: str
    draft: bool

    @property
    def vendor(self) -> bool:
        """Whether they come from Vendor Central."""
        return self.host in VENDOR_CENTRALS

    @property
    def marketplace(self) -> Marketplace:
        """The marketplace of this Central; where several share it, the one that stands for their region."""
        own = [
            it
            for it in MARKETPLACES
            if self.host in (it.seller_central, it.vendor_central, f"sellercentral.{it.domain}")
        ]
        if len(own) == 1:
            return own[0]
        return regions.marketplace(REGIONS[(VENDOR_CENTRALS if self.vendor else SELLER_CENTRALS)[self.host]].home)

    def location(self, state: str, redirect_uri: str) -> str:
        """Return where the browser goes on to."""
        said = {"redirect_uri": redirect_uri, "amazon_state": self.amazon_state, "state": state}
        said |= {"version": "beta"} if self.draft else {}
        return f"{self.callback_uri}?{urlencode(said, quote_via=quote)}"


def read(amazon: Amazon, application: Application, params: Mapping[str, str]) -> LogIn:
    """Read what Amazon says.

    Args:
        amazon: the real one or a local one.
        application: the one whose Log-in URI was opened.
        params: the query.

    Raises:
        ConsentError: it is not what Amazon sends.
    """
    given = params.get("amazon_callback_uri", "")
    path = f"/apps/authorize/confirm/{application.application_id}"
    host = next((it for it in (*SELLER_CENTRALS, *VENDOR_CENTRALS) if amazon.url(it, path) == given), None)
    if host is None:
        raise ConsentError(
            "this address does not lead back to Amazon's page for this application; begin again at Amazon, under "
            "Manage Your Apps or in the Appstore"
        )
    amazon_state, partner = params.get("amazon_state", ""), params.get("selling_partner_id", "")
    if not 0 < len(amazon_state) <= LONGEST_STATE or not is_partner_id(partner):
        raise ConsentError("Amazon's state or selling partner id is missing or unreadable; begin again at Amazon")
    return LogIn(host, given, amazon_state, partner, params.get("version") == "beta")


def check(consent: Mapping[str, Any], log_in: LogIn) -> None:
    """Refuse to go on with an open consent for another account than the one that Amazon names.

    Raises:
        ConsentError: says so.
    """
    if consent["renewed_partner_id"] not in (None, log_in.selling_partner_id):
        raise ConsentError(
            "Amazon has you signed in to another account than the one to renew; sign in to that, and start again",
            reason="account_mismatch",
        )
    wanted = regions.marketplace(consent["marketplace"])
    if log_in.marketplace.region != wanted.region:
        raise other_region(log_in.marketplace.region, wanted)
