"""Product Type Definitions 2020-09-01: which attributes a listing may and has to have, as a JSON Schema in the storage.

What it validates is what the Listings Items API here accepts. Amazon has some thousands of product types with hundreds
of attributes each; here are a few of both, in Amazon's form. A test that needs another type gives its schema to
`World.shelf`, or ``POST /_emulator/definitions``. A listing of a type that nobody defined is taken like the generic
one, whose schema lets attributes pass that it does not know.

Not known: what Amazon says to a version of a product type that does not exist (400 here).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import msgspec

from sellerport.emulator.assortment import GENERIC, PRODUCT_TYPES, ProductType
from sellerport.emulator.call import Answer, Call, invalid, refused
from sellerport.emulator.shelf import CHANNELS, IMAGES
from sellerport.emulator.shop import LANGUAGES
from sellerport.emulator.storage import Stored
from sellerport.regions import MARKETPLACES, Marketplace

Requirements = Literal["LISTING", "LISTING_PRODUCT_ONLY", "LISTING_OFFER_ONLY"]
Schema = dict[str, Any]

LIFE_S = 7 * 86_400
META = "https://schemas.amazon.com/selling-partners/definitions/product-types/meta-schema/v1"
IDENTITY = "https://schemas.amazon.com/selling-partners/definitions/product-types/schema/v1"

CONDITIONS = (
    "new_new", "new_open_box", "new_oem", "refurbished_refurbished", "used_like_new", "used_very_good", "used_good",
    "used_acceptable", "collectible_like_new", "collectible_very_good", "collectible_good", "collectible_acceptable",
    "club_club",
)  # fmt: skip
LENGTHS = ("centimeters", "millimeters", "meters", "inches", "feet")
WEIGHTS = ("grams", "kilograms", "ounces", "pounds")

# --- attributes -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Attribute:
    """An attribute: what a value of it holds, which part of that it must, and what tells its values apart."""

    group: str
    holds: Mapping[str, Schema]
    required: tuple[str, ...] = ("value",)
    selectors: tuple[str, ...] = ("marketplace_id",)
    most: int = 1

    def schema(self, name: str, *, strict: bool) -> Schema:
        """Return its JSON Schema; a strict one knows all that there is in a value."""
        inner = {**self.holds, **{one: {"$ref": f"#/$defs/{one}"} for one in self.selectors if one not in self.holds}}
        inner.setdefault("marketplace_id", {"$ref": "#/$defs/marketplace_id"})
        return {
            "title": name.replace("_", " ").title(),
            "type": "array",
            "minItems": 1,
            "minUniqueItems": 1,
            "maxUniqueItems": self.most,
            "selectors": list(self.selectors),
            "items": {
                "type": "object",
                "required": list(self.required),
                "properties": inner,
                **({"additionalProperties": False} if strict else {}),
            },
        }


def _text(longest: int, **more: Any) -> Schema:
    return {"type": "string", "minLength": 1, "maxLength": longest, "maxUtf8ByteLength": 4 * longest, **more}


def _number(kind: str = "number", **more: Any) -> Schema:
    return {"type": kind, "minimum": 0, **more}


def _said(group: str, longest: int, *, most: int = 1) -> Attribute:
    """A text in a language."""
    return Attribute(group, {"value": _text(longest)}, selectors=("marketplace_id", "language_tag"), most=most)


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "required": [*properties], "properties": properties, "additionalProperties": False}


def _list(inner: Schema) -> Schema:
    return {"type": "array", "minItems": 1, "items": inner}


def _measure(units: tuple[str, ...]) -> Schema:
    return _object(unit={"type": "string", "enum": list(units)}, value=_number())


def _sides(group: str) -> Attribute:
    names = ("length", "width", "height")
    return Attribute(group, {name: _measure(LENGTHS) for name in names}, required=names)


def _asked() -> Schema:
    return _list(_object(schedule=_list(_object(value_with_tax=_number(exclusiveMinimum=0)))))


_CURRENCY: Schema = {"$ref": "#/$defs/currency"}
_FLAG: Schema = {"type": "boolean"}
_TIME: Schema = {"type": "string", "format": "date-time"}
_WHEN = _object(value=_TIME)
_SALE = _list(_object(schedule=_list(_object(start_at=_WHEN, end_at=_WHEN, value_with_tax=_number()))))
_LEVELS = _list(_object(lower_bound=_number("integer"), value=_number()))
_DISCOUNT: Schema = {"type": "string", "enum": ["fixed", "percent"]}
_PLAN = _list(_object(schedule=_list(_object(discount_type=_DISCOUNT, levels=_LEVELS))))
_WEIGHED = {"unit": {"type": "string", "enum": list(WEIGHTS)}, "value": _number()}
_CODES = ["ean", "gtin", "isbn", "jan", "minsan", "upc"]

ATTRIBUTES: Mapping[str, Attribute] = {
    "item_name": _said("product_identity", 200),
    "brand": _said("product_identity", 100),
    "manufacturer": _said("product_identity", 100),
    "model_number": Attribute("product_identity", {"value": _text(100)}),
    "part_number": Attribute("product_identity", {"value": _text(100)}),
    "externally_assigned_product_identifier": Attribute(
        "product_identity",
        {"type": {"type": "string", "enum": _CODES}, "value": _text(14, pattern="^[0-9X]+$")},
        required=("type", "value"),
        selectors=("marketplace_id", "type"),
        most=3,
    ),
    "supplier_declared_has_product_identifier_exemption": Attribute("product_identity", {"value": _FLAG}),
    "merchant_suggested_asin": Attribute("product_identity", {"value": _text(10, minLength=10)}),
    "product_description": _said("product_details", 2000),
    "bullet_point": _said("product_details", 700, most=10),
    "generic_keyword": _said("product_details", 500),
    "color": _said("product_details", 100),
    "material": _said("product_details", 100, most=5),
    "size": _said("product_details", 100),
    "style": _said("product_details", 100),
    "pattern": _said("product_details", 100),
    "number_of_items": Attribute("product_details", {"value": _number("integer")}),
    "item_dimensions": _sides("product_details"),
    "item_weight": Attribute("product_details", _WEIGHED, required=("unit", "value")),
    "country_of_origin": Attribute("safety_and_compliance", {"value": _text(2, pattern="^[A-Z]{2}$")}),
    "batteries_required": Attribute("safety_and_compliance", {"value": _FLAG}),
    "batteries_included": Attribute("safety_and_compliance", {"value": _FLAG}),
    "supplier_declared_dg_hz_regulation": Attribute(
        "safety_and_compliance",
        {"value": {"type": "string", "enum": ["ghs", "not_applicable", "other", "storage", "transportation", "waste"]}},
        most=5,
    ),
    "item_package_dimensions": _sides("shipping"),
    "item_package_weight": Attribute("shipping", _WEIGHED, required=("unit", "value")),
    **{
        name: Attribute("images", {"media_location": _text(2000, pattern="^https?://")}, required=("media_location",))
        for name in IMAGES
    },
    "parentage_level": Attribute("variations", {"value": {"type": "string", "enum": ["child", "parent"]}}),
    "child_parent_sku_relationship": Attribute(
        "variations",
        {"child_relationship_type": {"type": "string", "enum": ["variation"]}, "parent_sku": _text(40)},
        required=("child_relationship_type", "parent_sku"),
    ),
    "variation_theme": Attribute("variations", {"name": _text(100)}, required=("name",)),
    "condition_type": Attribute("offer", {"value": {"type": "string", "enum": list(CONDITIONS)}}),
    "condition_note": _said("offer", 2000),
    "list_price": Attribute(
        "offer",
        {"currency": _CURRENCY, "value_with_tax": _number(), "value": _number()},
        required=("currency",),
        selectors=("marketplace_id", "currency"),
    ),
    "purchasable_offer": Attribute(
        "offer",
        {
            "currency": _CURRENCY,
            "audience": {"type": "string", "enum": ["ALL", "B2B"]},
            "our_price": _asked(),
            "discounted_price": _SALE,
            "minimum_seller_allowed_price": _asked(),
            "maximum_seller_allowed_price": _asked(),
            "quantity_discount_plan": _PLAN,
            "start_at": _object(value=_TIME),
            "end_at": _object(value=_TIME),
        },
        required=(),
        selectors=("marketplace_id", "currency", "audience"),
        most=2,
    ),
    "fulfillment_availability": Attribute(
        "offer",
        {
            "fulfillment_channel_code": {"type": "string", "enum": ["DEFAULT", *sorted(set(CHANNELS.values()))]},
            "quantity": _number("integer"),
            "lead_time_to_ship_max_days": _number("integer"),
            "restock_date": {"type": "string"},
        },
        required=("fulfillment_channel_code",),
        selectors=("fulfillment_channel_code",),
        most=2,
    ),
    "merchant_shipping_group": Attribute("offer", {"value": _text(100)}),
    "max_order_quantity": Attribute("offer", {"value": _number("integer")}),
    "skip_offer": Attribute("offer", {"value": _FLAG}),
    "cost_price": Attribute("offer", {"currency": _CURRENCY, "value": _number()}, required=("currency", "value")),
}

_OF_PRODUCT = (
    "item_name",
    "brand",
    "product_description",
    "bullet_point",
    "country_of_origin",
    "supplier_declared_dg_hz_regulation",
)
_IDENTIFIED = ("externally_assigned_product_identifier", "merchant_suggested_asin")
_OTHERWISE = "supplier_declared_has_product_identifier_exemption"
_PARENT: Schema = {
    "required": ["parentage_level"],
    "properties": {"parentage_level": {"items": {"properties": {"value": {"const": "parent"}}}}},
}


@lru_cache(maxsize=256)
def schema(
    kind: ProductType, shop: Marketplace, *, requirements: Requirements = "LISTING", enforced: bool = True
) -> Schema:
    """Return what a listing of a product type has to be like in a marketplace."""
    generic = kind.name == GENERIC
    found: Schema = {
        "$schema": META,
        "$id": f"{IDENTITY}/{kind.name}",
        "title": kind.title,
        "type": "object",
        "$defs": {
            "marketplace_id": {"type": "string", "enum": [shop.id], "default": shop.id},
            "currency": {"type": "string", "enum": [shop.currency]},
            "language_tag": {"type": "string", "pattern": "^[a-z]{2}_[A-Z]{2}$", "default": LANGUAGES[shop.country]},
        },
        "properties": {name: attribute.schema(name, strict=not generic) for name, attribute in ATTRIBUTES.items()},
        "additionalProperties": {"type": "array", "minItems": 1, "items": {"type": "object"}} if generic else False,
    }
    if not enforced:
        return found
    identified: list[Schema] = [{"required": [name]} for name in _IDENTIFIED]
    if requirements == "LISTING_OFFER_ONLY":
        return {**found, "required": ["condition_type"], "anyOf": identified}
    sold: Schema = {"anyOf": [*identified, {"required": [_OTHERWISE]}]}
    if requirements == "LISTING":
        sold["required"] = ["condition_type"]
    required = ["item_name", "brand"] if generic else [*_OF_PRODUCT, *kind.required]
    return {**found, "required": required, "if": _PARENT, "else": sold}


def defined(call: Call, name: str) -> ProductType | None:
    """Return a product type that has a definition, of the seeds or from outside."""
    if name in call.world.shelf.schemas:
        return ProductType(name, name.replace("_", " ").title(), PRODUCT_TYPES[GENERIC].category, name)
    return PRODUCT_TYPES.get(name)


def schema_of(
    call: Call, name: str, shop: Marketplace, *, requirements: Requirements = "LISTING", enforced: bool = True
) -> Schema:
    """Return the schema of a product type; where it has none, the generic one's."""
    given = call.world.shelf.schemas.get(name)
    if given is None:
        kind = PRODUCT_TYPES.get(name, PRODUCT_TYPES[GENERIC])
        return schema(kind, shop, requirements=requirements, enforced=enforced)
    return given if enforced else {key: value for key, value in given.items() if key not in _ENFORCING}


_ENFORCING = ("required", "allOf", "anyOf", "oneOf", "if", "then", "else")

# --- operations -------------------------------------------------------------------------------------------------------


def search_definitions_product_types(call: Call) -> Answer:
    """List product types: all, or those that a word or a title fits."""
    shop = _shop(call)
    words, title = call.many("keywords"), call.one("itemName")
    if words and title:
        raise invalid("keywords cannot be used with itemName")
    kinds = [*PRODUCT_TYPES.values()]
    kinds += [kind for name in call.world.shelf.schemas if name not in PRODUCT_TYPES and (kind := defined(call, name))]
    if words:
        kinds = [kind for kind in kinds if any(_fits(word, kind) for word in words)]
    elif title:
        kinds = _for_title(call, shop, title) or [kind for kind in kinds if _fits(title, kind)]
    found = [{"name": kind.name, "displayName": kind.title, "marketplaceIds": [shop.id]} for kind in kinds]
    return Answer({"productTypes": found, "productTypeVersion": call.world.product_type_version()})


def get_definitions_product_type(call: Call) -> Answer:
    """Return where the schema of a product type lies."""
    shop, name = _shop(call), call.path["productType"]
    kind = defined(call, name)
    if kind is None:
        raise refused(f"Product type '{name}' not found in marketplace {shop.id}", status=404, code="NOT_FOUND")
    requirements: Any = call.one_of("requirements")
    enforced = call.one_of("requirementsEnforced")
    locale = call.one_of("locale")
    version = call.world.product_type_version(name)
    if (asked := call.one("productTypeVersion")) not in (None, "LATEST", "RELEASE_CANDIDATE", version):
        raise invalid(f"productTypeVersion {asked} does not exist")
    found = schema_of(call, name, shop, requirements=requirements, enforced=enforced == "ENFORCED")
    groups: dict[str, Any] = {}
    for attribute in found.get("properties", {}):
        group = ATTRIBUTES[attribute].group if attribute in ATTRIBUTES else "product_details"
        groups.setdefault(group, {"title": group.replace("_", " ").title(), "propertyNames": []})
        groups[group]["propertyNames"].append(attribute)
    place = f"{shop.id}/{name}/{requirements}/{enforced}"
    return Answer(
        {
            "metaSchema": _stored(call, "meta-schema", {"$id": META, "$schema": _DRAFT}),
            "schema": _stored(call, place, found),
            "requirements": requirements,
            "requirementsEnforced": enforced,
            "propertyGroups": groups,
            "locale": LANGUAGES[shop.country] if locale == "DEFAULT" else locale,
            "marketplaceIds": [shop.id],
            "productType": name,
            "displayName": kind.title,
            "productTypeVersion": {"version": version, "latest": True, "releaseCandidate": False},
        }
    )


_DRAFT = "https://json-schema.org/draft/2019-09/schema"


def _stored(call: Call, place: str, body: Schema) -> dict[str, Any]:
    """Put a schema into the storage, and say where it is."""
    written, key = msgspec.json.encode(body), f"schemas/{place}"
    call.world.storage.objects[key] = Stored.of(written, "application/json")
    url = call.world.storage.presign("GET", call.address, key, now=call.world.now(), life_s=LIFE_S)
    checksum = base64.b64encode(hashlib.md5(written, usedforsecurity=False).digest()).decode()
    return {"link": {"resource": url, "verb": "GET"}, "checksum": checksum}


def _shop(call: Call) -> Marketplace:
    ids = call.many("marketplaceIds")
    if len(ids) != 1:
        raise invalid("marketplaceIds must be one marketplace")
    return next(shop for shop in MARKETPLACES if shop.id == ids[0])


def _fits(words: str, kind: ProductType) -> bool:
    named = f"{kind.name} {kind.title}".upper()
    return any(word in named for word in words.upper().replace("-", " ").split())


def _for_title(call: Call, shop: Marketplace, title: str) -> list[ProductType]:
    """Return the product types of what has a like title in the marketplace, the most like first."""
    wanted = set(title.lower().replace(",", " ").split())
    scores: dict[str, int] = {}
    for item in call.world.shelf.on_shelf(shop.id):
        common = len(wanted & set(item.title.lower().replace(",", " ").split()))
        scores[item.type.name] = max(scores.get(item.type.name, 0), common)
    ranked = sorted((-score, name) for name, score in scores.items() if score)
    return [PRODUCT_TYPES[name] for _, name in ranked[:3]]


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    "product_type_definitions_2020_09_01.search_definitions_product_types": search_definitions_product_types,
    "product_type_definitions_2020_09_01.get_definitions_product_type": get_definitions_product_type,
}
