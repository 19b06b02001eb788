"""Test accounts: advertisers that Amazon makes on request, whose ads are never shown, so that reports are empty.

Source: Amazon's page "Creating a test account".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from sellerport.emulator.ads.book import Book
from sellerport.emulator.ads.call import AdsCall, Endpoint, denied
from sellerport.emulator.call import Answer
from sellerport.errors import InvalidArguments

SCOPE = "advertising::test:create_account"
PRODUCTS = 5
"""How many of its products an account is told of."""


class MetaData(msgspec.Struct, frozen=True, rename="camel"):
    """What a vendor says besides."""

    vendor_code: str | None = None


class Asked(msgspec.Struct, frozen=True, rename="camel"):
    """An account as it is asked for."""

    country_code: str
    account_type: Literal["VENDOR", "AUTHOR"]
    account_meta_data: MetaData | None = None


@dataclass(frozen=True)
class AccountRequest:
    """An account that somebody asked for."""

    request: str
    person: str
    """The e-mail address of who did."""
    country: str
    type: str
    account: str
    """The selling partner id."""
    entity: str


def create(call: AdsCall) -> Answer:
    """Make an account, and let the person who asks work with its profile."""
    _scoped(call)
    try:
        asked = msgspec.convert(call.body, Asked)
    except msgspec.ValidationError as error:
        raise denied(str(error), 400) from None
    world, request = call.world, call.world.uuid()
    country = "GB" if asked.country_code == "UK" else asked.country_code
    kind: Literal["vendor", "seller"] = "vendor" if asked.account_type == "VENDOR" else "seller"
    try:
        account = world.add_account((country,), name=f"Test account {request[:8]}", kind=kind, orders=0)
    except InvalidArguments:
        raise denied(f"countryCode {asked.country_code} is not known", 400) from None
    [profile] = world.ads.advertise(account.selling_partner_id)
    world.ads.books[profile.id] = Book()
    world.ads.share(call.person, account.selling_partner_id)
    world.ads.test_accounts[request] = AccountRequest(
        request, call.person, asked.country_code, asked.account_type, account.selling_partner_id, profile.entity
    )
    return Answer({"requestId": request})


def listed(call: AdsCall) -> Answer:
    """Return the accounts that the person asked for, or the one of a request."""
    _scoped(call)
    wanted = call.query.get("requestId")
    found = [one for one in call.world.ads.test_accounts.values() if one.person == call.person]
    return Answer([_told(call, one) for one in found if wanted in (None, "", one.request)])


def _scoped(call: AdsCall) -> None:
    grant = call.token.advertiser
    if grant is None or SCOPE not in grant.scopes:
        raise denied("Not authorized to access this operation", 403)


def _told(call: AdsCall, one: AccountRequest) -> dict[str, Any]:
    products = call.world.account(one.account).products
    return {
        "countryCode": one.country,
        "asins": [product.asin for product in products[:PRODUCTS]],
        "accountType": one.type,
        "id": one.entity,
        "status": "COMPLETED",
    }


ENDPOINTS: Mapping[str, Endpoint] = {
    "POST /testAccounts": Endpoint(create, profile=False),
    "GET /testAccounts": Endpoint(listed, profile=False),
}
