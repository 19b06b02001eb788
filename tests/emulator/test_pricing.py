from typing import Any
from urllib.parse import quote

import pytest

from sellerport.emulator.shop import Product

from .conftest import Local

SELLER, VENDOR = "ALOCALSELLERNA", "ALOCALVENDORNA"
US, CA, BR = "ATVPDKIKX0DER", "A2EUQ1WTGCTBG2", "A2Q3Y263D00KWC"
V0 = "/products/pricing/v0"
SUMMARIES = "/batches/products/pricing/2022-05-01/items/competitiveSummary"
EXPECTED = "/batches/products/pricing/2022-05-01/offer/featuredOfferExpectedPrice"
PARTS = ["featuredBuyingOptions", "referencePrices", "lowestPricedOffers", "similarItems"]


def products(amazon: Local) -> tuple[Product, ...]:
    return amazon.world.account(SELLER).products


def contested(amazon: Local) -> Product:
    """A product that others sell too, and that Amazon ships for the account."""
    for product in products(amazon):
        if product.channel == "AFN" and offers(amazon, product)["Summary"]["TotalOfferCount"] > 1:
            return product
    raise AssertionError("nothing is contested")


def offers(amazon: Local, product: Product, **query: str) -> Any:
    query = {"MarketplaceId": US, "ItemCondition": "New", **query}
    return amazon.good("GET", f"{V0}/items/{product.asin}/offers", **query)["payload"]


def ask(amazon: Local, product: Product, amount: float, **more: Any) -> None:
    """Change a price."""
    value = [{"currency": "USD", "our_price": [{"schedule": [{"value_with_tax": amount}]}]}, *more.get("others", ())]
    body = {
        "productType": "PRODUCT",
        "patches": [{"op": "replace", "path": "/attributes/purchasable_offer", "value": value}],
    }
    path = f"/listings/2021-08-01/items/{SELLER}/{product.sku}"
    assert amazon.good("PATCH", path, body=body, marketplaceIds=US)["status"] == "ACCEPTED"


def usd(amount: float) -> dict[str, Any]:
    return {"CurrencyCode": "USD", "Amount": amount}


# --- v0: prices -------------------------------------------------------------------------------------------------------


def test_prices_are_those_of_the_asins_asked_for(amazon: Local) -> None:
    first, second = products(amazon)[1], products(amazon)[4]
    query = {"MarketplaceId": US, "ItemType": "Asin", "Asins": f"{second.asin},B0LNOWHERE,{first.asin}"}
    found = amazon.good("GET", f"{V0}/price", **query)["payload"]
    assert [(one["ASIN"], one["status"]) for one in found] == [
        (second.asin, "Success"),
        ("B0LNOWHERE", "ClientError"),
        (first.asin, "Success"),
    ]
    assert "Product" not in found[1]
    identifiers = {"MarketplaceASIN": {"MarketplaceId": US, "ASIN": first.asin}}
    (offer,) = found[2]["Product"]["Offers"]
    assert found[2]["Product"]["Identifiers"] == identifiers
    assert (offer["SellerSKU"], offer["FulfillmentChannel"], offer["ItemCondition"]) == (first.sku, "MERCHANT", "New")
    price = offer["BuyingPrice"]
    assert (price["ListingPrice"], price["Shipping"], price["LandedPrice"]) == (usd(22.5), usd(3.99), usd(26.49))
    assert found[0]["Product"]["Offers"][0]["BuyingPrice"]["Shipping"] == usd(0)


def test_prices_of_skus_are_the_accounts_own(amazon: Local) -> None:
    product = products(amazon)[1]
    theirs = amazon.world.account(VENDOR).products[1]
    skus = ",".join(quote(sku, safe="") for sku in (product.sku, theirs.sku, "a,b"))
    found = amazon.good("GET", f"{V0}/price", MarketplaceId=US, ItemType="Sku", Skus=skus)["payload"]
    assert [(one["SellerSKU"], one["status"]) for one in found] == [
        (product.sku, "Success"),
        (theirs.sku, "ClientError"),
        ("a,b", "ClientError"),
    ]
    assert found[0]["Product"]["Identifiers"]["SKUIdentifier"] == {
        "MarketplaceId": US,
        "SellerId": SELLER,
        "SellerSKU": product.sku,
    }
    (other,) = amazon.good("GET", f"{V0}/price", MarketplaceId=CA, ItemType="Sku", Skus=product.sku)["payload"]
    assert other["Product"]["Offers"][0]["RegularPrice"] == {"CurrencyCode": "CAD", "Amount": 30.6}


def test_an_item_of_others_has_no_own_price(amazon: Local) -> None:
    theirs = amazon.world.account(VENDOR).products[0]
    found = amazon.good("GET", f"{V0}/price", MarketplaceId=US, ItemType="Asin", Asins=theirs.asin)["payload"]
    assert (found[0]["status"], set(found[0]["Product"])) == ("Success", {"Identifiers"})
    used = {"MarketplaceId": US, "ItemType": "Asin", "Asins": products(amazon)[0].asin, "ItemCondition": "Used"}
    assert "Offers" not in amazon.good("GET", f"{V0}/price", **used)["payload"][0]["Product"]


def test_businesses_pay_what_the_listing_asks_of_businesses(amazon: Local) -> None:
    product = products(amazon)[1]
    plan = [{"schedule": [{"discount_type": "fixed", "levels": [{"lower_bound": 5, "value": 17}]}]}]
    asked = [{"schedule": [{"value_with_tax": 19}]}]
    business = {"currency": "USD", "audience": "B2B", "our_price": asked, "quantity_discount_plan": plan}
    ask(amazon, product, 20, others=[business])
    query = {"MarketplaceId": US, "ItemType": "Asin", "Asins": product.asin, "OfferType": "B2B"}
    (offer,) = amazon.good("GET", f"{V0}/price", **query)["payload"][0]["Product"]["Offers"]
    assert (offer["offerType"], offer["BuyingPrice"]["ListingPrice"]) == ("B2B", usd(19))
    assert offer["RegularPrice"] == usd(20)
    assert [(one["quantityTier"], one["listingPrice"]) for one in offer["quantityDiscountPrices"]] == [(5, usd(17))]
    mine = [one for one in offers(amazon, product, CustomerType="Business")["Offers"] if one["MyOffer"]]
    assert (mine[0]["ListingPrice"], mine[0]["offerType"]) == (usd(19), "B2B")
    assert next(one for one in offers(amazon, product)["Offers"] if one["MyOffer"])["ListingPrice"] == usd(20)


@pytest.mark.parametrize(
    "query",
    [
        {"ItemType": "Asin"},
        {"ItemType": "Asin", "Skus": "A"},
        {"ItemType": "Sku", "Asins": "A"},
        {"ItemType": "ASIN", "Asins": "A"},
        {"ItemType": "Asin", "Asins": ",".join(f"B0L{number:07d}" for number in range(21))},
        {"ItemType": "Asin", "Asins": "A", "ItemCondition": "Shiny"},
    ],
)
def test_prices_that_make_no_sense_are_refused(amazon: Local, query: dict[str, str]) -> None:
    assert amazon.call("GET", f"{V0}/price", MarketplaceId=US, **query).error[:2] == (400, "InvalidInput")


# --- v0: the featured offer -------------------------------------------------------------------------------------------


def test_the_featured_offer_goes_to_the_lowest_price(amazon: Local) -> None:
    product = contested(amazon)
    ask(amazon, product, 500)
    before = offers(amazon, product)
    assert before["Offers"][0]["MyOffer"] is False
    assert before["Summary"]["BuyBoxPrices"][0]["sellerId"] == before["Offers"][0]["SellerId"]
    cheapest = before["Summary"]["LowestPrices"][0]["LandedPrice"]["Amount"]
    ask(amazon, product, cheapest)
    after = offers(amazon, product)
    assert [one["IsBuyBoxWinner"] for one in after["Offers"]] == [True] + [False] * (len(after["Offers"]) - 1)
    assert (after["Offers"][0]["MyOffer"], after["Offers"][0]["SellerId"]) == (True, SELLER)
    assert after["Summary"]["BuyBoxPrices"][0]["ListingPrice"] == usd(cheapest)
    query = {"MarketplaceId": US, "ItemType": "Asin", "Asins": product.asin}
    (found,) = amazon.good("GET", f"{V0}/competitivePrice", **query)["payload"]
    (featured,) = found["Product"]["CompetitivePricing"]["CompetitivePrices"]
    assert (featured["belongsToRequester"], featured["Price"]["ListingPrice"]) == (True, usd(cheapest))
    counts = {one["condition"]: one["Count"] for one in found["Product"]["CompetitivePricing"]["NumberOfOfferListings"]}
    assert counts["New"] == after["Summary"]["TotalOfferCount"] == len(after["Offers"])


def test_offers_of_a_listing_are_those_of_its_item(amazon: Local) -> None:
    product = contested(amazon)
    query = {"MarketplaceId": US, "ItemCondition": "New"}
    listed = amazon.good("GET", f"{V0}/listings/{product.sku}/offers", **query)["payload"]
    by_asin = offers(amazon, product)
    assert (listed["SKU"], listed["Identifier"]["SellerSKU"]) == (product.sku, product.sku)
    assert (by_asin["ASIN"], by_asin["Identifier"]["ASIN"]) == (product.asin, product.asin)
    assert (listed["Offers"], listed["Summary"]) == (by_asin["Offers"], by_asin["Summary"])
    used = offers(amazon, product, ItemCondition="Used")
    assert (used["Offers"], used["status"]) == ([], "NoBuyableOffers")
    assert used["Summary"]["TotalOfferCount"] == by_asin["Summary"]["TotalOfferCount"]


def test_another_account_can_offer_the_same_item(amazon: Local) -> None:
    product = contested(amazon)
    account = amazon.world.add_account(("US",), selling_partner_id="ARESELLER", orders=0)
    token = amazon.token(amazon.world.grant(account.selling_partner_id).refresh_token)
    attributes = {
        "condition_type": [{"value": "used_good"}],
        "merchant_suggested_asin": [{"value": product.asin}],
        "purchasable_offer": [{"currency": "USD", "our_price": [{"schedule": [{"value_with_tax": 5}]}]}],
        "fulfillment_availability": [{"fulfillment_channel_code": "DEFAULT", "quantity": 1}],
    }
    body = {"productType": "PRODUCT", "requirements": "LISTING_OFFER_ONLY", "attributes": attributes}
    path = "/listings/2021-08-01/items/ARESELLER/USED"
    assert amazon.good("PUT", path, token, body, marketplaceIds=US)["status"] == "ACCEPTED"
    used = offers(amazon, product, ItemCondition="Used")
    (offer,) = used["Offers"]
    assert (offer["SellerId"], offer["SubCondition"], offer["MyOffer"]) == ("ARESELLER", "good", False)
    assert offer["IsBuyBoxWinner"] is False
    assert {"used", "new"} == {one["condition"] for one in used["Summary"]["NumberOfOffers"]}


def test_what_cannot_be_bought_is_no_offer(amazon: Local) -> None:
    product = products(amazon)[1]
    before = offers(amazon, product)["Summary"]["TotalOfferCount"]
    value = [{"fulfillment_channel_code": "DEFAULT", "quantity": 0}]
    patches = [{"op": "replace", "path": "/attributes/fulfillment_availability", "value": value}]
    body = {"productType": "PRODUCT", "patches": patches}
    amazon.good("PATCH", f"/listings/2021-08-01/items/{SELLER}/{product.sku}", body=body, marketplaceIds=US)
    assert offers(amazon, product)["Summary"]["TotalOfferCount"] == before - 1
    query = {"MarketplaceId": US, "ItemType": "Sku", "Skus": product.sku}
    assert amazon.good("GET", f"{V0}/price", **query)["payload"][0]["Product"]["Offers"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("items/B0LNOWHERE/offers", f"B0LNOWHERE is an invalid ASIN for marketplace {US}"),
        ("listings/a%2Cb/offers", f"a,b is an invalid SKU for marketplace {US}"),
    ],
)
def test_what_is_not_sold_has_no_offers(amazon: Local, path: str, message: str) -> None:
    answer = amazon.call("GET", f"{V0}/{path}", MarketplaceId=US, ItemCondition="New")
    assert answer.error == (400, "InvalidInput", "")
    assert answer.json["errors"][0]["message"] == message
    product = products(amazon)[0]
    for shop, condition in ((BR, "New"), (US, "Shiny")):
        query = {"MarketplaceId": shop, "ItemCondition": condition}
        assert amazon.call("GET", f"{V0}/items/{product.asin}/offers", **query).status == 400


def test_a_batch_has_a_status_for_each_request(amazon: Local) -> None:
    product = products(amazon)[0]
    asked = {"method": "GET", "MarketplaceId": US, "ItemCondition": "New"}
    uris = (f"{V0}/items/{product.asin}/offers", f"{V0}/items/B0LNOWHERE/offers", "/elsewhere")
    body = {"requests": [{**asked, "uri": uri} for uri in uris]}
    good, unknown, elsewhere = amazon.good("POST", f"/batches{V0}/itemOffers", body=body)["responses"]
    assert good["status"] == {"statusCode": 200, "reasonPhrase": "OK"}
    assert good["body"]["payload"] == offers(amazon, product)
    assert good["request"] == {"MarketplaceId": US, "ItemCondition": "New", "Asin": product.asin}
    assert good["headers"]["Date"] == "Mon, 21 Sep 2026 14:13:20 GMT"
    assert unknown["status"]["statusCode"] == elsewhere["status"]["statusCode"] == 400
    assert unknown["body"]["errors"][0]["message"] == f"B0LNOWHERE is an invalid ASIN for marketplace {US}"
    assert unknown["request"]["Asin"] == "B0LNOWHERE"
    listed = {"requests": [{**asked, "uri": f"{V0}/listings/{sku}/offers"} for sku in (product.sku, "no%20where")]}
    found = amazon.good("POST", f"/batches{V0}/listingOffers", body=listed)["responses"]
    assert [one["status"]["statusCode"] for one in found] == [200, 400]
    assert [one["request"]["SellerSKU"] for one in found] == [product.sku, "no where"]
    many = {"requests": [{**asked, "uri": uris[0]}] * 21}
    assert amazon.call("POST", f"/batches{V0}/itemOffers", body=many).error[:2] == (400, "InvalidInput")
    assert amazon.call("POST", f"/batches{V0}/itemOffers", body={"requests": []}).status == 400


# --- 2022-05-01 -------------------------------------------------------------------------------------------------------


def summary(amazon: Local, asin: str, *parts: str, **more: Any) -> Any:
    asked = {"asin": asin, "marketplaceId": US, "includedData": list(parts or PARTS), **more}
    body = {"requests": [{**asked, "method": "GET", "uri": "/products/pricing/2022-05-01/items/competitiveSummary"}]}
    return amazon.good("POST", SUMMARIES, body=body)["responses"][0]


def test_a_competitive_summary_is_that_of_the_asin(amazon: Local) -> None:
    product = contested(amazon)
    known = offers(amazon, product)
    found = summary(amazon, product.asin)
    assert found["status"] == {"statusCode": 200, "reasonPhrase": "Success"}
    body = found["body"]
    assert (body["asin"], body["marketplaceId"]) == (product.asin, US)
    (option,) = body["featuredBuyingOptions"][0]["segmentedFeaturedOffers"]
    winner = known["Summary"]["BuyBoxPrices"][0]
    assert (option["sellerId"], option["listingPrice"]["amount"]) == (
        winner["sellerId"],
        winner["ListingPrice"]["Amount"],
    )
    (cheap,) = body["lowestPricedOffers"]
    assert [one["sellerId"] for one in cheap["offers"]] == [one["SellerId"] for one in known["Offers"]]
    landed = [one["ListingPrice"]["Amount"] + one["Shipping"]["Amount"] for one in known["Offers"]]
    prices = {one["name"]: one["price"]["amount"] for one in body["referencePrices"]}
    assert prices["CompetitivePrice"] == pytest.approx(sum(landed) / len(landed), abs=0.006)
    assert prices["ListPrice"] == known["Summary"]["ListPrice"]["Amount"]
    similar = {one["asin"] for one in body["similarItems"][0]["items"]}
    assert product.asin not in similar
    kinds = {one.asin: one.article.type for name in (SELLER, VENDOR) for one in amazon.world.account(name).products}
    assert {kinds.get(one, product.article.type) for one in similar} == {product.article.type}
    inputs = [{"itemCondition": "Used", "offerType": "Consumer"}]
    used = summary(amazon, product.asin, "lowestPricedOffers", lowestPricedOffersInputs=inputs)
    assert used["body"] == {"asin": product.asin, "marketplaceId": US, "lowestPricedOffers": []}


def test_a_competitive_summary_fails_by_itself(amazon: Local) -> None:
    found = summary(amazon, "11_AABB_123")
    assert found["status"] == {"statusCode": 400, "reasonPhrase": "Client Error"}
    assert found["body"]["errors"] == [{"code": "INVALID_ASIN", "message": "11_AABB_123 is not a valid ASIN"}]
    assert amazon.call("POST", SUMMARIES, body={"requests": []}).error[:2] == (400, "InvalidInput")


def expected(amazon: Local, sku: str) -> Any:
    asked = {"marketplaceId": US, "sku": sku, "method": "GET", "uri": "/products/pricing/2022-05-01/offer/x"}
    return amazon.good("POST", EXPECTED, body={"requests": [asked]})["responses"][0]


def test_who_asks_the_expected_price_is_featured(amazon: Local) -> None:
    rivalled = 0
    for product in products(amazon):
        ask(amazon, product, 500)
        (result,) = expected(amazon, product.sku)["body"]["featuredOfferExpectedPriceResults"]
        if result["resultStatus"] == "NO_COMPETING_OFFERS":
            assert "featuredOfferExpectedPrice" not in result
            continue
        rivalled += 1
        price = result["featuredOfferExpectedPrice"]["listingPrice"]["amount"]
        assert result["currentFeaturedOffer"] == result["competingFeaturedOffer"]
        ask(amazon, product, price)
        if not any(one["MyOffer"] for one in offers(amazon, product)["Offers"]):
            continue  # there is none of it
        assert offers(amazon, product)["Summary"]["BuyBoxPrices"][0]["sellerId"] == SELLER
        now = expected(amazon, product.sku)["body"]["featuredOfferExpectedPriceResults"][0]
        assert now["currentFeaturedOffer"]["offerIdentifier"]["sellerId"] == SELLER
        ask(amazon, product, round(price + 0.02, 2))
        assert offers(amazon, product)["Summary"]["BuyBoxPrices"][0]["sellerId"] != SELLER
    assert 20 < rivalled < 40


def test_what_cannot_be_featured_has_no_expected_price(amazon: Local) -> None:
    product = contested(amazon)
    family = next(one.family for one in products(amazon) if one.family)

    def status(sku: str) -> str:
        (result,) = expected(amazon, sku)["body"]["featuredOfferExpectedPriceResults"]
        assert "featuredOfferExpectedPrice" not in result
        return str(result["resultStatus"])

    path = f"/listings/2021-08-01/items/{SELLER}/{product.sku}"
    used = {"op": "replace", "path": "/attributes/condition_type", "value": [{"value": "used_good"}]}
    free = {"op": "delete", "path": "/attributes/purchasable_offer", "value": [{"marketplace_id": US}]}
    assert status(family.sku) == "ASIN_NOT_ELIGIBLE"
    amazon.good("PATCH", path, body={"productType": "PRODUCT", "patches": [used]}, marketplaceIds=US)
    assert status(product.sku) == "OFFER_NOT_ELIGIBLE"
    amazon.good("PATCH", path, body={"productType": "PRODUCT", "patches": [free]}, marketplaceIds=US)
    assert status(product.sku) == "OFFER_NOT_FOUND"


def test_of_two_accounts_that_ask_the_same_the_expected_price_is_a_cent_below(amazon: Local) -> None:
    product = next(one for one in products(amazon) if one.channel == "MFN")
    account = amazon.world.add_account(("US",), selling_partner_id="ARESELLER", orders=0)
    token = amazon.token(amazon.world.grant(account.selling_partner_id).refresh_token)
    attributes = {
        "condition_type": [{"value": "new_new"}],
        "merchant_suggested_asin": [{"value": product.asin}],
        "purchasable_offer": [{"currency": "USD", "our_price": [{"schedule": [{"value_with_tax": 1}]}]}],
        "fulfillment_availability": [{"fulfillment_channel_code": "DEFAULT", "quantity": 1}],
    }
    body = {"productType": "PRODUCT", "requirements": "LISTING_OFFER_ONLY", "attributes": attributes}
    amazon.good("PUT", "/listings/2021-08-01/items/ARESELLER/A", token, body, marketplaceIds=US)
    (result,) = expected(amazon, product.sku)["body"]["featuredOfferExpectedPriceResults"]
    assert result["featuredOfferExpectedPrice"]["listingPrice"]["amount"] == 1.0, "ALOCALSELLERNA comes first"
    ask(amazon, product, 1)
    asked = {"marketplaceId": US, "sku": "A", "method": "GET", "uri": "/products/pricing/2022-05-01/offer/x"}
    (answer,) = amazon.good("POST", EXPECTED, token, {"requests": [asked]})["responses"]
    (result,) = answer["body"]["featuredOfferExpectedPriceResults"]
    assert result["featuredOfferExpectedPrice"]["listingPrice"]["amount"] == 0.99


def test_an_expected_price_is_for_the_accounts_own_skus(amazon: Local) -> None:
    theirs = amazon.world.account(VENDOR).products[0]
    found = expected(amazon, theirs.sku)
    assert found["status"]["statusCode"] == 400
    assert found["body"]["errors"][0]["code"] == "INVALID_SKU"
    assert found["request"] == {"marketplaceId": US, "sku": theirs.sku}
    asked = {"marketplaceId": US, "sku": "A", "method": "GET", "uri": "/x"}
    assert amazon.call("POST", EXPECTED, body={"requests": [asked] * 41}).error[:2] == (400, "InvalidInput")
    assert len(amazon.good("POST", EXPECTED, body={"requests": [asked] * 40})["responses"]) == 40
