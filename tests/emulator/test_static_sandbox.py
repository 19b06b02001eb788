"""Amazon's static sandbox: its published cases are answered as published, and nothing else is."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from sellerport import catalog
from sellerport.catalog import Operation
from sellerport.emulator import World, running
from sellerport.emulator.static_sandbox import Cases
from sellerport.errors import SettingsError
from sellerport.regions import MARKETPLACES
from tests.emulator.conftest import NOW, Local, Reply

MODELS = Path(__file__).parents[3] / "shared" / "amazon" / "sp-api" / "models"

CASE = {"sku": {"value": "A/1 b"}, "marketplaceIds": {"value": ["ATVPDKIKX0DER", "A2EUQ1WTGCTBG2"]}}

MODEL = {
    "paths": {
        "/listings/2021-08-01/items/{sellerId}/{sku}": {
            "parameters": [],
            "get": {
                "responses": {
                    "200": {
                        "x-amzn-api-sandbox": {
                            "static": [
                                {"request": {"parameters": {}}, "response": {"sku": "any"}},
                                {"request": {"parameters": CASE}, "response": {"sku": "two"}},
                                {
                                    "request": {"parameters": {"sku": {"value": "A/1 b"}, "body": {}}},
                                    "response": {"sku": "one"},
                                },
                            ]
                        }
                    }
                }
            },
        },
        "/finances/transfers/wallet/2024-03-01/transferPreview": {
            "get": {
                "responses": {
                    "200": {
                        "x-amzn-api-sandbox": {
                            "static": [
                                {"request": {"parameters": {"baseAmount": {"value": 500.0}}}, "response": {"a": 1}},
                                {"request": {"parameters": {"baseAmount": {"value": 0.5}}}, "response": {"a": 2}},
                            ]
                        }
                    }
                }
            }
        },
        "/feeds/2021-06-30/feeds": {
            "post": {
                "responses": {
                    "202": {
                        "x-amzn-api-sandbox": {
                            "static": [
                                {"request": {"parameters": {"body": {"value": {"feedType": "A"}}}}, "response": {}},
                                {
                                    "request": {"parameters": {"anything": {"feedType": "A", "on": [{"a": 1}, {}]}}},
                                    "response": {"feedId": "longer"},
                                    "responseHeaders": {"location": {"value": "there"}},
                                },
                            ]
                        }
                    },
                    "400": {
                        "x-amazon-spds-sandbox-behaviors": [
                            {
                                "request": {"parameters": {"body": {"value": {"feedType": "B", "on": True}}}},
                                "response": {"errors": [{"code": "InvalidInput"}]},
                            }
                        ]
                    },
                }
            }
        },
        "/feeds/2021-06-30/feeds/{feedId}": {
            "delete": {"responses": {"204": {"x-amzn-api-sandbox": {"static": [{"request": {}, "response": ""}]}}}}
        },
        "/nothing/of/amazons": {"get": {"responses": {}}},
    }
}

LISTING = "/listings/2021-08-01/items/ALOCALSELLERNA/A%2F1%20b"
FEEDS = "/feeds/2021-06-30/feeds"


@pytest.fixture(scope="module")
def _sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    folder = tmp_path_factory.mktemp("models")
    (folder / "deep").mkdir()
    (folder / "deep" / "model.json").write_text(json.dumps(MODEL))
    (folder / "package.json").write_text("[]")
    (folder / "broken.json").write_text("{")
    world = World(clock=lambda: NOW, sandbox=Cases(folder))
    with running(world) as base:
        yield Local(world, base)


@pytest.fixture
def sandbox(_sandbox: Local) -> Local:
    _sandbox.world.reset(seed=1)
    return _sandbox


def test_the_case_that_says_most_of_a_request_answers_it(sandbox: Local) -> None:
    both = "ATVPDKIKX0DER,A2EUQ1WTGCTBG2"
    assert sandbox.call("GET", LISTING, marketplaceIds=both, more="x").json == {"sku": "two"}
    assert sandbox.call("GET", LISTING, marketplaceIds="ATVPDKIKX0DER").json == {"sku": "one"}
    assert sandbox.call("GET", LISTING.replace("b", "c")).json == {"sku": "any"}  # though it names no marketplace


def test_a_list_is_the_same_repeated_and_joined(sandbox: Local) -> None:
    repeated = f"{LISTING}?marketplaceIds=ATVPDKIKX0DER&marketplaceIds=A2EUQ1WTGCTBG2"
    assert sandbox.send("GET", repeated, headers={"x-amz-access-token": sandbox.token()}).json == {"sku": "two"}


def test_a_body_is_a_cases_when_it_holds_the_cases(sandbox: Local) -> None:
    token = sandbox.token()

    def sent(body: Any) -> Reply:
        return sandbox.call("POST", FEEDS, token, body)

    plain, longer = sent({"feedType": "A", "more": 1}), sent({"feedType": "A", "on": [{"a": 1, "b": 2}, {"c": 3}]})
    assert (plain.status, plain.json) == (202, {})
    assert (longer.json, longer.headers["location"]) == ({"feedId": "longer"}, "there")
    assert sent({"feedType": "A", "on": [{"a": 1}]}).json == {}  # a list of another length is another list
    assert sent({"feedType": "B", "on": True}).status == 400
    for other in ({"feedType": "B", "on": 1}, {"feedType": "b", "on": True}, {"on": True}, [], None):
        assert sent(other).json == {
            "errors": [{"code": "InvalidInput", "message": "Could not match input arguments", "details": ""}]
        }


def test_a_whole_number_is_the_same_with_and_without_its_point(sandbox: Local) -> None:
    path = "/finances/transfers/wallet/2024-03-01/transferPreview"
    token = sandbox.token()
    found = [sandbox.call("GET", path, token, baseAmount=one).json.get("a") for one in ("500.0", "500", "0.5", "5e2")]
    assert found == [1, 1, 2, None]


def test_what_is_no_json_is_no_case(sandbox: Local) -> None:
    headers = {"x-amz-access-token": sandbox.token()}
    assert sandbox.send("POST", FEEDS, b"{", headers).status == 400
    assert sandbox.send("POST", FEEDS, b"\xff", headers).status == 400


def test_an_answer_without_a_body_has_none(sandbox: Local) -> None:
    answer = sandbox.call("DELETE", f"{FEEDS}/7")
    assert (answer.status, answer.body) == (204, b"")


def test_tokens_and_regions_are_checked_first(sandbox: Local) -> None:
    assert sandbox.call("GET", LISTING, "Atza|nothing").status == 403
    assert sandbox.call("GET", LISTING, marketplaceIds="A1PA6795UKMFR9").status == 403


def test_the_production_hosts_and_what_has_no_cases_stay_as_they_are(sandbox: Local) -> None:
    production = "/sellingpartnerapi-na.amazon.com"
    assert sandbox.call("DELETE", f"{production}{FEEDS}/7").status == 404
    assert sandbox.call("DELETE", f"/sandbox.sellingpartnerapi-na.amazon.com{FEEDS}/7").status == 204
    found = sandbox.call("GET", "/sellers/v1/marketplaceParticipations").json
    assert len(found["payload"]) == 3


def test_a_folder_without_models_is_refused(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text("{}")
    with pytest.raises(SettingsError, match="none of Amazon's models"):
        Cases(tmp_path)


@pytest.mark.skipif(not MODELS.exists(), reason="Amazon's descriptions are not beside this clone")
def test_amazons_published_cases_are_answered_as_published() -> None:
    """All but two: `getAccount` of Sellers and of Shipping v1 publish a success and an error for the same request."""
    world = World(clock=lambda: NOW, orders=1, sandbox=Cases(MODELS))
    answered, others = 0, []
    with running(world) as base:
        local = Local(world, base)
        connection = http.client.HTTPConnection(base.removeprefix("http://"), timeout=20)
        for key, status, case in published():
            operation = catalog.find(key)
            connection.request(*request(local, operation, case))
            reply = connection.getresponse()
            body, answer = reply.read(), case.get("response")
            same = (json.loads(body) == answer) if body else answer in (None, "") or status == 204
            if reply.status == status and same:
                answered += 1
            else:
                others.append((key, status))
        connection.close()
    assert others == [("sellers_v1.get_account", 400), ("shipping_v1.get_account", 400)]
    assert answered == 924


def published() -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Read Amazon's cases, without the code under test."""
    for file in sorted(MODELS.rglob("*.json")):
        for path, item in json.loads(file.read_text("utf-8"))["paths"].items():
            for method in {"get", "put", "post", "delete", "patch"} & item.keys():
                found = catalog.match(method.upper(), path.replace("{", "").replace("}", ""))
                assert found is not None
                for status, response in item[method]["responses"].items():
                    static = response.get("x-amzn-api-sandbox", {}).get("static", [])
                    older = response.get("x-amazon-spds-sandbox-behaviors", [])
                    for case in (*static, *older):
                        yield found[0].key, int(status), case


TOKENS: dict[tuple[int, str], str] = {}
REGIONS = {shop.id: shop.region for shop in MARKETPLACES}


def request(local: Local, operation: Operation, case: dict[str, Any]) -> tuple[str, str, bytes | None, dict[str, str]]:
    """Return the request that a case is about: what it names, and something where a path needs more."""
    named = (case.get("request") or {}).get("parameters", {})
    plain = {name: one.get("value", one) for name, one in named.items()}
    joined = {name: ",".join(map(str, one)) if isinstance(one, list) else str(one) for name, one in plain.items()}
    places = {one.wire: one.place for one in operation.parameters}
    path = operation.path
    for name in (name for name, place in places.items() if place == "path"):
        path = path.replace(f"{{{name}}}", quote(joined.get(name, "x"), safe=""))
    query = {name: joined[name] for name in joined if places.get(name) == "query" and plain[name] != {}}
    headers = {name: joined[name] for name in joined if places.get(name) == "header"}
    bodies = [one for name, one in plain.items() if name not in places and one != {}]
    region = next((REGIONS[id] for one in query.values() for id in one.split(",") if id in REGIONS), "na")
    headers["x-amz-access-token"] = token(local, operation, region)
    return operation.method, f"{path}?{urlencode(query)}", json.dumps(bodies[0]).encode() if bodies else None, headers


def token(local: Local, operation: Operation, region: str) -> str:
    key = (id(local), operation.scope or region)
    if key not in TOKENS:
        scope = operation.scope
        TOKENS[key] = local.grantless(scope) if scope else local.token(f"Atzr|local-seller-{region}")
    return TOKENS[key]
