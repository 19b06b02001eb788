"""The connector API over HTTP: shapes, who may do what, and every bad input."""

from __future__ import annotations

import uuid

import msgspec
import pytest

from sellerport.connectors import fields
from sellerport.emulator import Fault
from sellerport.errors import AmazonNotFound, GrantRevoked, NotFound, Throttled

CONNECTORS = "/api/v1/integrations/connectors"
INITIATE = f"{CONNECTORS}/oauth/initiate"
TOKEN = "/api/v1/account/applications/token"
DEFINITION = "e55879a8-0ef8-4557-abcf-ab34c53ec460"
REPLICATION = {"replication_start_date": "2017-01-25T00:00:00Z"}
SHOP = "https://shop.example.test/oauth"
OWN = {"lwa_app_id": "amzn1.application-oa2-client.test", "lwa_client_secret": "amzn1.oa2-cs.v1.test-secret"}
TYPED = {"workspace_name": "ann", "connector_type": "amazon-seller-partner"}


def assert_refused(answer, status, code, *field_and_message):
    """Check an error's whole shape, and its first entry."""
    body = answer.json
    assert (answer.status, set(body)) == (status, {"message", "errors", "request_id"})
    assert body["request_id"] == answer.headers["x-request-id"]
    first = body["errors"][0]
    assert set(first) == {"field", "message", "error_code", "details"}
    assert first["error_code"] == code
    assert body["message"]
    if field_and_message:
        field, message = (*field_and_message, "")[:2]
        assert first["field"] == field
        assert message in first["message"]


async def granted(server):
    return server.world.grant("ALOCALSELLERNA", OWN["lwa_app_id"]).refresh_token


async def create(server, **more):
    body = {**TYPED, "credentials": {**OWN, "refresh_token": await granted(server)}, **more}
    return await server.api("POST", CONNECTORS, body)


def test_a_backend_goes_the_whole_way_over_http(house):
    async def scenario(server):
        body = {"client_id": server.client_id, "client_secret": server.client_secret}
        answer = await server.api("POST", TOKEN, body)
        token = answer.json["access_token"]
        assert answer.json == {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": 900,
            "organization_id": server.organization.id,
        }
        assert answer.headers["cache-control"] == "no-store"
        answer = await server.api("POST", INITIATE, {**TYPED, "redirect_url": f"{SHOP}?user_id=7"}, token=token)
        assert (answer.status, set(answer.json)) == (200, {"consent_url"})
        ended = await server.browser.consent(answer.json["consent_url"])
        assert ended.query["user_id"] == ["7"]
        (id,) = ended.query["connector_id"]
        answer = await server.api(
            "POST", f"{CONNECTORS}/{id}/execute", {"entity": "orders", "action": "list", "params": {"limit": 1}}
        )
        assert answer.json["status"] == "success"
        assert len(answer.json["result"]) == 1
        assert answer.json["connector_metadata"]["next_token"]
        assert answer.json["execution_metadata"]["connector_instance_id"] == f"source_id:{id}"
        assert isinstance(answer.json["execution_metadata"]["execution_time_ms"], int)
        order = answer.json["result"][0]["AmazonOrderId"]
        answer = await server.api(
            "POST", f"{CONNECTORS}/{id}/execute", {"entity": "orders", "action": "get", "params": {"order_id": order}}
        )
        assert answer.json["result"]["AmazonOrderId"] == order
        assert answer.json["connector_metadata"] is None

    house.run(scenario)


def test_create_answers_a_connector_without_its_credentials(house):
    async def scenario(server):
        answer = await create(server, name="Own", environment={"region": "DE"}, replication_config=REPLICATION)
        assert answer.status == 200
        body = answer.json
        template = body.pop("source_template")
        assert (template["source_definition_id"], template["mode"]) == (DEFINITION, "DIRECT")
        assert template["user_config_spec"]["connectionSpecification"]["type"] == "object"
        assert body == {
            "id": body["id"],
            "name": "Own",
            "replication_config": REPLICATION,
            "entities": [],
            "created_at": "2027-01-15T08:00:00.000Z",
            "updated_at": "2027-01-15T08:00:00.000Z",
            "workspace_name": "ann",
            "platform": "seller-partner",
            "status": "active",
            "region": "eu",
            "marketplace": "A1PA6795UKMFR9",
            "selling_partner_id": None,
            "profiles": None,
            "profile_id": None,
            "last_success_at": None,
            "last_error_at": None,
            "last_error": None,
        }
        assert str(uuid.UUID(body["id"])) == body["id"]
        assert "test-secret" not in answer.text
        assert "Atzr" not in answer.text
        assert (await server.api("GET", f"{CONNECTORS}/{body['id']}")).json == answer.json

    house.run(scenario)


def test_a_grant_of_a_registered_application_needs_no_secret(house):
    async def scenario(server):
        answer = await create(server, credentials={"refresh_token": await granted(server)})
        assert answer.status == 200
        assert len(await server.orders(answer.json["id"])) > 0
        named = await create(server, credentials={"refresh_token": "Atzr|x"}, application="nameless")
        assert_refused(named, 404, "not_found", None, "no seller-partner application 'nameless'")

    house.run(scenario)


def test_list_answers_summaries_of_one_user_or_all(house):
    async def scenario(server):
        ids = [(await create(server)).json["id"], (await create(server, workspace_name="bob")).json["id"]]
        everyone = (await server.api("GET", CONNECTORS)).json
        assert {one["id"] for one in everyone["data"]} == set(ids)
        assert everyone["data"][0]["summarized_source_template"]["connector_name"] == "amazon-seller-partner"
        assert "source_template" not in everyone["data"][0]
        for name in ("workspace_name", "customer_name", "external_user_id"):
            found = (await server.api("GET", f"{CONNECTORS}?{name}=ann&definition_id={DEFINITION}")).json
            assert [one["id"] for one in found["data"]] == ids[:1]
        assert (await server.api("GET", f"{CONNECTORS}?definition_id={uuid.uuid4()}")).json == {"data": []}
        two = await server.api("GET", f"{CONNECTORS}?workspace_name=ann&customer_name=bob")
        assert_refused(two, 422, "value_error", "workspace_name", "names another one")
        nobody = await server.api("GET", f"{CONNECTORS}?external_user_id=")
        assert_refused(nobody, 422, "value_error", "external_user_id", "must not be empty")
        unknown = await server.api("GET", f"{CONNECTORS}?workspace_id={uuid.uuid4()}")
        assert_refused(unknown, 404, "not_found", None, "Workspace not found")
        malformed = await server.api("GET", f"{CONNECTORS}?workspace_id=x")
        assert_refused(malformed, 422, "value_error", "workspace_id", "must be a UUID")
        (bob,) = (await server.api("GET", "/api/v1/workspaces?name_contains=BO")).json["data"]
        by_id = (await server.api("GET", f"{CONNECTORS}?workspace_id={bob['id']}")).json
        assert [one["id"] for one in by_id["data"]] == ids[1:]
        mixed = await server.api("GET", f"{CONNECTORS}?workspace_id={bob['id']}&workspace_name=ann")
        assert_refused(mixed, 422, "value_error", "workspace_id", "names another one")

    house.run(scenario)


def test_delete_answers_a_job_and_the_connector_is_gone(house):
    async def scenario(server):
        id = (await create(server)).json["id"]
        answer = await server.api("DELETE", f"{CONNECTORS}/{id}")
        assert (answer.status, set(answer.json)) == (202, {"job_id"})
        for method, path in (("GET", id), ("DELETE", id), ("POST", f"{id}/execute")):
            body = {"entity": "orders", "action": "list"} if method == "POST" else None
            gone = await server.api(method, f"{CONNECTORS}/{path}", body)
            assert_refused(gone, 404, "not_found", None, f"no connection {id!r}")

    house.run(scenario)


def test_another_organizations_connector_is_not_there(house):
    async def scenario(server):
        id = (await create(server)).json["id"]
        other = await server.hub.organizations.create("Other")
        client = await server.hub.access.create_client(other.id, "backend")
        token = (await server.hub.access.issue(client.id, client.secret)).token
        unknown = str(uuid.uuid4())
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/execute")):
            body = {"entity": "orders", "action": "list"} if method == "POST" else None
            theirs = await server.api(method, f"{CONNECTORS}/{id}{path}", body, token=token)
            nobodys = await server.api(method, f"{CONNECTORS}/{unknown}{path}", body, token=token)
            assert theirs.status == nobodys.status == 404
            assert theirs.json["message"].replace(id, unknown) == nobodys.json["message"]
        renewed = await server.api("POST", INITIATE, {"connector_id": id}, token=token)
        assert_refused(renewed, 404, "not_found")
        assert (await server.api("GET", CONNECTORS, token=token)).json == {"data": []}
        assert (await server.api("GET", f"{CONNECTORS}/{id}")).status == 200

    house.run(scenario)


def test_the_organization_header_has_to_name_the_tokens_organization(house):
    async def scenario(server):
        header = "X_Organization_Id"
        assert (await server.api("GET", CONNECTORS, **{header: server.organization.id})).status == 200
        assert (await server.api("GET", CONNECTORS, **{header: server.organization.id.upper()})).status == 200
        malformed = await server.api("GET", CONNECTORS, **{header: "acme"})
        assert_refused(malformed, 422, "value_error", "X-Organization-Id", "must be a UUID")
        foreign = await server.api("GET", CONNECTORS, **{header: str(uuid.uuid4())})
        assert_refused(foreign, 403, "not_allowed")

    house.run(scenario)


def test_a_wrong_secret_gets_no_token(house):
    async def scenario(server):
        answer = await server.api("POST", TOKEN, {"client_id": server.client_id, "client_secret": "wrong"})
        assert_refused(answer, 401, "unauthenticated", None, "no API client has this id and secret")

    house.run(scenario)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"text"', b"\xff", b"[" * 10_000])
def test_a_body_that_is_no_object_is_refused(sqlite_house, body):
    async def scenario(server):
        for path in (TOKEN, INITIATE, CONNECTORS, f"{CONNECTORS}/x/execute"):
            answer = await server.api("POST", path, body)
            assert_refused(answer, 422, "value_error", "body", "must be a JSON object")

    sqlite_house.run(scenario)


def test_a_body_that_is_too_large_is_refused(house):
    async def scenario(server):
        answer = await server.api("POST", CONNECTORS, b" " * ((1 << 20) + 1))
        assert_refused(answer, 413, "invalid_request")

    house.run(scenario)


def test_every_problem_of_a_body_is_listed_with_its_field(house):
    async def scenario(server):
        body = {"action": 1, "params": [], "select_fields": ["a", 2], "intent": "x" * 513}
        answer = await server.api("POST", f"{CONNECTORS}/x/execute", body)
        assert answer.status == 422
        found = {entry["field"]: entry["message"] for entry in answer.json["errors"]}
        assert list(found) == ["entity", "action", "params", "select_fields.1", "intent"]
        assert found["entity"] == "is required"
        assert found["action"] == "Expected `str`, got `int`"
        facts = answer.json["errors"][0]["details"]
        assert [problem["field"] for problem in facts["problems"]] == list(found)
        assert [entry["details"] for entry in answer.json["errors"][1:]] == [None] * 4

    house.run(scenario)


ONE_OF = "Value error, One of connector_type, definition_id, or source_template_id must be provided"


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        ({"connector_type": "amazon-seller-partner"}, "workspace_name", "is required"),
        ({"workspace_name": "a", "customer_name": "b", **TYPED}, "workspace_name", "names another one"),
        ({**TYPED, "workspace_name": ""}, "workspace_name", "must not be empty"),
        ({"workspace_name": "ann"}, "body", ONE_OF),
        ({**TYPED, "definition_id": DEFINITION}, "body", ONE_OF),
        ({"workspace_name": "ann", "connector_type": "amazon-dsp"}, "connector_type", "unknown connector 'amazon-dsp'"),
        ({"workspace_name": "ann", "definition_id": str(uuid.uuid4())}, "definition_id", "unknown connector"),
        ({**TYPED, "environment": {"region": "Mars"}}, "environment.region", "'Mars'"),
        ({**TYPED, "environment": "na"}, "environment", "Expected `object | null`, got `str`"),
    ],
)
def test_bad_input_to_initiate_and_create_names_the_field(sqlite_house, body, field, said):
    async def scenario(server):
        for path, more in ((INITIATE, {"redirect_url": SHOP}), (CONNECTORS, {"credentials": {"refresh_token": "x"}})):
            assert_refused(await server.api("POST", path, body | more), 422, "value_error", field, said)
        assert (await server.api("GET", CONNECTORS)).json == {"data": []}

    sqlite_house.run(scenario)


@pytest.mark.parametrize("kind", ["Amazon-Seller-Partner", "AMAZON-SELLER-PARTNER", "Amazon Seller Partner"])
def test_a_connector_is_known_under_all_its_names(sqlite_house, kind):
    async def scenario(server):
        named = {"connector_type": kind, "customer_name": "ann", "redirect_url": SHOP}
        assert (await server.api("POST", INITIATE, named)).status == 200
        by_id = {"definition_id": DEFINITION, "external_user_id": "ann", "redirect_url": SHOP}
        assert (await server.api("POST", INITIATE, by_id)).status == 200

    sqlite_house.run(scenario)


def test_bad_input_to_initiate_alone_names_the_field(house):
    async def scenario(server):
        foreign = await server.api("POST", INITIATE, {**TYPED, "redirect_url": "https://evil.example/"})
        assert_refused(foreign, 422, "value_error", "redirect_url", "is not registered")
        vendor = await server.api("POST", INITIATE, {**TYPED, "environment": {"account": "buyer"}})
        assert_refused(vendor, 422, "value_error", "environment.account", "'seller' or 'vendor'")

    house.run(scenario)


def test_initiate_without_an_application_says_what_is_missing(house):
    async def scenario(server):
        other = await server.hub.organizations.create("Other")
        client = await server.hub.access.create_client(other.id, "backend")
        token = (await server.hub.access.issue(client.id, client.secret)).token
        answer = await server.api("POST", INITIATE, TYPED, token=token)
        said = "No organization-specific source template configured for this connector type."
        assert_refused(answer, 400, "invalid_request", None, said)

    house.run(scenario)


@pytest.mark.parametrize(
    ("credentials", "status", "said"),
    [
        ({}, 400, "Credentials do not match any auth scheme. Provided keys: []."),
        ({"api_key": "x"}, 400, "Provided keys: ['api_key']"),
        ({"refresh_token": "x", "lwa_app_id": "y"}, 400, "Available schemes: "),
        ({**OWN, "refresh_token": 7}, 422, "must be a text that is not empty"),
        ({**OWN, "refresh_token": " "}, 422, "must be a text that is not empty"),
        (None, 422, "is required"),
        ({**OWN, "refresh_token": "x", "selling_partner_id": "A b"}, 422, "must have 1 to 64 letters and digits"),
        ({**OWN, "refresh_token": "x", "selling_partner_id": "A" * 65}, 422, "must have 1 to 64 letters and digits"),
        (
            {**OWN, "refresh_token": "x", "selling_partner_id": "\u0410SELLER"},
            422,
            "must have 1 to 64 letters and digits",
        ),
    ],
)
def test_credentials_that_fit_nothing_are_refused_and_not_shown(sqlite_house, credentials, status, said):
    async def scenario(server):
        answer = await server.api("POST", CONNECTORS, {**TYPED, "credentials": credentials})
        assert answer.status == status
        assert said in answer.json["errors"][0]["message"]
        assert "test-secret" not in answer.text

    sqlite_house.run(scenario)


def test_a_selling_partner_id_that_is_none_is_named_and_a_good_one_kept(house):
    async def scenario(server):
        wrong = {**TYPED, "credentials": {**OWN, "refresh_token": "x", "selling_partner_id": "A/B"}}
        answer = await server.api("POST", CONNECTORS, wrong)
        assert_refused(answer, 422, "value_error", "credentials.selling_partner_id", "letters and digits")
        good = {**TYPED, "credentials": {**OWN, "refresh_token": "x", "selling_partner_id": "A" * 64}}
        assert (await server.api("POST", CONNECTORS, good)).status == 200
        (made,) = await server.hub.connections.all(server.caller)
        assert made.selling_partner_id == "A" * 64

    house.run(scenario)


def test_an_unknown_secret_id_is_refused(house):
    async def scenario(server):
        answer = await server.api("POST", CONNECTORS, {**TYPED, "server_side_oauth_secret_id": "x"})
        assert (answer.status, answer.json["message"]) == (400, "Invalid secret_id")

    house.run(scenario)


def test_a_revoked_grant_is_told_with_what_to_do(house):
    async def scenario(server):
        id = (await create(server)).json["id"]
        server.world.revoke()
        body = {"entity": "orders", "action": "list"}
        for _ in range(2):
            answer = await server.api("POST", f"{CONNECTORS}/{id}/execute", body)
            assert_refused(answer, 409, "grant_revoked", None, "start the consent flow with this connector_id")
            assert answer.json["errors"][0]["details"]["code"] == "grant_revoked"
        assert (await server.api("GET", f"{CONNECTORS}/{id}")).json["status"] == "needs_consent"
        link = (await server.api("POST", INITIATE, {"connector_id": id, "redirect_url": SHOP})).json["consent_url"]
        assert (await server.browser.consent(link)).query["connector_id"] == [id]
        assert (await server.api("GET", f"{CONNECTORS}/{id}")).json["status"] == "active"
        assert (await server.api("POST", f"{CONNECTORS}/{id}/execute", body)).status == 200

    house.run(scenario)


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (Fault(status=400, times=9), 400, "amazon_refused"),
        (Fault(status=401, times=9), 403, "access_denied"),
        (Fault(status=403, times=9), 403, "access_denied"),
        (Fault(status=404, times=9), 404, "amazon_not_found"),
        (Fault(status=429, times=9), 429, "throttled"),
        (Fault(status=500, times=9), 502, "amazon_unavailable"),
        (Fault(status=503, times=9), 502, "amazon_unavailable"),
        (Fault(status=200, answer="html", times=9), 502, "amazon_unavailable"),
        (Fault(status=200, answer="empty", times=9), 502, "amazon_unavailable"),
        (Fault(answer="reset", times=9), 504, "no_answer"),
        (Fault(answer="silence", times=9), 504, "no_answer"),
    ],
    ids=lambda value: f"{value.answer}-{value.status}" if isinstance(value, Fault) else None,
)
def test_what_amazon_answers_has_its_status_here(sqlite_house, fault, status, code):
    async def scenario(server):
        id = (await create(server)).json["id"]
        await server.orders(id)
        server.world.fail(fault)
        answer = await server.api("POST", f"{CONNECTORS}/{id}/execute", {"entity": "orders", "action": "list"})
        assert_refused(answer, status, code)
        assert ("retry-after" in answer.headers) == (status == 429)
        assert int(answer.headers.get("retry-after", 1)) >= 1

    sqlite_house.run(scenario)


def test_an_unknown_entity_or_action_is_told(house):
    async def scenario(server):
        id = (await create(server)).json["id"]
        unknown = await server.api("POST", f"{CONNECTORS}/{id}/execute", {"entity": "odrers", "action": "list"})
        assert_refused(unknown, 404, "unknown_operation", None, "odrers")
        missing = await server.api("POST", f"{CONNECTORS}/{id}/execute", {"entity": "orders", "action": "get"})
        assert_refused(missing, 422, "value_error")
        assert "order" in missing.json["errors"][0]["field"].lower()

    house.run(scenario)


@pytest.mark.parametrize("params", [None, {}, {"limit": 1}, {"CreatedAfter": "2020-01-01T00:00:00Z"}])
def test_parameters_may_be_missing_null_or_spelled_as_amazon_does(sqlite_house, params):
    async def scenario(server):
        id = (await create(server)).json["id"]
        body = {"entity": "orders", "action": "list", "params": params, "unknown_to_us": 1}
        answer = await server.api("POST", f"{CONNECTORS}/{id}/execute", body)
        assert (answer.status, answer.json["result"] != []) == (200, True)

    sqlite_house.run(scenario)


def test_every_operation_of_the_catalogue_can_be_executed(house):
    async def scenario(server):
        id = (await create(server)).json["id"]
        body = {"entity": "sellers_v1", "action": "getMarketplaceParticipations"}
        answer = await server.api("POST", f"{CONNECTORS}/{id}/execute", body)
        assert answer.status == 200
        assert answer.json["result"]["payload"]

    house.run(scenario)


def test_fields_are_chosen_per_record(house):
    async def scenario(server):
        id = (await create(server)).json["id"]
        body = {"entity": "orders", "action": "list", "select_fields": ["AmazonOrderId", "OrderTotal.Amount", "None"]}
        orders = (await server.api("POST", f"{CONNECTORS}/{id}/execute", body)).json["result"]
        assert {key for order in orders for key in order} == {"AmazonOrderId", "OrderTotal"}
        body = {"entity": "orders", "action": "list", "exclude_fields": ["AmazonOrderId"]}
        orders = (await server.api("POST", f"{CONNECTORS}/{id}/execute", body)).json["result"]
        assert all("AmazonOrderId" not in order and "OrderStatus" in order for order in orders)

    house.run(scenario)


def test_lists_are_truncated_when_asked_for(house):
    async def scenario(server):
        id = (await create(server)).json["id"]
        server.wire.app = answering({"payload": {"Orders": [{"BuyerInvoicePreference": "x" * 300}]}}, server.amazon)
        body = {"entity": "orders", "action": "list"}
        whole = await server.api("POST", f"{CONNECTORS}/{id}/execute", body)
        assert whole.json["result"] == [{"BuyerInvoicePreference": "x" * 300}]
        cut = await server.api("POST", f"{CONNECTORS}/{id}/execute", body | {"skip_truncation": False})
        assert cut.json["result"] == [{"BuyerInvoicePreference": "x" * 200 + fields.NOTICE}]

    house.run(scenario)


def test_the_librarys_client_gets_the_same_results_and_errors_through_the_server(house):
    async def scenario(server):
        id = await server.connect()
        client = server.client(id)
        result = await client.orders_v0.get_orders(created_after="2020-01-01T00:00:00Z")
        assert result.payload["Orders"] == await server.orders(id)
        assert result.request_id
        server.world.fail(Fault(status=404, code="NotFound", message="no such order", details="really"))
        with pytest.raises(AmazonNotFound) as caught:
            await client.orders_v0.get_order(order_id="123-1234567-1234567")
        error = caught.value
        assert (error.status, error.amazon_code, error.message) == (404, "NotFound", "no such order")
        assert (error.details, error.operation) == ("really", "orders_v0.get_order")
        server.world.fail(Fault(status=429, times=9))
        with pytest.raises(Throttled) as throttled:
            await client.sellers_v1.get_marketplace_participations()
        assert throttled.value.retry_after > 0
        server.world.faults.clear()
        server.world.revoke()
        server.clock.advance(3600)
        with pytest.raises(GrantRevoked, match="consent again"):
            await client.orders_v0.get_order(order_id="123-1234567-1234567")
        with pytest.raises(NotFound):
            await server.client("nobody").orders_v0.get_order(order_id="123-1234567-1234567")

    house.run(scenario)


RECORD = {"id": 1, "a": {"b": {"c": 2, "d": 3}, "e": 4}, "x.y": 5, "list": [{"z": 6}]}


@pytest.mark.parametrize(
    ("select", "exclude", "chosen"),
    [
        (["id"], ["id"], {"id": 1}),
        (["a.b.c", "a.e"], None, {"a": {"b": {"c": 2}, "e": 4}}),
        (["a.b.c", "a.b.d"], None, {"a": {"b": {"c": 2, "d": 3}}}),
        (["x.y", "list.z", "no", "id.no"], None, {"x.y": 5}),
        ([], ["a.b", "x.y", "list.z", "no.no"], {"id": 1, "a": {"e": 4}, "list": [{"z": 6}]}),
        (None, None, RECORD),
    ],
)
def test_paths_of_fields(select, exclude, chosen):
    assert fields.choose(RECORD, select, exclude) == chosen
    assert fields.choose([RECORD, 7], select, exclude) == [chosen, 7]
    assert fields.choose({"data": [RECORD], "meta": 1}, select, exclude) == {"data": [chosen], "meta": 1}


def test_a_page_has_fields_chosen_of_its_records():
    page = {"campaigns": [{"id": 1, "a": {"b": 2, "c": 3}}], "nextToken": "x"}
    whole, of = {"campaigns": [{"id": 1, "a": {"b": 2}}], "nextToken": "x"}, "campaigns"
    assert fields.choose(page, ["id", "a.b"], None, of) == whole
    assert fields.choose(page, None, ["a"], of) == {"campaigns": [{"id": 1}], "nextToken": "x"}
    assert fields.choose(page, ["campaigns"], None, of) == {"campaigns": page["campaigns"]}
    assert fields.choose(page, None, ["nextToken"], of) == {"campaigns": page["campaigns"]}


def test_choosing_fields_changes_nothing_that_was_given():
    before = {"a": {"b": 1, "c": 2}}
    fields.choose(before, None, ["a.b"])
    fields.choose(before, ["a.b", "a.c"], None)
    assert before == {"a": {"b": 1, "c": 2}}


def test_long_texts_are_cut_only_when_asked_for():
    cut = fields.truncate({"short": "x" * 200, "deep": [{"long": "y" * 201}], "number": 1})
    assert cut["short"] == "x" * 200
    assert cut["deep"][0]["long"].startswith("y" * 200 + "… (truncated")
    assert cut["number"] == 1


def answering(body, otherwise):
    """Return an Amazon whose SP-API answers everything with one body."""

    async def app(scope, receive, send):
        if "/api.amazon.com/" in scope["path"]:
            await otherwise(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": msgspec.json.encode(body)})

    return app
