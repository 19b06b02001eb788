from typing import Any

import pytest

from sellerport.emulator.shop import Product

from .conftest import Local

SELLER = "ALOCALSELLERNA"
US, CA, DE = "ATVPDKIKX0DER", "A2EUQ1WTGCTBG2", "A1PA6795UKMFR9"
FEES = "/products/fees/v0"


def products(amazon: Local) -> tuple[Product, ...]:
    return amazon.world.account(SELLER).products


def of_type(amazon: Local, kind: str) -> Product:
    return next(one for one in products(amazon) if one.article.type == kind)


def request(
    amount: float = 20, shipping: float | None = None, shop: str = US, currency: str = "USD", **more: Any
) -> Any:
    prices = {"ListingPrice": {"CurrencyCode": currency, "Amount": amount}}
    if shipping is not None:
        prices["Shipping"] = {"CurrencyCode": currency, "Amount": shipping}
    asked = {"MarketplaceId": shop, "PriceToEstimateFees": prices, "Identifier": "mine-1", **more}
    return {"FeesEstimateRequest": asked}


def estimate(amazon: Local, asin: str, asked: Any) -> Any:
    return amazon.good("POST", f"{FEES}/items/{asin}/feesEstimate", body=asked)["payload"]["FeesEstimateResult"]


def fees(result: Any) -> dict[str, float]:
    details = result["FeesEstimate"]["FeeDetailList"]
    found = {one["FeeType"]: one["FinalFee"]["Amount"] for one in details}
    assert result["FeesEstimate"]["TotalFeesEstimate"]["Amount"] == pytest.approx(sum(found.values()))
    return found


def test_an_estimate_is_for_the_item_and_the_price_asked_for(amazon: Local) -> None:
    product = of_type(amazon, "CANDLE")
    result = estimate(amazon, product.asin, request(20, IsAmazonFulfilled=False))
    assert result["Status"] == "Success"
    assert result["FeesEstimateIdentifier"] == {
        "MarketplaceId": US,
        "SellerId": SELLER,
        "IdType": "ASIN",
        "IdValue": product.asin,
        "IsAmazonFulfilled": False,
        "PriceToEstimateFees": {"ListingPrice": {"CurrencyCode": "USD", "Amount": 20}},
        "SellerInputIdentifier": "mine-1",
    }
    assert result["FeesEstimate"]["TimeOfFeesEstimation"] == "2026-09-21T14:13:20.000Z"
    assert fees(result) == {"ReferralFee": 3.0, "VariableClosingFee": 0, "PerItemFee": 0}


@pytest.mark.parametrize(
    ("kind", "amount", "shipping", "referral"),
    [
        ("CANDLE", 20, None, 3.0),
        ("CANDLE", 20, 10, 4.5),
        ("CANDLE", 1, None, 0.3),
        ("OUTERWEAR", 100, None, 17.0),
        ("CHARGING_DOCK", 100, None, 8.0),
    ],
)
def test_the_referral_fee_is_the_categorys_share_of_the_price(
    amazon: Local, kind: str, amount: float, shipping: float | None, referral: float
) -> None:
    result = estimate(amazon, of_type(amazon, kind).asin, request(amount, shipping))
    assert fees(result)["ReferralFee"] == referral


def test_what_amazon_ships_costs_by_its_weight(amazon: Local) -> None:
    for product in products(amazon):
        result = estimate(amazon, product.asin, request(IsAmazonFulfilled=True))
        halves = -(-(product.article.grams + 60) // 500)
        assert fees(result)["FBAFees"] == pytest.approx(3.20 + 0.45 * (halves - 1))
        (part,) = result["FeesEstimate"]["FeeDetailList"][-1]["IncludedFeeDetailList"]
        assert (part["FeeType"], part["FinalFee"]["Amount"]) == ("FBAPickAndPack", fees(result)["FBAFees"])


@pytest.mark.parametrize(
    ("unit", "value", "fee"),
    [("grams", 500, 3.2), ("grams", 501, 3.65), ("kilograms", 1, 3.65), ("pounds", 1, 3.2), ("ounces", 18, 3.65)],
)
def test_every_half_kilogram_that_is_begun_counts(amazon: Local, unit: str, value: float, fee: float) -> None:
    product = of_type(amazon, "CANDLE")
    weight = {"op": "replace", "path": "/attributes/item_package_weight", "value": [{"unit": unit, "value": value}]}
    path = f"/listings/2021-08-01/items/{SELLER}/{product.sku}"
    amazon.good("PATCH", path, body={"productType": "PRODUCT", "patches": [weight]}, marketplaceIds=US)
    assert fees(estimate(amazon, product.asin, request(IsAmazonFulfilled=True)))["FBAFees"] == pytest.approx(fee)


def test_fees_are_in_the_money_of_the_marketplace(amazon: Local) -> None:
    product = of_type(amazon, "CANDLE")
    result = estimate(amazon, product.asin, request(1, shop=CA, currency="CAD", IsAmazonFulfilled=True))
    assert result["FeesEstimate"]["TotalFeesEstimate"]["CurrencyCode"] == "CAD"
    assert fees(result)["ReferralFee"] == 0.41
    assert fees(result)["FBAFees"] == 4.35


def test_a_sku_is_the_accounts_own(amazon: Local) -> None:
    product = of_type(amazon, "CANDLE")
    found = amazon.good("POST", f"{FEES}/listings/{product.sku}/feesEstimate", body=request())
    result = found["payload"]["FeesEstimateResult"]
    identifier = result["FeesEstimateIdentifier"]
    assert (result["Status"], identifier["IdType"], identifier["IdValue"]) == ("Success", "SellerSKU", product.sku)
    theirs = amazon.world.account("ALOCALVENDORNA").products[0]
    other = amazon.good("POST", f"{FEES}/listings/{theirs.sku}/feesEstimate", body=request())
    assert other["payload"]["FeesEstimateResult"]["Status"] == "ClientError"


@pytest.mark.parametrize(
    "asked",
    [request(0), request(-1), request(20, currency="EUR"), request(20, -1)],
)
def test_an_estimate_that_cannot_be_made_is_an_error_in_a_success(amazon: Local, asked: Any) -> None:
    for asin, given in ((of_type(amazon, "CANDLE").asin, asked), ("B0LNOWHERE", request())):
        result = estimate(amazon, asin, given)
        assert result["Status"] == "ClientError"
        assert result["Error"] == {
            "Type": "Sender",
            "Code": "InvalidParameterValue",
            "Message": "There is an client-side error. Please verify your inputs.",
            "Detail": [],
        }
        assert "FeesEstimate" not in result


@pytest.mark.parametrize(
    ("asked", "status", "message"),
    [
        (request(shop="WRNGMRKTPLCE"), 400, "Incorrect Marketplace identifier."),
        (request(shop=DE, currency="EUR"), 403, "Access to requested resource is denied."),
        ({}, 400, "This is an invalid input"),
        ({"FeesEstimateRequest": {"MarketplaceId": US}}, 400, "Invalid Input"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(amazon: Local, asked: Any, status: int, message: str) -> None:
    answer = amazon.call("POST", f"{FEES}/items/{of_type(amazon, 'CANDLE').asin}/feesEstimate", body=asked)
    assert (answer.status, answer.json["errors"][0]["message"]) == (status, message)


def test_several_estimates_come_in_a_bare_list_each_with_its_status(amazon: Local) -> None:
    product = of_type(amazon, "CANDLE")
    asked = [
        {**request(20), "IdType": "ASIN", "IdValue": product.asin},
        {**request(10), "IdType": "SellerSKU", "IdValue": product.sku},
        {**request(10), "IdType": "ASIN", "IdValue": "B0LNOWHERE"},
    ]
    found = amazon.good("POST", f"{FEES}/feesEstimate", body=asked)
    assert [one["Status"] for one in found] == ["Success", "Success", "ClientError"]
    assert [fees(one)["ReferralFee"] for one in found[:2]] == [3.0, 1.5]
    for wrong in ([], asked[:1] * 21):
        assert amazon.call("POST", f"{FEES}/feesEstimate", body=wrong).status == 400
