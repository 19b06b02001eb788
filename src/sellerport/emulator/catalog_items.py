"""Catalog Items 2022-04-01 and 2020-12-01, and the categories of v0: what is on the shelf of a marketplace, for all.

Keywords find what has all of their words, in any order, in its title, brand, product type or attributes; the best
selling come first. What Amazon's search finds beyond that is not known.

Titles and attributes are in the language that their maker gave, whatever the ``locale``; what Amazon says to one that
it does not have is not known (here nothing).

An account sees nothing of what other accounts call an item: a SKU is looked for among its own. Vendor details are for
vendors; what Amazon says to a seller that asks for them is not known (here there are none).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sellerport.emulator import page_tokens
from sellerport.emulator.call import Answer, Call, invalid, refused
from sellerport.emulator.shelf import PICTURE_PX, Item, first, images, text

MOST = 20
"""How many identifiers, or keywords."""

# --- 2022-04-01 -------------------------------------------------------------------------------------------------------


def get_catalog_item(call: Call) -> Answer:
    """Return an item as it is in each of the marketplaces that were asked for."""
    return Answer(_shown(call, _asked(call), _included(call, _PARTS), _PARTS))


def search_catalog_items(call: Call) -> Answer:
    """List the items of a marketplace that have these identifiers, or these words."""
    identifiers, keywords = call.many("identifiers"), call.many("keywords")
    if identifiers and keywords:
        raise refused("Invalid combination of 'identifiers' and 'keywords' provided.")
    if not identifiers and not keywords:
        raise refused("Missing required 'identifiers' or 'keywords'.")
    search = _by_identifier(call, identifiers) if identifiers else _by_keyword(call, keywords)
    return _found(call, search, _PARTS, refined=bool(keywords))


# --- 2020-12-01 -------------------------------------------------------------------------------------------------------


def get_catalog_item_2020(call: Call) -> Answer:
    """Return an item as it is in each of the marketplaces that were asked for."""
    return Answer(_shown(call, _asked(call), _included(call, _PARTS_2020), _PARTS_2020))


def search_catalog_items_2020(call: Call) -> Answer:
    """List the items of a marketplace that have these words."""
    found = _found(call, _by_keyword(call, call.many("keywords")), _PARTS_2020, refined=True)
    return Answer({"pagination": {}, **found.body})  # which is always there in this version


# --- v0 ---------------------------------------------------------------------------------------------------------------


def list_catalog_categories(call: Call) -> Answer:
    """List the categories that an item is in, from its own to the top."""
    shop, asin, sku = call.one("MarketplaceId") or "", call.one("ASIN"), call.one("SellerSKU")
    if (asin is None) == (sku is None):
        raise invalid("Either ASIN or SellerSKU must be provided")
    if sku is not None:
        listing = call.world.shelf.listing(call.seller, shop, sku)
        asin = listing.asin if listing else None
    item = call.world.shelf.items.get((shop, asin or ""))
    if item is None:
        raise refused(f"{asin or sku} is an invalid {'SKU' if sku else 'ASIN'} for marketplace {shop}")
    category = {"ProductCategoryId": item.type.category.id, "ProductCategoryName": item.type.category.title}
    leaf = {"ProductCategoryId": item.type.id, "ProductCategoryName": item.type.title, "parent": category}
    return Answer({"payload": [leaf, {**category, "parent": {}}]})


# --- searching --------------------------------------------------------------------------------------------------------

Found = Callable[[], Sequence[tuple[str, str]]]
"""A search: what it finds are keys of the shelf."""


def _by_identifier(call: Call, identifiers: Sequence[str]) -> Found:
    shop, kind, shelf = _shop(call), call.one("identifiersType"), call.world.shelf
    known = next(one.schema["enum"] for one in call.operation.parameters if one.wire == "identifiersType")
    if kind not in known:
        raise refused("Missing or invalid 'identifiersType' provided.")
    if len(identifiers) > MOST:
        raise refused("Invalid 'identifiers' provided.")
    if any(call.many(name) for name in ("brandNames", "classificationIds", "keywordsLocale")):
        raise refused("Invalid combination of 'identifiers' and a parameter for 'keywords' provided.")
    if kind == "ASIN":
        if any(len(one) != 10 or not one.isalnum() for one in identifiers):
            raise refused("Invalid 'asin' provided.")
        return lambda: [key for one in dict.fromkeys(identifiers) if (key := (shop, one)) in shelf.items]
    if kind == "SKU":
        if call.one("sellerId") is None:
            raise refused("Missing required 'sellerId'.")
        seller = call.seller if call.one("sellerId") == call.seller else ""
        held = [shelf.listing(seller, shop, one) for one in identifiers]
        return lambda: [*dict.fromkeys((shop, listing.asin) for listing in held if listing and listing.asin)]
    return lambda: [
        *dict.fromkeys(
            (shop, item.asin) for one in identifiers for item in shelf.coded(one) if shop == item.marketplace.id
        )
    ]


def _by_keyword(call: Call, keywords: Sequence[str]) -> Found:
    shop = _shop(call)
    if len(keywords) > MOST:
        raise refused("Invalid 'keywords' provided.")
    words = [word for one in keywords for word in one.lower().split()]
    brands, classes = {one.lower() for one in call.many("brandNames")}, set(call.many("classificationIds"))

    def fits(item: Item) -> bool:
        if brands and item.brand.lower() not in brands:
            return False
        if classes and not classes & {item.type.id, item.type.category.id}:
            return False
        said = " ".join(_words(item)).lower()
        return all(word in said for word in words)

    def search() -> list[tuple[str, str]]:
        items = sorted(filter(fits, call.world.shelf.on_shelf(shop)), key=lambda item: (item.ranks, item.asin))
        return [(shop, item.asin) for item in items]

    return search


def _words(item: Item) -> Iterable[str]:
    yield from (item.title, item.type.title, item.type.category.title, item.maker.product_type)
    for name in ("brand", "color", "material", "size", "bullet_point", "generic_keyword"):
        yield from (str(one.get("value", "")) for one in item.facts.get(name, ()))


def _found(call: Call, search: Found, parts: Parts, *, refined: bool) -> Answer:
    included, search = _included(call, parts), cache(search)
    keys, pagination, total = page_tokens.window(call, search, size=call.size("pageSize", most=20, default=10))
    items = [call.world.shelf.items[key] for key in keys]
    body = {"numberOfResults": total, **pagination, "items": [_shown(call, [one], included, parts) for one in items]}
    if refined:
        body["refinements"] = _refinements([call.world.shelf.items[key] for key in search()])
    return Answer(body)


def _refinements(items: Sequence[Item]) -> dict[str, Any]:
    brands, kinds = Counter(item.brand for item in items), Counter(item.type for item in items)
    return {
        "brands": [{"brandName": brand, "numberOfResults": count} for brand, count in brands.most_common()],
        "classifications": [
            {"displayName": kind.title, "classificationId": kind.id, "numberOfResults": count}
            for kind, count in kinds.most_common()
        ],
    }


def _asked(call: Call) -> list[Item]:
    asin, shops = call.path["asin"], list(dict.fromkeys(call.many("marketplaceIds")))
    if len(asin) != 10 or not asin.isalnum():
        raise refused("Request has missing or invalid parameters and cannot be parsed.")
    found = [item for shop in shops if (item := call.world.shelf.items.get((shop, asin)))]
    if not found:
        message = f"Requested item, {asin}, not found in marketplace(s) {', '.join(shops)}."
        raise refused(message, status=404, code="NOT_FOUND")
    return found


def _shop(call: Call) -> str:
    ids = call.many("marketplaceIds")
    if len(ids) != 1:
        raise refused("Request has missing or invalid parameters and cannot be parsed.")
    return ids[0]


def _included(call: Call, parts: Parts) -> list[str]:
    given = list(dict.fromkeys(call.many("includedData"))) or ["summaries"]
    if any(one not in parts for one in given):
        raise refused("Invalid 'includedData' provided.")
    return given


# --- what is shown ----------------------------------------------------------------------------------------------------


def _shown(call: Call, items: Sequence[Item], included: Sequence[str], parts: Parts) -> dict[str, Any]:
    body: dict[str, Any] = {"asin": items[0].asin}
    for name in included:
        of = parts[name]
        if name == "attributes":
            for item in items:
                for attribute, values in item.facts.items():
                    body.setdefault(name, {}).setdefault(attribute, []).extend(values)
        else:
            shown = ((item, of(call, item)) for item in items)
            body[name] = [{"marketplaceId": item.marketplace.id, **part} for item, part in shown if part]
    return body


def _classifications(_: Call, item: Item) -> dict[str, Any]:
    return {"classifications": [_classification(item)]}


def _classification(item: Item) -> dict[str, Any]:
    kind, top = item.type, item.type.category
    parent = {"displayName": top.title, "classificationId": top.id}
    return {"displayName": kind.title, "classificationId": kind.id, "parent": parent}


def _dimensions(_: Call, item: Item) -> dict[str, Any]:
    def measured(form: str) -> dict[str, Any]:
        sides = first(item.facts, f"{form}_dimensions")
        weight = first(item.facts, f"{form}_weight")
        made = {name: sides[name] for name in ("height", "length", "width") if name in sides}
        return made | ({"weight": {"unit": weight["unit"], "value": weight["value"]}} if weight else {})

    both = {"item": measured("item"), "package": measured("item_package")}
    return {name: measures for name, measures in both.items() if measures}


def _identifiers(_: Call, item: Item) -> dict[str, Any]:
    codes = [("EAN" if len(code) == 13 else "UPC", code) for code in item.codes]
    codes += [("GTIN", code.zfill(14)) for code in item.codes]
    return {"identifiers": [{"identifierType": kind, "identifier": code} for kind, code in codes]}


def _images(_: Call, item: Item) -> dict[str, Any]:
    located = images(item.facts)
    size = {"height": PICTURE_PX, "width": PICTURE_PX}
    return {"images": [{"variant": kind, "link": where, **size} for kind, where in located]}


def _product_types(_: Call, item: Item) -> dict[str, Any]:
    return {"productType": item.maker.product_type}


def _relationships(call: Call, item: Item) -> dict[str, Any]:
    parents, children = _relatives(call, item)
    if not parents and not children:
        return {"relationships": []}
    theme = first(item.facts, "variation_theme").get("name", "")
    attributes = [part.lower() for part in theme.split("/") if part]
    related: dict[str, Any] = {"type": "VARIATION", "variationTheme": {"attributes": attributes, "theme": theme}}
    related |= {"parentAsins": parents} if parents else {"childAsins": children}
    return {"relationships": [related]}


def _relatives(call: Call, item: Item) -> tuple[list[str], list[str]]:
    """Return the ASINs of an item's parents and children, which its maker named by SKU."""
    shop, maker, shelf = item.marketplace.id, item.maker, call.world.shelf
    parent = shelf.listing(maker.seller, shop, first(item.facts, "child_parent_sku_relationship").get("parent_sku", ""))
    children = [
        one.asin
        for one in (shelf.listings(maker.seller, [shop]) if maker.is_parent else ())
        if one.asin and first(one.attributes, "child_parent_sku_relationship").get("parent_sku") == maker.sku
    ]
    return [parent.asin] if parent and parent.asin else [], children


def _ranks(_: Call, item: Item) -> dict[str, Any]:
    if item.maker.is_parent:
        return {}
    (among, overall), top = item.ranks, item.type.category
    return {
        "classificationRanks": [{"classificationId": item.type.id, "title": item.type.title, "rank": among}],
        "displayGroupRanks": [{"websiteDisplayGroup": top.group, "title": top.title, "rank": overall}],
    }


def _summaries(_: Call, item: Item) -> dict[str, Any]:
    facts, top = item.facts, item.type.category
    told = {
        "brand": item.brand,
        "color": text(facts, "color"),
        "itemName": item.title,
        "manufacturer": text(facts, "manufacturer"),
        "modelNumber": text(facts, "model_number"),
        "partNumber": text(facts, "part_number"),
        "size": text(facts, "size"),
        "style": text(facts, "style"),
    }
    return {
        "adultProduct": False,
        "autographed": False,
        **{name: value for name, value in told.items() if value},
        "browseClassification": {"displayName": item.type.title, "classificationId": item.type.id},
        "itemClassification": "VARIATION_PARENT" if item.maker.is_parent else "BASE_PRODUCT",
        "memorabilia": False,
        "packageQuantity": text(facts, "number_of_items") or 1,
        "tradeInEligible": False,
        "websiteDisplayGroup": top.group,
        "websiteDisplayGroupName": top.title,
    }


def _vendor_details(call: Call, item: Item) -> dict[str, Any]:
    if not item.maker.vendor or call.account is None or call.account.kind != "vendor":
        return {}
    code = item.brand[:5].upper()
    return {
        "brandCode": code,
        "manufacturerCode": code,
        "manufacturerCodeParent": code,
        "productCategory": {"displayName": item.type.category.title, "value": item.type.category.id},
        "productGroup": item.type.category.title,
        "productSubcategory": {"displayName": item.type.title, "value": item.type.id},
        "replenishmentCategory": "BASIC_REPLENISHMENT",
    }


def _ranks_2020(call: Call, item: Item) -> dict[str, Any]:
    found = _ranks(call, item)
    return {
        "ranks": [
            {"title": one["title"], "rank": one["rank"]}
            for name in ("classificationRanks", "displayGroupRanks")
            for one in found.get(name, ())
        ]
    }


def _summaries_2020(_: Call, item: Item) -> dict[str, Any]:
    facts = item.facts
    told = {
        "brandName": item.brand,
        "browseNode": item.type.id,
        "colorName": text(facts, "color"),
        "itemName": item.title,
        "manufacturer": text(facts, "manufacturer"),
        "modelNumber": text(facts, "model_number"),
        "sizeName": text(facts, "size"),
        "styleName": text(facts, "style"),
    }
    return {name: value for name, value in told.items() if value}


def _variations_2020(call: Call, item: Item) -> dict[str, Any]:
    parents, children = _relatives(call, item)
    if parents:
        return {"asins": parents, "variationType": "CHILD"}
    return {"asins": children, "variationType": "PARENT"} if children else {}


def _vendor_details_2020(call: Call, item: Item) -> dict[str, Any]:
    names = {"productCategory": "categoryCode", "productSubcategory": "subcategoryCode"}
    return {
        names.get(name, name): value["value"] if name in names else value
        for name, value in _vendor_details(call, item).items()
    }


Parts = Mapping[str, Callable[[Call, Item], dict[str, Any]]]

_PARTS: Parts = {
    "attributes": lambda *_: {},
    "classifications": _classifications,
    "dimensions": _dimensions,
    "identifiers": _identifiers,
    "images": _images,
    "productTypes": _product_types,
    "relationships": _relationships,
    "salesRanks": _ranks,
    "summaries": _summaries,
    "vendorDetails": _vendor_details,
}
_PARTS_2020: Parts = {
    "attributes": lambda *_: {},
    "identifiers": _identifiers,
    "images": _images,
    "productTypes": _product_types,
    "salesRanks": _ranks_2020,
    "summaries": _summaries_2020,
    "variations": _variations_2020,
    "vendorDetails": _vendor_details_2020,
}

HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    "catalog_items_2022_04_01.search_catalog_items": search_catalog_items,
    "catalog_items_2022_04_01.get_catalog_item": get_catalog_item,
    "catalog_items_2020_12_01.search_catalog_items": search_catalog_items_2020,
    "catalog_items_2020_12_01.get_catalog_item": get_catalog_item_2020,
    "catalog_items_v0.list_catalog_categories": list_catalog_categories,
}
