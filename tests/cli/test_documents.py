"""`sellerport report`, `sellerport feed`, and `sellerport call` through pages and restricted data."""

from __future__ import annotations

import json
import os
import pty
import shlex
import signal
import subprocess
from datetime import date, timedelta
from typing import Literal

import pytest

from sellerport.emulator import Outcome
from sellerport.emulator.ads.advertisers import ADVERTISER_TOKEN
from tests.cli.conftest import Shell
from tests.conftest import LocalAmazon

SINCE = "created_after=2020-01-01T00:00:00Z"
LISTINGS = "GET_MERCHANT_LISTINGS_ALL_DATA"


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
    told = seller.fails("call", "sellers.get_account", "--all", status=2)
    assert "--all: sellers_v1.get_account has no pages" in told
    assert amazon.arrived() == []


def test_restricted_data_is_asked_for_by_name(seller: Shell, amazon: LocalAmazon) -> None:
    order = seller.json("call", "orders_v0.get_orders", SINCE, "order_statuses=Shipped")["payload"]["Orders"][0]
    words = ("call", "orders_v0.get_order", f"order_id={order['AmazonOrderId']}", "--restricted")
    full = seller.json(*words, "buyerInfo,shippingAddress")["payload"]
    assert full["ShippingAddress"]["AddressLine1"]
    assert "has no buyerName" in seller.fails(*words, "buyerName", status=2)


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


def fetched(seller: Shell, *words: str, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    done = seller.here(*words, "--patience", "0", given=given)
    assert done.returncode == 0, done.stderr
    return done


def hint(told: bytes | str) -> list[str]:
    """The words of the command that goes on, without its id; it stands on a line of its own."""
    lines = (told if isinstance(told, str) else told.decode()).splitlines()
    (line,) = (line for line in lines if "to go on" in line)
    words = shlex.split(line.removeprefix("to go on: "))
    assert (words[0], words[2]) == ("sellerport", "--id")
    return [words[1], *words[4:]]


def test_what_a_report_is_of_is_asked_for(seller: Shell, amazon: LocalAmazon) -> None:
    options = ("--option", "a=1", "--option", "b=x=y", "--marketplace", "CA")
    fetched(seller, "report", LISTINGS, "--since", "2026-01-02", "--until", "2026-01-03", *options)
    assert amazon.arrived("/reports/2021-06-30/reports")[0]["body"] == {
        "reportType": LISTINGS,
        "marketplaceIds": ["A2EUQ1WTGCTBG2"],
        "dataStartTime": "2026-01-02",
        "dataEndTime": "2026-01-03",
        "reportOptions": {"a": "1", "b": "x=y"},
    }
    assert b"a: has no value; write it as name=value" in seller.here("report", LISTINGS, "--option", "a").stderr


@pytest.mark.parametrize("words", [("report", LISTINGS), ("feed", "POST_ANY", "-")], ids=lambda words: words[0])
def test_documents_come_from_the_sandbox_if_asked_to(
    seller: Shell, amazon: LocalAmazon, words: tuple[str, ...]
) -> None:
    seller.here(*words, "--sandbox", "--patience", "0", given=b"sku\n")
    hosts = {one["host"] for one in amazon.arrived() if not one["path"].startswith("/_storage/")}
    assert hosts == {"sandbox.sellingpartnerapi-na.amazon.com"}


def test_a_report_that_is_printed_for_a_program_is_the_documents_own_bytes(seller: Shell, amazon: LocalAmazon) -> None:
    body = "größe\tnote\r\n1\t\x1b[31mred\n"
    amazon.world.plan(Outcome(body=body, charset="latin-1"))
    assert fetched(seller, "report", LISTINGS).stdout == body.encode("latin-1")


def test_json_about_a_report_goes_with_a_file(seller: Shell, amazon: LocalAmazon) -> None:
    refused = seller.here("report", LISTINGS, "--json")
    assert refused.returncode == 2
    assert "--json goes with --out" in json.loads(refused.stderr)["error"]["message"]
    assert amazon.arrived() == []
    facts = json.loads(fetched(seller, "report", LISTINGS, "--json", "--out", "a.tsv").stdout)
    assert (facts["file"], facts["bytes"]) == ("a.tsv", (seller.folder / "a.tsv").stat().st_size)
    assert json.loads(fetched(seller, "report", LISTINGS, "--json", "--rows").stdout.splitlines()[0])


def uploaded(amazon: LocalAmazon) -> tuple[str, bytes]:
    (put,) = (one for one in amazon.arrived() if one["method"] == "PUT")
    key = put["path"].removeprefix("/_storage/")
    return put["headers"]["content-type"], amazon.world.storage.objects[key].read()


def test_a_feed_is_sent_with_its_options_and_content_type(seller: Shell, amazon: LocalAmazon) -> None:
    (seller.folder / "feed.tsv").write_bytes(b"sku\xe9")
    latin = "text/plain; charset=ISO-8859-1"
    options = ("--content-type", latin, "--option", "a=1", "--marketplace", "MX")
    fetched(seller, "feed", "POST_ANY", "feed.tsv", *options)
    assert uploaded(amazon) == (latin, b"sku\xe9")
    (asked,) = (one["body"] for one in amazon.arrived("/feeds/2021-06-30/feeds"))
    assert (asked["feedOptions"], asked["marketplaceIds"]) == ({"a": "1"}, ["A1AM78C64UM0Y8"])


@pytest.mark.parametrize("name", ["-", "pipe"])
def test_a_feed_is_read_from_standard_input_or_a_pipe(seller: Shell, amazon: LocalAmazon, name: str) -> None:
    content = "sku\tname\nA\tgröße\n".encode()
    if name == "pipe":
        end, begin = os.pipe()
        os.write(begin, content)
        os.close(begin)
        name = f"/dev/fd/{end}"
    fetched(seller, "feed", "POST_ANY", name, given=content)
    assert uploaded(amazon)[1] == content


@pytest.mark.parametrize(("field", "status"), [("messagesInvalid", 1), ("errors", 1), ("warnings", 0)])
def test_a_feed_of_which_something_was_refused_exits_with_1(
    seller: Shell, amazon: LocalAmazon, field: str, status: int
) -> None:
    amazon.world.plan(Outcome(kind="feed", body=json.dumps({"summary": {field: 1}, "issues": []})))
    assert seller.here("feed", "POST_ANY", "-", "--patience", "0", given=b"sku\n").returncode == status


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("report",), "Missing REPORT_TYPE"),
        (("feed",), "Missing FEED_TYPE and FILE"),
        (("feed", "POST_ANY"), "Missing FILE"),
        (("feed", "POST_ANY", "-", "--id", "5"), "leave out FEED_TYPE, FILE"),
        (("feed", "--id", "5", "--content-type", "text/plain"), "leave out --content-type"),
        (("report", "--id", "5", "--since", "2026-01-01", "--option", "a=1"), "leave out --since, --option"),
        (("report", LISTINGS, "--out", "gone/a.tsv"), "invalid_arguments: --out: the folder"),
        (("report", LISTINGS, "--patience", "-1"), "invalid_arguments: --patience: must be"),
        (("feed", "POST_ANY", "-"), "invalid_arguments: FILE: is not in UTF-8"),
    ],
    ids=str,
)
def test_what_was_asked_for_wrongly_is_told_in_the_commands_own_words(
    seller: Shell, amazon: LocalAmazon, words: tuple[str, ...], said: str
) -> None:
    done = seller.here(*words, given=b"\xff")
    assert (done.returncode, said in done.stderr.decode()) == (2, True), done.stderr
    assert amazon.arrived() == []


def test_an_error_says_what_goes_on_with_the_options_that_were_given(seller: Shell, amazon: LocalAmazon) -> None:
    started = ("--since", "2026-01-01", "--option", "a=1")
    kept = ("--out", "a {b}.tsv", "--rows", "--marketplace", "CA", "--sandbox")
    amazon.world.plan(Outcome(polls=9, times=9))
    pending = seller.here("report", LISTINGS, *started, *kept[:-1], "--patience", "0")
    assert (pending.returncode, hint(pending.stderr)) == (1, ["report", *kept[:-1]])
    amazon.fail(path="/reports/2021-06-30/reports/*", status=403, times=9)
    assert hint(seller.here("report", LISTINGS, *kept, "--patience", "0").stderr) == ["report", *kept]
    amazon.world.plan(Outcome(kind="feed", polls=9))
    waiting = seller.here("feed", "POST_ANY", "-", "--content-type", "text/plain", "--patience", "0", given=b"sku")
    assert hint(waiting.stderr) == ["feed"]


@pytest.mark.parametrize("status", ["CANCELLED", "FATAL"])
def test_nothing_goes_on_with_what_has_ended(
    seller: Shell, amazon: LocalAmazon, status: Literal["CANCELLED", "FATAL"]
) -> None:
    amazon.world.plan(Outcome(status=status))
    done = seller.here("report", LISTINGS, "--patience", "0")
    assert (done.returncode, b"to go on" in done.stderr) == (1, False)


def test_an_interrupt_says_what_goes_on(seller: Shell, amazon: LocalAmazon) -> None:
    amazon.world.polls = 99
    with seller.start("report", LISTINGS, "--out", "a b.tsv", stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert "IN_QUEUE" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=30)[1]
    assert process.returncode == 1
    assert hint(told) == ["report", "--out", "a b.tsv"]
    assert "Traceback" not in told


def on_terminal(seller: Shell, *words: str) -> str:
    """What a terminal is sent."""
    seller.environ["TERM"] = "xterm"
    ours, theirs = pty.openpty()
    with seller.start(*words, "--patience", "0", stdout=theirs, stderr=theirs):
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 1 << 16):
                shown += piece
        except OSError:  # Linux's way to say that the other side was closed
            pass
    os.close(ours)
    return shown.decode().replace("\r\n", "\n")


def test_a_terminal_shows_a_bar_and_then_the_report_as_text(seller: Shell, amazon: LocalAmazon) -> None:
    amazon.world.plan(Outcome(body="größe\r\n1\x1b[31m\n", charset="latin-1"))
    bar, _, shown = on_terminal(seller, "report", LISTINGS).rpartition("\x1b[2K")
    assert ": DONE" in bar
    assert "━" in bar
    assert shown == "größe\n1\N{REPLACEMENT CHARACTER}[31m\n"


def test_a_terminal_shows_the_hint_where_the_bar_was(seller: Shell, amazon: LocalAmazon) -> None:
    amazon.world.polls = 99
    told = on_terminal(seller, "report", LISTINGS, "--out", "a.tsv").rpartition("\x1b[2K")[2]
    assert told.startswith("to go on: sellerport report --id ")
    assert hint(told) == ["report", "--out", "a.tsv"]


@pytest.fixture
def advertiser(shell: Shell, amazon: LocalAmazon) -> Shell:
    """A shell with an advertiser's credentials for the local Amazon, which makes reports in no time."""
    amazon.world.task_s = 0
    application = amazon.world.application()
    profile = next(one for one in amazon.world.ads.profiles.values() if one.marketplace.country == "US")
    shell.environ |= {
        "AD_API_CLIENT_ID": application.client_id,
        "AD_API_CLIENT_SECRET": application.client_secret,
        "AD_API_REFRESH_TOKEN": ADVERTISER_TOKEN,
        "AD_API_PROFILE_ID": profile.id,
        "SELLERPORT_AMAZON": amazon.address,
    }
    return shell


ADS_REPORT = ("ads-report", "spCampaigns", "--columns", "date,campaignId,cost", "--until", str(date.today()))
DAYS = ("--since", str(date.today() - timedelta(days=6)))


def test_a_report_of_advertising_is_printed_a_line_of_json_for_each_row(advertiser: Shell, amazon: LocalAmazon) -> None:
    filters = ("--filter", "campaignStatus=ENABLED,PAUSED", "--group-by", "campaign", "--time-unit", "DAILY")
    rows = [json.loads(line) for line in fetched(advertiser, *ADS_REPORT, *DAYS, *filters).stdout.splitlines()]
    assert rows
    assert all(row["campaignId"].isdigit() and row.keys() == {"date", "campaignId", "cost"} for row in rows)
    asked = amazon.arrived("/reporting/reports")[0]["body"]["configuration"]
    assert asked["filters"] == [{"field": "campaignStatus", "values": ["ENABLED", "PAUSED"]}]


def test_a_report_of_advertising_is_gone_on_with_by_its_id_and_written_to_a_file(
    advertiser: Shell, amazon: LocalAmazon
) -> None:
    amazon.world.plan(Outcome(seconds=60))
    profile = amazon.world.ads.profiles[advertiser.environ.pop("AD_API_PROFILE_ID")].id
    words = (*ADS_REPORT, *DAYS, "--profile", profile, "--region", "na", "--out", "a.jsonl", "--patience", "0")
    waiting = advertiser.here(*words)
    assert (waiting.returncode, b"document_pending" in waiting.stderr) == (1, True)
    again = hint(waiting.stderr)
    assert again == ["ads-report", "--profile", profile, "--region", "na", "--out", "a.jsonl"]
    id = waiting.stderr.decode().split("--id ")[1].split()[0]
    amazon.world.advance(60)
    told = json.loads(fetched(advertiser, again[0], "--id", id, *again[1:], "--json").stdout)
    assert told == {"id": id, "file": "a.jsonl", "bytes": (advertiser.folder / "a.jsonl").stat().st_size}


def test_what_is_wrong_with_a_report_of_advertising_is_told_by_the_names_of_the_options(advertiser: Shell) -> None:
    done = advertiser.here(*ADS_REPORT, "--since", "November", "--group-by", "campaigns", "--pause", "20")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"--since: must be a day" in done.stderr
    assert b"--group-by: 'campaigns' is none of" in done.stderr
    assert b"--json goes with --out" in advertiser.here(*ADS_REPORT, *DAYS, "--json").stderr
    assert (
        b"leave out REPORT_TYPE, --columns, --since, --until" in advertiser.here(*ADS_REPORT, *DAYS, "--id", "1").stderr
    )
