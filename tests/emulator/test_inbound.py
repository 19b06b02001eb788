import dataclasses
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest

from sellerport import catalog
from sellerport.emulator.shelf import Listing
from sellerport.emulator.shop import Product

from .conftest import NOW, Local, Reply
from .test_orders import US, fits, iso

API = "fulfillment_inbound_2024_03_20"
ROOT = "/inbound/fba/2024-03-20"
FROM = {
    "name": "Larkhollow",
    "addressLine1": "1 Depot Row",
    "city": "Fairmeadow",
    "countryCode": "US",
    "stateOrProvinceCode": "OR",
    "postalCode": "97099",
    "phoneNumber": "+1 555 0100",
}
STRANGE = "wf" + "0" * 36


def skus(amazon: Local, category: str = "NONE") -> list[str]:
    """SKUs that Amazon ships, with a prep category."""
    products: tuple[Product, ...] = amazon.world.account("ALOCALSELLERNA").products
    sent = [one.sku for one in products if one.channel == "AFN"]
    query = {"marketplaceId": US, "mskus": ",".join(sent)}
    answer = amazon.call("GET", f"{ROOT}/items/prepDetails", **query)
    fits(answer, API, "ListPrepDetailsResponse")
    assert [one["msku"] for one in answer.json["mskuPrepDetails"]] == sent
    return [one["msku"] for one in answer.json["mskuPrepDetails"] if one["prepCategory"] == category]


def item(sku: str, quantity: int, **more: Any) -> dict[str, Any]:
    return {"msku": sku, "quantity": quantity, "labelOwner": "SELLER", "prepOwner": "NONE", **more}


def box(*items: dict[str, Any], quantity: int = 1, kilograms: float = 9, source: str = "BOX_CONTENT_PROVIDED") -> Any:
    return {
        "contentInformationSource": source,
        "dimensions": {"unitOfMeasurement": "CM", "length": 40, "width": 30, "height": 30},
        "weight": {"unit": "KG", "value": kilograms},
        "quantity": quantity,
        **({"items": list(items)} if items else {}),
    }


@dataclass
class Flow:
    """One plan, step by step; every step is polled to its end."""

    amazon: Local
    token: str
    id: str = ""
    called: set[str] = field(default_factory=set)
    """Operations that answered with success."""

    def call(self, method: str, path: str, body: Any = None, **query: str) -> Reply:
        target = f"{ROOT}/inboundPlans/{self.id}{path}"
        answer = self.amazon.call(method, target, self.token, body, **query)
        found = catalog.match(method, target)
        assert found is not None
        schema = catalog.schemas(API).of(found[0]).responses.get(str(answer.status))
        if answer.status < 300:
            self.called.add(found[0].key)
            if answer.status != 204:
                assert schema is not None
                fits(answer, API, schema)
        return answer

    def status(self, operation: str) -> Any:
        answer = self.amazon.call("GET", f"{ROOT}/operations/{operation}", self.token)
        fits(answer, API, "InboundOperationStatus")
        assert answer.json["operationId"] == operation
        return answer.json

    def ended(self, answer: Reply) -> Any:
        assert answer.status == 202, answer.body
        seen = [self.status(answer.json["operationId"]) for _ in range(3)]
        assert [one["operationStatus"] for one in seen[:2]] == ["IN_PROGRESS"] * 2
        return seen[-1]

    def do(self, method: str, path: str, body: Any = None) -> None:
        end = self.ended(self.call(method, path, body))
        assert end["operationStatus"] == "SUCCESS", end

    def start(self, items: list[Any], **more: Any) -> Any:
        body = {"destinationMarketplaces": [US], "items": items, "sourceAddress": FROM, **more}
        made = self.amazon.call("POST", f"{ROOT}/inboundPlans", self.token, body)
        assert made.status == 202, made.body
        self.id = made.json["inboundPlanId"]
        return self.ended(made)

    def listed(self, path: str, name: str, schema: str, **query: str) -> Any:
        answer = self.call("GET", path, **query)
        fits(answer, API, schema)
        return answer.json[name]

    def plan(self) -> Any:
        answer = self.call("GET", "")
        fits(answer, API, "InboundPlan")
        return answer.json

    def shipment(self, id: str) -> Any:
        answer = self.call("GET", f"/shipments/{id}")
        fits(answer, API, "Shipment")
        assert answer.json["shipmentId"] == id
        return answer.json

    def pack(self, items: list[Any], boxes: list[Any]) -> str:
        """Pack everything together, and return the packing group."""
        self.do("POST", "/packingOptions")
        option = self.listed("/packingOptions", "packingOptions", "ListPackingOptionsResponse")[0]
        self.do("POST", f"/packingOptions/{option['packingOptionId']}/confirmation")
        (group,) = option["packingGroups"]
        shown = self.listed(f"/packingGroups/{group}/items", "items", "ListPackingGroupItemsResponse")
        assert [(one["msku"], one["quantity"]) for one in shown] == [(one["msku"], one["quantity"]) for one in items]
        self.do("POST", "/packingInformation", {"packageGroupings": [{"packingGroupId": group, "boxes": boxes}]})
        return str(group)

    def place(self, *, warehouses: int = 2) -> list[str]:
        """Choose how many warehouses, and return the shipments."""
        self.do("POST", "/placementOptions", {})
        options = self.listed("/placementOptions", "placementOptions", "ListPlacementOptionsResponse")
        option = next(one for one in options if len(one["shipmentIds"]) == warehouses)
        self.do("POST", f"/placementOptions/{option['placementOptionId']}/confirmation")
        return list(option["shipmentIds"])

    def offered(self, shipments: list[str], **more: Any) -> list[Any]:
        option = next(
            one["placementOptionId"] for one in self.plan()["placementOptions"] if one["status"] == "ACCEPTED"
        )
        ready = {"readyToShipWindow": {"start": iso(NOW + 86_400)}}
        body = {
            "placementOptionId": option,
            "shipmentTransportationConfigurations": [{"shipmentId": one, **ready, **more} for one in shipments],
        }
        self.do("POST", "/transportationOptions", body)
        name, schema = "transportationOptions", "ListTransportationOptionsResponse"
        return list(self.listed(f"/{name}", name, schema, placementOptionId=option))

    def window(self, shipment: str) -> None:
        path = f"/shipments/{shipment}/deliveryWindowOptions"
        self.do("POST", path)
        window = self.listed(path, "deliveryWindowOptions", "ListDeliveryWindowOptionsResponse")[0]
        self.do("POST", f"{path}/{window['deliveryWindowOptionId']}/confirmation")
        assert self.shipment(shipment)["selectedDeliveryWindow"]["startDate"] == window["startDate"]

    def carry(self, shipments: list[str], solution: str = "USE_YOUR_OWN_CARRIER", **more: Any) -> Reply:
        chosen = [one for one in self.offered(shipments, **more) if one["shippingSolution"] == solution]
        names = ("shipmentId", "transportationOptionId")
        body = {"transportationSelections": [{name: one[name] for name in names} for one in chosen]}
        return self.call("POST", "/transportationOptions/confirmation", body)


@pytest.fixture
def flow(amazon: Local) -> Flow:
    return Flow(amazon, amazon.token())


def stock(flow: Flow, sku: str) -> tuple[int, int]:
    query = {"granularityType": "Marketplace", "granularityId": US, "marketplaceIds": US, "details": "true"}
    answer = flow.amazon.call("GET", "/fba/inventory/v1/summaries", flow.token, sellerSkus=sku, **query)
    details = answer.json["payload"]["inventorySummaries"][0]["inventoryDetails"]
    return details["inboundWorkingQuantity"], details["inboundShippedQuantity"]


def counted(items: list[Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in items:
        found[one["msku"]] = found.get(one["msku"], 0) + one["quantity"]
    return found


def message(answer: Reply) -> str:
    assert answer.error[:2] == (400, "BadRequest"), answer.body
    return str(answer.json["errors"][0]["message"])


# --- the whole way ----------------------------------------------------------------------------------------------------


def test_a_plan_goes_all_the_way_from_its_items_to_its_tracking(flow: Flow) -> None:
    one, two = skus(flow.amazon)[:2]
    items = [item(one, 10), item(two, 6)]
    before = stock(flow, one)
    assert flow.start(items, name="Autumn")["operation"] == "createInboundPlan"
    assert (flow.plan()["name"], flow.plan()["status"]) == ("Autumn", "ACTIVE")
    listed = flow.listed("/items", "items", "ListInboundPlanItemsResponse")
    assert counted(listed) == {one: 10, two: 6}

    group = flow.pack(items, [box(item(one, 5), item(two, 3), quantity=2)])
    boxes = flow.listed("/boxes", "boxes", "ListInboundPlanBoxesResponse")
    assert boxes == flow.listed(f"/packingGroups/{group}/boxes", "boxes", "ListPackingGroupBoxesResponse")
    assert len({each["packageId"] for each in boxes}) == 2
    assert not any("boxId" in each for each in boxes)
    assert flow.plan()["shipments"] == []

    shipments = flow.place(warehouses=2)
    assert [each["shipmentId"] for each in flow.plan()["shipments"]] == shipments
    assert [flow.shipment(each)["status"] for each in shipments] == ["WORKING", "WORKING"]
    assert len({flow.shipment(each)["destination"]["warehouseId"] for each in shipments}) == 2
    assert stock(flow, one) == (before[0] + 10, before[1])
    in_shipments = [flow.listed(f"/shipments/{each}/items", "items", "ListShipmentItemsResponse") for each in shipments]
    assert [counted(each) for each in in_shipments] == [{one: 5, two: 3}] * 2

    for each in shipments:
        flow.window(each)
    assert flow.ended(flow.carry(shipments))["operationStatus"] == "SUCCESS"
    for each in shipments:
        shown = flow.shipment(each)
        number = shown["shipmentConfirmationId"]
        assert number.startswith("FBA")
        packed = flow.listed(f"/shipments/{each}/boxes", "boxes", "ListShipmentBoxesResponse")
        assert [one["boxId"] for one in packed] == [f"{number}U000001"]
        details = {"spdTrackingDetail": {"spdTrackingItems": [{"boxId": f"{number}U000001", "trackingId": "T1"}]}}
        flow.do("PUT", f"/shipments/{each}/trackingDetails", {"trackingDetails": details})
        tracked = flow.shipment(each)["trackingDetails"]["spdTrackingDetail"]["spdTrackingItems"][0]
        assert (tracked["trackingId"], tracked["trackingNumberValidationStatus"]) == ("T1", "VALIDATED")
        assert flow.shipment(each)["status"] == "SHIPPED"
    assert {each["packageId"] for each in boxes} == {
        each["packageId"] for each in flow.listed("/boxes", "boxes", "ListInboundPlanBoxesResponse")
    }
    assert flow.plan()["status"] == "SHIPPED"
    assert stock(flow, one) == (before[0], before[1] + 10)
    details["spdTrackingDetail"]["spdTrackingItems"][0]["trackingId"] = "T2"
    flow.do("PUT", f"/shipments/{shipments[1]}/trackingDetails", {"trackingDetails": details})
    tracked = flow.shipment(shipments[1])["trackingDetails"]["spdTrackingDetail"]["spdTrackingItems"][0]
    assert (tracked["trackingId"], stock(flow, one)) == ("T2", (before[0], before[1] + 10)), "a correction"


def test_a_plan_whose_boxes_are_not_known_is_placed_first(flow: Flow) -> None:
    sku = skus(flow.amazon)[0]
    flow.start([item(sku, 7)])
    shipments = flow.place(warehouses=2)
    loads = [flow.listed(f"/shipments/{each}/items", "items", "ListShipmentItemsResponse") for each in shipments]
    assert [each[0]["quantity"] for each in loads] == [4, 3]
    partner = "AMAZON_PARTNERED_CARRIER"
    assert message(flow.carry(shipments, partner)).startswith("Packing information must be given")
    groupings = [
        {"shipmentId": id, "boxes": [box(item(sku, quantity))]} for id, quantity in zip(shipments, (4, 3), strict=True)
    ]
    flow.do("POST", "/packingInformation", {"packageGroupings": groupings})
    assert flow.ended(flow.carry(shipments, partner))["operationStatus"] == "SUCCESS"
    assert "trackingDetails" not in flow.shipment(shipments[0])
    ltl = {"trackingDetails": {"ltlTrackingDetail": {"freightBillNumber": ["1"]}}}
    assert "the account's own" in message(flow.call("PUT", f"/shipments/{shipments[0]}/trackingDetails", ltl))


def test_pallets_are_carried_by_freight(flow: Flow) -> None:
    sku = skus(flow.amazon)[0]
    flow.start([item(sku, 8)])
    flow.pack([item(sku, 8)], [box(item(sku, 8))])
    (shipment,) = flow.place(warehouses=1)
    flow.window(shipment)
    pallets = [{"quantity": 2, "stackability": "STACKABLE"}]
    flow.ended(flow.carry([shipment], pallets=pallets))
    shown = flow.listed(f"/shipments/{shipment}/pallets", "pallets", "ListShipmentPalletsResponse")
    assert [each["stackability"] for each in shown] == ["STACKABLE"] * 2
    assert shown == flow.listed("/pallets", "pallets", "ListInboundPlanPalletsResponse")
    ltl = {"ltlTrackingDetail": {"freightBillNumber": ["PRO 1"]}}
    parcels: dict[str, Any] = {"spdTrackingDetail": {"spdTrackingItems": []}}
    path = f"/shipments/{shipment}/trackingDetails"
    assert "ltlTrackingDetail" in message(flow.call("PUT", path, {"trackingDetails": parcels}))
    flow.do("PUT", path, {"trackingDetails": ltl})
    assert flow.shipment(shipment)["trackingDetails"] == ltl


# --- operations -------------------------------------------------------------------------------------------------------


def test_an_operation_does_what_it_does_when_it_has_ended_and_others_wait(flow: Flow) -> None:
    flow.start([item(skus(flow.amazon)[0], 2)])
    begun = flow.call("POST", "/packingOptions")
    path, schema = "/packingOptions", "ListPackingOptionsResponse"
    assert flow.listed(path, "packingOptions", schema) == []
    assert message(flow.call("POST", "/placementOptions", {})).endswith("is in progress.")
    assert flow.ended(begun)["operation"] == "generatePackingOptions"
    assert flow.status(begun.json["operationId"])["operationStatus"] == "SUCCESS"
    assert len(flow.listed(path, "packingOptions", schema)) == 1


def test_operations_that_are_never_seen_unfinished_need_no_poll(flow: Flow) -> None:
    flow.amazon.world.polls = 0
    body = {"destinationMarketplaces": [US], "items": [item(skus(flow.amazon)[0], 2)], "sourceAddress": FROM}
    made = flow.amazon.call("POST", f"{ROOT}/inboundPlans", flow.token, body).json
    assert flow.status(made["operationId"])["operationStatus"] == "SUCCESS"
    flow.id = made["inboundPlanId"]
    assert flow.call("POST", "/packingOptions").status == 202
    assert len(flow.listed("/packingOptions", "packingOptions", "ListPackingOptionsResponse")) == 1


def test_an_operation_that_nobody_polls_ends_after_a_minute(flow: Flow) -> None:
    flow.start([item(skus(flow.amazon)[0], 2)])
    begun = flow.call("POST", "/packingOptions").json["operationId"]
    flow.amazon.world.advance(59)
    assert "is in progress" in message(flow.call("POST", "/placementOptions", {}))
    flow.amazon.world.advance(1)
    assert len(flow.listed("/packingOptions", "packingOptions", "ListPackingOptionsResponse")) == 1
    assert flow.call("POST", "/placementOptions", {}).status == 202
    assert flow.status(begun)["operationStatus"] == "SUCCESS"


def test_unknown_operations_and_plans_are_not_found(flow: Flow) -> None:
    assert flow.amazon.call("GET", f"{ROOT}/operations/{'0' * 36}", flow.token).error[:2] == (404, "NotFound")
    flow.id = STRANGE
    assert flow.call("GET", "").error[:2] == (404, "NotFound")
    flow.id = "wf1"
    assert message(flow.call("GET", "")) == "The inboundPlanId is malformed."


def test_accounts_do_not_see_each_others_plans(flow: Flow) -> None:
    end = flow.start([item(skus(flow.amazon)[0], 2)])
    other = Flow(flow.amazon, flow.amazon.token("Atzr|local-seller-eu"), flow.id)
    assert other.call("GET", "").status == 404
    assert flow.amazon.call("GET", f"{ROOT}/operations/{end['operationId']}", other.token).status == 404
    assert other.amazon.call("GET", f"{ROOT}/inboundPlans", other.token).json["inboundPlans"] == []


# --- what is refused --------------------------------------------------------------------------------------------------


def test_steps_in_the_wrong_order_are_refused(flow: Flow) -> None:
    sku = skus(flow.amazon)[0]
    items = [item(sku, 4)]
    flow.start(items)
    nobody = "po" + "0" * 36
    assert message(flow.call("POST", f"/packingOptions/{nobody}/confirmation")) == (
        "The requested packingOptionId does not exist for the given inbound plan."
    )
    assert message(flow.call("POST", f"/placementOptions/{nobody}/confirmation")) == (
        "The requested placementOptionId does not exist for the given inbound plan."
    )
    grouping = {"packageGroupings": [{"packingGroupId": nobody, "boxes": [box(item(sku, 4))]}]}
    assert "confirmed packing option" in message(flow.call("POST", "/packingInformation", grouping))
    selection = {"transportationSelections": [{"shipmentId": nobody, "transportationOptionId": nobody}]}
    early = flow.call("POST", "/transportationOptions/confirmation", selection)
    assert message(early).startswith("A placement option must be confirmed")

    flow.do("POST", "/packingOptions")
    (option,) = flow.listed("/packingOptions", "packingOptions", "ListPackingOptionsResponse")
    flow.do("POST", f"/packingOptions/{option['packingOptionId']}/confirmation")
    assert message(flow.call("POST", "/placementOptions", {})).startswith("Packing information must be given")
    assert "confirmed already" in message(flow.call("POST", "/packingOptions"))
    assert "confirmed already" in message(
        flow.call("POST", f"/packingOptions/{option['packingOptionId']}/confirmation")
    )
    (group,) = option["packingGroups"]
    grouping["packageGroupings"][0]["packingGroupId"] = group
    twice = {"packageGroupings": grouping["packageGroupings"] * 2}
    assert "must be given once" in message(flow.call("POST", "/packingInformation", twice))
    flow.do("POST", "/packingInformation", grouping)
    (shipment,) = flow.place(warehouses=1)
    assert "before a placement option" in message(flow.call("POST", "/packingInformation", grouping))
    assert "confirmed already" in message(flow.call("POST", "/placementOptions", {}))
    assert message(flow.carry([shipment])).startswith("A delivery window must be confirmed")
    path = f"/shipments/{shipment}/deliveryWindowOptions"
    assert message(flow.call("POST", f"{path}/{'dw' + '0' * 36}/confirmation")).endswith("given inbound plan.")
    flow.window(shipment)
    assert "confirmed already" in message(flow.call("POST", path))
    assert flow.ended(flow.carry([shipment]))["operationStatus"] == "SUCCESS"
    later = flow.listed(path, "deliveryWindowOptions", "ListDeliveryWindowOptionsResponse")[1]
    flow.do("POST", f"{path}/{later['deliveryWindowOptionId']}/confirmation")
    assert flow.shipment(shipment)["selectedDeliveryWindow"]["startDate"] == later["startDate"]
    again = {
        "placementOptionId": flow.shipment(shipment)["placementOptionId"],
        "shipmentTransportationConfigurations": [
            {"shipmentId": shipment, "readyToShipWindow": {"start": iso(NOW + 86_400)}}
        ],
    }
    assert "confirmed already" in message(flow.call("POST", "/transportationOptions", again))


def test_options_expire(flow: Flow) -> None:
    flow.start([item(skus(flow.amazon)[0], 4)])
    flow.do("POST", "/packingOptions")
    (option,) = flow.listed("/packingOptions", "packingOptions", "ListPackingOptionsResponse")
    assert option["status"] == "OFFERED"
    flow.amazon.world.advance(8 * 86_400)
    flow.token = flow.amazon.token()
    assert flow.plan()["packingOptions"][0]["status"] == "EXPIRED"
    confirmed = flow.call("POST", f"/packingOptions/{option['packingOptionId']}/confirmation")
    assert message(confirmed) == "The packingOptionId has expired."


@pytest.mark.parametrize(
    ("boxes", "code"),
    [
        (lambda sku: [box(item(sku, 3))], "BoxContentsMismatch"),
        (lambda sku: [box(item(sku, 4), quantity=2)], "BoxContentsMismatch"),
        (lambda sku: [box(item("NOBODY", 4))], "BoxContentsMismatch"),
        (lambda sku: [box(item(sku, 5)), box(source="BARCODE_2D")], "BoxContentsMismatch"),
        (lambda sku: [box(item(sku, 4), kilograms=24)], "InvalidBoxWeight"),
        (lambda sku: [box()], "InvalidBoxContents"),
        (lambda sku: [box(item(sku, 4), source="MANUAL_PROCESS")], "InvalidBoxContents"),
    ],
)
def test_boxes_that_do_not_hold_what_is_sent_fail(flow: Flow, boxes: Any, code: str) -> None:
    sku = skus(flow.amazon)[0]
    flow.start([item(sku, 4)])
    flow.do("POST", "/packingOptions")
    (option,) = flow.listed("/packingOptions", "packingOptions", "ListPackingOptionsResponse")
    flow.do("POST", f"/packingOptions/{option['packingOptionId']}/confirmation")
    grouping = {"packingGroupId": option["packingGroups"][0], "boxes": boxes(sku)}
    end = flow.ended(flow.call("POST", "/packingInformation", {"packageGroupings": [grouping]}))
    assert end["operationStatus"] == "FAILED"
    assert code in [one["code"] for one in end["operationProblems"]]
    assert flow.listed("/boxes", "boxes", "ListInboundPlanBoxesResponse") == []


def test_who_prepares_and_labels_a_sku_is_what_its_prep_details_say(flow: Flow) -> None:
    plain, fragile = skus(flow.amazon)[0], skus(flow.amazon, "FRAGILE")[0]
    body = {"destinationMarketplaces": [US], "sourceAddress": FROM}

    def create(one: Any) -> Reply:
        return flow.amazon.call("POST", f"{ROOT}/inboundPlans", flow.token, {**body, "items": [one]})

    assert message(create(item(fragile, 1))) == (
        f"ERROR: {fragile} requires prepOwner but NONE was assigned. Accepted values: [SELLER]"
    )
    assert message(create(item(plain, 1, prepOwner="SELLER"))) == (
        f"ERROR: {plain} does not require prepOwner but SELLER was assigned. Accepted values: [NONE]"
    )
    assert message(create(item(plain, 1, labelOwner="NONE"))) == (
        f"ERROR: {plain} requires labelOwner but NONE was assigned. Accepted values: [SELLER]"
    )
    assert create(item(fragile, 1, prepOwner="SELLER")).status == 202
    assert "fulfilled by Amazon" in message(create(item("NOBODY", 1)))
    items = [item("NOBODY", 1), item(plain, 1, prepOwner="SELLER", labelOwner="NONE"), item(fragile, 1), item(plain, 2)]
    several = flow.amazon.call("POST", f"{ROOT}/inboundPlans", flow.token, {**body, "items": items})
    assert several.status == 400
    assert [(one["code"], one["details"], one["message"].split(" but ")[0]) for one in several.json["errors"]] == [
        ("BadRequest", "", f"ERROR: NOBODY is no SKU that is fulfilled by Amazon in marketplace {US}."),
        ("BadRequest", "", f"ERROR: {plain} does not require prepOwner"),
        ("BadRequest", "", f"ERROR: {plain} requires labelOwner"),
        ("BadRequest", "", f"ERROR: {fragile} requires prepOwner"),
    ]
    foreign = {**body, "items": [item(plain, 1)], "destinationMarketplaces": ["A1PA6795UKMFR9"]}
    assert "none of the account's" in message(flow.amazon.call("POST", f"{ROOT}/inboundPlans", flow.token, foreign))


def test_skus_of_prep_details_are_encoded_twice(flow: Flow) -> None:
    plain = skus(flow.amazon)[0]
    odd = "A,B+50%"
    listing = dataclasses.replace(flow.amazon.world.shelf.listing("ALOCALSELLERNA", US, plain), sku=odd)
    flow.amazon.world.shelf.add(listing)
    query = {"marketplaceId": US, "mskus": f"{quote(odd, safe='')},{plain}"}
    found = flow.amazon.call("GET", f"{ROOT}/items/prepDetails", flow.token, **query).json["mskuPrepDetails"]
    assert [one["msku"] for one in found] == [odd, plain]


def test_a_sku_without_a_prep_classification_fails_until_it_is_given_one(flow: Flow) -> None:
    world = flow.amazon.world
    seeded = world.shelf.listing("ALOCALSELLERNA", US, skus(flow.amazon)[0])
    assert seeded is not None
    mine = Listing("ALOCALSELLERNA", seeded.marketplace, "MINE", seeded.asin, "PRODUCT", NOW, NOW)
    mine.attributes = seeded.attributes
    world.shelf.add(mine)
    end = flow.start([item("MINE", 2)])
    assert (end["operationStatus"], end["operationProblems"][0]["code"]) == ("FAILED", "FBA_INB_0182")
    assert flow.plan()["status"] == "ERRORED"
    details = {"msku": "MINE", "prepCategory": "TEXTILE", "prepTypes": ["ITEM_LABELING", "ITEM_POLYBAGGING"]}
    body = {"marketplaceId": US, "mskuPrepDetails": [details]}
    set_up = flow.amazon.call("POST", f"{ROOT}/items/prepDetails", flow.token, body)
    assert flow.ended(set_up)["operation"] == "setPrepDetails"
    shown = flow.amazon.call("GET", f"{ROOT}/items/prepDetails", flow.token, marketplaceId=US, mskus="MINE")
    only = {"prepOwnerConstraint": "SELLER_ONLY", "labelOwnerConstraint": "SELLER_ONLY"}
    assert shown.json["mskuPrepDetails"] == [{**details, **only}]
    assert flow.start([item("MINE", 2, prepOwner="SELLER")])["operationStatus"] == "SUCCESS"


# --- the rest ---------------------------------------------------------------------------------------------------------


def test_a_cancelled_plan_is_void_and_its_stock_is_not_coming(flow: Flow) -> None:
    sku = skus(flow.amazon)[0]
    before = stock(flow, sku)
    flow.start([item(sku, 4)])
    shipments = flow.place()
    assert stock(flow, sku) == (before[0] + 4, before[1])
    flow.do("PUT", "/cancellation")
    assert flow.plan()["status"] == "VOIDED"
    assert flow.shipment(shipments[0])["status"] == "CANCELLED"
    assert stock(flow, sku) == before
    assert message(flow.call("PUT", "/cancellation")) == "The inbound plan is VOIDED."


def test_one_warehouse_costs_a_fee_and_two_do_not(flow: Flow) -> None:
    flow.start([item(skus(flow.amazon)[0], 4)])
    flow.do("POST", "/placementOptions", {})
    options = flow.listed("/placementOptions", "placementOptions", "ListPlacementOptionsResponse")
    assert [(len(one["shipmentIds"]), len(one["fees"])) for one in options] == [(1, 1), (2, 0)]
    assert options[0]["fees"][0]["value"] == {"code": "USD", "amount": 1.08}
    unconfirmed = flow.shipment(options[0]["shipmentIds"][0])
    assert (unconfirmed["status"], "shipmentConfirmationId" in unconfirmed) == ("UNCONFIRMED", False)


def test_plans_and_shipments_get_other_names_and_addresses(flow: Flow) -> None:
    flow.start([item(skus(flow.amazon)[0], 4)])
    assert flow.call("PUT", "/name", {"name": "Renamed"}).status == 204
    assert flow.plan()["name"] == "Renamed"
    (shipment,) = flow.place(warehouses=1)
    assert flow.call("PUT", f"/shipments/{shipment}/name", {"name": "Pallet one"}).status == 204
    assert flow.offered([shipment])
    flow.do("PUT", f"/shipments/{shipment}/sourceAddress", {"address": {**FROM, "city": "Eastbrook"}})
    shown = flow.shipment(shipment)
    assert (shown["name"], shown["source"]["address"]["city"]) == ("Pallet one", "Eastbrook")
    left = flow.call("GET", "/transportationOptions", shipmentId=shipment).json["transportationOptions"]
    assert left == []
    assert message(flow.call("GET", "/transportationOptions")).startswith("Either placementOptionId")


def test_lists_come_in_pages(flow: Flow) -> None:
    sent = [item(sku, 1) for sku in skus(flow.amazon)[:3]]
    flow.start(sent)
    first = flow.call("GET", "/items", pageSize="2").json
    token = first["pagination"]["nextToken"]
    second = flow.call("GET", "/items", pageSize="2", paginationToken=token).json
    assert [one["msku"] for one in first["items"] + second["items"]] == [one["msku"] for one in sent]
    assert second["pagination"] == {}
    assert flow.call("GET", "/items", paginationToken="made-up").status == 400
    assert flow.call("GET", "/items", pageSize="1001").status == 400


def test_plans_are_listed_by_status_and_time(flow: Flow) -> None:
    sku = skus(flow.amazon)[0]
    made = []
    for _ in range(2):
        flow.start([item(sku, 1)])
        made.append(flow.id)
        flow.amazon.world.advance(60)

    def listed(**query: str) -> list[str]:
        answer = flow.amazon.call("GET", f"{ROOT}/inboundPlans", flow.token, **query)
        fits(answer, API, "ListInboundPlansResponse")
        return [one["inboundPlanId"] for one in answer.json["inboundPlans"]]

    assert listed() == made[::-1]
    assert listed(sortBy="CREATION_TIME", sortOrder="ASC") == made
    flow.do("PUT", "/cancellation")
    assert (listed(status="VOIDED"), listed(status="ACTIVE")) == ([made[1]], [made[0]])


# --- labels -----------------------------------------------------------------------------------------------------------


def test_labels_for_single_pieces_are_a_pdf_with_their_fnsku(flow: Flow) -> None:
    sku = skus(flow.amazon)[0]
    body = {
        "marketplaceId": US,
        "labelType": "THERMAL_PRINTING",
        "width": 60,
        "height": 40,
        "mskuQuantities": [{"msku": sku, "quantity": 3}],
    }
    answer = flow.amazon.call("POST", f"{ROOT}/items/labels", flow.token, body)
    fits(answer, API, "CreateMarketplaceItemLabelsResponse")
    stored = flow.amazon.fetch(answer.json["documentDownloads"][0]["uri"]).body
    assert stored.startswith(b"%PDF")
    assert stored.count(b"/Type /Page ") == 3
    flow.start([item(sku, 1)])
    (shown,) = flow.listed("/items", "items", "ListInboundPlanItemsResponse")
    assert f"({shown['fnsku']}) Tj".encode() in stored
    wrong = {**body, "mskuQuantities": [{"msku": "NOBODY", "quantity": 1}]}
    assert flow.amazon.call("POST", f"{ROOT}/items/labels", flow.token, wrong).status == 400
