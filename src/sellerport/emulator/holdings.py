"""What of a `World` is its state, class by class, and how each is named in a file; `state` writes and loads it.

A class that has fields is not listed: all of its fields are its state. A test holds that nothing is missing here.
"""

from __future__ import annotations

import base64
import random
import struct
from collections.abc import Callable, Mapping
from decimal import Decimal
from operator import attrgetter
from typing import Any

from sellerport import regions
from sellerport.emulator import carriers, inbound_plans, outbound_orders
from sellerport.emulator.ads.advertisers import Advertising, Profile
from sellerport.emulator.ads.book import Book, Row
from sellerport.emulator.ads.budget_rules import Rule
from sellerport.emulator.ads.streams import Stream
from sellerport.emulator.ads.tasks import Task
from sellerport.emulator.ads.test_accounts import AccountRequest
from sellerport.emulator.direct_orders import Direct
from sellerport.emulator.distribution import Center
from sellerport.emulator.documents import Document
from sellerport.emulator.external_book import External
from sellerport.emulator.faults import Fault
from sellerport.emulator.grants import AccessToken, AdsCode, AdsGrant, Application, Code, Grant, Grants, Notice
from sellerport.emulator.jobs import Job, Outcome, Schedule
from sellerport.emulator.order_book import OrderBook
from sellerport.emulator.page_tokens import Rest
from sellerport.emulator.parcels import Bought, Package, Parcels, Quote
from sellerport.emulator.purchases import Vendor
from sellerport.emulator.queue import Name, Queue, Queues
from sellerport.emulator.quotas import Limit, Quotas
from sellerport.emulator.service_jobs import Services
from sellerport.emulator.sessions import Session, Sessions, Waiting
from sellerport.emulator.shelf import Item, Listing, Shelf, Stock
from sellerport.emulator.shop import Family, Order, Product
from sellerport.emulator.storage import Storage, Stored
from sellerport.emulator.subscriptions import Destination, Held, Subscription, Subscriptions
from sellerport.emulator.world import Account, Pages, World

Ids = tuple[str, str]

CARRIED: Mapping[type, Mapping[str, Any]] = {
    World: {
        "seed": int,
        "_offset_s": float,
        "accounts": dict[str, Account],
        "ads": Advertising,
        "vendors": dict[str, Vendor],
        "direct": dict[str, Direct],
        "centers": dict[str, Center],
        "services": dict[str, Services],
        "external": dict[str, External],
        "shelf": Shelf,
        "login": Grants,
        "sessions": Sessions,
        "solicited": set[Ids],
        "payouts": dict[Ids, list[float]],
        "supply_sources": dict[str, dict[str, dict[str, Any]]],
        "parcels": Parcels,
        "inbound": inbound_plans.Inbound,
        "outbound": outbound_orders.Outbound,
        "jobs": dict[tuple[str, str, str], Job],
        "schedules": dict[str, Schedule],
        "documents": dict[Ids, Document],
        "storage": Storage,
        "subscriptions": Subscriptions,
        "queues": Queues,
        "pages": dict[str, Rest],
        "paged": dict[str, Pages],
        "outcomes": list[Outcome],
        "faults": list[Fault],
        "told": dict[str, int],
        "quotas": Quotas,
        "_chance": random.Random,
        "_luck": random.Random,
    },
    Shelf: {
        "_listings": dict[str, dict[Ids, Listing]],
        "items": dict[Ids, Item],
        "_stocks": dict[tuple[str, str, str], Stock],
        "_codes": dict[str, set[Ids]],
        "schemas": dict[str, dict[str, Any]],
        "added": set[Ids],
    },
    Grants: {
        "applications": dict[str, Application],
        "secret_ends": dict[str, float],
        "old_secrets": dict[Ids, float],
        "grants": dict[str, Grant],
        "used": dict[str, Grant],
        "codes": dict[str, Code],
        "ads_grants": dict[str, AdsGrant],
        "ads_codes": dict[str, AdsCode],
        "access_tokens": dict[str, AccessToken],
        "_notices": list[Notice],
        "_warned": set[str],
    },
    Sessions: {"_sessions": dict[str, Session], "_waiting": dict[str, Waiting]},
    Parcels: {
        "_packages": dict[Ids, dict[str, Package]],
        "quotes": dict[Ids, Quote],
        "bought": dict[tuple[str, str, str], Bought],
        "answers": dict[tuple[str, str, str], Any],
    },
    inbound_plans.Inbound: {
        "plans": dict[Ids, inbound_plans.Plan],
        "operations": dict[Ids, inbound_plans.Operation],
        "preps": dict[tuple[str, str, str], dict[str, Any]],
    },
    outbound_orders.Outbound: {"orders": dict[Ids, outbound_orders.Outgoing], "_number": int},
    Storage: {"objects": dict[str, Stored], "places": set[str]},
    Subscriptions: {
        "destinations": dict[str, Destination],
        "subscriptions": dict[str, Subscription],
        "held": dict[tuple[str, str, str], Held],
    },
    Queues: {"queues": dict[Name, Queue]},
    Quotas: {"limits": dict[str, Limit]},
    Advertising: {
        "profiles": dict[str, Profile],
        "people": dict[str, dict[str, str]],
        "books": dict[str, Book],
        "tasks": dict[Ids, Task],
        "budget_rules": dict[str, dict[str, Rule]],
        "test_accounts": dict[str, AccountRequest],
        "streams": dict[str, Stream],
    },
}
"""What is written of the classes whose attributes are their state; in the file, names have no leading ``_``."""

LEFT: Mapping[type, frozenset[str]] = {
    World: frozenset(
        {
            "_polls", "polls", "_task_s", "task_s", "_limits", "_strict", "sandbox", "sdk_tests",  # how it behaves
            "_clock", "_orders",
            "applications", "grants", "codes", "access_tokens",  # the login's own
            "requests",
        }
    ),
    Grants: frozenset({"strict", "_deliver", "_now", "_secret", "_uuid"}),
    Sessions: frozenset({"_secret"}),
    outbound_orders.Outbound: frozenset({"release", "_tell"}),
    Storage: frozenset({"_secret"}),  # made of the seed
    Queues: frozenset({"_now", "_secret", "_uuid"}),
    Quotas: frozenset({"mode", "_buckets"}),
    Advertising: frozenset({"_accounts", "_seed", "_now"}),
}  # fmt: skip
"""What is not."""

KEYS: Mapping[Any, str] = {
    Account: "selling_partner_id",
    Order: "id",
    Product: "asin",
    Application: "client_id",
    Grant: "refresh_token",
    AdsGrant: "refresh_token",
    Profile: "id",
    Row: "id",
}
"""What is found by its id, which is not written a second time."""
SHARED = frozenset({Account, Order, Product, Family, Application, Destination})
"""What is written once, beside all that can change; everything else is a value, and written wherever it is."""
LATER = {one.__name__: one for one in (Account, Application, World)}
"""Classes that some modules name and do not import."""


def _amount(text: str) -> Decimal:
    found = Decimal(text)
    if not found.is_finite():
        raise ValueError
    return found


def _drawn(chance: random.Random) -> str:
    """Return how far a random generator has come."""
    _, numbers, _ = chance.getstate()
    return base64.b64encode(struct.pack(">625I", *numbers)).decode()


def _drawing(text: str) -> random.Random:
    chance = random.Random()  # noqa: S311  # nothing here is worth guessing
    try:
        chance.setstate((3, struct.unpack(">625I", base64.b64decode(text, validate=True)), None))
    except struct.error:
        raise ValueError from None
    return chance


LEAVES: Mapping[Any, tuple[str, Callable[[Any], str], Callable[[str], Any]]] = {
    Decimal: ("an amount, as a text such as 9.99", str, _amount),
    bytes: (
        "bytes in base64",
        lambda held: base64.b64encode(held).decode(),
        lambda text: base64.b64decode(text, validate=True),
    ),
    regions.Marketplace: ("the country of a marketplace, such as US", attrgetter("country"), regions.marketplace),
    carriers.Service: ("the id of a service", attrgetter("id"), carriers.BY_ID.__getitem__),
    random.Random: ("what a dump says of chance; without it, the seed's", _drawn, _drawing),
}
"""What is written as a text: what that has to be, and how it is written and read."""
WRAPPED: Mapping[Any, tuple[Any, Callable[[Any], Any]]] = {OrderBook: (dict[str, Order], OrderBook.of)}
"""What is written as what it holds: as what, and how it is made of that."""
