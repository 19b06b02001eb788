"""Who advertises, and who may do it for them: profiles, the people who see them, and the campaigns of each.

An account that advertises has a profile in each of its marketplaces. A person sees the profiles of the accounts that
are theirs, and of those that were shared with them; a grant is of a person, and so has profiles in any region.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sellerport.emulator.ads import markets, seeds
from sellerport.emulator.ads.book import Book
from sellerport.errors import NotFound
from sellerport.regions import Marketplace

if TYPE_CHECKING:
    from sellerport.emulator.ads.budget_rules import Rule
    from sellerport.emulator.ads.streams import Stream
    from sellerport.emulator.ads.tasks import Task
    from sellerport.emulator.ads.test_accounts import AccountRequest
    from sellerport.emulator.world import Account

ProfileType = Literal["seller", "vendor", "agency"]
Access = Literal["edit", "view"]

SCOPES = frozenset({"advertising::campaign_management", "advertising::audiences", "advertising::test:create_account"})
"""What Login with Amazon knows of the Ads API."""
CAMPAIGN_MANAGEMENT = "advertising::campaign_management"

ADVERTISER = "advertiser@local-amazon.invalid"
"""Who the default accounts' advertising is shared with."""
ADVERTISER_TOKEN = "Atzr|local-ads"  # noqa: S105  # it opens nothing but this
UNLIMITED = 999_999_999.0
"""The daily budget of a profile that has none."""


@dataclass(frozen=True)
class Profile:
    """An advertiser in one marketplace."""

    id: str
    """A number of up to 64 bits, which is more than a float holds."""
    account: str
    """The selling partner id."""
    marketplace: Marketplace
    type: ProfileType
    name: str
    entity: str
    """What Amazon's ad console calls the advertiser: ``ENTITY`` and a number."""
    daily_budget: float = UNLIMITED
    valid_payment_method: bool = True

    @property
    def country(self) -> str:
        """As profiles have it, where the United Kingdom is UK."""
        return "UK" if self.marketplace.country == "GB" else self.marketplace.country

    @property
    def zone(self) -> str:
        """The time zone of its dates."""
        return markets.MARKETS[self.marketplace.country].zone


class Advertising:
    """Every profile, and who sees it.

    Args:
        accounts: the world's, by selling partner id.
        seed: where ids and campaigns come from.
        now: the world's clock.
    """

    def __init__(self, accounts: Mapping[str, Account], seed: int, now: Callable[[], float]) -> None:
        self._accounts, self._seed, self._now = accounts, seed, now
        self.profiles: dict[str, Profile] = {}
        """By id."""
        self.people: dict[str, dict[str, Access]] = {}
        """What was shared with whom, by e-mail address and selling partner id."""
        self.books: dict[str, Book] = {}
        """By profile id; made when somebody first looks."""
        self.tasks: dict[tuple[str, str], Task] = {}
        """By profile id and id."""
        self.budget_rules: dict[str, dict[str, Rule]] = {}
        """By profile id and id."""
        self.test_accounts: dict[str, AccountRequest] = {}
        """By the id of the request for one."""
        self.streams: dict[str, Stream] = {}

    def advertise(self, selling_partner_id: str, *, agency: bool = False) -> list[Profile]:
        """Let an account advertise in all of its marketplaces, and return its profiles; those it has stay as they are.

        Args:
            selling_partner_id: whose.
            agency: whether it buys through the demand-side platform: sponsored ads then refuse the profiles.

        Raises:
            NotFound: there is no such account.
        """
        account = self._account(selling_partner_id)
        kind: ProfileType = "agency" if agency else account.kind
        made = []
        for marketplace in account.marketplaces:
            text = f"profile {self._seed} {selling_partner_id} {kind} {marketplace.id}"
            digest = hashlib.sha256(text.encode()).digest()
            id = str(10**17 + int.from_bytes(digest[:8]) % (9 * 10**17))
            profile = Profile(
                id, selling_partner_id, marketplace, kind, account.name, f"ENTITY{digest.hex()[:13].upper()}"
            )
            made.append(self.profiles.setdefault(id, profile))
        return made

    def share(self, person: str, selling_partner_id: str, access: Access = "edit") -> None:
        """Let a person, by e-mail address, see an account's profiles, or work with them.

        Raises:
            NotFound: there is no such account.
        """
        self._account(selling_partner_id)
        self.people.setdefault(person, {})[selling_partner_id] = access

    def knows(self, person: str) -> bool:
        """Whether anybody of this e-mail address has or sees an account."""
        return person in self.people or any(one.owner == person for one in self._accounts.values())

    def seen_by(self, person: str) -> Iterator[tuple[Profile, Access]]:
        """Yield a person's profiles, in all regions, and what they may do with each."""
        shared = self.people.get(person, {})
        for profile in self.profiles.values():
            if self._accounts[profile.account].owner == person:
                yield profile, "edit"
            elif profile.account in shared:
                yield profile, shared[profile.account]

    def book(self, profile: Profile) -> Book:
        """Return what a profile advertises; it is invented when somebody first looks, as orders are."""
        if profile.id not in self.books:
            account = self._accounts[profile.account]
            made = Book() if profile.type == "agency" else seeds.book(profile, account, account.founded or self._now())
            self.books[profile.id] = made
        return self.books[profile.id]

    def _account(self, selling_partner_id: str) -> Account:
        if selling_partner_id not in self._accounts:
            raise NotFound(f"no account {selling_partner_id!r}")
        return self._accounts[selling_partner_id]
