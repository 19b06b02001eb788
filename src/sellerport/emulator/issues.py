"""What Amazon finds wrong with listings: the form of it, and what is found out after a listing was accepted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sellerport.emulator.assortment import GENERIC
from sellerport.emulator.shelf import Listing, Shelf

Issue = dict[str, Any]

RECOMMENDED = ("item_dimensions", "item_weight")
"""What a listing should have, though it need not."""


def findings(shelf: Shelf, listing: Listing) -> list[Issue]:
    """Return what is wrong with a listing that was accepted."""
    found = []
    if listing.asin is None:
        message = "The SKU is not in the catalog, or what it says is not enough to put it there."
        found.append(issue("13013", message, action="LISTING_SUPPRESSED"))
    elif "item_name" in listing.attributes:
        if not shelf.discoverable(listing):
            message, names = "The main image is missing or not valid.", ["main_product_image_locator"]
            found.append(issue("18320", message, names, "INVALID_IMAGE", action="SEARCH_SUPPRESSED"))
        lacking = [name for name in RECOMMENDED if name not in listing.attributes]
        if lacking and not listing.is_parent and listing.product_type != GENERIC:
            message = f"Relevant attributes are missing: {', '.join(lacking)}"
            found.append(issue("18448", message, lacking, "MISSING_ATTRIBUTE", severity="WARNING"))
    if listing.too_cheap:
        message = "The price is below the minimum price."
        found.append(issue("18155", message, ["purchasable_offer"], "INVALID_PRICE", action="LISTING_SUPPRESSED"))
    return found


def issue(
    code: str,
    message: str,
    names: Sequence[str] = (),
    category: str = "",
    *,
    severity: str = "ERROR",
    action: str | None = None,
) -> Issue:
    """Return one issue; an action is what was done because of it."""
    made: Issue = {"code": code, "message": message, "severity": severity, "attributeNames": list(names)}
    made["categories"] = [category] if category else []
    if action:
        made["enforcements"] = {"actions": [{"action": action}], "exemption": {"status": "NOT_EXEMPT"}}
    return made
