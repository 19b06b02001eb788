"""What to do about Amazon's refusals, where an answer lets one tell."""

from __future__ import annotations

from sellerport.catalog import Operation
from sellerport.errors import AccessDenied, AmazonError
from sellerport.regions import MARKETPLACES, AdsRegion, Region
from sellerport.serialize import Prepared

ADS_NOT_THE_TOKEN = ("scope", "advertiser", "not authorized", "permission", "client id", "clientid")
"""What a 401 of the Ads API speaks of when it is not the token that is wrong."""


def blames_token(operation: Operation, error: AccessDenied) -> bool:
    """Whether another token may help. A revoked one shows as such only when Login with Amazon is asked again."""
    if operation.family == "ads":
        told = f"{error.message} {error.details}".lower()
        return error.status == 401 and not any(word in told for word in ADS_NOT_THE_TOKEN)
    said = error.details.lower()
    return "access token" in said and ("expired" in said or "revoked" in said)


def of(place: Region | AdsRegion, operation: Operation, prepared: Prepared, error: AmazonError) -> str:
    """Return what to do about a refusal, where the answer lets one tell.

    Args:
        place: where the call went.
        operation: which it was.
        prepared: what was sent.
        error: what Amazon answered.
    """
    if operation.family == "ads":
        return _of_ads(place.name, operation, error)
    said = f"{error.message} {error.details}".lower()
    if "could not match input arguments" in said:
        return "the static sandbox answers only the arguments that Amazon's model of the operation lists"
    if not isinstance(error, AccessDenied):
        return ""
    region = place.name
    if "not valid for region" in said or "marketplace" in said:
        sent = prepared.path + (prepared.body or b"").decode("utf-8", "replace")
        named = [shop for shop in MARKETPLACES if shop.id in sent and shop.region != region]
        where = ", ".join(f"{shop.id} ({shop.country}) belongs to region {shop.region!r}" for shop in named)
        return f"this call went to region {region!r}" + (
            f", and {where}: call it with marketplace={named[0].country!r} and that region's refresh token"
            if named
            else ""
        )
    if error.amazon_code == "MissingAuthenticationToken":
        return "Amazon has no such method and path"
    if blames_token(operation, error) or "access token" in said:
        return "Amazon refuses the token: it was revoked, or is not one of this account"
    restricted = ", whether it takes a restricted data token (restricted=…)" if operation.restricted else ""
    return (
        f"check that the application has the role that this operation needs{restricted}, that the account's owner "
        f"consented after the role was granted, and that the account trades in region {region!r}"
    )


def _of_ads(region: str, operation: Operation, error: AmazonError) -> str:
    """Return what to do about a refusal of the Ads API (reference: its pages "Errors" and "Authorization")."""
    said = f"{error.message} {error.details}".lower()
    elsewhere = f"this call went to region {region!r}; profiles belong to one region: find_profiles() says which"
    if error.status in (401, 403) and ("scope header is missing" in said or "scope is missing" in said):
        return "name the advertising profile: profile_id=… in the call, or when the client is made"
    if "matching advertiser" in said or "authorized to access scope" in said or "invalid advertiser" in said:
        return f"the grant has no such profile there: {elsewhere}"
    if "advertiser id cannot be decrypted" in said:
        return "agency (DSP) profiles have no sponsored ads; call this with a seller's or vendor's profile"
    if error.status in (406, 415):
        sent = ", ".join(operation.media.request) or "application/json"
        return f"Amazon takes another media type here than {sent}; it may have retired this version"
    if error.status == 403:
        return "the product is not enabled for this advertiser, the grant lacks a scope, or the path was shut off"
    if error.status == 404 and error.amazon_code == "NOT_FOUND" and operation.removal:
        return f"Amazon shut this operation off on {operation.removal}"
    return ""
