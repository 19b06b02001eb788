"""The local Amazon's state: accounts, applications, grants, codes, tokens, planned faults and what arrived.

All of it is in memory and comes from a seed; time comes from a clock that can be moved forward. It knows nothing of
HTTP. Whatever the control plane can do, a test in the same process can do by calling the world.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import random
import re
import time
import unicodedata
import uuid
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec

from sellerport import catalog, regions
from sellerport.emulator import (
    changes,
    direct_orders,
    distribution,
    external_book,
    payloads,
    purchases,
    service_jobs,
    shop,
    subscriptions,
)
from sellerport.emulator.ads.advertisers import ADVERTISER, ADVERTISER_TOKEN, CAMPAIGN_MANAGEMENT, SCOPES, Advertising
from sellerport.emulator.assortment import PRODUCT_TYPES
from sellerport.emulator.faults import Fault
from sellerport.emulator.grants import (
    DEFAULT_APPLICATION,
    SDK_APPLICATION,
    SDK_REFRESH_TOKEN,
    AdsGrant,
    Application,
    Grant,
    Grants,
)
from sellerport.emulator.inbound_plans import Inbound
from sellerport.emulator.jobs import Job, Outcome, Schedule
from sellerport.emulator.jobs import Kind as JobKind
from sellerport.emulator.order_book import OrderBook
from sellerport.emulator.outbound_orders import Outbound
from sellerport.emulator.parcels import Parcels
from sellerport.emulator.purchases import Vendor
from sellerport.emulator.queue import Queues
from sellerport.emulator.quotas import Limit, Mode, Quotas
from sellerport.emulator.sessions import Sessions
from sellerport.emulator.shelf import Shelf
from sellerport.emulator.storage import Storage
from sellerport.emulator.subscriptions import Subscriptions
from sellerport.errors import Conflict, InvalidArguments, NotFound, Problem
from sellerport.regions import Marketplace

if TYPE_CHECKING:
    from sellerport.emulator.static_sandbox import Cases

REMEMBERED_REQUESTS = 1000
PRODUCT_TYPE_CHANGE = "PRODUCT_TYPE_DEFINITIONS_CHANGE"

Kind = Literal["seller", "vendor"]
Planned = TypeVar("Planned", Fault, Outcome)


@dataclass(frozen=True)
class Account:
    """A selling partner in one region."""

    selling_partner_id: str
    name: str
    kind: Kind
    marketplaces: tuple[Marketplace, ...]
    products: tuple[shop.Product, ...] = field(default=(), repr=False)
    orders: OrderBook = field(default_factory=OrderBook, repr=False)
    owner: str = ""
    """The e-mail address of who signs in for it; one person may own several accounts."""
    founded: float = 0.0
    """When it was seeded, in unix seconds; 0 for one that was written into a dump by hand."""

    @property
    def region(self) -> str:
        """Where the account trades."""
        return self.marketplaces[0].region


@dataclass(frozen=True)
class Pages:
    """How an invented list is cut: into how many pages, and which of them, from 1, are empty."""

    pages: int = 1
    empty: tuple[int, ...] = ()
    repeat: bool = False
    """Whether the last page gives the token of itself, for ever."""


DEFAULT_ACCOUNTS: tuple[tuple[str, str, Kind, tuple[str, ...]], ...] = (
    ("ALOCALSELLERNA", "Larkhollow Home Goods", "seller", ("US", "CA", "MX")),
    ("ALOCALSELLEREU", "Tannwerk & Söhne", "seller", ("DE", "GB", "FR", "IT", "ES")),
    ("ALOCALSELLERFE", "Hoshikage Zakka", "seller", ("JP",)),
    ("ALOCALVENDORNA", "Tidewick Kitchenware", "vendor", ("US", "CA", "MX")),
)


class World:
    """Everything the local Amazon knows.

    Args:
        seed: where the shops, tokens and ids come from.
        clock: seconds since the epoch; the world's time is this plus what `advance` added.
        orders: how many orders each default seller starts with.
        polls: how often a report, feed, query or export is seen unfinished.
        task_s: how long an advertising report or export takes, in seconds of the world's time.
        limits: whether calls beyond an operation's rate are refused: ``off``, ``real``, or ``fast``, which is a hundred
            times the real rates.
        strict: whether Login with Amazon takes a refresh token once (see `grants`), and the Ads API only the media
            types of its operations.
        sandbox: Amazon's published cases, which then answer for its sandbox hosts, and where no host is named.
        sdk_tests: whether the generated tests of Amazon's SDKs may say what is answered (see `sdk_tests`).
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        clock: Callable[[], float] = time.time,
        orders: int = 60,
        polls: int = 2,
        task_s: float = 4,
        limits: Mode = "off",
        strict: bool = False,
        sandbox: Cases | None = None,
        sdk_tests: bool = False,
    ) -> None:
        self.seed = seed
        self._polls = polls
        self._task_s = task_s
        self._limits: Mode = limits
        self._strict = strict
        self.sandbox = sandbox
        self.sdk_tests = sdk_tests
        self._clock = clock
        self._orders = orders
        self.reset()

    def reset(self, seed: int | None = None) -> None:
        """Forget everything and seed again."""
        self._forget(self.seed if seed is None else seed)
        self.add_application(DEFAULT_APPLICATION)
        for selling_partner_id, name, kind, countries in DEFAULT_ACCOUNTS:
            self.add_account(
                countries, selling_partner_id=selling_partner_id, name=name, kind=kind, orders=self._orders
            )
            self.grant(
                selling_partner_id, refresh_token=f"Atzr|local-{kind}-{self.accounts[selling_partner_id].region}"
            )
            self.ads.advertise(selling_partner_id)
            self.ads.share(ADVERTISER, selling_partner_id)
        self.ads.advertise(DEFAULT_ACCOUNTS[-1][0], agency=True)
        self.grant_ads(ADVERTISER, refresh_token=ADVERTISER_TOKEN, scopes=SCOPES)
        if self.sdk_tests:
            self.add_application(SDK_APPLICATION)
            self.grant(DEFAULT_ACCOUNTS[0][0], SDK_APPLICATION.client_id, refresh_token=SDK_REFRESH_TOKEN)

    def _forget(self, seed: int) -> None:
        self.seed = seed
        self._chance = random.Random(self.seed)  # noqa: S311  # nothing here is worth guessing
        self._luck = random.Random(f"{self.seed} faults")  # noqa: S311  # of its own, so that a fault changes no token
        self._offset_s = 0.0
        self.accounts: dict[str, Account] = {}
        self.ads = Advertising(self.accounts, seed, self.now)
        self.queues = Queues(now=self.now, secret=self.secret, uuid=self.uuid)
        self.subscriptions = Subscriptions()
        self.login = Grants(
            now=self.now, secret=self.secret, uuid=self.uuid, strict=self._strict, deliver=self.queues.deliver
        )
        self.applications, self.grants = self.login.applications, self.login.grants
        self.codes, self.access_tokens = self.login.codes, self.login.access_tokens
        self.sessions = Sessions(self.secret)
        self.pages: dict[str, Any] = {}
        """What each page token stands for."""
        self.paged: dict[str, Pages] = {}
        """Which lists come in several pages, by operation."""
        self.jobs: dict[tuple[str, JobKind, str], Job] = {}
        """Reports, feeds, queries and exports, oldest first."""
        self.documents: dict[tuple[str, str], Any] = {}
        """By account and document id."""
        self.polls = self._polls
        self.task_s = self._task_s
        self.outcomes: list[Outcome] = []
        self.quotas = Quotas(self._limits)
        self.storage = Storage(f"storage {self.seed}")
        self.shelf = Shelf()
        self.solicited: set[tuple[str, str]] = set()
        """Which orders a review was asked for, by account and id."""
        self.schedules: dict[str, Schedule] = {}
        """Of reports, by id."""
        self.supply_sources: dict[str, dict[str, dict[str, Any]]] = {}
        """By account and id."""
        self.vendors: dict[str, Vendor] = {}
        """What Amazon buys, by account."""
        self.direct: dict[str, direct_orders.Direct] = {}
        """What vendors send to Amazon's customers, by account."""
        self.centers: dict[str, distribution.Center] = {}
        """What lies with Amazon Warehousing and Distribution, by account."""
        self.services: dict[str, service_jobs.Services] = {}
        """By account."""
        self.external: dict[str, external_book.External] = {}
        """What accounts ship from places of their own for Amazon, by account."""
        self.payouts: dict[tuple[str, str], list[float]] = {}
        """When accounts asked for their money, by account and marketplace id."""
        self.parcels = Parcels()
        self.inbound = Inbound()
        self.outbound = Outbound(release=partial(changes.put_back, self), tell=partial(changes.tell_outgoing, self))
        self.faults: list[Fault] = []
        self.told: dict[str, int] = {}
        """With which status the next call of an operation is answered, by its id in lower case."""
        self.requests: deque[dict[str, Any]] = deque(maxlen=REMEMBERED_REQUESTS)

    def dump(self) -> dict[str, Any]:
        """Return all that the world holds, tokens too, as JSON has it (see `state`)."""
        from sellerport.emulator import state  # noqa: PLC0415  # it knows every class of the world, and so the world

        return state.dumped(self)

    def load(self, dump: Any) -> None:
        """Hold what a dump says, and nothing else; how the world behaves stays as it is.

        Raises:
            InvalidArguments: something in it is wrong, and which field it is; the world is then as it was.
        """
        from sellerport.emulator import state  # noqa: PLC0415  # as above

        held = state.read(dump)
        mode, strict, polls, task_s = self.quotas.mode, self.login.strict, self.polls, self.task_s
        self._forget(held.get("seed", self.seed))
        self.quotas.mode, self.login.strict, self.polls, self.task_s = mode, strict, polls, task_s
        state.put(self, held)
        for id, account in self.accounts.items():
            vendor = account.kind == "vendor"
            self.shelf.fill(id, account.marketplaces, account.products, now=self.now(), vendor=vendor)

    def now(self) -> float:
        """The world's time, in unix seconds."""
        return self._clock() + self._offset_s

    def advance(self, seconds: float) -> float:
        """Move the clock forward and return the new time."""
        self._offset_s += seconds
        return self.now()

    def uuid(self) -> str:
        """Return a new id, as requests and errors carry it."""
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))

    def secret(self, prefix: str, digits: int) -> str:
        """Return a new token: its prefix, which says what it is, and that many hexadecimal digits."""
        return f"{prefix}{self._chance.getrandbits(digits * 4):0{digits}x}"

    def add_application(self, application: Application) -> Application:
        """Register an application.

        Raises:
            Conflict: its application id or client id is taken.
        """
        return self.login.add(application)

    def application(self, name: str | None = None) -> Application:
        """Find an application by its application id or client id; without one, the default application.

        Raises:
            NotFound: there is none.
        """
        return self.login.application(name)

    def add_account(
        self,
        marketplaces: tuple[str, ...],
        *,
        selling_partner_id: str | None = None,
        name: str = "Seeded account",
        kind: Kind = "seller",
        orders: int = 60,
        owner: str | None = None,
    ) -> Account:
        """Add an account that trades in these marketplaces (ids or country codes), all of one region.

        Its owner is an e-mail address, made of the account's name where none is given.

        Raises:
            InvalidArguments: a marketplace does not exist, or they are of several regions.
            Conflict: the selling partner id is taken.
        """
        shops = tuple(regions.marketplace(one) for one in marketplaces)
        if len({one.region for one in shops}) != 1:
            problem = Problem("marketplaces", "must be one or more marketplaces of one region")
            raise InvalidArguments(problems=[problem])
        selling_partner_id = selling_partner_id or self.secret("A", 13).upper()
        if selling_partner_id in self.accounts:
            raise Conflict(f"account {selling_partner_id!r} exists already")
        chance = random.Random(f"{self.seed} {selling_partner_id}")  # noqa: S311
        count = max(orders, 0) if kind == "seller" else 0
        products = shop.products(chance, name)
        self.shelf.fill(selling_partner_id, shops, products, now=self.now(), vendor=kind == "vendor")
        if kind == "vendor":
            seed = f"purchases {self.seed} {selling_partner_id}"
            self.vendors[selling_partner_id] = purchases.seeded(seed, shops, products, self.now())
        elif center := distribution.seeded(
            f"distribution {self.seed} {selling_partner_id}", selling_partner_id, shops, products, self.now()
        ):
            self.centers[selling_partner_id] = center
        now = self.now()
        sold = OrderBook(lambda: shop.orders(copy.copy(chance), shops, products, count=count, now=now), count)
        owner = owner or _owner(name, selling_partner_id)
        account = Account(selling_partner_id, name, kind, shops, products, sold, owner, now)
        self.accounts[selling_partner_id] = account
        return account

    def direct_of(self, selling_partner_id: str) -> direct_orders.Direct:
        """Return the direct fulfillment of an account; a vendor's is invented when somebody first looks."""
        if selling_partner_id not in self.direct:
            account, made = self.account(selling_partner_id), direct_orders.Direct()
            if account.kind == "vendor":
                seed, code = f"direct {self.seed} {selling_partner_id}", self.vendors[selling_partner_id].code
                founded = account.founded or self.now()
                made = direct_orders.seeded(seed, code, account.marketplaces, account.products, founded)
            self.direct[selling_partner_id] = made
        return self.direct[selling_partner_id]

    def services_of(self, selling_partner_id: str) -> service_jobs.Services:
        """Return the services of an account; a seller's are invented when somebody first looks, as its orders are."""
        if selling_partner_id not in self.services:
            account, made = self.account(selling_partner_id), service_jobs.Services()
            if account.kind == "seller":
                seed = f"services {self.seed} {selling_partner_id}"
                made = service_jobs.seeded(seed, account.orders.values(), account.region, account.founded or self.now())
            self.services[selling_partner_id] = made
        return self.services[selling_partner_id]

    def external_of(self, selling_partner_id: str) -> external_book.External:
        """Return the external fulfillment of an account; a vendor has none."""
        if selling_partner_id not in self.external:
            account = self.account(selling_partner_id)
            shops = account.marketplaces if account.kind == "seller" else ()
            self.external[selling_partner_id] = external_book.seeded(selling_partner_id, shops)
        return self.external[selling_partner_id]

    def account(self, selling_partner_id: str) -> Account:
        """Find an account.

        Raises:
            NotFound: there is none.
        """
        if selling_partner_id not in self.accounts:
            raise NotFound(f"no account {selling_partner_id!r}")
        return self.accounts[selling_partner_id]

    def grant(
        self, selling_partner_id: str, application: str | None = None, *, refresh_token: str | None = None
    ) -> Grant:
        """Give an application access to an account; earlier grants stay good, as at Amazon.

        Raises:
            NotFound: there is no such account or application.
            Conflict: the refresh token wished for exists already.
        """
        return self.login.grant(self.account(selling_partner_id), self.application(application), refresh_token)

    def grant_ads(
        self,
        person: str,
        application: str | None = None,
        *,
        scopes: Collection[str] = (CAMPAIGN_MANAGEMENT,),
        refresh_token: str | None = None,
    ) -> AdsGrant:
        """Give an application access to all profiles that a person sees, by e-mail address; it ends when it is revoked.

        Raises:
            NotFound: nobody of this address has or sees an account, or there is no such application.
            InvalidArguments: the Ads API has no such scope.
            Conflict: the refresh token wished for exists already.
        """
        if not self.ads.knows(person):
            raise NotFound(f"nobody is known as {person!r}")
        if not scopes or not SCOPES.issuperset(scopes):
            raise InvalidArguments(problems=[Problem("scopes", f"must be some of: {', '.join(sorted(SCOPES))}")])
        return self.login.grant_ads(person, self.application(application), frozenset(scopes), refresh_token)

    def issue_code(self, application: Application, account: Account, redirect_uri: str | None) -> str:
        """Return a new authorization code."""
        return self.login.issue_code(application, account, redirect_uri)

    def issue_access_token(
        self, application: Application, grant: Grant | None, *, prefix: str = "Atza|", **more: Any
    ) -> str:
        """Return a new access token, good for an hour."""
        return self.login.issue_access_token(application, grant, prefix=prefix, **more)

    def revoke(self, *, refresh_token: str | None = None, selling_partner_id: str | None = None) -> int:
        """Revoke one grant, those of an account, or all, with their access tokens; return how many."""
        return self.login.revoke(refresh_token=refresh_token, selling_partner_id=selling_partner_id)

    def expire(
        self, access_token: str | None = None, *, refresh_token: str | None = None, application: str | None = None
    ) -> int:
        """Let something end now that time would end, and return how many did.

        Args:
            access_token: which; where nothing is named, all of them.
            refresh_token: of a grant, as if it had not been renewed for a year.
            application: whose client secret ends, as if it had not been rotated for half a year.

        Raises:
            NotFound: there is no such application.
        """
        return self.login.expire(access_token, refresh_token, application)

    def rotate_secret(self, application: str | None = None, *, client_secret: str | None = None) -> Application:
        """Give an application another client secret, made up or this one; the old one is good for a week more.

        Raises:
            NotFound: there is no such application.
        """
        return self.login.rotate(self.application(application), client_secret)

    def notify(self, account: Account | str, type: str, payload: Mapping[str, Any]) -> int:
        """Send a notification about an account to all who subscribed to its type; return how many they are.

        Raises:
            NotFound: there is no such account.
        """
        seller = self.account(account).selling_partner_id if isinstance(account, str) else account.selling_partner_id
        return subscriptions.notify(self, seller, type, payload)

    def change_order(self, selling_partner_id: str, order: shop.Order) -> None:
        """Let an order be as it is now, and tell those who want to hear of it.

        Raises:
            NotFound: there is no such account.
        """
        self.account(selling_partner_id).orders.change(order)
        self.notify(selling_partner_id, "ORDER_CHANGE", payloads.order_changed(selling_partner_id, order))

    def fail(self, fault: Fault) -> None:
        """Plan a fault for the next requests that it matches."""
        self.faults.append(fault)

    def fault_for(self, method: str, host: str, path: str) -> Fault | None:
        """Return the fault planned for a request, counting it down."""

        def meets(fault: Fault) -> bool:
            return fault.matches(method, host, path) and (fault.chance == 1 or self._luck.random() < fault.chance)

        return _take(self.faults, meets)

    def page(self, operation: str, pages: int, *, empty: tuple[int, ...] = (), repeat: bool = False) -> None:
        """Let a list come in so many pages from now on; what it holds is invented.

        Args:
            operation: its name, such as ``finances_2024_06_19.list_transactions``.
            pages: how many there are.
            empty: which of them hold nothing, though there is a token; counted from 1.
            repeat: whether the last one gives the token of itself, as a broken server would.

        Raises:
            UnknownOperation: there is no such operation.
            InvalidArguments: it has no pages, or not so many, or none that could be repeated.
        """
        found = catalog.find(operation)
        problems = []
        if found.paging is None:
            problems.append(Problem("operation", f"{found.key} has no pages"))
        elif repeat and found.paging.kind == "offset":
            problems.append(Problem("repeat", f"{found.key} has no tokens"))
        if pages < 1:
            problems.append(Problem("pages", "must be at least 1"))
        if any(not 1 <= one <= pages for one in empty):
            problems.append(Problem("empty", f"must be pages from 1 to {pages}"))
        if problems:
            raise InvalidArguments(problems=problems)
        self.paged[found.key] = Pages(pages, empty, repeat)

    def limit(
        self,
        mode: Mode | None = None,
        *,
        operation: str | None = None,
        rate: float | None = None,
        burst: float | None = None,
        application_rate: float | None = None,
    ) -> None:
        """Turn limits on or off, and set those of one operation, or of all; answers state the rate in force.

        Args:
            mode: ``off``, ``real`` or ``fast``; None leaves it.
            operation: its name; None is all.
            rate: calls a second of one account, as it is, whatever the mode.
            burst: calls of one account at once.
            application_rate: calls a second of all accounts of an application together.

        Raises:
            UnknownOperation: there is no such operation.
            InvalidArguments: a rate is not above 0, or a burst below 1.
        """
        key = None if operation is None else catalog.find(operation).key
        limit = Limit(rate, burst, application_rate)
        if limit != Limit():
            self.quotas.set(key, limit)
        self.quotas.mode = mode or self.quotas.mode

    def add_product_type(self, name: str, schema: dict[str, Any]) -> None:
        """Define a product type, for listings to be checked against and for Product Type Definitions to serve.

        Raises:
            InvalidArguments: this is no JSON Schema.
        """
        known = name in self.shelf.schemas or name in PRODUCT_TYPES
        self.shelf.define(name, schema)
        for account in self.accounts.values() if PRODUCT_TYPE_CHANGE in self.subscriptions.types else ():
            for one in account.marketplaces:
                said = payloads.definitions_changed(account.selling_partner_id, one, self.product_type_version())
                self.notify(account, PRODUCT_TYPE_CHANGE, said if known else {**said, "NewProductTypes": [name]})

    def product_type_version(self, name: str = "") -> str:
        """Return the version of a product type; without a name, of all of them together."""
        text = f"{self.seed} {name or ' '.join(self.shelf.schemas)}"
        return base64.b64encode(hashlib.sha256(text.encode()).digest()[:8]).decode()

    def plan(self, outcome: Outcome) -> None:
        """Plan what becomes of the next reports, feeds, queries or exports that it matches."""
        self.outcomes.append(outcome)

    def outcome_for(self, kind: JobKind, type: str) -> Outcome | None:
        """Return the outcome planned for a job, counting it down."""
        return _take(self.outcomes, lambda outcome: outcome.matches(kind, type))


def _owner(name: str, selling_partner_id: str) -> str:
    """Return an e-mail address for whoever owns an account of this name; .invalid never resolves (RFC 2606)."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return f"owner@{'-'.join(re.findall('[a-z0-9]+', plain)) or selling_partner_id.lower()}.invalid"


def _take(planned: list[Planned], wanted: Callable[[Planned], bool]) -> Planned | None:
    """Return the first that is wanted, and let it go when it was taken as often as it is for."""
    for place, one in enumerate(planned):
        if wanted(one):
            if one.times is None:
                return one
            if one.times > 1:
                planned[place] = msgspec.structs.replace(one, times=one.times - 1)
            else:
                del planned[place]
            return one
    return None
