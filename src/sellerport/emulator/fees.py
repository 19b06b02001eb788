"""Product Fees v0: what Amazon would keep of a sale.

Estimates follow this rule, which is about what Amazon takes in the US; its real schedules are longer than that:

* ReferralFee: the category's share of price and shipping (15 % of most, 17 % of clothing, 8 % of electronics), at
  least 0.30 dollars;
* VariableClosingFee and PerItemFee: nothing;
* FBAFees, where Amazon ships: 3.20 dollars for the first half kilogram, and 0.45 for every further one that is begun.

Dollars are changed into the marketplace's currency. An estimate that can not be made is a ``ClientError`` in an answer
of 200, as at Amazon. Not known: what Amazon says to a price in another currency (here that too).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sellerport.emulator.call import Answer, Call, denied, refused
from sellerport.emulator.shelf import Item, first
from sellerport.emulator.shop import local, rounded
from sellerport.regions import MARKETPLACES, Marketplace

LEAST_REFERRAL = Decimal("0.30")
FIRST_HALF_KILOGRAM = Decimal("3.20")
NEXT_HALF_KILOGRAM = Decimal("0.45")
GRAMS = {"grams": 1, "kilograms": 1000, "ounces": 28.35, "pounds": 453.6}
DEFAULT_GRAMS = 500
MOST = 20

SHOPS = {shop.id: shop for shop in MARKETPLACES}


def get_my_fees_estimate_for_sku(call: Call) -> Answer:
    """Estimate the fees for one of the account's listings."""
    asked = _asked(call, call.checked_body())
    return Answer({"payload": {"FeesEstimateResult": _estimated(call, asked, "SellerSKU", call.path["SellerSKU"])}})


def get_my_fees_estimate_for_asin(call: Call) -> Answer:
    """Estimate the fees for an item."""
    asked = _asked(call, call.checked_body())
    return Answer({"payload": {"FeesEstimateResult": _estimated(call, asked, "ASIN", call.path["Asin"])}})


def get_my_fees_estimates(call: Call) -> Answer:
    """Estimate the fees for up to twenty items or listings; the answer is a list, without an object around it."""
    requests: Any = call.checked_body()
    if not 1 <= len(requests) <= MOST:
        raise refused("This is an invalid input")
    every = [(_asked(call, one), one["IdType"], one["IdValue"]) for one in requests]
    return Answer([_estimated(call, *one) for one in every])


def _asked(call: Call, body: Mapping[str, Any]) -> dict[str, Any]:
    asked: dict[str, Any] | None = body.get("FeesEstimateRequest")
    if asked is None:
        raise refused("This is an invalid input")
    shop = SHOPS.get(asked["MarketplaceId"])
    if shop is None:
        raise refused("Incorrect Marketplace identifier.")
    if shop.region != call.region:
        raise denied("The marketplaces you provided are not valid for region.")
    return asked


def _estimated(call: Call, asked: Mapping[str, Any], kind: str, id: str) -> dict[str, Any]:
    shop = SHOPS[asked["MarketplaceId"]]
    optional = {name: asked[name] for name in ("IsAmazonFulfilled", "OptionalFulfillmentProgram") if name in asked}
    result: dict[str, Any] = {
        "Status": "ClientError",
        "FeesEstimateIdentifier": {
            "MarketplaceId": shop.id,
            "SellerId": call.seller,
            "IdType": kind,
            "IdValue": id,
            "PriceToEstimateFees": asked["PriceToEstimateFees"],
            "SellerInputIdentifier": asked["Identifier"],
            **optional,
        },
    }
    item = _item(call, shop, kind, id)
    sums = [_sum(asked["PriceToEstimateFees"].get(name), shop) for name in ("ListingPrice", "Shipping")]
    if item is None or None in sums or sums[0] == 0:
        message = "There is an client-side error. Please verify your inputs."
        error = {"Type": "Sender", "Code": "InvalidParameterValue", "Message": message, "Detail": []}
        return {**result, "Error": error}
    paid = sum((one for one in sums if one is not None), Decimal(0))
    details = _details(item, shop, paid, by_amazon=bool(asked.get("IsAmazonFulfilled")))
    total = sum((Decimal(str(one["FinalFee"]["Amount"])) for one in details), Decimal(0))
    estimate = {
        "TimeOfFeesEstimation": f"{datetime.fromtimestamp(int(call.world.now()), UTC):%Y-%m-%dT%H:%M:%S.000Z}",
        "TotalFeesEstimate": _money(total, shop),
        "FeeDetailList": details,
    }
    return {**result, "Status": "Success", "FeesEstimate": estimate}


def _item(call: Call, shop: Marketplace, kind: str, id: str) -> Item | None:
    shelf = call.world.shelf
    if kind == "ASIN":
        return shelf.items.get((shop.id, id))
    listing = shelf.listing(call.seller, shop.id, id)
    return shelf.item(listing) if listing else None


def _sum(money: Mapping[str, Any] | None, shop: Marketplace) -> Decimal | None:
    """Return an amount; None if it is of another currency, or less than nothing."""
    if money is None:
        return Decimal(0)
    amount = Decimal(str(money.get("Amount", 0)))
    return amount if money.get("CurrencyCode") == shop.currency and amount >= 0 else None


def charged(item: Item, shop: Marketplace, paid: Decimal, *, by_amazon: bool) -> tuple[Decimal, Decimal]:
    """Return what is kept of a sale: the referral fee, and what Amazon takes for shipping it."""
    picked = _picked(_grams(item), shop.currency) if by_amazon else Decimal(0)
    return _referral(item.type.category.referral, paid, shop.currency), picked


@functools.lru_cache(maxsize=4096)  # few sums are paid again and again, and a settlement is of thousands
def _referral(share: Decimal, paid: Decimal, currency: str) -> Decimal:
    return max(rounded(paid * share, currency), local(LEAST_REFERRAL, currency))


@functools.lru_cache(maxsize=4096)
def _picked(grams: float, currency: str) -> Decimal:
    further = max(math.ceil(grams / 500) - 1, 0)
    return local(FIRST_HALF_KILOGRAM + NEXT_HALF_KILOGRAM * further, currency)


def _details(item: Item, shop: Marketplace, paid: Decimal, *, by_amazon: bool) -> list[dict[str, Any]]:
    referral, picked = charged(item, shop, paid, by_amazon=by_amazon)
    fees = {"ReferralFee": referral, "VariableClosingFee": Decimal(0), "PerItemFee": Decimal(0)}
    details = [_fee(name, amount, shop) for name, amount in fees.items()]
    if by_amazon:
        included = [_fee("FBAPickAndPack", picked, shop)]
        details.append({**_fee("FBAFees", picked, shop), "IncludedFeeDetailList": included})
    return details


def _grams(item: Item) -> float:
    for name in ("item_package_weight", "item_weight"):
        if weight := first(item.facts, name):
            return float(weight["value"]) * GRAMS.get(weight["unit"], 1)
    return DEFAULT_GRAMS


def _fee(name: str, amount: Decimal, shop: Marketplace) -> dict[str, Any]:
    money = _money(amount, shop)
    return {"FeeType": name, "FeeAmount": money, "FeePromotion": _money(Decimal(0), shop), "FinalFee": money}


def _money(amount: Decimal, shop: Marketplace) -> dict[str, Any]:
    return {"CurrencyCode": shop.currency, "Amount": float(amount)}


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    "product_fees_v0.get_my_fees_estimates": get_my_fees_estimates,
    "product_fees_v0.get_my_fees_estimate_for_asin": get_my_fees_estimate_for_asin,
    "product_fees_v0.get_my_fees_estimate_for_sku": get_my_fees_estimate_for_sku,
}
