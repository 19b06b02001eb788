"""Patches of listings, and the issues that are found in what was accepted."""

from typing import Any

import pytest

from .conftest import Local
from .test_listings import CA, TOWEL, US, codes, get, patch, path, priced, products, put, rows, without

# --- patch ------------------------------------------------------------------------------------------------------------


def test_a_price_that_is_patched_is_the_price_everywhere(amazon: Local) -> None:
    product = products(amazon)[1]
    amazon.world.advance(3600)
    made = patch(amazon, product.sku, ("replace", "purchasable_offer", priced(23.45)))
    assert (made["status"], made["issues"]) == ("ACCEPTED", [])
    found = get(amazon, product.sku)
    assert found["offers"][0]["price"]["amount"] == "23.45"
    assert found["summaries"][0]["productType"] == "TOWEL"
    assert found["summaries"][0]["lastUpdatedDate"] == "2026-09-21T15:13:20Z"
    query = {"MarketplaceId": US, "ItemType": "Sku", "Skus": product.sku}
    (price,) = amazon.good("GET", "/products/pricing/v0/price", **query)["payload"]
    assert price["Product"]["Offers"][0]["BuyingPrice"]["ListingPrice"] == {"CurrencyCode": "USD", "Amount": 23.45}
    row = rows(amazon)[product.sku]
    assert (row["price"], row["asin1"], row["fulfillment-channel"]) == ("23.45", product.asin, "DEFAULT")


def test_a_quantity_that_is_patched_decides_whether_it_can_be_bought(amazon: Local) -> None:
    sku = products(amazon)[1].sku
    none = [{"fulfillment_channel_code": "DEFAULT", "quantity": 0}]
    patch(amazon, sku, ("replace", "fulfillment_availability", none))
    assert get(amazon, sku)["fulfillmentAvailability"] == [{"fulfillmentChannelCode": "DEFAULT", "quantity": 0}]
    assert get(amazon, sku)["summaries"][0]["status"] == ["DISCOVERABLE"]
    row = rows(amazon)[sku]
    assert (row["quantity"], row["status"]) == ("0", "Inactive")
    assert sku in rows(amazon, "GET_MERCHANT_LISTINGS_INACTIVE_DATA")
    assert sku not in rows(amazon, "GET_MERCHANT_LISTINGS_DATA")
    patch(amazon, sku, ("merge", "fulfillment_availability", [{**none[0], "quantity": 4}]))
    opened = rows(amazon, "GET_FLAT_FILE_OPEN_LISTINGS_DATA")
    assert (opened[sku]["quantity"], opened[sku]["price"]) == ("4", "22.50")


def test_a_merge_changes_parts_of_what_its_selectors_name(amazon: Local) -> None:
    sku = next(one.sku for one in products(amazon) if len(get(amazon, one.sku, "offers")["offers"]) == 2)
    before = get(amazon, sku, "attributes")["attributes"]["purchasable_offer"]
    plan = {"audience": "B2B", "currency": "USD", "quantity_discount_plan": None}
    assert patch(amazon, sku, ("merge", "purchasable_offer", [plan]))["status"] == "ACCEPTED"
    consumer, business = get(amazon, sku, "attributes")["attributes"]["purchasable_offer"]
    assert consumer == before[0]
    assert business == {name: value for name, value in before[1].items() if name != "quantity_discount_plan"}
    patch(amazon, sku, ("delete", "purchasable_offer", [{"audience": "B2B"}]))
    assert get(amazon, sku, "attributes")["attributes"]["purchasable_offer"] == [consumer]
    available = [{"fulfillment_channel_code": "DEFAULT", "quantity": 3, "lead_time_to_ship_max_days": 9}]
    put(amazon, "HEMP", without(fulfillment_availability=available))
    patch(
        amazon, "HEMP", ("merge", "fulfillment_availability", [{"fulfillment_channel_code": "DEFAULT", "quantity": 5}])
    )
    now = {**available[0], "quantity": 5, "marketplace_id": US}
    assert get(amazon, "HEMP")["attributes"]["fulfillment_availability"] == [now]
    patch(amazon, "HEMP", ("merge", "fulfillment_availability", [{"fulfillment_channel_code": "AMAZON_NA"}]))
    assert len(get(amazon, "HEMP")["fulfillmentAvailability"]) == 2
    wrong = patch(amazon, "HEMP", ("merge", "fulfillment_availability", [{"quantity": 5}]))
    assert codes(wrong) == [("99022", ["fulfillment_availability"])]


def test_a_replacement_takes_the_place_of_the_values_of_its_selectors(amazon: Local) -> None:
    """As at Amazon, says github.com/amzn/selling-partner-api-docs/issues/1714."""
    put(amazon, "HEMP", TOWEL)
    patch(amazon, "HEMP", ("replace", "purchasable_offer", priced(17, audience="B2B")))
    patch(amazon, "HEMP", ("replace", "purchasable_offer", priced(18.5)))
    prices = {one["offerType"]: one["price"]["amount"] for one in get(amazon, "HEMP")["offers"]}
    assert prices == {"B2C": "18.50", "B2B": "17.00"}
    patch(amazon, "HEMP", ("replace", "fulfillment_availability", [{"fulfillment_channel_code": "AMAZON_NA"}]))
    assert get(amazon, "HEMP")["attributes"]["fulfillment_availability"] == [
        {"fulfillment_channel_code": "DEFAULT", "quantity": 7, "marketplace_id": US},
        {"fulfillment_channel_code": "AMAZON_NA", "marketplace_id": US},
    ]


def test_a_replacement_takes_the_place_of_all_values_of_one_language(amazon: Local) -> None:
    put(amazon, "HEMP", TOWEL)
    patch(amazon, "HEMP", ("replace", "bullet_point", [{"value": "One"}]), ("add", "style", [{"value": "Plain"}]))
    attributes = get(amazon, "HEMP")["attributes"]
    assert [one["value"] for one in attributes["bullet_point"]] == ["One"]
    assert [one["value"] for one in attributes["style"]] == ["Plain"]
    assert attributes["brand"][0]["value"] == "Larkhollow"


def test_a_deletion_takes_away_what_its_selectors_name(amazon: Local) -> None:
    put(amazon, "HEMP", without(style=[{"value": "Plain"}, {"value": "Schlicht", "language_tag": "de_DE"}]))
    assert patch(amazon, "HEMP", ("delete", "style", [{"language_tag": "de_DE"}]))["status"] == "ACCEPTED"
    assert [one["value"] for one in get(amazon, "HEMP")["attributes"]["style"]] == ["Plain"]
    patch(amazon, "HEMP", ("delete", "style", [{"marketplace_id": CA}]))
    assert "style" in get(amazon, "HEMP")["attributes"]
    patch(amazon, "HEMP", ("delete", "style", [{"marketplace_id": US}]))
    assert "style" not in get(amazon, "HEMP")["attributes"]
    by_name = patch(amazon, "HEMP", ("delete", "size", []))
    assert (by_name["status"], codes(by_name)) == ("INVALID", [("99022", ["size"])])
    required = patch(amazon, "HEMP", ("delete", "brand", [{"marketplace_id": US}]))
    assert (required["status"], codes(required)) == ("INVALID", [("90220", ["brand"])])
    assert "brand" in get(amazon, "HEMP")["attributes"]


@pytest.mark.parametrize(
    ("op", "pointer", "value", "expected"),
    [
        ("replace", "/attributes/item_name", [{"value": "x" * 201}], ("4000001", ["item_name"])),
        ("replace", "/attributes/fake_attribute", [{"value": 1}], ("90000900", ["fake_attribute"])),
        ("replace", "/attributes/item_name/0/value", [{"value": "x"}], ("90000900", ["/attributes/item_name/0/value"])),
        ("replace", "/attributes", [{"value": "x"}], ("90000900", ["/attributes"])),
        ("replace", "item_name", [{"value": "x"}], ("90000900", ["item_name"])),
        ("add", "/attributes/item_name", [], ("99022", ["item_name"])),
    ],
)
def test_a_patch_that_is_wrong_changes_nothing(amazon: Local, op: str, pointer: str, value: Any, expected: Any) -> None:
    put(amazon, "HEMP", TOWEL)
    before = get(amazon, "HEMP")
    good = {"op": "replace", "path": "/attributes/brand", "value": [{"value": "Other"}]}
    body = {"productType": "PRODUCT", "patches": [good, {"op": op, "path": pointer, "value": value}]}
    made = amazon.good("PATCH", path("HEMP"), body=body, marketplaceIds=US)
    assert (made["status"], codes(made)) == ("INVALID", [expected])
    assert get(amazon, "HEMP") == before


def test_a_path_may_leave_the_attributes_out(amazon: Local) -> None:
    """As at Amazon, says github.com/amzn/selling-partner-api-docs/issues/910."""
    put(amazon, "HEMP", TOWEL)
    change = {"op": "replace", "path": "/item_name", "value": [{"value": "Hemp Towel, Bleached"}]}
    body = {"productType": "PRODUCT", "patches": [change]}
    assert amazon.good("PATCH", path("HEMP"), body=body, marketplaceIds=US)["status"] == "ACCEPTED"
    assert get(amazon, "HEMP")["summaries"][0]["itemName"] == "Hemp Towel, Bleached"


def test_a_patch_without_a_value_is_refused_by_its_place(amazon: Local) -> None:
    """As at Amazon, says github.com/jlevers/selling-partner-api/issues/363."""
    good = {"op": "replace", "path": "/attributes/brand", "value": [{"value": "Other"}]}
    body = {"productType": "PRODUCT", "patches": [good, {"op": "delete", "path": "/attributes/size"}]}
    answer = amazon.call("PATCH", path(products(amazon)[1].sku), body=body, marketplaceIds=US)
    assert (answer.status, answer.json["errors"][0]["code"]) == (400, "InvalidInput")
    assert answer.json["errors"][0]["message"] == "Value is missing for patch at index of 1."


def test_a_patch_for_several_marketplaces_is_done_in_all_or_none(amazon: Local) -> None:
    sku = products(amazon)[1].sku
    both = [{"value": "Hier", "marketplace_id": US}, {"value": "Là", "marketplace_id": CA}]
    assert patch(amazon, sku, ("replace", "style", both), shops=f"{US},{CA}")["status"] == "ACCEPTED"
    found = get(amazon, sku, "attributes", f"{US},{CA}")["attributes"]["style"]
    assert [(one["value"], one["marketplace_id"]) for one in found] == [("Hier", US), ("Là", CA)]
    wrong = [{"value": "Gut", "marketplace_id": US}, {"value": "x" * 101, "marketplace_id": CA}]
    assert patch(amazon, sku, ("replace", "style", wrong), shops=f"{US},{CA}")["status"] == "INVALID"
    assert get(amazon, sku, "attributes", f"{US},{CA}")["attributes"]["style"] == found


def test_a_patch_of_a_sku_that_is_not_there_is_accepted_and_leads_to_an_issue(amazon: Local) -> None:
    """As at Amazon, says github.com/amzn/selling-partner-api-models/issues/2797."""
    assert patch(amazon, "TYPO", ("replace", "purchasable_offer", priced(5)))["status"] == "ACCEPTED"
    found = get(amazon, "TYPO")
    assert found["summaries"] == []
    (issue,) = found["issues"]
    assert (issue["code"], issue["severity"], issue["marketplaceIds"]) == ("13013", "ERROR", [US])
    assert rows(amazon)["TYPO"]["status"] == "Incomplete"
    rest = [("add", name, value) for name, value in TOWEL.items()]
    assert patch(amazon, "TYPO", *rest)["status"] == "ACCEPTED"
    assert get(amazon, "TYPO")["summaries"][0]["itemName"] == "Hemp Towel, Undyed"
    assert rows(amazon)["TYPO"]["status"] == "Active"


# --- issues -----------------------------------------------------------------------------------------------------------


def test_issues_are_found_after_a_listing_was_accepted_and_go_when_it_is_mended(amazon: Local) -> None:
    put(amazon, "HEMP", without("main_product_image_locator"))
    found = get(amazon, "HEMP")
    assert found["summaries"][0]["status"] == ["BUYABLE"]
    hidden, lacking = found["issues"]
    assert (hidden["code"], hidden["enforcements"]["actions"]) == ("18320", [{"action": "SEARCH_SUPPRESSED"}])
    assert (lacking["code"], lacking["severity"]) == ("18448", "WARNING")
    assert lacking["attributeNames"] == ["item_dimensions", "item_weight"]
    side = {"unit": "centimeters", "value": 3}
    patch(
        amazon,
        "HEMP",
        ("add", "main_product_image_locator", [{"media_location": "https://pictures.invalid/2.jpg"}]),
        ("add", "item_weight", [{"unit": "grams", "value": 3}]),
        ("add", "item_dimensions", [{"length": side, "width": side, "height": side}]),
    )
    found = get(amazon, "HEMP")
    assert (found["issues"], found["summaries"][0]["status"]) == ([], ["BUYABLE", "DISCOVERABLE"])


def test_a_price_below_its_own_minimum_suppresses_the_listing(amazon: Local) -> None:
    sku = products(amazon)[1].sku
    least = [{"schedule": [{"value_with_tax": 20}]}]
    patch(amazon, sku, ("replace", "purchasable_offer", priced(19.99, minimum_seller_allowed_price=least)))
    found = get(amazon, sku)
    assert (codes(found), found["summaries"][0]["status"]) == ([("18155", ["purchasable_offer"])], ["DISCOVERABLE"])
    patch(amazon, sku, ("replace", "purchasable_offer", priced(20, minimum_seller_allowed_price=least)))
    assert get(amazon, sku)["issues"] == []
