"""What seeded shops sell: product types, the categories they are in, and invented articles of them.

Facts of no account and no marketplace. The names of product types, and what Amazon takes of a sale in a category, are
Amazon's; everything else is invented.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

GENERIC = "PRODUCT"
"""The product type that fits everything, which clients name where they change a price or a quantity."""


@dataclass(frozen=True)
class Category:
    """A top of the browse tree; ``referral`` is the share of a sale that Amazon keeps in the US."""

    id: str
    title: str
    group: str
    referral: Decimal


@dataclass(frozen=True)
class ProductType:
    """A kind of product, which is a leaf of the browse tree too.

    ``required`` are the attributes that a listing of it has to have beside those that every listing has.
    """

    name: str
    title: str
    category: Category
    id: str
    required: tuple[str, ...] = ()


@dataclass(frozen=True)
class Article:
    """Something to sell, before anyone sells it; articles of a family differ in its theme only."""

    title: str
    dollars: Decimal
    type: str
    material: str
    color: str
    grams: int
    centimetres: tuple[int, int, int]
    """Length, width and height."""
    size: str | None = None
    family: str | None = None
    theme: str | None = None
    lacks: str | None = None
    """An attribute that whoever listed it forgot."""


KITCHEN = Category("9000000001", "Kitchen & Dining", "kitchen_display_on_website", Decimal("0.15"))
HOME = Category("9000000002", "Home & Décor", "home_display_on_website", Decimal("0.15"))
OFFICE = Category("9000000003", "Office Products", "office_product_display_on_website", Decimal("0.15"))
GARDEN = Category("9000000004", "Patio, Lawn & Garden", "lawn_and_garden_display_on_website", Decimal("0.15"))
SPORTS = Category("9000000005", "Sports & Outdoors", "sports_display_on_website", Decimal("0.15"))
CLOTHING = Category("9000000006", "Clothing", "apparel_display_on_website", Decimal("0.17"))
ELECTRONICS = Category("9000000007", "Electronics", "ce_display_on_website", Decimal("0.08"))

_MADE_OF = ("color", "material")

_TYPES = (
    ProductType("DRINKING_CUP", "Drinking Cup", KITCHEN, "9000000101", _MADE_OF),
    ProductType("SERVEWARE", "Serveware", KITCHEN, "9000000102", _MADE_OF),
    ProductType("COFFEE_MAKER", "Coffee Maker", KITCHEN, "9000000103", ("color",)),
    ProductType("CUTTING_BOARD", "Cutting Board", KITCHEN, "9000000104", ("material",)),
    ProductType("TOWEL", "Towel", HOME, "9000000201", (*_MADE_OF, "size")),
    ProductType("CANDLE", "Candle", HOME, "9000000202", ("color",)),
    ProductType("STORAGE_BOX", "Storage Box", HOME, "9000000203", _MADE_OF),
    ProductType("BLANKET", "Blanket", HOME, "9000000204", _MADE_OF),
    ProductType("LAUNDRY_ACCESSORY", "Laundry Accessory", HOME, "9000000205", ("material",)),
    ProductType("WRITING_INSTRUMENT", "Writing Instrument", OFFICE, "9000000301", ("color",)),
    ProductType("DESK_ACCESSORY", "Desk Accessory", OFFICE, "9000000302", ("material",)),
    ProductType("NOTEBOOK", "Notebook", OFFICE, "9000000303", ("color",)),
    ProductType("GARDEN_TOOL", "Garden Tool", GARDEN, "9000000401", ("material",)),
    ProductType("PLANTER", "Planter", GARDEN, "9000000402", _MADE_OF),
    ProductType("YOGA_EQUIPMENT", "Yoga Equipment", SPORTS, "9000000501", ("material",)),
    ProductType("BACKPACK", "Backpack", SPORTS, "9000000502", _MADE_OF),
    ProductType("OUTERWEAR", "Outerwear", CLOTHING, "9000000601", ("color", "size")),
    ProductType("HAT", "Hat", CLOTHING, "9000000602", _MADE_OF),
    ProductType("CHARGING_DOCK", "Charging Dock", ELECTRONICS, "9000000701", ("color",)),
    ProductType(GENERIC, "Product", HOME, "9000000999"),
)
PRODUCT_TYPES = MappingProxyType({one.name: one for one in _TYPES})


def _article(
    title: str, dollars: str, type: str, made: tuple[str, str], grams: int, form: tuple[int, int, int], **more: str
) -> Article:
    material, color = made
    return Article(title, Decimal(dollars), type, material, color, grams, form, **more)


_MUG = {"family": "Enamel Camping Mug, 350 ml", "theme": "COLOR"}
_CAPE = {"family": "Children's Rain Cape", "theme": "SIZE"}
_STEEL, _CUP = "Enamelled Steel", (12, 9, 8)

ARTICLES = (
    _article("Enamel Camping Mug, 350 ml, Forest Green", "14.90", "DRINKING_CUP", (_STEEL, "Green"), 140, _CUP, **_MUG),
    _article("Linen Tea Towels, Set of 4, Oatmeal", "22.50", "TOWEL", ("Linen", "Beige"), 320, (30, 22, 4), size="Set"),
    _article("Beeswax Candle Pair, 25 cm", "17.95", "CANDLE", ("Beeswax", "Honey"), 210, (26, 6, 3)),
    _article("Folding Bamboo Laptop Stand", "34.00", "DESK_ACCESSORY", ("Bamboo", "Natural"), 780, (30, 24, 4)),
    _article("Cast Iron Trivet, Leaf Pattern", "19.99", "SERVEWARE", ("Cast Iron", "Black"), 890, (20, 20, 2)),
    _article("Wool Dryer Balls, 6 Pieces", "12.49", "LAUNDRY_ACCESSORY", ("Wool", "White"), 260, (22, 15, 8)),
    _article("Walnut Key Tray with Brass Feet", "28.75", "STORAGE_BOX", ("Walnut", "Brown"), 410, (24, 12, 4)),
    _article("Stoneware Butter Dish with Lid", "26.90", "SERVEWARE", ("Stoneware", "Cream"), 760, (18, 13, 9)),
    _article("Cotton Rope Plant Hanger, 110 cm", "11.99", "PLANTER", ("Cotton", "Ecru"), 150, (20, 14, 5)),
    _article("Refillable Fountain Pen, Slate", "39.50", "WRITING_INSTRUMENT", ("Aluminium", "Grey"), 60, (17, 6, 3)),
    _article("Recycled Felt Desk Mat, 80 x 30 cm", "31.20", "DESK_ACCESSORY", ("Felt", "Grey"), 430, (32, 10, 10)),
    _article("Cork Yoga Block, Pair", "24.99", "YOGA_EQUIPMENT", ("Cork", "Natural"), 1100, (24, 16, 16)),
    _article("Copper Watering Can, 0.9 l", "44.00", "GARDEN_TOOL", ("Copper", "Copper"), 650, (30, 16, 20)),
    _article("Garden Twine on Wooden Spool, 150 m", "8.95", "GARDEN_TOOL", ("Jute", "Green"), 240, (10, 10, 12)),
    _article(
        "Children's Rain Cape, Size 116, Yellow", "29.90", "OUTERWEAR", ("Polyester", "Yellow"), 310, (28, 22, 5),
        size="116", **_CAPE,
    ),
    _article("Pour-over Coffee Set with 80 Filters", "36.40", "COFFEE_MAKER", ("Glass", "Clear"), 720, (20, 16, 24)),
    _article("Enamel Camping Mug, 350 ml, Sky Blue", "14.90", "DRINKING_CUP", (_STEEL, "Blue"), 140, _CUP, **_MUG),
    _article("Enamel Camping Mug, 350 ml, Brick Red", "15.40", "DRINKING_CUP", (_STEEL, "Red"), 140, _CUP, **_MUG),
    _article(
        "Children's Rain Cape, Size 128, Yellow", "29.90", "OUTERWEAR", ("Polyester", "Yellow"), 330, (28, 22, 5),
        size="128", **_CAPE,
    ),
    _article(
        "Children's Rain Cape, Size 140, Yellow", "31.90", "OUTERWEAR", ("Polyester", "Yellow"), 350, (28, 22, 5),
        size="140", **_CAPE,
    ),
    _article("Stoneware Espresso Cups, Set of 2", "21.60", "DRINKING_CUP", ("Stoneware", "Blue"), 380, (18, 10, 8)),
    _article("Double-walled Tea Glass, 300 ml", "13.80", "DRINKING_CUP", ("Glass", "Clear"), 170, (10, 10, 12)),
    _article("Olive Wood Serving Board, 40 cm", "42.30", "CUTTING_BOARD", ("Olive Wood", "Brown"), 980, (42, 18, 3)),
    _article("Beech Cutting Board with Groove", "27.45", "CUTTING_BOARD", ("Beech", "Natural"), 1250, (36, 25, 3)),
    _article("Stoneware Salad Bowl, 26 cm", "38.20", "SERVEWARE", ("Stoneware", "Sage"), 1450, (27, 27, 10)),
    _article("Linen Napkins, Set of 6, Rust", "32.00", "TOWEL", ("Linen", "Rust"), 340, (28, 20, 4), size="Napkin"),
    _article("Waffle Bath Towel, 70 x 140 cm", "25.50", "TOWEL", ("Cotton", "White"), 480, (35, 25, 8), size="Bath"),
    _article("Scented Soy Candle, Cedar and Fig", "18.40", "CANDLE", ("Soy Wax", "Ivory"), 430, (9, 9, 11)),
    _article("Tealights of Rapeseed Wax, 24 Pieces", "10.90", "CANDLE", ("Rapeseed Wax", "White"), 390, (24, 16, 3)),
    _article("Seagrass Basket with Handles, 30 cm", "23.70", "STORAGE_BOX", ("Seagrass", "Natural"), 620, (32, 32, 26)),
    _article("Felt Storage Box with Leather Tab", "16.80", "STORAGE_BOX", ("Felt", "Charcoal"), 290, (28, 28, 5)),
    _article("Merino Throw, 130 x 170 cm, Moss", "89.00", "BLANKET", ("Merino Wool", "Moss"), 820, (36, 28, 12)),
    _article("Cotton Picnic Blanket, Waxed Back", "54.60", "BLANKET", ("Cotton", "Tartan"), 1350, (38, 30, 10)),
    _article("Clothbound Notebook, A5, Dotted", "15.20", "NOTEBOOK", ("Paper", "Terracotta"), 310, (22, 16, 2)),
    _article("Week Planner Pad, 60 Sheets", "9.80", "NOTEBOOK", ("Paper", "White"), 350, (31, 22, 1)),
    _article("Brass Ballpoint Pen, Hexagonal", "26.10", "WRITING_INSTRUMENT", ("Brass", "Brass"), 45, (16, 5, 3)),
    _article("Terracotta Herb Pots, Set of 3", "22.20", "PLANTER", ("Terracotta", "Terracotta"), 1600, (34, 13, 12)),
    _article("Waxed Canvas Rucksack, 18 l", "98.50", "BACKPACK", ("Canvas", "Olive"), 1150, (45, 32, 12)),
    _article(
        "Ribbed Lambswool Beanie", "24.20", "HAT", ("Lambswool", "Oatmeal"), 90, (24, 20, 3),
        lacks="main_product_image_locator",
    ),
    _article(
        "Walnut Dock for Phone and Watch", "47.90", "CHARGING_DOCK", ("Walnut", "Brown"), 380, (20, 12, 7),
        lacks="item_dimensions",
    ),
)  # fmt: skip
