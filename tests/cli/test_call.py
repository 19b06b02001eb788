"""`sellerport call` and `sellerport operations`."""

from __future__ import annotations

import json

from tests.cli.conftest import Shell
from tests.conftest import LocalAmazon

SINCE = "created_after=2020-01-01T00:00:00Z"


def test_a_call_prints_its_records_as_a_table(seller: Shell) -> None:
    shown = seller.ok("call", "orders_v0.get_orders", SINCE)
    assert "AmazonOrderId" in shown
    assert "more fields in --json" in shown


def test_a_call_prints_the_whole_answer_as_json(seller: Shell, amazon: LocalAmazon) -> None:
    found = seller.json(
        "call", "orders_v0.getOrders", SINCE, "max_results_per_page=3", "order_statuses=Shipped,Pending"
    )
    assert len(found["payload"]["Orders"]) == 3
    query = dict(amazon.arrived()[-1]["query"])
    assert (query["MaxResultsPerPage"], query["OrderStatuses"]) == ("3", "Shipped,Pending")


def test_a_body_comes_from_the_command_line_or_a_file(seller: Shell, amazon: LocalAmazon) -> None:
    body = json.dumps({"restrictedResources": [{"method": "GET", "path": "/orders/v0/orders/{orderId}/address"}]})
    (seller.folder / "body.json").write_text(body, "utf-8")
    for given in (body, "@body.json"):
        assert "restrictedDataToken" in seller.json("call", "tokens.create_restricted_data_token", "--body", given)
        assert amazon.arrived()[-1]["body"] == json.loads(body)


def test_what_is_wrong_with_a_call_is_one_line(seller: Shell, amazon: LocalAmazon) -> None:
    assert "unknown_operation: no operation 'get_ordres'" in seller.fails("call", "orders_v0.get_ordres", status=2)
    wrong = seller.fails("call", "orders_v0.get_orders", "created_aftr=x", "max_results_per_page=many", status=2)
    assert "did you mean 'created_after'" in wrong
    assert 'not of type "integer"' in wrong
    assert "write it as name=value" in seller.fails("call", "orders_v0.get_orders", "created_after", status=2)
    no_json = seller.fails("call", "tokens.create_restricted_data_token", "--body", "{", status=2)
    assert "body: is no JSON" in no_json
    assert amazon.arrived() == []
    assert wrong.count("\n") == 1


def test_an_error_of_amazon_is_told_with_its_request_id(seller: Shell, amazon: LocalAmazon) -> None:
    amazon.fail(status=404, code="NotFound", message="no such order")
    told = seller.fails("call", "orders_v0.get_orders", SINCE)
    assert "amazon_not_found" in told
    assert "NotFound no such order" in told
    assert "request id" in told
    amazon.fail(status=404)
    facts = json.loads(seller.fails("call", "orders_v0.get_orders", SINCE, "--json"))["error"]
    assert (facts["code"], facts["status"]) == ("amazon_not_found", 404)


def test_a_revoked_grant_says_what_to_do(seller: Shell, amazon: LocalAmazon) -> None:
    amazon.world.revoke()
    assert "has to consent again" in seller.fails("call", "sellers.get_account")


def test_without_credentials_the_call_says_what_it_looked_for(shell: Shell) -> None:
    assert "SP_API_REFRESH_TOKEN, LWA_APP_ID, LWA_CLIENT_SECRET" in shell.fails("call", "sellers.get_account")
    missing = shell.fails("call", "sellers.get_account", "--connection", "x")
    assert "SELLERPORT_URL (or --server), SELLERPORT_CLIENT_ID, SELLERPORT_CLIENT_SECRET" in missing


def test_a_call_goes_to_the_marketplaces_region_or_to_the_sandbox(seller: Shell, amazon: LocalAmazon) -> None:
    for options, host in (
        (("--marketplace", "DE"), "sellingpartnerapi-eu.amazon.com"),
        (("--sandbox",), "sandbox.sellingpartnerapi-na.amazon.com"),
        ((), "sellingpartnerapi-na.amazon.com"),
    ):
        seller.here("call", "sellers.get_marketplace_participations", *options)
        assert amazon.arrived()[-1]["host"] == host


def test_an_account_of_the_file_in_the_home_folder_can_be_named(shell: Shell, amazon: LocalAmazon) -> None:
    file = shell.folder / ".config" / "python-sp-api" / "credentials.yml"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"shop": amazon.credentials()}), "utf-8")  # which is YAML too
    file.chmod(0o600)
    shell.environ |= {"HOME": str(shell.folder), "SELLERPORT_AMAZON": amazon.address}
    amazon.world.polls = 0
    (shell.folder / "feed.tsv").write_text("sku", "utf-8")
    now = ("--patience", "0")
    for words in (
        ("call", "sellers.get_account"),
        ("report", "ANY_REPORT", *now),
        ("feed", "POST_ANY", "feed.tsv", *now),
    ):
        assert b"credentials: " in shell.here(*words).stderr
        assert shell.here(*words, "--account", "shop").returncode == 0


def test_all_restricted_data_is_asked_for_at_once_and_no_data_not_at_all(seller: Shell, amazon: LocalAmazon) -> None:
    words = ("call", "orders_v0.get_orders", SINCE, "--restricted")
    assert seller.here(*words, "all").returncode == 0
    (asked,) = amazon.arrived("/tokens/2021-03-01/restrictedDataToken")
    elements = asked["body"]["restrictedResources"][0]["dataElements"]
    assert sorted(elements) == ["buyerInfo", "buyerTaxInformation", "shippingAddress"]
    for nothing in ("", "buyerInfo,"):
        refused = seller.here(*words, nothing)
        assert (refused.returncode, b"--restricted: names no data element" in refused.stderr) == (2, True)


def test_operations_are_found_by_words_of_their_name_or_path(shell: Shell) -> None:
    found = shell.json("operations", "listings", "patch")
    assert [one["operation"] for one in found] == [
        "listings_items_2020_09_01.patch_listings_item",
        "listings_items_2021_08_01.patch_listings_item",
    ]
    assert len(shell.json("operations")) == 384 + 581
    assert shell.ok("operations", "listings", "patch").splitlines() == [
        "listings_items_2020_09_01.patch_listings_item",
        "  PATCH /listings/2020-09-01/items/{sellerId}/{sku} · 5 a second, burst 10",
        "listings_items_2021_08_01.patch_listings_item",
        "  PATCH /listings/2021-08-01/items/{sellerId}/{sku} · 5 a second, burst 5",
        "2 operations",
    ]
    assert shell.ok("operations", "no-such-thing") == "no operation has no-such-thing in its name or path\n"
    assert shell.json("operations", "sellerId") == []  # what a parameter is called is not where an operation lies


def test_one_operation_is_shown_with_what_it_takes(shell: Shell) -> None:
    shown = shell.ok("operations", "orders_v0.confirm_shipment")
    assert "POST /orders/v0/orders/{orderId}/shipmentConfirmation" in shown
    assert "ConfirmShipmentRequest" in shown
    found = shell.json("operations", "orders_v0.getOrders")
    assert found["writes"] is False
    assert {
        "parameter": "created_after",
        "amazon": "CreatedAfter",
        "in": "query",
        "type": "date-time",
        "required": False,
    } in (found["parameters"])
