"""The entities of connectors as objects: ``await connector.orders.list(created_after="2026-11-01T00:00:00Z")``.

What is None is not sent; other parameters of the operation may be given by name. Records have their fields as
attributes too (`Record`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sellerport.connectors.results import ExecuteResult, ExecuteResultWithMeta, Record, recorded
from sellerport.documents import Document

if TYPE_CHECKING:
    from sellerport.connectors.connector import _Connector

Records = ExecuteResultWithMeta[list[Record]]
Whole = ExecuteResultWithMeta[Record]
"""Of the Ads API: all of an answer, with its records inside."""

_OPTIONS = frozenset({"select_fields", "exclude_fields", "skip_truncation", "all_pages", "max_records"})


class Query:
    """One entity of a connector."""

    entity: str

    def __init__(self, connector: _Connector, entity: str = "") -> None:
        self._connector = connector
        if entity:
            self.entity = entity

    async def _do(self, action: str, given: Mapping[str, Any]) -> Any:
        params = {name: value for name, value in given.items() if value is not None and name not in _OPTIONS}
        options = {name: given[name] for name in _OPTIONS & given.keys()}
        done = await self._connector.execute(self.entity, action, params, **options)
        if isinstance(done, ExecuteResultWithMeta):
            return ExecuteResultWithMeta(recorded(done.data), Record(done.meta))
        return ExecuteResult(recorded(done.data)) if isinstance(done, ExecuteResult) else recorded(done)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.entity!r})"


class Orders(Query):
    """Orders."""

    entity = "orders"

    async def list(
        self,
        marketplace_ids: str | Sequence[str] | None = None,
        created_after: Any = None,
        created_before: Any = None,
        last_updated_after: Any = None,
        last_updated_before: Any = None,
        order_statuses: str | Sequence[str] | None = None,
        max_results_per_page: int | None = None,
        next_token: str | None = None,
        **more: Any,
    ) -> Records:
        """Return orders of a time; of the last two years if none is given."""
        return await self._do("list", _given(locals()))  # type: ignore[no-any-return]

    async def get(self, order_id: str, **more: Any) -> Record:
        """Return one order."""
        return await self._do("get", _given(locals()))  # type: ignore[no-any-return]


class OrderItems(Query):
    """What was ordered."""

    entity = "order_items"

    async def list(self, order_id: str, next_token: str | None = None, **more: Any) -> Records:
        """Return the items of one order."""
        return await self._do("list", _given(locals()))  # type: ignore[no-any-return]


class FinancialEventGroups(Query):
    """Settlement periods."""

    entity = "list_financial_event_groups"

    async def list(
        self,
        financial_event_group_started_after: Any = None,
        financial_event_group_started_before: Any = None,
        max_results_per_page: int | None = None,
        next_token: str | None = None,
        **more: Any,
    ) -> Records:
        """Return the groups that began in a time; in the last half year if none is given."""
        return await self._do("list", _given(locals()))  # type: ignore[no-any-return]


class FinancialEvents(Query):
    """Money by kind of event."""

    entity = "list_financial_events"

    async def list(
        self,
        posted_after: Any = None,
        posted_before: Any = None,
        max_results_per_page: int | None = None,
        next_token: str | None = None,
        **more: Any,
    ) -> Whole:
        """Return the events of a time, as one object of lists; of the last half year if none is given."""
        return await self._do("list", _given(locals()))  # type: ignore[no-any-return]


class CatalogItems(Query):
    """Amazon's catalogue."""

    entity = "catalog_items"

    async def list(
        self,
        marketplace_ids: str | Sequence[str] | None = None,
        keywords: str | Sequence[str] | None = None,
        identifiers: str | Sequence[str] | None = None,
        identifiers_type: str | None = None,
        included_data: str | Sequence[str] | None = None,
        page_size: int | None = None,
        page_token: str | None = None,
        **more: Any,
    ) -> Records:
        """Search by words or by identifiers."""
        return await self._do("list", _given(locals()))  # type: ignore[no-any-return]

    async def get(
        self,
        asin: str,
        marketplace_ids: str | Sequence[str] | None = None,
        included_data: str | Sequence[str] | None = None,
        **more: Any,
    ) -> Record:
        """Return one item."""
        return await self._do("get", _given(locals()))  # type: ignore[no-any-return]


class Reports(Query):
    """Reports of the Selling Partner API."""

    entity = "reports"

    async def list(
        self,
        report_types: str | Sequence[str] | None = None,
        processing_statuses: str | Sequence[str] | None = None,
        marketplace_ids: str | Sequence[str] | None = None,
        page_size: int | None = None,
        created_since: Any = None,
        created_until: Any = None,
        next_token: str | None = None,
        **more: Any,
    ) -> Records:
        """Return reports of some types; of merchants' listings if none is given."""
        return await self._do("list", _given(locals()))  # type: ignore[no-any-return]

    async def get(self, report_id: str, **more: Any) -> Record:
        """Return what Amazon says of one report."""
        return await self._do("get", _given(locals()))  # type: ignore[no-any-return]

    async def rows(self, report_type: str | None = None, **more: Any) -> Records:
        """Make a report, or take one by ``report_id``, and return its rows: ``limit`` at most.

        What else may be given is what ``AsyncReports.fetch`` takes.
        """
        return await self._do("rows", _given(locals()))  # type: ignore[no-any-return]

    async def download(self, to: str | os.PathLike[str], **more: Any) -> Document:
        """Make a report, or take one by ``report_id``, and write it to a file, with no more in memory than a piece.

        It is no action of `execute`, so that no agent can name a file of this machine.
        """
        document: Document = await self._connector._backend.reports.fetch(to=to, **more)
        return document


class Profiles(Query):
    """Advertising profiles."""

    entity = "profiles"

    async def list(self, profile_type_filter: str | None = None, **more: Any) -> ExecuteResult[list[Record]]:
        """Return the profiles of the region."""
        return await self._do("list", _given(locals()))  # type: ignore[no-any-return]

    async def get(self, profile_id: str | int, **more: Any) -> Record:
        """Return one profile."""
        return await self._do("get", _given(locals()))  # type: ignore[no-any-return]


class Portfolios(Query):
    """Portfolios."""

    entity = "portfolios"

    async def list(
        self, include_extended_data_fields: bool | str | None = None, next_token: str | None = None, **more: Any
    ) -> Whole:
        """Return the portfolios of a profile."""
        return await self._do("list", _given(locals()))  # type: ignore[no-any-return]

    async def get(self, portfolio_id_filter: Any = None, **more: Any) -> Record | None:
        """Return one portfolio, by ``portfolio_id`` or a filter; None where there is none."""
        return await self._do("get", _given(locals()))  # type: ignore[no-any-return]


class Listed(Query):
    """Campaigns, ad groups, keywords, advertised products and targets."""

    async def list(
        self,
        state_filter: Any = None,
        max_results: int | None = None,
        next_token: str | None = None,
        **more: Any,
    ) -> Whole:
        """Return those of a profile."""
        return await self._do("list", _given(locals()))  # type: ignore[no-any-return]


class Campaigns(Listed):
    """Campaigns of Sponsored Products."""

    async def get(self, campaign_id_filter: Any = None, **more: Any) -> Record | None:
        """Return one campaign, by ``campaign_id`` or a filter; None where there is none."""
        return await self._do("get", _given(locals()))  # type: ignore[no-any-return]


class AdsReports(Query):
    """Advertising reports."""

    entity = "reports"

    async def rows(self, report_type: str | None = None, **more: Any) -> Records:
        """Make a report, or take one by ``report_id``, and return its rows: ``limit`` at most.

        What else may be given is what ``AsyncReporting.fetch`` takes.
        """
        return await self._do("rows", _given(locals()))  # type: ignore[no-any-return]

    async def download(self, to: str | os.PathLike[str], **more: Any) -> Document:
        """Make a report, or take one by ``report_id``, and write it to a file, with no more in memory than a piece."""
        document: Document = await self._connector._backend.reports.fetch(to=to, **more)
        return document


def _given(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return a method's own arguments in one."""
    given = {name: value for name, value in arguments.items() if name not in ("self", "more")}
    return given | dict(arguments["more"])
