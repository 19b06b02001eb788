"""The local Amazon's state: accounts, applications, grants, codes, tokens, planned faults and what arrived.

All of it is in memory and comes from a seed; time comes from a clock that can be moved forward. It knows nothing of
HTTP. Whatever the control plane can do, a test in the same process can do by calling the world.
"""

from __future__ import annotations

import random
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

import msgspec

from sellerport import catalog, regions
from sellerport.emulator import shop
from sellerport.emulator.faults import Fault
from sellerport.emulator.jobs import Job, Outcome
from sellerport.emulator.jobs import Kind as JobKind
from sellerport.emulator.quotas import Limit, Mode, Quotas
from sellerport.emulator.storage import Storage
from sellerport.errors import Conflict, InvalidArguments, NotFound, Problem
from sellerport.regions import Marketplace

CODE_LIFE_S = 300
TOKEN_LIFE_S = 3600
REMEMBERED_REQUESTS = 1000

Kind = Literal["seller", "vendor"]
Planned = TypeVar("Planned", Fault, Outcome)


class Application(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A developer application.

    A redirect URI of the form ``http://host:*`` stands for every port and path of that host; real Amazon has no such
    thing, but a test's port is not known beforehand.
    """

    application_id: str
    client_id: str
    client_secret: str
    name: str = "Local application"
    redirect_uris: tuple[str, ...] = ()
    draft: bool = False
    """A draft is only consented to with ``version=beta``."""
    regions: tuple[Literal["na", "eu", "fe"], ...] = ("na", "eu", "fe")

    def __repr__(self) -> str:
        return f"Application({self.application_id!r})"

    def accepts(self, redirect_uri: str) -> bool:
        """Whether this redirect URI is registered."""
        return any(redirect_uri == known or _covers(known, redirect_uri) for known in self.redirect_uris)


def _covers(pattern: str, redirect_uri: str) -> bool:
    if not pattern.endswith(":*"):
        return False
    try:
        asked, known = urlsplit(redirect_uri), urlsplit(pattern.removesuffix(":*"))
        return (asked.scheme, asked.hostname, asked.username) == (known.scheme, known.hostname, None)
    except ValueError:
        return False


@dataclass(frozen=True)
class Account:
    """A selling partner in one region."""

    selling_partner_id: str
    name: str
    kind: Kind
    marketplaces: tuple[Marketplace, ...]
    products: tuple[shop.Product, ...] = field(default=(), repr=False)
    orders: dict[str, shop.Order] = field(default_factory=dict, repr=False)

    @property
    def region(self) -> str:
        """Where the account trades."""
        return self.marketplaces[0].region


@dataclass
class Grant:
    """What an account's owner gave an application."""

    refresh_token: str = field(repr=False)
    application: Application
    account: Account
    revoked: bool = False


@dataclass
class Code:
    """An authorization code: good once, for five minutes, for one application."""

    application: Application
    account: Account
    redirect_uri: str | None
    expires_at: float
    used: bool = False


@dataclass(frozen=True)
class Resource:
    """What a restricted data token opens: a path, or all of its kind (``/orders/v0/orders/{orderId}``)."""

    method: str
    path: str
    elements: frozenset[str]


@dataclass
class AccessToken:
    """What a call carries; without a grant it is good for grantless operations of its scopes only."""

    application: Application
    grant: Grant | None
    expires_at: float
    scopes: frozenset[str] = frozenset()
    resources: tuple[Resource, ...] = ()
    """What a restricted data token is good for; empty for other tokens."""
    issued_at: float = 0


@dataclass(frozen=True)
class Pages:
    """How an invented list is cut: into how many pages, and which of them, from 1, are empty."""

    pages: int = 1
    empty: tuple[int, ...] = ()
    repeat: bool = False
    """Whether the last page gives the token of itself, for ever."""


DEFAULT_APPLICATION = Application(
    application_id="amzn1.sp.solution.local",
    client_id="amzn1.application-oa2-client.local",
    client_secret="local-secret",  # noqa: S106  # it opens nothing but this
    name="Local Shop Tools",
    redirect_uris=("http://localhost:8080/callback", "http://127.0.0.1:*", "http://localhost:*", "http://[::1]:*"),
)

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
        limits: whether calls beyond an operation's rate are refused: ``off``, ``real``, or ``fast``, which is a hundred
            times the real rates.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        clock: Callable[[], float] = time.time,
        orders: int = 60,
        polls: int = 2,
        limits: Mode = "off",
    ) -> None:
        self.seed = seed
        self._polls = polls
        self._limits: Mode = limits
        self._clock = clock
        self._orders = orders
        self.reset()

    def reset(self, seed: int | None = None) -> None:
        """Forget everything and seed again."""
        self.seed = self.seed if seed is None else seed
        self._chance = random.Random(self.seed)  # noqa: S311  # nothing here is worth guessing
        self._offset_s = 0.0
        self.accounts: dict[str, Account] = {}
        self.applications: dict[str, Application] = {}
        self.grants: dict[str, Grant] = {}
        self.codes: dict[str, Code] = {}
        self.access_tokens: dict[str, AccessToken] = {}
        self.pages: dict[str, Any] = {}
        """What each page token stands for."""
        self.paged: dict[str, Pages] = {}
        """Which lists come in several pages, by operation."""
        self.jobs: dict[tuple[str, JobKind, str], Job] = {}
        """Reports, feeds, queries and exports, oldest first."""
        self.documents: dict[tuple[str, str], Any] = {}
        """By account and document id."""
        self.polls = self._polls
        self.outcomes: list[Outcome] = []
        self.quotas = Quotas(self._limits)
        self.storage = Storage(f"storage {self.seed}")
        self.faults: list[Fault] = []
        self.requests: deque[dict[str, Any]] = deque(maxlen=REMEMBERED_REQUESTS)
        self.add_application(DEFAULT_APPLICATION)
        for selling_partner_id, name, kind, countries in DEFAULT_ACCOUNTS:
            self.add_account(
                countries, selling_partner_id=selling_partner_id, name=name, kind=kind, orders=self._orders
            )
            self.grant(
                selling_partner_id, refresh_token=f"Atzr|local-{kind}-{self.accounts[selling_partner_id].region}"
            )

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
        for known in self.applications.values():
            if application.client_id == known.client_id or application.application_id == known.application_id:
                raise Conflict(f"application {application.application_id!r} or its client id exists already")
        self.applications[application.client_id] = application
        return application

    def application(self, name: str | None = None) -> Application:
        """Find an application by its application id or client id; without one, the default application.

        Raises:
            NotFound: there is none.
        """
        name = DEFAULT_APPLICATION.client_id if name is None else name
        for known in self.applications.values():
            if name in (known.client_id, known.application_id):
                return known
        raise NotFound(f"no application {name!r}")

    def add_account(
        self,
        marketplaces: tuple[str, ...],
        *,
        selling_partner_id: str | None = None,
        name: str = "Seeded account",
        kind: Kind = "seller",
        orders: int = 60,
    ) -> Account:
        """Add an account that trades in these marketplaces (ids or country codes), all of one region.

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
        prefix = "".join(word[0] for word in name.upper().split() if word[0].isalpha()) or "SKU"
        count = orders if kind == "seller" else 0
        products = shop.products(chance, prefix)
        sold = shop.orders(chance, shops, products, count=count, now=self.now())
        account = self.accounts[selling_partner_id] = Account(selling_partner_id, name, kind, shops, products, sold)
        return account

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
        account, app = self.account(selling_partner_id), self.application(application)
        refresh_token = refresh_token or self.secret("Atzr|", 300)
        if refresh_token in self.grants:
            raise Conflict("that refresh token exists already")
        grant = self.grants[refresh_token] = Grant(refresh_token, app, account)
        return grant

    def issue_code(self, application: Application, account: Account, redirect_uri: str | None) -> str:
        """Return a new authorization code."""
        code = self.secret("", 20).upper()
        self.codes[code] = Code(application, account, redirect_uri, self.now() + CODE_LIFE_S)
        return code

    def issue_access_token(
        self, application: Application, grant: Grant | None, *, prefix: str = "Atza|", **more: Any
    ) -> str:
        """Return a new access token, good for an hour."""
        token = self.secret(prefix, 300)
        now = self.now()
        self.access_tokens[token] = AccessToken(application, grant, now + TOKEN_LIFE_S, issued_at=now, **more)
        return token

    def revoke(self, *, refresh_token: str | None = None, selling_partner_id: str | None = None) -> int:
        """Revoke one grant, those of an account, or all, with their access tokens; return how many."""
        chosen = [
            grant
            for grant in self.grants.values()
            if refresh_token in (None, grant.refresh_token)
            and selling_partner_id in (None, grant.account.selling_partner_id)
            and not grant.revoked
        ]
        for grant in chosen:
            grant.revoked = True
        return len(chosen)

    def expire(self, access_token: str | None = None) -> int:
        """Let one access token, or all, expire now; return how many did."""
        now = self.now()
        chosen = [
            held
            for token, held in self.access_tokens.items()
            if access_token in (None, token) and held.expires_at > now
        ]
        for held in chosen:
            held.expires_at = now
        return len(chosen)

    def fail(self, fault: Fault) -> None:
        """Plan a fault for the next requests that it matches."""
        self.faults.append(fault)

    def fault_for(self, method: str, host: str, path: str) -> Fault | None:
        """Return the fault planned for a request, counting it down."""
        return _take(self.faults, lambda fault: fault.matches(method, host, path))

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

    def plan(self, outcome: Outcome) -> None:
        """Plan what becomes of the next reports, feeds, queries or exports that it matches."""
        self.outcomes.append(outcome)

    def outcome_for(self, kind: JobKind, type: str) -> Outcome | None:
        """Return the outcome planned for a job, counting it down."""
        return _take(self.outcomes, lambda outcome: outcome.matches(kind, type))


def _take(planned: list[Planned], wanted: Callable[[Planned], bool]) -> Planned | None:
    """Return the first that is wanted, and let it go when it was taken as often as it is for."""
    for place, one in enumerate(planned):
        if wanted(one):
            if one.times > 1:
                planned[place] = msgspec.structs.replace(one, times=one.times - 1)
            else:
                del planned[place]
            return one
    return None
