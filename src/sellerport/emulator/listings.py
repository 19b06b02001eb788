"""Listings Items 2021-08-01 and 2020-09-01, and Listings Restrictions: read, put, patched, deleted and searched.

What a submission does is in `submissions`. Messages of issues are in English whatever the ``issueLocale``.

Restrictions follow a rule of three: nobody may sell collectibles, nobody may sell another account's brand as new
without approval, and everything else is free.

Not known: what Amazon says to a marketplace that the account does not trade in (here the same as to another seller's
id), and whether it takes a page token with other arguments (here not).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sellerport.emulator import page_tokens, submissions
from sellerport.emulator.call import Answer, Call, moment, refused
from sellerport.emulator.issues import Issue, findings
from sellerport.emulator.product_types import CONDITIONS
from sellerport.emulator.shelf import PICTURE_PX, Attributes, Item, Listing, first, images, price
from sellerport.emulator.submissions import Verdict
from sellerport.errors import AmazonRefused
from sellerport.regions import MARKETPLACES, Marketplace

LONGEST_SKU = 40
PREVIEW = "VALIDATION_PREVIEW"
AUDIENCES = {"ALL": ("B2C", "Sell on Amazon"), "B2B": ("B2B", "Amazon Business")}

# --- 2021-08-01 -------------------------------------------------------------------------------------------------------


def get_listings_item(call: Call) -> Answer:
    """Return a listing as it is in the marketplaces that were asked for."""
    shops, sku = _admitted(call), call.path["sku"]
    included = _included(call)
    found = [one for shop in shops if (one := call.world.shelf.listing(call.seller, shop.id, sku))]
    if not found:
        names = ", ".join(shop.id for shop in shops)
        raise refused(f"SKU '{sku}' not found in marketplace {names}", status=404, code="NOT_FOUND")
    return Answer(shown(call, found, included))


def put_listings_item(call: Call) -> Answer:
    """Make a listing, or replace all that it says."""
    return _submitted(call, _put(call))


def patch_listings_item(call: Call) -> Answer:
    """Change attributes of a listing."""
    return _submitted(call, _patch(call))


def delete_listings_item(call: Call) -> Answer:
    """Delete a listing."""
    return _submitted(call, _delete(call))


def search_listings_items(call: Call) -> Answer:
    """List the account's listings, filtered and sorted, ten or twenty to a page."""
    shops, included = _admitted(call), _included(call)
    skus, pagination, total = page_tokens.window(
        call, lambda: _search(call, shops), size=call.size("pageSize", most=20, default=10)
    )
    held: dict[str, list[Listing]] = {sku: [] for sku in skus}
    for listing in call.world.shelf.listings(call.seller, [shop.id for shop in shops]):
        if listing.sku in held:
            held[listing.sku].append(listing)
    items = [shown(call, found, included) for found in held.values() if found]
    return Answer({"numberOfResults": total, **pagination, "items": items})


# --- 2020-09-01 -------------------------------------------------------------------------------------------------------


def put_listings_item_2020(call: Call) -> Answer:
    """Make a listing, or replace all that it says."""
    return _submitted_2020(call, _put(call))


def patch_listings_item_2020(call: Call) -> Answer:
    """Change attributes of a listing."""
    return _submitted_2020(call, _patch(call))


def delete_listings_item_2020(call: Call) -> Answer:
    """Delete a listing."""
    return _submitted_2020(call, _delete(call))


# --- restrictions -----------------------------------------------------------------------------------------------------


def get_listings_restrictions(call: Call) -> Answer:
    """Say what keeps the account from selling an item; its errors are a list, without the usual object around it."""
    asin, asked = call.one("asin") or "", call.one("conditionType")
    if len(asin) != 10 or not asin.isalnum():
        return Answer([{"code": "BAD_REQUEST", "message": "Invalid 'asin' provided."}], 400)
    if call.one("sellerId") != call.seller:
        return Answer([{"code": "BAD_REQUEST", "message": "Invalid 'sellerId' provided."}], 400)
    if asked is not None and asked not in CONDITIONS:
        return Answer([{"code": "BAD_REQUEST", "message": "Invalid 'conditionType' provided."}], 400)
    found = [
        {"marketplaceId": shop.id, "conditionType": condition, "reasons": [reason]}
        for shop in _shops(call)
        for condition in ([asked] if asked else CONDITIONS)
        if (reason := _reason(call, shop, asin, condition))
    ]
    return Answer({"restrictions": found})


def _reason(call: Call, shop: Marketplace, asin: str, condition: str) -> dict[str, Any] | None:
    item = call.world.shelf.items.get((shop.id, asin))
    if item is None:
        return {"message": "The ASIN is not in the catalog of this marketplace.", "reasonCode": "ASIN_NOT_FOUND"}
    if condition.startswith(("collectible", "club")):
        return {"message": "The product cannot be sold in this condition.", "reasonCode": "NOT_ELIGIBLE"}
    if item.maker.seller == call.seller or condition != "new_new":
        return None
    # the host is a segment of the path, so that whoever follows it stays on this machine
    place = f"{call.address}/{shop.seller_central}/hz/approvalrequest/restrictions/approve?asin={asin}"
    link = {"resource": place, "verb": "GET", "title": "Ask for approval", "type": "text/html"}
    message = "Approval is needed to sell this brand."
    return {"message": message, "reasonCode": "APPROVAL_REQUIRED", "links": [link]}


# --- what is shown ----------------------------------------------------------------------------------------------------


def shown(call: Call, found: Sequence[Listing], included: Iterable[str]) -> dict[str, Any]:
    """Return one SKU, as it is in one or several marketplaces, with the parts that are asked for."""
    return {"sku": found[0].sku, **{part: PARTS[part](call, found) for part in included}}


def _summaries(call: Call, found: Sequence[Listing]) -> list[dict[str, Any]]:
    return [_summary(call, one, item) for one in found if (item := call.world.shelf.item(one))]


def _summary(call: Call, listing: Listing, item: Item) -> dict[str, Any]:
    shelf = call.world.shelf
    status = {"BUYABLE": shelf.buyable(listing), "DISCOVERABLE": shelf.discoverable(listing)}
    made: dict[str, Any] = {
        "marketplaceId": listing.marketplace.id,
        "asin": item.asin,
        "productType": listing.product_type,
        "conditionType": listing.condition,
        "status": [name for name, holds in status.items() if holds],
        "itemName": shelf.title(listing),
        "createdDate": moment(listing.created),
        "lastUpdatedDate": moment(listing.updated),
    }
    if listing.vendor:
        del made["conditionType"]
    if listing.fnsku:
        made["fnSku"] = listing.fnsku
    for kind, where in images(item.facts):
        if kind == "MAIN":
            made["mainImage"] = {"link": where, "height": PICTURE_PX, "width": PICTURE_PX}
    return made


def _attributes(call: Call, found: Sequence[Listing]) -> Attributes:
    made: Attributes = {}
    for listing in found:
        for name, values in listing.attributes.items():
            made.setdefault(name, []).extend(value for value in values if value not in made.get(name, ()))
    return made


def _issues(call: Call, found: Sequence[Listing]) -> list[Issue]:
    made: list[Issue] = []
    for listing in found:
        for issue in findings(call.world.shelf, listing):
            same = next((one for one in made if {**one, "marketplaceIds": []} == {**issue, "marketplaceIds": []}), None)
            if same is None:
                made.append({**issue, "marketplaceIds": [listing.marketplace.id]})
            else:
                same["marketplaceIds"].append(listing.marketplace.id)
    return made


def _offers(call: Call, found: Sequence[Listing]) -> list[dict[str, Any]]:
    return [
        {
            "marketplaceId": listing.marketplace.id,
            "offerType": kind,
            "price": {"currencyCode": listing.marketplace.currency, "amount": str(asked)},
            "audience": {"value": audience, "displayName": name},
        }
        for listing in found
        for audience, (kind, name) in AUDIENCES.items()
        if (asked := price(listing.attributes, audience=audience)) is not None
    ]


def _availability(call: Call, found: Sequence[Listing]) -> list[dict[str, Any]]:
    """Return each channel once: the first marketplace that was asked for says how many there are."""
    made: dict[str, dict[str, Any]] = {}
    for listing in found:
        for one in listing.attributes.get("fulfillment_availability", ()):
            channel = one["fulfillment_channel_code"]
            quantity = {"quantity": one["quantity"]} if one.get("quantity") is not None and channel == "DEFAULT" else {}
            made.setdefault(channel, {"fulfillmentChannelCode": channel, **quantity})
    return list(made.values())


def _procurement(call: Call, found: Sequence[Listing]) -> list[dict[str, Any]]:
    costs = [cost for listing in found for cost in listing.attributes.get("cost_price", ())]
    return [{"costPrice": {"currencyCode": cost["currency"], "amount": str(cost["value"])}} for cost in costs]


def _relationships(call: Call, found: Sequence[Listing]) -> list[dict[str, Any]]:
    made = []
    for listing in found:
        theme = first(listing.attributes, "variation_theme").get("name", "")
        related: dict[str, Any] = {
            "type": "VARIATION",
            "variationTheme": {"theme": theme, "attributes": [part.lower() for part in theme.split("/") if part]},
        }
        if listing.is_parent:
            related["childSkus"] = [one.sku for one in _children(call, listing.marketplace, listing.sku)]
        elif parent := _parent(listing):
            related["parentSkus"] = [parent]
        else:
            continue
        made.append({"marketplaceId": listing.marketplace.id, "relationships": [related]})
    return made


def _parent(listing: Listing) -> str | None:
    related = listing.attributes.get("child_parent_sku_relationship", ())
    return next((one["parent_sku"] for one in related), None)


def _children(call: Call, shop: Marketplace, sku: str) -> list[Listing]:
    return [one for one in call.world.shelf.listings(call.seller, [shop.id]) if _parent(one) == sku]


def _product_types(call: Call, found: Sequence[Listing]) -> list[dict[str, str]]:
    return [{"marketplaceId": one.marketplace.id, "productType": one.product_type} for one in found]


PARTS: Mapping[str, Callable[[Call, Sequence[Listing]], Any]] = {
    "summaries": _summaries,
    "attributes": _attributes,
    "issues": _issues,
    "offers": _offers,
    "fulfillmentAvailability": _availability,
    "procurement": _procurement,
    "relationships": _relationships,
    "productTypes": _product_types,
}


# --- searching --------------------------------------------------------------------------------------------------------


def _search(call: Call, shops: Sequence[Marketplace]) -> list[str]:
    """Return the SKUs that fit in any of the marketplaces, sorted."""
    kept = [_identified(call), _related(call), *_dated(call), *_judged(call)]
    found: dict[str, Listing] = {}
    for listing in call.world.shelf.listings(call.seller, [shop.id for shop in shops]):
        if all(keep(listing) for keep in kept):
            found.setdefault(listing.sku, listing)
    orders: dict[str, Callable[[Listing], tuple[Any, ...]]] = {
        "sku": lambda one: (one.sku,),
        "createdDate": lambda one: (one.created, one.sku),
        "lastUpdatedDate": lambda one: (one.updated, one.sku),
    }
    order = orders[_choice(call, "sortBy", orders, "lastUpdatedDate")]
    newest_first = _choice(call, "sortOrder", ("ASC", "DESC"), "DESC") == "DESC"
    return [one.sku for one in sorted(found.values(), key=order, reverse=newest_first)]


def _identified(call: Call) -> Callable[[Listing], bool]:
    given, kind = call.many("identifiers"), call.one("identifiersType")
    if bool(given) != (kind is not None):
        raise refused("'identifiers' and 'identifiersType' must be provided together.")
    if not given:
        return lambda _: True
    kind = _choice(call, "identifiersType", _IDENTIFIERS, "")
    if len(given) > 20:
        raise refused("Invalid 'identifiers' provided.")
    own = {"SKU": lambda one: one.sku, "ASIN": lambda one: one.asin, "FNSKU": lambda one: one.fnsku}.get(kind)
    if own is not None:
        return lambda listing: own(listing) in given

    def has_code(listing: Listing) -> bool:
        item = call.world.shelf.item(listing)
        return item is not None and any(item.has_code(code) for code in given)

    return has_code


_IDENTIFIERS = ("ASIN", "EAN", "FNSKU", "GTIN", "ISBN", "JAN", "MINSAN", "SKU", "UPC")


def _related(call: Call) -> Callable[[Listing], bool]:
    parent, package = call.one("variationParentSku"), call.one("packageHierarchySku")
    if sum(map(bool, (parent, package, call.many("identifiers")))) > 1:
        raise refused("Only one of 'identifiers', 'variationParentSku' and 'packageHierarchySku' can be provided.")
    if package:
        return lambda _: False  # no seeded listing is a package of others
    return lambda listing: parent is None or _parent(listing) == parent


def _dated(call: Call) -> list[Callable[[Listing], bool]]:
    def within(name: str, of: Callable[[Listing], float]) -> Callable[[Listing], bool]:
        after, before = call.time(f"{name}After"), call.time(f"{name}Before")
        return lambda one: (after is None or of(one) >= after) and (before is None or of(one) <= before)

    return [within("created", lambda one: int(one.created)), within("lastUpdated", lambda one: int(one.updated))]


def _judged(call: Call) -> list[Callable[[Listing], bool]]:
    shelf = call.world.shelf
    severities = _choices(call, "withIssueSeverity", ("WARNING", "ERROR"))
    states = {"BUYABLE": shelf.buyable, "DISCOVERABLE": shelf.discoverable}
    wanted, unwanted = _choices(call, "withStatus", states), _choices(call, "withoutStatus", states)

    def severe(listing: Listing) -> bool:
        return any(issue["severity"] in severities for issue in findings(shelf, listing))

    return [
        lambda one: not severities or severe(one),
        lambda one: all(states[name](one) for name in wanted),
        lambda one: not any(states[name](one) for name in unwanted),
    ]


# --- submissions ------------------------------------------------------------------------------------------------------


def _body(call: Call) -> dict[str, Any]:
    try:
        return call.checked_body()
    except AmazonRefused:
        raise refused("Request has missing or invalid parameters and cannot be parsed.") from None


def _put(call: Call) -> Verdict:
    shops, body = _admitted(call), _body(call)
    if len(shops) != 1:
        raise refused("Invalid 'marketplaceIds' provided.")
    requirements = body.get("requirements", "LISTING")
    return submissions.put(
        call,
        call.path["sku"],
        shops[0],
        body["productType"],
        body["attributes"],
        requirements=requirements,
        preview=_previewed(call),
    )


def _patch(call: Call) -> Verdict:
    shops, body = _admitted(call), _body(call)
    for place, one in enumerate(body["patches"]):
        if "value" not in one:
            raise refused(f"Value is missing for patch at index of {place}.")
    preview, sku, kind = _previewed(call), call.path["sku"], body["productType"]

    def done(*, preview: bool) -> Verdict:
        verdicts = [submissions.patch(call, sku, shop, kind, body["patches"], preview=preview) for shop in shops]
        issues = [issue for verdict in verdicts for issue in verdict.issues]
        unique = [issue for place, issue in enumerate(issues) if issue not in issues[:place]]
        return Verdict(unique, verdicts[0].asin)

    # what is wrong in one marketplace must not be done in another
    tried = done(preview=True) if preview or len(shops) > 1 else Verdict()
    return tried if preview or tried.issues else done(preview=False)


def _delete(call: Call) -> Verdict:
    verdicts = [submissions.delete(call, call.path["sku"], shop) for shop in _admitted(call)]
    return verdicts[0]


def _previewed(call: Call) -> bool:
    """Whether nothing is to be done; then alone are there identifiers, at Amazon too."""
    preview = _choice(call, "mode", (PREVIEW,), "") == PREVIEW
    if "identifiers" in _choices(call, "includedData", ("identifiers", "issues")) and not preview:
        raise refused("Invalid 'includedData' provided.")
    return preview


def _submitted(call: Call, verdict: Verdict) -> Answer:
    preview = _previewed(call)
    included = call.many("includedData") or ["issues"]
    done = "VALID" if preview else "ACCEPTED"
    body: dict[str, Any] = {
        "sku": call.path["sku"],
        "status": done if verdict.accepted else "INVALID",
        "submissionId": call.world.uuid().replace("-", ""),
        "issues": verdict.issues if "issues" in included else [],
    }
    if "identifiers" in included:
        shop = _admitted(call)[0].id
        body["identifiers"] = [{"marketplaceId": shop, "asin": verdict.asin}] if verdict.asin else []
    return Answer(body)


def _submitted_2020(call: Call, verdict: Verdict) -> Answer:
    issues = [
        {
            **{name: issue[name] for name in ("code", "message", "severity")},
            **({"attributeName": issue["attributeNames"][0]} if issue["attributeNames"] else {}),
        }
        for issue in verdict.issues
    ]
    status = "ACCEPTED" if verdict.accepted else "INVALID"
    submission = call.world.uuid().replace("-", "")
    return Answer({"sku": call.path["sku"], "status": status, "submissionId": submission, "issues": issues})


def _admitted(call: Call) -> list[Marketplace]:
    """Return the marketplaces of a call for the caller's own listings."""
    shops = _shops(call)
    trades = call.account.marketplaces if call.account else ()
    if call.path["sellerId"] != call.seller or any(shop not in trades for shop in shops):
        raise refused("Invalid 'sellerId' and 'marketplaceId' combination provided.")
    if len(call.path.get("sku", "")) > LONGEST_SKU:
        raise refused("Invalid 'sku' provided.")
    return shops


def _shops(call: Call) -> list[Marketplace]:
    ids = dict.fromkeys(call.many("marketplaceIds"))
    return [shop for id in ids for shop in MARKETPLACES if shop.id == id]


def _included(call: Call) -> list[str]:
    return _choices(call, "includedData", PARTS) or ["summaries"]


def _choices(call: Call, name: str, known: Iterable[str]) -> list[str]:
    given = list(dict.fromkeys(call.many(name)))
    if any(one not in known for one in given):
        raise refused(f"Invalid '{name}' provided.")
    return given


def _choice(call: Call, name: str, known: Iterable[str], default: str) -> str:
    given = call.one(name)
    if given is not None and given not in known:
        raise refused(f"Invalid '{name}' provided.")
    return default if given is None else given


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    "listings_items_2021_08_01.get_listings_item": get_listings_item,
    "listings_items_2021_08_01.put_listings_item": put_listings_item,
    "listings_items_2021_08_01.patch_listings_item": patch_listings_item,
    "listings_items_2021_08_01.delete_listings_item": delete_listings_item,
    "listings_items_2021_08_01.search_listings_items": search_listings_items,
    "listings_items_2020_09_01.put_listings_item": put_listings_item_2020,
    "listings_items_2020_09_01.patch_listings_item": patch_listings_item_2020,
    "listings_items_2020_09_01.delete_listings_item": delete_listings_item_2020,
    "listings_restrictions_2021_08_01.get_listings_restrictions": get_listings_restrictions,
}
