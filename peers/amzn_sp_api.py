"""A seller's journey with Amazon's own amzn-sp-api; prints as JSON what it was answered.

    python peers/amzn_sp_api.py < task.json

Task and facts are those of `test_journey`. It asks for tokens with requests, which follows `HTTPS_PROXY` and
`REQUESTS_CA_BUNDLE`, and for everything else with urllib3, which does not: a default `Configuration` names proxy and
certificate. A base URL is an argument of `SPAPIClient`. It has no methods for two steps, which are done here by hand:

* exchange: it asks for tokens with a refresh token or a scope, and never with a code;
* documents: it tells where a document is, and leaves it to the program to put it there and to fetch it.

A restricted data token takes a second client, since a call overwrites the header that it would stand in.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
from collections.abc import Callable
from typing import Any

import requests
import spapi

LWA = "https://api.amazon.com"
MOST_POLLS = 9
TIMEOUT_S = 20
Json = dict[str, Any]


class Token:
    """A token that a client is to send with every call."""

    def __init__(self, token: str) -> None:
        self.token = token

    def get_lwa_access_token(self) -> str:
        """Return it, where the client's own cache would ask for a new one."""
        return self.token


class Seller:
    """The client's API classes for one seller."""

    def __init__(self, task: Json) -> None:
        self.application = {"client_id": task["client_id"], "client_secret": task["client_secret"]}
        self.region, self.shops = task["region"].upper(), [task["marketplace"]]
        self.login = f"{task['base'] or LWA}/auth/o2/token"
        self.endpoint = task["base"]
        self.refresh_token = ""

    def exchange(self, code: str) -> None:
        """Exchange the owner's code for the refresh token that everything else is called with."""
        form = {**self.application, "grant_type": "authorization_code", "code": code}
        answer = requests.post(self.login, form, timeout=TIMEOUT_S)
        answer.raise_for_status()
        self.refresh_token = answer.json()["refresh_token"]
        self.client = self._client(refresh_token=self.refresh_token)
        self.grantless = self._client(scope="sellingpartnerapi::notifications")

    def restricted(self, token: str) -> Any:
        """Make a client that sends a restricted data token."""
        client = self._client(refresh_token=self.refresh_token)
        client.api_client.configuration.access_token_cache = Token(token)
        return client

    def _client(self, **grant: str) -> Any:
        config = spapi.SPAPIConfig(**self.application, region=self.region, **grant)
        return spapi.SPAPIClient(config, oauth_endpoint=self.login, endpoint=self.endpoint)

    def __call__(self, name: str, client: Any = None) -> Any:
        """Make an API class."""
        return getattr(spapi, name)((client or self.client).api_client)

    def plain(self, model: Any) -> Any:
        """Return an answer as JSON: what the client understood of it, under Amazon's names."""
        return self.client.api_client.sanitize_for_serialization(model)


def pages(fetch: Callable[..., Json], token: str, following: Callable[[Json], str | None]) -> list[Json]:
    """Fetch page after page."""
    found = [fetch()]
    while next_token := following(found[-1]):
        found.append(fetch(**{token: next_token}))
    return found


def ended(ask: Callable[[], Json]) -> tuple[list[str], Json]:
    """Poll a report or a feed; return the statuses that it had, and what it is in the end."""
    statuses: list[str] = []
    for _ in range(MOST_POLLS):
        job = ask()
        statuses.append(job["processingStatus"])
        if statuses[-1] not in ("IN_QUEUE", "IN_PROGRESS"):
            return statuses, job
    raise TimeoutError(f"still {statuses[-1]}")


def download(document: Json) -> str:
    """Fetch a document from where it is, by hand."""
    answer = requests.get(document["url"], timeout=TIMEOUT_S)
    answer.raise_for_status()
    packed = document.get("compressionAlgorithm") == "GZIP"
    return (gzip.decompress(answer.content) if packed else answer.content).decode(answer.encoding or "utf-8")


def notifications(seller: Seller, queue: str) -> Json:
    """Ask to be told in a queue of the ends of reports."""
    kind, resource = "REPORT_PROCESSING_FINISHED", {"sqs": {"arn": queue}}
    grantless, api = seller("NotificationsApi", seller.grantless), seller("NotificationsApi")
    destination = seller.plain(grantless.create_destination({"name": "peers", "resourceSpecification": resource}))
    wanted = {"payloadVersion": "1.0", "destinationId": destination["payload"]["destinationId"]}
    made = seller.plain(api.create_subscription(kind, wanted))["payload"]
    kept = seller.plain(api.get_subscription(kind))["payload"]
    return {"destination": wanted["destinationId"], "made": made["subscriptionId"], "kept": kept}


def orders(seller: Seller, since: str) -> Json:
    """List the orders in both versions."""

    def v0(**more: str) -> Json:
        found = seller("OrdersV0Api").get_orders(seller.shops, created_after=since, max_results_per_page=50, **more)
        return dict(seller.plain(found)["payload"])

    def newer(**more: str) -> Json:
        found = seller("SearchOrdersApi").search_orders(created_after=since, max_results_per_page=50, **more)
        return dict(seller.plain(found))

    found = pages(v0, "next_token", lambda page: page.get("NextToken"))
    later = pages(newer, "pagination_token", lambda page: page.get("pagination", {}).get("nextToken"))
    ids = [[one["orderId"] for one in page["orders"]] for page in later]
    return {"pages": [page["Orders"] for page in found], "pages_2026": ids}


def restricted(seller: Seller, order: str, other: str) -> Json:
    """Ask for personal data of an order, without and with a token for it, and with that token for another order's."""
    path = f"/orders/v0/orders/{order}"
    asked = [
        {"method": "GET", "path": path, "dataElements": ["buyerInfo", "shippingAddress"]},
        {"method": "GET", "path": f"{path}/address"},
    ]
    made = seller.plain(seller("TokensApi").create_restricted_data_token({"restrictedResources": asked}))
    opened = seller("OrdersV0Api", seller.restricted(made["restrictedDataToken"]))
    try:
        refused = seller.plain(opened.get_order_address(other))
    except spapi.ApiException as error:
        refused = json.loads(error.body)["errors"][0]["code"]
    return {
        "plain": seller.plain(seller("OrdersV0Api").get_order(order))["payload"],
        "order": seller.plain(opened.get_order(order))["payload"],
        "address": seller.plain(opened.get_order_address(order))["payload"],
        "other": refused,
    }


def report(seller: Seller, since: str) -> Json:
    """Ask for the report of all orders, wait for it, and read it."""
    api, kind = seller("ReportsApi"), "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"
    made = api.create_report({"reportType": kind, "marketplaceIds": seller.shops, "dataStartTime": since})
    statuses, job = ended(lambda: dict(seller.plain(api.get_report(made.report_id))))
    document = seller.plain(api.get_report_document(job["reportDocumentId"]))
    packed, text = document["compressionAlgorithm"], download(document)
    return {"id": made.report_id, "statuses": statuses, "packed": packed, "text": text}


def catalog(seller: Seller, asin: str, keywords: list[str]) -> Json:
    """Search items by keywords, and ask for one by its ASIN."""
    api = seller("CatalogApi")
    found = api.search_catalog_items(seller.shops, keywords=keywords, included_data=["summaries"])
    item = seller.plain(api.get_catalog_item(asin, seller.shops, included_data=["summaries"]))
    return {"found": [one.asin for one in found.items], "item": item}


def listing(seller: Seller, task: Json, sku: str) -> Json:
    """Read a listing, patch its price, feed its quantity, and read it again after each."""
    api, place = seller("ListingsApi"), (task["seller"], sku, seller.shops)
    wanted = ["summaries", "offers", "fulfillmentAvailability"]
    before = seller.plain(api.get_listings_item(*place, included_data=wanted))
    kind = before["summaries"][0]["productType"]
    patched = seller.plain(api.patch_listings_item(*place, {"productType": kind, "patches": [task["patch"]]}))
    between = seller.plain(api.get_listings_item(*place, included_data=wanted))
    fed = feed(seller, task["seller"], {"sku": sku, "productType": kind, **task["message"]})
    after = seller.plain(api.get_listings_item(*place, included_data=wanted))
    return {"before": before, "patched": patched, "between": between, "feed": fed, "after": after}


def feed(seller: Seller, id: str, message: Json) -> Json:
    """Upload a feed of one message, by hand, wait for it, and read its processing report."""
    api, content = seller("FeedsApi"), {"header": {"sellerId": id, "version": "2.0"}, "messages": [message]}
    kind = "application/json; charset=UTF-8"
    document = api.create_feed_document({"contentType": kind})
    upload = requests.put(document.url, json.dumps(content), headers={"content-type": kind}, timeout=TIMEOUT_S)
    upload.raise_for_status()
    wanted = {"feedType": "JSON_LISTINGS_FEED", "marketplaceIds": seller.shops}
    made = api.create_feed({**wanted, "inputFeedDocumentId": document.feed_document_id})
    statuses, job = ended(lambda: dict(seller.plain(api.get_feed(made.feed_id))))
    result = seller.plain(api.get_feed_document(job["resultFeedDocumentId"]))
    return {"id": made.feed_id, "statuses": statuses, "report": json.loads(download(result))}


def finances(seller: Seller, since: str) -> Json:
    """List what was posted, in both versions."""

    def v0(**more: str) -> Json:
        found = seller("FinancesV0Api").list_financial_events(posted_after=since, max_results_per_page=40, **more)
        return dict(seller.plain(found)["payload"])

    def newer(**more: str) -> Json:
        return dict(seller.plain(seller("FinancesV2024Api").list_transactions(posted_after=since, **more))["payload"])

    events = pages(v0, "next_token", lambda page: page.get("NextToken"))
    transactions = pages(newer, "next_token", lambda page: page.get("nextToken"))
    return {
        "events": [page["FinancialEvents"] for page in events],
        "transactions": [one for page in transactions for one in page["transactions"]],
    }


def journey(task: Json) -> Json:
    """Go all the way."""
    default = spapi.Configuration()
    if not task["base"]:
        default.proxy, default.ssl_ca_cert = os.environ["HTTPS_PROXY"], os.environ["SSL_CERT_FILE"]
    spapi.Configuration.set_default(default)
    seller = Seller(task)
    seller.exchange(task["code"])
    told = notifications(seller, task["queue"])
    listed = orders(seller, task["since"])
    every = [one for page in listed["pages"] for one in page]
    sold = next(one for one in reversed(every) if (one["OrderStatus"], one["FulfillmentChannel"]) == ("Shipped", "MFN"))
    order, other = sold["AmazonOrderId"], next(one for one in every if one is not sold)["AmazonOrderId"]
    line = seller.plain(seller("OrdersV0Api").get_order_items(order))["payload"]["OrderItems"][0]
    return {
        "by_hand": ["exchange", "documents"],
        "order": sold,
        "line": line,
        "notifications": told,
        "orders": listed,
        "restricted": restricted(seller, order, other),
        "report": report(seller, task["report_since"]),
        "catalog": catalog(seller, line["ASIN"], line["Title"].replace(",", "").split()),
        "listing": listing(seller, task, line["SellerSKU"]),
        "finances": finances(seller, task["since"]),
    }


if __name__ == "__main__":
    json.dump(journey(json.load(sys.stdin)), sys.stdout)
