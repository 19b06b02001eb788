"""What notifications say, in the form of each type.

Made up, since nothing here knows better: the lowest advertised and the competitive price of an item are its list price,
an offer's points are none, and Amazon's changes of offers are all ``Internal``. What an event has not is left out, also
where the published schema wants it: an order that Amazon ships has no shipment at first, and no return.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sellerport.emulator.grants import written
from sellerport.emulator.jobs import Job
from sellerport.emulator.offers import Offer, featured
from sellerport.emulator.outbound_orders import Outgoing, Shipment
from sellerport.emulator.shelf import Item, Listing, Stock, Waiting, list_price
from sellerport.emulator.shop import Order
from sellerport.regions import Marketplace

MOST_OFFERS = 20


# --- jobs and orders --------------------------------------------------------------------------------------------------


def ended(job: Job) -> dict[str, Any]:
    """Return what is told of a job."""
    account = f"amzn1.merchant.o.{job.account}"
    if job.kind == "query":
        document = {"dataDocumentId" if job.status == "DONE" else "errorDocumentId": job.document}
        pages = {"pagination": {"nextToken": job.next_page}} if job.next_page and job.status == "DONE" else {}
        return {
            "accountId": account,
            "queryId": job.id,
            "query": job.type,
            "processingStatus": job.status,
            **(document if job.document else {}),
            **pages,
        }
    document_name = "reportDocumentId" if job.kind == "report" else "resultFeedDocumentId"
    said = {
        "sellerId": job.account,
        "accountId": account,
        f"{job.kind}Id": job.id,
        f"{job.kind}Type": job.type,
        "processingStatus": job.status,
        **({document_name: job.document} if job.document else {}),
    }
    return {f"{job.kind}ProcessingFinishedNotification": said}


def order_changed(seller: str, order: Order) -> dict[str, Any]:
    """Return what is told of an order."""
    shipped = sum(item.shipped for item in order.items)
    pieces = sum(item.quantity for item in order.items)
    programs = (("Business", order.business), ("Prime", order.prime))
    windows = {"Ship": order.ship_window, "Delivery": order.delivery_window}
    summary = {
        "MarketplaceId": order.marketplace.id,
        "OrderStatus": order.status,
        "PurchaseDate": written(order.created),
        "DestinationPostalCode": order.address.postal_code if order.priced else None,
        "FulfillmentType": order.channel,
        "OrderType": "StandardOrder",
        "NumberOfItemsShipped": shipped,
        "NumberOfItemsUnshipped": 0 if order.status in ("Canceled", "Unfulfillable") else pieces - shipped,
        **{f"Earliest{name}Date": written(first) for name, (first, _) in windows.items()},
        **{f"Latest{name}Date": written(last) for name, (_, last) in windows.items()},
        "OrderPrograms": [name for name, on in programs if on],
        "ShippingPrograms": [],
        "OrderItems": [
            {
                "OrderItemId": item.id,
                "SellerSKU": item.sku,
                "SupplySourceId": None,
                "Quantity": item.quantity,
                "QuantityShipped": item.shipped,
            }
            for item in order.items
        ],
    }
    change = {
        "NotificationLevel": "OrderLevel",
        "SellerId": seller,
        "AmazonOrderId": order.id,
        "OrderChangeType": "OrderStatusChange",
        "OrderChangeTrigger": {"TimeOfOrderChange": written(order.updated), "ChangeReason": "Other"},
        "Summary": summary,
    }
    return {"OrderChangeNotification": change}


def outgoing_changed(order: Outgoing, shipment: Shipment | None = None) -> dict[str, Any]:
    """Return what is told of an order from elsewhere, or of one of its shipments."""
    told: dict[str, Any] = {
        "SellerId": order.seller,
        "EventType": "Order" if shipment is None else "Shipment",
        "StatusUpdatedDateTime": written(order.updated),
        "SellerFulfillmentOrderId": order.id,
        "FulfillmentOrderStatus": order.status,
    }
    if shipment is not None:
        package = shipment.package
        arrives = {"EstimatedArrivalDateTime": written(package.service.window(package.shipped)[1])} if package else {}
        named = {"CarrierCode": "LOCAL_PARCEL", "TrackingNumber": package.tracking} if package else {}
        told["FulfillmentShipment"] = {
            "FulfillmentShipmentStatus": shipment.status,
            "AmazonShipmentId": shipment.id,
            **arrives,
            "FulfillmentShipmentPackages": [{"PackageNumber": package.number, **named}] if package else [],
        }
    return {"FulfillmentOrderStatusNotification": told}


# --- listings and stock -----------------------------------------------------------------------------------------------


def of_listing(listing: Listing, **more: Any) -> dict[str, Any]:
    """Return what is told of a listing."""
    asin = {"Asin": listing.asin} if listing.asin else {}
    return {"SellerId": listing.seller, "MarketplaceId": listing.marketplace.id, **asin, "Sku": listing.sku, **more}


def quantity_changed(listing: Listing) -> dict[str, Any]:
    """Return what is told of a quantity that the account ships by itself."""
    return of_listing(listing, FulfillmentChannelCode="DEFAULT", Quantity=listing.quantity)


def stock_changed(
    listing: Listing, title: str, marketplaces: Sequence[Marketplace], stock: Stock, waiting: Waiting
) -> dict[str, Any]:
    """Return what is told of a SKU in Amazon's warehouses; the marketplaces of one network show the same."""
    inventory = {
        "InboundQuantityBreakdown": {
            "Working": stock.inbound_working,
            "Shipped": stock.inbound_shipped,
            "Receiving": stock.inbound_receiving,
        },
        "Fulfillable": stock.fulfillable,
        "Unfulfillable": stock.unfulfillable,
        "Researching": stock.researching,
        "ReservedQuantityBreakdown": {
            "WarehouseProcessing": stock.fc_processing,
            "WarehouseTransfer": stock.transshipment,
            "PendingCustomerOrder": waiting.quantity,
        },
        "FutureSupplyBuyable": 0,
        "PendingCustomerOrderInTransit": 0,
    }
    return {
        "SellerId": listing.seller,
        "FNSKU": listing.fnsku,
        **({"ASIN": listing.asin} if listing.asin else {}),
        "SKU": listing.sku,
        "FulfillmentInventoryByMarketplace": [
            {"MarketplaceId": shop.id, "ItemName": title, "FulfillmentInventory": inventory, "Stores": []}
            for shop in marketplaces
        ],
    }


def type_changed(item: Item, before: str) -> dict[str, Any]:
    """Return what is told of an item that is of another product type than before."""
    return _of_item(item, PreviousProductType=before, CurrentProductType=item.maker.product_type)


def content_changed(item: Item, attributes: Sequence[str]) -> dict[str, Any]:
    """Return what is told of an item that says something else than before."""
    return _of_item(item, BrandName=item.brand, AttributesChanged=attributes)


def _of_item(item: Item, **more: Any) -> dict[str, Any]:
    return {"MarketplaceId": item.marketplace.id, "Asin": item.asin, **more}


def definitions_changed(seller: str, marketplace: Marketplace, version: str) -> dict[str, Any]:
    """Return what is told of product types that are defined anew; ``version`` is that of all together."""
    account = f"amzn1.merchant.o.{seller}"
    return {"MarketplaceId": marketplace.id, "AccountId": account, "ProductTypeVersion": version}


# --- offers -----------------------------------------------------------------------------------------------------------


def offers_changed(seller: str, item: Item, condition: str, found: Sequence[Offer], when: float) -> dict[str, Any]:
    """Return what a seller is told of the offers of an item; ``condition`` is that of the offer that changed."""
    currency = item.marketplace.currency
    listed = list_price(item.facts)
    reference = {} if listed is None else dict.fromkeys(REFERENCES, _money(listed, currency))
    winner, among, overall = featured(found), *item.ranks
    new = [one for one in _counted(found) if one["Condition"] == "new"]
    summary = {
        "NumberOfOffers": _counted(found),
        "LowestPrices": [
            {"Condition": one.condition.lower(), "FulfillmentChannel": _channel(one), **_price(one, currency)}
            for one in _lowest(found)
        ],
        "BuyBoxPrices": [{"Condition": "new", **_price(winner, currency)}] if winner else [],
        **reference,
        "TotalBuyBoxEligibleOffers": sum(one["OfferCount"] for one in new),
        "SalesRankings": [
            {"ProductCategoryId": item.type.category.group, "Rank": overall},
            {"ProductCategoryId": item.type.id, "Rank": among},
        ],
        "NumberOfBuyBoxEligibleOffers": new,
    }
    shown = [
        {
            **_offer(one, item.marketplace, wins=one is winner),
            "PrimeInformation": {"IsOfferPrime": one.by_amazon, "IsOfferNationalPrime": one.by_amazon},
            "IsExpeditedShippingAvailable": one.by_amazon,
            "ShipsDomestically": True,
            "ShipsInternationally": False,
        }
        for one in top(found, condition)
    ]
    trigger = {**_trigger(item, condition, when), "OfferChangeType": "Internal"}
    told = {"SellerId": seller, "OfferChangeTrigger": trigger, "Summary": summary, "Offers": shown}
    return {"AnyOfferChangedNotification": told}


REFERENCES = ("ListPrice", "MinimumAdvertisedPrice", "SuggestedLowerPricePlusShipping", "CompetitivePriceThreshold")


def business_offers_changed(
    seller: str, item: Item, condition: str, found: Sequence[Offer], when: float
) -> dict[str, Any]:
    """Return what a seller is told of the offers of an item to businesses."""
    currency, winner = item.marketplace.currency, featured(found)
    summary = {
        "NumberOfOffers": _counted(found),
        "BuyBoxEligibleOffers": [one for one in _counted(found) if one["Condition"] == "new"],
        "LowestPrices": [
            {
                "Condition": one.condition.lower(),
                "FulfillmentChannel": _channel(one),
                **_kind(one),
                **_price(one, currency),
            }
            for one in _lowest(found)
        ],
        "BuyBoxPrices": (
            [{"Condition": "new", **_kind(winner), **_price(winner, currency), "SellerId": winner.seller}]
            if winner
            else []
        ),
    }
    shown = [
        {
            **_offer(one, item.marketplace, wins=one is winner),
            "PrimeInformation": {"IsPrime": one.by_amazon, "IsNationalPrime": one.by_amazon},
            "QuantityDiscountPrice": [
                {
                    "QuantityTier": lower,
                    "QuantityDiscountType": "QUANTITY_DISCOUNT",
                    "ListingPrice": _money(each, currency),
                }
                for lower, each in one.tiers
            ],
        }
        for one in top(found, condition)
    ]
    told = {
        "SellerId": seller,
        "OfferChangeTrigger": _trigger(item, condition, when),
        "Summary": summary,
        "Offers": shown,
    }
    return {"B2BAnyOfferChangedNotification": told}


def top(found: Sequence[Offer], condition: str) -> list[Offer]:
    """Return the offers of a condition that are told of, the cheapest first."""
    return [one for one in found if one.condition == condition][:MOST_OFFERS]


def _trigger(item: Item, condition: str, when: float) -> dict[str, Any]:
    named = {"MarketplaceId": item.marketplace.id, "ASIN": item.asin, "ItemCondition": condition.lower()}
    return {**named, "TimeOfOfferChange": written(when)}


def _channel(offer: Offer) -> str:
    return "Amazon" if offer.by_amazon else "Merchant"


def _kind(offer: Offer) -> dict[str, Any]:
    return {"OfferType": "B2B" if offer.business else "B2C", "QuantityTier": 1}


def _counted(found: Sequence[Offer]) -> list[dict[str, Any]]:
    kinds = Counter((one.condition.lower(), _channel(one)) for one in found)
    return [
        {"Condition": condition, "FulfillmentChannel": channel, "OfferCount": count}
        for (condition, channel), count in kinds.items()
    ]


def _lowest(found: Sequence[Offer]) -> list[Offer]:
    lowest: dict[tuple[str, bool], Offer] = {}
    for one in found:
        lowest.setdefault((one.condition, one.by_amazon), one)
    return [*lowest.values()]


def _offer(one: Offer, shop: Marketplace, *, wins: bool) -> dict[str, Any]:
    hours = (0, 0) if one.by_amazon else (24, 48)
    shipping = {"MinimumHours": hours[0], "MaximumHours": hours[1], "AvailabilityType": "NOW", "AvailableDate": ""}
    return {
        "SellerId": one.seller,
        "SubCondition": one.subcondition,
        "SellerFeedbackRating": {"FeedbackCount": one.feedback, "SellerPositiveFeedbackRating": one.rating},
        "ShippingTime": shipping,
        "ListingPrice": _money(one.price, shop.currency),
        "Points": {"PointsNumber": 0},
        "Shipping": _money(one.shipping, shop.currency),
        "ShipsFrom": {"Country": shop.country, "State": ""},
        "IsFulfilledByAmazon": one.by_amazon,
        "IsBuyBoxWinner": wins,
        "IsFeaturedMerchant": one.condition == "New",
    }


def _price(offer: Offer, currency: str) -> dict[str, Any]:
    return {
        "LandedPrice": _money(offer.landed, currency),
        "ListingPrice": _money(offer.price, currency),
        "Shipping": _money(offer.shipping, currency),
        "Points": {"PointsNumber": 0},
    }


def _money(amount: Decimal, currency: str) -> Mapping[str, Any]:
    return {"Amount": float(amount), "CurrencyCode": currency}
