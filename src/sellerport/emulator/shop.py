"""What a seeded account sells and sold: invented products and buyers, and orders whose parts agree with each other.

It knows nothing of HTTP, tokens or of how any API version writes an order. The same seed gives the same shop. What
becomes of the products afterwards - prices, stock, listings made and changed - is the `shelf`'s.
"""

from __future__ import annotations

import bisect
import functools
import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, TypeVar

from sellerport.emulator.assortment import ARTICLES, Article
from sellerport.regions import Marketplace

Status = Literal["Pending", "Unshipped", "PartiallyShipped", "Shipped", "Canceled", "Unfulfillable"]
Channel = Literal["AFN", "MFN"]

T = TypeVar("T")

CHANNELS: tuple[Channel, ...] = ("AFN", "MFN")
DAY_S = 86_400
HISTORY_DAYS = 45
PIECES = (1, 2, 3)
"""How many lines an order has, and how many pieces each."""
SHIPPING = Decimal("4.90")
NOTHING = Decimal(0)

RATES = {
    "USD": "1", "CAD": "1.36", "MXN": "17.2", "BRL": "5", "EUR": "0.93", "GBP": "0.79", "SEK": "10.5", "ZAR": "18.5",
    "PLN": "4", "EGP": "48", "TRY": "34", "SAR": "3.75", "AED": "3.67", "INR": "84", "SGD": "1.34", "AUD": "1.5",
    "JPY": "150",
}  # fmt: skip

LANGUAGES = {
    "US": "en_US", "CA": "en_CA", "MX": "es_MX", "BR": "pt_BR", "IE": "en_IE", "ES": "es_ES", "GB": "en_GB",
    "FR": "fr_FR", "BE": "fr_BE", "NL": "nl_NL", "DE": "de_DE", "IT": "it_IT", "SE": "sv_SE", "ZA": "en_ZA",
    "PL": "pl_PL", "EG": "ar_AE", "TR": "tr_TR", "SA": "ar_AE", "AE": "en_AE", "IN": "en_IN", "SG": "en_SG",
    "AU": "en_AU", "JP": "ja_JP",
}  # fmt: skip

NAMES = {
    "DE": ("Annelie Moosbrink", "Jorin Taubenfels", "Merle Hasselkamp", "Till Ostergrund"),
    "FR": ("Maëlle Fontbrune", "Corentin Valdorme", "Inès Roquemare", "Bastien Clairpont"),
    "IT": ("Ginevra Montalbo", "Elio Serravento", "Noemi Castelrosso", "Tullio Pianverde"),
    "ES": ("Itziar Montesol", "Nuria Valdeoro", "Gael Riomanso", "Teo Campolargo"),
    "MX": ("Ximena Valdeoro", "Iker Montesol", "Renata Riomanso", "Emilio Campolargo"),
    "JP": ("星影 ひなた", "水縁 そうた", "花野井 ことは", "月見里 れん"),
}
PLAIN_NAMES = ("Wren Halloway", "Jasper Quillfeather", "Odette Marlowick", "Rowan Tillbrook", "Imogen Fairweather")

PLACES = {
    "US": (
        ("4821 Juniper Hollow Rd", "Fairmeadow", "OR", "97099"),
        ("77 Larkspur Ave Apt 3", "Eastbrook", "OH", "43099"),
    ),
    "CA": (
        ("310 Maple Bend", "Northlake", "ON", "K0A 9Z9"),
        ("12 Harbour Steps", "Port Alder", "BC", "V0N 9Z9"),
    ),
    "MX": (
        ("Calle Jacaranda 215", "Villa Serena", "Jalisco", "45990"),
        ("Av. del Faro 18", "Puerto Claro", "Yucatán", "97990"),
    ),
    "DE": (
        ("Lindenhain 14", "Ahrenfeld", "Niedersachsen", "31099"),
        ("Am Mühlgrund 3", "Steinbrück", "Sachsen", "01099"),
    ),
    "GB": (
        ("6 Thistle Row", "Amberford", "Somerset", "TA99 9ZZ"),
        ("41 Quarry Lane", "Little Hensham", "Kent", "CT99 9ZZ"),
    ),
    "FR": (
        ("18 rue des Tilleuls", "Montclairval", "Bretagne", "35999"),
        ("5 quai du Moulin", "Saint-Ormel", "Occitanie", "31999"),
    ),
    "IT": (
        ("Via dei Cipressi 9", "Borgoverde", "Toscana", "50199"),
        ("Piazza del Pozzo 2", "Rivalta Nova", "Piemonte", "10199"),
    ),
    "ES": (
        ("Calle del Olivo 27", "Valdemar", "Andalucía", "41099"),
        ("Paseo del Puerto 4", "Cala Brisa", "Illes Balears", "07099"),
    ),
    "JP": (
        ("桜ヶ丘3-14-2", "青葉市", "神奈川県", "259-9999"),
        ("湖畔町1-8", "白鷺市", "長野県", "399-9999"),
    ),
}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a parcel goes."""

    name: str = field(repr=False)
    line: str = field(repr=False)
    city: str
    state: str
    postal_code: str
    country: str
    phone: str = field(repr=False)

    @property
    def printed(self) -> tuple[str, ...]:
        """The lines that stand on a parcel."""
        return self.name, self.line, self.city, f"{self.state} {self.postal_code}", self.country

    @property
    def written(self) -> dict[str, str]:
        """The fields that most APIs have for it; what they call the phone differs."""
        return {
            "name": self.name,
            "addressLine1": self.line,
            "city": self.city,
            "stateOrRegion": self.state,
            "postalCode": self.postal_code,
            "countryCode": self.country,
        }


@dataclass(frozen=True)
class Family:
    """What products are variations of: an item of its own that nobody can buy."""

    asin: str
    sku: str
    title: str
    brand: str
    theme: str


@dataclass(frozen=True)
class Product:
    """What an account lists; ``dollars`` is its price in US dollars, wherever it is sold."""

    asin: str
    sku: str
    title: str
    dollars: Decimal
    ean: str
    brand: str
    channel: Channel
    """Who ships it, Amazon or the account."""
    article: Article = field(repr=False)
    family: Family | None = field(default=None, repr=False)

    def price(self, currency: str) -> Decimal:
        """What it costs in a currency."""
        return local(self.dollars, currency)


@dataclass(frozen=True, slots=True)
class Item:
    """One line of an order."""

    id: str
    asin: str
    sku: str
    title: str
    quantity: int
    shipped: int
    unit_price: Decimal
    tax: Decimal
    gift_message: str | None = None

    @property
    def price(self) -> Decimal:
        """What all pieces of the line cost, without shipping and tax."""
        return self.unit_price * self.quantity


@dataclass(frozen=True, slots=True)
class Order:
    """One order; every API version shows this same truth. Times are unix seconds."""

    id: str
    marketplace: Marketplace
    created: int
    updated: int
    status: Status
    channel: Channel
    items: tuple[Item, ...]
    shipping: Decimal
    address: Address
    email: str = field(repr=False)
    prime: bool
    business: bool
    payment: str
    expedited: bool

    @property
    def total(self) -> Decimal:
        """What the buyer pays."""
        return sum((item.price + item.tax for item in self.items), self.shipping)

    @property
    def ship_window(self) -> tuple[int, int]:
        """From when until when it has to leave."""
        return self.created + DAY_S // 2, self.created + 2 * DAY_S

    @property
    def delivery_window(self) -> tuple[int, int]:
        """From when until when it has to arrive."""
        return self.created + 3 * DAY_S, self.created + (4 if self.expedited else 7) * DAY_S

    @property
    def priced(self) -> bool:
        """Whether Amazon names prices: not before the payment stands, nor after a cancellation."""
        return self.status not in ("Pending", "Canceled")


def products(chance: random.Random, name: str) -> tuple[Product, ...]:
    """Invent what an account of this name lists: its SKUs begin with its initials, its brand is its first word."""
    words = [word for word in name.split() if word[0].isalpha()]
    prefix = "".join(word[0] for word in words).upper() or "SKU"
    brand = words[0] if words else "Local"
    families: dict[str, Family] = {}
    found = []
    for number, article in enumerate(ARTICLES, start=1):
        if article.family and article.family not in families:
            sku = f"{prefix}-{article.type}"
            families[article.family] = Family(asin(chance), sku, article.family, brand, article.theme or "")
        found.append(
            Product(
                asin=asin(chance),
                sku=f"{prefix}-{number:03d}",
                title=article.title,
                dollars=article.dollars,
                ean=_ean(chance),
                brand=brand,
                channel="MFN" if number % 5 in (2, 4) else "AFN",
                article=article,
                family=families.get(article.family or ""),
            )
        )
    return tuple(found)


def asin(chance: random.Random) -> str:
    """Invent an ASIN."""
    return "B0L" + "".join(chance.choices("0123456789BCDFGHJKLMNPQRSTVWXYZ", k=7))


def _ean(chance: random.Random) -> str:
    """Return an EAN-13 of the range that shops use in their own walls (29…), so that it is nobody's."""
    digits = f"29{chance.randrange(10**10):010d}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-total % 10}"


@dataclass(frozen=True)
class _Offer:
    """A product in one marketplace; prices are made once, so that a hundred thousand orders share them."""

    product: Product
    price: Decimal
    taxes: tuple[Decimal, ...]
    """Of as many pieces as are ordered."""


def orders(
    chance: random.Random,
    marketplaces: Sequence[Marketplace],
    listed: Sequence[Product],
    *,
    count: int,
    now: float,
) -> dict[str, Order]:
    """Invent the orders of the last weeks, oldest first, by their id.

    Args:
        chance: where all variety comes from.
        marketplaces: where the account sells; the first sells most.
        listed: what it sells.
        count: how many orders.
        now: when the newest could have been placed, in unix seconds.
    """
    weights = list(itertools.accumulate(2 ** (len(marketplaces) - place) for place in range(len(marketplaces))))
    offers = {(shop.id, channel): _offers(shop, listed, channel) for shop in marketplaces for channel in CHANNELS}
    shipping = {shop.id: local(SHIPPING, shop.currency) for shop in marketplaces}
    found = {}
    for place in range(count, 0, -1):
        # denser towards today, as in a shop that grows; the newest is minutes old, so that every status occurs
        age_s = HISTORY_DAYS * DAY_S * ((place - chance.random()) / count) ** 1.6 + 300
        shop = _drawn(chance, marketplaces, weights)
        channel: Channel = "AFN" if chance.random() < 0.6 else "MFN"
        order = _order(
            chance, shop, channel, offers[shop.id, channel], shipping[shop.id], created=int(now - age_s), now=now
        )
        found[order.id] = order
    return found


def _drawn(chance: random.Random, values: Sequence[T], weights: Sequence[int]) -> T:
    """Draw one, as `random.choices` does with cumulative weights, and several times as fast."""
    return values[bisect.bisect(weights, chance.random() * weights[-1], hi=len(weights) - 1)]


def _offers(shop: Marketplace, listed: Sequence[Product], channel: Channel) -> list[_Offer]:
    taxed = Decimal("0.08") if shop.country in ("US", "CA") else Decimal(0)  # elsewhere the price contains it
    found = []
    for product in listed:
        if product.channel == channel:
            price = product.price(shop.currency)
            found.append(_Offer(product, price, tuple(rounded(price * n * taxed, shop.currency) for n in PIECES)))
    return found


def _order(
    chance: random.Random,
    shop: Marketplace,
    channel: Channel,
    offers: Sequence[_Offer],
    shipping: Decimal,
    *,
    created: int,
    now: float,
) -> Order:
    lines = chance.sample(offers, _drawn(chance, PIECES, (70, 92, 100)))
    quantities = [_drawn(chance, PIECES, (80, 95, 100)) for _ in lines]
    status = _status(chance, channel, (now - created) / DAY_S, pieces=sum(quantities))
    shipped = {"Shipped": quantities, "PartiallyShipped": [1, *[0] * (len(lines) - 1)]}.get(status, [0] * len(lines))
    items = []
    for offer, quantity, gone in zip(lines, quantities, shipped, strict=True):
        gift = "Happy birthday from all of us!" if chance.random() < 0.08 else None
        items.append(
            Item(
                id=f"{chance.randrange(10**13, 10**14)}",
                asin=offer.product.asin,
                sku=offer.product.sku,
                title=offer.product.title,
                quantity=quantity,
                shipped=gone,
                unit_price=offer.price,
                tax=offer.taxes[quantity - 1],
                gift_message=gift,
            )
        )
    prime = channel == "AFN" and chance.random() < 0.7
    return Order(
        id=f"90{chance.randrange(1, 9)}-{chance.randrange(10**7):07d}-{chance.randrange(10**7):07d}",
        marketplace=shop,
        created=created,
        updated=_updated(chance, status, created, now),
        status=status,
        channel=channel,
        items=tuple(items),
        shipping=NOTHING if prime else shipping,
        address=buyer_address(chance, shop.country),
        email=f"{chance.getrandbits(60):015x}@marketplace.{shop.domain}.invalid",
        prime=prime,
        business=chance.random() < 0.12,
        payment=chance.choice(("COD", "CVS", "Other", "Other")) if shop.country == "JP" else "Other",
        expedited=prime or chance.random() < 0.1,
    )


def _status(chance: random.Random, channel: Channel, age_days: float, *, pieces: int) -> Status:
    dice = chance.random()
    if age_days < 0.1:
        return "Pending"
    if age_days < 2:
        return "Unshipped" if dice < 0.7 else "Pending" if dice < 0.8 else "Canceled" if dice < 0.85 else "Shipped"
    if dice < 0.07:
        return "Canceled"
    if dice < 0.09 and channel == "AFN":
        return "Unfulfillable"
    if dice < 0.25 and channel == "MFN" and pieces > 1:
        return "PartiallyShipped"
    return "Shipped"


def _updated(chance: random.Random, status: Status, created: int, now: float) -> int:
    longest = {"Pending": 60, "Unshipped": 1800, "Canceled": DAY_S}.get(status, 2 * DAY_S)
    return min(created + int(longest * chance.uniform(0.2, 1)), int(now) - 180)


def buyer_address(chance: random.Random, country: str) -> Address:
    """Invent somebody who buys there."""
    place = chance.choice(PLACES.get(country, PLACES["GB"]))
    return _lived_at(
        chance.choice(NAMES.get(country, PLAIN_NAMES)), *place, country, f"+00 555 01{chance.randrange(100):02d}"
    )


_lived_at = functools.cache(Address)  # there are a few thousand of them, however many orders there are


def local(dollars: Decimal, currency: str) -> Decimal:
    """Return an amount of dollars in a currency, as it is paid."""
    return rounded(dollars * Decimal(RATES[currency]), currency)


def rounded(amount: Decimal, currency: str) -> Decimal:
    """Return an amount as it is paid."""
    return amount.quantize(Decimal(1) if currency == "JPY" else Decimal("0.01"))
