"""What Amazon itself says of an account that has just consented; the browser's word for it is worth little.

Amazon has no operation that tells whose a grant is. One tells where the account may trade, and how its stores are
called there: that proves the region, and, since Amazon lets no two sellers of a marketplace have the same store name,
makes an account known again that was seen before. Vendors, and applications without its role, are refused, which proves
nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec

from sellerport import regions
from sellerport.client import AsyncSellingPartner
from sellerport.errors import AccessDenied, AmazonError, ConsentError, NoAnswer, TokenError
from sellerport.limits import Limits
from sellerport.regions import REGIONS, Amazon, Marketplace
from sellerport.wire import Wire

PROOF_S = 10.0
"""How long all of it may take: somebody waits in front of a browser."""

_REGION_OF = {shop.id: shop.region for shop in regions.MARKETPLACES}


@dataclass(frozen=True)
class Proof:
    """What is certain about an account."""

    region: str | None = None
    """Where its grant is good; None if Amazon does not say."""
    marketplaces: Mapping[str, bool] = field(default_factory=dict)
    """Where it may trade in that region, and whether it does; those first in which it does."""
    stores: tuple[str, ...] = ()
    """Hashes of its store names."""
    trouble: str | None = None
    """The code of the error that stood in the way, if another time may tell more."""

    def columns(self) -> dict[str, Any]:
        """Return what a connection keeps of it."""
        return {"stores": list(self.stores), "marketplaces": dict(self.marketplaces)}

    def knows(self, stores: Sequence[str] | None) -> bool:
        """Return whether this is the account that had these stores."""
        return not set(self.stores).isdisjoint(stores or ())

    def agree(self, wanted: Marketplace, *, named: bool) -> Marketplace:
        """Return a connection's marketplace: the one that is wanted if the account may trade there, or its own.

        Args:
            wanted: where the account should trade.
            named: whether it has to be that one, or any of its region.

        Raises:
            ConsentError: the account is in another region, or does not trade in the marketplace that was named.
        """
        if self.region is None or wanted.id in self.marketplaces:
            return wanted
        if self.region != wanted.region:
            raise other_region(self.region, wanted)
        own = regions.marketplace(next(iter(self.marketplaces)))
        if named:
            raise ConsentError(
                f"this Amazon account does not sell on {wanted.domain}; sign in to the one that does, or start again "
                f"for {own.domain}",
                reason="account_mismatch",
            )
        return own


class _Named(msgspec.Struct):
    id: str


class _Taking(msgspec.Struct, rename="camel"):
    is_participating: bool = False


class _Participation(msgspec.Struct, rename="camel"):
    marketplace: _Named
    participation: _Taking
    store_name: str = ""


def once(amazon: Amazon, wire: Wire) -> dict[str, Any]:
    """Return what makes a client ask once, while somebody waits in front of a browser."""
    return {
        "amazon": amazon,
        "wire": wire,
        "limit": "raise",
        "timeout_s": PROOF_S,
        "patience_s": PROOF_S,
        "limits": Limits(),  # a grant this new has used nothing up
        "environ": {},
    }


async def prove(amazon: Amazon, wire: Wire, access_token: str, region: str) -> Proof:
    """Ask Amazon about an account, in the region where it should be, and, if it is refused there, in the others.

    Args:
        amazon: the real one or a local one.
        wire: what to send with.
        access_token: of the new grant.
        region: where the account should be.
    """
    try:
        async with asyncio.timeout(PROOF_S):
            for name in (region, *(other for other in REGIONS if other != region)):
                with suppress(AccessDenied):
                    return _proof(name, await _ask(amazon, wire, access_token, name))
    except (AmazonError, NoAnswer, TokenError) as error:
        return Proof(trouble=error.code)
    except TimeoutError:
        return Proof(trouble=NoAnswer.code)
    return Proof()


async def _ask(amazon: Amazon, wire: Wire, access_token: str, region: str) -> Any:
    client = AsyncSellingPartner(access_token=access_token, marketplace=region, **once(amazon, wire))
    return (await client.sellers_v1.get_marketplace_participations()).payload


def _proof(region: str, payload: Any) -> Proof:
    try:
        found = msgspec.convert(payload, list[_Participation])
    except msgspec.ValidationError:
        return Proof(trouble="amazon_unavailable")
    here = [one for one in found if _REGION_OF.get(one.marketplace.id) == region]
    here.sort(key=lambda one: not one.participation.is_participating)
    stores = tuple(sorted(_digest(one) for one in here if one.store_name.strip()))
    return Proof(
        region if here else None, {it.marketplace.id: it.participation.is_participating for it in here}, stores
    )


def other_region(region: str, wanted: Marketplace) -> ConsentError:
    """Return the refusal of an account that is in another region than it should be."""
    return ConsentError(
        f"this Amazon account is in region {region!r}, and {wanted.domain} is in {wanted.region!r}; sign in to an "
        "account there, or start again for this one's region",
        reason="account_mismatch",
    )


def _digest(one: _Participation) -> str:
    return hashlib.sha256(f"{one.marketplace.id} {one.store_name}".encode()).hexdigest()
