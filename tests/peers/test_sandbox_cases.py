"""Amazon's published static sandbox cases as an oracle: every valid request arrives exactly, every answer comes back.

The cases are read from Amazon's models beside this clone. What must arrive is worked out from the models, not from the
catalogue, and what did arrive is taken from a server that decodes nothing. A user who wants a case's answer gives what
the case names, and what else the operation requires; so does this.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from sellerport import catalog
from sellerport.catalog import Operation
from sellerport.emulator import patterns
from sellerport.errors import (
    AccessDenied,
    AmazonError,
    AmazonNotFound,
    AmazonRefused,
    AmazonUnavailable,
    InvalidArguments,
    Problem,
    Throttled,
)
from tests.conftest import Clients
from tests.stand_in import Heard, StandIn

SHARED = Path(__file__).parents[3] / "shared" / "amazon" / "sp-api"
HOST = "sandbox.sellingpartnerapi-na.amazon.com"
HOME = "ATVPDKIKX0DER"
SINCE = "2026-01-31T08:00:00Z"
METHODS = ("get", "put", "post", "delete", "patch")

pytestmark = pytest.mark.skipif(not SHARED.exists(), reason="Amazon's descriptions are not beside this clone")

SENT = {"success": 409, "error": 436}
"""Cases whose request arrived exactly, and whose answer came back exactly."""

REFUSED = {
    ("success", "no such value"): 7,
    ("error", "no such value"): 33,
    ("error", "lacks something required"): 31,
    ("error", "no such value, and lacks something required"): 3,
    ("error", "empty"): 5,
    ("error", "no date"): 2,
}
"""Cases that are refused before anything is sent, by what is wrong with them. Most errors are about just that."""

CONTRADICTED = [
    "awd_2024_05_09.create_inbound",
    "awd_2024_05_09.check_inbound_eligibility",
    "fulfillment_inbound_v0.get_shipment_items",
    "fulfillment_inbound_v0.get_shipment_items",
    "seller_wallet_2024_03_01.create_transaction",
    "seller_wallet_2024_03_01.create_transfer_schedule",
    "vendor_shipments_v1.submit_shipments",
]
"""Successes that are refused: each has a value that is not among those that Amazon's own model lists."""


@dataclass(frozen=True)
class Model:
    """One operation as Amazon's model describes it."""

    path: str
    parameters: Mapping[str, dict[str, Any]]
    body: dict[str, Any] | None
    definitions: dict[str, Any]

    def resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            schema = self.definitions[schema["$ref"].rpartition("/")[2]]
        if "allOf" not in schema:
            return schema
        parts = [self.resolved(part) for part in schema["allOf"]]
        return {
            "properties": {name: inner for part in parts for name, inner in part.get("properties", {}).items()},
            "required": [name for part in parts for name in part.get("required", ())],
        }

    def invented(self, schema: dict[str, Any], name: str = "") -> Any:
        """Return the least that fits a schema."""
        schema = self.resolved(schema)
        if "enum" in schema:
            return schema["enum"][0]
        match schema.get("type"):
            case "array":
                return [self.invented(schema["items"], name)]
            case "integer" | "number":
                return schema.get("minimum", 1)
            case "string":
                return self.invented_text(schema, name)
        return self.completed(schema, {})

    def invented_text(self, schema: dict[str, Any], name: str) -> str:
        least, most = schema.get("minLength", 1), schema.get("maxLength", 100)
        if re.fullmatch("(?i)marketplaceids?", name):
            return HOME
        if "pattern" in schema:
            return patterns.example(schema["pattern"], random.Random(1), shortest=least, longest=most)
        moment = schema.get("format") == "date-time" or re.search("(?i)(after|before|date|time)$", name)
        return SINCE if moment else "x" * least

    def completed(self, schema: dict[str, Any], value: Any) -> Any:
        """Return a part of a body with what else its schema requires."""
        schema = self.resolved(schema)
        if isinstance(value, list):
            return [self.completed(schema.get("items", {}), one) for one in value]
        if not isinstance(value, dict):
            return value
        inside = schema.get("properties", {})
        missing = [name for name in schema.get("required", ()) if name not in value]
        given = {name: self.completed(inside.get(name, {}), one) for name, one in value.items()}
        return given | {name: self.invented(inside[name], name) for name in missing}


@dataclass(frozen=True)
class Case:
    """One of Amazon's cases, as a call."""

    model: Model
    operation: Operation
    status: int
    arguments: dict[str, Any]
    answer: Any
    sound: bool
    """Whether the body of the case itself fits its schema, as the facts beside the models have it."""

    def __str__(self) -> str:
        return f"{self.operation.key} {self.status} {self.arguments}"

    @property
    def kind(self) -> str:
        """A 200 with nothing but errors is one too: three cases of Services are."""
        only_errors = isinstance(self.answer, dict) and self.answer.keys() == {"errors"}
        return "error" if self.status >= 300 or only_errors else "success"


@cache
def cases() -> tuple[Case, ...]:
    """Read every case of every model."""
    facts = json.loads((SHARED / "facts" / "sandbox_validation.json").read_text("utf-8"))
    keys = ("model", "operationId", "code", "kind", "i")
    unsound = {tuple(row[key] for key in keys) for row in facts if row.get("body") == "body bad"}
    found = []
    for file in sorted(SHARED.glob("models/*/*.json")):
        described = json.loads(file.read_text("utf-8"))
        for path, item in described["paths"].items():
            for verb in (verb for verb in METHODS if verb in item):
                given = [*item.get("parameters", []), *item[verb].get("parameters", [])]
                plain = [described["parameters"][_name(one)] if "$ref" in one else one for one in given]
                body = next(
                    (one["schema"] | {"needed": one.get("required")} for one in plain if one["in"] == "body"), None
                )
                parameters = {one["name"]: one for one in plain if one["in"] != "body"}
                model = Model(path, parameters, body, described["definitions"])
                for key, case in listed(item[verb]["responses"]):
                    sound = (file.name, item[verb]["operationId"], *key) not in unsound
                    found.append(read(model, verb.upper(), key[0], case, sound))
    return tuple(found)


def _name(reference: dict[str, str]) -> str:
    return reference["$ref"].rpartition("/")[2]


def listed(responses: dict[str, Any]) -> Iterator[tuple[tuple[str, str, int], dict[str, Any]]]:
    """Yield the cases of an operation, each with its status, kind and number."""
    for code, response in responses.items():
        static = response.get("x-amzn-api-sandbox", {}).get("static", [])
        older = response.get("x-amazon-spds-sandbox-behaviors", [])
        for kind, some in (("static", static), ("spds", older)):
            yield from (((code, kind, number), case) for number, case in enumerate(some))


def read(model: Model, method: str, code: str, case: dict[str, Any], sound: bool) -> Case:
    """Make a call of a case.

    The sandbox compares a body with a part of one, so what is required beside it is given too; not where the case is
    about a wrong request (400, 422). A marketplace is always given, since a client fills it in.
    """
    found = catalog.match(method, re.sub(r"\{\w+\}", "x", model.path))
    assert found is not None
    arguments: dict[str, Any] = {}
    for name, given in case.get("request", {}).get("parameters", {}).items():
        if name in model.parameters or (model.body is not None and given != {}):  # {} is any body
            arguments[name] = given["value"] if isinstance(given, dict) and "value" in given else given
    for name, parameter in model.parameters.items():
        if name not in arguments and (parameter.get("required") or parameter["in"] == "path"):
            arguments[name] = model.invented(parameter, name)
    if model.body is not None:
        schema = model.resolved(model.body)
        if "body" not in arguments and model.body["needed"]:
            arguments["body"] = model.invented(schema)
        elif "body" in arguments and code not in ("400", "422"):
            arguments["body"] = model.completed(schema, arguments["body"])
        for name in {"marketplaceId", "marketplaceIds"} & set(schema.get("required", ())):
            arguments["body"] = {name: model.invented(schema["properties"][name], name), **arguments["body"]}
    return Case(model, found[0], int(code), arguments, case.get("response"), sound)


# What came of a call


def play(clients: Clients, server: StandIn, case: Case) -> str:
    """Make a case's call; return what was not as it must be, or nothing."""
    server.heard.clear()
    server.say(b"" if case.answer is None or case.status == 204 else case.answer, case.status)
    sp = clients.make(amazon=server.address, sandbox=True, limit="raise")
    method = getattr(getattr(sp, case.operation.api), case.operation.name)
    try:
        result = clients.do(lambda: method(**case.arguments))
        answer = None if case.status == 204 else case.answer
        right = case.kind == "success" and (result.status, result.data) == (case.status, answer)
        wrong = "" if right else f"the answer is {result!r}"
    except AmazonError as error:
        wrong = unlike(case, error)
    if not server.heard:
        return "nothing arrived"
    return wrong or next(filter(None, (difference(case, heard) for heard in server.heard)), "")


def difference(case: Case, heard: Heard) -> str:
    """Return where a request is not exactly the case's."""
    expected: dict[str, dict[str, str]] = {"path": {}, "query": {}, "header": {}}
    for name, value in case.arguments.items():
        if name != "body":
            many = value if isinstance(value, list) else [value]
            expected[case.model.parameters[name]["in"]][name] = ",".join(map(text, many))
    path, _, query = heard.url.partition("?")
    segments, template = path.split("/"), f"/{HOST}{case.model.path}".split("/")
    filled = [expected["path"][part[1:-1]] if part.startswith("{") else part for part in template]
    if heard.method != case.operation.method or [unquote(segment) for segment in segments] != filled:
        return f"{heard.method} {path}"
    arrived: dict[str, list[str]] = {}
    for pair in filter(None, query.split("&")):
        arrived.setdefault(pair.partition("=")[0], []).append(unquote(pair.partition("=")[2]))
    multi = {name for name, one in case.model.parameters.items() if one.get("collectionFormat") == "multi"}
    repeated = {name for name, values in arrived.items() if len(values) > 1} - multi
    if repeated or {name: ",".join(values) for name, values in arrived.items()} != expected["query"]:
        return f"query {query}"
    if any(heard.headers.get(name.lower()) != value for name, value in expected["header"].items()):
        return "headers"
    body = json.loads(heard.body) if heard.body else None
    return "" if body == case.arguments.get("body") else f"body {body}"


def text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


KINDS = {401: AccessDenied, 403: AccessDenied, 404: AmazonNotFound, 408: AmazonUnavailable, 429: Throttled}


def unlike(case: Case, error: AmazonError) -> str:
    """Return where an error does not say what Amazon's answer says."""
    kind = KINDS.get(case.status, AmazonRefused if case.status < 500 else AmazonUnavailable)
    if case.kind == "success" or type(error) is not kind or error.status != case.status:
        return f"{error!r}"
    entries = case.answer["errors"] if isinstance(case.answer, dict) and "errors" in case.answer else case.answer
    listed = [one for one in (entries if isinstance(entries, list) else [entries or {}]) if "code" in one]
    first = listed[0] if listed else {}
    told = {"code": error.amazon_code, "message": error.message, "details": error.details}
    wrong = [f"{name} {value!r}" for name, value in told.items() if (first.get(name) or value) != value]
    return "; ".join(wrong if len(error.errors) == len(listed) else [*wrong, f"{len(error.errors)} entries"])


REASONS = {
    "must be one of": "no such value",
    "is required": "lacks something required",
    "must be a date": "no date",
    "shorter than": "empty",
    "must not be empty": "empty",
}


def reason(problems: list[Problem]) -> str:
    """Return what is wrong with a case, in a few words."""
    found = {words for problem in problems for part, words in REASONS.items() if part in problem.message}
    return ", and ".join(sorted(found, reverse=True))


def justified(case: Case, problem: Problem) -> bool:
    """Whether Amazon's own description says the same."""
    name = problem.field.partition(".")[0]
    if name == "body":
        return not case.sound
    wire = next(one.wire for one in case.operation.parameters if one.name == name)
    parameter, value = case.model.parameters[wire], case.arguments[wire]
    listed = parameter.get("enum") or parameter.get("items", {}).get("enum")
    values = value if isinstance(value, list) else [value]
    return (
        not all(values) or (listed is not None and not set(values) <= set(listed)) or value == "20-21-04-04T01:00:00Z"
    )


def test_every_valid_case_arrives_exactly_and_its_answer_comes_back_exactly(
    clients: Clients, stand_in: StandIn
) -> None:
    sent: Counter[str] = Counter()
    wrong: dict[str, str] = {}
    refused: list[tuple[Case, list[Problem]]] = []
    for case in cases():
        try:
            found = play(clients, stand_in, case)
        except InvalidArguments as error:
            assert stand_in.heard == []
            refused.append((case, error.problems))
        else:
            sent[case.kind] += 1
            wrong |= {str(case): found} if found else {}
    assert wrong == {}
    assert sent == SENT
    assert Counter((case.kind, reason(problems)) for case, problems in refused) == REFUSED
    assert [(str(case), one) for case, problems in refused for one in problems if not justified(case, one)] == []
    assert [case.operation.key for case, _ in refused if case.kind == "success"] == CONTRADICTED
    assert len(cases()) == 926
