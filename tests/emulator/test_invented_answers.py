import json
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import jsonschema_rs
import pytest

from sellerport import catalog
from sellerport.catalog import Operation, Parameter
from sellerport.emulator import World, patterns, running

from .conftest import NOW, Local, Reply

SCOPES = " ".join({operation.scope for operation in catalog.operations() if operation.scope})
RESTRICTED = {"restrictedResources": [{"method": "GET", "path": "/orders/v0/orders/{orderId}/address"}]}
US = "ATVPDKIKX0DER"


@dataclass(frozen=True)
class Given:
    """What operations with a state are called with: ids of things that exist, and bodies that are accepted."""

    tokens: tuple[str, str]
    ids: dict[tuple[str, str], str]
    bodies: dict[str, Any]


@pytest.fixture
def given(amazon: Local) -> Given:
    reports, feeds, kiosk = "reports_2021_06_30", "feeds_2021_06_30", "data_kiosk_2023_11_15"
    uploaded = amazon.upload(b"{}")
    bodies = {
        f"{reports}.create_report": {"reportType": "GET_FLAT_FILE_OPEN_LISTINGS_DATA", "marketplaceIds": [US]},
        f"{feeds}.create_feed_document": {"contentType": "text/plain"},
        f"{feeds}.create_feed": {"feedType": "JSON", "marketplaceIds": [US], "inputFeedDocumentId": uploaded},
        f"{kiosk}.create_query": {"query": "query{a}"},
        "invoices_2024_06_19.create_invoices_export": {"marketplaceId": US},
        "tokens_2021_03_01.create_restricted_data_token": RESTRICTED,
    }
    amazon.world.polls = 0
    report = amazon.report("GET_FLAT_FILE_OPEN_LISTINGS_DATA")
    query = amazon.call("POST", "/dataKiosk/2023-11-15/queries", body=bodies[f"{kiosk}.create_query"]).json["queryId"]
    data = amazon.finished(f"/dataKiosk/2023-11-15/queries/{query}")["dataDocumentId"]
    exports = "/tax/invoices/2024-06-19/exports"
    export = amazon.call("POST", exports, body={"marketplaceId": US}).json["exportId"]
    (invoices,) = amazon.finished(f"{exports}/{export}")["invoicesDocumentIds"]
    amazon.world.polls = 2
    feed = amazon.call("POST", "/feeds/2021-06-30/feeds", body=bodies[f"{feeds}.create_feed"]).json["feedId"]
    queued = amazon.call("POST", "/reports/2021-06-30/reports", body=bodies[f"{reports}.create_report"]).json[
        "reportId"
    ]
    open_query = amazon.call("POST", "/dataKiosk/2023-11-15/queries", body={"query": "query{b}"}).json["queryId"]
    ids = {
        (reports, "reportId"): queued,
        (reports, "reportDocumentId"): report["reportDocumentId"],
        (feeds, "feedId"): feed,
        (feeds, "feedDocumentId"): uploaded,
        (kiosk, "queryId"): open_query,
        (kiosk, "documentId"): data,
        ("invoices_2024_06_19", "exportId"): export,
        ("invoices_2024_06_19", "invoicesDocumentId"): invoices,
    }
    return Given((amazon.token(), amazon.grantless(SCOPES)), ids, bodies)


def value(amazon: Local, parameter: Parameter, operation: Operation, given: Given) -> str:
    """A value that the operation accepts."""
    if "marketplaceid" in parameter.wire.lower():
        return US
    if (operation.api, parameter.wire) in given.ids:
        return given.ids[operation.api, parameter.wire]
    if parameter.wire == "orderId" and operation.api.startswith("orders"):
        return next(iter(amazon.world.account("ALOCALSELLERNA").orders))
    schema = parameter.schema.get("items", parameter.schema)
    return str(schema["enum"][0]) if "enum" in schema else "1"


def call(amazon: Local, operation: Operation, given: Given) -> Reply:
    path, query = operation.path, {}
    headers = {"x-amz-access-token": given.tokens[operation.scope is not None]}
    for parameter in operation.parameters:
        sent = value(amazon, parameter, operation, given)
        if parameter.place == "path":
            path = path.replace(f"{{{parameter.wire}}}", quote(sent, safe=""))
        elif parameter.required and parameter.place == "query":
            query[parameter.wire] = sent
        elif parameter.required:
            headers[parameter.wire] = sent
    if operation.key in ("orders_v0.get_orders", "orders_2026_01_01.search_orders"):
        query |= {"CreatedAfter": "2020-01-01", "createdAfter": "2020-01-01"}
    if operation.key in ("reports_2021_06_30.get_reports", "feeds_2021_06_30.get_feeds"):
        query |= {"reportTypes": "GET_FLAT_FILE_OPEN_LISTINGS_DATA", "feedTypes": "JSON"}
    body = json.dumps(given.bodies.get(operation.key, {})) if operation.body else None
    return amazon.send(operation.method, f"{path}?{urlencode(query)}", body, headers)


def reading_first(operations: Iterable[Operation]) -> list[Operation]:
    """What cancels comes last, so that there is something to read."""
    return sorted(operations, key=lambda operation: operation.method == "DELETE")


def test_every_operation_answers_with_what_its_schema_allows(amazon: Local, given: Given) -> None:
    wrong = []
    for operation in reading_first(catalog.operations()):
        answer = call(amazon, operation, given)
        schemas = catalog.schemas(operation.api)
        responses = schemas.of(operation).responses
        expected = "200" if "200" in responses else min(status for status in responses if status < "300")
        name = None if expected == "204" else responses[expected]
        if str(answer.status) != expected:
            wrong.append(f"{operation.key}: {answer.status} instead of {expected}: {answer.body[:200]!r}")
        elif name is None:
            wrong += [f"{operation.key}: a body where none belongs"] if answer.body else []
        else:
            schema = {"$ref": f"#/$defs/{name}", "$defs": schemas.definitions}
            errors = jsonschema_rs.validator_for(schema, validate_formats=True).iter_errors(answer.json)
            wrong += [f"{operation.key}: {error.message} at {error.instance_path}" for error in errors]
    assert not wrong, "\n".join(wrong)
    assert len(catalog.operations()) == 384


def test_every_answer_ends_where_a_client_would_otherwise_go_on(amazon: Local, given: Given) -> None:
    """No page token, or paging would never end; no errors in a success."""

    def filled(found: Any) -> set[str]:
        if isinstance(found, dict):
            return {name for name, value in found.items() if value}.union(*map(filled, found.values()))
        return set().union(*map(filled, found)) if isinstance(found, list) else set()

    for operation in reading_first(catalog.operations()):
        answer = call(amazon, operation, given)
        if not answer.body:
            continue
        if operation.paging is not None and operation.paging.kind == "token":
            held: Any = answer.json
            for step in operation.paging.next.split("."):
                held = held.get(step) if isinstance(held, dict) else None
            assert held is None, operation.key
        assert not {"errors", "Errors"} & filled(answer.json), operation.key


def test_the_same_question_has_the_same_answer(amazon: Local) -> None:
    path = "/catalog/2022-04-01/items/B000000001"
    first = amazon.call("GET", path, marketplaceIds="ATVPDKIKX0DER")
    assert amazon.call("GET", path, marketplaceIds="ATVPDKIKX0DER").body == first.body
    other = amazon.call("GET", path.replace("01", "02"), marketplaceIds="ATVPDKIKX0DER")
    assert other.body != first.body
    amazon.world.advance(86_400)
    assert amazon.call("GET", path, marketplaceIds="ATVPDKIKX0DER").body == first.body


def test_the_same_seed_gives_the_same_bytes() -> None:
    def conversation(seed: int) -> list[bytes]:
        with running(World(seed=seed, clock=lambda: NOW)) as base:
            amazon = Local(World(seed=seed, clock=lambda: NOW), base)
            given = Given((amazon.token(), amazon.grantless(SCOPES)), {}, {})
            answers = [call(amazon, operation, given) for operation in catalog.operations()[::7]]
            answers += [amazon.control("GET", "state"), amazon.lwa()]
            return [answer.body + answer.headers.get("x-amzn-requestid", "").encode() for answer in answers]

    first = conversation(1)
    assert conversation(1) == first
    assert conversation(2) != first


def test_what_is_asked_for_is_what_is_answered(amazon: Local) -> None:
    item = amazon.call("GET", "/catalog/2022-04-01/items/B0L1234567", marketplaceIds="A2EUQ1WTGCTBG2").json
    assert item["asin"] == "B0L1234567"
    listing = amazon.call("GET", "/listings/2021-08-01/items/ALOCALSELLERNA/MUG-1", marketplaceIds="ATVPDKIKX0DER").json
    assert listing["sku"] == "MUG-1"
    assert {one["marketplaceId"] for one in listing["summaries"]} == {"ATVPDKIKX0DER"}
    schedule = amazon.call("GET", "/reports/2021-06-30/schedules/77").json
    assert schedule["reportScheduleId"] == "77"


def test_what_takes_time_at_amazon_is_done_at_once(amazon: Local) -> None:
    operation = amazon.call("GET", f"/inbound/fba/2024-03-20/operations/{'a' * 36}").json
    assert operation["operationStatus"] == "SUCCESS"


def test_addresses_in_answers_lead_nowhere(amazon: Local) -> None:
    document = amazon.call("GET", "/fba/inbound/v0/shipments/FBA1/billOfLading").json["payload"]
    assert document["DownloadURL"].startswith("https://local-amazon.invalid/")


def test_hal_answers_say_so(amazon: Local) -> None:
    answer = amazon.call("GET", "/messaging/v1/orders/1", marketplaceIds="ATVPDKIKX0DER")
    assert answer.headers["content-type"] == "application/hal+json"


@pytest.mark.parametrize(
    "pattern",
    [
        "^[a-zA-Z0-9-]*$",
        "^[a-zA-Z0-9-._ ]*$",
        "^(UN|ID|NA)[0-9]{4}$",
        r"^[1-9](\.[1-9])?$",
        r"^arn:aws:sqs:\S+:\S+:\S+",
        r"^[A-Za-z0-9\\+/]{22}={2}$",
        r"^([a-zA-Z0-9_\-\.]+)@([a-zA-Z0-9_\-\.]+)\.([a-zA-Z]{2,5})$",
        r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z$",
        "^https?://.+",
        "^(?:0?[1-9]|1[012])$",
        "[^a-z]{3,}x",
    ],
)
def test_texts_are_made_for_a_pattern(pattern: str) -> None:
    for seed in range(20):
        assert re.search(pattern, patterns.example(pattern, random.Random(seed)))


def test_texts_for_a_pattern_keep_their_length() -> None:
    text = patterns.example("^[a-z]*$", random.Random(1), shortest=38, longest=38)
    assert len(text) == 38


@pytest.mark.parametrize(
    ("pattern", "longest"), [("^a{5}$", 4), ("a)", 10), ("(a", 10)], ids=["too long", "not opened", "not closed"]
)
def test_a_pattern_that_cannot_be_served_is_an_error(pattern: str, longest: int) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(pattern))):
        patterns.example(pattern, random.Random(1), longest=longest)


@pytest.mark.parametrize(
    ("path", "name", "key", "empty"),
    [
        ("financialEvents", "Posted", "FinancialEvents", {}),
        ("financialEventGroups", "FinancialEventGroupStarted", "FinancialEventGroupList", []),
    ],
)
def test_a_financial_span_of_more_than_180_days_is_empty(
    amazon: Local, path: str, name: str, key: str, empty: object
) -> None:
    def found(**query: str) -> Any:
        answer = amazon.call("GET", f"/finances/v0/{path}", **query)
        assert answer.status == 200
        return answer.json["payload"][key]

    # NOW is 2026-09-21T14:13:20Z; 180 days before it is 2026-03-25T14:13:20Z
    assert found(**{f"{name}After": "2026-03-25T14:13:20Z"})
    assert found(**{f"{name}After": "2026-03-25T14:13:19Z"}) == empty
    assert found(**{f"{name}After": "2025-01-01T00:00:00Z", f"{name}Before": "2025-06-30T00:00:00Z"})
    assert found(**{f"{name}After": "2025-01-01T00:00:00Z", f"{name}Before": "2025-06-30T00:00:01Z"}) == empty
    assert found()
