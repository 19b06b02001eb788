import json
import re

import pytest

from sellerport import catalog

from .conftest import NOW, Local

PARTICIPATIONS = "/sellers/v1/marketplaceParticipations"
DENIED = "Access to requested resource is denied."


def test_one_port_serves_every_host_by_its_first_path_segment(amazon: Local) -> None:
    token = {"x-amz-access-token": amazon.token("Atzr|local-seller-eu")}
    for host in ("sellingpartnerapi-eu.amazon.com", "sandbox.sellingpartnerapi-eu.amazon.com"):
        answer = amazon.send("GET", f"/{host}{PARTICIPATIONS}", headers=token)
        assert answer.status == 200
        assert answer.json["payload"][0]["marketplace"]["countryCode"] == "DE"


def test_one_port_serves_every_host_by_its_host_header(amazon: Local) -> None:
    token = {"x-amz-access-token": amazon.token("Atzr|local-seller-eu")}
    for host, status in (
        ("sellingpartnerapi-eu.amazon.com", 200),
        ("SellingPartnerAPI-EU.amazon.com:443", 200),
        ("sellingpartnerapi-na.amazon.com", 403),
        ("localhost", 200),
        ("elsewhere.example", 200),
        ("api.amazon.com", 404),
    ):
        assert amazon.send("GET", PARTICIPATIONS, headers={**token, "host": host}).status == status, host


def test_the_path_names_the_host_before_the_header_does(amazon: Local) -> None:
    headers = {"x-amz-access-token": amazon.token("Atzr|local-seller-eu"), "host": "api.amazon.com"}
    assert amazon.send("GET", f"/sellingpartnerapi-eu.amazon.com{PARTICIPATIONS}", headers=headers).status == 200


def test_without_a_host_the_token_path_is_login_with_amazon(amazon: Local) -> None:
    assert amazon.send("POST", "/auth/o2/token").json["error"] == "unsupported_grant_type"
    assert amazon.send("GET", "/auth/o2/tokeninfo").json["error"] == "invalid_token"


def test_without_a_host_the_tokens_region_counts(amazon: Local) -> None:
    for name, country in (("na", "US"), ("eu", "DE"), ("fe", "JP")):
        answer = amazon.call("GET", PARTICIPATIONS, amazon.token(f"Atzr|local-seller-{name}"))
        assert answer.json["payload"][0]["marketplace"]["countryCode"] == country


def test_a_call_without_a_token_is_denied(amazon: Local) -> None:
    for headers in ({}, {"x-amz-access-token": ""}, {"authorization": "Bearer Atza|x"}):
        answer = amazon.send("GET", PARTICIPATIONS, headers=headers)
        assert answer.error == (403, "Unauthorized", "Access token is missing in the request header.")
        assert answer.json["errors"][0]["message"] == DENIED


def test_an_expired_token_is_denied(amazon: Local) -> None:
    token = amazon.token()
    amazon.world.advance(3599)
    assert amazon.call("GET", PARTICIPATIONS, token).status == 200
    amazon.world.advance(1)
    answer = amazon.call("GET", PARTICIPATIONS, token)
    assert answer.error == (403, "Unauthorized", "The access token you provided has expired.")


def test_a_malformed_or_revoked_token_is_denied(amazon: Local) -> None:
    revoked = amazon.token()
    assert amazon.call("GET", PARTICIPATIONS, revoked).status == 200
    amazon.world.revoke(selling_partner_id="ALOCALSELLERNA")
    for token in ("Atza|never-issued", "nonsense", revoked):
        answer = amazon.call("GET", PARTICIPATIONS, token)
        details = "The access token you provided is revoked, malformed or invalid."
        assert answer.error == (403, "Unauthorized", details)


def test_a_token_of_another_region_is_denied_without_a_reason(amazon: Local) -> None:
    headers = {"x-amz-access-token": amazon.token("Atzr|local-seller-eu")}
    answer = amazon.send("GET", f"/sellingpartnerapi-na.amazon.com{PARTICIPATIONS}", headers=headers)
    assert answer.error == (403, "Unauthorized", "")


def test_marketplaces_of_another_region_are_denied(amazon: Local) -> None:
    details = "The marketplaces you provided are not valid for region."
    for marketplaces in ("A1PA6795UKMFR9", "ATVPDKIKX0DER,A1PA6795UKMFR9", "NOSUCHPLACE"):
        answer = amazon.call("GET", "/orders/v0/orders", MarketplaceIds=marketplaces, CreatedAfter="2026-09-01")
        assert answer.error == (403, "Unauthorized", details), marketplaces


def test_marketplaces_of_another_region_are_denied_in_a_body_too(amazon: Local) -> None:
    details = "The marketplaces you provided are not valid for region."
    path = "/reports/2021-06-30/reports"
    body = {"reportType": "GET_FLAT_FILE_OPEN_LISTINGS_DATA", "marketplaceIds": ["A1PA6795UKMFR9"]}
    assert amazon.call("POST", path, body=body).error == (403, "Unauthorized", details)
    assert amazon.call("POST", path, body={**body, "marketplaceIds": ["ATVPDKIKX0DER"]}).status == 202


def test_an_unknown_path_or_method_misses_its_authentication(amazon: Local) -> None:
    token = amazon.token()
    for method, path in (
        ("GET", "/"),
        ("GET", "/orders/v0"),
        ("GET", "/orders/v1/orders"),
        ("GET", "/catalog/v0/items"),  # removed by Amazon
        ("DELETE", "/orders/v0/orders"),
        ("GET", "/orders/v0/orders/{}"),
        ("GET", "/apps/authorize/consent"),
    ):
        for headers in ({"x-amz-access-token": token}, {}):
            answer = amazon.send(method, path, headers=headers)
            assert answer.error == (403, "MissingAuthenticationToken", None), path
            assert answer.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
            assert list(answer.json["errors"][0]) == ["message", "code"]


def test_what_only_the_sandbox_has_is_not_on_a_production_host(amazon: Local) -> None:
    body = {"sellerSku": "A", "marketplaceId": "ATVPDKIKX0DER", "productName": "A"}
    path, token = "/fba/inventory/v1/items", amazon.token()
    refused = amazon.call("POST", f"/sellingpartnerapi-na.amazon.com{path}", token, body)
    assert refused.error == (403, "MissingAuthenticationToken", None)
    for host in ("/sandbox.sellingpartnerapi-na.amazon.com", ""):
        body["sellerSku"] += "B"
        assert amazon.call("POST", f"{host}{path}", token, body).status == 200


def test_a_grantless_operation_wants_a_token_with_its_scope(amazon: Local) -> None:
    path = "/notifications/v1/destinations"
    assert amazon.call("GET", path, amazon.grantless()).status == 200
    assert amazon.call("GET", path, amazon.token()).error == (403, "Unauthorized", "")
    other = amazon.grantless("sellingpartnerapi::client_credential:rotation")
    assert amazon.call("GET", path, other).error == (403, "Unauthorized", "")


def test_a_grantless_token_opens_nothing_of_an_account(amazon: Local) -> None:
    assert amazon.call("GET", PARTICIPATIONS, amazon.grantless()).error == (403, "Unauthorized", "")


@pytest.mark.parametrize(
    ("method", "path", "query", "name"),
    [
        ("GET", "/orders/v0/orders", {}, "MarketplaceIds"),
        ("GET", "/orders/v0/orders", {"MarketplaceIds": ""}, "MarketplaceIds"),
        ("GET", "/reports/2021-06-30/schedules", {}, "reportTypes"),
        ("POST", "/fba/inventory/v1/items/inventory", {}, "x-amzn-idempotency-token"),
    ],
)
def test_a_missing_required_parameter_is_invalid_input(
    amazon: Local, method: str, path: str, query: dict[str, str], name: str
) -> None:
    answer = amazon.call(method, path, body={} if method == "POST" else None, **query)
    assert answer.error == (400, "InvalidInput", f"Missing required parameter: {name}")
    assert answer.json["errors"][0]["message"] == "Invalid Input"


def test_a_missing_or_broken_body_is_invalid_input(amazon: Local) -> None:
    token = {"x-amz-access-token": amazon.token()}
    for body, details in (
        (None, "Request body is missing"),
        ("{", "Request body is not valid JSON"),
        (b'{"reportType": "\xff"}', "Request body is not valid JSON"),
        ("[" * 100_000, "Request body is not valid JSON"),
    ):
        answer = amazon.send("POST", "/reports/2021-06-30/reports", body, token)
        assert answer.error == (400, "InvalidInput", details)


def test_every_answer_has_amazons_headers(amazon: Local) -> None:
    fine = amazon.call("GET", PARTICIPATIONS)
    wrong = amazon.call("GET", "/orders/v0/orders")
    missing = amazon.call("GET", "/orders/2026-01-01/orders/901-0000000-0000000")
    denied = amazon.call("GET", PARTICIPATIONS, "no")
    assert [answer.status for answer in (fine, wrong, missing, denied)] == [200, 400, 404, 403]
    for answer in (fine, wrong, missing, denied):
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", answer.headers["x-amzn-requestid"])
        assert answer.headers["x-amz-apigw-id"].endswith("=")
        assert answer.headers["x-amzn-trace-id"].startswith("Root=1-")
        assert answer.headers["content-type"] == "application/json"
    assert len({answer.headers["x-amzn-requestid"] for answer in (fine, wrong, missing, denied)}) == 4
    assert "x-amzn-errortype" not in fine.headers
    assert wrong.headers["x-amzn-errortype"] == "ValidationException"
    assert missing.headers["x-amzn-errortype"] == "ResourceNotFoundException"
    assert denied.headers["x-amzn-errortype"] == "AccessDeniedException"


def test_the_rate_comes_with_successes_400_and_404_only(amazon: Local) -> None:
    orders = "/orders/2026-01-01/orders"
    rates = [
        (amazon.call("GET", PARTICIPATIONS), "0.016"),
        (amazon.call("GET", orders), "0.0056"),
        (amazon.call("GET", f"{orders}/901-0000000-0000000"), "0.5"),
        (amazon.call("POST", "/orders/v0/orders/1/shipmentConfirmation", body={}), "2.0"),
        (amazon.call("GET", PARTICIPATIONS, "no"), None),
        (amazon.call("GET", "/finances/transfers/nowhere"), None),
    ]
    assert [answer.status for answer, _ in rates] == [200, 400, 404, 400, 403, 403]
    assert [answer.headers.get("x-amzn-ratelimit-limit") for answer, _ in rates] == [rate for _, rate in rates]


def test_an_operation_whose_rate_nobody_knows_names_none(amazon: Local) -> None:
    unknown = next(
        one
        for one in catalog.operations()
        if one.rate is None and one.path == "/supplySources/2020-07-01/supplySources"
    )
    answer = amazon.call(unknown.method, unknown.path)
    assert answer.status == 200
    assert "x-amzn-ratelimit-limit" not in answer.headers


def test_what_foreign_clients_send_besides_is_passed_over(amazon: Local) -> None:
    headers = {
        "x-amz-access-token": amazon.token(),
        "authorization": "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260921/us-east-1/execute-api/aws4_request",
        "x-amz-security-token": "x",
        "x-amz-date": "20260921T141320Z",
        "content-type": "application/json",
    }
    doubled = "MarketplaceId=ATVPDKIKX0DER&MarketplaceIds=ATVPDKIKX0DER&marketplace_ids=x&marketplaceIds=ATVPDKIKX0DER"
    for target in (f"{PARTICIPATIONS}?{doubled}", f"/orders/v0/orders?CreatedAfter=2026-09-01&{doubled}&{doubled}"):
        assert amazon.send("GET", target, headers=headers).status == 200, target


def test_a_body_where_none_belongs_is_passed_over(amazon: Local) -> None:
    headers = {"x-amz-access-token": amazon.token()}
    path = "/reports/2021-06-30/schedules"
    asked = {"reportType": "GET_XML", "marketplaceIds": ["ATVPDKIKX0DER"], "period": "P1D"}
    for body in ("{}", "not json"):
        id = amazon.call("POST", path, body=asked).json["reportScheduleId"]
        assert amazon.send("DELETE", f"{path}/{id}", body, headers).status == 200


def test_a_path_is_matched_before_it_is_decoded(amazon: Local) -> None:
    path = "/listings/2021-08-01/items/ALOCALSELLERNA/A%2FB%20c%2B1"
    answer = amazon.call("DELETE", path, marketplaceIds="ATVPDKIKX0DER")
    assert answer.status == 200
    assert answer.json["sku"] == "A/B c+1"
    assert amazon.call("DELETE", path.replace("%2F", "/"), marketplaceIds="ATVPDKIKX0DER").status == 403


def test_a_greedy_path_parameter_takes_slashes(amazon: Local) -> None:
    path = "/uploads/2020-11-01/uploadDestinations/messaging/v1/orders/1/messages/legalDisclosure"
    answer = amazon.call("POST", path, marketplaceIds="ATVPDKIKX0DER", contentMD5="x")
    assert answer.status == 201
    assert "uploadDestinationId" in answer.json["payload"]


def test_what_arrived_is_remembered_with_secrets_masked(amazon: Local) -> None:
    token = amazon.token()
    target = f"/sellingpartnerapi-na.amazon.com{PARTICIPATIONS}?a=1&refresh_token=Atzr%7Cx"
    amazon.send("GET", target, headers={"x-amz-access-token": token, "authorization": "secret", "x-other": "seen"})
    amazon.send(
        "POST", "/auth/o2/token", '{"client_secret": "hush", "n": [{"code": "hush"}]}', {"content-type": "a/json"}
    )
    asked, called, sent = amazon.control("GET", "requests").json["requests"]
    assert (asked["host"], asked["path"], asked["status"]) == ("api.amazon.com", "/auth/o2/token", 200)
    assert dict(asked["body"])["client_secret"] == dict(asked["body"])["refresh_token"] == "***"
    assert dict(asked["body"])["client_id"] == "amzn1.application-oa2-client.local"
    assert called["time"] == NOW
    assert (called["method"], called["host"]) == ("GET", "sellingpartnerapi-na.amazon.com")
    assert (called["path"], called["query"]) == (PARTICIPATIONS, [["a", "1"], ["refresh_token", "***"]])
    assert called["headers"]["x-amz-access-token"] == called["headers"]["authorization"] == "***"
    assert called["headers"]["x-other"] == "seen"
    assert called["status"] == 200
    assert sent["body"] == {"client_secret": "***", "n": [{"code": "***"}]}
    assert sent["status"] == 400
    text = repr(list(amazon.world.requests))
    assert token not in text
    assert "hush" not in text
    assert "local-secret" not in text
    assert amazon.control("DELETE", "requests").json == {"requests": []}
    assert amazon.control("GET", "requests").json == {"requests": []}


def test_of_a_large_body_its_length_is_remembered(amazon: Local) -> None:
    for size, shown in ((2**15, "x" * (2**15 - 2)), (2**15 + 1, f"{2**15 + 1} bytes")):
        amazon.send("POST", "/orders/v0", json.dumps("x" * (size - 2)))
        assert amazon.world.requests[-1]["body"] == shown
