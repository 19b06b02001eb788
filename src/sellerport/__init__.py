"""Connects Amazon sellers, vendors and advertisers to software."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sellerport.ads import AmazonAds as AmazonAds
    from sellerport.ads import AsyncAmazonAds as AsyncAmazonAds
    from sellerport.answers import Result as Result
    from sellerport.client import AsyncSellingPartner as AsyncSellingPartner
    from sellerport.client import SellingPartner as SellingPartner
    from sellerport.hosted import Hosted as Hosted
    from sellerport.paging import AsyncPage as AsyncPage
    from sellerport.paging import Page as Page
    from sellerport.paging import PagedCall as PagedCall

__version__ = "0.1.0"

_PLACES = {
    "AmazonAds": "sellerport.ads",
    "AsyncAmazonAds": "sellerport.ads",
    "AsyncPage": "sellerport.paging",
    "AsyncSellingPartner": "sellerport.client",
    "Hosted": "sellerport.hosted",
    "Page": "sellerport.paging",
    "PagedCall": "sellerport.paging",
    "Result": "sellerport.answers",
    "SellingPartner": "sellerport.client",
}
__all__ = [
    *("AmazonAds", "AsyncAmazonAds", "AsyncPage", "AsyncSellingPartner", "Hosted", "Page", "PagedCall", "Result"),
    "SellingPartner",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import sellerport` costs next to nothing."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415  # as above

    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
