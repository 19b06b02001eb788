"""The closed table of Amazon's regions, marketplaces and hosts.

No host is ever built from a caller's text: a region or marketplace is looked up here, and what is not here does not
exist. The one override is the address of a local Amazon, under which every host of the table appears as the first
segment of the path:

>>> Amazon().url(LWA, "/auth/o2/token")
'https://api.amazon.com/auth/o2/token'
>>> Amazon("http://127.0.0.1:8099").url(REGIONS["eu"].host, "/orders/v0/orders")
'http://127.0.0.1:8099/sellingpartnerapi-eu.amazon.com/orders/v0/orders'

Source: Amazon's pages "SP-API endpoints", "Marketplace IDs" and "Seller Central URLs".
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from sellerport.errors import InvalidArguments, Problem, SettingsError

LWA = "api.amazon.com"
"""Login with Amazon's token server."""


@dataclass(frozen=True)
class Region:
    """Where Amazon keeps a group of marketplaces; a Selling Partner grant is good in exactly one."""

    name: str
    host: str
    home: str
    """The marketplace that stands for the region where only the region is known."""

    @property
    def sandbox(self) -> str:
        """The host of the static and dynamic sandbox."""
        return f"sandbox.{self.host}"


@dataclass(frozen=True)
class Marketplace:
    """One country's shop."""

    id: str
    country: str
    region: str
    seller_central: str
    vendor_central: str
    domain: str
    currency: str


REGIONS = MappingProxyType(
    {
        "na": Region("na", "sellingpartnerapi-na.amazon.com", "ATVPDKIKX0DER"),
        "eu": Region("eu", "sellingpartnerapi-eu.amazon.com", "A1PA6795UKMFR9"),
        "fe": Region("fe", "sellingpartnerapi-fe.amazon.com", "A1VC38T7YXB528"),
    }
)

AWS_REGIONS = MappingProxyType({"us-east-1": "na", "eu-west-1": "eu", "us-west-2": "fe"})
"""What regions are called by where Amazon's own machines are."""

_EUROPE = "sellercentral-europe.amazon.com"
_MIDDLE_EAST = "vendorcentral.amazon.me"


def _shop(
    id: str, country: str, region: str, tld: str, currency: str, *, seller: str = "", vendor: str = ""
) -> Marketplace:
    return Marketplace(
        id=id,
        country=country,
        region=region,
        seller_central=seller or f"sellercentral.amazon.{tld}",
        vendor_central=vendor or f"vendorcentral.amazon.{tld}",
        domain=f"amazon.{tld}",
        currency=currency,
    )


MARKETPLACES = (
    _shop("A2EUQ1WTGCTBG2", "CA", "na", "ca", "CAD"),
    _shop("ATVPDKIKX0DER", "US", "na", "com", "USD"),
    _shop("A1AM78C64UM0Y8", "MX", "na", "com.mx", "MXN"),
    _shop("A2Q3Y263D00KWC", "BR", "na", "com.br", "BRL"),
    _shop("A28R8C7NBKEWEA", "IE", "eu", "ie", "EUR"),
    _shop("A1RKKUPIHCS9HS", "ES", "eu", "es", "EUR", seller=_EUROPE),
    _shop("A1F83G8C2ARO7P", "GB", "eu", "co.uk", "GBP", seller=_EUROPE),
    _shop("A13V1IB3VIYZZH", "FR", "eu", "fr", "EUR", seller=_EUROPE),
    _shop("AMEN7PMS3EDWL", "BE", "eu", "com.be", "EUR"),
    _shop("A1805IZSGTT6HS", "NL", "eu", "nl", "EUR"),
    _shop("A1PA6795UKMFR9", "DE", "eu", "de", "EUR", seller=_EUROPE),
    _shop("APJ6JRA9NG5V4", "IT", "eu", "it", "EUR", seller=_EUROPE),
    _shop("A2NODRKZP88ZB9", "SE", "eu", "se", "SEK"),
    _shop("AE08WJ6YKNBMC", "ZA", "eu", "co.za", "ZAR"),
    _shop("A1C3SOZRARQ6R3", "PL", "eu", "pl", "PLN"),
    _shop("ARBP9OOSHTCHU", "EG", "eu", "eg", "EGP", vendor=_MIDDLE_EAST),
    _shop("A33AVAJ2PDY3EV", "TR", "eu", "com.tr", "TRY"),
    _shop("A17E79C6D8DWNP", "SA", "eu", "sa", "SAR", vendor=_MIDDLE_EAST),
    _shop("A2VIGQ35RCS4UG", "AE", "eu", "ae", "AED", vendor=_MIDDLE_EAST),
    _shop("A21TJRUUN4KGV", "IN", "eu", "in", "INR", vendor="www.vendorcentral.in"),
    _shop("A19VAU5U5O7RUS", "SG", "fe", "sg", "SGD", vendor="vendorcentral.amazon.com.sg"),
    _shop("A39IBJ37TRP1C6", "AU", "fe", "com.au", "AUD"),
    _shop("A1VC38T7YXB528", "JP", "fe", "co.jp", "JPY"),
)

_BY_NAME = {name: shop for shop in MARKETPLACES for name in (shop.id, shop.country)}
_BY_NAME["UK"] = _BY_NAME["GB"]  # Amazon's pages say UK, its older ones GB
_REGION_OF_URL = {f"https://{region.host}": region.name for region in REGIONS.values()}

SELLING_PARTNER_HOSTS = MappingProxyType(
    {host: region for region in REGIONS.values() for host in (region.host, region.sandbox)}
)
"""Every SP-API host, production and sandbox, with its region."""

# Some countries share a Central, and have an address of their own that is used too.
SELLER_CENTRALS = MappingProxyType(
    {host: shop.region for shop in MARKETPLACES for host in (shop.seller_central, f"sellercentral.{shop.domain}")}
)
"""Every Seller Central host, where sellers consent, with its region."""

VENDOR_CENTRALS = MappingProxyType(
    {host: shop.region for shop in MARKETPLACES for host in (shop.vendor_central, f"vendorcentral.{shop.domain}")}
)
"""Every Vendor Central host, where vendors consent, with its region."""


@dataclass(frozen=True)
class AdsRegion:
    """Where Amazon keeps the advertising of a group of countries; one grant is good in all three."""

    name: str
    host: str
    consent: str
    """Where advertisers consent."""
    lwa: str
    """Login with Amazon's token server there; each knows what the others know."""
    countries: tuple[str, ...]


ADS_REGIONS = MappingProxyType(
    {
        "na": AdsRegion("na", "advertising-api.amazon.com", "www.amazon.com", LWA, ("US", "CA", "MX", "BR")),
        "eu": AdsRegion(
            "eu",
            "advertising-api-eu.amazon.com",
            "eu.account.amazon.com",
            "api.amazon.co.uk",
            ("GB", "FR", "IT", "ES", "DE", "NL", "AE", "PL", "TR", "EG", "SA", "SE", "BE", "IN", "ZA", "IE"),
        ),
        "fe": AdsRegion(
            "fe",
            "advertising-api-fe.amazon.com",
            "apac.account.amazon.com",
            "api.amazon.co.jp",
            ("JP", "AU", "SG"),
        ),
    }
)
"""Amazon's page "Authorization and authentication" of the Ads API."""

ADS_HOSTS = MappingProxyType({region.host: region for region in ADS_REGIONS.values()})
"""Every host of the Ads API, with its region."""

ADS_CONSENT_HOSTS = MappingProxyType({region.consent: region for region in ADS_REGIONS.values()})
"""Every host where advertisers consent, with its region."""

LWA_HOSTS = tuple(region.lwa for region in ADS_REGIONS.values())
"""Login with Amazon for the Americas, Europe and the Far East."""

HOSTS = frozenset(
    {*LWA_HOSTS, *SELLING_PARTNER_HOSTS, *SELLER_CENTRALS, *VENDOR_CENTRALS, *ADS_HOSTS, *ADS_CONSENT_HOSTS}
)
"""Every host that Sellerport ever calls or sends a browser to."""


def ads_region(name: str) -> AdsRegion:
    """Find a region of the Ads API by its name, a country, a marketplace id, or its endpoint's URL.

    Raises:
        InvalidArguments: there is no such region.
    """
    host = name.strip().rstrip("/").lower().removeprefix("https://")
    return ADS_HOSTS.get(host) or ADS_REGIONS[region(name).name]


def marketplace(name: str) -> Marketplace:
    """Find a marketplace by its id, country code (``"DE"``, ``"UK"`` and ``"GB"``) or region (its home marketplace).

    Raises:
        InvalidArguments: there is no such marketplace; the nearest name is suggested.
    """
    given = name.strip()
    key = _REGION_OF_URL.get(given.rstrip("/").lower(), given)
    if key.lower() in REGIONS:
        key = REGIONS[key.lower()].home
    found = _BY_NAME.get(key.upper())
    if found is None:
        near = difflib.get_close_matches(key.upper(), _BY_NAME, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        problem = f"no such country, marketplace id or region: {name!r}{hint} (such as 'DE', 'na', 'eu' or 'fe')"
        raise InvalidArguments(problems=[Problem("marketplace", problem)])
    return found


def marketplace_id(name: Any) -> Any:
    """Return the marketplace id of a country code, and everything else as it is: Amazon has ids that no table lists."""
    found = _BY_NAME.get(name.strip().upper()) if isinstance(name, str) else None
    return found.id if found is not None else name


def region(name: str) -> Region:
    """Find a region by its name, a country, a marketplace id, or its endpoint's URL.

    Raises:
        InvalidArguments: there is no such region.
    """
    return REGIONS[marketplace(name).region]


def is_address(text: str) -> bool:
    """Return whether a text says where a server is: a scheme, a host, and maybe a port."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none
        return False


@dataclass(frozen=True)
class Amazon:
    """Where Amazon is: the real one, or a local one at an address such as ``http://127.0.0.1:8099``."""

    local: str | None = None

    def __post_init__(self) -> None:
        if self.local and not is_address(self.local):
            raise SettingsError("a local Amazon's address (SELLERPORT_AMAZON) is written like http://127.0.0.1:8099")

    def url(self, host: str, path: str) -> str:
        """Return the URL of a path on one of Amazon's hosts; ``path`` is used as it is, so it must be encoded."""
        assert host in HOSTS, f"{host} is not one of Amazon's hosts"
        return f"{self.local.rstrip('/')}/{host}{path}" if self.local else f"https://{host}{path}"
