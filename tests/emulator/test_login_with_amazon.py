import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from sellerport.emulator import Application, Fault

from .conftest import CLIENT, Local, Reply

TOKEN = "/api.amazon.com/auth/o2/token"
FORM = {"content-type": "application/x-www-form-urlencoded"}
REFRESH = {"grant_type": "refresh_token", "refresh_token": "Atzr|local-seller-na"}


def code_for(amazon: Local, redirect_uri: str = "http://127.0.0.1:5000/back") -> str:
    application, account = amazon.world.application(), amazon.world.account("ALOCALSELLERNA")
    return amazon.world.issue_code(application, account, redirect_uri)


def exchange(amazon: Local, **form: str) -> Reply:
    return amazon.lwa(grant_type="authorization_code", **{**CLIENT, **form})


def refused(answer: Reply) -> tuple[int, str, str]:
    assert set(answer.json) == {"error", "error_description", "request_id", "error_index"}
    assert answer.headers["content-type"] == "application/json;charset=UTF-8"
    return answer.status, answer.json["error"], answer.json["error_description"]


BAD_CODE = (400, "invalid_grant", "The request has an invalid grant parameter : code")
BAD_CLIENT = (401, "invalid_client", "Client authentication failed")


def test_a_code_becomes_a_refresh_token_and_an_access_token(amazon: Local) -> None:
    answer = exchange(amazon, code=code_for(amazon))
    assert answer.status == 200
    assert set(answer.json) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert answer.json["access_token"].startswith("Atza|")
    assert answer.json["refresh_token"].startswith("Atzr|")
    assert (answer.json["token_type"], answer.json["expires_in"]) == ("bearer", 3600)
    assert answer.headers["content-type"] == "application/json;charset=UTF-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    token = amazon.token(answer.json["refresh_token"])
    assert amazon.call("GET", "/sellers/v1/marketplaceParticipations", token).status == 200


def test_a_code_works_once(amazon: Local) -> None:
    code = code_for(amazon)
    assert exchange(amazon, code=code).status == 200
    assert refused(exchange(amazon, code=code)) == BAD_CODE


def test_a_code_lives_five_minutes(amazon: Local) -> None:
    code, late = code_for(amazon), code_for(amazon)
    amazon.world.advance(299)
    assert exchange(amazon, code=code).status == 200
    amazon.world.advance(1)
    assert refused(exchange(amazon, code=late)) == BAD_CODE


def test_a_code_belongs_to_one_application(amazon: Local) -> None:
    other = Application(application_id="amzn1.sp.solution.b", client_id="b", client_secret="secret-b")
    amazon.world.add_application(other)
    code = code_for(amazon)
    assert refused(exchange(amazon, code=code, client_id="b", client_secret="secret-b")) == BAD_CODE
    assert exchange(amazon, code=code).status == 200


def test_a_code_is_bound_to_the_redirect_uri_where_one_is_sent(amazon: Local) -> None:
    code = code_for(amazon, "http://127.0.0.1:5000/back")
    expected = (400, "invalid_grant", "The request has an invalid grant parameter : redirect_uri")
    assert refused(exchange(amazon, code=code, redirect_uri="http://127.0.0.1:5000/other")) == expected
    assert exchange(amazon, code=code, redirect_uri="http://127.0.0.1:5000/back").status == 200


def test_an_unknown_code_is_refused(amazon: Local) -> None:
    assert refused(exchange(amazon, code="NOCODE")) == BAD_CODE


def test_refreshing_returns_the_same_refresh_token_and_another_access_token(amazon: Local) -> None:
    first, second = (amazon.lwa(**REFRESH, **CLIENT).json for _ in range(2))
    assert first["refresh_token"] == second["refresh_token"] == REFRESH["refresh_token"]
    assert first["access_token"] != second["access_token"]


def test_an_unknown_refresh_token_is_refused(amazon: Local) -> None:
    answer = amazon.lwa(grant_type="refresh_token", refresh_token="Atzr|no", **CLIENT)
    expected = (400, "invalid_grant", "The request has an invalid grant parameter : refresh_token")
    assert refused(answer) == expected


def test_a_refresh_token_of_another_application_is_refused(amazon: Local) -> None:
    other = Application(application_id="amzn1.sp.solution.b", client_id="b", client_secret="secret-b")
    amazon.world.add_application(other)
    answer = amazon.lwa(**REFRESH, client_id="b", client_secret="secret-b")
    expected = (400, "invalid_grant", "The request has an invalid grant parameter : refresh_token")
    assert refused(answer) == expected


def test_a_revoked_refresh_token_is_refused_with_the_reason(amazon: Local) -> None:
    amazon.world.revoke(refresh_token=REFRESH["refresh_token"])
    expected = (
        400,
        "invalid_grant",
        "The request has an invalid grant parameter : refresh_token. User may have revoked or didn't grant the "
        "permission.",
    )
    assert refused(amazon.lwa(**REFRESH, **CLIENT)) == expected


def test_a_grantless_token_has_no_refresh_token(amazon: Local) -> None:
    scope = "sellingpartnerapi::notifications sellingpartnerapi::client_credential:rotation"
    answer = amazon.lwa(grant_type="client_credentials", scope=scope, **CLIENT)
    assert answer.status == 200
    assert set(answer.json) == {"access_token", "token_type", "expires_in"}


@pytest.mark.parametrize("scope", ["sellingpartnerapi::nothing", "sellingpartnerapi::notifications profile"])
def test_an_unknown_scope_is_refused(amazon: Local, scope: str) -> None:
    answer = amazon.lwa(grant_type="client_credentials", scope=scope, **CLIENT)
    assert refused(answer) == (400, "invalid_scope", "The request has an invalid parameter : scope")


@pytest.mark.parametrize(
    "client",
    [
        {**CLIENT, "client_secret": "wrong"},
        {**CLIENT, "client_id": "amzn1.sp.solution.local"},  # the application id, a frequent mistake
    ],
)
def test_a_wrong_client_is_refused_with_401(amazon: Local, client: dict[str, str]) -> None:
    assert refused(amazon.lwa(**REFRESH, **client)) == BAD_CLIENT


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ({"grant_type": "refresh_token", "client_secret": "local-secret"}, "client_id"),
        ({"grant_type": "refresh_token", "client_id": CLIENT["client_id"]}, "client_secret"),
        ({"grant_type": "refresh_token", **CLIENT}, "refresh_token"),
        ({"grant_type": "refresh_token", "refresh_token": "", **CLIENT}, "refresh_token"),
        ({"grant_type": "authorization_code", **CLIENT}, "code"),
        ({"grant_type": "client_credentials", **CLIENT}, "scope"),
    ],
)
def test_a_missing_parameter_is_named(amazon: Local, form: dict[str, str], name: str) -> None:
    expected = (400, "invalid_request", f"The request is missing a required parameter : {name}")
    assert refused(amazon.lwa(**form)) == expected


def test_an_unknown_or_missing_grant_type_is_not_supported(amazon: Local) -> None:
    expected = "The authorization grant type is not supported by the authorization server"
    for form in ({"grant_type": "password"}, {"grant_type": ""}, {}):
        assert refused(amazon.lwa(**form, **CLIENT)) == (400, "unsupported_grant_type", expected)
    # what PHP's curl makes of an array (github.com/amzn/selling-partner-api-models/issues/706)
    multipart = '--x\r\ncontent-disposition: form-data; name="grant_type"\r\n\r\nrefresh_token\r\n--x--\r\n'
    answer = amazon.send("POST", TOKEN, multipart, {"content-type": "multipart/form-data; boundary=x"})
    assert refused(answer) == (400, "unsupported_grant_type", expected)


@pytest.mark.parametrize("name", ["client_id", "grant_type", "refresh_token"])
def test_a_parameter_that_comes_twice_in_one_place_is_refused(amazon: Local, name: str) -> None:
    given = {**REFRESH, **CLIENT}
    twice = urlencode([*given.items(), (name, given[name])])
    written = f'{json.dumps(given)[:-1]}, "{name}": "{given[name]}"}}'
    for answer in (
        amazon.send("POST", TOKEN, twice, FORM),
        amazon.send("POST", f"{TOKEN}?{twice}"),
        amazon.send("POST", TOKEN, written, {"content-type": "application/json"}),
    ):
        assert refused(answer)[:2] == (400, "invalid_request")
        assert name in answer.json["error_description"]
    assert not amazon.world.access_tokens


def test_a_body_that_is_not_the_json_it_says_is_malformed(amazon: Local) -> None:
    for body in (
        b"{",
        b"[]",
        b"[[1, 2]]",
        b"null",
        b'"a"',
        b'{"grant_type": "\xff"}',
        b'{"\xff": 1}',
        b'{"a": ' + b"[" * 100_000,
    ):
        answer = amazon.send("POST", TOKEN, body, {"content-type": "application/json"})
        assert refused(answer) == (400, "invalid_request", "Malformed request")


BASIC = base64.b64encode(b"amzn1.application-oa2-client.local:local-secret").decode()


@pytest.mark.parametrize(
    ("target", "body", "headers"),
    [
        (TOKEN, urlencode({**REFRESH, **CLIENT}), FORM),
        (TOKEN, urlencode({**REFRESH, **CLIENT}), {}),
        (TOKEN, json.dumps({**REFRESH, **CLIENT, "extra": 1}), {"content-type": "application/json"}),
        (TOKEN, json.dumps({**REFRESH, **CLIENT}), {"content-type": "application/json; charset=utf-8"}),
        (f"{TOKEN}?{urlencode({**REFRESH, **CLIENT})}", None, {}),
        (f"{TOKEN}?{urlencode({**REFRESH, **CLIENT})}", urlencode({**REFRESH, **CLIENT}), FORM),
        (TOKEN, urlencode(REFRESH), {**FORM, "authorization": f"Basic {BASIC}"}),
        (TOKEN, json.dumps(REFRESH), {"content-type": "application/json", "authorization": f"basic {BASIC}"}),
        (TOKEN, urlencode({**REFRESH, **CLIENT}), {**FORM, "authorization": "AWS4-HMAC-SHA256 Credential=x"}),
    ],
    ids=["form", "untyped", "json", "charset", "query", "both", "basic", "basic-json", "aws4"],
)
def test_parameters_are_taken_from_wherever_clients_put_them(
    amazon: Local, target: str, body: Any, headers: dict[str, str]
) -> None:
    answer = amazon.send("POST", target, body, headers)
    assert answer.status == 200, answer.body
    assert answer.json["refresh_token"] == REFRESH["refresh_token"]


def test_http_basic_with_a_wrong_secret_or_without_sense_is_refused(amazon: Local) -> None:
    wrong = base64.b64encode(b"amzn1.application-oa2-client.local:wrong").decode()
    for credentials in (wrong, "%%%", "\xe9", base64.b64encode(b"\xff\xfe").decode()):
        answer = amazon.send("POST", TOKEN, urlencode(REFRESH), {**FORM, "authorization": f"Basic {credentials}"})
        assert refused(answer) == BAD_CLIENT


def test_tokeninfo_tells_whose_token_it_is_and_for_how_long(amazon: Local) -> None:
    token = amazon.token()
    amazon.world.advance(600)
    answer = amazon.send("GET", f"/api.amazon.com/auth/o2/tokeninfo?{urlencode({'access_token': token})}")
    assert answer.json == {
        "aud": CLIENT["client_id"],
        "iss": "https://www.amazon.com",
        "exp": 3000,
        "app_id": "amzn1.sp.solution.local",
        "iat": 1_790_000_000,
    }


def test_tokeninfo_refuses_a_token_that_is_over(amazon: Local) -> None:
    token = amazon.token()
    asked = f"/auth/o2/tokeninfo?{urlencode({'access_token': token})}"
    assert amazon.send("GET", asked).status == 200
    amazon.world.revoke()
    for target in (asked, "/auth/o2/tokeninfo?access_token=Atza%7Cno", "/auth/o2/tokeninfo"):
        assert refused(amazon.send("GET", target))[:2] == (400, "invalid_token")


@pytest.mark.parametrize("host", ["api.amazon.com", "api.amazon.co.uk", "api.amazon.co.jp"])
def test_each_of_the_three_hosts_knows_what_the_others_know(amazon: Local, host: str) -> None:
    form = urlencode({**REFRESH, **CLIENT})
    named = amazon.send("POST", f"/{host}/auth/o2/token", form, FORM)
    sent = amazon.send("POST", "/auth/o2/token", form, {**FORM, "host": host})
    for answer in (named, sent):
        assert answer.status == 200
        asked = urlencode({"access_token": answer.json["access_token"]})
        assert amazon.send("GET", f"/api.amazon.com/auth/o2/tokeninfo?{asked}").status == 200
        assert amazon.send("GET", f"/{host}/auth/o2/tokeninfo?{asked}").status == 200
        assert amazon.call("GET", "/sellers/v1/account", answer.json["access_token"]).status == 200
    assert [entry["host"] for entry in amazon.world.requests][:2] == [host, host]


def test_a_fault_of_any_of_the_three_hosts_is_login_with_amazons(amazon: Local) -> None:
    amazon.world.fail(Fault(host="api.amazon.co.uk", status=503))
    answer = amazon.send("POST", "/api.amazon.co.uk/auth/o2/token", urlencode({**REFRESH, **CLIENT}), FORM)
    assert refused(answer)[:2] == (503, "temporarily_unavailable")
    assert amazon.lwa(**REFRESH, **CLIENT).status == 200


def test_an_error_is_not_kept_by_anything_between(amazon: Local) -> None:
    answer = amazon.lwa(grant_type="refresh_token", refresh_token="Atzr|no", **CLIENT)
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")


def test_tokens_look_like_amazons(amazon: Local) -> None:
    answer = exchange(amazon, code=code_for(amazon)).json
    for token in (answer["access_token"], answer["refresh_token"]):
        assert "|" in token
        assert 100 < len(token) <= 2048
