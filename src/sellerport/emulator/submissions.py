"""What becomes of a listing that is put, patched or deleted, by the Listings Items API or by a feed.

* What is submitted is checked against the schema of its product type. An error leaves everything as it was (INVALID);
  otherwise it is ACCEPTED, and read back at once - Amazon may take minutes.
* A put replaces all attributes. A patch touches whole values of attributes, those that its selectors name: ``add`` and
  ``replace`` put others in their place and leave the rest (another fulfilment channel is one more, says
  github.com/amzn/selling-partner-api-docs/issues/1714), ``delete`` takes them away, ``merge`` changes parts of them,
  and a null takes such a part away. Amazon documents a merge for a few parts of two attributes; here it is for all.
* A path may leave ``/attributes`` out; it leads to an attribute, and never into one.
* A value belongs to the marketplace that it names, or to the one of the request.
* A code of goods that the catalogue knows, or a suggested ASIN, makes an offer of what is there; a new code makes a new
  item, if it is said what that is. Of an item that others made, only the offer can be changed, and a SKU stays an offer
  of the item that it is of: another suggested ASIN is refused, another code is not looked at. Amazon's own code for the
  refusal is not known.
* A patch of a SKU that does not exist is ACCEPTED too, as at Amazon: the listing then lacks all that it does not say.
  So is an offer of something that is in no catalogue.

Some things are found out later, and are read from the listing (see `issues`).
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import jsonschema_rs

from sellerport.emulator import changes, product_types
from sellerport.emulator.assortment import GENERIC, PRODUCT_TYPES, ProductType
from sellerport.emulator.call import Call
from sellerport.emulator.issues import Issue, issue
from sellerport.emulator.product_types import ATTRIBUTES, Requirements
from sellerport.emulator.shelf import Attributes, Listing, text, validator
from sellerport.emulator.shop import LANGUAGES, asin
from sellerport.regions import Marketplace

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
    if not issues and text(given, "merchant_suggested_asin") not in (None, found):
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
    if found and text(after, "merchant_suggested_asin") not in (None, found):
        issues.append(_wrong("merchant_suggested_asin"))
    if not issues and found is None and _complete(call, kind, shop, after):
        found = _identify(call, known, sku, shop, after)
    if not issues and not preview:
        _keep(call, known, sku, shop, kind, after, found)
    return Verdict(issues, found)


def delete(call: Call, sku: str, shop: Marketplace) -> Verdict:
    """Delete a listing; that there is none is no error."""
    known = call.world.shelf.listing(call.seller, shop.id, sku)
    if known is not None:
        with changes.told(call.world, call.seller, shop, [sku]):
            call.world.shelf.delist(known)
    return Verdict([], known.asin if known else None)


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
    with changes.told(call.world, call.seller, shop, [sku]):
        # a listing of its own, since the item may go on saying what the old one said
        listing = (
            replace(known, asin=found, product_type=product_type, updated=now)
            if known
            else Listing(call.seller, shop, sku, found, product_type, now, now, vendor)
        )
        listing.attributes = attributes
        call.world.shelf.add(listing)
        call.world.shelf.tell(listing)


def _identify(call: Call, known: Listing | None, sku: str, shop: Marketplace, given: Attributes) -> str | None:
    """Return the ASIN that attributes are for; none if they suggest one, or offer something, that does not exist."""
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
    others = (one.asin for each in trades if (one := shelf.listing(call.seller, each.id, sku)))
    elsewhere = next(filter(None, others), None)
    if "item_name" not in given:
        return elsewhere if (shop.id, elsewhere) in shelf.items else None
    chance = random.Random(f"{call.world.seed} {call.seller} {sku}")  # noqa: S311
    return elsewhere or asin(chance)


def _here(name: str, values: Any, shop: Marketplace) -> Any:
    """Return the values of an attribute that are for a marketplace, with what they may leave out."""
    if not isinstance(values, list) or not all(isinstance(one, dict) for one in values):
        return values
    left_out = {"marketplace_id": shop.id} if name in ATTRIBUTES else {}
    if name in ATTRIBUTES and "language_tag" in ATTRIBUTES[name].selectors:
        left_out["language_tag"] = LANGUAGES[shop.country]
    return [{**one, **left_out, **one} for one in values if one.get("marketplace_id", shop.id) == shop.id]


def _apply(attributes: Attributes, patch: Mapping[str, Any], shop: Marketplace) -> list[Issue]:
    """Apply one operation; return what is wrong with it."""
    path, op = patch["path"], patch["op"]
    name = path.removeprefix(PREFIX).removeprefix("/")
    if not path.startswith("/") or "/" in name or name in ("", "attributes"):
        return [_unknown([path])]
    values = _here(name, patch.get("value"), shop)
    if not patch.get("value"):
        return [_too_few("value", name)]
    if not values:
        return []  # all of it is for other marketplaces
    selectors = ATTRIBUTES[name].selectors if name in ATTRIBUTES else ("marketplace_id",)
    held = attributes.get(name, [])
    kept = [one for one in held if not any(_selected(one, value, selectors) for value in values)]
    if op in ("add", "replace"):
        attributes[name] = [*kept, *values]
        return []
    if op == "delete":
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


def _missing(name: str) -> Issue:
    return issue("90220", f"'{name}' is required but not supplied.", [name], "MISSING_ATTRIBUTE")


def _unknown(names: Sequence[str]) -> Issue:
    return issue("90000900", "The attributes are invalid.", names, "INVALID_ATTRIBUTE")


def _wrong(name: str) -> Issue:
    return issue("4000001", f"The provided value for '{name}' is invalid.", [name], "INVALID_ATTRIBUTE")


def _too_few(part: str, name: str) -> Issue:
    message = (
        f"The field '{part}' for the attribute '{name}' does not have enough values. "
        "The required minimum is '1' value(s)."
    )
    return issue("99022", message, [name], "INVALID_ATTRIBUTE")
