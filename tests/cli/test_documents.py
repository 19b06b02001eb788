"""`sellerport report`, `sellerport feed`, and `sellerport call` through pages and restricted data."""

from __future__ import annotations

import json

import pytest

from sellerport.emulator import Outcome
from tests.cli.conftest import Shell
from tests.conftest import LocalAmazon

SINCE = "created_after=2020-01-01T00:00:00Z"
LISTINGS = "GET_MERCHANT_LISTINGS_ALL_DATA"


@pytest.fixture(autouse=True)
def _made_at_once(amazon: LocalAmazon) -> None:
    """Amazon is done when it is first asked, so that nothing waits."""
    amazon.world.polls = 0


def test_all_pages_are_printed_a_line_for_each_record(seller: Shell, amazon: LocalAmazon) -> None:
    words = (
        "call",
        "orders.getOrders",
        "marketplace_ids=US,CA,MX",
        SINCE,
        "max_results_per_page=7",
        "--all",
        "--jsonl",
    )
    orders = [json.loads(line) for line in seller.ok(*words).splitlines()]
    assert len({order["AmazonOrderId"] for order in orders}) == 30
    assert dict(amazon.arrived()[0]["query"])["MarketplaceIds"] == "ATVPDKIKX0DER,A2EUQ1WTGCTBG2,A1AM78C64UM0Y8"
    assert len(amazon.arrived("/orders/v0/orders")) == 5


def test_one_page_can_be_printed_as_lines_too(seller: Shell) -> None:
    lines = seller.ok("call", "orders.search_orders", SINCE, "max_results_per_page=3", "--jsonl").splitlines()
    assert [len(lines), "orderId" in json.loads(lines[0])] == [3, True]


def test_all_of_what_has_no_pages_is_refused(seller: Shell, amazon: LocalAmazon) -> None:
    told = seller.fails("call", "sellers.get_account", "--all")
    assert "--all: sellers_v1.get_account has no pages" in told
    assert amazon.arrived() == []


def test_restricted_data_is_asked_for_by_name(seller: Shell, amazon: LocalAmazon) -> None:
    order = seller.json("call", "orders_v0.get_orders", SINCE, "order_statuses=Shipped")["payload"]["Orders"][0]
    words = ("call", "orders_v0.get_order", f"order_id={order['AmazonOrderId']}", "--restricted")
    full = seller.json(*words, "buyerInfo,shippingAddress")["payload"]
    assert full["ShippingAddress"]["AddressLine1"]
    assert "has no buyerName" in seller.fails(*words, "buyerName")


def test_a_report_is_written_to_a_file_and_told_about(seller: Shell) -> None:
    done = seller.run("report", LISTINGS, "--out", "listings.tsv")
    assert done.returncode == 0, done.stderr
    text = (seller.folder / "listings.tsv").read_text("utf-8")
    assert text.splitlines()[0].split("\t")[0] == "item-name"
    assert "listings.tsv" in done.stdout
    assert [line.rsplit(": ", 1)[1] for line in done.stderr.splitlines()] == ["IN_QUEUE", "DONE"]


def test_a_report_is_printed_as_it_is_or_as_rows(seller: Shell) -> None:
    printed = seller.run("report", LISTINGS).stdout
    rows = [json.loads(line) for line in seller.run("report", LISTINGS, "--rows").stdout.splitlines()]
    names, first = (line.split("\t") for line in printed.splitlines()[:2])
    assert rows[0] == dict(zip(names, first, strict=True))
    assert len(rows) == len(printed.splitlines()) - 1


def test_a_report_is_gone_on_with_by_its_id(seller: Shell, amazon: LocalAmazon) -> None:
    amazon.world.plan(Outcome(polls=2))
    waiting = seller.run("report", LISTINGS, "--out", "a.tsv", "--patience", "0")
    assert waiting.returncode == 1
    told = waiting.stderr.split("to go on: sellerport ")[1].splitlines()[0]
    done = seller.run(*told.split())
    assert done.returncode == 0, done.stderr
    assert (seller.folder / "a.tsv").exists()
    assert len(amazon.arrived("/reports/2021-06-30/reports")) == 1


def test_reports_that_come_to_nothing_say_why(seller: Shell, amazon: LocalAmazon) -> None:
    amazon.world.plan(Outcome(status="CANCELLED"))
    assert "document_cancelled" in seller.run("report", LISTINGS).stderr
    amazon.world.plan(Outcome(status="FATAL"))
    failed = seller.run("report", LISTINGS, "--out", "b.tsv")
    assert (failed.returncode, "document_failed" in failed.stderr) == (1, True)
    assert not (seller.folder / "b.tsv").exists()


def test_a_feed_is_submitted_and_its_summary_shown(seller: Shell, amazon: LocalAmazon) -> None:
    feed = {
        "header": {"sellerId": "ALOCALSELLERNA", "version": "2.0", "issueLocale": "en_US"},
        "messages": [{"messageId": 1, "sku": "LHG-1", "operationType": "DELETE"}],
    }
    (seller.folder / "feed.json").write_text(json.dumps(feed), "utf-8")
    done = seller.run("feed", "JSON_LISTINGS_FEED", "feed.json", "--out", "result.json", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["accepted"] == 1
    assert json.loads((seller.folder / "result.json").read_text("utf-8"))["summary"]["messagesAccepted"] == 1
    feed["messages"] = [{"messageId": 1, "sku": "LHG-1", "operationType": "NOTHING"}]
    (seller.folder / "feed.json").write_text(json.dumps(feed), "utf-8")
    refused = seller.run("feed", "JSON_LISTINGS_FEED", "feed.json")
    assert (refused.returncode, "ERROR" in refused.stdout) == (1, True)
    assert "feed_type and file: are required" in seller.fails("feed")
