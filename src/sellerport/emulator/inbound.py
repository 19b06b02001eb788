"""Fulfillment Inbound 2024-03-20, up to the packing: plans, their items, prep details, packing options and boxes.

Where a plan goes from there is in `inbound_shipments`. The order of the steps:

1. createInboundPlan. Whoever owns the prep and the labels of a SKU has to be whom its prep details want.
2. generatePackingOptions, confirmPackingOption, setPackingInformation for every packing group; or none of this, where
   it is not known yet how things are packed: then setPackingInformation for every shipment follows 4.
3. generatePlacementOptions, and what `inbound_shipments` says.

* Operations are polled with getInboundOperationStatus: they go on only then, and what they do shows when they have
  ended. With ``World(polls=0)`` they end at once. A plan has one at a time.
* What comes too early is refused with 400 BadRequest, as is an option that the plan does not have.
* A SKU of a listing that the account made itself has no prep classification: the plan fails with FBA_INB_0182, until
  setPrepDetails gives it one.

Not known: Amazon's words for most refusals, which of them it gives at once and which as problems of an operation, and
which SKUs need which prep (here, what is of glass or pottery is fragile). Custom placement (India only), content
updates, self-ship appointments, delivery challans and compliance details have no state; the last four are invented.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sellerport.emulator import page_tokens, shelf
from sellerport.emulator.call import Answer, Call, missing, moment, refused
from sellerport.emulator.inbound_plans import STANDS_S, Box, Operation, Option, Plan, Prep, Problem, counted
from sellerport.emulator.shelf import Listing
from sellerport.regions import Marketplace

API = "fulfillment_inbound_2024_03_20"
PAGE = 10
"""How many of a list come where no page size is named."""
ID = re.compile(r"[a-zA-Z0-9-]{38}")
FRAGILE = re.compile("glass|stoneware|ceramic|porcelain|clay", re.IGNORECASE)
MOST_KG, MOST_LB = 23, 50
SOLUTIONS = {
    "USE_YOUR_OWN_CARRIER": ("GROUND_SMALL_PARCEL", "FREIGHT_LTL"),
    "AMAZON_PARTNERED_CARRIER": ("GROUND_SMALL_PARCEL", "FREIGHT_LTL"),
}
UNCLASSIFIED = (
    "ERROR: Prep classification for this SKU was missing. Choose the prep category that applies to this SKU and apply "
    "any required prep and labeling to each sellable unit."
)
NO_OPTION = "The requested {} does not exist for the given inbound plan."


# --- operations -------------------------------------------------------------------------------------------------------


def get_inbound_operation_status(call: Call) -> Answer:
    """Look at an operation, which moves it on."""
    operation = call.world.inbound.operations.get((call.seller, call.path["operationId"]))
    if operation is None:
        raise missing(f"Operation {call.path['operationId']} was not found")
    operation.look()
    body = {
        "operation": operation.name,
        "operationId": operation.id,
        "operationProblems": list(operation.problems),
        "operationStatus": operation.status,
    }
    return Answer(body)


def begin(call: Call, plan: Plan | None, act: Callable[[], Sequence[Problem] | None], **more: str) -> Answer:
    """Begin an operation that does something when it ends, and answer with its id."""

    def acted() -> Sequence[Problem]:
        problems = act() or ()
        if plan is not None:
            plan.updated = call.world.now()
        return problems

    name = re.sub("_(.)", lambda found: found[1].upper(), call.operation.key.rpartition(".")[2])
    operation = Operation(call.world.uuid(), name, plan, call.world.polls, acted)
    call.world.inbound.operations[call.seller, operation.id] = operation
    if plan is not None:
        plan.operation = operation
    if operation.polls == 0:
        operation.end()
    return Answer({**more, "operationId": operation.id}, 202)


def problem(code: str, message: str, resource: str) -> Problem:
    """Return what makes an operation fail."""
    details = f"There's an input error with the resource '{resource}'."
    return {"code": code, "message": message, "details": details, "severity": "ERROR"}


def bad(message: str) -> Exception:
    """400, in the words of this API."""
    return refused(message, code="BadRequest")


def found_plan(call: Call) -> Plan:
    """Return the plan that is asked for.

    Raises:
        AmazonRefused: the id is none.
        AmazonNotFound: there is no such plan.
    """
    id = call.path["inboundPlanId"]
    if not ID.fullmatch(id):
        raise bad("The inboundPlanId is malformed.")
    plan = call.world.inbound.plans.get((call.seller, id))
    if plan is None:
        raise missing(f"Inbound plan {id} was not found")
    return plan


def open_plan(call: Call) -> Plan:
    """Return the plan that is asked for, if it can be changed.

    Raises:
        AmazonRefused: it is over, or something else changes it just now.
    """
    plan = found_plan(call)
    if plan.operation and plan.operation.status == "IN_PROGRESS":
        raise bad(f"Operation {plan.operation.name} of the inbound plan is in progress.")
    if plan.status != "ACTIVE":
        raise bad(f"The inbound plan is {plan.status}.")
    return plan


def page(call: Call, name: str, found: Sequence[Any], shown: Callable[[Any], Any], *, most: int) -> Answer:
    """Answer with one page of a list."""
    size = call.size("pageSize", most=most, default=PAGE)
    arguments = {
        **call.path,
        **{one: call.many(one) for one in call.query if one not in ("paginationToken", "pageSize")},
    }
    token = call.one("paginationToken")
    start = 0 if token is None else page_tokens.redeem(call, token, name="paginationToken", arguments=arguments)
    more = (
        {"nextToken": page_tokens.issue(call, start + size, arguments=arguments)} if start + size < len(found) else {}
    )
    return Answer({name: [shown(one) for one in found[start : start + size]], "pagination": more})


def identity(call: Call, prefix: str) -> str:
    """Return a new id, which begins with what it is of."""
    return f"{prefix}{call.world.uuid()}"


# --- plans ------------------------------------------------------------------------------------------------------------


def create_inbound_plan(call: Call) -> Answer:
    """Make a plan of what is sent from where."""
    asked, now = call.checked_body(), call.world.now()
    marketplace = own(call, asked["destinationMarketplaces"][0])
    for item in asked["items"]:
        _owners(call, marketplace, item)
    plan = Plan(
        id=identity(call, "wf"),
        seller=call.seller,
        marketplace=marketplace,
        name=asked.get("name") or f"FBA ({datetime.fromtimestamp(now, UTC):%m/%d/%Y, %I:%M %p})",
        source=asked["sourceAddress"],
        items=asked["items"],
        created=now,
        updated=now,
    )
    call.world.inbound.plans[call.seller, plan.id] = plan

    def act() -> list[Problem]:
        skus = [item["msku"] for item in plan.items if prep(call, marketplace, item["msku"]) is None]
        plan.status = "ERRORED" if skus else "ACTIVE"
        return [problem("FBA_INB_0182", UNCLASSIFIED, sku) for sku in skus]

    return begin(call, plan, act, inboundPlanId=plan.id)


def list_inbound_plans(call: Call) -> Answer:
    """List plans, the latest first."""
    by_change, status = call.one("sortBy") != "CREATION_TIME", call.one("status")
    mine = [one for (seller, _), one in call.world.inbound.plans.items() if seller == call.seller]
    kept = [one for one in mine if status in (None, one.status)]
    down = call.one("sortOrder") != "ASC"
    kept.sort(key=lambda one: one.updated if by_change else one.created, reverse=down)
    return page(call, "inboundPlans", kept, _plan, most=30)


def get_inbound_plan(call: Call) -> Answer:
    """Return a plan, with what was chosen or can be chosen; its shipments once they are confirmed."""
    plan, now = found_plan(call), call.world.now()
    options = {"packingOption": plan.packing, "placementOption": plan.placement}
    chosen = {
        f"{name}s": [{f"{name}Id": one.id, "status": one.status(now)} for one in found]
        for name, found in options.items()
    }
    shipments = [{"shipmentId": one.id, "status": one.status} for one in plan.confirmed]
    return Answer({**_plan(plan), **chosen, "shipments": shipments})


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "inboundPlanId": plan.id,
        "name": plan.name,
        "status": plan.status,
        "marketplaceIds": [plan.marketplace.id],
        "sourceAddress": plan.source,
        "createdAt": moment(plan.created),
        "lastUpdatedAt": moment(plan.updated),
    }


def update_inbound_plan_name(call: Call) -> Answer:
    """Give a plan another name."""
    name = call.checked_body()["name"]
    plan = open_plan(call)
    plan.name, plan.updated = name, call.world.now()
    return Answer(status=204)


def cancel_inbound_plan(call: Call) -> Answer:
    """Void a plan of which nothing has left."""
    plan = open_plan(call)
    if any(one.status == "SHIPPED" for one in plan.confirmed):
        raise bad("The inbound plan has a shipment that is SHIPPED.")

    def act() -> None:
        plan.status = "VOIDED"
        for shipment in plan.confirmed:
            shipment.status = "CANCELLED"
            stock(call, plan, shipment.items, working=-1)

    return begin(call, plan, act)


def stock(call: Call, plan: Plan, items: Sequence[Mapping[str, Any]], *, working: int = 0, shipped: int = 0) -> None:
    """Count pieces among those that are to be sent, or were (1), or among them no more (-1)."""
    for sku, quantity in counted(items).items():
        held = call.world.shelf.stock(call.seller, plan.marketplace, sku)
        # the seeds' own may have been taken away meanwhile
        held.inbound_working = max(held.inbound_working + working * quantity, 0)
        held.inbound_shipped = max(held.inbound_shipped + shipped * quantity, 0)
        held.updated = call.world.now()


def list_inbound_plan_items(call: Call) -> Answer:
    """List what is sent."""
    plan = found_plan(call)
    return page(call, "items", plan.items, lambda item: shown_item(call, plan, item), most=1000)


def list_inbound_plan_boxes(call: Call) -> Answer:
    """List the boxes of a plan."""
    plan = found_plan(call)
    return page(call, "boxes", plan.boxes, lambda box: shown_box(call, plan, box), most=1000)


def list_inbound_plan_pallets(call: Call) -> Answer:
    """List the pallets of a plan's shipments."""
    found = [pallet for shipment in found_plan(call).confirmed for pallet in shipment.pallets]
    return page(call, "pallets", found, shown_pallet, most=1000)


def fnsku(listing: Listing | None) -> str:
    """Return what Amazon's warehouses call a SKU; this API takes no more than ten characters."""
    return ((listing.fnsku if listing else None) or "UNKNOWN")[:10]


def shown_item(call: Call, plan: Plan, item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item as lists show it."""
    listing = call.world.shelf.listing(call.seller, plan.marketplace.id, item["msku"])
    known = prep(call, plan.marketplace, item["msku"])
    kinds = [one for one in known["prepTypes"] if one != "ITEM_LABELING"] if known else []
    return {
        "msku": item["msku"],
        "asin": (listing.asin if listing else None) or "UNKNOWN",
        "fnsku": fnsku(listing),
        "labelOwner": item["labelOwner"],
        "quantity": item["quantity"],
        "prepInstructions": [{"prepType": one, "prepOwner": item["prepOwner"]} for one in kinds],
        **{name: item[name] for name in ("expiration", "manufacturingLotCode") if name in item},
    }


def shown_box(call: Call, plan: Plan, box: Box) -> dict[str, Any]:
    """Return a box as lists show it."""
    number = {"boxId": box.number} if box.number else {}
    facts = {name: box.facts[name] for name in ("contentInformationSource", "dimensions", "weight")}
    items = [shown_item(call, plan, item) for item in box.items]
    return {"packageId": box.id, **number, **facts, "quantity": 1, **({"items": items} if box.told else {})}


def shown_pallet(pallet: tuple[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return a pallet as lists show it."""
    return {"packageId": pallet[0], **pallet[1]}


# --- packing ----------------------------------------------------------------------------------------------------------


def generate_packing_options(call: Call) -> Answer:
    """Offer ways to pack: all together, or SKU by SKU in two groups."""
    plan = open_plan(call)
    if plan.packing_option or plan.placement_option:
        raise bad("A packing or placement option of the inbound plan is confirmed already.")

    def act() -> None:
        loads = [[plan.items]]
        if len(counted(plan.items)) > 1:
            middle = sorted(counted(plan.items))[len(counted(plan.items)) // 2]
            loads.append([[one for one in plan.items if (one["msku"] < middle) is low] for low in (True, False)])
        plan.packing, plan.groups = [], {}
        for load in loads:
            groups = {identity(call, "pg"): items for items in load}
            plan.groups |= groups
            plan.packing.append(Option(identity(call, "po"), tuple(groups), call.world.now() + STANDS_S))

    return begin(call, plan, act)


def list_packing_options(call: Call) -> Answer:
    """List the ways to pack that are offered."""
    plan = found_plan(call)
    return page(call, "packingOptions", plan.packing, lambda one: _packing(one, call.world.now()), most=20)


def _packing(option: Option, now: float) -> dict[str, Any]:
    requirements = [{"solution": solution, "modes": list(modes)} for solution, modes in SOLUTIONS.items()]
    configuration = {
        "boxPackingMethods": ["BOX_CONTENT_PROVIDED", "BARCODE_2D", "MANUAL_PROCESS"],
        "boxRequirements": {"weight": {"unit": "KG", "minimum": 0, "maximum": MOST_KG}},
        "shippingRequirements": requirements,
    }
    return {
        "packingOptionId": option.id,
        "packingGroups": list(option.parts),
        "status": option.status(now),
        "expiration": moment(option.expires_at),
        "fees": [],
        "discounts": [],
        "supportedConfigurations": [configuration],
        "supportedShippingConfigurations": [
            {"shippingSolution": solution, "shippingMode": mode}
            for solution, modes in SOLUTIONS.items()
            for mode in modes
        ],
    }


def confirm_packing_option(call: Call) -> Answer:
    """Choose how to pack."""
    plan = open_plan(call)
    option = chosen(call, plan.packing, "packingOptionId")

    def act() -> None:
        option.accepted = True

    return begin(call, plan, act)


def chosen(call: Call, options: Sequence[Option], name: str) -> Option:
    """Return the option that is to be confirmed.

    Raises:
        AmazonRefused: there is none, it is not offered any more, or one was confirmed before.
    """
    option = next((one for one in options if one.id == call.path[name]), None)
    if option is None:
        raise bad(NO_OPTION.format(name))
    if any(one.accepted for one in options):
        raise bad(f"A {name.removesuffix('Id')} of the inbound plan is confirmed already.")
    if option.status(call.world.now()) == "EXPIRED":
        raise bad(f"The {name} has expired.")
    return option


def set_packing_information(call: Call) -> Answer:
    """Say what is in which box: of a packing group, or of a shipment once the placement is confirmed."""
    asked = call.checked_body()["packageGroupings"]
    plan = open_plan(call)
    expected = [(_expected(plan, grouping), grouping) for grouping in asked]

    def act() -> list[Problem]:
        problems = [one for items, grouping in expected for one in _misfits(items, grouping)]
        for _, grouping in expected if not problems else ():
            boxes = [
                Box(identity(call, "pk"), facts, tuple(facts.get("items", ())))
                for facts in grouping["boxes"]
                for _ in range(facts["quantity"])
            ]
            if "packingGroupId" in grouping:
                plan.packed[grouping["packingGroupId"]] = boxes
                plan.placement, plan.shipments = [], {}  # they were offered for other boxes
            else:
                plan.shipments[grouping["shipmentId"]].boxes = boxes
        return problems

    return begin(call, plan, act)


def _expected(plan: Plan, grouping: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return what has to be in the boxes."""
    group, shipment = grouping.get("packingGroupId"), grouping.get("shipmentId")
    if (group is None) is (shipment is None):
        raise bad("Either packingGroupId or shipmentId must be given.")
    if group is not None:
        if plan.placement_option:
            raise bad("A packingGroupId can only be given before a placement option is confirmed.")
        if plan.packing_option is None or group not in plan.packing_option.parts:
            raise bad("The packingGroupId does not belong to the confirmed packing option.")
        return plan.groups[group]
    found = next((one for one in plan.confirmed if one.id == shipment), None)
    if found is None:
        raise bad("A shipmentId can only be given after its placement option is confirmed.")
    if found.transport:
        raise bad("The transportation of the shipment is confirmed already.")
    return found.items


def _misfits(items: Sequence[Mapping[str, Any]], grouping: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with boxes."""
    where = grouping.get("packingGroupId") or grouping["shipmentId"]
    boxes, found = grouping["boxes"], []
    for box in boxes:
        told, heavy = bool(box.get("items")), MOST_KG if box["weight"]["unit"] == "KG" else MOST_LB
        if told is not (box["contentInformationSource"] == "BOX_CONTENT_PROVIDED"):
            message = "ERROR: items must be given with BOX_CONTENT_PROVIDED, and only then."
            found.append(problem("InvalidBoxContents", message, where))
        if box["weight"]["value"] > heavy or not box["weight"]["value"]:
            found.append(problem("InvalidBoxWeight", f"ERROR: a box must weigh up to {heavy}.", where))
    if all(box.get("items") for box in boxes):
        packed = counted(
            {**item, "quantity": item["quantity"] * box["quantity"]} for box in boxes for item in box["items"]
        )
        for sku in sorted({*packed, *counted(items)}):
            want, have = counted(items)[sku], packed[sku]
            if want != have:
                message = f"ERROR: {have} of {sku} are in boxes, but {want} are to be sent."
                found.append(problem("BoxContentsMismatch", message, sku))
    return found


def list_packing_group_items(call: Call) -> Answer:
    """List what belongs into a packing group."""
    plan = found_plan(call)
    return page(call, "items", plan.groups[_group(call, plan)], lambda one: shown_item(call, plan, one), most=100)


def list_packing_group_boxes(call: Call) -> Answer:
    """List the boxes of a packing group."""
    plan = found_plan(call)
    found = plan.packed.get(_group(call, plan), [])
    return page(call, "boxes", found, lambda box: shown_box(call, plan, box), most=100)


def _group(call: Call, plan: Plan) -> str:
    id = call.path["packingGroupId"]
    if id not in plan.groups:
        raise bad(NO_OPTION.format("packingGroupId"))
    return id


# --- prep -------------------------------------------------------------------------------------------------------------


def own(call: Call, id: str) -> Marketplace:
    """Return a marketplace of the account.

    Raises:
        AmazonRefused: it is none.
    """
    found = next((one for one in (call.account.marketplaces if call.account else ()) if one.id == id), None)
    if found is None:
        raise bad(f"Marketplace {id} is none of the account's.")
    return found


def listed(call: Call, marketplace: Marketplace, sku: str) -> Listing:
    """Return the listing of a SKU that Amazon ships.

    Raises:
        AmazonRefused: there is none.
    """
    listing = call.world.shelf.listing(call.seller, marketplace.id, sku)
    if listing is None or listing.asin is None or not listing.by_amazon:
        raise bad(f"ERROR: {sku} is no SKU that is fulfilled by Amazon in marketplace {marketplace.id}.")
    return listing


def prep(call: Call, marketplace: Marketplace, sku: str) -> Prep | None:
    """Return how a SKU is to be prepared, if that is known."""
    said = call.world.inbound.preps.get((call.seller, marketplace.id, sku))
    listing = call.world.shelf.listing(call.seller, marketplace.id, sku)
    if said is not None or listing is None or listing.seed is None:
        return said
    if FRAGILE.search(shelf.text(listing.attributes, "material") or ""):
        return {"prepCategory": "FRAGILE", "prepTypes": ["ITEM_LABELING", "ITEM_BUBBLEWRAP"]}
    return {"prepCategory": "NONE", "prepTypes": ["ITEM_LABELING"]}


def owners(marketplace: Marketplace, known: Prep) -> dict[str, Sequence[str]]:
    """Return who may prepare and label a SKU: nobody, where there is nothing to do; in the US, never Amazon."""
    able = ("SELLER",) if marketplace.country == "US" else ("AMAZON", "SELLER")
    kinds = set(known["prepTypes"])
    return {
        "prepOwner": able if kinds - {"ITEM_LABELING", "ITEM_NO_PREP"} else ("NONE",),
        "labelOwner": able if "ITEM_LABELING" in kinds else ("NONE",),
    }


def _owners(call: Call, marketplace: Marketplace, item: Mapping[str, Any]) -> None:
    sku = item["msku"]
    listed(call, marketplace, sku)
    known = prep(call, marketplace, sku)
    for name, able in owners(marketplace, known).items() if known else ():
        if item[name] not in able:
            wants = "does not require" if able == ("NONE",) else "requires"
            accepted = ", ".join(able)
            raise bad(f"ERROR: {sku} {wants} {name} but {item[name]} was assigned. Accepted values: [{accepted}]")


def list_prep_details(call: Call) -> Answer:
    """Say how SKUs are to be prepared, and by whom."""
    marketplace = own(call, call.one("marketplaceId") or "")
    found = []
    for sku in call.many("mskus"):
        listed(call, marketplace, sku)
        known = prep(call, marketplace, sku) or {"prepCategory": "UNKNOWN", "prepTypes": []}
        able = owners(marketplace, known).items() if known["prepTypes"] else ()
        only = {f"{name}Constraint": f"{one[0]}_ONLY" for name, one in able if len(one) == 1}
        found.append({"msku": sku, **known, **only})
    return Answer({"mskuPrepDetails": found})


def set_prep_details(call: Call) -> Answer:
    """Say how SKUs are to be prepared."""
    asked = call.checked_body()
    marketplace = own(call, asked["marketplaceId"])
    for one in asked["mskuPrepDetails"]:
        listed(call, marketplace, one["msku"])
        if one["prepCategory"] == "UNKNOWN" or not one["prepTypes"]:
            raise bad(f"ERROR: {one['msku']} needs a prepCategory that is known, and prepTypes.")

    def act() -> None:
        for one in asked["mskuPrepDetails"]:
            known = {name: one[name] for name in ("prepCategory", "prepTypes")}
            call.world.inbound.preps[call.seller, marketplace.id, one["msku"]] = known

    return begin(call, None, act)


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    f"{API}.get_inbound_operation_status": get_inbound_operation_status,
    f"{API}.create_inbound_plan": create_inbound_plan,
    f"{API}.list_inbound_plans": list_inbound_plans,
    f"{API}.get_inbound_plan": get_inbound_plan,
    f"{API}.update_inbound_plan_name": update_inbound_plan_name,
    f"{API}.cancel_inbound_plan": cancel_inbound_plan,
    f"{API}.list_inbound_plan_items": list_inbound_plan_items,
    f"{API}.list_inbound_plan_boxes": list_inbound_plan_boxes,
    f"{API}.list_inbound_plan_pallets": list_inbound_plan_pallets,
    f"{API}.generate_packing_options": generate_packing_options,
    f"{API}.list_packing_options": list_packing_options,
    f"{API}.confirm_packing_option": confirm_packing_option,
    f"{API}.set_packing_information": set_packing_information,
    f"{API}.list_packing_group_items": list_packing_group_items,
    f"{API}.list_packing_group_boxes": list_packing_group_boxes,
    f"{API}.list_prep_details": list_prep_details,
    f"{API}.set_prep_details": set_prep_details,
}
