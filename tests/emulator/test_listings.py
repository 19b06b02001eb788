import copy
import re
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest

from sellerport.emulator.shop import Product

from .conftest import NOW, Local, Reply

SELLER, VENDOR = "ALOCALSELLERNA", "ALOCALVENDORNA"
US, CA, BR, DE = "ATVPDKIKX0DER", "A2EUQ1WTGCTBG2", "A2Q3Y263D00KWC", "A1PA6795UKMFR9"
EVERYTHING = "summaries,attributes,issues,offers,fulfillmentAvailability,procurement,relationships,productTypes"
TOWEL = {
    "item_name": [{"value": "Hemp Towel, Undyed"}],
    "brand": [{"value": "Larkhollow"}],
    "product_description": [{"value": "A towel."}],
    "bullet_point": [{"value": "Dries"}, {"value": "Lasts"}],
    "country_of_origin": [{"value": "PT"}],
    "supplier_declared_dg_hz_regulation": [{"value": "not_applicable"}],
    "color": [{"value": "Undyed"}],
    "material": [{"value": "Hemp"}],
    "size": [{"value": "Bath"}],
    "condition_type": [{"value": "new_new"}],
    "externally_assigned_product_identifier": [{"type": "ean", "value": "2900000000001"}],
    "main_product_image_locator": [{"media_location": "https://pictures.invalid/1.jpg"}],
    "purchasable_offer": [{"currency": "USD", "our_price": [{"schedule": [{"value_with_tax": 19.5}]}]}],
    "fulfillment_availability": [{"fulfillment_channel_code": "DEFAULT", "quantity": 7}],
}


def path(sku: str = "", seller: str = SELLER) -> str:
    return f"/listings/2021-08-01/items/{seller}" + (f"/{quote(sku, safe='')}" if sku else "")


def products(amazon: Local) -> tuple[Product, ...]:
    return amazon.world.account(SELLER).products


def get(amazon: Local, sku: str, included: str = EVERYTHING, shops: str = US) -> Any:
    return amazon.good("GET", path(sku), marketplaceIds=shops, includedData=included)


def put(amazon: Local, sku: str, attributes: Any, kind: str = "TOWEL", shop: str = US, **more: Any) -> Any:
    requirements = {"requirements": more.pop("requirements")} if "requirements" in more else {}
    body = {"productType": kind, "attributes": attributes, **requirements}
    return amazon.good("PUT", path(sku), more.pop("token", None), body, marketplaceIds=shop, **more)


def patch(amazon: Local, sku: str, *patches: tuple[str, str, Any], shops: str = US, **more: str) -> Any:
    written = [{"op": op, "path": f"/attributes/{name}", "value": value} for op, name, value in patches]
    body = {"productType": "PRODUCT", "patches": written}
    return amazon.good("PATCH", path(sku), body=body, marketplaceIds=shops, **more)


def priced(amount: float, **more: Any) -> list[dict[str, Any]]:
    return [{"currency": "USD", "our_price": [{"schedule": [{"value_with_tax": amount}]}]} | more]


def codes(answer: Any) -> list[tuple[str, list[str]]]:
    return [(issue["code"], issue["attributeNames"]) for issue in answer["issues"]]


def without(*names: str, **changed: Any) -> dict[str, Any]:
    return {name: value for name, value in (copy.deepcopy(TOWEL) | changed).items() if name not in names}


def rows(amazon: Local, kind: str = "GET_MERCHANT_LISTINGS_ALL_DATA", shop: str = US) -> dict[str, dict[str, str]]:
    """A report of listings by SKU."""
    report = amazon.report(kind, marketplace=shop)
    url = amazon.call("GET", f"/reports/2021-06-30/documents/{report['reportDocumentId']}").json["url"]
    head, *lines = amazon.fetch(url).body.decode().splitlines()
    found = [dict(zip(head.split("\t"), line.split("\t"), strict=True)) for line in lines]
    return {row.get("seller-sku") or row["sku"]: row for row in found}


# --- reading ----------------------------------------------------------------------------------------------------------


def test_the_sku_asked_for_is_the_sku_answered_with_its_summary(amazon: Local) -> None:
    product = products(amazon)[1]
    found = amazon.good("GET", path(product.sku), marketplaceIds=US)
    assert set(found) == {"sku", "summaries"}
    (summary,) = found["summaries"]
    assert (found["sku"], summary["asin"], summary["itemName"]) == (product.sku, product.asin, product.title)
    assert (summary["productType"], summary["conditionType"]) == ("TOWEL", "new_new")
    assert summary["status"] == ["BUYABLE", "DISCOVERABLE"]


def test_the_parts_asked_for_are_the_parts_answered(amazon: Local) -> None:
    by_seller, by_amazon = products(amazon)[1], products(amazon)[0]
    found = get(amazon, by_seller.sku)
    assert set(found) == {"sku", *EVERYTHING.split(",")}
    assert found["offers"][0] == {
        "marketplaceId": US,
        "offerType": "B2C",
        "price": {"currencyCode": "USD", "amount": str(by_seller.dollars)},
        "audience": {"value": "ALL", "displayName": "Sell on Amazon"},
    }
    assert found["productTypes"] == [{"marketplaceId": US, "productType": "TOWEL"}]
    assert (found["issues"], found["procurement"], found["relationships"]) == ([], [], [])
    (available,) = found["fulfillmentAvailability"]
    assert (available["fulfillmentChannelCode"], available["quantity"] > 0) == ("DEFAULT", True)
    other = get(amazon, by_amazon.sku)
    assert other["fulfillmentAvailability"] == [{"fulfillmentChannelCode": "AMAZON_NA"}]
    assert re.fullmatch(r"X00\w{7}", other["summaries"][0]["fnSku"])
    assert other["relationships"][0]["relationships"][0]["parentSkus"] == ["LHG-DRINKING_CUP"]
    parent = get(amazon, "LHG-DRINKING_CUP")
    assert len(parent["relationships"][0]["relationships"][0]["childSkus"]) == 3
    assert parent["summaries"][0]["status"] == ["DISCOVERABLE"]


def test_marketplaces_are_apart(amazon: Local) -> None:
    sku = products(amazon)[1].sku
    patch(amazon, sku, ("replace", "purchasable_offer", priced(55)))
    found = get(amazon, sku, "offers,attributes", f"{US},{CA}")
    prices = {one["marketplaceId"]: one["price"] for one in found["offers"] if one["offerType"] == "B2C"}
    assert prices[US] == {"currencyCode": "USD", "amount": "55.00"}
    assert prices[CA] == {"currencyCode": "CAD", "amount": "30.60"}
    assert {one["marketplace_id"] for one in found["attributes"]["item_name"]} == {US, CA}
    amazon.good("DELETE", path(sku), marketplaceIds=CA)
    assert [one["marketplaceId"] for one in get(amazon, sku, "summaries", f"{US},{CA}")["summaries"]] == [US]


def test_accounts_are_apart(amazon: Local) -> None:
    sku, other = products(amazon)[0].sku, amazon.token("Atzr|local-seller-eu")
    answer = amazon.call("GET", path(sku, "ALOCALSELLEREU"), other, marketplaceIds=DE)
    assert answer.json["errors"][0] == {
        "code": "NOT_FOUND",
        "message": f"SKU '{sku}' not found in marketplace {DE}",
        "details": "",
    }
    assert answer.status == 404
    for answer in (
        amazon.call("GET", path(sku, VENDOR), marketplaceIds=US),
        amazon.call("GET", path(sku, SELLER), amazon.token("Atzr|local-vendor-na"), marketplaceIds=US),
        amazon.call("GET", path(sku), marketplaceIds=BR),
    ):
        assert answer.error[:2] == (400, "InvalidInput")
        assert answer.json["errors"][0]["message"] == "Invalid 'sellerId' and 'marketplaceId' combination provided."


@pytest.mark.parametrize(
    ("sku", "query", "name"),
    [
        ("A" * 41, {}, "sku"),
        ("A", {"includedData": "summaries,prices"}, "includedData"),
    ],
)
def test_what_makes_no_sense_is_refused(amazon: Local, sku: str, query: dict[str, str], name: str) -> None:
    answer = amazon.call("GET", path(sku), marketplaceIds=US, **query)
    assert answer.error[:2] == (400, "InvalidInput")
    assert answer.json["errors"][0]["message"] == f"Invalid '{name}' provided."


def test_a_vendor_has_costs_where_a_seller_has_offers(amazon: Local) -> None:
    token = amazon.token("Atzr|local-vendor-na")
    product = amazon.world.account(VENDOR).products[0]
    found = amazon.good("GET", path(product.sku, VENDOR), token, marketplaceIds=US, includedData=EVERYTHING)
    assert found["procurement"] == [{"costPrice": {"currencyCode": "USD", "amount": "8.94"}}]
    assert (found["offers"], found["fulfillmentAvailability"]) == ([], [])
    assert "conditionType" not in found["summaries"][0]
    body = {"productType": "TOWEL", "attributes": without("condition_type", "purchasable_offer")}
    made = amazon.good("PUT", path("HEMP", VENDOR), token, body, marketplaceIds=US)
    assert (made["status"], made["issues"]) == ("ACCEPTED", [])


def test_what_is_seeded_is_what_could_have_been_submitted(amazon: Local) -> None:
    for account in amazon.world.accounts.values():
        token = amazon.token(f"Atzr|local-{account.kind}-{account.region}")
        shop = account.marketplaces[0].id
        listings = list(amazon.world.shelf.listings(account.selling_partner_id, [shop]))
        assert len(listings) == 42
        for listing in listings:
            body = {"productType": listing.product_type, "attributes": listing.attributes}
            query = {"marketplaceIds": shop, "mode": "VALIDATION_PREVIEW"}
            found = amazon.good("PUT", path(listing.sku, account.selling_partner_id), token, body, **query)
            assert found["status"] == "VALID", (listing.sku, found["issues"])


# --- put --------------------------------------------------------------------------------------------------------------


def test_a_new_listing_is_read_at_once_and_its_item_is_in_the_catalogue(amazon: Local) -> None:
    made = put(amazon, "HEMP", TOWEL)
    assert (made["sku"], made["status"], made["issues"]) == ("HEMP", "ACCEPTED", [])
    assert len(made["submissionId"]) == 32
    found = get(amazon, "HEMP")
    (summary,) = found["summaries"]
    assert summary["status"] == ["BUYABLE", "DISCOVERABLE"]
    assert summary["createdDate"] == summary["lastUpdatedDate"] == "2026-09-21T14:13:20Z"
    assert summary["mainImage"]["link"] == "https://pictures.invalid/1.jpg"
    assert found["attributes"]["item_name"] == [
        {"value": "Hemp Towel, Undyed", "marketplace_id": US, "language_tag": "en_US"}
    ]
    assert found["offers"][0]["price"] == {"currencyCode": "USD", "amount": "19.50"}
    assert found["fulfillmentAvailability"] == [{"fulfillmentChannelCode": "DEFAULT", "quantity": 7}]
    catalogue = {"marketplaceIds": US, "identifiers": "2900000000001", "identifiersType": "EAN"}
    items = amazon.good("GET", "/catalog/2022-04-01/items", **catalogue)["items"]
    assert [(one["asin"], one["summaries"][0]["itemName"]) for one in items] == [
        (summary["asin"], "Hemp Towel, Undyed")
    ]
    assert amazon.call("GET", path("HEMP"), marketplaceIds=CA).status == 404


def test_a_put_replaces_all_that_was_said(amazon: Local) -> None:
    put(amazon, "HEMP", TOWEL)
    asin = get(amazon, "HEMP")["summaries"][0]["asin"]
    amazon.world.advance(60)
    changed = without("fulfillment_availability", item_name=[{"value": "Hemp Towel, Large"}])
    assert put(amazon, "HEMP", changed)["status"] == "ACCEPTED"
    found = get(amazon, "HEMP")
    assert found["summaries"][0]["asin"] == asin
    assert found["summaries"][0]["itemName"] == "Hemp Towel, Large"
    assert found["summaries"][0]["createdDate"] == "2026-09-21T14:13:20Z"
    assert found["summaries"][0]["lastUpdatedDate"] == "2026-09-21T14:14:20Z"
    assert found["summaries"][0]["status"] == ["DISCOVERABLE"]
    assert found["fulfillmentAvailability"] == []
    item = amazon.good("GET", f"/catalog/2022-04-01/items/{asin}", marketplaceIds=US)
    assert item["summaries"][0]["itemName"] == "Hemp Towel, Large"


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (without("brand"), [("90220", ["brand"])]),
        (without("size", "condition_type"), [("90220", ["condition_type"]), ("90220", ["size"])]),
        (
            without("externally_assigned_product_identifier"),
            [("90220", ["externally_assigned_product_identifier"])],
        ),
        (without(fake_attribute=[{"value": 1}]), [("90000900", ["fake_attribute"])]),
        (without(condition_type=[{"value": "shiny"}]), [("4000001", ["condition_type"])]),
        (without(brand="Larkhollow"), [("4000001", ["brand"])]),
        (without(item_name=[{"value": "x" * 201}]), [("4000001", ["item_name"])]),
        (without(brand=[]), [("99022", ["brand"])]),
        (without(item_weight=[{"value": 3}]), [("99022", ["item_weight"])]),
        (without(purchasable_offer=priced(0)), [("4000001", ["purchasable_offer"])]),
        (without(purchasable_offer=priced(5, currency="EUR")), [("4000001", ["purchasable_offer"])]),
        (without(purchasable_offer=[{"currency": "USD", "our_price": []}]), [("99022", ["purchasable_offer"])]),
        (without(brand=[{"value": "Larkhollow", "marketplace_id": CA}]), [("90220", ["brand"])]),
        (without(merchant_suggested_asin=[{"value": "B0LNOWHERE"}]), [("4000001", ["merchant_suggested_asin"])]),
    ],
)
def test_what_a_listing_lacks_is_said_and_nothing_is_made(amazon: Local, attributes: Any, expected: Any) -> None:
    made = put(amazon, "HEMP", attributes)
    assert made["status"] == "INVALID"
    assert codes(made) == expected
    assert {issue["severity"] for issue in made["issues"]} == {"ERROR"}
    assert amazon.call("GET", path("HEMP"), marketplaceIds=US).status == 404


def test_an_issue_says_what_amazon_says(amazon: Local) -> None:
    assert put(amazon, "HEMP", without("brand"))["issues"] == [
        {
            "code": "90220",
            "message": "'brand' is required but not supplied.",
            "severity": "ERROR",
            "attributeNames": ["brand"],
            "categories": ["MISSING_ATTRIBUTE"],
        }
    ]


def test_a_failed_put_leaves_the_listing_as_it_was(amazon: Local) -> None:
    sku = products(amazon)[1].sku
    before = get(amazon, sku)
    assert put(amazon, sku, without("brand"))["status"] == "INVALID"
    assert get(amazon, sku) == before


def test_a_preview_says_what_would_happen_and_does_nothing(amazon: Local) -> None:
    product = products(amazon)[1]
    preview = {"mode": "VALIDATION_PREVIEW", "includedData": "identifiers,issues"}
    before = get(amazon, product.sku)
    found = put(amazon, product.sku, TOWEL, **preview)
    assert (found["status"], found["issues"]) == ("VALID", [])
    assert found["identifiers"] == [{"marketplaceId": US, "asin": product.asin}]
    wrong = put(amazon, product.sku, without("brand"), **preview)
    assert (wrong["status"], codes(wrong), wrong["identifiers"]) == ("INVALID", [("90220", ["brand"])], [])
    assert patch(amazon, product.sku, ("replace", "purchasable_offer", priced(3)), **preview)["status"] == "VALID"
    assert get(amazon, product.sku) == before
    body = {"productType": "TOWEL", "attributes": TOWEL}
    for query in ({"includedData": "identifiers"}, {"mode": "TRY"}):
        assert amazon.call("PUT", path("HEMP"), body=body, marketplaceIds=US, **query).status == 400
    assert amazon.call("GET", path("HEMP"), marketplaceIds=US).status == 404


def test_the_body_has_to_be_what_the_model_says(amazon: Local) -> None:
    for body in ({"attributes": {}}, {"productType": "TOWEL"}, {"productType": "TOWEL", "attributes": []}):
        answer = amazon.call("PUT", path("HEMP"), body=body, marketplaceIds=US)
        assert answer.error == (400, "InvalidInput", "")
        assert answer.json["errors"][0]["message"].endswith("missing or invalid parameters and cannot be parsed.")
    body = {"productType": "TOWEL", "attributes": TOWEL}
    assert amazon.call("PUT", path("HEMP"), body=body, marketplaceIds=f"{US},{CA}").status == 400
    patches = [{"op": "move", "path": "/attributes/brand"}]
    assert (
        amazon.call("PATCH", path("A"), body={"productType": "X", "patches": patches}, marketplaceIds=US).status == 400
    )


def test_an_offer_alone_needs_an_item_that_is_there(amazon: Local) -> None:
    theirs = amazon.world.account(VENDOR).products[4]
    offer = {
        "condition_type": [{"value": "used_like_new"}],
        "merchant_suggested_asin": [{"value": theirs.asin}],
        "purchasable_offer": priced(12),
        "fulfillment_availability": [{"fulfillment_channel_code": "DEFAULT", "quantity": 1}],
    }
    assert put(amazon, "USED", offer, "SERVEWARE", requirements="LISTING_OFFER_ONLY")["status"] == "ACCEPTED"
    (summary,) = get(amazon, "USED")["summaries"]
    assert (summary["asin"], summary["itemName"]) == (theirs.asin, theirs.title)
    assert (summary["conditionType"], summary["status"]) == ("used_like_new", ["BUYABLE", "DISCOVERABLE"])
    assert put(amazon, "USED", offer, "SERVEWARE")["status"] == "INVALID"
    body = {name: value for name, value in offer.items() if name != "merchant_suggested_asin"}
    found = put(amazon, "OTHER", body, "SERVEWARE", requirements="LISTING_OFFER_ONLY")
    assert codes(found) == [("90220", ["externally_assigned_product_identifier"])]
    assert put(amazon, "FACTS", without("condition_type"), requirements="LISTING_PRODUCT_ONLY")["status"] == "ACCEPTED"


def test_an_offer_of_what_no_catalogue_has_makes_no_item(amazon: Local) -> None:
    offer = {name: TOWEL[name] for name in ("condition_type", "externally_assigned_product_identifier")}
    offer |= {"purchasable_offer": priced(12), "fulfillment_availability": TOWEL["fulfillment_availability"]}
    assert put(amazon, "GHOST", offer, requirements="LISTING_OFFER_ONLY")["status"] == "ACCEPTED"
    found = get(amazon, "GHOST")
    assert (found["summaries"], codes(found)) == ([], [("13013", [])])
    query = {"marketplaceIds": US, "identifiersType": "EAN", "identifiers": "2900000000001"}
    assert amazon.good("GET", "/catalog/2022-04-01/items", **query)["items"] == []
    patch(amazon, "GHOST", *((("add", name, value)) for name, value in TOWEL.items()))
    assert get(amazon, "GHOST")["summaries"][0]["itemName"] == "Hemp Towel, Undyed"


def test_a_sku_stays_an_offer_of_its_item(amazon: Local) -> None:
    product, other = products(amazon)[1:3]
    before = get(amazon, product.sku)
    suggested = [{"value": other.asin}]
    offer = {"condition_type": [{"value": "new_new"}], "merchant_suggested_asin": suggested}
    refusal = [("4000001", ["merchant_suggested_asin"])]
    assert codes(put(amazon, product.sku, offer, requirements="LISTING_OFFER_ONLY")) == refusal
    assert codes(patch(amazon, product.sku, ("add", "merchant_suggested_asin", suggested))) == refusal
    assert get(amazon, product.sku) == before


def test_a_code_of_goods_that_is_known_leads_to_its_item_which_stays_its_makers(amazon: Local) -> None:
    theirs = amazon.world.account(VENDOR).products[1]
    put(amazon, "SAME", without(externally_assigned_product_identifier=[{"type": "ean", "value": theirs.ean}]))
    assert get(amazon, "SAME")["summaries"][0]["asin"] == theirs.asin
    item = amazon.good("GET", f"/catalog/2022-04-01/items/{theirs.asin}", marketplaceIds=US)
    assert item["summaries"][0]["itemName"] == theirs.title
    put(amazon, "HEMP", TOWEL)
    put(amazon, "HEMP", without("purchasable_offer"), shop=CA)
    here, there = (get(amazon, "HEMP", "summaries", shop)["summaries"][0]["asin"] for shop in (US, CA))
    assert here == there != theirs.asin


def test_a_sku_is_the_same_item_in_every_marketplace(amazon: Local) -> None:
    exempt = {"supplier_declared_has_product_identifier_exemption": [{"value": True}]}
    nameless = without("externally_assigned_product_identifier", "purchasable_offer", **exempt)
    for sku in ("HEMP", "OTHER"):
        for shop in (US, CA):
            assert put(amazon, sku, nameless, shop=shop)["status"] == "ACCEPTED"
    every = get(amazon, "HEMP", "summaries", f"{US},{CA}")["summaries"] + get(amazon, "OTHER")["summaries"]
    first, second, third = (one["asin"] for one in every)
    assert first == second != third
    product = products(amazon)[1]
    amazon.good("DELETE", path(product.sku), marketplaceIds=CA)
    put(amazon, product.sku, nameless, shop=CA)
    assert get(amazon, product.sku, "summaries", CA)["summaries"][0]["asin"] == product.asin


def test_codes_of_goods_differ_in_leading_zeros_only(amazon: Local) -> None:
    put(amazon, "HEMP", without(externally_assigned_product_identifier=[{"type": "ean", "value": "0299999999992"}]))
    for kind, code in (("UPC", "299999999992"), ("EAN", "0299999999992"), ("GTIN", "00299999999992")):
        assert skus(search(amazon, identifiersType=kind, identifiers=code)) == ["HEMP"]
    put(amazon, "TWIN", without(externally_assigned_product_identifier=[{"type": "upc", "value": "299999999992"}]))
    assert get(amazon, "TWIN")["summaries"][0]["asin"] == get(amazon, "HEMP")["summaries"][0]["asin"]
    put(amazon, "HEMP", TOWEL)
    query = {"marketplaceIds": US, "identifiersType": "EAN", "identifiers": "0299999999992"}
    assert amazon.good("GET", "/catalog/2022-04-01/items", **query)["items"] == [], "the code is given up"


def test_an_offer_alone_leaves_the_facts_of_the_item_as_they_were(amazon: Local) -> None:
    product = products(amazon)[1]
    offer = {"condition_type": [{"value": "new_new"}], "merchant_suggested_asin": [{"value": product.asin}]}
    assert put(amazon, product.sku, offer, requirements="LISTING_OFFER_ONLY")["status"] == "ACCEPTED"
    assert set(get(amazon, product.sku)["attributes"]) == set(offer)
    assert get(amazon, product.sku)["summaries"][0]["itemName"] == product.title
    item = amazon.good("GET", f"/catalog/2022-04-01/items/{product.asin}", marketplaceIds=US)
    assert item["summaries"][0]["itemName"] == product.title


def test_how_many_amazon_has_is_not_the_listings_to_say(amazon: Local) -> None:
    available = [{"fulfillment_channel_code": "AMAZON_NA", "quantity": 5}]
    put(amazon, "HEMP", without(fulfillment_availability=available))
    assert get(amazon, "HEMP")["fulfillmentAvailability"] == [{"fulfillmentChannelCode": "AMAZON_NA"}]
    assert get(amazon, "HEMP")["summaries"][0]["status"] == ["DISCOVERABLE"]


def test_a_type_that_nobody_defined_is_taken_like_the_generic_one(amazon: Local) -> None:
    luggage = without("size", wheel_type=[{"value": "spinner"}])
    assert put(amazon, "CASE", luggage, "LUGGAGE")["status"] == "ACCEPTED"
    found = get(amazon, "CASE")
    assert found["attributes"]["wheel_type"] == [{"value": "spinner"}]
    assert found["summaries"][0]["productType"] == "LUGGAGE"
    assert codes(put(amazon, "CASE", {**luggage, "wheel_type": ["spinner"]}, "LUGGAGE")) == [
        ("4000001", ["wheel_type"])
    ]
    assert codes(put(amazon, "CASE", without("brand"), "LUGGAGE")) == [("90220", ["brand"])]


# --- delete -----------------------------------------------------------------------------------------------------------


def test_a_listing_that_is_deleted_is_gone_and_its_item_stays(amazon: Local) -> None:
    product = products(amazon)[1]
    gone = amazon.good("DELETE", path(product.sku), marketplaceIds=US)
    assert (gone["sku"], gone["status"]) == (product.sku, "ACCEPTED")
    assert amazon.call("GET", path(product.sku), marketplaceIds=US).status == 404
    assert amazon.good("DELETE", path(product.sku), marketplaceIds=US)["status"] == "ACCEPTED"
    assert amazon.good("GET", f"/catalog/2022-04-01/items/{product.asin}", marketplaceIds=US)["asin"] == product.asin
    again = without(externally_assigned_product_identifier=[{"type": "ean", "value": product.ean}])
    assert put(amazon, product.sku, again)["status"] == "ACCEPTED"
    item = amazon.good("GET", f"/catalog/2022-04-01/items/{product.asin}", marketplaceIds=US)
    assert item["summaries"][0]["itemName"] == "Hemp Towel, Undyed"
    amazon.world.reset()
    assert get(amazon, product.sku)["summaries"][0]["itemName"] == product.title


# --- searching --------------------------------------------------------------------------------------------------------


def search(amazon: Local, **query: str) -> Any:
    return amazon.good("GET", path(), **{"marketplaceIds": US, "pageSize": "20", **query})


def skus(found: Any) -> list[str]:
    return [item["sku"] for item in found["items"]]


def test_listings_are_searched_by_identifiers(amazon: Local) -> None:
    first, second = products(amazon)[:2]
    for kind, of in (("SKU", "sku"), ("ASIN", "asin"), ("EAN", "ean")):
        found = search(amazon, identifiersType=kind, identifiers=getattr(second, of))
        assert (skus(found), found["numberOfResults"]) == ([second.sku], 1)
    assert skus(search(amazon, identifiersType="GTIN", identifiers=f"0{first.ean}")) == [first.sku]
    fnsku = get(amazon, first.sku)["summaries"][0]["fnSku"]
    assert skus(search(amazon, identifiersType="FNSKU", identifiers=fnsku)) == [first.sku]
    assert skus(search(amazon, identifiersType="SKU", identifiers="nowhere")) == []
    theirs = amazon.world.account(VENDOR).products[0]
    assert skus(search(amazon, identifiersType="ASIN", identifiers=theirs.asin)) == []


def test_listings_come_sorted_in_pages(amazon: Local) -> None:
    found = [search(amazon, sortBy="sku", sortOrder="ASC", includedData="summaries,offers")]
    while token := found[-1]["pagination"].get("nextToken"):
        query = {"sortBy": "sku", "sortOrder": "ASC", "includedData": "summaries,offers", "pageToken": token}
        found.append(search(amazon, **query))
    every = [sku for page in found for sku in skus(page)]
    assert every == sorted(every)
    assert (len(every), found[0]["numberOfResults"]) == (42, 42)
    assert set(found[0]["items"][0]) == {"sku", "summaries", "offers"}
    patch(amazon, "LHG-002", ("replace", "style", [{"value": "Plain"}]))
    assert skus(search(amazon))[0] == "LHG-002"
    assert skus(search(amazon, sortOrder="ASC"))[0] != "LHG-002"
    created = search(amazon, sortBy="createdDate", sortOrder="DESC")
    assert skus(created)[:2] == ["LHG-001", "LHG-002"]


def test_listings_are_filtered(amazon: Local) -> None:
    put(amazon, "HEMP", without("main_product_image_locator", "purchasable_offer"))
    assert "HEMP" in skus(search(amazon, withIssueSeverity="ERROR"))
    assert "LHG-040" in skus(search(amazon, withIssueSeverity="WARNING"))
    assert "LHG-001" not in skus(search(amazon, withIssueSeverity="WARNING,ERROR"))
    assert skus(search(amazon, withoutStatus="BUYABLE,DISCOVERABLE")) == ["HEMP"]
    assert "LHG-039" in skus(search(amazon, withStatus="BUYABLE", withoutStatus="DISCOVERABLE"))
    assert skus(search(amazon, createdAfter="2026-09-21T14:13:20Z")) == ["HEMP"]
    assert "HEMP" not in skus(search(amazon, createdBefore="2026-09-21T14:13:19Z", sortBy="sku", sortOrder="ASC"))
    amazon.world.advance(60)
    patch(amazon, "LHG-003", ("replace", "style", [{"value": "Plain"}]))
    assert skus(search(amazon, lastUpdatedAfter="2026-09-21T14:14:20Z")) == ["LHG-003"]
    mugs = search(amazon, variationParentSku="LHG-DRINKING_CUP", sortBy="sku", sortOrder="ASC")
    assert skus(mugs) == ["LHG-001", "LHG-017", "LHG-018"]
    assert skus(search(amazon, packageHierarchySku="LHG-001")) == []


@pytest.mark.parametrize(
    "query",
    [
        {"identifiers": "A"},
        {"identifiersType": "SKU"},
        {"identifiers": "A", "identifiersType": "NAME"},
        {"identifiers": ",".join("A" * 21), "identifiersType": "SKU"},
        {"identifiers": "A", "identifiersType": "SKU", "variationParentSku": "B"},
        {"sortBy": "price"},
        {"sortOrder": "UP"},
        {"withStatus": "SOLD"},
        {"withIssueSeverity": "INFO"},
        {"createdAfter": "yesterday"},
        {"pageSize": "21"},
        {"pageToken": "x"},
    ],
)
def test_a_search_that_makes_no_sense_is_refused(amazon: Local, query: dict[str, str]) -> None:
    assert amazon.call("GET", path(), marketplaceIds=US, **query).error[:2] == (400, "InvalidInput")


# --- 2020-09-01 -------------------------------------------------------------------------------------------------------


def test_the_version_of_2020_does_the_same_and_names_one_attribute(amazon: Local) -> None:
    def old(method: str, sku: str, body: Any = None) -> Any:
        return amazon.good(method, f"/listings/2020-09-01/items/{SELLER}/{sku}", body=body, marketplaceIds=US)

    wrong = old("PUT", "HEMP", {"productType": "TOWEL", "attributes": without("brand")})
    assert wrong["status"] == "INVALID"
    assert wrong["issues"] == [
        {
            "code": "90220",
            "message": "'brand' is required but not supplied.",
            "severity": "ERROR",
            "attributeName": "brand",
        }
    ]
    assert old("PUT", "HEMP", {"productType": "TOWEL", "attributes": TOWEL})["status"] == "ACCEPTED"
    patches = [{"op": "replace", "path": "/attributes/purchasable_offer", "value": priced(8)}]
    assert old("PATCH", "HEMP", {"productType": "TOWEL", "patches": patches})["status"] == "ACCEPTED"
    assert get(amazon, "HEMP")["offers"][0]["price"]["amount"] == "8.00"
    assert old("DELETE", "HEMP")["status"] == "ACCEPTED"
    assert amazon.call("GET", path("HEMP"), marketplaceIds=US).status == 404
    merged = {"productType": "TOWEL", "patches": [{**patches[0], "op": "merge"}]}
    answer = amazon.call("PATCH", f"/listings/2020-09-01/items/{SELLER}/HEMP", body=merged, marketplaceIds=US)
    assert answer.status == 400


# --- restrictions -----------------------------------------------------------------------------------------------------


def restricted(amazon: Local, asin: str, **query: str) -> list[tuple[str, str | None]]:
    given = {"asin": asin, "sellerId": SELLER, "marketplaceIds": US, **query}
    found = amazon.good("GET", "/listings/2021-08-01/restrictions", **given)["restrictions"]
    return [(one["conditionType"], one["reasons"][0]["reasonCode"]) for one in found]


def test_restrictions_follow_the_rule_of_three(amazon: Local) -> None:
    own, theirs = products(amazon)[0].asin, amazon.world.account(VENDOR).products[0].asin
    assert restricted(amazon, own, conditionType="new_new") == []
    assert restricted(amazon, theirs, conditionType="new_new") == [("new_new", "APPROVAL_REQUIRED")]
    assert restricted(amazon, theirs, conditionType="used_good") == []
    assert {code for _, code in restricted(amazon, own)} == {"NOT_ELIGIBLE"}
    assert {kind.partition("_")[0] for kind, _ in restricted(amazon, own)} == {"collectible", "club"}
    nowhere = restricted(amazon, "B0LNOWHERE", conditionType="new_new")
    assert nowhere == [("new_new", "ASIN_NOT_FOUND")]
    query = {"asin": theirs, "sellerId": SELLER, "marketplaceIds": US, "conditionType": "new_new"}
    found = amazon.good("GET", "/listings/2021-08-01/restrictions", **query)
    link = found["restrictions"][0]["reasons"][0]["links"][0]
    assert link["resource"].startswith(f"{amazon.base}/sellercentral.amazon.com/")


def test_restrictions_are_refused_in_a_bare_list(amazon: Local) -> None:
    def ask(**query: str) -> Reply:
        given = {"asin": products(amazon)[0].asin, "sellerId": SELLER, "marketplaceIds": US}
        return amazon.call("GET", "/listings/2021-08-01/restrictions", **{**given, **query})

    wrong = ask(asin="BAD_ASIN")
    assert (wrong.status, wrong.json) == (400, [{"code": "BAD_REQUEST", "message": "Invalid 'asin' provided."}])
    assert (ask(sellerId=VENDOR).status, ask(conditionType="broken").status) == (400, 400)


# --- more -------------------------------------------------------------------------------------------------------------


def test_the_same_submissions_give_the_same_ids(amazon: Local) -> None:
    first = put(amazon, "HEMP", TOWEL), get(amazon, "HEMP")
    amazon.world.reset()
    assert (put(amazon, "HEMP", TOWEL), get(amazon, "HEMP")) == first


def test_new_accounts_have_listings_too(amazon: Local) -> None:
    account = amazon.world.add_account(("US",), name="Kramik", orders=0)
    grant = amazon.world.grant(account.selling_partner_id)
    token = amazon.token(grant.refresh_token)
    query = {"marketplaceIds": US, "sortBy": "sku", "sortOrder": "ASC", "pageSize": "1", "includedData": "offers"}
    found = amazon.good("GET", path(seller=account.selling_partner_id), token, **query)
    assert (found["numberOfResults"], found["items"][0]["sku"]) == (42, "K-001")
    assert Decimal(found["items"][0]["offers"][0]["price"]["amount"]) == account.products[0].dollars
    assert amazon.world.now() == NOW
