from typing import Any

import pytest

from sellerport.emulator import World
from sellerport.errors import Conflict, InvalidArguments, NotFound

from .conftest import CLIENT, NOW, Local


def test_state_shows_what_there_is(amazon: Local) -> None:
    state = amazon.control("GET", "state").json
    assert (state["seed"], state["now"]) == (1, NOW)
    kinds = [(one["selling_partner_id"], one["kind"], one["region"], one["orders"]) for one in state["accounts"]]
    assert kinds == [
        ("ALOCALSELLERNA", "seller", "na", 60),
        ("ALOCALSELLEREU", "seller", "eu", 60),
        ("ALOCALSELLERFE", "seller", "fe", 60),
        ("ALOCALVENDORNA", "vendor", "na", 0),
    ]
    (application,) = state["applications"]
    assert application["application_id"] == "amzn1.sp.solution.local"
    assert application["client_secret"] == "***"
    assert [grant["refresh_token"] for grant in state["grants"]] == [
        "Atzr|local-seller-na",
        "Atzr|local-seller-eu",
        "Atzr|local-seller-fe",
        "Atzr|local-vendor-na",
    ]
    assert (state["access_tokens"], state["faults"], state["requests"]) == (0, [], 0)


def test_reset_forgets_everything(amazon: Local) -> None:
    before = amazon.control("GET", "state").json
    token = amazon.token()
    amazon.control("POST", "accounts", {"marketplaces": ["US"]})
    amazon.control("POST", "applications", {"name": "Other"})
    amazon.control("POST", "grants", {"selling_partner_id": "ALOCALSELLERNA", "refresh_token": "Atzr|mine"})
    amazon.control("POST", "clock", {"advance_s": 5})
    amazon.control("POST", "faults", {"path": "/never"})
    amazon.call(
        "GET",
        "/orders/v0/orders",
        token,
        MarketplaceIds="ATVPDKIKX0DER",
        CreatedAfter="2020-01-01",
        MaxResultsPerPage="1",
    )
    code = amazon.world.issue_code(amazon.world.application(), amazon.world.account("ALOCALSELLERNA"), None)
    assert amazon.world.pages
    assert amazon.control("POST", "reset").json == before
    assert amazon.control("GET", "state").json == before
    assert not amazon.world.pages
    assert amazon.call("GET", "/sellers/v1/account", token).error[2] == (
        "The access token you provided is revoked, malformed or invalid."
    )
    assert amazon.lwa(grant_type="authorization_code", code=code, **CLIENT).status == 400
    assert amazon.lwa(grant_type="refresh_token", refresh_token="Atzr|mine", **CLIENT).status == 400


def test_reset_can_change_the_seed(amazon: Local) -> None:
    before = set(amazon.world.account("ALOCALSELLERNA").orders)
    assert amazon.control("POST", "reset", {"seed": 7}).json["seed"] == 7
    assert not before & set(amazon.world.account("ALOCALSELLERNA").orders)


def test_an_account_can_be_seeded(amazon: Local) -> None:
    wanted = {
        "marketplaces": ["UK", "A13V1IB3VIYZZH"],
        "selling_partner_id": "AMINE",
        "name": "Mine",
        "kind": "seller",
        "orders": 5,
        "owner": "me@mine.invalid",
    }
    answer = amazon.control("POST", "accounts", wanted)
    assert answer.json == {
        "selling_partner_id": "AMINE",
        "name": "Mine",
        "kind": "seller",
        "region": "eu",
        "marketplaces": ["A1F83G8C2ARO7P", "A13V1IB3VIYZZH"],
        "orders": 5,
        "owner": "me@mine.invalid",
    }
    made_up = amazon.control("POST", "accounts", {"marketplaces": ["JP"], "kind": "vendor"}).json
    assert (made_up["kind"], made_up["region"], made_up["orders"]) == ("vendor", "fe", 0)
    assert made_up["selling_partner_id"] in amazon.world.accounts


def test_an_application_can_be_seeded(amazon: Local) -> None:
    made = amazon.control("POST", "applications", {"name": "Mine", "redirect_uris": ["https://a.example/b"]}).json
    assert made["application_id"].startswith("amzn1.sp.solution.")
    grant = amazon.control(
        "POST", "grants", {"selling_partner_id": "ALOCALSELLERFE", "application": made["application_id"]}
    ).json
    assert (grant["client_id"], grant["region"], grant["revoked"]) == (made["client_id"], "fe", False)
    client = {"client_id": made["client_id"], "client_secret": made["client_secret"]}
    answer = amazon.lwa(grant_type="refresh_token", refresh_token=grant["refresh_token"], **client)
    assert answer.status == 200


def test_a_grant_can_be_minted_with_a_token_of_ones_own(amazon: Local) -> None:
    body = {"selling_partner_id": "ALOCALSELLERNA", "refresh_token": "Atzr|mine"}
    assert amazon.control("POST", "grants", body).json["refresh_token"] == "Atzr|mine"
    assert amazon.token("Atzr|mine")
    assert amazon.control("POST", "grants", body).status == 409


def test_grants_can_be_revoked_one_by_one_by_account_or_all(amazon: Local) -> None:
    amazon.world.grant("ALOCALSELLERNA", refresh_token="Atzr|second")
    assert amazon.control("POST", "revoke", {"refresh_token": "Atzr|second"}).json == {"revoked": 1}
    assert amazon.token("Atzr|local-seller-na")
    assert amazon.control("POST", "revoke", {"selling_partner_id": "ALOCALSELLERNA"}).json == {"revoked": 1}
    assert amazon.lwa(grant_type="refresh_token", refresh_token="Atzr|local-seller-na", **CLIENT).status == 400
    assert amazon.token("Atzr|local-seller-eu")
    assert amazon.control("POST", "revoke").json == {"revoked": 4}
    assert amazon.control("POST", "revoke").json == {"revoked": 0}


def test_access_tokens_can_be_made_to_expire(amazon: Local) -> None:
    first, second = amazon.token(), amazon.token()
    assert amazon.control("POST", "expire", {"access_token": first}).json == {"expired": 1}
    assert amazon.call("GET", "/sellers/v1/account", first).error[2] == "The access token you provided has expired."
    assert amazon.call("GET", "/sellers/v1/account", second).status == 200
    assert amazon.control("POST", "expire").json == {"expired": 1}
    assert amazon.call("GET", "/sellers/v1/account", second).status == 403


def test_the_clock_can_be_moved(amazon: Local) -> None:
    token = amazon.token()
    assert amazon.control("POST", "clock", {"advance_s": 3600.5}).json == {"now": NOW + 3600.5}
    assert amazon.call("GET", "/sellers/v1/account", token).error[2] == "The access token you provided has expired."


@pytest.mark.parametrize(
    ("route", "body", "status", "says"),
    [
        ("accounts", {}, 400, "marketplaces"),
        ("accounts", {"marketplaces": ["US", "DE"]}, 422, "one region"),
        ("accounts", {"marketplaces": []}, 422, "one region"),
        ("accounts", {"marketplaces": ["XX"]}, 422, "XX"),
        ("accounts", {"marketplaces": ["US"], "selling_partner_id": "ALOCALSELLERNA"}, 409, "ALOCALSELLERNA"),
        ("accounts", {"marketplaces": ["US"], "kind": "buyer"}, 400, "kind"),
        ("accounts", {"marketplaces": ["US"], "order": 5}, 400, "order"),
        ("applications", {"client_id": CLIENT["client_id"]}, 409, "exists already"),
        ("applications", {"regions": ["moon"]}, 400, "moon"),
        ("grants", {"selling_partner_id": "ANOBODY"}, 404, "ANOBODY"),
        ("grants", {"selling_partner_id": "ALOCALSELLERNA", "application": "none"}, 404, "none"),
        ("clock", {}, 400, "advance_s"),
        ("clock", {"advance_s": "1"}, 400, "advance_s"),
        ("clock", {"advance_s": -1}, 400, "advance_s"),
        ("clock", {"advance_s": 1e300}, 400, "advance_s"),
        ("reset", {"seed": "one"}, 400, "seed"),
        ("faults", {"times": 0}, 400, "times"),
        ("faults", {"status": 700}, 400, "status"),
        ("faults", {"answer": "cake"}, 400, "answer"),
    ],
)
def test_what_is_wrong_with_a_body_is_said(amazon: Local, route: str, body: Any, status: int, says: str) -> None:
    before = amazon.control("GET", "state").json
    answer = amazon.control("POST", route, body)
    assert answer.status == status
    assert says in answer.body.decode()
    assert amazon.control("GET", "state").json == before


def test_a_body_that_is_no_json_is_refused(amazon: Local) -> None:
    for body in (b"{", b'{"name": "\xff"}', b'{"name": ' + b"[" * 100_000):
        assert amazon.send("POST", "/_emulator/accounts", body).status == 400


def test_the_control_plane_is_not_on_amazons_hosts(amazon: Local) -> None:
    assert amazon.send("GET", "/sellingpartnerapi-na.amazon.com/_emulator/state").status == 403
    assert amazon.send("GET", "/_emulator/state", headers={"host": "api.amazon.com"}).status == 200
    assert amazon.send("GET", "/_emulator/nothing").status == 404


def test_a_program_can_do_the_same_with_the_world() -> None:
    world = World(clock=lambda: NOW, orders=3)
    assert len(world.account("ALOCALSELLERNA").orders) == 3
    with pytest.raises(NotFound, match="ANOBODY"):
        world.account("ANOBODY")
    with pytest.raises(NotFound, match="no application"):
        world.application("nothing")
    with pytest.raises(InvalidArguments, match="one region"):
        world.add_account(("US", "DE"))
    with pytest.raises(Conflict):
        world.add_application(world.application())
    assert "local-secret" not in repr(world.application())
    assert "Atzr" not in repr(world.grant("ALOCALSELLERNA"))
    assert world.advance(10) == world.now() == NOW + 10
