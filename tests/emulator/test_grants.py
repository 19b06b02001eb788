"""When secrets, grants and refresh tokens end: rotation, a year without renewal, and the strict mode."""

from typing import Any

import pytest

from sellerport.emulator import Application, World, grants
from sellerport.errors import NotFound
from sellerport.notifications import parse
from sellerport.notifications.types import ApplicationOAuthClientNewSecret, ApplicationOAuthClientSecretExpiry

from .conftest import CLIENT, NOW, Local, Reply

DAY = 86_400
TOKEN = "Atzr|local-seller-na"
ROTATION = "sellingpartnerapi::client_credential:rotation"
CLIENT_SECRET = "/applications/2023-11-30/clientSecret"
ENDED = (
    "The request has an invalid grant parameter : refresh_token. User may have revoked or didn't grant the permission."
)


def refresh(amazon: Local, token: str = TOKEN, **client: str) -> Reply:
    return amazon.lwa(grant_type="refresh_token", refresh_token=token, **(CLIENT | client))


def refused(answer: Reply) -> tuple[int, str, str]:
    return answer.status, answer.json["error"], answer.json["error_description"]


def new_secret(amazon: Local) -> dict[str, str]:
    notice = amazon.control("GET", "notices").json["notices"][-1]
    secret: dict[str, str] = parse(notice["message"]).payload_as(ApplicationOAuthClientNewSecret)[
        "applicationOAuthClientNewSecret"
    ]  # type: ignore[assignment]
    return secret


def test_rotation_answers_nothing_and_tells_the_new_secret_in_a_notification(amazon: Local) -> None:
    answer = amazon.call("POST", CLIENT_SECRET, amazon.grantless(ROTATION))
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["x-amzn-ratelimit-limit"] == "0.0167"
    (notice,) = amazon.control("GET", "notices").json["notices"]
    assert notice["queue"] == amazon.world.application().queue
    heard = parse(notice["message"])
    assert (heard.type, heard.payload_version) == ("APPLICATION_OAUTH_CLIENT_NEW_SECRET", "2023-11-30")
    assert heard.metadata.application_id == "amzn1.sp.solution.local"
    assert heard.problems() == []
    secret = new_secret(amazon)
    assert secret == {
        "clientId": CLIENT["client_id"],
        "newClientSecret": amazon.world.application().client_secret,
        "newClientSecretExpiryTime": "2027-03-20T14:13:20.000Z",
        "oldClientSecretExpiryTime": "2026-09-28T14:13:20.000Z",
    }
    assert secret["newClientSecret"].startswith("amzn1.oa2-cs.v1.")
    assert refresh(amazon, client_secret=secret["newClientSecret"]).status == 200


def test_the_old_secret_is_good_for_a_week_more(amazon: Local) -> None:
    amazon.world.rotate_secret()
    new = amazon.world.application().client_secret
    amazon.world.advance(7 * DAY - 1)
    assert refresh(amazon).status == 200
    amazon.world.advance(1)
    assert refused(refresh(amazon)) == (401, "invalid_client", "Client authentication failed")
    assert refresh(amazon, client_secret=new).status == 200


def test_a_secret_that_would_have_ended_sooner_is_not_prolonged_by_rotation(amazon: Local) -> None:
    amazon.world.advance(178 * DAY)
    amazon.world.rotate_secret()
    assert new_secret(amazon)["oldClientSecretExpiryTime"] == "2027-03-20T14:13:20.000Z"
    amazon.world.advance(2 * DAY)
    assert refresh(amazon).status == 401


def test_refresh_tokens_and_access_tokens_survive_rotation(amazon: Local) -> None:
    token = amazon.token()
    code = amazon.world.issue_code(amazon.world.application(), amazon.world.account("ALOCALSELLERNA"), None)
    new = amazon.control("POST", "rotate", {"client_secret": "mine"}).json
    assert (new["client_secret"], new["secret_expires_at"]) == ("mine", NOW + 180 * DAY)
    assert amazon.call("GET", "/sellers/v1/account", token).status == 200
    assert refresh(amazon, client_secret="mine").json["refresh_token"] == TOKEN
    form = {"grant_type": "authorization_code", "code": code, "client_id": CLIENT["client_id"]}
    assert amazon.lwa(**form, client_secret="mine").status == 200


def test_going_back_to_an_old_secret_makes_it_the_newest(amazon: Local) -> None:
    amazon.world.rotate_secret(client_secret="other")
    amazon.world.rotate_secret(client_secret=CLIENT["client_secret"])
    amazon.world.advance(8 * DAY)
    assert refresh(amazon).status == 200
    assert refresh(amazon, client_secret="other").status == 401


def test_one_application_is_rotated_and_no_other(amazon: Local) -> None:
    amazon.world.add_application(Application(application_id="b", client_id="b", client_secret="s"))
    amazon.control("POST", "rotate", {"application": "b"})
    assert amazon.world.application().client_secret == CLIENT["client_secret"]
    assert amazon.world.application("b").client_secret != "s"
    answer = amazon.control("POST", "rotate", {"application": "none"})
    assert (answer.status, "none" in answer.body.decode()) == (404, True)


def test_rotation_is_refused_where_nobody_would_hear_of_it(amazon: Local) -> None:
    client = {"client_id": "q", "client_secret": "s"}
    amazon.control("POST", "applications", {"application_id": "q", **client, "queue": None})
    token = amazon.lwa(grant_type="client_credentials", scope=ROTATION, **client).json["access_token"]
    answer = amazon.call("POST", CLIENT_SECRET, token)
    assert answer.status == 400
    (error,) = answer.json["errors"]
    assert error["code"] == "InvalidInput"
    assert error["message"].startswith("Application is not enrolled for rotation notification.")
    assert amazon.world.application("q").client_secret == "s"
    amazon.world.rotate_secret("q")
    assert amazon.control("GET", "notices").json == {"notices": []}


@pytest.mark.parametrize("scope", [None, "sellingpartnerapi::notifications"])
def test_rotation_needs_its_scope(amazon: Local, scope: str | None) -> None:
    token = amazon.grantless(scope) if scope else amazon.token()
    assert amazon.call("POST", CLIENT_SECRET, token).error == (403, "Unauthorized", "")
    assert amazon.world.application().client_secret == CLIENT["client_secret"]


def test_notices_can_be_forgotten(amazon: Local) -> None:
    amazon.world.rotate_secret()
    assert amazon.control("DELETE", "notices").json == {"notices": []}
    assert amazon.control("GET", "notices").json == {"notices": []}
    assert amazon.world.login.notices() == []


def test_the_end_of_a_secret_is_told_ninety_days_before_and_once(amazon: Local) -> None:
    amazon.world.advance(90 * DAY - 1)
    assert amazon.control("GET", "notices").json == {"notices": []}
    amazon.world.advance(1)
    (notice,) = amazon.control("GET", "notices").json["notices"]
    assert amazon.control("GET", "notices").json["notices"] == [notice]
    heard = parse(notice["message"])
    assert heard.type == "APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY"
    assert heard.problems() == []
    assert heard.payload_as(ApplicationOAuthClientSecretExpiry) == {
        "applicationOAuthClientSecretExpiry": {
            "clientId": CLIENT["client_id"],
            "clientSecretExpiryTime": "2027-03-20T14:13:20.000Z",
            "clientSecretExpiryReason": "PERIODIC_ROTATION",
        }
    }
    amazon.world.rotate_secret()
    amazon.world.advance(90 * DAY)
    kinds = [notice["message"]["notificationType"] for notice in amazon.control("GET", "notices").json["notices"]]
    assert kinds == [
        "APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY",
        "APPLICATION_OAUTH_CLIENT_NEW_SECRET",
        "APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY",
    ]


def test_after_180_days_without_rotation_the_application_may_call_nothing(amazon: Local) -> None:
    amazon.world.advance(180 * DAY - 1)
    assert amazon.call("GET", "/sellers/v1/account").status == 200
    amazon.world.advance(1)
    secret = (403, "Unauthorized", "The LWA secret token you provided has expired.")
    assert amazon.call("GET", "/sellers/v1/account").error == secret
    assert amazon.call("POST", CLIENT_SECRET, amazon.grantless(ROTATION)).error == secret
    token = amazon.token()
    amazon.world.rotate_secret()
    assert amazon.call("GET", "/sellers/v1/account", token).status == 200
    assert refresh(amazon).status == 401  # the old one ended before


def test_a_secret_can_be_made_to_end(amazon: Local) -> None:
    token = amazon.token()
    assert amazon.control("POST", "expire", {"application": "amzn1.sp.solution.local"}).json == {"expired": 1}
    assert amazon.call("GET", "/sellers/v1/account", token).error[2] == "The LWA secret token you provided has expired."
    assert amazon.control("POST", "expire", {"application": "none"}).status == 404
    with pytest.raises(NotFound, match="none"):
        amazon.world.expire(application="none")


def test_a_grant_that_is_not_renewed_ends_after_a_year(amazon: Local) -> None:
    amazon.world.advance(100 * DAY)
    amazon.world.rotate_secret(client_secret="second")
    late = amazon.world.grant("ALOCALSELLERNA", refresh_token="Atzr|late")
    amazon.world.advance(170 * DAY)
    amazon.world.rotate_secret(client_secret="third")
    amazon.world.advance(95 * DAY - 1)
    answer = refresh(amazon, client_secret="third")
    assert answer.status == 200
    token = answer.json["access_token"]
    assert amazon.call("GET", "/sellers/v1/account", token).status == 200
    amazon.world.advance(1)
    assert refused(refresh(amazon, client_secret="third")) == (400, "invalid_grant", ENDED)
    revoked = "The access token you provided is revoked, malformed or invalid."
    assert amazon.call("GET", "/sellers/v1/account", token).error[2] == revoked
    assert amazon.send("GET", f"/auth/o2/tokeninfo?access_token={token.replace('|', '%7C')}").status == 400
    assert refresh(amazon, late.refresh_token, client_secret="third").status == 200


def test_a_grant_can_be_made_to_end(amazon: Local) -> None:
    token = amazon.token()
    assert amazon.control("POST", "expire", {"refresh_token": TOKEN}).json == {"expired": 1}
    assert amazon.control("POST", "expire", {"refresh_token": TOKEN}).json == {"expired": 0}
    assert refused(refresh(amazon)) == (400, "invalid_grant", ENDED)
    assert amazon.call("GET", "/sellers/v1/account", token).status == 403
    assert refresh(amazon, "Atzr|local-seller-eu").status == 200
    grant = amazon.control("GET", "state").json["grants"][0]
    assert (grant["given_at"], grant["expires_at"], grant["revoked"]) == (NOW, NOW, False)


def test_several_things_can_be_made_to_end_at_once_and_nothing_else_does(amazon: Local) -> None:
    first, second = amazon.token(), amazon.token()
    wanted = {"refresh_token": "Atzr|local-seller-eu", "access_token": first}
    assert amazon.control("POST", "expire", wanted).json == {"expired": 2}
    assert amazon.call("GET", "/sellers/v1/account", first).error[2] == "The access token you provided has expired."
    assert amazon.call("GET", "/sellers/v1/account", second).status == 200


def strict(amazon: Local) -> None:
    assert amazon.control("POST", "lwa", {"strict": True}).json == {"strict": True}


def test_in_strict_mode_every_refresh_brings_the_next_refresh_token(amazon: Local) -> None:
    strict(amazon)
    seen = [TOKEN]
    for _ in range(3):
        answer = refresh(amazon, seen[-1])
        assert answer.status == 200
        assert amazon.call("GET", "/sellers/v1/account", answer.json["access_token"]).status == 200
        seen.append(answer.json["refresh_token"])
    assert len(set(seen)) == 4
    assert all(token.startswith("Atzr|") for token in seen)
    tokens = [grant["refresh_token"] for grant in amazon.control("GET", "state").json["grants"]]
    assert len(tokens) == 4
    assert seen[-1] in tokens
    assert not set(seen[:-1]) & set(tokens)


def test_in_strict_mode_a_used_refresh_token_ends_the_grant(amazon: Local) -> None:
    strict(amazon)
    second = amazon.world.grant("ALOCALSELLERNA")
    answer = refresh(amazon)
    assert refused(refresh(amazon)) == (400, "invalid_grant", ENDED)
    assert refused(refresh(amazon, answer.json["refresh_token"])) == (400, "invalid_grant", ENDED)
    revoked = "The access token you provided is revoked, malformed or invalid."
    assert amazon.call("GET", "/sellers/v1/account", answer.json["access_token"]).error[2] == revoked
    assert refresh(amazon, second.refresh_token).status == 200


def test_in_strict_mode_another_applications_used_token_ends_nothing(amazon: Local) -> None:
    strict(amazon)
    amazon.world.add_application(Application(application_id="b", client_id="b", client_secret="s"))
    newer = refresh(amazon).json["refresh_token"]
    answer = refresh(amazon, client_id="b", client_secret="s")
    assert refused(answer)[2] == "The request has an invalid grant parameter : refresh_token"
    assert refresh(amazon, client_secret="wrong").status == 401
    assert refresh(amazon, newer).status == 200


def test_in_strict_mode_a_used_code_ends_what_it_led_to(amazon: Local) -> None:
    def exchange() -> Any:
        return amazon.lwa(grant_type="authorization_code", code=code, **CLIENT)

    for mode, status in ((False, 200), (True, 400)):
        amazon.control("POST", "lwa", {"strict": mode})
        code = amazon.world.issue_code(amazon.world.application(), amazon.world.account("ALOCALSELLERNA"), None)
        token = exchange().json["refresh_token"]
        assert refused(exchange())[2] == "The request has an invalid grant parameter : code"
        assert refresh(amazon, token).status == status


def test_a_refused_refresh_costs_no_token_in_strict_mode(amazon: Local) -> None:
    strict(amazon)
    assert refresh(amazon, client_secret="wrong").status == 401
    assert amazon.lwa(grant_type="refresh_token", **CLIENT).status == 400
    assert refresh(amazon).status == 200


def test_the_strict_mode_can_be_left_but_a_used_token_stays_used(amazon: Local) -> None:
    strict(amazon)
    newer = refresh(amazon).json["refresh_token"]
    amazon.control("POST", "lwa", {"strict": False})
    assert refresh(amazon, newer).json["refresh_token"] == newer
    assert (
        amazon.control("POST", "grants", {"selling_partner_id": "ALOCALSELLERNA", "refresh_token": TOKEN}).status == 409
    )
    assert refresh(amazon).status == 400


def test_a_world_can_be_strict_from_the_beginning_and_after_a_reset() -> None:
    world = World(clock=lambda: NOW, orders=0, strict=True)
    world.login.strict = False
    world.reset()
    assert world.login.strict
    assert not World(clock=lambda: NOW, orders=0).login.strict


def test_a_request_that_wants_no_mode_is_refused(amazon: Local) -> None:
    for body in ({}, {"strict": "yes"}, {"strict": None}, {"strictly": True}):
        assert amazon.control("POST", "lwa", body).status == 400
    assert amazon.control("GET", "state").json["strict"] is False


def test_the_secret_of_a_notice_is_in_no_repr_and_no_state(amazon: Local) -> None:
    application = amazon.world.rotate_secret()
    assert application.client_secret not in repr(amazon.world.login.notices())
    assert application.client_secret not in amazon.control("GET", "state").body.decode()
    assert "secret_expires_at" in amazon.control("GET", "state").json["applications"][0]


def test_only_the_latest_tokens_and_codes_are_known(amazon: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grants, "REMEMBERED", 2)
    first, second, third = (amazon.token() for _ in range(3))
    statuses = [amazon.call("GET", "/sellers/v1/account", token).status for token in (first, second, third)]
    assert statuses == [403, 200, 200]
    application, account = amazon.world.application(), amazon.world.account("ALOCALSELLERNA")
    codes = [amazon.world.issue_code(application, account, None) for _ in range(3)]
    assert list(amazon.world.codes) == codes[1:]


def test_a_grant_is_revoked_by_a_token_that_was_used_too(amazon: Local) -> None:
    amazon.world.login.strict = True
    latest = refresh(amazon).json["refresh_token"]
    assert amazon.control("POST", "revoke", {"refresh_token": TOKEN}).json == {"revoked": 1}
    assert refused(refresh(amazon, latest)) == (400, "invalid_grant", ENDED)
