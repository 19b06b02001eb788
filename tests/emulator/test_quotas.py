from typing import Any

import pytest

from sellerport import catalog
from sellerport.emulator import Application, World
from sellerport.errors import InvalidArguments, UnknownOperation

from .conftest import CLIENT, Local, Reply

ACCOUNT = "/sellers/v1/account"  # 0.016 a second, burst 15
SANDBOX = "/sandbox.sellingpartnerapi-na.amazon.com"


def calls(amazon: Local, count: int, path: str = ACCOUNT, token: str | None = None) -> list[int]:
    token = token or amazon.token()
    return [amazon.send("GET", path, headers={"x-amz-access-token": token}).status for _ in range(count)]


def rate(answer: Reply) -> str | None:
    return answer.headers.get("x-amzn-ratelimit-limit")


def test_limits_are_off_until_they_are_turned_on(amazon: Local) -> None:
    assert calls(amazon, 20) == [200] * 20
    assert amazon.control("POST", "limits", {"mode": "real"}).json == {"mode": "real", "set": {}}
    assert calls(amazon, 17) == [200] * 15 + [429] * 2
    amazon.control("POST", "limits", {"mode": "off"})
    assert calls(amazon, 1) == [200]


def test_a_bucket_fills_by_the_worlds_clock_and_no_further_than_its_burst(amazon: Local) -> None:
    amazon.world.limit("real")
    calls(amazon, 15)
    token = amazon.token()
    amazon.world.advance(62.4)
    assert calls(amazon, 1, token=token) == [429]
    amazon.world.advance(0.1)
    assert calls(amazon, 2, token=token) == [200, 429]
    amazon.world.advance(30 * 86_400)
    assert calls(amazon, 16) == [200] * 15 + [429]


def test_who_is_refused_pays_nothing(amazon: Local) -> None:
    amazon.world.limit("real", operation="sellers_v1.get_account", rate=1, burst=1)
    token = amazon.token()
    assert calls(amazon, 9, token=token) == [200] + [429] * 8
    amazon.world.advance(1)
    assert calls(amazon, 2, token=token) == [200, 429]


def test_a_refusal_has_amazons_words_and_names_no_rate(amazon: Local) -> None:
    amazon.world.limit("real", burst=1)
    token = amazon.token()
    fine, refused = amazon.call("GET", ACCOUNT, token), amazon.call("GET", ACCOUNT, token)
    assert (fine.status, rate(fine)) == (200, "0.016")
    assert (refused.status, rate(refused)) == (429, None)
    assert refused.headers["x-amzn-errortype"] == "TooManyRequestsException"
    message = "You exceeded your quota for the requested resource."
    assert refused.json == {"errors": [{"message": message, "code": "QuotaExceeded"}]}
    assert "retry-after" not in refused.headers


def test_buckets_are_apart_for_operations_accounts_and_applications(amazon: Local) -> None:
    amazon.world.limit("real", burst=1)
    amazon.world.add_application(Application(application_id="b", client_id="b", client_secret="s"))
    amazon.world.grant("ALOCALSELLERNA", "b", refresh_token="Atzr|b")
    other = amazon.lwa(grant_type="refresh_token", refresh_token="Atzr|b", client_id="b", client_secret="s")
    assert calls(amazon, 2) == [200, 429]
    assert calls(amazon, 2, "/sellers/v1/marketplaceParticipations") == [200, 429]
    assert calls(amazon, 2, token=amazon.token("Atzr|local-seller-eu")) == [200, 429]
    assert calls(amazon, 2, token=other.json["access_token"]) == [200, 429]
    amazon.world.grant("ALOCALSELLERNA", refresh_token="Atzr|again")
    assert calls(amazon, 1, token=amazon.token("Atzr|again")) == [429]


def test_grantless_calls_have_a_bucket_of_the_application(amazon: Local) -> None:
    amazon.world.limit("real", burst=1)
    path = "/notifications/v1/destinations"
    assert calls(amazon, 1, path, amazon.grantless()) == [200]
    assert calls(amazon, 1, path, amazon.grantless()) == [429]


def test_what_is_wrong_counts_and_what_is_denied_does_not(amazon: Local) -> None:
    amazon.world.limit("real", burst=2)
    token = amazon.token()
    answers = [amazon.call("GET", "/orders/v0/orders", one).status for one in (token, "no", "no", token, token, "no")]
    assert answers == [400, 403, 403, 400, 429, 403]


def test_all_accounts_of_an_application_share_a_second_bucket_where_there_is_one(amazon: Local) -> None:
    amazon.world.limit("real", operation="sellers.get_account", rate=10, burst=10, application_rate=3)
    first, second = amazon.token(), amazon.token("Atzr|local-seller-eu")
    assert calls(amazon, 2, token=first) + calls(amazon, 2, token=second) == [200, 200, 200, 429]
    amazon.world.advance(1 / 3)
    assert calls(amazon, 2, token=second) == [200, 429]
    assert rate(amazon.call("GET", "/sellers/v1/account?x", amazon.token("Atzr|local-seller-fe"))) is None
    amazon.world.advance(10)
    assert rate(amazon.call("GET", ACCOUNT, first)) == "10.0"  # the pair's, never the application's


def test_the_catalogues_rate_of_an_application_is_enforced(amazon: Local) -> None:
    operation = catalog.find("catalog_items_2022_04_01.get_catalog_item")
    assert operation.application_rate == 250
    asin = amazon.world.account("ALOCALSELLERNA").products[0].asin
    item = f"/catalog/2022-04-01/items/{asin}?marketplaceIds=ATVPDKIKX0DER"
    amazon.world.limit("real", operation=operation.key, rate=10_000, burst=10_000)
    assert calls(amazon, 252, item) == [200] * 250 + [429] * 2


def test_fast_is_a_hundred_times_as_often(amazon: Local) -> None:
    amazon.world.limit("fast")
    token = amazon.token()
    assert calls(amazon, 16, token=token) == [200] * 15 + [429]
    amazon.world.advance(1 / 1.6)
    answers = [amazon.call("GET", ACCOUNT, token) for _ in range(2)]
    assert [(one.status, rate(one)) for one in answers] == [(200, "1.6"), (429, None)]


def test_the_sandbox_has_one_rate_for_everything_and_its_own_buckets(amazon: Local) -> None:
    amazon.world.limit("real")
    token = amazon.token()
    assert calls(amazon, 16, f"{SANDBOX}{ACCOUNT}", token) == [200] * 15 + [429]
    assert calls(amazon, 1, ACCOUNT, token) == [200]
    amazon.world.advance(0.2)
    answer = amazon.send("GET", f"{SANDBOX}{ACCOUNT}", headers={"x-amz-access-token": token})
    assert (answer.status, rate(answer)) == (200, "5.0")
    unknown = f"{SANDBOX}/supplySources/2020-07-01/supplySources"
    assert calls(amazon, 16, unknown, token) == [200] * 15 + [429]


def test_an_operation_whose_rate_nobody_knows_is_only_limited_when_told(amazon: Local) -> None:
    path = "/supplySources/2020-07-01/supplySources"
    amazon.world.limit("real")
    assert calls(amazon, 30, path) == [200] * 30
    amazon.world.limit(operation="supply_sources.get_supply_sources", rate=2)
    answer = amazon.call("GET", path)
    assert (answer.status, rate(answer)) == (200, "2.0")
    assert calls(amazon, 1, path) == [429]


def test_the_rate_in_force_may_differ_from_the_catalogues(amazon: Local) -> None:
    key = "sellers_v1.get_account"
    answer = amazon.control("POST", "limits", {"operation": "sellers.getAccount", "rate": 0.5})
    assert answer.json == {"mode": "off", "set": {key: {"rate": 0.5, "burst": None, "application_rate": None}}}
    assert rate(amazon.call("GET", ACCOUNT)) == "0.5"
    assert rate(amazon.call("GET", "/sellers/v1/marketplaceParticipations")) == "0.016"
    amazon.control("POST", "limits", {"rate": 7})
    assert rate(amazon.call("GET", ACCOUNT)) == "0.5"
    assert rate(amazon.call("GET", "/sellers/v1/marketplaceParticipations")) == "7.0"
    amazon.control("POST", "limits", {"operation": key, "burst": 2, "mode": "real"})
    assert calls(amazon, 3) == [200, 200, 429]
    assert amazon.control("GET", "state").json["limits"]["set"][key]["rate"] == 0.5


def test_login_and_storage_have_no_limits(amazon: Local) -> None:
    amazon.world.limit("real", burst=1, rate=0.001)
    assert {amazon.lwa(grant_type="refresh_token", refresh_token="Atzr|local-seller-na", **CLIENT).status} == {200}
    assert amazon.lwa(grant_type="refresh_token", refresh_token="Atzr|local-seller-na", **CLIENT).status == 200
    amazon.world.storage.places.add("a")
    url = amazon.world.storage.presign("PUT", amazon.base, "a", now=amazon.world.now(), life_s=9)
    assert [amazon.put(url, b"", {}).status for _ in range(3)] == [200] * 3


def test_a_reset_fills_all_buckets_and_forgets_what_was_set(amazon: Local) -> None:
    amazon.world.limit("real", rate=1, burst=1)
    assert calls(amazon, 2) == [200, 429]
    amazon.world.reset()
    assert calls(amazon, 16) == [200] * 16
    world = World(limits="fast", orders=0)
    world.limit("off", rate=3)
    world.reset()
    assert (world.quotas.mode, world.quotas.limits) == ("fast", {})


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"mode": "slow"}, 400, "slow"),
        ({"rate": 0}, 422, "rate"),
        ({"rate": -1}, 422, "rate"),
        ({"burst": 0.5}, 422, "burst"),
        ({"application_rate": 0}, 422, "application_rate"),
        ({"operation": "sellers_v1.nothing", "rate": 1}, 404, "nothing"),
    ],
)
def test_what_is_wrong_with_limits_is_said(amazon: Local, body: Any, status: int, says: str) -> None:
    answer = amazon.control("POST", "limits", {"mode": "real", **body})
    assert answer.status == status
    assert says in answer.body.decode()
    assert amazon.world.quotas.mode == "off"
    assert not amazon.world.quotas.limits


def test_a_program_is_told_the_same() -> None:
    world = World(orders=0)
    with pytest.raises(InvalidArguments, match="burst: must be at least 1"):
        world.limit("real", burst=0)
    with pytest.raises(UnknownOperation):
        world.limit(operation="x.y", rate=1)
    assert world.quotas.mode == "off"
