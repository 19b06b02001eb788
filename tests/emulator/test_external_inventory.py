"""What lies where: read and changed in batches, and the same as the listing says."""

from typing import Any

from .conftest import Local
from .test_external_shipments import LOCATION, US, orders, path_of

PATH = "/externalFulfillment/inventory/2024-09-11/inventories"


def batch(amazon: Local, *requests: Any) -> Any:
    return amazon.good("POST", PATH, amazon.token(), {"requests": list(requests)})["responses"]


def one(place: str, sku: str, way: str = "fetch", **body: Any) -> dict[str, Any]:
    return {"uri": f"/inventory/{way}?locationId={place}&skuId={sku}", "method": "POST", "body": body}


def test_a_count_is_the_listings_and_is_changed_everywhere_but_for_what_is_reserved(amazon: Local) -> None:
    order = orders(amazon)[0]
    sku = order.items[0].sku
    place = amazon.good("GET", path_of(order))["locationId"]
    (before,) = batch(amazon, one(place, sku))
    assert before["status"] == {"statusCode": 200, "reasonPhrase": "Success"}
    reserved = before["body"]["reservedQuantity"]
    same = [item for each in orders(amazon) for item in each.items if item.sku == sku]
    assert reserved == sum(item.quantity for item in same) > 0
    own = {"channelName": "MFN", "marketplaceId": US}
    (after,) = batch(amazon, one(place, sku, "update", quantity=50, clientSequenceNumber=7, marketplaceAttributes=own))
    assert after["body"] == {
        "clientSequenceNumber": 7,
        "locationId": place,
        "skuId": sku,
        "sellableQuantity": 50 - reserved,
        "reservedQuantity": reserved,
        "marketplaceAttributes": own,
        "actionableErrors": [],
    }
    query = {"marketplaceIds": US, "includedData": "fulfillmentAvailability"}
    listing = amazon.good("GET", f"/listings/2021-08-01/items/ALOCALSELLERNA/{sku}", **query)
    assert listing["fulfillmentAvailability"] == [{"fulfillmentChannelCode": "DEFAULT", "quantity": 50}]
    amazon.good("POST", path_of(order), operation="CONFIRM")
    old, fetched = batch(amazon, one(place, sku, "update", quantity=1, clientSequenceNumber=7), one(place, sku))
    assert (old["status"]["statusCode"], fetched["body"]) == (409, after["body"])


def test_a_place_of_the_sandbox_has_a_count_of_its_own(amazon: Local) -> None:
    sku = orders(amazon)[0].items[0].sku
    asked = {"merchantIds": ["M1"], "marketplaceId": US, "locationName": "Shed"}
    place = amazon.good("POST", LOCATION, body=asked)["locationIds"]["FBA"]
    before, after = batch(amazon, one(place, sku), one(place, sku, "update", quantity=3))
    assert (before["body"]["sellableQuantity"], after["body"]["sellableQuantity"]) == (0, 3)


def test_what_is_wrong_with_a_request_is_said_of_it_alone(amazon: Local) -> None:
    order = orders(amazon)[0]
    sku, place = order.items[0].sku, amazon.good("GET", path_of(order))["locationId"]
    by_amazon = next(it.sku for it in amazon.world.account("ALOCALSELLERNA").products if it.channel == "AFN")
    found = batch(
        amazon,
        one(place, "none"),
        one(place, by_amazon, "update", quantity=1),
        one("none", sku),
        one(place, sku, marketplaceAttributes={"channelName": "FBA"}),
        one(place, sku, "update"),
        one(place, sku, "remove"),
        one(place, sku),
    )
    assert [it["status"]["statusCode"] for it in found] == [400] * 6 + [200]
    kinds = [it["body"]["actionableErrors"][0]["errorType"] for it in found[:-1]]
    assert kinds == ["INVALID_SKU"] * 2 + ["INVALID_LOCATION"] * 2 + ["INVALID_QUANTITY", "INVALID_URI"]
    many = amazon.call("POST", PATH, body={"requests": [one(place, sku)] * 11})
    assert many.error[:2] == (400, "BATCH_SIZE_EXCEED")
    assert amazon.call("POST", PATH, body={}).error[:2] == (400, "InvalidInput")
