"""The places that an account ships from: what is written is read back."""

from typing import Any

from .conftest import Local

PATH = "/supplySources/2020-07-01/supplySources"
ADDRESS = {"name": "Barn", "addressLine1": "1 Larkspur Ave", "countryCode": "US", "stateOrRegion": "OH"}


def made(amazon: Local, code: str = "BARN") -> str:
    body = {"supplySourceCode": code, "alias": f"The {code.lower()}", "address": ADDRESS}
    answer = amazon.call("POST", PATH, body=body)
    assert answer.status == 200, answer.body
    assert answer.json["supplySourceCode"] == code
    return str(answer.json["supplySourceId"])


def read(amazon: Local, id: str) -> Any:
    answer = amazon.call("GET", f"{PATH}/{id}")
    assert answer.status == 200
    return answer.json


def test_a_place_is_read_back_changed_and_given_up(amazon: Local) -> None:
    id = made(amazon)
    when = "2026-09-21T14:13:20Z"
    first = {
        "supplySourceId": id,
        "supplySourceCode": "BARN",
        "alias": "The barn",
        "address": ADDRESS,
        "status": "Inactive",
        "createdAt": when,
        "updatedAt": when,
    }
    assert read(amazon, id) == first
    amazon.world.advance(60)
    change = {"alias": "The old barn", "configuration": {"timezone": "US/Eastern"}}
    assert amazon.call("PUT", f"{PATH}/{id}", body=change).status == 204
    assert amazon.call("PUT", f"{PATH}/{id}/status", body={"status": "Active"}).status == 204
    changed = {**first, **change, "status": "Active", "updatedAt": "2026-09-21T14:14:20Z"}
    assert read(amazon, id) == changed
    listed = {name: changed[name] for name in ("alias", "supplySourceId", "supplySourceCode", "address")}
    assert amazon.call("GET", PATH).json == {"supplySources": [listed]}
    assert amazon.call("DELETE", f"{PATH}/{id}").status == 204
    assert read(amazon, id)["status"] == "Archived"
    assert amazon.call("GET", PATH).json == {"supplySources": []}
    assert amazon.call("PUT", f"{PATH}/{id}", body=change).error == (400, "InvalidInput", "1005")
    assert amazon.call("DELETE", f"{PATH}/{id}").error == (400, "InvalidInput", "1005")


def test_a_code_is_taken_once_and_by_one_account(amazon: Local) -> None:
    id = made(amazon)
    body = {"supplySourceCode": "BARN", "alias": "Again", "address": ADDRESS}
    assert amazon.call("POST", PATH, body=body).error == (400, "InvalidInput", "1004")
    europe = amazon.token("Atzr|local-seller-eu")
    assert amazon.call("GET", f"{PATH}/{id}", europe).error[:2] == (404, "NotFound")
    assert amazon.call("GET", PATH, europe).json == {"supplySources": []}
    other = amazon.call("POST", PATH, europe, body)
    assert (other.status, other.json["supplySourceId"] != id) == (200, True)


def test_what_is_no_place_is_refused(amazon: Local) -> None:
    body = {"supplySourceCode": "BARN", "alias": "x", "address": {"name": "x"}}
    assert amazon.call("POST", PATH, body=body).error[:2] == (400, "InvalidInput")
    id = made(amazon)
    assert amazon.call("PUT", f"{PATH}/{id}/status", body={"status": "Asleep"}).error[:2] == (400, "InvalidInput")
    for method in ("GET", "PUT", "DELETE"):
        assert amazon.call(method, f"{PATH}/none", body={} if method == "PUT" else None).status == 404


def test_places_come_in_pages(amazon: Local) -> None:
    ids = [made(amazon, f"P{n}") for n in range(3)]
    first = amazon.call("GET", PATH, pageSize="2").json
    second = amazon.call("GET", PATH, pageSize="2", nextPageToken=first["nextPageToken"]).json
    assert [one["supplySourceId"] for one in first["supplySources"] + second["supplySources"]] == ids
    assert "nextPageToken" not in second
