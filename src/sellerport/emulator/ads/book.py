"""What a profile advertises: one row for each portfolio, campaign, ad group, ad, keyword, target, theme or creative.

Rows know nothing of how an API writes them: ids are texts, states and other enumerations in upper case, dates and times
as ISO 8601 has them and in the profile's time zone. Each family of operations renders the same rows in its own way.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

ARCHIVED = "ARCHIVED"

PORTFOLIOS = "portfolios"
SP = (
    "sp.campaigns",
    "sp.adGroups",
    "sp.productAds",
    "sp.keywords",
    "sp.negativeKeywords",
    "sp.campaignNegativeKeywords",
    "sp.targets",
    "sp.negativeTargets",
    "sp.campaignNegativeTargets",
)
SB = (
    "sb.campaigns",
    "sb.adGroups",
    "sb.ads",
    "sb.keywords",
    "sb.negativeKeywords",
    "sb.targets",
    "sb.negativeTargets",
    "sb.themes",
)
SD = (
    "sd.campaigns",
    "sd.adGroups",
    "sd.productAds",
    "sd.targets",
    "sd.negativeTargets",
    "sd.creatives",
    "sd.locations",
)
KINDS = (PORTFOLIOS, *SP, *SB, *SD)
"""Every kind of row: the family's name, and the entity's as its paths have it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One entity.

    ``values`` are its other fields, by the names that SP v3, SB v4 and SD have for them: of a campaign ``name``,
    ``startDate``, ``budget`` (SP: ``{"budget": 10.0, "budgetType": "DAILY"}``; SB and SD a number, and ``budgetType``),
    of an ad group ``defaultBid``, of an ad ``sku`` and ``asin`` (both, where the account is a seller), of a keyword
    ``keywordText``, ``matchType`` and ``bid``, of a target ``expression``, ``expressionType`` and ``bid``.
    """

    id: str
    kind: str
    state: str
    created: float
    """In unix seconds."""
    updated: float
    campaign: str = ""
    """The id of the campaign that it is in; of a campaign, nothing."""
    ad_group: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What it is called, if it has a name."""
        return str(self.values.get("name", ""))

    @property
    def budget(self) -> float:
        """A campaign's budget, in the profile's currency; 0 where it has none."""
        held = self.values.get("budget", 0)
        return float(held["budget"] if isinstance(held, Mapping) else held)

    @property
    def archived(self) -> bool:
        """Whether it is gone for good; it can still be listed."""
        return self.state == ARCHIVED


@dataclass
class Book:
    """All rows of a profile."""

    tables: dict[str, dict[str, Row]] = field(default_factory=dict)
    """By kind and id, in the order in which they were made."""
    serial: int = 0
    """How many ids were given."""

    @cached_property
    def _children(self) -> dict[tuple[str, str], dict[str, None]]:
        """The ids of a kind that are in a campaign or an ad group."""
        found: dict[tuple[str, str], dict[str, None]] = {}
        for kind, table in self.tables.items():
            for row in table.values():
                for parent in _parents(row):
                    found.setdefault((kind, parent), {})[row.id] = None
        return found

    @cached_property
    def _taken(self) -> dict[tuple[str, ...], str]:
        """Which row holds what only one may have (see `unique`)."""
        rows = (row for table in self.tables.values() for row in table.values() if not row.archived)
        return {key: row.id for row in rows if (key := unique(row))}

    def rows(self, kind: str) -> Mapping[str, Row]:
        """Return the rows of a kind by id, oldest first, archived ones too."""
        return self.tables.get(kind, {})

    def get(self, kind: str, id: str) -> Row | None:
        """Return a row."""
        return self.rows(kind).get(id)

    def within(self, kind: str, parents: Iterable[str]) -> Iterator[Row]:
        """Yield the rows of a kind that are in any of these campaigns or ad groups, by their parents' ids."""
        table = self.rows(kind)
        for parent in dict.fromkeys(parents):
            yield from (table[id] for id in self._children.get((kind, parent), ()))

    def holder(self, row: Row) -> str | None:
        """Return the id of the row that has what only one may have, if it is another than this."""
        key = unique(row)
        id = self._taken.get(key) if key else None
        return None if id == row.id else id

    def put(self, row: Row) -> None:
        """Add a row, or let one be as it is now."""
        old = self.get(row.kind, row.id)
        if old is not None and (key := unique(old)) and self._taken.get(key) == row.id:
            del self._taken[key]
        if not row.archived and (key := unique(row)):
            self._taken[key] = row.id
        if old is None:
            for parent in _parents(row):
                self._children.setdefault((row.kind, parent), {})[row.id] = None
        self.tables.setdefault(row.kind, {})[row.id] = row

    def archive(self, row: Row, now: float) -> Row:
        """Archive a row, and return it as it is now; what is in it keeps its state, and is served no more."""
        gone = dataclasses.replace(row, state=ARCHIVED, updated=now)
        self.put(gone)
        return gone

    def new_id(self, profile: str) -> str:
        """Return an id that no row of the profile has: 15 digits, as Amazon's have 14 to 18."""
        while True:
            self.serial += 1
            number = int.from_bytes(hashlib.sha256(f"{profile} {self.serial}".encode()).digest()[:8])
            id = str(10**14 + number % (9 * 10**14))
            if not any(id in table for table in self.tables.values()):
                return id


def _parents(row: Row) -> Iterator[str]:
    yield from (one for one in (row.campaign, row.ad_group) if one)


def unique(row: Row) -> tuple[str, ...] | None:
    """Return what only one row that is not archived may have, with where that is so; None for other kinds of rows.

    These are a campaign's and a portfolio's name, an ad group's name in its campaign, a product in its ad group, and
    a keyword with its match type or a target's expression where it stands.
    """
    entity = row.kind.partition(".")[2] or row.kind
    values, place = row.values, row.ad_group or row.campaign
    if entity in ("campaigns", "portfolios"):
        return row.kind, row.name
    if entity == "adGroups":
        return row.kind, row.campaign, row.name
    if entity == "productAds":
        return row.kind, place, str(values.get("sku") or values.get("asin"))
    if "eyword" in entity:
        return row.kind, place, str(values.get("keywordText", "")).lower(), str(values.get("matchType"))
    if "arget" in entity:
        return row.kind, place, repr([(one.get("type"), one.get("value")) for one in values.get("expression", ())])
    return None
