from decimal import Decimal
from typing import Any

import pytest

from sellerport.emulator.shop import Product

from .conftest import Local

ITEMS = "/catalog/2022-04-01/items"
OLD_ITEMS = "/catalog/2020-12-01/items"
US, CA, MX, BR, DE = "ATVPDKIKX0DER", "A2EUQ1WTGCTBG2", "A1AM78C64UM0Y8", "A2Q3Y263D00KWC", "A1PA6795UKMFR9"
EVERYTHING = (
    "attributes,classifications,dimensions,identifiers,images,productTypes,relationships,salesRanks,summaries,"
    "vendorDetails"
)


def products(amazon: Local, seller: str = "ALOCALSELLERNA") -> tuple[Product, ...]:
    return amazon.world.account(seller).products


def asins(body: Any) -> list[str]:
    return [item["asin"] for item in body["items"]]


def search(amazon: Local, token: str | None = None, **query: str) -> Any:
    return amazon.good("GET", ITEMS, token, **{"marketplaceIds": US, **query})


def pages(amazon: Local, **query: str) -> list[Any]:
    found = [search(amazon, **query)]
    while token := found[-1].get("pagination", {}).get("nextToken"):
        found.append(search(amazon, **query, pageToken=token))
    return found


# --- one item ---------------------------------------------------------------------------------------------------------


def test_the_item_asked_for_is_the_item_answered_with_its_summary(amazon: Local) -> None:
    product = products(amazon)[3]
    found = amazon.good("GET", f"{ITEMS}/{product.asin}", marketplaceIds=US)
    assert set(found) == {"asin", "summaries"}
    assert found["asin"] == product.asin
    (summary,) = found["summaries"]
    assert (summary["marketplaceId"], summary["itemName"], summary["brand"]) == (US, product.title, "Larkhollow")
    assert summary["itemClassification"] == "BASE_PRODUCT"


def test_the_sections_asked_for_are_the_sections_answered(amazon: Local) -> None:
    product = products(amazon)[1]
    article = product.article
    found = amazon.good("GET", f"{ITEMS}/{product.asin}", marketplaceIds=f"{US},{CA}", includedData=EVERYTHING)
    assert set(found) == {"asin", *EVERYTHING.split(",")}
    assert [one["identifiers"][0] for one in found["identifiers"]] == [
        {"identifierType": "EAN", "identifier": product.ean}
    ] * 2
    assert [one["productType"] for one in found["productTypes"]] == [article.type] * 2
    sides = found["dimensions"][0]["item"]
    assert [sides[name]["value"] for name in ("length", "width", "height")] == list(article.centimetres)
    assert sides["weight"] == {"unit": "grams", "value": article.grams}
    assert {one["marketplace_id"] for one in found["attributes"]["item_name"]} == {US, CA}
    assert found["images"][0]["images"][0]["variant"] == "MAIN"
    assert found["images"][0]["images"][0]["link"].startswith("https://images.local-amazon.invalid/")
    assert found["classifications"][0]["classifications"][0]["parent"]["displayName"] == "Home & Décor"
    assert (
        found["salesRanks"][0]["displayGroupRanks"][0]["rank"]
        > found["salesRanks"][0]["classificationRanks"][0]["rank"]
    )
    assert found["vendorDetails"] == []
    assert not {"purchasable_offer", "condition_type", "fulfillment_availability"} & set(found["attributes"])


def test_an_item_is_refused_where_it_is_not_known(amazon: Local) -> None:
    asin = products(amazon)[0].asin
    answer = amazon.call("GET", f"{ITEMS}/B0LNOWHERE", marketplaceIds=f"{US},{CA}")
    assert answer.json["errors"] == [
        {
            "code": "NOT_FOUND",
            "message": f"Requested item, B0LNOWHERE, not found in marketplace(s) {US}, {CA}.",
            "details": "",
        }
    ]
    assert answer.status == 404
    assert amazon.call("GET", f"{ITEMS}/{asin}", marketplaceIds=BR).status == 404
    both = amazon.good("GET", f"{ITEMS}/{asin}", marketplaceIds=f"{BR},{CA}")
    assert [one["marketplaceId"] for one in both["summaries"]] == [CA]
    for wrong in ("B0", "B0LTOOLONG1", "B0L-4567890"):
        assert amazon.call("GET", f"{ITEMS}/{wrong}", marketplaceIds=US).error[:2] == (400, "InvalidInput")
    assert amazon.call("GET", f"{ITEMS}/{asin}", marketplaceIds=DE).error[:2] == (403, "Unauthorized")
    wrong = amazon.call("GET", f"{ITEMS}/{asin}", marketplaceIds=US, includedData="summaries,prices")
    assert wrong.json["errors"][0]["message"] == "Invalid 'includedData' provided."


def test_everyone_sees_the_items_of_everyone(amazon: Local) -> None:
    vendor = amazon.token("Atzr|local-vendor-na")
    asin = products(amazon)[0].asin
    found = amazon.good("GET", f"{ITEMS}/{asin}", vendor, marketplaceIds=US, includedData="vendorDetails,summaries")
    assert found["summaries"][0]["brand"] == "Larkhollow"
    assert found["vendorDetails"] == []
    own = products(amazon, "ALOCALVENDORNA")[0].asin
    found = amazon.good("GET", f"{ITEMS}/{own}", vendor, marketplaceIds=US, includedData="vendorDetails")
    assert found["vendorDetails"][0]["brandCode"] == "TIDEW"
    assert amazon.good("GET", f"{ITEMS}/{own}", marketplaceIds=US, includedData="vendorDetails")["vendorDetails"] == []


def test_variations_know_their_parent_and_the_parent_its_variations(amazon: Local) -> None:
    mugs = [one for one in products(amazon) if one.family and one.family.theme == "COLOR"]
    assert len(mugs) == 3
    family = mugs[0].family
    assert family is not None
    found = amazon.good("GET", f"{ITEMS}/{mugs[1].asin}", marketplaceIds=US, includedData="relationships")
    theme = {"theme": "COLOR", "attributes": ["color"]}
    related = [{"type": "VARIATION", "variationTheme": theme, "parentAsins": [family.asin]}]
    assert found["relationships"] == [{"marketplaceId": US, "relationships": related}]
    parent = amazon.good("GET", f"{ITEMS}/{family.asin}", marketplaceIds=US, includedData="relationships,summaries")
    assert parent["relationships"][0]["relationships"][0]["childAsins"] == [one.asin for one in mugs]
    assert parent["summaries"][0]["itemClassification"] == "VARIATION_PARENT"
    alone = amazon.good("GET", f"{ITEMS}/{products(amazon)[1].asin}", marketplaceIds=US, includedData="relationships")
    assert alone["relationships"] == [{"marketplaceId": US, "relationships": []}]


def test_what_was_ordered_is_in_the_catalogue(amazon: Local) -> None:
    orders = list(amazon.world.account("ALOCALSELLERNA").orders.values())
    for order in orders[:5]:
        for line in order.items:
            found = amazon.good("GET", f"{ITEMS}/{line.asin}", marketplaceIds=order.marketplace.id)
            assert found["summaries"][0]["itemName"] == line.title


# --- searching --------------------------------------------------------------------------------------------------------


def test_items_are_found_by_each_kind_of_identifier(amazon: Local) -> None:
    first, second, third = products(amazon)[:3]
    by_asin = search(amazon, identifiers=f"{second.asin},B0LNOWHERE,{first.asin}", identifiersType="ASIN")
    assert asins(by_asin) == [second.asin, first.asin]
    assert by_asin["numberOfResults"] == 2
    assert "refinements" not in by_asin
    assert asins(search(amazon, identifiers=third.ean, identifiersType="EAN")) == [third.asin]
    assert asins(search(amazon, identifiers=f"0{third.ean}", identifiersType="GTIN")) == [third.asin]
    assert asins(search(amazon, identifiers=third.ean, identifiersType="EAN", marketplaceIds=BR)) == []
    assert asins(search(amazon, identifiers="2999999999994", identifiersType="EAN")) == []
    own = {"identifiersType": "SKU", "sellerId": "ALOCALSELLERNA"}
    assert asins(search(amazon, identifiers=f"{first.sku},{third.sku}", **own)) == [first.asin, third.asin]
    assert asins(search(amazon, identifiers=first.sku, **{**own, "sellerId": "ALOCALVENDORNA"})) == []
    assert asins(search(amazon, identifiers=first.asin, identifiersType="ASIN", marketplaceIds=BR)) == []
    for kind, name in (("ASIN", first.asin), ("EAN", first.ean), ("SKU", first.sku)):
        twice = search(amazon, identifiers=f"{name},{name}", **{**own, "identifiersType": kind})
        assert (asins(twice), twice["numberOfResults"]) == ([first.asin], 1)


def test_items_are_found_by_all_of_the_words(amazon: Local) -> None:
    linen = {
        one.asin
        for seller in ("ALOCALSELLERNA", "ALOCALVENDORNA")
        for one in products(amazon, seller)
        if one.title.startswith("Linen")
    }
    assert set(asins(search(amazon, keywords="LINEN,set"))) == linen
    assert set(asins(search(amazon, keywords="linen towel beige"))) < linen
    assert asins(search(amazon, keywords="linen submarine")) == []
    assert asins(search(amazon, keywords="linen", brandNames="Nobody")) == []
    found = search(amazon, keywords="linen", brandNames="larkhollow", classificationIds="9000000201")
    assert set(asins(found)) < linen
    assert found["refinements"]["brands"] == [{"brandName": "Larkhollow", "numberOfResults": 2}]


def test_a_search_comes_in_pages_that_can_be_turned_both_ways(amazon: Local) -> None:
    found = pages(amazon, keywords="larkhollow", pageSize="20")
    every = [asin for page in found for asin in asins(page)]
    assert [len(page["items"]) for page in found] == [20, 20, 2]
    assert len(set(every)) == found[0]["numberOfResults"] == 42
    assert "previousToken" not in found[0]["pagination"]
    back = search(amazon, keywords="larkhollow", pageSize="20", pageToken=found[1]["pagination"]["previousToken"])
    assert asins(back) == asins(found[0])
    back = search(amazon, keywords="larkhollow", pageSize="20", pageToken=found[2]["pagination"]["previousToken"])
    assert asins(back) == asins(found[1])
    token = found[0]["pagination"]["nextToken"]
    other = amazon.call("GET", ITEMS, marketplaceIds=US, keywords="candle", pageToken=token)
    assert other.error == (400, "InvalidInput", "pageToken was given with other values of: keywords")
    assert len(search(amazon, keywords="larkhollow")["items"]) == 10
    assert amazon.call("GET", ITEMS, marketplaceIds=US, keywords="larkhollow", pageSize="21").status == 400


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({}, "Missing required 'identifiers' or 'keywords'."),
        ({"keywords": "a", "identifiers": "b"}, "Invalid combination of 'identifiers' and 'keywords' provided."),
        ({"identifiers": "B0L0000000"}, "Missing or invalid 'identifiersType' provided."),
        ({"identifiers": "B0L0000000", "identifiersType": "asin"}, "Missing or invalid 'identifiersType' provided."),
        ({"identifiers": "B0L", "identifiersType": "ASIN"}, "Invalid 'asin' provided."),
        ({"identifiers": "A", "identifiersType": "SKU"}, "Missing required 'sellerId'."),
        ({"identifiers": ",".join("1" * 21), "identifiersType": "EAN"}, "Invalid 'identifiers' provided."),
        ({"keywords": ",".join("a" * 21)}, "Invalid 'keywords' provided."),
        ({"keywords": "a", "includedData": "x"}, "Invalid 'includedData' provided."),
        (
            {"identifiers": "1", "identifiersType": "EAN", "brandNames": "a"},
            "Invalid combination of 'identifiers' and a parameter for 'keywords' provided.",
        ),
        (
            {"keywords": "a", "marketplaceIds": f"{US},{CA}"},
            "Request has missing or invalid parameters and cannot be parsed.",
        ),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(amazon: Local, query: dict[str, str], message: str) -> None:
    answer = amazon.call("GET", ITEMS, **{"marketplaceIds": US, **query})
    assert answer.error[:2] == (400, "InvalidInput")
    assert answer.json["errors"][0]["message"] == message


# --- earlier versions -------------------------------------------------------------------------------------------------


def test_the_version_before_says_the_same_in_its_own_words(amazon: Local) -> None:
    product = products(amazon)[0]
    parts = "attributes,identifiers,images,productTypes,salesRanks,summaries,variations,vendorDetails"
    found = amazon.good("GET", f"{OLD_ITEMS}/{product.asin}", marketplaceIds=US, includedData=parts)
    assert found["summaries"][0]["brandName"] == "Larkhollow"
    assert found["variations"][0]["variationType"] == "CHILD"
    assert [one["title"] for one in found["salesRanks"][0]["ranks"]] == ["Drinking Cup", "Kitchen & Dining"]
    listed = amazon.good("GET", OLD_ITEMS, marketplaceIds=US, keywords="enamel,green")
    assert product.asin in asins(listed)
    assert listed["pagination"] == {}
    first = amazon.good("GET", OLD_ITEMS, marketplaceIds=US, keywords="enamel", pageSize="1")
    assert first["pagination"]["nextToken"]
    assert amazon.call("GET", f"{OLD_ITEMS}/{product.asin}", marketplaceIds=US, includedData="dimensions").status == 400
    assert amazon.call("GET", f"{OLD_ITEMS}/B0LNOWHERE", marketplaceIds=US).status == 404


def test_categories_are_those_of_the_item(amazon: Local) -> None:
    product, path = products(amazon)[2], "/catalog/v0/categories"
    (leaf, top) = amazon.good("GET", path, MarketplaceId=US, ASIN=product.asin)["payload"]
    assert (leaf["ProductCategoryName"], top["ProductCategoryName"]) == ("Candle", "Home & Décor")
    assert leaf["parent"]["ProductCategoryId"] == top["ProductCategoryId"]
    assert amazon.good("GET", path, MarketplaceId=US, SellerSKU=product.sku)["payload"] == [leaf, top]
    answer = amazon.call("GET", path, MarketplaceId=US, SellerSKU="nowhere")
    assert answer.json["errors"][0]["message"] == f"nowhere is an invalid SKU for marketplace {US}"
    assert amazon.call("GET", path, MarketplaceId=US).status == 400


# --- the seeds --------------------------------------------------------------------------------------------------------


def test_a_shop_has_forty_products_with_codes_that_check(amazon: Local) -> None:
    every = [one for account in amazon.world.accounts.values() for one in account.products]
    assert len(every) == 160
    assert len({one.asin for one in every}) == len({one.ean for one in every}) == 160
    for one in every:
        digits = [int(digit) for digit in one.ean]
        assert sum(digit * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10 == 0
        assert one.ean.startswith("29")  # used inside of shops only, never on goods that are traded
        assert one.dollars > Decimal(5)
