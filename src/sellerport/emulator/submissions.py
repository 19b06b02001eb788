"""What becomes of a listing that is put, patched or deleted, by the Listings Items API or by a feed.

* What is submitted is checked against the schema of its product type. An error leaves everything as it was (INVALID);
  otherwise it is ACCEPTED, and read back at once - Amazon may take minutes.
* A put replaces all attributes. A patch touches whole attributes: ``add`` and ``replace`` set one, ``delete`` takes
  away the values that its selectors name, ``merge`` changes parts of the values that its selectors name, and a null
  takes such a part away.
* A value belongs to the marketplace that it names, or to the one of the request.
* A code of goods that the catalogue knows, or a suggested ASIN, makes an offer of what is there; a new code makes a new
  item. Of an item that others made, only the offer can be changed.
* A patch of a SKU that does not exist is ACCEPTED too, as at Amazon: the listing then lacks all that it does not say.

Some things are found out later, and are read from the listing: `findings`.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import jsonschema_rs

from sellerport.emulator import product_types
from sellerport.emulator.assortment import GENERIC, PRODUCT_TYPES, ProductType
from sellerport.emulator.call import Call
from sellerport.emulator.grants import written
from sellerport.emulator.product_types import ATTRIBUTES, RECOMMENDED, Requirements
from sellerport.emulator.shelf import Attributes, Listing, Shelf, text, validator
from sellerport.emulator.shop import LANGUAGES, asin
from sellerport.regions import Marketplace

Issue = dict[str, Any]

PREFIX = "/attributes/"


@dataclass(frozen=True)
class Verdict:
    """What Amazon says to a submission."""

    issues: list[Issue] = field(default_factory=list)
    asin: str | None = None
    """What it is an offer of, if that is known."""

    @property
    def accepted(self) -> bool:
        """Whether it was taken; warnings do not stand in the way."""
        return not any(issue["severity"] == "ERROR" for issue in self.issues)


def put(
    call: Call,
    sku: str,
    shop: Marketplace,
    product_type: str,
    attributes: Mapping[str, Any],
    *,
    requirements: Requirements = "LISTING",
    preview: bool = False,
) -> Verdict:
    """Make a listing, or give it all other attributes."""
    given = {name: _here(name, values, shop) for name, values in attributes.items()}
    given = {name: values for name, values in given.items() if values or not attributes[name]}
    issues = _violations(call, product_type, shop, given, requirements=_needed(call, requirements))
    known = call.world.shelf.listing(call.seller, shop.id, sku)
    found = None if issues else _identify(call, known, sku, shop, given)
    if not issues and found is None:
        issues.append(_wrong("merchant_suggested_asin"))
    if issues or preview:
        return Verdict(issues, found)
    _keep(call, known, sku, shop, product_type, given, found)
    return Verdict([], found)


def patch(
    call: Call,
    sku: str,
    shop: Marketplace,
    product_type: str,
    patches: Sequence[Mapping[str, Any]],
    *,
    preview: bool = False,
) -> Verdict:
    """Change some attributes of a listing."""
    known = call.world.shelf.listing(call.seller, shop.id, sku)
    kind = known.product_type if known else product_type
    before = known.attributes if known else {}
    after = dict(before)
    issues = [issue for one in patches for issue in _apply(after, one, shop)]
    touched = {name: after[name] for name in after if after[name] is not before.get(name)}
    issues += _violations(call, kind, shop, touched, enforced=False)
    required = product_types.schema_of(call, kind, shop, requirements=_needed(call, "LISTING")).get("required", ())
    issues += [_missing(name) for name in required if name in before and name not in after]
    found = known.asin if known else None
    if not issues and found is None and _complete(call, kind, shop, after):
        found = _identify(call, known, sku, shop, after)
    if not issues and not preview:
        _keep(call, known, sku, shop, kind, after, found)
    return Verdict(issues, found)


def delete(call: Call, sku: str, shop: Marketplace) -> Verdict:
    """Delete a listing; that there is none is no error."""
    known = call.world.shelf.listing(call.seller, shop.id, sku)
    if known is not None:
        call.world.shelf.delist(known)
        call.world.notify(call.seller, "LISTINGS_ITEM_STATUS_CHANGE", _told(known, Status=["DELETED"]))
    return Verdict([], known.asin if known else None)


def findings(shelf: Shelf, listing: Listing) -> list[Issue]:
    """Return what is wrong with a listing that was accepted."""
    found = []
    if listing.asin is None:
        message = "The SKU is not in the catalog, or what it says is not enough to put it there."
        found.append(_issue("13013", message, action="LISTING_SUPPRESSED"))
    elif "item_name" in listing.attributes:
        if not shelf.discoverable(listing):
            message, names = "The main image is missing or not valid.", ["main_product_image_locator"]
            found.append(_issue("18320", message, names, "INVALID_IMAGE", action="SEARCH_SUPPRESSED"))
        lacking = [name for name in RECOMMENDED if name not in listing.attributes]
        if lacking and not listing.is_parent and listing.product_type != GENERIC:
            message = f"Relevant attributes are missing: {', '.join(lacking)}"
            found.append(_issue("18448", message, lacking, "MISSING_ATTRIBUTE", severity="WARNING"))
    if listing.too_cheap:
        message = "The price is below the minimum price."
        found.append(_issue("18155", message, ["purchasable_offer"], "INVALID_PRICE", action="LISTING_SUPPRESSED"))
    return found


# --- what is kept -----------------------------------------------------------------------------------------------------


def _keep(
    call: Call,
    known: Listing | None,
    sku: str,
    shop: Marketplace,
    product_type: str,
    attributes: Attributes,
    found: str | None,
) -> None:
    now = call.world.now()
    vendor = call.account is not None and call.account.kind == "vendor"
    before = _state(call.world.shelf, known) if known else (None, (["NONE"], []))
    listing = known or Listing(call.seller, shop, sku, found, product_type, now, now, vendor)
    listing.asin, listing.product_type, listing.attributes, listing.updated = found, product_type, attributes, now
    call.world.shelf.add(listing)
    call.world.shelf.tell(listing)
    after = _state(call.world.shelf, listing)
    if after[0] != before[0]:
        more = {"CreatedDate": written(listing.created), "Status": after[0]}
        call.world.notify(call.seller, "LISTINGS_ITEM_STATUS_CHANGE", _told(listing, **more))
    if after[1] != before[1]:
        severities, actions = after[1]
        more = {"Severities": severities, "EnforcementActions": actions}
        call.world.notify(call.seller, "LISTINGS_ITEM_ISSUES_CHANGE", _told(listing, **more))


def _state(shelf: Shelf, listing: Listing) -> tuple[list[str], tuple[list[str], list[str]]]:
    """Return what notifications say of a listing: its statuses, how bad its issues are, and what they led to."""
    states = {"BUYABLE": shelf.buyable(listing), "DISCOVERABLE": shelf.discoverable(listing)}
    issues = findings(shelf, listing)
    severities = sorted({issue["severity"] for issue in issues}) or ["NONE"]
    actions = {one["action"] for issue in issues for one in issue.get("enforcements", {}).get("actions", ())}
    return [name for name, on in states.items() if on], (severities, sorted(actions))


def _told(listing: Listing, **more: Any) -> dict[str, Any]:
    asin = {"Asin": listing.asin} if listing.asin else {}
    return {"SellerId": listing.seller, "MarketplaceId": listing.marketplace.id, **asin, "Sku": listing.sku, **more}


def _identify(call: Call, known: Listing | None, sku: str, shop: Marketplace, given: Attributes) -> str | None:
    """Return the ASIN that attributes are for; none if they suggest one that does not exist."""
    shelf = call.world.shelf
    if known is not None and known.asin is not None:
        return known.asin
    suggested: str | None = text(given, "merchant_suggested_asin")
    if suggested is not None:
        return suggested if (shop.id, suggested) in shelf.items else None
    codes = [one["value"] for one in given.get("externally_assigned_product_identifier", ())]
    like = [item for code in codes for item in shelf.coded(code)]
    if like:
        return min(like, key=lambda item: item.marketplace is not shop).asin
    trades = call.account.marketplaces if call.account else ()
    elsewhere = (one.asin for shop in trades if (one := shelf.listing(call.seller, shop.id, sku)))
    chance = random.Random(f"{call.world.seed} {call.seller} {sku}")  # noqa: S311
    return next(filter(None, elsewhere), None) or asin(chance)


def _here(name: str, values: Any, shop: Marketplace) -> Any:
    """Return the values of an attribute that are for a marketplace, with what they may leave out."""
    if not isinstance(values, list) or not all(isinstance(one, dict) for one in values):
        return values
    selectors = ATTRIBUTES[name].selectors if name in ATTRIBUTES else ()
    defaults = {"marketplace_id": shop.id, "language_tag": LANGUAGES[shop.country]}
    left_out = {selector: defaults[selector] for selector in selectors if selector in defaults}
    return [{**one, **left_out, **one} for one in values if one.get("marketplace_id", shop.id) == shop.id]


def _apply(attributes: Attributes, patch: Mapping[str, Any], shop: Marketplace) -> list[Issue]:
    """Apply one operation; return what is wrong with it."""
    path, op = patch["path"], patch["op"]
    name = path.removeprefix(PREFIX)
    if not path.startswith(PREFIX) or "/" in name or not name:
        return [_unknown([path])]
    values = _here(name, patch.get("value"), shop)
    if not patch.get("value"):
        return [_too_few("value", name)]
    if not values:
        return []  # all of it is for other marketplaces
    if op in ("add", "replace"):
        attributes[name] = values
        return []
    selectors = ATTRIBUTES[name].selectors if name in ATTRIBUTES else ("marketplace_id",)
    held = attributes.get(name, [])
    if op == "delete":
        kept = [one for one in held if not any(_selected(one, value, selectors) for value in values)]
        attributes[name] = kept
        if not kept:
            del attributes[name]
        return []
    for value in values:
        lacking = [selector for selector in selectors if selector not in DEFAULTED and not value.get(selector)]
        if lacking:
            return [_too_few(lacking[0], name)]
    attributes[name] = _merged(held, values, selectors)
    return []


DEFAULTED = {"marketplace_id": None, "language_tag": None, "audience": "ALL", "currency": None}
"""Selectors that a value may leave out: what each then is; None is whatever the other value has."""


def _selected(held: Mapping[str, Any], value: Mapping[str, Any], selectors: Iterable[str]) -> bool:
    """Whether a value of an attribute is the one that another value's selectors name."""
    for selector in selectors:
        default = DEFAULTED.get(selector)
        one, other = held.get(selector, default), value.get(selector, default)
        if one is not None and other is not None and one != other:
            return False
    return True


def _merged(
    held: Sequence[dict[str, Any]], values: Sequence[dict[str, Any]], selectors: Sequence[str]
) -> list[dict[str, Any]]:
    made = [dict(one) for one in held]
    for value in values:
        target = next((one for one in made if _selected(one, value, selectors)), None)
        if target is None:
            made.append(target := {})
        for part, changed in value.items():
            if changed is None:
                target.pop(part, None)
            else:
                target[part] = changed
    return made


# --- what is wrong ----------------------------------------------------------------------------------------------------


def _needed(call: Call, requirements: Requirements) -> Requirements:
    """Vendors sell to Amazon, and offer nothing themselves."""
    vendor = call.account is not None and call.account.kind == "vendor"
    return "LISTING_PRODUCT_ONLY" if vendor and requirements == "LISTING" else requirements


def _complete(call: Call, product_type: str, shop: Marketplace, attributes: Attributes) -> bool:
    kinds: tuple[Requirements, ...] = (_needed(call, "LISTING"), "LISTING_OFFER_ONLY")
    return any(not _violations(call, product_type, shop, attributes, requirements=kind) for kind in kinds)


def _violations(
    call: Call,
    product_type: str,
    shop: Marketplace,
    attributes: Mapping[str, Any],
    *,
    requirements: Requirements = "LISTING",
    enforced: bool = True,
) -> list[Issue]:
    if product_type in call.world.shelf.schemas:
        # what is known of attributes here holds for types from outside too, or they could not be read
        checks = [_validator(PRODUCT_TYPES[GENERIC], shop, requirements, enforced=False)]
        checks += [validator(product_types.schema_of(call, product_type, shop, enforced=enforced))]
    else:
        kind = PRODUCT_TYPES.get(product_type, PRODUCT_TYPES[GENERIC])
        checks = [_validator(kind, shop, requirements, enforced=enforced)]
    found: list[Issue] = []
    for error in (error for each in checks for error in each.iter_errors(attributes)):
        found += [issue for issue in _said(error) if issue not in found]
    return sorted(found, key=lambda issue: (issue["code"], issue["attributeNames"]))


@lru_cache(maxsize=256)
def _validator(
    kind: ProductType, shop: Marketplace, requirements: Requirements, *, enforced: bool
) -> jsonschema_rs.Draft201909Validator:
    return validator(product_types.schema(kind, shop, requirements=requirements, enforced=enforced))


def _said(error: jsonschema_rs.ValidationError) -> list[Issue]:
    """Return Amazon's issues for what a schema finds wrong."""
    path, kind = [str(step) for step in error.instance_path if not isinstance(step, int)], error.kind.name
    if not path:
        if kind == "required":
            return [_missing(error.kind.as_dict()["property"])]
        if kind == "additionalProperties":
            return [_unknown(sorted(error.kind.as_dict()["unexpected"]))]
        return [_missing("externally_assigned_product_identifier")]
    if kind == "required":
        return [_too_few(error.kind.as_dict()["property"], path[0])]
    if kind == "minItems":
        return [_too_few(path[-1] if len(path) > 1 else "value", path[0])]
    return [_wrong(path[0])]


def _issue(
    code: str,
    message: str,
    names: Sequence[str] = (),
    category: str = "",
    *,
    severity: str = "ERROR",
    action: str | None = None,
) -> Issue:
    made: Issue = {"code": code, "message": message, "severity": severity, "attributeNames": list(names)}
    made["categories"] = [category] if category else []
    if action:
        made["enforcements"] = {"actions": [{"action": action}], "exemption": {"status": "NOT_EXEMPT"}}
    return made


def _missing(name: str) -> Issue:
    return _issue("90220", f"'{name}' is required but not supplied.", [name], "MISSING_ATTRIBUTE")


def _unknown(names: Sequence[str]) -> Issue:
    return _issue("90000900", "The attributes are invalid.", names, "INVALID_ATTRIBUTE")


def _wrong(name: str) -> Issue:
    return _issue("4000001", f"The provided value for '{name}' is invalid.", [name], "INVALID_ATTRIBUTE")


def _too_few(part: str, name: str) -> Issue:
    message = (
        f"The field '{part}' for the attribute '{name}' does not have enough values. "
        "The required minimum is '1' value(s)."
    )
    return _issue("99022", message, [name], "INVALID_ATTRIBUTE")
