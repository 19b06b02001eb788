"""What Amazon says of an advertiser: the advertising profiles that a grant reaches, in all three regions.

A grant of the Ads API is a person's, and Amazon has no operation that tells whose; its profiles make the person known
again. Where there is none, the person has nothing to advertise, or signed in with another account than they wanted.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sellerport import oauth, regions
from sellerport.ads import AsyncAmazonAds, Profile
from sellerport.errors import AccessDenied, AmazonError, ConsentError, InvalidArguments, NoAnswer, TokenError
from sellerport.regions import Amazon, Marketplace
from sellerport.server.hub.proof import PROOF_S, once
from sellerport.server.store import profiles
from sellerport.wire import Wire

_t = profiles.c


@dataclass(frozen=True)
class Advertiser:
    """What is certain about whoever gave a grant."""

    profiles: tuple[Profile, ...] | None = None
    """Those in which they may advertise; None if Amazon does not say."""
    trouble: str | None = None
    """The code of the error that stood in the way, if another time may tell more."""

    @property
    def only(self) -> Profile | None:
        """The profile that needs not be named."""
        return self.profiles[0] if self.profiles is not None and len(self.profiles) == 1 else None

    def home(self, wanted: Marketplace) -> Marketplace:
        """Return where calls go that name no profile: to the place that is wanted, or else the nearest with a profile.

        Args:
            wanted: where it was begun; the region only says which of Amazon's sites asked for consent.
        """
        places = [_marketplace(one) for one in self.profiles or ()]
        if not places or wanted in places:
            return wanted
        return next((one for one in places if one.region == wanted.region), places[0])

    def columns(self) -> dict[str, Any]:
        """Return what a connection keeps of it."""
        if self.profiles is None:
            return {}
        return {"profiles": len(self.profiles), "profile_id": self.only.profile_id if self.only is not None else None}

    async def keep(self, store: AsyncConnection, connection_id: str) -> None:
        """Keep the profiles in the place of those that were kept before."""
        if self.profiles is None:
            return
        await forget(store, connection_id)
        rows = [
            {"connection_id": connection_id, "profile_id": one.profile_id, "region": one.region}
            for one in self.profiles
        ]
        if rows:
            await store.execute(insert(profiles), rows)

    async def is_known(self, store: AsyncConnection, connection_id: str) -> bool:
        """Return whether one of the profiles was the connection's before, or nothing can be told."""
        kept = {row.profile_id for row in await store.execute(select(_t.profile_id).where(_is_of(connection_id)))}
        return not self.profiles or not kept or not kept.isdisjoint(one.profile_id for one in self.profiles)


async def forget(store: AsyncConnection, connection_id: str) -> None:
    """Forget a connection's profiles."""
    await store.execute(delete(profiles).where(_is_of(connection_id)))


async def region_of(store: AsyncConnection, connection_id: str, profile_id: str) -> str | None:
    """Return the region of one of a connection's profiles; None if it has no such."""
    region: str | None = await store.scalar(
        select(_t.region).where(_is_of(connection_id) & (_t.profile_id == profile_id))
    )
    return region


async def find(client: AsyncAmazonAds) -> tuple[Profile, ...]:
    """Ask Amazon for the profiles of all regions: those that may be edited, or else those that may be looked at.

    Raises:
        AmazonError, NoAnswer, TokenError: Amazon does not say.
    """
    found = await client.find_profiles() or await client.find_profiles(access_level="view", api_program="report")
    return tuple(found)


async def prove(amazon: Amazon, wire: Wire, lwa_client_id: str, access_token: str) -> Advertiser:
    """Ask Amazon about whoever has just consented.

    Args:
        amazon: the real one or a local one.
        wire: what to send with.
        lwa_client_id: the application's, without which Amazon takes no call.
        access_token: of the new grant.

    Raises:
        ConsentError: there is nothing to advertise, or Amazon does not let the application use the Ads API.
    """
    client = AsyncAmazonAds(client_id=lwa_client_id, access_token=access_token, **once(amazon, wire))
    try:
        async with asyncio.timeout(PROOF_S):
            found = await find(client)
    except AccessDenied as error:  # in every region
        raise ConsentError(oauth.why_refused("unauthorized_client"), "application_refused") from error
    except (AmazonError, NoAnswer, TokenError) as error:
        return Advertiser(trouble=error.code)
    except TimeoutError:
        return Advertiser(trouble=NoAnswer.code)
    if not found:
        raise ConsentError(
            "this Amazon user has no advertising account in any region; sign in as a user who has, or have an account "
            "shared with this one, and start again",
            "account_mismatch",
        )
    return Advertiser(found)


def _is_of(connection_id: str) -> Any:
    return _t.connection_id == connection_id


def _marketplace(profile: Profile) -> Marketplace:
    """Return a profile's marketplace, or where Amazon has it in one that is not in the table, its region's home."""
    try:
        return regions.marketplace(profile.marketplace_id)
    except InvalidArguments:
        return regions.marketplace(profile.region)
