"""Documents: reports, feeds, Data Kiosk queries, exports and uploads, from asking for them to their rows.

``sp.reports.fetch("GET_MERCHANT_LISTINGS_ALL_DATA").rows()``, and of advertising ``ads.reporting.fetch("spCampaigns",
columns=["date", "campaignId", "cost"], start_date="2026-11-01", end_date="2026-11-30").rows()``

Each API has two classes of the same methods, one that blocks and one that awaits; both run the same coroutines.
"""

from __future__ import annotations

from collections.abc import Mapping

from sellerport.documents.ads_exports import AsyncExports, Exports
from sellerport.documents.ads_reports import AsyncReporting, Reporting
from sellerport.documents.data_kiosk import AsyncDataKiosk, DataKiosk
from sellerport.documents.document import Document
from sellerport.documents.feeds import AsyncFeeds, FeedResult, Feeds
from sellerport.documents.invoices import AsyncInvoices, Invoices
from sellerport.documents.jobs import Caller, Progress
from sellerport.documents.reports import AsyncReports, Reports
from sellerport.documents.results import FeedIssue, FeedSummary
from sellerport.documents.uploads import AsyncUploads, Uploads

MIXINS: Mapping[str, tuple[type, type]] = {
    "data_kiosk_2023_11_15": (DataKiosk, AsyncDataKiosk),
    "feeds_2021_06_30": (Feeds, AsyncFeeds),
    "invoices_2024_06_19": (Invoices, AsyncInvoices),
    "reports_2021_06_30": (Reports, AsyncReports),
    "uploads_2020_11_01": (Uploads, AsyncUploads),
}
"""API version → what its operations have beside them, blocking and awaiting."""

ADS_MIXINS: Mapping[str, tuple[type, type]] = {
    "exports": (Exports, AsyncExports),
    "reporting": (Reporting, AsyncReporting),
}
"""The same for the groups of the Ads API."""

__all__ = [
    "ADS_MIXINS",
    "MIXINS",
    "AsyncDataKiosk",
    "AsyncExports",
    "AsyncFeeds",
    "AsyncInvoices",
    "AsyncReporting",
    "AsyncReports",
    "AsyncUploads",
    "Caller",
    "DataKiosk",
    "Document",
    "Exports",
    "FeedIssue",
    "FeedResult",
    "FeedSummary",
    "Feeds",
    "Invoices",
    "Progress",
    "Reporting",
    "Reports",
    "Uploads",
]
