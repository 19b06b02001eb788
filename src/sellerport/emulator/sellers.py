"""Sellers v1: where an account sells, and what it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sellerport.emulator.call import Answer, Call
from sellerport.emulator.shop import LANGUAGES
from sellerport.regions import Marketplace


def get_marketplace_participations(call: Call) -> Answer:
    """List the marketplaces that the account sells in."""
    return Answer({"payload": _participations(call)})


def get_account(call: Call) -> Answer:
    """Say what kind of business the account is."""
    assert call.account is not None
    home = call.account.marketplaces[0]
    address = {
        "addressLine1": "1 Local Road",
        "city": "Testham",
        "postalCode": "00000",
        "countryCode": home.country,
    }
    account = {
        "marketplaceParticipationList": _participations(call),
        "businessType": "PRIVATE_LIMITED",
        "sellingPlan": "PROFESSIONAL",
        "business": {"name": call.account.name, "registeredBusinessAddress": address},
        "primaryContact": {"name": "Robin Example", "address": address},
    }
    return Answer({"payload": account})


def _participations(call: Call) -> list[dict[str, Any]]:
    assert call.account is not None
    return [
        {
            "marketplace": _marketplace(shop),
            "participation": {"isParticipating": True, "hasSuspendedListings": False},
            "storeName": call.account.name,
        }
        for shop in call.account.marketplaces
    ]


def _marketplace(shop: Marketplace) -> dict[str, str]:
    return {
        "id": shop.id,
        "name": shop.domain.capitalize(),
        "countryCode": shop.country,
        "defaultCurrencyCode": shop.currency,
        "defaultLanguageCode": LANGUAGES[shop.country],
        "domainName": f"www.{shop.domain}",
    }


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    "sellers_v1.get_marketplace_participations": get_marketplace_participations,
    "sellers_v1.get_account": get_account,
}
