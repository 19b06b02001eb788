"""What is for sale: the items of the catalogue, every account's listings, and what lies in Amazon's warehouses.

* An item is an ASIN in one marketplace, and everybody sees it. Its facts are what the account that made it says of it.
* A listing is a SKU of one account in one marketplace: attributes in the form of the Listings Items API, price and
  quantity among them.
* Stock is what Amazon keeps of a SKU in a network of warehouses: most of the European Union is one network, and every
  other country its own.

It knows nothing of HTTP, nor of how an API writes any of this. Attributes of seeded listings are made when they are
looked at.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

import jsonschema_rs

from sellerport.emulator.assortment import ARTICLES, GENERIC, PRODUCT_TYPES, ProductType
from sellerport.emulator.outbound_orders import Outgoing
from sellerport.emulator.shop import DAY_S, HISTORY_DAYS, LANGUAGES, Family, Order, Product, local, rounded
from sellerport.errors import InvalidArguments, Problem
from sellerport.regions import Marketplace

Attributes = dict[str, list[dict[str, Any]]]

EUROPE = frozenset({"BE", "DE", "ES", "FR", "IE", "IT", "NL", "PL", "SE"})
CHANNELS = {"na": "AMAZON_NA", "eu": "AMAZON_EU", "fe": "AMAZON_JP"}
"""What a listing calls FBA, by region."""
IMAGES = {"main_product_image_locator": "MAIN"} | {f"other_product_image_locator_{n}": f"PT0{n}" for n in range(1, 9)}
"""Attributes that hold an image, and what the catalogue calls it."""
OFFER = frozenset(
    {
        "condition_type", "condition_note", "purchasable_offer", "fulfillment_availability", "merchant_shipping_group",
        "merchant_suggested_asin", "max_order_quantity", "skip_offer", "cost_price",
    }
)  # fmt: skip
"""Attributes of what one account asks for an item, and not of the item."""
PICTURE_PX = 1600


def network(marketplace: Marketplace) -> str:
    """Return which network of warehouses serves a marketplace."""
    return "EU" if marketplace.country in EUROPE else marketplace.country


def first(attributes: Attributes, name: str) -> dict[str, Any]:
    """Return the first value of an attribute, or an empty one."""
    values = attributes.get(name)
    return values[0] if values else {}


def text(attributes: Attributes, name: str) -> Any:
    """Return what the first value of an attribute says."""
    return first(attributes, name).get("value")


def price(attributes: Attributes, *, audience: str = "ALL", name: str = "our_price") -> Decimal | None:
    """Return what is asked of an audience; ``name`` may be another price of an offer."""
    for offer in attributes.get("purchasable_offer", ()):
        if offer.get("audience", "ALL") == audience and offer.get(name):
            schedule = offer[name][0].get("schedule") or [{}]
            asked = schedule[0].get("value_with_tax")
            return None if asked is None else rounded(Decimal(str(asked)), offer.get("currency", ""))
    return None


def list_price(attributes: Attributes) -> Decimal | None:
    """Return what an item is meant to cost."""
    listed = first(attributes, "list_price")
    meant = listed.get("value_with_tax", listed.get("value"))
    return None if meant is None else Decimal(str(meant))


def images(attributes: Attributes) -> list[tuple[str, str]]:
    """Return what each image is, and where it lies."""
    located = ((kind, first(attributes, name).get("media_location")) for name, kind in IMAGES.items())
    return [(kind, where) for kind, where in located if where]


def steady(*words: str, most: int) -> int:
    """Return a number below ``most`` that is always the same for the same words."""
    return zlib.crc32(" ".join(words).encode()) % most


@dataclass
class Listing:
    """A SKU of an account in one marketplace, as it stands now; times are unix seconds."""

    seller: str
    marketplace: Marketplace
    sku: str
    asin: str | None
    """None while it does not say what it is."""
    product_type: str
    created: float
    updated: float
    vendor: bool = False
    seed: Product | Family | None = None
    """What its attributes are made of, as long as nobody gave it others."""

    @cached_property
    def attributes(self) -> Attributes:
        """What the account says of it, in the form of the Listings Items API."""
        return {} if self.seed is None else _seeded(self, self.seed)

    @property
    def title(self) -> str:
        """What the account calls it."""
        return text(self.attributes, "item_name") or ""

    @property
    def condition(self) -> str:
        """Its condition, in the words of the Listings Items API."""
        return text(self.attributes, "condition_type") or "new_new"

    @property
    def by_amazon(self) -> bool:
        """Whether Amazon ships it."""
        offered = self.attributes.get("fulfillment_availability", ())
        return any(one.get("fulfillment_channel_code", "").startswith("AMAZON") for one in offered)

    @property
    def quantity(self) -> int:
        """How many the account has of it to ship by itself."""
        offered = self.attributes.get("fulfillment_availability", ())
        return sum(one.get("quantity") or 0 for one in offered if one.get("fulfillment_channel_code") == "DEFAULT")

    @property
    def too_cheap(self) -> bool:
        """Whether it asks for less than the least that the account itself allows."""
        asked, least = price(self.attributes), price(self.attributes, name="minimum_seller_allowed_price")
        return asked is not None and least is not None and asked < least

    @property
    def is_parent(self) -> bool:
        """Whether it only holds its variations together."""
        return bool(text(self.attributes, "parentage_level") == "parent")

    @property
    def fnsku(self) -> str | None:
        """What Amazon's warehouses call it."""
        return f"X00{steady(self.seller, self.sku, most=10**7):07d}" if self.by_amazon else None


@dataclass
class Item:
    """An ASIN in one marketplace."""

    asin: str
    marketplace: Marketplace
    maker: Listing
    """The listing that it was made by, which may be gone."""
    dollars: Decimal | None = None
    """What others ask for it, about; None where nobody else sells it."""

    @cached_property
    def facts(self) -> Attributes:
        """Its attributes."""
        return facts(self.maker)

    @property
    def type(self) -> ProductType:
        """Its product type; the generic one where it is of another that the seeds do not know."""
        return PRODUCT_TYPES.get(self.maker.product_type, PRODUCT_TYPES[GENERIC])

    @property
    def title(self) -> str:
        """What it is called."""
        return text(self.facts, "item_name") or ""

    @property
    def brand(self) -> str:
        """Whose brand it is."""
        return text(self.facts, "brand") or ""

    @property
    def codes(self) -> tuple[str, ...]:
        """Its EAN, UPC or other codes of goods."""
        given = self.facts.get("externally_assigned_product_identifier", ())
        return tuple(one["value"] for one in given if one.get("value"))

    @property
    def ranks(self) -> tuple[int, int]:
        """How well it sells: among its like, and in its category."""
        among = 1 + steady(self.asin, self.marketplace.id, most=400)
        return among, among * 37

    def has_code(self, code: str) -> bool:
        """Whether this EAN, UPC or GTIN is its own; they differ in leading zeros only."""
        return any(one.lstrip("0") == code.lstrip("0") for one in self.codes)


@dataclass
class Stock:
    """What Amazon has of an account's SKU in one network of warehouses; what is sold and not yet sent comes on top."""

    fulfillable: int = 0
    inbound_working: int = 0
    inbound_shipped: int = 0
    inbound_receiving: int = 0
    transshipment: int = 0
    fc_processing: int = 0
    researching: int = 0
    customer_damaged: int = 0
    warehouse_damaged: int = 0
    updated: float = 0

    @property
    def unfulfillable(self) -> int:
        """How many can not be sold."""
        return self.customer_damaged + self.warehouse_damaged


@dataclass
class Waiting:
    """What was ordered of a SKU and has not been sent, and when that last changed."""

    quantity: int = 0
    updated: float = 0


def pending(
    orders: Iterable[Order], marketplace: Marketplace, outgoing: Iterable[Outgoing] = ()
) -> defaultdict[str, Waiting]:
    """Return what waits of each SKU in the network of warehouses that serves a marketplace."""
    found: defaultdict[str, Waiting] = defaultdict(Waiting)
    for order in orders:
        if order.channel == "AFN" and network(order.marketplace) == network(marketplace):
            waits = order.status in ("Pending", "Unshipped")
            for item in order.items:
                one = found[item.sku]
                one.updated = max(one.updated, order.updated)
                one.quantity += item.quantity - item.shipped if waits else 0
    for elsewhere in outgoing:
        if network(elsewhere.marketplace) == network(marketplace):
            for line in elsewhere.lines:
                one = found[line.sku]
                one.updated, one.quantity = max(one.updated, elsewhere.updated), one.quantity + line.open
    return found


class Shelf:
    """Everything that is for sale; made anew with the world."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], Item] = {}
        """By marketplace id and ASIN."""
        self._listings: dict[str, dict[tuple[str, str], Listing]] = {}
        self._stocks: dict[tuple[str, str, str], Stock] = {}
        self._codes: dict[str, set[tuple[str, str]]] = {}
        """Which items have had an EAN, UPC or GTIN; it is written without leading zeros."""
        self.schemas: dict[str, dict[str, Any]] = {}
        """Product types that were given from outside: the JSON Schema of each."""
        self.added: set[tuple[str, str]] = set()
        """Whose inventory was added to, under which idempotency token."""

    def define(self, name: str, schema: dict[str, Any]) -> None:
        """Take a product type from outside.

        Raises:
            InvalidArguments: this is no JSON Schema.
        """
        try:
            validator(schema)
        except ValueError as error:
            raise InvalidArguments(problems=[Problem("schema", str(error))]) from None
        self.schemas[name] = schema

    def fill(
        self, seller: str, marketplaces: Sequence[Marketplace], products: Sequence[Product], *, now: float, vendor: bool
    ) -> None:
        """Put an account's products into all of its marketplaces, but for those that are there."""
        families = dict.fromkeys(one.family for one in products if one.family)
        seeds: list[Product | Family] = [*products, *families]
        for marketplace in marketplaces:
            new = [one.asin for one in seeds if (marketplace.id, one.asin) not in self.items]
            for place, seed in enumerate(seeds):
                if seed.asin not in new:
                    continue
                listed = now - (HISTORY_DAYS + 30 + place) * DAY_S
                kind = seed.article.type if isinstance(seed, Product) else _type_of(seed)
                updated = listed + steady(seed.asin, most=30 * DAY_S)
                listing = Listing(seller, marketplace, seed.sku, seed.asin, kind, listed, updated, vendor, seed)
                self.add(listing, dollars=seed.dollars if isinstance(seed, Product) else None)
            for place, product in enumerate(products):
                if product.channel == "AFN" and not vendor and product.asin in new:
                    key = seller, network(marketplace), product.sku
                    self._stocks.setdefault(key, _stocked(product, key[1], place, now))

    def add(self, listing: Listing, *, dollars: Decimal | None = None) -> None:
        """Add a listing; with it an item, where its ASIN is new to the marketplace."""
        self._listings.setdefault(listing.seller, {})[listing.marketplace.id, listing.sku] = listing
        if listing.asin is not None:
            key = listing.marketplace.id, listing.asin
            self.items.setdefault(key, Item(listing.asin, listing.marketplace, listing, dollars))
            # the attributes of what is seeded are not made for this
            for code in [listing.seed.ean] if isinstance(listing.seed, Product) else self.items[key].codes:
                self._codes.setdefault(code.lstrip("0"), set()).add(key)

    def tell(self, listing: Listing) -> None:
        """Let an item say what its maker says of it now."""
        item = self.item(listing)
        if item is not None and item.maker.seller == listing.seller and "item_name" in listing.attributes:
            item.maker, item.facts = listing, facts(listing)
            self.add(listing)

    def delist(self, listing: Listing) -> None:
        """Take a listing away; its item and what is in the warehouses stay."""
        del self._listings[listing.seller][listing.marketplace.id, listing.sku]

    def listing(self, seller: str, marketplace_id: str, sku: str) -> Listing | None:
        """Return an account's listing, if there is one."""
        return self._listings.get(seller, {}).get((marketplace_id, sku))

    def listings(self, seller: str, marketplace_ids: Iterable[str] | None = None) -> Iterator[Listing]:
        """Yield an account's listings, in all marketplaces or in these, in the order in which they were made."""
        wanted = None if marketplace_ids is None else set(marketplace_ids)
        for listing in self._listings.get(seller, {}).values():
            if wanted is None or listing.marketplace.id in wanted:
                yield listing

    def offered(self, marketplace_id: str, asin: str) -> Iterator[Listing]:
        """Yield every account's listings of an ASIN."""
        for listings in self._listings.values():
            for listing in listings.values():
                if (listing.marketplace.id, listing.asin) == (marketplace_id, asin):
                    yield listing

    def item(self, listing: Listing) -> Item | None:
        """Return what a listing is an offer of."""
        return None if listing.asin is None else self.items.get((listing.marketplace.id, listing.asin))

    def title(self, listing: Listing) -> str:
        """Return what a listing is called, by the account or else by the catalogue."""
        item = self.item(listing)
        return listing.title or (item.title if item else "")

    def on_shelf(self, marketplace_id: str) -> Iterator[Item]:
        """Yield the items of a marketplace."""
        return (item for item in self.items.values() if item.marketplace.id == marketplace_id)

    def coded(self, code: str) -> list[Item]:
        """Return the items that have an EAN, UPC or GTIN, in all marketplaces."""
        known = self._codes.get(code.lstrip("0"), set())
        return [self.items[key] for key in sorted(known) if self.items[key].has_code(code)]

    def stock(self, seller: str, marketplace: Marketplace, sku: str) -> Stock:
        """Return what Amazon has of a SKU where it serves a marketplace from; nothing is stock too."""
        return self._stocks.setdefault((seller, network(marketplace), sku), Stock())

    def discard(self, seller: str, marketplace: Marketplace, sku: str) -> None:
        """Forget what Amazon has of a SKU."""
        self._stocks.pop((seller, network(marketplace), sku), None)

    def available(self, listing: Listing) -> int:
        """Return how many can be bought now."""
        stocked = self.stock(listing.seller, listing.marketplace, listing.sku).fulfillable if listing.by_amazon else 0
        return stocked + listing.quantity

    def buyable(self, listing: Listing) -> bool:
        """Whether a listing can be bought now."""
        asked = None if listing.asin is None or listing.is_parent else price(listing.attributes)
        return bool(asked) and not listing.too_cheap and self.available(listing) > 0

    def discoverable(self, listing: Listing) -> bool:
        """Whether a listing can be found in the shop: what has no main image can not."""
        item = self.item(listing)
        return item is not None and any(kind == "MAIN" for kind, _ in images(item.facts))


def validator(schema: Mapping[str, Any]) -> jsonschema_rs.Draft201909Validator:
    """Return what checks attributes against a schema.

    Raises:
        ValueError: it is no JSON Schema, or points at something outside of itself.
    """
    plain = {name: value for name, value in schema.items() if name not in ("$schema", "$id")}
    return jsonschema_rs.Draft201909Validator(plain, retriever=_nowhere)


def _nowhere(place: str) -> Any:
    raise ValueError(f"{place} is not part of the schema")


def facts(listing: Listing) -> Attributes:
    """Return what a listing says of the item, without what it says of the offer."""
    return {name: values for name, values in listing.attributes.items() if name not in OFFER}


# --- seeds ------------------------------------------------------------------------------------------------------------


def _type_of(family: Family) -> str:
    return next(article.type for article in ARTICLES if article.family == family.title)


def _stocked(product: Product, network: str, place: int, now: float) -> Stock:
    return Stock(
        fulfillable=steady(product.asin, network, most=180),
        inbound_working=24 if place % 7 == 3 else 0,
        inbound_shipped=36 if place % 5 == 0 else 0,
        inbound_receiving=12 if place % 9 == 4 else 0,
        transshipment=steady(product.asin, "moving", most=5),
        fc_processing=steady(product.asin, "handled", most=3),
        researching=1 if place % 11 == 7 else 0,
        customer_damaged=steady(product.asin, "returned", most=3),
        warehouse_damaged=steady(product.asin, "dropped", most=2),
        updated=now - steady(product.asin, "counted", most=20 * DAY_S),
    )


def _seeded(listing: Listing, seed: Product | Family) -> Attributes:
    """Return all attributes of a seeded listing; a few lack what Amazon would like to see, or a main image."""
    here = {"marketplace_id": listing.marketplace.id}
    said = {"language_tag": LANGUAGES[listing.marketplace.country], **here}
    made: Attributes = {
        "item_name": [{"value": seed.title, **said}],
        "brand": [{"value": seed.brand, **said}],
        "product_description": [{"value": f"{seed.title}. Made to be used every day, and to last.", **said}],
        "country_of_origin": [{"value": "PT", **here}],
        "supplier_declared_dg_hz_regulation": [{"value": "not_applicable", **here}],
        "main_product_image_locator": [{"media_location": _picture(seed.asin, "MAIN"), **here}],
    }
    if isinstance(seed, Family):
        return made | _of_family(seed, here, said)
    made |= _of_article(seed, here, said) | (_purchase if listing.vendor else _offer)(listing, seed, here)
    made.pop(seed.article.lacks or "", None)
    return made


def _picture(asin: str, kind: str) -> str:
    return f"https://images.local-amazon.invalid/I/{asin}.{kind}.jpg"  # .invalid never resolves (RFC 2606)


def _of_family(family: Family, here: dict[str, Any], said: dict[str, Any]) -> Attributes:
    return {
        "parentage_level": [{"value": "parent", **here}],
        "variation_theme": [{"name": family.theme, **here}],
        "bullet_point": [{"value": "Comes in several variations", **said}],
        **{name: [{"value": "Various", **said}] for name in ("color", "material", "size")},
    }


def _of_article(product: Product, here: dict[str, Any], said: dict[str, Any]) -> Attributes:
    article = product.article
    model = f"{product.brand[:2].upper()}-{product.ean[-5:-1]}"
    points = (f"Made of {article.material.lower()}", f"Colour: {article.color}", "Packed without plastic")
    made: Attributes = {
        "manufacturer": [{"value": product.brand, **said}],
        "bullet_point": [{"value": point, **said} for point in points],
        "externally_assigned_product_identifier": [{"type": "ean", "value": product.ean, **here}],
        "model_number": [{"value": model, **here}],
        "part_number": [{"value": model, **here}],
        "color": [{"value": article.color, **said}],
        "material": [{"value": article.material, **said}],
        "number_of_items": [{"value": 1, **here}],
        "item_dimensions": [_sides(article.centimetres) | here],
        "item_weight": [{"unit": "grams", "value": article.grams, **here}],
        "item_package_dimensions": [_sides([side + 2 for side in article.centimetres]) | here],
        "item_package_weight": [{"unit": "grams", "value": article.grams + 60, **here}],
        "other_product_image_locator_1": [{"media_location": _picture(product.asin, "PT01"), **here}],
    }
    if article.size:
        made["size"] = [{"value": article.size, **said}]
    if product.family:
        related = {"child_relationship_type": "variation", "parent_sku": product.family.sku}
        made["parentage_level"] = [{"value": "child", **here}]
        made["child_parent_sku_relationship"] = [related | here]
        made["variation_theme"] = [{"name": product.family.theme, **here}]
    return made


def _sides(centimetres: Sequence[int]) -> dict[str, Any]:
    sides = zip(("length", "width", "height"), centimetres, strict=True)
    return {name: {"unit": "centimeters", "value": side} for name, side in sides}


def _purchase(listing: Listing, product: Product, here: dict[str, Any]) -> Attributes:
    cost = {"currency": listing.marketplace.currency, "value": _money(product, listing, "0.6")}
    return {"cost_price": [{**cost, **here}]}


def _offer(listing: Listing, product: Product, here: dict[str, Any]) -> Attributes:
    currency = listing.marketplace.currency

    def offer(audience: str, share: str, **more: Any) -> dict[str, Any]:
        asked = [{"schedule": [{"value_with_tax": _money(product, listing, share)}]}]
        return {"currency": currency, "audience": audience, "our_price": asked, **more, **here}

    offers = [offer("ALL", "1")]
    if steady(product.sku, "business", most=4) == 0:
        levels = [{"lower_bound": 5, "value": _money(product, listing, "0.9")}]
        plan = [{"schedule": [{"discount_type": "fixed", "levels": levels}]}]
        offers.append(offer("B2B", "0.95", quantity_discount_plan=plan))
    if product.channel == "AFN":
        available: dict[str, Any] = {"fulfillment_channel_code": CHANNELS[listing.marketplace.region]}
    else:
        quantity = steady(product.sku, product.asin, listing.marketplace.id, most=80)
        available = {"fulfillment_channel_code": "DEFAULT", "quantity": quantity, "lead_time_to_ship_max_days": 2}
    return {
        "condition_type": [{"value": "new_new", **here}],
        "list_price": [{"currency": currency, "value_with_tax": _money(product, listing, "1.2"), **here}],
        "purchasable_offer": offers,
        "fulfillment_availability": [available | here],
    }


def _money(product: Product, listing: Listing, share: str) -> float:
    return float(local(product.dollars * Decimal(share), listing.marketplace.currency))
