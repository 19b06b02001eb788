"""Product Pricing v0 and 2022-05-01: the account's own prices, what others ask, and who has the featured offer.

`offers` says who offers what. The price that wins the featured offer is the lowest of the others', a cent less where
of two that cost the same theirs comes first.

Not known: when Amazon finds an offer not eligible for such a price (here where it is not of something new, or where
shipping alone costs more), and whether one that is out of stock has none (here it has); what Amazon gives as a
reference price (here the list price, the average of all new offers, and none of 30 days ago), and how it words a batch
whose paths lead nowhere.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from sellerport.emulator.call import Answer, Call, invalid, refused
from sellerport.emulator.offers import Offer, featured, offers, own, place
from sellerport.emulator.shelf import Item, Listing, list_price
from sellerport.emulator.shop import rounded
from sellerport.errors import AmazonError
from sellerport.regions import Marketplace

MOST = 20
MOST_EXPECTED_PRICES = 40
MOST_OFFERS = 20
CONDITIONS = ("New", "Used", "Collectible", "Refurbished", "Club")
ITEM_PATH = re.compile(r"/products/pricing/v0/items/([^/?]+)/offers")
LISTING_PATH = re.compile(r"/products/pricing/v0/listings/([^/?]+)/offers")

# --- v0: prices -------------------------------------------------------------------------------------------------------


def get_pricing(call: Call) -> Answer:
    """Return what the account itself asks for items or SKUs."""
    business, condition = call.one("OfferType") == "B2B", call.one_of("ItemCondition")

    def priced(item: Item, listings: Sequence[Listing]) -> dict[str, Any]:
        found = [_own_offer(one, business=business) for one in listings if own(one)]
        kept = [one for one in found if condition in (None, one["ItemCondition"])]
        return {"Offers": kept} if kept else {}

    return _each(call, priced)


def get_competitive_pricing(call: Call) -> Answer:
    """Return who has the featured offer of items, for how much, and how many offer them."""
    business = call.one_of("CustomerType") == "Business"

    def priced(item: Item, _: Sequence[Listing]) -> dict[str, Any]:
        found = offers(call.world.shelf, item, business=business)
        winner = featured(found)
        counts = Counter(one.condition for one in found)
        competitive = {
            "CompetitivePrices": [_competitive(call, item, winner)] if winner else [],
            "NumberOfOfferListings": [
                {"condition": name, "Count": count} for name, count in [*counts.items(), ("Any", len(found))]
            ],
        }
        return {"CompetitivePricing": competitive, "SalesRankings": _rankings(item)}

    return _each(call, priced)


def _each(call: Call, priced: Callable[[Item, Sequence[Listing]], dict[str, Any]]) -> Answer:
    """Answer for each ASIN or SKU that was asked for; one that is unknown fails by itself."""
    by_sku = call.one_of("ItemType") == "Sku"
    name = "Skus" if by_sku else "Asins"
    # SKUs are encoded twice, so that a comma in one is no comma of the list
    asked = [unquote(one) for one in call.many(name)] if by_sku else call.many(name)
    if not 1 <= len(asked) <= MOST:
        raise invalid(f"{name} must be from 1 to {MOST} values")
    shop = call.one("MarketplaceId") or ""
    payload = []
    for one in asked:
        listing = call.world.shelf.listing(call.seller, shop, one) if by_sku else None
        item = call.world.shelf.item(listing) if listing else None if by_sku else _item(call, shop, one)
        answer: dict[str, Any] = {"status": "ClientError", "SellerSKU" if by_sku else "ASIN": one}
        if item is not None:
            mine = [each for each in call.world.shelf.listings(call.seller, [shop]) if each.asin == item.asin]
            product = {"Identifiers": _identifiers(call, item, listing), **priced(item, [listing] if listing else mine)}
            answer |= {"status": "Success", "Product": product}
        payload.append(answer)
    return Answer({"payload": payload})


def _identifiers(call: Call, item: Item, listing: Listing | None) -> dict[str, Any]:
    shop = item.marketplace.id
    found: dict[str, Any] = {"MarketplaceASIN": {"MarketplaceId": shop, "ASIN": item.asin}}
    if listing:
        found["SKUIdentifier"] = {"MarketplaceId": shop, "SellerId": call.seller, "SellerSKU": listing.sku}
    return found


def _own_offer(listing: Listing, *, business: bool) -> dict[str, Any]:
    offer, regular = own(listing, business=business), own(listing)
    assert offer is not None
    assert regular is not None
    currency = listing.marketplace.currency
    return {
        **({"offerType": "B2B"} if offer.business else {}),
        "BuyingPrice": _price(offer, currency),
        "RegularPrice": _money(regular.price, currency),
        **_tiers(offer, currency),
        "FulfillmentChannel": "AMAZON" if offer.by_amazon else "MERCHANT",
        "ItemCondition": offer.condition,
        "ItemSubCondition": offer.subcondition.title().replace("_", ""),
        "SellerSKU": listing.sku,
    }


def _competitive(call: Call, item: Item, winner: Offer) -> dict[str, Any]:
    return {
        "CompetitivePriceId": "1",  # the featured offer of new ones
        "Price": _price(winner, item.marketplace.currency),
        "condition": winner.condition,
        "subcondition": winner.condition,
        "offerType": "B2B" if winner.business else "B2C",
        "sellerId": winner.seller,
        "belongsToRequester": winner.seller == call.seller,
    }


# --- v0: offers -------------------------------------------------------------------------------------------------------


def get_item_offers(call: Call) -> Answer:
    """Return everyone's offers of an item."""
    return Answer({"payload": _item_offers(call, call.path["Asin"], _asked(call))})


def get_listing_offers(call: Call) -> Answer:
    """Return everyone's offers of what one of the account's listings offers."""
    return Answer({"payload": _listing_offers(call, call.path["SellerSKU"], _asked(call))})


def get_item_offers_batch(call: Call) -> Answer:
    """Answer up to twenty requests for the offers of items, each with its own status."""
    return _batch(call, ITEM_PATH, "Asin", _item_offers)


def get_listing_offers_batch(call: Call) -> Answer:
    """Answer up to twenty requests for the offers of listings, each with its own status."""
    return _batch(call, LISTING_PATH, "SellerSKU", _listing_offers)


def _asked(call: Call) -> dict[str, Any]:
    names = ("MarketplaceId", "ItemCondition", "CustomerType")
    return {name: value for name in names if (value := call.one(name)) is not None}


def _batch(
    call: Call, path: re.Pattern[str], name: str, of: Callable[[Call, str, Mapping[str, Any]], dict[str, Any]]
) -> Answer:
    responses = []
    for asked in call.checked_body().get("requests", ()):
        found = path.fullmatch(asked["uri"].partition("?")[0])
        about = {one: asked[one] for one in ("MarketplaceId", "ItemCondition", "CustomerType") if one in asked}
        id = unquote(found[1]) if found else ""
        try:
            if found is None or asked["method"] != "GET":
                raise invalid("uri and method are none of this operation")
            body: dict[str, Any] = {"payload": of(call, id, about)}
            status = {"statusCode": 200, "reasonPhrase": "OK"}
        except AmazonError as error:
            told = {"code": error.amazon_code, "message": error.message, "details": error.details}
            body, status = {"errors": [told]}, {"statusCode": error.status, "reasonPhrase": "Bad Request"}
        headers = {
            "x-amzn-RequestId": call.world.uuid(),
            "Date": f"{datetime.fromtimestamp(call.world.now(), UTC):%a, %d %b %Y %H:%M:%S GMT}",
        }
        responses.append({"headers": headers, "status": status, "body": body, "request": {**about, name: id}})
    return Answer({"responses": responses})


def _item_offers(call: Call, asin: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    item = _item(call, asked["MarketplaceId"], asin)
    if item is None:
        raise refused(f"{asin} is an invalid ASIN for marketplace {asked['MarketplaceId']}")
    return _offered_to(call, item, {"ASIN": asin}, {"ASIN": asin}, asked)


def _listing_offers(call: Call, sku: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    listing = call.world.shelf.listing(call.seller, asked["MarketplaceId"], sku)
    item = call.world.shelf.item(listing) if listing else None
    if item is None:
        raise refused(f"{sku} is an invalid SKU for marketplace {asked['MarketplaceId']}")
    return _offered_to(call, item, {"SKU": sku}, {"SellerSKU": sku}, asked)


def _offered_to(
    call: Call, item: Item, named_by: dict[str, str], identified_by: dict[str, str], asked: Mapping[str, Any]
) -> dict[str, Any]:
    condition = asked["ItemCondition"]
    if condition not in CONDITIONS:
        raise invalid(f"ItemCondition has an unknown value: {condition}")
    shop, currency = item.marketplace, item.marketplace.currency
    found = offers(call.world.shelf, item, business=asked.get("CustomerType") == "Business")
    winner = featured(found)
    kept = [one for one in found if one.condition == condition]
    return {
        "marketplaceId": shop.id,
        **named_by,
        "ItemCondition": condition,
        "status": "Success" if kept else "NoBuyableOffers",
        "Identifier": {"MarketplaceId": shop.id, **identified_by, "ItemCondition": condition},
        "Summary": _summary(item, found, winner),
        "Offers": [_offer(call, one, currency, shop, wins=one is winner) for one in kept[:MOST_OFFERS]],
    }


def _summary(item: Item, found: Sequence[Offer], winner: Offer | None) -> dict[str, Any]:
    currency = item.marketplace.currency
    kinds = Counter((one.condition.lower(), "Amazon" if one.by_amazon else "Merchant") for one in found)
    counts = [
        {"condition": condition, "fulfillmentChannel": channel, "OfferCount": count}
        for (condition, channel), count in kinds.items()
    ]
    lowest: dict[tuple[str, bool], Offer] = {}
    for one in found:
        lowest.setdefault((one.condition, one.by_amazon), one)
    made: dict[str, Any] = {
        "TotalOfferCount": len(found),
        "NumberOfOffers": counts,
        "LowestPrices": [
            {
                "condition": one.condition.lower(),
                "fulfillmentChannel": "Amazon" if one.by_amazon else "Merchant",
                **({"offerType": "B2B"} if one.business else {}),
                **_price(one, currency),
            }
            for one in lowest.values()
        ],
        "BuyBoxEligibleOffers": [one for one in counts if one["condition"] == "new"],
        "SalesRankings": _rankings(item),
    }
    if winner:
        made["BuyBoxPrices"] = [{"condition": "new", **_price(winner, currency), "sellerId": winner.seller}]
    if (listed := list_price(item.facts)) is not None:
        made["ListPrice"] = _money(listed, currency)
    return made


def _offer(call: Call, one: Offer, currency: str, shop: Marketplace, *, wins: bool) -> dict[str, Any]:
    return {
        "MyOffer": one.seller == call.seller,
        **({"offerType": "B2B"} if one.business else {}),
        "SubCondition": one.subcondition,
        "SellerId": one.seller,
        "SellerFeedbackRating": {"SellerPositiveFeedbackRating": one.rating, "FeedbackCount": one.feedback},
        "ShippingTime": {
            "minimumHours": 0 if one.by_amazon else 24,
            "maximumHours": 0 if one.by_amazon else 48,
            "availabilityType": "NOW",
        },
        "ListingPrice": _money(one.price, currency),
        **_tiers(one, currency),
        "Shipping": _money(one.shipping, currency),
        "ShipsFrom": {"Country": shop.country},
        "IsFulfilledByAmazon": one.by_amazon,
        "PrimeInformation": {"IsPrime": one.by_amazon, "IsNationalPrime": one.by_amazon},
        "IsBuyBoxWinner": wins,
        "IsFeaturedMerchant": one.condition == "New",
    }


def _tiers(offer: Offer, currency: str) -> dict[str, Any]:
    tiers = [
        {"quantityTier": lower, "quantityDiscountType": "QUANTITY_DISCOUNT", "listingPrice": _money(each, currency)}
        for lower, each in offer.tiers
    ]
    return {"quantityDiscountPrices": tiers} if tiers else {}


def _price(offer: Offer, currency: str) -> dict[str, Any]:
    return {
        "LandedPrice": _money(offer.landed, currency),
        "ListingPrice": _money(offer.price, currency),
        "Shipping": _money(offer.shipping, currency),
    }


def _money(amount: Decimal, currency: str) -> dict[str, Any]:
    return {"CurrencyCode": currency, "Amount": float(amount)}


def _rankings(item: Item) -> list[dict[str, Any]]:
    among, overall = item.ranks
    places = ((item.type.category.group, overall), (item.type.id, among))
    return [{"ProductCategoryId": id, "Rank": rank} for id, rank in places]


# --- 2022-05-01 -------------------------------------------------------------------------------------------------------


def get_competitive_summary(call: Call) -> Answer:
    """Answer up to twenty requests for who is featured and who is cheapest, each with its own status."""
    return Answer({"responses": [_summarised(call, asked) for asked in call.checked_body()["requests"]]})


def _summarised(call: Call, asked: Mapping[str, Any]) -> dict[str, Any]:
    asin, shop = asked["asin"], asked["marketplaceId"]
    body: dict[str, Any] = {"asin": asin, "marketplaceId": shop}
    item = _item(call, shop, asin)
    if item is None:
        body["errors"] = [{"code": "INVALID_ASIN", "message": f"{asin} is not a valid ASIN"}]
        return {"status": {"statusCode": 400, "reasonPhrase": "Client Error"}, "body": body}
    found = offers(call.world.shelf, item)
    for name in asked["includedData"]:
        if name == "featuredBuyingOptions":
            body[name] = _featured_options(featured(found), item.marketplace)
        elif name == "lowestPricedOffers":
            inputs = asked.get("lowestPricedOffersInputs") or [{"itemCondition": "New", "offerType": "Consumer"}]
            kept = ((one, [each for each in found if each.condition == one["itemCondition"]]) for one in inputs)
            shown = ((one, [_lowest(each, item.marketplace) for each in cheap[:MOST_OFFERS]]) for one, cheap in kept)
            body[name] = [{"lowestPricedOffersInput": one, "offers": cheap} for one, cheap in shown if cheap]
        elif name == "referencePrices":
            body[name] = _reference_prices(item, found)
        else:
            like = [one.asin for one in call.world.shelf.on_shelf(shop) if one.type == item.type and one is not item]
            body[name] = [{"items": [{"asin": one} for one in like[:5]]}]
    return {"status": {"statusCode": 200, "reasonPhrase": "Success"}, "body": body}


def _featured_options(winner: Offer | None, shop: Marketplace) -> list[dict[str, Any]]:
    if winner is None:
        return []
    segment = {"customerMembership": "DEFAULT", "segmentDetails": {"glanceViewWeightPercentage": 100}}
    offer = {**_lowest(winner, shop), "featuredOfferSegments": [segment]}
    del offer["primeDetails"]
    return [{"buyingOptionType": "New", "segmentedFeaturedOffers": [offer]}]


def _lowest(one: Offer, shop: Marketplace) -> dict[str, Any]:
    return {
        "sellerId": one.seller,
        "condition": one.condition,
        "subCondition": SUBCONDITIONS.get(one.subcondition, "Other"),
        "fulfillmentType": "AFN" if one.by_amazon else "MFN",
        "listingPrice": _amount(one.price, shop),
        "shippingOptions": [{"shippingOptionType": "DEFAULT", "price": _amount(one.shipping, shop)}],
        "primeDetails": {"eligibility": "NATIONAL" if one.by_amazon else "NONE"},
    }


SUBCONDITIONS = {
    "new": "New", "open_box": "OpenBox", "oem": "OEM", "refurbished": "Refurbished", "like_new": "Mint",
    "very_good": "VeryGood", "good": "Good", "acceptable": "Acceptable", "club": "Club",
}  # fmt: skip


def _reference_prices(item: Item, found: Sequence[Offer]) -> list[dict[str, Any]]:
    new, shop = [one.landed for one in found if one.condition == "New"], item.marketplace
    prices: dict[str, Decimal] = {}
    if (listed := list_price(item.facts)) is not None:
        prices["ListPrice"] = listed
    if new:
        prices["CompetitivePrice"] = rounded(sum(new, Decimal(0)) / len(new), shop.currency)
    return [{"name": name, "price": _amount(asked, shop)} for name, asked in prices.items()]


def get_featured_offer_expected_price_batch(call: Call) -> Answer:
    """Answer up to forty requests for the price at which a SKU would be featured, each with its own status."""
    requests = call.checked_body().get("requests", ())
    if not 1 <= len(requests) <= MOST_EXPECTED_PRICES:
        raise invalid(f"requests must be from 1 to {MOST_EXPECTED_PRICES}")
    return Answer({"responses": [_expected(call, asked) for asked in requests]})


def _expected(call: Call, asked: Mapping[str, Any]) -> dict[str, Any]:
    request = {name: asked[name] for name in ("marketplaceId", "sku", "segment") if name in asked}
    listing = call.world.shelf.listing(call.seller, asked["marketplaceId"], asked["sku"])
    item = call.world.shelf.item(listing) if listing else None
    if listing is None or item is None:
        message = "The requested SKU does not exist for the seller in the requested Amazon store."
        body: dict[str, Any] = {"errors": [{"code": "INVALID_SKU", "message": message}]}
        status: dict[str, Any] = {"statusCode": 400, "reasonPhrase": "Client Error"}
        return {"request": request, "headers": {}, "status": status, "body": body}
    found, mine = offers(call.world.shelf, item), own(listing)
    winner, rival = featured(found), featured([one for one in found if one.seller != call.seller])
    result: dict[str, Any] = {"resultStatus": "NO_COMPETING_OFFERS"}
    if listing.is_parent or mine is None or mine.condition != "New":
        result["resultStatus"] = _ineligible(listing, mine)
    elif rival is not None:
        below = rival.landed - mine.shipping
        if place(replace(mine, price=below)) > place(rival):
            below -= rounded(Decimal("0.01"), item.marketplace.currency) or Decimal(1)
        result = {"resultStatus": "OFFER_NOT_ELIGIBLE"}
        if below > 0:
            price = {"listingPrice": _amount(below, item.marketplace)}
            result = {"featuredOfferExpectedPrice": price, "resultStatus": "VALID_FOEP"}
        result["competingFeaturedOffer"] = _as_featured(item, rival)
    if winner is not None:
        result["currentFeaturedOffer"] = _as_featured(item, winner)
    mine_is = _identifier(item, call.seller, sku=listing.sku, by_amazon=listing.by_amazon)
    body = {"offerIdentifier": mine_is, "featuredOfferExpectedPriceResults": [result]}
    return {"request": request, "headers": {}, "status": {"statusCode": 200, "reasonPhrase": "Success"}, "body": body}


def _ineligible(listing: Listing, mine: Offer | None) -> str:
    if listing.is_parent:
        return "ASIN_NOT_ELIGIBLE"
    return "OFFER_NOT_FOUND" if mine is None else "OFFER_NOT_ELIGIBLE"


def _as_featured(item: Item, one: Offer) -> dict[str, Any]:
    shop, identifier = item.marketplace, _identifier(item, one.seller, by_amazon=one.by_amazon)
    asked = {"listingPrice": _amount(one.price, shop), "shippingPrice": _amount(one.shipping, shop)}
    return {"offerIdentifier": identifier, "condition": one.condition, "price": asked}


def _identifier(item: Item, seller: str, *, by_amazon: bool, **sku: str) -> dict[str, str]:
    kind = "AFN" if by_amazon else "MFN"
    return {"asin": item.asin, "marketplaceId": item.marketplace.id, "sellerId": seller, "fulfillmentType": kind, **sku}


def _amount(amount: Decimal, shop: Marketplace) -> dict[str, Any]:
    return {"amount": float(amount), "currencyCode": shop.currency}


# --- what both need ---------------------------------------------------------------------------------------------------


def _item(call: Call, shop: str, asin: str) -> Item | None:
    return call.world.shelf.items.get((shop, asin))


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    "product_pricing_v0.get_pricing": get_pricing,
    "product_pricing_v0.get_competitive_pricing": get_competitive_pricing,
    "product_pricing_v0.get_item_offers": get_item_offers,
    "product_pricing_v0.get_listing_offers": get_listing_offers,
    "product_pricing_v0.get_item_offers_batch": get_item_offers_batch,
    "product_pricing_v0.get_listing_offers_batch": get_listing_offers_batch,
    "product_pricing_2022_05_01.get_competitive_summary": get_competitive_summary,
    "product_pricing_2022_05_01.get_featured_offer_expected_price_batch": get_featured_offer_expected_price_batch,
}
