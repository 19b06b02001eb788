"""A seller's journey with python-amazon-sp-api, blocking or async; prints as JSON what it was answered.

    python peers/python_amazon_sp_api.py sync|async < task.json

Task and facts are those of `test_journey`. Without a base URL nothing here says where Amazon is: httpx follows
`HTTPS_PROXY` and `SSL_CERT_FILE`. A base URL goes into the marketplace and the token client, which the client takes as
arguments. Both colours are the same classes from two packages, so that `settled` is all the difference.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import io
import json
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from sp_api.base import Marketplaces
from sp_api.base.exceptions import SellingApiException

MOST_POLLS = 9
Json = dict[str, Any]


async def settled(found: Any) -> Any:
    """Return what a call of either colour returns."""
    return await found if inspect.isawaitable(found) else found


class Seller:
    """The client's classes, in one colour, for one seller."""

    def __init__(self, colour: str, task: Json) -> None:
        package = {"sync": "sp_api", "async": "sp_api.asyncio"}[colour]
        self.api = importlib.import_module(f"{package}.api")
        self.login = importlib.import_module(f"{package}.auth").AccessTokenClient
        self.credentials = {"lwa_app_id": task["client_id"], "lwa_client_secret": task["client_secret"]}
        self.marketplace: Any = Marketplaces[task["country"]]
        if task["base"]:
            scheme, host = task["base"].split("://")
            self.login = type("LocalLogin", (self.login,), {"scheme": f"{scheme}://", "host": host})
            known = {"marketplace_id": self.marketplace.marketplace_id, "region": self.marketplace.region}
            self.marketplace = SimpleNamespace(endpoint=task["base"], **known)

    async def exchange(self, code: str) -> None:
        """Exchange the owner's code for the refresh token that everything else is called with."""
        credentials = SimpleNamespace(**self.credentials, refresh_token=None)
        granted = await settled(self.login(credentials=credentials).authorize_auth_code(code))
        self.credentials["refresh_token"] = granted["refresh_token"]

    def __call__(self, name: str, **more: Any) -> Any:
        """Make a client of an API."""
        kind = getattr(self.api, name)
        given = {"marketplace": self.marketplace, "credentials": self.credentials}
        return kind(**given, auth_token_client_class=self.login, **more)


async def pages(fetch: Callable[..., Any], token: str, **query: Any) -> list[Json]:
    """Fetch page after page; the arguments of the first are sent again with each token."""
    found = [await settled(fetch(**query))]
    while found[-1].next_token:
        found.append(await settled(fetch(**query, **{token: found[-1].next_token})))
    return [one.payload for one in found]


async def ended(ask: Callable[[str], Any], id: str) -> tuple[list[str], Json]:
    """Poll a report or a feed; return the statuses that it had, and what it is in the end."""
    statuses: list[str] = []
    for _ in range(MOST_POLLS):
        job = (await settled(ask(id))).payload
        statuses.append(job["processingStatus"])
        if statuses[-1] not in ("IN_QUEUE", "IN_PROGRESS"):
            return statuses, job
    raise TimeoutError(f"{id} is still {statuses[-1]}")


async def notifications(seller: Seller, queue: str) -> Json:
    """Ask to be told in a queue of the ends of reports."""
    api, kind = seller("Notifications"), "REPORT_PROCESSING_FINISHED"
    destination = (await settled(api.create_destination(name="peers", arn=queue))).payload["destinationId"]
    made = (await settled(api.create_subscription(kind, destination_id=destination))).payload
    kept = (await settled(api.get_subscription(kind))).payload
    return {"destination": destination, "made": made["subscriptionId"], "kept": kept}


async def orders(seller: Seller, since: str) -> Json:
    """List the orders in both versions."""
    v0 = await pages(seller("Orders").get_orders, "NextToken", CreatedAfter=since, MaxResultsPerPage=50)
    search = seller("Orders", version="2026-01-01").search_orders
    newer = await pages(search, "paginationToken", createdAfter=since, maxResultsPerPage=50)
    ids = [[one["orderId"] for one in page["orders"]] for page in newer]
    return {"pages": [page["Orders"] for page in v0], "pages_2026": ids}


async def restricted(seller: Seller, order: str, other: str) -> Json:
    """Ask for personal data of an order, without and with a token for it, and with that token for another order's."""
    path = f"/orders/v0/orders/{order}"
    asked = [
        {"method": "GET", "path": path, "dataElements": ["buyerInfo", "shippingAddress"]},
        {"method": "GET", "path": f"{path}/address"},
    ]
    made = (await settled(seller("Tokens").create_restricted_data_token(restrictedResources=asked))).payload
    opened = seller("Orders", restricted_data_token=made["restrictedDataToken"])
    try:
        refused = (await settled(opened.get_order_address(other))).payload
    except SellingApiException as error:
        refused = error.amzn_code
    return {
        "plain": (await settled(seller("Orders").get_order(order))).payload,
        "order": (await settled(opened.get_order(order))).payload,
        "address": (await settled(opened.get_order_address(order))).payload,
        "other": refused,
    }


async def report(seller: Seller, since: str) -> Json:
    """Ask for the report of all orders, wait for it, and read it."""
    api, kind = seller("Reports"), "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"
    made = (await settled(api.create_report(reportType=kind, dataStartTime=since))).payload
    statuses, job = await ended(api.get_report, made["reportId"])
    found = (await settled(api.get_report_document(job["reportDocumentId"], download=True))).payload
    packed, text = found["compressionAlgorithm"], found["document"]
    return {"id": made["reportId"], "statuses": statuses, "packed": packed, "text": text}


async def catalog(seller: Seller, asin: str, keywords: list[str]) -> Json:
    """Search items by keywords, and ask for one by its ASIN."""
    api = seller("CatalogItems", version="2022-04-01")
    found = (await settled(api.search_catalog_items(keywords=keywords, includedData="summaries"))).payload
    item = (await settled(api.get_catalog_item(asin, includedData="summaries"))).payload
    return {"found": [one["asin"] for one in found["items"]], "item": item}


async def listing(seller: Seller, task: Json, sku: str) -> Json:
    """Read a listing, patch its price, feed its quantity, and read it again after each."""
    api, wanted = seller("ListingsItems"), "summaries,offers,fulfillmentAvailability"
    before = (await settled(api.get_listings_item(task["seller"], sku, includedData=wanted))).payload
    kind = before["summaries"][0]["productType"]
    body = {"productType": kind, "patches": [task["patch"]]}
    patched = (await settled(api.patch_listings_item(task["seller"], sku, body=body))).payload
    between = (await settled(api.get_listings_item(task["seller"], sku, includedData=wanted))).payload
    fed = await feed(seller, task["seller"], {"sku": sku, "productType": kind, **task["message"]})
    after = (await settled(api.get_listings_item(task["seller"], sku, includedData=wanted))).payload
    return {"before": before, "patched": patched, "between": between, "feed": fed, "after": after}


async def feed(seller: Seller, id: str, message: Json) -> Json:
    """Upload a feed of one message, wait for it, and read its processing report."""
    api, content = seller("Feeds"), {"header": {"sellerId": id, "version": "2.0"}, "messages": [message]}
    file = io.BytesIO(json.dumps(content).encode())
    _, made = await settled(api.submit_feed("JSON_LISTINGS_FEED", file, content_type="application/json"))
    statuses, job = await ended(api.get_feed, made.payload["feedId"])
    text = await settled(api.get_feed_document(job["resultFeedDocumentId"]))
    return {"id": made.payload["feedId"], "statuses": statuses, "report": json.loads(text)}


async def finances(seller: Seller, since: str) -> Json:
    """List what was posted, in both versions."""
    v0 = seller("Finances").list_financial_events
    events = await pages(v0, "NextToken", PostedAfter=since, MaxResultsPerPage=40)
    newer = seller("Finances", version="2024-06-19").list_transactions
    transactions = await pages(newer, "nextToken", postedAfter=since)
    return {
        "events": [page["FinancialEvents"] for page in events],
        "transactions": [one for page in transactions for one in page["transactions"]],
    }


async def journey(colour: str, task: Json) -> Json:
    """Go all the way."""
    seller = Seller(colour, task)
    await seller.exchange(task["code"])
    told = await notifications(seller, task["queue"])
    listed = await orders(seller, task["since"])
    every = [one for page in listed["pages"] for one in page]
    sold = next(one for one in reversed(every) if (one["OrderStatus"], one["FulfillmentChannel"]) == ("Shipped", "MFN"))
    order, other = sold["AmazonOrderId"], next(one for one in every if one is not sold)["AmazonOrderId"]
    (line, *_) = (await settled(seller("Orders").get_order_items(order))).payload["OrderItems"]
    return {
        "by_hand": [],
        "order": sold,
        "line": line,
        "notifications": told,
        "orders": listed,
        "restricted": await restricted(seller, order, other),
        "report": await report(seller, task["report_since"]),
        "catalog": await catalog(seller, line["ASIN"], line["Title"].replace(",", "").split()),
        "listing": await listing(seller, task, line["SellerSKU"]),
        "finances": await finances(seller, task["since"]),
    }


if __name__ == "__main__":
    json.dump(asyncio.run(journey(sys.argv[1], json.load(sys.stdin))), sys.stdout)
