"""Every operation of the catalogue obeys the catalogue's rules; a bad entry fails by name."""

from __future__ import annotations

import io
import json
import keyword
import re
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from sellerport import catalog
from sellerport.catalog import Operation
from sellerport.errors import UnknownOperation

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared" / "amazon"
DATA = ROOT / "src" / "sellerport" / "catalog" / "seller_partner"
OPERATIONS = catalog.operations()

needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="Amazon's descriptions are not beside this clone")


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_there_are_384_operations_in_70_api_versions() -> None:
    assert len(OPERATIONS) == 384
    assert len(catalog.index().apis) == 70
    assert {operation.family for operation in OPERATIONS} == {"seller-partner"}


def test_version_method_and_path_name_exactly_one_operation() -> None:
    counted = Counter((one.api, one.method, one.path) for one in OPERATIONS)
    assert [key for key, times in counted.items() if times > 1] == []


def test_python_names_are_unique_within_an_api_version() -> None:
    counted = Counter(operation.key for operation in OPERATIONS)
    assert [key for key, times in counted.items() if times > 1] == []


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: f"{operation.key}")
def test_an_operation_is_described_consistently(operation: Operation) -> None:
    in_path = re.findall(r"\{(\w+)\}", operation.path)
    assert sorted(in_path) == sorted(one.wire for one in operation.parameters if one.place == "path")
    assert all(one.required for one in operation.parameters if one.place == "path")
    names = [one.name for one in operation.parameters]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() and not keyword.iskeyword(name) for name in [*names, operation.name])
    assert all((one.style is None) == (one.schema.get("type") != "array") for one in operation.parameters)
    assert operation.method in {"GET", "POST", "PUT", "PATCH", "DELETE"}
    assert not (operation.write and operation.method == "GET")
    assert (operation.rate is None) == (operation.burst is None)
    assert operation.rate is None or operation.rate > 0
    assert operation.removal is None or re.fullmatch(r"20\d\d-\d\d-\d\d", operation.removal)
    schemas = catalog.schemas(operation.api)
    used = schemas.of(operation)
    assert (operation.body is not None) == (used.body is not None)
    assert any(status.startswith("2") for status in used.responses)
    assert {name for name in [used.body, *used.responses.values()] if name} <= schemas.definitions.keys()
    if operation.paging is not None:
        paging = operation.paging
        target = catalog.find(f"{operation.api}.{paging.via}") if paging.via else operation
        fields = [one.wire for one in target.parameters] if paging.place == "query" else body_fields(operation)
        assert {paging.token, *paging.fixed} <= set(fields)
        assert not paging.size or paging.size in fields


def body_fields(operation: Operation) -> list[str]:
    """The fields of a body, and those of the objects in it, as dotted paths."""
    schemas = catalog.schemas(operation.api)
    found = []
    for name, schema in schemas.definitions[schemas.of(operation).body or ""]["properties"].items():
        inner = schemas.definitions.get(schema.get("$ref", "").rsplit("/", 1)[-1], {})
        found += [name, *(f"{name}.{field}" for field in inner.get("properties", ()))]
    return found


@needs_shared
def test_every_operation_of_the_paging_table_pages() -> None:
    table = json.loads((SHARED / "sp-api" / "facts" / "pagination.json").read_text("utf-8"))
    found = {(one.id, one.method.lower()) for one in OPERATIONS if one.paging is not None}
    # createQuery takes the token that getQuery answers with, which documents.data_kiosk does; of getLabels, no answer
    # says how many pages there are
    assert {(row["operationId"], row["method"]) for row in table} - found == {
        ("createQuery", "post"),
        ("getQuery", "get"),
        ("getLabels", "get"),
    }
    assert (
        sum(one.paging is not None for one in OPERATIONS) == len(table) - 3 + 8
    )  # six of the SDK's own, two by offset


def test_no_two_operations_can_match_the_same_path() -> None:
    """A literal beside a parameter is exact, since the literal is tried first; two equal shapes are not."""
    shapes = Counter((one.method, re.sub(r"\{\w+\}", "{}", one.path)) for one in OPERATIONS)
    assert [shape for shape, times in shapes.items() if times > 1] == []


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: f"{operation.key}")
def test_an_operation_is_found_by_its_path_and_by_its_name(operation: Operation) -> None:
    path = re.sub(r"\{\w+\}", "a%2Fb", operation.path)
    found = catalog.match(operation.method, path)
    assert found is not None
    assert found[0] is operation
    assert set(found[1].values()) <= {"a%2Fb"}
    assert catalog.find(operation.key) is operation


def test_a_path_that_no_operation_has_matches_nothing() -> None:
    assert catalog.match("GET", "/orders/v0/nothing") is None
    assert catalog.match("DELETE", "/orders/v0/orders") is None
    assert catalog.match("GET", "/orders/v0/orders/1/orderItems/extra/more") is None


def test_a_value_that_looks_like_another_operations_path_is_still_a_value() -> None:
    found = catalog.match("GET", "/fba/outbound/2020-07-01/fulfillmentOrders/preview")
    assert found is not None
    assert (found[0].id, found[1]) == ("getFulfillmentOrder", {"sellerFulfillmentOrderId": "preview"})


@pytest.mark.parametrize("value", ["{}", "GET", "GET ", "", "None"])
def test_no_value_can_be_taken_for_the_tries_own_keys(value: str) -> None:
    found = catalog.match("GET", f"/orders/v0/orders/{value}/address")
    assert found is not None
    assert (found[0].id, found[1]) == ("getOrderAddress", {"orderId": value})


def test_a_greedy_parameter_takes_the_rest_of_the_path() -> None:
    found = catalog.match("POST", "/uploads/2020-11-01/uploadDestinations/aplus/2020-11-01/contentDocuments")
    assert found is not None
    assert found[1] == {"resource": "aplus/2020-11-01/contentDocuments"}


@pytest.mark.parametrize("api", sorted(catalog.index().apis))
def test_every_schema_reference_leads_somewhere_and_every_validator_compiles(api: str) -> None:
    definitions = catalog.schemas(api).definitions
    assert {ref.removeprefix("#/$defs/") for ref in references(definitions)} <= definitions.keys()
    for name in definitions:
        jsonschema_rs.validator_for({"$ref": f"#/$defs/{name}", "$defs": definitions})


def test_the_catalogue_holds_facts_and_no_sentences() -> None:
    """Values are words, paths, patterns and dates; a run of prose would have several spaces in it."""
    for file in DATA.rglob("*.json"):
        found = [text for text in strings(json.loads(file.read_text("utf-8"))) if text.count(" ") > 5]
        assert found == [], file.name
        assert not re.search(r'"(description|summary|example|title|x-[\w-]+)":"', file.read_text("utf-8"))


def test_compressed_the_catalogue_takes_at_most_150_kib() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for file in sorted(DATA.rglob("*.json")):
            archive.write(file, str(file.relative_to(DATA)))
    assert len(packed.getvalue()) <= 150 * 1024


def test_importing_sellerport_reads_none_of_the_catalogue() -> None:
    code = "import sellerport, sys; print([name for name in sys.modules if name.startswith('sellerport.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_short_name_means_the_newest_version_and_dates_are_newer_than_numbers() -> None:
    assert catalog.api("orders") == "orders_2026_01_01"
    assert catalog.api("shipping") == "shipping_v2"
    assert catalog.api("vendor_direct_fulfillment_orders") == "vendor_direct_fulfillment_orders_2021_12_28"
    assert catalog.api("orders_v0") == "orders_v0"


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownOperation, match="no API 'order'; did you mean 'orders'"):
        catalog.find("order.get_orders")
    with pytest.raises(UnknownOperation, match="did you mean 'get_orders'"):
        catalog.find("orders_v0.get_ordres")
    with pytest.raises(UnknownOperation, match="orders_v0 has it"):
        catalog.find("orders_2026_01_01.confirm_shipment")


def test_an_operation_that_the_newest_version_lacks_is_found_in_the_newest_that_has_it() -> None:
    assert catalog.find("orders.confirm_shipment").key == "orders_v0.confirm_shipment"
    assert catalog.find("orders.getOrder").key == "orders_2026_01_01.get_order"


def test_known_facts_came_over() -> None:
    orders = catalog.find("orders_v0.getOrders")
    assert (orders.rate, orders.burst, orders.removal, orders.deprecated) == (0.0167, 20, "2027-03-27", True)
    assert orders.restricted is not None
    assert orders.restricted.elements == ("buyerInfo", "shippingAddress", "buyerTaxInformation")
    assert orders.paging is not None
    assert (orders.paging.token, orders.paging.next) == ("NextToken", "payload.NextToken")
    assert catalog.find("notifications_v1.get_destinations").scope == "sellingpartnerapi::notifications"
    assert catalog.find("seller_wallet_2024_03_01.list_accounts").rate is None
    assert [one.style for one in catalog.find("fulfillment_inbound.list_prep_details").parameters][1] == "multi"
    assert catalog.find("reports.get_reports").paging.alone is True  # type: ignore[union-attr]
    assert {one.key for one in OPERATIONS if one.removal == "2027-03-27"} == {
        f"orders_v0.{name}"
        for name in (
            *("get_orders", "get_order", "get_order_buyer_info", "get_order_address", "get_order_items"),
            "get_order_items_buyer_info",
        )
    }


def schema_of(operation: str, name: str) -> Any:
    return next(one.schema for one in catalog.find(operation).parameters if one.name == name)


def test_what_the_sdk_table_cuts_off_still_has_its_type() -> None:
    for operation in ("promotions.search_promotions", "promotions.get_selection"):
        assert schema_of(operation, "limit") == {"type": "integer"}
        assert schema_of(operation, "included_data") == {"type": "array", "items": {"type": "string"}}
    assert schema_of("promotions.search_promotions", "promotion_types")["type"] == "array"
    assert schema_of("promotions.search_promotions", "revision") == {"type": "string"}
    for name in ("start_date_before", "start_date_after", "end_date_before", "end_date_after", "update_date_after"):
        assert schema_of("promotions.search_promotions", name)["format"] == "date-time"


@needs_shared
def test_every_list_of_the_sdk_table_is_a_list() -> None:
    table = json.loads((SHARED / "sp-api" / "facts" / "sdk_only_operations.json").read_text("utf-8"))
    paths = {(row["method"], row["path"]): row["collection"] for row in table}
    lists = {
        (one.method, one.path): {p.wire: p.style for p in one.parameters if p.style}
        for one in OPERATIONS
        if (one.method, one.path) in paths
    }
    assert lists == paths


@pytest.mark.parametrize("name", ["get_item_review_topics", "get_browse_node_review_topics"])
def test_the_values_of_a_string_that_has_items_are_its_own(name: str) -> None:
    assert schema_of(f"customer_feedback.{name}", "sort_by") == {
        "type": "string",
        "enum": ["MENTIONS", "STAR_RATING_IMPACT"],
    }


@needs_shared
def test_compiling_again_gives_the_same_bytes() -> None:
    command = [sys.executable, str(ROOT / "tools" / "catalog.py"), str(SHARED), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "catalogue: 83 files up to date\n")


@needs_shared
def test_every_operation_that_the_product_must_cover_is_there() -> None:
    seeds = json.loads((SHARED / "sp-api" / "facts" / "seed_operations.json").read_text("utf-8"))
    wanted = {(seed["method"], seed["path"]) for seed in seeds if seed["found"]}
    assert len(wanted) >= 199
    assert wanted <= {(one.method, one.path) for one in OPERATIONS}


@needs_shared
def test_the_rates_are_those_of_the_table() -> None:
    table = json.loads((SHARED / "sp-api" / "facts" / "rates.json").read_text("utf-8"))
    ours = {(one.method, one.path): (one.rate, one.burst) for one in OPERATIONS}
    assert [row for row in table if ours[row["method"], row["path"]] != (row["rate"], row["burst"])] == []
