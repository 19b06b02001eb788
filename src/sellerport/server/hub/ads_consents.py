"""What is different in a consent flow for the Ads API: Amazon's page, and what a browser brings back from it.

The code is bound to the browser that started (PKCE, RFC 7636): its verifier is made of the browser's cookie, which is
stored nowhere, so that a code out of another browser opens nothing here (RFC 9700 §2.1.1, §4.5).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping

from sellerport import oauth
from sellerport.errors import ConsentError
from sellerport.regions import ADS_REGIONS, Amazon, Marketplace

REFUSED = ("invalid_scope", "unauthorized_client")


def page(amazon: Amazon, marketplace: Marketplace, client_id: str, state: str, browser: str, redirect_uri: str) -> str:
    """Return Amazon's page for a browser, known by its cookie's value."""
    challenge = _hashed(verifier(browser))
    region = ADS_REGIONS[marketplace.region]
    return oauth.ads_consent_url(amazon, region, client_id, state, redirect_uri=redirect_uri, code_challenge=challenge)


def verifier(browser: str) -> str:
    """Return what the exchange of a browser's code has to bring."""
    return _hashed(f"verifier {browser}")


def code_of(params: Mapping[str, str]) -> str:
    """Return the code that a browser brought.

    Raises:
        ConsentError: it brought none; says why.
    """
    error = params.get("error")
    if error is not None:
        reason = "access_denied" if error == "access_denied" else "creation_failed"
        raise ConsentError(oauth.why_refused(error), "application_refused" if error in REFUSED else reason)
    if not params.get("code"):
        raise ConsentError("Amazon's answer has no code; start again", "creation_failed")
    return params["code"]


def _hashed(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
