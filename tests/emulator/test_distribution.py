"""Amazon Warehousing and Distribution: what is sent there, lies there, and goes on to FBA."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import NOW, Local
from .test_orders import US, iso

ROOT = "/awd/2024-05-09"
ORDERS, SHIPMENTS, INVENTORY = f"{ROOT}/inboundOrders", f"{ROOT}/inboundShipments", f"{ROOT}/inventory"
REPLENISHMENTS, OUTBOUNDS = f"{ROOT}/replenishmentOrders", f"{ROOT}/outboundOrders"
DAY = 86_400
ORIGIN = {"name": "Depot", "addressLine1": "1 Depot Row", "stateOrRegion": "OR", "countryCode": "US"}

Call = Callable[..., Any]


@pytest.fixture
def call(amazon: Local) -> Call:
    """Call with success, and with a new token: one ends when the clock moves."""
    return lambda method, path, body=None, **query: amazon.good(method, path, amazon.token(), body, **query)


@pytest.fixture
def sku(amazon: Local) -> str:
    """A SKU that Amazon ships, of which nothing lies there."""
    center = amazon.world.centers["ALOCALSELLERNA"]
    used = {*center.seeds, *(sku for one in center.inbound.values() for sku in skus(one.packages))}
    products = amazon.world.account("ALOCALSELLERNA").products
    return next(one.sku for one in products if one.channel == "AFN" and one.sku not in used)


def skus(packages: Any) -> set[str]:
    return {product["sku"] for one in packages for product in one["distributionPackage"]["contents"]["products"]}


def cases(sku: str, count: int = 4, quantity: int = 6, *, kilograms: float = 9, **more: Any) -> Any:
    sides = {"length": 40, "width": 30, "height": 30, "unitOfMeasurement": "CENTIMETERS"}
    measured = {"dimensions": sides, "weight": {"weight": kilograms, "unitOfMeasurement": "KILOGRAMS"}}
    contents = {"products": [{"sku": sku, "quantity": quantity, **more}]}
    return {
        "count": count,
        "distributionPackage": {"type": "CASE", "contents": contents, "measurements": measured},
    }


def order(*packages: Any, **more: Any) -> dict[str, Any]:
    return {"originAddress": ORIGIN, "packagesToInbound": list(packages), **more}


def created(call: Call, *packages: Any, **more: Any) -> str:
    return str(call("POST", ORDERS, order(*packages, **more))["orderId"])


def confirmed(call: Call, *packages: Any) -> tuple[str, str]:
    """Make and confirm an order; return its id, and its shipment's."""
    id = created(call, *packages)
    call("POST", f"{ORDERS}/{id}/confirmation")
    return id, call("GET", f"{ORDERS}/{id}")["destinationDetails"]["shipmentId"]


def leave(call: Call, shipment: str) -> None:
    details = [{"carrierCode": {"carrierCodeType": "SCAC", "carrierCodeValue": "LOCL"}, "bookingId": "B1"}]
    call("PUT", f"{SHIPMENTS}/{shipment}/transport", {"trackingDetails": details})


def held(call: Call, sku: str) -> tuple[int, int]:
    """How many pieces lie there, and how many are on their way."""
    found = call("GET", INVENTORY, sku=sku)["inventory"]
    assert len(found) <= 1
    return (found[0]["totalOnhandQuantity"], found[0]["totalInboundQuantity"]) if found else (0, 0)


def test_an_order_is_drafted_changed_confirmed_and_read_back(call: Call, sku: str) -> None:
    more = {"externalReferenceId": "X1", "preferences": {"destinationRegion": "us-east"}}
    id = created(call, cases(sku), **more)
    draft = call("GET", f"{ORDERS}/{id}")
    assert (draft["orderId"], draft["orderStatus"], draft["externalReferenceId"]) == (id, "DRAFT", "X1")
    assert draft["destinationDetails"]["destinationRegion"] == "us-east"
    assert "shipmentId" not in draft["destinationDetails"]
    call("PUT", f"{ORDERS}/{id}", {**draft, "packagesToInbound": [cases(sku, count=7)]})
    call("POST", f"{ORDERS}/{id}/confirmation")
    done = call("GET", f"{ORDERS}/{id}")
    assert (done["orderStatus"], done["packagesToInbound"][0]["count"]) == ("CONFIRMED", 7)
    shipment = call("GET", f"{SHIPMENTS}/{done['destinationDetails']['shipmentId']}", skuQuantities="SHOW")
    assert (shipment["orderId"], shipment["shipmentStatus"]) == (id, "CREATED")
    (quantity,) = shipment["shipmentSkuQuantities"]
    units = {"unitOfMeasurement": "PRODUCT_UNITS"}
    received = {"quantity": 0, **units}
    assert quantity == {"sku": sku, "expectedQuantity": {"quantity": 42, **units}, "receivedQuantity": received}
    assert "shipmentSkuQuantities" not in call("GET", f"{SHIPMENTS}/{shipment['shipmentId']}")


def test_a_shipment_moves_on_with_the_clock_until_its_pieces_lie_there(amazon: Local, call: Call, sku: str) -> None:
    id, shipment = confirmed(call, cases(sku, expiration="2028-01-01T00:00:00Z"))
    amazon.world.advance(3 * DAY)
    assert call("GET", f"{SHIPMENTS}/{shipment}")["shipmentStatus"] == "CREATED"
    assert held(call, sku) == (0, 0)
    leave(call, shipment)
    seen = []
    for day in range(7):
        shown = call("GET", f"{SHIPMENTS}/{shipment}", skuQuantities="SHOW")
        assert shown["trackingId"] == "B1"
        ((here, coming),) = {held(call, sku)}
        assert shown["receivedQuantity"][0]["quantity"] == here
        assert shown["shipmentSkuQuantities"][0]["receivedQuantity"]["quantity"] == here
        seen.append((day, shown["shipmentStatus"], here, coming))
        amazon.world.advance(DAY)
    assert seen == [
        (0, "SHIPPED", 0, 24),
        (1, "IN_TRANSIT", 0, 24),
        (2, "IN_TRANSIT", 0, 24),
        (3, "IN_TRANSIT", 0, 24),
        (4, "DELIVERED", 0, 24),
        (5, "RECEIVING", 12, 12),
        (6, "CLOSED", 24, 0),
    ]
    assert call("GET", f"{ORDERS}/{id}")["orderStatus"] == "CLOSED"
    (detailed,) = call("GET", INVENTORY, sku=sku, details="SHOW")["inventory"]
    assert detailed["expirationDetails"] == [{"expiration": "2028-01-01T00:00:00Z", "onhandQuantity": 24}]
    assert detailed["inventoryDetails"]["availableDistributableQuantity"] == 24


def test_an_order_is_changed_and_cancelled_only_while_it_can_be(amazon: Local, call: Call, sku: str) -> None:
    id, shipment = confirmed(call, cases(sku))
    body = call("GET", f"{ORDERS}/{id}")
    assert amazon.call("PUT", f"{ORDERS}/{id}", body=body).status == 409
    assert amazon.call("POST", f"{ORDERS}/{id}/confirmation").status == 409
    call("POST", f"{ORDERS}/{id}/cancellation")
    assert call("GET", f"{ORDERS}/{id}")["orderStatus"] == "CANCELLED"
    assert call("GET", f"{SHIPMENTS}/{shipment}")["shipmentStatus"] == "CANCELLED"
    transport = {"trackingDetails": [{"bookingId": "B1"}]}
    assert amazon.call("PUT", f"{SHIPMENTS}/{shipment}/transport", body=transport).status == 400
    assert amazon.call("POST", f"{ORDERS}/{id}/cancellation").status == 409
    _, gone = other = confirmed(call, cases(sku))
    leave(call, gone)
    assert amazon.call("POST", f"{ORDERS}/{other[0]}/cancellation").status == 409
    draft = created(call, cases(sku))
    amazon.world.advance(30 * DAY)
    assert call("GET", f"{ORDERS}/{draft}")["orderStatus"] == "EXPIRED"
    assert amazon.call("POST", f"{ORDERS}/{draft}/confirmation", amazon.token()).status == 409


def test_what_is_not_eligible_is_said_and_not_confirmed(amazon: Local, call: Call, sku: str) -> None:
    products = amazon.world.account("ALOCALSELLERNA").products
    own = next(one.sku for one in products if one.channel == "MFN")
    mixed = cases(sku)
    mixed["distributionPackage"]["contents"]["products"].append({"sku": own, "quantity": 1})
    flat = cases(sku)
    del flat["distributionPackage"]["measurements"]["dimensions"]
    pallet = cases(sku)
    pallet["distributionPackage"] |= {"type": "PALLET"}
    wrong = {
        "SKU_NOT_ELIGIBLE": cases(own),
        "MIXED_SKU_CASE": mixed,
        "DIMENSIONS_MISSING": flat,
        "PACKAGE_TOO_HEAVY": cases(sku, kilograms=24),
        "PACKAGE_TYPE_NOT_SUPPORTED": pallet,
        "OWNER_NOT_SUPPORTED": cases(sku, prepDetails={"labelOwner": "AMAZON"}),
    }
    body = {"packagesToInbound": [cases(sku), *wrong.values()]}
    answer = call("POST", f"{ROOT}/inboundEligibility", body)
    good, *others = answer["packagesToInbound"]
    assert (answer["status"], good["status"], good["ineligibilityReasons"]) == ("INELIGIBLE", "ELIGIBLE", [])
    for code, one in zip(wrong, others, strict=True):
        assert one["status"] == "INELIGIBLE"
        assert code in [reason["code"] for reason in one["ineligibilityReasons"]]
        id = created(call, wrong[code])
        assert amazon.call("POST", f"{ORDERS}/{id}/confirmation").error[:2] == (400, "BAD_REQUEST")
        assert call("GET", f"{ORDERS}/{id}")["orderStatus"] == "DRAFT"
    assert call("POST", f"{ROOT}/inboundEligibility", {"packagesToInbound": [cases(sku)]})["status"] == "ELIGIBLE"
    many = [cases(f"NONE-{number}") for number in range(151)]
    (whole,) = call("POST", f"{ROOT}/inboundEligibility", {"packagesToInbound": many})["ineligibilityReasons"]
    assert whole["code"] == "TOO_MANY_SKUS"
    for body in (order(), order(cases(sku, count=0)), order(cases(sku, quantity=0)), {}):
        assert amazon.call("POST", ORDERS, body=body).status == 400


def test_what_the_account_does_not_have_is_not_found(amazon: Local, call: Call, sku: str) -> None:
    id, shipment = confirmed(call, cases(sku))
    for path in (f"{ORDERS}/none", f"{SHIPMENTS}/none", f"{SHIPMENTS}/none/labels", f"{REPLENISHMENTS}/none"):
        assert amazon.call("GET", path).error[:2] == (404, "NotFound")
    for name in ("seller-eu", "vendor-na"):
        token = amazon.token(f"Atzr|local-{name}")
        for path in (f"{ORDERS}/{id}", f"{SHIPMENTS}/{shipment}", INVENTORY, REPLENISHMENTS):
            assert amazon.call("GET", path, token).error[:2] == (403, "Unauthorized")


def test_shipments_are_found_by_status_and_change_in_pages(amazon: Local, call: Call, sku: str) -> None:
    amazon.world.advance(60)
    _, shipment = confirmed(call, cases(sku))

    def found(**query: str) -> list[str]:
        return [one["shipmentId"] for one in call("GET", SHIPMENTS, **query)["shipments"]]

    every = call("GET", SHIPMENTS)["shipments"]
    assert {one["shipmentStatus"] for one in every} == {"CREATED", "IN_TRANSIT", "RECEIVING", "CLOSED"}
    changes = [one["updatedAt"] for one in every]
    assert changes == sorted(changes, reverse=True)
    assert found(sortOrder="ASCENDING") == found()[::-1]
    assert found()[0] == found(sortBy="CREATED_AT")[0] == shipment
    assert found(updatedAfter=iso(NOW + 60)) == [shipment]
    assert shipment not in found(updatedBefore=iso(NOW + 59))
    for one in every:
        assert one["shipmentId"] in found(shipmentStatus=one["shipmentStatus"])
    assert found(shipmentStatus="DELIVERED") == []
    pages: list[str] = []
    token: dict[str, str] = {}
    while token or not pages:
        page = call("GET", SHIPMENTS, maxResults="2", sortBy="CREATED_AT", **token)
        pages += [one["shipmentId"] for one in page["shipments"]]
        token = {name: page[name] for name in ("nextToken",) if name in page}
    assert pages == found(sortBy="CREATED_AT")
    first = call("GET", SHIPMENTS, maxResults="2")["nextToken"]
    assert amazon.call("GET", SHIPMENTS, amazon.token(), nextToken=first, sortBy="CREATED_AT").status == 400


def test_labels_are_made_while_they_are_looked_at(amazon: Local, call: Call, sku: str) -> None:
    _, shipment = confirmed(call, cases(sku, count=3))
    path = f"{SHIPMENTS}/{shipment}/labels"
    assert [call("GET", path)["labelStatus"] for _ in range(3)] == ["GENERATING", "GENERATING", "GENERATED"]


def test_made_labels_are_a_page_for_each_package(amazon: Local, call: Call, sku: str) -> None:
    amazon.world.polls = 0
    _, shipment = confirmed(call, cases(sku, count=3))
    made = call("GET", f"{SHIPMENTS}/{shipment}/labels")
    assert made["labelStatus"] == "GENERATED"
    file = amazon.fetch(made["labelDownloadURL"]).body
    assert (file[:8], file.count(b"/Type /Page ")) == (b"%PDF-1.4", 3)
    assert shipment.encode() in file
    types = call("GET", f"{SHIPMENTS}/{shipment}/labelPageTypes")
    assert types == {"labelStatus": "GENERATED", "pageTypes": ["PLAIN_PAPER"]}
    amazon.world.advance(601)
    assert amazon.fetch(made["labelDownloadURL"]).status == 403


def test_what_lies_there_is_of_the_shops_products(amazon: Local, call: Call) -> None:
    products = {one.sku: one for one in amazon.world.account("ALOCALSELLERNA").products}
    listed = call("GET", INVENTORY, maxResults="200")["inventory"]
    names = [one["sku"] for one in listed]
    assert names == sorted(names)
    assert call("GET", INVENTORY, sortOrder="DESCENDING")["inventory"] == listed[::-1]
    assert all(products[name].channel == "AFN" for name in names)
    coming: Counter[str] = Counter()
    for one in call("GET", SHIPMENTS)["shipments"]:
        if one["shipmentStatus"] in ("IN_TRANSIT", "RECEIVING"):
            shipment = call("GET", f"{SHIPMENTS}/{one['shipmentId']}", skuQuantities="SHOW")
            for each in shipment["shipmentSkuQuantities"]:
                coming[each["sku"]] += each["expectedQuantity"]["quantity"] - each["receivedQuantity"]["quantity"]
    assert {one["sku"]: one["totalInboundQuantity"] for one in listed if one["totalInboundQuantity"]} == coming
    assert coming
    page = call("GET", INVENTORY, maxResults="2")
    rest = call("GET", INVENTORY, maxResults="200", nextToken=page["nextToken"])
    assert page["inventory"] + rest["inventory"] == listed


# --- what goes on to FBA ----------------------------------------------------------------------------------------------


def fba(amazon: Local, sku: str) -> tuple[int, int]:
    """What FBA says is on its way, and can be sold."""
    query = {"granularityType": "Marketplace", "granularityId": US, "marketplaceIds": US, "details": "true"}
    answer = amazon.good("GET", "/fba/inventory/v1/summaries", amazon.token(), sellerSku=sku, **query)
    (one,) = answer["payload"]["inventorySummaries"]
    details = one["inventoryDetails"]
    return details["inboundShippedQuantity"], details["fulfillableQuantity"]


def stocked(amazon: Local) -> tuple[str, int]:
    """A SKU that lies there, and how much of it is available."""
    center = amazon.world.centers["ALOCALSELLERNA"]
    sku = list(center.seeds)[2]
    return sku, center.available(amazon.world.now())[sku]


def made(call: Call, path: str, body: Any, status: str) -> str:
    """Make an order, and look at it until it is validated."""
    id = str(call("POST", path, body)["orderId"])
    seen = [call("GET", f"{path}/{id}") for _ in range(3)]
    found = [one.get("status", one.get("orderStatus")) for one in seen]
    assert found == ["VALIDATING", "VALIDATING", status]
    return id


def test_a_replenishment_leaves_there_and_comes_to_fba(amazon: Local, call: Call) -> None:
    sku, available = stocked(amazon)
    shipped, sellable = fba(amazon, sku)
    onhand = held(call, sku)[0]
    id = made(call, REPLENISHMENTS, {"products": [{"sku": sku, "quantity": 10}]}, "ELIGIBLE")

    def now() -> Any:
        (one,) = call("GET", INVENTORY, sku=sku, details="SHOW")["inventory"]
        details = one["inventoryDetails"]
        seen = call("GET", f"{REPLENISHMENTS}/{id}")
        moved, sold = fba(amazon, sku)
        return (
            seen["status"],
            [each["shipmentStatus"] for each in seen["outboundShipments"]],
            one["totalOnhandQuantity"] - onhand,
            details["availableDistributableQuantity"] - available,
            details["reservedDistributableQuantity"],
            details["replenishmentQuantity"],
            (moved - shipped, sold - sellable),
        )

    assert now() == ("ELIGIBLE", [], 0, 0, 0, 0, (0, 0))
    call("POST", f"{REPLENISHMENTS}/{id}/confirmation")
    assert now() == ("CONFIRMED", [], 0, -10, 10, 0, (0, 0))
    amazon.world.advance(3600)
    assert now() == ("EXECUTING", [], 0, -10, 10, 0, (0, 0))
    amazon.world.advance(DAY - 3600)
    assert now() == ("INVENTORY_OUTBOUND", ["CREATED"], -10, -10, 0, 10, (10, 0))
    amazon.world.advance(DAY)
    assert now() == ("INVENTORY_OUTBOUND", ["IN_TRANSIT"], -10, -10, 0, 10, (10, 0))
    amazon.world.advance(3 * DAY)
    assert now() == ("SUCCESS", ["RECEIVED"], -10, -10, 0, 0, (0, 10))
    assert call("GET", f"{REPLENISHMENTS}/{id}")["shippedProducts"] == [{"sku": sku, "quantity": 10}]
    assert amazon.call("POST", f"{REPLENISHMENTS}/{id}/confirmation", amazon.token()).error[:2] == (400, "BAD_REQUEST")


def test_fba_hears_once_of_what_came_while_nobody_looked(amazon: Local, call: Call) -> None:
    sku, _ = stocked(amazon)
    before = fba(amazon, sku)
    amazon.world.polls = 0
    body = {"products": [{"sku": sku, "quantity": 5}], "preferences": {"confirmation": "AUTO"}}
    id = call("POST", REPLENISHMENTS, body)["orderId"]
    assert call("GET", f"{REPLENISHMENTS}/{id}")["status"] == "CONFIRMED"
    amazon.world.advance(9 * DAY)
    assert [fba(amazon, sku) for _ in range(2)] == [(before[0], before[1] + 5)] * 2


def test_a_replenishment_takes_what_there_is(amazon: Local, call: Call, sku: str) -> None:
    some, available = stocked(amazon)
    products = [{"sku": some, "quantity": available + 1}, {"sku": sku, "quantity": 1}]
    id = made(call, REPLENISHMENTS, {"products": products}, "ELIGIBLE")
    seen = call("GET", f"{REPLENISHMENTS}/{id}")
    assert seen["eligibleProducts"] == [{"sku": some, "quantity": available}]
    assert [one["sku"] for one in seen["distributionIneligibleReasons"]] == [some, sku]
    other = made(call, REPLENISHMENTS, {"products": products[:1]}, "ELIGIBLE")
    call("POST", f"{REPLENISHMENTS}/{id}/confirmation")
    # nothing is left for another
    assert amazon.call("POST", f"{REPLENISHMENTS}/{other}/confirmation").status == 400
    assert call("GET", f"{REPLENISHMENTS}/{other}")["status"] == "INELIGIBLE"
    made(call, REPLENISHMENTS, {"products": [{"sku": sku, "quantity": 1}]}, "INELIGIBLE")
    for body in ({"products": []}, {}, {"products": [{"sku": sku, "quantity": 0}]}):
        assert amazon.call("POST", REPLENISHMENTS, body=body).status == 400


def test_an_outbound_order_is_whole_unless_it_prefers_otherwise(amazon: Local, call: Call) -> None:
    sku, available = stocked(amazon)
    too_many = {"productsToOutbound": [{"sku": sku, "quantity": available + 1}]}
    id = made(call, OUTBOUNDS, too_many, "INELIGIBLE")
    assert amazon.call("POST", f"{OUTBOUNDS}/{id}/confirmation").status == 400
    shown = call("GET", f"{OUTBOUNDS}/{id}")
    assert [one["sku"] for one in shown["executionErrors"]] == [sku]
    partial = [{"orderPreference": "PARTIAL_ORDER", "orderPreferenceValue": "SET"}]
    call("PUT", f"{OUTBOUNDS}/{id}", {**shown, "orderPreferences": partial})
    assert [call("GET", f"{OUTBOUNDS}/{id}")["orderStatus"] for _ in range(3)][-1] == "ELIGIBLE"
    call("POST", f"{OUTBOUNDS}/{id}/confirmation")
    amazon.world.advance(DAY)
    shown = call("GET", f"{OUTBOUNDS}/{id}")
    (shipment,) = shown["outboundShipments"]
    assert shipment["shipmentProductQuantities"] == [{"sku": sku, "quantity": available}]
    assert amazon.call("PUT", f"{OUTBOUNDS}/{id}", amazon.token(), shown).status == 400
    assert amazon.call("GET", f"{REPLENISHMENTS}/{id}", amazon.token()).status == 404
    amazon.world.advance(60)
    packed = made(call, OUTBOUNDS, {"packagesToOutbound": [cases(sku, count=1, quantity=1)]}, "INELIGIBLE")
    assert [one["orderId"] for one in call("GET", OUTBOUNDS)["outboundOrders"]] == [packed, id]


def test_replenishments_are_found_by_change_in_pages(amazon: Local, call: Call) -> None:
    sku, _ = stocked(amazon)
    seeded = [one["orderId"] for one in call("GET", REPLENISHMENTS)["orders"]]
    assert len(seeded) == 1
    amazon.world.advance(60)
    id = made(call, REPLENISHMENTS, {"products": [{"sku": sku, "quantity": 1}]}, "ELIGIBLE")

    def found(**query: str) -> list[str]:
        return [one["orderId"] for one in call("GET", REPLENISHMENTS, **query)["orders"]]

    assert found() == [id, *seeded]
    assert found(sortOrder="ASCENDING") == [*seeded, id]
    assert found(updatedAfter=iso(NOW + 60)) == [id]
    assert found(updatedBefore=iso(NOW + 59)) == seeded
    page = call("GET", REPLENISHMENTS, maxResults="1")
    assert [one["orderId"] for one in page["orders"]] == [id]
    assert found(maxResults="1", nextToken=page["nextToken"]) == seeded
    assert amazon.call("GET", REPLENISHMENTS, amazon.token(), maxResults="101").status == 400
