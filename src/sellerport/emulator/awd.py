"""Amazon Warehousing and Distribution 2024-05-09: orders to send packages there, their shipments, and what lies there.

1. createInbound makes a draft, which updateInbound changes; checkInboundEligibility says whether it could be confirmed.
2. confirmInbound makes its shipment, which has labels then; whatever is not eligible is refused here.
3. updateInboundShipmentTransportDetails says that the shipment has left; from there it goes by the clock, and its
   pieces are in listInventory when they are received (see `distribution`). Until it has left, it can be cancelled.

What goes on to FBA is in `awd_outbound`. Labels are made while they are looked at, as reports are. Amazon has this for
sellers in the United States; others are refused. Not known: the codes for what is not eligible, what Amazon says to
what comes too early or too late (409 here), when a draft expires (30 days here), and which instructions follow from a
prep category (here, none).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sellerport.emulator import labels, page_tokens
from sellerport.emulator.call import Answer, Call, denied, missing, moment, refused
from sellerport.emulator.distribution import COUNTRY, REGIONS, Center, Inbound, Package, counted
from sellerport.emulator.inbound_packing import MOST_KG, MOST_LB
from sellerport.emulator.inbound_shipments import kept
from sellerport.emulator.labels import Label

API = "awd_2024_05_09"
PAGE, MOST = 25, 200
MOST_SKUS = 150
LABELS_S = 600
MOST_WEIGHT = {"KILOGRAMS": MOST_KG, "POUNDS": MOST_LB}
NO_PREP = {"prepCategory": "NO_PREP", "prepOwner": "SELF", "labelOwner": "SELF", "prepInstructions": []}

Reason = Mapping[str, str]


def center(call: Call) -> Center:
    """Return what the account has there, as it stands now.

    Raises:
        AccessDenied: it is no seller in the United States.
    """
    found = call.world.centers.get(call.seller)
    if found is None:
        raise denied()
    found.settle(call.world.shelf, call.world.now())
    return found


def bad(message: str) -> Exception:
    """400, in the words of this API."""
    return refused(message, code="BAD_REQUEST")


def _conflict(message: str) -> Exception:
    return refused(message, status=409, code="CONFLICT")


def page(
    call: Call, name: str, found: Sequence[Any], shown: Callable[[Any], Any], *, most: int = MOST
) -> dict[str, Any]:
    """Return one page of a list; its token wants the same arguments."""
    size, token = call.size("maxResults", most=most, default=PAGE), call.one("nextToken")
    arguments = {one: call.many(one) for one in call.query if one not in ("nextToken", "maxResults")}
    start = 0 if token is None else page_tokens.redeem(call, token, name="nextToken", arguments=arguments)
    more = {}
    if start + size < len(found):
        more["nextToken"] = page_tokens.issue(call, start + size, arguments=arguments)
    return {name: [shown(one) for one in found[start : start + size]], **more}


# --- orders -----------------------------------------------------------------------------------------------------------


def create_inbound(call: Call) -> Answer:
    """Make a draft of what is sent from where."""
    own, asked, now = center(call), call.checked_body(), call.world.now()
    id = f"wf{call.world.uuid()}"
    one = Inbound(id, now, now, asked["originAddress"], _packages(asked), next(iter(REGIONS)))
    _prefer(one, asked)
    one.reference = asked.get("externalReferenceId")
    own.inbound[id] = one
    return Answer({"orderId": id}, 201, {"Location": id})


def update_inbound(call: Call) -> Answer:
    """Change a draft: its packages, where it comes from, where it would best go to."""
    one, asked, now = _order(call), call.checked_body(), call.world.now()
    if asked["orderId"] != one.id:
        raise bad("The orderId of the body is not that of the path.")
    if one.status(now) != "DRAFT":
        raise _conflict(f"The inbound order is {one.status(now)}.")
    one.packages, one.origin, one.updated = _packages(asked), asked["originAddress"], now
    _prefer(one, asked)
    return Answer(status=204)


def _prefer(one: Inbound, asked: Mapping[str, Any]) -> None:
    """Let an order go where the account wants it; a region that does not exist is none."""
    one.preferences = asked.get("preferences")
    wanted = (one.preferences or {}).get("destinationRegion")
    one.region = wanted if wanted in REGIONS else one.region


def _packages(asked: Mapping[str, Any]) -> list[Package]:
    found: list[Package] = []
    for one in asked["packagesToInbound"]:
        package = one["distributionPackage"]
        products = package["contents"].get("products", ())
        if one["count"] < 1 or any(product["quantity"] < 1 for product in products):
            raise bad("Counts and quantities must be at least 1.")
        if package["type"] == "CASE" and not products:
            raise bad("A package of the type CASE must have products.")
        prepared = [{"prepDetails": NO_PREP, **product} for product in products]
        contents = {**package["contents"], "products": prepared}
        found.append({**one, "distributionPackage": {**package, "contents": contents}})
    return found


def get_inbound(call: Call) -> Answer:
    """Return an order, and its shipment once it is confirmed."""
    one, now = _order(call), call.world.now()
    destination = {"destinationRegion": one.region, "destinationAddress": address(one.region)}
    if one.shipment is not None:
        destination["shipmentId"] = one.shipment
    body = {
        "orderId": one.id,
        "orderStatus": one.status(now),
        "createdAt": moment(one.created),
        "updatedAt": moment(one.changed(now)),
        "originAddress": one.origin,
        "destinationDetails": destination,
        "packagesToInbound": one.packages,
        **({"preferences": one.preferences} if one.preferences else {}),
        **_reference(one),
    }
    return Answer(body)


def confirm_inbound(call: Call) -> Answer:
    """Make a draft a shipment."""
    one, now = _order(call), call.world.now()
    if one.status(now) != "DRAFT":
        raise _conflict(f"The inbound order is {one.status(now)}.")
    whole, each = _ineligible(call, one.packages)
    reasons = [*whole, *(reason for reasons in each for reason in reasons)]
    if reasons:
        raise bad(reasons[0]["description"])
    one.confirmed = one.updated = now
    one.shipment, one.labels = call.world.secret("STAR-", 13).upper(), call.world.polls
    return Answer(status=204)


def cancel_inbound(call: Call) -> Answer:
    """Give an order up, and its shipment, if that has not left."""
    one, now = _order(call), call.world.now()
    if one.status(now) not in ("DRAFT", "CONFIRMED") or one.shipped(now)[0] != "CREATED":
        raise _conflict(f"The inbound order is {one.status(now)}, and its shipment {one.shipped(now)[0]}.")
    one.cancelled = one.updated = now
    return Answer(status=204)


def _order(call: Call) -> Inbound:
    id = call.path["orderId"]
    if id not in center(call).inbound:
        raise missing(f"The inbound order {id} was not found")
    return center(call).inbound[id]


def address(region: str) -> dict[str, str]:
    """Return where the center of a region is."""
    street, city, state, code = REGIONS[region]
    return {
        "name": f"Local distribution center {region}",
        "addressLine1": street,
        "city": city,
        "stateOrRegion": state,
        "postalCode": code,
        "countryCode": COUNTRY,
    }


# --- what may be sent -------------------------------------------------------------------------------------------------


def check_inbound_eligibility(call: Call) -> Answer:
    """Say which packages could be sent."""
    center(call)
    packages = _packages(call.checked_body())
    whole, each = _ineligible(call, packages)
    body = {
        "previewedAt": moment(call.world.now()),
        "status": _eligibility([*whole, *(reason for reasons in each for reason in reasons)]),
        "ineligibilityReasons": whole,
        "packagesToInbound": [
            {"packageQuantity": package, "status": _eligibility(reasons), "ineligibilityReasons": reasons}
            for package, reasons in zip(packages, each, strict=True)
        ],
    }
    return Answer(body)


def _eligibility(reasons: Sequence[Reason]) -> str:
    return "INELIGIBLE" if reasons else "ELIGIBLE"


def _ineligible(call: Call, packages: Sequence[Package]) -> tuple[list[Reason], list[list[Reason]]]:
    """Return what is wrong with all packages together, and with each."""
    many = len(counted(packages)) > MOST_SKUS
    whole = [_reason("TOO_MANY_SKUS", f"An inbound order has at most {MOST_SKUS} SKUs.")] if many else []
    return whole, [_wrong(call, one["distributionPackage"]) for one in packages]


def _wrong(call: Call, package: Mapping[str, Any]) -> list[Reason]:
    if package["type"] == "PALLET":
        return [_reason("PACKAGE_TYPE_NOT_SUPPORTED", "Packages of the type PALLET are not supported.")]
    found, products, measured = [], package["contents"]["products"], package["measurements"]
    if len({one["sku"] for one in products}) > 1:
        found.append(_reason("MIXED_SKU_CASE", "A case must have a single SKU."))
    if "dimensions" not in measured:
        found.append(_reason("DIMENSIONS_MISSING", "The dimensions of a package are required."))
    weight = measured["weight"]
    if weight["weight"] > MOST_WEIGHT[weight["unitOfMeasurement"]]:
        found.append(_reason("PACKAGE_TOO_HEAVY", f"A package must not weigh more than {MOST_KG} kg ({MOST_LB} lb)."))
    for one in products:
        listing = call.world.shelf.listing(call.seller, center(call).marketplace.id, one["sku"])
        if listing is None or listing.is_parent or not listing.by_amazon:
            found.append(_reason("SKU_NOT_ELIGIBLE", f"The SKU {one['sku']} is none that Amazon ships."))
        if "AMAZON" in (one["prepDetails"].get("prepOwner"), one["prepDetails"].get("labelOwner")):
            found.append(_reason("OWNER_NOT_SUPPORTED", "In the US, preparations and labels must be owned by SELF."))
    return found


def _reason(code: str, description: str) -> Reason:
    return {"code": code, "description": description}


# --- shipments --------------------------------------------------------------------------------------------------------


def list_inbound_shipments(call: Call) -> Answer:
    """List shipments by status and change, the latest first."""
    own, now, status = center(call), call.world.now(), call.one("shipmentStatus")
    after, before = call.time("updatedAfter"), call.time("updatedBefore")
    found = [
        one
        for one in own.inbound.values()
        if one.shipment is not None
        and status in (None, one.shipped(now)[0])
        and (after is None or one.changed(now) >= after)
        and (before is None or one.changed(now) <= before)
    ]
    by_creation, up = call.one("sortBy") == "CREATED_AT", call.one("sortOrder") == "ASCENDING"
    found.sort(key=lambda one: (one.confirmed or 0) if by_creation else one.changed(now), reverse=not up)
    return Answer(page(call, "shipments", found, lambda one: _summary(one, now)))


def get_inbound_shipment(call: Call) -> Answer:
    """Return a shipment, with its SKUs if they are asked for."""
    one, now = _shipment(call), call.world.now()
    expected, received = counted(one.packages), counted(one.received(now))
    body = {
        **_summary(one, now),
        "originAddress": one.origin,
        "destinationAddress": address(one.region),
        "destinationRegion": one.region,
        "warehouseReferenceId": f"{one.shipment}".removeprefix("STAR-")[:10],
        "shipmentContainerQuantities": one.packages,
        "receivedQuantity": [_units(received.total())],
    }
    if one.tracking:
        body["trackingId"] = one.tracking[0]["bookingId"]
        body |= {"carrierCode": one.tracking[0]["carrierCode"]} if "carrierCode" in one.tracking[0] else {}
    if call.one("skuQuantities") == "SHOW":
        body["shipmentSkuQuantities"] = [
            {"sku": sku, "expectedQuantity": _units(pieces), "receivedQuantity": _units(received[sku])}
            for sku, pieces in expected.items()
        ]
    return Answer(body)


def _summary(one: Inbound, now: float) -> dict[str, Any]:
    return {
        "orderId": one.id,
        "shipmentId": one.shipment,
        "shipmentStatus": one.shipped(now)[0],
        "createdAt": moment(one.confirmed or one.created),
        "updatedAt": moment(one.changed(now)),
        **_reference(one),
    }


def _reference(one: Inbound) -> dict[str, str]:
    return {} if one.reference is None else {"externalReferenceId": one.reference}


def _units(pieces: int) -> dict[str, Any]:
    return {"quantity": pieces, "unitOfMeasurement": "PRODUCT_UNITS"}


def _shipment(call: Call) -> Inbound:
    one = center(call).shipment(call.path["shipmentId"])
    if one is None:
        raise missing(f"The inbound shipment {call.path['shipmentId']} was not found")
    return one


def update_inbound_shipment_transport_details(call: Call) -> Answer:
    """Say who carries a shipment, and so that it has left; it can be said anew until it has arrived."""
    one, details, now = _shipment(call), call.checked_body()["trackingDetails"], call.world.now()
    if one.shipped(now)[0] not in ("CREATED", "SHIPPED", "IN_TRANSIT"):
        raise bad(f"The inbound shipment is {one.shipped(now)[0]}.")
    if not details:
        raise bad("trackingDetails must not be empty.")
    one.tracking, one.updated = details, now
    one.sent = now if one.sent is None else one.sent
    return Answer(status=204)


def get_inbound_shipment_labels(call: Call) -> Answer:
    """Return where the labels of a shipment's packages are, once they are made."""
    one = _shipment(call)
    status = _made(call, one)
    if status != "GENERATED":
        return Answer({"labelStatus": status})
    count = sum(package["count"] for package in one.packages)
    to = tuple(address(one.region).values())[:4]
    printed = [Label(f"{one.shipment}-{place}", (*to, f"Package {place} of {count}")) for place in range(1, count + 1)]
    url = kept(call, labels.pdf(printed, labels.LETTER), life_s=LABELS_S)
    return Answer({"labelStatus": status, "labelDownloadURL": url})


def get_label_page_types(call: Call) -> Answer:
    """Say on which paper the labels of a shipment can be printed, once they are made."""
    status = _made(call, _shipment(call))
    return Answer({"labelStatus": status, **({"pageTypes": ["PLAIN_PAPER"]} if status == "GENERATED" else {})})


def _made(call: Call, one: Inbound) -> str:
    """Look at the labels of a shipment, which moves them on."""
    if one.shipped(call.world.now())[0] == "CANCELLED":
        return "GENERATION_FAILED"
    one.labels -= 1
    return "GENERATING" if one.labels >= 0 else "GENERATED"


# --- inventory --------------------------------------------------------------------------------------------------------


def list_inventory(call: Call) -> Answer:
    """List what lies there and what is on its way, by SKU."""
    own, now, sku = center(call), call.world.now(), call.one("sku")
    lots, arriving = own.lots(now), own.arriving(now)
    reserved, leaving = own.reserved(now), own.leaving(now)
    detailed = call.one("details") == "SHOW"

    def shown(one: str) -> dict[str, Any]:
        held = lots.get(one, Counter())
        body: dict[str, Any] = {"sku": one, "totalOnhandQuantity": held.total()}
        body["totalInboundQuantity"] = arriving[one]
        if detailed:
            body["inventoryDetails"] = {
                "availableDistributableQuantity": held.total() - reserved[one],
                "reservedDistributableQuantity": reserved[one],
                "replenishmentQuantity": leaving[one],
            }
            body["expirationDetails"] = [
                {"expiration": day, "onhandQuantity": pieces} for day, pieces in sorted(held.items()) if day and pieces
            ]
        return body

    known = sorted({*lots, *arriving}, reverse=call.one("sortOrder") == "DESCENDING")
    return Answer(page(call, "inventory", [one for one in known if sku in (None, one)], shown))


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    f"{API}.create_inbound": create_inbound,
    f"{API}.update_inbound": update_inbound,
    f"{API}.get_inbound": get_inbound,
    f"{API}.confirm_inbound": confirm_inbound,
    f"{API}.cancel_inbound": cancel_inbound,
    f"{API}.check_inbound_eligibility": check_inbound_eligibility,
    f"{API}.list_inbound_shipments": list_inbound_shipments,
    f"{API}.get_inbound_shipment": get_inbound_shipment,
    f"{API}.update_inbound_shipment_transport_details": update_inbound_shipment_transport_details,
    f"{API}.get_inbound_shipment_labels": get_inbound_shipment_labels,
    f"{API}.get_label_page_types": get_label_page_types,
    f"{API}.list_inventory": list_inventory,
}
