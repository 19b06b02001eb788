"""The carriers that the label proxy forwards to: a closed table, compared part by part and never as text."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sellerport.errors import InvalidArguments, NotAllowed
from sellerport.server.hub.egress import Egress
from sellerport.server.hub.return_urls import LOOPBACK, Place

CARRIERS: Mapping[str, str] = MappingProxyType(
    {
        "api.easypost.com": "easypost",
        "ssapi.shipstation.com": "shipstation",
        "api.goshippo.com": "shippo",
        "onlinetools.ups.com": "ups",
        "wwwcie.ups.com": "ups",
        "apis.fedex.com": "fedex",
        "apis-sandbox.fedex.com": "fedex",
        "secure.shippingapis.com": "usps",
        "express.api.dhl.com": "dhl",
        "api-sandbox.dhl.com": "dhl",
    }
)
"""The hosts, each reached by https on its usual port, and whose they are."""

LOCAL = "local"
"""What a carrier on this machine is called, for development."""


def carrier_of(egress: Egress, url: str) -> tuple[Place, str]:
    """Return where an address leads, and to which carrier.

    Raises:
        NotAllowed: to none.
    """
    try:
        place = egress.check(url, "x-original-url")
    except InvalidArguments:
        raise NotAllowed("Carrier origin not allowed") from None
    if egress.private and place.host in LOOPBACK:
        return place, LOCAL
    if (place.scheme, place.port) != ("https", 443) or place.host not in CARRIERS:
        raise NotAllowed("Carrier origin not allowed")
    return place, CARRIERS[place.host]
