"""Fulfillment Inbound 2024-03-20: plans, their items and their prep details.

How a plan is packed is in `inbound_packing`, and where it goes from there in `inbound_shipments`. The order of the
steps:

1. createInboundPlan. Whoever owns the prep and the labels of a SKU has to be whom its prep details want.
2. generatePackingOptions, confirmPackingOption, setPackingInformation for every packing group; or none of this, where
   it is not known yet how things are packed: then setPackingInformation for every shipment follows 4.
3. generatePlacementOptions, and what `inbound_shipments` says.

* Operations are polled, which moves them on, and what they do shows when they have ended; what nobody polls ends after
  a minute (see `inbound_operations`). With ``World(polls=0)`` they end at once. A plan has one at a time.
* What comes too early is refused with 400 BadRequest, as is an option that the plan does not have.
* A SKU of a listing that the account made itself has no prep classification: the plan fails with FBA_INB_0182, until
  setPrepDetails gives it one.
* A plan is refused with an error for each SKU that cannot be in it, and each owner that is the wrong one.

Not known: Amazon's words for most refusals, which of them it gives at once and which as problems of an operation, and
which SKUs need which prep (here, what is of glass or pottery is fragile). Custom placement (India only), content
updates, self-ship appointments, delivery challans and compliance details have no state; the last four are invented.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import unquote

from sellerport.emulator import changes, page_tokens, shelf
from sellerport.emulator.call import Answer, Call, all_of, missing, moment, refused
from sellerport.emulator.inbound_plans import Box, Operation, Option, Plan, Prep, Problem, Window, counted
from sellerport.emulator.shelf import Listing
from sellerport.errors import AmazonRefused
from sellerport.regions import Marketplace

Named = TypeVar("Named", Option, Window)

API = "fulfillment_inbound_2024_03_20"
LASTS_S = 60
"""After how long an operation that nobody polls ends."""
PAGE = 10
"""How many of a list come where no page size is named."""
ID = re.compile(r"[a-zA-Z0-9-]{38}")
FRAGILE = re.compile("glass|stoneware|ceramic|porcelain|clay", re.IGNORECASE)
UNCLASSIFIED = (
    "ERROR: Prep classification for this SKU was missing. Choose the prep category that applies to this SKU and apply "
    "any required prep and labeling to each sellable unit."
)
NO_OPTION = "The requested {} does not exist for the given inbound plan."


# --- operations -------------------------------------------------------------------------------------------------------

Act = Callable[[Call, Any], Sequence[Problem] | None]
"""What an operation does when it ends, for the call that began it, to its plan, where it has one; problems fail it."""


def begin(call: Call, plan: Plan | None, act: Act, **more: str) -> Answer:
    """Begin an operation that does something when it ends, and answer with its id."""
    name = re.sub("_(.)", lambda found: found[1].upper(), call.operation.key.rpartition(".")[2])
    ends_at = call.world.now() + LASTS_S
    operation = Operation(call.world.uuid(), name, plan, call.world.polls, ends_at, call.path, call.body)
    call.world.inbound.operations[call.seller, operation.id] = operation
    if plan is not None:
        plan.operation = operation
    if operation.polls == 0:
        end(call, operation, act)
    return Answer({**more, "operationId": operation.id}, 202)


def end(call: Call, operation: Operation, act: Act) -> None:
    """Let an operation do what it does."""
    operation.problems = act(replace(call, path=operation.path, body=operation.body), operation.plan) or ()
    operation.status = "FAILED" if operation.problems else "SUCCESS"
    if operation.plan is not None:
        operation.plan.updated = call.world.now()


def problem(code: str, message: str, resource: str) -> Problem:
    """Return what makes an operation fail."""
    details = f"There's an input error with the resource '{resource}'."
    return {"code": code, "message": message, "details": details, "severity": "ERROR"}


def bad(message: str) -> AmazonRefused:
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


def open_plan(call: Call, *also: str) -> Plan:
    """Return the plan that is asked for, if it can be changed: while it is ACTIVE, or is one of these.

    Raises:
        AmazonRefused: it is over, or something else changes it just now.
    """
    plan = found_plan(call)
    if plan.operation and plan.operation.status == "IN_PROGRESS":
        raise bad(f"Operation {plan.operation.name} of the inbound plan is in progress.")
    if plan.status not in ("ACTIVE", *also):
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


def named(call: Call, options: Sequence[Named], name: str) -> Named:
    """Return the option that a call names in its path.

    Raises:
        AmazonRefused: there is none.
    """
    option = next((one for one in options if one.id == call.path[name]), None)
    if option is None:
        raise bad(NO_OPTION.format(name))
    return option


def check_option(call: Call, options: Sequence[Option], name: str) -> None:
    """Check that the option which a call names can be confirmed.

    Raises:
        AmazonRefused: there is none, it is not offered any more, or one was confirmed before.
    """
    option = named(call, options, name)
    if any(one.accepted for one in options):
        raise bad(f"A {name.removesuffix('Id')} of the inbound plan is confirmed already.")
    if option.status(call.world.now()) == "EXPIRED":
        raise bad(f"The {name} has expired.")


def identity(call: Call, prefix: str) -> str:
    """Return a new id, which begins with what it is of."""
    return f"{prefix}{call.world.uuid()}"


# --- plans ------------------------------------------------------------------------------------------------------------


def create_inbound_plan(call: Call) -> Answer:
    """Make a plan of what is sent from where."""
    asked, now = call.checked_body(), call.world.now()
    marketplace = own(call, asked["destinationMarketplaces"][0])
    # one error for each SKU and owner (amzn/selling-partner-api-models#4058)
    if wrong := [one for item in asked["items"] for one in _unfit(call, marketplace, item)]:
        raise all_of(wrong)
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

    return begin(call, plan, _made, inboundPlanId=plan.id)


def _made(call: Call, plan: Plan) -> list[Problem]:
    skus = [item["msku"] for item in plan.items if prep(call, plan.marketplace, item["msku"]) is None]
    plan.status = "ERRORED" if skus else "ACTIVE"
    return [problem("FBA_INB_0182", UNCLASSIFIED, sku) for sku in skus]


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

    return begin(call, plan, _cancelled)


def _cancelled(call: Call, plan: Plan) -> None:
    plan.status = "VOIDED"
    for shipment in plan.confirmed:
        shipment.status = "CANCELLED"
        stock(call, plan, shipment.items, working=-1)


def stock(call: Call, plan: Plan, items: Sequence[Mapping[str, Any]], *, working: int = 0, shipped: int = 0) -> None:
    """Count pieces among those that are to be sent, or were (1), or among them no more (-1)."""
    for sku, quantity in counted(items).items():
        with changes.told(call.world, call.seller, plan.marketplace, [sku]):
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
    """Return what Amazon's warehouses call a SKU."""
    return (listing.fnsku if listing else None) or "UNKNOWN"


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


def _unfit(call: Call, marketplace: Marketplace, item: Mapping[str, Any]) -> Iterator[AmazonRefused]:
    """Yield what is wrong with an item of a plan."""
    sku = item["msku"]
    try:
        listed(call, marketplace, sku)
    except AmazonRefused as refusal:
        yield refusal
        return
    known = prep(call, marketplace, sku)
    for name, able in owners(marketplace, known).items() if known else ():
        if item[name] not in able:
            wants = "does not require" if able == ("NONE",) else "requires"
            accepted = ", ".join(able)
            yield bad(f"ERROR: {sku} {wants} {name} but {item[name]} was assigned. Accepted values: [{accepted}]")


def list_prep_details(call: Call) -> Answer:
    """Say how SKUs are to be prepared, and by whom."""
    marketplace = own(call, call.one("marketplaceId") or "")
    found = []
    # SKUs are encoded twice, so that a comma in one is no comma of a list
    for sku in map(unquote, call.many("mskus")):
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

    return begin(call, None, _prepared)


def _prepared(call: Call, _: None) -> None:
    for one in call.body["mskuPrepDetails"]:
        known = {name: one[name] for name in ("prepCategory", "prepTypes")}
        call.world.inbound.preps[call.seller, call.body["marketplaceId"], one["msku"]] = known


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    f"{API}.create_inbound_plan": create_inbound_plan,
    f"{API}.list_inbound_plans": list_inbound_plans,
    f"{API}.get_inbound_plan": get_inbound_plan,
    f"{API}.update_inbound_plan_name": update_inbound_plan_name,
    f"{API}.cancel_inbound_plan": cancel_inbound_plan,
    f"{API}.list_inbound_plan_items": list_inbound_plan_items,
    f"{API}.list_inbound_plan_boxes": list_inbound_plan_boxes,
    f"{API}.list_inbound_plan_pallets": list_inbound_plan_pallets,
    f"{API}.list_prep_details": list_prep_details,
    f"{API}.set_prep_details": set_prep_details,
}

ACTS: Mapping[str, Act] = {
    "createInboundPlan": _made,
    "cancelInboundPlan": _cancelled,
    "setPrepDetails": _prepared,
}
"""What each operation does when it ends."""
