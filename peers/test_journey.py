"""Other people's clients, unmodified, make a seller's whole journey against `sellerport emulate`.

Each client has a program of its own, which reads a task, goes all the way, and prints what it was answered; what is
asserted is the same for all of them. Two things are done here, since they are not a client's: the owner sends the form
of the consent page, and the queue of the notifications is read, with boto3.

* A client that is led by the proxy is told so by the environment alone, or by its own option where it ignores that.
* A client that takes a base URL makes the journey again that way.
* A step that a client has no method for is named by its program, with why, and done there by hand.

The task: `client_id` and `client_secret`, the owner's `code`, `seller`, `country`, `region` and `marketplace`, the
`base` URL or null, the ARN of a `queue`, the times `since` and `report_since`, and what becomes of a listing by a
`patch` and by the `message` of a feed. Facts are Amazon's own words, as the client hands them to a program, under the
names that the tests here use.
"""

from __future__ import annotations

import csv
import http.client
import io
import json
import os
import ssl
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlencode, urlsplit

import boto3  # type: ignore[import-untyped]
import pytest
from running import LEADING, NODE, PYTHON, TIMEOUT_S, Amazon, Client, Json, run

from sellerport.emulator.shop import PLACES
from sellerport.regions import Marketplace, marketplace

AWS_REGIONS = {"na": "us-east-1", "eu": "eu-west-1"}
QUEUE = ("444455556666", "peers")
ORDERS = 120

PRICE, QUANTITY = 12.34, 77
STOCK = [{"fulfillment_channel_code": "DEFAULT", "quantity": QUANTITY}]
MESSAGE = {"messageId": 1, "operationType": "PARTIAL_UPDATE", "attributes": {"fulfillment_availability": STOCK}}

POSTED = {
    "ShipmentEventList": ("ShipmentItemList", "ItemChargeList", "ItemFeeList"),
    "RefundEventList": ("ShipmentItemAdjustmentList", "ItemChargeAdjustmentList", "ItemFeeAdjustmentList"),
}
COSTS = ("item-price", "item-tax", "shipping-price")
"""What the report has of an order's total."""


CLIENTS = {
    "python-amazon-sp-api": Client((PYTHON, "python_amazon_sp_api.py", "sync"), "python-sp-api-"),
    "python-amazon-sp-api, async": Client((PYTHON, "python_amazon_sp_api.py", "async"), "python-sp-api-"),
    "amzn-sp-api": Client((PYTHON, "amzn_sp_api.py"), "amazon-selling-partner-api-sdk/", ("exchange", "documents")),
    "npm amazon-sp-api": Client((NODE, "amazon_sp_api.mjs"), "amazon-sp-api/"),
}
SHOPS = {"proxy": marketplace("DE"), "base URL": marketplace("US")}
"""Where the account sells: ways differ in it, so that hosts, currencies and charsets do."""
WAYS = [(name, "proxy") for name in CLIENTS] + [(name, "base URL") for name in CLIENTS if not name.startswith("npm")]


@dataclass(frozen=True)
class Journey:
    """What a client was answered, and what the local Amazon saw of it."""

    client: Client
    way: str
    facts: Json
    state: Json
    requests: list[Json]
    messages: list[Json]

    @property
    def shop(self) -> Marketplace:
        """Where the account sells."""
        return SHOPS[self.way]

    @property
    def orders(self) -> list[Json]:
        """The orders as v0 lists them."""
        return [one for page in self.facts["orders"]["pages"] for one in page]

    @property
    def rows(self) -> list[dict[str, str]]:
        """The rows of the report."""
        text = io.StringIO(self.facts["report"]["text"], newline="")
        return list(csv.DictReader(text, delimiter="\t", quoting=csv.QUOTE_NONE))


def consent(amazon: Amazon, seller: str, way: str) -> str:
    """Send the form of the consent page as an account's owner, and return the code that the application gets."""
    asked = {"application_id": amazon.told["application_id"], "state": "peers", "redirect_uri": "http://127.0.0.1/"}
    path, here = f"/apps/authorize/consent?{urlencode(asked)}", urlsplit(amazon.address).netloc
    if way == "proxy":
        trust = ssl.create_default_context(cafile=amazon.told["SSL_CERT_FILE"])
        browser: http.client.HTTPConnection = http.client.HTTPSConnection(here, context=trust, timeout=TIMEOUT_S)
        browser.set_tunnel(SHOPS[way].seller_central)
    else:
        browser, path = http.client.HTTPConnection(here, timeout=TIMEOUT_S), f"/{SHOPS[way].seller_central}{path}"
    form = urlencode({"decision": "approve", "selling_partner_id": seller})
    browser.request("POST", path, form, {"content-type": "application/x-www-form-urlencoded"})
    sent_to = parse_qs(urlsplit(browser.getresponse().headers["location"]).query)
    browser.close()
    assert (sent_to["state"], sent_to["selling_partner_id"]) == (["peers"], [seller])
    return sent_to["spapi_oauth_code"][0]


def messages(amazon: Amazon, region: str) -> list[Json]:
    """Read all that is in the queue, with boto3."""
    account, name = QUEUE
    keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    sqs = boto3.client("sqs", region, endpoint_url=f"{amazon.address}/_sqs", **keys)
    url = sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    sqs.close()
    return [json.loads(one["Body"]) for one in found]


@pytest.fixture(scope="module", params=WAYS, ids=[f"{name}, {way}" for name, way in WAYS])
def journey(request: pytest.FixtureRequest, amazon: Amazon, tmp_path_factory: pytest.TempPathFactory) -> Journey:
    """A client's journey, in a local Amazon that was seeded anew."""
    name, way = request.param
    amazon.control("reset", {})
    shop, now = SHOPS[way], datetime.now(UTC)
    account = amazon.control("accounts", {"marketplaces": [shop.id], "name": "Peer Harbour Goods", "orders": ORDERS})
    amazon.control("documents", {"kind": "report", "gzip": True})
    seller, sqs = account["selling_partner_id"], AWS_REGIONS[shop.region]
    price = {"our_price": [{"schedule": [{"value_with_tax": PRICE}]}]}
    offer = {"marketplace_id": shop.id, "currency": shop.currency, **price}
    task = {
        "client_id": amazon.told["LWA_APP_ID"],
        "client_secret": amazon.told["LWA_CLIENT_SECRET"],
        "code": consent(amazon, seller, way),
        "seller": seller,
        "base": None if way == "proxy" else amazon.address,
        "country": shop.country,
        "region": shop.region,
        "marketplace": shop.id,
        "queue": ":".join(("arn:aws:sqs", sqs, *QUEUE)),
        "since": f"{now - timedelta(days=60):%Y-%m-%dT%H:%M:%SZ}",
        "report_since": f"{now - timedelta(days=30):%Y-%m-%dT%H:%M:%SZ}",  # as far as Amazon lets this report reach
        "patch": {"op": "replace", "path": "/attributes/purchasable_offer", "value": [offer]},
        "message": MESSAGE,
    }
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path_factory.mktemp("home"))}
    if way == "proxy":
        environ |= {one: amazon.told[one] for one in LEADING}
    facts = run(CLIENTS[name], task, environ)
    return Journey(
        client=CLIENTS[name],
        way=way,
        facts={**facts, "task": task},
        state=amazon.control("state"),
        requests=amazon.control("requests")["requests"],
        messages=messages(amazon, sqs),
    )


def amount(given: Json) -> Decimal:
    """Return an amount of money, whichever version wrote it."""
    return Decimal(str(given.get("CurrencyAmount", given.get("currencyAmount"))))


# --- how it went ------------------------------------------------------------------------------------------------------


def test_an_unmodified_client_came_the_way_it_was_led(journey: Journey) -> None:
    calls = [one for one in journey.requests if "x-amz-access-token" in one["headers"]]
    assert len(calls) > 20
    assert all(one["headers"]["user-agent"].startswith(journey.client.user_agent) for one in calls)
    stored = [one["headers"]["host"] for one in journey.requests if one["path"].startswith("/_storage/")]
    hosts = {one["headers"]["host"] for one in calls}
    assert len(stored) == 3  # a report, a feed, and its processing report
    if journey.way == "proxy":
        assert hosts == {f"sellingpartnerapi-{journey.shop.region}.amazon.com"}
        assert all(host.endswith(".amazonaws.com") for host in stored)
    else:
        here = urlsplit(journey.facts["task"]["base"]).netloc
        assert {*hosts, *stored} <= {here, here[1:]}  # python-amazon-sp-api cuts "https://" off, also where it is not
    assert tuple(journey.facts["by_hand"]) == journey.client.by_hand


def test_nothing_but_what_is_private_was_refused(journey: Journey) -> None:
    refused = [(one["method"], one["status"]) for one in journey.requests if one["status"] >= 400]
    assert refused == [("GET", 403)]


# --- the steps --------------------------------------------------------------------------------------------------------


def test_the_owners_code_became_the_grant_that_everything_was_called_with(journey: Journey) -> None:
    seller = journey.facts["task"]["seller"]
    (grant,) = [one for one in journey.state["grants"] if one["selling_partner_id"] == seller]
    assert not grant["revoked"]
    bodies = [one["body"] for one in journey.requests if one["path"] == "/auth/o2/token"]
    kinds = Counter((body if isinstance(body, dict) else dict(body))["grant_type"] for body in bodies)
    assert kinds["authorization_code"] == 1
    assert kinds["client_credentials"] == 1
    assert kinds["refresh_token"] >= 1


def test_every_order_comes_once_over_several_pages_in_both_versions(journey: Journey) -> None:
    ids = [one["AmazonOrderId"] for one in journey.orders]
    assert [len(page) for page in journey.facts["orders"]["pages"]] == [50, 50, 20]
    assert [len(page) for page in journey.facts["orders"]["pages_2026"]] == [50, 50, 20]
    assert len(set(ids)) == ORDERS
    assert {id for page in journey.facts["orders"]["pages_2026"] for id in page} == set(ids)


def test_personal_data_opens_to_a_restricted_data_token_and_to_that_order_alone(journey: Journey) -> None:
    found, order = journey.facts["restricted"], journey.facts["order"]["AmazonOrderId"]
    assert {found[name]["AmazonOrderId"] for name in ("plain", "order", "address")} == {order}
    assert not {"ShippingAddress", "BuyerInfo"} & {*found["plain"], *(name for one in journey.orders for name in one)}
    address = found["address"]["ShippingAddress"]
    assert found["order"]["ShippingAddress"] == address
    assert found["order"]["BuyerInfo"]["BuyerName"] == address["Name"]
    assert all(address[name] for name in ("Name", "AddressLine1", "City", "PostalCode"))
    assert found["other"] == "Unauthorized"


def test_the_report_is_waited_for_unpacked_and_agrees_with_the_orders(journey: Journey) -> None:
    report = journey.facts["report"]
    assert (report["statuses"], report["packed"]) == (["IN_QUEUE", "DONE"], "GZIP")
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in journey.rows:
        sums[row["amazon-order-id"]] += sum(Decimal(row[name] or 0) for name in COSTS)
    since = journey.facts["task"]["report_since"]
    recent = [one for one in journey.orders if one["PurchaseDate"] >= since]
    assert 50 < len(recent) < ORDERS
    assert sums == {one["AmazonOrderId"]: Decimal(one.get("OrderTotal", {}).get("Amount", 0)) for one in recent}
    line, order = journey.facts["line"], journey.facts["order"]["AmazonOrderId"]
    assert {row["ship-city"] for row in journey.rows} - {""} == {city for _, city, *_ in PLACES[journey.shop.country]}
    lines = {(row["asin"], row["sku"]) for row in journey.rows if row["amazon-order-id"] == order}
    assert (line["ASIN"], line["SellerSKU"]) in lines


def test_a_product_is_found_by_its_words_and_answered_by_its_asin(journey: Journey) -> None:
    found, line = journey.facts["catalog"], journey.facts["line"]
    assert line["ASIN"] in found["found"]
    assert found["item"]["asin"] == line["ASIN"]
    assert [one["itemName"] for one in found["item"]["summaries"]] == [line["Title"]]


def test_a_patched_price_is_read_back(journey: Journey) -> None:
    found, line = journey.facts["listing"], journey.facts["line"]
    assert {found[name]["sku"] for name in ("before", "patched", "between", "after")} == {line["SellerSKU"]}
    assert found["patched"]["status"] == "ACCEPTED"
    prices = {name: found[name]["offers"][0]["price"]["amount"] for name in ("before", "between", "after")}
    assert prices == {"before": prices["before"], "between": str(PRICE), "after": str(PRICE)}
    assert prices["before"] != str(PRICE)


def test_a_fed_quantity_is_reported_and_read_back(journey: Journey) -> None:
    found = journey.facts["listing"]
    assert found["feed"]["statuses"] == ["IN_QUEUE", "DONE"]
    report = found["feed"]["report"]
    assert (report["header"]["feedId"], report["issues"]) == (found["feed"]["id"], [])
    assert (report["summary"]["messagesProcessed"], report["summary"]["messagesAccepted"]) == (1, 1)
    stock = {name: found[name]["fulfillmentAvailability"][0]["quantity"] for name in ("before", "between", "after")}
    assert stock == {"before": stock["before"], "between": stock["before"], "after": QUANTITY}
    assert stock["before"] != QUANTITY


def test_what_was_posted_agrees_with_the_orders_and_between_the_versions(journey: Journey) -> None:
    charged, posted, moved = (defaultdict[str, Decimal](Decimal) for _ in range(3))
    pages = journey.facts["finances"]["events"]
    assert len(pages) > 1
    for kind, (lines, *lists) in POSTED.items():
        for event in (one for page in pages for one in page.get(kind, [])):
            for source, part in ((name, one) for line in event[lines] for name in lists for one in line[name]):
                posted[event["AmazonOrderId"]] += amount(part.get("ChargeAmount") or part["FeeAmount"])
                if source == "ItemChargeList":
                    charged[event["AmazonOrderId"]] += amount(part["ChargeAmount"])
    for one in journey.facts["finances"]["transactions"]:
        related = {part["relatedIdentifierName"]: part["relatedIdentifierValue"] for part in one["relatedIdentifiers"]}
        moved[related["ORDER_ID"]] += amount(one["totalAmount"])
    shipped = {one["AmazonOrderId"]: one["OrderTotal"] for one in journey.orders if one["OrderStatus"] == "Shipped"}
    assert journey.facts["order"]["AmazonOrderId"] in charged
    assert {id: charged[id] for id in shipped} == {id: Decimal(total["Amount"]) for id, total in shipped.items()}
    assert posted == moved


def test_the_end_of_the_report_was_told_in_the_queue(journey: Journey) -> None:
    found = journey.facts["notifications"]
    assert (found["kept"]["subscriptionId"], found["kept"]["destinationId"]) == (found["made"], found["destination"])
    (message,) = journey.messages
    assert message["notificationType"] == "REPORT_PROCESSING_FINISHED"
    assert message["notificationMetadata"]["subscriptionId"] == found["made"]
    told = message["payload"]["reportProcessingFinishedNotification"]
    report = journey.facts["report"]
    assert (told["reportId"], told["processingStatus"]) == (report["id"], "DONE")
    assert told["sellerId"] == journey.facts["task"]["seller"]
