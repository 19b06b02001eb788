"""Fulfillment Inbound 2024-03-20, the packing: packing options, and what is in which box.

What `inbound` says of the order of steps, of operations and of refusals is true here too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sellerport.emulator.call import Answer, Call, moment
from sellerport.emulator.inbound import (
    API,
    NO_OPTION,
    Act,
    bad,
    begin,
    check_option,
    found_plan,
    identity,
    named,
    open_plan,
    page,
    problem,
    shown_box,
    shown_item,
)
from sellerport.emulator.inbound_plans import STANDS_S, Box, Option, Plan, Problem, counted

MOST_KG, MOST_LB = 23, 50
SOLUTIONS = {
    "USE_YOUR_OWN_CARRIER": ("GROUND_SMALL_PARCEL", "FREIGHT_LTL"),
    "AMAZON_PARTNERED_CARRIER": ("GROUND_SMALL_PARCEL", "FREIGHT_LTL"),
}


def generate_packing_options(call: Call) -> Answer:
    """Offer ways to pack: all together, or SKU by SKU in two groups."""
    plan = open_plan(call)
    if plan.packing_option or plan.placement_option:
        raise bad("A packing or placement option of the inbound plan is confirmed already.")

    return begin(call, plan, _packing_offered)


def _packing_offered(call: Call, plan: Plan) -> None:
    loads = [[plan.items]]
    if len(counted(plan.items)) > 1:
        middle = sorted(counted(plan.items))[len(counted(plan.items)) // 2]
        loads.append([[one for one in plan.items if (one["msku"] < middle) is low] for low in (True, False)])
    plan.packing, plan.groups = [], {}
    for load in loads:
        groups = {identity(call, "pg"): items for items in load}
        plan.groups |= groups
        plan.packing.append(Option(identity(call, "po"), tuple(groups), call.world.now() + STANDS_S))


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
    check_option(call, plan.packing, "packingOptionId")
    return begin(call, plan, _packing_confirmed)


def _packing_confirmed(call: Call, plan: Plan) -> None:
    named(call, plan.packing, "packingOptionId").accepted = True


def set_packing_information(call: Call) -> Answer:
    """Say what is in which box: of a packing group, or of a shipment once the placement is confirmed."""
    asked = call.checked_body()["packageGroupings"]
    plan = open_plan(call)
    for grouping in asked:
        _expected(plan, grouping)
    if len({grouping.get("packingGroupId") or grouping["shipmentId"] for grouping in asked}) < len(asked):
        raise bad("Every packingGroupId and shipmentId must be given once.")
    return begin(call, plan, _packed)


def _packed(call: Call, plan: Plan) -> list[Problem]:
    groupings = call.body["packageGroupings"]
    problems = [one for grouping in groupings for one in _misfits(_expected(plan, grouping), grouping)]
    for grouping in groupings if not problems else ():
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
    packed, wanted = (
        counted(
            {**item, "quantity": item["quantity"] * box["quantity"]} for box in boxes for item in box.get("items", ())
        ),
        counted(items),
    )
    whole = all(box.get("items") for box in boxes)
    for sku in sorted({*packed, *wanted}):
        want, have = wanted[sku], packed[sku]
        if have > want or (whole and have < want):
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


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    f"{API}.generate_packing_options": generate_packing_options,
    f"{API}.list_packing_options": list_packing_options,
    f"{API}.confirm_packing_option": confirm_packing_option,
    f"{API}.set_packing_information": set_packing_information,
    f"{API}.list_packing_group_items": list_packing_group_items,
    f"{API}.list_packing_group_boxes": list_packing_group_boxes,
}

ACTS: Mapping[str, Act] = {
    "generatePackingOptions": _packing_offered,
    "confirmPackingOption": _packing_confirmed,
    "setPackingInformation": _packed,
}
"""What each operation does when it ends."""
